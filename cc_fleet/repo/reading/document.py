"""YAML, JSON and JSON with comments of a repository, as nodes that know where they stand.

YAML is composed and never constructed: a tag makes nothing, an anchor is one node in several
places.  Every text is as it stands there (``2.10`` stays ``2.10``, ``on`` stays ``on``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from cc_fleet.host import jsonc
from cc_fleet.model import Gap, Place
from cc_fleet.records import NamedTuple
from cc_fleet.repo.reading.source import Source

SIZE = 1024 * 1024
DEPTH = 100
MOST, DOCUMENTS = 100_000, 1000  # nodes of a document; documents of a file
EXPANDED, EXPANDED_SIZE = 2 * MOST, 4 * SIZE  # nodes and characters of a document with its aliases written out


class Node(NamedTuple):
    """A value: ``value`` is a text, a tuple of nodes, or a tuple of (key node, node); ``kind`` text, list or map.

    ``start`` and ``end`` are offsets in the file's text, ``style`` a text's mark (``|``, ``>``, ``"``, ``'`` or none).
    ``null`` tells a value that is not there from an empty text.
    """

    kind: str
    value: Any
    start: int
    end: int
    style: str = ""
    tag: str = ""
    null: bool = False


class Document(NamedTuple):
    """One document of a file, its whole text and its root."""

    whole: Source
    root: Node

    @property
    def file(self) -> str:
        return self.whole.file

    def place(self, node: Node, text: str | None = None) -> Place:
        """Where ``node`` begins, a quoted text behind its mark."""
        return self.whole.place(node.start + (node.style in ("'", '"')), text)

    def value_place(self, node: Node) -> Place:
        """Where a text stands, with the text."""
        return self.place(node, node.value)

    def script(self, node: Node) -> Source:
        """A text as a script: its lines with their places, what YAML folds joined as a shell joins lines."""
        text = self.whole.text[node.start : node.end]
        if node.style in ("|", ">"):
            return _block(self.whole, node, text)
        begin = self.place(node)
        line, column = begin.line or 1, begin.column or 1
        if "\n" not in text.strip():
            count = node.value.count("\n") + 1
            return Source.of(self.file, node.value, (line,) * count, (column,) * count)
        return _folded(self.whole, node)


def _block(whole: Source, node: Node, text: str) -> Source:
    head = whole.text.find("\n", node.start) + 1
    body = whole.text[head : node.end] if head else ""
    rows = body.split("\n")
    if rows and not rows[-1].strip():
        rows.pop()
    depth = min((len(row) - len(row.lstrip(" ")) for row in rows if row.strip()), default=0)
    if digit := re.match(r"[|>][-+]?([1-9])", text):
        depth = max(depth, int(digit[1]))
    first = whole.place(head).line or 1
    cut = [row[depth:].rstrip("\r") for row in rows]
    if node.style == ">":
        cut = [_joined(row, cut[at + 1 : at + 2]) for at, row in enumerate(cut)]
    return Source.of(whole.file, "\n".join(cut), tuple(range(first, first + len(cut))) or (first,), (depth + 1,) * max(1, len(cut)))


def _folded(whole: Source, node: Node) -> Source:
    """A plain or quoted text over several lines."""
    quoted = node.style in ("'", '"')
    text = whole.text[node.start + quoted : node.end - quoted]
    place = whole.place(node.start + quoted)
    rows = text.split("\n")
    lines = tuple(range(place.line or 1, (place.line or 1) + len(rows)))
    columns = (place.column or 1, *(len(row) - len(row.lstrip()) + 1 for row in rows[1:]))
    cut = [rows[0].rstrip(), *(row.strip() for row in rows[1:])]
    if node.style == '"':
        cut = [row.replace('\\"', '"') for row in cut]
    elif node.style == "'":
        cut = [row.replace("''", "'") for row in cut]
    return Source.of(whole.file, "\n".join(_joined(row, cut[at + 1 : at + 2]) for at, row in enumerate(cut)), lines, columns)


def _joined(row: str, following: list[str]) -> str:
    """A line that is folded with the one that follows: a shell joins them, too."""
    folds = following and row.strip() and following[0].strip() and row[0] != " " and following[0][0] != " "
    return f"{row} \\" if folds and not row.endswith("\\") else row


def yaml(file: str, text: str) -> list[Document] | Gap:
    """The documents of a YAML file; a Gap where it is none, or more than anybody reads."""
    import yaml as pyyaml

    if len(text) > SIZE:
        return Gap(f"is larger than {SIZE // 1024} KiB", Place(file))
    loader: Any = getattr(pyyaml, "CSafeLoader", pyyaml.SafeLoader)
    whole = Source.whole(file, text)
    begins = 1 if text.startswith("\ufeff") else 0
    documents: list[Document] = []
    try:
        for root in pyyaml.compose_all(text, Loader=loader):
            if len(documents) == DOCUMENTS:
                return Gap(f"has more than {DOCUMENTS} documents", whole.place(root.start_mark.index))
            documents.append(Document(whole, _Composer(begins).node(root, 0)))
    except pyyaml.MarkedYAMLError as err:
        mark = err.problem_mark or err.context_mark
        where = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
        return Gap(f"is not YAML: {err.problem or err.context}", where)
    except pyyaml.YAMLError:
        return Gap("is not YAML: it holds a character that YAML does not allow", Place(file))
    except _TooMuch as err:
        return Gap(str(err), whole.place(err.at))
    return documents


class _TooMuch(Exception):
    def __init__(self, what: str, at: int) -> None:
        super().__init__(what)
        self.at = at


class _Composer:
    """PyYAML's nodes as ours; one that has an anchor becomes one node, however often it is used."""

    def __init__(self, begins: int) -> None:
        self.begins, self.count = begins, 0
        self.known: dict[int, Node] = {}
        self.sizes: dict[int, tuple[int, int]] = {}  # what each node comes to with its aliases written out
        self.nodes = self.characters = 0

    def node(self, given: Any, depth: int) -> Node:
        start = given.start_mark.index + self.begins
        nodes, characters = self.sizes.get(id(given), (1, 0))
        self.nodes, self.characters = self.nodes + nodes, self.characters + characters
        if self.nodes > EXPANDED or self.characters > EXPANDED_SIZE:  # whoever walks it meets an alias as often as it is used
            raise _TooMuch("has aliases that make it far larger than it is", start)
        if id(given) in self.known:
            return self.known[id(given)]
        self.count += 1
        if depth > DEPTH or self.count > MOST:
            raise _TooMuch(f"is nested more than {DEPTH} deep" if depth > DEPTH else f"has more than {MOST} values", start)
        nodes, characters = self.nodes - 1, self.characters
        end, tag = given.end_mark.index + self.begins, "" if given.tag.startswith("tag:yaml.org") else given.tag
        self.known[id(given)] = Node("list", (), start, end, "", tag)  # while it is read: an anchor may stand in itself
        if given.id == "mapping":
            pairs = tuple((self.node(key, depth + 1), self.node(value, depth + 1)) for key, value in given.value)
            made = Node("map", pairs, start, end, "", tag)
        elif given.id == "sequence":
            made = Node("list", tuple(self.node(item, depth + 1) for item in given.value), start, end, "", tag)
        else:
            null = given.tag == "tag:yaml.org,2002:null"
            made = Node("text", "" if null else str(given.value), start, end, given.style or "", tag, null)
            self.characters += end - start
        self.known[id(given)], self.sizes[id(given)] = made, (self.nodes - nodes, self.characters - characters)
        return made


def json(file: str, text: str, *, strict: bool = False) -> Document | Gap:
    """A JSON document, with comments and trailing commas unless ``strict``; a Gap where it is none."""
    if len(text) > SIZE:
        return Gap(f"is larger than {SIZE // 1024} KiB", Place(file))
    whole = Source.whole(file, text)
    try:
        return Document(whole, _json(jsonc.parse(text, strict=strict, spans=True), text))
    except jsonc.JsoncError as err:
        return Gap(f"is not JSON: {err.what}", Place(file, err.line, err.column))


def _json(node: jsonc.Node, text: str) -> Node:
    if node.members is not None:
        pairs = ((Node("text", key, member.start, member.start + len(key) + 2, '"'), _json(member.node, text)) for key, member in node.members.items())
        return Node("map", tuple(pairs), node.start, node.end)
    if node.items is not None:
        return Node("list", tuple(_json(item, text) for item in node.items), node.start, node.end)
    quoted = text[node.start : node.start + 1] == '"'
    value = node.value if quoted else "" if node.value is None else text[node.start : node.end]
    return Node("text", value, node.start, node.end, '"' if quoted else "", "", node.value is None)


def get(node: Node | None, *keys: str) -> Node | None:
    """The value below these keys, one after another; merged maps (``<<``) count where a key is not said itself."""
    for key in keys:
        if node is None:
            return None
        node = next((value for name, value in items(node) if name.value == key), None)
    return node


def items(node: Node | None) -> Iterator[tuple[Node, Node]]:
    """The (key, value) nodes of a map, what it merges last and each merged map once; nothing of anything else."""
    todo, seen = [node], set()
    while todo:
        one = todo.pop()
        if one is None or one.kind != "map" or id(one) in seen:
            continue
        seen.add(id(one))
        merged: list[Node] = []
        for key, value in one.value:
            if key.kind == "text" and key.value == "<<" and not key.style:
                merged += value.value if value.kind == "list" else [value]
            elif key.kind == "text":
                yield key, value
        todo += reversed(merged)


def elements(node: Node | None) -> tuple[Node, ...]:
    """The items of a list, or a value alone as one; nothing of nothing."""
    if node is None or node.null:
        return ()
    return tuple(node.value) if node.kind == "list" else (node,)


def text_of(node: Node | None) -> str | None:
    """A text's value; None of anything else."""
    return node.value if node is not None and node.kind == "text" and not node.null else None
