"""Facts as JSON, ``cc-fleet/facts/1``: grouped by kind, places as objects.

Facts travel, so what comes back is not trusted: every value is checked against the type of
its field, unknown keys are passed over, and a document of a newer schema is refused by name.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Callable, Optional

from ..model import GROUPS, REDACTED, Coverage, Place, Target

SCHEMA = "cc-fleet/facts/"
VERSION = 1
KINDS = ("machine", "filesystem", "image", "repository")
_OF_IMAGES = ("layer", "removed")


class FactsError(Exception):
    """The document is not facts; ``where: what`` in one line."""


def dump(target: Target) -> dict[str, Any]:
    """``target`` as the JSON document of DESIGN 3."""
    return {
        "schema": f"{SCHEMA}{VERSION}",
        "target": {
            "kind": target.kind, "name": target.name, "machine_id": target.machine_id, "os": target.os,
            "groups": list(target.groups),
        },
        "collected_at": target.collected_at,
        "collector": target.collector,
        "coverage": plain(target.coverage),
        **{group: [plain(fact) for fact in getattr(target, group)] for group in GROUPS},
    }  # fmt: skip


def plain(value: Any) -> Any:
    """A named tuple as a dictionary, all the way down; what is said of images alone stands there only where it is said."""
    if hasattr(value, "_fields"):
        return {name: plain(item) for name in value._fields if (item := getattr(value, name)) is not None or name not in _OF_IMAGES}
    if isinstance(value, float) and not -1e308 < value < 1e308:
        return REDACTED  # 1e999 stands in a file, and JSON has no such number
    return list(value) if isinstance(value, tuple) else value


def load(document: Any) -> Target:
    """The target that ``document`` describes, or FactsError."""
    _check_schema(document)
    about = _object(document, "target")
    if about.get("kind") not in KINDS:
        raise FactsError(f"target.kind: expected one of {', '.join(KINDS)}")
    groups = {
        group: tuple(_record(kind, item, f"{group}[{at}]") for at, item in enumerate(_list(document, group)))
        for group, kind in GROUPS.items()
    }
    for at, setting in enumerate(groups["settings"]):
        if not setting.key:
            raise FactsError(f"settings[{at}].key: expected a name")
    try:
        return Target(
            about["kind"], _is(str, about["name"], "target.name"), _is(str, about["os"], "target.os"),
            _is(str, document["collected_at"], "collected_at"), _is(str, document["collector"], "collector"),
            _record(Coverage, _object(document, "coverage"), "coverage"),
            _is(Optional[str], about.get("machine_id"), "target.machine_id"),
            _is(_TEXTS, about.get("groups", []), "target.groups"),
            **groups,
        )  # fmt: skip
    except KeyError as err:
        raise FactsError(f"{err.args[0]} is missing") from None


def _check_schema(document: Any) -> None:
    schema = document.get("schema") if isinstance(document, dict) else None
    if not isinstance(schema, str) or not schema.startswith(SCHEMA):
        raise FactsError(f"not facts of cc-fleet: no schema {SCHEMA}{VERSION}")
    number = schema[len(SCHEMA) :]
    if not number.isascii() or not number.isdigit() or len(number) > 6 or int(number) < 1:
        raise FactsError("schema: not a version of facts")
    if int(number) > VERSION:
        raise FactsError(f"schema: {schema} is newer than {SCHEMA}{VERSION}, the newest that this cc-fleet reads")


def _object(document: dict[str, Any], name: str) -> dict[str, Any]:
    value = document.get(name)
    if not isinstance(value, dict):
        raise FactsError(f"{name}: expected an object")
    return value


def _list(document: dict[str, Any], name: str) -> list[Any]:
    value = document.get(name, [])
    if not isinstance(value, list):
        raise FactsError(f"{name}: expected a list")
    return value


def _record(kind: Any, item: Any, where: str) -> Any:
    if not isinstance(item, dict):
        raise FactsError(f"{where}: expected an object")
    given = []
    for name, hint, default, good in _fields(kind):
        if name in item:
            value = item[name]
            given.append(value if type(value) in good else _is(hint, value, f"{where}.{name}"))
        elif default is _REQUIRED:
            raise FactsError(f"{where}.{name} is missing")
        else:
            given.append(default)
    return kind(*given)


_REQUIRED: Any = object()


@lru_cache(maxsize=None)
def _fields(kind: Any) -> tuple[tuple[str, Any, Any, frozenset[Any]], ...]:
    """The fields of a noun, each with its type, its default, and the types of JSON that need no closer look."""
    hints = kind.__annotations__
    return tuple((name, hints[name], kind._field_defaults.get(name, _REQUIRED), _GOOD.get(hints[name], frozenset())) for name in kind._fields)


def _is(hint: Any, value: Any, where: str) -> Any:
    """``value``, if it is what the annotation ``hint`` says; lists become tuples where that is asked."""
    if hint is Place or (hint is _PLACE and value is not None):
        return _record(Place, value, where)
    if hint is _PLACE:
        return None
    expected, check = _TYPES[hint]
    if isinstance(value, list) and hint in (_TEXTS, Optional[_TEXTS]):
        value = tuple(value)
    if not check(value):
        raise FactsError(f"{where}: expected {expected}")
    return value


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


def _is_texts(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(item, str) for item in value)


_TEXTS = tuple[str, ...]
_PLACE = Optional[Place]
_GOOD: dict[Any, frozenset[Any]] = {
    str: frozenset((str,)), Optional[str]: frozenset((str, type(None))), bool: frozenset((bool,)), Optional[bool]: frozenset((bool, type(None))),
    Any: frozenset((str, bool, int, float, list, dict, type(None))),
}  # fmt: skip
_TYPES: dict[Any, tuple[str, Callable[[Any], bool]]] = {
    str: ("a text", lambda v: isinstance(v, str)),
    Optional[str]: ("a text or null", lambda v: v is None or isinstance(v, str)),
    int: ("a whole number", _is_int),
    Optional[int]: ("a whole number or null", lambda v: v is None or _is_int(v)),
    bool: ("true or false", lambda v: isinstance(v, bool)),
    Optional[bool]: ("true, false or null", lambda v: v is None or isinstance(v, bool)),
    _TEXTS: ("a list of texts", _is_texts),
    Optional[_TEXTS]: ("a list of texts or null", lambda v: v is None or _is_texts(v)),
    Any: ("a JSON value", lambda _: True),
}
