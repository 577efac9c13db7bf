"""What is allowed: the policy, as the named tuples that its YAML is read into.

A field is a key of the file (``auto_update`` is ``auto-update``), its type says what may
stand there, and its docstring is the documentation: ``policy schema`` is made of these.
"""

# No postponed annotations here: the decoder reads them as types.
import fnmatch
import operator
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from cc_fleet.decode import Date, Value
from cc_fleet.model import Place
from cc_fleet.versions import Range

Level = Literal["error", "warning", "note", "ignore"]
SEVERITIES = ("error", "warning", "note")


class When(NamedTuple):
    """A condition: every key that is given must hold, any value of a list will do."""

    kind: tuple[Literal["machine", "filesystem", "image", "repository"], ...] = ()
    os: tuple[Literal["linux", "macos", "windows"], ...] = ()
    provider: tuple[Literal["anthropic", "bedrock", "vertex", "foundry", "mantle", "gateway"], ...] = ()
    gateway: tuple[str, ...] = ()
    upstream: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    cli: Range | None = None


class AutoUpdate(NamedTuple):
    """``false``: versions are held. ``true``: clients update themselves. ``{channel: stable}``: from that channel."""

    allowed: bool = True
    channel: Literal["latest", "stable", "rc"] | None = None

    @staticmethod
    def short() -> str:
        return "allowed"


class Cli(NamedTuple):
    """Rules for the ``claude`` command."""

    versions: Range | None = None
    install: str | None = None
    gate: Literal["derive", "off"] = "off"
    auto_update: AutoUpdate | None = None
    sha256: Mapping[str, Mapping[str, str]] = {}


class Denied(NamedTuple):
    """Versions that nobody may run, whatever ``versions`` says. United over ``extends``; lifted only by id."""

    id: str
    place: Place
    product: str = "cli"
    versions: Range | None = None
    reason: str = ""
    instead: str | None = None
    lifted: str | None = None

    def errors(self) -> Iterator[str]:
        if (self.versions is None) == (self.lifted is None):
            yield "needs either 'versions' (what is denied) or 'lifted' (why an inherited denial no longer holds)"


class Extension(NamedTuple):
    """Rules for one editor extension."""

    versions: Range | None = None
    pinned: bool | None = None
    match_cli: bool = False


class Numbers(NamedTuple):
    """Comparisons that a whole number must meet: ``>=1, <=10``."""

    text: str

    @classmethod
    def parse(cls, text: str) -> "Numbers":
        list(_bounds(text))
        return cls(text)

    def admits(self, number: int) -> bool:
        return all(compare(number, bound) for compare, bound in _bounds(self.text))


class Environment(NamedTuple):
    """What one environment variable must be, as the client reads it, in every session."""

    place: Place
    value: str | None = None
    one_of: tuple[str, ...] = ()
    integer: Numbers | None = None
    absent: bool = False
    required: bool = False
    locked: bool = False
    when: When = When()

    @staticmethod
    def short() -> str:
        return "value"

    def errors(self) -> Iterator[str]:
        if sum((self.value is not None, bool(self.one_of), self.integer is not None, self.absent)) != 1:
            yield "needs exactly one of 'value', 'one-of', 'integer', 'absent: true'"


class Setting(NamedTuple):
    """What one setting must be; the key's dots are a path."""

    place: Place
    value: Value | None = None
    one_of: tuple[Value, ...] = ()
    absent: bool = False
    required: bool = False
    locked: bool = False
    when: When = When()

    @staticmethod
    def short() -> str:
        return "value"

    def errors(self) -> Iterator[str]:
        if sum((self.value is not None, bool(self.one_of), self.absent)) != 1:
            yield "needs exactly one of 'value', 'one-of', 'absent: true'"


class GatewayRule(NamedTuple):
    """A gateway that may be used: its URL (``*`` stands for anything), and what may talk to it."""

    url: str
    place: Place
    kind: str | None = None
    upstream: Literal["anthropic", "bedrock", "vertex", "foundry", "openai"] | None = None
    versions: Range | None = None
    deny: Mapping[str, str] = {}
    clients: Range | None = None

    def matches(self, url: str) -> bool:
        """Scheme and host by themselves, so that a ``*`` in the host stays in the host; then the path."""
        if "://" not in self.url:
            return fnmatch.fnmatchcase(url, self.url)
        (site, path), (allowed, below) = _parts(url), _parts(self.url)
        return fnmatch.fnmatchcase(site, allowed) and (
            fnmatch.fnmatchcase(path, below) or fnmatch.fnmatchcase(f"{path}/", below) or path == below.rstrip("/")
        )


class Allow(NamedTuple):
    """What a waiver excuses: these versions only."""

    versions: Range


class Waiver(NamedTuple):
    """An exception that somebody answers for, until a date."""

    check: str
    until: Date
    reason: str
    place: Place
    allow: Allow | None = None
    targets: tuple[str, ...] = ()
    owner: str | None = None
    approved_by: str | None = None
    ticket: str | None = None


class Policy(NamedTuple):
    """One policy. ``severity`` and waivers name a check or an advisory (``CCF-…``)."""

    policy: str
    extends: tuple[str, ...] = ()
    cli: Cli = Cli()
    deny: tuple[Denied, ...] = ()
    extensions: Mapping[str, Extension] = {}
    env: Mapping[str, Environment] = {}
    settings: Mapping[str, Setting] = {}
    editor_settings: Mapping[str, Setting] = {}
    gateways: tuple[GatewayRule, ...] = ()
    other_gateways: Literal["allow", "deny"] = "allow"
    advisories: tuple[str, ...] = ()
    severity: Mapping[str, Level] = {}
    contact: str | None = None
    waivers: tuple[Waiver, ...] = ()

    def denials(self, product: str, version: str) -> Iterator[Denied]:
        """The denials that meet this version."""
        return (d for d in self.deny if d.product == product and d.versions is not None and d.versions.admits(version))

    def gateway(self, url: str) -> GatewayRule | None:
        """The first rule that matches ``url``."""
        return next((rule for rule in self.gateways if rule.matches(url)), None)

    def names(self) -> frozenset[str]:
        """What this policy speaks of, whose values a reader may therefore keep."""
        return frozenset((*self.env, *self.settings, *self.editor_settings, *self.extensions))


def _parts(url: str) -> tuple[str, str]:
    """Scheme with host, in small letters, and path, of a URL without its query."""
    scheme, _, rest = url.partition("://")
    found = re.match(r"([^/?#\\]*)([^?#]*)", rest)
    host, path = (found[1], found[2]) if found else ("", "")
    return f"{scheme}://{host}".lower(), path.rstrip("/") if path.strip("/") else ""


def _bounds(text: str) -> Iterator[tuple[Any, int]]:
    operators = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "!=": operator.ne}
    for part in text.split(","):
        found = re.fullmatch(r"\s*(>=|<=|>|<|!=)\s*(-?[0-9]{1,9})\s*", part)
        if found is None:
            raise ValueError(f"{part.strip()!r} is not a comparison with a whole number, such as '>=1'")
        yield operators[found[1]], int(found[2])
