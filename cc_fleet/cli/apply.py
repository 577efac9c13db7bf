"""Put this machine right: exactly as a saved plan says, or as one that is shown first.

A plan (`cc-fleet plan --out plan.json`) is refused where the machine has moved on since it was made. Without
one it is made now, shown, and asked for; `--yes` answers. Each step is written down before it is taken, with what it
replaces, so that `cc-fleet rollback` takes all of it back; a step whose own check fails is undone at once. Programs that
run are told of and left alone. Afterwards the machine is audited again.
"""

from __future__ import annotations

import argparse
import sys

from cc_fleet.cli import InputError, _machine
from cc_fleet.cli._judge import chosen_policy, exit_code, grouped, judged, policy_options, style
from cc_fleet.host import facts, ground
from cc_fleet.host.change import Plan, PlanError
from cc_fleet.plan import shown
from cc_fleet.report import Report, format_


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("plan", nargs="?", metavar="PLAN", help="a plan of this machine, or -; without it one is made now")
    parser.add_argument("--root", metavar="DIR", help="change the system that lies below DIR")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and whether the plan still holds; change nothing")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    _machine.source_options(parser)
    policy_options(parser)
    parser.add_argument("--group", metavar="NAME", action="append", default=[], help="the machine is in this group, besides those that the policy tells; repeatable")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto")
    parser.add_argument("--fail-on", choices=("error", "warning", "note"), default="error", help="the least severity that gives exit code 1 when all is done (default: error)")
    parser.add_argument("-v", "--verbose", action="store_true", help="show the whole report afterwards")


def run(args: argparse.Namespace) -> int:
    from cc_fleet.host import applying, undoing

    args.exit_zero, args.if_nothing = False, None
    if sys.platform == "win32":
        raise InputError("changing Windows machines is not supported; `cc-fleet plan` shows what to do")
    loaded = chosen_policy(args.policy)
    machine = _machine.read(args.root, loaded)
    here = ground.of(machine, args.root)
    try:
        if not args.plan and not args.dry_run:
            undoing.settle(here)
        plan = _machine.loaded_plan(args.plan) if args.plan else _machine.planned(args)[0]
        if args.dry_run:
            applying.check(plan, here)
            _machine.print_plan(plan, args)
            return 0
        _asked(plan, args)
        name, found = applying.apply(plan, here, _machine.progress, {"policy": plan.policy, "policy_sha256": plan.policy_sha256})
    except PlanError as err:
        raise InputError(str(err)) from None
    complete = shown.is_complete(found)
    _machine.print_outcomes(name, found, args, complete=complete)
    after = judged(loaded, [grouped(facts.collect(_machine.read(args.root, loaded)), loaded.groups, args.group)])
    _told(name, plan, after, args)
    return exit_code(after, args) if complete else 5


def _asked(plan: Plan, args: argparse.Namespace) -> None:
    """Show a plan that was made now, and ask; InputError where nobody can answer, KeyboardInterrupt where the answer is no."""
    if args.plan or not plan.changes:
        if not plan.changes and args.format == "text":
            _machine.print_plan(plan, args)
        return
    if args.format == "text":
        _machine.print_plan(plan, args)
    if args.yes:
        return
    if not sys.stdin.isatty():
        raise InputError("nobody is there to say yes; give --yes, or a saved plan")
    sys.stdout.flush()
    print("\nMake these changes? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise InputError("nothing was changed")


def _told(name: str, plan: Plan, after: Report, args: argparse.Namespace) -> None:
    """What is left, and how to go back."""
    if args.verbose:
        sys.stderr.write(format_("text").render(after, style(args)))
    if name:
        print(f"cc-fleet: run {name}; undo it with: cc-fleet rollback {name}{f' --root {args.root}' if args.root else ''}", file=sys.stderr)
    counts = [sum(one.severity == level and one.waived is None for one in after.findings) for level in ("error", "warning", "note")]
    if any(counts[:2]):
        print(f"cc-fleet: {counts[0]} errors and {counts[1]} warnings are left; `cc-fleet audit` tells them", file=sys.stderr)
    from cc_fleet.host import running

    for one in running.found(plan.os) if not args.root else ():
        print(f"cc-fleet: {one.what} runs (pid {one.pid}, {one.user}) with what it was started with; restart it", file=sys.stderr)
