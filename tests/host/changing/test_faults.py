"""Disks that are full, broken, read-only or locked, and programs that write at the same time: one line says it, nothing is lost."""

from __future__ import annotations

import errno
import fcntl
import multiprocessing
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from cc_fleet.host import applying, files, journal, replacing
from cc_fleet.host.change import Outcome, PlanError
from cc_fleet.host.ground import Ground
from cc_fleet.host.site import Site
from tests.host.changing import trial
from tests.host.changing.place import Place, change, digest, needs, text


def mounted(kind: str) -> str:
    """Why nothing can be mounted here."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "needs root"
    return "" if subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", kind, "/mnt"], check=False, capture_output=True).returncode == 0 else "nothing can be mounted here"


def apart(do: Callable[[], None], *mounts: list[str]) -> None:
    """Do it in a child that has mounts of its own; what it asserts is asserted here."""
    needs("" if hasattr(os, "unshare") or shutil.which("unshare") else "no unshare")
    needs(mounted("none"))
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            import ctypes

            assert ctypes.CDLL(None, use_errno=True).unshare(0x20000) == 0
            subprocess.run(["mount", "--make-rprivate", "/"], check=True)
            for one in mounts:
                subprocess.run(["mount", *one], check=True)
            do()
            code = 0
        except BaseException:  # noqa: BLE001  # the parent says it
            import traceback

            os.write(write, traceback.format_exc().encode()[-4000:])
        finally:
            os._exit(code)
    os.close(write)
    said = b""
    while piece := os.read(read, 4096):
        said += piece
    os.close(read)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, said.decode()


def lines(place: Place, *steps: list[str], user: str | None = None) -> list[str]:
    """What is said of a plan that cannot be carried out; nothing of it is half done."""
    before = {**place.seen(place.etc), **place.seen(f"{place.base}/home")}
    plan = place.sealed(change(user, *steps))
    try:
        outcomes: list[Outcome] = place.apply(plan)[1]
    except PlanError as err:
        said = [str(err)]
    else:
        assert all(one.state in ("refused", "failed") for one in outcomes), outcomes
        said = [one.how for one in plan.left] + [one.reason for one in outcomes]
    assert {**place.seen(place.etc), **place.seen(f"{place.base}/home")} == before
    assert len(said) >= 1
    assert all(one and "\n" not in one and "Error" not in one for one in said)
    return said


def test_a_full_disk(place: Place) -> None:
    name, home = place.names[0], place.homes[place.names[0]]

    def do() -> None:
        os.chown(home, *place.ids[name])
        place.put(f"{home}/file", "before" * 1000, 0o600, name)
        place.put(f"{home}/ballast", "x" * 30_000, 0o600, name)
        told = lines(place, ["write", f"{home}/small", "new"], ["write", f"{home}/file", "after" * 10_000], user=name)
        assert told[0].startswith(f"{home}/file: no space left on device; make room and run again")
        os.unlink(f"{home}/ballast")
        assert [one.state for one in place.apply(place.sealed(change(name, ["write", f"{home}/file", "after" * 4000])))[1]] == ["done"]

    apart(do, ["-t", "tmpfs", "-o", "size=64k", "none", home])


def test_a_full_disk_below_the_journal(place: Place) -> None:
    name, home = place.names[0], place.homes[place.names[0]]
    place.put(f"{home}/file", "before" * 10_000, 0o600, name)

    def do() -> None:
        told = lines(place, ["write", f"{home}/file", "after"], user=name)
        assert "no space left on device; make room and run again; nothing more is changed" in told[0]
        assert text(f"{home}/file") == "before" * 10_000

    apart(do, ["-t", "tmpfs", "-o", "size=48k", "none", os.path.dirname(place.journal)])


def test_a_read_only_disk(place: Place) -> None:
    place.put(f"{place.etc}/file", "before")
    told = []

    def do() -> None:
        told.extend(lines(place, ["write", f"{place.etc}/file", "after"]))
        assert told[0].startswith(f"{place.etc}/file: the file system is read-only")
        assert lines(place, ["remove", f"{place.etc}/file"])[0].startswith(f"{place.etc}/file: the file system is read-only")
        assert lines(place, ["write", f"{place.etc}/new/file", "after"])[0].endswith(": the file system is read-only")

    apart(do, ["--bind", place.etc, place.etc], ["-o", "remount,ro,bind", place.etc])


@pytest.fixture
def disk(users: list[str]) -> Iterator[Place]:
    """A place on the disk of temporary files, which has attributes that memory has not."""
    made = Place(users, folder="/var/tmp")
    yield made
    subprocess.run(["chattr", "-R", "-i", "-a", made.base], check=False, capture_output=True)
    made.close()


@pytest.mark.parametrize("attribute", ["+i", "+a"])
def test_a_file_that_may_not_change(disk: Place, attribute: str) -> None:
    file = f"{disk.etc}/file"
    disk.put(file, "before")
    done = subprocess.run(["chattr", attribute, file], check=False, capture_output=True) if shutil.which("chattr") else None
    if done is None or done.returncode:
        pytest.skip("this file system, or this container, knows no such attribute")
    for step in (["write", file, "after"], ["remove", file], ["link", file, "other"]):
        assert lines(disk, step)[0].startswith(f"{file}: operation not permitted (is it immutable? `lsattr` shows it)")


def test_a_folder_that_may_not_change(disk: Place) -> None:
    os.mkdir(f"{disk.etc}/folder")
    done = subprocess.run(["chattr", "+i", f"{disk.etc}/folder"], check=False, capture_output=True) if shutil.which("chattr") else None
    if done is None or done.returncode:
        pytest.skip("this file system, or this container, knows no such attribute")
    assert "operation not permitted" in lines(disk, ["write", f"{disk.etc}/folder/file", "after"])[0]


@pytest.mark.parametrize("what", ["folder", "pipe", "broken link"])
def test_something_else_in_the_place_of_a_file(place: Place, what: str) -> None:
    file = f"{place.etc}/file"
    if what == "folder":
        os.makedirs(f"{file}/deep")
    elif what == "pipe":
        os.mkfifo(file)
    else:
        os.symlink("missing/deeper/file", file)
        assert [one.state for one in place.apply(place.sealed(change(None, ["write", file, "after"])))[1]] == ["done"]
        assert text(f"{place.etc}/missing/deeper/file") == "after"
        assert [one.state for one in place.rollback()] == ["undone"]
        assert os.listdir(place.etc) == ["file"]
        return
    assert lines(place, ["write", file, "after"])[0].startswith(f"{file}: is ")


def test_a_write_that_takes_only_a_few_bytes(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda opened, data: real(opened, bytes(data)[:7]))
    file, name = f"{place.etc}/file", place.names[0]
    place.put(file, "before" * 100, 0o640)
    plan = place.sealed(change(None, ["write", file, "after" * 100]), change(name, ["write", f"{place.homes[name]}/file", "theirs" * 100]))
    assert {one.state for one in place.apply(plan)[1]} == {"done"}
    assert text(file) == "after" * 100
    assert text(f"{place.homes[name]}/file") == "theirs" * 100
    assert {one.state for one in place.rollback()} == {"undone"}
    assert text(file) == "before" * 100


def test_what_a_file_has_besides_is_kept(disk: Place) -> None:
    name, file = disk.names[0], f"{disk.homes[disk.names[0]]}/file"
    disk.put(file, "before", 0o640, name)
    try:
        os.setxattr(file, "user.note", b"kept")
    except OSError:
        pytest.skip("this file system has no attributes")
    os.chown(file, disk.ids[name][0], disk.ids[name][1])
    first = disk.seen(disk.homes[name])
    disk.apply(disk.sealed(change(name, ["write", file, "after"])))
    assert (os.getxattr(file, "user.note"), os.stat(file).st_mode & 0o777) == (b"kept", 0o640)
    disk.rollback()
    assert os.getxattr(file, "user.note") == b"kept"
    assert disk.seen(disk.homes[name]) == first


@contextmanager
def writing(file: str, how: str, seconds: float) -> Iterator[Callable[[], tuple[int, str]]]:
    """Somebody who writes a file again and again, and reads back what they wrote; call it for how often, and what was lost or torn."""
    count: Any
    wrong: Any
    count, wrong = multiprocessing.Value("i", 0), multiprocessing.Array("c", 300)
    end = time.monotonic() + seconds
    running = multiprocessing.get_context("fork").Process(target=_write, args=(file, how, end, count, wrong))
    running.start()

    def told() -> tuple[int, str]:
        running.join()
        return count.value, wrong.value.decode()

    try:
        yield told
    finally:
        running.join()


def _write(file: str, how: str, end: float, count: object, wrong: object) -> None:
    """The last thing written is there until cc-fleet, which reads it first, replaces it: a text of cc-fleet's says which of ours it has seen."""
    number = 0
    last = text(file)
    while time.monotonic() < end:
        now = ""
        for _ in range(1000):  # for a moment both change places, and back
            now = text(file)
            if now.split("|")[0] == last.split("|")[0] and now.endswith(("|ours", "|end")):
                break
            time.sleep(0.001)
        else:
            wrong.value = f"wrote {last[:80]!r}, and {now[:80]!r} is there".encode()  # type: ignore[attr-defined]
            return
        number += 1
        last = f"{number:08d}|" + "x" * 3000 + "|end"
        if how == "in place":
            with open(file, "r+", encoding="latin-1") as opened:
                opened.truncate()
                opened.write(last)
        else:
            with open(f"{file}.new", "w", encoding="latin-1") as opened:
                opened.write(last)
            os.rename(f"{file}.new", file)
        count.value = number  # type: ignore[attr-defined]
        time.sleep(0.0005 * (number % 7))


