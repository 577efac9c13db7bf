"""An unprivileged user against a root that plans, applies and rolls back: nothing outside their home is read or written.

What may not be touched, a decoy with a secret beside the homes, is compared whole before and after; the secret must be in no plan
and no journal. The root of these tests is real, and so are the users.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from cc_fleet.host import applying, area, rights, undoing
from cc_fleet.host.change import Change, PlanError
from cc_fleet.host.journal import Journal
from tests.host.changing.place import REAL, SECRET, Place, change, kind, refused, text

SECONDS = 4.0 if REAL else 1.0
DIRECT = """
import os, sys, time
os.setgroups([]); os.setgid({gid}); os.setuid({uid})
end = time.monotonic() + {seconds}
while time.monotonic() < end:
    for step in {steps!r}:
        try:
            eval(step)
        except OSError:
            pass
"""


@pytest.fixture
def decoy(place: Place) -> Iterator[Callable[[], None]]:
    """Call it to see that nothing of the decoy was changed, or read into what is kept; it is called at the end too."""
    before = {**place.seen(place.decoy), **place.seen(place.etc)}
    assert len([about for about in before.values() if about[0][0] == "-"]) >= 3

    def untouched() -> None:
        assert {**place.seen(place.decoy), **place.seen(place.etc)} == before
        if os.path.isdir(place.journal):
            assert SECRET not in place.kept()

    yield untouched
    untouched()


def as_user(place: Place, name: str, do: Callable[[], None]) -> None:
    """Do something with the rights of a user."""
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(place.ids[name][1])
            os.setuid(place.ids[name][0])
            do()
            os._exit(0)
        except OSError as err:
            os._exit(err.errno or 1)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code == 0, os.strerror(code)


@contextmanager
def racing(place: Place, name: str, steps: list[str], seconds: float) -> Iterator[None]:
    """Let a user's process take the steps again and again."""
    code = DIRECT.format(uid=place.ids[name][0], gid=place.ids[name][1], seconds=seconds + 5, steps=steps)
    running = subprocess.Popen([sys.executable, "-I", "-c", code])
    try:
        yield
    finally:
        running.kill()
        running.wait()


def tell(saying: int, path: str) -> None:
    os.write(saying, path.encode())


def linked(place: Place, home: str) -> str:
    os.symlink(f"{place.decoy}/shadow", f"{home}/file")
    return f"{home}/file"


def climbing(place: Place, home: str) -> str:
    os.mkdir(f"{home}/below")
    os.symlink("../../../decoy/shadow", f"{home}/below/file")
    return f"{home}/below/file"


def chained(place: Place, home: str) -> str:
    os.symlink("two", f"{home}/one")
    os.symlink("three", f"{home}/two")
    os.symlink(f"{place.decoy}/settings.json", f"{home}/three")
    return f"{home}/one"


def folder_linked(place: Place, home: str) -> str:
    os.symlink(place.decoy, f"{home}/.claude")
    return f"{home}/.claude/settings.json"


def folder_climbing(place: Place, home: str) -> str:
    os.symlink("../../decoy", f"{home}/.claude")
    return f"{home}/.claude/deep/er/new"


def through_home(place: Place, home: str) -> str:
    os.symlink(f"{home}/../../decoy", f"{home}/.claude")
    return f"{home}/.claude/settings.json"


def nearly_home(place: Place, home: str) -> str:
    os.symlink(f"{home}evil/file", f"{home}/file")
    return f"{home}/file"


def of_process(place: Place, home: str) -> str:
    os.symlink("/proc/self/root", f"{home}/.claude")
    return f"{home}/.claude{place.decoy}/shadow"


def looping(place: Place, home: str) -> str:
    os.symlink("two", f"{home}/one")
    os.symlink("one", f"{home}/two")
    return f"{home}/one"


def looping_folders(place: Place, home: str) -> str:
    os.symlink(".", f"{home}/here")
    return f"{home}/here" + "/here" * 60 + "/file"


def piped(place: Place, home: str) -> str:
    os.mkfifo(f"{home}/file", 0o666)
    return f"{home}/file"


