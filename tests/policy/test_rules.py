"""What the rules of a policy accept, refuse and mean."""

from __future__ import annotations

from typing import Any

import pytest

from cc_fleet.client import View, views
from cc_fleet.decode import DecodeError, decode, read_yaml
from cc_fleet.model import Coverage, Install, Place, Setting, Target, Variable
from cc_fleet.policy import GatewayRule, Policy, When
from cc_fleet.policy.allowed import best, refusal
from cc_fleet.policy.values import Count, Duration, Numbers, Share
from cc_fleet.policy.when import holds

HERE = Place("here")


def read(text: str) -> Policy:
    found = decode(Policy, read_yaml(f"policy: p\n{text}", "p"))
    assert isinstance(found, Policy)
    return found


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("env: {X: {}}", "env.X: needs exactly one of 'value', 'one-of', 'integer', 'absent: true'"),
        ("env: {X: {value: a, absent: true}}", "env.X: needs exactly one of 'value', 'one-of', 'integer', 'absent: true'"),
        ("env: {X: {one-of: [a], integer: '>1'}}", "env.X: needs exactly one of 'value', 'one-of', 'integer', 'absent: true'"),
        ("env: {X: {one-of: []}}", "env.X: needs exactly one of 'value', 'one-of', 'integer', 'absent: true'"),
        ("env: {X: {absent: false}}", "env.X: needs exactly one of 'value', 'one-of', 'integer', 'absent: true'"),
        ("env: {X: {integer: many}}", "env.X.integer: 'many' is not a comparison with a whole number, such as '>=1'"),
        ("env: {X: {integer: '>=1, '}}", "env.X.integer: '' is not a comparison with a whole number, such as '>=1'"),
        ("env: {X: {integer: 5}}", "env.X.integer: '5' is not a comparison with a whole number, such as '>=1'"),
        ("env: {X: [a]}", "env.X: expected a mapping"),
        ("env: {X: {vlaue: a}}", "env.X: 'vlaue' is not known; did you mean 'value'?"),
        ("settings: {a.b: {}}", "settings.a.b: needs exactly one of 'value', 'one-of', 'absent: true'"),
        ("settings: {a: {value: 1, one-of: [2]}}", "settings.a: needs exactly one of 'value', 'one-of', 'absent: true'"),
        ("settings: {a: {integer: '>1'}}", "settings.a: 'integer' is not one of absent, locked, one-of, required, value, when"),
        ("deny: [{id: A}]", "deny.0: needs either 'versions' (what is denied) or 'lifted' (why an inherited denial no longer holds)"),
        ("deny: [{id: A, versions: 2.1.1, lifted: x}]", "deny.0: needs either 'versions' (what is denied) or 'lifted' (why an inherited denial no longer holds)"),
        ("deny: [{versions: 2.1.1}]", "deny.0: 'id' is required"),
        ("gateways: [{kind: litellm}]", "gateways.0: 'url' is required"),
        ("gateways: [{url: x, upstream: azure}]", "gateways.0.upstream: 'azure' is not one of anthropic, bedrock, foundry, openai, vertex"),
        ("other-gateways: forbid", "other-gateways: 'forbid' is not one of allow, deny"),
        ("waivers: [{check: x, reason: r}]", "waivers.0: 'until' is required"),
        ("waivers: [{check: x, reason: r, until: never}]", "waivers.0.until: expected a date such as 2026-12-31, not 'never'"),
        ("waivers: [{check: x, reason: r, until: 2027-01-01, allow: {}}]", "waivers.0.allow: 'versions' is required"),
        ("severity: {x: fatal}", "severity.x: 'fatal' is not one of error, ignore, note, warning"),
        ("cli: {gate: on}", "cli.gate: 'on' is not one of derive, off"),
        ("cli: {auto-update: maybe}", "cli.auto-update: expected true or false, not 'maybe'"),
        ("cli: {auto-update: {channel: beta}}", "cli.auto-update.channel: 'beta' is not one of latest, rc, stable"),
        ("cli: {versions: ^2.1}", "cli.versions: '^2.1' is npm's form; write it out, for instance '>=2.1.0, <2.2'"),
        ("extensions: {x: {pinned: 1}}", "extensions.x.pinned: expected true or false, not '1'"),
        ("env: {X: {value: a, when: {provider: {a: b}}}}", "env.X.when.provider: expected a word, or a list of words"),
        ("env: {X: {value: a, when: {provider: aws}}}", "env.X.when.provider: 'aws' is not one of anthropic, bedrock, foundry, gateway, mantle, vertex"),
        ("env: {X: {value: a, when: {group: [[a]]}}}", "env.X.when.group.0: expected a single value"),
        ("env: {X: {one-of: a}}", "env.X.one-of: expected a list"),
        ("editor-settings: {a.b: {integer: 1}}", "editor-settings.a.b: 'integer' is not one of absent, locked, one-of, required, value, when"),
        ("cli: {one-install: yes}", "cli.one-install: 'yes' is not one of remove, report"),
        ("cli: {given: [a]}", "cli: 'given' is not one of auto-update, gate, install, one-install, sha256, versions"),
        ("sessions: {poisoned: bad}", "sessions.poisoned: 'bad' is not one of error, ignore, note, warning"),
        ("sessions: {all-users: 1}", "sessions.all-users: expected true or false, not '1'"),
        ("groups: [a]", "groups: expected a single value"),
        ("rollout: [{soak: 24h}]", "rollout.0: 'group' is required"),
        ("rollout: [{group: a, soak: 24}]", "rollout.0.soak: expected minutes, hours or days, such as 24h, not '24'"),
        ("rollout: [{group: a, batch: 101%}]", "rollout.0.batch: expected a number of machines or a part of them, such as 10 or 25%, not '101%'"),
        ("exceptions: {max-days: 0}", "exceptions.max-days: expected a whole number from 1, such as 90, not '0'"),
        ("exceptions: {max-days: 1.5}", "exceptions.max-days: expected a whole number from 1, such as 90, not '1.5'"),
        ("overlays: {name: a}", "overlays: expected a list"),
        ("overlays: [{name: a}]", "overlays.0: 'when' is required"),
        ("overlays: [{when: {kind: image}}]", "overlays.0: 'name' is required"),
        ("overlays: [{name: a, when: {kind: laptop}}]", "overlays.0.when.kind: 'laptop' is not one of filesystem, image, machine, repository"),
        ("overlays: [{name: a, when: {kind: image}, env: {X: {}}}]", "overlays.0.env.X: needs exactly one of 'value', 'one-of', 'integer', 'absent: true'"),
        ("overlays: [{name: a, when: {kind: image}, place: b}]", "overlays.0: 'place' is not one of advisories, cli, contact, deny, editor-settings, env, exceptions, extensions, gateways, name, other-gateways, sessions, settings, severity, waivers, when"),
        ("edition: one", "edition: expected a whole number from 1, such as 90, not 'one'"),
        ("env: {X: {value: a, when: {provider: [aws]}}}", "env.X.when.provider.0: 'aws' is not one of anthropic, bedrock, foundry, gateway, mantle, vertex"),
        ("env: {X: {value: a, when: {os: [macOS]}}}", "env.X.when.os.0: 'macOS' is not known; did you mean 'macos'?"),
    ],
)
def test_one_error(text: str, error: str) -> None:
    with pytest.raises(DecodeError) as caught:
        read(text)
    (line,) = str(caught.value).splitlines()
    assert line.split(": ", 1)[1] == error


