"""Checks: each module here compares what a target's clients do with the policy.

A check is a module ``checks/<name>.py`` with a docstring (its page in the docs), a
``SEVERITY`` and ``compare(policy, subject)`` (with ``DECLARED_ALONE = True`` asked only where something is
declared); one that looks back on the findings has ``review(judgement)`` instead, of problems or (target, problem).  Its cases are ``tests/checks/<name>/``.  Nothing else needs to know of it.
"""

# Annotations are not postponed here: as texts each would be compiled at start.
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, cast

from cc_fleet.advisories import Advisory, Shelf
from cc_fleet.client import Effective, View, views
from cc_fleet.host import plugins
from cc_fleet.host.digest import sha256
from cc_fleet.host.layout import LAYOUTS
from cc_fleet.model import GROUPS, Declared, Finding, Fix, Ignore, Install, Place, Problem, Target
from cc_fleet.policy import KEPT, SEVERITIES, Policy
from cc_fleet.policy.when import Laid, applied, holds
from cc_fleet.records import NamedTuple
from cc_fleet.versions import key


class Subject(NamedTuple):
    """One target as checks see it: its facts, its clients at work, and what is known to break."""

    target: Target
    views: tuple[View, ...]
    advisories: tuple[Advisory, ...] = ()

    def copies(self) -> Iterator[Install]:
        """The CLI copies that stand for themselves, not inside an extension."""
        return (i for i in self.target.installs if i.product == "cli" and i.bundled_in is None)

    def extensions(self) -> Iterator[Install]:
        return (i for i in self.target.installs if i.product != "cli")

    def asked(self, *kinds: str) -> Iterator[Declared]:
        """What a repository, or an image's history, asks for of products of these kinds: cli, extension, action, gateway; of all where none is named."""
        if self.target.declared:  # what judges them is loaded where something is declared
            from cc_fleet.client import declared

            yield from (one for one in declared.judged(self.target) if not kinds or declared.kind(one.product) in kinds)


class Judgement(NamedTuple):
    """What a review looks back on: all findings so far.  Of the targets it has their names and dates: their facts are let go when they are judged.

    ``ignored`` are the comments that excuse nothing: of which target, the comment, the check that it names, and why (``ended``: its day is over).
    """

    policy: Policy
    findings: tuple[Finding, ...]
    targets: tuple[Target, ...]
    today: str
    ignored: tuple[tuple[Target, Ignore, str, str], ...] = ()


def all_checks() -> dict[str, Any]:
    """Every check by its name."""
    return cast("dict[str, Any]", plugins.modules(__name__))


def judge(policy: Policy, advisories: tuple[Advisory, ...], targets: Iterable[Target], today: str) -> list[Finding]:
    """Every finding on every target, in the order of targets, then of files and lines.

    ``today`` is an ISO date (UTC), by which waivers run out.  Pure: the same arguments give
    the same findings, on the laptop and on a controller.  ``targets`` may be a stream.
    """
    findings: list[Finding] = []
    judged, ignored, laid = list[Target](), list[tuple[Target, Ignore, str, str]](), Laid(policy)
    shelf = Shelf(advisories, laid.gateways())
    compared = {name: check for name, check in all_checks().items() if hasattr(check, "compare")}
    elsewhere = {name: check for name, check in compared.items() if not hasattr(check, "DECLARED_ALONE")}
    for target in targets:
        judged.append(target._replace(**_LET_GO))
        seen = tuple(views(target))
        overlays = applied(policy, target, seen)
        ruled, subject = laid.of(overlays), Subject(target, seen, laid.advisories(shelf.concerning(target), overlays))
        told: list[Finding] = []
        for name, check in (compared if target.declared else elsewhere).items():
            found = _stamped(ruled, name, check.SEVERITY, target, check.compare(ruled, subject))
            told += found
        if ruled.waivers or target.ignores:
            from cc_fleet.checks import _excused

            told, became = _excused.excused(ruled, told, target, today)
            ignored += [(judged[-1], *one) for one in became]
        if target.kind == "image":
            from cc_fleet.checks import _layers

            told = [_layers.told(finding, target) for finding in told]
        findings += _caused(told)
    reviewed = laid.reviewed()
    for name, check in all_checks().items():
        if hasattr(check, "review"):
            findings += _reviewed(name, check, Judgement(reviewed, tuple(findings), tuple(judged), today, tuple(ignored)))
    return findings


_LET_GO: Any = dict.fromkeys(GROUPS, ())


