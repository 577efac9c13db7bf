"""Claude Code as winget's package ``Anthropic.ClaudeCode``.

The program lies in winget's folder of portable packages, a user's or the machine's, and the registry keeps what winget
installed.  Claude Code may have updated the program in place since (reported), so its version
is that of its own version resource, and the registry's alone is not believed.
"""

from __future__ import annotations

from typing import Any, Iterator

from ...model import Gap, Install, Place
from ..layout import find
from ..machine import Machine, User
from ..tree import Missing, Unreadable
from .cli_native import version
from .cli_npm import digest

NAME = "Anthropic.ClaudeCode"
KEY = "SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall"
FOLDERS = ("C:/Program Files/WinGet/Packages", "~/AppData/Local/Microsoft/WinGet/Packages")
LINKS = tuple(folder.replace("Packages", "Links") for folder in FOLDERS)
WANTS = (*FOLDERS, *(f"{folder}/{NAME}_*/claude.exe" for folder in FOLDERS), *(f"{folder}/claude.exe" for folder in LINKS))


def read(machine: Machine) -> Iterator[Any]:
    for user in (None, *machine.users):
        home, at = (user.home, 1) if user else ("", 0)
        runs: dict[str, set[str]] = {}
        for found in find(machine.tree, f"{FOLDERS[at]}/{NAME}_*/claude.exe".replace("~", home, 1)):
            if isinstance(found, Gap):
                yield found
            elif _stands(machine, found):
                runs[found] = set()
        links = f"{LINKS[at]}/claude.exe".replace("~", home, 1)
        for launcher in machine.launchers:
            program = next((path for path in runs if path.lower() == launcher.real.lower()), None)
            if program is None and launcher.path.lower() == links.lower():
                program = next(iter(runs), links)
            if program:
                runs.setdefault(program, set()).update({launcher.user} if launcher.wins else ())
        for path, users in runs.items():
            yield _program(machine, path, user, users)
        if not runs:
            yield from _recorded(machine, user)


def _stands(machine: Machine, path: str) -> bool:
    try:
        return machine.tree.stat(path).kind == "file"
    except Missing:
        return False
    except Unreadable:
        return True


def _program(machine: Machine, path: str, owner: User | None, users: set[str]) -> Install | Gap:
    found = version(machine, path)
    if found is None:
        return Gap("does not say its version, and may have updated itself since winget recorded one", Place(path))
    return Install("cli", found, "winget", Place(path), tuple(sorted(users)), owner.name if owner else None, True, sha256=digest(machine, path))


def _recorded(machine: Machine, user: User | None) -> Iterator[Gap]:
    """What the registry has and no folder: a package whose program is gone, or lies elsewhere."""
    if machine.registry is None:
        return
    top = f"HKU\\{user.name}\\{KEY}" if user else f"HKLM\\{KEY}"
    try:
        for key in machine.registry.keys(top):
            if key.lower().startswith(NAME.lower()):
                values = machine.registry.values(f"{top}\\{key}")
                if values:
                    place = values.get("displayversion", next(iter(values.values()))).place
                    yield Gap("winget recorded Claude Code here, and its program is not in winget's folder", place)
    except Unreadable as err:
        yield Gap(str(err), Place(top))
