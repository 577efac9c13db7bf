"""One fleet machine as Linux, macOS and Windows have it: the same facts, and the same findings.

What stands on the machine is told once, in ``HOME`` and ``OURS``; each system lays it out in its own way, Windows with CRLF,
marks, a registry in UTF-16, backslashes and names in any case.  ``same`` is all that may differ afterwards.
"""

from __future__ import annotations

import json
import plistlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cc_fleet import advisories, checks
from cc_fleet.host import document, facts
from cc_fleet.host.machine import Machine
from cc_fleet.host.system import under
from cc_fleet.model import GROUPS, Finding, Target
from cc_fleet.policy.load import load
from tests.host.test_installs import CMD, ELF, MODULE, NEW, exe

SYSTEMS = ("linux", "macos", "windows")
TODAY = "2026-11-23"
CLAUDE = "anthropic.claude-code"
PLUGIN = "claude-code-jetbrains-plugin"
PLATFORM = {"linux": "linux-x64", "macos": "darwin-arm64", "windows": "win32-x64"}
FLAG, URL = "CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS", "ANTHROPIC_BASE_URL"
Made = dict[str, str | bytes]

# Settings documents, the same on every system. bob's is void: a comment.
USER = """{
  "model": "opus",
  "env": {
    "CLAUDE_CODE_MAX_TOOL_USE_CONCURRENCY": "3",
    "ANTHROPIC_AUTH_TOKEN": "hunter2"
  },
  "permissions": {"defaultMode": "bypassPermissions"}
}
"""
VOID = """{
  // the team's own
  "model": "sonnet"
}
"""
MANAGED = """{
  "requiredMinimumVersion": "2.1.163",
  "env": {"ANTHROPIC_BETAS": "x-2026-01-01"}
}
"""
EDITOR = """{
  // Claude
  "claudeCode.environmentVariables": [
    {"name": "DISABLE_TELEMETRY", "value": "1"},
    {"name": "ANTHROPIC_API_KEY", "value": "hunter2"},
  ],
  "extensions.autoUpdate": true,
}
"""


def homes(system: str) -> Made:
    """What two people have in their homes, by paths that all systems share; ``{…}`` is a system's own."""
    extensions, folder = "~ada/.vscode/extensions", f"{CLAUDE}-2.1.210-{PLATFORM[system]}"
    exe_ = ".exe" if system == "windows" else ""
    return {
        "~ada/.claude/settings.json": USER, "~ada/.claude/.credentials.json": '{"claudeAiOauth": {"accessToken": "hunter2"}}',
        "~ada/.claude/.last-update-result.json": '{"version_from": "2.1.329", "version_to": "2.1.330", "outcome": "success"}',
        "~ada/.claude.json": '{\n  "autoUpdates": false, "autoInstallIdeExtension": true\n}\n',
        "~ada/shop/.claude/settings.json": '{\n  "model": "haiku",\n  "enabledPlugins": {"x": true}\n}\n',
        "~ada/shop/.claude/settings.local.json": '{"cleanupPeriodDays": 0}',
        f"~ada/{{npm}}/{MODULE}/package.json": NEW % "2.1.330", f"~ada/{{npm}}/{MODULE}/bin/claude.exe": program(system, "2.1.330"),
        f"~ada/{{npm}}/{MODULE}/node_modules/@anthropic-ai/claude-code-{PLATFORM[system]}/package.json": "{}",
        f"{extensions}/extensions.json": registered(system, "2.1.210", extensions),
        f"{extensions}/{folder}/resources/native-binary/claude{exe_}": program(system, "2.1.210"),
        f"{extensions}/{CLAUDE}-2.1.209-{PLATFORM[system]}/package.json": "{}",
        f"{extensions}/.obsolete": json.dumps({f"{CLAUDE}-2.1.209-{PLATFORM[system]}": True}),
        "~ada/{config}/Code/User/settings.json": EDITOR,
        f"~ada/{{jetbrains}}/{PLUGIN}/lib/{PLUGIN}-0.1.14-beta.jar": "PK",
        "~ada/litellm-venv/{site}/litellm-1.90.7.dist-info/METADATA": "Name: litellm",
        "~bob/cfg/settings.json": VOID,
        f"~bob/.local/share/claude/versions/2.1.300{exe_}": program(system, "2.1.300"), f"~bob/.local/share/claude/versions/2.1.310{exe_}": program(system, "2.1.310"),
        "{managed}/managed-settings.json": MANAGED, "{managed}/managed-settings.d/10-env.json": f'{{"env": {{"{FLAG}": "1"}}}}',
        "{managed}/managed-settings.d/20-void.json": '{"model": "opus",}',
    }  # fmt: skip


