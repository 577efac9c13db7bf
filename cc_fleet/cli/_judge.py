"""What the commands that judge share: their options, the policy, and how a result is shown."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence

from cc_fleet import advisories, checks
from cc_fleet.cli import InputError, columns
from cc_fleet.client import views
from cc_fleet.model import Target
from cc_fleet.policy.load import Loaded, load, which
from cc_fleet.policy.when import Laid, applied
from cc_fleet.report import About, Report, Route, Style, format_, kept, names, routes


def policy_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--policy", metavar="FILE", action="append", default=[],
        help="judge by this policy, a file or a packaged name; repeatable, each adds to those before "
        "(default: $CC_FLEET_POLICY, /etc/cc-fleet/policy.yaml, the packaged default)",
    )  # fmt: skip


def probe_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--probe", action="store_true", help="also run `claude --version` and `claude doctor` of the caller's PATH, and compare (this machine only; before 2.1.251 the doctor sends a request)")


def result_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--group", metavar="NAME", action="append", default=[], help="the targets are in this group, besides those that facts and policy tell; repeatable")
    parser.add_argument("--format", metavar="NAME", choices=names(), default="text", help=f"one of {', '.join(names())} (default: text)")
    parser.add_argument("--output", metavar="NAME=FILE", action="append", default=[], help="write this format to a file as well; repeatable")
    parser.add_argument("--fail-on", choices=("error", "warning", "note"), default="error", help="the least severity that gives exit code 1 (default: error)")
    parser.add_argument("--exit-zero", action="store_true", help="exit with 0 whatever is found")
    parser.add_argument("--if-nothing", choices=("fail", "pass"), default="fail", help="exit with 3 or 0 where there is nothing of Claude Code (default: fail)")
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto")
    parser.add_argument("-q", "--quiet", action="store_true", help="print nothing; the exit code tells")
    parser.add_argument("-v", "--verbose", action="store_true", help="show how every value in force came about")


def chosen_policy(given: list[str]) -> Loaded:
    """The policy that judges here."""
    return load(which(given, dict(os.environ), sys.platform))


def grouped(target: Target, known: Mapping[str, tuple[str, ...]], given: Sequence[str]) -> Target:
    """``target`` with its groups: those of its facts, of the policy's ``groups`` file (by machine id and name), and those given."""
    told = (*target.groups, *known.get(target.machine_id or "", ()), *known.get(target.name, ()), *given)
    return target._replace(groups=tuple(dict.fromkeys(told)))


def judged(loaded: Loaded, targets: Iterable[Target], groups: Sequence[str] = ()) -> Report:
    """The report on ``targets``.  They may be a stream: of each that has passed no more is kept than a report shows."""
    rules = Laid(loaded.policy).gateways()
    known = advisories.load(loaded.folders, advisories.Present.on(targets, rules) if isinstance(targets, list) else None)
    passed: list[Target] = []
    ways: list[tuple[Route, ...]] = []
    laid: list[tuple[str, ...]] = []

    def passing() -> Iterator[Target]:
        for given in targets:
            target = grouped(given, loaded.groups, groups)
            passed.append(kept(target))
            ways.append(tuple(routes(target)))
            if loaded.policy.overlays:
                laid.append(applied(loaded.policy, target, views(target)))
            yield target

    findings = checks.judge(loaded.policy, known, passing(), time.strftime("%Y-%m-%d", time.gmtime()))
    about = About(loaded.policy.policy, loaded.files, loaded.sha256, advisories.count(known), advisories.digest(), loaded.policy.contact)
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return Report(about, now, tuple(passed), tuple(findings), os.environ.get("HOME") or os.environ.get("USERPROFILE"), tuple(laid), tuple(ways))


def shown(report: Report, args: argparse.Namespace) -> int:
    """Print and write the report as asked, and return the exit code."""
    for output in args.output:
        name, equals, file = output.partition("=")
        if not equals or name not in names():
            raise InputError(f"--output {output}: expected NAME=FILE, NAME one of {', '.join(names())}")
        _write(file, format_(name).render(report, Style()))
    if not args.quiet:
        sys.stdout.write(format_(args.format).render(report, style(args)))
    return exit_code(report, args)


def exit_code(report: Report, args: argparse.Namespace) -> int:
    """0, 1, 3 or 4, as DESIGN 6 has them; several hold: 1 before 4 before 3."""
    if args.exit_zero:
        return 0
    if report.at_least(args.fail_on):
        return 1
    if any(target.gaps for target in report.targets):
        return 4
    if all(target.nothing for target in report.targets):
        return 3 if args.if_nothing == "fail" else 0
    return 0


def style(args: argparse.Namespace) -> Style:
    """How standard output wants its text."""
    environ = os.environ
    color = args.color == "always" or (
        args.color == "auto"
        and not environ.get("NO_COLOR")
        and (bool(environ.get("FORCE_COLOR")) or (sys.stdout.isatty() and environ.get("TERM") != "dumb"))
    )
    unicode = (sys.stdout.encoding or "ascii").lower().replace("-", "") == "utf8"
    return Style(color, unicode, max(40, min(columns(), 140)), args.verbose)


def _write(file: str, text: str) -> None:
    try:
        with open(file, "w", encoding="utf-8", errors="backslashreplace") as out:
            out.write(text)
    except OSError as err:
        raise InputError(f"{file}: {(err.strerror or 'cannot be written').lower()}") from None
