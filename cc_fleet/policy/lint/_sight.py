"""What the rules look at: the policy and its overlays, each with the places of its keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cc_fleet.decode import Node
from cc_fleet.model import Place
from cc_fleet.policy import Overlay, Policy, When
from cc_fleet.policy.lint._ranges import meet
from cc_fleet.policy.load import Loaded
from cc_fleet.policy.when import overlaid
from cc_fleet.records import NamedTuple
from cc_fleet.versions import Range

_MOST = 150


class Remark(NamedTuple):
    """What is wrong, how badly (error, warning or note), of which key, and where that stands."""

    severity: str
    where: str
    message: str
    place: Place

    def __str__(self) -> str:
        file, line, column = self.place[:3]
        return f"{file}:{line or 1}:{column or 1}: {self.severity}: {self.where}: {self.message}"


class Spot(NamedTuple):
    """A key of a policy by its path, with its value; without one it stands where what holds it stands."""

    path: tuple[str, ...]
    place: Place
    node: Node | None = None

    def of(self, *names: str) -> Spot:
        """What stands at these keys below; a single value that is short for a record has none."""
        spot = self
        for name in names:
            if spot.node is not None and spot.node.kind in ("plain", "quoted"):
                return spot
            spot = next((inner for inner in spot.inside() if inner.path[-1] == name), Spot((*spot.path, name), spot.place))
        return spot

    def members(self, name: str) -> dict[str, Spot]:
        """The keys of the mapping ``name``."""
        return {spot.path[-1]: spot for spot in self.of(name).inside()}

    def items(self, name: str) -> list[Spot]:
        """The items of the list ``name``; each has the number that it has in its own file."""
        return list(self.of(name).inside())

    def text(self, name: str) -> str | None:
        """The single value at the key ``name``."""
        node = self.of(name).node
        return node.value if node is not None and node.kind in ("plain", "quoted") else None

    def error(self, message: str) -> Remark:
        return Remark("error", ".".join(self.path), message, self.place)

    def warning(self, message: str) -> Remark:
        return Remark("warning", ".".join(self.path), message, self.place)

    def note(self, message: str) -> Remark:
        return Remark("note", ".".join(self.path), message, self.place)

    def inside(self) -> Iterator[Spot]:
        """The keys of a mapping, or the items of a list."""
        if self.node is not None and self.node.kind == "map":
            for key, value in self.node.value:
                yield Spot((*self.path, str(key.value)), Place(key.file, key.line, key.column), value)
        elif self.node is not None and self.node.kind == "list":
            numbers: dict[str, int] = {}
            for item in self.node.value:
                number = numbers[item.file] = numbers.get(item.file, -1) + 1
                yield Spot((*self.path, str(number)), Place(item.file, item.line, item.column), item)


class Part(NamedTuple):
    """The policy itself or one of its overlays: what it says, what judges where it holds, and for whom."""

    rules: Policy | Overlay
    ruled: Policy
    spot: Spot
    when: When = When()
    inherited: frozenset[str] = frozenset()

    def blame(self, remark: Remark, *keys: tuple[str, ...]) -> Remark:
        """``remark``, at the key that brought it about where it would stand in a packaged file: else nobody was told."""
        spots = [spot for path in keys if (spot := self.spot.of(*path)).node is not None and spot.place.file not in self.inherited]
        if remark.place.file not in self.inherited or not spots:
            return remark
        return Remark(remark.severity, ".".join(spots[0].path), f"{remark.where} ({remark.place.file}): {remark.message}", spots[0].place)

    def first(self, *keys: tuple[str, ...]) -> Spot:
        """The first of the keys that stands here."""
        found = [spot for path in keys if (spot := self.spot.of(*path)).node is not None]
        return found[0] if found else self.spot.of(*keys[0])

    def records(self, name: str) -> dict[Place, Spot]:
        """The spots of the records in the list ``name``, by the place that each record knows."""
        return {spot.place: spot for spot in self.spot.items(name)}


class Sight(NamedTuple):
    """All that a rule may ask.  ``held`` are the groups that some machine has together."""

    loaded: Loaded
    policy: Policy
    parts: tuple[Part, ...]
    today: str
    known: Mapping[str, Range | None] | None
    held: frozenset[tuple[str, ...]]

    def refused(self, asked: Range) -> bool:
        """Whether neither the policy nor it with any of its overlays lets a client of this range run."""
        return not any(meet(asked, part.ruled.cli.versions) for part in self.parts[:_MOST])

    @property
    def base(self) -> Part:
        return self.parts[0]

    @property
    def groups(self) -> frozenset[str] | None:
        """The groups that the ``groups`` file names; None where there is no such file."""
        return frozenset(group for held in self.held for group in held) if self.policy.groups else None


def beside(place: Place, here: Place) -> str:
    """Another place, as a remark about ``here`` names it."""
    return f"line {place.line}" if place.file == here.file else str(place)


def sight(loaded: Loaded, today: str, known: Mapping[str, Range | None] | None) -> Sight:
    policy = loaded.policy
    root = Spot((), Place(loaded.files[-1], 1, 1), loaded.root)
    parts = [Part(policy, policy, root, inherited=loaded.inherited)]
    spots = {spot.place: spot for spot in root.items("overlays")}
    for overlay in policy.overlays:
        found = spots.get(overlay.place)
        spot = Spot(("overlays", overlay.name), overlay.place, found.node if found else None)
        parts.append(Part(overlay, overlaid(policy._replace(overlays=(overlay,)), (overlay.name,)), spot, overlay.when, loaded.inherited))
    return Sight(loaded, policy, tuple(parts), today, known, frozenset(loaded.groups.values()))
