"""One product is pinned to two or more versions in one repository.

A Dockerfile has one version, the workflow another, `package.json` a third: what was tested is not what
runs, and the next update changes one of them. Each may be allowed by itself. Compared are exact
versions, and what locks hold, of the CLI, of each extension, gateway and action. The values of one
matrix are several on purpose, and do not count.

It is told once, at the first version that is not the highest one; the report lists every place.

**Fix**: write one version everywhere, or in one place from which the others take it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cc_fleet.checks import Subject
from cc_fleet.model import Declared, Fix, Problem, Step
from cc_fleet.policy import Policy
from cc_fleet.versions import key

SEVERITY = "warning"
DECLARED_ALONE = True


def compare(policy: Policy, subject: Subject) -> Iterator[Problem]:
    pinned: dict[str, list[tuple[str, Declared]]] = {}
    for asked in subject.asked():
        from cc_fleet.checks import _declared

        version = _declared.exact(asked)
        if version is not None and not _declared.is_library(asked):
            pinned.setdefault(asked.product, []).append((version, asked))
    for product, found in pinned.items():
        told = _without_matrices(found)
        scheme = "pep440" if product != "cli" and "." not in product else "semver"
        versions = sorted({version for version, _ in told}, key=lambda version: _order(version, scheme))
        if len(versions) > 1:
            yield _problem(product, versions, told)


def _order(version: str, scheme: str) -> tuple[Any, ...]:
    return key(version, scheme) or ()


def _without_matrices(found: list[tuple[str, Declared]]) -> list[tuple[str, Declared]]:
    """All but the several values that one file gives to one statement."""
    by_use: dict[Any, set[str]] = {}
    for version, asked in found:
        by_use.setdefault(_use(asked), set()).add(version)
    return [(version, asked) for version, asked in found if _use(asked) is None or len(by_use[_use(asked)]) == 1]


def _use(asked: Declared) -> Any:
    """The statement that a value of its own file is for; None where the version stands in the statement, or in another file."""
    return asked.used[:3] if asked.used is not None and asked.used.file == asked.place.file else None


def _problem(product: str, versions: list[str], told: list[tuple[str, Declared]]) -> Problem:
    ordered = sorted(told, key=lambda pair: (pair[1].place.file, pair[1].place.line or 0, pair[1].place.column or 0))
    first = next(asked for version, asked in ordered if version != versions[-1])
    places = {(version, asked.place[:2]): Step(asked.installer, version, asked.place._replace(text=None)) for version, asked in ordered}
    from cc_fleet.checks import _declared

    message = f"{_declared.named(product)} is pinned to {', '.join(versions[:-1])} and {versions[-1]} in one repository"
    return Problem(f"{product}@{','.join(versions)}", message, first.place, Fix("you", f"write one version in all {len(places)} places"), trace=tuple(places.values()))
