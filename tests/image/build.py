"""Images from plain data, written by hand with the standard library: what a test breaks it must first be able to write.

A layer is a list of members; ``tar`` writes them as USTAR, GNU or PAX, ``packed`` compresses, ``image`` makes of layers what stands in a
file, and ``FORMS`` are the ways to put images into one.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

BLOCK = 512
KINDS = {"file": b"0", "hardlink": b"1", "symlink": b"2", "char": b"3", "block": b"4", "folder": b"5", "fifo": b"6", "whiteout": b"0", "opaque": b"0"}
MAGIC = {"ustar": b"ustar\x0000", "pax": b"ustar\x0000", "gnu": b"ustar  \x00", "v7": bytes(8)}
OCI, DOCKER = "application/vnd.oci.image", "application/vnd.docker"
INDEX, MANIFEST, CONFIG = f"{OCI}.index.v1+json", f"{OCI}.manifest.v1+json", f"{OCI}.config.v1+json"
MEDIA = {"plain": f"{OCI}.layer.v1.tar", "gz": f"{OCI}.layer.v1.tar+gzip", "zst": f"{OCI}.layer.v1.tar+zstd"}


class Member(NamedTuple):
    """One member of an archive.  ``sparse`` are the pieces (offset, size) of ``content`` that are written; ``style`` is how: gnu, 0.0, 0.1, 1.0."""

    name: str | bytes
    content: bytes = b""
    kind: str = "file"
    link: str | bytes = ""
    mode: int = 0o644
    uid: int = 0
    mtime: int = 1_700_000_000
    pax: Mapping[str, str] = {}
    sparse: tuple[tuple[int, int], ...] | None = None
    style: str = "1.0"


def file(name: str | bytes, content: bytes | str = b"", mode: int = 0o644, uid: int = 0) -> Member:
    return Member(name, content.encode() if isinstance(content, str) else content, mode=mode, uid=uid)


def folder(name: str | bytes, mode: int = 0o755, uid: int = 0) -> Member:
    return Member(name, kind="folder", mode=mode, uid=uid)


def symlink(name: str | bytes, link: str | bytes) -> Member:
    return Member(name, kind="symlink", link=link, mode=0o777)


def hardlink(name: str | bytes, link: str | bytes) -> Member:
    return Member(name, kind="hardlink", link=link)


def whiteout(name: str) -> Member:
    """What takes ``name`` of the layers below away."""
    head, _, tail = name.rpartition("/")
    return Member(f"{head}/.wh.{tail}" if head else f".wh.{tail}", kind="whiteout")


def opaque(name: str) -> Member:
    """What takes all in the folder ``name`` of the layers below away."""
    return Member(f"{name}/.wh..wh..opq" if name else ".wh..wh..opq", kind="opaque")


# Tar


def raw(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")


def number(value: int, width: int) -> bytes:
    """A number as octal digits, else in base 256 as GNU writes what is too large or negative."""
    if 0 <= value < 8 ** (width - 1):
        return b"%0*o\0" % (width - 1, value)
    return (b"\xff" if value < 0 else b"\x80") + (value & ((1 << 8 * (width - 1)) - 1)).to_bytes(width - 1, "big")


def summed(head: bytes) -> bytes:
    """A header with its checksum."""
    head = head.ljust(BLOCK, b"\0")
    blank = head[:148] + b" " * 8 + head[156:]
    return blank[:148] + b"%06o\0 " % sum(blank) + blank[156:]


def header(name: bytes, size: int | bytes, kind: bytes = b"0", *, link: bytes = b"", mode: int = 0o644, uid: int = 0, mtime: int = 0, magic: bytes = MAGIC["ustar"], tail: bytes = b"") -> bytes:
    """One header block.  ``size`` as bytes is written as it is, ``tail`` are the bytes from 345 on."""
    written = size.ljust(12, b"\0") if isinstance(size, bytes) else number(size, 12)
    return summed(
        name[:100].ljust(100, b"\0") + number(mode, 8) + number(uid, 8) + number(uid, 8) + written + number(mtime, 12) + bytes(8)
        + kind + link[:100].ljust(100, b"\0") + magic + bytes(64) + number(0, 8) + number(0, 8) + tail.ljust(167, b"\0")
    )  # fmt: skip


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % BLOCK)


def record(key: str | bytes, value: str | bytes) -> bytes:
    """One record of a PAX header, which says how long it is, its own digits counted."""
    body = b" " + raw(key) + b"=" + raw(value) + b"\n"
    length = len(body) + 1
    while length != len(body) + len(str(length)):
        length = len(body) + len(str(length))
    return str(length).encode() + body


def pax(records: Iterable[tuple[str | bytes, str | bytes]], kind: bytes = b"x") -> bytes:
    """A PAX header with these records, in this order."""
    body = b"".join(record(key, value) for key, value in records)
    return header(b"PaxHeaders.0/x", len(body), kind) + padded(body)


def long_name(text: bytes, kind: bytes = b"L") -> bytes:
    """GNU's member for a name (L) or a link (K) of more than 100 bytes."""
    return header(b"././@LongLink", len(text) + 1, kind, magic=MAGIC["gnu"]) + padded(text + b"\0")


