"""Ratios of programs that run side by side: CPU of whole processes, medians of interleaved runs.

    python tests/bench.py BIN [RUNS]    BIN holds cc-fleet, python and ansible
    python tests/bench.py --fleet N     the facts of N machines, judged in this process

Prints what each costs beside a bare interpreter, where an audit's CPU goes, and what a machine
costs among a thousand and among a hundred thousand. Fails where a ratio is over its bound; no
bound is in milliseconds.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any

HOME_RATIO, ANSIBLE_RATIO, LINEAR = 5.0, 6.0, 210.0
FLEETS, FLEET_RATIO = (1_000, 10_000, 100_000), 1.3
SETTINGS = """{
  "model": "opus",
  "env": {
    "DISABLE_AUTOUPDATER": "1",
    "CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS": "1"
  },
  "permissions": {"allow": ["Bash(git status)", "Bash(git diff)", "Read(*)"], "deny": ["Read(.env)"]}
}
"""
POLICY = 'policy: bench\nextends: [strict]\ncontact: "#claude-help"\n'


def cpu(command: list[str], environ: dict[str, str]) -> float:
    """Milliseconds of CPU (user and system) of a command and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def medians(commands: dict[str, list[str]], environ: dict[str, str], runs: int) -> dict[str, float]:
    """The median of each command, run in turns after one warm-up of all."""
    found: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, command in commands.items():
            spent = cpu(command, environ)
            if turn:
                found[name].append(spent)
    return {name: statistics.median(values) for name, values in found.items()}


def home(root: str, name: str) -> None:
    """An ordinary home: settings, a native install in PATH, VS Code with the extension, shell files."""
    files = {
        ".claude/settings.json": SETTINGS,
        ".claude.json": '{"numStartups": 12, "installMethod": "native", "projects": {}}\n',
        ".bashrc": "# ~/.bashrc\nalias ll='ls -l'\nexport EDITOR=vim\n" + "# a line of somebody's\n" * 80,
        ".profile": 'if [ -d "$HOME/.local/bin" ] ; then\n    PATH="$HOME/.local/bin:$PATH"\nfi\n',
        ".vscode/extensions/extensions.json": '[{"identifier": {"id": "anthropic.claude-code"}, "version": "2.1.330", '
        '"relativeLocation": "anthropic.claude-code-2.1.330-linux-x64", "metadata": {"pinned": true}}]\n',
        ".vscode/extensions/anthropic.claude-code-2.1.330-linux-x64/package.json": "{}\n",
        ".local/share/claude/versions/2.1.330": "\x7fELF",
    }
    for path, text in files.items():
        file = os.path.join(root, "home", name, path)
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with open(file, "w", encoding="utf-8") as out:
            out.write(text)
    os.chmod(os.path.join(root, "home", name, ".local/share/claude/versions/2.1.330"), 0o755)
    os.makedirs(os.path.join(root, "home", name, ".local/bin"))
    os.symlink("../share/claude/versions/2.1.330", os.path.join(root, "home", name, ".local/bin/claude"))


def system(root: str, homes: int) -> None:
    """A file tree with so many homes."""
    os.makedirs(os.path.join(root, "etc"))
    with open(os.path.join(root, "etc/passwd"), "w", encoding="utf-8") as out:
        out.writelines(f"u{number}:x:{1000 + number}:1000::/home/u{number}:/bin/bash\n" for number in range(homes))
    for number in range(homes):
        home(root, f"u{number}")


def machine(number: int, versions: tuple[str, ...]) -> Any:
    """The facts of one laptop of a fleet, each with something of its own: of every seven one is behind, of every forty one is odd."""
    from cc_fleet.model import Coverage, Gap, Install, Place, Setting, Target, Variable

    user = f"u{number}"
    system = ("linux", "macos", "linux", "windows")[number % 4]
    home = {"linux": f"/home/{user}", "macos": f"/Users/{user}", "windows": f"C:/Users/{user}"}[system]
    version = versions[-1 - number % 7 if number % 7 else -1] if number % 5 else versions[-1 - number % 50]
    file = f"{home}/.claude/settings.json"
    said: dict[tuple[str, ...], Any] = {
        ("model",): "opus", ("permissions", "allow"): [True], ("permissions", "defaultMode"): "acceptEdits", ("cleanupPeriodDays",): 30,
        ("env", "DISABLE_AUTOUPDATER"): "1", ("env", "CLAUDE_CODE_MAX_TOOL_USE_CONCURRENCY"): str(number % 9), ("verbose",): number % 2 == 0,
        **{("env", f"CLAUDE_CODE_OWN_{index}"): "«redacted»" for index in range(12)}, **{(f"own{index}",): "«redacted»" for index in range(8)},
    }  # fmt: skip
    managed = {("permissions", "disableBypassPermissionsMode"): "disable", ("requiredMinimumVersion",): "2.1.163", ("env", "DISABLE_AUTOUPDATER"): "1"}
    settings = [Setting(key, value, "user", Place(file, at, 3, "text"), user) for at, (key, value) in enumerate(said.items(), 2)]
    settings += [Setting(key, value, "managed", Place("/etc/claude-code/managed-settings.json", at, 3, "text")) for at, (key, value) in enumerate(managed.items(), 2)]
    variables = [Variable("CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS", "1", "shell-rc", Place(f"{home}/.bashrc", 7), user)]
    variables += [Variable("ANTHROPIC_BASE_URL", "https://llm.acme.example", "profile", Place(f"{home}/.profile", 3), user)] if number % 3 == 0 else []
    installs = [Install("cli", version, "native", Place(f"{home}/.local/share/claude/versions/{version}"), (user,), user, True)]
    installs += [Install("anthropic.claude-code", version, "vscode", Place(f"{home}/.vscode/extensions/extensions.json", 1), (user,), user, True, None, number % 2 == 0)]
    gaps = (Gap("permission denied", Place(f"{home}/.claude.json")),) if number % 40 == 0 else ()
    return Target(
        "machine", f"laptop-{number}", system, "2026-11-23T12:00:00Z", "bench", Coverage(False, (user,), (home,), 12), f"id-{number}",
        installs=tuple(installs), settings=tuple(settings), variables=tuple(variables), gaps=gaps,
    )  # fmt: skip


