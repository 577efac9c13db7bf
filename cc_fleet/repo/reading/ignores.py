"""Comments that excuse a finding: ``# cc-fleet: ignore[cli-unpinned] the base image pins it until=2026-12-31``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cc_fleet.model import Ignore
from cc_fleet.repo.reading.source import Source

_COMMENT = re.compile(
    r"(?P<mark>#|//|<!--|;|--|/\*|\{\{-?\s*/\*|\{#|%|::|\brem\b)[ \t]*cc-fleet:[ \t]*ignore\b[ \t]*\[(?P<checks>[^\]\n]{0,400})\](?P<rest>[^\n]{0,1000})", re.IGNORECASE
)
_ENDS = re.compile(r"\s*(?:-->|\*/\s*-?\}\}|\*/|#\}|\\|`)?\s*$")
_UNTIL = re.compile(r"(?:^|\s)until=(\S+)")
_BARE = re.compile(r"\s*(?:#|//|<!--|;|--|/\*|\{\{-?\s*/\*|\{#|%|::|rem\b)", re.IGNORECASE)
MOST = 1000  # of a file


def read(file: str, text: str) -> Iterator[Ignore]:
    """The comments of a file.  One that stands alone speaks of the next line that is no comment."""
    if "cc-fleet:" not in text.lower():
        return
    whole = Source.whole(file, text)
    rows = text.split("\n")
    for number, found in enumerate(_COMMENT.finditer(text)):
        if number == MOST:
            return
        place = whole.place(found.start(), " ".join(found[0].split())[:160])
        line = place.line or 1
        if not rows[line - 1][: (place.column or 1) - 1].strip():
            line = _next(rows, line)
        rest = _ENDS.sub("", found["rest"])
        until = _UNTIL.search(rest)
        reason = " ".join(_UNTIL.sub(" ", rest).split()).lstrip(":—- ")
        checks = tuple(dict.fromkeys(name.strip() for name in found["checks"].split(",") if name.strip()))
        yield Ignore(checks, reason, until[1] if until else None, place, line)


def _next(rows: list[str], line: int) -> int:
    """The next line that is neither empty nor a comment."""
    at = line
    while at < len(rows) and (not rows[at].strip() or _BARE.match(rows[at])):
        at += 1
    return at + 1
