"""What was found of packed layers, kept by digest: the base that many images share is unpacked once.

Whose bytes it was is part of an entry: until somebody digested them, it is taken for that very file alone, so that an image
that lies about its layers never speaks for another.  What is in it depends on what was wanted and by which cc-fleet; another one
does not see it.  Files of a layer may hold secrets, and no secret leaves the file that holds it: an entry can be read only by who
has the layer, whose own bytes are the key.  The standard library has no cipher, and one of a package costs more to load than all
of this: SHAKE-256 of the key and a number used once gives as many bytes as are to be hidden.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Mapping
from typing import Any

from cc_fleet import __version__
from cc_fleet.host.digest import sha256
from cc_fleet.image.layer import Kept, Layer

FORMAT = 1
SIZE = 256 * 1024 * 1024  # bytes of all entries
_ENTRY = 64 * 1024 * 1024
_NONCE = 16


class Cache:
    """The entries of one kind in ``folder``."""

    def __init__(self, folder: str, kind: str) -> None:
        self._folder, self._kind = folder, kind

    def has(self, digest: str) -> bool:
        """Whether there is an entry, whoever's bytes it was made of."""
        return os.path.exists(self._path(digest))

    def get(self, digest: str, key: bytes, identity: list[int]) -> Layer | None:
        """The layer of this digest, if its bytes were digested, or were those of this very file; ``key`` is made of them."""
        try:
            descriptor = os.open(self._path(digest), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb") as file:
                found = os.fstat(descriptor)
                if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or found.st_size > _ENTRY:
                    return None
                data = file.read(_ENTRY)
            told, _, text = _hidden(data[_NONCE:], key, data[:_NONCE]).partition(b"\n")
            if told.decode("ascii", "replace") != sha256(text):
                return None
            entry = json.loads(text)
            if entry["digest"] != digest or (not entry["verified"] and entry["identity"] != identity):
                return None
            layer = _layer(entry)
            os.utime(self._path(digest))
            return layer
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return None

    def put(self, layer: Layer, digest: str, key: bytes, entry: Mapping[str, Any]) -> None:
        """Keep a layer with its ``identity`` and whether it is ``verified``; where that cannot be done, nothing is lost."""
        import tempfile  # 3 ms, and most runs put nothing

        try:
            text = json.dumps({"digest": digest, **entry, **_entry(layer)}, separators=(",", ":")).encode()
            if len(text) > _ENTRY // 2:
                return
            nonce = os.urandom(_NONCE)
            descriptor, file = tempfile.mkstemp(dir=self._folder, prefix=".new-")
            try:
                with os.fdopen(descriptor, "wb") as out:
                    out.write(nonce + _hidden(sha256(text).encode() + b"\n" + text, key, nonce))
                os.replace(file, self._path(digest))
            except BaseException:
                os.unlink(file)
                raise
            self._shrink()
        except (OSError, ValueError):
            return

    def _path(self, digest: str) -> str:
        return os.path.join(self._folder, f"{sha256(f'{self._kind} {digest}'.encode())}")

    def _shrink(self) -> None:
        """Let the entries go that were asked for the longest ago, until the rest fits."""
        entries = []
        with os.scandir(self._folder) as listed:
            for one in listed:
                found = one.stat(follow_symlinks=False)
                entries.append((found.st_mtime_ns, found.st_size, one.path))
        total = sum(size for _, size, _ in entries)
        for _, size, path in sorted(entries):
            if total <= SIZE:
                return
            os.unlink(path)
            total -= size


def opened(patterns: Iterable[str], *, digests: bool) -> Cache | None:
    """The cache of who runs this, None where there is none: its folder has to be theirs alone."""
    base = os.environ.get("XDG_CACHE_HOME") or ""
    home = os.environ.get("HOME") or ""
    base = base if os.path.isabs(base) else os.path.join(home, ".cache") if os.path.isabs(home) else ""
    if not base or not hasattr(os, "geteuid"):
        return None
    folder = os.path.join(os.path.realpath(base), "cc-fleet", "layers")
    try:
        if not _is_ours(_existing(folder)):  # before a folder is made in somebody else's
            return None
        os.makedirs(folder, mode=0o700, exist_ok=True)
        if os.lstat(folder).st_uid != os.geteuid() or not _is_ours(folder):
            return None
    except OSError:
        return None
    kind = sha256("\0".join((str(FORMAT), __version__, str(digests), *patterns)).encode())
    return Cache(folder, kind)


def _existing(path: str) -> str:
    while not os.path.lexists(path):
        path = os.path.dirname(path)
    return path


def _is_ours(path: str) -> bool:
    """Whether nobody else can put something in the place of a folder, or of one above it."""
    while True:
        found = os.lstat(path)
        writable = found.st_mode & 0o022 and not found.st_mode & stat.S_ISVTX
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (0, os.geteuid()) or writable:
            return False
        if path == (path := os.path.dirname(path)):
            return True


def _hidden(data: bytes, key: bytes, nonce: bytes) -> bytes:
    """``data`` hidden, or hidden ``data`` as it was."""
    from hashlib import shake_256

    stream = int.from_bytes(shake_256(key + nonce).digest(len(data)), "big")
    return (int.from_bytes(data, "big") ^ stream).to_bytes(len(data), "big")


def _entry(layer: Layer) -> dict[str, Any]:
    return {
        "folders": {_text(folder): {_text(name): value for name, value in entries.items()} for folder, entries in layer.folders.items()},
        "links": {str(at): _text(link) for at, link in layer.links.items()},
        "kept": {str(at): [kept.mode, kept.uid, kept.size, _text(kept.data), kept.sha256] for at, kept in layer.kept.items()},
    }


def _layer(entry: dict[str, Any]) -> Layer:
    layer = Layer()
    layer.folders = {_bytes(folder): {_bytes(name): value + 0 for name, value in entries.items()} for folder, entries in entry["folders"].items()}
    layer.links = {int(at): _bytes(link) for at, link in entry["links"].items()}
    for at, (mode, uid, size, data, digest) in entry["kept"].items():
        layer.kept[int(at)] = Kept(mode + 0, uid + 0, size + 0, _bytes(data), digest)
    layer.folders.setdefault(b"", {})
    return layer


def _text(data: bytes) -> str:
    return data.decode("latin-1")


def _bytes(text: str) -> bytes:
    return text.encode("latin-1")


