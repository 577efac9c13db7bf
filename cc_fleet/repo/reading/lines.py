"""Commands in the lines of a file whose language is not read: Makefiles, justfiles, Terraform, Vagrantfiles, Jenkinsfiles.

A line (joined with those that it continues in) counts from the first word that installs things on.  Names
that the file sets by ``NAME = value`` in any of the usual ways are filled in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cc_fleet.model import Place
from cc_fleet.repo.reading import installs, recognise
from cc_fleet.repo.reading.source import Source
from cc_fleet.repo.reading.values import Context, Template, Value

_MENTIONS = ("claude", "litellm")
_BEGINS = re.compile(
    r"(?<![\w./@-])(?:(?:sudo|env|time)\s+(?:-\w+\s+)*)?(?:npm|pnpm|yarn|bun|npx|bunx|pnpx|deno|curl|wget|claude(?=\s+(?:install|update))|pip3?|uvx?|pipx|brew|mise|asdf|volta|nix|docker|podman|apt-get|apt|apk|dnf|code)\s"
)
_RUNS = re.compile(r"(?<![\w./-])(?:ba|z|da)?sh\s")
_PARAMETER = re.compile(r"^@?[\w-]+(?:[ \t]+[*+$]?\w+(?:=(?:\"[^\"\n]*\"|'[^'\n]*'|\w+))?){1,20}[ \t]*:", re.MULTILINE)
_COMMENT = re.compile(r"\s*(?:#|//|--|;|/?\*|rem\s)", re.IGNORECASE)
_SET = re.compile(
    r"^[ \t]*(?:export\s+|def\s+|local\s+|override\s+|set\s+)?(?P<name>[A-Za-z_][\w.-]*)\s*(?:[:?]{0,2}=|:(?=\s*[\"']))\s*(?P<quote>[\"']?)(?P<value>[^\"'\n#,]*?)(?P=quote)\s*,?\s*(?:#.*)?$",
    re.MULTILINE,
)
_DEFAULT = re.compile(r"^variable\s+\"(?P<name>\w+)\"\s*\{[^}]{0,2000}?\bdefault\s*=\s*\"(?P<value>[^\"\n]*)\"", re.MULTILINE)
_NAMED = re.compile(
    r"\$\((?P<make>[A-Za-z_]\w*)\)|\{\{\s*\.?(?P<just>[A-Za-z_][\w-]*)\s*\}\}|[$#]\{\s*(?:var|local|params|env|self)\.(?P<dotted>\w+)\s*\}|#\{\s*(?P<ruby>[A-Za-z_]\w*)\s*\}|\$\{(?P<brace>[A-Za-z_]\w*)\}"
)


def commands(whole: Source, job: str | None = None, given: Mapping[str, tuple[Value, ...]] | None = None) -> Iterator[Any]:
    """What the lines of ``whole`` install."""
    known = {**_names(whole), **(given or {})}

    def resolve(text: str) -> tuple[Value, ...]:
        found = _NAMED.fullmatch(text)
        name = next((one for one in found.groups() if one), "") if found else ""
        return known.get(name) or (Value(None, None, f"`{text}`, not set here"),)

    context = Context(known, Template(_NAMED, resolve), job)
    fetched: Source | None = None
    for start, end in _logical(whole.text):
        line = whole.text[start:end]
        small = line.lower()
        if not any(word in small for word in _MENTIONS) or _COMMENT.match(line):
            continue
        begin = _BEGINS.search(line) or (_RUNS.search(line) if fetched is not None else None)
        if begin is None or _printed(line[: begin.start()]):
            continue
        part = whole.part(start + begin.start(), start + _ending(line, begin.start()))
        part = part.masked(part.text.replace("$$", " $"))
        if recognise.SCRIPT.search(part.text) and "|" not in part.text:
            fetched = part
        elif fetched is not None and _RUNS.match(part.text):
            part = _after(fetched, part)
        yield from installs.installs(part, context)


def _after(first: Source, second: Source) -> Source:
    """Two lines as one script."""
    return Source.of(first.file, f"{first.text}\n{second.text}", (*first.lines, *second.lines), (*first.columns, *second.columns))


def _names(whole: Source) -> dict[str, tuple[Value, ...]]:
    found: dict[str, tuple[Value, ...]] = {}
    for pattern in (_SET, _DEFAULT):
        for one in pattern.finditer(whole.text):
            text = one["value"].strip()
            if "$(" not in text and "`" not in text and len(text) < 400:
                place: Place = whole.place(one.start("value"), text)
                found.setdefault(one["name"], (Value(text, place),))
    for header in _PARAMETER.finditer(whole.text):
        for one in re.finditer(r"(\w+)=(?:\"([^\"\n]*)\"|'([^'\n]*)')", header[0]):
            text, at = (one[2], one.start(2)) if one[2] is not None else (one[3], one.start(3))
            found.setdefault(one[1], (Value(text, whole.place(header.start() + at, text)),))
    return found


def _logical(text: str) -> Iterator[tuple[int, int]]:
    """Lines, each with those that it continues in."""
    at = 0
    while at < len(text):
        end = text.find("\n", at)
        while end > 0 and text[end - 1] == "\\":
            end = text.find("\n", end + 1)
        end = len(text) if end < 0 else end
        yield at, end
        at = end + 1


def _printed(before: str) -> bool:
    """Whether what stands before says that the rest is only shown."""
    return re.search(r"\b(?:echo|printf|print|puts|println|log\w*|warn\w*|error|info|@echo|description|desc|help|message|usage)\b[^&;|]*$", before) is not None


def _ending(line: str, begin: int) -> int:
    """Where the command ends that begins there: at the quote that was opened before it, else at the line's end."""
    quote = next((c for c in reversed(line[:begin]) if c in "\"'`"), "")
    if quote and line[:begin].count(quote) % 2:
        end = line.find(quote, begin)
        while end > 0 and line[end - 1] == "\\":
            end = line.find(quote, end + 1)
        return end if end >= 0 else len(line)
    return len(line)
