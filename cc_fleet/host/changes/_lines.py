"""The lines of a small file of ours as a diff for people: what could be a secret is not shown."""

from __future__ import annotations

import re
from typing import Iterator, Sequence

from .. import redact

_MOST = 60
# NAME=value, as the environment's files, shells and fish have it, and "key": value.
_ASSIGNED = re.compile(r"""(\s*(?:export\s+|set\s+-\w+\s+|\$env:|setx?\s+)?)([A-Za-z_][A-Za-z0-9_]*)(\s*=\s*|\s+)(.*)""", re.DOTALL)
_MEMBER = re.compile(r"""(\s*)"((?:[^"\\]|\\.)*)"(\s*:\s*)(.*?)(,?)""", re.DOTALL)


def differences(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    """``- line`` for what goes, ``+ line`` for what comes; values as redaction lets them be shown."""
    keep = frozenset(name for line in new if (name := _name(line)) is not None)
    gone, come = set(old) - set(new), set(new) - set(old)
    lines = [f"- {_shown(line, keep, ours=False)}" for line in old if line in gone]
    lines += [f"+ {_shown(line, keep, ours=True)}" for line in new if line in come]
    yield from lines[:_MOST]
    if len(lines) > _MOST:
        yield f"  (and {len(lines) - _MOST} more lines)"


def _name(line: str) -> str | None:
    found = _MEMBER.fullmatch(line) or _ASSIGNED.fullmatch(line)
    return found[2] if found else None


def _shown(line: str, keep: frozenset[str], *, ours: bool) -> str:
    """A line; somebody else's comment, or what is no assignment, is not shown, for it may hold anything."""
    line = line.rstrip("\r")
    if not line.strip(" \t{}[],"):
        return line
    found = _MEMBER.fullmatch(line) or _ASSIGNED.fullmatch(line)
    if found is None:
        return line if ours and redact.variable("line", line, frozenset(("line",))) == line else "(a line)"
    quote, value = _quote(found[4]), found[4].strip("\"'")
    shown = found[4] if value in ("{", "[") or redact.variable(found[2], value, keep) == value else f"{quote}{redact.variable(found[2], value, keep)}{quote}"
    if found.re is _ASSIGNED:
        return f"{found[1]}{found[2]}{found[3]}{shown}"
    return f'{found[1]}"{redact.name(found[2])}"{found[3]}{shown}{found[5]}'


def _quote(value: str) -> str:
    return value[0] if value[:1] in ("'", '"') else ""
