"""Taskfiles, cloud-init, Gitpod, lefthook, VS Code's tasks and their like: YAML and JSON whose keys say that a command stands there.

`{{.NAME}}` is filled in from `vars` and `env` of the file. YAML of other names counts where it begins with `#cloud-config`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from cc_fleet.model import Gap
from cc_fleet.repo import Repository
from cc_fleet.repo.reading import installs
from cc_fleet.repo.reading.document import Document, Node, elements, get, items, json, text_of, yaml
from cc_fleet.repo.reading.source import Source
from cc_fleet.repo.reading.values import Context, Template, Value

_NAMES = (
    "Taskfile*.y*ml", "taskfile*.y*ml", ".gitpod.y*ml", "lefthook*.y*ml", ".lefthook*.y*ml", ".pre-commit-config.y*ml", "process-compose*.y*ml", "mprocs.y*ml", "skaffold.y*ml",
    "render.y*ml", "apprunner.y*ml", "dagger.json", "conductor.json", "*cloud-init*.y*ml", "*cloud-config*.y*ml", "user-data*.y*ml", "user-data", "user_data", "**/.vscode/tasks.json",
)  # fmt: skip
WANTS = (*_NAMES, "*.yml", "*.yaml")
_NAMED_SO = re.compile(r"(?:.*/)?(?:[Tt]askfile[^/]*|\.gitpod|\.?lefthook[^/]*|\.pre-commit-config|process-compose[^/]*|mprocs|skaffold|render|apprunner|[^/]*cloud-(?:init|config)[^/]*|user-data[^/]*)\.ya?ml")
_KEYS = frozenset("cmd cmds command commands run runcmd bootcmd script scripts sh shell exec entry before after install setup init onCreate postCreate".split())
_NAMED = re.compile(r"\{\{\s*\.([A-Za-z_]\w*)\s*\}\}")
_DEEPEST, _MOST = 30, 20_000


def read(repository: Repository, file: str) -> Iterator[Any]:
    text = repository.text(file) or ""
    if file.endswith((".yml", ".yaml")) and not (_NAMED_SO.fullmatch(file) or text.startswith("#cloud-config")):
        return
    found = [given] if isinstance(given := json(file, text) if file.endswith(".json") else yaml(file, text), (Document, Gap)) else given
    for document in found:
        if isinstance(document, Gap):
            yield document
        elif document.root.kind == "map" and not _has_reader(document.root):
            yield from _Walk(document).facts()


def _has_reader(root: Node) -> bool:
    """Whether it is a manifest, a compose file, a workflow or GitLab's."""
    if any(get(root, key) is not None for key in ("apiVersion", "services", "jobs", "spec", "stages")):
        return True
    return any(get(value, "script") is not None for _, value in items(root))


class _Walk:
    """A document, and how many of its values were looked at."""

    def __init__(self, document: Document) -> None:
        self.document, self.count = document, 0
        self.names: dict[str, tuple[Value, ...]] = {}
        self._gather(document.root, 0)
        self.context = Context({}, Template(_NAMED, lambda found: self.names.get(found.strip("{} .")) or (Value(None, None, f"`{found}`, not set here"),)))

    def facts(self) -> Iterator[Any]:
        self.count = 0
        yield from self._below(self.document.root, 0)

    def _gather(self, node: Node, depth: int) -> None:
        self.count += 1
        if depth > _DEEPEST or self.count > _MOST:
            return
        for key, value in items(node):
            for name, given in items(value) if key.value in ("vars", "env", "environment") else ():
                if given.kind == "text":
                    self.names.setdefault(name.value, (Value(given.value, self.document.value_place(given)),))
            self._gather(value, depth + 1)
        for item in elements(node) if node.kind == "list" else ():
            self._gather(item, depth + 1)

    def _below(self, node: Node, depth: int) -> Iterator[Any]:
        self.count += 1
        if depth > _DEEPEST or self.count > _MOST:
            return
        for key, value in items(node):
            if key.value in _KEYS:
                yield from self._scripts(value, depth)
            elif key.value == "write_files":
                for file in elements(value):
                    if (content := get(file, "content")) is not None and (text_of(content) or "").startswith("#!"):
                        yield from self._scripts(content, depth)
            else:
                yield from self._below(value, depth + 1)
        for item in elements(node) if node.kind == "list" else ():
            yield from self._below(item, depth + 1)

    def _scripts(self, node: Node, depth: int) -> Iterator[Any]:
        if depth > _DEEPEST:
            return
        if node.kind == "map":
            yield from self._below(node, depth + 1)
            return
        listed = elements(node)
        for item in listed:
            if item.kind == "list":
                yield from self._words(item)
            elif item.kind == "map":
                yield from self._below(item, depth + 1)
                for key, value in items(item):
                    if key.value in ("cmd", "task"):
                        yield from self._scripts(value, depth + 1) if value.kind == "text" and key.value == "cmd" else ()
            elif _mentions(item.value):
                yield from installs.installs(self.document.script(item), self.context)

    def _words(self, node: Node) -> Iterator[Any]:
        """A program and its arguments."""
        words = [item for item in elements(node) if item.kind == "text" and "\n" not in item.value]
        texts = [f"'{item.value}'" if re.search(r"\s", item.value) and "'" not in item.value else item.value for item in words]
        if any(map(_mentions, texts)):
            places = [self.document.place(item) for item in words]
            lines, columns = tuple(place.line or 1 for place in places), tuple((place.column or 1) - text.startswith("'") for place, text in zip(places, texts, strict=True))
            yield from installs.installs(Source.of(self.document.file, " \\\n".join(texts), lines, columns), self.context)


def _mentions(text: str) -> bool:
    return "claude" in text.lower() or "litellm" in text.lower()
