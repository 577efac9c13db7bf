"""Every path that Claude Code, its installs and its editors are known to use, and what reads it.

The table is facts/claude-code.md 1, 3 and 4, wire.md 6 and enforcement.md B, read line by line: a path stands in the
first of them that names it, once for each system.  Sources whose paths only other pages name stand under ``other``.
"""

from __future__ import annotations

import json
import plistlib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from cc_fleet.host import document, facts, plugins
from cc_fleet.host.facts import prepared, sources
from cc_fleet.host.machine import Machine
from cc_fleet.model import GROUPS, Gap, Install
from tests.host.test_installs import ELF, MODULE, NEW, OLD, exe
from tests.host.test_sessions import FLAG, linux, mac, win
from tests.host.test_sources import strict

Content = str | bytes
SYSTEMS = ("linux", "macos", "windows")
HOMES = {"linux": "/home/ada", "macos": "/Users/ada", "windows": "C:/Users/ada"}
CONFIG = {"linux": "~/.config", "macos": "~/Library/Application Support", "windows": "~/AppData/Roaming"}
DATA = {"linux": "~/.local/share", "macos": "~/Library/Application Support", "windows": "~/AppData/Local"}
MANAGED = {"linux": "/etc/claude-code", "macos": "/Library/Application Support/ClaudeCode", "windows": "C:/Program Files/ClaudeCode"}
MODULES = {"linux": "/usr/local/lib", "macos": "/opt/homebrew/lib", "windows": "~/AppData/Roaming/npm"}
PLATFORMS = {"linux": "linux-x64", "macos": "darwin-arm64", "windows": "win32-x64"}
PROGRAMS: dict[str, Content] = {"linux": ELF, "macos": b"\xcf\xfa\xed\xfe", "windows": exe("2.1.211")}
CLAUDE = "anthropic.claude-code"
MODEL = '{"model": "opus"}'
PLIST = plistlib.dumps({"model": "opus"}, fmt=plistlib.FMT_BINARY)
PLUGIN = "claude-code-jetbrains-plugin"
WINGET = "Anthropic.ClaudeCode_Microsoft.Winget.Source_8wekyb3d8bbwe"
UNINSTALL = f"SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\{WINGET}"
POLICY, VSCODE = "SOFTWARE\\Policies\\ClaudeCode", "SOFTWARE\\Policies\\Microsoft\\VSCode"
SESSION = "HKLM\\SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Environment"
EDITORS = (
    ".vscode", ".vscode-insiders", ".vscode-server", ".vscode-server-insiders", ".vscode-oss", ".vscodium", ".cursor", ".cursor-server", ".windsurf", ".windsurf-server",
    ".vscodium-server",
)  # fmt: skip


class Row(NamedTuple):
    """A path of a system, ``~`` its user's home, a registry value ``HKLM\\KEY\\NAME``, a folder with ``/`` at its end.

    ``content`` is what a valid file there holds, ``beside`` what stands on the system with or without it. ``alters``:
    the facts of the path are told at another place, and the file changes them.
    """

    system: str
    path: str
    section: str
    source: str
    content: Content = ""
    beside: Mapping[str, Content] = {}
    alters: bool = False


class Unread(NamedTuple):
    """A path that no source reads, and why."""

    path: str
    section: str
    why: str


