"""package.json: what a project of Node.js depends on, and what its scripts install.

**Files**: `package.json`, but not one that npm installed; `pnpm-workspace.yaml` for its catalogs and overrides.

**Forms**: `dependencies`, `devDependencies`, `optionalDependencies`; `peerDependencies` where they name one
version, which npm then installs; `overrides`, `resolutions`, `pnpm.overrides`; aliases
(`"cc": "npm:@anthropic-ai/claude-code@^2.1.0"`), tarballs of the registry, catalogs of pnpm and bun; every script.

**Resolved**: a range or tag by the nearest lock that governs it: npm-shrinkwrap.json, package-lock.json
(versions 1 to 3), pnpm-lock.yaml, yarn.lock of both kinds, bun.lock, also that of the workspace above. A lock
that lacks the package, or does not admit the range, is stale and governs nothing. Where `packageManager` says
which one is used, the locks of the others are leftovers.

**Not resolved**: a version from git, a folder or another registry's archive; bun.lockb, which is binary.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from cc_fleet.model import Declared, Gap, Place
from cc_fleet.records import NamedTuple
from cc_fleet.repo import Repository
from cc_fleet.repo.reading import document, installs, locks
from cc_fleet.repo.reading.declare import Asked, declared
from cc_fleet.repo.reading.document import Document, Node
from cc_fleet.repo.reading.recognise import NODE
from cc_fleet.repo.reading.values import UNKNOWN, Context, Filled

WANTS = ("package.json", "pnpm-workspace.yaml")
_GROUPS = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")
_OVERRIDES = (("overrides",), ("resolutions",), ("pnpm", "overrides"))
_RUNNERS = ("npx", "bunx", "pnpm", "yarn", "npm")
_EXACT = re.compile(r"[=v ]*([0-9]+\.[0-9]+\.[0-9]+[^\s|]*)")
_TARBALL = re.compile(r"https?://[^\s/@]+/[^\s?#]*/-/[a-z-]+-([0-9]+\.[0-9]+\.[0-9]+[^/\s]*)\.tgz")
_RANGE = re.compile(r"[\w.*^~<>=| +-]{0,200}")


class _Dependency(NamedTuple):
    """A member of a package.json that asks for a product: the range ``asked``, at ``start`` in the text."""

    name: str
    key: Node
    value: Node
    asked: str
    start: int


def read(repository: Repository, file: str) -> Iterator[Any]:
    text = repository.text(file) or ""
    if "/node_modules/" in f"/{file}" or not re.search("claude|litellm|@portkey-ai/gateway", text, re.IGNORECASE):
        return
    if file.endswith(".yaml"):
        yield from _workspace(file, text)
        return
    found = document.json(file, text, strict=True)
    if isinstance(found, Gap):
        yield found
        return
    names = set()
    for dependency in _dependencies(found):
        names.add(dependency.name)
        yield from _facts(repository, found, dependency)
    for path in _OVERRIDES:
        yield from _overrides(found, document.get(found.root, *path))
    for _, script in document.items(document.get(found.root, "scripts")):
        if isinstance(script.value, str):
            yield from _script(found, script, names)


def _workspace(file: str, text: str) -> Iterator[Any]:
    """pnpm's overrides; what its catalogs hold is told where a package.json asks for it."""
    read = document.yaml(file, text)
    if isinstance(read, Gap):
        yield read
        return
    for found in read:
        yield from _overrides(found, document.get(found.root, "overrides"), nested=False)


def _dependencies(found: Document) -> Iterator[_Dependency]:
    for group in _GROUPS:
        for key, value in document.items(document.get(found.root, group)):
            dependency = _dependency(key, value)
            if dependency and (group != "peerDependencies" or _EXACT.fullmatch(dependency.asked)):
                yield dependency


def _dependency(key: Node, value: Node) -> _Dependency | None:
    """What a member asks for, where that is one of the products."""
    spec = document.text_of(value)
    if spec is None:
        return None
    start, name = value.start + (value.style in ("'", '"')), key.value
    if spec.startswith("npm:"):
        alias = re.match(r"npm:(?:(@[^@/]+/[^@/]+|[^@/]+)(?:@|$))?", spec)
        named = alias[1] if alias and alias[1] and not alias[1][0].isdigit() and not _RANGE.fullmatch(alias[1]) else None
        name, cut = (named, alias.end() if alias else 0) if named else (key.value, 4)
        spec, start = spec[cut:], start + cut
    if name not in NODE:
        return None
    if tarball := _TARBALL.fullmatch(spec):
        spec, start = tarball[1], start + tarball.start(1)
    return _Dependency(name, key, value, spec.strip(), start)


