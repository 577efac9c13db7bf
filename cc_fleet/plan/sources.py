"""Where what a plan installs comes from: npm's tarballs and VSIX files, each with its digest as it is now."""

from __future__ import annotations

import json
import os
import tarfile
import zipfile
from collections.abc import Mapping

Files = tuple[tuple[str, str], ...]
_LONGEST = 1024 * 1024


class SourceError(Exception):
    """A file is not what it is given as; one line."""


def tarballs(folder: str) -> Mapping[str, Files]:
    """By version of Claude Code the tarballs in ``folder``, each with its sha256: the package, and those of platforms."""
    found: dict[str, list[tuple[str, str]]] = {}
    for name in sorted(_names(folder)):
        if not name.endswith((".tgz", ".tar.gz")):
            continue
        path = os.path.abspath(os.path.join(folder, name))
        package, version = _package(path)
        if package == "@anthropic-ai/claude-code" or package.startswith("@anthropic-ai/claude-code-"):
            found.setdefault(version, []).append((path, _sha256(path)))
    if not found:
        raise SourceError(f"{folder}: holds no tarball of @anthropic-ai/claude-code; `npm pack @anthropic-ai/claude-code@VERSION` makes one")
    return {version: tuple(files) for version, files in found.items()}


def extensions(files: list[str]) -> Mapping[tuple[str, str], tuple[str, str]]:
    """By extension and version the VSIX with its sha256."""
    found = {}
    for file in files:
        try:
            with zipfile.ZipFile(file) as archive, archive.open("extension/package.json") as member:
                about = json.loads(member.read(_LONGEST))
            key = (f"{about['publisher']}.{about['name']}".lower(), str(about["version"]))
        except OSError as err:
            raise SourceError(f"{file}: {(err.strerror or 'cannot be read').lower()}") from None
        except (zipfile.BadZipFile, KeyError, TypeError, ValueError, RecursionError, NotImplementedError, RuntimeError):
            raise SourceError(f"{file}: is no VSIX of an extension") from None
        found[key] = (os.path.abspath(file), _sha256(file))
    return found


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError as err:
        raise SourceError(f"{folder}: {(err.strerror or 'cannot be read').lower()}") from None


def _package(path: str) -> tuple[str, str]:
    """Name and version in a tarball's package.json, which npm puts first or near it."""
    try:
        with tarfile.open(path, "r|gz") as archive:
            for member in archive:
                if member.name == "package/package.json" and member.isfile() and member.size < _LONGEST:
                    opened = archive.extractfile(member)
                    about = json.loads(opened.read()) if opened else {}
                    return str(about["name"]), str(about["version"])
    except (OSError, EOFError, tarfile.TarError, KeyError, TypeError, ValueError, RecursionError):
        pass
    raise SourceError(f"{path}: is no tarball of npm's")


def _sha256(path: str) -> str:
    import hashlib

    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1024 * 1024):
            digest.update(piece)
    return digest.hexdigest()
