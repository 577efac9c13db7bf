"""An apply that touches ten files and more, killed at each call; and what must be true after each kill."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from cc_fleet.host import applying
from cc_fleet.host.change import Outcome, Plan, PlanError
from cc_fleet.host.journal import Journal
from tests.host.changing.place import Place, change, digest, kind, text
from tests.host.changing.stepping import Stepped, stepped

PLANNED, FIRST = "planned", "first"
ERRORS = (errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EROFS)


@contextmanager
def ready() -> Iterator[None]:
    """With the kind of change that the scene uses."""
    known, applying.kind = applying.kind, kind  # type: ignore[assignment]
    try:
        yield
    finally:
        applying.kind = known


class Scene:
    """A place as it was first, the plan for it, and the place as planned.  Without ``privileged`` this process has its one user's rights."""

    def __init__(self, names: list[str], *, privileged: bool) -> None:
        self.names, self.privileged = names, privileged
        self.place = self._built()
        self.plan = self.place.sealed(*self._changes(self.place))
        assert len(self.plan.changes) == len(self._changes(self.place)), self.plan.left
        self.first = self._all()
        touched = [step for one in self.plan.changes for step in one.args["steps"]]
        assert len({step[1] for step in touched}) >= (10 if privileged else 7)
        outcomes = self.place.apply(self.plan)[1]
        assert {one.state for one in outcomes} == {"done"}, outcomes
        self.planned = self._all()
        assert self._states(self.planned) != self._states(self.first)
        assert self.place.apply(self.plan)[0] == ""

    def _built(self) -> Place:
        place = Place(self.names, privileged=self.privileged)
        for name, home in place.homes.items():
            place.put(f"{home}/.claude/settings.json", f"first of {name}", 0o600, name)
            place.put(f"{home}/.old", "to go", 0o640, name)
            place.put(f"{home}/tools/file", "old tool", 0o644, name)
            place.put(f"{home}/real", "linked to", 0o604, name)
            os.symlink("real", f"{home}/linked")
            place.put(f"{home}/watched", "as it was", 0o644, name)
        if self.privileged:
            place.put(f"{place.etc}/a.json", "a", 0o644)
            place.put(f"{place.etc}/b.json", "b", 0o600)
        return place

    def _changes(self, place: Place) -> list[Any]:
        made = []
        for name, home in place.homes.items():
            made += [
                change(name, ["write", f"{home}/.claude/settings.json", f"second of {name}"], ["write", f"{home}/.new/deep/file", "new"]),
                change(name, ["remove", f"{home}/.old"], ["link", f"{home}/there", "real"], phase=1),
                change(name, ["folder", f"{home}/tools", "new tool"], ["write", f"{home}/linked", "through the link"], phase=2),
                change(name, ["foreign", f"{home}/watched", "as a foreign program left it"], phase=2),
            ]
        if self.privileged:
            etc = place.etc
            made += [change(None, ["write", f"{etc}/a.json", "aa"], ["write", f"{etc}/made/c.json", "c"], ["remove", f"{etc}/b.json"], phase=4)]
        return made

    def again(self) -> None:
        """The place as it was first, with the same names."""
        base = self.place.base
        self.place.close()
        fresh = self._built()
        os.rename(fresh.base, base)
        fresh.__dict__.update(self.place.__dict__)
        self.place = fresh

    def _all(self) -> dict[str, tuple[Any, ...]]:
        return {**self.place.seen(self.place.etc), **self.place.seen(f"{self.place.base}/home")}

    @staticmethod
    def _states(seen: dict[str, tuple[Any, ...]]) -> dict[str, tuple[Any, ...]]:
        """Without times, and without what is kept for rollback."""
        return {path: (*about[:3], *about[4:]) if about[0][0] == "-" else about for path, about in seen.items() if ".cc-fleet-" not in path}

    def whole(self) -> int:
        """Every file holds the old bytes or the new, and the journal can be read; how many files were seen."""
        seen, count = self._all(), 0
        for path, about in seen.items():
            if ".cc-fleet-" in path or about[0][0] != "-":
                continue
            count += 1
            contents = {one[path][4] for one in (self.first, self.planned) if path in one and one[path][0][0] == "-"}
            if path.endswith("/watched"):  # a foreign program writes as it likes
                continue
            assert about[4] in contents, f"{path} is torn"
            assert about[5] == 1 or any(".cc-fleet-" in other for other in os.listdir(os.path.dirname(path))), path
        journal = Journal(self.place.journal)
        for name in journal.runs():
            journal.run(name).entries()
        journal.close()
        for at, folders, names in os.walk(self.place.journal):
            assert not any(stat.S_IMODE(os.lstat(f"{at}/{one}").st_mode) & 0o077 for one in folders + names)
        return count

    def finish(self, end: str) -> None:
        """Go on from where it was killed, to the state that was planned or to the first one."""
        if end == PLANNED:
            outcomes = patiently(lambda: self.place.apply(self.plan))[1]
            assert {one.state for one in outcomes} <= {"done", "same"}, outcomes
            assert self._states(self._all()) == self._states(self.planned)
            staged = [path for path in self._all() if ".cc-fleet-" in path and ".old" not in path]
            assert staged == []
            return
        outcomes = patiently(self.place.rollback)
        assert {one.state for one in outcomes} <= {"undone"}, outcomes
        found = self._all()
        differ = {path: (self.first.get(path), found.get(path)) for path in self.first.keys() | found.keys() if self.first.get(path) != found.get(path)}
        assert differ == {}

    def applied(self) -> None:
        self.place.apply(self.plan)

    def rolled(self) -> None:
        self.place.rollback()


