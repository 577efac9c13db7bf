"""What was found of packed layers, kept by digest: the base that many images share is unpacked once.

Whose bytes it was is part of an entry: until somebody digested them, it is taken for that very file alone, so that an image
that lies about its layers never speaks for another.  What is in it depends on what was wanted and by which cc-fleet; another one
does not see it.  A layer with a file that may hold a secret is not kept: no secret leaves the file that holds it.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterable
from typing import Any

from cc_fleet import __version__
from cc_fleet.digest import sha256
from cc_fleet.image.layer import Kept, Layer

FORMAT = 1
SIZE = 256 * 1024 * 1024  # bytes of all entries
_ENTRY = 64 * 1024 * 1024
_ALLOWED = re.compile(rb"(?:^|/)(?:package\.json|passwd|hostname|machine-id|cli\.js|claude(?:\.exe|\.cmd|\.ps1)?|status|installed|rpmdb\.sqlite|Packages(?:\.db)?|extensions\.json|\.obsolete)$")
_SENSITIVE = re.compile(rb"(?i)token|secret|passw|api_?key|auth|credential|bearer|private.?key|cookie|helper|header|sk-|gh[opsu]_|glpat|npm_|://[^/\s]*@")


_RUN = re.compile(rb"[A-Za-z0-9+/_-]{20,}")


def _is_random(run: bytes) -> bool:
    return len(re.findall(rb"[0-9]", run)) > 1 and re.search(rb"[A-Za-z]", run) is not None


class Cache:
    """The entries of one kind in ``folder``."""

    def __init__(self, folder: str, kind: str) -> None:
        self._folder, self._kind = folder, kind

    def has(self, digest: str) -> bool:
        """Whether there is an entry, whoever's bytes it was made of."""
        return os.path.exists(self._path(digest))

    def get(self, digest: str, identity: list[int]) -> Layer | None:
        """The layer of this digest, if its bytes were digested, or were those of this very file."""
        try:
            descriptor = os.open(self._path(digest), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb") as file:
                found = os.fstat(descriptor)
                if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or found.st_size > _ENTRY:
                    return None
                told, _, text = file.read(_ENTRY).partition(b"\n")
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

    def put(self, layer: Layer, digest: str, identity: list[int], *, verified: bool) -> None:
        """Keep a layer; where that cannot be done, nothing is lost."""
        import tempfile  # 3 ms, and most runs put nothing

        if _may_hold_secrets(layer):
            return
        try:
            text = json.dumps({"digest": digest, "identity": identity, "verified": verified, **_entry(layer)}, separators=(",", ":")).encode()
            if len(text) > _ENTRY:
                return
            descriptor, file = tempfile.mkstemp(dir=self._folder, prefix=".new-")
            try:
                with os.fdopen(descriptor, "wb") as out:
                    out.write(sha256(text).encode() + b"\n" + text)
                os.replace(file, self._path(digest))
            except BaseException:
                os.unlink(file)
                raise
            self._shrink()
        except (OSError, ValueError):
            return

    def _path(self, digest: str) -> str:
        return os.path.join(self._folder, f"{sha256(f'{self._kind} {digest}'.encode())}.json")

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


def _may_hold_secrets(layer: Layer) -> bool:
    """Whether a file that is kept may hold a secret: by its name, or by a word in it."""
    for folder, entries in layer.folders.items():
        for name, value in entries.items():
            kept = layer.kept.get(value & ~511)
            if kept is None or not kept.data or _ALLOWED.search(folder + b"/" + name):
                continue
            if name.startswith(b".credentials") or _SENSITIVE.search(kept.data) or any(map(_is_random, _RUN.findall(kept.data))):
                return True
    return False


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


