"""Where each system keeps what is read.

Every path here and in facts has ``/`` between names, on Windows too (``C:/Users/ada``), so that
one source reads all systems; what people are shown has the system's own form. ``~`` is a home.
"""

# Annotations are not postponed here: as texts each would be compiled at start.
from typing import Iterable, Iterator, Optional, Union

from ..model import Gap, Place
from ..records import NamedTuple
from .tree import Missing, Tree, Unreadable

_MOST, _ALL = 500, 5000
_SHARED = frozenset((".local", "Library", "AppData"))
# The folders of a home that in_home lists.
LISTED = (
    "~", "~/.local", "~/.local/share", "~/.local/lib", "~/Library", "~/Library/Application Support", "~/Library/pnpm",
    "~/AppData", "~/AppData/Local", "~/AppData/Roaming",
)  # fmt: skip


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

    A path without ``*`` is named whether anything stands there or not. More than a few thousand are nobody's. A folder that may not be
    listed, or holds more than anybody means, is a Gap; a file in its place holds nothing.
    """
    for number, found in enumerate(_found(tree, pattern)):
        if number == _ALL:
            yield Gap(f"leads to more than {_ALL} paths, and what follows was not read", Place(pattern.partition("*")[0].rpartition("/")[0]))
            return
        yield found


def _found(tree: Tree, pattern: str) -> Iterator[Union[str, Gap]]:
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
        yield from _found(tree, f"{folder}/{one}/{rest}" if rest else f"{folder}/{one}")


def in_home(tree: Tree, home: str, patterns: Iterable[str]) -> Iterator[Union[str, Gap]]:
    """What ``patterns`` (``~/...``) name in a home. Folders that few homes have are first looked for in a list of its names."""
    known: dict[str, Optional[frozenset[str]]] = {}
    for pattern in patterns:
        parts = pattern.split("/")
        depth = 3 if parts[1] in _SHARED and len(parts) > 3 else 1
        if all(_holds(tree, known, home + "".join(f"/{part}" for part in parts[1:at]), parts[at]) for at in range(1, depth + 1)):
            yield from find(tree, f"{home}{pattern[1:]}")


def _holds(tree: Tree, known: dict[str, Optional[frozenset[str]]], folder: str, name: str) -> bool:
    """Whether ``name`` may stand in ``folder``; what cannot be listed is tried."""
    if folder not in known:
        try:
            known[folder] = frozenset(one.lower() for one in tree.names(folder))
        except Missing:
            known[folder] = frozenset()
        except Unreadable:
            known[folder] = None
    names = known[folder]
    return names is None or "*" in name or name.lower() in names


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
