"""The packaged policies: what they find on the demo's laptop, and that each of their rules can find something.

``packaged/<name>.golden`` is the first, without known issues (a new advisory changes no policy);
``CC_FLEET_UPDATE=1 pytest tests/policy/test_packaged.py`` writes it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from cc_fleet import advisories, checks
from cc_fleet.cli import demo
from cc_fleet.client.validity import GLOBAL_ONLY
from cc_fleet.host import facts
from cc_fleet.model import Coverage, Finding, Gateway, Install, Place, Setting, Target, Variable
from cc_fleet.policy import Environment, Policy, When
from cc_fleet.policy import Setting as SettingRule
from cc_fleet.policy.lint import lint
from cc_fleet.policy.load import Loaded, folder, load
from cc_fleet.policy.when import overlaid
from cc_fleet.versions import Range, published
from tests import case

NAMES = ("bedrock", "ci-image", "default", "gateway-litellm", "gateway-openai-compatible", "origin-guide", "strict", "vertex")
GOLDEN = Path(__file__).with_name("packaged")
TODAY = "2026-11-24"
HERE = Place("/somewhere", 1)
MANAGED = "/etc/claude-code/managed-settings.json"
SWITCH = {
    "bedrock": "CLAUDE_CODE_USE_BEDROCK", "vertex": "CLAUDE_CODE_USE_VERTEX", "foundry": "CLAUDE_CODE_USE_FOUNDRY", "mantle": "CLAUDE_CODE_USE_MANTLE",
    "gateway": "CLAUDE_CODE_USE_GATEWAY",
}  # fmt: skip


def text(name: str) -> str:
    return (Path(folder()) / f"{name}.yaml").read_text(encoding="utf-8")


def read(name: str, tmp: Path) -> Loaded:
    """The policy as its file has it now, also where the compiled form is older; a copy, which is the caller's own file."""
    file = tmp / f"{name}.yaml"
    file.write_text(text(name), encoding="utf-8")
    return load([str(file)])


def said(findings: list[Finding]) -> str:
    lines = []
    for found in findings:
        known = f" {found.problem.advisory}" if found.problem.advisory else ""
        place = str(found.problem.place).replace("/home/ada/", "~/")
        lines.append(f"{place}: {found.severity}: {found.problem.message} [{found.check}{known}]\n")
    return "".join(lines)


def compare(name: str, told: str) -> None:
    golden = GOLDEN / f"{name}.golden"
    if os.environ.get("CC_FLEET_UPDATE"):
        golden.write_text(told, encoding="utf-8")
    assert told == golden.read_text(encoding="utf-8")


def test_there_are_these() -> None:
    assert tuple(sorted(file.stem for file in Path(folder()).glob("*.yaml") if "@" not in file.stem)) == NAMES
    written = sorted(file.stem for file in GOLDEN.glob("*.golden"))
    assert written == sorted([*NAMES, "origin-guide-followed"])


# What it finds


@pytest.mark.parametrize("name", NAMES)
def test_on_the_demos_laptop(name: str, tmp_path: Path) -> None:
    loaded, laptop = read(name, tmp_path), str(tmp_path / "laptop")
    demo.write(laptop)
    machine = demo.sample(laptop)._replace(keep=loaded.policy.names())
    compare(name, said(checks.judge(loaded.policy, (), [facts.collect(machine)], TODAY)))


def test_who_did_what_the_guide_says_has_known_issues(tmp_path: Path) -> None:
    """Its own policy has nothing to say, and the advisories have; the notes among them are not kept here."""
    told = {
        "policy": text("origin-guide"), "advisories": "true", "environ": {}, "npm": {"/usr/local": "2.1.153"},
        "extension": {"ada": {"version": "2.1.17", "pinned": "true"}},
        "files": {"/home/ada/.claude/settings.json": '{"env": {\n"CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS": "1",\n"CLAUDE_CODE_MAX_TOOL_USE_CONCURRENCY": "1",\n'
                  '"DISABLE_AUTOUPDATER": "1",\n"ANTHROPIC_BASE_URL": "https://llm.acme.example"}}\n',
                  "/home/ada/.config/Code/User/settings.json": '{"claudeCode.useTerminal": true}\n',
                  "/home/ada/.claude/.credentials.json": '{"claudeAiOauth": {"accessToken": "x"}}\n'},
        "modes": {"/home/ada/.claude/.credentials.json": "0600"},
    }  # fmt: skip
    found = case.findings(told, tmp_path)
    compare("origin-guide-followed", said([finding for finding in found if finding.severity != "note"]))
    assert [finding for finding in found if finding.problem.advisory is None] == []
    assert {"CCF-2026-0002", "CCF-2026-0009"} <= {finding.problem.advisory for finding in found}


