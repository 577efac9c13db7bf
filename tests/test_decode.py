"""YAML into named tuples: what is read, and what every error says."""

# No postponed annotations here: the decoder reads them as types.
import json
import time
from collections.abc import Mapping
from typing import Literal, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cc_fleet.decode import SIZE, Date, DecodeError, Node, Value, decode, near, read_yaml
from cc_fleet.frozen import compact, expand
from cc_fleet.model import Place
from cc_fleet.versions import Range


class Short(NamedTuple):
    """May be written as its ``value`` alone."""

    place: Place
    value: str | None = None
    loud: bool = False

    @staticmethod
    def short() -> str:
        return "value"


class Pair(NamedTuple):
    """Checks itself."""

    left: str
    right: str = ""

    def errors(self) -> list[str]:
        return ["needs a 'right'", "and more"] if not self.right else []


class Sample(NamedTuple):
    name: str
    on: bool = False
    many: tuple[str, ...] = ()
    by_name: Mapping[str, Short] = {}
    color: Literal["red", "green"] = "red"
    until: Date | None = None
    versions: Range | None = None
    json: Value | None = None
    pair: Pair | None = None


def read(text: str) -> Sample:
    found = decode(Sample, read_yaml(text, "f.yaml"))
    assert isinstance(found, Sample)
    return found


def errors(text: str) -> list[str]:
    with pytest.raises(DecodeError) as caught:
        read(text)
    return str(caught.value).splitlines()


# Reading


def test_a_whole_document() -> None:
    found = read(
        'name: x\non: true\nmany: [a, "b"]\nby-name:\n  one: v\n  two: {value: w, loud: true}\ncolor: green\nuntil: 2026-12-31\nversions: ">=2.1"\njson: 5\n'
        "pair: {left: l, right: r}\n"
    )
    assert found == Sample(
        "x", True, ("a", "b"), {"one": Short(Place("f.yaml", 5, 8), "v"), "two": Short(Place("f.yaml", 6, 8), "w", True)}, "green",
        Date("2026-12-31"), Range.parse(">=2.1"), Value(5), Pair("l", "r"),
    )  # fmt: skip


@pytest.mark.parametrize("text", ["2.10", "on", "off", "yes", "no", "null", "~", "010", "0x1F", "1e3", "1_000", ".5", "12:30:00", "2026-12-31", "=", "Infinity"])
def test_a_scalar_is_the_text_that_stands_there(text: str) -> None:
    assert read(f"name: {text}").name == text
    assert read(f"name: !!str {text}").name == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True), ("false", False), ("null", None), ("5", 5), ("-5", -5), ("0", 0), ('"5"', "5"), ("'true'", "true"), ("on", "on"),
        ("010", "010"), ("1.5", "1.5"), ("True", "True"), ("~", "~"), ("", ""), ("99999999999999999", "99999999999999999"),
    ],
)  # fmt: skip
def test_a_value_is_json_where_it_is_plain(text: str, value: object) -> None:
    found = read(f"name: x\njson: {text}").json
    assert found is not None
    assert (found.json, type(found.json)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("name: |\n  two\n  lines\n", "two\nlines\n"), ("name: >-\n  one\n  line\n", "one line"), ('name: "\\u00fc\\t"', "ü\t"), ("name: 'it''s'", "it's"),
        ("name: 漢字 🎉", "漢字 🎉"), ("\ufeffname: bom", "bom"), ("---\nname: x\n...\n", "x"), ("name: x # comment\r\n", "x"), ("{name: x}", "x"), ('{"name": "x"}', "x"),
        ('"name": x', "x"), ("? name\n: x", "x"), ("%YAML 1.1\n---\nname: x", "x"),
    ],
)  # fmt: skip
def test_forms_of_yaml(text: str, name: str) -> None:
    assert read(text).name == name


