"""Journals that are broken, or were made to hurt: lines that say what is wrong, and nothing that they name is touched."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from cc_fleet.host import ground, journal, owned, steps
from cc_fleet.host.change import PlanError
from cc_fleet.host.journal import Journal
from tests.host.changing.place import Place, change, text


def ran(place: Place) -> str:
    """The folder of a run that wrote, removed and made things."""
    name, home = place.names[0], place.homes[place.names[0]]
    place.put(f"{place.etc}/file", "before", 0o640)
    place.put(f"{home}/file", "before", 0o600, name)
    place.put(f"{place.etc}/gone", "gone")
    plan = place.sealed(
        change(None, ["write", f"{place.etc}/file", "after"], ["remove", f"{place.etc}/gone"], ["folder", f"{place.etc}/tools", "made"]),
        change(name, ["write", f"{home}/file", "after"], ["foreign", f"{home}/watched", "w"]),
    )  # fmt: skip
    assert {one.state for one in place.apply(plan)[1]} == {"done"}
    return f"{place.journal}/runs/000001"


def said(do: Callable[[], Any]) -> list[str]:
    """The lines that it ends with: outcomes that were refused, or the one error."""
    try:
        found = [one.reason for one in do() if one.state not in ("undone", "done")]
    except PlanError as err:
        found = [str(err)]
    assert all(one and "\n" not in one and "Error" not in one for one in found)
    return found


def rewritten(folder: str, how: Callable[[dict[str, Any]], Any]) -> None:
    """Each line of the journal as ``how`` makes it; None: it is left out."""
    with open(f"{folder}/journal", encoding="utf-8") as file:
        lines = [how(json.loads(line)) for line in file]
    with open(f"{folder}/journal", "w", encoding="utf-8") as file:
        file.writelines((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines if line is not None)


def _with(**more: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda entry: {**entry, **more} if entry.get("op") == "write" else entry


ODD: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a number that is a text": _with(n="1"), "no number": lambda entry: {key: value for key, value in entry.items() if key != "n"}, "a negative number": _with(n=-1),
    "a change that is none": _with(change=None), "a change that the plan has not": _with(change=99), "true": _with(change=True), "an unknown step": _with(op="shred"), "a step that is a list": _with(op=["write"]),
    "a path that is a number": _with(path=1), "a path that climbs": _with(path="/etc/../etc/passwd"), "a relative path": _with(path="etc/passwd"),
    "a name that climbs": _with(temp="../../passwd.cc-fleet-1"), "a name of somebody's": _with(temp="passwd"), "an image that climbs": _with(image="../../../etc/shadow"), "no state before": _with(before=None),
    "an image of another script": _with(image="²"), "a mode that is a text": _with(meta={"mode": "rw"}), "a mode without end": _with(meta={"mode": 2**70, "uid": 0, "gid": 0, "mtime": 0, "atime": 0}),
    "a list": lambda entry: [entry], "a number": lambda entry: 7, "null": lambda entry: "null", "deep": lambda entry: "[" * 100_000, "a state without a number": lambda entry: {"state": "undone"},
    "a watch of lists": lambda entry: {**entry, "paths": [1]} if entry.get("op") == "watch" else entry,
    "a watch of odd bytes": lambda entry: {**entry, "paths": {"/x": {"state": "absent", "bytes": "€", "meta": {}}}} if entry.get("op") == "watch" else entry,
    "a watch of climbing names": lambda entry: {**entry, "paths": {"/x": {"state": "folder", "names": ["../x"]}}} if entry.get("op") == "watch" else entry,
    "an outcome of nothing": lambda entry: {"outcome": "done"}, "after is a text": lambda entry: {**entry, "after": "x"} if entry.get("state") == "done" else entry,
}  # fmt: skip


@pytest.mark.parametrize("odd", ODD)
def test_a_journal_that_no_run_wrote(place: Place, odd: str) -> None:
    folder = ran(place)
    rewritten(folder, ODD[odd])
    before = {**place.seen(place.etc), **place.seen(f"{place.base}/home"), **place.seen(place.decoy)}
    (told,) = said(place.rollback)
    assert told.startswith(f"{folder}/journal:")
    assert "move the folder of this run away" in told
    assert {**place.seen(place.etc), **place.seen(f"{place.base}/home"), **place.seen(place.decoy)} == before
    assert len(before) >= 10
    if odd != "a change that the plan has not":
        (told,) = said(lambda: place.apply(place.sealed(change(None, ["write", f"{place.etc}/other", "x"])))[1])
        assert told.startswith(f"{folder}/journal:")
        with pytest.raises(PlanError, match="journal:"):
            owned.read(place.journal)
    shutil.move(folder, f"{place.base}/away")
    assert {one.state for one in place.apply(place.sealed(change(None, ["write", f"{place.etc}/other", "x"])))[1]} == {"done"}


@pytest.mark.parametrize("torn", [b'{"n": 99, "chan', b"\x00" * 4096, b'{"n": 99, "op": "write"', b"\xff\xfe", b"}{", b'"'])
@pytest.mark.parametrize("ended", [True, False])
def test_a_line_that_a_crash_tore_is_none(place: Place, torn: bytes, ended: bool) -> None:
    folder = ran(place)
    with open(f"{folder}/journal", "ab") as file:
        file.write(torn + (b"\n" if ended else b""))
    assert {one.state for one in place.rollback()} == {"undone"}
    assert text(f"{place.etc}/file") == "before"
    assert text(f"{place.etc}/gone") == "gone"


@pytest.mark.parametrize("what", ["missing", "empty", "cut", "another's", "a folder", "a link"])
def test_a_before_image_that_is_not_whole_is_not_put_back(place: Place, what: str) -> None:
    folder = ran(place)
    image = f"{folder}/images/1"
    assert text(image) == "before"
    if what in ("missing", "a folder", "a link"):
        os.unlink(image)
    if what == "a folder":
        os.mkdir(image)
    elif what == "a link":
        os.symlink(f"{place.decoy}/shadow", image)
    elif what != "missing":
        with open(image, "w", encoding="utf-8") as file:
            file.write({"empty": "", "cut": "bef", "another's": "others"}[what])
    (told,) = said(place.rollback)
    assert "put back" in told
    assert text(f"{place.etc}/file") == "after"
    assert text(f"{place.etc}/gone") == "gone"
    assert text(f"{place.homes[place.names[0]]}/file") == "before"


@pytest.mark.parametrize("what", ["missing", "empty", "cut", "of another kind", "deep", "a folder"])
def test_a_plan_that_is_not_whole(place: Place, what: str) -> None:
    folder = ran(place)
    held = text(f"{folder}/plan.json")
    os.unlink(f"{folder}/plan.json")
    if what == "a folder":
        os.mkdir(f"{folder}/plan.json")
    elif what != "missing":
        with open(f"{folder}/plan.json", "w", encoding="utf-8") as file:
            file.write({"empty": "", "cut": held[:-20], "of another kind": "[1]", "deep": "[" * 100_000}[what])
    assert said(place.rollback) == [f"{folder}/plan.json: is not whole, so the run cannot be undone; move its folder away"]
    assert text(f"{place.etc}/file") == "after"
    assert {one.state for one in place.apply(place.sealed(change(None, ["write", f"{place.etc}/other", "x"])))[1]} == {"done"}


@pytest.mark.parametrize("what", ["a file", "a link", "no journal", "journal is a folder", "journal is a pipe", "runs is a file", "too large"])
def test_runs_that_are_none(place: Place, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = ran(place)
    assert {one.state for one in place.rollback()} == {"undone"}
    odd = f"{place.journal}/runs/000002"
    if what == "a file":
        open(odd, "w", encoding="utf-8").close()
    elif what == "a link":
        os.symlink(place.decoy, odd)
    elif what == "runs is a file":
        shutil.rmtree(f"{place.journal}/runs")
        open(f"{place.journal}/runs", "w", encoding="utf-8").close()
    elif what == "too large":
        monkeypatch.setattr(journal, "_LONGEST", 100)
    else:
        os.mkdir(odd)
    if what == "journal is a folder":
        os.mkdir(f"{odd}/journal")
    elif what == "journal is a pipe":
        os.mkfifo(f"{odd}/journal")
    told = said(place.rollback)
    assert told == [] if what in ("no journal", "a link", "journal is a pipe") else told[0].startswith(place.journal)
    assert os.path.isdir(folder) or what == "runs is a file"


def test_what_was_changed_since_is_left(place: Place) -> None:
    ran(place)
    for path in (f"{place.etc}/file", f"{place.homes[place.names[0]]}/file", f"{place.homes[place.names[0]]}/watched"):
        place.put(path, "mine")
    place.put(f"{place.etc}/gone", "again")
    told = said(place.rollback)
    assert len(told) == 2
    assert "was changed since, and is left as it is; --force puts back" in told[0]
    assert "is there again" in told[1]
    assert text(f"{place.etc}/file") == "mine"
    assert {one.state for one in place.rollback(force=True)} == {"undone"}
    assert (text(f"{place.etc}/file"), text(f"{place.etc}/gone")) == ("before", "gone")


def test_a_user_who_is_gone_keeps_nobody_elses_from_being_put_back(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    ran(place)
    real, name = ground.Ground.site, place.names[0]
    here = place.ground()._replace(homes={})
    monkeypatch.setattr(place, "ground", lambda: here)
    assert real is ground.Ground.site
    told = said(place.rollback)
    assert f"is of {name}, who has no home here" in told[0]
    assert text(f"{place.etc}/file") == "before"


def test_what_no_longer_fits_the_names_of_runs_is_no_run(place: Place) -> None:
    ran(place)
    for name in ("1", "000001.bak", "abcdef", "0000001"):
        os.mkdir(f"{place.journal}/runs/{name}")
    with Journal(place.journal) as held:
        assert held.runs() == ["000001"]
    place.apply(place.sealed(change(None, ["write", f"{place.etc}/other", "x"])))
    with Journal(place.journal) as held:
        assert held.runs() == ["000001", "000002"]


def test_the_order_of_runs_is_no_clocks(place: Place) -> None:
    ran(place)
    place.apply(place.sealed(change(None, ["write", f"{place.etc}/file", "again"])))
    os.utime(f"{place.journal}/runs/000002", (1, 1))
    os.utime(f"{place.journal}/runs/000001/journal", (2**31, 2**31))
    assert {one.state for one in place.rollback()} == {"undone"}
    assert text(f"{place.etc}/file") == "before"


def test_what_a_step_may_not_say_is_not_kept() -> None:
    step = {"op": "folder", "path": "/x", "n": 7, "change": 3, "state": "done", "image": "1", "run": "x", "end": "x", "rolled": True, "outcome": "done"}
    assert steps.shaped(step) == {"op": "folder", "path": "/x"}
    assert steps.known({"op": "write", "after": {"/x": {"state": "absent"}}, "n": 1}) == {"after": {"/x": {"state": "absent"}}}
    odd: Any
    for odd in (None, 7, [], {}, {"path": "/x"}, {"op": "folder"}, {"op": None, "path": "/x"}):
        with pytest.raises(ValueError, match=r"^(no step|path|no step is called so)$"):
            steps.shaped(odd)
