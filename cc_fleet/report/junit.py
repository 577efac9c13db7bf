"""The report as JUnit XML: a suite for each target, a test case for each check.

An error is a failure, what could not be read an error.  Warnings, notes and waived findings
let the case pass, and stand in the suite's output.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cc_fleet import checks
from cc_fleet.host import plugins
from cc_fleet.model import Finding
from cc_fleet.policy import SEVERITIES
from cc_fleet.report import Report, Style
from cc_fleet.report._parts import excuse, named, where
from cc_fleet.report.text import printable

# What XML 1.0 has no way to say, and `printable` leaves as it is.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"}


def render(report: Report, style: Style = Style()) -> str:
    found = report.by_target()
    names = [name.replace("_", "-") for name in plugins.names(checks.__name__)]
    suites = [(target.name, found.pop(target.name, [])) for target in report.targets]
    suites += [(name, findings) for name, findings in found.items() if findings]
    lines = [line for number, (name, findings) in enumerate(suites) for line in _suite(report, number, name, findings, names)]
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>", *lines, "</testsuites>"]) + "\n"


def _suite(report: Report, number: int, name: str, findings: list[Finding], names: list[str]) -> Iterator[str]:
    by_check: dict[str, list[Finding]] = {name: [] for name in names} if number < len(report.targets) else {}
    for finding in findings:
        by_check.setdefault(finding.check, []).append(finding)
    bad = {check: [finding for finding in told if _fails(finding)] for check, told in by_check.items()}
    errors = sum(1 for check, told in bad.items() if told and check == "unreadable")
    failures = sum(1 for told in bad.values() if told) - errors
    told = {"name": name.strip() or "-", "package": "cc-fleet", "id": str(number), "hostname": name.strip() or "-", "timestamp": report.time.rstrip("Z")}
    sums = f'tests="{len(by_check)}" failures="{failures}" errors="{errors}" time="0"'
    yield f"  <testsuite {_attributes(told)} {sums}>"
    yield "    <properties>"
    for key, value in (("policy", report.about.policy), ("policy.sha256", report.about.sha256), ("advisories", str(report.about.advisories))):
        yield f"      <property {_attributes({'name': key, 'value': value})}/>"
    yield "    </properties>"
    for check, those in bad.items():
        yield from _case(name, check, those)
    passing = [_line(finding) for finding in findings if not _fails(finding)]
    yield f"    <system-out>{_text(chr(10).join(passing))}</system-out>"
    yield "    <system-err/>"
    yield "  </testsuite>"


def _case(target: str, check: str, findings: list[Finding]) -> Iterator[str]:
    told = f"    <testcase {_attributes({'name': check, 'classname': f'cc-fleet.{target}'})} time=\"0\""
    if not findings:
        yield f"{told}/>"
        return
    kind = "error" if check == "unreadable" else "failure"
    findings = sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))
    more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
    yield f"{told}>"
    yield f"      <{kind} {_attributes({'type': check, 'message': findings[0].problem.message + more})}>{_text(chr(10).join(map(_line, findings)))}</{kind}>"
    yield "    </testcase>"


def _fails(finding: Finding) -> bool:
    return finding.waived is None and (finding.severity == "error" or finding.check == "unreadable")


def _line(finding: Finding) -> str:
    problem = finding.problem
    told = f"{printable(where(problem.place))}: {finding.severity}: {printable(problem.message)} [{named(finding)}]"
    if finding.waived:
        return f"{told}\n    {printable(excuse(finding))}"
    if problem.fix:
        told += f"\n    fix ({problem.fix.who}): {printable(problem.fix.summary)}"
        told += f"\n    $ {printable(problem.fix.command)}" if problem.fix.command else ""
    return told


def _attributes(values: dict[str, str]) -> str:
    return " ".join(f'{name}="{_text(printable(value))}"' for name, value in values.items())


def _text(text: str) -> str:
    return "".join(_ESCAPES.get(character, character) for character in _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text))
