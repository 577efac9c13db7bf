"""Install real clients, and observe what one does under a given layout of settings.

Every run has its own network, mount and process namespaces with only the loopback up, an
empty environment, a fresh HOME and a private /etc: nothing leaves this machine, nothing of its
own settings is read or written, and whatever the client started ends with the run. Needs root.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.real.inside import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PROJECT = Path(__file__).resolve().parents[2]
SLEEPER = Path(__file__).with_name("mcp_sleeper.py")
TOOL = "mcp__sleeper__nap"

BASE = {
    "HOME": str(ROOT / "home"),
    "TMPDIR": str(ROOT / "tmp"),
    "LANG": "C.UTF-8",
    "ANTHROPIC_API_KEY": "sk-ant-dummy",
    "DISABLE_AUTOUPDATER": "1",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
}


class SandboxError(Exception):
    """A client could not be installed or run; says nothing about the client's own result."""


@dataclass(frozen=True)
class Layout:
    """The process environment and the raw texts of the settings files that a client starts with.

    Texts become bytes as UTF-8 with surrogateescape, so a case can hold bytes that are no UTF-8.
    `files` and `links` (link to target) name further paths under the run's root, which the
    client sees as /mnt: home/, work/ (the folder it starts in) and etc/ (its /etc/claude-code).
    A path in `files` that ends in "/" is a folder.  `arguments` follow the client's own.
    """

    environ: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    project: str | None = None
    local: str | None = None
    managed: str | None = None
    drop_ins: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    cwd: str = "work"
    arguments: tuple[str, ...] = ()

    def all_files(self) -> dict[str, str]:
        """Return every file by its path under the run's root."""
        named = {
            "home/.claude/settings.json": self.user,
            "work/.claude/settings.json": self.project,
            "work/.claude/settings.local.json": self.local,
            "etc/managed-settings.json": self.managed,
        }
        found = {path: text for path, text in named.items() if text is not None}
        for name, text in self.drop_ins.items():
            found[f"etc/managed-settings.d/{name}"] = text
        return {**found, **self.files}


@dataclass(frozen=True)
class Observed:
    """What a run showed.

    `betas`, `roles`, `path`, `model` and `tools` are those of the first request that offers tools.
    `attempts` are the roles of every request that offers tools, in order; `others` what it asked
    beside the Messages API, as method and path.
    `peak` is the highest overlap of tool calls, None when no tool ran or none was asked for.
    """

    betas: tuple[str, ...]
    requests: int
    roles: tuple[str, ...]
    peak: int | None
    exit_code: int
    stderr: str
    stdout: str
    path: str = ""
    model: str = ""
    tools: tuple[str, ...] = ()
    agent: str = ""
    attempts: tuple[tuple[str, ...], ...] = ()
    others: tuple[str, ...] = ()


def missing() -> str:
    """Return what this machine lacks for a run, "" if nothing: the reason for a skipped test."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return "real clients run in Linux namespaces, which needs root"
    absent = [tool for tool in ("unshare", "mount", "npm", "node") if not shutil.which(tool)]
    return f"not installed: {', '.join(absent)}" if absent else ""


def cache_dir() -> Path:
    """Return where installed clients are kept; outside the project, so that nothing is vendored."""
    if named := os.environ.get("CC_FLEET_REAL_CACHE"):
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "cc-fleet-real"


def install(version: str, *, scripts: bool = True) -> Path:
    """Return the `claude` program of `version`, installed from the configured registry if absent.

    The folder appears whole or not at all, so a killed install is never mistaken for a client.
    Without `scripts` the native versions (2.1.113 and later) are installed but cannot run.
    """
    folder = cache_dir() / (version if scripts else f"{version}-no-scripts")
    client = folder / "node_modules" / ".bin" / "claude"
    if client.exists():
        return client
    cache_dir().mkdir(parents=True, exist_ok=True)
    half = Path(tempfile.mkdtemp(dir=cache_dir(), prefix=".install-"))
    try:
        _npm_install(version, half, scripts=scripts)
        half.rename(folder)
    except OSError:
        if not client.exists():  # else another process was first, and its install is as good
            raise
    finally:
        shutil.rmtree(half, ignore_errors=True)
    return client


def _npm_install(version: str, prefix: Path, *, scripts: bool) -> None:
    command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(prefix)]
    command += [] if scripts else ["--ignore-scripts"]
    command.append(f"@anthropic-ai/claude-code@{version}")
    done = subprocess.run(
        command, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SandboxError(f"npm install {version}: {done.stderr.strip()[-500:]}")


def observe(client: Path, layout: Layout, *, refusal: str = "", timeout: float = 120) -> Observed:
    """Run `client` once with the prompt "hello" under `layout`, and return what it did.

    With a `refusal` the recorder answers a request whose messages hold the role "system" with
    400 and that text.
    Raises SandboxError if the run does not end within `timeout` seconds or cannot be set up.
    """
    return _observe(client, layout, (), {"refusal": refusal}, timeout)


def observe_concurrency(
    client: Path, layout: Layout, *, parallel: int = 4, timeout: float = 120
) -> int:
    """Return how many of `parallel` read-only tool calls ran at one time; 0 if none ran."""
    server = {"command": sys.executable, "args": [str(SLEEPER), str(ROOT / "peak")]}
    config = json.dumps({"mcpServers": {"sleeper": server}})
    extra = ("--mcp-config", config, "--allowedTools", TOOL)
    return _observe(client, layout, extra, {"parallel": parallel}, timeout).peak or 0


def run(command: Sequence[str], layout: Layout, *, timeout: float = 120) -> Observed:
    """Run a program of ours as `observe` runs a client, with PATH as the layout's environment has it."""
    return _run(command, layout, {}, timeout)


