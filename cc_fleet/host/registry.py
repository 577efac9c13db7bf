"""The Windows registry: live through ``winreg``, or exported to ``.reg`` files.

Keys are written as people write them, ``HKLM\\SOFTWARE\\Policies\\ClaudeCode``, and compared
without their case. A user's own hive is ``HKU\\NAME``: the names are the users', not SIDs.
"""

from __future__ import annotations

import re
from typing import Any, Iterable, Iterator, Optional, Protocol, Union

from ..model import Gap, Place
from ..records import NamedTuple
from .tree import Missing, Tree, Unreadable

_HIVES = {"hkey_local_machine": "hklm", "hkey_users": "hku", "hklm": "hklm", "hku": "hku", "hkey_current_user": "hkcu", "hkcu": "hkcu"}
_PROFILES = "hklm\\software\\microsoft\\windows nt\\currentversion\\profilelist"
_LIMIT = 64 * 1024 * 1024
_LONGEST = 4 * 1024 * 1024  # characters that stand for the octets of one value
_LINE = re.compile(
    r'(?s)[ \t]*(?:\[(?P<minus>-?)(?P<key>[^\r\n]*)\]'
    r'|(?:"(?P<name>[^"\\\r\n]*(?:\\.[^"\\\r\n]*)*)"|(?P<default>@))=(?:"(?P<text>[^"\\]*(?:\\.[^"\\]*)*)"|(?P<raw>[^\\\r\n]*(?:\\\r?\n[^\\\r\n]*){0,99999})))'
)


class Value(NamedTuple):
    """A value: a text or a whole number, and where it stands. ``expand``: its ``%NAMES%`` stand for variables."""

    data: Union[str, int]
    place: Place
    expand: bool = False


class Registry(Protocol):
    """What a source may ask. All of it raises Unreadable where a key exists and may not be read."""

    def values(self, key: str) -> dict[str, Value]:
        """The values of ``key`` by their names, none where there is no such key."""
        ...

    def keys(self, key: str) -> list[str]:
        """The names of the keys below ``key``."""
        ...


class Exported:
    """What ``.reg`` files say, by key in small letters."""

    def __init__(self) -> None:
        self._keys: dict[str, dict[str, Value]] = {}

    def values(self, key: str) -> dict[str, Value]:
        return self._keys.get(key.lower(), {})

    def keys(self, key: str) -> list[str]:
        below = key.lower() + "\\"
        return sorted({name[len(below) :].partition("\\")[0] for name in self._keys if name.startswith(below)})

    def add(self, key: str, name: str, value: Value) -> None:
        self._keys.setdefault(key.lower(), {})[name] = value

    def rename(self, names: dict[str, str]) -> None:
        """Give the users' hives their names; ``names`` has them by the SID."""
        for key in [key for key in self._keys if key.startswith("hku\\")]:
            hive, slash, rest = key[4:].partition("\\")
            if hive in names:
                self._keys[f"hku\\{names[hive]}".lower() + slash + rest] = self._keys.pop(key)


def exported(tree: Tree, names: Iterable[str], homes: dict[str, str]) -> tuple[Exported, list[Gap]]:
    """The registry that the files ``names`` in the top folder hold. ``homes``: a user's name by their home, in small letters.

    ``HKEY_CURRENT_USER`` is the user's after whom the file is called (``ada.reg``), or the only user's.
    """
    registry = Exported()
    gaps: list[Gap] = []
    for name in names:
        path = f"C:/{name}"
        owner = next((user for user in homes.values() if user.lower() == name[:-4].lower()), None)
        owner = owner or (next(iter(homes.values())) if len(homes) == 1 else None)
        try:
            data = tree.read(path, _LIMIT)
            gaps += _file(registry, path, _text(data), owner) if len(data) <= _LIMIT else [Gap(f"is larger than {_LIMIT // 1024**2} MiB", Place(path))]
        except (Missing, Unreadable) as err:
            gaps.append(Gap(str(err) or "is gone", Place(path)))
        except ValueError as err:
            gaps.append(Gap(str(err), Place(path)))
    names_by_sid: dict[str, str] = {}
    for sid in registry.keys(_PROFILES):
        image = registry.values(f"{_PROFILES}\\{sid}").get("profileimagepath")
        home = str(image.data).replace("\\", "/").replace("%SystemDrive%", "C:").lower() if image else ""
        if home in homes:
            names_by_sid[sid] = homes[home]
    registry.rename(names_by_sid)
    return registry, gaps


