"""CircleCI: jobs with the commands that their steps call, parameters with defaults and what calls give."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Iterator
from typing import Any

from cc_fleet.records import NamedTuple
from cc_fleet.repo.reading import expressions, sequence
from cc_fleet.repo.reading.document import Document, Node, elements, get, items, text_of
from cc_fleet.repo.reading.sequence import Shell
from cc_fleet.repo.reading.values import Context, Template, Value

Values = tuple[Value, ...]
PATTERN = re.compile(r"<<\s*(pipeline\.)?parameters\.([\w-]+)\s*>>|<<[^<>\n]*>>")
DEEPEST, MOST = 8, 20_000


class Call(NamedTuple):
    """What a step calls, with what it gives, and the parameters of who calls."""

    name: str
    given: Node | None
    template: Template


def facts(document: Document, file: str, keep: frozenset[str]) -> Iterator[Any]:
    """The facts of a configuration."""
    config = _Config(document)
    jobs = dict(config.definitions("jobs"))
    for name, node in jobs.items():
        job = f"{file}#{name}" if len(jobs) > 1 else file
        template = config.template(get(node, "parameters"), [call for call in config.scheduled if call.name == name])
        env = config.environment(get(node, "environment"), template)
        images = [*config.images(node, template, job)]
        executor = get(node, "executor")
        if executor is not None:
            called = text_of(executor) or text_of(get(executor, "name")) or ""
            below = get(document.root, "executors", called)
            env = {**config.environment(get(below, "environment"), template), **env}
            images += config.images(below, template, job)
        shells = config.shells(get(node, "steps"), template, env, job, 0)
        yield from sequence.told(job, "ci", sequence.worked(shells, images, env, keep), keep)
    for name, node in config.definitions("commands"):
        if name not in config.called:
            template = config.template(get(node, "parameters"), [])
            yield from sequence.worked(config.shells(get(node, "steps"), template, {}, None, 0), (), {}, keep).facts


class _Config:
    def __init__(self, document: Document) -> None:
        self.document, self.left = document, MOST
        self.called: set[str] = set()
        self.commands = dict(self.definitions("commands"))
        top = get(document.root, "parameters")
        self.top = {key.value: self._default(about) for key, about in items(top)}
        plain = self.template(None, [])
        self.scheduled = [
            Call(name, given, plain)
            for _, flow in items(get(document.root, "workflows"))
            for one in elements(get(flow, "jobs"))
            for name, given in _named(one)
        ]

    def definitions(self, kind: str) -> Iterator[tuple[str, Node]]:
        """Jobs or commands, those of inline orbs too."""
        for owner in (self.document.root, *(orb for _, orb in items(get(self.document.root, "orbs")) if orb.kind == "map")):
            for key, node in items(get(owner, kind)):
                if node.kind == "map":
                    yield key.value, node

    def _default(self, about: Node) -> Values:
        default = get(about, "default")
        return (Value(default.value, self.document.value_place(default)),) if default is not None and default.kind == "text" else ()

    def template(self, parameters: Node | None, calls: list[Call]) -> Template:
        """Parameters by their defaults and what ``calls`` give."""
        known: dict[str, Values] = {}
        for key, about in items(parameters):
            found = list(self._default(about))
            for call in calls:
                for value in (get(call.given, key.value), get(call.given, "matrix", "parameters", key.value)):
                    for one in elements(value):
                        if one.kind == "text":
                            found += expressions.fill(one.value, self.document.value_place(one), call.template)
            known[key.value] = tuple(dict.fromkeys(found))

        def resolve(whole: str) -> Values:
            match = PATTERN.fullmatch(whole)
            values = () if match is None or match[2] is None else self.top.get(match[2], ()) if match[1] else known.get(match[2], ())
            return values or (Value(None, None, f"`{whole}`, not set here"),)

        return Template(PATTERN, resolve)

    def environment(self, node: Node | None, template: Template) -> dict[str, Values]:
        """A map of variables, or a list of such."""
        pairs = [pair for one in elements(node) for pair in items(one)]
        return {key.value: expressions.fill(value.value, self.document.value_place(value), template) for key, value in pairs if value.kind == "text"}

    def images(self, node: Node | None, template: Template, job: str) -> Iterator[Any]:
        for one in elements(get(node, "docker")):
            if (image := get(one, "image")) is not None and image.kind == "text":
                yield from sequence.pictured(self.document, image, template, job)

    def shells(self, steps: Node | None, template: Template, env: dict[str, Values], job: str | None, depth: int) -> Iterator[Shell]:
        """Every script of the steps, those of the commands that they call too."""
        for step in elements(steps):
            self.left -= 1
            if self.left < 0 or depth > DEEPEST:
                return
            for name, given in _named(step):
                if name == "run" and given is not None:
                    yield from self._run(given, template, env, job)
                elif name in ("when", "unless"):
                    yield from self.shells(get(given, "steps"), template, env, job, depth + 1)
                elif (command := self.commands.get(name.rpartition("/")[2])) is not None:
                    self.called.add(name.rpartition("/")[2])
                    inner = self.template(get(command, "parameters"), [Call(name, given, template)])
                    yield from self.shells(get(command, "steps"), inner, env, job, depth + 1)

    def _run(self, given: Node, template: Template, env: dict[str, Values], job: str | None) -> Iterator[Shell]:
        script = given if given.kind == "text" else get(given, "command")
        if script is not None and script.kind == "text":
            own = self.environment(get(given, "environment"), template)
            shell = text_of(get(given, "shell")) or "bash"
            yield Shell((self.document.script(script),), Context(ChainMap(own, env), template, job), shell)


def _named(step: Node) -> Iterator[tuple[str, Node | None]]:
    """``checkout`` or ``name: {…}``."""
    if (text := text_of(step)) is not None:
        yield text, None
    for key, value in items(step):
        yield key.value, value
