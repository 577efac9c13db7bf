"""What an image holds, read as naively as can be: every layer unpacked by tarfile into one dictionary, as the OCI image specification says.

A layer takes away before it adds: whiteouts concern the layers below alone, wherever they stand in the archive.  Folders above a name are
looked up as the system below would see them, links followed inside the root; the name itself never is a link that is followed.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterable
from typing import NamedTuple

from cc_fleet.host.tree import LIMIT, Missing, Stat, Unreadable

Path = tuple[str, ...]
_LINKS = 40
WHITEOUT, OPAQUE = ".wh.", ".wh..wh..opq"


class Node(NamedTuple):
    """What stands at a path.  ``kind``: file, folder, link, other."""

    kind: str
    mode: int
    uid: int
    content: bytes = b""
    link: str = ""
    layer: int = 0


ROOT = Node("folder", 0o755, 0)


def parts(name: str) -> Path | None:
    """The parts of a member's name; None where it leads out."""
    found = tuple(part for part in name.split("/") if part not in ("", "."))
    return None if ".." in found else found


class Files:
    """The files of an image; also the Tree protocol of cc_fleet/host/tree.py."""

    def __init__(self, layers: Iterable[bytes] = ()) -> None:
        self.nodes: dict[Path, Node] = {(): ROOT}
        self.refused: list[str] = []
        self.odd: list[str] = []  # below what is no folder: runtimes do not agree
        self.files = 0
        for number, data in enumerate(layers, 1):
            self.apply(data, number)

    # Writing

    def apply(self, data: bytes, number: int) -> None:
        self._passed: set[Path] = set()
        with tarfile.open(fileobj=io.BytesIO(data)) as opened:
            members = opened.getmembers()
            for one in members:
                path = parts(one.name)
                if path and path[-1].startswith(WHITEOUT):
                    self._take_away(path)
            for one in members:
                path = parts(one.name)
                if path is None:
                    self.refused.append(one.name)
                elif not path:
                    if one.isdir():
                        self.nodes[()] = Node("folder", one.mode & 0o7777, one.uid, layer=number)
                elif not path[-1].startswith(WHITEOUT):
                    self._put(path, one, opened, number)
                else:
                    self._made(path, one, number)

    def _take_away(self, path: Path) -> None:
        try:
            folder = self.resolved(path[:-1])
        except (Missing, Unreadable):
            return
        if path[-1] == OPAQUE:
            self._empty(folder)
        else:
            self._remove((*folder, path[-1].removeprefix(WHITEOUT)))

    def _empty(self, folder: Path) -> None:
        for path in [path for path in self.nodes if len(path) > len(folder) and path[: len(folder)] == folder]:
            del self.nodes[path]

    def _remove(self, path: Path) -> None:
        self._empty(path)
        self.nodes.pop(path, None)

    def _made(self, path: Path, one: tarfile.TarInfo, number: int) -> Path:
        """The folder that ``path`` stands in, made where it is not there; runtimes make it for what takes away, too."""
        folder: Path = ()
        led = 0
        for at, name in enumerate(path[:-1]):  # folders that no member names
            if self.nodes.get((*folder, name), ROOT).kind == "link":
                led += 2 if self.nodes[(*folder, name)].layer == number else 1
                self._passed.add((*folder, name))
            if led > 1:
                self.odd.append(one.name)  # one link of a lower layer above a name is usual, more are not
            folder = (*folder, name)
            try:
                folder = self.resolved(path[: at + 1])
            except (Missing, Unreadable):
                if folder in self.nodes:
                    self.odd.append(one.name)
                self._remove(folder)
                self.nodes[folder] = Node("folder", 0o755, 0, layer=number)
            if self.nodes[folder].kind != "folder":
                self.odd.append(one.name)
                self._remove(folder)
                self.nodes[folder] = Node("folder", 0o755, 0, layer=number)
        return folder

    def _put(self, path: Path, one: tarfile.TarInfo, opened: tarfile.TarFile, number: int) -> None:
        path = (*self._made(path, one, number), path[-1])
        if one.islnk():
            target = parts(one.linkname)
            try:
                node = self.nodes[(*self.resolved(target[:-1]), target[-1])] if target else None
            except (Missing, Unreadable, KeyError):
                node = None
            if node is None or node.kind == "folder":
                self.refused.append(one.name)
                return
            self._remove(path)
            self.nodes[path] = node._replace(layer=number)
            if path in self._passed:
                self.odd.append(one.name)
            return
        if path in self._passed:
            self.odd.append(one.name)  # a link that the archive goes through, and replaces later
        if not (one.isdir() and path in self.nodes and self.nodes[path].kind == "folder"):
            if any(node.layer == number and below != path and below[: len(path)] == path for below, node in self.nodes.items()):
                self.odd.append(one.name)  # an archive that hides what it brought itself
            self._remove(path)
        kind = "folder" if one.isdir() else "link" if one.issym() else "file" if one.isreg() else "other"
        source = opened.extractfile(one) if kind == "file" else None
        self.nodes[path] = Node(kind, one.mode & 0o7777, one.uid, source.read() if source else b"", one.linkname if kind == "link" else "", number)

    # Reading

    def resolved(self, path: Path, budget: int = _LINKS) -> Path:
        """The path behind all links, of what is there; ``..`` is where the path came from, as for a Disk below a root."""
        at: Path = ()
        todo = list(reversed(path))
        while todo:
            part = todo.pop()
            if part in ("", ".", ".."):
                at = at[:-1] if part == ".." else at
                continue
            at = (*at, part)
            node = self.nodes.get(at)
            if node is not None and node.kind == "link":
                budget -= 1
                if budget < 0:
                    raise Unreadable("is a loop of links")
                at = () if node.link.startswith("/") else at[:-1]
                todo += reversed(node.link.split("/"))
        if at not in self.nodes:
            raise Missing
        return at

    def _found(self, path: str) -> tuple[Path, Node]:
        if not path.startswith("/") or "\0" in path:
            raise Missing
        real = self.resolved(tuple(path.split("/")))
        return real, self.nodes[real]

    def read(self, path: str, limit: int = LIMIT) -> bytes:
        self.files += 1
        return self._content(path)[: limit + 1]

    def part(self, path: str, start: int, size: int) -> bytes:
        return self._content(path)[start : start + size]

    def sha256(self, path: str) -> str:
        return hashlib.sha256(self._content(path)).hexdigest()

    def _content(self, path: str) -> bytes:
        _, node = self._found(path)
        if node.kind != "file":
            raise Unreadable("is a folder" if node.kind == "folder" else "is not a regular file")
        return node.content

    def names(self, path: str) -> list[str]:
        real, node = self._found(path)
        if node.kind != "folder":
            raise Unreadable("is not a folder")
        return sorted(below[-1] for below in self.nodes if len(below) == len(real) + 1 and below[:-1] == real)

    def stat(self, path: str) -> Stat:
        real, node = self._found(path)
        return Stat("other" if node.kind == "link" else node.kind, len(node.content), node.mode, node.uid, "/" + "/".join(real))

    def paths(self) -> list[str]:
        """Every path that is there."""
        return ["/" + "/".join(path) for path in self.nodes]
