"""The report as workflow commands, which GitHub Actions shows as annotations at the line.

GitHub shows ten errors, ten warnings and ten notices of a step: the worst come first, and a
notice says how many more there are.  Waived findings and consequences are not annotated.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.model import Finding, Place
from cc_fleet.report import Report, Style, counts
from cc_fleet.report._parts import foremost, named, region
from cc_fleet.report.text import printable

_SHOWN = 10
_COMMAND = {"error": "error", "warning": "warning", "note": "notice"}


def render(report: Report, style: Style = Style()) -> str:
    return "\n".join(_commands(report)) + "\n"


def _commands(report: Report) -> Iterator[str]:
    found: dict[str, list[Finding]] = {level: [] for level in _COMMAND}
    for finding in foremost(report):
        if counts(finding) or (finding.check == "unreadable" and not finding.waived):
            found[finding.severity].append(finding)
    room = dict.fromkeys(found, _SHOWN)
    if any(len(findings) > _SHOWN for findings in found.values()):
        room["note"] -= 1  # for the notice that says so
    left = [(len(findings) - room[level], level) for level, findings in found.items() if len(findings) > room[level]]
    if left:
        told = ", ".join(f"{number} {level}{'s' if number != 1 else ''}" for number, level in left)
        yield f"::notice title=cc-fleet::{_message(f'not annotated, as GitHub shows ten of each kind: {told} more; the log and the other reports have them')}"
    for level, findings in found.items():
        yield from (_command(finding, report.seen(finding.target, finding.problem.place)) for finding in findings[: room[level]])
    if not any(found.values()):
        yield "cc-fleet: nothing to annotate"


def _command(finding: Finding, place: Place) -> str:
    """One workflow command; no name or text in it can end it, or begin another."""
    problem = finding.problem
    at = region(place)
    told = {"file": place.file}
    if place.line is not None:
        told["line"] = str(at.line)
        told |= {"endLine": str(at.end_line)} if at.end_line not in (None, at.line) else {}
        if at.column is not None and at.end_line in (None, at.line):  # columns are shown within one line only
            told |= {"col": str(at.column)} | ({"endColumn": str(at.end_column)} if at.end_column else {})
    properties = ",".join(f"{name}={_property(value)}" for name, value in {**told, "title": named(finding)}.items())
    lines = [problem.message]
    if problem.fix:
        lines += [f"Fix ({problem.fix.who}): {problem.fix.summary}", *([f"$ {problem.fix.command}"] if problem.fix.command else [])]
    return f"::{_COMMAND[finding.severity]} {properties}::{'%0A'.join(map(_message, lines))}"


def _message(text: str) -> str:
    """``text`` as the runner unescapes it; what steers a terminal is made visible besides."""
    lines = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return str(printable(lines))


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
