"""What lies in the way is moved out of it: an extension's old folder, a dead file, a program that hides the one that is meant.

Args: ``path``; ``holds``, what it must be: a state (``sha256:…``, ``link TARGET``, ``empty``) or a text with the version in it, which is
compared where what stands there says its own ("": anything); ``while_open``, names of programs or editors that must not run meanwhile.

It is moved aside, and rollback brings it back. What an editor runs, in any of its profiles, is no leftover. With an extension's folder goes
its mark in ``.obsolete``. A folder is told by its package.json, and by how many files it has.
"""

from __future__ import annotations

import json
import os
import re
import stat as st
from typing import Mapping, Optional

from ...model import JSON
from .. import files, registered, running
from ..change import Preview, Refused
from ..facts import extensions
from ..site import Site

_COUNTED, _ABOUT = 100_000, 1024 * 1024
_CLI = "/node_modules/@anthropic-ai/claude-code"
_VERSION = re.compile(r"\d+\.\d+\.\d+[\w.+-]*")
_STORED = re.compile(r"/claude/versions/(\d+\.\d+\.\d+[\w.-]*)$")


def preview(site: Site, args: Mapping[str, JSON]) -> Preview:
    path = _path(site, args)
    now = _state(site, path)
    if now == files.ABSENT:
        return Preview({path: now}, {path: now})
    _check(site, path, now, str(args.get("holds") or ""))
    return Preview({path: now}, {path: files.ABSENT}, (f"- {path} ({now})",))


def apply(site: Site, args: Mapping[str, JSON]) -> None:
    path, names = _path(site, args), args.get("while_open")
    now = _state(site, path)
    if now == files.ABSENT:
        return
    _check(site, path, now, str(args.get("holds") or ""))
    open_ = running.opened(site.os, site.user, [str(name) for name in names]) if site.live and isinstance(names, list) else []
    if open_:
        raise Refused(f"postponed: close {open_[0].what} first (pid {open_[0].pid}): it may use {path}")
    if _root(path) is not None:
        registered.unmark(site, *_split(path))
    site.remove(path)


def _path(site: Site, args: Mapping[str, JSON]) -> str:
    path = args.get("path")
    if not isinstance(path, str) or not path.startswith("/") or ".." in path.split("/") or len(_split(path)[0]) < 2:
        raise Refused("the plan names nothing that may be removed")
    path = path.rstrip("/")
    if site.home is not None and f"{site.home}/".startswith(f"{path}/"):
        raise Refused(f"{path}: is a home, and is not removed")
    return path


def _split(path: str) -> tuple[str, str]:
    folder, _, name = path.rstrip("/").rpartition("/")
    return folder, name


def _root(path: str) -> Optional[str]:
    """The folder of an editor's extensions, where ``path`` is one of them."""
    folder, name = _split(path)
    return folder if folder.endswith("/extensions") and extensions.FOLDER.fullmatch(name) else None


def _check(site: Site, path: str, now: str, holds: str) -> None:
    """Refused where it is another thing than was meant, or the editor runs it."""
    if not _fits(now, holds):
        raise Refused(f"{path}: is {now}, and the plan was made for {holds}; plan again")
    root = _root(path)
    if root is None:
        return
    if site.state(f"{root}/extensions.json") == files.ABSENT:
        raise Refused(f"{root}/extensions.json: is missing, so which extension the editor runs is not known; start the editor once")
    by = registered.runs(site, root, _split(path)[1])
    if by is not None:
        raise Refused(f"{path}: {by} names it, so {registered.editor(site, root)} runs it; it is no leftover")


def _fits(now: str, holds: str) -> bool:
    """Whether what is there can be what was meant; of what does not say its version the digest must do."""
    if holds == "empty" or holds.startswith(("sha256:", "link ")):
        return holds in (now, *now.split(", "), now.partition(" (")[2][:-1])
    asked, found = _VERSION.search(holds), now.split(" ") if now.startswith("version ") else None
    return asked is None or found is None or asked[0] == found[1]


def _state(site: Site, path: str) -> str:
    """What stands there, in words: the version first, where it is a copy of something that has one."""
    with site.spot(path, follow=False) as spot:
        found = files.look(spot.folder, spot.name) if spot.folder is not None else None
        if found is None or spot.folder is None:
            return files.ABSENT
        if st.S_ISDIR(found.st_mode):
            opened = os.open(spot.name, files.FOLDERS, dir_fd=spot.folder)
            try:
                what = f"folder of {_size(opened)}"
            finally:
                os.close(opened)
            package = _package(site, f"{path}{_CLI}") or _package(site, path)
            return f"version {package[1]} ({package[0]}, {what})" if package else what
        if not st.S_ISREG(found.st_mode) and not st.S_ISLNK(found.st_mode):
            raise Refused(f"{path}: is no file, folder or link")
        target = os.readlink(spot.name, dir_fd=spot.folder) if st.S_ISLNK(found.st_mode) else None
        what = _file(spot.folder, spot.name, found) if target is None else f"link {target}"
    version = _version(site, os.path.normpath(os.path.join(_split(path)[0], target or path)))
    return f"version {version} ({what})" if version else what


def _version(site: Site, program: str) -> Optional[str]:
    """The version of a Claude Code's program, by the place where it lies."""
    stored = _STORED.search(program)
    if stored is not None:
        return stored[1]
    package = _package(site, f"{program.partition(f'{_CLI}/')[0]}{_CLI}") if f"{_CLI}/" in program else None
    return package[1] if package else None


def _file(folder: int, name: str, found: os.stat_result) -> str:
    if not found.st_size:
        return f"empty, {files.digest(b'')}"
    if found.st_size <= files.LIMIT:
        return files.state(folder, name)
    return f"file of {found.st_size} bytes, changed {found.st_mtime_ns}"


def _package(site: Site, path: str) -> Optional[tuple[str, str]]:
    """Name and version of the package or extension that the folder holds."""
    try:
        data = site.read(f"{path}/package.json", _ABOUT)
        about = json.loads(data) if data is not None else None
    except (Refused, ValueError, RecursionError):
        return None
    name, version, publisher = (about.get(key) if isinstance(about, dict) else None for key in ("name", "version", "publisher"))
    if not isinstance(name, str) or not isinstance(version, str):
        return None
    name = f"{publisher}.{name}".lower() if isinstance(publisher, str) else name
    return registered.shown(name), registered.shown(version).replace(" ", "_")


def _size(folder: int) -> str:
    """How many files an open folder holds, and their bytes; of very many, that there are."""
    count, total, todo = 0, 0, [""]
    while todo and count < _COUNTED:
        at = todo.pop()
        opened = os.open(at or ".", files.FOLDERS, dir_fd=folder)
        try:
            with os.scandir(opened) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        todo.append(f"{at}/{entry.name}" if at else entry.name)
                    else:
                        count += 1
                        total += entry.stat(follow_symlinks=False).st_size
                    if count >= _COUNTED:
                        break
        finally:
            os.close(opened)
    return f"{count} file{'s' * (count != 1)} of {total} bytes" if count < _COUNTED else f"more than {_COUNTED} files"
