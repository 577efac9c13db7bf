"""What would put one machine right, as changes in the order in which they are made, and what is left to people.

An area is a module here with ``CHECKS``, the checks that it answers, and ``plan(task)``, which yields wishes.  Pure: it gets judged facts,
and looks at nothing.  What a change expects and shows the machine fills in (``host/applying``).  Planning again what was carried out gives nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from cc_fleet.checks import Subject
from cc_fleet.client import views
from cc_fleet.host import plugins
from cc_fleet.host.change import GATE, VERIFY, Byhand, Change, Owned
from cc_fleet.host.layout import LAYOUTS
from cc_fleet.model import Finding, Install, Target
from cc_fleet.plan.machine import _copies, _files, _hand, _later, _managed, _verify
from cc_fleet.plan.machine._task import Options, Task
from cc_fleet.policy import Policy
from cc_fleet.records import NamedTuple

__all__ = ["Draft", "Options", "areas", "draft"]


class Draft(NamedTuple):
    """The changes of a plan before the machine has seen them, and what is left by hand."""

    changes: tuple[Change, ...]
    left: tuple[Byhand, ...]


def areas() -> Mapping[str, Any]:
    """Every area by its name."""
    return cast("Mapping[str, Any]", plugins.modules(__name__))


def draft(policy: Policy, target: Target, findings: Iterable[Finding], owned: Sequence[Owned], options: Options) -> Draft:
    """What the findings on a machine call for, and what earlier runs (``owned``) wrote and ``policy`` no longer wants.

    ``policy`` has its overlays laid over it.  Findings that are waived are not planned.
    """
    told = [finding for finding in findings if finding.target in (target.name, "policy")]
    subject = Subject(target, tuple(views(target)))
    task = Task(policy, subject, subject, *_apart(told), tuple(owned), options)
    if target.os not in LAYOUTS:
        return Draft((), tuple(dict.fromkeys(left for finding in task.findings for left in _hand.left(finding))))
    task = _foreseen(task._replace(fates=_copies.fates(task)), told)
    wishes = [wish for area in areas().values() for wish in area.plan(task)]
    wishes += _managed.settled(task, wishes)
    made = [(wish.act, wish.copy) for wish in wishes if isinstance(wish.act, Change)]
    made += [(change, None) for change in _files.changes(task, wishes)]
    answered = {finding for wish in wishes for finding in wish.findings}
    by_hand = [wish.act for wish in wishes if isinstance(wish.act, Byhand)]
    by_hand += [left for finding in task.findings if finding not in answered for left in _hand.left(finding)]
    return Draft(_ordered(task, made), tuple(dict.fromkeys(by_hand)))


def _apart(told: Sequence[Finding]) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """The findings that count, and those that are waived."""
    return tuple(one for one in told if one.waived is None), tuple(one for one in told if one.waived is not None)


def _foreseen(task: Task, told: Sequence[Finding]) -> Task:
    """The task with what will be judged when its copies are what the plan makes of them."""
    later = _later.target(task.target, task.fates)
    if later is task.target:
        return task
    counted, waived = _apart(_later.findings(task.policy, task.target, later, told))
    return task._replace(later=Subject(later, tuple(views(later))), findings=counted, waived=waived)


_Made = Sequence[tuple[Change, Install | None]]


def _ordered(task: Task, made: _Made) -> tuple[Change, ...]:
    """By phase, the system's first, then by user and what is changed; looks at PATHs name their changes by number."""
    unique = {_about(change): (change, copy) for change, copy in reversed(made)}
    first = sorted((one for one in unique.values() if one[0].phase < VERIFY), key=lambda one: _turn(one[0]))
    last = sorted((one[0] for one in unique.values() if one[0].phase == GATE), key=_turn)
    return (*(change for change, _ in first), *_verify.changes(task, first), *last)


def _turn(change: Change) -> tuple[Any, ...]:
    """What orders changes.  A file of ours goes after the one that takes its place was written."""
    removed = change.kind == "own-file" and change.args["content"] is None
    return change.phase, change.user is not None, change.user or "", removed, *_about(change)[1:]


def _about(change: Change) -> tuple[Any, ...]:
    """What a change is about: two of one plan are never about the same."""
    args = change.args
    where = next((args[name] for name in ("file", "prefix", "home", "path", "folder") if name in args), "")
    return change.phase, where, args.get("id", ""), change.kind

