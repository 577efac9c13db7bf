"""What the commands that judge share: their options, the policy, and how a result is shown."""

from __future__ import annotations

import argparse
import os
import re
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

_SUMMARY = 1024 * 1024  # bytes that GitHub takes of a step


def policy_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--policy", metavar="FILE", action="append", default=[],
        help="judge by this policy, a file or a packaged name; repeatable, each adds to those before "
        "(default: $CC_FLEET_POLICY, /etc/cc-fleet/policy.yaml, the packaged default)",
    )  # fmt: skip


def image_options(parser: argparse.ArgumentParser, *, what: str, action: str = "store") -> None:
    parser.add_argument("--image", metavar="PATH", action=action, default=[] if action == "append" else None, help=what)
    parser.add_argument("--platform", metavar="OS/ARCH", help="with --image: which of several platforms (default: linux/amd64, all where that is missing)")
    parser.add_argument("--verify", action="store_true", help="with --image: also check the digests of layers (those of indexes, manifests and configs are checked always)")
    parser.add_argument("--no-cache", action="store_true", help="with --image: neither use nor keep what was found of packed layers")


def check_image_options(args: argparse.Namespace) -> None:
    """InputError where an option speaks of images and there is none, or --platform is none."""
    for name in ("platform", "verify", "no_cache"):
        if getattr(args, name) and not args.image:
            raise InputError(f"--{name.replace('_', '-')} is about images; give --image as well")
    if args.platform and not re.fullmatch(r"[a-z0-9]{1,20}/[a-z0-9]{1,20}(?:/[a-z0-9]{1,20})?", args.platform):
        raise InputError(f"--platform {args.platform}: expected OS/ARCH or OS/ARCH/VARIANT, such as linux/arm64")


def probe_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--probe", action="store_true", help="also run `claude --version` and `claude doctor` of the caller's PATH, and compare (this machine only; before 2.1.251 the doctor sends a request)")


def result_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--group", metavar="NAME", action="append", default=[], help="the targets are in this group, besides those that facts and policy tell; repeatable")
    parser.add_argument(
        "--format", metavar="NAME", choices=names(), type=_usable, default=None,
        help=f"one of {', '.join(names())} (default: text; in GitHub Actions annotations, the text, and a job summary)",
    )  # fmt: skip
    parser.add_argument("--output", metavar="NAME=FILE", action="append", type=_output, default=[], help="write this format to a file as well; repeatable")
    parser.add_argument("--fail-on", choices=("error", "warning", "note"), default="error", help="the least severity that gives exit code 1 (default: error)")
    parser.add_argument("--exit-zero", action="store_true", help="exit with 0 whatever is found")
    parser.add_argument("--if-nothing", choices=("fail", "pass"), help="exit with 3 or 0 where there is nothing of Claude Code (default: fail; with --changed-since pass)")
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
    about = About(loaded.policy.policy, loaded.files, loaded.sha256, advisories.count(known), advisories.digest(), loaded.policy.contact, loaded.folders)
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return Report(about, now, tuple(passed), tuple(findings), os.environ.get("HOME") or os.environ.get("USERPROFILE"), tuple(laid), tuple(ways))


def from_workspace(report: Report, roots: Mapping[str, str]) -> Report:
    """``report`` with where its repositories lie, by name, seen from the platform's workspace, or from here."""
    workspace = os.path.realpath(os.environ.get("GITHUB_WORKSPACE") or os.environ.get("CI_PROJECT_DIR") or ".")
    found = {name: os.path.relpath(os.path.realpath(root), workspace).replace(os.sep, "/") for name, root in roots.items()}
    return report._replace(below=tuple((name, path) for name, path in found.items() if path != "." and path.partition("/")[0] != ".."))


def shown(report: Report, args: argparse.Namespace) -> int:
    """Print and write the report as asked, and return the exit code."""
    for name, file in _told_apart(args.output):
        _write(file, format_(name).render(report, Style()))
    in_actions = os.environ.get("GITHUB_ACTIONS") == "true"
    if in_actions and args.format is None:
        _summarised(report)
    if not args.quiet:
        if in_actions and args.format is None:
            sys.stdout.write(format_("github").render(report, style(args)))
        text = format_(args.format or "text").render(report, style(args))
        sys.stdout.write(_silenced(text) if in_actions and args.format in (None, "text") else text)
    return exit_code(report, args)


def _output(given: str) -> tuple[str, str]:
    """The format and the file of an ``--output``."""
    name, equals, file = given.partition("=")
    if not equals or not file or name not in names():
        raise InputError(f"--output {given}: expected NAME=FILE, NAME one of {', '.join(names())}")
    return _usable(name), file


def _usable(name: str) -> str:
    """A format's name; InputError before anything is read where it needs what is not installed."""
    needs = getattr(format_(name), "NEEDS", None) if name in names() else None
    if needs is not None:
        from importlib.util import find_spec

        if find_spec(needs) is None:
            raise InputError(f"the format {name} needs {needs}, which is not installed; pip install 'cc-fleet[{name}]'")
    return name


def _told_apart(outputs: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    """``outputs``, where each is a file of its own."""
    taken: dict[str, str] = {}
    for name, file in outputs:
        path = os.path.realpath(file)
        if path in taken:
            raise InputError(f"--output {name}={file}: {taken[path]} is written to that file as well; name another")
        taken[path] = name
    return outputs


def _silenced(text: str) -> str:
    """``text`` for a log in which lines may be commands: the runner looks for none in it, whatever it holds."""
    token = os.urandom(16).hex()
    return f"::stop-commands::{token}\n{text}::{token}::\n"


def _summarised(report: Report) -> None:
    """Add the report to the summary of the job, as far as there is room; a summary that cannot be written fails no job."""
    file = os.environ.get("GITHUB_STEP_SUMMARY")
    if not file:
        return
    try:
        room = _SUMMARY - (os.path.getsize(file) if os.path.exists(file) else 0) - 1
        if room < 2000:
            print(f"cc-fleet: {file}: has no more room for the report", file=sys.stderr)
            return
        with open(file, "a", encoding="utf-8", errors="backslashreplace") as out:
            out.write("\n" + format_("markdown").within(report, room))
    except OSError as err:
        print(f"cc-fleet: {file}: {(err.strerror or 'cannot be written').lower()}", file=sys.stderr)


def exit_code(report: Report, args: argparse.Namespace) -> int:
    """0, 1, 3 or 4, as DESIGN 6 has them; several hold: 1 before 4 before 3."""
    if args.exit_zero:
        return 0
    if report.at_least(args.fail_on):
        return 1
    if any(target.gaps for target in report.targets):
        return 4
    if all(target.nothing for target in report.targets):
        return 0 if args.if_nothing == "pass" else 3
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
        with open(file, "w", encoding="utf-8", errors="backslashreplace", newline="") as out:
            out.write(text)
    except OSError as err:
        raise InputError(f"{file}: {(err.strerror or 'cannot be written').lower()}") from None
