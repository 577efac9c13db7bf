"""The receipt of the updater's last attempt: ``.last-update-result.json`` in a user's Claude Code folder.

It holds ``version_from``, ``version_to``, ``outcome`` (``success``), and in newer versions ``timestamp``,
``status`` and ``error_code`` (facts/claude-code.md 3; reported).  A version that moved although it should
not have is in no other file.
"""

from __future__ import annotations

import json
import re
from typing import Any, Iterator

from ...model import Gap, Place, Update
from .. import redact
from ..machine import Machine
from ..text import read_text
from .cli_npm import VERSION

FILE = ".last-update-result.json"
WANTS = (f"*/{FILE}",)
_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z"


def read(machine: Machine) -> Iterator[Any]:
    for user in machine.users:
        path = f"{machine.session(user).config}/{FILE}"
        found = read_text(machine.tree, path, 65536)
        if isinstance(found, Gap):
            yield found
        elif found is not None:
            try:
                receipt = json.loads(found.text)
                before, after = (_named(receipt.get(name), VERSION) for name in ("version_from", "version_to"))
                outcome, at = _named(receipt.get("outcome"), "[a-z][a-z_-]{0,39}"), _named(receipt.get("timestamp"), _TIME)
            except (ValueError, AttributeError, RecursionError):
                yield Gap("is not a receipt of an update", Place(path))
                continue
            yield Update(before, after, outcome or "unknown", at, Place(path), user.name)


def _named(value: Any, pattern: str) -> str | None:
    """``value`` where it has the form that is meant, and nothing else."""
    return value if isinstance(value, str) and re.fullmatch(pattern, value) and redact.name(value) == value else None
