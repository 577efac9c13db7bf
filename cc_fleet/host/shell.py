"""What a shell start-up file assigns, as far as reading it can tell.

The file is never run.  Quotes, groups, here-documents and ``$NAME`` of known variables are
understood as bash has them; a command substitution, or an assignment under a condition or in
a function, has a value that only running the shell would tell, and is given as None.  What a
file does that this one sources is not seen.  No library reads shell under a licence and at a
cost that fit a host program (STYLE.md: bashlex is GPL, +93 ms).
"""

from __future__ import annotations

import re
from typing import Iterator, MutableMapping, MutableSet, Optional

from ..records import NamedTuple
from .commands import LONGEST, UNKNOWN, Command, Reader, Word

__all__ = ["ALL", "LONGEST", "UNKNOWN", "Assignment", "assignments"]

ALL = 4 * 1024 * 1024  # characters of all values of a file

_NAME = "[A-Za-z_][A-Za-z0-9_]*"
_ASSIGNED = re.compile(rf"({_NAME})(\[|\+?=)")
_NAMES = re.compile(rf"(?<![A-Za-z0-9_${{/.-]){_NAME}")  # not the value of one
_BARE = re.compile(
    r"'(?P<single>[^']*)'?|(?P<quote>\$?\")|\\(?P<escape>.?)"
    rf"|\$(?:\{{(?P<braced>{_NAME})\}}|(?P<name>{_NAME}))(?![A-Za-z0-9_\[]|\\\n)|(?P<tilde>~)|(?P<plain>[^'\"\\$`~(<>]+|\$(?![A-Za-z0-9_({{\['\"@*#?$!\\-]))",
    re.DOTALL,
)
_QUOTED = re.compile(
    r"(?P<quote>\")|\\(?P<escape>[$`\"\\\n])"
    rf"|\$(?:\{{(?P<braced>{_NAME})\}}|(?P<name>{_NAME}))(?![A-Za-z0-9_\[]|\\\n)|(?P<plain>[^\"\\$`]+|\\|\$(?![A-Za-z0-9_({{\[@*#?$!\\-]))",
)
_CODE = re.compile(r"\$\((?:[^()]|\([^()]*\))*\)|\$\{[^{}]*\}|`[^`]*`|\$(?:[0-9@*#?$!-]|\w+)")
_DECLARES = frozenset("export declare typeset readonly local".split())
_READS = frozenset("read readarray mapfile getopts let eval printf for select wait local".split())


class Assignment(NamedTuple):
    """``name`` is given ``value`` (None: unknown; "": also by ``unset``) by ``text[start:end]``.

    ``conditional``: only under an ``if``, ``&&`` or in a function; ``given`` is what it would then be
    (of PATH: the folders that are known).  ``exported``: at the end of the text, or up to an ``unset``.
    """

    name: str
    value: Optional[str]
    given: Optional[str]
    start: int
    end: int
    conditional: bool
    exported: bool


def assignments(
    text: str, known: MutableMapping[str, str], exported: Optional[MutableSet[str]] = None, *, zsh: bool = False
) -> Iterator[Assignment]:
    """Every assignment in order.  ``known`` and ``exported`` are what is so before, and become what is so after.

    A part of PATH that is not known stands in ``known`` as ``UNKNOWN``.
    """
    names = _Names(text, known, set() if exported is None else exported, zsh=zsh)
    for command in Reader(text, zsh=zsh).commands():
        if not names.run(command):
            break
    for name, cell in names.cells.items():
        (names.exported.add if cell[0] else names.exported.discard)(name)
    for found, cell in names.found:
        yield found._replace(exported=cell[0])


