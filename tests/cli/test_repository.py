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
    told = [f"{f['check']} {f['place']['file']}:{f['place']['line']}" for f in report.get("findings", ()) if f["waived"] is None and f["because"] is None and f["check"] not in ("known-issue", "unreadable")]
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
    ("policy: own\nextends: [link.yaml]\n", ".cc-fleet.yaml:2:11: extends: link.yaml is a link that leads out of the repository, or to nothing"),
    ("policy: own\nextends: [folder/../../given.yaml]\n", "outside of the repository"),
    ("policy: own\nextends: [away/given.yaml]\n", "extends: away/given.yaml is a link that leads out of the repository, or to nothing"),
    ("policy: own\nextends: [none.yaml]\n", ".cc-fleet.yaml:2:11: extends: none.yaml: no such file in the repository"),
    ("policy: own\nextends: [base.yaml]\n", "base.yaml:1:11: extends: ../given.yaml is outside of the repository"),
    ("policy: own\nextends: [.git/x.yaml]\n", "extends: .git/x.yaml is git's own"),
    ("policy: own\nextends: [fifo.yaml]\n", "extends: fifo.yaml is not a regular file"),
    ("policy: own\ngroups: ../groups.csv\n", "../groups.csv is outside of the repository"),
    ("policy: own\noverlays: [{name: a, when: {}, advisories: [../x]}]\n", "cannot bring advisories"),
    ("a" * 3_000_000, "cc-fleet: .cc-fleet.yaml is larger than 1024 KiB\n"),
    ("policy: own\nadvisories: [./more]\n", "cannot bring advisories"),
    ("policy: own\nno-such-key: 1\n", ".cc-fleet.yaml:2:1"),
    ("policy: [\n", ".cc-fleet.yaml:2:1"),
])  # fmt: skip
def test_a_hostile_repository_policy_reads_nothing_outside(shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], policy: str, error: str) -> None:
    (tmp_path / "given.yaml").write_text("policy: secret\ncontact: hunter2\n", encoding="utf-8")
    (shop / "link.yaml").symlink_to("../given.yaml")
    (shop / "away").symlink_to("..")
    (shop / "base.yaml").write_text("extends: [../given.yaml]\npolicy: base\n", encoding="utf-8")
    os.mkfifo(shop / "fifo.yaml")
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


