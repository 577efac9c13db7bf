"""The report for people, as golden files: ``CC_FLEET_UPDATE=1 pytest tests/report`` writes them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from cc_fleet.model import Finding, Fix, Place, Problem, Step, Waived
from cc_fleet.report import About, Report, Style, counts, format_, names, verdict
from cc_fleet.report.text import printable, render
from tests.report import sample

EVIL = "e\x1b[31mv\x07i\u202el\u2066\x9b2J\x7f\r\nend\ttab"


@pytest.mark.parametrize(
    ("name", "report", "style"),
    [
        ("plain", sample.FULL, Style()),
        ("color", sample.FULL, Style(color=True)),
        ("ascii", sample.FULL, Style(unicode=False)),
        ("narrow", sample.FULL, Style(width=60)),
        ("verbose", sample.FULL, Style(verbose=True)),
        ("clean", sample.CLEAN, Style()),
        ("nothing", sample.NOTHING, Style()),
        ("gaps", sample.GAPS, Style()),
        ("two", sample.TWO, Style()),
        ("windows", sample.WINDOWS, Style()),
        ("many-notes", sample.MANY, Style()),
        ("notes-alone", sample.ALONE, Style()),
    ],
)
def test_golden(name: str, report: Report, style: Style) -> None:
    golden = Path(__file__).with_name(f"{name}.golden")
    text = render(report, style)
    if os.environ.get("CC_FLEET_UPDATE"):
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


def test_ascii_is_ascii_and_a_narrow_report_is_narrow() -> None:
    assert render(sample.FULL, Style(unicode=False)).isascii()
    free = ("policy ", "sha256", "read ", "$ ", "/", "ask ")  # a path or a command is never broken
    for line in render(sample.FULL, Style(width=60)).splitlines():
        assert len(line) <= 60 or any(word in line for word in free), line


def test_a_consequence_stands_under_its_cause_only() -> None:
    lines = render(sample.FULL, Style()).splitlines()
    (at,) = (number for number, line in enumerate(lines) if "CCF-2026-0001" in line)
    assert lines[at].startswith("     ↳ so: ")
    assert any("[cli-version]" in line for line in lines[:at])


def test_a_consequence_whose_cause_is_not_shown_is_not_lost() -> None:
    """It may be the only one there is: because another was filtered, or stands on another target."""
    alone = sample.FULL._replace(findings=(sample.FINDINGS[1],))
    assert "CCF-2026-0001" in render(alone)


def test_a_consequence_of_a_consequence_is_shown() -> None:
    cause, consequence = sample.FINDINGS[:2]
    third = finding(cause.problem.place, problem=consequence.problem._replace(message="the end of the chain", because=consequence.fingerprint))
    assert "the end of the chain" in render(sample.FULL._replace(findings=(cause, consequence, third)))


def test_every_finding_is_shown() -> None:
    text = render(sample.TWO, Style(width=400))
    assert [f.problem.message for f in sample.FINDINGS if f.problem.message not in text] == []


OURS = {"kind", "sha256", "check", "who", "until", "severity", "because", "target", "fingerprint", "advisories_sha256"}


def replaced(value: Any) -> Any:
    """``value`` with something evil in every text that may come from elsewhere."""
    if isinstance(value, str):
        return value + EVIL
    if hasattr(value, "_fields"):
        return value._replace(**{name: replaced(getattr(value, name)) for name in value._fields if name not in OURS})
    return tuple(map(replaced, value)) if isinstance(value, tuple) else value


@pytest.mark.parametrize("style", [Style(), Style(unicode=False), Style(width=60), Style(verbose=True)])
@pytest.mark.parametrize("report", [sample.FULL, sample.NOTHING, sample.TWO])
def test_nothing_in_a_report_steers_a_terminal(report: Report, style: Style) -> None:
    """Facts and policies come from other machines and people."""
    evil = report._replace(about=replaced(report.about), targets=replaced(report.targets), findings=replaced(report.findings))
    evil = evil._replace(findings=tuple(f._replace(target=f.target if f.target == "policy" else f.target + EVIL) for f in evil.findings))
    bad = [line for line in render(evil, style).split("\n") if not line.isprintable()]
    assert bad == []


def test_printable() -> None:
    assert printable(EVIL) == "e\\x1b[31mv\\x07i\\u202el\\u2066\\x9b2J\\x7f\\r\\nend\\ttab"
    assert printable("ünï 漢字 🎉") == "ünï 漢字 🎉"
    assert printable("\ud800") == "\\ud800"


def test_a_home_is_shown_as_a_tilde_and_only_a_home() -> None:
    text = render(sample.FULL)
    assert "~/.claude/settings.json" in text
    assert "/home/ada/" not in text
    assert "/srv/home/ada/x" in render(sample.FULL._replace(findings=(finding(Place("/srv/home/ada/x")),)))
    assert "/home/ada" in render(sample.FULL._replace(home=None))
    assert "/usr/" in render(sample.FULL._replace(home="/"))


def finding(place: Place, **more: Any) -> Finding:
    return Finding("env-flag", "error", "ada-laptop", Problem("X", "message", place, Fix("you", "fix"), trace=(Step("a", "b"),)), "9" * 64)._replace(**more)


def test_waived_says_until_and_why() -> None:
    text = render(sample.FULL._replace(findings=(finding(Place("/x"), waived=Waived("because", "2027-01-01")),)))
    assert "waived until 2027-01-01: because" in text
    assert "0 errors, 0 warnings, 0 notes, 1 waived" in text


def test_sums() -> None:
    report = sample.FULL
    assert [report.count(level) for level in ("error", "warning", "note")] == [1, 2, 1]
    assert [report.at_least(level) for level in ("error", "warning", "note")] == [1, 3, 4]
    assert [counts(f) for f in sample.FINDINGS] == [True, False, True, True, False, False, True]


@pytest.mark.parametrize(
    ("report", "expected"),
    [(sample.FULL, "findings"), (sample.CLEAN, "compliant"), (sample.NOTHING, "nothing-checked"), (sample.GAPS, "gaps"),
     (sample.CLEAN._replace(findings=(sample.FINDINGS[2],)), "findings"), (sample.CLEAN._replace(findings=(sample.FINDINGS[4],)), "compliant"),
     (sample.GAPS._replace(findings=(sample.FINDINGS[2],)), "gaps")],
)  # fmt: skip
def test_verdict(report: Report, expected: str) -> None:
    assert verdict(report.targets[0], report.by_target().get(report.targets[0].name, [])) == expected


@pytest.mark.parametrize("name", names())
def test_every_format_renders_every_report(name: str) -> None:
    for report in (sample.FULL, sample.CLEAN, sample.NOTHING, sample.GAPS, sample.TWO, Report(About("p", (), "", 0, ""), sample.TIME, (), ())):
        assert format_(name).render(report, Style()).endswith("\n")
    assert format_(name).__doc__


def test_no_note_is_left_out_where_more_is_asked_for() -> None:
    for report in (sample.MANY, sample.ALONE):
        text = render(report, Style(verbose=True))
        assert [number for number in range(1, 6) if f"issue {number}" not in text] == []
    assert render(sample.ALONE._replace(findings=sample.NOTES[:3]), Style()).count("[known-issue") == 3
