"""playbooks/audit.yml by real Ansible over a local connection: facts travel, and are judged here."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
ANSIBLE = Path(sys.executable).with_name("ansible-playbook")

pytestmark = pytest.mark.real


def play(tmp_path: Path, policy: str) -> subprocess.CompletedProcess[str]:
    if not ANSIBLE.exists():
        assert not os.environ.get("CC_FLEET_REQUIRE_REAL"), "ansible-playbook is not installed"
        pytest.skip("ansible-playbook is not installed")
    inventory = tmp_path / "hosts"
    inventory.write_text(f"here ansible_connection=local ansible_python_interpreter={sys.executable}\n", encoding="utf-8")
    environ = {
        "PATH": f"{ANSIBLE.parent}:/usr/bin:/bin", "HOME": str(tmp_path), "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8",
        "ANSIBLE_HOME": str(tmp_path / "ansible"), "ANSIBLE_LOCALHOST_WARNING": "False",
    }  # fmt: skip
    return subprocess.run(
        [ANSIBLE, "-i", inventory, PROJECT / "playbooks/audit.yml", "-e", f"cc_fleet_facts={tmp_path}/facts", "-e", f"cc_fleet_policy={policy}"],
        env=environ, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


def home(tmp_path: Path) -> None:
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude/settings.json").write_text('{"env": {"DISABLE_AUTOUPDATER": "1"}}', encoding="utf-8")


def test_a_host_within_the_policy_passes(tmp_path: Path) -> None:
    home(tmp_path)
    done = play(tmp_path, "default")
    assert done.returncode == 0, done.stdout + done.stderr
    facts = json.loads((tmp_path / "facts/here.json").read_text(encoding="utf-8"))
    assert facts["schema"] == "cc-fleet/facts/1"
    assert any(s["key"] == ["env", "DISABLE_AUTOUPDATER"] for s in facts["settings"])


def test_a_host_outside_fails_the_play_and_says_why(tmp_path: Path) -> None:
    home(tmp_path)
    done = play(tmp_path, "strict")
    assert done.returncode == 2
    assert "permissions.disableBypassPermissionsMode is not set" in done.stdout


def test_the_wheel_carries_playbooks_and_policies(tmp_path: Path) -> None:
    """What is installed here by ``pip install .`` is a wheel; nox does that for real runs."""
    asked = [sys.executable, "-I", "-c", "import cc_fleet; print(cc_fleet.__file__)"]
    package = Path(subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()).parent
    if package.is_relative_to(PROJECT) and not package.is_relative_to(PROJECT / ".nox"):
        assert not os.environ.get("CC_FLEET_REQUIRE_REAL"), "an editable install"
        pytest.skip("an editable install: there is no wheel to look into")
    data = package / "data"
    assert (data / "playbooks/audit.yml").read_bytes() == (PROJECT / "playbooks/audit.yml").read_bytes()
    assert {path.name for path in (data / "policies").iterdir()} == {path.name for path in (PROJECT / "policies").iterdir()}
    assert shutil.which("cc-fleet", path=str(Path(sys.executable).parent))
