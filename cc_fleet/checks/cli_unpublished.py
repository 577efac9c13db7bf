"""A copy says a version that npm never published, or one newer than this cc-fleet knows.

46 numbers between 2.1.0 and 2.1.330 were never published. A copy that claims one of them was
built or edited by somebody. A number above the newest known one is only a note: the list of
published versions ships with cc-fleet and ages. In a repository it is a version that is asked for, and
its build fails; so does that of a range in which no version was published.

**Fix**: install a published version, or update cc-fleet.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks import Subject
from cc_fleet.model import Declared, Fix, Place, Problem
from cc_fleet.policy import Policy
from cc_fleet.policy.allowed import best, nearest
from cc_fleet.versions import published

SEVERITY = "warning"


def compare(policy: Policy, subject: Subject) -> Iterator[Problem]:
    for copy in subject.copies():
        yield from _said(copy.version, copy.place, Fix("admin", "install a published version; `cc-fleet versions` lists them"))
    for asked in subject.asked("cli"):
        yield from _asked(policy, asked)


def _asked(policy: Policy, asked: Declared) -> Iterator[Problem]:
    from cc_fleet.checks import _declared, _written

    version = _declared.exact(asked)
    if version is not None:
        yield from _said(version, asked.place, _written.fix(asked, nearest(policy, version)))
    elif not asked.unresolved and (found := _declared.opened(policy, asked)) and not found.admitted.known and not found.admitted.later:
        yield Problem(f"cli@{asked.spec}", f"no version of Claude Code in {asked.spec} was ever published on npm", asked.place, _written.fix(asked, best(policy)))


def _said(version: str, place: Place, fix: Fix | None) -> Iterator[Problem]:
    known = published()
    state = known.state(version)
    if state == "never":
        yield Problem(f"cli@{version}", f"Claude Code {version} was never published on npm", place, fix)
    elif state == "newer":
        message = f"Claude Code {version} is newer than {known.newest}, the newest known on {known.date}"
        yield Problem(f"cli@{version}", message, place, Fix("admin", "update cc-fleet"), severity="note")
