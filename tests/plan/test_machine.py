"""What is planned for a machine, against the cases in ``machine/``: a system and a policy, and the changes that they give.

Of tests/case.py, and besides:

    as: ada                        # who plans: root (unless it is given), or a user, without the system's rights
    owned: [[FILE, [KEY], VALUE, USER]]
    options: {registry: URL, live: false, tarballs: {VERSION: [[FILE, SHA256]]}, vsix: [[ID, VERSION, FILE, SHA256]], logins: {ada: FILE}}
    changes: ["0 own-file: what"]  # phase, kind, whose rights (root's unless it is said), what
    args: [{content: …}]           # optional: of each change some of its arguments
    left: ["who: what: where: how"]
    again: ["…"]                   # what planning again gives, after all was carried out; nothing unless it is given
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from cc_fleet import checks
from cc_fleet.client import views
from cc_fleet.host import facts
from cc_fleet.host.change import Change, Owned, Plan, dump, load
from cc_fleet.host.machine import User
from cc_fleet.host.system import under
from cc_fleet.model import Finding, Target
from cc_fleet.plan import machine
from cc_fleet.plan.machine import Draft, Options, _hand
from cc_fleet.policy import Policy
from cc_fleet.policy.when import Laid, applied
from tests import case
from tests.plan import simulator

CASES = sorted((Path(__file__).parent / "machine").glob("*.yaml"))


class Drafted:
    """A case: its system below a folder, and what is planned for it."""

    def __init__(self, file: Path, tmp: Path) -> None:
        self.told, self.tmp, self.root = (told := case.read(file)), tmp, tmp / "root"
        self.raw = yaml.safe_load(file.read_text(encoding="utf-8"))
        self.loaded = case.policy(told, tmp)
        self.owned = tuple(Owned(path, tuple(key), value, user) for path, key, value, user in self.raw.get("owned", []))
        case._system(told, self.root)

    def target(self) -> Target:
        user = self.told.get("as", "root")
        read = under(str(self.root), self.loaded.policy.names(), digests=self.loaded.policy.digests)
        read = read._replace(name="case", privileged=user == "root")
        if user != "root":
            own = next(one for one in read.users if one.name == user)
            environ = {"PATH": f"{own.home}/.local/bin:/usr/local/bin:/usr/bin:/bin", **self.told.get("environ", {})}
            read = read._replace(kind="machine", caller=User(user, own.home, own.shell), users=(own,), environ=environ, cwd=self.told.get("cwd"))
        return facts.collect(read)._replace(collected_at="2026-11-23T12:00:00Z")

    def judged(self) -> tuple[Policy, Target, list[Finding]]:
        target = self.target()
        policy = Laid(self.loaded.policy).of(applied(self.loaded.policy, target, tuple(views(target))))
        return policy, target, checks.judge(self.loaded.policy, (), [target], "2026-11-23")

    def draft(self) -> tuple[Draft, list[Finding]]:
        policy, target, found = self.judged()
        return machine.draft(policy, target, found, self.owned, self.options()), found

    def options(self) -> Options:
        said = self.raw.get("options", {})
        tarballs = {version: [tuple(one) for one in files] for version, files in said["tarballs"].items()} if "tarballs" in said else None
        vsix = {(name, version): (file, digest) for name, version, file, digest in said.get("vsix", [])}
        return Options(tarballs, said.get("registry"), vsix, said.get("live", True), said.get("logins", {}))


def line(change: Change) -> str:
    return f"{change.phase} {change.kind}{f' {change.user}' if change.user else ''}: {change.what}"


def shown(drafted: Draft) -> tuple[list[str], list[str]]:
    return [line(change) for change in drafted.changes], [f"{one.who}: {one.what}: {one.where}: {one.how}" for one in drafted.left]


def agrees(drafted: Draft, found: list[Finding]) -> set[str]:
    """What holds of every draft: no two changes are about the same, and it is JSON.  The findings that no change and nobody's hand answers."""
    named = {check for change in drafted.changes for check in change.findings}
    about = [(c.phase, c.kind, c.args.get("file") or c.args.get("prefix") or c.args.get("home") or c.args.get("path") or (c.args["folder"], c.args["id"])) for c in drafted.changes if c.kind != "verify"]
    assert len(about) == len(set(about))
    assert [change.phase for change in drafted.changes] == sorted(change.phase for change in drafted.changes)
    for change in drafted.changes:
        keys = [tuple(key) for key, _ in change.args.get("set", ())] + [tuple(key) for key in change.args.get("remove", ())]
        assert len(keys) == len(set(keys))
        assert "\n" not in change.what
    whole = Plan("1", "case", "0", "case", None, "linux", False, False, drafted.changes, drafted.left)
    assert dump(load(dump(whole))) == dump(whole)
    told = " ".join(f"{one.what} {one.how}" for one in drafted.left)
    silent = [one for one in found if one.waived is None and one.problem.because is None and one.check not in named]
    return {one.fingerprint for one in silent if one.problem.message not in told and one.problem.subject.partition("@")[0] not in told}


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_case(file: Path, tmp_path: Path) -> None:
    one = Drafted(file, tmp_path)
    told = one.told
    drafted, found = one.draft()
    changes, left = shown(drafted)
    assert changes == told["changes"]
    assert left == told.get("left", [])
    if "args" in one.raw:
        assert [{name: change.args.get(name) for name in some} for change, some in zip(drafted.changes, one.raw["args"], strict=True)] == one.raw["args"]
    silent = agrees(drafted, found)
    assert one.draft()[0] == drafted
    one.owned = simulator.carry_out(one.root, drafted.changes, one.owned)
    again, still = one.draft()
    assert shown(again)[0] == told.get("again", [])
    assert not silent & agrees(drafted, still), "it was not told, and is there still"
    assert agrees(again, still) == set()


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 40


@pytest.mark.parametrize("name", checks.all_checks())
def test_every_check_is_planned_or_left_to_people(name: str) -> None:
    planned = {check for area in machine.areas().values() for check in area.CHECKS}
    by_hand = set(_hand.BY_HAND) | _hand.ELSEWHERE
    assert (name in planned) != (name in by_hand), f"{name}: an area of cc_fleet/plan/machine answers it, or _hand.py says why people do"


def test_no_area_answers_a_check_that_is_not() -> None:
    named = {check for area in machine.areas().values() for check in area.CHECKS} | set(_hand.BY_HAND) | _hand.ELSEWHERE
    assert named == set(checks.all_checks())


def test_every_reason_is_a_sentence_for_people() -> None:
    assert all(re.fullmatch(r"[^A-Z\n].{20,}", reason) for reason in _hand.BY_HAND.values())
