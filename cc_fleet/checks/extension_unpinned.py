"""The editor may update an extension whose version the policy pins.

An editor updates every extension whose entry in `extensions.json` is not `pinned`. Installing
`id@version` or a VSIX pins it in current editors; older ones and forks do not (measured).

**Fix**: install by number, or choose "Auto Update" off for this extension.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks import Subject, _install
from cc_fleet.model import Problem
from cc_fleet.policy import Policy

SEVERITY = "warning"


def compare(policy: Policy, subject: Subject) -> Iterator[Problem]:
    for copy in subject.extensions():
        rule = policy.extensions.get(copy.product)
        if rule is not None and rule.pinned and copy.active_for and copy.pinned is not True:
            yield Problem(copy.product, f"{copy.method} may update {copy.product} {copy.version}: it is not pinned",
                          copy.place, _install.extension(copy, copy.version))  # fmt: skip
