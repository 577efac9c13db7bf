"""What is in force in an editor: VS Code's policy, then workspace, machine and user settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cc_fleet.checks import Subject
from cc_fleet.client import Effective, Index, Source
from cc_fleet.host.layout import LAYOUTS
from cc_fleet.model import Install, Place, Setting

JETBRAINS = "jetbrains.claude-code"
# Weakest first; and what people call each.
SCOPES = {"editor": "user settings", "editor-machine": "machine settings", "editor-workspace": "workspace settings", "editor-policy": "the editor's policy"}
POLICY = {"linux": "/etc/vscode/policy.json", "macos": "a configuration profile of com.microsoft.VSCode", "windows": "HKLM\\SOFTWARE\\Policies\\Microsoft\\VSCode"}
ALLOWED = "extensions.allowed"
# VS Code takes these from its policy and the user's settings alone, wherever else they stand.
_APPLICATION = frozenset((ALLOWED, "extensions.autoCheckUpdates", "extensions.autoUpdate", "update.mode"))


def editors(subject: Subject) -> Iterator[tuple[str, str]]:
    """Every user with each editor that runs an extension of theirs, or has settings that were read."""
    found = {(user, copy.method): None for copy in subject.extensions() if copy.product != JETBRAINS for user in copy.active_for or ()}
    found |= {(s.user, s.editor): None for s in subject.target.settings if s.scope in ("editor", "editor-machine") and s.user and s.editor}
    yield from (pair for pair in found if pair[0] in subject.target.coverage.users)


def is_server(editor: str) -> bool:
    """Whether the user's own settings are those of another machine, from which they connect."""
    return editor == "vscode-remote" or (editor != "code-server" and editor.endswith(("-server", "-server-insiders")))


def in_force(subject: Subject, user: str, editor: str, name: str) -> Effective:
    """The setting ``name`` in this editor of this user, and what it beats."""

    def counts(setting: Setting) -> bool:
        if setting.scope not in SCOPES or setting.editor not in (None, editor):
            return False
        return name not in _APPLICATION or setting.scope in ("editor", "editor-policy")

    def rank(setting: Setting) -> tuple[int, bool]:
        return list(SCOPES).index(setting.scope), setting.user is None

    lookup = subject.views[0].lookup if subject.views else Index(subject.target)
    found = sorted(filter(counts, lookup.setting((name,), user)), key=rank, reverse=True)
    sources = [Source(SCOPES[setting.scope], setting.scope, setting.value, setting.place) for setting in found]
    return Effective(sources[0].value, sources[0], tuple(sources[1:])) if sources else Effective(None)


def belongs(subject: Subject, user: str, editor: str) -> Place:
    """The file in which this editor's user says a setting."""
    home = subject.target.coverage.homes[subject.target.coverage.users.index(user)]
    layout = LAYOUTS.get(subject.target.os, LAYOUTS["linux"])
    product = {"vscode": "Code", "vscode-insiders": "Code - Insiders", "vscodium": "VSCodium"}.get(editor, editor.title())
    folder = f"{layout.config}/{product}"
    if editor == "code-server":
        folder = f"{layout.data}/code-server{'/Data' if subject.target.os == 'windows' else ''}"
    return Place(f"{folder}/User/settings.json".replace("~", home, 1))


def updates(subject: Subject, user: str, editor: str) -> tuple[bool, Effective]:
    """Whether this editor updates extensions by itself, and the setting that says so."""
    automatic, checks = (in_force(subject, user, editor, f"extensions.auto{what}") for what in ("Update", "CheckUpdates"))
    return automatic.value is not False and checks.value is not False, checks if checks.value is False else automatic


def admits(allowed: Any, copy: Install, version: str) -> bool | None:
    """Whether ``extensions.allowed`` lets the editor run this extension in ``version``; None where that is not known."""
    if not isinstance(allowed, dict):
        return None
    said = next((allowed[name] for name in (copy.product, copy.product.partition(".")[0], "*") if name in allowed), False)
    if isinstance(said, bool):
        return said
    if said == "stable":
        return "-" not in version
    if not isinstance(said, list):
        return None
    listed = [str(one).partition("@") for one in said]
    return any(number == version and platform in ("", copy.platform or platform) for number, _, platform in listed)
