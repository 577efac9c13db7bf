"""YAML into named tuples, with the line and column of everything that is wrong.

The named tuple is the schema: a field's name is the key (``-`` for ``_``), its type says
what may stand there, no default means required.  Scalars are read as the text in the file
(``2.10`` stays ``2.10``, ``on`` stays ``on``) and turned into the field's type here, so that
YAML's own guesses never apply.  All errors of a file are told at once.

Two fields are no keys, and are filled in here: ``place``, where the record stands, and
``given``, the fields that stand there, so that one record can be laid over another.
"""

# Annotations are not postponed here: as texts each would be compiled at start.
import re
import types
import typing
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, Any, Literal, TypeVar

from cc_fleet.model import Place
from cc_fleet.records import NamedTuple

SIZE = 1024 * 1024
DEPTH = 64
T = TypeVar("T")
# A list of words that one word may stand for: ``kind: image`` is ``kind: [image]``.
Words = Annotated[tuple[T, ...], "a word, or a list of words"]
FILLED = ("place", "given")


class DecodeError(Exception):
    """One or more lines ``file:line:col: where: what``."""


class Node(NamedTuple):
    """A value of a file: ``value`` is a text, a tuple of nodes, or a tuple of (key node, node).

    ``kind``: plain or quoted (texts), list, map.
    """

    kind: str
    value: Any
    file: str
    line: int
    column: int


class Date(str):
    """An ISO date, ``2026-12-31``: UTC, valid through the end of that day."""


class Value(NamedTuple):
    """A JSON scalar of a settings file; plain ``true`` and ``30`` are JSON's, quoted ones are texts."""

    json: Any


