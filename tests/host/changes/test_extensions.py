"""An editor's extension in another version, its pin, and what it leaves: on golden folders, with a program that stands where the editor's is."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc_fleet.host import registered, running
from cc_fleet.host import vsix as looked
from cc_fleet.host.change import Change, Plan
from cc_fleet.host.changes import extension
from tests.host.changes.editors import CLAUDE, GOLDEN, STAND_IN, install, leftover, neutral, pin, place, sha256, vsix
from tests.host.changes.laptop import USER, Laptop, snapshot, states

OLD, NEW = "2.1.17", "2.1.19"
SECRET = "sk-ant-api03-abcdefghijklmnopqrstuvwxyz0123456789"


@pytest.fixture
def laptop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Laptop:
    """Its PATH has the stand-in under the name ``code-server``."""
    program = tmp_path / "bin" / "code-server"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\n{STAND_IN.read_text()}")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.setattr(running, "found", lambda _: [])
    (tmp_path / "home").mkdir()
    return Laptop(tmp_path / "home", tmp_path / "runs")


def root(laptop: Laptop) -> Path:
    return laptop.home / ".local/share/code-server/extensions"


def ran(laptop: Laptop) -> list[dict[str, Any]]:
    """How the stand-in was started, each time."""
    log = laptop.journal.parent / "bin" / "ran"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def beside(laptop: Laptop, name: str, text: str) -> None:
    (laptop.journal.parent / "bin" / name).write_text(text)


def package(laptop: Laptop, version: str) -> Path:
    return vsix(version, laptop.journal.parent / "mirror")


def started(laptop: Laptop, case: str) -> dict[str, tuple[object, ...]]:
    place(GOLDEN / case / "before", root(laptop))
    return snapshot(root(laptop))


# Golden folders.

CASES: dict[str, Callable[[Laptop], tuple[Change, ...]]] = {
    "downgrade": lambda one: (install(root(one), OLD, package(one, OLD)), pin(root(one), OLD), leftover(root(one), NEW)),
    "upgrade": lambda one: (install(root(one), NEW, package(one, NEW)),),
    "leftover": lambda one: (leftover(root(one), NEW),),
    "pin": lambda one: (pin(root(one), OLD),),
}


@pytest.mark.parametrize("case, mark", [(case, "whole") for case in CASES] + [("downgrade", "empty"), ("downgrade", "none")])
def test_a_folder_becomes_what_the_real_one_showed_and_comes_back(laptop: Laptop, case: str, mark: str) -> None:
    before = started(laptop, case)
    beside(laptop, "mark", mark)
    changes = CASES[case](laptop)
    plan = laptop.sealed(*changes)
    assert len(plan.changes) == len(changes), plan.left
    assert snapshot(root(laptop)) == before
    run, outcomes = laptop.apply(plan)
    assert set(states(outcomes)) <= {"done", "same"}, outcomes
    found, golden = neutral(root(laptop)), neutral(GOLDEN / case / "after")
    if mark == "empty":
        assert found.pop(".obsolete") == b""
    assert found == golden
    after, times = snapshot(laptop.home), len(ran(laptop))
    assert len(after) >= 8
    assert states(laptop.apply(plan)[1]) == ["same"] * len(changes)
    assert laptop.sealed(*changes).changes == ()
    assert (snapshot(laptop.home), len(ran(laptop))) == (after, times)
    assert set(states(laptop.rollback(run))) == {"undone"}
    assert snapshot(root(laptop)) == before


def test_what_is_denied_is_not_put_back(laptop: Laptop) -> None:
    started(laptop, "downgrade")
    run, _ = laptop.apply(laptop.sealed(*CASES["downgrade"](laptop)))
    after = snapshot(root(laptop))
    outcomes = laptop.rollback(run, denied={NEW: "it is broken"})
    assert [(one.state, f"{NEW} is denied: it is broken" in one.reason) for one in outcomes] == [("refused", True)] * 2
    assert snapshot(root(laptop)) == after
    assert laptop.previewed(install(root(laptop), NEW, package(laptop, NEW), denied={NEW: "it is broken"})) == f"{CLAUDE} {NEW} is denied: it is broken"


def test_where_the_editor_deleted_the_old_folder_nothing_is_half_put_back(laptop: Laptop) -> None:
    """It does so at its start; then the old version cannot be had back, and the new one must go on working."""
    started(laptop, "downgrade")
    run, _ = laptop.apply(laptop.sealed(install(root(laptop), OLD, package(laptop, OLD))))
    shutil.rmtree(root(laptop) / f"{CLAUDE}-{NEW}")
    after = snapshot(root(laptop))
    for force in (False, True):
        (outcome,) = laptop.rollback(run, force=force)
        assert outcome.state == "refused"
        assert outcome.reason.startswith(f"{root(laptop)}: {CLAUDE}-{NEW} is gone from it and was not kept")
        assert snapshot(root(laptop)) == after


@pytest.mark.parametrize("mark", ["", "{}", None])
@pytest.mark.parametrize("since", [None, "", '{"a.b-1.0.0":true}'])
def test_marks_that_the_editor_wrote_since_do_not_keep_it_from_coming_back(laptop: Laptop, mark: str | None, since: str | None) -> None:
    started(laptop, "upgrade")
    if mark is not None:
        (root(laptop) / ".obsolete").write_text(mark)
    before = snapshot(root(laptop))
    run, _ = laptop.apply(laptop.sealed(install(root(laptop), NEW, package(laptop, NEW))))
    (root(laptop) / ".obsolete").unlink()
    if since is not None:
        (root(laptop) / ".obsolete").write_text(since)
    outcomes = laptop.rollback(run)
    assert states(outcomes) == ["undone"], outcomes
    assert snapshot(root(laptop)) == before


@pytest.mark.parametrize("first", [False, True])
def test_what_a_person_installed_since_stays(laptop: Laptop, first: bool) -> None:
    if not first:
        started(laptop, "downgrade")
    run, _ = laptop.apply(laptop.sealed(install(root(laptop), OLD, package(laptop, OLD))))
    registry = root(laptop) / "extensions.json"
    registry.write_text(registry.read_text().replace("[", '[{"identifier":{"id":"a.b"},"version":"1.0.0","relativeLocation":"a.b-1.0.0"},'))
    (root(laptop) / "a.b-1.0.0").mkdir()
    after = snapshot(root(laptop))
    (outcome,) = laptop.rollback(run)
    assert outcome.state == "refused"
    assert outcome.reason.endswith("was changed since, and is left as it is; --force puts back what was there before the run")
    assert snapshot(root(laptop)) == after
    assert states(laptop.rollback(run, force=True)) == ["undone"]
    assert (root(laptop) / "a.b-1.0.0").exists() is not first
    assert not (root(laptop) / f"{CLAUDE}-{OLD}").exists()


# The program.


def test_what_is_there_is_not_installed_again(laptop: Laptop) -> None:
    started(laptop, "downgrade")
    registry = root(laptop) / "extensions.json"
    registry.write_text(registry.read_text().replace('"id":"anthropic', '"id":"Anthropic'))
    before = snapshot(root(laptop))
    assert laptop.sealed(install(root(laptop), NEW, package(laptop, NEW))).changes == ()
    assert (snapshot(root(laptop)), ran(laptop)) == (before, [])


def test_an_entry_without_its_folder_is_installed_again(laptop: Laptop) -> None:
    started(laptop, "downgrade")
    shutil.rmtree(root(laptop) / f"{CLAUDE}-{NEW}")
    plan = laptop.sealed(install(root(laptop), NEW, package(laptop, NEW)))
    assert plan.changes[0].expects == {f"{root(laptop)}/{CLAUDE}": f"version {NEW} without its folder"}
    assert states(laptop.apply(plan)[1]) == ["done"]
    assert (root(laptop) / f"{CLAUDE}-{NEW}" / "package.json").exists()


def test_a_first_install_goes_away_whole(laptop: Laptop) -> None:
    run, outcomes = laptop.apply(laptop.sealed(install(root(laptop), NEW, package(laptop, NEW))))
    assert states(outcomes) == ["done"]
    assert states(laptop.rollback(run)) == ["undone"]
    assert not root(laptop).exists()
    assert list(laptop.home.rglob("*.cc-fleet*")) == []


def test_the_program_is_started_with_the_copy_and_a_clean_environment(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    started(laptop, "downgrade")
    monkeypatch.setenv("ANTHROPIC_API_KEY", SECRET)
    given = package(laptop, OLD)
    change = install(root(laptop), OLD, given, extensions_dir=str(root(laptop)), user_data_dir=str(root(laptop).parent))
    plan = laptop.sealed(change)
    assert plan.changes[0].shows == (
        f"- {CLAUDE} {NEW} in code-server", f"+ {CLAUDE} {OLD} in code-server",
        f"  {laptop.journal.parent}/bin/code-server --extensions-dir {root(laptop)} --user-data-dir {root(laptop).parent} --install-extension {given} --force",
    )  # fmt: skip
    laptop.apply(plan)
    (start,) = ran(laptop)
    assert start["arguments"][:5] == ["--extensions-dir", str(root(laptop)), "--user-data-dir", str(root(laptop).parent), "--install-extension"]
    assert start["arguments"][5] != str(given)
    assert start["arguments"][5].endswith(f"/{CLAUDE}-{OLD}.vsix")
    assert start["environ"]["HOME"] == str(laptop.home)
    assert SECRET not in start["environ"].values()
    assert not Path(start["arguments"][5]).exists()


def test_from_the_gallery_by_its_number(laptop: Laptop) -> None:
    started(laptop, "downgrade")
    gallery = laptop.journal.parent / "bin" / "gallery"
    gallery.mkdir()
    shutil.copy(package(laptop, OLD), gallery / f"{CLAUDE}@{OLD}.vsix")
    assert states(laptop.apply(laptop.sealed(install(root(laptop), OLD, None)))[1]) == ["done"]
    assert ran(laptop)[0]["arguments"] == ["--install-extension", f"{CLAUDE}@{OLD}", "--force"]


def failing(laptop: Laptop, plan: Plan) -> str:
    """The reason for which the one change fails; nothing of it is left."""
    before = snapshot(root(laptop))
    _, (outcome,) = laptop.apply(plan)
    assert outcome.state == "failed"
    assert snapshot(root(laptop)) == before
    return outcome.reason


def test_an_exit_code_of_0_means_nothing(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    started(laptop, "downgrade")
    plan = laptop.sealed(install(root(laptop), OLD, package(laptop, OLD)))
    whole = extension._command
    monkeypatch.setattr(extension, "_command", lambda *arguments: whole(*arguments)[:-1])  # without --force
    reason = failing(laptop, plan)
    assert reason == (f"code-server ended with 0 and did not install {CLAUDE} {OLD}: A newer version of extension '{CLAUDE}' v{NEW} is already installed. "
                      "Use '--force' option to downgrade to older version.")  # fmt: skip


def test_another_version_than_the_wanted_one_is_taken_back(laptop: Laptop) -> None:
    started(laptop, "downgrade")
    gallery = laptop.journal.parent / "bin" / "gallery"
    gallery.mkdir()
    shutil.copy(package(laptop, OLD), gallery / f"{CLAUDE}@2.1.18.vsix")
    reason = failing(laptop, laptop.sealed(install(root(laptop), "2.1.18", None)))
    assert reason.startswith(f"code-server ended with 0 and did not install {CLAUDE} 2.1.18: Extension ")


def test_what_the_users_settings_do_not_allow_fails_with_the_editors_words(laptop: Laptop) -> None:
    started(laptop, "pin")
    settings = root(laptop).parent / "User" / "settings.json"
    settings.parent.mkdir()
    settings.write_text(json.dumps({"extensions.allowed": {CLAUDE: [OLD]}}))
    reason = failing(laptop, laptop.sealed(install(root(laptop), NEW, package(laptop, NEW))))
    assert reason == (f"code-server ended with 1 and did not install {CLAUDE} {NEW}: Error: This extension cannot be installed because the version {NEW} "
                      "of this extension is not in the [allowed list]")  # fmt: skip


def test_no_network(laptop: Laptop) -> None:
    started(laptop, "downgrade")
    assert failing(laptop, laptop.sealed(install(root(laptop), OLD, None))).endswith("Error while installing extensions: getaddrinfo ENOTFOUND open-vsx.org")


def test_a_program_that_hangs_is_ended(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    started(laptop, "downgrade")
    beside(laptop, "hangs", "")
    monkeypatch.setattr(extension, "TIMEOUT", 1.0)
    assert failing(laptop, laptop.sealed(install(root(laptop), OLD, package(laptop, OLD)))) == "code-server did not end within 1 s"


@pytest.mark.parametrize("out, said", [
    ("", "it said nothing"), ("Installing extensions...\n\n", "it said nothing"), ("a\nb\n", "b"), ("Error: x\n    at y (z)\nlast", "Error: x"),
    (f"Error: key {SECRET} refused", "Error: key «redacted» refused"), ("Error: https://ada:geheim@mirror.example/x?token=1", "Error: https://«redacted»@mirror.example/x?«redacted»"),
    ("Error: \x1b[31mred\x07", "Error: ?[31mred?"), ("Error: " + "word " * 100, ("Error: " + "word " * 100)[:240] + "…"), ("Error: " + "x" * 70_000, "Error: «redacted»"),
])  # fmt: skip
def test_the_programs_words_are_short_and_hold_no_secret(out: str, said: str) -> None:
    assert extension._said(out) == said


@pytest.mark.parametrize("change, reason", [
    ({"program": "no-such-editor"}, "no-such-editor is in no folder of the PATH, or may be changed by others; put code-server's command there, or install"),
    ({"program": None}, "code-server has no command line that is known; install anthropic.claude-code 2.1.17 in it by hand"),
    ({"program": "../bin/code-server"}, "code-server has no command line that is known"),
    ({"version": "--help"}, "the plan names no extension and version"), ({"id": "x"}, "the plan names no extension and version"),
    ({"id": "--x.y"}, "the plan names no extension and version"), ({"folder": "extensions"}, "the plan names no folder of extensions"),
    ({"vsix": {"file": "x.vsix", "sha256": "0" * 64}}, "the plan's VSIX has no file or no sha256"), ({"vsix": {"file": "/x.vsix"}}, "the plan's VSIX has no file or no sha256"),
])  # fmt: skip
def test_what_cannot_be_installed_is_refused(laptop: Laptop, change: dict[str, Any], reason: str) -> None:
    before = started(laptop, "downgrade")
    plain = install(root(laptop), OLD, None)
    told = laptop.previewed(plain._replace(args={**plain.args, **change}))
    assert isinstance(told, str)
    assert told.startswith(reason)
    assert (snapshot(root(laptop)), ran(laptop)) == (before, [])


def test_a_program_that_others_may_change_is_not_run(laptop: Laptop) -> None:
    started(laptop, "downgrade")
    (laptop.journal.parent / "bin").chmod(0o777)
    assert str(laptop.previewed(install(root(laptop), OLD, None))).startswith("code-server is in no folder of the PATH, or may be changed by others")


def test_below_a_folder_nothing_is_run_and_files_are_changed(laptop: Laptop, tmp_path: Path) -> None:
    below = Laptop(tmp_path / "disk" / "home" / "ada", tmp_path / "disk" / "runs", str(tmp_path / "disk"))
    place(GOLDEN / "leftover" / "before", root(below))
    seen = Path("/home/ada/.local/share/code-server/extensions")
    assert str(below.previewed(install(seen, NEW, None))).startswith("code-server installs its extensions itself, and nothing is run below a folder")
    plan = below.sealed(pin(seen, OLD, value=False), leftover(seen, NEW))
    run, outcomes = below.apply(plan)
    assert states(outcomes) == ["done", "done"], outcomes
    assert sorted(neutral(root(below))) == sorted(neutral(GOLDEN / "leftover" / "after"))
    assert states(below.rollback(run)) == ["undone", "undone"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root works for somebody else")
def test_for_another_user_all_is_done_with_their_rights(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where they cannot read the folder in which this Python's modules lie."""
    monkeypatch.setattr(running, "found", lambda _: [])
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        base.chmod(0o755)
        (base / "bin").mkdir()
        (base / "bin" / "code-server").write_text(f'#!/bin/sh\nid -u > {base}/home/uid\nexec /usr/bin/python3 {base}/bin/editor.py "$@"\n')
        (base / "bin" / "code-server").chmod(0o755)
        (base / "bin" / "editor.py").write_text(STAND_IN.read_text().replace('(OWN / "ran").open("a").write', "str"))
        laptop = Laptop(base / "home", base / "runs", user="nobody")
        place(GOLDEN / "downgrade" / "before", root(laptop))
        subprocess.run(["chown", "-R", "nobody:", laptop.home], check=True)
        monkeypatch.setenv("PATH", f"{base}/bin:/usr/bin:/bin")
        before = snapshot(root(laptop))
        changes = [one._replace(user="nobody") for one in (install(root(laptop), OLD, package(laptop, OLD)), pin(root(laptop), OLD), leftover(root(laptop), NEW))]
        plan = laptop.sealed(*changes)
        assert len(plan.changes) == 3, plan.left
        run, outcomes = laptop.apply(plan)
        assert states(outcomes) == ["done", "same", "done"], outcomes
        nobody = pwd.getpwnam("nobody").pw_uid
        assert (laptop.home / "uid").read_text() == f"{nobody}\n"
        assert {path.lstat().st_uid for path in laptop.home.rglob("*")} == {nobody}
        assert neutral(root(laptop)) == neutral(GOLDEN / "downgrade" / "after")
        outcomes = laptop.rollback(run)
        assert states(outcomes) == ["undone", "undone"], outcomes
        assert snapshot(root(laptop)) == before


