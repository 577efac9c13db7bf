"""Every advisory is its own test; a company's own folder adds to them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cc_fleet import advisories
from cc_fleet.advisories import Advisory, Text, examples
from cc_fleet.cli import commands
from cc_fleet.client import Effective, Source
from cc_fleet.decode import DecodeError
from cc_fleet.model import REDACTED, Place

PACKAGED = advisories.packaged()
each = pytest.mark.parametrize("advisory", PACKAGED, ids=lambda advisory: advisory.id)

OWN = """\
id: {id}
title: ours
severity: note
who: config
cause: because
remedies: [{{who: you, text: do it}}]
evidence: {{level: reported, sources: [x], checked: 2026-01-01}}
examples: {{affected: [], fine: []}}
"""


@each
def test_its_examples_hold(advisory: Advisory) -> None:
    assert list(examples.failures(advisory)) == []


@each
def test_it_has_examples_on_each_side(advisory: Advisory) -> None:
    if advisory.affects is None:
        assert advisory.symptoms
        assert advisory.examples.affected == ()
        return
    assert advisory.examples.affected
    assert advisory.examples.fine


@each
def test_every_text_has_a_symptom_and_every_symptom_a_text(advisory: Advisory) -> None:
    for text in advisory.examples.texts:
        assert any(re.search(symptom, text) for symptom in advisory.symptoms), text
    for symptom in advisory.symptoms:
        assert any(re.search(symptom, text) for text in advisory.examples.texts), symptom


@each
def test_a_symptom_says_something(advisory: Advisory) -> None:
    for symptom in advisory.symptoms:
        assert not re.search(symptom, "")
        assert not re.search(symptom, "API Error: 400 invalid_request_error"), "matches any error"


@each
def test_it_says_what_helps_and_how_it_is_known(advisory: Advisory) -> None:
    assert advisory.remedies
    assert advisory.cause.strip()
    assert advisory.evidence.sources
    assert "2026-01-01" <= advisory.evidence.checked <= "2026-12-31"
    assert "\n" not in advisory.title
    for remedy in advisory.remedies:
        assert "\n" not in remedy.text.strip()
        assert remedy.command is None or ("\n" not in remedy.command and remedy.command == remedy.command.strip())


@each
def test_a_command_of_ours_that_it_names_exists(advisory: Advisory) -> None:
    for remedy in advisory.remedies:
        for name in re.findall(r"cc-fleet ([a-z]+)", f"{remedy.text} {remedy.command}"):
            assert name in commands()


def test_ids_are_unique_and_the_files_names() -> None:
    assert [(Path(a.place.file).stem, a.id) for a in PACKAGED] == [(a.id, a.id) for a in PACKAGED]
    assert len({a.id for a in PACKAGED}) == len(PACKAGED) >= 28
    assert all(re.fullmatch(r"CCF-[0-9]{4}-[0-9]{4}", a.id) for a in PACKAGED)


def test_the_compiled_ones_are_those_of_the_folder() -> None:
    folder = os.path.dirname(advisories.__file__)
    assert tuple(advisories.read_folder(folder)) == PACKAGED
    assert re.fullmatch(r"[0-9a-f]{64}", advisories.digest())


# A company's own


def test_an_own_folder_adds_and_replaces_by_id(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(OWN.format(id="CCF-2026-0001"))
    (tmp_path / "b.yml").write_text(OWN.format(id="ACME-1"))
    (tmp_path / "notes.txt").write_text("no advisory")
    found = {a.id: a for a in advisories.load((str(tmp_path),))}
    assert len(found) == len(PACKAGED) + 1
    assert (found["CCF-2026-0001"].title, found["ACME-1"].title) == ("ours", "ours")
    assert advisories.load() == PACKAGED


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (("severity: note", "severity: fatal"), "x.yaml:3:11: severity: 'fatal' is not one of error, note, warning"),
        (("cause: because\n", ""), "x.yaml:1:1: the document: 'cause' is required"),
        (("checked: 2026-01-01", "checked: today"), "evidence.checked: expected a date such as 2026-12-31, not 'today'"),
        (("who: you", "who: nobody"), "remedies.0.who: 'nobody' is not one of admin, gateway, repository, you"),
        (("title: ours", "titel: ours"), "x.yaml:2:1: the document: 'titel' is not known; did you mean 'title'?"),
        (("title: ours", "title: [ours"), "x.yaml:"),
        (("cause: because", "cause: b\naffects: {versions: '^2'}"), "affects.versions: '^2' is npm's form"),
        (("cause: because", "cause: b\naffects: {when: {env: {X: maybe}}}"), "affects.when.env.X: 'maybe' is none of on, off, set"),
        (("cause: because", "cause: b\naffects: {when: {scopes: [home]}}"), "affects.when.scopes.0: 'home' is not one of"),
        (("cause: because", "cause: b\nsymptoms: ['(']"), "symptoms"),
        ((OWN, ""), "x.yaml:1:1: the document is empty"),
        ((OWN, "- a"), "x.yaml:1:1: the document: expected a mapping"),
    ],
)
def test_errors_of_a_broken_advisory(change: tuple[str, str], error: str, tmp_path: Path) -> None:
    text = OWN.format(id="ACME-1")
    (tmp_path / "x.yaml").write_text(change[1] if change[0] == OWN else text.replace(*change))
    with pytest.raises(DecodeError) as caught:
        advisories.load((str(tmp_path),))
    assert error in str(caught.value)


def test_an_error_names_the_folder_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("- a")
    with pytest.raises(DecodeError, match=re.escape(str(tmp_path))):
        advisories.load((str(tmp_path),))


def test_two_own_advisories_of_one_id_are_an_error(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(OWN.format(id="ACME-1"))
    with pytest.raises(DecodeError, match="ACME-1"):
        advisories.load((str(tmp_path),))


@pytest.mark.parametrize("kind", ["missing", "a file", "not utf-8", "a folder.yaml", "a pipe.yaml", "a dangling link.yaml"])
def test_a_folder_that_cannot_be_read_is_one_error(kind: str, tmp_path: Path) -> None:
    folder = tmp_path / "own"
    if kind == "a file":
        folder.write_text("x")
    elif kind != "missing":
        folder.mkdir()
    if kind == "not utf-8":
        (folder / "x.yaml").write_bytes(b"id: \xff")
    elif kind == "a folder.yaml":
        (folder / kind).mkdir()
    elif kind == "a pipe.yaml":
        os.mkfifo(folder / kind)
        program = f"from cc_fleet import advisories; advisories.load(({str(folder)!r},))"
        ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=3, check=False)
        assert "DecodeError" in ran.stderr
        return
    elif kind == "a dangling link.yaml":
        (folder / kind).symlink_to("nothing")
    with pytest.raises(DecodeError):
        advisories.load((str(folder),))


# Conditions


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("on", "1", True), ("on", "0", False), ("on", None, False), ("off", "0", True), ("off", None, True), ("off", "true", False),
        ("set", "x", True), ("set", "", False), ("set", None, False), ("unset", None, True), ("unset", "", True), ("unset", "x", False),
        ("falsy", "off", True), ("falsy", " NO ", True), ("falsy", "", False), ("falsy", None, False), ("falsy", "1", False),
        ("not-digits", "1e1", True), ("not-digits", "5", False), ("not-digits", "abc", False), ("not-digits", None, False),
        ("<1", "0", True), ("<1", "-1", True), ("<1", "1", False), ("<1", "abc", False), ("<1", None, False), (">=64", "64", True), ("> 5", "5", False), ("<=5", "5", True),
    ],
)  # fmt: skip
def test_a_condition_on_a_text(text: str, value: str | None, expected: bool) -> None:
    assert Text.parse(text).holds("CLAUDE_X", Effective(value)) is expected


@pytest.mark.parametrize("value", [None, REDACTED])
def test_of_a_value_that_is_not_known_only_that_it_is_set(value: str | None) -> None:
    unknown = Effective(value, Source("x", "process", value, Place("x")))
    assert [word for word in ("on", "off", "set", "unset", "falsy", "not-digits", "<1") if Text.parse(word).holds("CLAUDE_X", unknown)] == ["set"]


@pytest.mark.parametrize("example", [{"colour": "red"}, {"provider": "aws"}, {}, {"ANTHROPIC_MODEL": "opus"}, {"setting.": "x"}])
def test_an_example_that_means_nothing_is_an_error(example: dict[str, str]) -> None:
    with pytest.raises(examples.ExampleError):
        examples.view(example)


def test_an_example_that_does_not_hold_is_told(tmp_path: Path) -> None:
    text = OWN.replace("cause:", "affects: {{versions: '<2.1.5'}}\ncause:").replace("affected: []", "affected: [{{cli: 2.1.5}}]").replace("fine: []", "fine: [{{cli: 2.1.4}}]")
    (tmp_path / "x.yaml").write_text(text.format(id="ACME-1"))
    (own,) = advisories.read_folder(str(tmp_path))
    assert [line.split(": ", 2)[2] for line in examples.failures(own)] == ["{'cli': '2.1.5'} should be affected", "{'cli': '2.1.4'} should not be affected"]
