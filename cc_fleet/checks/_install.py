"""How a copy is brought to another version, in the words of the way in which it was installed."""

from __future__ import annotations

from cc_fleet.model import Fix, Install
from cc_fleet.policy import Policy
from cc_fleet.policy.allowed import best

EDITORS = {"vscode": "code", "vscode-insiders": "code-insiders", "vscodium": "codium", "cursor": "cursor", "windsurf": "windsurf"}


def cli(policy: Policy, copy: Install) -> Fix | None:
    """How to bring this copy of the CLI to the version that the policy would install."""
    version = best(policy)
    if version is None:
        return None
    who = "you" if copy.user else "admin"
    if copy.method == "native":
        return Fix(who, f"install {version}", f"claude install {version}")
    prefix, lib, _ = copy.place.file.partition("/lib/node_modules/")
    where = f" --prefix {prefix}" if lib and prefix not in ("/usr", "/usr/local") else ""
    return Fix(who, f"install {version}", f"npm install -g{where} @anthropic-ai/claude-code@{version}")


def extension(copy: Install, version: str | None) -> Fix | None:
    """How to bring this editor's extension to ``version``."""
    if version is None:
        return None
    command = f"{EDITORS[copy.method]} --install-extension {copy.product}@{version} --force" if copy.method in EDITORS else None
    return Fix("you", f"install {copy.product} {version}", command)
