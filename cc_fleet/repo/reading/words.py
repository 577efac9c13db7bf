"""A word of a shell script with its names filled in, every character with where it is written.

``${V:-2.1.17}``, ``${V:+@$V}``, ``${V#v}`` are understood; a command's output and a script's
arguments are not known, and say so.  Expressions of another language (``${{ … }}``, ``{{ … }}``) are
masked before the shell is read, and filled in here.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from cc_fleet.host import redact
from cc_fleet.model import Place
from cc_fleet.records import NamedTuple
from cc_fleet.repo.reading.source import Source
from cc_fleet.repo.reading.values import UNKNOWN, Filled, Template, Value

COMBINATIONS = 16  # of the values that the names of one command may have
LONGEST = 64 * 1024
_MARK, _PAD, _ZERO = "\ue000", "\ue001", 0xE010
MASKED = re.compile(f"{_MARK}([\ue010-\ue019]*){_PAD}*")
_NAME = "[A-Za-z_][A-Za-z0-9_]*"
_PIECE = re.compile(
    rf"'(?P<single>[^']*)'?|\$'(?P<ansi>[^'\\]*(?:\\.[^'\\]*)*)'?|(?P<quote>\$?\")|\\(?P<escape>.?)"
    rf"|\$\{{(?P<open>)|\$(?P<name>{_NAME}|[0-9@*#?!$-])|(?P<run>\$\(|`)|(?P<mask>{_MARK}[\ue010-\ue019]*{_PAD}*)|(?P<plain>[^'\"\\$`{_MARK}]+|\$|.)",
    re.DOTALL,
)
_QUOTED = re.compile(
    rf"(?P<quote>\")|\\(?P<escape>[$`\"\\\n])|\$\{{(?P<open>)|\$(?P<name>{_NAME}|[0-9@*#?!$-])|(?P<run>\$\(|`)"
    rf"|(?P<mask>{_MARK}[\ue010-\ue019]*{_PAD}*)|(?P<plain>[^\"\\$`{_MARK}]+|\\|\$|.)",
    re.DOTALL,
)
_PLAIN = re.compile(r"(?!-)[\w@.$/{}|~+-]+")  # no option, no `key: value`, no `name=value`, no quotes
_PARAMETER = re.compile(rf"(!?)({_NAME}|[0-9]+|[@*#?$!-])(\[[^\]]*\])?(?:(:?[-=+?])|(##?|%%?|//?|\^\^?|,,?|:))?", re.DOTALL)

_DEEPEST = 50
_DEEP = re.compile(rf"(?:\$\{{[^}}$]*(?:\$(?!\{{)[^}}$]*)*){{{_DEEPEST}}}")  # so many are open at once


class Piece(NamedTuple):
    """A part of a word: its text and where that is written; or ``why`` it is not known.  ``own``: it stands in the word itself."""

    text: str
    place: Place | None
    why: str = ""
    own: bool = False


class Masks(NamedTuple):
    """The expressions of another language that were masked in a text."""

    template: Template | None
    found: tuple[str, ...]

    def values(self, masked: str) -> tuple[Value, ...]:
        """What the masked expression may be."""
        at = number(masked)
        if self.template is None or at >= len(self.found):
            return (Value(None, None, "an expression that cannot be read here"),)
        return self.template.resolve(self.found[at]) or (Value(None, None, f"`{self.found[at]}`, not set here"),)


def masked(source: Source, template: Template | None) -> tuple[Source, Masks]:
    """``source`` with every expression of ``template`` masked by as many characters, line ends kept."""
    if template is None or not template.pattern.search(source.text):
        return source, Masks(template, ())
    found: list[str] = []

    def hide(match: re.Match[str]) -> str:
        told = _MARK + "".join(chr(_ZERO + int(digit)) for digit in str(len(found)))
        found.append(match[0])
        return (told + _PAD * (len(match[0]) - len(told)))[: len(match[0])]

    text = template.pattern.sub(hide, source.text)
    return source.masked(text) if text.count("\n") == source.text.count("\n") else source, Masks(template, tuple(found))


def mask(number: int) -> str:
    """What stands for the expression ``number``."""
    return _MARK + "".join(chr(_ZERO + int(digit)) for digit in str(number)) + _PAD


def number(masked: str) -> int:
    """Which expression ``masked`` stands for."""
    digits = "".join(str(ord(c) - _ZERO) for c in masked if _ZERO <= ord(c) < _ZERO + 10)
    return int(digits) if digits and len(digits) < 7 else 10**7


class Scope(NamedTuple):
    """The names of a script at some point, each with what it may be, and its masked expressions."""

    source: Source
    masks: Masks
    names: Mapping[str, tuple[Value, ...]]


def choices(raws: Sequence[str], scope: Scope) -> Iterator[Callable[[str], Value]]:
    """For each combination of what the names in ``raws`` may be: a name's or masked expression's value."""
    several: dict[str, tuple[Value, ...]] = {}
    for raw in raws:
        for found in MASKED.finditer(raw):
            several[found[0]] = scope.masks.values(found[0])
        for name in re.findall(rf"\$\{{?!?({_NAME}|[0-9])", raw):
            several[name] = scope.names.get(name, ())
    keys = [key for key, values in several.items() if len(values) > 1]
    for chosen in itertools.islice(itertools.product(*(several[key] for key in keys)), COMBINATIONS):
        yield partial(_chosen, dict(zip(keys, chosen, strict=True)), several, scope)


def _chosen(given: Mapping[str, Value], several: Mapping[str, tuple[Value, ...]], scope: Scope, key: str) -> Value:
    """What ``key`` is in one combination."""
    return given.get(key) or (several.get(key) or _looked(scope, key))[0]


def _looked(scope: Scope, key: str) -> tuple[Value, ...]:
    found = scope.masks.values(key) if key.startswith(_MARK) else scope.names.get(key)
    return found or (Value(None, None, f"`${key}`, not set here"),)


def expand(raw: str, start: int, scope: Scope, look: Callable[[str], Value]) -> list[Piece]:
    """The pieces of the word ``raw``, which stands at ``start`` of the scope's text."""
    pieces: list[Piece] = []
    deep = raw.count("${") > _DEEPEST and _DEEP.search(raw) is not None
    at, size, quoted = 0, 0, False
    while at < len(raw) and size <= LONGEST:
        found = (_QUOTED if quoted else _PIECE).match(raw, at)
        if found is None:
            break
        kind, end, told = str(found.lastgroup), found.end(), len(pieces)
        if kind == "quote":
            quoted = not quoted
        elif kind == "open" and deep:
            pieces.append(Piece(UNKNOWN, None, "an expression that is nested too deep"))
            break
        elif kind == "open":
            end = _closed(raw, end, "{", "}")
            pieces += _parameter(raw[found.end() : end - 1], start + found.end(), scope, look)
        elif kind == "run":
            end = _closed(raw, end, "(", ")") if found["run"] == "$(" else (raw.find("`", end) + 1 or len(raw))
            pieces.append(Piece(UNKNOWN, None, f"what `{command(raw[found.end() : end - 1])}` prints"))
        elif kind in ("name", "mask"):
            pieces += pieces_of(look(found[kind]))
        else:
            text = "" if kind == "escape" and found[kind] == "\n" else found[kind]
            pieces += _literal(text, start + found.start(kind), scope, look)
        size += sum(len(piece.text) + 1 for piece in pieces[told:])
        at = end
    return pieces


