"""Which ``claude`` a user's PATH runs, and which others it would find."""

from __future__ import annotations

import re
from typing import Iterator

from .machine import Launcher, Machine, User
from .tree import Missing, Stat, Unreadable

WANTS = ("*/claude",)

_PACKAGE = re.compile(r"^(.*/node_modules/@anthropic-ai/claude-code)/(?:cli\.js|bin/claude\.exe)$")
_NATIVE = re.compile(r"^(.*/share/claude/versions/[^/]+)$")
_LOCAL = re.compile(r"^(.*/\.claude/local)/claude$")


def find(machine: Machine) -> tuple[Launcher, ...]:
    """Every ``claude`` in the PATH of every user, in the order in which the PATH is searched."""
    seen: dict[str, Stat | None] = {}
    return tuple(found for user in machine.users for found in _of(machine, user, seen))


def package(launcher: Launcher) -> str | None:
    """The npm package that a launcher runs."""
    found = _PACKAGE.match(launcher.real)
    if found:
        return found[1]
    local = _LOCAL.match(launcher.real)
    return f"{local[1]}/node_modules/@anthropic-ai/claude-code" if local else None


def native(launcher: Launcher) -> str | None:
    """The native binary that a launcher runs."""
    found = _NATIVE.match(launcher.real)
    return found[1] if found else None


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
