"""Which editor a finding about a setting speaks of, and what VS Code's policy calls it."""

from __future__ import annotations

from cc_fleet.checks import _editor
from cc_fleet.client import Effective
from cc_fleet.model import Finding
from cc_fleet.plan.machine._task import Task
from cc_fleet.records import NamedTuple

# What VS Code's policy calls a setting.
POLICIES = {_editor.ALLOWED: "AllowedExtensions", "extensions.autoUpdate": "ExtensionsAutoUpdate", "update.mode": "UpdateMode"}


class InEditor(NamedTuple):
    """A user's editor, and what is in force there for a setting."""

    user: str
    editor: str
    found: Effective


def judged_in(task: Task, finding: Finding) -> InEditor | None:
    """The editor that a finding of ``setting-value`` is about; None where it is about Claude Code itself."""
    name, place = finding.problem.subject, finding.problem.place
    for user, editor in _editor.editors(task.later) if name in task.policy.editor_settings else ():
        if not finding.problem.message.startswith(f"{name} in {editor} "):
            continue
        found = _editor.in_force(task.later, user, editor, name)
        if place == (found.winner.place if found.winner is not None else _editor.belongs(task.later, user, editor)):
            return InEditor(user, editor, found)
    return None
