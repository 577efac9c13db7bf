"""Run something and stop at each system call that changes what is on a disk: to kill it there, or to let the call fail.

The kernel stops only at these calls (a seccomp filter that asks the tracer), so a step costs microseconds and no luck is
needed: call number N of the whole, children counted in, is the same one each time.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import signal
import struct
import sys
from collections.abc import Callable
from typing import NamedTuple

_X86 = {
    "write": 1, "open": 2, "pwrite64": 18, "fsync": 74, "fdatasync": 75, "truncate": 76, "ftruncate": 77, "rename": 82, "mkdir": 83, "rmdir": 84, "creat": 85, "link": 86,
    "unlink": 87, "symlink": 88, "chmod": 90, "fchmod": 91, "chown": 92, "fchown": 93, "lchown": 94, "setxattr": 188, "lsetxattr": 189, "fsetxattr": 190, "removexattr": 197,
    "fremovexattr": 199, "openat": 257, "mkdirat": 258, "fchownat": 260, "unlinkat": 263, "renameat": 264, "linkat": 265, "symlinkat": 266, "fchmodat": 268, "utimensat": 280,
    "renameat2": 316, "fchmodat2": 452, "getpgid": 121,
}  # fmt: skip
_ARM = {
    "write": 64, "pwrite64": 68, "fsync": 82, "fdatasync": 83, "truncate": 45, "ftruncate": 46, "mkdirat": 34, "unlinkat": 35, "symlinkat": 36, "linkat": 37, "renameat": 38,
    "fchmod": 52, "fchmodat": 53, "fchownat": 54, "fchown": 55, "openat": 56, "utimensat": 88, "setxattr": 5, "lsetxattr": 6, "fsetxattr": 7, "removexattr": 14,
    "fremovexattr": 16, "renameat2": 276, "fchmodat2": 452, "getpgid": 155,
}  # fmt: skip
CALLS = {"x86_64": _X86, "aarch64": _ARM}.get(platform.machine(), {}) if sys.platform == "linux" else {}
_NAMES = {number: name for name, number in CALLS.items()}
_TRACEME, _CONT, _SETOPTIONS, _GETREGS, _SETREGS, _INFO = 0, 7, 0x4200, 12, 13, 0x420E
_FORKS, _SECCOMP = (1, 2, 3), 7  # events: fork, vfork, clone; a call of the filter's
_OPTIONS = 0x2 | 0x4 | 0x8 | 0x80 | 0x100000  # follow all three, the filter's stops, and nothing outlives the tracer
_WALL = 0x40000000
_END = "getpgid"  # what the job calls when it has ended


class Stepped(NamedTuple):
    """How many calls there were, the name of the one that was met (empty: it ended before), and its exit code (negative: killed)."""

    calls: int
    met: str
    code: int


def missing() -> str:
    """Why nothing can be stepped here; empty where it can."""
    return "" if CALLS else f"no table of system calls for {sys.platform} {platform.machine()}"


def can_fail() -> bool:
    """Whether a call can be made to fail here."""
    return platform.machine() == "x86_64"


def stepped(job: Callable[[], None], at: int = 0, how: str | int = "all") -> Stepped:
    """Run ``job`` in a child to its call ``at``: then kill ``all`` of it, the ``one`` process that calls, or the ``main`` one; a number is the error that the call gives instead."""
    sys.stdout.flush()
    main = os.fork()
    if main == 0:
        code = 1
        try:
            _traced()
            job()
            code = 0
        except BaseException:  # noqa: BLE001  # the exit code says it
            import traceback

            traceback.print_exc()
        finally:
            os.getpgid(0)
            os._exit(code)
    return _followed(main, at, how)


def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.restype = ctypes.c_long
    libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
    return libc


def _traced() -> None:
    libc = _libc()
    if libc.ptrace(_TRACEME, 0, None, None):
        raise OSError(ctypes.get_errno(), "ptrace")
    os.kill(os.getpid(), signal.SIGSTOP)
    numbers = sorted(CALLS.values())
    program = [struct.pack("HBBI", 0x20, 0, 0, 0)]
    program += [struct.pack("HBBI", 0x15, len(numbers) - place, 0, number) for place, number in enumerate(numbers)]
    program += [struct.pack("HBBI", 0x06, 0, 0, 0x7FFF0000), struct.pack("HBBI", 0x06, 0, 0, 0x7FF00000)]
    held = ctypes.create_string_buffer(b"".join(program))
    whole = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(program), ctypes.addressof(held)))
    if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.byref(whole), 0, 0):
        raise OSError(ctypes.get_errno(), "seccomp")


def _followed(main: int, at: int, how: str | int) -> Stepped:
    libc, living, calls, met, code, counting = _libc(), {main}, 0, "", 0, True
    os.waitpid(main, _WALL)
    libc.ptrace(_SETOPTIONS, main, None, _OPTIONS)
    libc.ptrace(_CONT, main, None, None)
    while living:
        try:
            pid, status = os.waitpid(-1, _WALL)
        except ChildProcessError:
            break
        if os.WIFEXITED(status) or os.WIFSIGNALED(status):
            living.discard(pid)
            if pid == main:
                code = os.waitstatus_to_exitcode(status)
            continue
        living.add(pid)
        event, number, given = status >> 16, os.WSTOPSIG(status), 0
        if event == _SECCOMP:
            name = _call(libc, pid, pipes=isinstance(how, str))
            if name == _END and pid == main:
                counting = False
            elif name and name != _END and counting:
                calls += 1
                if calls == at:
                    met = name
                    _strike(libc, {"all": living, "one": {pid}, "main": {main}}.get(str(how), {pid}), how, pid)
        elif not event and number not in (signal.SIGTRAP, signal.SIGSTOP):
            given = number
        libc.ptrace(_CONT, pid, None, given)
    return Stepped(calls, met, code)


def _call(libc: ctypes.CDLL, pid: int, *, pipes: bool) -> str:
    """The name of the call that ``pid`` is about to make, where it changes something; ``pipes``: or says something."""
    info = ctypes.create_string_buffer(128)
    libc.ptrace(_INFO, pid, ctypes.c_void_p(len(info)), ctypes.addressof(info))
    number, *given = struct.unpack_from("Q6Q", info, 24)
    name = _NAMES.get(number, "")
    if name == "write" and not pipes and os.readlink(f"/proc/{pid}/fd/{given[0]}").startswith("pipe:"):
        return ""
    flags = {"open": 1, "openat": 2}.get(name)
    return "" if flags is not None and not given[flags] & os.O_CREAT else name


def _strike(libc: ctypes.CDLL, pids: set[int], how: str | int, pid: int) -> None:
    if isinstance(how, str):
        for one in pids:
            os.kill(one, signal.SIGKILL)
        return
    assert platform.machine() == "x86_64", "errors are given on x86_64 only"
    registers = (ctypes.c_ulonglong * 27)()
    assert not libc.ptrace(_GETREGS, pid, None, ctypes.addressof(registers)), errno.errorcode[ctypes.get_errno()]
    registers[15], registers[10] = 2**64 - 1, 2**64 - how  # orig_rax: no call; rax: what it gives
    assert not libc.ptrace(_SETREGS, pid, None, ctypes.addressof(registers)), errno.errorcode[ctypes.get_errno()]
