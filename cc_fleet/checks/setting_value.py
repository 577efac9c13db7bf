"""A setting that the policy speaks of is missing, or something else is in effect.

The value in force is what this client's merge of its scopes gives: managed, then local,
project, user. `locked` asks that managed settings say it.

**Fix**: change the line that wins, or say it in managed settings, which beat all others.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from cc_fleet.checks import MANAGED, Subject, by_view, nowhere, who
from cc_fleet.client import Effective, View, shown
from cc_fleet.model import REDACTED, Fix, Place, Problem
from cc_fleet.policy import Policy, Setting
from cc_fleet.policy.when import holds

SEVERITY = "error"


def compare(policy: Policy, subject: Subject) -> Iterator[Problem]:
    def ask(view: View) -> Iterator[Problem]:
        for name, rule in policy.settings.items():
            if holds(policy, rule.when, view):
                yield from _of(rule, name, subject, view)

    yield from by_view(subject, ask)


def _of(rule: Setting, name: str, subject: Subject, view: View) -> Iterator[Problem]:
    found = view.setting(name)
    wrong = _wrong(rule, found)
    if wrong is None and rule.locked and not found.managed and found.winner is not None:
        wrong = "is not said by managed settings, so every user may change it"
    if wrong is None:
        return
    place = found.winner.place if found.winner else nowhere(subject, view.user)
    belongs = Place(MANAGED) if rule.locked or who(place) == "admin" else nowhere(subject, view.user)
    place = place if found.winner else belongs
    file = belongs.file if rule.locked else place.file
    advice = f"remove {name} from {place}" if rule.absent else f"set {name} to {_wanted(rule)} in {file}"
    voided = [void for void in view.voided() if found.winner is None]
    because = f"settings-invalid:{voided[0].place.file}:{voided[0].scope}" if voided else None
    fix = Fix(who(place), f"correct {voided[0].place.file}, which may say it") if voided else Fix(who(Place(file)), advice)
    yield Problem(name, f"{name} {wrong}", place, fix, because, found.trace())


def _wrong(rule: Setting, found: Effective) -> str | None:
    if rule.absent:
        return f"is {shown(found.value)}, and should not be set" if found.winner else None
    if found.winner is None:
        return f"is not set, and should be {_wanted(rule)}" if rule.value is not None or rule.required else None
    if found.value == REDACTED:
        return f"is set to a value that is not shown, and should be {_wanted(rule)}"
    wanted = (rule.value,) if rule.value is not None else rule.one_of
    given = json.dumps(found.value)  # not ==: True equals 1 in Python
    return None if any(json.dumps(w.json) == given for w in wanted) else f"is {shown(found.value)}, and should be {_wanted(rule)}"


def _wanted(rule: Setting) -> str:
    return " or ".join(shown(value.json) for value in ((rule.value,) if rule.value is not None else rule.one_of))
