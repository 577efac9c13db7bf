"""The client's own version gate: closed last, when what the plan installs is in its range.

A bound is not written where it would keep a copy from starting that stays and is allowed.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks import _install, version_gate
from cc_fleet.client.validity import GATE as BOUNDS
from cc_fleet.client.validity import GATE_SINCE
from cc_fleet.host.change import GATE, Byhand
from cc_fleet.model import Finding, Install
from cc_fleet.plan.machine import _managed, _rules
from cc_fleet.plan.machine._own import SCOPES
from cc_fleet.plan.machine._task import AS_ROOT, GONE, Fate, Say, Task, Wish, Write, hand
from cc_fleet.policy.allowed import refusal
from cc_fleet.versions import key

CHECKS = ("version-gate",)
_TOO_OLD = "nothing but this audit holds such a client: allow versions from 2.1.163 on, or set gate: off"


def plan(task: Task) -> Iterator[Wish]:
    found = list(task.of(*CHECKS))
    bounds = _rules.gate(task)
    for finding in found:
        scope = next((one.scope for one in task.target.settings if one.place == finding.problem.place), None)
        if finding.problem.subject.startswith("gate@"):  # a client that knows none; where it is refused, that finding is its cause
            yield from [hand(finding, _TOO_OLD, who="admin")] if finding.problem.because is None else []
        elif scope in SCOPES:
            yield _misplaced(task, finding)
        elif finding.problem.subject not in bounds and finding.problem.subject in BOUNDS:
            is_ours = finding.problem.place.file == _managed.own_file(task) and task.root and not _managed.belongs_to_mdm(task)
            yield Wish(None, (finding,)) if is_ours else hand(finding)
    if not task.root:
        yield from (hand(one, AS_ROOT, who="admin") for one in found if one.problem.subject in bounds and _is_managed(task, one))
        return
    for name, bound in bounds.items():
        about = tuple(one for one in found if one.problem.subject == name and _is_managed(task, one))
        yield from _bound(task, name, bound, about) if about else ()


def _is_managed(task: Task, finding: Finding) -> bool:
    return not any(one.place == finding.problem.place and one.scope in SCOPES for one in task.target.settings)


def _misplaced(task: Task, finding: Finding) -> Wish:
    """A bound in a file that is not asked for it does nothing."""
    stands = next(one for one in task.target.settings if one.place == finding.problem.place)
    if task.root or stands.user is None or not task.may(stands.user):
        return hand(finding)
    return Wish(Write(stands.place.file, stands.user, stands.key, GONE), (finding,))


def _bound(task: Task, name: str, bound: str, found: tuple[Finding, ...]) -> Iterator[Wish]:
    shut_out = _shut_out(task, name, bound)
    if shut_out is not None:
        what = f"{name} {bound} would keep Claude Code {shut_out} from starting, which is here and allowed"
        yield Wish(Byhand(what, _managed.managed_file(task), "admin", "bring that copy into the policy's range first, or set gate: off"), found)
        return
    stands = [one for one in task.target.settings if one.key == (name,) and one.scope in ("managed", "drop-in") and one.place.file != _managed.own_file(task)]
    wrong = [one for one in stands if not version_gate.same(one.value, bound) and _managed.beaten_by(task, one.scope, one.place.file)]
    malformed = [one for one in stands if one not in wrong and any(one.place == finding.problem.place for finding in found) and key(str(one.value)) is None]
    for one in (*wrong, *malformed) if not _managed.belongs_to_mdm(task) else ():
        yield Wish(Write(one.place.file, None, one.key, bound, phase=GATE), found)
    in_force = _managed.effective(task, (name,))
    if not wrong and (in_force is GONE or not version_gate.same(in_force, bound) or _managed.belongs_to_mdm(task)):
        yield Wish(Say((name,), bound, phase=GATE), found)


def _shut_out(task: Task, name: str, bound: str) -> str | None:
    """The version of a copy that stays and may run, and that this bound would keep from starting."""
    limit = (key(bound) or ())[:4]
    for fate in task.fates:
        read = (key(fate.version or "") or ())[:4]
        if not read or read[:3] < GATE_SINCE or not _may_run(task, fate):
            continue
        if read < limit if BOUNDS[name] else read > limit:
            return fate.version
    return None


def _may_run(task: Task, fate: Fate) -> bool:
    """Whether a copy as it will be may run: the policy allows its version, or a waiver does."""
    copy, version = fate.copy, fate.version or ""
    if copy.product not in ("cli", "anthropic.claude-code") or (copy.active_for == () and copy.bundled_in is None):
        return False  # what nobody runs is nobody's loss
    if version == copy.version and _is_waived(task, copy):
        return True
    if copy.product != "cli":
        return _install.refused(task.policy, copy.product, version) is None
    return copy.bundled_in is None and refusal(task.policy, "cli", version, task.policy.cli.versions) is None


def _is_waived(task: Task, copy: Install) -> bool:
    return any(one.check in ("cli-version", "extension-version") and one.problem.place == copy.place and one.problem.subject.endswith(f"@{copy.version}") for one in task.waived)
