"""Which versions a policy allows, and which one it would install."""

from __future__ import annotations

from collections.abc import Sequence

from cc_fleet.policy import Policy
from cc_fleet.versions import Range, key, published


def refusal(policy: Policy, product: str, version: str, allowed: Range | None) -> str | None:
    """Why the policy refuses this version, as the end of a sentence; None where it does not."""
    for denied in policy.denials(product, version):
        why = f": {denied.reason}" if denied.reason else ""
        return f"is denied by {denied.id}{why}"
    if allowed is not None and not allowed.admits(version):
        return f"is outside {allowed}"
    return None


def nearest(policy: Policy, version: str, product: str = "cli", allowed: Range | None = None) -> str | None:
    """What a repository should write in place of ``version``, or None where nothing that is published is allowed.

    The denial's own ``instead``, else ``cli.install``, else the next version above that is published
    and allowed, else the next below: the least that has to be tested anew.
    """
    allowed = allowed or policy.cli.versions
    asked = [denied.instead for denied in policy.denials(product, version) if denied.instead]
    asked += [policy.cli.install] if product == "cli" and policy.cli.install else []
    admitted = [one for one in (*published().versions, *asked) if not any(refusal(policy, name, one, allowed) for name in {"cli", product})]
    return next((one for one in asked if one in admitted), None) or beside(version, [one for one in published().versions if one in admitted])


def beside(version: str, known: Sequence[str]) -> str | None:
    """Of ``known``, which ascend, the next above ``version``, else the last."""
    wanted = key(version)
    above = next((one for one in known if wanted is not None and (key(one) or ()) > wanted), None)
    return above or (known[-1] if known else None)


def best(policy: Policy, product: str = "cli", allowed: Range | None = None, *, instead_of: str = "") -> str | None:
    """What to install in place of ``instead_of``, or None where nothing that is published is allowed.

    The denial's own ``instead``, else for the CLI ``cli.install``, else the highest version that
    is published and allowed.  An extension has the numbers of the CLI that it brings.
    """
    allowed = allowed or policy.cli.versions
    asked = [denied.instead for denied in policy.denials(product, instead_of) if denied.instead]
    asked += [policy.cli.install] if product == "cli" and policy.cli.install else []
    for version in (*asked, *reversed(published().versions)):
        if not any(refusal(policy, name, version, allowed) for name in {"cli", product}):
            return version
    return None
