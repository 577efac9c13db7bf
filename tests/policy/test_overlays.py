"""Overlays: which of them speak of a target, and the policy that judges it then."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cc_fleet.checks import judge
from cc_fleet.cli import main
from cc_fleet.client import views
from cc_fleet.host import document
from cc_fleet.model import Coverage, Install, Place, Setting, Target, Variable
from cc_fleet.policy import Policy
from cc_fleet.policy.load import load
from cc_fleet.policy.when import Laid, applied, overlaid
from tests import case

HERE = Place("/usr/local/lib/claude", 1)


def machine(*groups: str, users: dict[str, str] | None = None, **told: Any) -> Target:
    """A machine with these groups; each of ``users`` runs a copy of that version."""
    users = {"ada": "2.1.200"} if users is None else users
    return Target(
        told.get("kind", "machine"), told.get("name", "lab"), told.get("os", "linux"), "2026-11-23T12:00:00Z", "", Coverage(False, tuple(users), tuple(f"/home/{u}" for u in users), 0),
        told.get("machine_id"), groups, tuple(Install("cli", version, "npm", HERE, (user,)) for user, version in users.items()),
        tuple(Setting(("model",), model, "user", HERE, user) for user, model in told.get("models", {}).items()),
        tuple(Variable(name, value, "process", HERE, user) for user, (name, value) in told.get("variables", {}).items()),
    )  # fmt: skip


def policy(tmp: Path, text: str, **files: str) -> Policy:
    for name, content in files.items():
        (tmp / f"{name}.yaml").write_text(f"policy: {name}\n{content}\n", encoding="utf-8")
    file = tmp / "policy.yaml"
    file.write_text(f"policy: p\n{text}\n", encoding="utf-8")
    return load([str(file)]).policy


def names(ruled: Policy, target: Target) -> tuple[str, ...]:
    return applied(ruled, target, views(target))


# Which apply


BEDROCK = {"ada": ("CLAUDE_CODE_USE_BEDROCK", "1")}


@pytest.mark.parametrize(
    ("when", "target", "expected"),
    [
        ("{}", machine(), True),
        ("{}", machine(users={}), True),
        ("{kind: machine}", machine(users={}), True),
        ("{kind: image}", machine(), False),
        ("{kind: [image, filesystem]}", machine(kind="filesystem"), True),
        ("{os: linux, group: canary}", machine("canary"), True),
        ("{os: macos, group: canary}", machine("canary"), False),
        ("{group: canary}", machine("canary"), True),
        ("{group: canary}", machine("canaries"), False),
        ("{group: [canary, early]}", machine("other", "early"), True),
        ("{provider: bedrock}", machine(variables=BEDROCK), True),
        ("{provider: [vertex, anthropic]}", machine(variables=BEDROCK), False),
        ("{cli: '>=2.1.150'}", machine(users={"ada": "2.1.100", "bob": "2.1.200"}), True),
        ("{cli: '>=2.1.150'}", machine(users={"ada": "2.1.100"}), False),
        ("{cli: '>=2.1.150'}", machine(users={}), False),
        ("{model: '*opus*'}", machine(models={"ada": "claude-opus-5"}), True),
        ("{model: '*opus*'}", machine(models={"ada": "haiku"}), False),
        # One client must meet them all: bob's version and ada's provider do not add up.
        ("{cli: '>=2.1.150', provider: bedrock}", machine(users={"ada": "2.1.100", "bob": "2.1.200"}, variables=BEDROCK), False),
        ("{cli: '<2.1.150', provider: bedrock}", machine(users={"ada": "2.1.100", "bob": "2.1.200"}, variables=BEDROCK), True),
        ("{group: canary, provider: bedrock}", machine(variables=BEDROCK), False),
        ("{gateway: 'https://llm.example/*'}", machine(variables={"ada": ("ANTHROPIC_BASE_URL", "https://llm.example/v1")}), True),
        ("{upstream: bedrock}", machine(variables={"ada": ("ANTHROPIC_BASE_URL", "https://llm.example/v1")}), True),
        ("{upstream: vertex}", machine(variables={"ada": ("ANTHROPIC_BASE_URL", "https://llm.example/v1")}), False),
    ],
)
def test_an_overlay_speaks_of_a_target(when: str, target: Target, expected: bool, tmp_path: Path) -> None:
    ruled = policy(tmp_path, f"gateways: [{{url: 'https://llm.example/*', upstream: bedrock}}]\noverlays: [{{name: one, when: {when}, contact: there}}]")
    assert names(ruled, target) == (("one",) if expected else ())


# What they say


def test_of_overlays_that_contradict_the_later_wins_and_nothing_is_said_of_it(tmp_path: Path) -> None:
    ruled = policy(tmp_path, """
