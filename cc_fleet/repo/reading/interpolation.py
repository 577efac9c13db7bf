"""``$V``, ``${V}`` and ``${V:-default}`` as Docker and compose fill them in: every value of a name, with its place.

A name of several values makes a text of several, up to ``MOST``.  What an operator does that
cannot be known (``${V#v}`` of a value that is not known) is not known either, and says why.
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

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_EXPRESSION = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(\}|:?[-+?]|[#%/]+)?")


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


def fill(text: str, reading: Reading) -> tuple[Filled, ...]:
    """``text`` with its names filled in, once for each combination of their values."""
    try:
        pieces, _ = _scan(text, 0, "", reading, 0)
    except _TooDeep:
        return (Filled(UNKNOWN, None, "an expression that is nested too deep"),)
    return _joined(pieces)


def value(filled: Filled, place: Place | None) -> Value:
    """A text that was filled in as the value of a name, at its own place where nothing in it stands elsewhere."""
    if filled.text == UNKNOWN:
        return Value(None, filled.place or place, filled.why)
    return Value(filled.text, filled.place or place, filled.why)


class _TooDeep(Exception):
    """More defaults within defaults than anybody writes."""


_Piece = str | tuple[Filled, ...]


def _scan(text: str, at: int, stop: str, reading: Reading, depth: int) -> tuple[list[_Piece], int]:
    """The pieces of ``text`` from ``at`` up to ``stop`` (or its end), and where that stands."""
    if depth > DEPTH:
        raise _TooDeep
    escape, quotes = reading.rules
    plain = re.compile(r"[^$%s%s%s]+" % (re.escape(escape), "'\"" if quotes else "", re.escape(stop)))
    pieces: list[_Piece] = []
    double = False
    while at < len(text):
        char = text[at]
        if found := plain.match(text, at):
            pieces.append(found[0])
            at = found.end()
        elif stop and char == stop and not double:
            break
        elif char == "'" and quotes and not double and (end := text.find("'", at + 1)) >= 0:
            pieces.append(text[at + 1 : end])
            at = end + 1
        elif char == '"' and quotes:
            double, at = not double, at + 1
        elif char == escape:
            pieces.append(_escaped(text, at, double=double))
            at += 2
        elif char == "$":
            piece, at = _dollar(text, at, reading, depth)
            pieces.append(piece)
        else:
            pieces.append(char)
            at += 1
    return pieces, at


def _escaped(text: str, at: int, *, double: bool) -> str:
    following = text[at + 1 : at + 2]
    if following == "\n":
        return ""
    return text[at] + following if double and following not in ('"', "$", text[at]) else following


def _dollar(text: str, at: int, reading: Reading, depth: int) -> tuple[_Piece, int]:
    if not reading.rules.escape and text.startswith("$$", at):
        return "$", at + 2
    if found := _NAME.match(text, at + 1):
        return _known(reading.lookup(found[0]), found[0], f"${found[0]}"), found.end()
    found = _EXPRESSION.match(text, at + 1)
    if found is None:
        return "$", at + 1
    name, operator = found[1], found[2] or ""
    if operator == "}":
        return _known(reading.lookup(name), name, f"${{{name}}}"), found.end()
    pieces, end = _scan(text, found.end(), "}", reading, depth + 1)
    whole = text[at : end + 1]
    if not operator or len(whole) > 200:
        return (Filled(UNKNOWN, None, f"`${{{name}…}}`, which cannot be read"),), end + 1
    return _operated(reading.lookup(name), operator, _with_place(pieces, found.end(), text[found.end() : end], reading), whole), end + 1


def _with_place(pieces: list[_Piece], at: int, text: str, reading: Reading) -> tuple[Filled, ...]:
    """A default: where nothing in it stands elsewhere, it stands where it is written."""
    quoted = reading.rules.quotes and len(text) > 1 and text[0] in "'\"" and text[-1] == text[0]
    place = reading.place(at + quoted, text[1:-1] if quoted else text)
    return tuple(filled if filled.place else filled._replace(place=place) for filled in _joined(pieces))


def _operated(values: tuple[Value, ...], operator: str, word: tuple[Filled, ...], whole: str) -> tuple[Filled, ...]:
    known = tuple(value for value in values if value.text is not None and (value.text or ":" not in operator))
    if operator.endswith("-"):
        return _known(known, "", whole) if known else word
    if operator.endswith("+"):
        return word if known else (Filled(""),) if not any(value.text is None for value in values) else _unknown(whole)
    if operator.endswith("?"):
        return _known(known, "", whole)
    if not known:
        return _unknown(whole)
    return tuple(_cut(value, operator, word, whole) for value in known[:MOST])


def _cut(value: Value, operator: str, word: tuple[Filled, ...], whole: str) -> Filled:
    """``${V#v}``: plain texts alone; anything with a pattern is not known."""
    text, pattern = value.text or "", word[0].text
    if operator in ("#", "##") and not re.search(r"[*?\[\\\0]", pattern):
        return Filled(text.removeprefix(pattern), value.place, value.why)
    if operator in ("%", "%%") and not re.search(r"[*?\[\\\0]", pattern):
        return Filled(text.removesuffix(pattern), value.place, value.why)
    return _unknown(whole)[0]


def _known(values: tuple[Value, ...], name: str, whole: str) -> tuple[Filled, ...]:
    if not values:
        return _unknown(whole)
    return tuple(
        Filled(UNKNOWN, value.place, value.why or f"`{whole}`, not set here") if value.text is None else Filled(value.text, value.place, value.why)
        for value in values[:MOST]
    )


def _unknown(whole: str) -> tuple[Filled, ...]:
    return (Filled(UNKNOWN, None, f"`{whole}`, not set here"),)


def _joined(pieces: list[_Piece]) -> tuple[Filled, ...]:
    """Every text that the pieces make, one value of each name at a time."""
    made: list[tuple[list[str], Place | None, str]] = [([], None, "")]
    for piece in pieces:
        if isinstance(piece, str):
            for texts, _, _ in made:
                texts.append(piece)
        elif len(piece) == 1:
            made = [([*texts, piece[0].text] if len(made) > 1 else _appended(texts, piece[0].text), piece[0].place or place, why or piece[0].why) for texts, place, why in made]
        else:
            made = [([*texts, one.text], one.place or place, why or one.why) for texts, place, why in made for one in piece][:MOST]
    return tuple(dict.fromkeys(_finished("".join(texts), place, why) for texts, place, why in made))


def _appended(texts: list[str], text: str) -> list[str]:
    texts.append(text)
    return texts


def _finished(text: str, place: Place | None, why: str) -> Filled:
    if len(text) > LONGEST:
        return Filled(UNKNOWN, place, f"a value of more than {LONGEST} characters")
    return Filled(text, place, why)
