"""Every form in which a repository asks for Claude Code: ``cases/<kind>/<case>.yaml``."""

from __future__ import annotations

from pathlib import Path

import pytest

from cc_fleet import repo
from tests.repo import case

# The forms in which public repositories install Claude Code, as they were collected.
FORMS = (
    'npm i -g a b@v "@anthropic-ai/claude-code@${ARG}"', "package on its own continuation line", "bun add -g", 'mise use npm:…@"${V}"',
    "`curl … | bash -s ${V}` / `-s -- $V` / `-s latest`", 'download-to-file then `bash "$installer" stable`', "irm … | iex",
    'ansible `community.general.npm` with `version: "{{ var }}"` in defaults', "homebrew_cask", 'cask "claude-code"', "composite-action input default -> env -> npm",
    "compose `build.args`", "devcontainer `build.args` / `postCreateCommand` / root-level devcontainer.json / JSONC", "Containerfile", "cpp.Dockerfile",
    "Dockerfile.base", "Dockerfile in a shell heredoc", 'nix `version = "…"`', "*.json.tpl", "lockfile beside a range", "COPY managed-settings.json /etc/claude-code/",
)  # fmt: skip
CASES = sorted(Path(__file__).parent.glob("cases/*/*.yaml"))


@pytest.mark.parametrize("file", CASES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_case(file: Path, tmp_path: Path) -> None:
    told = case.read(file)
    found = case.findings(told, tmp_path)
    assert sorted(case.said(finding) for finding in found if finding.check != "unreadable") == sorted(told["findings"])
    gaps = [str(finding.problem.place) for finding in found if finding.check == "unreadable"]
    assert sorted(gaps) == sorted(told.get("gaps", []))


def test_every_form_has_a_case() -> None:
    shown = {case.read(file).get("form") for file in CASES} - {None}
    assert shown == set(FORMS)


def test_a_third_of_the_cases_finds_nothing() -> None:
    clean = sum(not case.read(file)["findings"] for file in CASES)
    assert len(CASES) >= 150
    assert len(CASES) / 3 <= clean


@pytest.mark.parametrize("name", repo.readers())
def test_every_reader_has_a_page(name: str) -> None:
    reader = repo.readers()[name]
    page = reader.__doc__ or ""
    assert page.partition("\n")[0].endswith((".", ":")), "a reader's docstring is its page: which files, which forms, what is not known"
    assert len(page) > 100


def test_the_project_itself_asks_for_nothing() -> None:
    """Its tests and advisories are full of installs, none of which anything runs."""
    target = repo.collect(str(Path(__file__).parents[2]))
    assert [*target.declared, *target.jobs, *target.gaps] == []
