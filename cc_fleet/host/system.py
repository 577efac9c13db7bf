"""The machine to read: this one, live, or a system that lies below a root."""

from __future__ import annotations

import os
import sys
from typing import Mapping, Optional

from ..model import Gap, Place
from .accounts import accounts, told_apart
from .machine import Machine, User
from .tree import Disk, Folded, Missing, Tree, Unreadable

_MACHINE_GUID = "HKLM\\SOFTWARE\\Microsoft\\Cryptography"


def live(keep: frozenset[str] = frozenset(), *, digests: bool = False, probe: bool = False) -> Machine:
    """This machine: every user's home as root or administrator, else the caller's."""
    tree, environ, system = Disk(), dict(os.environ), _os()
    caller, privileged = _caller(environ), _is_privileged()
    machine = Machine(
        tree, "machine", _name(environ), system, (caller,), privileged,
        _machine_id(tree), environ, caller, _cwd(), keep, digests, probe=probe,
    )  # fmt: skip
    if privileged:
        everybody, unread = accounts(tree, system)
        machine = machine._replace(users=told_apart((caller, *(u for u in everybody if u.home != caller.home))), unread=_gaps(unread))
    return _with_live_registry(machine, caller) if system == "windows" else machine


def under(root: str, keep: frozenset[str] = frozenset(), *, digests: bool = False) -> Machine:
    """The system that lies below ``root``: every home that it has, and no environment."""
    disk = Disk(root)
    system = _os_below(disk)
    tree: Tree = disk if system == "linux" else Folded(disk, "C:" if system == "windows" else "")
    users, unread = accounts(tree, system)
    name = _first_line(tree, "/etc/hostname") or os.path.basename(disk.root) or "/"
    machine = Machine(
        tree, "filesystem", name, system, users, _is_privileged(), _machine_id(tree),
        keep=keep, digests=digests, unread=_gaps(unread),
    )  # fmt: skip
    return _with_exported_registry(machine) if system == "windows" else machine


def _gaps(unread: Optional[str]) -> tuple[Gap, ...]:
    return (Gap(unread, Place("/etc/passwd")),) if unread else ()


def _os() -> str:
    return {"darwin": "macos", "win32": "windows"}.get(sys.platform, "linux")


def _os_below(tree: Tree) -> str:
    """Which system lies there, by the folders at its top."""
    try:
        names = {name.lower() for name in tree.names("/")}
    except (Missing, Unreadable):
        return "linux"
    if "users" in names and names & {"windows", "program files", "programdata"}:
        return "windows"
    return "macos" if "users" in names and names & {"library", "system", "applications"} else "linux"


def _with_exported_registry(machine: Machine) -> Machine:
    from . import registry

    homes = {user.home.lower(): user.name for user in machine.users}
    try:
        names = [name for name in machine.tree.names("C:/") if name.lower().endswith(".reg")]
    except (Missing, Unreadable):
        names = []
    found, gaps = registry.exported(machine.tree, names, homes)
    guid = found.values(_MACHINE_GUID).get("machineguid")
    name = found.values("HKLM\\SYSTEM\\CurrentControlSet\\Control\\ComputerName\\ComputerName").get("computername")
    return machine._replace(
        registry=found, unread=(*machine.unread, *gaps), machine_id=str(guid.data)[:256] if guid else None, name=str(name.data)[:256] if name else machine.name
    )


def _with_live_registry(machine: Machine, caller: User) -> Machine:
    import importlib

    from . import registry

    found = registry.Live(importlib.import_module("winreg"), caller.name)
    guid = found.values(_MACHINE_GUID).get("machineguid")
    return machine._replace(registry=found, machine_id=str(guid.data) if guid else None)


def _is_privileged() -> bool:
    if hasattr(os, "geteuid"):
        return os.geteuid() == 0
    import ctypes

    return bool(ctypes.windll.shell32.IsUserAnAdmin())  # type: ignore[attr-defined,unused-ignore]


def _name(environ: Mapping[str, str]) -> str:
    return os.uname().nodename if hasattr(os, "uname") else environ.get("COMPUTERNAME", "windows")


def _cwd() -> Optional[str]:
    try:
        return os.getcwd().replace(os.sep, "/")
    except OSError:  # the folder is gone
        return None


def _caller(environ: Mapping[str, str]) -> User:
    """Who runs this.  The client asks HOME for the home (USERPROFILE on Windows), and so does this."""
    if not hasattr(os, "geteuid"):
        return User(environ.get("USERNAME", "user"), environ.get("USERPROFILE", "C:/").replace("\\", "/"), "powershell")
    import pwd

    try:
        entry = pwd.getpwuid(os.geteuid())
        name, home, shell = entry.pw_name, entry.pw_dir, entry.pw_shell
    except KeyError:  # a container's number without a name
        name, home, shell = str(os.geteuid()), "/", "sh"
    return User(name, environ.get("HOME") or home, os.path.basename(shell))


def _first_line(tree: Tree, path: str) -> str:
    try:
        return tree.read(path, 256).decode("ascii", "replace").partition("\n")[0].strip()
    except (Missing, Unreadable):
        return ""


def _machine_id(tree: Tree) -> Optional[str]:
    return _first_line(tree, "/etc/machine-id") or None