def test_short_forms() -> None:
    policy = read('cli: {auto-update: true}\nenv: {X: "1", Y: on}\nsettings: {a: text, b: {value: text}}\nextensions: {e: {}}')
    assert policy.cli.auto_update is not None
    assert (policy.cli.auto_update.allowed, policy.cli.auto_update.channel) == (True, None)
    assert (policy.env["X"].value, policy.env["Y"].value) == ("1", "on")
    assert policy.settings["a"].value == policy.settings["b"].value
    assert policy.names() == {"X", "Y", "a", "b", "e"}
    assert policy.contact is None


def test_settings_keep_jsons_types() -> None:
    rules = read('settings: {a: true, b: 30, c: "true", d: {one-of: [1, "1"]}, e: null}').settings
    assert [rule.value and rule.value.json for rule in rules.values()] == [True, 30, "true", None, None]
    assert [value.json for value in rules["d"].one_of] == [1, "1"]


@pytest.mark.parametrize(
    ("text", "admitted", "refused"),
    [
        (">=1, <=10", (1, 10), (0, 11, -1)),
        (">0", (1,), (0,)),
        ("<5,!=3", (4, -3), (5, 3)),
        (" >= -2 ", (-2,), (-3,)),
    ],
)
def test_numbers(text: str, admitted: tuple[int, ...], refused: tuple[int, ...]) -> None:
    found = Numbers.parse(text)
    assert [n for n in admitted if not found.admits(n)] == []
    assert [n for n in refused if found.admits(n)] == []


