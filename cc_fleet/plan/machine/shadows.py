"""Copies of the CLI that go: hidden by another one where the policy has one-install: remove, or kept in store and denied.

The last copy of a user never goes, and none that is part of another program.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.host.change import LEFTOVERS, Change
from cc_fleet.plan.machine import _copies
from cc_fleet.plan.machine._files import checks
from cc_fleet.plan.machine._task import Fate, Task, Wish

CHECKS = ("cli-shadowed",)


def plan(task: Task) -> Iterator[Wish]:
    told: set[str] = set()
    for fate in sorted((one for one in task.fates if one.state == "goes"), key=lambda one: not one.copy.active_for):  # what is one for several copies is told of the one that runs
        for path, what, is_told in _paths(task, fate):
            if path in told:
                yield Wish(None, fate.findings)
                continue
            told.add(path)
            holds = f"Claude Code {fate.copy.version} ({fate.copy.method})"
            args = {"path": path, "holds": holds if is_told else "", "while_open": []}
            change = Change("removal", f"remove {path}, {what} {holds}", fate.copy.user, args, LEFTOVERS, findings=checks([fate.findings]))
            yield Wish(change, fate.findings, fate.copy)


def _paths(task: Task, fate: Fate) -> Iterator[tuple[str, str, bool]]:
    """What is removed, the launcher first, what each is, and whether it is known of which version: a launcher that runs nothing may start any."""
    copy, home = fate.copy, _copies.store(fate.copy)
    if home is not None:
        kept_there = [other for other in task.fates if _copies.store(other.copy) == home]
        hidden = any(finding.check in CHECKS or other.copy.active_for for other in kept_there for finding in other.findings)
        if task.policy.cli.one_install == "report" or not hidden or any(other.state != "goes" for other in kept_there):
            yield copy.place.file, "which holds", True
            return
        yield f"{home}/.local/bin/claude", "the launcher of", bool(copy.active_for)
        yield f"{home}/.local/share/claude", "the store of", True
    elif copy.method == "npm-local":
        yield copy.place.file.partition("/node_modules/")[0], "which holds", True
    else:
        yield f"{_copies.prefix(copy)}/bin/claude", "the launcher of", True
        yield copy.place.file.rpartition("/")[0], "which holds", True
