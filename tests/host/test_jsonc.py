"""JSON and JSON-with-comments: what is accepted, what it says, where everything stands."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from typing import Any, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cc_fleet.host.jsonc import DEPTH, JsoncError, Node, TooDeep, parse, position

VALUES = ["{}", "[]", "[[]]", '{"a": 1}', '{"a": {"b": [1, 2, {"c": null}]}}', '"x"', "1", "-0.5e+3", "true", "null", '[{}, "", 0]']


def nodes(node: Node) -> Iterator[Node]:
    yield node
    for member in (node.members or {}).values():
        yield from nodes(member.node)


def error(text: str, *, strict: bool = False) -> JsoncError | None:
    """What keeps ``text`` from being a document."""
    try:
        parse(text, strict=strict)
    except JsoncError as err:
        return err
    return None


@pytest.mark.parametrize("text", VALUES)
@pytest.mark.parametrize("around", ["{}", "\ufeff{}", " \t\r\n{}\n\n", "/* a */{}// b"])
def test_every_span_is_the_text_of_its_value(text: str, around: str) -> None:
    whole = around.replace("{}", text)
    root = parse(whole)
    assert root.value == json.loads(text)
    for node in nodes(root):
        assert json.loads(whole[node.start : node.end]) == node.value


def test_a_member_starts_at_the_quote_of_its_key() -> None:
    text = '{ /* { */ "a" : 1, "b\\n": [2] }'
    members = parse(text).members or {}
    assert {key: text[member.start :][:4] for key, member in members.items()} == {"a": '"a" ', "b\n": '"b\\n'}


def test_of_duplicates_the_last_wins_and_each_is_told() -> None:
    root = parse('{"a": 1, "b": {"c": 1, "c": 2, "c": 3}, "a": {}}', strict=True)
    assert root.value == {"a": {}, "b": {"c": 3}}
    assert root.duplicates == ("a",)
    assert (root.members or {})["b"].node.duplicates == ("c", "c")


@pytest.mark.parametrize("text", ["", " \n", "\ufeff", "\ufeff \r\n"])
def test_an_empty_text_is_an_empty_object(text: str) -> None:
    for strict in (True, False):
        root = parse(text, strict=strict)
        assert (root.value, root.members, root.start) == ({}, {}, root.end)


@pytest.mark.parametrize(
    "text, line, column, what",
    [
        ('{\n  "a": x\n}', 2, 8, "expected a value"),
        ('{\n  "a" 1\n}', 2, 7, "expected ':'"),
        ('{"a": 1 "b": 2}', 1, 9, "expected ',' or '}'"),
        ("[1 2]", 1, 4, "expected ',' or ']'"),
        ("[1}", 1, 3, "expected ',' or ']'"),
        ("{a: 1}", 1, 2, "expected a value"),
        ("{1: 1}", 1, 2, "expected a key in double quotes"),
        ("{,}", 1, 2, "expected a key in double quotes"),
        ("[,]", 1, 2, "expected a value"),
        ("[1,,2]", 1, 4, "expected a value"),
        ("{} \n {}", 2, 2, "unexpected text after the document"),
        ('{"a": 1', 1, 8, "expected ',' or '}'"),
        ('{"a":', 1, 6, "expected a value"),
        ("]", 1, 1, "expected a value"),
        ('"a\nb"', 1, 1, "expected a value"),
        ('[\n\n "\\x"]', 3, 2, "not a valid string or number"),
        ('["\\u12"]', 1, 2, "not a valid string or number"),
        ('{"\\q": 1}', 1, 2, "not a valid string or number"),
        ("\ufeffx", 1, 2, "expected a value"),
        ("/* no end", 1, 1, "expected a value"),
        ("NaN", 1, 1, "expected a value"),
        ("-Infinity", 1, 1, "expected a value"),
        ("'a'", 1, 1, "expected a value"),
        ('"a', 1, 1, "expected a value"),
        ('"a\\', 1, 1, "expected a value"),
    ],
)
def test_an_error_says_what_and_where(text: str, line: int, column: int, what: str) -> None:
    with pytest.raises(JsoncError) as err:
        parse(text)
    assert (err.value.line, err.value.column, err.value.what) == (line, column, what)
    assert str(err.value) == f"line {line}: {what}"


@pytest.mark.parametrize("text", ["01", "1.", ".5", "+1", "1e", "1e+", "-", "--1", "0x1", "1_000", "truex", "tru", "nulls", "1.5.2", "१"])
def test_what_is_no_number_is_refused(text: str) -> None:
    for strict in (True, False):
        with pytest.raises(JsoncError):
            parse(text, strict=strict)


@pytest.mark.parametrize("text", ["0", "-0", "1.25", "1E5", "1e-07", "123456789012345678901234567890", "1e999"])
def test_numbers_are_those_of_json(text: str) -> None:
    assert repr(parse(text, strict=True).value) == repr(json.loads(text))


@pytest.mark.parametrize(
    "text, line, column, why",
    [
        ("{} // x", 1, 4, "a comment, which strict JSON does not allow"),
        ('{\n/* x */ "a": 1}', 2, 1, "a comment, which strict JSON does not allow"),
        ("// x\n{}", 1, 1, "a comment, which strict JSON does not allow"),
        ('{"a": 1,\n}', 2, 1, "a trailing comma, which strict JSON does not allow"),
        ("[1,]", 1, 4, "a trailing comma, which strict JSON does not allow"),
    ],
)
def test_comments_and_trailing_commas_are_lenient_only(text: str, line: int, column: int, why: str) -> None:
    parse(text)
    with pytest.raises(JsoncError) as err:
        parse(text, strict=True)
    assert (err.value.line, err.value.column, err.value.what) == (line, column, why)


@pytest.mark.parametrize("text", ['["//", "/* x */"]', '{"http://a": "/*"}'])
def test_what_looks_like_a_comment_in_a_string_is_none(text: str) -> None:
    assert parse(text, strict=True).value == json.loads(text)


def test_comments_stand_anywhere_between() -> None:
    assert parse('/**/{/*a*/"a"/*b*/:/*c*/[/*d*/1/*e*/,/***/]//f\n,//g\r\n}/*h*/').value == {"a": [1]}


@pytest.mark.parametrize("opening, closing", [("[", "]"), ('{"a":', "}")])
def test_depth_is_bounded_and_costs_no_recursion(opening: str, closing: str) -> None:
    root = parse(opening * DEPTH + "1" + closing * DEPTH)
    assert root.end == len(opening * DEPTH + closing * DEPTH) + 1
    started = time.perf_counter()
    for depth in (DEPTH + 1, 10_000, 1_000_000):
        with pytest.raises(TooDeep) as err:
            parse(opening * depth)
        assert err.value.column == len(opening) * DEPTH + 1
    assert time.perf_counter() - started < (10 if sys.gettrace() else 2)  # a tracer makes it slow


@pytest.mark.parametrize("text", ['"' + "\\" * 1_000_001, '"' + '\\"' * 500_000, "/*" * 500_000, "1" * 1_000_000 + "x", '{"a":1,' * 2, " " * 1_000_000 + "x"])
def test_a_megabyte_that_ends_badly_is_refused_at_once(text: str) -> None:
    started = time.perf_counter()
    with pytest.raises(JsoncError):
        parse(text)
    assert time.perf_counter() - started < (10 if sys.gettrace() else 2)  # a tracer makes it slow


def test_an_integer_of_thousands_of_digits_never_raises_anything_else() -> None:
    for digits in (4_000, 5_000, 1_000_000):
        said = error("1" * digits)
        assert said is None or said.what == "not a valid string or number"


@given(st.text(max_size=50), st.integers(0, 49))
def test_position_counts_lines_and_columns_from_one(text: str, at: int) -> None:
    at = min(at, len(text))
    before = text[:at].split("\n")
    assert position(text, at) == (len(before), len(before[-1]) + 1)


# The same acceptance and values as the parsers of others.

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
PIECES = [*'{}[]:,"\\/ \n\t\r0123456789.-+eEtfnu*', "true", "null", "false", "NaN", "Infinity", "//", "\\u", "\\ud800", '\\"', "\x00", "\u2028", "\xa0", "\ufeff", "é"]


def theirs(text: str) -> Any:
    """JSON.parse's answer, by Python: NaN and Infinity are not JSON."""

    def refuse(name: str) -> None:
        raise ValueError(name)

    return json.loads(text, parse_constant=refuse)


