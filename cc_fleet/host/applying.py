"""Carry a plan out on the machine it was made for: seal it, check that nothing moved on, do it step by step, undo what fails.

The order is the plan's. Before the first change all of them are compared with what is there now, and where something
moved on nothing is done at all. A change whose own check fails is undone at once; where an install failed nothing is
removed, and the gate, which could lock out what still runs, is not written.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Callable, Iterator, Mapping, Optional

from ..model import JSON
from . import pruning, rights, steps, undoing
from .area import told
from .change import COMPLETE, GATE, INSTALL, SETTINGS, Byhand, Change, Failed, Outcome, Plan, PlanError, Preview, Refused, written
from .digest import sha256
from .ground import Ground
from .journal import Journal, Run
from .site import Entry, Site

Progress = Callable[[int, int, str], None]
POSTPONED = "postponed: "
_ENDS = ("done", "same", "refused", "failed", "postponed")
_STEPS, _ROOM = 5000, 512 * 1024 * 1024  # of one change, with what it replaces


@lru_cache(maxsize=None)
def kind(name: str) -> Any:
    """The module of a kind of change; PlanError where this version has none of that name."""
    from importlib import import_module

    from . import changes, plugins

    module = name.replace("-", "_")
    if module not in plugins.names(changes.__name__):
        raise PlanError(f"this cc-fleet knows no change of the kind {name!r}")
    return import_module(f"{changes.__name__}.{module}")


def seal(plan: Plan, ground: Ground) -> Plan:
    """The plan with what it expects and shows filled in by the machine itself; what is refused is left, what is already so dropped."""
    found = previews(plan.changes, ground)
    changes, left = list[Change](), list(plan.left)
    new: dict[int, int] = {}
    for number, (change, seen) in enumerate(zip(plan.changes, found)):  # noqa: B905  # Python 3.9
        if isinstance(seen, str):
            left.append(Byhand(change.what, _where(change), "you", seen))
        elif seen.expects != seen.produces:
            new[number] = len(changes)
            changes.append(change._replace(expects=seen.expects, produces=seen.produces, shows=seen.shows))
    kept = [one for one in (_renumbered(change, new) for change in changes) if one is not None]
    only_checks = all(change.kind == "verify" for change in kept)
    return plan._replace(changes=() if only_checks else tuple(kept), left=tuple(left), sealed=True)


def _short(state: str) -> str:
    """A state for people: of a digest its beginning."""
    return state[: len("sha256:") + 12] if state.startswith("sha256:") else state


def _where(change: Change) -> str:
    return next((str(change.args[name]) for name in ("file", "path", "folder", "prefix", "home") if name in change.args), change.user or "")


def _renumbered(change: Change, new: dict[int, int]) -> Optional[Change]:
    """A verify names changes by number; one whose changes are all gone goes too."""
    if change.kind != "verify" or not isinstance(change.args.get("of"), list):
        return change
    of = [new[number] for number in change.args["of"] if number in new]
    return change._replace(args={**change.args, "of": of}) if of else None


def previews(changes: tuple[Change, ...], ground: Ground) -> list[Any]:
    """Of each change its Preview, or the reason why it is refused: each user's in one go, as what goes before would leave it."""
    found: list[Any] = [None] * len(changes)
    for change in changes:
        kind(change.kind)  # here, for a user may not be able to read where modules lie

    def serve(message: dict[str, Any], mine: list[int]) -> JSON:
        number = mine[mine.index(message["number"])]  # no user speaks of another's
        if message.get("refused") is not None:
            found[number] = rights.line(message["refused"])
        else:
            found[number] = Preview(_texts(message["expects"]), _texts(message["produces"]), tuple(map(rights.line, message["shows"])))
        return None

    for user in dict.fromkeys(change.user for change in changes):
        numbers = [number for number, change in enumerate(changes) if change.user == user]
        try:
            site = ground.site(user)
            rights.run(user if ground.live else None, lambda channel, site=site, numbers=numbers: _look(channel, site, changes, numbers), lambda message, _, numbers=numbers: serve(message, numbers))  # type: ignore[misc]
            reason = "was not looked at"
        except (Refused, Failed) as err:
            reason = str(err)
        for number in numbers:
            found[number] = found[number] or reason
    return found


def _look(channel: rights.Channel, site: Site, changes: tuple[Change, ...], numbers: list[int]) -> None:
    for number in numbers:
        try:
            seen = kind(changes[number].kind).preview(site, changes[number].args)
        except (Refused, OSError) as err:
            channel({"number": number, "refused": _reason(err)})
        else:
            channel({"number": number, "expects": dict(seen.expects), "produces": dict(seen.produces), "shows": list(seen.shows)})


