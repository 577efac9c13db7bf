"""Every advisory is its own test; a company's own folder adds to them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from cc_fleet import advisories
from cc_fleet.advisories import Advisory, Present, Shelf, Text, examples
from cc_fleet.advisories.conditions import Pattern, Site
from cc_fleet.checks import all_checks
from cc_fleet.cli import commands
from cc_fleet.client import Effective, Source, views
from cc_fleet.decode import DecodeError
from cc_fleet.model import REDACTED, Coverage, Gateway, Install, Place, Setting, Target, Variable
from cc_fleet.policy import GatewayRule
from cc_fleet.versions import Range, key, published
from tests.generate import coverage

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
        assert any(symptom.found_in(text) for symptom in advisory.symptoms), text
    for symptom in advisory.symptoms:
        assert any(symptom.found_in(text) for text in advisory.examples.texts), symptom


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
    assert len({a.id for a in PACKAGED}) == len(PACKAGED) >= 187
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
        (("cause: because", "cause: b\nsymptoms: ['(']"), "x.yaml:6:12: symptoms.0: not a regular expression: missing ), unterminated subpattern"),
        (("cause: because", "cause: b\nsymptoms: [x, '(a+)+$']"), "x.yaml:6:15: symptoms.1: this regular expression can run away"),
        (("cause: because", "cause: b\naffects: {when: {env: {X: /(a+)+$/}}}"), "affects.when.env.X: this regular expression can run away"),
        (("cause: because", "cause: b\naffects: {when: {settings: {x: max}}}"), "affects.when.settings.x: 'max' is none of on, off, set"),
        (("cause: because", "cause: b\naffects: {when: {gateway: {versions: '^2'}}}"), "affects.when.gateway.versions: '^2' is npm's form"),
        (("cause: because", "cause: b\naffects: {when: {gateway: {upstream: [aws]}}}"), "affects.when.gateway.upstream.0: 'aws' is not"),
        (("cause: because", "cause: b\naffects: {unless: {model: [x]}}"), "affects.unless: expected a list"),
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
        ("= max | ultracode", "max", True), ("= max | ultracode", " MAX ", True), ("= max", "high", False), ("= max", "", False), ("= max", None, False),
        ("!= gateway", "console", True), ("!= gateway", "gateway", False), ("!= gateway", None, False), ("!= a|b", "B", False),
        ("/^us-gov-/", "us-gov-west-1", True), ("/^us-gov-/", "us-west-2", False), ("/x/", None, False), ("= []", "[]", True),
        ("<1", "0", True), ("<1", "-1", True), ("<1", "1", False), ("<1", "abc", False), ("<1", None, False), (">=64", "64", True), ("> 5", "5", False), ("<=5", "5", True),
    ],
)  # fmt: skip
def test_a_condition_on_a_text(text: str, value: str | None, expected: bool) -> None:
    assert Text.parse(text).holds("CLAUDE_X", Effective(value)) is expected


@pytest.mark.parametrize("value", [None, REDACTED])
def test_of_a_value_that_is_not_known_only_that_it_is_set(value: str | None) -> None:
    unknown = Effective(value, Source("x", "process", value, Place("x")))
    assert [word for word in ("on", "off", "set", "unset", "falsy", "not-digits", "<1", "= x", "!= x", "/x/", "<OTHER") if Text.parse(word).holds("CLAUDE_X", unknown)] == ["set"]


@pytest.mark.parametrize("example", [{"colour": "red"}, {"provider": "aws"}, {}, {"ANTHROPIC_MODEL": "opus"}, {"setting.": "x"}])
def test_an_example_that_means_nothing_is_an_error(example: dict[str, str]) -> None:
    with pytest.raises(examples.ExampleError):
        examples.view(example)


def test_an_example_that_does_not_hold_is_told(tmp_path: Path) -> None:
    text = OWN.replace("cause:", "affects: {{versions: '<2.1.5'}}\ncause:").replace("affected: []", "affected: [{{cli: 2.1.5}}]").replace("fine: []", "fine: [{{cli: 2.1.4}}]")
    (tmp_path / "x.yaml").write_text(text.format(id="ACME-1"))
    (own,) = advisories.read_folder(str(tmp_path))
    assert [line.split(": ", 2)[2] for line in examples.failures(own)] == ["{'cli': '2.1.5'} should be affected", "{'cli': '2.1.4'} should not be affected"]


def test_a_text_is_compared_with_another_variable() -> None:
    known = {"OTHER": Effective("10"), "WORD": Effective("ten")}

    def other(name: str) -> Effective:
        return known.get(name, Effective(None))

    assert [Text.parse(f"{operator}OTHER").holds("X", Effective("10"), other) for operator in (">=", "<=", ">", "<")] == [True, True, False, False]
    assert not Text.parse(">=WORD").holds("X", Effective("10"), other)
    assert not Text.parse(">=NONE").holds("X", Effective("10"), other)
    assert not Text.parse(">=OTHER").holds("X", Effective("many"), other)


def test_a_settings_value_is_compared_as_json_has_it() -> None:
    held = [Text.parse("= false").holds("x", Effective(value)) for value in (False, "false", True, None)]
    assert held == [True, True, False, False]


# Gateways

_PLACE = Place("x")


def site(condition: Site, gateway: Gateway | None, rule: GatewayRule | None) -> bool:
    """Whether ``condition`` holds behind ``gateway``, of which the policy says ``rule``."""
    variable = Variable("ANTHROPIC_BASE_URL", "https://llm.example/v1", "process", _PLACE, "ada")
    facts = (gateway._replace(url="https://llm.example/v1"),) if gateway else ()
    target = Target(
        "machine", "x", "linux", "", "", Coverage(False, ("ada",), ("/home/ada",), 1), gateways=facts,
        installs=(Install("cli", "2.1.330", "npm", _PLACE, ("ada",)),), variables=(variable,),
    )  # fmt: skip
    (view,) = views(target)
    return condition.holds(view, lambda url: rule if url == "https://llm.example/v1" else None)


def test_what_the_facts_know_of_a_gateway_beats_what_the_policy_says() -> None:
    litellm = Site(("litellm",), Range.parse("<1.91"))
    rule = GatewayRule("*", _PLACE, kind="portkey", versions=Range.parse("<1.91"))
    assert site(litellm, Gateway("", "LiteLLM", "1.90.7", _PLACE), rule)
    assert not site(litellm, Gateway("", "litellm", "1.91.0", _PLACE), rule)
    assert not site(litellm, Gateway("", "litellm", None, _PLACE), rule), "the range is that of another kind"
    assert not site(litellm, None, rule)
    assert site(Site(upstream=("bedrock",)), None, rule._replace(upstream="bedrock"))
    assert not site(Site(upstream=("bedrock",)), Gateway("", "litellm", "1.90.7", _PLACE), rule)
    assert not site(Site(upstream=("bedrock",)), Gateway("", "litellm", "1.90.7", _PLACE), None)


@pytest.mark.parametrize(
    ("wanted", "told", "expected"),
    [
        ("<1.91", "1.90.7", True), ("<1.91", ">=1.83, <1.90", True), ("<1.91", ">=1.83, <1.91", True), ("<1.91", ">=1.83, <=1.91", False), ("<1.91", ">=1.83", False),
        ("<=1.91", "<=1.91", True), ("<=1.91", "<1.91", True), ("<=1.91", "<=1.91.1", False), (">=1.91", ">=1.91.0", True), (">=1.91", ">1.91", True), (">1.91", ">=1.91", False),
        (">1.91", ">1.91", True), (">=1.91", "<2", False), ("1.91", "1.91.0", True), ("1.91", ">=1.91, <=1.91", False), (">=1, !=1.5", ">=1.6", True), (">=1, !=1.5", ">=1.4", False),
        (">=1, !=1.5", ">=1.4, !=1.5", True), ("<1 || >=2", ">=2.1 || <0.9", True), ("<1 || >=2", ">=0.5", False), (">=1.91", "1.92.0rc1", True), (">=0", None, False), ("*", None, False),
    ],
)  # fmt: skip
def test_of_a_range_that_the_policy_gives_all_must_lie_within(wanted: str, told: str | None, expected: bool) -> None:
    rule = GatewayRule("*", _PLACE, kind="litellm", versions=Range.parse(told) if told else None)
    assert site(Site(versions=Range.parse(wanted)), None, rule) is expected


def test_packaging_is_loaded_only_where_a_gateways_version_is_compared() -> None:
    program = """
