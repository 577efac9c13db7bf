"""The nouns of facts and findings.  Everything else turns one of these into another.

A fact, once read, is evidence: every noun is immutable.  They are named tuples and not dataclasses because start-up is a feature:
thirty frozen dataclasses cost 33 ms of CPU before the first line of work (measured beside a 10 ms bare interpreter).  Standard
library only, Python 3.9.
"""

# Annotations are not postponed here: as texts each would be compiled at start, 2 ms in all.
from typing import Any, Optional, Union

from .records import NamedTuple

# A JSON value.  Named tuples cannot say this recursively in Python 3.9.
JSON = Any

REDACTED = "«redacted»"
# Behind a gateway's kind: its package is used as a library, and only what is denied concerns it.
LIBRARY = "-library"


class Place(NamedTuple):
    """Where something stands: a file as its machine names it, 1-based line and column.

    ``text`` is the statement itself (a JSON member, a shell assignment), its value already redacted where it could be a secret;
    ``column`` is where that text begins.  ``layer`` is the number, from 1, of the image's layer that brought the file.
    """

    file: str
    line: Optional[int] = None
    column: Optional[int] = None
    text: Optional[str] = None
    layer: Optional[int] = None

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}:{self.line}"


class Install(NamedTuple):
    """One installed copy of a product: ``cli``, or an editor extension by its id.

    ``active_for`` lists the users whose PATH (or editor) runs this copy, ``()`` nobody, ``None`` unknown.  ``intact`` is False where the copy
    cannot run, and ``defect`` says why.  ``platform`` is npm's name (``linux-x64``) of a native binary, ``sha256`` its digest where it was asked for.
    """

    product: str
    version: str
    method: str
    place: Place
    active_for: Optional[tuple[str, ...]] = None
    user: Optional[str] = None
    intact: Optional[bool] = None
    defect: Optional[str] = None
    pinned: Optional[bool] = None
    bundled_in: Optional[str] = None
    platform: Optional[str] = None
    sha256: Optional[str] = None


class Declared(NamedTuple):
    """What a repository asks for: ``product`` is ``cli``, an extension's id, a gateway's kind, or an action's name.

    ``spec`` is the version asked for, names filled in (None: none), at ``place``, else that is the statement that installs; ``used`` is the
    statement where ``place`` is another line.  ``resolved`` is what a lock makes of it, ``unresolved`` what the version comes from where
    that cannot be read here, ``job`` the image or CI job that it is for, ``pin`` the characters to write another version over (an empty
    text: one would be inserted), ``scheme`` how ranges are written: npm, pep440, exact.
    """

    product: str
    spec: Optional[str]
    installer: str
    place: Place
    resolved: Optional[str] = None
    lock: Optional[Place] = None
    unresolved: Optional[str] = None
    used: Optional[Place] = None
    job: Optional[str] = None
    pin: Optional[Place] = None
    scheme: str = "exact"


class Ignore(NamedTuple):
    """A comment that asks to excuse what ``checks`` (or advisories) find on the lines ``line`` to ``last``; as it stands there."""

    checks: tuple[str, ...]
    reason: str
    until: Optional[str]
    place: Place
    line: int
    last: int


class Job(NamedTuple):
    """An image, ci job or devcontainer (``kind``) of a repository; ``place`` is the line that brings or runs Claude Code."""

    name: str
    kind: str
    place: Place


class Image(NamedTuple):
    """What an image says of itself: the digest of its config, its platform (``linux/amd64``), its user ("" is root), its labels (``NAME=value``, redacted)."""

    digest: str
    platform: str
    user: str
    labels: tuple[str, ...]
    place: Place


class Layer(NamedTuple):
    """A layer of an image: its number from 1, the digest that the image gives it, the command that made it (redacted), and when."""

    number: int
    digest: str
    command: Optional[str]
    created: Optional[str]
    place: Place


class Setting(NamedTuple):
    """One value of a settings file, objects taken apart: ``("env", "X")``, ``("model",)``.

    ``scope`` is global (``~/.claude.json``), user, project, local, root-local (the local file of the git root above the project), managed
    (the file) or drop-in. An editor's own settings are of the scopes editor (its user's), editor-machine, editor-workspace and
    editor-policy; their key is one literal name, and ``editor`` is whose they are, None every editor's.
    """

    key: tuple[str, ...]
    value: JSON
    scope: str
    place: Place
    user: Optional[str] = None
    project: Optional[str] = None
    editor: Optional[str] = None


