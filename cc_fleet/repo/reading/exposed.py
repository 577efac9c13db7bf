"""Which of an image's or service's variables hold a credential that stands in the repository as it is, and is Claude Code's."""

from __future__ import annotations

from cc_fleet.host import redact
from cc_fleet.model import Credential
from cc_fleet.repo.reading import environment
from cc_fleet.repo.reading.values import UNKNOWN, Value


def credential(name: str, value: Value, job: str | None = None) -> Credential | None:
    """The credential that ``name`` is set to.

    A database's URL with its password is another's matter, and so is a key of AWS' where nothing
    runs Claude Code (``job`` is None).
    """
    if UNKNOWN in (value.text or "") or (name.startswith("AWS_") and name != "AWS_BEARER_TOKEN_BEDROCK" and job is None):
        return None
    found = environment.credential(name, value, job)
    if found is not None and found.kind == "url" and not (redact.concerns(name) or name.upper().endswith("_PROXY")):
        return None
    return found
