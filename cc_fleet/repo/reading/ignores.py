"""Comments that ask to excuse a finding: ``# cc-fleet: ignore[cli-unpinned] why until=2026-12-31``.

One behind a statement is for that statement; one that has a line of its own is for the statement
below it, and several stand above one another.  Whether it excuses anything is for judging to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cc_fleet.host import redact
from cc_fleet.model import REDACTED, Ignore, Place

# How a comment begins in the files that are read, and how it may end before its line does.
_BEGINS = re.compile(r"(?:#|//|<!--|;|--|\{\{-? ?/\*|/\*|\{#-?|<#|::|\b[Rr][Ee][Mm]\b)[ \t*!]*\Z")
_ENDS = re.compile(r"-->|\*/(?:[ ]?-?\}\})?|-?\#\}|\#>")
_IGNORE = re.compile(r"cc-fleet:[ \t]{0,4}ignore(?![\w-])[ \t]{0,4}(?:\[([^\]\n]*)\])?")
_UNTIL = re.compile(r"(?<![^\s,;(])until[ \t]?=[ \t]?([^\s,;)]*)")
_MOST = 1000  # of a file
_LONGEST = 4000  # characters of a line
_STACK = 50
_STATEMENT = 200  # lines
# Where one command of a statement ends, and another begins.
_NEXT = ("&&", "||", ";", "|")


def read(file: str, text: str) -> Iterator[Ignore]:
    """The comments of ``text``; of a file with more than a thousand the rest excuses nothing."""
    lines, count = text.split("\n"), 0
    for at, line in enumerate(lines):
        found = _IGNORE.search(line, 0, _LONGEST) if "cc-fleet:" in line else None
        begins = _BEGINS.search(line[max(0, found.start() - 20) : found.start()]) if found else None
        if found is None or begins is None:
            continue
        count += 1
        if count > _MOST:
            return
        start = found.start() - (begins.end() - begins.start())
        ends = _ENDS.search(line, found.end(), _LONGEST)
        said = line[found.end() : ends.start() if ends else _LONGEST].strip().rstrip("\\").strip()
        alone = not line[:start].strip() and not (ends and line[ends.end() :].strip(" \t\r\\"))
        first, last = _below(lines, at, begins[0].strip()) if alone else _around(lines, at)
        names, (reason, until) = tuple(filter(None, re.split(r"[\s,]+", found[1] or ""))), _said(said)
        shown = f"{line[start : found.start()]}cc-fleet: ignore[{', '.join(map(redact.name, names))}] {_shown(said)}".rstrip()
        place = Place(file, at + 1, start + 1, shown)
        yield Ignore(tuple(map(redact.name, names[:20])), reason, until, place, first + 1, last + 1)


def _said(text: str) -> tuple[str, str | None]:
    """The reason and the date; of two dates the first counts."""
    found = _UNTIL.search(text)
    reason = _UNTIL.sub("", text).strip(" \t,;:-()")
    return _shown(reason), None if found is None else redact.name(found[1].rstrip("."))


def _shown(text: str) -> str:
    """A text as it may be kept: nothing in it that looks like a key."""
    words = re.sub(r"(?i)\b(bearer|basic)\s+[^\s]{16,}", rf"\1 {REDACTED}", text[:300]).split()
    return " ".join(redact.url(word) if "://" in word else redact.name(word) for word in words)


def _below(lines: list[str], at: int, mark: str) -> tuple[int, int]:
    """The statement below a comment: behind further comments, and where it is continued all of its lines.

    Inside of a statement that is continued (a Dockerfile has comments there) it is for one of its commands.
    """
    first = at + 1
    while first < min(len(lines), at + _STACK) and lines[first].lstrip().startswith(mark):
        first += 1
    before = at - 1
    while before > max(0, at - _STACK) and lines[before].lstrip().startswith(mark):
        before -= 1
    inside = before >= 0 and _goes_on(lines[before])
    last = first
    while last < min(len(lines) - 1, first + _STATEMENT) and (_goes_on(lines[last]) or (last > first and lines[last].lstrip().startswith("#"))):
        if inside and _is_border(lines[last], lines[last + 1]):
            break
        last += 1
    return first, last


def _around(lines: list[str], at: int) -> tuple[int, int]:
    """The command that ends on this line."""
    first = at
    while first > max(0, at - _STATEMENT) and _goes_on(lines[first - 1]) and not _is_border(lines[first - 1], lines[first]):
        first -= 1
    return first, at


def _goes_on(line: str) -> bool:
    """Whether the statement goes on in the next line."""
    return line.rstrip().endswith(("\\", " `"))


def _is_border(line: str, following: str) -> bool:
    return line.rstrip(" \t\r\\`").endswith(_NEXT) or following.lstrip().startswith(_NEXT)
