"""A copy says a version that npm never published, or one newer than this cc-fleet knows.

46 numbers between 2.1.0 and 2.1.330 were never published. A copy that claims one of them was
built or edited by somebody. A number above the newest known one is only a note: the list of
published versions ships with cc-fleet and ages.

**Fix**: install a published version, or update cc-fleet.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks import Subject
from cc_fleet.model import Fix, Problem
from cc_fleet.policy import Policy
from cc_fleet.versions import published

SEVERITY = "warning"


def compare(policy: Policy, subject: Subject) -> Iterator[Problem]:
    known = published()
    for copy in subject.copies():
        state = known.state(copy.version)
        if state == "never":
            yield Problem(
                f"cli@{copy.version}", f"Claude Code {copy.version} was never published on npm", copy.place,
                Fix("admin", "install a published version; `cc-fleet versions` lists them"),
            )  # fmt: skip
        elif state == "newer":
            yield Problem(
                f"cli@{copy.version}",
                f"Claude Code {copy.version} is newer than {known.newest}, the newest known on {known.date}",
                copy.place, Fix("admin", "update cc-fleet"), severity="note",
            )  # fmt: skip
