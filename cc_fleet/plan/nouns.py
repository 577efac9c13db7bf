"""What a plan is made of."""

from __future__ import annotations

from cc_fleet.model import Place
from cc_fleet.records import NamedTuple


class Edit(NamedTuple):
    """``new`` in the place of ``old``, which begins at that line and column and was seen there.

    An empty ``old`` is an insertion. ``new`` may hold ``\\n``: it is written as the file ends its lines.
    """

    file: str
    line: int
    column: int
    old: str
    new: str
    version: str
    subject: str


class Left(NamedTuple):
    """What is not changed, where, and what to do by hand."""

    place: Place
    what: str
    by_hand: str


class Plan(NamedTuple):
    """``edits`` in the order of files and lines, what is left, and what to run after them."""

    edits: tuple[Edit, ...]
    left: tuple[Left, ...] = ()
    renewals: tuple[str, ...] = ()
