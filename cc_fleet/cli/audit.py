"""Judge this machine, a file tree, an image, a repository or saved facts by a policy.

Without --root, --image, --repo or --facts it is this machine that is judged, with the project settings of the
current folder: every user's home when run as root, else the caller's.  Nothing is changed,
and the network is not used.  Nothing is run, unless --probe asks each `claude` in the caller's
PATH for its version: within 30 seconds, in an empty home, and only where nobody but the caller
or root can have changed the program.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator

from cc_fleet.cli import InputError
from cc_fleet.cli._judge import (
    check_image_options,
    chosen_policy,
    image_options,
    judged,
    policy_options,
    probe_option,
    result_options,
    shown,
)
from cc_fleet.host import facts, system
from cc_fleet.model import Target
from cc_fleet.policy import committed
from cc_fleet.policy.load import Loaded
from cc_fleet.report import Report

_FACTS = 64 * 1024 * 1024


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--root", metavar="DIR", action="append", default=[], help="judge the system that lies below DIR; repeatable")
    image_options(parser, action="append", what="judge an image in a file: of `docker save`, an OCI layout (tar or folder), packed or not, or - ; or a folder of such; repeatable")
    parser.add_argument("--repo", metavar="DIR", action="append", default=[], help="judge what the repository DIR declares: images, workflows, manifests, scripts, settings; repeatable")
    parser.add_argument("--facts", metavar="PATH", action="append", default=[], help="judge saved facts: a file, a folder of *.json, or - ; repeatable")
    probe_option(parser)
    policy_options(parser)
    parser.add_argument("--policy-ref", metavar="REV", help=f"with --repo: read {committed.NAME} from this git revision, so that a change cannot relax its own policy")
    parser.add_argument("--no-ignore", action="store_true", help="judge as if no comment in a repository (cc-fleet: ignore[CHECK] reason) excused anything")
    parser.add_argument("--changed-since", metavar="REV", help="with --repo: tell only what stands in files that changed since this git revision")
    parser.add_argument("--baseline", metavar="FILE", help="what this file knows does not fail; only new findings do")
    parser.add_argument("--write-baseline", choices=("prune", "all"), help="rewrite the baseline: without what is fixed (prune), or as what is found now (all)")
    result_options(parser)


def run(args: argparse.Namespace) -> int:
    if args.probe and (args.root or args.repo or args.facts or args.image):
        raise InputError("--probe runs programs of this machine; leave it out with --root, --image, --repo and --facts")
    _check_options(args)
    report = _reported(args)
    if args.baseline:
        from cc_fleet.cli import _baseline

        report = _baseline.applied(report, args.baseline, args.write_baseline)
    return shown(report, args)


def _reported(args: argparse.Namespace) -> Report:
    """The report on everything that the command line names, this machine where it names nothing."""
    if not args.repo:
        return _others(args, chosen_policy(args.policy))
    from cc_fleet.cli import _repository

    loaded = _repository.chosen(args)
    return _repository.judged_too(_others(args, loaded) if args.root or args.facts or args.image else None, loaded, args)


def _others(args: argparse.Namespace, loaded: Loaded) -> Report:
    """The report on all that is no repository."""
    targets = _told_apart(_targets(args, loaded.policy.names(), digests=loaded.policy.digests))
    told = (target._replace(ignores=()) for target in targets) if args.no_ignore else targets
    passing = args.facts or any(os.path.isdir(path) for path in args.image)  # they may be a hundred thousand: they pass by
    return judged(loaded, told if passing else list(told), args.group)


def _check_options(args: argparse.Namespace) -> None:
    for name in ("policy_ref", "changed_since"):
        if getattr(args, name) and not args.repo:
            raise InputError(f"--{name.replace('_', '-')} is about repositories; give --repo as well")
    check_image_options(args)
    if [*args.image, *args.facts].count("-") > 1:
        raise InputError("standard input can be read once; give - once")
    if args.write_baseline and not args.baseline:
        raise InputError("--write-baseline rewrites the file that --baseline names; give --baseline FILE as well")
    if args.write_baseline and args.changed_since:
        raise InputError("--write-baseline needs the whole of what is found, and --changed-since tells a part; leave one of the two out")
    if args.changed_since and args.if_nothing is None:
        args.if_nothing = "pass"


def _targets(args: argparse.Namespace, keep: frozenset[str], *, digests: bool) -> Iterator[tuple[Target, str]]:
    """What is to be judged, each with where it was read, read when its turn comes."""
    for path in args.facts:
        for number, target in enumerate(read_facts(path), 1):
            yield target, f"{path} {number}"
    for root in args.root:
        if not os.path.isdir(root):
            raise InputError(f"{root}: is not a folder")
        yield facts.collect(system.under(root, keep, digests=digests)), root
    if args.image:
        from cc_fleet.cli import _images

        yield from _images.targets(args.image, keep, args, digests=digests)
    if not args.root and not args.facts and not args.image:
        yield facts.collect(system.live(keep, digests=digests, probe=args.probe)), "this machine"


def _told_apart(found: Iterable[tuple[Target, str]]) -> Iterator[Target]:
    """Findings name their target, so that of two with one name the later is told by where it was read."""
    taken: set[str] = set()
    for target, source in found:
        named = target._replace(name=f"{target.name} ({source})") if target.name in taken else target
        taken.add(named.name)
        yield named


def read_facts(path: str) -> Iterator[Target]:
    """The targets of a facts file, of every ``*.json`` in a folder, or of standard input, one after another."""
    if not os.path.isdir(path):
        yield _facts(path)
        return
    try:
        files = [os.path.join(path, name) for name in sorted(os.listdir(path)) if name.endswith(".json")]
    except OSError as err:
        raise InputError(f"{path}: {(err.strerror or 'cannot be read').lower()}") from None
    if not files:
        raise InputError(f"{path}: holds no facts (*.json)")
    yield from (_facts(file) for file in files)


def _facts(file: str) -> Target:
    from cc_fleet.host import document

    try:
        if file == "-":
            data = sys.stdin.buffer.read(_FACTS + 1)
        else:
            descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb") as opened:
                data = opened.read(_FACTS + 1) or b""
    except OSError as err:
        raise InputError(f"{file}: {(err.strerror or 'cannot be read').lower()}") from None
    if len(data) > _FACTS:
        raise InputError(f"{file}: is larger than {_FACTS // 1024**2} MiB")
    try:
        return document.load(json.loads(data))
    except document.FactsError as err:
        raise InputError(f"{file}: {err}") from None
    except (ValueError, RecursionError):
        raise InputError(f"{file}: is not JSON") from None
