"""Where an image's documents and layers come from: a folder, a tar that can be read anywhere, or one that passes by once."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Mapping
from typing import Any

from cc_fleet.host.digest import sha256
from cc_fleet.image import layer, unpack, wanted
from cc_fleet.image.layer import Asked, Layer
from cc_fleet.image.tar import BLOCK, FOLDER, HARD, SYMBOLIC, Damaged, members
from cc_fleet.records import NamedTuple

DOCUMENT = 8 * 1024 * 1024  # bytes of a manifest, an index or a config
_DOCUMENTS, _MEMBERS = 32 * 1024 * 1024, 20_000
_KEY = 64 * 1024
_STREAMED = 16 * 1024 * 1024  # of a file in a stream that cannot be read again


class NotAnImage(Exception):
    """What was given is no image at all; the message says what it is, without its name."""


class Span(NamedTuple):
    """Bytes of an open file."""

    descriptor: int
    start: int
    size: int

    def read(self, size: int) -> bytes:
        return os.pread(self.descriptor, min(size, self.size), self.start)

    def key(self) -> bytes:
        """What only those know who have these bytes, made of their beginning and their end."""
        size = min(self.size, _KEY)
        end = os.pread(self.descriptor, size, self.start + self.size - size)
        return bytes.fromhex(sha256(self.read(_KEY) + end + str(self.size).encode()))

    def identity(self) -> list[int]:
        """What is another number where these bytes may be others."""
        found = os.fstat(self.descriptor)
        return [found.st_dev, found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size, self.start, self.size]


class Folder:
    """An OCI layout that lies in a folder.  What is no plain file in it is not opened, nor what a link has elsewhere."""

    def __init__(self, path: str) -> None:
        self._root = os.path.realpath(path)
        self._open: dict[str, Span] = {}

    def span(self, name: str) -> Span | None:
        """The bytes of a file, None where it is not there; Damaged where it is none."""
        if name not in self._open:
            path = os.path.realpath(os.path.join(self._root, name))
            if not path.startswith(f"{self._root}/"):
                raise Damaged("is a link that leads out of the image")
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
            except FileNotFoundError:
                return None
            except OSError as err:
                raise Damaged((err.strerror or "cannot be read").lower()) from None
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                os.close(descriptor)
                raise Damaged("is no regular file")
            self._open[name] = Span(descriptor, 0, found.st_size)
        return self._open[name]

    def document(self, name: str) -> bytes | None:
        return _document(self.span(name))

    def close(self) -> None:
        for span in self._open.values():
            os.close(span.descriptor)


class Tar:
    """An image in a plain tar: what of it is wanted is looked up."""

    def __init__(self, descriptor: int, size: int) -> None:
        self._index = layer.plain(unpack.Plain(descriptor, 0, size), layer.Room())
        self._descriptor = descriptor
        self.damage = self._index.gaps[0] if self._index.gaps else None

    def span(self, name: str) -> Span | None:
        for _ in range(10):
            folder, _, base = os.fsencode(name).rpartition(b"/")
            value = self._index.folders.get(folder, {}).get(base)
            if value is None:
                return None
            offset, kind = value & ~(BLOCK - 1), value & (BLOCK - 1)
            if kind not in (HARD, SYMBOLIC):
                break
            name = _linked(name, os.fsdecode(self._index.links[offset]), hard=kind == HARD)
        else:
            raise Damaged("is a loop of links")
        if kind == FOLDER:
            raise Damaged("is no regular file")
        rare = self._index.rare.get(offset)
        start, size = (rare.data, rare.size) if rare is not None else (offset + BLOCK, self._index.about(value).size)
        return Span(self._descriptor, start, size)

    def document(self, name: str) -> bytes | None:
        return _document(self.span(name))

    def close(self) -> None:
        os.close(self._descriptor)


class Stream:
    """An image in a tar that passes by, once: documents are kept, and everything else is read as a layer, since which are wanted is told last.

    With a ``span`` it can be read once more, with what is ``asked`` of a layer by its name.
    """

    def __init__(self, window: unpack.Window, *, verify: bool, asked: Mapping[str, Asked] | None = None, span: Span | None = None) -> None:
        self._documents: dict[str, bytes] = {}
        self._links: dict[str, str] = {}
        self._layers: dict[str, Passed] = {}
        self._window, self._verify, self._asked, self._room = window, verify, asked or {}, layer.Room()
        self.span, self._usual = span, Asked() if span is not None else Asked(digests=None, whole=_STREAMED, budget=2 * _STREAMED)
        self.damage = self._pass()

    def document(self, name: str) -> bytes | None:
        data = self._documents.get(self._target(name))
        if data is not None and len(data) > DOCUMENT:
            raise Damaged(f"is larger than {DOCUMENT // 1024**2} MiB")
        return data

    def passed(self, name: str) -> "Passed | None":
        """The layer of this name."""
        return self._layers.get(self._target(name))

    def close(self) -> None:
        """Close the file, where it was one."""
        if self.span is not None:
            os.close(self.span.descriptor)

    def _target(self, name: str) -> str:
        for _ in range(10):
            if name not in self._links:
                break
            name = self._links[name]
        return name

    def _pass(self) -> str | None:
        """Read it all; the reason where that does not go to the end."""
        left = _DOCUMENTS
        try:
            for number, (offset, kind, raw, link, size, _, rare) in enumerate(members(self._window)):
                if number > _MEMBERS:
                    raise Damaged(f"holds more than {_MEMBERS} files")
                name = os.fsdecode(layer.clean(raw) or b"")
                if kind in (HARD, SYMBOLIC):
                    self._links[name] = _linked(name, os.fsdecode(link), hard=kind == HARD)
                elif size and kind != FOLDER:
                    start = rare.data if rare is not None else offset + BLOCK
                    begin = self._window.at(min(size, BLOCK), start)
                    if unpack.packing(begin) or is_tar(begin):
                        self._layers[name] = self._layer(name, Within(self._window, start, size, begin, verify=self._verify))
                    else:
                        rest = self._window.at(max(0, min(size, left, DOCUMENT + 1) - len(begin)), start + len(begin))
                        self._documents[name] = begin + rest
                        left -= len(rest)
            self._window.drain()
        except Damaged as err:
            return str(err)
        return None

    def _layer(self, name: str, within: "Within") -> "Passed":
        import hashlib

        packed, whole = unpack.packing(within.begin), hashlib.sha256() if self._verify else None
        try:
            window = unpack.window(packed, within, lambda: within.read_so_far, whole.update if whole is not None else None)
        except Damaged as err:
            return Passed(layer.broken(str(err)), None, None)
        found = layer.packed(window, wanted.sources(), self._asked.get(name, self._usual), self._room, marked=packed == "zst")
        return Passed(found, within.digest.hexdigest() if within.digest else None, whole.hexdigest() if whole else None)


class Passed(NamedTuple):
    """A layer that passed by, and, where they were asked for, the sha256 of its bytes as they lay there and unpacked."""

    layer: Layer
    stored: str | None
    unpacked: str | None


class Within(io.RawIOBase):
    """A member's bytes as they pass by in a window, of which the beginning was looked at."""

    def __init__(self, window: unpack.Window, start: int, size: int, begin: bytes, *, verify: bool = False) -> None:
        import hashlib

        super().__init__()
        self._window, self._at, self._end, self._left = window, start + len(begin), start + size, begin
        self.begin, self.read_so_far, self.digest = begin, 0, hashlib.sha256() if verify else None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        if self._left:
            data, self._left = self._left[: len(view)], self._left[len(view) :]
        else:
            data = self._window.at(min(len(view), self._end - self._at, 65536), self._at)
            self._at += len(data)
        view[: len(data)] = data
        self.read_so_far += len(data)
        if self.digest is not None:
            self.digest.update(data)
        return len(data)


def _linked(name: str, link: str, *, hard: bool) -> str:
    return os.path.normpath(link if hard else os.path.join(os.path.dirname(name), link)).lstrip("/")


def _document(span: Span | None) -> bytes | None:
    if span is None:
        return None
    if span.size > DOCUMENT:
        raise Damaged(f"is larger than {DOCUMENT // 1024**2} MiB")
    return span.read(span.size)


def is_tar(begin: bytes) -> bool:
    """Whether bytes may begin a tar: its magic, or a header that adds up, or the end mark of an empty one."""
    return begin[257:262] == b"ustar" or (len(begin) == BLOCK and not any(begin)) or _adds_up(begin)


def _adds_up(begin: bytes) -> bool:
    try:
        next(members(unpack.Window(io.BytesIO(begin).readinto)), None)
    except Damaged:
        return False
    return len(begin) == BLOCK