cli: {versions: ">=2.1.100", auto-update: false, gate: derive}
contact: all
overlays:
  - {name: canary, when: {group: canary}, cli: {versions: "2.1.201"}, contact: birds}
  - {name: linux, when: {os: linux}, cli: {versions: "2.1.202", gate: "off"}}
""")  # fmt: skip
    target = machine("canary")
    assert names(ruled, target) == ("canary", "linux")
    laid = overlaid(ruled, ("canary", "linux"))
    assert (str(laid.cli.versions), laid.cli.gate, laid.contact) == ("2.1.202", "off", "birds")
    assert laid.cli.auto_update == ruled.cli.auto_update
    assert str(overlaid(ruled, ("canary",)).cli.versions) == "2.1.201"
    messages = {finding.problem.message for finding in judge(ruled, (), [target], "2026-11-23") if finding.check == "cli-version"}
    assert messages == {"Claude Code 2.1.200 is outside 2.1.202"}


def test_order_is_the_files_whatever_the_names(tmp_path: Path) -> None:
    ruled = policy(tmp_path, "overlays: [{name: z, when: {}, contact: first}, {name: a, when: {}, contact: last}]")
    assert overlaid(ruled, ("a", "z")).contact == "last"


def test_an_overlay_of_a_later_file_replaces_the_one_of_its_name(tmp_path: Path) -> None:
    ruled = policy(
        tmp_path, "extends: [base.yaml]\noverlays: [{name: b, when: {group: b}, contact: later}]",
        base="overlays: [{name: b, when: {group: b}, contact: earlier, env: {X: '1'}}, {name: a, when: {group: a}, contact: a}]",
    )  # fmt: skip
    assert [overlay.name for overlay in ruled.overlays] == ["a", "b"]
    assert overlaid(ruled, ("a", "b")).contact == "later"
    assert dict(overlaid(ruled, ("b",)).env) == {}


def test_a_denial_may_be_lifted_for_some(tmp_path: Path) -> None:
    ruled = policy(tmp_path, "deny: [{id: A, versions: 2.1.200}]\noverlays: [{name: lab, when: {group: lab}, deny: [{id: A, lifted: they test it}, {id: B, versions: 2.1.1}]}]")
    assert [d.id for d in overlaid(ruled, ("lab",)).deny] == ["B"]
    assert [f.check for f in judge(ruled, (), [machine()], "2026-11-23")] == ["cli-version"]
    assert judge(ruled, (), [machine("lab")], "2026-11-23") == []


SECTIONS: dict[str, list[Any]] = {
    "cli": [{"versions": "2.1.201"}, {"gate": "off", "auto-update": True}, {"sha256": {"2.1.1": {"linux-x64": "ab"}}}, {"one-install": "remove"}, {}],
    "deny": [[{"id": "A", "versions": "2.1.1"}], [{"id": "A", "lifted": "x"}], [{"id": "B", "versions": "2.1.2"}], []],
    "extensions": [{"e.one": {"pinned": True}}, {"e.one": {"versions": "2.1.1"}, "e.two": {}}],
    "env": [{"A": "1"}, {"A": {"absent": True}, "B": "2"}, {}],
    "settings": [{"a.b": 1}, {"a.b": {"absent": True}}],
    "editor-settings": [{"a.b": 1}, {"c": False}],
    "gateways": [[{"url": "https://a"}], [{"url": "https://b"}, {"url": "https://a"}]],
    "other-gateways": ["allow", "deny"],
    "sessions": [{"poisoned": "error"}, {"all-users": True}, {"poisoned": "note", "all-users": False}],
    "severity": [{"env-flag": "note"}, {"env-flag": "error", "auto-update": "ignore"}],
    "exceptions": [{"max-days": 5}, {"inline": ["cli-unpinned"]}],
    "contact": ["me", "you"],
    "waivers": [[{"check": "env-flag", "until": "2027-01-01", "reason": "r"}], []],
}
parts = st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in SECTIONS.items()})


def written(sections: dict[str, Any]) -> str:
    """As YAML, of which JSON is a part."""
    return "\n".join(f"{name}: {json.dumps(value)}" for name, value in sections.items())


def bare(value: Any) -> Any:
    """Without places, and without what tells how a value was written."""
    if hasattr(value, "_fields"):
        return tuple(bare(getattr(value, name)) for name in value._fields if name not in ("place", "given", "overlays", "extends", "policy"))
    if isinstance(value, tuple):
        return tuple(map(bare, value))
    return {name: bare(inner) for name, inner in value.items()} if isinstance(value, dict) else value


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(base=parts, first=parts, second=parts)
def test_an_overlay_is_laid_as_extends_lays_a_file(base: dict[str, Any], first: dict[str, Any], second: dict[str, Any], tmp_path: Path) -> None:
    overlays = [{"name": "one", "when": {}, **first}, {"name": "two", "when": {}, **second}]
    ruled = policy(tmp_path, written({**base, "overlays": overlays}))
    by_file = policy(
        tmp_path, written({"extends": ["./one.yaml"], **second}), one=written({"extends": ["./base.yaml"], **first}), base=written(base),
    )  # fmt: skip
    lifted = {d["id"] for part in (base, first) for d in part.get("deny", ()) if "lifted" in d}
    if not lifted:  # what an earlier overlay lifted, a later one may deny again; files unite first
        assert bare(overlaid(ruled, ("one", "two"))) == bare(by_file)


def test_every_section_of_a_policy_may_stand_in_an_overlay() -> None:
    from cc_fleet.policy import Overlay

    not_for_some = {"policy", "edition", "extends", "overlays", "groups", "rollout"}
    assert set(Policy._fields) - not_for_some == set(Overlay._fields) - {"name", "when", "place", "given"}
    assert {name.replace("-", "_") for name in SECTIONS} | {"advisories"} == set(Policy._fields) - not_for_some


# What a reader must know


def test_values_that_only_an_overlay_speaks_of_are_kept_and_its_digests_asked_for(tmp_path: Path) -> None:
    text = "overlays: [{name: o, when: {group: lab}, env: {SITE: a}, settings: {my.key: 1}, editor-settings: {editor.key: 1}, extensions: {x.y: {}}, cli: %s}]"
    ruled = policy(tmp_path, text % "{sha256: {'2.1.1': {linux-x64: ab}}}")
    assert ruled.names() == {"SITE", "my.key", "editor.key", "x.y"}
    assert ruled.digests
    assert not policy(tmp_path, text % "{}").digests


def test_an_overlays_waivers_excuse_its_targets_only_and_run_out(tmp_path: Path) -> None:
    ruled = policy(tmp_path, """
