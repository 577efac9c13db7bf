"""A copy says a version and cannot run: npm's stub, an empty file, a missing program.

From 2.1.113 on npm's package holds a stub until its install script links the platform's
program. `--ignore-scripts`, `--omit=optional` and an offline install of the wrapper alone all
end with exit code 0 and a `claude` that does not start (measured).

Of a repository, where no copy lies, nothing is told.

**Fix**: install again with scripts and optional packages, or run the install script.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks import Subject, _install, sentence
from cc_fleet.model import Fix, Install, Problem
from cc_fleet.policy import Policy

SEVERITY = "error"


def compare(policy: Policy, subject: Subject) -> Iterator[Problem]:
    for copy in subject.target.installs:
        if copy.intact is False:
            yield Problem(
                f"{copy.product}@{copy.version}",
                f"Claude Code {copy.version} cannot run: {sentence(copy.defect or 'it is not intact')}",
                copy.place, _fix(policy, copy, subject), severity=None if copy.active_for or copy.bundled_in else "note",
            )  # fmt: skip


def _fix(policy: Policy, copy: Install, subject: Subject) -> Fix | None:
    who = _install.who(copy)
    if copy.bundled_in is not None:
        brings = (e for e in subject.extensions() if e.user == copy.user and copy.bundled_in == f"{e.product} in {e.method}")
        return next((_install.extension(extension, extension.version) for extension in brings if extension.active_for), None)
    if copy.method == "native" and not copy.active_for:
        return Fix(who, "delete the file", _install.deletion(copy.place.file))
    if copy.defect and "script did not run" in copy.defect:
        return Fix(who, "run the install script", _install.run_in(copy.place.file.rpartition("/")[0], "node install.cjs"))
    return _install.copy(policy, copy)
