"""Claude Code's settings, every value with its scope and line.

User, project, local and managed files and drop-ins are strict JSON: a file that is not is
``Rejected``, because the client drops it whole and says nothing (facts/wire.md 0.9).
``~/.claude.json`` holds the few keys of the global configuration, ``remote-settings.json`` what
the server's administrators last said. Under WSL Windows' managed file counts where it says so.
"""

from __future__ import annotations

import json
import re
from itertools import islice
from typing import Any, Iterator

from ...model import REDACTED, Credential, Gap, Place, Rejected, Setting
from ...records import NamedTuple
from .. import jsonc, redact
from ..machine import Machine
from ..text import Text, read_folder, read_text
from ..tree import Missing, Unreadable
from .credentials import SECRETS, readable_by

WSL = "/mnt/c/Program Files/ClaudeCode"
LIMIT = 2 * 1024 * 1024
MOST = 5000
WANTS = (
    "*/settings.json", "*/.claude/settings.local.json", "*/.claude.json", "*/.config.json", "*/.git", "*/remote-settings.json",
    "*/managed-settings.json", "*/managed-settings.d", "*/managed-settings.d/*.json",
)  # fmt: skip
GLOBAL = (
    "autoUpdates", "autoUpdatesProtectedForNative", "installMethod", "autoInstallIdeExtension", "autoConnectIde",
    "diffTool", "editorMode", "externalEditorContext", "permissionExplainerEnabled", "teammateDefaultModel", "userID",
)  # fmt: skip
# Objects of names that people choose, or that a command stands in: they are one value.
_OPAQUE = frozenset("enabledPlugins extraKnownMarketplaces hooks mcpServers modelOverrides pluginConfigs".split())
_DEPTH = 3


# Managed sources: who may write them is the administrator, or the server's.
_MANAGED = frozenset(("managed", "drop-in", "remote", "windows", "plist", "hklm", "program-data"))


class File(NamedTuple):
    """A settings document: where it is, whose, and, of one inside another file, on which line of that it stands."""

    path: str
    scope: str
    user: str | None = None
    project: str | None = None
    line: int | None = None


def read(machine: Machine) -> Iterator[Any]:
    for file in _files(machine):
        if isinstance(file, Gap):
            yield file
        elif file.scope == "global":
            yield from _global(machine, file)
        else:
            yield from _settings(machine, file)


def _files(machine: Machine) -> Iterator[File | Gap]:
    managed = machine.layout.managed
    yield File(f"{managed}/managed-settings.json", "managed")
    for name in _drop_ins(machine, managed):
        yield name if isinstance(name, Gap) else File(name, "drop-in")
    if machine.os == "linux":
        yield from _inherited(machine)
    for user in machine.users:
        config = machine.session(user).config
        yield File(f"{config}/settings.json", "user", user.name)
        yield File(f"{config}/remote-settings.json", "remote", user.name)
        moved = config != f"{user.home}/.claude"
        yield File(_global_file(machine, config, config if moved else user.home), "global", user.name)
    if machine.cwd and machine.caller:
        name = machine.caller.name
        if f"{machine.cwd}/.claude" != machine.session(machine.caller).config:  # else it is the user's own file
            yield File(f"{machine.cwd}/.claude/settings.json", "project", name, machine.cwd)
        yield File(f"{machine.cwd}/.claude/settings.local.json", "local", name, machine.cwd)
        root = _git_root(machine, machine.cwd)
        if root not in (None, machine.cwd, machine.caller.home):
            yield File(f"{root}/.claude/settings.local.json", "root-local", name, machine.cwd)


def _drop_ins(machine: Machine, managed: str) -> list[str | Gap]:
    names = read_folder(machine.tree, f"{managed}/managed-settings.d")
    if isinstance(names, Gap):
        return [names]
    return [f"{managed}/managed-settings.d/{name}" for name in names if name.endswith(".json") and not name.startswith(".")]


