"""What is allowed: the policy, as the named tuples that its YAML is read into.

A field is a key of the file (``auto_update`` is ``auto-update``), its type says what may
stand there, and the ``#:`` behind it what it means: ``policy schema`` and docs/policy.md are
made of these.
"""

# No postponed annotations here: the decoder reads them as types.
import fnmatch
import re
from collections.abc import Iterator, Mapping
from typing import Literal

from cc_fleet.decode import Date, Value, Words
from cc_fleet.model import Place
from cc_fleet.policy.values import Count, Duration, Numbers, Share
from cc_fleet.records import NamedTuple
from cc_fleet.versions import Range

Level = Literal["error", "warning", "note", "ignore"]
SEVERITIES = ("error", "warning", "note")
# The checks that nobody can ignore or waive.
KEPT = frozenset(("unreadable", "waiver-expired"))


class When(NamedTuple):
    """A condition: every key that is given must hold; of several words any will do."""

    kind: Words[Literal["machine", "filesystem", "image", "repository"]] = ()  #: what is judged
    os: Words[Literal["linux", "macos", "windows"]] = ()  #: its operating system
    group: Words[str] = ()  #: a group that it is in
    provider: Words[Literal["anthropic", "bedrock", "vertex", "foundry", "mantle", "gateway"]] = ()  #: who gets a client's requests
    gateway: Words[str] = ()  #: the URL that a client sends to; `*` stands for anything
    upstream: Words[str] = ()  #: what stands behind that gateway, as the policy's `gateways` has it
    model: Words[str] = ()  #: the model that a client asks for; `*` stands for anything
    cli: Range | None = None  #: the client's version; one that is not known meets every range


class AutoUpdate(NamedTuple):
    """`false`: versions are held. `true`: clients update themselves. `{channel: stable}`: from that channel."""

    allowed: bool = True  #: whether clients may update themselves
    channel: Literal["latest", "stable", "rc"] | None = None  #: from which channel only

    @staticmethod
    def short() -> str:
        return "allowed"


class Cli(NamedTuple):
    """Rules for the `claude` command."""

    versions: Range | None = None  #: what may be installed, declared or running
    install: str | None = None  #: the version that is installed where one must be; without it the highest that is allowed and published
    gate: Literal["derive", "off"] = "off"  #: whether managed settings must say `versions` as requiredMinimumVersion and requiredMaximumVersion
    auto_update: AutoUpdate | None = None  #: whether clients may update themselves
    one_install: Literal["report", "remove"] = "report"  #: what becomes of further copies that another one hides
    sha256: Mapping[str, Mapping[str, str]] = {}  #: by version and platform (`linux-x64`) the digest of the native program
    given: tuple[str, ...] = ()


class Denied(NamedTuple):
    """Versions that nobody may run, whatever `versions` says. United over `extends`; lifted only by id."""

    id: str  #: its name in reports
    place: Place
    product: str = "cli"  #: `cli`, or an extension's id
    versions: Range | None = None  #: what is denied
    reason: str = ""  #: why, as reports show it
    instead: str | None = None  #: the version to install in its place
    lifted: str | None = None  #: why the denial of this id, which an extended policy has, no longer holds

    @staticmethod
    def one_of_these() -> tuple[str, ...]:
        return ("versions", "lifted")

    def errors(self) -> Iterator[str]:
        if (self.versions is None) == (self.lifted is None):
            yield "needs either 'versions' (what is denied) or 'lifted' (why an inherited denial no longer holds)"


class Extension(NamedTuple):
    """Rules for one editor extension."""

    versions: Range | None = None  #: what may be installed
    pinned: bool | None = None  #: whether the editor must hold its version, or must not
    match_cli: bool = False  #: whether the CLI that it brings must be of the version in PATH


class Environment(NamedTuple):
    """What one environment variable must be, as the client reads it, in every session."""

    place: Place
    value: str | None = None  #: what it must be; for switches `1`, `true` and `on` are one, `""` is unset
    one_of: tuple[str, ...] = ()  #: what it may be, where it is set
    integer: Numbers | None = None  #: comparisons that it must meet as a whole number, where it is set: `">=1, <=10"`
    absent: bool = False  #: `true`: it must not be set; empty counts as not set
    required: bool = False  #: `true`: with `one-of` and `integer`, it must be set
    locked: bool = False  #: `true`: managed settings must say it, since anything else is the user's to change
    when: When = When()  #: for which clients

    @staticmethod
    def short() -> str:
        return "value"

    @staticmethod
    def one_of_these() -> tuple[str, ...]:
        return ("value", "one-of", "integer", "absent")

    def errors(self) -> Iterator[str]:
        if sum((self.value is not None, bool(self.one_of), self.integer is not None, self.absent)) != 1:
            yield "needs exactly one of 'value', 'one-of', 'integer', 'absent: true'"


