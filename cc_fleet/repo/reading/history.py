"""What git knows of a repository's earlier files.  No program of the repository runs: no filter, no hook, no transport."""

from __future__ import annotations

import hashlib
import os

from cc_fleet.host.tree import Disk, Missing, Unreadable
from cc_fleet.repo.reading.listing import GitError, git

_LARGEST = 256 * 1024 * 1024
_LINK, _FILES = "120000", ("100644", "100755", "100664")
# What a manifest's range comes to stands in one of these, beside it or above.
_LOCKS = (
    "package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock", "bun.lock", "bun.lockb", "uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock",
    "mise.lock", "devcontainer-lock.json", ".devcontainer-lock.json",
)  # fmt: skip


def top(folder: str) -> str | None:
    """The root of the git repository that ``folder`` is in."""
    above = os.path.realpath(folder)
    while not os.path.lexists(os.path.join(above, ".git")):
        above, below = os.path.dirname(above), above
        if above == below:
            return None
    return above


def is_bare(folder: str) -> bool:
    """Whether ``folder`` is what git keeps, and no checkout."""
    return os.path.isfile(os.path.join(folder, "HEAD")) and all(os.path.isdir(os.path.join(folder, name)) for name in ("objects", "refs"))


def commit(folder: str, revision: str) -> str:
    """The commit that ``revision`` names, or GitError with what to do."""
    if not revision or revision.startswith("-") or not revision.isprintable() or " " in revision:
        raise GitError("is no revision")
    if top(folder) is None:
        raise GitError(f"{folder} is in no git repository")
    try:
        return git(folder, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").decode().strip()
    except GitError as err:
        if "cannot be run" in str(err):
            raise
    git(folder, "rev-parse", "--git-dir")  # it says what is wrong with the repository itself
    shallow = "; the clone is shallow" if _is_shallow(folder) else ""
    raise GitError(f"git knows no such commit in {folder}{shallow}; `git fetch origin {revision.removeprefix('origin/')}` first")


def _is_shallow(folder: str) -> bool:
    return git(folder, "rev-parse", "--is-shallow-repository").strip() == b"true"


def show(root: str, of: str, path: str) -> bytes | None:
    """A file of the commit ``of`` by its path from the repository's ``root``; None where it has no such file."""
    about, _, _ = git(root, "--literal-pathspecs", "ls-tree", "-z", of, path).decode("utf-8", "surrogateescape").partition("\t")
    if about.startswith(_LINK):
        raise GitError(f"{path} is a link, and what it names is not looked up in a revision")
    return git(root, "cat-file", "blob", about.rpartition(" ")[2]) if about.startswith(_FILES) else None


class Changed:
    """Which files below ``folder`` are other than they were where HEAD and a revision parted: committed, not committed or not even known to git."""

    def __init__(self, folder: str, revision: str) -> None:
        self._folder, self._disk = os.path.realpath(folder), Disk(folder)
        self._base = _parted(folder, commit(folder, revision))
        self._blobs: dict[str, tuple[str, str]] | None = None
        self._known: dict[str, bool] = {}

    def __call__(self, file: str) -> bool:
        if file not in self._known:
            self._known[file] = True  # a link to itself
            self._known[file] = self._is_other(file)
        return self._known[file]

    def lost_its_lock(self, file: str) -> bool:
        """Whether a lock that was beside ``file``, or above, is gone."""
        folder = file
        while folder:
            folder = folder.rpartition("/")[0]
            for name in _LOCKS:
                lock = f"{folder}/{name}".lstrip("/")
                if lock in self._before() and not os.path.lexists(os.path.join(self._folder, lock)):
                    return True
        return False

    def _before(self) -> dict[str, tuple[str, str]]:
        """Mode and object of every file that was there."""
        if self._blobs is None:
            listed = git(self._folder, "ls-tree", "-r", "-z", self._base).decode("utf-8", "surrogateescape")
            told = (line.partition("\t") for line in listed.split("\0") if line)
            self._blobs = {path: (about[:6], about.rpartition(" ")[2]) for about, _, path in told}
        return self._blobs

    def _is_other(self, file: str) -> bool:
        """Files are compared by their bytes, of which a checkout may have made other line ends."""
        mode, name = self._before().get(file, ("", ""))
        here = os.path.join(self._folder, file)
        if os.path.islink(here) or mode == _LINK:
            if mode != _LINK or not os.path.islink(here) or not _is(os.fsencode(os.readlink(here)), name):
                return True
            inside = os.path.relpath(os.path.realpath(here), self._folder).replace(os.sep, "/")
            return not inside.startswith("../") and self(inside)
        try:
            data = self._disk.read(f"/{file}", _LARGEST)
        except (Missing, Unreadable):
            return True
        return not _is(data, name) and not (b"\r\n" in data and _is(data.replace(b"\r\n", b"\n"), name))


def _parted(folder: str, other: str) -> str:
    """The commit where HEAD and ``other`` parted; ``other`` itself where they never were one.

    A shallow clone, as CI makes them, may not reach back so far: then what ``other`` changed since counts as changed, too.
    """
    try:
        return git(folder, "merge-base", other, "HEAD").decode().strip()
    except GitError:
        return other


def _is(data: bytes, name: str) -> bool:
    """Whether ``data`` is the object of this name; its length says by which digest."""
    algorithm = "sha256" if len(name) == 64 else "sha1"
    return hashlib.new(algorithm, f"blob {len(data)}\0".encode() + data, usedforsecurity=False).hexdigest() == name
