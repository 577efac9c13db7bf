"""Reports: each module here is a format, ``render(report) -> str``.  A format knows no exit codes."""

# Annotations are not postponed here: as texts each would be compiled at start.
from collections.abc import Iterable
from importlib import import_module
from itertools import islice
from typing import Any

from cc_fleet.client import views
from cc_fleet.host import plugins
from cc_fleet.model import Finding, Place, Target, Waived, is_own
from cc_fleet.policy import SEVERITIES
from cc_fleet.records import NamedTuple


class About(NamedTuple):
    """What judged: the policy's name, files and digest; how many advisories, and theirs; ``folders`` has a company's own.

    Where several policies judged, ``parts`` has each by itself.
    """

    policy: str
    files: tuple[str, ...]
    sha256: str
    advisories: int
    advisories_sha256: str
    contact: str | None = None
    folders: tuple[str, ...] = ()
    parts: tuple["About", ...] = ()


class Route(NamedTuple):
    """Where the requests of these users go: the provider, and the gateway's URL where there is one."""

    provider: str
    url: str | None
    users: tuple[str, ...]


class Report(NamedTuple):
    """Everything that a format shows.  ``time`` is ISO, UTC; ``home`` is shown as ``~``.

    ``laid`` has for each target the overlays of the policy that apply to it; it is empty where the policy has none.
    ``ways`` has the routes of each target, asked for before the rest of its facts was let go.
    ``baseline`` has the fingerprints that were known before, and None where nobody asked; ``fixed`` is how many of it are gone.
    ``below`` has, by name, the folder of each repository that is not the workspace itself but lies below it.
    """

    about: About
    time: str
    targets: tuple[Target, ...]
    findings: tuple[Finding, ...]
    home: str | None = None
    laid: tuple[tuple[str, ...], ...] = ()
    ways: tuple[tuple[Route, ...], ...] = ()
    baseline: frozenset[str] | None = None
    below: tuple[tuple[str, str], ...] = ()
    fixed: int = 0

    def overlays(self) -> tuple[tuple[str, ...], ...]:
        """The overlays that apply to each target, in the order of targets."""
        return self.laid or ((),) * len(self.targets)

    def by_target(self) -> dict[str, list[Finding]]:
        """The findings by the name of their target; of targets without findings there is none."""
        found: dict[str, list[Finding]] = {}
        for finding in self.findings:
            found.setdefault(finding.target, []).append(finding)
        return found

    def seen(self, target: str, place: Place) -> Place:
        """``place`` as the workspace has it, from where a platform looks at files."""
        folder = dict(self.below).get(target)
        return place if folder is None or place.file.startswith("/") else place._replace(file=f"{folder}/{place.file}")

    def routes(self) -> tuple[tuple[Route, ...], ...]:
        """The routes of every target, in the order of targets."""
        return self.ways or tuple(tuple(routes(target)) for target in self.targets)

    def count(self, severity: str) -> int:
        """Findings of this severity that count: not waived, not a consequence of another, not a gap."""
        return sum(1 for f in self.findings if f.severity == severity and counts(f))

    def at_least(self, severity: str) -> int:
        """Findings that count, of ``severity`` or worse."""
        return sum(self.count(name) for name in SEVERITIES[: SEVERITIES.index(severity) + 1])


class Style(NamedTuple):
    """How a text may look: colours or none, Unicode marks or plain ASCII, how wide, how much."""

    color: bool = False
    unicode: bool = True
    width: int = 100
    verbose: bool = False


def format_(name: str) -> Any:
    """The format of this name; the others are not loaded."""
    return import_module(f"{__name__}.{name}")


def names() -> tuple[str, ...]:
    """The names of the formats, without loading them."""
    return plugins.names(__name__)


def counts(finding: Finding) -> bool:
    """Whether a finding counts in sums: a gap, a waived finding and a consequence do not."""
    return finding.waived is None and finding.problem.because is None and finding.check != "unreadable"


def excused(waived: Waived) -> str:
    """By what a finding is excused, until when, and why."""
    if waived.by == "baseline":
        return waived.reason
    told = "ignored here" if waived.by == "comment" else "waived"
    return f"{told} until {waived.until}: {waived.reason}" if waived.until else f"{told}: {waived.reason}"


def routes(target: Target) -> list[Route]:
    """The providers and gateways in use on ``target``."""
    found: dict[tuple[str, str | None], dict[str, None]] = {}
    for view in views(target):
        gateway = view.gateway()
        found.setdefault((view.provider(), gateway.url if gateway else None), {})[view.user] = None
    return [Route(provider, url, tuple(users)) for (provider, url), users in found.items()]


def kept(target: Target) -> Target:
    """``target`` with what a report shows of it: of its settings and the like only that Claude Code has some."""
    settings, rejected = tuple(islice(filter(is_own, target.settings), 1)), tuple(islice(filter(is_own, target.rejected), 1))
    return target._replace(settings=settings, variables=(), gateways=(), credentials=target.credentials[:1], rejected=rejected, updates=target.updates[:1])


def verdict(target: Target, findings: Iterable[Finding]) -> str:
    """compliant, findings, nothing-checked or gaps."""
    if any(counts(finding) and finding.severity == "error" for finding in findings):
        return "findings"
    if target.gaps:
        return "gaps"
    if target.nothing:
        return "nothing-checked"
    return "findings" if any(counts(finding) for finding in findings) else "compliant"
