"""What the list of published versions says of pins and ranges."""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.policy import Policy, When
from cc_fleet.policy.lint._ranges import admitted
from cc_fleet.policy.lint._sight import Remark, Spot
from cc_fleet.versions import FAR, Range, key, published


def clients(policy: Policy, *conditions: When) -> tuple[str, ...]:
    """The published versions that the policy lets run and that meet the conditions' ``cli``."""
    ranges = {policy.cli.versions, *(when.cli for when in conditions)} - {None}
    found = [v for v in published().versions if all(allowed is None or allowed.admits(v) for allowed in ranges)]
    denied = [d.versions for d in policy.deny if d.product == "cli" and d.versions is not None]
    return tuple(v for v in found if not any(versions.admits(v) for versions in denied))


def within(versions: tuple[str, ...], since: str, until: str) -> tuple[str, ...]:
    """Those from ``since`` to before ``until``."""
    return tuple(v for v in versions if (key(since) or ()) <= (key(v) or ()) < (key(until) or ()))


def several(versions: tuple[str, ...]) -> str:
    """Versions in a few words."""
    if len(versions) > 3:
        return f"{versions[0]} to {versions[-1]} ({len(versions)} versions)"
    return " and ".join(filter(None, (", ".join(versions[:-1]), versions[-1])))


def unpublished(version: str) -> str | None:
    """What to say of a version that npm never had, with those next to it."""
    wanted = key(version)
    if wanted is None:
        return f"{version} is no version; write X.Y.Z"
    if published().state(version) != "never":
        return None
    below = [v for v in published().versions if (key(v) or ()) < wanted]
    above = [v for v in published().versions if (key(v) or ()) > wanted]
    return f"{version} was never published on npm; there are {below[-1]} and {above[0]}" if below else f"{version} was never published on npm; the first was {above[0]}"


def pin(spot: Spot, version: str) -> Iterator[Remark]:
    """A version by its number that does not exist, or that is newer than what is known."""
    if (told := unpublished(version)) is not None:
        yield spot.error(told)
    elif published().state(version) == "newer":
        yield spot.note(f"{version} is newer than {published().newest}, the newest known on {published().date}; make sure that it exists")


def named(spot: Spot, allowed: Range) -> Iterator[Remark]:
    """The versions that a range names one by one."""
    parts = [part for parts in allowed.alternatives for part in parts if part.operator in ("==", "!=")]
    for version in dict.fromkeys(part.version for part in parts if part.version.count(".") >= 2):
        yield from pin(spot, version)


def range_(spot: Spot, allowed: Range) -> Iterator[Remark]:
    """A range that names what does not exist, or admits nothing that does."""
    told = list(named(spot, allowed))
    yield from told
    if not admitted(allowed) and not told:
        if _reaches_further(allowed):
            yield spot.warning(f"{allowed} admits only versions newer than {published().newest}, the newest known on {published().date}; make sure that there are any")
        else:
            yield spot.error(f"no published version is in {allowed}; correct its bounds")


def _reaches_further(allowed: Range) -> bool:
    ends = {part.version for parts in allowed.alternatives for part in parts}
    padded = {end + ".0" * (2 - end.count(".")) for end in ends} | {FAR}
    steps = {f"{v[0]}.{v[1]}.{v[2] + 1}" for end in padded if (v := key(end)) is not None}
    return any(allowed.admits(v) and published().state(v) == "newer" for v in padded | steps)
