"""What becomes of each copy of Claude Code and of its extensions: which are brought to which version, and which go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cc_fleet.checks import _install
from cc_fleet.client import EXTENSION
from cc_fleet.host.change import Byhand
from cc_fleet.model import Finding, Fix, Install
from cc_fleet.plan.machine._task import AS_ROOT, Fate, Task, shown
from cc_fleet.policy.allowed import refusal
from cc_fleet.versions import key, published

NPM_NATIVE = (2, 1, 113)  # the first version whose npm package has a native program
_BRINGS = ("cli-version", "cli-broken", "cli-integrity", "cli-unpublished")
_STORE = "/.local/share/claude/versions/"
_ON_MACHINE = "plan and apply it on the machine itself: below --root no program is run"


def fates(task: Task) -> tuple[Fate, ...]:
    """What becomes of every copy, in the order of facts."""
    going = _going(task)
    cli = {copy: _going_fate(task, copy, going[copy]) if copy in going else _of_cli(task, copy) for copy in task.subject.copies()}
    decided = (*cli.values(), *(Fate(copy, "stays", copy.version) for copy in task.target.installs if copy not in cli))
    extensions = {copy: _of_extension(task, copy, decided) for copy in task.subject.extensions()}
    kept = {fate.copy: fate for fate in decided} | extensions
    return tuple(_bundled(copy, kept) for copy in task.target.installs)


def on(task: Task, copy: Install, *checks: str) -> tuple[Finding, ...]:
    """The findings of these checks on a copy."""
    return tuple(one for one in task.of(*checks) if one.problem.place == copy.place and one.problem.subject in (copy.product, f"{copy.product}@{copy.version}"))


def is_npm(copy: Install) -> bool:
    """Whether ``npm install -g`` put it there, into a prefix of whichever Node."""
    return copy.method == "npm" or copy.method.startswith("npm (")


def prefix(copy: Install) -> str:
    """npm's prefix of a copy, for ``npm install -g --prefix``."""
    return copy.place.file.partition("/node_modules/@anthropic-ai/")[0].removesuffix("/lib")


def store(copy: Install) -> str | None:
    """The home in which the native installer keeps this copy; None where it is kept elsewhere."""
    home, found, _ = copy.place.file.partition(_STORE)
    return home if copy.method == "native" and found else None


def stored(copy: Install) -> bool:
    """Whether the native installer merely keeps it: it is not the one that runs."""
    return copy.method == "native" and copy.active_for == ()


def _of_cli(task: Task, copy: Install) -> Fate:
    found = tuple(one for one in on(task, copy, *_BRINGS) if not _tells_only(one))
    if not found:
        return Fate(copy, "stays", copy.version)
    if stored(copy):
        return _of_store(task, copy, found)
    version, denied = _install.wanted(task.policy, copy), "no published version of Claude Code is allowed; correct the policy"
    fix = _install.cli(copy, version)
    who = _install.who(copy)
    if version is None or fix is None:
        return _waits(copy, found, who, denied)
    if not is_npm(copy) and store(copy) is None:
        return _waits(copy, found, who, _said(fix))
    if task.target.os == "windows" or (store(copy) is not None and task.options.tarballs is not None and (key(version) or ())[:3] < NPM_NATIVE):
        return _waits(copy, found, who, _said(fix))  # no tarball of npm's has a native program that is as old
    return _brought(task, copy, found, version) or Fate(copy, "install", version, found)


def _brought(task: Task, copy: Install, found: tuple[Finding, ...], version: str) -> Fate | None:
    """What stands in the way of an install that is otherwise ours to do."""
    if not task.may(copy.user):
        return _waits(copy, found, "admin", AS_ROOT)
    if not task.options.live:
        return _waits(copy, found, _install.who(copy), _ON_MACHINE)
    if task.options.tarballs is not None and version not in task.options.tarballs and task.options.registry is None and copy.product == "cli":
        return _waits(copy, found, "you", f"give the tarballs of {version} as well, for those that were given hold none of it")
    return None


def _of_store(task: Task, copy: Install, found: tuple[Finding, ...]) -> Fate:
    """A version that the native installer left: it goes where it is denied or cannot run, else it does no harm."""
    denied = any(task.policy.denials("cli", copy.version))
    if task.target.os != "windows" and task.may(copy.user) and (denied or copy.intact is False):
        return Fate(copy, "goes", None, (*found, *on(task, copy, "cli-shadowed")))
    command = _install.deletion(copy.place.file)
    return _waits(copy, found, _install.who(copy), f"nothing runs it, so it may stay; else {command}")