OWN = {
    "linux": {"home": "/home", "npm": ".npm-global/lib", "config": ".config", "jetbrains": ".local/share/JetBrains/PyCharm2026.1", "site": "lib/python3.12/site-packages", "managed": "/etc/claude-code"},
    "macos": {
        "home": "/Users", "npm": ".npm-global/lib", "config": "Library/Application Support", "jetbrains": "Library/Application Support/JetBrains/PyCharm2026.1/plugins",
        "site": "lib/python3.12/site-packages", "managed": "/Library/Application Support/ClaudeCode",
    },
    "windows": {
        "home": "/Users", "npm": "AppData/Roaming/npm", "config": "AppData/Roaming", "jetbrains": "AppData/Roaming/JetBrains/PyCharm2026.1/plugins",
        "site": "Lib/site-packages", "managed": "/Program Files/ClaudeCode",
    },
}  # fmt: skip


def program(system: str, version: str) -> bytes:
    return {"linux": ELF.encode(), "macos": b"\xcf\xfa\xed\xfe", "windows": exe(version)}[system]


def registered(system: str, version: str, root: str) -> str:
    """``extensions.json``: Linux' names the folder, Windows' and macOS' have the place alone, as UriComponents."""
    folder = f"{CLAUDE}-{version}-{PLATFORM[system]}"
    path = f"{'/c:' if system == 'windows' else ''}{OWN[system]['home']}/{root[1:]}/{folder}"
    told = {"$mid": 1, "fsPath": path.lstrip("/").replace("/", "\\"), "external": f"file://{path.replace(':', '%3A')}", "path": path, "scheme": "file"}
    entry = {"identifier": {"id": CLAUDE, "uuid": "3c13ae49"}, "version": version, "location": told, "metadata": {"pinned": True, "source": "gallery"}}
    return json.dumps([{**entry, "relativeLocation": folder} if system == "linux" else entry])


# What each system has of its own: accounts, the environment, what a PATH finds.


def linux(root: Path) -> None:
    files: Made = {
        "/etc/passwd": "ada:x:1000:1000::/home/ada:/bin/bash\nbob:x:1001:1001::/home/bob:/bin/bash\n", "/etc/environment": "DISABLE_AUTOUPDATER=1\n",
        "~ada/.profile": f'export {FLAG}=0\nexport {URL}="https://llm.acme.example/v1"\nPATH="$HOME/.npm-global/bin:$PATH"\n',
        "~bob/.profile": 'export CLAUDE_CONFIG_DIR="$HOME/cfg"\nPATH="$HOME/.local/bin:$PATH"\n',
    }  # fmt: skip
    made(root, "linux", files)
    links(root, "/home")


def macos(root: Path) -> None:
    agent = plistlib.dumps({"Label": "acme.env", "RunAtLoad": True, "ProgramArguments": ["/bin/launchctl", "setenv", "DISABLE_AUTOUPDATER", "1"]})
    files: Made = {
        "/System/x": "", "/Users/.localized": "", "/Users/Shared/x": "", "/Library/LaunchAgents/acme.env.plist": agent,
        "~ada/.zprofile": f'export {FLAG}=0\nexport {URL}="https://llm.acme.example/v1"\nexport PATH="$HOME/.npm-global/bin:$PATH"\n',
        "~bob/.zprofile": 'export CLAUDE_CONFIG_DIR="$HOME/cfg"\ntypeset -U path\npath=($HOME/.local/bin(N-/) $path)\n',
    }  # fmt: skip
    made(root, "macos", files)
    links(root, "/Users")


def links(root: Path, home: str) -> None:
    for link, target in (("ada/.npm-global/bin/claude", f"../lib/{MODULE}/bin/claude.exe"), ("bob/.local/bin/claude", "../share/claude/versions/2.1.310")):
        at = root / home[1:] / link
        at.parent.mkdir(parents=True)
        at.symlink_to(target)


SID = "S-1-5-21-1111111111-2222222222-3333333333"
PROFILES = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\ProfileList"
REGISTRY = {
    "HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Environment": {"Path": "%SystemRoot%\\system32;%SystemRoot%", "Disable_AutoUpdater": "1"},
    f"{PROFILES}\\{SID}-1001": {"ProfileImagePath": "%SystemDrive%\\Users\\ada"}, f"{PROFILES}\\{SID}-1002": {"ProfileImagePath": "C:\\Users\\Bob"},
    f"HKEY_USERS\\{SID}-1001\\Environment": {FLAG: "0", URL: "https://llm.acme.example/v1", "Path": "%userprofile%\\appdata\\ROAMING\\npm;"},
    f"HKEY_USERS\\{SID}-1002\\Environment": {"CLAUDE_CONFIG_DIR": "%USERPROFILE%\\cfg", "Path": "%USERPROFILE%\\.local\\bin"},
}  # fmt: skip


