"""A copy of Claude Code is outside the policy's `cli.versions`, or is denied.

Every copy counts, also one that nobody's PATH runs today: the next change of a PATH, or the
next tool that calls it by its path, does. What the native updater merely keeps in store is a
note.

**Fix**: install the version that the policy names; the report gives the command for the way
this copy was installed.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks import Subject, _install
from cc_fleet.model import Problem
from cc_fleet.policy import Policy
from cc_fleet.policy.allowed import refusal

SEVERITY = "error"


def compare(policy: Policy, subject: Subject) -> Iterator[Problem]:
    for copy in subject.copies():
        refused = refusal(policy, "cli", copy.version, policy.cli.versions)
        if refused is None or (copy.intact is False and not copy.active_for):
            continue
        stored = copy.method == "native" and copy.active_for == ()
        yield Problem(
            f"cli@{copy.version}", f"Claude Code {copy.version} {refused}", copy.place,
            fix=_install.copy(policy, copy), severity="note" if stored else None,
        )  # fmt: skip
