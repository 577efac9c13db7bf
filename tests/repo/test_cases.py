"""Every form in which a repository asks for Claude Code: ``cases/<kind>/<case>.yaml``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.repo import case

CASES = sorted(Path(__file__).parent.glob("cases/*/*.yaml"))


@pytest.mark.parametrize("file", CASES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_case(file: Path, tmp_path: Path) -> None:
    told = case.read(file)
    found = case.findings(told, tmp_path)
    assert sorted(case.said(finding) for finding in found if finding.check != "unreadable") == sorted(told["findings"])
    gaps = [str(finding.problem.place) for finding in found if finding.check == "unreadable"]
    assert sorted(gaps) == sorted(told.get("gaps", []))
