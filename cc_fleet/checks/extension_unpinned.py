"""The editor may update an extension whose version the policy pins.

An editor updates every extension whose entry in `extensions.json` is not `pinned`, whatever its
settings say of other extensions. Installing `id@version` or a VSIX pins it in current editors; older
ones and forks do not (measured). Where `extensions.autoUpdate` or `extensions.autoCheckUpdates` is
`false`, nothing updates by itself: then it is a note, because that setting is all that holds the
version. A JetBrains IDE pins no plugin.

In a repository: a devcontainer, or `code --install-extension ID`, that names no version of an extension
that the policy pins. The recommendations of `.vscode/extensions.json` cannot name one, and are not judged.

**Fix**: install by number, or choose "Auto Update" off for this extension.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks import Subject, _editor, _install
from cc_fleet.client import EXTENSION
from cc_fleet.model import Fix, Problem
from cc_fleet.policy import Policy
from cc_fleet.policy.allowed import best

SEVERITY = "warning"


def compare(policy: Policy, subject: Subject) -> Iterator[Problem]:
    for copy in subject.extensions():
        rule = policy.extensions.get(copy.product)
        if rule is None or not rule.pinned or not copy.active_for or copy.pinned is True:
            continue
        message = f"{copy.method} may update {copy.product} {copy.version}: it is not pinned"
        if copy.product == _editor.JETBRAINS:
            yield Problem(copy.product, message, copy.place, Fix("you", "switch off the automatic updates of plugins in the IDE's settings"))
            continue
        automatic, setting = _editor.updates(subject, copy.active_for[0], copy.method)
        if not automatic:
            message = f"{copy.product} {copy.version} in {copy.method} is not pinned, and only a setting keeps it from being updated"
        yield Problem(copy.product, message, copy.place, _install.kept(policy, copy),
                      trace=setting.trace(), severity=None if automatic else "note")  # fmt: skip
    for asked in subject.asked("extension"):
        from cc_fleet.checks import _declared, _written

        rule = policy.extensions.get(asked.product)
        if rule is None or not rule.pinned or asked.unresolved or _declared.exact(asked) is not None:
            continue
        wanted = best(policy, asked.product, rule.versions) if asked.product == EXTENSION else None
        yield Problem(asked.product, f"{asked.product} is asked for without a version, so it is whatever is newest then", asked.place, _written.fix(asked, wanted))
