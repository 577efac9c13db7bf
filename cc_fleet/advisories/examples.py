"""An advisory's examples as views: the advisory's own test, run for the packaged ones and by ``policy lint``.

An example is a map of texts: ``cli`` (the version that runs) or ``extension`` (``id@version``),
``method`` (how it was installed), ``os``, ``gateway`` (a base URL), ``gateway.kind`` and
``gateway.version`` (as the facts know it), ``policy.kind``, ``policy.versions`` and
``policy.upstream`` (as the policy has it), ``provider``, ``model``, ``credential``, ``rejected``
(a scope), ``setting.NAME`` (the user's; any other scope by its
name: ``project.NAME``, ``managed.NAME`` …), and anything in capitals is an environment variable.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cc_fleet.advisories import Advisory
from cc_fleet.client import PROVIDERS, View, views
from cc_fleet.client.effective import SCOPES
from cc_fleet.model import Coverage, Credential, Gateway, Install, Place, Rejected, Setting, Target, Variable
from cc_fleet.records import NamedTuple
from cc_fleet.versions import Range

_HERE = Place("example")


class ExampleError(ValueError):
    """An example has a key that means nothing."""


class Told(NamedTuple):
    """What an example's policy says of its gateway."""

    kind: str | None = None
    upstream: str | None = None
    versions: Range | None = None


def failures(advisory: Advisory) -> Iterator[str]:
    """What the advisory says of its own examples, where that is not what it should."""
    if not advisory.examples.affected and advisory.affects is not None:
        yield f"{advisory.place}: {advisory.id}: no example of a client that is affected"
    for expected, examples in ((True, advisory.examples.affected), (False, advisory.examples.fine)):
        for example in examples:
            if advisory.concerns(view(example), lambda _, told=rule(example): told) is not expected:  # type: ignore[misc]
                yield f"{advisory.place}: {advisory.id}: {dict(example)} should {'' if expected else 'not '}be affected"


def rule(example: Mapping[str, str]) -> Told | None:
    """What the policy of ``example`` says of its gateway."""
    told = {name: text for name in ("kind", "upstream", "versions") if (text := example.get(f"policy.{name}")) is not None}
    versions = Range.parse(told["versions"]) if "versions" in told else None
    return Told(told.get("kind"), told.get("upstream"), versions) if told else None


def view(example: Mapping[str, str]) -> View:
    """The one view that ``example`` describes."""
    facts: dict[str, list[Any]] = {}
    for name, value in example.items():
        for group, fact in _facts(name, value, example):
            facts.setdefault(group, []).append(fact)
    bare = Target("machine", "example", example.get("os", "linux"), "2026-01-01T00:00:00Z", "example", Coverage(False, ("ada",), ("/home/ada",), 1))
    groups: dict[str, Any] = {group: tuple(found) for group, found in facts.items()}
    target = bare._replace(**groups)
    found = list(views(target))
    if len(found) != 1:
        raise ExampleError("an example needs 'cli', an extension, a setting or a credential")
    return found[0]


def _facts(name: str, value: str, example: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    scope, _, rest = name.partition(".")
    if name in ("cli", "extension"):
        product, version = ("cli", value) if name == "cli" else value.rsplit("@", 1)
        yield "installs", Install(product, version, example.get("method", "npm"), _HERE, ("ada",))
    elif name == "credential":
        yield "credentials", Credential(value, _HERE, "owner", "ada")
    elif name == "rejected":
        yield "rejected", Rejected("a comment", _HERE, value, "ada")
    elif name == "model":
        yield "settings", Setting(("model",), value, "user", _HERE, "ada")
    elif scope in ("setting", *SCOPES) and rest:
        yield "settings", Setting(tuple(rest.split(".")), _json(value), "user" if scope == "setting" else scope, _HERE)
    elif name == "gateway.kind":
        yield "gateways", Gateway(example["gateway"], value, example.get("gateway.version"), _HERE)
    elif name == "provider" and value in PROVIDERS:
        yield "variables", Variable(PROVIDERS[value][0], "1", "process", _HERE, "ada")
    elif name == "gateway" or re.fullmatch(r"[A-Z0-9_]+", name):
        yield "variables", Variable("ANTHROPIC_BASE_URL" if name == "gateway" else name, value, "process", _HERE, "ada")
    elif name not in ("os", "method", "gateway.version", "policy.kind", "policy.versions", "policy.upstream"):
        raise ExampleError(f"{name!r} is no key of an example")


def _json(text: str) -> Any:
    """``true``, ``false`` and numbers as JSON has them; anything else is a text."""
    return {"true": True, "false": False}.get(text, int(text) if re.fullmatch("-?[0-9]{1,9}", text) else text)
