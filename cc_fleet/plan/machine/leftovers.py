"""What lies about and can come back: folders of extensions that no editor runs."""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks import _install
from cc_fleet.host.change import LEFTOVERS, Change
from cc_fleet.model import Install
from cc_fleet.plan.machine import _copies
from cc_fleet.plan.machine._task import Task, Wish, hand

CHECKS = ("extension-leftover",)


def plan(task: Task) -> Iterator[Wish]:
    for copy in (fate.copy for fate in task.fates):
        for finding in _copies.on(task, copy, *CHECKS):
            if _comes_back(task, copy):
                yield Wish(None, (finding,))
            elif task.may(copy.user) and task.target.os != "windows":
                yield Wish(removal(copy, copy.place.file)._replace(findings=(finding.check,)), (finding,))
            else:
                yield hand(finding)


def _comes_back(task: Task, copy: Install) -> bool:
    """Whether the plan installs this very version there: its folder is the one that runs then."""
    installed = (one for one in task.fates if one.state == "install" and one.version == copy.version)
    return any((one.copy.product, one.copy.user, one.copy.method) == (copy.product, copy.user, copy.method) for one in installed)


def removal(copy: Install, folder: str) -> Change:
    """The change that removes a folder of an extension, while the editor is closed."""
    args = {"path": folder, "holds": f"{copy.product} {copy.version}", "while_open": [_install.EDITORS.get(copy.method, copy.method)]}
    return Change("removal", f"remove {folder}, which {copy.method} does not run, and could again", copy.user, args, LEFTOVERS)
