"""Keys in a settings file of Claude Code, which is strict JSON: one comment and the client ignores the whole file.

args: ``file``; ``set``, a list of ``[[key, …], value]``; ``remove``, a list of ``[key, …]``; ``repair``: comments and trailing commas are
first left out, which without it is Refused; ``mode`` of a file that is made. All else keeps its bytes. An object that removing leaves
empty goes too; a file stays.
"""

from __future__ import annotations

from typing import Mapping

from ...model import JSON
from ..change import Preview
from ..site import Site
from . import _json


def preview(site: Site, args: Mapping[str, JSON]) -> Preview:
    """The keys that would change."""
    return _json.preview(site, args, strict=True)


def apply(site: Site, args: Mapping[str, JSON]) -> None:
    """Change them."""
    _json.apply(site, args, strict=True)