def read_yaml(text: str, file: str) -> Node:
    """The document in ``text`` as nodes; ``file`` is what errors call it."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    if len(text) > SIZE:
        raise DecodeError(f"{file}:1:1: the document is larger than {SIZE // 1024} KiB")
    try:
        _check_nesting(yaml.parse(text, Loader=loader), file)
        root = yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as err:
        mark = err.problem_mark or err.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        problem = str(err.problem or err.context)  # PyYAML 6.0.4 has a bound of its own, and meets it first
        problem = f"nested more than {DEPTH} deep" if "nesting depth" in problem else problem
        raise DecodeError(f"{file}:{line}:{column}: {problem}") from None
    except yaml.YAMLError:
        raise DecodeError(f"{file}:1:1: a character that YAML does not allow") from None
    if root is None:
        raise DecodeError(f"{file}:1:1: the document is empty")
    return _node(root, file)


def _check_nesting(events: Any, file: str) -> None:
    """Refuse what grows or loops when it is read: deep nesting and aliases."""
    depth = 0
    for event in events:
        kind, mark = type(event).__name__, event.start_mark
        depth += kind.endswith(("MappingStartEvent", "SequenceStartEvent"))
        depth -= kind.endswith(("MappingEndEvent", "SequenceEndEvent"))
        if depth > DEPTH or kind == "AliasEvent":
            what = "an alias, which cc-fleet's files do not use; write the value out"
            what = what if kind == "AliasEvent" else f"nested more than {DEPTH} deep"
            raise DecodeError(f"{file}:{mark.line + 1}:{mark.column + 1}: {what}")


def _node(node: Any, file: str) -> Node:
    line, column = node.start_mark.line + 1, node.start_mark.column + 1
    if node.id == "mapping":
        pairs = tuple((_node(key, file), _node(value, file)) for key, value in node.value)
        return Node("map", pairs, file, line, column)
    if node.id == "sequence":
        return Node("list", tuple(_node(item, file) for item in node.value), file, line, column)
    return Node("quoted" if node.style else "plain", str(node.value), file, line, column)


def decode(into: Any, node: Node) -> Any:
    """``node`` as one ``into``, or DecodeError with everything that is wrong."""
    decoder = _Decoder()
    value = decoder.value(into, node, ())
    if decoder.errors:
        raise DecodeError("\n".join(decoder.errors))
    return value


def pairs(node: Node) -> Iterator[tuple[str, Node]]:
    """The keys of a map with their values."""
    for name, value in node.value:
        yield name.value, value


def near(given: str, known: list[str]) -> str:
    """What to say of a word that is none of ``known``."""
    import difflib

    close = difflib.get_close_matches(given, known, n=1)
    if close:
        return f"{given!r} is not known; did you mean {close[0]!r}?"
    return f"{given!r} is not one of {', '.join(sorted(known))}"


_WRONG: Any = object()


class _Decoder:
    def __init__(self) -> None:
        self.errors: list[str] = []

    def wrong(self, node: Node, path: tuple[str, ...], what: str) -> Any:
        where = ".".join(path) or "the document"
        self.errors.append(f"{node.file}:{node.line}:{node.column}: {where}: {what}")
        return _WRONG

    def value(self, into: Any, node: Node, path: tuple[str, ...]) -> Any:
        kind, inner_type = shape(into)
        if kind == "record":
            return self.record(inner_type, node, path)
        if kind == "mapping":
            return {key: self.value(inner_type, inner, (*path, key)) for key, inner in self.pairs(node, path)}
        if kind == "words" and node.kind in ("plain", "quoted"):
            return (self.value(inner_type, node, path),)
        if kind in ("list", "words"):
            if node.kind != "list":
                return self.wrong(node, path, "expected a list" if kind == "list" else "expected a word, or a list of words")
            return tuple(self.value(inner_type, item, (*path, str(at))) for at, item in enumerate(node.value))
        if node.kind not in ("plain", "quoted"):
            return self.wrong(node, path, "expected a single value")
        try:
            return _scalar(inner_type, node)
        except ValueError as err:
            return self.wrong(node, path, str(err))

    def record(self, into: Any, node: Node, path: tuple[str, ...]) -> Any:
        short = into.short() if hasattr(into, "short") else None
        before = len(self.errors)
        if short is not None and node.kind in ("plain", "quoted"):
            given = {short: self.value(into.__annotations__[short], node, path)}
        else:
            given = self.fields(into, node, path)
        if "given" in into.__annotations__:
            given["given"] = tuple(name for name in into._fields if name in given)
        if "place" in into.__annotations__:
            given["place"] = Place(node.file, node.line, node.column)
        missing = [name for name in into._fields if name not in given and name not in into._field_defaults]
        for name in missing if node.kind == "map" else ():
            self.wrong(node, path, f"{_key(name)!r} is required")
        if missing or len(self.errors) > before:
            return _WRONG
        value = into(**given)
        for what in value.errors() if hasattr(value, "errors") else ():
            self.wrong(node, path, what)
        return value

    def fields(self, into: Any, node: Node, path: tuple[str, ...]) -> dict[str, Any]:
        hints = _keys(into)
        given: dict[str, Any] = {}
        for key, inner in self.pairs(node, path):
            if key in hints:
                given[key.replace("-", "_")] = self.value(hints[key], inner, (*path, key))
            else:
                at = next(name for name, value in node.value if value is inner)
                self.wrong(at, path, near(key, list(hints)))
        return given

    def pairs(self, node: Node, path: tuple[str, ...]) -> Iterator[tuple[str, Node]]:
        if node.kind != "map":
            self.wrong(node, path, "expected a mapping")
            return
        seen: set[str] = set()
        for key, inner in node.value:
            if key.kind not in ("plain", "quoted"):
                self.wrong(key, path, "a key must be a single value")
            elif key.value in seen:
                self.wrong(key, path, f"{key.value!r} stands here twice")
            else:
                seen.add(key.value)
                yield key.value, inner


@cache
def shape(into: Any) -> tuple[str, Any]:
    """Whether a type is a record, a mapping, a list, words (a list that one may stand for) or a scalar, and of what."""
    origin, args = typing.get_origin(into), typing.get_args(into)
    if origin is Annotated:
        return "words", shape(args[0])[1]
    if origin in (typing.Union, types.UnionType):  # only ``T | None``: left out, or a T
        return shape(next(arg for arg in args if arg is not types.NoneType))
    if hasattr(into, "_fields") and not hasattr(into, "parse") and into is not Value:
        return "record", into
    if origin is Mapping:
        return "mapping", args[1]
    return ("list", args[0]) if origin is tuple else ("scalar", into)


@cache
def _keys(into: Any) -> dict[str, Any]:
    """The keys of a record with their types."""
    return {_key(name): hint for name, hint in into.__annotations__.items() if name not in FILLED}


def _key(name: str) -> str:
    return name.rstrip("_").replace("_", "-")


def _scalar(into: Any, node: Node) -> Any:
    text = node.value
    if into is str:
        return text
    if into is bool:
        if text not in ("true", "false"):
            raise ValueError(f"expected true or false, not {text!r}")
        return text == "true"
    if hasattr(into, "parse"):  # a type of ours that reads itself, such as Range
        return into.parse(text)
    if into is Date:
        return _date(text)
    if into is Value:
        return Value(_json(node))
    if typing.get_origin(into) is Literal:
        words = [str(word) for word in typing.get_args(into)]
        if text not in words:
            raise ValueError(near(text, words))
        return text
    raise AssertionError(f"no reading for {into}")


def _date(text: str) -> Date:
    from datetime import date

    try:
        date.fromisoformat(text if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else "")
    except ValueError:
        raise ValueError(f"expected a date such as 2026-12-31, not {text!r}") from None
    return Date(text)


def _json(node: Node) -> Any:
    words = {"true": True, "false": False, "null": None}
    if node.kind == "plain" and node.value in words:
        return words[node.value]
    if node.kind == "plain" and re.fullmatch(r"-?(0|[1-9][0-9]{0,15})", node.value):
        return int(node.value)
    return node.value
