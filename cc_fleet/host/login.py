"""The environment that a user's session starts with, from the files that make it.

Order: ``/etc/environment``, the shell's system files, the user's own; for the caller of a
live machine the process has the last word.  A variable that only a condition or a command
sets has no value here (facts: what a shell would do is not guessed).  PATH alone is taken
under a condition too: distributions write ``if [ -d ~/.local/bin ]``, and a folder that is
not there cannot win a search.
"""

from __future__ import annotations

from typing import Iterator

from ..model import Gap, Place, Variable
from . import desktop, shell
from .machine import Machine, Session, User
from .origin import Known, Origin, environment, finished
from .text import Text, read_folder, read_text

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MAC_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
_BASH = ("~/.bash_profile", "~/.bash_login", "~/.profile")
_FILES: dict[str, tuple[tuple[str, str], ...]] = {
    "bash": (("profile", "/etc/profile"), ("profile", "/etc/profile.d/*.sh"), ("shell-rc", "/etc/bash.bashrc"),
             *(("profile", file) for file in _BASH), ("shell-rc", "~/.bashrc")),
    "zsh": (("shell-rc", "/etc/zsh/zshenv"), ("shell-rc", "~/.zshenv"), ("profile", "/etc/zsh/zprofile"),
            ("profile", "~/.zprofile"), ("shell-rc", "/etc/zsh/zshrc"), ("shell-rc", "~/.zshrc"), ("profile", "~/.zlogin")),
    "fish": (("shell-rc", "/etc/fish/conf.d/*.fish"), ("shell-rc", "~/.config/fish/conf.d/*.fish"),
             ("shell-rc", "/etc/fish/config.fish"), ("shell-rc", "~/.config/fish/config.fish")),
    "sh": (("profile", "/etc/profile"), ("profile", "/etc/profile.d/*.sh"), ("profile", "~/.profile")),
}  # fmt: skip
# What differs on macOS.
_MAC_FILES = {
    **_FILES,
    "bash": (("profile", "/etc/profile"), ("shell-rc", "/etc/bashrc"), *(("profile", file) for file in _BASH), ("shell-rc", "~/.bashrc")),
    "zsh": tuple((origin, path.replace("/etc/zsh/", "/etc/")) for origin, path in _FILES["zsh"]),
}
WANTS = (
    "/etc/environment",
    *sorted({path for files in (*_FILES.values(), *_MAC_FILES.values()) for _, path in files}),
    *desktop.WANTS,
    "/etc/paths",
    "/etc/paths.d",
    "/etc/paths.d/*",
    "/etc/profile.d",
    "/etc/fish/conf.d",
    "~/.config/fish/conf.d",
)


_MOST = 200  # files of one folder


class Reader:
    """Reads sessions; what all users share is read from disk once."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._texts: dict[str, str | Gap | None] = {}
        self._folders: dict[str, list[str] | Gap] = {}

    def session(self, user: User) -> Session:
        values = {"HOME": user.home, "USER": user.name, "LOGNAME": user.name, "PATH": self._path()}
        known = Known(values, set(values))
        variables: list[Variable] = []
        gaps: list[Gap] = []
        left = shell.ALL
        for origin, path in (("environment-file", "/etc/environment"), *self._desktop(user, gaps), *self._files(user, gaps)):
            text = self._text(path)
            if isinstance(text, Gap):
                gaps.append(text)
            elif text is not None:
                left -= len(text)
                if left < 0 or sum(map(len, known.values.values())) > shell.ALL:
                    gaps.append(Gap("was not read: the start-up files of this user hold more than 4 MiB", Place(path)))
                    break
                owner = user.name if path.startswith(f"{user.home}/") or origin in ("profile", "shell-rc") else None
                variables += self._variables(Origin(origin, path, text, owner, self._machine.keep), known, user.shell)
        return finished(self._machine, user, known, variables, gaps)

    def _path(self) -> str:
        """What the system puts into PATH before any file is read; on macOS ``path_helper`` takes it from files."""
        if self._machine.os != "macos":
            return DEFAULT_PATH
        files = ["/etc/paths", *(f"/etc/paths.d/{name}" for name in self._names("/etc/paths.d", []))]
        texts = [text for path in files if isinstance(text := self._text(path), str)]
        return ":".join(line.strip() for text in texts for line in text.split("\n") if line.strip()) or MAC_PATH

    def _desktop(self, user: User, gaps: list[Gap]) -> Iterator[tuple[str, str]]:
        """What a desktop session starts with before any shell: systemd's environment.d, launchd's agents."""
        if self._machine.os == "macos":
            for folder in (f"/{desktop.AGENTS}", f"{user.home}/{desktop.AGENTS}"):
                yield from (("launchd", f"{folder}/{name}") for name in self._names(folder, gaps) if name.endswith(".plist"))
            return
        found: dict[str, str] = {}
        for folder in (*desktop.ENVIRONMENT_D, f"{user.home}/.config/environment.d"):
            found.update({name: f"{folder}/{name}" for name in self._names(folder, gaps) if name.endswith(".conf")})
        yield from (("systemd", found[name]) for name in sorted(found))

    def _files(self, user: User, gaps: list[Gap]) -> Iterator[tuple[str, str]]:
        login = False
        files = _MAC_FILES if self._machine.os == "macos" else _FILES
        for origin, pattern in files.get(user.shell, _FILES["sh"]):
            if pattern in _BASH and user.shell == "bash":
                path = user.home + pattern[1:]
                if login or self._text(path) is None:
                    continue  # bash reads the first of the three
                login = True
            path = user.home + pattern[1:] if pattern.startswith("~/") else pattern
            folder, star, ending = path.partition("/*")
            if not star:
                yield origin, path
                continue
            yield from ((origin, f"{folder}/{name}") for name in self._names(folder, gaps) if name.endswith(ending))

    def _names(self, folder: str, gaps: list[Gap]) -> list[str]:
        if folder not in self._folders:
            self._folders[folder] = read_folder(self._machine.tree, folder)
        names = self._folders[folder]
        if isinstance(names, Gap):
            gaps.append(names)
            return []
        if len(names) > _MOST:
            gaps.append(Gap(f"holds more than {_MOST} entries, and what follows was not read", Place(folder)))
        return names[:_MOST]

    def _text(self, path: str) -> str | Gap | None:
        if path not in self._texts:
            tree = self._machine.tree
            found = desktop.agent(tree, path) if path.endswith(".plist") else read_text(tree, path, 1024 * 1024)
            self._texts[path] = found.text if isinstance(found, Text) else found
        return self._texts[path]

    def _variables(self, origin: Origin, known: Known, kind: str) -> Iterator[Variable]:
        if origin.origin == "environment-file":
            yield from environment(origin, known)
        elif origin.origin == "systemd":
            yield from desktop.conf(origin, known)
        elif origin.origin == "launchd":
            yield from desktop.setenv(origin, known)
        elif origin.file.endswith(".fish"):
            from . import fish  # most homes have none

            yield from fish.variables(origin, known)
        else:
            for found in shell.assignments(origin.text, known.values, known.exported, zsh=kind == "zsh"):
                if found.exported:
                    yield from origin.variable(found.name, found.value, found.start, found.end)
