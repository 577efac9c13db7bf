"""How a Claude Code of version V resolves what lies on disk.  Pure: facts in, effective values out.

``views(target)`` gives every user, project and copy of the client that meet on a target; a
view answers what is in force there, where it stands, and what it beats.  Checks ask views
and never know an order of precedence.  Measured on real clients (facts/wire.md 3, and
``tests/real``): settings beat the process environment, and managed > local > project > user.
"""

# Annotations are not postponed here: as texts each would be compiled at start.
import fnmatch
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from cc_fleet.client import truth, validity
from cc_fleet.client.validity import MANAGED, Voided
from cc_fleet.model import REDACTED, Gateway, Install, Place, Setting, Step, Target, Variable
from cc_fleet.versions import key as version_key

EXTENSION = "anthropic.claude-code"
SCOPES = ("global", "user", "project", "local", "root-local", "managed", "drop-in")
NEWEST = (10**6, 0, 0)
ORIGINS = ("environment-file", "profile", "shell-rc", "process")
_SHOWN = {
    "environment-file": "the system environment", "profile": "the login profile", "shell-rc": "the shell's start-up file",
    "process": "the environment", "user": "user settings", "project": "project settings", "local": "local settings", "root-local": "the git root's local settings",
    "managed": "managed settings", "drop-in": "a managed drop-in", "global": "the global configuration",
}  # fmt: skip
_PROVIDERS = {
    "bedrock": ("CLAUDE_CODE_USE_BEDROCK", "ANTHROPIC_BEDROCK_BASE_URL"),
    "vertex": ("CLAUDE_CODE_USE_VERTEX", "ANTHROPIC_VERTEX_BASE_URL"),
    "foundry": ("CLAUDE_CODE_USE_FOUNDRY", "ANTHROPIC_FOUNDRY_BASE_URL"),
    "mantle": ("CLAUDE_CODE_USE_MANTLE", "ANTHROPIC_BEDROCK_MANTLE_BASE_URL"),
    "gateway": ("CLAUDE_CODE_USE_GATEWAY", "ANTHROPIC_BASE_URL"),
}


class Source(NamedTuple):
    """One place that gives a value: ``label`` is what people call it, ``scope`` its name in facts."""

    label: str
    scope: str
    value: Any
    place: Place

    def step(self) -> Step:
        unknown = self.value is None and self.scope in ORIGINS
        return Step(self.label, "a value that only running the shell would tell" if unknown else shown(self.value), self.place)


class Effective(NamedTuple):
    """What is in force for one name: the winner, and what it beats, strongest first.

    ``value`` is None where nothing sets it, and where only running a shell would tell
    (then ``winner`` is there and its value is None).
    """

    value: Any
    winner: Source | None = None
    beats: tuple[Source, ...] = ()

    @property
    def unknown(self) -> bool:
        return self.winner is not None and self.winner.value is None

    @property
    def hidden(self) -> bool:
        """Set, to a text that was redacted."""
        return bool(self.value == REDACTED)

    @property
    def managed(self) -> bool:
        return self.winner is not None and self.winner.scope in MANAGED

    def trace(self) -> tuple[Step, ...]:
        """The winner and what it beats, for a report."""
        return tuple(source.step() for source in (self.winner, *self.beats) if source is not None)


class Index:
    """The facts of a target by what a view asks for, made once, so that many users cost no more than each alone."""

    def __init__(self, target: Target) -> None:
        self._settings: dict[tuple[str | None, tuple[str, ...]], list[Setting]] = {}
        self._variables: dict[tuple[str | None, str], list[Variable]] = {}
        self._voided: dict[tuple[int, int, int], dict[str | None, list[Voided]]] = {}
        self._target = target
        self.environments: dict[tuple[str, str | None, str | None], dict[str, Effective]] = {}
        for setting in target.settings:
            self._settings.setdefault((setting.user, setting.key), []).append(setting)
        for variable in target.variables:
            self._variables.setdefault((variable.user, variable.name), []).append(variable)

    def setting(self, key: tuple[str, ...], user: str) -> list[Setting]:
        """What everybody's files and this user's say of ``key``."""
        return [*self._settings.get((None, key), ()), *self._settings.get((user, key), ())]

    def variable(self, name: str, user: str) -> list[Variable]:
        """What everybody's files and this user's say of ``name``."""
        return [*self._variables.get((None, name), ()), *self._variables.get((user, name), ())]

    def voided(self, version: tuple[int, int, int], user: str) -> tuple[Voided, ...]:
        """The files of everybody and of this user that a client of ``version`` does not take."""
        if version not in self._voided:
            by_user = self._voided[version] = {}
            for void in validity.voided(self._target, version):
                by_user.setdefault(void.user, []).append(void)
        known = self._voided[version]
        return (*known.get(None, ()), *known.get(user, ()))


