"""Reach a path component by component, and never leave the area that it belongs to.

Whoever owns a home can put a link, or another file, between a look and a write. So no path is handed to the kernel
whole: each folder is opened from the one above it without following links, a link is read and followed here, and one
that leads out of the home is refused. What is opened is what was looked at: a component that is swapped afterwards is no
longer asked. The system's own folders, where root works, must be root's.
"""

from __future__ import annotations

import errno
import os
import stat as st
from typing import Optional

from ..records import NamedTuple
from .change import Refused

_LINKS, _PARTS = 40, 500
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
# Groups that may write system folders and are root's peers: root, Debian's staff, macOS' admin.
PEERS = frozenset((0, 50, 80))


class Spot(NamedTuple):
    """An entry in an open folder.  ``folder`` is None where the folder is missing, and ``missing`` are the names to make from ``above`` on.

    ``real`` is the path of ``above`` below the area's top, all links followed.
    """

    folder: Optional[int]
    name: str
    above: int
    missing: tuple[str, ...] = ()
    real: str = ""


class Area:
    """The paths below ``top`` (empty: this machine's), within ``home`` where they are below it.

    ``strict`` (root at work on a live system): folders outside of homes must be root's and nobody else may write them.
    """

    def __init__(self, top: str, home: Optional[str], *, strict: bool) -> None:
        self.top, self.home, self.strict = top.rstrip("/"), (home or "").rstrip("/") or None, strict

    def spot(self, path: str, *, follow: bool) -> Spot:
        """Where ``path`` is; with ``follow`` a link in its place is followed to what it names.  The caller closes ``folder`` and ``above``."""
        if not path.startswith("/") or "\0" in path:
            raise Refused(f"{path}: is no absolute path")
        if ".." in path.split("/"):
            raise Refused(f"{path}: has a .. in it; write the path that is meant")
        base = self.home if self.home and path.startswith(f"{self.home}/") else "/"
        walk = _Walk(self, base)
        try:
            return walk.to(path[len(base) :] if base != "/" else path, follow=follow)
        except OSError as err:
            raise Refused(f"{path}: {told(err)}") from None
        finally:
            walk.close()


class _Walk:
    """The folders that are open on the way, from the area's base down."""

    def __init__(self, area: Area, base: str) -> None:
        self.area, self.base = area, base
        self.real, self.whole = "" if base == "/" else base, ""
        self.open: list[tuple[str, int]] = []

    def to(self, path: str, *, follow: bool) -> Spot:
        self.whole = whole = path if self.base == "/" else self.base + path
        self._start()
        todo = [part for part in path.split("/")[::-1] if part not in ("", ".")]
        links, parts = _LINKS, 0
        while True:
            parts += 1
            if parts > _PARTS or not todo:
                raise Refused(f"{whole}: is no path to a file")
            part = todo.pop()
            if part == "..":
                self._up(whole)
                continue
            link = self._link(part) if todo or follow else None
            if link is not None:
                links -= 1
                if self.area.strict and self.base == "/" and os.stat(part, dir_fd=self._at(), follow_symlinks=False).st_uid != 0:
                    raise Refused(f"{whole}: leads through a link that is not root's")
                if links < 0:
                    raise Refused(f"{whole}: is a loop of links")
                todo += self._target(link, whole)
                continue
            if not todo:
                return Spot(os.dup(self._at()), part, os.dup(self._at()), (), self._real())
            try:
                self._down(part)
            except FileNotFoundError:
                if ".." in todo:
                    raise Refused(f"{whole}: leads through a folder that is not there") from None
                return Spot(None, todo[0], os.dup(self._at()), (part, *todo[::-1]), self._real())

    def close(self) -> None:
        while self.open:
            os.close(self.open.pop()[1])

    def _start(self) -> None:
        self.close()
        if self.area.top and self.base != "/":  # nothing in the tree leads out of it, the way to a home neither
            self.open.append(("", self._home()))
        else:
            self.open.append(("", os.open(self.area.top + self.base, _FOLDER & ~getattr(os, "O_NOFOLLOW", 0))))
            if self.base != "/" and os.path.islink(self.base) and os.fstat(self._at()).st_uid != os.geteuid():
                raise Refused(f"{self.base}: is a link to a folder that is not theirs")

    def _home(self) -> int:
        """The home below the area's top, open."""
        walk = _Walk(self.area, "/")
        try:
            spot = walk.to(f"{self.base}/_", follow=False)
        finally:
            walk.close()
        os.close(spot.above)
        if spot.folder is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        self.real = spot.real
        return spot.folder

    def _real(self) -> str:
        return self.real + "".join(f"/{name}" for name, _ in self.open[1:])

    def _at(self) -> int:
        return self.open[-1][1]

    def _up(self, whole: str) -> None:
        if len(self.open) > 1:
            os.close(self.open.pop()[1])
        elif self.base != "/":
            raise Refused(f"{whole}: leads out of {self.base}")

    def _down(self, part: str) -> None:
        try:
            opened = os.open(part, _FOLDER, dir_fd=self._at())
        except OSError as err:
            if err.errno in (errno.ELOOP, errno.ENOTDIR) and self._link(part) is not None:
                raise Refused(f"{self.whole}: changed while it was looked at; run again") from None
            raise
        self.open.append((part, opened))
        if self.area.strict and self.base == "/":
            _check_owner(os.fstat(opened), "/".join(name for name, _ in self.open))

    def _link(self, part: str) -> Optional[str]:
        try:
            return os.readlink(part, dir_fd=self._at())
        except OSError as err:
            if err.errno in (errno.EINVAL, errno.ENOENT):
                return None
            raise

    def _target(self, link: str, whole: str) -> list[str]:
        """The parts of what a link names; an absolute one starts again at the base."""
        if link.startswith("/"):
            if self.base != "/" and not f"{link}/".startswith(f"{self.base}/"):
                raise Refused(f"{whole}: is a link that leads out of {self.base}")
            self._start()
            link = link[len(self.base) :] if self.base != "/" else link
        return [part for part in link.split("/")[::-1] if part not in ("", ".")]


def _check_owner(found: os.stat_result, folder: str) -> None:
    """Refused where somebody but root could swap what is in a system folder."""
    open_to_all = found.st_mode & st.S_IWOTH and not found.st_mode & st.S_ISVTX
    if found.st_uid != 0 or open_to_all or (found.st_mode & st.S_IWGRP and found.st_gid not in PEERS):
        raise Refused(f"{folder}: is not root's alone, so root writes nothing below it")


def told(err: OSError) -> str:
    """What the system says, in small letters, with what helps."""
    if err.errno == errno.EPERM:
        return "operation not permitted (is it immutable? `lsattr` shows it)"
    if err.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{os.strerror(err.errno).lower()}; make room and run again"
    if err.errno == errno.EROFS:
        return "the file system is read-only"
    return os.strerror(err.errno).lower() if err.errno else "cannot be changed"
