"""Which of an image's or service's variables hold a credential that stands in the repository as it is, and is Claude Code's."""

from __future__ import annotations

from cc_fleet.host import redact
from cc_fleet.model import Credential
from cc_fleet.repo.reading import environment
from cc_fleet.repo.reading.values import UNKNOWN, Value


def credential(name: str, value: Value, job: str | None = None, *, ours: bool) -> Credential | None:
    """The credential that ``name`` is set to.

    A database's URL with its password is another's matter, unless what gets it runs Claude Code or a
    gateway (``ours``).
    """
    found = environment.credential(name, value, job, others=ours) if UNKNOWN not in (value.text or "") else None
    return found if found is not None and (ours or is_ours(name, found)) else None


def is_ours(name: str, found: Credential) -> bool:
    """Whether a credential is Claude Code's by its variable's name."""
    return found.kind != "url" or redact.concerns(name) or name.upper().endswith("_PROXY")