def _reviewed(name: str, check: Any, judgement: Judgement) -> Iterator[Finding]:
    """What a review finds: of the policy, or (given with it) of a target, which may be waived there."""
    policy, today = judgement.policy, judgement.today
    found: dict[str | None, tuple[Target | None, list[Problem]]] = {}
    for item in check.review(judgement):
        target, problem = (None, item) if isinstance(item, Problem) else item
        found.setdefault(target and target.name, (target, []))[1].append(problem)
    for target, problems in found.values():
        stamped = _stamped(policy, name, check.SEVERITY, target, problems)
        if target is not None and policy.waivers:
            from cc_fleet.checks import _excused

            stamped = iter(_excused.excused(policy, list(stamped), target, today)[0])
        yield from stamped


def by_view(subject: Subject, ask: Callable[[View], Iterable[Problem]]) -> Iterator[Problem]:
    """What ``ask`` finds in every view, equal problems as one, which then says whom it concerns."""
    users: dict[Problem, dict[str, None]] = {}
    for view in subject.views:
        for problem in ask(view):
            users.setdefault(problem, {})[view.user] = None
    if subject.target.kind == "repository":  # where a thing stands there says whom it is for
        told = {(problem.subject, problem.message, problem.place): problem for problem in reversed(users)}
        yield from reversed(told.values())
        return
    alone = len({view.user for view in subject.views}) == 1
    for problem, concerned in users.items():
        names = ", ".join(concerned) if len(concerned) < 6 else f"{len(concerned)} users"
        yield problem if alone else problem._replace(message=f"{problem.message} (for {names})")


def by_rule(policy: Policy, subject: Subject, rules: Mapping[str, Any], ask: Callable[[Any, str, View], Iterable[Problem]]) -> Iterator[Problem]:
    """What ``ask`` finds of every named rule in every view that meets its condition."""

    def found(view: View) -> Iterator[Problem]:
        for name, rule in rules.items():
            if holds(policy, rule.when, view):
                yield from ask(rule, name, view)

    yield from by_view(subject, found)


class Wrong(NamedTuple):
    """A named value that is not as a rule has it: what is wrong, as the end of a sentence, and how it came about."""

    name: str
    what: str
    found: Effective
    locked: bool


def in_force(subject: Subject, view: View, wrong: Wrong, advice: Callable[[Place, Place], Fix]) -> Problem:
    """The problem of a value in force: where it stands, or would belong, and which dropped file may have said it.

    ``advice`` gets the place of the value, and where it should be said.
    """
    winner = wrong.found.winner
    place = winner.place if winner else nowhere(subject, view.user)
    here = subject.target.kind == "repository"
    belongs = managed_place(subject, view) if not here and (wrong.locked or who(place) == "admin") else nowhere(subject, view.user)
    place = place if winner else belongs
    void = next((v for v in view.voided() if v.user is None or not wrong.locked), None) if winner is None and (not here or view.project) else None
    fix = advice(place, belongs) if void is None else Fix(who(place), f"correct {void.place.file}, which may say it")
    because = f"settings-invalid:{void.place.file}:{void.scope}" if void else None
    return Problem(wrong.name, f"{wrong.name} {wrong.what}", place, fix, because, wrong.found.trace())


def _stamped(policy: Policy, check: str, severity: str, target: Target | None, problems: Iterable[Problem]) -> Iterator[Finding]:
    ordinals: dict[str, int] = {}
    homes = frozenset(target.coverage.homes if target else ())
    for problem in dict.fromkeys(problems):
        level = problem.severity or severity
        level = policy.severity.get(problem.advisory or check, policy.severity.get(check, level))
        if level == "ignore" and check not in KEPT:
            continue
        base = "\0".join((check, problem.advisory or "", _relative(homes, problem.place.file), problem.subject.partition("@")[0]))
        ordinals[base] = ordinals.get(base, 0) + 1
        stamp = sha256(f"{base}\0{ordinals[base]}".encode("utf-8", "backslashreplace"))
        level = level if level in SEVERITIES else severity
        yield Finding(check, level, target.name if target else "policy", problem, stamp)


def _relative(homes: frozenset[str], file: str) -> str:
    """``file`` as any machine would name it: below a home it begins with ``~``."""
    above = file
    while above := above.rpartition("/")[0]:
        if above in homes:
            return f"~{file[len(above) :]}"
    return file


