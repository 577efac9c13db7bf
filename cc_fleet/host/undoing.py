"""Take back what the journal says was done, newest first: byte for byte, and only where nobody has changed it since.

Each step is undone with the rights of the user whose change it was. A step that was written down and not finished (the
machine lost power, the process was killed) is looked at as it is: whatever half was done is taken back.
"""

from __future__ import annotations

import os
import stat as st
from typing import Any, Optional

from ..model import JSON
from . import files, rights
from .change import Change, Failed, Outcome, Plan, PlanError, Refused, load
from .files import ABSENT
from .ground import Ground
from .journal import Journal, Run
from .site import Site


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
        user = plan.changes[number].user if number < len(plan.changes) else None
        if int(step["n"]) in cleared:
            conflicts.append(f"{step['path']}: what this run replaced was deleted to save room, after later runs")
            stopped.add(number)
            continue
        reason = _one(run, ground, user, {**step, "after_watch": after.get(int(step["n"]))}, force=force)
        if reason is None:
            run.record({"n": int(step["n"]), "state": "undone"})
        else:
            conflicts.append(reason)
            stopped.add(number)
    return conflicts


def load_plan(run: Run) -> Plan:
    """The plan of a run."""
    import json

    try:
        return load(json.loads(run.plan()))
    except (ValueError, PlanError):
        raise PlanError(f"run {run.name}: its plan is not whole, so it cannot be undone") from None


def _one(run: Run, ground: Ground, user: Optional[str], step: dict[str, Any], *, force: bool) -> Optional[str]:
    image = run.image(str(step["image"])) if "image" in step else None
    said: list[str] = []

    def serve(message: dict[str, Any], _: Optional[bytes]) -> JSON:
        said.append(str(message.get("reason")))
        return None

    def job(channel: rights.Channel) -> None:
        try:
            take_back(ground.site(user, run.name), step, image, force=force)
        except Refused as err:
            channel({"reason": str(err)})

    try:
        rights.run(user if ground.live else None, job, serve)
    except Failed as err:
        said.append(f"{step.get('path', '')}: {err}")
    return said[-1] if said else None


def recovered(journal: Journal, ground: Ground, plan: str) -> Optional[Run]:
    """Clean up after a run that was cut short: its unfinished change is taken back.  The run itself where it had the same plan, to go on with."""
    name = next(iter(journal.runs()[::-1]), None)
    if name is None:
        return None
    run = journal.run(name)
    entries = run.entries()
    if not entries or any("end" in one or "rolled" in one for one in entries):
        return None
    ended = {int(one["change"]) for one in entries if "outcome" in one}
    for number in sorted({int(one["change"]) for one in entries if "op" in one} - ended, reverse=True):
        undo(run, ground, number, force=False)
    swept(run, ground)
    if entries[0].get("plan") == plan:
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
            if _one(run, ground, plan.changes[int(step["change"])].user, step, force=True) is None:
                run.record({"n": int(step["n"]), "state": "undone"})


def take_back(site: Site, step: dict[str, Any], image: Optional[bytes], *, force: bool) -> None:
    """Undo one step.  Refused: somebody changed it since, and ``force`` was not said."""
    if step["op"] == "watch":
        _unwatch(site, step, force=force)
        return
    path = str(step["path"])
    with site.spot(path, follow=step["op"] == "write") as spot:
        if spot.folder is None:
            if step["op"] == "write" and step.get("before") != ABSENT:
                raise Refused(f"{path}: its folder is gone, so what stood there is not put back")
            return
        {"write": _unwrite, "move": _unmove, "swap": _unswap, "folder": _unfolder, "staging": _unstage}[str(step["op"])](spot.folder, spot.name, step, image, force)


def _unwrite(folder: int, name: str, step: dict[str, Any], image: Optional[bytes], force: bool) -> None:
    files.discard(folder, str(step["temp"]))
    now = files.state(folder, name)
    if now == step["before"]:
        return
    if now != step["after"] and not force:
        raise Refused("was changed since, and is left as it is; --force puts back what was there before the run")
    if step["before"] == ABSENT:
        files.discard(folder, name)
        files.flush(folder)
        return
    restore(folder, name, image or b"", step["meta"], str(step["temp"]), now)


def restore(folder: int, name: str, data: bytes, meta: dict[str, int], temp: str, now: str) -> None:  # noqa: PLR0913, PLR0917
    """A file as it was: content, owner, mode and times."""
    files.prepare(folder, temp, data, name if now.startswith("sha256:") else None, meta["mode"] & 0o7777)
    found = os.stat(temp, dir_fd=folder, follow_symlinks=False)
    if (found.st_uid, found.st_gid) != (meta["uid"], meta["gid"]):
        os.chown(temp, meta["uid"], meta["gid"], dir_fd=folder, follow_symlinks=False)
    os.chmod(temp, meta["mode"] & 0o7777, dir_fd=folder)
    os.utime(temp, ns=(meta["atime"], meta["mtime"]), dir_fd=folder, follow_symlinks=False)
    files.put(folder, temp, name, now)