def member(one: Member, form: str = "pax") -> bytes:
    """``one`` as the format ``form`` writes it."""
    name, link, kind = raw(one.name), raw(one.link), KINDS[one.kind]
    if one.kind == "folder" and not name.endswith(b"/"):
        name += b"/"
    if one.sparse is not None and one.style == "gnu":
        return _old_sparse(one, name)
    before, tail, records = b"", b"", list(one.pax.items())
    body = one.content if one.kind == "file" else b""
    if one.sparse is not None:
        extra, body, name = _pax_sparse(one, name)
        records += extra
    if form == "gnu":
        before = (long_name(name) if len(name) > 100 else b"") + (long_name(link, b"K") if len(link) > 100 else b"")
    elif form == "ustar" and len(name) > 100:
        name, tail = _prefixed(name)
    elif form == "pax":
        records = [*([("path", name)] if len(name) > 100 else []), *([("linkpath", link)] if len(link) > 100 else []), *records]  # type: ignore[list-item]
    before += pax(records) if records else b""
    head = header(name, len(body), kind, link=link, mode=one.mode, uid=one.uid, mtime=one.mtime, magic=MAGIC[form], tail=tail)
    return before + head + padded(body)


def _prefixed(name: bytes) -> tuple[bytes, bytes]:
    """A long name as USTAR's name and prefix."""
    for at in range(max(len(name) - 101, 1), 156):
        if name[at : at + 1] == b"/" and at + 1 < len(name):
            return name[at + 1 :], name[:at]
    raise ValueError(f"USTAR cannot write {name!r}")


def _old_sparse(one: Member, name: bytes) -> bytes:
    pieces = list(one.sparse or ())
    data = b"".join(one.content[start : start + size] for start, size in pieces)
    slots = [number(start, 12) + number(size, 12) for start, size in pieces]
    more = slots[4:]
    tail = bytes(41) + b"".join(slots[:4]).ljust(96, b"\0") + (b"\1" if more else b"\0") + number(len(one.content), 12)
    head = header(name, len(data), b"S", mode=one.mode, uid=one.uid, mtime=one.mtime, magic=MAGIC["gnu"], tail=tail)
    while more:
        head += b"".join(more[:21]).ljust(504, b"\0") + (b"\1" if more[21:] else b"\0") + bytes(7)
        more = more[21:]
    return head + padded(data)


