"""What plan, apply and rollback share: one machine, or a system below a folder, and the plan for it."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from cc_fleet import __version__
from cc_fleet.cli import InputError
from cc_fleet.cli._judge import chosen_policy, grouped, judged, style
from cc_fleet.client import views
from cc_fleet.host import facts, ground, system
from cc_fleet.host.change import Outcome, Owned, Plan, PlanError, load, written
from cc_fleet.host.machine import Machine, User
from cc_fleet.host.tree import Missing, Unreadable
from cc_fleet.model import Target
from cc_fleet.plan import shown
from cc_fleet.policy import Policy
from cc_fleet.policy.load import Loaded, PolicyError, read_bytes
from cc_fleet.policy.when import Laid, applied
from cc_fleet.report import Report

if TYPE_CHECKING:
    from cc_fleet.plan.machine import Options

_LONGEST = 16 * 1024 * 1024


def source_options(parser: argparse.ArgumentParser) -> None:
    """Where what is installed comes from."""
    parser.add_argument("--tarballs", metavar="DIR", help="install the CLI from npm's tarballs in DIR (npm pack makes them), not from a registry; their sha256 is kept in the plan")
    parser.add_argument("--registry", metavar="URL", help="install the CLI from this npm registry or mirror")
    parser.add_argument("--vsix", metavar="FILE", action="append", default=[], help="install the extension from this VSIX, not from a gallery; repeatable")


def read(root: str | None, loaded: Loaded) -> Machine:
    """This machine, or the system below ``root``."""
    if root is not None and not os.path.isdir(root):
        raise InputError(f"{root}: is not a folder")
    keep, digests = loaded.policy.names(), loaded.policy.digests
    return system.under(root, keep, digests=digests) if root is not None else system.live(keep, digests=digests)


def planned(args: argparse.Namespace) -> tuple[Plan, Report]:
    """The sealed plan for the machine that ``args`` name, and the report that it comes from."""
    from cc_fleet.host import applying, owned

    loaded = chosen_policy(args.policy)
    machine = read(args.root, loaded)
    here = ground.of(machine, args.root)
    ours = owned.read(here.journal, here.top) if os.path.isdir(here.journal) else ()
    known = machine.keep.union(one.key[-1] if one.key[:1] == ("env",) else ".".join(one.key) for one in ours)  # what we wrote is no secret
    target = grouped(facts.collect(machine._replace(keep=known)), loaded.groups, args.group)
    if not here.live:  # whoever holds the whole tree may write all of it
        target = target._replace(coverage=target.coverage._replace(privileged=True))
    options = _options(args, here.live, {user.name: _login(machine, user) for user in machine.users})
    plan, report = drafted(loaded, target, ours, options, args.group)
    try:
        return applying.seal(plan, here), report
    except PlanError as err:
        raise InputError(str(err)) from None


def _login(machine: Machine, user: User) -> str:
    """The file that the user's shell reads when it logs in."""
    if user.shell == "fish":
        return f"{user.home}/.config/fish/config.fish"
    if user.shell == "zsh":
        return f"{user.home}/.zprofile"
    for name in (".bash_profile", ".bash_login") if user.shell == "bash" else ():
        try:
            machine.tree.stat(f"{user.home}/{name}")
        except (Missing, Unreadable):
            continue
        return f"{user.home}/{name}"
    return f"{user.home}/.profile"


def from_facts(args: argparse.Namespace) -> tuple[Plan, Report]:
    """The plan for the machine whose facts are saved, and the report that it comes from."""
    from cc_fleet.cli.audit import read_facts

    loaded = chosen_policy(args.policy)
    found = list(read_facts(args.facts))
    if len(found) != 1:
        raise InputError(f"{args.facts}: holds {len(found)} machines, and a plan is for one")
    target = grouped(found[0], loaded.groups, args.group)
    return drafted(loaded, target, (), _options(args, target.kind == "machine", {}), args.group)


def drafted(loaded: Loaded, target: Target, owned: Sequence[Owned], options: Options, groups: Sequence[str]) -> tuple[Plan, Report]:
    """The plan for a target as far as its facts tell, and the report that it comes from."""
    from cc_fleet.plan import machine

    report = judged(loaded, [target], groups)
    policy = ruled(loaded, target)
    draft = machine.draft(policy, target, report.findings, owned, options)
    return Plan(
        __version__, policy.policy, loaded.sha256, target.name, target.machine_id, target.os, target.kind == "filesystem", False, draft.changes, draft.left,
    ), report  # fmt: skip


def ruled(loaded: Loaded, target: Target) -> Policy:
    """The policy as its overlays have it for this target."""
    return Laid(loaded.policy).of(applied(loaded.policy, target, tuple(views(target))))


def _options(args: argparse.Namespace, live: bool, logins: Mapping[str, str]) -> Options:
    from cc_fleet.plan import sources
    from cc_fleet.plan.machine import Options

    try:
        tarballs, extensions = sources.tarballs(args.tarballs) if args.tarballs else None, sources.extensions(args.vsix)
    except sources.SourceError as err:
        raise InputError(str(err)) from None
    return Options(tarballs, args.registry, extensions, live, logins)


def loaded_plan(file: str) -> Plan:
    """The plan in a file; InputError where it is none, or another version's, or, run as root, one that others can write."""
    try:
        data = sys.stdin.buffer.read(_LONGEST + 1) if file == "-" else read_bytes(file, _LONGEST)
        if len(data) > _LONGEST:
            raise InputError(f"{file}: is larger than {_LONGEST // 1024**2} MiB")
        plan = load(json.loads(data))
    except PolicyError as err:  # a plan is as good as a command, too
        raise InputError(str(err).replace("a policy", "a plan")) from None
    except PlanError as err:
        raise InputError(f"{file}: {err}") from None
    except (ValueError, RecursionError):
        raise InputError(f"{file}: is not JSON") from None
    if plan.version != __version__:
        raise InputError(f"{file}: was made by cc-fleet {plan.version}, and this is {__version__}; plan again with this one")
    return plan


def print_plan(plan: Plan, args: argparse.Namespace) -> None:
    """The plan as asked."""
    if args.format == "json":
        sys.stdout.write(written(plan))
    else:
        print("\n".join(shown.plan(plan, style(args))))


def print_outcomes(run: str, found: Sequence[Outcome], args: argparse.Namespace, *, complete: bool) -> None:
    """What came of a run, as asked."""
    if args.format == "json":
        print(json.dumps(shown.document(run, found, complete=complete), indent=1, ensure_ascii=False))
    else:
        print("\n".join(shown.outcomes(found, style(args))))


def progress(number: int, count: int, what: str) -> None:
    """On a terminal what is being done."""
    if sys.stderr.isatty():
        print(f"[{number + 1}/{count}] {re.sub(r'[^ -~]', '?', what)}", file=sys.stderr)
