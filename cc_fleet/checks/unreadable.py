"""Something is there and could not be read, so nothing was judged by it.

Not knowing is never a pass: without another finding the exit code is 4. It cannot be ignored and
never counts for `--fail-on`.

**Fix**: run with the rights to read it, or repair what stands there.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks import Subject, sentence
from cc_fleet.model import Fix, Problem
from cc_fleet.policy import Policy

SEVERITY = "warning"


def compare(policy: Policy, subject: Subject) -> Iterator[Problem]:
    for gap in subject.target.gaps:
        advice = "run as root, or as its owner" if gap.reason == "permission denied" else "look at what stands there"
        yield Problem("gap", f"could not be judged: {sentence(gap.reason)}", gap.place, Fix("admin", advice))
