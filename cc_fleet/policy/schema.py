"""The JSON Schema of policy files, from the same types that read them.

It accepts what the reader accepts. Two things no schema can see, because they are gone when YAML
has been read: a key that stands there twice, and how a number, ``true`` or ``null`` was spelt.
"""

from __future__ import annotations

import inspect
import re
import typing
from typing import Any, Literal

import cc_fleet.policy
from cc_fleet.decode import FILLED, Date, shape
from cc_fleet.policy import Policy
from cc_fleet.policy.values import COMPARISON, Count, Duration, Numbers, Share
from cc_fleet.versions import Range

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_ANY = ["string", "number", "boolean", "null"]
# The whole text, and in Python no line's end behind it either, which `$` alone would pass over.
_WHOLE = "^(?:{})$(?!\\n)"
_LEAP = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29"
_DAY = "(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8])"
DATE = f"(?!0000)(?:{_LEAP}|[0-9]{{4}}-(?:{_DAY}))"
_NUMBER = "(?:0|[1-9][0-9]*)"
_WORD = "(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_SEMVER = rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-{_WORD}(?:\.{_WORD})*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
_PRE = "(?:[-_.]?(?:[Aa][Ll][Pp][Hh][Aa]|[Aa]|[Bb][Ee][Tt][Aa]|[Bb]|[Pp][Rr][Ee][Vv][Ii][Ee][Ww]|[Pp][Rr][Ee]|[Cc]|[Rr][Cc])[-_.]?[0-9]*)?"
_POST = "(?:-[0-9]+|[-_.]?(?:[Pp][Oo][Ss][Tt]|[Rr][Ee][Vv]|[Rr])[-_.]?[0-9]*)?"
_DEV = "(?:[-_.]?[Dd][Ee][Vv][-_.]?[0-9]*)?"
_PEP440 = rf"[0-9]+(?:\.[0-9]+)*{_PRE}{_POST}{_DEV}(?:\+[A-Za-z0-9]+(?:[-_.][A-Za-z0-9]+)*)?"
# What both could be is semver's: a choice of two at every version would cost an editor two to the power of versions.
_END = r"(?![^\s,|])"
_COMPARATOR = rf"(?:(?:>=|<=|==|!=|=|>|<)\s*)?v?(?:{_SEMVER}{_END}|(?!{_SEMVER}{_END}){_PEP440}{_END})"
_SET = rf"\s*(?:\*|{_COMPARATOR}(?:(?:\s*,\s*|\s+(?=[<>=!])){_COMPARATOR})*)\s*"
RANGE = rf"{_SET}(?:\|\|{_SET})*"


def schema() -> dict[str, Any]:
    """A draft 2020-12 schema.  Scalars may be written with or without quotes, as the reader takes them."""
    return {"$schema": _DRAFT, "title": "cc-fleet policy", **schema_of(Policy)}


def sentences(record: Any) -> dict[str, str]:
    """What each key of a record means: the ``#:`` behind its field."""
    lines = inspect.getsource(record).splitlines()
    found = (re.match(r"    (\w+): .*?  #: (.+)", line) for line in lines)
    return {key(match[1]): match[2] for match in found if match}


def fields(record: Any) -> dict[str, str]:
    """The keys of a record, with the names of their fields."""
    return {key(name): name for name in record._fields if name not in FILLED}


def records() -> list[Any]:
    """Every record of the language, the policy first."""
    found = [value for value in vars(cc_fleet.policy).values() if hasattr(value, "_fields") and value.__module__ == cc_fleet.policy.__name__]
    return [Policy, *(record for record in found if record is not Policy)]


def key(name: str) -> str:
    """The key that a field is written as."""
    return name.replace("_", "-")


def about(record: Any) -> str:
    """A record's docstring in one line."""
    return " ".join(inspect.cleandoc(record.__doc__ or "").split())


def schema_of(into: Any) -> dict[str, Any]:
    kind, inner = shape(into)
    if kind == "record":
        return _record(inner)
    if kind == "mapping":
        return {"type": "object", "additionalProperties": schema_of(inner)}
    if kind == "list":
        return {"type": "array", "items": schema_of(inner)}
    if kind == "words":
        return {"anyOf": [schema_of(inner), {"type": "array", "items": schema_of(inner)}]}
    return _scalar(inner)


def _scalar(into: Any) -> dict[str, Any]:
    if typing.get_origin(into) is Literal:
        return {"enum": list(typing.get_args(into))}
    if into is bool:
        return {"enum": [True, False, "true", "false"]}
    if into is Date:
        return {"type": "string", "format": "date", "pattern": _WHOLE.format(DATE)}
    if into is Range:  # 2.1 without quotes is a number to others
        return {"anyOf": [_text(RANGE), {"type": "number", "minimum": 0}]}
    if into is Numbers:
        return _text(f"{COMPARISON}(?:,{COMPARISON})*")
    if into is Duration:
        return _text(Duration.PATTERN)
    if into in (Count, Share):
        return {"anyOf": [_text(into.PATTERN), {"type": "integer", "minimum": 1, "maximum": 999999}]}
    return {"type": _ANY}  # read as the text that stands there


def _text(pattern: str) -> dict[str, Any]:
    return {"type": "string", "pattern": _WHOLE.format(pattern)}


def _record(into: Any) -> dict[str, Any]:
    said = sentences(into)
    keys = fields(into)
    record: dict[str, Any] = {
        "type": "object",
        "description": about(into),
        "properties": {key: {**schema_of(into.__annotations__[name]), "description": said[key]} for key, name in keys.items()},
        "additionalProperties": False,
    }
    required = [key for key, name in keys.items() if name not in into._field_defaults]
    if required:
        record["required"] = required
    if hasattr(into, "one_of_these"):
        record["oneOf"] = [_given(key, into.__annotations__[keys[key]]) for key in into.one_of_these()]
    short = into.short() if hasattr(into, "short") else None
    return {"anyOf": [schema_of(into.__annotations__[short]), record]} if short else record


def _given(key: str, into: Any) -> dict[str, Any]:
    """That a key says something: it is there, and neither an empty list nor false."""
    kind, inner = shape(into)
    if kind == "list":
        return {"required": [key], "properties": {key: {"minItems": 1}}}
    if inner is bool:
        return {"required": [key], "properties": {key: {"enum": [True, "true"]}}}
    return {"required": [key]}
