"""A baseline: the findings that were known on a day, so that only new ones fail.

A finding is known by its fingerprint, which holds neither line nor version: what moves stays known.
One that has become worse than it was (a note is an error now) is new; and what nobody can ignore is
never known.  The file is JSON, one finding a line, sorted, and made to be committed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from cc_fleet.model import Finding, Waived
from cc_fleet.policy import KEPT, SEVERITIES
from cc_fleet.records import NamedTuple
from cc_fleet.report import Report

SCHEMA = "cc-fleet/baseline/"
VERSION = 1
SIZE = 16 * 1024 * 1024


class BaselineError(Exception):
    """The text is no baseline; ``line: what``."""


class Known(NamedTuple):
    """A finding of a baseline.  ``target`` is empty where it is of the one repository that was judged, whatever that is called."""

    target: str
    file: str
    check: str
    subject: str
    severity: str
    fingerprint: str


class Baseline(NamedTuple):
    """What was known on the day ``written``."""

    written: str
    findings: tuple[Known, ...]


def load(text: str) -> Baseline:
    """The baseline that ``text`` is, or BaselineError."""
    try:
        document: Any = json.loads(text)
    except json.JSONDecodeError as err:
        raise BaselineError(f"{err.lineno}: is not JSON: {err.msg.lower()}") from None
    except (RecursionError, ValueError):
        raise BaselineError("1: is nested too deep, or holds a number of too many digits") from None
    _check_schema(document)
    written, listed = document.get("written"), document.get("findings")
    if not isinstance(written, str) or not written.isprintable() or len(written) > 40:
        raise BaselineError("1: written: expected a date")
    if not isinstance(listed, list):
        raise BaselineError("1: findings: expected a list")
    for number, one in enumerate(listed):
        if (wrong := _wrong(one)) is not None:
            raise BaselineError(f"{_line(text, number)}: findings.{number}{wrong}")
    return Baseline(written, tuple(Known(*(one[name] for name in Known._fields)) for one in listed))


def _check_schema(document: Any) -> None:
    schema = document.get("schema") if isinstance(document, dict) else None
    number = schema.removeprefix(SCHEMA) if isinstance(schema, str) and schema.startswith(SCHEMA) else ""
    if not (number.isascii() and number.isdigit() and len(number) < 7):
        raise BaselineError(f"1: is no baseline of cc-fleet: no schema {SCHEMA}{VERSION}")
    if int(number) > VERSION:
        raise BaselineError(f"1: {schema} is newer than {SCHEMA}{VERSION}, the newest that this cc-fleet reads")
    if int(number) < VERSION:
        raise BaselineError(f"1: {schema} is no version of baselines")


def _wrong(one: Any) -> str | None:
    if not isinstance(one, dict):
        return ": expected an object"
    name = next((name for name in Known._fields if not isinstance(one.get(name), str)), None)
    if name is not None:
        return f".{name}: expected a text" if name in one else f": {name!r} is required"
    return None if one["severity"] in SEVERITIES else f".severity: expected one of {', '.join(SEVERITIES)}"


def _line(text: str, number: int) -> int:
    """The line of the finding of this number."""
    from cc_fleet.host import jsonc

    try:
        items = (jsonc.parse(text, strict=True, spans=True).members or {})["findings"].node.items or ()
        return jsonc.position(text, items[number].start)[0]
    except (ValueError, LookupError):
        return 1


def dump(baseline: Baseline) -> str:
    """A baseline's text."""
    lines = [json.dumps(dict(zip(Known._fields, one, strict=True))) for one in sorted(set(baseline.findings))]
    body = "[\n " + ",\n ".join(lines) + "\n]" if lines else "[]"
    return f'{{"schema": "{SCHEMA}{VERSION}", "written": {json.dumps(baseline.written)}, "findings": {body}}}\n'


def applied(baseline: Baseline, report: Report) -> Report:
    """``report`` with the findings that are known waived, and how many of the baseline are fixed."""
    known: dict[str, list[Known]] = {}
    for one in baseline.findings:
        known.setdefault(one.fingerprint, []).append(one)
    told, because = [], Waived(f"in the baseline of {baseline.written}", None, by="baseline")
    for finding in report.findings:
        found = finding.waived is None and finding.check not in KEPT and any(_is_known(one, finding) for one in known.get(finding.fingerprint, ()))
        told.append(finding._replace(waived=because) if found else finding)
    worse = {finding.fingerprint for finding in told if finding.waived is None}
    fixed = len(baseline.findings) - len(_left(baseline, report))
    return report._replace(findings=tuple(told), baseline=frozenset(known) - worse, fixed=fixed)


def pruned(baseline: Baseline, report: Report, today: str) -> Baseline:
    """``baseline`` without what is fixed."""
    return _dated(baseline, _left(baseline, report), today)


def renewed(baseline: Baseline | None, report: Report, today: str) -> Baseline:
    """All that is found now and not excused otherwise; of an earlier one what was not looked at now."""
    repositories = [target.name for target in report.targets if target.kind == "repository"]
    alone = repositories[0] if len(repositories) == 1 else None
    found = tuple(_of(finding, alone) for finding in report.findings if finding.waived is None and finding.check not in KEPT)
    if baseline is None:
        return Baseline(today, found)
    looked = _looked(report)
    return _dated(baseline, (*found, *(one for one in baseline.findings if not _is_seen(one, looked))), today)


def _dated(baseline: Baseline, findings: tuple[Known, ...], today: str) -> Baseline:
    """The day is that of the last change."""
    return baseline if sorted(set(findings)) == sorted(set(baseline.findings)) else Baseline(today, findings)


def _of(finding: Finding, alone: str | None) -> Known:
    problem = finding.problem
    told = (finding.target if finding.target != alone else "", problem.place.file, finding.check, problem.subject, finding.severity, finding.fingerprint)
    return Known(*(text.encode("utf-8", "backslashreplace").decode() for text in told))


def _is_known(one: Known, finding: Finding) -> bool:
    return one.target in ("", finding.target) and SEVERITIES.index(finding.severity) >= SEVERITIES.index(one.severity)


def _left(baseline: Baseline, report: Report) -> tuple[Known, ...]:
    """What of the baseline is still found, or was not looked at: another target, a file that could not be read."""
    found: dict[str, set[str]] = {}
    for finding in report.findings:
        found.setdefault(finding.fingerprint, set()).update(("", finding.target))
    looked = _looked(report)
    return tuple(one for one in baseline.findings if one.target in found.get(one.fingerprint, ()) or not _is_seen(one, looked))


def _looked(report: Report) -> Mapping[str, frozenset[str]]:
    """The targets that were looked at, each with its files that could not be read; the empty name is every repository."""
    files = {target.name: frozenset(gap.place.file for gap in target.gaps) for target in report.targets}
    repositories: Iterable[str] = [target.name for target in report.targets if target.kind == "repository"]
    every = {"": frozenset[str]().union(*(files[name] for name in repositories))} if repositories else {}
    return {**files, **every, "policy": frozenset()}


def _is_seen(one: Known, looked: Mapping[str, frozenset[str]]) -> bool:
    return one.target in looked and one.file not in looked[one.target]
