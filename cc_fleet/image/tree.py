"""An image as a Tree: its layers one over the other, links resolved inside it, nothing unpacked.

What counts is what a runtime would unpack (OCI image-spec, layer.md): a later layer's file hides an earlier one's, ``.wh.NAME``
takes away, ``.wh..wh..opq`` all that lower layers have in a folder, folders are merged, and what is no folder hides one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from cc_fleet.host.tree import LIMIT, Missing, Stat, Unreadable
from cc_fleet.image.layer import HEAD, IMPLIED, OPAQUE, WHITEOUT, Kept, Layer, NotKept, clean
from cc_fleet.image.tar import BLOCK, DEVICES, FOLDER, HARD, SYMBOLIC, Damaged
from cc_fleet.records import NamedTuple

_LINKS, _PARTS, _CHAIN = 40, 2000, 10
_KIND = BLOCK - 1
_TO_NOTHING = "is a hard link to a file that is not there"
LOST = "passed by in a stream before it was known that it is wanted; save the image to a file"


class Wanting(NamedTuple):
    """How many bytes of a file somebody asked for, and whether for its digest."""

    size: int
    digest: bool


class Found(NamedTuple):
    """Where something stands: the layer that brought it, and the layer and number of the member that it is (a hard link's is another)."""

    brought: int
    layer: int
    value: int

    @property
    def kind(self) -> int:
        return self.value & _KIND


class ImageTree:
    """The files of ``layers``, lowest first.

    ``asked`` is what somebody asked for and a packed layer did not keep: by layer, and by where a member's header lies.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = layers
        self.files = 0
        self.asked: dict[int, dict[int, Wanting]] = {}
        self._visible: dict[bytes, tuple[int, ...]] = {b"": tuple(range(len(layers)))[::-1]}
        self._folders: dict[bytes, bytes] = {b"": b""}

    def read(self, path: str, limit: int = LIMIT) -> bytes:
        data = self._bytes(self._file(path), 0, limit + 1)
        self.files += 1
        return data

    def part(self, path: str, start: int, size: int) -> bytes:
        return self._bytes(self._file(path), start, size)

    def sha256(self, path: str) -> str:
        found = self._file(path)
        try:
            return self.layers[found.layer].digest(found.value)
        except NotKept:
            raise self._wanting(found, 0, digest=True) from None
        except Damaged as err:
            raise Unreadable(str(err)) from None

    def names(self, path: str) -> list[str]:
        folder = self._real(path)
        if folder and (found := self.find(folder)) is None:
            raise Missing
        if folder and found is not None and found.kind != FOLDER:
            raise Unreadable("is not a folder")
        return sorted(os.fsdecode(name) for name in self.listed(folder))

    def stat(self, path: str) -> Stat:
        real = self._real(path)
        found = self.find(real) if real else None
        if real and found is None:
            raise Missing
        if found is not None and found.kind == HARD:
            raise Unreadable(_TO_NOTHING)
        about = self._about(found) if found is not None else Kept(0o755, 0, 0)
        kind = "folder" if found is None or found.kind == FOLDER else "other" if found.kind in DEVICES else "file"
        return Stat(kind, about.size, about.mode, about.uid, f"/{os.fsdecode(real)}")

    def brought(self, path: str) -> int | None:
        """The number, from 0, of the layer that brought what stands at ``path``."""
        try:
            found = self.find(self._real(path))
        except (Missing, Unreadable):
            return None
        return None if found is None else found.brought

    def find(self, path: bytes) -> Found | None:
        """What stands at a path without links above it; a hard link is what it links to."""
        folder, _, name = path.rpartition(b"/")
        implied = None
        for number in self.visible(folder):
            here = self.layers[number].folders.get(folder)
            if here is None:
                continue
            if (value := here.get(name)) is not None and not name.startswith(WHITEOUT):
                found = Found(number, number, value)
                if value != IMPLIED:
                    return implied if implied and found.kind != FOLDER else self._linked(found) if found.kind == HARD else found
                implied = implied or found
            if WHITEOUT + name in here or OPAQUE in here:
                break
        return implied

    def hidden_by(self, path: bytes, number: int) -> int | None:
        """The number, from 1, of the layer that hides what layer ``number`` (from 0) has at ``path``."""
        then = next((at for at in range(number + 1, len(self.layers)) if (found := ImageTree(self.layers[: at + 1]).find(path)) is None or found.brought != number), None)
        return None if then is None else then + 1

    def listed(self, folder: bytes) -> Iterator[bytes]:
        """The names in a folder without links above it."""
        seen, gone = set[bytes](), set[bytes]()
        for number in self.visible(folder):
            here = self.layers[number].folders.get(folder, {})
            marks = {name for name in here if name.startswith(WHITEOUT)}
            for name in here:
                if name not in seen and name not in gone and name not in marks:
                    seen.add(name)
                    yield name
            if OPAQUE in marks:
                return
            gone |= {name[len(WHITEOUT) :] for name in marks}

    def visible(self, folder: bytes) -> tuple[int, ...]:
        """The layers whose entries count in ``folder``, the highest first; none where it is no folder."""
        unknown = []
        while folder not in self._visible:
            unknown.append(folder)
            folder = folder.rpartition(b"/")[0]
        for below in reversed(unknown):
            above, _, name = below.rpartition(b"/")
            self._visible[below] = tuple(self._merged(above, name))
            folder = below
        return self._visible[folder]

    def _merged(self, folder: bytes, name: bytes) -> Iterator[int]:
        """The layers of which the folder ``name`` in ``folder`` is made."""
        for number in self._visible[folder]:
            here = self.layers[number].folders.get(folder)
            if here is None:
                continue
            value = here.get(name)
            if value is not None and value & _KIND != FOLDER:
                return
            if value is not None:
                yield number
            if WHITEOUT + name in here or OPAQUE in here:
                return

    def _linked(self, found: Found) -> Found:
        """What a hard link is, a member of its layer or of one below; itself where that is not there."""
        number, value = found.layer, found.value
        for _ in range(_CHAIN):
            if value & _KIND != HARD:
                return Found(found.brought, number, value)
            target = clean(self.layers[number].links[value & ~_KIND])
            folder, _, name = (target or b"").rpartition(b"/")
            held = ((at, here[name]) for at in range(number, -1, -1) if name in (here := self.layers[at].folders.get(folder, {})) and here[name] != value)
            number, value = next(held, (number, value))
        return found

    def _file(self, path: str) -> Found:
        real = self._real(path)
        found = self.find(real) if real else None
        if real and found is None:
            raise Missing
        if found is None or found.kind == FOLDER:
            raise Unreadable("is a folder")
        if found.kind == HARD:
            raise Unreadable(_TO_NOTHING)
        if found.kind in DEVICES:
            raise Unreadable("is not a regular file")
        return found

    def _about(self, found: Found) -> Kept:
        try:
            return self.layers[found.layer].about(found.value)
        except NotKept:
            raise self._wanting(found, HEAD) from None
        except Damaged as err:
            raise Unreadable(str(err)) from None

    def _bytes(self, found: Found, start: int, size: int) -> bytes:
        try:
            return self.layers[found.layer].read(found.value, start, size)
        except NotKept:
            raise self._wanting(found, start + size) from None
        except Damaged as err:
            raise Unreadable(str(err)) from None

    def _wanting(self, found: Found, size: int, *, digest: bool = False) -> Unreadable:
        """Remember what would have been wanted."""
        asked, offset = self.asked.setdefault(found.layer, {}), found.value & ~_KIND
        known = asked.get(offset, Wanting(0, digest=False))
        asked[offset] = Wanting(max(size, known.size), known.digest or digest)
        return Unreadable(LOST)

    def _real(self, path: str) -> bytes:
        """``path`` with every link resolved inside the image, without the ``/`` it begins with."""
        if not path.startswith("/") or "\0" in path:
            raise Missing
        try:
            folder, _, name = os.fsencode(path.rstrip("/")).rpartition(b"/")
        except UnicodeEncodeError:  # half a surrogate, which no name has
            raise Missing from None
        if name in (b"", b".", b".."):
            return self.resolve(b"", os.fsencode(path))
        if folder not in self._folders:
            self._folders[folder] = self.resolve(b"", folder)
        return self.resolve(self._folders[folder], name)

    def resolve(self, at: bytes, path: bytes) -> bytes:
        """Follow links part by part, as the kernel does; ``at`` is already resolved."""
        todo, links, parts = path.split(b"/")[::-1], 0, 0
        while todo:
            part, parts = todo.pop(), parts + 1
            if parts > _PARTS:
                raise Missing
            if part in (b"", b".", b".."):
                at = at.rpartition(b"/")[0] if part == b".." else at
                continue
            whole = at + b"/" + part if at else part
            found = self.find(whole)
            if found is None or found.kind != SYMBOLIC:
                at = whole
                continue
            links += 1
            if links > _LINKS:
                raise Unreadable("is a loop of links")
            link = self.layers[found.layer].links[found.value & ~_KIND]
            at = b"" if link.startswith(b"/") else at
            todo += link.split(b"/")[::-1]
        return at


def rehomed(layers: Sequence[Layer]) -> None:
    """Put what a layer has in a folder that is no member of it where a runtime unpacks it: behind the link that a lower layer has there."""
    for number, layer in enumerate(layers):
        implied = layer.implied()
        if not implied or not number:
            continue
        below = ImageTree(layers[:number])
        for folder in sorted(implied):
            found = below.find(folder) if folder in layer.folders else None
            if found is not None and found.kind == SYMBOLIC and not _taken_away(layer, folder):
                _moved(layer, folder, below)


def _taken_away(layer: Layer, path: bytes) -> bool:
    """Whether a layer itself takes away what lower ones have at ``path``."""
    while path:
        path, _, name = path.rpartition(b"/")
        here = layer.folders.get(path, {})
        if WHITEOUT + name in here or OPAQUE in here:
            return True
    return False


def _moved(layer: Layer, folder: bytes, below: ImageTree) -> None:
    try:
        real = below.resolve(b"", folder)
    except (Missing, Unreadable):
        return
    above, _, name = folder.rpartition(b"/")
    layer.folders.get(above, {}).pop(name, None)
    for one in [one for one in layer.folders if one == folder or one.startswith(folder + b"/")]:
        entries = layer.folders.pop(one)
        layer.folders.setdefault((real + one[len(folder) :]).lstrip(b"/"), {}).update(entries)  # a link may lead to the root
    layer.implied()