# What it is


@pytest.mark.parametrize("name", NAMES)
def test_it_stands_alone(name: str, tmp_path: Path) -> None:
    loaded = read(name, tmp_path)
    assert (loaded.policy.policy, loaded.policy.edition) == (name, 1)
    assert loaded.files[0] == ("default.yaml" if name != "default" else str(tmp_path / "default.yaml"))
    assert [f"{remark.severity}: {remark.message}" for remark in lint(loaded) if remark.severity != "note"] == []


@pytest.mark.parametrize("name", NAMES)
def test_it_is_short_and_names_nobody(name: str) -> None:
    lines = text(name).splitlines()
    assert len(lines) < 80
    assert [line for line in lines if len(line) > 120] == []
    assert [host for host in re.findall(r"https?://([^/\"\s]+)", text(name)) if host != "*" and not host.endswith(".example")] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_rule_is_explained(name: str) -> None:
    assert list(bare_rules(text(name))) == []


@pytest.mark.parametrize(
    ("told", "bare"),
    [
        ("env:\n  # why\n  A: 1\n", []),
        ("env:\n  A: 1  # why\n", []),
        ("env:\n  A: 1\n", ["A: 1"]),
        ("env:\n  # why\n  A: 1\n  B: 2\n", ["B: 2"]),
        ("env:\n  # why\n\n  A: 1\n", ["A: 1"]),
        ("# why\nenv:\n  A: 1\n", ["A: 1"]),
        ("deny:\n  # why\n  - id: A\n    versions: 1\n    deny:\n      a: b\n", []),
        ("other-gateways: deny\n", ["other-gateways: deny"]),
        ("other-gateways: deny  # why\n", []),
        ("policy: x\nedition: 1\nextends: [default]\nenv:\n", []),
        ("env:\n  A: 'a#b'\n", ["A: 'a#b'"]),
    ],
)
def test_what_explained_means(told: str, bare: list[str]) -> None:
    assert list(bare_rules(told)) == bare


def bare_rules(told: str) -> Iterator[str]:
    """The rules, two spaces in or whole lines of their own, with a comment neither above nor beside them."""
    above = False
    for line in told.splitlines():
        indent = len(line) - len(line.lstrip())
        is_header = indent == 0 and (line.endswith(":") or re.match(r"(policy|edition|extends):", line))
        is_rule = line.strip() and not line.lstrip().startswith("#") and indent <= 2 and not is_header
        if is_rule and not above and not re.search(r"\s#\s", line):
            yield line.strip()
        above = line.lstrip().startswith("#")


# No rule is dead


def named(name: str, tmp: Path) -> tuple[Policy, Mapping[str, Environment], Mapping[str, SettingRule]]:
    """The policy with all its overlays, and the rules that it does not merely inherit."""
    loaded = read(name, tmp)
    policy = overlaid(loaded.policy, tuple(overlay.name for overlay in loaded.policy.overlays))

    def own(rules: Mapping[str, Any]) -> Mapping[str, Any]:
        return {key: rule for key, rule in rules.items() if rule.place.file == loaded.files[-1]}

    return policy, own(policy.env), own(policy.settings)


def target(policy: Policy, when: When, **more: Any) -> Target:
    """A client that meets ``when``."""
    version = next(v for v in reversed(published().versions) if when.cli is None or when.cli.admits(v))
    environ = {SWITCH[provider]: "1" for provider in when.provider[:1] if provider in SWITCH}
    if when.upstream:
        rule = next(rule for rule in policy.gateways if rule.upstream in when.upstream)
        environ["ANTHROPIC_BASE_URL"] = rule.url.replace("*", "x")
    variables = tuple(Variable(key, value, "process", HERE, "ada") for key, value in environ.items())
    return Target(
        when.kind[0] if when.kind else "machine", "lab", when.os[0] if when.os else "linux", "", "", Coverage(False, ("ada",), ("/home/ada",), 0),
        groups=when.group, installs=(Install("cli", more.pop("version", version), "npm", HERE, ("ada",)),),
        variables=variables, settings=more.pop("settings", ()), gateways=more.pop("gateways", ()),
    )  # fmt: skip


