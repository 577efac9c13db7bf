"""The client's own version gate is missing, malformed, ignored where it stands, or unknown to the client.

`requiredMinimumVersion` and `requiredMaximumVersion` (from 2.1.163) stop a client outside
them at its start, but only from managed settings, only as a whole version (a range, `2.1` and
`02.1.163` are dropped in silence, so the gate is open; a `v`, blanks around it and a pre-release are
read), and never in an older client. With `gate: derive` the policy's `cli.versions` must stand
there; without, no copy that the policy allows may be kept from starting. In a repository, which need
hold no managed settings, a gate that is missing is not told, but one that says something else is.

**Fix**: write both keys, as plain versions, in managed settings.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from cc_fleet.checks import Subject, _install, by_view, managed_place
from cc_fleet.client import View, validity
from cc_fleet.client.managed import SCOPES
from cc_fleet.client.validity import GATE, GATE_SINCE
from cc_fleet.model import Fix, Place, Problem
from cc_fleet.policy import Policy
from cc_fleet.policy.allowed import refusal
from cc_fleet.versions import FAR, Range, key, published

SEVERITY = "warning"


def compare(policy: Policy, subject: Subject) -> Iterator[Problem]:
    for setting in subject.target.settings:
        name = ".".join(setting.key)
        if name not in GATE:
            continue
        if setting.scope not in SCOPES:
            yield Problem(name, f"{name} has no effect here: only managed settings are asked for it", setting.place,
                          Fix("admin", f"move it to {_managed(subject)}"))  # fmt: skip
        elif validity.bound(setting.value) is None:
            yield Problem(name, f"{name} is not a plain version, so the client drops it and the gate is open",
                          setting.place, Fix("admin", f'write it as X.Y.Z, such as "{name}": "2.1.163"'), severity="error")  # fmt: skip
    allowed = policy.cli.versions
    if policy.cli.gate == "derive" and allowed is not None:
        yield from by_view(subject, lambda view: _derived(allowed, view, managed_place(subject, view)))
    elif allowed is not None:
        yield from by_view(subject, lambda view: _refused(policy, view))


def _managed(subject: Subject) -> str:
    return "managed settings" if subject.target.kind == "repository" else str(managed_place(subject))


def _refused(policy: Policy, view: View) -> Iterator[Problem]:
    refused = view.refusal()
    if refused is None or view.version is None or refusal(policy, "cli", view.version, policy.cli.versions) is not None:
        return
    name, found = refused
    if found.winner is not None:
        yield Problem(name, f"Claude Code {view.version}, which the policy allows, does not start: {name} is {found.value.strip()}",
                      found.winner.place, Fix("admin", f"set {name} to what the policy allows"), severity="error", trace=found.trace())  # fmt: skip


def _derived(allowed: Range, view: View, belongs: Place) -> Iterator[Problem]:
    if view.install is None:
        return
    here = view.target.kind == "repository"
    if not view.knows(GATE_SINCE):
        told = f"Claude Code {view.version} knows no version gate (2.1.163 is the first that does)"
        yield from () if here else (Problem(f"gate@{view.version}", told, view.install.place, because=f"version:{view.install.place.file}"),)
        return
    for name, lowest in GATE.items():
        wanted = bound(allowed, lowest)
        found = view.gate(name)
        if wanted is None or same(found.value, wanted) or (here and found.winner is None):
            continue
        place = found.winner.place if found.winner else belongs
        said = f"is {found.value}" if found.winner else "is missing from managed settings"
        cost = "" if lowest else _install.cost(wanted)
        yield Problem(name, f"{name} {said}, and should be {wanted}", place,
                      Fix("admin", f'set "{name}": "{wanted}" in {place if here else belongs}{cost}'), trace=found.trace())  # fmt: skip


def same(value: Any, wanted: str) -> bool:
    """Whether the client reads ``wanted`` in ``value``; two pre-releases are one by their letters alone."""
    read = validity.bound(value)
    return value == wanted or (read is not None and read[3] == 1 and read == validity.bound(wanted))


@cache  # it asks hundreds of versions, and a fleet asks again for every machine
def bound(allowed: Range, lowest: bool) -> str | None:
    """The lowest or highest version that the range has an end at; None where it is open at that end.

    What stands strictly outside (``<2.2``) becomes the nearest published version inside.
    """
    admitted = [version for version in published().versions if allowed.admits(version)]
    far = "0.0.0" if lowest else FAR
    if allowed.admits(far) or not admitted:
        return None
    ends = [part.version for parts in allowed.alternatives for part in parts if part.operator in (("==", ">=") if lowest else ("==", "<="))]
    full = [padded for end in ends if allowed.admits(padded := f"{end}.0.0" if end.count(".") == 0 else f"{end}.0" if end.count(".") == 1 else end)]
    choose = min if lowest else max
    return choose([*full, admitted[0 if lowest else -1]], key=lambda version: key(version) or ())