class _Names:
    """What a session's names come to while its commands are read."""

    def __init__(self, text: str, known: MutableMapping[str, str], exported: MutableSet[str], *, zsh: bool) -> None:
        self.text, self.known, self.exported, self.zsh = text, known, exported, zsh
        self.found: list[tuple[Assignment, list[bool]]] = []
        self.cells: dict[str, list[bool]] = {}  # whether a name is exported, until it is unset
        self.sets: dict[str, set[str]] = {}  # what a function assigns
        self.seen: set[str] = set()
        self.odd: set[str] = set()  # a name with an attribute: integer, readonly, array
        self.all, self.room = False, ALL

    def run(self, command: Command) -> bool:
        """Follow ``command``; False where it leaves the file."""
        words, at = command.words, 0
        code = self.text[words[0].start : words[-1].end]
        self._side_effects(code, command)
        while at < len(words) and _ASSIGNED.match(words[at].raw):
            at += 1
        if at == len(words):
            for word in words:
                self._assign(word, command)
            return True
        prefixed = at > 0
        while at < len(words) - 1 and words[at].raw in ("command", "builtin"):
            at += 1
        first = re.sub(r"[\\'\"]", "", words[at].raw) if words[at].raw[0] in "\\'\"" else words[at].raw
        if first in ("return", "exit") or (first == "exec" and at + 1 < len(words)):
            return command.conditional
        if first in self.sets:
            self.room -= len(self.sets[first])
            for name in tuple(self.sets[first]) if self.room > 0 else ():
                self._forget(name, command)
        if first in ("for", "select"):
            self._forget(words[at + 1].raw if at + 1 < len(words) else "", command)
        elif "$" in first or "`" in first or prefixed or (first in _READS and (first != "printf" or " -v" in code)):
            if not prefixed or first in _DECLARES or first in _READS:
                for name in _NAMES.findall(code):
                    self._forget(name, command)
        elif first in _DECLARES:
            self._declare(command, words, at, first)
        elif first == "unset":
            self._unset(command, words[at + 1 :])
        elif first == "set":
            self._set(command, [word.raw for word in words[at + 1 :]])
        return True

    def _side_effects(self, code: str, command: Command) -> None:
        """``${A:=1}`` and ``((A = 1))`` assign wherever they stand."""
        if "${" in code:
            for found in re.finditer(rf"\$\{{({_NAME}):?=", code):
                self._forget(found[1], command)
        for opening, closing in (("((", "))"), ("$[", "]")):
            at = code.find(opening)
            while at >= 0:
                end = code.find(closing, at)
                end = len(code) if end < 0 else end
                if re.search(r"=|\+\+|--", code[at:end]):
                    for name in _NAMES.findall(code, at, end):
                        self._forget(name, command)
                at = code.find(opening, end)

    def _forget(self, name: str, command: Command) -> None:
        if name in self.known or name in self.seen:
            self._record(name, UNKNOWN, command, command.words[0].start, command.words[-1].end)

    def _record(self, name: str, given: str, command: Command, start: int, end: int) -> list[bool]:
        """``name`` becomes ``given``; whether it is exported is what the answer will hold."""
        cell = self.cells.setdefault(name, [name in self.exported])
        cell[0] = cell[0] or self.all
        self.seen.add(name)
        self.room -= len(given)
        if len(given) > LONGEST or self.room < 0 or name in self.odd:
            given = UNKNOWN
        value: Optional[str] = None if command.conditional or UNKNOWN in given else given
        shown: Optional[str] = given
        if name == "PATH" and given == UNKNOWN:
            old = self.known.get(name, "")
            self.known[name], shown = old if UNKNOWN in old else f"{old}:{UNKNOWN}", None
        elif name == "PATH":
            folders = [UNKNOWN if UNKNOWN in folder else folder for folder in given.split(":")]
            self.known[name] = ":".join(folders)
            shown = ":".join(folder for folder in folders if folder != UNKNOWN)
        elif value is None:
            self.known.pop(name, None)
            shown = None if UNKNOWN in given else given
        else:
            self.known[name] = value
        if command.function:
            self.sets.setdefault(command.function, set()).add(name)
        self.found.append((Assignment(name, value, shown, start, end, command.conditional, exported=False), cell))
        return cell

    def _assign(self, word: Word, command: Command) -> None:
        found = _ASSIGNED.match(word.raw)
        if found is not None and self.zsh and found[1] == "path" and word.raw.startswith("(", found.end()):
            self._record("PATH", self._folders(found, word.raw), command, word.start, word.end)
        elif found is not None:
            self._record(found[1], self._given(found, word.raw), command, word.start, word.end)

    def _folders(self, found: re.Match[str], raw: str) -> str:
        """What ``path=(…)`` makes of PATH."""
        from . import zsh

        path = self.known.get("PATH", UNKNOWN)
        given = zsh.folders(raw[found.end() + 1 : -1], path, lambda item: _expand(item, self.known)) if self.room > 0 else UNKNOWN
        return f"{path}:{given}" if found[2] == "+=" else given

    def _given(self, found: re.Match[str], raw: str) -> str:
        given = _expand(raw[found.end() :], self.known) if found[2] != "[" and self.room > 0 else UNKNOWN
        return self.known.get(found[1], UNKNOWN) + given if found[2] == "+=" and given != UNKNOWN else given

    def _declare(self, command: Command, words: list[Word], at: int, first: str) -> None:
        flags, off = "", ""
        rest = at + 1
        while rest < len(words) and words[rest].raw[0] in "-+":
            raw = words[rest].raw
            flags, off = flags + raw[1:] * (raw[0] == "-"), off + raw[1:] * (raw[0] == "+")
            rest += 1
            if raw == "--":
                break
        if set(flags) & set("fFp"):
            return
        exports = (first == "export" and "n" not in flags) or "x" in flags
        hides = not exports and not command.conditional and ("x" in off or first == "export")
        inner = first in ("declare", "typeset") and bool(command.function) and "g" not in flags
        given = [self._declared(word.raw) for word in words[rest:]]  # all before the first of them is assigned
        for number, word in enumerate(words[rest:]):
            name, value = given[number]
            if not name or inner:
                self.known.pop("" if name == "PATH" else name, None)
                continue
            if value is not None:
                start = words[at].start if rest == 1 and len(words) == 2 else word.start
                self._record(name, UNKNOWN if set(flags) & set("iluncaA") else value, command, start, word.end)
            elif exports and name in self.known:
                self._record(name, self.known[name], command, word.start, word.end)
            cell = self.cells.setdefault(name, [name in self.exported])
            cell[0] = exports or (cell[0] and not hides)
            if first == "readonly" or (first != "export" and set(flags) & set("riluncaA")):
                self.odd.add(name)

    def _declared(self, raw: str) -> tuple[str, Optional[str]]:
        """The name and value that an argument of export gives; None where it has no value."""
        raw = self._argument(raw)
        found, name = _ASSIGNED.match(raw), _NAMES.match(raw)
        return name[0] if name else "", self._given(found, raw) if found else None

    def _argument(self, raw: str) -> str:
        """An argument of export: ``A=1`` as it is, ``"A=1"`` without its quotes."""
        if _ASSIGNED.match(raw):
            braces = re.search(r"(?<!\$)\{", raw)  # export expands them
            return f"{raw.partition('=')[0]}=$(" if braces else raw
        quoted = re.match(r"[\"'\\]", raw)
        plain = _expand(raw, self.known) if quoted and self.room > 0 else raw
        found = _ASSIGNED.match(plain)
        if found is None or found[2] == "[":
            return plain
        whole = raw[0] == raw[-1] and raw.count(raw[0]) == 2 and raw[0] in "\"'" and "'" not in plain and UNKNOWN not in plain
        return f"{found[0]}'{plain[found.end() :]}'" if whole else f"{found[1]}=$("

    def _unset(self, command: Command, words: list[Word]) -> None:
        if any(word.raw[0] == "-" and "f" in word.raw for word in words):
            return
        for word in words:
            name = _expand(word.raw, {})
            if not re.fullmatch(_NAME, name):
                for one in _NAMES.findall(name) if name[:1] != "-" else ():
                    self._forget(one, command)
            elif name in self.odd:
                self._forget(name, command)
            else:
                self._record(name, "", command, word.start, word.end)
                self.known.pop(name, None)
                self.found[-1] = (self.found[-1][0], [True])
                if not command.conditional:
                    self.cells.pop(name)
                    self.exported.discard(name)

    def _set(self, command: Command, raws: list[str]) -> None:
        for number, raw in enumerate(raws):
            if raw in ("--", "-") or raw[0] not in "-+":
                break
            named = raw[1:] == "o" and raws[number + 1 : number + 2] == ["allexport"]
            if named or (raw[1:2] != "-" and "a" in raw[1:]):
                self.all = raw[0] == "-" or (self.all and command.conditional)


