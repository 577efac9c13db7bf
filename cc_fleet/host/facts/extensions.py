"""Editor extensions: VS Code and its forks, on the desktop, their remote servers, and code-server.

Only a home that has the editor's own folder (``~/.vscode``) is looked at further: a home without
editors costs two listings.  ``extensions.json`` is the authority on what an editor runs
(facts/claude-code.md 4).  A folder that it does not name is a leftover: the editor deletes it at
its next start if ``.obsolete`` says so, and brings the highest one back if ``extensions.json`` is
lost (facts/enforcement.md B, measured).  A profile has an ``extensions.json`` of its own below
``User/profiles``, which names folders of the same place (that path is conventional, not
measured): what any profile names, the editor runs.
"""

from __future__ import annotations

import json
import re
from typing import Any, Iterator

from ...model import Gap, Install, Place
from ...records import NamedTuple
from .. import jsonc, redact
from ..layout import Layout, find
from ..machine import Machine, User
from ..text import Text, read_folder, read_text
from ..tree import Missing, Unreadable

CLAUDE = "anthropic.claude-code"
# The folder in the home: the editor, and its folder where programs keep a user's settings.
_DESKTOP = {
    ".vscode": ("vscode", "Code"), ".vscode-insiders": ("vscode-insiders", "Code - Insiders"),
    ".vscode-oss": ("vscodium", "VSCodium"), ".vscodium": ("vscodium", "VSCodium"),
    ".cursor": ("cursor", "Cursor"), ".windsurf": ("windsurf", "Windsurf"),
    ".antigravity": ("antigravity", "Antigravity"), ".antigravity-ide": ("antigravity", "Antigravity"),
}  # fmt: skip
SERVERS = {
    ".vscode-server": "vscode-server", ".vscode-server-insiders": "vscode-server-insiders", ".vscode-remote": "vscode-remote",
    ".vscodium-server": "vscodium-server", ".cursor-server": "cursor-server", ".windsurf-server": "windsurf-server",
    ".antigravity-server": "antigravity-server",
}  # fmt: skip
CODE_SERVER = "code-server"
EDITORS = ("~", "~/*/code-server", "~/*/code-server/Data")
WANTS = (
    *EDITORS, "~/*/extensions", "~/*/extensions/extensions.json", "~/*/extensions/.obsolete",
    "~/*/extensions/*/resources/native-binary/claude", "~/*/extensions/*/resources/native-binary/claude.exe",
    "~/*/User/profiles", "~/*/User/profiles/*/extensions.json",
)  # fmt: skip
FOLDER = re.compile(
    r"(?P<id>[a-z0-9][\w-]*\.[\w-]+?)-(?P<version>\d+\.\d+\.\d+)(?:-(?P<platform>(?:linux|darwin|win32|alpine|web)[\w-]*))?",
    re.IGNORECASE,
)


_PROFILES = 40


class Editor(NamedTuple):
    """An editor of a user: the folder of its extensions, and that of its data (``User``, ``Machine``)."""

    name: str
    extensions: str
    data: str


def read(machine: Machine) -> Iterator[Any]:
    wanted = {CLAUDE} | {name.lower() for name in machine.keep if re.fullmatch(r"[\w-]+\.[\w-]+", name)}
    for user in machine.users:
        for editor in editors(machine, user):
            yield from [editor] if isinstance(editor, Gap) else _editor(machine, user, editor, wanted)


def editors(machine: Machine, user: User) -> Iterator[Editor | Gap]:
    """The editors that ``user`` has."""
    names = read_folder(machine.tree, user.home)
    if isinstance(names, Gap):
        yield names
        return
    present = set(names) if machine.os == "linux" else {name.lower() for name in names}
    home, config, data = (folder.replace("~", user.home, 1) for folder in ("~", machine.layout.config, machine.layout.data))
    for folder, (name, product) in _DESKTOP.items():
        if folder in present:
            yield Editor(name, f"{home}/{folder}/extensions", f"{config}/{product}")
    for folder, name in SERVERS.items():
        if folder in present:
            yield Editor(name, f"{home}/{folder}/extensions", f"{home}/{folder}/data")
    own = f"{data}/code-server/Data" if machine.os == "windows" else f"{data}/code-server"
    names = read_folder(machine.tree, own)
    if isinstance(names, Gap):
        yield names
    elif names:
        yield Editor(CODE_SERVER, f"{own}/extensions", own)


def _editor(machine: Machine, user: User, editor: Editor, wanted: set[str]) -> Iterator[Any]:
    root = editor.extensions
    names = read_folder(machine.tree, root)
    if isinstance(names, Gap):
        yield names
        return
    copies = [(name, found) for name in names if (found := FOLDER.fullmatch(name)) and found["id"].lower() in wanted]
    if not copies:
        return
    path = f"{root}/extensions.json"
    known = _registry(machine, path, wanted)
    if known is None:
        known = Gap("is missing, so which extension the editor runs is not known", Place(path))
    registry, nobody = ({}, None) if isinstance(known, Gap) else (known, ())
    if isinstance(known, Gap):
        yield known
    for more in _profiles(machine, editor, wanted):
        if isinstance(more, Gap):
            yield more
        else:
            registry = {**more, **registry, **{name: registry[name].and_(more[name]) for name in registry if name in more}}
    going = _obsolete(machine, root)
    for name, found in copies:
        entry = registry.get(name.lower())
        yield Install(
            found["id"].lower(), entry.version if entry else found["version"], editor.name, entry.place(name) if entry else Place(f"{root}/{name}"),
            (user.name,) if entry else nobody, user.name, True,
            "marked for removal at the next start" if name.lower() in going and entry is None else None,
            entry.pinned if entry else None, platform=found["platform"],
        )  # fmt: skip
        if entry is not None and found["id"].lower() == CLAUDE:
            yield from _bundled(machine, user, f"{root}/{name}", entry.version, editor.name)


