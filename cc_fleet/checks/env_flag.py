"""A variable that the policy speaks of is missing, or something else is in effect.

Claude Code reads variables from its settings and from the environment, and settings win:
managed settings, then the project's local and shared file, then the user's. The report shows
the value in force, the line that gives it, and what it beats. Switches are compared as the
client reads them (`1`, `true` and `on` are one), other values as text. `locked` asks that
managed settings say it, because anything else is the user's to change.

In a repository it is judged for each image that Claude Code is installed in, and each CI job and
devcontainer that runs it: what is missing is told at the line that brings Claude Code. Of committed
settings, and of a `package.json`, only what contradicts is told, for a session has more than these.
`locked` is asked of images alone: a job's variables are not its user's to change. A value that comes from a
secret or an input is a warning, since it cannot be read.

**Fix**: change the line that wins, or say it in managed settings, which beat all others.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks import Subject, Wrong, by_rule, in_force, who
from cc_fleet.client import Effective, View, shown, truth
from cc_fleet.model import Fix, Place, Problem
from cc_fleet.policy import Environment, Policy

SEVERITY = "error"


def compare(policy: Policy, subject: Subject) -> Iterator[Problem]:
    def ask(rule: Environment, name: str, view: View) -> Iterator[Problem]:
        found = view.env(name)
        wrong = amiss(rule, name, found)
        if wrong is None and _is_locked(rule, view) and not found.managed and found.winner is not None:
            wrong = "is not said by managed settings, so every user may change it"
        if wrong is None or (found.winner is None and not view.complete):
            return
        outside = found.unknown and view.target.kind == "repository"
        wrong = "comes from outside this repository, so what a session gets cannot be read" if outside else wrong
        told = Wrong(name, wrong, found, rule.locked)
        problem = in_force(subject, view, told, lambda place, belongs: _fix(rule, name, view, (place, belongs)))
        yield problem._replace(severity="warning") if outside else problem

    yield from by_rule(policy, subject, policy.env, ask)


def amiss(rule: Environment, name: str, found: Effective) -> str | None:
    """What is wrong with the value in force, as the end of a sentence."""
    if found.unknown:
        return "is set by a shell command or under a condition, so what a session gets cannot be read"
    set_ = found.value not in (None, "")
    if rule.absent or must_be_empty(rule, name):
        return f"is {shown(found.value)}, and should not be set" if set_ else None
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


def must_be_empty(rule: Environment, name: str) -> bool:
    """Whether the policy wants a switch off that any text, ``0`` too, switches on."""
    return name in truth.ANY_TEXT and rule.value is not None and rule.value.lower() in truth.FALSE


def _is_locked(rule: Environment, view: View) -> bool:
    """Whether managed settings must say it: not where what runs is a job of a repository, or not known."""
    return rule.locked and (view.target.kind != "repository" or (view.job is not None and view.job.kind == "image"))


def _fix(rule: Environment, name: str, view: View, places: tuple[Place, Place]) -> Fix:
    """What to do, given where the value stands, or would, and where it should be said."""
    place, belongs = places
    if rule.absent or must_be_empty(rule, name):
        where = f"remove {name} from {place}" if place.line else f"unset {name} where the session starts"
        return Fix(who(place), where)
    wanted = rule.value if rule.value is not None else rule.one_of[0] if rule.one_of else None
    value = f'"{wanted}"' if wanted is not None else _wanted(rule)
    if view.target.kind == "repository":
        return _fix_here(name, value, view, _is_locked(rule, view))
    winner = view.env(name).winner
    if view.target.kind == "image" and wanted is not None and not rule.locked and (winner is None or not winner.place.file.startswith("/")):
        return Fix("you", f"write `ENV {name}={wanted}` in the Dockerfile")
    file = place.file if place.file.endswith(".json") and not rule.locked else belongs.file
    return Fix(who(Place(file)), f'set {name} to {value} in the "env" of {file}')


def _fix_here(name: str, value: str, view: View, locked: bool) -> Fix:
    """What to do in a repository: say it where it stands, or where the image or job gets its variables."""
    from cc_fleet.checks import _written

    winner = view.env(name).winner
    if locked:
        return Fix("you", f'set {name} to {value} in the "env" of a managed-settings.json that the image has in /etc/claude-code')
    return Fix("you", f"set {name} to {value} in {winner.place}" if winner else _written.variable(view, name, value.strip('"')))
