"""The file tree that is read: a disk, a folder that holds another system, a test's dictionary.

Paths are those of the system that is read, absolute, ``/`` between names.  Below a root
every link is resolved inside that root, as the system itself would see it, and a file that
is opened is checked to lie inside: a link never leads to the machine that does the reading.
"""

from __future__ import annotations

import errno
import os
import stat as st
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import IO, Iterable, Iterator, Protocol

from ..records import NamedTuple

LIMIT = 8 * 1024 * 1024
_LINKS, _PARTS = 40, 2000  # in a path; the parts are those of the links, too
_PATH = getattr(os, "O_PATH", 0)
# What not every system has: without them a device is still told from a file before it is opened.
_NO_WAIT = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)


class Missing(Exception):
    """Nothing stands at this path."""


class Unreadable(Exception):
    """Something stands there and cannot be read; the message is the reason, without the path."""


class Stat(NamedTuple):
    """``kind`` is file, folder or other; ``mode`` the permission bits; ``real`` the path behind links."""

    kind: str
    size: int
    mode: int
    uid: int
    real: str


class Tree(Protocol):
    """What a source may ask of a file tree.  All of it raises Missing or Unreadable."""

    def read(self, path: str, limit: int = LIMIT) -> bytes:
        """The first ``limit`` bytes and one more, of a regular file."""

    def names(self, path: str) -> list[str]:
        """The names in a folder, sorted."""

    def stat(self, path: str) -> Stat:
        """What stands at ``path``, links followed."""

    def part(self, path: str, start: int, size: int) -> bytes:
        """``size`` bytes of a regular file from ``start`` on, fewer where it ends."""

    def sha256(self, path: str) -> str:
        """The digest of a regular file of any size."""

    @property
    def files(self) -> int:
        """How many files were read so far."""


