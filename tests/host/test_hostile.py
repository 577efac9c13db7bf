"""Machines whose files their users broke on purpose: whatever stands there, facts come, in time, and without a secret.

``python -m tests.host.test_hostile SECONDS [SEED]`` goes on for as long as it is told; a byte that is flipped may then make a value part of a
name (``KEY"hunter2``), and names are shown.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

import pytest

from cc_fleet.host import document, facts, plist
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


# Bombs: little files that stand for much.


def binary(*objects: bytes) -> bytes:
    """A binary property list of objects as it has them; numbers of objects are four bytes."""
    data, places = b"bplist00", []
    for each in objects:
        places.append(len(data))
        data += each
    table = b"".join(place.to_bytes(4, "big") for place in places)
    return data + table + bytes((0, 0, 0, 0, 0, 0, 4, 4)) + b"".join(one.to_bytes(8, "big") for one in (len(places), 0, len(data)))


def numbers(*given: int) -> bytes:
    return b"".join(one.to_bytes(4, "big") for one in given)


def array(*given: int) -> bytes:
    return b"\xaf\x12" + numbers(len(given)) + numbers(*given)


def text(given: str) -> bytes:
    return b"\x5f\x12" + numbers(len(given)) + given.encode()


LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE p [<!ENTITY a0 "setenv">' + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    + ']><plist version="1.0"><dict><key>ProgramArguments</key><array><string>&a11;</string></array></dict></plist>'
)  # fmt: skip
ROOT = b"\xd1" + numbers(1, 2)
DOUBLED = binary(ROOT, text("model"), *(array(n + 3, n + 3) for n in range(40)), text("x"))
REPEATED = binary(ROOT, text("ProgramArguments"), array(*[3] * 100_000), text("setenv" + "x" * 300_000))
NOT_FINITE = '<plist version="1.0"><dict><key>ExtensionsAutoUpdate</key><array><real>nan</real><real>inf</real></array></dict></plist>'
PREFERENCES, AGENT = "Library/Managed Preferences/com.anthropic.claudecode.plist", "Users/ada/Library/LaunchAgents/a.plist"
EDITOR = "Library/Managed Preferences/com.microsoft.VSCode.plist"
CONF, FISH, POLICY = "home/ada/.config/environment.d/a.conf", "home/ada/.config/fish/config.fish", "home/ada/.claude/settings.json"
KEY = "REGEDIT4\n\n[HKEY_CURRENT_USER\\Environment]\n"
PROFILE = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\ProfileList\\S"
PROGRAM = {"usr/bin/claude": "\x7fELF"}


def octets(given: str) -> str:
    return "hex(2):" + ",".join(f"{one:02x},00" for one in given.encode())


def database() -> bytes:
    """An RPM database whose first page names its second ten thousand times, which names one row thirty thousand times."""
    first, second = bytearray(65536), bytearray(65536)
    first[:18], first[100], first[103:105], first[108:112] = b"SQLite format 3\0\0\1", 5, (10_000).to_bytes(2, "big"), numbers(2)
    first[112:20112], first[60000:60005] = (60_000).to_bytes(2, "big") * 10_000, numbers(2) + b"\1"
    second[0], second[3:5], second[8:60008] = 13, (30_000).to_bytes(2, "big"), (61_000).to_bytes(2, "big") * 30_000
    second[61000:61009] = b"\7\1\6\0\0\0\0\0\0"
    return bytes(first + second)


BOMBS: dict[str, dict[str, str | bytes]] = {
    "laughs": {AGENT: LAUGHS, PREFERENCES: LAUGHS, EDITOR: LAUGHS},
    "a list in a list, twice, forty times": {PREFERENCES: DOUBLED, EDITOR: DOUBLED, AGENT: DOUBLED + b"setenv"},
    "one text, many times": {AGENT: REPEATED},
    "a long token": {PREFERENCES: f'<?xml version="1.0"?><plist version="1.0"><!--{"x" * 8_000_000}--><dict/></plist>'},
    "not finite": {EDITOR: NOT_FINITE},
    "not finite, in JSON": {POLICY: '{"availableModels": [1e999], "cleanupPeriodDays": 1e999}'},
    "one name, many times": {CONF: "A=" + "x" * 60_000 + "\nB=" + "$A" * 200_000 + "\n"},
    "many names": {CONF: "A=" + "x" * 30_000 + "\n" + "".join(f"B{n}=$A$A\n" for n in range(60_000))},
    "many names of fish": {"etc/passwd": "ada:x:1:1::/home/ada:/bin/fish\n", FISH: "set A " + "x" * 30_000 + "\n" + "".join(f"set B{n} $A$A\n" for n in range(50_000))},
    "names of the registry": {"ada.reg": KEY + f'"A0"={octets("x" * 1000)}\n' + "".join(f'"A{n}"={octets(f"%A{n - 1}%" * 10)}\n' for n in range(1, 9))},
    "a long value": {"ada.reg": KEY + '"A"=hex(2):' + "41,00," * 2_000_000 + "\n" + '"B"=hex(2):' + "41,\\\n" * 500_000},
    "a user of many names": {"all.reg": "REGEDIT4\n\n" + "".join(f'[{PROFILE}{n}]\n"ProfileImagePath"="C:\\\\Users\\\\ada"\n' for n in range(20_000))},
    "a database": {**PROGRAM, "var/lib/rpm/rpmdb.sqlite": database()},
    "a name in bytes": {**PROGRAM, "var/lib/rpm/Packages": b"\0claude-code\0" * 1_000_000},
    "a package of many stanzas": {**PROGRAM, "var/lib/dpkg/status": "Package: claude-code\nStatus: x installed\n\n" * 200_000},
}  # fmt: skip


FAT = frozenset(("one text, many times", "one name, many times", "many names", "many names of fish", "names of the registry", "a long value"))


def laid(root: Path, files: dict[str, str | bytes]) -> Machine:
    """A system of whichever kind ``files`` are."""
    top = {"home": "home/ada/x", "Users": "System/x", "Library": "System/x", "ada.reg": "Windows/x", "all.reg": "Windows/x"}
    kind = next((top[name.split("/")[0]] for name in files if name.split("/")[0] in top), "home/ada/x")
    base: dict[str, str | bytes] = {kind: "", "Library/x": "", "Users/ada/x": ""} if kind[:4] != "home" else {"etc/passwd": "ada:x:1:1::/home/ada:/bin/sh\n", kind: ""}
    for path, content in {**base, **files}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content if isinstance(content, bytes) else content.encode())
        (root / path).chmod(0o755)
    return under(str(root))


@pytest.mark.parametrize("name", BOMBS)
def test_a_little_file_stays_little(tmp_path: Path, name: str) -> None:
    if name in FAT:  # it slows everything else
        tracemalloc.start()
    began = time.process_time()
    try:
        found = facts.collect(laid(tmp_path, BOMBS[name]))
        assert json.dumps(document.dump(found), allow_nan=False)
        assert not tracemalloc.is_tracing() or tracemalloc.get_traced_memory()[1] < 256 * 1024 * 1024
    finally:
        tracemalloc.stop()
    assert time.process_time() - began < IN_TIME


LINKS = {  # where five hundred links stand, to what, and the folder that they lead to
    "pnpm": ("home/ada/.local/share/pnpm/global/{}", "."), "claude desktop": ("home/ada/.config/Claude/claude-code/1.0.{}", "."), "gateways": ("home/ada/litellm-venv{}", "."),
    "environment.d": ("home/ada/.config/environment.d/{}.conf", "/home/ada/big"), "services": ("home/ada/.config/systemd/user/litellm{}.service", "/home/ada/big"),
}  # fmt: skip


@pytest.mark.skipif(os.name == "nt", reason="needs links")
@pytest.mark.parametrize("name", LINKS)
def test_a_few_links_stay_few(tmp_path: Path, name: str) -> None:
    machine = laid(tmp_path, {"home/ada/big": "\n" * 500_000})
    pattern, target = LINKS[name]
    (tmp_path / pattern).parent.mkdir(parents=True, exist_ok=True)
    for number in range(500):
        os.symlink(target, tmp_path / pattern.format(number))
    began = time.process_time()
    facts.collect(machine)
    assert time.process_time() - began < IN_TIME


@pytest.mark.skipif(os.name == "nt", reason="needs links")
def test_a_path_of_links_ends(tmp_path: Path) -> None:
    machine = laid(tmp_path, {"home/ada/.profile": "PATH=" + ":".join(f"/home/ada/l0/{n}" for n in range(500)) + "\n", "home/ada/a/x": ""})
    for number in range(40):
        os.symlink("a/../" * 800 + f"l{number + 1}", tmp_path / f"home/ada/l{number}")
    began = time.process_time()
    held(machine)
    assert time.process_time() - began < IN_TIME


@pytest.mark.parametrize("binary_", [False, True])
def test_a_property_list_is_read_as_plistlib_reads_it(binary_: bool) -> None:
    import plistlib

    value = {"a": [1, -1, 2**40, 2**63, 1.5, True, False, "é", "x" * 300, {}, [], {"b": ["x"] * 300}], "long" * 10: {str(n): n for n in range(300)}}
    assert plist.loads(plistlib.dumps(value, fmt=plistlib.FMT_BINARY if binary_ else plistlib.FMT_XML)) == value


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
