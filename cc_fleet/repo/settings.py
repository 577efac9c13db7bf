"""Settings that are committed: a project's, those that an administrator will roll out, and an editor's.

**Files**: `.claude/settings.json` and `.claude/settings.local.json` in any folder, `managed-settings*.json` and
`managed-settings.d/*.json` anywhere, profiles of macOS (`*.mobileconfig`, also signed ones, and
`com.anthropic.claudecode.plist`) with the domain `com.anthropic.claudecode`, `.vscode/settings.json`. Of
templates (`.tpl`, `.j2`, `.tmpl` …, a folder `templates`) what stands there without their expressions; a value
that an expression gives is not known, and a template that is no JSON without them is told as not readable.

A project's settings count for whoever works in that folder, so also for the CI jobs of the repository's
root; managed ones for nobody, until an image copies them to where Claude Code asks for them.
`.vscode/extensions.json` recommends extensions without a version: nothing there can be judged.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from cc_fleet.host.facts.settings import File
from cc_fleet.model import Credential, Gap, Place, Setting
from cc_fleet.repo import Repository
from cc_fleet.repo.reading import exposed, settings

DOMAIN = "com.anthropic.claudecode"
# Read whatever words they hold.
ANYWAY = True
_JSON = ("**/.claude/settings.json", "**/.claude/settings.local.json", "managed-settings*.json", "**/managed-settings.d/*.json")
WANTS = (
    *_JSON, *(f"{name}{suffix}" for name in _JSON for suffix in settings.SUFFIXES),
    "*.mobileconfig", f"{DOMAIN}*.plist", "**/.vscode/settings.json",
)  # fmt: skip
_PROFILE = 2 * 1024 * 1024


def read(repository: Repository, file: str) -> Iterator[Any]:
    folder, _, name = file.rpartition("/")
    if file.endswith((".mobileconfig", ".plist")):
        yield from _profile(repository, file)
    elif f"/{folder}".endswith("/.vscode"):
        yield from _editor(repository, file, _project(folder, ".vscode"))
    elif f"/{folder}".endswith("/managed-settings.d"):
        above = folder.rpartition("managed-settings.d")[0]
        yield from settings.facts(repository, file, "drop-in", f"{above}managed-settings.json")
    elif name.startswith("managed-settings"):
        yield from settings.facts(repository, file, "managed", file)
    else:
        scope = "local" if name.startswith("settings.local.") else "project"
        yield from settings.facts(repository, file, scope, None, _project(folder, ".claude"))


def _project(folder: str, own: str) -> str:
    """The project's folder, ``.`` where that is the repository's."""
    return folder[: -len(own)].rstrip("/") or "."


def _editor(repository: Repository, file: str, project: str) -> Iterator[Any]:
    from cc_fleet.host.facts import editor_settings

    text = repository.text(file) or ""
    about = editor_settings.File(file, "editor-workspace", None, None, project)
    for fact in editor_settings.document(settings.machine(repository), about, text):
        if not isinstance(fact, Credential):
            yield fact
        elif _written_as_secret(text, fact):
            yield fact._replace(readable_by="everyone")


def _written_as_secret(text: str, found: Credential) -> bool:
    """Whether what stands at the place of a variable is a secret itself; it is not told apart from what follows on its line."""
    line = text.split("\n")[(found.place.line or 1) - 1][(found.place.column or 1) - 1 :]
    values = re.findall(r'"((?:[^"\\]|\\.){0,2000})"', line)
    return any(exposed.is_secret(value) for value in values[1:]) or len(values) < 2


def _profile(repository: Repository, file: str) -> Iterator[Any]:
    from cc_fleet.host import plist
    from cc_fleet.host.tree import Missing, Unreadable

    text = repository.text(file) or ""
    if DOMAIN not in text and not file.endswith(".plist"):
        return
    try:
        data = repository.tree.read(f"/{file}", _PROFILE)
    except (Missing, Unreadable):
        return
    if len(data) > _PROFILE:
        yield Gap(f"is larger than {_PROFILE // 1024**2} MiB", Place(file))
        return
    start, end = data.find(b"<?xml"), data.rfind(b"</plist>")
    try:
        root = plist.loads(data[start : end + len(b"</plist>")] if 0 <= start < end else data)
    except Exception as err:  # noqa: BLE001  # plistlib raises whatever a broken file makes it: Value, Overflow, Expat, Recursion …
        line = getattr(err, "lineno", None)  # expat's
        before = data[: max(start, 0)].count(b"\n")
        yield Gap("is no property list, or was cut short", Place(file) if line is None else Place(file, before + line, getattr(err, "offset", 0) + 1))
        return
    about = File(file, "plist", file, None, 0)
    for said in _payloads(root, whole=file.endswith(".plist")):
        document = json.dumps(said, default=lambda _: "", skipkeys=True)
        for fact in settings.told(repository, about, settings.whole(document)):
            yield _placed(fact, text)


def _payloads(root: Any, *, whole: bool) -> Iterator[dict[str, Any]]:
    """The settings in a profile: payloads of the domain itself, and of managed preferences."""
    content = root.get("PayloadContent") if isinstance(root, dict) else None
    if isinstance(root, dict) and whole and content is None:
        yield root
    for payload in content if isinstance(content, list) else ():
        kind = payload.get("PayloadType") if isinstance(payload, dict) else None
        if kind == DOMAIN:
            yield {name: value for name, value in payload.items() if not str(name).startswith("Payload")}
        elif kind == "com.apple.ManagedClient.preferences":
            yield from _preferences(payload.get("PayloadContent"))


def _preferences(content: Any) -> Iterator[dict[str, Any]]:
    domain = content.get(DOMAIN) if isinstance(content, dict) else None
    for entries in domain.values() if isinstance(domain, dict) else ():
        for entry in entries if isinstance(entries, list) else ():
            said = entry.get("mcx_preference_settings") if isinstance(entry, dict) else None
            if isinstance(said, dict):
                yield said


def _placed(fact: Any, text: str) -> Any:
    """``fact`` at its key in the XML, by the key's name; one of two that are alike is as good as the other."""
    name = fact.key[-1] if isinstance(fact, Setting) else fact.kind if isinstance(fact, Credential) else ""
    found = re.search(rf"<key>\s*{re.escape(name)}\s*</key>", text) if name else None
    if found is None:
        return fact
    line = text.count("\n", 0, found.start()) + 1
    return fact._replace(place=fact.place._replace(line=line, column=found.start() - text.rfind("\n", 0, found.start())))
