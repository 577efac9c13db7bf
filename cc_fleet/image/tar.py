"""The members of a tar archive, one after another: headers are read, what lies between them is passed over.

Written here because of speed alone: of an image of 25,000 files the standard library's tarfile takes seven times the CPU
(facts/performance.md 4), and an audit reads twenty of them.  What a sparse file holds is left to tarfile.
Read are USTAR, GNU (long names) and PAX (``path``, ``linkpath``, ``size``), as Go's archive/tar writes and reads them.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Protocol
from zlib import adler32

from cc_fleet.records import NamedTuple

BLOCK = 512
HARD, SYMBOLIC, FOLDER, SPARSE = b"125S"
_PAX = ord("x")
DEVICES = frozenset(b"346")
_EXTENDED = frozenset(b"xgLKXNVM")
LINKS = frozenset(b"12")
_RARE = _EXTENDED | {SPARSE}
_EMPTY = frozenset(b"123456")  # links, devices, folders, FIFOs
_LONGEST = 1024 * 1024  # of a PAX header; a path may have 4096 bytes
_ENDS = b"\0 "  # behind the digits
_MODULUS = 65521  # adler32's, whose lower half is the sum of the bytes
_SPACES = 8 * 32
_NO_HEADER, _UNSUMMED = "holds a header that is none", "holds a header whose checksum is wrong"


class Damaged(Exception):
    """The bytes are not what they should be; the message is the reason, without the file."""


class Source(Protocol):
    """Bytes that are asked for in order, from ``begin`` on."""

    begin: int

    @property
    def at(self) -> Callable[[int, int], bytes]:
        """So many bytes from an offset on, fewer where they end; what lies further back than some kilobytes may be gone."""

    @property
    def end(self) -> int:
        """Where the bytes end, as far as is known: where they do, once it was asked for more."""


class Rare(NamedTuple):
    """What the header alone does not say of a member: the bytes that are stored, where they begin, and of a sparse file all that stands before them."""

    size: int
    data: int
    sparse: bytes | None


# A member: where its header lies, its type's character, its name, what it links to, the bytes that are stored, its header, and what else is to know.
# A bare tuple, because an image has 25,000, and a named one costs half of all that is done for it.
Member = tuple[int, int, bytes, bytes, int, bytes, Rare | None]


def members(source: Source, *, marked: bool = False) -> Iterator[Member]:
    """Every member of an archive; Damaged where a header is none, the bytes end too early, or (``marked``) without the mark that ends an archive."""
    at, offset, end, sums = source.at, source.begin, source.end, dict[bytes, int]()
    while (header := at(BLOCK, offset) if offset < end else b"") and header[0] and len(header) == BLOCK:
        name = link = b""
        kind = header[156]
        if kind == _PAX and (short := _short(source, offset, header)) is not None:
            offset, (header, name, link) = offset + 2 * BLOCK, short
            kind = header[156]
        field, summed = header[148:156], adler32(header) & 0xFFFF
        if field not in sums or sums[field] != summed:  # what was right once is right again
            _check(header)
            sums[field] = summed
        size = 0
        if kind not in _EMPTY:  # no data follows a link or a folder, whatever is said
            if kind in _RARE:
                member, offset = _extended(source, offset, header)
                yield member
                continue
            size = number(header[124:136])
        elif kind in LINKS and not link:
            link = header[157:257].partition(b"\0")[0]
        if not name:
            name = _name(header) if header[345] else header[:100].partition(b"\0")[0]
        yield offset, kind, name, link, size, header, None
        offset += BLOCK + (size + 511 & ~511)
    if any(header):
        raise Damaged("is cut off within a header" if len(header) < BLOCK else "holds a header without a name")
    if offset > source.end or (marked and not header):
        raise Damaged("is cut off: bytes are missing at its end")


def _short(source: Source, offset: int, header: bytes) -> tuple[bytes, bytes, bytes] | None:
    """Of a PAX header of one block that says nothing of a size, as nearly all are: the header behind it, the name and the link that it tells."""
    length = number(header[124:136])
    if length > BLOCK:
        return None
    both = source.at(2 * BLOCK, offset + BLOCK)
    if b"size=" in both or b"GNU." in both or len(both) < 2 * BLOCK or not both[BLOCK] or both[BLOCK + 156] in _EXTENDED:
        return None
    _check(header)
    if b"path=" not in both:
        return both[BLOCK:], b"", b""
    digits, _, record = both[:length].partition(b" ")
    if record.startswith(b"path=") and digits == b"%d" % length and record.find(b"\n") == len(record) - 1:  # and nothing else
        return both[BLOCK:], record[5:-1], b""
    said = _records(both[:length])
    return both[BLOCK:], said.get(b"path", b""), said.get(b"linkpath", b"")


def _extended(source: Source, offset: int, header: bytes) -> tuple[Member, int]:
    """A member of which more headers tell, and where the next one lies."""
    more = _extensions(source, offset, header)
    offset, header = more.offset, more.header
    kind, data = header[156], offset + BLOCK
    size = 0 if kind in _EMPTY else number(header[124:136]) if more.size is None else more.size
    raw = b"".join((*more.raw, header))
    if kind == SPARSE:  # the map may go on in blocks of its own
        going_on = header[482]
        while going_on:
            block = source.at(BLOCK, data)
            if len(block) < BLOCK or len(raw) > _LONGEST:
                raise Damaged("is cut off within the map of a sparse file, or has too long a one")
            raw, going_on, data = raw + block, block[504], data + BLOCK
    link = more.link or header[157:257].partition(b"\0")[0]
    usual = not more.sparse and kind != SPARSE and more.size is None
    rare = None if usual else Rare(size, data, raw if more.sparse or kind == SPARSE else None)
    return (offset, kind, more.name or _name(header), link, size, header, rare), data + (size + 511 & ~511)


def _check(header: bytes) -> None:
    """The sum of the header's bytes, taken as adler32 has it: twenty times as fast as adding them one by one."""
    try:
        said = int(header[148:156].strip(b"\0 "), 8)
    except ValueError:
        raise Damaged(_NO_HEADER) from None
    if ((adler32(header) & 0xFFFF) - (adler32(header[148:156]) & 0xFFFF) + _SPACES - said) % _MODULUS:
        raise Damaged(_UNSUMMED)


