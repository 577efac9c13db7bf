"""Lines of ours in somebody's profile."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cc_fleet.host.change import Failed, Refused
from cc_fleet.host.changes import shell_block
from tests.host.changes.ground import HOME, System, plan, rollback, run

FILE = f"{HOME}/.profile"
LINES = ["export DISABLE_AUTOUPDATER=1", "export CLAUDE_CODE_X='a b'"]
BLOCK = "# >>> cc-fleet >>>\nexport DISABLE_AUTOUPDATER=1\nexport CLAUDE_CODE_X='a b'\n# <<< cc-fleet <<<"


@pytest.fixture
def system(tmp_path: Path) -> System:
    return System(tmp_path, FILE)


@pytest.mark.parametrize(
    "before, after",
    [
        (None, f"{BLOCK}\n"), ("", f"{BLOCK}\n"), ("\n", f"\n{BLOCK}\n"), ("umask 022\n", f"umask 022\n{BLOCK}\n"), ("umask 022", f"umask 022\n{BLOCK}"),
        ("a\r\nb\r\n", f"a\r\nb\r\n{BLOCK}\n"), ("echo \\\\\n", f"echo \\\\\n{BLOCK}\n"), ("# cc-fleet\n#>>> cc-fleet >>>\n", f"# cc-fleet\n#>>> cc-fleet >>>\n{BLOCK}\n"),
    ],
)  # fmt: skip
def test_a_block_is_put_at_the_end_and_goes_without_a_trace(system: System, before: str | None, after: str) -> None:
    if before is not None:
        system.put(before)
    assert system.preview("shell-block", lines=LINES).shows == ("+ export DISABLE_AUTOUPDATER=1", "+ export CLAUDE_CODE_X='a b'")
    system.apply("shell-block", lines=LINES, comment="#")
    assert system.held() == after.encode()
    assert system.preview("shell-block", lines=[]).shows == ("- export DISABLE_AUTOUPDATER=1", "- export CLAUDE_CODE_X='«redacted»'")
    system.apply("shell-block", lines=[])
    assert system.held() == (before or "").encode()


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from([b"a", b"\n", b"\r\n", b"\xff", b" ", b"# x", b"\\\\"]), max_size=8).map(b"".join), st.booleans())
def test_any_profile_comes_back_to_the_byte(tmp_path: Path, before: bytes, twice: bool) -> None:
    system = System(tmp_path, FILE)
    system.put(before)
    for lines in ([["x=1"], ["y=2", "z=3"]] if twice else [["x=1"]]):
        shell_block.apply(system.site(), {"file": FILE, "lines": lines})
        assert (system.held() or b"").count(b">>> cc-fleet >>>") == 1
        assert lines[-1].encode() in (system.held() or b"").split(b"\n")
    shell_block.apply(system.site(), {"file": FILE, "lines": []})
    assert system.held() == before


def test_a_block_is_replaced_where_it_stands(system: System) -> None:
    system.put("before\n# >>> cc-fleet >>>\nexport MINE=hunter2\nexport DISABLE_AUTOUPDATER=0\n# <<< cc-fleet <<<\nafter")
    assert system.preview("shell-block", lines=LINES[:1]).shows == ("- export MINE=«redacted»", "- export DISABLE_AUTOUPDATER=0", "+ export DISABLE_AUTOUPDATER=1")
    system.apply("shell-block", lines=LINES[:1])
    assert system.held() == b"before\n# >>> cc-fleet >>>\nexport DISABLE_AUTOUPDATER=1\n# <<< cc-fleet <<<\nafter"


def test_markers_are_known_with_windows_line_ends(system: System) -> None:
    system.put("before\r\n# >>> cc-fleet >>>\r\nx=1\r\n# <<< cc-fleet <<<\r\nafter\r\n")
    system.apply("shell-block", lines=[])
    assert system.held() == b"before\r\nafter\r\n"


@pytest.mark.parametrize("lines", [[], LINES])
@pytest.mark.parametrize(
    "text, line",
    [
        ("a\n# >>> cc-fleet >>>\nx\n", 2), ("a\nx\n# <<< cc-fleet <<<\n", 3), ("# <<< cc-fleet <<<\n# >>> cc-fleet >>>\n", 1), (f"{BLOCK}\n{BLOCK}\n", 1),
        (f"\n# >>> cc-fleet >>>\n{BLOCK}\n", 2), (f"{BLOCK}\n# <<< cc-fleet <<<\n", 1),
    ],
)  # fmt: skip
def test_a_broken_pair_of_markers_is_refused(system: System, text: str, line: int, lines: list[str]) -> None:
    system.put(text)
    with pytest.raises(Refused, match=rf"^{FILE}:{line}: the block of cc-fleet [^\n]+$"):
        system.preview("shell-block", lines=lines)
    assert system.held() == text.encode()


@pytest.mark.parametrize("text, line", [("a\nb \\", 2), ("a\nb \\\n", 2), ("\\\\\\\n", 1)])
def test_behind_a_line_that_goes_on_nothing_is_put(system: System, text: str, line: int) -> None:
    system.put(text)
    with pytest.raises(Refused, match=rf"^{FILE}:{line}: "):
        system.preview("shell-block", lines=LINES)
    system.apply("shell-block", lines=[])
    assert system.held() == text.encode()


def test_utf_16_is_refused(system: System) -> None:
    system.put("\ufeffa".encode("utf-16-le"))
    with pytest.raises(Refused, match="UTF-16"):
        system.preview("shell-block", lines=LINES)


@pytest.mark.parametrize(
    "args",
    [
        {"lines": ["a\nb"]}, {"lines": ["a\rb"]}, {"lines": ["a\0b"]}, {"lines": ["\ud800"]}, {"lines": ["# >>> cc-fleet >>>"]}, {"lines": [" # <<< cc-fleet <<< "]}, {"lines": "x"},
        {"lines": [1]}, {"lines": LINES, "comment": ""}, {"lines": LINES, "comment": "#\n"}, {"lines": LINES, "comment": 5}, {"lines": LINES, "mode": 0o777}, {"lines": LINES, "file": None},
    ],
)  # fmt: skip
def test_a_plan_that_was_tampered_with_is_refused(system: System, args: dict[str, Any]) -> None:
    system.put("a\n")
    with pytest.raises(Refused, match=r"^(the plan's|what the plan|a line that the plan) [^\n]+$"):
        shell_block.preview(system.site(), {"file": FILE, **args})
    with pytest.raises(Refused):
        shell_block.apply(system.site(), {"file": FILE, **args})
    assert system.held() == b"a\n"


def test_what_is_overwritten_at_once_is_failed(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    site = system.site()
    monkeypatch.setattr(site, "write", lambda *_: system.put("x"))
    with pytest.raises(Failed, match=f"^{FILE}: "):
        shell_block.apply(site, {"file": FILE, "lines": LINES})


def test_a_shell_reads_it(system: System) -> None:
    system.put("A=0")
    system.apply("shell-block", lines=LINES)
    ran = subprocess.run(["sh", "-c", f'. {system.path}; echo "$A $DISABLE_AUTOUPDATER $CLAUDE_CODE_X"'], capture_output=True, text=True, check=True)
    assert ran.stdout == "0 1 a b\n"


def test_a_run_and_its_rollback(tmp_path: Path) -> None:
    system = System(tmp_path, FILE)
    system.put("umask 022")
    before = system.tree()[str(system.path)]
    _, outcomes = run(tmp_path, plan(("shell-block", {"file": FILE, "lines": LINES, "comment": "#"})))
    assert [one.state for one in outcomes] == ["done"]
    rollback(tmp_path)
    assert system.tree()[str(system.path)] == before
