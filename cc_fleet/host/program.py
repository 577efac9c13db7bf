"""Run a foreign program so that it cannot hang, ask, or outlive its time; and find one that can be trusted."""

from __future__ import annotations

import errno
import os
import select
import signal
import stat as st
import subprocess
import sys
import time
from typing import Callable, Iterator, Mapping, Optional, Sequence

from .area import PEERS
from .site import Ran

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# How this machine reaches a registry: whoever runs this has said it, and a program that installs needs it.
_PASSED = (
    "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "NODE_EXTRA_CA_CERTS", "npm_config_registry",
    "NPM_CONFIG_REGISTRY", "npm_config_userconfig", "npm_config_globalconfig", "npm_config_cafile",
)  # fmt: skip
_SAID = 64 * 1024
_LOOK, _REST = 0.05, 64


def environ(user: Optional[str], home: Optional[str]) -> dict[str, str]:
    """What a program starts with: nothing of this process but the place of programs."""
    passed = {name: os.environ[name] for name in _PASSED if name in os.environ}
    return {**passed, "PATH": path(), "HOME": home or os.environ.get("HOME", "/"), "LANG": "C.UTF-8", **({"USER": user, "LOGNAME": user} if user else {})}


def run(argv: list[str], timeout: float, environ_: Mapping[str, str], cwd: Optional[str]) -> Ran:
    """What it ended with, and the last that it said.  It gets a session of its own, and all of it ends with the time, or with this process."""
    until, said = time.monotonic() + timeout, b""
    read, write = os.pipe()
    try:
        running = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=write, stderr=write, env=dict(environ_), cwd=cwd or "/", start_new_session=True,
            umask=0o022, preexec_fn=_bound(os.getpid()),  # noqa: PLW1509  # nothing here has threads
        )  # fmt: skip
    except (OSError, ValueError, subprocess.SubprocessError) as err:
        os.close(read)
        return Ran(127, f"{argv[0]}: {os.strerror(getattr(err, 'errno', None) or errno.ENOEXEC).lower()}")
    finally:
        os.close(write)
    try:
        open_ = True
        while running.poll() is None and time.monotonic() < until:
            piece = _piece(read if open_ else None, _LOOK)
            open_ = open_ and piece != b""
            said = (said + (piece or b""))[-_SAID:]
        code = running.returncode
        _end(running)
        for _ in range(_REST):  # what is on the way; somebody who got away may go on forever
            piece = _piece(read, 0)
            said = (said + (piece or b""))[-_SAID:]
            if not piece:
                break
    finally:
        _end(running)
        os.close(read)
    return Ran(code, said.decode("utf-8", "replace"))


def _piece(read: Optional[int], wait: float) -> Optional[bytes]:
    """What was said; None: nothing within ``wait`` seconds, b"": and nothing will be."""
    ready = select.select([] if read is None else [read], [], [], wait)[0]
    return os.read(ready[0], _SAID) if ready else None


def _end(running: subprocess.Popen[bytes]) -> None:
    """End the program and its children."""
    try:
        os.killpg(running.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
    running.wait()


def _bound(parent: int) -> Optional[Callable[[], None]]:
    """What makes a child end with this process, where the system can (Linux): what it had begun is swept, so it must not go on."""
    if not sys.platform.startswith("linux"):
        return None
    import ctypes

    call = ctypes.CDLL(None).prctl

    def bind() -> None:
        call(1, int(signal.SIGKILL), 0, 0, 0)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:
            os._exit(1)

    return bind


def find(name: str, first: Sequence[str] = ()) -> Optional[str]:
    """The first program of this name in PATH, and before it in the folders ``first``, that nobody but root, and this user, can have put there."""
    for folder in (*first, *_path().split(":")):
        path = f"{folder}/{name}"
        if folder.startswith("/") and os.access(path, os.X_OK) and os.path.isfile(path) and all(map(_is_trusted, _ways(path))):
            return path
    return None


def _ways(path: str) -> Iterator[str]:
    """The file that ``path`` leads to, and the folder of each link on the way: whoever could swap one could lead elsewhere."""
    for _ in range(40):
        folder = os.path.realpath(os.path.dirname(path))
        yield folder
        path = f"{folder}/{os.path.basename(path)}"
        if not os.path.islink(path):
            break
        path = os.path.join(folder, os.readlink(path))
    yield os.path.realpath(path)


def path() -> str:
    """The folders of PATH in which others cannot put a program."""
    return ":".join(one for one in _path().split(":") if _is_trusted(os.path.realpath(one))) or PATH


def _path() -> str:
    """This process's PATH, its absolute folders, or the system's."""
    return ":".join(one for one in (os.environ.get("PATH") or PATH).split(":") if one.startswith("/")) or PATH


def _is_trusted(path: str) -> bool:
    """Whether the file and every folder above it belong to root or to whoever runs it, and nobody else writes them."""
    owners = {0, os.geteuid()}
    at = path
    while True:
        try:
            found = os.stat(at)
        except OSError:
            return False
        mode = found.st_mode
        loose = mode & st.S_IWOTH and (at == path or not mode & st.S_ISVTX)  # in such a folder for all a folder of root's stays root's, a link does not
        if found.st_uid not in owners or loose or (mode & st.S_IWGRP and found.st_gid not in (*PEERS, os.getegid())):
            return False
        if at == "/":
            return True
        at = os.path.dirname(at)
