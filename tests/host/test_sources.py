"""Each source on a populated system whose tree refuses what its WANTS does not name."""

from __future__ import annotations

import ast
import hashlib
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

import cc_fleet
from cc_fleet.host import __main__ as program
from cc_fleet.host import document, facts, launchers, login, origin, plugins, zipapp
from cc_fleet.host.facts import prepared, sources
from cc_fleet.host.machine import Machine, User
from cc_fleet.host.system import under
from cc_fleet.host.tree import Strict
from cc_fleet.model import REDACTED, Credential, Gap, Install, Place, Rejected, Setting
from tests import case
from tests.case import PACKAGE, write
from tests.host.test_shell import within

EXTENSIONS = "/home/ada/.vscode/extensions"
CLAUDE = "anthropic.claude-code"
ELF = "\x7fELF"
SOURCES = sorted(sources("linux"))


def system(root: Path, files: dict[str, str] | None = None, **more: Any) -> Machine:
    """A system as tests/case.py makes it; with ``environ`` or ``cwd`` ada is the caller."""
    case._system({"files": files or {}, **more}, root)
    machine = under(str(root), frozenset(more.get("keep", ())), digests=bool(more.get("digests")))._replace(privileged=False)
    return case._called(machine, more) if "environ" in more or "cwd" in more else machine


def strict(machine: Machine, wants: tuple[str, ...]) -> Machine:
    """The machine's tree, refusing what ``wants`` does not name for any of its homes."""
    homes = [user.home for user in machine.users]
    named = [want.replace("~", home, 1) if want.startswith("~") else want for want in wants for home in homes or [""]]
    return machine._replace(tree=Strict(machine.tree, named))


def read(name: str, machine: Machine) -> list[Any]:
    """What the source ``name`` says, its WANTS held."""
    source = sources()[name]
    return list(source.read(strict(prepared(machine), source.WANTS)))


def everything(root: Path) -> Machine:
    """A system with something of every kind."""
    npmless = f"/home/ada/.claude/local/{PACKAGE.removeprefix('lib/')}"
    files = {
        "/home/ada/.npmrc": "prefix=${HOME}/npm\n",
        f"{npmless}/package.json": '{"version": "2.1.17", "bin": {"claude": "cli.js"}}',
        f"{npmless}/cli.js": "#!",
        f"/home/ada/shop/{PACKAGE.removeprefix('lib/')}/package.json": '{"version": "2.1.20", "bin": {"claude": "cli.js"}}',
        f"/home/ada/npm/{PACKAGE}/package.json": '{"version": "2.1.200", "bin": {"claude": "bin/claude.exe"}}',
        f"/home/ada/npm/{PACKAGE}/bin/claude.exe": "echo stub",
        "/home/ada/.local/share/claude/versions/2.1.99": "",
        "/opt/wrapped/claude": "#!/bin/sh\nexec real-claude",
        "/usr/bin/claude": ELF,
        "/var/lib/dpkg/status": "Package: claude-code\nStatus: install ok installed\nVersion: 2.1.211-1\n",
        "/home/ada/.claude/.last-update-result.json": '{"version_from": "2.1.200", "version_to": "2.1.201", "outcome": "success"}',
        f"{EXTENSIONS}/{CLAUDE}-2.1.50-linux-x64/resources/native-binary/claude": ELF,
        f"{EXTENSIONS}/{CLAUDE}-2.1.51/package.json": "{}",
        "/home/ada/.cursor/extensions/anthropic.claude-code-2.1.52/package.json": "{}",
        "/home/ada/.claude/settings.json": '{"env": {"ANTHROPIC_API_KEY": "hunter2", "ANTHROPIC_BASE_URL": "https://u:p@h/x"}, "permissions": {"defaultMode": "plan"}}',
        "/home/ada/.claude/.credentials.json": '{"claudeAiOauth": {}}',
        "/home/ada/.claude.json": '{"autoUpdates": false, "primaryApiKey": "hunter2", "projects": {"/shop": {}}}',
        "/home/ada/shop/.git/config": "",
        "/home/ada/shop/.claude/settings.local.json": '{"model": "local"}',
        "/home/ada/shop/inner/.claude/settings.json": '{"model": "project"}',
        "/home/ada/shop/inner/.claude/settings.local.json": '{"model": "inner"}',
        "/etc/claude-code/managed-settings.json": '{"model": "managed"}',
        "/etc/claude-code/managed-settings.d/50.json": '{"model": "drop-in"}',
        "/etc/environment": "DISABLE_AUTOUPDATER=1\n",
        "/home/ada/.profile": "export ANTHROPIC_AUTH_TOKEN=hunter2\n",
        "/etc/profile.d/x.sh": "export CLAUDE_X=1\n",
        "/home/eve/.config/fish/config.fish": "set -gx CLAUDE_CODE_USE_BEDROCK 1\n",
        "/home/eve/.claude/settings.json": "{,}",
        "/home/eve/.zshrc": "export CLAUDE_X=1\n",
        "/home/ada/.config/Code/User/settings.json": '{"claudeCode.environmentVariables": {"ANTHROPIC_API_KEY": "hunter2"}}',
        "/home/ada/.local/share/JetBrains/PyCharm2026.1/claude-code-jetbrains-plugin/lib/claude-code-jetbrains-plugin-0.1.14-beta.jar": "PK",
        "/home/ada/.venv/lib/python3.12/site-packages/litellm-1.90.7.dist-info/METADATA": "",
    }
    machine = system(
        root, files, npm={"/usr/local": "2.1.330", "/home/ada/.npm-global": "2.1.112"}, native={"bob": ["2.1.300", "2.1.310"]}, cwd="/home/ada/shop/inner",
        environ={"PATH": "/opt/wrapped:/home/ada/npm/bin:/usr/local/bin", "CLAUDE_X": "2"}, modes={"/opt/wrapped/claude": "0755"}, digests=True,
    )  # fmt: skip
    (root / "home/ada/npm/bin").mkdir()
    (root / "home/ada/npm/bin/claude").symlink_to(f"../{PACKAGE}/bin/claude.exe")
    (root / f"home/ada/npm/{PACKAGE}/bin/claude.exe").chmod(0o755)
    write(root, f"{EXTENSIONS}/extensions.json", json.dumps([entry("2.1.50", f"{CLAUDE}-2.1.50-linux-x64")]))
    write(root, f"{EXTENSIONS}/.obsolete", json.dumps({f"{CLAUDE}-2.1.51": True}))
    users = (*machine.users, User("zoe", "/home/zoe", "zsh"), User("eve", "/home/eve", "fish"))
    return machine._replace(users=tuple({user.home: user for user in users}.values()))


