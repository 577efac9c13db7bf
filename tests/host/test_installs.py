"""Every way in which Claude Code is installed, in the layout that it really has, on three systems."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cc_fleet.cli import main
from cc_fleet.host import facts, launchers, probe, rpmdb
from cc_fleet.host.facts import cli_native, sources
from cc_fleet.host.machine import Launcher, Machine, Session, User
from cc_fleet.host.system import live, under
from cc_fleet.host.tree import Disk, Unreadable
from cc_fleet.model import Gap, Install, Place, Update
from tests.case import write
from tests.host.test_sources import strict

MODULE = "node_modules/@anthropic-ai/claude-code"
ELF = "\x7fELF"
OLD = '{"version": "%s", "bin": {"claude": "cli.js"}}'
NEW = '{"version": "%s", "bin": {"claude": "bin/claude.exe"}}'
TOPS = {"linux": ("/home/ada", ()), "macos": ("/Users/ada", ("/Library/x", "/System/x")), "windows": ("/Users/ada", ("/Windows/x", "/Program Files/x"))}
# What pnpm 9 writes (shortened by its NODE_PATH), and the last lines of pnpm 12's.
PNPM = """#!/bin/sh
basedir=$(dirname "$(echo "$0" | sed -e 's,\\\\,/,g')")

if [ -x "$basedir/node" ]; then
  exec "$basedir/node"  "$basedir/global/5/node_modules/@anthropic-ai/claude-code/cli.js" "$@"
else
  exec node  "$basedir/global/5/node_modules/@anthropic-ai/claude-code/cli.js" "$@"
fi
"""
PNPM12 = """#!/bin/sh
elif [ -x "$basedir/node" ]; then
  exec "$basedir/node"  "$basedir_abs"/'../global/v11/a629ed/node_modules/@anthropic-ai/claude-code/cli.js' "$@"
else
  exec node  "$basedir_win"/'../global/v11/a629ed/node_modules/@anthropic-ai/claude-code/cli.js' "$@"
fi
# cmd-shim-target=/tmp/inst/pn12/.local/share/pnpm/global/v11/a629ed/node_modules/@anthropic-ai/claude-code/cli.js
"""
# What npm writes beside claude and claude.ps1 on Windows.
CMD = """@ECHO off\r
GOTO start\r
:find_dp0\r
SET dp0=%~dp0\r
EXIT /b\r
:start\r
SETLOCAL\r
CALL :find_dp0\r
"%dp0%\\node_modules\\@anthropic-ai\\claude-code\\bin\\claude.exe"   %*\r
"""
YARN = '@"%~dp0\\..\\Data\\global\\node_modules\\.bin\\claude.cmd"   %*\r\n'
ASDF = '#!/usr/bin/env bash\n# asdf-plugin: nodejs 20.11.0\nexec /home/ada/.asdf/bin/asdf exec "claude" "$@" # asdf_allow: \' asdf \'\n'


def system(root: Path, name: str, files: Mapping[str, str | bytes], path: tuple[str, ...] = (), links: dict[str, str] | None = None, **more: Any) -> Machine:
    """A system with ada, whose PATH is ``path``; every file can be run."""
    home, tops = TOPS[name]
    for file, content in {**dict.fromkeys((*tops, f"{home}/x"), ""), **files}.items():
        made = write(root, file.replace("~", home, 1), "")
        made.write_bytes(content if isinstance(content, bytes) else content.encode())
        made.chmod(0o755)
    for link, target in (links or {}).items():
        at = root / link.replace("~", home, 1).lstrip("/")
        at.parent.mkdir(parents=True, exist_ok=True)
        at.symlink_to(target)
    machine = under(str(root), **more)
    assert machine.os == name
    (ada,) = [user for user in machine.users if user.name == "ada"]
    session = Session((), tuple(folder.replace("~", ada.home, 1) for folder in path), f"{ada.home}/.claude", None, ())
    machine = machine._replace(sessions={user.home: session if user == ada else session._replace(path=()) for user in machine.users}, privileged=False)
    return machine._replace(launchers=launchers.find(strict(machine, launchers.WANTS)))


def read(machine: Machine, *names: str) -> list[Any]:
    """What the sources of this system for installs say, their WANTS held."""
    known = {name: source for name, source in sources(machine.os).items() if name.startswith("cli-") or name in ("linux-packages", "windows-winget")}
    return [fact for name in names or known for fact in known[name].read(strict(machine, known[name].WANTS))]


def installs(machine: Machine) -> list[tuple[str, str, tuple[str, ...] | None]]:
    found = read(machine)
    assert not [one for one in found if isinstance(one, Gap)], found
    assert all(isinstance(one, Install) and one.intact for one in found), found
    return [(one.version, one.method, one.active_for) for one in found]


def old(prefix: str, version: str = "2.1.17") -> dict[str, str | bytes]:
    return {f"{prefix}/{MODULE}/package.json": OLD % version, f"{prefix}/{MODULE}/cli.js": "#!/usr/bin/env node\n"}


def new(prefix: str, version: str = "2.1.330", platform: str = "linux-x64", program: bytes = b"\x7fELF") -> dict[str, str | bytes]:
    """As npm 11 leaves it: the platform package lies inside."""
    return {
        f"{prefix}/{MODULE}/package.json": NEW % version, f"{prefix}/{MODULE}/bin/claude.exe": program,
        f"{prefix}/{MODULE}/node_modules/@anthropic-ai/claude-code-{platform}/package.json": "{}",
    }  # fmt: skip


def exe(version: str, company: str = "Anthropic PBC", section: bytes = b".rsrc") -> bytes:
    """A Windows program with what is read of 2.1.330's: headers, and a resource section at its end."""
    resources = b"\0" * 30 + f"FileVersion\0\0{version}.0\0ProductVersion\0{version}.0\0CompanyName\0\0{company}\0".encode("utf-16-le")
    head = bytearray(0x400)
    head[:2], head[0x3C:0x40] = b"MZ", (0x80).to_bytes(4, "little")
    head[0x80:0x84], head[0x86:0x88], head[0x94:0x96] = b"PE\0\0", (2).to_bytes(2, "little"), (240).to_bytes(2, "little")
    at = 0x80 + 24 + 240
    head[at : at + 5] = b".text"
    head[at + 40 : at + 40 + len(section)] = section
    head[at + 56 : at + 64] = len(resources).to_bytes(4, "little") + (0x500).to_bytes(4, "little")
    return bytes(head) + b"\0" * 0x100 + resources


# npm's package, under every manager.

