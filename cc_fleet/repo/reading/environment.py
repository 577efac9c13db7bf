"""What an image or CI job of a repository gets of variables that concern Claude Code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cc_fleet.host import redact
from cc_fleet.model import Place, Variable
from cc_fleet.repo.reading import exposed
from cc_fleet.repo.reading.values import Value


def variables(values: Mapping[str, tuple[Value, ...]], job: str, keep: frozenset[str]) -> Iterator[Any]:
    """Each variable of ``values`` that concerns Claude Code, redacted; and the credentials that stand there as they are."""
    for name, given in values.items():
        if not redact.concerns(name, keep):
            continue
        value = given[-1]
        place = value.place or Place("")
        if not place.file:
            continue
        shown = None if value.text is None else redact.variable(name, value.text, keep)
        told = name if shown is None else f"{name}={shown}"
        yield Variable(name, shown, "process", place._replace(text=told), user=job)
        if (found := exposed.credential(name, value, job)) is not None:
            yield found
