"""The report as GitLab's Code Quality JSON, which merge requests show.  Waived findings are left out."""

from __future__ import annotations

import json
from typing import Any

from cc_fleet.host.digest import sha256
from cc_fleet.model import Finding, Place
from cc_fleet.report import Report, Style
from cc_fleet.report._parts import foremost, named, region
from cc_fleet.report.text import printable

_SEVERITY = {"error": "critical", "warning": "major", "note": "info"}


def render(report: Report, style: Style = Style()) -> str:
    several = len(report.targets) > 1
    told: dict[str, dict[str, Any]] = {}
    for finding in foremost(report):
        if not finding.waived:
            stamp = _stamp(finding, told, several=several)
            told[stamp] = _issue(finding, report.seen(finding.target, finding.problem.place), stamp, several=several)
    return json.dumps(list(told.values()), indent=1) + "\n"


def _issue(finding: Finding, place: Place, stamp: str, *, several: bool) -> dict[str, Any]:
    problem = finding.problem
    description = f"{finding.target}: {problem.message}" if several else problem.message
    if problem.fix:
        description += f" (fix: {problem.fix.summary})"
    path = printable(place.file)
    return {
        "description": printable(description), "check_name": printable(named(finding)), "fingerprint": stamp, "severity": _SEVERITY[finding.severity],
        "location": {"path": path.removeprefix("./"), "lines": {"begin": region(place).line}},
    }  # fmt: skip


def _stamp(finding: Finding, taken: dict[str, Any], *, several: bool) -> str:
    """The finding's fingerprint; two targets may have the same finding, and here each must be unique."""
    stamp = sha256(f"{finding.target}\0{finding.fingerprint}".encode("utf-8", "backslashreplace")) if several else finding.fingerprint
    while stamp in taken:
        stamp = sha256(stamp.encode())
    return stamp