def _name(header: bytes) -> bytes:
    name = header[:100].partition(b"\0")[0]
    if header[345] and header[257:263] == b"ustar\0":
        name = header[345:500].partition(b"\0")[0] + b"/" + name
    return name


def number(field: bytes) -> int:
    """A size: octal digits, or base 256 where the first bit says so.  Never below zero."""
    digits = field[:-1]
    if field[-1] not in _ENDS:
        digits = field.strip(b"\0 ")
    if digits.isdigit():
        try:
            return int(digits, 8)
        except ValueError:  # an 8 or a 9
            pass
    elif field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    elif not digits.strip(b"\0 "):
        return 0
    raise Damaged("holds a header without a size")


class _More(NamedTuple):
    offset: int
    header: bytes
    name: bytes
    link: bytes
    size: int | None
    sparse: bool
    raw: list[bytes]


def _extensions(source: Source, offset: int, header: bytes) -> _More:
    """What the headers before a member's own say of it, and that one."""
    name, link, size, sparse, raw, read = b"", b"", None, False, list[bytes](), 0
    while (kind := header[156]) in _EXTENDED:
        length = number(header[124:136])
        read += length + BLOCK
        if read > _LONGEST:
            raise Damaged("holds headers of more than 1 MiB for one file")
        body = source.at(length + 511 & ~511, offset + BLOCK)
        if len(body) < length:
            raise Damaged("is cut off within a header")
        raw += (header, body)
        body = body[:length]
        if kind == ord("L"):
            name = body.partition(b"\0")[0]
        elif kind == ord("K"):
            link = body.partition(b"\0")[0]
        elif kind in b"xX" and (b"path=" in body or b"size=" in body or b"GNU.sparse." in body):
            said = _records(body)
            name, link = said.get(b"GNU.sparse.name", said.get(b"path", name)), said.get(b"linkpath", link)
            size = _decimal(said[b"size"]) if b"size" in said else size
            sparse = sparse or any(key.startswith(b"GNU.sparse.") for key in said)
        offset += BLOCK + (length + 511 & ~511)
        header = source.at(BLOCK, offset)
        if len(header) < BLOCK or not header[0]:
            raise Damaged("is cut off behind a header")
        _check(header)
    return _More(offset, header, name, link, size, sparse, raw)


def _records(body: bytes) -> dict[bytes, bytes]:
    """The records of a PAX header: ``LENGTH KEY=VALUE\\n``."""
    found, at = {}, 0
    while at < len(body):
        digits, space, _ = body[at : at + 20].partition(b" ")
        end = at + int(digits) if space and digits.isdigit() else at
        record = body[at + len(digits) + 1 : end - 1]
        if end <= at or end > len(body) or body[end - 1] != 0x0A or b"=" not in record:
            raise Damaged("holds a PAX header that is none")
        key, _, value = record.partition(b"=")
        found[key] = value
        at = end
    return found


def _decimal(value: bytes) -> int:
    if not value.isdigit() or len(value) > 18:
        raise Damaged("holds a PAX header without a size")
    return int(value)


def sparse(before: bytes, stored: bytes, start: int, size: int) -> tuple[int, bytes]:
    """The length of a sparse file, and ``size`` of its bytes from ``start`` on, by what stands before its stored bytes and (some of) those."""
    import tarfile

    try:
        with tarfile.open(fileobj=io.BytesIO(before + stored + bytes(-len(stored) % BLOCK + 2 * BLOCK)), mode="r:") as archive:
            info = archive.next()
            opened = archive.extractfile(info) if info is not None else None
            if info is None or opened is None or info.size < 0:
                raise Damaged("holds a sparse file that is none")
            opened.seek(start)
            return info.size, opened.read(min(size, max(0, info.size - start)))
    except (tarfile.TarError, ValueError, OSError, EOFError, OverflowError, MemoryError):
        raise Damaged("holds a sparse file whose map is wrong") from None
