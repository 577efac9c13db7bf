"""Real npm installs and a native layout: facts and findings are right for each.

The clients are installed by npm into private prefixes and never run here.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from cc_fleet import checks
from cc_fleet.client import views
from cc_fleet.host import facts
from cc_fleet.host.machine import Machine, User
from cc_fleet.host.tree import Disk
from cc_fleet.model import Install, Target
from cc_fleet.policy.load import load
from tests.real import sandbox

pytestmark = pytest.mark.real
VERSIONS = ("2.1.17", "2.1.112", "2.1.153", "2.1.330")


@pytest.fixture(autouse=True)
def _real() -> None:
    if (reason := sandbox.missing()) != "":
        assert not os.environ.get("CC_FLEET_REQUIRE_REAL"), reason
        pytest.skip(reason)


def machine(home: Path, *folders: Path, digests: bool = False) -> Target:
    """The facts of a user whose PATH is ``folders``."""
    ada = User("ada", str(home), "sh")
    environ = {"PATH": ":".join(map(str, folders))}
    return facts.collect(
        Machine(Disk(), "machine", "lab", "linux", (ada,), privileged=False, environ=environ, caller=ada, digests=digests)
    )


def copies(target: Target) -> list[Install]:
    return [install for install in target.installs if install.product == "cli"]


def found(target: Target, policy: str = "default") -> set[str]:
    """The checks that find something, waivers and gaps apart."""
    return {finding.check for finding in checks.judge(load([policy]).policy, (), [target], "2026-11-23")}


@pytest.mark.parametrize("version", VERSIONS)
def test_an_npm_install_runs_for_its_user(version: str, tmp_path: Path) -> None:
    program = sandbox.install(version)
    (copy,) = copies(machine(tmp_path, program.parent))
    assert (copy.version, copy.method, copy.active_for, copy.intact, copy.defect) == (version, "npm", ("ada",), True, None)
    assert copy.place.file.endswith("/@anthropic-ai/claude-code/package.json")
    assert copy.platform == (None if version in ("2.1.17", "2.1.112") else f"linux-{'x64' if os.uname().machine == 'x86_64' else 'arm64'}")


@pytest.mark.parametrize(("version", "outside"), [("2.1.17", True), ("2.1.112", True), ("2.1.153", True), ("2.1.330", False)])
def test_the_strict_policy_judges_its_version(version: str, outside: bool, tmp_path: Path) -> None:
    target = machine(tmp_path, sandbox.install(version).parent)
    assert ("cli-version" in found(target, "strict")) is outside
    assert "cli-unpublished" not in found(target, "strict")


def test_without_its_install_script_a_native_client_is_broken(tmp_path: Path) -> None:
    program = sandbox.install("2.1.153", scripts=False)
    (copy,) = copies(machine(tmp_path, program.parent))
    assert (copy.version, copy.intact) == ("2.1.153", False)
    assert copy.defect == "bin/claude.exe is npm's stub: the install script did not run"
    assert "cli-broken" in found(machine(tmp_path, program.parent))


def test_without_its_platform_package_it_says_so(tmp_path: Path) -> None:
    modules = sandbox.install("2.1.153", scripts=False).parent.parent
    shutil.copytree(modules, tmp_path / "node_modules", symlinks=True)
    (platform,) = (tmp_path / "node_modules/@anthropic-ai").glob("claude-code-*")
    shutil.rmtree(platform)
    (copy,) = copies(machine(tmp_path, tmp_path / "node_modules/.bin"))
    assert copy.defect == "bin/claude.exe is npm's stub: the platform package is not installed"


def test_the_first_in_path_shadows_the_other(tmp_path: Path) -> None:
    old, new = sandbox.install("2.1.17"), sandbox.install("2.1.330")
    target = machine(tmp_path, old.parent, new.parent)
    assert {(copy.version, copy.active_for) for copy in copies(target)} == {("2.1.17", ("ada",)), ("2.1.330", ())}
    assert {view.version for view in views(target)} == {"2.1.17"}
    assert "cli-shadowed" in found(target)


def test_a_native_layout_runs_what_its_link_names(tmp_path: Path) -> None:
    """The native installer's layout, with the real program; a failed download is the empty file beside it."""
    modules = sandbox.install("2.1.330").parent.parent
    store = tmp_path / ".local/share/claude/versions"
    store.mkdir(parents=True)
    program = modules / "@anthropic-ai/claude-code/bin/claude.exe"
    if program.stat().st_dev == store.stat().st_dev:
        os.link(program, store / "2.1.330")
    else:
        shutil.copy(program, store / "2.1.330")
    (store / "2.1.153").write_bytes(b"")
    (tmp_path / ".local/bin").mkdir()
    (tmp_path / ".local/bin/claude").symlink_to(store / "2.1.330")
    target = machine(tmp_path, tmp_path / ".local/bin", digests=True)
    by_version = {copy.version: copy for copy in copies(target)}
    assert by_version["2.1.330"].active_for == ("ada",)
    assert by_version["2.1.330"].method == "native"
    assert len(by_version["2.1.330"].sha256 or "") == 64
    assert (by_version["2.1.153"].active_for, by_version["2.1.153"].defect) == ((), "is empty: its download failed")


def test_the_version_that_is_read_is_the_one_that_runs(tmp_path: Path) -> None:
    """What a client says of itself to the recorder is what its files say."""
    program = sandbox.install("2.1.330")
    (copy,) = copies(machine(tmp_path, program.parent))
    assert sandbox.observe(program, sandbox.Layout()).agent.startswith(f"claude-cli/{copy.version} ")


@pytest.mark.parametrize(("version", "doctor"), [("2.1.153", False), ("2.1.205", True), ("2.1.330", True)])
def test_probing_asks_the_client_and_its_doctor(version: str, doctor: bool) -> None:
    """In the sandbox, as the client's own user: the doctor calls invalid what the audit calls so, and one thing more."""
    client = sandbox.install(version)
    layout = sandbox.Layout(
        environ={"PATH": f"{client.parent}:{sandbox._search_path()}", "PYTHONPATH": str(sandbox.PROJECT)},
        user='{"model": "opus", // a comment\n}', managed='{"availableModels": 5, "model": "opus"}',
    )  # fmt: skip
    ran = sandbox.run([sys.executable, "-m", "cc_fleet", "facts", "--probe"], layout)
    assert ran.exit_code == 0, ran.stderr
    told = json.loads(ran.stdout)
    gaps = [(gap["place"]["file"], gap["reason"]) for gap in told["gaps"]]
    assert [one["version"] for one in told["installs"] if one["active_for"]] == [version]
    assert not [gap for gap in gaps if "was asked" in gap[1] and "changed by others" not in gap[1]], gaps
    if any("changed by others" in reason for _, reason in gaps):
        assert not os.environ.get("CC_FLEET_REQUIRE_REAL"), gaps
        pytest.skip("the folder of the installed clients may be changed by others, so the program was not run")
    invalid = [gap for gap in gaps if "by `claude doctor`" in gap[1]]
    assert invalid == ([
        ("/mnt/home/.claude/settings.json", "is called invalid by `claude doctor`"),
        ("/etc/claude-code/managed-settings.json", "is called invalid at availableModels by `claude doctor`"),
    ] if doctor else [])  # fmt: skip
