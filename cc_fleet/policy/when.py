"""Whether a condition (``when``) holds, and the policy that judges a target: with the overlays that it meets.

``applied`` tells which overlays those are, ``overlaid`` lays them over the policy. Both are pure;
``Laid`` remembers each combination, because targets come by the hundred thousand and overlays do not.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from cc_fleet.client import matches
from cc_fleet.model import Gateway, Target
from cc_fleet.policy import Denied, GatewayRule, Overlay, Policy, When

ADDED = ("deny", "gateways", "advisories", "waivers")
BY_NAME = ("extensions", "env", "settings", "editor_settings", "severity")
BY_KEY = ("cli", "sessions", "exceptions")
_ABOUT = ("name", "when")


class Client(Protocol):
    """What a condition asks of a view."""

    @property
    def target(self) -> Target: ...
    @property
    def version(self) -> str | None: ...
    def provider(self) -> str: ...
    def gateway(self) -> Gateway | None: ...
    def model(self) -> str | None: ...


def holds(policy: Policy, when: When, view: Client) -> bool:
    """Whether every key that ``when`` gives holds.  A client of unknown version meets every range."""
    if when == When():
        return True
    if not _about(when, view.target):
        return False
    asked = (
        (when.provider, view.provider() if when.provider else None),
        (when.upstream, _upstream(policy, view) if when.upstream else None),
    )
    if any(wanted and found not in wanted for wanted, found in asked):
        return False
    gateway = view.gateway() if when.gateway else None
    if when.gateway and not (gateway and matches(gateway.url, when.gateway)):
        return False
    if when.model and not matches(view.model() or "", when.model):
        return False
    return when.cli is None or view.version is None or when.cli.admits(view.version)


def applied(policy: Policy, target: Target, views: Iterable[Client]) -> tuple[str, ...]:
    """The names of the overlays that speak of ``target``, in the order in which they are laid.

    Conditions on clients hold where one client meets them all; what stands behind a gateway is
    asked of the policy without overlays.
    """
    seen = tuple(views) if policy.overlays else ()
    return tuple(overlay.name for overlay in policy.overlays if _speaks_of(policy, overlay.when, target, seen))


def overlaid(policy: Policy, names: tuple[str, ...]) -> Policy:
    """``policy`` with its overlays of these names laid over it: as ``extends`` lays files, the later wins."""
    for overlay in policy.overlays:
        if overlay.name in names:
            policy = _lay(policy, overlay)
    return policy


def lift(denied: tuple[Denied, ...]) -> tuple[Denied, ...]:
    """The denials that stand: one that is lifted by its id is gone, and so is what lifts it."""
    lifted = {one.id for one in denied if one.lifted is not None}
    return tuple(one for one in denied if one.id not in lifted) if lifted else denied


class Laid:
    """The policies that judge, by the overlays that apply.  It knows which have applied so far."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._made: dict[tuple[str, ...], Policy] = {(): policy}

    def of(self, names: tuple[str, ...]) -> Policy:
        """The policy of a target that these overlays (``applied``) speak of."""
        if names not in self._made:
            self._made[names] = overlaid(self._policy, names)
        return self._made[names]

    def gateways(self) -> tuple[GatewayRule, ...]:
        """Every gateway that the policy or one of its overlays speaks of."""
        return self._policy.gateways + tuple(rule for overlay in self._policy.overlays for rule in overlay.gateways)

    def advisories(self, known: tuple[Any, ...], names: tuple[str, ...]) -> tuple[Any, ...]:
        """Of the advisories ``known`` all but those that overlays bring which do not apply."""
        hidden = {folder for o in self._policy.overlays if o.name not in names for folder in o.advisories}
        hidden -= {folder for o in self._policy.overlays if o.name in names for folder in o.advisories}
        return tuple(one for one in known if one.place.file.rpartition("/")[0] not in hidden) if hidden else known

    def reviewed(self) -> Policy:
        """The policy for what looks back on all targets: its own waivers, and those of the overlays that applied to any."""
        used = {name for names in self._made for name in names}
        return self._policy._replace(waivers=self._policy.waivers + tuple(w for o in self._policy.overlays if o.name in used for w in o.waivers))


def _lay(base: Policy, over: Overlay) -> Policy:
    laid: dict[str, Any] = {}
    for name in over.given:
        if name in _ABOUT:
            continue
        mine, theirs = getattr(base, name), getattr(over, name)
        if name in ADDED:
            theirs = mine + theirs
        elif name in BY_NAME:
            theirs = {**mine, **theirs}
        elif name in BY_KEY:
            theirs = mine._replace(**{key: getattr(theirs, key) for key in theirs.given})
        laid[name] = theirs
    laid["deny"] = lift(laid.get("deny", base.deny))
    return base._replace(**laid)


def _speaks_of(policy: Policy, when: When, target: Target, views: tuple[Client, ...]) -> bool:
    if not _about(when, target):
        return False
    return when._replace(kind=(), os=(), group=()) == When() or any(holds(policy, when, view) for view in views)


def _about(when: When, target: Target) -> bool:
    """Whether the conditions on the target itself hold."""
    if (when.kind and target.kind not in when.kind) or (when.os and target.os not in when.os):
        return False
    return not when.group or not set(when.group).isdisjoint(target.groups)


def _upstream(policy: Policy, view: Client) -> str | None:
    gateway = view.gateway()
    rule = policy.gateway(gateway.url) if gateway else None
    return rule.upstream if rule else None