def socketed(place: Place, home: str) -> str:
    with socket.socket(socket.AF_UNIX) as one:
        here = os.getcwd()
        os.chdir(home)
        one.bind("file")
        os.chdir(here)
    return f"{home}/file"


def to_device(place: Place, home: str) -> str:
    os.symlink("/dev/zero", f"{home}/file")
    return f"{home}/file"


def a_folder(place: Place, home: str) -> str:
    os.makedirs(f"{home}/file/deep")
    return f"{home}/file"


def below_a_file(place: Place, home: str) -> str:
    with open(f"{home}/.claude", "w", encoding="utf-8"):
        pass
    return f"{home}/.claude/settings.json"


def second_name(place: Place, home: str) -> str:
    with open(f"{home}/mine", "w", encoding="utf-8") as file:
        file.write("mine")
    os.link(f"{home}/mine", f"{home}/file")
    return f"{home}/file"


def too_large(place: Place, home: str) -> str:
    with open(f"{home}/file", "wb") as file:
        file.truncate(1 << 40)
    return f"{home}/file"


def shut(place: Place, home: str) -> str:
    os.mkdir(f"{home}/.claude", 0o000)
    return f"{home}/.claude/file"


def long_name(place: Place, home: str) -> str:
    return f"{home}/{'n' * 300}"


PLANTED: list[tuple[Callable[[Place, str], str], str]] = [
    (linked, "is a link that leads out of"), (climbing, "leads out of"), (chained, "is a link that leads out of"), (folder_linked, "is a link that leads out of"),
    (folder_climbing, "leads out of"), (through_home, "leads out of"), (nearly_home, "is a link that leads out of"), (of_process, "is a link that leads out of"),
    (looping, "loop of links"), (looping_folders, "loop of links"), (piped, "is not a regular file"), (socketed, ": "), (to_device, "is a link that leads out of"),
    (a_folder, "folder"), (below_a_file, "not a directory"), (second_name, "second name"), (too_large, "is larger than 8 MiB"), (shut, "permission denied"), (long_name, "name too long"),
]  # fmt: skip


@pytest.mark.parametrize("plant,reason", PLANTED, ids=[one.__name__ for one, _ in PLANTED])
def test_what_a_user_planted_is_refused_by_plan_and_apply(place: Place, decoy: Callable[[], None], plant: Callable[[Place, str], str], reason: str) -> None:
    name = place.names[0]
    os.mkdir(f"{place.base}/{name}evil") if plant is nearly_home else None
    found: list[str] = [""]
    said, saying = os.pipe()
    as_user(place, name, lambda: tell(saying, plant(place, place.homes[name])))
    found[0] = os.read(said, 4096).decode()
    before = place.seen(place.homes[name])
    told = refused(place, change(name, ["write", found[0], "attacked"]))
    assert reason in told
    assert SECRET not in told
    assert place.seen(place.homes[name]) == before


@pytest.mark.parametrize("planted", [".file.cc-fleet-000001.tmp", ".file.cc-fleet-000001.tmp.undo", ".file.cc-fleet-000001.new", ".file.cc-fleet-000001.old", ".cc-fleet-000001-0"])
@pytest.mark.parametrize("what", ["link", "link to a folder", "folder", "pipe"])
def test_what_stands_at_the_names_that_a_run_uses_leads_nowhere(place: Place, decoy: Callable[[], None], planted: str, what: str) -> None:
    name, home = place.names[0], place.homes[place.names[0]]
    place.put(f"{home}/file", "before", 0o600, name)
    place.put(f"{home}/gone", "before", 0o600, name)
    place.put(f"{home}/tools/file", "before", 0o600, name)

    def plant() -> None:
        for path in (f"{home}/{planted}", f"{home}/{planted.replace('file', 'gone')}", f"{home}/{planted.replace('file', 'tools')}"):
            if os.path.lexists(path):
                continue
            if what.startswith("link"):
                os.symlink(place.decoy if "folder" in what else f"{place.decoy}/shadow", path)
            elif what == "folder":
                os.mkdir(path)
            else:
                os.mkfifo(path)

    plan = place.sealed(
        change(name, ["write", f"{home}/file", "after"]), change(name, ["remove", f"{home}/gone"]), change(name, ["folder", f"{home}/tools", "after"]),
        change(name, ["link", f"{home}/link", "file"]),
    )  # fmt: skip
    as_user(place, name, plant)
    assert {one.state for one in place.apply(plan)[1]} == {"done"}
    decoy()
    as_user(place, name, plant)
    assert {one.state for one in place.rollback()} == {"undone"}
    assert [text(f"{home}/{one}") for one in ("file", "gone", "tools/file")] == ["before"] * 3


