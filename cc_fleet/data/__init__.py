"""What ships as data, each file with the date it was taken: published versions, documented names.

``nox -s refresh`` renews the versions; ``nox -s generate`` compiles policies and advisories.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import cache
from typing import Any, cast

FOLDER = os.path.dirname(os.path.abspath(__file__))


@cache
def load(name: str) -> Any:
    """The JSON document ``name``."""
    with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
        return json.load(file)


@cache
def variables() -> frozenset[str]:
    """The documented environment variables of Claude Code (facts/claude-code.md 2)."""
    return frozenset(load("env_names.json")["names"])


@cache
def scopes() -> Mapping[str, str]:
    """For each documented setting the files that may hold it: any, managed, User or managed, …"""
    return cast("Mapping[str, str]", load("settings_keys.json")["scopes"])
