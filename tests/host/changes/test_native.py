"""The native installer's copy in a home, with programs that are real ones."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.host.changes import packages
from tests.host.changes.laptop import Laptop, states
from tests.host.changes.packages import OWN, SECRET, SYSTEM, given, native, refused, saying, sha256, stored, tarball, tarballs, tree

MIDDLE, NEW = "2.1.153", "2.1.330"
# What ``claude install`` of a real client was seen to do without a network: it ends with an error and leaves an empty file.
LEAVES_AN_EMPTY_FILE = (
    f'case "$1" in --version) echo "{NEW} (Claude Code)";; install) mkdir -p "$HOME/.local/share/claude/versions"; : > "$HOME/.local/share/claude/versions/$2"; echo {{}} > "$HOME/.claude.json"; '
    f'echo "Failed to fetch https://downloads.claude.ai/?token={SECRET}: ECONNREFUSED" >&2; exit 1;; esac'
)


@pytest.fixture
def laptop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Laptop:
    packages.needs(packages.no_programs())
    monkeypatch.setattr("cc_fleet.host.changes._package._SECONDS", 3.0)
    (tmp_path / "home").mkdir()
    return Laptop(tmp_path / "home", tmp_path / "journal")


@pytest.fixture
def tgz(tmp_path: Path) -> Path:
    return tmp_path / "tgz"


@pytest.fixture
def without_npm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cc_fleet.host.program._path", lambda: "/nowhere")


def said(home: Path) -> str:
    return subprocess.run([home / ".local/bin/claude", "--version"], capture_output=True, text=True, check=True).stdout.split(" ", maxsplit=1)[0]


@pytest.mark.usefixtures("without_npm")
@pytest.mark.parametrize("absolute", [True, False])
@pytest.mark.parametrize(("before", "after"), [(MIDDLE, NEW), (NEW, MIDDLE)], ids=("up", "down"))
def test_another_version_is_brought_once_and_taken_back(laptop: Laptop, tgz: Path, before: str, after: str, absolute: bool) -> None:
    kept = stored(laptop.home, before, absolute=absolute)
    first = tree(laptop.home)
    change = native(laptop.home, after, tarballs=given(tarballs(tgz, after)), sha256={SYSTEM: sha256(saying(after))})
    plan, outcomes = packages.carried_out(laptop, change)
    launcher = laptop.home / ".local/bin/claude"
    assert states(outcomes) == ["done"]
    assert plan.changes[0].expects == {str(launcher): f"version {before}"}
    assert os.readlink(launcher) == (str(kept.with_name(after)) if absolute else f"../share/claude/versions/{after}")
    assert said(laptop.home) == after
    assert kept.read_bytes() == saying(before)
    again = tree(laptop.home)
    assert laptop.sealed(change).changes == ()
    assert states(laptop.apply(plan)[1]) == ["same"]
    assert tree(laptop.home) == again
    assert states(laptop.rollback("000001")) == ["undone"]
    assert tree(laptop.home) == first


@pytest.mark.usefixtures("without_npm")
def test_a_version_that_the_store_has_is_only_linked(laptop: Laptop, tmp_path: Path) -> None:
    there = stored(laptop.home, MIDDLE)
    stored(laptop.home, NEW)
    before = there.stat()
    nothing = [{"file": str(tmp_path / "gone.tgz"), "sha256": "0" * 64}]
    _, outcomes = packages.carried_out(laptop, native(laptop.home, MIDDLE, tarballs=nothing, sha256={SYSTEM: sha256(saying(MIDDLE))}))
    assert states(outcomes) == ["done"]
    assert there.stat() == before
    assert said(laptop.home) == MIDDLE


@pytest.mark.usefixtures("without_npm")
@pytest.mark.parametrize("spoilt", ["empty", "another", "altered"])
def test_a_stored_version_that_is_not_what_it_should_be_is_replaced(laptop: Laptop, tgz: Path, spoilt: str) -> None:
    stored(laptop.home, MIDDLE, {"empty": b"", "another": saying(NEW), "altered": saying(MIDDLE, more=": evil; ")}[spoilt])
    if spoilt != "altered":
        stored(laptop.home, NEW)
    first = tree(laptop.home)
    pins = {SYSTEM: sha256(saying(MIDDLE))} if spoilt == "altered" else {}
    plan, outcomes = packages.carried_out(laptop, native(laptop.home, MIDDLE, tarballs=given(tarballs(tgz, MIDDLE)), sha256=pins))
    assert states(outcomes) == ["done"]
    assert list(plan.changes[0].expects.values()) == [f"version {MIDDLE} altered" if spoilt == "altered" else f"version {NEW}"]
    assert (laptop.home / ".local/share/claude/versions" / MIDDLE).read_bytes() == saying(MIDDLE)
    assert states(laptop.rollback("000001")) == ["undone"]
    assert tree(laptop.home) == first


@pytest.mark.usefixtures("without_npm")
@pytest.mark.parametrize(("does", "more", "reason"), [
    (saying("2.1.154"), {}, "what came as 2.1.153 says that it is 2.1.154"),
    (saying("2.1.1530"), {}, "what came as 2.1.153 says that it is 2.1.1530"),
    (packages.program("echo hello"), {}, "what came as 2.1.153 does not say its version"),
    (packages.program(f"echo '2.1.153 {SECRET}'; exit 3"), {}, "does not run here: asked for its version it ended with 3"),
    (packages.program("sleep 100 & sleep 100"), {}, "does not end within 3 s"),
    (b"#!/bin/sh\necho 2.1.153\n", {}, "the program of 2.1.153 is none: its platform package is missing"),
    (b"", {}, "the program of 2.1.153 is none: its platform package is missing"),
    (b"\x7fELF but no program", {}, "does not run here: asked for its version it ended with 127"),
    (saying(MIDDLE), {"sha256": {SYSTEM: "0" * 64}}, "is not the one that the policy pins: its sha256 is"),
    (saying(MIDDLE), {"tarballs": [{"file": "/dev/null", "sha256": "0" * 64}]}, "/dev/null: is not a regular file"),
    (saying(MIDDLE), {"platform": "linux-arm64"}, "@anthropic-ai/claude-code-linux-arm64 2.1.153 is not among the tarballs"),
], ids=range(11))  # fmt: skip
def test_what_came_is_not_what_it_should_be(laptop: Laptop, tgz: Path, does: bytes, more: dict[str, Any], reason: str) -> None:
    stored(laptop.home, NEW)
    assert reason in refused(laptop, native(laptop.home, MIDDLE, **{"tarballs": given(tarballs(tgz, MIDDLE, does)), **more}))


@pytest.mark.usefixtures("without_npm")
def test_a_program_that_the_policy_does_not_know_is_not_run(laptop: Laptop, tgz: Path, tmp_path: Path) -> None:
    stored(laptop.home, NEW)
    files = given(tarballs(tgz, MIDDLE, saying(MIDDLE, more=f"touch {tmp_path}/ran; ")))
    assert "is not the one that the policy pins" in refused(laptop, native(laptop.home, MIDDLE, tarballs=files, sha256={SYSTEM: sha256(saying(MIDDLE))}))
    assert not (tmp_path / "ran").exists()


@pytest.mark.usefixtures("without_npm")
def test_a_tarball_without_the_program(laptop: Laptop, tgz: Path) -> None:
    stored(laptop.home, NEW)
    made = tarball(tgz, "x.tgz", {"package.json": packages.platforms(MIDDLE)["package.json"]})
    assert f"{OWN} {MIDDLE}: holds no program (package/claude)" in refused(laptop, native(laptop.home, MIDDLE, tarballs=given([made])))


@pytest.mark.parametrize("what", ["script", "link", "program", "absent", "out of the store"])
def test_a_launcher_that_is_not_the_installers_is_left_alone(laptop: Laptop, what: str) -> None:
    kept = stored(laptop.home, NEW)
    launcher = laptop.home / ".local/bin/claude"
    launcher.unlink()
    if what == "script":
        launcher.write_text("#!/bin/sh\nexec /opt/claude/claude --mine\n")
    elif what == "program":
        launcher.write_bytes(kept.read_bytes())
    elif what != "absent":
        launcher.symlink_to("/opt/claude/claude" if what == "link" else "../share/claude/versions/../../../bin/sh")
    reason = refused(laptop, native(laptop.home, MIDDLE))
    assert reason.startswith(f"{launcher}: ")
    assert reason.endswith("so it is left alone; replace it by hand")


def test_from_a_mirror_and_one_that_lies(laptop: Laptop, tgz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packages.needs(packages.no_npm())
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:1")
    stored(laptop.home, NEW)
    real = tarballs(tgz, MIDDLE)[1]
    evil = tarballs(tmp_path / "evil", MIDDLE, saying(MIDDLE, more=f"touch {tmp_path}/ran; "))[1]
    with packages.registry(tgz, {real.name: evil}) as url:
        assert "is not what the registry says it is (EINTEGRITY)" in refused(laptop, native(laptop.home, MIDDLE, registry=url))
    with packages.registry(tgz) as url:
        assert states(packages.carried_out(laptop, native(laptop.home, MIDDLE, registry=url))[1]) == ["done"]
    assert said(laptop.home) == MIDDLE
    assert not (tmp_path / "ran").exists()


@pytest.mark.usefixtures("without_npm")
def test_a_client_that_cannot_reach_its_server_leaves_nothing(laptop: Laptop) -> None:
    stored(laptop.home, NEW, packages.program(LEAVES_AN_EMPTY_FILE))
    reason = refused(laptop, native(laptop.home, MIDDLE))
    assert reason == "`claude install 2.1.153` ended with 1; it needs downloads.claude.ai, so give --tarballs DIR, or npm and a registry"


@pytest.mark.usefixtures("without_npm")
@pytest.mark.parametrize(("brings", "state"), [(MIDDLE, "done"), ("2.1.154", "refused")])
def test_without_npm_the_client_itself_is_asked(laptop: Laptop, tmp_path: Path, brings: str, state: str) -> None:
    """The stand-in does what ``claude install`` does where it reaches its server."""
    (tmp_path / "download").write_bytes(saying(brings))
    installs = 'mkdir -p "$HOME/.local/share/claude/versions" "$HOME/.local/bin"; echo {} > "$HOME/.claude.json"; '
    installs += f'cp {tmp_path}/download "$HOME/.local/share/claude/versions/$2"; chmod 755 "$HOME/.local/share/claude/versions/$2"; ln -sfn "$HOME/.local/share/claude/versions/$2" "$HOME/.local/bin/claude"'
    stored(laptop.home, NEW, packages.program(f'case "$1" in --version) echo "{NEW} (Claude Code)";; install) {installs};; esac'))
    first = {name: one[1:3] + one[4:] for name, one in tree(laptop.home).items()}
    change = native(laptop.home, MIDDLE)
    _, outcomes = packages.carried_out(laptop, change)
    assert states(outcomes) == [state], outcomes
    if state == "done":
        assert said(laptop.home) == MIDDLE
        assert not (laptop.home / ".claude.json").exists()  # with a user's id, which every container of an image would share
        assert laptop.sealed(change).changes == ()
        back = laptop.rollback("000001")
        assert states(back) == ["undone"], back
    else:
        assert "what came as 2.1.153 says that it is 2.1.154" in outcomes[0].reason
    assert {name: one[1:3] + one[4:] for name, one in tree(laptop.home).items()} == first


def test_a_denied_version_does_not_stay_in_the_store(laptop: Laptop, tgz: Path) -> None:
    kept = stored(laptop.home, NEW, saying(NEW) + bytes(9 * 1024 * 1024))  # as large as real ones, for what only small files are
    first = tree(laptop.home)
    change = native(laptop.home, MIDDLE, tarballs=given(tarballs(tgz, MIDDLE)), denied={NEW: "leaks", "../../../x": "", "2.1.1": ""})
    assert states(packages.carried_out(laptop, change)[1]) == ["done"]
    assert [path.name for path in kept.parent.iterdir() if path.name[0] != "."] == [MIDDLE]
    assert states(laptop.rollback("000001")) == ["undone"]
    assert set(tree(laptop.home)) == set(first)


@pytest.mark.usefixtures("without_npm")
def test_what_is_kept_in_the_store_is_no_client(laptop: Laptop) -> None:
    stored(laptop.home, NEW, b"")
    stored(laptop.home, f".{NEW}.cc-fleet-000009.old")
    (laptop.home / ".local/bin/claude").unlink()
    (laptop.home / ".local/bin/claude").symlink_to(laptop.home / ".local/share/claude/versions" / NEW)
    assert refused(laptop, native(laptop.home, MIDDLE)) == f"neither npm nor a client that runs is there to get {MIDDLE}; give --tarballs DIR, or install Node.js"
