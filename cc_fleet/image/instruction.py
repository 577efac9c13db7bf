"""What a line of an image's history is: the instruction of a Dockerfile that made it, as builders write it down.

Docker writes ``/bin/sh -c #(nop)  ENV A=b`` and ``|1 V=2.1.17 /bin/sh -c npm install``, BuildKit ``RUN |1 V=2.1.17
/bin/sh -c npm install # buildkit``, kaniko ``RUN npm install``.  A line may be anything: nothing here is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from cc_fleet.model import Place
from cc_fleet.records import NamedTuple
from cc_fleet.repo.reading.dockerfile import KEYWORDS
from cc_fleet.repo.reading.source import Source

FILE = "image history"
MOST = 10_000  # lines of a history
LONGEST = 64 * 1024  # characters of one
_NOP = re.compile(r"[^#]{0,200}#\(nop\)\s*")
_SHELL = re.compile(
    r"(?:^|\s)((?:[A-Z]:)?[\w./\\-]{0,80}?(?:\b|/)(?:sh|bash|ash|dash|zsh|ksh|pwsh|powershell)(?:\.exe)?(?:\s+[-+/]?\w{1,20}){0,6}?\s+(?:-\w{0,8}c|-[Cc]ommand|-[Ee]ncodedCommand)"
    r"|cmd(?:\.exe)?\s+/[Ss]\s+/[Cc])(?=\s|$)"
)
_ARGUMENTS = re.compile(r"\|([0-9]{1,4})(?:\s+|$)")
_NAMED = re.compile(r"(?<=\s)(?=[A-Za-z_]\w{0,200}=)")
_TRIES = 20  # places where a shell may begin that are looked at


class Instruction(NamedTuple):
    """A line of a history: its number, a Dockerfile's ``keyword`` ("" where it is none of these), and what stands behind it.

    ``given`` are the build arguments, ``shell`` what runs the text.  Where they cannot be told from the text, ``sure`` is False.
    ``start`` is where the text begins in the line, ``empty`` whether the line made no layer.
    """

    number: int
    keyword: str
    text: str
    start: int = 0
    shell: str = ""
    given: tuple[tuple[str, str], ...] = ()
    sure: bool = True
    empty: bool = False
    created: str | None = None
    whole: bool = True

    @property
    def place(self) -> Place:
        return Place(FILE, self.number)

    def source(self) -> Source:
        """The text as a script, each character where it stands in the line."""
        starts = [0, *(at + 1 for at, char in enumerate(self.text) if char == "\n")]
        return Source.of(FILE, self.text, (self.number,) * len(starts), tuple(self.start + 1 + start for start in starts))


def history(config: Any) -> Iterator[Instruction]:
    """Every line of an image's history, the first ``MOST``; one that is no text is an instruction without words."""
    entries = config.get("history") if isinstance(config, dict) else None
    for number, entry in enumerate(entries[:MOST] if isinstance(entries, list) else (), 1):
        told = entry if isinstance(entry, dict) else {}
        said, created = told.get("created_by"), told.get("created")
        found = parse(said if isinstance(said, str) else "", number)
        when = created if isinstance(created, str) and re.fullmatch(r"[0-9TZ:.+-]{1,40}", created) else None
        yield found._replace(empty=told.get("empty_layer") is True, created=when)


def parse(line: str, number: int = 1) -> Instruction:
    """What ``line``, the ``number``-th of a history, is; of a long one the beginning."""
    cut = line[:LONGEST].replace("\0", " ")
    body = cut.rstrip().removesuffix("# buildkit").rstrip()
    start = len(body) - len(body.lstrip())
    if (found := _NOP.match(body)) is not None:
        start = found.end()
    first = re.compile(r"[A-Z]+(?=\s|$)").match(body, start)
    keyword = first[0] if first is not None and first[0] in KEYWORDS else ""
    if keyword and first is not None:
        start = _blank(body, first.end())
    made = Instruction(number, keyword, body[start:], start, whole=len(line) <= LONGEST)
    return _run(made) if keyword in ("", "RUN") else made


def _run(line: Instruction) -> Instruction:
    """A RUN without what builders put before its command."""
    body, at = line.text, 0
    counted = _ARGUMENTS.match(body)
    given: tuple[tuple[str, str], ...] = ()
    shell, sure = "", True
    if counted is not None:
        given, at, sure = _given(body, counted.end(), int(counted[1]))
    found = _SHELL.match(body, at)
    if found is not None:
        shell, at = found[1], found.end()
    at = _blank(body, at)
    keyword = "RUN" if counted is not None or found is not None else line.keyword
    return line._replace(keyword=keyword, text=body[at:], start=line.start + at, shell=shell, given=given, sure=sure)


def _given(body: str, start: int, count: int) -> tuple[tuple[tuple[str, str], ...], int, bool]:
    """The build arguments, where the command begins, and whether that is sure: nothing marks where a value ends."""
    shells = list(islice(_SHELL.finditer(body, start), _TRIES))
    for found in shells:
        parts = _NAMED.split(body[start : found.start()].strip())
        if len(parts) >= count and (count or found.start() <= start):
            one = len(shells) == 1 or found[1].startswith("/")  # else a value may hold the first
            return tuple(_pair(part.rstrip()) for part in parts if part), found.start(), one and len(parts) == max(count, 1)
    pairs, at = [], start
    for _ in range(count):
        one = re.compile(r"([A-Za-z_]\w*)=(\S*)\s*").match(body, at)
        if one is None:
            break
        pairs.append((one[1], one[2]))
        at = one.end()
    return tuple(pairs), at, False


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value


def _blank(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at
