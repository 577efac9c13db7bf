"""The native program is not the one whose sha256 the policy pins.

npm does not stop a wrong platform package: `npm ci` exits 0 with a wrong hash, and a replaced
program was installed and ran (measured). So the policy may pin the digest of the final
program, by version and platform, in `cli.sha256`.

Of a repository, where no program lies, nothing is told.

**Fix**: find out where the program came from before anything else, then install it again.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks import Subject
from cc_fleet.model import Fix, Problem
from cc_fleet.policy import Policy

SEVERITY = "error"


def compare(policy: Policy, subject: Subject) -> Iterator[Problem]:
    for copy in subject.copies():
        pinned = policy.cli.sha256.get(copy.version, {})
        wanted = {digest.lower() for platform, digest in pinned.items() if copy.platform in (None, platform)}
        if not wanted or copy.intact is False or copy.sha256 in wanted:
            continue
        if copy.sha256 is None:
            message = f"the sha256 of Claude Code {copy.version} was not read, so its pin cannot be judged"
            yield Problem(f"cli@{copy.version}", message, copy.place, severity="warning")
            continue
        yield Problem(
            f"cli@{copy.version}",
            f"the program of Claude Code {copy.version} is not the pinned one: its sha256 is {copy.sha256}",
            copy.place, Fix("admin", "find out where it came from, then install it again from a source you trust"),
        )  # fmt: skip