def _reason(err: Exception) -> str:
    return f"{err.filename or 'a file'}: {told(err)}" if isinstance(err, OSError) else str(err)


def _texts(states: Any) -> dict[str, str]:
    return {str(path): str(state) for path, state in states.items()}


def check(plan: Plan, ground: Ground) -> list[str]:
    """Whether each change is to be made (``do``), was made already (``same``), or cannot be (``refused: …``).

    PlanError where the plan is another machine's, or the machine has moved on since it was made: then nothing is done.
    """
    if (plan.machine_id or plan.name) != (ground.machine_id or ground.name) or plan.os != ground.os or plan.root != bool(ground.top):
        raise PlanError(f"the plan is for {plan.name} ({plan.os}{', below a folder' if plan.root else ''}), and this is {ground.name} ({ground.os}{', below a folder' if ground.top else ''}); plan here")
    if not plan.sealed:
        raise PlanError("the plan was made from facts alone and does not say what it expects; seal it on its machine, with `cc-fleet plan`")
    states, stale = [], []
    actual: dict[frozenset[str], Mapping[str, str]] = {}
    for number, (change, seen) in enumerate(zip(plan.changes, previews(plan.changes, ground))):  # noqa: B905
        if isinstance(seen, str):
            states.append(f"refused: {seen}")
            continue
        paths = frozenset(change.produces)
        now = actual.get(paths, seen.expects)
        later = [one.produces for one in plan.changes[number:] if frozenset(one.produces) == paths]
        if now == change.expects and seen.produces == change.produces:
            states.append("do")
            actual[paths] = change.produces
        elif now in later or (seen.expects == seen.produces and change.kind != "verify"):
            states.append("same")
            actual[paths] = now
        else:
            path = next((path for path, state in change.expects.items() if now.get(path) != state), _where(change))
            stale.append(f"{path} is {_short(now.get(path, 'something else'))}, and the plan expects {_short(change.expects.get(path, 'another state'))}")
            states.append("stale")
    if stale:
        raise PlanError("\n".join(f"the plan is stale: {one}; plan again" for one in stale))
    return states


def apply(plan: Plan, ground: Ground, progress: Progress, about: Entry) -> tuple[str, list[Outcome]]:
    """Carry out ``plan``; the run's name ("" where there was nothing to do) and what came of each change.  PlanError: nothing was done."""
    if not plan.changes:
        return "", []
    with Journal(ground.journal, ground.top) as journal:
        text = written(plan)
        going_on = undoing.recovered(journal, ground, sha256(text.encode()))
        states = check(plan, ground)
        if not any(state == "do" and change.kind != "verify" for state, change in zip(states, plan.changes)):  # noqa: B905
            if going_on is not None:
                going_on.record({"end": "complete"})
            return "", [_outcome(number, change, state) for number, (change, state) in enumerate(zip(plan.changes, states))]  # noqa: B905
        run = going_on or journal.begin(text, {"plan": sha256(text.encode()), **about})
        work = _Work(plan, ground, run, progress)
        work.all(states)
        undoing.swept(run, ground)
        run.record({"end": "complete" if all(one.state in COMPLETE for one in work.outcomes.values()) else "incomplete"})
        pruning.prune(journal, ground)
        return run.name, [work.outcomes[number] for number in sorted(work.outcomes)]


def _outcome(number: int, change: Change, state: str) -> Outcome:
    if state.startswith("refused: "):
        reason = state[len("refused: ") :]
        postponed = reason.startswith(POSTPONED)
        return Outcome(number, change.what, "postponed" if postponed else "refused", reason[len(POSTPONED) :] if postponed else reason)
    return Outcome(number, change.what, "same")


