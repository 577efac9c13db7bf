"""Ranges as sets of published versions."""

from __future__ import annotations

from functools import cache

from cc_fleet.versions import FAR, Range, published


@cache
def admitted(allowed: Range | None) -> tuple[str, ...]:
    """The published versions in the range, oldest first."""
    return tuple(v for v in published().versions if allowed is None or allowed.admits(v))


def meet(one: Range | None, other: Range | None) -> bool:
    """Whether a published version, or one to come, is in both."""
    if one is None or other is None:
        return True
    return bool(set(admitted(one)) & set(admitted(other))) or (one.admits(FAR) and other.admits(FAR)) or not admitted(one) or not admitted(other)