class _Entry:
    """An extension that the ``extensions.json`` at ``path`` names."""

    def __init__(self, version: str, pinned: bool, path: str, text: str) -> None:
        self.version, self.pinned, self._path, self._text = version, pinned, path, text

    def place(self, folder: str) -> Place:
        """Where that file names the folder."""
        at = next((at for mark in ('"', "/") if (at := self._text.lower().find(f'{mark}{folder.lower()}"')) >= 0), -1)
        return Place(self._path, *(jsonc.position(self._text, at) if at >= 0 else ()))

    def and_(self, other: _Entry) -> _Entry:
        """The same folder, named by two files: it is held only where both hold it."""
        return self if not self.pinned or other.pinned else other


def _profiles(machine: Machine, editor: Editor, wanted: set[str]) -> Iterator[dict[str, _Entry] | Gap]:
    """What each of the editor's profiles names; one that names nothing of its own has no file."""
    for number, path in enumerate(find(machine.tree, f"{editor.data}/User/profiles/*/extensions.json")):
        if number == _PROFILES:
            yield Gap(f"holds more than {_PROFILES} profiles, and the others were not read", Place(f"{editor.data}/User/profiles"))
            return
        known = path if isinstance(path, Gap) else _registry(machine, path, wanted)
        if known is not None:
            yield known


def _registry(machine: Machine, path: str, wanted: set[str]) -> dict[str, _Entry] | Gap | None:
    """The entries of an ``extensions.json`` by their folder, in small letters; None where there is no such file."""
    found = read_text(machine.tree, path)
    if found is None or isinstance(found, Gap):
        return found
    try:
        entries = json.loads(found.text.lstrip("\ufeff"))
        if isinstance(entries, list):
            return {folder: entry for item in entries for folder, entry in _entry(path, found.text, item, wanted)}
    except (ValueError, AttributeError, RecursionError):
        pass
    return Gap("is not a list of extensions, so the editor runs none", Place(path))


def _entry(path: str, text: str, item: Any, wanted: set[str]) -> Iterator[tuple[str, _Entry]]:
    identifier, version = item.get("identifier"), item.get("version")
    if not isinstance(identifier, dict) or not isinstance(version, str) or redact.name(version) != version or not version.isprintable():
        return
    if str(identifier.get("id")).lower() not in wanted:
        return
    metadata = item.get("metadata")
    yield folder_of(item).lower(), _Entry(version, isinstance(metadata, dict) and metadata.get("pinned") is True, path, text)


def folder_of(item: dict[str, Any]) -> str:
    """The folder that an entry of ``extensions.json`` names."""
    folder, location = item.get("relativeLocation"), item.get("location")
    if isinstance(folder, str):
        return folder
    where = location.get("path") if isinstance(location, dict) else location
    return str(where).replace("\\", "/").rstrip("/").rpartition("/")[2]


def editor_of(root: str, home: str, layout: Layout) -> Editor | None:
    """The editor whose extensions lie in ``root``, by that folder's place; None where it is no editor's that is known."""
    base = root.rpartition("/")[0]
    folder = base.rpartition("/")[2]
    if folder in _DESKTOP:
        name, product = _DESKTOP[folder]
        return Editor(name, root, f"{layout.config.replace('~', home, 1)}/{product}")
    if folder in SERVERS:
        return Editor(SERVERS[folder], root, f"{base}/data")
    return Editor(CODE_SERVER, root, base) if folder == CODE_SERVER else None


def _obsolete(machine: Machine, root: str) -> set[str]:
    found = read_text(machine.tree, f"{root}/.obsolete", 1024 * 1024)
    try:
        names = json.loads(found.text.lstrip("\ufeff")) if isinstance(found, Text) else {}
        return {name.lower() for name, going in names.items() if going is True}
    except (ValueError, AttributeError, RecursionError):
        return set()


def _bundled(machine: Machine, user: User, folder: str, version: str, editor: str) -> Iterator[Install]:
    """The CLI that the extension brings; it runs this one, not the one in PATH."""
    path = f"{folder}/resources/native-binary/claude{'.exe' if machine.os == 'windows' else ''}"
    try:
        size = machine.tree.stat(path).size
    except (Missing, Unreadable):
        return
    yield Install(
        "cli", version, "bundled", Place(path), (), user.name, size > 0,
        None if size else "is empty", bundled_in=f"{CLAUDE} in {editor}",
    )  # fmt: skip
