"""What a version brought, and what staying at an older one costs."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc_fleet import advisories
from cc_fleet.data import load
from cc_fleet.milestones import KINDS, Milestone, clause, lost, milestones, pinned_by, recorded
from cc_fleet.versions import key, published
from tests import case

PROJECT = Path(__file__).resolve().parents[1]
VERSIONS = st.sampled_from(published().versions)


def order(version: str) -> tuple[object, ...]:
    found = key(version)
    assert found is not None
    return found


# The data


def test_the_data_is_in_order_and_each_is_told_once() -> None:
    found = milestones()
    assert len(found) > 60
    places = [(order(m.version), KINDS.index(m.kind)) for m in found]
    assert places == sorted(places)
    assert len({(m.version, m.text) for m in found}) == len(found)
    first, last = recorded()
    assert {first, last} <= set(published().versions)
    assert order(first) < order(found[-1].version) <= order(last)
    assert {kind for kind in KINDS if not any(m.kind == kind for m in found)} == set()
    assert {name for row in load("milestones.json")["milestones"] for name in row} == {"version", "kind", "text", "sources", "since"}


@pytest.mark.parametrize("milestone", milestones(), ids=lambda m: f"{m.version} {m.text[:20]}")
def test_a_milestone_is_published_short_and_has_its_sources(milestone: Milestone) -> None:
    assert milestone.version in published().versions
    assert milestone.since is None or (milestone.since in published().versions and order(milestone.since) < order(milestone.version))
    assert milestone.kind in KINDS
    assert 5 < len(milestone.text) <= 90
    assert milestone.text == milestone.text.strip()
    assert not milestone.text.endswith(".")
    assert milestone.sources
    assert all(len(source) > 10 for source in milestone.sources)
    changelogs = [source.rpartition(" ")[2] for source in milestone.sources if "CHANGELOG" in source]
    assert changelogs in ([], [milestone.version])


# What is lost


@pytest.mark.parametrize(
    ("version", "models", "security"),
    [
        ("2.1.110", ["Opus 4.7", "Opus 4.8", "Fable 5", "Sonnet 5", "Opus 5"], 2),
        ("2.1.111", ["Opus 4.8", "Fable 5", "Sonnet 5", "Opus 5"], 2),
        ("2.1.152", ["Opus 4.8", "Fable 5", "Sonnet 5", "Opus 5"], 2),
        ("2.1.153", ["Opus 4.8", "Fable 5", "Sonnet 5", "Opus 5"], 0),
        ("2.1.154", ["Fable 5", "Sonnet 5", "Opus 5"], 0),
        ("2.1.218", ["Opus 5"], 0),
        ("2.1.219", [], 0),
    ],
)
def test_models_and_security(version: str, models: list[str], security: int) -> None:
    assert [m.text for m in lost(version) if m.kind == "model"] == models
    assert len([m for m in lost(version) if m.version == "2.1.153" and m.kind == "security"]) == security


def test_a_fix_of_what_a_later_version_broke_is_nothing_to_an_earlier_one() -> None:
    repaired = next(m for m in milestones() if m.version == "2.1.161" and m.since == "2.1.146")
    assert repaired in lost("2.1.146")
    assert repaired in lost("2.1.160")
    assert repaired not in lost("2.1.145")
    assert repaired not in lost("2.1.161")


@given(VERSIONS, VERSIONS, VERSIONS)
def test_the_cost_of_two_steps_is_theirs_together(one: str, two: str, three: str) -> None:
    first, middle, last = sorted((one, two, three), key=order)
    whole = set(lost(first, last))
    assert set(lost(first, middle)) <= whole
    assert {m for m in lost(middle, last) if m.since is None} <= whole
    assert {m for m in whole if m.since is None} <= set(lost(first, middle)) | set(lost(middle, last))
    assert lost(last, first) == ()
    assert all(order(first) < order(m.version) <= order(last) for m in whole)
    assert lost(first) == lost(first, published().newest)


@pytest.mark.parametrize("version", ["", "x", "2.1", "9.9.9", "latest"])
def test_nothing_is_lost_by_no_version_or_one_newer_than_known(version: str) -> None:
    assert lost(version) == ()
    assert clause(version) == ""


@pytest.mark.parametrize("until", ["", "x", "latest", "2.1.17", "0.2.9"])
def test_nothing_is_lost_up_to_no_version_or_an_older_one(until: str) -> None:
    assert lost("2.1.17", until) == ()


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ("2.1.17", "goes without Fable 5, Sonnet 5, Opus 5, 4 older models and 94 security fixes"),
        ("2.1.153", "goes without Opus 4.8, Fable 5, Sonnet 5, Opus 5 and 66 security fixes"),
        ("2.1.212", "goes without Opus 5 and 38 security fixes"),
        ("2.1.240", "goes without 9 security fixes"),
        ("2.1.251", ""),
        ("2.1.330", ""),
    ],
)
def test_the_clause(version: str, told: str) -> None:
    assert clause(version) == told


@pytest.mark.parametrize(
    ("kinds", "told"),
    [
        ("security", "goes without 1 security fix"),
        ("fix", "goes without 1 fix"),
        ("fix fix ability", "goes without 2 fixes"),
        ("security fix", "goes without 1 security fix"),
        ("ability", ""),
        ("model", "goes without model 0"),
        ("model model model model", "goes without model 0, model 1, model 2, model 3"),
        ("model model model model model fix", "goes without model 2, model 3, model 4, 2 older models"),
    ],
)
def test_what_a_clause_tells(kinds: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    known = tuple(Milestone("2.1.300", kind, f"{kind} {number}", ("a source",)) for number, kind in enumerate(kinds.split()))
    monkeypatch.setattr("cc_fleet.milestones.milestones", lambda: known)
    assert clause("2.1.250") == told


@pytest.mark.parametrize(
    ("command", "version"),
    [
        ("npm install -g @anthropic-ai/claude-code@2.1.153", "2.1.153"),
        ("npm install -g --prefix /opt/x @anthropic-ai/claude-code@2.1.153", "2.1.153"),
        ("claude install 2.1.153", "2.1.153"),
        ("curl -fsSL https://claude.ai/install.sh | bash -s 2.1.153", "2.1.153"),
        ("code --install-extension anthropic.claude-code@2.1.17 --force", "2.1.17"),
        ("npm install -g @anthropic-ai/claude-code", None),
        ("npm install -g @anthropic-ai/claude-code@latest", None),
        ("claude install stable", None),
        ("npm install -g @anthropic-ai/claude-code@2.1.153-beta.1", None),
        ("npm install -g typescript@5.1.2", None),
        ("", None),
    ],
)
def test_the_version_that_a_command_pins(command: str, version: str | None) -> None:
    assert pinned_by(command) == version


def test_every_command_of_an_advisory_that_installs_is_understood() -> None:
    commands = [r.command for a in advisories.packaged() for r in a.remedies if r.command and "install" in r.command]
    assert commands
    assert all(pinned_by(command) in published().versions for command in commands)


# Findings say it, and only who says it reads the data


@pytest.mark.parametrize(
    ("version", "policy", "loaded", "told"),
    [
        ("2.1.330", "{}", False, ""),
        ("2.1.200", "cli: {versions: '>=2.1.210'}", False, "install 2.1.330\n"),
        ("2.1.330", "cli: {versions: '<=2.1.200'}", True, "install 2.1.200 (goes without Opus 5 and 46 security fixes)"),
        ("2.1.330", "cli: {versions: '<=2.1.300'}", True, "install 2.1.300\n"),
    ],
    ids=("clean", "newest", "old", "old-and-nothing-lost"),
)
def test_an_audit_reads_the_data_only_to_say_it(version: str, policy: str, loaded: bool, told: str, tmp_path: Path) -> None:
    case._system({"npm": {"/usr/local": version}}, tmp_path / "root")
    (tmp_path / "p.yaml").write_text(f"policy: mine\nseverity: {{auto-update: ignore}}\n{'' if policy == '{}' else policy}\n")
    program = (
        f"import sys; from cc_fleet.cli import main; main(['audit', '--root', {str(tmp_path / 'root')!r}, '--policy', {str(tmp_path / 'p.yaml')!r}]);"
        "print([name for name in sys.modules if name == 'cc_fleet.milestones'])"
    )
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(PROJECT), "COLUMNS": "140"}
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environ, check=True)
    assert bool(ast.literal_eval(ran.stdout.splitlines()[-1])) is loaded
    assert told in ran.stdout
    assert ("goes without" in ran.stdout) is ("goes without" in told)
