"""What the Dockerfile of an image should say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cc_fleet import checks
from cc_fleet.cli import main
from cc_fleet.model import Finding, Fix, Place, Problem
from cc_fleet.plan import image
from tests import case

BASE = {"line": "ADD rootfs /", "files": {"/etc/passwd": "root:x:0:0:root:/root:/bin/sh\n"}}
NPM = "RUN npm install -g @anthropic-ai/claude-code"
RULES = 'policy: case\ncli: {versions: ">=2.1.163"}\n'


def planned(tmp: Path, lines: list[dict[str, Any]], policy: str = RULES, config: dict[str, Any] | None = None) -> list[str]:
    told = {"image": [BASE, *lines], "policy": policy, "config": config or {}}
    loaded = case.policy(told, tmp)
    target = case.target(told, tmp, loaded)
    return image.lines([loaded.policy], target, checks.judge(loaded.policy, (), [target], "2026-11-23"))[1:]


def test_nothing_is_to_be_said_of_an_image_that_is_right(tmp_path: Path) -> None:
    assert planned(tmp_path, [{"line": f"{NPM}@2.1.330", "npm": {"/usr/local": "2.1.330"}}]) == []


def test_a_refused_version_becomes_the_nearest_that_is_allowed(tmp_path: Path) -> None:
    assert planned(tmp_path, [{"line": f"{NPM}@2.1.17", "npm": {"/usr/local": "2.1.17"}}]) == [
        "", f"# instead of layer 2: {NPM}@2.1.17", "# Claude Code 2.1.17 is outside >=2.1.163", f"{NPM}@2.1.163",
    ]  # fmt: skip


def test_a_line_without_a_version_gets_the_one_that_is_there(tmp_path: Path) -> None:
    assert planned(tmp_path, [{"line": NPM, "npm": {"/usr/local": "2.1.200"}}])[-1] == f"{NPM}@2.1.200"


def test_a_line_without_a_version_and_what_it_brought_are_one_line(tmp_path: Path) -> None:
    told = planned(tmp_path, [{"line": NPM, "npm": {"/usr/local": "2.1.17"}}])
    assert [line for line in told if not line.startswith("#")] == ["", f"{NPM}@2.1.330"]


def test_a_copy_that_is_refused_and_broken_is_installed_once(tmp_path: Path) -> None:
    broken = {"/usr/local/lib/node_modules/@anthropic-ai/claude-code/package.json": '{"version": "2.1.130", "bin": {"claude": "bin/claude.exe"}}'}
    told = planned(tmp_path, [{"line": f"{NPM}@2.1.130", "files": broken}])
    assert [line for line in told if line and not line.startswith("#")] == [f"{NPM}@2.1.163"]
    assert [line for line in told if "cannot run" in line]


def test_the_policys_install_comes_first(tmp_path: Path) -> None:
    told = planned(tmp_path, [{"line": f"{NPM}@2.1.17", "npm": {"/usr/local": "2.1.17"}}], RULES.replace("}", ', install: "2.1.330"}'))
    assert told[-1] == f"{NPM}@2.1.330"


def test_variables_and_managed_settings(tmp_path: Path) -> None:
    policy = 'policy: case\nenv: {DISABLE_TELEMETRY: "1", DISABLE_AUTOUPDATER: {value: "1", locked: true}, CLAUDE_CODE_EFFORT_LEVEL: low}\n'
    told = planned(tmp_path, [{"line": f"{NPM}@2.1.330", "npm": {"/usr/local": "2.1.330"}}], policy, {"Env": ["CLAUDE_CODE_EFFORT_LEVEL=high"]})
    assert told == [
        "", "# in addition",
        '# DISABLE_TELEMETRY is not set, and should be "1"',
        '# DISABLE_AUTOUPDATER is not set, and should be "1": set DISABLE_AUTOUPDATER to "1" in the "env" of /etc/claude-code/managed-settings.json, by `COPY managed-settings.json /etc/claude-code/`',
        "ENV DISABLE_TELEMETRY=1", "COPY managed-settings.json /etc/claude-code/",
        "", "# instead of: ENV CLAUDE_CODE_EFFORT_LEVEL=high", '# CLAUDE_CODE_EFFORT_LEVEL is "high", and should be "low"', "ENV CLAUDE_CODE_EFFORT_LEVEL=low",
    ]  # fmt: skip


def test_a_credential_is_revoked_and_never_shown(tmp_path: Path) -> None:
    key = "sk-ant-api03-abcdefghijkl"
    told = planned(tmp_path, [{"line": f"ENV ANTHROPIC_API_KEY={key}"}], config={"Env": [f"ANTHROPIC_API_KEY={key}"]})
    assert told[1] == "# instead of line 2 of the history: ENV ANTHROPIC_API_KEY=«redacted»"
    assert "revoke it" in told[2]
    assert key not in "\n".join(told)
    assert all(line.startswith("#") or not line for line in told)


def test_what_should_not_be_there_goes_in_the_run_that_brings_it(tmp_path: Path) -> None:
    told = planned(tmp_path, [{"line": "RUN claude --help", "files": {"/root/.claude.json": '{"userID": "x"}'}}])
    assert told[1] == "# instead of layer 2: RUN claude --help"
    assert "rm -f /root/.claude.json" in told[2]
    assert all(line.startswith("#") or not line for line in told)


def test_a_plan_is_the_same_every_time_and_each_line_is_one(tmp_path: Path) -> None:
    lines = [{"line": f"{NPM}@2.1.17\nRUN evil", "npm": {"/usr/lo\ncal": "2.1.17", "/usr/local": "2.1.19"}}]
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    told = planned(tmp_path / "a", lines)
    assert told == planned(tmp_path / "b", lines)
    assert all(line.isprintable() for line in told)
    assert not any(line.startswith("RUN evil") for line in told)


def test_no_name_and_no_message_begins_a_line_of_its_own(tmp_path: Path) -> None:
    told = {"image": [BASE], "policy": RULES}
    loaded = case.policy(told, tmp_path)
    target = case.target(told, tmp_path, loaded)._replace(name="x\nRUN evil")
    place = Place("/a\nRUN evil", 1, None, "b\nRUN evil")
    findings = [Finding("settings-invalid", "error", target.name, Problem("x", "is\nRUN evil", place, Fix("you", "do\rRUN evil")), "0")]
    assert image.lines([loaded.policy], target, findings) == [
        r"# What the Dockerfile of x\nRUN evil should say", "", "# in addition", r"# is\nRUN evil: do\rRUN evil",
    ]  # fmt: skip


def saved(tmp: Path, lines: list[dict[str, Any]]) -> str:
    root = tmp / "image"
    root.mkdir()
    (tmp / "policy.yaml").write_text(RULES, encoding="utf-8")
    return str(case.saved({"image": [BASE, *lines]}, root))


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, policy = saved(tmp_path, [{"line": f"{NPM}@2.1.17", "npm": {"/usr/local": "2.1.17"}}]), str(tmp_path / "policy.yaml")
    assert main(["plan", "--image", file, "--policy", policy, "--no-cache"]) == 0
    assert capsys.readouterr().out.startswith("# What the Dockerfile of case:1 should say\n\n# instead of layer 2: ")
    assert main(["plan", "--image", file, "--policy", policy, "--no-cache", "--detailed-exitcode", "--out", str(tmp_path / "out")]) == 1
    assert (tmp_path / "out").read_text(encoding="utf-8").endswith(f"\n{NPM}@2.1.163\n")


def test_a_damaged_image_is_no_plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = Path(saved(tmp_path, [{"line": f"{NPM}@2.1.330", "npm": {"/usr/local": "2.1.330"}}]))
    file.write_bytes(file.read_bytes()[:6000])
    assert main(["plan", "--image", str(file), "--policy", str(tmp_path / "policy.yaml"), "--no-cache"]) == 4
    assert capsys.readouterr().err.startswith("# not read: ")


@pytest.mark.parametrize(("args", "told"), [
    (["--repo", ".", "--image", "x"], "--repo and --image are two targets; give one"), (["--verify"], "--verify is about images"), (["--repo", ".", "--verify"], "--verify is about images"),
    (["--image", "x", "--no-ignore"], "--no-ignore is about repositories"), (["--image", "/nowhere"], "no such file"),
])  # fmt: skip
def test_what_the_command_refuses(args: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", *args]) == 2
    assert told in capsys.readouterr().err
