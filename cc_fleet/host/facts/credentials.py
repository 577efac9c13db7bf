"""The credentials that Claude Code keeps in files of its own.  That they are there, never what they are."""

from __future__ import annotations

from typing import Any, Iterator

from ...model import Credential, Gap, Place
from ..machine import Machine
from ..tree import Missing, Unreadable

FILE = ".credentials.json"
WANTS = (f"*/{FILE}",)
SECRETS = frozenset(
    """
    ANTHROPIC_API_KEY ANTHROPIC_AUTH_TOKEN ANTHROPIC_CUSTOM_HEADERS ANTHROPIC_FOUNDRY_API_KEY
    ANTHROPIC_AWS_API_KEY AWS_BEARER_TOKEN_BEDROCK AWS_SECRET_ACCESS_KEY CLAUDE_CODE_OAUTH_TOKEN
    CLAUDE_CODE_CLIENT_KEY_PASSPHRASE
    """.split()
)


def readable_by(mode: int) -> str:
    """Who may read a file with these permission bits: owner, group or everyone."""
    return "everyone" if mode & 0o004 else "group" if mode & 0o040 else "owner"


def read(machine: Machine) -> Iterator[Any]:
    for user in machine.users:
        path = f"{machine.session(user).config}/{FILE}"
        try:
            stat = machine.tree.stat(path)
        except Missing:
            continue
        except Unreadable as err:
            yield Gap(str(err), Place(path))
            continue
        if stat.size:
            yield Credential("oauth", Place(path), readable_by(stat.mode), user.name)
