"""What an editor's ``extensions.json`` names and its ``.obsolete`` marks, as changes read and edit them.

``extensions.json`` is the authority on what the editor runs; one that is not strict JSON, or no list, makes it run none
(facts/enforcement.md B), so nothing is done to such a file.  Edits are splices: what is not edited keeps its bytes.
``.obsolete`` names folders that the editor deletes at its next start. It is written late and not whole (measured:
code-server ends before it has written it, and leaves it empty or not there at all), so nothing relies on it.
"""

from __future__ import annotations

import json
from typing import Any, Mapping, Optional

from ..model import JSON, REDACTED
from ..records import NamedTuple
from . import jsonc, redact
from .change import Refused
from .facts import extensions
from .jsonc import Node
from .layout import LAYOUTS
from .site import Site

_LIMIT = 4 * 1024 * 1024
_PROFILES = 40


class Entry(NamedTuple):
    """One extension that the file names, and where it stands in it."""

    version: str
    folder: str
    pinned: bool
    node: Node


class Registered(NamedTuple):
    """An ``extensions.json``; ``text`` is None where there is no such file."""

    path: str
    text: Optional[str]
    items: tuple[Node, ...] = ()

    def entries(self, id_: str) -> list[Entry]:
        """Those of one extension: an editor writes one, in whatever case."""
        found = []
        for node in self.items:
            item = node.value
            identifier = item.get("identifier") if isinstance(item, dict) else None
            version = item.get("version") if isinstance(item, dict) else None
            if isinstance(identifier, dict) and str(identifier.get("id")).lower() == id_.lower() and isinstance(version, str):
                found.append(Entry(shown(version), extensions.folder_of(item), _is_pinned(item), node))
        return found

    def names(self, folder: str) -> bool:
        """Whether any extension is said to lie in this folder."""
        return any(isinstance(node.value, dict) and extensions.folder_of(node.value).lower() == folder.lower() for node in self.items)


def shown(version: str) -> str:
    """A version as it may be shown: somebody else wrote it."""
    return version if version.isprintable() and redact.name(version) == version else REDACTED


def _is_pinned(item: Mapping[str, Any]) -> bool:
    metadata = item.get("metadata")
    return isinstance(metadata, dict) and metadata.get("pinned") is True


def read(site: Site, path: str) -> Registered:
    """The file at ``path``.  Refused where the editor itself could not read it."""
    data = site.read(path, _LIMIT)
    if data is None:
        return Registered(path, None)
    try:
        text = data.decode("utf-8")
        root = jsonc.parse(text, strict=True, spans=True)
    except UnicodeDecodeError:
        raise Refused(f"{path}: is not UTF-8, so the editor runs no extension; close it, move the file away and start it again") from None
    except jsonc.JsoncError as err:
        raise Refused(f"{path}:{err.line}:{err.column}: {err.what}, so the editor runs no extension; close it, move the file away and start it again") from None
    if root.items is None:
        raise Refused(f"{path}: is not a list of extensions, so the editor runs none; close it, move the file away and start it again")
    return Registered(path, text, root.items)


def pinned(found: Registered, entries: list[Entry], value: bool) -> bytes:
    """The file with ``metadata.pinned`` of these entries set to ``value``, and every other byte as it is."""
    text = found.text or ""
    for entry in sorted(entries, key=lambda one: one.node.start, reverse=True):
        members = entry.node.members or {}
        metadata = members.get("metadata")
        if metadata is None:
            text = _added(text, entry.node, f'"metadata":{{"pinned":{_word(value)}}}')
        elif metadata.node.members is None:
            text = _replaced(text, metadata.node, f'{{"pinned":{_word(value)}}}')
        elif "pinned" in metadata.node.members:
            text = _replaced(text, metadata.node.members["pinned"].node, _word(value))
        else:
            text = _added(text, metadata.node, f'"pinned":{_word(value)}')
    return text.encode()


def _word(value: bool) -> str:
    return "true" if value else "false"


def _replaced(text: str, node: Node, by: str) -> str:
    return f"{text[: node.start]}{by}{text[node.end :]}"


def _added(text: str, into: Node, member: str) -> str:
    """A new last member of an object, set apart as its last one is."""
    members = list((into.members or {}).values())
    if not members:
        return f"{text[: into.start + 1]}{member}{text[into.start + 1 :]}"
    last = max(members, key=lambda one: one.start)
    gap = text[len(text[: last.start].rstrip(" \t\r\n")) : last.start]
    colon = ": " if text[last.start : last.node.start].endswith(": ") else ":"
    return f"{text[: last.node.end]},{gap}{member.replace(':', colon)}{text[last.node.end :]}"


def with_version(found: Registered, id_: str, version: str, folder: str) -> bytes:
    """About what the editor will write when it has installed this version; previews go on from it."""
    entry: dict[str, JSON] = {"identifier": {"id": id_}, "version": version, "relativeLocation": folder, "metadata": {}}
    own = [one.node for one in found.entries(id_)]
    kept = [node.value for node in found.items if node not in own]
    return json.dumps([*kept, entry]).encode()


def marks(site: Site, root: str) -> Optional[dict[str, JSON]]:
    """What ``.obsolete`` marks; None where that cannot be told."""
    data = site.read(f"{root}/.obsolete", _LIMIT)
    try:
        found = json.loads(data.decode("utf-8").lstrip("\ufeff")) if data is not None and data.strip() else {}
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def unmark(site: Site, root: str, folder: str) -> None:
    """Take the folder's mark out of ``.obsolete``; an editor that marks nothing has no such file."""
    found = marks(site, root)
    kept = {name: value for name, value in (found or {}).items() if name.lower() != folder.lower()}
    if found is None or kept == found:
        return
    if kept:
        site.write(f"{root}/.obsolete", json.dumps(kept, separators=(",", ":"), ensure_ascii=False).encode())
    else:
        site.remove(f"{root}/.obsolete")


def runs(site: Site, root: str, folder: str) -> Optional[str]:
    """The file by which the editor, in any of its profiles, runs what lies in this folder; None where none names it."""
    for path in (f"{root}/extensions.json", *_profiles(site, root)):
        if read(site, path).names(folder):
            return path
    return None


def _profiles(site: Site, root: str) -> list[str]:
    editor = extensions.editor_of(root, site.home or "", LAYOUTS.get(site.os, LAYOUTS["linux"]))
    above = f"{editor.data}/User/profiles" if editor is not None else ""
    names = site.names(above) if above else None
    if names is not None and len(names) > _PROFILES:
        raise Refused(f"{above}: holds more than {_PROFILES} profiles, and any of them may run what lies in {root}")
    return [f"{above}/{name}/extensions.json" for name in names or ()]


def editor(site: Site, root: str) -> str:
    """What the editor is called whose extensions lie in ``root``."""
    found = extensions.editor_of(root, site.home or "", LAYOUTS.get(site.os, LAYOUTS["linux"]))
    return found.name if found is not None else "the editor"
