"""What several formats share: which finding comes first, where it stands, and what is said of it."""

from __future__ import annotations

from cc_fleet.model import REDACTED, Finding, Place
from cc_fleet.policy import SEVERITIES
from cc_fleet.records import NamedTuple
from cc_fleet.report import Report, counts, excused


class Region(NamedTuple):
    """The characters of a file that a place means; the end is behind the last one, as SARIF has it."""

    line: int
    column: int | None = None
    end_line: int | None = None
    end_column: int | None = None


def region(place: Place) -> Region:
    """Where ``place`` begins and ends: a file as a whole begins in its first line, and redacted text has no known end."""
    line, column, text = max(place.line or 1, 1), place.column, place.text
    if place.line is None or column is None or column < 1:
        return Region(line)
    if not text or REDACTED in text:
        return Region(line, column)
    *before, last = text.split("\n")
    return Region(line, column, line + len(before), len(last) + (1 if before else column))


def foremost(report: Report) -> list[Finding]:
    """The findings, the worst first, and those that do not count after those of their severity that do."""
    return sorted(report.findings, key=lambda finding: (SEVERITIES.index(finding.severity), finding.waived is not None, not counts(finding)))


def named(finding: Finding) -> str:
    """The check, and the advisory where it tells one."""
    return f"{finding.check} {finding.problem.advisory}" if finding.problem.advisory else finding.check


def excuse(finding: Finding) -> str:
    """Why a waived finding is excused, until when and by whom; empty of another."""
    waived = finding.waived
    if waived is None:
        return ""
    answers = ", ".join(word for word in (waived.owner, waived.ticket) if word)
    return f"{excused(waived)}{f' ({answers})' if answers else ''}"


def where(place: Place) -> str:
    """``file:line:column``, as far as they are known."""
    return f"{place}:{place.column}" if place.line is not None and place.column is not None else str(place)


def sums(report: Report) -> str:
    """``1 error, 2 warnings, 0 notes, 1 waived``."""
    told = [(report.count(level), level) for level in SEVERITIES]
    waived = sum(1 for finding in report.findings if finding.waived)
    return ", ".join(f"{number} {level}{'s' if number != 1 else ''}" for number, level in told) + (f", {waived} waived" if waived else "")
