"""One build of an image, as something in a repository asks for it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from cc_fleet.records import NamedTuple
from cc_fleet.repo import Repository
from cc_fleet.repo.reading.values import Value

NAMES = ("Dockerfile", "Containerfile", "dockerfile")


class Build(NamedTuple):
    """``files`` are the Dockerfiles that it may be of, none where that is not known; ``contexts`` the folders that it is built in."""

    files: tuple[str, ...]
    contexts: tuple[str, ...]
    args: tuple[tuple[str, Value], ...] = ()


def build(repository: Repository, bases: Iterable[str], context: str | None, dockerfile: str | None, *, inside: bool) -> Build:
    """A build in ``context``, which stands below one of ``bases``; its Dockerfile stands ``inside`` the context, or below a base itself."""
    files: dict[str, None] = {}
    contexts: dict[str, None] = {}
    for base in bases:
        folder = _path(base, context or ".")
        if folder is None:
            continue
        names = (dockerfile,) if dockerfile else NAMES
        found = [path for name in names if (path := _path(folder if inside or not dockerfile else base, name)) is not None and repository.has(path)]
        if found:
            files[found[0]] = None
            contexts[folder] = None
    return Build(tuple(files), tuple(contexts))


def _path(base: str, given: str) -> str | None:
    """``given`` below ``base``, None where it leaves the repository, or is no path of it."""
    if "://" in given or given.startswith(("git@", "/", "~")) or "\0" in given or "$" in given:
        return None
    path = posixpath.normpath(posixpath.join(base, given))
    return None if path == ".." or path.startswith("../") else "" if path == "." else path
