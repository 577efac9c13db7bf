"""Composite actions (`action.yml`): what their steps install, with each input's default and what its callers give.

An input stands for its default, and for what every workflow of this repository that uses the action by its
path gives it under `with:`; each is judged where it is written. An input without either is `pin-unresolved`.
Of an action that runs in an image (`runs.image: docker://…`) the image is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cc_fleet.model import Gap
from cc_fleet.repo import Repository
from cc_fleet.repo.reading import installs, sequence, steps
from cc_fleet.repo.reading.document import Document, get, text_of
from cc_fleet.repo.reading.values import Filled
from cc_fleet.repo.reading.workflows import parsed

WANTS = ("action.yml", "action.yaml")


def read(repository: Repository, file: str) -> Iterator[Any]:
    found = parsed(repository, file)
    if isinstance(found, Gap):
        yield found
    elif isinstance(found, Document) and get(found.root, "runs") is not None:
        image = get(found.root, "runs", "image")
        if image is not None and (text := text_of(image)) and text.startswith("docker://"):
            yield from installs.image(Filled(text.removeprefix("docker://")), found.place(image, text), file)
        yield from sequence.bounded(file, steps.all_of(repository, file, found))
