"""Kubernetes and Helm: the images of gateways, and containers that install or run Claude Code.

**Files**: manifests (YAML with `apiVersion` and `kind`), `kustomization.yaml`, `values*.yaml`, `*values.yaml`, a chart's templates.

**Forms**: `image:` of containers; `repository` and `tag` (also `registry`, `digest`) in values, at any depth, in a
HelmRelease and in `valuesObject`; `newTag` of kustomize; commands and arguments, which are scripts; `env`.

**Resolved**: in a template `{{ .Values.a.b }}` by the values.yaml of its chart; a tag that is left out, by the `appVersion` of
the chart whose values these are.

**Not resolved**: other templates, values of other charts, `helm install` with `--set`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

from cc_fleet.model import Declared, Gap, Job, Place
from cc_fleet.repo import Repository
from cc_fleet.repo.reading import document, environment, exposed, installs
from cc_fleet.repo.reading.document import Document, Node
from cc_fleet.repo.reading.source import Source
from cc_fleet.repo.reading.values import UNKNOWN, Context, Filled, Value

WANTS = ("*.yaml", "*.yml", "**/templates/*.tpl")
_SPEAKS = re.compile(r"litellm|claude-code|claude\.ai/install|ANTHROPIC_|CLAUDE_CODE|portkeyai/gateway")
_MANIFEST = re.compile(r"^(?:apiVersion|kind)[ ]*:", re.MULTILINE)
_VALUES = re.compile(r"(?:.*[._-])?values(?:[._-].*)?\.ya?ml")
_INNER = r"\{\{(?:[^{}]|\{(?!\{)|\}(?!\}))*+\}\}"
_EXPRESSION = re.compile(_INNER)
_IMAGE = re.compile(rf"^[ \t]*(?:-[ \t]+)?image:[ \t]*([\"']?)((?:{_INNER}|[^\s\"'#{{])++)\1[ \t\r]*(?:#.*)?$", re.MULTILINE)
_VALUE = re.compile(r"\{\{-?\s*\.Values\.([\w.]+)\s*(?:\|\s*(?:quote|toString)\s*)?-?\}\}")
_MOST = 50_000  # nodes that are looked at


def read(repository: Repository, file: str) -> Iterator[Any]:
    text = repository.text(file) or ""
    if not _SPEAKS.search(text) or file.startswith(".github/"):
        return
    name = file.rpartition("/")[2].lower()
    kustomized, values = name in ("kustomization.yaml", "kustomization.yml"), bool(_VALUES.fullmatch(name))
    if "/templates/" in f"/{file}" and "{{" in text:
        yield from _template(repository, file, text)
    elif kustomized or values or _MANIFEST.search(text):
        read = document.yaml(file, text)
        if isinstance(read, Gap):
            yield read
            return
        for found in read:
            if kustomized or values or (document.get(found.root, "kind") and document.get(found.root, "apiVersion")):
                yield from _Walk(repository, found, values=values).facts()


class _Walk:
    """A walk over a document, each node of it once."""

    def __init__(self, repository: Repository, found: Document, *, values: bool) -> None:
        self.repository, self.found, self.values = repository, found, values
        self.seen: set[int] = set()
        self.sealed = document.text_of(document.get(found.root, "kind")) == "SealedSecret"
        self.containers = 0

    def facts(self) -> Iterator[Any]:
        found = list(self._node(self.found.root))
        several = self.containers > 1
        for fact in found:  # a file of one container is that container
            yield fact if several else _unnamed(fact, self.found.file)

    def _node(self, root: Node) -> Iterator[Any]:
        todo = [root]
        while todo and len(self.seen) < _MOST:
            node = todo.pop()
            if id(node) in self.seen:
                continue
            self.seen.add(id(node))
            if node.kind == "list":
                todo += reversed(node.value)
            elif node.kind == "map":
                members = {key.value: value for key, value in document.items(node)}
                yield from self._map(members)
                todo += reversed([value for name, value in members.items() if not (self.sealed and name == "encryptedData")])

    def _map(self, members: dict[str, Node]) -> Iterator[Any]:
        image, said = members.get("image"), members.get("repository") or members.get("newName") or members.get("name")
        container = image is not None and image.kind == "text" and ("name" in members or "command" in members or "args" in members)
        job = self._job(members) if container else None
        if image is not None and image.kind == "text":
            facts = [*self._image(image, job), *(self._installed(members, job) if job else ())]
            yield from facts
            first = next((fact for fact in facts if isinstance(fact, Declared) and fact.product == "cli"), None)
            runs = self._runs(members)
            if job and (first or runs):
                yield Job(job, "image", first.used or first.place if first else runs or Place(self.found.file))
                yield from environment.variables(self._variables(members), job, self.repository.keep)
                self.seen |= {id(one) for one in document.elements(members.get("env"))}
                return
        if said is not None and said.kind == "text" and ("repository" in members or "newTag" in members or "newName" in members):
            yield from self._split(members, said)
        yield from self._credentials(members)

    def _job(self, members: dict[str, Node]) -> str:
        self.containers += 1
        return f"{self.found.file}#{document.text_of(members.get('name')) or self.containers}"

    def _image(self, image: Node, job: str | None) -> Iterator[Declared]:
        if "{{" not in image.value:
            yield from installs.image(Filled(image.value, self.found.value_place(image)), self.found.value_place(image), job)

    def _split(self, members: dict[str, Node], said: Node) -> Iterator[Declared]:
        """An image whose name and tag are two values."""
        tag = members.get("tag") or members.get("newTag")
        registry = document.text_of(members.get("registry"))
        name = f"{registry}/{said.value}" if registry else said.value
        if document.text_of(members.get("digest")) or "{{" in name:
            return
        place, text = None, document.text_of(tag) or ""
        if tag is not None and text:
            place = self.found.value_place(tag)
        elif self.values and (version := self._app_version()) is not None:
            text, place = version.text or "", version.place
        elif "newName" in members and "newTag" not in members:
            return
        for fact in installs.image(Filled(f"{name}:{text}" if text else name), self.found.value_place(said)):
            yield _moved(fact, text, place, self.found.value_place(said)) if place else fact

    def _app_version(self) -> Value | None:
        """What a chart takes where its values name no tag."""
        path = f"{self.found.file.rpartition('/')[0]}/Chart.yaml".removeprefix("/")
        read = document.yaml(path, self.repository.text(path) or "") if self.repository.has(path) else []
        for found in () if isinstance(read, Gap) else read:
            version = document.get(found.root, "appVersion")
            if version is not None and document.text_of(version):
                return Value(version.value, found.value_place(version))
        return None

    def _installed(self, members: dict[str, Node], job: str) -> Iterator[Declared]:
        for source in self._scripts(members):
            yield from installs.installs(source, Context(job=job))

    def _runs(self, members: dict[str, Node]) -> Place | None:
        return next((place for source in self._scripts(members) if (place := installs.read(source, Context()).runs)), None)

    def _scripts(self, members: dict[str, Node]) -> Iterator[Source]:
        """A container's command with its arguments; what is behind ``-c`` is a script."""
        words = [word for name in ("command", "args") for word in document.elements(members.get(name)) if word.kind == "text"]
        if not any(re.search("claude|litellm", word.value) for word in words):
            return
        behind = next((at + 1 for at, word in enumerate(words) if re.fullmatch(r"-\w*c", word.value)), len(words))
        if behind < len(words):
            yield self.found.script(words[behind])
        elif not any("\n" in word.value for word in words):
            places = [self.found.place(word) for word in words]
            texts = [shlex.quote(word.value) if re.search(r"\s", word.value) else word.value for word in words]
            columns = tuple((place.column or 1) - text.startswith("'") for place, text in zip(places, texts, strict=True))
            yield Source.of(self.found.file, " \\\n".join(texts), tuple(place.line or 1 for place in places), columns)

    def _variables(self, members: dict[str, Node]) -> dict[str, tuple[Value, ...]]:
        """What a container gets of variables, those of a secret unknown."""
        found: dict[str, tuple[Value, ...]] = {}
        for one in document.elements(members.get("env")):
            name, value = document.text_of(document.get(one, "name")), document.get(one, "value")
            if name and value is not None and value.kind == "text":
                found[name] = (Value(value.value, self.found.value_place(value)),)
            elif name:
                found[name] = (Value(None, self.found.place(one), "a secret of the cluster"),)
        return found

    def _credentials(self, members: dict[str, Node]) -> Iterator[Any]:
        """Credentials that stand in a map as they are: ``NAME: value``, ``{name: NAME, value: …}``."""
        pairs = [(name, value) for name, value in members.items() if value.kind == "text"]
        name, value = document.text_of(members.get("name")), members.get("value")
        if name and value is not None and value.kind == "text":
            pairs.append((name, value))
        for one, node in pairs:
            text = node.value
            if text.startswith("ENC[") or not one.isupper():
                continue
            found = exposed.credential(one, Value(text, self.found.value_place(node)))
            if found is not None:
                yield found


