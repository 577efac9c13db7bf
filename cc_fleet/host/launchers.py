"""Which ``claude`` a user's PATH runs, and which others it would find.

A link is followed by the system. The shims that package managers write are followed here, as
their real files have them (facts/claude-code.md 3; seen with npm 11, pnpm 9 to 12, yarn 1.22, bun
1.4 and mise 2026.9): a short script that names the package beside itself, or a link to the manager,
which runs the one package that it holds. What another script runs is not guessed.
"""

from __future__ import annotations

import posixpath
import re
from itertools import islice
from typing import Iterator

from ..model import Gap
from .layout import find as expand
from .machine import Launcher, Machine, User
from .tree import Missing, Stat, Unreadable

PACKAGE = "/node_modules/@anthropic-ai/claude-code"
# Of each manager: the folder of its shims, its name, and where the packages stand that they run.
SHIMS = (
    ("/.volta/bin", "Volta", ("/.volta/tools/image/packages/@anthropic-ai/claude-code/lib",)),
    ("/appdata/local/volta/bin", "Volta", ("/AppData/Local/Volta/tools/image/packages/@anthropic-ai/claude-code",)),
    ("/.asdf/shims", "asdf", ("/.asdf/installs/nodejs/*/lib",)),
    ("/mise/shims", "mise", (
        "/mise/installs/npm-anthropic-ai-claude-code/*/lib", "/mise/installs/npm-anthropic-ai-claude-code/*",
        "/mise/installs/node/*/lib", "/mise/installs/node/*",
    )),
    ("/.nodenv/shims", "nodenv", ("/.nodenv/versions/*/lib",)),
    ("/.bun/bin", "bun", ("/.bun/install/global",)),
)  # fmt: skip
# Of each place that keeps native programs by version: what stands before the version, and the method.
STORES = (
    ("/share/claude/versions/", "native"), ("/Caskroom/claude-code/", "homebrew"), ("/Caskroom/claude-code@latest/", "homebrew"),
    ("/Cellar/claude-code/", "homebrew"), ("/mise/installs/claude/", "mise"), ("/Claude/claude-code/", "desktop"),
)  # fmt: skip
WANTS = (
    "*/claude", "*/claude.exe", "*/claude.cmd", "*/claude.bat", "*/claude.ps1", *(f"*{PACKAGE}/{name}" for name in ("cli.js", "bin/claude.exe")),
    "*/.asdf/installs/nodejs", "*/mise/installs/n*", "*/.nodenv/versions",
)  # fmt: skip

_LOCAL = "/.claude/local"
_NAMES = {"windows": ("claude.exe", "claude.cmd", "claude.bat", "claude.ps1")}
_PROGRAMS = ("/cli.js", "/bin/claude.exe")
_WINGET = r"(?i)/WinGet/(?:Links|Packages/Anthropic\.ClaudeCode_[^/]*)/claude\.exe$"
_VERSIONS = 50  # of one manager
_SCRIPT = 16384  # no shim is longer
_TARGET = (
    r"""(?:["'](?:\$basedir|%~?dp0%?)[\\/]+|"\$basedir_(?:abs|win)"/')([^"'$%\r\n]{0,400}?node_modules[\\/])"""
    r"""(?:@anthropic-ai[\\/]claude-code[\\/](?:cli\.js|bin[\\/]claude\.exe)|\.bin[\\/]claude(?:\.cmd)?)["']"""
)


def find(machine: Machine) -> tuple[Launcher, ...]:
    """Every ``claude`` in the PATH of every user, in the order in which the PATH is searched."""
    seen: dict[str, str | None] = {}
    return tuple(found for user in machine.users for found in _of(machine, user, seen))


def package(launcher: Launcher) -> str | None:
    """The npm package that a launcher runs."""
    for program in ("", *_PROGRAMS):
        if launcher.real.endswith(f"{PACKAGE}{program}"):
            return launcher.real[: len(launcher.real) - len(program)]
    return f"{launcher.real[:-len('/claude')]}{PACKAGE}" if launcher.real.endswith(f"{_LOCAL}/claude") else None