PLAIN: dict[str, dict[str, str | None]] = {
    "linux": {
        "/usr/local/lib": "npm", "/usr/lib": "npm", "/opt/nodejs/lib": "npm", "/home/linuxbrew/.linuxbrew/lib": "npm", "~/.npm-global/lib": "npm",
        "~/.npm-packages/lib": "npm", "~/.local/lib": "npm", "~/n/lib": "npm", "~/.config/yarn/global": "yarn", "/usr/local/share/.config/yarn/global": "yarn",
        "~/.yarn-global": "yarn", "~/.bun/install/global": "bun", "~/.local/share/pnpm/global/5": "pnpm", "~/.local/share/pnpm/global/v11/4f37-0": None,
    },
    "macos": {
        "/usr/local/lib": "npm", "/opt/homebrew/lib": "npm", "/opt/local/lib": "npm", "~/.npm-global/lib": "npm", "~/Library/pnpm/global/5": "pnpm",
        "~/.config/yarn/global": "yarn", "~/.bun/install/global": "bun",
    },
    "windows": {
        "~/AppData/Roaming/npm": "npm", "/Program Files/nodejs": "npm", "~/AppData/Local/pnpm/global/5": "pnpm", "~/AppData/Local/Yarn/Data/global": "yarn",
        "~/.bun/install/global": "bun", "~/scoop/persist/nodejs-lts/bin": "npm",
    },
}  # fmt: skip
HOOKED: dict[str, dict[str, str | None]] = {
    "linux": {
        "~/.nvm/versions/node/v20.11.0/lib": "npm (nvm)", "/usr/local/share/nvm/versions/node/v20.1.0/lib": "npm (nvm)",
        "/usr/local/nvm/versions/node/v20.1.0/lib": "npm (nvm)", "~/.local/share/fnm/node-versions/v20.1.0/installation/lib": "npm (fnm)",
        "~/.fnm/node-versions/v20.1.0/installation/lib": "npm (fnm)", "~/.volta/tools/image/packages/@anthropic-ai/claude-code/lib": "volta",
        "~/.volta/tools/image/node/20.1.0/lib": "npm (volta)", "~/.asdf/installs/nodejs/20.1.0/lib": "npm (asdf)", "~/.nodenv/versions/20.1.0/lib": "npm (nodenv)",
        "~/.local/share/mise/installs/npm-anthropic-ai-claude-code/2.1.17/lib": "mise", "~/.local/share/mise/installs/node/20.1.0/lib": "npm (mise)",
    },
    "macos": {
        "~/Library/Application Support/fnm/node-versions/v20.1.0/installation/lib": "npm (fnm)", "~/.nvm/versions/node/v20.11.0/lib": "npm (nvm)",
        "~/.local/share/mise/installs/node/20.1.0/lib": "npm (mise)",
    },
    "windows": {
        "~/AppData/Roaming/nvm/v20.1.0": "npm (nvm-windows)", "~/AppData/Local/nvm/v20.1.0": "npm (nvm-windows)", "/nvm4w/nodejs": "npm (nvm-windows)",
        "~/AppData/Roaming/fnm/node-versions/v20.1.0/installation": "npm (fnm)", "~/AppData/Local/mise/installs/node/20.1.0": "npm (mise)",
        "~/AppData/Local/Volta/tools/image/packages/@anthropic-ai/claude-code": "volta", "~/AppData/Local/mise/installs/npm-anthropic-ai-claude-code/2.1.17": "mise",
    },
}  # fmt: skip


@pytest.mark.parametrize(("name", "prefix", "method"), [(name, *item) for name, table in PLAIN.items() for item in table.items() if item[1]])
def test_a_package_is_found_where_each_manager_puts_it(tmp_path: Path, name: str, prefix: str, method: str) -> None:
    assert installs(system(tmp_path, name, old(prefix))) == [("2.1.17", method, ())]


@pytest.mark.parametrize(("name", "prefix", "method"), [(name, *item) for name, table in HOOKED.items() for item in table.items()])
def test_who_runs_a_package_is_not_known_where_a_hook_decides(tmp_path: Path, name: str, prefix: str, method: str) -> None:
    assert installs(system(tmp_path, name, new(prefix))) == [("2.1.330", method, None)]


@pytest.mark.parametrize("prefix", ["~/.nvm/versions/node/v20.11.0", "~/.local/share/fnm/node-versions/v20.1.0/installation", "~/.asdf/installs/nodejs/20.1.0"])
def test_a_manager_whose_folder_is_in_path_runs(tmp_path: Path, prefix: str) -> None:
    machine = system(tmp_path, "linux", new(f"{prefix}/lib"), (f"{prefix}/bin",), {f"{prefix}/bin/claude": f"../lib/{MODULE}/bin/claude.exe"})
    assert [one[2] for one in installs(machine)] == [("ada",)]


def test_the_platform_package_inside_is_found(tmp_path: Path) -> None:
    machine = system(tmp_path, "linux", {**new("/usr/local/lib", program=b"echo stub"), **new("/usr/lib")})
    assert [(one.platform, one.defect) for one in read(machine)] == [
        ("linux-x64", "bin/claude.exe is npm's stub: the install script did not run"), ("linux-x64", None),
    ]  # fmt: skip


def test_pnpm_is_followed_through_its_script_and_its_store(tmp_path: Path) -> None:
    store = "~/.local/share/pnpm/global/5/.pnpm/@anthropic-ai+claude-code@2.1.17/node_modules"
    link = {f"~/.local/share/pnpm/global/5/{MODULE}": "../../.pnpm/@anthropic-ai+claude-code@2.1.17/node_modules/@anthropic-ai/claude-code"}
    files = {**old(store.removesuffix("/node_modules")), "~/.local/share/pnpm/claude": PNPM}
    assert installs(system(tmp_path, "linux", files, ("~/.local/share/pnpm",), link)) == [("2.1.17", "pnpm", ("ada",))]


def test_pnpm_12_is_followed_through_its_script_and_two_links(tmp_path: Path) -> None:
    pnpm = "~/.local/share/pnpm"
    store = "store/v11/links/@anthropic-ai/claude-code/2.1.17/a30f"
    links = {f"{pnpm}/global/v11/a629ed": "4f37-0", f"{pnpm}/global/v11/4f37-0/{MODULE}": f"../../../../../{store}/{MODULE}"}
    files = {**old(f"{pnpm}/{store}"), f"{pnpm}/bin/claude": PNPM12}
    assert installs(system(tmp_path / "in", "linux", files, (f"{pnpm}/bin",), links)) == [("2.1.17", "pnpm", ("ada",))]
    assert installs(system(tmp_path / "out", "linux", files, (), links)) == [("2.1.17", "pnpm", ())]


def test_mise_has_one_package_under_several_names_and_a_shim(tmp_path: Path) -> None:
    mise = "~/.local/share/mise"
    tool = f"{mise}/installs/npm-anthropic-ai-claude-code"
    links = {f"{tool}/2": "./2.1.17", f"{tool}/2.1": "./2.1.17", f"{tool}/latest": "./2.1.17", f"{mise}/shims/claude": "/usr/bin/mise"}
    files = {**old(f"{tool}/2.1.17/lib"), "/usr/bin/mise": ELF}
    machine = system(tmp_path, "linux", files, (f"{mise}/shims",), links)
    assert installs(machine) == [("2.1.17", "mise", ("ada",))]
    (found,) = read(machine)
    assert found.place.file.endswith(f"/2.1.17/lib/{MODULE}/package.json")