def told(check: str, subject: str, policy: Policy, judged: Target) -> bool:
    return any(f.check == check and f.problem.subject.startswith(subject) for f in checks.judge(policy, (), [judged], TODAY))


def written(path: tuple[str, ...], value: Any, scope: str) -> tuple[Setting, ...]:
    """A setting of the user's (or of their global configuration) or of the administrators'; None is a file without it."""
    if value is None:
        return ()
    file = {"managed": MANAGED, "user": "/home/ada/.claude/settings.json", "global": "/home/ada/.claude.json"}[scope]
    return (Setting(path, value, scope, Place(file, 1), None if scope == "managed" else "ada"),)


@pytest.mark.parametrize("name", NAMES)
def test_every_variables_rule_finds_what_it_forbids_and_nothing_else(name: str, tmp_path: Path) -> None:
    policy, rules, _ = named(name, tmp_path)
    for variable, rule in rules.items():
        right = None if rule.absent else rule.value or (rule.one_of[0] if rule.one_of else "2")
        wrong = "x" if rule.absent else "-1"
        for value, scope, expected in ((wrong, "user", True), (right, "managed", False), (right, "user", rule.locked)):
            judged = target(policy, rule.when, settings=written(("env", variable), value, scope))
            assert told("env-flag", variable, policy, judged) is expected, f"{name}: {variable} {value} in {scope} settings"


@pytest.mark.parametrize("name", NAMES)
def test_every_settings_rule_finds_what_it_forbids_and_nothing_else(name: str, tmp_path: Path) -> None:
    policy, _, rules = named(name, tmp_path)
    for key, rule in rules.items():
        right = None if rule.absent else (rule.value or rule.one_of[0]).json
        own = "global" if key in GLOBAL_ONLY else "user"
        for value, scope, expected in (("other", own, True), (right, "managed", False), (right, own, rule.locked)):
            judged = target(policy, rule.when, settings=written(tuple(key.split(".")), value, scope))
            assert told("setting-value", key, policy, judged) is expected, f"{name}: {key} {value} in {scope} settings"


@pytest.mark.parametrize("name", NAMES)
def test_every_editor_settings_rule_finds_something(name: str, tmp_path: Path) -> None:
    """On the demo's laptop, whose editor has no settings; who did what the guide says has the right ones."""
    golden = (GOLDEN / f"{name}.golden").read_text(encoding="utf-8")
    assert [key for key in read(name, tmp_path).policy.editor_settings if f" {key} in " not in golden] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_range_has_an_outside_and_an_inside(name: str, tmp_path: Path) -> None:
    policy, _, _ = named(name, tmp_path)
    if policy.cli.versions is not None:
        assert_bounds("cli", "cli-version", policy, policy.cli.versions)
    for product, rule in policy.extensions.items():
        if rule.versions is not None:
            assert_bounds(product, "extension-version", policy, rule.versions)
    for denied in policy.deny:
        if denied.versions is not None and denied.product in ("cli", "anthropic.claude-code"):
            check = "cli-version" if denied.product == "cli" else "extension-version"
            for version in filter(denied.versions.admits, published().versions):
                assert told(check, f"{denied.product}@{version}", policy, running(policy, denied.product, version))


def assert_bounds(product: str, check: str, policy: Policy, allowed: Range) -> None:
    outside = next(v for v in published().versions if not allowed.admits(v))
    inside = next(v for v in reversed(published().versions) if allowed.admits(v))
    assert told(check, f"{product}@{outside}", policy, running(policy, product, outside))
    assert not told(check, product, policy, running(policy, product, inside))


def running(policy: Policy, product: str, version: str) -> Target:
    copy = Install(product, version, "npm" if product == "cli" else "vscode", HERE, ("ada",), pinned=True)
    return target(policy, When())._replace(installs=(copy,))


