"""Fact sources: each module here reads one kind of evidence from a machine.

A source is a module with a docstring, ``WANTS`` (the paths that it reads, ``~`` for every
home, ``*`` for anything) and ``read(machine)``.  Nothing else needs to know of it.  One
whose name begins with ``linux_``, ``macos_`` or ``windows_`` is loaded for that system alone.
"""

from __future__ import annotations

import time
from typing import Any, Iterator, Protocol, cast

from ... import __version__
from ...model import GROUPS, Coverage, Gap, Install, Target
from .. import launchers, login, plugins
from ..machine import Machine
from ..ration import SPENT, Rationed


class Source(Protocol):
    """What a module in this folder offers."""

    WANTS: tuple[str, ...]

    def read(self, machine: Machine) -> Iterator[Any]: ...


def sources(system: str = "") -> dict[str, Source]:
    """The sources that read ``system``, or all that there are."""
    return cast("dict[str, Source]", plugins.modules(__name__, system))


def collect(machine: Machine) -> Target:
    """Read everything that the sources find on ``machine``.  Never raises for what stands there."""
    tree = Rationed(machine.tree, [user.home for user in machine.users])
    machine = prepared(machine._replace(tree=tree))
    found: dict[type, list[Any]] = {kind: [] for kind in GROUPS.values()}
    found[Gap] += machine.unread
    for source in sources(machine.os).values():
        for fact in source.read(machine):
            found[type(fact)].append(fact)
    found[Gap] = [gap for gap in found[Gap] if gap.reason != SPENT] + [*tree.spent()]
    if machine.probe:
        _probe(machine, found)
    users = tuple(user.name for user in machine.users)
    coverage = Coverage(
        machine.privileged, users, tuple(user.home for user in machine.users), machine.tree.files, looked(machine)
    )
    return Target(
        machine.kind, machine.name, machine.os, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        f"cc-fleet {__version__}", coverage, machine.machine_id,
        **{group: tuple(found[kind]) for group, kind in GROUPS.items()},
    )  # fmt: skip


def _probe(machine: Machine, found: dict[type, list[Any]]) -> None:
    """Ask the programs for their versions too, and note where they do not say what the files do."""
    from .. import probe

    installs, found[Install] = found[Install], []
    for fact in probe.checked(machine, installs):
        found[type(fact)].append(fact)


def prepared(machine: Machine) -> Machine:
    """The machine with its users' sessions and launchers read, which several sources ask for."""
    reader: Any
    if machine.os == "windows":
        from .. import windows

        reader = windows.Reader(machine)
    else:
        reader = login.Reader(machine)
    machine = machine._replace(sessions={user.home: reader.session(user) for user in machine.users})
    return machine._replace(launchers=launchers.find(machine))


def looked(machine: Machine) -> tuple[str, ...]:
    """Where this machine was searched, for the person who is told that nothing was found."""
    path = dict.fromkeys(folder for user in machine.users for folder in machine.session(user).path)
    homes = [user.home for user in machine.users]
    return (f"PATH: {':'.join(path)}", f"homes: {', '.join(homes)}", machine.layout.managed)
