"""Whether an editor may update an extension by itself: ``metadata.pinned`` of its entry in ``extensions.json``, and no other byte.

Args: ``folder`` (of the editor's extensions), ``id``, ``version``, ``pinned``.

The editor keeps that file in memory and writes it when it likes, so it is postponed while the editor runs.
"""

from __future__ import annotations

from typing import Mapping

from ...model import JSON
from .. import registered, running
from ..change import Preview, Refused
from ..registered import Entry, Registered
from ..site import Site


def preview(site: Site, args: Mapping[str, JSON]) -> Preview:
    found, entries, value = _found(site, args)
    version = entries[0].version
    now = all(entry.pinned for entry in entries) if value else any(entry.pinned for entry in entries)
    states = {flag: f"{'pinned' if flag else 'not pinned'}, {version}" for flag in (True, False)}
    if now == value:
        return Preview({found.path: states[value]}, {found.path: states[value]})
    site.pretend(found.path, registered.pinned(found, entries, value))
    return Preview({found.path: states[now]}, {found.path: states[value]}, tuple(f"{mark} {args['id']} {states[flag]}" for mark, flag in (("-", now), ("+", value))))


def apply(site: Site, args: Mapping[str, JSON]) -> None:
    found, entries, value = _found(site, args)
    if all(entry.pinned is value for entry in entries):
        return
    root = found.path.rpartition("/")[0]
    editor = registered.editor(site, root)
    open_ = running.opened(site.os, site.user, [editor]) if site.live else []
    if open_:
        raise Refused(f"postponed: close {editor} first (pid {open_[0].pid}): it writes {found.path} itself while it runs")
    site.write(found.path, registered.pinned(found, [entry for entry in entries if entry.pinned is not value], value))


def _found(site: Site, args: Mapping[str, JSON]) -> tuple[Registered, list[Entry], bool]:
    """The file, the extension's entries in it, and what they should say."""
    root, id_, version, value = (args.get(name) for name in ("folder", "id", "version", "pinned"))
    if not isinstance(root, str) or not isinstance(id_, str) or not isinstance(value, bool):
        raise Refused("the plan names no extension to pin")
    found = registered.read(site, f"{root.rstrip('/')}/extensions.json")
    entries = found.entries(id_)
    if not entries:
        raise Refused(f"{found.path}: names no {id_}, so there is nothing to pin")
    other = next((entry.version for entry in entries if entry.version != version), None)
    if other is not None:
        raise Refused(f"{found.path}: names {id_} {other}, and the plan was made for {version}; plan again")
    return found, entries, value
