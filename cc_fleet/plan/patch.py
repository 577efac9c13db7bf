"""Edits as a unified patch that ``git apply`` and ``patch -p1`` take as it is.

A file keeps its bytes but for the edits: line ends, what is not UTF-8, no newline at the end.  The
lines around an edit are shown only where they hold no credential; an edit that cannot be shown
without one is left out.  ``git apply`` wants a line behind an edit that is not the file's last, so
that one must be showable.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from cc_fleet.model import Place
from cc_fleet.plan.files import Files
from cc_fleet.plan.nouns import Edit, Left
from cc_fleet.plan.places import Text
from cc_fleet.plan.secrets import secret_lines
from cc_fleet.records import NamedTuple

AROUND = 3  # lines


class Patch(NamedTuple):
    """The patch's bytes, the edits in it, and what had to be left out."""

    data: bytes
    edits: tuple[Edit, ...]
    left: tuple[Left, ...]


class _Change(NamedTuple):
    """A line of a file, counted from 0, and the lines in its place."""

    at: int
    new: tuple[bytes, ...]


def render(edits: Iterable[Edit], files: Files, credentials: Iterable[Place] = ()) -> Patch:
    """``edits``, which were planned on ``files``; ``credentials`` are places that are known to hold one."""
    by_file: dict[str, list[Edit]] = {}
    for edit in edits:
        by_file.setdefault(edit.file, []).append(edit)
    known = {(place.file, place.line) for place in credentials}
    parts, kept, left = [], list[Edit](), list[Left]()
    for file, wanted in by_file.items():
        text = files.text(file)
        if isinstance(text, str):
            continue
        lines = text.data.split(b"\n")
        secret = secret_lines(lines) | {line - 1 for name, line in known if name == file and line}
        shown = [edit for edit in wanted if _is_showable(edit.line - 1, lines, secret)]
        left += [Left(Place(edit.file, edit.line), edit.subject, _by_hand(edit, secret)) for edit in wanted if edit not in shown]
        changes = [_change(text, lines, [edit for edit in shown if edit.line == line]) for line in dict.fromkeys(edit.line for edit in shown)]
        kept += shown
        if changes:
            parts.append(_of_file(file, lines, changes, secret))
    return Patch(b"".join(parts), tuple(kept), tuple(left))


def _is_showable(at: int, lines: Sequence[bytes], secret: frozenset[int] | set[int]) -> bool:
    last = len(lines) - (2 if lines[-1] == b"" else 1)
    return at not in secret and (at == last or at + 1 not in secret)


def _by_hand(edit: Edit, secret: frozenset[int] | set[int]) -> str:
    where = "the line holds" if edit.line - 1 in secret else "the line below holds"
    what = f"write {edit.version} in place of {edit.old}" if edit.old else f"add {edit.version}"
    return f"{where} what may be a credential, which a patch would show; {what} there"


def _change(text: Text, lines: Sequence[bytes], edits: Sequence[Edit]) -> _Change:
    """The line of ``edits``, changed from its end on."""
    at = edits[0].line - 1
    line = lines[at]
    end = b"\r" if line.endswith(b"\r") or (at == len(lines) - 1 and at and lines[at - 1].endswith(b"\r")) else b""
    for edit in sorted(edits, key=lambda one: one.column, reverse=True):
        start = len(text.line(edit.line)[: edit.column - 1].encode("utf-8")) if _is_plain(line) else _byte(line, edit)
        new = edit.new.encode("utf-8").replace(b"\n", end + b"\n")
        line = line[:start] + new + line[start + len(edit.old.encode("utf-8")) :]
    return _Change(at, tuple(line.split(b"\n")))


def _is_plain(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _byte(line: bytes, edit: Edit) -> int:
    """The byte at which ``edit`` begins in a line that is not all UTF-8."""
    old = edit.old.encode("utf-8")
    return next(at for at in range(len(line) + 1) if line.startswith(old, at) and len(line[:at].decode("utf-8", "replace")) == edit.column - 1)


def _of_file(file: str, lines: Sequence[bytes], changes: Sequence[_Change], secret: frozenset[int] | set[int]) -> bytes:
    out = [b"--- " + _name(f"a/{file}") + b"\n", b"+++ " + _name(f"b/{file}") + b"\n"]
    moved = 0
    for low, high, inside in _hunks(lines, changes, secret):
        new = {change.at: change.new for change in inside}
        count = high - low + sum(len(change.new) - 1 for change in inside)
        out.append(f"@@ -{low + 1},{high - low} +{low + 1 + moved},{count} @@\n".encode())
        moved += count - (high - low)
        for at in range(low, high):
            out += _lines(lines, at, new.get(at))
    return b"".join(out)


def _hunks(lines: Sequence[bytes], changes: Sequence[_Change], secret: frozenset[int] | set[int]) -> Iterator[tuple[int, int, list[_Change]]]:
    """From which line up to which, with which changes: as much around them as may be shown."""
    count = len(lines) - (lines[-1] == b"")
    found: list[tuple[int, int, list[_Change]]] = []
    for change in changes:
        low = high = change.at
        floor = found[-1][1] if found else 0
        while low > max(0, change.at - AROUND) and low - 1 not in secret:
            low -= 1
        while high + 1 < min(count, change.at + 1 + AROUND) and high + 1 not in secret:
            high += 1
        if found and low <= floor:
            found[-1] = (found[-1][0], max(high + 1, floor), [*found[-1][2], change])
        else:
            found.append((low, high + 1, [change]))
    yield from found


def _lines(lines: Sequence[bytes], at: int, new: tuple[bytes, ...] | None) -> Iterator[bytes]:
    ended = at < len(lines) - 1
    tail = b"\n" if ended else b"\n\\ No newline at end of file\n"
    if new is None:
        yield b" " + lines[at] + tail
        return
    if new[0] == lines[at] and ended:
        yield b" " + lines[at] + b"\n"
        yield from (b"+" + line + b"\n" for line in new[1:])
        return
    yield b"-" + lines[at] + tail
    for number, line in enumerate(new):
        yield b"+" + line + (tail if number == len(new) - 1 else b"\n")


def _name(path: str) -> bytes:
    """A name as git writes it in a patch."""
    raw = path.encode("utf-8", "surrogateescape")
    if re.search(rb"[\x00-\x1f\x7f-\xff\"\\]", raw):
        return b'"' + b"".join(_quoted(byte) for byte in raw) + b'"'
    return raw + (b"\t" if b" " in raw else b"")


def _quoted(byte: int) -> bytes:
    if byte in b'"\\':
        return b"\\" + bytes([byte])
    return bytes([byte]) if 0x20 <= byte < 0x7F else b"\\%03o" % byte
