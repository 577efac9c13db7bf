"""Editor extensions: another version, held where the policy pins it, with the rights of the user whose editor it is."""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks import _editor, _install
from cc_fleet.host.change import INSTALL, LEFTOVERS, Change
from cc_fleet.model import Finding
from cc_fleet.plan.machine import _copies
from cc_fleet.plan.machine._files import checks
from cc_fleet.plan.machine._task import Fate, Task, Wish, hand
from cc_fleet.plan.machine.installs import denied
from cc_fleet.plan.machine.leftovers import removal

CHECKS = ("extension-version", "extension-unpinned", "extension-skew")


def plan(task: Task) -> Iterator[Wish]:
    for fate in task.fates:
        if fate.copy.product == "cli":
            continue
        if fate.hand is not None:
            yield Wish(fate.hand, fate.findings)
        elif fate.state == "install" and fate.version is not None:
            yield from _install_(task, fate, fate.version)
        elif fate.findings:
            yield Wish(None, fate.findings)
        for finding in _copies.on(task, fate.copy, "extension-unpinned"):
            yield _pinned(task, fate, finding)


def _install_(task: Task, fate: Fate, version: str) -> Iterator[Wish]:
    copy, folder = fate.copy, fate.copy.place.file.rpartition("/")[0]
    given = task.options.vsix.get((copy.product, version))
    args = {
        "editor": copy.method, "folder": folder, "id": copy.product, "version": version, "program": _install.EDITORS[copy.method],
        "vsix": {"file": given[0], "sha256": given[1]} if given else None, "denied": denied(task, copy.product, copy.version),
    }  # fmt: skip
    what = f"install {copy.product} {version} in {copy.user}'s {copy.method}, instead of {copy.version}"
    yield Wish(Change("extension", what, copy.user, args, INSTALL, findings=checks([fate.findings])), fate.findings)
    # The editor leaves the folder of the old version, and would run it again if its extensions.json were lost.
    old = f"{folder}/{copy.product}-{copy.version}{f'-{copy.platform}' if copy.platform else ''}"
    yield Wish(removal(copy, old)._replace(phase=LEFTOVERS, findings=checks([fate.findings])), fate.findings)


def _pinned(task: Task, fate: Fate, finding: Finding) -> Wish:
    copy = fate.copy
    if fate.state == "install":
        return Wish(None, (finding,))  # an editor pins what is installed by its number
    if _copies.on(task, copy, "extension-version"):
        return hand(finding)  # a version that the policy refuses is not held
    if copy.product == _editor.JETBRAINS or not task.may(copy.user) or not copy.place.file.endswith("/extensions/extensions.json"):
        return hand(finding)
    args = {"folder": copy.place.file.rpartition("/")[0], "id": copy.product, "version": copy.version, "pinned": True}
    return Wish(Change("extension-pin", f"hold {copy.product} {copy.version} in {copy.user}'s {copy.method}", copy.user, args, INSTALL, findings=(finding.check,)), (finding,))
