"""Claude Code may update itself away from what the policy holds.

It is told where the policy says `auto-update: false`, or has a highest version.
Only variables stop the updater: `autoUpdates: false` in `~/.claude.json` is ignored by native
installs. `DISABLE_AUTOUPDATER` stops background updates, `DISABLE_UPDATES` (from 2.1.118)
manual ones too, and `CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC` stops updates as well.

**Fix**: set `DISABLE_AUTOUPDATER` to `"1"` in managed settings' `env`.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks import Subject, by_view, nowhere, who
from cc_fleet.client import View
from cc_fleet.model import Fix, Problem
from cc_fleet.policy import Policy

SEVERITY = "warning"
SWITCHES = {
    "DISABLE_AUTOUPDATER": (0, 0, 0), "DISABLE_UPDATES": (2, 1, 118), "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": (0, 0, 0),
}  # fmt: skip
SWITCH = "DISABLE_AUTOUPDATER"
# A version that will not come: a range without it has a ceiling.
FAR = "999999999.0.0"


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
            fix = Fix(who(place), f'set "autoUpdatesChannel": "{rule.channel}" in {place.file}')
            yield Problem("autoUpdatesChannel", message, place, fix, trace=channel.trace())
        return
    held = policy.cli.versions is not None and not policy.cli.versions.admits(FAR)
    if (rule is None and not held) or any(view.is_on(name) for name, since in SWITCHES.items() if view.knows(since)):
        return
    switch = view.env(SWITCH)
    place = switch.winner.place if switch.winner else nowhere(subject, view.user)
    why = f"may update itself out of {policy.cli.versions}" if held else "may update itself"
    belongs = nowhere(subject, view.user)
    yield Problem(
        SWITCH, f"Claude Code {why}: no variable stops its updater", place,
        Fix(who(belongs), f'set "{SWITCH}": "1" in the "env" of {belongs.file}'), trace=switch.trace(),
    )  # fmt: skip
