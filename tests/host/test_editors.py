"""Editors on the three systems: extensions, profiles, settings, policies, and the JetBrains plugin."""

from __future__ import annotations

import json
import plistlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cc_fleet.host import document, facts
from cc_fleet.host.facts import prepared, sources
from cc_fleet.host.machine import Machine
from cc_fleet.host.system import under
from cc_fleet.host.tree import Stat, Tree, Unreadable
from cc_fleet.model import REDACTED, Credential, Gap, Install, Place, Rejected, Setting, Variable
from tests.host.test_sources import read, strict, system

CLAUDE = "anthropic.claude-code"
LINUX, MACOS, WINDOWS = "linux", "macos", "windows"
HOMES = {LINUX: "/home/ada", MACOS: "/Users/ada", WINDOWS: "C:/Users/ada"}
CONFIGS = {LINUX: "/home/ada/.config", MACOS: "/Users/ada/Library/Application Support", WINDOWS: "C:/Users/ada/AppData/Roaming"}
SUFFIX = {LINUX: "linux-x64", MACOS: "darwin-arm64", WINDOWS: "win32-x64"}
CODE = "/home/ada/.config/Code/User/settings.json"
POLICY = "/etc/vscode/policy.json"


def tree(root: Path, os: str, files: dict[str, str | bytes], **more: Any) -> Machine:
    """A system of this kind below ``root``, with ada's home."""
    for folder in {LINUX: ("home/ada",), MACOS: ("Users/ada", "System"), WINDOWS: ("Users/ada", "Windows")}[os]:
        (root / folder).mkdir(parents=True, exist_ok=True)
    if os == LINUX:
        files = {"/etc/passwd": "ada:x:1000:1000::/home/ada:/bin/bash\n", **files}
    for path, text in files.items():
        file = root / path.removeprefix("C:").lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    machine = under(str(root), frozenset(more.get("keep", ())))
    assert machine.os == os
    return machine


def said(name: str, machine: Machine) -> list[Any]:
    """What the source says of a system that is not prepared, its WANTS held."""
    source = sources()[name]
    return list(source.read(strict(machine, source.WANTS)))


def entry(os: str, version: str, root: str, **metadata: Any) -> dict[str, Any]:
    """An entry of ``extensions.json`` as VS Code writes it, without ``relativeLocation``."""
    folder = f"{CLAUDE}-{version}-{SUFFIX[os]}"
    path = f"{root}/{folder}"
    path = "/" + path[0].lower() + path[1:] if os == WINDOWS else path
    return {
        "identifier": {"id": "Anthropic.claude-code", "uuid": "3c13ae49-babe-45fe-8c48-5e45077a62bf"}, "version": version,
        "location": {"$mid": 1, "fsPath": path.replace("/", "\\"), "external": f"file://{path}", "path": path, "scheme": "file"},
        "metadata": {"installedTimestamp": 1, "source": "gallery", "targetPlatform": SUFFIX[os], **metadata},
    }  # fmt: skip


# Extensions.


@pytest.mark.parametrize("os", [LINUX, MACOS, WINDOWS])
def test_an_extension_on_every_system(tmp_path: Path, os: str) -> None:
    root = f"{HOMES[os]}/.vscode/extensions"
    folder, binary = f"{CLAUDE}-2.1.50-{SUFFIX[os]}", "claude.exe" if os == WINDOWS else "claude"
    machine = tree(tmp_path, os, {
        f"{root}/{folder}/resources/native-binary/{binary}": "MZ",
        f"{root}/{CLAUDE}-2.1.49-{SUFFIX[os]}/package.json": "{}",
        f"{root}/extensions.json": json.dumps([entry(os, "2.1.50", root, pinned=True)]),
    })  # fmt: skip
    assert said("extensions", machine) == [
        Install(CLAUDE, "2.1.49", "vscode", Place(f"{root}/{CLAUDE}-2.1.49-{SUFFIX[os]}"), (), "ada", True, platform=SUFFIX[os]),
        Install(CLAUDE, "2.1.50", "vscode", found_at(machine, f"{root}/extensions.json", f'/{folder}"'), ("ada",), "ada", True, pinned=True, platform=SUFFIX[os]),
        Install("cli", "2.1.50", "bundled", Place(f"{root}/{folder}/resources/native-binary/{binary}"), (), "ada", True, bundled_in=f"{CLAUDE} in vscode"),
    ]


