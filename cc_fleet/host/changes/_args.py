"""What a change was given: a plan travelled, so nothing in it is taken for what it should be."""

from __future__ import annotations

from typing import Any, Mapping

from ...model import JSON
from ..change import Refused


def text(args: Mapping[str, JSON], name: str) -> str:
    """The text ``name``."""
    return str(_of(args, name, str, "a text"))


def texts(args: Mapping[str, JSON], name: str) -> list[str]:
    """The list of texts ``name``, none where it is missing."""
    return [str(_is(one, str, name, "a list of texts")) for one in _list(args, name)]


def objects(args: Mapping[str, JSON], name: str) -> list[Mapping[str, JSON]]:
    """The list of objects ``name``, none where it is missing."""
    return [_is(one, dict, name, "a list of objects") for one in _list(args, name)]


def flag(args: Mapping[str, JSON], name: str) -> bool:
    """True or false; false where it is missing."""
    return args.get(name) is not None and bool(_of(args, name, bool, "true or false"))


def mode(args: Mapping[str, JSON]) -> int:
    """The mode of a file that is made: 0644 where none is given, and never one that lets others write or that changes who runs it."""
    given = args.get("mode")
    wanted = 0o644 if given is None else _is(given, int, "mode", "a number")
    if isinstance(wanted, bool) or not 0 < wanted <= 0o777 or wanted & 0o022:
        raise Refused(f"the plan's mode is none for such a file: {given!r}")
    return int(wanted)


def sets(args: Mapping[str, JSON]) -> list[tuple[tuple[str, ...], JSON]]:
    """What is to be set: each a key's path and its value."""
    pairs = _list(args, "set")
    if not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
        raise Refused("the plan's set is not a list of keys with their values")
    return [(_path(key, "set"), value) for key, value in pairs]


def removes(args: Mapping[str, JSON]) -> list[tuple[str, ...]]:
    """The paths of the keys that are to go."""
    return [_path(key, "remove") for key in _list(args, "remove")]


def encoded(text: str) -> bytes:
    """``text`` as UTF-8; Refused where it holds half a character, or a NUL."""
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError:
        raise Refused("what the plan wants to write is no Unicode text") from None
    if "\0" in text:
        raise Refused("what the plan wants to write holds a NUL")
    return data


def _path(key: JSON, name: str) -> tuple[str, ...]:
    if not isinstance(key, list) or not key or not all(isinstance(part, str) for part in key):
        raise Refused(f"the plan's {name} holds what is no path of keys")
    return tuple(key)


def _list(args: Mapping[str, JSON], name: str) -> list[Any]:
    return [] if args.get(name) is None else list(_of(args, name, list, "a list"))


def _of(args: Mapping[str, JSON], name: str, kind: type, called: str) -> Any:
    return _is(args.get(name), kind, name, called)


def _is(value: JSON, kind: type, name: str, called: str) -> Any:
    if not isinstance(value, kind):
        raise Refused(f"the plan's {name} is not {called}")
    return value
