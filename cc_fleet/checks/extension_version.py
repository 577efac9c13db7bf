"""An editor runs a version of an extension that the policy does not allow.

What `extensions.json` names is what the editor runs; folders beside it do not count here. The
extension brings its own Claude Code, so a CLI that is right says nothing about it, and without
versions of its own it is judged by `cli.versions`.

A list of versions in `extensions.allowed`, of the user or of VS Code's policy, disables what it does
not name: that is told where it disables what is installed, or would keep out the version that the
policy wants. The JetBrains plugin brings no CLI, and only a rule for `jetbrains.claude-code` speaks
of it.

In a repository: the version that a devcontainer or `code --install-extension ID@VERSION` asks for.

**Fix**: install the allowed version by its number; a downgrade needs `--force`.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks import Subject, _editor, _install
from cc_fleet.client import EXTENSION
from cc_fleet.model import Declared, Fix, Install, Problem
from cc_fleet.policy import Policy
from cc_fleet.policy.allowed import best, nearest

SEVERITY = "error"


def compare(policy: Policy, subject: Subject) -> Iterator[Problem]:
    for copy in subject.extensions():
        rule = policy.extensions.get(copy.product)
        refused = _install.refused(policy, copy.product, copy.version)
        if refused is not None and copy.active_for:
            yield Problem(
                f"{copy.product}@{copy.version}", f"{copy.product} {copy.version} in {copy.method} {refused}", copy.place,
                _install.copy(policy, copy) if copy.product == EXTENSION else None,
            )  # fmt: skip
        if copy.product == EXTENSION or rule is not None:
            yield from _kept_out(policy, subject, copy, refused is not None)
    for asked in subject.asked("extension"):
        problem = _asked(policy, asked)
        if problem is not None:
            yield problem


def _asked(policy: Policy, asked: Declared) -> Problem | None:
    from cc_fleet.checks import _declared, _written

    version, rule = _declared.exact(asked), policy.extensions.get(asked.product)
    refused = _install.refused(policy, asked.product, version) if version is not None else None
    if refused is None:
        return None
    wanted = nearest(policy, version or "", asked.product, rule.versions if rule else None) if asked.product == EXTENSION else None
    return Problem(f"{asked.product}@{version}", f"{asked.product} {version} {refused}", asked.place, _written.fix(asked, wanted))


def _kept_out(policy: Policy, subject: Subject, copy: Install, refused: bool) -> Iterator[Problem]:
    """What ``extensions.allowed`` disables, or would keep out."""
    rule = policy.extensions.get(copy.product)
    wanted = best(policy, copy.product, rule.versions if rule else None, instead_of=copy.version) if refused else copy.version
    for user in copy.active_for or ():
        allowed = _editor.in_force(subject, user, copy.method, _editor.ALLOWED)
        disabled = _editor.admits(allowed.value, copy, copy.version) is False
        keeps_out = wanted is not None and _editor.admits(allowed.value, copy, wanted) is False
        if allowed.winner is None or not (disabled or keeps_out):
            continue
        what = f"{copy.version}, so {copy.method} disables it" if disabled else f"{wanted}, which {copy.method} should have"
        who = "admin" if allowed.winner.scope == "editor-policy" else "you"
        fix = Fix(who, f"allow {copy.product} {wanted} there") if keeps_out else None
        yield Problem(f"{copy.product}@{copy.version}", f"{_editor.ALLOWED} does not admit {copy.product} {what}", allowed.winner.place,
                      fix, trace=allowed.trace(), severity="warning")  # fmt: skip
