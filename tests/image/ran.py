"""Runs of the program on images, each in a process of its own that may not take more than it should."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

PROJECT = Path(__file__).parents[2]
SECONDS, MEGABYTES = 10.0, 250  # of processor and memory that one file may take
POLICY = 'policy: images\ncli: {versions: ">=2.1.0"}\n'

# The process tells what it took itself: what getrusage says of a child begins with what its parent had.
PROGRAM = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[1]), int(sys.argv[1])))
from cc_fleet.cli import main
try:
    code = main(sys.argv[3:])
except SystemExit as stop:
    code = stop.code
took = sum(each.ru_utime + each.ru_stime for each in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)))
(peak,) = (int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
open(sys.argv[2], "w").write(f"{took} {peak}")
sys.stdout.flush()
sys.exit(code)
"""


class Ran(NamedTuple):
    """What a run left: its exit code, what it wrote, seconds of processor, megabytes."""

    code: int
    out: str
    err: str
    seconds: float
    megabytes: float

    @property
    def report(self) -> Any:
        return json.loads(self.out)

    @property
    def text(self) -> str:
        return self.out + self.err


def environ(home: Path, **more: str) -> dict[str, str]:
    """The surroundings of a run: a home of its own, and a cache in it."""
    return {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(PROJECT), "HOME": str(home), "COLUMNS": "200", **more}


def audit(tmp: Path, *arguments: str, seconds: float = SECONDS, megabytes: float = MEGABYTES, env: dict[str, str] | None = None, given: Path | None = None, command: str = "audit", form: str = "json") -> Ran:
    """Run ``cc-fleet audit`` and hold what always holds: in bounds, no traceback, nothing that a terminal obeys, one line a mistake."""
    (tmp / "home").mkdir(exist_ok=True)
    policy, took = tmp / "policy.yaml", tmp / "took"
    policy.write_text(POLICY)
    took.unlink(missing_ok=True)
    options = ["--policy", str(policy), *(["--format", form] if command == "audit" else [])]
    line = [sys.executable, "-c", PROGRAM, str(int(seconds * 3) + 5), str(took), command, *arguments, *options]
    with open(given or os.devnull, "rb") as source:  # a FIFO would wait for who writes
        done = subprocess.run(line, stdin=source, capture_output=True, timeout=seconds * 6 + 60, check=False, env=env or environ(tmp / "home"), cwd=tmp)
    out, err = done.stdout.decode(), done.stderr.decode()
    assert took.exists(), f"ended by {done.returncode}: {err[-3000:]}"
    used, peak = map(float, took.read_text().split())
    ran = Ran(done.returncode, out, err, used, peak / 1024)
    _held(ran)
    assert ran.seconds < seconds, f"{ran.seconds:.1f} seconds"
    assert ran.megabytes < megabytes, f"{ran.megabytes:.0f} MB"
    return ran


def _held(ran: Ran) -> None:
    assert "Traceback" not in ran.text, ran.text[-3000:]
    assert ran.code in {0, 1, 2, 3, 4}, ran
    assert not re.search(r"[^\n -\x7e\u00a0-\ud7ff\ue000-\U0010ffff]", ran.text), re.findall(r"[^\n -\x7e\u00a0-\ud7ff]", ran.text)[:5]
    if ran.code == 2:
        assert ran.out == ""
        assert all(line.startswith("cc-fleet: ") for line in ran.err.splitlines()), ran.err
        assert ran.err.count("\n") <= 2, ran.err  # a name with a newline has two
        assert len(ran.err) < 1000, len(ran.err)


def gaps(ran: Ran) -> list[str]:
    """What could not be read, by the report."""
    return [finding["message"] for finding in ran.report["findings"] if finding["check"] == "unreadable"]
