"""The Windows registry: exported files of every kind, and a live one through winreg's own calls."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc_fleet.host import registry
from cc_fleet.host.registry import Live, Value
from cc_fleet.host.system import under
from cc_fleet.host.tree import Disk, Folded, Unreadable
from cc_fleet.model import Gap, Place

HEAD = "Windows Registry Editor Version 5.00\r\n\r\n"
POLICY = "HKLM\\SOFTWARE\\Policies\\ClaudeCode"
HOMES = {"c:/users/ada": "ada"}


def exported(root: Path, homes: dict[str, str] = HOMES, **files: bytes) -> tuple[registry.Exported, list[Gap]]:
    for name, data in files.items():
        (root / f"{name}.reg").write_bytes(data)
    return registry.exported(Folded(Disk(str(root)), "C:"), [f"{name}.reg" for name in files], homes)


def utf16(text: str) -> bytes:
    return b"\xff\xfe" + text.encode("utf-16-le")


@pytest.mark.parametrize("encode", [utf16, lambda text: b"\xfe\xff" + text.encode("utf-16-be"), str.encode, lambda text: b"\xef\xbb\xbf" + text.encode()], ids=range(4))
def test_an_export_in_every_encoding(tmp_path: Path, encode: Any) -> None:
    text = HEAD + '[HKEY_LOCAL_MACHINE\\Software\\Policies\\CLAUDECODE]\r\n"Settings"="{\\"model\\": \\"é\\\\n\\"}"\r\n"Number"=dword:0000000a\r\n@="default"\r\n'
    found, gaps = exported(tmp_path, all=encode(text))
    assert gaps == []
    assert found.values(POLICY) == {
        "settings": Value('{"model": "é\\n"}', Place("C:/all.reg", 4)), "number": Value(10, Place("C:/all.reg", 5)), "": Value("default", Place("C:/all.reg", 6)),
    }  # fmt: skip


def test_regedit4_is_read(tmp_path: Path) -> None:
    found, gaps = exported(tmp_path, old=b'REGEDIT4\n\n[HKEY_LOCAL_MACHINE\\A]\n"b"="c"\n')
    assert (gaps, found.values("hklm\\a")["b"].data) == ([], "c")


def test_expandable_texts_come_as_hex_over_several_lines(tmp_path: Path) -> None:
    octets = ",".join(f"{octet:02x}" for octet in "%USERPROFILE%\\x\0".encode("utf-16-le"))
    text = f'{HEAD}[HKEY_CURRENT_USER\\Environment]\r\n"CLAUDE_CONFIG_DIR"=hex(2):{octets[:30]}\\\r\n  {octets[30:]}\r\n"After"="1"\r\n'
    found, _ = exported(tmp_path, ada=utf16(text))
    assert found.values("HKU\\ada\\Environment") == {
        "claude_config_dir": Value("%USERPROFILE%\\x", Place("C:/ada.reg", 4), expand=True), "after": Value("1", Place("C:/ada.reg", 6)),
    }  # fmt: skip


def test_a_text_may_have_lines_and_a_deleted_key_says_nothing(tmp_path: Path) -> None:
    text = f'{HEAD}[-HKEY_LOCAL_MACHINE\\A]\r\n"gone"="1"\r\n[HKEY_LOCAL_MACHINE\\B]\r\n"two"="first\r\nsecond"\r\nnonsense\r\n"c"=-\r\n"d"=hex:00,01\r\n"e"="1"\r\n'
    found, gaps = exported(tmp_path, x=text.encode())
    assert (found.values("HKLM\\A"), gaps) == ({}, [])
    assert {name: (value.data, value.place.line) for name, value in found.values("HKLM\\B").items()} == {"two": ("first\r\nsecond", 6), "e": ("1", 11)}


@pytest.mark.parametrize(("files", "homes", "user"), [
    (["ada"], {"c:/users/ada": "ada", "c:/users/bob": "bob"}, "ada"), (["export"], {"c:/users/bob": "bob"}, "bob"),
])  # fmt: skip
def test_whose_current_user_it_is(tmp_path: Path, files: list[str], homes: dict[str, str], user: str) -> None:
    found, gaps = exported(tmp_path, homes, **{name: f'{HEAD}[HKEY_CURRENT_USER\\Environment]\n"A"="1"\n'.encode() for name in files})
    assert (found.values(f"HKU\\{user}\\Environment")["a"].data, gaps) == ("1", [])


def test_of_several_users_it_must_say_whose(tmp_path: Path) -> None:
    found, gaps = exported(tmp_path, {"c:/users/ada": "ada", "c:/users/bob": "bob"}, all=f'{HEAD}[HKEY_CURRENT_USER\\Environment]\n"A"="1"\n'.encode())
    assert [gap.reason for gap in gaps] == ["holds a HKEY_CURRENT_USER, and of several users it does not say whose; name the file after the user"]
    assert found.values("HKU\\ada\\Environment") == {}


def test_a_sid_is_the_user_whose_profile_it_has(tmp_path: Path) -> None:
    profiles = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\ProfileList\\S-1-5-21-7"
    text = f'{HEAD}[HKEY_USERS\\S-1-5-21-7\\Environment]\n"A"="1"\n[{profiles}]\n"ProfileImagePath"="C:\\\\Users\\\\Ada"\n'
    found, _ = exported(tmp_path, all=text.encode())
    assert found.values("HKU\\ada\\Environment")["a"].data == "1"
    assert found.keys("HKU") == ["ada"]


@pytest.mark.parametrize(("data", "reason"), [
    (b"", "is not a registry export"), (b"hello", "is not a registry export"), (utf16("x"), "is not a registry export"), (utf16(HEAD)[:-1], "is UTF-16 and was cut short"),
    (b"\0" * 100, "is not a registry export"),
])  # fmt: skip
def test_what_is_no_export_is_a_gap(tmp_path: Path, data: bytes, reason: str) -> None:
    _, gaps = exported(tmp_path, x=data)
    assert gaps == [Gap(reason, Place("C:/x.reg"))]


@pytest.mark.parametrize("cut", range(0, 240, 7))
def test_an_export_cut_short_ends_nothing(tmp_path: Path, cut: int) -> None:
    text = HEAD + '[HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\ClaudeCode]\r\n"Settings"="{\\"a\\": 1}"\r\n"B"=hex(2):25,00,\\\r\n  41,00\r\n'
    exported(tmp_path, x=utf16(text)[: cut * 2])


@given(st.text(alphabet='[]"\\=@-\r\n{}:hexd(2)HKEY_LOCAL_MACHINE0', max_size=300))
def test_any_text_is_read_in_the_end(text: str) -> None:
    found = registry.Exported()
    list(registry._file(found, "x", HEAD + text, "ada"))


def test_a_megabyte_of_open_texts_is_linear() -> None:
    import time

    before = time.process_time()
    list(registry._file(registry.Exported(), "x", HEAD + "[HKEY_LOCAL_MACHINE\\A]\n" + '"a="\\' * 200_000, None))
    assert time.process_time() - before < 10


class Winreg:
    """winreg's calls over a dictionary: names and values as the real one gives them."""

    HKEY_LOCAL_MACHINE, HKEY_CURRENT_USER, REG_SZ, REG_EXPAND_SZ, REG_BINARY = 1, 2, 1, 2, 3

    def __init__(self, keys: dict[tuple[int, str], list[tuple[str, Any, int]]]) -> None:
        self._keys = keys

    def OpenKey(self, root: int, path: str) -> Any:  # noqa: N802
        if path == "SECRET":
            raise PermissionError(13, "Access is denied")
        if path == "BROKEN":
            raise OSError(22, "x")
        known = {(hive, name.lower()): (hive, name) for hive, name in self._keys}
        if (root, path.lower()) not in known:
            raise FileNotFoundError(2, path)
        return _Key(known[root, path.lower()])

    def EnumValue(self, key: Any, number: int) -> tuple[str, Any, int]:  # noqa: N802
        values = self._keys[key.name]
        if number >= len(values):
            raise OSError(259, "No more data is available")
        return values[number]

    def EnumKey(self, key: Any, number: int) -> str:  # noqa: N802
        hive, path = key.name
        below = [name[len(path) + 1 :] for root, name in self._keys if root == hive and name.startswith(f"{path}\\")]
        if number >= len(below):
            raise OSError(259, "No more data is available")
        return below[number]


