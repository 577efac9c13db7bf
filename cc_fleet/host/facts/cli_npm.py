"""Claude Code as npm's package: whatever installed it, and in the current folder.

Up to 2.1.112 the package is ``cli.js``; from 2.1.113 it is ``bin/claude.exe``, a native
program that npm's install script links from the platform package (facts/wire.md 1).  An
install without that script, or without the platform package, leaves a stub that says a
version and cannot run (facts/enforcement.md D 1 and 3).

Where each manager puts it was seen in real installs of npm 11 (the platform package lies inside),
pnpm 9, 10 (``global/5``) and 12 (``global/v11/HASH``, a link to its store), yarn 1.22, bun 1.4 and
mise 2026.9; those of nvm, fnm, Volta, asdf, nodenv, n and nvm-windows are their documented ones.
The devcontainer feature is a plain ``npm install -g``, and leaves nothing else to read.
"""

from __future__ import annotations

import json
import re
from typing import Any, Iterator

from ...model import Gap, Install, Place
from .. import launchers, redact
from ..layout import LISTED, find, in_home
from ..machine import Machine, User
from ..text import Text, read_folder, read_text
from ..tree import Missing, Unreadable

PACKAGE = "node_modules/@anthropic-ai/claude-code"
# Below a home (``~``), or everywhere. On Windows npm has no ``lib`` in a prefix.
PLACES = {
    "linux": (
        "/usr/local/lib", "/usr/lib", "/opt/nodejs/lib", "/home/linuxbrew/.linuxbrew/lib", "/usr/local/share/nvm/versions/node/*/lib",
        "/usr/local/nvm/versions/node/*/lib", "/usr/local/share/.config/yarn/global", "~/.local/share/fnm/node-versions/*/installation/lib",
        "~/.local/share/pnpm/global/*", "~/.local/share/pnpm/global/*/*",
    ),
    "macos": (
        "/usr/local/lib", "/opt/homebrew/lib", "/opt/local/lib", "/usr/local/share/.config/yarn/global",
        "~/Library/Application Support/fnm/node-versions/*/installation/lib", "~/.local/share/fnm/node-versions/*/installation/lib",
        "~/Library/pnpm/global/*", "~/Library/pnpm/global/*/*",
    ),
    "windows": (
        "C:/Program Files/nodejs", "C:/nvm4w/nodejs", "~/AppData/Roaming/npm", "~/AppData/Roaming/nvm/v*", "~/AppData/Local/nvm/v*",
        "~/AppData/Roaming/fnm/node-versions/*/installation", "~/AppData/Local/pnpm/global/*", "~/AppData/Local/pnpm/global/*/*", "~/AppData/Local/Yarn/Data/global",
        "~/AppData/Local/Volta/tools/image/packages/@anthropic-ai/claude-code", "~/AppData/Local/mise/installs/node/*",
        "~/AppData/Local/mise/installs/npm-anthropic-ai-claude-code/*", "~/scoop/persist/nodejs*/bin", "~/.bun/install/global",
    ),
}  # fmt: skip
UNIX = (
    "~/.npm-global/lib", "~/.npm-packages/lib", "~/.local/lib", "~/n/lib", "~/.nvm/versions/node/*/lib", "~/.fnm/node-versions/*/installation/lib",
    "~/.volta/tools/image/packages/@anthropic-ai/claude-code/lib", "~/.volta/tools/image/node/*/lib", "~/.asdf/installs/nodejs/*/lib",
    "~/.nodenv/versions/*/lib", "~/.local/share/mise/installs/npm-anthropic-ai-claude-code/*/lib", "~/.local/share/mise/installs/node/*/lib",
    "~/.bun/install/global", "~/.config/yarn/global", "~/.yarn-global",
)  # fmt: skip
# What tells the manager in a path, in small letters, and how the method is called.
METHODS = (
    ("/.claude/local/", "npm-local"), ("volta/tools/image/packages/", "volta"), ("pnpm/", "pnpm"), ("/.bun/", "bun"), ("/yarn/", "yarn"),
    ("/.yarn-global/", "yarn"), ("/mise/installs/npm-", "mise"), ("/mise/installs/", "npm (mise)"), ("/appdata/roaming/nvm/", "npm (nvm-windows)"),
    ("/appdata/local/nvm/", "npm (nvm-windows)"), ("/nvm4w/", "npm (nvm-windows)"), ("/versions/node/", "npm (nvm)"),
    ("/node-versions/", "npm (fnm)"), ("/.volta/", "npm (volta)"), ("asdf/installs/", "npm (asdf)"), ("/.nodenv/", "npm (nodenv)"),
)  # fmt: skip
# Their folder is put into PATH by a hook in the shell, or by a shim, and not by a file that is read.
HOOKED = frozenset(method for _, method in METHODS if "(" in method) | {"mise", "volta"}
WANTS = (
    f"*/{PACKAGE}", f"*/{PACKAGE}/package.json", f"*/{PACKAGE}/cli.js", f"*/{PACKAGE}/bin/claude.exe", "*/node_modules/@anthropic-ai",
    "*/node_modules/@anthropic-ai/claude-code-*/claude*", "~/.npmrc", *LISTED, "*/versions/node", "*/node-versions", "*/pnpm/global*", "*/image/node", "*/installs/nodejs", "*/.nodenv/versions", "*/mise/installs/n*",
    "*/AppData/*/nvm", "*/scoop/persist",
)  # fmt: skip
_PREFIX = r"(?m)^[ \t]*prefix[ \t]*=[ \t]*\"?([^\s\"](?:[^\r\n\"]{0,1000}[^\s\"])?)\"?[ \t\r]*$"
VERSION = r"\d+\.\d+\.\d+[0-9A-Za-z.+-]{0,40}"
PROGRAMS = (b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"MZ")


def read(machine: Machine) -> Iterator[Any]:
    runs: dict[str, set[str]] = {}
    for launcher in machine.launchers:
        if package := launchers.package(launcher):
            runs.setdefault(package, set()).update({launcher.user} if launcher.wins else ())
    seen: set[str] = set()
    for folder, owner in _folders(machine).items():
        if isinstance(folder, Gap):
            yield folder
            continue
        real = _real(machine, folder)
        if real is not None and real not in seen:
            seen.add(real)
            yield from _package(machine, real, _method(machine, folder), owner, runs.get(real, runs.get(folder)))


def _real(machine: Machine, folder: str) -> str | None:
    """The folder behind links: several versions' names, or a store's, may lead to one package."""
    try:
        return machine.tree.stat(folder).real
    except Missing:
        return None
    except Unreadable:
        return folder


def _folders(machine: Machine) -> dict[str | Gap, User | None]:
    """Every folder where a package may stand, and in whose home it is."""
    folders: dict[str | Gap, User | None] = dict.fromkeys(
        found for launcher in machine.launchers if (found := launchers.package(launcher))
    )
    places = PLACES[machine.os] if machine.os == "windows" else (*PLACES[machine.os], *UNIX)
    everywhere = [place for place in places if place[0] != "~"]
    folders.update((found, None) for place in everywhere for found in find(machine.tree, f"{place}/{PACKAGE}"))
    for user in machine.users:
        for prefix in _prefixes(machine, user):
            folders[f"{prefix}/lib/{PACKAGE}" if machine.os != "windows" else f"{prefix}/{PACKAGE}"] = None
        below = [place for place in (*places, "~/.claude/local") if place[0] == "~"]
        folders.update((found, None) for found in in_home(machine.tree, user.home, [f"{place}/{PACKAGE}" for place in below]))
    if machine.cwd:
        folders[f"{machine.cwd}/{PACKAGE}"] = None
    folders.update((folder, None) for folder in machine.packages if folder not in folders)
    homes = {user.home: user for user in machine.users}
    return {folder: None if isinstance(folder, Gap) else _owner(homes, folder) for folder in folders}


def _prefixes(machine: Machine, user: User) -> Iterator[str]:
    if (prefix := machine.session(user).prefix) is not None:
        yield prefix
    npmrc = read_text(machine.tree, f"{user.home}/.npmrc", 65536)
    if isinstance(npmrc, Text) and (found := re.search(_PREFIX, npmrc.text)):
        yield re.sub(r"^(~|\$\{?HOME\}?|\$\{USERPROFILE\})(?=/)", lambda _: user.home, found[1].replace("\\", "/"))


def _owner(homes: dict[str, User], folder: str) -> User | None:
    while folder:
        if folder in homes:
            return homes[folder]
        folder = folder.rpartition("/")[0]
    return None


def _package(machine: Machine, folder: str, method: str, owner: User | None, runs: set[str] | None) -> Iterator[Any]:
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
        "cli", version, method, place,
        None if not runs and method in HOOKED else tuple(sorted(runs or ())),
        owner.name if owner else None, defect is None, defect, platform=platform,
        sha256=digest(machine, binary) if not uses_cli_js and defect is None else None,
    )  # fmt: skip


def _method(machine: Machine, folder: str) -> str:
    if machine.cwd and folder == f"{machine.cwd}/{PACKAGE}":
        return "npm-project"
    path = folder.lower()
    return next((method for mark, method in METHODS if mark in path), "npm")


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
    platforms = _platforms(machine, f"{folder}/node_modules/@anthropic-ai") or _platforms(machine, folder.rpartition("/")[0])
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


def _platforms(machine: Machine, folder: str) -> list[str]:
    names = read_folder(machine.tree, folder)
    return [] if isinstance(names, Gap) else [name[len("claude-code-") :] for name in names if name.startswith("claude-code-")]


def digest(machine: Machine, path: str) -> str | None:
    """The sha256 of a native binary, where it was asked for."""
    try:
        return machine.tree.sha256(path) if machine.digests else None
    except (Missing, Unreadable):
        return None
