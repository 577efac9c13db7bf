"""What cannot be right in a policy that reads well: pins that do not exist, ranges that admit nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cc_fleet.decode import near
from cc_fleet.host import plugins
from cc_fleet.model import Place
from cc_fleet.policy import Policy
from cc_fleet.policy.allowed import best, refusal
from cc_fleet.policy.load import Loaded
from cc_fleet.records import NamedTuple
from cc_fleet.versions import Range, key, published


class Remark(NamedTuple):
    """What is wrong, how badly (error or warning), and where."""

    severity: str
    message: str
    place: Place


def lint(loaded: Loaded) -> Iterator[Remark]:
    """Everything that a reader of the policy should be told before it judges anything."""
    policy, here = loaded.policy, Place(loaded.files[-1])
    yield from _names(policy, here)
    yield from _versions(policy, here)
    for denied in policy.deny:
        if denied.product == "cli" and denied.versions is not None:
            yield from (Remark("error", f"deny {denied.id}: {what}", denied.place) for what in _named(denied.versions))
            mine = denied.place.file == here.file  # what an extended policy advises is not this one's affair
            if mine and denied.instead is not None and (why := refusal(policy, "cli", denied.instead, policy.cli.versions)):
                yield Remark("warning", f"deny {denied.id}: instead {denied.instead} {why}", denied.place)
    yield from _waivers(policy)
    for name in policy.severity:
        if name in ("unreadable", "waiver-expired") and policy.severity[name] == "ignore":
            yield Remark("error", f"severity: {name} cannot be ignored", here)


def _names(policy: Policy, here: Place) -> Iterator[Remark]:
    """A misspelt check waives nothing and keeps its severity, and nobody would be told."""
    checks = [name.replace("_", "-") for name in plugins.names("cc_fleet.checks")]
    said = [(name, here) for name in policy.severity] + [(waiver.check, waiver.place) for waiver in policy.waivers]
    for name, place in said:
        if name not in checks and not re.fullmatch(r"[A-Z][A-Z0-9]*(-[A-Z0-9]+)+", name):
            yield Remark("error", f"no check and no advisory of the name: {near(name, checks)}", place)


def _versions(policy: Policy, here: Place) -> Iterator[Remark]:
    allowed, known = policy.cli.versions, published()
    if allowed is not None:
        yield from (Remark("error", f"cli.versions: {what}", here) for what in _named(allowed))
        if best(policy._replace(cli=policy.cli._replace(install=None))) is None:
            yield Remark("error", f"cli.versions: no version published by {known.date} is in {allowed} and not denied", here)
    if policy.cli.install is not None:
        if known.state(policy.cli.install) == "never":
            yield Remark("error", f"cli.install: {policy.cli.install} was never published on npm", here)
        if why := refusal(policy, "cli", policy.cli.install, allowed):
            yield Remark("error", f"cli.install: {policy.cli.install} {why}", here)
    if policy.cli.gate == "derive" and (allowed is None or any(allowed.admits(v) for v in published().versions if (key(v) or ()) < (2, 1, 163))):
        yield Remark("warning", "cli.gate: clients before 2.1.163 know no gate, and cli.versions admits them", here)


def _named(allowed: Range) -> Iterator[str]:
    """Versions that the range names to admit or leave out, and that npm never had."""
    for parts in allowed.alternatives:
        for part in parts:
            if part.operator in ("==", "!=") and published().state(part.version) == "never":
                yield f"{part.version} was never published on npm"


def _waivers(policy: Policy) -> Iterator[Remark]:
    for waiver in policy.waivers:
        if policy.severity.get(waiver.check) == "ignore":
            yield Remark("warning", f"waiver of {waiver.check}: the check is ignored anyway", waiver.place)
