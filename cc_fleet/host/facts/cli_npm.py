"""Claude Code installed by npm: global prefixes, the old ``~/.claude/local``, the current folder.

Up to 2.1.112 the package is ``cli.js``; from 2.1.113 it is ``bin/claude.exe``, a native
program that npm's install script links from the platform package (facts/wire.md 1).  An
install without that script, or without the platform package, leaves a stub that says a
version and cannot run (facts/enforcement.md D 1 and 3).
"""

from __future__ import annotations

import json
import re
from typing import Any, Iterator

from ...model import Gap, Install, Place
from .. import launchers, redact
from ..machine import Machine, User
from ..text import Text, read_folder, read_text
from ..tree import Missing, Unreadable

PACKAGE = "node_modules/@anthropic-ai/claude-code"
WANTS = (
    f"*/{PACKAGE}/package.json", f"*/{PACKAGE}/cli.js", f"*/{PACKAGE}/bin/claude.exe",
    "*/node_modules/@anthropic-ai", "*/node_modules/@anthropic-ai/claude-code-*/claude", "~/.npmrc",
)  # fmt: skip
_PREFIX = r"(?m)^[ \t]*prefix[ \t]*=[ \t]*(\S{1,1000})[ \t\r]*$"
VERSION = r"\d+\.\d+\.\d+[0-9A-Za-z.+-]{0,40}"
PROGRAMS = (b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"MZ")


def read(machine: Machine) -> Iterator[Any]:
    runs: dict[str, set[str]] = {}
    for launcher in machine.launchers:
        if launcher.wins and (package := launchers.package(launcher)):
            runs.setdefault(package, set()).add(launcher.user)
    for folder, owner in _folders(machine).items():
        yield from _package(machine, folder, owner, tuple(sorted(runs.get(folder, ()))))


def _folders(machine: Machine) -> dict[str, User | None]:
    """Every folder where a package may stand, and in whose home it is."""
    folders: dict[str, None] = dict.fromkeys(
        found for launcher in machine.launchers if (found := launchers.package(launcher))
    )
    for prefix in ("/usr/local", "/usr", "/opt/nodejs"):
        folders[f"{prefix}/lib/{PACKAGE}"] = None
    for user in machine.users:
        for prefix in _prefixes(machine, user):
            folders[f"{prefix}/lib/{PACKAGE}"] = None
        folders[f"{user.home}/.claude/local/{PACKAGE}"] = None
    if machine.cwd:
        folders[f"{machine.cwd}/{PACKAGE}"] = None
    homes = {user.home: user for user in machine.users}
    return {folder: _owner(homes, folder) for folder in folders}


def _prefixes(machine: Machine, user: User) -> Iterator[str]:
    yield from (f"{user.home}/.npm-global", f"{user.home}/.local")
    if (prefix := machine.session(user).prefix) is not None:
        yield prefix
    npmrc = read_text(machine.tree, f"{user.home}/.npmrc", 65536)
    if isinstance(npmrc, Text) and (found := re.search(_PREFIX, npmrc.text)):
        yield re.sub(r"^(~|\$\{?HOME\}?)(?=/)", lambda _: user.home, found[1])


def _owner(homes: dict[str, User], folder: str) -> User | None:
    while folder:
        if folder in homes:
            return homes[folder]
        folder = folder.rpartition("/")[0]
    return None


def _package(machine: Machine, folder: str, owner: User | None, users: tuple[str, ...]) -> Iterator[Any]:
    path = f"{folder}/package.json"
    found = read_text(machine.tree, path, 1024 * 1024)
    if found is None:
        return
    place = Place(path)
    version, uses_cli_js = _manifest(found) if isinstance(found, Text) else ("", False)
    if isinstance(found, Gap) or not version:
        yield found if isinstance(found, Gap) else Gap("does not say which version is installed", place)
        return
    defect, platform = _script(machine, folder) if uses_cli_js else _program(machine, folder)
    binary = f"{folder}/bin/claude.exe"
    yield Install(
        "cli", version, _method(machine, folder), place,
        users,
        owner.name if owner else None, defect is None, defect, platform=platform,
        sha256=digest(machine, binary) if not uses_cli_js and defect is None else None,
    )  # fmt: skip


def _method(machine: Machine, folder: str) -> str:
    if "/.claude/local/" in folder:
        return "npm-local"
    return "npm-project" if machine.cwd and folder == f"{machine.cwd}/{PACKAGE}" else "npm"


def _manifest(found: Text) -> tuple[str, bool]:
    try:
        manifest = json.loads(found.text)
        version, program = manifest["version"], manifest.get("bin")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return "", False
    program = program.get("claude") if isinstance(program, dict) else program
    good = isinstance(version, str) and re.fullmatch(VERSION, version) and redact.name(version) == version
    return (version if good else ""), program != "bin/claude.exe"


def _script(machine: Machine, folder: str) -> tuple[str | None, None]:
    try:
        size = machine.tree.stat(f"{folder}/cli.js").size
    except Missing:
        return "cli.js is missing", None
    except Unreadable as err:
        return f"cli.js: {err}", None
    return (None if size else "cli.js is empty"), None


def _program(machine: Machine, folder: str) -> tuple[str | None, str | None]:
    """What keeps the native program from running, and its platform."""
    names = read_folder(machine.tree, folder.rpartition("/")[0])
    siblings = [] if isinstance(names, Gap) else names
    platforms = [name[len("claude-code-") :] for name in siblings if name.startswith("claude-code-")]
    platform = platforms[0] if len(platforms) == 1 else None
    try:
        magic = machine.tree.read(f"{folder}/bin/claude.exe", 3)
    except (Missing, Unreadable) as err:
        return f"bin/claude.exe {str(err) or 'is missing'}", platform
    if magic.startswith(PROGRAMS):
        return None, platform
    if not magic:
        return "bin/claude.exe is empty", platform
    if not platforms:
        return "bin/claude.exe is npm's stub: the platform package is not installed", None
    return "bin/claude.exe is npm's stub: the install script did not run", platform


def digest(machine: Machine, path: str) -> str | None:
    """The sha256 of a native binary, where it was asked for."""
    try:
        return machine.tree.sha256(path) if machine.digests else None
    except (Missing, Unreadable):
        return None
