"""This client does not go with this gateway.

A gateway entry of the policy may say which clients it serves (`clients`), because a newer client
sends fields that an older gateway hands on without their header.

In a repository it is the version that an image, a job or a file asks for, with the URL that it gets.

**Fix**: install a client from that range, or update the gateway.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks import Subject, _install, by_view
from cc_fleet.client import View
from cc_fleet.model import Fix, Problem
from cc_fleet.policy import Policy
from cc_fleet.versions import published

SEVERITY = "error"


def compare(policy: Policy, subject: Subject) -> Iterator[Problem]:
    yield from by_view(subject, lambda view: _of(policy, view))


def _of(policy: Policy, view: View) -> Iterator[Problem]:
    gateway = view.gateway()
    rule = policy.gateway(gateway.url) if gateway else None
    if gateway is None or rule is None or rule.clients is None or view.version is None:
        return
    if not rule.clients.admits(view.version):
        highest = next((version for version in reversed(published().versions) if rule.clients.admits(version)), None)
        yield Problem(f"{gateway.url}@{view.version}", f"{gateway.url} serves clients {rule.clients}, and this is {view.version}",
                      gateway.place, Fix("admin", f"install a client {rule.clients}{_install.cost(highest)}"))  # fmt: skip
