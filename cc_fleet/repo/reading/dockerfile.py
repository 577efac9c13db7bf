"""A Dockerfile as its instructions, each word where it stands.

Written here: both libraries at hand misread the same fifteen lines (a heredoc's body became
instructions; a comment within a continued line ended it).  This one has Docker's own rules:
the escape directive, comments and empty lines within a continuation, heredocs, options, the
JSON form.  Nothing is filled in here, and nothing is refused: a word that is no instruction
is told as one.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Iterator

from cc_fleet.records import NamedTuple
from cc_fleet.repo.reading.source import Source

KEYWORDS = frozenset(
    "ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL USER VOLUME WORKDIR".split()
)
SIZE = 1024 * 1024
MOST = 20_000  # instructions of one file
WORDS = 5000  # of one command

_DIRECTIVE = re.compile(r"#[ \t]*([A-Za-z]+)[ \t]*=[ \t]*(.*?)[ \t\r]*")
_KEYWORD = re.compile(r"\s*([^\s\\`]*)\s*")
_SHELLS = frozenset("bash sh zsh dash ksh ash".split())
_OPTIONS = re.compile(r"(?:[-+][a-z]+(?: (?:pipefail|errexit|nounset|xtrace))? ?)*")
# A line that a template's own language has to itself.
_TEMPLATE = re.compile(r"\s*(?:\{%.*%\}|<%[^=].*%>|\{\{-?\s*(?:/\*.*|(?:if|else|end|range|with|define|block|template)\b[^}]*)\}\}|\{#.*#\})\s*")
_HEREDOC = re.compile(r"""[0-9]*<<(-?)(?:"([^"<>]+)"|'([^'<>]+)'|([^\s"'<>;&|()]+))(?:[>;&|)].*)?""", re.DOTALL)
_OPTION = r"(?:\s|{escape}\n)*(--[A-Za-z][\w-]*(?:=(?:\"[^\"]*\"|[^\s\"]*)+)?)(?=\s|{escape}\n|$)"
_WORD = r"(?:\{{\{{[^{{}}\n]{{0,300}}\}}\}}|<%=[^%\n]{{0,300}}%>|{escape}.|'[^']*'|\"(?:{escape}.|[^\"{escape}])*\"|[^\s'\"{escape}]|['\"{escape}])+"


class Heredoc(NamedTuple):
    """A text below an instruction: ``name`` ends it, ``expands`` where its names are filled in."""

    name: str
    body: Source
    expands: bool


class Instruction(NamedTuple):
    """``keyword`` in capitals, its options, and ``body``: what follows them.

    A line that is continued ends in the escape character there, whatever stood behind it;
    comments and empty lines are gone.  ``onbuild`` where it waits for an image built on this one.
    """

    keyword: str
    options: tuple[str, ...]
    body: Source
    heredocs: tuple[Heredoc, ...] = ()
    onbuild: bool = False

    def option(self, name: str) -> str | None:
        """The value of ``--name=``; empty where it has none."""
        return next((option.partition("=")[2] for option in self.options if option.partition("=")[0] == f"--{name}"), None)


class Dockerfile(NamedTuple):
    """A file's instructions, the character that continues lines, and its ``# syntax=``."""

    instructions: tuple[Instruction, ...]
    escape: str = "\\"
    syntax: str = ""
    complete: bool = True


class Word(NamedTuple):
    """``text`` as it is written, quotes and all, at ``start`` of the body."""

    text: str
    start: int


def parse(source: Source) -> Dockerfile:
    """The instructions of ``source``; those beyond ``MOST`` are not told (``complete`` is False)."""
    rows = source.text.removeprefix("\ufeff").split("\n")
    directives = _directives(rows)
    escape = directives["escape"] if directives.get("escape") in ("\\", "`") else "\\"
    reader = _Reader(source, rows, escape)
    found = []
    for instruction in reader.instructions():
        found.append(instruction)
        if len(found) >= MOST:
            return Dockerfile(tuple(found), escape, directives.get("syntax", ""), complete=False)
    return Dockerfile(tuple(found), escape, directives.get("syntax", ""))