class View(NamedTuple):
    """One client at work: a user, the project that they stand in, and the copy that runs.

    ``install`` is None where a user has settings and no copy was found.
    """

    user: str
    project: str | None
    install: Install | None
    target: Target
    lookup: Index

    @property
    def version(self) -> str | None:
        return self.install.version if self.install else None

    def setting(self, name: str) -> Effective:
        """The setting at ``name`` (dots are a path) as this client merges its scopes."""
        return self._of(tuple(name.split(".")))

    def _of(self, path: tuple[str, ...]) -> Effective:
        voided = {void.place.file for void in self.voided()}
        read = self._read()
        given = [s for s in self.lookup.setting(path, self.user) if self._sees(s) and s.place.file not in voided]
        found = [s for s in given if not validity.drops(s, read)]
        ranked = sorted(found, key=lambda s: SCOPES.index(s.scope), reverse=True)
        return _effective([Source(_SHOWN[s.scope], s.scope, s.value, s.place) for s in _last_of_each(ranked)])

    def env(self, name: str) -> Effective:
        """The variable ``name``: settings' ``env`` beat what the shell exports."""
        known = self.lookup.environments.setdefault((self.user, self.project, self.version), {})
        if name not in known:
            known[name] = self._env(name)
        return known[name]

    def _env(self, name: str) -> Effective:
        below = self.lookup.variable(name, self.user)
        ranked = sorted(enumerate(below), key=lambda pair: (ORIGINS.index(pair[1].origin), pair[0]), reverse=True)
        shell = [Source(_SHOWN[v.origin], v.origin, v.value, v.place) for _, v in ranked]
        settings = self._of(("env", name))
        given = [settings.winner, *settings.beats] if settings.winner else []
        return _effective([*(s._replace(value=_text(s.value)) for s in given if s), *shell])

    def is_on(self, name: str) -> bool:
        """Whether the switch ``name`` is on for this client."""
        value = self.env(name).value
        return value is not None and truth.is_on(name, value)

    def _sees(self, setting: Setting) -> bool:
        if not self.knows(validity.READ_SINCE.get(setting.scope, (0, 0, 0))):
            return False
        if setting.scope == "global" and setting.key[0] != "env":
            return False
        return setting.project in (None, self.project)

    def knows(self, since: tuple[int, int, int]) -> bool:
        """Whether this client is of version ``since`` or later; one of unknown version counts as new."""
        read = version_key(self.version) if self.version else None
        return read is None or read[:3] >= since

    def provider(self) -> str:
        """anthropic, bedrock, vertex, foundry, mantle, or gateway: who gets the requests."""
        for name, (switch, _) in _PROVIDERS.items():
            if self.is_on(switch):
                return name
        return "gateway" if self.gateway() or self.base_url().unknown else "anthropic"

    def base_url(self) -> Effective:
        """The variable that says where this client sends its requests."""
        return self.env(next((url for switch, url in _PROVIDERS.values() if self.is_on(switch)), "ANTHROPIC_BASE_URL"))

    def gateway(self) -> Gateway | None:
        """The URL that this client is told to send its requests to, if it is not Anthropic's own."""
        found = self.base_url()
        if not found.value or found.winner is None or _is_anthropic(str(found.value)):
            return None
        url = str(found.value).replace(f"{REDACTED}@", "").replace(f"?{REDACTED}", "")
        known = next((g for g in self.target.gateways if g.url.rstrip("/") == url.rstrip("/")), None)
        return Gateway(url, known.kind if known else None, known.version if known else None, found.winner.place)

    def model(self) -> str | None:
        """The model that is asked for by name or alias; None leaves it to the client."""
        given = self.env("ANTHROPIC_MODEL").value or self.setting("model").value
        return str(given) if given else None

    def credentials(self) -> frozenset[str]:
        """The kinds of credential that this user has."""
        return frozenset(c.kind for c in self.target.credentials if c.user in (None, self.user))

    def voided(self) -> tuple[Voided, ...]:
        """The files that this client does not take, of those that it would read."""
        return self.lookup.voided(self._read(), self.user)

    def _read(self) -> tuple[int, int, int]:
        read = version_key(self.version) if self.version else None
        return (read[0], read[1], read[2]) if read is not None else NEWEST

    def gate(self, name: str) -> Effective:
        """The bound ``name`` of the client's own gate, for which managed settings alone are asked."""
        found = self.setting(name)
        return _effective([source for source in (found.winner, *found.beats) if source and source.scope in MANAGED])

    def refusal(self) -> tuple[str, Effective] | None:
        """The bound of its own gate that keeps this client from starting, by name; None where it starts."""
        read = version_key(self.version) if self.version else None
        if read is None or read[:3] < validity.GATE_SINCE:
            return None
        for name, lowest in validity.GATE.items():
            limit = validity.bound((found := self.gate(name)).value)
            if limit is not None and (read[:4] < limit if lowest else read[:4] > limit):
                return name, found
        return None


