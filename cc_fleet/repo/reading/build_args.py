"""Who gives a Dockerfile's build arguments: compose and bake files, devcontainers, GitHub's action, and commands in scripts and pipelines."""

from __future__ import annotations

from cc_fleet.repo import Repository
from cc_fleet.repo.reading import bake, composed, devcontainers, docker_build
from cc_fleet.repo.reading.build import Build
from cc_fleet.repo.reading.stages import Names
from cc_fleet.repo.reading.values import Value

MOST = 16  # values of one argument
_WORDS = ("claude", "anthropic", "litellm")


def given(repository: Repository, file: str) -> Names:
    """What each argument of the Dockerfile ``file`` is given.

    A build whose Dockerfile cannot be told gives it an argument that says by its name what it is for.
    """
    found: dict[str, dict[Value, None]] = {}
    for build in _builds(repository):
        for name, value in build.args:
            told = any(word in name.lower() for word in _WORDS)
            if file in build.files or (not build.files and told):
                found.setdefault(name, {})[value] = None
    return {name: tuple(values)[:MOST] for name, values in found.items()}


def contexts(repository: Repository, file: str) -> tuple[str, ...]:
    """The folders that the Dockerfile ``file`` is built in."""
    return tuple(dict.fromkeys(context for build in _builds(repository) if file in build.files for context in build.contexts))


def _builds(repository: Repository) -> tuple[Build, ...]:
    """Every build that something in the repository asks for."""
    return repository.once("builds", lambda: _found(repository))


def _found(repository: Repository) -> tuple[Build, ...]:
    found: list[Build] = []
    for file in repository.wanted:  # plain words before patterns: there may be ten thousand
        small = file.lower()
        if "compose" in small and composed.FILE.fullmatch(file):
            found += composed.builds(repository, file)
        elif "bake" in small and bake.FILE.fullmatch(file):
            found += bake.builds(repository, file)
        elif "devcontainer" in small and devcontainers.FILE.fullmatch(file):
            found += devcontainers.builds(repository, file)
        elif docker_build.SAYS in (repository.text(file) or "") and docker_build.FILE.fullmatch(file):
            found += docker_build.builds(repository, file)
    return tuple(found)
