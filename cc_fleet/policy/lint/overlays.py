"""Overlays that never hold, say nothing, are hidden by later ones, or contradict them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cc_fleet.policy import When
from cc_fleet.policy.lint._conditions import conditions
from cc_fleet.policy.lint._published import admitted, meet
from cc_fleet.policy.lint._sight import Part, Remark, Sight
from cc_fleet.policy.when import ADDED, BY_KEY, BY_NAME

_MOST = 150
_OF_TARGET = ("kind", "os")
_WORDS = ("kind", "os", "group", "provider", "gateway", "upstream", "model")


def remarks(sight: Sight) -> Iterator[Remark]:
    overlays = sight.parts[1:]
    for part in overlays:
        yield from conditions(sight, part, part.when, part.spot.of("when"))
        yield from _empty(part)
    for number, part in enumerate(overlays[:_MOST]):
        for later in overlays[number + 1 : _MOST]:
            yield from _pair(sight, part, later)


def _empty(part: Part) -> Iterator[Remark]:
    if part.when == When():
        yield part.spot.of("when").note("asks nothing, so it holds for every target; say it in the policy itself")
    if not _said(part):
        yield part.spot.warning("says nothing but its name and when; delete it, or say what changes")


def _said(part: Part) -> dict[tuple[str, ...], Any]:
    """What the overlay lays over others, by the path of its key; what is added to a list hides nothing."""
    found: dict[tuple[str, ...], Any] = {}
    for name in getattr(part.rules, "given", ()):
        value = getattr(part.rules, name)
        if name in BY_NAME:
            found |= {(_key(name), key): inner for key, inner in value.items()}
        elif name in BY_KEY:
            found |= {(_key(name), _key(key)): getattr(value, key) for key in value.given}
        elif name in ADDED:
            found |= {(name, ""): value} if value else {}
        elif name not in ("name", "when"):
            found[_key(name),] = value
    return found


def _pair(sight: Sight, part: Part, later: Part) -> Iterator[Remark]:
    """What becomes of two overlays where both hold: the later wins, key by key."""
    if not _together(sight, part.when, later.when):
        return
    mine, theirs = _said(part), _said(later)
    hidden = [path for path in mine if path in theirs and path[-1:] != ("",)]
    if mine and len(hidden) == len(mine) and _within(part.when, later.when):
        yield part.spot.warning(f"has no effect: {later.spot.path[-1]} comes later, holds wherever this does, and says all of its keys; delete it, or put it last")
        return
    if part.when != later.when and _within(later.when, part.when):
        return  # first the rule, then the narrower exception
    for path in hidden:
        if _bare(mine[path]) != _bare(theirs[path]):
            who = "it" if part.when == later.when else f"a target that meets this and {part.spot.path[-1]} at once"
            yield later.spot.of(*path).warning(_told(part, later, path, who))


def _told(part: Part, later: Part, path: tuple[str, ...], who: str) -> str:
    name, line = part.spot.path[-1], part.spot.of(*path).place.line
    if part.when == later.when:
        return f"{name} has the same condition and says otherwise in line {line}; this one comes later and wins: make them one"
    return f"{name} says otherwise in line {line}; for {who} this one wins, because it comes later: order them so, or narrow one"


def _together(sight: Sight, one: When, other: When) -> bool:
    """Whether a target may meet both conditions, as far as can be told."""
    for name in ("kind", "os"):
        if (mine := getattr(one, name)) and (theirs := getattr(other, name)) and not set(mine) & set(theirs):
            return False
    for name in ("provider", "upstream", "model", "gateway"):  # of one target, clients may differ; that is no reason to speak
        if (mine := getattr(one, name)) and (theirs := getattr(other, name)) and not set(mine) & set(theirs):
            return False
    if one.group and other.group and not set(one.group) & set(other.group):
        return any(set(one.group) & set(held) and set(other.group) & set(held) for held in set(sight.loaded.groups.values()))
    return meet(one.cli, other.cli)


def _within(narrow: When, wide: When) -> bool:
    """Whether whatever meets ``narrow`` meets ``wide`` too."""
    for name in _WORDS:
        mine, theirs = getattr(narrow, name), getattr(wide, name)
        if theirs and not (mine and set(mine) <= set(theirs)):
            return False
    if wide.cli is None or narrow.cli == wide.cli:
        return True
    return narrow.cli is not None and bool(admitted(narrow.cli)) and set(admitted(narrow.cli)) <= set(admitted(wide.cli))


def _bare(value: Any) -> Any:
    return value._replace(place=None) if hasattr(value, "_fields") and "place" in value._fields else value


def _key(name: str) -> str:
    return name.replace("_", "-")