def _directives(rows: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for row in rows:
        told = _DIRECTIVE.fullmatch(row) if len(row) < 1000 else None
        if told is None:
            break
        found.setdefault(told[1].lower(), told[2])
    return found


class _Reader:
    """Goes through the lines of a file once."""

    def __init__(self, source: Source, rows: list[str], escape: str) -> None:
        self.source, self.rows, self.escape, self.at = source, rows, escape, 0
        char = re.escape(escape)
        self._continued = re.compile(rf"(?<!{char}){char}[ \t\r]*\Z")
        self._option = re.compile(_OPTION.format(escape=char))
        self._rows: dict[str, list[int]] = {}  # where each row stands, once a heredoc asks for its end

    def instructions(self) -> Iterator[Instruction]:
        while self.at < len(self.rows):
            if _is_nothing(self.rows[self.at]):
                self.at += 1
            else:
                yield self._instruction(self._line())

    def _line(self) -> Source:
        """The line that begins here, with those that continue it."""
        texts, kept = [], []
        while self.at < len(self.rows):
            row, at = self.rows[self.at], self.at
            self.at += 1
            if _is_nothing(row):
                continue
            kept.append(at)
            found = self._continued.search(row, max(0, len(row) - 1000))
            if found is None:
                texts.append(row.rstrip("\r"))
                break
            texts.append(row[: found.start()] + self.escape)
        lines, columns = self.source.lines, self.source.columns
        return Source.of(self.source.file, "\n".join(texts), tuple(lines[at] for at in kept), tuple(columns[at] for at in kept))

    def _instruction(self, line: Source) -> Instruction:
        keyword, begin = self._keyword(line.text, 0)
        onbuild = keyword == "ONBUILD"
        if onbuild:
            keyword, begin = self._keyword(line.text, begin)
        options = []
        while (found := self._option.match(line.text, begin)) is not None:
            options.append(found[1])
            begin = found.end()
        while found := re.compile(rf"\s+|{re.escape(self.escape)}\n").match(line.text, begin):
            begin = found.end()
        body = line.part(begin, len(line.text))
        heredocs = tuple(self._heredocs(body)) if keyword in ("RUN", "COPY", "ADD") and "<<" in body.text else ()
        return Instruction(keyword, tuple(options), body, heredocs, onbuild)

    def _keyword(self, text: str, at: int) -> tuple[str, int]:
        while found := re.compile(rf"\s+|{re.escape(self.escape)}\n").match(text, at):
            at = found.end()
        found = _KEYWORD.match(text, at)
        return (found[1].upper()[:40], found.end()) if found else ("", at)

    def _heredocs(self, body: Source) -> Iterator[Heredoc]:
        """What the words of ``body`` announce; one that nothing ends is none."""
        for word in words(body, self.escape):
            found = _HEREDOC.fullmatch(word.text) if "<<" in word.text else None
            if found is None:
                continue
            name, strip = found[2] or found[3] or found[4], found[1]
            end = self._end(name, strip)
            if end is None:
                continue
            cut = [row.lstrip("\t") if strip else row for row in self.rows[self.at : end]]
            columns = tuple(self.source.columns[at] + len(self.rows[at]) - len(row) for at, row in enumerate(cut, self.at))
            texts = "\n".join(row.rstrip("\r") for row in cut)
            lines = self.source.lines[self.at : end] or (self.source.lines[end],)
            yield Heredoc(name, Source.of(self.source.file, texts, lines, columns or (1,)), found[4] is not None)
            self.at = end + 1

    def _end(self, name: str, strip: str) -> int | None:
        if not self._rows:
            for at, row in enumerate(self.rows):
                if len(row) < 1000:
                    self._rows.setdefault(row.rstrip("\r"), []).append(at)
                    if row.startswith("\t"):
                        self._rows.setdefault("\t" + row.strip("\t\r"), []).append(at)
        ends = [name, f"\t{name}"] if strip else [name]
        found = [rows[at] for end in ends if (rows := self._rows.get(end, [])) and (at := bisect_left(rows, self.at)) < len(rows)]
        return min(found, default=None)


def _is_nothing(row: str) -> bool:
    """An empty line, a comment, or one that is a template's alone."""
    text = row.lstrip()
    return not text or text[0] == "#" or (text[0] in "{<" and len(row) < 10_000 and _TEMPLATE.fullmatch(row) is not None)


def words(body: Source, escape: str) -> Iterator[Word]:
    """The words of ``body`` as Docker splits them, quotes not yet taken off."""
    join = f"{escape}\n"
    for found in re.compile(_WORD.format(escape=re.escape(escape)), re.DOTALL).finditer(body.text):
        text, start = found[0], found.start()
        while text.startswith(join):
            text, start = text[2:].lstrip(), start + 2 + len(text[2:]) - len(text[2:].lstrip())
        if text:
            yield Word(text, start)


def json_words(body: Source, escape: str) -> tuple[Word, ...] | None:
    """The texts of the JSON form ``["npm", "install"]`` with where their quotes stand; None where it is no such form."""
    text = body.text.strip()
    if not text.startswith("[") or not text.endswith("]"):
        return None
    at = body.text.index("[")
    plain = re.sub(rf"{re.escape(escape)}\n", "  ", body.text)
    try:
        if not all(isinstance(item, str) for item in json.loads(plain)):
            return None
    except (ValueError, RecursionError):
        return None
    found = re.finditer(r'"(?:[^"\\]|\\.)*"', plain[at:])
    return tuple(Word(json.loads(quoted[0]), at + quoted.start()) for quoted in found)


def exec_script(body: Source, given: tuple[Word, ...]) -> Source:
    """The JSON form as the command line that it is: each word in quotes, where it stands."""
    given = given[:WORDS]
    places = [body.place(word.start) for word in given]
    lines: list[int] = []
    columns: list[int] = []
    texts = []
    for word, place in zip(given, places, strict=True):
        quoted = "'" + word.text.replace("'", "'\\''") + "'"
        count = quoted.count("\n") + 1
        texts.append(quoted)
        lines += [place.line or 1] * count
        columns += [place.column or 1] * count
    return Source.of(body.file, " \\\n".join(texts), tuple(lines) or (1,), tuple(columns) or (1,))


def shell_script(instruction: Instruction, escape: str) -> Source:
    """A RUN's text as its shell gets it, its heredocs below it; where a shell gets nothing but a heredoc, that."""
    body = instruction.body
    if instruction.heredocs and _is_fed(body, escape):
        return instruction.heredocs[0].body
    cut = _uncommented(body, escape)
    text = cut.text if escape == "\\" else cut.text.replace(f"{escape}\n", "\\\n")
    lines, columns, texts = [*cut.lines], [*cut.columns], [text]
    for heredoc in instruction.heredocs:
        last = heredoc.body.lines[-1]
        texts += [heredoc.body.text, heredoc.name]
        lines += [*heredoc.body.lines, last + 1]
        columns += [*heredoc.body.columns, 1]
    return Source.of(body.file, "\n".join(texts), tuple(lines), tuple(columns))


def _is_fed(body: Source, escape: str) -> bool:
    """Whether a heredoc is all that there is, or what a shell reads: then its own names count, quoted or not."""
    rest = [word.text for word in words(body, escape) if not _HEREDOC.fullmatch(word.text)]
    return not rest or (rest[0].rpartition("/")[2] in _SHELLS and _OPTIONS.fullmatch(" ".join(rest[1:])) is not None)


def _uncommented(body: Source, escape: str) -> Source:
    """``body`` up to a comment of the shell: lines are joined before a shell sees them, so it takes all that follows."""
    if not re.search(rf"\s#[^\n]*{re.escape(escape)}\n", body.text):
        return body
    for found in re.finditer(r"\\.|'[^']*'|\"(?:\\.|[^\"\\])*\"|(?<=\s)#|\$\{[^}\n]*\}", body.text, re.DOTALL):
        if found[0] == "#":
            return body.part(0, found.start())
    return body
