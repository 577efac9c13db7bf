"""Every check, against the cases beside this file: ``checks/<check>/<case>.yaml``."""

from __future__ import annotations

from pathlib import Path

import pytest

from cc_fleet import checks
from tests import case

CASES = sorted(Path(__file__).parent.glob("checks/*/*.yaml"))


@pytest.mark.parametrize("file", CASES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_case(file: Path, tmp_path: Path) -> None:
    told = case.read(file)
    found = case.findings(told, tmp_path)
    told["tmp"] = str(tmp_path)
    shown = [case.said(finding, told) for finding in found if finding.check == file.parent.name]
    assert [line.replace(f"{tmp_path}/", "") for line in shown] == told["problems"]
    if "fixes" in told:
        fixes = [finding.problem.fix for finding in found if finding.check == file.parent.name]
        assert [": ".join(filter(None, fix)) if fix else "" for fix in fixes] == told["fixes"]


@pytest.mark.parametrize("name", checks.all_checks())
def test_every_check_has_a_page_and_a_case_on_each_side(name: str) -> None:
    problems = [bool(case.read(file)["problems"]) for file in CASES if file.parent.name == name]
    assert set(problems) == {True, False}, f"tests/checks/{name} needs a case that finds and one that does not"
    page = checks.all_checks()[name].__doc__ or ""
    assert page.count("\n\n") >= 2, "a check's docstring is its page: what, why, and the fix"
    assert "**Fix**" in page


def test_no_case_of_a_check_that_is_not() -> None:
    assert {file.parent.name for file in CASES} <= set(checks.all_checks())
