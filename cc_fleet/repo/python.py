"""Python's requirements: LiteLLM and other gateways, as a program or as a library.

**Files**: `requirements*.txt` and `.in`, files below `requirements/`, `constraints*.txt`, `pyproject.toml`, `setup.cfg`, `setup.py`,
`Pipfile`, `environment.yml`; `uv.lock`, `poetry.lock`, `pdm.lock`, `Pipfile.lock`, `pylock.toml`.

**Forms**: `litellm[proxy]` is a gateway; `litellm` alone is a library, of which only what the policy denies
matters. PEP 508, Poetry's, PDM's, Pipenv's and pixi's tables, dependency groups, extras, uv's constraints and overrides.

**Resolved**: a range by the lock beside it or above it, by `requirements.txt` beside `requirements.in`, and by a file of
constraints that is named with `-c`. What a lock holds that nobody here asks for is told at the lock's line.

**Not resolved**: git, folders, variables of the environment; `setup.py` is not run, its texts are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from cc_fleet.model import Declared, Gap, Place
from cc_fleet.records import NamedTuple
from cc_fleet.repo import Repository
from cc_fleet.repo.reading import document, locks
from cc_fleet.repo.reading.declare import Asked, declared
from cc_fleet.repo.reading.document import Document, Node
from cc_fleet.repo.reading.source import Source
from cc_fleet.repo.reading.toml import toml
from cc_fleet.repo.reading.values import UNKNOWN, Filled

WANTS = (
    "*requirements*.txt", "*requirements*.in", "**/requirements/*.txt", "**/requirements/*.in", "*constraints*.txt", "pyproject.toml", "setup.cfg", "setup.py",
    "Pipfile", "environment*.yml", "environment*.yaml", "uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pylock*.toml",
)  # fmt: skip
LIBRARY = "-library"  # behind a gateway's kind: its program is used as a library (cc_fleet/client/declared.py)
_LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "Pipfile.lock")
_GATEWAYS = r"(?<![\w.@/-])(litellm|flexgate|ccgw)(?![\w.-]|/)"
_SAID = re.compile(
    rf"{_GATEWAYS}[ \t]*(?:\[([^\]\n]*)\])?[ \t]*(?:(@)|\(?[ \t]*((?:[=<>!~]{{1,3}}[ \t]*[^\s,;#)\\\"']+[ \t]*,?[ \t]*)*))", re.IGNORECASE,
)  # fmt: skip
_EXACT = re.compile(r"===?\s*([^\s,*]+)")
_CONSTRAINED = re.compile(r"^[ \t]*(?:-c|--constraint)[= \t]+([\w./-]+)", re.MULTILINE)


class _Said(NamedTuple):
    """A requirement: the gateway, its extras, the versions as written and where in the text; ``statement`` is the whole."""

    name: str
    extras: str
    spec: str
    start: int
    statement: Place
    scheme: str = "pep440"
    elsewhere: bool = False

    @property
    def product(self) -> str:
        return self.name if self.name != "litellm" or "proxy" in self.extras else f"{self.name}{LIBRARY}"


def read(repository: Repository, file: str) -> Iterator[Any]:
    text = repository.text(file) or ""
    if not re.search(_GATEWAYS, text, re.IGNORECASE):
        return
    name = file.rpartition("/")[2]
    if name in _LOCKS or name.startswith("pylock"):
        yield from _unasked(repository, file)
        return
    if (gap := repository.over(file)) is not None:
        yield gap
        return
    whole = Source.whole(file, text)
    said = _written(whole)
    if isinstance(said, Gap):
        yield said
        return
    for one in said:
        yield from _facts(repository, whole, one)


def _written(whole: Source) -> list[_Said] | Gap:
    """What a file asks for."""
    name = whole.file.rpartition("/")[2]
    if name in ("pyproject.toml", "Pipfile"):
        found = toml(whole.file, whole.text)
        return found if isinstance(found, Gap) else list(_tables(found))
    if name.endswith((".yml", ".yaml")):
        read = document.yaml(whole.file, whole.text)
        return read if isinstance(read, Gap) else [said for found in read for said in _conda(found)]
    if name == "setup.py":
        spans = [one.span(2) for one in re.finditer(r"([\"'])((?:litellm|flexgate|ccgw)\b[^\"'\n]*)\1", whole.text, re.IGNORECASE)]
    else:
        spans = [one.span(1) for one in re.finditer(r"^[ \t]*(?:[\w.]+[ \t]*=[ \t]*)?((?:litellm|flexgate|ccgw)\b.*)", whole.text, re.MULTILINE | re.IGNORECASE)]
    return [said for start, end in spans if (said := _requirement(whole, start, end)) is not None]


def _requirement(whole: Source, start: int, end: int) -> _Said | None:
    """A requirement as PEP 508 writes it."""
    found = _SAID.match(whole.text, start, end)
    if found is None:
        return None
    spec = (found[4] or "").strip(" \t,")
    word = whole.text[start : found.start(4) + len(spec)] if spec else found[0].rstrip(" @(")
    at = found.start(4) if spec else found.end()
    return _Said(found[1].lower(), found[2] or "", spec, at, whole.place(start, word), elsewhere=bool(found[3]))


def _tables(found: Document) -> Iterator[_Said]:
    """The requirements of a pyproject.toml or Pipfile."""
    root = found.root
    tool = document.get(root, "tool")
    lists = [document.get(root, "project", "dependencies"), document.get(root, "build-system", "requires")]
    lists += [document.get(tool, "uv", name) for name in ("dev-dependencies", "constraint-dependencies", "override-dependencies")]
    groups = [document.get(root, "project", "optional-dependencies"), document.get(root, "dependency-groups"), document.get(tool, "pdm", "dev-dependencies")]
    lists += [inner for group in groups for _, inner in document.items(group)]
    envs = document.items(document.get(tool, "hatch", "envs"))
    lists += [document.get(env, name) for _, env in envs for name in ("dependencies", "extra-dependencies")]
    for node in (one for several in lists for one in document.elements(several)):
        if node.kind == "text" and node.style in ("'", '"'):
            said = _requirement(found.whole, node.start + 1, node.end - 1)
            yield from () if said is None else (said,)
    poetry = document.get(tool, "poetry")
    tables = [document.get(poetry, "dependencies"), document.get(poetry, "dev-dependencies")]
    tables += [document.get(group, "dependencies") for _, group in document.items(document.get(poetry, "group"))]
    tables += [document.get(root, "packages"), document.get(root, "dev-packages"), document.get(tool, "pixi", "pypi-dependencies")]
    for key, value in (pair for table in tables for pair in document.items(table)):
        if re.fullmatch(_GATEWAYS, key.value, re.IGNORECASE):
            yield from (_row(found, key, one) for one in document.elements(value))


def _row(found: Document, key: Node, value: Node) -> _Said:
    """A row of a table: ``litellm = "^1.80"``, or a table with ``version`` and ``extras``."""
    version = value if value.kind == "text" else document.get(value, "version")
    extras = " ".join(one.value for one in document.elements(document.get(value, "extras")) if one.kind == "text")
    statement = found.place(key, f"{key.value}[{extras.replace(' ', ',')}]" if extras else key.value)
    spec = document.text_of(version) or ""
    spec = "" if spec == "*" else f"=={spec}" if re.fullmatch(r"[0-9][\w.+!-]*", spec) else spec
    start = found.whole.text.find(spec.lstrip("= "), version.start) if version is not None else key.end
    scheme = "npm" if re.match(r"[\^~](?!=)", spec) or re.fullmatch(r"[\d.]+\*", spec) else "pep440"
    return _Said(key.value.lower(), extras, spec, start - (len(spec) - len(spec.lstrip("= "))), statement, scheme, elsewhere=version is None)


def _conda(found: Document) -> Iterator[_Said]:
    for one in document.elements(document.get(found.root, "dependencies")):
        for node in (one, *document.elements(document.get(one, "pip"))):
            start = node.start + (node.style in ("'", '"'))
            said = _requirement(found.whole, start, node.end) if node.kind == "text" else None
            if said is not None:
                own = node is one and re.fullmatch(r"=[\w.]+", said.spec)
                yield said._replace(spec=f"={said.spec}", start=said.start - 1) if own else said


def _facts(repository: Repository, whole: Source, said: _Said) -> Iterator[Declared | Gap]:
    library = said.product.endswith(LIBRARY)
    asked = Asked(said.product, "pip", said.statement, None, said.scheme)
    exact = _EXACT.fullmatch(said.spec)
    if exact is not None and "$" not in exact[1]:
        at = whole.place(said.start + exact.start(1), exact[1])
        yield declared(asked._replace(scheme="pep440"), Filled(exact[1]), at)
        return
    if "$" in said.spec or said.elsewhere:
        why = f"`{said.spec.strip('= ')[:80]}`, not set here" if "$" in said.spec else "another place than the index"
        yield from () if library else (declared(asked, Filled(UNKNOWN, None, why)),)
        return
    about = declared(asked, Filled(said.spec) if said.spec else None)
    found = _locked(repository, whole, said)
    if isinstance(found, Gap):
        yield found
    if isinstance(found, locks.Locked):
        yield about._replace(resolved=found.version, lock=found.place)
    elif not library:
        yield about


def _locked(repository: Repository, whole: Source, said: _Said) -> locks.Locked | Gap | None:
    """What holds a range to a version: a lock, a compiled file beside it, a file of constraints."""
    folder, _, name = whole.file.rpartition("/")
    files = [f"{folder}/{one[1]}".removeprefix("/") for one in _CONSTRAINED.finditer(whole.text)] if name.endswith((".txt", ".in")) else []
    files += [f"{whole.file[:-3]}.txt"] if name.endswith(".in") else []
    if name in ("pyproject.toml", "Pipfile"):
        at = folder
        while at is not None:
            files += [f"{at}/{lock}".removeprefix("/") for lock in _LOCKS if (lock == "Pipfile.lock") == (name == "Pipfile")]
            if not at:
                break
            at = at.rpartition("/")[0]
    for file in files:
        found = _in_lock(repository, file, said.name) if repository.has(file) else None
        if isinstance(found, Gap) or (found is not None and _admits(said, found.version) and _member(repository, file, folder)):
            return found
    return None


def _member(repository: Repository, lock: str, folder: str) -> bool:
    """Whether a lock above a folder names it as one of its workspace."""
    at = lock.rpartition("/")[0]
    below = folder.removeprefix(at).strip("/")
    return not lock.endswith("uv.lock") or not below or f'"{below}"' in (repository.text(lock) or "")


def _in_lock(repository: Repository, file: str, name: str) -> locks.Locked | Gap | None:
    """The version of a package that a lock, or a file of exact requirements, has."""
    data = locks.read(repository, file, name.encode())
    if not isinstance(data, bytes):
        return data
    own = re.escape(name)
    if file.endswith("Pipfile.lock"):
        pattern = rf'"{own}"\s*:\s*\{{[^{{}}]{{0,4000}}?"version"\s*:\s*"==([^"]+)"'
    elif file.endswith((".lock", ".toml")):
        pattern = rf'^name = "{own}"\s*\nversion = "([^"]+)"'
    else:
        pattern = rf"^[ \t]*{own}[ \t]*(?:\[[^\]\n]*\])?[ \t]*===?[ \t]*([^\s,;#\\*]+)[ \t]*(?:[;#\\\r\n]|\Z)"
    found = re.search(pattern.encode(), data, re.MULTILINE | re.IGNORECASE)
    if found is None:
        return None
    version = found[1].decode("utf-8", "replace")
    return locks.Locked(version, locks.place(file, data, found.start(1), version))


def _admits(said: _Said, version: str) -> bool:
    if said.scheme == "npm":
        return locks.admits(said.spec, version)
    if len(said.spec) > 200:
        return False
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        return SpecifierSet(said.spec).contains(version, prereleases=True)
    except InvalidSpecifier:
        return False


def _unasked(repository: Repository, file: str) -> Iterator[Declared | Gap]:
    """What a lock holds, where no file beside it asks for it: something that is asked for brings it."""
    folder, _, lock = file.rpartition("/")
    asks = f"{folder}/{'Pipfile' if lock == 'Pipfile.lock' else 'pyproject.toml'}".removeprefix("/")
    said = _written(Source.whole(asks, repository.text(asks) or "")) if repository.has(asks) else []
    asked = {one.name for one in said} if isinstance(said, list) else set()
    for name in ("litellm", "flexgate", "ccgw"):
        found = _in_lock(repository, file, name) if name not in asked else None
        if isinstance(found, locks.Locked):
            product = f"{name}{LIBRARY}" if name == "litellm" else name
            yield declared(Asked(product, "pip", found.place._replace(text=f"{name} {found.version}"), None, "pep440"), Filled(found.version), found.place)
        elif isinstance(found, Gap):
            yield found
