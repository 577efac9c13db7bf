"""Shell scripts: what they install by any package manager, and by the installers that are piped into a shell.

Variables, `${V:-default}`, arrays, loops over words, functions with their arguments, here-documents,
`bash -c "…"` and files that are fetched and then run are followed. What comes from an argument, from the
environment or from a command's output is not known here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cc_fleet.repo import Repository
from cc_fleet.repo.reading import installs
from cc_fleet.repo.reading.source import Source
from cc_fleet.repo.reading.values import Context

WANTS = ("*.sh", "*.bash", "*.zsh", "*.ksh", "*.bats", "*.sh.tpl", "*.sh.j2", ".envrc", ".bashrc", ".zshrc", ".profile", "**/bin/*", "**/scripts/*", "install", "setup", "bootstrap", "configure", "build", "release", "publish", "deploy")
_SCRIPTS = (".sh", ".bash", ".zsh", ".ksh", ".tpl", ".j2", "rc", ".profile")


def read(repository: Repository, file: str) -> Iterator[Any]:
    text = repository.text(file) or ""
    if not file.endswith(_SCRIPTS) and not _is_shell(text):
        return
    if (gap := repository.over(file)) is not None:
        yield gap
        return
    yield from installs.installs(Source.whole(file, text.replace("\r\n", "\n")), Context())


def _is_shell(text: str) -> bool:
    """Whether the first line names a shell."""
    first = text[:200].partition("\n")[0]
    return first.startswith("#!") and first.split("/")[-1].split()[-1:] != [] and any(word in first for word in ("bash", "/sh", "zsh", "dash", "ksh", "env sh"))
