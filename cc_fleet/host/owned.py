"""Which keys in files that are not ours alone were written by runs of ours, and not taken back: what lifting a pin removes."""

from __future__ import annotations

from typing import Any, Iterator

from .change import COMPLETE, Change, Owned, PlanError
from .journal import Journal
from .undoing import load_plan

_MOST = 500  # runs, the newest
GONE: Any = object()
BLOCK = ("shell-block",)  # in the place of a key: the block that stands in a shell's file


def read(folder: str, top: str = "") -> tuple[Owned, ...]:
    """From the journal below ``folder``, the last word of each run on each key."""
    journal = Journal(folder, top)
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
            for one in _of(change) if number in done else ():
                if one.value is GONE:
                    found.pop((one.file, one.key), None)
                else:
                    found[one.file, one.key] = one
    journal.close()
    return tuple(found[key] for key in sorted(found))


def _of(change: Change) -> Iterator[Owned]:
    """What a change that was made says of keys; GONE of those that it took away."""
    args, file, user = change.args, str(change.args.get("file")), change.user
    if change.kind in ("settings", "editor-settings"):
        yield from (Owned(file, tuple(key), value, user) for key, value in args.get("set") or ())
        yield from (Owned(file, tuple(key), GONE, user) for key in args.get("remove") or ())
    elif change.kind == "shell-block":
        yield Owned(file, BLOCK, args.get("lines") or GONE, user)
    elif change.kind == "extension-pin":
        yield Owned(f"{args['folder']}/extensions.json", (str(args["id"]), "pinned"), args["pinned"], user)
