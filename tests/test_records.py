"""A NamedTuple of ours is to the code here what typing's is."""

from __future__ import annotations

import copy
import pickle
import typing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc_fleet import records


def both(body: str) -> tuple[Any, Any]:
    """The same class, of typing's and of ours."""
    made = []
    for base in (typing.NamedTuple, records.NamedTuple):
        space: dict[str, Any] = {"NamedTuple": base, "Any": Any, "__name__": __name__}
        exec(compile(f"class Thing(NamedTuple):\n    '''What it is.'''\n{body}", "x", "exec", dont_inherit=True), space)
        made.append(space["Thing"])
    return made[0], made[1]


THEIRS, OURS = both("    a: int\n    b: str = 'x'\n    c: tuple[int, ...] = ()\n    def twice(self): return self.a * 2\n    @staticmethod\n    def short(): return 'a'\n    @property\n    def size(self): return len(self.b)\n    @classmethod\n    def parse(cls, text): return cls(int(text))\n")
VALUES = st.lists(st.one_of(st.integers(), st.text(max_size=3)), max_size=4)
NAMED = st.dictionaries(st.sampled_from("abcd"), st.integers(), max_size=4)


@given(VALUES, NAMED)
def test_it_is_made_of_the_same_arguments(values: list[Any], named: dict[str, Any]) -> None:
    found: list[Any] = []
    for kind in (THEIRS, OURS):
        try:
            found.append(tuple(kind(*values, **named)))
        except TypeError:
            found.append(None)
    assert found[0] == found[1]


@given(NAMED)
def test_it_is_changed_alike(named: dict[str, Any]) -> None:
    found: list[Any] = []
    for kind in (THEIRS, OURS):
        try:
            changed = kind(1, "y")._replace(**named)
            found.append((tuple(changed), type(changed) is kind))
        except (ValueError, TypeError):
            found.append(None)
    assert found[0] == found[1]


def test_it_says_the_same_of_itself() -> None:
    for ask in (
        lambda kind: kind._fields, lambda kind: kind._field_defaults, lambda kind: kind.__annotations__, lambda kind: kind.__doc__, lambda kind: kind.__name__, lambda kind: kind.__qualname__,
        lambda kind: kind.__module__, lambda kind: repr(kind(1)), lambda kind: kind(1).twice(), lambda kind: kind.short(), lambda kind: kind(1, "yyy").size, lambda kind: tuple(kind.parse("7")),
        lambda kind: hash(kind(1)), lambda kind: kind(1) == (1, "x", ()), lambda kind: [kind(2), kind(1)] > [kind(1)], lambda kind: copy.copy(kind(1)) == kind(1), lambda kind: kind(1).c,
        lambda kind: kind.__slots__,
    ):  # fmt: skip
        assert ask(THEIRS) == ask(OURS)


class Kept(records.NamedTuple):
    a: int
    b: str = "x"


def test_it_is_immutable_travels_and_is_only_derived_from() -> None:
    thing = Kept(1)
    with pytest.raises(AttributeError):
        thing.a = 2  # type: ignore[misc]
    with pytest.raises(AttributeError):
        thing.other = 2  # type: ignore[attr-defined]
    assert pickle.loads(pickle.dumps(thing)) == thing
    assert copy.deepcopy(thing) == thing
    with pytest.raises(TypeError, match="derive a class"):
        records.NamedTuple("X", [("a", int)])
    empty: Any = both("    pass\n")[1]
    assert empty() == ()