def test_a_shim_of_several_packages_is_a_gap(tmp_path: Path) -> None:
    mise = "~/.local/share/mise"
    files = {**old(f"{mise}/installs/npm-anthropic-ai-claude-code/2.1.17/lib"), **new(f"{mise}/installs/node/20.1.0/lib"), "/usr/bin/mise": ELF}
    machine = system(tmp_path, "linux", files, (f"{mise}/shims",), {f"{mise}/shims/claude": "/usr/bin/mise"})
    found = read(machine)
    assert [(one.version, one.active_for) for one in found if isinstance(one, Install)] == [("2.1.17", None), ("2.1.330", None)]
    assert found[-1] == Gap("is a shim of mise, and which of its packages it runs, if any, cannot be read", Place("/home/ada/.local/share/mise/shims/claude"))


@pytest.mark.parametrize(("shims", "prefix", "method", "shim"), [
    ("~/.asdf/shims", "~/.asdf/installs/nodejs/20.11.0/lib", "npm (asdf)", ASDF),
    ("~/.nodenv/shims", "~/.nodenv/versions/20.1.0/lib", "npm (nodenv)", "#!/usr/bin/env bash\nexec nodenv exec claude\n"),
    ("~/.volta/bin", "~/.volta/tools/image/packages/@anthropic-ai/claude-code/lib", "volta", ELF),
])  # fmt: skip
def test_a_shim_of_one_package_runs_it(tmp_path: Path, shims: str, prefix: str, method: str, shim: str) -> None:
    assert installs(system(tmp_path / "one", "linux", {**new(prefix), f"{shims}/claude": shim}, (shims,))) == [("2.1.330", method, ("ada",))]
    (gap,) = read(system(tmp_path / "none", "linux", {f"{shims}/claude": shim}, (shims,)))
    assert "is a shim of" in gap.reason


def test_voltas_shim_is_a_link(tmp_path: Path) -> None:
    files = {**new("~/.volta/tools/image/packages/@anthropic-ai/claude-code/lib"), "~/.volta/bin/volta-shim": ELF}
    assert installs(system(tmp_path, "linux", files, ("~/.volta/bin",), {"~/.volta/bin/claude": "volta-shim"})) == [("2.1.330", "volta", ("ada",))]


@pytest.mark.parametrize(("prefix", "bin_", "link"), [
    ("~/.bun/install/global", "~/.bun/bin", f"../install/global/{MODULE}/cli.js"),
    ("~/.config/yarn/global", "~/.yarn/bin", f"../../.config/yarn/global/{MODULE}/cli.js"),
    ("~/Library/pnpm/global/5", "~/Library/pnpm", f"global/5/{MODULE}/cli.js"),
])  # fmt: skip
def test_a_link_to_the_package_runs_it(tmp_path: Path, prefix: str, bin_: str, link: str) -> None:
    ((_, _, users),) = installs(system(tmp_path, "macos", old(prefix), (bin_,), {f"{bin_}/claude": link}))
    assert users == ("ada",)


def test_windows_shims_name_their_packages(tmp_path: Path) -> None:
    files = {
        **new("~/AppData/Roaming/npm", "2.1.330", "win32-x64", exe("2.1.330")), "~/AppData/Roaming/npm/claude.cmd": CMD, "~/AppData/Roaming/npm/claude": "#!/bin/sh",
        **old("~/AppData/Local/Yarn/Data/global"), "~/AppData/Local/Yarn/bin/Claude.CMD": YARN,
    }  # fmt: skip
    machine = system(tmp_path, "windows", files, ("C:/Users/Ada/AppData/Local/Yarn/bin", "~/AppData/Roaming/npm"))
    assert installs(machine) == [("2.1.17", "yarn", ("ada",)), ("2.1.330", "npm", ())]
    assert [one.platform for one in read(machine)] == [None, "win32-x64"]


def test_volta_and_bun_on_windows_run_the_package_that_they_hold(tmp_path: Path) -> None:
    volta = "~/AppData/Local/Volta"
    files = {**new(f"{volta}/tools/image/packages/@anthropic-ai/claude-code", program=exe("2.1.330")), f"{volta}/bin/claude.exe": "MZ shim"}
    assert installs(system(tmp_path / "volta", "windows", files, (f"{volta}/bin",))) == [("2.1.330", "volta", ("ada",))]
    files = {**old("~/.bun/install/global"), "~/.bun/bin/claude.exe": "MZ shim"}
    assert installs(system(tmp_path / "bun", "windows", files, ("~/.bun/bin",))) == [("2.1.17", "bun", ("ada",))]


def test_a_script_whose_package_is_gone_is_a_gap(tmp_path: Path) -> None:
    (gap,) = read(system(tmp_path, "windows", {"~/AppData/Roaming/npm/claude.cmd": CMD}, ("~/AppData/Roaming/npm",)))
    assert gap == Gap("is no install that is known here, so its version cannot be read", Place("C:/Users/ada/AppData/Roaming/npm/claude.cmd"))


@pytest.mark.parametrize("script", [
    f"#!/bin/sh\nexec node /usr/local/lib/{MODULE}/cli.js --settings x\n", f'exec "$HOME/{MODULE}/cli.js"', PNPM + "# " + "x" * 20000,
    PNPM.replace('exec node  "$basedir/global/5', 'exec node  "$basedir/global/6'),
])  # fmt: skip
def test_what_a_script_of_somebodys_own_runs_is_not_guessed(tmp_path: Path, script: str) -> None:
    pnpm = "~/.local/share/pnpm"
    files = {**old("/usr/local/lib"), **old(f"{pnpm}/global/5"), **old(f"{pnpm}/global/6"), f"{pnpm}/claude": script}
    assert [one.place.file for one in read(system(tmp_path, "linux", files, (pnpm,))) if isinstance(one, Gap)] == ["/home/ada/.local/share/pnpm/claude"]


def test_an_npmrc_of_windows(tmp_path: Path) -> None:
    assert installs(system(tmp_path / "a", "windows", {"~/.npmrc": 'prefix="C:\\Tools\\My npm"\r\n', **old("/Tools/My npm")})) == [("2.1.17", "npm", ())]
    assert installs(system(tmp_path / "b", "windows", {"~/.npmrc": "prefix=${USERPROFILE}\\node\r\n", **old("~/node")})) == [("2.1.17", "npm", ())]


def test_managers_that_cannot_be_listed_are_a_gap(tmp_path: Path) -> None:
    assert read(system(tmp_path, "linux", {}, links={"~/.nvm/versions/node": "node"}), "cli-npm") == [Gap("is a loop of links", Place("/home/ada/.nvm/versions/node"))]


# Native programs.


def test_native_on_macos_is_a_link(tmp_path: Path) -> None:
    files = {f"~/.local/share/claude/versions/{version}": b"\xcf\xfa\xed\xfe" for version in ("2.1.210", "2.1.211")}
    machine = system(tmp_path, "macos", files, ("~/.local/bin",), {"~/.local/bin/claude": "../share/claude/versions/2.1.211"})
    assert installs(machine) == [("2.1.210", "native", ()), ("2.1.211", "native", ("ada",))]