def found_at(machine: Machine, path: str, mark: str) -> Place:
    text = machine.tree.read(path).decode()
    at = text.index(mark)
    return Place(path, text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))


def test_windows_writes_crlf_a_mark_and_names_of_any_case(tmp_path: Path) -> None:
    registry = "\ufeff" + json.dumps([entry(WINDOWS, "2.1.50", "C:/Users/ada/.vscode/extensions")], indent=4).replace("\n", "\r\n")
    base = "C:/Users/ada/.VSCode/Extensions"
    machine = tree(tmp_path, WINDOWS, {
        f"{base}/Anthropic.Claude-Code-2.1.50-Win32-X64/Resources/Native-Binary/Claude.exe": "MZ",
        f"{base}/{CLAUDE}-2.1.49-win32-x64/x": "", f"{base}/Extensions.json": registry,
        f"{base}/.obsolete": '\ufeff{"Anthropic.Claude-Code-2.1.49-win32-x64": true}',
    })  # fmt: skip
    found = said("extensions", machine)
    assert [(one.product, one.version, one.active_for, one.pinned, one.defect) for one in found] == [
        (CLAUDE, "2.1.50", ("ada",), False, None),
        ("cli", "2.1.50", (), None, None),
        (CLAUDE, "2.1.49", (), None, "marked for removal at the next start"),
    ]
    assert found[0].place.line == 11


@pytest.mark.parametrize("location", ["anthropic.claude-code-2.1.50-win32-x64", "c:\\Users\\ada\\.vscode\\extensions\\anthropic.claude-code-2.1.50-win32-x64\\"])
def test_a_location_that_is_a_text(tmp_path: Path, location: str) -> None:
    root = "C:/Users/ada/.vscode/extensions"
    made = {**entry(WINDOWS, "2.1.50", root), "location": location}
    (found,) = said("extensions", tree(tmp_path, WINDOWS, {f"{root}/{CLAUDE}-2.1.50-win32-x64/x": "", f"{root}/extensions.json": json.dumps([made])}))
    assert found.active_for == ("ada",)


@pytest.mark.parametrize("folder, editor", [
    (".vscode", "vscode"), (".vscode-insiders", "vscode-insiders"), (".vscode-server", "vscode-server"),
    (".vscode-server-insiders", "vscode-server-insiders"), (".vscode-oss", "vscodium"), (".vscodium", "vscodium"),
    (".vscodium-server", "vscodium-server"), (".cursor", "cursor"), (".cursor-server", "cursor-server"), (".windsurf", "windsurf"),
    (".windsurf-server", "windsurf-server"), (".antigravity", "antigravity"), (".antigravity-ide", "antigravity"),
    (".antigravity-server", "antigravity-server"), (".vscode-remote", "vscode-remote"),
])  # fmt: skip
def test_every_root_of_extensions_is_read(tmp_path: Path, folder: str, editor: str) -> None:
    for os in (LINUX, MACOS, WINDOWS):
        root = f"{HOMES[os]}/{folder}/extensions"
        machine = tree(tmp_path / os, os, {f"{root}/{CLAUDE}-2.1.50-{SUFFIX[os]}/x": "", f"{root}/extensions.json": json.dumps([entry(os, "2.1.50", root)])})
        (found,) = said("extensions", machine)
        assert (found.method, found.active_for) == (editor, ("ada",))


@pytest.mark.parametrize("os, base", [(LINUX, "/home/ada/.local/share/code-server"), (MACOS, "/Users/ada/Library/Application Support/code-server"), (WINDOWS, "C:/Users/ada/AppData/Local/code-server/Data")])
def test_code_server(tmp_path: Path, os: str, base: str) -> None:
    root = f"{base}/extensions"
    machine = tree(tmp_path, os, {
        f"{root}/{CLAUDE}-2.1.50-{SUFFIX[os]}/x": "", f"{root}/extensions.json": json.dumps([entry(os, "2.1.50", root)]),
        f"{base}/User/settings.json": '{"extensions.autoUpdate": false}', f"{base}/Machine/settings.json": '{"update.mode": "none"}',
    })  # fmt: skip
    assert [one.method for one in said("extensions", machine)] == ["code-server"]
    assert [(one.key, one.scope, one.editor) for one in said("editor-settings", machine)] == [
        (("extensions.autoUpdate",), "editor", "code-server"), (("update.mode",), "editor-machine", "code-server"),
    ]  # fmt: skip


