"""The rollout: its order, its groups, and steps that wait for nothing."""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.policy.lint._conditions import unknown_group
from cc_fleet.policy.lint._sight import Remark, Sight


def remarks(sight: Sight) -> Iterator[Remark]:
    rings, spots = sight.policy.rollout, sight.base.spot.items("rollout")
    seen: dict[str, int] = {}
    known = sight.groups
    for number, (ring, spot) in enumerate(zip(rings, spots, strict=False)):
        at = spot.of("group")
        if ring.group in seen:
            yield at.error(f"{ring.group} is in step {seen[ring.group]} already, and nobody of it is left; delete one of the two")
        elif ring.group == "*" and number + 1 < len(rings):
            yield at.error('"*" is everybody who is left, so no step after it has anybody; put it last')
        elif not ring.group.strip():
            yield at.error("is empty; name a group")
        elif known is not None and ring.group != "*" and ring.group not in known:
            yield unknown_group(sight, ring.group, at)
        seen.setdefault(ring.group, number + 1)
        if ring.soak is not None and number + 1 == len(rings):
            yield spot.of("soak").note("nothing follows the last step, so there is nothing to wait for; delete it")
        elif ring.soak is not None and ring.soak.seconds > 90 * 86400:
            yield spot.of("soak").warning(f"{ring.soak} is longer than a client's version lives; minutes are m, hours h, days d")
        if ring.batch == "100%":
            yield spot.of("batch").note("all at once is what happens without it; delete it")
    if rings and "*" not in seen:
        yield sight.base.spot.of("rollout").note('machines in none of these groups are never asked; end with {group: "*"}')
