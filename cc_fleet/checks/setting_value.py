"""A setting that the policy speaks of is missing, or something else is in effect.

The value in force is what this client's merge of its scopes gives: managed, then local,
project, user. `locked` asks that managed settings say it. `editor-settings` are judged in every
editor that runs an extension: VS Code's policy beats the workspace's settings, these the machine's,
and these the user's. What is missing on a remote server may be said where the user connects from,
and is not told.

In a repository what committed settings say is judged, and what is missing only of an image that brings
managed settings with it: a project's settings need not say what the user's do. Of an editor's the
workspace's are judged. `locked` is not asked, for the repository of an administrator is not told from another.

**Fix**: change the line that wins, or say it in managed settings, which beat all others; an editor's
in its user settings, or in VS Code's policy.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from cc_fleet.checks import Subject, Wrong, _editor, by_rule, in_force, who
from cc_fleet.client import Effective, Source, View, shown
from cc_fleet.model import REDACTED, Fix, Place, Problem
from cc_fleet.policy import Policy, Setting, When
from cc_fleet.policy.when import holds

SEVERITY = "error"


def compare(policy: Policy, subject: Subject) -> Iterator[Problem]:
    def ask(rule: Setting, name: str, view: View) -> Iterator[Problem]:
        found, here = view.setting(name), view.target.kind == "repository"
        wrong = amiss(rule, found)
        own = next((setting.place.file for setting in view.target.settings if setting.user == view.user), None) if here and view.job else None
        if here and found.winner is None and own is None:
            return
        if wrong is None and rule.locked and not here and not found.managed and found.winner is not None:
            wrong = "is not said by managed settings, so every user may change it"
        if wrong is not None:
            told = Wrong(name, wrong, found, rule.locked)
            said = (found.winner.place if found.winner else Place(own or "")) if here else None
            yield in_force(subject, view, told, lambda place, belongs: _fix(rule, name, said or place, said or belongs))

    yield from by_rule(policy, subject, policy.settings, ask)
    if policy.editor_settings:
        for user, editor in _editor.editors(subject):
            yield from _in_editor(policy, subject, user, editor)
        yield from _in_workspaces(policy, subject) if subject.target.kind == "repository" else ()


def _in_workspaces(policy: Policy, subject: Subject) -> Iterator[Problem]:
    """What an editor's settings that are committed contradict; which editor opens them is not known."""
    for setting in subject.target.settings:
        rule = policy.editor_settings.get(setting.key[0]) if setting.scope == "editor-workspace" else None
        if rule is None or rule.when != When():
            continue
        wrong = amiss(rule, Effective(setting.value, Source("workspace settings", setting.scope, setting.value, setting.place)))
        if wrong is not None:
            fix = f"remove {setting.key[0]} from {setting.place}" if rule.absent else f"set {setting.key[0]} to {_wanted(rule)} in {setting.place.file}"
            yield Problem(setting.key[0], f"{setting.key[0]} {wrong}", setting.place, Fix("you", fix))


def _in_editor(policy: Policy, subject: Subject, user: str, editor: str) -> Iterator[Problem]:
    own = [view for view in subject.views if view.user == user]
    at_work = next((view for view in own if view.install and view.install.method == editor), next(iter(own), None))
    for name, rule in policy.editor_settings.items():
        if not holds(policy, rule.when, at_work) if at_work else rule.when != When():
            continue
        found = _editor.in_force(subject, user, editor, name)
        if found.winner is None and _editor.is_server(editor):
            continue
        wrong = amiss(rule, found)
        locked = rule.locked and editor == "vscode"  # of no other is it known which policy it obeys
        by_policy = found.winner is not None and found.winner.scope == "editor-policy"
        if wrong is None and locked and found.winner is not None and not by_policy:
            wrong = "is not said by VS Code's policy, so every user may change it"
        if wrong is None:
            continue
        place = found.winner.place if found.winner else _editor.belongs(subject, user, editor)
        whose = "admin" if by_policy or locked else "you"
        file = _editor.POLICY.get(subject.target.os, "its policy") if locked and not by_policy else place.file
        fix = Fix(whose, f"remove {name} from {place}") if rule.absent else Fix(whose, f"set {name} to {_wanted(rule)} in {file}")
        yield Problem(name, f"{name} in {editor} {wrong}", place, fix, trace=found.trace())


def _fix(rule: Setting, name: str, place: Place, belongs: Place) -> Fix:
    if rule.absent:
        return Fix(who(place), f"remove {name} from {place}")
    file = belongs if rule.locked else Place(place.file)
    return Fix(who(file), f"set {name} to {_wanted(rule)} in {file}")


def amiss(rule: Setting, found: Effective) -> str | None:
    """What is wrong with the value in force, as the end of a sentence."""
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
