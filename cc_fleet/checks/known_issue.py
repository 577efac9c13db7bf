"""This version, with these flags, this provider and this gateway, is known to break.

What is known is data: one file an advisory in `cc_fleet/advisories`, each with its evidence and
its own examples, and a company's own in the folders that its policy names. The finding names
the advisory; `cc-fleet explain CCF-…` tells the cause, what helps, and what does not. In a repository
it is told of the versions that images, jobs and files ask for, with the variables that they get; where
these are not all written there (`package.json`), only what does not hang on one that is missing.

**Fix**: what the advisory's first remedy says.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks import Subject, reported
from cc_fleet.model import Problem
from cc_fleet.policy import Policy

SEVERITY = "warning"


def compare(policy: Policy, subject: Subject) -> Iterator[Problem]:
    yield from reported(policy, subject, "known-issue")
