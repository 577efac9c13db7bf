"""Whether a condition (``when``) holds for a client at work."""

from __future__ import annotations

import fnmatch
from typing import Protocol

from cc_fleet.model import Gateway, Target
from cc_fleet.policy import Policy, When


class Client(Protocol):
    """What a condition asks of a view."""

    @property
    def target(self) -> Target: ...
    @property
    def version(self) -> str | None: ...
    def provider(self) -> str: ...
    def gateway(self) -> Gateway | None: ...
    def model(self) -> str | None: ...


def holds(policy: Policy, when: When, view: Client) -> bool:
    """Whether every key that ``when`` gives holds.  A client of unknown version meets every range."""
    if when == When():
        return True
    asked = (
        (when.kind, view.target.kind),
        (when.os, view.target.os),
        (when.provider, view.provider() if when.provider else None),
        (when.upstream, _upstream(policy, view) if when.upstream else None),
    )
    if any(wanted and found not in wanted for wanted, found in asked):
        return False
    gateway = view.gateway() if when.gateway else None
    if when.gateway and not (gateway and _one_of(gateway.url, when.gateway)):
        return False
    if when.model and not _one_of(view.model() or "", when.model):
        return False
    return when.cli is None or view.version is None or when.cli.admits(view.version)


def _upstream(policy: Policy, view: Client) -> str | None:
    gateway = view.gateway()
    rule = policy.gateway(gateway.url) if gateway else None
    return rule.upstream if rule else None


def _one_of(text: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(text.lower(), pattern.lower()) for pattern in patterns)
