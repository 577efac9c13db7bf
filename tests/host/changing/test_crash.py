"""Killed, and let down by the disk, at some of the calls that change it; `tests/real/test_crash.py` does it at every one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.host.changing import crash, stepping
from tests.host.changing.place import needs


@pytest.fixture(scope="module")
def scene(users: list[str]) -> Iterator[crash.Scene]:
    needs(stepping.missing())
    with crash.ready():
        made = crash.Scene(users, privileged=True)
        yield made
        made.place.close()


def test_stepping_counts_the_same_calls_again(scene: crash.Scene) -> None:
    assert crash.run_counts(scene) == crash.run_counts(scene) > 200


@pytest.mark.parametrize("how,every,offset", [("all", 29, 3), ("one", 41, 7), ("main", 43, 11)])
def test_an_apply_that_is_killed(scene: crash.Scene, how: str, every: int, offset: int) -> None:
    assert sum(crash.killed(scene, how, every, offset).values()) >= 3


def test_a_rollback_that_is_killed(scene: crash.Scene) -> None:
    assert sum(crash.killed_back(scene, "all", 17, 2).values()) >= 8


@pytest.mark.skipif(not stepping.can_fail(), reason="errors are given on x86_64 only")
def test_an_apply_whose_disk_fails(scene: crash.Scene) -> None:
    assert sum(crash.failing(scene, 23, 4).values()) >= 5
