"""What is in force for one name, and the facts of a target by what is asked of them."""

# Annotations are not postponed here: as texts each would be compiled at start.
import json
from typing import Any

from cc_fleet.client import managed, validity
from cc_fleet.client.managed import Managed
from cc_fleet.client.validity import Voided
from cc_fleet.model import REDACTED, Place, Setting, Step, Target, Variable
from cc_fleet.records import NamedTuple

SCOPES = (
    "global", "user", "project", "local", "root-local", "hkcu", "program-data", "managed", "drop-in", "windows", "hklm", "plist", "remote",
)  # fmt: skip
NEWEST = (10**6, 0, 0)
ORIGINS = ("environment-file", "systemd", "launchd", "registry", "profile", "shell-rc", "process", "editor")
LABELS = {
    "environment-file": "the system environment", "profile": "the login profile", "shell-rc": "the shell's start-up file",
    "process": "the environment", "user": "user settings", "project": "project settings", "local": "local settings", "root-local": "the git root's local settings",
    "managed": "managed settings", "drop-in": "a managed drop-in", "global": "the global configuration",
    "systemd": "systemd's user environment", "launchd": "a launchd agent", "registry": "the registry's environment", "editor": "the editor's settings",
    "remote": "the server's managed settings", "plist": "the managed profile", "hklm": "the machine's registry policy", "hkcu": "the user's registry policy",
    "windows": "Windows' managed settings", "program-data": "the old managed settings",
}  # fmt: skip


# A user, their project, the version of the client, and the editor that runs it.
Alike = tuple[str, str | None, str | None, str | None]


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
        """Said by an administrator, so that no user can change it."""
        return self.winner is not None and self.winner.scope in managed.ADMIN

    def trace(self) -> tuple[Step, ...]:
        """The winner and what it beats, for a report."""
        return tuple(source.step() for source in (self.winner, *self.beats) if source is not None)


NOTHING = Effective(None)


class Index:
    """The facts of a target by what a view asks for, made once, so that many users cost no more than each alone."""

    def __init__(self, target: Target) -> None:
        self._settings: dict[tuple[str | None, tuple[str, ...]], list[Setting]] = {}
        self._variables: dict[tuple[str | None, str], list[Variable]] = {}
        self._voided: dict[tuple[int, int, int], dict[str | None, list[Voided]]] = {}
        self._target = target
        self._sources: dict[str | None, dict[str, dict[str, None]]] = {}
        self.goes_by: dict[Alike, Managed] = {}
        self.switched: dict[Alike, tuple[str | None, str]] = {}
        self.environments: dict[Alike, dict[str, Effective]] = {}
        self.named = {variable.name for variable in target.variables} | {s.key[1] for s in target.settings if s.key[0] == "env" and len(s.key) > 1}
        for setting in target.settings:
            self._settings.setdefault((setting.user, setting.key), []).append(setting)
            if setting.scope in managed.SCOPES:
                self._sources.setdefault(setting.user, {}).setdefault(setting.scope, {})[setting.place.file] = None
        for variable in target.variables:
            self._variables.setdefault((variable.user, variable.name), []).append(variable)

    def setting(self, key: tuple[str, ...], user: str) -> list[Setting]:
        """What everybody's files and this user's say of ``key``."""
        return [*self._settings.get((None, key), ()), *self._settings.get((user, key), ())]

    def variable(self, name: str, user: str) -> list[Variable]:
        """What everybody's files and this user's say of ``name``."""
        return [*self._variables.get((None, name), ()), *self._variables.get((user, name), ())]

    def present(self, user: str, voided: set[str]) -> frozenset[str]:
        """The managed scopes that hold something for ``user`` in a file that is taken."""
        held = (*self._sources.get(None, {}).items(), *self._sources.get(user, {}).items())
        return frozenset(scope for scope, files in held if files.keys() - voided)

    def managed_file(self, scopes: frozenset[str], user: str) -> str | None:
        """A file that says something for ``user`` in one of these managed scopes, the user's own first."""
        held = (*self._sources.get(user, {}).items(), *self._sources.get(None, {}).items())
        return next((file for scope, files in held if scope in scopes for file in files), None)

    def voided(self, version: tuple[int, int, int], user: str) -> tuple[Voided, ...]:
        """The files of everybody and of this user that a client of ``version`` does not take."""
        if version not in self._voided:
            by_user = self._voided[version] = {}
            for void in validity.voided(self._target, version):
                by_user.setdefault(void.user, []).append(void)
        known = self._voided[version]
        return (*known.get(None, ()), *known.get(user, ()))


def shown(value: Any) -> str:
    """A value as a report shows it."""
    return str(value) if value == REDACTED else json.dumps(value, ensure_ascii=False)


def effective(ranked: list[Source]) -> Effective:
    if not ranked:
        return Effective(None)
    return Effective(ranked[0].value, ranked[0], tuple(ranked[1:]))


def last_of_each(ranked: list[Setting]) -> list[Setting]:
    """Of drop-ins the last in the alphabet wins; facts list them in order."""
    drop_ins = [s for s in ranked if s.scope == "drop-in"]
    if len(drop_ins) < 2:
        return ranked
    first = ranked.index(drop_ins[0])
    return [*ranked[:first], *reversed(drop_ins), *ranked[first + len(drop_ins) :]]


def as_text(value: Any) -> str:
    """A JSON value as the environment gets it: JavaScript's ``String()`` (measured)."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ",".join("" if item is None else as_text(item) for item in value)
    if isinstance(value, dict):
        return "[object Object]"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        value = int(value)
    return json.dumps(value)