SWAPS = {
    "a folder and a link": ["os.rename(f'{home}/.claude', f'{home}/aside')", "os.symlink(decoy, f'{home}/.claude')", "os.unlink(f'{home}/.claude')", "os.rename(f'{home}/aside', f'{home}/.claude')"],
    "a file and a link": [
        "os.rename(f'{home}/.claude/settings.json', f'{home}/aside')", "os.symlink(f'{decoy}/settings.json', f'{home}/.claude/settings.json')",
        "os.unlink(f'{home}/.claude/settings.json')", "os.rename(f'{home}/aside', f'{home}/.claude/settings.json')",
    ],
    "a file and a pipe": [
        "os.rename(f'{home}/.claude/settings.json', f'{home}/aside')", "os.mkfifo(f'{home}/.claude/settings.json')",
        "os.unlink(f'{home}/.claude/settings.json')", "os.rename(f'{home}/aside', f'{home}/.claude/settings.json')",
    ],
    "the name beside": ["os.symlink(f'{decoy}/settings.json', f'{home}/.claude/.settings.json.cc-fleet-000001.tmp')", "os.unlink(f'{home}/.claude/.settings.json.cc-fleet-000001.tmp')"],
}  # fmt: skip


@pytest.mark.parametrize("swap", SWAPS)
def test_a_component_that_is_swapped_between_check_and_use(place: Place, decoy: Callable[[], None], swap: str) -> None:
    name, home = place.names[0], place.homes[place.names[0]]
    os.chmod(place.decoy, 0o777)  # whoever is led there could write
    os.chmod(f"{place.decoy}/settings.json", 0o600)
    before = place.seen(place.decoy)
    place.put(f"{home}/.claude/settings.json", "before", 0o644, name)
    steps = [step.replace("f'{home}", f"'{home}").replace("f'{decoy}", f"'{place.decoy}").replace("(decoy,", f"('{place.decoy}',") for step in SWAPS[swap]]
    tried, done, told = 0, 0, list[str]()
    with racing(place, name, steps, SECONDS):
        end = time.monotonic() + SECONDS
        while time.monotonic() < end or tried < 4:
            tried += 1
            plan = place.sealed(change(name, ["write", f"{home}/.claude/settings.json", f"run {tried}"]))
            try:
                if plan.changes:
                    done += any(one.state == "done" for one in place.apply(plan)[1])
            except PlanError as err:
                told.append(str(err))
            if tried % 3 == 0:
                place.rollback(force=tried % 2 == 0)
    assert tried > 3
    assert not any("\n" in one for one in told)
    assert place.seen(place.decoy) == before
    os.chmod(place.decoy, 0o755)
    os.chmod(f"{place.decoy}/settings.json", 0o644)
    print(f"{swap}: {tried} runs, {done} of them done")