def test_a_word_stands_for_a_list_of_one() -> None:
    rules = read("env: {A: {value: a, when: {kind: image, group: [canary], provider: bedrock}}}").env
    assert rules["A"].when == When(kind=("image",), group=("canary",), provider=("bedrock",))


def test_single_values() -> None:
    policy = read("rollout: [{group: canary, soak: 24h}, {group: early, batch: 25%}, {group: '*', batch: 10}]\nexceptions: {max-days: 90, inline: cli-unpinned}")
    assert [(ring.group, ring.soak and ring.soak.seconds, ring.batch) for ring in policy.rollout] == [("canary", 86400, None), ("early", None, "25%"), ("*", None, "10")]
    assert (policy.exceptions.max_days, policy.exceptions.inline) == (90, ("cli-unpinned",))
    assert (Duration.parse("90m").seconds, Duration.parse("7d").seconds) == (5400, 604800)
    assert (policy.sessions.poisoned, policy.sessions.all_users, policy.cli.one_install) == ("warning", False, "report")


@pytest.mark.parametrize(("kind", "text"), [(Count, "01"), (Count, "1\n"), (Count, "٣"), (Duration, "h"), (Duration, "0h"), (Share, "0%"), (Share, "%"), (Share, "-1")])
def test_what_is_no_single_value(kind: Any, text: str) -> None:
    with pytest.raises(ValueError, match="expected "):
        kind.parse(text)


@pytest.mark.parametrize(
    ("pattern", "matched", "other"),
    [
        ("https://llm.example", ("https://llm.example", "https://llm.example/"), ("https://llm.example/v1", "http://llm.example", "https://llm.example.evil")),
        ("https://llm.example/", ("https://llm.example", "https://llm.example/"), ("https://llm.example/v1",)),
        ("https://llm.example/*", ("https://llm.example/v1", "https://llm.example", "https://llm.example/"), ("https://llm.example.evil/", "https://other")),
        ("https://*.example/v1", ("https://a.example/v1", "https://a.b.example/v1/"), ("https://example/v1",)),
        ("*", ("https://anything/",), ()),
    ],
)
def test_a_gateways_pattern(pattern: str, matched: tuple[str, ...], other: tuple[str, ...]) -> None:
    rule = GatewayRule(pattern, HERE)
    assert [url for url in matched if not rule.matches(url)] == []
    assert [url for url in other if rule.matches(url)] == []


@pytest.mark.parametrize("url", ["https://LLM.Example/v1", "HTTPS://llm.example/v1"])
def test_a_host_is_the_same_in_any_spelling(url: str) -> None:
    assert GatewayRule("https://llm.example/*", HERE).matches(url)


@pytest.mark.parametrize("url", ["https://evil.example/x.llm.example/", "https://evil.example/?https://a.llm.example/", "https://evil.example#.llm.example/"])
def test_a_star_in_the_host_stays_in_the_host(url: str) -> None:
    assert not GatewayRule("https://*.llm.example/*", HERE).matches(url)


def test_the_first_gateway_rule_that_matches_counts() -> None:
    policy = read("gateways: [{url: 'https://a/*', kind: one}, {url: '*', kind: two}]")
    assert [rule and rule.kind for rule in map(policy.gateway, ("https://a/x", "https://b"))] == ["one", "two"]
    assert read("").gateway("https://b") is None


# When


def view(environ: dict[str, str] | None = None, version: str | None = "2.1.200", model: str | None = None, **more: Any) -> View:
    target = Target(
        more.get("kind", "machine"), "lab", more.get("os", "linux"), "", "", Coverage(False, ("ada",), ("/home/ada",), 0), groups=more.get("groups", ()),
        installs=(Install("cli", version, "npm", HERE, ("ada",)),) if version else (),
        settings=(Setting(("model",), model or "", "user", HERE, "ada"),),
        variables=tuple(Variable(name, value, "process", HERE, "ada") for name, value in (environ or {}).items()),
    )  # fmt: skip
    return next(iter(views(target)))


