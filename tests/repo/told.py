"""What the readers say of a repository that a test writes, in short."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cc_fleet import repo

if TYPE_CHECKING:
    from pathlib import Path

    from cc_fleet.model import Target


def read(tmp_path: Path, files: dict[str, str], keep: frozenset[str] = frozenset()) -> Target:
    """The facts of a repository of these files."""
    for name, text in files.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="")
    return repo.collect(str(tmp_path), keep)


def declared(target: Target) -> list[str]:
    """``FILE:LINE product@version``; ``?`` and the reason where the version is not known."""
    return [f"{fact.place} {fact.product}{f'@{fact.spec}' if fact.spec else f'? {fact.unresolved}' if fact.unresolved else ''}" for fact in target.declared]


def jobs(target: Target) -> dict[str, list[str]]:
    """Each job with its variables."""
    found: dict[str, list[str]] = {job.name: [] for job in target.jobs}
    for variable in target.variables:
        if variable.user in found:
            found[variable.user].append(f"{variable.name}={variable.value}")
    return found
