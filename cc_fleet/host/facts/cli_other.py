"""A ``claude`` in somebody's PATH that is no install known here: a wrapper, a copied binary.

What it runs cannot be read from a file, so it is a gap and never a pass.  A manager's shim is
one where the manager holds several packages: its configuration, and the folder it is run in, decide.
What stands where system packages put it is linux-packages' business, and what winget put, windows-winget's.
"""

from __future__ import annotations

from typing import Iterator

from ...model import Gap, Place
from .. import launchers
from ..machine import Machine

WANTS = launchers.WANTS


def read(machine: Machine) -> Iterator[Gap]:
    told = set()
    for launcher in machine.launchers:
        known = launchers.package(launcher) or launchers.native(launcher) or launchers.copied(machine, launcher)
        if known or launcher.path in told or (machine.os == "linux" and launchers.packaged(launcher)):
            continue
        told.add(launcher.path)
        manager = launchers.manager(launcher)
        if manager:
            yield Gap(f"is a shim of {manager}, and which of its packages it runs, if any, cannot be read", Place(launcher.path))
        else:
            yield Gap("is no install that is known here, so its version cannot be read", Place(launcher.path))
