"""Which managed source is in force: the first that holds anything is used whole, the others are silent.

Order (facts/claude-code.md 1.2): the server's settings, a macOS profile or the machine's registry,
Windows' file as WSL inherits it, the file with its drop-ins, the user's registry. From 2.1.223 on
the variables in ``env`` are taken from every administrator's source, one by one. The file, its
drop-ins and their versions were measured; the rest is documented, and was read in the clients.
"""

# Annotations are not postponed here: as texts each would be compiled at start.
from typing import NamedTuple

from cc_fleet.client.validity import READ_SINCE

# Strongest first; scopes of one line are one source. ``plist`` of a user comes before the machine's.
TIERS = (("remote",), ("plist", "hklm"), ("windows",), ("managed", "drop-in"), ("program-data",), ("hkcu",))
SCOPES = frozenset(scope for tier in TIERS for scope in tier)
# What a user cannot write.
ADMIN = SCOPES - {"hkcu"}
ENV_UNION, NO_UNION = (2, 1, 223), "CLAUDE_CODE_DISABLE_ADMIN_ENV_UNION"
# The first version that does not read C:\\ProgramData any more.
OLD_UNTIL = (2, 1, 75)


class Managed(NamedTuple):
    """The scopes of managed sources whose settings, and whose variables, are in force."""

    settings: frozenset[str] = frozenset()
    env: frozenset[str] = frozenset()


def in_force(present: frozenset[str], version: tuple[int, int, int], *, union: bool = True) -> Managed:
    """Of the managed scopes that hold something for a user, those that a client of ``version`` goes by.

    ``union`` is False where ``CLAUDE_CODE_DISABLE_ADMIN_ENV_UNION`` is on.
    """
    read = frozenset(scope for scope in present & SCOPES if version >= READ_SINCE.get(scope, (0, 0, 0)))
    if version >= OLD_UNTIL or read & {"managed", "drop-in"}:
        read -= {"program-data"}
    first = next((read & set(tier) for tier in TIERS if read & set(tier)), frozenset())
    admins = read & ADMIN if union and version >= ENV_UNION else frozenset()
    return Managed(first, first | admins)
