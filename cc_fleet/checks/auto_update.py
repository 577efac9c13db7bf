"""Claude Code may update itself away from what the policy holds.

It is told where the policy says `auto-update: false`, or holds versions below the newest.
Only variables stop the updater: `autoUpdates: false` in `~/.claude.json` is ignored by native
installs. `DISABLE_AUTOUPDATER` stops background updates, `DISABLE_UPDATES` (from 2.1.118)
manual ones too, and `CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC` stops updates as well.

**Fix**: set `DISABLE_AUTOUPDATER` to `"1"` in managed settings' `env`.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks import Subject, by_view, nowhere
from cc_fleet.client import View
from cc_fleet.model import Fix, Problem
from cc_fleet.policy import Policy
from cc_fleet.versions import published

SEVERITY = "warning"
SWITCHES = ("DISABLE_AUTOUPDATER", "DISABLE_UPDATES", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC")


def compare(policy: Policy, subject: Subject) -> Iterator[Problem]:
    yield from by_view(subject, lambda view: _of(policy, subject, view))


def _of(policy: Policy, subject: Subject, view: View) -> Iterator[Problem]:
    if view.install is None or view.install.product != "cli":
        return
    rule = policy.cli.auto_update
    if rule is not None and rule.allowed:
        channel = view.setting("autoUpdatesChannel")
        if rule.channel and (channel.value or "latest") != rule.channel:
            place = channel.winner.place if channel.winner else nowhere(subject, view.user)
            message = f"updates come from {channel.value or 'latest'}, not {rule.channel}"
            yield Problem("autoUpdatesChannel", message, place, Fix("admin", f'set "autoUpdatesChannel": "{rule.channel}"'), trace=channel.trace())
        return
    held = policy.cli.versions is not None and not policy.cli.versions.admits(published().newest)
    if (rule is None and not held) or any(view.is_on(name) for name in SWITCHES):
        return
    switch = view.env(SWITCHES[0])
    place = switch.winner.place if switch.winner else nowhere(subject, view.user)
    why = f"may update itself out of {policy.cli.versions}" if held else "may update itself"
    yield Problem(
        SWITCHES[0], f"Claude Code {why}: no variable stops its updater", place,
        Fix("admin", f'set "{SWITCHES[0]}": "1" in the "env" of {nowhere(subject, view.user).file}'), trace=switch.trace(),
    )  # fmt: skip
