"""A setting stands where Claude Code does not ask for it.

Managed-only keys in a user's file do nothing, nor do keys of the global configuration
(`~/.claude.json`) in a settings file, nor drop-ins (`managed-settings.d`) for clients older than
2.1.83, nor `autoUpdates: false` for a native install.

**Fix**: move the key to the file that is asked for it.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks import Subject, by_view, who
from cc_fleet.client import View
from cc_fleet.client.validity import MANAGED, READ_SINCE
from cc_fleet.data import scopes
from cc_fleet.model import Fix, Problem, Setting
from cc_fleet.policy import Policy

SEVERITY = "warning"
# The check version-gate speaks of these.
GATE = ("requiredMinimumVersion", "requiredMaximumVersion")


def compare(policy: Policy, subject: Subject) -> Iterator[Problem]:
    for setting in subject.target.settings:
        why = _misplaced(setting)
        if why is not None:
            yield Problem(".".join(setting.key), f"{'.'.join(setting.key)} has no effect here: {why}", setting.place,
                          Fix(who(setting.place), "delete it here, and say it there"))  # fmt: skip
    yield from by_view(subject, _unknown_to)


def _misplaced(setting: Setting) -> str | None:
    name = ".".join(setting.key)
    scope = scopes().get(name)
    if scope is None or name in GATE or setting.key[0] == "env":
        return None
    if setting.scope == "global":
        return None
    if scope == "Global config":
        return "it belongs in ~/.claude.json"
    if scope == "managed" and setting.scope not in MANAGED:
        return "only managed settings are asked for it"
    if scope == "User, local, or managed" and setting.scope == "project":
        return "only user, local and managed settings are asked for it"
    if scope == "User or managed" and setting.scope in ("project", "local"):
        return "only user and managed settings are asked for it"
    return None


def _unknown_to(view: View) -> Iterator[Problem]:
    if view.install is None:
        return
    if not view.knows(READ_SINCE["drop-in"]):
        for file in dict.fromkeys(s.place.file for s in view.target.settings if s.scope == "drop-in"):
            first = next(s.place for s in view.target.settings if s.place.file == file)
            yield Problem("drop-in", f"Claude Code {view.version} does not read managed-settings.d (2.1.83 is the first that does)", first,
                          Fix("admin", "say it in managed-settings.json, or update the client"))  # fmt: skip
    for setting in view.target.settings:
        if setting.key == ("autoUpdates",) and setting.value is False and view.install.method == "native" and setting.user == view.user:
            yield Problem("autoUpdates", "autoUpdates: false does not stop a native install from updating itself", setting.place,
                          Fix("you", 'set "DISABLE_AUTOUPDATER": "1" in the "env" of ~/.claude/settings.json'))  # fmt: skip
