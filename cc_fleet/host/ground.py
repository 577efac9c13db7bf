"""Where changes are made: this machine or a system below a folder, its users' homes, and a site for each."""

from __future__ import annotations

import os
from typing import Mapping, Optional

from ..records import NamedTuple
from .area import Area
from .change import Refused
from .machine import Machine
from .site import Log, Site


class Ground(NamedTuple):
    """``top`` is the folder that stands for ``/`` (empty: this machine); ``homes`` are the users' that may be changed; ``journal`` is where runs are kept."""

    top: str
    os: str
    privileged: bool
    homes: Mapping[str, str]
    caller: Optional[str]
    journal: str
    name: str
    machine_id: Optional[str]

    @property
    def live(self) -> bool:
        """Whether programs may be run."""
        return not self.top

    def site(self, user: Optional[str], stamp: str = "preview", log: Optional[Log] = None) -> Site:
        """What a change of this user's (None: the system's) may touch.  Refused where it is nobody's here, or root's and we are not."""
        if user is None and self.live and not self.privileged:
            raise Refused("needs root; run it with sudo")
        if user is not None and user not in self.homes:
            raise Refused(f"is of {user}, who has no home here")
        if user is not None and self.live and not self.privileged and user != self.caller:
            raise Refused(f"is {user}'s; run it as {user} or as root")
        area = Area(self.top, self.homes[user] if user is not None else None, strict=self.live and user is None)
        return Site(area, user, self.os, live=self.live, stamp=stamp, log=log)


def of(machine: Machine, root: Optional[str]) -> Ground:
    """The ground of a machine that is read."""
    from .journal import base

    top = os.path.realpath(root) if root is not None else ""
    top = "" if top == "/" else top
    homes = {user.name: user.home for user in machine.users}
    home = machine.caller.home if machine.caller else "/"
    kept = base(machine.os, top, os.environ, home, privileged=machine.privileged and not top)
    return Ground(top, machine.os, machine.privileged, homes, machine.caller.name if machine.caller else None, kept, machine.name, machine.machine_id)
