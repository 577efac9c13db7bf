"""The bytes of a layer, whatever it is packed with: plain, gzip or Zstandard, in pieces, never the whole.

gzip by isal where it is installed (the extra ``image``), else by the standard library, which is three times as slow;
Zstandard by zstandard, of the same extra.  Checksums are checked as the last piece is read.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from cc_fleet.image.tar import Damaged

_PIECE, _BACK = 256 * 1024, 4096  # bytes that are held at a time, and of those before them
_WINDOW = 128 * 1024 * 1024  # as the zstd program: what asks for more is refused
# A layer unpacks to twice or ten times its size; what goes on beyond this was made to go on.
_RATIO, _FREE, _MOST = 200, 1024**3, 128 * 1024**3
MAGIC = {"gz": b"\x1f\x8b", "zst": b"\x28\xb5\x2f\xfd", "xz": b"\xfd7zXZ\0", "bz2": b"BZh"}
_EXTRA = "; pip install 'cc-fleet[image]'"


class Part(io.RawIOBase):
    """``size`` bytes of an open file from ``start`` on, told to ``tell`` as they are read."""

    def __init__(self, descriptor: int, start: int, size: int, tell: Callable[[Any], None] | None = None) -> None:
        super().__init__()
        self._descriptor, self._at, self._end, self._tell = descriptor, start, start + size, tell

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        left = self._end - self._at
        data = os.pread(self._descriptor, left if size < 0 else min(size, left), self._at)
        self._at += len(data)
        if self._tell is not None:
            self._tell(data)
        return data

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)[: self._end - self._at]
        number = os.preadv(self._descriptor, [view], self._at)
        self._at += number
        if self._tell is not None:
            self._tell(view[:number])
        return number


class Plain:
    """Bytes of a file that are there to be asked for in any order, by where they lie in it."""

    def __init__(self, descriptor: int, begin: int, size: int) -> None:
        self.begin, self.end, self.at = begin, begin + size, partial(os.pread, descriptor)


class Window:
    """Bytes that come once, asked for in order: a piece of them is held, and the end of the one before."""

    begin = 0

    def __init__(self, readinto: Callable[[Any], int | None], most: Callable[[], int] | None = None, tell: Callable[[Any], None] | None = None) -> None:
        self._readinto, self._most, self._tell = readinto, most, tell
        self._buffer = memoryview(bytearray(_BACK + _PIECE))
        self._start, self._have, self._ended = -_BACK, _BACK, False  # of the buffer, what came before the first byte included

    @property
    def reached(self) -> int:
        """How many bytes came so far."""
        return self._start + self._have

    @property
    def end(self) -> int:
        """Where the bytes end, which is known when they did."""
        return self.reached if self._ended else sys.maxsize

    def at(self, size: int, offset: int) -> bytes:
        begin = offset - self._start
        if begin + size <= self._have:
            return bytes(self._buffer[begin : begin + size])
        return b"".join(map(bytes, self.pieces(size, offset)))

    def pieces(self, size: int, offset: int) -> Iterator[memoryview]:
        """``size`` bytes from ``offset`` on, as views of what is held."""
        while self.reached <= offset and not self._ended:
            self._fill()
        while size and (begin := offset - self._start) < self._have:
            part = self._buffer[begin : min(begin + size, self._have)]
            yield part
            offset, size = offset + len(part), size - len(part)
            if size and not self._ended:
                self._fill()

    def drain(self) -> None:
        """Read to the end, where the checksums stand."""
        while not self._ended:
            self._fill()

    def _fill(self) -> None:
        """Take the next piece in the place of the last one, of which the end is kept."""
        self._buffer[:_BACK] = bytes(self._buffer[self._have - _BACK : self._have])
        self._start += self._have - _BACK
        number = self._readinto(self._buffer[_BACK:]) or 0
        self._have, self._ended = _BACK + number, number == 0
        if self._tell is not None and number:
            self._tell(self._buffer[_BACK : self._have])
        if self._most is not None and self.reached > _FREE and self.reached > self._most():
            raise Damaged(f"unpacks to more than {_RATIO} times its size, and what follows was not read")


def packing(begin: bytes) -> str:
    """What bytes that begin so are packed with: gz, zst, xz, bz2, or "" where they are a tar's."""
    if begin[1:4] == b"\x2a\x4d\x18" and 0x50 <= begin[0] <= 0x5F:
        return "zst"  # a frame to be passed over stands first
    return next((name for name, magic in MAGIC.items() if begin.startswith(magic)), "")


