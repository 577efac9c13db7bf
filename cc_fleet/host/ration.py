"""A tree that lets every home ask for so much and no more.

Whose files are read chooses how many there are, and a link makes a thousand of one: without an end a user could
keep root's audit busy for hours, and nobody else's home would be read. What is refused is Unreadable, so every
source goes on; each home that had its share is one Gap.
"""

from __future__ import annotations

from typing import Iterable, Iterator

from ..model import Gap, Place
from .tree import LIMIT, Stat, Tree, Unreadable

SPENT = "holds more than is read of one home, so what else is there was not judged"
# Of a home, and of all that is in none: questions (ten names of a folder are one), bytes read, bytes digested.
HOME = (100_000, 64 * 1024 * 1024, 4 * 1024**3)
SYSTEM = (1_000_000, 1024**3, 32 * 1024**3)
_QUESTIONS, _BYTES, _DIGESTED = range(3)


class Rationed:
    """``tree``, each of ``homes`` and all that is in none having its share."""

    def __init__(self, tree: Tree, homes: Iterable[str]) -> None:
        self._tree = tree
        self._left = {"": [*SYSTEM], **{home: [*HOME] for home in homes}}
        self._deepest = max((home.count("/") for home in self._left), default=0)

    def read(self, path: str, limit: int = LIMIT) -> bytes:
        left = self._asked(path, _BYTES)
        data = self._tree.read(path, limit)
        left[_BYTES] -= len(data)
        return data

    def names(self, path: str) -> list[str]:
        left = self._asked(path, _QUESTIONS)
        found = self._tree.names(path)
        left[_QUESTIONS] -= len(found) // 10
        return found

    def stat(self, path: str) -> Stat:
        self._asked(path, _QUESTIONS)
        return self._tree.stat(path)

    def part(self, path: str, start: int, size: int) -> bytes:
        left = self._asked(path, _BYTES)
        data = self._tree.part(path, start, size)
        left[_BYTES] -= len(data)
        return data

    def sha256(self, path: str) -> str:
        left = self._asked(path, _DIGESTED)
        left[_DIGESTED] -= self._tree.stat(path).size
        return self._tree.sha256(path)

    @property
    def files(self) -> int:
        return self._tree.files

    def spent(self) -> Iterator[Gap]:
        """The homes of which not all was read."""
        yield from (Gap(SPENT, Place(home or "/")) for home, left in self._left.items() if min(left) < 0)

    def _asked(self, path: str, what: int) -> list[int]:
        """What is left of the share that ``path`` belongs to; Unreadable where that is nothing."""
        parts = path.split("/", self._deepest + 1)
        left = self._left[""]
        for end in range(min(len(parts), self._deepest + 1), 1, -1):
            found = self._left.get("/".join(parts[:end]))
            if found is not None:
                left = found
                break
        left[_QUESTIONS] -= 1
        if left[_QUESTIONS] < 0 or left[what] < 0:
            raise Unreadable(SPENT)
        return left
