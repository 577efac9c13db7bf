"""Gateways: URLs that match nothing or are matched before, versions that are none, clients that nobody may run."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from cc_fleet.policy import GatewayRule
from cc_fleet.policy.lint._published import named
from cc_fleet.policy.lint._sight import Part, Remark, Sight, Spot, beside
from cc_fleet.versions import Range, key

# As the advisories name them, and others that people run.
KINDS = ("litellm", "ccr", "portkey", "flexgate", "ccgw", "vllm", "envoy", "bifrost", "truefoundry", "ngrok", "kong", "openrouter")
_ALSO = {"claude-code-router": "ccr", "envoy-ai-gateway": "envoy"}
_MOST = 300


def remarks(sight: Sight) -> Iterator[Remark]:
    for part in sight.parts:
        spots = part.records("gateways")
        rules = [(rule, spots.get(rule.place, Spot(("gateways",), rule.place))) for rule in part.rules.gateways]
        for rule, spot in rules:
            for told in (_url, _kind, _versions):
                yield from told(rule, spot)
            yield from _clients(sight, part, rule, spot.of("clients"))
        yield from _hidden(part, rules)


def _url(rule: GatewayRule, spot: Spot) -> Iterator[Remark]:
    spot, scheme = spot.of("url"), rule.url.partition("://")[0].lower()
    if "://" not in rule.url:
        if not rule.url.startswith("*"):
            yield spot.error("has no scheme, so it matches no URL; write https:// before it")
        return
    site = re.split(r"[/?#]", rule.url.partition("://")[2])[0]
    if scheme not in ("http", "https") and "*" not in scheme:
        yield spot.error(f"{scheme} is no scheme that a client sends to; write https://…")
    elif not site:
        yield spot.error("names no host, so it matches no URL")
    elif "@" in site:
        yield spot.error("holds a user or a password, which are taken out of URLs before they are judged; delete them, and change the password")
    elif re.search(r"[?#]", rule.url.replace("://", "", 1).replace(site, "", 1)):
        yield spot.warning("what follows ? or # is not part of what is compared; delete it")


def _kind(rule: GatewayRule, spot: Spot) -> Iterator[Remark]:
    kind = (rule.kind or "").lower()
    close = [_ALSO[kind]] if kind in _ALSO else difflib.get_close_matches(kind, KINDS, n=1, cutoff=0.75)
    if kind and kind not in KINDS and close:
        yield spot.of("kind").warning(f"{rule.kind!r} is no gateway that is known; did you mean {close[0]!r}?")


def _versions(rule: GatewayRule, spot: Spot) -> Iterator[Remark]:
    for version in rule.deny:
        if key(version, "pep440") is None:
            yield spot.of("deny", version).error("is no version as Python numbers them, so no gateway is of it; write for instance 1.107.0")
    if rule.versions is None:
        return
    wrong = [part.version for parts in rule.versions.alternatives for part in parts if key(part.version, "pep440") is None]
    if wrong:
        yield spot.of("versions").error(f"{wrong[0]} is no version as Python numbers them; write for instance >=1.91")
    elif not any(rule.versions.admits(version, "pep440") and version not in rule.deny for version in _around(rule.versions)):
        yield spot.of("versions").error(f"no version is in {rule.versions} and not denied; correct its bounds")


def _around(allowed: Range) -> Iterator[str]:
    """Versions at the bounds and beside them: if the range admits any, it admits one of these."""
    yield from ("0.dev0", "0", "999999999")
    for parts in allowed.alternatives:
        for part in parts:
            yield from (part.version, f"{part.version}.post1", f"{part.version}.dev0", f"{part.version}.1", f"{part.version}.0.1")


def _clients(sight: Sight, part: Part, rule: GatewayRule, spot: Spot) -> Iterator[Remark]:
    if rule.clients is None:
        return
    yield from named(spot, rule.clients)
    allowed = part.ruled.cli.versions
    if allowed is not None and sight.refused(rule.clients):
        yield spot.error(f"cli.versions ({allowed}) refuses every client in {rule.clients}, so nobody may use this gateway; correct one of the two")


def _hidden(part: Part, rules: list[tuple[GatewayRule, Spot]]) -> Iterator[Remark]:
    """The first rule that matches counts; one whose every URL an earlier one matches never does."""
    own = {rule.place for rule, _ in rules}
    earlier = [(rule, Spot(("gateways", rule.url), rule.place)) for rule in part.ruled.gateways if rule.place not in own]
    earlier += rules
    for rule, spot in rules[:_MOST]:
        for other, where in earlier[:_MOST]:
            if other is rule:
                break
            if other.matches(rule.url):
                what = "has the same URL; make them one" if other.url == rule.url else "matches all that it does; put this one first"
                yield spot.of("url").warning(f"never counts: the rule in {beside(where.place, spot.place)} stands before it and {what}")
                break
