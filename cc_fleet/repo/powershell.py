"""PowerShell scripts and batch files: npm and winget, and the installer that is piped into `iex`.

Assignments, `param` defaults, `$env:NAME` and strings are followed; an argument without a default and what a
command prints are not known here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cc_fleet.repo import Repository
from cc_fleet.repo.reading import powershell
from cc_fleet.repo.reading.source import Source
from cc_fleet.repo.reading.values import Context

WANTS = ("*.ps1", "*.psm1", "*.cmd", "*.bat")


def read(repository: Repository, file: str) -> Iterator[Any]:
    if (gap := repository.over(file)) is not None:
        yield gap
        return
    source = Source.whole(file, (repository.text(file) or "").replace("\r\n", "\n"))
    yield from powershell.installs(source, Context(), batch=file.endswith((".cmd", ".bat")))
