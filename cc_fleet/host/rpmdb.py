"""One package's version in RPM's database, in each of the three forms that it had.

SQLite (from RPM 4.16) is walked as its file format has it: the table of names tells the package's
number, and its header begins with name, version and release. Reading it so needs no SQLite library and
no file on a disk, and never sees what was removed. In ``Packages.db`` and ``Packages`` (ndb, and Berkeley's of
RHEL 8) the same three texts are looked for in the bytes.
"""

from __future__ import annotations

from typing import Iterator, Optional

from .tree import Missing, Tree, Unreadable

_PIECE = 1024 * 1024
_LIMIT = 1024 * 1024 * 1024
_MOST = 20_000  # pages that one question may need
_CELLS = 200_000  # of those pages
_MARKS = 10_000  # where a name stands in the bytes
_SEVERAL = 5
_HEADER = 65536
_LONGEST = 200  # of a name, a version and a release


def versions(tree: Tree, path: str, name: str) -> list[str]:
    """The versions, ``version-release``, in which the database at ``path`` has ``name``. Raises Missing and Unreadable."""
    if tree.stat(path).size > _LIMIT:
        raise Unreadable(f"is larger than {_LIMIT // 1024**2} MiB")
    if not path.endswith(".sqlite"):
        found = _of_bytes(tree, path, name)
    elif _size(tree, f"{path}-wal"):
        raise Unreadable("is being changed: what its -wal holds was not read")
    else:
        found = _of_sqlite(tree, path, name)
    several: set[str] = set()
    try:
        for one in found:
            several.add(one)
            if len(several) == _SEVERAL:
                break
        return sorted(several)
    except (IndexError, TypeError, ValueError):
        raise Unreadable("is not a database of RPM's") from None


def _size(tree: Tree, path: str) -> int:
    try:
        return tree.stat(path).size
    except Missing:
        return 0


def _of_bytes(tree: Tree, path: str, name: str) -> Iterator[str]:
    mark = b"\0" + name.encode() + b"\0"
    start, kept, marks = 0, b"", 0
    while piece := tree.part(path, start, _PIECE):
        data = kept + piece
        at = data.find(mark)
        while 0 <= at < len(data) - (_LONGEST if len(piece) == _PIECE else 0):
            marks += 1
            if marks > _MARKS:
                raise ValueError
            found = _version(data[at + len(mark) : at + len(mark) + _LONGEST])
            if found:
                yield found
            at = data.find(mark, at + 1)
        start, kept = start + len(piece), data[-_LONGEST - len(mark) :]


def _version(data: bytes) -> Optional[str]:
    """``version-release`` where the two texts follow."""
    version, release = [*data.split(b"\0", 2), b""][:2]
    texts = version.decode("ascii", "replace"), release.decode("ascii", "replace")
    return "-".join(texts) if texts[0][:1].isdigit() and all(text and text.replace("\ufffd", " ").isprintable() and " " not in text for text in texts) else None


