"""The target as it is when its copies are what the plan makes of them, judged again: another version knows other settings.

A flag that is asked of 2.1.153 alone is set with the downgrade to it, not by the next plan; and one that 2.1.330 no longer needs is not set first.
"""

from __future__ import annotations

from collections.abc import Sequence

from cc_fleet.checks import judge
from cc_fleet.model import Finding, Install, Target
from cc_fleet.plan.machine import _copies
from cc_fleet.plan.machine._task import Fate
from cc_fleet.policy import Policy

# What is judged by what a client makes of its settings.
CHECKS = frozenset("auto-update env-flag setting-value settings-ignored settings-invalid version-gate".split())


def target(now: Target, fates: Sequence[Fate]) -> Target:
    """``now``, with its copies in the versions that they will have, and without those that go."""
    if all(fate.version == fate.copy.version for fate in fates):
        return now
    runs = {user: _copies.running(fates, user, guess=True) for user in now.coverage.users}
    return now._replace(installs=tuple(_made(fate, [user for user, one in runs.items() if one is fate]) for fate in fates if fate.version is not None))


def _made(fate: Fate, users: list[str]) -> Install:
    copy = fate.copy._replace(version=fate.version or "")
    if fate.state == "install":
        copy = copy._replace(intact=True, defect=None)
    known = copy.active_for or ()
    return copy._replace(active_for=tuple(sorted({*known, *users}))) if set(users) - set(known) else copy


def findings(policy: Policy, now: Target, later: Target, found: Sequence[Finding]) -> tuple[Finding, ...]:
    """``found``, but for what is judged by versions: that as it is on ``later``."""
    if later is now:
        return tuple(found)
    again = judge(policy._replace(overlays=()), (), [later], now.collected_at[:10])  # they are laid over it already
    return (*(one for one in found if one.check not in CHECKS), *(one for one in again if one.check in CHECKS))
