"""A throwaway laptop: this machine's files under an overlay that is forgotten, in namespaces with only the loopback up.

Whatever runs in it as root may write /etc, /usr/local and homes: nothing of that reaches this machine, and nothing
that starts in it outlives it. npm's registry is a folder of tarballs, served on the laptop's own loopback.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

import pytest

from tests.real import sandbox

PROJECT = Path(__file__).resolve().parents[2]
REGISTRY = "http://127.0.0.1:4873"
_SETUP = """
set -e
mount --make-rprivate /
mount -t tmpfs -o size=6g tmpfs {tmp}
mkdir {tmp}/u {tmp}/w {tmp}/m
mount -t overlay overlay -o lowerdir=/,upperdir={tmp}/u,workdir={tmp}/w {tmp}/m
mount -t proc proc {tmp}/m/proc
mount --rbind /dev {tmp}/m/dev
mount -t tmpfs tmpfs {tmp}/m/home
mount -t tmpfs -o mode=1777 tmpfs {tmp}/m/tmp
mkdir -p {tmp}/m/var/lib {tmp}/m/usr/local/lib {tmp}/m/served
mount --bind {tarballs} {tmp}/m/served
rm -rf {tmp}/m/etc/claude-code {tmp}/m/var/lib/cc-fleet {tmp}/m/usr/local/lib/node_modules/@anthropic-ai {tmp}/m/usr/local/bin/claude
chmod 755 {tmp}/m/root
ip link set lo up
echo ready > {tmp}/m/tmp/ready
exec chroot {tmp}/m sleep 100000
"""


def missing() -> str:
    """What this machine lacks for one, "" if nothing."""
    return sandbox.missing() or "".join(f"not installed: {tool}" for tool in ("nsenter", "chroot", "ip", "useradd") if not shutil.which(tool))


def needed() -> None:
    """Skip where there can be none; under CC_FLEET_REQUIRE_REAL that is a failure."""
    reason = missing()
    if reason and os.environ.get("CC_FLEET_REQUIRE_REAL"):
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)


def tarballs(*versions: str) -> Path:
    """A folder with npm's tarballs of these versions and of their platform packages for this machine."""
    folder = sandbox.cache_dir() / "tarballs"
    folder.mkdir(parents=True, exist_ok=True)
    for version in versions:
        wanted = ["claude-code", *(["claude-code-linux-x64"] if tuple(map(int, version.split("."))) >= (2, 1, 113) else [])]
        for name in wanted:
            if not (folder / f"anthropic-ai-{name}-{version}.tgz").exists():
                done = subprocess.run(["npm", "pack", "--silent", f"@anthropic-ai/{name}@{version}", "--pack-destination", str(folder)], capture_output=True, text=True, check=False, cwd=folder)
                if done.returncode:
                    raise sandbox.SandboxError(f"npm pack {name}@{version}: {done.stderr.strip()[-300:]}")
    return folder


class Laptop:
    """As a context: a running laptop with the users that were asked for."""

    def __init__(self, tmp: Path, served: Path, *users: str) -> None:
        self.tmp, self.served, self.users = tmp, served, users

    def __enter__(self) -> Laptop:  # noqa: PYI034
        place = self.tmp / "laptop"
        place.mkdir()
        setup = _SETUP.format(tmp=place, tarballs=self.served)
        self.process = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--net", "--uts", "--ipc", "--fork", "--kill-child", "--mount-proc", "bash", "-c", setup],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        deadline = time.monotonic() + 20
        while not (inner := self._inner()) and time.monotonic() < deadline and self.process.poll() is None:
            time.sleep(0.02)
        if not inner:
            self.process.kill()
            raise sandbox.SandboxError(f"no laptop: {self.process.communicate()[1][-300:]}")
        self.pid = inner
        for user in self.users:
            self.root(["useradd", "-m", "-s", "/bin/bash", user])
        self._registry = subprocess.Popen([*self._enter(), sys.executable, str(Path(__file__).with_name("registry.py")), "/served", "4873"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._registry.kill()
        self._registry.wait()
        self.process.kill()
        self.process.communicate()

    def root(self, command: Sequence[str], *, environ: Mapping[str, str] | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command as root on it."""
        return self._run([*self._enter(), "env", "-i", *_pairs({"HOME": "/root", **_BASE, **(environ or {})}), *command], check=check)

    def user(self, name: str, command: Sequence[str], *, environ: Mapping[str, str] | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command as a user on it."""
        given = {"HOME": f"/home/{name}", "USER": name, **_BASE, **(environ or {})}
        return self._run([*self._enter(), "setpriv", f"--reuid={name}", f"--regid={name}", "--init-groups", "env", "-i", *_pairs(given), *command], check=check)

    def fleet(self, *arguments: str, user: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run cc-fleet on it, as root or as a user."""
        command = [sys.executable, "-m", "cc_fleet", *arguments]
        environ = {"PYTHONPATH": str(PROJECT), "PYTHONDONTWRITEBYTECODE": "1"}
        return self.user(user, command, environ=environ, check=check) if user else self.root(command, environ=environ, check=check)

    def write(self, path: str, text: str, owner: str | None = None) -> None:
        """A file on it, its folders made."""
        done = subprocess.run([*self._enter(), "sh", "-c", 'mkdir -p "$(dirname "$1")" && cat > "$1"', "sh", path], input=text, text=True, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        if owner:
            top = "/".join(path.split("/")[:4])
            self.root(["chown", "-R", f"{owner}:{owner}", top])

    def read(self, path: str) -> str:
        """A file's text."""
        return self.root(["cat", path]).stdout

    def tree(self, *tops: str) -> str:
        """Every entry below the given folders with mode, owner, time, target and digest, a line each."""
        script = 'find "$@" -xdev -printf "%p %m %u %g %T@ %l\\n" 2>/dev/null | sort; find "$@" -xdev -type f -print0 2>/dev/null | sort -z | xargs -0 -r sha256sum'
        return self.root(["sh", "-c", script, "sh", *tops]).stdout

    def _inner(self) -> int:
        """The pid of the program that stays in the laptop's root."""
        for child in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split() if self.process.poll() is None else ():
            if os.path.exists(f"/proc/{child}/root/tmp/ready") and os.readlink(f"/proc/{child}/exe").endswith("sleep"):
                return int(child)
        return 0

    def _enter(self) -> list[str]:
        return ["nsenter", "--target", str(self.pid), "--mount", "--pid", "--net", "--uts", "--ipc", "--root", "--wd"]

    @staticmethod
    def _run(command: Sequence[str], *, check: bool) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        assert not check or done.returncode == 0, f"{command[-6:]}: {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        return done


def _search() -> str:
    node = shutil.which("node")
    return ":".join([*([str(Path(os.path.realpath(node)).parent)] if node else []), "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"])


_BASE = {"PATH": _search(), "LANG": "C.UTF-8", "npm_config_registry": REGISTRY, "DISABLE_AUTOUPDATER": "1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}


def _pairs(environ: Mapping[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in environ.items()]


def told(done: subprocess.CompletedProcess[str]) -> list[dict[str, str]]:
    """The outcomes that an apply or rollback printed as JSON."""
    found: list[dict[str, str]] = json.loads(done.stdout)["outcomes"]
    return found
