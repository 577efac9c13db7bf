"""Lines of ours in somebody's shell profile, between two markers; what stands around them is theirs and stays.

args: ``file``; ``lines``, quoted already, none where the block is to go; ``comment``, how a comment begins there (``#``). A block is put at
the end. A profile without a newline at its end has none afterwards either: so removing knows which newline was ours.
"""

from __future__ import annotations

from typing import Mapping, Sequence

from ...model import JSON
from ..change import Failed, Preview, Refused
from ..files import ABSENT, digest
from ..site import Site
from . import _args, _lines

BEGIN, END = ">>> cc-fleet >>>", "<<< cc-fleet <<<"


def preview(site: Site, args: Mapping[str, JSON]) -> Preview:
    """The lines that would come and go."""
    file = _args.text(args, "file")
    old, new, shows = _edit(site, args)
    if new != old:
        site.pretend(file, new)
    return Preview({file: _state(old)}, {file: _state(new)}, shows)


def apply(site: Site, args: Mapping[str, JSON]) -> None:
    """Put the block there, or take it away.  Failed where the file does not hold it afterwards."""
    file = _args.text(args, "file")
    old, new, _ = _edit(site, args)
    if new is None or new == old:
        return
    site.write(file, new, _args.mode(args))
    if site.read(file) != new:
        raise Failed(f"{file}: does not hold what was written into it; something else writes it too")


def _state(data: bytes | None) -> str:
    return ABSENT if data is None else digest(data)


def _edit(site: Site, args: Mapping[str, JSON]) -> tuple[bytes | None, bytes | None, tuple[str, ...]]:
    """The file before and after, and what it shows."""
    file, lines, comment = _args.text(args, "file"), _args.texts(args, "lines"), _comment(args)
    _args.mode(args)
    begin, end = f"{comment} {BEGIN}".encode(), f"{comment} {END}".encode()
    wanted = [_line(line, (begin, end)) for line in lines]
    old = site.read(file)
    if old is not None and old[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise Refused(f"{file}: is UTF-16, in which a shell reads no lines; save it as UTF-8 and plan again")
    here = (old or b"").split(b"\n")
    place = _block(file, here, begin, end)
    block = [begin, *wanted, end] if wanted else []
    if place is None:
        had: Sequence[bytes] = ()
        new = _appended(file, here, block) if block else here
    else:
        first, last = place
        had = here[first + 1 : last]
        new = [*here[:first], *block, *here[last + 1 :]]
    shows = tuple(_lines.differences([_shown(line) for line in had], [_shown(line) for line in wanted]))
    return old, None if old is None and not block else b"\n".join(new), shows


def _comment(args: Mapping[str, JSON]) -> str:
    comment = _args.text(args, "comment") if "comment" in args else "#"
    if not comment.strip() or not comment.isprintable():
        raise Refused(f"the plan's comment begins no comment: {comment!r}")
    return comment


def _line(line: str, markers: tuple[bytes, bytes]) -> bytes:
    if "\n" in line or "\r" in line:
        raise Refused("a line that the plan would write is more than one line")
    data = _args.encoded(line)
    if data.strip() in markers:
        raise Refused("a line that the plan would write is a marker of the block itself")
    return data


def _block(file: str, here: Sequence[bytes], begin: bytes, end: bytes) -> tuple[int, int] | None:
    """The places of the two markers; None where there is none; Refused where they are not one pair."""
    begins = [number for number, line in enumerate(here) if line.strip() == begin]
    ends = [number for number, line in enumerate(here) if line.strip() == end]
    if not begins and not ends:
        return None
    at = min(begins + ends) + 1
    if len(begins) > 1 or len(ends) > 1:
        raise Refused(f"{file}:{at}: the block of cc-fleet stands there more than once; delete all but one, markers and all, and plan again")
    if not begins or not ends or begins[0] > ends[0]:
        raise Refused(f"{file}:{at}: the block of cc-fleet has lost one of its two markers; delete what is left of it and plan again")
    return begins[0], ends[0]


def _appended(file: str, here: Sequence[bytes], block: Sequence[bytes]) -> list[bytes]:
    """``here`` and behind it the block, which ends as the file ended."""
    last = len(here) if here[-1] else len(here) - 1
    if last and (len(here[last - 1]) - len(here[last - 1].rstrip(b"\\"))) % 2:
        raise Refused(f"{file}:{last}: is the last line and goes on (\\), so nothing can stand behind it; end it and plan again")
    return [*here[:last], *block, *here[last:]]


def _shown(line: bytes) -> str:
    return line.decode("utf-8", "replace")
