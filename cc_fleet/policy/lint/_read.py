"""Values that an audit can never see, because what reads a machine leaves out what may be a secret."""

from __future__ import annotations

from typing import Any

from cc_fleet.host import redact
from cc_fleet.model import REDACTED


def unread_variable(name: str, word: str) -> str | None:
    """What to say where no fact ever says that the variable is ``word``."""
    return _told(redact.variable(name, word, frozenset((name,))), word)


def unread_setting(name: str, value: Any) -> str | None:
    """What to say where no fact ever says that the setting is ``value``."""
    return _told(redact.setting(tuple(name.split(".")), value, frozenset((name,))), value)


def _told(kept: Any, wanted: Any) -> str | None:
    if kept == wanted:
        return None
    if REDACTED in str(kept):
        return "a secret, or what sounds like one, is never read, so nothing meets this; say `absent: true` or leave it out, and keep secrets out of this file"
    return f"it is read as {kept}, so nothing meets this; write it so"
