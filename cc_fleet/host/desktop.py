"""What a desktop session starts with before any shell runs: systemd's ``environment.d``, launchd's agents.

Programs that a desktop starts (an editor, a terminal) have these; a login over ssh has not.
"""

from __future__ import annotations

import re
from typing import Iterator

from ..model import Gap, Place, Variable
from . import redact, shell
from .origin import Known, Origin, filled
from .text import Text
from .tree import Missing, Tree, Unreadable

# The later folder's file replaces the earlier's of its name (environment.d(5)).
ENVIRONMENT_D = ("/usr/lib/environment.d", "/etc/environment.d")
AGENTS = "Library/LaunchAgents"
LIMIT = 1024 * 1024
WANTS = (*ENVIRONMENT_D, *(f"{folder}/*.conf" for folder in ENVIRONMENT_D), "~/.config/environment.d", "~/.config/environment.d/*.conf",
         f"/{AGENTS}", f"/{AGENTS}/*.plist", f"~/{AGENTS}", f"~/{AGENTS}/*.plist")  # fmt: skip
_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_SETENV = rf"launchctl\s+setenv\s+(?P<name>{_NAME})\s+(?:\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'|(?P<bare>[^\s;&|]+))"


def conf(origin: Origin, known: Known) -> Iterator[Variable]:
    """A file of ``environment.d``: ``NAME=VALUE`` with ``$NAME`` and ``${NAME}``, and no other shell."""
    at, left = 0, shell.ALL
    for line in origin.text.split("\n"):
        start, at = at, at + len(line) + 1
        found = re.match(rf"[ \t]*({_NAME})=", line)
        if found is None:
            continue
        value = line[found.end() :].strip()
        value = value[1:-1] if len(value) > 1 and value[0] == value[-1] in "'\"" else value
        value = filled(rf"\$\{{({_NAME})\}}|\$({_NAME})", lambda one: known.values.get(one[1] or one[2], ""), value)
        left -= len(value)
        odd = "$" in value or "\\" in value or left < 0
        known.exported.add(found[1])
        if odd and found[1] != "PATH":
            known.values.pop(found[1], None)
        elif not odd:
            known.values[found[1]] = value
        for one in origin.variable(found[1], None if odd else value, start + found.start(1), start + len(line.rstrip())):
            told = f"{found[1]}={'…' if one.value is None else one.value}"  # a `$` in the line may begin a password
            yield one._replace(place=one.place._replace(text=told)) if "$" in line else one


def agent(tree: Tree, path: str) -> Text | Gap | None:
    """The variables that a launchd agent sets for the session, a line each: ``launchctl setenv NAME VALUE``.

    Only agents that speak of ``setenv`` are parsed.
    """
    try:
        data = tree.read(path, LIMIT)
    except Missing:
        return None
    except Unreadable as err:
        return Gap(str(err), Place(path))
    if b"setenv" not in data or len(data) > LIMIT:
        return None
    from . import plist

    arguments: list[str] | None
    try:
        found = plist.loads(data)
        arguments = [one for one in found["ProgramArguments"] if isinstance(one, str)]
    except Exception:  # noqa: BLE001  # plistlib raises whatever a broken file makes it: Value, Overflow, Expat, Unicode …
        arguments = None
    if arguments is None or sum(map(len, arguments)) > LIMIT:
        return Gap("is no property list, and speaks of setenv, so what it sets cannot be read", Place(path))
    if arguments[:1] and arguments[0].rpartition("/")[2] == "launchctl" and arguments[1:2] == ["setenv"]:
        pairs = zip(arguments[2::2], arguments[3::2])  # noqa: B905  # Python 3.9
        return Text("\n".join(f"launchctl setenv {name} '{value}'" for name, value in pairs), len(data))
    return Text("\n".join(arguments), len(data))


def setenv(origin: Origin, known: Known) -> Iterator[Variable]:
    """What an agent's commands set; a value that a shell would have to make is not guessed."""
    for found in re.finditer(_SETENV, origin.text):
        name, value = found["name"], found["double"] or found["single"] or found["bare"] or ""
        odd = found["single"] is None and ("$" in value or "`" in value or "\\" in value)
        if not odd:
            known.values[name] = value
            known.exported.add(name)
        for one in origin.variable(name, None if odd else value, found.start(), found.end()):
            yield one._replace(place=Place(origin.file, text=f"launchctl setenv {name} {'…' if odd else redact.variable(name, value, origin.keep)}"))
