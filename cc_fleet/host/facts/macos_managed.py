"""Managed settings of a macOS profile: the preference domain ``com.anthropic.claudecode``.

MDM writes it as a property list below ``/Library/Managed Preferences``, for a user and for the
machine; the user's is asked first (read in the darwin build of 2.1.330).
"""

from __future__ import annotations

import json
from typing import Any, Iterator

from ...model import Gap, Place
from ..machine import Machine
from ..tree import Missing, Unreadable
from .settings import File, document

FOLDER = "/Library/Managed Preferences"
PLIST = "com.anthropic.claudecode.plist"
WANTS = (f"{FOLDER}/{PLIST}", f"{FOLDER}/*/{PLIST}")
_LIMIT = 2 * 1024 * 1024  # as of any settings; and XML of one long token costs the square of its length


def read(machine: Machine) -> Iterator[Any]:
    for path, user in (*((f"{FOLDER}/{user.name}/{PLIST}", user.name) for user in machine.users), (f"{FOLDER}/{PLIST}", None)):
        text = preferences(machine, path)
        if isinstance(text, Gap):
            yield text
        elif text is not None:
            yield from document(machine, File(path, "plist", user, line=0), text)


def preferences(machine: Machine, path: str) -> str | Gap | None:
    """A property list as JSON; dates and data are no settings, and come as texts."""
    try:
        data = machine.tree.read(path, _LIMIT)
    except Missing:
        return None
    except Unreadable as err:
        return Gap(str(err), Place(path))
    if len(data) > _LIMIT:
        return Gap(f"is larger than {_LIMIT // 1024**2} MiB", Place(path))
    from .. import plist

    try:
        return json.dumps(plist.loads(data), default=lambda _: "", skipkeys=True)
    except Exception:  # noqa: BLE001  # plistlib raises whatever a broken file makes it: Value, Overflow, Expat, Recursion …
        return Gap("is no property list, or was cut short", Place(path))
