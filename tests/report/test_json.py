"""The report as JSON: the contract of DESIGN 6, key by key."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cc_fleet import __version__
from cc_fleet.report.json import overall, render
from tests.report import sample

DOCUMENT = json.loads(render(sample.TWO))
CONTRACT = {
    "report": {"schema", "tool", "policy", "advisories", "time", "targets", "findings", "summary"},
    "tool": {"name", "version"},
    "policy": {"name", "files", "sha256"},
    "advisories": {"count", "sha256"},
    "target": {"kind", "name", "machine_id", "groups", "os", "verdict", "collected_at", "installs", "gaps", "coverage"},
    "install": {"product", "version", "method", "active_for", "place"},
    "gap": {"reason", "place"},
    "finding": {"check", "advisory", "severity", "target", "message", "place", "fix", "because", "fingerprint", "waived"},
    "place": {"file", "line", "column", "text"},
    "fix": {"who", "summary", "command"},
    "summary": {"targets", "errors", "warnings", "notes", "waived", "gaps", "verdict"},
}
# What we say beyond the contract.
MORE = {"summary": {"fixed"}, "policy": {"contact", "parts"}, "target": {"routes", "overlays", "declared"}, "install": {"bundled_in", "intact", "pinned"}, "finding": {"subject", "trace"}}
FINDING = DOCUMENT["findings"][0]
PARTS = {
    "report": DOCUMENT, "tool": DOCUMENT["tool"], "policy": DOCUMENT["policy"], "advisories": DOCUMENT["advisories"], "target": DOCUMENT["targets"][0],
    "install": DOCUMENT["targets"][0]["installs"][0], "gap": DOCUMENT["targets"][0]["gaps"][0], "finding": FINDING, "place": FINDING["place"],
    "fix": FINDING["fix"], "summary": DOCUMENT["summary"],
}  # fmt: skip


@pytest.mark.parametrize("part", CONTRACT)
def test_keys_are_the_contracts(part: str) -> None:
    assert set(PARTS[part]) == CONTRACT[part] | MORE.get(part, set())


def test_every_finding_and_target_has_the_same_keys() -> None:
    assert len({frozenset(item) for item in DOCUMENT["findings"]}) == 1
    assert len({frozenset(item) for item in DOCUMENT["targets"]}) == 1


def test_values() -> None:
    assert DOCUMENT["schema"] == "cc-fleet/report/1"
    assert DOCUMENT["tool"] == {"name": "cc-fleet", "version": __version__}
    assert DOCUMENT["summary"] == {"targets": 2, "errors": 1, "warnings": 2, "notes": 1, "waived": 1, "gaps": 1, "fixed": 0, "verdict": "findings"}
    assert [target["verdict"] for target in DOCUMENT["targets"]] == ["findings", "nothing-checked"]
    assert DOCUMENT["findings"][1]["because"] == DOCUMENT["findings"][0]["fingerprint"]
    assert DOCUMENT["findings"][1]["advisory"] == "CCF-2026-0001"
    assert DOCUMENT["findings"][4]["waived"] == {"reason": "an old SDK", "until": "2026-12-31", "owner": "ml@acme.example", "ticket": "OPS-1", "by": "policy"}
    assert DOCUMENT["findings"][3]["fix"] is None
    assert DOCUMENT["targets"][0]["installs"][3]["active_for"] == []
    assert DOCUMENT["targets"][0]["installs"][4]["active_for"] is None


@pytest.mark.parametrize("evil", ["\x00\x1b[31m", "\ud800", "\u202e", "\x7f\x9b", "\u2028", '"\\', "ü漢🎉"])
def test_it_is_valid_whatever_is_inside(evil: str) -> None:
    finding = sample.FINDINGS[0]
    report = sample.FULL._replace(findings=(finding._replace(problem=finding.problem._replace(message=evil)),))
    text = render(report)
    assert json.loads(text.encode("utf-8"))["findings"][0]["message"] == evil
    assert all(line.isprintable() for line in text.split("\n"))
    json.loads(text, parse_constant=_refused)


def _refused(name: str) -> Any:
    raise AssertionError(f"{name} is not JSON")


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([], "nothing-checked"), (["nothing-checked"], "nothing-checked"), (["compliant", "nothing-checked"], "compliant"),
        (["gaps", "compliant"], "gaps"), (["gaps", "findings", "compliant"], "findings"),
    ],
)  # fmt: skip
def test_overall(verdicts: list[str], expected: str) -> None:
    assert overall(verdicts) == expected
