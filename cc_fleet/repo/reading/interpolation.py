"""``$V``, ``${V}`` and ``${V:-default}`` as Docker and compose fill them in: every value of a name, with its place.

A name of several values makes a text of several, up to ``MOST``.  What an operator makes of a value
that is not known is not known either, and says why.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from cc_fleet.model import Place
from cc_fleet.records import NamedTuple
from cc_fleet.repo.reading.values import UNKNOWN, Filled, Value

MOST = 16  # values of one text
LONGEST = 10_000  # characters of a value: one that doubles itself line by line ends here
DEPTH = 20  # of defaults within defaults
PARTS = 100  # of a value that are told apart

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_EXPRESSION = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(\}|:?[-+?]|##?|%%?)?")


class Rules(NamedTuple):
    """A language: ``escape`` takes the next character as it is (none: ``$$`` is a dollar), ``quotes`` are taken off."""

    escape: str = ""
    quotes: bool = False


COMPOSE = Rules()


class Reading(NamedTuple):
    """What a text is filled from: ``lookup`` has a name's values, none where it is not set; ``place`` where a character stands."""

    rules: Rules
    lookup: Callable[[str], tuple[Value, ...]]
    place: Callable[[int, str], Place]


class _Piece(NamedTuple):
    """A part of a text: one that is written there, or the ``values`` of an expression."""

    at: int
    text: str
    values: tuple[Value, ...] = ()


class _TooDeep(Exception):
    """More defaults within defaults than anybody writes."""


def fill(text: str, reading: Reading) -> tuple[Value, ...]:
    """``text`` with its names filled in, once for each combination of their values.

    A value has the place of the last name in it that is known, else its own.  ``UNKNOWN`` stands
    in it where a part is not known; one of which nothing is known has no text.
    """
    try:
        pieces, _ = _scan(text, 0, "", reading, 0)
    except _TooDeep:
        return (Value(None, None, "an expression that is nested too deep"),)
    return _joined(pieces, reading)


def filled(value: Value) -> Filled:
    """A value of a text as a text that was filled in: its place only where a name in it has one."""
    if value.text is None:
        return Filled(UNKNOWN, value.place, value.why)
    return Filled(value.text, value.place if value.parts else None, value.why)


def _scan(text: str, at: int, stop: str, reading: Reading, depth: int) -> tuple[list[_Piece], int]:
    """The pieces of ``text`` from ``at`` up to ``stop`` (or its end), and where that stands."""
    if depth > DEPTH:
        raise _TooDeep
    escape, quotes = reading.rules
    plain = re.compile(rf"[^${re.escape(escape)}{chr(39) + chr(34) if quotes else ''}{re.escape(stop)}]+")
    pieces: list[_Piece] = []
    double = False
    while at < len(text):
        char, piece = text[at], None
        if found := plain.match(text, at):
            piece, at = _Piece(at, found[0]), found.end()
        elif stop and char == stop and not double:
            break
        elif char == "'" and quotes and not double and (end := text.find("'", at + 1)) >= 0:
            piece, at = _Piece(at + 1, text[at + 1 : end]), end + 1
        elif char == '"' and quotes:
            double, at = not double, at + 1
        elif char == escape:
            piece, at = _Piece(at + 1, _escaped(text, at, double=double)), at + 2
        elif char == "$":
            piece, at = _dollar(text, at, reading, depth)
        else:
            piece, at = _Piece(at, char), at + 1
        if piece is not None and (piece.text or piece.values):
            pieces.append(piece)
    return pieces, at


def _escaped(text: str, at: int, *, double: bool) -> str:
    following = text[at + 1 : at + 2]
    if following == "\n":
        return ""
    return text[at] + following if double and following not in ('"', "$", text[at]) else following


