"""Every simple command of a shell script: in pipelines, subshells, substitutions and functions too.

The reader is the host's (its nesting is tested against bash); here nothing that it would leave out
is lost, and each command knows what feeds it, where its output goes, and its here-documents.
"""

from __future__ import annotations

from cc_fleet.host import commands
from cc_fleet.host.commands import Word
from cc_fleet.records import NamedTuple

MOST = 200_000  # commands of a script


class Body(NamedTuple):
    """A here-document, ``text[start:end]`` without its mark; ``quoted``: nothing in it is filled in."""

    start: int
    end: int
    quoted: bool


class Command(NamedTuple):
    """``words`` as written; ``fed`` the command whose output it gets; ``writes`` the words of the files that it writes.

    ``function`` is the one whose body it stands in, ``conditional`` whether only something else decides that it runs.
    """

    words: tuple[Word, ...]
    conditional: bool
    function: str
    fed: tuple[Word, ...] = ()
    writes: tuple[str, ...] = ()
    bodies: tuple[Body, ...] = ()


def read(text: str) -> list[Command]:
    """The commands of ``text`` in order; one in a substitution comes before the command that it is a word of."""
    reader = _Everything(text)
    found = []
    for number, one in enumerate(reader.commands()):
        if number == MOST:
            break
        found.append(one)
    return [_told(one, reader) for one in found]


def _told(one: commands.Command, reader: _Everything) -> Command:
    key = id(one.words)
    _, fed = reader.fed.get(key, (None, []))
    _, writes = reader.writes.get(key, (None, []))
    _, bodies = reader.bodies.get(key, (None, []))
    return Command(tuple(one.words), one.conditional, one.function, tuple(fed), tuple(writes), tuple(bodies))


class _Everything(commands.Reader):
    """The host's reader, which loses nothing; what is told of a command is kept by its list of words."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.fed: dict[int, tuple[list[Word], list[Word]]] = {}
        self.writes: dict[int, tuple[list[Word], list[str]]] = {}
        self.bodies: dict[int, tuple[list[Word], list[Body]]] = {}
        self._awaited: list[list[Word]] = []

    def _lost(self, start: int) -> None:
        pass

    def _redirected(self, frame: commands._Frame, raw: str) -> None:
        if frame.target in ("<<", "<<-"):
            self._awaited.append(frame.words)
        elif frame.target in (">", ">>", ">|", "&>", "&>>"):
            self.writes.setdefault(id(frame.words), (frame.words, []))[1].append(raw)
        super()._redirected(frame, raw)

    def _body(self, begin: int, end: int, quoted: bool) -> None:
        if not self._awaited:
            return
        words = self._awaited.pop(0)
        last = self.text.rfind("\n", begin, max(begin, end - 1)) + 1
        self.bodies.setdefault(id(words), (words, []))[1].append(Body(begin, max(begin, last), quoted))

    def _finish(self, frame: commands._Frame, op: str) -> None:
        piped, words, last = frame.piped, frame.words, frame.last
        if words and piped and last:
            self.fed[id(words)] = (words, last)
        super()._finish(frame, op)
        frame.last = words or last

    def _close(self, frame: commands._Frame) -> None:
        super()._close(frame)
        self.stack[-1].last = frame.last
