"""A real code-server: an extension goes down and up, is pinned, its old folder goes, and all of it comes back.

It proves what the golden folders of ``tests/host/changes/editors`` say, on which the default tests stand.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cc_fleet.host.change import Preview
from tests.host.changes.editors import CLAUDE, GOLDEN, install, leftover, neutral, pin
from tests.host.changes.laptop import Laptop, snapshot, states
from tests.real import code_server

pytestmark = pytest.mark.editor
OLD, NEW = code_server.VERSIONS


@pytest.fixture(autouse=True)
def _real() -> None:
    if (reason := code_server.missing()) != "":
        assert not os.environ.get("CC_FLEET_REQUIRE_REAL"), reason
        pytest.skip(reason)


@pytest.fixture
def laptop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Laptop:
    """Its PATH has code-server."""
    monkeypatch.setenv("PATH", f"{code_server.installed()}:{os.environ['PATH']}")
    (tmp_path / "home").mkdir()
    return Laptop(tmp_path / "home", tmp_path / "runs")


def root(laptop: Laptop) -> Path:
    return laptop.home / ".local/share/code-server/extensions"


def cli(laptop: Laptop, *arguments: str) -> str:
    """What the real program says when a person runs it."""
    environ = {"HOME": str(laptop.home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    return subprocess.run(["code-server", *arguments], env=environ, capture_output=True, text=True, check=True, timeout=120).stdout


def by_hand(laptop: Laptop, version: str) -> None:
    cli(laptop, "--install-extension", str(code_server.vsix(version)), "--force")
    assert runs(laptop) == version


def runs(laptop: Laptop) -> str:
    """The version that the editor itself says it has."""
    (line,) = [line for line in cli(laptop, "--list-extensions", "--show-versions").splitlines() if line.startswith(CLAUDE)]
    return line.partition("@")[2]


def is_as_golden(laptop: Laptop, tree: Path) -> None:
    """Besides the marks, which the real one writes too late and not whole, and whatever vsce's VSIX has in times."""
    found, golden = neutral(root(laptop)), neutral(tree)
    for files in (found, golden):
        files.pop(".obsolete", None)
    assert found == golden


def test_a_downgrade_is_what_the_editor_runs_and_comes_back(laptop: Laptop) -> None:
    by_hand(laptop, NEW)
    is_as_golden(laptop, GOLDEN / "downgrade" / "before")
    before = snapshot(root(laptop))
    changes = install(root(laptop), OLD, code_server.vsix(OLD)), pin(root(laptop), OLD), leftover(root(laptop), NEW)
    plan = laptop.sealed(*changes)
    assert [change.kind for change in plan.changes] == ["extension", "extension-pin", "removal"]
    assert snapshot(root(laptop)) == before
    run, outcomes = laptop.apply(plan)
    assert states(outcomes) == ["done", "same", "done"], outcomes
    assert runs(laptop) == OLD
    is_as_golden(laptop, GOLDEN / "downgrade" / "after")
    after = snapshot(laptop.home)
    assert len(after) > 10
    again, outcomes = laptop.apply(plan)
    assert (again, states(outcomes)) == ("", ["same", "same", "same"])
    assert laptop.sealed(*changes).changes == ()
    assert snapshot(laptop.home) == after
    assert states(laptop.rollback(run)) == ["undone", "undone"]
    assert snapshot(root(laptop)) == before
    assert runs(laptop) == NEW


def test_a_day_of_work_in_between_does_not_keep_it_from_coming_back(laptop: Laptop) -> None:
    """The editor was opened and closed: it deleted nothing that is kept for rollback, and changed nothing that would be refused."""
    by_hand(laptop, NEW)
    before = snapshot(root(laptop))
    run, outcomes = laptop.apply(laptop.sealed(install(root(laptop), OLD, code_server.vsix(OLD)), leftover(root(laptop), NEW)))
    assert states(outcomes) == ["done", "done"]
    with server(laptop):
        time.sleep(15)
    assert runs(laptop) == OLD
    assert states(laptop.rollback(run)) == ["undone", "undone"]
    assert snapshot(root(laptop)) == before
    assert runs(laptop) == NEW


def test_without_the_removal_the_newest_comes_back_and_with_it_not(laptop: Laptop) -> None:
    by_hand(laptop, NEW)
    laptop.apply(laptop.sealed(install(root(laptop), OLD, code_server.vsix(OLD))))
    assert runs(laptop) == OLD
    registry = (root(laptop) / "extensions.json").read_bytes()
    (root(laptop) / "extensions.json").unlink()
    assert runs(laptop) == NEW
    (root(laptop) / "extensions.json").write_bytes(registry)
    assert states(laptop.apply(laptop.sealed(leftover(root(laptop), NEW)))[1]) == ["done"]
    assert [path.name for path in root(laptop).glob(".anthropic*")] != []
    (root(laptop) / "extensions.json").unlink()
    assert runs(laptop) == OLD