def _text(data: bytes) -> str:
    """Regedit writes UTF-16 with its mark; REGEDIT4 and people write bytes."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        if len(data) % 2:
            raise ValueError("is UTF-16 and was cut short")
        text = data.decode("utf-16", "replace")
    else:
        text = data.decode("utf-8-sig", "replace")
    if not re.match(r"\s*(Windows Registry Editor Version 5\.00|REGEDIT4)\s", text):
        raise ValueError("is not a registry export")
    return text


def _file(registry: Exported, path: str, text: str, owner: Optional[str]) -> Iterator[Gap]:
    key, line, at, homeless = "", 1, 0, False
    while at < len(text):
        found = _LINE.match(text, at)
        if found is None:
            end = text.find("\n", at) + 1 or len(text)
        elif found["key"] is not None:
            key = "" if found["minus"] else _key(found["key"], owner)
            homeless = homeless or key.startswith("hkcu")
            end = found.end()
        else:
            end = found.end()
            value = _value(found) if text[end : end + 1] != "\\" else None
            if key and not key.startswith("hkcu") and value is not None:
                name = "" if found["default"] else _unescaped(found["name"]).lower()
                data, expand = value
                registry.add(key, name, Value(data, Place(path, line), expand))
        end = max(end, at + 1)
        line += text.count("\n", at, end)
        at = end
    if homeless:
        yield Gap("holds a HKEY_CURRENT_USER, and of several users it does not say whose; name the file after the user", Place(path))


def _key(text: str, owner: Optional[str]) -> str:
    """``HKEY_LOCAL_MACHINE\\X`` as ``hklm\\x``; the current user's as the owner's."""
    hive, slash, rest = text.partition("\\")
    known = _HIVES.get(hive.strip().lower(), "")
    known = f"hku\\{owner}" if known == "hkcu" and owner else known
    return f"{known}{slash}{rest}".lower() if known else ""


def _value(found: "re.Match[str]") -> Optional[tuple[Any, bool]]:
    if found["text"] is not None:
        return _unescaped(found["text"]), False
    if len(found["raw"]) > _LONGEST:
        return None
    raw = re.sub(r"\\\r?\n[ \t]*", "", found["raw"]).strip()
    number = re.fullmatch(r"dword:([0-9a-fA-F]{1,8})", raw)
    if number:
        return int(number[1], 16), False
    octets = re.fullmatch(r"hex\(([12])\):([0-9a-fA-F,\s]*)", raw)
    if octets is None:
        return None
    data = bytes(int(octet, 16) & 0xFF for octet in octets[2].split(",") if octet.strip())
    return data.decode("utf-16-le", "replace").rstrip("\0"), octets[1] == "2"


def _unescaped(text: str) -> str:
    return re.sub(r"(?s)\\(.)", r"\1", text)


class Live:
    """This machine's registry. ``caller`` is the user whose hive is the current user's."""

    def __init__(self, winreg: Any, caller: str) -> None:
        self._winreg, self._caller = winreg, caller.lower()

    def values(self, key: str) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for name, data, kind in self._each(key, self._winreg.EnumValue):
            if isinstance(data, (str, int)):
                found[name.lower()] = Value(data, Place(f"{key}\\{name}"), kind == self._winreg.REG_EXPAND_SZ)
        return found

    def keys(self, key: str) -> list[str]:
        return list(self._each(key, self._winreg.EnumKey))

    def _each(self, key: str, ask: Any) -> Iterator[Any]:
        hive, _, path = key.partition("\\")
        root = self._winreg.HKEY_LOCAL_MACHINE
        if hive.upper() == "HKU":
            user, _, path = path.partition("\\")
            if user.lower() != self._caller:
                return  # another user's hive is loaded only while they are logged in, under a SID
            root = self._winreg.HKEY_CURRENT_USER
        try:
            opened = self._winreg.OpenKey(root, path)
        except FileNotFoundError:
            return
        except OSError as err:
            raise Unreadable("permission denied" if isinstance(err, PermissionError) else "cannot be read") from None
        with opened:
            number = 0
            while True:
                try:
                    yield ask(opened, number)
                except OSError:  # there is none of this number
                    return
                number += 1
