"""What lies in the way goes: old folders of extensions with their marks, dead files, launchers; and nothing that is in use."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cc_fleet.host.change import LEFTOVERS, Change
from cc_fleet.host.changes import removal
from tests.host.changes.editors import CLAUDE, GOLDEN, leftover, pin, place
from tests.host.changes.laptop import USER, Laptop, snapshot, states

OLD, NEW = "2.1.17", "2.1.19"


@pytest.fixture
def laptop(tmp_path: Path) -> Laptop:
    (tmp_path / "home").mkdir()
    return Laptop(tmp_path / "home", tmp_path / "runs")


def gone(path: Path | str, holds: str = "", *programs: str) -> Change:
    return Change("removal", f"remove {path}", USER, {"path": str(path), "holds": holds, "while_open": list(programs)}, LEFTOVERS)


def comes_back(laptop: Laptop, path: Path, holds: str, state: str) -> None:
    """It goes, and rollback brings back every entry of the home."""
    before = snapshot(laptop.home)
    plan = laptop.sealed(gone(path, holds))
    assert [change.expects for change in plan.changes] == [{str(path): state}], plan.left
    assert plan.changes[0].shows == (f"- {path} ({state})",)
    run, outcomes = laptop.apply(plan)
    assert states(outcomes) == ["done"]
    assert not os.path.lexists(path)
    assert states(laptop.apply(plan)[1]) == ["same"]
    assert laptop.sealed(gone(path, holds)).changes == ()
    assert states(laptop.rollback(run)) == ["undone"]
    assert snapshot(laptop.home) == before


# What there is.

EMPTY = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize("holds", ["", "empty", EMPTY])
def test_a_dead_file(laptop: Laptop, holds: str) -> None:
    path = laptop.home / "claude"
    path.touch(0o755)
    comes_back(laptop, path, holds, f"empty, {EMPTY}")


@pytest.mark.parametrize("holds", ["", "Claude Code 2.1.19 (native)", "2.1.19", "link ../share/claude/versions/2.1.19"])
def test_a_launcher_of_a_native_install(laptop: Laptop, holds: str) -> None:
    path = laptop.home / ".local/bin/claude"
    path.parent.mkdir(parents=True)
    path.symlink_to("../share/claude/versions/2.1.19")
    comes_back(laptop, path, holds, "version 2.1.19 (link ../share/claude/versions/2.1.19)")


def test_a_launcher_and_a_folder_of_npm(laptop: Laptop) -> None:
    package = laptop.home / "p/lib/node_modules/@anthropic-ai/claude-code"
    package.mkdir(parents=True)
    (package / "package.json").write_text(json.dumps({"name": "@anthropic-ai/claude-code", "version": "2.1.19"}))
    (package / "cli.js").write_text("x" * 500)
    path = laptop.home / "p/bin/claude"
    path.parent.mkdir()
    path.symlink_to("../lib/node_modules/@anthropic-ai/claude-code/cli.js")
    comes_back(laptop, path, "Claude Code 2.1.19 (npm)", "version 2.1.19 (link ../lib/node_modules/@anthropic-ai/claude-code/cli.js)")
    comes_back(laptop, package, "Claude Code 2.1.19 (npm)", "version 2.1.19 (@anthropic-ai/claude-code, folder of 2 files of 558 bytes)")


def test_npms_local_install_is_told_by_the_package_in_it(laptop: Laptop) -> None:
    folder = laptop.home / ".claude/local"
    package = folder / "node_modules/@anthropic-ai/claude-code/package.json"
    package.parent.mkdir(parents=True)
    package.write_text(json.dumps({"name": "@anthropic-ai/claude-code", "version": "2.1.19"}))
    (folder / "package.json").write_text('{"name": "claude-local", "version": "0.0.1"}')
    comes_back(laptop, folder, "Claude Code 2.1.19 (npm-local)", "version 2.1.19 (@anthropic-ai/claude-code, folder of 2 files of 102 bytes)")


def test_a_store_of_several_versions_does_not_say_one(laptop: Laptop) -> None:
    store = laptop.home / ".local/share/claude"
    for version in (OLD, NEW):
        (store / "versions").mkdir(parents=True, exist_ok=True)
        (store / "versions" / version).write_bytes(b"ELF")
    comes_back(laptop, store, "Claude Code 2.1.19 (native)", "folder of 2 files of 6 bytes")


def test_a_program_of_many_megabytes_is_told_by_its_size_and_time(laptop: Laptop) -> None:
    path = laptop.home / "claude"
    path.touch()
    os.truncate(path, 300 * 1024 * 1024)
    os.utime(path, ns=(1, 5))
    comes_back(laptop, path, "Claude Code 2.1.19 (unknown)", "file of 314572800 bytes, changed 5")


def test_a_link_to_a_folder_goes_and_the_folder_stays(laptop: Laptop) -> None:
    (laptop.home / "real").mkdir()
    (laptop.home / "real" / "kept").write_text("kept")
    (laptop.home / "link").symlink_to("real")
    laptop.apply(laptop.sealed(gone(laptop.home / "link")))
    assert (laptop.home / "real" / "kept").read_text() == "kept"


def test_a_folder_of_very_many_files_is_counted_to_a_bound(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removal, "_COUNTED", 20)
    folder = laptop.home / "x"
    for name in range(25):
        (folder / str(name)).mkdir(parents=True)
        (folder / str(name) / "a").touch()
    assert laptop.sealed(gone(folder)).changes[0].expects == {str(folder): "folder of more than 20 files"}


def test_deep_folders_end_in_time(laptop: Laptop) -> None:
    at = os.open(laptop.home, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("x", dir_fd=at)
        below = os.open("x", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)
    told = laptop.previewed(gone(laptop.home / "x"))
    assert told == f"{laptop.home}/x: file name too long"
    subprocess.run(["rm", "-rf", laptop.home / "x"], check=True)


# What is refused.


@pytest.mark.parametrize("args", [{}, {"path": 3}, {"path": "x"}, {"path": "/"}, {"path": "/etc"}, {"path": "/etc/"}, {"path": "/a/../b/c"}, {"path": ""}])
def test_nothing_to_remove(laptop: Laptop, args: dict[str, Any]) -> None:
    assert laptop.previewed(Change("removal", "", USER, args)) == "the plan names nothing that may be removed"


def test_a_home_is_not_removed(laptop: Laptop) -> None:
    for path in (laptop.home, laptop.home.parent):
        assert laptop.previewed(gone(path)) == f"{path}: is a home, and is not removed"


def test_a_pipe_is_not_removed(laptop: Laptop) -> None:
    os.mkfifo(laptop.home / "x")
    assert laptop.previewed(gone(laptop.home / "x")) == f"{laptop.home}/x: is no file, folder or link"


@pytest.mark.parametrize("holds", ["anthropic.claude-code 2.1.18", "2.1.1", "2.1.190", "empty", "sha256:00", "link x"])
def test_another_thing_than_was_meant_is_refused(laptop: Laptop, holds: str) -> None:
    root = place(GOLDEN / "leftover" / "before", laptop.home / "x" / "extensions")
    path = root / f"{CLAUDE}-{NEW}"
    told = laptop.previewed(gone(path, holds))
    assert isinstance(told, str)
    assert told.startswith(f"{path}: is version {NEW} ({CLAUDE}, folder of 5 files of ")
    assert told.endswith(f", and the plan was made for {holds}; plan again")


def test_a_file_that_came_since_makes_the_plan_stale(laptop: Laptop) -> None:
    path = laptop.home / "claude"
    path.touch()
    plan = laptop.sealed(gone(path, "empty"))
    path.write_text("a person's own")
    _, (outcome,) = laptop.apply(plan)
    assert outcome.state == "refused"
    assert path.read_text() == "a person's own"


@pytest.mark.parametrize("about", ["[]", "{", '{"name": 1, "version": "1.0.0"}', "[" * 100_000, " " * 2_000_000, '{"name": "x", "version": "sk-ant-api03-abcdefghijklmnopqrstuvwxyz0123456789"}'])
def test_a_hostile_package_json(laptop: Laptop, about: str) -> None:
    (laptop.home / "x").mkdir()
    (laptop.home / "x" / "package.json").write_text(about)
    plan = laptop.sealed(gone(laptop.home / "x"))
    assert "sk-ant" not in repr(plan)
    (state,) = plan.changes[0].expects.values()
    assert state.startswith(("folder of 1 file of ", "version «redacted» (x, folder of 1 file of "))


# Extensions.


def test_what_the_editor_runs_is_no_leftover(laptop: Laptop) -> None:
    root = place(GOLDEN / "leftover" / "before", laptop.home / ".vscode" / "extensions")
    path = root / f"{CLAUDE}-{OLD}"
    assert laptop.previewed(gone(path)) == f"{path}: {root}/extensions.json names it, so vscode runs it; it is no leftover"


@pytest.mark.parametrize("folder, editor, data", [
    (".vscode", "vscode", ".config/Code"), (".cursor", "cursor", ".config/Cursor"), (".vscode-server", "vscode-server", ".vscode-server/data"),
    (".local/share/code-server", "code-server", ".local/share/code-server"),
])  # fmt: skip
def test_what_a_profile_runs_is_no_leftover(laptop: Laptop, folder: str, editor: str, data: str) -> None:
    root = place(GOLDEN / "leftover" / "before", laptop.home / folder / "extensions")
    path, profile = root / f"{CLAUDE}-{NEW}", laptop.home / data / "User/profiles/5f/extensions.json"
    profile.parent.mkdir(parents=True)
    profile.write_text((root / "extensions.json").read_text().replace(OLD, NEW))
    assert laptop.previewed(leftover(root, NEW)) == f"{path}: {profile} names it, so {editor} runs it; it is no leftover"
    profile.write_text("[]")
    assert [change.kind for change in laptop.sealed(leftover(root, NEW)).changes] == ["removal"]


def test_of_too_many_profiles_any_may_run_it(laptop: Laptop) -> None:
    root = place(GOLDEN / "leftover" / "before", laptop.home / ".vscode" / "extensions")
    for name in range(41):
        (laptop.home / ".config/Code/User/profiles" / str(name)).mkdir(parents=True)
    assert laptop.previewed(leftover(root, NEW)) == f"{laptop.home}/.config/Code/User/profiles: holds more than 40 profiles, and any of them may run what lies in {root}"


def test_without_a_registry_nothing_is_known_to_be_left(laptop: Laptop) -> None:
    root = place(GOLDEN / "leftover" / "before", laptop.home / ".vscode" / "extensions")
    (root / "extensions.json").unlink()
    assert laptop.previewed(leftover(root, NEW)) == f"{root}/extensions.json: is missing, so which extension the editor runs is not known; start the editor once"


@pytest.mark.parametrize("before, after", [
    (f'{{"{CLAUDE}-{NEW}":true}}', None), (f'{{"Anthropic.Claude-Code-{NEW}":true}}', None), (f'\ufeff{{"{CLAUDE}-{NEW}": true}}', None),
    (f'{{"a.b-1.0.0":true,"{CLAUDE}-{NEW}":true,"c.ü-2.0.0":false}}', '{"a.b-1.0.0":true,"c.ü-2.0.0":false}'),
    ('{ "a.b-1.0.0" : true }', '{ "a.b-1.0.0" : true }'), ("", ""), ("[", "["), ("[]", "[]"), ("{}", "{}"), ("[" * 100_000, "[" * 100_000),
])  # fmt: skip
def test_with_a_folder_goes_its_mark_and_no_other(laptop: Laptop, before: str, after: str | None) -> None:
    root = place(GOLDEN / "leftover" / "before", laptop.home / ".vscode" / "extensions")
    (root / ".obsolete").write_text(before)
    told = snapshot(root)
    run, outcomes = laptop.apply(laptop.sealed(leftover(root, NEW)))
    assert states(outcomes) == ["done"]
    assert ((root / ".obsolete").read_text() if (root / ".obsolete").exists() else None) == after
    assert states(laptop.rollback(run)) == ["undone"]
    assert snapshot(root) == told


# While something runs.


@pytest.fixture
def code(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A program that runs under the name of an editor."""
    program = tmp_path / "code"
    program.write_bytes(Path("/bin/sleep").read_bytes())
    program.chmod(0o755)
    with subprocess.Popen([program, "300"]) as running:
        yield running
        running.kill()


