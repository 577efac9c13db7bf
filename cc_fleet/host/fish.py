"""What fish's start-up files do to a session: ``set`` and ``fish_add_path``."""

from __future__ import annotations

import re
from typing import Iterator

from ..model import Variable
from . import commands, shell
from .origin import Known, Origin

# Texts, compiled where they are used: most homes have no fish.
_PARTS = (
    r"(?s)(?P<space>(?:[ \t\r]|\\\n)+)|(?P<op>&&|\|\||[\n;&|])|(?P<open>\()|(?P<close>\))"
    r"|'[^'\\]*(?:\\.[^'\\]*)*'?|\"[^\"\\]*(?:\\.[^\"\\]*)*\"?|[^ \t\r\n;&|()'\"\\]+|\\.|."
)
_PIECE = (
    r"(?s)'(?P<single>[^'\\]*(?:\\.[^'\\]*)*)'?|(?P<quote>\")|\\(?P<escape>[^A-Za-z0-9])"
    r"|\$(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?![A-Za-z0-9_\[])|(?P<plain>[^'\"\\$()*?{}~]+)|(?P<odd>.)"
)
_BLOCKS = frozenset("if for while function switch begin".split())


def _commands(text: str) -> Iterator[tuple[list[commands.Word], bool]]:
    """The commands of a fish text: words as they are written, and whether a condition or block holds them."""
    words: list[commands.Word] = []
    at, begin, parentheses, blocks, joined = 0, -1, 0, 0, False
    token = re.compile(_PARTS)
    while at <= len(text):
        found = token.match(text, at)
        kind, start = (found.lastgroup or "word", at) if found else ("op", at)
        piece = found[0] if found else ""
        at = found.end() if found else at + 1
        if piece[:1] == "#" and begin < 0:
            at = text.find("\n", start)
            at = len(text) if at < 0 else at
        elif kind in ("word", "open", "close") or (parentheses and found):
            begin = start if begin < 0 else begin
            parentheses = max(0, parentheses + (kind == "open") - (kind == "close"))
        else:
            if begin >= 0:
                words.append(commands.Word(text[begin:start], begin, start))
                begin = -1
            if kind == "op":
                first = words[0].raw if words else ""
                blocks = max(0, blocks - (first == "end"))
                yield words, blocks > 0 or joined or first in ("and", "or", "not", "!")
                blocks += first in _BLOCKS
                joined = piece in ("&&", "||", "|", "&") or (joined and piece == "\n" and not words)
                words = []


def variables(origin: Origin, known: Known) -> Iterator[Variable]:
    """What ``set`` and ``fish_add_path`` do, up to as many values as a file may hold."""
    left = shell.ALL
    for words, conditional in _commands(origin.text):
        at = 0
        while at < len(words) - 1 and words[at].raw in ("and", "or", "not", "!", "builtin", "else"):
            at += 1
        first = words[at].raw if words else ""
        if left < 0:
            return
        if first in ("exit", "return", "exec") and not conditional:
            return
        if first not in ("set", "fish_add_path"):
            continue
        at += 1
        options = ""
        while at < len(words) and words[at].raw.startswith("-"):
            option = words[at].raw
            options += {"--export": "x", "--erase": "e", "--query": "q", "--names": "n"}.get(option, option[2:3]) if option[1:2] == "-" else option
            at += 1
        if first == "fish_add_path" or (at < len(words) and words[at].raw == "fish_user_paths"):
            _set(known, "PATH", words[at + (first == "set") :], "a" if "a" in options else "p")
        elif at < len(words) and not set(options) & set("qSn"):
            name = words[at].raw
            if "e" in options:
                known.values.pop(name, None)
            value = "" if "e" in options else _set(known, name, words[at + 1 :], options)
            left -= len(value or "")
            if "x" in options or name in known.exported:
                known.exported.add(name)
                yield from origin.variable(name, None if conditional else value, words[at].start, words[at if "e" in options else -1].end)
            if conditional and name != "PATH":
                known.values.pop(name, None)
            elif set(options) & set("eu"):
                known.exported.discard(name)


def _set(known: Known, name: str, words: list[commands.Word], options: str) -> str | None:
    """Give ``name`` the ``words``; what is not known of PATH stands in it as such."""
    separator = ":" if name == "PATH" else " "
    values, size = [], 0
    for word in words:
        values.append(_value(word.raw, known.values))
        size += len(values[-1])
        if size > shell.LONGEST:
            values, size = [shell.UNKNOWN], 0
            break
    old = known.values.get(name, shell.UNKNOWN)
    values = [*values, old] if "p" in options else [old, *values] if "a" in options or (name == "PATH" and values == [shell.UNKNOWN]) else values
    given = separator.join(values)
    if len(given) <= shell.LONGEST and (name == "PATH" or shell.UNKNOWN not in given):
        known.values[name] = given
    elif name != "PATH":
        known.values.pop(name, None)
    return given if len(given) <= shell.LONGEST and shell.UNKNOWN not in given else None


def _value(raw: str, known: dict[str, str]) -> str:
    parts: list[str] = []
    size, quoted = 0, False
    for found in re.finditer(_PIECE, raw):
        kind = str(found.lastgroup)
        piece = found[kind]
        if kind == "quote":
            piece, quoted = "", not quoted
        elif kind == "single" and quoted:
            return shell.UNKNOWN  # an apostrophe: where the string ends was not seen
        elif kind == "single":
            piece = re.sub(r"\\([\\'])", r"\1", piece)
        elif kind == "name":
            piece = known.get(piece, shell.UNKNOWN)
        elif kind == "escape" and quoted and piece not in '"$\\\n':
            piece = found[0]
        elif kind == "escape":
            piece = piece.replace("\n", "")
        elif kind == "odd" and piece == "~" and found.start() == 0 and raw[1:2] in ("", "/"):
            piece = known.get("HOME", shell.UNKNOWN)
        elif kind == "odd" and not (quoted and piece in "*?{}~"):
            return shell.UNKNOWN
        parts.append(piece)
        size += len(piece)
        if size > shell.LONGEST:
            return shell.UNKNOWN
    return "".join(parts)