cli: {versions: "2.1.201"}
severity: {auto-update: ignore}
overlays: [{name: ml, when: {group: ml}, waivers: [{check: cli-version, until: 2026-11-24, reason: old SDK}]}]
""")  # fmt: skip
    told = [(f.check, f.target, f.waived is not None) for f in judge(ruled, (), [machine("ml", name="a"), machine(name="b")], "2026-11-23")]
    assert told == [("cli-version", "a", True), ("cli-version", "b", False), ("waiver-expired", "policy", False)]
    assert [f.check for f in judge(ruled, (), [machine(name="b")], "2026-11-25")] == ["cli-version"]
    assert [f.check for f in judge(ruled, (), [machine("ml", name="a")], "2026-11-25")] == ["cli-version", "waiver-expired"]


def test_an_overlays_own_advisories_speak_of_its_targets_only(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "a.yaml").write_text(
        "id: ACME-1\ntitle: t\nseverity: error\nwho: client\ncause: c\naffects: {versions: '*'}\nremedies: [{who: you, text: x}]\n"
        "evidence: {level: reported, sources: [s], checked: 2026-01-01}\n", encoding="utf-8",
    )  # fmt: skip
    file = tmp_path / "policy.yaml"
    file.write_text("policy: p\noverlays: [{name: lab, when: {group: lab}, advisories: [./own/]}]\n", encoding="utf-8")
    for groups, expected in (((), []), (("--group", "lab"), ["ACME-1"])):
        assert [f["advisory"] for f in report(tmp_path, file, machine(), *groups)["findings"] if f["severity"] == "error"] == expected


def report(tmp: Path, file: Path, target: Target, *more: str) -> Any:
    facts, out = tmp / "facts.json", tmp / "report.json"
    facts.write_text(json.dumps(document.dump(target)), encoding="utf-8")
    main(["audit", "-q", "--facts", str(facts), "--policy", str(file), "--output", f"json={out}", *more])
    return json.loads(out.read_text(encoding="utf-8"))


# The canary group: by the facts, by the CSV, by --group


CANARY = """
cli: {versions: "2.1.200"}
severity: {auto-update: ignore}
overlays: [{name: canary, when: {group: canary}, cli: {versions: "2.1.201"}}]
groups: groups.csv
"""


@pytest.mark.parametrize(
    ("target", "rows", "more", "groups"),
    [
        (machine(machine_id="4f2a"), "", (), []),
        (machine("canary", machine_id="4f2a"), "", (), ["canary"]),
        (machine(machine_id="4f2a"), "4f2a,canary", (), ["canary"]),
        (machine(machine_id="4f2a"), "lab,ml,canary\nother,x", (), ["ml", "canary"]),
        (machine(machine_id="4f2a"), "unknown,canary", (), []),
        (machine("early", machine_id="4f2a"), "4f2a,ml\nlab,ml", ("--group", "canary", "--group", "early"), ["early", "ml", "canary"]),
    ],
    ids=("none", "facts", "id", "name", "unknown", "all"),
)
def test_a_group_is_told_by_facts_csv_and_option(target: Target, rows: str, more: tuple[str, ...], groups: list[str], tmp_path: Path) -> None:
    file, canary = tmp_path / "policy.yaml", "canary" in groups
    file.write_text(f"policy: p\n{CANARY}", encoding="utf-8")
    (tmp_path / "groups.csv").write_text(rows, encoding="utf-8")
    told = report(tmp_path, file, target, *more)
    (judged,) = told["targets"]
    assert (judged["groups"], judged["overlays"]) == (groups, ["canary"] if canary else [])
    assert [f["message"] for f in told["findings"] if f["check"] == "cli-version"] == (["Claude Code 2.1.200 is outside 2.1.201"] if canary else [])


@pytest.mark.parametrize(("groups", "line"), [((), "lab  machine, linux"), (("canary",), "lab  machine, linux, policy with overlay canary"),
                                               (("canary", "x"), "lab  machine, linux, policy with overlays canary, x")])  # fmt: skip
def test_the_text_report_names_the_overlays(groups: tuple[str, ...], line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, facts = tmp_path / "policy.yaml", tmp_path / "facts.json"
    file.write_text("policy: p\noverlays: [{name: canary, when: {group: canary}}, {name: x, when: {group: x}}]\n", encoding="utf-8")
    facts.write_text(json.dumps(document.dump(machine(*groups))), encoding="utf-8")
    assert main(["audit", "--facts", str(facts), "--policy", str(file)]) == 0
    assert line in capsys.readouterr().out.splitlines()


def test_a_case_may_have_overlays(tmp_path: Path) -> None:
    """``tests/checks`` write them as any other section."""
    told = {"policy": "policy: case\noverlays: [{name: trees, when: {kind: filesystem}, cli: {versions: '2.1.1'}}]", "npm": {"/usr/local": "2.1.330"}}
    assert "cli-version" in {finding.check for finding in case.findings(told, tmp_path)}


# Many machines


def test_each_combination_is_made_once(tmp_path: Path) -> None:
    ruled = policy(tmp_path, "overlays: [{name: a, when: {group: a}, contact: a}, {name: b, when: {os: linux}, contact: b}]")
    laid = Laid(ruled)
    assert laid.of(()) is ruled
    assert laid.of(("a",)) is laid.of(("a",))
    start = time.process_time()
    for number in range(10_000):
        target = machine(*("a",) * (number % 2))
        laid.of(applied(ruled, target, ()))
    assert time.process_time() - start < 2
    assert set(laid._made) == {(), ("a",), ("b",), ("a", "b")}


