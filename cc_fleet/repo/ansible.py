"""Ansible: tasks, blocks and handlers of playbooks and roles, with the variables of plays, roles, groups and hosts.

Modules that are read: npm, pip, homebrew and homebrew_cask, the system's package managers, shell, command, raw,
get_url of the installer with the task that runs it, docker_container. `{{ name }}`, `| default('…')` and loops
over lists are filled in; where groups or a play give a variable another value than the role's default, each is
one declaration. What only the inventory of a run, a registered result or an extra variable tells is not known.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

from cc_fleet.model import Gap
from cc_fleet.records import NamedTuple
from cc_fleet.repo import Repository
from cc_fleet.repo.reading import exposed, installs, powershell, recognise
from cc_fleet.repo.reading.declare import Asked, declared
from cc_fleet.repo.reading.document import Document, Node, elements, get, items, text_of, yaml
from cc_fleet.repo.reading.jinja import EXPRESSION, Variables
from cc_fleet.repo.reading.source import Source
from cc_fleet.repo.reading.values import Context, Filled, Template, Value

WANTS = ("*.yml", "*.yaml")
_TASKS = ("tasks", "pre_tasks", "post_tasks", "handlers", "block", "rescue", "always")
_SHELLS = frozenset(("shell", "command", "raw", "script", "win_shell", "win_command"))
_SYSTEM = frozenset(("apt", "dnf", "yum", "package", "apk", "zypper", "pacman"))
_PLAYS = ("hosts", "import_playbook")
_DEEPEST = 20
_NPM = re.compile(r"(@anthropic-ai/claude-code|@musistudio/claude-code-router|@portkey-ai/gateway)(?:@(.+))?")


class _Task(NamedTuple):
    """A task: its document, its variables, what its list fetched before."""

    document: Document
    node: Node
    variables: Variables
    fetched: dict[str, Node]


def read(repository: Repository, file: str) -> Iterator[Any]:
    if file.startswith((".github/", ".gitlab")):
        return
    text = repository.text(file) or ""
    if not _looks_like_tasks(text):
        return
    found = yaml(file, text)
    if isinstance(found, Gap):
        yield found
        return
    for document in found:
        if document.root.kind == "list" and _is_list_of_tasks(document.root):
            yield from _list(document, document.root, Variables(repository, document), 0)


def _looks_like_tasks(text: str) -> bool:
    """Whether the first thing that is no comment is a list."""
    return re.match(r"\ufeff?(?:[ \t\r]*+(?:#[^\n]*+|---[^\n]*+|%[^\n]*+)?\n)*+[ \t]*-[ \t\r\n]", text) is not None


def _is_list_of_tasks(root: Node) -> bool:
    for item in elements(root)[:50]:
        keys = {key.value for key, _ in items(item)}
        if keys & {*_PLAYS, *_TASKS} or any(_module(key) for key in keys):
            return True
    return False


def _module(key: str) -> str | None:
    """The short name of a module that is read."""
    name = key.rpartition(".")[2]
    known = {"npm", "pip", "homebrew", "homebrew_cask", "get_url", "docker_container", "podman_container", "docker_image", "win_get_url"}
    return name if name in known or name in _SHELLS or name in _SYSTEM else None


def _list(document: Document, node: Node, variables: Variables, depth: int) -> Iterator[Any]:
    fetched: dict[str, Node] = {}
    for item in elements(node) if depth < _DEEPEST else ():
        if item.kind != "map":
            continue
        inner = variables.within(get(item, "vars"))
        for key, value in items(item):
            if key.value in _TASKS:
                yield from _list(document, value, inner, depth + 1)
        yield from _task(_Task(document, item, inner, fetched))


def _task(task: _Task) -> Iterator[Any]:
    for key, value in items(get(task.node, "environment")):
        if value.kind == "text":
            found = exposed.credential(key.value, Value(value.value, task.document.value_place(value)))
            yield from [found] if found else []
    for key, value in items(task.node):
        name = _module(key.value)
        if name is None:
            continue
        for variables in task.variables.looped(task.node):
            yield from _run(task._replace(variables=variables), name, value)


def _run(task: _Task, name: str, node: Node) -> Iterator[Any]:
    """What one module installs."""
    if name in _SHELLS:
        yield from _commands(task, name, node)
        return
    if node.kind == "text":
        node = _short(node, task.document)
    state = text_of(get(node, "state"))
    if state in ("absent", "removed"):
        return
    if name in ("get_url", "win_get_url"):
        url, dest = get(node, "url"), text_of(get(node, "dest"))
        if url is not None and dest and recognise.SCRIPT.search(text_of(url) or ""):
            task.fetched[dest] = url
    elif name in ("docker_container", "podman_container", "docker_image"):
        for at in (get(node, "image"), get(node, "name") if name == "docker_image" else None):
            for filled in task.variables.filled(at):
                yield from installs.image(filled, task.document.place(at or node, at.value if at else None))
    else:
        yield from _package(task, name, node)


def _package(task: _Task, name: str, node: Node) -> Iterator[Any]:
    version = get(node, "version")
    for at in elements(get(node, "name")) or elements(get(node, "pkg")):
        for named in task.variables.filled(at):
            if (found := _named(name, named.text)) is None:
                continue
            product, scheme, written = found
            here = named.place is not None and named.place.text == named.text and named.place.file == task.document.file
            place = named.place if here and named.place is not None else task.document.place(at, at.value)
            asked = Asked(product, {"homebrew_cask": "brew", "homebrew": "brew"}.get(name, name), place, None, scheme)
            state = get(node, "state")
            if version is not None and not version.null:
                for filled in task.variables.filled(version):
                    yield declared(asked, filled)
            elif written:
                yield declared(asked, Filled(written, named.place, named.why))
            elif state is not None and text_of(state) == "latest" and name == "npm":
                yield declared(asked, Filled("latest", task.document.value_place(state)))
            elif not (product == "litellm" and "[proxy" not in named.text):
                yield declared(asked, None)


def _named(module: str, text: str) -> tuple[str, str, str | None] | None:
    """The product that a module's ``name`` names, how its versions are written, and one that stands in the name."""
    if module == "npm" and (found := _NPM.fullmatch(text)):
        return recognise.NODE[found[1]], "npm", found[2]
    if module == "pip" and (found := re.fullmatch(r"litellm(?:\[[\w, -]+\])?(?:==(.+))?", text)):
        return "litellm", "exact", found[1]
    if module in ("homebrew", "homebrew_cask") and (found := re.fullmatch(r"claude-code(?:@(.+))?", text)):
        return "cli", "exact", found[1]
    if module in _SYSTEM and (found := re.fullmatch(r"claude-code(?:[=-](\d.*))?", text)):
        return "cli", "exact", found[1]
    return None