def window(packed: str, raw: io.RawIOBase, read: Callable[[], int], tell: Callable[[Any], None] | None = None) -> Window:
    """The unpacked bytes of ``raw``; ``read`` says how many packed ones were read so far.  Damaged names what is missing or unknown."""
    if packed in ("xz", "bz2"):
        raise Damaged(f"is packed with {packed}, which no layer is")
    opened: Any = raw if not packed else _Zst(raw) if packed == "zst" else _gz(raw)
    most = (lambda: min(_MOST, _RATIO * read())) if packed else None
    return Window(_told(opened.readinto), most, tell)


def _gz(raw: io.RawIOBase) -> Any:
    try:
        from isal import igzip
    except ImportError:
        import gzip

        return gzip.GzipFile(fileobj=raw, mode="rb")
    opened: Any = igzip.IGzipFile
    return opened(fileobj=raw, mode="rb")


class _Ended:
    """Packed bytes with a frame of our own behind them."""

    def __init__(self, raw: Any, frame: bytes) -> None:
        self._raw, self._frame = raw, frame

    def read(self, size: int) -> bytes:
        data: bytes = self._raw.read(size)
        if not data:
            data, self._frame = self._frame, b""
        return data


class _Zst:
    """Zstandard's frames, and whether the last one was whole, which its reader does not tell.

    Where the frame that is put behind them does not come out at the end, the bytes before it were not all there.
    """

    _MARK = bytes(range(16)) * 16  # its frame does not hold it as it is

    def __init__(self, raw: Any) -> None:
        try:
            import zstandard
        except ImportError:
            raise Damaged(f"is packed with zstd, and the package zstandard is not installed{_EXTRA}") from None
        source: Any = _Ended(raw, zstandard.ZstdCompressor().compress(self._MARK))  # an object of its own: its reader knows it, and no collector finds a circle there
        self._reader, self._held = zstandard.ZstdDecompressor(max_window_size=_WINDOW).stream_reader(source, read_size=_PIECE, read_across_frames=True, closefd=False), b""

    def readinto(self, buffer: Any) -> int:
        view, held = memoryview(buffer), len(self._held)
        number = self._reader.readinto(view[held:])
        if not number:
            if self._held != self._MARK:
                raise Damaged("is cut off: its packed bytes end too early")
            return 0
        view[:held] = self._held
        self._held = bytes(view[max(0, held + number - len(self._MARK)) : held + number])
        return held + number - len(self._held) or self.readinto(buffer)


def _told(readinto: Callable[[Any], int]) -> Callable[[Any], int]:
    """``readinto``, whose errors are Damaged."""

    def read(buffer: Any) -> int:
        try:
            return readinto(buffer)
        except EOFError:
            raise Damaged("is cut off: its packed bytes end too early") from None
        except Damaged:
            raise
        except OSError as err:
            raise Damaged(f"cannot be unpacked: {err.strerror.lower()}" if err.strerror else _why(err)) from None
        except Exception as err:  # noqa: BLE001 -- isal's, zlib's and zstandard's errors have no common kind
            raise Damaged(_why(err)) from None

    return read


def _why(err: Exception) -> str:
    told = " ".join(str(err).split())[:120].lower()
    return f"cannot be unpacked ({told})" if told.isprintable() and told.isascii() else "cannot be unpacked"
