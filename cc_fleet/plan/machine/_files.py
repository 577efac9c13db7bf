"""Wishes for keys of files made into changes: one for each file and phase."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cc_fleet.host import redact
from cc_fleet.host.change import Change
from cc_fleet.model import JSON, Finding
from cc_fleet.plan.machine._editors import POLICIES
from cc_fleet.plan.machine._task import GONE, Task, Wish, Write

_NAMED = 3  # keys that a line names
_MODES = {True: 0o600, False: 0o644}  # of a file that a change makes: a person's own, the system's
_Group = tuple[int, str, str, str | None]


def changes(task: Task, wishes: Iterable[Wish]) -> Iterator[Change]:
    """The changes that give files the keys that ``wishes`` (of writes) ask for."""
    groups: dict[_Group, list[tuple[Write, tuple[Finding, ...]]]] = {}
    for wish in wishes:
        write = wish.act
        if isinstance(write, Write):
            groups.setdefault((write.phase, write.kind, write.file, write.user), []).append((write, wish.findings))
    for (phase, kind, file, user), asked in groups.items():
        keys = _by_key(write for write, _ in asked)
        if not keys:
            continue
        repaired = keys.pop((), None) is not None
        args = _args(kind, file, keys, repaired=repaired)
        if kind == "settings":
            args["mode"] = _MODES[user is not None]
        yield Change(kind, _what(task, file, keys, repaired=repaired), user, args, phase, findings=checks(found for _, found in asked))


def checks(groups: Iterable[tuple[Finding, ...]]) -> tuple[str, ...]:
    """The checks of findings, each once and sorted."""
    return tuple(sorted({finding.check for found in groups for finding in found}))


def _by_key(writes: Iterable[Write]) -> dict[tuple[str, ...], JSON]:
    """What each key should hold: what is weak only where nothing else speaks of the key."""
    said = list(writes)
    keys = {write.key: write.value for write in said if write.weak}
    keys |= {write.key: write.value for write in said if not write.weak}
    return dict(sorted(keys.items()))


def _args(kind: str, file: str, keys: Mapping[tuple[str, ...], JSON], *, repaired: bool) -> dict[str, Any]:
    set_ = [[list(key), value] for key, value in keys.items() if value is not GONE]
    removed = [list(key) for key, value in keys.items() if value is GONE]
    return {"file": file, "set": set_, "remove": removed, **({"repair": repaired} if kind == "settings" else {})}


def _what(task: Task, file: str, keys: Mapping[tuple[str, ...], JSON], *, repaired: bool) -> str:
    parts = [f"make {file} strict JSON"] if repaired else []
    where = "there" if repaired else f"in {file}"
    set_ = {key: value for key, value in keys.items() if value is not GONE}
    removed = [key for key, value in keys.items() if value is GONE]
    if set_:
        parts.append(f"set {listed(task, set_)} {where}")
    if removed:
        parts.append(f"remove {some(list(map(name, removed)))} {'there' if parts else f'from {file}'}")
    return " and ".join(parts)


def listed(task: Task, keys: Mapping[tuple[str, ...], JSON]) -> str:
    """Keys with their values as a line names them, without secrets."""
    keep = task.policy.names() | frozenset(POLICIES.values())
    return some([f"{name(key)} to {_value(redact.setting(key, value, keep))}" for key, value in keys.items()])


def _value(value: JSON) -> str:
    text = value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:59]}…"


def name(key: tuple[str, ...]) -> str:
    """What people call a key: a variable by its name, a setting by its path."""
    return key[1] if len(key) == 2 and key[0] == "env" else ".".join(key)


def some(names: list[str]) -> str:
    """The first few of ``names``, and how many more there are."""
    if len(names) > _NAMED + 1:
        return f"{', '.join(names[:_NAMED])} and {len(names) - _NAMED} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
