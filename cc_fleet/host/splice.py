"""Change JSON and JSON-with-comments by splice: what is not edited keeps its bytes.

People write into these files, so a value is put in its place and nothing else is written anew: comments, byte-order
mark, line ends, indentation and a missing newline at the end stay.  Of duplicate keys the last is in force: it is the
one that is set, and all of them are removed.  Nothing here touches a file.
"""

from __future__ import annotations

import json
import re
from typing import Any, Iterator, Sequence

from ..records import NamedTuple
from .jsonc import TOKEN, JsoncError, Lines, Node, parse

_BLANK = " \t"
_SPACE = " \t\r\n"
_BLANKS = re.compile(r"[ \t]*")
_SPACES = re.compile(r"[ \t\r\n]*")
_NEWLINE = re.compile(r"\r?\n")
_REMARK = re.compile(r"[ \t]*(//[^\r\n]*|/\*.*?\*/)", re.DOTALL)
_INDENTED = re.compile(r"[{\[][ \t\r]*\n([ \t]+)[^ \t\r\n]")
_GONE = "\0"  # stands in a gap where something was taken out; between tokens no text holds one


class _Pair(NamedTuple):
    """A member as it stands: from its key's quote to its value's end, and the comma behind it, -1 where there is none.

    ``before`` is where the token or comment before it ends, ``remark`` whether that is a comment up to the end of its line.
    """

    key: str
    start: int
    end: int
    comma: int
    before: int
    remark: bool


def set_in(text: str, path: Sequence[str], value: Any) -> str:
    """``text`` with ``value`` at ``path``; objects that are missing are made.  The same text where the value stands there already.

    JsoncError where ``text`` is no such document, or something on the path is no object.
    """
    node, start = parse(text), 0
    for depth, key in enumerate(_named(text, path)):
        if node.members is None:
            where = ".".join(path[:depth])
            raise JsoncError(f"{json.dumps(where)} is not an object" if where else "the document is not an object", text, node.start)
        if key not in node.members:
            for missing in reversed(path[depth + 1 :]):
                value = {missing: value}
            return _inserted(text, node, key, value)
        start, node = node.members[key]
    if same(node.value, value):
        return text
    indent = _indent(text, start) if _is_first(text, start) else None
    return text[: node.start] + _dumped(text, value, indent) + text[node.end :]


def remove_in(text: str, path: Sequence[str]) -> str:
    """``text`` without what stands at ``path``, every member of that name; the same text where nothing does."""
    *parents, name = _named(text, path)
    node = at(parse(text), parents)
    if node is None or node.members is None or name not in node.members:
        return text
    pairs = list(_pairs(text, node))
    gone = [span for pair in pairs if pair.key == name for span in _taken(text, pair)]
    kept = next((pair for pair in reversed(pairs) if pair.key != name), None)
    if kept and kept.comma >= 0 and pairs[-1].comma < 0:  # what was the last member had no comma behind it
        gone.append((kept.comma, kept.comma + 1))
    new = _without(text, gone)
    end = node.end + len(new) - len(text)
    if not kept and not new[node.start + 1 : end - 1].strip(_SPACE):
        return f"{new[: node.start]}{{}}{new[end:]}"
    return new


def repaired(text: str) -> tuple[str, tuple[str, ...]]:
    """``text`` as strict JSON takes it, and what was left out, ``line 3: a comment``; JsoncError where more is wrong with it.

    Comments and trailing commas go; with them the blanks that would then end a line, and the line on which nothing else stood.
    """
    parse(text)
    if not (marks := sorted(_odd(text))):
        return text, ()
    parts, read, number = list[str](), 0, 0
    while number < len(marks):
        start = marks[number][0]
        gap = read + len(text[read:start].rstrip(_SPACE))
        parts.append(text[read:gap])
        pieces, read = [text[gap:start]], start
        while number < len(marks) and marks[number][0] == read:
            _, end, _ = marks[number]
            number, read = number + 1, _past(_SPACES, text, end)
            pieces += [_GONE, text[end:read]]
        parts.append(_bare("".join(pieces), begins=gap == 0 or text[:gap] == "\ufeff", ends=read == len(text)))
    lines = Lines(text)
    return "".join((*parts, text[read:])), tuple(f"line {lines.position(start)[0]}: {what}" for start, _, what in marks)