import sys
from cc_fleet import advisories
from cc_fleet.advisories import examples
known = advisories.load()
for example in ({"cli": "2.1.154", "gateway": "https://x.example"}, {"cli": "2.1.154", "gateway": "https://x.example", "gateway.kind": "litellm"}):
    assert any(advisory.concerns(examples.view(example)) for advisory in known)
assert "packaging" not in sys.modules
print(sum(advisory.concerns(examples.view({**example, "gateway.version": "1.90.7"})) for advisory in known) > 0, "packaging" in sys.modules)
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.stderr) == ("True True\n", "")


# Patterns


@pytest.mark.parametrize(
    "evil",
    [
        "(a+)+$", "(a|aa)+$", "(.*)*x", r"(\w+\s?)*$", "(a*)*b", "(a|a?)+b", "([a-zA-Z]+)*1", "(.*a){20}", ".*a.*b", "(?i)(?:a*A)+$", "(?i)(?:ax|AX)+$", r"(a+)\1b",
        "(?=(a+)+$)x", "(?:a?){30}b", "(?:x{0,9}){0,9}y", r"\w+?b*x", "(?i)a*A+b", "(a{2,})(?:a?){1,3}a+x", ".+?[^b]+?ba", "(a|b|ab)*c", "(?>(a+)+b)", r"(x+x+)+y", r"(?:\d+)+-", "a" * 301, "(" * 300 + "x" + ")" * 300,
    ],
)  # fmt: skip
def test_a_pattern_that_can_run_away_is_refused(evil: str) -> None:
    with pytest.raises(ValueError, match=r"run away|more than 300|not a regular") as caught:
        Pattern.parse(evil)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("broken", ["(", "[", "a**", "(?P<x>a)(?P<x>b)", "a{1,99999999999}", "[[a]", "x*", "a|", "(?<=a*)b", "", "a*(?:)+", r"\8"])
