"""The version that a repository asks for comes from what cannot be read there.

An input of a workflow without a default, a script's argument, a secret, a command's output, a
variable that nothing sets: whether that is an allowed version nobody can tell from the files. It is
neither right nor wrong, so it is a warning of its own. A default is read and judged (`${V:-2.1.330}`, an `ARG`
with a value, an input's `default`), and so is what a lock holds.

**Fix**: write the version, or a default for it, into the repository.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks import Subject
from cc_fleet.model import Declared, Fix, Problem
from cc_fleet.policy import Policy
from cc_fleet.policy.allowed import best

SEVERITY = "warning"
DECLARED_ALONE = True


def compare(policy: Policy, subject: Subject) -> Iterator[Problem]:
    for asked in subject.asked():
        from cc_fleet.checks import _declared

        if asked.unresolved and _declared.exact(asked) is None and not _declared.is_library(asked):
            message = f"the version of {_declared.named(asked.product)} comes from {asked.unresolved}, so it cannot be judged"
            yield Problem(asked.product, message, asked.place, _fix(policy, asked))


def _fix(policy: Policy, asked: Declared) -> Fix:
    version = best(policy) if asked.product == "cli" else None
    return Fix("you", f"write the version there, or a default that is one{f', such as {version}' if version else ''}")
