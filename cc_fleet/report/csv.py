"""The report as CSV (RFC 4180), a row for each finding.  No cell is a formula to a spreadsheet."""

from __future__ import annotations

import csv
import io

from cc_fleet.model import Finding
from cc_fleet.report import Report, Style
from cc_fleet.report._parts import excuse
from cc_fleet.report.text import printable

_HEAD = ("severity", "check", "advisory", "target", "file", "line", "column", "text", "message", "fix", "command", "who", "because", "waived", "fingerprint")
_FORMULA = ("=", "+", "-", "@", "\N{FULLWIDTH EQUALS SIGN}", "\N{FULLWIDTH PLUS SIGN}", "\N{FULLWIDTH HYPHEN-MINUS}", "\N{FULLWIDTH COMMERCIAL AT}")


def render(report: Report, style: Style = Style()) -> str:
    out = io.StringIO(newline="")
    table = csv.writer(out, lineterminator="\r\n")
    table.writerow(_HEAD)
    table.writerows(map(_row, report.findings))
    return out.getvalue()


def _row(finding: Finding) -> list[str]:
    problem = finding.problem
    place, fix = problem.place, problem.fix
    told = (
        finding.severity, finding.check, problem.advisory, finding.target, place.file, place.line, place.column, place.text, problem.message,
        fix and fix.summary, fix and fix.command, fix and fix.who, problem.because, excuse(finding), finding.fingerprint,
    )  # fmt: skip
    return [_cell(value) for value in told]


def _cell(value: str | int | None) -> str:
    """A value as text; one that a spreadsheet would compute begins with an apostrophe."""
    text = "" if value is None else printable(str(value))
    return f"'{text}" if isinstance(value, str) and text.lstrip().startswith(_FORMULA) else text
