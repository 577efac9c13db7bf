"""What is done to one entry of an open folder: read it, replace it in one step, move it, swap it.

A file is replaced whole or not at all: written beside, flushed to the disk, given the mode, owner, ACL and attributes of
the old one, and put in its place by a rename. Where the kernel can (Linux), the two change places, so that what was really
there at that moment is seen: if somebody wrote in between it goes back, and nothing is lost.
"""

from __future__ import annotations

import errno
import os
import stat as st
from functools import lru_cache
from typing import Any, Iterator, Optional

from .area import told
from .change import Refused
from .digest import sha256

LIMIT = 8 * 1024 * 1024
_READ = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_MAKE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
FOLDERS = _READ | getattr(os, "O_DIRECTORY", 0)
ABSENT, FOLDER = "absent", "folder"


def look(folder: int, name: str) -> Optional[os.stat_result]:
    """What the entry itself is, links not followed; None: nothing there."""
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def read(folder: int, name: str, limit: int = LIMIT) -> tuple[bytes, os.stat_result]:
    """A regular file's bytes and what it is.  Refused: what is no such file, has a second name, or is larger than ``limit``."""
    opened = os.open(name, _READ, dir_fd=folder)
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
    opened = os.open(name, _READ, dir_fd=folder)
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


def digest(data: bytes) -> str:
    """The state of a file that holds ``data``."""
    return f"sha256:{sha256(data)}"


def ident(folder: int, name: str) -> str:
    """Which entry it is, whatever its name: it stays the same over renames; ``absent`` where there is none."""
    found = look(folder, name)
    return ABSENT if found is None else f"{found.st_dev}:{found.st_ino}:{st.S_IFMT(found.st_mode):o}"


def meta(found: os.stat_result) -> dict[str, int]:
    """Of an entry what rollback restores besides the content; times in nanoseconds."""
    return {"mode": st.S_IMODE(found.st_mode), "uid": found.st_uid, "gid": found.st_gid, "mtime": found.st_mtime_ns, "atime": found.st_atime_ns}


def prepare(folder: int, temp: str, data: bytes, like: Optional[str], mode: int) -> None:
    """Write ``data`` to the new file ``temp``, flushed, with all that ``like`` has besides its content (None: ``mode``)."""
    opened = os.open(temp, _MAKE, 0o600, dir_fd=folder)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(opened, rest) :]
        if like is None:
            os.fchmod(opened, mode)
        else:
            _dress(opened, folder, like)
        os.fsync(opened)
    finally:
        os.close(opened)


def _dress(opened: int, folder: int, like: str) -> None:
    """Owner, mode and attributes of ``like`` for the open file."""
    source = os.open(like, _READ, dir_fd=folder)
    try:
        found, own = os.fstat(source), os.fstat(opened)
        if (found.st_uid, found.st_gid) != (own.st_uid, own.st_gid):
            try:
                os.fchown(opened, found.st_uid, found.st_gid)
            except PermissionError:
                raise Refused("belongs to another user or group, and would not stay theirs; run as root") from None
        os.fchmod(opened, st.S_IMODE(found.st_mode))
        for name in os.listxattr(source) if hasattr(os, "listxattr") else ():
            _attribute(source, opened, name)
    finally:
        os.close(source)


def _attribute(source: int, opened: int, name: str) -> None:
    try:
        os.setxattr(opened, name, os.getxattr(source, name))
    except OSError as err:
        if name.startswith(("user.", "system.")):
            raise Refused(f"has the attribute {name}, which cannot be kept: {told(err)}") from None


def put(folder: int, temp: str, name: str, expected: str) -> None:
    """``temp`` takes the place of ``name``, which must still be in the state ``expected``; ``temp`` is gone afterwards."""
    if state(folder, name) != expected:
        raise Refused("changed while it was being written; run again")
    if expected == ABSENT:
        try:
            os.link(temp, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
        except FileExistsError:
            raise Refused("appeared while it was being written; run again") from None
        except OSError as err:  # a file system without second names
            if err.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK):
                raise
            os.rename(temp, name, src_dir_fd=folder, dst_dir_fd=folder)
        else:
            os.unlink(temp, dir_fd=folder)
    elif exchange(folder, temp, folder, name):
        if _is(folder, temp, expected):
            os.unlink(temp, dir_fd=folder)
        else:
            exchange(folder, temp, folder, name)
            raise Refused("changed while it was being written; run again")
    else:
        os.rename(temp, name, src_dir_fd=folder, dst_dir_fd=folder)
    flush(folder)


def _is(folder: int, name: str, expected: str) -> bool:
    try:
        return state(folder, name) == expected
    except (Refused, OSError):  # what took its place is no file
        return False


def exchange(first: int, one: str, second: int, other: str) -> bool:
    """The two entries change places in one step; False where the system cannot do that."""
    call = _renameat2()
    if call is None:
        return False
    if call(first, os.fsencode(one), second, os.fsencode(other), 2) == 0:
        return True
    import ctypes

    number = ctypes.get_errno()
    if number in (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP):
        return False
    raise OSError(number, os.strerror(number))


def ready() -> None:
    """Load what is otherwise loaded when it is first needed: whoever gives up rights may not be able to read modules afterwards."""
    import hashlib  # noqa: F401

    _renameat2()
    sha256(b"")


@lru_cache(maxsize=None)
def _renameat2() -> Any:
    import sys

    if not sys.platform.startswith("linux"):
        return None
    import ctypes

    try:
        call = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return None
    call.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
    return call


def flush(folder: int) -> None:
    """What was renamed in the folder survives a power cut; not every file system flushes folders."""
    try:
        os.fsync(folder)
    except OSError as err:
        if err.errno not in (errno.EINVAL, errno.EBADF, errno.EACCES):
            raise


def discard(folder: int, name: str) -> None:
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
            discard(inside, one)
    finally:
        os.close(inside)
    os.rmdir(name, dir_fd=folder)


def entries(folder: int) -> Iterator[str]:
    """The names in an open folder, sorted."""
    yield from sorted(os.listdir(folder))
