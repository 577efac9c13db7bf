"""What a login shell runs, with real shells in homes that are made for it."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import time
from pathlib import Path

import pytest

from cc_fleet.host.change import VERIFY, Change, Outcome
from tests.host.changes import packages
from tests.host.changes.laptop import USER, Laptop, states
from tests.host.changes.packages import given, native, saying, stored, tarballs, tree

MIDDLE, NEW = "2.1.153", "2.1.330"
SHELLS = ("bash", "dash", "zsh", "fish", "tcsh")
FIRST = {"zsh": ".zprofile", "fish": ".config/fish/config.fish", "tcsh": ".cshrc"}


@pytest.fixture
def laptop(tmp_path: Path) -> Laptop:
    packages.needs(packages.no_programs())
    (tmp_path / "home").mkdir()
    return Laptop(tmp_path / "home", tmp_path / "journal")


def has(monkeypatch: pytest.MonkeyPatch, shell: str) -> None:
    """The user's line in the system's list of users names this shell."""
    found = shell if shell.startswith("/") else shutil.which(shell)
    packages.needs("" if found else f"not installed: {shell}")
    entry = pwd.getpwnam(USER)
    monkeypatch.setattr(pwd, "getpwnam", lambda _: pwd.struct_passwd((*entry[:6], found)))


def starts(laptop: Laptop, text: str, *, name: str = ".bash_profile") -> None:
    """A start-up file."""
    file = laptop.home / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def brought(laptop: Laptop, tgz: Path) -> list[Outcome]:
    """The native copy is brought to 2.1.153, and the shell is asked."""
    if not (laptop.home / ".local/bin/claude").exists():
        stored(laptop.home, NEW)
    change = native(laptop.home, MIDDLE, tarballs=given(tarballs(tgz, MIDDLE)))
    look = Change("verify", f"check that {USER}'s PATH runs Claude Code {MIDDLE}", USER, {"user": USER, "version": MIDDLE, "of": [0]}, VERIFY)
    _, outcomes = packages.carried_out(laptop, change, look)
    assert all("\n" not in one.reason for one in outcomes)
    return outcomes


@pytest.mark.parametrize("shell", SHELLS)
def test_the_version_that_each_shell_runs(laptop: Laptop, tmp_path: Path, shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    has(monkeypatch, shell)
    sets = {"fish": "set -gx PATH ~/.local/bin $PATH\n", "tcsh": "setenv PATH ~/.local/bin:${PATH}\n"}
    starts(laptop, sets.get(shell, 'PATH="$HOME/.local/bin:$PATH"\n'), name=FIRST.get(shell, ".profile"))
    assert states(brought(laptop, tmp_path / "tgz")) == ["done", "done"]


@pytest.mark.parametrize("shell", SHELLS)
def test_another_version_in_front_undoes_the_install(laptop: Laptop, tmp_path: Path, shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    has(monkeypatch, shell)
    (laptop.home / "mine").mkdir()
    (laptop.home / "mine/claude").write_bytes(saying(NEW))
    (laptop.home / "mine/claude").chmod(0o755)
    sets = {"fish": "set -gx PATH ~/mine ~/.local/bin $PATH\n", "tcsh": "setenv PATH ~/mine:~/.local/bin:${PATH}\n"}
    starts(laptop, sets.get(shell, 'PATH="$HOME/mine:$HOME/.local/bin:$PATH"\n'), name=FIRST.get(shell, ".profile"))
    stored(laptop.home, NEW)
    before = tree(laptop.home)
    outcomes = brought(laptop, tmp_path / "tgz")
    assert states(outcomes) == ["undone", "failed"]
    assert outcomes[1].reason == f"{USER}'s shell runs Claude Code {NEW} ({laptop.home}/mine/claude), not {MIDDLE}; remove it, or put it last in PATH"
    after = tree(laptop.home)
    assert {name: one for name, one in after.items() if name in before} == before


WINS = 'PATH="$HOME/.local/bin:$PATH"\n'


@pytest.mark.parametrize(("text", "reason"), [
    (f"{WINS}alias claude='ANTHROPIC_API_KEY=sk-ant-of-ada {{home}}/old'\n", f"runs Claude Code {NEW} (an alias), not {MIDDLE}"),
    (f'{WINS}claude() {{ {{home}}/old "$@"; }}\n', f"runs Claude Code {NEW} (a function), not {MIDDLE}"),
    (f"{WINS}claude() {{ echo 'I am your model'; }}\n", f"runs what does not say its version (a function), not {MIDDLE}"),
    ("PATH=/usr/bin:/bin\n", "finds no claude in its PATH; look at PATH in its start-up files"),
    (f"{WINS}echo {MIDDLE}\nclaude() {{ {{home}}/old; }}\n", f"runs Claude Code {NEW} (a function)"),
    (f"{WINS}claude() {{ echo '{MIDDLE}0 (Claude Code)'; }}\n", f"runs Claude Code {MIDDLE}0 (a function)"),
], ids=("alias", "function", "function that says nothing", "not in PATH", "noise that is the version", "a longer version"))  # fmt: skip
def test_what_is_in_front_of_it(laptop: Laptop, tmp_path: Path, text: str, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    has(monkeypatch, "bash")
    (laptop.home / "old").write_bytes(saying(NEW))
    (laptop.home / "old").chmod(0o755)
    starts(laptop, text.replace("{home}", str(laptop.home)))
    outcomes = brought(laptop, tmp_path / "tgz")
    assert states(outcomes) == ["undone", "failed"]
    assert reason.replace("{home}", str(laptop.home)) in outcomes[1].reason
    assert os.readlink(laptop.home / ".local/bin/claude").endswith(NEW)


@pytest.mark.parametrize("text", [
    "echo welcome; echo 2.1.330; printf 'no newline'\n", "yes noise | head -c 3000000\n", "trap 'echo bye 2.1.330' EXIT\n", "PS1='$(echo 9.9.9)'; set -x\n", "read -r answer\n",
    "case $- in *i*) exec false;; esac\n", "case $- in *i*) exit 0;; esac\n", "alias claude='{home}/.local/bin/claude'\n", "printf '\\033]0;title\\007'; echo 'cc-fleet:/x'\n",
    "set -e; false || true\n",
], ids=range(10))  # fmt: skip
def test_noise_is_not_taken_for_an_answer(laptop: Laptop, tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    has(monkeypatch, "bash")
    starts(laptop, WINS + text.replace("{home}", str(laptop.home)))
    outcomes = brought(laptop, tmp_path / "tgz")
    assert states(outcomes) == ["done", "done"], outcomes


@pytest.mark.parametrize("text", ["sleep 1000\n", "while :; do echo noise; done\n", "trap '' TERM INT HUP; while :; do sleep 1; done\n", "exec false\n"], ids=("sleeps", "talks", "does not listen", "ends"))
def test_a_shell_that_does_not_come_up(laptop: Laptop, tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    has(monkeypatch, "bash")
    monkeypatch.setattr("cc_fleet.host.changes.verify.SECONDS", 0.7)
    starts(laptop, text)
    began = time.monotonic()
    outcomes = brought(laptop, tmp_path / "tgz")
    assert time.monotonic() - began < 15
    assert states(outcomes) == ["undone", "failed"]
    assert "does not come up within 1 s, or does not answer, so what it runs is not known; look at its start-up files" in outcomes[1].reason


def test_a_user_without_a_shell_is_asked_through_a_plain_one(laptop: Laptop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    has(monkeypatch, "/usr/sbin/nologin")
    starts(laptop, WINS, name=".profile")
    assert states(brought(laptop, tmp_path / "tgz")) == ["done", "done"]


def test_a_shell_that_is_not_there_and_a_user_that_is_none(laptop: Laptop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    look = Change("verify", "look", USER, {"user": "nobody-of-that-name", "version": MIDDLE, "of": [0]}, VERIFY)
    change = native(laptop.home, MIDDLE, tarballs=given(tarballs(tmp_path / "tgz", MIDDLE)))
    stored(laptop.home, NEW)
    outcomes = packages.carried_out(laptop, change, look)[1]
    assert states(outcomes) == ["undone", "refused"]
    assert outcomes[1].reason == "nobody-of-that-name: is no user of this machine; plan again"
    has(monkeypatch, "/bin/no-such-shell")
    outcomes = brought(laptop, tmp_path / "tgz")
    assert states(outcomes) == ["undone", "failed"]
    assert "(/bin/no-such-shell) does not come up" in outcomes[1].reason


def test_nothing_of_this_process_reaches_the_shell(laptop: Laptop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    has(monkeypatch, "bash")
    monkeypatch.setenv("ANTHROPIC_API_KEY", packages.SECRET)
    monkeypatch.setenv("BASH_ENV", "/tmp/evil")
    starts(laptop, f"{WINS}env > $HOME/seen; ls -l /proc/self/fd | grep -c . > $HOME/fds; readlink /proc/self/fd/0 > $HOME/in; umask >> $HOME/in\n")
    assert states(brought(laptop, tmp_path / "tgz")) == ["done", "done"]
    seen = dict(line.partition("=")[::2] for line in (laptop.home / "seen").read_text().splitlines())
    assert set(seen) <= {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "LANG", "PWD", "SHLVL", "_", "DISABLE_AUTOUPDATER", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "MAIL", "OLDPWD"}
    assert seen["HOME"] == str(laptop.home)
    assert (laptop.home / "in").read_text() == "/dev/null\n0022\n"
    assert int((laptop.home / "fds").read_text()) <= 6
    assert stat.S_ISREG((laptop.home / "seen").stat().st_mode)


def test_what_is_denied_is_not_put_back(laptop: Laptop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    has(monkeypatch, "bash")
    starts(laptop, "PATH=/usr/bin:/bin\n")
    stored(laptop.home, NEW)
    change = native(laptop.home, MIDDLE, tarballs=given(tarballs(tmp_path / "tgz", MIDDLE)))
    change = change._replace(args={**change.args, "denied": {NEW: "OPS-9: duplicate ids"}})
    look = Change("verify", "check", USER, {"user": USER, "version": MIDDLE, "of": [0]}, VERIFY)
    _, outcomes = packages.carried_out(laptop, change, look)
    assert states(outcomes) == ["kept", "failed"]
    assert outcomes[0].reason.endswith("; not put back: what was there before is denied (OPS-9: duplicate ids)")
    assert os.readlink(laptop.home / ".local/bin/claude").endswith(MIDDLE)
