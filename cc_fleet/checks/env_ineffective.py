"""A variable is set, and this version of Claude Code, or this combination, ignores it.

A flag that does nothing is worse than none: everybody believes that it protects. Which version
ignores what is kept as advisories (`check: env-ineffective`), each measured.

**Fix**: what the advisory says; mostly another version, or the setting that does work there.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks import Subject, reported
from cc_fleet.model import Problem
from cc_fleet.policy import Policy

SEVERITY = "warning"


def compare(policy: Policy, subject: Subject) -> Iterator[Problem]:
    yield from reported(policy, subject, "env-ineffective")
