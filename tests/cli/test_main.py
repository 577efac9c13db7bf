"""The command line: what goes in, what comes out, and the exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from cc_fleet import __version__, advisories
from cc_fleet.cli import commands, main
from cc_fleet.policy.load import load
from tests import case
from tests.case import as_nobody, opened

PROJECT = Path(__file__).resolve().parents[2]
Capture = pytest.CaptureFixture[str]


def system(tmp: Path, **told: Any) -> str:
    """A system below a root, as a case makes it."""
    root = tmp / told.pop("name", "root")
    root.mkdir(parents=True)
    case._system(told, root)
    return str(root)


def policy(tmp: Path, text: str = "", name: str = "policy.yaml") -> str:
    file = tmp / name
    file.write_text(f"policy: mine\n{text}\n", encoding="utf-8")
    return str(file)


CLEAN = {"npm": {"/usr/local": "2.1.330"}}
BAD = {"npm": {"/usr/local": "2.1.19"}}
NOTHING: dict[str, Any] = {}
GAP = {**CLEAN, "links": {"/home/ada/.claude/settings.json": "settings.json"}}


def code(*arguments: str) -> int:
    """The exit code, of argparse too."""
    try:
        return main(list(arguments))
    except SystemExit as stop:
        return int(stop.code or 0)


def child(*arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "PYTHONPATH": str(PROJECT), **more.pop("env", {})}
    return subprocess.run([sys.executable, "-m", "cc_fleet", *arguments], capture_output=True, text=True, encoding="utf-8", env=environ, timeout=60, check=False, **more)


# Help and usage


@pytest.mark.parametrize("name", commands())
def test_every_command_has_help(name: str, capsys: Capture) -> None:
    assert code(name, "--help") == 0
    out = capsys.readouterr().out
    assert out.startswith(f"usage: cc-fleet {name}")
    assert "exit codes:" in out


def test_the_overview_lists_every_command(capsys: Capture) -> None:
    assert code("--help") == 0
    out = capsys.readouterr().out
    assert all(f"    {name}" in out for name in commands())
    assert code("--version") == 0
    assert capsys.readouterr().out == f"cc-fleet {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("frobnicate",), ("--frobnicate",), ("audit", "--frobnicate"), ("audit", "--roo", "/"), ("audit", "extra"), ("audit", "--fail-on", "ignore"), ("audit", "--format", "html2"),
        ("audit", "--root"), ("policy",), ("policy", "frobnicate"), ("explain",), ("demo", "x"), ("versions", "--all", "x"), ("audi",),
    ],
)  # fmt: skip
def test_a_usage_error_is_2_and_says_one_thing(arguments: tuple[str, ...], capsys: Capture) -> None:
    assert code(*arguments) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    errors = [line for line in shown.err.splitlines() if "error: " in line]
    assert len(errors) == 1
    assert "Traceback" not in shown.err


def test_no_command_shows_help_and_is_2(capsys: Capture) -> None:
    assert code() == 2
    assert "commands:" in "".join(capsys.readouterr())


# Exit codes of audit


@pytest.mark.parametrize(
    ("told", "options", "expected"),
    [
        (CLEAN, (), 0),
        (BAD, (), 1),
        (NOTHING, (), 3),
        (GAP, (), 4),
        ({**BAD, "links": GAP["links"]}, (), 1),
        ({"links": GAP["links"]}, (), 4),
        (NOTHING, ("--if-nothing", "pass"), 0),
        (BAD, ("--exit-zero",), 0),
        (GAP, ("--exit-zero",), 0),
        (NOTHING, ("--exit-zero",), 0),
        (GAP, ("--fail-on", "note"), 4),
        (BAD, ("-q",), 1),
        (CLEAN, ("--fail-on", "warning"), 0),
    ],
)
def test_exit_codes(told: dict[str, Any], options: tuple[str, ...], expected: int, tmp_path: Path) -> None:
    assert code("audit", "--root", system(tmp_path, **told), *options) == expected


@pytest.mark.parametrize(("severity", "fail_on", "expected"), [
    ("error", "error", 1), ("warning", "error", 0), ("warning", "warning", 1), ("note", "warning", 0), ("note", "note", 1), ("error", "note", 1), ("ignore", "note", 0),
])  # fmt: skip
def test_fail_on(severity: str, fail_on: str, expected: int, tmp_path: Path) -> None:
    mine = policy(tmp_path, f"cli: {{versions: '<2.1.330'}}\nseverity: {{cli-version: {severity}, auto-update: ignore}}")
    root = system(tmp_path, **CLEAN)
    found = code("audit", "--root", root, "--policy", mine, "--fail-on", fail_on)
    assert found == expected


def test_nothing_in_any_target_is_3_and_in_one_is_not(tmp_path: Path) -> None:
    empty, clean = system(tmp_path, name="empty"), system(tmp_path, name="clean", **CLEAN)
    assert code("audit", "--root", empty, "--root", clean) == 0
    assert code("audit", "--root", empty, "--root", system(tmp_path, name="too")) == 3


def test_two_targets_of_one_name_are_two(tmp_path: Path, capsys: Capture) -> None:
    files = {"files": {"/etc/hostname": "twin"}}
    roots = [system(tmp_path, name="a", **CLEAN, **files), system(tmp_path, name="b", **BAD, **files)]
    assert code("audit", "--root", roots[0], "--root", roots[1], "--format", "json") == 1
    assert [target["verdict"] for target in json.loads(capsys.readouterr().out)["targets"]] == ["compliant", "findings"]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("--root", "/nonexistent"), "cc-fleet: /nonexistent: is not a folder"),
        (("--root", "/", "--policy", "/nonexistent.yaml"), "cc-fleet: /nonexistent.yaml: no such file or directory"),
        (("--facts", "/nonexistent"), "cc-fleet: /nonexistent: no such file or directory"),
        (("--facts", "/dev/null"), "cc-fleet: /dev/null: "),
    ],
)
def test_input_errors_are_2_and_one_line(arguments: tuple[str, ...], error: str, capsys: Capture) -> None:
    assert code("audit", *arguments) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith(error)
    assert shown.err.count("\n") == 1


def test_several_errors_of_a_policy_are_several_lines(tmp_path: Path, capsys: Capture) -> None:
    assert code("audit", "--policy", policy(tmp_path, "colour: x\nenv: {X: {}}")) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert all(line.startswith(f"cc-fleet: {tmp_path}/policy.yaml:") for line in lines)


@pytest.mark.parametrize("name", ["CLAUDE_CONFIG_DIR=cfg", "CLAUDE_CONFIG_DIR=//x", "NPM_CONFIG_PREFIX=pre"])
def test_no_file_of_a_user_breaks_an_audit(name: str, tmp_path: Path) -> None:
    root = system(tmp_path, files={"/home/ada/.profile": f"export {name}\n"}, **CLEAN)
    assert code("audit", "--root", root) in (0, 4)


# Output


def test_json_goes_to_standard_output_alone(tmp_path: Path, capsys: Capture) -> None:
    assert code("audit", "--root", system(tmp_path, **BAD), "--format", "json") == 1
    shown = capsys.readouterr()
    assert json.loads(shown.out)["schema"] == "cc-fleet/report/1"
    assert shown.err == ""


def test_output_writes_files_as_well(tmp_path: Path, capsys: Capture) -> None:
    root = system(tmp_path, **BAD)
    assert code("audit", "--root", root, "--output", f"json={tmp_path}/r.json", "--output", f"text={tmp_path}/r.txt", "-q") == 1
    assert capsys.readouterr() == ("", "")
    assert json.loads((tmp_path / "r.json").read_text())["summary"]["errors"] >= 1
    assert "2.1.19" in (tmp_path / "r.txt").read_text()


@pytest.mark.parametrize("output", ["json", "json=", "html2=x", "=x", "json=/nonexistent/x.json", "json=/"])
def test_an_output_that_cannot_be_written_is_2(output: str, tmp_path: Path, capsys: Capture) -> None:
    assert code("audit", "--root", system(tmp_path, **CLEAN), "--output", output) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("environ", "option", "colored"),
    [
        ({}, "auto", False), ({"FORCE_COLOR": "1"}, "auto", True), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, "auto", False), ({}, "always", True),
        ({"NO_COLOR": "1"}, "always", True), ({"FORCE_COLOR": "1"}, "never", False), ({"NO_COLOR": "", "FORCE_COLOR": "1"}, "auto", True),
    ],
)  # fmt: skip
def test_color(environ: dict[str, str], option: str, colored: bool, tmp_path: Path) -> None:
    ran = child("audit", "--root", system(tmp_path, **BAD), "--color", option, env=environ)
    assert ("\x1b[" in ran.stdout) is colored


@pytest.mark.parametrize("columns", ["60", "0", "-1", "x", "", "99999999999999999999", "٣"])
def test_columns(columns: str, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert code("audit", "--root", system(tmp_path, **BAD)) == 1
    assert "2.1.19" in capsys.readouterr().out


def test_verbose_shows_how_a_value_came_about(tmp_path: Path, capsys: Capture) -> None:
    root = system(tmp_path, files={"/home/ada/.claude/settings.json": '{"env": {"CLAUDE_CODE_MAX_TOOL_USE_CONCURRENCY": "-1"}}'}, **CLEAN)
    code("audit", "--root", root)
    assert "in effect:" not in capsys.readouterr().out
    code("audit", "--root", root, "-v")
    assert "in effect:" in capsys.readouterr().out


# Facts


def findings(out: str) -> list[Any]:
    return [{**finding, "target": ""} for finding in json.loads(out)["findings"]]


def test_facts_can_be_judged_later_and_elsewhere(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    root = system(tmp_path, files={"/home/ada/.claude/settings.json": '{"env": {"CLAUDE_CODE_MAX_TOOL_USE_CONCURRENCY": "-1"}, // x\n}'}, **BAD)
    assert code("audit", "--root", root, "--format", "json") == 1
    expected = findings(capsys.readouterr().out)
    assert expected
    assert code("facts", "--root", root) == 0
    text = capsys.readouterr().out
    folder = tmp_path / "facts"
    folder.mkdir()
    (folder / "a.json").write_text(text)
    (folder / "notes.txt").write_text("no facts")
    for path in (folder, folder / "a.json"):
        assert code("audit", "--facts", str(path), "--format", "json") == 1
        assert findings(capsys.readouterr().out) == expected
    ran = child("audit", "--facts", "-", "--format", "json", input=text)
    assert (ran.returncode, ran.stderr) == (1, "")
    assert findings(ran.stdout) == expected
    assert code("audit", "--facts", str(folder), "--root", root, "--format", "json") == 1
    assert len(json.loads(capsys.readouterr().out)["targets"]) == 2


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "5", '"x"', "{}", '{"schema": "cc-fleet/facts/99"}', '{"schema": "cc-fleet/facts/1"}', "[" * 100_000, '{"schema": "cc-fleet/facts/x"}', "\ufeff{}", "9" * 10_000, "\x00"],
)
def test_broken_facts_are_2_and_name_the_file(text: str, tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "f.json"
    file.write_text(text)
    assert code("audit", "--facts", str(file)) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"cc-fleet: {file}: ")
    assert err.count("\n") == 1


def test_a_folder_without_facts_is_2(tmp_path: Path, capsys: Capture) -> None:
    assert code("audit", "--facts", str(tmp_path)) == 2
    assert "holds no facts" in capsys.readouterr().err


def test_facts_of_this_machine(capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    if os.geteuid() != 0:  # root reads every home, and what stands there is not ours to know
        assert code("facts") == 0
        assert json.loads(capsys.readouterr().out)["schema"] == "cc-fleet/facts/1"
    assert code("facts", "--root", "/nonexistent") == 2


# Explain


@pytest.mark.parametrize("name", ["env-flag", "CCF-2026-0001", "ccf-2026-0001"])
def test_explain(name: str, capsys: Capture) -> None:
    assert code("explain", name) == 0
    assert capsys.readouterr().out.lower().startswith(name.lower())
    assert code("explain", name, "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)["id"].lower() == name.lower()


def test_explain_every_check_and_advisory(capsys: Capture) -> None:
    from cc_fleet import advisories, checks

    for name in (*checks.all_checks(), *(advisory.id for advisory in advisories.packaged())):
        assert code("explain", name) == 0
    assert "None" not in capsys.readouterr().out.replace("None of", "")


def test_explain_what_is_not_known_says_what_is_near(capsys: Capture) -> None:
    assert code("explain", "env-falg") == 2
    assert capsys.readouterr().err == "cc-fleet: env-falg: no check and no advisory of this name; did you mean env-flag?\n"
    assert code("explain", "\x1b[31m") == 2
    assert "\x1b" not in capsys.readouterr().err


# Versions


def test_versions(tmp_path: Path, capsys: Capture) -> None:
    mine = policy(tmp_path, "cli: {versions: '>=2.1.328'}")
    assert code("versions", "--policy", mine, "--all") == 0
    every = capsys.readouterr().out.splitlines()
    assert code("versions", "--policy", mine) == 0
    runs = capsys.readouterr().out.splitlines()
    assert len(runs) < 6 < len(every)
    assert runs[-1] == every[-1]
    assert code("versions", "--policy", mine, "--format", "json") == 0
    data = json.loads(capsys.readouterr().out)
    assert set(data) == {"schema", "date", "install", "cost", "versions"}
    assert [row["version"] for row in data["versions"] if row["allowed"]] == [line.split()[0] for line in every[:-1] if line.endswith(" allowed")]
    assert {row["reason"] for row in data["versions"] if not row["allowed"]} == {"is outside >=2.1.328"}


def test_versions_where_none_is_allowed(tmp_path: Path, capsys: Capture) -> None:
    assert code("versions", "--policy", policy(tmp_path, "cli: {versions: '>=99'}")) == 0
    assert "this policy would install none" in capsys.readouterr().out
    assert code("versions", "--policy", policy(tmp_path, "cli: {versions: '>=99'}"), "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)["cost"] is None


def test_versions_tells_what_staying_costs(tmp_path: Path, capsys: Capture) -> None:
    mine = policy(tmp_path, "cli: {versions: '<=2.1.153'}")
    assert code("versions", "--policy", mine) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].endswith("this policy would install 2.1.153")
    assert lines[3].startswith("staying at 2.1.153 costs, against 2.1.330")
    assert lines[4] == "  models     Opus 4.8 (2.1.154), Fable 5 (2.1.170), Sonnet 5 (2.1.197), Opus 5 (2.1.219)"
    assert lines[5] == "  security   2.1.154  servers of .mcp.json are no longer approved unasked when output is piped"
    assert any(line.startswith("  fixes      2.1.154  ") for line in lines)
    assert [line.strip() for line in lines if line.endswith("--all")] == ["… and 62 more; --all", "… and 26 more; --all", "… and 8 more; --all"]
    assert code("versions", "--policy", mine, "--all") == 0
    whole = capsys.readouterr().out
    assert "--all" not in whole
    assert code("versions", "--policy", mine, "--format", "json") == 0
    cost = json.loads(capsys.readouterr().out)["cost"]
    assert set(cost) == {"version", "until", "recorded", "models", "security", "fixes", "abilities"}
    assert (cost["version"], cost["until"]) == ("2.1.153", "2.1.330")
    told = [entry for name in ("security", "fixes", "abilities") for entry in cost[name]]
    assert all(entry["sources"] for entry in told)
    assert all(f"{entry['version']:<8} {entry['text'][:30]}" in whole for entry in told)
    assert [model["text"] for model in cost["models"]] == ["Opus 4.8", "Fable 5", "Sonnet 5", "Opus 5"]


def test_versions_at_another(tmp_path: Path, capsys: Capture) -> None:
    mine = policy(tmp_path, "cli: {versions: '>=2.1.163, <=2.1.200'}")
    assert code("versions", "--policy", mine, "--at", "2.1.153") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "2.1.153 is outside >=2.1.163, <=2.1.200; this policy would install 2.1.200"
    assert lines[1].startswith("staying at 2.1.153 costs")
    assert lines[-1] == "40 of these 112 come with 2.1.200, which this policy would install"
    assert code("versions", "--policy", mine, "--at", "2.1.199") == 0
    assert "come with" not in capsys.readouterr().out
    assert code("versions", "--at", "2.1.330") == 0
    assert capsys.readouterr().out == "staying at 2.1.330 costs nothing: it is the newest published\n"
    assert code("versions", "--at", "2.1.300") == 0
    assert capsys.readouterr().out == "staying at 2.1.300 costs nothing that is known; not all is known of what came after 2.1.251\n"
    assert code("versions", "--at", "2.1.17") == 0
    assert "(not all is known of what came before 2.1.89 and after 2.1.251)" in capsys.readouterr().out
    assert code("versions", "--at", "2.1.17", "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)["cost"]["version"] == "2.1.17"


@pytest.mark.parametrize(
    ("version", "error"),
    [
        ("2.1.155", "was never published; did you mean 2.1.154 or 2.1.156?"),
        ("0.0.1", "was never published; did you mean 0.2.9?"),
        ("2.1.1530", "is newer than 2.1.330, the newest that is known; update cc-fleet"),
        ("21.153", "is no version; did you mean 2.1.153?"),
        ("v2.1.153", "is no version; did you mean 2.1.153?"),
        ("", "is no version; write it as 2.1.330"),
        ("stable", "is no version; write it as 2.1.330"),
        ("9" * 10_000, "is no version; write it as 2.1.330"),
        ("\x1b[31m", "is no version; write it as 2.1.330"),
    ],
)
def test_versions_at_what_nobody_can_stay_at(version: str, error: str, capsys: Capture) -> None:
    assert code("versions", "--at", version) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    told = repr(version) if "no version" in error else version
    assert shown.err == f"cc-fleet: --at {told}: {error}\n"


def test_explain_tells_what_a_pinned_remedy_costs(capsys: Capture) -> None:
    assert code("explain", "CCF-2026-0006") == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    pinned = lines.index("$ npm install -g @anthropic-ai/claude-code@2.1.153")
    assert lines[pinned + 1] == "2.1.153 goes without Opus 4.8, Fable 5, Sonnet 5, Opus 5 and 66 security fixes; `cc-fleet versions --at 2.1.153` tells all"
    newest = lines.index("$ npm install -g @anthropic-ai/claude-code@2.1.330")
    assert not lines[newest + 1].startswith("2.1.330")


def test_an_own_advisory_that_pins_says_what_it_costs(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own/OPS-1.yaml").write_text(
        "id: OPS-1\ntitle: it breaks\nseverity: warning\nwho: client\naffects: {when: {env: {ANTHROPIC_BETAS: set}}}\ncause: it does\n"
        "remedies: [{who: you, text: install an older one, command: claude install 2.1.218}]\n"
        "evidence: {level: reported, sources: [me], checked: 2026-11-22}\n",
        encoding="utf-8",
    )
    root = system(tmp_path, files={"/home/ada/.bashrc": "export ANTHROPIC_BETAS=foo\n"}, **CLEAN)
    code("audit", "--root", root, "--policy", policy(tmp_path, "advisories: [./own]"))
    assert "fix (you): install an older one (goes without Opus 5 and 28 security fixes)" in capsys.readouterr().out


# Policy


def test_policy_lint(tmp_path: Path, capsys: Capture) -> None:
    assert code("policy", "lint", policy(tmp_path)) == 0
    assert capsys.readouterr().out == f"{tmp_path}/policy.yaml: read without errors\n"
    assert code("policy", "lint", policy(tmp_path, "cli: {install: 2.1.155}")) == 1
    assert "error: cli.install: 2.1.155 was never published on npm" in capsys.readouterr().out
    assert code("policy", "lint", policy(tmp_path, "colour: x")) == 2
    assert code("policy", "lint") == 2


def test_policy_lint_reads_every_file_before_it_gives_up(tmp_path: Path, capsys: Capture) -> None:
    bad, good = policy(tmp_path, "colour: x"), policy(tmp_path, name="good.yaml")
    assert code("policy", "lint", bad, good) == 2
    shown = capsys.readouterr()
    assert "colour" in shown.err
    assert f"{good}: read without errors" in shown.out


@pytest.mark.parametrize("text", [
    "", "extends: [strict]\nsettings: {a.b: true, c: 5, d: 'true', e: {one-of: [1, two]}, f: {absent: true}}\n", "contact: '2.10'\nenv: {X: on, Y: '010', Z: null}\n",
    "waivers: [{check: x, until: 2027-01-01, reason: r, allow: {versions: 2.1.1}}]\ngateways: [{url: 'https://x', deny: {'1.0': bad}}]\n",
    "deny: [{id: CCF-DENY-1, lifted: fixed}]\nextends: [default]\n", "cli: {auto-update: {channel: stable}, sha256: {2.1.330: {linux-x64: '01'}}}\n",
    "cli: {auto-update: false}\n", "extensions: {x: {pinned: false}, y: {}}\nenv: {M: {integer: '>=1', when: {cli: '<2', os: [linux]}}}\n",
])  # fmt: skip
def test_policy_show_can_be_loaded_again(text: str, tmp_path: Path, capsys: Capture) -> None:
    mine = policy(tmp_path, text)
    assert code("policy", "show", "--policy", mine) == 0
    again = tmp_path / "again.yaml"
    again.write_text(capsys.readouterr().out)
    assert bare(load([str(again)]).policy) == bare(load([mine]).policy)
    assert code("policy", "show", mine, "--format", "json") == 0
    assert set(json.loads(capsys.readouterr().out)) == {"policy", "files", "sha256"}


def bare(value: Any) -> Any:
    """A policy without places and without what it extends."""
    if hasattr(value, "_fields"):
        return {name: bare(getattr(value, name)) for name in value._fields if name not in ("place", "extends", "text")} | {"text": getattr(value, "text", None)}
    if isinstance(value, dict):
        return {name: bare(inner) for name, inner in value.items()}
    return [bare(item) for item in value] if isinstance(value, tuple) else value


@pytest.mark.parametrize("name", ["mine.yaml", "with space.yaml", "on.yaml", "ünï-🎉.yaml", "a'b\"c.yaml", ".cc-fleet.yaml", "2.10.yaml", "null.yaml"])
def test_policy_init_gives_a_policy_and_never_overwrites(name: str, tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / name
    assert code("policy", "init", str(file)) == 0
    text = file.read_text(encoding="utf-8")
    assert code("policy", "lint", str(file)) == 0
    assert code("policy", "init", str(file)) == 2
    assert "file exists" in capsys.readouterr().err
    assert file.read_text(encoding="utf-8") == text


def test_policy_init_prints_without_a_file(capsys: Capture, tmp_path: Path) -> None:
    assert code("policy", "init") == 0
    (tmp_path / "p.yaml").write_text(capsys.readouterr().out)
    assert code("policy", "lint", str(tmp_path / "p.yaml")) == 0
    assert code("policy", "init", "a", "b") == 2
    assert code("policy", "init", "/nonexistent/x.yaml") == 2


def test_policy_schema(capsys: Capture) -> None:
    assert code("policy", "schema") == 0
    assert json.loads(capsys.readouterr().out)["title"] == "cc-fleet policy"


# Demo


def test_demo_touches_nothing_but_its_folder(tmp_path: Path) -> None:
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    home.mkdir()
    temporary.mkdir()
    ran = child("demo", env={"HOME": str(home), "TMPDIR": str(temporary)}, cwd=str(home))
    assert (ran.returncode, ran.stderr) == (0, "")
    assert list(home.iterdir()) == []
    (folder,) = temporary.iterdir()
    assert str(folder) in ran.stdout
    assert "error: " in ran.stdout
    laptop = str(folder / "laptop")
    assert child("audit", "--root", laptop, "--policy", str(folder / "policy.yaml")).returncode in (1, 2)


def test_demo_in_process(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert code("demo", "--color", "never") == 0
    out = capsys.readouterr().out
    (folder,) = tmp_path.iterdir()
    assert f"cc-fleet audit --root {folder}/laptop --repo {folder}/laptop/home/ada/shop --policy {folder}/policy.yaml" in out
    assert {finding for finding in ("env-flag", "settings-invalid", "gateway-url", "extension-version") if f"[{finding}" not in out} == set()


def test_an_audit_of_this_machine_reads_the_callers_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As an ordinary user: the caller's home and the project in the current folder."""
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude" / "settings.json").write_text('{"model": "opus",}')
    opened(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    exit_code, told = as_nobody("audit", "--policy", "default")
    assert (exit_code, "~/.claude/settings.json" in told, "settings-invalid" in told) == (1, True, True), told


# Processes


def test_a_closed_pipe_ends_quietly(tmp_path: Path) -> None:
    for arguments in (["versions", "--all"], ["audit", "--root", system(tmp_path, **BAD)], ["--help"], ["policy", "schema"]):
        ran = subprocess.run(
            ["bash", "-c", 'set -o pipefail; "$@" | true', "bash", sys.executable, "-c",
             "import sys, time; time.sleep(0.3); from cc_fleet.cli import main; sys.exit(main(sys.argv[1:]))", *arguments],
            capture_output=True, text=True, check=False, cwd=PROJECT,
        )  # fmt: skip
        assert (ran.returncode, ran.stderr) == (0, ""), arguments


def test_control_c_is_130_without_a_word() -> None:
    ran = subprocess.Popen([sys.executable, "-m", "cc_fleet", "audit", "--facts", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=PROJECT)
    with ran:
        assert ran.stdin is not None
        time.sleep(1)
        ran.send_signal(signal.SIGINT)
        assert ran.wait(10) == 130
        assert ran.stderr is not None
        assert ran.stderr.read() == b""


@pytest.mark.parametrize("arguments", [("audit", "--help"), ("policy", "--help"), ("--help",), ("explain", "env-flag"), ("explain", "CCF-2026-0001"), ("versions",), ("demo",), ("policy", "show")])
def test_an_ascii_terminal_is_enough(arguments: tuple[str, ...], tmp_path: Path) -> None:
    ran = child(*arguments, env={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii", "TMPDIR": str(tmp_path)})
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.isascii()


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_ascii_terminal_is_enough_for_every_format(form: str, tmp_path: Path) -> None:
    root = system(tmp_path, files={"/etc/hostname": "laptop\n", "/home/ada/.claude/settings.json": '{"modèle": 1,}\n'}, **BAD)
    ran = child("audit", "--root", root, "--format", form, env={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"})
    assert (ran.returncode, ran.stderr) == (1, "")
    assert ran.stdout.isascii()
    ran = child("audit", "--root", root + "é", env={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"})
    assert ran.returncode == 2
    assert "Traceback" not in ran.stderr


def test_policy_lint_runs_the_examples_of_its_own_advisories(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An advisory that misses its own affected client would miss everybody's."""
    (tmp_path / "own").mkdir()
    text = (Path(advisories.FOLDER) / "CCF-2026-0001.yaml").read_text(encoding="utf-8")
    (tmp_path / "own/a.yaml").write_text(text.replace("CCF-2026-0001", "ACME-1").replace('{cli: "2.1.18"}', '{cli: "2.1.99"}'), encoding="utf-8")
    (tmp_path / "policy.yaml").write_text("policy: p\nadvisories: [./own]\n", encoding="utf-8")
    assert main(["policy", "lint", str(tmp_path / "policy.yaml")]) == 1
    assert "ACME-1: {'cli': '2.1.99'} should be affected" in capsys.readouterr().out
