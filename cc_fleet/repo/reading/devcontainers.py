"""What a devcontainer.json gives the Dockerfile that it builds, and what its ``${localEnv:NAME:default}`` stand for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cc_fleet.model import Gap
from cc_fleet.repo import Repository
from cc_fleet.repo.reading.build import Build, build
from cc_fleet.repo.reading.document import Document, Node, get, items, json, text_of
from cc_fleet.repo.reading.values import Value

FILE = re.compile(r"(?:.*/)?\.?devcontainer\.json")
LOCAL = re.compile(r"\$\{(?:localEnv|containerEnv|env):([A-Za-z_]\w*)(?::([^}]*))?\}")


def builds(repository: Repository, file: str) -> Iterator[Build]:
    """The image that a devcontainer is built as."""
    text = repository.text(file)
    found = json(file, text) if text and "args" in text else None
    if found is None or isinstance(found, Gap):
        return
    about = get(found.root, "build")
    dockerfile = text_of(get(about, "dockerfile")) or text_of(get(found.root, "dockerFile"))
    made = build(repository, (file.rpartition("/")[0],), text_of(get(about, "context")), dockerfile, inside=False)
    args = tuple((key.value, value(found, node)) for key, node in items(get(about, "args")) if node.kind == "text")
    if args:
        yield made._replace(args=args)


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
        return Value(found[2], document.place(node))
    if "${" in node.value:
        return Value(None, document.place(node), f"`{node.value}`")
    return Value(node.value, document.value_place(node))
