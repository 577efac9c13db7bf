"""The checks whose findings a plan leaves to people, and why."""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.host.change import Byhand
from cc_fleet.model import Finding
from cc_fleet.plan.machine._task import shown

# What people have to do about them where the finding itself does not say it.
BY_HAND = {
    "env-ineffective": "the variable does nothing in this version; take another version, or the setting that works there",
    "env-spelling": "only who wrote it knows what was meant",
    "gateway-client": "choose which of the two changes, the client or the gateway",
    "gateway-url": "whose gateway it is, and which one to use instead, is not known here",
    "gateway-version": "the gateway is not on this machine alone; update it where it runs",
    "known-issue": "see `cc-fleet explain`: a version is planned where the policy refuses this one",
    "secret-exposed": "revoke the credential first: a file that is changed does not call it back",
    "target-mismatch": "what was judged is not what it says it is",
    "unreadable": "read it with the rights that it needs, for what stands there was not judged",
    "waiver-expired": "renew the waiver in the policy, or take it out",
    "waiver-unused": "take the waiver out of the policy",
}
# Those of images and repositories alone; `cc-fleet plan --repo` and `--image` speak of them.
ELSEWHERE = frozenset("action-unpinned cli-unpinned identity-baked pin-unresolved pins-disagree".split())
_ELSE = "nothing here can put it right"


def left(finding: Finding) -> Iterator[Byhand]:
    """A finding that no change answers.  One that another finding causes goes with that one; of a known issue what nobody can change
    beforehand is the audit's to tell."""
    problem, fix = finding.problem, finding.problem.fix
    if problem.because is not None or (finding.check == "known-issue" and finding.severity != "error" and (fix is None or fix.command is None)):
        return
    how = (f"{fix.summary}: {fix.command}" if fix.command else fix.summary) if fix else BY_HAND.get(finding.check, _ELSE)
    yield Byhand(problem.message, shown(problem.place), fix.who if fix else "admin", how)
