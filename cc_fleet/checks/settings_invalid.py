"""Claude Code drops a settings file whole, and says nothing.

Its settings are strict JSON. One comment or one trailing comma voids the file: every flag in it
is lost, exit code 0, no message (measured from 2.1.25 to 2.1.330). Editors that show comments in
JSON as correct make this easy.

**Fix**: correct the line that is named; `python3 -m json.tool FILE` checks it.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks import Subject
from cc_fleet.model import Fix, Problem
from cc_fleet.policy import Policy

SEVERITY = "error"


def compare(policy: Policy, subject: Subject) -> Iterator[Problem]:
    for file in subject.target.rejected:
        yield Problem(
            file.scope, f"Claude Code drops this whole file and says nothing: {file.reason}", file.place,
            Fix("you" if file.user else "admin", "correct it: settings are strict JSON"),
        )  # fmt: skip
