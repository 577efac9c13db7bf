"""Take back what `cc-fleet apply` did: the last run, one by its name, or all of them.

Everything becomes what it was, byte for byte, with mode, owner and times. What somebody changed since is left as it
is, unless `--force` says otherwise; a version that the policy denies is never put back.
"""

from __future__ import annotations

import argparse

from cc_fleet.cli import InputError, _machine
from cc_fleet.cli._judge import chosen_policy, policy_options
from cc_fleet.host import ground
from cc_fleet.host.change import Outcome, Plan, PlanError
from cc_fleet.host.journal import Journal, Run
from cc_fleet.policy.load import Loaded


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", nargs="?", metavar="RUN", help="the run to take back (default: the last that is not taken back)")
    parser.add_argument("--all", action="store_true", help="take back every run, the newest first")
    parser.add_argument("--list", action="store_true", help="only list the runs that can be taken back")
    parser.add_argument("--root", metavar="DIR", help="of the system that lies below DIR")
    parser.add_argument("--force", action="store_true", help="also what was changed since")
    policy_options(parser)
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto")


def run(args: argparse.Namespace) -> int:
    from cc_fleet.host import undoing

    args.verbose = False
    if args.all and args.run:
        raise InputError("--all is every run; leave out its name")
    loaded = chosen_policy(args.policy)
    here = ground.of(_machine.read(args.root, loaded), args.root)
    found: list[Outcome] = []
    empty = "nothing to take back"
    try:
        with Journal(here.journal, here.top) as journal:
            cut = undoing.recovered(journal, here, None) if not args.list else None
            runs = undoing.open_runs(journal)
            if args.list:
                _listed(runs)
                return 0
            if cut is not None:
                cut.record({"end": "interrupted"})
            if cut is not None and not args.all and not args.run and cut.name not in [one.name for one in runs]:
                empty = f"run {cut.name} was cut short: what it had begun is taken back, and earlier runs stay as they are"
                runs = []
            for one in _chosen(runs, args):
                found += undoing.rollback(one, here, _denied(loaded, undoing.load_plan(one)), force=args.force)
    except PlanError as err:
        raise InputError(str(err)) from None
    complete = all(one.state == "undone" for one in found)
    _machine.print_outcomes(args.run or "", found, args, complete=complete)
    if not found and args.format == "text":
        print(empty)
    return 0 if complete else 5


def _chosen(runs: list[Run], args: argparse.Namespace) -> list[Run]:
    if args.all or not args.run:
        return runs if args.all else runs[:1]
    named = [one for one in runs if one.name == args.run.zfill(6)]
    if not named:
        raise InputError(f"{args.run}: is no run that can be taken back; `cc-fleet rollback --list` lists them")
    return named


def _listed(runs: list[Run]) -> None:
    from cc_fleet.host import undoing

    for one in runs:
        changes = undoing.load_plan(one).changes
        print(f"{one.name}  {len(changes)} changes: {changes[0].what}" + (" …" if len(changes) > 1 else ""))


def _denied(loaded: Loaded, plan: Plan) -> dict[str, str]:
    """The versions before the run that the policy denies now, or that the plan knew to be denied."""
    found: dict[str, str] = {}
    for change in plan.changes:
        known = change.args.get("denied")
        found.update({str(version): str(reason) for version, reason in (known or {}).items()} if isinstance(known, dict) else {})
        product = str(change.args.get("id") or "cli")
        for state in change.expects.values():
            version = state.split(" ")[1] if state.startswith("version ") else ""
            for denied in loaded.policy.denials(product, version) if version else ():
                found[version] = f"{denied.id}: {denied.reason}"
    return found
