"""What cc-fleet's reading of an image costs, beside tarfile_reader.py: the same work, and the same digest printed.

    python tests/image_reader.py IMAGE.tar PATTERN    PATTERN is one regular expression of the wanted members
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Iterator

from cc_fleet.image import manifest, scan, tree
from cc_fleet.image.archive import Tar
from cc_fleet.image.layer import WHITEOUT
from cc_fleet.image.tar import FOLDER, HARD, SYMBOLIC

WHOLE, HEAD = 1 << 20, 4096


def read(file: str, pattern: str) -> tuple[list[str], dict[str, bytes]]:
    """The variables of the image, and the wanted members of its file system."""
    wanted = re.compile(pattern.encode()).match
    with open(file, "rb") as opened:
        archive = Tar(opened.fileno(), opened.seek(0, 2))
        (told,) = manifest.images(archive)
        layers = scan.layers(archive, told.layers, scan.Options(cache=False))
        tree.rehomed(layers)
        files = tree.ImageTree(layers)
        found = dict(_found(files, lambda path: wanted(b"/" + path) is not None))
    return told.config["config"].get("Env") or [], found


def _found(files: tree.ImageTree, wanted: object) -> Iterator[tuple[str, bytes]]:
    assert callable(wanted)
    for number, layer in enumerate(files.layers):
        for folder, entries in layer.folders.items():
            above = folder + b"/" if folder else b""
            for name, value in entries.items():
                if not wanted(above + name) or value & 511 == FOLDER or name.startswith(WHITEOUT):
                    continue
                there = files.find(above + name)
                if there is None or there.brought != number:
                    continue
                if value & 511 in (HARD, SYMBOLIC):
                    yield (above + name).decode(), layer.links[value & ~511]
                else:
                    size = layer.about(value).size
                    yield (above + name).decode(), layer.read(value, 0, size if size <= WHOLE else HEAD)


def main(path: str, pattern: str) -> int:
    environ, found = read(path, pattern)
    digest = hashlib.sha256(json.dumps(environ).encode())
    for name in sorted(found):
        digest.update(name.encode() + hashlib.sha256(found[name]).digest())
    print(len(found), digest.hexdigest()[:16])
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
