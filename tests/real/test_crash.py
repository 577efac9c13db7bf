"""cc-fleet is killed at every system call that changes a disk, of an apply of two users and the system and of its rollback.

After each kill every file is whole, old or new, and the journal can be read; then going on reaches the planned state, or rolling
back the first one, byte for byte. And each such call fails once, as on a full, broken, read-only disk or beyond a quota.
"""

from __future__ import annotations

import os
import pickle
import pwd
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from cc_fleet.host import applying
from tests.host.changing import crash, place, stepping

pytestmark = pytest.mark.real
_WORKERS = 2


@pytest.fixture(scope="module")
def users() -> Iterator[list[str]]:
    place.needs(place.no_users() or stepping.missing())
    with place.users(2) as made:
        yield made


@pytest.fixture(autouse=True)
def _trial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applying, "kind", place.kind)


def shared(names: list[str], do: Callable[[crash.Scene, int, int], Counter[str]], *, privileged: bool = True) -> Counter[str]:
    """What all workers met, each at its share of the calls."""
    workers = []
    for offset in range(1, _WORKERS + 1):
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            said: object = "was cut short"
            try:
                os.close(read)
                if not privileged:
                    os.setgroups([])
                    os.setgid(pwd.getpwnam(names[0]).pw_gid)
                    os.setuid(pwd.getpwnam(names[0]).pw_uid)
                scene = crash.Scene(names, privileged=privileged)
                try:
                    said = do(scene, _WORKERS, offset)
                finally:
                    scene.place.close()
            except BaseException:  # noqa: BLE001  # the parent says it
                import traceback

                said = traceback.format_exc()
            finally:
                os.write(write, pickle.dumps(said)[:60_000])
                os._exit(0)
        os.close(write)
        workers.append((child, read))
    met: Counter[str] = Counter()
    for child, read in workers:
        with os.fdopen(read, "rb") as file:
            told = pickle.loads(file.read())
        os.waitpid(child, 0)
        assert isinstance(told, Counter), told
        met += told
    print(f"{sum(met.values())} calls: {dict(met)}")
    return met


@pytest.mark.parametrize("how", ["all", "main", "one"])
def test_an_apply_that_is_killed_at_every_call(users: list[str], how: str) -> None:
    """All of it, as by a power cut, at every call; only the process that calls, or only the parent, at each third."""
    met = shared(users, lambda scene, every, offset: crash.killed(scene, how, every if how == "all" else 3 * every, offset))
    assert sum(met.values()) > (300 if how == "all" else 100)
    assert {"renameat2", "fsync", "openat", "mkdirat", "fchmod", "unlinkat"} <= set(met) or how != "all"


def test_a_rollback_that_is_killed_at_every_call(users: list[str]) -> None:
    assert sum(shared(users, lambda scene, every, offset: crash.killed_back(scene, "all", every, offset)).values()) > 100


@pytest.mark.parametrize("back", [False, True], ids=["apply", "rollback"])
def test_a_plain_users_own_is_killed_at_every_call(users: list[str], back: bool) -> None:
    def do(scene: crash.Scene, every: int, offset: int) -> Counter[str]:
        return (crash.killed_back if back else crash.killed)(scene, "all", every, offset)

    assert sum(shared(users[:1], do, privileged=False).values()) > 50


def test_each_call_fails_once(users: list[str]) -> None:
    if not stepping.can_fail():
        pytest.skip("errors are given on x86_64 only")
    assert sum(shared(users, crash.failing).values()) > 150
