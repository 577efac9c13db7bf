"""What the user's login shell runs when they type ``claude``.

args: ``user``; ``version`` that it should be; ``of``, the numbers of the changes that are undone where it is not. The shell is started as
a terminal would, with nothing of this process's environment, and asked where ``claude`` is and for its version; where it does not come up
so (it starts tmux, it asks for something), as a login shell without a terminal.
"""

from __future__ import annotations

import os
import re
from typing import Mapping, Optional

from ...model import JSON
from ..change import Failed, Preview, Refused
from ..login import DEFAULT_PATH, MAC_PATH
from ..site import Site
from . import _args, _package

SECONDS = 30.0
_POSIX = frozenset(("sh", "bash", "dash", "ash", "ksh", "mksh", "zsh"))
_NONE = frozenset(("nologin", "false", "true"))


def preview(site: Site, args: Mapping[str, JSON]) -> Preview:
    """Nothing is there before it was asked."""
    _package.live(site)
    return Preview({}, {f"what {_args.text(args, 'user')}'s shell runs": f"version {_package.version(args)}"})


def apply(site: Site, args: Mapping[str, JSON]) -> None:
    """Ask it.  Failed where it is another version."""
    import pwd

    user, wanted = _args.text(args, "user"), _package.version(args)
    try:
        entry = pwd.getpwnam(user)
    except (KeyError, ValueError):
        raise Refused(f"{user[:60]}: is no user of this machine; plan again") from None
    named = entry.pw_shell or "/bin/sh"
    shell = "/bin/sh" if os.path.basename(named) in _NONE else named
    home = site.home or entry.pw_dir
    environ = {"HOME": home, "USER": user, "LOGNAME": user, "SHELL": named, "PATH": _path(site), "TERM": "dumb", "LANG": "C.UTF-8", **_package.QUIET}
    told = None
    for options in _ways(shell):
        told = told or _asked([shell, *options], environ)
    if told is None:
        raise Failed(f"{user}'s shell ({shell}) does not come up within {SECONDS:.0f} s, or does not answer, so what it runs is not known; look at its start-up files")
    where, version = told
    if not where:
        raise Failed(f"{user}'s shell finds no claude in its PATH; look at PATH in its start-up files")
    if version != wanted:
        raise Failed(f"{user}'s shell runs {f'Claude Code {version}' if version else 'what does not say its version'} ({where}), not {wanted}; remove it, or put it last in PATH")


def _path(site: Site) -> str:
    """PATH as a session begins with it."""
    try:
        text = (site.read("/etc/environment", 1024 * 1024) or b"").decode("utf-8", "replace")
    except Refused:
        text = ""
    found = re.findall(r"""(?m)^\s*(?:export\s+)?PATH=["']?([^"'\n]+)""", text)
    return found[-1].strip() if found else MAC_PATH if site.os == "macos" else DEFAULT_PATH


def _ways(shell: str) -> list[list[str]]:
    """How the shell is started: as in a terminal first."""
    return [["-c"]] if os.path.basename(shell) in {"csh", "tcsh"} else [["-l", "-i", "-c"], ["-l", "-c"]]


def _asked(shell: list[str], environ: Mapping[str, str]) -> Optional[tuple[str, str]]:
    """Where ``claude`` is for the shell ("": nowhere), and the version that it says; None: the shell did not answer."""
    from .. import program  # with what it imports, which a preview need not

    mark = f"cc-fleet-{os.urandom(6).hex()}"
    ran = program.run([*shell, _question(os.path.basename(shell[0]), mark)], SECONDS, environ, environ["HOME"])
    found = re.search(rf"(?s)(?m:^){mark}<(.*?)>{mark}(.*?)(?:{mark}\.|\Z)", ran.out)
    if found is None or ran.code is None:
        return None
    said = _package.SAYS.search(found[2])
    return _named(found[1].strip()), said[1] if said else ""


def _named(where: str) -> str:
    """A program's path; of what a person defined only what it is, for there may be a token in it."""
    if not where.startswith("/"):
        return where and ("an alias" if where.startswith("alias ") or "=" in where else "a function")
    return "".join(letter if letter.isprintable() else " " for letter in where[:200])


def _question(name: str, mark: str) -> str:
    """What the shell is told to do; one that speaks a language of its own lets a plain one look in its PATH."""
    if name == "fish":
        return f'echo\necho {mark}"<"(command -v claude)">"{mark}; or echo {mark}"<>"{mark}\nclaude --version </dev/null\necho {mark}.'
    plain = f'echo ""\necho "{mark}<$(command -v claude)>{mark}"\nclaude --version </dev/null\necho {mark}.'
    return plain if name in _POSIX else "sh -c '" + plain.replace("\n", "; ") + "'"
