"""What a plan is made from, and what its areas wish for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cc_fleet.checks import Subject
from cc_fleet.host.change import SETTINGS, Byhand, Change, Owned
from cc_fleet.model import JSON, Finding, Install, Place, Target
from cc_fleet.policy import Policy
from cc_fleet.records import NamedTuple

AS_ROOT = "run cc-fleet plan as root"
# In the place of a value: the key is to be taken out.
GONE: Any = object()


class Options(NamedTuple):
    """What the command that plans knows and facts do not tell.

    ``tarballs`` are, by version, those to install from, each with its sha256 (None: from ``registry``, or npm's own); ``vsix`` the file of
    an extension by id and version; ``live`` is False for a system below a folder, where no program is run; ``logins`` is by user the file
    that their shell reads when it logs in, where that is not ``~/.profile``.
    """

    tarballs: Mapping[str, Sequence[tuple[str, str]]] | None = None
    registry: str | None = None
    vsix: Mapping[tuple[str, str], tuple[str, str]] = {}
    live: bool = True
    logins: Mapping[str, str] = {}


class Fate(NamedTuple):
    """What becomes of a copy: it stays, is brought to ``version`` (install), goes, or waits for a ``hand``, which then says whose and how.

    ``version`` is what is there afterwards, None where the copy goes; ``findings`` are those that are answered by it.
    """

    copy: Install
    state: str
    version: str | None
    findings: tuple[Finding, ...] = ()
    hand: Byhand | None = None


class Say(NamedTuple):
    """A key of managed settings that they should hold."""

    key: tuple[str, ...]
    value: JSON
    phase: int = SETTINGS


class Write(NamedTuple):
    """A key of a file that is not ours alone: to be set, or taken out (GONE).  The key () asks that the file be made strict JSON.

    ``weak``: another wish for the same key has the last word.
    """

    file: str
    user: str | None
    key: tuple[str, ...]
    value: JSON
    kind: str = "settings"
    phase: int = SETTINGS
    weak: bool = False


class Wish(NamedTuple):
    """What an area would have done, and the findings that it answers; ``act`` is None where another one does it already.

    ``copy`` is the copy of the CLI that a change brings to another version, or removes.
    """

    act: Say | Write | Change | Byhand | None
    findings: tuple[Finding, ...] = ()
    copy: Install | None = None


class Task(NamedTuple):
    """One target with its findings, waived ones apart, what earlier runs wrote there, and what becomes of its copies.

    ``later`` is the target with its copies as they will be: what its clients make of settings is asked there, and findings about that are of it.
    """

    policy: Policy
    subject: Subject
    later: Subject
    findings: tuple[Finding, ...]
    waived: tuple[Finding, ...]
    owned: tuple[Owned, ...]
    options: Options
    fates: tuple[Fate, ...] = ()

    @property
    def target(self) -> Target:
        return self.subject.target

    @property
    def root(self) -> bool:
        """Whether this is planned with the system's rights."""
        return self.target.coverage.privileged

    def of(self, *checks: str) -> Iterator[Finding]:
        """The findings of these checks."""
        return (finding for finding in self.findings if finding.check in checks)

    def may(self, user: str | None) -> bool:
        """Whether what is this user's (None: the system's) may be changed with the rights at hand."""
        return self.root if user is None else user in self.target.coverage.users

    def home(self, user: str) -> str:
        coverage = self.target.coverage
        return coverage.homes[coverage.users.index(user)]

    def says(self, file: str, key: tuple[str, ...]) -> JSON:
        """The value of a key in a file, as facts have it; GONE where it is not there."""
        return next((setting.value for setting in self.target.settings if setting.place.file == file and setting.key == key), GONE)


def hand(finding: Finding, how: str | None = None, *, who: str | None = None) -> Wish:
    """A finding that nobody but a person puts right."""
    problem, fix = finding.problem, finding.problem.fix
    advice = how or (f"{fix.summary}: {fix.command}" if fix and fix.command else fix.summary if fix else "")
    return Wish(Byhand(problem.message, shown(problem.place), who or (fix.who if fix else "admin"), advice), (finding,))


def dropped(finding: Finding, file: str) -> Wish:
    """A finding about what ``file`` says already, in vain."""
    return hand(finding, f"{file} says it, and Claude Code drops that file: correct it first")


def of_mdm(finding: Finding, key: tuple[str, ...]) -> Wish:
    """A finding about a value that MDM or the server sets."""
    return hand(finding, f"change {'.'.join(key)} in MDM, whose settings are in force", who="MDM")


def shown(place: Place) -> str:
    return str(place) or "the environment"
