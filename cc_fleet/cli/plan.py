"""Show what would put a repository right, as a patch: `git apply` takes it, and nothing is written.

Each version that an audit complains about is pinned: in place of a denied one to its denial's
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

from cc_fleet.cli import InputError
from cc_fleet.cli._judge import grouped, judged, policy_options
from cc_fleet.model import Finding, Place, Target
from cc_fleet.plan.files import Files
from cc_fleet.plan.nouns import Edit, Left
from cc_fleet.policy import Policy, committed
from cc_fleet.policy.load import Loaded


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--repo", metavar="DIR", required=True, help="the repository that should be put right; the patch applies in DIR")
    parser.add_argument("--out", metavar="FILE", help="write the patch to FILE instead of standard output; empty where nothing would change")
    parser.add_argument("--detailed-exitcode", action="store_true", help="exit with 1 where something would change")
    policy_options(parser)
    parser.add_argument("--policy-ref", metavar="REV", help=f"read {committed.NAME} from this git revision")
    parser.add_argument("--no-ignore", action="store_true", help="also change what a comment (cc-fleet: ignore[CHECK] reason) excuses")
    parser.add_argument("--group", metavar="NAME", action="append", default=[], help="the repository is in this group, besides those that the policy tells; repeatable")


def run(args: argparse.Namespace) -> int:
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


def _check_out(args: argparse.Namespace, files: Files) -> None:
    """Nothing of the repository is written over."""
    if args.out is None:
        return
    root, out = os.path.realpath(args.repo), os.path.realpath(args.out)
    below = os.path.relpath(out, root).replace(os.sep, "/")
    if files.has(below) or below.partition("/")[0] == ".git":
        raise InputError(f"--out {args.out}: is a file of the repository, to which plan writes nothing; name another")


def _ruled(loaded: Loaded, target: Target, groups: Sequence[str]) -> Policy:
    """The policy as its overlays have it for this target."""
    from cc_fleet.client import views
    from cc_fleet.policy.when import Laid, applied

    told = grouped(target, loaded.groups, groups)
    return Laid(loaded.policy).of(applied(loaded.policy, told, tuple(views(told))))


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
