"""What earlier runs wrote into files that are not ours alone, and the policy no longer wants: lifting a pin takes it back."""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks import _editor
from cc_fleet.host.change import LEFTOVERS, Byhand, Change, Owned
from cc_fleet.model import REDACTED
from cc_fleet.plan.machine import _managed, _rules
from cc_fleet.plan.machine._editors import POLICIES
from cc_fleet.plan.machine._files import name
from cc_fleet.plan.machine._task import GONE, Task, Wish, Write

CHECKS: tuple[str, ...] = ()


def plan(task: Task) -> Iterator[Wish]:
    excused = {finding.problem.subject for finding in task.waived}
    for one in task.owned:
        if not task.may(one.user) or not one.key or one.key[-1] in excused:
            continue
        if one.key[-1] == "pinned" and one.value is True and one.file.endswith("/extensions.json"):
            yield from _unpinned(task, one)
        elif one.key != ("shell-block",) and one.file != _managed.own_file(task):
            yield from _taken_back(task, one)


def _taken_back(task: Task, one: Owned) -> Iterator[Wish]:
    decides = {policy: (name,) for name, policy in POLICIES.items()} if one.file == _editor.POLICY["linux"] else {}
    key = decides.get(one.key[0], one.key)
    stands = next((setting for setting in task.target.settings if setting.place.file == one.file and setting.key == key), None)
    if stands is None:
        return  # somebody took it out
    of_editor = stands.scope.startswith("editor")
    if _rules.wants_in_editor(task, key[0], one.value) if of_editor else _rules.wants(task, key, one.value):
        return
    if stands.value == one.value:
        kind = "editor-settings" if of_editor and not decides else "settings"
        yield Wish(Write(one.file, one.user, one.key, GONE, kind=kind, weak=True))
    elif stands.value == REDACTED:
        what = f"{name(key)} was set by cc-fleet, and the policy no longer wants it; whether its value is still ours is not shown"
        yield Wish(Byhand(what, str(stands.place), "you" if one.user else "admin", f"take it out of {one.file}, if nobody needs it"))


def _unpinned(task: Task, one: Owned) -> Iterator[Wish]:
    rule = task.policy.extensions.get(one.key[0])
    folder = one.file.rpartition("/")[0]
    for copy in task.subject.extensions():
        held = copy.product == one.key[0] and copy.user == one.user and copy.place.file == one.file and copy.pinned is True
        if held and not (rule is not None and rule.pinned):
            args = {"folder": folder, "id": copy.product, "version": copy.version, "pinned": False}
            yield Wish(Change("extension-pin", f"let {copy.method} update {copy.product} again", one.user, args, LEFTOVERS))
