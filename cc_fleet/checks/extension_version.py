"""An editor runs a version of an extension that the policy does not allow.

What `extensions.json` names is what the editor runs; folders beside it do not count here. The
extension brings its own Claude Code, so a CLI that is right says nothing about it, and without
versions of its own it is judged by `cli.versions`.

**Fix**: install the allowed version by its number; a downgrade needs `--force`.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks import Subject, _install
from cc_fleet.client import EXTENSION
from cc_fleet.model import Problem
from cc_fleet.policy import Policy
from cc_fleet.policy.allowed import refusal

SEVERITY = "error"


def compare(policy: Policy, subject: Subject) -> Iterator[Problem]:
    for copy in subject.extensions():
        rule = policy.extensions.get(copy.product)
        refused = refusal(policy, copy.product, copy.version, rule.versions if rule else None)
        if refused is None and copy.product == EXTENSION:  # it brings, and runs, the CLI of its version
            refused = refusal(policy, "cli", copy.version, None if rule and rule.versions else policy.cli.versions)
        if refused is not None and copy.active_for:
            yield Problem(
                f"{copy.product}@{copy.version}", f"{copy.product} {copy.version} in {copy.method} {refused}", copy.place,
                _install.copy(policy, copy) if copy.product == EXTENSION else None,
            )  # fmt: skip
