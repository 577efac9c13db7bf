"""A home is read for so much and no more, and the others are read all the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cc_fleet import checks
from cc_fleet.host import document, facts, ration
from cc_fleet.host.machine import User
from cc_fleet.host.system import under
from cc_fleet.host.tree import Disk, Unreadable
from cc_fleet.model import Coverage, Gap, Place, Rejected, Target
from cc_fleet.policy.load import load
from tests.case import write


@pytest.mark.parametrize("share", [(3, 10**9, 10**9), (10**6, 100, 10**9)])
def test_a_home_that_had_its_share_is_one_gap_and_others_are_read(share: tuple[int, int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("eve", "ada"):
        write(tmp_path, f"/home/{name}/.claude/settings.json", '{"model": "opus"}')
    write(tmp_path, "/home/eve/.bashrc", "# x\n" * 500)
    write(tmp_path, "/home/eve/.profile", "# x\n" * 500)
    write(tmp_path, "/etc/passwd", "eve:x:1:1::/home/eve:/bin/bash\nada:x:2:2::/home/ada:/bin/bash\n")
    monkeypatch.setattr(ration, "HOME", share)
    if share[0] == 3:
        machine = under(str(tmp_path))._replace(users=(User("eve", "/home/eve", "bash"),))
        assert facts.collect(machine).gaps == (Gap(ration.SPENT, Place("/home/eve")),)
        return
    found = facts.collect(under(str(tmp_path)))
    assert found.gaps == (Gap(ration.SPENT, Place("/home/eve")),)
    assert [setting.user for setting in found.settings] == ["ada"]


def test_what_is_asked_counts_for_the_home_that_it_lies_in(tmp_path: Path) -> None:
    write(tmp_path, "/home/ada/x", "12345")
    tree = ration.Rationed(Disk(str(tmp_path)), ["/home/ada", "/home/ada/inner"])
    before = [*tree._left["/home/ada"]]
    tree.read("/home/ada/x")
    tree.part("/home/ada/x", 0, 2)
    tree.sha256("/home/ada/x")
    tree.stat("/home/ada/x")
    tree.names("/home/ada")
    assert [a - b for a, b in zip(before, tree._left["/home/ada"], strict=True)] == [5, 7, 5]
    assert [*tree._left["/home/ada/inner"]] == [*ration.HOME]
    assert list(tree.spent()) == []
    tree._left[""][0] = 0
    with pytest.raises(Unreadable):
        tree.stat("/etc")
    assert list(tree.spent()) == [Gap(ration.SPENT, Place("/"))]


def test_names_that_are_no_text_are_judged_and_written(tmp_path: Path) -> None:
    """A file's name may be any bytes; facts that travel may hold any JSON text."""
    where = Place("/home/ada/\udcff/settings.json", 1)
    target = Target("machine", "m\ud800", "linux", "2026-11-24T00:00:00Z", "x", Coverage(False, ("ada",), ("/home/ada",), 1), rejected=(Rejected("is \ud83d", where, "user", "ada"),))
    found = checks.judge(load(["default"]).policy, (), [target], "2026-11-24")
    assert len(found) == 1
    assert len(found[0].fingerprint) == 64


def test_a_setting_without_a_name_is_no_fact() -> None:
    told = document.dump(Target("machine", "m", "linux", "2026-11-24T00:00:00Z", "x", Coverage(False, (), (), 0)))
    told["settings"] = [{"key": [], "value": 1, "scope": "user", "place": {"file": "x"}}]
    with pytest.raises(document.FactsError, match=r"settings\[0\]\.key: expected a name"):
        document.load(json.loads(json.dumps(told)))
