"""A waiver excuses nothing that was found; or a comment in a repository does not.

What it excused is repaired, or its check or version is misspelt. A policy of a whole fleet will
see this on machines that the waiver is not for, so only a waiver whose `targets` (if it names
any) were all looked at is reported. A comment (`cc-fleet: ignore[…]`) that gives no reason, names no
check or one that the policy does not let comments excuse, or runs too long, excuses nothing either.

**Fix**: delete it, or correct what the message names.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks import Judgement, _ignores, matching
from cc_fleet.model import Fix, Problem, Target
from cc_fleet.policy import KEPT

SEVERITY = "note"


def review(judged: Judgement) -> Iterator[Problem | tuple[Target, Problem]]:
    for target in judged.targets:
        for ignore, why in _ignores.unused(judged.policy, target, judged.findings, judged.today) if target.ignores else ():
            message = f"this comment excuses nothing: {why}"
            yield target, Problem(",".join(ignore.checks), message, ignore.place, Fix("you", "correct or delete it"))
    targets = {target.name: target for target in judged.targets}
    names = set(targets) | {t.machine_id or "" for t in judged.targets} | {f"group:{g}" for t in judged.targets for g in t.groups}
    for waiver in judged.policy.waivers:
        if waiver.until < judged.today or not set(waiver.targets) <= names:
            continue
        if not any(matching(waiver, finding, targets.get(finding.target)) for finding in judged.findings if finding.check not in KEPT):
            yield Problem(waiver.check, f"the waiver of {waiver.check} excuses nothing ({waiver.reason})", waiver.place, Fix("admin", "delete it"))