def _observe(
    client: Path, layout: Layout, extra: Sequence[str], answers: Mapping[str, object], timeout: float
) -> Observed:
    command = [str(client.absolute()), "-p", "hello", *extra, *layout.arguments]
    return _run(command, layout, answers, timeout)


def _run(command: Sequence[str], layout: Layout, answers: Mapping[str, object], timeout: float) -> Observed:
    with tempfile.TemporaryDirectory(prefix="cc-fleet-run-") as name:
        scratch = Path(name)
        _write(scratch / "root", layout)
        spec = {
            "command": list(command),
            "environ": {"PATH": _search_path(), **BASE, **layout.environ},
            "cwd": layout.cwd,
            "tool": TOOL,
            "parallel": 0,
            "refusal": "",
            **answers,
        }
        (scratch / "spec.json").write_text(json.dumps(spec), encoding="utf-8")
        _enter(scratch, timeout)
        seen = json.loads((scratch / "seen.json").read_text(encoding="utf-8"))
        peak = scratch / "root" / "peak"
        return _observed(seen, int(peak.read_text()) if peak.exists() else None)


def _search_path() -> str:
    """Return the system's folders and the one of node, wherever a version manager put it."""
    node = shutil.which("node")
    folders = [str(Path(node).parent)] if node else []
    return ":".join([*folders, "/usr/local/bin", "/usr/bin", "/bin"])


def _write(root: Path, layout: Layout) -> None:
    for folder in ("home", "work", "tmp", layout.cwd):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for path, text in layout.all_files().items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.endswith("/"):
            target.mkdir(exist_ok=True)
        else:
            target.write_bytes(text.encode("utf-8", "surrogateescape"))
    for path, pointed in layout.links.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).symlink_to(pointed)


def _enter(scratch: Path, timeout: float) -> None:
    """Run the inner program in new namespaces, which the kernel empties when it ends."""
    apart = ("unshare", "--net", "--mount", "--propagation", "private")
    alone = ("--pid", "--fork", "--kill-child", "--mount-proc")
    inner = (sys.executable, "-m", "tests.real.inside", str(scratch))
    try:
        done = subprocess.run(
            (*apart, *alone, *inner),
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise SandboxError(f"the run did not end within {timeout:g} s") from late
    if done.returncode:
        raise SandboxError(f"the sandbox failed: {done.stderr.strip()[-500:]}")


def _observed(seen: Mapping[str, object], peak: int | None) -> Observed:
    requests = seen["requests"]
    if not isinstance(requests, list):
        raise SandboxError("the record holds no list of requests")
    others = seen["others"]
    first = next((r for r in requests if r["tools"]), requests[0] if requests else None)
    code = seen["exit_code"]
    return Observed(
        betas=tuple(first["betas"]) if first else (),
        requests=len(requests),
        roles=tuple(first["roles"]) if first else (),
        peak=peak,
        exit_code=code if isinstance(code, int) else -1,
        stderr=str(seen["stderr"]),
        stdout=str(seen["stdout"]),
        path=str(first["path"]) if first else "",
        model=str(first["model"]) if first else "",
        tools=tuple(first["tools"]) if first else (),
        agent=str(first["agent"]) if first else "",
        others=tuple(others) if isinstance(others, list) else (),
        attempts=tuple(tuple(r["roles"]) for r in requests if r["tools"]),
    )