class Setting(NamedTuple):
    """What one setting must be: of Claude Code (the key's dots are a path) or of an editor (the key is its name)."""

    place: Place
    value: Value | None = None  #: what it must be; `true` and `30` are JSON's, `"30"` is a text
    one_of: tuple[Value, ...] = ()  #: what it may be, where it is set
    absent: bool = False  #: `true`: it must not be set
    required: bool = False  #: `true`: with `one-of`, it must be set
    locked: bool = False  #: `true`: managed settings must say it, since anything else is the user's to change
    when: When = When()  #: for which clients

    @staticmethod
    def short() -> str:
        return "value"

    @staticmethod
    def one_of_these() -> tuple[str, ...]:
        return ("value", "one-of", "absent")

    def errors(self) -> Iterator[str]:
        if sum((self.value is not None, bool(self.one_of), self.absent)) != 1:
            yield "needs exactly one of 'value', 'one-of', 'absent: true'"


class GatewayRule(NamedTuple):
    """A gateway that may be used, and what may talk to it."""

    url: str  #: its URL; `*` stands for anything
    place: Place
    kind: str | None = None  #: which program it is: `litellm` …
    upstream: Literal["anthropic", "bedrock", "vertex", "foundry", "openai"] | None = None  #: what stands behind it
    versions: Range | None = None  #: its own versions that are allowed, as Python numbers them
    deny: Mapping[str, str] = {}  #: its own versions that are not, each with the reason
    clients: Range | None = None  #: the versions of Claude Code that it serves

    def matches(self, url: str) -> bool:
        """Scheme and host by themselves, so that a ``*`` in the host stays in the host; then the path."""
        if "://" not in self.url:
            return fnmatch.fnmatchcase(url, self.url)
        (site, path), (allowed, below) = _parts(url), _parts(self.url)
        return fnmatch.fnmatchcase(site, allowed) and (
            fnmatch.fnmatchcase(path, below) or fnmatch.fnmatchcase(f"{path}/", below) or path == below.rstrip("/")
        )


class Sessions(NamedTuple):
    """How the sessions that Claude Code keeps of its users are judged."""

    poisoned: Level = "warning"  #: how a session counts that the API will go on refusing
    all_users: bool = False  #: `true`: as root, other users' sessions are read too
    given: tuple[str, ...] = ()


class Ring(NamedTuple):
    """One step of a rollout, in order."""

    group: str  #: who; `"*"` is everybody who was not asked yet
    soak: Duration | None = None  #: how long to wait after it before the next: `24h`, `7d`
    batch: Share | None = None  #: how many machines at once: `10`, or `"25%"` of them


class Exceptions(NamedTuple):
    """What exceptions people may make."""

    max_days: Count | None = None  #: the longest that a new waiver may run, or a comment in a repository, which then needs its `until=`
    inline: Words[str] = ()  #: the checks and advisories that a comment in a repository may excuse: without this key any, with `[]` none
    given: tuple[str, ...] = ()


class Allow(NamedTuple):
    """What a waiver excuses: these versions only."""

    versions: Range  #: the versions


class Waiver(NamedTuple):
    """An exception that somebody answers for, until a date."""

    check: str  #: the check or the advisory (`CCF-…`) whose findings are excused
    until: Date  #: the last day, UTC: it holds through the end of it
    reason: str  #: why, as reports show it
    place: Place
    allow: Allow | None = None  #: the versions that it excuses; without it any
    targets: tuple[str, ...] = ()  #: names, machine ids and `group:NAME`; without it all
    owner: str | None = None  #: who answers for it
    approved_by: str | None = None  #: who agreed
    ticket: str | None = None  #: where that stands


