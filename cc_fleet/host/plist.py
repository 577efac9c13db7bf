"""Property lists of macOS, XML or binary, read in bounded time and memory.

In the binary form a list may hold one object a million times, and objects may overlap: a small file
stands for terabytes, which plistlib would make of it.  Here every reading of an object is counted.
XML is plistlib's: it refuses entities, and nothing else in XML repeats itself.
"""

from __future__ import annotations

from typing import Any

_MOST = 4 * 1024 * 1024  # bytes that are read, each object counted as 16 more
_DEPTH = 200
_SIMPLE = {0x00: None, 0x08: False, 0x09: True}


def loads(data: bytes) -> Any:
    """What the property list ``data`` holds; of the binary form dates, data and UIDs are "".  Raises anything where it is broken."""
    if data[:8] == b"bplist00":
        return _Binary(data).top()
    import plistlib

    return plistlib.loads(data)


class _Binary:
    def __init__(self, data: bytes) -> None:
        self._data, self._left = data, _MOST
        size, self._width = data[-26], data[-25]
        self._count, self._root, table = (int.from_bytes(data[at : at + 8 or None], "big") for at in (-24, -16, -8))
        if not 0 < size <= 8 or not 0 < self._width <= 8 or table + self._count * size > len(data):
            raise ValueError
        self._size, self._table = size, table

    def top(self) -> Any:
        return self._value(self._root, 0)

    def _value(self, number: int, depth: int) -> Any:
        if number >= self._count or depth > _DEPTH:
            raise ValueError
        at = self._number(self._table + number * self._size, self._size)
        mark = self._data[at]
        kind, length, at = mark >> 4, mark & 15, at + 1
        if kind == 0:
            return _SIMPLE[mark]
        if kind in (1, 2):
            return self._scalar(kind, self._bytes(at, 1 << length))
        if kind not in (4, 5, 6, 10, 13):  # a date, a UID, or nothing that is known
            return ""
        if length == 15:
            wide = 1 << (self._data[at] & 15)
            length, at = self._number(at + 1, wide), at + 1 + wide
        if kind < 10:
            text = self._bytes(at, length * (2 if kind == 6 else 1))
            return "" if kind == 4 else text.decode("ascii" if kind == 5 else "utf-16-be")
        refs = self._bytes(at, length * self._width * (2 if kind == 13 else 1))
        numbers = [int.from_bytes(refs[here : here + self._width], "big") for here in range(0, len(refs), self._width)]
        if kind == 10:
            return [self._value(one, depth + 1) for one in numbers]
        keys = [self._value(one, depth + 1) for one in numbers[:length]]
        return dict(zip(keys, (self._value(one, depth + 1) for one in numbers[length:])))  # noqa: B905  # Python 3.9

    def _scalar(self, kind: int, data: bytes) -> Any:
        if kind == 1:
            return int.from_bytes(data, "big", signed=len(data) >= 8)
        import struct

        return struct.unpack(">f" if len(data) == 4 else ">d", data)[0]

    def _number(self, at: int, size: int) -> int:
        return int.from_bytes(self._bytes(at, size), "big")

    def _bytes(self, at: int, size: int) -> bytes:
        self._left -= size + 16
        if self._left < 0 or at + size > len(self._data):
            raise ValueError
        return self._data[at : at + size]
