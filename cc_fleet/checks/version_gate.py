"""The client's own version gate is missing, malformed, ignored where it stands, or unknown to the client.

`requiredMinimumVersion` and `requiredMaximumVersion` (from 2.1.163) stop a client outside
them at its start, but only from managed settings, only as `X.Y.Z` (anything else is dropped in
silence, so the gate is open), and never in an older client. With `gate: derive` the policy's
`cli.versions` must stand there.

**Fix**: write both keys, as plain versions, in managed settings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cc_fleet.checks import Subject, by_view, nowhere
from cc_fleet.client import View
from cc_fleet.client.validity import MANAGED
from cc_fleet.model import Fix, Place, Problem
from cc_fleet.policy import Policy
from cc_fleet.versions import Range, key

SEVERITY = "warning"
SINCE = (2, 1, 163)
KEYS = {"requiredMinimumVersion": (">=", "=="), "requiredMaximumVersion": ("<=", "==")}


def compare(policy: Policy, subject: Subject) -> Iterator[Problem]:
    for setting in subject.target.settings:
        name = ".".join(setting.key)
        if name not in KEYS:
            continue
        if setting.scope not in MANAGED:
            yield Problem(name, f"{name} has no effect here: only managed settings are asked for it", setting.place,
                          Fix("admin", f"move it to {nowhere(subject).file}"))  # fmt: skip
        elif not re.fullmatch(r"\d+\.\d+\.\d+", str(setting.value)):
            yield Problem(name, f"{name} is not a plain version, so the client drops it and the gate is open",
                          setting.place, Fix("admin", f'write it as X.Y.Z, such as "{name}": "2.1.163"'), severity="error")  # fmt: skip
    allowed = policy.cli.versions
    if policy.cli.gate == "derive" and allowed is not None:
        yield from by_view(subject, lambda view: _derived(allowed, subject, view))


def _derived(allowed: Range, subject: Subject, view: View) -> Iterator[Problem]:
    if view.install is None:
        return
    if not view.knows(SINCE):
        yield Problem(f"gate@{view.version}", f"Claude Code {view.version} knows no version gate (2.1.163 is the first that does)",
                      view.install.place, because=f"version:{view.install.place.file}")  # fmt: skip
        return
    for name, operators in KEYS.items():
        wanted = bound(allowed, operators)
        found = view.setting(name)
        if wanted is None or found.value == wanted:
            continue
        place: Place = found.winner.place if found.winner else nowhere(subject)
        said = f"is {found.value}" if found.winner else "is missing"
        yield Problem(name, f"{name} {said}; the policy's versions are {allowed}", place,
                      Fix("admin", f'set "{name}": "{wanted}" in {nowhere(subject).file}'), trace=found.trace())  # fmt: skip


def bound(allowed: Range, operators: tuple[str, ...]) -> str | None:
    """The outermost bound over all alternatives; None where one is open at that end or has a strict bound."""
    ends = []
    for parts in allowed.alternatives:
        here = [part.version for part in parts if part.operator in operators]
        if not here:
            return None
        ends.append(here[-1])
    choose = min if ">=" in operators else max
    return choose(ends, key=lambda version: key(version) or ())