def entry(version: str, folder: str, **more: Any) -> dict[str, Any]:
    return {"identifier": {"id": CLAUDE}, "version": version, "relativeLocation": folder, **more}


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_reads_only_what_its_wants_name(tmp_path: Path, name: str) -> None:
    assert read(name, everything(tmp_path))


def test_sessions_and_launchers_read_only_what_their_wants_name(tmp_path: Path) -> None:
    machine = everything(tmp_path)
    reader = login.Reader(strict(machine, login.WANTS))
    machine = machine._replace(sessions={user.home: reader.session(user) for user in machine.users})
    assert len(launchers.find(strict(machine, launchers.WANTS))) >= 3


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_says_nothing_of_an_empty_system(tmp_path: Path, name: str) -> None:
    (tmp_path / "root").mkdir()
    assert read(name, under(str(tmp_path / "root"))) == []


def test_all_together_travel_and_hold_no_secret(tmp_path: Path) -> None:
    found = facts.collect(everything(tmp_path))
    text = json.dumps(document.dump(found))
    assert document.load(json.loads(text)) == found
    assert "hunter2" not in text
    assert found.coverage.homes[0] == "/home/ada"
    assert found.coverage.files > 10
    assert found.coverage.looked[2] == "/etc/claude-code"


# The command line interface.


def installs(name: str, machine: Machine) -> list[tuple[str, str, str | None]]:
    return [(one.version, one.method, one.defect) for one in read(name, machine) if isinstance(one, Install)]


def test_npm_installs_of_every_place(tmp_path: Path) -> None:
    assert installs("cli-npm", everything(tmp_path)) == [
        ("2.1.200", "npm", "bin/claude.exe is npm's stub: the platform package is not installed"),
        ("2.1.330", "npm", None),
        ("2.1.112", "npm", None),
        ("2.1.17", "npm-local", None),
    ]


@pytest.mark.parametrize(
    "files, defect, platform",
    [
        ({"bin/claude.exe": ELF, "-linux-x64/x": ""}, None, "linux-x64"),
        ({"bin/claude.exe": ELF, "-linux-x64/x": "", "-linux-arm64/x": ""}, None, None),
        ({"bin/claude.exe": "stub", "-linux-x64/x": ""}, "bin/claude.exe is npm's stub: the install script did not run", "linux-x64"),
        ({"bin/claude.exe": "stub"}, "bin/claude.exe is npm's stub: the platform package is not installed", None),
        ({"bin/claude.exe": "", "-linux-x64/x": ""}, "bin/claude.exe is empty", "linux-x64"),
        ({}, "bin/claude.exe is missing", None),
        ({"bin/claude.exe/x": ""}, "bin/claude.exe is a folder", None),
    ],
)
def test_what_keeps_a_native_npm_package_from_running(tmp_path: Path, files: dict[str, str], defect: str | None, platform: str | None) -> None:
    base = f"/usr/local/{PACKAGE}"
    made = {f"{base}{'' if name[0] == '-' else '/'}{name}": text for name, text in files.items()}
    manifest = {f"{base}/package.json": '{"version": "2.1.330", "bin": {"claude": "bin/claude.exe"}}'}
    (found,) = read("cli-npm", system(tmp_path, {**manifest, **made}))
    assert (found.intact, found.defect, found.platform) == (defect is None, defect, platform)


