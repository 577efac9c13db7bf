"""Users and places for the attacks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cc_fleet.host import applying
from tests.host.changing import place as places


@pytest.fixture(autouse=True)
def _trial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applying, "kind", places.kind)


@pytest.fixture(scope="session")
def users() -> Iterator[list[str]]:
    places.needs(places.no_users())
    with places.users(2) as made:
        yield made


@pytest.fixture
def place(users: list[str]) -> Iterator[places.Place]:
    made = places.Place(users)
    yield made
    made.close()