def patiently(do: Callable[[], Any]) -> Any:
    """What is left of the killed run may still be at work, with the lock; it ends by itself."""
    for _ in range(200):
        try:
            return do()
        except PlanError as err:
            if "another run" not in str(err):
                raise
            time.sleep(0.01)
    raise AssertionError("the lock is held for good")


def killed(scene: Scene, how: str, every: int = 1, offset: int = 1) -> Counter[str]:
    """Kill an apply at each ``every``-th call; the kills by the call that was met."""
    met: Counter[str] = Counter()
    at = offset
    while True:
        scene.again()
        found = stepped(scene.applied, at, how)
        if not found.met:
            assert found.code == 0
            scene.finish(PLANNED)
            return met
        met[found.met] += 1
        _judged(scene, found, at)
        at += every


def _judged(scene: Scene, found: Stepped, at: int) -> None:
    try:
        assert scene.whole() > 0
        if at % 5 == 0:
            scene.finish(PLANNED)
            scene.finish(FIRST)
        elif at % 5 == 1:
            scene.finish(FIRST)
            scene.finish(PLANNED)
        else:
            scene.finish(PLANNED if at % 2 else FIRST)
    except (AssertionError, PlanError) as err:
        raise AssertionError(f"killed at call {at}, {found.met}: {err}") from err


def killed_back(scene: Scene, how: str, every: int = 1, offset: int = 1) -> Counter[str]:
    """Kill a rollback at each ``every``-th call, and roll back again."""
    met: Counter[str] = Counter()
    at = offset
    while True:
        scene.again()
        scene.applied()
        found = stepped(scene.rolled, at, how)
        if not found.met:
            assert found.code == 0
            scene.finish(FIRST)
            return met
        met[found.met] += 1
        try:
            assert scene.whole() > 0
            scene.finish(FIRST)
            if at % 5 == 0:
                scene.finish(PLANNED)
        except (AssertionError, PlanError) as err:
            raise AssertionError(f"killed at call {at} of the rollback, {found.met}: {err}") from err
        at += every


def failing(scene: Scene, every: int = 1, offset: int = 1) -> Counter[str]:
    """Let each ``every``-th call of an apply fail, as on a full or broken disk: one line says it, and it is all there or all as it was."""
    met: Counter[str] = Counter()
    at = offset
    while True:
        scene.again()
        error = ERRORS[at % len(ERRORS)]
        found = stepped(lambda: told(scene), at, error)
        if not found.met:
            return met
        met[f"{found.met}:{errno.errorcode[error]}"] += 1
        try:
            assert found.code == 0
            assert scene.whole() > 0
            scene.finish(PLANNED if at % 2 else FIRST)
        except (AssertionError, PlanError) as err:
            raise AssertionError(f"call {at}, {found.met}, failed with {errno.errorcode[error]}: {err}") from err
        at += every


def told(scene: Scene) -> None:
    """Apply; what goes wrong is said in lines, and a change that is not done is undone."""
    try:
        outcomes: list[Outcome] = scene.place.apply(scene.plan)[1]
    except PlanError as err:
        reasons = [str(err)]
    else:
        reasons = [one.reason for one in outcomes if one.state not in ("done", "same")]
        plan: Plan = scene.plan
        for one in outcomes:
            if one.state in ("refused", "failed", "skipped"):
                for path, state in plan.changes[one.number].expects.items():
                    now = digest(text(path)) if os.path.isfile(path) and not os.path.islink(path) else None
                    assert now is None or now == state, f"{path} is half done: {one}"
    assert all(reason and "\n" not in reason and "Traceback" not in reason and "Error:" not in reason for reason in reasons), reasons


def run_counts(scene: Scene) -> int:
    """How many calls an apply makes."""
    scene.again()
    return stepped(scene.applied).calls
