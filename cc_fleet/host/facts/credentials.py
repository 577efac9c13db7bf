"""The credentials that Claude Code keeps in files of its own.  That they are there, never what they are."""

from __future__ import annotations

from typing import Any, Iterator

from ...model import Credential, Gap, Place
from ..machine import Machine
from ..tree import Missing, Tree, Unreadable

FILE = ".credentials.json"
WANTS = (f"*/{FILE}",)
SECRETS = frozenset(
    """
    ANTHROPIC_API_KEY ANTHROPIC_AUTH_TOKEN ANTHROPIC_CUSTOM_HEADERS ANTHROPIC_FOUNDRY_API_KEY
    ANTHROPIC_AWS_API_KEY AWS_BEARER_TOKEN_BEDROCK AWS_SECRET_ACCESS_KEY CLAUDE_CODE_OAUTH_TOKEN
    CLAUDE_CODE_CLIENT_KEY_PASSPHRASE
    """.split()
)


def readable_by(tree: Tree, path: str) -> str:
    """Who may read this file, folders above it considered: owner, group or everyone.

    Of Windows' access lists only the usual is known: a home is its owner's, and nothing else is.
    """
    if path[1:3] == ":/":
        return "owner" if path.lower().startswith("c:/users/") else "everyone"
    try:
        modes = [tree.stat(path).mode & 0o044]
        while path := path.rpartition("/")[0]:
            modes.append((tree.stat(path).mode & 0o011) << 2)
    except (Missing, Unreadable):
        return "owner"
    return "everyone" if all(mode & 0o004 for mode in modes) else "group" if all(mode & 0o040 for mode in modes) else "owner"


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
            yield Credential("oauth", Place(path), readable_by(machine.tree, path), user.name)
