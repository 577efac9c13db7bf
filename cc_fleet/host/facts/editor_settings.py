"""What VS Code, its forks and their servers are told about extensions and about Claude Code.

Of an editor's settings only the ``claudeCode.*`` keys, those that hold or move extensions, and
what the policy names are read.  They are JSON with comments, and the editor is lenient: what even
a lenient reader cannot take is a Gap.  VS Code's policy (``/etc/vscode/policy.json``, the registry,
a macOS profile) is strict: one error voids all of it (facts/claude-code.md 4).  The variables of
``claudeCode.environmentVariables`` reach the extension's client alone.
"""

from __future__ import annotations

import json
import re
from itertools import islice
from typing import Any, Iterator

from ...model import JSON, REDACTED, Credential, Gap, Place, Rejected, Setting, Variable
from ...records import NamedTuple
from .. import jsonc, redact
from ..machine import Machine
from ..text import read_text
from ..tree import Unreadable
from .credentials import SECRETS, readable_by
from .extensions import CODE_SERVER, EDITORS, editors

ALLOWED = "extensions.allowed"
VARIABLES = "claudeCode.environmentVariables"
WRAPPER = "claudeCode.claudeProcessWrapper"
# Settings whose value is a switch or one of a few words.
KEYS = frozenset(
    """
    claudeCode.allowDangerouslySkipPermissions claudeCode.disableLoginPrompt claudeCode.initialPermissionMode
    claudeCode.usePythonEnvironment claudeCode.useTerminal extensions.autoCheckUpdates extensions.autoUpdate update.mode
    """.split()
)
# What a policy of VS Code sets (Windows compares these without their case).
POLICIES = {"allowedextensions": ALLOWED, "extensionsautoupdate": "extensions.autoUpdate", "updatemode": "update.mode"}
POLICY = "/etc/vscode/policy.json"
PROFILES = "/Library/Managed Preferences"
_PLIST = "com.microsoft.VSCode.plist"
_KEY = "SOFTWARE\\Policies\\Microsoft\\VSCode"
WANTS = (
    *EDITORS, "*/User/settings.json", "*/data/Machine/settings.json", "*/code-server/*Machine/settings.json",
    "*/.vscode/settings.json", POLICY, f"{PROFILES}/*{_PLIST}",
)  # fmt: skip
_MOST = 2000
_PATH = r"(?:[A-Za-z]:[\\/]|[~/\\]|\$\{)[\w./\\~+@${}:-]*(?: (?!-)[\w./\\~+@${}:()-]*)*"
_VERSION = r"\d{1,9}\.\d{1,9}\.\d{1,9}(?:@[a-z0-9-]{1,20})?"


class File(NamedTuple):
    """A settings document of an editor: where it is, of which scope, whose."""

    path: str
    scope: str
    user: str | None
    editor: str | None
    project: str | None = None


def read(machine: Machine) -> Iterator[Any]:
    yield from _policy(machine)
    for user in machine.users:
        seen = set()
        for editor in editors(machine, user):
            if isinstance(editor, Gap) or editor.data in seen:
                continue  # what cannot be listed is said where extensions are read
            seen.add(editor.data)
            machines = editor.data.startswith(f"{user.home}/.") and editor.data.endswith("/data")
            if not machines:
                yield from _settings(machine, File(f"{editor.data}/User/settings.json", "editor", user.name, editor.name))
            if machines or editor.name == CODE_SERVER:
                yield from _settings(machine, File(f"{editor.data}/Machine/settings.json", "editor-machine", user.name, editor.name))
    if machine.cwd and machine.caller:
        yield from _settings(machine, File(f"{machine.cwd}/.vscode/settings.json", "editor-workspace", machine.caller.name, None, machine.cwd))


def _settings(machine: Machine, file: File) -> Iterator[Any]:
    found = read_text(machine.tree, file.path)
    if isinstance(found, Gap):
        yield found
    elif found is not None:
        yield from document(machine, file, found.text)


