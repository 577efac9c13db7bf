"""A user runs one copy of Claude Code while others are installed beside it.

An update then changes a copy that does not run: `npm install -g` says 2.1.17, and `claude
--version` still says 2.1.330 because `~/.local/bin` comes first (measured). A copy of another
version is a warning, one of the same version a note.

With `one-install: remove` the copy goes that does not run, by the command of the way in which it was
installed; but where the policy refuses the one that runs and allows the other, that one goes.

A repository installs nothing beside anything: of one nothing is told.

**Fix**: remove the copy that is not wanted, or put the wanted one first in PATH.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks import Subject, _install
from cc_fleet.model import Fix, Install, Problem
from cc_fleet.policy import Policy
from cc_fleet.policy.allowed import refusal

SEVERITY = "warning"


def compare(policy: Policy, subject: Subject) -> Iterator[Problem]:
    copies = [copy for copy in subject.copies() if copy.active_for is not None]
    runs: dict[str, list[Install]] = {}
    for copy in copies:
        for user in copy.active_for or ():
            runs.setdefault(user, []).append(copy)
    for copy in copies:
        if copy.active_for or copy.method == "npm-project":
            continue  # others do run it, or a project's scripts do
        found: dict[Install, list[str]] = {}
        for user in sorted({copy.user} if copy.user else subject.target.coverage.users):  # who could run this copy
            for winner in runs.get(user, ()):
                found.setdefault(winner, []).append(user)
        for winner, users in found.items():
            if not winner.method == copy.method == "native":  # the updater keeps a store of its own
                yield _shadowed(copy, winner, users, _fix(policy, copy, winner))


def _shadowed(copy: Install, winner: Install, users: list[str], fix: Fix) -> Problem:
    who = ", ".join(users) if len(users) < 6 else f"{len(users)} users"
    return Problem(
        f"cli@{copy.version}",
        f"Claude Code {copy.version} ({copy.method}) does not run: {who} run{'s' if len(users) == 1 else ''} {winner.version} "
        f"({winner.method}, {winner.place.file})",
        copy.place, fix, severity="note" if copy.version == winner.version else None,
    )


def _fix(policy: Policy, copy: Install, winner: Install) -> Fix:
    kept = Fix(_install.who(copy), "remove this copy, or put its folder first in PATH")
    if policy.cli.one_install == "report":
        return kept
    refused = [refusal(policy, "cli", one.version, policy.cli.versions) is not None for one in (copy, winner)]
    if refused == [False, True] and (removed := _install.removal(winner)):
        goes = f"{winner.version} ({winner.method})"
        return removed._replace(summary=f"remove the copy that runs, {goes}, which the policy refuses, and put the folder of this one first in PATH")
    removed = _install.removal(copy)
    return removed._replace(summary=f"remove this copy; {winner.version} ({winner.method}) stays") if removed else kept
