"""The file tree that is read: a disk, a folder that holds another system, a test's dictionary.

Paths are those of the system that is read, absolute, ``/`` between names.  Below a root
every link is resolved inside that root, as the system itself would see it, and a file that
is opened is checked to lie inside: a link never leads to the machine that does the reading.
"""

from __future__ import annotations

import errno
import os
import stat as st
from fnmatch import fnmatchcase
from typing import IO, Iterable, NamedTuple, Protocol

LIMIT = 8 * 1024 * 1024
_LINKS = 40


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
        ...

    def names(self, path: str) -> list[str]:
        """The names in a folder, sorted."""
        ...

    def stat(self, path: str) -> Stat:
        """What stands at ``path``, links followed."""
        ...

    def sha256(self, path: str) -> str:
        """The digest of a regular file of any size."""
        ...

    @property
    def files(self) -> int:
        """How many files were read so far."""
        ...


class Disk:
    """The files below ``root``; ``/`` is this machine.  ``files`` counts what was read."""

    def __init__(self, root: str = "/") -> None:
        self.root = os.path.realpath(root)
        self._read = 0
        self._folders: dict[str, str] = {"/": "/"}

    @property
    def files(self) -> int:
        return self._read

    def read(self, path: str, limit: int = LIMIT) -> bytes:
        try:
            with self._open(path) as file:
                data = file.read(limit + 1)
        except OSError as err:
            raise _told(err) from None
        self._read += 1
        return data

    def sha256(self, path: str) -> str:
        import hashlib  # OpenSSL costs 3 ms to load, and few runs ask for a digest

        digest = hashlib.sha256()
        try:
            with self._open(path) as file:
                while piece := file.read(1024 * 1024):
                    digest.update(piece)
        except OSError as err:
            raise _told(err) from None
        return digest.hexdigest()

    def _open(self, path: str) -> IO[bytes]:
        """A regular file, opened without waiting for a pipe's other end."""
        opened = os.open(self._on_disk(self._real(path)), os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
        try:
            self._check(opened)
        except BaseException:
            os.close(opened)
            raise
        return os.fdopen(opened, "rb")

    def names(self, path: str) -> list[str]:
        try:
            return sorted(os.listdir(self._on_disk(self._real(path))))
        except NotADirectoryError:
            raise Unreadable("is not a folder") from None
        except OSError as err:
            raise _told(err) from None

    def stat(self, path: str) -> Stat:
        real = self._real(path)
        try:
            found = os.lstat(self._on_disk(real)) if self.root != "/" else os.stat(path)
        except OSError as err:
            raise _told(err) from None
        kind = {st.S_IFREG: "file", st.S_IFDIR: "folder"}.get(st.S_IFMT(found.st_mode), "other")
        if self.root == "/":
            real = os.path.realpath(path)
        return Stat(kind, found.st_size, st.S_IMODE(found.st_mode), found.st_uid, real)

    def _on_disk(self, path: str) -> str:
        return path if self.root == "/" else self.root + path

    def _check(self, opened: int) -> None:
        mode = os.fstat(opened).st_mode
        if not st.S_ISREG(mode):
            raise Unreadable("is a folder" if st.S_ISDIR(mode) else "is not a regular file")
        where = f"/proc/self/fd/{opened}"
        if self.root != "/" and os.path.lexists(where):
            real = os.readlink(where)
            if os.path.commonpath([real, self.root]) != self.root:
                raise Unreadable("a link changed under the reader and led out of the root")

    def _real(self, path: str) -> str:
        """``path`` with every link resolved below the root.  The live system does that itself."""
        if self.root == "/":
            return path
        folder, name = os.path.split(os.path.normpath(path))
        budget = [_LINKS]
        return self._resolve(self._folder(folder, budget), name, budget)

    def _folder(self, path: str, budget: list[int]) -> str:
        if path not in self._folders:
            folder, name = os.path.split(path)
            self._folders[path] = self._resolve(self._folder(folder, budget), name, budget)
        return self._folders[path]

    def _resolve(self, folder: str, name: str, budget: list[int]) -> str:
        path = os.path.join(folder, name)
        try:
            link = os.readlink(self.root + path)
        except OSError as err:
            if err.errno in (errno.EINVAL, errno.ENOENT, errno.ENOTDIR):
                return path
            raise _told(err) from None
        budget[0] -= 1
        if budget[0] < 0:
            raise Unreadable("is a loop of links")
        folder, name = os.path.split(os.path.normpath(os.path.join(folder, link)))
        return self._resolve(self._folder(folder, budget), name, budget)


class Strict:
    """A tree that refuses every path which no pattern of ``wants`` names: the tests' check on WANTS."""

    def __init__(self, tree: Tree, wants: Iterable[str]) -> None:
        self._tree, self._wants = tree, tuple(wants)

    def read(self, path: str, limit: int = LIMIT) -> bytes:
        return self._tree.read(self._allowed(path), limit)

    def names(self, path: str) -> list[str]:
        return self._tree.names(self._allowed(path))

    def stat(self, path: str) -> Stat:
        return self._tree.stat(self._allowed(path))

    def sha256(self, path: str) -> str:
        return self._tree.sha256(self._allowed(path))

    @property
    def files(self) -> int:
        return self._tree.files

    def _allowed(self, path: str) -> str:
        if any(fnmatchcase(path, want) for want in self._wants):
            return path
        raise AssertionError(f"{path} is read, and no WANTS names it")


def _told(err: OSError) -> Exception:
    if err.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG):
        return Missing()
    if err.errno == errno.ELOOP:
        return Unreadable("is a loop of links")
    if err.errno in (errno.EACCES, errno.EPERM):
        return Unreadable("permission denied")
    if err.errno == errno.ENXIO:
        return Unreadable("is not a regular file")
    return Unreadable(os.strerror(err.errno or 0).lower())
