"""The environment that a user's session starts with, from the files that make it.

Order: ``/etc/environment``, the shell's system files, the user's own; for the caller of a
live machine the process has the last word.  A variable that only a condition or a command
sets has no value here (facts: what a shell would do is not guessed).  PATH alone is taken
under a condition too: distributions write ``if [ -d ~/.local/bin ]``, and a folder that is
not there cannot win a search.
"""

from __future__ import annotations

import posixpath
import re
from typing import Iterator, NamedTuple

from ..model import Gap, Place, Variable
from . import commands, jsonc, redact, shell
from .machine import Machine, Session, User
from .text import Text, read_folder, read_text

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PROCESS = Place("the environment of this process")
_SHELL_KNOWS = "only running the shell would tell which folder holds the settings"
_RELATIVE = "is relative to the folder that Claude Code is started in, which alone tells which folder holds the settings"

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
WANTS = (
    "/etc/environment",
    *sorted({path for files in _FILES.values() for _, path in files}),
    "/etc/profile.d",
    "/etc/fish/conf.d",
    "~/.config/fish/conf.d",
)
# Texts, compiled where they are used: most homes have no fish.
_FISH = (
    r"(?s)(?P<space>(?:[ \t\r]|\\\n)+)|(?P<op>&&|\|\||[\n;&|])|(?P<open>\()|(?P<close>\))"
    r"|'[^'\\]*(?:\\.[^'\\]*)*'?|\"[^\"\\]*(?:\\.[^\"\\]*)*\"?|[^ \t\r\n;&|()'\"\\]+|\\.|."
)
_FISH_PIECE = (
    r"(?s)'(?P<single>[^'\\]*(?:\\.[^'\\]*)*)'?|(?P<quote>\")|\\(?P<escape>[^A-Za-z0-9])"
    r"|\$(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?![A-Za-z0-9_\[])|(?P<plain>[^'\"\\$()*?{}~]+)|(?P<odd>.)"
)
_BLOCKS = frozenset("if for while function switch begin".split())


class _Origin:
    """A file, and what is known of the session while it is read."""

    def __init__(self, origin: str, file: str, text: str, user: str | None, keep: frozenset[str]) -> None:
        self.origin, self.file, self.text, self.user, self.keep = origin, file, text, user, keep
        self._lines: jsonc.Lines | None = None

    def variable(self, name: str, value: str | None, start: int, end: int) -> Iterator[Variable]:
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
            statement = f"{before if before in ('export ', 'declare -x ') else ''}{name}={shown}"
        yield Variable(name, kept, self.origin, Place(self.file, line, column, statement), self.user)


class _Known(NamedTuple):
    """What a session's names hold so far, and which of them are exported."""

    values: dict[str, str]
    exported: set[str]


class Reader:
    """Reads sessions; what all users share is read from disk once."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._texts: dict[str, str | Gap | None] = {}

    def session(self, user: User) -> Session:
        values = {"HOME": user.home, "USER": user.name, "LOGNAME": user.name, "PATH": DEFAULT_PATH}
        known = _Known(values, set(values))
        variables: list[Variable] = []
        gaps: list[Gap] = []
        for origin, path in (("environment-file", "/etc/environment"), *self._files(user, gaps)):
            text = self._text(path)
            if isinstance(text, Gap):
                gaps.append(text)
            elif text is not None:
                owner = user.name if path.startswith(f"{user.home}/") or origin != "environment-file" else None
                variables += _variables(_Origin(origin, path, text, owner, self._machine.keep), known, user.shell)
        if self._machine.caller == user and self._machine.environ is not None:
            values.update(self._machine.environ)
            known.exported.update(self._machine.environ)
            variables += self._process(user, variables)
        folders = (folder for folder in values.get("PATH", "").split(":") if folder and shell.UNKNOWN not in folder)
        config = self._config(user, known, variables, gaps)
        prefix = values.get("NPM_CONFIG_PREFIX") if "NPM_CONFIG_PREFIX" in known.exported else None
        return Session(tuple(variables), tuple(dict.fromkeys(folders)), config, prefix, tuple(gaps))

    def _config(self, user: User, known: _Known, variables: list[Variable], gaps: list[Gap]) -> str:
        """The settings' folder.  The client takes a relative one from the folder it is started in, "" too (measured)."""
        usual = f"{user.home}/.claude"
        told = [variable for variable in variables if variable.name == "CLAUDE_CONFIG_DIR"]
        if told and told[-1].value is None:
            gaps.append(Gap(_SHELL_KNOWS, told[-1].place))
            return usual
        folder = known.values.get("CLAUDE_CONFIG_DIR")
        if folder is None or "CLAUDE_CONFIG_DIR" not in known.exported or shell.UNKNOWN in folder:
            return usual
        if not folder.startswith("/"):
            if self._machine.caller != user or self._machine.cwd is None:
                gaps.append(Gap(_RELATIVE, told[-1].place if told else PROCESS))
                return usual
            folder = f"{self._machine.cwd}/{folder}"
        return "/" + posixpath.normpath(folder).lstrip("/")

    def _process(self, user: User, set_in_files: list[Variable]) -> Iterator[Variable]:
        """The process has the last word, and a file that says the same is where it comes from."""
        places = {(one.name, one.value): one.place for one in set_in_files}
        for name, value in sorted((self._machine.environ or {}).items()):
            if not redact.concerns(name, self._machine.keep):
                continue
            kept = redact.variable(name, value, self._machine.keep)
            yield Variable(name, kept, "process", places.get((name, kept), PROCESS), user.name)

    def _files(self, user: User, gaps: list[Gap]) -> Iterator[tuple[str, str]]:
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
                continue
            names = read_folder(self._machine.tree, folder)
            if isinstance(names, Gap):
                gaps.append(names)
            else:
                yield from ((origin, f"{folder}/{name}") for name in names if name.endswith(ending))

    def _text(self, path: str) -> str | Gap | None:
        if path not in self._texts:
            found = read_text(self._machine.tree, path, 1024 * 1024)
            self._texts[path] = found.text if isinstance(found, Text) else found
        return self._texts[path]


