"""A user runs one copy of Claude Code while others are installed beside it.

An update then changes a copy that does not run: `npm install -g` says 2.1.17, and `claude
--version` still says 2.1.330 because `~/.local/bin` comes first (measured). A copy of another
version is a warning, one of the same version a note.

**Fix**: remove the copy that is not wanted, or put the wanted one first in PATH.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks import Subject
from cc_fleet.model import Fix, Install, Problem
from cc_fleet.policy import Policy

SEVERITY = "warning"


def compare(policy: Policy, subject: Subject) -> Iterator[Problem]:
    copies = [copy for copy in subject.copies() if copy.active_for is not None]
    for copy in copies:
        winners = [c for c in copies if c is not copy and set(c.active_for or ()) & _reach(subject, copy)]
        for winner in winners:
            if winner.method == copy.method == "native" or copy.active_for:
                continue  # the updater's own store, or a copy that others do run
            yield _shadowed(copy, winner)


def _reach(subject: Subject, copy: Install) -> set[str]:
    """The users who could run this copy."""
    return {copy.user} if copy.user else set(subject.target.coverage.users)


def _shadowed(copy: Install, winner: Install) -> Problem:
    who = ", ".join(winner.active_for or ()) if len(winner.active_for or ()) < 6 else f"{len(winner.active_for or ())} users"
    return Problem(
        f"cli@{copy.version}",
        f"Claude Code {copy.version} ({copy.method}) does not run: {who} runs {winner.version} "
        f"({winner.method}, {winner.place.file})",
        copy.place,
        Fix("you" if copy.user else "admin", "remove this copy, or put its folder first in PATH"),
        severity="note" if copy.version == winner.version else None,
    )
