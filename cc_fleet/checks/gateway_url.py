"""Requests go to a gateway that the policy does not know.

Judged is the URL in force: `ANTHROPIC_BASE_URL`, or the provider's own variable, as settings and
environment resolve it. With `other-gateways: deny` every URL must match one of `gateways`. In a repository
it is the URL of an image, of a job, or of committed settings; one that comes from a secret or an input
is a warning.

**Fix**: point the variable at a gateway of the policy, or remove it.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks import Subject, by_view, who
from cc_fleet.client import View
from cc_fleet.model import Fix, Problem
from cc_fleet.policy import Policy

SEVERITY = "error"


def compare(policy: Policy, subject: Subject) -> Iterator[Problem]:
    if policy.other_gateways == "deny":
        yield from by_view(subject, lambda view: _of(policy, view))


def _of(policy: Policy, view: View) -> Iterator[Problem]:
    gateway, url = view.gateway(), view.base_url()
    allowed = ", ".join(rule.url for rule in policy.gateways)
    advice = f"use an allowed gateway ({allowed}), or Anthropic's own API" if allowed else "use Anthropic's own API"
    if url.unknown and url.winner is not None:
        message = "where requests go is set by a shell command or under a condition, so it cannot be read"
        here = view.target.kind == "repository"
        message = "where requests go comes from outside this repository, so it cannot be read" if here else message
        yield Problem("base-url", message, url.winner.place, Fix(who(url.winner.place), advice), severity="warning" if here else None)
    elif gateway is not None and policy.gateway(gateway.url) is None:
        message = f"requests go to {gateway.url}, which is no gateway of the policy"
        yield Problem(gateway.url, message, gateway.place, Fix(who(gateway.place), advice))
