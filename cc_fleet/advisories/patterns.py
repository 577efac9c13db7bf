"""Whether a regular expression can be searched for without running away.

``re`` tries one way after another and cannot be stopped, so ``(a+)+$`` on a line of forty letters
never ends.  A pattern is therefore weighed before it is taken: in how many ways it can match from
one place, at worst.  Where that is not easily seen the answer is the worse one.  Only a pattern
that is read from YAML is weighed; the compiled ones were.
"""

from __future__ import annotations

import re
import warnings
from re import _constants as code  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

LONGEST = 500
# What is searched: lines, so much of each.
LINE = 4000
# One open `.*` may run over a whole line, times eight.
MOST = 8 * LINE
_REPEATS = (code.MAX_REPEAT, code.MIN_REPEAT, code.POSSESSIVE_REPEAT)


def check(text: str) -> None:
    """ValueError with what is wrong with a pattern, if anything is."""
    if len(text) > LONGEST:
        raise ValueError(f"a regular expression of more than {LONGEST} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            re.compile(text)
            parsed = parser.parse(text)
    except (re.error, OverflowError, RecursionError, Warning) as err:
        raise ValueError(f"not a regular expression: {getattr(err, 'msg', None) or err}") from None
    folds = re.search(r"\(\?[a-zA-Z]*i", text) is not None
    if _ways(list(parsed), folds) > MOST:
        raise ValueError("this regular expression can run away; write no repeat within a repeat, and one '.*' at most")
    if re.search(text, "") is not None:
        raise ValueError("this regular expression matches any text, an empty one too")


def _ways(items: list[Any], folds: bool) -> int:
    """In how many ways at most ``items`` match from one place; more than ``MOST`` is any number."""
    total = 1
    for at, (kind, told) in enumerate(items):
        following = items[at + 1] if at + 1 < len(items) and not folds else None
        total = min(total * _of(kind, told, following, folds), MOST + 1)
    return total


def _of(kind: Any, told: Any, following: Any, folds: bool) -> int:
    if kind in _REPEATS:
        least, most, body = told[0], told[1], list(told[2])
        inner = _ways(body, folds)
        if inner > 1:
            return (int(inner**most) if most < 16 else MOST + 1) + int(least == 0)
        return 1 if least == most or _ends(body, following) else int(max(1, min(most, LINE) - least + 1))
    if kind is code.SUBPATTERN:
        return _ways(list(told[-1]), folds)
    if kind is code.BRANCH:
        branches = [list(branch) for branch in told[1]]
        ways = [_ways(branch, folds) for branch in branches]
        firsts = [branch[0][1] if branch and branch[0][0] is code.LITERAL else None for branch in branches]
        apart = not folds and None not in firsts and len(set(firsts)) == len(firsts)
        return max(ways) if apart else sum(ways)
    if kind in (code.ASSERT, code.ASSERT_NOT):
        return _ways(list(told[1]), folds)
    if kind is code.ATOMIC_GROUP:
        return _ways(list(told), folds)
    return MOST + 1 if kind in (code.GROUPREF, code.GROUPREF_EXISTS) else 1


def _ends(body: list[Any], following: Any) -> bool:
    """Whether a repeat of one character has to stop where ``following``, a literal, begins."""
    if following is None or following[0] is not code.LITERAL or len(body) != 1:
        return False
    kind, told = body[0]
    letter = following[1]
    if kind is code.LITERAL:
        return bool(told != letter)
    if kind is code.NOT_LITERAL:
        return bool(told == letter)
    if kind is not code.IN:
        return False
    if told[0][0] is code.NEGATE:
        return (code.LITERAL, letter) in told
    return all(_is_not(item, letter) for item in told)


def _is_not(item: Any, letter: int) -> bool:
    kind, told = item
    if kind is code.RANGE:
        return not told[0] <= letter <= told[1]
    if kind is code.CATEGORY:
        return told is code.CATEGORY_DIGIT and not chr(letter).isdigit()
    return bool(kind is code.LITERAL and told != letter)