@pytest.mark.parametrize("suffix", ["", ".exe"])
def test_native_on_windows_runs_the_stored_version_that_its_copy_says(tmp_path: Path, suffix: str) -> None:
    files = {f"~/.local/share/claude/versions/{version}{suffix}": exe(version) for version in ("2.1.210", "2.1.211")}
    machine = system(tmp_path, "windows", {**files, "~/.local/bin/claude.exe": exe("2.1.210")}, ("~/.local/bin",))
    assert installs(machine) == [("2.1.210", "native", ("ada",)), ("2.1.211", "native", ())]


def test_native_on_windows_may_be_a_version_that_is_not_stored(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"~/.local/share/claude/versions/2.1.211": exe("2.1.211"), "~/.local/bin/claude.exe": exe("2.1.209")}
    machine = system(tmp_path, "windows", files, ("~/.local/bin",), digests=True)
    assert installs(machine) == [("2.1.209", "native", ("ada",)), ("2.1.211", "native", ())]
    assert all(one.sha256 for one in read(machine))


def test_a_copy_that_says_no_version_is_the_stored_one_of_its_size(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"~/.local/share/claude/versions/2.1.211": b"MZ one", "~/.local/share/claude/versions/2.1.212": b"MZ other", "~/.local/bin/claude.exe": b"MZ one"}
    assert installs(system(tmp_path, "windows", files, ("~/.local/bin",), digests=True)) == [("2.1.211", "native", ("ada",)), ("2.1.212", "native", ())]


@pytest.mark.parametrize(("copy", "digests"), [(b"MZ neither", False), (b"MZ ONE", True), (exe("2.1.211", "Oven"), False)])
def test_a_copy_of_no_stored_version_is_a_gap(tmp_path: Path, copy: bytes, digests: bool) -> None:
    files: dict[str, str | bytes] = {"~/.local/share/claude/versions/2.1.211": b"MZ one", "~/.local/bin/claude.exe": copy}
    gap, stored = read(system(tmp_path, "windows", files, ("~/.local/bin",), digests=digests))
    assert gap == Gap("is a copy of no stored version, so its version cannot be read", Place("C:/Users/ada/.local/bin/claude.exe"))
    assert (stored.version, stored.active_for) == ("2.1.211", None)


def test_a_copy_that_cannot_be_read_is_a_gap(tmp_path: Path) -> None:
    machine = system(tmp_path, "windows", {"~/.local/share/claude/versions/2.1.211": exe("2.1.211")}, links={"~/.local/bin/claude.exe": "claude.exe"})
    assert [one.reason for one in read(machine) if isinstance(one, Gap)] == ["is a loop of links"]


@pytest.mark.parametrize("data", [
    b"", b"MZ", exe("2.1.1", section=b".data"), exe("x"), exe("2.1.1")[:0x520], b"MZ" + b"\xff" * 5000, exe("2.1.1").replace(b"PE\0\0", b"NE\0\0"),
])  # fmt: skip
def test_what_is_no_program_of_windows_says_no_version(tmp_path: Path, data: bytes) -> None:
    assert cli_native.version(system(tmp_path, "windows", {"~/a.exe": data}), "C:/Users/ada/a.exe") is None


def test_what_is_not_there_says_no_version(tmp_path: Path) -> None:
    assert cli_native.version(system(tmp_path, "windows", {}), "C:/none.exe") is None


@pytest.mark.parametrize(("name", "prefix", "cask"), [
    ("macos", "/opt/homebrew", "claude-code"), ("macos", "/usr/local", "claude-code@latest"), ("linux", "/home/linuxbrew/.linuxbrew", "claude-code"),
])  # fmt: skip
def test_homebrews_casks(tmp_path: Path, name: str, prefix: str, cask: str) -> None:
    files: dict[str, str | bytes] = {f"{prefix}/Caskroom/{cask}/2.1.211/claude": ELF, f"{prefix}/Caskroom/{cask}/.metadata/2.1.211/x": ""}
    machine = system(tmp_path, name, files, (f"{prefix}/bin",), {f"{prefix}/bin/claude": f"{prefix}/Caskroom/{cask}/2.1.211/claude"})
    assert installs(machine) == [("2.1.211", "homebrew", ("ada",))]
    assert read(machine)[0].place == Place(f"{prefix}/Caskroom/{cask}/2.1.211/claude")


def test_a_cask_without_its_program_cannot_run(tmp_path: Path) -> None:
    (found,) = read(system(tmp_path, "macos", {"/opt/homebrew/Caskroom/claude-code/2.1.211/x": ""}))
    assert (found.intact, found.defect, found.active_for) == (False, "is missing", ())


def test_mises_own_claude(tmp_path: Path) -> None:
    machine = system(tmp_path, "linux", {"~/.local/share/mise/installs/claude/2.1.211/claude": ELF})
    assert installs(machine) == [("2.1.211", "mise", None)]


@pytest.mark.parametrize(("name", "program"), [
    ("windows", "~/AppData/Roaming/Claude/claude-code/2.1.215/claude.exe"),
    ("windows", "~/AppData/Local/Packages/Claude_pzs8sxrjxfjjc/LocalCache/Roaming/Claude/claude-code/2.1.215/claude.exe"),
    ("macos", "~/Library/Application Support/Claude/claude-code/2.1.215/claude"),
    ("macos", "~/Library/Application Support/Claude/claude-code/2.1.215/claude.app/Contents/MacOS/claude"),
    ("macos", "~/Library/Application Support/Claude/claude-code/2.1.215/0a1b/claude.app/Contents/MacOS/claude"),
    ("linux", "~/.config/Claude/claude-code/2.1.215/claude"),
])  # fmt: skip
def test_claude_desktop_has_a_copy_of_its_own(tmp_path: Path, name: str, program: str) -> None:
    machine = system(tmp_path, name, {program: exe("2.1.215")})
    assert installs(machine) == [("2.1.215", "desktop", ())]
    (found,) = read(machine)
    assert (found.bundled_in, found.user) == ("Claude Desktop", "ada")
    assert found.place.file.endswith(program[1:])


# winget.

PACKAGES = "~/AppData/Local/Microsoft/WinGet/Packages/Anthropic.ClaudeCode_Microsoft.Winget.Source_8wekyb3d8bbwe"
UNINSTALL = "HKEY_{}\\Software\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\Anthropic.ClaudeCode_Microsoft.Winget.Source_8wekyb3d8bbwe"


def recorded(hive: str, version: str) -> bytes:
    text = f'Windows Registry Editor Version 5.00\r\n\r\n[{UNINSTALL.format(hive)}]\r\n"DisplayName"="Claude Code"\r\n"DisplayVersion"="{version}"\r\n'
    return b"\xff\xfe" + text.encode("utf-16-le")


