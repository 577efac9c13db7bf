"""A file that is ours alone: written whole, or taken away.

args: ``file``; ``content``, a text, or null where the file is to go; ``mode`` of a file that is made. A ``.json`` must parse strictly.
"""

from __future__ import annotations

from typing import Mapping

from ...model import JSON
from ..change import Failed, Preview, Refused
from ..files import ABSENT, digest
from ..jsonc import JsoncError, parse
from ..site import Site
from . import _args, _lines


def preview(site: Site, args: Mapping[str, JSON]) -> Preview:
    """The lines that would change."""
    file, new = _args.text(args, "file"), _content(args)
    _args.mode(args)
    old = site.read(file)
    if old == new:
        return Preview({file: _state(old)}, {file: _state(old)})
    shows = tuple(_lines.differences(_split(old), _split(new)))
    site.pretend(file, new)
    return Preview({file: _state(old)}, {file: _state(new)}, shows)


def apply(site: Site, args: Mapping[str, JSON]) -> None:
    """Write it, or take it away.  Failed where it is not so afterwards."""
    file, new = _args.text(args, "file"), _content(args)
    if site.read(file) == new:
        return
    if new is None:
        site.remove(file)
    else:
        site.write(file, new, _args.mode(args))
    if site.read(file) != new:
        raise Failed(f"{file}: is not as it was written; something else writes it too")


def _content(args: Mapping[str, JSON]) -> bytes | None:
    if args.get("content") is None:
        return None
    file, content = _args.text(args, "file"), _args.text(args, "content")
    if file.endswith(".json"):
        try:
            parse(content, strict=True)
        except JsoncError as err:
            raise Refused(f"{file}:{err.line}: what the plan would write is no JSON: {err.what}") from None
    return _args.encoded(content)


def _state(data: bytes | None) -> str:
    return ABSENT if data is None else digest(data)


def _split(data: bytes | None) -> list[str]:
    return [] if data is None else data.decode("utf-8", "replace").splitlines()
