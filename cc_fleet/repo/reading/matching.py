"""Which reader wants which file, by its name: fifty thousand names in the time of a few thousand regular expressions.

In a pattern ``*`` stays in a folder, ``**/`` is any folders or none, and one without ``/`` fits the name in
every folder.  A name is looked up whole and by its ending; a pattern is tried only where the name has its
first letter, its last two or its longest word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from cc_fleet.records import NamedTuple


class _Pattern(NamedTuple):
    """A pattern of a name, its longest word, and the reader that wants it."""

    word: str
    name: re.Pattern[str]
    reader: str


class Matcher:
    """The patterns of all readers."""

    def __init__(self, wants: Mapping[str, tuple[str, ...]]) -> None:
        self._order = {reader: number for number, reader in enumerate(wants)}
        self._exact: dict[str, list[str]] = {}
        self._ending: dict[str, list[str]] = {}
        self._first: dict[str, list[_Pattern]] = {}
        self._last: dict[str, list[_Pattern]] = {}
        self._amid: list[_Pattern] = []
        self._below: list[tuple[re.Pattern[str], _Pattern]] = []
        self._folders: dict[str, tuple[_Pattern, ...]] = {}
        for reader, patterns in wants.items():
            for want in dict.fromkeys(patterns):
                self._add(want, reader)

    def _add(self, want: str, reader: str) -> None:
        folder, slash, name = want.rpartition("/")
        if slash:
            self._below.append((_compiled(f"{folder}/"), _pattern(name, reader)))
        elif "*" not in name and "?" not in name:
            self._exact.setdefault(name, []).append(reader)
        elif re.fullmatch(r"\*\.\w+", name):
            self._ending.setdefault(name[2:], []).append(reader)
        elif name[0] not in "*?":
            self._first.setdefault(name[0], []).append(_pattern(name, reader))
        elif name[-1] not in "*?":
            self._last.setdefault(name[-2:], []).append(_pattern(name, reader))
        else:
            self._amid.append(_pattern(name, reader))

    def readers(self, path: str) -> list[str]:
        """The readers that want the file ``path``, in their order."""
        folder, _, name = path.rpartition("/")
        below = self._folders.get(folder)
        if below is None:
            below = self._in(folder)
        found = [*self._exact[name]] if name in self._exact else []
        ending = name.rpartition(".")[2]
        if ending in self._ending and ending != name:
            found += self._ending[ending]
        for tried in (self._first.get(name[:1]), self._last.get(name[-2:]), self._amid, below):
            if tried:
                for word, pattern, reader in tried:
                    if word in name and pattern.fullmatch(name):
                        found.append(reader)
        return sorted(set(found), key=self._order.__getitem__) if found else found

    def _in(self, folder: str) -> tuple[_Pattern, ...]:
        """The patterns that are for the files of this folder."""
        path = f"{folder}/" if folder else ""
        self._folders[folder] = tuple(pattern for below, pattern in self._below if below.fullmatch(path))
        return self._folders[folder]


def _pattern(name: str, reader: str) -> _Pattern:
    return _Pattern(max(re.split(r"[*?]", name), key=len), _compiled(name), reader)


def _compiled(want: str) -> re.Pattern[str]:
    text = re.escape(want)
    return re.compile(text.replace(r"\*\*/", "(?:[^/]+/)*").replace(r"\*", "[^/]*").replace(r"\?", "[^/]"), re.DOTALL)
