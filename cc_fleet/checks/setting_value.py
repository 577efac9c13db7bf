"""A setting that the policy speaks of is missing, or something else is in effect.

The value in force is what this client's merge of its scopes gives: managed, then local,
project, user. `locked` asks that managed settings say it.

**Fix**: change the line that wins, or say it in managed settings, which beat all others.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from cc_fleet.checks import Subject, Wrong, by_rule, in_force, who
from cc_fleet.client import Effective, View, shown
from cc_fleet.model import REDACTED, Fix, Place, Problem
from cc_fleet.policy import Policy, Setting

SEVERITY = "error"


def compare(policy: Policy, subject: Subject) -> Iterator[Problem]:
    def ask(rule: Setting, name: str, view: View) -> Iterator[Problem]:
        found = view.setting(name)
        wrong = _wrong(rule, found)
        if wrong is None and rule.locked and not found.managed and found.winner is not None:
            wrong = "is not said by managed settings, so every user may change it"
        if wrong is not None:
            told = Wrong(name, wrong, found, rule.locked)
            yield in_force(subject, view, told, lambda place, belongs: _fix(rule, name, place, belongs))

    yield from by_rule(policy, subject, policy.settings, ask)


def _fix(rule: Setting, name: str, place: Place, belongs: Place) -> Fix:
    if rule.absent:
        return Fix(who(place), f"remove {name} from {place}")
    file = belongs if rule.locked else Place(place.file)
    return Fix(who(file), f"set {name} to {_wanted(rule)} in {file}")


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
