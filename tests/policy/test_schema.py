"""The JSON Schema says what the reader says."""

from __future__ import annotations

import json
import os
import re
import time
from collections import Counter
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import jsonschema
import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from cc_fleet.decode import Date, DecodeError, Value, decode, read_yaml, shape
from cc_fleet.policy import Policy
from cc_fleet.policy.load import folder, packaged
from cc_fleet.policy.schema import DATE, RANGE, about, fields, records, schema, schema_of, sentences
from cc_fleet.policy.values import Count, Duration, Numbers, Share
from cc_fleet.versions import Range

VALIDATOR = jsonschema.Draft202012Validator(schema())
DESIGN = """
policy: acme
extends: [default]
cli:
  versions: ">=2.1.163, <=2.1.330"
  install: "2.1.330"
  gate: derive
  auto-update: false
  sha256: {"2.1.330": {linux-x64: "0123"}}
deny:
  - {id: OPS-9, product: cli, versions: "2.1.250", reason: duplicate tool ids, instead: "2.1.248"}
extensions:
  anthropic.claude-code: {versions: ">=2.1.163", pinned: true, match-cli: true}
env:
  CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS: {value: "1", when: {provider: [bedrock, vertex, foundry, gateway]}, locked: true}
  CLAUDE_CODE_MAX_TOOL_USE_CONCURRENCY: {integer: ">=1, <=10"}
  ANTHROPIC_BETAS: {absent: true}
  DISABLE_AUTOUPDATER: "1"
settings: {permissions.disableBypassPermissionsMode: disable, effortLevel: {one-of: [low, medium, high]}}
gateways:
  - {url: "https://llm.acme.example/*", kind: litellm, upstream: bedrock, versions: ">=1.91", deny: {"1.107.0": compromised}, clients: ">=2.1.170"}
other-gateways: deny
advisories: [./advisories]
severity: {extension-leftover: note}
contact: "#claude-help"
waivers:
  - {check: cli-version, allow: {versions: "2.1.172"}, targets: ["group:ml"], until: 2026-12-31, reason: old SDK, owner: ml@acme.example, approved-by: secops, ticket: OPS-1}
"""