def _unmove(folder: int, name: str, step: dict[str, Any], image: Optional[bytes], force: bool) -> None:  # noqa: ARG001
    kept = str(step["kept"])
    if files.ident(folder, kept) == ABSENT:
        if files.ident(folder, name) != step["is"]:
            raise Refused("was moved away by this run, and is not where it was kept any more")
        return
    if files.look(folder, name) is not None:
        if not force:
            raise Refused("is there again, and is left as it is; --force puts back what was there before the run")
        files.discard(folder, name)
    os.rename(kept, name, src_dir_fd=folder, dst_dir_fd=folder)
    files.flush(folder)


def _unswap(folder: int, name: str, step: dict[str, Any], image: Optional[bytes], force: bool) -> None:  # noqa: ARG001
    made, kept, before, after = str(step["made"]), str(step["kept"]), str(step["before"]), str(step["after"])
    now = files.ident(folder, name)
    old = next((one for one in (kept, made) if before != ABSENT and files.ident(folder, one) == before), None)
    if now not in (before, after, ABSENT) and not force:
        raise Refused("was replaced since, and is left as it is; --force puts back what was there before the run")
    if now != before:
        if before != ABSENT and old is None:
            raise Refused("is not put back: what was there before the run is not where it was kept any more")
        if old is not None and now != ABSENT and files.exchange(folder, old, folder, name):
            files.discard(folder, old)
        else:
            files.discard(folder, name)
            if old is not None:
                os.rename(old, name, src_dir_fd=folder, dst_dir_fd=folder)
    if files.ident(folder, made) == after:
        files.discard(folder, made)
    files.flush(folder)


def _unfolder(folder: int, name: str, step: dict[str, Any], image: Optional[bytes], force: bool) -> None:  # noqa: ARG001
    try:
        os.rmdir(name, dir_fd=folder)
    except OSError:  # somebody else has put something there since, and it stays
        pass


def _unstage(folder: int, name: str, step: dict[str, Any], image: Optional[bytes], force: bool) -> None:  # noqa: ARG001
    files.discard(folder, name)


def _unwatch(site: Site, step: dict[str, Any], *, force: bool) -> None:
    """Files back to their bytes, and out of folders what the program put there.  All of it is looked at before any of it is touched."""
    after = step.get("after_watch")
    todo = []
    for path, was in step["paths"].items():
        then = after.get(path, {}) if isinstance(after, dict) else None
        now = site.remembered(path, images=False)
        if now.get("state") == was["state"] and now.get("names") == was.get("names") and ("bytes" not in was or now["meta"]["mtime"] == was["meta"]["mtime"]):
            continue
        missing = set(was.get("names") or ()) - set(now.get("names") or ())
        if missing:
            raise Refused(f"{path}: {', '.join(sorted(missing))} is gone from it and was not kept, so what was there before the run cannot be put back")
        since = set(now.get("names") or ()) - set((then or {}).get("names") or ()) if was["state"] == ABSENT else None
        if then is not None and not force and (since or ("names" not in was and now.get("state") not in (then.get("state"), was["state"]))):
            raise Refused(f"{path}: was changed since, and is left as it is; --force puts back what was there before the run")
        todo.append((path, was, set((then or now).get("names") or ()) - set(was.get("names") or ())))
    for path, was, new in todo:
        with site.spot(path, follow=False) as spot:
            if spot.folder is not None:
                _rewind(spot.folder, spot.name, was, new)


def _rewind(folder: int, name: str, was: dict[str, Any], new: set[str]) -> None:
    found = files.look(folder, name)
    if was["state"] == ABSENT:
        files.discard(folder, name)
    elif was["state"] == files.FOLDER and found is not None and st.S_ISDIR(found.st_mode):
        inside = os.open(name, files.FOLDERS, dir_fd=folder)
        try:
            for one in new:
                if ".cc-fleet-" not in one:
                    files.discard(inside, one)
        finally:
            os.close(inside)
    elif str(was["state"]).startswith("link "):
        files.discard(folder, name)
        os.symlink(str(was["state"])[len("link ") :], name, dir_fd=folder)
    elif "bytes" in was:
        temp = f".{name[:200]}.cc-fleet-undo.tmp"
        files.discard(folder, temp)
        restore(folder, name, str(was["bytes"]).encode("latin-1"), was["meta"], temp, files.state(folder, name))
    files.flush(folder)


def rollback(run: Run, ground: Ground, denied: dict[str, str], *, force: bool) -> list[Outcome]:
    """Take back a run, newest change first.  ``denied`` are versions that are never put back, with the reason, ``force`` or not."""
    plan = load_plan(run)
    steps = {int(one["change"]) for one in run.entries() if "op" in one}
    outcomes = []
    for number in sorted(steps, reverse=True):
        change = plan.changes[number]
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