@pytest.mark.parametrize("os", [LINUX, MACOS, WINDOWS])
def test_what_only_a_profile_names_runs(tmp_path: Path, os: str) -> None:
    root, profiles = f"{HOMES[os]}/.vscode/extensions", f"{CONFIGS[os]}/Code/User/profiles"
    machine = tree(tmp_path, os, {
        **{f"{root}/{CLAUDE}-{version}-{SUFFIX[os]}/x": "" for version in ("2.1.48", "2.1.49", "2.1.50")},
        f"{root}/extensions.json": json.dumps([entry(os, "2.1.50", root, pinned=True)]),
        f"{profiles}/-4f1c/extensions.json": json.dumps([entry(os, "2.1.49", root, pinned=True)]),
        f"{profiles}/59a0/extensions.json": json.dumps([entry(os, "2.1.50", root)]),
        f"{profiles}/empty/settings.json": "{}",
    })  # fmt: skip
    found = said("extensions", machine)
    assert [(one.version, one.active_for, one.pinned) for one in found] == [("2.1.48", (), None), ("2.1.49", ("ada",), True), ("2.1.50", ("ada",), False)]
    assert [one.place.file for one in found[1:]] == [f"{profiles}/-4f1c/extensions.json", f"{profiles}/59a0/extensions.json"]


def test_a_profile_that_cannot_be_read_is_a_gap(tmp_path: Path) -> None:
    profiles, root = "/home/ada/.config/Code/User/profiles", "/home/ada/.vscode/extensions"
    files: dict[str, str | bytes] = {f"{root}/{CLAUDE}-2.1.50/x": "", f"{root}/extensions.json": "[]", f"{profiles}/a/extensions.json": "{}"}
    found = said("extensions", tree(tmp_path / "a", LINUX, files))
    assert found[0] == Gap("is not a list of extensions, so the editor runs none", Place(f"{profiles}/a/extensions.json"))
    machine = tree(tmp_path / "b", LINUX, files)
    found = said("extensions", machine._replace(tree=Counted(machine.tree, profiles)))
    assert found[0] == Gap("permission denied", Place(profiles))


class Counted:
    """A tree that counts what is asked of it, and may refuse a path."""

    def __init__(self, tree: Tree, refused: str = "") -> None:
        self._tree, self._refused, self.calls = tree, refused, 0

    def _asked(self, path: str) -> None:
        self.calls += 1
        if path == self._refused:
            raise Unreadable("permission denied")

    def read(self, path: str, limit: int = 8 * 1024 * 1024) -> bytes:
        self._asked(path)
        return self._tree.read(path, limit)

    def names(self, path: str) -> list[str]:
        self._asked(path)
        return self._tree.names(path)

    def stat(self, path: str) -> Stat:
        self._asked(path)
        return self._tree.stat(path)

    def part(self, path: str, start: int, size: int) -> bytes:
        self._asked(path)
        return self._tree.part(path, start, size)

    def sha256(self, path: str) -> str:
        raise NotImplementedError

    @property
    def files(self) -> int:
        return 0


def test_a_home_without_editors_costs_little(tmp_path: Path) -> None:
    machine = tree(tmp_path, LINUX, {"/home/ada/.bashrc": ""})
    counted = Counted(machine.tree)
    for name in ("extensions", "editor-settings", "jetbrains"):
        assert list(sources()[name].read(machine._replace(tree=counted))) == []
    assert counted.calls <= 7  # eleven roots, one by one, were eleven


def test_a_home_that_cannot_be_listed_is_one_gap(tmp_path: Path) -> None:
    machine = tree(tmp_path, LINUX, {})
    machine = machine._replace(tree=Counted(machine.tree, "/home/ada"))
    assert [one for name in ("extensions", "editor-settings", "jetbrains") for one in sources()[name].read(machine)] == [Gap("permission denied", Place("/home/ada"))]


def test_a_code_server_that_cannot_be_listed_is_one_gap(tmp_path: Path) -> None:
    machine = tree(tmp_path, LINUX, {})
    machine = machine._replace(tree=Counted(machine.tree, "/home/ada/.local/share/code-server"))
    assert [one for name in ("extensions", "editor-settings") for one in sources()[name].read(machine)] == [Gap("permission denied", Place("/home/ada/.local/share/code-server"))]


# JetBrains.


