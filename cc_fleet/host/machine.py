"""What a source may ask: the tree, the users, the environment.  Live, or a system under a root."""

# Annotations are not postponed here: as texts each would be compiled at start.
from typing import TYPE_CHECKING, Mapping, Optional

from ..model import Gap, Variable
from ..records import NamedTuple
from .layout import LAYOUTS, Layout
from .tree import Tree

if TYPE_CHECKING:
    from .registry import Registry


class User(NamedTuple):
    """An account with a home.  ``shell`` is a bare name (``bash``)."""

    name: str
    home: str
    shell: str


class Session(NamedTuple):
    """What a user's session starts with: the variables that concern Claude Code, as each file
    sets them; the PATH; the folder of Claude Code's own files (``CLAUDE_CONFIG_DIR``); npm's prefix."""

    variables: tuple[Variable, ...]
    path: tuple[str, ...]
    config: str
    prefix: Optional[str]
    gaps: tuple[Gap, ...]


class Launcher(NamedTuple):
    """A program named ``claude`` in a user's PATH; ``real`` is the file behind the links."""

    path: str
    real: str
    user: str
    wins: bool


class Machine(NamedTuple):
    """One system to read.

    ``environ`` is the environment of ``caller``, and both are None under a root.  ``keep``
    are names (of variables, settings, extensions) that the policy speaks of and whose values
    are therefore kept.  ``digests`` asks for the sha256 of native binaries.  ``unread`` are
    the gaps that making this list left.  ``registry`` is there on Windows alone.  ``probe`` lets
    a source run programs, which none does otherwise.  ``packages`` are folders of npm's package that are
    known beforehand: the index of an image has them all, wherever they are.
    """

    tree: Tree
    kind: str
    name: str
    os: str
    users: tuple[User, ...]
    privileged: bool
    machine_id: Optional[str] = None
    environ: Optional[Mapping[str, str]] = None
    caller: Optional[User] = None
    cwd: Optional[str] = None
    keep: frozenset[str] = frozenset()
    digests: bool = False
    unread: tuple[Gap, ...] = ()
    sessions: Mapping[str, Session] = {}
    launchers: tuple[Launcher, ...] = ()
    registry: "Optional[Registry]" = None
    probe: bool = False
    packages: tuple[str, ...] = ()

    @property
    def layout(self) -> Layout:
        """Where this system keeps its files."""
        return LAYOUTS[self.os]

    def session(self, user: User) -> Session:
        """What ``user``'s session starts with."""
        return self.sessions[user.home]
