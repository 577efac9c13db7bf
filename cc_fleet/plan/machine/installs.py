"""Copies of the CLI that are refused, broken, or not what they say: each is brought to the policy's version in its own way.

npm's and the native installer's are changed; what another manager keeps is its business, and its command is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cc_fleet.host.change import INSTALL, Change
from cc_fleet.plan.machine import _copies
from cc_fleet.plan.machine._files import checks
from cc_fleet.plan.machine._task import Fate, Task, Wish

CHECKS = ("cli-version", "cli-broken", "cli-integrity", "cli-unpublished")


def plan(task: Task) -> Iterator[Wish]:
    for fate in task.fates:
        if fate.copy.product == "cli" and fate.hand is not None:
            yield Wish(fate.hand, fate.findings)
        elif fate.copy.product == "cli" and fate.state == "install" and fate.version is not None:
            yield Wish(_install(task, fate, fate.version), fate.findings, fate.copy)


def _install(task: Task, fate: Fate, version: str) -> Change:
    copy, home = fate.copy, _copies.store(fate.copy)
    given = task.options.tarballs.get(version) if task.options.tarballs is not None else None
    args: dict[str, Any] = {
        "version": version, "sha256": dict(task.policy.cli.sha256.get(version, {})),
        "tarballs": [{"file": file, "sha256": digest} for file, digest in given] if given else None,
        "registry": task.options.registry, "denied": denied(task, copy.product, copy.version),
    }  # fmt: skip
    if home is not None:
        return _change("native", f"install Claude Code {version} for {copy.user or home}", fate, {"home": home, **args})
    where = _copies.prefix(copy)
    if copy.platform is not None:
        args["platform"] = copy.platform
    return _change("npm", f"install Claude Code {version} with npm in {where}", fate, {"prefix": where, **args})


def _change(kind: str, what: str, fate: Fate, args: dict[str, Any]) -> Change:
    instead = f", instead of {fate.copy.version}" if fate.copy.version != fate.version else " again"
    return Change(kind, f"{what}{instead}", fate.copy.user, args, INSTALL, findings=checks([fate.findings]))


def denied(task: Task, product: str, version: str) -> dict[str, str]:
    """The version that is there, where the policy denies it, with the reason: nothing is ever put back to it."""
    found = next(task.policy.denials(product, version), None) or (next(task.policy.denials("cli", version), None) if product != "cli" else None)
    return {version: f"{found.id}: {found.reason}" if found.reason else found.id} if found is not None else {}