def _facts(repository: Repository, found: Document, dependency: _Dependency) -> Iterator[Declared | Gap]:
    spec, pin = _filled(repository, found, dependency)
    about = declared(_asked(found, dependency), spec, pin)
    if about.unresolved or spec is None or _EXACT.fullmatch(spec.text):
        yield about
        return
    folder, key = found.file.rpartition("/")[0], dependency.key.value
    wanted = locks.Wanted(folder, key, dependency.name, str(dependency.value.value), spec.text)
    governs = [*locks.locked(repository, wanted, _manager(found))]
    yield from (gap for gap in governs if isinstance(gap, Gap))
    have = [lock for lock in governs if isinstance(lock, locks.Locked)]
    yield from (about._replace(resolved=lock.version, lock=lock.place) for lock in have)
    if not have:
        yield about


def _asked(found: Document, dependency: _Dependency) -> Asked:
    key, value = dependency.key, dependency.value
    plain = _RANGE.fullmatch(value.value.removeprefix("npm:").removeprefix(dependency.name).lstrip("@"))
    shown = found.whole.text[key.start : value.end] if plain else f'"{key.value}"'
    return Asked(NODE[dependency.name], "npm", found.whole.place(key.start, shown), None, "npm")


def _filled(repository: Repository, found: Document, dependency: _Dependency) -> tuple[Filled | None, Place | None]:
    """The range that is asked for, and the characters that say it."""
    spec = dependency.asked
    if spec.startswith("catalog:"):
        return _catalog(repository, found, dependency), None
    pin = found.whole.place(dependency.start, spec)
    if not _RANGE.fullmatch(spec):
        return Filled(UNKNOWN, None, f"{_source(spec)}, which is no version of the registry"), None
    if exact := _EXACT.fullmatch(spec):
        spec = exact[1]
    return (Filled(spec) if spec else None), pin


def _source(spec: str) -> str:
    """What a dependency that is no version comes from, without anything that may be secret."""
    scheme, mark, _ = spec.partition(":")
    return f"`{scheme}:…`" if mark and re.fullmatch(r"[a-z+]{1,20}", scheme) else "another source"


def _catalog(repository: Repository, found: Document, dependency: _Dependency) -> Filled:
    """What a catalog of the workspace has for a dependency (``catalog:``, ``catalog:name``)."""
    name = dependency.asked.removeprefix("catalog:") or "default"
    folder = found.file.rpartition("/")[0]
    while True:
        for file in ("pnpm-workspace.yaml", "package.json"):
            path = f"{folder}/{file}".lstrip("/")
            if node := _in_catalog(repository, path, name, dependency.key.value):
                return Filled(node[1].value, node[0].value_place(node[1]))
        if not folder:
            return Filled(UNKNOWN, None, f"`{dependency.asked[:80]}`, and no catalog here has it")
        folder = folder.rpartition("/")[0]


def _in_catalog(repository: Repository, path: str, name: str, key: str) -> tuple[Document, Node] | None:
    text = repository.text(path) if repository.has(path) else None
    if not text or "catalog" not in text:
        return None
    read = document.yaml(path, text) if path.endswith(".yaml") else document.json(path, text, strict=True)
    for found in () if isinstance(read, Gap) else read if isinstance(read, list) else [read]:
        for root in (found.root, document.get(found.root, "workspaces")):
            node = document.get(root, "catalogs", name, key) or (document.get(root, "catalog", key) if name == "default" else None)
            if node is not None and document.text_of(node):
                return found, node
    return None


def _manager(found: Document) -> str | None:
    told = re.match(r"(npm|pnpm|yarn|bun)@", document.text_of(document.get(found.root, "packageManager")) or "")
    return told[1] if told else None


def _overrides(found: Document, node: Node | None, *, nested: bool = True) -> Iterator[Declared]:
    """The versions that a package.json forces on whatever depends on a product."""
    for key, value in document.items(node):
        name = re.sub(r"(?<=.)@[^@/>]*$", "", key.value.rpartition("**/")[2].rpartition(">")[2])
        if value.kind == "map" and nested:
            if (own := document.get(value, ".")) and name in NODE:
                yield from _override(found, key._replace(value=name), own)
            yield from _overrides(found, value)
        else:
            yield from _override(found, key._replace(value=name), value)


def _override(found: Document, key: Node, value: Node) -> Iterator[Declared]:
    dependency = _dependency(key, value)
    if dependency is not None and dependency.asked and _RANGE.fullmatch(dependency.asked) and _EXACT.fullmatch(dependency.asked):
        yield declared(_asked(found, dependency), Filled(dependency.asked), found.whole.place(dependency.start, dependency.asked))


def _script(found: Document, script: Node, names: set[str]) -> Iterator[Any]:
    """What a script installs; a runner without a version runs the copy that the project depends on."""
    for fact in installs.installs(found.script(script), Context()):
        own = isinstance(fact, Declared) and fact.spec is None and fact.unresolved is None and fact.installer in _RUNNERS
        if not (own and any(NODE[name] == fact.product for name in names)):
            yield fact
