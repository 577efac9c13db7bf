"""Claude Code must not update itself: its switch is said at every layer, for one alone was seen not to hold.

Settings say it, and so does the environment that sessions start with: by files of our own for the whole system, or in a user's login file.
When the policy lets clients update themselves again, these files go.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks.auto_update import MANAGERS_SWITCH, SWITCH
from cc_fleet.client import View
from cc_fleet.host.change import Byhand, Change
from cc_fleet.model import JSON, Finding
from cc_fleet.plan.machine import _managed, _own, _rules
from cc_fleet.plan.machine._task import GONE, Task, Wish, hand
from cc_fleet.records import NamedTuple

CHECKS = ("auto-update",)
SYSTEMD, PROFILE = "/etc/environment.d/50-cc-fleet.conf", "/etc/profile.d/50-cc-fleet.sh"
_PLAIN, _EXPORT, _FISH = f"{SWITCH}=1", f"export {SWITCH}=1", f"set -gx {SWITCH} 1"
_BLOCK = ("shell-block",)
_AGAINST = f"the policy forbids updates, and its rule for {SWITCH} switches them on: correct the policy"
# Where a system keeps its environment that no file of ours can be put beside.
_ELSEWHERE = {
    "macos": f"run `launchctl setenv {SWITCH} 1` from a launchd agent, and write `{_EXPORT}` in /etc/zshenv",
    "windows": f"run `setx /M {SWITCH} 1`",
}  # fmt: skip


class Layer(NamedTuple):
    """A file that gives the switch to what starts from it: by a kind of change, as this line.  ``shared``: it is not ours alone."""

    file: str
    user: str | None
    line: str
    shared: bool = False


def plan(task: Task) -> Iterator[Wish]:
    found = list(task.of(*CHECKS))
    switched = [one for one in found if one.problem.subject == SWITCH]
    if switched and not _rules.switch_off(task):
        yield from (hand(one, _AGAINST, who="admin") for one in switched)
        switched = []
    for finding in found:
        yield from _settings(task, finding, switched)
    yield from _layers(task, switched)


def _settings(task: Task, finding: Finding, switched: list[Finding]) -> Iterator[Wish]:
    asked = _asked(task, finding.problem.subject)
    if asked is None or (finding.problem.subject == SWITCH and finding not in switched):
        return
    key, value = asked
    if not _rules.wants(task, key, value):
        yield hand(finding, f"the policy's rule for {key[-1]} is against what it says of updates: correct the policy", who="admin")
    elif task.root:
        yield from _managed.say(task, key, value, finding)
    else:
        for view in _clients(task):
            effective = view.env(key[1]) if key[0] == "env" else view.setting(key[0])
            if not _rules.wants(task, key, effective.value) or effective.value is None:
                yield from _own.settled(task, view, (key, GONE if value == "" else value), (effective, finding))


def _asked(task: Task, subject: str) -> tuple[tuple[str, ...], JSON] | None:
    """The key of settings that a finding is about, and what it should hold."""
    rule = task.policy.cli.auto_update
    if subject == "autoUpdatesChannel":
        return ((subject,), rule.channel) if rule is not None and rule.channel else None
    return {SWITCH: (("env", SWITCH), _rules.switch_word(task)), MANAGERS_SWITCH: (("env", MANAGERS_SWITCH), "")}.get(subject)


def _clients(task: Task) -> Iterator[View]:
    return (view for view in task.later.views if view.install is not None and view.install.product == "cli" and task.may(view.user))


def _layers(task: Task, switched: list[Finding]) -> Iterator[Wish]:
    """The environment's files: those that are missing where one is needed, or there is one already; all of ours away where none is wanted."""
    layers = list(_system(task) if task.root else _of_users(task, switched))
    ours = [layer for layer in layers if _is_ours(task, layer)]
    if not _rules.switch_off(task):
        blocks = [Layer(one.file, one.user, _EXPORT, shared=True) for one in task.owned if one.key == _BLOCK and task.may(one.user)]  # another shell's, once
        yield from (Wish(_change(layer, there=False)) for layer in dict.fromkeys((*ours, *blocks)))
        return
    for layer in layers if switched or ours else ():
        if not _says_it(task, layer):
            change = _change(layer, there=True)
            yield Wish(change._replace(findings=CHECKS if switched else ()), tuple(switched))
    if switched and task.target.os in _ELSEWHERE:
        what = f"{SWITCH} is not in the environment that sessions start with, but in settings alone"
        yield Wish(Byhand(what, "the environment", "admin" if task.root else "you", _ELSEWHERE[task.target.os]))


def _system(task: Task) -> Iterator[Layer]:
    if task.target.os == "linux":
        yield Layer(SYSTEMD, None, _PLAIN)
        yield Layer(PROFILE, None, _EXPORT)


def _of_users(task: Task, switched: list[Finding]) -> Iterator[Layer]:
    """Of each user who runs a client; the rest of ours are looked for to be taken away."""
    users = dict.fromkeys(view.user for view in _clients(task) if switched) or dict.fromkeys(task.target.coverage.users)
    for user in users if task.target.os in ("linux", "macos") else ():
        home = task.home(user)
        login = task.options.logins.get(user, f"{home}/.profile")
        fish = login.endswith(".fish")
        yield Layer(f"{home}/.config/fish/conf.d/50-cc-fleet.fish", user, _FISH) if fish else Layer(login, user, _EXPORT, shared=True)
        if task.target.os == "linux":
            yield Layer(f"{home}/.config/environment.d/50-cc-fleet.conf", user, _PLAIN)


def _is_ours(task: Task, layer: Layer) -> bool:
    if layer.shared:
        return any(one.key == _BLOCK and one.file == layer.file for one in task.owned)
    return any(one.place.file == layer.file for one in task.target.variables)


def _says_it(task: Task, layer: Layer) -> bool:
    return any(one.place.file == layer.file and one.name == SWITCH and one.value == "1" for one in task.target.variables)


def _change(layer: Layer, *, there: bool) -> Change:
    what = f"set {SWITCH} to 1 in {layer.file}" if there else f"remove {SWITCH} from {layer.file}: the policy lets Claude Code update itself"
    if layer.shared:
        return Change("shell-block", what, layer.user, {"file": layer.file, "lines": [layer.line] if there else [], "comment": "#"})
    content = f"# Written by cc-fleet.\n{layer.line}\n" if there else None
    return Change("own-file", what, layer.user, {"file": layer.file, "content": content, "mode": 0o644})
