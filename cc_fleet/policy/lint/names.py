"""Names of checks and advisories that do not exist: they would change nothing, and nobody would be told."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cc_fleet.decode import near
from cc_fleet.host import plugins
from cc_fleet.policy import KEPT
from cc_fleet.policy.lint._sight import Part, Remark, Sight, Spot

# What looks back on findings: no comment comes before it.
_OF_EXCUSES = frozenset(("waiver-unused",))


def remarks(sight: Sight) -> Iterator[Remark]:
    for part in sight.parts:
        yield from _severities(sight, part)
        yield from _inline(sight, part)
        if part.rules.contact is not None and not part.rules.contact.strip():
            yield part.spot.of("contact").warning("is empty, so reports tell nobody whom to ask; write a channel or an address")
    if not sight.policy.policy.strip():
        yield sight.base.spot.of("policy").warning("is empty; give the policy the name that reports show")


def unknown(sight: Sight, name: str) -> str | None:
    """What to say of a name that is no check and no advisory."""
    known = checks()
    if name in known:
        return None
    if re.fullmatch(r"[A-Z][A-Z0-9]*(-[A-Z0-9]+)+", name) is None:
        return f"no check and no advisory of the name: {near(name, list(known))}"
    if sight.known is None or name in sight.known:
        return None
    told = near(name, list(sight.known)) if name.startswith("CCF-") else f"{name!r} is not known; your own stand in the folders of `advisories`"
    return f"no advisory of the name: {told.partition(' is not one of ')[0] + ' is not known' if ' is not one of ' in told else told}"


def checks() -> tuple[str, ...]:
    """The names of all checks."""
    return tuple(name.replace("_", "-") for name in plugins.names("cc_fleet.checks"))


def _severities(sight: Sight, part: Part) -> Iterator[Remark]:
    spots = part.spot.members("severity")
    for name, level in part.rules.severity.items():
        spot = spots.get(name, Spot(("severity", name), part.spot.place))
        if (told := unknown(sight, name)) is not None:
            yield spot.error(told)
        elif name in KEPT and level == "ignore":
            yield spot.error("cannot be ignored; write note, warning or error")


def _inline(sight: Sight, part: Part) -> Iterator[Remark]:
    spots = part.spot.of("exceptions").items("inline") or [part.spot.of("exceptions", "inline")]
    known, names = checks(), part.rules.exceptions.inline
    for number, name in enumerate(names):
        spot = spots[min(number, len(spots) - 1)]
        if name in KEPT:
            yield spot.error(f"{name} cannot be excused; delete it")
        elif name in _OF_EXCUSES:
            yield spot.warning(f"{name} is about what excuses, so no comment excuses it; delete it")
        elif name not in known and (told := unknown(sight, name)) is not None:
            yield spot.warning(told.replace("no check and no advisory of the name:", "no check of the name, so it excuses nothing:").replace("no advisory of the name:", "no advisory of the name, so it excuses nothing:"))
        elif name in names[:number]:
            yield spot.warning(f"{name} stands here twice; delete one of the two")
        elif part.ruled.severity.get(name) == "ignore":
            yield spot.warning(f"{name} is ignored anyway; delete it")
