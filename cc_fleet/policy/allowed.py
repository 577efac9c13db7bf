"""Which versions a policy allows, and which one it would install."""

from __future__ import annotations

from cc_fleet.policy import Policy
from cc_fleet.versions import Range, published


def refusal(policy: Policy, product: str, version: str, allowed: Range | None) -> str | None:
    """Why the policy refuses this version, as the end of a sentence; None where it does not."""
    for denied in policy.denials(product, version):
        why = f": {denied.reason}" if denied.reason else ""
        return f"is denied by {denied.id}{why}"
    if allowed is not None and not allowed.admits(version):
        return f"is outside {allowed}"
    return None


def best(policy: Policy) -> str | None:
    """What to install: ``cli.install``, else the highest version that is published and allowed."""
    if policy.cli.install is not None:
        return policy.cli.install
    for version in reversed(published().versions):
        if refusal(policy, "cli", version, policy.cli.versions) is None:
            return version
    return None
