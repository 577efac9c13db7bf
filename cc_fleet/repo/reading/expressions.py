"""GitHub's expressions: ``${{ inputs.v || '2.1.17' }}``, as every value that they may have.

What is written in the repository is followed to where it stands; what is not (a secret, a variable
of the organisation, an event) is unknown, and says so. A fallback is judged where what stands before
it is not known, or may be empty.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable

from cc_fleet.model import Place
from cc_fleet.records import NamedTuple
from cc_fleet.repo.reading.values import UNKNOWN, Filled, Template, Value

PATTERN = re.compile(r"\$\{\{((?:'[^']*'|[^'{}]|\}(?!\}))*)\}\}")  # no brace opens outside of a text: a search is linear
MOST = 32  # values of one expression
LONGEST = 4_000
DEPTH = 40
NOT_KNOWN = (Value(None),)

Look = Callable[[tuple[str, ...]], tuple[Value, ...]]
"""What a path (``("inputs", "version")``) may be; nothing where that is not known here."""

_TOKEN = re.compile(r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?(?:0x[0-9a-fA-F]+|\d+(?:\.\d+)?))|(?P<name>[A-Za-z_][\w-]*)|(?P<mark>\|\||&&|[=!<>]=|[()\[\].,!<>*]))")


class Token(NamedTuple):
    """A word of an expression: ``kind`` text, number, name or mark, and where it begins and ends."""

    kind: str
    text: str
    start: int
    end: int


class _Unread(Exception):
    """It is no expression, or more than anybody writes."""


def template(look: Look) -> Template:
    """The expressions of a text as a template."""
    return Template(PATTERN, lambda whole: values(whole, look))


def values(whole: str, look: Look) -> tuple[Value, ...]:
    """What ``${{ … }}`` may be, at most ``MOST`` values, each once."""
    unknown = Value(None, None, f"`{shown(whole)}`, not set here")
    inner = whole[3:-2] if whole.startswith("${{") else whole
    if len(inner) > LONGEST:
        return (unknown,)
    try:
        found = _Reader(inner, look).all()
    except (_Unread, RecursionError):
        return (unknown,)
    made = dict.fromkeys(value if value.text is not None or value.why else unknown for value in found)
    filled = [value for value in made if value.text != ""]
    return tuple(filled or made)[:MOST]


def shown(whole: str) -> str:
    """An expression as a message names it."""
    text = " ".join(whole.split())
    return text if len(text) <= 60 else f"{text[:55]}… }}}}"


def fill(text: str, place: Place | None, template: Template) -> tuple[Value, ...]:
    """``text``, which stands at ``place``, with its expressions filled in, for each combination of their values."""
    found = list(template.pattern.finditer(text))
    if not found:
        return (Value(text, place),)
    if len(found) == 1 and found[0][0] == text.strip():
        return tuple(_placed(value, found[0], place) for value in template.resolve(found[0][0]))
    return tuple(dict.fromkeys(_filled(text, found, chosen, place) for chosen in _combined(found, template)))


def _placed(value: Value, found: re.Match[str], place: Place | None) -> Value:
    """A literal of the expression ``found`` stands where the expression does, and so does what is not known."""
    if value.text is None:
        return value._replace(place=value.place or place)
    if value.place is not None or place is None or place.column is None:
        return value
    at = found[0].find(f"'{value.text}'")
    where = place._replace(column=place.column + found.start() + at + 1, text=value.text) if at >= 0 else place
    return value._replace(place=where)


def _combined(found: Iterable[re.Match[str]], template: Template) -> Iterable[tuple[Value, ...]]:
    return itertools.islice(itertools.product(*(template.resolve(one[0]) for one in found)), MOST)


def _filled(text: str, found: list[re.Match[str]], chosen: tuple[Value, ...], place: Place | None) -> Value:
    made, at, where = "", 0, None
    for match, value in zip(found, chosen, strict=True):
        if value.text is None:
            return value._replace(place=value.place or place)
        made += text[at : match.start()] + value.text
        at, where = match.end(), value.place or where
    return Value(made + text[at:], where or place)


def filled(text: str, place: Place | None, template: Template) -> tuple[Filled, ...]:
    """``fill`` as what a version or an image is asked with: ``UNKNOWN`` stands where a part is not known."""
    found = list(template.pattern.finditer(text))
    return tuple(dict.fromkeys(_partly(text, found, chosen, place) for chosen in _combined(found, template)))


def _partly(text: str, found: list[re.Match[str]], chosen: tuple[Value, ...], place: Place | None) -> Filled:
    made, at, where, why = "", 0, None, ""
    for match, value in zip(found, chosen, strict=True):
        made += text[at : match.start()] + (UNKNOWN if value.text is None else value.text)
        at, where, why = match.end(), value.place or where, why or value.why
    return Filled(made + text[at:], where or place, why)


def _tokens(text: str) -> list[Token]:
    found, at = [], 0
    while match := _TOKEN.match(text, at):
        kind = str(match.lastgroup)
        found.append(Token(kind, match[kind], match.start(kind), match.end()))
        at = match.end()
    if text[at:].strip():
        raise _Unread
    return found


class _Reader:
    """Reads an expression and works it out in one go; both sides of what is not known count."""

    def __init__(self, text: str, look: Look) -> None:
        self.tokens, self.next, self.look, self.depth = _tokens(text), 0, look, 0

    def all(self) -> tuple[Value, ...]:
        found = self.either()
        if self.next != len(self.tokens):
            raise _Unread
        return found

    def _take(self, *marks: str) -> str:
        """The next token's text if it is one of these marks."""
        if self.next < len(self.tokens) and self.tokens[self.next].kind == "mark" and self.tokens[self.next].text in marks:
            self.next += 1
            return self.tokens[self.next - 1].text
        return ""

    def either(self) -> tuple[Value, ...]:
        self.depth += 1
        if self.depth > DEPTH:
            raise _Unread
        found = self.both()
        while self._take("||"):
            other = self.both()
            known = tuple(value for value in found if value.text is not None and _truth(value))
            unknown = tuple(value for value in found if value.text is None) if all(value.text == "" for value in other) else ()
            found = known if len(known) == len(found) else (*known, *unknown, *other)[: 2 * MOST]
        self.depth -= 1
        return found

    def both(self) -> tuple[Value, ...]:
        found = self.compared()
        while self._take("&&"):
            other = self.compared()
            if all(value.text is not None and _truth(value) for value in found):
                found = other
            elif any(value.text is None or _truth(value) for value in found):
                found = (*other, Value(""))[: 2 * MOST]  # it may be false
            else:
                found = (Value(""),)
        return found

    def compared(self) -> tuple[Value, ...]:
        found = self.denied()
        while mark := self._take("==", "!=", "<", "<=", ">", ">="):
            other = self.denied()
            if len(found) == len(other) == 1 and mark in ("==", "!=") and found[0].text is not None and other[0].text is not None:
                found = (_truly((found[0].text.lower() == other[0].text.lower()) == (mark == "==")),)
            else:
                found = NOT_KNOWN
        return found

    def denied(self) -> tuple[Value, ...]:
        count = 0
        while self._take("!"):
            count += 1
        found = self.one()
        for _ in range(count % 2):
            found = tuple(value if value.text is None else _truly(not _truth(value)) for value in found)
        return found

    def one(self) -> tuple[Value, ...]:
        if self._take("("):
            found = self.either()
            if not self._take(")"):
                raise _Unread
            return NOT_KNOWN if self._steps() else found
        if self.next >= len(self.tokens):
            raise _Unread
        token = self.tokens[self.next]
        self.next += 1
        if token.kind == "text":
            return (Value(token.text[1:-1].replace("''", "'")),)
        if token.kind == "number":
            return (Value(token.text),)
        if token.kind == "mark":
            raise _Unread
        if self._take("("):
            return self._called(token.text.lower())
        if token.text.lower() in ("true", "false", "null"):
            return (Value("" if token.text.lower() == "null" else token.text.lower()),)
        steps = self._steps()
        return NOT_KNOWN if None in steps else self.look((token.text, *(step for step in steps if step is not None))) or NOT_KNOWN

    def _steps(self) -> list[str | None]:
        """What follows a name: ``.name``, ``['name']``; None for what is not a plain name."""
        found: list[str | None] = []
        while mark := self._take(".", "["):
            if mark == ".":
                if self._take("*"):
                    found.append(None)
                elif self.next < len(self.tokens) and self.tokens[self.next].kind in ("name", "number"):
                    found.append(self.tokens[self.next].text)
                    self.next += 1
                else:
                    raise _Unread
                continue
            inner = (Value(None),) if self._take("*") else self.either()
            if not self._take("]"):
                raise _Unread
            found.append(inner[0].text if len(inner) == 1 else None)
        return found

    def _called(self, name: str) -> tuple[Value, ...]:
        given: list[tuple[Value, ...]] = []
        while not self._take(")"):
            given.append(self.either())
            if not self._take(",") and (self.next >= len(self.tokens) or self.tokens[self.next].text != ")"):
                raise _Unread
        if self._steps():
            return NOT_KNOWN
        if name == "format" and given:
            return tuple(_format(chosen) for chosen in itertools.islice(itertools.product(*given), MOST))
        if name in ("tojson", "fromjson") and len(given) == 1:
            return tuple(_bare(value, name) for value in given[0])
        return NOT_KNOWN


def _truth(value: Value) -> bool:
    return value.text not in ("", "false", "0")


def _truly(told: bool) -> Value:
    return Value("true" if told else "false")


def _format(chosen: tuple[Value, ...]) -> Value:
    text, *given = chosen
    unknown = next((value for value in chosen if value.text is None), None)
    if unknown is not None or text.text is None:
        return unknown or text
    made = re.sub(r"\{\{|\}\}|\{(\d{1,3})\}", lambda found: found[0][0] if found[1] is None else _nth(given, int(found[1])), text.text)
    return Value(made[:LONGEST], next((value.place for value in given if value.place), text.place))


def _nth(given: list[Value], number: int) -> str:
    return (given[number].text or "") if number < len(given) else ""


def _bare(value: Value, name: str) -> Value:
    """``fromJSON`` of a plain word or quoted text; of anything else it is not known."""
    if value.text is None or name == "tojson":
        return Value(None, None, value.why)
    inner = value.text.strip()
    if re.fullmatch(r"-?[\d.]+|true|false", inner):
        return value
    quoted = re.fullmatch(r'"([^"\\]*)"', inner)
    return value._replace(text=quoted[1]) if quoted else Value(None, None, value.why)
