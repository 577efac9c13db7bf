"""An editor runs a version of an extension that the policy does not allow.

What `extensions.json` names is what the editor runs; folders beside it do not count here. The
extension brings its own Claude Code, so a CLI that is right says nothing about it.

**Fix**: install the allowed version by its number; a downgrade needs `--force`.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks import Subject
from cc_fleet.model import Fix, Install, Problem
from cc_fleet.policy import Policy
from cc_fleet.policy.allowed import best, refusal

SEVERITY = "error"
COMMANDS = {"vscode": "code", "vscode-insiders": "code-insiders", "vscodium": "codium", "cursor": "cursor", "windsurf": "windsurf"}


def compare(policy: Policy, subject: Subject) -> Iterator[Problem]:
    for copy in subject.extensions():
        rule = policy.extensions.get(copy.product)
        refused = refusal(policy, copy.product, copy.version, rule.versions if rule else None)
        refused = refused or (refusal(policy, "cli", copy.version, None) if copy.product == "anthropic.claude-code" else None)
        if refused is not None and copy.active_for:
            yield Problem(f"{copy.product}@{copy.version}", f"{copy.product} {copy.version} in {copy.method} {refused}",
                          copy.place, install(copy, best(policy) if rule is None or rule.versions is None else _best(policy, rule.versions)))  # fmt: skip


def install(copy: Install, version: str | None) -> Fix | None:
    """How to bring this editor's extension to ``version``."""
    if version is None:
        return None
    command = f"{COMMANDS[copy.method]} --install-extension {copy.product}@{version} --force" if copy.method in COMMANDS else None
    return Fix("you", f"install {copy.product} {version}", command)


def _best(policy: Policy, allowed: object) -> str | None:
    return best(policy._replace(cli=policy.cli._replace(versions=allowed, install=None)))  # type: ignore[arg-type]
