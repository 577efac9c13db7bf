"""The report as one HTML file that needs nothing else: sorted, filtered and opened in a browser, without a network.

Needs jinja2 (the extra ``html``).  Everything in it that comes from elsewhere is escaped, and its
own style and script are the only ones that the page allows, by their digests.
"""

from __future__ import annotations

import base64
import hashlib
import os
from functools import cache
from typing import TYPE_CHECKING, Any

from cc_fleet import __version__
from cc_fleet.model import Finding
from cc_fleet.policy import SEVERITIES
from cc_fleet.report import Report, Style, counts, verdict
from cc_fleet.report._parts import excuse, foremost, named, sums, where
from cc_fleet.report.json import overall
from cc_fleet.report.text import printable

if TYPE_CHECKING:
    import jinja2

NEEDS = "jinja2"
_FOLDER = os.path.dirname(os.path.abspath(__file__))
_LETTERS = 2000
_OPENED = 25  # findings that are shown whole from the start; of more the messages alone


def render(report: Report, style: Style = Style()) -> str:
    report = printable(report)
    by_target = report.by_target()
    verdicts = {target.name: verdict(target, by_target.get(target.name, ())) for target in report.targets}
    rows = [_row(finding) for finding in foremost(report)]
    css, script = _part("page.css"), _part("page.js")
    text = _template().render(
        report=report, version=__version__, sums=sums(report), verdicts=verdicts, overall=overall(list(verdicts.values())),
        rows=rows, opened=len(rows) <= _OPENED, levels=[(level, report.count(level)) for level in SEVERITIES],
        checks=sorted({finding.check for finding in report.findings}), names=[*verdicts, *(name for name in by_target if name not in verdicts)],
        css=css, script=script, allowed={"css": _digest(css), "script": _digest(script)}, where=where,
    )  # fmt: skip
    return text.rstrip() + "\n"


def _row(finding: Finding) -> dict[str, Any]:
    """What the page shows of a finding; ``order`` is what its columns are sorted by."""
    problem = finding.problem
    line = problem.place.text if problem.place.line is not None else None
    return {
        "finding": finding, "name": named(finding), "where": where(problem.place), "rank": SEVERITIES.index(finding.severity),
        "line": line and (line if len(line) <= _LETTERS else f"{line[:_LETTERS]}…"), "waived": excuse(finding), "so": not counts(finding) and problem.because is not None,
    }  # fmt: skip


@cache
def _template() -> jinja2.Template:
    import jinja2

    room = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return room.from_string(_part("page.jinja"))


def _part(name: str) -> str:
    """A file of the page: its frame, its style, its script."""
    with open(os.path.join(_FOLDER, "page", name), encoding="utf-8") as file:
        return file.read()


def _digest(text: str) -> str:
    """How the page's policy names a style or script that it allows."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
