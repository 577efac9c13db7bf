"""A compose file's services, with what compose fills into their texts: its defaults, and ``.env`` beside it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from cc_fleet.model import Gap
from cc_fleet.records import NamedTuple
from cc_fleet.repo import Repository
from cc_fleet.repo.reading import document as documents
from cc_fleet.repo.reading import dotenv, interpolation
from cc_fleet.repo.reading.build import Build, build
from cc_fleet.repo.reading.document import Document, Node, elements, get, items, text_of
from cc_fleet.repo.reading.interpolation import COMPOSE, Reading
from cc_fleet.repo.reading.values import Value

FILE = re.compile(r"(?:.*/)?(?:(?:docker-|podman-)?compose[\w.-]*|[\w.-]+\.(?:docker-)?compose)\.ya?ml", re.IGNORECASE)
MOST = 500  # services of a file


class Compose(NamedTuple):
    """A compose file: its document and the values of ``.env``."""

    document: Document
    env: dict[str, Value]

    @property
    def folder(self) -> str:
        return posixpath.dirname(self.document.file)

    def services(self) -> Iterator[tuple[str, Node]]:
        """The services by their names."""
        for number, (key, node) in enumerate(items(get(self.document.root, "services"))):
            if number < MOST and node.kind == "map":
                yield key.value, node

    def fill(self, node: Node, cut: int = 0) -> tuple[Value, ...]:
        """What a text may be, from its character ``cut`` on."""
        if node.kind != "text":
            return ()
        source = self.document.script(node)
        reading = Reading(COMPOSE, self._look, lambda at, shown: source.place(min(at + cut, len(source.text)), shown))
        return interpolation.fill(node.value[cut:], reading)

    def text(self, node: Node | None) -> str | None:
        """The one text that a node has, None where it is not known."""
        values = self.fill(node) if node is not None else ()
        return values[0].text if values else None

    def named(self, node: Node | None) -> Iterator[tuple[str, Value]]:
        """The names of a map or of a list of ``NAME=value``; one without a value is what ``.env`` has."""
        for key, value in items(node):
            if value.null:
                yield from ((key.value, one) for one in self._look(key.value))
            elif value.kind == "text":
                yield from ((key.value, one) for one in self.fill(value))
        for item in elements(node) if node is not None and node.kind == "list" else ():
            name, equals, _ = (text_of(item) or "").partition("=")
            values = self.fill(item, len(name) + 1) if equals else self._look(name)
            yield from ((name, one) for one in values)

    def _look(self, name: str) -> tuple[Value, ...]:
        return (self.env[name],) if name in self.env else ()


def read(repository: Repository, file: str) -> Compose | Gap | None:
    """The compose file ``file``; None where it is none."""
    text = repository.text(file)
    if text is None:
        return None
    found = documents.yaml(file, text)
    if isinstance(found, Gap):
        return found
    if not found or found[0].root.kind != "map":
        return None
    beside = posixpath.join(posixpath.dirname(file), ".env")
    env = dotenv.values(beside, repository.text(beside) or "") if repository.has(beside) else {}
    return Compose(found[0], env)


def builds(repository: Repository, file: str) -> Iterator[Build]:
    """The images that the services are built as."""
    compose = read(repository, file)
    if not isinstance(compose, Compose):
        return
    for _, service in compose.services():
        node = get(service, "build")
        if node is None or get(node, "dockerfile_inline") is not None:
            continue
        context = compose.text(node if node.kind == "text" else get(node, "context"))
        args = compose.named(get(node, "args")) if node.kind == "map" else ()
        yield build(repository, (compose.folder,), context, compose.text(get(node, "dockerfile")), inside=True)._replace(args=tuple(args))
