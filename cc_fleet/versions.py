"""Versions and ranges: ``>=2.1.163, <2.2, !=2.1.250``, alternatives with ``||``.

One syntax for both kinds of version: semver for Claude Code and its extensions, PEP 440 for
Python gateways.  Numbers are compared, never text (2.1.9 < 2.1.153).  ``X.Y.Z`` is compared
here; anything else is left to ``semver`` and ``packaging``, which cost 10 and 30 ms to load
and have no range type for both (STYLE.md).  As npm has it, a pre-release is in a range only
if the range names a pre-release of that same version.
"""

# Annotations are not postponed here: as texts each would be compiled at start.
import operator
import re
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

from cc_fleet.data import load
from cc_fleet.records import NamedTuple

# A version that will not come: a range without it has a ceiling.
FAR = "999999999.0.0"
_PLAIN = re.compile(r"(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})")
_PART = re.compile(r"(>=|<=|==|!=|=|>|<)?\s*(v?[0-9][0-9A-Za-z._+-]*)")
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge, "<=": operator.le, "==": operator.eq, "!=": operator.ne, ">": operator.gt, "<": operator.lt,
}  # fmt: skip


@cache
def key(version: str, scheme: str = "semver") -> tuple[Any, ...] | None:
    """What orders ``version`` among others of its scheme; None where it is no version."""
    if scheme == "pep440":
        from packaging.version import InvalidVersion, Version

        try:
            return (Version(version),)
        except InvalidVersion:
            return None
    if found := _PLAIN.fullmatch(version):
        return (int(found[1]), int(found[2]), int(found[3]), 1, ())
    import semver

    try:
        read = semver.Version.parse(version)
    except (ValueError, TypeError):
        return None
    names = (read.prerelease or "").split(".")
    ordered = tuple((0, int(name), "") if name.isdigit() else (1, 0, name) for name in names)
    return (read.major, read.minor, read.patch, 0, ordered) if read.prerelease else (read.major, read.minor, read.patch, 1, ())


class Comparator(NamedTuple):
    """``operator`` and the version it compares with, as written."""

    operator: str
    version: str


class Range(NamedTuple):
    """A set of versions: ``alternatives``, each of comparators that all hold.  ``text`` is as written."""

    text: str
    alternatives: tuple[tuple[Comparator, ...], ...]

    def admits(self, version: str, scheme: str = "semver") -> bool:
        """Whether ``version`` lies in the range; one that is no version never does."""
        return _admits(self, version, scheme)

    def __str__(self) -> str:
        return self.text

    @classmethod
    def parse(cls, text: str) -> "Range":
        """Read a range, or raise ValueError with what is wrong with it."""
        return cls(text.strip(), tuple(_comparators(part.strip()) for part in text.split("||")))


@lru_cache(maxsize=10_000)  # a fleet has few versions, and asks for each again and again
def _admits(wanted: Range, version: str, scheme: str) -> bool:
    found = key(version, scheme)
    return found is not None and any(_all_hold(parts, found, scheme) for parts in wanted.alternatives)


def _comparators(text: str) -> tuple[Comparator, ...]:
    if text == "*":
        return ()
    found = []
    for part in re.split(r"\s*,\s*|\s+(?=[<>=!])", text):
        match = _PART.fullmatch(part)
        if match is None:
            raise ValueError(_wrong(part))
        version = match[2].removeprefix("v")
        if _bound(version, "semver") is None and _bound(version, "pep440") is None:
            raise ValueError(_wrong(part))
        found.append(Comparator({None: "==", "=": "=="}.get(match[1], match[1] or ""), version))
    return tuple(found)


def _wrong(part: str) -> str:
    if not part:
        return "a range is missing; write for instance '>=2.1.163, <2.2'"
    if part[0] in "^~" or re.search(r"\.[x*]", part, re.IGNORECASE):
        return f"{part!r} is npm's form; write it out, for instance '>=2.1.0, <2.2'"
    return f"{part!r} is not a version or a comparison with one, such as '>=2.1.163'"


@cache
def _bound(version: str, scheme: str) -> tuple[Any, ...] | None:
    """The key of a bound, which may be short: ``2.2`` is ``2.2.0``."""
    if scheme == "semver" and re.fullmatch(r"[0-9]+(\.[0-9]+)?", version):
        version += ".0" * (2 - version.count("."))
    return key(version, scheme)


def _all_hold(parts: tuple[Comparator, ...], wanted: tuple[Any, ...], scheme: str) -> bool:
    bounds = [(part.operator, _bound(part.version, scheme)) for part in parts]
    early = scheme == "semver" and wanted[3] == 0
    if early and not any(bound and bound[3] == 0 and bound[:3] == wanted[:3] for _, bound in bounds):
        return False
    return all(bound is not None and _OPERATORS[name](wanted, bound) for name, bound in bounds)


def npm(text: str) -> Callable[[str], bool] | None:
    """What tells whether npm's range ``text`` (``^2.1.0``, ``2.x || >=3``) admits a version; None where it is a tag, a URL or a folder."""
    if len(text) > 256 or re.search(r"[:/@]", text):
        return None
    import nodesemver  # type: ignore[import-untyped]  # it has no types, and comes from npm's own rules

    try:
        wanted = nodesemver.make_range(text, True)
    except (ValueError, TypeError, IndexError, AttributeError):  # its parser is not written for what is no range
        return None
    return lambda version: bool(wanted.test(version))


class Published(NamedTuple):
    """The CLI versions that npm has, oldest first, as of ``date`` (ISO)."""

    date: str
    versions: tuple[str, ...]

    @property
    def newest(self) -> str:
        return self.versions[-1]

    def state(self, version: str) -> str:
        """``published``, ``newer`` than what is known, or ``never`` published."""
        if version in self.versions:
            return "published"
        wanted, newest = key(version), key(self.newest)
        return "newer" if wanted is not None and newest is not None and wanted > newest else "never"


@cache
def published() -> Published:
    """The list that ships with cc-fleet; ``nox -s refresh`` renews it."""
    data = load("cli_versions.json")
    return Published(data["date"], tuple(data["versions"]))
