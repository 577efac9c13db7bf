"""Images, read from a file: each is a target of its own, judged as a machine is, and by what it says of itself.

Nothing is unpacked, nothing of an image is run, no daemon is asked.  What cannot be read of an image is a Gap of its
target; what is no image raises NotAnImage.
"""

from __future__ import annotations

import io
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any

from cc_fleet import __version__
from cc_fleet.image import archive, manifest, reading, scan, unpack
from cc_fleet.image.archive import Folder, NotAnImage, Stream, Tar
from cc_fleet.image.layer import Asked, Layer
from cc_fleet.image.manifest import Described
from cc_fleet.image.scan import Options
from cc_fleet.image.tar import BLOCK, Damaged
from cc_fleet.image.tree import ImageTree, Wanting, rehomed
from cc_fleet.model import Coverage, Gap, Place, Target
from cc_fleet.records import NamedTuple

__all__ = ["NotAnImage", "Options", "collect", "files"]

_NAMES = (".tar", ".tar.gz", ".tgz", ".tar.zst", ".oci", ".ociarchive")
_AGAIN = 192 * 1024 * 1024  # bytes of an image's files that are read in another pass
_ROUNDS = 3  # of reading a layer again for what it turned out to be asked for


class _Given(NamedTuple):
    """What was given: how it is called, and what is read of it."""

    label: str
    archive: Folder | Tar | Stream


def files(path: str) -> list[str]:
    """The images that ``path`` names: itself, or the files and layouts that lie in a folder which is no layout."""
    if path == "-" or not os.path.isdir(path) or is_layout(path):
        return [path]
    found = [os.path.join(path, name) for name in sorted(os.listdir(path))]
    kept = [one for one in found if (one.lower().endswith(_NAMES) and os.path.isfile(one)) or (os.path.isdir(one) and is_layout(one))]
    if not kept:
        raise NotAnImage(f"holds no image: no OCI layout, and no file whose name ends in {', '.join(_NAMES)}")
    return kept


def is_layout(path: str) -> bool:
    """Whether a folder is an OCI layout."""
    return any(os.path.isfile(os.path.join(path, name)) for name in ("index.json", "oci-layout"))


def collect(path: str, keep: frozenset[str] = frozenset(), options: Options = Options()) -> Iterator[Target]:
    """Everything that is found in the images of one file, layout, or stream (``-``: ``options.stream``).  Raises NotAnImage alone."""
    label = "standard input" if path == "-" else os.path.basename(os.path.realpath(path))
    try:
        opened = _opened(path, options)
    except OSError as err:
        raise NotAnImage((err.strerror or "cannot be read").lower()) from None
    with closing(opened):
        given = _Given(label, opened)
        try:
            found, note = manifest.chosen(manifest.images(opened), options.platform)
        except Damaged as err:
            damage = None if isinstance(opened, Folder) else opened.damage
            if damage is None and isinstance(err, manifest.Nothing):
                raise NotAnImage(f"is no image: it {err}") from None
            yield _unread(label, f"{damage}; {err}" if damage else str(err))
            return
        if note is not None and options.note is not None:
            options.note(note)
        for image in found:
            yield _target(given, image, keep, options, note)


def _opened(path: str, options: Options) -> Folder | Tar | Stream:
    if path == "-":
        return _streamed(options.stream, options)
    if os.path.isdir(path):
        return Folder(path)
    kind = os.stat(path).st_mode
    if stat.S_ISFIFO(kind):
        with open(path, "rb", buffering=0) as fifo:
            return _streamed(fifo, options)
    if not stat.S_ISREG(kind):
        raise NotAnImage("is neither a file nor a folder")
    descriptor = os.open(path, os.O_RDONLY)
    span = archive.Span(descriptor, 0, os.fstat(descriptor).st_size)
    try:
        if packed := _known(span.read(BLOCK)):
            return _passing(span, packed, options)
    except BaseException:
        os.close(descriptor)
        raise
    return Tar(descriptor, span.size)


def _known(begin: bytes) -> str:
    """What bytes that begin so are packed with; NotAnImage where they begin neither a tar nor what one is packed with."""
    packed = unpack.packing(begin)
    if not packed and not archive.is_tar(begin):
        raise NotAnImage("is empty" if not begin else "is no image: neither a tar of `docker save` or of an OCI layout, nor one that is packed")
    return packed


