"""A place to change: a system folder, homes of users that are made for it, a decoy that nobody may touch, and a journal."""

from __future__ import annotations

import hashlib
import os
import pwd
import secrets
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from cc_fleet.host import applying, files, undoing
from cc_fleet.host.change import Change, Outcome, Plan, PlanError
from cc_fleet.host.ground import Ground
from cc_fleet.host.journal import Journal
from tests.host.changing import trial

REAL = os.environ.get("CC_FLEET_REQUIRE_REAL") == "1"
_KIND = applying.kind
SECRET = "the secret of root that no user may see"


def kind(name: str) -> Any:
    return trial if name == "trial" else _KIND(name)


def needs(reason: str) -> None:
    """Skip for ``reason``, if there is one; under CC_FLEET_REQUIRE_REAL that is a failure."""
    if reason:
        assert not REAL, reason
        pytest.skip(reason)


def no_users() -> str:
    """Why no users can be made here."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "needs root"
    return "" if shutil.which("useradd") and shutil.which("userdel") else "needs useradd"


@contextmanager
def users(count: int) -> Iterator[list[str]]:
    """Users that are there for as long as the tests."""
    made: list[str] = []
    try:
        for _ in range(count):
            name = f"ccf{secrets.token_hex(4)}"
            subprocess.run(["useradd", "--no-create-home", "--home-dir", f"/nonexistent/{name}", "--shell", "/bin/false", name], check=True, capture_output=True)
            made.append(name)
        yield made
    finally:
        for name in made:
            subprocess.run(["userdel", name], check=False, capture_output=True)


class Place:
    """``base`` has ``etc`` (root's), ``home/NAME``, ``decoy`` (root's, and what attacks aim at) and ``journal``."""

    def __init__(self, names: list[str], *, privileged: bool = True, folder: str = "/dev/shm") -> None:
        self.base = os.path.realpath(tempfile.mkdtemp(prefix="ccf-", dir=folder if os.path.isdir(folder) else None))
        os.chmod(self.base, 0o755)
        self.names, self.privileged = names, privileged
        self.ids = {name: (pwd.getpwnam(name).pw_uid, pwd.getpwnam(name).pw_gid) for name in names}
        self.homes = {name: f"{self.base}/home/{name}" for name in names}
        self.etc, self.decoy, self.journal = f"{self.base}/etc", f"{self.base}/decoy", f"{self.base}/state/cc-fleet"
        for made in (self.etc, f"{self.base}/home", self.decoy, f"{self.base}/state"):
            os.mkdir(made)
            os.chmod(made, 0o755)
        for name, home in self.homes.items():
            os.mkdir(home)
            os.chmod(home, 0o755)
            os.chown(home, *self.ids[name])
        self.put(f"{self.decoy}/shadow", SECRET, 0o600)
        self.put(f"{self.decoy}/settings.json", SECRET, 0o644)
        self.put(f"{self.decoy}/deep/er/file", SECRET, 0o640)
        os.chmod(f"{self.decoy}/deep", 0o755)

    def put(self, path: str, text: str, mode: int = 0o644, owner: str | None = None, mtime: int = 1_700_000_000_123_456_789) -> None:
        """A file as it was long ago."""
        missing = []
        above = os.path.dirname(path)
        while not os.path.isdir(above):
            missing.append(above)
            above = os.path.dirname(above)
        for folder in reversed(missing):
            os.mkdir(folder, 0o755)
            if owner:
                os.chown(folder, *self.ids[owner])
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        if owner:
            os.chown(path, *self.ids[owner])
        os.chmod(path, mode)
        os.utime(path, ns=(mtime, mtime))

    def ground(self) -> Ground:
        return Ground("", "linux", self.privileged, self.homes, "root" if self.privileged else self.names[0], self.journal, "m", None)

    def plan(self, *changes: Change) -> Plan:
        return Plan("x", "p", "0" * 64, "m", None, "linux", False, False, changes)

    def sealed(self, *changes: Change) -> Plan:
        return applying.seal(self.plan(*changes), self.ground())

    def apply(self, plan: Plan) -> tuple[str, list[Outcome]]:
        return applying.apply(plan, self.ground(), lambda *_: None, {})

    def rollback(self, *, force: bool = False) -> list[Outcome]:
        """Every run that can be taken back."""
        found = []
        with Journal(self.ground().journal, self.ground().top) as journal:
            undoing.recovered(journal, self.ground(), "")
            for run in undoing.open_runs(journal):
                found += undoing.rollback(run, self.ground(), {}, force=force)
        return found

    def seen(self, folder: str) -> dict[str, tuple[Any, ...]]:
        """All below ``folder``: kind, content, mode, owner, and of files the time."""
        return dict(_seen(folder))

    def kept(self) -> str:
        """All that the journal keeps, as text."""
        found = [f"{at}/{name}" for at, _, names in os.walk(self.journal) for name in names] if not os.path.islink(self.journal) else []
        return "".join(text(path) for path in found if not os.path.islink(path))

    def close(self) -> None:
        shutil.rmtree(self.base, ignore_errors=True)


def _seen(folder: str) -> Iterator[tuple[str, tuple[Any, ...]]]:
    for at, folders, names in os.walk(folder):
        for name in sorted(folders + names):
            path = f"{at}/{name}"
            found = os.lstat(path)
            about: tuple[Any, ...] = (stat.filemode(found.st_mode), found.st_uid, found.st_gid)
            if stat.S_ISREG(found.st_mode):
                with open(path, "rb") as file:
                    about = (*about, found.st_mtime_ns, hashlib.sha256(file.read(1 << 20)).hexdigest(), found.st_nlink)
            elif stat.S_ISLNK(found.st_mode):
                about = (*about, os.readlink(path))
            yield path, about


def change(user: str | None, *steps: list[str], phase: int = 0, mode: int = 0o644) -> Change:
    """One change of the trial kind."""
    return Change("trial", " and ".join(f"{step[0]} {step[1]}" for step in steps), user, {"steps": list(steps), "mode": mode, "file": steps[0][1]}, phase)


def text(path: str) -> str:
    """What a file holds, a letter a byte."""
    with open(path, encoding="latin-1") as file:
        return file.read()


def digest(text: str) -> str:
    return files.digest(text.encode())


def refused(place: Place, *changes: Change) -> str:
    """Why nothing of the changes gets through, neither when they are planned nor when a plan that was made before is applied."""
    plan = place.sealed(*changes)
    reasons = [one.how for one in plan.left]
    states = set()
    made = plan if plan.changes else place.plan(*(one._replace(expects={"/x": "absent"}, produces={"/x": "sha256:0"}) for one in changes))._replace(sealed=True)
    try:
        outcomes = place.apply(made)[1]
        states = {one.state for one in outcomes}
        reasons += [one.reason for one in outcomes]
    except PlanError as err:
        reasons.append(str(err))
    assert states <= {"refused", "failed"}, reasons
    assert all("\n" not in reason and "Traceback" not in reason for reason in reasons)
    return "; ".join(reasons)
