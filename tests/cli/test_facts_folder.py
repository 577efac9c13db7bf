"""Folders of facts: many machines pass by, and what is wrong with the folder itself is told."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from cc_fleet.cli import main
from cc_fleet.host import document
from cc_fleet.model import Coverage, Credential, Install, Place, Rejected, Setting, Target, Update
from cc_fleet.report import Report, Route, kept, routes
from tests.report import sample

PROJECT = Path(__file__).resolve().parents[2]
NOW = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
# What a child took at most, in MiB, beside its exit code; getrusage would count what its parent took before it was another program.
PEAK = "import re, sys; from cc_fleet.cli import main; code = main(sys.argv[1:]); print(code, int(re.search(r'VmHWM:\\s+([0-9]+)', open('/proc/self/status').read())[1]) // 1024)"


def machine(name: str, **more: Any) -> Target:
    install = Install("cli", "2.1.330", "native", Place("/home/ada/.local/share/claude/versions/2.1.330"), ("ada",), "ada", True)
    return Target("machine", name, "linux", NOW, "test", Coverage(False, ("ada",), ("/home/ada",), 1), installs=(install,), **more)


def folder(tmp_path: Path, *targets: Target) -> str:
    where = tmp_path / "facts"
    where.mkdir()
    for number, target in enumerate(targets):
        (where / f"{number:06}.json").write_text(json.dumps(document.dump(target)), encoding="utf-8")
    return str(where)


def audited(tmp_path: Path, capsys: pytest.CaptureFixture[str], *targets: Target) -> tuple[int, dict[str, Any]]:
    code = main(["audit", "--policy", "default", "--facts", folder(tmp_path, *targets), "--format", "json"])
    return code, json.loads(capsys.readouterr().out)


def test_facts_are_let_go_when_they_are_judged(tmp_path: Path) -> None:
    """Forty files of 4 MiB never stand in memory together."""
    big = tuple(Setting((f"own{n}",), "x" * 2**20, "user", Place("/home/ada/.claude/settings.json", n), "ada") for n in range(1, 5))
    where = folder(tmp_path, *(machine(f"m{number}", settings=big) for number in range(40)))
    ran = subprocess.run([sys.executable, "-c", PEAK, "audit", "-q", "--policy", "default", "--facts", where], capture_output=True, text=True, check=True, cwd=PROJECT)
    code, peak = map(int, ran.stdout.split())
    assert code == 0
    assert peak < 160, "all together would be more than 160 MiB, beside the program itself"


def test_what_is_kept_shows_the_same_report() -> None:
    base = Setting(("env", "ANTHROPIC_BASE_URL"), "https://llm.acme.example", "user", Place("/home/ada/.claude/settings.json", 3), "ada")
    target = machine("m", settings=(base, base._replace(key=("model",), value="opus")))
    assert routes(target) == [Route("gateway", "https://llm.acme.example", ("ada",))]
    small = kept(target)
    assert len(small.settings) == 1
    whole = Report(sample.ABOUT, sample.TIME, (target,), ())
    passed = Report(sample.ABOUT, sample.TIME, (small,), (), None, (), (tuple(routes(target)),))
    assert whole.routes() == passed.routes()
    assert not kept(machine("m")._replace(installs=(), settings=(base,))).nothing


def test_what_is_kept_still_tells_whether_there_was_anything() -> None:
    """An editor's own settings stand first, and are no trace of Claude Code."""
    bare, place = machine("m")._replace(installs=()), Place("/home/ada/x")
    editor, rejected = Setting(("update.mode",), "none", "editor", place, "ada"), Rejected("is bad", place, "editor-policy")
    traces: tuple[dict[str, Any], ...] = (
        {"settings": (editor, Setting(("model",), "opus", "user", place, "ada"))},
        {"settings": (editor, editor._replace(key=("claudeCode.useTerminal",)))},
        {"rejected": (rejected, Rejected("is bad", place, "user", "ada"))},
        {"updates": (Update("2.1.1", "2.1.2", "success", None, place, "ada"),)},
        {"credentials": (Credential("oauth", place, "owner", "ada"),)},
    )
    for more in traces:
        assert not bare._replace(**more).nothing, more
        assert not kept(bare._replace(**more)).nothing, more
    for target in (bare, bare._replace(settings=(editor,), rejected=(rejected,))):
        assert target.nothing
        assert kept(target).nothing


def test_clones_twins_and_clocks_are_told_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    targets = (
        machine("a", machine_id="1"), machine("b", machine_id="1"), machine("c", machine_id="2"), machine("c", machine_id="3"),
        machine("d", machine_id="4")._replace(collected_at="2999-01-01T00:00:00Z"), machine("e", machine_id="5")._replace(collected_at="2020-01-01T00:00:00Z"),
    )  # fmt: skip
    code, report = audited(tmp_path, capsys, *targets)
    assert code == 0, "warnings and notes"
    found = [(finding["target"].partition(" (")[0], finding["severity"], finding["subject"]) for finding in report["findings"]]
    assert found == [("d", "warning", "collected-at"), ("e", "note", "collected-at"), ("c", "warning", "name"), ("b", "warning", "machine-id")]
    verdicts = {target["name"].partition(" (")[0]: target["verdict"] for target in report["targets"]}
    assert verdicts == {"a": "compliant", "b": "findings", "c": "findings", "d": "findings", "e": "findings"}


def test_a_file_that_is_no_facts_is_one_line_and_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = folder(tmp_path, machine("a"), machine("b"), machine("c"))
    (Path(where) / "000001.json").write_text("{", encoding="utf-8")
    assert main(["audit", "--policy", "default", "--facts", where]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"cc-fleet: {where}/000001.json: is not JSON\n"
