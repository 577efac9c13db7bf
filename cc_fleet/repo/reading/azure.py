"""Azure Pipelines: variables and parameters with their values, steps of every kind, local templates with what is given to them."""

from __future__ import annotations

import posixpath
import re
from collections import ChainMap
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from cc_fleet.repo import Repository
from cc_fleet.repo.reading import document as documents
from cc_fleet.repo.reading import expressions, sequence
from cc_fleet.repo.reading.document import Document, Node, elements, get, items, text_of
from cc_fleet.repo.reading.sequence import Shell
from cc_fleet.repo.reading.source import Source
from cc_fleet.repo.reading.values import Context, Template, Value

Values = tuple[Value, ...]
PATTERN = re.compile(r"\$\(([A-Za-z_][\w.]*)\)|\$\{\{\s*(?:(parameters|variables)(?:\.([\w-]+)|\[\s*'([\w.-]+)'\s*\]))?[^{}]*\}\}|\$\[\s*variables(?:\.([\w.]+)|\['([\w.]+)'\])\s*\]")
NAMES = re.compile(r"(?:.*/)?(?:[\w.-]*azure-pipelines?[\w.-]*\.ya?ml|\.?azure[\w-]*/.+\.ya?ml|\.pipelines/.+\.ya?ml|\.vsts-ci\.ya?ml|\.azuredevops/.+\.ya?ml)", re.IGNORECASE)
_TEMPLATE = re.compile(r"template:\s*[\"']?([^\s\"'#@{}]+)")
_STEPS = {"script": "", "bash": "bash", "pwsh": "pwsh", "powershell": "powershell"}
_TASKS = {"bash": "bash", "shellscript": "bash", "cmdline": "", "powershell": "pwsh", "batchscript": "cmd", "azurecli": "", "azurepowershell": "pwsh", "ssh": "bash", "commandline": ""}
DEEPEST, MOST, CALLERS = 20, 20_000, 50


def facts(repository: Repository, document: Document, file: str, keep: frozenset[str], depth: int = 0) -> Iterator[Any]:
    """The facts of a pipeline or template."""
    yield from _Pipeline(document, _given(repository, file, depth), keep).facts(file)


class _Scope:
    """What the names in one place stand for."""

    def __init__(self, parameters: Mapping[str, Values], variables: Mapping[str, Values]) -> None:
        self.parameters, self.variables = parameters, variables
        self.template = Template(PATTERN, self._resolve)

    def _resolve(self, whole: str) -> Values:
        found = PATTERN.fullmatch(whole)
        values: Values = ()
        if found is not None and found[2] == "parameters":
            values = self.parameters.get(found[3] or found[4] or "", ())
        elif found is not None:
            name = (found[1] or found[3] or found[4] or found[5] or found[6] or "").lower()
            values = self.variables.get(name, ())
        return values or (Value(None, None, f"`{expressions.shown(whole)}`, not set here"),)

    @cached_property
    def env(self) -> dict[str, Values]:
        """Variables as a script gets them."""
        return {name.upper().replace(".", "_"): values for name, values in self.variables.items()}


