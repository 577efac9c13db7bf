"""action.yml, its steps run as a runner runs them; the install step, which needs pip, runs in tests/real."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from cc_fleet import repo
from cc_fleet.cli import demo
from tests import actions
from tests.actions import PROJECT, Ran

BAD = "FROM node:22\nRUN npm i -g @anthropic-ai/claude-code@2.1.17\n"
GOOD = "FROM node:22\nRUN npm i -g @anthropic-ai/claude-code@2.1.330\n"
STRICT = 'policy: shop\ncli: {versions: ">=2.1.163, <=2.1.330"}\n'
LAX = 'policy: shop\ncli: {versions: "*"}\nseverity: {cli-unpinned: ignore}\n'
Run = Callable[..., Ran]


def git(folder: Path, *words: str) -> str:
    environ = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"}
    for who in ("AUTHOR", "COMMITTER"):
        environ |= {f"GIT_{who}_NAME": "ada", f"GIT_{who}_EMAIL": "ada@shop.example"}
    return subprocess.run(["git", *words], cwd=folder, env=environ, check=True, capture_output=True, text=True).stdout.strip()


def committed(folder: Path, files: Mapping[str, str]) -> str:
    """A commit in ``folder`` with ``files`` as they are told, its id."""
    if not (folder / ".git").exists():
        folder.mkdir(parents=True, exist_ok=True)
        git(folder, "init", "-q", "-b", "main")
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", "one")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return tmp_path / "shop"


@pytest.fixture
def run(tmp_path: Path, shop: Path) -> Run:
    """The audit step, with the program of this checkout where the install step would have put it."""
    program = tmp_path / "temp" / "cc-fleet" / "bin"
    program.mkdir(parents=True)
    (program / "cc-fleet").write_text(f'#!/bin/sh\nPYTHONPATH="{PROJECT}" exec "{sys.executable}" -m cc_fleet "$@"\n', encoding="utf-8")
    (program / "cc-fleet").chmod(0o755)
    (program / "python").symlink_to(sys.executable)

    def ran(given: Mapping[str, str] = {}, event: Mapping[str, Any] = {}, folder: Path = shop) -> Ran:
        return actions.run(folder, tmp_path / "temp", given, event, leave=("install",))

    return ran


def pull(base: str) -> dict[str, Any]:
    return {"pull_request": {"base": {"sha": base}}}


def test_a_bad_pin_fails_at_its_line(shop: Path, run: Run) -> None:
    committed(shop, {"Dockerfile": BAD, ".cc-fleet.yaml": STRICT})
    ran = run({"sarif": "reports/cc-fleet.sarif"})
    assert ran.code == 1
    assert re.search(r"^::error file=Dockerfile,line=2,.*title=cli-version", ran.log, re.MULTILINE)
    assert "Dockerfile" in ran.summary
    assert ran.outputs == {"exit-code": "1", "findings": "1", "sarif": "reports/cc-fleet.sarif"}
    (told,) = json.loads((shop / "reports/cc-fleet.sarif").read_text(encoding="utf-8"))["runs"]
    assert told["results"][0]["ruleId"] == "cli-version"  # its consequences follow


def test_a_good_pin_passes(shop: Path, run: Run) -> None:
    committed(shop, {"Dockerfile": GOOD, ".cc-fleet.yaml": STRICT})
    ran = run()
    assert (ran.code, ran.outputs) == (0, {"exit-code": "0", "findings": "0", "sarif": ""})
    assert "::error" not in ran.log


def test_nothing_of_claude_code_passes_unless_it_is_told_to_fail(shop: Path, run: Run) -> None:
    committed(shop, {"README.md": "a shop\n"})
    assert run().code == 0
    ran = run({"if-nothing": "fail"})
    assert (ran.code, ran.outputs["exit-code"]) == (3, "3")


def test_a_pull_request_cannot_relax_its_own_policy(shop: Path, run: Run) -> None:
    base = committed(shop, {"Dockerfile": GOOD, ".cc-fleet.yaml": STRICT})
    committed(shop, {"Dockerfile": BAD, ".cc-fleet.yaml": LAX})
    assert run({"policy-ref": ""}).code == 0  # what the pull request would like
    assert run({}, pull(base)).code == 1
    assert run({}, {"merge_group": {"base_sha": base}}).code == 1
    assert run({"policy-ref": "HEAD~1"}).code == 1


def test_nor_a_policy_that_is_named(shop: Path, run: Run, tmp_path: Path) -> None:
    base = committed(shop, {"Dockerfile": BAD, "ci/strict.yaml": "policy: a\nextends: [../base.yaml]\n", "base.yaml": STRICT})
    committed(shop, {"ci/strict.yaml": LAX, "base.yaml": LAX, "ci/new.yaml": LAX})
    for name in ("ci/strict.yaml", "./ci/strict.yaml", f"{shop}/ci/strict.yaml", "default\nci/strict.yaml"):
        assert run({"policy": name, "policy-ref": ""}).code in (0, 1)
        assert run({"policy": name}, pull(base)).code == 1, name
    ran = run({"policy": "ci/new.yaml"}, pull(base))
    assert "::notice title=cc-fleet::policy names a file that this change brings" in ran.log
    assert "policy default (" in ran.log
    (tmp_path / "org.yaml").write_text(LAX, encoding="utf-8")
    assert run({"policy": str(tmp_path / "org.yaml")}, pull(base)).code == 0  # which no pull request reaches


def test_a_policy_of_another_checkout_in_the_workspace_is_read_as_it_is(shop: Path, run: Run) -> None:
    base = committed(shop, {"Dockerfile": BAD})
    (shop / "org").mkdir()
    (shop / "org/lax.yaml").write_text(LAX, encoding="utf-8")
    assert run({"policy": "org/lax.yaml"}, pull(base)).code == 0


def test_a_baseline_is_that_of_the_base(shop: Path, run: Run, tmp_path: Path) -> None:
    base = committed(shop, {"Dockerfile": BAD, ".cc-fleet.yaml": STRICT})
    program = tmp_path / "temp/cc-fleet/bin/cc-fleet"
    subprocess.run([program, "audit", "--repo", ".", "-q", "--baseline", "known.json", "--write-baseline", "all"], cwd=shop, check=False)
    after = committed(shop, {})
    assert run({"baseline": "known.json"}, pull(base)).code == 1
    assert run({"baseline": "known.json"}, pull(after)).code == 0
    committed(shop, {"Dockerfile": GOOD, "other.Dockerfile": BAD})
    assert run({"baseline": "known.json"}, pull(after)).code == 1


def test_the_base_is_fetched_into_a_shallow_checkout(shop: Path, run: Run, tmp_path: Path) -> None:
    base = committed(shop, {"old.Dockerfile": BAD, "Dockerfile": GOOD, ".cc-fleet.yaml": STRICT})
    committed(shop, {"Dockerfile": BAD, ".cc-fleet.yaml": LAX})
    for number, given in enumerate(({}, {"policy-ref": "main~1"}, {"policy-ref": "old"}, {"policy-ref": "origin/old"}, {"policy-ref": "gone"})):
        git(shop, "branch", "-f", "old", base)
        git(tmp_path, "clone", "-q", "--depth=1", "--branch=main", f"file://{shop}", f"clone{number}")
        clone = tmp_path / f"clone{number}"
        ran = run(given, {} if given else pull(base), folder=clone)
        if given.get("policy-ref") in ("main~1", "gone"):
            assert (ran.code, ran.outputs["exit-code"]) == (2, "2")
            assert "::error title=cc-fleet::git has no revision" in ran.log
        else:
            assert ran.code == 1, ran.log
    changed = run({"changed-since": "old", "policy-ref": "old"}, folder=tmp_path / "clone2")
    assert "file=Dockerfile,line=2" in changed.log
    assert "old.Dockerfile" not in changed.log
    assert changed.code == 1


def test_several_folders(shop: Path, run: Run) -> None:
    committed(shop, {"a/Dockerfile": GOOD, "b/Dockerfile": BAD, "c d/Dockerfile": BAD, "e/Dockerfile": BAD, "ci.yaml": STRICT})
    ran = run({"paths": "a\n  b\n\nc d\n", "policy": "ci.yaml"})
    assert ran.code == 1
    assert "::error file=b/Dockerfile,line=2" in ran.log
    assert "::error file=c d/Dockerfile,line=2" in ran.log
    assert "e/Dockerfile" not in ran.log
    assert run({"paths": "a"}).code == 0
    assert run({"paths": " \n"}).code == 2


def test_images_beside_folders_and_alone(shop: Path, run: Run) -> None:
    committed(shop, {"Dockerfile": GOOD, "ci.yaml": STRICT})
    demo.save(str(shop / "built image.tar"))
    alone = run({"paths": "", "images": "  built image.tar\n", "policy": "ci.yaml"})
    assert alone.code == 1
    assert "[secret-exposed]" in alone.log
    assert run({"policy": "ci.yaml"}).code == 0
    assert run({"images": "built image.tar", "policy": "ci.yaml"}).code == 1
    assert run({"paths": "", "images": "gone.tar"}).code == 2


HOSTILE = (
    '"; touch x #', "'; touch x #", "$(touch x)", "`touch x`", "a\ntouch x", "$(touch${IFS}x)", "--upload-pack=touch x", "-o x", "a && touch x", '\\"; touch x; "', "{x,y}", "*",
    "a\nexit-code=0", "../../../../x", "::stop-commands::x", "x[$(touch x)]", "",
)  # fmt: skip


@pytest.mark.parametrize("name", [name for name in actions.action()["inputs"] if name != "version"])
def test_no_input_is_run(name: str, shop: Path, run: Run) -> None:
    base = committed(shop, {"Dockerfile": GOOD, ".cc-fleet.yaml": STRICT})
    for text in HOSTILE:
        ran = run({"policy-ref": base, name: text})
        assert ran.code in (0, 2), (text, ran.log)
        assert ran.outputs["exit-code"] == str(ran.code), text
        there = {path.name for path in shop.iterdir()}
        assert "x" not in there, (name, text)
        if name != "sarif":
            assert there == {".git", ".cc-fleet.yaml", "Dockerfile"}, (name, text)
        assert "Traceback" not in ran.log
        git(shop, "clean", "-qfdx")


def test_scripts_hold_no_expression() -> None:
    """What a caller writes would be part of the script before the shell reads it."""
    told = actions.action()
    assert not [step["name"] for step in told["runs"]["steps"] if "${{" in step["run"]]
    given = {value for step in told["runs"]["steps"] for value in step["env"].values()}
    assert given == {f"${{{{ inputs.{name} }}}}" for name in told["inputs"]}


def test_without_python_it_says_what_to_do(shop: Path, tmp_path: Path) -> None:
    shop.mkdir()
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "bash").symlink_to(shutil.which("bash") or "/bin/bash")
    ran = actions.run(shop, tmp_path / "temp", {}, path=str(tools))
    assert ran.code == 2
    assert "needs Python 3.11 or later, and this runner has no Python; put actions/setup-python before this step" in ran.log
    (tools / "python3").write_text('#!/bin/sh\ncase "$*" in *--version*) echo Python 3.10.12;; *) exit 1;; esac\n', encoding="utf-8")
    (tools / "python3").chmod(0o755)
    ran = actions.run(shop, tmp_path / "temp", {}, path=f"{tools}")
    assert "and this runner has Python 3.10.12" in ran.log


# pre-commit


def test_the_hook_runs_when_a_file_changed_that_a_reader_wants() -> None:
    (hook,) = yaml.safe_load((PROJECT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    files = re.compile(hook["files"])
    for reader in repo.readers().values():
        for want in reader.WANTS:
            for name in (want.replace("y*ml", "yml").replace("**/", "").replace("*", "x"), want.replace("y*ml", "yaml").replace("**/", "a/b/").replace("*", "a")):
                assert files.search(name), (reader.__name__, want)  # type: ignore[attr-defined]
    for name in ("package-lock.json", "yarn.lock", "app/.env.production", "roles/x/defaults/main.yml", ".cc-fleet.yaml", ".npmrc.env"):
        assert files.search(name)
    for name in ("README.md", "src/main.py", "logo.png", "docs/index.html", "src/app.tsx"):
        assert not files.search(name)
