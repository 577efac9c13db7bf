"""Repositories: whose policy judges each, what changed in it, and one report of all targets."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from cc_fleet import repo
from cc_fleet.cli import InputError
from cc_fleet.cli._judge import chosen_policy, from_workspace, judged
from cc_fleet.host.digest import sha256
from cc_fleet.model import Finding, Target
from cc_fleet.policy import SEVERITIES, committed
from cc_fleet.policy.load import Loaded, which
from cc_fleet.repo.reading import history
from cc_fleet.repo.reading.listing import GitError
from cc_fleet.report import About, Report


def chosen(args: argparse.Namespace) -> Loaded:
    """The policy that is given; with ``--policy-ref`` what of it lies in a repository is read from that revision."""
    if not args.policy_ref:
        return chosen_policy(args.policy)
    names = which(args.policy, dict(os.environ), sys.platform)
    try:
        return committed.given(names, [_revision(folder, args.policy_ref) for folder in args.repo])
    except GitError as err:
        raise InputError(f"--policy-ref {args.policy_ref}: {err}") from None


def judged_too(report: Report | None, loaded: Loaded, args: argparse.Namespace) -> Report:
    """``report`` with every repository of the command line."""
    reports, roots = [report] if report is not None else [], {}
    taken = {target.name for one in reports for target in one.targets}
    for folder in args.repo:
        judges = judges_of(folder, loaded, args)
        target = repo.collect(folder, frozenset().union(*(one.policy.names() for one in judges)))
        target = target._replace(name=f"{target.name} ({folder})") if target.name in taken else target
        taken.add(target.name)
        roots[target.name] = folder
        reports.append(_judged(target._replace(ignores=()) if args.no_ignore else target, judges, folder, args))
    return from_workspace(_together(reports), roots)


def judges_of(folder: str, loaded: Loaded, args: argparse.Namespace) -> list[Loaded]:
    """The policies that judge a repository: its own beside one that is given, and in the place of the default."""
    own = _own_policy(folder, args.policy_ref)
    return [loaded, own] if own is not None and _is_given(args) else [own or loaded]


def _is_given(args: argparse.Namespace) -> bool:
    """Whether somebody gave a policy, rather than that the packaged default judges."""
    return bool(args.policy or os.environ.get("CC_FLEET_POLICY")) or which([], {}, sys.platform) != ["default"]


# Whose policy


def _own_policy(folder: str, revision: str | None) -> Loaded | None:
    """The repository's own, as it stands there or in a revision."""
    root, show = _files(folder, revision)
    inside = os.path.relpath(os.path.realpath(folder), root).replace(os.sep, "/")
    try:
        return committed.own(show, "" if inside == "." else inside)
    except GitError as err:
        raise InputError(f"--policy-ref {revision}: {err}") from None


def _files(folder: str, revision: str | None) -> tuple[str, committed.Show]:
    """The root of the repository that ``folder`` is, or is in, and its files: on the disk, or of a revision."""
    if not os.path.isdir(folder):
        raise InputError(f"{folder}: is not a folder")
    if history.is_bare(folder):
        raise InputError(f"{folder}: is what git keeps of a repository, and no checkout; give a folder with its files")
    root = history.top(folder) or os.path.realpath(folder)
    if revision is None:
        return root, committed.on_disk(root)
    commit = _asked(folder, revision, "--policy-ref")
    return root, lambda path: history.show(root, commit, path)


def _revision(folder: str, revision: str) -> committed.Revision:
    root, show = _files(folder, revision)
    return committed.Revision(root, show, lambda path: history.has(root, path))


def _asked(folder: str, revision: str, option: str) -> str:
    try:
        return history.commit(folder, revision)
    except GitError as err:
        raise InputError(f"{option} {_shown(revision)}: {err}") from None


def _shown(revision: str) -> str:
    return revision if revision.isprintable() else ascii(revision)[1:-1]


# What it finds


def _judged(target: Target, judges: Sequence[Loaded], folder: str, args: argparse.Namespace) -> Report:
    reports = [judged(loaded, [target], args.group) for loaded in judges]
    first = reports[0]
    if len(reports) > 1:
        first = first._replace(about=_both([report.about for report in reports], " and "), findings=united(first.findings, reports[1].findings))
    return first if args.changed_since is None else _only_changed(first, target, folder, args.changed_since)


def _only_changed(report: Report, target: Target, folder: str, revision: str) -> Report:
    """``report`` with what stands in files that changed, is used there, or hangs on a lock that did."""
    files: dict[tuple[str, int | None], set[str]] = {}
    for asked in target.declared:
        told = (asked.place, asked.used, asked.lock)
        files.setdefault(asked.place[:2], set()).update(place.file for place in told if place is not None)
    try:
        changed = history.Changed(folder, revision)

        def concerns(finding: Finding) -> bool:
            place = finding.problem.place
            declared = files.get(place[:2], set())
            named = {step.place.file for step in finding.problem.trace if step.place is not None}
            return finding.target != target.name or any(map(changed, (place.file, *declared, *named))) or any(map(changed.lost_its_lock, declared))

        found = tuple(filter(concerns, report.findings))
        gaps = tuple(gap for gap in target.gaps if changed(gap.place.file))
    except GitError as err:
        raise InputError(f"--changed-since {_shown(revision)}: {err}") from None
    prints = {finding.fingerprint for finding in found}
    found = tuple(one if one.problem.because in prints else one._replace(problem=one.problem._replace(because=None)) for one in found)
    return report._replace(findings=found, targets=tuple(one._replace(gaps=gaps) for one in report.targets))


def _both(abouts: Sequence[About], between: str) -> About:
    """Several policies told as one: each by itself in ``parts``."""
    one, files = abouts[0], tuple(dict.fromkeys(file for about in abouts for file in about.files))
    digest = sha256("".join(about.sha256 for about in abouts).encode())
    return one._replace(policy=between.join(about.policy for about in abouts), files=files, sha256=digest, parts=tuple(abouts))


def united(given: Sequence[Finding], own: Sequence[Finding]) -> tuple[Finding, ...]:
    """What both policies find, each finding once: the one that counts, and the worse.

    A comment that excuses something by one of the policies is not useless for the other's finding nothing there.
    """
    found = {finding.fingerprint: finding for finding in given}
    for finding in own:
        known = found.get(finding.fingerprint)
        if known is None or _rank(finding) < _rank(known):
            found[finding.fingerprint] = finding
    once = {finding.fingerprint for finding in given} ^ {finding.fingerprint for finding in own}
    return tuple(finding for finding in found.values() if finding.fingerprint not in once or not _is_useless(finding))


def _is_useless(finding: Finding) -> bool:
    from cc_fleet.checks._excused import UNUSED

    return finding.check == "waiver-unused" and finding.problem.message.endswith(UNUSED)


def _rank(finding: Finding) -> tuple[bool, int]:
    return finding.waived is not None, SEVERITIES.index(finding.severity)


def _together(reports: Sequence[Report]) -> Report:
    """One report of all."""
    first = reports[0]
    if len(reports) == 1:
        return first
    abouts = tuple(dict.fromkeys(about for report in reports for about in report.about.parts or (report.about,)))
    return first._replace(
        about=_both(abouts, ", ") if len(abouts) > 1 else abouts[0],
        targets=tuple(target for report in reports for target in report.targets),
        findings=tuple(finding for report in reports for finding in report.findings),
        laid=tuple(laid for report in reports for laid in report.overlays()),
        ways=tuple(way for report in reports for way in report.routes()),
    )
