"""A folder of another version of an extension lies beside the one that the editor runs.

If `extensions.json` is lost, the editor scans its folders and takes the highest version, also
one that is marked for removal (measured): an old bad release comes back by itself. A folder
that the editor has marked goes at its next start, and is a note. What any profile of the editor
runs is no leftover.

Of a repository, where no editor runs, nothing is told.

**Fix**: close the editor and delete the folder.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks import Subject, _install
from cc_fleet.model import Fix, Problem
from cc_fleet.policy import Policy

SEVERITY = "warning"


def compare(policy: Policy, subject: Subject) -> Iterator[Problem]:
    for copy in subject.extensions():
        if copy.active_for == ():
            marked = f"; it is {copy.defect}" if copy.defect else ""
            yield Problem(
                f"{copy.product}@{copy.version}", f"{copy.method} does not run this {copy.product} {copy.version}, and could again{marked}",
                copy.place, Fix("you", f"close {copy.method} and delete the folder", _install.deletion(copy.place.file)),
                severity="note" if copy.defect else None,
            )  # fmt: skip
