"""An image has the `userID` of whoever started Claude Code while it was built.

The first start writes it into `~/.claude.json`, and it stays: every container of the image is then one and the same
user. Where the policy itself says what `userID` should be, as `ci-image` does, `setting-value` tells it.

**Fix**: do not start Claude Code while the image is built (`claude --version` writes nothing), or delete the file in
the same RUN.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks import Subject
from cc_fleet.model import Fix, Problem
from cc_fleet.policy import Policy

SEVERITY = "warning"


def compare(policy: Policy, subject: Subject) -> Iterator[Problem]:
    if subject.target.kind != "image" or "userID" in policy.settings:
        return
    for setting in subject.target.settings:
        if setting.key == ("userID",) and setting.scope == "global":
            fix = Fix("you", f"do not start claude in a RUN, or end that RUN with `rm -f {setting.place.file}`")
            yield Problem("userID", "userID was written when this image was built, so all of its containers are one user", setting.place, fix)
