"""Versions and ranges, against the libraries whose order they have."""

from __future__ import annotations

import pytest
import semver
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.version import Version

from cc_fleet.versions import Published, Range, key, published

numbers = st.integers(min_value=0, max_value=10**6)
plain = st.builds("{}.{}.{}".format, numbers, numbers, numbers)
small = st.builds("{}.{}.{}".format, *[st.integers(0, 2)] * 3)
part = st.one_of(st.sampled_from(("alpha", "beta", "rc", "x-1", "A", "-", "0a")), st.integers(0, 30).map(str))
early = st.builds("{}-{}".format, small, st.lists(part, min_size=1, max_size=3).map(".".join))
built = st.builds("{}+{}".format, st.one_of(small, early), st.sampled_from(("b1", "001", "x.y")))
semvers = st.one_of(plain, small, early, built)
pep440 = st.from_regex(r"([0-2]!)?[0-3](\.[0-9]{1,2}){0,3}((a|b|rc|\.post|\.dev)[0-9])?", fullmatch=True)


@settings(max_examples=300, deadline=None)
@given(semvers, semvers)
def test_order_is_semvers(left: str, right: str) -> None:
    mine, other = key(left), key(right)
    assert mine is not None
    assert other is not None
    expected = semver.Version.parse(left).compare(right)
    assert (mine > other) - (mine < other) == expected


@settings(max_examples=200, deadline=None)
@given(pep440, pep440)
def test_order_of_gateways_is_pep_440s(left: str, right: str) -> None:
    mine, other = key(left, "pep440"), key(right, "pep440")
    assert mine is not None
    assert other is not None
    assert (mine < other) is (Version(left) < Version(right))


@settings(max_examples=200, deadline=None)
@given(plain, st.sampled_from((">=", "<=", ">", "<", "==", "!=", "=", "")), plain)
def test_one_comparison_is_semvers_match(version: str, operator: str, bound: str) -> None:
    expected = semver.Version.parse(version).match(f"{operator if operator not in ('', '=') else '=='}{bound}")
    assert Range.parse(f"{operator}{bound}").admits(version) is expected


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=30))
def test_any_text_is_a_range_or_a_value_error(text: str) -> None:
    try:
        Range.parse(text).admits("2.1.330")
    except ValueError as err:
        assert "\n" not in repr(str(err))  # noqa: PT017


@pytest.mark.parametrize("text", ["2.1", "2", "02.1.1", "2.1.1.1", "v2.1.1", "2.1.x", "", " 2.1.1", "2.1.1 ", "2.1.1-", "2.1.1-01", "٢.١.١", "latest", "2.1.1\n"])
def test_what_is_no_semver_has_no_key(text: str) -> None:
    assert key(text) is None
    assert not Range.parse("*").admits(text)


@pytest.mark.parametrize("text", ["latest", "", "1..2", "main-abc"])
def test_what_is_no_pep_440_version_has_no_key(text: str) -> None:
    assert key(text, "pep440") is None


@pytest.mark.parametrize(
    ("text", "admitted", "refused"),
    [
        ("*", "0.0.1 2.1.330 999.0.0", ""),
        (">=2.1.163, <2.2", "2.1.163 2.1.999", "2.1.162 2.2.0 2.1.9 3.0.0"),
        (">=2.1.163 <2.2", "2.1.163", "2.2.0"),
        (">= 2.1.163 ,< 2.2", "2.1.163", "2.2.0"),
        (">=2.1.163, <2.2, !=2.1.250", "2.1.249 2.1.251", "2.1.250"),
        ("2.1.17", "2.1.17", "2.1.170 2.1.1 2.1.18"),
        ("v2.1.17", "2.1.17", "2.1.18"),
        (">=v2.1.17", "2.1.17 2.1.153", "2.1.9"),
        ("=2.1.17", "2.1.17", "2.1.18"),
        ("2.1.17 || >=2.1.163", "2.1.17 2.1.163", "2.1.18 2.1.162"),
        ("2.1.17||2.1.19||2.1.21", "2.1.17 2.1.19 2.1.21", "2.1.18 2.1.20"),
        (">2.1", "2.1.1", "2.1.0 2.0.9"),
        ("<=2", "2.0.0 1.9.9", "2.0.1"),
        ("2.2", "2.2.0", "2.2.1"),
        (">2.1.9", "2.1.10 2.1.153", "2.1.9"),
        (">=2.1.5, <2.1.5", "", "2.1.5 2.1.4"),
    ],
)
def test_ranges(text: str, admitted: str, refused: str) -> None:
    found = Range.parse(text)
    assert [v for v in admitted.split() if not found.admits(v)] == []
    assert [v for v in refused.split() if found.admits(v)] == []
    assert str(found) == text


