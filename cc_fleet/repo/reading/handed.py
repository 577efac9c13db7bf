"""What a step hands on to later ones: ``echo "version=2.1.17" >> "$GITHUB_OUTPUT"``, and the like in PowerShell."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice

from cc_fleet.records import NamedTuple
from cc_fleet.repo.reading import words
from cc_fleet.repo.reading.source import Source
from cc_fleet.repo.reading.values import Template, Value

MOST, FAR = 200, 20_000  # names that a script hands on; characters in which PowerShell's names are looked for

_TO = re.compile(r"(?:\$\{?(?:env:)?|\$env:|%)(?P<file>GITHUB_ENV|GITHUB_OUTPUT)\b")
_SET_OUTPUT = re.compile(r"::set-output name=(?P<name>[\w-]+)::(?P<value>[^\"'\n]*)")
_PAIR = re.compile(r"(?:^|[\s\"'(])(?P<name>[A-Za-z_][\w-]*)=(?P<value>\$\{\{[^\n]*?\}\}|\$\([^\n)]*\)|[^\s\"'`;|&]*)")
_HEREDOC = re.compile(r"<<-?\s*[\"']?(\w+)[\"']?")
_NAME = re.compile(r"\$\{?(?:env:)?([A-Za-z_]\w*)(?::?-([^}$]*))?\}?")
_FORMAT = re.compile(r"printf\s+[\"'](?P<name>[A-Za-z_][\w-]*)=%s(?:\\n)?[\"']\s+[\"']?(?P<value>[^\s\"']+)")


class Handed(NamedTuple):
    """A name that later steps get: in ``file`` (GITHUB_ENV or GITHUB_OUTPUT)."""

    file: str
    name: str
    values: tuple[Value, ...]


def handed(source: Source, names: Mapping[str, tuple[Value, ...]], template: Template) -> Iterator[Handed]:
    """Everything that a script hands on, given its names at its end; what cannot be read of it is unknown."""
    yield from islice(_handed(source, names, template), MOST)


def _handed(source: Source, names: Mapping[str, tuple[Value, ...]], template: Template) -> Iterator[Handed]:
    text = source.text
    for found in _SET_OUTPUT.finditer(text):
        yield Handed("GITHUB_OUTPUT", found["name"], _values(source, found, names, template))
    for file, start, end in _statements(text):
        pairs = () if "printf" in text[start:end] else _PAIR.finditer(text, start, end)
        for found in (*_FORMAT.finditer(text, start, end), *pairs):
            yield Handed(file, found["name"], _values(source, found, names, template))


def _statements(text: str) -> Iterator[tuple[str, int, int]]:
    """Where in ``text`` the lines stand that write to one of the two files."""
    at, opened, lines = 0, -1, text.split("\n")
    until, into, begun = "", "", 0
    for line in lines:
        end = at + len(line)
        to, stripped = _TO.search(line), line.strip()
        if until:
            if stripped == until:
                yield into, begun, at
                until = ""
        elif to and (mark := _HEREDOC.search(line)):
            until, into, begun = mark[1], to["file"], end
        elif to and stripped.startswith("}") and opened >= 0:
            yield to["file"], opened, at
        elif to:
            yield to["file"], at, end
        if stripped == "{":
            opened = end
        at = end + 1


def _values(source: Source, found: re.Match[str], names: Mapping[str, tuple[Value, ...]], template: Template) -> tuple[Value, ...]:
    text = found["value"]
    if template.pattern.fullmatch(text):
        return template.resolve(text)
    if "$" not in text and "`" not in text and "{{" not in text:
        return (Value(text, source.place(found.start("value"), text)),)
    name = _NAME.fullmatch(text)
    if name is None:
        return (Value(None, None, f"what `{words.command(text.strip('$()`'))}` prints"),)
    if name[1] in names:
        return names[name[1]]
    before = source.text[max(0, found.start() - FAR) : found.start()]
    assigned = list(re.finditer(rf"(?:^|[\s;])\$(?:env:)?{name[1]}\s*=\s*[\"']([^\"'$`\n]+)[\"']", before))
    if assigned:  # PowerShell's
        at = found.start() - len(before) + assigned[-1].start(1)
        return (Value(assigned[-1][1], source.place(at, assigned[-1][1])),)
    if name[2]:
        return (Value(name[2], source.place(found.start("value") + text.find(name[2]), name[2])),)
    return (Value(None, None, f"`{text}`, not set here"),)
