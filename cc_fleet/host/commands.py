"""The simple commands of a shell script, as bash groups them: which run in the session itself.

Quotes, groups, functions, here-documents, pipelines and ``&&`` are understood; what stands in a
pipeline, a subshell or a job assigns nothing to the session and is left out.  Linear in the text.
"""

from __future__ import annotations

import re
from typing import Iterator

from ..records import NamedTuple

DEEPEST = 10_000  # more nesting than anybody means
LONGEST = 64 * 1024  # characters of one value
UNKNOWN = "\0"  # stands in a value for what is not known; no variable can hold it

_TICKS = r"`[^`\\]*(?:\\.[^`\\]*)*`?"
_TOKEN = re.compile(
    r"(?P<space>[ \t](?:[ \t]|\\\n)*)"
    r"|(?P<op>&&|\|[|&]?|;;&|;[;&]?|&>>?|&|<<[<-]?|[<>][&(]|<>|>[>|]|[\n&()<>])"
    r"|(?P<opens>\$\(\(|\$[({\[]|\")"
    rf"|\$'[^'\\]*(?:\\.[^'\\]*)*'?|'[^']*'?|{_TICKS}|[^ \t\n;&|()<>'\"`\\$]+|\\.|.",
    re.DOTALL,
)
_STRING = re.compile(rf"(?P<opens>\$\(\(|\$[({{\[])|(?P<mark>['\"()\[\]}}])|{_TICKS}|[^'\"()\[\]}}`\\$]+|\\.|.", re.DOTALL)
_CLOSED_BY = {'"': '"', "${": "}", "((": ")", "$[": "]"}  # in these no character ends a word
_NESTS = {"((": "(", "$[": "["}
_EMPTY = re.compile(r"[ \t]*\)")
_HEAD = re.compile(r"(?:[^'\"\\]|\\\n)*")
_OPENS = {"if": "if", "for": "do", "while": "do", "until": "do", "select": "do", "case": "case", "{": "{", "[[": "[["}
_CLOSES = {"fi": "if", "done": "do", "esac": "case", "}": "{"}
_SKIPPED = frozenset("then do else elif ! time".split())
_LOST = frozenset(("(", "$(", "array"))  # what stands in these assigns nothing to the session


class Word(NamedTuple):
    """A word as it is written, and where."""

    raw: str
    start: int
    end: int


class Command(NamedTuple):
    """A simple command of the session itself; ``function`` is the one whose body it stands in."""

    words: list[Word]
    conditional: bool
    function: str


class _Frame:
    """A group, string or substitution that is open, and the command that is being read in it."""

    __slots__ = ("base", "begin", "body", "conditional", "filled", "function", "joined", "kind", "last", "list", "naming", "pipe", "piped", "redirected", "state", "target", "words")

    def __init__(self, kind: str, base: int, conditional: bool = False, function: str = "") -> None:  # noqa: FBT002
        self.kind, self.conditional, self.function = kind, conditional, function
        self.base = self.list = self.pipe = base  # where in ``pending`` it, its and-or list, its pipeline begin
        self.words: list[Word] = []
        self.begin = -1  # of the word that is being read
        self.joined = self.piped = self.filled = self.naming = self.redirected = False
        self.state = ""  # of a case: "in" is awaited, or a "pattern"
        self.target = ""  # the redirection whose word comes next
        self.body = ""  # the function whose body comes next
        self.last: list[Word] = []  # the command that ended last