def _commands(task: _Task, name: str, node: Node) -> Iterator[Any]:
    argv = get(node, "argv")
    script = get(node, "cmd") or get(node, "_raw_params") or node
    if argv is not None:
        source = _joined(task.document, argv)
    elif script.kind == "text":
        source = task.document.script(script)
    else:
        return
    source = _after_fetching(task, source)
    context = Context({}, Template(EXPRESSION, task.variables.expression))
    yield from (powershell if name == "win_shell" else installs).installs(source, context)


def _joined(document: Document, argv: Node) -> Source:
    """The words of a program as a script."""
    words = [item for item in elements(argv) if item.kind == "text"]
    texts = [shlex.quote(item.value) if re.search(r"\s", item.value) and "{{" not in item.value else item.value.replace("\n", " ") for item in words]
    places = [document.place(item) for item in words]
    lines, columns = tuple(place.line or 1 for place in places) or (1,), tuple(place.column or 1 for place in places) or (1,)
    return Source.of(document.file, " \\\n".join(texts), lines, columns)


def _after_fetching(task: _Task, source: Source) -> Source:
    """The script with a line before it for each installer that an earlier task fetched and it names."""
    for dest, url in task.fetched.items():
        if dest in source.text:
            place, count = task.document.place(url), source.text.count("\n") + 1
            head = f"curl -o {dest} {url.value}"
            begins = (place.column or 1) - (len(head) - len(url.value))
            source = Source.of(source.file, f"{head}\n{source.text}", (place.line or 1, *source.lines[:count]), (begins, *source.columns[:count]))
    return source


def _short(node: Node, document: Document) -> Node:
    """``name=x version=1`` as a map."""
    pairs = []
    for found in re.finditer(r"(\w+)=(\"[^\"]*\"|'[^']*'|(?:\{\{[^{}]*\}\}|\S)+)", document.whole.text[node.start : node.end]):
        start = node.start + found.start(2)
        quoted = found[2][:1] in "\"'"
        value = Node("text", found[2].strip("\"'"), start, node.start + found.end(2), found[2][:1] if quoted else "")
        pairs.append((Node("text", found[1], node.start + found.start(1), node.start + found.end(1)), value))
    return Node("map", tuple(pairs), node.start, node.end)


