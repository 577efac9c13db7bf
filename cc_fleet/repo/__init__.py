"""What a repository declares: each module here reads one kind of file.

A reader is a module with a docstring, ``WANTS`` (patterns of names: one without ``/`` fits the
name at any depth) and ``read(repository, file)``, which is called for files that name Claude Code (with
``ANYWAY = True`` for others too).  Its cases are ``tests/repo/cases/<kind>/``.
Nothing of a repository is run, and nothing outside of it is read.
"""

# Annotations are not postponed here: as texts each would be compiled at start.
import os
import time
from collections.abc import Callable, Iterator
from functools import cache, cached_property
from importlib import import_module
from itertools import islice
from typing import Any, Protocol, TypeVar, cast

from cc_fleet import __version__
from cc_fleet.data import load
from cc_fleet.host import plugins
from cc_fleet.host.text import Text, read_text
from cc_fleet.host.tree import LIMIT
from cc_fleet.model import GROUPS, Coverage, Gap, Ignore, Place, Setting, Target
from cc_fleet.records import NamedTuple
from cc_fleet.repo.reading import listing
from cc_fleet.repo.reading.matching import Matcher
from cc_fleet.repo.reading.quickly import Quick
from cc_fleet.repo.reading.source import Source

# A file that holds none of these words says nothing of what is looked for.
_WORDS = ("claude", "anthropic", "litellm")
HELD = 32 * 1024 * 1024  # bytes of files that are kept, should they be asked for again
MOST = 20_000  # facts of one file
SIZE = 1024 * 1024  # characters of a script, a Makefile, and whatever else a reader follows word by word
T = TypeVar("T")


class Repository:
    """A repository to read: its files, and each file's text, read once."""

    def __init__(self, root: str, keep: frozenset[str] = frozenset()) -> None:
        self.tree, self.keep = Quick(root), keep
        self.files = listing.files(root)
        self._present = frozenset(self.files)
        self._texts: dict[str, Text | Gap | None] = {}
        self.ignores: dict[str, tuple[Ignore, ...]] = {}  # the comments of every file that was read
        self._size = 0
        self._known: dict[object, Any] = {}

    @cached_property
    def wanted(self) -> dict[str, list[str]]:
        """The files that some reader wants, with the names of those that do."""
        matcher = _matcher()
        return {file: readers for file in self.files if (readers := matcher.readers(file))}

    def has(self, file: str) -> bool:
        """Whether the repository has a file of this path."""
        return file in self._present and os.path.lexists(os.path.join(self.tree.root, file))  # git lists what was deleted and not committed

    def text(self, file: str, limit: int = LIMIT) -> str | None:
        """A file's text, ``\\r\\n`` as it stands there; None where it is not there or cannot be read (``gap`` says why)."""
        found = self._read(file, limit)
        return found.text if isinstance(found, Text) else None

    def gap(self, file: str) -> Gap | None:
        """Why ``file``, which the repository has, cannot be read."""
        found = self.look(file)
        return found if isinstance(found, Gap) else None

    def look(self, file: str) -> Text | Gap | None:
        """A file's text, or why it cannot be read; None where it is not there."""
        found = self._read(file)
        if found is None and self.has(file):
            return Gap("is a link that leads out of the repository, or to nothing", Place(file))
        return found

    def over(self, file: str, size: int = SIZE) -> Gap | None:
        """Whether ``file`` has more characters than its reader can follow in a few seconds."""
        return Gap(f"is larger than {size // 1024} KiB", Place(file)) if len(self.text(file) or "") > size else None

    def once(self, key: object, make: Callable[[], T]) -> T:
        """What ``make`` makes, the first time that somebody asks for ``key``; it is forgotten with the repository."""
        if key not in self._known:
            self._known[key] = make()
        return cast("T", self._known[key])

    def _read(self, file: str, limit: int = LIMIT) -> Text | Gap | None:
        if file not in self._texts:
            found = read_text(self.tree, f"/{file}", limit) if file in self._present else None
            self._texts[file] = found._replace(place=Place(file)) if isinstance(found, Gap) else found
            if isinstance(found, Text):
                self._size += found.size
                self._remark(file, found.text)
            while self._size > HELD and len(self._texts) > 1:
                first = self._texts.pop(next(iter(self._texts)))
                self._size -= first.size if isinstance(first, Text) else 0
        return self._texts[file]

    def _remark(self, file: str, text: str) -> None:
        """Keep the comments that ask to excuse something: the text may be let go."""
        if "cc-fleet:" in text and file not in self.ignores:
            from cc_fleet.repo.reading import ignores

            self.ignores[file] = tuple(ignores.read(file, text))


