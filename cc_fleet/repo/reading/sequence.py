"""Scripts of a CI job that run one after another in one shell: what the first assigns, the next ones see."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cc_fleet.host import redact
from cc_fleet.model import Declared, Place
from cc_fleet.records import NamedTuple
from cc_fleet.repo.reading import installs
from cc_fleet.repo.reading.source import Source
from cc_fleet.repo.reading.values import Context, Value

WORDS = re.compile(r"claude|anthropic|litellm", re.IGNORECASE)
_OTHER_LANGUAGES = re.compile(r"(?:\S*/)?(?:python|node|perl|ruby|deno|Rscript)", re.IGNORECASE)
_POWERSHELL = re.compile(r"(?:\S*/)?(?:pwsh|powershell)", re.IGNORECASE)
_RUNS = re.compile(r"^[ \t]*(?:&[ \t]*)?(claude(?:\.exe|\.cmd)?)(?=[ \t]+(?!install\b|update\b|--version)|$)", re.MULTILINE)


class Followed(NamedTuple):
    """What scripts come to: facts, where they first run Claude Code, and what they export of variables that concern it."""

    facts: tuple[Any, ...]
    runs: Place | None
    exported: Mapping[str, tuple[Value, ...]]

    @property
    def place(self) -> Place | None:
        """Where Claude Code is first brought, else where it is run."""
        return brought(self.facts) or self.runs


def brought(facts: Iterable[Any]) -> Place | None:
    """Where the first of these facts brings Claude Code."""
    found = (fact for fact in facts if isinstance(fact, Declared) and (fact.product == "cli" or fact.installer == "action"))
    first = next(found, None)
    return None if first is None else first.used or first.place


def follow(sources: Iterable[Source], context: Context, shell: str = "bash") -> Followed:
    """Follow the scripts in the language of ``shell``."""
    facts: list[Any] = []
    runs: Place | None = None
    exported: dict[str, tuple[Value, ...]] = {}
    batch = shell.lower().startswith("cmd")
    for source in _joined(sources):
        if _OTHER_LANGUAGES.match(shell):
            break
        if batch or _POWERSHELL.match(shell):
            from cc_fleet.repo.reading import powershell

            facts += powershell.installs(source, context, batch=batch)
            if runs is None and (found := _RUNS.search(source.text)):
                runs = source.place(found.start(1), found[1])
            continue
        read = installs.read(source, context)
        facts += read.facts
        runs = runs or read.runs
        context = context._replace(variables=read.names)
        exported.update({name: read.names[name] for name in read.exported if name in read.names and redact.concerns(name)})
    return Followed(tuple(facts), runs, exported)


def _joined(sources: Iterable[Source]) -> Iterator[Source]:
    """Neighbours of one file as one script."""
    group: list[Source] = []
    for source in sources:
        if group and group[-1].file != source.file:
            yield _one(group)
            group = []
        group.append(source)
    if group:
        yield _one(group)


def _one(group: list[Source]) -> Source:
    if len(group) == 1:
        return group[0]
    lines = tuple(line for source in group for line in source.lines)
    columns = tuple(column for source in group for column in source.columns)
    return Source.of(group[0].file, "\n".join(source.text for source in group), lines, columns)


def concern(text: str, values: Mapping[str, tuple[Value, ...]]) -> bool:
    """Whether a script can have to do with Claude Code or a gateway: it says so, or names something that does."""
    if WORDS.search(text):
        return True
    names = set(re.findall(r"\$(?:env:|\{|\()?([A-Za-z_]\w*)", text)) | set(re.findall(r"env\.([A-Za-z_]\w*)", text))
    return any(value.text is not None and WORDS.search(value.text) is not None for name in names for value in values.get(name, ()))
