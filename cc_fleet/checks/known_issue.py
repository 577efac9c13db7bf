"""This version, with these flags, this provider and this gateway, is known to break.

What is known is data: one file an advisory in `cc_fleet/advisories`, each with its evidence and
its own examples, and a company's own in the folders that its policy names. The finding names
the advisory; `cc-fleet explain CCF-…` tells the cause, what helps, and what does not.

**Fix**: what the advisory's first remedy says.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.advisories import Advisory
from cc_fleet.checks import Subject, nowhere, by_view
from cc_fleet.client import View
from cc_fleet.model import Fix, Problem
from cc_fleet.policy import Policy

SEVERITY = "warning"
NAME = "known-issue"


def compare(policy: Policy, subject: Subject) -> Iterator[Problem]:
    yield from reported(subject, NAME)


def reported(subject: Subject, check: str) -> Iterator[Problem]:
    """The advisories that are told under the name ``check``, for every view that they concern."""
    known = [advisory for advisory in subject.advisories if advisory.check == check]
    yield from by_view(subject, lambda view: (_problem(a, subject, view) for a in known if a.concerns(view)))


def _problem(advisory: Advisory, subject: Subject, view: View) -> Problem:
    name, place = advisory.subject(view)
    because = None
    if place is None and view.install is not None:
        place = view.install.place
        because = f"{'cli' if view.install.product == 'cli' else 'extension'}-version:{place.file}"
    remedy = advisory.remedies[0]
    version = f" (Claude Code {view.version})" if view.version else ""
    trace = view.env(name).trace() if name != advisory.id else ()
    return Problem(
        name, f"{advisory.title}{version}", place or nowhere(subject, view.user),
        Fix(remedy.who, remedy.text, remedy.command), because, trace, advisory.severity, advisory.id,
    )  # fmt: skip