# Errors


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "f.yaml:1:1: the document is empty"),
        ("# only a comment\n", "f.yaml:1:1: the document is empty"),
        ("- a\n- b\n", "f.yaml:1:1: the document: expected a mapping"),
        ("\n\n  hello\n", "f.yaml:3:3: the document: expected a mapping"),
        ("null", "f.yaml:1:1: the document: expected a mapping"),
        ("on: true", "f.yaml:1:1: the document: 'name' is required"),
        ("name: [x]", "f.yaml:1:7: name: expected a single value"),
        ("name: {x: y}", "f.yaml:1:7: name: expected a single value"),
        ("name: x\nmany: a", "f.yaml:2:7: many: expected a list"),
        ("name: x\nmany: [a, [b]]", "f.yaml:2:11: many.1: expected a single value"),
        ("name: x\nby-name: [a]", "f.yaml:2:10: by-name: expected a mapping"),
        ("name: x\nby-name: {k: {loud: maybe}}", "f.yaml:2:21: by-name.k.loud: expected true or false, not 'maybe'"),
        ("name: x\nby-name: {k: [v]}", "f.yaml:2:14: by-name.k: expected a mapping"),
        ("name: x\non: yes", "f.yaml:2:5: on: expected true or false, not 'yes'"),
        ("name: x\non: True", "f.yaml:2:5: on: expected true or false, not 'True'"),
        ("name: x\ncolour: red", "f.yaml:2:1: the document: 'colour' is not known; did you mean 'color'?"),
        ("name: x\ncolor: gren", "f.yaml:2:8: color: 'gren' is not known; did you mean 'green'?"),
        ("name: x\ncolor: 7", "f.yaml:2:8: color: '7' is not one of green, red"),
        ("name: x\nuntil: 2026-02-30", "f.yaml:2:8: until: expected a date such as 2026-12-31, not '2026-02-30'"),
        ("name: x\nuntil: 20261231", "f.yaml:2:8: until: expected a date such as 2026-12-31, not '20261231'"),
        ("name: x\nuntil: 2026-12-31T00:00:00Z", "f.yaml:2:8: until: expected a date such as 2026-12-31, not '2026-12-31T00:00:00Z'"),
        ("name: x\nuntil: 2026-W10-1", "f.yaml:2:8: until: expected a date such as 2026-12-31, not '2026-W10-1'"),
        ("name: x\nuntil: ٢٠٢٦-١٢-٣١", "f.yaml:2:8: until: expected a date such as 2026-12-31, not '٢٠٢٦-١٢-٣١'"),
        ("name: x\nversions: ^2.1", "f.yaml:2:11: versions: '^2.1' is npm's form; write it out, for instance '>=2.1.0, <2.2'"),
        ("name: x\nname: y", "f.yaml:2:1: the document: 'name' stands here twice"),
        ('name: x\n"name": y', "f.yaml:2:1: the document: 'name' stands here twice"),
        ("name: x\nby-name: {k: a, k: b}", "f.yaml:2:17: by-name: 'k' stands here twice"),
        ("name: x\n[a]: b", "f.yaml:2:1: the document: a key must be a single value"),
        ("name: x\n? {a: b}\n: c", "f.yaml:2:3: the document: a key must be a single value"),
        ("name: x\nby_name: {}", "f.yaml:2:1: the document: 'by_name' is not known; did you mean 'by-name'?"),
        ("name: x\nplace: here", "f.yaml:2:1: the document: 'place' is not one of by-name, color, json, many, name, on, pair, until, versions"),
        ("name: x\npair: {}", "f.yaml:2:7: pair: 'left' is required"),
        ("name: x\njson: [1]", "f.yaml:2:7: json: expected a single value"),
        ("name: x\nby-name: {k: {place: p}}", "f.yaml:2:15: by-name.k: 'place' is not one of loud, value"),
        ("name: x\n<<: {on: true}", "f.yaml:2:1: the document: '<<' is not one of by-name, color, json, many, name, on, pair, until, versions"),
    ],
)  # fmt: skip
def test_one_error(text: str, error: str) -> None:
    assert errors(text) == [error]


def test_a_record_tells_all_its_own_errors() -> None:
    assert errors("name: x\npair: {left: l}") == ["f.yaml:2:7: pair: needs a 'right'", "f.yaml:2:7: pair: and more"]


