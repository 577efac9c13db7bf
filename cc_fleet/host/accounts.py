"""Whose homes a system has: ``/etc/passwd`` and ``/home``, ``/Users``, or ``C:/Users``."""

from __future__ import annotations

import os
import posixpath
from typing import Optional

from .machine import User
from .tree import Missing, Tree, Unreadable

_NOT_HOMES = frozenset("/ /bin /sbin /usr/bin /usr/sbin /dev /proc /sys /run /nonexistent".split())
# Its folder in /home is a prefix for programs, unless an account has it as a home.
_HOMEBREW = "linuxbrew"
_NOT_PEOPLE = frozenset(("shared", "public", "default", "default user", "all users", "defaultuser0", "wdagutilityaccount", "guest"))


def accounts(tree: Tree, system: str) -> tuple[tuple[User, ...], Optional[str]]:
    """The users of a system that have a home; and what kept the list of them from being whole."""
    if system == "linux":
        return _of_passwd(tree)
    users = [User("root", "/var/root", "sh")] if system == "macos" and is_folder(tree, "/var/root") else []
    top, shell = ("C:/Users", "powershell") if system == "windows" else ("/Users", "zsh")
    names = (name for name in _names(tree, top) if name.lower() not in _NOT_PEOPLE and not name.startswith("."))
    return (*users, *(User(name, f"{top}/{name}", shell) for name in names if is_folder(tree, f"{top}/{name}"))), None


def _of_passwd(tree: Tree) -> tuple[tuple[User, ...], Optional[str]]:
    """The users of ``/etc/passwd`` that have a home, and the homes that nobody there has."""
    try:
        lines = tree.read("/etc/passwd").decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
        unread = None
    except Missing:
        lines, unread = [], None
    except Unreadable as err:
        lines, unread = [], str(err)
    users: dict[str, User] = {}
    for fields in (line.split(":") for line in lines):
        if len(fields) == 7 and fields[5].startswith("/") and (home := posixpath.normpath(fields[5])) not in _NOT_HOMES:
            users.setdefault(home, User(fields[0], home, os.path.basename(fields[6])))
    for home in ("/root", *(f"/home/{name}" for name in _names(tree, "/home") if name != _HOMEBREW)):
        users.setdefault(home, User(os.path.basename(home), home, "sh"))
    present = tuple(user for user in users.values() if is_folder(tree, user.home) and _may_run(tree, user))
    return told_apart(present), unread


def _may_run(tree: Tree, user: User) -> bool:
    """An account that cannot log in counts only if Claude Code was there: a service that runs it."""
    return user.shell not in ("nologin", "false") or ".claude" in _names(tree, user.home)


def told_apart(users: tuple[User, ...]) -> tuple[User, ...]:
    """Facts know users by name: of two homes with one name (``HOME`` was set) the later is told by its home."""
    seen: set[str] = set()
    apart = []
    for user in users:
        apart.append(user._replace(name=f"{user.name} ({user.home})") if user.name in seen else user)
        seen.add(user.name)
    return tuple(apart)


def _names(tree: Tree, path: str) -> list[str]:
    try:
        return tree.names(path)
    except (Missing, Unreadable):
        return []


def is_folder(tree: Tree, path: str) -> bool:
    """Whether a folder stands there; what cannot be looked at may be one, and its reader will say so."""
    try:
        return tree.stat(path).kind == "folder"
    except Missing:
        return False
    except Unreadable:
        return True
