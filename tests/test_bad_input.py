"""Hostile and broken input: one line or a Gap, the right exit code, no traceback, no hang."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.case import as_nobody, npm, opened, write

PROJECT = Path(__file__).parents[1]
GOOD = '{"env": {"A": "1"}}'
SETTINGS = "/home/ada/.claude/settings.json"


def run(*arguments: str, cwd: Path | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
    """``cc-fleet`` as a process of its own, ended after 20 seconds."""
    found = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "PYTHONPATH": str(PROJECT), **environ}
    done = subprocess.run(
        [sys.executable, "-m", "cc_fleet", *arguments], env=found, capture_output=True, text=True, timeout=20, check=False, cwd=cwd
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A system with one good client and one user, in a folder that everybody may enter."""
    found = tmp_path / "root"
    write(found, "/etc/passwd", "ada:x:1000:1000::/home/ada:/bin/bash\n")
    (found / "home/ada/.claude").mkdir(parents=True)
    npm(found, "/usr/local", "2.1.330")
    return found


def text(content: str | bytes) -> Callable[[Path], object]:
    data = content.encode() if isinstance(content, str) else content
    return lambda file: file.write_bytes(data)


def linked(to: str) -> Callable[[Path], object]:
    return lambda file: file.symlink_to(to)


CASES: dict[str, tuple[Callable[[Path], object], int, str]] = {
    "empty": (text(""), 0, ""),
    "not UTF-8": (text(b'{"env": {"A": "\xff"}}'), 0, ""),
    "a byte-order mark": (text("\ufeff" + GOOD), 0, ""),
    "CRLF": (text(GOOD.replace(" ", "\r\n")), 0, ""),
    "a key twice": (text('{"env": {"A": "1", "A": "2"}}'), 0, ""),
    "over 2 MiB": (text(GOOD + " " * (3 * 1024**2)), 1, "over 2 MiB"),
    "over 8 MiB": (text(GOOD + " " * (9 * 1024**2)), 4, "larger than"),
    "10,000 deep": (text('{"a":' * 10_000 + "1" + "}" * 10_000), 4, "nested more than"),
    "10,000 deep and open": (text("[" * 10_000), 4, "nested more than"),
    "binary": (text(bytes(range(256)) * 16), 1, "expected a value"),
    "an endless string": (text('{"a": "' + "x" * 500_000), 1, "expected a value"),
    "a number of 100,000 digits": (text('{"a": ' + "1" * 100_000 + "}"), 1, "not a valid"),
    "a folder": (Path.mkdir, 4, "is a folder"),
    "a pipe": (os.mkfifo, 4, "not a regular file"),
    "a link to itself": (linked("settings.json"), 4, "loop of links"),
    "a link out of the root": (linked("/etc/shadow"), 0, ""),
    "a relative link out of the root": (linked("../../../../../../../../../../etc/shadow"), 0, ""),
    "a link to an endless device": (linked("/dev/zero"), 0, ""),
    "a link to nothing": (linked("gone"), 0, ""),
}


@pytest.mark.parametrize("name", CASES)
def test_a_settings_file_that_is(name: str, root: Path) -> None:
    make, code, told = CASES[name]
    make(root / SETTINGS.lstrip("/"))
    done = run("audit", "--root", str(root))
    assert (done.returncode, done.stderr) == (code, ""), done.stdout
    assert told in done.stdout
    assert "root:" not in done.stdout


