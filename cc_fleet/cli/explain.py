"""Explain a check or an advisory: what it is, why it matters, what helps, how it is known."""

from __future__ import annotations

import argparse
import difflib
import inspect
import json
import textwrap
from collections.abc import Iterator

from cc_fleet import advisories, checks
from cc_fleet.advisories import Advisory
from cc_fleet.cli import InputError
from cc_fleet.cli._judge import chosen_policy, policy_options
from cc_fleet.host.document import plain
from cc_fleet.milestones import clause, pinned_by


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="CHECK|ADVISORY", help="such as env-flag or CCF-2026-0001")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    policy_options(parser)


def run(args: argparse.Namespace) -> int:
    found = {advisory.id: advisory for advisory in advisories.load(chosen_policy(args.policy).folders)}
    known = checks.all_checks()
    if args.id in known:
        page = inspect.cleandoc(known[args.id].__doc__ or "")
        text = f"{args.id} ({known[args.id].SEVERITY})\n\n{page}"
        data = {"id": args.id, "severity": known[args.id].SEVERITY, "text": page}
    elif args.id.upper() in found:
        text = "\n".join(_advisory(found[args.id.upper()]))
        data = {name: value for name, value in _plain(found[args.id.upper()]).items() if name not in ("place", "examples")}
    else:
        close = difflib.get_close_matches(args.id, [*known, *found], n=1, cutoff=0.5)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise InputError(f"{args.id}: no check and no advisory of this name{hint}")
    print(json.dumps(data, indent=1) if args.format == "json" else text)
    return 0


def _cost(command: str) -> Iterator[str]:
    """What staying at the version that ``command`` pins goes without."""
    pinned = pinned_by(command)
    if pinned is not None and (told := clause(pinned)):
        yield f"      {pinned} {told}; `cc-fleet versions --at {pinned}` tells all"


def _plain(advisory: Advisory) -> dict[str, object]:
    data: dict[str, object] = plain(advisory)
    return json.loads(json.dumps(data, default=plain))  # type: ignore[no-any-return]


def _advisory(advisory: Advisory) -> Iterator[str]:
    yield f"{advisory.id}: {advisory.title}"
    yield ""
    yield from textwrap.wrap(advisory.cause.strip(), 96)
    yield ""
    if advisory.affects is not None:
        yield f"concerns   {advisory.affects.product} {advisory.affects.versions or 'of every version'}"
    yield f"reported   as {advisory.severity} by the check {advisory.check}; {advisory.who} has to change"
    if advisory.poisons_session:
        yield "sessions   the bad content stays in the transcript, so the error comes back with every prompt"
    yield "what helps"
    for remedy in advisory.remedies:
        yield f"  - {remedy.who}: {remedy.text}"
        if remedy.command:
            yield f"      $ {remedy.command}"
            yield from _cost(remedy.command)
    if advisory.not_remedies:
        yield "what does not"
        yield from (f"  - {text}" for text in advisory.not_remedies)
    yield f"known      {advisory.evidence.level}, checked {advisory.evidence.checked}: {', '.join(advisory.evidence.sources)}"
