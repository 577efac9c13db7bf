"""What reading an image costs with nothing but the standard library's tarfile: the yardstick of bench_image.py.

    python tests/tarfile_reader.py IMAGE.tar PATTERN    PATTERN is one regular expression of the wanted members

Opens what `docker save` writes, checks nothing, walks every layer with tarfile, and keeps the variables of the
image's config and, of every wanted member, what the last layer says: content up to a mebibyte, the head of what
is larger, the target of a link; whiteouts take away. Prints how many were kept and one digest of all of them.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import tarfile
from typing import IO

WHOLE, HEAD = 1 << 20, 4096


def read(file: str, pattern: str) -> tuple[list[str], dict[str, bytes]]:
    """The variables of the image, and the wanted members of its file system."""
    wanted = re.compile(pattern).match
    found: dict[str, bytes] = {}
    with tarfile.open(file, "r:") as image:
        (told,) = json.load(member(image, "manifest.json"))
        environ = json.load(member(image, told["Config"]))["config"].get("Env") or []
        for name in told["Layers"]:
            with tarfile.open(fileobj=member(image, name), mode="r:") as layer:
                for entry in layer:
                    path = entry.name.removeprefix("./")
                    folder, slash, last = path.rpartition("/")
                    if last.startswith(".wh."):
                        gone(found, folder if last == ".wh..wh..opq" else folder + slash + last[4:])
                    elif not entry.isdir() and wanted("/" + path):
                        found[path] = content(layer, entry)
                    layer.members = []  # type: ignore[attr-defined]  # else it keeps each, which costs memory
    return environ, found


def member(image: tarfile.TarFile, name: str) -> IO[bytes]:
    opened = image.extractfile(name)
    assert opened is not None
    return opened


def content(layer: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    if not entry.isreg():
        return entry.linkname.encode()
    opened = layer.extractfile(entry)
    return opened.read(entry.size if entry.size <= WHOLE else HEAD) if opened else b""


def gone(found: dict[str, bytes], path: str) -> None:
    for name in [name for name in found if name == path or name.startswith(path + "/")]:
        del found[name]


def main(path: str, pattern: str) -> int:
    environ, found = read(path, pattern)
    digest = hashlib.sha256(json.dumps(environ).encode())
    for name in sorted(found):
        digest.update(name.encode() + hashlib.sha256(found[name]).digest())
    print(len(found), digest.hexdigest()[:16])
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
