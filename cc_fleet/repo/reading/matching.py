"""Which reader wants which file, by its name: fifty thousand names in the time of a few thousand regular expressions.

In a pattern ``*`` stays in a folder, ``**/`` is any folders or none, and one without ``/`` fits the name in
every folder.  A name is looked up whole and by its ending; only where its first letter, its last two or a
word in it are those of a pattern is that tried.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from cc_fleet.records import NamedTuple


class _Pattern(NamedTuple):
    """A pattern of a name, and the reader that wants it."""

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
        self._amid: dict[str, list[_Pattern]] = {}
        self._below: list[tuple[re.Pattern[str], _Pattern]] = []
        self._folders: dict[str, tuple[_Pattern, ...]] = {}
        for reader, patterns in wants.items():
            for want in dict.fromkeys(patterns):
                self._add(want, reader)

    def _add(self, want: str, reader: str) -> None:
        folder, slash, name = want.rpartition("/")
        if slash:
            self._below.append((_compiled(f"{folder}/"), _Pattern(_compiled(name), reader)))
        elif "*" not in name and "?" not in name:
            self._exact.setdefault(name, []).append(reader)
        elif re.fullmatch(r"\*\.\w+", name):
            self._ending.setdefault(name[2:], []).append(reader)
        elif name[0] not in "*?":
            self._first.setdefault(name[0], []).append(_Pattern(_compiled(name), reader))
        elif name[-1] in "*?":
            self._amid.setdefault(max(re.split(r"[*?]", name), key=len), []).append(_Pattern(_compiled(name), reader))
        else:
            self._last.setdefault(name[-2:], []).append(_Pattern(_compiled(name), reader))

    def readers(self, path: str) -> list[str]:
        """The readers that want the file ``path``, in their order."""
        folder, _, name = path.rpartition("/")
        found = [*self._exact.get(name, ()), *self._ending.get(name.rpartition(".")[2] if "." in name else "", ())]
        tried = (*self._first.get(name[:1], ()), *self._last.get(name[-2:], ()), *self._in(folder))
        found += [pattern.reader for pattern in tried if pattern.name.fullmatch(name)]
        for word, patterns in self._amid.items():
            if word in name:
                found += [pattern.reader for pattern in patterns if pattern.name.fullmatch(name)]
        return sorted(set(found), key=self._order.__getitem__) if found else []

    def _in(self, folder: str) -> tuple[_Pattern, ...]:
        """The patterns that are for the files of this folder."""
        if folder not in self._folders:
            path = f"{folder}/" if folder else ""
            self._folders[folder] = tuple(pattern for below, pattern in self._below if below.fullmatch(path))
        return self._folders[folder]


def _compiled(want: str) -> re.Pattern[str]:
    text = re.escape(want)
    return re.compile(text.replace(r"\*\*/", "(?:[^/]+/)*").replace(r"\*", "[^/]*").replace(r"\?", "[^/]"), re.DOTALL)
