"""What is decoded, and what is only read, as JSON: the forms of ``cc_fleet/data`` that load fast.

Policies are kept as nodes, because they are merged before they are decoded; advisories as
decoded values, because an audit reads many.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cc_fleet.decode import Node, Value, shape


def compact(node: Node) -> list[object]:
    """A node as JSON, for the compiled files of ``cc_fleet/data``."""
    if node.kind == "map":
        value: object = [[compact(key), compact(inner)] for key, inner in node.value]
    else:
        value = [compact(item) for item in node.value] if node.kind == "list" else node.value
    return [node.kind, node.line, node.column, value]


def expand(data: list[Any], file: str) -> Node:
    """The node that ``compact`` wrote."""
    kind, line, column, value = data
    if kind == "map":
        value = tuple((expand(key, file), expand(inner, file)) for key, inner in value)
    elif kind == "list":
        value = tuple(expand(item, file) for item in value)
    return Node(kind, value, file, line, column)


def freeze(value: Any) -> Any:
    """A decoded value as JSON: of a record what is not its default."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Value):
        return [value.json]
    if hasattr(value, "parse"):
        return value.text
    if hasattr(value, "_fields"):
        defaults = value._field_defaults
        fields = ((name, getattr(value, name)) for name in value._fields)
        return {name: freeze(inner) for name, inner in fields if name not in defaults or inner != defaults[name]}
    if isinstance(value, Mapping):
        return {name: freeze(inner) for name, inner in value.items()}
    return [freeze(item) for item in value] if isinstance(value, tuple) else value


def thaw(into: Any, data: Any) -> Any:
    """The value that ``freeze`` wrote: five times as fast as reading the document again."""
    if data is None:
        return None
    kind, inner = shape(into)
    if kind == "record":
        hints = inner.__annotations__
        return inner(**{name: thaw(hints[name], value) for name, value in data.items()})
    if kind == "mapping":
        return {name: thaw(inner, value) for name, value in data.items()}
    if kind in ("list", "words"):
        return tuple(thaw(inner, item) for item in data)
    if inner is Value:
        return Value(data[0])
    if isinstance(inner, type) and issubclass(inner, str):  # a date, a pattern: it was checked when it was frozen
        return inner(data)
    return inner.parse(data) if hasattr(inner, "parse") else data