def fleet(size: int) -> int:
    """Judge so many machines by the strict policy, with all checks and advisories, and print what one costs.

    Facts are made by the five hundred, and their making is not counted; decoding them is no part of this.
    """
    from cc_fleet import advisories, checks
    from cc_fleet.policy.load import load
    from cc_fleet.versions import published

    policy, known, making = load(["strict"]).policy, advisories.load(), 0.0

    def targets() -> Iterator[Any]:
        nonlocal making
        for first in range(0, size, 500):
            before = time.process_time()
            made = [machine(number, published().versions) for number in range(first, min(first + 500, size))]
            making += time.process_time() - before
            yield from made

    before = time.process_time()
    found = len(checks.judge(policy, known, targets(), "2026-11-23"))
    spent = time.process_time() - before - making
    print(f"{1000 * spent / size} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024} {found}")
    return 0


def fleets(python: str, environ: dict[str, str]) -> float:
    """What a machine costs in fleets of three sizes; the ratio of the largest to the smallest."""
    costs = []
    for size in FLEETS:
        # A thousand are over in a moment, so the median of several runs speaks for them.
        told = [subprocess.run([python, "-I", __file__, "--fleet", str(size)], env=environ, capture_output=True, text=True, check=True).stdout.split()
                for _ in range(5 if size < 10_000 else 1)]  # fmt: skip
        costs.append(statistics.median(float(one[0]) for one in told))
        print(f"{size:>7,} machines judged: {costs[-1]:.3f} ms CPU each, {float(told[0][1]):.0f} MiB at most, {told[0][2]} findings")
    return costs[-1] / costs[0]


def main(folder: str, runs: int = 11) -> int:
    python, fleet = os.path.join(folder, "python"), os.path.join(folder, "cc-fleet")
    with tempfile.TemporaryDirectory() as tmp:
        for number in (0, 1, 41, 200):
            system(os.path.join(tmp, f"homes-{number}"), number)
        with open(os.path.join(tmp, "policy.yaml"), "w", encoding="utf-8") as out:
            out.write(POLICY)
        ordinary = os.path.join(tmp, "homes-1/home/u0")
        environ = {"PATH": f"{ordinary}/.local/bin:/usr/bin:/bin", "HOME": ordinary, "LANG": "C.UTF-8", "ANSIBLE_HOME": os.path.join(tmp, "a")}
        found = medians(
            {
                "python -I -c pass": [python, "-I", "-c", "pass"],
                "audit of an ordinary home": [fleet, "audit", "--root", os.path.join(tmp, "homes-1")],
                "audit by a policy file": [fleet, "audit", "--root", os.path.join(tmp, "homes-1"), "--policy", os.path.join(tmp, "policy.yaml")],
                "audit of no home": [fleet, "audit", "--root", os.path.join(tmp, "homes-0")],
                "audit of 41 homes": [fleet, "audit", "--root", os.path.join(tmp, "homes-41")],
                "audit of 200 homes": [fleet, "audit", "--root", os.path.join(tmp, "homes-200")],
                "ansible --version": [os.path.join(folder, "ansible"), "--version"],
            },
            environ, runs,
        )  # fmt: skip
        profile(python, os.path.join(tmp, "homes-1"), environ)
        judging = fleets(python, environ)
    return report(found, judging)


def profile(python: str, root: str, environ: dict[str, str]) -> None:
    """Where an audit's start goes: the modules that take longest to import, with all that they import."""
    done = subprocess.run(
        [python, "-X", "importtime", "-m", "cc_fleet", "audit", "--root", root], env=environ, capture_output=True, text=True, check=False
    )
    rows = [line[12:].split("|") for line in done.stderr.splitlines() if line.startswith("import time:") and "[us]" not in line]
    slow = sorted(((int(total), name.strip()) for _, total, name in rows), reverse=True)[:14]
    print("imports (cumulative ms): " + ", ".join(f"{name} {total / 1000:.1f}" for total, name in slow))


def report(found: dict[str, float], judging: float) -> int:
    floor, one = found["python -I -c pass"], found["audit of an ordinary home"]
    for name, value in found.items():
        print(f"{name:<28} {value:7.1f} ms CPU  {value / floor:6.2f} x python -I -c pass")
    added = (found["audit of 41 homes"] - one) / 40  # the first pays for what all share
    linear = (found["audit of 200 homes"] - found["audit of no home"]) / max(added, 0.01)
    bounds = (
        ("audit / bare interpreter", one / floor, HOME_RATIO),
        ("audit / (ansible --version / 6)", one / (found["ansible --version"] / ANSIBLE_RATIO), 1.0),
        ("200 homes / what one adds", linear, LINEAR),
        ("one of 100,000 / one of 1,000", judging, FLEET_RATIO),
    )
    failed = [name for name, value, bound in bounds if value > bound]
    for name, value, bound in bounds:
        print(f"{name:<34} {value:7.2f}  (bound {bound:g}) {'MISSED' if name in failed else 'ok'}")
    print(f"{len(bounds) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--fleet"]:
        raise SystemExit(fleet(int(sys.argv[2])))
    raise SystemExit(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 11))
