"""Compose files: the images of their services, what their commands install, and what they get.

`build.args` are read with the Dockerfile that they are for, inline Dockerfiles here. `${V}`, `${V:-default}`
and names without a value are filled in from the `.env` beside the file. A service of another's image that
installs or starts Claude Code is an image of its own, with its `environment` and `env_file`; one that is
built here is judged as its Dockerfile, and by itself where its environment says something that a policy asks.
Literal credentials in `environment`, and in `.env` files, are told.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any

from cc_fleet.model import Declared, Gap, Job, Place, Variable
from cc_fleet.repo import Repository, dockerfile
from cc_fleet.repo.reading import composed, dotenv, environment, exposed, installs, interpolation
from cc_fleet.repo.reading.build import build
from cc_fleet.repo.reading.composed import Compose
from cc_fleet.repo.reading.document import Node, elements, get, text_of
from cc_fleet.repo.reading.source import Source
from cc_fleet.repo.reading.values import Context, Value

WANTS = (
    *(f"{name}.{end}" for name in ("docker-compose*", "compose*", "podman-compose*", "*.compose", "*.docker-compose", "*-compose") for end in ("yml", "yaml")),
    ".env", ".env.*", "*.env",
)  # fmt: skip


def read(repository: Repository, file: str) -> Iterator[Any]:
    if not file.endswith((".yml", ".yaml")):
        yield from _secrets(file, repository.text(file) or "")
        return
    compose = composed.read(repository, file)
    if isinstance(compose, Gap):
        yield compose
    elif compose is not None:
        for name, node in compose.services():
            yield from _service(repository, compose, name, node)


def _secrets(file: str, text: str) -> Iterator[Any]:
    for name, value in dotenv.values(file, text).items():
        if (found := exposed.credential(name, value, ours=False)) is not None:
            yield found


def _service(repository: Repository, compose: Compose, name: str, node: Node) -> Iterator[Any]:
    job = f"{compose.document.file}#{name}"
    told = [*_image(compose, node), *_commands(compose, node)]
    runs = next((fact for fact in told if isinstance(fact, Place)), None)
    facts = [fact for fact in told if not isinstance(fact, Place)]
    place = next((fact.used or fact.place for fact in facts if isinstance(fact, Declared) and fact.product == "cli"), runs)
    given = _environment(repository, compose, node)
    if (built := get(node, "build")) is not None:
        yield from _inline(repository, compose, built, job)
        inherited = _inherited(repository, compose, built)
        place = place if inherited is None else _place(compose, node)
        is_job = place is not None and (inherited is None or any(key in repository.keep for key in given))
        given = {**(inherited or {}), **given}
    else:
        is_job = place is not None
    for fact in facts:
        yield fact._replace(job=job) if is_job and isinstance(fact, Declared) else fact
    yield from _credentials(given, job if is_job else None, compose.document.file, ours=is_job or bool(facts))
    if is_job and place is not None:
        yield Job(job, "image", place)
        yield from (fact for fact in environment.variables(given, job, repository.keep) if isinstance(fact, Variable))


def _place(compose: Compose, node: Node) -> Place:
    """Where a service says what it is built of."""
    return compose.document.place(get(node, "build") or node)


def _credentials(given: dict[str, tuple[Value, ...]], job: str | None, file: str, *, ours: bool) -> Iterator[Any]:
    for name, values in given.items():
        for value in values:
            if value.place is not None and value.place.file == file and (found := exposed.credential(name, value, job, ours=ours)) is not None:
                yield found


def _image(compose: Compose, node: Node) -> Iterator[Declared]:
    """What an image brings, by its name."""
    image = get(node, "image")
    if image is None or image.kind != "text":
        return
    built = get(node, "build") is not None  # compose pulls the image first; one of Claude Code is most often only named so
    for value in compose.fill(image):
        found = installs.image(interpolation.filled(value), compose.document.value_place(image))
        yield from (fact for fact in found if not (built and fact.product == "cli"))


def _commands(compose: Compose, node: Node) -> Iterator[Declared | Place]:
    """What the entry point and the command install, and where one of them starts Claude Code."""
    names = {**{name: (value,) for name, value in compose.env.items()}, **_grouped(compose.named(get(node, "environment")))}
    for key in ("entrypoint", "command"):
        given = get(node, key)
        if given is None or given.null:
            continue
        script = _script(compose, given)
        if script is None:
            continue
        found = installs.read(script.masked(script.text.replace("$$", "$")), Context(names))
        yield from found.facts
        if found.runs is not None:
            yield found.runs


def _script(compose: Compose, node: Node) -> Source | None:
    """A command as a shell would read it: a list is its words."""
    if node.kind == "text":
        return compose.document.script(node)
    words = [item for item in elements(node) if item.kind == "text"]
    if not words:
        return None
    lines: list[int] = []
    columns: list[int] = []
    texts = []
    for item in words:
        source = compose.document.script(item)
        quoted = "'" + source.text.replace("'", "'\\''") + "'"
        texts.append(quoted)
        lines += source.lines
        columns += (source.columns[0] - 1, *source.columns[1:])
    return Source.of(compose.document.file, " \\\n".join(texts), tuple(lines), tuple(columns))


def _environment(repository: Repository, compose: Compose, node: Node) -> dict[str, tuple[Value, ...]]:
    """What a service gets: its files first, over which its own map goes."""
    given: dict[str, tuple[Value, ...]] = {}
    for item in elements(get(node, "env_file")):
        path = compose.text(item if item.kind == "text" else get(item, "path"))
        file = posixpath.normpath(posixpath.join(compose.folder, path)) if path else ""
        if repository.has(file):
            given.update({name: (value,) for name, value in dotenv.values(file, repository.text(file) or "").items()})
    return {**given, **_grouped(compose.named(get(node, "environment")))}


def _grouped(named: Iterator[tuple[str, Value]]) -> dict[str, tuple[Value, ...]]:
    found: dict[str, tuple[Value, ...]] = {}
    for name, value in named:
        found[name] = (*found.get(name, ()), value)
    return found


def _inline(repository: Repository, compose: Compose, built: Node, job: str) -> Iterator[Any]:
    inline = get(built, "dockerfile_inline")
    if inline is not None and inline.kind == "text":
        source = compose.document.script(inline)
        given = _grouped(compose.named(get(built, "args")))
        about = dockerfile.About(given, {}, repository.keep, repository, job)
        yield from dockerfile.facts(source.masked(source.text.replace("$$", "$")), about=about)


def _inherited(repository: Repository, compose: Compose, built: Node) -> dict[str, tuple[Value, ...]] | None:
    """The environment of the image that a service is built as, where that brings Claude Code."""
    context = compose.text(built if built.kind == "text" else get(built, "context"))
    found = build(repository, (compose.folder,), context, compose.text(get(built, "dockerfile")), inside=True)
    return dockerfile.environment_of(repository, found.files[0], text_of(get(built, "target"))) if found.files else None