class Loader(yaml.SafeLoader):
    """As an editor reads YAML 1.2: a date is a text, ``on`` and ``off`` are."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in found if tag != "tag:yaml.org,2002:timestamp" and not (tag.endswith(":bool") and first in "yYnNoO")]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def loaded(text: str) -> Any:
    return yaml.load(text, Loader=Loader)


def accepted(text: str) -> tuple[bool, bool]:
    """Whether the schema takes it, and whether the reader does."""
    try:
        decode(Policy, read_yaml(text, "p"))
    except DecodeError:
        return VALIDATOR.is_valid(loaded(text)), False
    return VALIDATOR.is_valid(loaded(text)), True


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("name", packaged())
def test_packaged_policies_are_valid(name: str) -> None:
    assert accepted(Path(os.path.join(folder(), f"{name}.yaml")).read_text(encoding="utf-8")) == (True, True)


def test_the_designs_example_is_valid() -> None:
    assert accepted(DESIGN) == (True, True)


@pytest.mark.parametrize(
    "text",
    [
        "cli: {auto-update: {channel: stable}}", "cli: {versions: 2.1}", "cli: {install: 2}", "env: {X: 1}", "env: {X: true}", "env: {X: {value: 5}}",
        "settings: {a: true, b: 5, c: text, d: null}", "settings: {a: {one-of: [1, two, false]}}", "contact: 5", "cli: {gate: off}",
        "deny: [{id: A, lifted: fixed}]", "extensions: {x: {}}", "waivers: []", "env: {}",
    ],
)  # fmt: skip
def test_both_accept(text: str) -> None:
    assert accepted(f"policy: p\n{text}") == (True, True)


@pytest.mark.parametrize(
    "text",
    [
        "", "- policy", "policy: [a]", "polcy: p", "policy: p\ncolour: x", "policy: p\nextends: default", "policy: p\nextends: [[a]]", "policy: p\ncli: []",
        "policy: p\ncli: {versions: [a]}", "policy: p\ncli: {gate: on}", "policy: p\ncli: {auto_update: true}", "policy: p\ncli: {auto-update: 'maybe'}",
        "policy: p\ncli: {auto-update: {channel: beta}}", "policy: p\nenv: [X]", "policy: p\nenv: {X: {valu: a}}", "policy: p\nenv: {X: [a]}",
        "policy: p\nenv: {X: {value: a, when: {os: [beos]}}}", "policy: p\nenv: {X: {value: a, when: {provider: aws}}}", "policy: p\nenv: {X: {value: a, locked: 1}}",
        "policy: p\ndeny: [{versions: 2.1.1}]", "policy: p\ndeny: {id: A}", "policy: p\ngateways: [{kind: x}]", "policy: p\nother-gateways: maybe",
        "policy: p\nseverity: {x: fatal}", "policy: p\nwaivers: [{check: x}]", "policy: p\nwaivers: [{check: x, reason: r, until: tomorrow}]",
        "policy: p\nwaivers: [{check: x, reason: r, until: 2027-01-01, place: here}]", "policy: p\nextensions: {x: {pinned: sometimes}}",
        "policy: p\nwaivers: [{check: x, reason: r, until: 2027-01-01, allow: {}}]", "policy: p\nsettings: {a: [1]}", "policy: p\ncli: {sha256: {a: b}}",
    ],
)  # fmt: skip
def test_both_refuse(text: str) -> None:
    assert accepted(text) == (False, False)


@pytest.mark.parametrize("text", ["env: {X: {}}", "env: {X: {value: a, absent: true}}", "settings: {a: {}}", "deny: [{id: A}]", "cli: {versions: ^2.1}", "env: {X: {integer: many}}"])
def test_both_refuse_what_a_record_says_of_itself(text: str) -> None:
    assert accepted(f"policy: p\n{text}") == (False, False)


# Any document: what one takes, the other takes


WORDS = st.sampled_from(
    """
    a canary image linux bedrock 2.1.163 >=2.1.163,<2.2 >=1,<=10 2027-01-31 2027-02-29 2028-02-29 24h 25% 101% 90 0 true false null on error ignore derive
    report remove allow deny stable * ^2.1 =<2 1.107.0 ./advisories default@1 CCF-2026-0001 value absent 5 -5 >=1 2.10 v2.1.1 2.1.x ~ 1e3 0x1F
    """.split()
)
TEXTS = WORDS | st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co"), exclude_characters="\ufeff\u2028\u2029"), max_size=8) | st.just("two\nlines")
# A schema sees no spelling, so numbers are written as people do: 90 and not 90.0 or 0x5A.
SCALARS = TEXTS | st.integers(-3, 2_000_000) | st.sampled_from([0.5, 2.1, 2.25, -1.5, 163.125]) | st.booleans() | st.none()
JUNK = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(TEXTS, SCALARS, max_size=2)
RANGES = st.sampled_from([">=2.1.163, <=2.1.330", "2.1.1", "*", ">=1.91 || 2.2", "!=2.1.250", 2.1, 2, "2.1.1-rc.1", ">=1.0rc1.post2"])
GIVEN: dict[Any, st.SearchStrategy[Any]] = {
    str: SCALARS, bool: st.booleans() | st.sampled_from(["true", "false"]), Value: SCALARS, Range: RANGES, Date: st.dates(date(2000, 1, 1)).map(str),
    Numbers: st.sampled_from([">=1", ">=1, <=10", " > -2,!= 0 "]), Duration: st.sampled_from(["24h", "90m", "7d"]), Count: st.integers(1, 999999) | st.just("90"),
    Share: st.sampled_from(["25%", "100%", 10, "10"]),
}  # fmt: skip


@cache
def documents(into: Any) -> st.SearchStrategy[Any]:
    """What may stand where ``into`` is read, mostly right."""
    kind, inner = shape(into)
    if kind == "record":
        return records_of(inner)
    if kind == "mapping":
        return st.dictionaries(TEXTS, documents(inner), max_size=2)
    if kind == "list":
        return st.lists(documents(inner), max_size=2)
    if kind == "words":
        return documents(inner) | st.lists(documents(inner), max_size=2)
    return st.sampled_from(get_args(inner)) if get_origin(inner) is Literal else GIVEN[inner]


def records_of(into: Any) -> st.SearchStrategy[Any]:
    keys = fields(into)
    parts = {key: documents(into.__annotations__[name]) for key, name in keys.items()}
    one_of = into.one_of_these() if hasattr(into, "one_of_these") else ()
    required = {key: parts[key] for key, name in keys.items() if name not in into._field_defaults}
    optional = {key: parts[key] for key in parts if key not in required and key not in one_of}
    whole = st.fixed_dictionaries(required, optional=optional)
    if one_of:
        whole = st.builds(lambda rest, key, value: {**rest, key: value}, whole, st.sampled_from(one_of), JUNK | st.just(True)) | st.one_of(
            [st.builds(lambda rest, value, key=key: {**rest, key: value}, whole, parts[key]) for key in one_of]
        )
    return whole | parts[next(key for key, name in keys.items() if name == into.short())] if hasattr(into, "short") else whole


def ways(document: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value of a document."""
    yield way
    inner = document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    for key, value in inner:
        yield from ways(value, (*way, key))


def changed(document: Any, way: tuple[Any, ...], what: Any) -> Any:
    if not way:
        return what(document)
    copy = document.copy()
    copy[way[0]] = changed(copy[way[0]], way[1:], what)
    return copy


@st.composite
def policies(draw: st.DrawFn) -> Any:
    """A policy with up to three things changed: other values, keys that are gone or unknown, lists around things."""
    document = draw(documents(Policy))
    for _ in range(draw(st.sampled_from([0, 0, 1, 1, 2, 3]))):
        way = draw(st.sampled_from(list(ways(document))))
        change = draw(st.sampled_from(["replace", "wrap", "drop", "add"]))
        other, key = draw(JUNK), draw(TEXTS | st.sampled_from(["value", "one-of", "lifted", "versions", "place", "given", "auto_update"]))

        def what(value: Any, change: str = change, other: Any = other, key: str = key) -> Any:
            if change == "wrap":
                return [value]
            if change == "drop" and value and isinstance(value, (dict, list)):
                return dict(list(value.items())[1:]) if isinstance(value, dict) else value[1:]
            return {**value, key: other} if change == "add" and isinstance(value, dict) else other

        document = changed(document, way, what)
    return document


