"""Small packages of Claude Code as npm has them: tarballs, what npm leaves of them, and programs that are real ELF files.

A program hands over to ``sh`` with what it is made to do; so it can say any version, and misbehave as the real ones were seen to.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import platform
import shutil
import socket
import struct
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cc_fleet.host.change import INSTALL, Change, Outcome, Plan
from tests.host.changes.laptop import USER, Laptop

PACKAGE, SYSTEM = "@anthropic-ai/claude-code", "linux-x64"
OWN = f"{PACKAGE}-{SYSTEM}"
SECRET = "npm_thisIsTheTokenThatNobodyMaySee0000"
_BASE, _HEAD, _CODE = 0x400000, 120, 57
_REGISTRY = Path(__file__).parents[2] / "real" / "registry.py"


def needs(reason: str) -> None:
    """Skip for ``reason``, if there is one; under CC_FLEET_REQUIRE_REAL that is a failure."""
    if reason:
        assert os.environ.get("CC_FLEET_REQUIRE_REAL") != "1", reason
        pytest.skip(reason)


def no_programs() -> str:
    """Why programs cannot be made here."""
    return "" if sys.platform == "linux" and platform.machine() == "x86_64" else "programs are made for Linux on x86-64"


def no_npm() -> str:
    """Why nothing can be installed here."""
    return no_programs() or "".join(f"not installed: {name}" for name in ("npm", "node") if not shutil.which(name))


def program(does: str) -> bytes:
    """A native program that does what a line of ``sh`` does, with its own arguments."""
    texts = [b"/bin/sh\0", b"sh\0", b"-c\0", does.encode() + b"\0"]
    at = [_BASE + _HEAD + _CODE + sum(map(len, texts[:number])) for number in range(4)]
    push = [b"\xb9" + struct.pack("<I", one) for one in at[:0:-1]]  # mov ecx: the script, -c, sh
    code = b"\x48\x8b\x04\x24\x48\x8d\x54\xc4\x10" + push[0] + b"\x48\x89\x0c\x24" + push[1] + b"\x51" + push[2] + b"\x51\x48\x89\xe6"
    code += b"\xbf" + struct.pack("<I", at[0]) + b"\xb8\x3b\0\0\0\x0f\x05" + b"\xbf\x7f\0\0\0\xb8\x3c\0\0\0\x0f\x05"  # execve, exit
    assert len(code) == _CODE
    size = _HEAD + len(code) + sum(map(len, texts))
    head = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 2, 62, 1, _BASE + _HEAD, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    return head + struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 4096) + code + b"".join(texts)


def saying(version: str, *, more: str = "") -> bytes:
    """The program of a version."""
    return program(f'{more}echo "{version} (Claude Code)"')


def script(version: str) -> bytes:
    """The program of a version that node runs."""
    return f'#!/usr/bin/env node\nconsole.log("{version} (Claude Code)")\n'.encode()


def sha256(data: bytes | Path) -> str:
    return hashlib.sha256(data if isinstance(data, bytes) else data.read_bytes()).hexdigest()


def is_native(version: str) -> bool:
    return tuple(map(int, version.split("."))) >= (2, 1, 113)


def wrapper(version: str, **more: Any) -> dict[str, bytes]:
    """The files of Claude Code's package."""
    if not is_native(version):
        held = {"name": PACKAGE, "version": version, "bin": {"claude": "cli.js"}, "type": "module"}
        return {"package.json": json.dumps(held | more).encode(), "cli.js": script(version)}
    held = {
        "name": PACKAGE, "version": version, "bin": {"claude": "bin/claude.exe"}, "scripts": {"postinstall": "touch $HOME/scripts-ran"},
        "optionalDependencies": {f"{PACKAGE}-{system}": version for system in (SYSTEM, "darwin-arm64", "win32-x64")},
    }  # fmt: skip
    return {"package.json": json.dumps(held | more).encode(), "bin/claude.exe": b'echo "Error: claude native binary not installed." >&2\nexit 1\n'}


def platforms(version: str, does: bytes | None = None, **more: Any) -> dict[str, bytes]:
    """The files of its package for this machine."""
    held = {"name": OWN, "version": version, "os": ["linux"], "cpu": ["x64"]} | more
    return {"package.json": json.dumps(held).encode(), "claude": saying(version) if does is None else does}


