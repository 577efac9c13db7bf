"""Waivers that excuse nothing, or longer than the policy lets them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from cc_fleet.model import Place
from cc_fleet.policy import KEPT, Waiver
from cc_fleet.policy.lint._conditions import unknown_group
from cc_fleet.policy.lint._published import clients, range_
from cc_fleet.policy.lint._ranges import admitted, meet
from cc_fleet.policy.lint._sight import Part, Remark, Sight, Spot, beside
from cc_fleet.policy.lint.names import unknown
from cc_fleet.versions import published

SOON = 14
_MOST = 150
# Checks whose findings hang on a name, a URL or a file, and name no version.
VERSIONLESS = (
    "action-unpinned", "auto-update", "cli-unpinned", "env-flag", "extension-skew", "extension-unpinned", "gateway-url", "pin-unresolved",
    "secret-exposed", "setting-value", "settings-ignored", "settings-invalid",
)  # fmt: skip
_OTHERS = ("gateway-version", "extension-version", "pins-disagree")


def remarks(sight: Sight) -> Iterator[Remark]:
    refused = _refused(sight)
    for part in sight.parts:
        spots, seen = part.records("waivers"), dict[tuple[object, ...], Place]()
        for waiver in part.rules.waivers:
            spot = spots.get(waiver.place, Spot(("waivers",), waiver.place))
            same = (waiver.check, waiver.allow and waiver.allow.versions.text, waiver.targets)
            if same in seen:
                yield spot.warning(f"the waiver in {beside(seen[same], spot.place)} excuses the same; delete one of the two")
            seen[same] = waiver.place
            yield from _check(sight, part, waiver, spot.of("check"))
            yield from _allow(sight, waiver, refused, spot.of("allow", "versions"))
            yield from _targets(sight, waiver, spot)
            yield from _until(sight, part, waiver, spot)


def _refused(sight: Sight) -> frozenset[str]:
    """The published versions that the policy, or it with one of its overlays, does not let run."""
    found: frozenset[str] = frozenset()
    for part in sight.parts[:_MOST] if any(part.rules.waivers for part in sight.parts) else ():
        found |= frozenset(published().versions) - frozenset(clients(part.ruled))
    return found


def _check(sight: Sight, part: Part, waiver: Waiver, spot: Spot) -> Iterator[Remark]:
    if (told := unknown(sight, waiver.check)) is not None:
        yield spot.error(told)
    elif waiver.check in KEPT:
        yield spot.error(f"{waiver.check} cannot be waived; delete the waiver")
    elif part.ruled.severity.get(waiver.check) == "ignore":
        yield spot.warning("it excuses nothing: the check is ignored anyway; delete one of the two")


def _allow(sight: Sight, waiver: Waiver, refused: frozenset[str], spot: Spot) -> Iterator[Remark]:
    if waiver.allow is None:
        return
    versions = waiver.allow.versions
    if waiver.check in VERSIONLESS:
        yield spot.warning(f"it excuses nothing: findings of {waiver.check} name no version; leave `allow` out")
        return
    told = [] if waiver.check in _OTHERS else list(range_(spot, versions))
    yield from told
    if told:
        return
    affected = (sight.known or {}).get(waiver.check)
    if affected is not None and not meet(versions, affected):
        yield spot.warning(f"it excuses nothing: {waiver.check} concerns {affected}, and none of {versions}; correct one of the two")
    elif waiver.check == "cli-version" and not refused & set(admitted(versions)):
        why = f"cli.versions ({sight.policy.cli.versions}) allows {versions}" if sight.policy.cli.versions else f"nothing refuses {versions}"
        yield spot.warning(f"it excuses nothing: {why} anyway; delete the waiver, or correct its versions")


def _targets(sight: Sight, waiver: Waiver, spot: Spot) -> Iterator[Remark]:
    known, spots = sight.groups, spot.items("targets")
    for target, at in zip(waiver.targets, spots, strict=False):
        group = target.removeprefix("group:")
        if not group.strip():
            yield at.error("names nothing; write a machine's name or id, or group:NAME")
        elif known is not None and target != group and group not in known:
            yield unknown_group(sight, group, at)


def _until(sight: Sight, part: Part, waiver: Waiver, spot: Spot) -> Iterator[Remark]:
    """Days are UTC's, and the last one counts whole."""
    most = part.ruled.exceptions.max_days
    if most is not None and waiver.owner is None:
        yield spot.note("nobody answers for it, and exceptions.max-days asks for an end; add `owner`")
    if not sight.today:
        return
    at, left = spot.of("until"), (date.fromisoformat(waiver.until) - date.fromisoformat(sight.today)).days
    if left < 0:
        yield at.warning(f"it ended on {waiver.until}, and excuses nothing; delete it, or agree on a new date")
    elif left <= SOON:
        yield at.note(f"it ends on {waiver.until}, {'today' if not left else f'in {left} day' + 's' * (left > 1)}; ask {waiver.owner or 'its owner'} for a repair or a new date")
    if most is not None and left > most:
        latest = date.fromisoformat(sight.today) + timedelta(days=most)
        yield at.error(f"{waiver.until} is more than {most} days away, which exceptions.max-days forbids; at the latest {latest}")
