"""A repository asks for Claude Code by no version, by a tag, or by a range that admits what the policy refuses.

More than half of the public files that install Claude Code name no version: what they bring changes
from one build to the next, and a release that is known to break comes by itself. A tag (`latest`,
`stable`, `next`) moves. A range such as `^2.1.0` is judged by what it admits: every published version,
and the next ones to come; where a lock beside it holds one version, `cli-version` judges that one.

Told is the line where the version is written, or would be. `claude update`, and `claude install`
without a version, are such lines too. A version that comes from elsewhere is `pin-unresolved`.

Of an image the last line of its history that brings Claude Code is told, where Claude Code is still there: the
next build brings another.

**Fix**: write one exact version that the policy allows; the report names it.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks import Subject
from cc_fleet.model import Declared, Problem
from cc_fleet.policy import Policy
from cc_fleet.policy.allowed import best, refusal

SEVERITY = "error"
DECLARED_ALONE = True


def compare(policy: Policy, subject: Subject) -> Iterator[Problem]:
    for asked in subject.asked("cli"):
        problem = _of(policy, asked, _there(policy, subject, asked) or best(policy))
        if problem is not None:
            yield problem


def _there(policy: Policy, subject: Subject, asked: Declared) -> str | None:
    """The version that an image's line brought, where the policy allows it: the least change is to name it."""
    brought = (copy.version for copy in subject.copies() if asked.place.layer is not None and copy.place.layer == asked.place.layer)
    return next((version for version in brought if refusal(policy, "cli", version, policy.cli.versions) is None), None)


def _of(policy: Policy, asked: Declared, version: str | None) -> Problem | None:
    from cc_fleet.checks import _declared, _written

    if asked.unresolved or _declared.exact(asked) is not None:
        return None
    message = _wrong(policy, asked)
    named = "cli" if asked.spec is None else f"cli@{asked.spec}"
    return Problem(named, message, asked.place, _written.fix(asked, version)) if message is not None else None


def _wrong(policy: Policy, asked: Declared) -> str | None:
    from cc_fleet.checks import _declared

    allowed = f", and the policy allows {policy.cli.versions}" if policy.cli.versions else ""
    if asked.spec is None:
        return f"no version of Claude Code is asked for, so it is whatever is newest then{allowed}"
    found = _declared.opened(policy, asked)
    if found is None:
        return f"{asked.spec} is no version of Claude Code but a name that moves{allowed}"
    if not found.refused or found.whole:
        return None  # of the latter cli-version speaks
    known = [version for version in found.refused if version in found.admitted.known]
    later = "versions to come" if len(known) < len(found.refused) else ""
    example = f"{known[-1]}{f' and {len(known) - 1} more' if len(known) > 1 else ''}" if known else ""
    return f"{asked.spec} admits {' and '.join(filter(None, (example, later)))}, which the policy refuses, and no lock holds it"
