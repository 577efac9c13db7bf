"""Conditions (``when``) that nothing meets, of overlays and of single rules."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Iterator

from cc_fleet.client import PROVIDERS
from cc_fleet.decode import near
from cc_fleet.policy import When
from cc_fleet.policy.lint._published import range_
from cc_fleet.policy.lint._sight import Part, Remark, Sight, Spot

# What gives a client its provider; a gateway's URL is enough.
SWITCHES = {name: switch for name, (switch, _) in PROVIDERS.items()} | {"gateway": "ANTHROPIC_BASE_URL"}
_MOST = 300
_UPSTREAMS = ("anthropic", "bedrock", "vertex", "foundry", "openai")


def conditions(sight: Sight, part: Part, when: When, spot: Spot) -> Iterator[Remark]:
    """What cannot hold of ``when``, which stands at ``spot``."""
    if when == When():
        return
    if when.kind == ("image",) and when.os == ("macos",):
        yield spot.of("os").error("no image is of macOS, so this never holds; delete one of the two")
    yield from _groups(sight, when, spot.of("group"))
    yield from _upstreams(sight, when, spot.of("upstream"))
    yield from _gateways(sight, when, spot.of("gateway"))
    yield from _providers(part, when, spot.of("provider"))
    yield from _client(sight, part, when, spot.of("cli"))
    if part.when is not when:
        yield from _inside(part, when, spot)


def unknown_group(sight: Sight, group: str, spot: Spot) -> Remark:
    """What to say of a group that the ``groups`` file does not name: a mistake, or an inventory's."""
    close = difflib.get_close_matches(group, sorted(sight.groups or ()), n=1)
    if close:
        return spot.warning(f"no machine in {sight.policy.groups} is in {group!r}; did you mean {close[0]!r}?")
    return spot.note(f"no machine in {sight.policy.groups} is in {group!r}; add them, or leave it to an inventory or --group")


def _groups(sight: Sight, when: When, spot: Spot) -> Iterator[Remark]:
    known = sight.groups
    for group in when.group if known is not None else ():
        if known is not None and group not in known and all(ring.group != group for ring in sight.policy.rollout):
            yield unknown_group(sight, group, spot)


def _upstreams(sight: Sight, when: When, spot: Spot) -> Iterator[Remark]:
    wrong = [upstream for upstream in when.upstream if upstream not in _UPSTREAMS]
    for upstream in wrong:
        yield spot.error(near(upstream, list(_UPSTREAMS)))
    if when.upstream and not wrong and not {rule.upstream for rule in sight.policy.gateways} & set(when.upstream):
        yield spot.error(f"no rule of `gateways` has upstream: {' or '.join(when.upstream)}, so this never holds; add it to the gateway's rule")


def _gateways(sight: Sight, when: When, spot: Spot) -> Iterator[Remark]:
    rules = [rule for part in sight.parts for rule in part.rules.gateways] if when.gateway else []
    if sight.policy.other_gateways != "deny" or len(rules) > _MOST:
        return
    for pattern in when.gateway:
        if not any(rule.matches(pattern) or fnmatch.fnmatchcase(rule.url.lower(), pattern.lower()) for rule in rules):
            yield spot.warning("no rule of `gateways` allows such a URL, and other-gateways is deny; only a client that breaks the policy meets this")


def _providers(part: Part, when: When, spot: Spot) -> Iterator[Remark]:
    """Providers that the policy's own rules on variables forbid."""
    shut = [name for name in when.provider if name in SWITCHES and _is_forbidden(part, SWITCHES[name])]
    if shut and len(shut) == len(when.provider):
        yield spot.warning(f"env forbids {SWITCHES[shut[0]]}, without which no client has this provider; correct one of the two")


def _is_forbidden(part: Part, name: str) -> bool:
    rule = part.ruled.env.get(name)
    return rule is not None and rule.when == When() and (rule.absent or rule.value in ("", "0", "false"))


def _client(sight: Sight, part: Part, when: When, spot: Spot) -> Iterator[Remark]:
    if when.cli is None:
        return
    told = list(range_(spot, when.cli))
    yield from told
    mine = part.when is when and "versions" in part.rules.cli.given  # the overlay has versions of its own
    allowed = part.ruled.cli.versions
    if not told and not mine and allowed is not None and sight.refused(when.cli):
        yield spot.warning(f"cli.versions ({allowed}) refuses every client in {when.cli}, so no client that is right meets this; correct one of the two")


def _inside(part: Part, when: When, spot: Spot) -> Iterator[Remark]:
    """A rule's condition that its overlay's own condition excludes."""
    for name in ("kind", "os", "provider", "upstream"):
        mine, outer = getattr(when, name), getattr(part.when, name)
        if mine and outer and not set(mine) & set(outer) and name in ("kind", "os"):
            yield spot.of(name).error(f"the overlay is for {name} {' or '.join(outer)} alone, so this never holds; correct one of the two")


