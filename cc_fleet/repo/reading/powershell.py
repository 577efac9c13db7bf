"""What a PowerShell script installs: its statements in order, with `$names` filled in.

Assignments, `param(…)` with defaults, `$env:NAME`, strings, line continuations and pipelines are understood; what
a command prints and what an argument is are not known.  `cmd` and batch files are read as lines of words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from cc_fleet.model import Place
from cc_fleet.repo.reading import exposed, recognise, words
from cc_fleet.repo.reading.declare import Asked, declared
from cc_fleet.repo.reading.recognise import Found, Said
from cc_fleet.repo.reading.said import possible, shown, value
from cc_fleet.repo.reading.source import Source
from cc_fleet.repo.reading.values import UNKNOWN, Context, Value
from cc_fleet.repo.reading.words import Piece

_NAME = r"\$(?:\{(?:env:)?(\w+)\}|(?:env:|global:|script:)?(\w+))"
_TOKEN = re.compile(
    r"(?P<long><#|@[\"']\r?\n)|(?P<space>(?:[ \t]|`\r?\n)+)|(?P<comment>#[^\n]*)|(?P<end>[\n;{}]|&&|\|\|)|(?P<pipe>\|)|(?P<skip>[(),])"
    r"|(?P<single>'(?:[^']++|'')*+'?)|(?P<double>\"(?:[^\"`]++|`.|\"\")*+\"?)|(?P<bare>[^\s;|{}(),\"']+)",
    re.DOTALL,
)
_ASSIGNED = re.compile(rf"(?:\[[\w.\[\]]{{1,100}}\])?{_NAME}$", re.IGNORECASE)
_FILLED = re.compile(rf"{_NAME}|(?P<run>\$\([^)]{{0,500}}\))|(?P<mask>\ue000[\ue010-\ue019]*\ue001*)", re.IGNORECASE)
_WORDS = {"irm": "irm", "iwr": "iwr", "invoke-restmethod": "irm", "invoke-webrequest": "iwr", "invoke-expression": "iex", "iex": "iex", "curl.exe": "curl"}
_PRINTS = re.compile(r"write-\w+|echo|throw|out-\w+|return|rem", re.IGNORECASE)
_BATCH = re.compile(r"%(\w+)%")
_REMARK = re.compile(r"^[ \t]*@?(?:rem\b|::)[^\n]*", re.IGNORECASE | re.MULTILINE)

SHELLS = ("powershell", "pwsh")


def _tokens(text: str) -> Iterator[tuple[str, str, int]]:
    """Each token's kind, its text and where it begins; what opens a long one that nothing ends is a word."""
    at, never = 0, set[str]()
    while found := _TOKEN.search(text, at):
        kind, end = str(found.lastgroup), found.end()
        if kind == "long":
            closes = "#>" if found[0] == "<#" else f"\n{found[0][1]}@"
            close = -1 if closes in never else text.find(closes, found.end() - 1)
            kind, end = "comment" if closes == "#>" else "here", close + len(closes)
            if close < 0:
                never.add(closes)
                kind, end = "bare", found.start() + 1
        yield kind, text[found.start() : end], found.start()
        at = end


def installs(source: Source, context: Context, *, batch: bool = False) -> Iterator[Any]:
    """What the script ``source`` installs; ``batch``: it is one of ``cmd``."""
    run = _Run(source, context, batch=batch)
    for statement, fed in run.statements():
        yield from run.statement(statement, fed)


