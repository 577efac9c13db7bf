"""A waiver's last day is over, or near: one of the policy, or the `until=` of an ignore in a repository.

It no longer excuses anything from the day after `until`; in the fourteen days before, a note
tells its owner. It cannot be ignored.

**Fix**: repair what it excused, or agree on a new date.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks import Judgement
from cc_fleet.model import Fix, Problem, Target
from cc_fleet.policy import Waiver

SEVERITY = "warning"
DAYS = 14


def review(judged: Judgement) -> Iterator[Problem | tuple[Target, Problem]]:
    yield from _of_comments(judged) if judged.ignored else ()
    if not judged.policy.waivers:
        return
    from datetime import date

    for waiver in judged.policy.waivers:
        left = (date.fromisoformat(waiver.until) - date.fromisoformat(judged.today)).days
        if left < 0:
            yield _problem(waiver, f"the waiver of {waiver.check} ended on {waiver.until}", None)
        elif left <= DAYS:
            yield _problem(waiver, f"the waiver of {waiver.check} ends on {waiver.until}", "note")


def _problem(waiver: Waiver, message: str, severity: str | None) -> Problem:
    asked = waiver.owner or "its owner"
    return Problem(waiver.check, f"{message} ({waiver.reason})", waiver.place, Fix("admin", f"ask {asked} for a repair or a new date"), severity=severity)


def _of_comments(judged: Judgement) -> Iterator[tuple[Target, Problem]]:
    from cc_fleet.checks import _excused

    for target, ignore, name, what in judged.ignored:
        if what in (_excused.ENDED, _excused.ENDS):
            told = f"the ignore of {name} {what} on {ignore.until} ({ignore.reason})"
            yield target, Problem(name, told, ignore.place, Fix("you", "repair what it excused, or agree on a new date"), severity="note" if what == _excused.ENDS else None)
