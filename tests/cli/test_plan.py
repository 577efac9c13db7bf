"""``plan --repo``: a patch that git applies, and after which the audit finds nothing of what was planned."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from cc_fleet import checks, plan, repo
from cc_fleet.cli import main
from cc_fleet.policy.load import load
from cc_fleet.report import counts
from tests.repo import case

CASES = sorted((Path(__file__).parents[1] / "repo").glob("cases/*/*.yaml"))
POLICY = "policy: p\ncli: {versions: '>=2.1.163, <=2.1.330', install: 2.1.330}\n"


def git_apply(folder: Path, patch: bytes) -> None:
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1", "GIT_CEILING_DIRECTORIES": str(folder.parent)}
    done = subprocess.run(["git", "apply", "--whitespace=nowarn", "-"], cwd=folder, env=environ, input=patch, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


@pytest.fixture(autouse=True)
def _no_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CC_FLEET_POLICY", raising=False)


@pytest.mark.parametrize("file", CASES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_what_is_planned_is_put_right(file: Path, tmp_path: Path) -> None:
    told = case.read(file)
    if not told["findings"]:
        return
    (tmp_path / "policy.yaml").write_text(yaml.safe_dump({**yaml.safe_load(case.POLICY), **told.get("policy", {})}), encoding="utf-8")
    policy, shop = load([str(tmp_path / "policy.yaml")]).policy, tmp_path / "shop"
    shop.mkdir()
    case.laid_out(told, shop)

    def text(path: str) -> str:
        return (shop / path).read_bytes().decode("utf-8", "surrogateescape")

    target = repo.collect(str(shop), policy.names())
    before = checks.judge(policy, (), [target], "2026-11-24")
    edits, left = plan.edits(policy, target, before, text)
    changed = {path: plan.applied(text(path), [edit for edit in edits if edit.file == path]) for path in dict.fromkeys(edit.file for edit in edits)}
    patches = {path: plan.patch(path, text(path), after) for path, after in changed.items()}
    git_apply(shop, "".join(patch or "" for patch in patches.values()).encode("utf-8", "surrogateescape")) if any(patches.values()) else None
    for path, after in changed.items():
        assert (text(path) == after) is (patches[path] is not None)
    after_all = {(f.check, f.problem.place.file, f.problem.place.line) for f in checks.judge(policy, (), [repo.collect(str(shop), policy.names())], "2026-11-24") if counts(f)}
    planned = {(f.check, f.problem.place.file, f.problem.place.line) for f in before if counts(f) and f.check in plan.CHECKS}
    excused = {(one.place.file, one.place.line) for one in left} | {(path, line) for path in patches if patches[path] is None for _, p, line in planned if p == path}
    locks = {one.place.file for one in left if "the lock" in one.why}
    remaining = {one for one in planned & after_all if one[1:] not in excused}
    assert not remaining or locks, remaining


def test_forms_that_are_left_say_why(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.sh").write_text("npm i -g @anthropic-ai/claude-code@$1\nclaude update\nbrew install --cask claude-code\n", encoding="utf-8")
    assert main(["plan", "--repo", str(tmp_path), "--detailed-exitcode"]) == 0
    told = capfd.readouterr()
    assert told.out == ""
    assert [line.partition(": ")[2].partition(":")[0] for line in told.err.splitlines()] == ["a.sh", "a.sh", "a.sh"]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("end", ["", "end"])
def test_a_file_keeps_its_bytes(tmp_path: Path, capfd: pytest.CaptureFixture[str], newline: str, end: str) -> None:
    shop = tmp_path / "shop"
    shop.mkdir()
    body = f"\ufeff# caf\u00e9{newline}FROM node{newline}\tRUN npm i -g @anthropic-ai/claude-code@2.1.17{end and newline}"
    (shop / 'Dock "er" \u00e9.Dockerfile').write_bytes(body.encode() + b"# \xff\xfe" * bool(end))
    (tmp_path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    assert main(["plan", "--repo", str(shop), "--policy", str(tmp_path / "policy.yaml"), "--detailed-exitcode", "--out", str(tmp_path / "x.patch")]) == 1
    assert capfd.readouterr().out == ""
    git_apply(shop, (tmp_path / "x.patch").read_bytes())
    assert (shop / 'Dock "er" \u00e9.Dockerfile').read_bytes() == body.replace("2.1.17", "2.1.330").encode() + b"# \xff\xfe" * bool(end)


def test_a_secret_is_in_no_patch(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    secret = "ENV ANTHROPIC_API_KEY=sk-ant-api03-hunter2hunter2\n"
    (tmp_path / "a.Dockerfile").write_text(f"FROM x\n{secret}RUN true\nRUN npm i -g @anthropic-ai/claude-code\n", encoding="utf-8")
    (tmp_path / "b.Dockerfile").write_text(f"FROM x\n{secret}RUN npm i -g @anthropic-ai/claude-code\n", encoding="utf-8")
    main(["plan", "--repo", str(tmp_path)])
    told = capfd.readouterr()
    assert "hunter2" not in told.out + told.err
    assert "+++ b/a.Dockerfile" in told.out  # with less around it
    assert "# not changed: b.Dockerfile" in told.err


def test_the_nearest_version_is_written(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.sh").write_text("npm i -g @anthropic-ai/claude-code@2.1.19\nnpm i -g @anthropic-ai/claude-code@2.1.300\nnpm i -g @anthropic-ai/claude-code\n", encoding="utf-8")
    (tmp_path / ".cc-fleet.yaml").write_text("policy: p\nextends: [default]\ncli: {versions: '<=2.1.250'}\n", encoding="utf-8")
    assert main(["plan", "--repo", str(tmp_path)]) == 0
    added = [line.rpartition("@")[2] for line in capfd.readouterr().out.splitlines() if line.startswith("+npm")]
    assert added == ["2.1.21", "2.1.250", "2.1.250"]
