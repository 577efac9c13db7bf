"""A waiver's last day is over, or near; or that of a comment that excuses something in a repository.

It no longer excuses anything from the day after `until`; in the fourteen days before, a note
tells its owner. It cannot be ignored.

**Fix**: repair what it excused, or agree on a new date.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks import Judgement, _ignores
from cc_fleet.model import Fix, Problem, Target
from cc_fleet.policy import Waiver

SEVERITY = "warning"
DAYS = 14


def review(judged: Judgement) -> Iterator[Problem | tuple[Target, Problem]]:
    for target in judged.targets:
        for ignore in target.ignores:
            if _ignores.refused(judged.policy, ignore, judged.today) is None and _ignores.is_over(ignore, judged.today):
                message = f"the comment that ignores {', '.join(ignore.checks)} ended on {ignore.until} ({ignore.reason})"
                yield target, Problem(",".join(ignore.checks), message, ignore.place, Fix("you", "repair what it excused, or agree on a new date"))
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