def _caused(findings: list[Finding]) -> list[Finding]:
    """The findings on one target, ``because`` as the fingerprint of the finding that it names, or none.

    A check names a cause as ``check:file:subject``; ``version:file`` is the version of what stands there.
    """
    causes: dict[str, Finding] = {}
    for finding in reversed(findings):
        if finding.waived is None:
            file, subject = finding.problem.place.file, finding.problem.subject
            causes[f"{finding.check}:{file}:{subject}"] = finding
            if finding.check in ("cli-version", "extension-version"):
                causes[f"version:{file}"] = causes[f"version:{finding.problem.place}"] = finding
    return [_because(finding, causes) if finding.problem.because is not None else finding for finding in findings]


def _because(finding: Finding, causes: dict[str, Finding]) -> Finding:
    cause = causes.get(finding.problem.because or "")
    because = cause.fingerprint if cause is not None and cause is not finding else None
    return finding._replace(problem=finding.problem._replace(because=because))


def sentence(reason: str) -> str:
    """A reason that a fact gives (``is empty``) as a sentence of its own."""
    return f"it {reason}" if reason.startswith(("is ", "does ", "sends ", "holds ", "has ")) else reason


def who(place: Place) -> str:
    """Who may change what stands there: the system's files are the administrators'."""
    return "admin" if place.file.startswith(_SYSTEMS) else "you"


_SYSTEMS = ("/etc/", "/usr/", "/opt/", "/Library/", "/mnt/c/", "C:/Program", "C:/Windows/", "HKLM\\")


def managed_place(subject: Subject, view: View | None = None) -> Place:
    """Where this target's administrators say a thing: the source that is in force, or the managed file."""
    scopes = (view.managed().settings if view is not None else frozenset()) - {"managed", "drop-in", "program-data"}
    said = view.lookup.managed_file(scopes, view.user) if view is not None and scopes else None
    return Place(said or (f"{LAYOUTS[subject.target.os].managed}/managed-settings.json" if subject.target.os in LAYOUTS else ""))


def nowhere(subject: Subject, user: str | None = None) -> Place:
    """Where a thing that stands nowhere would belong: managed settings as root, else the user's own; in a repository its job."""
    if subject.target.kind == "repository":
        return next((job.place for job in subject.target.jobs if job.name == user), Place(user or ""))
    coverage = subject.target.coverage
    if coverage.privileged or user not in coverage.users:
        return managed_place(subject)
    return Place(f"{coverage.homes[coverage.users.index(user)]}/.claude/settings.json")


def reported(policy: Policy, subject: Subject, check: str) -> Iterator[Problem]:
    """The advisories that are told under the name ``check``: one problem for all clients that one cause concerns."""
    found: dict[tuple[int, str, Place], list[View]] = {}
    known = [advisory for advisory in subject.advisories if advisory.check == check]
    for view in subject.views if known else ():
        for number, advisory in enumerate(known):
            if (view.complete or advisory.by_what_is_there()) and advisory.concerns(view, policy.gateway):
                name, place = advisory.subject(view)
                place = place or (view.install.place if view.install else nowhere(subject, view.user))
                found.setdefault((number, name, place), []).append(view)
    for (number, name, place), concerned in found.items():
        yield _known(policy, known[number], name, place, concerned)


def _known(policy: Policy, advisory: Advisory, name: str, place: Place, concerned: list[View]) -> Problem:
    view = concerned[0]
    versions = sorted({v.version for v in concerned if v.version}, key=lambda version: key(version) or ())
    named = name != advisory.id
    variable = view.env(name).trace() if named else ()
    setting = view.setting(name).trace() if named else ()
    cause = f"env-flag:{place.file}:{name}" if variable else f"setting-value:{place.file}:{name}" if setting else f"version:{place}"
    told = f" (Claude Code {', '.join(versions)})" if versions else ""
    return Problem(
        f"{name}@{','.join(versions)}", f"{advisory.title}{told}", place,
        _remedy(policy, advisory, view), cause, variable or setting, advisory.severity, advisory.id,
    )  # fmt: skip


def _remedy(policy: Policy, advisory: Advisory, view: View) -> Fix | None:
    """The first remedy that the policy allows: an install as this copy was installed, and to what the policy allows."""
    from cc_fleet.checks import _install

    for remedy in advisory.remedies:
        if not remedy.command or view.install is None or not any(how in remedy.command for how in ("npm install", "--install-extension")):
            return _install.remedy(remedy)
        version = _install.wanted(policy, view.install)
        if version is not None and not _stays(advisory, version):
            if view.target.kind == "repository":
                from cc_fleet.checks import _written

                return _written.brought(view, version)
            return _install.copy(policy, view.install)
    return None


def _stays(advisory: Advisory, version: str) -> bool:
    """Whether an install of ``version`` would be concerned as well."""
    affects = advisory.affects
    return affects is not None and affects.versions is not None and affects.versions.admits(version)
