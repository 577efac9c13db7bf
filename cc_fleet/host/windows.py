"""The environment that a Windows user's session starts with: the registry's, then PowerShell's profiles.

The user's own values replace the system's, and PATH is the system's with the user's behind it.
What a profile sets under a condition or by a command has no value here, as with any shell.
"""

from __future__ import annotations

import re
from typing import Iterator

from ..model import Gap, Place, Variable
from . import redact, shell
from .machine import Machine, Session, User
from .origin import Known, Origin, filled, finished
from .registry import Value
from .text import read_text
from .tree import Unreadable

SYSTEM = "HKLM\\SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Environment"
PATH = "C:/Windows/system32;C:/Windows;C:/Windows/System32/Wbem"
_DOCUMENTS = ("Documents", "OneDrive/Documents")
_PROFILES = ("profile.ps1", "Microsoft.PowerShell_profile.ps1")
_EVERYBODYS = ("C:/Windows/System32/WindowsPowerShell/v1.0/", "C:/Program Files/PowerShell/7/")
_OWN = tuple(f"~/{documents}/{shell}/" for documents in _DOCUMENTS for shell in ("WindowsPowerShell", "PowerShell"))
PROFILES = tuple(folder + name for folder in (*_EVERYBODYS, *_OWN) for name in _PROFILES)
WANTS = PROFILES
_ASSIGNED = (
    r"(?is)(?P<skip><#.*?(?:#>|\Z)|@(?P<here>['\"])\s*?\n.*?(?:\n(?P=here)@|\Z)|\#[^\n]*)|(?P<open>\{)|(?P<close>\})"
    r"|(?P<set>\$env:(?P<name>[A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*(?:'(?P<single>[^'\n]*)'|\"(?P<double>[^\"\n]*)\"|(?P<odd>[^\n;]*)))"
    r"|'[^'\n]*'|\"[^\"\n]*\""
)


class Reader:
    """Reads sessions of a Windows machine."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def session(self, user: User) -> Session:
        drive = user.home[:2]
        values = {
            "USERPROFILE": user.home, "HOMEDRIVE": drive, "HOMEPATH": user.home[2:], "USERNAME": user.name, "SYSTEMDRIVE": "C:",
            "SYSTEMROOT": "C:/Windows", "WINDIR": "C:/Windows", "PROGRAMFILES": "C:/Program Files", "PROGRAMDATA": "C:/ProgramData",
            "APPDATA": f"{user.home}/AppData/Roaming", "LOCALAPPDATA": f"{user.home}/AppData/Local", "PATH": PATH,
        }  # fmt: skip
        known, gaps = Known(values, set(values)), list[Gap]()
        variables = [*self._registry(SYSTEM, known, None, gaps), *self._registry(f"HKU\\{user.name}\\Environment", known, user.name, gaps)]
        for path in PROFILES:
            found = read_text(self._machine.tree, path.replace("~", user.home, 1), 1024 * 1024)
            if isinstance(found, Gap):
                gaps.append(found)
            elif found is not None:
                origin = Origin("profile", path.replace("~", user.home, 1), found.text, user.name, self._machine.keep)
                variables += powershell(origin, known)
        return finished(self._machine, user, known, variables, gaps)

    def _registry(self, key: str, known: Known, user: str | None, gaps: list[Gap]) -> Iterator[Variable]:
        registry = self._machine.registry
        try:
            values = registry.values(key) if registry is not None else {}
        except Unreadable as err:
            gaps.append(Gap(str(err), Place(key)))
            return
        left = shell.ALL
        for lower, value in values.items():
            name, text = lower.upper(), expanded(value, known.values)
            left -= len(text)
            if left < 0:
                gaps.append(Gap("holds more than 4 MiB of variables, and what follows was not read", Place(key)))
                return
            if name == "PATH":
                known.values[name] = text if user is None else f"{known.values[name]};{text}"
                continue
            known.values[name] = text
            known.exported.add(name)
            if redact.concerns(name, self._machine.keep):
                kept = redact.variable(name, text, self._machine.keep)
                yield Variable(name, kept, "registry", value.place._replace(text=f"{name}={kept}"), user)


def expanded(value: Value, known: dict[str, str], longest: int = shell.LONGEST) -> str:
    """The text of a registry value, ``%NAMES%`` filled in where the registry says so; an unknown name stays."""
    if not value.expand:
        return str(value.data)
    return filled(r"%([^%\s]{1,100})%", lambda one: known.get(one[1].upper(), one[0]), str(value.data), longest)


def powershell(origin: Origin, known: Known) -> Iterator[Variable]:
    """What a profile assigns with ``$env:NAME = "value"``; inside braces it is a condition's or a function's."""
    depth = 0
    for found in re.finditer(_ASSIGNED, origin.text):
        depth = max(0, depth + (found.lastgroup == "open") - (found.lastgroup == "close"))
        if found["set"] is None:
            continue
        name = found["name"].upper()
        value = found["single"] if found["single"] is not None else found["double"]
        if value is None or depth or (found["double"] and re.search(r"[$`]", value)):
            value = None
        if value is not None and name != "PATH":
            known.values[name] = value
            known.exported.add(name)
        elif name != "PATH":
            known.values.pop(name, None)
            known.exported.add(name)
        yield from origin.variable(name, value, found.start(), found.end())