@pytest.mark.parametrize("how", ["in place", "by a rename"])
def test_somebody_who_writes_at_the_same_time_loses_nothing(place: Place, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cc-fleet writes is made from what it read, and says so: if it replaced anything newer the writer's last word would be gone."""
    if not hasattr(fcntl, "F_SETLEASE"):
        pytest.skip("this system does not tell who has a file open")
    seconds = float(os.environ.get("CC_FLEET_WRITER", "10" if os.environ.get("CC_FLEET_REQUIRE_REAL") else "2"))
    file = f"{place.etc}/file"
    place.put(file, "00000000|end")
    done, conflicts, told_stale = 0, 0, list[str]()
    with writing(file, how, seconds) as told:
        end = time.monotonic() + seconds - 0.2
        while time.monotonic() < end:
            read = text(file)
            if not read.endswith("|end"):
                continue
            plan = place.plan(change(None, ["write", file, f"{read.split('|')[0]}|ours"]))
            expects = {file: applying.previews(plan.changes, place.ground())[0].produces[file]}
            plan = plan._replace(sealed=True, changes=(plan.changes[0]._replace(expects={file: digest(read)}, produces=expects),))
            try:
                states = {one.state for one in place.apply(plan)[1]}
            except PlanError as err:
                told_stale.append(str(err))
                states = {"refused"}
            done += "done" in states
            conflicts += "done" not in states
        count, wrong = told()
    print(f"{how}: {count} writes of theirs, {done} of ours, {conflicts} conflicts")
    assert wrong == ""
    assert all("stale" in one for one in told_stale)
    assert count > 50
    assert done > 0
    assert conflicts > 0
    assert [name for name in os.listdir(place.etc) if ".cc-fleet-" in name] == []


def test_a_file_that_somebody_holds_open_to_write_is_left(place: Place) -> None:
    if not hasattr(fcntl, "F_SETLEASE"):
        pytest.skip("this system does not tell who has a file open")
    file = f"{place.etc}/file"
    place.put(file, "before")
    with open(file, "r+", encoding="utf-8"):
        assert lines(place, ["write", file, "after"])[0] == f"{file}: is being written by another program; close it there and run again"
    with open(file, encoding="utf-8"):
        assert [one.state for one in place.apply(place.sealed(change(None, ["write", file, "after"])))[1]] == ["done"]


@pytest.mark.parametrize("error", [errno.EINVAL, errno.ENOSYS])
def test_a_kernel_that_cannot_exchange(place: Place, monkeypatch: pytest.MonkeyPatch, error: int) -> None:
    """Then a rename does, and what is new never takes the place of what appeared."""
    monkeypatch.setattr(replacing, "_renameat2", lambda: None)
    name, home = place.names[0], place.homes[place.names[0]]
    place.put(f"{home}/file", "before", 0o640, name)
    place.put(f"{home}/gone", "before", 0o640, name)
    place.put(f"{home}/tools/file", "before", 0o640, name)
    first = place.seen(home)
    plan = place.sealed(
        change(name, ["write", f"{home}/file", "after"]), change(name, ["write", f"{home}/new", "after"]), change(name, ["folder", f"{home}/tools", "after"]),
        change(name, ["remove", f"{home}/gone"]), change(name, ["link", f"{home}/link", "file"]),
    )  # fmt: skip
    assert {one.state for one in place.apply(plan)[1]} == {"done"}
    assert [text(f"{home}/{one}") for one in ("file", "new", "tools/file", "link")] == ["after"] * 4
    assert {one.state for one in place.rollback()} == {"undone"}
    assert place.seen(home) == first


@pytest.mark.parametrize("can", [True, False], ids=["exchange", "rename"])
@pytest.mark.parametrize("was", ["before", None])
def test_a_write_just_before_the_change(place: Place, monkeypatch: pytest.MonkeyPatch, can: bool, was: str | None) -> None:
    """Also where the kernel cannot tell afterwards what it replaced."""
    file, real = f"{place.etc}/file", replacing.prepare
    if was:
        place.put(file, was)
    plan = place.sealed(change(None, ["write", file, "after"]))

    def prepare(*args: Any) -> None:
        real(*args)
        place.put(file, "theirs")

    monkeypatch.setattr(replacing, "prepare", prepare)
    if not can:
        monkeypatch.setattr(replacing, "_renameat2", lambda: None)
    (outcome,) = place.apply(plan)[1]
    assert outcome.state == "refused"
    assert "run again" in outcome.reason
    assert text(file) == "theirs"
    assert os.listdir(place.etc) == ["file"]


@pytest.mark.parametrize("verb", ["remove", "link", "folder"])
def test_what_takes_the_place_just_before_it_is_moved_stays(place: Place, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    path, real = f"{place.etc}/entry", journal.Run.begun
    place.put(f"{path}/file" if verb == "folder" else path, "before")
    plan = place.sealed(change(None, [verb, path, "after"]))

    def begun(run: journal.Run, number: int, entry: Any, image: bytes | None = None) -> int:
        found = real(run, number, entry, image)
        if entry["op"] in ("move", "swap"):
            os.rename(path, f"{place.base}/aside")
            place.put(path, "theirs")
        return found

    monkeypatch.setattr(journal.Run, "begun", begun)
    (outcome,) = place.apply(plan)[1]
    assert outcome.state == "refused"
    assert "run again" in outcome.reason
    assert text(path) == "theirs"
    assert os.listdir(place.etc) == ["entry"]


@pytest.mark.parametrize("when,kind", [("apply", "write"), ("rollback", "write"), ("rollback", "foreign")])
def test_words_of_others_outlive_a_kill_between_two_steps(place: Place, monkeypatch: pytest.MonkeyPatch, when: str, kind: str) -> None:
    """Somebody wrote just before both changed places, and we were killed right after: their words stand under our name."""

    class Cut(BaseException):
        pass

    file = f"{place.etc}/file"
    place.put(file, "before")

    def put(folder: int, temp: str, name: str, expected: str) -> None:
        place.put(file, "theirs")
        assert replacing.exchange(folder, temp, folder, name)
        raise Cut

    plan = place.sealed(change(None, [kind, file, "after"]))
    if when == "rollback":
        place.apply(plan)
    with monkeypatch.context() as patch:
        patch.setattr(replacing, "put", put)
        with pytest.raises(Cut):
            place.rollback() if when == "rollback" else place.apply(plan)
    states = {one.state for one in place.rollback()}
    assert text(file) == "theirs"
    assert states == {"refused"}
    assert os.listdir(place.etc) == ["file"]


@pytest.mark.parametrize("steps", [[["folder", "entry", "made"]], [["link", "entry/file", "made"]], [["write", "entry/file", "made"]], [["foreign", "entry/file", "made"]]])
def test_a_rollback_that_is_cut_before_it_cleans_up(place: Place, monkeypatch: pytest.MonkeyPatch, steps: list[list[str]]) -> None:
    class Cut(BaseException):
        pass

    def discard(folder: int, name: str, deep: int = 0) -> None:
        if files.look(folder, name) is not None:
            raise Cut

    place.put(f"{place.etc}/entry/file", "before")
    first = place.seen(place.etc)
    place.apply(place.sealed(change(None, *([verb, f"{place.etc}/{path}", more] for verb, path, more in steps))))
    with monkeypatch.context() as patch:
        patch.setattr(files, "discard", discard)
        patch.setattr(replacing, "discard", discard)
        with pytest.raises(Cut):
            place.rollback()
    assert {one.state for one in place.rollback()} == {"undone"}
    assert place.seen(place.etc) == first


@pytest.mark.parametrize("whose", ["system", "user"])
def test_an_interrupted_change_is_taken_back_at_once(place: Place, monkeypatch: pytest.MonkeyPatch, whose: str) -> None:
    """What was done before it stays, and can be rolled back."""
    name, home = place.names[0], place.homes[place.names[0]]
    folder = place.etc if whose == "system" else home
    place.put(f"{folder}/file", "before", 0o644, None if whose == "system" else name)
    real, root = replacing.put, os.getpid()

    def put(opened: int, temp: str, entry: str, expected: str) -> None:
        real(opened, temp, entry, expected)
        if entry == "last":
            time.sleep(5)

    user = None if whose == "system" else name
    plan = place.sealed(change(user, ["write", f"{folder}/file", "after"]), change(user, ["write", f"{folder}/new/file", "x"], ["write", f"{folder}/last", "x"]))
    waiter = os.fork()
    if waiter == 0:
        for _ in range(1000):
            if os.path.exists(f"{folder}/last"):
                os.kill(root, signal.SIGINT)
                break
            time.sleep(0.01)
        os._exit(0)
    with monkeypatch.context() as patch:
        patch.setattr(replacing, "put", put)
        with pytest.raises(KeyboardInterrupt):
            place.apply(plan)
    os.waitpid(waiter, 0)
    assert (text(f"{folder}/file"), os.listdir(folder)) == ("after", ["file"])
    assert {one.state for one in place.rollback()} == {"undone"}
    assert text(f"{folder}/file") == "before"


def test_what_is_done_is_on_the_disk_before_and_after(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The image and the line that tells of it, and what will take the place, before; the folder in which it did after."""
    file, real, put, flushed, before = f"{place.etc}/file", os.fsync, replacing.put, list[str](), list[str]()
    place.put(file, "before")

    def fsync(opened: int) -> None:
        flushed.append(os.readlink(f"/proc/self/fd/{opened}"))
        real(opened)

    def noted(*args: Any) -> None:
        before.extend(flushed)
        flushed.clear()
        put(*args)

    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("this system does not tell the path of an open file")
    plan = place.sealed(change(None, ["write", file, "after"]))
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(replacing, "put", noted)
    place.apply(plan)
    run = f"{place.journal}/runs/000001"
    assert before.index(f"{run}/plan.json") < before.index(run) < before.index(f"{run}/journal")
    assert before[-5:] == [f"{run}/journal", f"{run}/images/1", f"{run}/images", f"{run}/journal", f"{place.etc}/.file.cc-fleet-000001.tmp"]
    assert flushed[0] == place.etc
    assert flushed.count(f"{run}/journal") >= 3


def test_what_is_written_between_a_kinds_look_and_its_write(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    file = f"{place.etc}/file"
    place.put(file, "before")

    def do(site: Site, args: Any) -> None:
        assert site.read(file) == b"before"
        place.put(file, "theirs")
        site.write(file, b"after, made of before")

    plan = place.sealed(change(None, ["write", file, "after"]))
    monkeypatch.setattr(trial, "apply", do)
    (outcome,) = place.apply(plan)[1]
    assert (outcome.state, outcome.reason) == ("refused", f"{file}: changed while it was being worked on; run again")
    assert text(file) == "theirs"


@pytest.mark.parametrize("writes", [1, 2, 3])
def test_the_newest_words_keep_the_name(place: Place, monkeypatch: pytest.MonkeyPatch, writes: int) -> None:
    """Somebody replaces the file just before each time that it changes places."""
    if replacing._renameat2() is None:
        pytest.skip("this kernel exchanges nothing")
    file, real, count = f"{place.etc}/file", replacing.exchange, [0]
    place.put(file, "before")

    def exchange(first: int, one: str, second: int, other: str) -> bool:
        if count[0] < writes:
            count[0] += 1
            place.put(f"{place.base}/theirs", f"theirs {count[0]}")
            os.rename(f"{place.base}/theirs", file)
        return real(first, one, second, other)

    plan = place.sealed(change(None, ["write", file, "after"]))
    monkeypatch.setattr(replacing, "exchange", exchange)
    (outcome,) = place.apply(plan)[1]
    assert outcome.state == "refused"
    assert text(file) == f"theirs {writes}"
    assert os.listdir(place.etc) == ["file"]


def test_who_had_the_file_open_before_it_changed_places_is_waited_for(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    if replacing._renameat2() is None or not hasattr(fcntl, "F_SETLEASE"):
        pytest.skip("this system does not tell who has a file open")
    file, real, children = f"{place.etc}/file", replacing.exchange, list[int]()
    place.put(file, "before")

    def exchange(first: int, one: str, second: int, other: str) -> bool:
        if not children:
            read, write = os.pipe()
            children.append(os.fork())
            if children[0] == 0:
                with open(file, "r+", encoding="utf-8") as opened:
                    os.write(write, b"x")
                    time.sleep(0.05)
                    opened.write("theirs")
                os._exit(0)
            os.read(read, 1)
            os.close(read)
            os.close(write)
        return real(first, one, second, other)

    plan = place.sealed(change(None, ["write", file, "after"]))
    monkeypatch.setattr(replacing, "exchange", exchange)
    (outcome,) = place.apply(plan)[1]
    os.waitpid(children[0], 0)
    assert outcome.state == "refused"
    assert text(file) == "theirs"
    assert os.listdir(place.etc) == ["file"]


def test_roots_umask_hides_nothing_from_users(place: Place) -> None:
    before = os.umask(0o077)
    try:
        assert [one.state for one in place.apply(place.sealed(change(None, ["write", f"{place.etc}/managed/drop-in/file", "x"])))[1]] == ["done"]
    finally:
        os.umask(before)
    assert [os.stat(f"{place.etc}/managed{one}").st_mode & 0o777 for one in ("", "/drop-in", "/drop-in/file")] == [0o755, 0o755, 0o644]


def test_two_runs_at_once(place: Place) -> None:
    file = f"{place.etc}/file"
    plan = place.sealed(change(None, ["write", file, "after"]))

    def progress(*_: object) -> None:
        with pytest.raises(PlanError, match="another run of cc-fleet is at work here; wait for its end"):
            place.apply(plan)
        with pytest.raises(PlanError, match="another run of cc-fleet is at work here"):
            place.rollback()

    applying.apply(plan, place.ground(), progress, {})
    assert text(file) == "after"
    assert [one.state for one in place.rollback()] == ["undone"]


def tree(place: Place) -> Ground:
    return place.ground()._replace(top=place.base, homes={place.names[0]: f"/home/{place.names[0]}"}, journal=f"{place.base}/var/lib/cc-fleet")


def test_links_in_a_tree_lead_nowhere_out_of_it(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Absolute ones begin at its top, those that climb stop there; neither the homes nor the journal are elsewhere."""
    name = place.names[0]
    outside = Place([])
    try:
        before = outside.seen(outside.base)
        assert len([about for about in before.values() if about[0][0] == "-"]) >= 3
        os.symlink(outside.decoy, f"{place.base}/out")
        os.symlink("../" * 20 + outside.decoy[1:], f"{place.base}/climbing")
        os.symlink("/etc", f"{place.base}/inside")
        os.rename(f"{place.base}/home", f"{place.base}/moved")
        os.symlink("/moved", f"{place.base}/home")
        os.symlink(f"{outside.base}/state", f"{place.base}/var")
        here = tree(place)
        monkeypatch.setattr(place, "ground", lambda: here)
        plan = place.plan(
            change(None, ["write", "/inside/file", "inside"]), change(None, ["write", "/out/settings.json", "out"]), change(None, ["write", "/climbing/new", "climbing"]),
            change(name, ["write", f"/home/{name}/.claude/file", "of the user"]), change(None, ["folder", "/inside/tools", "made"]),
        )._replace(root=True)  # fmt: skip
        plan = applying.seal(plan, here)
        assert {one.state for one in place.apply(plan)[1]} == {"done"}
        assert outside.seen(outside.base) == before
        assert text(f"{place.base}/etc/file") == "inside"
        assert text(f"{place.base}{outside.decoy}/settings.json") == "out"
        assert text(f"{place.base}/moved/{name}/.claude/file") == "of the user"
        assert os.stat(f"{place.base}/moved/{name}/.claude/file").st_uid == place.ids[name][0]
        assert os.stat(f"{place.base}/moved/{name}/.claude").st_uid == place.ids[name][0]
        assert text(f"{place.base}/etc/tools/file") == "made"
        assert os.path.isdir(f"{place.base}{outside.base}/state/lib/cc-fleet/runs/000001")
        assert {one.state for one in place.rollback()} == {"undone"}
        assert not os.path.exists(f"{place.base}/etc/file")
        assert outside.seen(outside.base) == before
    finally:
        outside.close()