@pytest.mark.parametrize("os, folder", [
    (LINUX, "/home/ada/.local/share/JetBrains/IntelliJIdea2026.2"),
    (MACOS, "/Users/ada/Library/Application Support/JetBrains/IntelliJIdea2026.2/plugins"),
    (WINDOWS, "C:/Users/ada/AppData/Roaming/JetBrains/IntelliJIdea2026.2/plugins"),
    (MACOS, "/Users/ada/Library/Application Support/Google/AndroidStudio2026.1/plugins"),
    (LINUX, "/home/ada/.local/share/Google/AndroidStudio2026.1"),
])  # fmt: skip
def test_the_jetbrains_plugin(tmp_path: Path, os: str, folder: str) -> None:
    lib = f"{folder}/claude-code-jetbrains-plugin/lib"
    jar = "claude-code-jetbrains-plugin-0.1.11-beta.jar"
    machine = tree(tmp_path, os, {f"{lib}/annotations-13.0.jar": "PK", f"{lib}/{jar}": "PK", f"{folder}/other/lib/other-1.0.0.jar": "PK"})
    ide = folder.removesuffix("/plugins").rpartition("/")[2]
    assert said("jetbrains", machine) == [Install("jetbrains.claude-code", "0.1.11-beta", ide, Place(f"{lib}/{jar}"), ("ada",), "ada", True)]


@pytest.mark.parametrize("jar", ["other-1.0.0.jar", "claude-code-jetbrains-plugin-1.0.jar", "claude-code-jetbrains-plugin-1.0.0-" + "a1" * 20 + ".jar", "claude-code-jetbrains-plugin-1.0.0-\n.jar"])
def test_a_plugin_of_no_version_is_a_gap(tmp_path: Path, jar: str) -> None:
    lib = "/home/ada/.local/share/JetBrains/PyCharm2026.1/claude-code-jetbrains-plugin/lib"
    assert said("jetbrains", tree(tmp_path, LINUX, {f"{lib}/{jar}": "PK"})) == [Gap("does not say which version of the plugin is installed", Place(lib))]


def test_jetbrains_folders_that_cannot_be_listed_are_gaps(tmp_path: Path) -> None:
    base = "/home/ada/.local/share/JetBrains"
    machine = tree(tmp_path / "a", LINUX, {f"{base}/x": ""})
    assert said("jetbrains", machine._replace(tree=Counted(machine.tree, base))) == [Gap("permission denied", Place(base))]
    lib = f"{base}/PyCharm2026.1/claude-code-jetbrains-plugin/lib"
    assert said("jetbrains", tree(tmp_path / "b", LINUX, {lib: "x"})) == [Gap("is not a folder", Place(lib))]


# Settings.


def settings(root: Path, text: str, **more: Any) -> list[Any]:
    return said("editor-settings", tree(root, LINUX, {"/home/ada/.vscode/x": "", CODE: text}, **more))


@pytest.mark.parametrize("os", [LINUX, MACOS, WINDOWS])
@pytest.mark.parametrize("folder, product, editor", [
    (".vscode", "Code", "vscode"), (".vscode-insiders", "Code - Insiders", "vscode-insiders"), (".vscodium", "VSCodium", "vscodium"),
    (".cursor", "Cursor", "cursor"), (".windsurf", "Windsurf", "windsurf"), (".antigravity", "Antigravity", "antigravity"),
])  # fmt: skip
def test_user_settings_of_every_editor(tmp_path: Path, os: str, folder: str, product: str, editor: str) -> None:
    path = f"{CONFIGS[os]}/{product}/User/settings.json"
    text = '\ufeff{\r\n  // mine\r\n  "editor.fontSize": 12,\r\n  "extensions.autoUpdate": "onlyEnabledExtensions",\r\n}\r\n'
    found = said("editor-settings", tree(tmp_path, os, {f"{HOMES[os]}/{folder}/x": "", path: text}))
    place = Place(path, 4, 3, '"extensions.autoUpdate": "onlyEnabledExtensions"')
    assert found == [Setting(("extensions.autoUpdate",), "onlyEnabledExtensions", "editor", place, "ada", None, editor)]


def test_settings_of_one_product_are_read_once(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"/home/ada/.vscodium/x": "", "/home/ada/.vscode-oss/x": "", "/home/ada/.config/VSCodium/User/settings.json": '{"update.mode": "none"}'}
    assert len(said("editor-settings", tree(tmp_path, LINUX, files))) == 1