@pytest.mark.parametrize("path", [PACKAGES, "~/AppData/Local/Microsoft/WinGet/Links"])
def test_winget_is_the_version_that_its_program_says(tmp_path: Path, path: str) -> None:
    """Not the registry's: Claude Code updated itself since."""
    files: dict[str, str | bytes] = {f"{PACKAGES}/claude.exe": exe("2.1.238"), "/ada.reg": recorded("CURRENT_USER", "2.1.195")}
    link = {"~/AppData/Local/Microsoft/WinGet/Links/claude.exe": "../Packages/Anthropic.ClaudeCode_Microsoft.Winget.Source_8wekyb3d8bbwe/claude.exe"}
    machine = system(tmp_path, "windows", files, (path,), link, digests=True)
    assert installs(machine) == [("2.1.238", "winget", ("ada",))]
    assert [(one.user, bool(one.sha256)) for one in read(machine)] == [("ada", True)]


def test_winget_for_the_machine(tmp_path: Path) -> None:
    program = "/Program Files/WinGet/Packages/Anthropic.ClaudeCode_x/claude.exe"
    assert [(one.version, one.user, one.active_for) for one in read(system(tmp_path, "windows", {program: exe("2.1.238")}))] == [("2.1.238", None, ())]


def test_wingets_link_alone_is_a_program_too(tmp_path: Path) -> None:
    links = "~/AppData/Local/Microsoft/WinGet/Links"
    assert installs(system(tmp_path, "windows", {f"{links}/claude.exe": exe("2.1.238")}, (links,))) == [("2.1.238", "winget", ("ada",))]


