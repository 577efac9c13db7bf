"""A waiver of the policy, or an ignore in a repository, excuses nothing that was found.

What it excused is repaired, or its check or version is misspelt. An ignore must give a reason, and
excuses what the policy's `exceptions` let it: which checks, and for how long. A policy of a whole fleet
will see waivers that are not for this machine, so only one whose `targets` (if it names any) were
all looked at is reported.

**Fix**: delete it, or correct what it says.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks import Judgement
from cc_fleet.model import Fix, Problem, Target
from cc_fleet.policy import KEPT

SEVERITY = "note"


def review(judged: Judgement) -> Iterator[Problem | tuple[Target, Problem]]:
    yield from _of_comments(judged) if judged.ignored else ()
    if not judged.policy.waivers:
        return
    from cc_fleet.checks._excused import matching

    targets = {target.name: target for target in judged.targets}
    names = set(targets) | {t.machine_id or "" for t in judged.targets} | {f"group:{g}" for t in judged.targets for g in t.groups}
    for waiver in judged.policy.waivers:
        if waiver.until < judged.today or not set(waiver.targets) <= names:
            continue
        if not any(matching(waiver, finding, targets.get(finding.target)) for finding in judged.findings if finding.check not in KEPT):
            yield Problem(waiver.check, f"the waiver of {waiver.check} excuses nothing ({waiver.reason})", waiver.place, Fix("admin", "delete it"))


def _of_comments(judged: Judgement) -> Iterator[tuple[Target, Problem]]:
    from cc_fleet.checks import _excused

    for target, ignore, name, why in judged.ignored:
        if why not in (_excused.ENDED, _excused.ENDS):
            told = f"the ignore of {name}" if name else "the ignore"
            advice = "delete it" if why == _excused.UNUSED else "correct it, or delete it"
            yield target, Problem(name or "ignore", f"{told} excuses nothing: {why}", ignore.place, Fix("you", advice))