class _Heard:
    """How many bytes were read, told on as they are."""

    def __init__(self, tell: Callable[[int], None] | None) -> None:
        self.read, self._tell = 0, tell

    def __call__(self, piece: Any) -> None:
        self.read += len(piece)
        if self._tell is not None:
            self._tell(len(piece))


def _streamed(raw: Any, options: Options) -> Stream:
    """What comes once."""
    heard = _Heard(options.tell)
    first = unpack.Window(raw.readinto, None, heard)
    begin = first.at(BLOCK, 0)
    packed, rest = _known(begin), archive.Within(first, 0, sys.maxsize, begin)
    try:
        return Stream(unpack.window(packed, rest, lambda: heard.read), verify=options.verify)
    except Damaged as err:
        raise NotAnImage(str(err)) from None


def _passing(span: archive.Span, packed: str, options: Options, asked: Mapping[str, Asked] | None = None) -> Stream:
    """A packed file, which is read from its beginning each time."""
    heard = _Heard(options.tell)
    raw: io.RawIOBase = unpack.Part(*span, heard)
    try:
        return Stream(unpack.window(packed, raw, lambda: heard.read), verify=options.verify, asked=asked, span=span)
    except Damaged as err:
        raise NotAnImage(str(err)) from None


def _target(given: _Given, image: Described, keep: frozenset[str], options: Options, note: str | None) -> Target:
    """The facts of one image; what was asked for and had not been kept is read again."""
    name = image.name or given.label
    name = f"{name} ({image.platform})" if note and image.platform else name
    if image.damage is not None:
        return _unread(name, image.damage)
    opened = given.archive
    layers = scan.passed(opened, image.layers) if isinstance(opened, Stream) else scan.layers(opened, image.layers, options)
    for round_ in range(_ROUNDS):
        rehomed(layers)
        tree = ImageTree(layers)
        target = reading.target(tree, image, name, keep, digests=options.digests)
        if not tree.asked or round_ == _ROUNDS - 1 or not _again(given, image, layers, tree, options):
            break
    gaps = [Gap(f"{reason}", Place(f"layer {number} of {name}", layer=number)) for number, layer in enumerate(layers, 1) for reason in layer.gaps]
    damage = opened.damage if isinstance(opened, (Tar, Stream)) else None
    gaps += [Gap(damage, Place(given.label))] if damage else []
    return target._replace(gaps=(*gaps, *target.gaps))


def _again(given: _Given, image: Described, layers: list[Layer], tree: ImageTree, options: Options) -> bool:
    """Read those layers again of which something was asked for; False where they passed by for good."""
    asked = {number: _asked(layers[number], wanted, _AGAIN // len(tree.asked)) for number, wanted in tree.asked.items()}
    opened = given.archive
    if not isinstance(opened, Stream):
        for number, again in zip(asked, scan.layers(opened, image.layers, options, asked), strict=True):
            layers[number].kept.update((at, again.kept[at]) for at in asked[number].sizes if at in again.kept)
        return True
    if opened.span is None:
        return False
    second = _passing(opened.span, unpack.packing(opened.span.read(BLOCK)), options._replace(tell=None), {image.layers[number].name: one for number, one in asked.items()})
    for number, read in zip(asked, scan.passed(second, [image.layers[number] for number in asked]), strict=True):
        layers[number].kept.update((at, read.kept[at]) for at in asked[number].sizes if at in read.kept)
    return True


def _asked(layer: Layer, wanted: Mapping[int, Wanting], left: int) -> Asked:
    """What is read again of a layer: so many bytes in all, the small files first."""
    sizes = dict[int, int]()
    for size, at in sorted((min(one.size, layer.kept[at].size) if at in layer.kept else one.size, at) for at, one in wanted.items()):
        left -= size
        if left >= 0:
            sizes[at] = wanted[at].size
    return Asked(sizes, frozenset(at for at in sizes if wanted[at].digest), budget=0)


def _unread(name: str, reason: str) -> Target:
    """An image of which nothing is known."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return Target("image", name, "linux", now, f"cc-fleet {__version__}", Coverage(True, (), (), 0), gaps=(Gap(reason, Place(name)),))
