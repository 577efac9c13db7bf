"""Which settings files a version of the client does not take, and what it does then.

Measured on real clients from 2.1.25 to 2.1.330 (``tests/real/measured.json``): bad JSON voids
a file in every version; a wrong type voids a user's, project's or local file, and a managed one
only before 2.1.166, later ones drop the entry alone; and a managed file that is no JSON keeps
newer clients from starting at all. Where the first version of a change lies between two that
were measured, the stricter reading is taken for those between.
"""

# Annotations are not postponed here: as texts each would be compiled at start.
from collections.abc import Callable, Iterator
from typing import Any

from cc_fleet.model import Place, Rejected, Setting, Target
from cc_fleet.records import NamedTuple

MANAGED = ("managed", "drop-in")
_MODES = frozenset(("acceptEdits", "auto", "bypassPermissions", "default", "delegate", "dontAsk", "plan"))
_NEVER = (10**9, 0, 0)
_Version = tuple[int, int, int]


class Voided(NamedTuple):
    """A file that a client does not take: why, where, and whether the client starts at all."""

    reason: str
    place: Place
    scope: str
    user: str | None
    starts: bool


class Shape(NamedTuple):
    """What clients from ``since`` to before ``until`` demand of one key, lest they drop the file."""

    key: tuple[str, ...]
    good: Callable[[Any], bool]
    reason: str
    since: _Version = (0, 0, 0)
    until: _Version = _NEVER


def _is_days(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _are_texts(value: Any) -> bool:
    return not isinstance(value, list) or all(isinstance(item, str) for item in value)


_LISTS = tuple(("permissions", name) for name in ("allow", "ask", "deny"))
SHAPES = (
    Shape(("env",), lambda v: isinstance(v, dict), "env is not an object"),
    Shape(("model",), lambda v: isinstance(v, str), "model is not a text"),
    Shape(("permissions",), lambda v: isinstance(v, dict), "permissions is not an object"),
    Shape(("permissions", "defaultMode"), lambda v: v in _MODES, "permissions.defaultMode is no mode"),
    Shape(("hooks",), lambda v: isinstance(v, dict), "hooks is not an object", until=(2, 1, 132)),
    Shape(("cleanupPeriodDays",), _is_days, "cleanupPeriodDays is not a whole number from 1"),
    Shape(("cleanupPeriodDays",), lambda v: v != 0, "cleanupPeriodDays is 0", since=(2, 1, 84)),
    *(Shape(key, lambda v: isinstance(v, list), f"{'.'.join(key)} is not a list") for key in _LISTS),
    *(Shape(key, _are_texts, f"{'.'.join(key)} holds something that is not a text", until=(2, 1, 50)) for key in _LISTS),
)
# Asked of ~/.claude.json alone, and nothing else of that file is a setting.  ``userID`` the client writes itself.
GLOBAL_ONLY = frozenset(
    "autoConnectIde autoInstallIdeExtension diffTool externalEditorContext permissionExplainerEnabled teammateDefaultModel userID".split()
)
_SHAPED = frozenset(shape.key for shape in SHAPES)
# Scopes that older clients do not read.
READ_SINCE = {
    "drop-in": (2, 1, 83), "root-local": (2, 1, 211), "remote": (2, 0, 68), "plist": (2, 1, 75), "hklm": (2, 1, 75), "hkcu": (2, 1, 75), "windows": (2, 1, 118),
}  # fmt: skip
# Scopes of documents that are not Claude Code's own settings.
_FOREIGN = ("global", "editor", "editor-machine", "editor-workspace", "editor-policy")
# A managed source loses only the entry that is wrong.
_BY_ENTRY = {**dict.fromkeys(("managed", "drop-in", "plist", "hklm", "hkcu", "windows"), (2, 1, 166)), "remote": (2, 1, 169)}
# A managed file that is no JSON keeps the client from starting.
MANAGED_MUST_PARSE = (2, 1, 258)
# A file over 2 MiB is refused.
SIZE_SINCE = (2, 1, 191)


def voided(target: Target, version: _Version) -> Iterator[Voided]:
    """The files on ``target`` that a client of ``version`` does not take, each with its first reason."""
    seen: set[str] = set()
    for rejected in target.rejected:
        if rejected.scope in _FOREIGN[1:] or version < READ_SINCE.get(rejected.scope, (0, 0, 0)):
            continue
        if rejected.kind == "syntax" or version >= SIZE_SINCE:
            seen.add(rejected.place.file)
            yield Voided(rejected.reason, rejected.place, rejected.scope, rejected.user, _starts(rejected, version))
    for setting in target.settings:
        if setting.key in _SHAPED and setting.place.file not in seen and (reason := _wrong(setting, version)) is not None:
            seen.add(setting.place.file)
            yield Voided(reason, setting.place, setting.scope, setting.user, starts=True)


def _starts(rejected: Rejected, version: _Version) -> bool:
    if rejected.scope == "global":
        return False
    return rejected.scope not in MANAGED or version < MANAGED_MUST_PARSE


def _wrong(setting: Setting, version: _Version) -> str | None:
    if version < READ_SINCE.get(setting.scope, (0, 0, 0)):
        return None
    if setting.scope in _FOREIGN or (setting.scope in _BY_ENTRY and version >= _BY_ENTRY[setting.scope]):
        return None
    for shape in SHAPES:
        if shape.key == setting.key and shape.since <= version < shape.until and not shape.good(setting.value):
            return shape.reason
    return None