def _scopes() -> Iterator[Row]:
    moved: dict[str, tuple[str, dict[str, Content]]] = {
        "linux": ("/srv/cfg", {"/etc/environment": "CLAUDE_CONFIG_DIR=/srv/cfg\n"}), "macos": ("/srv/cfg", {"/etc/zshenv": "export CLAUDE_CONFIG_DIR=/srv/cfg\n"}),
        "windows": ("~/cfg", {"HKCU\\Environment\\CLAUDE_CONFIG_DIR": "%USERPROFILE%\\cfg"}),
    }  # fmt: skip
    for system in SYSTEMS:
        managed, (folder, beside) = MANAGED[system], moved[system]
        for path in ("~/.claude/settings.json", "~/.claude/remote-settings.json", "~/shop/.claude/settings.json", "~/shop/.claude/settings.local.json"):
            yield Row(system, path, "1.1", "settings", MODEL)
        yield Row(system, "~/.claude.json", "1.1", "settings", '{"autoInstallIdeExtension": false, "autoUpdates": false, "userID": "x"}')
        yield Row(system, f"{folder}/settings.json", "1.1", "settings", MODEL, beside)
        yield Row(system, f"{folder}/.claude.json", "1.1", "settings", '{"autoConnectIde": true}', beside)
        yield Row(system, f"{managed}/managed-settings.json", "1.1", "settings", MODEL)
        yield Row(system, f"{managed}/managed-settings.d/50-acme.json", "1.1", "settings", MODEL)
    inherits = '{"wslInheritsWindowsSettings": true}'
    yield Row("linux", "/mnt/c/Program Files/ClaudeCode/managed-settings.json", "1.1", "settings", inherits)
    yield Row("linux", "/mnt/c/Program Files/ClaudeCode/managed-settings.d/50-acme.json", "wire 6", "settings", inherits)
    yield Row("windows", "C:/ProgramData/ClaudeCode/managed-settings.json", "1.1", "windows-managed", MODEL)
    yield Row("macos", "/Library/Managed Preferences/com.anthropic.claudecode.plist", "1.1", "macos-managed", PLIST)
    yield Row("macos", "/Library/Managed Preferences/ada/com.anthropic.claudecode.plist", "1.1", "macos-managed", PLIST)
    yield Row("windows", f"HKLM\\{POLICY}\\Settings", "1.1", "windows-managed", MODEL)
    yield Row("windows", f"HKCU\\{POLICY}\\Settings", "1.1", "windows-managed", MODEL)


def _installs() -> Iterator[Row]:
    exe_ = {"linux": "", "macos": "", "windows": ".exe"}
    npmrc: dict[str, tuple[str, str]] = {"linux": ("/srv/npm/lib", "/srv/npm"), "macos": ("/srv/npm/lib", "/srv/npm"), "windows": ("~/own", "${USERPROFILE}\\own")}
    desktop = {"linux": "claude", "macos": "claude.app/Contents/MacOS/claude", "windows": "claude.exe"}
    for system in SYSTEMS:
        yield Row(system, f"~/.local/share/claude/versions/2.1.211{exe_[system]}", "3", "cli-native", PROGRAMS[system])
        yield Row(system, f"{CONFIG[system]}/Claude/claude-code/2.1.211/{desktop[system]}", "3", "cli-native", PROGRAMS[system])
        package, platform = f"{MODULES[system]}/{MODULE}", PLATFORMS[system]
        yield Row(system, f"{package}/package.json", "3", "cli-npm", OLD % "2.1.17", {f"{package}/cli.js": "#!"})
        yield Row(system, f"{package}/cli.js", "3", "cli-npm", "#!", {f"{package}/package.json": OLD % "2.1.17"}, alters=True)
        yield Row(system, f"{package}/bin/claude.exe", "3", "cli-npm", PROGRAMS[system], {f"{package}/package.json": NEW % "2.1.330"}, alters=True)
        stub = {f"{package}/package.json": NEW % "2.1.330", f"{package}/bin/claude.exe": "echo stub"}
        yield Row(system, f"{package}-{platform}/package.json", "3", "cli-npm", "{}", stub, alters=True)
        own, prefix = npmrc[system]
        yield Row(system, f"{own}/{MODULE}/package.json", "3", "cli-npm", OLD % "2.1.17", {"~/.npmrc": f"prefix={prefix}\n"})
        yield Row(system, f"~/.claude/local/{MODULE}/package.json", "3", "cli-npm", OLD % "2.1.17")
        yield Row(system, "~/.claude/.last-update-result.json", "3", "updates", '{"version_from": "2.1.210", "version_to": "2.1.211", "outcome": "success"}')
    yield Row("windows", "~/.local/bin/claude.exe", "3", "cli-native", exe("2.1.211"))
    for system, prefix in (("macos", "/opt/homebrew"), ("macos", "/usr/local"), ("linux", "/home/linuxbrew/.linuxbrew")):
        for cask in ("claude-code", "claude-code@latest"):
            yield Row(system, f"{prefix}/Caskroom/{cask}/2.1.211/claude", "3", "cli-native", PROGRAMS[system])
    for folder in ("C:/Program Files", "~/AppData/Local/Microsoft"):
        yield Row("windows", f"{folder}/WinGet/Packages/{WINGET}/claude.exe", "3", "windows-winget", exe("2.1.211"))
    for hive in ("HKLM", "HKCU"):
        yield Row("windows", f"{hive}\\{UNINSTALL}\\DisplayVersion", "3", "windows-winget", "2.1.211")
    yield Row("linux", "/usr/bin/claude", "3", "linux-packages", ELF)
    program: dict[str, Content] = {"/usr/bin/claude": ELF}
    yield Row("linux", "/var/lib/dpkg/status", "3", "linux-packages", "Package: claude-code\nStatus: install ok installed\nVersion: 2.1.211\n", program, alters=True)
    yield Row("linux", "/lib/apk/db/installed", "3", "linux-packages", "P:claude-code\nV:2.1.211-r0\n", program, alters=True)
    yield Row("linux", "/var/lib/rpm/rpmdb.sqlite", "3", "linux-packages", "x", program)  # a real one: tests/host/test_installs.py
    paths: dict[str, tuple[str, dict[str, Content]]] = {
        "linux": ("/opt/own/claude", {"/etc/environment": "PATH=/opt/own\n"}), "macos": ("/opt/own/claude", {"/etc/paths": "/opt/own\n"}),
        "windows": ("C:/Tools/claude.cmd", {f"{SESSION}\\Path": "C:\\Tools"}),
    }  # fmt: skip
    for system, (path, beside) in paths.items():
        yield Row(system, path, "3", "cli-other", "#!/bin/sh\nexec real-claude\n", beside)


def _launchers() -> Iterator[Row]:
    """What a PATH finds: a link, or the script of a local install. What it leads to runs, or does not."""
    for system in ("linux", "macos"):
        for folder in ("~/.local/bin", "~/.claude/local"):
            searched = folder.replace("~", HOMES[system], 1)
            beside: dict[str, Content] = {"/etc/environment": f"PATH={searched}\n"} if system == "linux" else {"/etc/paths": f"{searched}\n"}
            if folder == "~/.local/bin":
                beside["~/.local/share/claude/versions/2.1.211"] = PROGRAMS[system]
                yield Row(system, f"{folder}/claude", "3", "cli-native", "-> ~/.local/share/claude/versions/2.1.211", beside, alters=True)
            else:
                beside |= {f"{folder}/{MODULE}/package.json": OLD % "2.1.17", f"{folder}/{MODULE}/cli.js": "#!/usr/bin/env node\n"}
                script = '#!/bin/bash\nexec "$HOME/.claude/local/node_modules/.bin/claude" "$@"\n'
                yield Row(system, f"{folder}/claude", "3", "cli-npm", script, beside, alters=True)


def _entry(version: str, system: str) -> str:
    folder = f"{CLAUDE}-{version}-{PLATFORMS[system]}"
    return json.dumps([{"identifier": {"id": CLAUDE}, "version": version, "relativeLocation": folder, "metadata": {"pinned": True}}])


def _editors() -> Iterator[Row]:
    for system in SYSTEMS:
        name, config = f"{CLAUDE}-2.1.211-{PLATFORMS[system]}", CONFIG[system]
        for editor in EDITORS:
            yield Row(system, f"~/{editor}/extensions/{name}/", "4", "extensions")
        yield Row(system, f"~/.antigravity/extensions/{name}/", "enforcement B", "extensions")
        server = f"{DATA[system]}/code-server{'/Data' if system == 'windows' else ''}"
        yield Row(system, f"{server}/extensions/{name}/", "enforcement B", "extensions")
        root = "~/.vscode/extensions"
        entry = _entry("2.1.211", system)
        binary = f"{root}/{name}/resources/native-binary/claude{'.exe' if system == 'windows' else ''}"
        yield Row(system, binary, "4", "extensions", PROGRAMS[system], {f"{root}/extensions.json": entry, f"{root}/{name}/package.json": "{}"})
        folder: dict[str, Content] = {f"{root}/{name}/package.json": "{}"}
        yield Row(system, f"{root}/extensions.json", "4", "extensions", entry, folder, alters=True)
        yield Row(system, f"{root}/.obsolete", "4", "extensions", json.dumps({name: True}), {**folder, f"{root}/extensions.json": "[]"}, alters=True)
        yield Row(system, f"{config}/Code/User/profiles/-5f3a/extensions.json", "4", "extensions", entry, {**folder, f"{root}/extensions.json": "[]"})
        told = '{"claudeCode.useTerminal": true, "extensions.allowed": {"anthropic.claude-code": true}}'
        yield Row(system, f"{config}/Code/User/settings.json", "4", "editor-settings", told, {"~/.vscode/argv.json": "{}"})
        yield Row(system, "~/shop/.vscode/settings.json", "4", "editor-settings", told)
        plugins_ = f"{DATA[system]}/{{}}" if system == "linux" else f"{config}/{{}}/plugins"
        for ide in ("JetBrains/PyCharm2026.1", "Google/AndroidStudio2026.1"):
            yield Row(system, f"{plugins_.format(ide)}/{PLUGIN}/lib/{PLUGIN}-0.1.11-beta.jar", "4", "jetbrains", "PK")
    for system, platform in (("linux", "linux-arm64"), ("linux", "alpine-x64"), ("macos", "darwin-x64")):
        yield Row(system, f"~/.vscode/extensions/{CLAUDE}-2.1.17-{platform}/", "4", "extensions")
    allowed = '{"anthropic.claude-code": ["2.1.17"]}'
    yield Row("linux", "/etc/vscode/policy.json", "4", "editor-settings", f'{{"AllowedExtensions": {allowed}}}')
    plist = plistlib.dumps({"AllowedExtensions": allowed})
    yield Row("macos", "/Library/Managed Preferences/com.microsoft.VSCode.plist", "4", "editor-settings", plist)
    yield Row("macos", "/Library/Managed Preferences/ada/com.microsoft.VSCode.plist", "4", "editor-settings", plist)
    yield Row("windows", f"HKLM\\{VSCODE}\\AllowedExtensions", "4", "editor-settings", allowed)
    yield Row("windows", f"HKCU\\{VSCODE}\\AllowedExtensions", "4", "editor-settings", allowed)


def _others() -> Iterator[Row]:
    sites = {"linux": "~/.venv/lib/python3.12/site-packages", "macos": "~/.venv/lib/python3.12/site-packages", "windows": "~/.venv/Lib/site-packages"}
    for system in SYSTEMS:
        yield Row(system, "~/.claude/.credentials.json", "other", "credentials", '{"claudeAiOauth": {}}')
        yield Row(system, f"{sites[system]}/litellm-1.90.7.dist-info/", "other", "gateways")
    agent = plistlib.dumps({"Label": "x", "ProgramArguments": ["launchctl", "setenv", FLAG, "1"]})
    exported = f"export {FLAG}=1\n"
    for path in ("/etc/environment", "/etc/environment.d/50.conf", "~/.config/environment.d/50.conf"):
        yield Row("linux", path, "other", "environment", f"{FLAG}=1\n")
    for path in ("/etc/profile", "/etc/profile.d/acme.sh", "/etc/bash.bashrc", "~/.profile", "~/.bashrc"):
        yield Row("linux", path, "other", "environment", exported)
    for path in ("/etc/zshenv", "/etc/zprofile", "~/.zshenv", "~/.zprofile", "~/.zshrc"):
        yield Row("macos", path, "other", "environment", exported)
    for path in ("/Library/LaunchAgents/env.plist", "~/Library/LaunchAgents/env.plist"):
        yield Row("macos", path, "other", "environment", agent)
    for path in (f"{SESSION}\\{FLAG}", f"HKCU\\Environment\\{FLAG}"):
        yield Row("windows", path, "other", "environment", "1")
    for path in ("C:/Program Files/PowerShell/7/profile.ps1", "~/Documents/PowerShell/Microsoft.PowerShell_profile.ps1"):
        yield Row("windows", path, "other", "environment", f'$env:{FLAG} = "1"\r\n')


ROWS = (*_scopes(), *_installs(), *_launchers(), *_editors(), *_others())
UNREAD = (
    Unread("--settings <file-or-json>", "1.1", "an argument of one start; no file of the machine tells it"),
    Unread("managed-mcp.json, beside each managed-settings.json", "1.1", "the MCP servers that all may use: no rule speaks of them, and their commands, headers and variables hold secrets"),
    Unread("the output of policyHelper", "1.1", "only running the program would tell, and reading runs nothing; that one is named is a Gap"),
    Unread("HKLM and HKCU of the Windows around a WSL", "1.1", "from inside WSL only reg.exe can ask them, and reading runs nothing; Windows' own audit reads them"),
    Unread("$(brew --prefix)/Caskroom of a prefix of one's own", "3", "brew alone knows it; what a PATH runs from one is followed by its link"),
    Unread("the binary that an SDK bundles", "3", "it lies in a project's or a program's own packages, in no folder that can be named; it is a repository's to declare"),
    Unread("ghcr.io/anthropics/devcontainer-features/claude-code:1.0", "3", "what it leaves is npm's global package, which is read; that a repository asks for it is no fact of a machine"),
    Unread("https://downloads.claude.ai/claude-code-releases/<VERSION>/manifest.json", "3", "no file of the machine; a policy's sha256 is compared with the binary's"),
    Unread("globalStorage/anthropic.claude-code", "4", "what the extension's panels remember; nothing in it moves a version, a flag or a gateway"),
    Unread("~/.claude/ide/<port>.lock", "4", "there while an editor runs, and holds a token"),
    Unread("devcontainer.json: customizations.vscode.extensions", "4", "what a repository asks for, no fact of a machine"),
    Unread("<code-server's data>/policy.json", "enforcement B", "read only where code-server was started with a hidden switch, which no file tells"),
    Unread("$CLAUDE_CODE_MANAGED_SETTINGS_PATH", "wire 6", "the client reads no settings from there, and an advisory tells who sets it"),
)  # fmt: skip
# Counted by hand, path by path and system by system.
COUNTS = {"1.1": 33, "3": 49, "4": 65, "wire 6": 1, "enforcement B": 6, "other": 25}
UNREAD_COUNTS = {"1.1": 4, "3": 4, "4": 3, "wire 6": 1, "enforcement B": 1}


def built(root: Path, row: Row, *, there: bool) -> Machine:
    """The row's system with what stands beside the path, and with its file where it is ``there``; ada works in ~/shop."""
    home = HOMES[row.system].removeprefix("C:")
    files: dict[str, str | bytes] = {"~/shop/x": ""}
    registry = ""
    linked: dict[str, str] = {}
    for path, content in (*row.beside.items(), *([(row.path, row.content)] if there else [])):
        if path.startswith("HK"):
            key, _, name = path.rpartition("\\")
            registry += f"[{key.replace('HKLM', 'HKEY_LOCAL_MACHINE').replace('HKCU', 'HKEY_CURRENT_USER')}]\n{_value(name, str(content))}\n"
        elif isinstance(content, str) and content.startswith("-> "):
            linked[path] = content[3:]
        else:
            files[f"{path}package.json" if path.endswith("/") else path] = content
    placed = {path.replace("~", home, 1): content for path, content in files.items()}
    machine = {"linux": linux, "macos": mac}[row.system](root, placed) if row.system != "windows" else win(root, placed, registry)
    for path in placed:
        (root / path.removeprefix("C:").lstrip("/")).chmod(0o755)
    for path, target in linked.items():
        at = root / path.replace("~", home, 1).lstrip("/")
        at.parent.mkdir(parents=True, exist_ok=True)
        at.symlink_to(target.replace("~", home, 1))
    (ada,) = [user for user in machine.users if user.name == "ada"]
    return machine._replace(kind="machine", caller=ada, environ={}, cwd=f"{ada.home}/shop")


