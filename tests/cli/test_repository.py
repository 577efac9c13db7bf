"""``audit --repo``: whose policy judges, what a comment excuses, what changed, what was known before."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cc_fleet.cli import main

OLD = "FROM node:22\nRUN npm install -g @anthropic-ai/claude-code@2.1.17\n"
NONE = "FROM node:22\nRUN npm install -g @anthropic-ai/claude-code\n"
STRICT = 'policy: given\ncli: {versions: ">=2.1.163"}\n'


@pytest.fixture(autouse=True)
def _no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_ACTIONS", "CC_FLEET_POLICY", "GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    return folder


def git(folder: Path, *arguments: str) -> str:
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_DATE": "2026-11-24T12:00:00Z", "GIT_COMMITTER_DATE": "2026-11-24T12:00:00Z"}
    command = ["git", "-c", "user.name=ada", "-c", "user.email=ada@example.com", "-c", "init.defaultBranch=main", *arguments]
    return subprocess.run(command, cwd=folder, env=environ, check=True, capture_output=True, text=True).stdout


def committed(folder: Path, message: str) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", message)


def audit(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str], dict[str, Any]]:
    """The exit code, the findings that count as ``check place``, and the whole report."""
    code = main(["audit", "--format", "json", *arguments])
    out = capsys.readouterr().out
    report = json.loads(out) if out else {}
    told = [f"{f['check']} {f['place']['file']}:{f['place']['line']}" for f in report.get("findings", ()) if f["waived"] is None and f["because"] is None and f["check"] != "known-issue"]
    return code, told, report


def waived(report: dict[str, Any]) -> list[tuple[str, str]]:
    return [(f["check"], f["waived"]["reason"]) for f in report["findings"] if f["waived"]]


@pytest.mark.parametrize(("comment", "excused"), [
    ("# cc-fleet: ignore[cli-unpinned] the base image pins it\n", True),
    ("# cc-fleet: ignore[cli-version, cli-unpinned] both until=2099-12-31\n", True),
    ("# cc-fleet: ignore[cli-unpinned] old until=2020-01-01\n", False),
    ("# cc-fleet: ignore[cli-unpinned]\n", False),
    ("# cc-fleet: ignore[cli-unpined] a slip\n", False),
    ("# cc-fleet: ignore[] nothing\n", False),
    ("# cc-fleet: ignore[unreadable] no\n", False),
    ("# cc-fleet: ignore[cli-unpinned] no date until=soon\n", False),
    ("# cc-fleet: ignore[action-unpinned] another\n", False),
])  # fmt: skip
def test_a_comment_excuses_the_line_below(shop: Path, capsys: pytest.CaptureFixture[str], comment: str, *, excused: bool) -> None:
    (shop / "Dockerfile").write_text(NONE.replace("RUN", f"{comment}RUN"), encoding="utf-8")
    code, told, report = audit(capsys, "--repo", str(shop))
    assert (code, "cli-unpinned Dockerfile:3" in told) == ((0, False) if excused else (1, True))
    over = [check for check in told if check.startswith("waiver")]
    assert over == ([] if excused else ["waiver-expired Dockerfile:2"] if "2020" in comment else ["waiver-unused Dockerfile:2"])
    assert bool(waived(report)) is excused
    code, told, _ = audit(capsys, "--repo", str(shop), "--no-ignore")
    assert (code, told) == (1, ["cli-unpinned Dockerfile:3"])


def test_a_comment_may_stand_on_the_line_or_where_the_version_is_used(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "a.sh").write_text("V=2.1.17\nnpm i -g @anthropic-ai/claude-code@$V # cc-fleet: ignore[cli-version] an old SDK\n", encoding="utf-8")
    (shop / "policy.yaml").write_text(STRICT, encoding="utf-8")
    code, told, report = audit(capsys, "--repo", str(shop), "--policy", str(shop / "policy.yaml"))
    assert (code, told) == (0, [])
    assert waived(report) == [("cli-version", "an old SDK")]


@pytest.mark.parametrize(("exceptions", "why"), [
    ("{inline: [cli-version]}", "the policy's exceptions.inline lets no comment excuse cli-unpinned"),
    ("{inline: []}", "the policy's exceptions.inline lets no comment excuse cli-unpinned"),
    ("{max-days: 30}", "exceptions.max-days asks for an end; write until=20"),
])  # fmt: skip
def test_a_policy_bounds_what_comments_may(shop: Path, capsys: pytest.CaptureFixture[str], exceptions: str, why: str) -> None:
    (shop / "Dockerfile").write_text(NONE.replace("RUN", "# cc-fleet: ignore[cli-unpinned] so\nRUN"), encoding="utf-8")
    (shop / "policy.yaml").write_text(f"policy: given\nexceptions: {exceptions}\n", encoding="utf-8")
    code, told, report = audit(capsys, "--repo", str(shop), "--policy", str(shop / "policy.yaml"))
    assert (code, told) == (1, ["cli-unpinned Dockerfile:3", "waiver-unused Dockerfile:2"])
    assert why in next(f["message"] for f in report["findings"] if f["check"] == "waiver-unused")


def test_ignores_travel_in_facts(shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from cc_fleet import repo
    from cc_fleet.host import document

    (shop / "Dockerfile").write_text(NONE.replace("RUN", "# cc-fleet: ignore[cli-unpinned] so\nRUN"), encoding="utf-8")
    (tmp_path / "facts.json").write_text(json.dumps(document.dump(repo.collect(str(shop)))), encoding="utf-8")
    assert audit(capsys, "--facts", str(tmp_path / "facts.json"))[:2] == (0, [])


def test_the_repository_policy_alone_judges(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "Dockerfile").write_text(OLD, encoding="utf-8")
    assert audit(capsys, "--repo", str(shop))[:2] == (0, [])
    (shop / ".cc-fleet.yaml").write_text('policy: own\ncli: {versions: ">=2.1.163"}\n', encoding="utf-8")
    code, told, report = audit(capsys, "--repo", str(shop))
    assert (code, told, report["policy"]["name"]) == (1, ["cli-version Dockerfile:2"], "own")


def test_with_a_policy_given_it_only_tightens(shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = tmp_path / "given.yaml"
    given.write_text(STRICT, encoding="utf-8")
    (shop / "Dockerfile").write_text(OLD, encoding="utf-8")
    relaxed = "policy: own\nseverity: {cli-version: ignore}\nwaivers: [{check: cli-version, until: 2099-12-31, reason: mine}]\nexceptions: {inline: [cli-version]}\n"
    (shop / ".cc-fleet.yaml").write_text(relaxed, encoding="utf-8")
    code, told, report = audit(capsys, "--repo", str(shop), "--policy", str(given))
    assert code == 1
    assert "cli-version Dockerfile:2" in told
    assert report["policy"]["name"] == "given and own"
    (shop / ".cc-fleet.yaml").write_text('policy: own\ncli: {versions: ">=2.1.200"}\n', encoding="utf-8")
    (shop / "Dockerfile").write_text(OLD.replace("2.1.17", "2.1.170"), encoding="utf-8")
    assert audit(capsys, "--repo", str(shop), "--policy", str(given))[:2] == (1, ["cli-version Dockerfile:2"])


@pytest.mark.parametrize(("policy", "error"), [
    ("policy: own\nextends: [../given.yaml]\n", "outside of the repository"),
    ("policy: own\nextends: [/etc/given.yaml]\n", "outside of the repository"),
    ("policy: own\nextends: [link.yaml]\n", "no such file in the repository"),
    ("policy: own\nadvisories: [./more]\n", "cannot bring advisories"),
    ("policy: own\nno-such-key: 1\n", ".cc-fleet.yaml:2:1"),
    ("policy: [\n", ".cc-fleet.yaml:2:1"),
])  # fmt: skip
def test_a_hostile_repository_policy_reads_nothing_outside(shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], policy: str, error: str) -> None:
    (tmp_path / "given.yaml").write_text("policy: secret\ncontact: hunter2\n", encoding="utf-8")
    (shop / "link.yaml").symlink_to("../given.yaml")
    (shop / "Dockerfile").write_text(OLD, encoding="utf-8")
    (shop / ".cc-fleet.yaml").write_text(policy, encoding="utf-8")
    assert main(["audit", "--repo", str(shop)]) == 2
    told = capsys.readouterr()
    assert error in told.err
    assert "hunter2" not in told.err + told.out


def test_a_policy_of_a_revision_cannot_be_relaxed_by_a_change(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / ".cc-fleet.yaml").write_text("policy: own\nextends: [base.yaml]\n", encoding="utf-8")
    (shop / "base.yaml").write_text('policy: base\ncli: {versions: ">=2.1.163"}\n', encoding="utf-8")
    git(shop, "init", "-q")
    committed(shop, "policy")
    (shop / "Dockerfile").write_text(OLD, encoding="utf-8")
    (shop / "base.yaml").write_text("policy: base\n", encoding="utf-8")
    committed(shop, "relaxed")
    assert audit(capsys, "--repo", str(shop))[0] == 0
    assert audit(capsys, "--repo", str(shop), "--policy-ref", "HEAD~1")[:2] == (1, ["cli-version Dockerfile:2"])
    assert main(["audit", "--repo", str(shop), "--policy-ref", "no-such"]) == 2
    assert "git knows no such commit" in capsys.readouterr().err
    assert main(["audit", "--repo", str(shop), "--policy-ref=--upload-pack=touch x"]) == 2


def test_only_what_changed_is_told(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git(shop, "init", "-q")
    (shop / "Dockerfile").write_text(NONE, encoding="utf-8")
    (shop / "old.sh").write_text("npm i -g @anthropic-ai/claude-code\n", encoding="utf-8")
    (shop / "broken.json").write_text("{", encoding="utf-8")
    committed(shop, "old")
    git(shop, "checkout", "-qb", "topic")
    (shop / "new.sh").write_text("npm i -g @anthropic-ai/claude-code\n", encoding="utf-8")
    committed(shop, "new")
    git(shop, "checkout", "-q", "main")
    (shop / "old.sh").write_text("npm i -g @anthropic-ai/claude-code # moved on\n", encoding="utf-8")
    committed(shop, "main moved on")
    git(shop, "checkout", "-q", "topic")
    assert audit(capsys, "--repo", str(shop), "--changed-since", "main")[:2] == (1, ["cli-unpinned new.sh:1"])
    (shop / "Dockerfile").write_text(NONE + "# touched\n", encoding="utf-8")
    (shop / "untracked.sh").write_text("npm i -g @anthropic-ai/claude-code\n", encoding="utf-8")
    assert audit(capsys, "--repo", str(shop), "--changed-since", "main")[1] == ["cli-unpinned Dockerfile:2", "cli-unpinned new.sh:1", "cli-unpinned untracked.sh:1"]
    assert audit(capsys, "--repo", str(shop), "--changed-since", "HEAD")[1] == ["cli-unpinned Dockerfile:2", "cli-unpinned untracked.sh:1"]
    git(shop, "add", "-A")
    git(shop, "commit", "-qm", "all")
    assert audit(capsys, "--repo", str(shop), "--changed-since", "HEAD")[0] == 0


def test_a_filter_of_the_repository_does_not_run(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git(shop, "init", "-q")
    (shop / "Dockerfile").write_text(NONE, encoding="utf-8")
    committed(shop, "old")
    mark = shop / "ran"
    for name in ("core.fsmonitor", "filter.x.clean", "filter.x.smudge", "diff.external", "core.hooksPath", "core.pager", "alias.ls-files"):
        git(shop, "config", name, f"sh -c 'touch {mark}'")
    (shop / ".gitattributes").write_text("* filter=x diff=x\n", encoding="utf-8")
    (shop / "Dockerfile").write_text(NONE + "#\n", encoding="utf-8")
    audit(capsys, "--repo", str(shop), "--changed-since", "HEAD", "--policy-ref", "HEAD")
    assert not mark.exists()


def test_a_baseline_lets_only_new_findings_fail(shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    known = tmp_path / "known.json"
    (shop / "Dockerfile").write_text(NONE, encoding="utf-8")
    assert main(["audit", "-q", "--repo", str(shop), "--baseline", str(known)]) == 2
    assert "--write-baseline all makes it" in capsys.readouterr().err
    assert audit(capsys, "--repo", str(shop), "--baseline", str(known), "--write-baseline", "all")[:2] == (0, [])
    first = known.read_text(encoding="utf-8")
    assert '"check": "cli-unpinned", "target": "", "file": "Dockerfile"' in first
    (shop / "Dockerfile").write_text("FROM node:22\n\n\n" + NONE.partition("\n")[2], encoding="utf-8")  # it moves
    code, told, report = audit(capsys, "--repo", str(shop), "--baseline", str(known))
    assert (code, told, waived(report)) == (0, [], [("cli-unpinned", "in the baseline")])
    (shop / "a.sh").write_text("npm i -g @anthropic-ai/claude-code\n", encoding="utf-8")
    assert audit(capsys, "--repo", str(shop), "--baseline", str(known), "--write-baseline", "prune")[:2] == (1, ["cli-unpinned a.sh:1"])
    assert known.read_text(encoding="utf-8") == first  # what is new is not taken up
    (shop / "Dockerfile").write_text("FROM node:22\n", encoding="utf-8")
    assert main(["audit", "-q", "--repo", str(shop), "--baseline", str(known)]) == 1
    assert "1 of 1" in capsys.readouterr().err
    assert audit(capsys, "--repo", str(shop), "--baseline", str(known), "--write-baseline", "prune")[1] == ["cli-unpinned a.sh:1"]
    assert json.loads(known.read_text(encoding="utf-8"))["findings"] == []


@pytest.mark.parametrize(("text", "error"), [
    ("{", "known.json:1: is not JSON"), ("[]", "no baseline of cc-fleet"), ('{"schema": "cc-fleet/baseline/9"}', "cc-fleet/baseline/9 is not"),
    ('{"schema": "cc-fleet/baseline/1", "findings": [1]}', "findings: expected"), ("[" * 100_000, "nested"),
])  # fmt: skip
def test_a_malformed_baseline_is_an_input_error(shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, error: str) -> None:
    (tmp_path / "known.json").write_text(text, encoding="utf-8")
    (shop / "Dockerfile").write_text(NONE, encoding="utf-8")
    assert main(["audit", "--repo", str(shop), "--baseline", str(tmp_path / "known.json")]) == 2
    assert error in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--policy-ref", "x"], ["--changed-since", "x"], ["--no-ignore"], ["--write-baseline", "all"]])
def test_options_that_speak_of_nothing_are_refused(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert main(["audit", *arguments]) == 2
    assert "as well" in capsys.readouterr().err


def test_two_repositories_of_one_name_are_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        (tmp_path / name / "shop").mkdir(parents=True)
        (tmp_path / name / "shop" / "Dockerfile").write_text(NONE, encoding="utf-8")
    _, told, report = audit(capsys, "--repo", str(tmp_path / "a" / "shop"), "--repo", str(tmp_path / "b" / "shop"))
    assert len(told) == 2
    assert [target["name"] for target in report["targets"]] == ["shop", f"shop ({tmp_path / 'b' / 'shop'})"]
    assert audit(capsys, "--repo", str(tmp_path / "a"), "--repo", str(tmp_path / "b" / "shop"))[0] == 1


def test_an_empty_folder_has_nothing(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit(capsys, "--repo", str(shop))[0] == 3
    assert audit(capsys, "--repo", str(shop), "--if-nothing", "pass")[0] == 0
    assert main(["audit", "--repo", str(shop / "none")]) == 2
