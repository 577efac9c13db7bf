"""Managed settings of a Windows machine beside the file: the registry's policies, and the dead path.

``HKLM\\SOFTWARE\\Policies\\ClaudeCode`` holds one JSON document in its value ``Settings``, and so
may the user's own hive, which the user can write. ``C:\\ProgramData\\ClaudeCode`` is not read since
2.1.75, and is still found on machines.
"""

from __future__ import annotations

from typing import Any, Iterator

from ...model import Gap, Place
from ..machine import Machine
from ..text import Text, read_text
from ..tree import LIMIT, Unreadable
from ..windows import expanded
from .settings import File, document

KEY = "SOFTWARE\\Policies\\ClaudeCode"
OLD = "C:/ProgramData/ClaudeCode/managed-settings.json"
WANTS = (OLD,)


def read(machine: Machine) -> Iterator[Any]:
    yield from _policy(machine, f"HKLM\\{KEY}", "hklm", None)
    for user in machine.users:
        yield from _policy(machine, f"HKU\\{user.name}\\{KEY}", "hkcu", user.name)
    found = read_text(machine.tree, OLD)
    if isinstance(found, Gap):
        yield found
    elif isinstance(found, Text):
        yield from document(machine, File(OLD, "program-data"), found.text)


def _policy(machine: Machine, key: str, scope: str, user: str | None) -> Iterator[Any]:
    try:
        values = machine.registry.values(key) if machine.registry is not None else {}
    except Unreadable as err:
        yield Gap(str(err), Place(key))
        return
    value = values.get("settings")
    if value is not None and isinstance(value.data, str):
        text = expanded(value, {"USERNAME": user or "", "SYSTEMDRIVE": "C:", "PROGRAMFILES": "C:\\\\Program Files"}, LIMIT)
        yield from document(machine, File(value.place.file, scope, user, line=value.place.line or 0), text)