def _dollar(text: str, at: int, reading: Reading, depth: int) -> tuple[_Piece, int]:
    if not reading.rules.escape and text.startswith("$$", at):
        return _Piece(at, "$"), at + 2
    if found := _NAME.match(text, at + 1):
        return _Piece(at, "", _known(reading.lookup(found[0]), f"${found[0]}")), found.end()
    found = _EXPRESSION.match(text, at + 1)
    if found is None:
        return _Piece(at, "$"), at + 1
    name, operator = found[1], found[2] or ""
    if operator == "}":
        return _Piece(at, "", _known(reading.lookup(name), f"${{{name}}}")), found.end()
    pieces, end = _scan(text, found.end(), "}", reading, depth + 1)
    whole = text[at : end + 1] if end - at < 60 else f"${{{name}…}}"
    word = _joined(pieces, reading) if pieces else (Value("", reading.place(found.end(), "")),)
    return _Piece(at, "", _operated(reading.lookup(name), operator, word, whole)), end + 1


def _operated(values: tuple[Value, ...], operator: str, word: tuple[Value, ...], whole: str) -> tuple[Value, ...]:
    """What ``${NAME operator word}`` is, given the values of the name."""
    known = tuple(value for value in values if value.text is not None and (value.text or ":" not in operator))
    if operator.endswith("-"):
        return known[:MOST] or word
    if operator.endswith("+"):
        given = any(value.text is None and value.place is not None for value in values)
        return word if known else _unknown(whole) if given else (Value(""),)
    if operator.endswith("?") or not operator:
        return _known(known or tuple(value for value in values if value.text is None), whole) if operator else _unknown(whole)
    plain = word[0].text is not None and not re.search(r"[*?\[\\\0]", word[0].text)
    return tuple(_cut(value, operator, word[0].text or "") for value in known[:MOST]) if known and plain else _unknown(whole)


def _cut(value: Value, operator: str, pattern: str) -> Value:
    text = value.text or ""
    kept = text.removeprefix(pattern) if operator[0] == "#" else text.removesuffix(pattern)
    if kept == text or value.place is None or value.place.column is None or value.place.text != text:
        return Value(kept, value.place)
    begin = len(text) - len(kept) if operator[0] == "#" else 0
    return Value(kept, value.place._replace(column=value.place.column + begin, text=kept))


def _known(values: tuple[Value, ...], whole: str) -> tuple[Value, ...]:
    return tuple(value if value.text is not None or value.why else value._replace(why=f"`{whole}`, not set here") for value in values[:MOST]) or _unknown(whole)


def _unknown(whole: str) -> tuple[Value, ...]:
    return (Value(None, None, f"`{whole}`, not set here"),)


def _joined(pieces: list[_Piece], reading: Reading) -> tuple[Value, ...]:
    """Every text that the pieces make, with one value of each expression at a time."""
    if not pieces:
        return (Value("", reading.place(0, "")),)
    if len(pieces) == 1 and pieces[0].values:
        return pieces[0].values
    if not any(piece.values for piece in pieces):
        text = "".join(piece.text for piece in pieces)
        return (_bounded(Value(text, reading.place(pieces[0].at, text))),)
    made: list[list[tuple[_Piece, Value]]] = [[]]
    for piece in pieces[:PARTS]:
        given = piece.values or (Value(piece.text, reading.place(piece.at, piece.text)),)
        if len(given) == 1:
            for one in made:
                one.append((piece, given[0]))
        else:
            made = [[*one, (piece, value)] for one in made for value in given][:MOST]
    if len(pieces) > PARTS:
        return (Value(None, None, f"a value of more than {PARTS} parts"),)
    return tuple(dict.fromkeys(_put_together(one) for one in made))


def _put_together(given: list[tuple[_Piece, Value]]) -> Value:
    parts: list[tuple[str, Place | None, str]] = []
    named: Place | None = None
    for piece, value in given:
        if value.text is None:
            parts.append((UNKNOWN, None, value.why))
        else:
            parts += value.parts or ((value.text, value.place, value.why),)
            named = value.place if piece.values and value.place else named
    text = "".join(part[0] for part in parts)
    why = next((part[2] for part in parts if part[2]), "")
    return _bounded(Value(text, named or given[0][1].place, why, tuple(parts[:PARTS])) if len(parts) <= PARTS else Value(None, named, f"a value of more than {PARTS} parts"))


def _bounded(value: Value) -> Value:
    if value.text is not None and len(value.text) > LONGEST:
        return Value(None, value.place and value.place._replace(text=None), f"a value of more than {LONGEST} characters")
    return value