def test_all_errors_of_a_file_are_told_at_once_in_order() -> None:
    assert errors("on: maybe\ncolor: blue\nmany: {a: b}\nnam: 1\nuntil: soon\n") == [
        "f.yaml:1:5: on: expected true or false, not 'maybe'",
        "f.yaml:2:8: color: 'blue' is not one of green, red",
        "f.yaml:3:7: many: expected a list",
        "f.yaml:4:1: the document: 'nam' is not known; did you mean 'name'?",
        "f.yaml:5:8: until: expected a date such as 2026-12-31, not 'soon'",
        "f.yaml:1:1: the document: 'name' is required",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "name: [", "name: x: y", "name:\n\t- a", "\tname: x", 'name: "x', "{name: x", "name: @x", "name: `x", "a: b\n- c", "name: x\n---\nname: y",
        "name: 'x\n", "name: %x", "!<", "name: !foo!bar x", "name: |9z\n x", '"\\xzz": 1', 'name: "\\ud800"',
    ],
)  # fmt: skip
def test_bad_yaml_is_one_error_with_its_place(text: str) -> None:
    (error,) = errors(text)
    file, line, column, what = error.split(":", 3)
    assert file == "f.yaml"
    assert 1 <= int(line) <= text.count("\n") + 2
    assert int(column) >= 1
    assert what.strip()


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x1b", "\x7f", "\x85\x9f", "\ufffe"])
def test_control_characters_are_refused(character: str) -> None:
    (error,) = errors(f"name: x{character}\n")
    assert error.startswith("f.yaml:")
    assert error.isprintable()


# What grows or loops


@pytest.mark.parametrize("text", ["a: &x 1\nb: *x", "&x [*x]", "name: *nothing", "base: &b {on: true}\nname: x\n<<: *b"])
def test_aliases_are_refused(text: str) -> None:
    (error,) = errors(text)
    assert "an alias, which cc-fleet's files do not use; write the value out" in error


def test_an_anchor_that_nothing_uses_is_no_harm() -> None:
    assert read("name: &a x").name == "x"


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [lol]\n" + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(9)),
        "[" * 10_000, "[" * 10_000 + "]" * 10_000, "{a: " * 10_000, "- " * 10_000 + "x", "? " * 10_000, "".join(" " * n + "a:\n" for n in range(1000)),
    ],
    ids=("billion laughs", "open lists", "lists", "maps", "dashes", "keys", "indented"),
)  # fmt: skip
def test_what_grows_is_refused_at_once(text: str) -> None:
    start = time.process_time()
    (error,) = errors(text)
    assert "an alias" in error or "nested more than 64 deep" in error
    assert time.process_time() - start < 5


def test_the_limits_are_what_is_allowed() -> None:
    assert read_yaml("[" * 64 + "]" * 64, "f").kind == "list"
    assert read_yaml("#" * (SIZE - 2) + "\nx", "f").value == "x"
    with pytest.raises(DecodeError, match=r"f:1:1: the document is larger than 1024 KiB"):
        read_yaml("#" * SIZE + "\nx", "f")


def test_places_are_one_based_characters() -> None:
    root = read_yaml("ключ: значение\n  \nb:\n  - c\n", "f")
    assert [(key.line, key.column, value.line, value.column) for key, value in root.value] == [(1, 1, 1, 7), (3, 1, 4, 3)]


# Compiled form


trees = st.recursive(
    st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=5),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text("abc-", max_size=3), inner, max_size=3)),
    max_leaves=10,
)


@settings(max_examples=60, deadline=None)
@given(trees)
def test_compact_and_expand_give_the_same_node(tree: object) -> None:
    node = read_yaml(json.dumps(tree, ensure_ascii=False), "f")
    again = expand(json.loads(json.dumps(compact(node))), "f")
    assert again == node
    assert isinstance(again, Node)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_read_or_a_decode_error(text: str) -> None:
    try:
        read(text)
    except DecodeError as err:
        assert str(err).startswith("f.yaml:")  # noqa: PT017


def test_near() -> None:
    assert near("clr", ["color", "name"]) == "'clr' is not known; did you mean 'color'?"
    assert near("zzz", ["b", "a"]) == "'zzz' is not one of a, b"
