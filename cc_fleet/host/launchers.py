"""Which ``claude`` a user's PATH runs, and which others it would find."""

from __future__ import annotations

from typing import Iterator

from .machine import Launcher, Machine, User
from .tree import Missing, Stat, Unreadable

WANTS = ("*/claude",)

_PACKAGE = "/node_modules/@anthropic-ai/claude-code"
_LOCAL = "/.claude/local"


def find(machine: Machine) -> tuple[Launcher, ...]:
    """Every ``claude`` in the PATH of every user, in the order in which the PATH is searched."""
    seen: dict[str, Stat | None] = {}
    return tuple(found for user in machine.users for found in _of(machine, user, seen))


def package(launcher: Launcher) -> str | None:
    """The npm package that a launcher runs."""
    for program in ("/cli.js", "/bin/claude.exe"):
        if launcher.real.endswith(f"{_PACKAGE}{program}"):
            return launcher.real.removesuffix(program)
    return f"{launcher.real[:-len('/claude')]}{_PACKAGE}" if launcher.real.endswith(f"{_LOCAL}/claude") else None


def native(launcher: Launcher) -> str | None:
    """The native binary that a launcher runs."""
    return launcher.real if launcher.real.rpartition("/")[0].endswith("/share/claude/versions") else None


def _of(machine: Machine, user: User, seen: dict[str, Stat | None]) -> Iterator[Launcher]:
    first = True
    for folder in machine.session(user).path:
        path = f"{folder.rstrip('/')}/claude"
        if path not in seen:
            seen[path] = _program(machine, path) if path.startswith("/") else None
        stat = seen[path]
        if stat is not None:
            yield Launcher(path, stat.real, user.name, first)
            first = False


def _program(machine: Machine, path: str) -> Stat | None:
    try:
        stat = machine.tree.stat(path)
    except (Missing, Unreadable):
        return None
    return stat if stat.kind == "file" and stat.mode & 0o111 else None
