"""One layer of an image: which files it has, and of those that are wanted what is in them.

The index of a layer is a dictionary of folders, each a dictionary of names.  A member is one number there: where its
header lies in the layer's tar, a multiple of 512, and in the bits below its type.  Of 25,000 files that is 3 MB.
A plain tar is read again where something is asked for; of a packed one, which passes once, the wanted files are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cc_fleet.image.tar import BLOCK, DEVICES, FOLDER, LINKS, Damaged, Member, Rare, members, number, sparse
from cc_fleet.image.unpack import Plain, Window
from cc_fleet.image.wanted import Wanted
from cc_fleet.records import NamedTuple

OPAQUE, WHITEOUT = b".wh..wh..opq", b".wh."
# A folder that no member is, because only what is in it stands in the archive.
IMPLIED = -BLOCK | FOLDER
MOST = 1_000_000  # members of a layer
WHOLE, HEAD = 1024 * 1024, 64 * 1024  # a wanted file up to so many bytes is kept, of a longer one the beginning
_BUDGET = 16 * 1024 * 1024  # bytes of a layer's files that are kept
_STORED = 16 * 1024 * 1024  # of a sparse file
_PATH = 4096  # bytes, as of the kernel
_NAMES = 32 * 1024 * 1024  # bytes of names that are longer than usual
_DEEP = "holds folders that are nested deeper than anybody means, and not all were read"
_OFFSET, _KIND = ~(BLOCK - 1), BLOCK - 1
_DOTS = frozenset((b"", b".", b".."))


class Kept(NamedTuple):
    """What is known of a member of a packed layer: permission bits, owner, size; its first bytes, and its digest if it was asked for."""

    mode: int
    uid: int
    size: int
    data: bytes = b""
    sha256: str | None = None


class Room:
    """What the layers of one image may take together: so many members, so many bytes of files that are kept."""

    def __init__(self) -> None:
        self.files, self.bytes = 2 * MOST, 8 * _BUDGET


class NotKept(Exception):
    """The layer has the file, and its bytes passed by."""


class Layer:
    """``folders`` is the index, ``links`` what a link names, by where its header lies; ``gaps`` what could not be read."""

    def __init__(self) -> None:
        self.folders: dict[bytes, dict[bytes, int]] = {b"": {}}
        self.links: dict[int, bytes] = {}
        self.kept: dict[int, Kept] = {}
        self.rare: dict[int, Rare] = {}
        self.source: Plain | None = None
        self.gaps: list[str] = []

    def about(self, value: int) -> Kept:
        """Permission bits, owner and size of a member."""
        offset = value & _OFFSET
        if value == IMPLIED:
            return Kept(0o755, 0, 0)
        if self.source is None:
            return self._kept(offset)
        return _kept(value & _KIND, self.source.at(BLOCK, offset), self._rarely(offset))

    def read(self, value: int, start: int, size: int) -> bytes:
        """Bytes of a regular file; NotKept where a packed layer does not have them any more."""
        offset = value & _OFFSET
        if self.source is None:
            kept = self._kept(offset)
            if start + size > len(kept.data) < kept.size:
                raise NotKept
            return kept.data[start : start + size]
        if (rare := self.rare.get(offset)) is not None:
            if rare.sparse is not None:
                return sparse(rare.sparse, self.source.at(min(rare.size, _STORED), rare.data), start, size)[1]
            return self.source.at(max(0, min(size, rare.size - start)), rare.data + start)
        return self.source.at(max(0, min(size, self.about(value).size - start)), offset + BLOCK + start)

    def digest(self, value: int) -> str:
        """The sha256 of a regular file."""
        import hashlib

        if self.source is None:
            kept = self._kept(value & _OFFSET)
            if kept.sha256 is None and len(kept.data) < kept.size:
                raise NotKept
            return kept.sha256 or hashlib.sha256(kept.data).hexdigest()
        digest, at, size = hashlib.sha256(), 0, self.about(value).size
        while at < size and (piece := self.read(value, at, min(HEAD * 4, size - at))):
            digest.update(piece)
            at += len(piece)
        return digest.hexdigest()

    def _kept(self, offset: int) -> Kept:
        if offset not in self.kept:
            raise NotKept
        return self.kept[offset]

    def _rarely(self, offset: int) -> Rare | None:
        rare = self.rare.get(offset)
        if rare is None or rare.sparse is None or self.source is None:
            return rare
        return rare._replace(size=sparse(rare.sparse, self.source.at(min(rare.size, _STORED), rare.data), 0, 0)[0])

    def implied(self) -> list[bytes]:
        """Enter the folders that stand in the archive only by what is in them, and return them; so many that nobody means them are a gap."""
        found, left = [], _NAMES
        for folder in list(self.folders):
            while folder and left > 0:
                above, _, name = folder.rpartition(b"/")
                here = self.folders.setdefault(above, {})
                if name in here:
                    break
                here[name] = IMPLIED
                found.append(folder)
                left -= len(folder)
                folder = above  # noqa: PLW2901 -- upwards
        if left <= 0 and _DEEP not in self.gaps:
            self.gaps.append(_DEEP)
        return found


class Asked(NamedTuple):
    """What is wanted of a packed layer besides what sources want.

    ``sizes`` are bytes of members, by where their headers lie; ``digests`` the members to be digested (None: every wanted one that is long);
    ``whole`` up to which length a wanted file is kept, ``budget`` how much of all of them.
    """

    sizes: Mapping[int, int] = {}
    digests: frozenset[int] | None = frozenset()
    whole: int = WHOLE
    budget: int = _BUDGET


def plain(source: Plain, room: Room) -> Layer:
    """The layer that a plain tar is."""
    layer = Layer()
    layer.source = source
    _indexed(layer, source, None, room, marked=False)
    return layer


def broken(reason: str) -> Layer:
    """A layer of which nothing can be read."""
    layer = Layer()
    layer.gaps.append(reason)
    return layer


def packed(window: Window, wanted: Wanted, asked: Asked, room: Room, *, marked: bool = False) -> Layer:
    """The layer that passes by: read to its end, so that its checksums were checked."""
    layer = Layer()
    keep = _Keeper(layer, window, wanted, asked._replace(budget=max(0, min(asked.budget, room.bytes))))
    _indexed(layer, window, keep, room, marked=marked)
    room.bytes -= sum(len(kept.data) for kept in layer.kept.values())
    if not layer.gaps:
        try:
            window.drain()
        except Damaged as err:
            layer.gaps.append(str(err))
    return layer


def _indexed(layer: Layer, source: Any, keep: Callable[[Member, bytes, bytes], None] | None, room: Room, *, marked: bool) -> None:
    """Enter every member of a tar into the index of ``layer``."""
    folders, links, last, here, prefix = layer.folders, layer.links, b"", layer.folders[b""], b"/"
    count, length, size, most = 0, 0, len(prefix), min(MOST, room.files)
    try:
        for member in members(source, marked=marked):
            offset, kind, name, link, _, _, rare = member
            count += 1
            if count > most:
                raise Damaged(f"holds more files than are read of {'a layer' if most == MOST else 'an image'}, and what follows was not")
            if name.startswith(prefix) and b"/" not in (base := name[size:]) and base not in _DOTS:
                folder = last  # as most do, it stands in the folder of the one before
            else:
                cleaned = clean(name)
                if not cleaned:  # the root itself, or what is not below it
                    _refused(layer, name if cleaned is None else b"")
                    continue
                if len(cleaned) > BLOCK:
                    length += len(cleaned)
                    if length > _NAMES:
                        raise Damaged("holds more long names than are read, and what follows was not")
                    if len(cleaned) > _PATH:
                        raise Damaged("holds a path of more than 4096 bytes, and what follows was not read")
                kind = FOLDER if name[-1:] == b"/" and kind not in LINKS else kind
                folder, _, base = cleaned.rpartition(b"/")
                last, here, prefix = folder, folders.setdefault(folder, {}), name.rstrip(b"/").rpartition(b"/")[0] + b"/"
                size = len(prefix)
            here[base] = offset | kind
            if kind in LINKS:
                links[offset] = link
            elif keep is not None:
                keep(member, folder, base)
            elif rare is not None:
                layer.rare[offset] = rare
    except Damaged as err:
        layer.gaps.append(str(err))
    room.files -= count


def clean(name: bytes) -> bytes | None:
    """A member's name as a path below the root, or None where it leads out of it."""
    cleaned = (name[2:] if name[:2] == b"./" else name).strip(b"/")
    if b"//" not in cleaned and b"/." not in cleaned and cleaned[:1] != b".":
        return cleaned
    parts = [part for part in name.split(b"/") if part not in (b"", b".")]
    return None if b".." in parts else b"/".join(parts)


