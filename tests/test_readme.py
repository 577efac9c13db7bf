"""README stays true: its policy loads, its pipeline runs, its generated blocks are the program's."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from cc_fleet.policy.lint import lint
from cc_fleet.policy.load import load
from tests import generate

README = (generate.PROJECT / "README.md").read_text(encoding="utf-8")


def block(language: str, word: str) -> str:
    """The fenced block of README that holds ``word``."""
    return next(str(found) for found in re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL) if word in found)


def test_the_policy_is_one(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(block("yaml", "policy: acme"), encoding="utf-8")
    loaded = load([str(tmp_path / "policy.yaml")])
    assert loaded.policy.policy == "acme"
    assert not [remark for remark in lint(loaded) if remark.severity == "error"]


def test_the_host_program_travels_as_it_says(tmp_path: Path) -> None:
    lines = block("sh", "zipapp").replace("ssh laptop", "sh -c").replace("python3", sys.executable).splitlines()[:3]
    script = "set -e\n" + "\n".join(lines).replace("cc-fleet-host.pyz' <", "there.pyz' <")
    subprocess.run(["sh", "-c", script.replace("cat > cc-fleet-host.pyz && ", "cat > there.pyz && ").replace(f"{sys.executable} cc-fleet-host.pyz facts", f"{sys.executable} there.pyz facts")],
                   check=True, cwd=tmp_path, env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PYTHONPATH": str(generate.PROJECT)}, timeout=60)  # fmt: skip
    assert '"cc-fleet/facts/1"' in (tmp_path / "facts/laptop.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", [path for path, _ in generate.pages()], ids=lambda path: path.name)
def test_generated_pages_are_as_the_code_gives_them(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == dict(generate.pages())[path], "run `nox -s generate`"
