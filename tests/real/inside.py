"""The program inside the namespaces: prepare them, run one client, write what was seen.

Run as `python3 -m tests.real.inside SCRATCH`, in fresh network and mount namespaces, as root.
It is a program of its own because only a process born inside can own the loopback and mounts.
"""

from __future__ import annotations

import fcntl
import json
import shutil
import socket
import struct
import subprocess
import sys
import threading
from dataclasses import asdict
from pathlib import Path

from tests.real.recorder import URL, Log, Server

ROOT = Path("/mnt")
"""Where a client sees its world: the same paths on every run, so that layouts can name them."""

MANAGED = Path("/etc/claude-code")


def raise_loopback() -> None:
    """Bring `lo` up; a new network namespace has it, but down."""
    siocgifflags, siocsifflags, up = 0x8913, 0x8914, 1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        asked = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(control, siocgifflags, asked))[1]
        fcntl.ioctl(control, siocsifflags, struct.pack("16sh14x", b"lo", flags | up))


def mount(*arguments: str) -> None:
    """Run mount(8), which must succeed: a run with half its mounts would touch the machine."""
    subprocess.run(("mount", *arguments), check=True)


def cover_etc(scratch: Path) -> None:
    """Put a private layer over /etc, with the layout's managed folder and no other in it."""
    upper = scratch / "layer"
    upper.mkdir()
    mount("-t", "tmpfs", "layer", str(upper))
    for name in ("up", "work"):
        (upper / name).mkdir()
    options = f"lowerdir=/etc,upperdir={upper / 'up'},workdir={upper / 'work'}"
    mount("-t", "overlay", "etc", "-o", options, "/etc")
    shutil.rmtree(MANAGED, ignore_errors=True)
    if MANAGED.exists():
        raise SystemExit("a managed folder of this machine shows through")
    given = scratch / "root" / "etc"
    if given.is_dir():
        shutil.copytree(given, MANAGED, symlinks=True)


def run(scratch: Path) -> dict[str, object]:
    """Run the client that SCRATCH/spec.json names; return everything that was seen."""
    spec = json.loads((scratch / "spec.json").read_text(encoding="utf-8"))
    log = Log(tool=spec["tool"], parallel=spec["parallel"], refusal=spec["refusal"])
    server = Server(log)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    done = subprocess.run(
        spec["command"],
        cwd=ROOT / spec["cwd"],
        env={"ANTHROPIC_BASE_URL": URL, **spec["environ"]},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    return {
        "requests": [asdict(request) for request in log.requests],
        "others": log.others,
        "exit_code": done.returncode,
        "stdout": done.stdout.decode(errors="replace"),
        "stderr": done.stderr.decode(errors="replace"),
    }


def main(scratch: Path) -> None:
    """Prepare the namespaces, run, and leave SCRATCH/seen.json."""
    raise_loopback()
    cover_etc(scratch)
    mount("--bind", str(scratch / "root"), str(ROOT))
    (scratch / "seen.json").write_text(json.dumps(run(scratch)), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