class Reader(Protocol):
    """A module of this folder."""

    WANTS: tuple[str, ...]

    def read(self, repository: Repository, file: str) -> Iterator[Any]:
        """The facts of one file."""


def readers() -> dict[str, Reader]:
    """Every reader by its name."""
    return {name: module for name, module in cast("dict[str, Any]", plugins.modules(__name__)).items() if hasattr(module, "WANTS")}


def collect(root: str, keep: frozenset[str] = frozenset(), name: str | None = None) -> Target:
    """Everything that the readers find below ``root``.  Never raises for what stands there."""
    repository = Repository(root, keep)
    found: dict[type, dict[Any, Any]] = {kind: {} for kind in GROUPS.values()}
    for file, wanted in repository.wanted.items():
        for fact in _facts(repository, file, wanted):
            found[type(fact)][fact._replace(value=None) if isinstance(fact, Setting) else fact] = fact  # a value may be a list
    found[Ignore] = {ignore: ignore for told in repository.ignores.values() for ignore in told}
    repository.tree.close()
    facts: dict[str, Any] = {group: tuple(sorted(found[kind].values(), key=_position)) for group, kind in GROUPS.items()}
    jobs = tuple(job.name for job in facts["jobs"])
    coverage = Coverage(privileged=False, users=jobs, homes=(), files=repository.tree.files, looked=(f"{len(repository.files)} files below {root}",))
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    told = name or os.path.basename(os.path.realpath(root)) or "repository"
    return Target("repository", told, "linux", now, f"cc-fleet {__version__}", coverage, **facts)


def embedded(source: Source, name: str) -> Iterator[Any]:
    """What a file ``name`` declares that stands in another one: its text keeps its lines."""
    text = "\n" * ((source.lines[0] if source.lines else 1) - 1) + source.text
    for reader in _matcher().readers(name):
        if reader not in ("shell", "dockerfile", "commands", "ansible"):
            yield from (_moved(fact, name, source.file) for fact in _reader(reader).read(_Embedded(name, text), name))


def _moved(fact: Any, name: str, file: str) -> Any:
    """``fact`` with its places in ``file``."""
    places = {key: place._replace(file=file) for key in fact._fields if isinstance(place := getattr(fact, key), Place) and place.file == name}
    return fact._replace(**places)


class _Embedded(Repository):
    """One file, of which nothing but its text is there."""

    def __init__(self, file: str, text: str) -> None:
        self.tree, self.keep, self.files = Quick("/nonexistent"), frozenset(), [file]
        self._present, self._texts = frozenset(self.files), {file: Text(text, len(text))}
        self._size, self._known = 0, {}

    def has(self, file: str) -> bool:
        return file in self._present


def _position(fact: Any) -> tuple[Any, ...]:
    place = fact.place
    return (place.file, place.line or 0, place.column or 0)


class Wants(NamedTuple):
    """The patterns of every reader, by its name, as they are compiled; and the readers of files that do not name Claude Code."""

    patterns: dict[str, tuple[str, ...]]
    anyway: frozenset[str]


@cache
def wants() -> Wants:
    """What the readers want, without loading them."""
    found = load("readers.json")
    return Wants({name: tuple(patterns) for name, patterns in found["wants"].items()}, frozenset(found["anyway"]))


@cache
def _matcher() -> Matcher:
    return Matcher(wants().patterns)


def _reader(name: str) -> Reader:
    return cast("Reader", import_module(f"{__name__}.{name.replace('-', '_')}"))


def _facts(repository: Repository, file: str, wanted: list[str]) -> Iterator[Any]:
    found = repository.look(file)
    if isinstance(found, Gap):
        yield found
        return
    text = found.text if found is not None else ""
    chosen = wanted if _mentions(text) else [reader for reader in wanted if reader in wants().anyway]
    if "\0" in text and any(reader not in wants().anyway for reader in chosen):
        yield Gap("is no text: it holds bytes of zero", Place(file))
        return
    for reader in chosen:
        try:
            facts = _reader(reader).read(repository, file)
            yield from islice(facts, MOST)
            if next(facts, None) is not None:
                yield Gap(f"says more than {MOST} things of Claude Code", Place(file))
        except RecursionError:
            yield Gap("is nested too deep to be read", Place(file))


def _mentions(text: str) -> bool:
    small = text.lower()
    return any(word in small for word in _WORDS)
