"""What the files that make a session's environment have in common: what is known so far, and what they say."""

from __future__ import annotations

import posixpath
import re
from typing import Callable, Iterator, Union

from ..model import Gap, Place, Variable
from ..records import NamedTuple
from . import jsonc, redact, shell
from .machine import Machine, Session, User

PROCESS = Place("the environment of this process")
IMAGE = "image config"  # where what stands in an image's own environment is said
_FOLDERS = 500  # of a PATH; no more are searched
_SHELL_KNOWS = "only running the shell would tell which folder holds the settings"
_RELATIVE = "is relative to the folder that Claude Code is started in, which alone tells which folder holds the settings"


class Known(NamedTuple):
    """What a session's names hold so far, and which of them are exported."""

    values: dict[str, str]
    exported: set[str]


class Origin:
    """A file that sets variables: its place among the origins, its text, whose it is (None: everybody's)."""

    def __init__(self, origin: str, file: str, text: str, user: str | None, keep: frozenset[str]) -> None:
        self.origin, self.file, self.text, self.user, self.keep = origin, file, text, user, keep
        self._lines: jsonc.Lines | None = None

    def variable(self, name: str, value: str | None, start: int, end: int) -> Iterator[Variable]:
        """The variable that ``text[start:end]`` sets, if it concerns anybody; ``value`` None: only a shell would tell."""
        if not redact.concerns(name, self.keep):
            return
        self._lines = self._lines or jsonc.Lines(self.text)
        line, column = self._lines.position(start)
        kept = None if value is None else redact.variable(name, value, self.keep)
        newline = self.text.find("\n", start, end)
        statement = self.text[start : newline if newline >= 0 else end].rstrip()
        if kept != value or value is None:
            before = statement.partition("=")[0].rpartition(name)[0]
            shown = "…" if value is None else kept
            statement = f"{before if before in ('export ', 'declare -x ', '$env:') else ''}{name}={shown}"
        yield Variable(name, kept, self.origin, Place(self.file, line, column, statement), self.user)


def filled(pattern: str, known: Callable[[re.Match[str]], str], text: str, longest: int = shell.LONGEST) -> str:
    """``text`` with the names that ``pattern`` finds filled in, and cut where no value is longer."""
    parts: list[str] = []
    at = size = 0
    for found in re.finditer(pattern, text):
        parts += [text[at : found.start()], known(found)]
        at, size = found.end(), size + len(parts[-1]) + found.start() - at
        if size > longest:
            break
    return "".join([*parts, text[at:]])[:longest]


def environment(origin: Origin, known: Known) -> Iterator[Variable]:
    """``/etc/environment``, which pam_env reads by lines: ``#`` ends one wherever it stands."""
    at = 0
    for line in origin.text.split("\n"):
        text = line.partition("#")[0].rstrip(" \t\r")
        end, at = at + len(text), at + len(line) + 1
        text = text.lstrip(" \t")
        found = re.match(r"(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)=", text)
        if found is None or shell.UNKNOWN in text:
            continue
        name, value = found[1], text[found.end() :].strip()
        known.values[name] = value = value[1:-1] if len(value) > 1 and value[0] == value[-1] in "'\"" else value
        known.exported.add(name)
        yield from origin.variable(name, value, end - len(text) + found.start(1), end)


def finished(machine: Machine, user: User, known: Known, variables: list[Variable], gaps: list[Gap]) -> Session:
    """The session that the files make, the process's own environment laid over it where it is the caller's; an image's is everybody's."""
    if machine.environ is not None and (machine.caller == user or machine.kind == "image"):
        environ = {name.upper() if machine.os == "windows" else name: value for name, value in machine.environ.items()}
        known.values.update(environ)
        known.exported.update(environ)
        variables += _of_image(environ, machine.keep) if machine.kind == "image" else _process(environ, user, variables, machine.keep)
    path = known.values.get("PATH", "")
    folders = path.replace("\\", "/").split(";") if machine.os == "windows" else path.split(":")
    kept = (folder.strip('"') for folder in folders if folder and shell.UNKNOWN not in folder)
    prefix = known.values.get("NPM_CONFIG_PREFIX") if "NPM_CONFIG_PREFIX" in known.exported else None
    searched = tuple(dict.fromkeys(kept))
    if len(searched) > _FOLDERS:
        gaps.append(Gap(f"is a PATH of more than {_FOLDERS} folders, and what follows was not searched", Place(user.home)))
    return Session(tuple(variables), searched[:_FOLDERS], _config(machine, user, known, (variables, gaps)), prefix, tuple(gaps))


def _config(machine: Machine, user: User, known: Known, told: tuple[list[Variable], list[Gap]]) -> str:
    """The settings' folder.  The client takes a relative one from the folder it is started in, "" too (measured)."""
    usual, (variables, gaps) = f"{user.home}/.claude", told
    said = [variable for variable in variables if variable.name == "CLAUDE_CONFIG_DIR"]
    if said and said[-1].value is None:
        gaps.append(Gap(_SHELL_KNOWS, said[-1].place))
        return usual
    folder: Union[str, None] = known.values.get("CLAUDE_CONFIG_DIR")
    if folder is None or "CLAUDE_CONFIG_DIR" not in known.exported or shell.UNKNOWN in folder:
        return usual
    drive = ""
    if machine.os == "windows":
        folder = folder.replace("\\", "/")
        drive, folder = (folder[:2].upper(), folder[2:]) if re.match(r"[A-Za-z]:/", folder) else ("", folder)
    if not folder.startswith("/"):
        if machine.caller != user or machine.cwd is None:
            gaps.append(Gap(_RELATIVE, said[-1].place if said else PROCESS))
            return usual
        folder = f"{machine.cwd}/{folder}"
    return drive + "/" * (not drive and not re.match(r"[A-Za-z]:/", folder)) + posixpath.normpath(folder).lstrip("/" if not drive else "")


def _process(environ: dict[str, str], user: User, set_in_files: list[Variable], keep: frozenset[str]) -> Iterator[Variable]:
    """The process has the last word, and a file that says the same is where it comes from."""
    places = {(one.name, one.value): one.place for one in set_in_files}
    for name, value in sorted(environ.items()):
        if not redact.concerns(name, keep):
            continue
        kept = redact.variable(name, value, keep)
        yield Variable(name, kept, "process", places.get((name, kept), PROCESS), user.name)


def _of_image(environ: dict[str, str], keep: frozenset[str]) -> Iterator[Variable]:
    """What every process in a container gets."""
    for name, value in sorted(environ.items()):
        if redact.concerns(name, keep):
            kept = redact.variable(name, value, keep)
            yield Variable(name, kept, "process", Place(IMAGE, None, None, f"ENV {name}={kept}"))
