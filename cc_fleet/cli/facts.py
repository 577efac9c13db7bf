"""Print what was read, as JSON (cc-fleet/facts/1).

Facts hold no secrets: a value is kept only where its name is known to hold none.
"""

from __future__ import annotations

import argparse
import json
import os
import sys

from cc_fleet.cli import InputError
from cc_fleet.cli._judge import check_image_options, chosen_policy, image_options, policy_options, probe_option
from cc_fleet.host import document, facts, system
from cc_fleet.model import Target


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--root", metavar="DIR", help="read the system that lies below DIR")
    image_options(parser, what="read an image in a file: of `docker save`, an OCI layout (tar or folder), packed or not, or -")
    probe_option(parser)
    policy_options(parser)


def run(args: argparse.Namespace) -> int:
    if args.probe and (args.root is not None or args.image):
        raise InputError("--probe runs programs of this machine; leave it out with --root and --image")
    if args.root is not None and args.image:
        raise InputError("--root and --image are two targets; give one")
    check_image_options(args)
    policy = chosen_policy(args.policy).policy
    keep, digests = policy.names(), policy.digests
    if args.root is not None and not os.path.isdir(args.root):
        raise InputError(f"{args.root}: is not a folder")
    if args.image:
        from cc_fleet.cli import _images

        for target, _ in _images.targets([args.image], keep, args, digests=digests):
            _print(target)
        return 0
    read = system.under(args.root, keep, digests=digests) if args.root is not None else system.live(keep, digests=digests, probe=args.probe)
    _print(facts.collect(read))
    return 0


def _print(target: Target) -> None:
    json.dump(document.dump(target), sys.stdout, indent=1)
    print()
