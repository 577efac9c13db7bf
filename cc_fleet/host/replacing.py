"""Give an entry of an open folder to something else, in one step.

A file is replaced whole or not at all: written beside, flushed to the disk, given the mode, owner, ACL and attributes of
the old one, and put in its place by a rename. Where the kernel can (Linux), the two change places, so that what was really
there at that moment is seen: if somebody wrote in between, or still writes, it goes back, and nothing is lost.
"""

from __future__ import annotations

import errno
import os
import stat as st
from functools import lru_cache
from typing import Any, Optional

from .area import told
from .change import Refused
from .digest import sha256
from .files import ABSENT, READ, discard, flush, look, seen, state

_MAKE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_NEW, _EXCHANGE = 1, 2  # renameat2's: the name must be free; both change places
_TRIES = 40
_CLASHES = 1000


def prepare(folder: int, temp: str, data: bytes, like: Optional[str], mode: int, was: Optional[dict[str, int]] = None) -> None:  # noqa: PLR0913, PLR0917
    """Write ``data`` to the new file ``temp``, flushed, with all that ``like`` has besides its content (None: ``mode``), and owner, mode and times of ``was``."""
    opened = os.open(temp, _MAKE, 0o600, dir_fd=folder)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(opened, rest) :]
        if like is not None:
            _dress(opened, folder, like)
        else:
            adopt(opened, folder)
            os.fchmod(opened, mode)
        if was is not None:
            _own(opened, was["uid"], was["gid"])
            os.fchmod(opened, was["mode"] & 0o7777)
            os.utime(opened, ns=(was["atime"], was["mtime"]))
        os.fsync(opened)
    except (OSError, Refused):
        _quietly(folder, temp)
        raise
    finally:
        os.close(opened)


def adopt(opened: int, folder: int) -> None:
    """What root makes in the folder of somebody else, in a tree that is not this system, is theirs."""
    if os.geteuid() == 0:
        above = os.fstat(folder)
        _own(opened, above.st_uid, above.st_gid if above.st_uid else os.fstat(opened).st_gid)


def _own(opened: int, user: int, group: int) -> None:
    found = os.fstat(opened)
    if (found.st_uid, found.st_gid) != (user, group):
        try:
            os.fchown(opened, user, group)
        except PermissionError:
            raise Refused("belongs to another user or group, and would not stay theirs; run as root") from None


def _quietly(folder: int, name: str) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    except OSError:
        pass


def _dress(opened: int, folder: int, like: str) -> None:
    """Owner, mode and attributes of ``like`` for the open file."""
    source = os.open(like, READ, dir_fd=folder)
    try:
        found = os.fstat(source)
        _own(opened, found.st_uid, found.st_gid)
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
    try:
        ours = state(folder, temp)
        if expected.startswith("sha256:") and not _quiet(folder, name):
            raise Refused("is being written by another program; close it there and run again")
        if state(folder, name) != expected:
            raise Refused("changed while it was being written; run again")
        if expected == ABSENT:
            appear(folder, temp, folder, name)
        elif not exchange(folder, temp, folder, name):
            os.rename(temp, name, src_dir_fd=folder, dst_dir_fd=folder)
    except (OSError, Refused):
        _quietly(folder, temp)
        raise
    if look(folder, temp) is not None:
        _settle(folder, temp, name, ours, expected)
    flush(folder)


def appear(folder: int, made: str, other: int, name: str) -> None:
    """``made`` gets the name, which must be free."""
    try:
        if not _renamed(folder, made, other, name, _NEW):
            os.link(made, name, src_dir_fd=folder, dst_dir_fd=other, follow_symlinks=False)
            os.unlink(made, dir_fd=folder)
    except FileExistsError:
        raise Refused("appeared while it was being written; run again") from None
    except OSError as err:  # a file system without second names, or a folder
        if err.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK):
            raise
        if look(other, name) is not None:
            raise Refused("appeared while it was being written; run again") from None
        os.rename(made, name, src_dir_fd=folder, dst_dir_fd=other)


def _settle(folder: int, temp: str, name: str, ours: str, expected: str) -> None:
    """What was replaced stands in ``temp``: delete it where it is what was expected.  Where somebody wrote meanwhile, the newest of their words gets the name."""
    before, placed, clashed = expected, ours, False
    for _ in range(_CLASHES):
        quiet, found = _quiet(folder, temp), seen(folder, temp)
        if quiet and found == before:  # nothing came in between
            discard(folder, temp)
            break
        before, placed, clashed = placed, found, True  # what came is newer than what was there before
        exchange(folder, temp, folder, name)
    if clashed:
        raise Refused("was written by another program at the same time, and is as it left it; run again")


def _quiet(folder: int, name: str) -> bool:
    """Whether nobody has the file open to write, as far as the system tells; a little time is given to whoever has."""
    import fcntl
    import signal
    import time

    lease: int = getattr(fcntl, "F_SETLEASE", -1)
    try:
        opened = os.open(name, READ, dir_fd=folder) if lease >= 0 else -1
    except OSError:
        return True
    try:
        for _ in range(_TRIES if lease >= 0 else 0):
            try:
                fcntl.fcntl(opened, fcntl.F_SETSIG, signal.SIGURG)  # the default, SIGIO, would end this process
                fcntl.fcntl(opened, lease, fcntl.F_RDLCK)
                fcntl.fcntl(opened, lease, fcntl.F_UNLCK)
            except OSError as err:
                if err.errno != errno.EAGAIN:  # no leases here
                    return True
                time.sleep(0.005)
            else:
                return True
        return lease < 0
    finally:
        if opened >= 0:
            os.close(opened)


def exchange(first: int, one: str, second: int, other: str) -> bool:
    """The two entries change places in one step; False where the system cannot do that."""
    return _renamed(first, one, second, other, _EXCHANGE)


def _renamed(first: int, one: str, second: int, other: str, how: int) -> bool:
    call = _renameat2()
    if call is None:
        return False
    if call(first, os.fsencode(one), second, os.fsencode(other), how) == 0:
        return True
    import ctypes

    number = ctypes.get_errno()
    if number in (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP):
        return False
    raise OSError(number, os.strerror(number))


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


def ready() -> None:
    """Load what is otherwise loaded when it is first needed: whoever gives up rights may not be able to read modules afterwards."""
    import fcntl  # noqa: F401
    import hashlib  # noqa: F401

    _renameat2()
    sha256(b"")


def hide() -> None:
    """Nobody may look into this process, or lead it, who was not root when it began."""
    call = _renameat2()
    if call is not None:
        import ctypes

        ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE
