"""What a session starts with on macOS, on Windows and under systemd, and where paths are found."""

from __future__ import annotations

import json
import os
import plistlib
from pathlib import Path
from typing import Any

import pytest

from cc_fleet.host import facts, layout, windows
from cc_fleet.host.facts import prepared
from cc_fleet.host.machine import Machine, Session, User
from cc_fleet.host.origin import Known, Origin
from cc_fleet.host.registry import Value
from cc_fleet.host.system import under
from cc_fleet.host.tree import Disk, Folded, Missing, Unreadable
from cc_fleet.model import REDACTED, Gap, Place
from tests.case import write

REG = "Windows Registry Editor Version 5.00\r\n\r\n"
FLAG = "CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS"


def mac(root: Path, files: dict[str, str | bytes]) -> Machine:
    """A macOS system with the user ada."""
    return made(root, {"/Library/x": "", "/System/x": "", "/Users/ada/x": "", "/Users/Shared/x": "", "/Users/.localized": "", **files})


def win(root: Path, files: dict[str, str | bytes], registry: str = "") -> Machine:
    """A Windows system with the user ada, its registry exported as regedit does it."""
    export = {"/all.reg": b"\xff\xfe" + (REG + registry.replace("\n", "\r\n")).encode("utf-16-le")} if registry else {}
    return made(root, {"/Windows/x": "", "/Users/ada/x": "", "/Users/Public/x": "", "/Users/Default/x": "", "/Users/desktop.ini": "", **export, **files})


def made(root: Path, files: dict[str, str | bytes]) -> Machine:
    for path, content in files.items():
        if isinstance(content, str):
            write(root, path, content)
        else:
            write(root, path, "").write_bytes(content)
    return under(str(root))


def session(machine: Machine) -> Session:
    (user,) = machine.users
    return prepared(machine).session(user)


def said(machine: Machine) -> list[tuple[str, str | None, str, str]]:
    return [(one.name, one.value, one.origin, str(one.place)) for one in session(machine).variables]


# Accounts.


def test_whose_homes_macos_and_windows_have(tmp_path: Path) -> None:
    apple = mac(tmp_path / "mac", {"/private/var/root/x": "", "/Users/Guest/x": "", "/var/root/x": ""})
    assert (apple.os, apple.users) == ("macos", (User("root", "/var/root", "sh"), User("ada", "/Users/ada", "zsh")))
    assert (win(tmp_path / "win", {}).os, win(tmp_path / "win", {}).users) == ("windows", (User("ada", "C:/Users/ada", "powershell"),))


@pytest.mark.parametrize(("folders", "system"), [
    (["Users", "Windows"], "windows"), (["users", "program files"], "windows"), (["USERS", "ProgramData"], "windows"), (["Users", "Library"], "macos"),
    (["Users", "Applications"], "macos"), (["Users"], "linux"), (["Windows"], "linux"), (["etc", "home"], "linux"), ([], "linux"),
])  # fmt: skip
def test_which_system_lies_below_a_root(tmp_path: Path, folders: list[str], system: str) -> None:
    for folder in folders:
        (tmp_path / folder).mkdir()
    assert under(str(tmp_path)).os == system


# macOS.


def test_macos_has_zsh_its_own_places_and_path_helper(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "/etc/zshenv": "export CLAUDE_A=1\n", "/etc/zsh/zshenv": "export CLAUDE_NO=1\n", "/etc/zprofile": "export CLAUDE_B=2\n", "/Users/ada/.zshrc": "export CLAUDE_C=3\npath=x\n",
        "/etc/paths": "/usr/local/bin\n/usr/bin\n", "/etc/paths.d/brew": "/opt/homebrew/bin\n", "/etc/environment": "CLAUDE_E=1\n",
    }  # fmt: skip
    machine = mac(tmp_path, files)
    assert [(name, origin) for name, _, origin, _ in said(machine) if name != "CLAUDE_E"] == [("CLAUDE_A", "shell-rc"), ("CLAUDE_B", "profile"), ("CLAUDE_C", "shell-rc")]
    assert session(machine).path == ("/usr/local/bin", "/usr/bin", "/opt/homebrew/bin")
    assert session(mac(tmp_path / "bare", {})).path == tuple("/usr/local/bin /usr/bin /bin /usr/sbin /sbin".split())


