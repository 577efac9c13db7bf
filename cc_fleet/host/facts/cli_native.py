"""Native programs in folders that are named by their version.

``~/.local/share/claude/versions/X`` are Claude Code's own installs, one file a version (on Windows
``X`` or ``X.exe``): ``~/.local/bin/claude`` links to the one that runs, the others are what the
updater left.  On Windows ``~/.local/bin/claude.exe`` is a copy: its version is that of its own
version resource, else of the one stored file of its size.  An install that failed leaves an empty
file (facts/enforcement.md D 5).

Homebrew's casks ``claude-code`` and ``claude-code@latest`` lie in ``Caskroom/NAME/X``, mise's own
``claude`` in ``installs/claude/X``.  Claude Desktop keeps a copy of its own in the folder of its
settings, ``Claude/claude-code/X`` (reported for Windows, also in the folder of its store package,
macOS, where it lies in ``claude.app``, and Linux; not documented, and not measured here).
"""

from __future__ import annotations

import re
from itertools import islice
from typing import Any, Iterator

from ...model import Gap, Install, Place
from .. import launchers
from ..layout import LISTED, find, in_home
from ..machine import Machine, User
from ..text import read_folder
from ..tree import Missing, Unreadable
from .cli_npm import PROGRAMS, VERSION, digest

VERSIONS = ".local/share/claude/versions"
COPY = ".local/bin/claude.exe"
FOLDERS = {
    "linux": ("/home/linuxbrew/.linuxbrew/Caskroom/claude-code*/*", "~/.local/share/mise/installs/claude/*", "~/.config/Claude/claude-code/*"),
    "macos": (
        "/opt/homebrew/Caskroom/claude-code*/*", "/usr/local/Caskroom/claude-code*/*", "~/.local/share/mise/installs/claude/*",
        "~/Library/Application Support/Claude/claude-code/*",
    ),
    "windows": (
        "~/AppData/Local/mise/installs/claude/*", "~/AppData/Roaming/Claude/claude-code/*",
        "~/AppData/Local/Packages/Claude_*/LocalCache/Roaming/Claude/claude-code/*",
    ),
}  # fmt: skip
WANTS = (
    f"*/{VERSIONS}", "*/share/claude/versions/*", f"*/{COPY}", *LISTED, "*/Caskroom", "*/Caskroom/claude-code*", "*/Cellar/claude-code/*", "*/installs/claude", "*/installs/claude/*",
    "*/Claude/claude-code", "*/Claude/claude-code/*", "*/AppData/Local/Packages",
)  # fmt: skip
_PROGRAMS = ("claude", "bin/claude", "claude.exe", "claude.app/Contents/MacOS/claude")
_RESOURCES = 4 * 1024 * 1024


def read(machine: Machine) -> Iterator[Any]:
    files: dict[str, str | None] = {}
    for user in machine.users:
        names = read_folder(machine.tree, f"{user.home}/{VERSIONS}")
        if isinstance(names, Gap):
            yield names
            continue
        files.update({f"{user.home}/{VERSIONS}/{name}": user.name for name in names if _version(f"{VERSIONS}/{name}")})
    for place, owner in _folders(machine):
        if isinstance(place, Gap):
            yield place
        elif _version(f"{place}/"):
            files[_program(machine, place)] = owner
    runs: dict[str, set[str]] = {}
    for launcher in machine.launchers:
        if (real := launchers.native(launcher)) is not None and _version(real):
            files.setdefault(real, None)
            runs.setdefault(real, set()).update({launcher.user} if launcher.wins else ())
    unknown: set[str] = set()
    if machine.os == "windows":
        for user in machine.users:
            yield from _copy(machine, user, files, runs, unknown)
    for path, name in files.items():
        yield _install(machine, path, name, None if name in unknown and f"/{VERSIONS}/" in path else tuple(sorted(runs.get(path, ()))))


def _version(path: str) -> str | None:
    """The version of a native program, by where it stands."""
    found = launchers.stored(path if path.startswith("/") else f"/{path}")
    return found[0] if found and re.fullmatch(VERSION, found[0]) else None


def _folders(machine: Machine) -> Iterator[tuple[str | Gap, str | None]]:
    patterns = FOLDERS[machine.os]
    for pattern in patterns:
        if pattern[0] != "~":
            yield from ((found, None) for found in find(machine.tree, pattern))
    for user in machine.users:
        yield from ((found, user.name) for found in in_home(machine.tree, user.home, [one for one in patterns if one[0] == "~"]))


