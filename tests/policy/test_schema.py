"""The JSON Schema says what the reader says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from cc_fleet.decode import DecodeError, decode, read_yaml
from cc_fleet.policy import Policy
from cc_fleet.policy.load import folder, packaged
from cc_fleet.policy.schema import schema

VALIDATOR = jsonschema.Draft202012Validator(schema())
DESIGN = """
policy: acme
extends: [default]
cli:
  versions: ">=2.1.163, <=2.1.330"
  install: "2.1.330"
  gate: derive
  auto-update: false
  sha256: {"2.1.330": {linux-x64: "0123"}}
deny:
  - {id: OPS-9, product: cli, versions: "2.1.250", reason: duplicate tool ids, instead: "2.1.248"}
extensions:
  anthropic.claude-code: {versions: ">=2.1.163", pinned: true, match-cli: true}
env:
  CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS: {value: "1", when: {provider: [bedrock, vertex, foundry, gateway]}, locked: true}
  CLAUDE_CODE_MAX_TOOL_USE_CONCURRENCY: {integer: ">=1, <=10"}
  ANTHROPIC_BETAS: {absent: true}
  DISABLE_AUTOUPDATER: "1"
settings: {permissions.disableBypassPermissionsMode: disable, effortLevel: {one-of: [low, medium, high]}}
gateways:
  - {url: "https://llm.acme.example/*", kind: litellm, upstream: bedrock, versions: ">=1.91", deny: {"1.107.0": compromised}, clients: ">=2.1.170"}
other-gateways: deny
advisories: [./advisories]
severity: {extension-leftover: note}
contact: "#claude-help"
waivers:
  - {check: cli-version, allow: {versions: "2.1.172"}, targets: ["group:ml"], until: 2026-12-31, reason: old SDK, owner: ml@acme.example, approved-by: secops, ticket: OPS-1}
"""


class Loader(yaml.SafeLoader):
    """As an editor reads YAML 1.2: a date is a text, ``on`` and ``off`` are."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in found if tag != "tag:yaml.org,2002:timestamp" and not (tag.endswith(":bool") and first in "yYnNoO")]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def loaded(text: str) -> Any:
    return yaml.load(text, Loader=Loader)


def accepted(text: str) -> tuple[bool, bool]:
    """Whether the schema takes it, and whether the reader does."""
    try:
        decode(Policy, read_yaml(text, "p"))
    except DecodeError:
        return VALIDATOR.is_valid(loaded(text)), False
    return VALIDATOR.is_valid(loaded(text)), True


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("name", packaged())
def test_packaged_policies_are_valid(name: str) -> None:
    assert accepted(Path(os.path.join(folder(), f"{name}.yaml")).read_text(encoding="utf-8")) == (True, True)


def test_the_designs_example_is_valid() -> None:
    assert accepted(DESIGN) == (True, True)


@pytest.mark.parametrize(
    "text",
    [
        "cli: {auto-update: {channel: stable}}", "cli: {versions: 2.1}", "cli: {install: 2}", "env: {X: 1}", "env: {X: true}", "env: {X: {value: 5}}",
        "settings: {a: true, b: 5, c: text, d: null}", "settings: {a: {one-of: [1, two, false]}}", "contact: 5", "cli: {gate: off}",
        "deny: [{id: A, lifted: fixed}]", "extensions: {x: {}}", "waivers: []", "env: {}",
    ],
)  # fmt: skip
def test_both_accept(text: str) -> None:
    assert accepted(f"policy: p\n{text}") == (True, True)


@pytest.mark.parametrize(
    "text",
    [
        "", "- policy", "policy: [a]", "polcy: p", "policy: p\ncolour: x", "policy: p\nextends: default", "policy: p\nextends: [[a]]", "policy: p\ncli: []",
        "policy: p\ncli: {versions: [a]}", "policy: p\ncli: {gate: on}", "policy: p\ncli: {auto_update: true}", "policy: p\ncli: {auto-update: 'maybe'}",
        "policy: p\ncli: {auto-update: {channel: beta}}", "policy: p\nenv: [X]", "policy: p\nenv: {X: {valu: a}}", "policy: p\nenv: {X: [a]}",
        "policy: p\nenv: {X: {value: a, when: {os: [beos]}}}", "policy: p\nenv: {X: {value: a, when: {provider: aws}}}", "policy: p\nenv: {X: {value: a, locked: 1}}",
        "policy: p\ndeny: [{versions: 2.1.1}]", "policy: p\ndeny: {id: A}", "policy: p\ngateways: [{kind: x}]", "policy: p\nother-gateways: maybe",
        "policy: p\nseverity: {x: fatal}", "policy: p\nwaivers: [{check: x}]", "policy: p\nwaivers: [{check: x, reason: r, until: tomorrow}]",
        "policy: p\nwaivers: [{check: x, reason: r, until: 2027-01-01, place: here}]", "policy: p\nextensions: {x: {pinned: sometimes}}",
        "policy: p\nwaivers: [{check: x, reason: r, until: 2027-01-01, allow: {}}]", "policy: p\nsettings: {a: [1]}", "policy: p\ncli: {sha256: {a: b}}",
    ],
)  # fmt: skip
def test_both_refuse(text: str) -> None:
    assert accepted(text) == (False, False)


@pytest.mark.parametrize("text", ["env: {X: {}}", "env: {X: {value: a, absent: true}}", "settings: {a: {}}", "deny: [{id: A}]", "cli: {versions: ^2.1}", "env: {X: {integer: many}}"])
def test_both_refuse_what_a_record_says_of_itself(text: str) -> None:
    assert accepted(f"policy: p\n{text}") == (False, False)
