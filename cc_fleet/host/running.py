"""What runs now: sessions of Claude Code, and editors that run its extension.  Nothing is ever ended, only told.

A session goes on with the version and the settings that it was started with, and an editor writes its ``extensions.json``
whenever it likes.  Read from ``/proc``, on macOS from ``ps``; without root one's own alone.  What a process calls itself is its
own word: it decides at most that something is told, or waits, for the user whose process it is.
"""

from __future__ import annotations

import os
import re
from typing import Iterator, Optional

from ..records import NamedTuple
from .facts import extensions

CLAUDE = "Claude Code"
_MOST, _CMDLINE = 50_000, 8192
_PROGRAMS = {
    "code": "vscode", "code-insiders": "vscode-insiders", "codium": "vscodium", "vscodium": "vscodium", "cursor": "cursor",
    "windsurf": "windsurf", "antigravity": "antigravity",
}  # fmt: skip
_APPS = {
    "Visual Studio Code": "vscode", "Visual Studio Code - Insiders": "vscode-insiders", "VSCodium": "vscodium", "Cursor": "cursor",
    "Windsurf": "windsurf", "Antigravity": "antigravity",
}  # fmt: skip
_INTERPRETERS = ("node", "bun")
_APP = re.compile(rf"/(?:[^/]+/)*({'|'.join(map(re.escape, _APPS))})\.app/Contents/")
_SERVER = re.compile(r"/(code-server|\.[a-z-]+-server(?:-insiders)?|\.vscode-remote)(?:/|$)")
_LINE = re.compile(rb"\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S.*)")
_PS = ["/bin/ps", "-A", "-ww", "-o", "pid=", "-o", "ppid=", "-o", "uid=", "-o", "command="]


class Running(NamedTuple):
    """A process: ``what`` is "Claude Code" or the editor as facts call it, ``program`` the name of its file."""

    pid: int
    user: str
    what: str
    program: str


class Process(NamedTuple):
    """What the system says of one."""

    pid: int
    parent: int
    uid: int
    program: str
    arguments: tuple[str, ...]


def found(os_: str) -> list[Running]:
    """What runs on this machine, by pid; of a family of processes its first."""
    return told(list(processes() if os_ == "linux" else listed(_ps()) if os_ == "macos" else ()))


def opened(os_: str, user: Optional[str], names: list[str]) -> list[Running]:
    """Those of ``user`` that are called, or whose program is called, one of ``names`` ("vscode", "code"); with ``user`` None everybody's."""
    meant = {*names, *(_PROGRAMS[name] for name in names if name in _PROGRAMS)}
    return [one for one in found(os_) if user in (None, one.user) and (one.what in meant or one.program in meant)] if names else []


def told(seen: list[Process]) -> list[Running]:
    """The processes that concern us."""
    known = {process.pid: (process, what) for process in seen if (what := recognised(process)) is not None}
    heads = [(process, what) for process, what in known.values() if known.get(process.parent, (None, None))[1] != what]
    return [Running(one.pid, _name(one.uid), what, one.program.rpartition("/")[2]) for one, what in sorted(heads, key=lambda head: head[0].pid)]


def recognised(process: Process) -> Optional[str]:
    """What it is; None: nothing that concerns us."""
    program = process.program
    name = program.rpartition("/")[2]
    paths = (program, *process.arguments[: 2 if name in _INTERPRETERS else 1])
    named = {one.rpartition("/")[2] for one in paths}
    if named & {"claude", "claude.exe"} or "/claude/versions/" in program or any("/@anthropic-ai/claude-code/" in one for one in paths):
        return CLAUDE
    app = _APP.match(program)
    if app is not None:
        return _APPS[app[1]]
    for one in paths:
        server = _SERVER.search(one) if one.startswith("/") else None
        if server is not None and (server[1] == extensions.CODE_SERVER or server[1] in extensions.SERVERS):
            return extensions.SERVERS.get(server[1], server[1])
    return _PROGRAMS.get(name)


def processes(proc: str = "/proc") -> Iterator[Process]:
    """The processes of Linux: everybody's for root, else one's own.  One that ends meanwhile is none."""
    me = os.geteuid()
    for number, name in enumerate(name for name in os.listdir(proc) if name.isdigit()):
        if number == _MOST:
            return
        try:
            uid = os.stat(f"{proc}/{name}").st_uid
            if me not in (0, uid):
                continue
            words = _read(f"{proc}/{name}/cmdline").rstrip("\0").split("\0")
            parent = int(_read(f"{proc}/{name}/stat").rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue
        try:
            program = os.readlink(f"{proc}/{name}/exe").removesuffix(" (deleted)")
        except OSError:  # a kernel's, or another's
            program = words[0]
        if program:
            yield Process(int(name), parent, uid, program, tuple(words))


def _read(path: str) -> str:
    with open(path, "rb", buffering=0) as file:
        return (file.read(_CMDLINE) or b"").decode("utf-8", "replace")


def _ps() -> bytes:
    import subprocess

    try:
        return subprocess.run(_PS, stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"}).stdout
    except (OSError, subprocess.SubprocessError):
        return b""


def listed(said: bytes) -> Iterator[Process]:
    """What ``ps`` said: pid, parent, user's number and the command, a line each.  Words with spaces in them are not told apart."""
    me = os.geteuid()
    for line in said.split(b"\n")[:_MOST]:
        match = _LINE.match(line[:_CMDLINE])
        if match is None or me not in (0, int(match[3])):
            continue
        command = match[4].decode("utf-8", "replace")
        app = _APP.match(command)
        words = tuple(command.split(" ", 4)[:4])
        yield Process(int(match[1]), int(match[2]), int(match[3]), app[0] if app else words[0], words)


def _name(uid: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
