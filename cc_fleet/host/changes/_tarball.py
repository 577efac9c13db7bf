"""npm's tarballs: copied and hashed in one go, and looked into without unpacking them.

Whoever made one is not trusted: no path of it is followed, and what is read of it is bounded.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat as st
import tarfile
from typing import IO, Any, Callable, Iterator, Optional

from ..area import told
from ..change import Refused

_LARGEST = 1024 * 1024 * 1024  # of a program
_UNPACKED = 2 * _LARGEST  # of all that a tarball holds
_PIECE = 1024 * 1024
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


def copied(source: str, wanted: str, target: str) -> None:
    """A copy of a tarball, hashed while it was made: what is hashed is what is installed."""
    digest = hashlib.sha256()
    try:
        opened = os.open(source, _READ)
    except OSError as err:
        raise Refused(f"{source}: {told(err)}") from None
    with open(opened, "rb") as file:
        if not st.S_ISREG(os.fstat(opened).st_mode):
            raise Refused(f"{source}: is not a regular file")
        _poured(file, target, digest.update)
    if digest.hexdigest() != wanted.lower():
        raise Refused(f"{source}: is not the tarball that the plan was made with: its sha256 is {digest.hexdigest()}, and the plan expects {wanted[:64]}; find out who replaced it")


def about(file: str, called: str) -> tuple[str, str]:
    """Name and version that a tarball gives itself; people know it as ``called``."""
    for name, opened, size in _members(file, called):
        if name == "package/package.json" and size < _PIECE:
            try:
                held: Any = json.loads(opened.read())
                return str(held["name"]), str(held["version"])
            except (ValueError, KeyError, TypeError, RecursionError):
                break
    raise Refused(f"{called}: is no tarball of npm's; download it again")


def taken(file: str, member: str, target: str, called: str) -> None:
    """One file of a tarball, as a program."""
    for name, opened, size in _members(file, called):
        if name == member and size < _LARGEST:
            _poured(opened, target)
            os.chmod(target, 0o755)  # noqa: S103  a program
            return
    raise Refused(f"{called}: holds no program ({member}); download it again")


def _members(file: str, called: str) -> Iterator[tuple[str, IO[bytes], int]]:
    """The regular files of a tarball, in its order."""
    try:
        with tarfile.open(file, "r|gz") as archive:
            for one in archive:
                opened = archive.extractfile(one) if one.isfile() else None
                if archive.offset > _UNPACKED:
                    raise Refused(f"{called}: holds more than Claude Code does; download it again")
                if opened is not None:
                    yield one.name, opened, one.size
    except (OSError, EOFError, tarfile.TarError, ValueError, OverflowError, RecursionError):
        raise Refused(f"{called}: is no tarball of npm's; download it again") from None


def _poured(source: IO[bytes], target: str, also: Optional[Callable[[bytes], None]] = None) -> None:
    """All of ``source`` into the new file ``target``."""
    with _new(target) as out:
        while piece := source.read(_PIECE):
            if also is not None:
                also(piece)
            try:
                rest = memoryview(piece)
                while rest:  # a disk that is nearly full takes a part, and says nothing
                    rest = rest[out.write(rest) :]
            except OSError as err:
                raise Refused(f"{os.path.dirname(target)}: {told(err)}") from None


def _new(target: str) -> IO[bytes]:
    try:
        return open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o644), "wb", buffering=0)
    except OSError as err:
        raise Refused(f"{os.path.dirname(target)}: {told(err)}") from None
