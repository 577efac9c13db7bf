"""The environment that a user's session starts with, from the files that make it.

Order: ``/etc/environment``, the shell's system files, the user's own; for the caller of a
live machine the process has the last word.  A variable that only a condition or a command
sets has no value here (facts: what a shell would do is not guessed).  PATH alone is taken
under a condition too: distributions write ``if [ -d ~/.local/bin ]``, and a folder that is
not there cannot win a search.
"""

from __future__ import annotations

import re
from typing import Iterator, NamedTuple

from ..model import Gap, Place, Variable
from . import jsonc, redact, shell
from .machine import Machine, Session, User
from .text import Text, read_folder, read_text

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PROCESS = Place("the environment of this process")

_BASH = ("~/.bash_profile", "~/.bash_login", "~/.profile")
_FILES: dict[str, tuple[tuple[str, str], ...]] = {
    "bash": (("profile", "/etc/profile"), ("profile", "/etc/profile.d/*.sh"), ("shell-rc", "/etc/bash.bashrc"),
             *(("profile", file) for file in _BASH), ("shell-rc", "~/.bashrc")),
    "zsh": (("shell-rc", "/etc/zsh/zshenv"), ("shell-rc", "~/.zshenv"), ("profile", "/etc/zsh/zprofile"),
            ("profile", "~/.zprofile"), ("shell-rc", "/etc/zsh/zshrc"), ("shell-rc", "~/.zshrc"), ("profile", "~/.zlogin")),
    "fish": (("shell-rc", "/etc/fish/config.fish"), ("shell-rc", "/etc/fish/conf.d/*.fish"),
             ("shell-rc", "~/.config/fish/conf.d/*.fish"), ("shell-rc", "~/.config/fish/config.fish")),
    "sh": (("profile", "/etc/profile"), ("profile", "/etc/profile.d/*.sh"), ("profile", "~/.profile")),
}  # fmt: skip
WANTS = (
    "/etc/environment",
    *sorted({path for files in _FILES.values() for _, path in files}),
    "/etc/profile.d",
    "/etc/fish/conf.d",
    "~/.config/fish/conf.d",
)
_PAM = r"(?m)^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)=(.*?)[ \t\r]*$"
_FISH = (
    r"(?m)^(?P<indent>[ \t]*)set[ \t]+(?:-(?:gx|xg|x|Ux|xU)|(?:--?\w+[ \t]+)*?--export(?:[ \t]+--?\w+)*|-g[ \t]+-x|-x[ \t]+-g)"
    r"[ \t]+(?P<name>\w+)[ \t]*(?P<value>[^\n;#]*)"
)


class _Origin(NamedTuple):
    origin: str
    file: str
    text: str
    user: str | None
    keep: frozenset[str]

    def variable(self, name: str, value: str | None, start: int, end: int) -> Iterator[Variable]:
        if not redact.concerns(name, self.keep):
            return
        line, column = jsonc.position(self.text, start)
        kept = None if value is None else redact.variable(name, value, self.keep)
        statement = self.text[start:end].partition("\n")[0].rstrip()
        if kept != value or value is None:
            before = statement.partition("=")[0].rpartition(name)[0]
            shown = "…" if value is None else kept
            statement = f"{before if before in ('export ', 'declare -x ') else ''}{name}={shown}"
        yield Variable(name, kept, self.origin, Place(self.file, line, column, statement), self.user)


class Reader:
    """Reads sessions; what all users share is read from disk once."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._texts: dict[str, str | Gap | None] = {}

    def session(self, user: User) -> Session:
        known = {"HOME": user.home, "USER": user.name, "LOGNAME": user.name, "PATH": DEFAULT_PATH}
        variables: list[Variable] = []
        gaps: list[Gap] = []
        for origin, path in (("environment-file", "/etc/environment"), *self._files(user)):
            text = self._text(path)
            if isinstance(text, Gap):
                gaps.append(text)
            elif text is not None:
                owner = user.name if path.startswith(f"{user.home}/") or origin != "environment-file" else None
                variables += _variables(_Origin(origin, path, text, owner, self._machine.keep), known)
        if self._machine.caller == user and self._machine.environ is not None:
            known.update(self._machine.environ)
            variables += self._process(user, variables)
        searched = tuple(dict.fromkeys(filter(None, known["PATH"].split(":"))))
        config = known.get("CLAUDE_CONFIG_DIR") or f"{user.home}/.claude"
        return Session(tuple(variables), searched, config, known.get("NPM_CONFIG_PREFIX"), tuple(gaps))

    def _process(self, user: User, set_in_files: list[Variable]) -> Iterator[Variable]:
        """The process has the last word, and a file that says the same is where it comes from."""
        for name, value in sorted((self._machine.environ or {}).items()):
            if not redact.concerns(name, self._machine.keep):
                continue
            kept = redact.variable(name, value, self._machine.keep)
            same = [v.place for v in set_in_files if (v.name, v.value) == (name, kept)]
            yield Variable(name, kept, "process", same[-1] if same else PROCESS, user.name)

    def _files(self, user: User) -> Iterator[tuple[str, str]]:
        login = False
        for origin, pattern in _FILES.get(user.shell, _FILES["sh"]):
            if pattern in _BASH and user.shell == "bash":
                path = user.home + pattern[1:]
                if login or self._text(path) is None:
                    continue  # bash reads the first of the three
                login = True
            path = user.home + pattern[1:] if pattern.startswith("~/") else pattern
            folder, star, ending = path.partition("/*")
            if not star:
                yield origin, path
            else:
                yield from ((origin, f"{folder}/{name}") for name in self._names(folder) if name.endswith(ending))

    def _names(self, folder: str) -> list[str]:
        names = read_folder(self._machine.tree, folder)
        return [] if isinstance(names, Gap) else names

    def _text(self, path: str) -> str | Gap | None:
        if path not in self._texts:
            found = read_text(self._machine.tree, path, 1024 * 1024)
            self._texts[path] = found.text if isinstance(found, Text) else found
        return self._texts[path]


def _variables(origin: _Origin, known: dict[str, str]) -> Iterator[Variable]:
    if origin.origin == "environment-file":
        for found in re.finditer(_PAM, origin.text):
            value = found[2].strip()
            known[found[1]] = value = value[1:-1] if len(value) > 1 and value[0] == value[-1] in "'\"" else value
            yield from origin.variable(found[1], value, found.start(1), found.end(2))
    elif origin.file.endswith(".fish"):
        for found in re.finditer(_FISH, origin.text):
            raw = found["value"].strip()
            plain = raw[1:-1] if len(raw) > 1 and raw[0] == raw[-1] in "'\"" else raw
            value = None if found["indent"] or "$" in plain or "(" in plain else plain
            yield from origin.variable(found["name"], value, found.start("name"), found.end("value"))
    else:
        yield from _assigned(origin, known)


def _assigned(origin: _Origin, known: dict[str, str]) -> Iterator[Variable]:
    exported = {"PATH"} | set(known)
    for found in shell.assignments(origin.text, known):
        if found.exported:
            exported.add(found.name)
        if found.name in exported:
            yield from origin.variable(found.name, found.value, found.start, found.end)