def test_machine_settings_of_servers_and_those_of_the_workspace(tmp_path: Path) -> None:
    files = {
        "/home/ada/.vscode-server/data/Machine/settings.json": '{"claudeCode.useTerminal": true}',
        "/home/ada/.cursor-server/data/Machine/settings.json": '{"claudeCode.useTerminal": false}',
        "/home/ada/shop/.vscode/settings.json": '{"claudeCode.initialPermissionMode": "plan"}',
    }
    found = read("editor-settings", system(tmp_path, files, cwd="/home/ada/shop"))
    assert [(one.key[0], one.value, one.scope, one.editor, one.project) for one in found] == [
        ("claudeCode.useTerminal", True, "editor-machine", "vscode-server", None),
        ("claudeCode.useTerminal", False, "editor-machine", "cursor-server", None),
        ("claudeCode.initialPermissionMode", "plan", "editor-workspace", None, "/home/ada/shop"),
    ]


def test_only_what_concerns_us_leaves_the_file(tmp_path: Path) -> None:
    text = json.dumps({
        "claudeCode.useTerminal": True, "claudeCode.somethingNew": {"token": "hunter2"}, "claudeCode.selected": "hunter2", "github.token": "hunter2",
        "telemetry.telemetryLevel": "off", "extensions.ignoreRecommendations": True, "claudeCode.claudeProcessWrapper": "/opt/acme/wrap claude",
    })  # fmt: skip
    found = settings(tmp_path, text, keep=["telemetry.telemetryLevel", "plain"])
    assert {one.key[0]: one.value for one in found} == {
        "claudeCode.useTerminal": True, "claudeCode.somethingNew": {REDACTED: REDACTED}, "claudeCode.selected": REDACTED,
        "telemetry.telemetryLevel": "off", "claudeCode.claudeProcessWrapper": "/opt/acme/wrap claude",
    }  # fmt: skip
    assert "hunter2" not in str(found)


@pytest.mark.parametrize("value, kept", [
    ("/usr/local/bin/wrap", True), ("C:\\Program Files\\Acme\\wrap.exe", True), ("${workspaceFolder}/w", True), ("~/w", True), ("", True), (None, True),
    ("wrap --token hunter2", False), ("/w --token hunter2", False), ("/w?key=hunter2", False), ("/w/sk-ant-hunter2", False), (["/w"], False), ("/" + "w" * 300, False),
])  # fmt: skip
def test_a_process_wrapper_is_shown_where_it_is_a_path(tmp_path: Path, value: Any, kept: bool) -> None:
    (found,) = settings(tmp_path, json.dumps({"claudeCode.claudeProcessWrapper": value}))
    assert found.value == (value if kept else REDACTED)


@pytest.mark.parametrize("value, kept", [
    ({"Anthropic.Claude-Code": ["2.1.17", "2.1.17@linux-x64"], "github": True, "*": False}, {"anthropic.claude-code": ["2.1.17", "2.1.17@linux-x64"], "*": False}),
    ({"anthropic": "stable", "acme.tool": True}, {"anthropic": "stable", "acme.tool": True}),
    ({"anthropic.claude-code": "hunter2", "*": ["hunter2"], "acme": {"x": "hunter2"}}, {"anthropic.claude-code": REDACTED, "*": REDACTED, "acme": REDACTED}),
    ({"github": True}, {}), ({}, {}), ("hunter2", REDACTED), (["hunter2"], REDACTED), (True, REDACTED),
])  # fmt: skip
def test_of_allowed_extensions_ours_are_kept(tmp_path: Path, value: Any, kept: Any) -> None:
    (found,) = settings(tmp_path, json.dumps({"extensions.allowed": value}), keep=["acme.tool"])
    assert found.value == kept


