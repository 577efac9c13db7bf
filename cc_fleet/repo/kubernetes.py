"""Kubernetes manifests, Helm charts and kustomizations: images of gateways, and containers that install or run Claude Code.

Of a chart's `values.yaml` an image is its `repository` (with `registry`) and `tag`, wherever they stand together; of
a manifest the `image` of each container, its `command` and `args` as a script, and its `env`; of a kustomization
`images` with `newTag`. A template of a chart is read where it parses with its expressions left open; what they
ask the values for is judged there. What a release's own values would set is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from cc_fleet.model import Declared, Gap, Job, Place
from cc_fleet.repo import Repository
from cc_fleet.repo.reading import environment, installs
from cc_fleet.repo.reading.document import Document, Node, elements, get, items, text_of, yaml
from cc_fleet.repo.reading.source import Source
from cc_fleet.repo.reading.values import UNKNOWN, Context, Filled, Value

WANTS = ("*.yml", "*.yaml")
_VALUES = re.compile(r"(?:.*/)?(?:[\w.-]*values[\w.-]*|[\w.-]*-values)\.ya?ml")
_TEMPLATED = re.compile(r"\{\{[^{}\n]{0,300}\}\}")
_DEEPEST, _MOST = 40, 50_000


def read(repository: Repository, file: str) -> Iterator[Any]:
    text = repository.text(file) or ""
    if _VALUES.fullmatch(file) or (re.search(r"^apiVersion:|^kind:|^images:", text, re.MULTILINE) and not re.search(r"^(?:services|jobs|stages):", text, re.MULTILINE)):
        yield from _read(repository, file, text)


def _read(repository: Repository, file: str, text: str) -> Iterator[Any]:
    templated = "/templates/" in f"/{file}" and "{{" in text
    shown = re.sub(r"^[ \t]*\{\{[^\n]*\}\}[ \t]*$", lambda found: " " * len(found[0]), text, flags=re.MULTILINE) if templated else text
    shown = _TEMPLATED.sub(lambda found: "_" * len(found[0]), shown) if templated else shown
    found = yaml(file, shown)
    if isinstance(found, Gap):
        yield from () if templated else (found,)
        return
    for document in found:
        yield from _Manifest(repository, document, _VALUES.fullmatch(file) is not None).facts()


class _Manifest:
    """A document, and how many of its values were looked at."""

    def __init__(self, repository: Repository, document: Document, values: bool) -> None:
        self.repository, self.document, self.values, self.count = repository, document, values, 0

    def facts(self) -> Iterator[Any]:
        if (not self.values and text_of(get(self.document.root, "kind")) == "Kustomization") or (get(self.document.root, "images") is not None and not self.values):
            yield from self._kustomized()
        yield from self._below(self.document.root, "", 0)

    def _below(self, node: Node, path: str, depth: int) -> Iterator[Any]:
        self.count += 1
        if depth > _DEEPEST or self.count > _MOST:
            return
        if self.values:
            yield from self._image_of_values(node)
        for key, value in items(node):
            if key.value in ("containers", "initContainers") and not self.values:
                for container in elements(value):
                    yield from self._container(container)
            else:
                yield from self._below(value, f"{path}.{key.value}", depth + 1)
        for item in elements(node) if node.kind == "list" else ():
            yield from self._below(item, path, depth + 1)

    def _image_of_values(self, node: Node) -> Iterator[Declared]:
        """``repository`` and ``tag`` beside each other; or ``image: name:tag``."""
        repository = get(node, "repository")
        image = get(node, "image")
        if repository is not None and (name := text_of(repository)):
            registry = text_of(get(node, "registry"))
            named = f"{registry}/{name}" if registry else name
            tag = get(node, "tag")
            yield from self._tagged(named, tag, self.document.place(repository, named))
        if image is not None and (reference := text_of(image)):
            tag = get(node, "tag") or get(node, "imageTag")
            if tag is not None and ":" not in reference.rpartition("/")[2]:
                yield from self._tagged(reference, tag, self.document.place(image, reference))
            else:
                yield from installs.image(Filled(reference, self.document.value_place(image)), self.document.value_place(image))

    def _tagged(self, name: str, tag: Node | None, place: Place) -> Iterator[Declared]:
        given = text_of(tag)
        for fact in installs.image(Filled(f"{name}:{given}" if given else name, place), place):
            if tag is None or not given:
                yield fact
                continue
            said = self.document.value_place(tag)
            at = given.find(fact.spec) if fact.spec else -1
            pin = said._replace(column=(said.column or 1) + at, text=fact.spec) if at >= 0 else None
            yield fact._replace(place=said._replace(text=f"{name}:{given}"), used=None, pin=pin)

    def _kustomized(self) -> Iterator[Declared]:
        for image in elements(get(self.document.root, "images")):
            name = text_of(get(image, "newName")) or text_of(get(image, "name"))
            if name and get(image, "newTag") is not None:
                yield from self._tagged(name, get(image, "newTag"), self.document.place(image, name))

    def _container(self, node: Node) -> Iterator[Any]:
        name = text_of(get(node, "name")) or "container"
        job = f"{self.document.file}#{name}"
        facts: list[Any] = []
        image = get(node, "image")
        if image is not None and (reference := text_of(image)) and "__" not in reference:
            facts += installs.image(Filled(reference, self.document.value_place(image)), self.document.value_place(image), job)
        given = self._environment(node)
        runs: Place | None = None
        for source in self._scripts(node):
            found = installs.read(source, Context(given, None, job))
            facts += found.facts
            runs = runs or found.runs
        cli = next((fact for fact in facts if isinstance(fact, Declared) and fact.product == "cli"), None)
        if cli is not None or runs is not None:
            yield Job(job, "image", (cli.used or cli.place) if cli is not None else runs or Place(self.document.file))
            yield from facts
            yield from environment.variables(given, job, self.repository.keep)
            return
        yield from (fact._replace(job=None) if isinstance(fact, Declared) else fact for fact in facts)
        for key, values in given.items():
            found_key = environment.credential(key, values[0])
            yield from [found_key] if found_key else []

    def _environment(self, node: Node) -> dict[str, tuple[Value, ...]]:
        given: dict[str, tuple[Value, ...]] = {}
        for entry in elements(get(node, "env")):
            name, value = text_of(get(entry, "name")), get(entry, "value")
            if name and value is not None:
                told = Value(value.value, self.document.value_place(value))
                given[name] = (told if "__" not in value.value else Value(None, told.place, "what a chart's values say"),)
            elif name:
                given[name] = (Value(None, self.document.place(entry), f"`{name}`, which the cluster has"),)
        return given

    def _scripts(self, node: Node) -> Iterator[Source]:
        """``command`` and ``args``: the script behind ``-c``, or the words of a program."""
        words = [item for key in ("command", "args") for item in elements(get(node, key)) if item.kind == "text"]
        flag = next((at for at, item in enumerate(words) if re.fullmatch(r"-\w*c", item.value)), None)
        if flag is not None and flag + 1 < len(words):
            yield self.document.script(words[flag + 1])
        elif words and not any("\n" in item.value for item in words):
            places = [self.document.place(item) for item in words]
            text = " \\\n".join(item.value if not re.search(r"[\s'\"]", item.value) else "'" + item.value.replace("'", UNKNOWN) + "'" for item in words)
            yield Source.of(self.document.file, text, tuple(place.line or 1 for place in places), tuple(place.column or 1 for place in places))
