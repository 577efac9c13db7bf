"""Run a foreign program so that it cannot hang, ask, or outlive its time; and find one that can be trusted."""

from __future__ import annotations

import os
import signal
import stat as st
import subprocess
import tempfile
from typing import Iterator, Mapping, Optional

from .area import PEERS
from .site import Ran

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# How this machine reaches a registry: whoever runs this has said it, and a program that installs needs it.
_PASSED = (
    "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "NODE_EXTRA_CA_CERTS", "npm_config_registry",
    "NPM_CONFIG_REGISTRY", "npm_config_userconfig", "npm_config_globalconfig", "npm_config_cafile",
)  # fmt: skip
_SAID = 64 * 1024


def environ(user: Optional[str], home: Optional[str]) -> dict[str, str]:
    """What a program starts with: nothing of this process but the place of programs."""
    passed = {name: os.environ[name] for name in _PASSED if name in os.environ}
    return {**passed, "PATH": _path(), "HOME": home or os.environ.get("HOME", "/"), "LANG": "C.UTF-8", **({"USER": user, "LOGNAME": user} if user else {})}


def run(argv: list[str], timeout: float, environ_: Mapping[str, str], cwd: Optional[str]) -> Ran:
    """What it ended with, and the last that it said.  It gets a session of its own, and all of it ends with the time."""
    with tempfile.TemporaryFile() as said:
        try:
            running = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT, env=dict(environ_), cwd=cwd or "/", start_new_session=True)
        except OSError as err:
            return Ran(127, f"{argv[0]}: {os.strerror(err.errno or 0).lower()}")
        try:
            code: Optional[int] = running.wait(timeout)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            try:
                os.killpg(running.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass
            running.wait()
        said.seek(0, os.SEEK_END)
        said.seek(max(0, said.tell() - _SAID))
        return Ran(code, said.read().decode("utf-8", "replace"))


def find(name: str) -> Optional[str]:
    """The first program of this name in PATH that nobody but root, and this user, can have put there."""
    for folder in _path().split(":"):
        path = f"{folder}/{name}"
        if folder.startswith("/") and os.access(path, os.X_OK) and all(map(_is_trusted, _ways(path))):
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