def document(machine: Machine, file: File, text: str) -> Iterator[Any]:
    """The facts of one settings document of an editor, given as its text."""
    wanted = {ALLOWED, VARIABLES, WRAPPER, *KEYS, *(name for name in machine.keep if "." in name)}
    if "\\u" not in text and "claudeCode." not in text and not any(name in text for name in wanted):
        return  # an ordinary file has nothing to parse
    try:
        root = jsonc.parse(text)
    except jsonc.JsoncError as err:
        yield Gap(f"cannot be read as an editor's settings: {err.what}", Place(file.path, err.line, err.column))
        return
    lines = jsonc.Lines(text)
    members = ((name, member) for name, member in (root.members or {}).items() if name in wanted or name.startswith("claudeCode."))
    for name, member in islice(members, _MOST):
        place = Place(file.path, *lines.position(member.start))
        if name == VARIABLES:
            yield from _variables(machine, file, lines, text, member.node)
        yield _setting(machine, file, name, member.node.value, place)


def _setting(machine: Machine, file: File, name: str, value: JSON, place: Place) -> Setting:
    value = _kept(machine, name, value)
    told = redact.name(name)
    hidden = value == REDACTED or (isinstance(value, dict) and name != ALLOWED)
    shown = REDACTED if hidden else json.dumps(value, ensure_ascii=False)
    place = place._replace(text=f"{json.dumps(told, ensure_ascii=False)}: {shown if len(shown) <= 160 else shown[:159] + '…'}")
    return Setting((told,), value, file.scope, place, file.user, file.project, file.editor)


def _kept(machine: Machine, name: str, value: JSON) -> JSON:
    if name == ALLOWED:
        return _allowed(machine, value)
    if name == VARIABLES:
        return REDACTED
    if name == WRAPPER:
        plain = isinstance(value, str) and re.fullmatch(_PATH, value)
        return redact.setting((name,), value, frozenset((name,))) if plain or value in ("", None) else REDACTED
    return redact.setting((name,), value, machine.keep | KEYS)


def _allowed(machine: Machine, value: JSON) -> JSON:
    """What ``extensions.allowed`` says of the extensions that are read, and of their publishers."""
    if not isinstance(value, dict):
        return REDACTED
    spoken_of = {"anthropic.claude-code", *(name.lower() for name in machine.keep)}
    spoken_of |= {name.partition(".")[0] for name in spoken_of} | {"*"}
    kept: dict[str, JSON] = {}
    for name, said in value.items():
        if name.lower() in spoken_of:
            listed = isinstance(said, list) and len(said) <= 500 and all(isinstance(one, str) and re.fullmatch(_VERSION, one) for one in said)
            kept[name.lower()] = said if listed or isinstance(said, bool) or said == "stable" else REDACTED
    return kept


def _variables(machine: Machine, file: File, lines: jsonc.Lines, text: str, node: jsonc.Node) -> Iterator[Any]:
    """The entries of ``claudeCode.environmentVariables``, a list of names and values or an object of them."""
    if node.members is not None:
        entries = [(name, member.node.value, member.start) for name, member in islice(node.members.items(), _MOST)]
    else:
        entries, at = [], node.start
        for item in node.value[:_MOST] if isinstance(node.value, list) else ():
            name = item.get("name") if isinstance(item, dict) else None
            if isinstance(name, str):
                at = _named_at(text, name, at)
                entries.append((name, item.get("value"), at))
    for name, value, start in entries:
        if value is not None:
            yield from _variable(machine, file, name, value, Place(file.path, *lines.position(start)))
    if isinstance(node.value, (list, dict)) and len(node.value) > _MOST:
        yield Gap(f"sets more than {_MOST} variables, and what follows was not judged", Place(file.path))