def _pax_sparse(one: Member, name: bytes) -> tuple[list[tuple[str, str]], bytes, bytes]:
    """The records, the data and the name of a sparse member as PAX writes them."""
    pieces = list(one.sparse or ())
    data = b"".join(one.content[start : start + size] for start, size in pieces)
    whole, text = str(len(one.content)), os.fsdecode(name)
    if one.style == "0.0":
        each = [pair for start, size in pieces for pair in (("GNU.sparse.offset", str(start)), ("GNU.sparse.numbytes", str(size)))]
        return [("GNU.sparse.size", whole), ("GNU.sparse.numblocks", str(len(pieces))), *each], data, name
    if one.style == "0.1":
        told = ",".join(f"{start},{size}" for start, size in pieces)
        return [("GNU.sparse.size", whole), ("GNU.sparse.numblocks", str(len(pieces))), ("GNU.sparse.map", told), ("GNU.sparse.name", text)], data, b"GNUSparseFile.0/x"
    table = b"%d\n" % len(pieces) + b"".join(b"%d\n%d\n" % piece for piece in pieces)
    records = [("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", text), ("GNU.sparse.realsize", whole)]
    return records, padded(table) + data, b"GNUSparseFile.0/x"


def spelled(one: Member, way: str) -> Member:
    """``one`` with its name as some programs write it: ``./`` or ``/`` before it."""
    return one._replace(name=way.encode() + one.name if isinstance(one.name, bytes) else way + one.name)


def tar(members: Iterable[Member], form: str = "pax", way: str = "", end: bytes = bytes(2 * BLOCK)) -> bytes:
    """An archive of ``members``."""
    return b"".join(member(spelled(one, way), form) for one in members) + end


# Compression