def test_variables_of_the_extension_as_a_list(tmp_path: Path) -> None:
    text = (
        '{\n "claudeCode.environmentVariables": [\n  {"name": "CLAUDE_CODE_USE_BEDROCK", "value": "CLAUDE_CODE_EFFORT_LEVEL"},\n'
        '  {"name": "CLAUDE_CODE_EFFORT_LEVEL", "value": "high"},\n  {"name": "ANTHROPIC_API_KEY", "value": "hunter2"},\n'
        '  {"name": "ANTHROPIC_BASE_URL", "value": "https://u:hunter2@gw.example/x"}, {"name": "HOME", "value": "x"},\n'
        '  {"name": "MAX_THINKING_TOKENS", "value": 0}, {"name": "ANTHROPIC_MODEL", "value": null}, {"name": 1}, 1, null, {"name": "CLAUDE_X", "value": ["hunter2"]},\n'
        '  {"name": "AWS_SECRET_ACCESS_KEY", "value": "hunter2"}\n ]}'
    )
    found = settings(tmp_path, text)
    assert "hunter2" not in str(found)
    variables = [(one.name, one.value, one.place.line, one.origin, one.user, one.editor) for one in found if isinstance(one, Variable)]
    assert variables == [
        ("CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_EFFORT_LEVEL", 3, "editor", "ada", "vscode"),
        ("CLAUDE_CODE_EFFORT_LEVEL", "high", 4, "editor", "ada", "vscode"),
        ("ANTHROPIC_API_KEY", REDACTED, 5, "editor", "ada", "vscode"),
        ("ANTHROPIC_BASE_URL", f"https://{REDACTED}@gw.example/x", 6, "editor", "ada", "vscode"),
        ("MAX_THINKING_TOKENS", "0", 7, "editor", "ada", "vscode"),
        ("CLAUDE_X", REDACTED, 7, "editor", "ada", "vscode"),
    ]
    credentials = [(one.kind, one.place.line, one.readable_by) for one in found if isinstance(one, Credential)]
    assert credentials == [("ANTHROPIC_API_KEY", 5, "everyone"), ("url", 6, "everyone"), ("AWS_SECRET_ACCESS_KEY", 8, "everyone")]
    assert [(one.key, one.value) for one in found if isinstance(one, Setting)] == [(("claudeCode.environmentVariables",), REDACTED)]


def test_variables_of_the_extension_as_an_object(tmp_path: Path) -> None:
    found = settings(tmp_path, '{"claudeCode.environmentVariables": {"ANTHROPIC_MODEL": "opus",\n "CLAUDE_CODE_USE_VERTEX": true}}')
    assert [(one.name, one.value, one.place.line) for one in found[:-1]] == [("ANTHROPIC_MODEL", "opus", 1), ("CLAUDE_CODE_USE_VERTEX", "true", 2)]


@pytest.mark.parametrize("value", ["1", "[]", "null", '"x"', "{}", "[[]]", '[{"name": {}}]'])
def test_variables_of_other_types_are_none(tmp_path: Path, value: str) -> None:
    (found,) = settings(tmp_path, f'{{"claudeCode.environmentVariables": {value}}}')
    assert found.value == REDACTED


def test_a_file_beyond_even_a_lenient_reader_is_a_gap(tmp_path: Path) -> None:
    assert settings(tmp_path / "a", '{\n "claudeCode.useTerminal": true\n "x": 1}') == [Gap("cannot be read as an editor's settings: expected ',' or '}'", Place(CODE, 3, 2))]
    assert settings(tmp_path / "b", '{"editor.fontSize": 12 "x"') == []  # none of ours stands in it
    assert settings(tmp_path / "c", '["claudeCode.useTerminal"]') == []
    assert said("editor-settings", tree(tmp_path / "d", LINUX, {"/home/ada/.vscode/x": "", f"{CODE}/x": ""})) == [Gap("is a folder", Place(CODE))]


def test_an_escaped_name_is_seen(tmp_path: Path) -> None:
    (found,) = settings(tmp_path, '{"claude\\u0043ode.useTerminal": true}')
    assert found.key == ("claudeCode.useTerminal",)