def _unnamed(fact: Any, file: str) -> Any:
    """A fact of a container that is the file's only one: the file names it."""
    if isinstance(fact, Job):
        return fact._replace(name=file)
    name = "job" if isinstance(fact, Declared) else "user"
    return fact._replace(**{name: file}) if getattr(fact, name, None) else fact


def _moved(fact: Declared, tag: str, place: Place, said: Place) -> Declared:
    """An image's declaration, at its tag's own place."""
    if fact.spec is None:
        return fact
    at = max(tag.find(fact.spec), 0)
    own = place._replace(column=(place.column or 1) + at, text=fact.spec)
    return fact._replace(place=own, pin=own, used=None if own.file == said.file and own.line == said.line else said)


def _template(repository: Repository, file: str, text: str) -> Iterator[Any]:
    """A chart's template: it is YAML once its expressions are out of it; its images are read as they stand."""
    whole = Source.whole(file, text)
    for found in _IMAGE.finditer(text):
        name = _EXPRESSION.sub("", found[2].rpartition(":")[0] or found[2])
        if re.search(r"litellm|claude-code|portkeyai/gateway|flexgate|ccgw", name):
            at = found.start(2)
            yield from installs.image(_filled(repository, file, found[2]), whole.place(at, found[2]))
    masked = _EXPRESSION.sub(lambda one: re.sub(r"[^\n]", "_", one[0]), re.sub(r"^[ \t]*\{\{[^\n]*\}\}[ \t\r]*$", "", text, flags=re.MULTILINE))
    if not re.search(r"claude|ANTHROPIC_", masked):
        return
    read = document.yaml(file, masked)
    if isinstance(read, Gap):
        yield read._replace(reason=f"is a template, and without its expressions {read.reason}")
        return
    for one in read:
        for fact in _Walk(repository, one, values=False).facts():
            if not (isinstance(fact, Declared) and fact.installer == "image"):
                yield fact


def _filled(repository: Repository, file: str, reference: str) -> Filled:
    """An image's name with the values of its chart filled in."""
    expression = _EXPRESSION.search(reference)
    if expression is None:
        return Filled(reference)
    named = _VALUE.fullmatch(expression[0])
    value = _chart_value(repository, file, named[1].split(".")) if named else None
    if value is None or _EXPRESSION.search(reference, expression.end()):
        return Filled(_EXPRESSION.sub(UNKNOWN, reference), None, f"`{expression[0][:80]}`, not set here")
    text = reference.replace(expression[0], value.text or "")
    return Filled(text, value.place)


def _chart_value(repository: Repository, file: str, keys: list[str]) -> Value | None:
    path = f"{file[: f'/{file}'.rindex('/templates/')]}/values.yaml".removeprefix("/").replace("//", "/")
    read = document.yaml(path, repository.text(path) or "") if repository.has(path) else []
    for found in () if isinstance(read, Gap) else read:
        node = document.get(found.root, *keys)
        if node is not None and document.text_of(node):
            return Value(node.value, found.value_place(node))
    return None
