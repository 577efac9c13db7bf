"""Files of ``NAME=value`` lines, as compose and others read ``.env``."""

from __future__ import annotations

import re

from cc_fleet.repo.reading.source import Source
from cc_fleet.repo.reading.values import Value

MOST = 5000
_LINE = re.compile(r"[ \t]*(?:export[ \t]+)?([A-Za-z_][\w.-]*)[ \t]*=[ \t]*(\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'|[^\n]*)")


def values(file: str, text: str) -> dict[str, Value]:
    """Each name's value, the last where there are several; one that is made of other names is not known."""
    source = Source.whole(file, text)
    found: dict[str, Value] = {}
    at = 0
    for row in text.split("\n"):
        told = _LINE.match(row) if len(row) < 10_000 and "=" in row else None
        if told is not None and len(found) < MOST:
            raw, start = told[2], at + told.start(2)
            quoted = raw[:1] in ("'", '"') and len(raw) > 1 and raw[-1] == raw[0]
            value = raw[1:-1] if quoted else re.split(r"[ \t]#", raw, maxsplit=1)[0].strip()
            place = source.place(start + quoted, value)
            known = "$" not in value or raw[:1] == "'"
            found[told[1]] = Value(value, place) if known else Value(None, place._replace(text=None), f"`{told[1]}`, which is put together")
        at += len(row) + 1
    return found
