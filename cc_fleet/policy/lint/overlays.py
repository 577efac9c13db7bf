"""Overlays that never hold, say nothing, are hidden by later ones, or contradict them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cc_fleet.policy import When
from cc_fleet.policy.lint._conditions import conditions
from cc_fleet.policy.lint._ranges import admitted, meet
from cc_fleet.policy.lint._sight import Part, Remark, Sight, beside
from cc_fleet.policy.when import ADDED, BY_KEY, BY_NAME

_MOST = 150
_Said = dict[tuple[str, ...], Any]
_WORDS = ("kind", "os", "group", "provider", "gateway", "upstream", "model")


def remarks(sight: Sight) -> Iterator[Remark]:
    overlays = sight.parts[1:]
    for part in overlays:
        yield from conditions(sight, part, part.when, part.spot.of("when"))
        yield from _empty(part)
    laid = [(part, _said(part)) for part in overlays[:_MOST]]
    for number, (part, said) in enumerate(laid):
        yield from _hidden(part, said, laid[number + 1 :])
        yield from _against(sight, part, said, laid[:number])


def _empty(part: Part) -> Iterator[Remark]:
    if part.when == When():
        yield part.spot.of("when").note("asks nothing, so it holds for every target; say it in the policy itself")
    if not _said(part):
        yield part.spot.warning("says nothing but its name and when; delete it, or say what changes")


def _said(part: Part) -> _Said:
    """What the overlay lays over others, by the path of its key; what is added to a list hides nothing."""
    found: _Said = {}
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


def _hidden(part: Part, said: _Said, later: list[tuple[Part, _Said]]) -> Iterator[Remark]:
    for other, theirs in later:
        if _hides(part, said, other, theirs):
            name = other.spot.path[-1]
            yield part.spot.warning(f"has no effect: overlay {name} comes later, holds wherever this does, and says all of its keys; delete it, or put it last")
            return


def _hides(part: Part, said: _Said, other: Part, theirs: _Said) -> bool:
    """Whether ``other``, which is laid later, leaves nothing of ``part``."""
    return bool(said) and all(path[1:] != ("",) and path in theirs for path in said) and _within(part.when, other.when)


def _against(sight: Sight, part: Part, said: _Said, earlier: list[tuple[Part, _Said]]) -> Iterator[Remark]:
    """What becomes of keys of which earlier overlays say otherwise, where both hold: the later wins."""
    met = [
        (other, theirs) for other, theirs in earlier
        if _together(sight, part.when, other.when)
        and (part.when == other.when or not _within(part.when, other.when))  # a narrower exception after the rule is meant
        and not _hides(other, theirs, part, said)  # which is told of that one
    ]  # fmt: skip
    for path, value in said.items():
        others = [other for other, theirs in met if path[1:] != ("",) and path in theirs and _bare(theirs[path]) != _bare(value)]
        if others:
            at = part.spot.of(*path)
            named = " and ".join(f"overlay {other.spot.path[-1]} ({beside(other.spot.of(*path).place, at.place)})" for other in others)
            says, them = ("say", "these") if len(others) > 1 else ("says", "it")
            yield at.warning(f"{named} {says} otherwise, and a target may meet {them} and this; then this one wins, because it comes later: put what should win last, or narrow one")


def _together(sight: Sight, one: When, other: When) -> bool:
    """Whether a target may meet both conditions, as far as can be told."""
    for name in ("kind", "os", "provider", "upstream", "model", "gateway"):  # one target's clients may differ, but that is rare
        if (mine := getattr(one, name)) and (theirs := getattr(other, name)) and not set(mine) & set(theirs):
            return False
    if one.group and other.group and not set(one.group) & set(other.group):
        return any(set(one.group) & set(held) and set(other.group) & set(held) for held in sight.held)
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
