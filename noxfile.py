"""The project's sessions: ``nox`` runs those that need nothing but Python; ``nox -l`` lists all."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

import nox
from nox.command import CommandFailed

nox.needs_version = ">=2024.10"
nox.options.sessions = ["lint", "contracts", "tests", "host", "docs"]
nox.options.error_on_missing_interpreters = False
nox.options.reuse_venv = "yes"

PROJECT = nox.project.load_toml("pyproject.toml")


def group(name: str) -> list[str]:
    """The requirements of a dependency group."""
    return list(nox.project.dependency_groups(PROJECT, name))


@nox.session
def lint(session: nox.Session) -> None:
    """ruff and mypy --strict."""
    session.install(*group("lint"), *PROJECT["project"]["dependencies"])
    session.run("ruff", "check", ".")
    session.run("mypy")


@nox.session
def contracts(session: nox.Session) -> None:
    """Arrows point down: the import contracts of the house."""
    session.install("-e", ".", *group("contracts"))
    session.run("lint-imports", "--no-cache")


@nox.session
def tests(session: nox.Session) -> None:
    """Everything that needs no network and no real client, with coverage."""
    session.install("-e", ".", *group("test"))
    session.run("coverage", "erase")
    session.run("pytest", "-m", "not real and not nightly and not editor", "--cov", "--cov-report=", *session.posargs)
    if not session.posargs:
        session.run("coverage", "report")


@nox.session
def host(session: nox.Session) -> None:
    """What runs on a host, under Python 3.9: from the source tree and from the zipapp."""
    python = python39()
    if python is None:
        reason = "no Python 3.9 here, so what runs on hosts was not run under it"
        if os.environ.get("CC_FLEET_REQUIRE_REAL"):
            session.error(reason)
        session.skip(reason)
    session.install("-e", ".", *group("test"))
    session.run("pytest", "tests/host39.py", "-p", "no:cacheprovider", env={"CC_FLEET_PYTHON39": str(python)})


def python39() -> str | None:
    """A Python 3.9 of this machine: in PATH, or pyenv's."""
    found = shutil.which("python3.9")
    pyenv = sorted(Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob("versions/3.9.*/bin/python3.9"))
    return str(pyenv[-1]) if pyenv else found


@nox.session
def docs(session: nox.Session) -> None:
    """Generated pages, compiled data and README's help text are as the code has them."""
    session.install("-e", ".", *group("test"))
    session.run("python", "-m", "tests.generate", "--check")


@nox.session
def generate(session: nox.Session) -> None:
    """Write what ``docs`` compares."""
    session.install("-e", ".", *group("test"))
    session.run("python", "-m", "tests.generate")


@nox.session(venv_backend="none")
def refresh(session: nox.Session) -> None:
    """Renew the list of published versions from npm."""
    told = session.run("npm", "view", "@anthropic-ai/claude-code", "versions", "--json", external=True, silent=True)
    listed = re.search(r"^\[.*^\]", str(told), re.DOTALL | re.MULTILINE)  # npm may warn around it
    if listed is None:
        session.error("npm gave no list of versions")
    found = [version for version in json.loads(listed[0]) if version.replace(".", "").isdigit()]
    found.sort(key=lambda version: [int(part) for part in version.split(".")])
    today = datetime.now(UTC).date().isoformat()
    Path("cc_fleet/data/cli_versions.json").write_text(json.dumps({"date": today, "versions": found}, indent=0) + "\n", encoding="utf-8")
    session.log(f"{len(found)} versions, the newest {found[-1]}")


@nox.session
def real(session: nox.Session) -> None:
    """Real Claude Code clients, installed by npm, in namespaces of their own, and the real programs that read our formats."""
    session.install(".[fleet,html,image]", *group("test"))
    session.run("pytest", "-m", "real", "tests/real", *session.posargs)


@nox.session
def editor(session: nox.Session) -> None:
    """A real code-server, built from npm where its folder has none, whose extensions go down, up and back."""
    session.install("-e", ".", *group("test"))
    session.run("pytest", "-m", "editor", "tests/real/test_editor.py", *session.posargs)


@nox.session
def predictions(session: nox.Session) -> None:
    """cc-fleet's "in effect?" against what real clients send; ``-- --sample 45`` runs that many, chosen pairwise."""
    session.install(".", *group("test"))
    session.run("python", "-m", "tests.real.predictions", *session.posargs)


@nox.session
def nightly(session: nox.Session) -> None:
    """What is too long for CI: every prediction, and the versions between which clients changed."""
    session.install(".", *group("test"))
    session.run("pytest", "-m", "nightly", "tests", *session.posargs)
    session.run("python", "-m", "tests.real.predictions")


@nox.session
def bench(session: nox.Session) -> None:
    """Ratios of programs that run side by side."""
    session.install(".[image]", "ansible-core>=2.19,<2.20", *group("bench"))
    missed = []
    for program in ("bench.py", "bench_apply.py", "bench_repo.py", "bench_image.py"):
        try:
            session.run("python", "-I", f"tests/{program}", session.bin, *session.posargs)
        except CommandFailed:
            missed.append(program)
    if missed:
        session.error(f"a ratio is over its bound in {', '.join(missed)}")


if __name__ == "__main__":
    sys.exit("run `nox`")
