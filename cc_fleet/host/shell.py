"""What a shell start-up file assigns, as far as reading it can tell.

The file is never run.  Quotes, continuation lines, here-documents and ``$NAME`` of known
variables are understood; a command substitution, or an assignment under a condition, has
a value that only running the shell would tell, and is given as None.  No library reads
shell under a licence and at a cost that fit a host program (STYLE.md: bashlex is GPL, +93 ms).
"""

from __future__ import annotations

import re
from typing import Iterator, MutableMapping, NamedTuple, Optional

_TOKEN = re.compile(
    r"(?P<comment>(?<![^\s;&|()])\#[^\n]*)"
    r"|(?P<space>(?:[ \t\r]|\\\n)+)"
    r"|(?P<here><<-?[ \t]*(?P<quote>['\"]?)(?P<mark>\w+)(?P=quote))"
    r"|(?P<op>&&|\|\||;;|[\n;&|()])"
    r"|(?P<single>'[^']*'?)"
    r'|(?P<double>"(?:[^"\\]|\\.)*"?)'
    r"|(?P<code>`[^`]*`?|\$\((?:[^()]|\([^()]*\))*\)?|\$\{[^}]*\}?)"
    r"|(?P<escape>\\.)"
    r"|(?P<plain>[^\s;&|()'\"`\\$]+|\$\w+|.)",
    re.DOTALL,
)
_ASSIGNED = re.compile(r"([A-Za-z_]\w*)=")
_EXPANDED = re.compile(r"\\(.)|\$(?:\{(\w+)\}|(\w+))|(\$[^\w\s]|`)", re.DOTALL)
_OPENS = frozenset("if for while until case select".split())
_CLOSES = frozenset("fi done esac".split())
_SKIPPED = frozenset("then do else elif ! time command builtin".split())
_EXPORTS = frozenset("export declare typeset readonly".split())


class Assignment(NamedTuple):
    """``name`` is given ``value`` (None: unknown; "": also by ``unset``) by ``text[start:end]``.

    ``conditional``: only under an ``if``, ``&&`` or in a function; ``given`` is what it would then be.
    """

    name: str
    value: Optional[str]
    given: Optional[str]
    start: int
    end: int
    conditional: bool
    exported: bool


class _Word(NamedTuple):
    text: str
    start: int
    end: int


def assignments(text: str, known: MutableMapping[str, str]) -> Iterator[Assignment]:
    """Every assignment in order.  ``known`` is what is set before, and is kept up to date."""
    depth = 0
    for command, joined in _commands(text):
        conditional, words = joined or depth > 0, command
        while words and words[0].text in _SKIPPED | {"{"}:
            words = words[1:]
        if not words:
            continue
        first = words[0].text
        if first in _OPENS or first.endswith("()") or first == "function":
            depth += 1
        elif first in _CLOSES or first == "}":
            depth = max(0, depth - 1)
        elif first in ("return", "exit") and not conditional:
            return
        else:
            yield from _assigned(words, known, conditional)


def _assigned(
    words: list[_Word], known: MutableMapping[str, str], conditional: bool
) -> Iterator[Assignment]:
    first = words[0].text
    exported = first in _EXPORTS
    if first == "unset":
        for word in words[1:]:
            yield Assignment(word.text, None if conditional else "", "", word.start, word.end, conditional, True)
        return
    for word in words[exported:]:
        found = _ASSIGNED.match(word.text)
        if found is None:
            if exported and not word.text.startswith("-") and word.text in known:
                value = known[word.text]
                yield Assignment(word.text, None if conditional else value, value, word.start, word.end, conditional, True)
            elif not exported:
                return  # a command: what stood before it was for that command alone
            continue
        if not exported and not all(_ASSIGNED.match(w.text) for w in words):
            return
        name, given = found[1], _expand(word.text[found.end() :], known)
        if given is not None and (name == "PATH" or not conditional):
            known[name] = given
        else:
            known.pop(name, None)
        start = words[0].start if exported and len(words) == 2 else word.start
        yield Assignment(name, None if conditional else given, given, start, word.end, conditional, exported)


def _commands(text: str) -> Iterator[tuple[list[_Word], bool]]:
    """Simple commands as words; the flag tells whether ``&&`` or ``||`` stands before it."""
    words: list[_Word] = []
    pieces, start, at = "", 0, 0
    joined, after, here = False, False, ""
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:  # it takes any character, so this cannot be
            return
        kind, piece, begin, at = str(found.lastgroup), found[0], at, found.end()
        if kind in ("mark", "here"):
            here = found["mark"]
        elif kind in ("space", "comment", "op"):
            if pieces:
                words.append(_Word(pieces, start, begin))
                pieces = ""
            if kind == "op" and (piece == "(" and words and begin == words[-1].end):
                words[-1] = _Word(words[-1].text + "()", words[-1].start, at)  # name() of a function
            elif kind == "op":
                joined, after = after, piece in ("&&", "||")
                yield words, joined
                words = []
            if piece == "\n" and here:
                at, here = _past_here(text, at, here), ""
        else:
            start = start if pieces else begin
            pieces += piece
    if pieces:
        words.append(_Word(pieces, start, at))
    yield words, after


def _past_here(text: str, at: int, mark: str) -> int:
    found = re.compile(rf"^\t*{re.escape(mark)}\r?$", re.MULTILINE).search(text, at)
    return found.end() if found else len(text)


_PIECE = re.compile(r"'([^']*)'?|\"((?:[^\"\\]|\\.)*)\"?|([^'\"]+)", re.DOTALL)


def _expand(raw: str, known: MutableMapping[str, str]) -> Optional[str]:
    """The value of a word: quotes removed, known variables filled in; None where that takes a shell."""
    value = ""
    for found in _PIECE.finditer(raw):
        if found[1] is not None:
            value += found[1]
            continue
        piece = found[2] if found[2] is not None else found[3]
        if found[3] is not None and not value and piece.startswith("~/"):
            piece = "$HOME" + piece[1:]
        filled = _fill(piece, known)
        if filled is None:
            return None
        value += filled
    return value


def _fill(piece: str, known: MutableMapping[str, str]) -> Optional[str]:
    for found in _EXPANDED.finditer(piece):
        name = found[2] or found[3]
        if found[4] is not None or (name is not None and name not in known):
            return None
    return _EXPANDED.sub(lambda m: m[1] if m[1] is not None else known[m[2] or m[3]], piece)