def test_a_pattern_that_is_none_or_says_nothing_is_refused(broken: str) -> None:
    with pytest.raises(ValueError, match="regular expression"):
        Pattern.parse(broken)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"messages\.\d+\.content\.\d+: x", "messages.1.content.22: x"), ("(?:ab|cd)+x", "abcdx"), ("[^:]*: y", "abc: y"), ("a*b", "aab"), ("(?i)error .*beta", "ERROR in Beta"),
        ("x[0-9]{1,3}y", "x12y"), ("(?:a|b)+c", "abac"), (r"\bfoo\b", "a foo"), ("`?thinking`? or", "thinking or"), ("[a-c]+d", "abcd"), ("(?<=x)y", "xy"), ("x(?>ab)c", "xabc"),
    ],
)  # fmt: skip
def test_an_ordinary_pattern_is_taken(pattern: str, text: str) -> None:
    assert Pattern.parse(pattern).found_in(f"first\n{text}\nlast")


@each
def test_its_patterns_are_safe(advisory: Advisory) -> None:
    for symptom in advisory.symptoms:
        Pattern.parse(symptom)


_ATOMS = st.sampled_from(["a", "b", ".", "[ab]", "[^b]", r"\w", r"\d", r"\s", " ", "1"])
_COUNTS = st.sampled_from(["", "", "*", "+", "?", "{2}", "{1,3}", "{2,}", "*?", "+?", "*+"])


