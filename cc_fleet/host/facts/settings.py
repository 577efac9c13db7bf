"""Claude Code's settings, every value with its scope and line.

User, project, local and managed files and drop-ins are strict JSON: a file that is not is
``Rejected``, because the client drops it whole and says nothing (facts/wire.md 0.9).
``~/.claude.json`` holds the few keys of the global configuration.
"""

from __future__ import annotations

import json
import re
from typing import Any, Iterator, NamedTuple

from ...model import REDACTED, Credential, Gap, Place, Rejected, Setting
from .. import jsonc, redact
from ..machine import Machine
from ..text import Text, read_folder, read_text
from ..tree import Missing, Unreadable
from .credentials import SECRETS, readable_by

MANAGED = "/etc/claude-code"
LIMIT = 2 * 1024 * 1024
WANTS = (
    "*/settings.json", "*/.claude/settings.local.json", "*/.claude.json",
    f"{MANAGED}/managed-settings.json", f"{MANAGED}/managed-settings.d", f"{MANAGED}/managed-settings.d/*.json",
)  # fmt: skip
GLOBAL = (
    "autoUpdates", "autoUpdatesProtectedForNative", "installMethod", "autoInstallIdeExtension", "autoConnectIde",
    "diffTool", "editorMode",
)  # fmt: skip
_OBJECTS = frozenset("env permissions sandbox".split())


class _File(NamedTuple):
    path: str
    scope: str
    user: str | None = None
    project: str | None = None


def read(machine: Machine) -> Iterator[Any]:
    for file in _files(machine):
        if isinstance(file, Gap):
            yield file
        elif file.scope == "global":
            yield from _global(machine, file)
        else:
            yield from _settings(machine, file)


def _files(machine: Machine) -> Iterator[_File | Gap]:
    yield _File(f"{MANAGED}/managed-settings.json", "managed")
    names = read_folder(machine.tree, f"{MANAGED}/managed-settings.d")
    if isinstance(names, Gap):
        yield names
    else:
        for name in names:
            if name.endswith(".json") and not name.startswith("."):
                yield _File(f"{MANAGED}/managed-settings.d/{name}", "drop-in")
    for user in machine.users:
        config = machine.session(user).config
        yield _File(f"{config}/settings.json", "user", user.name)
        moved = config != f"{user.home}/.claude"
        yield _File(f"{config if moved else user.home}/.claude.json", "global", user.name)
    if machine.cwd and machine.cwd not in {user.home for user in machine.users}:
        caller = machine.caller.name if machine.caller else None
        yield _File(f"{machine.cwd}/.claude/settings.json", "project", caller, machine.cwd)
        yield _File(f"{machine.cwd}/.claude/settings.local.json", "local", caller, machine.cwd)


def _settings(machine: Machine, file: _File) -> Iterator[Any]:
    found = read_text(machine.tree, file.path)
    if found is None:
        return
    if isinstance(found, Gap):
        yield found
        return
    if found.size > LIMIT:
        yield Rejected("is over 2 MiB", Place(file.path), file.scope, file.user)
        return
    try:
        root = jsonc.parse(found.text, strict=True)
    except jsonc.TooDeep as err:
        yield Gap(err.what, Place(file.path, err.line, err.column))
        return
    except jsonc.JsoncError as err:
        place = Place(file.path, err.line, err.column, _sketch(found.text, err.line))
        yield Rejected(err.what, place, file.scope, file.user)
        return
    if root.members is None:
        yield Rejected("is not a JSON object", Place(file.path, 1, 1), file.scope, file.user)
        return
    yield from _members(machine, file, found, root, ())


def _sketch(text: str, line: int) -> str | None:
    """A line of a file that cannot be parsed, so that nothing in it can be told from a secret: its shape alone."""
    shape = (text.split("\n", line)[line - 1 : line] or [""])[0].strip()[:400]
    shape = re.sub(r'"(?:[^"\\]|\\.)*"?', '"…"', re.sub(r"(//|/\*).*", r"\1 …", shape))
    shape = re.sub(r"[^\s{}\[\],:\"/*…]{6,}", "…", shape)
    return shape[:80] or None


def _members(machine: Machine, file: _File, found: Text, node: jsonc.Node, path: tuple[str, ...]) -> Iterator[Any]:
    for name, member in (node.members or {}).items():
        key = (*path, name)
        inner = member.node
        if inner.members and len(key) == 1 and name in _OBJECTS:
            yield from _members(machine, file, found, inner, key)
            continue
        shown = (*path, redact.name(name))
        value = redact.setting(key, inner.value, machine.keep) if inner.members is None else REDACTED
        value = {} if inner.members == {} else value
        place = _place(file, found.text, member, shown[-1], value)
        yield Setting(shown, value, file.scope, place, file.user, file.project)
        yield from _credentials(machine, file, key, inner.value, place)


def _place(file: _File, text: str, member: jsonc.Member, name: str, value: Any) -> Place:
    line, column = jsonc.position(text, member.start)
    shown = "«redacted»" if value == REDACTED else json.dumps(value, ensure_ascii=False)
    shown = shown if len(shown) <= 160 else shown[:159] + "…"
    return Place(file.path, line, column, f"{json.dumps(name, ensure_ascii=False)}: {shown}")


def _credentials(machine: Machine, file: _File, key: tuple[str, ...], value: Any, place: Place) -> Iterator[Credential]:
    if not value or not isinstance(value, str):
        return
    if (key[0] == "env" and key[-1] in SECRETS) or key == ("apiKeyHelper",):
        yield Credential(key[-1], place, _readable_by(machine, file.path), file.user)
    elif redact.has_secret(value):
        yield Credential("url", place, _readable_by(machine, file.path), file.user)


def _readable_by(machine: Machine, path: str) -> str:
    try:
        return readable_by(machine.tree.stat(path).mode)
    except (Missing, Unreadable):
        return "owner"


def _global(machine: Machine, file: _File) -> Iterator[Any]:
    """``~/.claude.json`` holds history and tokens by the megabyte: a few keys of it, and nothing else."""
    found = read_text(machine.tree, file.path, 64 * 1024 * 1024)
    if found is None or isinstance(found, Gap):
        yield from [found] if found else []
        return
    try:
        document = json.loads(found.text) if found.text.strip() else {}
    except (ValueError, RecursionError):
        yield Rejected("is not JSON", Place(file.path), file.scope, file.user)
        return
    if not isinstance(document, dict):
        yield Rejected("is not a JSON object", Place(file.path, 1, 1), file.scope, file.user)
        return
    for key in GLOBAL:
        if key in document:
            value = redact.setting((key,), document[key], machine.keep)
            at = re.search(rf'^ {{0,2}}"{key}"', found.text, re.MULTILINE)
            line, column = jsonc.position(found.text, at.end() - len(key) - 2) if at else (None, None)
            place = Place(file.path, line, column, f'"{key}": {json.dumps(value)}')
            yield Setting((key,), value, file.scope, place, file.user)
    if document.get("primaryApiKey"):
        yield Credential("primaryApiKey", Place(file.path), _readable_by(machine, file.path), file.user)
