"""The report as SARIF 2.1.0, which code scanning services read.

Paths of a repository are relative to ``%SRCROOT%``, those of a machine to its root.  A finding
that an advisory tells has the advisory as its rule.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

from cc_fleet import __version__, advisories, checks
from cc_fleet.advisories import Advisory
from cc_fleet.model import Finding, Gap, Place
from cc_fleet.report import Report, Style
from cc_fleet.report._parts import excuse, region
from cc_fleet.report.text import printable

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_ROOT, _SOURCE = "ROOT", "%SRCROOT%"


def render(report: Report, style: Style = Style()) -> str:
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [_run(report)]}, indent=1) + "\n"


def _run(report: Report) -> dict[str, Any]:
    rules, bases = list(_rules(report)), _bases(report)
    index = {rule["id"]: at for at, rule in enumerate(rules)}
    several = len(report.targets) > 1
    return {
        "tool": {"driver": {"name": "cc-fleet", "version": __version__, "semanticVersion": __version__, "rules": rules}},
        "automationDetails": {"id": f"cc-fleet/{quote(printable(report.about.policy), safe='')}/"},
        "invocations": [{
            "executionSuccessful": True, "endTimeUtc": report.time,
            "toolExecutionNotifications": [_notification(gap, report.seen(target.name, gap.place), target.name, bases) for target in report.targets for gap in target.gaps],
        }],
        "originalUriBaseIds": _declared_bases(bases),
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, index, bases, report, several=several) for finding in report.findings],
    }  # fmt: skip


# Rules


def _rules(report: Report) -> Iterator[dict[str, Any]]:
    """Every check, and of the advisories those that were met."""
    for name, check in checks.all_checks().items():
        page = inspect.cleandoc(check.__doc__ or "")
        first, _, rest = page.partition("\n\n")
        yield _rule(name, check.SEVERITY, first, rest.strip() or first, page)
    told = set(checks.all_checks())
    known: dict[str, Advisory] | None = None
    for finding in report.findings:
        if (name := finding.problem.advisory or finding.check) in told:
            continue
        told.add(name)
        if known is None:
            known = {advisory.id: advisory for advisory in advisories.load(report.about.folders)}
        yield _advisory(known[name]) if name in known else _unknown(name, finding)


def _rule(name: str, severity: str, short: str, full: str, page: str) -> dict[str, Any]:
    words = re.split(r"[^A-Za-z0-9]+", name if "-" in name else f"{name}-check")  # a name must not be the id once more
    return {
        "id": name, "name": "".join(word[:1].upper() + word[1:] for word in words),
        "shortDescription": {"text": _plain(short)}, "fullDescription": {"text": _plain(full)[:1000]},
        "help": {"text": _plain(page, "\n"), "markdown": page},
        "defaultConfiguration": {"level": severity},
        "properties": {"tags": ["claude-code"], "precision": "high", "problem.severity": {"note": "recommendation"}.get(severity, severity)},
    }  # fmt: skip


def _advisory(advisory: Advisory) -> dict[str, Any]:
    remedies = [f"- {remedy.text}{f': `{remedy.command}`' if remedy.command else ''}" for remedy in advisory.remedies]
    page = "\n".join([advisory.title, "", advisory.cause.strip(), "", "What helps:", "", *remedies, "", f"How it is known: {advisory.evidence.level}.", *(f"- {source}" for source in advisory.evidence.sources)])
    return _rule(advisory.id, advisory.severity, _sentence(advisory.title), advisory.cause.strip(), page)


def _unknown(name: str, finding: Finding) -> dict[str, Any]:
    """An advisory or a check that is not at hand: what the finding says of it."""
    message = _sentence(printable(finding.problem.message))
    return _rule(printable(name), finding.severity, message, message, message)


def _plain(text: str, joint: str = " ") -> str:
    """A text of our pages without its marks, its paragraphs on a line each."""
    told = [" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", text)]
    return re.sub(r"\*\*|`", "", joint.join(told))


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


# Results


def _result(finding: Finding, index: dict[str, int], bases: dict[str, str], report: Report, *, several: bool) -> dict[str, Any]:
    problem = finding.problem
    rule = printable(problem.advisory or finding.check)
    base = bases.get(finding.target, _SOURCE)
    found: dict[str, Any] = {
        "ruleId": rule, "ruleIndex": index[rule], "level": finding.severity,
        "message": {"text": _message(finding, several=several)},
        "locations": [{**_location(report.seen(finding.target, problem.place), base), "logicalLocations": [{"name": printable(finding.target), "kind": "module"}]}],
        "partialFingerprints": {"ccFleet/v1": finding.fingerprint},
    }  # fmt: skip
    steps = [step for step in problem.trace if step.place is not None and step.place != problem.place][:100]
    if steps:
        found["relatedLocations"] = [
            {"id": at, **_location(report.seen(finding.target, step.place or problem.place), base), "message": {"text": _sentence(_text(f"{step.source}: {step.value}"))}} for at, step in enumerate(steps, 1)
        ]
    if finding.waived:
        found["suppressions"] = [{"kind": "inSource" if finding.waived.by == "comment" else "external", "status": "accepted", "justification": printable(excuse(finding))}]
    if report.baseline is not None:
        found["baselineState"] = "unchanged" if finding.fingerprint in report.baseline else "new"
    found["properties"] = {"check": finding.check, "target": printable(finding.target), **({"because": problem.because} if problem.because else {})}
    return found


def _message(finding: Finding, *, several: bool) -> str:
    problem = finding.problem
    told = _sentence(f"{finding.target}: {problem.message}" if several else problem.message)
    if problem.fix:
        told += f" Fix ({problem.fix.who}): {_sentence(problem.fix.summary)}"
        told += f" Command: {problem.fix.command}." if problem.fix.command else ""
    return _text(told)


def _text(text: str) -> str:
    """A text as a SARIF message: what would be an embedded link is none."""
    return str(printable(text)).replace("](", "] (")


def _location(place: Place, base: str) -> dict[str, Any]:
    at = region(place)
    told: dict[str, Any] = {"startLine": at.line, "startColumn": at.column, "endLine": at.end_line, "endColumn": at.end_column}
    if place.text and place.line is not None:
        told["snippet"] = {"text": printable(place.text)}
    return {"physicalLocation": {
        "artifactLocation": {"uri": _uri(place.file), "uriBaseId": _ROOT if place.file.startswith("/") else base},
        "region": {name: value for name, value in told.items() if value is not None},
    }}  # fmt: skip


def _notification(gap: Gap, place: Place, target: str, bases: dict[str, str]) -> dict[str, Any]:
    return {
        "level": "warning", "message": {"text": _sentence(_text(f"{target}: could not be read: {gap.reason}"))},
        "locations": [_location(place, bases[target])], "descriptor": {"id": "unreadable"},
    }  # fmt: skip


# Paths


def _bases(report: Report) -> dict[str, str]:
    """For each target the name of the folder that its relative paths begin at: the workspace, another repository, else the machine's root."""
    found, repositories, below = {}, 0, dict(report.below)
    for target in report.targets:
        if target.name in below:
            found[target.name] = _SOURCE
            continue
        repositories += target.kind == "repository"
        own = _SOURCE if repositories == 1 else f"%SRCROOT{repositories}%"
        found[target.name] = own if target.kind == "repository" else _ROOT
    return found


def _declared_bases(bases: dict[str, str]) -> dict[str, Any]:
    told: dict[str, Any] = {_ROOT: {"uri": "file:///", "description": {"text": "The root of the machine."}}, _SOURCE: {"description": {"text": "The workspace."}}}
    return told | {base: {"description": {"text": f"The repository {printable(name)}."}} for name, base in bases.items() if base not in told}


def _uri(path: str) -> str:
    """``path`` as a relative URI, all that a URI has no letters for percent-encoded, and never above its base."""
    parts: Iterable[str] = [part for part in path.split("/") if part not in ("", ".")] or ["."]
    return "/".join("%2E%2E" if part == ".." else quote(part.encode("utf-8", "surrogatepass"), safe="") for part in parts)