def _pieces(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    branches = st.lists(st.lists(inner, min_size=1, max_size=3).map("".join), min_size=1, max_size=3).map("|".join)
    return st.builds(lambda group, body, count: f"{group}{body}){count}", st.sampled_from(["(", "(?:", "(?="]), branches, _COUNTS)


@settings(max_examples=300, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(st.lists(st.recursive(st.builds(str.__add__, _ATOMS, _COUNTS), _pieces, max_leaves=6), min_size=1, max_size=4).map("".join), st.sampled_from(["$", "!", ""]))
def test_whatever_pattern_is_taken_ends_soon(body: str, end: str) -> None:
    try:
        pattern = Pattern.parse(body + end)
    except ValueError:
        return

    def stop(*_: object) -> None:
        raise AssertionError(f"{pattern} runs away")

    old = signal.signal(signal.SIGALRM, stop)
    signal.alarm(6)
    for text in ("a" * 2000, "ab" * 1000, "aab " * 500, "1a" * 1000, "a" * 1999 + "?"):
        pattern.found_in(text)
    signal.alarm(0)
    signal.signal(signal.SIGALRM, old)


def test_a_long_line_is_searched_to_its_end() -> None:
    for before in (0, 999, 1000, 1001, 1999, 2000, 2500, 123_456):
        assert Pattern.parse("[a-z]+_beta: no").found_in("x" * before + " my_beta: no"), before
        assert not Pattern.parse("^beta").found_in("x" * before + " beta"), before


def test_the_worst_pattern_that_is_taken_ends_soon_on_the_worst_text() -> None:
    begun = time.process_time()
    assert not Pattern.parse("a.*b(x|y)?c").found_in("a" * 20_000)
    assert time.process_time() - begun < 10


# What is ruled out before it is asked


def good() -> Target:
    """The newest client, and a user who chose a model."""
    settings = (Setting(("model",), "opus", "user", _PLACE, "ada"), Setting(("permissions", "allow"), ["Read"], "user", _PLACE, "ada"))
    installs = (Install("cli", "2.1.330", "npm", _PLACE, ("ada",)),)
    return Target("machine", "x", "linux", "", "", Coverage(False, ("ada",), ("/home/ada",), 1), installs=installs, settings=settings)


def test_an_ordinary_good_machine_is_told_nothing_and_no_advisory_is_read() -> None:
    assert advisories.load((), Present.on((good(),))) == ()
    for method in ("npm", "native"):
        target = good()._replace(installs=(good().installs[0]._replace(method=method),))
        assert Shelf(PACKAGED).concerning(target) == ()
        assert [a.id for a in PACKAGED for view in views(target) if a.concerns(view)] == []


@each
def test_what_concerns_an_example_is_never_ruled_out_before(advisory: Advisory) -> None:
    for example in advisory.examples.affected:
        target, rule = examples.view(example).target, examples.rule(example)
        rules = (rule,) if rule else ()
        assert advisory in Shelf((advisory,), rules).concerning(target), example
        assert advisory.id in {known.id for known in advisories.load((), Present.on((target,), rules))}, example


EXAMPLES = [dict(example) for advisory in PACKAGED for example in (*advisory.examples.affected, *advisory.examples.fine)]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(EXAMPLES), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_what_is_ruled_out_before_concerns_nobody(chosen: list[dict[str, str]], random: Random) -> None:
    """Of facts mixed from several examples judging with what is left finds what judging with all does."""
    pairs = [pair for example in chosen for pair in example.items() if pair[0] not in ("extension", "gateway.kind", "gateway.version") and random.random() < 0.8]
    mixed = {"cli": "2.1.153", **dict(pairs)}
    target, rule = examples.view(mixed).target, examples.rule(mixed)
    rules = (rule,) if rule else ()

    def concerned(known: tuple[Advisory, ...]) -> list[str]:
        return [advisory.id for advisory in known for view in views(target) if advisory.concerns(view, lambda _: rule)]

    everything = concerned(PACKAGED)
    assert concerned(Shelf(PACKAGED, rules).concerning(target)) == everything
    assert concerned(advisories.load((), Present.on((target,), rules))) == everything


@each
def test_the_bounds_of_its_versions_are_wide_enough(advisory: Advisory) -> None:
    if advisory.affects is None or advisory.affects.versions is None:
        return
    glance = advisories.Glance.of(advisory.affects.versions, advisory.affects.when)
    for version in published().versions:
        assert glance.may_hold((version,)) is advisory.affects.versions.admits(version), version


@pytest.mark.parametrize("text", [">2.1.5", ">=2.1.5-rc.1", "<2.1.5-rc.3", "<=2.1.5-rc.3", "2.1.5-rc.2", ">2.1.4, <2.2", ">2.1.5-rc.1 || <2", "*", "!=2.1.5", ">=2.1"])
@pytest.mark.parametrize("version", ["2.1.4", "2.1.5-rc.2", "2.1.5", "2.1.6", "1.9.9", "none"])
def test_bounds_never_rule_out_what_the_range_admits(text: str, version: str) -> None:
    glance = advisories.Glance.of(Range.parse(text), advisories.Condition())
    assert glance.may_hold((version,)) or not Range.parse(text).admits(version)


def test_a_shelf_asks_of_alike_machines_once() -> None:
    shelf = Shelf(PACKAGED)
    old = good()._replace(installs=(good().installs[0]._replace(version="2.1.19"),))
    found = shelf.concerning(old)
    assert {"CCF-2026-0001", "CCF-2026-0017"} <= {advisory.id for advisory in found}
    assert shelf.concerning(old) == found
    assert shelf.concerning(good()) == ()


def test_another_extension_is_no_cli() -> None:
    (advisory,) = (known for known in PACKAGED if known.id == "CCF-2026-0001")
    assert advisory.concerns(examples.view({"extension": "anthropic.claude-code@2.1.19"}))
    with pytest.raises(examples.ExampleError):  # it is no client at all
        examples.view({"extension": "somebody.else@2.1.19"})


@each
def test_both_sides_of_every_version_boundary_are_examples(advisory: Advisory) -> None:
    """The last version that is admitted beside a bound has an example that is affected, and the first that is not one that is fine."""
    if advisory.affects is None or advisory.affects.versions is None:
        return
    admitted = [key(e.get("cli") or e["extension"].rpartition("@")[2]) or () for e in advisory.examples.affected if "cli" in e or "extension" in e]
    fine = [key(e.get("cli") or e["extension"].rpartition("@")[2]) or () for e in advisory.examples.fine if "cli" in e or "extension" in e]
    for parts in advisory.affects.versions.alternatives:
        for part in parts:
            bound = key(part.version) or ()
            if part.operator in ("<", "<="):
                assert any(version >= bound for version in fine), part
            if part.operator in (">", ">="):
                assert any(version < bound for version in fine), part
    assert admitted


@each
def test_its_gateways_are_of_a_kind_that_is_known(advisory: Advisory) -> None:
    if advisory.affects is None:
        return
    kinds = {kind for condition in (advisory.affects.when, *advisory.affects.unless) if condition.gateway for kind in condition.gateway.kind}
    assert kinds <= {"litellm", "ccr", "portkey", "flexgate", "ccgw", "bifrost", "truefoundry", "vllm", "ollama", "envoy"}


# What is known, and who tells it

ENTRIES = [entry for section in coverage() for entry in section["entries"]]


def test_every_fact_has_one_answer_and_every_answer_exists() -> None:
    ids = {advisory.id for advisory in PACKAGED}
    for entry in ENTRIES:
        (kind,) = {"advisories", "check", "why-not"} & set(entry)
        assert set(entry) == {"where", "fact", kind}
        assert entry["fact"]
        assert entry[kind]
        if kind == "advisories":
            assert set(entry[kind]) <= ids, entry
        elif kind == "check":
            assert set(entry[kind].split(", ")) <= set(all_checks()), entry
        else:
            assert len(entry[kind]) > 10


def test_every_advisory_answers_something() -> None:
    told = {known for entry in ENTRIES for known in entry.get("advisories", ())}
    assert told == {advisory.id for advisory in PACKAGED}


def test_every_row_of_a_section_is_there_once() -> None:
    for section in coverage():
        assert len(section["entries"]) == section["rows"], section["section"]
        assert all(entry["where"].startswith(section["section"]) for entry in section["entries"])
    assert len({entry["where"] for entry in ENTRIES}) == len(ENTRIES)
