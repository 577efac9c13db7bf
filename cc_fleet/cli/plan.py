"""Show what would put this machine right, or a repository or image; nothing is changed.

Of a machine (or with --root a system below a folder) it is a plan: each change with what it expects and a diff without
secrets, in the order in which `cc-fleet apply` makes them, and what is left for people. With --out it is saved as JSON
(cc-fleet/plan/1), which `cc-fleet apply` takes on that machine alone. From --facts it is what the facts tell, without what
the machine would have to be asked. What is waived is not planned.

Of a repository it is a patch, which `git apply` takes; of an image a part of a Dockerfile, by the layers that it is
to stand instead of. Each version that an audit complains about is pinned: in place of a denied one to its denial's
`instead`, else to `cli.install`, else to the nearest published version that is allowed (the next
above, else the next below). Where no version is asked for, or a tag, it is what the rest of the
repository is pinned to, else the highest allowed one. One product gets one version. What is waived or
ignored stays. What cannot be changed by a patch is told on standard error, with what to do by hand.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence

from cc_fleet.cli import InputError, _machine
from cc_fleet.cli._judge import check_image_options, chosen_policy, grouped, image_options, judged, policy_options
from cc_fleet.model import Finding, Gap, Place, Target
from cc_fleet.plan.files import Files
from cc_fleet.plan.nouns import Edit, Left
from cc_fleet.policy import Policy, committed
from cc_fleet.policy.load import Loaded


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--root", metavar="DIR", help="the system that lies below DIR")
    parser.add_argument("--facts", metavar="FILE", help="the machine whose saved facts these are, or -")
    parser.add_argument("--repo", metavar="DIR", help="the repository that should be put right; the patch applies in DIR")
    image_options(parser, what="the image that should be put right, in a file: of `docker save`, an OCI layout (tar or folder), packed or not, or -")
    parser.add_argument("--out", metavar="FILE", help="write to FILE instead of standard output; empty where nothing would change")
    parser.add_argument("--detailed-exitcode", action="store_true", help="exit with 1 where something would change")
    _machine.source_options(parser)
    parser.add_argument("--format", choices=("text", "json"), default="text", help="of a machine's plan (default: text)")
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto")
    policy_options(parser)
    parser.add_argument("--policy-ref", metavar="REV", help=f"read {committed.NAME} from this git revision")
    parser.add_argument("--no-ignore", action="store_true", help="also change what a comment (cc-fleet: ignore[CHECK] reason) excuses")
    parser.add_argument("--group", metavar="NAME", action="append", default=[], help="the machine, repository or image is in this group, besides those that the policy tells; repeatable")


def run(args: argparse.Namespace) -> int:
    args.verbose = False
    named = [name for name in ("root", "facts", "repo", "image") if getattr(args, name) is not None]
    if len(named) > 1:
        raise InputError(f"--{named[0]} and --{named[1]} are two targets; give one")
    check_image_options(args)
    if args.repo is not None:
        return _of_repository(args)
    if args.image is not None:
        return _of_images(args)
    for name in ("policy_ref", "no_ignore"):
        if getattr(args, name):
            raise InputError(f"--{name.replace('_', '-')} is about repositories; give --repo as well")
    return _of_machine(args)


def _of_machine(args: argparse.Namespace) -> int:
    from cc_fleet.host.change import written

    plan, report = _machine.from_facts(args) if args.facts is not None else _machine.planned(args)
    if args.out is not None:
        _write(written(plan).encode(), args.out)
    if args.out is None or args.format == "text":
        _machine.print_plan(plan, args)
    if args.out is not None and plan.changes and plan.sealed:
        _say(f"# {len(plan.changes)} change{'s' if len(plan.changes) > 1 else ''} in {args.out}; make them with: cc-fleet apply {args.out}{f' --root {args.root}' if args.root else ''}")
    gaps = [gap for target in report.targets for gap in target.gaps]
    for gap in gaps:
        _say(f"# not read: {gap.place}: {gap.reason}")
    return 1 if args.detailed_exitcode and plan.changes else 4 if gaps else 0


def _of_repository(args: argparse.Namespace) -> int:
    from cc_fleet import plan, repo
    from cc_fleet.cli import _repository
    from cc_fleet.plan import patch

    if not os.path.isdir(args.repo):
        raise InputError(f"{args.repo}: is not a folder")
    files = Files(args.repo)
    _check_out(args, files)
    judges = _repository.judges_of(args.repo, _repository.chosen(argparse.Namespace(policy=args.policy, policy_ref=args.policy_ref, repo=[args.repo])), args)
    target = repo.collect(args.repo, frozenset().union(*(one.policy.names() for one in judges)))
    target = target._replace(ignores=()) if args.no_ignore else target
    planned = plan.repository([_ruled(one, target, args.group) for one in judges], target, _findings(judges, target, args), files)
    rendered = patch.render(planned.edits, files, _credentials(target))
    _write(rendered.data, args.out)
    _tell((*planned.left, *rendered.left), planned.renewals, rendered.edits, args)
    return 1 if args.detailed_exitcode and rendered.edits else 0


def _of_images(args: argparse.Namespace) -> int:
    from cc_fleet.cli import _images
    from cc_fleet.plan import image

    for name in ("policy_ref", "no_ignore"):
        if getattr(args, name):
            raise InputError(f"--{name.replace('_', '-')} is about repositories; give --repo as well")
    loaded = chosen_policy(args.policy)
    lines: list[str] = []
    gaps: list[Gap] = []
    for target, _ in _images.targets([args.image], loaded.policy.names(), args, digests=loaded.policy.digests):
        found = image.lines([_ruled(loaded, target, args.group)], target, judged(loaded, [target], args.group).findings)
        lines += ["", *found] if lines and found else found
        gaps += target.gaps
    _write("".join(f"{line}\n" for line in lines).encode(), args.out)
    for gap in gaps:
        _say(f"# not read: {gap.place}: {gap.reason}")
    return 1 if args.detailed_exitcode and lines else 4 if gaps else 0


def _check_out(args: argparse.Namespace, files: Files) -> None:
    """Nothing of the repository is written over."""
    if args.out is None:
        return
    root, out = os.path.realpath(args.repo), os.path.realpath(args.out)
    below = os.path.relpath(out, root).replace(os.sep, "/")
    if files.has(below) or below.partition("/")[0] == ".git":
        raise InputError(f"--out {args.out}: is a file of the repository, to which plan writes nothing; name another")


def _ruled(loaded: Loaded, target: Target, groups: Sequence[str]) -> Policy:
    return _machine.ruled(loaded, grouped(target, loaded.groups, groups))


def _findings(judges: Sequence[Loaded], target: Target, args: argparse.Namespace) -> tuple[Finding, ...]:
    from cc_fleet.cli import _repository

    found = [judged(loaded, [target], args.group).findings for loaded in judges]
    return _repository.united(found[0], found[1]) if len(found) > 1 else found[0]


def _credentials(target: Target) -> list[Place]:
    return [one.place for one in target.credentials]


def _write(data: bytes, out: str | None) -> None:
    if out is not None:
        try:
            with open(out, "wb") as file:
                file.write(data)
        except OSError as err:
            raise InputError(f"{out}: {(err.strerror or 'cannot be written').lower()}") from None
        return
    sys.stdout.flush()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.buffer.write(data)  # a patch is bytes: lines end as they end in the file
    else:
        sys.stdout.write(data.decode("utf-8", "replace"))


def _tell(left: Sequence[Left], renewals: Sequence[str], edits: Sequence[Edit], args: argparse.Namespace) -> None:
    """What a person has to know besides the patch."""
    for one in sorted(left, key=lambda one: (one.place.file, one.place.line or 0, one.what)):
        _say(f"# not changed: {one.place}: {one.what}: {one.by_hand}")
    for renewal in renewals:
        _say(f"# to do after it: {renewal}")
    if args.out is not None and edits:
        _say(f"# {len(edits)} change{'s' if len(edits) > 1 else ''} in {args.out}; apply them with: git apply {args.out}")


def _say(line: str) -> None:
    print("".join(c if c.isprintable() else ascii(c)[1:-1] for c in line), file=sys.stderr)
