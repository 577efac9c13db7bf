"""What planning and applying cost beside an audit: CPU of whole processes, medians of interleaved runs.

    python tests/bench_apply.py BIN [RUNS]    BIN holds cc-fleet

A system of one ordinary home whose settings are not as the policy wants them. Plan: the whole of it, sealed and printed. Apply:
from a saved plan, with the journal, and the audit afterwards; the system is laid out anew before each. Fails where a ratio is over
its bound.
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from importlib import import_module

PLAN_RATIO, APPLY_RATIO = 1.5, 2.0
POLICY = """policy: bench
extends: [default]
cli: {versions: ">=2.1.163", auto-update: false}
env: {CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS: "1", CLAUDE_CODE_MAX_TOOL_USE_CONCURRENCY: {integer: ">=1, <=10", required: true}}
settings: {permissions.disableBypassPermissionsMode: disable}
"""


def cpu(command: list[str], environ: dict[str, str], *, ends: int) -> float:
    """Milliseconds of CPU of a command and its children; it must end with ``ends``, so that no failure is timed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != ends:
        raise SystemExit(f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}")
    return 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def main(folder: str, runs: int = 15) -> int:
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    bench = import_module("bench")
    fleet = os.path.join(folder, "cc-fleet")
    with tempfile.TemporaryDirectory() as tmp:
        fresh, root, policy, saved = (os.path.join(tmp, name) for name in ("fresh", "root", "policy.yaml", "plan.json"))
        bench.system(fresh, 1)
        with open(policy, "w", encoding="utf-8") as out:
            out.write(POLICY)
        environ = {"PATH": "/usr/bin:/bin", "HOME": tmp, "LANG": "C.UTF-8"}
        shutil.copytree(fresh, root, symlinks=True)
        told = ["--root", root, "--policy", policy]
        subprocess.run([fleet, "plan", *told, "--out", saved], env=environ, check=True, capture_output=True)
        commands = {
            "audit": ([fleet, "audit", *told], 1), "plan": ([fleet, "plan", *told], 0),
            "apply a saved plan": ([fleet, "apply", saved, *told], 0), "plan and apply": ([fleet, "apply", "--yes", *told], 0),
        }  # fmt: skip
        found: dict[str, list[float]] = {name: [] for name in commands}
        for turn in range(runs + 1):
            for name, (command, ends) in commands.items():
                shutil.rmtree(root)
                shutil.copytree(fresh, root, symlinks=True)
                spent = cpu(command, environ, ends=ends)
                if ("apply" in name) != os.path.exists(os.path.join(root, "etc/claude-code/managed-settings.d/50-cc-fleet.json")):
                    raise SystemExit(f"{name}: did not do what is timed")
                if turn:
                    found[name].append(spent)
    return report({name: statistics.median(values) for name, values in found.items()})


def report(found: dict[str, float]) -> int:
    audit = found["audit"]
    for name, value in found.items():
        print(f"{name:<20} {value:7.1f} ms CPU  {value / audit:5.2f} x audit")
    bounds = (("plan / audit", found["plan"] / audit, PLAN_RATIO), ("apply / audit", found["apply a saved plan"] / audit, APPLY_RATIO), ("plan and apply / audit", found["plan and apply"] / audit, APPLY_RATIO))
    failed = [name for name, value, bound in bounds if value > bound]
    for name, value, bound in bounds:
        print(f"{name:<24} {value:5.2f}  (bound {bound:g}) {'MISSED' if name in failed else 'ok'}")
    print(f"{len(bounds) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 15))