def tarball(folder: Path, name: str, files: Mapping[str, bytes]) -> Path:
    """A tarball of npm's; the same bytes each time."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for path, data in files.items():
            member = tarfile.TarInfo(f"package/{path}")
            member.size, member.mode = len(data), 0o755
            archive.addfile(member, io.BytesIO(data))
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / name
    made.write_bytes(gzip.compress(out.getvalue(), mtime=0))
    return made


def tarballs(folder: Path, version: str, does: bytes | None = None) -> list[Path]:
    """Those that ``npm pack`` would bring of a version."""
    made = [tarball(folder, f"anthropic-ai-claude-code-{version}.tgz", wrapper(version))]
    return [*made, tarball(folder, f"anthropic-ai-claude-code-{SYSTEM}-{version}.tgz", platforms(version, does))] if is_native(version) else made


def given(files: list[Path]) -> list[dict[str, str]]:
    """As a plan names tarballs."""
    return [{"file": str(file), "sha256": sha256(file)} for file in files]


def installed(prefix: Path, version: str) -> Path:
    """What ``npm install -g`` leaves; its folder."""
    folder = prefix / "lib/node_modules" / PACKAGE
    for name, data in wrapper(version).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    name = "bin/claude.exe" if is_native(version) else "cli.js"
    if is_native(version):
        inside = folder / "node_modules" / OWN
        inside.mkdir(parents=True)
        for file, data in platforms(version).items():
            (inside / file).write_bytes(data)
        (inside / "claude").chmod(0o755)
        (folder / name).unlink()
        os.link(inside / "claude", folder / name)
    (folder / name).chmod(0o755)
    (prefix / "bin").mkdir(parents=True, exist_ok=True)
    (prefix / "bin/claude").symlink_to(f"../lib/node_modules/{PACKAGE}/{name}")
    return folder


def stored(home: Path, version: str, data: bytes | None = None, *, absolute: bool = True) -> Path:
    """What the native installer leaves: the program in its store, and the link to it."""
    kept = home / ".local/share/claude/versions" / version
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(saying(version) if data is None else data)
    kept.chmod(0o755)
    launcher = home / ".local/bin/claude"
    launcher.parent.mkdir(parents=True, exist_ok=True)
    launcher.unlink(missing_ok=True)
    launcher.symlink_to(kept if absolute else f"../share/claude/versions/{version}")
    return kept


def npm(prefix: Path, version: str, **more: Any) -> Change:
    args: dict[str, Any] = {"prefix": str(prefix), "version": version, "sha256": {}, "tarballs": None, "registry": None, "denied": {}}
    return Change("npm", f"install Claude Code {version}", USER, args | more, INSTALL)


def native(home: Path, version: str, **more: Any) -> Change:
    args: dict[str, Any] = {"home": str(home), "version": version, "sha256": {}, "tarballs": None, "registry": None, "denied": {}}
    return Change("native", f"install Claude Code {version}", USER, args | more, INSTALL)


def carried_out(laptop: Laptop, *changes: Change) -> tuple[Plan, list[Outcome]]:
    """Seal a plan and carry it out; whatever came of it nothing that was only for making is left, and no secret shows."""
    plan = laptop.sealed(*changes)
    _, outcomes = laptop.apply(plan)
    left = [path for path in laptop.home.rglob("*") if ".cc-fleet-" in path.name and not path.name.endswith(".old")]
    assert left == []
    assert SECRET not in f"{plan}{outcomes}"
    for file in laptop.journal.rglob("*"):
        assert not file.is_file() or SECRET.encode() not in file.read_bytes()
    return plan, outcomes


def refused(laptop: Laptop, change: Change, *, state: str = "refused") -> str:
    """Why it is refused: one line; nothing was changed, nor a second time."""
    before = tree(laptop.home)
    plan = laptop.sealed(change)
    if plan.left:
        assert plan.changes == ()
        reason = plan.left[0].how
    else:
        (outcome,) = carried_out(laptop, change)[1]
        assert outcome.state == state, outcome
        reason = outcome.reason
        steps = [json.loads(line).get("op") for line in max(laptop.journal.glob("runs/*/journal")).read_text().splitlines()]
        assert "swap" not in steps, "nothing was there, not even for a moment, that had not been looked at"
        assert "staging" in steps
    assert tree(laptop.home) == before
    assert "\n" not in reason
    assert "Traceback" not in reason
    assert 20 < len(reason) < 400
    return reason


def tree(folder: Path) -> dict[str, tuple[object, ...]]:
    """Every entry with its number, mode, owner, times of files and content."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(folder.rglob("*")):
        about = path.lstat()
        content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        found[str(path.relative_to(folder))] = (about.st_ino, about.st_mode, about.st_uid, about.st_mtime_ns if path.is_file() else None, content)
    assert found
    return found


@contextmanager
def registry(folder: Path, lies: Mapping[str, Path] | None = None) -> Iterator[str]:
    """npm's registry of the tarballs in a folder; ``lies`` are served in the place of those that it speaks of."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = folder.parent / "lies.txt"
    told.write_text("".join(f"{name} {file}\n" for name, file in (lies or {}).items()))
    running = subprocess.Popen([sys.executable, str(_REGISTRY), str(folder), str(port), str(told)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 10
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        running.kill()
        running.wait()
