"""Where the system says what the policy wants of Claude Code: a drop-in of our own, the managed file, or MDM.

The drop-in is ours alone, so its whole content is planned: what the policy still wants of what is there, and what findings ask for.
Clients before 2.1.112 read none, so with one of these on the machine, before the plan or after it, the managed file gets the keys by splice.
Where the server, a profile or the registry is in force a managed file is dead, and none is written.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cc_fleet.checks import managed_place
from cc_fleet.host import redact
from cc_fleet.host.change import GATE, SETTINGS, Byhand, Change
from cc_fleet.host.layout import LAYOUTS
from cc_fleet.model import JSON, REDACTED, Finding
from cc_fleet.plan.machine import _copies, _later, _rules
from cc_fleet.plan.machine._files import checks, listed, name, some
from cc_fleet.plan.machine._task import GONE, Say, Task, Wish, Write, dropped
from cc_fleet.versions import key as version_key

DROP_IN = "managed-settings.d/50-cc-fleet.json"
DROP_INS_SINCE = (2, 1, 112)
BELONG_TO_MDM = frozenset(("remote", "plist", "hklm", "windows"))
_Keys = dict[tuple[str, ...], JSON]


def own_file(task: Task) -> str:
    """The drop-in that is ours alone."""
    return f"{LAYOUTS[task.target.os].managed}/{DROP_IN}"


def managed_file(task: Task) -> str:
    return f"{LAYOUTS[task.target.os].managed}/managed-settings.json"


def belongs_to_mdm(task: Task) -> bool:
    """Whether a source that MDM or the server writes is in force for somebody."""
    return any(view.managed().settings & BELONG_TO_MDM for view in task.later.views)


def has_drop_ins(task: Task) -> bool:
    """Whether every client reads drop-ins, those that the plan installs too."""
    found = {*_copies.versions(task, after=False), *_copies.versions(task, after=True)}
    read = [version_key(version) for version in found]
    return all(one is None or one[:3] >= DROP_INS_SINCE for one in read)


def beaten_by(task: Task, scope: str, file: str) -> bool:
    """Whether what stands in this managed source beats what we would say: a drop-in of somebody else, later in the alphabet or where we have none."""
    return scope == "drop-in" and file != own_file(task) and (not has_drop_ins(task) or file > own_file(task))


def say(task: Task, key: tuple[str, ...], value: JSON, finding: Finding, *, phase: int = SETTINGS) -> Iterator[Wish]:
    """In managed settings of ours, but for a line of somebody else's drop-in that beats them."""
    stands = [] if belongs_to_mdm(task) else [one for one in task.target.settings if one.key == key and beaten_by(task, one.scope, one.place.file)]
    for one in stands:
        if one.value != value:
            yield Wish(Write(one.place.file, None, key, value, phase=phase), (finding,))
    if not stands:
        yield Wish(Say(key, value, phase), (finding,))


def settled(task: Task, wishes: Iterable[Wish]) -> Iterator[Wish]:
    """What becomes of the keys that ``wishes`` (of sayings) ask for, and of those that we said before."""
    asked = [(wish.act, wish.findings) for wish in wishes if isinstance(wish.act, Say)]
    if not task.root or task.target.os not in LAYOUTS:
        return
    if belongs_to_mdm(task):
        yield from _of_mdm(task, asked)
        return
    make = _in_drop_in if has_drop_ins(task) else _in_file
    yield from make(task, asked)


_Asked = list[tuple[Say, tuple[Finding, ...]]]


def _said(task: Task) -> _Keys:
    """What our drop-in says."""
    return {one.key: one.value for one in task.target.settings if one.place.file == own_file(task)}


def _is_rejected(task: Task) -> bool:
    return any(one.place.file == own_file(task) for one in task.target.rejected)


def _kept(task: Task, now: _Keys) -> _Keys:
    """What the policy still wants of what we said, or a waiver leaves as it is."""
    excused = {finding.problem.subject for finding in task.waived}
    return {key: value for key, value in now.items() if _rules.wants(task, key, value) or name(key) in excused}


def _in_drop_in(task: Task, asked: _Asked) -> Iterator[Wish]:
    now, file = _said(task), own_file(task)
    first = _kept(task, now) | {say.key: say.value for say, _ in asked if say.phase == SETTINGS}
    last = {say.key: say.value for say, _ in asked if say.phase == GATE}
    if not any(fate.state == "install" for fate in task.fates):  # no copy needs the old gate open
        first |= {key: now[key] for key in last if key in now}
    about = tuple(finding for say, found in asked for finding in found if say.phase == SETTINGS)
    if _hidden(first):  # what facts do not show cannot be written again
        yield from _spliced(task, (now, first, first | last), asked)
        return
    if first != now or _is_rejected(task):
        about += tuple(one for one in task.findings if one.problem.place.file == file and one.check in _later.CHECKS)
        yield Wish(_own(task, now, first, SETTINGS, about), about)
    if first | last != first:
        found = tuple(finding for say, found in asked for finding in found if say.phase == GATE)
        yield Wish(_own(task, first, first | last, GATE, found), found)


