"""Look into a VSIX before an editor gets it: that it is the file that was meant, and of which extension and version.

The digest comes first, so what is looked into is what the plan names; it is bounded all the same, for the digest may be
that of a hostile file.
"""

from __future__ import annotations

import encodings.cp437  # noqa: F401  # zip's own; a user's child may not be able to read where modules lie
import hashlib
import json
import os
import stat as st
import struct
import zipfile
import zlib
from typing import IO, Optional

from .area import told
from .change import Refused

LIMIT = 1024 * 1024 * 1024
_UNPACKED, _ABOUT, _LISTED = 4 * LIMIT, 1024 * 1024, 16 * 1024 * 1024
_END = b"PK\x05\x06"
ABOUT = "extension/package.json"


def check(file: str, sha256: str, id_: str, version: str, copy: Optional[str] = None) -> None:
    """Refused where ``file`` has another digest, or is no VSIX of this extension; ``copy`` is a new file that gets what was read."""
    digest = hashlib.sha256()
    try:
        with _opened(file) as source, open(copy or os.devnull, "xb" if copy else "wb") as into:
            while piece := source.read(1024 * 1024):
                digest.update(piece)
                into.write(piece)
        if digest.hexdigest() != sha256:
            raise Refused(f"{file}: has the sha256 {digest.hexdigest()}, and the plan names {sha256}; it was replaced, or is not whole")
        with _opened(copy or file) as source:
            found = _about(source)
    except OSError as err:
        raise Refused(f"{file}: {told(err)}") from None
    except Refused as err:
        raise Refused(str(err) if str(err).startswith("/") else f"{file}: {err}") from None
    if found != (id_.lower(), version):
        raise Refused(f"{file}: holds {found[0][:100]} {found[1][:40]}, and not {id_} {version}")


def _opened(file: str) -> IO[bytes]:
    opened = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    found = os.fstat(opened)
    if st.S_ISREG(found.st_mode) and found.st_size <= LIMIT:
        return os.fdopen(opened, "rb")
    os.close(opened)
    raise Refused("is no regular file" if not st.S_ISREG(found.st_mode) else f"is larger than {LIMIT // 1024**2} MiB")


def _about(source: IO[bytes]) -> tuple[str, str]:
    """Which extension and version its package.json says."""
    _check_listing(source)
    try:
        with zipfile.ZipFile(source) as archive:
            _check_members(archive.infolist())
            with archive.open(ABOUT) as member:
                text = member.read(_ABOUT + 1)
        if len(text) > _ABOUT:
            raise Refused(f"its {ABOUT} is larger than {_ABOUT // 1024**2} MiB")
        about = json.loads(text.decode("utf-8").lstrip("\ufeff"))
        found = (f"{about['publisher']}.{about['name']}".lower(), str(about["version"]))
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, TypeError, ValueError, RecursionError, NotImplementedError, RuntimeError, OverflowError, struct.error):
        raise Refused("is no VSIX of an extension, or not whole") from None
    return found if all(one.isprintable() for one in found) else ("another extension", "")


def _check_listing(source: IO[bytes]) -> None:
    """Before the list of its members is read at all: how long it says it is."""
    size = source.seek(0, os.SEEK_END)
    source.seek(max(0, size - 65536 - 22))
    tail = source.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < 22:
        raise Refused("is no VSIX of an extension, or not whole")
    if struct.unpack_from("<L", tail, at + 12)[0] > _LISTED:
        raise Refused("lists more files than any extension has")
    source.seek(0)


def _check_members(members: list[zipfile.ZipInfo]) -> None:
    if sum(member.file_size for member in members) > _UNPACKED:
        raise Refused(f"unpacks to more than {_UNPACKED // 1024**3} GiB")
    for member in members:
        if member.filename.startswith(("/", "\\")) or ".." in member.filename.replace("\\", "/").split("/"):
            raise Refused("holds a file that would be unpacked elsewhere")
