"""A workflow uses an action that runs Claude Code by a branch or a tag, which can be moved.

`anthropics/claude-code-action@v1`, `@beta` and `@main` are other code tomorrow, and it runs with the
job's token and the API key. What they install changes with them. A tag of one release (`@v1.0.93`) is
a note: nobody moves it in the ordinary course, and whoever takes over the repository can. The 40
digits of a commit cannot be moved.

**Fix**: write the commit of the release that was tested, with its tag as a comment:
`uses: anthropics/claude-code-action@<commit> # v1.0.93`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cc_fleet.checks import Subject
from cc_fleet.model import Declared, Fix, Problem
from cc_fleet.policy import Policy

SEVERITY = "error"
DECLARED_ALONE = True
_PART = r"[0-9a-f]{7,39}"


def compare(policy: Policy, subject: Subject) -> Iterator[Problem]:
    for asked in subject.asked("action"):
        from cc_fleet.checks import _declared

        if asked.unresolved or _declared.is_commit(asked):
            continue
        if asked.spec is None:
            yield Problem(asked.product, f"{asked.product} is used without a ref, so it is whatever stands there then", asked.place, _fix(asked))
            continue
        exact = asked.resolved is None and _declared.exact(asked) is not None
        what = "a branch or a tag that moves, so it is other code tomorrow; a commit cannot be moved"
        if exact or re.fullmatch(_PART, asked.spec):
            what = "a tag of one release, and a tag can be moved; a commit cannot be" if exact else "no whole commit, which has 40 digits"
        yield Problem(f"{asked.product}@{asked.spec}", f"{asked.product}@{asked.spec} is {what}", asked.place, _fix(asked), severity="note" if exact else None)


def _fix(asked: Declared) -> Fix:
    found = re.match(r"([\w.-]{1,100}/[\w.-]{1,100})(?:/[^@\s]{0,200})?(?:@|$)", asked.place.text or "")
    place = found[1] if found else f"anthropics/{asked.product}"
    if asked.spec and re.fullmatch(_PART, asked.spec):
        return Fix("you", "write all 40 digits of the commit")
    ref = asked.spec if asked.spec and re.fullmatch(r"[\w./-]{1,100}", asked.spec) else "HEAD"
    summary = f"write the commit that this is: uses: {place}@COMMIT{f' # {ref}' if ref != 'HEAD' else ''}"
    return Fix("you", summary, f"git ls-remote https://github.com/{place} {ref}")
