"""The JSON Schema of policy files, from the same types that read them."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal

from cc_fleet.decode import Date, Value
from cc_fleet.policy import Policy

_DRAFT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """A draft 2020-12 schema.  Scalars may be written with or without quotes, as the reader takes them."""
    return {"$schema": _DRAFT, "title": "cc-fleet policy", **_of(Policy)}


def _of(into: Any) -> dict[str, Any]:
    origin, args = typing.get_origin(into), typing.get_args(into)
    if origin in (typing.Union, types.UnionType):
        return _of(next(arg for arg in args if arg is not types.NoneType))
    if origin is Mapping:
        return {"type": "object", "additionalProperties": _of(args[1])}
    if origin is tuple:
        return {"type": "array", "items": _of(args[0])}
    if origin is Literal:
        return {"enum": list(args)}
    if into is Date:
        return {"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
    if into is Value:
        return {"type": ["string", "number", "boolean", "null"]}
    if into is bool:
        return {"type": "boolean"}
    if hasattr(into, "_fields") and not hasattr(into, "parse"):
        return _record(into)
    return {"type": ["string", "number", "boolean"]}  # read as the text that stands there


def _record(into: Any) -> dict[str, Any]:
    fields = [name for name in into._fields if name != "place"]
    record: dict[str, Any] = {
        "type": "object",
        "description": " ".join(inspect.cleandoc(into.__doc__ or "").split()),
        "properties": {_key(name): _of(into.__annotations__[name]) for name in fields},
        "additionalProperties": False,
    }
    required = [_key(name) for name in fields if name not in into._field_defaults]
    if required:
        record["required"] = required
    short = into.short() if hasattr(into, "short") else None
    return {"anyOf": [_of(into.__annotations__[short]), record]} if short else record


def _key(name: str) -> str:
    return name.replace("_", "-")