@pytest.mark.parametrize("files, defect", [({"cli.js": "x"}, None), ({"cli.js": ""}, "cli.js is empty"), ({}, "cli.js is missing")])
def test_what_keeps_an_old_npm_package_from_running(tmp_path: Path, files: dict[str, str], defect: str | None) -> None:
    base = f"/usr/local/{PACKAGE}"
    made = {f"{base}/package.json": '{"version": "2.1.17", "bin": "cli.js"}', **{f"{base}/{name}": text for name, text in files.items()}}
    (found,) = read("cli-npm", system(tmp_path, made))
    assert (found.intact, found.defect) == (defect is None, defect)


def test_a_script_behind_a_loop_of_links_is_told(tmp_path: Path) -> None:
    machine = system(tmp_path, {f"/usr/local/{PACKAGE}/package.json": '{"version": "2.1.17"}'}, links={f"/usr/local/{PACKAGE}/cli.js": "cli.js"})
    (found,) = read("cli-npm", machine)
    assert found.defect == "cli.js: is a loop of links"


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "1", "{}", '{"version": 1}', '{"version": "latest"}', '{"version": "2.1.x"}', '{"version": "2.1.1-sk-ant-hunter2"}', '{"version": "2.1.1-' + "a-" * 50 + '"}', "[" * 100_000],
    ids=range(11),
)
def test_a_package_that_says_no_version_is_a_gap(tmp_path: Path, text: str) -> None:
    (found,) = read("cli-npm", system(tmp_path, {f"/usr/local/{PACKAGE}/package.json": text}))
    assert found == Gap("does not say which version is installed", Place(f"/usr/local/{PACKAGE}/package.json"))


def test_a_package_that_cannot_be_read_is_a_gap(tmp_path: Path) -> None:
    (found,) = read("cli-npm", system(tmp_path, {f"/usr/local/{PACKAGE}/package.json/x": ""}))
    assert found == Gap("is a folder", Place(f"/usr/local/{PACKAGE}/package.json"))


@pytest.mark.parametrize("line", ["prefix=/home/ada/p", " prefix = ~/p ", "x=1\nprefix=${HOME}/p\n", "prefix=$HOME/p\r\n"])
def test_a_prefix_of_npmrc_is_looked_into(tmp_path: Path, line: str) -> None:
    (found,) = read("cli-npm", system(tmp_path, {"/home/ada/.npmrc": line}, npm={"/home/ada/p": "2.1.330"}))
    assert (found.version, found.user) == ("2.1.330", "ada")


def test_a_package_in_the_current_folder_is_found(tmp_path: Path) -> None:
    folder = f"/home/ada/shop/{PACKAGE.removeprefix('lib/')}"
    made = {f"{folder}/package.json": '{"version": "2.1.17", "bin": {"claude": "cli.js"}}', f"{folder}/cli.js": "x"}
    (found,) = read("cli-npm", system(tmp_path, made, cwd="/home/ada/shop"))
    assert (found.version, found.active_for) == ("2.1.17", ())


def test_a_digest_is_taken_where_it_is_asked_for(tmp_path: Path) -> None:
    digest = hashlib.sha256(ELF.encode()).hexdigest()
    machine = system(tmp_path, npm={"/usr/local": "2.1.330"}, native={"ada": ["2.1.331"]}, digests=True)
    assert [one.sha256 for name in ("cli-npm", "cli-native") for one in read(name, machine)] == [digest, digest]
    assert [one.sha256 for one in read("cli-npm", machine._replace(digests=False))] == [None]


def test_native_installs_and_which_of_them_runs(tmp_path: Path) -> None:
    files = {"/home/ada/.local/share/claude/versions/2.1.1": "", "/home/ada/.local/share/claude/versions/2.1.2": "text", "/home/ada/.local/share/claude/versions/tmp": "x"}
    found = read("cli-native", system(tmp_path, files, native={"ada": ["2.1.3", "2.1.4"]}))
    assert [(one.version, one.active_for, one.user, one.defect) for one in found] == [
        ("2.1.1", (), "ada", "is empty: its download failed"),
        ("2.1.2", (), "ada", "is not a program"),
        ("2.1.3", (), "ada", None),
        ("2.1.4", ("ada",), "ada", None),
    ]


