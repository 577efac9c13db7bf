"""One machine put right and taken back, with real clients, npm and login shells, as root and as a user."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real import laptop, sandbox
from tests.real.laptop import Laptop

pytestmark = pytest.mark.real
OLD, MIDDLE, NEW = "2.1.17", "2.1.153", "2.1.330"
SHOWN = ("/etc", "/usr/local/bin", "/usr/local/lib/node_modules", "/home")
FLAG = "CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS"


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Laptop]:
    laptop.needed()
    with Laptop(tmp_path, laptop.tarballs(OLD, MIDDLE, NEW), "ada", "bob") as made:
        yield made


def npm(made: Laptop, version: str) -> None:
    made.root(["npm", "install", "-g", "--prefix", "/usr/local", "--no-audit", "--no-fund", f"@anthropic-ai/claude-code@{version}"])


def native(made: Laptop, user: str, version: str) -> None:
    """What `claude install` leaves: the program in its store, and the link in ~/.local/bin, which ~/.profile puts first in PATH."""
    program = "/usr/local/lib/node_modules/@anthropic-ai/claude-code/node_modules/@anthropic-ai/claude-code-linux-x64/claude"
    made.root(["sh", "-c", f"set -e; cd /home/{user}; mkdir -p .local/bin .local/share/claude/versions; cp {program} .local/share/claude/versions/{version}; "
                           f"ln -s ../share/claude/versions/{version} .local/bin/claude; chown -R {user}:{user} .local"])  # fmt: skip


def policy(made: Laptop, version: str, more: str = "") -> None:
    made.write("/etc/cc-fleet/policy.yaml", f'policy: acme\ncli: {{versions: "{version}", install: "{version}", one-install: remove, auto-update: false}}\n{more}')


def runs(made: Laptop, user: str) -> str:
    """What `claude --version` says in the user's login shell."""
    return made.user(user, ["bash", "-lic", "claude --version"]).stdout.split(" ")[0].strip()


def still(tree: str) -> list[str]:
    """A tree without the times of its folders and without what npm and shells keep for themselves."""
    lines = [re.sub(r"^(\S+ 7\d\d \S+ \S+) [\d.]+ $", r"\1", line) for line in tree.splitlines()]
    return [line for line in lines if not re.search(r"/\.npm[/ ]|/\.cache[/ ]|\.bash_history|/etc/cc-fleet", line)]