def test_a_program_of_wingets_that_says_no_version_is_a_gap(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {f"{PACKAGES}/claude.exe": b"MZ", "/ada.reg": recorded("CURRENT_USER", "2.1.195")}
    (gap,) = read(system(tmp_path, "windows", files, (PACKAGES,)))
    assert gap.reason == "does not say its version, and may have updated itself since winget recorded one"


@pytest.mark.parametrize("hive", ["CURRENT_USER", "LOCAL_MACHINE"])
def test_what_winget_recorded_and_is_not_there_is_a_gap(tmp_path: Path, hive: str) -> None:
    (gap,) = read(system(tmp_path, "windows", {"/ada.reg": recorded(hive, "2.1.195")}))
    assert gap == Gap("winget recorded Claude Code here, and its program is not in winget's folder", Place("C:/ada.reg", 5))


class _Shut:
    def values(self, key: str) -> dict[str, Any]:
        raise Unreadable("permission denied")

    keys = values


def test_a_registry_that_cannot_be_read_is_a_gap(tmp_path: Path) -> None:
    found = read(system(tmp_path, "windows", {})._replace(registry=_Shut()))  # type: ignore[arg-type]
    assert {one.reason for one in found} == {"permission denied"}
    assert read(system(tmp_path / "b", "windows", {})._replace(registry=None)) == []


# Packages of the system.

STATUS = """Package: claude
Status: install ok installed
Version: 9.9.9

Package: claude-code
Status: install ok installed
Priority: optional
Maintainer: Anthropic
Version: 1:2.1.211-1
Description: Claude Code

Package: zlib1g
Status: install ok installed
Version: 1.2.3
"""
APK = "C:Q1\nP:claude\nV:9.9.9-r0\n\nC:Q1x=\nP:claude-code\nV:2.1.211-r0\nA:x86_64\nF:usr/bin\nR:claude\n\nC:Q1\nP:zlib\nV:1-r0\n\n"


def packaged(root: Path, files: dict[str, str | bytes], **more: Any) -> Machine:
    return system(root, "linux", {"/usr/bin/claude": ELF, **files}, ("/usr/bin",), **more)


@pytest.mark.parametrize(("method", "path", "text"), [
    ("apt", "/var/lib/dpkg/status", STATUS), ("apt", "/var/lib/dpkg/status.d/claude-code", "Package: claude-code\nVersion: 2.1.211\n"),
    ("apk", "/lib/apk/db/installed", APK), ("apk", "/usr/lib/apk/db/installed", APK),
])  # fmt: skip
def test_a_package_of_the_system(tmp_path: Path, method: str, path: str, text: str) -> None:
    machine = packaged(tmp_path, {path: text}, digests=True)
    assert installs(machine) == [("2.1.211", method, ("ada",))]
    assert read(machine)[0].sha256


@pytest.mark.parametrize(("path", "text", "reason"), [
    ("/etc/x", "", "belongs to no package that is recorded, so its version cannot be read"),
    ("/var/lib/dpkg/status", STATUS.replace("claude-code", "claude-coder"), "belongs to no package that is recorded, so its version cannot be read"),
    ("/var/lib/dpkg/status", STATUS.replace("install ok installed", "deinstall ok config-files"), "belongs to no package that is recorded, so its version cannot be read"),
    ("/var/lib/dpkg/status", STATUS.replace("2.1.211", "sid"), "does not say which version of claude-code is installed"),
    ("/var/lib/dpkg/status/x", "", "is a folder"), ("/lib/apk/db/installed/x", "", "is a folder"), ("/var/lib/rpm/Packages/x", "", "is a folder"),
    ("/var/lib/rpm/rpmdb.sqlite", "x", "is not a database of RPM's"), ("/var/lib/rpm/rpmdb.sqlite", "SQLite format 3\0" + "\0" * 200, "is not a database of RPM's"),
])  # fmt: skip
def test_a_program_that_no_package_explains_is_a_gap(tmp_path: Path, path: str, text: str, reason: str) -> None:
    assert [one.reason for one in read(packaged(tmp_path, {path: text}))] == [reason]


def test_two_packages_for_one_program_are_a_gap(tmp_path: Path) -> None:
    (gap,) = read(packaged(tmp_path, {"/var/lib/dpkg/status": STATUS, "/lib/apk/db/installed": APK.replace("2.1.211", "2.1.212")}))
    assert gap.reason == "belongs to one of several packages that are recorded, 2.1.211 (apt), 2.1.212 (apk), so its version is not known"


def test_a_package_whose_program_cannot_run(tmp_path: Path) -> None:
    def defect(name: str, program: str) -> str:
        (found,) = read(system(tmp_path / name, "linux", {"/usr/bin/claude": program, "/var/lib/dpkg/status": STATUS}))
        return str(found.defect)

    assert [defect("a", ""), defect("b", "text"), defect("c", "#!/bin/sh")] == ["is empty", "is not a program", "None"]
    (found,) = read(system(tmp_path / "d", "linux", {"/usr/bin/claude/x": "", "/var/lib/dpkg/status": STATUS}))
    assert found.defect == "is a folder"


def test_a_program_behind_a_loop_of_links_is_a_gap(tmp_path: Path) -> None:
    assert read(system(tmp_path, "linux", {}, links={"/usr/bin/claude": "claude"})) == [Gap("is a loop of links", Place("/usr/bin/claude"))]


def test_npm_below_usr_asks_no_database(tmp_path: Path) -> None:
    machine = system(tmp_path, "linux", {**new("/usr/lib"), "/var/lib/dpkg/status": STATUS}, ("/usr/bin",), {"/usr/bin/claude": f"../lib/{MODULE}/bin/claude.exe"})
    assert installs(machine) == [("2.1.330", "npm", ("ada",))]


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def test_what_dpkg_itself_installed(tmp_path: Path) -> None:
    build, install, root = tool("dpkg-deb"), tool("dpkg"), tmp_path / "root"
    if os.geteuid() != 0:
        pytest.skip("dpkg --root needs root")
    write(tmp_path / "pkg", "/DEBIAN/control", "Package: claude-code\nVersion: 2.1.211-2\nArchitecture: all\nMaintainer: x <x@example.com>\nDescription: x\n")
    write(tmp_path / "pkg", "/usr/bin/claude", ELF).chmod(0o755)
    for folder in ("updates", "info"):
        (root / "var/lib/dpkg" / folder).mkdir(parents=True)
    for file in ("status", "available"):
        (root / "var/lib/dpkg" / file).touch()
    subprocess.run([build, "--build", str(tmp_path / "pkg"), str(tmp_path / "x.deb")], check=True, capture_output=True)
    subprocess.run([install, f"--root={root}", "--force-not-root", "--force-script-chrootless", "-i", str(tmp_path / "x.deb")], check=True, capture_output=True)
    machine = system(root, "linux", {}, ("/usr/bin",))
    assert installs(machine) == [("2.1.211", "apt", ("ada",))]
    subprocess.run([install, f"--root={root}", "--force-not-root", "-r", "claude-code"], check=True, capture_output=True)
    assert read(machine._replace(launchers=())) == []


def rpm(tmp: Path, name: str, version: str) -> str:
    """A package with one file, as rpmbuild makes it."""
    spec = write(
        tmp, f"/{name}-{version}.spec", f"Name: {name}\nVersion: {version}\nRelease: 1\nSummary: x\nLicense: x\nBuildArch: noarch\n%description\n{'x ' * 9000}\n%install\n"
        f"mkdir -p %{{buildroot}}/usr/bin\nprintf '\\177ELF' > %{{buildroot}}/usr/bin/{name.removesuffix('-code')}\n"
        f"chmod 755 %{{buildroot}}/usr/bin/*\n%files\n/usr/bin/{name.removesuffix('-code')}\n",
    )  # fmt: skip
    subprocess.run([tool("rpmbuild"), "-bb", "--define", f"_topdir {tmp}/top", str(spec)], check=True, capture_output=True)
    return str(tmp / f"top/RPMS/noarch/{name}-{version}-1.noarch.rpm")


def test_what_rpm_itself_installed_and_updated(tmp_path: Path) -> None:
    """The old version's pages are still in the file, and are not read."""
    command, root = [tool("rpm"), "--root", str(tmp_path / "root"), "--dbpath", "/var/lib/rpm"], tmp_path / "root"
    if os.geteuid() != 0:
        pytest.skip("rpm --root needs root")
    root.mkdir()
    others = [rpm(tmp_path, f"tool{number}", "1.0") for number in range(3)]
    subprocess.run([*command, "-i", "--nodeps", *others, rpm(tmp_path, "claude-code", "2.1.210")], check=True, capture_output=True)
    assert installs(system(root, "linux", {}, ("/usr/bin",))) == [("2.1.210", "rpm", ("ada",))]
    subprocess.run([*command, "-U", "--nodeps", rpm(tmp_path, "claude-code", "2.1.211")], check=True, capture_output=True)
    machine = system(root, "linux", {}, ("/usr/bin",))
    assert installs(machine) == [("2.1.211", "rpm", ("ada",))]
    assert rpmdb.versions(machine.tree, "/var/lib/rpm/rpmdb.sqlite", "nothing") == []


def test_a_database_that_is_being_changed_is_a_gap(tmp_path: Path) -> None:
    """SQLite keeps the newest changes in a second file, until the last program closes the first."""
    (tmp_path / "var/lib/rpm").mkdir(parents=True)
    machine = packaged(tmp_path, {"/var/lib/rpm/rpmdb.sqlite": "x", "/var/lib/rpm/rpmdb.sqlite-wal": "y"})
    assert [one.reason for one in read(machine)] == ["is being changed: what its -wal holds was not read"]


def test_a_database_larger_than_any_is_not_searched(tmp_path: Path) -> None:
    machine = packaged(tmp_path, {"/var/lib/rpm/Packages": ""})
    os.truncate(tmp_path / "var/lib/rpm/Packages", 1024**4)
    assert [one.reason for one in read(machine)] == ["is larger than 1024 MiB"]


def header(name: str, version: str, size: int = 100) -> bytes:
    texts = [b"C", name.encode(), version.encode(), b"1", b"x" * size]
    index, store = b"", b""
    for tag, text in zip((100, 1000, 1001, 1002, 1005), texts, strict=True):
        index += b"".join(number.to_bytes(4, "big") for number in (tag, 6, len(store), 1))
        store += text + b"\0"
    return len(texts).to_bytes(4, "big") + len(store).to_bytes(4, "big") + index + store


@pytest.mark.parametrize("page", [512, 4096, 65536])
def test_a_database_of_many_packages(tmp_path: Path, page: int) -> None:
    """As RPM makes its tables, with inner pages and overflow."""
    (tmp_path / "var/lib/rpm").mkdir(parents=True)
    with sqlite3.connect(tmp_path / "var/lib/rpm/rpmdb.sqlite") as database:
        database.execute(f"PRAGMA page_size = {page}")
        database.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)")
        database.execute("CREATE TABLE IF NOT EXISTS 'Name' (key 'TEXT' NOT NULL, hnum INTEGER NOT NULL, idx INTEGER NOT NULL, FOREIGN KEY (hnum) REFERENCES 'Packages'(hnum))")
        database.execute("CREATE INDEX IF NOT EXISTS 'Name_key_idx' ON 'Name'(key ASC)")
        for number in range(1, 1500):
            name = "claude-code" if number == 1234 else f"package{number}"
            database.execute("INSERT INTO Packages VALUES (?, ?)", (number, header(name, f"2.1.{number}", number * 17 % 9000)))
            database.execute("INSERT INTO Name VALUES (?, ?, 0)", (name, number))
    database.close()
    tree, begun = Disk(str(tmp_path)), time.monotonic()
    assert rpmdb.versions(tree, "/var/lib/rpm/rpmdb.sqlite", "claude-code") == ["2.1.1234-1"]
    assert time.monotonic() - begun < 5
    assert rpmdb.versions(tree, "/var/lib/rpm/rpmdb.sqlite", "package7") == ["2.1.7-1"]


