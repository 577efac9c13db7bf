"""The CSV file of groups."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc_fleet.decode import DecodeError
from cc_fleet.policy import groups
from cc_fleet.policy.load import PolicyError, load


def parse(text: str) -> dict[str, tuple[str, ...]]:
    return dict(groups.parse(text.encode(), "g.csv"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("machine,group", {}),
        ("Machine,Group,Group\na,x", {"a": ("x",)}),
        ("a,x\nb,y,z", {"a": ("x",), "b": ("y", "z")}),
        ("a,x\nmachine,group", {"a": ("x",), "machine": ("group",)}),
        ('# who, what, "why\n\n  # more\na,x\n,,\n \n', {"a": ("x",)}),
        ("\ufeffmachine,group\r\na,x\r\n\r\nb,y\r\n", {"a": ("x",), "b": ("y",)}),
        ("a,x\rb,y", {"a": ("x",), "b": ("y",)}),
        (" a , x ,, y , x\n", {"a": ("x", "y")}),
        ('"a, the first",x', {"a, the first": ("x",)}),
        ("名,ü", {"名": ("ü",)}),
    ],
)
def test_what_is_read(text: str, expected: dict[str, tuple[str, ...]]) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        ("a,x\n# no\na,y", ["g.csv:3: a stands here and in line 1; write all its groups in one line"]),
        ("a", ["g.csv:1: the group of a is missing; write a,GROUP"]),
        ("a,\nb,,c", ["g.csv:1: the group of a is missing; write a,GROUP", "g.csv:2: the group of b is missing; write b,GROUP"]),
        ("machine,group\n,x", ["g.csv:2: the machine is missing; write its id or name, then its group"]),
        ('a,x\n"b,y\nc,z\n', ["g.csv:2: a quotation mark that its line does not close, or text after one that does"]),
        ('"a"b,x', ["g.csv:1: a quotation mark that its line does not close, or text after one that does"]),
        ('a"b,x', ["g.csv:1: a quotation mark inside a name"]),
        ('c,x\n"a\nb",x', ["g.csv:2: a quotation mark that its line does not close, or text after one that does"]),
        ("a,x" + "x" * 200_000, ["g.csv:1: a quotation mark that its line does not close, or text after one that does"]),
        ("\n".join(["a"] * 30), ["g.csv:1: the group of a is missing; write a,GROUP", *(f"g.csv:{n}: the group of a is missing; write a,GROUP" for n in range(2, 21))]),
    ],
)
def test_errors(text: str, errors: list[str]) -> None:
    with pytest.raises(DecodeError) as caught:
        parse(text)
    assert str(caught.value).split("\n") == errors


def test_not_utf_8() -> None:
    with pytest.raises(DecodeError, match=r"^g\.csv:2: is not UTF-8 text$"):
        groups.parse(b"a,x\n\xff,y", "g.csv")


@given(st.text(alphabet='ab,"\n\r #\x00\x85\u2028', max_size=30))
def test_any_text_is_read_or_an_error_of_its_lines(text: str) -> None:
    try:
        found = parse(text)
    except DecodeError as err:
        assert all(line.startswith("g.csv:") for line in str(err).split("\n"))  # noqa: PT017
    else:
        assert all(name and held and all(held) for name, held in found.items())


def test_a_hundred_thousand_lines_are_quick() -> None:
    data = b"machine,group\n" + b"".join(b"%032x,ring-%d\n" % (number, number % 7) for number in range(100_000))
    start = time.process_time()
    assert len(groups.parse(data, "g.csv")) == 100_000
    assert time.process_time() - start < 3  # 0.2 s; ten times that is another kind of slow


def policy(tmp: Path, text: str, **files: str) -> Path:
    for name, content in files.items():
        (tmp / name.replace("_", ".")).write_text(content, encoding="utf-8")
    (tmp / "policy.yaml").write_text(f"policy: p\n{text}\n", encoding="utf-8")
    return tmp / "policy.yaml"


def test_the_file_is_beside_the_policy_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "base.yaml").write_text("policy: b\ngroups: g.csv\n", encoding="utf-8")
    (tmp_path / "sub" / "g.csv").write_text("a,x\n", encoding="utf-8")
    assert load([str(policy(tmp_path, "extends: [sub/base.yaml]"))]).groups == {"a": ("x",)}
    assert load([str(policy(tmp_path, "extends: [sub/base.yaml]\ngroups: h.csv", h_csv="b,y"))]).groups == {"b": ("y",)}
    assert load([str(policy(tmp_path, ""))]).groups == {}


@pytest.mark.parametrize(
    ("named", "error"),
    [("none.csv", "{0}/none.csv: no such file or directory"), (".", "{0}/.: is not a file"), ("g.csv", "{0}/g.csv:1: the group of a is missing; write a,GROUP")],
)
def test_a_file_that_cannot_be_used(named: str, error: str, tmp_path: Path) -> None:
    with pytest.raises(PolicyError) as caught:
        load([str(policy(tmp_path, f"groups: {named}", g_csv="a"))])
    assert str(caught.value) == error.format(tmp_path)


def test_a_file_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "SIZE", 2048)
    with pytest.raises(PolicyError, match=r"g\.csv: is larger than 2 KiB"):
        load([str(policy(tmp_path, "groups: g.csv", g_csv="a,x\n" * 1000))])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root asks who may write a policy")
def test_as_root_the_groups_obey_the_same_owner_check(tmp_path: Path) -> None:
    file = policy(tmp_path, "groups: g.csv", g_csv="a,x")
    (tmp_path / "g.csv").chmod(0o666)
    with pytest.raises(PolicyError, match=r"g\.csv: others can write it; run as root, a policy must belong to root alone"):
        load([str(file)])
