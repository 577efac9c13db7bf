"""What both kinds of JSON settings share: keys set and removed in somebody's file, all else as it was."""

from __future__ import annotations

import json
from typing import Iterator, Mapping, Sequence

from ...model import JSON, REDACTED
from ...records import NamedTuple
from .. import redact, splice
from ..change import Failed, Preview, Refused
from ..files import ABSENT, digest
from ..jsonc import JsoncError, Node, parse
from ..site import Site
from . import _args

_TOLD = 20  # lines on what a repair leaves out
_WIDE = b"\xff\xfe"  # UTF-16, which editors and clients read where it begins so


class Edit(NamedTuple):
    """A file's bytes before, None where there is none, and after; ``shows`` what changes, for people."""

    old: bytes | None
    new: bytes | None
    shows: tuple[str, ...]


def preview(site: Site, args: Mapping[str, JSON], *, strict: bool) -> Preview:
    """What ``apply`` would do now."""
    file, edit = _args.text(args, "file"), _edit(site, args, strict=strict)
    _args.mode(args)
    if edit.new is not None and edit.new != edit.old:
        site.pretend(file, edit.new)
    return Preview({file: _state(edit.old)}, {file: _state(edit.new)}, edit.shows)


def apply(site: Site, args: Mapping[str, JSON], *, strict: bool) -> None:
    """Set and remove what ``args`` say.  Failed where the file does not hold it afterwards."""
    file, edit = _args.text(args, "file"), _edit(site, args, strict=strict)
    if edit.new is None or edit.new == edit.old:
        return
    site.write(file, edit.new, _args.mode(args))
    if site.read(file) != edit.new:
        raise Failed(f"{file}: does not hold what was written into it; something else writes it too")


def _state(data: bytes | None) -> str:
    return ABSENT if data is None else digest(data)


def _edit(site: Site, args: Mapping[str, JSON], *, strict: bool) -> Edit:
    file, sets, removes = _args.text(args, "file"), _args.sets(args), _args.removes(args)
    old = site.read(file)
    if old is None and not sets:
        return Edit(None, None, ())
    before = "" if old is None else _decoded(file, old)
    text, shows = before, list[str]()
    try:
        text, left_out = _readable(before, strict=strict, repair=_args.flag(args, "repair"))
        shows += _repairs(left_out)
        root = parse(text)
        for path in removes:
            text = _removed(text, path)
        for path, value in sets:
            text = splice.set_in(text, path, value)
        shows += _differences(root, sets, removes)
        _check(file, text, sets, removes, strict=strict)
    except JsoncError as err:
        raise Refused(f"{file}:{err.line}: {err.what}") from None
    new = old if text == before and old is not None else _encoded(text, old)
    return Edit(old, new, tuple(shows))


def _readable(text: str, *, strict: bool, repair: bool) -> tuple[str, tuple[str, ...]]:
    """The text as its reader takes it, and what had to be left out of it."""
    if strict and repair:
        return splice.repaired(text)
    try:
        parse(text, strict=strict)
    except JsoncError as err:
        advice = "; the client ignores the whole file, so correct that line by hand and plan again" if strict else "; correct that line by hand and plan again"
        err.what += advice
        raise
    return text, ()


def _removed(text: str, path: tuple[str, ...]) -> str:
    """``text`` without what is at ``path``, and without the objects above that hold nothing any more."""
    new = splice.remove_in(text, path)
    while new != text and len(path) > 1:
        text, path = new, path[:-1]
        root = parse(text)
        above, node = splice.at(root, path[:-1]), splice.at(root, path)
        if above is None or node is None or path[-1] in above.duplicates or text[node.start : node.end] != "{}":
            break
        new = splice.remove_in(text, path)
    return new


def _check(file: str, text: str, sets: Sequence[tuple[tuple[str, ...], JSON]], removes: Sequence[tuple[str, ...]], *, strict: bool) -> None:
    """Refused where the text would not be read, or not hold what was asked: a plan can contradict itself."""
    root = parse(text, strict=strict)
    for path, value in sets:
        node = splice.at(root, path)
        if node is None or not splice.same(node.value, value):
            raise Refused(f"{file}: {_named(path)} cannot be set as planned, for another part of the plan sets it otherwise")
    for path in removes:
        if splice.at(root, path) is not None:
            raise Refused(f"{file}: {_named(path)} cannot be removed as planned, for another part of the plan sets it")


def _repairs(left_out: Sequence[str]) -> Iterator[str]:
    """Where something goes and what it is; not its text, for people comment out what is secret."""
    for one in left_out[:_TOLD]:
        yield f"- ({one})"
    if len(left_out) > _TOLD:
        yield f"- (and {len(left_out) - _TOLD} more of them)"


def _differences(root: Node, sets: Sequence[tuple[tuple[str, ...], JSON]], removes: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """``- "KEY": old`` and ``+ "KEY": new`` for what changes."""
    for path in removes:
        node = splice.at(root, path)
        if node is not None:
            yield f"- {_named(path)}: {_written(redact.setting(path, node.value, _keep(path)))}"
    for path, value in sets:
        node = splice.at(root, path)
        if node is not None and splice.same(node.value, value):
            continue
        if node is not None:
            yield f"- {_named(path)}: {_written(redact.setting(path, node.value, _keep(path)))}"
        yield f"+ {_named(path)}: {_written(_wanted(path, value))}"


def _wanted(path: tuple[str, ...], value: JSON, depth: int = 0) -> JSON:
    """What the policy wants, which is shown down to each value that cannot be a secret."""
    if depth > 20:
        return REDACTED
    if isinstance(value, dict):
        return {redact.name(key): _wanted((*path, key), inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [_wanted(path, inner, depth + 1) for inner in value]
    return redact.setting(path, value, _keep(path))


def _keep(path: tuple[str, ...]) -> frozenset[str]:
    """The policy speaks of what is planned, by its name in the environment or as a setting."""
    return frozenset((path[-1] if path[0] == "env" and len(path) == 2 else ".".join(path),))


def _named(path: tuple[str, ...]) -> str:
    return ".".join(_written(redact.name(part)) for part in path)


def _written(value: JSON) -> str:
    return json.dumps(value, ensure_ascii=False)


def _decoded(file: str, data: bytes) -> str:
    """The text; bytes that are none stand in it so that they come out again as they were."""
    if not data.startswith(_WIDE):
        return data.decode("utf-8", "surrogateescape")
    try:
        return data.decode("utf-16-le")
    except UnicodeDecodeError:
        raise Refused(f"{file}: begins as UTF-16 and is not; save it as UTF-8 and plan again") from None


def _encoded(text: str, old: bytes | None) -> bytes:
    return text.encode("utf-16-le") if old is not None and old.startswith(_WIDE) else text.encode("utf-8", "surrogateescape")
