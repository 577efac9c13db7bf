"""The images that devcontainer.json files build: ``build.dockerfile``, ``build.context``, ``build.args``."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from cc_fleet.repo import Repository
from cc_fleet.repo.reading import document as documents
from cc_fleet.repo.reading.build import Build, build
from cc_fleet.repo.reading.document import Document, Node, get, items, text_of
from cc_fleet.repo.reading.values import Value

FILE = re.compile(r"(?:.*/)?\.?devcontainer\.json|(?:.*/)?\.devcontainer/(?:.*/)?[^/]+\.json")
LOCAL = re.compile(r"\$\{(?:localEnv|containerEnv|env):([A-Za-z_]\w*)(?::([^}]*))?\}")


def builds(repository: Repository, file: str) -> Iterator[Build]:
    """The image of a devcontainer, if it is built here."""
    text = repository.text(file) or ""
    found = documents.json(file, text) if "dockerfile" in text.lower() else None
    if not isinstance(found, Document):
        return
    node = get(found.root, "build")
    told = text_of(get(node, "dockerfile")) or text_of(get(node, "dockerFile")) or text_of(get(found.root, "dockerFile"))
    if told is None:
        return
    folder = posixpath.dirname(file)
    context = text_of(get(node, "context")) or text_of(get(found.root, "context")) or "."
    args = [(key.value, value(found, given)) for key, given in items(get(node, "args")) if given.kind == "text"]
    made = build(repository, (folder,), ".", told, inside=True)
    yield made._replace(args=tuple(args), contexts=build(repository, (folder,), context, told, inside=False).contexts)


def local(text: str) -> Value:
    """What ``${localEnv:NAME:default}`` is for everybody."""
    found = LOCAL.fullmatch(text)
    if found is None or not found[2]:
        return Value(None, None, f"`{text}`, which is the person's own")
    return Value(found[2], None)


def value(document: Document, node: Node) -> Value:
    """A text of a devcontainer.json, with its default where it asks the person's own environment."""
    found = LOCAL.fullmatch(node.value)
    if found is not None and found[2]:
        return Value(found[2], document.place(node)._replace(column=(document.place(node).column or 1) + found.start(2), text=found[2]))
    if "${" in node.value:
        return Value(None, document.place(node), f"`{node.value}`, which is the person's own")
    return Value(node.value, document.value_place(node))