def _value(name: str, text: str) -> str:
    """A line of a .reg file; a text with ``%`` is one that is expanded."""
    octets = ",".join(f"{octet:02x}" for octet in f"{text}\0".encode("utf-16-le"))
    return f'"{name}"=hex(2):{octets}' if "%" in text else f'"{name}"={json.dumps(text)}'


def told(row: Row, machine: Machine) -> list[Any]:
    """What the row's source alone says, its WANTS held; and no fact of it is missing when all are collected."""
    source = sources(row.system)[row.source]
    found = list(source.read(strict(prepared(machine), source.WANTS)))
    collected = facts.collect(machine)
    everything = [fact for group in GROUPS for fact in getattr(collected, group)]
    assert [fact for fact in found if fact not in everything] == []
    assert document.load(json.loads(json.dumps(document.dump(collected)))) == collected
    return found


def at(row: Row, found: list[Any]) -> list[Any]:
    """The facts that stand at the row's path, or in it where it is a folder."""
    path = "C:/all.reg" if row.path.startswith("HK") else row.path.replace("~", HOMES[row.system], 1)
    return [fact for fact in found if fact.place.file == path or (path.endswith("/") and f"{fact.place.file}/".startswith(path))]


@pytest.mark.parametrize("row", [row for row in ROWS if not row.alters], ids=lambda row: f"{row.system}:{row.path}")
def test_what_stands_at_a_path_is_told_by_its_source(tmp_path: Path, row: Row) -> None:
    assert at(row, told(row, built(tmp_path / "with", row, there=True)))
    assert not at(row, told(row, built(tmp_path / "without", row, there=False)))


@pytest.mark.parametrize("row", [row for row in ROWS if row.alters], ids=lambda row: f"{row.system}:{row.path}")
def test_a_path_that_says_more_of_another_place_changes_what_is_told(tmp_path: Path, row: Row) -> None:
    """A launcher, a database of packages, a program: what is told with it is an install, and another than without."""
    with_, without = (told(row, built(tmp_path / str(there), row, there=there)) for there in (True, False))
    assert any(isinstance(fact, Install) for fact in with_), with_
    assert with_ != without
    if row.path.endswith("/claude"):
        assert [[one.active_for for one in found] for found in (with_, without)] == [[("ada",)], [()]]


def test_the_table_has_every_path_that_was_counted_once() -> None:
    assert Counter(row.section for row in ROWS) == COUNTS
    assert Counter(row.section for row in UNREAD) == UNREAD_COUNTS
    assert [path for path, number in Counter((row.system, row.path) for row in ROWS).items() if number > 1] == []
    assert all(len(row.why.split()) > 4 for row in UNREAD)


def test_every_source_reads_a_path_of_the_table() -> None:
    assert {row.source for row in ROWS} == {name.replace("_", "-") for name in plugins.names("cc_fleet.host.facts")}


def test_a_managed_mcp_file_is_no_settings_file(tmp_path: Path) -> None:
    """It is left unread on purpose: what it holds must not become a fact by another way."""
    files: dict[str, str | bytes] = {"/etc/claude-code/managed-mcp.json": '{"mcpServers": {"x": {"env": {"TOKEN": "hunter2"}}}}'}
    found = facts.collect(linux(tmp_path, files))
    assert found.nothing
    assert [one for one in found.gaps if isinstance(one, Gap)] == []
