"""Images on the command line: what names a file of one, and how far reading has come."""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections.abc import Iterator
from functools import partial
from typing import Self

from cc_fleet import image
from cc_fleet.cli import InputError
from cc_fleet.model import Target

# What names an image at a registry or a daemon, and no file: a transport, or a repository with a tag or a digest.
_REFERENCE = re.compile(r"(?:docker|docker-daemon|containers-storage|oci-archive|docker-archive|oci|dir):.+|[a-z0-9][\w.-]*(?::\d+)?(?:/[\w.-]+)*(?::[\w.-]+|@sha256:[0-9a-f]{64})", re.IGNORECASE)


def targets(paths: list[str], keep: frozenset[str], args: argparse.Namespace, *, digests: bool) -> Iterator[tuple[Target, str]]:
    """The images of each path, with the file that each was read from."""
    listed = [one for path in paths for one in _files(path)]
    with _Progress(listed) as progress:
        options = image.Options(args.platform, args.verify, not args.no_cache, digests, progress.tell if progress.shown else None, sys.stdin.buffer)
        for path in listed:
            progress.begin(path)
            if not getattr(args, "quiet", False):
                options = options._replace(note=partial(_note, path))
            try:
                for target in image.collect(path, keep, options):
                    yield target, path
            except image.NotAnImage as err:
                raise InputError(f"{_shown(path)}: {err}") from None


def _note(path: str, what: str) -> None:
    print(f"cc-fleet: note: {_shown(path)}: {what}", file=sys.stderr)


def _shown(path: str) -> str:
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in path)


def _files(path: str) -> list[str]:
    if path != "-" and not os.path.exists(path):
        if _REFERENCE.fullmatch(path):
            name = re.sub(r"^(?:docker|docker-daemon|containers-storage|oci-archive|docker-archive|oci|dir):/*", "", path)
            raise InputError(f"{_shown(path)}: is the name of an image, and no file; save it first: `docker save {_shown(name)} -o image.tar`, or without a daemon `skopeo copy docker://{_shown(name)} oci-archive:image.tar`")
        raise InputError(f"{_shown(path)}: no such file or folder")
    try:
        return image.files(path)
    except image.NotAnImage as err:
        raise InputError(f"{_shown(path)}: {err}") from None
    except OSError as err:
        raise InputError(f"{_shown(path)}: {(err.strerror or 'cannot be read').lower()}") from None


class _Progress:
    """A line on a terminal that says what is being read, and how much of all is done."""

    def __init__(self, paths: list[str]) -> None:
        self.shown = sys.stderr.isatty() and not os.environ.get("CI") and os.environ.get("TERM") != "dumb"
        self._total = sum(_size(path) for path in paths) if self.shown else 0
        self._done = self._told = 0.0
        self._path = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._told:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def begin(self, path: str) -> None:
        self._path = _shown(os.path.basename(path))

    def tell(self, size: int) -> None:
        self._done += size
        now = time.monotonic()
        if now - self._told > 0.1:
            self._told = now
            part = f"{min(100, int(100 * self._done / self._total)):3}%" if self._total else f"{int(self._done) >> 20} MiB"
            print(f"\r\x1b[K{part} {self._path[:60]}", end="", file=sys.stderr, flush=True)


def _size(path: str) -> int:
    if os.path.isdir(path):
        return sum(found.stat().st_size for folder, _, _ in os.walk(path) for found in os.scandir(folder) if found.is_file(follow_symlinks=False))
    return os.path.getsize(path) if path != "-" else 0
