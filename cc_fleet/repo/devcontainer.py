"""devcontainer.json: features, commands, build arguments, extensions and variables; comments are allowed there.

Read are `.devcontainer/devcontainer.json`, `.devcontainer/NAME/devcontainer.json` and `.devcontainer.json`, and a
feature's own `devcontainer-feature.json`. A feature's tag (`:1`) is the feature's version: which Claude Code it
installs is its `version` option, or whatever is newest, also where `devcontainer-lock.json` holds the feature.
`${localEnv:NAME:default}` is its default here. Build arguments are judged in the Dockerfile that they are for.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

from cc_fleet.model import Declared, Gap, Job
from cc_fleet.repo import Repository
from cc_fleet.repo.reading import environment, installs
from cc_fleet.repo.reading.declare import Asked, declared
from cc_fleet.repo.reading.devcontainers import LOCAL, local, value
from cc_fleet.repo.reading.document import Document, Node, elements, get, items, json, text_of
from cc_fleet.repo.reading.source import Source
from cc_fleet.repo.reading.values import Context, Filled, Template

WANTS = ("devcontainer.json", ".devcontainer.json", ".devcontainer/**/*.json", "devcontainer-feature.json")
_COMMANDS = ("initializeCommand", "onCreateCommand", "updateContentCommand", "postCreateCommand", "postStartCommand", "postAttachCommand")
_FEATURE = re.compile(r"(?:.*/)?claude-code(?:-cli)?(?::[^/]*|@[^/]*)?")
_PACKAGE = re.compile(r"@anthropic-ai/claude-code(?:@(.+))?")
_EXTENSION = re.compile(r"(anthropic\.claude-code)(?:@(.+))?", re.IGNORECASE)


def read(repository: Repository, file: str) -> Iterator[Any]:
    found = json(file, repository.text(file) or "")
    if isinstance(found, Gap):
        yield found
        return
    if found.root.kind != "map" or file.endswith("devcontainer-lock.json"):
        return
    facts = list(_installed(found, file))
    yield from facts
    first = next((fact for fact in facts if isinstance(fact, Declared) and fact.product == "cli"), None)
    if first is not None:
        yield Job(file, "devcontainer", first.used or first.place)
    for name in ("containerEnv", "remoteEnv"):
        given = {key.value: (value(found, node),) for key, node in items(get(found.root, name)) if node.kind == "text"}
        yield from environment.variables(given, file, repository.keep)
    yield from _extensions(found)


def _installed(document: Document, file: str) -> Iterator[Any]:
    for key, options in items(get(document.root, "features")):
        yield from _feature(document, file, key, options)
    context = Context({}, Template(LOCAL, lambda text: (local(text),)), file)
    for name in _COMMANDS:
        for script in _scripts(document, get(document.root, name)):
            yield from installs.installs(script, context)
    image = get(document.root, "image")
    if image is not None and (reference := text_of(image)):
        yield from installs.image(Filled(reference, document.value_place(image)), document.value_place(image), file)


def _feature(document: Document, file: str, key: Node, options: Node) -> Iterator[Declared]:
    package = get(options, "package")
    named = _PACKAGE.fullmatch(text_of(package) or "") if package is not None and key.value.partition(":")[0].endswith("/npm-package") else None
    if named is None and not _FEATURE.fullmatch(key.value):
        return
    asked = Asked("cli", "devcontainer-feature", document.place(key, key.value), file, "npm" if named else "exact")
    version = get(options, "version")
    text = text_of(version) if version is not None else options.value if options.kind == "text" else None
    if version is None and named is not None and named[1] and package is not None:
        yield declared(asked, Filled(named[1], document.place(package, package.value)))
    elif text:
        node = version if version is not None else options
        yield declared(asked, Filled(text, document.value_place(node)))
    else:
        yield declared(asked, None)


def _scripts(document: Document, node: Node | None) -> Iterator[Source]:
    """A command as a text, as the words of a program, or several by name."""
    if node is None:
        return
    if node.kind == "map":
        for _, value in items(node):
            yield from _scripts(document, value if value.kind != "map" else None)
    elif node.kind == "list":
        words = [item for item in elements(node) if item.kind == "text"]
        places = [document.place(item) for item in words]
        texts = [shlex.quote(item.value) if re.search(r"\s", item.value) else item.value for item in words]
        if texts and not any("\n" in text for text in texts):
            lines = tuple(place.line or 1 for place in places)
            columns = tuple((place.column or 1) - text.startswith("'") for place, text in zip(places, texts, strict=True))
            yield Source.of(document.file, " \\\n".join(texts), lines, columns)
    elif text_of(node):
        yield document.script(node)


def _extensions(document: Document) -> Iterator[Declared]:
    listed = (*elements(get(document.root, "customizations", "vscode", "extensions")), *elements(get(document.root, "extensions")))
    for node in listed:
        if found := _EXTENSION.fullmatch(text_of(node) or ""):
            place = document.place(node, node.value)
            asked = Asked("anthropic.claude-code", "devcontainer", place)
            spec = Filled(found[2], place._replace(column=(place.column or 1) + found.start(2), text=found[2])) if found[2] else None
            yield declared(asked, spec)
