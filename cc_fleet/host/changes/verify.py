"""What the user's login shell runs when they type ``claude``.

args: ``user``; ``version`` that it should be; ``of``, the numbers of the changes that are undone where it is not. The shell is started as
a terminal would, with nothing of this process's environment, and asked where ``claude`` is and for its version.
"""

from __future__ import annotations

import os
import re
from typing import Mapping

from ...model import JSON
from ..change import Failed, Preview, Refused
from ..program import PATH
from ..site import Site
from . import _args, _package

_MARK = "cc-fleet:"


def preview(site: Site, args: Mapping[str, JSON]) -> Preview:  # noqa: ARG001  # one signature for all kinds
    """Nothing is there before it was asked."""
    return Preview({}, {f"what {_args.text(args, 'user')}'s shell runs": f"version {_package.version(args)}"})


def apply(site: Site, args: Mapping[str, JSON]) -> None:
    """Ask it.  Failed where it is another version."""
    import pwd

    user, wanted = _args.text(args, "user"), _package.version(args)
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        raise Refused(f"{user}: is no user of this machine") from None
    shell = entry.pw_shell or "/bin/sh"
    asked = f"echo {_MARK}(command -v claude)" if os.path.basename(shell) == "fish" else f'echo "{_MARK}$(command -v claude)"'
    environ = {"HOME": entry.pw_dir, "USER": user, "LOGNAME": user, "SHELL": shell, "PATH": PATH, "TERM": "dumb", **_package.QUIET}
    ran = site.run([shell, "-l", "-i", "-c", f"{asked}\nclaude --version"], 60.0, environ, cwd=entry.pw_dir)
    where = re.search(rf"(?m)^{_MARK}(.*)$", ran.out)
    told = re.search(r"(?m)^(\d+\.\d+\.\d+\S*)(?: \(Claude Code\))?\s*$", ran.out[where.end() :] if where else "")
    if where is None or ran.code is None:
        raise Failed(f"{user}'s shell ({shell}) does not come up, so what it runs is not known")
    if not where[1].strip():
        raise Failed(f"{user}'s shell finds no claude in its PATH")
    if told is None or told[1] != wanted:
        raise Failed(f"{user}'s shell runs {told[1] if told else 'something'} ({where[1].strip()[:200]}), not {wanted}")