def agent(*arguments: str, binary: bool = False) -> bytes:
    return plistlib.dumps({"Label": "x", "RunAtLoad": True, "ProgramArguments": list(arguments)}, fmt=plistlib.FMT_BINARY if binary else plistlib.FMT_XML)


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize(("arguments", "found"), [
    (["/bin/launchctl", "setenv", FLAG, "1"], [(FLAG, "1")]),
    (["launchctl", "setenv", FLAG, "1", "CLAUDE_B", "two words"], [(FLAG, "1"), ("CLAUDE_B", "«redacted»")]),
    (["sh", "-c", f"launchctl setenv {FLAG} 1; launchctl setenv DISABLE_AUTOUPDATER '1'"], [(FLAG, "1"), ("DISABLE_AUTOUPDATER", "1")]),
    (["sh", "-c", f'launchctl setenv {FLAG} "$(cat /x)"'], [(FLAG, None)]),
    (["sh", "-c", "launchctl setenv OTHER 1"], []),
    (["echo", "setenv"], []),
])  # fmt: skip
def test_what_a_launchd_agent_sets(tmp_path: Path, arguments: list[str], found: list[tuple[str, str | None]], binary: bool) -> None:
    machine = mac(tmp_path, {"/Users/ada/Library/LaunchAgents/env.plist": agent(*arguments, binary=binary), "/Library/LaunchAgents/other.plist": b"broken, and of no concern"})
    assert [(name, value) for name, value, origin, _ in said(machine) if origin == "launchd"] == found
    assert session(machine).gaps == ()


@pytest.mark.parametrize("cut", [10, 40, -12, -30])
@pytest.mark.parametrize("binary", [False, True])
def test_an_agent_cut_short_is_a_gap_where_it_speaks_of_setenv(tmp_path: Path, binary: bool, cut: int) -> None:
    data = agent("launchctl", "setenv", FLAG, "1", binary=binary)
    machine = mac(tmp_path, {"/Users/ada/Library/LaunchAgents/env.plist": data[:cut] if b"setenv" in data[:cut] else data[:-10] + b"setenv"})
    (gap,) = session(machine).gaps
    assert gap == Gap("is no property list, and speaks of setenv, so what it sets cannot be read", Place("/Users/ada/Library/LaunchAgents/env.plist"))


# systemd.


def linux(root: Path, files: dict[str, str | bytes]) -> Machine:
    return made(root, {"/etc/passwd": "ada:x:1:1::/home/ada:/bin/bash\n", "/home/ada/x": "", **files})


def test_environment_d_and_what_replaces_what(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "/usr/lib/environment.d/10-a.conf": f"{FLAG}=0\n", "/etc/environment.d/10-a.conf": f"{FLAG}=1\n", "/home/ada/.config/environment.d/20-b.conf":
        '# x\nCLAUDE_CONFIG_DIR="${HOME}/cfg"\nPATH=$HOME/bin:$PATH\nDISABLE_AUTOUPDATER=${X:-1}\n nonsense\nANTHROPIC_API_KEY=hunter2\n', "/etc/environment.d/readme": "CLAUDE_X=1",
    }  # fmt: skip
    machine = linux(tmp_path, files)
    assert [(name, value) for name, value, _, _ in said(machine)] == [
        (FLAG, "1"), ("CLAUDE_CONFIG_DIR", "/home/ada/cfg"), ("DISABLE_AUTOUPDATER", None), ("ANTHROPIC_API_KEY", REDACTED),
    ]  # fmt: skip
    assert (session(machine).config, session(machine).path[0]) == ("/home/ada/cfg", "/home/ada/bin")
    assert [str(one.place) for one in session(machine).variables][:2] == ["/etc/environment.d/10-a.conf:1", "/home/ada/.config/environment.d/20-b.conf:2"]


