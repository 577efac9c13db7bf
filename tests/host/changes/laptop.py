"""A machine on which changes are carried out: its one home is a folder of the test's, all the rest is this machine."""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from cc_fleet.host import applying, undoing
from cc_fleet.host.change import Change, Outcome, Plan, Preview
from cc_fleet.host.ground import Ground
from cc_fleet.host.journal import Journal

USER = pwd.getpwuid(os.geteuid()).pw_name


@dataclass(frozen=True)
class Laptop:
    """``top``: not this machine but a system below that folder, where no program is run.  ``user``: root works for somebody else."""

    home: Path
    journal: Path
    top: str = ""
    user: str = USER

    @property
    def ground(self) -> Ground:
        home = str(self.home)[len(self.top) :]
        return Ground(self.top, "linux", self.user != USER, {self.user: home}, USER, str(self.journal), "lab", None)

    def sealed(self, *changes: Change) -> Plan:
        plan = Plan("0", "test", "0" * 64, "lab", None, "linux", bool(self.top), False, changes)
        return applying.seal(plan, self.ground)

    def previewed(self, change: Change) -> Preview | str:
        """What one change would do, or why it is refused."""
        found = applying.previews((change,), self.ground)[0]
        assert isinstance(found, (str, Preview))
        return found

    def apply(self, plan: Plan) -> tuple[str, list[Outcome]]:
        return applying.apply(plan, self.ground, lambda *_: None, {})

    def rollback(self, run: str, *, force: bool = False, denied: dict[str, str] | None = None) -> list[Outcome]:
        with Journal(self.ground.journal) as journal:
            return undoing.rollback(journal.run(run), self.ground, denied or {}, force=force)


def states(outcomes: list[Outcome]) -> list[str]:
    return [one.state for one in outcomes]


def snapshot(folder: Path) -> dict[str, tuple[object, ...]]:
    """Every entry below ``folder`` with its mode, owner, time of change and content."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(folder.rglob("*")):
        about = path.lstat()
        content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        when = None if stat.S_ISDIR(about.st_mode) else about.st_mtime_ns
        found[str(path.relative_to(folder))] = (stat.S_IFMT(about.st_mode), stat.S_IMODE(about.st_mode), about.st_uid, when, content)
    return found


def contents(folder: Path) -> dict[str, bytes]:
    """The files below ``folder``; those that are kept for rollback apart."""
    files = {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
    return {path: data for path, data in files.items() if ".cc-fleet-" not in path}
