"""The files of a repository as planning sees them: each is read once, and is what the edits expect."""

from __future__ import annotations

import os

from cc_fleet.host.tree import Disk, Missing, Unreadable
from cc_fleet.plan.places import Text
from cc_fleet.repo.reading import listing


class Files:
    """The files below ``root``, links to none of them."""

    def __init__(self, root: str) -> None:
        self.root, self._tree = root, Disk(root)
        self._read: dict[str, Text | str] = {}
        self._present: frozenset[str] | None = None

    def text(self, file: str) -> Text | str:
        """The text of ``file``, or why it cannot be changed."""
        if file not in self._read:
            self._read[file] = self._text(file)
        return self._read[file]

    def has(self, file: str) -> bool:
        """Whether the repository has this file."""
        if self._present is None:
            self._present = frozenset(listing.files(self.root))
        return file in self._present

    def _text(self, file: str) -> Text | str:
        at = file
        while at:
            if os.path.islink(os.path.join(self.root, at)):
                return "it is reached by a link, and what that leads to is changed where it stands"
            at = at.rpartition("/")[0]
        try:
            data = self._tree.read(f"/{file}")
        except (Missing, Unreadable):
            return "it cannot be read any more"
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            return "it is UTF-16, of which there is no patch"
        return Text(data)
