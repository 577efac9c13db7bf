"""Who has a home: the live machine's caller, a system's accounts, and the homes that nobody claims."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cc_fleet.host import facts, system
from cc_fleet.host.machine import Machine, User
from cc_fleet.host.system import under
from cc_fleet.host.tree import Disk
from cc_fleet.model import Gap, Place
from tests.case import write

ADA = "ada:x:1000:1000:Ada:/home/ada:/bin/bash"


def users(root: Path, passwd: str, *homes: str) -> tuple[User, ...]:
    write(root, "/etc/passwd", passwd)
    for home in homes:
        (root / home.lstrip("/")).mkdir(parents=True, exist_ok=True)
    return under(str(root)).users


@pytest.mark.parametrize(
    "line",
    [
        "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin",
        "bin:x:2:2:bin:/bin:/usr/sbin/nologin",
        "sync:x:4:65534:sync:/bin/:/bin/sync",
        "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin",
        "net:x:998:998::/:/usr/sbin/nologin",
        "none:x:998:998:::/usr/sbin/nologin",
        "gone:x:1001:1001::/home/gone:/bin/bash",
        "a file:x:1:1::/etc/passwd:/bin/sh",
        "short:x:1:1:/home/short",
        "long:x:1:1:::/home/long:/bin/sh:",
        "+::::::",
        "",
        "# comment",
        "\x00\xff:x",
        "relative:x:1:1::home/relative:/bin/sh",
        "up:x:1:1::../../../../home/up:/bin/sh",
        "nul:x:1:1::/home/n\0ul:/bin/sh",
        f"deep:x:1:1::{'/d' * 3000}:/bin/sh",
    ],
    ids=range(18),
)
def test_what_is_no_account_with_a_home_is_passed_over(tmp_path: Path, line: str) -> None:
    assert users(tmp_path, f"{line}\n{ADA}\n", "/home/ada", "/usr/sbin", "/bin") == (User("ada", "/home/ada", "bash"),)


@pytest.mark.parametrize(
    "line, home, user",
    [
        (ADA, "/home/ada", User("ada", "/home/ada", "bash")),
        ("pg:x:26:26::/var/lib/pgsql:/usr/bin/zsh", "/var/lib/pgsql", User("pg", "/var/lib/pgsql", "zsh")),
        ("x:x:1:1::/srv//x/../x/:/bin/sh", "/srv/x", User("x", "/srv/x", "sh")),
        ("x:x:1:1::/srv/x:", "/srv/x", User("x", "/srv/x", "")),
        ("é:x:1:1::/srv/é:/bin/fish", "/srv/é", User("é", "/srv/é", "fish")),
        ("x:x:1:1::/srv/x:/bin/sh\r", "/srv/x", User("x", "/srv/x", "sh")),
        ("x:x:1:1::/srv/x:/bin/sh", "/srv/x", User("x", "/srv/x", "sh")),
    ],
)
def test_an_account_with_a_home_is_a_user(tmp_path: Path, line: str, home: str, user: User) -> None:
    assert users(tmp_path, f"{line}\n", home) == (user,)


@pytest.mark.parametrize("separator", ["\u2028", "\u0085", "\x0b", "\x0c", "\x1c"])
def test_a_name_cannot_hide_its_account(tmp_path: Path, separator: str) -> None:
    """A user chooses this field (chfn); only a newline ends a line of passwd."""
    line = f"eve:x:1001:1001:Eve{separator}Eve:/srv/eve:/bin/bash\n"
    assert users(tmp_path, line, "/srv/eve") == (User("eve", "/srv/eve", "bash"),)


def test_homes_that_nobody_claims_count_too(tmp_path: Path) -> None:
    found = users(tmp_path, ADA + "\n", "/home/ada", "/home/ldap", "/root")
    assert found == (User("ada", "/home/ada", "bash"), User("root", "/root", "sh"), User("ldap", "/home/ldap", "sh"))


def test_of_two_accounts_with_one_home_the_first_counts(tmp_path: Path) -> None:
    assert users(tmp_path, f"{ADA}\ntoor:x:0:0::/home/ada:/bin/sh\n", "/home/ada") == (User("ada", "/home/ada", "bash"),)


def test_a_system_without_passwd_has_the_homes_that_lie_there(tmp_path: Path) -> None:
    (tmp_path / "home/ada").mkdir(parents=True)
    read = under(str(tmp_path))
    assert (read.users, read.unread) == ((User("ada", "/home/ada", "sh"),), ())


def test_a_passwd_that_cannot_be_read_is_a_gap(tmp_path: Path) -> None:
    (tmp_path / "etc/passwd").mkdir(parents=True)
    (tmp_path / "home/ada").mkdir(parents=True)
    read = under(str(tmp_path))
    assert (read.users, read.unread) == ((User("ada", "/home/ada", "sh"),), (Gap("is a folder", Place("/etc/passwd")),))
    (gap,) = facts.collect(read).gaps
    assert (gap.reason, gap.place.file) == ("is a folder", "/etc/passwd")


def test_a_home_behind_a_loop_of_links_is_kept_and_told(tmp_path: Path) -> None:
    write(tmp_path, "/etc/passwd", ADA)
    (tmp_path / "home").mkdir()
    (tmp_path / "home/ada").symlink_to("ada")
    read = under(str(tmp_path))
    assert read.users == (User("ada", "/home/ada", "bash"),)
    assert facts.collect(read).gaps


@pytest.mark.parametrize("home", ["/srv/ada", "/home/other"])
def test_two_homes_of_one_name_are_both_read(tmp_path: Path, home: str) -> None:
    """The account says /srv/ada, and an old /home/ada still lies there."""
    write(tmp_path, "/etc/passwd", f"ada:x:1:1::{home}:/bin/bash\n")
    write(tmp_path, f"{home}/.claude/settings.json", '{"model": "a"}')
    write(tmp_path, "/home/ada/.claude/settings.json", '{"model": "b"}')
    assert {setting.value for setting in facts.collect(under(str(tmp_path))).settings} == {"a", "b"}


@pytest.mark.parametrize(
    "files, name, number",
    [
        ({"/etc/hostname": "ada-laptop\nx\n", "/etc/machine-id": "4f2a\n"}, "ada-laptop", "4f2a"),
        ({"/etc/hostname": "\n", "/etc/machine-id": "\n"}, "root", None),
        ({}, "root", None),
    ],
)
def test_a_system_under_a_root_has_its_own_name(tmp_path: Path, files: dict[str, str], name: str, number: str | None) -> None:
    (tmp_path / "root").mkdir()
    for path, text in files.items():
        write(tmp_path / "root", path, text)
    read = under(str(tmp_path / "root"), frozenset({"A"}), digests=True)
    assert read == Machine(
        read.tree, "filesystem", name, "linux", (), os.geteuid() == 0, number, keep=frozenset({"A"}), digests=True,
    )  # fmt: skip
    assert (read.environ, read.caller, read.cwd) == (None, None, None)


def test_the_live_machine_starts_with_its_caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    read = system.live(frozenset({"A"}), digests=True)
    assert read.users[0] == read.caller
    assert (read.kind, read.cwd, read.keep, read.digests) == ("machine", os.path.realpath(tmp_path), frozenset({"A"}), True)
    assert read.caller is not None
    assert read.caller.home == str(tmp_path)
    assert read.name == os.uname().nodename
    assert (read.environ or {})["HOME"] == str(tmp_path)
    assert read.privileged == (os.geteuid() == 0)
    if os.geteuid() != 0:
        assert len(read.users) == 1


def test_the_live_machine_reads_the_callers_own_home_though_another_of_that_name_exists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With sudo that keeps HOME, or HOME=…, root's home in passwd and root's HOME are two homes of one name."""
    write(tmp_path, "/.claude/settings.json", '{"cleanupPeriodDays": 12345}')
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("CLAUDE_CONFIG_DIR", raising=False)
    monkeypatch.chdir("/")
    caller = system.live()
    twin = User(caller.users[0].name, "/nonexistent-home", "sh")
    read = caller._replace(users=(caller.users[0], twin))
    assert 12345 in [setting.value for setting in facts.collect(read).settings if isinstance(setting.value, int)]


