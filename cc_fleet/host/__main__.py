"""The host program, as one file: what MDM, cron and Ansible run, with nothing but Python.

    cc-fleet-host facts [--root DIR]             facts as JSON
    cc-fleet-host preview PLAN [--root DIR]      the plan, sealed by this machine
    cc-fleet-host apply PLAN [--root DIR]        what came of each change, as JSON
    cc-fleet-host rollback [RUN] [--root DIR]    the same, of taking a run back (the last)

PLAN is a file, or - for standard input.  Exit codes: 0 done, 2 what was given cannot be used, 5 not all was done.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from . import document, facts, system

_VERBS = {"facts": (0, 0), "preview": (1, 1), "apply": (1, 1), "rollback": (0, 1)}


def main(arguments: list[str]) -> int:
    verb, given, root = _parsed(arguments)
    if verb not in _VERBS or not _VERBS[verb][0] <= len(given) <= _VERBS[verb][1]:
        print((__doc__ or "").partition("\n\n")[2], file=sys.stderr)
        return 2
    if root is not None and not os.path.isdir(root):
        print(f"cc-fleet-host: {root}: is not a folder", file=sys.stderr)
        return 2
    read = system.under(root) if root is not None else system.live()
    if verb == "facts":
        return _print(document.dump(facts.collect(read)))
    from .change import PlanError

    try:
        return _change(verb, given, read, root)
    except PlanError as err:
        for line in str(err).split("\n"):
            print(f"cc-fleet-host: {line}", file=sys.stderr)
        return 2


def _parsed(arguments: list[str]) -> tuple[str, list[str], Any]:
    """The verb, what it is given, and the root; no verb where it cannot be understood."""
    given, root = list(arguments), None
    if "--root" in given:
        at = given.index("--root")
        root = given[at + 1] if at + 1 < len(given) else ""
        del given[at : at + 2]
    return (given[0], given[1:], root) if given and not any(one.startswith("--") for one in given) else ("", [], root)


def _change(verb: str, given: list[str], read: Any, root: Any) -> int:
    from . import applying, change, ground, journal, undoing

    here = ground.of(read, root)
    if verb == "preview":
        return _print(change.dump(applying.seal(_plan(given[0]), here)))
    if verb == "apply":
        plan = _plan(given[0])
        run, outcomes = applying.apply(plan, here, lambda *_: None, {"policy": plan.policy, "policy_sha256": plan.policy_sha256})
        complete = all(one.state in change.COMPLETE for one in outcomes)
    else:
        with journal.Journal(here.journal, here.top) as held:
            undoing.recovered(held, here, "")
            runs = [one for one in undoing.open_runs(held) if not given or one.name == given[0].zfill(6)][:1]
            outcomes = [outcome for one in runs for outcome in undoing.rollback(one, here, {}, force=False)]
            run = runs[0].name if runs else ""
        complete = all(one.state == "undone" for one in outcomes)
    _print({"schema": "cc-fleet/apply/1", "run": run or None, "complete": complete, "outcomes": [dict(zip(one._fields, one)) for one in outcomes]})  # noqa: B905
    return 0 if complete else 5


def _plan(file: str) -> Any:
    from .change import PlanError, load

    try:
        if file == "-":
            return load(json.load(sys.stdin))
        with open(file, encoding="utf-8") as opened:
            return load(json.load(opened))
    except OSError as err:
        raise PlanError(f"{file}: {(err.strerror or 'cannot be read').lower()}") from None
    except (ValueError, RecursionError):
        raise PlanError(f"{file}: is not JSON") from None


def _print(value: Any) -> int:
    json.dump(value, sys.stdout, indent=1)
    print()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
