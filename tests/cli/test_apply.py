"""plan, apply and rollback of a system below a folder, as a person types them."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cc_fleet import __version__
from cc_fleet.cli import main

PROJECT = Path(__file__).resolve().parents[2]
FLAG = "CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS"
DROP_IN = "etc/claude-code/managed-settings.d/50-cc-fleet.json"
POLICY = f'policy: acme\ncli: {{versions: ">=2.1.163"}}\nenv: {{{FLAG}: "1"}}\neditor-settings: {{extensions.autoUpdate: false}}\n'


@pytest.fixture
def laptop(tmp_path: Path) -> Path:
    root = tmp_path / "laptop"
    files = {
        "etc/passwd": "ada:x:1000:1000::/home/ada:/bin/bash\n",
        "etc/hostname": "ada-laptop\n",
        "home/ada/.claude/settings.json": '{"env": {"ANTHROPIC_API_KEY": "sk-ant-secret-of-ada"}}\n',
        "home/ada/.config/Code/User/settings.json": '{\n  // how I like it\n  "editor.fontSize": 13,\n}\n',
        "home/ada/.vscode/extensions/extensions.json": '[{"identifier": {"id": "anthropic.claude-code"}, "version": "2.1.330", "relativeLocation": "anthropic.claude-code-2.1.330", "metadata": {"pinned": true}}]\n',
        "home/ada/.vscode/extensions/anthropic.claude-code-2.1.330/package.json": "{}\n",
        "home/ada/.local/share/claude/versions/2.1.330": "\x7fELF",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "home/ada/.claude/settings.json").chmod(0o600)
    (tmp_path / "policy.yaml").write_text(POLICY)
    return root


def tree(root: Path) -> dict[str, tuple[int, int, int, bytes]]:
    """Every file and folder with mode, owner, time and bytes."""
    found = {}
    for path in sorted(root.rglob("*")):
        at = path.lstat()
        content = os.readlink(path).encode() if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        found[str(path.relative_to(root))] = (at.st_mode, at.st_uid, at.st_mtime_ns, content)
    return found


def contents(root: Path) -> dict[str, tuple[int, int, bytes]]:
    return {name: (mode, uid, data) for name, (mode, uid, _, data) in tree(root).items() if not name.startswith("var")}


def fleet(laptop: Path, *arguments: str) -> int:
    return main([*arguments, "--root", str(laptop), "--policy", str(laptop.parent / "policy.yaml")])


def saved(laptop: Path) -> Path:
    plan = laptop.parent / "plan.json"
    assert fleet(laptop, "plan", "--out", str(plan)) == 0
    return plan


def changed(plan: Path, **what: Any) -> Path:
    document = json.loads(plan.read_text())
    document.update(what)
    plan.write_text(json.dumps(document))
    return plan


def test_a_plan_shows_a_diff_and_is_made_and_taken_back(laptop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = contents(laptop)
    times = {name: at for name, (_, _, at, _) in tree(laptop).items()}
    assert fleet(laptop, "plan", "--detailed-exitcode") == 1
    out = capsys.readouterr().out
    assert f'+     "{FLAG}": "1"' in out
    assert '+ "extensions.autoUpdate": false' in out
    assert "sk-ant" not in out
    assert contents(laptop) == before
    assert fleet(laptop, "apply", str(saved(laptop))) == 0
    assert json.loads((laptop / DROP_IN).read_text()) == {"env": {FLAG: "1"}}
    assert "// how I like it" in (laptop / "home/ada/.config/Code/User/settings.json").read_text()
    assert fleet(laptop, "plan", "--detailed-exitcode") == 0
    capsys.readouterr()
    assert fleet(laptop, "rollback") == 0
    assert "undone" in capsys.readouterr().out
    assert contents(laptop) == before
    assert {name: at for name, (_, _, at, _) in tree(laptop).items() if name in times and (laptop / name).is_file()} == {name: at for name, at in times.items() if (laptop / name).is_file()}
    assert fleet(laptop, "rollback") == 0
    assert "nothing to take back" in capsys.readouterr().out


def test_twice_is_nothing_the_second_time(laptop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fleet(laptop, "apply", "--yes") == 0
    before = tree(laptop)
    assert len(before) > 20
    capsys.readouterr()
    assert fleet(laptop, "apply", "--yes") == 0
    assert "no changes" in capsys.readouterr().out
    assert tree(laptop) == before


def test_the_same_plan_twice_does_nothing_the_second_time(laptop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = saved(laptop)
    assert fleet(laptop, "apply", str(plan)) == 0
    before = tree(laptop)
    capsys.readouterr()
    assert fleet(laptop, "apply", str(plan), "--format", "json") == 0
    told = json.loads(capsys.readouterr().out)
    assert {one["state"] for one in told["outcomes"]} == {"same"}
    assert told["complete"] is True
    assert told["run"] is None
    assert tree(laptop) == before


def test_a_dry_run_changes_no_byte(laptop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = saved(laptop)
    before = tree(laptop)
    assert len(before) > 15
    for arguments in (["--dry-run"], [str(plan), "--dry-run"]):
        assert fleet(laptop, "apply", *arguments) == 0
        assert FLAG in capsys.readouterr().out
    assert tree(laptop) == before


def test_plans_are_the_same_bytes(laptop: Path) -> None:
    first = saved(laptop).read_bytes()
    assert saved(laptop).read_bytes() == first
    assert b"sk-ant" not in first


def test_a_plan_is_refused_where_a_file_moved_on(laptop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan, file = saved(laptop), laptop / "home/ada/.config/Code/User/settings.json"
    file.write_text('{"editor.fontSize": 14}\n')
    before = tree(laptop)
    capsys.readouterr()
    assert fleet(laptop, "apply", str(plan)) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "the plan is stale: /home/ada/.config/Code/User/settings.json is sha256:" in said
    assert {name: one for name, one in tree(laptop).items() if not name.startswith("var")} == before


@pytest.mark.parametrize(("what", "said"), [
    ({"version": "0.0.1"}, f"was made by cc-fleet 0.0.1, and this is {__version__}; plan again with this one"),
    ({"target": {"name": "bob-laptop", "machine_id": None, "os": "linux", "root": True}}, "the plan is for bob-laptop (linux, below a folder), and this is ada-laptop (linux, below a folder); plan here"),
    ({"target": {"name": "ada-laptop", "machine_id": None, "os": "linux", "root": False}}, "the plan is for ada-laptop (linux), and this is ada-laptop (linux, below a folder); plan here"),
    ({"sealed": False}, "does not say what it expects"),
    ({"schema": "cc-fleet/plan/9"}, "is no plan (cc-fleet/plan/1)"),
    ({"changes": [{"kind": 5}]}, "changes[0].phase is no phase"),
    ({"changes": {}}, "changes is not a list"),
], ids=("version", "machine", "root", "unsealed", "schema", "change", "changes"))  # fmt: skip
def test_a_plan_that_is_not_for_here_is_one_line(laptop: Path, what: dict[str, Any], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    plan = changed(saved(laptop), **what)
    capsys.readouterr()
    before = tree(laptop)
    assert fleet(laptop, "apply", str(plan)) == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1
    assert {name: one for name, one in tree(laptop).items() if not name.startswith("var")} == before


@pytest.mark.parametrize(("text", "said"), [("{", "is not JSON"), ("[]", "the plan is not an object"), ("[" * 100_000, "is not JSON")])
def test_what_is_no_plan_is_one_line(laptop: Path, text: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    plan = laptop.parent / "plan.json"
    plan.write_text(text)
    assert fleet(laptop, "apply", str(plan)) == 2
    assert capsys.readouterr().err == f"cc-fleet: {plan}: {said}\n"
    assert fleet(laptop, "apply", str(laptop / "no.json")) == 2
    assert "no such file" in capsys.readouterr().err


def test_a_plan_that_was_tampered_with_is_refused(laptop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = saved(laptop)
    document = json.loads(plan.read_text())
    for change in document["changes"]:
        if change["kind"] == "own-file":
            change["args"]["content"] = '{"env": {"EVIL": "1"}}'
    plan.write_text(json.dumps(document))
    assert fleet(laptop, "apply", str(plan)) == 2
    assert "stale" in capsys.readouterr().err
    document["changes"][0]["kind"] = "../../evil"
    plan.write_text(json.dumps(document))
    assert fleet(laptop, "apply", str(plan)) == 2
    assert "knows no change of the kind" in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() != 0, reason="who may write a plan matters to root")
def test_root_takes_no_plan_that_others_can_write(laptop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = saved(laptop)
    before = tree(laptop)
    plan.chmod(0o666)
    capsys.readouterr()
    assert fleet(laptop, "apply", str(plan)) == 2
    assert capsys.readouterr().err == f"cc-fleet: {plan}: others can write it; run as root, a plan must belong to root alone (chown root, chmod go-w)\n"
    plan.chmod(0o644)
    os.chown(plan, 1000, 1000)
    assert fleet(laptop, "apply", str(plan)) == 2
    assert tree(laptop) == before


def test_without_a_terminal_it_asks_for_yes(laptop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    before = tree(laptop)
    assert fleet(laptop, "apply") == 2
    assert "give --yes" in capsys.readouterr().err
    assert tree(laptop) == before


@pytest.mark.parametrize(("answer", "code", "there"), [(b"y\n", 0, True), (b"n\n", 2, False), (b"\n", 2, False)])
def test_on_a_terminal_it_shows_the_plan_and_asks(laptop: Path, answer: bytes, code: int, there: bool) -> None:
    above, below = pty.openpty()
    running = subprocess.Popen(
        [sys.executable, "-m", "cc_fleet", "apply", "--root", str(laptop), "--policy", str(laptop.parent / "policy.yaml")],
        stdin=below, stdout=below, stderr=below, cwd=PROJECT, env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip
    os.close(below)
    said = b""
    while b"[y/N]" not in said:
        said += os.read(above, 65536)
    os.write(above, answer)
    try:
        while piece := os.read(above, 65536):
            said += piece
    except OSError:
        pass
    assert running.wait(30) == code, said.decode()
    assert (laptop / DROP_IN).exists() is there
    assert FLAG.encode() in said


def test_what_somebody_changed_since_is_left_unless_forced(laptop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = contents(laptop)
    assert fleet(laptop, "apply", "--yes") == 0
    (laptop / DROP_IN).write_text('{"env": {"MINE": "1"}}\n')
    capsys.readouterr()
    assert fleet(laptop, "rollback") == 5
    assert "was changed since" in capsys.readouterr().out
    assert "MINE" in (laptop / DROP_IN).read_text()
    assert fleet(laptop, "rollback", "--force") == 0
    assert contents(laptop) == before


def test_runs_are_listed_and_taken_back_by_name_or_all(laptop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = contents(laptop)
    assert fleet(laptop, "apply", "--yes") == 0
    (laptop.parent / "policy.yaml").write_text(POLICY.replace('"1"}', '"1", CLAUDE_CODE_MAX_OUTPUT_TOKENS: "9000"}'))
    assert fleet(laptop, "apply", "--yes") == 0
    capsys.readouterr()
    assert fleet(laptop, "rollback", "--list") == 0
    assert [line[:6] for line in capsys.readouterr().out.splitlines()] == ["000002", "000001"]
    assert fleet(laptop, "rollback", "7") == 2
    assert "7: is no run that can be taken back" in capsys.readouterr().err
    assert fleet(laptop, "rollback", "1", "--all") == 2
    assert fleet(laptop, "rollback", "1") == 5  # the second run stands on it
    assert fleet(laptop, "rollback", "--all") == 0
    assert contents(laptop) == before


def test_a_run_that_was_cut_short_is_taken_back_and_the_one_before_it_stays(laptop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fleet(laptop, "apply", "--yes") == 0
    before = contents(laptop)
    (laptop.parent / "policy.yaml").write_text(POLICY.replace('"1"}', '"1", CLAUDE_CODE_MAX_OUTPUT_TOKENS: "9000"}'))
    assert fleet(laptop, "apply", "--yes") == 0
    journal = laptop / "var/lib/cc-fleet/runs/000002/journal"
    journal.write_text("".join(line for line in journal.read_text().splitlines(keepends=True) if '"outcome"' not in line and '"end"' not in line))
    capsys.readouterr()
    assert fleet(laptop, "rollback") == 0
    assert "run 000002 was cut short: what it had begun is taken back" in capsys.readouterr().out
    assert contents(laptop) == before
    assert fleet(laptop, "rollback", "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)["complete"] is True


def test_lifting_a_pin_removes_what_the_pin_wrote(laptop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = contents(laptop)
    assert fleet(laptop, "apply", "--yes") == 0
    (laptop.parent / "policy.yaml").write_text('policy: acme\ncli: {versions: ">=2.1.163"}\n')
    capsys.readouterr()
    assert fleet(laptop, "apply", "--yes") == 0
    after = contents(laptop)
    assert not (laptop / DROP_IN).exists()
    assert after["home/ada/.config/Code/User/settings.json"] == before["home/ada/.config/Code/User/settings.json"]


def test_a_plan_from_facts_says_what_it_cannot_know(laptop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fleet(laptop, "facts") == 0
    file = laptop.parent / "facts.json"
    file.write_text(capsys.readouterr().out)
    plan = laptop.parent / "plan.json"
    assert main(["plan", "--facts", str(file), "--policy", str(laptop.parent / "policy.yaml"), "--out", str(plan)]) == 0
    assert FLAG in capsys.readouterr().out
    assert json.loads(plan.read_text())["sealed"] is False
    assert fleet(laptop, "apply", str(plan)) == 2
    assert "does not say what it expects" in capsys.readouterr().err


@pytest.mark.parametrize("given", [["--repo", "x", "--facts", "y"], ["--no-ignore"], ["--policy-ref", "x"]])
def test_options_that_contradict_each_other(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", *given]) == 2
    assert capsys.readouterr().err.count("\n") == 1
