"""Words of a script as values, and what a report shows of them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cc_fleet.host import redact
from cc_fleet.host.commands import Word
from cc_fleet.repo.reading import words
from cc_fleet.repo.reading.interpolation import LONGEST
from cc_fleet.repo.reading.recognise import Said
from cc_fleet.repo.reading.source import Source
from cc_fleet.repo.reading.values import UNKNOWN, Value

PARTS = 32  # of a value
_RUN = re.compile(r"(\$\()(?:[^()]++|\([^()]*+\))*+(\)?)|`[^`]*+`?")


def split(piece: words.Piece, word: Word) -> list[Said]:
    """A name that stands for several words, not quoted."""
    found, place = [], piece.place
    for one in re.finditer(r"\S+", piece.text):
        there = place._replace(column=place.column + one.start(), text=one[0]) if place and place.column and place.text == piece.text else place
        found.append(Said(one[0], [words.Piece(one[0], there, piece.why)], word.start, word.raw))
    return found


def value(pieces: list[words.Piece]) -> Value:
    """What a name stands for that is given these pieces; not known where that is more than anybody writes."""
    text = words.text_of(pieces)
    if len(pieces) > PARTS or len(text) > LONGEST:  # V=$V$V doubles it line by line
        return Value(None, None, f"a value of more than {PARTS} parts" if len(pieces) > PARTS else f"a value of more than {LONGEST} characters")
    why = next((piece.why for piece in pieces if piece.why), "")
    parts = tuple((piece.text, piece.place, piece.why) for piece in pieces) if len(pieces) > 1 else ()
    if UNKNOWN in text or why:
        return Value(None, None, why or "what cannot be read here", parts)
    place = next((piece.place for piece in pieces if piece.place is not None), None)
    if len(pieces) == 1 or place is None:
        return Value(text, place)
    return Value(text, place._replace(text=None), parts=parts)


def possible(values: Sequence[Value]) -> tuple[Value, ...]:
    """What a name may be: what is known of it, and only where nothing is, why."""
    known = tuple(dict.fromkeys(value for value in values if value.text is not None))
    return (known or tuple(values[:1]))[: words.COMBINATIONS]


def literal(source: Source, said: Said) -> Source:
    """The script in a quoted word as it is written."""
    return source.part(said.start + 1, said.start + len(said.raw) - 1)


def shown(raw: str) -> str:
    told = _RUN.sub(r"\1…\2", raw) if "$(" in raw or "`" in raw else raw
    told = redact.url(told) if "://" in told else told
    return told if len(told) <= 160 else f"{told[:159]}…"
