"""Editing by splice: the value is there, and what was not edited has its bytes."""

from __future__ import annotations

import json
import re
import sys
import time
from typing import Any, Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cc_fleet.host.jsonc import DEPTH, JsoncError, parse
from cc_fleet.host.splice import remove_in, repaired, same, set_in
from tests.host import jsonc_documents as documents

KEY = ("env", "X")


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", '{\n  "env": {\n    "X": "1"\n  }\n}\n'),
        (" \n", ' \n{\n  "env": {\n    "X": "1"\n  }\n}\n'),
        ("{}", '{\n  "env": {\n    "X": "1"\n  }\n}'),
        ("{}\n", '{\n  "env": {\n    "X": "1"\n  }\n}\n'),
        ('{"env":{}}', '{"env":{"X": "1"}}'),
        ('{"env":{"A":"0"}}\n', '{"env":{"A":"0","X":"1"}}\n'),
        ('{"env": {"A": "0", "B": "2"}}', '{"env": {"A": "0", "B": "2", "X": "1"}}'),
        ('{ "env" : { "A" : "0" } }', '{ "env" : { "A" : "0", "X" : "1" } }'),
        # 1 comments
        ('{\n  "env": {\n    "A": "0" // about A\n    // tail\n  }\n}\n', '{\n  "env": {\n    "A": "0", // about A\n    "X": "1"\n    // tail\n  }\n}\n'),
        ('{\n  "env": { // empty\n  }\n}', '{\n  "env": { // empty\n    "X": "1"\n  }\n}'),
        ('{"env": {// \r}}\n', '{"env": {// \n  "X": "1"\n}}\n'),
        ('{"env": {"A": 1 /* a */}}', '{"env": {"A": 1, /* a */ "X": "1"}}'),
        ('{"env": {"A": 1 // a\n}}', '{"env": {"A": 1, // a\n"X": "1"\n}}'),
        # 2 line ends, 3 tabs
        ('{\r\n\t"env": {\r\n\t\t"A": "0"\r\n\t}\r\n}\r\n', '{\r\n\t"env": {\r\n\t\t"A": "0",\r\n\t\t"X": "1"\r\n\t}\r\n}\r\n'),
        ('{\r\n\t"a": 1\r\n}', '{\r\n\t"a": 1,\r\n\t"env": {\r\n\t\t"X": "1"\r\n\t}\r\n}'),
        # 4 byte-order mark
        ('\ufeff{"env": {"X": "0"}}', '\ufeff{"env": {"X": "1"}}'),
        ("\ufeff", '\ufeff{\n  "env": {\n    "X": "1"\n  }\n}\n'),
        # 5 duplicates: the last is in force
        ('{"env": {"X": "a", "X": "b"}}', '{"env": {"X": "a", "X": "1"}}'),
        ('{"env": {"X": "1"}, "env": {"X": "0"}}', '{"env": {"X": "1"}, "env": {"X": "1"}}'),
        ('{"env": {"X": "1"}, "env": {}}', '{"env": {"X": "1"}, "env": {"X": "1"}}'),
        # 6 numbers as they were
        ('{"n": [1.10, 1E400, 12345678901234567890123], "env": {"X": 0}}', '{"n": [1.10, 1E400, 12345678901234567890123], "env": {"X": "1"}}'),
        # 7 trailing commas
        ('{\n  "env": {\n    "A": "0",\n  },\n}', '{\n  "env": {\n    "A": "0",\n    "X": "1",\n  },\n}'),
        ('{"env": {"A": "0",},}', '{"env": {"A": "0", "X": "1",},}'),
        # 8 no document, 9 a comment and no newline, 10 no newline at the end
        ("// c", '// c\n{\n  "env": {\n    "X": "1"\n  }\n}\n'),
        ("/* c */\n", '/* c */\n{\n  "env": {\n    "X": "1"\n  }\n}\n'),
        ('{\n    "env": {"X": "0"}}', '{\n    "env": {"X": "1"}}'),
        # 11 keys written otherwise, 12 what looks like the key and is none
        ('{"\\u0065nv": {"\\u0058": "0"}}', '{"\\u0065nv": {"\\u0058": "1"}}'),
        ('{"a": "\\"env\\": {\\"X\\": 1", "env": /* "X": 2 */ {"X": 0}}', '{"a": "\\"env\\": {\\"X\\": 1", "env": /* "X": 2 */ {"X": "1"}}'),
        # 13 arrays and objects on the way, 14 a first member on the brace's line, 15 a value that is more than one line
        ('{"a": [{"env": {"X": 0}}], "env": {"X": 0}}', '{"a": [{"env": {"X": 0}}], "env": {"X": "1"}}'),
        ('{ "env": {"A": 1},\n  "b": 2}', '{ "env": {"A": 1, "X": "1"},\n  "b": 2}'),
        ('{"env": {"X": [\n1, // one\n2]}, "b": 2 // b\n}', '{"env": {"X": "1"}, "b": 2 // b\n}'),
    ],
)
def test_a_value_is_put_in_its_place(text: str, expected: str) -> None:
    assert set_in(text, KEY, "1") == expected
    assert set_in(expected, KEY, "1") == expected
    assert parse(expected).value["env"]["X"] == "1"


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", ""),
        ("// c", "// c"),
        ("{}", "{}"),
        ('{"env": {}}', '{"env": {}}'),
        ('{"env": null}', '{"env": null}'),
        ('{"env": [{"X": 1}]}', '{"env": [{"X": 1}]}'),
        ("[]", "[]"),
        ('{"env": {"X": 1}}', '{"env": {}}'),
        ('{"env": {"X": 1,}}', '{"env": {}}'),
        ('{"env": {\n  "X": 1\n}}', '{"env": {}}'),
        ('{"env": {"X": 1, "A": 2}}', '{"env": {"A": 2}}'),
        ('{"env": {"A": 2, "X": 1}}', '{"env": {"A": 2}}'),
        ('{"env": {"A": 2, "X": 1,}}', '{"env": {"A": 2,}}'),
        ('{"env": {"A": 2, "X": 1, "B": 3}}', '{"env": {"A": 2, "B": 3}}'),
        ('{ "env": { "A": 2, "X": 1 } }', '{ "env": { "A": 2 } }'),
        ('{"env": {\r\n\t"A": 2,\r\n\t"X": 1\r\n}}\r\n', '{"env": {\r\n\t"A": 2\r\n}}\r\n'),
        ('{"env": {\r\n\t"X": 1,\r\n\t"A": 2\r\n}}\r\n', '{"env": {\r\n\t"A": 2\r\n}}\r\n'),
        ('{"env": {\n  "A": 2, // a\n  "X": 1 // x\n}}', '{"env": {\n  "A": 2 // a\n  // x\n}}'),
        ('{"env": {\n  "A": 2, // a\n  "X": 1}}', '{"env": {\n  "A": 2 // a\n}}'),
        ('{"env": {\n  "A": 2,\n  "X": 1}}', '{"env": {\n  "A": 2}}'),
        ('{"env": {\n  "A": 2, "X": 1,\n  "B": 3}}', '{"env": {\n  "A": 2,\n  "B": 3}}'),
        ('{"env": {\n  "X": 1, "B": 3}}', '{"env": {\n  "B": 3}}'),
        ('{"env": {"A": 2 /* a */ , /* x */ "X": 1 /* y */ }}', '{"env": {"A": 2 /* a */  /* x */ /* y */ }}'),
        ('{"env": {"X": 1 , "A": 2 , "B": 3}}', '{"env": {"A": 2 , "B": 3}}'),
        ('{"env": {"A": 2 ,\n"X": 1\n,\n"B": 3 }}', '{"env": {"A": 2 ,\n"B": 3 }}'),
        ('{"env": {\n  "X": 1, "X": 2,\n  "A": 3\n}}', '{"env": {\n  \n  "A": 3\n}}'),
        ('{"env": {"X": 1 /* y */ , "A": 2}}', '{"env": {/* y */  "A": 2}}'),
        ('{"env": {// c\n"X": 1}}', '{"env": {// c\n}}'),
        ('{"env": {// c\r"X": 1}}', '{"env": {// c\r}}'),
        ('{"env": {"X": 1, "X": 2}}', '{"env": {}}'),
        ('{"env": {"X": 1, "A": 0, "X": 2, "X": 3}}', '{"env": {"A": 0 }}'),
        ('{"env": {"X": 1}, "env": {"X": 2}}', '{"env": {"X": 1}, "env": {}}'),
        ('\ufeff{"env": {"X": "a\\"}"}, "b": [1.10,],}', '\ufeff{"env": {}, "b": [1.10,],}'),
    ],
)
def test_a_member_goes_with_its_comma_and_its_line(text: str, expected: str) -> None:
    assert remove_in(text, KEY) == expected
    assert remove_in(expected, KEY) == expected


