"""Which settings files a version of the client does not take, and what it does then; and its gate.

Measured on real clients from 2.1.25 to 2.1.330 (``tests/real/measured.json``): bad JSON voids
a file in every version; a wrong type voids a user's, project's or local file, and a managed one
only before 2.1.166, later ones drop the entry alone; and a managed file that is no JSON keeps
newer clients from starting at all. Where the first version of a change lies between two that
were measured, the stricter reading is taken for those between.

The gate is the client's own: two bounds in managed settings, outside of which it does not
start (measured on 2.1.153, 2.1.162, 2.1.163 and 2.1.330; the last two read them alike).
"""

# Annotations are not postponed here: as texts each would be compiled at start.
import re
from collections.abc import Callable, Iterator
from typing import Any

from cc_fleet.model import Place, Rejected, Setting, Target
from cc_fleet.records import NamedTuple

MANAGED = ("managed", "drop-in")
_MODES = frozenset(("acceptEdits", "auto", "bypassPermissions", "default", "delegate", "dontAsk", "plan"))
_NEVER = (10**9, 0, 0)
_Version = tuple[int, int, int]
# The gate, by name: whether it is the lower bound. Clients before GATE_SINCE do not know it.
GATE = {"requiredMinimumVersion": True, "requiredMaximumVersion": False}
GATE_SINCE = (2, 1, 163)


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
    Shape(("permissions", "defaultMode"), lambda v: isinstance(v, str) and v in _MODES, "permissions.defaultMode is no mode"),
    Shape(("hooks",), lambda v: isinstance(v, dict), "hooks is not an object", until=(2, 1, 132)),
    Shape(("cleanupPeriodDays",), _is_days, "cleanupPeriodDays is not a whole number from 1"),
    Shape(("cleanupPeriodDays",), lambda v: v != 0, "cleanupPeriodDays is 0", since=(2, 1, 84)),
    *(Shape(key, lambda v: isinstance(v, list), f"{'.'.join(key)} is not a list") for key in _LISTS),
    *(Shape(key, _are_texts, f"{'.'.join(key)} holds something that is not a text", until=(2, 1, 50)) for key in _LISTS),
    *(Shape((name,), lambda v: isinstance(v, str), f"{name} is not a text", since=GATE_SINCE) for name in GATE),
)
# Asked of ~/.claude.json alone, and nothing else of that file is a setting.  ``userID`` the client writes itself.
GLOBAL_ONLY = frozenset(
    "autoConnectIde autoInstallIdeExtension diffTool externalEditorContext permissionExplainerEnabled teammateDefaultModel userID".split()
)
_BY_ROOT = {shape.key[0]: tuple(other for other in SHAPES if other.key[0] == shape.key[0]) for shape in SHAPES}
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
        if setting.key[0] in _BY_ROOT and setting.place.file not in seen and (reason := _wrong(setting, version)) is not None:
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
    return _misshapen(setting, version)


def drops(setting: Setting, version: _Version) -> bool:
    """Whether a client of ``version`` takes the file of ``setting``, and not this entry: what it beats counts then."""
    return setting.scope in _BY_ENTRY and version >= _BY_ENTRY[setting.scope] and _misshapen(setting, version) is not None


def _misshapen(setting: Setting, version: _Version) -> str | None:
    for shape in _BY_ROOT.get(setting.key[0], ()):
        if shape.since <= version < shape.until and setting.key[: len(shape.key)] == shape.key:
            value = setting.value if setting.key == shape.key else {}  # a fact below it: there stands an object
            if not shape.good(value):
                return shape.reason
    return None


_BLANK = "\t\n\v\f\r \xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_NUMBER = "(0|[1-9][0-9]*)"
_NAME = "(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_BOUND = rf"v?{_NUMBER}\.{_NUMBER}\.{_NUMBER}(-{_NAME}(?:\.{_NAME})*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"


def bound(value: Any) -> tuple[int, int, int, int] | None:
    """What a client reads in a bound of its gate, to compare with ``key(version)[:4]``; None: it drops it, in silence.

    A version as node-semver has it: ``v`` before it, blanks around it, a pre-release (0 at the
    end, for it comes before its release) and a build are taken; a range, a short version, a
    leading zero, a number past 2**53 and a text over 256 letters are not (measured).
    """
    if not isinstance(value, str) or len(value) > 256:
        return None
    found = re.fullmatch(_BOUND, value.strip(_BLANK))
    if found is None or any(int(part) >= 2**53 for part in found.groups()[:3]):
        return None
    return (int(found[1]), int(found[2]), int(found[3]), 0 if found[4] else 1)