def as_yaml(value: Any, plain: bool) -> str:
    """A document as YAML, texts without quotes where they may stand so."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{as_yaml(str(key), plain)}: {as_yaml(inner, plain)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(as_yaml(item, plain) for item in value) + "]"
    if isinstance(value, str) and plain and re.fullmatch(r"[A-Za-z./][\w./@ -]*\w", value, re.ASCII) and loaded(f"[{value}]") == [value]:
        return value
    return json.dumps(value, ensure_ascii=False)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(policies(), st.booleans())
def test_schema_and_reader_agree_on_any_document(document: Any, plain: bool) -> None:
    text = as_yaml(document, plain)
    assert loaded(text) == document
    by_schema, by_reader = accepted(text)
    assert by_schema == by_reader, text


def test_such_documents_are_of_both_kinds() -> None:
    """Else the property would hold of nothing much."""
    seen: Counter[bool] = Counter()

    @seed(1)
    @settings(max_examples=150, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(policies())
    def count(document: Any) -> None:
        seen[VALIDATOR.is_valid(document)] += 1

    count()
    assert min(seen[True], seen[False]) > 20


# The texts that have a form


@pytest.mark.parametrize(
    ("key", "read", "alphabet"),
    [
        ("versions", Range.parse, "0123456789.><=!|, *vVxabcrpostdev-+_^~e\t\n١é"),
        ("numbers", Numbers.parse, "0123456789-><=!, \n\t١"),
        ("count", Count.parse, "0123456789-.\n١"),
        ("duration", Duration.parse, "0123mhd\n١"),
        ("share", Share.parse, "01259%\n١"),
    ],
)
def test_a_pattern_is_what_the_reader_takes(key: str, read: Any, alphabet: str) -> None:
    into = {"versions": Range, "numbers": Numbers, "count": Count, "duration": Duration, "share": Share}[key]
    validator = jsonschema.Draft202012Validator(schema_of(into))
    pieces = st.sampled_from([">=", "2.1.163", "<", "||", ", ", "1.0rc1", ".post1", "-rc.1", "+b.1", ".dev0", "v", "*", "90", "24h", "%", "-1", "01", "2.1", " "])

    @settings(max_examples=600, deadline=None)
    @given(st.text(alphabet, max_size=12) | st.lists(pieces, max_size=6).map("".join))
    def compare(text: str) -> None:
        try:
            read(text)
        except ValueError:
            taken = False
        else:
            taken = True
        assert validator.is_valid(text) == taken, text

    compare()


@pytest.mark.parametrize(
    "text",
    [">=2.1.163, " * 200, "2.1.163 || " * 200 + "x", "1." * 2000 + "x", "2.1.1-" * 200 + "~", " " * 500 + "x", "1.0a" * 300, "1-" * 1000 + "!", "1.0.0-a.1.b.2.c" * 50 + "~",
     ">= " * 300, "1.0.post1.dev1+a.b" * 50],
)  # fmt: skip
def test_no_text_keeps_an_editor_busy(text: str) -> None:
    """A pattern is tried on what is typed: two ways through each version would be 2 to the power of versions."""
    start = time.process_time()
    for pattern in (RANGE, DATE, Duration.PATTERN, Count.PATTERN, Share.PATTERN):
        assert re.fullmatch(pattern, text) is None
    assert time.process_time() - start < 2


def test_a_date_is_a_day_of_the_calendar() -> None:
    validator = jsonschema.Draft202012Validator(schema_of(Date))
    for year in (0, 1, 4, 100, 400, 1900, 2000, 2024, 2026, 2027, 2100, 2400, 9996, 9999):
        for month in range(14):
            for day in range(33):
                text = f"{year:04}-{month:02}-{day:02}"
                assert validator.is_valid(text) == (_date(text) is not None), text
    for text in ("2027-01-31\n", " 2027-01-31", "27-01-31", "2027-1-31", "2027-01-31T00:00:00Z", "٢٠٢٧-01-31", "20270131", "2027-W01-1"):
        assert not validator.is_valid(text)


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


# What the pages are made of


@pytest.mark.parametrize("record", records(), ids=lambda record: record.__name__)
def test_every_key_of_every_record_is_told_in_a_sentence(record: Any) -> None:
    assert set(sentences(record)) == set(fields(record))
    assert all(len(said) < 130 for said in sentences(record).values())
    assert about(record)


def test_the_records_are_those_that_a_policy_holds() -> None:
    def held(into: Any) -> Iterator[Any]:
        kind, inner = shape(into)
        if kind == "record":
            yield inner
            for name in fields(inner).values():
                yield from held(inner.__annotations__[name])
        elif kind in ("mapping", "list"):
            yield from held(inner)

    assert set(records()) == set(held(Policy))