@pytest.mark.parametrize("mark", ["", f'{{"{CLAUDE}-{NEW}":true}}'])
def test_an_upgrade_over_a_leftover_of_that_version(laptop: Laptop, mark: str) -> None:
    by_hand(laptop, NEW)
    by_hand(laptop, OLD)
    (root(laptop) / ".obsolete").write_text(mark, encoding="utf-8")
    (root(laptop) / f"{CLAUDE}-{NEW}" / "x.js").write_text("changed", encoding="utf-8")
    before = snapshot(root(laptop))
    run, outcomes = laptop.apply(laptop.sealed(install(root(laptop), NEW, code_server.vsix(NEW))))
    assert states(outcomes) == ["done"], outcomes
    assert runs(laptop) == NEW
    assert (root(laptop) / f"{CLAUDE}-{NEW}" / "x.js").read_text() != "changed"
    outcomes = laptop.rollback(run)
    assert states(outcomes) == ["undone"], outcomes
    assert snapshot(root(laptop)) == before
    assert runs(laptop) == OLD


def test_a_pin_is_set_and_taken_back(laptop: Laptop) -> None:
    by_hand(laptop, OLD)
    registry = root(laptop) / "extensions.json"
    registry.write_bytes(registry.read_bytes().replace(b',"pinned":true', b""))
    before = snapshot(root(laptop))
    is_as_golden(laptop, GOLDEN / "pin" / "before")
    plan = laptop.sealed(pin(root(laptop), OLD))
    run, outcomes = laptop.apply(plan)
    assert states(outcomes) == ["done"]
    is_as_golden(laptop, GOLDEN / "pin" / "after")
    after = snapshot(root(laptop))
    assert runs(laptop) == OLD
    assert states(laptop.apply(plan)[1]) == ["same"]
    assert snapshot(root(laptop)) == after
    assert states(laptop.rollback(run)) == ["undone"]
    assert snapshot(root(laptop)) == before


def test_what_the_users_settings_do_not_allow_is_not_installed(laptop: Laptop) -> None:
    by_hand(laptop, OLD)
    settings = root(laptop).parent / "User" / "settings.json"
    settings.write_text(f'{{"extensions.allowed": {{"{CLAUDE}": ["{OLD}"], "*": true}}}}', encoding="utf-8")
    before = snapshot(root(laptop))
    _, (outcome,) = laptop.apply(laptop.sealed(install(root(laptop), NEW, code_server.vsix(NEW))))
    assert outcome.state == "failed"
    assert f"did not install {CLAUDE} {NEW}: Error: This extension cannot be installed because the version {NEW} of this extension is not in the [allowed list]" in outcome.reason
    assert snapshot(root(laptop)) == before
    assert runs(laptop) == OLD


def test_a_gallery_that_is_not_there(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    by_hand(laptop, NEW)
    before = snapshot(root(laptop))
    plan = laptop.sealed(install(root(laptop), OLD, None))
    assert plan.changes[0].shows[-1].endswith(f"code-server --install-extension {CLAUDE}@{OLD} --force")
    _, (outcome,) = laptop.apply(plan)
    assert outcome.state == "failed"
    assert "code-server ended with 1 and did not install" in outcome.reason
    assert snapshot(root(laptop)) == before


def test_while_the_editor_runs_its_registry_and_folders_wait(laptop: Laptop) -> None:
    by_hand(laptop, NEW)
    by_hand(laptop, OLD)
    registry = root(laptop) / "extensions.json"
    registry.write_bytes(registry.read_bytes().replace(b',"pinned":true', b""))
    plan = laptop.sealed(pin(root(laptop), OLD), leftover(root(laptop), NEW))
    assert len(plan.changes) == 2
    with server(laptop) as pid:
        before = snapshot(root(laptop))
        _, outcomes = laptop.apply(plan)
        assert [(one.state, one.reason.partition(":")[0]) for one in outcomes] == [("postponed", f"close code-server first (pid {pid})")] * 2
        assert snapshot(root(laptop)) == before
        assert os.waitpid(pid, os.WNOHANG) == (0, 0)
    assert isinstance(laptop.previewed(pin(root(laptop), OLD)), Preview)
    assert states(laptop.apply(plan)[1]) == ["done", "done"]


@contextmanager
def server(laptop: Laptop) -> Iterator[int]:
    """The editor, open; its pid."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environ = {"HOME": str(laptop.home), "PATH": os.environ["PATH"]}
    with subprocess.Popen(["code-server", "--auth", "none", "--bind-addr", f"127.0.0.1:{port}"], env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        try:
            for _ in range(200):
                with socket.socket() as asked:
                    if asked.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            yield running.pid
        finally:
            running.terminate()
            running.wait(30)