def _of_extension(task: Task, copy: Install, decided: tuple[Fate, ...]) -> Fate:
    found = on(task, copy, "extension-version")
    skewed = on(task, copy, "extension-skew")
    if not copy.active_for or not (found or skewed):
        return Fate(copy, "stays", copy.version)
    version = _matched(task, copy, decided, refused=bool(found))
    if version == copy.version:
        return Fate(copy, "stays", copy.version, skewed)
    fix = _install.extension(copy, version) if copy.product == EXTENSION else None
    if version is None or fix is None:
        advice = (found or skewed)[0].problem.fix
        return _waits(copy, found or skewed, "you", _said(advice) if advice else "install a version that the policy allows")
    if fix.command is None or not copy.place.file.endswith("/extensions/extensions.json"):
        return _waits(copy, (*found, *skewed), "you", f"in {copy.method}, {_said(fix)}")
    return _brought(task, copy, (*found, *skewed), version) or Fate(copy, "install", version, (*found, *skewed))


def _matched(task: Task, copy: Install, decided: tuple[Fate, ...], *, refused: bool) -> str | None:
    """The version that an extension should have: with match-cli the one that its user's PATH will run, where that is allowed."""
    rule = task.policy.extensions.get(copy.product)
    runs = running(decided, (copy.active_for or ("",))[0])
    if rule is not None and rule.match_cli and runs is not None and runs.version is not None:
        if _install.refused(task.policy, copy.product, runs.version) is None:
            return runs.version
        if not refused:
            return None
    return _install.wanted(task.policy, copy) if refused else copy.version


def running(decided: Sequence[Fate], user: str, *, guess: bool = False) -> Fate | None:
    """The copy that this user's PATH will run; None where that is not known, and with ``guess`` the likely one: facts list them as PATH has them."""
    now = next((fate for fate in decided if fate.copy.product == "cli" and fate.copy.bundled_in is None and user in (fate.copy.active_for or ())), None)
    if now is None or now.version is not None:
        return now
    left = [fate for fate in decided if _could_run(fate, user) and fate.version is not None]
    return left[0] if len(left) == 1 or (left and guess) else None


def _could_run(fate: Fate, user: str) -> bool:
    copy = fate.copy
    return copy.product == "cli" and copy.bundled_in is None and copy.user in (None, user) and copy.method != "npm-project" and copy.active_for is not None


def _bundled(copy: Install, kept: dict[Install, Fate]) -> Fate:
    """A Claude Code that an extension brings has the version of the extension."""
    fate = kept[copy]
    if copy.product != "cli" or copy.bundled_in is None:
        return fate
    brings = (one for one in kept.values() if one.copy.user == copy.user and copy.bundled_in == f"{one.copy.product} in {one.copy.method}" and one.copy.active_for)
    outer = next(brings, None)
    return fate._replace(version=outer.version) if outer is not None and outer.state == "install" else fate


def _going(task: Task) -> dict[Install, tuple[Finding, ...]]:
    """The copies that go because another one hides them, or they another.  Every user keeps one."""
    copies = list(task.subject.copies())
    hidden: dict[str, dict[Install, tuple[Finding, ...]]] = {}
    for finding in task.of("cli-shadowed") if task.policy.cli.one_install == "remove" else ():
        copy = next((one for one in copies if one.place == finding.problem.place and finding.problem.subject == f"cli@{one.version}"), None)
        for user in sorted({copy.user} if copy is not None and copy.user else set(task.target.coverage.users)):
            if copy is not None and any(user in (one.active_for or ()) for one in copies):
                known = hidden.setdefault(user, {})
                known[copy] = (*known.get(copy, ()), finding)
    runs = {user: next(one for one in copies if user in (one.active_for or ())) for user in hidden}
    keeps = {user: _keeper(task, runs[user], _others(copies, runs[user], user), fixed=not set(runs[user].active_for or ()) <= hidden.keys()) for user, found in hidden.items()}
    going: dict[Install, tuple[Finding, ...]] = {}
    for user, found in hidden.items():
        asked = {runs[user]: tuple(finding for several in found.values() for finding in several)} | found
        for copy, findings in asked.items() if keeps[user] is not None else ():
            for one in _with_its_store(copies, copy) if copy not in keeps.values() else ():
                going[one] = (*going.get(one, ()), *findings)
    for copy in copies if task.policy.cli.one_install == "remove" else ():
        if copy not in going and _gives_way(task, copy, copies):
            going.update({one: on(task, one, *_BRINGS) for one in _with_its_store(copies, copy)})
    return {copy: found for copy, found in going.items() if copy not in keeps.values()}


