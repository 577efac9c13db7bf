"""How a Claude Code of version V resolves what lies on disk.  Pure: facts in, effective values out.

``views(target)`` gives every user, project and copy of the client that meet on a target; a
view answers what is in force there, where it stands, and what it beats.  Checks ask views
and never know an order of precedence.  Measured on real clients (facts/wire.md 3, and
``tests/real``): settings beat the process environment, and managed > local > project > user.
"""

# Annotations are not postponed here: as texts each would be compiled at start.
import fnmatch
import re
from collections.abc import Iterator

from cc_fleet.client import managed, truth, validity
from cc_fleet.client.effective import (
    LABELS,
    NEWEST,
    NOTHING,
    ORIGINS,
    SCOPES,
    Alike,
    Effective,
    Index,
    Source,
    as_text,
    effective,
    last_of_each,
    shown,
)
from cc_fleet.client.managed import Managed
from cc_fleet.client.validity import Voided
from cc_fleet.model import REDACTED, Gateway, Install, Job, Setting, Target, Variable
from cc_fleet.records import NamedTuple
from cc_fleet.versions import key as version_key

__all__ = ["NEWEST", "ORIGINS", "SCOPES", "Effective", "Index", "Source", "View", "matches", "shown", "views"]

EXTENSION = "anthropic.claude-code"
# Of each provider but Anthropic: the switch that chooses it, and the variable that has its URL.
PROVIDERS = {
    "bedrock": ("CLAUDE_CODE_USE_BEDROCK", "ANTHROPIC_BEDROCK_BASE_URL"),
    "vertex": ("CLAUDE_CODE_USE_VERTEX", "ANTHROPIC_VERTEX_BASE_URL"),
    "foundry": ("CLAUDE_CODE_USE_FOUNDRY", "ANTHROPIC_FOUNDRY_BASE_URL"),
    "mantle": ("CLAUDE_CODE_USE_MANTLE", "ANTHROPIC_BEDROCK_MANTLE_BASE_URL"),
    "gateway": ("CLAUDE_CODE_USE_GATEWAY", "ANTHROPIC_BASE_URL"),
}


