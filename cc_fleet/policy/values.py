"""The single values of a policy that are neither words nor versions: comparisons, numbers, times, shares.

Each has the ``PATTERN`` that both the reader and the JSON Schema go by.
"""

# No postponed annotations here: the decoder reads them as types.
import operator
import re
from collections.abc import Iterator
from typing import Any

from cc_fleet.records import NamedTuple

COMPARISON = r"\s*(>=|<=|>|<|!=)\s*(-?[0-9]{1,9})\s*"


class Numbers(NamedTuple):
    """Comparisons that a whole number must meet: ``>=1, <=10``."""

    text: str

    @classmethod
    def parse(cls, text: str) -> "Numbers":
        list(_bounds(text))
        return cls(text)

    def admits(self, number: int) -> bool:
        return all(compare(number, bound) for compare, bound in _bounds(self.text))


class Count(int):
    """A whole number from 1."""

    PATTERN = "[1-9][0-9]{0,5}"

    @classmethod
    def parse(cls, text: str) -> "Count":
        return cls(_matching(cls.PATTERN, text, "a whole number from 1, such as 90"))


class Duration(str):
    """A time to wait: ``90m``, ``24h``, ``7d``."""

    PATTERN = "[1-9][0-9]{0,5}[mhd]"

    @classmethod
    def parse(cls, text: str) -> "Duration":
        return cls(_matching(cls.PATTERN, text, "minutes, hours or days, such as 24h"))

    @property
    def seconds(self) -> int:
        return int(self[:-1]) * {"m": 60, "h": 3600, "d": 86400}[self[-1]]


class Share(str):
    """So many of a group: a number (``10``) or a part (``25%``)."""

    PATTERN = "[1-9][0-9]{0,5}|(?:100|[1-9][0-9]?)%"

    @classmethod
    def parse(cls, text: str) -> "Share":
        return cls(_matching(cls.PATTERN, text, "a number of machines or a part of them, such as 10 or 25%"))


def _matching(pattern: str, text: str, wanted: str) -> str:
    if re.fullmatch(pattern, text) is None:
        raise ValueError(f"expected {wanted}, not {text!r}")
    return text


def _bounds(text: str) -> Iterator[tuple[Any, int]]:
    operators = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "!=": operator.ne}
    for part in text.split(","):
        found = re.fullmatch(COMPARISON, part)
        if found is None:
            raise ValueError(f"{part.strip()!r} is not a comparison with a whole number, such as '>=1'")
        yield operators[found[1]], int(found[2])
