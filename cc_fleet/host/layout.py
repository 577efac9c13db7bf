"""Where each system keeps what is read.

Every path here and in facts has ``/`` between names, on Windows too (``C:/Users/ada``), so that
one source reads all systems; what people are shown has the system's own form. ``~`` is a home.
"""

# Annotations are not postponed here: as texts each would be compiled at start.
from typing import Iterator, NamedTuple, Union

from ..model import Gap, Place
from .tree import Missing, Tree, Unreadable

_MOST = 500


class Layout(NamedTuple):
    """``managed`` is the folder of the managed settings (facts/claude-code.md 1.1); ``config`` and
    ``data`` are where programs keep a user's settings and files."""

    managed: str
    config: str
    data: str


LAYOUTS = {
    "linux": Layout("/etc/claude-code", "~/.config", "~/.local/share"),
    "macos": Layout("/Library/Application Support/ClaudeCode", "~/Library/Application Support", "~/Library/Application Support"),
    "windows": Layout("C:/Program Files/ClaudeCode", "~/AppData/Roaming", "~/AppData/Local"),
}


def find(tree: Tree, pattern: str) -> Iterator[Union[str, Gap]]:
    """The paths that ``pattern`` names, its ``*`` standing for any part of a name, in order.

    A path without ``*`` is named whether anything stands there or not. A folder that may not be
    listed, or holds more than anybody means, is a Gap; a file in its place holds nothing.
    """
    head, star, _ = pattern.partition("*")
    if not star:
        yield pattern
        return
    folder, _, begin = head.rpartition("/")
    name, _, rest = pattern[len(folder) + 1 :].partition("/")
    try:
        found = [one for one in tree.names(folder or "/") if one.startswith(begin) and _fits(one, name)]
    except Missing:
        return
    except Unreadable as err:
        if str(err) != "is not a folder":
            yield Gap(str(err), Place(folder))
        return
    if len(found) > _MOST:
        yield Gap(f"holds more than {_MOST} entries, and what follows was not read", Place(folder or "/"))
    for one in found[:_MOST]:
        yield from find(tree, f"{folder}/{one}/{rest}" if rest else f"{folder}/{one}")


def _fits(name: str, pattern: str) -> bool:
    """Whether ``name`` fits ``pattern``; what is hidden does not fit a bare ``*``."""
    parts = pattern.split("*")
    if name.startswith(".") and not parts[0]:
        return False
    at = 0
    for number, part in enumerate(parts):
        at = name.find(part, at) if number else (0 if name.startswith(part) else -1)
        if at < 0:
            return False
        at += len(part)
    return not parts[-1] or name.endswith(parts[-1])
