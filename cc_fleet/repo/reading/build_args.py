"""Who gives a Dockerfile's build arguments."""
from __future__ import annotations
from cc_fleet.repo import Repository
from cc_fleet.repo.reading.stages import Names

def given(repository: Repository, file: str) -> Names:
    return {}

def contexts(repository: Repository, file: str) -> tuple[str, ...]:
    return ()
