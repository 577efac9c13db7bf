"""Reading a text file: the text, nothing, or the Gap that it leaves."""

from __future__ import annotations

from typing import Union

from ..model import Gap, Place
from ..records import NamedTuple
from .tree import LIMIT, Missing, Tree, Unreadable


class Text(NamedTuple):
    """A file's bytes as text, patched where they are not UTF-8, and how many they were."""

    text: str
    size: int


def read_text(tree: Tree, path: str, limit: int = LIMIT) -> Union[Text, Gap, None]:
    """``path`` as text; None where there is no such file; a Gap where it cannot be read or is over ``limit``."""
    try:
        data = tree.read(path, limit)
    except Missing:
        return None
    except Unreadable as err:
        return Gap(str(err), Place(path))
    if len(data) > limit:
        return Gap(f"is larger than {limit // 1024} KiB", Place(path))
    if data.startswith(b"\xff\xfe"):  # the client takes UTF-16 with this mark (measured)
        return Text(data.decode("utf-16", "replace"), len(data))
    try:
        return Text(data.decode("utf-8"), len(data))
    except UnicodeDecodeError:
        return Text(data.decode("utf-8", "replace"), len(data))


def read_folder(tree: Tree, path: str) -> Union["list[str]", Gap]:
    """The names in ``path``, none where it is missing; a Gap where it cannot be listed."""
    try:
        return tree.names(path)
    except Missing:
        return []
    except Unreadable as err:
        return Gap(str(err), Place(path))
