"""The report for people: by file, the line with a mark under it, why, and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from cc_fleet.model import Finding, Fix, Place, Step, Target
from cc_fleet.policy import SEVERITIES
from cc_fleet.report import Report, Route, Style, counts, excused

_NOTES = 2
_COLORS = {"error": "1;31", "warning": "1;33", "note": "1;36", "bold": "1", "dim": "2", "good": "1;32"}


def render(report: Report, style: Style = Style()) -> str:
    ways = [printable(way) for way in report.routes()]
    report = _with_backslashes(printable(report))
    lines, findings = [*_head(report, style)], report.by_target()
    for target, route, overlays in zip(report.targets, ways, report.overlays(), strict=True):
        told = report._replace(home=None) if target.kind == "image" else report  # nothing in an image is in the reader's home
        lines += ["", *_target(told, target, route, overlays, style), *_files(told, findings.get(target.name, []), style)]
    if policy := findings.get("policy"):
        lines += ["", _paint("The policy itself", "bold", style), *_files(report, policy, style)]
    lines += ["", *_summary(report, style)]
    text = "\n".join(lines).replace(_KEPT_SPACE, " ") + "\n"
    return text if style.unicode else _ascii(text)


def printable(value: Any) -> Any:
    """``value``, all the way down, with everything in its texts that steers a terminal made visible.

    Facts travel, and names of machines, users and files are whatever somebody chose.
    """
    if isinstance(value, str):
        return value if value.isprintable() else "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in value)
    if hasattr(value, "_fields"):
        return type(value)(*(printable(item) for item in value))
    return tuple(printable(item) for item in value) if isinstance(value, tuple) else value


def _with_backslashes(report: Report) -> Report:
    """Paths of Windows machines as Windows writes them; everywhere else they have ``/`` alone."""
    windows = {target.name for target in report.targets if target.os == "windows"}
    if not windows:
        return report
    targets = tuple(_backslashes(target) if target.name in windows else target for target in report.targets)
    return report._replace(targets=targets, findings=tuple(_backslashes(f) if f.target in windows else f for f in report.findings))


def _backslashes(value: Any) -> Any:
    if isinstance(value, str):
        return re.sub(_WINDOWS_PATH, lambda found: found[0].replace("/", "\\").replace(" ", _KEPT_SPACE), value)
    if isinstance(value, Fix):
        told = value.command and re.sub(_IN_COMMAND, lambda found: found[0].replace("/", "\\"), value.command)
        return Fix(value.who, _backslashes(value.summary), told)
    if hasattr(value, "_fields"):
        return type(value)(*(_backslashes(item) for item in value))
    return tuple(_backslashes(item) for item in value) if isinstance(value, tuple) else value


# A folder's name may hold spaces, at which no line is broken; where the last name ends, a sentence goes on.
_KEPT_SPACE = "\u00a0"
_WINDOWS_PATH = r"""(?<![A-Za-z])(?:[A-Z]:|~)/(?!/)(?:[^/:*?"<>|\n]+/)*[^/:*?"<>|\s'`,;)]*"""
_IN_COMMAND = r"""'(?:[A-Z]:|~)/[^']*'|"(?:[A-Z]:|~)/[^"]*"|(?<![A-Za-z])(?:[A-Z]:|~)/[^\s'"]*"""


def _head(report: Report, style: Style) -> Iterator[str]:
    about = report.about
    told = []
    for one in about.parts or (about,):
        files = ", ".join(_short(file, report) for file in one.files)
        told.append(f"{_paint(one.policy, 'bold', style)} ({files}; sha256 {one.sha256[:12]})")
    yield f"{'policies' if len(told) > 1 else 'policy'} {' and '.join(told)}, {about.advisories} advisories"


def _target(report: Report, target: Target, ways: tuple[Route, ...], overlays: tuple[str, ...], style: Style) -> Iterator[str]:
    laid = f", policy with {'overlays' if len(overlays) > 1 else 'overlay'} {', '.join(overlays)}" if overlays else ""
    yield f"{_paint(target.name, 'bold', style)}  {target.kind}, {target.os}{laid}"
    for image in target.images:
        count = len(target.layers)
        yield _paint(f"  {image.platform}, runs as {image.user or 'root'}, {count} layer{'s' if count != 1 else ''}", "dim", style)
    for install in target.installs:
        if install.bundled_in is None and (install.active_for or install.product == "cli"):
            product = "Claude Code" if install.product == "cli" else install.product
            users = _users(install.active_for)
            yield _paint(f"  {product} {install.version} ({install.method}), {users}: {_short(install.place.file, report)}", "dim", style)
    for route in ways:
        if route.provider != "anthropic":
            users = ", ".join(route.users) if len(route.users) < 6 else f"{len(route.users)} users"
            yield _paint(f"  requests of {users} go to {route.provider}{f', {route.url}' if route.url else ''}", "dim", style)
    if target.nothing and not target.gaps:
        yield "  no trace of Claude Code: no copy of it, and none of its settings"
        yield from (f"  looked at {where}" for where in target.coverage.looked)
        yield "  `cc-fleet demo` shows what a finding looks like"


def _users(active_for: tuple[str, ...] | None) -> str:
    if active_for is None:
        return "whose PATH runs it is not known"
    if not active_for:
        return "runs for nobody"
    return f"runs for {', '.join(active_for)}" if len(active_for) < 6 else f"runs for {len(active_for)} users"


def _files(report: Report, findings: list[Finding], style: Style) -> Iterator[str]:
    """Findings by file, the worst file first; consequences under their cause."""
    told = {finding.fingerprint for finding in findings}
    following: dict[str, list[Finding]] = {}
    for finding in findings:
        following.setdefault(finding.problem.because or "", []).append(finding)
    causes = [finding for finding in findings if finding.problem.because not in told]
    by_file: dict[str, list[Finding]] = {}
    for finding in sorted(causes, key=lambda f: (SEVERITIES.index(f.severity), not counts(f))):
        by_file.setdefault(finding.problem.place.file, []).append(finding)
    for file, found in by_file.items():
        yield ""
        yield _paint(_short(file, report), "bold", style)
        shown, more = _foremost(sorted(found, key=lambda f: f.problem.place.line or 0), style)
        for finding in shown:
            yield from _finding(report, finding, style)
            yield from _consequences(finding, following, style)
        yield from _wrapped(f"  {_paint('note', 'note', style)}: {more}", "    ", style) if more else ()


def _foremost(findings: list[Finding], style: Style) -> tuple[list[Finding], str]:
    """The findings to show, and a sentence on the rest: of known issues that are only notes a version may have a dozen."""
    notes = [f for f in findings if f.check == "known-issue" and f.severity == "note" and not f.problem.trace and not f.waived]
    if style.verbose or len(notes) <= _NOTES + 1:
        return findings, ""
    rest = notes[_NOTES:]
    ids = " ".join(dict.fromkeys(finding.problem.advisory or "" for finding in rest))
    return [f for f in findings if f not in rest], f"{len(rest)} more known issues of this version are notes ({ids}); -v shows them"


def _consequences(cause: Finding, following: dict[str, list[Finding]], style: Style, depth: int = 0) -> Iterator[str]:
    shown, more = _foremost(following.get(cause.fingerprint, []), style)
    indent = " " * (5 + 2 * depth)
    for finding in shown:
        if depth < 5 and finding is not cause:
            told = f"{finding.problem.message} {_paint(f'[{_name(finding)}]', 'dim', style)}"
            yield from _wrapped(f"{indent}↳ so: {told}", f"{indent}  ", style)
            yield from _consequences(finding, following, style, depth + 1)
    yield from _wrapped(f"{indent}↳ {more}", f"{indent}  ", style) if more else ()


def _finding(report: Report, finding: Finding, style: Style) -> Iterator[str]:
    problem = finding.problem
    level = "waived" if finding.waived else finding.severity
    head = f"  {_paint(level, finding.severity, style)}: {problem.message} {_paint(f'[{_name(finding)}]', 'dim', style)}"
    yield from _wrapped(head, "    ", style)
    yield from _line(problem.place, finding.severity, style)
    if len(problem.trace) > 1 or (style.verbose and problem.trace):
        yield from _trace(report, problem.trace)
    if finding.waived:
        yield from _wrapped(f"     {excused(finding.waived)}", "     ", style)
    elif problem.fix is not None:
        summary, command = _tilde(problem.fix.summary, report), problem.fix.command
        yield from _wrapped(f"     fix ({problem.fix.who}): {summary}", "       ", style)
        if command:
            yield f"       $ {_tilde(command, report)}"


def _name(finding: Finding) -> str:
    return f"{finding.check} {finding.problem.advisory}" if finding.problem.advisory else finding.check


def _line(place: Place, severity: str, style: Style) -> Iterator[str]:
    """The statement with a mark under it.  A long one is cut where the screen ends."""
    if place.line is None or place.text is None:
        return
    number = f"{place.line:>6}"
    text = place.text
    room = max(20, style.width - len(number) - 4)
    text = text if len(text) <= room else text[: room - 1] + "…"
    yield f"{number} │ {text}"
    yield f"{' ' * len(number)} │ {_paint('^' * len(text), severity, style)}"


def _trace(report: Report, trace: tuple[Step, ...]) -> Iterator[str]:
    for step, verb in zip(trace, ("in effect:", *("beats:" for _ in trace)), strict=False):
        where = f" ({_short(str(step.place), report)})" if step.place else ""
        yield f"     {verb:<10} {step.source}, {step.value}{where}"


def _summary(report: Report, style: Style) -> Iterator[str]:
    sums = [(report.count(level), level) for level in SEVERITIES]
    said = ", ".join(f"{number} {level}{'s' if number != 1 else ''}" for number, level in sums)
    waived = sum(1 for finding in report.findings if finding.waived)
    files = sum(target.coverage.files for target in report.targets)
    gaps = sum(len(target.gaps) for target in report.targets)
    tone = next((level for number, level in sums if number), "good")
    nothing = not any(number for number, _ in sums)
    if nothing and not gaps and all(target.nothing for target in report.targets):
        tone, said = "warning", "nothing checked"
    said += f", {waived} waived" if waived else ""
    yield f"{_paint(said, tone, style)}; read {files} files, {gaps} not readable"
    if report.fixed:
        yield f"{report.fixed} of the baseline {'are' if report.fixed > 1 else 'is'} fixed"
    if report.about.contact and report.count("error"):
        yield f"ask {report.about.contact}"


def _short(path: str, report: Report) -> str:
    return "~" if path == report.home else _tilde(path, report)


def _tilde(text: str, report: Report) -> str:
    """Paths below the reader's home begin with ``~``."""
    if not report.home or report.home == "/" or report.home not in text:
        return text
    return re.sub(rf"(?<![\w./~'\"-]){re.escape(report.home)}(?=[/\\\\])", "~", text)


def _wrapped(text: str, indent: str, style: Style) -> Iterator[str]:
    if style.color or len(text) <= style.width:  # colour codes have no width; a terminal wraps by itself
        yield text
        return
    import textwrap

    lead = len(text) - len(text.lstrip())
    yield from textwrap.wrap(
        text.strip(), style.width, initial_indent=" " * lead, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def _paint(text: str, tone: str, style: Style) -> str:
    return f"\x1b[{_COLORS[tone]}m{text}\x1b[0m" if style.color else text


def _ascii(text: str) -> str:
    for mark, plain in {"│": "|", "↳": ">", "…": "...", "«": "<", "»": ">"}.items():
        text = text.replace(mark, plain)
    return text.encode("ascii", "backslashreplace").decode("ascii")
