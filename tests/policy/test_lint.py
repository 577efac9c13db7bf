"""What a reader of a policy should be told before it judges anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from cc_fleet.policy.lint import lint
from cc_fleet.policy.load import load
from cc_fleet.versions import published

KNOWN = published()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("cli: {versions: '>=2.1.163'}", []),
        ("cli: {versions: '>=2.1.163', install: 2.1.330, gate: derive}", []),
        ("cli: {versions: '2.1.155'}", ["error: cli.versions: 2.1.155 was never published on npm",
                                        f"error: cli.versions: no version published by {KNOWN.date} is in 2.1.155 and not denied"]),
        ("cli: {versions: '>=2.1.1, !=2.1.155'}", ["error: cli.versions: 2.1.155 was never published on npm"]),
        ("cli: {versions: '>=2.1.155'}", []),
        ("cli: {versions: '>=99'}", [f"error: cli.versions: no version published by {KNOWN.date} is in >=99 and not denied"]),
        ("cli: {versions: '2.1.18'}\ndeny: [{id: A, versions: 2.1.18}]", [f"error: cli.versions: no version published by {KNOWN.date} is in 2.1.18 and not denied"]),
        ("cli: {install: 2.1.155}", ["error: cli.install: 2.1.155 was never published on npm"]),
        ("cli: {versions: '>=2.1.163', install: 2.1.17}", ["error: cli.install: 2.1.17 is outside >=2.1.163"]),
        ("cli: {install: 2.1.17}\ndeny: [{id: A, versions: 2.1.17, reason: bad}]", ["error: cli.install: 2.1.17 is denied by A: bad"]),
        ("cli: {gate: derive}", ["warning: cli.gate: clients before 2.1.163 know no gate, and cli.versions admits them"]),
        ("cli: {gate: derive, versions: '<=2.1.17'}", ["warning: cli.gate: clients before 2.1.163 know no gate, and cli.versions admits them"]),
        ("cli: {gate: derive, versions: '2.1.25 || >=2.1.163'}", ["warning: cli.gate: clients before 2.1.163 know no gate, and cli.versions admits them"]),
        ("deny: [{id: A, versions: 2.1.155}]", ["error: deny A: 2.1.155 was never published on npm"]),
        ("deny: [{id: A, versions: 2.1.17, instead: 2.1.18}, {id: B, versions: 2.1.18}]", ["warning: deny A: instead 2.1.18 is denied by B"]),
        ("deny: [{id: A, product: other, versions: 2.1.155}]", []),
        ("severity: {unreadable: ignore}", ["error: severity: unreadable cannot be ignored"]),
        ("severity: {waiver-expired: ignore, env-flag: ignore}", ["error: severity: waiver-expired cannot be ignored"]),
        ("severity: {unreadable: note}", []),
        ("severity: {env-flag: ignore}\nwaivers: [{check: env-flag, until: 2027-01-01, reason: r}]", ["warning: waiver of env-flag: the check is ignored anyway"]),
        ("waivers: [{check: env-flag, until: 2027-01-01, reason: r}]", []),
    ],
)  # fmt: skip
def test_lint(text: str, expected: list[str], tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(f"policy: p\n{text}\n")
    remarks = list(lint(load([str(file)])))
    assert [f"{remark.severity}: {remark.message}" for remark in remarks] == expected
    assert all(remark.place.file == str(file) for remark in remarks)


@pytest.mark.parametrize("text", ["severity: {env-falg: note}", "waivers: [{check: env-falg, until: 2027-01-01, reason: r}]"])
def test_a_check_that_does_not_exist_is_told(text: str, tmp_path: Path) -> None:
    """Else a typing error waives nothing, or leaves a severity as it is, and nobody is told."""
    file = tmp_path / "p.yaml"
    file.write_text(f"policy: p\n{text}\n")
    assert any("env-falg" in remark.message for remark in lint(load([str(file)])))
