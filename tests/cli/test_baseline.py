"""``audit --baseline``: what was known before does not fail, what is new does, and what is fixed goes."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from cc_fleet import baseline
from cc_fleet.cli import main
from cc_fleet.model import Coverage, Finding, Gap, Place, Problem, Target, Waived
from cc_fleet.report import About, Report
from tests import case

Capture = pytest.CaptureFixture[str]
INSTALL = "npm install -g @anthropic-ai/claude-code\n"
TODAY = time.strftime("%Y-%m-%d", time.gmtime())


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "a.sh").write_text(INSTALL, encoding="utf-8")
    return folder


@pytest.fixture
def known(tmp_path: Path) -> Path:
    return tmp_path / "known.json"


def audit(capsys: Capture, *arguments: str) -> tuple[int, list[str], dict[str, Any]]:
    """The exit code, the findings that count as ``check file``, and the whole report."""
    code = main(["audit", "--format", "json", *arguments])
    out = capsys.readouterr().out
    report = json.loads(out) if out else {}
    return code, [f"{f['check']} {f['place']['file']}" for f in report.get("findings", ()) if f["waived"] is None and f["because"] is None], report


def entries(file: Path) -> list[tuple[str, str, str]]:
    return [(one["target"], one["file"], one["check"]) for one in json.loads(file.read_text(encoding="utf-8"))["findings"]]


def test_only_new_findings_fail(shop: Path, known: Path, capsys: Capture) -> None:
    given = ("--repo", str(shop), "--baseline", str(known))
    assert main(["audit", *given]) == 2
    assert capsys.readouterr().err == f"cc-fleet: {known}: no such baseline; --write-baseline all makes it\n"
    assert audit(capsys, *given, "--write-baseline", "prune")[:2] == (0, [])  # the first run takes up what is there
    first = known.read_text(encoding="utf-8")
    assert first.splitlines()[1].startswith(' {"target": "", "file": "a.sh", "check": "cli-unpinned", "subject": "cli", "severity": "error", "fingerprint": "')
    assert (len(first.splitlines()), stat.S_IMODE(known.stat().st_mode) & 0o600) == (3, 0o600)
    (shop / "a.sh").write_text(f"#!/bin/sh\n\n\n{INSTALL}", encoding="utf-8")  # it moves
    code, told, report = audit(capsys, *given)
    assert (code, told, report["summary"]["waived"], report["summary"]["verdict"]) == (0, [], 1, "compliant")
    assert report["findings"][0]["waived"] == {"reason": f"in the baseline of {TODAY}", "until": None, "owner": None, "ticket": None, "by": "baseline"}
    (shop / "b.sh").write_text(INSTALL, encoding="utf-8")
    assert audit(capsys, *given)[:2] == (1, ["cli-unpinned b.sh"])
    assert audit(capsys, *given, "--write-baseline", "prune")[:2] == (1, ["cli-unpinned b.sh"])
    assert known.read_text(encoding="utf-8") == first
    assert audit(capsys, *given, "--write-baseline", "all")[:2] == (0, [])
    assert [file for _, file, _ in entries(known)] == ["a.sh", "b.sh"]


def test_what_is_fixed_is_told_and_taken_out(shop: Path, known: Path, capsys: Capture) -> None:
    given = ("--repo", str(shop), "--baseline", str(known))
    (shop / "b.sh").write_text(INSTALL, encoding="utf-8")
    main(["audit", *given, "--write-baseline", "all"])
    capsys.readouterr()
    (shop / "a.sh").write_text("true\n", encoding="utf-8")
    assert main(["audit", *given]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "1 of the baseline is fixed"
    assert len(entries(known)) == 2
    assert main(["audit", *given, "--write-baseline", "prune"]) == 0
    shown = capsys.readouterr()
    assert shown.out.splitlines()[-1] == "1 of the baseline is fixed"
    assert shown.err == f"cc-fleet: {known}: 0 added, 1 taken out, 1 known\n"
    assert entries(known) == [("", "b.sh", "cli-unpinned")]
    before = known.stat()
    assert main(["audit", *given, "--write-baseline", "prune"]) == 0
    assert capsys.readouterr().err == f"cc-fleet: {known}: nothing to change, 1 known\n"
    assert (before.st_mtime_ns, before.st_ino) == (known.stat().st_mtime_ns, known.stat().st_ino)


def test_what_could_not_be_read_is_not_fixed(shop: Path, known: Path, capsys: Capture) -> None:
    (shop / "package.json").write_text('{"dependencies": {"@anthropic-ai/claude-code": "*"}}', encoding="utf-8")
    given = ("--repo", str(shop), "--baseline", str(known))
    main(["audit", *given, "--write-baseline", "all"])
    before = entries(known)
    assert ("", "package.json", "cli-unpinned") in before
    (shop / "package.json").write_text('{"dependencies": {"@anthropic-ai/claude-code": ', encoding="utf-8")
    for form in ("prune", "all"):
        assert main(["audit", *given, "--write-baseline", form]) == 4
        assert entries(known) == before
    capsys.readouterr()


def test_machines_and_repositories_by_their_names(tmp_path: Path, shop: Path, known: Path, capsys: Capture) -> None:
    for name in ("one", "two"):
        case._system({"npm": {"/usr/local": "2.1.19"}, "files": {"/etc/hostname": f"{name}\n"}}, tmp_path / name)
    both = ("--root", str(tmp_path / "one"), "--root", str(tmp_path / "two"))
    assert audit(capsys, "--root", str(tmp_path / "one"), "--baseline", str(known), "--write-baseline", "all")[0] == 0
    assert audit(capsys, *both, "--baseline", str(known))[0] == 1
    assert audit(capsys, *both, "--repo", str(shop), "--baseline", str(known), "--write-baseline", "all")[0] == 0
    whole = entries(known)
    assert {target for target, _, _ in whole} >= {"one", "two", ""}
    assert audit(capsys, "--root", str(tmp_path / "one"), "--baseline", str(known), "--write-baseline", "all")[0] == 0
    assert entries(known) == whole  # what was not looked at stays
    (tmp_path / "other" / "shop").mkdir(parents=True)
    (tmp_path / "other" / "shop" / "a.sh").write_text(INSTALL, encoding="utf-8")
    two = ("--repo", str(shop), "--repo", str(tmp_path / "other" / "shop"))
    known.unlink()
    assert audit(capsys, *two, "--baseline", str(known), "--write-baseline", "all")[0] == 0
    assert [target for target, _, _ in entries(known)] == ["shop", f"shop ({tmp_path / 'other' / 'shop'})"]


def test_what_is_excused_otherwise_is_not_written(shop: Path, known: Path, capsys: Capture) -> None:
    (shop / "b.sh").write_text(f"# cc-fleet: ignore[cli-unpinned] so\n{INSTALL}", encoding="utf-8")
    (shop / "c.sh").write_text(f"# cc-fleet: ignore[cli-unpinned] so until=2020-01-01\n{INSTALL}", encoding="utf-8")
    assert audit(capsys, "--repo", str(shop), "--baseline", str(known), "--write-baseline", "all", "--fail-on", "warning")[:2] == (1, ["waiver-expired c.sh"])
    assert entries(known) == [("", "a.sh", "cli-unpinned"), ("", "c.sh", "cli-unpinned")]


ABOUT = About("p", (), "", 0, "")
NOTE = Finding("known-issue", "note", "shop", Problem("X@1.0.0", "m", Place("Dockerfile", 3), advisory="CCF-1"), "a" * 64)


def report(*findings: Finding, gaps: tuple[Gap, ...] = (), name: str = "shop") -> Report:
    target = Target("repository", name, "linux", "2026-11-24T00:00:00Z", "", Coverage(False, (), (), 1), gaps=gaps)
    return Report(ABOUT, "2026-11-24T12:00:00Z", (target,), findings)


def test_what_became_worse_is_new() -> None:
    made = baseline.renewed(None, report(NOTE), "2026-11-24")
    for severity, excused in (("note", True), ("warning", False), ("error", False)):
        told = baseline.applied(made, report(NOTE._replace(severity=severity)))
        assert (told.findings[0].waived is not None, told.fixed, told.baseline) == (excused, 0, frozenset({NOTE.fingerprint}) if excused else frozenset())
    worst = baseline.renewed(None, report(NOTE._replace(severity="error")), "2026-11-24")
    assert baseline.applied(worst, report(NOTE)).findings[0].waived is not None


def test_a_repository_may_be_called_otherwise_elsewhere() -> None:
    made = baseline.renewed(None, report(NOTE), "2026-11-24")
    told = baseline.applied(made, report(NOTE._replace(target="checkout"), name="checkout"))
    assert (told.findings[0].waived, told.fixed) == (Waived("in the baseline of 2026-11-24", None, by="baseline"), 0)


def test_what_nobody_can_ignore_is_never_known() -> None:
    kept = [NOTE._replace(check=check) for check in ("unreadable", "waiver-expired")]
    assert baseline.renewed(None, report(*kept), "2026-11-24").findings == ()
    forged = baseline.Baseline("2026-11-24", tuple(baseline.Known("", "Dockerfile", one.check, "X", "note", one.fingerprint) for one in kept))
    assert [finding.waived for finding in baseline.applied(forged, report(*kept)).findings] == [None, None]


def test_consequences_are_known_too() -> None:
    cause = NOTE._replace(fingerprint="c" * 64, severity="error")
    follows = NOTE._replace(problem=NOTE.problem._replace(because=cause.fingerprint))
    made = baseline.renewed(None, report(cause, follows), "2026-11-24")
    assert baseline.applied(made, report(NOTE)).findings[0].waived is not None  # the cause is fixed


def test_its_day_is_that_of_the_last_change() -> None:
    made = baseline.renewed(None, report(NOTE), "2026-11-24")
    assert baseline.pruned(made, report(NOTE), "2026-12-01") == baseline.renewed(made, report(NOTE), "2026-12-01") == made
    assert baseline.pruned(made, report(), "2026-12-01") == baseline.Baseline("2026-12-01", ())


def test_the_text_is_the_same_whatever_the_order() -> None:
    findings = [NOTE._replace(fingerprint=letter * 64, problem=NOTE.problem._replace(place=Place(f"{letter}.sh", 1))) for letter in "badc"]
    one, two = (baseline.dump(baseline.renewed(None, report(*some), "2026-11-24")) for some in (findings, findings[::-1]))
    assert one == two
    assert baseline.load(one) == baseline.Baseline("2026-11-24", tuple(sorted(baseline.load(one).findings)))
    assert len(one.splitlines()) == 6
    assert baseline.load(baseline.dump(baseline.Baseline("2026-11-24", ()))).findings == ()
    odd = NOTE._replace(problem=NOTE.problem._replace(place=Place("a\udcff.sh\n", 1)))
    assert len(baseline.dump(baseline.renewed(None, report(odd), "2026-11-24")).encode().splitlines()) == 3


ONE = '{"target": "", "file": "a", "check": "c", "subject": "s", "severity": "error", "fingerprint": "f"}'
HEAD = '{"schema": "cc-fleet/baseline/1", "written": "2026-11-24", "findings": '


@pytest.mark.parametrize(("text", "error"), [
    ("", ":1: is not JSON: expecting value"),
    ("{\n\n,", ":3: is not JSON: expecting property name enclosed in double quotes"),
    ("[]", ":1: is no baseline of cc-fleet: no schema cc-fleet/baseline/1"),
    ('{"schema": "cc-fleet/facts/1"}', ":1: is no baseline of cc-fleet: no schema cc-fleet/baseline/1"),
    ('{"schema": "cc-fleet/baseline/x"}', ":1: is no baseline of cc-fleet: no schema cc-fleet/baseline/1"),
    ('{"schema": "cc-fleet/baseline/9"}', ":1: cc-fleet/baseline/9 is newer than cc-fleet/baseline/1, the newest that this cc-fleet reads"),
    ('{"schema": "cc-fleet/baseline/0"}', ":1: cc-fleet/baseline/0 is no version of baselines"),
    (HEAD.replace("2026-11-24", "a\\u001b[2J") + "[]}", ":1: written: expected a date"),
    (HEAD + "{}}", ":1: findings: expected a list"),
    (f"{HEAD}[\n {ONE},\n 7\n]}}", ":3: findings.1: expected an object"),
    (f"{HEAD}[\n {ONE},\n\n {ONE.replace('error', 'bad')}\n]}}", ":4: findings.1.severity: expected one of error, warning, note"),
    (f"{HEAD}[\n {ONE.replace(chr(34) + 's' + chr(34), '1')}\n]}}", ":2: findings.0.subject: expected a text"),
    (f'{HEAD}[\n {{"target": ""}}\n]}}', ":2: findings.0: 'file' is required"),
    ("[" * 100_000, ":1: is nested too deep, or holds a number of too many digits"),
    ('{"schema": ' + "9" * 5000 + "}", ":1: is nested too deep, or holds a number of too many digits"),
    ("\udcff", ": is not UTF-8 text"),
    (" " * (baseline.SIZE + 1), ": is larger than 16 MiB"),
], ids=range(17))  # fmt: skip
def test_a_malformed_baseline_is_an_input_error(text: str, error: str, shop: Path, known: Path, capsys: Capture) -> None:
    known.write_bytes(text.encode("utf-8", "surrogateescape"))
    for more in ((), ("--write-baseline", "all")):
        assert main(["audit", "--repo", str(shop), "--baseline", str(known), *more]) == 2
        assert capsys.readouterr() == ("", f"cc-fleet: {known}{error}\n")
    assert known.read_bytes() == text.encode("utf-8", "surrogateescape")


def test_a_baseline_that_is_no_file(shop: Path, tmp_path: Path, capsys: Capture) -> None:
    os.mkfifo(tmp_path / "fifo")
    for name, error in ((str(tmp_path), "is a directory"), (str(tmp_path / "none" / "x.json"), "no such baseline; --write-baseline all makes it"), (str(tmp_path / "fifo"), "1: is not JSON")):
        assert main(["audit", "--repo", str(shop), "--baseline", name]) == 2
        assert error in capsys.readouterr().err
    assert main(["audit", "--repo", str(shop), "--baseline", str(tmp_path / "none" / "x.json"), "--write-baseline", "all"]) == 2
    assert "no such file or directory; nothing was changed" in capsys.readouterr().err


def test_a_link_and_a_mode_are_kept(shop: Path, known: Path, tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "link.json").symlink_to("known.json")
    given = ("audit", "-q", "--repo", str(shop), "--baseline", str(tmp_path / "link.json"), "--write-baseline")
    assert main([*given, "all"]) == 0
    known.chmod(0o640)
    (shop / "b.sh").write_text(INSTALL, encoding="utf-8")
    assert main([*given, "all"]) == 0
    assert ((tmp_path / "link.json").is_symlink(), stat.S_IMODE(known.stat().st_mode), len(entries(known))) == (True, 0o640, 2)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["known.json", "link.json", "shop"]
    capsys.readouterr()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a disk that is full")
def test_what_cannot_be_written_changes_nothing(shop: Path, known: Path, capsys: Capture) -> None:
    main(["audit", "-q", "--repo", str(shop), "--baseline", str(known), "--write-baseline", "all"])
    capsys.readouterr()
    before = known.read_bytes()
    (shop / "b.sh").write_text(INSTALL, encoding="utf-8")
    limited = f"ulimit -f 0; exec {sys.executable} -m cc_fleet audit -q --repo {shop} --baseline {known} --write-baseline all"
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).resolve().parents[2]), "PYTHONDONTWRITEBYTECODE": "1"}
    ran = subprocess.run(["bash", "-c", limited], env=environ, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (2, f"cc-fleet: {known}: file too large; nothing was changed\n")
    assert known.read_bytes() == before
    assert [file.name for file in known.parent.iterdir() if file.name.startswith(".")] == []


@pytest.mark.parametrize(("arguments", "error"), [
    (("--write-baseline", "all"), "give --baseline FILE as well"),
    (("--baseline", "x", "--write-baseline", "all", "--repo", ".", "--changed-since", "HEAD"), "--changed-since tells a part"),
])  # fmt: skip
def test_options_that_do_not_go_together(arguments: tuple[str, ...], error: str, capsys: Capture) -> None:
    assert main(["audit", *arguments]) == 2
    assert error in capsys.readouterr().err


def test_sarif_says_what_is_new(shop: Path, known: Path, capsys: Capture) -> None:
    given = ("--repo", str(shop), "--baseline", str(known))
    main(["audit", "-q", *given, "--write-baseline", "all"])
    (shop / "b.sh").write_text(f"{INSTALL}", encoding="utf-8")
    (shop / "c.sh").write_text(f"# cc-fleet: ignore[cli-unpinned] so\n{INSTALL}", encoding="utf-8")
    capsys.readouterr()
    main(["audit", "--format", "sarif", *given])
    results = json.loads(capsys.readouterr().out)["runs"][0]["results"]
    told = {one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]: (one["baselineState"], [s["kind"] for s in one.get("suppressions", ())]) for one in results}
    assert told == {"a.sh": ("unchanged", ["external"]), "b.sh": ("new", []), "c.sh": ("new", ["inSource"])}