def test_a_native_install_outside_of_homes_is_found_through_path(tmp_path: Path) -> None:
    machine = system(tmp_path, {"/opt/share/claude/versions/2.1.5": ELF}, links={"/usr/bin/claude": "/opt/share/claude/versions/2.1.5"}, modes={"/opt/share/claude/versions/2.1.5": "0755"})
    (found,) = read("cli-native", machine)
    assert (found.version, found.user, found.active_for) == ("2.1.5", None, ("ada",))


def test_versions_that_cannot_be_listed_are_a_gap(tmp_path: Path) -> None:
    assert read("cli-native", system(tmp_path, {"/home/ada/.local/share/claude/versions": "x"})) == [Gap("is not a folder", Place("/home/ada/.local/share/claude/versions"))]


def test_a_native_install_that_is_a_folder_cannot_run(tmp_path: Path) -> None:
    (found,) = read("cli-native", system(tmp_path, {"/home/ada/.local/share/claude/versions/2.1.5/x": ""}))
    assert (found.intact, found.defect) == (False, "is a folder")


def test_a_wrapper_is_a_gap(tmp_path: Path) -> None:
    machine = system(tmp_path, {"/bin/claude": "#!/bin/sh", "/sbin/claude": "#!/bin/sh"}, modes={"/sbin/claude": "0755"}, npm={"/usr/local": "2.1.330"}, environ={"PATH": "/sbin"})
    assert read("cli-other", machine) == [Gap("is no install that is known here, so its version cannot be read", Place("/sbin/claude"))]


def test_what_cannot_run_is_no_launcher(tmp_path: Path) -> None:
    machine = system(tmp_path, {"/usr/bin/claude": "#!/bin/sh", "/bin/claude/x": ""}, links={"/sbin/claude": "claude"})
    assert prepared(machine).launchers == ()


def test_the_old_local_install_runs_by_its_wrapper(tmp_path: Path) -> None:
    local = "/home/ada/.claude/local"
    files = {f"{local}/claude": "#!/bin/sh", f"{local}/{PACKAGE.removeprefix('lib/')}/package.json": '{"version": "1.0.5"}', f"{local}/{PACKAGE.removeprefix('lib/')}/cli.js": "x"}
    machine = system(tmp_path, files, modes={f"{local}/claude": "0755"}, environ={"PATH": local})
    (found,) = read("cli-npm", machine)
    assert (found.method, found.active_for, found.version) == ("npm-local", ("ada",), "1.0.5")
    assert read("cli-other", machine) == []


# Extensions.


def extensions(root: Path, registry: str | None, *folders: str, **more: Any) -> list[Any]:
    files = {f"{EXTENSIONS}/{folder}/package.json": "{}" for folder in folders}
    if registry is not None:
        files[f"{EXTENSIONS}/extensions.json"] = registry
    return read("extensions", system(root, {**files, **more.pop("files", {})}, **more))


def test_an_extension_its_leftovers_and_the_cli_that_it_brings(tmp_path: Path) -> None:
    folder = f"{CLAUDE}-2.1.50-linux-x64"
    files = {f"{EXTENSIONS}/{folder}/resources/native-binary/claude": ELF, f"{EXTENSIONS}/.obsolete": json.dumps({f"{CLAUDE}-2.1.49": True})}
    registry = "[\n" + json.dumps(entry("2.1.50", folder, metadata={"pinned": True})) + "]"
    found = extensions(tmp_path, registry, f"{CLAUDE}-2.1.48", f"{CLAUDE}-2.1.49", "other.thing-1.0.0", files=files)
    assert [(one.product, one.version, one.active_for, one.defect, one.pinned, one.platform, one.place.line) for one in found] == [
        (CLAUDE, "2.1.48", (), None, None, None, None),
        (CLAUDE, "2.1.49", (), "marked for removal at the next start", None, None, None),
        (CLAUDE, "2.1.50", ("ada",), None, True, "linux-x64", 2),
        ("cli", "2.1.50", (), None, None, None, None),
    ]
    assert found[3].bundled_in == "anthropic.claude-code in vscode"


def test_a_bundled_cli_that_is_empty_cannot_run(tmp_path: Path) -> None:
    folder = f"{CLAUDE}-2.1.50"
    found = extensions(tmp_path, json.dumps([entry("2.1.50", folder)]), folder, files={f"{EXTENSIONS}/{folder}/resources/native-binary/claude": ""})
    assert (found[1].intact, found[1].defect) == (False, "is empty")


@pytest.mark.parametrize("location", [{"location": {"path": f"/x/{CLAUDE}-2.1.50/"}}, {"location": f"/x/{CLAUDE}-2.1.50"}])
def test_an_entry_may_name_its_folder_by_location(tmp_path: Path, location: dict[str, Any]) -> None:
    made = {**entry("2.1.50", ""), "relativeLocation": None, **location}
    (found,) = extensions(tmp_path, json.dumps([made]), f"{CLAUDE}-2.1.50")
    assert found.active_for == ("ada",)


