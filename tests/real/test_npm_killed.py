"""cc-fleet is killed, with all that it started, at five points of an install with npm: whatever is left is whole, and can be gone on with or taken back.

npm, node, login shells and the laptop are real; the packages are small ones, so that five laptops' worth of installs take seconds.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.host.changes import packages
from tests.real import laptop
from tests.real.laptop import PROJECT, Laptop

pytestmark = pytest.mark.real
OLD, MIDDLE, NEW = "2.1.17", "2.1.153", "2.1.330"
MODULES = "/usr/local/lib/node_modules/@anthropic-ai"


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Laptop]:
    packages.needs(laptop.missing() or packages.no_npm() or ("" if shutil.which("strace") else "not installed: strace"))
    served = tmp_path / "served"
    for version in (OLD, MIDDLE, NEW):
        packages.tarballs(served, version)
    with Laptop(tmp_path, served, "ada") as made:
        made.root(["npm", "install", "-g", "--prefix", "/usr/local", "--ignore-scripts", "--no-audit", "--no-fund", f"@anthropic-ai/claude-code@{MIDDLE}"])
        wanted(made, NEW)
        made.fleet("apply", "--yes", "--tarballs", "/served")
        assert runs(made) == NEW
        yield made


def wanted(made: Laptop, version: str) -> None:
    made.write("/etc/cc-fleet/policy.yaml", f'policy: acme\ncli: {{versions: "{version}", install: "{version}"}}\n')


def runs(made: Laptop) -> str:
    """What `claude --version` says in ada's login shell."""
    return made.user("ada", ["bash", "-lic", "claude --version"], check=False).stdout.split(" ")[0].strip()


def has(made: Laptop) -> str:
    """The version that the package says it is."""
    return made.root(["node", "-p", f"require('{MODULES}/claude-code/package.json').version"]).stdout.strip()


def begun(made: Laptop, *inject: str) -> subprocess.Popen[bytes]:
    """An apply from tarballs, in a group of its own."""
    traced = ["strace", "-qq", "-o", "/dev/null", "-e", f"trace={','.join(inject[:1])}", "-e", f"inject={inject[0]}:signal=KILL:when={inject[1]}"] if inject else []
    command = ["env", "-i", *laptop._pairs({"HOME": "/root", **laptop._BASE, "PYTHONPATH": str(PROJECT), "PYTHONDONTWRITEBYTECODE": "1"}), *traced]
    return subprocess.Popen(
        [*made._enter(), *command, sys.executable, "-m", "cc_fleet", "apply", "--yes", "--tarballs", "/served"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


def killed(made: Laptop, at: str) -> None:
    """Kill an apply ``at``: ``npm``, while npm runs; else ``CALL N``, as it makes its Nth such system call."""
    applying = begun(made, *([] if at == "npm" else at.split()))
    until = time.monotonic() + 60
    top = Path(f"/proc/{made.pid}/root{MODULES}")
    while applying.poll() is None and time.monotonic() < until:
        if at == "npm" and any(os.path.isdir(f"{top}/{name}/p") for name in os.listdir(top) if name.startswith(".cc-fleet-")):
            os.killpg(applying.pid, signal.SIGKILL)
        time.sleep(0.002)
    assert applying.wait(1) != 0, "it was killed"
    gone = time.monotonic() + 5
    while (left := made.root(["pgrep", "-a", "-f", "^npm|-m cc_fleet|npm-cli"], check=False).stdout) and time.monotonic() < gone:
        time.sleep(0.05)
    assert left == "", "what it started ended with it"


@pytest.mark.parametrize(("at", "to", "then"), [
    ("npm", MIDDLE, NEW), ("renameat2 1", MIDDLE, NEW), ("renameat 2", MIDDLE, MIDDLE), ("symlinkat 1", OLD, NEW), ("unlinkat 20", MIDDLE, MIDDLE),
], ids=("while npm runs", "before the exchange", "after the exchange", "before the link", "before the journal ends"))  # fmt: skip
@pytest.mark.parametrize("back", [False, True], ids=["go on", "take back"])
def test_killed(running: Laptop, at: str, to: str, then: str, back: bool) -> None:
    """``then`` is the version that is there after the kill; before the link that is the new package under a launcher of the old."""
    before = whole(running)
    wanted(running, to)
    killed(running, at)
    there = has(running)
    assert there == (to if at == "symlinkat 1" else then)
    assert runs(running) == (there if at != "symlinkat 1" else "")
    if not back:
        done = running.fleet("apply", "--yes", "--tarballs", "/served", check=False)
        assert has(running) == runs(running) == to, done.stdout + done.stderr
        assert staging(running) == []
    taken = [running.fleet("rollback", run, "--policy", "default", check=False) for run in ("3", "2")]  # what was done before the kill, and what after it
    assert {done.returncode for done in taken} <= {0, 2}, taken
    assert all("is no run that can be taken back" in done.stderr for done in taken if done.returncode)
    assert back or 0 in {done.returncode for done in taken}
    assert has(running) == runs(running) == NEW
    assert staging(running, kept="000001") == []
    assert whole(running) == before


def whole(made: Laptop) -> list[str]:
    """The package and its launcher, without the times of folders that hold them."""
    return [line for line in made.tree(f"{MODULES}/claude-code", "/usr/local/bin").splitlines() if not line.startswith("/usr/local/bin ")]


def staging(made: Laptop, kept: str = "") -> list[str]:
    """What was only made to make something else, and replaced copies but those that the run ``kept`` (each that can be taken back) keeps."""
    found = made.root(["find", "/usr/local", "/home", "/var/lib/cc-fleet", "-name", "*.cc-fleet-*"]).stdout.splitlines()
    return [path for path in found if not path.endswith(f"{kept}.old")]