def test_a_link_inside_is_resolved_inside(root: Path) -> None:
    """``/srv/settings.json`` is the root's own, not this machine's."""
    write(root, "/srv/settings.json", '{"model": "seen-inside"}')
    (root / SETTINGS.lstrip("/")).symlink_to("/srv/settings.json")
    done = run("facts", "--root", str(root))
    assert [s["value"] for s in json.loads(done.stdout)["settings"]] == ["seen-inside"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to run as another user")
def test_a_home_without_permission_is_a_gap(root: Path) -> None:
    opened(root)
    (root / "home/ada").chmod(0o700)
    code, told = as_nobody("audit", "--root", str(root))
    assert (code, "permission denied" in told) == (4, True), told


def test_nothing_of_claude_code_exits_with_3_and_says_where_it_looked(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    done = run("audit", "--root", str(tmp_path))
    assert done.returncode == 3
    assert "looked at" in done.stdout
    assert "cc-fleet demo" in done.stdout


POLICIES = {
    "aliases that explode": ("policy: x\na: &a [1,1]\nb: &b [*a,*a]\nc: [*b,*b]\n", ":3:"),
    "an alias to itself": ("policy: &a [*a]\n", ":1:"),
    "itself": ("policy: x\nextends: [./policy.yaml]\n", "extends itself"),
    "broken YAML": ("policy: x\n  cli: [\n", ":2:"),
    "a tab": ("policy: x\ncli:\n\tversions: '*'\n", ":3:"),
    "a key twice": ("policy: x\npolicy: y\n", ":2:1: the document: 'policy' stands here twice"),
    "a misspelt key": ("policy: x\ncli: {version: '2.1.330'}\n", "did you mean 'versions'"),
    "two errors": ("policy: x\nclii: {}\nenv: {A: {value: '1', absent: true}}\n", "needs exactly one of"),
    "no policy": ("- a\n- b\n", "expected a mapping"),
    "a NUL": ("policy: x\0\n", ":1:"),
    "10,000 deep": ("policy: x\ncli: " + "[" * 10_000, "nested more than"),
    "a missing base": ("policy: x\nextends: [./gone.yaml]\n", "gone.yaml: no such file"),
    "nothing": ("", "the document is empty"),
}


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_with(name: str, root: Path, tmp_path: Path) -> None:
    content, told = POLICIES[name]
    (tmp_path / "policy.yaml").write_text(content, encoding="utf-8")
    done = run("audit", "--root", str(root), "--policy", "policy.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert told in done.stderr
    assert all((line.startswith("cc-fleet: ") and "policy.yaml" in line) or "gone.yaml" in line for line in done.stderr.splitlines())


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, text(b"\xff\xfe\xfa"), Path.exists])
def test_a_policy_that_is_no_file_of_text(make: Callable[[Path], object], root: Path, tmp_path: Path) -> None:
    make(tmp_path / "policy.yaml")
    done = run("audit", "--root", str(root), "--policy", "policy.yaml", cwd=tmp_path)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)


def test_a_repositorys_policy_does_not_judge_the_machine(root: Path, tmp_path: Path) -> None:
    (tmp_path / ".cc-fleet.yaml").write_text("policy: mine\ncli: {versions: '9.9.9'}\n", encoding="utf-8")
    done = run("audit", "--root", str(root), cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("policy default ")


@pytest.mark.skipif(os.geteuid() != 0, reason="as an ordinary user every readable policy may judge")
@pytest.mark.parametrize("what", ["policy.yaml", "folder", "base"])
def test_as_root_a_policy_that_others_can_write_is_refused(what: str, root: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    write(tmp_path, "base.yaml", "policy: base\n")
    policy = write(tmp_path, "folder/policy.yaml", "policy: x\nextends: [../base.yaml]\n")
    {"policy.yaml": policy, "folder": folder, "base": tmp_path / "base.yaml"}[what].chmod(0o777)
    done = run("audit", "--root", str(root), "--policy", str(policy))
    assert done.returncode == 2
    assert "others can write" in done.stderr


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"schema": "cc-fleet/facts/9"}', "[" * 100_000, '{"schema": "cc-fleet/facts/1"}', "\x00"])
def test_facts_that_are_none(content: str, tmp_path: Path) -> None:
    (tmp_path / "facts.json").write_text(content, encoding="utf-8")
    done = run("audit", "--facts", str(tmp_path / "facts.json"))
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)


def test_a_closed_pipe_ends_quietly(root: Path) -> None:
    command = f"{sys.executable} -m cc_fleet facts --root {root} | head -c 1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False, cwd=PROJECT, timeout=20)
    assert (done.returncode, done.stdout, done.stderr) == (0, "{", "")


def test_escapes_in_names_do_not_reach_the_terminal(root: Path) -> None:
    write(root, "/etc/hostname", "evil\x1b[2J\x07")
    write(root, SETTINGS, json.dumps({"env": {"CLAUDE_CODE_MAX_TOOL_USE_CONCURRENCY": "\x1b[31mred\u202e"}}))
    done = run("audit", "--root", str(root))
    assert not {"\x1b", "\x07", "\u202e"} & set(done.stdout)
