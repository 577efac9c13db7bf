"""A gateway's version is outside the policy, denied, or not known.

Gateways are pinned as clients are: `versions` and `deny` of the policy's entry. A version is
judged as Python numbers it (PEP 440). One that the facts do not tell is a note, never a pass.

**Fix**: update the gateway.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks import Subject, by_view
from cc_fleet.client import View
from cc_fleet.model import Fix, Gateway, Problem
from cc_fleet.policy import GatewayRule, Policy

SEVERITY = "error"


def compare(policy: Policy, subject: Subject) -> Iterator[Problem]:
    yield from by_view(subject, lambda view: _of(policy, view))


def _of(policy: Policy, view: View) -> Iterator[Problem]:
    gateway = view.gateway()
    rule = policy.gateway(gateway.url) if gateway else None
    if gateway is None or rule is None or (rule.versions is None and not rule.deny):
        return
    if gateway.version is None:
        yield Problem(gateway.url, f"which version runs at {gateway.url} cannot be read here, and the policy pins it",
                      gateway.place, Fix("gateway", "ask its operators"), severity="note")  # fmt: skip
    elif (wrong := _wrong(rule, gateway)) is not None:
        yield Problem(f"{gateway.url}@{gateway.version}", f"{rule.kind or 'the gateway'} {gateway.version} at {gateway.url} {wrong}",
                      gateway.place, Fix("gateway", f"run a version {rule.versions or 'that is not denied'}"))  # fmt: skip


def _wrong(rule: GatewayRule, gateway: Gateway) -> str | None:
    version = str(gateway.version)
    if version in rule.deny:
        return f"is denied: {rule.deny[version]}"
    if rule.versions is not None and not rule.versions.admits(version, "pep440"):
        return f"is outside {rule.versions}"
    return None
