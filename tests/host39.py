"""What runs on a host, under Python 3.9 (``nox -s host``): from the source tree and from the zipapp."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import cc_fleet
from cc_fleet.host import document, facts, zipapp
from cc_fleet.host.system import under
from tests import case

PACKAGE = Path(cc_fleet.__file__).parent
# What the host program loads, told by the interpreter itself: everything that has a file.
LOADED = """
import runpy, sys
sys.argv = ["host", *sys.argv[2:]]
try:
    runpy.run_path(PROGRAM, run_name="__main__") if PROGRAM else runpy.run_module("cc_fleet.host", run_name="__main__")
except SystemExit as end:
    print("exit", end.code, file=sys.stderr)
import os
for module in list(sys.modules.values()):
    if getattr(module, "__file__", None):
        print("loaded", os.path.abspath(module.__file__), file=sys.stderr)
"""


@pytest.fixture
def python39() -> str:
    python = os.environ.get("CC_FLEET_PYTHON39")
    if not python:
        if os.environ.get("CC_FLEET_REQUIRE_REAL") == "1":
            pytest.fail("CC_FLEET_PYTHON39 is not set, and CC_FLEET_REQUIRE_REAL=1")
        pytest.skip("CC_FLEET_PYTHON39 is not set, so nothing was run under Python 3.9")
    version = subprocess.run([python, "-c", "import sys; print(sys.version_info[:2])"], capture_output=True, text=True, check=True)
    assert version.stdout == "(3, 9)\n"
    return python


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A system with something for every source."""
    folder = tmp_path / "root"
    files = {
        "/etc/hostname": "ada-laptop\n",
        "/etc/machine-id": "4f2a\n",
        "/etc/environment": "DISABLE_AUTOUPDATER=1\n",
        "/home/ada/.bashrc": "export ANTHROPIC_API_KEY=hunter2 CLAUDE_CODE_USE_BEDROCK=$(id)\n",
        "/home/ada/.claude/settings.json": '{"env": {"ANTHROPIC_BASE_URL": "https://u:p@é.example/x"}, "model": "opus"}',
        "/home/bob/.claude/settings.json": "{,}",
        "/home/ada/.claude/.credentials.json": "{}",
        "/home/ada/.claude.json": '{"autoUpdates": false}',
        "/etc/claude-code/managed-settings.d/50.json": '{"cleanupPeriodDays": 1e3}',
        "/usr/bin/claude": "#!/bin/sh",
    }
    made: dict[str, Any] = {"files": files, "npm": {"/usr/local": "2.1.330"}, "native": {"ada": ["2.1.300", "2.1.310"]}, "modes": {"/usr/bin/claude": "0755"}}
    case._system({**made, "extension": {"ada": {"version": "2.1.17", "pinned": "true", "leftover": ["2.1.19"]}}}, folder)
    return folder


def here(root: Path) -> dict[str, Any]:
    """The facts as this Python reads them."""
    found = json.loads(json.dumps(document.dump(facts.collect(under(str(root))))))
    assert isinstance(found, dict)
    assert all(found[group] for group in ("installs", "settings", "variables", "credentials", "rejected", "gaps"))
    return without_time(found)


def without_time(found: dict[str, Any]) -> dict[str, Any]:
    return {**found, "collected_at": None}


def ran(python: str, *arguments: str, path: str = "") -> subprocess.CompletedProcess[str]:
    environ = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", **({"PYTHONPATH": path} if path else {})}
    return subprocess.run([python, "-W", "error", "-B", *arguments], env=environ, capture_output=True, text=True, check=False, cwd="/", timeout=60)


@pytest.fixture
def program(tmp_path: Path) -> Path:
    zipapp.build(str(tmp_path / "host.pyz"))
    return tmp_path / "host.pyz"


def test_from_the_source_tree_the_facts_are_the_same(python39: str, root: Path) -> None:
    answer = ran(python39, "-S", "-m", "cc_fleet.host", "facts", "--root", str(root), path=str(PACKAGE.parent))
    assert (answer.returncode, answer.stderr) == (0, "")
    assert without_time(json.loads(answer.stdout)) == here(root)


def test_from_the_zipapp_the_facts_are_the_same(python39: str, root: Path, program: Path) -> None:
    answer = ran(python39, "-I", "-S", str(program), "facts", "--root", str(root))
    assert (answer.returncode, answer.stderr) == (0, "")
    assert without_time(json.loads(answer.stdout)) == here(root)


def test_the_live_machine_is_read_by_the_zipapp(python39: str, program: Path) -> None:
    answer = ran(python39, "-I", "-S", str(program), "facts")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert document.load(json.loads(answer.stdout)).kind == "machine"


@pytest.mark.parametrize("arguments", [[], ["apply-nothing"], ["apply"], ["facts", "--rot", "/"], ["facts", "--root", "/", "x"]])
def test_a_wrong_call_is_told_how_it_is_called(python39: str, program: Path, arguments: list[str]) -> None:
    answer = ran(python39, "-I", str(program), *arguments)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.lstrip().startswith("cc-fleet-host facts [--root DIR]")