@pytest.mark.parametrize(
    "registry",
    ["", "{", "1", "[1]", "[null]", '["x"]', "null", "[" * 100_000, "[[]]"],
    ids=range(9),
)
def test_a_corrupt_registry_is_a_gap(tmp_path: Path, registry: str) -> None:
    found = extensions(tmp_path, registry, f"{CLAUDE}-2.1.50")
    assert found[0] == Gap("is not a list of extensions, so the editor runs none", Place(f"{EXTENSIONS}/extensions.json"))
    assert found[1].version == "2.1.50"


@pytest.mark.parametrize("made", [{}, {"identifier": 1, "version": "1.0.0"}, {"identifier": {}, "version": 1}, {"identifier": {}, "version": "sk-ant-x"}, {"identifier": {}, "version": "1.0.0", "location": 5}])
def test_an_odd_entry_is_passed_over(tmp_path: Path, made: dict[str, Any]) -> None:
    found = extensions(tmp_path, json.dumps([made, entry("2.1.50", f"{CLAUDE}-2.1.50")]), f"{CLAUDE}-2.1.50")
    assert [(one.version, one.active_for) for one in found] == [("2.1.50", ("ada",))]


def test_a_missing_registry_is_a_gap(tmp_path: Path) -> None:
    found = extensions(tmp_path, None, f"{CLAUDE}-2.1.50")
    assert found[0].reason == "is missing, so which extension the editor runs is not known"
    assert found[1].active_for is None


def test_a_registry_that_cannot_be_read_is_a_gap(tmp_path: Path) -> None:
    found = extensions(tmp_path, None, f"{CLAUDE}-2.1.50", "extensions.json/x")
    assert found[0] == Gap("is a folder", Place(f"{EXTENSIONS}/extensions.json"))


def test_extensions_that_cannot_be_listed_are_a_gap(tmp_path: Path) -> None:
    assert read("extensions", system(tmp_path, {EXTENSIONS: "x"})) == [Gap("is not a folder", Place(EXTENSIONS))]


@pytest.mark.parametrize("obsolete", ["", "[]", "{", "1", "[" * 100_000, '{"x": 1}'], ids=range(6))
def test_a_corrupt_list_of_the_obsolete_is_none(tmp_path: Path, obsolete: str) -> None:
    found = extensions(tmp_path, "[]", f"{CLAUDE}-2.1.50", files={f"{EXTENSIONS}/.obsolete": obsolete})
    assert [(one.defect, one.active_for) for one in found] == [(None, ())]


def test_an_extension_that_the_policy_names_is_told(tmp_path: Path) -> None:
    found = extensions(tmp_path, "[]", "Acme.Tool-1.2.3", "other.tool-1.0.0", keep=["acme.tool", "not an id"])
    assert [(one.product, one.version) for one in found] == [("acme.tool", "1.2.3")]


# Settings and credentials.


def test_settings_of_every_scope(tmp_path: Path) -> None:
    found = [one for one in read("settings", everything(tmp_path)) if isinstance(one, Setting) and one.key[0] in ("model", "autoUpdates")]
    assert [(one.scope, one.value, one.user, one.project) for one in found] == [
        ("managed", "managed", None, None),
        ("drop-in", "drop-in", None, None),
        ("global", False, "ada", None),
        ("project", "project", "ada", "/home/ada/shop/inner"),
        ("local", "inner", "ada", "/home/ada/shop/inner"),
        ("root-local", "local", "ada", "/home/ada/shop/inner"),
    ]


def settings(root: Path, text: str, **more: Any) -> list[Any]:
    return read("settings", system(root, {"/home/ada/.claude/settings.json": text}, **more))


def test_a_value_stands_where_it_is_written_and_secrets_are_not_kept(tmp_path: Path) -> None:
    text = '{\n  "env": {"ANTHROPIC_API_KEY": "hunter2", "DISABLE_TELEMETRY": 1},\n  "hooks": {"x": "hunter2"}, "sk-ant-x": {}\n}'
    found = settings(tmp_path, text)
    assert [(one.key, one.value, one.place.line, one.place.column, one.place.text) for one in found if isinstance(one, Setting)] == [
        (("env", "ANTHROPIC_API_KEY"), REDACTED, 2, 11, f'"ANTHROPIC_API_KEY": {REDACTED}'),
        (("env", "DISABLE_TELEMETRY"), 1, 2, 43, '"DISABLE_TELEMETRY": 1'),
        (("hooks",), {REDACTED: REDACTED}, 3, 3, f'"hooks": {REDACTED}'),
        ((REDACTED,), {}, 3, 30, f'"{REDACTED}": {{}}'),
    ]
    assert [one.kind for one in found if isinstance(one, Credential)] == ["ANTHROPIC_API_KEY"]