@pytest.mark.parametrize("name", NAMES)
def test_every_gateway_rule_finds_something(name: str, tmp_path: Path) -> None:
    policy, _, _ = named(name, tmp_path)
    for rule in policy.gateways:
        url = rule.url.replace("*", "x")
        settings = written(("env", "ANTHROPIC_BASE_URL"), url, "user")
        if rule.clients is not None:
            refused = next(v for v in published().versions if not rule.clients.admits(v))
            served = next(v for v in reversed(published().versions) if rule.clients.admits(v))
            assert told("gateway-client", url, policy, target(policy, When(), version=refused, settings=settings))
            assert not told("gateway-client", url, policy, target(policy, When(), version=served, settings=settings))
        wrong = [*rule.deny, *(["0.0.1"] if rule.versions else [])]
        for version in wrong:
            software = (Gateway(url, rule.kind, version, HERE),)
            assert told("gateway-version", f"{url}@{version}", policy, target(policy, When(), settings=settings, gateways=software))
    unknown = written(("env", "ANTHROPIC_BASE_URL"), "https://unknown.example", "user")
    assert told("gateway-url", "https://unknown.example", policy, target(policy, When(), settings=unknown)) is (policy.other_gateways == "deny")


@pytest.mark.parametrize("name", NAMES)
def test_every_severity_changes_something(name: str, tmp_path: Path) -> None:
    policy, _, _ = named(name, tmp_path)
    known = checks.all_checks()
    assert [check for check, level in policy.severity.items() if level == known[check].SEVERITY] == []


@pytest.mark.parametrize(("version", "denied"), [("2.1.17", False), ("2.1.18", True), ("2.1.19", True), ("2.1.20", True), ("2.1.21", False)])
def test_the_versions_that_every_policy_denies(version: str, denied: bool, tmp_path: Path) -> None:
    policy = read("default", tmp_path).policy
    assert told("cli-version", f"cli@{version}", policy, target(policy, When(), version=version)) is denied


def test_the_images_overlay_is_for_images(tmp_path: Path) -> None:
    policy = read("ci-image", tmp_path).policy
    stale = Install("anthropic.claude-code", "2.1.330", "vscode", HERE, ())
    for kind, expected in (("image", False), ("filesystem", False), ("machine", True)):
        judged = target(policy, When())._replace(kind=kind, installs=(stale,))
        assert told("extension-leftover", "anthropic.claude-code", policy, judged) is expected


def test_an_image_that_holds_a_user_id(tmp_path: Path) -> None:
    """Read from a root filesystem as it lies there; the id itself is in no finding."""
    told = {"policy": text("ci-image"), "npm": {"/usr/local": "2.1.330"},
            "files": {MANAGED: '{"env": {"DISABLE_AUTOUPDATER": "1", "DISABLE_UPDATES": "1"}}', "/home/ada/.claude.json": f'{{"numStartups": 1,\n"userID": "{"0123abcd" * 8}"}}'}}  # fmt: skip
    assert said(case.findings(told, tmp_path)) == "~/.claude.json:2: error: userID is «redacted», and should not be set [setting-value]\n"


def test_strict_derives_the_gate(tmp_path: Path) -> None:
    policy = read("strict", tmp_path).policy
    assert told("version-gate", "requiredMinimumVersion", policy, target(policy, When()))
    right = written(("requiredMinimumVersion",), "2.1.163", "managed")
    assert not told("version-gate", "requiredMinimumVersion", policy, target(policy, When(), settings=right))


def test_the_guides_pins_are_the_guides(tmp_path: Path) -> None:
    policy = read("origin-guide", tmp_path).policy
    gateway = policy.gateway("https://llm.acme.example/v1")
    assert gateway is not None
    assert gateway.clients is not None
    assert [gateway.clients.admits(v) for v in ("2.1.153", "2.1.154")] == [True, False]
    assert str(policy.extensions["anthropic.claude-code"].versions) == "2.1.17"
    ignored = target(policy, When(), version="2.1.154", settings=written(("env", "CLAUDE_CODE_MAX_TOOL_USE_CONCURRENCY"), "1", "user"))
    found = checks.judge(policy, advisories.load(), [ignored], TODAY)
    assert ("env-ineffective", "CCF-2026-0007") in [(f.check, f.problem.advisory) for f in found]