def test_a_shell_beats_what_the_desktop_set(tmp_path: Path) -> None:
    machine = linux(tmp_path, {"/etc/environment.d/a.conf": f"{FLAG}=0\n", "/home/ada/.bashrc": f"export {FLAG}=1\n"})
    from cc_fleet.client import views

    write(tmp_path, "/home/ada/.claude/settings.json", "{}")
    write(tmp_path, "/home/ada/.claude/.credentials.json", "{}")
    (view,) = list(views(facts.collect(machine)))
    found = view.env(FLAG)
    assert [(step.source, step.value) for step in found.trace()] == [("the shell's start-up file", '"1"'), ("systemd's user environment", '"0"')]


# Windows.

ENVIRONMENT = f"""[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Environment]
"Path"="C:\\\\Windows;C:\\\\Program Files\\\\nodejs\\\\"
"{FLAG.title()}"="0"
"DISABLE_AUTOUPDATER"="1"
[HKEY_CURRENT_USER\\Environment]
"Path"="C:\\\\Users\\\\ada\\\\AppData\\\\Roaming\\\\npm"
"{FLAG}"="1"
"ANTHROPIC_API_KEY"="hunter2"
"""


def test_the_registry_gives_variables_and_path(tmp_path: Path) -> None:
    machine = win(tmp_path, {}, ENVIRONMENT)
    assert said(machine) == [
        (FLAG, "0", "registry", "C:/all.reg:5"), ("DISABLE_AUTOUPDATER", "1", "registry", "C:/all.reg:6"), (FLAG, "1", "registry", "C:/all.reg:9"),
        ("ANTHROPIC_API_KEY", REDACTED, "registry", "C:/all.reg:10"),
    ]  # fmt: skip
    assert session(machine).path == ("C:/Windows", "C:/Program Files/nodejs/", "C:/Users/ada/AppData/Roaming/npm")
    found = facts.collect(machine)
    assert "hunter2" not in repr(found)
    assert [one.kind for one in found.credentials] == ["ANTHROPIC_API_KEY"]


@pytest.mark.parametrize(("value", "config"), [
    ("%USERPROFILE%\\cfg", "C:/Users/ada/cfg"), ("%userprofile%\\a\\..\\b", "C:/Users/ada/b"), ("d:\\cfg\\", "D:/cfg"), ("%NOBODY%\\x", "C:/Users/ada/.claude"),
])  # fmt: skip
def test_the_settings_folder_may_stand_elsewhere(tmp_path: Path, value: str, config: str) -> None:
    octets = ",".join(f"{octet:02x}" for octet in f"{value}\0".encode("utf-16-le"))
    found = session(win(tmp_path, {}, f'[HKEY_CURRENT_USER\\Environment]\n"CLAUDE_CONFIG_DIR"=hex(2):{octets}\n'))
    assert found.config == config
    assert bool(found.gaps) == ("NOBODY" in value)


def test_a_plain_text_of_the_registry_is_not_expanded() -> None:
    assert windows.expanded(Value("%A%", Place("x")), {"A": "1"}) == "%A%"


@pytest.mark.parametrize(("text", "found"), [
    ('$env:CLAUDE_X = "1"', [("CLAUDE_X", REDACTED)]), (f"$Env:{FLAG}='1'\r\n", [(FLAG, "1")]), (f'  $env:{FLAG} = "$x"', [(FLAG, None)]), (f"$env:{FLAG} = Get-It", [(FLAG, None)]),
    (f'if ($x) {{ $env:{FLAG} = "1" }}', [(FLAG, None)]), (f'# $env:{FLAG} = "1"', []), (f'<# $env:{FLAG} = "1" #>', []), (f'"text $env:{FLAG} = 1"', []),
    (f'@"\n$env:{FLAG} = "1"\n"@\n', []), (f'if ($x) {{ }}\n$env:{FLAG} = "1"; $y = 2', [(FLAG, "1")]), ('$env:PATH = "x"', []), ("", []), (f'@"\n$env:{FLAG}', []),
])  # fmt: skip
def test_what_a_powershell_profile_sets(tmp_path: Path, text: str, found: list[tuple[str, str | None]]) -> None:
    machine = win(tmp_path, {"/Users/ada/Documents/PowerShell/profile.ps1": text})
    assert [(name, value) for name, value, _, _ in said(machine)] == found


