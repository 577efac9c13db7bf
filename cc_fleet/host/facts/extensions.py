"""Editor extensions: VS Code, Cursor, Windsurf and VSCodium, on the desktop and their remote servers.

``extensions.json`` is the authority on what an editor runs (facts/claude-code.md 4).  A
folder that it does not name is a leftover: the editor deletes it at its next start if
``.obsolete`` says so, and brings the highest one back if ``extensions.json`` is lost
(facts/enforcement.md B, measured).
"""

from __future__ import annotations

import json
import re
from typing import Any, Iterator

from ...model import Gap, Install, Place
from .. import jsonc, redact
from ..machine import Machine, User
from ..text import Text, read_folder, read_text
from ..tree import Missing, Unreadable

CLAUDE = "anthropic.claude-code"
EDITORS = {
    ".vscode": "vscode", ".vscode-insiders": "vscode-insiders", ".vscode-server": "vscode-server",
    ".vscode-server-insiders": "vscode-server-insiders", ".vscode-oss": "vscodium", ".vscodium": "vscodium",
    ".vscodium-server": "vscodium-server", ".cursor": "cursor", ".cursor-server": "cursor-server",
    ".windsurf": "windsurf", ".windsurf-server": "windsurf-server",
}  # fmt: skip
WANTS = (
    "~/.*/extensions", "~/.*/extensions/extensions.json", "~/.*/extensions/.obsolete",
    "~/.*/extensions/*/resources/native-binary/claude",
)  # fmt: skip
_FOLDER = re.compile(
    r"(?P<id>[a-z0-9][\w-]*\.[\w-]+?)-(?P<version>\d+\.\d+\.\d+)(?:-(?P<platform>(?:linux|darwin|win32|alpine|web)[\w-]*))?",
    re.IGNORECASE,
)


def read(machine: Machine) -> Iterator[Any]:
    wanted = {CLAUDE} | {name.lower() for name in machine.keep if re.fullmatch(r"[\w-]+\.[\w-]+", name)}
    for user in machine.users:
        for folder, editor in EDITORS.items():
            yield from _editor(machine, user, f"{user.home}/{folder}/extensions", editor, wanted)


def _editor(machine: Machine, user: User, root: str, editor: str, wanted: set[str]) -> Iterator[Any]:
    names = read_folder(machine.tree, root)
    if isinstance(names, Gap):
        yield names
        return
    copies = [(name, found) for name in names if (found := _FOLDER.fullmatch(name)) and found["id"].lower() in wanted]
    if not copies:
        return
    known = _registry(machine, root, wanted)
    registry, nobody = ({}, None) if isinstance(known, Gap) else (known, ())
    if isinstance(known, Gap):
        yield known
    going = _obsolete(machine, root)
    for name, found in copies:
        entry = registry.get(name.lower())
        place = Place(f"{root}/{name}") if entry is None else entry.place(root, name)
        yield Install(
            found["id"].lower(), entry.version if entry else found["version"], editor, place,
            (user.name,) if entry else nobody, user.name, True,
            "marked for removal at the next start" if name in going and entry is None else None,
            entry.pinned if entry else None, platform=found["platform"],
        )  # fmt: skip
        if entry is not None and found["id"].lower() == CLAUDE:
            yield from _bundled(machine, user, f"{root}/{name}", entry.version, editor)


class _Entry:
    """An extension that ``extensions.json`` names."""

    def __init__(self, version: str, pinned: bool, text: str) -> None:
        self.version, self.pinned, self._text = version, pinned, text

    def place(self, root: str, folder: str) -> Place:
        """Where ``extensions.json`` names the folder."""
        at = self._text.lower().find(f'"{folder.lower()}"')
        return Place(f"{root}/extensions.json", *(jsonc.position(self._text, at) if at >= 0 else ()))


def _registry(machine: Machine, root: str, wanted: set[str]) -> dict[str, _Entry] | Gap:
    """The entries of ``extensions.json`` by their folder, in small letters."""
    path = f"{root}/extensions.json"
    found = read_text(machine.tree, path)
    if found is None:
        return Gap("is missing, so which extension the editor runs is not known", Place(path))
    if isinstance(found, Gap):
        return found
    try:
        entries = json.loads(found.text)
        return {folder: entry for item in entries for folder, entry in _entry(found.text, item, wanted)}
    except (ValueError, TypeError, AttributeError, RecursionError):
        return Gap("is not a list of extensions, so the editor runs none", Place(path))


def _entry(text: str, item: Any, wanted: set[str]) -> Iterator[tuple[str, _Entry]]:
    identifier, version = item.get("identifier"), item.get("version")
    if not isinstance(identifier, dict) or not isinstance(version, str) or redact.name(version) != version or not version.isprintable():
        return
    if str(identifier.get("id")).lower() not in wanted:
        return
    metadata, location = item.get("metadata"), item.get("location")
    folder = item.get("relativeLocation")
    if not isinstance(folder, str):
        path = location.get("path") if isinstance(location, dict) else location
        folder = str(path).rstrip("/").rpartition("/")[2]
    yield folder.lower(), _Entry(version, isinstance(metadata, dict) and metadata.get("pinned") is True, text)


def _obsolete(machine: Machine, root: str) -> set[str]:
    found = read_text(machine.tree, f"{root}/.obsolete", 1024 * 1024)
    try:
        names = json.loads(found.text) if isinstance(found, Text) else {}
        return {name for name, going in names.items() if going is True}
    except (ValueError, AttributeError, RecursionError):
        return set()


def _bundled(machine: Machine, user: User, folder: str, version: str, editor: str) -> Iterator[Install]:
    """The CLI that the extension brings; it runs this one, not the one in PATH."""
    path = f"{folder}/resources/native-binary/claude"
    try:
        size = machine.tree.stat(path).size
    except (Missing, Unreadable):
        return
    yield Install(
        "cli", version, "bundled", Place(path), (), user.name, size > 0,
        None if size else "is empty", bundled_in=f"{CLAUDE} in {editor}",
    )  # fmt: skip