class Variable(NamedTuple):
    """One environment variable as one origin sets it, in the order that the origins are read.

    ``value`` is None where only running the shell would tell (a condition, a command).  ``origin`` is environment-file, profile, shell-rc,
    process, or editor: what an editor's settings give the extension alone (``editor`` says which, None every one).  ``user`` None is
    everybody, ``project`` None everywhere.  In a repository ``user`` is the image or CI job that gets it, and ``origin`` process.
    """

    name: str
    value: Optional[str]
    origin: str
    place: Place
    user: Optional[str] = None
    project: Optional[str] = None
    editor: Optional[str] = None


class Gateway(NamedTuple):
    """A gateway between the client and the model: where it is, and what is known of it."""

    url: str
    kind: Optional[str]
    version: Optional[str]
    place: Place


class Credential(NamedTuple):
    """A credential that is there, never its value.  ``readable_by``: owner, group or everyone.  ``removed``: the image's layer that takes it away."""

    kind: str
    place: Place
    readable_by: str
    user: Optional[str] = None
    removed: Optional[int] = None


class Rejected(NamedTuple):
    """A settings file that Claude Code rejects as a whole; ``kind``: syntax (no JSON object, which no version takes) or size (newer ones refuse 2 MiB)."""

    reason: str
    place: Place
    scope: str
    user: Optional[str] = None
    kind: str = "syntax"


class Update(NamedTuple):
    """What Claude Code's updater last did for a user: to which version, whether that succeeded, and when."""

    version_from: Optional[str]
    version_to: Optional[str]
    outcome: str
    at: Optional[str]
    place: Place
    user: Optional[str] = None


class Gap(NamedTuple):
    """Something that exists and could not be read.  Not knowing is never a pass."""

    reason: str
    place: Place


class Coverage(NamedTuple):
    """What was looked at: as root or not, whose homes, how many files were read."""

    privileged: bool
    users: tuple[str, ...]
    homes: tuple[str, ...]
    files: int
    looked: tuple[str, ...] = ()


class Target(NamedTuple):
    """All facts about one machine or file tree, with when and how they were read."""

    kind: str
    name: str
    os: str
    collected_at: str
    collector: str
    coverage: Coverage
    machine_id: Optional[str] = None
    groups: tuple[str, ...] = ()
    installs: tuple[Install, ...] = ()
    settings: tuple[Setting, ...] = ()
    variables: tuple[Variable, ...] = ()
    gateways: tuple[Gateway, ...] = ()
    credentials: tuple[Credential, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    updates: tuple[Update, ...] = ()
    gaps: tuple[Gap, ...] = ()
    declared: tuple[Declared, ...] = ()
    jobs: tuple[Job, ...] = ()
    ignores: tuple[Ignore, ...] = ()
    images: tuple[Image, ...] = ()
    layers: tuple[Layer, ...] = ()

    @property
    def nothing(self) -> bool:
        """True where no trace of Claude Code was found: neither a copy nor settings, credentials or receipts of its own."""
        return not (self.installs or self.declared or self.jobs or self.credentials or self.updates or any(map(is_own, self.settings)) or any(map(is_own, self.rejected)))


def is_own(fact: Union[Setting, Rejected]) -> bool:
    """Whether it is of Claude Code, and not of an editor alone."""
    return not fact.scope.startswith("editor") or (isinstance(fact, Setting) and "".join(fact.key[:1]).startswith("claudeCode."))


GROUPS: dict[str, type] = {
    "installs": Install, "settings": Setting, "variables": Variable, "gateways": Gateway, "credentials": Credential, "rejected": Rejected,
    "updates": Update, "gaps": Gap, "declared": Declared, "jobs": Job, "ignores": Ignore, "images": Image, "layers": Layer,
}  # fmt: skip


class Fix(NamedTuple):
    """What to do about a problem: who does it, in a sentence, and the command where there is one."""

    who: str
    summary: str
    command: Optional[str] = None


class Step(NamedTuple):
    """One line of an effective value's trace: a source, what it says, and where."""

    source: str
    value: str
    place: Optional[Place] = None


class Problem(NamedTuple):
    """What a check says of one thing; ``subject`` names it for the fingerprint, ``trace`` (winner first) how the value came about, ``because`` its cause."""

    subject: str
    message: str
    place: Place
    fix: Optional[Fix] = None
    because: Optional[str] = None
    trace: tuple[Step, ...] = ()
    severity: Optional[str] = None
    advisory: Optional[str] = None


class Waived(NamedTuple):
    """What excuses a finding, as the report shows it; ``until`` None is for good.  ``by``: policy (a waiver), comment, or baseline."""

    reason: str
    until: Optional[str]
    owner: Optional[str] = None
    ticket: Optional[str] = None
    by: str = "policy"


class Finding(NamedTuple):
    """A problem on a target, found by a check.  Reports are made of these."""

    check: str
    severity: str
    target: str
    problem: Problem
    fingerprint: str
    waived: Optional[Waived] = None
