"""Installs of the real clients that are cut short, lied to, or without a network: what ran before still runs, and a second try succeeds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.real import laptop
from tests.real.laptop import _BASE, PROJECT, Laptop, _pairs
from tests.real.test_apply import MIDDLE, NEW, native, npm, policy, runs

pytestmark = pytest.mark.real
SCOPE = "usr/local/lib/node_modules/@anthropic-ai"


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Laptop]:
    laptop.needed()
    with Laptop(tmp_path, laptop.tarballs(MIDDLE, NEW), "ada") as made:
        yield made


class Cut:
    """An apply on a laptop, and what can be seen of it."""

    def __init__(self, made: Laptop) -> None:
        self.made, self.space = made, os.readlink(f"/proc/{made.pid}/ns/pid")
        environ = {"HOME": "/root", **_BASE, "PYTHONPATH": str(PROJECT), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [*made._enter(), "env", "-i", *_pairs(environ), sys.executable, "-m", "cc_fleet", "apply", "--yes"]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def processes(self, of: bytes) -> list[int]:
        """The laptop's processes whose command starts so."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
                if of in command and os.readlink(f"/proc/{pid}/ns/pid") == self.space:
                    found.append(int(pid))
            except OSError:
                continue
        return found

    def staged(self, pattern: str) -> list[Path]:
        return list(Path(f"/proc/{self.made.pid}/root/{SCOPE}").glob(f".cc-fleet-*/{pattern}"))

    def kill(self, *whose: bytes) -> None:
        for of in whose:
            for pid in self.processes(of):
                try:
                    if of.startswith(b"npm"):
                        os.killpg(os.getpgid(pid), signal.SIGKILL)
                    else:
                        os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue


FLEET = b"-m cc_fleet apply"
POINTS: tuple[tuple[str, Callable[[Cut], object], tuple[bytes, ...]], ...] = (
    ("npm pack has begun", lambda cut: cut.processes(b"npm pack"), (b"npm pack",)),
    ("a tarball comes", lambda cut: cut.staged("cache/_cacache/tmp/*"), (FLEET, b"npm pack")),
    ("npm install has begun", lambda cut: cut.processes(b"npm install"), (b"npm install",)),
    ("it unpacks", lambda cut: [one for one in cut.staged("p/lib/node_modules/@anthropic-ai/*/claude") if one.stat().st_size], (b"npm install", FLEET)),
    ("it is looked at", lambda cut: cut.staged("home"), (FLEET,)),
)


def test_an_install_that_is_killed_leaves_what_ran(running: Laptop) -> None:
    npm(running, NEW)
    policy(running, MIDDLE)
    package = f"/{SCOPE}/claude-code"
    before = running.tree(package, "/usr/local/bin")
    for point, reached, whose in POINTS:
        cut = Cut(running)
        deadline = time.monotonic() + 120
        while not reached(cut):
            assert cut.process.poll() is None, f"{point}: {cut.process.communicate()[0]}"
            assert time.monotonic() < deadline, point
            time.sleep(0.002)
        cut.kill(*whose)
        said, _ = cut.process.communicate(timeout=120)
        assert cut.process.returncode != 0, f"{point}: {said}"
        assert "Traceback" not in said
        assert running.tree(package, "/usr/local/bin") == before, point
        assert runs(running, "ada") == NEW, point
    done = running.fleet("apply", "--yes")
    assert done.returncode == 0
    assert runs(running, "ada") == MIDDLE
    left = running.root(["ls", "-A", f"/{SCOPE}"]).stdout.split()
    assert [name for name in left if name.startswith(".cc-fleet-")] == []


def test_a_native_client_without_npm_and_network_leaves_nothing(running: Laptop) -> None:
    npm(running, NEW)
    native(running, "ada", NEW)
    running.root(["npm", "uninstall", "-g", "--prefix", "/usr/local", "@anthropic-ai/claude-code"])
    policy(running, MIDDLE)
    for folder in _BASE["PATH"].split(":"):
        running.root(["rm", "-f", f"{folder}/npm"])
    before = running.tree("/home/ada")
    assert len(before.splitlines()) > 5
    done = running.fleet("apply", "--yes", check=False)
    assert done.returncode == 5
    assert f"`claude install {MIDDLE}` ended with 1; it needs downloads.claude.ai" in done.stdout + done.stderr
    assert [line for line in running.tree("/home/ada").splitlines() if " 7" not in line] == [line for line in before.splitlines() if " 7" not in line]
    assert running.root(["ls", "-A", "/home/ada/.local/share/claude/versions"]).stdout.split() == [NEW]
    assert running.root(["ls", "-A", "/home/ada/.local/bin"]).stdout.split() == ["claude"]
    assert runs(running, "ada") == NEW