def _inherited(machine: Machine) -> Iterator[File | Gap]:
    """Windows' managed files as WSL inherits them, if one of them says so: of one scope, so the last drop-in, which wins, is told first."""
    found = [*reversed(_drop_ins(machine, WSL)), f"{WSL}/managed-settings.json"]
    inherits = {path: _inherits(machine, path) for path in found if isinstance(path, str)}
    for path in found:
        if isinstance(path, Gap):
            yield path
        elif any(inherits.values()) or inherits[path] is None:
            yield File(path, "windows")


def _inherits(machine: Machine, path: str) -> bool | None:
    """Whether the file says that WSL asks Windows; None where it is there and cannot be read."""
    found = read_text(machine.tree, path)
    if found is None:
        return False
    try:
        value = jsonc.parse(found.text, strict=True).value if isinstance(found, Text) else None
    except jsonc.JsoncError:
        return None
    return value.get("wslInheritsWindowsSettings") is True if isinstance(value, dict) else None


def _global_file(machine: Machine, config: str, folder: str) -> str:
    """``.claude.json``, unless the older ``.config.json`` is there, which replaces it (measured)."""
    try:
        machine.tree.stat(f"{config}/.config.json")
    except (Missing, Unreadable):
        return f"{folder}/.claude.json"
    return f"{config}/.config.json"


def _git_root(machine: Machine, folder: str) -> str | None:
    while folder not in ("/", ""):
        try:
            machine.tree.stat(f"{folder}/.git")
        except (Missing, Unreadable):
            folder = folder.rpartition("/")[0]
        else:
            return folder
    return None


def _settings(machine: Machine, file: File) -> Iterator[Any]:
    found = read_text(machine.tree, file.path)
    if found is None:
        return
    if isinstance(found, Gap):
        yield found
        return
    if found.size > LIMIT:
        yield Rejected("is over 2 MiB", Place(file.path), file.scope, file.user, "size")
    yield from document(machine, file, found.text)


def document(machine: Machine, file: File, text: str) -> Iterator[Any]:
    """The facts of one settings document, given as its text."""
    try:
        root = jsonc.parse(text, strict=True)
    except jsonc.TooDeep as err:
        yield Gap(err.what, Place(file.path, file.line or err.line, err.column if file.line is None else None))
        return
    except jsonc.JsoncError as err:
        place = Place(file.path, err.line, err.column, _sketch(text, err.line)) if file.line is None else Place(file.path, file.line or None)
        yield Rejected(err.what, place, file.scope, file.user)
        return
    if root.members is None:
        yield Rejected("is not a JSON object", Place(file.path, *((1, 1) if file.line is None else (file.line or None,))), file.scope, file.user)
        return
    for number, fact in enumerate(_members(machine, file, jsonc.Lines(text), _Branch(root))):
        if number == MOST:
            yield Gap(f"holds more than {MOST} settings, and what follows was not judged", Place(file.path))
            return
        yield fact


def _sketch(text: str, line: int) -> str | None:
    """A line of a file that cannot be parsed, so that nothing in it can be told from a secret: its shape alone."""
    shape = (text.split("\n", line)[line - 1 : line] or [""])[0].strip()[:400]
    pieces = re.findall(r"//|/\*|[{}\[\],:]|[^\s{}\[\],:]+", shape)
    marks = [piece if piece in ("//", "/*") or piece in "{}[],:" else "…" for piece in pieces]
    return re.sub(r"(…[\s,:]*)+", "… ", " ".join(marks)).strip()[:80] or None


class _Branch(NamedTuple):
    """An object of a settings file: its path, and that path as it may be shown."""

    node: jsonc.Node
    path: tuple[str, ...] = ()
    told: tuple[str, ...] = ()


