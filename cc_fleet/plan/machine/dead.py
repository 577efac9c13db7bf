"""Keys and files that Claude Code does not ask for: ours go with what is planned for managed settings, others are people's."""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.plan.machine import _managed
from cc_fleet.plan.machine._task import Task, Wish, hand

CHECKS = ("settings-ignored",)


def plan(task: Task) -> Iterator[Wish]:
    for finding in task.of(*CHECKS):
        if finding.problem.place.file == _managed.own_file(task) and task.root:
            continue  # what is planned for it answers, else it is left
        yield hand(finding)
