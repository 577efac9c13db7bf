"""zsh's array ``path``, which is PATH by another name, as start-up files fill it: ``path=(~/bin $path)``.

Loaded only where one does.
"""

from __future__ import annotations

import re
from typing import Callable

from .commands import LONGEST, UNKNOWN

# ``~/bin(N-/)`` is a folder that may be missing; what fits nothing else is not known.
_ITEM = re.compile(
    r"#[^\n]*|(?P<item>(?:\"(?:[^\"\\]|\\.)*\"|'[^']*'|\\.|\$\([^()]*\)|`[^`]*`|[^\s\"'\\()`])+)(?:\([NF/-]+\))?|(?P<odd>\S)", re.DOTALL
)
_PATH = re.compile(r"\"?\$(?:path(?:\[@\])?|\{path(?:\[@\])?\})\"?")


def folders(array: str, path: str, expand: Callable[[str], str]) -> str:
    """The PATH that the items of ``array`` make; ``path`` is what it is before. A pattern or a command stands for no known folder."""
    given: list[str] = []
    size = 0
    for found in _ITEM.finditer(array):
        if found[0][0] == "#":
            continue
        item = found["item"] or "*"
        known = UNKNOWN if re.search(r"[*?\[]|(?<!\$)\{", item) else expand(item)
        given.append(path if _PATH.fullmatch(item) else known)
        size += len(given[-1])
        if size > LONGEST:
            return UNKNOWN
    return ":".join(given)