def _named_at(text: str, name: str, at: int) -> int:
    """Where the entry of this name stands, soon after ``at``; else ``at``: an array's items have no position."""
    start, end, told = at, at + 2000, json.dumps(name, ensure_ascii=False)
    while (start := text.find(told, start, end)) >= 0:
        if re.search(r'"name"\s*:\s*$', text[max(at, start - 40) : start]):
            return start
        start += 1
    return at


def _variable(machine: Machine, file: File, name: str, value: JSON, place: Place) -> Iterator[Any]:
    kept = redact.variable(name, value, machine.keep)
    kept = kept if isinstance(kept, str) else REDACTED if isinstance(kept, (dict, list)) else json.dumps(kept)
    place = place._replace(text=f"{json.dumps(redact.name(name), ensure_ascii=False)}: {json.dumps(kept, ensure_ascii=False)[:160]}")
    if redact.concerns(name, machine.keep):
        yield Variable(redact.name(name), kept, "editor", place, file.user, file.project, file.editor)
    secret = name in SECRETS and kept == REDACTED
    if secret or redact.has_secret(kept):
        yield Credential(name if secret else "url", place, readable_by(machine.tree, file.path), file.user)


def _policy(machine: Machine) -> Iterator[Any]:
    if machine.os == "windows":
        yield from _registry(machine, None, f"HKLM\\{_KEY}")
        for user in machine.users:
            yield from _registry(machine, user.name, f"HKU\\{user.name}\\{_KEY}")
    elif machine.os == "macos":
        yield from _profile(machine, None, f"{PROFILES}/{_PLIST}")
        for user in machine.users:
            yield from _profile(machine, user.name, f"{PROFILES}/{user.name}/{_PLIST}")
    else:
        yield from _policy_file(machine)


def _policy_file(machine: Machine) -> Iterator[Any]:
    found = read_text(machine.tree, POLICY)
    if found is None or isinstance(found, Gap):
        yield from [found] if found else []
        return
    try:
        root = jsonc.parse(found.text, strict=True)
    except jsonc.JsoncError as err:
        yield Rejected(err.what, Place(POLICY, err.line, err.column), "editor-policy")
        return
    if root.members is None:
        yield Rejected("is not a JSON object", Place(POLICY, 1, 1), "editor-policy")
        return
    lines = jsonc.Lines(found.text)
    for name, member in root.members.items():
        yield from _said(machine, None, name, member.node.value, Place(POLICY, *lines.position(member.start)))


def _registry(machine: Machine, user: str | None, key: str) -> Iterator[Any]:
    try:
        values = machine.registry.values(key) if machine.registry else {}
    except Unreadable as err:
        yield Gap(str(err), Place(key))
        return
    for name, value in values.items():
        yield from _said(machine, user, name, value.data, value.place)


def _profile(machine: Machine, user: str | None, path: str) -> Iterator[Any]:
    from .macos_managed import preferences  # loaded on macOS alone

    said = preferences(machine, path)
    values = json.loads(said) if isinstance(said, str) else None
    if isinstance(values, dict):
        for name, value in values.items():
            yield from _said(machine, user, name, value, Place(path))
    elif said is not None:
        yield said if isinstance(said, Gap) else Gap("is no dictionary of settings", Place(path))


def _said(machine: Machine, user: str | None, policy: str, value: Any, place: Place) -> Iterator[Any]:
    """The setting that the policy ``policy`` of VS Code sets, its value as a text or as it is."""
    name = POLICIES.get(policy.lower())
    if name is None:
        return
    if name == ALLOWED and isinstance(value, str):
        try:
            value = jsonc.parse(value, strict=True).value
        except jsonc.JsoncError as err:
            yield Rejected(f"{policy} is not JSON: {err.what}", place, "editor-policy", user)
            return
    if name == "extensions.autoUpdate" and not isinstance(value, bool):
        value = {"0": False, "false": False, "1": True, "true": True}.get(str(value).lower(), value)
    yield _setting(machine, File(place.file, "editor-policy", user, "vscode"), name, value, place)
