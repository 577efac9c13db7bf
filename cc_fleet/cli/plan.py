"""Propose what would put a repository right, as a patch that `git apply` takes.

Every version that the audit complains about becomes the nearest one that the policy allows, and what
names none gets the policy's `cli.install`, else the highest that is allowed and published. Nothing is
changed: the patch is printed, and what it leaves out is told on standard error with the reason. A
line that shows a secret is never printed.
"""

from __future__ import annotations

import argparse
import os
import sys

from cc_fleet import plan
from cc_fleet.cli import InputError
from cc_fleet.cli._judge import policy_options
from cc_fleet.host.tree import Disk, Missing, Unreadable
from cc_fleet.policy import committed

_SIZE = 16 * 1024 * 1024


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--repo", metavar="DIR", required=True, help="the repository")
    policy_options(parser)
    parser.add_argument("--policy-ref", metavar="REV", help=f"read {committed.NAME} from this git revision")
    parser.add_argument("--group", metavar="NAME", action="append", default=[], help="the repository is in this group; repeatable")
    parser.add_argument("--out", metavar="FILE", help="write the patch to a file, and print nothing")
    parser.add_argument("--detailed-exitcode", action="store_true", help="exit with 1 where there is something to change")


def run(args: argparse.Namespace) -> int:
    from cc_fleet.cli import _repository

    asked = argparse.Namespace(**{**vars(args), "repo": [args.repo], "no_ignore": False, "changed_since": None})
    loaded, report = _repository.judged_alone(_repository.chosen(asked), asked)
    disk = Disk(args.repo)
    known: dict[str, str | None] = {}

    def text(file: str) -> str | None:
        if file not in known:
            known[file] = _text(disk, file)
        return known[file]

    edits, left = plan.edits(loaded.policy, report.targets[0], report.findings, text)
    patches = []
    for file in dict.fromkeys(edit.file for edit in edits):
        before = known[file] or ""
        shown = plan.patch(file, before, plan.applied(before, (edit for edit in edits if edit.file == file)))
        if shown is None:
            left.append(plan.Left(next(asked.place for asked in report.targets[0].declared if asked.place.file == file), "a line beside it holds a secret, which a patch would show"))
        else:
            patches.append(shown)
    for one in left:
        print(f"# not changed: {one.place}: {one.why}".encode("utf-8", "backslashreplace").decode(), file=sys.stderr)
    _put(args.out, "".join(patches).encode("utf-8", "surrogateescape"))
    return 1 if patches and args.detailed_exitcode else 0


def _text(disk: Disk, file: str) -> str | None:
    """A file's text, every byte kept."""
    try:
        data = disk.read(f"/{file}", _SIZE)
    except (Missing, Unreadable):
        return None
    return None if len(data) > _SIZE or data.startswith(b"\xff\xfe") else data.decode("utf-8", "surrogateescape")


def _put(file: str | None, patch: bytes) -> None:
    if file is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(patch)
        return
    try:
        with open(file, "wb") as out:
            out.write(patch)
    except OSError as err:
        raise InputError(f"{os.fspath(file)}: {(err.strerror or 'cannot be written').lower()}") from None
