"""Which lines of a file may hold a credential, so that nobody is shown them.  A line too many is no harm."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cc_fleet.host import redact

_BEGIN, _END = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY"), re.compile(rb"-----END [A-Z ]*PRIVATE KEY")
# What is long and no secret: a commit, a digest, the place of Claude Code's releases.
_KNOWN = re.compile(r"@[0-9a-f]{40}\b|\bsha(?:256|512)[:-][0-9A-Za-z+/=]{40,}|\bclaude-code-dist-[0-9a-f-]{36}\b")
_WORD = re.compile(r"\b[A-Za-z]+sk-")  # task-, disk-: no key begins so
_RUN = re.compile(r"[A-Za-z0-9+/_=-]{32,}")
# A name that sounds like a secret, and a value that is no reference to one.
_NAMED = re.compile(
    rf"{redact.SENSITIVE}[\w.-]{{0,60}}[\"']?\s{{0,20}}(?:[:=]{{1,2}}>?\s{{0,20}}|\s)[\"']?(?!\$|\{{\{{|%|<|\"|'|true\b|false\b|null\b|none\b|[0-9]{{1,3}}\b)(?P<value>[^\s\"',;)}}\]]{{6,200}})"
)
_USER = re.compile(r"://(?:[^/\s:@]{0,200}:)?(?!\$|git@)[^/\s@]{1,200}@")
# A program's own ways to be given one: curl -u, --password and its like, what is piped into --password-stdin.
_GIVEN = re.compile(
    r"(?:^|\s)(?:-u|--user|--proxy-user)[ =]?[\"']?[^\s:\"'$]{1,200}:(?!\$)[^\s\"']"
    r"|--[\w-]{0,40}(?:key|token|secret|passw\w{0,4}|auth|credential)[\w-]{0,20}[ =][\"']?(?!\$|\{\{|-)[^\s\"']{4}|--password-stdin",
    re.IGNORECASE,
)


def secret_lines(lines: Sequence[bytes]) -> set[int]:
    """The numbers, counted from 0, of the lines that may hold a credential."""
    found, inside = set[int](), False
    for number, line in enumerate(lines):
        inside = inside or _BEGIN.search(line) is not None
        if inside or is_secret(line.decode("utf-8", "replace")):
            found.add(number)
        inside = inside and _END.search(line) is None
    return found


def is_secret(line: str) -> bool:
    """Whether a line may hold a credential."""
    text = _WORD.sub("", _KNOWN.sub("", line))
    if redact.is_token(text) or _USER.search(text) or _GIVEN.search(text):
        return True
    if any(_is_random(run[0]) for run in _RUN.finditer(text)):
        return True
    return any(re.search(r"[0-9]|[A-Z].*[a-z]|[a-z].*[A-Z]|[^\w]", found["value"]) for found in _NAMED.finditer(text))


def _is_random(run: str) -> bool:
    """A long run of letters and digits; of one with slashes, which may be a path, a part as long, or all kinds of letters."""
    mixed = re.search(r"[0-9]", run) and re.search(r"[a-z]", run) and re.search(r"[A-Z]", run)
    return bool(mixed) or any(len(part) >= 32 and re.search(r"[0-9]", part) and re.search(r"[A-Za-z]", part) for part in run.split("/"))