def _literal(text: str, start: int, scope: Scope, look: Callable[[str], Value]) -> Iterator[Piece]:
    """A text as it stands there, but for expressions that were masked in it: quotes do not keep them."""
    at = 0
    for found in MASKED.finditer(text) if _MARK in text else ():
        if found.start() > at:
            yield Piece(text[at : found.start()], scope.source.place(start + at, text[at : found.start()]), own=True)
        yield from pieces_of(look(found[0]))
        at = found.end()
    if at < len(text) or not text:
        yield Piece(text[at:], scope.source.place(start + at, text[at:]), own=True)


def pieces_of(value: Value) -> list[Piece]:
    """What a name stands for, as the pieces of a word."""
    if value.parts:
        return [Piece(*part) for part in value.parts]
    if value.text is None:
        return [Piece(UNKNOWN, None, value.why or "what cannot be read here")]
    return [Piece(value.text, value.place)]


def _closed(raw: str, at: int, opens: str, closes: str) -> int:
    """Behind the mark that closes what was opened before ``at``."""
    depth = 1
    while at < len(raw) and depth:
        depth += (raw[at] == opens) - (raw[at] == closes)
        at += 2 if raw[at] == "\\" else 1
    return min(at, len(raw)) if not depth else len(raw) + 1


def _short(text: str) -> str:
    shown = MASKED.sub("…", " ".join(text.split()))
    return shown if len(shown) <= 40 else f"{shown[:39]}…"