@pytest.mark.parametrize("named", ["code", "vscode"])
def test_a_removal_waits_for_the_editor(laptop: Laptop, code: subprocess.Popen[bytes], named: str) -> None:
    path = laptop.home / "x"
    path.write_text("x")
    plan = laptop.sealed(gone(path, "", named))
    assert len(plan.changes) == 1
    _, (outcome,) = laptop.apply(plan)
    assert (outcome.state, outcome.reason) == ("postponed", f"close vscode first (pid {code.pid}): it may use {path}")
    assert path.exists()
    assert states(laptop.apply(laptop.sealed(gone(path, "", "cursor")))[1]) == ["done"]
    assert code.poll() is None


def test_a_pin_waits_for_its_own_editor_only(laptop: Laptop, code: subprocess.Popen[bytes]) -> None:
    mine = place(GOLDEN / "pin" / "before", laptop.home / ".vscode" / "extensions")
    other = place(GOLDEN / "pin" / "before", laptop.home / ".cursor" / "extensions")
    before = snapshot(mine)
    _, (first, second) = laptop.apply(laptop.sealed(pin(mine, OLD), pin(other, OLD)))
    assert (first.state, first.reason) == ("postponed", f"close vscode first (pid {code.pid}): it writes {mine}/extensions.json itself while it runs")
    assert second.state == "done"
    assert snapshot(mine) == before
    assert code.poll() is None
