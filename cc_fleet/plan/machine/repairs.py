"""Settings files that Claude Code rejects for their syntax: a comment, a trailing comma.

What is no JSON is made strict; a value of a wrong type only a person can put right.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.model import Finding, Rejected
from cc_fleet.plan.machine import _managed
from cc_fleet.plan.machine._own import SCOPES
from cc_fleet.plan.machine._task import AS_ROOT, Task, Wish, Write, hand

CHECKS = ("settings-invalid",)


def plan(task: Task) -> Iterator[Wish]:
    for finding in task.of(*CHECKS):
        yield _repaired(task, finding)


def _repaired(task: Task, finding: Finding) -> Wish:
    file = finding.problem.place.file
    rejected = next((one for one in task.target.rejected if one.place.file == file and one.kind == "syntax"), None)
    if rejected is None:
        return hand(finding)
    if rejected.scope in ("managed", "drop-in"):
        if not task.root:
            return hand(finding, AS_ROOT, who="admin")
        return Wish(None if file == _managed.own_file(task) else Write(file, None, (), True), (finding,))
    if _is_own(task, rejected):
        return Wish(Write(file, rejected.user, (), True), (finding,))
    how = "run cc-fleet plan as that user" if task.root and rejected.scope in SCOPES else None
    return hand(finding, how)


def _is_own(task: Task, rejected: Rejected) -> bool:
    """Whether it is a file of the user who plans; of ``~/.claude.json``, which holds their login, nothing is taken out."""
    return not task.root and rejected.scope in SCOPES - {"global"} and rejected.user is not None and task.may(rejected.user)
