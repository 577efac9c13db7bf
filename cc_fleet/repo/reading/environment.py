"""What an image or CI job of a repository gets of variables that concern Claude Code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cc_fleet.host import redact
from cc_fleet.host.facts.credentials import SECRETS
from cc_fleet.model import REDACTED, Credential, Place, Variable
from cc_fleet.repo.reading.values import Value

_PLACEHOLDER = re.compile(
    r"|[<\[{].*[>\]}]|.*(?:\.\.\.|…).*|(?:x|\*|_|-|0)+|sk-ant-(?:x+|api\d\d-x+|\*+)|.*(?:your|example|placeholder|change.?me|replace|dummy|fake|test|todo|insert|redacted|secret.?here|key.?here|mock|sample|none|null|not.?needed|unused).*",
    re.IGNORECASE,
)


def variables(values: Mapping[str, tuple[Value, ...]], job: str, keep: frozenset[str]) -> Iterator[Any]:
    """Each variable of ``values`` that concerns Claude Code, redacted; and the credentials that stand there as they are."""
    for name, given in values.items():
        if not redact.concerns(name, keep):
            continue
        value = given[-1]
        place = value.place or Place("")
        if not place.file:
            continue
        shown = None if value.text is None else redact.variable(name, value.text, keep)
        told = name if shown is None else f"{name}={shown}"
        yield Variable(name, shown, "process", place._replace(text=told), user=job)
        if (found := credential(name, value, job)) is not None:
            yield found


def credential(name: str, value: Value, job: str | None = None, *, others: bool = False) -> Credential | None:
    """A credential that stands in the repository as it is; a placeholder or a reference is none.

    ``others``: also one of a cloud, which Claude Code or its gateway uses there.
    """
    text, place = value.text, value.place
    if text is None or place is None or "$" in text or "{{" in text:
        return None
    ours = others or job is not None or any(word in name for word in ("ANTHROPIC", "CLAUDE", "LITELLM", "BEDROCK"))
    if name in SECRETS and ours and not _PLACEHOLDER.fullmatch(text.strip()):
        return Credential(name, place._replace(text=f"{name}={REDACTED}"), "everyone", job)
    if redact.has_secret(redact.url(text)) and "://" in text:
        return Credential("url", place._replace(text=f"{name}={redact.url(text)}"), "everyone", job)
    return None
