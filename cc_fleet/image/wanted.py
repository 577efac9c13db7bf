"""Which files of an image a source may ask for, so that their contents are kept as a layer passes by.

A miss is no error: what was not kept and is asked for all the same is read again (``ImageTree.asked``).  Where
nothing can be read again, in a stream, it is a Gap.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import translate
from functools import cache

from cc_fleet.host import facts

# What is read before any source is asked: the users, the machine's names, which npm has what was said.
_FIRST = ("/etc/passwd", "/etc/hostname", "/etc/machine-id")
# Files that may hold a credential of Claude Code's: they are looked for in every layer, in those that a later one takes away too.
SECRET = frozenset(b".credentials.json .claude.json .config.json settings.json settings.local.json managed-settings.json .npmrc environment profile .profile .bashrc .bash_profile .bash_login bash.bashrc .zshenv .zprofile .zshrc .zlogin".split())


class Wanted:
    """Decides by a file's folder and name."""

    def __init__(self, patterns: Iterable[str]) -> None:
        named: dict[bytes, list[str]] = {}
        below: dict[bytes, list[str]] = {}
        for pattern in patterns:
            whole = (f"*{pattern[1:]}" if pattern.startswith("~/") else pattern).lstrip("/")
            folder, _, name = whole.rpartition("/")
            last = folder.rpartition("/")[2]
            if "*" not in name:
                named.setdefault(name.encode(), []).append(folder)
            elif "*" not in last:
                below.setdefault(last.encode(), []).append(whole)
        self._named = {name: _compiled(folders) for name, folders in named.items()}
        self._below = {last: _compiled(wholes) for last, wholes in below.items()}

    def in_folder(self, folder: bytes) -> re.Pattern[bytes] | None:
        """What the paths in ``folder`` are to be held against, beside their names."""
        return self._below.get(folder.rpartition(b"/")[2])

    def __call__(self, folder: bytes, name: bytes, below: re.Pattern[bytes] | None) -> bool:
        found = self._named.get(name)
        return (found is not None and found.match(folder) is not None) or (below is not None and below.match(folder + b"/" + name) is not None)


@cache
def sources() -> Wanted:
    """What the sources of Linux want."""
    return Wanted(patterns())


@cache
def patterns() -> tuple[str, ...]:
    found = {pattern for source in facts.sources("linux").values() for pattern in source.WANTS}
    return tuple(sorted({*found, *_FIRST} - {"*", "~"}))


def _compiled(globs: list[str]) -> re.Pattern[bytes]:
    return re.compile("|".join(translate(glob) for glob in dict.fromkeys(globs)).encode())