@pytest.mark.parametrize(
    "text, expected, told",
    [
        ("{}", "{}", ()),
        ('{"a": "// x, ]"}', '{"a": "// x, ]"}', ()),
        ("// top\n{}", "{}", ("line 1: a comment",)),
        ("\ufeff// top\r\n{}", "\ufeff{}", ("line 1: a comment",)),
        ("{} // end", "{}", ("line 1: a comment",)),
        ("{}\n// end", "{}\n", ("line 2: a comment",)),
        ("// c", "", ("line 1: a comment",)),
        ('{\n  "a": 1, // a\n  // own line\n  "b": 2,\n}\n', '{\n  "a": 1,\n  "b": 2\n}\n', ("line 2: a comment", "line 3: a comment", "line 4: a trailing comma")),
        ('{\r\n\t"a": [1, 2,],\r\n\t/* x */ "b": 1.10 // y\r\n}', '{\r\n\t"a": [1, 2],\r\n\t"b": 1.10\r\n}', ("line 2: a trailing comma", "line 3: a comment", "line 3: a comment")),
        ('{"a": 1 /* x */ , "b": /* two\nlines */ 2 , /* y */ }', '{"a": 1 , "b": 2 }', ("line 1: a comment", "line 1: a comment", "line 2: a trailing comma", "line 2: a comment")),
        ('{\n  "a": 1\n  , // c\n}', '{\n  "a": 1\n}', ("line 3: a trailing comma", "line 3: a comment")),
        ('{\n  /* a */ // b\n  /* c */ "a": 1\n}', '{\n  "a": 1\n}', ("line 2: a comment", "line 2: a comment", "line 3: a comment")),
    ],
)
def test_a_repair_leaves_out_what_strict_json_does_not_take_and_says_so(text: str, expected: str, told: tuple[str, ...]) -> None:
    assert repaired(text) == (expected, told)
    assert repaired(expected) == (expected, ())
    parse(expected, strict=True)