class Disk:
    """The files below ``root``; ``/`` is this machine.  ``files`` counts what was read."""

    def __init__(self, root: str = "/") -> None:
        self.root = os.path.realpath(root)
        self.files = 0
        self._folders: dict[str, str] = {"": "", "/": ""}

    def read(self, path: str, limit: int = LIMIT) -> bytes:
        with self._told(), self._open(path) as file:
            data = file.read(limit + 1)
        if data is None:  # a device that would make its reader wait
            raise Unreadable("has nothing to read")
        self.files += 1
        return data

    def part(self, path: str, start: int, size: int) -> bytes:
        with self._told(), self._open(path) as file:
            file.seek(start)
            return file.read(size) or b""

    def sha256(self, path: str) -> str:
        import hashlib  # OpenSSL costs 3 ms to load, and few runs ask for a digest

        digest = hashlib.sha256()
        with self._told(), self._open(path) as file:
            while piece := file.read(1024 * 1024):
                digest.update(piece)
        return digest.hexdigest()

    def names(self, path: str) -> list[str]:
        with self._told():
            real = self._real(path)
            if st.S_ISREG(self._look(real).st_mode):
                raise Unreadable("is not a folder")
            if os.listdir not in os.supports_fd:  # Windows
                return sorted(os.listdir(real))
            opened = self._descriptor(real, os.O_RDONLY | os.O_DIRECTORY)
            try:
                return sorted(os.listdir(opened))
            finally:
                os.close(opened)

    def stat(self, path: str) -> Stat:
        with self._told():
            real = self._real(path)
            found = self._look(real)
            real = os.path.realpath(path).replace(os.sep, "/") if self.root == "/" else real or "/"
        return Stat(_kind(found), found.st_size, st.S_IMODE(found.st_mode), found.st_uid, real)

    def _look(self, real: str) -> os.stat_result:
        """What stands at a resolved path.  Nothing is opened: opening a device may already do something."""
        if self.root == "/":
            return os.stat(real)
        if not _PATH:
            return os.lstat(self.root + real)
        opened = self._descriptor(real, _PATH)
        try:
            return os.fstat(opened)
        finally:
            os.close(opened)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What the system says of a path as Missing or Unreadable."""
        try:
            yield
        except OSError as err:
            raise _reason(err) from None
        except ValueError:  # a name that no file can have
            raise Missing from None

    @contextmanager
    def _open(self, path: str) -> Iterator[IO[bytes]]:
        real = self._real(path)
        kind = _kind(self._look(real))
        if kind != "file":
            raise Unreadable("is a folder" if kind == "folder" else "is not a regular file")
        opened = self._descriptor(real, os.O_RDONLY | _NO_WAIT)
        try:
            if _kind(os.fstat(opened)) != "file":  # it changed in between
                raise Unreadable("is not a regular file")
            with os.fdopen(opened, "rb", closefd=False) as file:
                yield file
        finally:
            os.close(opened)

    def _descriptor(self, real: str, flags: int) -> int:
        """Open a resolved path, and make sure that it is still where it was resolved to."""
        if self.root == "/":
            return os.open(real, flags)
        opened = os.open(self.root + real, flags | os.O_NOFOLLOW)
        where = f"/proc/self/fd/{opened}"
        if os.path.lexists(where) and os.readlink(where) != (self.root + real).rstrip("/"):
            os.close(opened)
            raise Unreadable("a link changed under the reader and led out of the root")
        return opened

    def _real(self, path: str) -> str:
        """``path`` with every link resolved below the root.  The live system does that itself."""
        if "\0" in path or not (path.startswith("/") or (os.name == "nt" and path[1:3] == ":/")):
            raise Missing
        if self.root == "/":
            return path
        folder, _, name = path.rstrip("/").rpartition("/")
        if name in ("", ".", ".."):
            return self._resolve(path)
        if folder not in self._folders:
            self._folders[folder] = self._resolve(folder)
        return self._resolve(f"{self._folders[folder]}/{name}", len(self._folders[folder]))

    def _resolve(self, path: str, known: int = 0) -> str:
        """Follow links part by part, as the kernel does; ``path[:known]`` is already resolved."""
        at, todo, budget, parts = path[:known], path[known:].split("/")[::-1], _LINKS, 0
        while todo:
            part, parts = todo.pop(), parts + 1
            if parts > _PARTS:
                raise Missing
            if part in ("", ".", ".."):
                at = at.rpartition("/")[0] if part == ".." else at
                continue
            try:
                link = os.readlink(f"{self.root}{at}/{part}")
            except OSError as err:
                if err.errno not in (errno.EINVAL, errno.ENOENT, errno.ENOTDIR):
                    raise
                at = f"{at}/{part}"
                continue
            budget -= 1
            if budget < 0:
                raise Unreadable("is a loop of links")
            at = "" if link.startswith("/") else at
            todo += link.split("/")[::-1]
        return at


class Folded:
    """A tree in which names that differ only by case are one: that of macOS or Windows, read elsewhere.

    With a ``drive`` (``C:``) paths begin with it, and other drives are not there.
    """

    def __init__(self, tree: Tree, drive: str = "") -> None:
        self._tree, self._drive = tree, drive
        self._known: dict[str, dict[str, str]] = {}

    def read(self, path: str, limit: int = LIMIT) -> bytes:
        return self._tree.read(self._real(path), limit)

    def names(self, path: str) -> list[str]:
        return self._tree.names(self._real(path))

    def stat(self, path: str) -> Stat:
        found = self._tree.stat(self._real(path))
        return found._replace(real=f"{self._drive}{found.real}")

    def part(self, path: str, start: int, size: int) -> bytes:
        return self._tree.part(self._real(path), start, size)

    def sha256(self, path: str) -> str:
        return self._tree.sha256(self._real(path))

    @property
    def files(self) -> int:
        return self._tree.files

    def _real(self, path: str) -> str:
        if path[: len(self._drive)].lower() != self._drive.lower() or path[len(self._drive) :][:1] != "/":
            raise Missing
        real = ""
        for name in path[len(self._drive) :].split("/"):
            if name:
                known = self._names(real or "/")
                real = f"{real}/{known.get(name) or known.get(name.lower(), name)}"
        return real or "/"

    def _names(self, folder: str) -> dict[str, str]:
        """The names of a folder, each by itself and by its small letters."""
        if folder not in self._known:
            try:
                names = self._tree.names(folder)
            except (Missing, Unreadable):
                names = []  # whoever asks for what is in it will be told
            self._known[folder] = {**{name.lower(): name for name in names}, **{name: name for name in names}}
        return self._known[folder]


class Strict:
    """A tree that refuses every path which no pattern of ``wants`` names: the tests' check on WANTS."""

    def __init__(self, tree: Tree, wants: Iterable[str]) -> None:
        self._tree, self._wants = tree, tuple(wants)

    def read(self, path: str, limit: int = LIMIT) -> bytes:
        return self._tree.read(self._allowed(path), limit)

    def names(self, path: str) -> list[str]:
        return self._tree.names(self._allowed(path))

    def stat(self, path: str) -> Stat:
        """Folders above what is wanted may be looked at: who may read a file depends on them."""
        above = (want for want in self._wants if want.startswith(f"{path}/") or fnmatchcase(f"{path}/{want.rpartition('/')[2]}", want))
        return self._tree.stat(path if next(above, None) else self._allowed(path))

    def part(self, path: str, start: int, size: int) -> bytes:
        return self._tree.part(self._allowed(path), start, size)

    def sha256(self, path: str) -> str:
        return self._tree.sha256(self._allowed(path))

    @property
    def files(self) -> int:
        return self._tree.files

    def _allowed(self, path: str) -> str:
        if any(fnmatchcase(path, want) for want in self._wants):
            return path
        raise AssertionError(f"{path} is read, and no WANTS names it")


def _kind(found: os.stat_result) -> str:
    return {st.S_IFREG: "file", st.S_IFDIR: "folder"}.get(st.S_IFMT(found.st_mode), "other")


def _reason(err: OSError) -> Exception:
    if err.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG):
        return Missing()
    if err.errno == errno.ELOOP:
        return Unreadable("is a loop of links")
    if err.errno in (errno.EACCES, errno.EPERM):
        return Unreadable("permission denied")
    if err.errno == errno.ENXIO:
        return Unreadable("is not a regular file")
    return Unreadable(os.strerror(err.errno or 0).lower())
