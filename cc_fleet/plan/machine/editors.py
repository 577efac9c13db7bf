"""Editors' settings that are not as the policy has them: in their user's file with that user's rights, or in VS Code's policy."""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks import _editor
from cc_fleet.model import Finding
from cc_fleet.plan.machine import _rules
from cc_fleet.plan.machine._editors import POLICIES, InEditor, judged_in
from cc_fleet.plan.machine._task import AS_ROOT, Task, Wish, Write, hand
from cc_fleet.policy import Setting

CHECKS = ("setting-value",)


def plan(task: Task) -> Iterator[Wish]:
    for finding in task.of(*CHECKS):
        rule, where = task.policy.editor_settings.get(finding.problem.subject), judged_in(task, finding)
        if rule is None or where is None:
            continue
        by_policy = where.found.winner is not None and where.found.winner.scope == "editor-policy"
        if by_policy or (rule.locked and where.editor == "vscode"):
            yield _in_policy(task, finding, rule)
        else:
            yield _in_settings(task, finding, rule, where)


def _in_policy(task: Task, finding: Finding, rule: Setting) -> Wish:
    name = POLICIES.get(finding.problem.subject)
    if task.target.os != "linux" or name is None:
        return hand(finding, who=None if task.target.os == "linux" else "MDM")
    if not task.root:
        return hand(finding, AS_ROOT, who="admin")
    return Wish(Write(_editor.POLICY["linux"], None, (name,), _rules.setting(rule)), (finding,))


def _in_settings(task: Task, finding: Finding, rule: Setting, where: InEditor) -> Wish:
    winner = where.found.winner
    if not task.may(where.user) or (winner is not None and winner.scope == "editor-workspace"):
        return hand(finding)  # a workspace is the project's, and everybody's who works on it
    file = winner.place.file if winner is not None else finding.problem.place.file
    return Wish(Write(file, where.user, (finding.problem.subject,), _rules.setting(rule), kind="editor-settings"), (finding,))
