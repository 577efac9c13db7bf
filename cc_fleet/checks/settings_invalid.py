"""A settings file is not taken by Claude Code: dropped whole, or a reason not to start.

Its settings are strict JSON. One comment or one trailing comma voids a user's, project's or local
file: every flag in it is lost, and the exit code is 0 (measured from 2.1.25 to 2.1.330). So does a
wrong type, such as a number for `model`. A managed file that is no JSON voids itself in older
clients and keeps 2.1.330 from starting at all (measured), and so does a broken `~/.claude.json`.
A policy of VS Code that is no JSON is dropped whole too, by the editor. In a repository these are
`.claude/settings.json`, `settings.local.json` and files of managed settings, judged by the versions that
are asked for beside them and by the newest one.

**Fix**: correct the line that is named; `python3 -m json.tool FILE` checks the syntax.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks import Subject, sentence
from cc_fleet.client import NEWEST, validity
from cc_fleet.client.validity import Voided
from cc_fleet.model import Fix, Problem
from cc_fleet.policy import Policy

SEVERITY = "error"


def compare(policy: Policy, subject: Subject) -> Iterator[Problem]:
    found: dict[str, list[Voided]] = {}
    for view in subject.views:
        for void in view.voided():
            found.setdefault(void.place.file, []).append(void)
    for void in validity.voided(subject.target, NEWEST):
        if void.place.file not in found and not subject.views:
            found[void.place.file] = [void]
    for voids in found.values():
        yield _problem(voids[0], all(void.starts for void in voids))
    for rejected in subject.target.rejected:
        if rejected.scope == "editor-policy":
            message = f"VS Code drops its whole policy: {sentence(rejected.reason)}"
            yield Problem(rejected.scope, message, rejected.place, Fix("admin", f"correct {rejected.place}"))


def _problem(void: Voided, starts: bool) -> Problem:
    effect = "drops this whole file" if starts else "refuses to start because of this file"
    return Problem(
        void.scope, f"Claude Code {effect}: {sentence(void.reason)}", void.place,
        Fix("you" if void.user or void.scope in ("project", "local", "root-local") else "admin", f"correct {void.place}"),
    )  # fmt: skip