def windows(root: Path) -> None:
    export = "Windows Registry Editor Version 5.00\r\n"
    for key, values in REGISTRY.items():
        export += f"\r\n[{key}]\r\n" + "".join(f'"{name}"={value(text)}\r\n' for name, text in values.items())
    files: Made = {
        "/Windows/x": "", "/Users/Public/x": "", "/Users/desktop.ini": "", "/Export.REG": b"\xff\xfe" + export.encode("utf-16-le"),
        "~ada/{npm}/claude.cmd": CMD, "~ada/{npm}/claude": "#!/bin/sh\r\n", "~bob/.local/bin/claude.exe": exe("2.1.310"),
    }  # fmt: skip
    made(root, "windows", files)
    for old, new in (("Users/ada/.claude/settings.json", "Settings.JSON"), ("Users/ada/.claude", ".Claude"), ("Program Files/ClaudeCode/managed-settings.json", "Managed-Settings.json"),
                     ("Program Files/ClaudeCode", "CLAUDECODE"), ("Users/ada/AppData/Roaming", "roaming"), ("Users/ada/.vscode", ".VSCode")):  # fmt: skip
        (root / old).rename((root / old).parent / new)


def value(text: str) -> str:
    """A line's end in a .reg file: a text, or one to be expanded, as regedit breaks it."""
    octets = [f"{octet:02x}" for octet in f"{text}\0".encode("utf-16-le")]
    lines = [",".join(octets[at : at + 25]) for at in range(0, len(octets), 25)]
    return "hex(2):" + ",\\\r\n  ".join(lines) if "%" in text else json.dumps(text)


def made(root: Path, system: str, files: Made) -> None:
    own = OWN[system]
    for path, content in {**homes(system), **files}.items():
        told = re.sub(r"\{(\w+)\}", lambda found: own[found[1]], path)
        file = root / re.sub(r"^~", f"{own['home']}/", told).lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        lines = content.replace("\r\n", "\n") if isinstance(content, str) else ""
        file.write_bytes(content if isinstance(content, bytes) else lines.replace("\n", "\r\n" if system == "windows" else "\n").encode())
        file.chmod(0o755 if "claude" in file.name or file.parent.name == "versions" else 0o644)
    for user in ("ada", "bob"):
        (root / own["home"][1:] / user).chmod(0o700)
    (root / own["home"][1:] / "ada/.claude/.credentials.json").chmod(0o600)


MAKE: dict[str, Callable[[Path], None]] = {"linux": linux, "macos": macos, "windows": windows}


def machine(root: Path, system: str) -> Machine:
    """The system, read as ada runs cc-fleet in ~/shop; her environment is what the files make."""
    root.mkdir(parents=True)
    MAKE[system](root)
    found = under(str(root))
    assert (found.os, [user.name for user in found.users]) == (system, ["ada", "bob"])
    ada = found.users[0]
    return found._replace(kind="machine", name="laptop", privileged=True, caller=ada, environ={}, cwd=f"{ada.home}/shop")


@pytest.fixture(scope="module")
def targets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Target]:
    folder = tmp_path_factory.mktemp("three")
    return {system: facts.collect(machine(folder / system, system)) for system in SYSTEMS}


# What may differ.

SAME: dict[str, tuple[tuple[str, str], ...]] = {
    "linux": ((r"/home/(\w+)/\.local/share/JetBrains/([^/]+)/", r"~\1/(config)/JetBrains/\2/plugins/"), (r"/home/(\w+)/\.config/", r"~\1/(config)/"), (r"/home/(\w+)\b", r"~\1")),
    "macos": ((r"/Users/(\w+)/Library/Application Support/", r"~\1/(config)/"), (r"/Users/(\w+)\b", r"~\1")),
    "windows": (
        (r"C:/Users/(\w+)/AppData/(?i:Roaming)/npm/", r"~\1/.npm-global/lib/"), (r"C:/Users/(\w+)/AppData/Roaming/", r"~\1/(config)/"), (r"C:/Users/(\w+)\b", r"~\1"),
        (r"/Lib/site-packages/", "/lib/python3.12/site-packages/"), (r"(/native-binary/claude|/versions/2\.1\.\d+)\.exe", r"\1"),
    ),
}  # fmt: skip
ORIGINS = {"environment-file": "everybody's", "launchd": "everybody's", "profile": "the user's"}