@pytest.mark.parametrize("seed", range(60))
def test_a_damaged_database_is_unreadable_and_ends(tmp_path: Path, seed: int) -> None:
    (tmp_path / "var/lib/rpm").mkdir(parents=True)
    file = tmp_path / "var/lib/rpm/rpmdb.sqlite"
    with sqlite3.connect(file) as database:
        database.execute("PRAGMA page_size = 512")
        database.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL)")
        database.execute("CREATE TABLE 'Name' (key 'TEXT' NOT NULL, hnum INTEGER NOT NULL, idx INTEGER NOT NULL)")
        for number in range(1, 60):
            database.execute("INSERT INTO Packages VALUES (?, ?)", (number, header("claude-code", "2.1.1", 900)))
            database.execute("INSERT INTO Name VALUES ('claude-code', ?, 0)", (number,))
    database.close()
    data = bytearray(file.read_bytes())
    for step in range(1, 400):
        data[100 + (seed * 7919 + step * step * 31) % (len(data) - 100)] = (seed * 13 + step) % 256
    file.write_bytes(data)
    told = "is not a database of RPM's"
    try:
        rpmdb.versions(Disk(str(tmp_path)), "/var/lib/rpm/rpmdb.sqlite", "claude-code")
    except Unreadable as err:
        told = str(err)
    assert told == "is not a database of RPM's"


@pytest.mark.parametrize("before", [0, 1024 * 1024 - 20, 1024 * 1024 - 4, 1024 * 1024 + 5])
def test_a_database_of_other_kinds_is_searched(tmp_path: Path, before: int) -> None:
    data = b"x" * before + b"C\0claude-code\0" + b"2.1.211\0001\0x\0" + b"y" * 3000 + b"\0claude-code\0\1\2\3"
    machine = packaged(tmp_path / "one", {"/usr/lib/sysimage/rpm/Packages.db": data})
    assert installs(machine) == [("2.1.211", "rpm", ("ada",))]
    (gap,) = read(packaged(tmp_path / "two", {"/var/lib/rpm/Packages": (data * 9 if before < 9 else data) + b"\0claude-code\0" + b"2.1.212\0001\0"}))
    assert gap.reason == "belongs to one of several packages that are recorded, 2.1.211 (rpm), 2.1.212 (rpm), so its version is not known"


# Receipts.


def receipts(root: Path, text: str) -> list[Any]:
    source = sources("linux")["updates"]
    machine = system(root, "linux", {"~/.claude/.last-update-result.json": text})
    return list(source.read(strict(machine, source.WANTS)))


def test_a_receipt_of_the_updater(tmp_path: Path) -> None:
    text = json.dumps({"timestamp": "2026-09-11T17:38:00.123Z", "path": "native", "outcome": "success", "status": "x", "version_from": "2.1.259", "version_to": "2.1.260", "error_code": None})
    place = Place("/home/ada/.claude/.last-update-result.json")
    assert receipts(tmp_path, text) == [Update("2.1.259", "2.1.260", "success", "2026-09-11T17:38:00.123Z", place, "ada")]


def test_a_receipt_holds_nothing_that_it_should_not(tmp_path: Path) -> None:
    text = json.dumps({"timestamp": "hunter2", "outcome": "Hunter2", "version_from": ["hunter2"], "version_to": "2.1.1-sk-ant-hunter2"})
    assert receipts(tmp_path, text) == [Update(None, None, "unknown", None, Place("/home/ada/.claude/.last-update-result.json"), "ada")]


@pytest.mark.parametrize("text", ["", "[]", "{", "1", "[" * 60_000])
def test_a_receipt_that_is_none_is_a_gap(tmp_path: Path, text: str) -> None:
    assert [one.reason for one in receipts(tmp_path, text)] == ["is not a receipt of an update"]


def test_a_receipt_that_cannot_be_read_is_a_gap(tmp_path: Path) -> None:
    assert [one.reason for one in receipts(tmp_path, "x" * 70000)] == ["is larger than 64 KiB"]


# Asking the programs.


def asked(folder: Path, script: str, *found: Install) -> list[Any]:
    """What probing says of a script that is ``claude`` in PATH."""
    program = write(folder, "/claude", script)
    program.chmod(0o755)
    me = User("ada", "/home/ada", "bash")
    machine = live()._replace(users=(me,), caller=me, environ={"PATH": f"{folder}:/usr/bin:/bin", "SECRET": "hunter2"})
    return list(probe.checked(machine._replace(launchers=(Launcher(str(program), str(program), "ada", True),)), list(found)))