def compared(text: str) -> None:
    try:
        want, good = theirs(text), True
    except ValueError:
        want, good = None, False
    try:
        got, ours = parse(text, strict=True).value, True
    except JsoncError:
        got, ours = None, False
    assert (ours, repr(got)) == (good, repr(want)), text


def mutated(text: str, seed: int) -> str:
    chance = random.Random(seed)
    for _ in range(chance.randint(0, 3)):
        at = chance.randrange(len(text) + 1)
        text = text[:at] + chance.choice(["", chance.choice(PIECES)]) + text[at + chance.choice([0, 0, 1]) :]
    return text


def documents() -> list[str]:
    """Thousands of documents, the same in every run, half of them broken."""
    chance = random.Random(20261123)

    def value(depth: int) -> Any:
        made = chance.randrange(8 if depth else 6)
        if made == 6:
            return [value(depth - 1) for _ in range(chance.randrange(4))]
        if made == 7:
            return {word(): value(depth - 1) for _ in range(chance.randrange(4))}
        return [None, True, False, chance.randint(-(10**6), 10**6), chance.uniform(-1e9, 1e9), word()][made]

    def word() -> str:
        return "".join(chance.choice('ab"\\/\n\t\x00é\u2028😀\ud800 :') for _ in range(chance.randrange(5)))

    made = (json.dumps(value(4), ensure_ascii=chance.random() < 0.7, indent=chance.choice([None, 1])) for _ in range(4000))
    texts = [mutated(text, seed) for seed, text in enumerate(made)]
    return [text for text in texts if text.lstrip("\ufeff").strip(" \t\r\n") and not text.startswith("\ufeff")]


