"""A baseline: the findings that were known on a day, so that only new ones fail.

A finding is known by its fingerprint, which holds neither line nor version: code that moves stays
known, and a finding on another subject is new.  The file is JSON, one finding a line, sorted, and made
to be committed.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import Any

from cc_fleet.model import Finding, Waived
from cc_fleet.records import NamedTuple

SCHEMA = "cc-fleet/baseline/"
VERSION = 1
SIZE = 64 * 1024 * 1024
REASON = "in the baseline"


class BaselineError(Exception):
    """The text is no baseline; ``line N: what`` in one line."""


class Known(NamedTuple):
    """A finding of a baseline."""

    fingerprint: str
    check: str
    target: str
    file: str
    subject: str


def load(text: str) -> tuple[Known, ...]:
    """The findings of a baseline, or BaselineError."""
    try:
        document: Any = json.loads(text)
    except json.JSONDecodeError as err:
        raise BaselineError(f"line {err.lineno}: is not JSON: {err.msg.lower()}") from None
    except RecursionError:
        raise BaselineError("line 1: is nested too deep") from None
    schema = document.get("schema") if isinstance(document, dict) else None
    if not isinstance(schema, str) or not schema.startswith(SCHEMA):
        raise BaselineError(f"line 1: is no baseline of cc-fleet: no schema {SCHEMA}{VERSION}")
    if schema != f"{SCHEMA}{VERSION}":
        raise BaselineError(f"line 1: {schema[:60]} is not {SCHEMA}{VERSION}, which this cc-fleet reads")
    listed = document.get("findings")
    if not isinstance(listed, list) or not all(isinstance(one, dict) and all(isinstance(one.get(name), str) for name in Known._fields) for one in listed):
        raise BaselineError(f"line 1: findings: expected a list of objects with {', '.join(Known._fields)}")
    return tuple(Known(*(one[name] for name in Known._fields)) for one in listed)


def dump(known: Iterable[Known]) -> str:
    """A baseline's text."""
    lines = [json.dumps(dict(zip(Known._fields, one, strict=True)), ensure_ascii=False) for one in sorted(set(known), key=lambda one: (one.target, one.file, *one))]
    body = ",\n  ".join(lines)
    return f'{{"schema": "{SCHEMA}{VERSION}", "findings": [\n  {body}\n]}}\n' if lines else f'{{"schema": "{SCHEMA}{VERSION}", "findings": []}}\n'


def of(finding: Finding, repositories: Collection[str]) -> Known:
    """A finding as a baseline has it; a repository's name is that of its folder, and says nothing."""
    problem = finding.problem
    return Known(finding.fingerprint, finding.check, _target(finding, repositories), problem.place.file, problem.subject.partition("@")[0])


def _target(finding: Finding, repositories: Collection[str]) -> str:
    return "" if finding.target in repositories else finding.target


def applied(known: Iterable[Known], findings: Iterable[Finding], repositories: Collection[str]) -> list[Finding]:
    """``findings``, those that are known waived."""
    prints = {(one.target, one.fingerprint) for one in known}

    def is_known(finding: Finding) -> bool:
        return finding.waived is None and (_target(finding, repositories), finding.fingerprint) in prints

    return [finding._replace(waived=Waived(REASON, None)) if is_known(finding) else finding for finding in findings]


def fixed(known: Iterable[Known], findings: Iterable[Finding], repositories: Collection[str]) -> tuple[Known, ...]:
    """What is known and no longer found."""
    found = {(_target(finding, repositories), finding.fingerprint) for finding in findings}
    return tuple(one for one in known if (one.target, one.fingerprint) not in found)