def _refused(layer: Layer, name: bytes) -> None:
    if not name:
        return
    shown = name[:80].decode("utf-8", "backslashreplace")
    told = f"holds a member named {shown}, which leads out of the image and was not read"
    if len(layer.gaps) < 20:
        layer.gaps.append("".join(c if c.isprintable() else ascii(c)[1:-1] for c in told))


class _Keeper:
    """Keeps what is wanted of a packed layer."""

    def __init__(self, layer: Layer, window: Window, wanted: Wanted, asked: Asked) -> None:
        self._kept, self._window, self._wanted, self._asked = layer.kept, window, wanted, asked
        self._folder, self._below, self._left = b"", wanted.in_folder(b""), asked.budget

    def __call__(self, member: Member, folder: bytes, name: bytes) -> None:
        if folder is not self._folder:
            self._folder, self._below = folder, self._wanted.in_folder(folder)
        offset, kind = member[:2]
        asked = self._asked.sizes.get(offset)
        if kind == FOLDER or kind in DEVICES:
            self._kept[offset] = _kept(kind, member[5], None)
        elif asked is not None:
            self._keep(member, asked)
        elif self._wanted(folder, name, self._below):
            size = min(member[4] if member[4] <= self._asked.whole else HEAD, self._left)
            self._left -= size
            self._keep(member, size)

    def _keep(self, member: Member, size: int) -> None:
        offset, kind, _, _, stored, header, rare = member
        kept, at = _kept(kind, header, rare), rare.data if rare is not None else offset + BLOCK
        if rare is not None and rare.sparse is not None:
            length, data = sparse(rare.sparse, self._window.at(min(stored, _STORED), at), 0, size)
            self._kept[offset] = kept._replace(size=length, data=data)
            return
        digests = self._asked.digests
        if size < stored and (stored > WHOLE if digests is None else offset in digests):
            self._kept[offset] = self._digested(kept, at, size)
        else:
            self._kept[offset] = kept._replace(data=self._window.at(min(size, stored), at) if size else b"")

    def _digested(self, kept: Kept, at: int, size: int) -> Kept:
        import hashlib

        digest, begin = hashlib.sha256(), b""
        for piece in self._window.pieces(kept.size, at):
            begin += bytes(piece[: size - len(begin)])
            digest.update(piece)
        return kept._replace(data=begin, sha256=digest.hexdigest())


def _kept(kind: int, header: bytes, rare: Rare | None) -> Kept:
    """What a header says of its member."""
    size = 0 if kind == FOLDER else rare.size if rare is not None else number(header[124:136])
    return Kept(_bits(header[100:108]) & 0o7777, _bits(header[108:116]), size)


def _bits(field: bytes) -> int:
    try:
        return number(field)
    except Damaged:
        return 0
