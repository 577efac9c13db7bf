"""What a repository asks for, as the policy judges it: one version, or what a range admits."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from cc_fleet.client import declared
from cc_fleet.model import LIBRARY, Declared
from cc_fleet.policy import GatewayRule, Policy
from cc_fleet.policy.allowed import refusal
from cc_fleet.records import NamedTuple
from cc_fleet.versions import FAR, npm, published

_LONGEST = 200  # characters of a range that anybody means
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class Admitted(NamedTuple):
    """What a range admits: published versions, oldest first, and whether newer ones that are to come."""

    known: tuple[str, ...]
    later: tuple[str, ...]


class Open(NamedTuple):
    """A declaration of no one version: what a range of it admits, of that what the policy refuses, and why the last of these."""

    admitted: Admitted
    refused: tuple[str, ...]
    why: str

    @property
    def whole(self) -> bool:
        """Whether nothing that it admits is allowed."""
        return bool(self.refused) and len(self.refused) == len(self.admitted.known + self.admitted.later)


def exact(one: Declared) -> str | None:
    """The one version that comes of it, if it is one."""
    return declared.version(one)


def named(product: str) -> str:
    """What people call it."""
    return "Claude Code" if product == "cli" else kind(product)


def kind(product: str) -> str:
    """The name under which the policy speaks of it: a library of a gateway is the gateway's."""
    return product.removesuffix(LIBRARY)


def is_library(one: Declared) -> bool:
    """Whether a gateway's program is used as a library alone, so that only what is denied concerns it."""
    return one.product.endswith(LIBRARY)


def is_commit(one: Declared) -> bool:
    """Whether an action is asked for by a whole commit."""
    return _COMMIT.fullmatch(one.spec or "") is not None


def locked(one: Declared) -> str:
    """How a lock's version came about, in brackets to put after it; nothing where no lock says it."""
    if one.resolved is None or one.lock is None or one.resolved == one.spec:
        return ""
    return f" ({one.spec or 'no version'} here, and {one.lock.file} holds it to that)"


def opened(policy: Policy, one: Declared) -> Open | None:
    """What the range of a declaration of the CLI admits, and what of that the policy refuses; None where it is no range."""
    admitted = admits(one.spec) if one.scheme == "npm" and one.spec else None
    if admitted is None:
        return None
    found = {version: refusal(policy, "cli", version, policy.cli.versions) for version in (*admitted.known, *admitted.later)}
    refused = tuple(version for version, why in found.items() if why is not None)
    return Open(admitted, refused, str(found[refused[-1]]) if refused else "")


@lru_cache(maxsize=1000)
def admits(text: str) -> Admitted | None:
    """What npm's range ``text`` admits of the CLI; None where it is none, but a tag, a URL or a folder."""
    holds = npm(text)
    if holds is None:
        return None
    known = published().versions
    return Admitted(tuple(version for version in known if holds(version)), tuple(version for version in _later(published().newest) if holds(version)))


def _later(newest: str) -> tuple[str, ...]:
    """The next versions that there may be."""
    major, minor, patch = (int(number) for number in newest.split(".")[:3])
    return f"{major}.{minor}.{patch + 1}", f"{major}.{minor + 1}.0", f"{major + 1}.0.0"


def _python(text: str) -> Callable[[str], bool] | None:
    if len(text) > _LONGEST:
        return None
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        wanted = SpecifierSet(text)
    except InvalidSpecifier:
        return None
    return lambda version: wanted.contains(version, prereleases=True)


def gateway_range(policy: Policy, one: Declared) -> tuple[str, ...] | None:
    """The versions that the policy refuses and the range of a gateway's declaration admits, of those that either speaks of; None: no range."""
    holds = {"npm": npm, "pep440": _python}.get(one.scheme, lambda _: None)(one.spec or "")
    if holds is None:
        return None
    product = kind(one.product)
    ranges = [d.versions for d in policy.deny if d.product == product] + [rule.versions for rule in rules(policy, product)]
    spoken_of = {part.version for wanted in ranges if wanted for parts in wanted.alternatives for part in parts}
    spoken_of |= {version for rule in rules(policy, product) for version in rule.deny}
    spoken_of |= set(re.findall(r"[0-9]+(?:\.[0-9]+){1,2}", one.spec or ""))
    padded = (version + ".0" * (2 - version.count(".")) for version in sorted(spoken_of))
    return tuple(version for version in (*padded, FAR) if holds(version) and refused_gateway(policy, product, version))


def rules(policy: Policy, product: str) -> tuple[GatewayRule, ...]:
    """What the policy says of gateways of this kind."""
    return tuple(rule for rule in policy.gateways if rule.kind == product)


def refused_gateway(policy: Policy, product: str, version: str, *, library: bool = False) -> str | None:
    """Why the policy refuses this version of a gateway, as the end of a sentence; of a library only what is denied."""
    for denied in policy.denials(product, version):
        return f"is denied by {denied.id}{f': {denied.reason}' if denied.reason else ''}"
    of_kind = rules(policy, product)
    for rule in of_kind:
        if version in rule.deny:
            return f"is denied: {rule.deny[version]}"
    ranges = [rule.versions for rule in of_kind]
    if library or not ranges or any(wanted is None or wanted.admits(version, "pep440") for wanted in ranges):
        return None
    return f"is outside {' and '.join(str(wanted) for wanted in dict.fromkeys(ranges))}"
