"""How a user's own settings are made to say a thing, without the system's rights: at the line that wins."""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.client import ORIGINS, Effective, View, truth
from cc_fleet.model import JSON, Finding, Rejected, Setting
from cc_fleet.plan.machine._managed import BELONG_TO_MDM
from cc_fleet.plan.machine._task import AS_ROOT, GONE, Task, Wish, Write, dropped, hand, of_mdm

# The scopes of files that are a user's to write.
SCOPES = frozenset(("global", "user", "project", "local", "root-local"))


def settled(task: Task, view: View, asked: tuple[tuple[str, ...], JSON], found: tuple[Effective, Finding]) -> Iterator[Wish]:
    """What to write so that this view has the key with this value (GONE: not at all), given what it has now."""
    (key, value), (effective, finding) = asked, found
    winner = effective.winner
    if winner is not None and winner.scope in BELONG_TO_MDM:
        yield of_mdm(finding, key)
        return
    if winner is not None and winner.scope not in SCOPES and winner.scope not in ORIGINS:
        yield hand(finding, AS_ROOT, who="admin")
        return
    if value is GONE:
        yield from _gone(task, view, key, found)
        return
    file = _file(task, view, effective)
    yield dropped(finding, file) if task.says(file, key) == value else Wish(Write(file, view.user, key, value), (finding,))


def settings_file(task: Task, user: str) -> str:
    """The file of this user's settings, which CLAUDE_CONFIG_DIR may have moved."""
    facts: tuple[Setting | Rejected, ...] = (*task.target.settings, *task.target.rejected)
    return next((one.place.file for one in facts if one.scope == "user" and one.user == user), f"{task.home(user)}/.claude/settings.json")


def _file(task: Task, view: View, effective: Effective) -> str:
    winner = effective.winner
    return winner.place.file if winner is not None and winner.scope in SCOPES else settings_file(task, view.user)


def _gone(task: Task, view: View, key: tuple[str, ...], found: tuple[Effective, Finding]) -> Iterator[Wish]:
    """Taken out of every file of the user's; what a shell exports is emptied in the settings, which beat it, where an empty text is off."""
    effective, finding = found
    sources = [source for source in (effective.winner, *effective.beats) if source is not None]
    if any(source.scope in ORIGINS and source.value != "" for source in sources):
        if key[-1] in truth.ANY_TEXT:
            yield hand(finding)
        else:
            yield Wish(Write(_file(task, view, effective), view.user, key, ""), (finding,))
        return
    for source in sources:
        if source.scope in SCOPES:
            yield Wish(Write(source.place.file, view.user, key, GONE), (finding,))
