"""Whether a regular expression can be searched for without running away.

``re`` tries one way after another and cannot be stopped, so ``(a+)+$`` on a line of forty letters
never ends.  A pattern is therefore weighed before it is taken: in how many ways it can match from
one place, and how many steps that takes, at worst.  Where that is not easily seen the answer is the worse one.  Only a pattern
that is read from YAML is weighed; the compiled ones were.
"""

from __future__ import annotations

import re
import warnings
from re import _constants as code  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

LONGEST = 300
# A line is searched so much at a time.
LINE = 2000
# One open `.*` may run over a whole line, some times over.
MOST = 8 * LINE
_ANY = MOST + 1
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
    if max(_weigh(list(parsed), folds)) > MOST:
        raise ValueError("this regular expression can run away; write no repeat within a repeat, and one '.*' at most")
    if re.search(text, "") is not None:
        raise ValueError("this regular expression matches any text, an empty one too")


def _weigh(items: list[Any], folds: bool) -> tuple[int, int]:
    """In how many ways at most ``items`` match from one place, and in how many steps of repeats; more than ``MOST`` is any number."""
    ways, steps = 1, 0
    for at, (kind, told) in enumerate(items):
        following = items[at + 1] if at + 1 < len(items) and not folds else None
        more, each = _of(kind, told, following, folds)
        ways, steps = min(ways * more, _ANY), min(steps + ways * each, _ANY)
    return ways, steps


def _of(kind: Any, told: Any, following: Any, folds: bool) -> tuple[int, int]:
    if kind in _REPEATS:
        return _repeat(told, following, folds)
    if kind is code.SUBPATTERN:
        return _weigh(list(told[-1]), folds)
    if kind is code.BRANCH:
        branches = [list(branch) for branch in told[1]]
        weights = [_weigh(branch, folds) for branch in branches]
        firsts = [branch[0][1] if branch and branch[0][0] is code.LITERAL else None for branch in branches]
        apart = not folds and None not in firsts and len(set(firsts)) == len(firsts)
        ways = [ways for ways, _ in weights]
        return max(ways) if apart else sum(ways), max(steps for _, steps in weights) if apart else sum(steps for _, steps in weights)
    if kind in (code.ASSERT, code.ASSERT_NOT):
        return _weigh(list(told[1]), folds)
    if kind is code.ATOMIC_GROUP:
        return _weigh(list(told), folds)
    return (_ANY, _ANY) if kind in (code.GROUPREF, code.GROUPREF_EXISTS) else (1, 0)


def _repeat(told: Any, following: Any, folds: bool) -> tuple[int, int]:
    least, most, body = told[0], told[1], list(told[2])
    ways, steps = _weigh(body, folds)
    longest = min(most, LINE)
    if ways > 1:
        before = int(ways ** (most - 1)) if 0 < most < 16 else _ANY
        return before * ways + 1, min(before * longest * (steps + 1), _ANY)
    return 1 if least == most or _ends(body, following) else max(1, longest - least + 1), longest * (steps + 1)


def _ends(body: list[Any], following: Any) -> bool:
    """Whether a repeat of one character has to stop where ``following``, a literal once or more, begins."""
    if following is not None and following[0] in _REPEATS and following[1][0] > 0:
        following = next(iter(following[1][2]), None)
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
