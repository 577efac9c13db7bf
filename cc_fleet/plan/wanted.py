"""Which version each declaration should have.

1. In place of a denied version its denial's ``instead``.
2. ``cli.install``, for the CLI.
3. In place of another version that is refused the nearest published one that is allowed: the next
   above, else the next below; for a range the highest one that it admits itself.
4. Where no version is asked for, or a tag: what the rest of the repository is pinned to, else the highest.

Pins that disagree are a finding too, so that one product gets one version: where they do already, or
would, it is ``cli.install`` or the highest of those above, and what is pinned lower follows.  The
values of one matrix are several on purpose, and each goes by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cc_fleet.checks import _declared
from cc_fleet.client import EXTENSION
from cc_fleet.model import Declared, Finding
from cc_fleet.policy import Policy
from cc_fleet.policy.allowed import beside, refusal
from cc_fleet.versions import key, published

_UNITE = "pins-disagree"


def versions(
    policies: Sequence[Policy], declared: Sequence[Declared], about: Mapping[Declared, Finding], disagreeing: frozenset[str]
) -> dict[Declared, str | None]:
    """For each declaration that should be changed the version that it should have, None where none is known."""
    chosen: dict[Declared, str | None] = {}
    products = dict.fromkeys(asked.product for asked in declared if asked.installer != "action")
    for product in products:
        of_product = [asked for asked in declared if asked.product == product and not asked.unresolved]
        chosen.update(_of_product(policies, of_product, about, disagree=product in disagreeing))
    return {asked: chosen[asked] for asked in declared if asked in chosen}


def _of_product(policies: Sequence[Policy], declared: Sequence[Declared], about: Mapping[Declared, Finding], *, disagree: bool) -> dict[Declared, str | None]:
    wrong = [asked for asked in declared if asked in about]
    if not wrong and not disagree:
        return {}
    alone = matrix(declared)
    pinned = {asked: version for asked in declared if asked not in alone and (version := _declared.exact(asked)) is not None}
    kept = [version for asked, version in pinned.items() if asked not in about and allowed(policies, asked.product, version)]
    nearest = {asked: instead(policies, asked) for asked in wrong if _declared.exact(asked) is not None or _admits(asked)}
    together = [version for version in (*kept, *(version for asked, version in nearest.items() if asked not in alone)) if version is not None]
    one = _highest(declared[0], together)
    if disagree:
        one = next(_installs(policies, declared[0].product), one)
    found: dict[Declared, str | None] = {}
    for asked in wrong:
        own = nearest.get(asked)
        found[asked] = (own if asked in alone or (asked in nearest and not _unites(policies)) else one or own) or instead(policies, asked)
    if disagree and one is not None:
        found.update((asked, one) for asked, version in pinned.items() if version != one and asked not in found)
    return found


def _unites(policies: Iterable[Policy]) -> bool:
    return any(policy.severity.get(_UNITE) != "ignore" for policy in policies)


def matrix(declared: Iterable[Declared]) -> frozenset[Declared]:
    """Those that are one of several values that one file gives to one statement."""
    by_use: dict[Any, list[Declared]] = {}
    for asked in declared:
        if asked.used is not None and asked.used.file == asked.place.file:
            by_use.setdefault(asked.used[:3], []).append(asked)
    return frozenset(asked for found in by_use.values() if len({_declared.exact(one) for one in found}) > 1 for asked in found)


def instead(policies: Sequence[Policy], asked: Declared) -> str | None:
    """The version that should stand in the place of what ``asked`` asks for, by itself."""
    product, version = asked.product, _declared.exact(asked)
    denials = [denied.instead for policy in policies for denied in policy.denials(_declared.kind(product), version or "") if denied.instead] if version else []
    for one in (*denials, *_installs(policies, product)):
        if allowed(policies, product, one):
            return one
    known = [one for one in published().versions if allowed(policies, product, one)] if product in ("cli", EXTENSION) else []
    if version is not None:
        return beside(version, known)
    within = [one for one in known if one in _admits(asked)]
    return within[-1] if within else known[-1] if known else None


def _admits(asked: Declared) -> tuple[str, ...]:
    """The published versions that its range admits; none where it is a tag."""
    found = _declared.admits(asked.spec) if asked.product == "cli" and asked.scheme == "npm" and asked.spec else None
    return found.known if found is not None and re.search(r"[0-9*x]", asked.spec or "") else ()


def _installs(policies: Sequence[Policy], product: str) -> Iterator[str]:
    """What the policies install of the product, as far as all allow it."""
    for policy in policies if product == "cli" else ():
        if policy.cli.install and allowed(policies, "cli", policy.cli.install):
            yield policy.cli.install


def allowed(policies: Iterable[Policy], product: str, version: str) -> bool:
    """Whether no policy refuses this version of the product."""
    return all(_refused(policy, product, version) is None for policy in policies)


def _refused(policy: Policy, product: str, version: str) -> str | None:
    if product == "cli":
        return refusal(policy, "cli", version, policy.cli.versions)
    if "." in product:
        rule = policy.extensions.get(product)
        ranges = rule.versions if rule is not None and rule.versions is not None else policy.cli.versions if product == EXTENSION else None
        return refusal(policy, product, version, ranges) or (refusal(policy, "cli", version, None) if product == EXTENSION else None)
    return _declared.refused_gateway(policy, _declared.kind(product), version, library=product != _declared.kind(product))


def _highest(asked: Declared, found: Iterable[str]) -> str | None:
    scheme = "semver" if asked.product == "cli" or "." in asked.product else "pep440"
    return max(found, key=lambda version: key(version, scheme) or (), default=None)