def at(node: Node, path: Sequence[str]) -> Node | None:
    """What stands at ``path`` in ``node``."""
    for key in path:
        if node.members is None or key not in node.members:
            return None
        node = node.members[key].node
    return node


def same(one: Any, other: Any) -> bool:
    """Whether both are one JSON value: to Python True is 1, and in JSON it is not."""
    try:
        return json.dumps(one) == json.dumps(other)
    except (ValueError, TypeError, RecursionError):
        return False


def _named(text: str, path: Sequence[str]) -> Sequence[str]:
    if not path:
        raise JsoncError("an empty path names no key", text, 0)
    return path


def _inserted(text: str, parent: Node, key: str, value: Any) -> str:
    if parent.start == parent.end:  # no document yet, at most comments
        newline = _newline(text)
        gap = newline if text.rpartition("\n")[2].strip(_BLANK + "\r\ufeff") else ""
        return f"{text}{gap}{_dumped(text, {key: value}, '')}{newline}"
    if not (pairs := list(_pairs(text, parent))):
        return _first(text, parent, key, value)
    last = pairs[-1]
    behind = last.end if last.comma < 0 else last.comma + 1
    rest, remark = _same_line(text, behind)
    own_line, indent, colon = _is_first(text, last.start), _indent(text, last.start), _colon(text, last)
    lead = _newline(text) + indent if own_line or remark else _lead(text, pairs, colon)
    pair = f"{_dumped(text, key)}{colon}{_dumped(text, value, indent if own_line else None)}"
    comma, tail = (",", "") if last.comma < 0 else ("", ",")  # a trailing comma is somebody's style
    return f"{text[:behind]}{comma}{text[behind:rest]}{lead}{pair}{tail}{text[rest:]}"


def _first(text: str, parent: Node, key: str, value: Any) -> str:
    """The first member of an empty object, on a line of its own unless the whole document is one line."""
    opened, close = parent.start + 1, parent.end - 1
    behind = max((stop for kind, _, stop in _tokens(text[:close], opened) if kind == "comment"), default=opened)
    body = text[opened:behind]
    if not re.search("[\r\n]", text.strip(_SPACE)) and text[: parent.start].strip(_SPACE + "\ufeff"):
        return f"{text[:opened]}{body}{_dumped(text, key)}: {_dumped(text, value)}{text[close:]}"
    newline, outer = _newline(text), _indent(text, parent.start)
    inner = outer + _unit(text)
    pair = f"{_dumped(text, key)}: {_dumped(text, value, inner)}"
    return f"{text[:opened]}{body}{newline}{inner}{pair}{newline}{outer}{text[close:]}"


def _taken(text: str, pair: _Pair) -> Iterator[tuple[int, int]]:
    """The spans that go with a member: its comma, the blanks that only it needed, the line that it had to itself."""
    start, end = pair.start, pair.end
    if pair.comma >= 0 and text[end : pair.comma].strip(_SPACE):  # a comment stands between them, and stays
        yield pair.comma, pair.comma + 1
    elif pair.comma >= 0:
        end = pair.comma + 1
    rest = _past(_BLANKS, text, end)
    newline = _NEWLINE.match(text, rest)
    if newline and _is_first(text, start):
        yield text.rfind("\n", 0, start) + 1, newline.end()
        return
    if newline or text[rest] == "}":
        blanks = _BLANK if newline or pair.remark else _SPACE
        start, rest = pair.before + len(text[pair.before : start].rstrip(blanks)), end
    yield start, rest


def _without(text: str, spans: list[tuple[int, int]]) -> str:
    parts, read = [], 0
    for start, end in sorted(spans):
        parts.append(text[read:start])  # nothing where the spans overlap
        read = end
    return "".join((*parts, text[read:]))


def _odd(text: str) -> Iterator[tuple[int, int, str]]:
    """What strict JSON does not take."""
    comma = None
    for kind, start, end in _tokens(text, 0):
        if kind == "comment":
            yield start, end, "a comment"
            continue
        if comma is not None and kind in ("}", "]"):
            yield comma, comma + 1, "a trailing comma"
        comma = start if kind == "," else None


