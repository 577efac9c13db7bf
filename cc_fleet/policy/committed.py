"""A repository's own policy, ``.cc-fleet.yaml`` at its root: from its files, or from one of its revisions.

It is what the repository's people say of themselves, and hostile where somebody else's policy is given:
it reads nothing outside of the repository, and brings no advisories.  Paths are told from the repository's root.
"""

# Annotations are not postponed here: as texts each would be compiled at start.
import os
import posixpath
from collections.abc import Callable, Sequence

from cc_fleet.host.tree import Disk, Missing, Unreadable
from cc_fleet.policy.load import Loaded, Outside, PolicyError, load, read_bytes
from cc_fleet.records import NamedTuple

NAME = ".cc-fleet.yaml"
# A file's bytes by its path from the root; None where there is none.
Show = Callable[[str], bytes | None]


def on_disk(root: str) -> Show:
    """The files of the repository at ``root`` as they stand there."""
    tree = Disk(root)

    def show(path: str) -> bytes | None:
        try:
            return tree.read(f"/{path}", _MOST)
        except Missing:
            if os.path.lexists(os.path.join(root, path)):
                raise Outside(f"{path} is a link that leads out of the repository, or to nothing") from None
            return None
        except Unreadable as err:
            raise Outside(f"{path} {err}") from None

    return show


_MOST = 2 * 1024 * 1024


def own(show: Show, folder: str) -> Loaded | None:
    """The policy of ``folder`` of a repository (its root is ``""``): that in it, else in the next folder above that has one."""
    while True:
        file = f"{folder}/{NAME}".lstrip("/")
        try:
            if show(file) is not None:
                return _loaded(file, show)
        except Outside as err:
            raise PolicyError(str(err) if str(err).startswith(f"{file} ") else f"{file}: {err}") from None
        if not folder:
            return None
        folder = folder.rpartition("/")[0]


def _loaded(file: str, show: Show) -> Loaded:
    loaded = load([file], lambda path, most: _inside(show, path, most))
    if loaded.folders:
        raise PolicyError(f"{file}:1:1: advisories: a repository's policy cannot bring advisories; put them beside the policy that is given")
    return loaded


def _inside(show: Show, path: str, most: int) -> bytes:
    """A file of the repository, of which what git keeps is no part."""
    normal = posixpath.normpath(path.replace("\\", "/"))
    if normal.startswith(("../", "/")) or normal == "..":
        raise Outside(f"{path} is outside of the repository")
    if ".git" in normal.lower().split("/"):
        raise Outside(f"{path} is git's own")
    data = show(normal)
    if data is None:
        raise Outside(f"{normal}: no such file in the repository")
    if len(data) > most:
        raise Outside(f"{normal} is larger than {most // 1024} KiB")
    return data


class Revision(NamedTuple):
    """A repository as a revision has it; ``has`` tells whether what is checked out has a file by itself."""

    root: str
    show: Show
    has: Callable[[str], bool]


def given(names: list[str], repositories: Sequence[Revision]) -> Loaded:
    """The policies of ``names``; of a file of one of the ``repositories`` that is what the revision has, whatever stands on the disk.

    What lies in a repository's folder and is not its own (another checkout) is read from the disk.
    """

    def read(path: str, most: int) -> bytes:
        for one in repositories:
            inside = below(one.root, path)
            if inside is not None and (one.has(inside) or one.show(inside) is not None):
                return _inside(one.show, inside, most)
        return read_bytes(path, most)

    try:
        loaded = load(names, read)
    except Outside as err:
        raise PolicyError(str(err)) from None
    for folder in loaded.folders:
        if any((inside := below(one.root, folder)) is not None and one.has(inside) for one in repositories):
            raise PolicyError(f"{folder}: advisories are not read from a revision; put them outside of the repository, or leave --policy-ref out")
    return loaded


def below(root: str, path: str) -> str | None:
    """``path`` as seen from ``root``, a real path, where it is named as lying below; links inside of ``root`` are not followed."""
    whole, at = os.path.abspath(path), 0
    while at >= 0:
        at = whole.find(os.sep, at + 1)
        above = os.path.realpath(whole if at < 0 else whole[:at])
        if above == root or above.startswith(f"{root.rstrip(os.sep)}{os.sep}"):
            return os.path.normpath(os.path.relpath(above, root) + (whole[at:] if at >= 0 else "")).replace(os.sep, "/")
    return None
