"""What cannot hold in a policy that reads well: pins that do not exist, rules that nothing can meet, overlays without effect.

A rule is a function of a module here; each module has ``remarks(sight)``, which yields what its
rules say. Nothing else needs to know of a new one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from cc_fleet.host import plugins
from cc_fleet.policy.lint._sight import Remark, Sight, sight
from cc_fleet.policy.load import Loaded
from cc_fleet.versions import Range

__all__ = ["Remark", "Sight", "lint"]


def lint(loaded: Loaded, today: str = "", known: Mapping[str, Range | None] | None = None) -> Iterator[Remark]:
    """Everything that a reader of the policy should be told before it judges anything, in the order of its files.

    ``today`` is an ISO date (UTC), without which nothing is said of dates; ``known`` are the
    advisories with the versions that they concern, without which no name of one is doubted.
    What a packaged policy says that this one extends is not its affair.
    """
    seen = sight(loaded, today, known)
    modules = cast("dict[str, Any]", plugins.modules(__name__))
    found = dict.fromkeys(remark for module in modules.values() for remark in module.remarks(seen))
    order = {file: number for number, file in enumerate(loaded.files)}
    yield from sorted(
        (remark for remark in found if remark.place.file not in loaded.inherited),
        key=lambda remark: (order.get(remark.place.file, -1), remark.place.line or 0, remark.place.column or 0),
    )
