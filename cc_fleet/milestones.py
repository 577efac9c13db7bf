"""What each version of Claude Code brought, and so what staying at an older one costs.

The data is ``data/milestones.json``, a line each with its sources, in users' words: models,
fixes, security, and abilities that a platform team asks for. ``since`` stands where a fix
undoes what that version broke: an older one has nothing to gain from it.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from cc_fleet.data import load
from cc_fleet.versions import key, published

KINDS = ("model", "security", "fix", "ability")
_NAMED = 4
# `claude install X`, the install script's `-s X`, `@anthropic-ai/claude-code@X`, `anthropic.claude-code@X`.
_PIN = re.compile(r"(?:\bclaude install|install\.sh \| bash -s|anthropic(?:-ai/|\.)claude-code@)\s*(\d+\.\d+\.\d+)(?![\w.-])")


class Milestone(NamedTuple):
    """One gain of ``version``; of ``kind`` model, security, fix or ability."""

    version: str
    kind: str
    text: str
    sources: tuple[str, ...]
    since: str | None = None


@cache
def milestones() -> tuple[Milestone, ...]:
    """All that is known, oldest first."""
    rows = load("milestones.json")["milestones"]
    return tuple(Milestone(row["version"], row["kind"], row["text"], tuple(row["sources"]), row.get("since")) for row in rows)


def recorded() -> tuple[str, str]:
    """The versions from and to which the whole changelog was read; what came before and after is known in part."""
    data = load("milestones.json")
    return str(data["known_from"]), str(data["known_to"])


def lost(version: str, until: str | None = None) -> tuple[Milestone, ...]:
    """What who stays at ``version`` goes without of what came up to ``until``, the newest published if not said.

    Nothing where either is no version, or ``version`` is not the older one.
    """
    here, end = key(version), key(published().newest if until is None else until)
    if here is None or end is None:
        return ()
    return tuple(m for m in milestones() if here < (key(m.version) or ()) <= end and (m.since is None or here >= (key(m.since) or ())))


def clause(version: str) -> str:
    """What ``version`` goes without against the newest published, as a clause; empty where that is nothing.

    Models by name, of many the newest; security by count; fixes only where there is neither.
    Abilities are no loss to those who never had them: ``cc-fleet versions`` tells of them.
    """
    if version == published().newest:
        return ""
    kinds = [m.kind for m in lost(version)]
    told = [m.text for m in lost(version) if m.kind == "model"]
    if len(told) > _NAMED:
        told = [*told[1 - _NAMED :], f"{len(told) - _NAMED + 1} older models"]
    security, fixes = kinds.count("security"), kinds.count("fix")
    counted = f"{security} security fix{'es' if security > 1 else ''}" if security else ""
    if not told and not security and fixes:
        counted = f"{fixes} fix{'es' if fixes > 1 else ''}"
    parts = " and ".join(part for part in (", ".join(told), counted) if part)
    return f"goes without {parts}" if parts else ""


def pinned_by(command: str) -> str | None:
    """The version that an install command names, or None."""
    found = _PIN.search(command)
    return found[1] if found else None
