"""``policy waive``: what may be waived and until when, and the file, replaced in one step."""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from cc_fleet import advisories
from cc_fleet.cli import InputError
from cc_fleet.cli._replace import replace
from cc_fleet.decode import DecodeError, decode, near, read_yaml
from cc_fleet.host import plugins
from cc_fleet.policy import KEPT, Waiver
from cc_fleet.policy.load import Loaded, load, packaged, which
from cc_fleet.policy.waive import CannotAdd, added, written


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("check", metavar="CHECK", help="the check, or the advisory (CCF-…), whose findings are excused")
    parser.add_argument("file", metavar="FILE", nargs="?", help="the policy file (default: the policy that judges here)")
    parser.add_argument("--until", metavar="DATE", required=True, help="the last day, such as 2027-01-31 (UTC)")
    parser.add_argument("--reason", metavar="TEXT", required=True, help="why, as reports show it")
    parser.add_argument("--versions", metavar="RANGE", help="excuse these versions only")
    parser.add_argument("--target", metavar="NAME", action="append", default=[], help="a machine's name or id, or group:NAME; repeatable (default: all)")
    parser.add_argument("--owner", metavar="WHO", help="who answers for it")
    parser.add_argument("--approved-by", metavar="WHO", help="who agreed")
    parser.add_argument("--ticket", metavar="ID", help="where that stands")
    _take_the_file_last(parser)


def _take_the_file_last(parser: argparse.ArgumentParser) -> None:
    """FILE may stand behind options; argparse before Python 3.13 gives an optional argument up at the first of them."""
    parse = parser.parse_known_args

    def with_file(args: Sequence[str] | None = None, namespace: Any = None) -> tuple[Any, list[str]]:
        found, rest = parse(args, namespace)
        if found.file is None and rest and not rest[0].startswith("-"):
            found.file, *rest = rest
        return found, rest

    parser.parse_known_args = with_file  # type: ignore[method-assign,assignment]


def run(args: argparse.Namespace) -> int:
    file = args.file or _judging()
    if os.sep not in file and file.partition("@")[0] in packaged() and not os.path.lexists(file):
        raise InputError(f"{file}: is packaged, and nobody's to change; extend it in a file of your own (`cc-fleet policy init`)")
    loaded = load([file])
    waiver = _waiver(args)
    _check_name(args.check, loaded)
    _check_until(args.until, loaded)
    with open(file, "rb") as opened:
        data = opened.read()
    mark = b"\xef\xbb\xbf" if data.startswith(b"\xef\xbb\xbf") else b""
    try:
        new, line = added(data.decode("utf-8-sig"), waiver)
    except CannotAdd as err:
        raise InputError(f"{file}: {err}. Add it by hand: {written(waiver)}") from None
    replace(file, mark + new.encode())
    print(f"- {written(waiver)}")
    print(f"{file}:{line}: added; it holds through {args.until}")
    return 0


def _judging() -> str:
    chosen = which([], dict(os.environ), sys.platform)
    if len(chosen) != 1 or chosen[0].partition("@")[0] in packaged():
        raise InputError("policy waive: a packaged policy judges here, and nobody may change that; name a policy file")
    return chosen[0]


def _waiver(args: argparse.Namespace) -> Mapping[str, Any]:
    """What is to be added, as the keys of the language; InputError where the reader would not take it."""
    given = {
        "check": args.check, "allow": {"versions": args.versions} if args.versions is not None else None, "targets": tuple(args.target),
        "until": args.until, "reason": args.reason, "owner": args.owner, "approved-by": args.approved_by, "ticket": args.ticket,
    }  # fmt: skip
    waiver = {key: value for key, value in given.items() if value}
    for key, value in {**waiver, "versions": args.versions}.items():
        if not all(text.isprintable() for text in (value if isinstance(value, tuple) else (str(value),))):
            raise InputError(f"policy waive: {key}: expected one line of printable text")
    try:
        decode(Waiver, read_yaml(written(waiver), "waiver"))
    except DecodeError as err:
        raise InputError("\n".join(f"policy waive: {line.split(': ', 1)[1]}" for line in str(err).splitlines())) from None
    return waiver


def _check_name(name: str, loaded: Loaded) -> None:
    checks = [module.replace("_", "-") for module in plugins.names("cc_fleet.checks")]
    if name in KEPT:
        raise InputError(f"policy waive: {name} cannot be waived")
    if name not in checks:
        known = [advisory.id for advisory in advisories.load(loaded.folders)]
        if name not in known:
            raise InputError(f"policy waive: no check and no advisory of the name: {near(name, known if re.match('[A-Z]+-', name) else checks)}")


def _check_until(until: str, loaded: Loaded) -> None:
    from datetime import date, timedelta

    today = date.fromisoformat(time.strftime("%Y-%m-%d", time.gmtime()))
    if date.fromisoformat(until) < today:
        raise InputError(f"policy waive: until: {until} is past; today is {today} (UTC)")
    most = loaded.policy.exceptions.max_days
    if most is not None and date.fromisoformat(until) > today + timedelta(days=most):
        raise InputError(f"policy waive: until: {until} is more than {most} days away, which exceptions.max-days forbids; at the latest {today + timedelta(days=most)}")