def _program(machine: Machine, folder: str) -> str:
    """The program in a folder that is named by its version; where there is none, what should be it."""
    for inner in ("", "/*"):  # Claude Desktop puts a digest between
        for found in islice(find(machine.tree, f"{folder}{inner}"), 20):
            for name in _PROGRAMS if not isinstance(found, Gap) else ():
                try:
                    if machine.tree.stat(f"{found}/{name}").kind == "file":
                        return machine.tree.stat(f"{found}/{name}").real
                except (Missing, Unreadable):
                    continue
    return f"{folder}/{'claude.exe' if machine.os == 'windows' else 'claude'}"


def _install(machine: Machine, path: str, owner: str | None, users: tuple[str, ...] | None) -> Install:
    defect = _defect(machine, path)
    version, method = launchers.stored(path) or ("", "")
    if method == "mise" and not users:
        users = None  # its shell hook decides
    return Install(
        "cli", version, method, Place(path), users, owner, defect is None, defect,
        bundled_in="Claude Desktop" if method == "desktop" else None, sha256=None if defect else digest(machine, path),
    )  # fmt: skip


def _copy(machine: Machine, user: User, files: dict[str, str | None], runs: dict[str, set[str]], unknown: set[str]) -> Iterator[Any]:
    """Which version ``claude.exe`` is: one of the stored, which then runs, or one of its own."""
    path = f"{user.home}/{COPY}"
    try:
        size = machine.tree.stat(path).size
    except Missing:
        return
    except Unreadable as err:
        unknown.add(user.name)
        yield Gap(str(err), Place(path))
        return
    winners = {one.user for one in machine.launchers if one.wins and one.real.lower() == path.lower()}
    own, stored = version(machine, path), [file for file in files if file.startswith(f"{user.home}/{VERSIONS}/")]
    same = [file for file in stored if (_version(file) == own if own else _size(machine, file) == size)]
    if len(same) == 1 and (own or not machine.digests or digest(machine, same[0]) == digest(machine, path)):
        runs.setdefault(same[0], set()).update(winners)
    elif own:
        defect = _defect(machine, path)
        yield Install("cli", own, "native", Place(path), tuple(sorted(winners)), user.name, defect is None, defect, sha256=digest(machine, path))
    else:
        unknown.add(user.name)
        yield Gap("is a copy of no stored version, so its version cannot be read", Place(path))


def _size(machine: Machine, path: str) -> int | None:
    try:
        return machine.tree.stat(path).size
    except (Missing, Unreadable):
        return None


def version(machine: Machine, path: str) -> str | None:
    """The version in the resources of a Windows program of Anthropic's (seen in 2.1.330's: ``2.1.330.0``)."""
    try:
        head = machine.tree.part(path, 0, 4096)
        at = int.from_bytes(head[0x3C:0x40], "little")
        count, optional = int.from_bytes(head[at + 6 : at + 8], "little"), int.from_bytes(head[at + 20 : at + 22], "little")
        if head[:2] != b"MZ" or head[at : at + 4] != b"PE\0\0":
            return None
        for section in range(at + 24 + optional, at + 24 + optional + 40 * min(count, 64), 40):
            if head[section : section + 8].rstrip(b"\0") == b".rsrc":
                size, start = (int.from_bytes(head[section + of : section + of + 4], "little") for of in (16, 20))
                return _told(machine.tree.part(path, start, min(size, _RESOURCES)))
    except (Missing, Unreadable):
        pass
    return None


def _told(resources: bytes) -> str | None:
    text = resources[resources.find("ProductVersion".encode("utf-16-le")) :][:80].decode("utf-16-le", "replace")
    found = re.match(r"ProductVersion\0+(\d{1,6}\.\d{1,6}\.\d{1,6})(?:\.0)?\0", text)
    return found[1] if found and "Anthropic".encode("utf-16-le") in resources else None


def _defect(machine: Machine, path: str) -> str | None:
    try:
        magic = machine.tree.read(path, 3)
    except (Missing, Unreadable) as err:
        return str(err) or "is missing"
    if magic.startswith(PROGRAMS):
        return None
    return "is not a program" if magic else "is empty: its download failed"
