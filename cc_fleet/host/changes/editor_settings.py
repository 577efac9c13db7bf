"""Keys in an editor's settings, JSON with comments, which stay; a key's dots are part of its name.

args: ``file``; ``set``, a list of ``[[key], value]``; ``remove``, a list of ``[key]``; ``mode`` of a file that is made.
"""

from __future__ import annotations

from typing import Mapping

from ...model import JSON
from ..change import Preview
from ..site import Site
from . import _json


def preview(site: Site, args: Mapping[str, JSON]) -> Preview:
    """The keys that would change."""
    return _json.preview(site, args, strict=False)


def apply(site: Site, args: Mapping[str, JSON]) -> None:
    """Change them."""
    _json.apply(site, args, strict=False)
