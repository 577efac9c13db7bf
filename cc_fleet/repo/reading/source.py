"""A text that stands in a file, as a whole or as a part of it, and where each of its lines stands."""

from __future__ import annotations

from bisect import bisect_right

from cc_fleet.model import Place
from cc_fleet.records import NamedTuple


class Source(NamedTuple):
    """``lines`` and ``columns`` (1-based) say for each line of ``text`` where it begins in ``file``.

    A script in a YAML block is indented, one in a Dockerfile has lost its comments, one in a JSON
    string is all on one line: a place in it is a place in the file all the same.
    """

    file: str
    text: str
    lines: tuple[int, ...]
    columns: tuple[int, ...]
    starts: tuple[int, ...]

    @classmethod
    def of(cls, file: str, text: str, lines: tuple[int, ...], columns: tuple[int, ...]) -> Source:
        """``text`` with the places of its lines, which are as many as it has."""
        starts, at = [0], text.find("\n")
        while at >= 0:
            starts.append(at + 1)
            at = text.find("\n", at + 1)
        return cls(file, text, lines, columns, tuple(starts))

    @classmethod
    def whole(cls, file: str, text: str) -> Source:
        """A whole file."""
        count = text.count("\n") + 1
        return cls.of(file, text, tuple(range(1, count + 1)), (1,) * count)

    def place(self, at: int, text: str | None = None) -> Place:
        """Where the character ``at`` stands in the file; ``text`` is what is shown there."""
        row = bisect_right(self.starts, at) - 1
        return Place(self.file, self.lines[row], self.columns[row] + at - self.starts[row], text)

    def part(self, start: int, end: int) -> Source:
        """``text[start:end]``."""
        first, last = bisect_right(self.starts, start) - 1, bisect_right(self.starts, end) - 1
        columns = (self.columns[first] + start - self.starts[first], *self.columns[first + 1 : last + 1])
        return Source.of(self.file, self.text[start:end], self.lines[first : last + 1], columns)

    def masked(self, text: str) -> Source:
        """The same lines with another text, each of its lines as long as it was or shorter."""
        return Source.of(self.file, text, self.lines, self.columns)
