"""The environment variables that concern Claude Code, from every file that sets them.

Of a live machine's caller the process itself is read too.  Whether a secret stands there is
a fact of its own; its value never is.
"""

from __future__ import annotations

from typing import Any, Iterator

from ...model import REDACTED, Credential
from .. import login, origin, redact
from ..machine import Machine
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
            if variable.place.file == origin.IMAGE:
                continue  # its secrets are told with the rest of what an image says of itself
            secret = variable.name in SECRETS and variable.value == REDACTED
            if (secret or redact.has_secret(variable.value)) and variable.place not in seen:
                seen.add(variable.place)
                place = variable.place
                whose = "owner" if place == origin.PROCESS else readable_by(machine.tree, place.file)
                yield Credential(variable.name if secret else "url", place, whose, variable.user)
