"""Managed settings that a Dockerfile puts where Claude Code reads them: copied from the repository, or written there."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from cc_fleet.host.facts.settings import File
from cc_fleet.records import NamedTuple
from cc_fleet.repo import Repository
from cc_fleet.repo.reading import build_args, script, settings
from cc_fleet.repo.reading.source import Source

FOLDER = "/etc/claude-code"
_FILE = re.compile(rf"{FOLDER}/(?:managed-settings\.json|managed-settings\.d/[^/]+\.json)")
MOST = 100  # files of one copy


class Copied(NamedTuple):
    """A file of the repository that becomes one of the image's settings files."""

    file: str
    scope: str


class Written(NamedTuple):
    """A settings file that stands in the Dockerfile itself."""

    target: str
    body: Source


def is_settings(target: str) -> bool:
    """Whether something that is put at ``target`` may be managed settings."""
    return target.rstrip("/") in (FOLDER, f"{FOLDER}/managed-settings.d") or _FILE.fullmatch(target) is not None


def scope(target: str) -> str:
    """Of which scope a settings file at ``target`` is."""
    return "drop-in" if "/managed-settings.d/" in target else "managed"


def sources(repository: Repository, dockerfile: str, given: list[str], target: str) -> Iterator[Copied]:
    """The settings files that ``COPY given… target`` brings, of the folder that the image is built in."""
    contexts = (*build_args.contexts(repository, dockerfile), posixpath.dirname(dockerfile), "")
    for told in given:
        for context in dict.fromkeys(contexts):
            found = list(_below(repository, posixpath.normpath(posixpath.join(context, told.lstrip("/"))), target))
            yield from found
            if found:
                break


def _below(repository: Repository, path: str, target: str) -> Iterator[Copied]:
    """``path`` itself, what it is a pattern of, or what is in the folder that it is."""
    if path.startswith(".."):
        return
    count = 0
    folder = "" if path == "." else f"{path}/"
    single = _FILE.fullmatch(target) is not None
    for file in repository.files:
        if file == path or ("*" in path and fnmatchcase(file, path) and file.count("/") == path.count("/")):
            at = target if single else f"{target.rstrip('/')}/{posixpath.basename(file)}"
        elif file.startswith(folder) and not single:
            at = f"{target.rstrip('/')}/{file[len(folder) :]}"
        else:
            continue
        if _FILE.fullmatch(at) and count < MOST:
            count += 1
            yield Copied(file, scope(at))


def written(source: Source) -> Iterator[Written]:
    """The settings that a script writes from a here-document or with one ``echo`` or ``printf``."""
    for command in script.read(source.text):
        raws = [raw.strip("\"'") for raw in command.writes]
        if command.words and command.words[0].raw == "tee":
            raws += [word.raw.strip("\"'") for word in command.words[1:]]
        target = next((raw for raw in raws if _FILE.fullmatch(raw)), None)
        if target is None:
            continue
        for body in command.bodies:
            yield Written(target, source.part(body.start, body.end))
        given = command.fed or command.words
        if given and given[0].raw in ("echo", "printf") and not command.bodies:
            yield from (Written(target, _inside(source, word.start, word.end, given[0].raw)) for word in given[1:] if "{" in word.raw)


def _inside(source: Source, start: int, end: int, printer: str) -> Source:
    """A quoted word without its quotes, joined where Docker joins lines; ``printf`` makes a line's end of ``\\n``."""
    quote = source.text[start]
    part = source.part(start + 1, end - 1) if quote in "'\"" else source.part(start, end)
    text = part.text.replace("\\\n", " \n")
    text = text.replace("\\n", "  ") if printer == "printf" else text
    return part.masked(re.sub(r"\\([\"$`\\])", r"\1", text) if quote == '"' else text)


def facts(given: Copied | Written, repository: Repository | None, job: str | None) -> Iterator[Any]:
    """What the settings hold, for the image ``job``; nothing where there is no image."""
    if repository is None or job is None:
        return
    if isinstance(given, Copied):
        yield from settings.facts(repository, given.file, given.scope, job)
        return
    body = given.body
    for fact in settings.told(repository, File(body.file, scope(given.target), job), settings.whole(body.text)):
        line, column = fact.place.line, fact.place.column
        row = min((line or 1) - 1, len(body.lines) - 1)
        yield fact._replace(place=fact.place._replace(line=body.lines[row], column=None if column is None else body.columns[row] + column - 1))