@pytest.mark.parametrize(
    "text, reason, line",
    [
        ("{,}", "expected a key in double quotes", 1),
        ('{\n// x\n"model": "x"}', "a comment, which strict JSON does not allow", 2),
        ('{"model": "x",\n}', "a trailing comma, which strict JSON does not allow", 2),
        ("[]", "is not a JSON object", 1),
        ("1", "is not a JSON object", 1),
    ],
)
def test_a_file_that_the_client_drops_is_rejected(tmp_path: Path, text: str, reason: str, line: int) -> None:
    (found,) = settings(tmp_path, text)
    assert isinstance(found, Rejected)
    assert (found.reason, found.place.line, found.scope, found.user) == (reason, line, "user", "ada")


@pytest.mark.parametrize("secret", ["hunter2", "pa/ss/wd/12/34", 'pa"ss"wd', "ab,cd:ef gh", "a b c d", "äöü12"])
@pytest.mark.parametrize("line", ['"ANTHROPIC_API_KEY": {}', "ANTHROPIC_API_KEY={}", '"a": "{}', "'{}'", '{{"a": {} }}', '"x"{}'])
def test_of_a_line_that_cannot_be_parsed_only_the_shape_is_shown(tmp_path: Path, line: str, secret: str) -> None:
    (found,) = settings(tmp_path, line.format(secret))
    pieces = [secret[at : at + 2] for at in range(len(secret) - 1)]
    assert not [piece for piece in pieces if piece.isalnum() and piece in (found.place.text or "")], found.place.text


@pytest.mark.parametrize(
    "text, kind, why",
    [
        ('{"a":' * 600 + "1" + "}" * 600, Gap, "nested more than 512 deep"),
        ('{"env": {"CLAUDE_CONFIG_DIR": "/x"}}', Gap, "sends Claude Code to another folder for its settings, which is not followed"),
        (" " * (2 * 1024 * 1024) + "{}", Rejected, "is over 2 MiB"),
        (" " * (8 * 1024 * 1024) + "{}", Gap, "is larger than 8192 KiB"),
    ],
    ids=range(4),
)
def test_what_cannot_be_judged_is_told(tmp_path: Path, text: str, kind: type, why: str) -> None:
    found = settings(tmp_path, text)[0]
    assert isinstance(found, kind)
    assert found.reason == why  # type: ignore[attr-defined]


def test_utf_16_with_its_mark_is_read_and_other_bytes_are_patched(tmp_path: Path) -> None:
    machine = system(tmp_path)
    file = write(tmp_path, "/home/ada/.claude/settings.json", "")
    file.write_bytes('{"model": "é"}'.encode("utf-16"))
    assert [one.value for one in read("settings", machine)] == ["é"]
    file.write_bytes(b'{"model": "\xff"}')
    assert [one.value for one in read("settings", machine)] == ["\ufffd"]


@pytest.mark.parametrize(
    "text, said",
    [
        ("", []),
        ("{}", []),
        ("{", ["is not JSON"]),
        ("[]", ["is not a JSON object"]),
        ("[" * 100_000, ["is not JSON"]),
        ('{"autoUpdates": NaN}', ["is not JSON"]),
        ('{"env": 5, "numStartups": 3}', []),
    ],
    ids=range(7),
)
def test_the_global_file_is_read_for_a_few_keys(tmp_path: Path, text: str, said: list[str]) -> None:
    found = read("settings", system(tmp_path, {"/home/ada/.claude.json": text}))
    assert [one.reason for one in found] == said


def test_the_global_file_tells_keys_credentials_and_places(tmp_path: Path) -> None:
    text = '{\n "autoUpdates": true, "oauthAccount": "hunter2", "primaryApiKey": "hunter2",\n "env": {"ANTHROPIC_AUTH_TOKEN": "hunter2", "DISABLE_TELEMETRY": "1"}}'
    found = read("settings", system(tmp_path, {"/home/ada/.claude.json": text}))
    assert [(one.key, one.value, one.place.line) for one in found if isinstance(one, Setting)] == [
        (("autoUpdates",), True, 2),
        (("env", "ANTHROPIC_AUTH_TOKEN"), REDACTED, 3),
        (("env", "DISABLE_TELEMETRY"), "1", 3),
    ]
    assert [one.kind for one in found if isinstance(one, Credential)] == ["ANTHROPIC_AUTH_TOKEN", "primaryApiKey"]


def test_the_older_global_file_replaces_the_newer(tmp_path: Path) -> None:
    files = {"/home/ada/.claude/.config.json": '{"autoUpdates": true}', "/home/ada/.claude.json": '{"autoUpdates": false}'}
    (found,) = read("settings", system(tmp_path, files))
    assert (found.value, found.place.file) == (True, "/home/ada/.claude/.config.json")