@pytest.mark.parametrize("arguments", [["--policy-ref", "x"], ["--changed-since", "x"], ["--write-baseline", "all"]])
def test_options_that_speak_of_nothing_are_refused(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert main(["audit", *arguments]) == 2
    assert "as well" in capsys.readouterr().err


STRICTER = 'policy: own\ncli: {versions: ">=2.1.163"}\n'


def test_a_folder_of_a_repository_is_judged_by_the_next_policy_above(shop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    (shop / "api" / "v1").mkdir(parents=True)
    (shop / "api" / "v1" / "Dockerfile").write_text(OLD, encoding="utf-8")
    (shop / ".cc-fleet.yaml").write_text(STRICTER, encoding="utf-8")
    monkeypatch.chdir(shop / "api" / "v1")
    assert audit(capsys, "--repo", ".")[:2] == (0, [])  # without git nothing says where a repository begins
    git(shop, "init", "-q")
    code, told, report = audit(capsys, "--repo", ".")
    assert (code, told, report["policy"]["files"], report["targets"][0]["name"]) == (1, ["cli-version Dockerfile:2"], [".cc-fleet.yaml"], "v1")
    (shop / "api" / ".cc-fleet.yaml").write_text("policy: api\nextends: [../more.yaml]\n", encoding="utf-8")
    (shop / "more.yaml").write_text("policy: more\n", encoding="utf-8")
    code, told, report = audit(capsys, "--repo", ".")
    assert (code, told, report["policy"]["files"]) == (0, [], ["api/../more.yaml", "api/.cc-fleet.yaml"])
    committed(shop, "all")
    (shop / "api" / ".cc-fleet.yaml").unlink()
    assert audit(capsys, "--repo", ".", "--policy-ref", "HEAD")[2]["policy"]["name"] == "api"
    assert audit(capsys, "--repo", str(shop / "api"), "--policy-ref", "HEAD")[1] == []
    assert audit(capsys, "--repo", str(shop), "--policy-ref", "HEAD")[1] == ["cli-version api/v1/Dockerfile:2"]


def test_what_git_keeps_is_no_repository_to_read(shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git(shop, "init", "-q")
    git(tmp_path, "init", "-q", "--bare", "bare.git")
    for folder in (tmp_path / "bare.git", shop / ".git"):
        assert main(["audit", "--repo", str(folder)]) == 2
        assert capsys.readouterr().err == f"cc-fleet: {folder}: is what git keeps of a repository, and no checkout; give a folder with its files\n"
    (shop / "a.sh").write_text("#", encoding="utf-8")
    assert main(["audit", "--repo", str(shop / "a.sh")]) == 2
    assert capsys.readouterr().err == f"cc-fleet: {shop / 'a.sh'}: is not a folder\n"
    assert audit(capsys, "--repo", str(shop))[0] == 3  # not one commit yet


def test_both_policies_are_named_with_their_digests(shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "given.yaml").write_text(STRICT, encoding="utf-8")
    (shop / ".cc-fleet.yaml").write_text(STRICTER, encoding="utf-8")
    (shop / "Dockerfile").write_text(OLD, encoding="utf-8")
    report = audit(capsys, "--repo", str(shop), "--policy", str(tmp_path / "given.yaml"))[2]
    assert [(part["name"], part["files"]) for part in report["policy"]["parts"]] == [("given", [str(tmp_path / "given.yaml")]), ("own", [".cc-fleet.yaml"])]
    one, two = (part["sha256"][:12] for part in report["policy"]["parts"])
    main(["audit", "--repo", str(shop), "--policy", str(tmp_path / "given.yaml")])
    first = capsys.readouterr().out.partition("\n")[0]
    assert first == f"policies given ({tmp_path / 'given.yaml'}; sha256 {one}) and own (.cc-fleet.yaml; sha256 {two}), {report['advisories']['count']} advisories"
    assert audit(capsys, "--repo", str(shop))[2]["policy"]["parts"] == []


def test_each_repository_by_its_own_policy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, own in (("a", STRICTER), ("b", "policy: lax\nseverity: {cli-version: note}\ncli: {versions: '>=2.1.163'}\n"), ("c", None)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "Dockerfile").write_text(OLD, encoding="utf-8")
        if own:
            (tmp_path / name / ".cc-fleet.yaml").write_text(own, encoding="utf-8")
    report = audit(capsys, *(word for name in "abc" for word in ("--repo", str(tmp_path / name))))[2]
    assert [part["name"] for part in report["policy"]["parts"]] == ["own", "lax", "default"]
    assert [(f["target"], f["severity"]) for f in report["findings"] if f["check"] == "cli-version"] == [("a", "error"), ("b", "note")]


IGNORED = "FROM node:22\n# cc-fleet: ignore[cli-version] old\nRUN npm install -g @anthropic-ai/claude-code@2.1.17\n"


@pytest.mark.parametrize(("given", "own", "expected"), [
    ("exceptions: {inline: []}", "", ["error cli-version", "note waiver-unused"]),
    ("", "exceptions: {inline: []}", ["error cli-version", "note waiver-unused"]),
    ("", "", ["waived cli-version"]),
    ("cli: {versions: '*'}", "", ["waived cli-version"]),  # of use for the own policy alone
    ("", "cli: {versions: '*'}", ["waived cli-version"]),
    ("cli: {versions: '*'}", "cli: {versions: '*'}", ["note waiver-unused"]),
    ("severity: {cli-version: note}\nexceptions: {inline: []}", "exceptions: {inline: []}", ["error cli-version", "note waiver-unused"]),
    ("exceptions: {inline: []}", "waivers: [{check: cli-version, until: 2099-01-01, reason: mine}]", ["error cli-version", "note waiver-unused"]),
])  # fmt: skip
def test_what_one_of_two_policies_lets_pass(given: str, own: str, expected: list[str], shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "Dockerfile").write_text(IGNORED, encoding="utf-8")
    for file, name, text in ((shop.parent / "given.yaml", "given", given), (shop / ".cc-fleet.yaml", "own", own)):
        range_ = "" if "versions" in text else "cli: {versions: '>=2.1.163'}\n"
        file.write_text(f"policy: {name}\n{range_}{text}\n", encoding="utf-8")
    report = audit(capsys, "--repo", str(shop), "--policy", str(shop.parent / "given.yaml"))[2]
    told = [f"{'waived' if f['waived'] else f['severity']} {f['check']}" for f in report["findings"] if f["check"] in ("cli-version", "waiver-unused")]
    assert told == expected


def test_saved_facts_may_be_judged_without_their_comments(shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from cc_fleet import repo
    from cc_fleet.host import document

    (shop / "Dockerfile").write_text(NONE.replace("RUN", "# cc-fleet: ignore[cli-unpinned] so\nRUN"), encoding="utf-8")
    (tmp_path / "facts.json").write_text(json.dumps(document.dump(repo.collect(str(shop)))), encoding="utf-8")
    assert audit(capsys, "--facts", str(tmp_path / "facts.json"), "--no-ignore")[:2] == (1, ["cli-unpinned Dockerfile:3"])
    assert audit(capsys, "--facts", str(tmp_path / "facts.json"), "--repo", str(shop))[:2] == (0, [])


# The policy of a revision


@pytest.fixture
def guarded(shop: Path) -> Path:
    """A repository whose policy, in a file of its own and committed, a change relaxes."""
    (shop / "ci").mkdir()
    (shop / "ci" / "policy.yaml").write_text(STRICT.replace("policy: given", "policy: given\nextends: [base.yaml]"), encoding="utf-8")
    (shop / "ci" / "base.yaml").write_text("policy: base\n", encoding="utf-8")
    (shop / "Dockerfile").write_text(OLD, encoding="utf-8")
    git(shop, "init", "-q")
    committed(shop, "policy")
    return shop


@pytest.mark.parametrize("how", ["file", "link", "folder", "base", "gone"])
def test_a_given_policy_inside_the_repository_is_of_the_revision_too(how: str, guarded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lax").mkdir()
    for name in ("policy.yaml", "base.yaml"):
        (tmp_path / "lax" / name).write_text("policy: lax\n", encoding="utf-8")
    ci = guarded / "ci"
    if how == "folder":
        ci.rename(tmp_path / "was")
        ci.symlink_to(tmp_path / "lax")
    else:
        file = ci / ("base.yaml" if how == "base" else "policy.yaml")
        file.unlink()
        if how == "link":
            file.symlink_to(tmp_path / "lax" / "policy.yaml")
        elif how != "gone":
            file.write_text("policy: lax\nseverity: {cli-version: ignore}\n", encoding="utf-8")
    git(guarded, "tag", "base")
    committed(guarded, "relaxed")
    expected = (1, ["cli-version Dockerfile:2"])
    assert audit(capsys, "--repo", str(guarded), "--policy", str(ci / "policy.yaml"), "--policy-ref", "base")[:2] == expected
    monkeypatch.chdir(guarded)
    assert audit(capsys, "--repo", ".", "--policy", "ci/policy.yaml", "--policy-ref", "base")[:2] == expected
    (tmp_path / "way").symlink_to(guarded)
    assert audit(capsys, "--repo", str(guarded), "--policy", str(tmp_path / "way" / "ci" / "policy.yaml"), "--policy-ref", "base")[:2] == expected
    monkeypatch.setenv("CC_FLEET_POLICY", "ci/policy.yaml")
    assert audit(capsys, "--repo", ".", "--policy-ref", "base")[:2] == expected
    assert audit(capsys, "--repo", ".", "--policy", str(tmp_path / "lax" / "policy.yaml"), "--policy-ref", "base")[1] == []  # theirs, and outside


def test_what_a_revision_does_not_have(guarded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def error(*arguments: str) -> str:
        assert main(["audit", "--repo", str(guarded), *arguments]) == 2
        return capsys.readouterr().err

    assert error("--policy-ref", "HEAD", "--policy", str(guarded / "none.yaml")) == f"cc-fleet: {guarded / 'none.yaml'}: no such file or directory\n"
    assert "is no revision" in error("--policy-ref", "")
    assert "is no revision" in error("--policy-ref", "HEAD\x1b[2J")
    assert error("--policy-ref", "origin/main") == f"cc-fleet: --policy-ref origin/main: git knows no such commit in {guarded}; `git fetch origin main` first\n"
    assert main(["audit", "--repo", str(tmp_path), "--policy-ref", "HEAD"]) == 2
    assert capsys.readouterr().err == f"cc-fleet: --policy-ref HEAD: {tmp_path} is in no git repository\n"
    (guarded / ".cc-fleet.yaml").symlink_to("ci/plain.yaml")
    (guarded / "ci" / "plain.yaml").write_text(STRICT, encoding="utf-8")
    (guarded / "ci" / "known").mkdir()
    (guarded / "ci" / "known" / "a.yaml").write_text("id: X\n", encoding="utf-8")
    (guarded / "ci" / "more.yaml").write_text("policy: more\nadvisories: [./known]\n", encoding="utf-8")
    committed(guarded, "link")
    assert error("--policy-ref", "HEAD") == "cc-fleet: --policy-ref HEAD: .cc-fleet.yaml is a link, and what it names is not looked up in a revision\n"
    assert "advisories are not read from a revision" in error("--policy-ref", "HEAD", "--policy", str(guarded / "ci" / "more.yaml"))
    assert audit(capsys, "--repo", str(guarded))[1] == ["cli-version Dockerfile:2"]  # on the disk a link inside is one


def test_a_policy_that_only_the_change_has_does_not_count(guarded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (guarded / "new.yaml").write_text("policy: lax\n", encoding="utf-8")
    given = ("--repo", str(guarded), "--policy-ref", "main", "--policy")
    assert audit(capsys, *given, str(guarded / "new.yaml"))[:2] == (0, [])  # not git's: a runner has put it there
    git(guarded, "checkout", "-qb", "topic")
    (tmp_path / "lax").mkdir()
    (tmp_path / "lax" / "policy.yaml").write_text("policy: lax\n", encoding="utf-8")
    (guarded / "theirs").symlink_to(tmp_path / "lax")
    committed(guarded, "lax")
    for name, error in (("new.yaml", "new.yaml: no such file in the repository"), ("theirs/policy.yaml", "theirs/policy.yaml: no such file in the repository")):
        assert main(["audit", *given, str(guarded / name)]) == 2
        assert error in capsys.readouterr().err


def test_a_revision_without_a_policy_has_none(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "Dockerfile").write_text(OLD, encoding="utf-8")
    git(shop, "init", "-q")
    committed(shop, "old")
    (shop / ".cc-fleet.yaml").write_text("policy: own\nseverity: {cli-unpinned: ignore}\n", encoding="utf-8")
    assert audit(capsys, "--repo", str(shop), "--policy-ref", "HEAD")[2]["policy"]["name"] == "default"


# What changed


def changed(capsys: pytest.CaptureFixture[str], folder: Path, *arguments: str) -> list[str]:
    return audit(capsys, "--repo", str(folder), "--changed-since", "HEAD", *arguments)[1]


@pytest.mark.parametrize("form", ["sha1", "sha256"])
def test_bytes_are_compared_and_not_what_git_thinks(form: str, shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git(shop, "init", "-q", f"--object-format={form}")
    (shop / "windows.sh").write_text("npm i -g @anthropic-ai/claude-code\n", encoding="utf-8")
    (shop / "scripts").mkdir()
    (shop / "scripts" / "setup").write_text("#!/bin/sh\nnpm i -g @anthropic-ai/claude-code\n", encoding="utf-8")
    (shop / "link.sh").symlink_to("scripts/setup")
    (shop / "sub").mkdir()
    (shop / "sub" / "a.sh").write_text("npm i -g @anthropic-ai/claude-code\n", encoding="utf-8")
    committed(shop, "old")
    git(shop, "update-index", "--assume-unchanged", "sub/a.sh")
    assert changed(capsys, shop) == []
    (shop / "windows.sh").write_bytes((shop / "windows.sh").read_bytes().replace(b"\n", b"\r\n"))  # a checkout on Windows
    assert changed(capsys, shop) == []
    (shop / "scripts" / "setup").write_text("#!/bin/sh\n\nnpm i -g @anthropic-ai/claude-code\n", encoding="utf-8")
    assert changed(capsys, shop) == ["cli-unpinned link.sh:3", "cli-unpinned scripts/setup:3"]
    git(shop, "checkout", "-q", ".")
    (shop / "link.sh").unlink()
    (shop / "link.sh").symlink_to("sub/a.sh")
    assert changed(capsys, shop) == ["cli-unpinned link.sh:1"]
    (shop / "sub" / "a.sh").write_text("npm i -g @anthropic-ai/claude-code #\n", encoding="utf-8")
    assert changed(capsys, shop) == ["cli-unpinned link.sh:1", "cli-unpinned sub/a.sh:1"]
    assert changed(capsys, shop / "sub") == ["cli-unpinned a.sh:1"]


def test_what_is_deleted_and_not_committed_is_no_gap(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "Dockerfile").write_text(NONE, encoding="utf-8")
    (shop / "package.json").write_text('{"dependencies": {"@anthropic-ai/claude-code": "^2.1.0"}}', encoding="utf-8")
    git(shop, "init", "-q")
    committed(shop, "old")
    (shop / "package.json").unlink()
    code, told, report = audit(capsys, "--repo", str(shop))
    assert (code, told, report["summary"]["gaps"]) == (1, ["cli-unpinned Dockerfile:2"], 0)


LOCK = '{"lockfileVersion": 3, "packages": {"": {"dependencies": {"@anthropic-ai/claude-code": "^2.1.0"}}, "node_modules/@anthropic-ai/claude-code": {"version": "%s"}}}'


def test_a_lock_that_changed_or_is_gone_concerns_its_manifest(shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "given.yaml").write_text(STRICT, encoding="utf-8")
    given = ("--policy", str(tmp_path / "given.yaml"))
    (shop / "package.json").write_text('{"dependencies": {\n"@anthropic-ai/claude-code": "^2.1.0"}}', encoding="utf-8")
    (shop / "package-lock.json").write_text(LOCK % "2.1.17", encoding="utf-8")
    git(shop, "init", "-q")
    committed(shop, "old")
    assert audit(capsys, "--repo", str(shop), *given)[0] == 1
    assert changed(capsys, shop, *given) == []
    (shop / "package-lock.json").write_text(LOCK % "2.1.18", encoding="utf-8")
    assert changed(capsys, shop, *given) == ["cli-version package.json:2"]
    (shop / "package-lock.json").unlink()
    assert changed(capsys, shop, *given) == ["cli-unpinned package.json:2"]


def test_what_is_written_in_one_file_and_used_in_another(shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "given.yaml").write_text(STRICT, encoding="utf-8")
    given = ("--policy", str(tmp_path / "given.yaml"))
    (shop / ".env").write_text("CC_VERSION=2.1.17\n", encoding="utf-8")
    (shop / "compose.yml").write_text("services:\n  a:\n    build:\n      context: .\n      args:\n        V: ${CC_VERSION}\n", encoding="utf-8")
    (shop / "Dockerfile").write_text("FROM node\nARG V\nRUN npm i -g @anthropic-ai/claude-code@$V\n", encoding="utf-8")
    git(shop, "init", "-q")
    committed(shop, "old")
    assert changed(capsys, shop, *given) == []
    (shop / "Dockerfile").write_text("FROM node\nARG V\nRUN echo && npm i -g @anthropic-ai/claude-code@$V\n", encoding="utf-8")
    assert changed(capsys, shop, *given) == ["cli-version .env:1"]
    git(shop, "checkout", "-q", ".")
    (shop / "other.sh").write_text("npm i -g @anthropic-ai/claude-code@2.1.330\n", encoding="utf-8")
    assert changed(capsys, shop, *given) == ["pins-disagree .env:1"]  # the other of the two is new


def test_gaps_and_nothing_are_of_what_changed(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git(shop, "init", "-q")
    (shop / "Dockerfile").write_text("FROM node:22\n", encoding="utf-8")
    committed(shop, "old")
    assert audit(capsys, "--repo", str(shop), "--changed-since", "HEAD")[0] == 0
    assert audit(capsys, "--repo", str(shop), "--changed-since", "HEAD", "--if-nothing", "fail")[0] == 3
    (shop / "package.json").write_text('{"dependencies": {"@anthropic-ai/claude-code": ', encoding="utf-8")
    assert audit(capsys, "--repo", str(shop), "--changed-since", "HEAD")[0] == 4
    committed(shop, "broken")
    assert audit(capsys, "--repo", str(shop), "--changed-since", "HEAD~1")[0] == 4
    code, _, report = audit(capsys, "--repo", str(shop), "--changed-since", "HEAD")
    assert (code, report["findings"], report["summary"]["gaps"]) == (0, [], 0)


def test_a_consequence_whose_cause_did_not_change_counts_by_itself(shop: Path) -> None:
    from cc_fleet import repo
    from cc_fleet.cli._repository import _only_changed
    from cc_fleet.model import Finding, Place, Problem
    from cc_fleet.report import About, Report

    git(shop, "init", "-q")
    (shop / "old.sh").write_text(OLD, encoding="utf-8")
    committed(shop, "old")
    cause = Finding("cli-version", "error", "shop", Problem("cli", "m", Place("old.sh", 1)), "a" * 64)
    follows = Finding("known-issue", "note", "shop", Problem("X", "m", Place("new.sh", 1), because=cause.fingerprint), "b" * 64)
    target = repo.collect(str(shop))

    def told() -> list[tuple[str, str | None]]:
        report = _only_changed(Report(About("p", (), "", 0, ""), "", (target,), (cause, follows)), target, str(shop), "HEAD")
        return [(finding.check, finding.problem.because) for finding in report.findings]

    assert told() == [("known-issue", None)]
    (shop / "old.sh").write_text(NONE, encoding="utf-8")
    assert told() == [("cli-version", None), ("known-issue", cause.fingerprint)]


def test_a_shallow_clone_says_what_to_fetch(shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git(shop, "init", "-q")
    for number in range(3):
        (shop / "Dockerfile").write_text(NONE + "#" * number, encoding="utf-8")
        committed(shop, str(number))
    git(shop, "checkout", "-qb", "topic", "HEAD~1")
    (shop / "a.sh").write_text("npm i -g @anthropic-ai/claude-code\n", encoding="utf-8")
    committed(shop, "topic")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", "--depth=1", "--branch=topic", f"file://{shop}", str(clone))
    assert main(["audit", "--repo", str(clone), "--changed-since", "origin/main"]) == 2
    assert capsys.readouterr().err == f"cc-fleet: --changed-since origin/main: git knows no such commit in {clone}; the clone is shallow; `git fetch origin main` first\n"
    git(clone, "fetch", "-q", "--depth=1", "origin", "main:refs/remotes/origin/main")
    told = ["cli-unpinned Dockerfile:2", "cli-unpinned a.sh:1"]  # main has another Dockerfile, and who changed it cannot be told
    assert audit(capsys, "--repo", str(clone), "--changed-since", "origin/main")[1] == told
    git(clone, "fetch", "-q", "--unshallow", "origin", "main")
    assert audit(capsys, "--repo", str(clone), "--changed-since", "origin/main")[1] == ["cli-unpinned a.sh:1"]


def test_histories_that_never_met(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "Dockerfile").write_text(NONE, encoding="utf-8")
    git(shop, "init", "-q")
    committed(shop, "one")
    git(shop, "checkout", "-q", "--orphan", "other")
    (shop / "a.sh").write_text("npm i -g @anthropic-ai/claude-code\n", encoding="utf-8")
    committed(shop, "two")
    assert audit(capsys, "--repo", str(shop), "--changed-since", "main")[1] == ["cli-unpinned a.sh:1"]


def test_nothing_is_fetched_and_nothing_run(shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "Dockerfile").write_text(NONE, encoding="utf-8")
    (shop / ".cc-fleet.yaml").write_text(STRICTER, encoding="utf-8")
    git(shop, "init", "-q")
    committed(shop, "old")
    mark = tmp_path / "ran"
    blob = git(shop, "rev-parse", "HEAD:.cc-fleet.yaml").strip()
    (shop / ".git" / "objects" / blob[:2] / blob[2:]).unlink()  # a clone that left it out, and says from where it comes
    for name, value in (("remote.origin.url", "ssh://example.invalid/x"), ("remote.origin.promisor", "true"), ("core.sshCommand", f"touch {mark};"), ("extensions.partialClone", "origin"), ("core.repositoryformatversion", "1")):
        git(shop, "config", name, value)
    assert main(["audit", "--repo", str(shop), "--policy-ref", "HEAD", "--changed-since", "HEAD"]) == 2
    assert capsys.readouterr().err.startswith("cc-fleet: --policy-ref HEAD: ")
    assert not mark.exists()
    subprocess.run(["git", "cat-file", "-p", blob], cwd=shop, env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)}, check=False, capture_output=True)
    assert mark.exists()  # git by itself does


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
