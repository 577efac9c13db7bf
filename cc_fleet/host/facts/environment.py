"""The environment variables that concern Claude Code, from every file that sets them.

Of a live machine's caller the process itself is read too.  Whether a secret stands there is
a fact of its own; its value never is.
"""

from __future__ import annotations

from typing import Any, Iterator

from ...model import REDACTED, Credential, Place
from .. import login
from ..machine import Machine
from ..tree import Missing, Unreadable
from .credentials import SECRETS, readable_by

WANTS = login.WANTS


def read(machine: Machine) -> Iterator[Any]:
    seen: set[object] = set()
    for user in machine.users:
        session = machine.session(user)
        for gap in session.gaps:
            if gap not in seen:
                seen.add(gap)
                yield gap
        for variable in session.variables:
            if variable.user is None and variable in seen:
                continue  # /etc/environment is everybody's, and said once
            seen.add(variable)
            yield variable
            if variable.name in SECRETS and variable.value == REDACTED and variable.place not in seen:
                seen.add(variable.place)
                yield Credential(variable.name, variable.place, _readable_by(machine, variable.place), variable.user)


def _readable_by(machine: Machine, place: Place) -> str:
    if place == login.PROCESS:
        return "owner"
    try:
        return readable_by(machine.tree.stat(place.file).mode)
    except (Missing, Unreadable):
        return "owner"