def test_settings_that_cannot_be_read_are_gaps(tmp_path: Path) -> None:
    files = {"/home/ada/.claude/settings.json/x": "", "/home/ada/.claude.json/x": "", "/etc/claude-code/managed-settings.d": ""}
    assert [(one.reason, one.place.file) for one in read("settings", system(tmp_path, files))] == [
        ("is not a folder", "/etc/claude-code/managed-settings.d"),
        ("is a folder", "/home/ada/.claude/settings.json"),
        ("is a folder", "/home/ada/.claude.json"),
    ]


def test_hidden_drop_ins_and_other_names_do_not_count(tmp_path: Path) -> None:
    folder = "/etc/claude-code/managed-settings.d"
    files = {f"{folder}/{name}": f'{{"model": "{name}"}}' for name in (".a.json", "b.json.bak", "c.json", "a.json")}
    assert [one.value for one in read("settings", system(tmp_path, files))] == ["a.json", "c.json"]


def test_a_home_that_is_the_current_folder_has_no_project(tmp_path: Path) -> None:
    found = settings(tmp_path, '{"model": "x"}', cwd="/home/ada")
    assert [one.scope for one in found] == ["user"]


@pytest.mark.parametrize("file, home, who", [("0600", "0755", "owner"), ("0644", "0755", "everyone"), ("0644", "0700", "owner"), ("0640", "0755", "group"), ("0644", "0750", "group")])
def test_who_may_read_a_credential(tmp_path: Path, file: str, home: str, who: str) -> None:
    path = "/home/ada/.claude/.credentials.json"
    modes = {path: file, "/home/ada": home, "/home/ada/.claude": "0755", "/home": "0755"}
    machine = prepared(system(tmp_path, {path: "{}"}, modes=modes))
    assert list(sources()["credentials"].read(machine)) == [Credential("oauth", Place(path), who, "ada")]


def test_an_empty_credential_is_none_and_one_behind_a_loop_is_a_gap(tmp_path: Path) -> None:
    machine = system(tmp_path, {"/home/ada/.claude/.credentials.json": "", "/home/bob/x": ""}, links={"/home/bob/.claude/.credentials.json": ".credentials.json"})
    assert read("credentials", machine) == [Gap("is a loop of links", Place("/home/bob/.claude/.credentials.json"))]


def test_a_secret_in_the_environment_is_a_credential_said_once(tmp_path: Path) -> None:
    files = {"/etc/environment": "ANTHROPIC_API_KEY=hunter2\n", "/home/bob/.profile": "export ANTHROPIC_BASE_URL=https://u:p@h/\n"}
    machine = prepared(system(tmp_path, files, environ={"ANTHROPIC_AUTH_TOKEN": "hunter2"}))
    found = [one for one in sources()["environment"].read(machine) if isinstance(one, Credential)]
    assert [(one.kind, one.place.file, one.readable_by) for one in found][:2] == [
        ("ANTHROPIC_API_KEY", "/etc/environment", "everyone"),
        ("ANTHROPIC_AUTH_TOKEN", str(origin.PROCESS), "owner"),
    ]
    assert [one.kind for one in found][2:] == ["url"]


# Hostile homes.

