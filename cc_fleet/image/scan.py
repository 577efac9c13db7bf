"""Reads the layers of an image: those that are packed side by side, each once, unless the cache has them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cc_fleet.image import layer, unpack, wanted
from cc_fleet.image.archive import Folder, Span, Stream, Tar
from cc_fleet.image.layer import Asked, Layer
from cc_fleet.image.manifest import Blob
from cc_fleet.image.tar import BLOCK, Damaged
from cc_fleet.records import NamedTuple

_WRONG = "is not what its digest says"

if TYPE_CHECKING:
    from cc_fleet.image.cache import Cache

_SMALL = 64 * 1024  # bytes of a layer that is not worth an entry in the cache
_WORTH = 4 * 1024 * 1024  # bytes of a layer for which a thread is started: unpacking leaves the interpreter to others, reading headers does not


class Options(NamedTuple):
    """How an image is read.

    ``platform`` (``linux/arm64``) of several; ``verify`` checks the digests of layers; ``cache`` keeps what was found of packed layers;
    ``digests`` asks for the sha256 of native programs; ``tell`` hears of every piece of bytes that was read; ``stream`` is what ``-`` stands for;
    ``note`` is told what somebody should know besides what is found.
    """

    platform: str | None = None
    verify: bool = False
    cache: bool = True
    digests: bool = False
    tell: Callable[[int], None] | None = None
    stream: Any = None
    note: Callable[[str], None] | None = None


class _Run(NamedTuple):
    """What the layers of an image share as they are read."""

    options: Options
    store: Cache | None
    room: layer.Room


def layers(archive: Folder | Tar, blobs: Sequence[Blob], options: Options, asked: Mapping[int, Asked] | None = None) -> list[Layer]:
    """The layers of an image, or with ``asked`` those of them (by number) that are read once more."""
    store = _cache(options) if any(_is_packed(archive, blob) for blob in blobs) else None
    numbers, room = list(range(len(blobs)) if asked is None else asked), layer.Room()

    def read(number: int) -> Layer:
        return _read(archive, blobs[number], _Run(options, store, room), (asked or {}).get(number))

    workers = min(len(numbers), os.cpu_count() or 1, 4)
    if workers < 2 or sum(_is_packed(archive, blob, _WORTH) for blob in blobs) < 2:
        return [read(number) for number in numbers]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(read, numbers))


def passed(archive: Stream, blobs: Sequence[Blob]) -> list[Layer]:
    """The layers of an image that passed by in a stream."""
    return [_passed(archive, blob) for blob in blobs]


def _passed(archive: Stream, blob: Blob) -> Layer:
    found = archive.passed(blob.name)
    if blob.damage is not None or found is None:
        return layer.broken(blob.damage or "is missing")
    for told, measured in ((blob.digest, found.stored), (blob.unpacked, found.unpacked)):
        if told is not None and measured is not None and told.startswith("sha256:") and told != f"sha256:{measured}":
            found.layer.gaps.append(_WRONG)
            break
    return found.layer


def _cache(options: Options) -> Cache | None:
    if not options.cache:
        return None
    from cc_fleet.image import cache

    return cache.opened(wanted.patterns(), digests=options.digests)


def _is_packed(archive: Folder | Tar, blob: Blob, least: int = 0) -> bool:
    try:
        span = archive.span(blob.name)
    except Damaged:
        return False
    return span is not None and span.size > least and unpack.packing(span.read(BLOCK)) != ""


def _read(archive: Folder | Tar, blob: Blob, run: _Run, asked: Asked | None) -> Layer:
    try:
        span = archive.span(blob.name) if blob.damage is None else None
    except Damaged as err:
        return layer.broken(str(err))
    if span is None:
        return layer.broken(blob.damage or "is missing")
    if blob.size is not None and blob.size != span.size:
        return layer.broken(f"has {span.size:,} bytes, and its manifest tells of {blob.size:,}")
    if not unpack.packing(span.read(BLOCK)):
        return _plain(span, blob, run)
    run = run if span.size > _SMALL else run._replace(store=None)
    known = run.store.get(blob.digest, span.key(), span.identity()) if run.store is not None and blob.digest and not run.options.verify and asked is None else None
    if known is not None:
        _tell(run.options, span.size)
        return known
    return _packed(span, blob, run if asked is None else run._replace(store=None), asked or Asked())


def _plain(span: Span, blob: Blob, run: _Run) -> Layer:
    found = layer.plain(unpack.Plain(*span), run.room)
    if run.options.verify:
        digests = {told: _digest(told) for told in (blob.digest, blob.unpacked) if told}
        at = 0
        while at < span.size and (piece := os.pread(span.descriptor, min(1024 * 1024, span.size - at), span.start + at)):
            at += len(piece)
            for digest in digests.values():
                digest.update(piece)
        _compare(found, digests)
    _tell(run.options, span.size)
    return found


def _packed(span: Span, blob: Blob, run: _Run, asked: Asked) -> Layer:
    """A layer that is unpacked as it passes by, its bytes digested where somebody will ask what they are."""
    options, store, _ = run
    packed = unpack.packing(span.read(BLOCK))
    known_elsewhere = store is not None and blob.digest is not None and store.has(blob.digest)
    stored = _digest(blob.digest) if options.verify or known_elsewhere else None
    whole = _digest(blob.unpacked) if options.verify else None
    read = 0

    def tell(piece: Any) -> None:
        nonlocal read
        read += len(piece)
        if stored is not None:
            stored.update(piece)
        _tell(options, len(piece))

    raw = unpack.Part(*span, tell)
    asked = asked._replace(digests=None) if options.digests else asked
    try:
        window = unpack.window(packed, raw, lambda: read, whole.update if whole is not None else None)
        found = layer.packed(window, wanted.sources(), asked, run.room, marked=packed == "zst")
    except Damaged as err:
        return layer.broken(str(err))
    if stored is not None and not found.gaps:
        while raw.read(1024 * 1024):  # what may lie behind the packed bytes is of the blob, too
            pass
    _compare(found, {told: digest for told, digest in ((blob.digest, stored), (blob.unpacked, whole)) if told is not None and digest is not None})
    if store is not None and blob.digest is not None and not found.gaps:
        store.put(found, blob.digest, span.key(), {"identity": span.identity(), "verified": stored is not None})
    return found


def _compare(found: Layer, digests: Mapping[str, Any]) -> None:
    if not found.gaps and any(digest.hexdigest() != told.partition(":")[2] for told, digest in digests.items()):
        found.gaps.append(_WRONG)


def _digest(told: str | None) -> Any:
    import hashlib  # OpenSSL costs 3 ms to load

    return hashlib.new(told.partition(":")[0]) if told else None


def _tell(options: Options, size: int) -> None:
    if options.tell is not None:
        options.tell(size)
