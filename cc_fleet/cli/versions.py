"""List the published CLI versions that the policy allows, and what staying at one costs.

The cost is that of the version which this policy would install, or of --at VERSION, against
the newest published: models, security, fixes and abilities that came later.
"""

from __future__ import annotations

import argparse
import json
import textwrap
from collections.abc import Iterator

from cc_fleet.cli import InputError, columns
from cc_fleet.cli._judge import chosen_policy, policy_options
from cc_fleet.milestones import Milestone, lost, recorded
from cc_fleet.policy.allowed import best, refusal
from cc_fleet.versions import key, published

GROUPS = {"models": "model", "security": "security", "fixes": "fix", "abilities": "ability"}
_FEW = 4


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--at", metavar="VERSION", help="tell what staying at this version costs")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument("--all", action="store_true", help="every version, a line each, and all that staying costs")
    policy_options(parser)


def run(args: argparse.Namespace) -> int:
    policy = chosen_policy(args.policy).policy
    known = published()
    chosen = best(policy)
    at = chosen if args.at is None else _published(args.at)
    refused = {version: refusal(policy, "cli", version, policy.cli.versions) for version in known.versions}
    if args.format == "json":
        rows = [{"version": version, "allowed": why is None, "reason": why} for version, why in refused.items()]
        head = {"schema": "cc-fleet/versions/1", "date": known.date, "install": chosen, "cost": _data(at)}
        print(json.dumps({**head, "versions": rows}, indent=1))
        return 0
    if args.at is None:
        for line in _runs(refused, whole=not args.all):
            print(line)
        allowed = sum(1 for why in refused.values() if why is None)
        print(f"{allowed} of {len(refused)} versions published by {known.date} are allowed; this policy would install {chosen or 'none'}")
    elif why := refused[args.at]:
        print(f"{args.at} {why}; this policy would install {chosen or 'none'}")
    if at is not None and (at != known.newest or args.at is not None):
        print("\n".join(_cost(at, None if at == chosen else chosen, whole=args.all)))
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


def _published(version: str) -> str:
    """``version``, or an error that says why nobody can stay at it, and what is near."""
    known = published()
    state = known.state(version)
    if state == "published":
        return version
    wanted = key(version)
    if wanted is None:
        import difflib

        close = difflib.get_close_matches(version, known.versions, n=1, cutoff=0.5)
        raise InputError(f"--at {version!r}: is no version; {f'did you mean {close[0]}?' if close else f'write it as {known.newest}'}")
    if state == "newer":
        raise InputError(f"--at {version}: is newer than {known.newest}, the newest that is known; update cc-fleet")
    below = [other for other in known.versions if (key(other) or ()) < wanted][-1:]
    above = [other for other in known.versions if (key(other) or ()) > wanted][:1]
    raise InputError(f"--at {version}: was never published; did you mean {' or '.join([*below, *above])}?")


def _data(at: str | None) -> dict[str, object] | None:
    """The cost as JSON; null where the policy would install nothing."""
    if at is None:
        return None
    found = lost(at)
    groups = {name: [{"version": m.version, "text": m.text, "sources": m.sources} for m in found if m.kind == kind] for name, kind in GROUPS.items()}
    return {"version": at, "until": published().newest, "recorded": dict(zip(("from", "to"), recorded(), strict=True)), **groups}


def _cost(at: str, instead: str | None, *, whole: bool) -> Iterator[str]:
    """What staying at ``at`` costs; ``instead`` is what the policy would install, where that is another."""
    newest, found = published().newest, lost(at)
    first, last = recorded()
    unsure = f"{f'before {first} and ' if (key(at) or ()) < (key(first) or ()) else ''}after {last}"
    if at == newest:
        yield f"staying at {at} costs nothing: it is the newest published"
        return
    if not found:
        yield f"staying at {at} costs nothing that is known; not all is known of what came {unsure}"
        return
    yield f"staying at {at} costs, against {newest} (not all is known of what came {unsure}):"
    for name, kind in GROUPS.items():
        yield from _group(name, [m for m in found if m.kind == kind], whole=whole)
    regained = len(lost(at, instead)) if instead else 0
    if regained and instead != newest:
        yield f"{regained} of these {len(found)} come with {instead}, which this policy would install"


def _group(name: str, found: list[Milestone], *, whole: bool) -> Iterator[str]:
    """One group, oldest first: models in one line, as they are names; of others a few, if not the whole."""
    if name == "models" and found:
        yield f"  {name:<10} {', '.join(f'{m.text} ({m.version})' for m in found)}"
        return
    shown = found if whole or len(found) <= _FEW + 1 else found[:_FEW]
    for number, milestone in enumerate(shown):
        head = f"  {'' if number else name:<10} {milestone.version:<8} "
        yield textwrap.fill(milestone.text, max(60, min(columns(), 140)), initial_indent=head, subsequent_indent=" " * len(head))
    if len(shown) < len(found):
        yield f"  {'':<10} … and {len(found) - len(shown)} more; --all"
