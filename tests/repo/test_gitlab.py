"""GitLab pipelines: what the cases do not hold, and what a hostile one may cost."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.repo import told

if TYPE_CHECKING:
    from pathlib import Path

ROOT = ".gitlab-ci.yml"
INSTALL = "npm i -g @anthropic-ai/claude-code@$V"


def declared(tmp_path: Path, text: str) -> list[str]:
    return told.declared(told.read(tmp_path, {ROOT: text}))


def test_the_job_beats_what_it_extends_and_that_the_pipeline(tmp_path: Path) -> None:
    text = f"""variables: {{V: 2.1.1, W: $V}}
.one: {{variables: {{V: 2.1.2}}, script: ['{INSTALL}']}}
.two: {{extends: .one, variables: {{V: 2.1.3}}}}
a: {{extends: [.one, .two]}}
b: {{extends: .one, variables: {{V: 2.1.4}}}}
c: {{extends: .two, variables: {{V: $W}}}}
"""
    assert declared(tmp_path, text) == [f"{ROOT}:2 cli? `$V`, which names itself", f"{ROOT}:3 cli@2.1.3", f"{ROOT}:5 cli@2.1.4"]


def test_rules_and_a_matrix_give_more_values(tmp_path: Path) -> None:
    text = f"""a:
  variables: {{V: 2.1.1}}
  rules:
    - if: $CI
      variables: {{V: 2.1.2}}
  script: ['{INSTALL}']
b:
  parallel:
    matrix:
      - V: [2.1.3, 2.1.4]
        OTHER: x
      - V: 2.1.5
  script: ['{INSTALL}']
"""
    assert declared(tmp_path, text) == [f"{ROOT}:{line} cli@2.1.{n}" for line, n in ((2, 1), (5, 2), (10, 3), (10, 4), (12, 5))]


def test_lines_of_several_scripts_run_in_one_shell(tmp_path: Path) -> None:
    text = f"""default:
  before_script: [export V=2.1.1]
a: {{script: [['{INSTALL}'], [[echo]]]}}
b: {{before_script: [], script: ['{INSTALL}']}}
c:
  script: [V=2.1.2]
  after_script: ['{INSTALL}']
"""
    assert declared(tmp_path, text) == [f"{ROOT}:2 cli@2.1.1", f"{ROOT}:4 cli? `$V`, not set here", f"{ROOT}:7 cli? `$V`, not set here"]


def test_references_in_lists(tmp_path: Path) -> None:
    text = f"""
.x:
  variables: {{V: 2.1.1}}
  lines:
    - echo
    - !reference [.y, script]
.y: {{script: ['{INSTALL}']}}
a:
  variables: !reference [.x, variables]
  script:
    - !reference [.x, lines]