HOSTILE: dict[str, tuple[str, str]] = {
    "keys of settings": ("/home/ada/.claude/settings.json", "{" + ",".join(f'"{at:06}":1' for at in range(150_000)) + "}"),
    "env of .claude.json": ("/home/ada/.claude.json", '{"env":{' + ",".join(f'"{at:06}":1' for at in range(150_000)) + "}}"),
    "a long url": ("/home/ada/.claude/settings.json", '{"env":{"ANTHROPIC_BASE_URL":"https://h/' + "a" * 1_000_000 + '"}}'),
    "entries of extensions.json": (f"{EXTENSIONS}/extensions.json", "[" + ",".join(json.dumps(entry("1.0.0", f"{at:06}")) for at in range(40_000)) + "]"),
    "spaces in .npmrc": ("/home/ada/.npmrc", "prefix" + " " * 60_000 + "\n" * 5_000),
    "blank lines in .npmrc": ("/home/ada/.npmrc", "\n" * 65_000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_home_is_read_in_seconds(tmp_path: Path, name: str) -> None:
    path, text = HOSTILE[name]
    machine = system(tmp_path, {path: text, f"{EXTENSIONS}/{CLAUDE}-1.0.0/x": ""})
    with within(4):
        facts.collect(machine)


@pytest.mark.parametrize(
    "files, links",
    [
        ({"/home/ada/.npmrc": "prefix=/a\0b\n"}, {}),
        ({"/home/ada/.npmrc": "prefix=relative\n"}, {}),
        ({"/home/ada/.npmrc": "prefix=" + "/a" * 3000}, {}),
        ({}, {"/home/ada/.npmrc": "//etc/passwd"}),
        ({}, {"/home/ada/.claude": "a/" * 2000}),
        ({}, {"/home/ada/.vscode": "/dev/zero"}),
        ({}, {"/home/ada/.claude": "../../../../../../../../.."}),
        ({"/home/ada/.claude/settings.json": '{"\\ud800": {"\\udfff": "\\ud800"}, "model": "\\ud800"}'}, {}),
        ({"/home/ada/.claude.json": '{"env": {"\\ud800": "\\ud800"}}'}, {}),
        ({f"{EXTENSIONS}/{CLAUDE}-1.0.0/x": "", f"{EXTENSIONS}/extensions.json": '[{"identifier": {}, "version": "1", "relativeLocation": "\\ud800"}]'}, {}),
    ],
    ids=range(10),
)
def test_a_hostile_home_does_not_hide_the_others(tmp_path: Path, files: dict[str, str], links: dict[str, str]) -> None:
    machine = system(tmp_path, {**files, "/home/bob/.claude/settings.json": '{"model": "bob"}'}, links=links)
    found = facts.collect(machine)
    assert [one.value for one in found.settings if one.user == "bob"] == ["bob"]
    json.dumps(document.dump(found), ensure_ascii=False).encode("utf-8")


# The plugins' form.

HOST = Path(cc_fleet.__file__).parent / "host"
FILES = [*sorted(HOST.rglob("*.py")), HOST.parent / "records.py", HOST.parent / "model.py", HOST.parent / "__init__.py"]


@pytest.mark.parametrize("name", sorted(sources()))
def test_a_source_has_a_page_its_wants_and_one_verb(name: str) -> None:
    source = sources()[name]
    assert len((source.__doc__ or "").strip()) > 40
    assert source.WANTS
    assert all(isinstance(want, str) and (want[0] in "/~*" or want.startswith("C:/")) for want in source.WANTS)
    assert callable(source.read)


def test_every_file_in_the_folder_is_a_source() -> None:
    files = [path.stem for path in (HOST / "facts").glob("*.py") if not path.name.startswith("_")]
    assert list(plugins.names("cc_fleet.host.facts")) == sorted(files)
    assert sorted(name.replace("_", "-") for name in files) == sorted(sources())


def test_plugins_are_found_inside_a_zip_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "made.zip", "w") as archive:
        for name in ("__init__", "b", "a", "_not"):
            archive.writestr(f"zipped_plugins/{name}.py", "")
    monkeypatch.syspath_prepend(str(tmp_path / "made.zip"))
    assert plugins.names("zipped_plugins") == ("a", "b")


# The host program.


def test_the_program_prints_the_facts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "root").mkdir()
    assert program.main(["facts", "--root", str(tmp_path / "root")]) == 0
    assert document.load(json.loads(capsys.readouterr().out)).name == "root"


@pytest.mark.parametrize("arguments", [[], ["judge"], ["facts", "-r", "/"], ["facts", "--rot", "/"], ["apply"], ["apply", "a", "b"], ["preview"], ["rollback", "1", "2"]])
def test_the_program_says_how_it_is_called(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.lstrip().startswith("cc-fleet-host facts [--root DIR]")


def test_the_program_names_a_folder_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(["facts", "--root"]) == 2
    assert "is not a folder" in capsys.readouterr().err


def test_the_zipapp_holds_the_host_program_and_nothing_else(tmp_path: Path) -> None:
    zipapp.build(str(tmp_path / "host.pyz"))
    with zipfile.ZipFile(tmp_path / "host.pyz") as archive:
        names, times = archive.namelist(), {member.date_time for member in archive.infolist()}
    assert names == sorted(["__main__.py", *(f"cc_fleet/{file.relative_to(HOST.parent).as_posix()}" for file in FILES)])
    assert times == {(1980, 1, 1, 0, 0, 0)}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(HOST.parent).as_posix())
def test_what_runs_on_hosts_is_python_3_9_of_the_standard_library(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"), feature_version=(3, 9))
    assert ast.get_docstring(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert {alias.name.partition(".")[0] for alias in node.names} <= sys.stdlib_module_names
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            assert (node.module or "").partition(".")[0] in sys.stdlib_module_names | {"_sha2"}  # which later Pythons have
        elif isinstance(node, ast.ImportFrom):
            package = file.parent
            for _ in range(node.level - 1):
                package = package.parent
            assert package.is_relative_to(HOST) or node.module in ("model", "records", None), f"{file}:{node.lineno} leaves host"
        assert not isinstance(node, (ast.Match,)), "no match statement in 3.9"
