"""What a shell script installs: its commands followed in order, with their names filled in.

Assignments, loops over words, functions with their arguments, here-documents, ``bash -c`` and files
that are fetched and then run are followed.  Nothing is run.  A value that a condition gives
stands beside the one before it: both are possible, and each is judged.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from cc_fleet.host.commands import Word
from cc_fleet.model import Declared, Gap, Place
from cc_fleet.records import NamedTuple
from cc_fleet.repo.reading import exposed, inner, recognise, script, words
from cc_fleet.repo.reading.declare import Asked, declared
from cc_fleet.repo.reading.recognise import Found, Said
from cc_fleet.repo.reading.said import literal, possible, shown, split, value
from cc_fleet.repo.reading.source import Source
from cc_fleet.repo.reading.values import UNKNOWN, Context, Filled, Template, Value

_ASSIGNED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\+?)=", re.DOTALL)
_ARRAY = re.compile(r"\"?\$\{([A-Za-z_][A-Za-z0-9_]*)\[[@*]\]\}\"?|\"?\$([@*])\"?|\"?\$\{([@*])\}\"?")
_DECLARES = frozenset("export local declare readonly typeset".split())
_AT_REST = frozenset("--version -v --help -h doctor install update upgrade config mcp plugin".split())
BUDGET, DEEPEST, MOST, WORDS = 50_000, 6, 1000, 5000  # commands that are followed; scripts in scripts; words of an array, of a command


class Read(NamedTuple):
    """What a script comes to: the facts, where it runs ``claude`` itself, its names at the end, and what it writes into files.

    ``written`` has of each write the file's word (``$GITHUB_OUTPUT``) and the text's pieces.
    """

    facts: tuple[Any, ...]
    runs: Place | None
    names: Mapping[str, tuple[Value, ...]]
    written: tuple[tuple[str, Sequence[words.Piece]], ...]
    exported: frozenset[str]


def installs(source: Source, context: Context) -> Iterator[Any]:
    """What the script ``source`` installs, and the credentials that stand in it."""
    yield from read(source, context).facts


def read(source: Source, context: Context, depth: int = 0) -> Read:
    """Follow the script ``source``."""
    run = _Run(source, context, depth)
    run.follow()
    if run.budget < 0 and depth == 0:
        run.facts.append(Gap(f"has more than {BUDGET} commands: the rest was not followed", source.place(0)))
    return Read(tuple(dict.fromkeys(run.facts)), run.runs, run.names, tuple(run.written), frozenset(run.exported))


def image(reference: Filled, statement: Place, job: str | None = None) -> Iterator[Declared]:
    """The gateway or Claude Code that an image brings, by its reference."""
    pieces = (words.Piece(reference.text, reference.place or statement, reference.why),)
    found = recognise.image(Said(reference.text, pieces, 0, reference.text))
    if found is not None:
        spec = words.filled(pieces, *found.span) if found.said else None
        yield declared(Asked(found.product, "image", statement, job), spec)


class _Run:
    """A script while it is followed."""

    def __init__(self, source: Source, context: Context, depth: int) -> None:
        self.original, self.context, self.depth = source, context, depth
        self.source, masks = words.masked(source, context.template)
        self.names: dict[str, tuple[Value, ...]] = dict(context.variables)
        self.scope = words.Scope(self.source, masks, self.names)
        self.arrays: dict[str, list[Said]] = {}
        self.functions: dict[str, list[script.Command]] = {}
        self.called: set[str] = set()
        self.fetched: dict[str, Said] = {}
        self.facts: list[Any] = []
        self.runs: Place | None = None
        self.written: list[tuple[str, Sequence[words.Piece]]] = []
        self.exported: set[str] = set()
        self.budget = BUDGET

    def follow(self) -> None:
        commands = script.read(self.source.text)
        for command in commands:
            if command.function:
                self.functions.setdefault(command.function, []).append(command)
        for command in commands:
            if not command.function:
                self._one(command)
        for name in list(self.functions):
            if name not in self.called:
                self._call(name, [])

    def _one(self, command: script.Command) -> None:
        self.budget -= 1
        given = list(command.words[:WORDS])
        while given and (found := _ASSIGNED.match(given[0].raw)):
            self._assign(given.pop(0), found, command.conditional)
        if not given or self.budget < 0:
            return
        first = given[0].raw.strip("\\'\"")
        if first in _DECLARES:
            self._declare(given, command.conditional)
        elif first in ("for", "select") and len(given) > 2:
            self._loop(given)
        elif first == "read":
            for word in given[1:]:
                self.names[word.raw] = (Value(None, None, f"`${word.raw}`, which is read when it runs"),)
        else:
            raws = [word.raw for word in (*given, *command.fed)]
            for look in words.choices(raws, self.scope):
                self._command(command, self._said(given, look), self._said(command.fed, look))

    def _said(self, given: Iterable[Word], look: Callable[[str], Value]) -> list[Said]:
        found: list[Said] = []
        for word in given:
            array = _ARRAY.fullmatch(word.raw)
            name = array and (array[1] or "@")
            if name and name in self.arrays:
                found += self.arrays[name][: MOST - len(found)]
                continue
            pieces = words.expand(word.raw, word.start, self.scope, look)
            text = words.text_of(pieces)
            plain = word.raw[:1] not in "\"'" and word.raw.startswith("$") and " " in text and len(pieces) == 1
            found += split(pieces[0], word) if plain else [Said(text, pieces, word.start, word.raw)]
        return found

    def _command(self, command: script.Command, said: list[Said], fed: list[Said]) -> None:
        if not said:
            return
        first = said[0].text
        name = first.rpartition("/")[2]
        if first in self.functions and first != command.function:
            self._call(first, said[1:])
        for found in recognise.installs(said, fed):
            self._found(found)
        if name in ("claude", "claude.exe") and (len(said) < 2 or said[1].text not in _AT_REST):
            self.runs = self.runs or self._place(said[0])
        if name in recognise.FETCHERS:
            self._fetch(command, said)
        elif (name in recognise.SHELLS or first in self.fetched or said[0].raw.strip("\"'") in self.fetched or name in ("source", ".")) and self.fetched:
            self._run_fetched(said)
        if inner.launches(name, said):
            self._nested(said)
        if fed and name in recognise.SHELLS and fed[0].text in ("echo", "printf", "cat"):
            self._nested(fed)
        if name.lower().removesuffix(".exe") in ("powershell", "pwsh"):
            from cc_fleet.repo.reading import powershell

            for one in said[1:]:
                if one.raw[:1] in "\"'" and " " in one.text:
                    self.facts += powershell.installs(literal(self.original, one), self.context)
        self._bodies(command, name, said)
        if name in ("echo", "printf", "cat", "tee"):
            self._writes(command, said, fed)

    def _found(self, found: Found) -> None:
        statement = self._place(found.word)
        spec = words.filled(found.said.pieces, *found.span) if found.said else None
        pin = None
        if found.said is None and len(found.word.pieces) == 1 and UNKNOWN not in found.word.text and found.scheme == "npm":
            end = found.word.start + len(found.word.raw) - (found.word.raw[-1:] in "\"'")
            pin = self.source.place(end, "")
        self.facts.append(declared(Asked(found.product, found.installer, statement, self.context.job, found.scheme), spec, pin))

    def _place(self, said: Said) -> Place:
        """Where a word stands, with the word as it is written there; one that a name stands for is where it is written."""
        written = next((piece.place for piece in said.pieces if piece.place is not None), None)
        whole = said.pieces[0] if len(said.pieces) == 1 else None
        if whole is not None and whole.place is not None and whole.place.text == said.text and written and written.line:
            return written._replace(text=shown(said.text))
        raw = self.original.text[said.start : said.start + len(said.raw)]
        if url := recognise.SCRIPT.search(raw):
            return self.source.place(said.start + url.start(), url[0])
        raw = said.text.replace(UNKNOWN, "…") if words.MASKED.search(raw) else raw
        return self.source.place(said.start, shown(raw.strip("\"'")))

    def _assign(self, word: Word, found: re.Match[str], conditional: bool, name: str | None = None) -> None:
        name, raw, start = name or found[1], word.raw[found.end() :], word.start + found.end()
        if raw.startswith("("):
            inner = script.read(raw[1:-1])
            given = [one._replace(start=one.start + start + 1, end=one.end + start + 1) for command in inner for one in command.words]
            look = next(words.choices([one.raw for one in given], self.scope))
            held = self.arrays.get(name, []) if found[2] else []
            self.arrays[name] = held if len(held) >= MOST else [*held, *self._said(given, look)][:MOST]
            return
        values = tuple(value(words.expand(raw, start, self.scope, look)) for look in words.choices([raw], self.scope))
        before = self.names.get(name, ())
        self.facts += filter(None, (exposed.credential(name, one, self.context.job) for one in values))
        if found[2]:
            values = (Value(None, None, f"`${name}`, which is put together"),)
        if conditional and before:
            values = (*(one for one in before if one.text), *values)
        self.names[name] = possible(values)

    def _declare(self, given: list[Word], conditional: bool) -> None:
        for word in given[1:]:
            raw = word.raw
            if given[0].raw == "export":
                self.exported.add(raw.strip("\"'").partition("=")[0])
            if found := _ASSIGNED.match(raw):
                self._assign(word, found, conditional)
            elif (found := re.match(r"([\"'])([A-Za-z_][A-Za-z0-9_]*)()=", raw)) and raw[-1] == found[1]:
                inner = Word(f"{found[1]}{raw[found.end() :]}", word.start, word.end)
                values = tuple(value(words.expand(inner.raw, word.start + found.end() - 1, self.scope, look)) for look in words.choices([raw], self.scope))
                self.names[found[2]] = possible(values)

    def _loop(self, given: list[Word]) -> None:
        """``for NAME in WORDS``: the name is each of them."""
        look = next(words.choices([word.raw for word in given], self.scope))
        values = [value(list(said.pieces)) for said in self._said(given[3:], look)]
        self.names[given[1].raw] = tuple(values[: words.COMBINATIONS]) or (Value(None, None, f"`${given[1].raw}`, not set here"),)

    def _call(self, name: str, arguments: Sequence[Said]) -> None:
        """Follow the body of a function, given its arguments."""
        if self.depth > DEEPEST or self.budget < 0:
            return
        self.called.add(name)
        kept, array = {key: self.names.get(key) for key in "123456789"}, self.arrays.get("@")
        for number in range(1, 10):
            self.names.pop(str(number), None)
        for number, said in enumerate(arguments[:9], 1):
            self.names[str(number)] = (value(list(said.pieces)),)
        self.arrays["@"] = list(arguments)
        self.depth += 1
        for command in self.functions[name]:
            self._one(command)
        self.depth -= 1
        for key, before in kept.items():
            self.names.pop(key, None)
            self.names.update({key: before} if before is not None else {})
        self.arrays.pop("@", None)
        if array is not None:
            self.arrays["@"] = array

    def _fetch(self, command: script.Command, said: list[Said]) -> None:
        """A file that is fetched and may be run."""
        url = next((one for one in said if recognise.SCRIPT.search(one.text)), None)
        if url is None:
            return
        into = [two for one, two in pairwise(said) if re.fullmatch(r"-\w*[oO]|--output|--output-document", one.text) and two is not url]
        for raw in (*(key for one in into for key in (one.raw, one.text)), *command.writes, url.text.rpartition("/")[2]):
            if UNKNOWN not in raw:
                self.fetched[raw.strip("\"'")] = url

    def _run_fetched(self, said: list[Said]) -> None:
        for at, one in enumerate(said if not any(word.text == "-n" for word in said) else ()):
            url = self.fetched.get(one.raw.strip("\"'")) or self.fetched.get(one.text.removeprefix("./"))
            if url is not None:
                self._found(recognise.argument("cli", "native", url, said[at + 1 :]))
                return

    def _nested(self, said: Sequence[Said]) -> None:
        """Words that are scripts of their own."""
        for source, template in inner.quoted(self.original, said):
            self._script(source, self.names, template)

    def _bodies(self, command: script.Command, name: str, said: Sequence[Said]) -> None:
        """Here-documents: a shell's are scripts, and so are those that become one; others are files."""
        for kind, target, part, quoted in inner.bodies(command, name, self.original, said):
            known = {} if quoted else self.names
            if kind == "script":
                self._script(part, known, self.context.template)
            elif self.depth < DEEPEST:
                self.facts += inner.facts(kind, target, part, known)

    def _script(self, source: Source, known: Mapping[str, tuple[Value, ...]], template: Template | None) -> None:
        if self.depth < DEEPEST and self.budget > 0:
            found = read(source, self.context._replace(variables=known, template=template), self.depth + 1)
            self.facts += found.facts
            self.runs = self.runs or found.runs

    def _writes(self, command: script.Command, said: list[Said], fed: list[Said]) -> None:
        """``echo "x=1" >> $GITHUB_OUTPUT``."""
        targets = list(command.writes)
        texts = fed[1:] if said[0].text == "tee" else said[1:]
        if said[0].text == "tee":
            targets += [one.raw for one in said[1:]]
        for target in targets:
            self.written += [(target.strip("\"'"), one.pieces) for one in texts]