AS_NOBODY = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
from cc_fleet.host import system
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(54321); os.setuid(54321)
read = system.live()
print(json.dumps([read.users, read.cwd, read.privileged, read.unread]))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become a user without a name")
def test_a_number_without_a_name_reads_its_home_alone(tmp_path: Path) -> None:
    project = Path(system.__file__).parents[2]
    env = {"HOME": "/srv/x", "PATH": "/bin"}
    code = AS_NOBODY.replace("sys.argv[1]", repr(str(project)))
    gone = tmp_path / "gone"
    gone.mkdir()
    ran = subprocess.run(
        [sys.executable, "-c", f"import os; os.rmdir({str(gone)!r})\n{code}"], env=env, cwd=gone, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(ran.stdout) == [[["54321", "/srv/x", "sh"]], None, False, []]
    ran = subprocess.run([sys.executable, "-c", code], env={"PATH": "/bin"}, cwd="/", capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout) == [[["54321", "/", "sh"]], "/", False, []]


@pytest.mark.parametrize("platform, name", [("darwin", "macos"), ("linux", "linux"), ("win32", "windows")])
def test_the_os_is_named_as_policies_name_it(platform: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert system._os() == name


def test_a_machine_reads_its_tree(tmp_path: Path) -> None:
    assert isinstance(under(str(tmp_path)).tree, Disk)
