"""Claude Code may update itself away from what the policy holds.

It is told where the policy says `auto-update: false`, or has a highest version.
Only variables stop the updater: `autoUpdates: false` in `~/.claude.json` is ignored by native
installs. `DISABLE_AUTOUPDATER` stops background updates, `DISABLE_UPDATES` (from 2.1.118)
manual ones too, and `CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC` stops updates as well. The receipt of
an update that was made stands below, as what came of it.

Copies of apt, dnf and apk never update themselves, and those of Homebrew and winget only where
`CLAUDE_CODE_PACKAGE_MANAGER_AUTO_UPDATE` is on (from 2.1.129). `autoUpdatesChannel` is not theirs:
a cask follows its own channel, `claude-code` stable and `claude-code@latest` latest.

Of a repository nothing is told: what its images and jobs run is put there anew by each build, and a
policy that wants the variable there says so in `env`.

**Fix**: set `DISABLE_AUTOUPDATER` to `"1"` in managed settings' `env`.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks import Subject, _install, by_view, nowhere, who
from cc_fleet.client import View
from cc_fleet.model import Fix, Place, Problem
from cc_fleet.policy import Policy
from cc_fleet.versions import FAR

SEVERITY = "warning"
SWITCHES = {
    "DISABLE_AUTOUPDATER": (0, 0, 0), "DISABLE_UPDATES": (2, 1, 118), "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": (0, 0, 0),
}  # fmt: skip
SWITCH = "DISABLE_AUTOUPDATER"
# What the system's own packages never do, and those of these managers only where they are told to.
PACKAGES = frozenset(("apt", "rpm", "apk"))
MANAGERS = {"homebrew": "Homebrew", "winget": "winget"}
MANAGERS_SWITCH, MANAGERS_SINCE = "CLAUDE_CODE_PACKAGE_MANAGER_AUTO_UPDATE", (2, 1, 129)


def compare(policy: Policy, subject: Subject) -> Iterator[Problem]:
    if subject.target.kind != "repository":
        yield from by_view(subject, lambda view: _of(policy, subject, view))


def _of(policy: Policy, subject: Subject, view: View) -> Iterator[Problem]:
    if view.install is None or view.install.product != "cli" or view.install.method in PACKAGES:
        return
    rule = policy.cli.auto_update
    if rule is not None and rule.allowed:
        yield from _channel(rule.channel, subject, view) if rule.channel else ()
        return
    if not forbidden(policy) or not _updates(view):
        return
    held = _has_a_ceiling(policy)
    why = f"may update itself out of {policy.cli.versions}" if held else "may update itself"
    problem = _managers(why, view) if view.install.method in MANAGERS else _not_stopped(why, subject, view)
    yield problem
    for update in subject.target.updates:
        if update.user == view.user and update.outcome == "success" and update.version_to:
            told = f"it updated itself {f'from {update.version_from} ' if update.version_from else ''}to {update.version_to}{f' on {update.at[:10]}' if update.at else ''}"
            yield Problem(f"update@{update.version_to}", told, update.place, because=f"auto-update:{problem.place.file}:{problem.subject}", severity="note")


def forbidden(policy: Policy) -> bool:
    """Whether clients must not update themselves: the policy says so, or holds them below a highest version."""
    rule = policy.cli.auto_update
    return _has_a_ceiling(policy) if rule is None else not rule.allowed


def _has_a_ceiling(policy: Policy) -> bool:
    return policy.cli.versions is not None and not policy.cli.versions.admits(FAR)


def _updates(view: View) -> bool:
    """Whether this copy updates itself, as far as can be read."""
    if any(view.is_on(name) for name, since in SWITCHES.items() if view.knows(since)):
        return False
    manager = view.install is not None and view.install.method in MANAGERS
    return not manager or (view.knows(MANAGERS_SINCE) and view.is_on(MANAGERS_SWITCH))


def _not_stopped(why: str, subject: Subject, view: View) -> Problem:
    switch, belongs = view.env(SWITCH), nowhere(subject, view.user)
    return Problem(
        SWITCH, f"Claude Code {why}: no variable stops its updater", switch.winner.place if switch.winner else belongs,
        Fix(who(belongs), f'set "{SWITCH}": "1" in the "env" of {belongs.file}'), trace=switch.trace(),
    )  # fmt: skip


def _managers(why: str, view: View) -> Problem:
    switch, manager = view.env(MANAGERS_SWITCH), MANAGERS[view.install.method] if view.install else ""
    place = switch.winner.place if switch.winner else Place("")
    return Problem(
        MANAGERS_SWITCH, f"Claude Code {why}: {MANAGERS_SWITCH} lets it run {manager}'s upgrade", place,
        Fix(who(place), f"remove {MANAGERS_SWITCH} from {place}"), trace=switch.trace(),
    )  # fmt: skip


def _channel(wanted: str, subject: Subject, view: View) -> Iterator[Problem]:
    """Where updates come from another channel than the policy's."""
    copy = view.install
    if copy is not None and copy.method in MANAGERS:
        cask = _install.cask(copy)
        follows = "latest" if cask.endswith("@latest") else "stable"
        if copy.method == "homebrew" and follows != wanted:
            fix = Fix("admin", f"install it from Homebrew's other cask, or in another way that follows {wanted}")
            yield Problem("cask", f"Homebrew's cask {cask} follows {follows}, not {wanted}", copy.place, fix)
        return
    channel = view.setting("autoUpdatesChannel")
    if (channel.value or "latest") != wanted:
        place = channel.winner.place if channel.winner else nowhere(subject, view.user)
        message = f"updates come from {channel.value or 'latest'}, not {wanted}"
        fix = Fix(who(place), f'set "autoUpdatesChannel": "{wanted}" in {place.file}')
        yield Problem("autoUpdatesChannel", message, place, fix, trace=channel.trace())
