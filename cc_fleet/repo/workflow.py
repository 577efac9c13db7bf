"""GitHub workflows, and those of Gitea and Forgejo: what their steps install and run, and the actions that bring Claude Code.

Read are `run` steps, `uses` (Anthropic's actions by their refs, which are versions too, and any action
that takes a version of Claude Code as an input), the images of containers and services, and literal
credentials. `env` of the workflow, the job and the step, `${{ env.X }}`, `inputs` with their defaults and
what callers in this repository give, `matrix`, outputs of steps and jobs and `$GITHUB_ENV` are followed to
where the version is written; `a || 'b'` is judged by what it falls back to. Secrets, variables of the
organisation and events are not known here: a version that comes from them is `pin-unresolved`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cc_fleet.model import Gap
from cc_fleet.repo import Repository
from cc_fleet.repo.reading import sequence, steps
from cc_fleet.repo.reading.document import Document
from cc_fleet.repo.reading.workflows import parsed

WANTS = (
    ".github/workflows/*.yml", ".github/workflows/*.yaml", ".gitea/workflows/*.yml", ".gitea/workflows/*.yaml",
    ".forgejo/workflows/*.yml", ".forgejo/workflows/*.yaml",
)  # fmt: skip


def read(repository: Repository, file: str) -> Iterator[Any]:
    found = parsed(repository, file)
    if isinstance(found, Gap):
        yield found
    elif isinstance(found, Document):
        yield from sequence.bounded(file, steps.all_of(repository, file, found))