class _Key:
    def __init__(self, name: tuple[int, str]) -> None:
        self.name = name

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...


def test_the_live_registry_is_asked_as_winreg_wants_it() -> None:
    keys: dict[tuple[int, str], list[tuple[str, Any, int]]] = {
        (1, "SOFTWARE\\Policies\\ClaudeCode"): [("Settings", "{}", 1), ("Blob", b"x", 3)], (1, "SOFTWARE\\Policies\\ClaudeCode\\Sub"): [],
        (2, "Environment"): [("Path", "%USERPROFILE%\\bin", 2), ("N", 5, 4)],
    }  # fmt: skip
    live = Live(Winreg(keys), "Ada")
    assert live.values(POLICY) == {"settings": Value("{}", Place(f"{POLICY}\\Settings"))}
    assert live.values("HKU\\ada\\Environment") == {
        "path": Value("%USERPROFILE%\\bin", Place("HKU\\ada\\Environment\\Path"), expand=True), "n": Value(5, Place("HKU\\ada\\Environment\\N")),
    }  # fmt: skip
    assert live.values("HKU\\bob\\Environment") == {}
    assert live.values("HKLM\\Nothing") == {}
    assert live.keys(POLICY) == ["Sub"]


@pytest.mark.parametrize(("key", "reason"), [("HKLM\\SECRET", "permission denied"), ("HKLM\\BROKEN", "cannot be read")])
def test_a_key_that_may_not_be_read_is_told(key: str, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        Live(Winreg({}), "ada").values(key)


def test_a_windows_system_has_its_registrys_name_and_number(tmp_path: Path) -> None:
    (tmp_path / "Windows").mkdir()
    (tmp_path / "Users/ada").mkdir(parents=True)
    text = (
        f'{HEAD}[HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Cryptography]\n"MachineGuid"="4f2a"\n'
        '[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control\\ComputerName\\ComputerName]\n"ComputerName"="ADA-PC"\n'
    )
    (tmp_path / "Machine.REG").write_bytes(utf16(text))
    (tmp_path / "torn.reg").write_bytes(b"\xff\xfex")
    found = under(str(tmp_path))
    assert (found.os, found.name, found.machine_id, found.unread) == ("windows", "ADA-PC", "4f2a", (Gap("is UTF-16 and was cut short", Place("C:/torn.reg")),))