HOSTILE: dict[str, str | bytes] = {
    "deep": '{"claudeCode.x": ' + "[" * 200_000, "deep objects": '{"claudeCode.x": ' + '{"a":' * 200_000, "NUL": b'{"claudeCode.useTerminal": "\x00"}',
    "huge": '{"claudeCode.x": "' + "a" * 9_000_000 + '"}', "not text": b"\xff\xfe\xfa claudeCode.useTerminal" * 1000, "numbers": '{"claudeCode.useTerminal": ' + "9" * 9000 + "}",
    "many settings": "{" + ",".join(f'"claudeCode.k{at}": 1' for at in range(30_000)) + "}",
    "many variables": '{"claudeCode.environmentVariables": [' + ",".join(f'{{"name":"CLAUDE_{at}","value":"1"}}' for at in range(30_000)) + "]}",
    "escaped variables": '{"claudeCode.environmentVariables": [' + ",".join(['{"name":"\\u0043LAUDE_X","value":"1"}'] * 30_000) + "]}",
    "many variables as an object": '{"claudeCode.environmentVariables": {' + ",".join(f'"CLAUDE_{at}":"1"' for at in range(30_000)) + "}}",
    "lone surrogate": '{"claudeCode.environmentVariables": {"CLAUDE_\\ud800": "\\ud800"}, "claudeCode.\\ud800": "\\ud800", "update.mode": "\\ud800"}',
    "allowed": '{"extensions.allowed": {"anthropic.claude-code": [' + ",".join(['"1.1.1"'] * 30_000) + "]}}",
    "infinity": '{"claudeCode.useTerminal": 1e999, "update.mode": NaN}',
    "wrapper": '{"claudeCode.claudeProcessWrapper": "/' + "a " * 100_000 + '!"}',
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_settings_end_soon_and_travel(tmp_path: Path, name: str) -> None:
    text = HOSTILE[name]
    machine = tree(tmp_path, LINUX, {"/home/ada/.vscode/x": "", CODE: text, POLICY: text})
    began = time.process_time()
    found = facts.collect(machine)
    assert time.process_time() - began < 10
    assert len(found.settings) + len(found.variables) <= 5000
    assert any(gap.reason.startswith("sets more than 2000 variables") for gap in found.gaps) == ("variables" in name)
    json.dumps(document.dump(found), allow_nan=False).encode()


# VS Code's policy.


def test_a_policy_file_on_linux(tmp_path: Path) -> None:
    text = '{\n "AllowedExtensions": "{\\"anthropic.claude-code\\": [\\"2.1.17\\"], \\"*\\": true}",\n "ExtensionsAutoUpdate": "false",\n "UpdateMode": "none", "ChatMCP": "none"\n}'
    found = said("editor-settings", tree(tmp_path, LINUX, {POLICY: text}))
    assert [(one.key, one.value, one.scope, one.place.line, one.user, one.editor) for one in found] == [
        (("extensions.allowed",), {"anthropic.claude-code": ["2.1.17"], "*": True}, "editor-policy", 2, None, "vscode"),
        (("extensions.autoUpdate",), False, "editor-policy", 3, None, "vscode"),
        (("update.mode",), "none", "editor-policy", 4, None, "vscode"),
    ]


@pytest.mark.parametrize("text, reason, line", [
    ('{"UpdateMode": "none",\n}', "a trailing comma, which strict JSON does not allow", 2), ("// x\n{}", "a comment, which strict JSON does not allow", 1),
    ("[]", "is not a JSON object", 1), ('{"AllowedExtensions": "{,}"}', "AllowedExtensions is not JSON: expected a key in double quotes", 1),
])  # fmt: skip
def test_a_policy_with_an_error_is_void(tmp_path: Path, text: str, reason: str, line: int) -> None:
    (found,) = said("editor-settings", tree(tmp_path, LINUX, {POLICY: text}))
    assert (found.reason, found.scope, found.place.file, found.place.line) == (reason, "editor-policy", POLICY, line)
    assert isinstance(found, Rejected)


def test_a_policy_that_cannot_be_read_is_a_gap(tmp_path: Path) -> None:
    assert said("editor-settings", tree(tmp_path, LINUX, {f"{POLICY}/x": ""})) == [Gap("is a folder", Place(POLICY))]


def test_policies_in_the_registry(tmp_path: Path) -> None:
    exported = (
        "Windows Registry Editor Version 5.00\r\n\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\Microsoft\\VSCode]\r\n"
        '"AllowedExtensions"="{\\"anthropic.claude-code\\": [\\"2.1.17\\"]}"\r\n"ExtensionsAutoUpdate"=dword:00000000\r\n"Other"="x"\r\n\r\n'
        '[HKEY_CURRENT_USER\\SOFTWARE\\Policies\\Microsoft\\VSCode]\r\n"UpdateMode"="none"\r\n"AllowedExtensions"="{,}"\r\n'
    )
    machine = tree(tmp_path, WINDOWS, {"C:/all.reg": "\ufeff".encode("utf-16-le") + exported.encode("utf-16-le")})
    found = said("editor-settings", machine)
    assert [(one.key, one.value, one.user) for one in found if isinstance(one, Setting)] == [
        (("extensions.allowed",), {"anthropic.claude-code": ["2.1.17"]}, None), (("extensions.autoUpdate",), False, None), (("update.mode",), "none", "ada"),
    ]  # fmt: skip
    assert [(one.scope, one.user, one.place.line) for one in found if isinstance(one, Rejected)] == [("editor-policy", "ada", 10)]


class Refusing:
    def values(self, key: str) -> dict[str, Any]:
        raise Unreadable("permission denied")

    def keys(self, key: str) -> list[str]:
        return []


def test_a_registry_that_may_not_be_read_is_a_gap(tmp_path: Path) -> None:
    found = said("editor-settings", tree(tmp_path, WINDOWS, {})._replace(registry=Refusing()))
    key = "SOFTWARE\\Policies\\Microsoft\\VSCode"
    assert found == [Gap("permission denied", Place(f"HKLM\\{key}")), Gap("permission denied", Place(f"HKU\\ada\\{key}"))]


PROFILE = {"AllowedExtensions": '{"anthropic.claude-code": ["2.1.17"]}', "ExtensionsAutoUpdate": False, "PayloadVersion": 1}


@pytest.mark.parametrize("form", [plistlib.FMT_XML, plistlib.FMT_BINARY])
@pytest.mark.parametrize("whose, user", [("", None), ("ada/", "ada")])
def test_a_profile_on_macos(tmp_path: Path, form: plistlib.PlistFormat, whose: str, user: str | None) -> None:
    path = f"/Library/Managed Preferences/{whose}com.microsoft.VSCode.plist"
    found = said("editor-settings", tree(tmp_path, MACOS, {path: plistlib.dumps(PROFILE, fmt=form)}))
    assert [(one.key, one.value, one.user, one.place.file) for one in found] == [
        (("extensions.allowed",), {"anthropic.claude-code": ["2.1.17"]}, user, path), (("extensions.autoUpdate",), False, user, path),
    ]  # fmt: skip


BINARY = plistlib.dumps(PROFILE, fmt=plistlib.FMT_BINARY)


@pytest.mark.parametrize("data", [
    b"", b"x", BINARY[:-20], BINARY[:40], b"bplist00" + b"\xff" * 64, plistlib.dumps([]), plistlib.dumps(PROFILE)[:200],
    b'<?xml version="1.0"?><!DOCTYPE p [<!ENTITY a "b">]><plist version="1.0"><dict><key>UpdateMode</key><string>&a;</string></dict></plist>',
    b"<plist>" + b"<array>" * 5000, b"\xff\xfe<\x00",
])  # fmt: skip
def test_a_profile_that_is_none_is_a_gap(tmp_path: Path, data: bytes) -> None:
    path = "/Library/Managed Preferences/com.microsoft.VSCode.plist"
    assert said("editor-settings", tree(tmp_path, MACOS, {path: data})) in ([Gap(why, Place(path))] for why in ("is no property list, or was cut short", "is no dictionary of settings"))


def test_a_macos_profile_that_cannot_be_read_is_a_gap(tmp_path: Path) -> None:
    path = "/Library/Managed Preferences/com.microsoft.VSCode.plist"
    assert said("editor-settings", tree(tmp_path / "a", MACOS, {f"{path}/x": b""})) == [Gap("is a folder", Place(path))]
    assert said("editor-settings", tree(tmp_path / "b", MACOS, {path: b" " * (2 * 1024 * 1024 + 1)})) == [Gap("is larger than 2 MiB", Place(path))]


def test_an_editor_alone_is_no_trace_of_claude_code(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"/home/ada/.vscode/x": "", CODE: '{"extensions.autoUpdate": false}', POLICY: "{,}"}
    assert facts.collect(tree(tmp_path, LINUX, files)).nothing
    assert not facts.collect(tree(tmp_path, LINUX, {**files, CODE: '{"claudeCode.useTerminal": false}'})).nothing


def test_other_editors_make_no_difference(tmp_path: Path) -> None:
    """A tree of each system, whole: what is read travels, and is the same when it comes back."""
    builders: list[Callable[[], Machine]] = [lambda os=os: tree(tmp_path / os, os, {f"{HOMES[os]}/.vscode/x": "", f"{CONFIGS[os]}/Code/User/settings.json": '{"claudeCode.useTerminal": true}'}) for os in HOMES]  # type: ignore[misc]
    for build in builders:
        found = facts.collect(prepared(build()))
        assert document.load(json.loads(json.dumps(document.dump(found)))) == found
        assert [one.key for one in found.settings] == [("claudeCode.useTerminal",)]