class Reader:
    """The commands of a text that run in the session itself, in order."""

    def __init__(self, text: str, *, zsh: bool = False) -> None:
        self.text, self.zsh, self.at = text, zsh, 0
        self.stack = [_Frame("", 0)]
        self.pending: list[Command] = []
        self.heredocs: list[tuple[str, bool, bool]] = []
        self.broken = self.ready = False

    def commands(self) -> Iterator[Command]:
        while self.at < len(self.text):
            frame = self.stack[-1]
            (self._string if frame.kind in _CLOSED_BY else self._code)(frame)
            if self.ready:
                yield from self.pending
                self.pending.clear()
                self.stack[0].list = self.stack[0].pipe = 0
                self.ready = False
        while self.stack[-1].kind in _CLOSED_BY:
            self.broken = True
            self.stack.pop()
        self._word(len(self.text))
        self.broken = self.broken or len(self.stack) > 1
        for frame in reversed(self.stack):
            self._finish(frame, ";")
        yield from (one._replace(conditional=one.conditional or self.broken) for one in self.pending)

    def _string(self, frame: _Frame) -> None:
        found = _STRING.match(self.text, self.at)
        assert found is not None  # noqa: S101  # it takes any character
        self.at, piece = found.end(), found[0]
        if found.lastgroup == "opens":
            self._push(piece)
        elif found.lastgroup == "mark":
            if piece == _CLOSED_BY[frame.kind]:
                self.stack.pop()
            elif piece == '"' or piece == _NESTS.get(frame.kind):
                self._push('"' if piece == '"' else frame.kind)
            elif piece == "'" and frame.kind != '"':
                self.at = (self.text.find("'", self.at) + 1) or len(self.text)

    def _push(self, piece: str) -> None:
        if piece == "$((":
            self.at -= 1
            piece = "(("
        self._enter(_Frame(piece, len(self.pending)))

    def _enter(self, frame: _Frame) -> None:
        self.stack.append(frame)
        if len(self.stack) > DEEPEST:
            self.at, self.broken = len(self.text), True

    def _code(self, frame: _Frame) -> None:
        found = _TOKEN.match(self.text, self.at)
        assert found is not None  # noqa: S101  # it takes any character
        begin, self.at, piece = self.at, found.end(), found[0]
        if found.lastgroup == "space":
            self._word(begin)
        elif found.lastgroup == "op":
            self._operator(frame, piece, begin)
        elif frame.begin < 0 and piece[0] == "#":
            end = self.text.find("\n", begin)
            self.at = len(self.text) if end < 0 else end
        elif frame.begin >= 0 or piece != "\\\n":
            frame.begin = begin if frame.begin < 0 else frame.begin
            if found.lastgroup == "opens":
                self._push(piece)

    def _word(self, end: int) -> None:
        frame = self.stack[-1]
        if frame.begin < 0:
            return
        word = Word(self.text[frame.begin : end], frame.begin, end)
        if "\\\n" in word.raw:
            head = _HEAD.match(word.raw)[0]  # type: ignore[index]  # it matches the empty text
            word = word._replace(raw=head.replace("\\\n", "") + word.raw[len(head) :])
        frame.begin, raw = -1, word.raw
        if frame.target:
            self._redirected(frame, raw)
        elif frame.kind == "[[":
            if raw == "]]":
                self._close(frame)
        elif frame.state:
            if raw == ("in" if frame.state == "in" else "esac") and bool(frame.words) == (raw == "in"):
                frame.state, frame.words = "pattern", []
                if raw == "esac":
                    self._close(frame)
            else:
                frame.words.append(word)
        elif frame.naming:
            frame.naming, frame.body = False, raw
        elif self.zsh and raw == "}" and frame.kind == "{":
            self._close(frame)
        elif frame.kind != "array" and raw and (frame.words or frame.redirected or not self._reserved(frame, word)):
            frame.words.append(word)
            frame.filled = True

    def _reserved(self, frame: _Frame, word: Word) -> bool:
        raw = word.raw
        if raw in _OPENS:
            child = self._open(_OPENS[raw])
            child.state = "in" if raw == "case" else ""
            child.words += [word] if raw in ("for", "select") else []
        elif raw in _CLOSES and frame.kind == _CLOSES[raw]:
            self._close(frame)
        elif raw in _CLOSES:
            self.broken = True  # nothing that follows is understood
        elif raw == "function":
            frame.naming = True
        elif raw == "coproc":
            frame.piped = True
        else:
            return raw in _SKIPPED
        return True

    def _open(self, kind: str) -> _Frame:
        frame = self.stack[-1]
        conditional = frame.conditional or frame.joined or bool(frame.body) or kind in ("if", "do", "case")
        self._enter(_Frame(kind, len(self.pending), conditional, frame.body or frame.function))
        frame.body = ""
        return self.stack[-1]

    def _close(self, frame: _Frame) -> None:
        self._finish(frame, ";")
        self.stack.pop()
        if frame.kind in _LOST:
            self._lost(frame.base)
        self.stack[-1].filled = True

    def _lost(self, start: int) -> None:
        """What was read from there on does not run in the session itself."""
        del self.pending[start:]

    def _operator(self, frame: _Frame, op: str, begin: int) -> None:
        if op in ("<(", ">("):
            frame.begin = begin if frame.begin < 0 else frame.begin
            self._push("$(")
        elif op == "(":
            self._parenthesis(frame, begin)
        elif op[0] in "<>" or op[:2] == "&>":
            if frame.begin >= 0 and self.text[frame.begin : begin].isdigit():
                frame.begin = -1  # 2>
            self._word(begin)
            if self.stack[-1].kind not in ("[[", "array"):
                frame = self.stack[-1]
                frame.target, frame.filled, frame.redirected = op, True, True
        else:
            self._word(begin)
            frame = self.stack[-1]
            if op == "\n":
                self._past_heredocs()
            if op == ")" and frame.state == "pattern":
                frame.state, frame.words = "", []
            elif op == ")" and frame.kind in _LOST:
                self._close(frame)
            elif op == ")":
                self.broken = True
            elif frame.kind not in ("[[", "array") and not frame.state:
                self._finish(frame, op)

    def _parenthesis(self, frame: _Frame, begin: int) -> None:
        if frame.begin >= 0 and (self.text[begin - 1] in "=?*+@!" or frame.kind in ("[[", "array")):
            self._push("array")
            return
        self._word(begin)
        frame = self.stack[-1]
        named, empty = len(frame.words) == 1, _EMPTY.match(self.text, self.at)
        if frame.state == "pattern" and not frame.words:
            return
        if self.text.startswith("((", begin) and (not frame.words or (named and frame.words[0].raw == "for")) and not frame.state:
            frame.begin = begin
            self._push("((")
        elif empty and not frame.state and (named or (frame.body and not frame.words)):
            self.at = empty.end()
            frame.body, frame.filled = frame.words[0].raw if named else frame.body, False
            frame.words = []
        elif frame.words or frame.state or frame.kind in ("[[", "array"):
            frame.begin = begin
            self._push("array")
        else:
            self._open("(")

    def _finish(self, frame: _Frame, op: str) -> None:
        """The command in ``frame`` ends with ``op``."""
        filled, pending = frame.filled, self.pending
        frame.filled, frame.redirected, frame.target = False, False, ""
        if frame.words:
            pending.append(Command(frame.words, frame.conditional or frame.joined or self.broken, frame.function))
            frame.words, frame.body = [], ""
        if frame.piped or op in ("|", "|&"):
            self._lost(frame.pipe)
        if op in ("|", "|&"):
            frame.piped = True
        elif op in ("&&", "||"):
            frame.joined, frame.piped, frame.pipe = True, False, len(pending)
        elif op != "\n" or filled:
            if op == "&":
                self._lost(frame.list)
            frame.joined = frame.piped = False
            frame.list = frame.pipe = len(pending)
            self.ready = len(self.stack) == 1
        if op in (";;", ";&", ";;&"):
            frame.state = "pattern" if frame.kind == "case" else ""
            self.broken = self.broken or frame.kind != "case"

    def _redirected(self, frame: _Frame, raw: str) -> None:
        if frame.target in ("<<", "<<-"):
            mark = re.sub(r"'([^']*)'|\"([^\"]*)\"|\\(.)", r"\1\2\3", raw)
            self.heredocs.append((mark, frame.target == "<<-", mark != raw))
        frame.target = ""

    def _past_heredocs(self) -> None:
        for mark, tabs, quoted in self.heredocs:
            begin, held = self.at, ""
            while self.at < len(self.text):
                end = self.text.find("\n", self.at)
                line = self.text[self.at : end if end >= 0 else len(self.text)]
                self.at = end + 1 if end >= 0 else len(self.text)
                line = held + (line.lstrip("\t") if tabs and not held else line)
                continued = not quoted and (len(line) - len(line.rstrip("\\"))) % 2
                held = line[:-1][: len(mark) + 1] if continued else ""
                if not continued and line == mark:
                    break
            self._body(begin, self.at, quoted)
        self.heredocs = []

    def _body(self, begin: int, end: int, quoted: bool) -> None:
        """A here-document is ``text[begin:end]``, its mark included."""
