"""Variables and settings of Claude Code that are not as the policy has them.

As root managed settings say it, for everybody; else the user's own, at the line that wins.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.client import Effective, View
from cc_fleet.client.validity import GLOBAL_ONLY
from cc_fleet.model import JSON, Finding
from cc_fleet.plan.machine import _managed, _own, _rules
from cc_fleet.plan.machine._editors import judged_in
from cc_fleet.plan.machine._task import AS_ROOT, GONE, Task, Wish, Write, hand, of_mdm
from cc_fleet.policy import Environment, Setting

CHECKS = ("env-flag", "setting-value")
_ANY_TEXT = "any text switches it on, so it has to be taken out where it stands"


def plan(task: Task) -> Iterator[Wish]:
    for finding in task.of("env-flag"):
        rule = task.policy.env.get(finding.problem.subject)
        if rule is not None:
            yield from _variable(task, finding, rule)
    for finding in task.of("setting-value"):
        setting = task.policy.settings.get(finding.problem.subject)
        if setting is not None and judged_in(task, finding) is None:
            yield from _setting(task, finding, setting)


def _setting(task: Task, finding: Finding, rule: Setting) -> Iterator[Wish]:
    key, value = tuple(finding.problem.subject.split(".")), _rules.setting(rule)
    concerned = list(_concerned(task, finding, [(view, view.setting(finding.problem.subject)) for view in task.later.views]))
    if value is not GONE and (reason := _rules.voids(key, value)) is not None:
        yield hand(finding, f"correct the policy: with what it asks for Claude Code drops the whole file, for {reason}", who="admin")
    elif task.root:
        yield from _setting_as_root(task, key, value, (finding, concerned))
    else:
        yield from _by_user(task, (key, value), (finding, concerned), locked=rule.locked)


def _variable(task: Task, finding: Finding, rule: Environment) -> Iterator[Wish]:
    name = finding.problem.subject
    concerned = list(_concerned(task, finding, [(view, view.env(name)) for view in task.later.views]))
    value = _rules.variable(task, rule, name, concerned[0][1].value if concerned else None)
    if value is None and rule.integer is not None:
        yield hand(finding)
    elif not task.root:
        yield from _by_user(task, (("env", name), GONE if value in ("", None) else value), (finding, concerned), locked=rule.locked)
    elif value is None:
        yield hand(finding, f"{_ANY_TEXT}: {finding.problem.fix.summary if finding.problem.fix else ''}")
    else:
        yield from _managed.say(task, ("env", name), value, finding)


def _concerned(task: Task, finding: Finding, found: list[tuple[View, Effective]]) -> Iterator[tuple[View, Effective]]:
    """The clients of which a finding speaks, with what is in force there: those that have it from this place, or nowhere."""
    place = finding.problem.place
    for view, effective in found:
        if task.may(view.user) and (effective.winner.place == place if effective.winner is not None else place.line is None):
            yield view, effective


def _setting_as_root(task: Task, key: tuple[str, ...], value: JSON, found: tuple[Finding, list[tuple[View, Effective]]]) -> Iterator[Wish]:
    finding, concerned = found
    if key[0] in GLOBAL_ONLY:
        yield hand(finding, "only ~/.claude.json is asked for it, which is the user's own: run cc-fleet plan as that user", who="you")
    elif value is not GONE:
        yield from _managed.say(task, key, value, finding)
    elif any(effective.winner is not None and effective.winner.scope in _managed.BELONG_TO_MDM for _, effective in concerned):
        yield of_mdm(finding, key)
    elif _managed.belongs_to_mdm(task):
        yield hand(finding)
    else:
        yield from _taken_out(task, key, finding, [effective for _, effective in concerned])


def _taken_out(task: Task, key: tuple[str, ...], finding: Finding, found: list[Effective]) -> Iterator[Wish]:
    """Out of every managed file; our own leaves out what the policy does not want anyway.  What users say below stays theirs."""
    stand = {one.place.file for one in task.target.settings if one.key == key and one.scope in ("managed", "drop-in")}
    for file in sorted(stand):
        yield Wish(Write(file, None, key, GONE) if file != _managed.own_file(task) else None, (finding,))
    sources = [source for effective in found for source in (effective.winner, *effective.beats) if source is not None and source.place.file not in stand]
    if not stand:
        yield hand(finding)
    elif sources:
        yield hand(finding, f"then take it out of {sources[0].place} as well", who="you")


_Asked = tuple[tuple[str, ...], JSON]


def _by_user(task: Task, asked: _Asked, found: tuple[Finding, list[tuple[View, Effective]]], *, locked: bool) -> Iterator[Wish]:
    finding, concerned = found
    if locked:
        yield hand(finding, AS_ROOT, who="admin")
        return
    for view, effective in concerned:
        yield from _own.settled(task, view, asked, (effective, finding))
