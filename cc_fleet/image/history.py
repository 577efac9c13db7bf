"""What an image says of itself, until the whole of it is here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from cc_fleet.model import Layer


def layers(config: dict[str, Any], digests: Sequence[str]) -> tuple[Layer, ...]:
    return ()


def facts(config: dict[str, Any], digest: str, platform: str, keep: frozenset[str]) -> Iterator[Any]:
    yield from ()


def environ(config: dict[str, Any]) -> dict[str, str]:
    return dict(one.split("=", 1) for one in (config.get("config") or {}).get("Env") or () if "=" in one)


def user(config: dict[str, Any]) -> str:
    return (config.get("config") or {}).get("User") or ""
