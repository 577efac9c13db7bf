"""What a source may ask: the tree, the users, the environment.  Live, or a system under a root."""

# Annotations are not postponed here: as texts each would be compiled at start.
import os
from typing import Mapping, NamedTuple, Optional

from ..model import Gap, Variable
from .tree import Disk, Missing, Tree, Unreadable

_NOT_HOMES = frozenset("/ /bin /sbin /usr/bin /usr/sbin /dev /proc /sys /run /nonexistent".split())


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
    are therefore kept.  ``digests`` asks for the sha256 of native binaries.  ``unread`` says
    what kept a list of users from being whole.
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
    unread: Optional[str] = None
    sessions: Mapping[str, Session] = {}
    launchers: tuple[Launcher, ...] = ()

    def session(self, user: User) -> Session:
        """What ``user``'s session starts with."""
        return self.sessions[user.home]


def live(keep: frozenset[str] = frozenset(), *, digests: bool = False) -> Machine:
    """This machine: every user's home as root, else the caller's."""
    tree, environ = Disk(), dict(os.environ)
    everybody, unread = _accounts(tree)
    caller = _caller(environ)
    users: tuple[User, ...] = (caller,)
    if os.geteuid() == 0:
        users = _told_apart((caller, *(u for u in everybody if u.home != caller.home)))
    return Machine(
        tree, "machine", os.uname().nodename, _os(), users, os.geteuid() == 0, _machine_id(tree),
        environ, caller, _cwd(), keep, digests, unread if os.geteuid() == 0 else None,
    )  # fmt: skip


def under(root: str, keep: frozenset[str] = frozenset(), *, digests: bool = False) -> Machine:
    """The system that lies below ``root``: every home that it has, and no environment."""
    tree = Disk(root)
    users, unread = _accounts(tree)
    name = _first_line(tree, "/etc/hostname") or os.path.basename(tree.root) or "/"
    return Machine(
        tree, "filesystem", name, "linux", users, os.geteuid() == 0, _machine_id(tree),
        keep=keep, digests=digests, unread=unread,
    )  # fmt: skip


def _os() -> str:
    return {"Darwin": "macos"}.get(os.uname().sysname, "linux")


def _cwd() -> Optional[str]:
    try:
        return os.getcwd()
    except OSError:  # the folder is gone
        return None


def _caller(environ: Mapping[str, str]) -> User:
    """Who runs this.  The client asks HOME for the home, and so does this."""
    import pwd

    try:
        entry = pwd.getpwuid(os.geteuid())
        name, home, shell = entry.pw_name, entry.pw_dir, entry.pw_shell
    except KeyError:  # a container's number without a name
        name, home, shell = str(os.geteuid()), "/", "sh"
    return User(name, environ.get("HOME") or home, os.path.basename(shell))


def _accounts(tree: Tree) -> tuple[tuple[User, ...], Optional[str]]:
    """The users of ``/etc/passwd`` that have a home, and the homes that nobody there has."""
    try:
        lines = tree.read("/etc/passwd").decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
        unread = None
    except Missing:
        lines, unread = [], None
    except Unreadable as err:
        lines, unread = [], str(err)
    users: dict[str, User] = {}
    for fields in (line.split(":") for line in lines):
        if len(fields) == 7 and fields[5].startswith("/") and (home := os.path.normpath(fields[5])) not in _NOT_HOMES:
            users.setdefault(home, User(fields[0], home, os.path.basename(fields[6])))
    for home in ("/root", *(f"/home/{name}" for name in _names(tree, "/home"))):
        users.setdefault(home, User(os.path.basename(home), home, "sh"))
    present = tuple(user for user in users.values() if _is_folder(tree, user.home) and _may_run(tree, user))
    return _told_apart(present), unread


def _may_run(tree: Tree, user: User) -> bool:
    """An account that cannot log in counts only if Claude Code was there: a service that runs it."""
    return user.shell not in ("nologin", "false") or ".claude" in _names(tree, user.home)


def _told_apart(users: tuple[User, ...]) -> tuple[User, ...]:
    """Facts know users by name: of two homes with one name (``HOME`` was set) the later is told by its home."""
    seen: set[str] = set()
    apart = []
    for user in users:
        apart.append(user._replace(name=f"{user.name} ({user.home})") if user.name in seen else user)
        seen.add(user.name)
    return tuple(apart)


def _names(tree: Tree, path: str) -> list[str]:
    try:
        return tree.names(path)
    except (Missing, Unreadable):
        return []


def _is_folder(tree: Tree, path: str) -> bool:
    try:
        return tree.stat(path).kind == "folder"
    except Missing:
        return False
    except Unreadable:
        return True  # it is there, and its reader will say that it cannot be read


def _first_line(tree: Tree, path: str) -> str:
    try:
        return tree.read(path, 256).decode("ascii", "replace").partition("\n")[0].strip()
    except (Missing, Unreadable):
        return ""


def _machine_id(tree: Tree) -> Optional[str]:
    return _first_line(tree, "/etc/machine-id") or None