@pytest.mark.parametrize("when", ["plan", "apply", "rollback"])
def test_a_folder_that_becomes_a_link_right_after_it_was_looked_at(place: Place, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    """The same without luck: the swap is made between the two calls, each time that there are such two."""
    name, home = place.names[0], place.homes[place.names[0]]
    os.chmod(place.decoy, 0o777)  # whoever is led there could write, and finds there what is expected
    place.put(f"{place.decoy}/settings.json", "after" if when == "rollback" else "before", 0o666)
    before = place.seen(place.decoy)
    real, calls, swaps = area._Walk._down, multiprocessing.Value("i", 0), 0

    def down(walk: area._Walk, part: str) -> None:
        if part == ".claude":
            calls.value += 1
            if calls.value == at:
                os.rename(f"{home}/.claude", f"{home}/aside")
                os.symlink(place.decoy, f"{home}/.claude")
        real(walk, part)

    for at in range(1, 100):
        place.put(f"{home}/.claude/settings.json", "before", 0o644, name)
        plan = place.sealed(change(name, ["write", f"{home}/.claude/settings.json", "after"], ["write", f"{home}/.claude/new", "new"]))
        assert len(plan.changes) == 1
        if when == "rollback":
            assert {one.state for one in place.apply(plan)[1]} == {"done"}
        calls.value = 0
        with monkeypatch.context() as patch:
            patch.setattr(area._Walk, "_down", down)
            if when == "plan":
                plan = place.sealed(*plan.changes)
                assert "changed while it was looked at; run again" in plan.left[0].how if plan.left else calls.value < at
            elif when == "apply":
                assert (place.apply(plan)[1][0].state == "done") == (calls.value < at)
            else:
                place.rollback(force=True)
        assert place.seen(place.decoy) == before
        assert len(before) >= 3
        if calls.value < at:
            break
        swaps += 1
        os.unlink(f"{home}/.claude")
        shutil.rmtree(f"{home}/aside")
        shutil.rmtree(place.journal, ignore_errors=True)
    assert swaps >= 2


def test_a_hard_link_to_a_file_of_roots(place: Place, decoy: Callable[[], None]) -> None:
    """The kernel may forbid it to users; root makes it for them."""
    name, home = place.names[0], place.homes[place.names[0]]
    os.link(f"{place.decoy}/shadow", f"{home}/file")
    try:
        assert "permission denied" in refused(place, change(name, ["write", f"{home}/file", "attacked"]))
        os.chmod(f"{home}/file", 0o666)
        assert "second name" in refused(place, change(name, ["write", f"{home}/file", "attacked"]))
    finally:
        os.unlink(f"{home}/file")
        os.chmod(f"{place.decoy}/shadow", 0o600)


def test_a_hard_link_that_appears_before_rollback(place: Place, decoy: Callable[[], None]) -> None:
    name, home = place.names[0], place.homes[place.names[0]]
    place.put(f"{home}/file", "before", 0o644, name)
    place.apply(place.sealed(change(name, ["write", f"{home}/file", "after"])))
    os.unlink(f"{home}/file")
    os.link(f"{place.decoy}/shadow", f"{home}/file")
    assert {one.state for one in place.rollback()} == {"refused"}
    assert os.path.samefile(f"{home}/file", f"{place.decoy}/shadow")
    os.unlink(f"{home}/file")


def test_a_device_that_root_left(place: Place, decoy: Callable[[], None]) -> None:
    name, home = place.names[0], place.homes[place.names[0]]
    try:
        os.mknod(f"{home}/file", 0o020666, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("no devices can be made in this container")
    told = refused(place, change(name, ["write", f"{home}/file", "attacked"]))
    assert "is not a regular file" in told or "permission denied" in told


def test_rollback_follows_no_link_that_was_planted_since(place: Place, decoy: Callable[[], None]) -> None:
    name, home = place.names[0], place.homes[place.names[0]]
    for path in ("file", "folder/file", "gone"):
        place.put(f"{home}/{path}", "before", 0o644, name)
    plan = place.sealed(
        change(name, ["write", f"{home}/file", "after"]), change(name, ["write", f"{home}/folder/file", "after"]), change(name, ["remove", f"{home}/gone"]),
        change(name, ["write", f"{home}/new/file", "after"]), change(name, ["link", f"{home}/link", "file"]),
    )  # fmt: skip
    assert {one.state for one in place.apply(plan)[1]} == {"done"}

    def plant() -> None:
        os.unlink(f"{home}/file")
        os.symlink(f"{place.decoy}/settings.json", f"{home}/file")
        shutil.rmtree(f"{home}/folder")
        os.symlink(place.decoy, f"{home}/folder")
        shutil.rmtree(f"{home}/new")
        os.symlink(f"{place.decoy}/deep/er", f"{home}/new")
        os.unlink(f"{home}/link")
        os.symlink(f"{place.decoy}/shadow", f"{home}/link")
        os.unlink(f"{home}/.gone.cc-fleet-000001.old")
        os.symlink(f"{place.decoy}/shadow", f"{home}/.gone.cc-fleet-000001.old")

    as_user(place, name, plant)
    place.rollback()
    decoy()
    place.rollback(force=True)
    decoy()
    assert text(f"{home}/file") == "before"
    assert not os.path.islink(f"{home}/file")
    assert not os.path.lexists(f"{home}/gone")
    assert os.path.islink(f"{home}/.gone.cc-fleet-000001.old")


def test_a_link_in_home_is_not_followed_elsewhere_by_rollback(place: Place, decoy: Callable[[], None]) -> None:
    """A run went through a link; that it leads to another file since does not make that file the run's."""
    name, home = place.names[0], place.homes[place.names[0]]
    place.put(f"{home}/one", "before", 0o644, name)
    place.put(f"{home}/two", "after", 0o644, name)
    os.symlink("one", f"{home}/link")
    place.apply(place.sealed(change(name, ["write", f"{home}/link", "after"])))
    os.unlink(f"{home}/link")
    os.symlink("two", f"{home}/link")
    assert {one.state for one in place.rollback()} == {"undone"}
    assert [text(f"{home}/{one}") for one in ("one", "two")] == ["before", "after"]


def test_a_home_that_is_a_link_to_a_folder_of_roots(place: Place, decoy: Callable[[], None]) -> None:
    name, home = place.names[0], place.homes[place.names[0]]
    os.rmdir(home)
    os.symlink(place.decoy, home)
    for path in ("settings.json", "shadow", "new"):
        assert "not theirs" in refused(place, change(name, ["write", f"{home}/{path}", "attacked"]))


def test_another_users_home_is_not_written(place: Place) -> None:
    one, two = place.names
    place.put(f"{place.homes[two]}/file", "theirs", 0o600, two)
    before = place.seen(place.homes[two])
    os.symlink(place.homes[two], f"{place.homes[one]}/link")
    refused(place, change(one, ["write", f"{place.homes[one]}/link/file", "attacked"]))
    assert "permission denied" in refused(place, change(one, ["write", f"{place.homes[two]}/file", "attacked"]))
    assert "permission denied" in refused(place, change(one, ["write", f"{place.homes[two]}/new", "attacked"]))
    assert place.seen(place.homes[two]) == before
    assert len(before) == 1


@pytest.mark.parametrize("path", ["/../decoy/shadow", "/x/../../../decoy/shadow", "/none/../../../decoy/new", "/.."])
def test_a_planned_path_that_climbs_is_refused(place: Place, decoy: Callable[[], None], path: str) -> None:
    name = place.names[0]
    assert "has a .. in it" in refused(place, change(name, ["write", place.homes[name] + path, "attacked"]))
    assert "has a .. in it" in refused(place, change(None, ["write", place.etc + path, "attacked"]))


@pytest.mark.parametrize("mode,owner,reason", [(0o777, 0, "is not root's alone"), (0o775, 4242, "is not root's alone"), (0o755, -1, "is not root's alone")])
def test_a_system_folder_that_others_can_write_is_refused(place: Place, mode: int, owner: int, reason: str) -> None:
    uid, gid = place.ids[place.names[0]] if owner == -1 else (0, owner)
    os.mkdir(f"{place.etc}/loose")
    os.chown(f"{place.etc}/loose", uid, gid)
    os.chmod(f"{place.etc}/loose", mode)
    assert reason in refused(place, change(None, ["write", f"{place.etc}/loose/file", "x"]))
    assert reason in refused(place, change(None, ["write", f"{place.etc}/loose/below/file", "x"]))
    assert os.listdir(f"{place.etc}/loose") == []


def test_a_link_of_a_users_in_a_folder_for_all_is_not_followed_for_the_system(place: Place, decoy: Callable[[], None]) -> None:
    name = place.names[0]
    os.mkdir(f"{place.base}/tmp")
    os.chmod(f"{place.base}/tmp", 0o1777)
    as_user(place, name, lambda: os.symlink(place.decoy, f"{place.base}/tmp/link"))
    assert "a link that is not root's" in refused(place, change(None, ["write", f"{place.base}/tmp/link/settings.json", "x"]))


@pytest.mark.parametrize("what", ["folder is theirs", "link", "all may write", "state is theirs", "lock is a link", "runs is a link", "old and open"])
def test_a_journal_that_was_planted_is_not_used(place: Place, decoy: Callable[[], None], what: str) -> None:
    name, home = place.names[0], place.homes[place.names[0]]
    state = os.path.dirname(place.journal)
    if what == "link":
        os.symlink(place.decoy, place.journal)
    elif what == "state is theirs":
        os.chown(state, *place.ids[name])
    else:
        os.mkdir(place.journal, 0o700)
    if what == "folder is theirs":
        os.chown(place.journal, *place.ids[name])
    elif what == "all may write":
        os.chmod(place.journal, 0o777)
    elif what == "old and open":
        os.chmod(place.journal, 0o755)
    elif what == "lock is a link":
        os.symlink(f"{place.decoy}/shadow", f"{place.journal}/lock")
    elif what == "runs is a link":
        os.symlink(place.decoy, f"{place.journal}/runs")
    plan = place.sealed(change(name, ["write", f"{home}/file", "x"]))
    if what == "old and open":
        place.apply(plan)
        assert os.stat(place.journal).st_mode & 0o777 == 0o700
        return
    with pytest.raises(PlanError) as told:
        place.apply(plan)
    assert "\n" not in str(told.value)
    assert not os.path.exists(f"{home}/file")


def test_before_images_are_their_owners_alone(place: Place) -> None:
    name, home = place.names[0], place.homes[place.names[0]]
    place.put(f"{home}/key", "a key of the user's", 0o600, name)
    os.umask(0)
    try:
        place.apply(place.sealed(change(name, ["write", f"{home}/key", "another"])))
    finally:
        os.umask(0o022)
    assert "a key of the user's" in place.kept()
    seen = {path: os.lstat(path) for path in [place.journal, *place.seen(place.journal)]}
    assert len(seen) >= 7
    assert {(one.st_uid, one.st_mode & 0o077) for one in seen.values()} == {(0, 0)}
    assert os.stat(place.journal).st_mode & 0o777 == 0o700
    assert os.stat(f"{home}/key").st_mode & 0o777 == 0o600


def hostile(place: Place, monkeypatch: pytest.MonkeyPatch, *messages: object, data: bytes | None = None) -> list[str]:
    """Apply a plan whose user's part says ``messages`` in the place of its own; the states of what came of it."""
    name = place.names[0]

    def do(channel: rights.Channel, change: Change, ground: object, stamp: str) -> None:
        for message in messages:
            try:
                channel(message, data)
            except PlanError:
                pass
        channel({"outcome": "done"})

    real = applying._do
    monkeypatch.setattr(applying, "_do", lambda channel, one, ground, stamp: do(channel, one, ground, stamp) if one.user == name else real(channel, one, ground, stamp))
    plan = place.sealed(change(None, ["write", f"{place.etc}/system", "system"]), change(name, ["write", f"{place.homes[name]}/file", "x"]))
    return [one.state for one in place.apply(plan)[1]]


_GOOD = {"op": "write", "path": "/etc/passwd", "before": "absent", "after": "sha256:0", "temp": ".x.cc-fleet-000001.tmp"}
HOSTILE = {
    "a word": "hello", "a list": [1], "nothing": {}, "an unknown step": {"begun": {"op": "rm -rf", "path": "/"}}, "no path": {"begun": {"op": "write"}},
    "a path of numbers": {"begun": {"op": "move", "path": 7, "kept": 8, "is": 9}}, "a name that climbs": {"begun": {**_GOOD, "temp": "../../etc/passwd"}},
    "a name that is a path": {"begun": {"op": "move", "path": "/etc/x", "kept": "/etc/.cc-fleet-shadow", "is": "absent"}},
    "a foreign name": {"begun": {"op": "move", "path": "/etc/x", "kept": "shadow", "is": "absent"}}, "a path that climbs": {"begun": {**_GOOD, "path": "/home/../etc/shadow"}},
    "another's step is done": {"done": 1, "more": {"after": {}}}, "a number that is none": {"done": "x"}, "a number that is odd": {"done": True},
    "more that is a step": {"done": 2, "more": {"op": "write", "path": "/etc/passwd"}}, "an end that is none": {"outcome": "rolled", "reason": "\x1b[2J"},
    "keys of the journal's": {"begun": {"op": "folder", "path": "/x", "n": 1, "change": 0, "rolled": True, "outcome": "done", "end": "complete", "image": "1"}},
    "watched without end": {"begun": {"op": "watch", "paths": {"/etc/passwd": {"state": "sha256:0", "bytes": "x", "meta": {"mode": 0o777}}}}},
    "a deep one": {"begun": json.loads("[" * 900 + "]" * 900)}, "a preview": {"number": 0, "expects": {}, "produces": {}, "shows": []},
    "a forged failure": {"failed": "\x1b[31mroot:\nTraceback"},
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_what_a_users_part_says_is_only_data(place: Place, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    before = place.seen(place.decoy)
    message = HOSTILE[name] if name == "a deep one" else json.loads(json.dumps(HOSTILE[name]).replace('"/etc/', f'"{place.decoy}/'))
    states = hostile(place, monkeypatch, message)
    assert states[0] == "done"
    with Journal(place.journal) as journal:
        entries = journal.run("000001").entries()
        steps = [one for one in entries if "op" in one]
        assert [one["n"] for one in steps] == list(range(1, len(steps) + 1))
        assert not any("rolled" in one for one in entries)
        assert [one for one in entries if one.get("state") == "done" and one["n"] == 1] == [{"n": 1, "state": "done"}]
        assert {one["change"] for one in steps if one["path"].startswith(place.etc)} == {0} if all("path" in one for one in steps) else True
        assert [run.name for run in undoing.open_runs(journal)] == ["000001"]
    back = {one.number: one.state for one in place.rollback()}
    assert back[0] == "undone"
    assert not os.path.exists(f"{place.etc}/system")
    assert place.seen(place.decoy) == before
    assert len(before) >= 3


def test_a_users_part_cannot_fill_the_disk_of_root(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applying, "_ROOM", 1_000_000)
    step = {"begun": {"op": "folder", "path": "/x"}}
    with pytest.raises(PlanError, match="than any change does"):
        hostile(place, monkeypatch, *[step] * 20, data=b"x" * 100_000)
    size = sum(os.path.getsize(f"{at}/{name}") for at, _, names in os.walk(place.journal) for name in names)
    assert size < 1_200_000


def test_a_users_part_says_nothing_of_anothers_preview(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    one = place.names[0]
    real = applying._look

    def look(channel: rights.Channel, site: object, changes: object, numbers: list[int]) -> None:
        if numbers == [1]:
            channel({"number": 0, "expects": {"/etc/passwd": "absent"}, "produces": {"/etc/passwd": "sha256:0"}, "shows": []})
        real(channel, site, changes, numbers)  # type: ignore[arg-type]

    monkeypatch.setattr(applying, "_look", look)
    plan = place.sealed(change(None, ["write", f"{place.etc}/file", "x"]), change(one, ["write", f"{place.homes[one]}/file", "x"]))
    assert [change.user for change in plan.changes] == [None]
    assert "/etc/passwd" not in plan.changes[0].expects
    assert "makes no sense" in plan.left[0].how


def test_a_users_part_cannot_be_looked_into(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The part has root's journal open; its user can stop it, and no more."""
    name = place.names[0]
    found: list[tuple[int, int]] = []

    def job(channel: rights.Channel) -> None:
        channel({"pid": os.getpid(), "uids": os.getresuid(), "gids": os.getresgid(), "groups": os.getgroups()})

    def serve(message: dict[str, object], _: object) -> None:
        pid = int(str(message["pid"]))
        assert message["uids"] == [place.ids[name][0]] * 3
        assert message["gids"] == [place.ids[name][1]] * 3
        assert message["groups"] == [place.ids[name][1]]

        def attack() -> None:
            for path in (f"/proc/{pid}/mem", f"/proc/{pid}/fd/0"):
                try:
                    os.close(os.open(path, os.O_RDONLY))
                except PermissionError:
                    continue
                raise OSError(99, "open")

        as_user(place, name, attack)
        found.append((os.stat(f"/proc/{pid}/mem").st_uid, os.stat(f"/proc/{pid}/mem").st_gid))

    rights.run(name, job, serve)
    assert found == [(0, 0)]


def test_a_users_part_that_is_stopped_ends_the_run(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rights, "_PATIENCE", 0.5)
    name = place.names[0]
    real = applying._do

    def do(channel: rights.Channel, one: Change, ground: object, stamp: str) -> None:
        os.kill(os.getpid(), signal.SIGSTOP)
        real(channel, one, ground, stamp)  # type: ignore[arg-type]

    plan = place.sealed(change(name, ["write", f"{place.homes[name]}/file", "x"]))
    monkeypatch.setattr(applying, "_do", do)
    began = time.monotonic()
    (outcome,) = place.apply(plan)[1]
    assert (outcome.state, outcome.reason) == ("failed", "was cut short")
    assert time.monotonic() - began < 5


def test_what_a_users_part_runs_ends_when_root_is_interrupted(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C reaches both; the part has the time to end its program, and the lock is free afterwards."""
    name, home = place.names[0], place.homes[place.names[0]]
    marker = f"{home}/pid"

    def do(channel: rights.Channel, one: Change, ground: object, stamp: str) -> None:
        place.ground().site(name).run(["/bin/sh", "-c", f"echo $$ > {marker}; exec sleep 60"], 60)

    plan = place.sealed(change(name, ["write", f"{home}/file", "x"]))
    monkeypatch.setattr(applying, "_do", do)
    waiter = os.fork()
    if waiter == 0:
        for _ in range(500):
            if os.path.exists(marker) and os.path.getsize(marker):
                break
            time.sleep(0.01)
        with open(f"/proc/{os.getppid()}/task/{os.getppid()}/children", encoding="ascii") as file:
            for pid in file.read().split():
                if int(pid) != os.getpid():
                    os.kill(int(pid), signal.SIGINT)
        os.kill(os.getppid(), signal.SIGINT)
        os._exit(0)
    with pytest.raises(KeyboardInterrupt):
        place.apply(plan)
    os.waitpid(waiter, 0)
    program = text(marker).strip()
    assert not os.path.exists(f"/proc/{program}") or "zombie" in text(f"/proc/{program}/status")
    monkeypatch.undo()
    monkeypatch.setattr(applying, "kind", kind)
    assert {one.state for one in place.apply(plan)[1]} == {"done"}


def test_a_users_part_that_is_killed_is_undone(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    name, home = place.names[0], place.homes[place.names[0]]
    real = applying._do

    def do(channel: rights.Channel, one: Change, ground: object, stamp: str) -> None:
        def killing(message: dict[str, object], data: bytes | None = None) -> object:
            if "outcome" in message:
                os.kill(os.getpid(), signal.SIGKILL)
            return channel(message, data)

        real(killing, one, ground, stamp)  # type: ignore[arg-type]

    plan = place.sealed(change(name, ["write", f"{home}/new/file", "x"]))
    monkeypatch.setattr(applying, "_do", do)
    (outcome,) = place.apply(plan)[1]
    assert outcome.state == "failed"
    assert os.listdir(home) == []


def test_a_program_in_a_folder_of_somebody_elses_is_not_found(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    name, home = place.names[0], place.homes[place.names[0]]
    os.mkdir(f"{home}/bin")
    os.symlink("/bin/true", f"{home}/bin/npm")
    os.chown(f"{home}/bin", *place.ids[name])
    os.mkdir(f"{place.etc}/bin")
    os.symlink(f"{home}/bin/npm", f"{place.etc}/bin/node")
    monkeypatch.setenv("PATH", f"{home}/bin:{place.etc}/bin")
    site = place.ground().site(None)
    assert site.find("npm") is None
    assert site.find("node") is None
    os.mkdir(f"{place.base}/tmp")
    os.chmod(f"{place.base}/tmp", 0o1777)
    as_user(place, name, lambda: os.symlink("/bin/true", f"{place.base}/tmp/npx"))
    monkeypatch.setenv("PATH", f"{place.base}/tmp:/usr/bin:/bin")
    assert site.find("npx") != f"{place.base}/tmp/npx"
    assert site.find("true") in ("/usr/bin/true", "/bin/true")
