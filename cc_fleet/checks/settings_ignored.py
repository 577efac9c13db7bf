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
from cc_fleet.model import Fix, Place, Problem, Setting
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
    drop_ins: dict[str, Place] = {}
    for setting in subject.target.settings:
        if setting.scope == "drop-in":
            drop_ins.setdefault(setting.place.file, setting.place)
    if drop_ins:
        yield from by_view(subject, lambda view: _drop_ins(view, drop_ins))
    yield from _auto_updates(subject)


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


def _drop_ins(view: View, drop_ins: dict[str, Place]) -> Iterator[Problem]:
    if view.install is None or view.knows(READ_SINCE["drop-in"]):
        return
    for place in drop_ins.values():
        message = f"Claude Code {view.version} does not read managed-settings.d (2.1.83 is the first that does)"
        yield Problem("drop-in", message, place, Fix("admin", "say it in managed-settings.json, or update the client"))


def _auto_updates(subject: Subject) -> Iterator[Problem]:
    native = {user for copy in subject.copies() if copy.method == "native" for user in copy.active_for or ()}
    for setting in subject.target.settings:
        if setting.key == ("autoUpdates",) and setting.value is False and setting.user in native:
            message = "autoUpdates: false does not stop a native install from updating itself"
            fix = Fix("you", 'set "DISABLE_AUTOUPDATER": "1" in the "env" of ~/.claude/settings.json')
            yield Problem("autoUpdates", message, setting.place, fix)
