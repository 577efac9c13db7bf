"""The extension's own Claude Code is another version than the one in the user's PATH.

The extension runs the copy that it brings. With `match-cli: true` both must be one version, so
that a fix or a pin holds in the editor and in the terminal.

A repository has no PATH: there the two are judged each by itself.

**Fix**: install the extension in the CLI's version, or the other way round.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks import Subject, _editor, _install
from cc_fleet.model import Install, Problem
from cc_fleet.policy import Policy
from cc_fleet.policy.allowed import refusal

SEVERITY = "warning"


def compare(policy: Policy, subject: Subject) -> Iterator[Problem]:
    in_path: dict[str, Install] = {}
    for copy in subject.copies():
        for user in copy.active_for or ():
            in_path.setdefault(user, copy)
    for copy in subject.extensions():
        rule = policy.extensions.get(copy.product)
        if rule is None or not rule.match_cli or copy.product == _editor.JETBRAINS:  # which brings none
            continue
        for user in copy.active_for or ():
            runs = in_path.get(user)
            if runs is not None and runs.version != copy.version:
                rule_versions = rule.versions or policy.cli.versions
                fits = refusal(policy, copy.product, runs.version, rule_versions) is None
                fix = _install.extension(copy, runs.version) if fits else _install.cli(runs, copy.version)
                yield Problem(copy.product, f"{copy.method} runs {copy.product} {copy.version}, and {user}'s PATH runs {runs.version}",
                              copy.place, fix)  # fmt: skip