def test_a_profile_of_a_megabyte_is_read_in_linear_time() -> None:
    import time

    before = time.process_time()
    for piece in ("{", '$env:A="', "<#", '@"\n', "$env:A=", "'"):
        list(windows.powershell(Origin("profile", "x", piece * (1_000_000 // len(piece)), None, frozenset()), Known({}, set())))
    assert time.process_time() - before < 60


def test_the_live_caller_of_windows_has_the_last_word(tmp_path: Path) -> None:
    machine = win(tmp_path, {}, ENVIRONMENT)
    environ = {"Path": "C:\\x;C:\\Tools", "Disable_AutoUpdater": "0", "USERPROFILE": "C:\\Users\\ada"}
    live = machine._replace(kind="machine", caller=machine.users[0], environ=environ, cwd="C:/Users/ada/shop")
    assert said(live)[-1] == ("DISABLE_AUTOUPDATER", "0", "process", "the environment of this process")
    assert session(live).path == ("C:/x", "C:/Tools")


# Managed settings that are no files.

SETTINGS = {"env": {FLAG: "1"}, "requiredMinimumVersion": "2.1.163"}


def test_the_managed_profile_of_macos(tmp_path: Path) -> None:
    folder = "/Library/Managed Preferences"
    files: dict[str, str | bytes] = {
        f"{folder}/com.anthropic.claudecode.plist": plistlib.dumps(SETTINGS, fmt=plistlib.FMT_BINARY), f"{folder}/ada/com.anthropic.claudecode.plist": plistlib.dumps({"model": "opus"}),
        "/Library/Application Support/ClaudeCode/managed-settings.json": '{"model": "sonnet"}',
    }  # fmt: skip
    found = facts.collect(mac(tmp_path, files)).settings
    assert [(".".join(s.key), s.value, s.scope, s.user, s.place.line) for s in found] == [
        ("model", "opus", "plist", "ada", None), (f"env.{FLAG}", "1", "plist", None, None), ("requiredMinimumVersion", "2.1.163", "plist", None, None), ("model", "sonnet", "managed", None, 1),
    ]  # fmt: skip


@pytest.mark.parametrize("cut", [0, 5, 8, 40, -1, -20])
def test_a_profile_cut_short_is_a_gap(tmp_path: Path, cut: int) -> None:
    data = plistlib.dumps(SETTINGS, fmt=plistlib.FMT_BINARY)[:cut]
    path = "/Library/Managed Preferences/com.anthropic.claudecode.plist"
    found = facts.collect(mac(tmp_path, {path: data}))
    assert (found.gaps, found.settings) == ((Gap("is no property list, or was cut short", Place(path)),), ())


def policy(hive: str, text: str) -> str:
    return f'[{hive}\\SOFTWARE\\Policies\\ClaudeCode]\n"Settings"={json.dumps(text)}\n'


def test_the_registrys_policies_and_the_dead_path(tmp_path: Path) -> None:
    registry = policy("HKEY_LOCAL_MACHINE", json.dumps(SETTINGS)) + policy("HKEY_CURRENT_USER", '{"model": "opus"}')
    found = facts.collect(win(tmp_path, {"/ProgramData/ClaudeCode/managed-settings.json": '\ufeff{"model": "old"}', "/Program Files/ClaudeCode/Managed-Settings.D/50.json": '{\r\n"model": "d"}'}, registry))
    assert [(".".join(s.key), s.scope, s.user, str(s.place)) for s in found.settings] == [
        ("model", "drop-in", None, "C:/Program Files/ClaudeCode/managed-settings.d/50.json:2"),
        (f"env.{FLAG}", "hklm", None, "C:/all.reg:4"), ("requiredMinimumVersion", "hklm", None, "C:/all.reg:4"), ("model", "hkcu", "ada", "C:/all.reg:6"),
        ("model", "program-data", None, "C:/ProgramData/ClaudeCode/managed-settings.json:1"),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["{", "[]", "1", '{"a": 1,}', ""])
def test_a_policy_that_is_no_object_is_rejected(tmp_path: Path, text: str) -> None:
    found = facts.collect(win(tmp_path, {}, policy("HKEY_LOCAL_MACHINE", text)))
    assert found.settings == ()
    assert [(one.scope, str(one.place)) for one in found.rejected] == ([("hklm", "C:/all.reg:4")] if text else [])


def test_the_servers_settings_and_what_wsl_inherits(tmp_path: Path) -> None:
    wsl = "/mnt/c/Program Files/ClaudeCode/managed-settings.json"
    files: dict[str, str | bytes] = {"/home/ada/.claude/remote-settings.json": '{"model": "opus"}', wsl: '{"wslInheritsWindowsSettings": true, "model": "x"}'}
    assert [(s.scope, s.value, s.user) for s in facts.collect(linux(tmp_path / "a", files)).settings] == [("windows", True, None), ("windows", "x", None), ("remote", "opus", "ada")]
    assert facts.collect(linux(tmp_path / "b", {wsl: '{"model": "x"}'})).settings == ()


def test_windows_drop_ins_are_inherited_with_its_file_and_the_last_wins(tmp_path: Path) -> None:
    from cc_fleet.client import views

    folder = "/mnt/c/Program Files/ClaudeCode"
    files: dict[str, str | bytes] = {
        f"{folder}/managed-settings.json": '{"model": "file"}', f"{folder}/managed-settings.d/10.json": '{"model": "first"}', f"{folder}/managed-settings.d/20.json": '{"model": "last"}',
        f"{folder}/managed-settings.d/.30.json": '{"model": "hidden"}', f"{folder}/managed-settings.d/15.json": '{"wslInheritsWindowsSettings": true}', "/home/ada/.claude/settings.json": "{}",
        "/home/ada/.claude/.credentials.json": "{}",
    }  # fmt: skip
    (view,) = views(facts.collect(linux(tmp_path / "a", files)))
    assert (view.setting("model").value, [step.value for step in view.setting("model").trace()]) == ("last", ['"last"', '"first"', '"file"'])
    del files[f"{folder}/managed-settings.d/15.json"]
    assert facts.collect(linux(tmp_path / "b", files)).settings == ()
    files[f"{folder}/managed-settings.d/15.json"] = "{,}"
    assert [(one.scope, one.place.file) for one in facts.collect(linux(tmp_path / "c", files)).rejected] == [("windows", f"{folder}/managed-settings.d/15.json")]
    assert facts.collect(linux(tmp_path / "d", {f"{folder}/managed-settings.d": ""})).gaps == (Gap("is not a folder", Place(f"{folder}/managed-settings.d")),)


def test_a_policy_helper_is_a_gap(tmp_path: Path) -> None:
    found = facts.collect(linux(tmp_path, {"/etc/claude-code/managed-settings.json": '{"policyHelper": "/opt/x"}', "/home/ada/.claude/settings.json": '{"policyHelper": "/opt/x"}'}))
    assert found.gaps == (Gap("names a program that makes the managed settings; what it says is not read", Place("/etc/claude-code/managed-settings.json", 1, 2)),)


# Where paths are found.


@pytest.mark.parametrize(("pattern", "found"), [
    ("/a/x", ["/a/x"]), ("/none/x", ["/none/x"]), ("/a/*", ["/a/one", "/a/two"]), ("/a/t*", ["/a/two"]), ("/a/*e", ["/a/one"]), ("/a/o*e/x", ["/a/one/x"]), ("/none/*", []),
    ("/a/*/v*/z", ["/a/one/v1/z", "/a/one/v2/z"]), ("/a/.h*", ["/a/.hidden"]), ("/a/o*ne*", ["/a/one"]), ("/a/two/*", []),
])  # fmt: skip
def test_a_pattern_names_what_is_there(tmp_path: Path, pattern: str, found: list[str]) -> None:
    for folder in ("a/one/v1", "a/one/v2", "a/.hidden"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "a/two").write_text("")
    assert ["Gap" if isinstance(one, Gap) else one for one in layout.find(Disk(str(tmp_path)), pattern)] == found


def test_a_folder_of_more_than_anybody_means_is_bounded(tmp_path: Path) -> None:
    for number in range(600):
        (tmp_path / f"n{number:03}").mkdir()
    found = list(layout.find(Disk(str(tmp_path)), "/*"))
    assert len(found) == 501
    assert found[0] == Gap("holds more than 500 entries, and what follows was not read", Place("/"))


def test_names_that_differ_by_case_are_one(tmp_path: Path) -> None:
    write(tmp_path, "/Users/Ada/.Claude/Settings.JSON", "x")
    (tmp_path / "loop").symlink_to("loop")
    tree = Folded(Disk(str(tmp_path)), "C:")
    assert tree.read("c:/users/ada/.claude/settings.json") == b"x"
    assert tree.names("C:/USERS") == ["Ada"]
    assert tree.stat("C:/users/ada/.claude/settings.json").real == "C:/Users/Ada/.Claude/Settings.JSON"
    assert tree.stat("C:/").kind == "folder"
    assert (len(tree.sha256("C:/users/ada/.claude/settings.json")), tree.files) == (64, 1)
    for path in ("D:/users", "/Users/Ada", "C:", "C:users", "C:/users/eve"):
        with pytest.raises(Missing):
            tree.stat(path)
    with pytest.raises(Unreadable):
        tree.read("C:/Loop")


def test_of_two_names_that_differ_by_case_the_written_one_is_taken(tmp_path: Path) -> None:
    for name in ("A", "a"):
        write(tmp_path, f"/{name}", name)
    assert [Folded(Disk(str(tmp_path))).read(f"/{name}") for name in ("A", "a")] == [b"A", b"a"]


def test_a_disk_of_windows_is_asked_by_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the reader does where there is no O_DIRECTORY and no listing of a descriptor."""
    write(tmp_path, "/x/a", "1")
    monkeypatch.setattr(os, "supports_fd", set())
    assert Disk().names(f"{tmp_path}/x") == ["a"]
    assert Disk().read(f"{tmp_path}/x/a") == b"1"


def winreg_machine(monkeypatch: pytest.MonkeyPatch, modules: dict[str, Any]) -> None:
    import importlib

    real = importlib.import_module
    monkeypatch.setattr(importlib, "import_module", lambda name, *rest: modules.get(name) or real(name, *rest))


def test_the_live_windows_machine_asks_winreg(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from cc_fleet.host import system
    from tests.host.test_registry import Winreg

    keys = {(1, "SOFTWARE\\Microsoft\\Cryptography"): [("MachineGuid", "4f2a", 1)], (2, "Environment"): [("DISABLE_AUTOUPDATER", "1", 1)]}
    winreg_machine(monkeypatch, {"winreg": Winreg(keys)})
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(system, "_is_privileged", lambda: False)
    monkeypatch.setattr(system, "_caller", lambda _: User("ada", "C:/Users/ada", "powershell"))
    monkeypatch.delenv("DISABLE_AUTOUPDATER", raising=False)
    machine = system.live()
    assert (machine.os, machine.machine_id, machine.users) == ("windows", "4f2a", (User("ada", "C:/Users/ada", "powershell"),))
    assert ("DISABLE_AUTOUPDATER", "1", "registry", "HKU\\ada\\Environment\\DISABLE_AUTOUPDATER") in said(machine)


def test_a_password_that_begins_with_a_dollar_is_not_shown(tmp_path: Path) -> None:
    machine = linux(tmp_path, {"/etc/environment.d/a.conf": "ANTHROPIC_AUTH_TOKEN=$ecretPass\n"})
    assert "ecretPass" not in repr(facts.collect(machine))
