"""Homebrew's Brewfile, which can name no version: it installs what is newest on the day.

**Files**: `Brewfile`, `.Brewfile`, `Brewfile.*`, `*.Brewfile`; `homebrew/Brewfile` and the like at any depth.

**Forms**: `cask "claude-code"`, `cask "claude-code@latest"` (its other channel), `brew "claude-code"`, with a tap's name before it;
`vscode "anthropic.claude-code"`; `npm "@anthropic-ai/claude-code"`; `uv "litellm[proxy]"`. Options behind them say nothing of a version.

**Not resolved**: Ruby of any other kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cc_fleet.model import Declared, Gap
from cc_fleet.repo import Repository
from cc_fleet.repo.reading.declare import Asked, declared
from cc_fleet.repo.reading.recognise import EXTENSION, NODE
from cc_fleet.repo.reading.source import Source
from cc_fleet.repo.reading.values import Filled

WANTS = ("Brewfile", ".Brewfile", "Brewfile.*", "*.Brewfile", "brewfile", ".brewfile")
_LINE = re.compile(r"^[ \t]*(cask|brew|vscode|npm|uv)[ \t(]+([\"'])((?:[\w.-]+/){0,2}@?[\w./-]+?)(?:@([\w.-]+)|\[([\w,-]*)\])?\2", re.MULTILINE)


def read(repository: Repository, file: str) -> Iterator[Declared | Gap]:
    text = repository.text(file) or ""
    if (gap := repository.over(file)) is not None:
        yield gap
        return
    whole = Source.whole(file, text)
    for found in _LINE.finditer(text):
        product = _product(found[1], found[3].lower(), found[5] or "")
        if product is not None:
            word = text[found.end(2) : found.end() - 1]
            spec = Filled(found[4]) if found[4] else None
            pin = whole.place(found.start(4), found[4]) if found[4] and found[1] == "npm" else None
            scheme = "npm" if found[1] == "npm" else "pep440" if found[1] == "uv" else "exact"
            yield declared(Asked(product, "brew", whole.place(found.end(2), word), None, scheme), spec, pin)


def _product(kind: str, name: str, extras: str) -> str | None:
    if kind == "vscode":
        return EXTENSION if name == EXTENSION else None
    if kind == "npm":
        return NODE.get(name)
    if kind == "uv":
        return "litellm" if name == "litellm" and "proxy" in extras else None
    return "cli" if name.rpartition("/")[2] == "claude-code" else None
