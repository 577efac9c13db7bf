"""The ``claude`` command: its versions, what is installed, the gate, updates, digests, denials."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cc_fleet.client import EXTENSION, truth
from cc_fleet.decode import near
from cc_fleet.policy import Denied, Policy
from cc_fleet.policy.allowed import refusal
from cc_fleet.policy.lint._published import clients, named, pin, range_, several, unpublished, within
from cc_fleet.policy.lint._ranges import admitted
from cc_fleet.policy.lint._sight import Part, Remark, Sight, Spot
from cc_fleet.versions import FAR, key, published

PLATFORMS = ("darwin-arm64", "darwin-x64", "linux-arm64", "linux-arm64-musl", "linux-x64", "linux-x64-musl", "win32-arm64", "win32-x64")
GATE = "2.1.163"
_VERSIONS = ("cli", "versions")
# What stops a client's updates.
_STOPS = ("DISABLE_AUTOUPDATER", "DISABLE_UPDATES")


def remarks(sight: Sight) -> Iterator[Remark]:
    for part in sight.parts:
        for rule in (_versions, _install, _gate, _slips, _updates, _stopped):
            yield from rule(part)
        yield from (*_digests(sight, part), *_denied(part))
    yield from _lifted(sight)


def _versions(part: Part) -> Iterator[Remark]:
    allowed, spot = part.rules.cli.versions, part.spot.of("cli", "versions")
    if allowed is None:
        return
    yield from range_(spot, allowed)
    if admitted(allowed) and not clients(part.ruled):
        yield spot.error(f"every published version in {allowed} is denied; widen it, or lift a denial")


def _install(part: Part) -> Iterator[Remark]:
    version, spot = part.rules.cli.install, part.spot.of("cli", "install")
    if version is None:
        return
    yield from pin(spot, version)
    if unpublished(version) is None and (why := refusal(part.ruled, "cli", version, part.ruled.cli.versions)):
        yield part.blame(spot.error(f"{version} {why}; name a version that is allowed"), _VERSIONS)


def _gate(part: Part) -> Iterator[Remark]:
    """The client's own gate is unknown before 2.1.163, and needs ends to be written from."""
    cli, spot = part.ruled.cli, part.first(("cli", "gate"), _VERSIONS)
    if cli.gate != "derive" or not {"gate", "versions"} & set(part.rules.cli.given):
        return
    if cli.versions is None:
        yield spot.warning("nothing to derive a gate from; give cli.versions")
        return
    old = within(clients(part.ruled), "0.0.0", GATE)
    if old:
        told = f"clients before {GATE} know no gate, and cli.versions admits {several(old)}; only an audit holds those"
        yield part.blame(spot.warning(told), _VERSIONS)
    elif admitted(cli.versions) and cli.versions.admits(FAR) and cli.versions.admits("0.0.0"):
        told = f"{cli.versions} has neither a lowest nor a highest version, so no gate is written; give it one"
        yield part.blame(spot.warning(told), _VERSIONS)


def _slips(part: Part) -> Iterator[Remark]:
    """A gate is one closed range: what the policy leaves out inside it starts all the same."""
    said = {"gate", "versions"} & set(part.rules.cli.given)
    if not said and not part.rules.deny:
        return
    slipped = _let(part.ruled)
    if not said:  # an overlay that denies more: the rest is told of the policy itself
        slipped = tuple(v for v in slipped if any(d.versions and d.versions.admits(v) for d in part.rules.deny))
    if slipped:
        told = several(slipped) if len(slipped) > 8 else ", ".join(slipped)
        told = f"a gate is one range without holes, so it lets {told} start, which the policy refuses; only an audit finds them"
        yield part.blame(part.first(("cli", "gate"), _VERSIONS, ("deny",)).warning(told), _VERSIONS, ("deny",))


def _let(policy: Policy) -> tuple[str, ...]:
    """The published versions that the gate, as it is derived, would let start and the policy refuses."""
    allowed = policy.cli.versions
    inside = admitted(allowed)
    if policy.cli.gate != "derive" or allowed is None or not inside:
        return ()
    low = (0,) if allowed.admits("0.0.0") else key(inside[0]) or ()
    high = (10**9,) if allowed.admits(FAR) else key(inside[-1]) or ()
    let = set(clients(policy))
    return tuple(v for v in published().versions if v not in let and max(low, (2, 1, 163)) <= (key(v) or ()) <= high)