@pytest.mark.parametrize("text", ["{,}", "{'a': 1}", "{", '{"a": 1 "b": 2}', "x", '{"a": 01}', "/* no end", '{"a": 1,,}', "[" * (DEPTH + 1)])
def test_what_is_no_document_is_never_edited(text: str) -> None:
    with pytest.raises(JsoncError):
        set_in(text, KEY, "1")
    with pytest.raises(JsoncError):
        remove_in(text, KEY)
    with pytest.raises(JsoncError):
        repaired(text)


@pytest.mark.parametrize(
    "text, what, line",
    [
        ("[]", "the document is not an object", 1),
        ("\n 5", "the document is not an object", 2),
        ('{\n"env": null}', '"env" is not an object', 2),
        ('{"env": {}, "env": []}', '"env" is not an object', 1),
    ],
)
def test_below_what_is_no_object_nothing_is_set(text: str, what: str, line: int) -> None:
    with pytest.raises(JsoncError) as err:
        set_in(text, KEY, "1")
    assert (err.value.what, err.value.line) == (what, line)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": [float("-inf")]}, {1, 2}, b"x"])
def test_what_json_cannot_say_is_not_written(value: Any) -> None:
    with pytest.raises(JsoncError):
        set_in("{}", ("a",), value)


def test_a_value_without_end_is_not_written() -> None:
    endless: list[Any] = []
    endless.append(endless)
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    for value in (endless, deep):
        with pytest.raises(JsoncError):
            set_in('{"a": 1}', ("a",), value)


def test_no_path_is_no_key() -> None:
    with pytest.raises(JsoncError):
        set_in("{}", (), 1)
    with pytest.raises(JsoncError):
        remove_in("{}", ())


