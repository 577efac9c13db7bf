"""Old installs that runs keep for rollback weigh hundreds of megabytes: of all but the newest runs they are deleted."""

from __future__ import annotations

import stat as st
from typing import Any, Optional

from ..model import JSON
from . import files, rights
from .change import Failed, PlanError, Refused
from .ground import Ground
from .journal import Journal, Run
from .undoing import change_of, load_plan

KEEP = 5  # runs that can be rolled back whole
_SMALL = 1024 * 1024  # a file up to this is kept for good


def prune(journal: Journal, ground: Ground) -> None:
    """Delete what the runs before the newest ``KEEP`` keep of folders and large files; what cannot be deleted stays."""
    for name in journal.runs()[:-KEEP]:
        run = journal.run(name)
        try:
            _of(run, ground)
        except PlanError:  # its plan is not whole, so whose it is is not known
            continue


def _of(run: Run, ground: Ground) -> None:
    entries = run.entries()
    ended = {int(one["n"]) for one in entries if one.get("state") in ("undone", "pruned", "small")}
    steps = [one for one in entries if one.get("op") in ("swap", "move") and int(one["n"]) not in ended]
    plan = load_plan(run) if steps else None
    for step in steps:
        said: list[str] = []

        def serve(message: dict[str, Any], _: Optional[bytes], said: list[str] = said) -> JSON:
            said.append(str(message.get("state")))
            return None

        user = change_of(run, plan, int(step["change"])).user if plan is not None else None
        try:
            rights.run(user if ground.live else None, lambda channel, user=user, step=step: _delete(channel, ground, user, step), serve)  # type: ignore[misc]
        except (Failed, Refused):
            continue
        if said and said[-1] in ("pruned", "small"):
            run.record({"n": int(step["n"]), "state": said[-1]})


def _delete(channel: rights.Channel, ground: Ground, user: Optional[str], step: dict[str, Any]) -> None:
    try:
        with ground.site(user).spot(str(step["path"]), follow=False) as spot:
            kept = str(step["kept"])
            found = files.look(spot.folder, kept) if spot.folder is not None and "/" not in kept and ".cc-fleet-" in kept else None
            if found is None or spot.folder is None:
                channel({"state": "pruned"})
            elif st.S_ISDIR(found.st_mode) or found.st_size > _SMALL:
                files.discard(spot.folder, kept)
                channel({"state": "pruned"})
            else:
                channel({"state": "small"})
    except Refused:
        channel({"state": "refused"})