GATEWAY = {"ANTHROPIC_BASE_URL": "https://LLM.example/v1"}
RULED = "gateways: [{url: 'https://LLM.example/*', upstream: bedrock}]"


@pytest.mark.parametrize(
    ("when", "seen", "expected"),
    [
        ("{}", view(), True),
        ("{kind: [machine, image]}", view(), True),
        ("{kind: [image]}", view(), False),
        ("{kind: machine}", view(), True),
        ("{kind: image}", view(), False),
        ("{group: canary}", view(groups=("early", "canary")), True),
        ("{group: canary}", view(), False),
        ("{group: [canary, early]}", view(groups=("early",)), True),
        ("{os: [macos]}", view(os="macos"), True),
        ("{os: [macos]}", view(), False),
        ("{provider: [bedrock, vertex]}", view({"CLAUDE_CODE_USE_BEDROCK": "1"}), True),
        ("{provider: [bedrock]}", view(), False),
        ("{provider: [gateway]}", view(GATEWAY), True),
        ("{provider: [anthropic]}", view(GATEWAY), False),
        ("{gateway: ['https://llm.EXAMPLE/*']}", view(GATEWAY), True),
        ("{gateway: ['https://other/*']}", view(GATEWAY), False),
        ("{gateway: ['*']}", view(), False),
        ("{upstream: [bedrock]}", view(GATEWAY), True),
        ("{upstream: [vertex]}", view(GATEWAY), False),
        ("{upstream: [bedrock]}", view({"ANTHROPIC_BASE_URL": "https://unruled"}), False),
        ("{upstream: [bedrock]}", view(), False),
        ("{model: ['*opus*']}", view(model="claude-Opus-5"), True),
        ("{model: ['*opus*']}", view(model="haiku"), False),
        ("{model: ['*opus*']}", view(), False),
        ("{cli: '>=2.1.163'}", view(), True),
        ("{cli: '>=2.1.163'}", view(version="2.1.162"), False),
        ("{cli: '>=2.1.163'}", view(version=None), True),
        ("{kind: [machine], cli: '<2'}", view(), False),
        ("{provider: [gateway], gateway: ['*'], os: [linux], cli: '*'}", view(GATEWAY), True),
    ],
)
def test_when(when: str, seen: View, expected: bool) -> None:
    policy = read(f"{RULED}\nenv: {{X: {{value: a, when: {when}}}}}")
    assert holds(policy, policy.env["X"].when, seen) is expected


def test_when_knows_the_kinds_and_systems_of_facts() -> None:
    assert When() == When((), (), (), (), (), (), (), None)


# What is allowed


@pytest.mark.parametrize(
    ("text", "version", "why"),
    [
        ("", "2.1.200", None),
        ("cli: {versions: '>=2.1.163'}", "2.1.162", "is outside >=2.1.163"),
        ("cli: {versions: '>=2.1.163'}", "not a version", "is outside >=2.1.163"),
        ("deny: [{id: A, versions: 2.1.200, reason: bad}]", "2.1.200", "is denied by A: bad"),
        ("deny: [{id: A, versions: 2.1.200}]", "2.1.200", "is denied by A"),
        ("deny: [{id: A, product: other, versions: 2.1.200}]", "2.1.200", None),
        ("cli: {versions: '<2'}\ndeny: [{id: A, versions: '*'}]", "2.1.200", "is denied by A"),
    ],
)
def test_refusal(text: str, version: str, why: str | None) -> None:
    policy = read(text)
    assert refusal(policy, "cli", version, policy.cli.versions) == why


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("cli: {install: 2.1.17}", "2.1.17"), ("cli: {versions: '<=2.1.153'}", "2.1.153"), ("cli: {versions: '2.1.155'}", None),
        ("cli: {versions: '<=2.1.20'}\ndeny: [{id: A, versions: '>=2.1.18, <=2.1.20'}]", "2.1.17"),
    ],
)  # fmt: skip
def test_best(text: str, version: str | None) -> None:
    assert best(read(text)) == version
