"""Take back what the journal says was done, newest first: byte for byte, and only where nobody has changed it since.

Each step is undone with the rights of the user whose change it was. A step that was written down and not finished (the
machine lost power, the process was killed) is looked at as it is: whatever half was done is taken back.
"""

from __future__ import annotations

from typing import Any, Optional

from ..model import JSON
from . import reversal, rights
from .change import Change, Failed, Outcome, Plan, PlanError, Refused, load
from .ground import Ground
from .journal import Journal, Run


def undo(run: Run, ground: Ground, change: Optional[int], *, force: bool) -> list[str]:
    """Take back the steps of one change, or of all; why what could not be."""
    entries = run.entries()
    gone = {int(one["n"]) for one in entries if one.get("state") == "undone"}
    after = {int(one["n"]): one.get("after") for one in entries if one.get("state") == "done"}
    steps = [one for one in entries if "op" in one and int(one["n"]) not in gone and change in (None, one["change"])]
    cleared = {int(one["n"]) for one in entries if one.get("state") == "pruned"}
    plan = load_plan(run)
    conflicts, stopped = [], set[int]()
    for step in reversed(steps):
        number = int(step["change"])
        if number in stopped:  # what was done before it may be what it stands on
            continue
        user = change_of(run, plan, number).user
        if int(step["n"]) in cleared:
            conflicts.append(f"{step['path']}: what this run replaced was deleted to save room, after later runs")
            stopped.add(number)
            continue
        reason = _one(run, ground, user, {**step, "after_watch": after.get(int(step["n"]))}, force=force)
        if reason is None:
            _record_undone(run, step)
        else:
            conflicts.append(reason)
            stopped.add(number)
    return conflicts


def load_plan(run: Run) -> Plan:
    """The plan of a run."""
    import json

    try:
        return load(json.loads(run.plan()))
    except (ValueError, PlanError, RecursionError):
        raise PlanError(f"{run.folder}/plan.json: is not whole, so the run cannot be undone; move its folder away") from None


def change_of(run: Run, plan: Plan, number: int) -> Change:
    """The change that a step of the run is of."""
    if number >= len(plan.changes):
        raise PlanError(f"{run.folder}/journal: speaks of a change that its plan has not; move the folder of this run away, and undo by hand what it did")
    return plan.changes[number]


def _one(run: Run, ground: Ground, user: Optional[str], step: dict[str, Any], *, force: bool) -> Optional[str]:
    said: list[str] = []
    try:
        image = run.image(str(step["image"])) if "image" in step else None
    except PlanError as err:
        return str(err)

    def serve(message: dict[str, Any], _: Optional[bytes]) -> JSON:
        said.append(rights.line(message.get("reason")))
        return None

    def job(channel: rights.Channel) -> None:
        try:
            reversal.take_back(ground.site(user, run.name), step, image, force=force)
        except (Refused, OSError) as err:
            channel({"reason": str(err)})

    try:
        rights.run(user if ground.live else None, job, serve)
    except (Failed, PlanError) as err:
        said.append(f"{step.get('path', '')}: {err}")
    return said[-1] if said else None


def settle(ground: Ground) -> None:
    """Clean up after a run that was cut short, before a plan is made: of what is half done one would think that it is done."""
    journal = Journal(ground.journal, ground.top)
    if journal.runs():
        with journal:
            recovered(journal, ground, None)


def recovered(journal: Journal, ground: Ground, plan: Optional[str]) -> Optional[Run]:
    """Clean up after a run that was cut short: its unfinished change is taken back.  The run itself where it had the same plan, to go on with, or no plan is known yet."""
    name = next(iter(journal.runs()[::-1]), None)
    if name is None:
        return None
    run = journal.run(name)
    entries = run.entries()
    if not entries or any("end" in one or "rolled" in one for one in entries):
        swept(run, ground)  # what could not be deleted then
        return None
    ended = {int(one["change"]) for one in entries if "outcome" in one}
    for number in sorted({int(one["change"]) for one in entries if "op" in one} - ended, reverse=True):
        undo(run, ground, number, force=False)
    swept(run, ground)
    if plan is None or entries[0].get("plan") == plan:
        return run
    run.record({"end": "interrupted"})
    return None


def swept(run: Run, ground: Ground) -> None:
    """Delete what was only made to make something else."""
    entries = run.entries()
    gone = {int(one["n"]) for one in entries if one.get("state") == "undone"}
    plan: Optional[Plan] = None
    for step in entries:
        if step.get("op") == "staging" and int(step["n"]) not in gone:
            plan = plan or load_plan(run)
            if _one(run, ground, change_of(run, plan, int(step["change"])).user, step, force=True) is None:
                _record_undone(run, step)


def _record_undone(run: Run, step: dict[str, Any]) -> None:
    """Where the journal is full the step is looked at again another time, and nothing is left to undo."""
    try:
        run.record({"n": int(step["n"]), "state": "undone"})
    except PlanError:
        pass


def rollback(run: Run, ground: Ground, denied: dict[str, str], *, force: bool) -> list[Outcome]:
    """Take back a run, newest change first.  ``denied`` are versions that are never put back, with the reason, ``force`` or not."""
    plan = load_plan(run)
    steps = {int(one["change"]) for one in run.entries() if "op" in one}
    outcomes = []
    for number in sorted(steps, reverse=True):
        change = change_of(run, plan, number)
        refused = next((f"{version} is denied: {reason}" for version, reason in denied.items() if _would_bring(change, version)), None)
        conflicts = [f"not put back, for {refused}"] if refused else undo(run, ground, number, force=force)
        outcomes.append(Outcome(number, change.what, "refused" if conflicts else "undone", "; ".join(conflicts)))
    if all(one.state == "undone" for one in outcomes):
        run.record({"rolled": True})
    return outcomes


def _would_bring(change: Change, version: str) -> bool:
    """Whether taking ``change`` back brings ``version`` of a product."""
    return any(state.split(" ")[:2] == ["version", version] for state in change.expects.values())


def open_runs(journal: Journal) -> list[Run]:
    """The runs that changed something and are not taken back, newest first."""
    found = []
    for name in journal.runs()[::-1]:
        run = journal.run(name)
        entries = run.entries()
        gone = {int(one["n"]) for one in entries if one.get("state") == "undone"}
        if any("op" in one and int(one["n"]) not in gone for one in entries) and not any("rolled" in one for one in entries):
            found.append(run)
    return found
