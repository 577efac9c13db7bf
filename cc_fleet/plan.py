"""What an audit's findings come to as changes of a repository's files: a patch, and what it leaves out.

Pure but for the text of the files, which it is given: every character that is written over is
compared with what the facts say stands there.  A version that is wrong becomes the nearest allowed
one, a version that is missing the policy's ``cli.install`` or the highest that is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from cc_fleet.client import EXTENSION, declared
from cc_fleet.host import redact
from cc_fleet.model import REDACTED, Declared, Finding, Place, Target
from cc_fleet.policy import Policy
from cc_fleet.policy.allowed import best, nearest
from cc_fleet.records import NamedTuple
from cc_fleet.report import counts

CHECKS = frozenset("cli-version cli-unpinned cli-unpublished extension-version extension-unpinned gateway-version action-unpinned pin-unresolved".split())
_SHELL = re.compile(r"(?P<shell>\|\s*(?:sudo\s+(?:-\w+\s+)*)?(?:/bin/)?(?:ba|z|k)?sh)(?P<given>\s+-s(?:\s+--)?(?=\s|$|[\"';&|)]))?")
_SECRET = re.compile(r"(?i)(?:token|passw|secret|api_?-?key|authorization|bearer|credential)[\w-]*[\"']?\s*[:= ]\s*[\"']?[^\s\"'${}<]{6,}|://[^/\s:@]+:[^/\s@]+@|sk-ant-[\w-]{6,}")


class Edit(NamedTuple):
    """``old`` at a line and column (1-based) of ``file`` becomes ``new``."""

    file: str
    line: int
    column: int
    old: str
    new: str


class Left(NamedTuple):
    """A finding that the patch leaves as it is: where, why, and what a person can do."""

    place: Place
    why: str


Text = Callable[[str], str | None]


def edits(policy: Policy, target: Target, findings: Iterable[Finding], text: Text) -> tuple[list[Edit], list[Left]]:
    """What the findings that count ask for, one edit a place; and those that are left.

    ``text`` gives a file's text, its line ends kept, None where it cannot be read.
    """
    made: dict[tuple[str, int, int], Edit] = {}
    left: dict[Left, None] = {}
    for finding in findings:
        if finding.target != target.name or not counts(finding) or finding.check not in CHECKS:
            continue
        for asked in _asked(target, finding):
            edit = _edit(policy, asked, text)
            if isinstance(edit, Left):
                left[edit] = None
                continue
            known = made.setdefault(edit[:3], edit)
            if known != edit:
                left[Left(asked.place, f"{known.new} and {edit.new} are both wanted there; decide by hand")] = None
            elif asked.lock is not None and asked.resolved is not None:
                left[Left(asked.lock, "the lock is not edited; renew it with the tool that wrote it")] = None
    return list(made.values()), list(left)


def _asked(target: Target, finding: Finding) -> Iterator[Declared]:
    """The declarations that a finding is about."""
    subject = finding.problem.subject.partition("@")[0]
    for asked in target.declared:
        named = asked.product.removesuffix("-library")
        if asked.place[:3] == finding.problem.place[:3] and (subject == named or subject.endswith(named)):
            yield asked


def _edit(policy: Policy, asked: Declared, text: Text) -> Edit | Left:
    if asked.unresolved is not None:
        return Left(asked.place, f"the version comes from {asked.unresolved}; write it, or a default, there")
    if asked.product.endswith("-action") or "/" in asked.product:
        return Left(asked.place, "an action is held by a commit, and which one cannot be known without the network")
    wanted = _wanted(policy, asked)
    if wanted is None:
        return Left(asked.place, "no published version is allowed, or which are published is not known here")
    content = text(asked.place.file)
    if content is None:
        return Left(asked.place, "the file cannot be read")
    if asked.pin is not None and asked.pin.text:
        return _checked(content, Edit(asked.pin.file, asked.pin.line or 0, asked.pin.column or 0, asked.pin.text, _replaced(asked, wanted)), asked)
    if asked.spec is not None:
        return Left(asked.place, f"where the version is written cannot be told character by character; write {wanted}")
    return _inserted(content, asked, wanted)


def _wanted(policy: Policy, asked: Declared) -> str | None:
    version = declared.version(asked)
    if asked.product in ("cli", EXTENSION):
        rule = policy.extensions.get(asked.product)
        allowed = rule.versions if rule else None
        return nearest(policy, version, asked.product, allowed) if version is not None else best(policy, asked.product, allowed)
    product = asked.product.removesuffix("-library")
    return next((one.instead for one in policy.denials(product, version or "") if one.instead), None)


def _replaced(asked: Declared, wanted: str) -> str:
    """What is written over the characters of the version: of a tag such as ``main-v1.82.7-stable`` its number alone."""
    old = asked.pin.text if asked.pin is not None else None
    one = declared.version(asked._replace(resolved=None))
    if old and one and one in old:
        return old.replace(one, wanted)
    return f"=={wanted}" if asked.scheme == "pep440" else wanted


def _checked(content: str, edit: Edit, asked: Declared) -> Edit | Left:
    """``edit``, if its characters stand where the facts say."""
    rows = content.split("\n", edit.line)
    row = rows[edit.line - 1] if 0 < edit.line <= len(rows) else ""
    if edit.column < 1 or row[edit.column - 1 : edit.column - 1 + len(edit.old)] != edit.old or REDACTED in edit.old:
        return Left(asked.place, "what stands there is written in another way than it is read; change it by hand")
    return edit


def _inserted(content: str, asked: Declared, wanted: str) -> Edit | Left:
    """A version where none is said."""
    place, word = asked.place, asked.place.text or ""
    if asked.pin is not None:
        return _checked(content, Edit(asked.pin.file, asked.pin.line or 0, asked.pin.column or 0, "", f"@{wanted}"), asked)
    if asked.scheme == "npm" or (asked.product == EXTENSION and asked.installer != "brew"):
        found = _checked(content, Edit(place.file, place.line or 0, place.column or 0, word, f"{word}@{wanted}"), asked)
        return found if word and "@" not in word.lstrip("@") else Left(place, f"write {wanted} there by hand")
    if asked.scheme == "pep440" and word:
        return _checked(content, Edit(place.file, place.line or 0, place.column or 0, word, f"{word}=={wanted}"), asked)
    if asked.installer == "native":
        return _piped(content, asked, wanted)
    return Left(place, f"{asked.installer} is told no version in this way; install {wanted} by a way that takes one")


def _piped(content: str, asked: Declared, wanted: str) -> Edit | Left:
    """``curl … | bash`` becomes ``curl … | bash -s WANTED``."""
    place = asked.place
    rows = content.split("\n")
    for number in range((place.line or 1) - 1, min(len(rows), (place.line or 1) + 4)):
        start = (place.column or 1) - 1 if number == (place.line or 1) - 1 else 0
        found = _SHELL.search(rows[number], start)
        if found is not None:
            rest = rows[number][found.end() :]
            if rest.lstrip()[:1] not in ("", "\\", "&", ";", "|", ")", '"', "'", "#", "\r", "`"):
                break
            added = f" {wanted}" if found["given"] else f" -s {wanted}"
            return Edit(place.file, number + 1, found.end() + 1, "", added)
        if not rows[number].rstrip("\r").rstrip().endswith(("\\", "|")):
            break
    return Left(place, f"write the version behind the installer by hand: | bash -s {wanted}")


def applied(content: str, changes: Iterable[Edit]) -> str:
    """A file's text after its edits."""
    rows = content.split("\n")
    for edit in sorted(changes, key=lambda one: (one.line, one.column), reverse=True):
        row = rows[edit.line - 1]
        rows[edit.line - 1] = row[: edit.column - 1] + edit.new + row[edit.column - 1 + len(edit.old) :]
    return "\n".join(rows)


def patch(file: str, before: str, after: str) -> str | None:
    """The unified patch of one file, as ``git apply`` takes it; None where it would show a secret."""
    import difflib

    for context in (3, 2, 1):
        lines = list(difflib.unified_diff(_lines(before), _lines(after), f"a/{file}", f"b/{file}", n=context))
        if not any(_SECRET.search(line) or redact.has_secret(redact.url(line)) for line in lines[2:]):
            head = (f"--- {_named(f'a/{file}')}\n", f"+++ {_named(f'b/{file}')}\n")
            return "".join((*head, *(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines[2:])))
    return None


def _lines(text: str) -> list[str]:
    rows = text.split("\n")
    return [f"{row}\n" for row in rows[:-1]] + ([rows[-1]] if rows[-1] else [])


def _named(path: str) -> str:
    """A path as git writes it: quoted where it has to be."""
    data = path.encode("utf-8", "surrogateescape")
    if all(0x20 < byte < 0x7F and byte not in b'"\\' for byte in data):
        return path
    return '"' + "".join(chr(byte) if 0x20 <= byte < 0x7F and byte not in b'"\\' else f"\\{byte:03o}" for byte in data) + '"'
