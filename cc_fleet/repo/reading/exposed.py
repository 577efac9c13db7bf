"""Which texts of a repository are credentials that stand there as they are, and are Claude Code's or its gateway's."""

from __future__ import annotations

import re

from cc_fleet.host import redact
from cc_fleet.host.facts.credentials import SECRETS
from cc_fleet.model import REDACTED, Credential
from cc_fleet.repo.reading.values import UNKNOWN, Value

_REFERENCE = re.compile(r"\$[A-Za-z_{(]|\{\{|<%|<[\w -]+>|%\w+%|\bop://|\bvault:|\bssm:")
_PLACEHOLDER = re.compile(
    r"x{3,}|\*{2,}|\.{3}|…|your|example|placeholder|change.?me|dummy|fake|todo|replace|insert|redacted|mock|sample|(?:secret|key|token|password).?here"
    r"|not.?(?:needed|used|required|real|set)|^(?:test|none|null|empty|unused|local|any|key|token|secret|password|pass|api.?key)$",
    re.IGNORECASE,
)
_OURS = ("ANTHROPIC", "CLAUDE", "LITELLM", "BEDROCK")


def is_secret(text: str) -> bool:
    """Whether ``text``, given for a secret or as a URL, holds one itself: no reference, no placeholder."""
    if "://" in text:
        found = re.match(r"[\w+.-]+://([^/?#]*)@", text)
        text = (found[1].partition(":")[2] or found[1]) if found else text.partition("?")[2].rpartition("=")[2] or text
    return bool(text) and len(set(text)) > 3 and not _REFERENCE.search(text) and not _PLACEHOLDER.search(text)


def credential(name: str, value: Value, job: str | None = None, *, ours: bool = False) -> Credential | None:
    """The credential that the variable ``name`` is set to; None where it is a reference or a placeholder.

    A key of a cloud and a database's URL with its password are another's matter, unless what gets them
    runs Claude Code or a gateway: a ``job``, or ``ours``.
    """
    text, place = value.text, value.place
    if text is None or place is None or UNKNOWN in text or not is_secret(text.strip()):
        return None
    ours = ours or job is not None
    if name in SECRETS and (ours or any(word in name for word in _OURS)):
        return Credential(name, place._replace(text=f"{name}={REDACTED}"), "everyone", job)
    if "://" in text and redact.has_secret(redact.url(text)):
        found = Credential("url", place._replace(text=f"{name}={redact.url(text)}"), "everyone", job)
        return found if ours or is_ours(name, found) else None
    return None


def is_ours(name: str, found: Credential) -> bool:
    """Whether a credential is Claude Code's by its variable's name."""
    return found.kind != "url" or redact.concerns(name) or name.upper().endswith("_PROXY")
