"""Which formats a run writes, and where: by its options, and by the platform that it runs on."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cc_fleet.cli import main
from cc_fleet.cli._judge import from_workspace
from tests import case
from tests.report import sample
from tests.report.test_formats import commands

Capture = pytest.CaptureFixture[str]
PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def root(tmp_path: Path) -> str:
    case._system({"npm": {"/usr/local": "2.1.19"}}, tmp_path / "root")
    return str(tmp_path / "root")


def test_one_format_on_standard_output_and_others_in_files(root: str, tmp_path: Path, capsys: Capture) -> None:
    asked = [word for name in ("sarif", "junit", "html", "csv", "markdown", "gitlab", "text", "json") for word in ("--output", f"{name}={tmp_path}/{name}")]
    assert main(["audit", "--root", root, "--format", "github", *asked]) == 1
    assert commands(capsys.readouterr().out)[0][0] == "error"
    assert json.loads((tmp_path / "sarif").read_text(encoding="utf-8"))["version"] == "2.1.0"
    assert (tmp_path / "csv").read_bytes().count(b"\r\n") >= 2
    assert b"\r\r" not in (tmp_path / "csv").read_bytes()
    assert (tmp_path / "html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("second", ["r.json", "./r.json", "link.json", "sub/../r.json"])
def test_a_file_is_written_once(second: str, root: str, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link.json").symlink_to("r.json")
    (tmp_path / "sub").mkdir()
    assert main(["audit", "--root", root, "-q", "--output", "json=r.json", "--output", f"sarif={second}"]) == 2
    assert capsys.readouterr().err == f"cc-fleet: --output sarif={second}: json is written to that file as well; name another\n"
    assert not (tmp_path / "r.json").exists()


def test_in_github_actions_there_are_annotations_the_text_and_a_summary(root: str, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("of the step before\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    assert main(["audit", "--root", root]) == 1
    out = capsys.readouterr().out
    assert commands(out)[0][0] == "error"
    assert "policy default" in out
    assert summary.read_text(encoding="utf-8").startswith("of the step before\n\n### cc-fleet: ")


def test_the_text_in_a_log_of_github_is_read_for_no_commands(root: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name of a file may be `::set-output…`, and the runner looks for `##[` in the middle of a line, too."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    for option in ([], ["--format", "text"]):
        assert main(["audit", "--root", root, *option]) == 1
        out = capsys.readouterr().out
        (token,) = re.findall(r"^::stop-commands::(\w{32})$", out, re.MULTILINE)
        head, _, rest = out.partition(f"::stop-commands::{token}\n")
        text, _, after = rest.partition(f"::{token}::\n")
        assert "policy default" in text
        assert after == ""
        assert bool(head) == (not option)


@pytest.mark.parametrize("name", ["json", "csv", "sarif"])
def test_a_format_that_was_asked_for_stands_alone(name: str, root: str, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    assert main(["audit", "--root", root, "--format", name]) == 1
    out = capsys.readouterr().out
    assert "::" not in out.split("\n")[0]
    assert not (tmp_path / "summary.md").exists()


def test_quiet_prints_nothing_in_github_actions(root: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert main(["audit", "--root", root, "-q"]) == 1
    assert capsys.readouterr() == ("", "")


def test_elsewhere_the_text_stays(root: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("GITLAB_CI", "true"), ("GITHUB_ACTIONS", "false")):
        monkeypatch.setenv(name, value)
        assert main(["audit", "--root", root]) == 1
        assert capsys.readouterr().out.startswith("policy default")


def test_a_summary_that_has_no_room_or_cannot_be_written_fails_nothing(root: str, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    full = tmp_path / "full.md"
    full.write_bytes(b"x" * (1024 * 1024 - 1000))
    for file, told in ((full, "has no more room"), (tmp_path / "none" / "summary.md", "no such file")):
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(file))
        assert main(["audit", "--root", root]) == 1
        assert told in capsys.readouterr().err
    assert full.stat().st_size == 1024 * 1024 - 1000
    full.write_bytes(b"x" * (1024 * 1024 - 3000))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(full))
    assert main(["audit", "--root", root]) == 1
    assert 1024 * 1024 - 3000 < full.stat().st_size <= 1024 * 1024


@pytest.mark.parametrize("asked", [["--format", "html"], ["--output", "html=x.html"]])
def test_html_without_jinja2_names_the_extra_before_anything_is_read(asked: list[str], tmp_path: Path) -> None:
    program = f"import sys; sys.modules['jinja2'] = None; sys.path.insert(0, {str(PROJECT)!r}); from cc_fleet.cli import main; raise SystemExit(main(['audit', '--root', '/nonexistent', *{asked!r}]))"
    ran = subprocess.run([sys.executable, "-S", "-c", program], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert ran.returncode == 2, ran.stderr
    assert ran.stderr == "cc-fleet: the format html needs jinja2, which is not installed; pip install 'cc-fleet[html]'\n"


def test_the_parts_of_the_page_are_in_the_package() -> None:
    """hatch takes a package's folder whole; the page's frame, style and script lie in it."""
    assert {path.name for path in (PROJECT / "cc_fleet/report/page").iterdir()} == {"page.jinja", "page.css", "page.js"}


@pytest.mark.parametrize(("name", "root", "expected"), [
    ("GITHUB_WORKSPACE", "w/services/shop", "services/shop"), ("CI_PROJECT_DIR", "w/services/shop", "services/shop"), ("", "w/services/shop", "w/services/shop"),
    ("GITHUB_WORKSPACE", "w", None), ("GITHUB_WORKSPACE", "elsewhere", None), ("", ".", None), ("GITHUB_WORKSPACE", "w/..shop", "..shop"),
])  # fmt: skip
def test_paths_are_told_from_the_workspace(name: str, root: str, expected: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for variable in ("GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        monkeypatch.delenv(variable, raising=False)
    if name:
        monkeypatch.setenv(name, str(tmp_path / "w"))
    assert from_workspace(sample.REPO, {"shop": root}).below == ((("shop", expected),) if expected else ())