def command(text: str) -> str:
    """A command as a message names it: up to its first option, text or anything else that may hold a secret."""
    given = MASKED.sub("…", text[:1000]).split()
    plain = list(itertools.takewhile(_PLAIN.fullmatch, given))
    shown = " ".join(plain)
    if len(shown) > 60 or redact.is_token(shown):
        return "…"
    return shown if plain and len(plain) == len(given) else f"{shown} …".strip()


def _parameter(inner: str, start: int, scope: Scope, look: Callable[[str], Value]) -> list[Piece]:
    """``${…}``, given what stands between the braces."""
    found = _PARAMETER.match(inner)
    if found is None or found[1] or (found[3] and found[3] != "[0]"):
        return [Piece(UNKNOWN, None, f"`${{{_short(inner)}}}`")]
    value, operator, rest = look(found[2]), found[4] or "", inner[found.end() :]
    if operator[-1:] in ("-", "="):
        if value.text or (value.text == "" and ":" not in operator):
            return pieces_of(value)
        return expand(rest, start + found.end(), scope, look)
    if operator[-1:] == "+":
        if value.text is None and value.why and value.place is not None:
            return pieces_of(value)
        return expand(rest, start + found.end(), scope, look) if value.text else []
    if found[5] is not None and value.text is not None:
        return [_cut(value, found[5], rest)]
    return pieces_of(value)


def _cut(value: Value, operator: str, rest: str) -> Piece:
    """``${V#v}`` and ``${V%x}`` with a plain text; anything else is not known."""
    text = value.text or ""
    if operator in ("#", "##") and not set(rest) & set("*?[$`"):
        cut = text.removeprefix(rest)
        moved = value.place and value.place.column is not None and value.place._replace(column=value.place.column + len(text) - len(cut), text=cut)
        return Piece(cut, moved or value.place)
    if operator in ("%", "%%") and not set(rest) & set("*?[$`"):
        return Piece(text.removesuffix(rest), value.place)
    return Piece(UNKNOWN, None, "a part of what it is made of")


def text_of(pieces: Sequence[Piece]) -> str:
    """The text of a word, ``UNKNOWN`` where it is not known."""
    return "".join(piece.text for piece in pieces)


def filled(pieces: Sequence[Piece], start: int, end: int) -> Filled:
    """The characters ``start`` to ``end`` of a word, with where they are written."""
    at, place, why = 0, None, ""
    text = text_of(pieces)[start:end]
    for piece in pieces:
        low, high = max(start - at, 0), min(end - at, len(piece.text))
        if low < high and piece.text:
            why = why or piece.why
            if piece.place is not None:
                place = _within(piece.place, low, high, piece.text)
        at += len(piece.text)
    return Filled(text, place, why)


def _within(place: Place, low: int, high: int, text: str) -> Place:
    if place.column is None or (place.text is not None and place.text != text):
        return place
    return place._replace(column=place.column + low, text=text[low:high])