@pytest.mark.parametrize("old, new", [("true", 1), ("1", True), ("0", False), ("1", "1"), ("null", 0), ("[]", {}), ("1.5", "1.5")])
def test_values_are_compared_as_json_has_them(old: str, new: Any) -> None:
    assert set_in(f'{{"a": {old}}}', ("a",), new) == f'{{"a": {json.dumps(new)}}}'
    assert set_in(f'{{"a":   {old} }}', ("a",), json.loads(old)) == f'{{"a":   {old} }}'


def test_an_equal_value_keeps_how_it_is_written() -> None:
    text = '{"a": [1, /* one */ 2,\n], "n": 1e2, "t": "\\u0061"}'
    assert set_in(set_in(set_in(text, ("a",), [1, 2]), ("n",), 100.0), ("t",), "a") == text


def test_half_a_character_is_written_as_its_escape() -> None:
    assert set_in("{}", ("\ud800",), "\udfff😀").encode("utf-8") == b'{\n  "\\ud800": "\\udfff\xf0\x9f\x98\x80"\n}'


def test_a_value_of_several_lines_is_indented_as_its_surroundings() -> None:
    text = '{\r\n\t"a": {\r\n\t\t"b": 1\r\n\t}\r\n}\r\n'
    assert set_in(text, ("a", "b"), {"c": [1]}) == '{\r\n\t"a": {\r\n\t\t"b": {\r\n\t\t\t"c": [\r\n\t\t\t\t1\r\n\t\t\t]\r\n\t\t}\r\n\t}\r\n}\r\n'


def allowed(seconds: float) -> float:
    return seconds * (5 if sys.gettrace() else 1)  # a tracer makes it slow


BIG = {
    "an ordinary one": json.dumps({f"key{n}": {"a": [1, 2, 3], "b": "x" * 20} for n in range(7_500)}, indent=2),
    "one line": json.dumps({f"k{n}": n for n in range(50_000)}),
    "duplicates": "{" + ",".join('"k":1' for _ in range(115_000)) + "}",
    "duplicates, a line each": "{" + ",\n".join('"k":1 ' for _ in range(90_000)) + "}",
    "comments": '{"k": 1, "z": 2' + "/**/" * 170_000 + "}",
    "comments in lines": '{"k": 1,\n' + "// c\n" * 140_000 + '"z": 1}',
    "blanks": '{"k": 1,' + " " * 350_000 + "// c" + " " * 350_000 + '\n"z": 1}',
    "blanks, comments": "{" + " /**/" * 70_000 + ' "k": 1' + "\n \n" * 110_000 + "}",
    "braces": '{"z": [' + ",".join("{   \t" + " " * 20 + "}" for _ in range(25_000)) + '], "k": 2}',
}


@pytest.mark.parametrize("name", BIG)
def test_a_large_document_takes_well_under_a_second(name: str) -> None:
    text = BIG[name]
    assert len(text) > 650_000
    edits: list[Callable[[], object]] = [
        lambda: set_in(text, ("k",), "new"), lambda: set_in(text, ("q", "r"), {"new": 1}), lambda: remove_in(text, ("k",)), lambda: repaired(text),
    ]  # fmt: skip
    for edit in edits:
        started = time.process_time()
        edit()
        assert time.process_time() - started < allowed(1.5), name
    assert remove_in(BIG["duplicates"], ("k",)) == "{}"


# Over documents as people write them.

NUMBERS = st.integers(0, 2**40)


def value_of(text: str) -> Any:
    """The document's value; None where it is none."""
    try:
        return parse(text).value
    except JsoncError:
        return None


def comments(text: str) -> list[str]:
    """The comments, found without the parser: a string's content is passed over first."""
    found = re.finditer(r'"(?:[^"\\]|\\.)*"|(//[^\r\n]*|/\*.*?\*/)', text, re.DOTALL)
    return [match[1] for match in found if match[1] is not None]


def solid(text: str) -> str:
    """All but white space, outside of strings."""
    return "".join(match[0] for match in re.finditer(r'"(?:[^"\\]|\\.)*"|//[^\r\n]*|/\*.*?\*/|[^ \t\r\n]', text, re.DOTALL))


def has_duplicates(text: str, path: tuple[str, ...]) -> bool:
    node = parse(text)
    for key in path:
        if key in node.duplicates:
            return True
        if node.members is None or key not in node.members:
            return False
        node = node.members[key].node
    return False


