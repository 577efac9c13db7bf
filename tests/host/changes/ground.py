"""A small system below a folder, in which changes are planned, made and taken back as on a machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Mapping

from cc_fleet.host import applying, undoing
from cc_fleet.host.area import Area
from cc_fleet.host.change import Change, Outcome, Plan, Preview
from cc_fleet.host.ground import Ground
from cc_fleet.host.journal import Journal
from cc_fleet.host.site import Entry, Site

HOME = "/home/ada"
FILE = f"{HOME}/.claude/settings.json"


class Log:
    """What a site wrote down."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def begun(self, entry: Entry, image: bytes | None = None) -> int:
        self.entries.append(entry)
        return len(self.entries) - 1

    def done(self, number: int, more: Entry) -> None:
        """Nothing is kept of it."""


class System:
    """A system below ``top``; ``file`` is the one that changes are about."""

    def __init__(self, top: Path, file: str = FILE) -> None:
        self.top, self.file, self.path = top, file, top / file[1:]
        (top / HOME[1:]).mkdir(parents=True, exist_ok=True)
        self.log = Log()

    def put(self, data: bytes | str) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_bytes(data if isinstance(data, bytes) else data.encode())

    def held(self) -> bytes | None:
        return self.path.read_bytes() if self.path.exists() else None

    def site(self, *, looking: bool = False) -> Site:
        area = Area(str(self.top), HOME if self.file.startswith(HOME) else None, strict=False)
        return Site(area, "ada", "linux", live=False, stamp="000001", log=None if looking else self.log)

    def preview(self, kind: str, **args: Any) -> Preview:
        """What it would do, and that looking left everything as it was."""
        before = self.tree()
        seen: Preview = applying.kind(kind).preview(self.site(looking=True), {"file": self.file, **args})
        assert self.tree() == before
        return seen

    def apply(self, kind: str, **args: Any) -> None:
        """Do it as a run does: previewed and applied on one site; the states are as the preview said."""
        site, seen = self.site(), self.preview(kind, **args)
        assert applying.kind(kind).preview(site, {"file": self.file, **args}) == seen
        assert {self.file: site.state(self.file)} == seen.expects or self.path.is_symlink()
        applying.kind(kind).apply(site, {"file": self.file, **args})
        again = self.preview(kind, **args)
        assert again.expects == again.produces == seen.produces
        assert again.shows == ()
        steps = len(self.log.entries)
        applying.kind(kind).apply(self.site(), {"file": self.file, **args})
        assert len(self.log.entries) == steps, "a second time nothing is done"

    def tree(self) -> Mapping[str, Any]:
        """Every entry with its content and when it changed."""
        found = {str(path): (path.lstat().st_mtime_ns, path.read_bytes() if path.is_file() else None) for path in self.top.rglob("*")}
        assert found
        return found


def ground(top: Path) -> Ground:
    return Ground(str(top), "linux", True, {"ada": HOME}, None, f"{top}/var/lib/cc-fleet", "lab", None)


def plan(*changes: tuple[str, Mapping[str, Any]]) -> Plan:
    made = tuple(Change(kind, f"change {number}", "ada", args) for number, (kind, args) in enumerate(changes))
    return Plan("0", "p", "0", "lab", None, "linux", True, False, made)


def run(top: Path, whole: Plan) -> tuple[Plan, list[Outcome]]:
    """Seal a plan and carry it out."""
    sealed = applying.seal(whole, ground(top))
    _, outcomes = applying.apply(sealed, ground(top), lambda *_: None, {})
    return sealed, outcomes


def rollback(top: Path) -> None:
    """Take the newest run back."""
    with Journal(f"{top}/var/lib/cc-fleet") as journal:
        newest = journal.run(journal.runs()[-1])
        assert undoing.undo(newest, ground(top), None, force=False) == []
