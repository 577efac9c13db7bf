"""A copy says a version and cannot run: npm's stub, an empty file, a missing program.

From 2.1.113 on npm's package holds a stub until its install script links the platform's
program. `--ignore-scripts`, `--omit=optional` and an offline install of the wrapper alone all
end with exit code 0 and a `claude` that does not start (measured).

**Fix**: install again with scripts and optional packages, or run the install script.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from cc_fleet.checks import Subject
from cc_fleet.model import Fix, Install, Problem
from cc_fleet.policy import Policy

SEVERITY = "error"


def compare(policy: Policy, subject: Subject) -> Iterator[Problem]:
    for copy in subject.target.installs:
        if copy.intact is False:
            yield Problem(
                f"{copy.product}@{copy.version}",
                f"Claude Code {copy.version} cannot run: {copy.defect or 'it is not intact'}",
                copy.place, _fix(copy), severity=None if copy.active_for else "note",
            )  # fmt: skip


def _fix(copy: Install) -> Fix:
    who = "you" if copy.user else "admin"
    if copy.method == "native":
        if not copy.active_for:
            return Fix(who, "delete the file", f"rm {copy.place.file}")
        return Fix(who, "install it again", f"claude install {copy.version}")
    folder = os.path.dirname(copy.place.file)
    if copy.defect and "script did not run" in copy.defect:
        return Fix(who, "run the install script", f"cd {folder} && node install.cjs")
    return Fix(who, "install it again, with scripts and optional packages",
               f"npm install -g --include=optional --foreground-scripts @anthropic-ai/claude-code@{copy.version}")  # fmt: skip
