"""A credential stands in a URL, in a project's file, or in a file that others can read.

The value is never read into a fact; only that it is there, of which kind, and who may read the
file. A project's shared settings are committed, so a credential there is everybody's. So is one in any
file of a repository: an image's `ENV`, a job's variables, a script; taking the line out does not
take it out of the history. In an image every credential is everybody's who can pull it: in a variable, a build
argument, any layer, one that a later layer deletes too. References (`$X`, `${{ secrets.X }}`) and placeholders are no credentials.

**Fix**: revoke the credential, then keep the new one in the user's own files, mode 0600; an image's build gets it by
`RUN --mount=type=secret`.
"""

from __future__ import annotations

from collections.abc import Iterator

from cc_fleet.checks import Subject, _install
from cc_fleet.checks import who as changed_by
from cc_fleet.model import Credential, Fix, Problem
from cc_fleet.policy import Policy

SEVERITY = "error"


def compare(policy: Policy, subject: Subject) -> Iterator[Problem]:
    shared = {s.place.file for s in subject.target.settings if s.scope in ("project", "editor-workspace")}
    committed = subject.target.kind == "repository"
    for credential in subject.target.credentials:
        problem = _committed(credential) if committed else _pulled(credential) if subject.target.kind == "image" else _of(credential, credential.place.file in shared)
        if problem is not None:
            yield problem


def _committed(found: Credential) -> Problem | None:
    if found.kind == "apiKeyHelper":
        return None  # a command, not a credential
    what = "a URL here holds a credential" if found.kind == "url" else f"{found.kind} is written here"
    return Problem(found.kind, f"{what}, and this file is committed: whoever has the repository has it, and its history keeps it", found.place,
                   Fix("you", "revoke it, and take the new one from a secret of the CI, of the build or of the user"))  # fmt: skip


def _pulled(found: Credential) -> Problem | None:
    if found.kind == "apiKeyHelper":
        return None
    what = {"url": "a URL here holds a credential", "oauth": "the login of a person is in this image"}.get(found.kind, f"{found.kind} is in this image")
    layer = found.place.layer
    gone = f"; deleting it in layer {found.removed} does not take it out of layer {layer}" if found.removed is not None and layer is not None else ""
    advice = "revoke it, and give the new one to a build by `RUN --mount=type=secret`, to a container when it starts"
    return Problem(found.kind, f"{what}, and whoever can pull it has it{gone}", found.place, Fix("you", advice))


def _of(found: Credential, shared: bool) -> Problem | None:
    who, subject = "you" if found.user else "admin", found.kind
    if found.kind == "url":
        return Problem(subject, "a URL here holds a credential, which ends up in logs", found.place,
                       Fix(who, "revoke it, and give it in a header or helper of its own"))  # fmt: skip
    if found.kind == "apiKeyHelper":
        return None  # a command, not a credential
    if shared:
        return Problem(subject, f"{found.kind} stands in a project's shared settings, which are committed", found.place,
                       Fix(who, "revoke it, and keep the new one out of the repository"))  # fmt: skip
    if found.readable_by != "owner":
        whom = "everyone on this machine" if found.readable_by == "everyone" else "its group"
        fix = Fix(who, "make the file its owner's alone", _install.private(found.place.file))
        if changed_by(found.place) == "admin":  # a file of the system, which everybody has to read
            fix = Fix("admin", "revoke it, and give each user one of their own")
        return Problem(subject, f"{found.kind} stands in a file that {whom} can read", found.place, fix,
                       severity=None if found.readable_by == "everyone" else "warning")  # fmt: skip
    return None