class Overlay(NamedTuple):
    """Sections that are laid over the policy, as `extends` lays one file over another, for the targets that meet `when`.

    An overlay speaks of a whole target: `kind`, `os` and `group` are the target's, the other
    conditions hold where one of its clients meets them all. Overlays are laid in the order of
    the file, so that the later wins.
    """

    name: str  #: its name in reports; an overlay of a later file replaces one of the same name
    when: When  #: for which targets
    place: Place
    cli: Cli = Cli()  #: by key
    deny: tuple[Denied, ...] = ()  #: added
    extensions: Mapping[str, Extension] = {}  #: by name
    env: Mapping[str, Environment] = {}  #: by name
    settings: Mapping[str, Setting] = {}  #: by name
    editor_settings: Mapping[str, Setting] = {}  #: by name
    gateways: tuple[GatewayRule, ...] = ()  #: added
    other_gateways: Literal["allow", "deny"] = "allow"  #: instead of the policy's
    sessions: Sessions = Sessions()  #: by key
    advisories: tuple[str, ...] = ()  #: added
    severity: Mapping[str, Level] = {}  #: by name
    exceptions: Exceptions = Exceptions()  #: by key
    contact: str | None = None  #: instead of the policy's
    waivers: tuple[Waiver, ...] = ()  #: added
    given: tuple[str, ...] = ()


class Policy(NamedTuple):
    """One policy. `severity` and waivers name a check or an advisory (`CCF-…`)."""

    policy: str  #: its name in reports
    edition: Count | None = None  #: of a packaged policy: another edition may judge otherwise, the same one never does
    extends: tuple[str, ...] = ()  #: what it is laid over: packaged policies by name (`default`, `default@1`), files by path
    cli: Cli = Cli()  #: the `claude` command
    deny: tuple[Denied, ...] = ()  #: versions that nobody may run
    extensions: Mapping[str, Extension] = {}  #: editor extensions by id
    env: Mapping[str, Environment] = {}  #: environment variables by name
    settings: Mapping[str, Setting] = {}  #: Claude Code's settings; dots are a path
    editor_settings: Mapping[str, Setting] = {}  #: the editors' settings; names are literal
    gateways: tuple[GatewayRule, ...] = ()  #: the gateways that may be used; the first that matches counts
    other_gateways: Literal["allow", "deny"] = "allow"  #: whether others may be
    sessions: Sessions = Sessions()  #: the users' sessions
    advisories: tuple[str, ...] = ()  #: folders with advisories of your own
    severity: Mapping[str, Level] = {}  #: by check or advisory; `unreadable` and `waiver-expired` cannot be ignored
    overlays: tuple[Overlay, ...] = ()  #: sections for some targets only
    groups: str | None = None  #: a CSV file: machine id or name, then its groups
    rollout: tuple[Ring, ...] = ()  #: in which order groups get a change
    exceptions: Exceptions = Exceptions()  #: what exceptions people may make
    contact: str | None = None  #: where people ask; reports show it
    waivers: tuple[Waiver, ...] = ()  #: exceptions, each until a date

    @property
    def digests(self) -> bool:
        """Whether facts must tell the sha256 of programs."""
        return bool(self.cli.sha256) or any(overlay.cli.sha256 for overlay in self.overlays)

    def denials(self, product: str, version: str) -> Iterator[Denied]:
        """The denials that meet this version, of a gateway (``litellm``) as Python numbers it."""
        scheme = "semver" if product == "cli" or "." in product else "pep440"
        return (d for d in self.deny if d.product == product and d.versions is not None and d.versions.admits(version, scheme))

    def gateway(self, url: str) -> GatewayRule | None:
        """The first rule that matches ``url``."""
        return next((rule for rule in self.gateways if rule.matches(url)), None)

    def names(self) -> frozenset[str]:
        """What this policy speaks of, whose values a reader may therefore keep."""
        ruled: tuple[Policy | Overlay, ...] = (self, *self.overlays)
        return frozenset(name for r in ruled for part in (r.env, r.settings, r.editor_settings, r.extensions) for name in part)


def _parts(url: str) -> tuple[str, str]:
    """Scheme with host, in small letters, and path, of a URL without its query."""
    scheme, _, rest = url.partition("://")
    found = re.match(r"([^/?#\\]*)([^?#]*)", rest)
    host, path = (found[1], found[2]) if found else ("", "")
    return f"{scheme}://{host}".lower(), path.rstrip("/") if path.strip("/") else ""
