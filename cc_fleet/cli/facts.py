"""Print what was read, as JSON (cc-fleet/facts/1).

Facts hold no secrets: a value is kept only where its name is known to hold none.
"""

from __future__ import annotations

import argparse
import json
import os
import sys

from cc_fleet.cli import InputError
from cc_fleet.cli._judge import chosen_policy, policy_options, probe_option
from cc_fleet.host import document, facts, system


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--root", metavar="DIR", help="read the system that lies below DIR")
    probe_option(parser)
    policy_options(parser)


def run(args: argparse.Namespace) -> int:
    if args.probe and args.root is not None:
        raise InputError("--probe runs programs of this machine; leave it out with --root")
    policy = chosen_policy(args.policy).policy
    keep, digests = policy.names(), policy.digests
    if args.root is not None and not os.path.isdir(args.root):
        raise InputError(f"{args.root}: is not a folder")
    read = system.under(args.root, keep, digests=digests) if args.root is not None else system.live(keep, digests=digests, probe=args.probe)
    json.dump(document.dump(facts.collect(read)), sys.stdout, indent=1)
    print()
    return 0