def _members(machine: Machine, file: File, lines: jsonc.Lines, branch: _Branch) -> Iterator[Any]:
    for name, member in (branch.node.members or {}).items():
        key, shown, inner = (*branch.path, name), (*branch.told, redact.name(name)), member.node
        if inner.members and len(key) < (2 if key[0] == "env" else _DEPTH) and key[0] not in _OPAQUE:
            yield from _members(machine, file, lines, _Branch(inner, key, shown))
            continue
        if key == ("env", "CLAUDE_CONFIG_DIR") and inner.value and file.scope not in ("project", "local"):
            yield Gap("sends Claude Code to another folder for its settings, which is not followed", _position(file, lines, member))
        if key == ("policyHelper",) and file.scope in _MANAGED:
            yield Gap("names a program that makes the managed settings; what it says is not read", _position(file, lines, member))
        value = redact.setting(key, inner.value, machine.keep)
        place = _place(file, lines, member, shown[-1], value)
        yield Setting(shown, value, file.scope, place, file.user, file.project)
        yield from _credentials(machine, file, key, inner.value, place)


def _place(file: File, lines: jsonc.Lines, member: jsonc.Member, name: str, value: Any) -> Place:
    hidden = value == REDACTED or (value and isinstance(value, dict))
    shown = REDACTED if hidden else json.dumps(value, ensure_ascii=False)
    shown = shown if len(shown) <= 160 else shown[:159] + "…"
    return _position(file, lines, member)._replace(text=f"{json.dumps(name, ensure_ascii=False)}: {shown}")


def _position(file: File, lines: jsonc.Lines, member: jsonc.Member) -> Place:
    return Place(file.path, *lines.position(member.start)) if file.line is None else Place(file.path, file.line or None)


def _credentials(machine: Machine, file: File, key: tuple[str, ...], value: Any, place: Place) -> Iterator[Credential]:
    if not value or not isinstance(value, str):
        return
    if (key[0] == "env" and key[-1] in SECRETS) or key == ("apiKeyHelper",):
        yield Credential(key[-1], place, readable_by(machine.tree, file.path), file.user)
    elif redact.has_secret(redact.url(value)):
        yield Credential("url", place, readable_by(machine.tree, file.path), file.user)


def _no_number(name: str) -> float:
    raise ValueError(name)


def _starts(text: str, keys: set[str]) -> dict[str, int]:
    """Where each key first stands; this file is too large to be parsed with positions."""
    found: dict[str, int] = {}
    for match in re.finditer(r'"([^"\\\n]{1,200})"\s*:', text):
        if match[1] in keys:
            found.setdefault(match[1], match.start())
    return found


def _at(file: File, lines: jsonc.Lines, start: int | None, shown: str) -> Place:
    line, column = lines.position(start) if start is not None else (None, None)
    return Place(file.path, line, column, shown)


def _global(machine: Machine, file: File) -> Iterator[Any]:
    """``~/.claude.json`` holds history and tokens by the megabyte: a few keys of it, and nothing else."""
    found = read_text(machine.tree, file.path, 64 * 1024 * 1024)
    if found is None or isinstance(found, Gap):
        yield from [found] if found else []
        return
    try:
        document = json.loads(found.text.lstrip("\ufeff"), parse_constant=_no_number) if found.text.strip() else {}
    except (ValueError, RecursionError):
        yield Rejected("is not JSON", Place(file.path), file.scope, file.user)
        return
    if not isinstance(document, dict):
        yield Rejected("is not a JSON object", Place(file.path, 1, 1), file.scope, file.user)
        return
    env = document.get("env")
    keys: list[tuple[str, ...]] = [(key,) for key in GLOBAL if key in document]
    keys += [("env", name) for name in islice(env if isinstance(env, dict) else (), MOST)]
    lines, starts = jsonc.Lines(found.text), _starts(found.text, {key[-1] for key in keys})
    for key in keys:
        raw = document[key[0]] if len(key) == 1 else document["env"][key[1]]
        value, name = redact.setting(key, raw, machine.keep), redact.name(key[-1])
        if key == ("env", "CLAUDE_CONFIG_DIR") and raw:
            yield Gap("sends Claude Code to another folder for its settings, which is not followed", Place(file.path))
        place = _at(file, lines, starts.get(key[-1]), f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}")
        yield Setting((*key[:-1], name), value, file.scope, place, file.user)
        yield from _credentials(machine, file, key, raw, place)
    if document.get("primaryApiKey"):
        yield Credential("primaryApiKey", Place(file.path), readable_by(machine.tree, file.path), file.user)