class _Run:
    def __init__(self, source: Source, context: Context, *, batch: bool) -> None:
        if batch:
            source = source.masked(_REMARK.sub(lambda found: " " * len(found[0]), source.text))
        self.original, self.context, self.batch = source, context, batch
        self.source, masks = words.masked(source, context.template)
        self.names = {name.lower(): given for name, given in context.variables.items()}
        self.scope = words.Scope(self.source, masks, self.names)
        self.fetched: dict[str, Said] = {}

    def statements(self) -> Iterator[tuple[list[tuple[str, int]], list[tuple[str, int]]]]:
        """The words of every statement with where they begin, and those of the one that feeds it."""
        current: list[tuple[str, int]] = []
        fed: list[tuple[str, int]] = []
        glued = False
        for kind, text, start in _tokens(self.source.text):
            if kind in ("end", "pipe"):
                if current:
                    yield current, fed
                fed, current, glued = (current if kind == "pipe" else []), [], False
            elif kind in ("single", "double", "here", "bare"):
                if glued and current and kind != "here" and len(current[-1][0]) < words.LONGEST:
                    current[-1] = (current[-1][0] + text, current[-1][1])
                else:
                    current.append((text, start))
                glued = True
            else:
                glued = False
        if current:
            yield current, fed

    def statement(self, given: list[tuple[str, int]], fed: list[tuple[str, int]]) -> Iterator[Any]:
        if self.batch and given[0][0].lower() == "set" and len(given) > 1 and "=" in given[1][0]:
            name = given[1][0].strip('"').partition("=")[0]
            at = given[1][1] + given[1][0].index("=") + 1
            self._assign(name, given[1][0].partition("=")[2].rstrip('"'), at)
            return
        if len(given) > 2 and given[1][0] == "=" and (found := _ASSIGNED.match(given[0][0])):
            if len(given) == 3:
                name = found[1] or found[2]
                self._assign(name, *given[2])
                yield from filter(None, (exposed.credential(name, one, self.context.job) for one in self.names[name.lower()]))
            else:
                self.names[(found[1] or found[2]).lower()] = (Value(None, None, f"what `{words.command(given[2][0])}` prints"),)
            given = given[2:]
        self._parameters(given)
        said, feeding = self._said(given), self._said(fed)
        if said and not _PRINTS.fullmatch(said[0].text):
            yield from self._command(said, feeding)

    def _parameters(self, given: list[tuple[str, int]]) -> None:
        """Defaults: ``param([string]$Version = "2.1.17")``."""
        for before, equals, after in zip(given, given[1:], given[2:], strict=False):
            if equals[0] == "=" and (found := _ASSIGNED.search(before[0])):
                self._assign(found[1] or found[2], *after)

    def _assign(self, name: str, raw: str, start: int) -> None:
        pieces = self._pieces(raw, start)
        self.names[name.lower()] = possible([value(pieces)])

    def _said(self, given: list[tuple[str, int]]) -> list[Said]:
        found = []
        for raw, start in given:
            if raw in ("&", ".", "="):
                continue
            pieces = self._pieces(raw, start)
            text = words.text_of(pieces)
            found.append(Said(_WORDS.get(text.lower(), text), pieces, start, raw))
        return found

    def _pieces(self, raw: str, start: int) -> list[Piece]:
        quote = raw[:1] if raw[:1] in "\"'" else ""
        inner, begin = (raw[1 : -1 if raw.endswith(quote) and len(raw) > 1 else None], start + 1) if quote else (raw, start)
        if quote == "'":
            return [Piece(inner, self.source.place(begin, inner))]
        pieces, at = [], 0
        for found in (_BATCH if self.batch else _FILLED).finditer(inner):
            pieces += self._literal(inner[at : found.start()], begin + at)
            pieces += self._filled(found)
            at = found.end()
        return [*pieces, *self._literal(inner[at:], begin + at)] or [Piece("", self.source.place(begin, ""))]

    def _literal(self, text: str, start: int) -> list[Piece]:
        return [Piece(text.replace('"', ""), self.source.place(start, text))] if text else []

    def _filled(self, found: re.Match[str]) -> list[Piece]:
        if found.lastgroup == "run":
            return [Piece(UNKNOWN, None, f"what `{words.command(found[0][2:-1])}` prints")]
        if found.lastgroup == "mask":
            given = self.scope.masks.values(found[0])
        else:
            name = (found[1] or (found[2] if found.re.groups > 1 else "")).lower()
            given = self.names.get(name) or (Value(None, None, f"`{found[0]}`, not set here"),)
        return words.pieces_of(given[0])

    def _command(self, said: list[Said], fed: list[Said]) -> Iterator[Any]:
        first = said[0].text.rpartition("\\")[2]
        if first.lower().removesuffix(".exe") in SHELLS:
            for one in said[1:]:
                if one.raw[:1] in "\"'" and " " in one.text:
                    yield from installs(self.original.part(one.start + 1, one.start + len(one.raw) - 1), self.context)
            return
        url = next((one for one in (*fed, *said) if recognise.SCRIPT.search(one.text)), None)
        into = next((two for one, two in pairwise(said) if one.text.lower() in ("-outfile", "-o", "-output")), None)
        if url is not None and into is not None:
            self.fetched[into.text.rpartition("\\")[2]] = url
        elif url is not None and (first == "iex" or any("scriptblock" in one.text.lower() for one in said)):
            rest = said[said.index(url) + 1 :] if url in said else []
            yield self._found(recognise.argument("cli", "native", url, [one for one in rest if not one.text.startswith("-")]))
        elif (key := next((one.text.rpartition("\\")[2].removeprefix("./") for one in said), "")) in self.fetched:
            yield self._found(recognise.argument("cli", "native", self.fetched[key], said[1:]))
        elif url is None or fed:
            for found in recognise.installs(said, fed):
                yield self._found(found)

    def _found(self, found: Found) -> Any:
        spec = words.filled(found.said.pieces, *found.span) if found.said else None
        raw = self.original.text[found.word.start : found.word.start + len(found.word.raw)]
        url = recognise.SCRIPT.search(raw)
        statement: Place = self.source.place(found.word.start + (url.start() if url else 0), url[0] if url else shown(raw.strip("\"'")))
        pin = None
        if found.said is None and found.scheme == "npm" and UNKNOWN not in found.word.text:
            pin = self.source.place(found.word.start + len(found.word.raw) - (found.word.raw[-1:] in "\"'"), "")
        return declared(Asked(found.product, found.installer, statement, self.context.job, found.scheme), spec, pin)
