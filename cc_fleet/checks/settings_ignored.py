"""A setting stands where Claude Code does not ask for it.

Managed-only keys in a user's file do nothing, nor do keys of the global configuration
(`~/.claude.json`) in a settings file, nor drop-ins (`managed-settings.d`) for clients older than
2.1.83, nor `autoUpdates: false` for a native install. Of several managed sources (the server's, a
macOS profile or the machine's registry, the file with its drop-ins, the user's registry) the first
that holds anything is used whole, and the others are silent; `C:\\ProgramData\\ClaudeCode` is not
read since 2.1.75. In a repository a project's keys are judged by themselves, and managed files where an
image brings them to the version that it has.

**Fix**: move the key to the file that is asked for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cc_fleet.checks import Subject, by_view, who
from cc_fleet.client import View, managed
from cc_fleet.client.validity import GATE, READ_SINCE
from cc_fleet.data import scopes
from cc_fleet.model import Fix, Problem, Setting
from cc_fleet.policy import Policy

SEVERITY = "warning"


def compare(policy: Policy, subject: Subject) -> Iterator[Problem]:
    for setting in subject.target.settings:
        why = _misplaced(setting)
        if why is not None:
            yield Problem(".".join(setting.key), f"{'.'.join(setting.key)} has no effect here: {why}", setting.place,
                          Fix(who(setting.place), "delete it here, and say it there"))  # fmt: skip
    sources: dict[tuple[str, str | None], Setting] = {}
    for setting in subject.target.settings:
        if setting.scope in managed.SCOPES:
            sources.setdefault((setting.place.file, setting.user), setting)
    if sources:
        yield from by_view(subject, lambda view: _sources(view, sources.values()))
    yield from _auto_updates(subject)


def _misplaced(setting: Setting) -> str | None:
    name = ".".join(setting.key)
    scope = scopes().get(name)
    if scope is None or name in GATE or setting.key[0] == "env":
        return None  # of the gate the check version-gate speaks
    if setting.scope == "global" or setting.scope.startswith("editor"):
        return None
    if scope == "Global config":
        return "it belongs in ~/.claude.json"
    if scope == "managed" and setting.scope not in managed.SCOPES:
        return "only managed settings are asked for it"
    if scope == "User, local, or managed" and setting.scope == "project":
        return "only user, local and managed settings are asked for it"
    if scope == "User or managed" and setting.scope in ("project", "local"):
        return "only user and managed settings are asked for it"
    return None


def _sources(view: View, sources: Iterable[Setting]) -> Iterator[Problem]:
    """The managed sources that this client does not go by."""
    if view.install is None:
        return
    by = view.managed()
    for first in sources:
        if first.user not in (None, view.user) or first.scope in by.settings or first.place.file in {void.place.file for void in view.voided()}:
            continue
        if not view.knows(READ_SINCE.get(first.scope, (0, 0, 0))):
            since = ".".join(map(str, READ_SINCE[first.scope]))
            where = "managed-settings.d" if first.scope == "drop-in" else _NAMES[first.scope]
            message = f"Claude Code {view.version} does not read {where} ({since} is the first that does)"
            yield Problem(first.scope, message, first.place, Fix("admin", "say it in managed-settings.json, or update the client"))
        elif first.scope == "program-data":
            message = "no settings here have effect: C:\\ProgramData\\ClaudeCode is not read since 2.1.75"
            yield Problem(first.scope, message, first.place, Fix("admin", "move the file to C:\\Program Files\\ClaudeCode"))
        elif first.scope == "remote" and not by.settings & {"remote"}:
            message = "the server's managed settings are not asked for: this client has a gateway, another provider or an apiKeyHelper"
            yield Problem(first.scope, message, first.place, Fix("admin", "say in the managed file, the profile or the registry what must hold here"), severity="note")
        else:
            yield _hidden(first, by)


def _hidden(first: Setting, by: managed.Managed) -> Problem:
    winner = next(_NAMES[scope] for tier in managed.TIERS for scope in tier if scope in by.settings)
    but = " (variables in its env still count)" if first.scope in by.env else ""
    message = f"the managed settings here are not in force: {winner} holds some, and is used whole{but}"
    return Problem(first.scope, message, first.place, Fix("admin", "say everything in one managed source"))


_NAMES = {
    "remote": "the server", "plist": "the managed profile", "hklm": "the machine's registry", "windows": "Windows' managed file",
    "managed": "managed-settings.json", "drop-in": "managed-settings.d", "program-data": "the old managed file", "hkcu": "the user's registry",
}  # fmt: skip


def _auto_updates(subject: Subject) -> Iterator[Problem]:
    native = {user for copy in subject.copies() if copy.method == "native" for user in copy.active_for or ()}
    for setting in subject.target.settings:
        if setting.key == ("autoUpdates",) and setting.value is False and setting.user in native:
            message = "autoUpdates: false does not stop a native install from updating itself"
            fix = Fix("you", 'set "DISABLE_AUTOUPDATER": "1" in the "env" of ~/.claude/settings.json')
            yield Problem("autoUpdates", message, setting.place, fix)