@pytest.fixture
def mine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that nobody else can change, with all above it."""
    folder = tmp_path_factory.mktemp("mine")
    folder.chmod(0o755)
    if probe._refusal(str(folder)):
        pytest.skip("the folders above the test's may be changed by others")
    return folder


COPY = Install("cli", "2.1.200", "npm", Place("/x"), ("ada",), intact=True)


def test_a_program_that_says_what_its_file_says(mine: Path) -> None:
    assert asked(mine, '#!/bin/sh\n[ "$1" = --version ] && echo "2.1.200 (Claude Code)"\n', COPY) == [COPY]


def test_a_program_that_says_another_version_is_not_intact(mine: Path) -> None:
    (found,) = asked(mine, "#!/bin/sh\necho 2.1.201\n", COPY)
    assert (found.intact, found.defect) == (False, "says that it is 2.1.201 when it runs")


@pytest.mark.parametrize(("script", "reason"), [
    ("#!/bin/sh\nexit 3\n", "was asked for its version, and it ended with 3"),
    ("#!/bin/sh\necho hello\n", "was asked for its version, and its answer was no version"),
    ("#!/bin/sh\nyes 2.1.200\n", "was asked for its version, and it said something and did not end"),
    ("#!/none/such\n", "was asked for its version, and it cannot be run: no such file or directory"),
    ("#!/bin/sh\necho $HOME$SECRET$CLAUDE_CONFIG_DIR | grep -q hunter2 && echo 2.1.200\n", "was asked for its version, and it ended with 1"),
])  # fmt: skip
def test_a_program_that_gives_no_version_is_a_gap(mine: Path, script: str, reason: str) -> None:
    assert asked(mine, script) == [Gap(reason, Place(str(mine / "claude")))]


def test_a_program_that_does_not_end_is_ended_with_all_that_it_started(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "TIMEOUT", 0.5)
    begun = time.monotonic()
    (gap,) = asked(mine, f"#!/bin/sh\nsleep 60 & echo $! > {mine}/child\nsleep 60\n")
    assert "did not answer" in gap.reason
    assert time.monotonic() - begun < 10
    child = int((mine / "child").read_text())
    for _ in range(50):
        if not os.path.exists(f"/proc/{child}") or Path(f"/proc/{child}/stat").read_text().split()[2] == "Z":
            break
        time.sleep(0.1)
    else:
        pytest.fail("the child still runs")


def test_a_version_that_no_file_has_is_a_gap(mine: Path) -> None:
    assert [one.reason for one in asked(mine, "#!/bin/sh\necho 2.1.200\n")] == ["says that it is 2.1.200, and no file does"]


def test_a_program_that_others_can_change_is_not_run(mine: Path) -> None:
    mine.chmod(0o777)
    (gap,) = asked(mine, f"#!/bin/sh\ntouch {mine}/ran\n")
    assert gap.reason == f"was asked for its version, and it was not run: {mine} may be changed by others"
    assert not (mine / "ran").exists()
    mine.chmod(0o755)
    if os.geteuid() == 0:
        os.chown(write(mine, "/claude", ""), 65534, 65534)
        assert "may be changed by others" in probe._refusal(str(mine / "claude"))
    assert probe._refusal(str(mine / "none")) == "it was not run: no such file or directory"


def test_another_users_program_is_never_run(mine: Path) -> None:
    machine = live()._replace(caller=None, launchers=(Launcher("/x/claude", "/x/claude", "eve", True), Launcher("/y/claude", "/y", "eve", False)))
    assert list(probe.checked(machine, [])) == [Gap("was not asked for its version: it is another user's", Place("/x/claude"))]


def test_folders_that_others_can_change_are_not_in_its_path(mine: Path, tmp_path: Path) -> None:
    loose = mine / "loose"
    loose.mkdir()
    loose.chmod(0o777)
    environ = probe._environ("/h", {"PATH": f"{loose}:.::/usr/bin", "SYSTEMROOT": "C:\\Windows", "NODE_OPTIONS": "x"})
    assert environ == {"HOME": "/h", "USERPROFILE": "/h", "CLAUDE_CONFIG_DIR": "/h", "PATH": "/usr/bin", "DISABLE_AUTOUPDATER": "1", "SYSTEMROOT": "C:\\Windows"}


@pytest.mark.parametrize("arguments", [["audit", "--probe", "--root", "/"], ["audit", "--probe", "--facts", "x"], ["facts", "--probe", "--root", "/"]])
def test_only_this_machines_programs_can_be_asked(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "--probe runs programs of this machine; leave it out with --root" in capsys.readouterr().err


def test_nothing_is_asked_unless_probe_says_so(mine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    write(mine, "/bin/claude", f"#!/bin/sh\ntouch {mine}/ran\necho 2.1.200\n").chmod(0o755)
    (mine / "bin").chmod(0o755)
    monkeypatch.setenv("PATH", f"{mine}/bin:/usr/bin:/bin")
    monkeypatch.setenv("HOME", str(tmp_path))
    for option in ([], ["--probe"]):
        assert main(["facts", *option]) == 0
        reasons = [gap["reason"] for gap in json.loads(capsys.readouterr().out)["gaps"]]
        assert ("says that it is 2.1.200, and no file does" in reasons) is bool(option)
        assert (mine / "ran").exists() is bool(option)


# What a clean system costs.


class _Counting(Disk):
    asked: list[str]

    def _real(self, path: str) -> str:
        self.asked.append(path)
        return super()._real(path)


def test_an_ordinary_home_is_not_asked_for_every_manager(tmp_path: Path) -> None:
    files = ["~/.bashrc", "~/.profile", "~/.config/x", "~/.cache/x", "~/.local/share/x", "~/.local/bin/x", "~/.ssh/x", "~/.claude/settings.json"]
    machine = system(tmp_path, "linux", {**dict.fromkeys(files, ""), **new("/usr/local/lib")}, ("/usr/local/bin", "/usr/bin"))
    tree = _Counting(str(tmp_path))
    tree.asked = []
    source = sources("linux")
    for name in ("cli-npm", "cli-native", "cli-other", "linux-packages", "updates"):
        list(source[name].read(machine._replace(tree=tree)))
    home = [path for path in tree.asked if path.startswith("/home/ada")]
    assert len(home) <= 16, home
    assert len(tree.asked) <= 40, tree.asked


def test_what_only_another_system_has_is_not_loaded() -> None:
    assert not [name for name in facts.sources("linux") if name.startswith(("windows-", "macos-"))]
    assert "windows-winget" in facts.sources("windows")
    assert "linux-packages" not in facts.sources("macos")


DOCTOR = """#!/bin/sh
if [ "$1" = --version ]; then echo "$VERSION (Claude Code)"; exit; fi
echo "Claude Code doctor, home $HOME, config ${CLAUDE_CONFIG_DIR-unset}" > "$0.said"
echo "Invalid settings"
echo "- /home/ada/.claude/settings.json: Invalid or malformed JSON"
echo "- /etc/claude-code/managed-settings.json › availableModels: \\"sk-ant-hunter2\\" was present but invalid"
echo "- Not connected to the API"
"""


@pytest.mark.parametrize(("version", "asked"), [("2.1.204", False), ("2.1.205", True), ("2.1.330", True)])
def test_the_doctors_word_is_taken_where_it_needs_no_terminal(mine: Path, tmp_path: Path, version: str, asked: bool) -> None:
    program = mine / "claude"
    program.write_text(DOCTOR.replace("$VERSION", version))
    program.chmod(0o755)
    ada = User("ada", str(tmp_path), "sh")
    machine = Machine(Disk(), "machine", "m", "linux", (ada,), privileged=False, caller=ada, environ={"PATH": "/usr/bin:/bin"}, probe=True)
    machine = machine._replace(launchers=(Launcher(str(program), str(program), "ada", True),))
    found = list(probe.checked(machine, [Install("cli", version, "npm", Place("x"), ("ada",))]))
    gaps = [one for one in found if isinstance(one, Gap)]
    assert gaps == ([
        Gap("is called invalid by `claude doctor`", Place("/home/ada/.claude/settings.json")),
        Gap("is called invalid at availableModels by `claude doctor`", Place("/etc/claude-code/managed-settings.json")),
    ] if asked else [])  # fmt: skip
    said = Path(f"{program}.said")
    assert said.exists() is asked
    if asked:
        assert said.read_text() == f"Claude Code doctor, home {tmp_path}, config unset\n"


def test_a_doctor_that_says_nothing_is_told(mine: Path, tmp_path: Path) -> None:
    program = mine / "claude"
    program.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "2.1.330 (Claude Code)" || exit 3\n')
    program.chmod(0o755)
    ada = User("ada", str(tmp_path), "sh")
    machine = Machine(Disk(), "machine", "m", "linux", (ada,), privileged=False, caller=ada, environ={"PATH": "/usr/bin:/bin"}, probe=True)
    machine = machine._replace(launchers=(Launcher(str(program), str(program), "ada", True),))
    found = list(probe.checked(machine, [Install("cli", "2.1.330", "npm", Place("x"), ("ada",))]))
    assert [one for one in found if isinstance(one, Gap)] == [Gap("was asked by `doctor` what it calls invalid, and it ended with 3", Place(str(program)))]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a link away")
def test_a_link_that_another_user_may_change_is_not_followed(mine: Path) -> None:
    """Else its owner would choose which of root's programs root runs."""
    (mine / "claude").symlink_to("/bin/true")
    assert probe._refusal(str(mine / "claude")) == ""
    os.chown(mine / "claude", 65534, 65534, follow_symlinks=False)
    assert probe._refusal(str(mine / "claude")) == f"it was not run: {mine}/claude may be changed by others"
    (mine / "loop").symlink_to("loop")
    assert probe._refusal(str(mine / "loop")) == "it was not run: it is a loop of links"
