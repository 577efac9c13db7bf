"""The report as Markdown, for a job's summary or a comment: a table, and the details folded away."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cc_fleet.model import Finding, Target
from cc_fleet.report import Report, Style
from cc_fleet.report._parts import excuse, foremost, named, sums, where
from cc_fleet.report.text import printable

_MARK = {"error": "❌", "warning": "⚠️", "note": "ℹ️"}
_LONGEST = 400
# Everything that Markdown or HTML could be made of, as HTML has it: what is written so is never structure.
_SPECIAL = re.compile(r"""[\\`*_{}\[\]<>&|~#@$^]|:(?=//)|(?<=[wW]{3})\.""")
# What GitHub and GitLab make references of after rendering: @name, #1, !1, ~label.
_REFERENCE = re.compile(r"""(&#(?:35|36|38|64|94|126);|[!%])(?=[\w"]|&#)""")


def render(report: Report, style: Style = Style()) -> str:
    return within(report, None)


def within(report: Report, limit: int | None) -> str:
    """The report in at most ``limit`` bytes of UTF-8: what is left out is said."""
    findings = foremost(report)
    rows, details = [_row(finding) for finding in findings], ["\n".join(_detail(finding)) for finding in findings]
    head, foot = "\n".join(_head(report)), "\n".join(_foot(report))
    room = None if limit is None else limit - _size(head) - _size(foot) - 500
    if room is not None and room < 0:
        foot, room = "", (limit or 0) - _size(head) - 500
    shown, room = _fitting(rows, room)
    unfolded, _ = _fitting(details, room)
    lines = [head, ""]
    if rows:
        lines += ["| | where | what | check |", "|---|---|---|---|", *shown, ""]
    if len(shown) < len(rows):
        lines += [f"{len(rows) - len(shown)} more findings are not shown here, where there is no more room.", ""]
    if unfolded:
        rest = f", of {len(details)}" if len(unfolded) < len(details) else ""
        lines += ["<details>", f"<summary>The lines, and what to do ({len(unfolded)} findings{rest})</summary>", "", *unfolded, "</details>", ""]
    return "\n".join([*lines, foot]).rstrip() + "\n"


def _fitting(texts: list[str], room: int | None) -> tuple[list[str], int | None]:
    """As many of ``texts`` as there is room for, and the room that is left."""
    if room is None:
        return texts, None
    for number, text in enumerate(texts):
        size = _size(text) + 1
        if size > room:
            return texts[:number], 0
        room -= size
    return texts, room


def _size(text: str) -> int:
    return len(text.encode("utf-8", "backslashreplace"))


def _head(report: Report) -> Iterator[str]:
    yield f"### cc-fleet: {sums(report)}"
    yield ""
    gaps = sum(len(target.gaps) for target in report.targets)
    names = ", ".join(_code(target.name) for target in report.targets[:20])
    more = f" and {len(report.targets) - 20} more" if len(report.targets) > 20 else ""
    yield f"Policy {_code(report.about.policy)}, {report.about.advisories} advisories; {names or 'nothing'}{more}; {sum(t.coverage.files for t in report.targets)} files read, {gaps} not readable."
    if report.about.contact and report.count("error"):
        yield f"Ask {_words(report.about.contact)}."


def _row(finding: Finding) -> str:
    problem = finding.problem
    mark = f"{_MARK[finding.severity]} {'waived' if finding.waived else finding.severity}"
    return f"| {mark} | {_code(where(problem.place))} | {_words(problem.message)} | {_code(named(finding))} |"


def _detail(finding: Finding) -> Iterator[str]:
    problem = finding.problem
    yield f"{_MARK[finding.severity]} **{_words(problem.message)}** {_code(named(finding))}"
    yield ""
    yield f"{_code(where(problem.place))} of {_code(finding.target)}"
    yield ""
    if problem.place.text and problem.place.line is not None:
        yield from _block(f"{problem.place.line} | {problem.place.text}")
    for step in problem.trace if len(problem.trace) > 1 else ():
        yield f"- {_words(step.source)}: {_code(step.value)}{f' ({_code(where(step.place))})' if step.place else ''}"
    yield ""
    if finding.waived:
        yield f"{_words(excuse(finding))}"
    elif problem.fix:
        yield f"Fix ({problem.fix.who}): {_words(problem.fix.summary)}"
        if problem.fix.command:
            yield ""
            yield from _block(problem.fix.command)
    yield ""


def _foot(report: Report) -> Iterator[str]:
    for target in report.targets:
        yield from _declared(target)


def _declared(target: Target) -> Iterator[str]:
    """What a repository declares, folded away."""
    if not target.declared:
        return
    yield "<details>"
    yield f"<summary>What {_code(target.name)} declares ({len(target.declared)})</summary>"
    yield ""
    yield "| what | version | by | where |"
    yield "|---|---|---|---|"
    for fact in target.declared[:200]:
        told = f"{_code(fact.spec) if fact.spec is not None else 'none'}{f' → {_code(fact.resolved)}' if fact.resolved else ''}"
        told = f"from {_words(fact.unresolved)}" if fact.unresolved else told
        yield f"| {_code(fact.product)} | {told} | {_code(fact.installer)} | {_code(where(fact.place))} |"
    yield ""
    yield "</details>"
    yield ""


def _words(text: str) -> str:
    """Prose that is only prose: no markup, no link, no mention, no reference."""
    return _REFERENCE.sub("\\1\N{ZERO WIDTH SPACE}", _entities(_cut(text)))


def _code(text: str) -> str:
    return f"<code>{_entities(_cut(text))}</code>"


def _entities(text: str) -> str:
    return _SPECIAL.sub(lambda found: f"&#{ord(found[0])};", text)


def _block(text: str) -> Iterator[str]:
    text = printable(text)
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    yield f"{fence}text"
    yield text
    yield fence
    yield ""


def _cut(text: str) -> str:
    text = printable(text)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
