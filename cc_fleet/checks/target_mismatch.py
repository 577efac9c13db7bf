"""What was judged is not what it says it is.

Two machines with one machine id are clones of an image, and whatever tells machines apart by it
(groups, waivers, the store) takes them for one. Facts of one name twice are one machine judged
twice, or two that reports cannot tell apart. Facts from tomorrow come from a machine whose clock
is wrong, or have been changed; facts older than thirty days (a note) tell what was. Images and
repositories have no machine id.

**Fix**: give the clone an id of its own, set its clock, read facts again, delete the older file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cc_fleet.checks import Judgement
from cc_fleet.model import Fix, Place, Problem, Target

SEVERITY = "warning"
DAYS = 30
_TIME = r"([0-9]{4}-[0-9]{2}-[0-9]{2})T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?(Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
_NOT_YET = ("", "uninitialized")


def review(judged: Judgement) -> Iterator[tuple[Target, Problem]]:
    ids: dict[str, list[Target]] = {}
    names: dict[str, list[Target]] = {}
    ages: dict[str, int | None] = {judged.today: 0}
    for target in judged.targets:
        if target.kind != "image":  # of which one tag has several platforms, and many builds
            names.setdefault(target.name.partition(" (")[0], []).append(target)  # the second is told by where it was read
        if target.kind in ("machine", "filesystem") and target.machine_id not in (None, *_NOT_YET):
            ids.setdefault(str(target.machine_id), []).append(target)
        if (problem := _dated(target, _age(target.collected_at, judged.today, ages))) is not None:
            yield target, problem
    for name, alike in names.items():
        if len(alike) > 1:
            yield alike[1], _named_twice(name, alike)
    for alike in ids.values():
        different: dict[str, Target] = {}
        for target in alike if len(alike) > 1 else ():
            different.setdefault(target.name.partition(" (")[0], target)
        if len(different) > 1:
            first, second, *more = different.values()
            yield second, _cloned(first, second, len(more))


def _named_twice(name: str, alike: list[Target]) -> Problem:
    same = len({target.machine_id for target in alike}) == 1 and alike[0].machine_id
    what = f"{name} was judged {len(alike)} times" if same else f"{len(alike)} targets are named {name}, and their machine ids do not say that they are one"
    return _problem(alike[1], "name", what, Fix("admin", "judge only its newest facts" if same else "give each a name of its own"))


def _cloned(first: Target, second: Target, more: int) -> Problem:
    others = f"{first.name} and {more} others" if more else first.name
    what = f"{second.name} has the machine id of {others}: one is a clone of the other, and they cannot be told apart by it"
    command = "rm /etc/machine-id && systemd-machine-id-setup" if second.os == "linux" else None
    return _problem(second, "machine-id", what, Fix("admin", "give the clone an id of its own", command))


def _dated(target: Target, age: int | None) -> Problem | None:
    if age is None:
        what = "when these facts were read cannot be told: collected_at is no time such as 2026-11-23T12:00:00Z"
        return _problem(target, "collected-at", what, Fix("admin", "read the facts again"))
    if age < -1:
        return _problem(target, "collected-at", f"these facts were read {-age} days from now: the clock there or here is wrong", Fix("admin", "set the clock, and read the facts again"))
    if age > DAYS:
        return _problem(target, "collected-at", f"these facts are {age} days old", Fix("admin", "read the facts again"))._replace(severity="note")
    return None


def _age(text: str, today: str, ages: dict[str, int | None]) -> int | None:
    """How many days before ``today`` that was, in UTC; None where it is no time. ``ages`` keeps what days are."""
    if text[:10] == today and _is_clock(text[10:]):
        return 0
    found = re.fullmatch(_TIME, text) if len(text) < 50 else None
    if found is None:
        return None
    day = found[1] if found[2] == "Z" else _in_utc(text)
    if day not in ages:
        from datetime import date

        try:
            ages[day] = (date.fromisoformat(today) - date.fromisoformat(day)).days
        except ValueError:  # the 45th of a month
            ages[day] = None
    return ages[day]


def _is_clock(text: str) -> bool:
    """Whether ``text`` is such as ``T12:00:00Z``. An audit of one machine needs no more, and no regular expression."""
    hour, *rest = text[1:3], text[4:6], text[7:9]
    digits = text.isascii() and all(part.isdigit() for part in (hour, *rest))
    return digits and len(text) == 10 and f"{text[0]}{text[3]}{text[6]}{text[9]}" == "T::Z" and hour < "24" and max(rest) < "60"


def _in_utc(text: str) -> str:
    """The day in UTC of a time with an offset; nothing where there is no such time."""
    from datetime import UTC, datetime

    try:
        return datetime.fromisoformat(re.sub(r"\.[0-9]+", "", text)).astimezone(UTC).date().isoformat()
    except (ValueError, OverflowError):
        return ""


def _problem(target: Target, subject: str, message: str, fix: Fix) -> Problem:
    return Problem(subject, message, Place(f"the facts of {target.name}"), fix)
