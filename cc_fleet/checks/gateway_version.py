"""A gateway's version is outside the policy, denied, or not known.

Gateways are pinned as clients are: `versions` and `deny` of the policy's entry, and `deny` of the
whole policy with `product: litellm`. A version is judged as Python numbers it (PEP 440). One that
the facts do not tell is a note, never a pass. Gateway software that is found on the machine (a
Python or npm package, a container) is judged by what is denied whether a client uses it or not.

**Fix**: whoever operates the gateway runs another version.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks import Subject, by_view, who
from cc_fleet.client import View
from cc_fleet.model import Fix, Gateway, Problem
from cc_fleet.policy import GatewayRule, Policy

SEVERITY = "error"


def compare(policy: Policy, subject: Subject) -> Iterator[Problem]:
    for gateway in subject.target.gateways:
        yield from _software(policy, gateway)
    yield from by_view(subject, lambda view: _of(policy, view))


def _software(policy: Policy, gateway: Gateway) -> Iterator[Problem]:
    """What the policy says of software that was found, in use or not: the denial that meets it."""
    kind, version = gateway.kind, gateway.version
    if kind is None or version is None:
        return
    denied = next(policy.denials(kind, version), None)
    rule = next((r for r in policy.gateways if r.kind == kind and version in r.deny), None)
    if denied is not None:
        wrong, instead = f"is denied by {denied.id}{f': {denied.reason}' if denied.reason else ''}", denied.instead
    elif rule is not None and not gateway.url:
        wrong, instead = f"is denied: {rule.deny[version]}", None
    else:
        return
    where = f" at {gateway.url}" if gateway.url else ""
    advice = f"stop it, and run {instead or 'a version that is not denied'}"
    yield Problem(f"{kind}@{version}", f"{kind} {version}{where} {wrong}", gateway.place, Fix(who(gateway.place), advice))


def _of(policy: Policy, view: View) -> Iterator[Problem]:
    gateway = view.gateway()
    rule = policy.gateway(gateway.url) if gateway else None
    if gateway is None or rule is None or (rule.versions is None and not rule.deny):
        return
    if gateway.version is None:
        yield Problem(gateway.url, f"which version runs at {gateway.url} cannot be read here, and the policy pins it",
                      gateway.place, Fix("gateway", "ask whoever operates it"), severity="note")  # fmt: skip
    elif (wrong := _wrong(rule, gateway)) is not None:
        told = rule.kind or gateway.kind or "the gateway"
        yield Problem(f"{gateway.url}@{gateway.version}", f"{told} {gateway.version} at {gateway.url} {wrong}",
                      gateway.place, Fix("gateway", f"ask whoever operates it to run a version {rule.versions or 'that is not denied'}"))  # fmt: skip


def _wrong(rule: GatewayRule, gateway: Gateway) -> str | None:
    version = str(gateway.version)
    if version in rule.deny:
        return f"is denied: {rule.deny[version]}"
    if rule.versions is not None and not rule.versions.admits(version, "pep440"):
        return f"is outside {rule.versions}"
    return None
