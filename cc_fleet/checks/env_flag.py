"""A variable that the policy speaks of is missing, or something else is in effect.

Claude Code reads variables from its settings and from the environment, and settings win:
managed settings, then the project's local and shared file, then the user's. The report shows
the value in force, the line that gives it, and what it beats. Switches are compared as the
client reads them (`1`, `true` and `on` are one), other values as text. `locked` asks that
managed settings say it, because anything else is the user's to change.

**Fix**: change the line that wins, or say it in managed settings, which beat all others.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks import MANAGED, Subject, by_view, nowhere
from cc_fleet.client import Effective, View, shown, truth
from cc_fleet.model import Fix, Place, Problem
from cc_fleet.policy import Environment, Policy
from cc_fleet.policy.when import holds

SEVERITY = "error"


def compare(policy: Policy, subject: Subject) -> Iterator[Problem]:
    def ask(view: View) -> Iterator[Problem]:
        for name, rule in policy.env.items():
            if holds(policy, rule.when, view):
                yield from _of(rule, name, subject, view)

    yield from by_view(subject, ask)


def _of(rule: Environment, name: str, subject: Subject, view: View) -> Iterator[Problem]:
    found = view.env(name)
    wrong = _wrong(rule, name, found)
    if wrong is None and rule.locked and not found.managed and not (rule.absent and found.winner is None):
        wrong = "is not said by managed settings, so every user may change it"
    if wrong is None:
        return
    place = found.winner.place if found.winner else nowhere(subject, view.user)
    yield Problem(name, f"{name} {wrong}", place, _fix(rule, name, place, subject), _because(found, view), found.trace())


def _wrong(rule: Environment, name: str, found: Effective) -> str | None:
    """What is wrong with the value in force, as the end of a sentence."""
    if found.unknown:
        return "is set by a shell command or under a condition, so what a session gets cannot be read"
    set_ = found.value not in (None, "") or (name in truth.ANY_TEXT and found.value == "")
    if rule.absent:
        return f"is {shown(found.value)}, and should not be set" if set_ and found.value != "" else None
    if not set_:
        required = rule.value not in (None, "") or rule.required
        return f"is {'empty' if found.winner else 'not set'}, and should be {_wanted(rule)}" if required else None
    if found.hidden:
        return f"is set to a value that is not shown, and should be {_wanted(rule)}"
    text = str(found.value)
    if rule.integer is not None:
        number = truth.integer(text)
        return None if number is not None and rule.integer.admits(number) else f"is {shown(text)}, and should be {_wanted(rule)}"
    wanted = (rule.value,) if rule.value is not None else rule.one_of
    return None if any(truth.same(name, text, w) for w in wanted) else f"is {shown(text)}, and should be {_wanted(rule)}"


def _wanted(rule: Environment) -> str:
    if rule.integer is not None:
        return f"a whole number {rule.integer.text}"
    return " or ".join(shown(word) for word in ((rule.value,) if rule.value is not None else rule.one_of))


def _fix(rule: Environment, name: str, place: Place, subject: Subject) -> Fix:
    admin = rule.locked or subject.target.coverage.privileged or place.file.startswith("/etc/")
    file = MANAGED if rule.locked else place.file
    if rule.absent:
        return Fix("admin" if admin else "you", f"remove {name} from {place}")
    if not file.endswith(".json"):
        file = "managed settings" if admin else "~/.claude/settings.json"
    wanted = rule.value if rule.value is not None else rule.one_of[0] if rule.one_of else None
    value = f' to "{wanted}"' if wanted is not None else f" to {_wanted(rule)}"
    return Fix("admin" if admin else "you", f'set {name}{value} in the "env" of {file}')


def _because(found: Effective, view: View) -> str | None:
    """A file that the client drops whole may have said it."""
    voided = view.voided()
    return f"settings-invalid:{voided[0].place.file}:{voided[0].scope}" if found.winner is None and voided else None