def _hidden(keys: _Keys) -> frozenset[tuple[str, ...]]:
    """The keys whose values facts do not show in full."""
    return frozenset(key for key, value in keys.items() if REDACTED in json.dumps([key, value], ensure_ascii=False))


def _spliced(task: Task, states: tuple[_Keys, _Keys, _Keys], asked: _Asked) -> Iterator[Wish]:
    """Our drop-in by single keys: as it is, after the settings, after the gate."""
    about = {say.key: found for say, found in asked}
    for phase, before, after in ((SETTINGS, *states[:2]), (GATE, *states[1:])):
        for key in sorted({*before, *after}):
            value = after.get(key, GONE)
            if key not in before or before[key] != value:
                yield Wish(Write(own_file(task), None, key, value, phase=phase), about.get(key, ()))


def _own(task: Task, before: _Keys, after: _Keys, phase: int, found: tuple[Finding, ...]) -> Change:
    """The change that gives our drop-in this content; without any it is removed."""
    file, said = own_file(task), {key: value for key, value in after.items() if key not in before or before[key] != value}
    gone = [name(key) for key in before if key not in after]
    what = f"set {listed(task, dict(sorted(said.items())))}" if said else ""
    what += f"{' and ' if what else ''}remove {some(sorted(gone))}" if gone else ""
    what = f"{what} {'in' if said else 'from'} {file}" if after and what else f"write {file} anew" if after else f"{what or 'remove what Claude Code rejects'}, and with that {file}"
    content = f"{json.dumps(nested(after), indent=2, sort_keys=True, ensure_ascii=False)}\n" if after else None
    return Change("own-file", what, None, {"file": file, "content": content, "mode": 0o644}, phase, findings=checks([found]))


def nested(keys: Mapping[tuple[str, ...], JSON]) -> dict[str, Any]:
    """The object whose members are at these paths."""
    whole: dict[str, Any] = {}
    for key, value in sorted(keys.items()):
        below = whole
        for part in key[:-1]:
            inner = below.get(part)
            below[part] = below = inner if isinstance(inner, dict) else {}
        below[key[-1]] = value
    return whole


def _in_file(task: Task, asked: _Asked) -> Iterator[Wish]:
    """By splice; what our drop-in said goes there as well."""
    file, moved = managed_file(task), _kept(task, _said(task))
    hidden = _hidden(moved)
    for key, value in moved.items():
        if key not in hidden and not any(say.key == key for say, _ in asked) and task.says(file, key) != value:
            yield Wish(Write(file, None, key, value))
    for say, found in asked:
        if task.says(file, say.key) != say.value:
            yield Wish(Write(file, None, say.key, say.value, phase=say.phase), found)
        else:
            yield from (dropped(one, file) for one in found)
    if hidden:
        what = f"{some(sorted(map(name, hidden)))} stands in {own_file(task)}, which a client before 2.1.112 does not read, and its value is not shown"
        yield Wish(Byhand(what, own_file(task), "admin", f"move it to {file}"))
    elif _said(task) or _is_rejected(task):
        found = tuple(one for one in task.findings if one.problem.place.file == own_file(task) and one.check in ("settings-ignored", "settings-invalid"))
        what = f"remove {own_file(task)}: a client before 2.1.112 is here, which does not read it, so {file} says it"
        yield Wish(Change("own-file", what, None, {"file": own_file(task), "content": None, "mode": 0o644}, SETTINGS, findings=checks([found])), found)


def _of_mdm(task: Task, asked: _Asked) -> Iterator[Wish]:
    now = _said(task)
    wanted = _kept(task, now) | {say.key: say.value for say, _ in asked}
    where = next(managed_place(task.later, view).file for view in task.later.views if view.managed().settings & BELONG_TO_MDM)
    if wanted:
        shown = {key: redact.setting(key, value, task.policy.names()) for key, value in wanted.items()}
        how = f"say it in MDM: {json.dumps(nested(shown), sort_keys=True, ensure_ascii=False)}"
        one = len(wanted) == 1
        what = f"{some(sorted(map(name, wanted)))} {'belongs' if one else 'belong'} to MDM, whose settings are in force: a managed file is not read"
        yield Wish(Byhand(what, where, "MDM", how), tuple(finding for _, found in asked for finding in found))
    dead = not any("drop-in" in view.managed().settings | view.managed().env for view in task.later.views)
    if (now and dead) or _is_rejected(task):
        found = tuple(one for one in task.of("settings-ignored", "settings-invalid") if one.problem.place.file == own_file(task))
        what = f"remove {own_file(task)}: MDM's settings are in force, and it is not read"
        yield Wish(Change("own-file", what, None, {"file": own_file(task), "content": None, "mode": 0o644}, SETTINGS, findings=checks([found])), found)


def effective(task: Task, key: tuple[str, ...]) -> JSON:
    """What the managed file and its drop-ins say of a key: of drop-ins the last wins; GONE where none does."""
    said = [(one.scope == "drop-in", one.place.file, one.value) for one in task.target.settings if one.scope in ("managed", "drop-in") and one.key == key]
    return max(said, key=lambda one: one[:2])[2] if said else GONE