# The VSIX.


def zipped(file: Path, about: str | bytes | None, **more: str | bytes) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {**({} if about is None else {"extension/package.json": about}), **more}.items():
            archive.writestr(name, data)


def patched(file: Path, mark: bytes, at: int, data: bytes) -> None:
    """Another value in the list of members, or in its end."""
    zipped(file, json.dumps({"publisher": "anthropic", "name": "claude-code", "version": OLD}))
    whole = bytearray(file.read_bytes())
    start = whole.rindex(mark) + at
    whole[start : start + len(data)] = data
    file.write_bytes(whole)


ABOUT = {"publisher": "anthropic", "name": "claude-code", "version": OLD}


def shortened(file: Path) -> None:
    zipped(file, json.dumps(ABOUT))
    file.write_bytes(file.read_bytes()[:-30])


def bombed(file: Path) -> None:
    """Two members that say to be of almost 4 GiB."""
    zipped(file, json.dumps(ABOUT), x="y", z="y")
    whole = file.read_bytes()
    for at in [at for at in range(len(whole)) if whole.startswith(b"PK\x01\x02", at)]:
        whole = whole[: at + 24] + b"\xf0\xff\xff\xff" + whole[at + 28 :]
    file.write_bytes(whole)


HOSTILE: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no zip": (lambda file: file.write_bytes(b"x" * 10_000), "is no VSIX of an extension, or not whole"),
    "nothing": (lambda file: file.write_bytes(b""), "is no VSIX of an extension, or not whole"),
    "cut": (shortened, "is no VSIX of an extension, or not whole"),
    "no package": (lambda file: zipped(file, None, x="y"), "is no VSIX of an extension, or not whole"),
    "another": (lambda file: zipped(file, json.dumps({**ABOUT, "name": "other"})), f"holds anthropic.other {OLD}, and not {CLAUDE} {OLD}"),
    "another version": (lambda file: zipped(file, json.dumps({**ABOUT, "version": NEW})), f"holds {CLAUDE} {NEW}, and not {CLAUDE} {OLD}"),
    "control letters": (lambda file: zipped(file, json.dumps({**ABOUT, "version": "\x1b[2J"})), f"holds another extension , and not {CLAUDE} {OLD}"),
    "a list": (lambda file: zipped(file, "[]"), "is no VSIX of an extension, or not whole"),
    "no UTF-8": (lambda file: zipped(file, b"\xff"), "is no VSIX of an extension, or not whole"),
    "deep": (lambda file: zipped(file, "[" * 200_000), "is no VSIX of an extension, or not whole"),
    "large": (lambda file: zipped(file, " " * 50_000_000 + json.dumps(ABOUT)), "its extension/package.json is larger than 1 MiB"),
    "elsewhere": (lambda file: zipped(file, json.dumps(ABOUT), **{"extension/../../x": "y"}), "holds a file that would be unpacked elsewhere"),
    "elsewhere on Windows": (lambda file: zipped(file, json.dumps(ABOUT), **{"extension\\..\\x": "y"}), "holds a file that would be unpacked elsewhere"),
    "absolute": (lambda file: zipped(file, json.dumps(ABOUT), **{"/etc/x": "y"}), "holds a file that would be unpacked elsewhere"),
    "many": (lambda file: patched(file, b"PK\x05\x06", 12, struct.pack("<L", 2**31)), "lists more files than any extension has"),
    "ZIP64": (lambda file: patched(file, b"PK\x05\x06", 12, b"\xff" * 4), "lists more files than any extension has"),
    "a bomb": (bombed, "unpacks to more than 4 GiB"),
    "encrypted": (lambda file: patched(file, b"PK\x01\x02", 8, b"\x01\x00"), "is no VSIX of an extension, or not whole"),
    "a method that is none": (lambda file: patched(file, b"PK\x01\x02", 10, b"\x63\x00"), "is no VSIX of an extension, or not whole"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_vsix_is_refused_in_one_line_and_soon(laptop: Laptop, tmp_path: Path, name: str) -> None:
    before = started(laptop, "downgrade")
    make, reason = HOSTILE[name]
    file = tmp_path / "x.vsix"
    make(file)
    began = time.process_time()
    assert laptop.previewed(install(root(laptop), OLD, file)) == f"{file}: {reason}"
    assert time.process_time() - began < 3
    assert (snapshot(root(laptop)), ran(laptop)) == (before, [])


@pytest.mark.parametrize("make, reason", [
    (Path.mkdir, "is no regular file"), (os.mkfifo, "is no regular file"), (lambda file: None, "no such file or directory"),
    (lambda file: os.truncate(os.open(file, os.O_CREAT | os.O_WRONLY), 2**31), "is larger than 1024 MiB"),
])  # fmt: skip
def test_what_is_no_file_is_refused(laptop: Laptop, tmp_path: Path, make: Callable[[Path], Any], reason: str) -> None:
    started(laptop, "downgrade")
    file = tmp_path / "x.vsix"
    make(file)
    change = install(root(laptop), OLD, None, vsix={"file": str(file), "sha256": "0" * 64})
    assert laptop.previewed(change) == f"{file}: {reason}"


def test_a_vsix_that_was_replaced_is_refused_at_both_ends(laptop: Laptop) -> None:
    before = started(laptop, "downgrade")
    file = package(laptop, OLD)
    named = sha256(file)
    plan = laptop.sealed(install(root(laptop), OLD, file))
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("extension/evil.js", "x")
    reason = f"{file}: has the sha256 {sha256(file)}, and the plan names {named}; it was replaced, or is not whole"
    _, (outcome,) = laptop.apply(plan)
    assert (outcome.state, outcome.reason) == ("refused", reason)
    assert laptop.sealed(*plan.changes).left[-1].how == reason
    assert (snapshot(root(laptop)), ran(laptop)) == (before, [])


def test_a_vsix_that_is_replaced_after_the_last_look_is_refused(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between preview and apply: what is installed is the copy whose digest was taken."""
    before = started(laptop, "downgrade")
    file = package(laptop, OLD)
    plan = laptop.sealed(install(root(laptop), OLD, file))
    real = extension.preview

    def preview(site: Any, args: Any) -> Any:
        found = real(site, args)
        if site.stamp != "preview":
            shutil.copy(vsix(NEW, file.parent / "other"), file)
        return found

    monkeypatch.setattr(extension, "preview", preview)
    _, (outcome,) = laptop.apply(plan)
    assert outcome.state == "refused"
    assert "it was replaced" in outcome.reason
    assert (snapshot(root(laptop)), ran(laptop)) == (before, [])
    assert list(laptop.home.rglob("*.cc-fleet*")) == []


def test_a_vsix_is_read_once(laptop: Laptop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file, read, real = package(laptop, OLD), list[str](), looked._opened

    def opened(path: str) -> IO[bytes]:
        read.append(path)
        return real(path)

    monkeypatch.setattr(looked, "_opened", opened)
    looked.check(str(file), sha256(file), CLAUDE, OLD, copy=f"{tmp_path}/copy.vsix")
    assert read == [str(file), f"{tmp_path}/copy.vsix"]


# extensions.json.


@pytest.mark.parametrize("data, reason", [
    (b"// mine\n[]", ":1:1: a comment, which strict JSON does not allow, so the editor runs no extension; close it, move the file away and start it again"),
    (b"[{},\n]", ":2:1: a trailing comma, which strict JSON does not allow, so the editor runs no extension"), (b"", ": is not a list of extensions"),
    (b"{}", ": is not a list of extensions, so the editor runs none"), (b"[\xff]", ": is not UTF-8"), (b"[" * 100_000, ":1:513: nested more than 512 deep"),
    (b" " * (4 * 1024 * 1024 + 1), ": is larger than 4 MiB"),
])  # fmt: skip
def test_a_registry_that_the_editor_cannot_read_is_left_alone(laptop: Laptop, data: bytes, reason: str) -> None:
    started(laptop, "leftover")
    registry = root(laptop) / "extensions.json"
    registry.write_bytes(data)
    for change in (install(root(laptop), OLD, None), pin(root(laptop), OLD), leftover(root(laptop), NEW)):
        told = laptop.previewed(change)
        assert isinstance(told, str)
        assert told.startswith(f"{registry}{reason}")
        assert "\n" not in told


def test_a_folder_in_the_place_of_the_registry(laptop: Laptop) -> None:
    (root(laptop) / "extensions.json").mkdir(parents=True)
    assert laptop.previewed(pin(root(laptop), OLD)) == f"{root(laptop)}/extensions.json: is a folder"


@pytest.mark.parametrize("entries", [
    [None, 1, "x", [], {}], [{"identifier": None}], [{"identifier": {"id": CLAUDE}}], [{"identifier": {"id": CLAUDE}, "version": 2}], [{"identifier": {"id": 3}, "version": OLD}],
])  # fmt: skip
def test_odd_entries_are_nobodys(laptop: Laptop, entries: list[Any]) -> None:
    root(laptop).mkdir(parents=True)
    (root(laptop) / "extensions.json").write_text(json.dumps(entries))
    assert laptop.previewed(pin(root(laptop), OLD)) == f"{root(laptop)}/extensions.json: names no {CLAUDE}, so there is nothing to pin"


def test_a_secret_in_the_place_of_a_version_is_not_shown(laptop: Laptop) -> None:
    root(laptop).mkdir(parents=True)
    (root(laptop) / "extensions.json").write_text(json.dumps([{"identifier": {"id": CLAUDE}, "version": SECRET}]))
    plan = laptop.sealed(install(root(laptop), OLD, package(laptop, OLD)), pin(root(laptop), NEW))
    assert SECRET not in repr(plan)
    assert plan.changes[0].expects == {f"{root(laptop)}/{CLAUDE}": "version «redacted» without its folder"}


ENTRY = f'{{"identifier":{{"id":"{CLAUDE}"}},"version":"{OLD}"'


@pytest.mark.parametrize("before, after", [
    (f'[{ENTRY},"metadata":{{"a":1,"pinned":false,"b":2}}}}]', f'[{ENTRY},"metadata":{{"a":1,"pinned":true,"b":2}}}}]'),
    (f'[{ENTRY},"metadata":{{"a":1}}}}]', f'[{ENTRY},"metadata":{{"a":1,"pinned":true}}}}]'),
    (f'[{ENTRY},"metadata":{{}}}}]', f'[{ENTRY},"metadata":{{"pinned":true}}}}]'),
    (f'[{ENTRY},"metadata":null}}]', f'[{ENTRY},"metadata":{{"pinned":true}}}}]'),
    (f"[{ENTRY}}}]", f'[{ENTRY},"metadata":{{"pinned":true}}}}]'),
    (f'\ufeff[\r\n\t{ENTRY},\r\n\t "metadata": {{\r\n\t\t"é\\u00e9": "ü",\r\n\t\t"source": "vsix"\r\n\t}}}}\r\n]\r\n',
     f'\ufeff[\r\n\t{ENTRY},\r\n\t "metadata": {{\r\n\t\t"é\\u00e9": "ü",\r\n\t\t"source": "vsix",\r\n\t\t"pinned": true\r\n\t}}}}\r\n]\r\n'),
    (f'[{{"identifier":{{"id":"a.b"}},"version":"1.0.0","metadata":{{"pinned":false}}}},{ENTRY},"metadata":{{"pinned":0}}}}]',
     f'[{{"identifier":{{"id":"a.b"}},"version":"1.0.0","metadata":{{"pinned":false}}}},{ENTRY},"metadata":{{"pinned":true}}}}]'),
])  # fmt: skip
def test_a_pin_is_one_splice(laptop: Laptop, before: str, after: str) -> None:
    root(laptop).mkdir(parents=True)
    registry = root(laptop) / "extensions.json"
    registry.write_bytes(before.encode())
    registry.chmod(0o600)
    plan = laptop.sealed(pin(root(laptop), OLD))
    assert plan.changes[0].shows == (f"- {CLAUDE} not pinned, {OLD}", f"+ {CLAUDE} pinned, {OLD}")
    run, _ = laptop.apply(plan)
    assert registry.read_bytes() == after.encode()
    assert registry.stat().st_mode & 0o777 == 0o600
    laptop.rollback(run)
    assert registry.read_bytes() == before.encode()


@given(st.data(), st.sampled_from([None, 0, 1, 4, "\t"]), st.booleans())
def test_a_pin_changes_nothing_else_in_any_registry(data: st.DataObject, indent: int | str | None, value: bool) -> None:
    anything = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=8)
    flags = st.dictionaries(st.text(max_size=4) | st.just("pinned"), anything, max_size=4)
    own: dict[str, Any] = {"identifier": {"id": CLAUDE}, "version": OLD, **data.draw(st.fixed_dictionaries({}, optional={"metadata": flags | st.none()}))}
    entries = [{"identifier": {"id": "other.one"}, "version": OLD, "metadata": one} for one in data.draw(st.lists(flags, max_size=3))]
    at = data.draw(st.integers(0, len(entries)))
    text = json.dumps([*entries[:at], own, *entries[at:]], indent=indent, ensure_ascii=data.draw(st.booleans()), separators=data.draw(st.sampled_from([None, (",", ":")])))
    found = registered.read(Stand(text), "/x")  # type: ignore[arg-type]
    changed = registered.pinned(found, found.entries(CLAUDE), value).decode()
    expected = {**own, "metadata": {**(own.get("metadata") or {}), "pinned": value}}
    assert json.dumps(json.loads(changed)) == json.dumps([*entries[:at], expected, *entries[at:]])
    metadata = (found.entries(CLAUDE)[0].node.members or {}).get("metadata")
    replaced = None
    if metadata is not None:
        members = metadata.node.members
        replaced = metadata.node if members is None else members["pinned"].node if "pinned" in members else None
    same = [next((at for at, (one, other) in enumerate(zip(first, second, strict=False)) if one != other), len(text)) for first, second in ((text, changed), (text[::-1], changed[::-1]))]
    assert sum(same) >= len(text) - (replaced.end - replaced.start if replaced else 0)
    again = registered.read(Stand(changed), "/x")  # type: ignore[arg-type]
    assert registered.pinned(again, again.entries(CLAUDE), value).decode() == changed


class Stand:
    """Of a site, the one file."""

    def __init__(self, text: str) -> None:
        self.data = text.encode("utf-8", "surrogatepass")

    def read(self, path: str, limit: int) -> bytes:
        return self.data


def test_an_editor_may_update_again(laptop: Laptop) -> None:
    started(laptop, "downgrade")
    registry = root(laptop) / "extensions.json"
    before = registry.read_bytes()
    assert states(laptop.apply(laptop.sealed(pin(root(laptop), NEW, value=False)))[1]) == ["done"]
    assert registry.read_bytes() == before.replace(b'"pinned":true', b'"pinned":false')
    assert laptop.sealed(pin(root(laptop), NEW, value=False)).changes == ()


def test_a_pin_of_another_version_is_refused(laptop: Laptop) -> None:
    started(laptop, "downgrade")
    assert laptop.previewed(pin(root(laptop), OLD)) == f"{root(laptop)}/extensions.json: names {CLAUDE} {NEW}, and the plan was made for {OLD}; plan again"
    assert laptop.previewed(Change("extension-pin", "", USER, {"folder": "/x"})) == "the plan names no extension to pin"