def same(system: str, told: Any) -> Any:
    """What a fact or a message says, without what is the system's own: its folders, its suffixes, its means to set a variable."""
    if isinstance(told, str):
        told = told.replace("\\", "/").replace(OWN[system]["managed"], "(managed)").replace("C:(managed)", "(managed)").replace(PLATFORM[system], "(platform)")
        for pattern, name in SAME[system]:
            told = re.sub(pattern, name, told)
        return told
    if isinstance(told, dict):
        if "origin" in told and told["origin"] not in ("editor", "process"):
            means = ("the user's" if told["user"] else "everybody's") if told["origin"] == "registry" else ORIGINS[told["origin"]]
            told = {**told, "origin": means, "place": None}
        return {name: same(system, value) for name, value in told.items()}
    return [same(system, value) for value in told] if isinstance(told, list) else told


def plain(target: Target) -> dict[str, list[Any]]:
    """A target's facts by their kind; of extensions.json the column, which a longer place moves, is left out."""
    found = document.dump(target)
    for install in found["installs"]:
        install["place"]["column"] = install["place"]["text"] = None
    return {group: same(target.os, found[group]) for group in GROUPS}


@pytest.mark.parametrize("system", ["macos", "windows"])
@pytest.mark.parametrize("group", [group for group in GROUPS if group not in ("declared", "jobs", "ignores", "images", "layers")])  # which are a repository's
def test_every_system_tells_the_same_facts(targets: dict[str, Target], system: str, group: str) -> None:
    there, here = plain(targets[system])[group], plain(targets["linux"])[group]
    assert there == here
    assert here or group == "gaps"


def test_the_facts_are_those_that_were_laid_out(targets: dict[str, Target]) -> None:
    """Equal is not enough: three systems of which nothing is read are equal, too."""
    for target in targets.values():
        assert sorted((one.product, one.version, one.active_for, one.user, one.pinned) for one in target.installs if one.defect is None) == [
            (CLAUDE, "2.1.210", ("ada",), "ada", True), ("cli", "2.1.210", (), "ada", None), ("cli", "2.1.300", (), "bob", None), ("cli", "2.1.310", ("bob",), "bob", None),
            ("cli", "2.1.330", ("ada",), "ada", None), ("jetbrains.claude-code", "0.1.14-beta", ("ada",), "ada", None),
        ]  # fmt: skip
        assert [one.version for one in target.installs if one.defect] == ["2.1.209"]
        assert {one.scope for one in target.settings} == {"user", "project", "local", "managed", "drop-in", "global", "editor"}
        assert [(one.scope, one.user, one.place.line) for one in target.rejected] == [("drop-in", None, 1), ("user", "bob", 2)]
        assert [(one.name, one.user) for one in target.variables] == [
            ("DISABLE_TELEMETRY", "ada"), ("ANTHROPIC_API_KEY", "ada"), ("DISABLE_AUTOUPDATER", None), (FLAG, "ada"), (URL, "ada"), ("CLAUDE_CONFIG_DIR", "bob"),
        ]  # fmt: skip
        assert [(one.kind, one.readable_by) for one in target.credentials] == [("oauth", "owner"), ("ANTHROPIC_API_KEY", "owner"), ("ANTHROPIC_AUTH_TOKEN", "owner")]
        assert [(one.kind, one.version) for one in target.gateways] == [("litellm", "1.90.7")]
        assert (len(target.updates), target.gaps) == (1, ())
        assert "hunter2" not in repr(target)


# The findings.


def judged(target: Target, tmp_path: Path) -> list[Finding]:
    policy = tmp_path / "policy.yaml"
    policy.write_text("policy: acme\nextends: [strict]\n", encoding="utf-8")
    return checks.judge(load([str(policy)]).policy, advisories.load(), [target], TODAY)


def told(target: Target, found: list[Finding]) -> list[tuple[str, ...]]:
    return sorted((one.check, one.severity, same(target.os, one.problem.subject), same(target.os, one.problem.message), one.problem.advisory or "") for one in found)


@pytest.mark.parametrize("system", ["macos", "windows"])
def test_every_system_is_judged_the_same(targets: dict[str, Target], system: str, tmp_path: Path) -> None:
    here = told(targets["linux"], judged(targets["linux"], tmp_path))
    assert told(targets[system], judged(targets[system], tmp_path)) == here
    assert {"settings-invalid", "extension-leftover", "extension-skew", "env-flag", "gateway-url", "setting-value"} <= {check for check, *_ in here}


@pytest.mark.parametrize("system", SYSTEMS)
def test_facts_that_travelled_are_judged_as_at_home(targets: dict[str, Target], system: str, tmp_path: Path) -> None:
    travelled = document.load(json.loads(json.dumps(document.dump(targets[system]))))
    assert travelled == targets[system]
    assert judged(travelled, tmp_path) == judged(targets[system], tmp_path)