def _bare(gap: str, *, begins: bool, ends: bool) -> str:
    """White space with marks in it, as it is to be without them; ``begins`` and ``ends``: no token stands before it, or behind."""
    lines, kept = gap.split("\n"), list[str]()
    for number, line in enumerate(lines):
        last = number == len(lines) - 1
        opens, closes = number > 0 or begins, not last or ends
        if _GONE not in line:
            kept.append(line)
        elif closes and not (opens and not last):  # what ends a line, or the text
            kept.append("\r" if line.endswith("\r") and not last else "")
        elif not closes:
            kept.append(line.partition(_GONE)[0] if opens else line.rpartition(_GONE)[2])
    return "\n".join(kept)


def _pairs(text: str, node: Node) -> Iterator[_Pair]:
    """The members of an object in their order, duplicates too."""
    key, start, end, depth = "", -1, 0, 0
    before, remark = node.start + 1, False
    for kind, begin, stop in _tokens(text, node.start + 1):
        if kind == "comment":
            if start < 0:
                before, remark = stop, text.startswith("//", begin)
            continue
        depth -= kind in ("}", "]")
        if depth < 0 or (depth == 0 and kind == ","):
            if start >= 0:
                yield _Pair(key, start, end, begin if kind == "," else -1, before, remark)
            if depth < 0:
                return
            start, before, remark = -1, stop, False
            continue
        if start < 0:
            key, start = json.loads(text[begin:stop]), begin
        end = stop
        depth += kind in ("{", "[")


def _tokens(text: str, read: int) -> Iterator[tuple[str, int, int]]:
    """Every token and comment of a text that parses, up to and with its end."""
    kind, read = "", read + (read == 0 and text.startswith("\ufeff"))
    while kind != "end":
        match: Any = TOKEN.match(text, read)
        kind = match.lastgroup
        start, read = match.span(kind)
        yield text[start] if kind == "mark" else kind, start, read


def _same_line(text: str, behind: int) -> tuple[int, bool]:
    """Where the comments end that follow on the same line, and whether the last takes all of it."""
    while comment := _REMARK.match(text, behind):
        behind = comment.end()
        if comment[1].startswith("//") or "\n" in comment[1]:
            return behind, comment[1].startswith("//")
    return behind, False


def _colon(text: str, pair: _Pair) -> str:
    """What stands between key and value, as somebody is used to write it."""
    tokens = (token for token in _tokens(text, pair.start) if token[0] != "comment")
    (_, _, end), _, (_, start, _) = next(tokens), next(tokens), next(tokens)
    between = text[end:start]
    return between if between in (":", ": ", " : ", " :") else ": "


def _lead(text: str, pairs: list[_Pair], colon: str) -> str:
    """What stands between a comma and the next key on the same line."""
    between = text[pairs[-2].comma + 1 : pairs[-1].start] if len(pairs) > 1 else "?"
    return between if between in ("", " ", "  ") else "" if colon == ":" else " "


def _dumped(text: str, value: Any, indent: str | None = None) -> str:
    """``value`` as it is written in ``text``: its own indentation and line ends, in one line where no indent is given."""
    try:
        dumped = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=None if indent is None else _unit(text))
    except (ValueError, TypeError, RecursionError):
        raise JsoncError("what is to be written is not a JSON value", text, 0) from None
    escaped = re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", dumped)
    return escaped if indent is None else escaped.replace("\n", _newline(text) + indent)


def _unit(text: str) -> str:
    inner = _INDENTED.search(text)
    if inner is None:
        return "  "
    outer = _indent(text, inner.start())
    return inner[1][len(outer) :] if inner[1].startswith(outer) and inner[1] != outer else inner[1]


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _indent(text: str, where: int) -> str:
    start = text.rfind("\n", 0, where) + 1
    return text[start : _past(_BLANKS, text, start)]


def _is_first(text: str, where: int) -> bool:
    """Whether nothing but blanks stands before it on its line."""
    return not text[text.rfind("\n", 0, where) + 1 : where].strip(_BLANK)


def _past(pattern: re.Pattern[str], text: str, where: int) -> int:
    return pattern.match(text, where).end()  # type: ignore[union-attr]  # it matches the empty text
