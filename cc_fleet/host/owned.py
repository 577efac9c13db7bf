"""Which keys in files that are not ours alone were written by runs of ours, and not taken back: what lifting a pin removes."""

from __future__ import annotations

from .change import COMPLETE, Owned, PlanError
from .journal import Journal
from .undoing import load_plan

_MOST = 500  # runs, the newest
_KINDS = ("settings", "editor-settings", "shell-block")
BLOCK = ("shell-block",)  # in the place of a key: the block that stands in a shell's file


def read(folder: str) -> tuple[Owned, ...]:
    """From the journal below ``folder``, the last word of each run on each key."""
    journal = Journal(folder)
    found: dict[tuple[str, tuple[str, ...]], Owned] = {}
    for name in journal.runs()[-_MOST:]:
        run = journal.run(name)
        entries = run.entries()
        if any("rolled" in one for one in entries):
            continue
        done = {one["change"] for one in entries if one.get("outcome") in COMPLETE}
        try:
            changes = load_plan(run).changes
        except PlanError:
            continue
        for number, change in enumerate(changes):
            if number not in done or change.kind not in _KINDS:
                continue
            file = str(change.args.get("file"))
            if change.kind == "shell-block":
                found.pop((file, BLOCK), None)
                if change.args.get("lines"):
                    found[file, BLOCK] = Owned(file, BLOCK, change.args["lines"], change.user)
                continue
            for key, value in change.args.get("set") or ():
                found[file, tuple(key)] = Owned(file, tuple(key), value, change.user)
            for key in change.args.get("remove") or ():
                found.pop((file, tuple(key)), None)
    return tuple(found[key] for key in sorted(found))
