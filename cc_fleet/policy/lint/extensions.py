"""Editor extensions: ids, versions, and whether they and the CLI can be of one version."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from cc_fleet.client import EXTENSION
from cc_fleet.policy import Extension
from cc_fleet.policy.lint._published import clients, range_
from cc_fleet.policy.lint._ranges import meet
from cc_fleet.policy.lint._sight import Part, Remark, Sight, Spot


def remarks(sight: Sight) -> Iterator[Remark]:
    for part in sight.parts:
        spots = part.spot.members("extensions")
        for name, rule in part.rules.extensions.items():
            spot = spots.get(name, Spot(("extensions", name), part.spot.place))
            yield from _id(name, spot)
            yield from _versions(part, name, rule, spot)


def _id(name: str, spot: Spot) -> Iterator[Remark]:
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*\.[A-Za-z0-9][A-Za-z0-9._-]*", name) is None:
        yield spot.error(f"is no extension's id; write publisher.name, such as {EXTENSION}")
    elif name != EXTENSION and difflib.SequenceMatcher(None, name.lower(), EXTENSION).ratio() > 0.85:
        yield spot.warning(f"is no extension that is known; did you mean {EXTENSION}?")


def _versions(part: Part, name: str, rule: Extension, spot: Spot) -> Iterator[Remark]:
    if name != EXTENSION:
        if rule.match_cli:
            yield spot.of("match-cli").warning(f"only {EXTENSION} brings a CLI, so there is nothing to match; delete it")
        return
    if rule.versions is None:
        return
    told = list(range_(spot.of("versions"), rule.versions))  # it has the numbers of the CLI that it brings
    yield from told
    allowed = part.ruled.cli.versions
    if rule.match_cli and not told and allowed is not None and clients(part.ruled) and not meet(rule.versions, allowed):
        yield spot.of("match-cli").error(f"no version is in {rule.versions} and in cli.versions ({allowed}), so the two can never match; correct one of them")