def views(target: Target) -> Iterator[View]:
    """Every client at work on ``target``: for each user the copies that run, in and out of the project."""
    index = Index(target)
    by_user: dict[str, list[Install]] = {}
    for install in target.installs:
        for user in install.active_for or ():
            by_user.setdefault(user, []).append(install)
    projects: dict[str, list[str]] = {}
    present = {fact.user for group in (target.settings, target.rejected, target.credentials) for fact in group}
    for setting in target.settings:
        if setting.project and setting.user and setting.project not in projects.setdefault(setting.user, []):
            projects[setting.user].append(setting.project)
    for user in target.coverage.users:
        copies: list[Install | None] = list(by_user.get(user, ()))
        if not copies and user in present:
            copies = [None]
        for copy in copies:
            for project in (None, *projects.get(user, ())):
                yield View(user, project, copy, target, index)


def shown(value: Any) -> str:
    """A value as a report shows it."""
    return str(value) if value == REDACTED else json.dumps(value, ensure_ascii=False)


def matches(text: str | None, patterns: tuple[str, ...]) -> bool:
    """Whether ``text`` is one of ``patterns`` (``*`` stands for anything)."""
    return text is not None and any(fnmatch.fnmatchcase(text.lower(), pattern.lower()) for pattern in patterns)


def _effective(ranked: list[Source]) -> Effective:
    if not ranked:
        return Effective(None)
    return Effective(ranked[0].value, ranked[0], tuple(ranked[1:]))


def _last_of_each(ranked: list[Setting]) -> list[Setting]:
    """Of drop-ins the last in the alphabet wins; facts list them in order."""
    drop_ins = [s for s in ranked if s.scope == "drop-in"]
    return [*reversed(drop_ins), *(s for s in ranked if s.scope != "drop-in")]


def _text(value: Any) -> str:
    """A JSON value as the environment gets it: JavaScript's ``String()`` (measured)."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ",".join("" if item is None else _text(item) for item in value)
    if isinstance(value, dict):
        return "[object Object]"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        value = int(value)
    return json.dumps(value)


def _is_anthropic(url: str) -> bool:
    """By its host alone; what user-info or a path pretends does not count."""
    host = re.split(r"[/?#\\]", url.partition("://")[2], maxsplit=1)[0].rpartition("@")[2].partition(":")[0].lower()
    return host == "anthropic.com" or host.endswith(".anthropic.com")
