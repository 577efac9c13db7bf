"""Scripts of a CI job that run one after another in one shell: what the first assigns, the next ones see."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from cc_fleet.host import redact
from cc_fleet.model import Credential, Declared, Gap, Job, Place
from cc_fleet.records import NamedTuple
from cc_fleet.repo.reading import environment, exposed, expressions, installs
from cc_fleet.repo.reading.document import Document, Node
from cc_fleet.repo.reading.source import Source
from cc_fleet.repo.reading.values import Context, Template, Value

MOST = 20_000  # facts of one file
WORDS = re.compile(r"claude|anthropic|litellm", re.IGNORECASE)
_OTHER_LANGUAGES = re.compile(r"(?:\S*/)?(?:python|node|perl|ruby|deno|Rscript)", re.IGNORECASE)
_POWERSHELL = re.compile(r"(?:\S*/)?(?:pwsh|powershell)", re.IGNORECASE)
_RUNS = re.compile(r"^[ \t]*(?:&[ \t]*)?(claude(?:\.exe|\.cmd)?)(?=[ \t]+(?!install\b|update\b|--version)|$)", re.MULTILINE)


class Done(NamedTuple):
    """What a job comes to; ``place`` is where it first brings or runs Claude Code."""

    facts: tuple[Any, ...]
    place: Place | None
    env: Mapping[str, tuple[Value, ...]]


def bounded(file: str, facts: Iterator[Any]) -> Iterator[Any]:
    """No more facts of one file than anybody reads, each declaration once."""
    seen: set[Any] = set()
    for number, fact in enumerate(islice(facts, MOST + 1)):
        if number == MOST:
            yield Gap(f"says more than {MOST} things of Claude Code", Place(file))
            return
        key = fact._replace(job=None) if isinstance(fact, Declared) else fact._replace(user=None) if isinstance(fact, Credential) else fact
        if key not in seen:
            seen.add(key)
            yield fact


def concerning(env: Mapping[str, tuple[Value, ...]], keep: frozenset[str]) -> dict[str, tuple[Value, ...]]:
    """Those variables that concern Claude Code."""
    return {name: values for name, values in env.items() if redact.concerns(name, keep)}


def told(name: str, kind: str, done: Done, keep: frozenset[str]) -> Iterator[Any]:
    """The facts of a job that was followed: itself and its environment only where Claude Code is in it."""
    yield from done.facts
    if done.place is not None:
        yield Job(name, kind, done.place)
        yield from environment.variables(done.env, name, keep)
    else:
        for key, values in done.env.items():
            for value in values:
                if (found := exposed.credential(key, value)) is not None:
                    yield found


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
    sources = list(sources)
    context = context._replace(variables=mentioned("\n".join(source.text for source in sources), context.variables))
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


def mentioned(text: str, values: Mapping[str, tuple[Value, ...]]) -> dict[str, tuple[Value, ...]]:
    """Those of ``values`` that ``text`` names: a script begins with no others, however many a file has."""
    names = dict.fromkeys(re.findall(r"[A-Za-z_]\w*", text))
    return {name: values[name] for word in names for name in (word, word.upper()) if name in values}


class Shell(NamedTuple):
    """Scripts of a job that run in one shell, with what they start with."""

    sources: Sequence[Source]
    context: Context
    language: str = "bash"


def worked(shells: Iterable[Shell], facts: Iterable[Any], env: Mapping[str, tuple[Value, ...]], keep: frozenset[str]) -> Done:
    """What a job comes to, given its scripts, the facts of its images, and the environment that all of it gets.

    A script's own variables are the first map of its, where they are several.
    """
    found = list(facts)
    gets = concerning(env, keep)
    runs: Place | None = None
    for shell in shells:
        text = "\n".join(source.text for source in shell.sources)
        if concern(text, shell.context.variables) or (shell.context.template is not None and shell.context.template.pattern.search(text)):
            done = follow(shell.sources, shell.context, shell.language)
            found += done.facts
            if done.place is not None:
                own = shell.context.variables
                gets.update({**concerning(own.maps[0] if isinstance(own, ChainMap) else own, keep), **done.exported})
            runs = runs or done.runs
    return Done(tuple(found), brought(found) or runs, gets)


def pictured(document: Document, node: Node, template: Template, job: str | None) -> Iterator[Declared]:
    """The gateway that the image which ``node`` names brings; what an image of Claude Code's name holds, its tag does not say."""
    if WORDS.search(node.value) or template.pattern.search(node.value):
        statement = document.place(node, node.value if len(node.value) < 200 else None)
        for one in expressions.filled(node.value, None, template):
            yield from (fact for fact in installs.image(one, statement, job) if fact.product != "cli")


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