def gz(data: bytes, parts: int = 1) -> bytes:
    """``data`` as gzip, as ``parts`` members one after another."""
    step = max(1, -(-len(data) // parts))
    return b"".join(gzip.compress(data[at : at + step], 6, mtime=0) for at in range(0, max(len(data), 1), step))


_P1, _P2, _P3, _P4, _P5 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5
_MASK = (1 << 64) - 1


def _turned(value: int, by: int) -> int:
    return ((value << by) | (value >> (64 - by))) & _MASK


def _mixed(lane: int, value: int) -> int:
    return _turned((lane + value * _P2) & _MASK, 31) * _P1 & _MASK


def xxh64(data: bytes) -> int:
    """The checksum of zstd's frames."""
    at, lanes = 0, [(_P1 + _P2) & _MASK, _P2, 0, -_P1 & _MASK]
    if len(data) >= 32:
        while at + 32 <= len(data):
            lanes = [_mixed(lane, value) for lane, value in zip(lanes, struct.unpack_from("<4Q", data, at), strict=True)]
            at += 32
        found = sum(_turned(lane, by) for lane, by in zip(lanes, (1, 7, 12, 18), strict=True)) & _MASK
        for lane in lanes:
            found = ((found ^ _mixed(0, lane)) * _P1 + _P4) & _MASK
    else:
        found = _P5
    found = (found + len(data)) & _MASK
    while at + 8 <= len(data):
        found = (_turned(found ^ _mixed(0, int.from_bytes(data[at : at + 8], "little")), 27) * _P1 + _P4) & _MASK
        at += 8
    if at + 4 <= len(data):
        found = (_turned(found ^ (int.from_bytes(data[at : at + 4], "little") * _P1 & _MASK), 23) * _P2 + _P3) & _MASK
        at += 4
    for byte in data[at:]:
        found = _turned(found ^ (byte * _P5 & _MASK), 11) * _P1 & _MASK
    for by, factor in ((33, _P2), (29, _P3)):
        found = (found ^ (found >> by)) * factor & _MASK
    return found ^ (found >> 32)


def zst(data: bytes, parts: int = 1, *, checksum: bool = True, skip: bool = False) -> bytes:
    """``data`` as zstd frames of blocks that are not compressed; ``skip`` puts a frame between them that is to be passed over."""
    step = max(1, -(-len(data) // parts))
    frames = [_frame(data[at : at + step], checksum=checksum) for at in range(0, max(len(data), 1), step)]
    between = struct.pack("<II", 0x184D2A53, 5) + b"hello" if skip else b""
    return between + between.join(frames) + between


def _frame(data: bytes, *, checksum: bool) -> bytes:
    pieces = [data[at : at + 131072] for at in range(0, len(data), 131072)] or [b""]
    blocks = b"".join((len(piece) << 3 | (at == len(pieces) - 1)).to_bytes(3, "little") + piece for at, piece in enumerate(pieces))
    return b"\x28\xb5\x2f\xfd" + bytes((4 if checksum else 0, 0x38)) + blocks + (struct.pack("<I", xxh64(data) & 0xFFFFFFFF) if checksum else b"")


def zeros_zst(head: bytes, size: int) -> bytes:
    """``head`` and then ``size`` zero bytes: four bytes of zstd stand for 128 KiB of them."""
    rle = (131072 << 3 | 1 << 1).to_bytes(3, "little") + b"\0"
    return _frame(head, checksum=False) + b"\x28\xb5\x2f\xfd" + bytes((0, 0x38)) + rle * (size // 131072) + (1).to_bytes(3, "little")


def zeros_gz(head: bytes, size: int) -> bytes:
    """``head`` and then ``size`` zero bytes, as gzip of many members that are all right."""
    step = 64 * 1024 * 1024
    one = gzip.compress(bytes(step), 9, mtime=0)
    return gzip.compress(head, mtime=0) + one * (size // step)


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda data: data, "gz": gz, "gz-parts": lambda data: gz(data, 3), "zst": zst,
    "zst-parts": lambda data: zst(data, 3, skip=True), "zst-unsummed": lambda data: zst(data, checksum=False),
}  # fmt: skip


# Images


class Blob(NamedTuple):
    """A layer as it stands in a file: its bytes, the digest of what they unpack to, its media type (plain, gz, zst or a whole one)."""

    data: bytes
    diff: str
    media: str = "plain"


class Picture(NamedTuple):
    """An image: its config as bytes and its layers."""

    config: bytes
    layers: tuple[Blob, ...]
    tags: tuple[str, ...] = ("acme/ci:1",)
    platform: str = "linux/amd64"


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def layer(members: Iterable[Member] | bytes, form: str = "pax", packed: str = "plain", way: str = "") -> Blob:
    data = members if isinstance(members, bytes) else tar(members, form, way)
    return Blob(PACKED[packed](data), sha(data), packed.partition("-")[0])


def described(data: bytes, media: str, **more: Any) -> dict[str, Any]:
    return {"mediaType": media, "digest": f"sha256:{sha(data)}", "size": len(data), **more}


def dumped(document: object) -> bytes:
    return json.dumps(document).encode()


def image(layers: Sequence[Blob], *, tags: Sequence[str] = ("acme/ci:1",), platform: str = "linux/amd64", inner: Mapping[str, Any] | None = None, history: Sequence[Mapping[str, Any]] | None = None) -> Picture:
    """An image of ``layers``; ``inner`` is the config's own (Env, User, Labels), ``history`` by default one line a layer and one empty one."""
    system, machine, *variant = platform.split("/")
    told = history if history is not None else [
        *({"created": "2026-11-01T00:00:00Z", "created_by": f"RUN step {at}"} for at in range(1, len(layers) + 1)),
        {"created": "2026-11-01T00:00:00Z", "created_by": "ENV A=b", "empty_layer": True},
    ]  # fmt: skip
    config: dict[str, Any] = {
        "architecture": machine, "os": system, **({"variant": variant[0]} if variant else {}), "created": "2026-11-01T00:00:00Z",
        "config": {"Env": ["PATH=/usr/local/bin:/usr/bin:/bin"], "User": "", "Labels": {"org.opencontainers.image.title": "ci"}, **(inner or {})},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{one.diff}" for one in layers]}, "history": list(told),
    }  # fmt: skip
    return Picture(dumped(config), tuple(layers), tuple(tags), platform)


def plain(blob: Blob) -> bytes:
    """The bytes that a docker archive of old holds: never compressed."""
    if blob.media == "gz":
        return gzip.decompress(blob.data)
    assert blob.media == "plain"
    return blob.data


Entries = list[Member]


def docker_old(pictures: Sequence[Picture]) -> Entries:
    """``docker save`` before version 25: a folder a layer, the manifest last; a layer that was there before is a link to the first."""
    entries: Entries = []
    written: dict[str, str] = {}
    manifest, repositories = [], dict[str, dict[str, str]]()
    for picture in pictures:
        names, above = [], ""
        for blob in picture.layers:
            above = sha(f"{above} {blob.diff}".encode())
            name = f"{above}/layer.tar"
            if name not in names and not any(one.name == name for one in entries):
                entries += [folder(above), file(f"{above}/VERSION", "1.0"), file(f"{above}/json", dumped({"id": above}))]
                entries.append(symlink(name, f"../{written[blob.diff]}") if blob.diff in written else file(name, plain(blob)))
            written.setdefault(blob.diff, name)
            names.append(name)
        entries.append(file(f"{sha(picture.config)}.json", picture.config))
        manifest.append({"Config": f"{sha(picture.config)}.json", "RepoTags": list(picture.tags) or None, "Layers": names})
        for tag in picture.tags:
            repo, _, version = tag.rpartition(":")
            repositories.setdefault(repo, {})[version] = above
    return [*entries, file("manifest.json", dumped(manifest)), file("repositories", dumped(repositories))]


def skopeo(pictures: Sequence[Picture]) -> Entries:
    """``skopeo copy docker-archive:``: files named by digests, the manifest last."""
    entries: dict[str, Member] = {}
    manifest = []
    for picture in pictures:
        names = [f"{blob.diff}.tar" for blob in picture.layers]
        entries |= {name: file(name, plain(blob)) for name, blob in zip(names, picture.layers, strict=True)}
        config = f"{sha(picture.config)}.json"
        entries[config] = file(config, picture.config)
        manifest.append({"Config": config, "RepoTags": list(picture.tags), "Layers": names})
    return [*entries.values(), file("manifest.json", dumped(manifest))]


def blobs_of(picture: Picture) -> tuple[dict[str, bytes], dict[str, Any]]:
    """The blobs of a picture by digest, and what describes its manifest."""
    media = [MEDIA.get(blob.media, blob.media) for blob in picture.layers]
    manifest = dumped({
        "schemaVersion": 2, "mediaType": MANIFEST, "config": described(picture.config, CONFIG),
        "layers": [described(blob.data, kind) for blob, kind in zip(picture.layers, media, strict=True)],
    })  # fmt: skip
    system, machine, *variant = picture.platform.split("/")
    told = {"architecture": machine, "os": system, **({"variant": variant[0]} if variant else {})}
    return {sha(data): data for data in (*(blob.data for blob in picture.layers), picture.config, manifest)}, described(manifest, MANIFEST, platform=told)


def attestation(about: Mapping[str, Any]) -> tuple[dict[str, bytes], dict[str, Any]]:
    """What BuildKit puts beside an image: a manifest of no platform, whose layer is JSON."""
    statement = dumped({"_type": "https://in-toto.io/Statement/v0.1"})
    config = dumped({"architecture": "unknown", "os": "unknown", "config": {}, "rootfs": {"type": "layers", "diff_ids": [f"sha256:{sha(statement)}"]}})
    manifest = dumped({"schemaVersion": 2, "mediaType": MANIFEST, "config": described(config, CONFIG), "layers": [described(statement, "application/vnd.in-toto+json")]})
    notes = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": about["digest"]}
    told = described(manifest, MANIFEST, annotations=notes, platform={"architecture": "unknown", "os": "unknown"})
    return {sha(data): data for data in (statement, config, manifest)}, told


def oci(pictures: Sequence[Picture], *, nested: bool = False, attested: bool = False, first: bool = True) -> Entries:
    """An OCI layout.  ``nested`` puts all pictures into one index of platforms below the index, ``attested`` statements beside them."""
    blobs: dict[str, bytes] = {}
    told: list[dict[str, Any]] = []
    for picture in pictures:
        more, descriptor = blobs_of(picture)
        blobs |= more
        refs = [{"org.opencontainers.image.ref.name": tag} for tag in picture.tags] if not nested else [{}]
        told += [{**descriptor, **({"annotations": notes} if notes else {})} for notes in refs or [{}]]
        if attested:
            more, descriptor = attestation(descriptor)
            blobs |= more
            told.append(descriptor)
    if nested:
        inner = dumped({"schemaVersion": 2, "mediaType": INDEX, "manifests": told})
        blobs[sha(inner)] = inner
        told = [described(inner, INDEX, annotations={"org.opencontainers.image.ref.name": tag}) for tag in pictures[0].tags]
    return layout(blobs, {"schemaVersion": 2, "mediaType": INDEX, "manifests": told}, first=first)


def layout(blobs: Mapping[str, bytes], index: object, *, first: bool = True) -> Entries:
    """The files of an OCI layout."""
    head = [file("oci-layout", dumped({"imageLayoutVersion": "1.0.0"})), file("index.json", index if isinstance(index, bytes) else dumped(index))]
    body = [folder("blobs"), folder("blobs/sha256"), *(file(f"blobs/sha256/{name}", data) for name, data in blobs.items())]
    return [*head, *body] if first else [*body, *head]


def docker_new(pictures: Sequence[Picture]) -> Entries:
    """``docker save`` since version 25: an OCI layout that has a manifest.json as well."""
    manifest = [
        {"Config": f"blobs/sha256/{sha(one.config)}", "RepoTags": list(one.tags) or None, "Layers": [f"blobs/sha256/{sha(blob.data)}" for blob in one.layers]}
        for one in pictures
    ]  # fmt: skip
    entries = oci(pictures)
    named = {tag: tag.rpartition(":")[2] for one in pictures for tag in one.tags}
    for at, entry in enumerate(entries):
        if entry.name == "index.json":
            index = json.loads(entry.content)
            for told in index["manifests"]:
                tag = told.get("annotations", {}).get("org.opencontainers.image.ref.name")
                if tag:
                    told["annotations"] = {"io.containerd.image.name": f"docker.io/{tag}", "org.opencontainers.image.ref.name": named[tag]}
            entries[at] = file("index.json", dumped(index))
    return [*entries, file("manifest.json", dumped(manifest))]


def unpacked(entries: Entries, root: Path) -> Path:
    """Entries as files of a folder."""
    for entry in entries:
        at = root / os.fsdecode(entry.name)
        if entry.kind == "folder":
            at.mkdir(parents=True, exist_ok=True)
        else:
            at.parent.mkdir(parents=True, exist_ok=True)
            at.write_bytes(entry.content)
    return root


def _archive(entries: Entries, path: Path, packed: Callable[[bytes], bytes] | None = None, form: str = "ustar") -> Path:
    data = tar(entries, form)
    path.write_bytes(packed(data) if packed else data)
    return path


# Each writes pictures to a path.  The docker archives of old and skopeo's hold layers that are not compressed by zstd.
FORMS: dict[str, Callable[[Sequence[Picture], Path], Path]] = {
    "docker-old": lambda pictures, path: _archive(docker_old(pictures), path),
    "docker-new": lambda pictures, path: _archive(docker_new(pictures), path),
    "skopeo": lambda pictures, path: _archive(skopeo(pictures), path),
    "oci-folder": lambda pictures, path: unpacked(oci(pictures), path),
    "oci-tar": lambda pictures, path: _archive(oci(pictures), path),
    "oci-tar-late": lambda pictures, path: _archive(oci(pictures, first=False), path),
    "oci-nested": lambda pictures, path: _archive(oci(pictures, nested=True, attested=True), path, form="pax"),
    "docker-old-gz": lambda pictures, path: _archive(docker_old(pictures), path, gz),
    "docker-new-gz": lambda pictures, path: _archive(docker_new(pictures), path, lambda data: gz(data, 3)),
    "oci-tar-zst": lambda pictures, path: _archive(oci(pictures), path, zst),
    "oci-dotted": lambda pictures, path: _archive([spelled(one, "./") for one in oci(pictures)], path, form="gnu"),
}  # fmt: skip
ONLY_PLAIN = ("docker-old", "skopeo", "docker-old-gz")


def walked(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Names and kinds of an archive's headers, for tests that cut at them."""
    source = io.BytesIO(data)
    import tarfile

    with tarfile.open(fileobj=source) as opened:
        for one in opened:
            yield one.name, one.type


def crc(data: bytes) -> int:
    return zlib.crc32(data)
