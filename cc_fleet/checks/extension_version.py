"""An editor runs a version of an extension that the policy does not allow.

What `extensions.json` names is what the editor runs; folders beside it do not count here. The
extension brings its own Claude Code, so a CLI that is right says nothing about it.

**Fix**: install the allowed version by its number; a downgrade needs `--force`.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks import Subject, _install
from cc_fleet.client import EXTENSION
from cc_fleet.model import Problem
from cc_fleet.policy import Policy
from cc_fleet.policy.allowed import best, refusal
from cc_fleet.versions import Range

SEVERITY = "error"


def compare(policy: Policy, subject: Subject) -> Iterator[Problem]:
    for copy in subject.extensions():
        rule = policy.extensions.get(copy.product)
        allowed = rule.versions if rule else None
        refused = refusal(policy, copy.product, copy.version, allowed)
        if refused is None and copy.product == EXTENSION:  # it brings the CLI of its version
            refused = refusal(policy, "cli", copy.version, None)
        if refused is not None and copy.active_for:
            yield Problem(
                f"{copy.product}@{copy.version}", f"{copy.product} {copy.version} in {copy.method} {refused}", copy.place,
                _install.extension(copy, _best(policy, allowed) if copy.product == EXTENSION else None),
            )  # fmt: skip


def _best(policy: Policy, allowed: Range | None) -> str | None:
    return best(policy._replace(cli=policy.cli._replace(versions=allowed or policy.cli.versions, install=None)))
