"""What is looked at in an open folder: a file's bytes, which entry it is, in which state; and deleting.  No link is followed."""

from __future__ import annotations

import errno
import os
import stat as st
from typing import Iterator, Optional

from .change import Refused
from .digest import sha256

LIMIT = 8 * 1024 * 1024
READ = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
FOLDERS = READ | getattr(os, "O_DIRECTORY", 0)
ABSENT, FOLDER = "absent", "folder"
_DEEPEST = 200  # folders in folders that are deleted


def look(folder: int, name: str) -> Optional[os.stat_result]:
    """What the entry itself is, links not followed; None: nothing there."""
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def read(folder: int, name: str, limit: int = LIMIT) -> tuple[bytes, os.stat_result]:
    """A regular file's bytes and what it is.  Refused: what is no such file, has a second name, or is larger than ``limit``."""
    opened = os.open(name, READ, dir_fd=folder)
    try:
        found = os.fstat(opened)
        if not st.S_ISREG(found.st_mode):
            raise Refused("is a folder" if st.S_ISDIR(found.st_mode) else "is not a regular file")
        if found.st_nlink > 1:
            raise Refused("has a second name (a hard link), and what is done to one would not be done to the other")
        if found.st_size > limit:
            raise Refused(f"is larger than {limit // 1024**2} MiB")
        return _all(opened, limit), found
    finally:
        os.close(opened)


def _all(opened: int, limit: int) -> bytes:
    parts, size = [], 0
    while piece := os.read(opened, 1024 * 1024):
        parts.append(piece)
        size += len(piece)
        if size > limit:
            raise Refused(f"is larger than {limit // 1024**2} MiB")
    return b"".join(parts)


def head(folder: int, name: str, size: int) -> bytes:
    """The first bytes of a regular file, whatever its size and names."""
    opened = _regular(folder, name)
    try:
        return os.read(opened, size)
    finally:
        os.close(opened)


def sha256_of(folder: int, name: str) -> str:
    """The digest of a regular file, whatever its size and names."""
    import hashlib  # OpenSSL's is three times as fast, which counts for what is large

    digest_, opened = hashlib.sha256(), _regular(folder, name)
    try:
        while piece := os.read(opened, 1024 * 1024):
            digest_.update(piece)
    finally:
        os.close(opened)
    return digest_.hexdigest()


def _regular(folder: int, name: str) -> int:
    opened = os.open(name, READ, dir_fd=folder)
    if not st.S_ISREG(os.fstat(opened).st_mode):
        os.close(opened)
        raise Refused("is not a regular file")
    return opened


def state(folder: int, name: str) -> str:
    """``absent``, ``folder``, ``link TARGET`` or ``sha256:…`` of the entry itself."""
    found = look(folder, name)
    if found is None:
        return ABSENT
    if st.S_ISLNK(found.st_mode):
        return f"link {os.readlink(name, dir_fd=folder)}"
    if st.S_ISDIR(found.st_mode):
        return FOLDER
    return digest(read(folder, name)[0])


def seen(folder: int, name: str) -> str:
    """The state, and of what has none (no file, or one with a second name) why."""
    try:
        return state(folder, name)
    except (Refused, OSError) as err:
        return f"odd: {err}"


def digest(data: bytes) -> str:
    """The state of a file that holds ``data``."""
    return f"sha256:{sha256(data)}"


def ident(folder: int, name: str) -> str:
    """Which entry of its file system it is, whatever its name: it stays the same over renames, and over a restart; ``absent`` where there is none."""
    found = look(folder, name)
    return ABSENT if found is None else f"{found.st_ino}:{st.S_IFMT(found.st_mode):o}"


def meta(found: os.stat_result) -> dict[str, int]:
    """Of an entry what rollback restores besides the content; times in nanoseconds."""
    return {"mode": st.S_IMODE(found.st_mode), "uid": found.st_uid, "gid": found.st_gid, "mtime": found.st_mtime_ns, "atime": found.st_atime_ns}


def flush(folder: int) -> None:
    """What was renamed in the folder survives a power cut; not every file system flushes folders."""
    try:
        os.fsync(folder)
    except OSError as err:
        if err.errno not in (errno.EINVAL, errno.EBADF, errno.EACCES):
            raise


def discard(folder: int, name: str, deep: int = 0) -> None:
    """Delete the entry and all below it, following no link; nothing there is no error."""
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return
    if not st.S_ISDIR(found.st_mode):
        os.unlink(name, dir_fd=folder)
        return
    inside = os.open(name, FOLDERS, dir_fd=folder)
    try:
        for one in os.listdir(inside):
            if deep > _DEEPEST:
                raise Refused(f"{name}: holds folders too deep to be deleted")
            discard(inside, one, deep + 1)
    finally:
        os.close(inside)
    os.rmdir(name, dir_fd=folder)


def entries(folder: int) -> Iterator[str]:
    """The names in an open folder, sorted."""
    yield from sorted(os.listdir(folder))
