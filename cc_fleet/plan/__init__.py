"""What would put right what an audit found: of a repository, the version to write at each place.

Planning decides which version and which characters; nothing is written here.  Every edit names the
characters that it expects, and they were seen there: a column is never guessed.  What cannot be
changed by itself is told with what to do by hand.  Findings that are waived or ignored are not planned.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from cc_fleet.checks import _declared
from cc_fleet.client import EXTENSION
from cc_fleet.model import Declared, Finding, Place, Target
from cc_fleet.plan import places, wanted
from cc_fleet.plan.files import Files
from cc_fleet.plan.nouns import Edit, Left, Plan
from cc_fleet.policy import Policy
from cc_fleet.versions import published

_VERSIONS = frozenset(("cli-version", "cli-unpinned", "cli-unpublished", "extension-version", "extension-unpinned", "gateway-version"))
_BY_HAND = frozenset(("action-unpinned", "pin-unresolved"))
# What renews a lock without installing anything, by the lock's name; and whose lock it is.
_RENEW = {
    "package-lock.json": "npm install --package-lock-only", "npm-shrinkwrap.json": "npm install --package-lock-only",
    "pnpm-lock.yaml": "pnpm install --lockfile-only", "yarn.lock": "yarn install", "bun.lock": "bun install --lockfile-only",
    "uv.lock": "uv lock", "poetry.lock": "poetry lock",
}  # fmt: skip
_MANIFESTS = {"package.json": ("package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock", "bun.lock"), "pyproject.toml": ("uv.lock", "poetry.lock")}


def repository(policies: Sequence[Policy], target: Target, findings: Iterable[Finding], files: Files) -> Plan:
    """The edits that the findings on a repository call for.

    A version must be allowed by each of ``policies``.  Deterministic: the same repository gives the same plan.
    """
    counted = [finding for finding in findings if finding.waived is None]
    chosen = wanted.versions(policies, target.declared, _asked_about(target, counted), _disagreeing(counted))
    told: dict[Left, None] = dict.fromkeys(_by_hand(target, counted))
    edits: dict[Edit, None] = {}
    done: list[Declared] = []
    values = _values(target.declared, chosen)
    for asked, version in chosen.items():
        found = _edit(asked, version, files) if version not in values.get(asked, ()) else f"{version} is in the matrix already; take this one out"
        if isinstance(found, Edit):
            edits[found] = None
            done.append(asked)
        else:
            told[Left(_shown(asked), f"{_declared.named(asked.product)}{f' {asked.spec}' if asked.spec else ''}", found)] = None
    kept, conflicts = _without_conflicts(list(edits))
    told.update(dict.fromkeys(conflicts))
    changed = [asked for asked in done if any(edit.file == _at(asked).file and edit.line == _at(asked).line for edit in kept)]
    return Plan(tuple(kept), tuple(told), tuple(dict.fromkeys(_renewals(changed, files))))


def _values(declared: Iterable[Declared], chosen: Mapping[Declared, str | None]) -> dict[Declared, list[str | None]]:
    """Of each of the values of a matrix that should be changed, what the ones that stay, or come first, are."""
    found: dict[Declared, list[str | None]] = {}
    several = wanted.matrix(declared)
    for asked in several & chosen.keys():
        others = [one for one in declared if one in several and one.used == asked.used and one != asked]
        stay = [_declared.exact(one) for one in others if one not in chosen]
        found[asked] = stay + [chosen[one] for one in others if one in chosen and one.place < asked.place]
    return found


def _asked_about(target: Target, findings: Sequence[Finding]) -> dict[Declared, Finding]:
    """The declarations that findings speak of, each with the first one."""
    found: dict[Declared, Finding] = {}
    by_place: dict[Place, list[Declared]] = {}
    for asked in target.declared:
        by_place.setdefault(asked.place, []).append(asked)
    for finding in findings:
        product, _, version = finding.problem.subject.partition("@")
        if finding.check not in _VERSIONS or (finding.check == "cli-unpublished" and published().state(version) == "newer"):
            continue
        for asked in by_place.get(finding.problem.place, ()):
            if _declared.kind(asked.product) == product and not asked.unresolved and (not version or version in (asked.spec, _declared.exact(asked))):
                found.setdefault(asked, finding)
    return found


def _disagreeing(findings: Iterable[Finding]) -> frozenset[str]:
    """The products whose pins disagree."""
    return frozenset(finding.problem.subject.partition("@")[0] for finding in findings if finding.check == "pins-disagree")


def _by_hand(target: Target, findings: Iterable[Finding]) -> Iterator[Left]:
    """What no edit puts right: a commit, or a value that comes from elsewhere."""
    actions = {asked.product for asked in target.declared if asked.installer == "action"}
    for finding in findings:
        problem = finding.problem
        if finding.check in _BY_HAND or problem.subject.partition("@")[0] in actions:
            fix = problem.fix
            command = f" ({fix.command})" if fix and fix.command else ""
            yield Left(problem.place, problem.message, f"{fix.summary}{command}" if fix else "write the version there")


def _edit(asked: Declared, version: str | None, files: Files) -> Edit | str:
    """The edit that brings ``asked`` to ``version``, or what to do by hand."""
    name = _declared.named(asked.product)
    if version is None and asked.product in ("cli", EXTENSION):
        return f"no published version of {name} is allowed"
    if version is None:
        return f"which versions of {name} are published and allowed is not known here; write one"
    place = _at(asked)
    text = files.text(place.file)
    if isinstance(text, str):
        return f"{text}; write {version} there"
    found = places.edit(asked, version, text)
    if isinstance(found, Edit) and (other := _also_of(asked, found, text)):
        return f"the same value is the version of {other}; give {name} one of its own, {version}"
    return found


def _at(asked: Declared) -> Place:
    return asked.pin or asked.place


def _shown(asked: Declared) -> Place:
    return asked.place._replace(column=None, text=None)


def _also_of(asked: Declared, edit: Edit, text: places.Text) -> str | None:
    """Another package that takes its version from the name whose value the edit is."""
    if asked.used is None:
        return None
    line = text.line(edit.line)[: edit.column - 1][-200:]
    name = re.search(r"([A-Za-z_][\w.-]*)[\s\"']*(?:[:=]|:=|\?=|\|)*[\s\"']*$", line)
    if name is None or name[1] in ("version", "default", "value"):
        return None
    used = re.compile(rf"([\w@/.-]{{0,80}}[\w\]])(?:@|==|:)[\"']?(?:\$\{{?|\$\{{\{{\s*(?:env|inputs|matrix)\.|\{{\{{\s*){re.escape(name[1])}\b")
    return next((found[1] for found in used.finditer(text.whole) if not re.search(r"claude|anthropic|litellm", found[1], re.IGNORECASE)), None)


def _without_conflicts(edits: Sequence[Edit]) -> tuple[list[Edit], list[Left]]:
    """``edits`` in order, without those that want different characters at one place."""
    ordered = sorted(edits, key=lambda edit: (edit.file, edit.line, edit.column, edit.new))
    clash: dict[Edit, Edit] = {}
    for one, two in pairwise(ordered):
        if one.file == two.file and one.line == two.line and (one.column == two.column or two.column < one.column + len(one.old)):
            clash[one], clash[two] = two, one
    left = [
        Left(Place(one.file, one.line), one.subject, f"{one.subject} would have {one.version} here and {two.subject} {two.version}; give each a value of its own")
        for one, two in clash.items() if (one.column, one.new) <= (two.column, two.new)
    ]  # fmt: skip
    return [edit for edit in ordered if edit not in clash], left


def _renewals(changed: Iterable[Declared], files: Files) -> Iterator[str]:
    """What to run because of the edits: a lock holds its version until it is renewed."""
    for asked in changed:
        lock = asked.lock.file if asked.lock is not None else _lock(asked, files)
        folder, _, name = (lock or "").rpartition("/")
        if name in _RENEW:
            yield f"{lock}: renew it{f' in {folder}' if folder else ''} with `{_RENEW[name]}`; it is not changed here"


def _lock(asked: Declared, files: Files) -> str | None:
    """The nearest lock of the manifest in which ``asked`` is a dependency."""
    folder, _, name = _at(asked).file.rpartition("/")
    if name not in _MANIFESTS or asked.installer not in ("npm", "pip"):
        return None
    while True:
        for lock in _MANIFESTS[name]:
            path = f"{folder}/{lock}" if folder else lock
            if files.has(path):
                return path
        if not folder:
            return None
        folder = folder.rpartition("/")[0]
