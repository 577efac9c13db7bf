"""Claude Code's own native installs: ``~/.local/share/claude/versions/X``, one file a version.

``~/.local/bin/claude`` links to the one that runs; the others are what the updater left.
An install that failed leaves an empty file (facts/enforcement.md D 5).
"""

from __future__ import annotations

import re
from typing import Any, Iterator

from ...model import Gap, Install, Place
from .. import launchers
from ..machine import Machine
from ..text import read_folder
from ..tree import Missing, Unreadable
from .cli_npm import PROGRAMS, VERSION, digest

VERSIONS = ".local/share/claude/versions"
WANTS = (f"*/{VERSIONS}", "*/share/claude/versions/*")


def read(machine: Machine) -> Iterator[Any]:
    files: dict[str, str | None] = {}
    for user in machine.users:
        names = read_folder(machine.tree, f"{user.home}/{VERSIONS}")
        if isinstance(names, Gap):
            yield names
            continue
        files.update({f"{user.home}/{VERSIONS}/{name}": user.name for name in names if re.fullmatch(VERSION, name)})
    runs: dict[str, set[str]] = {}
    for launcher in machine.launchers:
        if (real := launchers.native(launcher)) is not None and re.fullmatch(VERSION, real.rpartition("/")[2]):
            files.setdefault(real, None)
            runs.setdefault(real, set()).update({launcher.user} if launcher.wins else ())
    for path, owner in files.items():
        defect = _defect(machine, path)
        yield Install(
            "cli", path.rpartition("/")[2], "native", Place(path),
            tuple(sorted(runs.get(path, ()))),
            owner, defect is None, defect, sha256=None if defect else digest(machine, path),
        )  # fmt: skip


def _defect(machine: Machine, path: str) -> str | None:
    try:
        magic = machine.tree.read(path, 3)
    except (Missing, Unreadable) as err:
        return str(err) or "is missing"
    if magic.startswith(PROGRAMS):
        return None
    return "is not a program" if magic else "is empty: its download failed"