def _expand(raw: str, known: MutableMapping[str, str]) -> str:
    """The value of a word: quotes removed, known variables filled in, ``UNKNOWN`` where that takes a shell."""
    parts: list[str] = []
    at, size, quoted = 0, 0, False
    while at < len(raw) and size <= LONGEST:
        found = (_QUOTED if quoted else _BARE).match(raw, at)
        if found is None:
            code = _CODE.match(raw, at)
            parts.append(UNKNOWN)
            if code is None:
                break  # where it ends is not known either
            at = code.end()
            continue
        kind = str(found.lastgroup)
        piece = found[kind]
        if kind == "quote":
            piece, quoted = "", not quoted
        elif kind in ("name", "braced"):
            piece = known.get(piece, UNKNOWN)
        elif kind == "escape" and piece in ("", "\n"):
            piece = "" if piece else UNKNOWN
        elif kind == "tilde":
            piece = _tilde(raw, at, known)
        parts.append(piece)
        size += len(piece)
        at = found.end()
    return "".join(parts) if size <= LONGEST else UNKNOWN


def _tilde(raw: str, at: int, known: MutableMapping[str, str]) -> str:
    if at and (raw[at - 1] not in ":\n"):
        return "~"
    alone = raw[at + 1 : at + 2] in ("", "/", ":") and (at == 0 or raw[at - 1] == ":") and raw[at - 2 : at] != "\\:"
    return known.get("HOME", UNKNOWN) if alone else UNKNOWN