class _Pipeline:
    def __init__(self, document: Document, given: Mapping[str, Values], keep: frozenset[str]) -> None:
        self.document, self.keep, self.left = document, keep, MOST
        parameters = dict(given)
        for one in elements(get(document.root, "parameters")):
            if (name := text_of(get(one, "name"))) is not None:  # a list of them, or a map of defaults
                parameters[name] = (*self._defaults(one), *parameters.get(name, ()))
            else:
                for key, value in items(one):
                    if value.kind == "text":
                        parameters[key.value] = (Value(value.value, document.value_place(value)), *parameters.get(key.value, ()))
        self.scope = _Scope(parameters, {})
        self.count = document.whole.text.count("job:") + document.whole.text.count("deployment:")

    def _defaults(self, about: Node) -> list[Value]:
        default, allowed = get(about, "default"), get(about, "values")
        nodes = elements(default) if default is not None else elements(allowed)
        return [Value(one.value, self.document.value_place(one)) for one in nodes if one.kind == "text"]

    def facts(self, file: str) -> Iterator[Any]:
        yield from self._job(self.document.root, self.scope, file, 0, file)

    def variables(self, node: Node | None, scope: _Scope) -> _Scope:
        """``scope`` with the variables that ``node`` sets, in either form."""
        found: dict[str, Values] = {}
        inner = _Scope(scope.parameters, ChainMap(found, dict(scope.variables)))
        for one in elements(node):
            name, value = text_of(get(one, "name")), get(one, "value")
            pairs = [(name, value)] if name is not None and value is not None else [(key.value, below) for key, below in items(one)]
            for key, below in pairs:
                if key.startswith("${{"):
                    found.update(self.variables(below, scope).variables)
                elif below.kind == "text":
                    found[key.lower()] = expressions.fill(below.value, self.document.value_place(below), inner.template)
        return _Scope(scope.parameters, {**scope.variables, **found}) if found else scope

    def _job(self, node: Node, scope: _Scope, file: str, depth: int, name: str) -> Iterator[Any]:
        """A pipeline, stage or job: its own steps, and the jobs in it."""
        self.left -= 1
        if depth > DEEPEST or self.left < 0:
            return
        scope = self.variables(get(node, "variables"), scope)
        image = get(node, "container")
        image = get(image, "image") if image is not None and image.kind == "map" else image
        pictures = list(sequence.pictured(self.document, image, scope.template, name)) if image is not None and image.kind == "text" else []
        steps = get(node, "steps")
        if steps is not None or pictures:
            shell = "pwsh" if "windows" in (text_of(get(node, "pool", "vmImage")) or "").lower() else "bash"
            shells = self._shells(steps, scope, name, shell, depth)
            yield from sequence.told(name, "ci", sequence.worked(shells, pictures, scope.env, self.keep), self.keep)
        for below in self._below(node):
            job = text_of(get(below, "job")) or text_of(get(below, "deployment"))
            yield from self._job(below, scope, file, depth + 1, f"{file}#{job}" if job and self.count > 1 else name)

    def _below(self, node: Node) -> Iterator[Node]:
        for key, value in items(node):
            if key.value in ("stages", "jobs", "extends", "parameters", "resources", "containers") or key.value.startswith("${{"):
                yield from (one for one in elements(value) if one.kind == "map")
            elif key.value in ("strategy", "runOnce", "deploy", "rolling", "canary", "preDeploy", "routeTraffic", "postRouteTraffic", "on", "success", "failure"):
                yield value

    def _shells(self, steps: Node | None, scope: _Scope, job: str, shell: str, depth: int) -> Iterator[Shell]:
        for step in elements(steps):
            self.left -= 1
            if self.left < 0 or depth > DEEPEST:
                return
            for key, value in items(step):
                if key.value.startswith("${{"):
                    yield from self._shells(value, scope, job, shell, depth + 1)
            env = {key.value: expressions.fill(value.value, self.document.value_place(value), scope.template) for key, value in items(get(step, "env")) if value.kind == "text"}
            context = Context(ChainMap(env, scope.env), scope.template, job)
            for kind, language in _STEPS.items():
                if (script := get(step, kind)) is not None and script.kind == "text":
                    yield Shell((self.document.script(script),), context, language or shell)
            if (task := text_of(get(step, "task"))) is not None:
                yield from self._task(task.partition("@")[0].lower(), get(step, "inputs"), context, shell)

    def _task(self, name: str, inputs: Node | None, context: Context, shell: str) -> Iterator[Shell]:
        wanted = {key.value.lower(): value for key, value in items(inputs) if value.kind == "text"}
        if name in _TASKS:
            node = wanted.get("script") or wanted.get("inlinescript") or wanted.get("inline")
            if node is not None:
                yield Shell((self.document.script(node),), context, _TASKS[name] or shell)
        elif name == "npm" and (node := wanted.get("customcommand")) is not None:
            source = self.document.script(node)
            yield Shell((Source.of(source.file, "npm " + source.text, source.lines, (source.columns[0] - 4, *source.columns[1:])),), context)


def templates(repository: Repository) -> dict[str, tuple[str, ...]]:
    """The files of pipelines that use each local template."""
    return repository.once("azure templates", lambda: _users(repository))


def _users(repository: Repository) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for file in repository.files:
        if NAMES.fullmatch(file):
            for match in _TEMPLATE.finditer(repository.text(file) or ""):
                found.setdefault(_target(file, match[1]), {})[file] = None
    return {target: tuple(files) for target, files in found.items()}


def _target(file: str, path: str) -> str:
    return posixpath.normpath(path.lstrip("/") if path.startswith("/") else posixpath.join(posixpath.dirname(file), path))


def _given(repository: Repository, file: str, depth: int) -> dict[str, Values]:
    """The parameters that the users of a template give it."""
    found: dict[str, list[Value]] = {}
    for user in templates(repository).get(file, ())[:CALLERS] if depth < 2 else ():
        parsed = documents.yaml(user, repository.text(user) or "")
        for document in parsed if isinstance(parsed, list) else ():
            pipeline = _Pipeline(document, _given(repository, user, depth + 1), frozenset())
            scope = pipeline.variables(get(document.root, "variables"), pipeline.scope)
            for node in _uses(document.root, 0):
                if _target(user, (text_of(get(node, "template")) or "").partition("@")[0]) == file:
                    for key, value in items(get(node, "parameters")):
                        if value.kind == "text":
                            found.setdefault(key.value, []).extend(expressions.fill(value.value, document.value_place(value), scope.template))
    return {name: tuple(dict.fromkeys(values)) for name, values in found.items()}


def _uses(node: Node, depth: int) -> Iterator[Node]:
    if depth > DEEPEST:
        return
    if get(node, "template") is not None:
        yield node
    for _, value in items(node):
        if value.kind != "text":
            yield from _uses(value, depth + 1)
    if node.kind == "list":
        for one in node.value:
            yield from _uses(one, depth + 1)
