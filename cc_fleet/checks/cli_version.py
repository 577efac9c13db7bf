"""A copy of Claude Code is outside the policy's `cli.versions`, or is denied.

Every copy counts, also one that nobody's PATH runs today: the next change of a PATH, or the
next tool that calls it by its path, does. What the native updater merely keeps in store is a
note.

In a repository every version that is asked for counts: in an image, a job, a script, `package.json`,
at the line where it is written. What a lock makes of a range is judged; without a lock, a range of
which every published version is refused (of others speaks `cli-unpinned`). So is the version of
an action that the policy denies (`deny: [{product: claude-code-action, …}]`).

In an image what it holds counts, in the layer that brought it, and not what an older line of its history asked for.

**Fix**: install the version that the policy names; the report gives the command for the way
this copy was installed, or the words to write.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks import Subject, _install
from cc_fleet.model import Declared, Fix, Install, Problem
from cc_fleet.policy import Policy
from cc_fleet.policy.allowed import nearest, refusal

SEVERITY = "error"


def compare(policy: Policy, subject: Subject) -> Iterator[Problem]:
    for copy in subject.copies():
        refused = refusal(policy, "cli", copy.version, policy.cli.versions)
        if refused is None or (copy.intact is False and not copy.active_for):
            continue
        stored = copy.method == "native" and copy.active_for == ()
        yield Problem(
            f"cli@{copy.version}", f"Claude Code {copy.version} {refused}", copy.place,
            fix=_fix(policy, subject, copy), because=_asked_by(policy, subject, copy), severity="note" if stored else None,
        )  # fmt: skip
    if subject.target.kind == "image":  # what its lines brought was judged above
        return
    for asked in subject.asked("cli", "action"):
        problem = _asked(policy, asked) if asked.product == "cli" else _action(policy, asked)
        if problem is not None:
            yield problem


def _fix(policy: Policy, subject: Subject, copy: Install) -> Fix | None:
    """As on a machine; what an image's line pins goes to the nearest version, as in a repository."""
    pinned = subject.target.kind == "image" and _brought_by(subject, copy) is None
    return _install.cli(copy, nearest(policy, copy.version)) if pinned else _install.copy(policy, copy)


def _asked_by(policy: Policy, subject: Subject, copy: Install) -> str | None:
    """The line of an image's history that brought this copy and named no version, where that is as bad: it is the cause."""
    brought = _brought_by(subject, copy) if policy.severity.get("cli-unpinned", "error") == "error" else None
    return brought and f"cli-unpinned:{brought.place.file}:cli{f'@{brought.spec}' if brought.spec else ''}"


def _brought_by(subject: Subject, copy: Install) -> Declared | None:
    """The line of an image's history that made the layer of this copy, and named no version."""
    if subject.target.kind != "image" or copy.place.layer is None:
        return None
    return next((asked for asked in subject.asked("cli") if asked.place.layer == copy.place.layer), None)


def _asked(policy: Policy, asked: Declared) -> Problem | None:
    from cc_fleet.checks import _declared, _written

    version = _declared.exact(asked)
    if version is not None:
        refused = refusal(policy, "cli", version, policy.cli.versions)
        told = f"Claude Code {version}{_declared.locked(asked)} {refused}"
        return Problem(f"cli@{version}", told, asked.place, _written.fix(asked, nearest(policy, version))) if refused else None
    found = None if asked.unresolved else _declared.opened(policy, asked)
    if found is None or not found.whole:
        return None
    told = f"no Claude Code in {asked.spec} is allowed: {found.refused[-1]} {found.why}"
    return Problem(f"cli@{asked.spec}", told, asked.place, _written.fix(asked, nearest(policy, found.refused[-1])))


def _action(policy: Policy, asked: Declared) -> Problem | None:
    from cc_fleet.checks import _declared

    version = _declared.exact(asked)
    denied = next(policy.denials(asked.product, version), None) if version is not None else None
    if denied is None:
        return None
    why = f"is denied by {denied.id}{f': {denied.reason}' if denied.reason else ''}"
    advice = f"use {denied.instead}" if denied.instead else "use a version that is not denied"
    return Problem(f"{asked.product}@{version}", f"{asked.product} {version} {why}", asked.place, Fix("you", f"{advice}, by its commit"))