class _Database:
    """The tables of an SQLite file, read page by page."""

    def __init__(self, tree: Tree, path: str) -> None:
        self._tree, self._path, self._left = tree, path, _MOST
        self._cells = _CELLS
        head = tree.part(path, 0, 100)
        if head[:16] != b"SQLite format 3\0":
            raise ValueError
        size = int.from_bytes(head[16:18], "big")
        self._size = 65536 if size == 1 else size
        self._usable = self._size - head[20]
        if self._usable < 480:
            raise ValueError

    def page(self, number: int) -> bytes:
        self._left -= 1
        if number < 1 or self._left < 0:
            raise ValueError
        data = self._tree.part(self._path, (number - 1) * self._size, self._size)
        if len(data) < self._size:
            raise ValueError
        return data

    def rows(self, root: int, wanted: Optional[int] = None) -> Iterator[tuple[int, bytes]]:
        """Row numbers and the beginnings of rows of the table at ``root``; only the ``wanted`` row, if one is."""
        todo = [root]
        while todo:
            number = todo.pop()
            page = self.page(number)
            self._cells -= int.from_bytes(page[3:5] if number > 1 else page[103:105], "big")
            if self._cells < 0:
                raise ValueError
            at = 100 if number == 1 else 0
            leaf, count = page[at] == 13, int.from_bytes(page[at + 3 : at + 5], "big")
            if page[at] not in (5, 13):
                raise ValueError
            below: list[int] = []
            for cell in range(count):
                begin = at + (8 if leaf else 12) + 2 * cell
                offset = int.from_bytes(page[begin : begin + 2], "big")
                if leaf:
                    size, offset = _varint(page, offset)
                    row, offset = _varint(page, offset)
                    if wanted in (None, row):
                        yield row, self._payload(page, offset, size)
                    continue
                key, _ = _varint(page, offset + 4)
                if wanted is None or wanted <= key:
                    below.append(int.from_bytes(page[offset : offset + 4], "big"))
                    if wanted is not None:
                        break
            if not leaf and (wanted is None or not below):
                below.append(int.from_bytes(page[at + 8 : at + 12], "big"))
            todo += below[::-1]

    def _payload(self, page: bytes, offset: int, size: int) -> bytes:
        """A row's bytes as far as anything here needs them."""
        if size <= self._usable - 35:
            return page[offset : offset + size]
        least = (self._usable - 12) * 32 // 255 - 23
        local = least + (size - least) % (self._usable - 4)
        local = local if local <= self._usable - 35 else least
        data, after = page[offset : offset + local], int.from_bytes(page[offset + local : offset + local + 4], "big")
        while after and len(data) < min(size, _HEADER):
            more = self.page(after)
            data, after = data + more[4 : self._usable], int.from_bytes(more[:4], "big")
        return data[:size]


def _of_sqlite(tree: Tree, path: str, name: str) -> Iterator[str]:
    database = _Database(tree, path)
    roots = {}
    for _, row in database.rows(1):
        kind, _, table, root = _columns(row)[:4]
        if kind == b"table":
            roots[table] = root
    numbers = [number for key, number, *_ in (_columns(row) for _, row in database.rows(_whole(roots.get(b"Name")))) if key == name.encode()]
    for number in numbers:
        for _, row in database.rows(_whole(roots.get(b"Packages")), _whole(number)):
            yield from _of_header(_columns(row)[1], name)


def _of_header(header: "bytes | int | None", name: str) -> Iterator[str]:
    """The version and release in a package's header (RPM's format, version 3 and 4)."""
    if not isinstance(header, bytes):
        raise TypeError
    count, texts = int.from_bytes(header[:4], "big"), {}
    store = 8 + 16 * count
    for at in range(8, min(store, len(header) - 15), 16):
        tag, offset = int.from_bytes(header[at : at + 4], "big"), int.from_bytes(header[at + 8 : at + 12], "big")
        if tag in (1000, 1001, 1002):
            texts[tag] = header[store + offset : store + offset + _LONGEST].partition(b"\0")[0]
    found = _version(b"\0".join((texts.get(1001, b""), texts.get(1002, b""), b"")))
    if texts.get(1000) != name.encode() or not found:
        raise ValueError
    yield found


def _whole(value: "bytes | int | None") -> int:
    if not isinstance(value, int):
        raise TypeError
    return value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for count in range(9):
        octet = data[at + count]
        value = value << 8 | octet if count == 8 else value << 7 | octet & 0x7F
        if octet < 0x80 or count == 8:
            return value, at + count + 1
    raise ValueError


def _columns(row: bytes) -> "list[bytes | int | None]":
    """The values of a row; numbers with a point are not read."""
    end, at = _varint(row, 0)
    kinds = []
    while at < end:
        kind, at = _varint(row, at)
        kinds.append(kind)
        if len(kinds) > 16:
            raise ValueError
    values: list[bytes | int | None] = []
    for kind in kinds:
        size = (kind - 12) // 2 if kind >= 12 else (0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0)[kind]
        data = row[at : at + size]
        values.append(data if kind >= 12 else int.from_bytes(data, "big", signed=True) if 1 <= kind <= 6 else kind - 8 if kind in (8, 9) else None)
        at += size
    return values
