"""A ``claude`` in somebody's PATH that is no install known here: a wrapper, a copied binary.

What it runs cannot be read from a file, so it is a gap and never a pass.
"""

from __future__ import annotations

from typing import Iterator

from ...model import Gap, Place
from .. import launchers
from ..machine import Machine

WANTS = launchers.WANTS


def read(machine: Machine) -> Iterator[Gap]:
    others = [ln for ln in machine.launchers if not (launchers.package(ln) or launchers.native(ln))]
    for path in dict.fromkeys(launcher.path for launcher in others):
        yield Gap("is neither an npm nor a native install, so its version cannot be read", Place(path))
