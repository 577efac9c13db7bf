"""Repositories: whose policy judges each, what changed in it, and one report of all targets."""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence

from cc_fleet import repo
from cc_fleet.cli import InputError
from cc_fleet.cli._judge import from_workspace, judged
from cc_fleet.digest import sha256
from cc_fleet.host.tree import Disk, Missing, Unreadable
from cc_fleet.model import Finding, Place, Target
from cc_fleet.policy import SEVERITIES, committed
from cc_fleet.policy.load import Loaded, which
from cc_fleet.repo.reading.listing import GitError, git
from cc_fleet.report import About, Report


def judged_too(report: Report | None, loaded: Loaded, args: argparse.Namespace) -> Report:
    """``report`` with every repository of the command line."""
    reports, roots = [report] if report is not None else [], {}
    taken = {target.name for one in reports for target in one.targets}
    for folder in args.repo:
        if not os.path.isdir(folder):
            raise InputError(f"{folder}: is not a folder")
        judges = judges_of(folder, loaded, args)
        target = repo.collect(folder, frozenset().union(*(one.policy.names() for one in judges)))
        target = target._replace(name=f"{target.name} ({folder})") if target.name in taken else target
        taken.add(target.name)
        roots[target.name] = folder
        reports.append(_judged(target._replace(ignores=()) if args.no_ignore else target, judges, folder, args))
    return from_workspace(_together(reports), roots)


def judges_of(folder: str, loaded: Loaded, args: argparse.Namespace) -> list[Loaded]:
    """The policies that judge a repository: its own beside one that is given, and in the place of the default."""
    given = bool(args.policy) or which([], dict(os.environ), sys.platform) != ["default"]
    own = _own_policy(folder, args.policy_ref)
    return [loaded, own] if own is not None and given else [own or loaded]


def _judged(target: Target, judges: Sequence[Loaded], folder: str, args: argparse.Namespace) -> Report:
    reports = [judged(loaded, [target], args.group) for loaded in judges]
    first, findings = reports[0], reports[0].findings
    if len(reports) > 1:
        findings = united(first.findings, reports[1].findings)
        first = first._replace(about=_both(first, reports[1]))
    targets = first.targets
    if args.changed_since:
        changed = _changed(folder, args.changed_since)
        spoken = {one.place[:2]: one.used for one in target.declared if one.used is not None}
        findings = tuple(one for one in findings if changed(one.problem.place.file) or any(changed(file) for file in _files(one, spoken)))
        targets = tuple(one._replace(gaps=tuple(gap for gap in one.gaps if changed(gap.place.file))) for one in targets)
    return first._replace(findings=findings, targets=targets)


def _files(finding: Finding, spoken: Mapping[tuple[str, int | None], Place]) -> set[str]:
    """The other files that a finding is about: where its version is used, and what its trace names."""
    used = spoken.get((finding.problem.place.file, finding.problem.place.line))
    files = {step.place.file for step in finding.problem.trace if step.place is not None}
    return files | ({used.file} if used is not None else set())


def _both(first: Report, second: Report) -> About:
    one, two = first.about, second.about
    files = tuple(dict.fromkeys((*one.files, *two.files)))
    return one._replace(policy=f"{one.policy} and {two.policy}", files=files, sha256=sha256(f"{one.sha256}{two.sha256}".encode()))


def united(given: Sequence[Finding], own: Sequence[Finding]) -> tuple[Finding, ...]:
    """What both policies find, each finding once: the one that counts, and the worse.

    A comment that one policy's findings need is not useless for the other's finding nothing there.
    """
    found: dict[str, Finding] = {finding.fingerprint: finding for finding in given}
    prints = {finding.fingerprint for finding in own}
    for finding in own:
        known = found.get(finding.fingerprint)
        if known is None or _rank(finding) < _rank(known):
            found[finding.fingerprint] = finding
    alone = {finding.fingerprint for finding in given} ^ prints
    return tuple(finding for finding in found.values() if not (finding.check == "waiver-unused" and finding.fingerprint in alone))


def _rank(finding: Finding) -> tuple[bool, int]:
    return finding.waived is not None, SEVERITIES.index(finding.severity)


def _together(reports: Sequence[Report]) -> Report:
    """One report of all."""
    first = reports[0]
    if len(reports) == 1:
        return first
    abouts = tuple(dict.fromkeys(report.about for report in reports))
    about = first.about
    if len(abouts) > 1:
        files = tuple(dict.fromkeys(file for one in abouts for file in one.files))
        about = about._replace(policy=", ".join(one.policy for one in abouts), files=files, sha256=sha256("".join(one.sha256 for one in abouts).encode()))
    return first._replace(
        about=about,
        targets=tuple(target for report in reports for target in report.targets),
        findings=tuple(finding for report in reports for finding in report.findings),
        laid=tuple(laid for report in reports for laid in report.overlays()),
        ways=tuple(way for report in reports for way in report.routes()),
    )


def _own_policy(folder: str, revision: str | None) -> Loaded | None:
    """``.cc-fleet.yaml`` at the repository's root, as it stands there or in a revision."""
    if revision is None:
        return committed.on_disk(folder)
    commit = _commit(folder, revision, "--policy-ref")

    def show(path: str) -> bytes | None:
        try:
            return git(folder, "cat-file", "blob", f"{commit}:./{path}")
        except GitError:
            return None

    return committed.at(show)


def _commit(folder: str, revision: str, option: str) -> str:
    if revision.startswith("-") or not revision.isprintable():
        raise InputError(f"{option} {ascii(revision)[1:-1]}: is no revision")
    try:
        return git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}").decode().strip()
    except GitError:
        raise InputError(f"{option} {revision}: git knows no such commit in {folder}; fetch it first (a clone for CI is often shallow: `git fetch origin {revision}`)") from None


def _changed(folder: str, revision: str) -> Callable[[str], bool]:
    """Whether a file is other than it was where HEAD and ``revision`` parted.  Files are compared by their bytes: no filter of the repository runs."""
    commit = _commit(folder, revision, "--changed-since")
    try:
        base = git(folder, "merge-base", commit, "HEAD").decode().strip()
    except GitError:
        base = commit
    try:
        listed = git(folder, "ls-tree", "-r", "-z", base).decode("utf-8", "surrogateescape")
        algorithm = git(folder, "rev-parse", "--show-object-format").decode().strip()
    except GitError as err:
        raise InputError(f"--changed-since {revision}: {err}") from None
    blobs = {path: about.split()[2] for about, _, path in (line.partition("\t") for line in listed.split("\0") if line)}
    tree, known = Disk(folder), dict[str, bool]()

    def is_changed(file: str) -> bool:
        if file not in known:
            try:
                data = tree.read(f"/{file}", 256 * 1024 * 1024)
            except (Missing, Unreadable):
                return True
            digest = hashlib.new(algorithm, f"blob {len(data)}\0".encode() + data, usedforsecurity=False).hexdigest()
            known[file] = blobs.get(file) != digest
        return known[file]

    return is_changed
