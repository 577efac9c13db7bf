"""Which sessions of Claude Code and which editors run: on this machine, from what ``ps`` says on macOS, and by hostile names."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cc_fleet.host import running
from cc_fleet.host.running import CLAUDE, Process, Running, listed, opened, processes, recognised, told
from tests.host.changes.laptop import USER

OWN = os.geteuid()


@contextmanager
def started(program: Path, *arguments: str) -> Iterator[int]:
    """A program that does nothing, under this path."""
    program.parent.mkdir(parents=True, exist_ok=True)
    if not program.exists():
        program.write_bytes(Path("/bin/sleep").read_bytes())
        program.chmod(0o755)
    with subprocess.Popen([program, *(arguments or ("300",))]) as one:
        try:
            yield one.pid
        finally:
            one.kill()


def seen(pid: int, os_: str = "linux") -> list[Running]:
    return [one for one in running.found(os_) if one.pid == pid]


@pytest.mark.parametrize("path, what", [
    ("bin/claude", CLAUDE), (".local/share/claude/versions/2.1.330", CLAUDE), ("lib/node_modules/@anthropic-ai/claude-code/bin/claude.exe", CLAUDE),
    (".vscode/extensions/anthropic.claude-code-2.1.19/resources/native-binary/claude", CLAUDE), ("share/code/code", "vscode"), ("code-insiders", "vscode-insiders"),
    ("codium", "vscodium"), ("usr/share/cursor/cursor", "cursor"), ("windsurf", "windsurf"), ("antigravity", "antigravity"),
    (".vscode-server/cli/servers/Stable-1/server/node", "vscode-server"), (".cursor-server/bin/x/node", "cursor-server"), ("lib/code-server/lib/node", "code-server"),
])  # fmt: skip
def test_a_program_of_this_machine_is_recognised(tmp_path: Path, path: str, what: str) -> None:
    with started(tmp_path / path) as pid:
        assert seen(pid) == [Running(pid, USER, what, path.rpartition("/")[2])]
        os.unlink(tmp_path / path)  # an update replaces it
        assert [one.what for one in seen(pid)] == [what]
    assert seen(pid) == []


@pytest.mark.parametrize("argv, what", [
    (["claude", "", ""], CLAUDE), (["node", "/usr/lib/node_modules/@anthropic-ai/claude-code/cli.js"], CLAUDE), (["node", "/usr/local/bin/claude", "-p"], CLAUDE),
    (["node", "/usr/lib/node_modules/code-server/out/node/entry"], "code-server"), (["node", "/home/ada/.local/bin/code-server", "--auth", "none"], "code-server"),
    (["node", "/home/ada/.vscode-server/bin/0/out/server-main.js"], "vscode-server"), (["node", "/srv/x.js", "/usr/bin/claude"], None), (["node", "claude.js"], None),
    (["node"], None), ([], None),
])  # fmt: skip
def test_what_node_runs_is_recognised(argv: list[str], what: str | None) -> None:
    assert recognised(Process(2, 1, 0, "/usr/bin/node", tuple(argv))) == what


@pytest.mark.parametrize("argv", [
    ["vim", "/usr/bin/claude"], ["/usr/bin/tail", "-f", "/home/ada/.vscode-server/x.log"], ["timeout", "9", "/usr/bin/code-server"], ["/opt/claude-desktop/claude-desktop"],
    ["/usr/bin/claudette"], ["/usr/bin/Code"], ["bash", "-c", "claude"], ["/home/ada/code/x"], ["\x00"], ["/" * 9000], ["/claude/"],
])  # fmt: skip
def test_what_only_speaks_of_it_is_not(argv: list[str]) -> None:
    assert recognised(Process(2, 1, 0, argv[0], tuple(argv))) is None


def test_of_a_family_only_the_first_is_told() -> None:
    code = Process(10, 1, 0, "/usr/share/code/code", ("/usr/share/code/code",))
    inside = Process(13, 12, 0, "/x/claude", ("claude",))
    family = [inside, code._replace(pid=12, parent=11), code._replace(pid=11, parent=10), code, code._replace(pid=20, uid=54321), inside._replace(pid=14, parent=13)]
    assert told(family) == [Running(10, "root", "vscode", "code"), Running(13, "root", CLAUDE, "claude"), Running(20, "54321", "vscode", "code")]


def test_those_of_one_user_by_what_or_program(tmp_path: Path) -> None:
    with started(tmp_path / "code") as pid:
        for names in (["code"], ["vscode"], ["cursor", "code"]):
            assert [one.pid for one in opened("linux", USER, names)] == [pid]
        for user, names in ((USER, []), (USER, ["cursor"]), ("somebody", ["code"])):
            assert opened("linux", user, names) == []
        assert pid in [one.pid for one in opened("linux", None, ["code"])]


def test_a_system_that_cannot_be_asked() -> None:
    assert running.found("windows") == []


# Hostile and vanishing.


@pytest.mark.parametrize("argument", ["claude\nclaude", "\x1b[2J", "x" * 120_000, "\udcff\udcfe", "../../claude/", ") R 1 1"])
def test_a_hostile_command_line_is_taken_as_it_is(tmp_path: Path, argument: str) -> None:
    script = tmp_path / "x"
    script.write_text(f"#!{sys.executable}\nimport time\ntime.sleep(300)\n")
    script.chmod(0o755)
    with started(script, argument) as pid:
        assert seen(pid) == []
        assert [one.pid for one in processes() if one.pid == pid] == [pid]


def test_a_name_that_would_break_the_parsing_of_stat(tmp_path: Path) -> None:
    with started(tmp_path / ") R 1 (" / "code") as pid, started(tmp_path / "a) S 1 (b") as other:
        assert [one.parent for one in processes() if one.pid in (pid, other)] == [os.getpid()] * 2
        assert [one.what for one in seen(pid)] == ["vscode"]


def test_a_process_that_ends_meanwhile_is_none(tmp_path: Path) -> None:
    proc = tmp_path / "proc"
    whole = {"cmdline": b"/x/claude\0-p\0", "stat": b"7 (a) b) S 1 7 7", "exe": b""}
    odd: dict[str, dict[str, bytes]] = {
        "7": whole, "8": {}, "9": {**whole, "stat": b""}, "10": {**whole, "stat": b"x) S"}, "11": {**whole, "cmdline": b""}, "12": {**whole, "stat": b"1 (x) S two"}, "self": whole,
    }  # fmt: skip
    for name, files in odd.items():
        (proc / name).mkdir(parents=True)
        for file, data in files.items():
            (proc / name / file).write_bytes(data)
    (proc / "13").symlink_to("nowhere")
    assert list(processes(str(proc))) == [Process(7, 1, OWN, "/x/claude", ("/x/claude", "-p"))]


def test_others_processes_are_roots_to_see(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 987_654)
    assert list(processes()) == []
    assert list(listed(b"1 0 0 /sbin/launchd\n2 1 987654 claude")) == [Process(2, 1, 987_654, "claude", ("claude",))]


def test_there_is_an_end_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "_MOST", 1)
    assert len(list(processes())) <= 1
    assert len(list(listed(b"1 0 0 a\n2 0 0 b"))) == 1


# macOS.

PS = f"""
    1     0     0 /sbin/launchd
  501     1   {OWN} /Applications/Visual Studio Code.app/Contents/MacOS/Electron
  502   501   {OWN} /Applications/Visual Studio Code.app/Contents/Frameworks/Code Helper (Renderer).app/Contents/MacOS/Code Helper (Renderer) --type=renderer
  503   502   {OWN} /Users/ada/.vscode/extensions/anthropic.claude-code-2.1.19-darwin-arm64/resources/native-binary/claude --output-format stream-json
  504     1   {OWN} /Users/ada/Applications/Cursor.app/Contents/MacOS/Cursor
  505   400   {OWN} claude
  506     1   {OWN} /Applications/Claude.app/Contents/MacOS/Claude
  507     1   {OWN} node /opt/homebrew/bin/claude --continue
  508     1   {OWN} /Applications/Visual Studio Code - Insiders.app/Contents/MacOS/Electron .
  509     1   {OWN} grep claude
  odd line
  510     1 -2 x
"""


def test_what_ps_says_on_macos() -> None:
    found = [(one.pid, one.what) for one in told(list(listed(PS.encode())))]
    assert found == [(501, "vscode"), (503, CLAUDE), (504, "cursor"), (505, CLAUDE), (507, CLAUDE), (508, "vscode-insiders")]


@pytest.mark.skipif(not os.access("/bin/ps", os.X_OK), reason="no /bin/ps here")
def test_a_real_ps_is_read(tmp_path: Path) -> None:
    with started(tmp_path / "claude") as pid:
        assert [one.what for one in seen(pid, "macos")] == [CLAUDE]


def test_a_ps_that_cannot_be_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "_PS", ["/no/ps"])
    assert running.found("macos") == []
