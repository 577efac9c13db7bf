"""Machines whose files their users broke on purpose: whatever stands there, facts come, in time, and without a secret.

``python -m tests.host.test_hostile SECONDS [SEED]`` goes on for as long as it is told.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

import pytest

from cc_fleet.host import document, facts
from cc_fleet.host.machine import Machine
from cc_fleet.host.system import under
from cc_fleet.model import Target

SECRET = "hunter2"
SYSTEMS = ("linux", "macos", "windows")
IN_TIME = 10.0
PIECES = (
    b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\\ud800", b"\x1b]0;x\x07", b"9" * 5000, b"1e999", b"-1", b"[" * 2000, b'{"a":' * 600, b"%SystemRoot%" * 40,
    b"$HOME$PATH", b"'", b'"', b"\\", b"\n", b"\r\n", b"\\\n", b"=", b"{", b"}", b"]", b"<", b">", b"../../../../../etc/shadow", b"/etc/shadow", b"//", b"C:\\", b"null", b"true", b"[]", b"{}", b" " * 3000,
)  # fmt: skip
NAMES = ("\x1b[31mred", "a\nb", "..x", "\udcff", "é", "CON", "x" * 200, "claude", "anthropic.claude-code-9.9.9", "2.1.999", "litellm-9.9.9.dist-info", "settings.json")


def broken(data: bytes, chance: random.Random) -> bytes:
    """``data`` with one thing wrong."""
    at, end = sorted((chance.randrange(len(data) + 1), chance.randrange(len(data) + 1)))
    way = chance.randrange(8)
    if way == 0:
        return data[:at]
    if way == 1:
        return data[:at] + data[end:]
    if way == 2:
        return data[:at] + data[at:end] * chance.choice((2, 3, 50)) + data[end:]
    if way == 3:
        flipped = bytearray(data)
        for _ in range(chance.randrange(1, 9) if data else 0):
            flipped[chance.randrange(len(flipped))] = chance.randrange(256)
        return bytes(flipped)
    if way == 4:
        return b""
    if way == 5:
        return (data + b"\n") * min(200, 200_000 // (len(data) + 1))
    return data[:at] + chance.choice(PIECES) + data[at if way == 6 else end :]


def odd(file: Path, chance: random.Random) -> None:
    """Put something else where ``file`` stands."""
    way = chance.randrange(7)
    (shutil.rmtree if file.is_dir() and not file.is_symlink() else os.unlink)(file)
    if way == 0:
        (file / "x").mkdir(parents=True)
    elif way == 1:
        os.mkfifo(file)
    elif way == 2:
        file.symlink_to(file.name)
    elif way == 3:
        file.symlink_to("/etc/shadow")
    elif way == 4:
        file.symlink_to("../" * 40 + "etc/passwd")
    elif way == 5:
        file.symlink_to(".")


def break_(root: Path, chance: random.Random) -> None:
    """Break a few things below ``root``."""
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        files = sorted(path for path in root.rglob("*") if not path.is_dir() or path.is_symlink())
        file = chance.choice(files)
        way = chance.randrange(8)
        if way == 0:
            odd(file, chance)
        elif way == 1:
            folder = chance.choice([one for one in file.parents if one != root and root in one.parents] or [file])
            odd(folder, chance)
        elif way == 2:
            new = file.parent / chance.choice(NAMES)
            if not os.path.lexists(new):
                (os.rename if chance.random() < 0.5 else shutil.copy)(file, new) if file.is_file() and not file.is_symlink() else new.mkdir()
        elif file.is_file() and not file.is_symlink():
            file.write_bytes(broken(file.read_bytes(), chance))


def system(root: Path, name: str) -> Machine:
    """The machine of test_three_systems with what else keeps a secret."""
    from tests.host import test_three_systems as three

    root.mkdir(parents=True)
    three.MAKE[name](root)
    for path, content in more(name).items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    found = under(str(root), digests=True)
    return found._replace(kind="machine", privileged=True)


def more(name: str) -> dict[str, str | bytes]:
    """Files in which a secret stands, by their paths below the root."""
    import plistlib

    home = "home/ada" if name == "linux" else "Users/ada"
    environ = {"ANTHROPIC_API_KEY": SECRET, "ANTHROPIC_BASE_URL": f"https://u:{SECRET}@h/x?key={SECRET}"}
    lines = "".join(f'{key}="{value}"\n' for key, value in environ.items())
    settings = json.dumps({"env": environ, "apiKeyHelper": f"echo {SECRET}", "model": "opus"})
    made: dict[str, str | bytes] = {
        f"{home}/.claude.json": json.dumps({"primaryApiKey": SECRET, "env": environ, "autoUpdates": False, "userID": SECRET}),
        f"{home}/.config/fish/config.fish": f"set -gx ANTHROPIC_API_KEY {SECRET}\n",
        f"{home}/.claude/remote-settings.json": settings, f"{home}/.npmrc": f"//registry/:_authToken={SECRET}\nprefix=${{HOME}}/npm\n",
    }  # fmt: skip
    if name == "linux":
        container = json.dumps({"Config": {"Image": "ghcr.io/berriai/litellm:v1.80.0", "Env": [f"LITELLM_MASTER_KEY={SECRET}"]}})
        made |= {
            "etc/environment": lines, f"{home}/.config/environment.d/a.conf": lines, f"{home}/.bashrc": f"export ANTHROPIC_AUTH_TOKEN={SECRET}\n",
            "var/lib/docker/containers/abc/config.v2.json": container, f"{home}/.local/share/docker/containers/abc/config.v2.json": container,
            f"{home}/.config/containers/systemd/litellm.container": f"[Container]\nImage=litellm:v1.80.0\nEnvironment=KEY={SECRET}\n",
            f"{home}/.config/systemd/user/litellm.service": f"[Service]\nEnvironment=KEY={SECRET}\nExecStart=/home/ada/venv/bin/litellm --key {SECRET}\n",
            "etc/vscode/policy.json": json.dumps({"AllowedExtensions": {"anthropic": True, SECRET: SECRET}}),
            "usr/bin/claude": "\x7fELF", "var/lib/dpkg/status": "Package: claude-code\nStatus: install ok installed\nVersion: 2.1.211-1\n",
        }  # fmt: skip
    elif name == "macos":
        agent = {"ProgramArguments": ["sh", "-c", f"launchctl setenv ANTHROPIC_API_KEY {SECRET}; launchctl setenv CLAUDE_X {SECRET}"]}
        editor = {"AllowedExtensions": json.dumps({"anthropic": SECRET}), "UpdateMode": "none", "x": SECRET}
        made |= {
            f"{home}/Library/LaunchAgents/a.plist": plistlib.dumps(agent), f"{home}/Library/LaunchAgents/b.plist": plistlib.dumps(agent, fmt=plistlib.FMT_BINARY),
            "Library/Managed Preferences/com.anthropic.claudecode.plist": plistlib.dumps(json.loads(settings), fmt=plistlib.FMT_BINARY),
            "Library/Managed Preferences/ada/com.anthropic.claudecode.plist": plistlib.dumps(json.loads(settings)),
            "Library/Managed Preferences/com.microsoft.VSCode.plist": plistlib.dumps(editor, fmt=plistlib.FMT_BINARY),
        }  # fmt: skip
    else:
        policy = json.dumps(settings)
        made |= {
            f"{home}/Documents/PowerShell/profile.ps1": f"$env:ANTHROPIC_API_KEY = '{SECRET}'\n",
            "b.reg": f'REGEDIT4\n\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\ClaudeCode]\n"Settings"={policy}\n[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Environment]\n"ANTHROPIC_API_KEY"="{SECRET}"\n',
        }  # fmt: skip
    return made


def held(machine: Machine) -> Target:
    """What is collected, after what always holds was found to hold."""
    began = time.monotonic()
    found = facts.collect(machine)
    assert time.monotonic() - began < IN_TIME
    text = json.dumps(document.dump(found), allow_nan=False)
    assert document.load(json.loads(text)) == found
    assert SECRET not in text
    return found


def one(folder: Path, name: str, seed: int) -> None:
    """Break the system ``name`` as ``seed`` says, and read it."""
    system(folder / "root", name)
    break_(folder / "root", random.Random(seed))
    machine = under(str(folder / "root"), digests=True)
    homes = [user for user in machine.users if user.name == "ada"]
    if homes and seed % 2:
        machine = machine._replace(kind="machine", privileged=True, caller=homes[0], environ={}, cwd=f"{homes[0].home}/shop")
    held(machine)


@pytest.mark.parametrize("name", SYSTEMS)
def test_what_is_not_broken_holds_no_secret_either(tmp_path: Path, name: str) -> None:
    found = held(system(tmp_path / "root", name))
    assert len(found.credentials) > 3
    assert found.settings


@pytest.mark.skipif(os.name == "nt", reason="needs links and FIFOs")
@pytest.mark.parametrize("name", SYSTEMS)
def test_whatever_is_broken_facts_come(tmp_path: Path, name: str) -> None:
    for seed in range(15):
        one(tmp_path / str(seed), name, seed)


if __name__ == "__main__":
    until, number, failed = time.monotonic() + float(sys.argv[1]), int((sys.argv[2:] or ["1000"])[0]), 0
    while time.monotonic() < until and failed < 5:
        with tempfile.TemporaryDirectory() as temporary:
            try:
                one(Path(temporary), SYSTEMS[number % 3], number)
            except Exception:  # noqa: BLE001
                import traceback

                print("seed", number, SYSTEMS[number % 3])
                traceback.print_exc()
                failed += 1
        number += 1
    print(number, "systems", failed, "failed")