class View(NamedTuple):
    """One client at work: a user, the project that they stand in, and the copy that runs.

    ``install`` is None where a user has settings and no copy was found.  In a repository ``user`` is
    ``job``, an image or a CI job, or a file; ``complete`` is False where a session would get more
    than what can be read here, so that nothing can be said to be missing.
    """

    user: str
    project: str | None
    install: Install | None
    target: Target
    lookup: Index
    complete: bool = True
    job: Job | None = None

    @property
    def version(self) -> str | None:
        return (self.install.version or None) if self.install else None

    def setting(self, name: str) -> Effective:
        """The setting at ``name`` (dots are a path) as this client merges its scopes."""
        return self._of(tuple(name.split(".")))

    def _of(self, path: tuple[str, ...], by: Managed | None = None) -> Effective:
        stated = self.lookup.setting(path, self.user)
        if not stated:
            return NOTHING
        by = by or self.managed()
        scopes = by.env if path[0] == "env" else by.settings
        voided = {void.place.file for void in self.voided()}
        read = self._read()
        found = [s for s in stated if self._sees(s, scopes) and s.place.file not in voided and not validity.drops(s, read)]
        ranked = sorted(found, key=lambda s: (SCOPES.index(s.scope), s.user is not None), reverse=True)
        return effective([Source(LABELS[s.scope], s.scope, s.value, s.place) for s in last_of_each(ranked)])

    def managed(self) -> Managed:
        """The managed sources that this client goes by."""
        known, asked = self.lookup.goes_by, self._alike()
        if asked not in known:
            known[asked] = self._goes_by()
        return known[asked]

    def _alike(self) -> Alike:
        """What two clients share that resolve everything alike; an editor gives the extension variables of its own."""
        return self.user, self.project, self.version, self.install.method if self.install and self.install.product == EXTENSION else None

    def _goes_by(self) -> Managed:
        present = self.lookup.present(self.user, {void.place.file for void in self.voided()})
        if not present:
            return Managed()
        version = self._read()
        below = managed.in_force(present - {"remote"}, version, union=False)
        union = not self._on(managed.NO_UNION, below)
        if "remote" in present and not self._asks_server(below):
            present -= {"remote"}
        return managed.in_force(present, version, union=union)

    def _on(self, name: str, by: Managed) -> bool:
        value = self._env(name, by).value
        return value is not None and truth.is_on(name, value)

    def _asks_server(self, by: Managed) -> bool:
        """Whether the server's managed settings are fetched: not with a gateway, another provider, or a helper."""
        elsewhere = any(self._on(switch, by) for switch, _ in PROVIDERS.values())
        url = self._env("ANTHROPIC_BASE_URL", by)
        return not elsewhere and (not url.value or _is_anthropic(str(url.value))) and not self._of(("apiKeyHelper",), by).value

    def env(self, name: str) -> Effective:
        """The variable ``name``: settings' ``env`` beat what the shell exports."""
        if name not in self.lookup.named:  # most are not, and are asked for all the same
            return NOTHING
        known = self.lookup.environments.setdefault(self._alike(), {})
        if name not in known:
            known[name] = self._env(name)
        return known[name]

    def _env(self, name: str, by: Managed | None = None) -> Effective:
        below = [variable for variable in self.lookup.variable(name, self.user) if variable.origin != "editor" or self._gets(variable)]
        ranked = sorted(enumerate(below), key=lambda pair: (ORIGINS.index(pair[1].origin), pair[0]), reverse=True)
        shell = [Source(LABELS[v.origin], v.origin, v.value, v.place) for _, v in ranked]
        settings = self._of(("env", name), by)
        if not below and settings.winner is None:
            return NOTHING
        given = [settings.winner, *settings.beats] if settings.winner else []
        return effective([*(s._replace(value=as_text(s.value)) for s in given if s), *shell])

    def is_on(self, name: str) -> bool:
        """Whether the switch ``name`` is on for this client."""
        value = self.env(name).value
        return value is not None and truth.is_on(name, value)

    def _gets(self, variable: Variable) -> bool:
        """An editor gives its variables to the extension that it runs, and to nothing else."""
        copy = self.install
        runs = copy is not None and copy.product == EXTENSION and variable.editor in (None, copy.method)
        return runs and variable.project in (None, self.project)

    def _sees(self, setting: Setting, scopes: frozenset[str]) -> bool:
        if setting.scope in managed.SCOPES and setting.scope not in scopes:
            return False
        if setting.scope not in SCOPES or not self.knows(validity.READ_SINCE.get(setting.scope, (0, 0, 0))):
            return False
        if setting.key[0] != "env" and (setting.scope == "global") != (setting.key[0] in validity.GLOBAL_ONLY):
            return False
        return setting.project in (None, self.project)

    def knows(self, since: tuple[int, int, int]) -> bool:
        """Whether this client is of version ``since`` or later; one of unknown version counts as new."""
        read = version_key(self.version) if self.version else None
        return read is None or read[:3] >= since

    def provider(self) -> str:
        """anthropic, bedrock, vertex, foundry, mantle, or gateway: who gets the requests."""
        name, _ = self._switched()
        if name is not None:
            return name
        return "gateway" if self.gateway() or self.base_url().unknown else "anthropic"

    def base_url(self) -> Effective:
        """The variable that says where this client sends its requests."""
        return self.env(self._switched()[1])

    def _switched(self) -> tuple[str | None, str]:
        """The provider whose switch is on, and the variable that has its URL.  Half of all questions ask it, so it is looked up once."""
        known, asked = self.lookup.switched, self._alike()
        if asked not in known:
            on = ((name, url) for name, (switch, url) in PROVIDERS.items() if self.is_on(switch))
            known[asked] = next(on, (None, "ANTHROPIC_BASE_URL"))
        return known[asked]

    def gateway(self) -> Gateway | None:
        """The URL that this client is told to send its requests to, if it is not Anthropic's own."""
        found = self.base_url()
        if not found.value or found.winner is None or _is_anthropic(str(found.value)):
            return None
        url = str(found.value).replace(f"{REDACTED}@", "").replace(f"?{REDACTED}", "")
        known = next((g for g in self.target.gateways if g.url and g.url.rstrip("/") == url.rstrip("/")), None) or _served_here(self.target, url)
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
        return effective([source for source in (found.winner, *found.beats) if source and source.scope in managed.SCOPES])

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
    if target.kind == "repository":
        from cc_fleet.client import declared

        yield from declared.views(target)
        return
    index = Index(target)
    by_user: dict[str, list[Install]] = {}
    maybe: dict[str, list[Install]] = {}
    for install in target.installs:
        for user in install.active_for or () if install.product in ("cli", EXTENSION) else ():
            by_user.setdefault(user, []).append(install)
        if install.active_for is None and install.user and install.product == "cli" and install.bundled_in is None and install.intact is not False:
            maybe.setdefault(install.user, []).append(install)
    projects: dict[str, list[str]] = {}
    present = {fact.user for group in (target.settings, target.rejected) for fact in group if not fact.scope.startswith("editor")}
    present |= {credential.user for credential in target.credentials}
    here: tuple[Setting | Variable, ...] = (*target.settings, *target.variables)
    for fact in here:
        if fact.project and fact.user and fact.project not in projects.setdefault(fact.user, []):
            projects[fact.user].append(fact.project)
    for user in target.coverage.users:
        runs = by_user.get(user, [])
        # Who has no other may run what a hook of the shell would put into PATH: nvm's, fnm's.
        copies: list[Install | None] = [*runs, *(maybe.get(user, ()) if not any(c.product == "cli" for c in runs) else ())]
        if not copies and user in present:
            copies = [None]
        for copy in copies:
            for project in (None, *projects.get(user, ())):
                yield View(user, project, copy, target, index)


def matches(text: str | None, patterns: tuple[str, ...]) -> bool:
    """Whether ``text`` is one of ``patterns`` (``*`` stands for anything)."""
    return text is not None and any(fnmatch.fnmatchcase(text.lower(), pattern.lower()) for pattern in patterns)


def _is_anthropic(url: str) -> bool:
    """By its host alone; what user-info or a path pretends does not count."""
    host = _host(url)
    return host == "anthropic.com" or host.endswith(".anthropic.com")


def _host(url: str) -> str:
    """The host of a URL in small letters, without port and brackets."""
    host = re.split(r"[/?#\\]", url.partition("://")[2], maxsplit=1)[0].rpartition("@")[2].lower()
    return host.partition("]")[0].lstrip("[") if host.startswith("[") else host.partition(":")[0]


def _served_here(target: Target, url: str) -> Gateway | None:
    """The gateway software on ``target`` that answers at ``url``: the only one, where the URL names this very machine."""
    host = _host(url)
    if host not in ("localhost", "::1", target.name.lower()) and not re.fullmatch(r"127(\.[0-9]{1,3}){3}", host):
        return None
    software = {(g.kind, g.version): g for g in target.gateways if not g.url}
    return next(iter(software.values())) if len(software) == 1 else None