def _variables(origin: _Origin, known: _Known, kind: str) -> Iterator[Variable]:
    if origin.origin == "environment-file":
        yield from _environment(origin, known)
    elif origin.file.endswith(".fish"):
        yield from _fish(origin, known)
    else:
        for found in shell.assignments(origin.text, known.values, known.exported, zsh=kind == "zsh"):
            if found.exported:
                yield from origin.variable(found.name, found.value, found.start, found.end)


def _environment(origin: _Origin, known: _Known) -> Iterator[Variable]:
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


def _fish_commands(text: str) -> Iterator[tuple[list[commands.Word], bool]]:
    """The commands of a fish text: words as they are written, and whether a condition or block holds them."""
    words: list[commands.Word] = []
    at, begin, parentheses, blocks, joined = 0, -1, 0, 0, False
    token = re.compile(_FISH)
    while at <= len(text):
        found = token.match(text, at)
        kind, start = (found.lastgroup or "word", at) if found else ("op", at)
        piece = found[0] if found else ""
        at = found.end() if found else at + 1
        if piece[:1] == "#" and begin < 0:
            at = text.find("\n", start)
            at = len(text) if at < 0 else at
        elif kind in ("word", "open", "close") or (parentheses and found):
            begin = start if begin < 0 else begin
            parentheses = max(0, parentheses + (kind == "open") - (kind == "close"))
        else:
            if begin >= 0:
                words.append(commands.Word(text[begin:start], begin, start))
                begin = -1
            if kind == "op":
                first = words[0].raw if words else ""
                blocks = max(0, blocks - (first == "end"))
                yield words, blocks > 0 or joined or first in ("and", "or", "not", "!")
                blocks += first in _BLOCKS
                joined = piece in ("&&", "||", "|", "&") or (joined and piece == "\n" and not words)
                words = []


def _fish(origin: _Origin, known: _Known) -> Iterator[Variable]:
    """What ``set`` and ``fish_add_path`` do."""
    for words, conditional in _fish_commands(origin.text):
        at = 0
        while at < len(words) - 1 and words[at].raw in ("and", "or", "not", "!", "builtin", "else"):
            at += 1
        first = words[at].raw if words else ""
        if first in ("exit", "return", "exec") and not conditional:
            return
        if first not in ("set", "fish_add_path"):
            continue
        at += 1
        options = ""
        while at < len(words) and words[at].raw.startswith("-"):
            option = words[at].raw
            options += {"--export": "x", "--erase": "e", "--query": "q", "--names": "n"}.get(option, option[2:3]) if option[1:2] == "-" else option
            at += 1
        if first == "fish_add_path" or (at < len(words) and words[at].raw == "fish_user_paths"):
            _fish_set(known, "PATH", words[at + (first == "set") :], "a" if "a" in options else "p")
        elif at < len(words) and not set(options) & set("qSn"):
            name = words[at].raw
            if "e" in options:
                known.values.pop(name, None)
            value = "" if "e" in options else _fish_set(known, name, words[at + 1 :], options)
            if "x" in options or name in known.exported:
                known.exported.add(name)
                yield from origin.variable(name, None if conditional else value, words[at].start, words[at if "e" in options else -1].end)
            if conditional and name != "PATH":
                known.values.pop(name, None)
            elif set(options) & set("eu"):
                known.exported.discard(name)


def _fish_set(known: _Known, name: str, words: list[commands.Word], options: str) -> str | None:
    """Give ``name`` the ``words``; what is not known of PATH stands in it as such."""
    separator = ":" if name == "PATH" else " "
    values, size = [], 0
    for word in words:
        values.append(_fish_value(word.raw, known.values))
        size += len(values[-1])
        if size > shell.LONGEST:
            values, size = [shell.UNKNOWN], 0
            break
    old = known.values.get(name, shell.UNKNOWN)
    values = [*values, old] if "p" in options else [old, *values] if "a" in options or (name == "PATH" and values == [shell.UNKNOWN]) else values
    given = separator.join(values)
    if len(given) <= shell.LONGEST and (name == "PATH" or shell.UNKNOWN not in given):
        known.values[name] = given
    elif name != "PATH":
        known.values.pop(name, None)
    return given if len(given) <= shell.LONGEST and shell.UNKNOWN not in given else None


def _fish_value(raw: str, known: dict[str, str]) -> str:
    parts: list[str] = []
    size, quoted = 0, False
    for found in re.finditer(_FISH_PIECE, raw):
        kind = str(found.lastgroup)
        piece = found[kind]
        if kind == "quote":
            piece, quoted = "", not quoted
        elif kind == "single" and quoted:
            return shell.UNKNOWN  # an apostrophe: where the string ends was not seen
        elif kind == "single":
            piece = re.sub(r"\\([\\'])", r"\1", piece)
        elif kind == "name":
            piece = known.get(piece, shell.UNKNOWN)
        elif kind == "escape" and quoted and piece not in '"$\\\n':
            piece = found[0]
        elif kind == "escape":
            piece = piece.replace("\n", "")
        elif kind == "odd" and piece == "~" and found.start() == 0 and raw[1:2] in ("", "/"):
            piece = known.get("HOME", shell.UNKNOWN)
        elif kind == "odd" and not (quoted and piece in "*?{}~"):
            return shell.UNKNOWN
        parts.append(piece)
        size += len(piece)
        if size > shell.LONGEST:
            return shell.UNKNOWN
    return "".join(parts)