def _updates(part: Part) -> Iterator[Remark]:
    """Updates that are allowed, and a ceiling that they leave, or another channel."""
    cli = part.ruled.cli
    if cli.auto_update is None or not cli.auto_update.allowed:
        return
    spot = part.first(("cli", "auto-update"), _VERSIONS)
    if {"auto_update", "versions"} & set(part.rules.cli.given) and cli.versions is not None and not cli.versions.admits(FAR) and cli.gate != "derive":
        told = f"clients that update themselves leave {cli.versions}; add gate: derive, which their updater obeys, or say false"
        yield part.blame(spot.warning(told), _VERSIONS)
    channel = part.ruled.settings.get("autoUpdatesChannel")
    if cli.auto_update.channel and "auto_update" in part.rules.cli.given and channel and channel.value and channel.value.json != cli.auto_update.channel:
        yield spot.error(f"the channel is {cli.auto_update.channel} here and {channel.value.json} in settings.autoUpdatesChannel; delete one of the two")


def _stopped(part: Part) -> Iterator[Remark]:
    """What auto-update says, and variables that say the contrary."""
    rule, env = part.ruled.cli.auto_update, part.ruled.env
    if rule is None or not ("auto_update" in part.rules.cli.given or set(_STOPS) & set(part.rules.env)):
        return
    stops = [name for name in _STOPS if name in env and truth.is_on(name, env[name].value)]
    if rule.allowed and stops:
        told = f"auto-update lets clients update themselves, and env wants {stops[0]}, which stops that; delete one of the two"
        yield part.first(("cli", "auto-update"), ("env", stops[0])).warning(told)
    switch = env.get(_STOPS[0])
    if not rule.allowed and not stops and switch is not None and (switch.absent or switch.value in ("", *truth.FALSE)):
        yield part.first(("env", _STOPS[0]), ("cli", "auto-update")).error(f"cli.auto-update: false needs {_STOPS[0]} on, and env forbids it; delete one of the two")


def _digests(sight: Sight, part: Part) -> Iterator[Remark]:
    for version, spot in part.spot.of("cli").members("sha256").items():
        yield from pin(spot, version)
        refusals = [refusal(other.ruled, "cli", version, other.ruled.cli.versions) for other in sight.parts]
        if unpublished(version) is None and all(refusals):
            yield spot.warning(f"{version} {refusals[0]}, so its digest is never asked for; delete it")
        for platform, digest in part.rules.cli.sha256.get(version, {}).items():
            at = spot.of(platform)
            if platform not in PLATFORMS:
                yield at.error(near(platform, list(PLATFORMS)))
            if re.fullmatch(r"[0-9A-Fa-f]{64}", digest) is None:
                yield at.error(f"a sha256 is 64 hexadecimal digits, and this has {len(digest)} characters; no program matches it")


def _denied(part: Part) -> Iterator[Remark]:
    spots, seen = part.records("deny"), dict[str, Denied]()
    for denied in part.rules.deny:
        at = spots.get(denied.place, Spot(("deny",), denied.place))
        at = at._replace(path=(*at.path[:-1], denied.id))
        if denied.id in seen:
            yield at.warning(f"{denied.id} stands here twice; give each denial its own id")
        seen[denied.id] = denied
        if denied.versions is None or denied.product not in ("cli", EXTENSION):
            continue
        yield from named(at.of("versions"), denied.versions) if denied.product == "cli" else ()
        if not admitted(denied.versions) and not list(named(at, denied.versions)) and not denied.versions.admits(FAR):
            yield at.of("versions").warning(f"no published version is in {denied.versions}; it denies nothing")
        if denied.instead is not None:
            yield from _instead(part, denied, at.of("instead"))


def _instead(part: Part, denied: Denied, spot: Spot) -> Iterator[Remark]:
    version = str(denied.instead)
    yield from pin(spot, version)
    rule = part.ruled.extensions.get(denied.product)
    allowed = rule.versions if rule and rule.versions else part.ruled.cli.versions
    if unpublished(version) is None and (why := refusal(part.ruled, denied.product, version, allowed)):
        yield spot.warning(f"{version} {why}; name a version that is allowed")


def _lifted(sight: Sight) -> Iterator[Remark]:
    """``lifted`` names a denial; the policy keeps neither of the two, the file's text does."""
    said = [(part, spot) for part in sight.parts for spot in part.spot.items("deny")]
    ids = {spot.text("id") or "" for _, spot in said if spot.text("lifted") is None}
    for _, spot in said:
        name = spot.text("id")
        if spot.text("lifted") is not None and name not in ids:
            told = near(str(name), sorted(ids)) if ids else f"{name!r} is not known; no policy that this one extends denies anything"
            yield spot.of("id").error(f"lifts no denial: {told}")
