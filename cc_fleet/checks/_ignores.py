"""Comments in a repository that excuse findings: what they excuse, and why one excuses nothing."""

# Annotations are not postponed here: as texts each would be compiled at start.
from collections.abc import Iterable, Iterator

from cc_fleet.model import Finding, Ignore, Place, Target, Waived
from cc_fleet.policy import KEPT, Policy


def excused(policy: Policy, target: Target, findings: Iterable[Finding], today: str) -> list[Finding]:
    """``findings`` on ``target``, those waived that a comment of it excuses today."""
    valid = [one for one in target.ignores if refused(policy, one, today) is None and not is_over(one, today)]
    used = _used(target)
    found = []
    for finding in findings:
        ignore = next((one for one in valid if matches(one, finding, used)), None) if finding.waived is None and finding.check not in KEPT else None
        found.append(finding if ignore is None else finding._replace(waived=Waived(ignore.reason, ignore.until)))
    return found


def matches(ignore: Ignore, finding: Finding, used: dict[tuple[str, int | None], set[tuple[str, int | None]]]) -> bool:
    """Whether the comment speaks of this finding: by its check or advisory, at its line or that of the statement that it is about."""
    problem, at = finding.problem, (ignore.place.file, ignore.line)
    if not {finding.check, problem.advisory} & set(ignore.checks):
        return False
    here = (problem.place.file, problem.place.line)
    return at == here or at in used.get(here, ())


def _used(target: Target) -> dict[tuple[str, int | None], set[tuple[str, int | None]]]:
    """Where each version that is written somewhere is used."""
    found: dict[tuple[str, int | None], set[tuple[str, int | None]]] = {}
    for declared in target.declared:
        if declared.used is not None:
            found.setdefault(_line(declared.place), set()).add(_line(declared.used))
    return found


def _line(place: Place) -> tuple[str, int | None]:
    return place.file, place.line


def is_over(ignore: Ignore, today: str) -> bool:
    """Whether its last day has passed."""
    return ignore.until is not None and ignore.until < today


def refused(policy: Policy, ignore: Ignore, today: str) -> str | None:
    """Why the comment excuses nothing whatever is found, as the end of a sentence."""
    if not ignore.reason:
        return "it gives no reason; write one behind the brackets"
    if not ignore.checks:
        return "it names no check; write one in the brackets"
    return next(_wrong_names(policy, ignore), None) or _wrong_date(policy, ignore, today)


def _wrong_names(policy: Policy, ignore: Ignore) -> Iterator[str]:
    from cc_fleet.checks import all_checks

    for name in ignore.checks:
        if name in KEPT:
            yield f"{name} cannot be ignored"
        elif not name.startswith("CCF-") and name not in all_checks():
            from cc_fleet.decode import near

            yield near(name, list(all_checks()))
        elif "inline" in policy.exceptions.given and name not in policy.exceptions.inline:
            allowed = ", ".join(policy.exceptions.inline) or "no check"
            yield f"the policy lets a comment excuse {allowed}, and not {name}"


def _wrong_date(policy: Policy, ignore: Ignore, today: str) -> str | None:
    most = policy.exceptions.max_days
    if ignore.until is None:
        return f"the policy wants a last day; write until=, at most {int(most)} days ahead" if most is not None else None
    from datetime import date

    try:
        left = (date.fromisoformat(ignore.until) - date.fromisoformat(today)).days
    except ValueError:
        return f"{ignore.until!r} is no date; write until=2026-12-31"
    return f"{ignore.until} is {left} days ahead, and the policy lets it be {int(most)}" if most is not None and left > int(most) else None


def unused(policy: Policy, target: Target, findings: Iterable[Finding], today: str) -> Iterator[tuple[Ignore, str]]:
    """The comments that excuse nothing, each with why."""
    waived = [finding for finding in findings if finding.target == target.name and finding.waived is not None]
    for ignore in target.ignores:
        if (why := refused(policy, ignore, today)) is not None:
            yield ignore, why
        elif not is_over(ignore, today) and not any(_excuses(ignore, finding) for finding in waived):
            yield ignore, "nothing is found that it would excuse"


def _excuses(ignore: Ignore, finding: Finding) -> bool:
    told = finding.waived
    return told is not None and (told.reason, told.until) == (ignore.reason, ignore.until) and bool({finding.check, finding.problem.advisory} & set(ignore.checks))
