"""JSON and JSON-with-comments, every value with its span.

``strict`` is what Claude Code does to its own settings (one comment or trailing comma
voids the file, facts/enforcement.md C); lenient is what VS Code does to its.  No library
at hand gives spans for both (json-five drops strictness, json gives no spans).  The parser
keeps its own stack, so nesting costs memory and never Python's recursion limit.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from typing import Any, Iterator

from ..records import NamedTuple

DEPTH = 512

TOKEN = re.compile(
    r"[ \t\r\n]*(?:"
    r"(?P<mark>[{}\[\],:])"
    r'|(?P<string>"[^"\\\x00-\x1f]*(?:\\[^\x00-\x1f][^"\\\x00-\x1f]*)*")'
    r"|(?P<scalar>(?:true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)(?![\w.]))"
    r"|(?P<comment>//[^\r\n]*|/\*.*?\*/)"
    r"|(?P<end>\Z))",
    re.DOTALL,
)


class JsoncError(ValueError):
    """The text is not such a document; ``line`` and ``column`` (1-based) say where it stops being one."""

    def __init__(self, what: str, text: str, at: int) -> None:
        self.what = what
        self.line, self.column = position(text, at)
        super().__init__(f"line {self.line}: {what}")


class TooDeep(JsoncError):
    """More nesting than anybody means; what Claude Code makes of it is not known."""


class Node(NamedTuple):
    """One value and where it stands: ``text[start:end]``; ``members`` of objects only, ``items`` of arrays where they were asked for."""

    value: Any
    start: int
    end: int
    members: dict[str, Member] | None = None
    duplicates: tuple[str, ...] = ()
    items: tuple[Node, ...] | None = None


class Member(NamedTuple):
    """One ``"key": value`` pair; ``start`` is the opening quote of the key."""

    start: int
    node: Node


class Lines:
    """Positions in one text, its line starts found once."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(found.end() for found in re.finditer("\n", text))]

    def position(self, at: int) -> tuple[int, int]:
        """The 1-based line and column of the character ``at``."""
        line = bisect_right(self._starts, at)
        return line, at - self._starts[line - 1] + 1


def position(text: str, at: int) -> tuple[int, int]:
    """The 1-based line and column of the character ``text[at]``."""
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def parse(text: str, *, strict: bool = False, spans: bool = False) -> Node:
    """Parse a whole document.  A byte-order mark passes; an empty text is an empty object.

    ``spans`` keeps the nodes of arrays' items too.
    """
    tokens = _tokens(text, 1 if text.startswith("\ufeff") else 0, strict)
    kind, start, end = next(tokens)
    if kind == "end":
        return Node({}, start, start, {})
    root = _parse(text, tokens, (kind, start, end), (strict, spans))
    kind, start, _ = next(tokens)
    if kind != "end":
        raise JsoncError("unexpected text after the document", text, start)
    return root


def _tokens(text: str, at: int, strict: bool) -> Iterator[Any]:
    while True:
        found = TOKEN.match(text, at)
        if found is None:
            at = _SPACE.match(text, at).end()  # type: ignore[union-attr]  # it matches the empty text
            raise JsoncError("expected a value", text, at)
        kind, at = str(found.lastgroup), found.end()
        start = found.start(kind)
        if kind != "comment":
            yield (text[start] if kind == "mark" else kind), start, at
        elif strict:
            raise JsoncError("a comment, which strict JSON does not allow", text, start)


_SPACE = re.compile(r"[ \t\r\n]*")


class _Open:
    """An object or array that is still being read."""

    def __init__(self, start: int, close: str, spans: bool) -> None:
        self.start, self.close, self.spans = start, close, spans
        self.members: dict[str, Member] = {}
        self.items: list[Any] = []
        self.duplicates: list[str] = []
        self.key, self.key_start = "", 0

    def add(self, node: Node) -> None:
        if self.close == "]":
            self.items.append(node if self.spans else node.value)
            return
        if self.key in self.members:
            self.duplicates.append(self.key)
        self.members[self.key] = Member(self.key_start, node)

    def done(self, end: int) -> Node:
        if self.close == "]" and self.spans:
            return Node([node.value for node in self.items], self.start, end, items=tuple(self.items))
        if self.close == "]":
            return Node(self.items, self.start, end)
        value = {key: member.node.value for key, member in self.members.items()}
        return Node(value, self.start, end, self.members, tuple(self.duplicates))


def _parse(text: str, tokens: Iterator[Any], token: Any, how: tuple[bool, bool]) -> Node:
    stack: list[_Open] = []
    strict, spans = how
    while True:
        node = _value(text, token, stack, spans)
        if node is None:  # an object or array was opened
            token = next(tokens)
            if token[0] != stack[-1].close:
                token = _key(text, tokens, token, stack[-1])
                continue
            node = stack.pop().done(token[2])
        while stack:
            stack[-1].add(node)
            kind, start, end = token = next(tokens)
            if kind == ",":
                kind, start, end = token = next(tokens)
                if kind != stack[-1].close:
                    token = _key(text, tokens, token, stack[-1])
                    break
                if strict:
                    raise JsoncError("a trailing comma, which strict JSON does not allow", text, start)
            if kind != stack[-1].close:
                raise JsoncError(f"expected ',' or '{stack[-1].close}'", text, start)
            node = stack.pop().done(end)
        else:
            return node


def _value(text: str, token: Any, stack: list[_Open], spans: bool) -> Node | None:
    kind, start, end = token
    if kind in ("string", "scalar"):
        return Node(_scalar(text, start, end), start, end)
    if kind not in ("{", "["):
        raise JsoncError("expected a value", text, start)
    if len(stack) == DEPTH:
        raise TooDeep(f"nested more than {DEPTH} deep", text, start)
    stack.append(_Open(start, "}" if kind == "{" else "]", spans))
    return None


def _key(text: str, tokens: Iterator[Any], token: Any, into: _Open) -> Any:
    """In an object, read ``"key":`` and return the token after it; in an array, the same token."""
    if into.close == "]":
        return token
    kind, start, end = token
    if kind != "string":
        raise JsoncError("expected a key in double quotes", text, start)
    into.key, into.key_start = _scalar(text, start, end), start
    kind, start, _ = next(tokens)
    if kind != ":":
        raise JsoncError("expected ':'", text, start)
    return next(tokens)


def _scalar(text: str, start: int, end: int) -> Any:
    try:
        return json.loads(text[start:end])
    except ValueError as err:  # a bad escape, or an integer of thousands of digits
        raise JsoncError("not a valid string or number", text, start) from err