"""
    assert declared(tmp_path, text) == [f"{ROOT}:3 cli@2.1.1"]


@pytest.mark.parametrize("text", ["a: {extends: a, script: [claude -p x]}", "a: {script: [!reference [a, script], claude -p x]}", ".a: {extends: .b}\n.b: {extends: .a}\nc: {extends: .a, script: claude -p x}"])
def test_what_refers_to_itself_ends(tmp_path: Path, text: str) -> None:
    assert len(told.read(tmp_path, {ROOT: text}).jobs) == 1


def test_a_hidden_job_that_nobody_uses_is_told_itself(tmp_path: Path) -> None:
    assert declared(tmp_path, f".a: {{script: ['{INSTALL}']}}\n") == [f"{ROOT}:1 cli? `$V`, not set here"]


def test_includes_of_this_repository(tmp_path: Path) -> None:
    files = {
        ROOT: "include:\n  - ci/one.yml\n  - local: /ci/more/*.yml\n  - component: $CI_SERVER_FQDN/$CI_PROJECT_PATH/own@$CI_COMMIT_SHA\n    inputs: {v: 2.1.3}\n"
        "  - project: other/claude\n    file: x.yml\n  - remote: https://claude.example/x.yml\nvariables: {V: 2.1.1}\nchild: {trigger: {include: [{local: child.yml}]}}\n",
        "ci/one.yml": f"one: {{script: ['{INSTALL}']}}\n",
        "ci/more/two.yml": "two: {script: ['npm i -g @anthropic-ai/claude-code@2.1.2']}\n",
        "templates/own.yml": "spec: {inputs: {v: {default: 2.1.4}}}\n---\nown: {script: ['npm i -g @anthropic-ai/claude-code@$[[ inputs.v ]]']}\n",
        "child.yml": "three: {script: ['npm i -g @anthropic-ai/claude-code@2.1.5']}\n",
        "ci/not-included.yml": "x: {script: ['npm i -g @anthropic-ai/claude-code@2.1.6']}\n",
    }
    found = told.declared(told.read(tmp_path, files))
    assert found == [f"{ROOT}:5 cli@2.1.3", f"{ROOT}:9 cli@2.1.1", "child.yml:1 cli@2.1.5", "ci/more/two.yml:1 cli@2.1.2", "templates/own.yml:1 cli@2.1.4"]


def test_includes_that_include_each_other_end(tmp_path: Path) -> None:
    files = {ROOT: "include: a.yml\n", "a.yml": f"include: [{{local: {ROOT}}}, a.yml, gone.yml]\njob: {{script: claude -p x}}\n"}
    assert told.jobs(told.read(tmp_path, files)) == {"a.yml": []}


def test_jobs_get_their_variables(tmp_path: Path) -> None:
    text = "variables: {DISABLE_TELEMETRY: '1'}\na: {variables: {IS_DEMO: '1', ANTHROPIC_BASE_URL: 'https://me:secretword9@llm.example/'}, script: [claude -p x]}\nb: {script: [make]}\n"
    found = told.read(tmp_path, {ROOT: text})
    assert {name: set(got) for name, got in told.jobs(found).items()} == {f"{ROOT}#a": {"DISABLE_TELEMETRY=1", "IS_DEMO=1", "ANTHROPIC_BASE_URL=https://«redacted»@llm.example/"}}
    assert [fact.kind for fact in found.credentials] == ["url"]
    assert "secretword9" not in str(found)


def test_images_of_gateways(tmp_path: Path) -> None:
    text = "variables: {TAG: v1.82.7}\nimage: ghcr.io/berriai/litellm:$TAG\na: {script: [make], services: ['ghcr.io/berriai/litellm:main-latest', {name: 'ghcr.io/berriai/litellm:$NOT_SET'}]}\n"
    found = told.read(tmp_path, {ROOT: text})
    assert [fact.spec or fact.unresolved for fact in found.declared] == ["1.82.7", "main-latest", "`$NOT_SET`, not set here"]
    assert not found.jobs


def test_broken_ones_are_gaps(tmp_path: Path) -> None:
    files = {ROOT: "include: other.yml\nclaude: {script: [claude -p x]}\n", "other.yml": "a: [claude\n", "x.gitlab-ci.yml": "{{ claude }}: b: c\n", ".gitlab/ci/odd.yml": "- claude\n"}
    found = told.read(tmp_path, files)
    assert {gap.place.file for gap in found.gaps} == {"other.yml", "x.gitlab-ci.yml"}


def hostile() -> dict[str, str]:
    chain = "".join(f".j{n}: {{extends: [.j{n + 1}, .j{n + 1}, .j{n + 1}]}}\n" for n in range(1_000)) + "a: {extends: .j0, script: [claude -p x]}\n"
    jobs = "variables:\n" + "".join(f"  V{n}: $V{n + 1}\n" for n in range(5_000)) + "".join(f"j{n}: {{script: [claude -p $V{n}]}}\n" for n in range(10_000))
    references = "".join(f".j{n}: {{script: [!reference [.j{n + 1}, script], !reference [.j{n + 1}, script]]}}\n" for n in range(100)) + "a: {script: [!reference [.j0, script], claude -p x]}\n"
    matrix = "a:\n  parallel: {matrix: [{V: [" + ",".join(map(str, range(20_000))) + "]}]}\n  script: ['npm i -g @anthropic-ai/claude-code@$V$V$V']\n"
    inputs = "a: {script: ['claude " + "$[[ a" * 150_000 + "']}\n"
    anchors = "".join(f".a{n}: &a{n} {{script: [claude]}}\n" for n in range(10_000)) + "x: *a1\n"
    return {"chain": chain, "jobs": jobs, "references": references, "matrix": matrix, "inputs": inputs, "anchors": anchors}


@pytest.mark.parametrize("name", ["chain", "jobs", "references", "matrix", "inputs", "anchors"])
def test_hostile_pipelines_end_in_bounded_time(tmp_path: Path, name: str) -> None:
    began = time.process_time()
    found = told.read(tmp_path, {ROOT: hostile()[name]})
    assert time.process_time() - began < 30
    assert found.jobs or found.declared or found.gaps


def test_many_files_that_are_included_are_read_once(tmp_path: Path) -> None:
    files = {f".gitlab/ci/{n}.yml": f"j{n}: {{script: ['npm i -g @anthropic-ai/claude-code@2.1.{n}']}}\n" for n in range(300)}
    files[ROOT] = "include: ['.gitlab/ci/*.yml']\n"
    began = time.process_time()
    found = told.read(tmp_path, files)
    assert time.process_time() - began < 20
    assert len(found.declared) == 300


def test_what_one_files_lines_assign_reaches_those_of_another(tmp_path: Path) -> None:
    files = {ROOT: f"include: ci/setup.yml\na: {{script: ['{INSTALL}']}}\n", "ci/setup.yml": "default: {before_script: [V=2.1.1]}\n"}
    assert told.declared(told.read(tmp_path, files)) == ["ci/setup.yml:1 cli@2.1.1"]


def test_a_job_gets_what_its_script_exports(tmp_path: Path) -> None:
    found = told.read(tmp_path, {ROOT: "a: {script: [export DISABLE_TELEMETRY=1, IS_DEMO=1, claude -p x]}\n"})
    assert told.jobs(found) == {ROOT: ["DISABLE_TELEMETRY=1"]}


def test_a_secret_in_variables_that_no_job_here_gets(tmp_path: Path) -> None:
    text = "variables:\n  ANTHROPIC_API_KEY: {value: sk-ant-api03-CANARYcanary000000}\ninclude: gone.yml\n"
    found = told.read(tmp_path, {ROOT: text})
    assert [(fact.kind, fact.place.line) for fact in found.credentials] == [("ANTHROPIC_API_KEY", 2)]