def native(launcher: Launcher) -> str | None:
    """The native binary that a launcher runs, in a folder that is named by its version."""
    return launcher.real if stored(launcher.real) else None


def stored(path: str) -> tuple[str, str] | None:
    """The version and the method of a native program, by where it stands."""
    for before, method in STORES:
        _, found, rest = path.partition(before)
        if found:
            return re.sub(r"\.exe$", "", rest.partition("/")[0]), method
    return None


def copied(machine: Machine, launcher: Launcher) -> bool:
    """Whether this is the copy of a native install in a home on Windows, or winget's program or link."""
    if machine.os != "windows":
        return False
    return winget(launcher) or launcher.path.lower() in [f"{user.home}/.local/bin/claude.exe".lower() for user in machine.users]


def winget(launcher: Launcher) -> bool:
    """Whether winget put this program, or a link to it."""
    return bool(re.search(_WINGET, launcher.path) or re.search(_WINGET, launcher.real))


def manager(launcher: Launcher) -> str | None:
    """The manager of whose several packages this shim runs one, which only running it would tell."""
    folder = launcher.path.rpartition("/")[0].lower()
    return next((name for shims, name, _ in SHIMS if folder.endswith(shims)), None) if package(launcher) is None else None


def packaged(launcher: Launcher) -> bool:
    """Whether this is where the packages of apt, dnf and apk put it."""
    return launcher.path in ("/usr/bin/claude", "/bin/claude") and package(launcher) is None and native(launcher) is None


def _of(machine: Machine, user: User, seen: dict[str, str | None]) -> Iterator[Launcher]:
    first = True
    for folder in machine.session(user).path:
        for name in _NAMES.get(machine.os, ("claude",)):
            path = f"{folder.rstrip('/')}/{name}"
            if path not in seen:
                seen[path] = _program(machine, path) if path.startswith("/") or path[1:3] == ":/" else None
            real = seen[path]
            if real is not None:
                yield Launcher(path, real, user.name, first)
                first = False
                break


def _program(machine: Machine, path: str) -> str | None:
    """What stands behind ``path``, if it is a program."""
    try:
        stat = machine.tree.stat(path)
    except (Missing, Unreadable):
        return None
    if stat.kind != "file" or not (stat.mode & 0o111 or machine.os == "windows"):
        return None
    launcher = Launcher(path, stat.real, "", False)
    if package(launcher) or native(launcher):
        return stat.real
    return _behind_script(machine, path, stat) or _behind_shim(machine, path) or stat.real


def _behind_script(machine: Machine, path: str, stat: Stat) -> str | None:
    """The package that a shim of npm, pnpm or yarn names, if it is there."""
    if stat.size > _SCRIPT or path.endswith(".exe"):
        return None
    try:
        text = machine.tree.read(path, _SCRIPT).decode("utf-8", "replace")
        named = {found[1].replace("\\", "/") for found in re.finditer(_TARGET, text)}
        folders = {posixpath.normpath(f"{path.rpartition('/')[0]}/{name}") for name in named}
        return _only(machine, [folder.rpartition("/")[0] for folder in folders])
    except (Missing, Unreadable):
        return None


def _behind_shim(machine: Machine, path: str) -> str | None:
    """The one package that the manager of this shim holds."""
    folder = path.rpartition("/")[0]
    for shims, _, patterns in SHIMS:
        if folder.lower().endswith(shims):
            root = folder[: len(folder) - len(shims)]
            folders = [one for pattern in patterns for one in islice(expand(machine.tree, root + pattern), _VERSIONS + 1) if not isinstance(one, Gap)]
            return _only(machine, folders) if len(folders) <= _VERSIONS else None  # of so many it is not known which
    return None


def _only(machine: Machine, folders: list[str]) -> str | None:
    """The package that stands in ``folders``, if it is one."""
    found = set()
    for folder in folders:
        for program in _PROGRAMS:
            try:
                real = machine.tree.stat(f"{folder}{PACKAGE}{program}").real
            except (Missing, Unreadable):
                continue
            found.add(real[: len(real) - len(program)] if real.endswith(program) else f"{folder}{PACKAGE}")
    return found.pop() if len(found) == 1 else None
