"""Which value the policy would have a name hold, and whether what an earlier run wrote is still wanted."""

from __future__ import annotations

import re

from cc_fleet.checks import auto_update, env_flag, setting_value, version_gate
from cc_fleet.client import Effective, Source, truth
from cc_fleet.client.effective import as_text
from cc_fleet.client.validity import GATE, SHAPES
from cc_fleet.model import JSON, Place
from cc_fleet.plan.machine._task import GONE, Task
from cc_fleet.policy import Environment, Setting, When
from cc_fleet.policy.values import COMPARISON, Numbers
from cc_fleet.policy.when import holds

# What a client takes where nothing is set: what is only bounded stays as near to it as may be.
_USUAL = {truth.CONCURRENCY: 10}


def variable(task: Task, rule: Environment, name: str, now: JSON) -> str | None:
    """What ``name`` should hold where now it holds ``now``; None where no text will do, for any text switches it on."""
    if name == auto_update.SWITCH and auto_update.forbidden(task.policy) and switch_off(task):
        return switch_word(task)
    if rule.absent or env_flag.must_be_empty(rule, name):
        return None if name in truth.ANY_TEXT else ""
    if rule.integer is not None:
        return _nearest(rule.integer, _USUAL.get(name) if now is None else now)
    return rule.value if rule.value is not None else rule.one_of[0]


def setting(rule: Setting) -> JSON:
    """What a setting should hold; GONE where it must not be there."""
    if rule.absent:
        return GONE
    return rule.value.json if rule.value is not None else rule.one_of[0].json


def voids(key: tuple[str, ...], value: JSON) -> str | None:
    """Why some client would drop a whole file that says this; None where none does."""
    return next((shape.reason for shape in SHAPES if shape.key == key and not shape.good(value)), None)


def _nearest(wanted: Numbers, now: JSON) -> str | None:
    """The whole number that is admitted and next to ``now``, the lower of two; None where there is none."""
    at = truth.integer(str(now)) if now is not None else None
    ends = [(found[1], int(found[2])) for part in wanted.text.split(",") if (found := re.fullmatch(COMPARISON, part))]
    beside = {number + step for _, number in ends for step in (-1, 0, 1)} | ({at} if at is not None else set())
    admitted = sorted(number for number in beside if wanted.admits(number))
    if not admitted:
        return None
    return str(admitted[0] if at is None else min(admitted, key=lambda number: (abs(number - at), number)))


def wants(task: Task, key: tuple[str, ...], value: JSON) -> bool:
    """Whether the policy would have a client's settings say this: what it no longer wants, we take back."""
    name = ".".join(key)
    if len(key) == 2 and key[0] == "env":
        return _wants_variable(task, key[1], as_text(value))
    if name in GATE:
        bound = gate(task).get(name)
        return bound is not None and version_gate.same(value, bound)
    rule = task.policy.settings.get(name)
    if name == "autoUpdatesChannel" and task.policy.cli.auto_update is not None and task.policy.cli.auto_update.channel is not None:
        allowed = rule is None or not _speaks(task, rule.when) or setting_value.amiss(rule, _as_found(value)) is None
        return bool(value == task.policy.cli.auto_update.channel) and allowed
    return rule is not None and _speaks(task, rule.when) and setting_value.amiss(rule, _as_found(value)) is None


def wants_in_editor(task: Task, name: str, value: JSON) -> bool:
    """Whether the policy would have an editor's settings say this."""
    rule = task.policy.editor_settings.get(name)
    return rule is not None and setting_value.amiss(rule, _as_found(value)) is None


def gate(task: Task) -> dict[str, str]:
    """The bounds of the client's own gate that the policy derives, by name."""
    cli = task.policy.cli
    if cli.gate != "derive" or cli.versions is None:
        return {}
    bounds = {name: version_gate.bound(cli.versions, lowest) for name, lowest in GATE.items()}
    return {name: bound for name, bound in bounds.items() if bound is not None}


def switch_off(task: Task) -> bool:
    """Whether the updater's switch should be on everywhere: no client may update itself, or the policy names the switch."""
    rule = task.policy.env.get(auto_update.SWITCH)
    if rule is not None and _speaks(task, rule.when):
        return env_flag.amiss(rule, auto_update.SWITCH, _as_found("1")) is None and not rule.absent
    return auto_update.forbidden(task.policy)


def switch_word(task: Task) -> str:
    """The word for yes that the updater's switch should hold: the policy's own, where it has one."""
    rule = task.policy.env.get(auto_update.SWITCH)
    words = (*((rule.value,) if rule.value else ()), *rule.one_of) if rule is not None and _speaks(task, rule.when) else ()
    return next((word for word in words if truth.is_on(auto_update.SWITCH, word)), "1")


def _wants_variable(task: Task, name: str, text: str) -> bool:
    rule = task.policy.env.get(name)
    if rule is not None and _speaks(task, rule.when):
        stops = name != auto_update.SWITCH or not auto_update.forbidden(task.policy) or not switch_off(task) or truth.is_on(name, text)
        return stops and env_flag.amiss(rule, name, _as_found(text)) is None
    if name == auto_update.SWITCH:
        return truth.is_on(name, text) and switch_off(task)
    return name == auto_update.MANAGERS_SWITCH and text == "" and auto_update.forbidden(task.policy)


def _speaks(task: Task, when: When) -> bool:
    return when == When() or any(holds(task.policy, when, view) for view in task.later.views)


def _as_found(value: JSON) -> Effective:
    return Effective(value, Source("managed settings", "managed", value, Place("")))