def test_a_plan_is_sealed_made_and_taken_back(python39: str, root: Path, program: Path, tmp_path: Path) -> None:
    """By the zipapp, under 3.9: every kind that works below a folder is loaded by name, as plugins are."""
    settings = root / "home/bob/.claude/settings.json"
    before = settings.read_bytes()
    changes: list[dict[str, Any]] = [
        {"kind": "own-file", "what": "our file", "user": None, "args": {"file": "/etc/claude-code/managed-settings.d/50-cc-fleet.json", "content": '{"model": "opus"}'}, "phase": 0},
        {"kind": "settings", "what": "ada's", "user": "ada", "args": {"file": "/home/ada/.claude/settings.json", "set": [[["env", "DISABLE_AUTOUPDATER"], "1"]], "remove": []}, "phase": 0},
        {"kind": "settings", "what": "bob's", "user": "bob", "args": {"file": str(settings)[len(str(root)) :], "set": [[["model"], "opus"]], "remove": []}, "phase": 0},
        {"kind": "removal", "what": "a shadow", "user": None, "args": {"path": "/usr/bin/claude", "holds": "a file", "while_open": []}, "phase": 2},
    ]  # fmt: skip
    plan = {
        "schema": "cc-fleet/plan/1", "version": "x", "policy": {"name": "p", "sha256": "0"}, "target": {"name": "ada-laptop", "machine_id": "4f2a", "os": "linux", "root": True},
        "sealed": False, "left": [], "changes": [{**change, "expects": {}, "produces": {}, "shows": [], "findings": []} for change in changes],
    }  # fmt: skip
    (tmp_path / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    answer = ran(python39, "-I", "-S", str(program), "preview", str(tmp_path / "plan.json"), "--root", str(root))
    assert (answer.returncode, answer.stderr) == (0, "")
    sealed = json.loads(answer.stdout)
    assert sealed["sealed"] is True
    assert [change["what"] for change in sealed["changes"]] == ["our file", "ada's", "a shadow"]
    assert "strict JSON" in sealed["left"][0]["how"] or "ignores the whole file" in sealed["left"][0]["how"]
    (tmp_path / "plan.json").write_text(answer.stdout, encoding="utf-8")
    answer = ran(python39, "-I", "-S", str(program), "apply", str(tmp_path / "plan.json"), "--root", str(root))
    assert (answer.returncode, answer.stderr) == (0, "")
    assert [one["state"] for one in json.loads(answer.stdout)["outcomes"]] == ["done"] * 3
    assert json.loads((root / "home/ada/.claude/settings.json").read_text())["env"]["DISABLE_AUTOUPDATER"] == "1"
    answer = ran(python39, "-I", "-S", str(program), "rollback", "--root", str(root))
    assert (answer.returncode, answer.stderr) == (0, "")
    assert [one["state"] for one in json.loads(answer.stdout)["outcomes"]] == ["undone"] * 3
    assert (root / "usr/bin/claude").read_text() == "#!/bin/sh"
    assert settings.read_bytes() == before


def test_a_root_that_is_not_there_is_an_error(python39: str, program: Path, tmp_path: Path) -> None:
    answer = ran(python39, "-I", str(program), "facts", "--root", str(tmp_path / "nothing"))
    assert answer.returncode == 2
    assert answer.stderr.count("\n") == 1


@pytest.mark.parametrize("zipped", [True, False])
def test_nothing_outside_of_the_standard_library_is_loaded(python39: str, root: Path, program: Path, zipped: bool) -> None:
    code = f"PROGRAM = {str(program) if zipped else ''!r}\n{LOADED}"
    answer = ran(python39, "-c", code, "x", "facts", "--root", str(root), path="" if zipped else str(PACKAGE.parent))
    loaded = [line.removeprefix("loaded ") for line in answer.stderr.splitlines() if line.startswith("loaded ")]
    library = subprocess.run([python39, "-c", "import os; print(os.path.dirname(os.path.abspath(os.__file__)))"], capture_output=True, text=True, check=True).stdout.strip()
    ours = [path for path in loaded if not path.startswith(f"{library}/") or "site-packages" in path]
    assert any(path.endswith("cc_fleet/model.py") for path in ours)
    inside = (f"{program}/cc_fleet/", f"{program}/__main__.py") if zipped else (f"{PACKAGE}/host/", f"{PACKAGE}/model.py", f"{PACKAGE}/records.py", f"{PACKAGE}/__init__.py")
    assert [path for path in ours if not path.startswith(inside)] == []


def test_the_same_source_gives_the_same_bytes(tmp_path: Path, program: Path) -> None:
    """From copies at other paths, with other times, modes and left-overs of compilers, by either Python."""
    built = [program.read_bytes()]
    for number, python in enumerate([sys.executable, os.environ.get("CC_FLEET_PYTHON39") or sys.executable]):
        copy = tmp_path / f"copy {number}" / "deeper"
        shutil.copytree(PACKAGE, copy / "cc_fleet", ignore=shutil.ignore_patterns("__pycache__"))
        (copy / "cc_fleet/host/__pycache__").mkdir()
        (copy / "cc_fleet/host/__pycache__/tree.cpython-39.pyc").write_bytes(os.urandom(9))
        for file in copy.rglob("*.py"):
            os.utime(file, (10**9 + number, 10**9 + number))
            file.chmod(0o600 + number)
        target = tmp_path / f"{number}.pyz"
        environ = {"PYTHONPATH": str(copy), "PATH": "/bin", "TZ": f"UTC{number}"}
        subprocess.run([python, "-B", "-m", "cc_fleet.host.zipapp", str(target)], env=environ, cwd=tmp_path, check=True, umask=0o077)
        assert os.access(target, os.X_OK)
        built.append(target.read_bytes())
    assert built[0] == built[1] == built[2]
    assert built[0].startswith(b"#!/usr/bin/env python3\n")
