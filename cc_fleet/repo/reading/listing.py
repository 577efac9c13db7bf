"""The files of a repository: what git has and would add, or all that stands there where there is no git.

Git is asked with its own programs switched off: a repository's configuration can name a
monitor or hooks to run, and nothing of a repository is ever run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

PROGRAM = ("git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.untrackedCache=false", "-c", "safe.directory=*")
_PASSED = ("PATH", "SYSTEMROOT")
MOST = 2_000_000
_NEVER = frozenset((".git", ".hg", ".svn", "node_modules"))


class GitError(Exception):
    """Git could not say; the message is its first line."""


def git(root: str, *arguments: str) -> bytes:
    """What git prints in ``root``, or GitError.  It gets no environment that would send it elsewhere."""
    import subprocess

    environ = {name: os.environ[name] for name in _PASSED if name in os.environ}
    environ |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "LC_ALL": "C"}
    environ |= {"GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "", "GIT_NO_REPLACE_OBJECTS": "1"}  # what a clone left out is not fetched
    try:
        ran = subprocess.run([*PROGRAM, *arguments], cwd=root, env=environ, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    except OSError as err:
        raise GitError(f"git cannot be run: {(err.strerror or 'no reason').lower()}") from None
    if ran.returncode:
        raise GitError((ran.stderr.decode("utf-8", "replace").strip().splitlines() or ["git failed"])[0][:200])
    return ran.stdout


def files(root: str) -> list[str]:
    """The paths of all files below ``root``, relative to it with ``/``, sorted; without what git ignores."""
    if _in_git(root):
        try:
            listed = git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        except GitError:
            listed = b""
        if listed:
            return sorted(set(listed.decode("utf-8", "surrogateescape").split("\0")) - {""})
    return sorted(_walked(root))


def _in_git(root: str) -> bool:
    above = os.path.realpath(root)
    while True:
        if os.path.lexists(os.path.join(above, ".git")):
            return True
        if (parent := os.path.dirname(above)) == above:
            return False
        above = parent


def _walked(root: str) -> Iterator[str]:
    """Every file below ``root``, as its ``.gitignore`` files have it; what npm installed is not the repository's."""
    count = 0
    ignored = _Ignored()
    for folder, folders, names in os.walk(root):
        at = os.path.relpath(folder, root).replace(os.sep, "/")
        at = "" if at == "." else f"{at}/"
        if ".gitignore" in names:
            ignored.read(folder, at)
        folders[:] = sorted(name for name in folders if name not in _NEVER and not ignored.match(f"{at}{name}/"))
        for name in names:
            if not ignored.match(f"{at}{name}"):
                yield f"{at}{name}"
                count += 1
        if count > MOST:
            return


class _Ignored:
    """What the ``.gitignore`` files read so far say, each of its own folder."""

    def __init__(self) -> None:
        self._specs: list[tuple[str, object]] = []

    def read(self, folder: str, at: str) -> None:
        from pathspec import GitIgnoreSpec

        try:
            with open(os.path.join(folder, ".gitignore"), "rb") as file:
                lines = file.read(256 * 1024).decode("utf-8", "replace").splitlines()
        except OSError:
            return
        self._specs.append((at, GitIgnoreSpec.from_lines(lines)))

    def match(self, path: str) -> bool:
        return any(path.startswith(at) and spec.match_file(path[len(at) :]) for at, spec in self._specs)  # type: ignore[attr-defined]
