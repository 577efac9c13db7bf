"""List the published CLI versions that the policy allows, and why not the others."""

from __future__ import annotations

import argparse
import json

from cc_fleet.cli._judge import chosen_policy, policy_options
from cc_fleet.policy.allowed import best, refusal
from cc_fleet.versions import published


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument("--all", action="store_true", help="every version, a line each")
    policy_options(parser)


def run(args: argparse.Namespace) -> int:
    policy = chosen_policy(args.policy).policy
    known = published()
    refused = {version: refusal(policy, "cli", version, policy.cli.versions) for version in known.versions}
    if args.format == "json":
        rows = [{"version": version, "allowed": why is None, "reason": why} for version, why in refused.items()]
        print(json.dumps({"schema": "cc-fleet/versions/1", "date": known.date, "install": best(policy), "versions": rows}, indent=1))
        return 0
    for line in _runs(refused, whole=not args.all):
        print(line)
    allowed = sum(1 for why in refused.values() if why is None)
    print(f"{allowed} of {len(refused)} versions published by {known.date} are allowed; this policy would install {best(policy) or 'none'}")
    return 0


def _runs(refused: dict[str, str | None], *, whole: bool) -> list[str]:
    """Neighbours that share a reason as one line."""
    runs: list[tuple[str, str, str | None]] = []
    for version, why in refused.items():
        if whole and runs and runs[-1][2] == why:
            runs[-1] = (runs[-1][0], version, why)
        else:
            runs.append((version, version, why))
    return [f"{first if first == last else f'{first} … {last}':<22} {why or 'allowed'}" for first, last, why in runs]