@pytest.mark.parametrize(
    ("text", "admitted", "refused"),
    [  # npm's rule, checked with `semver -r`: a pre-release counts only where the range names one of the same X.Y.Z
        ("*", "", "2.1.0-rc.1"),
        (">=2.1.0", "2.1.0 2.1.1", "2.1.0-rc.1 2.1.1-rc.1 3.0.0-rc.1"),
        (">=2.1.0-rc.1", "2.1.0-rc.1 2.1.0-rc.2 2.1.0 2.1.5", "2.1.0-beta 2.1.1-rc.1"),
        (">=2.1.0-rc.1 <2.1.2", "2.1.0-rc.2", "2.1.2-rc.1"),
        (">2.1.0-rc.9", "2.1.0-rc.10", "2.1.0-rc.9 2.1.0-rc.8"),
        ("2.1.0-rc.1", "2.1.0-rc.1", "2.1.0 2.1.0-rc.2"),
        ("<2.1.0", "2.0.9", "2.1.0-rc.1"),
        ("2.1.0-rc.1 || >=2.2.0", "2.1.0-rc.1 2.2.0", "2.2.1-rc.1 2.1.0"),
        (">=2.1.0-rc.1 || 2.2.0-rc.1", "2.2.0-rc.1", "2.2.0-rc.2"),
    ],
)
def test_pre_releases_as_npm_has_them(text: str, admitted: str, refused: str) -> None:
    found = Range.parse(text)
    assert [v for v in admitted.split() if not found.admits(v)] == []
    assert [v for v in refused.split() if found.admits(v)] == []


def test_build_metadata_is_no_difference() -> None:
    assert Range.parse("2.1.0").admits("2.1.0+sha.1")
    assert not Range.parse(">2.1.0").admits("2.1.0+sha.1")


@pytest.mark.parametrize(
    ("text", "admitted", "refused"),
    [
        (">=1.91", "1.91 1.91.0 1.91.0.post1 1.92.0rc1 2", "1.90.9 1.91rc1"),
        ("1.91.0rc1", "1.91.0rc1 1.91rc1", "1.91.0"),
        (">=1.91.0.dev3, <1.92", "1.91.0.dev3 1.91.5", "1.91.0.dev2 1.92.0"),
        ("!=1.107.0", "1.107.1", "1.107.0 1.107"),
    ],
)
def test_ranges_of_gateways(text: str, admitted: str, refused: str) -> None:
    found = Range.parse(text)
    assert [v for v in admitted.split() if not found.admits(v, "pep440")] == []
    assert [v for v in refused.split() if found.admits(v, "pep440")] == []


def test_a_bound_that_is_of_the_other_scheme_admits_nothing() -> None:
    assert not Range.parse(">=1.91.0.post1").admits("2.1.330")
    assert not Range.parse("<3.0.0-x.7").admits("1.0", "pep440")


EMPTY = "a range is missing; write for instance '>=2.1.163, <2.2'"
FORM = "is npm's form; write it out, for instance '>=2.1.0, <2.2'"
NONE = "is not a version or a comparison with one, such as '>=2.1.163'"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", EMPTY), ("  ", EMPTY), ("||", EMPTY), ("2.1.1 ||", EMPTY), ("|| 2.1.1", EMPTY), (">=2.1.1,", EMPTY), (",", EMPTY),
        ("^2.1.0", f"'^2.1.0' {FORM}"), ("~2.1", f"'~2.1' {FORM}"), ("2.1.x", f"'2.1.x' {FORM}"), ("2.X", f"'2.X' {FORM}"), ("2.1.*", f"'2.1.*' {FORM}"),
        ("latest", f"'latest' {NONE}"), (">=", f"'>=' {NONE}"), ("2.1.1 2.1.2", f"'2.1.1 2.1.2' {NONE}"), ("=>2.1", f"'=>2.1' {NONE}"),
        (">=2..1", f"'>=2..1' {NONE}"), ("2.1.1 - 2.1.9", f"'2.1.1 - 2.1.9' {NONE}"), ("*, 2.1", f"'*' {NONE}"),
        (">=2.1.163 | <2", f"'>=2.1.163 |' {NONE}"),
    ],
)  # fmt: skip
def test_errors(text: str, error: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        Range.parse(text)
    assert str(caught.value) == error


def test_published() -> None:
    known = Published("2026-01-01", ("2.1.1", "2.1.3"))
    assert {v: known.state(v) for v in ("2.1.1", "2.1.2", "2.1.3", "2.1.4", "2.1.10", "2.0.9", "latest", "2.1.4-rc.1")} == {
        "2.1.1": "published", "2.1.2": "never", "2.1.3": "published", "2.1.4": "newer", "2.1.10": "newer",
        "2.0.9": "never", "latest": "never", "2.1.4-rc.1": "newer",
    }  # fmt: skip
    assert known.newest == "2.1.3"


def test_the_shipped_list_is_in_order_and_whole() -> None:
    known = published()
    keys = [key(version) for version in known.versions]
    assert all(found is not None for found in keys)
    assert keys == sorted(keys, key=lambda found: found or ())
    assert len(set(known.versions)) == len(known.versions) > 300
    assert known.state("2.1.155") == "never"
    assert known.state("2.1.330") == "published"
    assert known.date >= "2026-01-01"
