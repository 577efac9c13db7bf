"""The files of a repository: what git has and would add, or all that stands there where there is no git.

Git is asked with its own programs switched off: a repository's configuration can name a
monitor or hooks to run, and nothing of a repository is ever run.
"""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Iterator
from typing import Any

# What a configuration may name and git would read or run even to list files; the last four only where it fetches.
SAFE = (
    "core.fsmonitor=false", f"core.hooksPath={os.devnull}", "core.untrackedCache=false", "safe.directory=*", f"core.excludesFile={os.devnull}",
    f"core.attributesFile={os.devnull}", "core.sshCommand=false", "core.gitProxy=false", "core.askPass=false", "protocol.allow=never",
)  # fmt: skip
_ENVIRONMENT = {
    "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_ALLOW_PROTOCOL": "none",
    "GIT_NO_LAZY_FETCH": "1", "GIT_NO_REPLACE_OBJECTS": "1", "LC_ALL": "C",
}  # fmt: skip
PATIENCE = 120  # seconds that git may take
MOST, LONGEST = 2_000_000, 256 * 1024 * 1024  # files, and characters of their names
_NEVER = frozenset((".git", ".hg", ".svn", "node_modules"))


class GitError(Exception):
    """Git could not say; the message is its first line."""


def git(root: str, *arguments: str) -> bytes:
    """What git prints in ``root``, or GitError.  It gets no environment that would send it elsewhere, and stays in the folder that holds ``.git``."""
    import subprocess

    top = _top(root) or os.path.realpath(root)
    path = _path(top)
    program = next((found for folder in path if os.access(found := os.path.join(folder, "git.exe" if os.name == "nt" else "git"), os.X_OK) and os.path.isfile(found)), None)
    if program is None:
        raise GitError("git is not installed")
    environ = {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}
    environ |= {**_ENVIRONMENT, "PATH": os.pathsep.join(path), "GIT_WORK_TREE": top}
    options = [word for setting in SAFE for word in ("-c", setting)]
    try:
        ran = subprocess.run([program, *options, *arguments], cwd=root, env=environ, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        raise GitError(f"git takes longer than {PATIENCE} seconds") from None
    except OSError as err:
        raise GitError(f"git cannot be run: {(err.strerror or 'no reason').lower()}") from None
    if ran.returncode:
        raise GitError((ran.stderr.decode("utf-8", "replace").strip().splitlines() or ["git failed"])[0][:200])
    return ran.stdout


def _path(top: str) -> list[str]:
    """The folders of PATH in which programs are looked for: none of the repository, and none that depends on where one stands."""
    inside = os.path.join(top, "")
    return [folder for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if os.path.isabs(folder) and not os.path.join(os.path.realpath(folder), "").startswith(inside)]


def files(root: str) -> list[str]:
    """The paths of all files below ``root``, relative to it with ``/``, sorted; without what git ignores."""
    if _top(root) is not None:
        try:
            listed = git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        except GitError:
            listed = b""
        if listed:
            return sorted({name for name in listed.decode("utf-8", "surrogateescape").split("\0") if name and not name.endswith("/")})
    return sorted(_walked(root))


def _top(root: str) -> str | None:
    """The folder above ``root``, or ``root``, that holds ``.git``."""
    above = os.path.realpath(root)
    while not os.path.lexists(os.path.join(above, ".git")):
        if (parent := os.path.dirname(above)) == above:
            return None
        above = parent
    return above


def _walked(root: str) -> Iterator[str]:
    """Every file below ``root``, as its ``.gitignore`` files have it; what npm installed is not the repository's."""
    count = size = 0
    ignoring = _Ignoring()
    left: list[tuple[str, tuple[_Ignored, ...]]] = [("", ())]
    while left and count < MOST and size < LONGEST:
        at, ignored = left.pop()
        names, folders = _names(os.path.join(root, at))
        if ".gitignore" in names:
            ignored = (*ignored, *ignoring.read(os.path.join(root, at, ".gitignore"), at))
        left += [(f"{at}{name}/", ignored) for name in folders if name not in _NEVER and not ignoring.match(f"{at}{name}/", ignored)]
        for name in names:
            if not ignoring.match(f"{at}{name}", ignored):
                yield f"{at}{name}"
                count, size = count + 1, size + len(at) + len(name)


def _names(folder: str) -> tuple[list[str], list[str]]:
    """The files of a folder, links among them, and its folders."""
    names: list[str] = []
    folders: list[str] = []
    try:
        with os.scandir(folder) as found:
            for entry in found:
                (folders if entry.is_dir(follow_symlinks=False) else names).append(entry.name)
    except OSError:  # it is no one's to read, or its path is longer than the system takes
        pass
    return names, folders


_Ignored = tuple[str, Any]


class _Ignoring:
    """What ``.gitignore`` files say, as long as that does not take long: then nothing more is ignored."""

    SECONDS, LINES, DEPTH, NESTED, SIZE = 5.0, 1000, 100, 20, 256 * 1024

    def __init__(self) -> None:
        self.left = self.SECONDS

    def read(self, path: str, at: str) -> list[_Ignored]:
        """What a ``.gitignore`` says; one that is a link or no file says nothing, as git has it."""
        begin = time.perf_counter()
        try:
            opened = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        except OSError:
            return []
        with os.fdopen(opened, "rb") as file:
            data = file.read(self.SIZE) or b"" if stat.S_ISREG(os.fstat(opened).st_mode) and self.left > 0 else b""
        lines = [line for line in data.decode("utf-8", "replace").splitlines() if not _costly(line)]
        found = (at, _spec(lines[: self.LINES]))
        self.left -= time.perf_counter() - begin
        return [found]

    def match(self, path: str, ignored: tuple[_Ignored, ...]) -> bool:
        """Whether one of ``ignored`` names ``path``."""
        if not ignored or self.left <= 0 or path.count("/") > self.DEPTH:
            return False
        begin = time.perf_counter()
        found = any(spec.match_file(path[len(at) :]) for at, spec in ignored[-self.NESTED :])
        self.left -= time.perf_counter() - begin
        return found


def _spec(lines: list[str]) -> Any:
    """The patterns; a line that is none says nothing, as git has it."""
    from pathspec import GitIgnoreSpec

    try:
        return GitIgnoreSpec.from_lines(lines)
    except ValueError:
        return GitIgnoreSpec.from_lines(line for line in lines if _is_pattern(line))


def _is_pattern(line: str) -> bool:
    from pathspec import GitIgnoreSpec

    try:
        GitIgnoreSpec.from_lines([line])
    except ValueError:
        return False
    return True


def _costly(line: str) -> bool:
    """Whether a pattern has so many stars that to match it may cost far more than its length."""
    return line.count("**") > 3 or any(len(re.findall(r"\*+", part)) > 3 for part in line.split("/"))
