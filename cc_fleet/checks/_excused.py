"""What excuses a finding: a waiver of the policy, or a comment in the repository.  Loaded where there is either."""

from __future__ import annotations

import re
from collections.abc import Iterable

from cc_fleet.model import Finding, Ignore, Place, Target, Waived
from cc_fleet.policy import KEPT, Policy, Waiver

# What there is to say of a comment: the check that it names, and why it excuses nothing, or one of these two.
Became = tuple[Ignore, str, str]
ENDED, ENDS = "ended", "ends"
UNUSED = "nothing that it names was found on its lines"
SOON = 14  # days
_ADVISORY = re.compile(r"[A-Z][A-Z0-9]*(-[A-Z0-9]+)+")


def matching(waiver: Waiver, finding: Finding, target: Target | None) -> bool:
    """Whether ``waiver`` speaks of this finding: its check or advisory, its target, its version."""
    problem = finding.problem
    if waiver.check not in (finding.check, problem.advisory):
        return False
    names = () if target is None else (target.name, target.machine_id, *(f"group:{g}" for g in target.groups))
    if waiver.targets and not set(waiver.targets) & set(names):
        return False
    versions, scheme = problem.subject.rpartition("@")[2].split(","), "pep440" if finding.check == "gateway-version" else "semver"
    return waiver.allow is None or all(waiver.allow.versions.admits(version, scheme) for version in versions)


def excused(policy: Policy, findings: list[Finding], target: Target, today: str) -> tuple[list[Finding], list[Became]]:
    """The findings on ``target``, those that something excuses with what does; and the comments that excuse nothing."""
    waivers = [waiver for waiver in policy.waivers if waiver.until >= today]
    told = [_waived(waivers, finding, target) for finding in findings]
    if not target.ignores:
        return told, []
    valid: dict[tuple[str, int], list[tuple[Ignore, str]]] = {}
    became: list[Became] = []
    for ignore in target.ignores:
        if (why := _refused(policy, ignore, today)) is not None:
            became.append((ignore, ", ".join(ignore.checks), why))
            continue
        for name in dict.fromkeys(ignore.checks):
            if (why := _no_check(policy, name)) is not None:
                became.append((ignore, name, why))
                continue
            for line in range(ignore.line, min(ignore.last, ignore.line + 300) + 1):
                valid.setdefault((ignore.place.file, line), []).append((ignore, name))
    used: set[tuple[Ignore, str]] = set()
    uses = _uses(target)
    told = [_ignored(policy, finding, valid, uses, used) for finding in told]
    named: dict[Ignore, dict[str, None]] = {}
    for ignore, name in (pair for pairs in valid.values() for pair in pairs):
        named.setdefault(ignore, {})[name] = None
    needed, soon = {ignore for ignore, _ in used}, _latest(today, SOON)
    became += [(ignore, ", ".join(names), _unused(policy, names)) for ignore, names in named.items() if ignore not in needed]
    became += [(ignore, ", ".join(names), ENDS) for ignore, names in named.items() if ignore in needed and ignore.until is not None and ignore.until <= soon]
    return told, became


def _waived(waivers: list[Waiver], finding: Finding, target: Target) -> Finding:
    if finding.check in KEPT:
        return finding
    for waiver in waivers:
        if matching(waiver, finding, target):
            return finding._replace(waived=Waived(waiver.reason, waiver.until, waiver.owner, waiver.ticket))
    return finding


_Lines = dict[tuple[str, int], list[tuple[Ignore, str]]]
_Uses = dict[tuple[str, int | None, str], list[Place]]


def _uses(target: Target) -> _Uses:
    """The statements that install what is written at another place: by that place and the product."""
    found: _Uses = {}
    for asked in target.declared:
        if asked.used is not None:
            found.setdefault((asked.place.file, asked.place.line, asked.product), []).append(asked.used)
    return found


def _ignored(policy: Policy, finding: Finding, valid: _Lines, uses: _Uses, used: set[tuple[Ignore, str]]) -> Finding:
    """``finding``, excused by a comment on its lines, or on those of every statement that uses what is written there."""
    place, product = finding.problem.place, finding.problem.subject.partition("@")[0]
    here = _of(policy, valid, finding, place)
    if not here:
        asked = [_of(policy, valid, finding, statement) for statement in uses.get((place.file, place.line, product), ())]
        here = [pair for pairs in asked for pair in pairs] if all(asked) else []
    used.update(here)
    if not here or finding.waived is not None:
        return finding
    ignore = here[0][0]
    return finding._replace(waived=Waived(ignore.reason, ignore.until, by="comment"))


def _of(policy: Policy, valid: _Lines, finding: Finding, place: Place) -> list[tuple[Ignore, str]]:
    """The comments that excuse ``finding`` on the line of ``place``."""
    advisory = finding.problem.advisory
    found = [pair for pair in valid.get((place.file, place.line or 0), ()) if pair[1] in (finding.check, advisory)]
    return found if _lets(policy, finding.check) or _lets(policy, advisory) else [pair for pair in found if _lets(policy, pair[1])]


def _lets(policy: Policy, name: str | None) -> bool:
    """Whether the policy lets a comment excuse findings of this name."""
    return "inline" not in policy.exceptions.given or name in policy.exceptions.inline


def _refused(policy: Policy, ignore: Ignore, today: str) -> str | None:
    """Why a comment as a whole excuses nothing."""
    most = policy.exceptions.max_days
    if not ignore.checks:
        return "it names no check; write ignore[cli-unpinned]"
    if not ignore.reason:
        return "it gives no reason; write one behind the brackets"
    if ignore.until is None:
        return None if most is None else f"exceptions.max-days asks for an end; write until={_latest(today, most)} at the latest"
    if not _is_date(ignore.until):
        return f"expected a date such as until=2026-12-31, not {ignore.until!r}"
    if ignore.until < today:
        return ENDED
    if most is not None and ignore.until > _latest(today, most):
        return f"{ignore.until} is more than {most} days away, which exceptions.max-days forbids; at the latest {_latest(today, most)}"
    return None


def _no_check(policy: Policy, name: str) -> str | None:
    """Why a comment excuses nothing of this name."""
    if name in KEPT:
        return f"{name} cannot be ignored"
    if _ADVISORY.fullmatch(name):
        return None
    from cc_fleet.checks import all_checks

    known = list(all_checks())
    if name not in known:
        from cc_fleet.decode import near

        return near(name, known)
    return None if _lets(policy, name) else f"the policy's exceptions.inline lets no comment excuse {name}"


def _unused(policy: Policy, names: Iterable[str]) -> str:
    if any(_ADVISORY.fullmatch(name) and not _lets(policy, name) for name in names):
        return "nothing that the policy's exceptions.inline lets a comment excuse was found on its lines"
    return UNUSED


def _is_date(text: str) -> bool:
    from datetime import date

    try:
        return bool(re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text)) and bool(date.fromisoformat(text))
    except ValueError:
        return False


def _latest(today: str, days: int) -> str:
    from datetime import date, timedelta

    return (date.fromisoformat(today) + timedelta(days=days)).isoformat()


