"""A machine's plan, and what came of it, as text for people.  What travelled may hold anything: what steers a terminal is made visible."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cc_fleet.host.change import COMPLETE, Change, Outcome, Plan
from cc_fleet.report import Style
from cc_fleet.report.text import printable

PHASES = ("settings and updates", "installs", "leftovers and hidden copies", "what the user's shell runs", "version gate")
_MARKS = {"done": ("✓", "+"), "same": ("·", "."), "undone": ("↶", "<"), "postponed": ("…", "~")}


def plan(given: Plan, style: Style) -> Iterator[str]:
    """The plan's changes, each with its diff, and what is left by hand."""
    told: Plan = printable(given._replace(changes=tuple(one._replace(args={}, expects={}, produces={}) for one in given.changes)))
    count = len(told.changes)
    yield f"{told.name}: {count or 'no'} change{'' if count == 1 else 's'}, by policy {told.policy} (sha256 {told.policy_sha256[:12]})"
    phase = -1
    for number, change in enumerate(told.changes, 1):
        if change.phase != phase:
            phase = change.phase
            yield ""
            yield _paint(PHASES[phase], "1", style)
        yield from _change(number, change, style)
    if told.left:
        yield ""
        yield _paint("left for people", "1", style)
    for one in told.left:
        yield f"  {one.what}" + (f" ({one.where})" if one.where and one.where not in one.what else "")
        yield f"    {one.who}: {one.how}"


def _change(number: int, change: Change, style: Style) -> Iterator[str]:
    yield f"  {number}. {change.what}" + (f" (as {change.user})" if change.user else "")
    for line in change.shows:
        yield "     " + _paint(line, {"-": "31", "+": "32"}.get(line[:1], "2"), style)


def outcomes(found: Sequence[Outcome], style: Style) -> Iterator[str]:
    """What came of each change, a line each, and why."""
    for one in found:
        marks = _MARKS.get(one.state, ("✗", "x"))
        mark = _paint(marks[0] if style.unicode else marks[1], "32" if one.state in COMPLETE else "31" if one.state not in _MARKS else "33", style)
        yield f"{mark} {printable(one.what)}" + ("" if one.state == "done" else f": {_SAID.get(one.state, one.state)}") + (f": {printable(one.reason)}" if one.reason else "")


_SAID = {"same": "was already so", "kept": "failed and stays", "postponed": "not yet"}


def document(run: str, found: Sequence[Outcome], *, complete: bool) -> dict[str, object]:
    """The same as JSON, ``cc-fleet/apply/1``; ``run`` is empty where nothing was done."""
    listed = [{"change": one.number + 1, "what": one.what, "state": one.state, "reason": one.reason} for one in found]
    return {"schema": "cc-fleet/apply/1", "run": run or None, "complete": complete, "outcomes": listed}


def is_complete(found: Sequence[Outcome]) -> bool:
    """Whether everything was done, or was so already."""
    return all(one.state in COMPLETE for one in found)


def _paint(text: str, code: str, style: Style) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if style.color else text