@settings(max_examples=1500, deadline=None)
@given(NUMBERS)
def test_setting_gives_the_value_and_leaves_the_rest(seed: int) -> None:
    text, value = documents.document(seed), documents.wanted(seed)
    path = documents.path(seed, value_of(text))
    try:
        new = set_in(text, path, value)
    except JsoncError:
        return
    expected = value_of(text)
    inner = expected
    for key in path[:-1]:
        inner = inner.setdefault(key, {})
    had = path[-1] in inner
    inner[path[-1]] = value
    assert same(_sorted(value_of(new)), _sorted(expected))
    assert set_in(new, path, value) == new
    if not had:
        assert comments(new) == comments(text)
        back = remove_in(new, path)
        assert comments(back) == comments(text)
        if len(path) == 1:
            assert same(value_of(back), value_of(text))
    assert new.startswith("\ufeff") == text.startswith("\ufeff")
    if value_of(text) and not text.endswith(("\n", "\r")):
        assert not new.endswith("\n")


def _sorted(value: Any) -> Any:
    """A later duplicate stands where the first did, so order is not compared."""
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(one) for one in value] if isinstance(value, list) else value


@settings(max_examples=1500, deadline=None)
@given(NUMBERS)
def test_removing_takes_the_key_and_leaves_the_rest(seed: int) -> None:
    text = documents.document(seed)
    path = documents.path(seed, value_of(text))
    try:
        new = remove_in(text, path)
    except JsoncError:
        assert value_of(text) is None
        return
    expected = value_of(text)
    inner: Any = expected
    for key in path[:-1]:
        inner = inner.get(key) if isinstance(inner, dict) else None
    if not isinstance(inner, dict) or path[-1] not in inner:
        assert new == text
        return
    del inner[path[-1]]
    assert same(_sorted(value_of(new)), _sorted(expected))
    assert remove_in(new, path) == new
    left = iter(comments(text))
    assert all(one in left for one in comments(new)), "no comment is new, and none changes places"


@settings(max_examples=1500, deadline=None)
@given(NUMBERS)
def test_a_repair_keeps_the_value_and_all_that_is_none_of_it(seed: int) -> None:
    text = documents.document(seed)
    try:
        new, told = repaired(text)
    except JsoncError:
        assert value_of(text) is None
        return
    assert same(value_of(new), value_of(text))
    parse(new, strict=True)
    assert comments(new) == []
    assert len(told) >= len(comments(text))
    assert (told == ()) == (new == text)
    kept = solid(re.sub(r'("(?:[^"\\]|\\.)*")|//[^\r\n]*|/\*.*?\*/', lambda found: found[1] or " ", text, flags=re.DOTALL))
    assert solid(new) == re.sub(r'("(?:[^"\\]|\\.)*")|,(?=[}\]])', lambda found: found[1] or "", kept)


INNER = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8), lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=4), v, max_size=3), max_leaves=6
)
OBJECTS = st.dictionaries(st.text(max_size=6), INNER, max_size=5)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a machine with other work is slow
@given(
    OBJECTS, st.text(max_size=6), st.integers() | st.text(max_size=8) | st.booleans(),
    st.sampled_from([(None, False), (None, True), (1, False), (2, False), (4, False), ("\t", False)]), st.sampled_from([("\n", True), ("\n", False), ("\r\n", True)]),
)  # fmt: skip
def test_what_was_set_is_removed_to_the_byte(value: dict[str, Any], key: str, new: Any, style: tuple[Any, bool], ends: tuple[str, bool]) -> None:
    """As json.dumps and JSON.stringify write documents."""
    value.pop(key, None)
    (indent, compact), (newline, final) = style, ends

    def written(value: dict[str, Any]) -> str:
        dumped = json.dumps(value, indent=indent, separators=(",", ":") if compact else None, ensure_ascii=False)
        return (dumped.replace("\n", newline) + newline * final).encode("utf-8", "surrogatepass").decode("utf-8", "surrogatepass")

    text = written(value)
    made = set_in(text, (key,), new)
    assert remove_in(made, (key,)) == text
    if value and (compact or indent or len(value) > 1):
        assert made == written({**value, key: new})
