"""The other CI: what the cases do not hold, and what a hostile file may cost."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.repo import told

if TYPE_CHECKING:
    from pathlib import Path

NPM = "npm i -g @anthropic-ai/claude-code@"


@pytest.mark.parametrize(
    "file, text, expected",
    [
        (".circleci/config.yml", f"jobs: {{a: {{steps: [{{when: {{condition: x, steps: [{{run: '{NPM}2.1.1'}}]}}}}]}}}}", ["1 cli@2.1.1"]),
        (".circleci/config.yml", f"jobs:\n  a:\n    environment:\n      - V: 2.1.1\n    steps:\n      - run: {{command: {NPM}$V, environment: {{V: 2.1.2}}}}\n      - run: {NPM}$V\n", ["4 cli@2.1.1", "6 cli@2.1.2"]),
        (".circleci/config.yml", f"executors: {{e: {{docker: [{{image: ghcr.io/berriai/litellm:v1.82.7}}], environment: {{V: 2.1.1}}}}}}\njobs: {{a: {{executor: e, steps: [{{run: '{NPM}$V'}}]}}}}", ["1 litellm@1.82.7", "1 cli@2.1.1"]),
        (
            ".circleci/config.yml",
            f"commands:\n  c:\n    parameters: {{v: {{default: 2.1.1}}}}\n    steps: [{{run: '{NPM}<< parameters.v >>'}}]\njobs:\n  a:\n    parameters: {{w: {{type: string}}}}\n"
            "    steps:\n      - c\n      - c: {v: << parameters.w >>}\nworkflows:\n  m:\n    jobs:\n      - a: {w: 2.1.2}\n      - a:\n          matrix:\n            parameters:\n              w: [2.1.3]\n",
            ["3 cli@2.1.1", "14 cli@2.1.2", "18 cli@2.1.3"],
        ),
        (".circleci/config.yml", f"orbs:\n  own:\n    commands:\n      c:\n        parameters: {{v: {{}}}}\n        steps: [{{run: '{NPM}<<parameters.v>>'}}]\njobs: {{a: {{steps: [own/c: {{v: latest}}]}}}}", ["7 cli@latest"]),
        (".circleci/config.yml", f"commands: {{c: {{parameters: {{v: {{}}}}, steps: [{{run: '{NPM}<< parameters.v >>'}}]}}}}", ["1 cli? `<< parameters.v >>`, not set here"]),
        (".circleci/config.yml", f"commands: {{c: {{steps: [c, {{run: '{NPM}2.1.1'}}]}}}}\njobs: {{a: {{steps: [c]}}}}", ["1 cli@2.1.1"]),
        ("azure-pipelines.yml", f"variables: {{v.x: 2.1.1, w: $(v.x)}}\nsteps:\n  - script: {NPM}$(w)\n  - bash: {NPM}$V_X\n  - script: {NPM}${{{{ variables.w }}}}\n  - bash: {NPM}$(gone)\n", ["1 cli@2.1.1", "1 cli@2.1.1", "1 cli@2.1.1", "6 cli? `$(gone)`, not set here"]),
        ("azure-pipelines.yml", f"stages:\n  - stage: s\n    variables: {{v: 2.1.1}}\n    jobs:\n      - deployment: d\n        strategy: {{runOnce: {{deploy: {{steps: [{{script: '{NPM}$(v)'}}]}}}}}}\n", ["3 cli@2.1.1"]),
        ("azure-pipelines.yml", "steps:\n  - task: Npm@1\n    inputs:\n      command: custom\n      customCommand: install -g @anthropic-ai/claude-code\n", ["5 cli"]),
        ("azure-pipelines.yml", f"parameters:\n  - name: v\n    values: [2.1.1, latest]\nsteps:\n  - ${{{{ if eq(1, 1) }}}}:\n      - script: {NPM}${{{{ parameters['v'] }}}}\n", ["3 cli@2.1.1", "3 cli@latest"]),
        ("azure-pipelines.yml", "steps:\n  - task: PowerShell@2\n    inputs: {script: 'irm https://claude.ai/install.ps1 | iex'}\n", ["3 cli"]),
        ("bitbucket-pipelines.yml", f"definitions:\n  steps:\n    - step: &s\n        name: claude\n        script: [export V=2.1.1, '{NPM}$V']\npipelines: {{default: [{{step: *s}}]}}\n", ["5 cli@2.1.1"]),
        (".buildkite/pipeline.yml", f"env: {{V: 2.1.1}}\nsteps:\n  - group: g\n    steps:\n      - {{command: '{NPM}$V', env: {{V: 2.1.2}}}}\n", ["5 cli@2.1.2"]),
        (".drone.yml", f"kind: pipeline\nname: one\nsteps:\n  - name: claude\n    image: node\n    environment: {{V: 2.1.1}}\n    commands: ['{NPM}$$V']\n---\nkind: pipeline\nname: two\nsteps: [{{name: x, commands: ['{NPM}2.1.2']}}]\n", ["6 cli@2.1.1", "11 cli@2.1.2"]),
        (".woodpecker.yml", f"steps:\n  review:\n    image: node\n    environment: [V=2.1.1]\n    commands: {NPM}$V\n", ["4 cli@2.1.1"]),
        (".woodpecker/ci.yml", "steps:\n  proxy: {image: 'ghcr.io/berriai/litellm:main-latest'}\n", ["2 litellm@main-latest"]),
        ("cloudbuild.yaml", f"steps:\n  - name: node\n    entrypoint: bash\n    args: ['-c', '{NPM}$_V']\n  - {{name: node, entrypoint: npm, args: [install, -g, '@anthropic-ai/claude-code@${{_V}}']}}\n  - {{name: node, script: {NPM}2.1.2}}\nsubstitutions: {{_V: 2.1.1}}\n", ["6 cli@2.1.2", "7 cli@2.1.1", "7 cli@2.1.1"]),
        ("appveyor.yml", f'environment: {{V: 2.1.1}}\ninstall:\n  - cmd: {NPM}%V%\n  - ps: npm i -g "@anthropic-ai/claude-code@$env:V"\n  - {NPM}%V%\n', ["1 cli@2.1.1", "1 cli@2.1.1", "1 cli@2.1.1"]),
        (".travis.yml", f"env:\n  global:\n    - V=2.1.1 W=x\njobs:\n  include:\n    - {{script: '{NPM}$V', env: 'V=2.1.2'}}\ninstall: {NPM}$V\n", ["3 cli@2.1.1", "6 cli@2.1.2"]),
        ("buildspec.yml", f"env: {{variables: {{V: 2.1.1}}}}\nphases:\n  install:\n    commands:\n      - {NPM}$V\n  build: {{commands: [claude -p x]}}\n", ["1 cli@2.1.1"]),
        ("Jenkinsfile", f"def v = '2.1.1'\nnode {{\n  sh \"{NPM}${{v}}\"\n  sh(script: '{NPM}2.1.2', returnStdout: true)\n  sh(returnStdout: true, script: \"\"\"\n    {NPM}${{params.V}}\n  \"\"\")\n  bat '{NPM}2.1.3'\n  pwsh 'irm https://claude.ai/install.ps1 | iex'\n  /* sh '{NPM}2.0.0' */\n  echo '{NPM}2.0.1'\n}}\n", ["1 cli@2.1.1", "4 cli@2.1.2", "6 cli? `${params.V}`, not set here", "8 cli@2.1.3", "9 cli"]),
        ("Jenkinsfile", f"parameters {{\n  choice(name: 'V', choices: ['2.1.1', 'latest'], description: 'claude 2.0.0')\n  string(name: 'W', description: 'x', defaultValue: '2.1.2')\n}}\nsh \"{NPM}${{params.V}}\"\nsh \"{NPM}${{params.W}}\"\nsh '{NPM}$W'\n", ["2 cli@2.1.1", "2 cli@latest", "3 cli@2.1.2", "3 cli@2.1.2"]),
        ("Jenkinsfile", "agent { docker { image 'ghcr.io/berriai/litellm:main-stable' } }\n", ["1 litellm@main-stable"]),
    ],
)  # fmt: skip
def test_form(tmp_path: Path, file: str, text: str, expected: list[str]) -> None:
    assert told.declared(told.read(tmp_path, {file: text})) == [f"{file}:{line}" for line in expected]


def test_templates_of_azure_see_what_they_are_given(tmp_path: Path) -> None:
    files = {
        "azure-pipelines.yml": "variables: {w: 2.1.2}\njobs:\n  - template: .azure/jobs/one.yml\n    parameters: {v: $(w)}\n",
        ".azure/jobs/one.yml": "parameters: [{name: v, default: 2.1.1}]\njobs:\n  - job: a\n    steps:\n      - template: ../steps/two.yml@self\n        parameters: {x: '${{ parameters.v }}'}\n",
        ".azure/steps/two.yml": f"parameters: {{x: ''}}\nsteps: [{{script: '{NPM}${{{{ parameters.x }}}}'}}]\n",
    }
    found = [one for one in told.declared(told.read(tmp_path, files)) if "@" in one]
    assert found == [".azure/jobs/one.yml:1 cli@2.1.1", "azure-pipelines.yml:1 cli@2.1.2"]


@pytest.mark.parametrize(
    "file, text",
    [
        (".circleci/config.yml", "jobs:\n  a: {environment: {DISABLE_TELEMETRY: '1'}, steps: [{run: claude -p x}]}\n  b: {steps: [checkout]}\n"),
        ("azure-pipelines.yml", "jobs:\n  - job: a\n    variables: {DISABLE_TELEMETRY: '1'}\n    steps: [{bash: claude -p x}]\n  - job: b\n    steps: [{bash: make}]\n"),
        (".buildkite/pipeline.yml", "env: {DISABLE_TELEMETRY: '1'}\nsteps:\n  - {key: a, command: claude -p x}\n  - {key: b, command: make}\n"),
        (".drone.yml", "steps:\n  - {name: a, environment: {DISABLE_TELEMETRY: '1'}, commands: [claude -p x]}\n  - {name: b, commands: [make]}\n"),
    ],
)
def test_jobs_get_their_variables(tmp_path: Path, file: str, text: str) -> None:
    assert told.jobs(told.read(tmp_path, {file: text})) == {f"{file}#a": ["DISABLE_TELEMETRY=1"]}


def test_a_jenkinsfile_is_one_job(tmp_path: Path) -> None:
    text = "environment {\n  DISABLE_TELEMETRY = '1'\n  ANTHROPIC_API_KEY = 'sk-ant-api03-CANARYcanary000000'\n}\nsh 'claude -p x'\n"
    found = told.read(tmp_path, {"Jenkinsfile": text})
    assert told.jobs(found) == {"Jenkinsfile": ["DISABLE_TELEMETRY=1", "ANTHROPIC_API_KEY=«redacted»"]}
    assert [(fact.kind, fact.place.line) for fact in found.credentials] == [("ANTHROPIC_API_KEY", 3)]
    assert "CANARY" not in str(found)


def test_broken_ones_are_gaps(tmp_path: Path) -> None:
    files = dict.fromkeys((".circleci/config.yml", "azure-pipelines.yml", "bitbucket-pipelines.yml", ".travis.yml", "buildspec.yml"), "a: [claude\n")
    files |= {"Jenkinsfile": "sh 'claude" + " \n" * 600_000, "cloudbuild.yaml": "- claude\n- [x]\n", ".drone.yml": "claude", "appveyor.yml": "install: {a: claude}\nenvironment: [[claude]]\n"}
    found = told.read(tmp_path, files)
    assert {gap.place.file for gap in found.gaps} == {".circleci/config.yml", "azure-pipelines.yml", "bitbucket-pipelines.yml", ".travis.yml", "buildspec.yml", "Jenkinsfile"}
    assert not found.declared


def hostile() -> dict[str, dict[str, str]]:
    commands = "commands:\n" + "".join(f"  c{n}: {{steps: [c{n + 1}, c{n + 1}, c{n + 1}]}}\n" for n in range(5_000)) + "jobs:\n" + "".join(f"  j{n}: {{steps: [c0, {{run: claude -p x}}]}}\n" for n in range(5_000))
    bomb = "\n".join(["a: &a0 [{step: {script: [claude]}}]"] + [f"b{n}: &a{n} [*a{n - 1}, *a{n - 1}, *a{n - 1}, *a{n - 1}]" for n in range(1, 15)]) + "\npipelines: *a14\n"
    templates = {f".azure/{n}.yml": f"parameters: {{v: x}}\nsteps:\n  - template: {(n + 1) % 60}.yml\n    parameters: {{v: '${{{{ parameters.v }}}}'}}\n  - script: '{NPM}${{{{ parameters.v }}}}'\n" for n in range(60)}
    return {
        "commands": {".circleci/config.yml": commands},
        "bomb": {"bitbucket-pipelines.yml": bomb},
        "templates": templates,
        "variables": {"azure-pipelines.yml": "variables:\n" + "".join(f"  v{n}: $(v{n - 1})$(v{n - 1})\n" for n in range(1, 12_000)) + "steps: [{script: claude $(v11999)}]\n"},
        "environment": {".buildkite/pipeline.yml": "env:\n" + "".join(f"  V{n}: x\n" for n in range(10_000)) + "steps:\n" + "".join(f"  - {{command: claude -p x, env: {{A: {n}}}}}\n" for n in range(6_000))},
        "comments": {"Jenkinsfile": "claude" + "/*" * 400_000},
        "quotes": {"Jenkinsfile": "claude " + "'''a\"" * 200_000},
        "steps": {"Jenkinsfile": "x = 'claude'\n" + 'sh "claude ${params.V}"\n' * 20_000},
        "travis": {".travis.yml": "env:\n" + "  - " + "A=claude " * 100_000 + "\nscript: claude\n"},
    }  # fmt: skip


@pytest.mark.parametrize("name", ["commands", "bomb", "templates", "variables", "environment", "comments", "quotes", "steps", "travis"])
def test_hostile_files_end_in_bounded_time(tmp_path: Path, name: str) -> None:
    began = time.process_time()
    told.read(tmp_path, hostile()[name])
    assert time.process_time() - began < 30
