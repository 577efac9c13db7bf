"""What the Dockerfile of an image should say, so that an audit of the next build finds nothing: lines, and comments on them.

The lines stand below the layer, or the line of its history, in whose place they belong.  An image has one version of
Claude Code, chosen as for a repository.  What a layer has, a later one cannot take out: such things are comments, to
be done in the RUN that brings them; a credential has to be revoked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from cc_fleet.checks import _declared, _install, _layers
from cc_fleet.client import EXTENSION, declared
from cc_fleet.model import Declared, Finding, Install, Place, Problem, Target
from cc_fleet.plan import wanted
from cc_fleet.policy import Policy
from cc_fleet.versions import published

_VERSIONS = frozenset(("cli-version", "cli-unpinned", "cli-unpublished", "pin-unresolved", "extension-version", "extension-unpinned"))
_OTHERS = frozenset(("unreadable", "target-mismatch", "waiver-expired", "waiver-unused"))  # no Dockerfile puts them right
_LINE = re.compile(r"`((?:RUN(?! --mount)|ENV|COPY) [^`\n]{1,500})`")
_INSTALLS = re.compile(r"@anthropic-ai/claude-code|claude\.ai/install|claude-code[=-]")


def lines(policies: Sequence[Policy], target: Target, findings: Iterable[Finding]) -> list[str]:
    """The part of a Dockerfile that the findings on an image call for; empty where they call for nothing."""
    counted = [one for one in findings if one.waived is None and one.check not in _OTHERS and one.target == target.name]
    versions = _versions(policies, target, counted)
    groups: dict[str, dict[str, None]] = {}
    for finding in sorted(counted, key=lambda one: _order(one.problem.place)):
        said = tuple(_of(finding, target, versions))
        if said:
            groups.setdefault(_where(target, finding.problem.place), {}).update(dict.fromkeys(said))
    if not groups:
        return []
    told = [f"# What the Dockerfile of {target.name} should say"]
    for where, found in groups.items():
        comments = [line for line in found if line.startswith("#")]
        told += ["", f"# {where}", *comments, *(line for line in found if line not in comments)]
    return [_printable(line) for line in told]


def _order(place: Place) -> tuple[int, int, int]:
    """Layers as they lie, then what stands in the history alone, then what is to be added."""
    if place.layer is not None:
        return 0, place.layer, place.line or 0
    return (1, place.line or 0, 0) if place.file == "image history" else (2, 0, 0)


def _where(target: Target, place: Place) -> str:
    if place.layer is not None:
        command = next((layer.command for layer in target.layers if layer.number == place.layer), None)
        return f"instead of layer {place.layer}: {command}" if command else f"in what makes layer {place.layer}"
    if place.file == "image history":
        return f"instead of line {place.line} of the history: {place.text or '…'}"
    return f"instead of: {place.text}" if place.file == "image config" and place.text else "in addition"


def _of(finding: Finding, target: Target, versions: Mapping[Place, str | None]) -> Iterator[str]:
    """The comments and lines of one finding."""
    problem = finding.problem
    message = problem.message.removesuffix(_layers.named(target, problem.place.layer))
    if finding.check in (*_VERSIONS, "cli-broken") and problem.place in versions:
        version = versions[problem.place]
        yield f"# {message}"
        yield f"RUN {_run(target, problem, version)}" if version else "# no published version of it is allowed"
        return
    if problem.because is not None or problem.fix is None or (finding.check == "known-issue" and _INSTALLS.search(problem.fix.summary)):
        return
    written = _LINE.findall(problem.fix.summary)
    yield f"# {message}{'' if written and not _is_managed(written[0]) else f': {problem.fix.summary}'}"
    yield from written[:1]


def _is_managed(line: str) -> bool:
    return line.startswith("COPY managed-settings")


def _run(target: Target, problem: Problem, version: str) -> str:
    """The command that installs what the finding is about in this version."""
    place = problem.place
    here = [one for one in target.installs if one.place == place or (place.layer is not None and place.file == "image history" and one.place.layer == place.layer and one.product == "cli")]
    asked = next((one for one in target.declared if one.place == place), None)
    product = here[0].product if here else asked.product if asked else "cli"
    copy = here[0] if here else Install(product, "", asked.installer if asked else "npm", Place(""))
    fix = (_install.cli if product == "cli" else _install.extension)(copy._replace(intact=None), version)
    command = fix.command if fix is not None and fix.command else f"npm install -g @anthropic-ai/claude-code@{version}"
    return _layers.built(command.replace(" --prefix ''", ""))


def _versions(policies: Sequence[Policy], target: Target, findings: Sequence[Finding]) -> dict[Place, str | None]:
    """For each place of a copy, or of a line that names no version, of which a finding speaks: the version to write."""
    copies = [
        Declared(one.product, one.version, one.method, one.place) for one in target.installs
        if one.bundled_in is None and one.product in ("cli", EXTENSION)
    ]  # fmt: skip
    open_ = [one._replace(unresolved=None, spec=one.spec or None) for one in declared.judged(target) if one.product in ("cli", EXTENSION)]
    unasked = {(one.product, one.place.layer) for one in open_ if one.place.layer is not None}  # nobody pinned what came of these
    copies = [one for one in copies if (one.product, one.place.layer) not in unasked or (one.spec and wanted.allowed(policies, one.product, one.spec))]
    by_place: dict[Place, list[Declared]] = {}
    for asked in (*copies, *open_):
        by_place.setdefault(asked.place, []).append(asked)
    about: dict[Declared, Finding] = {}
    for finding in findings:
        product, _, version = finding.problem.subject.partition("@")
        if finding.check not in _VERSIONS or (finding.check == "cli-unpublished" and published().state(version) == "newer"):
            continue
        about.update((asked, finding) for asked in by_place.get(finding.problem.place, ()) if _declared.kind(asked.product) == product and asked not in about)
    return {asked.place: version for asked, version in wanted.versions(policies, [*copies, *open_], about, frozenset()).items()}


def _printable(line: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in line)
