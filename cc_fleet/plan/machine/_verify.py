"""What a user's PATH must run when copies were changed: looked at before the gate is closed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cc_fleet.host.change import VERIFY, Change
from cc_fleet.model import Install
from cc_fleet.plan.machine import _copies
from cc_fleet.plan.machine._task import Task


def changes(task: Task, made: Sequence[tuple[Change, Install | None]]) -> Iterator[Change]:
    """One look for each user whose PATH ran, or will run, a copy that one of ``made`` changes; their places in it are the changes' numbers."""
    touched: dict[Install, list[int]] = {}
    for number, (_, copy) in enumerate(made):
        if copy is not None:
            touched.setdefault(copy, []).append(number)
    for user in sorted(task.target.coverage.users) if task.options.live else ():
        runs = _copies.running(task.fates, user)
        ran = [fate.copy for fate in task.fates if fate.copy.product == "cli" and fate.copy.bundled_in is None and user in (fate.copy.active_for or ())]
        about = {copy for copy in (*ran[:1], *([runs.copy] if runs else ())) if copy in touched}
        if runs is None or runs.version is None or not about:
            continue
        numbers = sorted({number for copy in about for number in touched[copy]})
        args = {"user": user, "version": runs.version, "of": numbers}
        asked = tuple(sorted({check for number in numbers for check in made[number][0].findings}))
        yield Change("verify", f"check that {user}'s PATH runs Claude Code {runs.version}", user, args, VERIFY, findings=asked)