def test_strict_accepts_what_python_accepts() -> None:
    for text in documents():
        compared(text)


@settings(max_examples=300, deadline=None)
@given(JSON_VALUES, st.booleans(), st.sampled_from([None, 0, 2]), st.integers(0, 2**32))
def test_strict_reads_any_value_as_python_does(value: Any, ascii_only: bool, indent: int | None, seed: int) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    compared(text)
    changed = mutated(text, seed)
    if changed.strip(" \t\r\n") and not changed.startswith("\ufeff"):
        compared(changed)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join) | st.text(max_size=20))
def test_any_text_is_a_document_or_an_error(text: str) -> None:
    for strict in (True, False):
        said = error(text, strict=strict)
        assert said is None or 1 <= said.line <= text.count("\n") + 1
        assert said is None or 1 <= said.column <= len(text) + 1


NODE = """
const texts = JSON.parse(require('fs').readFileSync(0, 'utf8'));
process.stdout.write(JSON.stringify(texts.map(t => { try { return [true, JSON.stringify(JSON.parse(t))] } catch { return [false, null] } })));
"""


def test_strict_accepts_what_node_accepts() -> None:
    node = shutil.which("node")
    if node is None:
        if os.environ.get("CC_FLEET_REQUIRE_REAL") == "1":
            pytest.fail("no node in PATH, and CC_FLEET_REQUIRE_REAL=1")
        pytest.skip("no node in PATH, so JSON.parse was not compared")
    texts = documents()
    answer = subprocess.run([node, "-e", NODE], input=json.dumps(texts), capture_output=True, text=True, check=True, timeout=60)
    for text, (good, value) in zip(texts, json.loads(answer.stdout), strict=True):
        try:
            got: Any = parse(text, strict=True).value
        except JsoncError:
            assert not good, text
        else:
            assert good, text
            assert _numbers(got) == _numbers(json.loads(value)), text


def _numbers(value: Any) -> Any:
    """Numbers as JavaScript has them: all of one kind; an endless one is written as null."""
    if isinstance(value, dict):
        return {key: _numbers(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_numbers(inner) for inner in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return None if abs(value) > 1.8e308 or value in (float("inf"), float("-inf")) else float(value)
    return value
