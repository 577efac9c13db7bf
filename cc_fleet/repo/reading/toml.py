"""TOML of a repository, as nodes that know where they stand.

``tomllib`` says whether it is TOML and what a text means; where each value stands is found by a
second, simpler walk over what is then known to be TOML.
"""

from __future__ import annotations

import re
from typing import Any

from cc_fleet.model import Gap, Place
from cc_fleet.repo.reading.document import SIZE, Document, Node
from cc_fleet.repo.reading.source import Source

_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY = re.compile(r"""[ \t]*("(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[A-Za-z0-9_-]+)[ \t]*(\.?)""")
_TEXT = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+"{3,5}|\'\'\'(?:[^\']|\'(?!\'\'))*+\'{3,5}|"(?:[^"\\\n]|\\.)*+"|\'[^\'\n]*\'', re.DOTALL,
)  # fmt: skip
_PLAIN = re.compile(r"[^,\]}#\r\n]*")
# What costs the square of its length to read.
_LONG_KEY = re.compile(r"""(?<![\w.-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){100}""")
_WHERE = re.compile(r"\(at line (\d+), column (\d+)\)")


def toml(file: str, text: str) -> Document | Gap:
    """A TOML file; a Gap where it is none."""
    import tomllib

    if len(text) > SIZE:
        return Gap(f"is larger than {SIZE // 1024} KiB", Place(file))
    if found := _LONG_KEY.search(text):
        return Gap("has a key of more than 100 parts", Source.whole(file, text).place(found.start()))
    begins = 1 if text.startswith("\ufeff") else 0
    try:
        tomllib.loads(text[begins:])
    except tomllib.TOMLDecodeError as err:
        told = _WHERE.search(str(err))
        line, column = (int(told[1]), int(told[2])) if told else (text.count("\n", 0, len(text.rstrip())) + 1, None)
        return Gap(f"is not TOML: {str(err).partition(' (at ')[0].lower()}", Place(file, line, column))
    except ValueError:  # a number of thousands of digits
        return Gap("is not TOML: it holds a number that nobody reads", Place(file))
    return Document(Source.whole(file, text), _Walk(text).document(begins))


def script(found: Document, node: Node) -> Source:
    """A text as a script, each of its lines where it stands."""
    size = len(node.style)
    if size < 3:
        return found.script(node)
    start = node.start + size
    start += next((len(end) for end in ("\r\n", "\n") if found.whole.text.startswith(end, start)), 0)
    return found.whole.part(start, node.end - size)


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    """Where what ``pattern`` fits at ``at`` ends; there, where it fits nothing."""
    found = pattern.match(text, at)
    return at if found is None else found.end()


class _Walk:
    """A walk over valid TOML; tables are dictionaries until it ends."""

    def __init__(self, text: str) -> None:
        self.text = text

    def document(self, at: int) -> Node:
        root: dict[str, Any] = {}
        table, end = root, len(self.text)
        while (at := self._space(at)) < end:
            if self.text.startswith("[", at):
                several = self.text.startswith("[[", at)
                path, at = self._path(at + 1 + several)
                at += 1 + several
                table = self._table(root, path, several)
            else:
                at = self._pair(table, at)
        return _made(Node("text", "", 0, end, '"'), root)

    def _space(self, at: int) -> int:
        return _end(_SPACE, self.text, at)

    def _path(self, at: int) -> tuple[list[Node], int]:
        path = []
        while (found := _KEY.match(self.text, at)) is not None:
            raw = found[1]
            path.append(Node("text", _meant(raw), found.start(1), found.end(1), raw[0] if raw[0] in "\"'" else ""))
            at = found.end()
            if not found[2]:
                break
        return path, at

    def _table(self, root: dict[str, Any], path: list[Node], several: bool) -> dict[str, Any]:
        """The table that a header opens; of a list of tables the last one."""
        for number, key in enumerate(path):
            last = number == len(path) - 1
            inner = root.setdefault(key.value, (key, [] if last and several else {}))[1]
            if isinstance(inner, list):
                if last and several:
                    inner.append({})
                inner = inner[-1]
            root = inner
        return root

    def _pair(self, table: dict[str, Any], at: int) -> int:
        path, at = self._path(at)
        value, at = self._value(self._space(at + 1))
        for key in path[:-1]:
            table = table.setdefault(key.value, (key, {}))[1]
        table[path[-1].value] = (path[-1], value)
        return at

    def _value(self, at: int) -> tuple[Any, int]:
        text = self.text
        if found := _TEXT.match(text, at):
            style = found[0][:3] if found[0][:3] in ('"""', "'''") else found[0][0]
            return Node("text", _meant(found[0]), at, found.end(), style), found.end()
        if text[at] not in "[{":
            plain = text[at : _end(_PLAIN, text, at)].rstrip()
            return Node("text", plain, at, at + len(plain)), at + len(plain)
        items: list[Any] = []
        table: dict[str, Any] = {}
        closes = "]" if text[at] == "[" else "}"
        at = self._space(at + 1)
        while text[at] != closes:
            if closes == "]":
                value, at = self._value(at)
                items.append(value)
            else:
                at = self._pair(table, at)
            at = self._space(at)
            at = self._space(at + 1) if text[at] == "," else at
        return (items if closes == "]" else table), at + 1


def _made(key: Node, value: Any) -> Node:
    """A table, list or text as a node, which begins where its key does."""
    if isinstance(value, Node):
        return value
    if isinstance(value, list):
        return Node("list", tuple(_made(key, item) for item in value), key.start, key.end)
    return Node("map", tuple((name, _made(name, inner)) for name, inner in value.values()), key.start, key.end)


def _meant(raw: str) -> str:
    """What a key or text in TOML's writing means."""
    size = 3 if raw[:3] in ('"""', "'''") else 1
    if raw[0] not in "\"'":
        return raw
    if "\\" not in raw or raw[0] == "'":
        return re.sub(r"\A\r?\n", "", raw[size:-size]) if size == 3 else raw[size:-size]
    import tomllib

    told = tomllib.loads(f"v = {raw}")["v"]
    return str(told)