def _others(copies: list[Install], runs: Install, user: str) -> tuple[Install, ...]:
    """The copies besides the one that runs that this user could run; what is stored behind the same launcher is none."""
    there = (one for one in copies if one != runs and one.user in (None, user) and one.active_for is not None and one.method != "npm-project")
    return tuple(one for one in there if store(one) is None or store(one) != store(runs))


def _keeper(task: Task, runs: Install, others: tuple[Install, ...], *, fixed: bool) -> Install | None:
    """Of a user's copies the one that stays: the one that runs, unless it is wrong and another right, or the only one that can be put right.

    ``fixed``: somebody else has no other copy than the one that runs.  None: all stay.
    """
    if fixed:
        return runs if _is_right(task, runs) or _can_be_brought(task, runs) else None
    for is_good in (_is_right, _can_be_brought):
        for copy in (runs, *others):
            if is_good(task, copy):
                return copy
    return runs


def _is_right(task: Task, copy: Install) -> bool:
    return refusal(task.policy, "cli", copy.version, task.policy.cli.versions) is None and copy.intact is not False


def _gives_way(task: Task, copy: Install, copies: list[Install]) -> bool:
    """Whether a native copy that cannot be put right stands before one of the whole machine's that can: others run that one, so none is hidden."""
    if store(copy) is None or not copy.active_for or _can_be_brought(task, copy) or _is_right(task, copy):
        return False
    return any(one.user is None and is_npm(one) and one.active_for and (_can_be_brought(task, one) or _is_right(task, one)) for one in copies)


def _with_its_store(copies: list[Install], copy: Install) -> list[Install]:
    """A copy that goes, and where it is the one that the native installer's launcher starts, all that is stored for that launcher."""
    home = store(copy)
    return [copy] if home is None or not copy.active_for else [one for one in copies if store(one) == home]


def _can_be_brought(task: Task, copy: Install) -> bool:
    version = _install.wanted(task.policy, copy)
    if version is None or not task.may(copy.user):
        return False
    return is_npm(copy) or (store(copy) is not None and (key(version) or ())[:3] >= NPM_NATIVE)


def _going_fate(task: Task, copy: Install, found: tuple[Finding, ...]) -> Fate:
    found = tuple(dict.fromkeys(found))
    removed = _install.removal(copy)
    if removed is None:
        return Fate(copy, "stays", copy.version)
    if not task.may(copy.user):
        return _waits(copy, found, "admin", AS_ROOT)
    own = copy.method == "npm-local" or is_npm(copy) or store(copy) is not None
    if not own or task.target.os == "windows":
        return _waits(copy, found, removed.who, _said(removed))
    return Fate(copy, "goes", None, (*found, *on(task, copy, *_BRINGS)))


def _tells_only(finding: Finding) -> bool:
    """Whether no install of this copy answers it: a version newer than those that are known, a digest that was not read."""
    if finding.check == "cli-integrity":
        return finding.severity == "warning"
    return finding.check == "cli-unpublished" and published().state(finding.problem.subject.partition("@")[2]) == "newer"


def _waits(copy: Install, found: tuple[Finding, ...], who: str, how: str) -> Fate:
    what = found[0].problem.message
    return Fate(copy, "hand", copy.version, found, Byhand(what, shown(copy.place), who, how))


def _said(fix: Fix) -> str:
    return f"{fix.summary}: {fix.command}" if fix.command else fix.summary


def versions(task: Task, *, after: bool) -> Iterator[str]:
    """The versions of all clients on the target: as they are, or as they are when the plan is carried out."""
    for fate in task.fates:
        if fate.copy.product in ("cli", EXTENSION):
            version = fate.version if after else fate.copy.version
            if version:
                yield version
