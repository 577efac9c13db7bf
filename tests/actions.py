"""A runner of composite actions, as far as action.yml goes: inputs, env, outputs, and each step's script by the shell that GitHub gives it."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

PROJECT = Path(__file__).resolve().parents[1]
BASH = ("bash", "--noprofile", "--norc", "-eo", "pipefail")


class Ran(NamedTuple):
    """What a job shows of a step: its exit code, its log, its outputs, its part of the summary."""

    code: int
    log: str
    outputs: dict[str, str]
    summary: str


def action() -> dict[str, Any]:
    """The project's action.yml."""
    loaded = yaml.safe_load((PROJECT / "action.yml").read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


def run(
    workspace: Path, temporary: Path, given: Mapping[str, str], event: Mapping[str, Any] = {}, *, leave: tuple[str, ...] = (), path: str | None = None
) -> Ran:
    """Run the action in ``workspace`` with the inputs ``given``, without the steps ``leave``."""
    told = action()
    context: dict[str, Any] = {"github": {"event": event}, "steps": {}, "inputs": {}}
    for name, spec in told["inputs"].items():
        context["inputs"][name] = given[name] if name in given else _filled(spec["default"], context)
    assert set(given) <= set(told["inputs"])
    temporary.mkdir(exist_ok=True)
    summary = temporary / "summary.md"
    summary.touch()
    environ = {
        "PATH": path or os.environ["PATH"], "HOME": str(temporary), "CI": "true", "GITHUB_ACTIONS": "true", "RUNNER_TEMP": str(temporary), "RUNNER_OS": "Linux",
        "GITHUB_WORKSPACE": str(workspace), "GITHUB_ACTION_PATH": str(PROJECT), "GITHUB_STEP_SUMMARY": str(summary), "LANG": "C.UTF-8",
        **{name: os.environ[name] for name in os.environ if name.startswith(("PIP_", "COVERAGE_"))},
    }  # fmt: skip
    code, log = 0, ""
    for number, step in enumerate(told["runs"]["steps"]):
        if code or step["id"] in leave:
            continue
        code, said, outputs = _step(number, step, context, environ, temporary)
        context["steps"][step["id"]] = {"outputs": outputs}
        log += said
    return Ran(code, log, {name: _filled(spec["value"], context) for name, spec in told["outputs"].items()}, summary.read_text(encoding="utf-8"))


def _step(number: int, step: dict[str, Any], context: dict[str, Any], environ: dict[str, str], temporary: Path) -> tuple[int, str, dict[str, str]]:
    assert step["shell"] == "bash"
    assert set(step) <= {"name", "id", "shell", "env", "run"}, "this runner knows no more of a step"
    script, outputs = temporary / f"step{number}.sh", temporary / f"step{number}.outputs"
    script.write_text(_filled(step["run"], context), encoding="utf-8")
    outputs.touch()
    mine = {name: _filled(value, context) for name, value in step["env"].items()}
    ran = subprocess.run(
        [*BASH, str(script)], cwd=environ["GITHUB_WORKSPACE"], env={**environ, **mine, "GITHUB_OUTPUT": str(outputs)}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8", timeout=600, check=False,
    )  # fmt: skip
    lines = outputs.read_text(encoding="utf-8").splitlines()
    assert all(re.fullmatch(r"[a-z-]+=.*", line) for line in lines), lines
    return ran.returncode, ran.stdout, dict(line.split("=", 1) for line in lines)


def _filled(text: str, context: dict[str, Any]) -> str:
    """``text`` with its expressions evaluated: paths into the contexts, joined by ``||``."""
    return re.sub(r"\$\{\{(.*?)\}\}", lambda found: next(filter(None, (_at(path.strip(), context) for path in found[1].split("||"))), ""), text)


def _at(path: str, context: dict[str, Any]) -> str:
    assert re.fullmatch(r"(?:github\.event|inputs|steps)(?:\.[\w-]+)+", path), path
    found: Any = context
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return "" if found is None else str(found)