@pytest.mark.parametrize("source", ["online", "tarballs"])
def test_from_new_to_old_and_back_with_a_native_install_in_front(running: Laptop, source: str) -> None:
    npm(running, NEW)
    native(running, "ada", NEW)
    assert runs(running, "ada") == NEW
    policy(running, NEW)
    first = still(running.tree(*SHOWN))
    assert len(first) > 500
    given = ["--tarballs", "/served", "--registry", "http://127.0.0.1:1"] if source == "tarballs" else []
    for version in (MIDDLE, OLD, NEW):
        policy(running, version)
        done = running.fleet("apply", "--yes", "--format", "json", *given, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert {user: runs(running, user) for user in ("ada", "bob")} == {"ada": version, "bob": version}
        before = running.tree(*SHOWN, "/var/lib/cc-fleet")
        again = running.fleet("apply", "--yes", *given)
        assert "no changes" in again.stdout
        assert running.tree(*SHOWN, "/var/lib/cc-fleet") == before
    back = running.fleet("rollback", "--all", "--policy", "default", check=False)
    assert back.returncode == 0, back.stdout + back.stderr
    assert still(running.tree(*SHOWN)) == first
    assert runs(running, "ada") == NEW


def test_a_replaced_tarball_and_a_replaced_program_are_refused(running: Laptop, tmp_path: Path) -> None:
    npm(running, NEW)
    policy(running, MIDDLE)
    running.root(["sh", "-c", "mkdir /tgz && cp /served/*2.1.153.tgz /tgz"])
    running.fleet("plan", "--tarballs", "/tgz", "--out", "/root/plan.json")
    before = running.tree(*SHOWN[1:3])
    running.root(["sh", "-c", "printf x >> /tgz/anthropic-ai-claude-code-linux-x64-2.1.153.tgz"])
    done = running.fleet("apply", "/root/plan.json", check=False)
    assert done.returncode in (2, 5)
    assert "sha256" in done.stdout + done.stderr
    assert still(running.tree(*SHOWN[1:3])) == still(before)
    policy(running, MIDDLE, "")
    running.write("/etc/cc-fleet/policy.yaml", f'policy: acme\ncli: {{versions: "{MIDDLE}", sha256: {{"{MIDDLE}": {{linux-x64: "{"0" * 64}"}}}}}}\n')
    done = running.fleet("apply", "--yes", "--tarballs", "/served", check=False)
    assert done.returncode == 5
    assert "sha256" in done.stdout + done.stderr
    assert runs(running, "bob") == NEW


def test_root_and_users_apply_once_and_a_dry_run_changes_nothing(running: Laptop) -> None:
    npm(running, NEW)
    running.write("/home/ada/.claude/settings.json", '{\n  // mine\n  "model": "opus",\n}\n', "ada")
    running.write("/etc/cc-fleet/policy.yaml", f'policy: acme\ncli: {{versions: ">=2.1.163", auto-update: false}}\nenv: {{{FLAG}: "1"}}\nsettings: {{permissions.disableBypassPermissionsMode: disable}}\n')
    for user in ("ada", None):
        tops = (*SHOWN, "/var/lib", "/usr/local/etc")
        before = running.tree(*tops)
        assert len(before.splitlines()) > 2000
        done = running.fleet("apply", "--dry-run", user=user)
        assert FLAG in done.stdout
        assert running.tree(*tops) == before
        done = running.fleet("apply", "--yes", user=user, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        before = running.tree(*tops)
        again = running.fleet("apply", "--yes", user=user)
        assert "no changes" in again.stdout
        assert running.tree(*tops) == before
    assert running.root(["stat", "-c", "%U %a", "/home/ada/.claude/settings.json"]).stdout == "ada 644\n"
    assert json.loads(running.read("/home/ada/.claude/settings.json"))["model"] == "opus"
    assert json.loads(running.read("/etc/claude-code/managed-settings.d/50-cc-fleet.json"))["env"][FLAG] == "1"


def test_the_gate_comes_last_and_lets_the_planned_version_start(running: Laptop) -> None:
    npm(running, MIDDLE)
    running.write("/etc/cc-fleet/policy.yaml", f'policy: acme\ncli: {{versions: ">=2.1.163, <={NEW}", install: "{NEW}", gate: derive}}\n')
    plan = running.fleet("plan", "--format", "json", "--tarballs", "/served")
    phases = [change["phase"] for change in json.loads(plan.stdout)["changes"]]
    assert phases == sorted(phases)
    assert phases[-1] == 4
    running.fleet("apply", "--yes", "--tarballs", "/served")
    assert json.loads(running.read("/etc/claude-code/managed-settings.d/50-cc-fleet.json")) == {
        "env": {"DISABLE_AUTOUPDATER": "1"}, "requiredMaximumVersion": NEW, "requiredMinimumVersion": "2.1.163",  # a ceiling asks that updates are off
    }  # fmt: skip
    assert runs(running, "bob") == NEW


def test_the_flag_is_on_the_wire_after_apply_and_not_after_rollback(tmp_path: Path) -> None:
    laptop.needed()
    from cc_fleet.cli import main

    client, root, rules = sandbox.install(NEW), tmp_path / "root", tmp_path / "policy.yaml"
    (root / "etc").mkdir(parents=True)
    (root / "etc/passwd").write_text("ada:x:1000:1000::/home/ada:/bin/bash\n")
    (root / "home/ada/.claude").mkdir(parents=True)
    (root / "home/ada/.claude/settings.json").write_text('{"model": "opus"}\n')
    rules.write_text(f'policy: acme\nenv: {{{FLAG}: "1"}}\n')
    rules.chmod(0o644)

    def betas() -> tuple[str, ...]:
        """What the real client sends with the managed files of this tree."""
        drop_ins = {file.name: file.read_text() for file in root.glob("etc/claude-code/managed-settings.d/*.json")}
        managed = root / "etc/claude-code/managed-settings.json"
        return sandbox.observe(client, sandbox.Layout(managed=managed.read_text() if managed.exists() else None, drop_ins=drop_ins)).betas

    without = betas()
    assert any("claude-code" in one for one in without) or without
    assert main(["apply", "--yes", "--root", str(root), "--policy", str(rules), "--color", "never"]) in (0, 1, 3)
    held = betas()
    assert set(held) < set(without)
    assert main(["rollback", "--root", str(root), "--policy", str(rules)]) == 0
    assert betas() == without
