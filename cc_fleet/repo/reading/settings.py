"""A settings file of a repository as facts, for whom it is said: everybody in a project's folder, an image, nobody yet.

A template is read with its expressions masked: what an expression decides is not known, so no fact
is made of it, and what no masking makes JSON is a Gap.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import Any

from cc_fleet.host import jsonc
from cc_fleet.host.facts.settings import LIMIT, File, document
from cc_fleet.host.machine import Machine
from cc_fleet.model import Credential, Gap, Place, Rejected
from cc_fleet.records import NamedTuple
from cc_fleet.repo import Repository
from cc_fleet.repo.reading import exposed

SUFFIXES = (".tpl", ".j2", ".tmpl", ".jinja", ".jinja2", ".template", ".erb", ".gotmpl")
_EXPRESSION = r"\{\{.{0,500}?\}\}|\{%.{0,500}?%\}|\{#.{0,500}?#\}|<%.{0,500}?%>|\$\{[^{}\n]{0,200}\}|%\{[^{}\n]{0,200}\}"
_TOKEN = re.compile(rf'(?P<string>"(?>{_EXPRESSION}|[^"\\\n]|\\.)*+")|(?P<expression>{_EXPRESSION})', re.DOTALL)
# What decides which lines there are, and is no value.
_STATEMENT = re.compile(r"\{%|\{#|%\{|<%(?!=)|\{\{-?\s*(?:if|else|end|range|with|define|template|block|include|/\*)\b|\{\{-?\s*/\*")


class _Masked(NamedTuple):
    """A template's text as JSON: where its expressions stood, and whether any was no part of a text."""

    text: str
    spots: tuple[int, ...]
    outside: bool


def facts(repository: Repository, file: str, scope: str, user: str | None = None, project: str | None = None) -> Iterator[Any]:
    """What the settings file ``file`` says, in the scope in which it will stand; nothing where it is not there."""
    text = repository.text(file)
    if text is None:
        return
    if len(text) > LIMIT:
        yield Rejected("is over 2 MiB", Place(file), scope, user, "size")
        return
    read = _readable(file, text)
    if isinstance(read, Gap):
        yield read
    else:
        yield from told(repository, File(file, scope, user, project), read)


def machine(repository: Repository) -> Machine:
    """What the readers of a machine's files ask, of a repository."""
    return Machine(repository.tree, "repository", "", "linux", (), privileged=False, keep=repository.keep)


def told(repository: Repository, file: File, read: _Masked) -> Iterator[Any]:
    """The facts of a document, without those that an expression decides, and with credentials that are ones."""
    unknown, plain = _positions(read)
    for fact in document(machine(repository), file, read.text):
        position = (fact.place.line, fact.place.column)
        if position in unknown or (isinstance(fact, Gap) and fact.reason.startswith(("sends ", "names "))):
            continue  # where it will stand it may send the client elsewhere; here it hides nothing
        if not isinstance(fact, Credential):
            yield fact
        elif position not in plain:
            yield fact._replace(readable_by="everyone", user=None)


def whole(text: str) -> _Masked:
    """A text that holds no expressions."""
    return _Masked(text, (), outside=False)


def _readable(file: str, text: str) -> _Masked | Gap:
    """The document as JSON: itself, or where it is a template with its expressions masked."""
    template = file.endswith(SUFFIXES) or "/templates/" in f"/{file}"
    if not template and (not re.search(_EXPRESSION, text, re.DOTALL) or _error(text) is None):
        return whole(text)
    masked = _masked(text)
    if (wrong := _error(masked.text)) is None:
        return masked
    if template or masked.outside:
        return Gap(f"is a template that is no JSON without what its expressions give: {wrong.what}", Place(file, wrong.line, wrong.column))
    return whole(text)


def _error(text: str) -> jsonc.JsoncError | None:
    try:
        jsonc.parse(text, strict=True)
    except jsonc.JsoncError as err:
        return err
    return None


def _masked(text: str) -> _Masked:
    spots: list[int] = []
    outside = False

    def mask(found: re.Match[str]) -> str:
        nonlocal outside
        if found["string"] is not None:
            if not re.search(_EXPRESSION, found[0], re.DOTALL):
                return found[0]
            value = '""'
        else:
            outside = True
            value = "" if _STATEMENT.match(found[0]) else "null" if len(found[0]) > 3 else "0"
        if value:
            spots.append(found.start())
        return value + re.sub(r"[^\n]", " ", found[0][len(value) :])

    return _Masked(_TOKEN.sub(mask, text), tuple(spots), outside)


def _positions(read: _Masked) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    """Where members stand whose value an expression decides, and those whose value is no secret."""
    unknown: set[tuple[int, int]] = set()
    plain: set[tuple[int, int]] = set()
    try:
        left = [jsonc.parse(read.text, strict=True)]
    except jsonc.JsoncError:
        return unknown, plain
    lines = jsonc.Lines(read.text)
    while left:
        for member in (left.pop().members or {}).values():
            node = member.node
            if node.members:
                left.append(node)
            elif _holds(read.spots, member.start, node.end):
                unknown.add(lines.position(member.start))
            elif isinstance(node.value, str) and node.value and not exposed.is_secret(node.value):
                plain.add(lines.position(member.start))
    return unknown, plain


def _holds(spots: tuple[int, ...], start: int, end: int) -> bool:
    at = bisect_left(spots, start)
    return at < len(spots) and spots[at] < end