class _Work:
    """One run's way through its plan."""

    def __init__(self, plan: Plan, ground: Ground, run: Run, progress: Progress) -> None:
        self.plan, self.ground, self.run, self.progress = plan, ground, run, progress
        self.outcomes: dict[int, Outcome] = {}

    def all(self, states: list[str]) -> None:
        for number, (change, state) in enumerate(zip(self.plan.changes, states)):  # noqa: B905
            reason = self._in_the_way(change)
            if state != "do":
                self.outcomes[number] = _outcome(number, change, state)
            elif reason:
                self.outcomes[number] = Outcome(number, change.what, "skipped", reason)
            else:
                self.progress(number, len(self.plan.changes), change.what)
                self.outcomes[number] = self._one(number, change)
            self.run.record({"change": number, "outcome": self.outcomes[number].state, "reason": self.outcomes[number].reason})

    def _in_the_way(self, change: Change) -> str:
        """Why this change must not be made after what failed before it."""
        failed = {self.plan.changes[number].phase for number, one in self.outcomes.items() if one.state in ("failed", "undone", "kept", "refused", "skipped")}
        if change.phase > INSTALL and any(phase >= INSTALL for phase in failed):
            return "an earlier step failed"
        same_file = any(one.state not in COMPLETE and _where(self.plan.changes[number]) == _where(change) for number, one in self.outcomes.items())
        return "an earlier step failed" if change.phase == GATE and SETTINGS in failed and same_file else ""

    def _one(self, number: int, change: Change) -> Outcome:
        ended: list[Outcome] = []
        taken: list[int] = []
        room = [_ROOM]

        def serve(message: dict[str, Any], data: Optional[bytes]) -> JSON:
            if "outcome" in message:
                if message["outcome"] in _ENDS:
                    ended.append(Outcome(number, change.what, str(message["outcome"]), rights.line(message.get("reason", ""))))
                return None
            if "done" in message:
                self.run.record({"n": taken[taken.index(message["done"])], "state": "done", **steps.known(message.get("more"))})
                return None
            step = steps.shaped(message.get("begun"))
            room[0] -= len(data or b"") + len(str(step))
            if room[0] < 0 or len(taken) >= _STEPS:
                raise PlanError(f"{change.what}: takes more steps, or replaces more, than any change does")
            taken.append(self.run.begun(number, step, data))
            return taken[-1]

        try:
            rights.run(change.user if self.ground.live else None, lambda channel: _do(channel, change, self.ground, self.run.name), serve)
        except Failed as err:
            ended.append(Outcome(number, change.what, "failed", str(err)))
        except (PlanError, KeyboardInterrupt):  # the journal takes no more, or somebody has had enough
            undoing.undo(self.run, self.ground, number, force=False)
            raise
        found = ended[-1] if ended else Outcome(number, change.what, "failed", "was cut short")
        if found.state in ("postponed", "done", "same"):
            return found
        return self._undone(found, change)

    def _undone(self, found: Outcome, change: Change) -> Outcome:
        """What failed is taken back, with what it answers for; not where what was before is denied."""
        of = change.args.get("of")
        numbers = [found.number, *(number for number in of if isinstance(number, int))] if change.kind == "verify" and isinstance(of, list) else [found.number]
        for number in sorted(set(numbers), reverse=True):
            denied, was = self.plan.changes[number].args.get("denied"), self.outcomes.get(number)
            if was is not None and was.state != "done":
                continue
            if isinstance(denied, dict) and denied and (was is not None or any(one.get("op") == "swap" and one["change"] == number for one in self.run.entries())):
                told = (was or found)._replace(state="kept", reason=f"{found.reason}; not put back: what was there before is denied ({'; '.join(map(str, denied.values()))})")
                self.outcomes[number], found = told, told if number == found.number else found
                continue
            conflicts = undoing.undo(self.run, self.ground, number, force=False)
            reason = "; ".join([found.reason if number == found.number else f"undone, for {found.reason}", *conflicts])
            state = "refused" if number == found.number and found.state == "refused" else "failed" if number == found.number else "undone"
            if number == found.number:
                found = found._replace(state=state, reason=reason)
            else:
                self.outcomes[number] = self.outcomes[number]._replace(state=state, reason=reason)
        return found


class _Told:
    """A site's log at the child's end of the channel."""

    def __init__(self, channel: rights.Channel) -> None:
        self._channel = channel

    def begun(self, entry: Entry, image: Optional[bytes] = None) -> int:
        return int(self._channel({"begun": dict(entry)}, image))

    def done(self, number: int, more: Entry) -> None:
        self._channel({"done": number, "more": dict(more)})


def _do(channel: rights.Channel, change: Change, ground: Ground, stamp: str) -> None:
    """Make one change and say how it ended."""
    for outcome, reason in _tried(channel, change, ground, stamp):
        channel({"outcome": outcome, "reason": reason})


def _tried(channel: rights.Channel, change: Change, ground: Ground, stamp: str) -> Iterator[tuple[str, str]]:
    try:
        site = ground.site(change.user, stamp, _Told(channel))
        seen = kind(change.kind).preview(site, change.args)
        if seen.expects == seen.produces == change.produces and change.kind != "verify":  # what went before has done it, too
            yield "same", ""
            return
        if seen.expects != change.expects:
            raise Refused("what is there changed since the run began; plan again")
        kind(change.kind).apply(site, change.args)
        yield "done", ""
    except Refused as err:
        postponed = str(err).startswith(POSTPONED)
        yield ("postponed", str(err)[len(POSTPONED) :]) if postponed else ("refused", str(err))
    except (Failed, OSError) as err:
        yield "failed", _reason(err)
