"""A gateway's version is outside the policy, denied, or not known.

Gateways are pinned as clients are: `versions` and `deny` of the policy's entry, and `deny` of the
whole policy with `product: litellm`. A version is judged as Python numbers it (PEP 440). One that
the facts do not tell is a note, never a pass. Gateway software that is found on the machine (a
Python or npm package, a container) is judged by what is denied whether a client uses it or not.

In a repository the gateway's own version is judged by the entries of its kind, wherever it runs as a
gateway (an image, a chart, `litellm[proxy]`): one that is refused, none at all, a moving tag such as
`main-latest`, or a range that admits what is refused where no lock holds it. Of a library only a
denied version is told. What runs elsewhere a repository does not know, so there is no note of it.

**Fix**: whoever operates the gateway runs another version.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks import Subject, by_view, who
from cc_fleet.client import View
from cc_fleet.model import Declared, Fix, Gateway, Problem
from cc_fleet.policy import GatewayRule, Policy
from cc_fleet.versions import FAR

SEVERITY = "error"


def compare(policy: Policy, subject: Subject) -> Iterator[Problem]:
    for gateway in subject.target.gateways:
        yield from _software(policy, gateway)
    yield from by_view(subject, lambda view: _of(policy, view))
    for asked in subject.asked("gateway"):
        problem = _asked(policy, asked)
        if problem is not None:
            yield problem


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
    if gateway.version is None and view.target.kind == "repository":
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


def _asked(policy: Policy, asked: Declared) -> Problem | None:
    """What is wrong with a gateway that a repository asks for."""
    from cc_fleet.checks import _declared

    product, version, library = _declared.kind(asked.product), _declared.exact(asked), _declared.is_library(asked)
    if version is not None:
        wrong = _declared.refused_gateway(policy, product, version, library=library)
        told = f"{product} {version}{_declared.locked(asked)} {wrong}"
        return Problem(f"{product}@{version}", told, asked.place, _advice(policy, asked, version)) if wrong else None
    spoken_of = _declared.rules(policy, product) or any(denied.product == product for denied in policy.deny)
    if library or asked.unresolved or not spoken_of or (asked.spec or "").startswith("sha256:"):
        return None
    if asked.spec is None:
        return Problem(product, f"{product} is asked for without a version, so it is whatever is newest then", asked.place, _advice(policy, asked))
    refused = _declared.gateway_range(policy, asked)
    if refused is None:
        told = f"{asked.spec} is a tag of {product} that moves, so which version runs is not known"
    elif refused:
        last = "versions to come" if refused[-1] == FAR else refused[-1]
        told = f"{asked.spec} admits {last} of {product}, which the policy refuses, and no lock holds it"
    else:
        return None
    return Problem(f"{product}@{asked.spec}", told, asked.place, _advice(policy, asked))


def _advice(policy: Policy, asked: Declared, version: str = "") -> Fix:
    from cc_fleet.checks import _declared, _written

    product = _declared.kind(asked.product)
    instead = next((denied.instead for denied in policy.denials(product, version) if denied.instead), None) if version else None
    if instead and (fix := _written.fix(asked, instead)):
        return fix
    ranges = " and ".join(str(rule.versions) for rule in _declared.rules(policy, product) if rule.versions)
    return Fix("you", f"write a version {ranges or 'that is not denied'}")
