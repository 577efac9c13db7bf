"""What stands in a journal, and what may: whatever it is read from, or whoever says it, it is looked at before it is believed.

A line is a run's head, a step that is about to be taken (``op``), what became of one (``state``), what came of a change
(``outcome``), or the end. A step names its paths and, in their folders, the names of what it made and kept: no other.
"""

from __future__ import annotations

import json
from typing import Any, Callable, Iterator, Mapping, Optional

Holds = Callable[[Any], bool]


def parsed(data: bytes) -> Iterator[dict[str, Any]]:
    """The whole lines of a journal; ValueError (``LINE: what``) where one is nothing that a run writes."""
    for number, line in enumerate(data.split(b"\n")[:-1], 1):
        try:
            entry = json.loads(line)
        except ValueError:  # torn by a crash, and ended by the run after it
            continue
        except RecursionError:
            raise ValueError(f"{number}: is nothing that a run writes") from None
        reason = odd(entry)
        if reason is not None:
            raise ValueError(f"{number}: is nothing that a run writes ({reason})")
        yield entry


def odd(entry: Any) -> Optional[str]:
    """What is wrong with a line; None: nothing."""
    if not isinstance(entry, dict):
        return "no object"
    if "op" in entry:
        shape = _OPS.get(entry["op"]) if isinstance(entry["op"], str) else None
        if shape is None:
            return "no step is called so"
        shape = {**shape, "n": _number, "change": _number, **({"image": _image} if "image" in entry else {})}
    elif "state" in entry:
        shape = {"n": _number, "state": _text, **({"after": _remembered} if "after" in entry else {})}
    elif "outcome" in entry:
        shape = {"change": _number, "outcome": _text}
    else:
        return None
    return next((name for name, holds in shape.items() if not holds(entry.get(name))), None)


def shaped(entry: Any) -> dict[str, Any]:
    """A step as its user tells it, without what is not said of steps; ValueError where it is none."""
    found = {str(name): value for name, value in entry.items() if name in _SAID} if isinstance(entry, dict) else {}
    reason = odd({**found, "n": 1, "change": 0}) if "op" in found else "no step"
    if reason is not None:
        raise ValueError(reason)
    return found


def known(more: Any) -> dict[str, Any]:
    """What is known of a step since it was taken."""
    return {"after": more["after"]} if isinstance(more, dict) and _remembered(more.get("after")) else {}


def _number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9


def _text(value: Any) -> bool:
    return isinstance(value, str) and "\0" not in value


def _image(value: Any) -> bool:
    return isinstance(value, str) and value.isascii() and value.isdigit()


def _path(value: Any) -> bool:
    return _text(value) and value.startswith("/") and ".." not in value.split("/")


def _paths(value: Any) -> bool:
    return value is None or (isinstance(value, list) and all(map(_path, value)))


def _name(value: Any) -> bool:
    """Of an entry beside the one that is changed: only what a run makes itself."""
    return _text(value) and "/" not in value and ".cc-fleet-" in value


def _meta(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(value.get(name), int) and -(2**63) <= value[name] < 2**63 for name in ("mode", "uid", "gid", "mtime", "atime"))


def _remembered(value: Any) -> bool:
    return isinstance(value, dict) and all(_path(path) and _seen(one) for path, one in value.items())


def _seen(one: Any) -> bool:
    return (
        isinstance(one, dict)
        and _text(one.get("state"))
        and ("bytes" not in one or (isinstance(one["bytes"], str) and _meta(one.get("meta")) and all(ord(letter) < 256 for letter in one["bytes"])))
        and ("names" not in one or (isinstance(one["names"], list) and all(_text(name) and "/" not in name for name in one["names"])))
    )


def _either(value: Any) -> bool:
    return value is None or _meta(value)


_OPS: Mapping[str, Mapping[str, Holds]] = {
    "write": {"path": _path, "before": _text, "after": _text, "temp": _name, "meta": _either},
    "move": {"path": _path, "kept": _name, "is": _text},
    "swap": {"path": _path, "made": _name, "kept": _name, "before": _text, "after": _text},
    "folder": {"path": _path},
    "staging": {"path": lambda value: _path(value) and _name(value.rpartition("/")[2])},
    "watch": {"paths": _remembered, "loose": _paths},
}
_SAID = frozenset(("op", *(name for shape in _OPS.values() for name in shape), "was"))
