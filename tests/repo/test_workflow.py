"""Workflows and actions: what the cases do not hold, and what a hostile one may cost."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from cc_fleet.repo.reading import expressions
from cc_fleet.repo.reading.values import Value
from tests.repo import told

if TYPE_CHECKING:
    from pathlib import Path

    from cc_fleet.model import Target

FLOW = ".github/workflows/a.yml"
KNOWN: dict[tuple[str, ...], tuple[Value, ...]] = {("inputs", "v"): (Value("2.1.17"),), ("inputs", "maybe"): (Value("2.1.17"), Value("")), ("env", "two"): (Value("a"), Value("b"))}
HEAD = "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n"


def flow(tmp_path: Path, steps: str, head: str = HEAD) -> Target:
    return told.read(tmp_path, {FLOW: f"{head}    steps:\n{steps}"})


@pytest.mark.parametrize(
    "text, expected",
    [
        ("inputs.v", ["2.1.17"]),
        ("inputs['v']", ["2.1.17"]),
        ("inputs.maybe", ["2.1.17"]),
        ("inputs.maybe || 'latest'", ["2.1.17", "latest"]),
        ("inputs.v || 'latest'", ["2.1.17"]),
        ("vars.V || 'latest'", ["latest"]),
        ("vars.V || ''", [None]),
        ("vars.A || vars.B || '1.0.0'", ["1.0.0"]),
        ("github.ref == 'refs/heads/main' && '2.1.1' || '2.1.2'", ["2.1.1", "2.1.2"]),
        ("inputs.v == '2.1.17' && 'same' || 'other'", ["same"]),
        ("inputs.v != '2.1.17' && 'other' || 'same'", ["same"]),
        ("!inputs.v && 'none' || 'some'", ["some"]),
        ("!(vars.X) && 'none' || 'some'", ["none", "some"]),
        ("format('v{0}-{1}', inputs.v, env.two)", ["v2.1.17-a", "v2.1.17-b"]),
        ("format('{0}', vars.X)", [None]),
        ("fromJSON('\"2.1.17\"')", ["2.1.17"]),
        ("fromJSON('[\"2.1.17\"]')[0]", [None]),
        ("toJSON(inputs.v)", [None]),
        ("steps.*.outputs", [None]),
        ("'it''s'", ["it's"]),
        ("1.5", ["1.5"]),
        ("true && null", [""]),
        ("a < b", [None]),
        ("hashFiles('**/package-lock.json')", [None]),
        ("", [None]),
        ("inputs.v || ", [None]),
        ("(inputs.v", [None]),
        ("inputs.", [None]),
        ("f(", [None]),
        ("inputs v", [None]),
        ("#", [None]),
        ("(" * 5_000, [None]),
        ("(" * 60 + "1" + ")" * 60, [None]),
        ("x" * 5_000, [None]),
    ],
)
def test_expression(text: str, expected: list[str | None]) -> None:
    found = expressions.values(f"${{{{ {text} }}}}", lambda path: KNOWN.get(path, ()))
    assert [value.text for value in found] == expected
    assert all(value.text is not None or value.why.startswith("`${{") for value in found)
    assert len(found) == len(expected)


def test_an_expression_in_a_text_has_each_of_its_values() -> None:
    found = expressions.fill("v${{ env.two }}-${{ inputs.v }}", None, expressions.template(lambda path: KNOWN.get(path, ())))
    assert [value.text for value in found] == ["va-2.1.17", "vb-2.1.17"]


def test_values_that_multiply_are_bounded() -> None:
    many: dict[tuple[str, ...], tuple[Value, ...]] = {("env", "x"): tuple(Value(str(n)) for n in range(1000))}
    template = expressions.template(lambda path: many.get(path, ()))
    assert len(expressions.fill("${{ env.x }}${{ env.x }}${{ env.x }}", None, template)) <= expressions.MOST


@pytest.mark.parametrize(
    "script",
    [
        'echo "version=2.1.17" >> "$GITHUB_OUTPUT"',
        "echo version=2.1.17 >> $GITHUB_OUTPUT",
        "echo 'version=2.1.17' >> ${GITHUB_OUTPUT}",
        "echo '::set-output name=version::2.1.17'",
        'V=2.1.17\necho "version=$V" >> "$GITHUB_OUTPUT"',
        "{\n  echo version=2.1.17\n  echo other=1\n} >> $GITHUB_OUTPUT",
        "cat >> $GITHUB_OUTPUT <<EOF\nversion=2.1.17\nEOF",
        "printf 'version=%s\\n' 2.1.17 >> $GITHUB_OUTPUT",
        'echo "version=${UNSET:-2.1.17}" >> $GITHUB_OUTPUT',
        'echo "version=2.1.17" | tee -a $GITHUB_OUTPUT',
    ],
)
def test_an_output_that_a_step_writes_itself_is_followed(tmp_path: Path, script: str) -> None:
    block = "".join(f"          {line}\n" for line in script.split("\n"))
    found = flow(tmp_path, f"      - id: pick\n        run: |\n{block}      - run: npm i -g @anthropic-ai/claude-code@${{{{ steps.pick.outputs.version }}}}\n")
    (asked,) = found.declared
    assert (asked.spec, asked.unresolved) == ("2.1.17", None)
    assert asked.place.line in range(7, 11)
    assert asked.used is not None


def test_an_output_of_powershell_is_followed(tmp_path: Path) -> None:
    steps = '      - id: pick\n        shell: pwsh\n        run: |\n          $v = "2.1.17"\n          "version=$v" >> $env:GITHUB_OUTPUT\n      - run: npm i -g @anthropic-ai/claude-code@${{ steps.pick.outputs.version }}\n'
    assert told.declared(flow(tmp_path, steps)) == [f"{FLOW}:9 cli@2.1.17"]


def test_an_output_of_a_command_is_not_known(tmp_path: Path) -> None:
    steps = '      - id: pick\n        run: echo "version=$(jq -r .v x.json)" >> $GITHUB_OUTPUT\n      - run: npm i -g @anthropic-ai/claude-code@${{ steps.pick.outputs.version }}\n'
    (asked,) = flow(tmp_path, steps).declared
    assert (asked.spec, asked.place.line) == (None, 8)
    assert asked.unresolved is not None


def test_what_is_handed_on_by_the_environment_reaches_later_steps_alone(tmp_path: Path) -> None:
    steps = (
        "      - run: npm i -g @anthropic-ai/claude-code@$V\n      - run: echo V=2.1.17 >> $GITHUB_ENV\n"
        "      - run: npm i -g @anthropic-ai/claude-code@$V\n      - run: npm i -g @anthropic-ai/claude-code@${{ env.V }}\n"
    )
    assert told.declared(flow(tmp_path, steps)) == [f"{FLOW}:6 cli? `$V`, not set here", f"{FLOW}:7 cli@2.1.17", f"{FLOW}:7 cli@2.1.17"]


def test_outputs_of_another_job(tmp_path: Path) -> None:
    text = """on: push
jobs:
  plan:
    runs-on: ubuntu-latest
    outputs:
      v: ${{ steps.s.outputs.v }}
    steps:
      - id: s
        run: echo v=2.1.17 >> $GITHUB_OUTPUT
  b:
    needs: plan
    runs-on: ubuntu-latest
    steps:
      - run: npm i -g @anthropic-ai/claude-code@${{ needs.plan.outputs.v }}
      - run: npm i -g @anthropic-ai/claude-code@${{ needs.plan.outputs.other }}
"""
    found = told.declared(told.read(tmp_path, {FLOW: text}))
    assert found == [f"{FLOW}:9 cli@2.1.17", f"{FLOW}:15 cli? `${{{{ needs.plan.outputs.other }}}}`, not set here"]


def test_outputs_that_name_themselves_end(tmp_path: Path) -> None:
    text = """on: push
jobs:
  a:
    outputs: {v: "${{ needs.b.outputs.v }}"}
    env: {V: "${{ needs.b.outputs.v }}"}
    strategy: {matrix: {v: ["${{ matrix.v }}"]}}
    steps:
      - id: s
        env: {W: "${{ steps.s.outputs.v }}"}
        run: echo v=${{ steps.s.outputs.v }} >> $GITHUB_OUTPUT
      - run: npm i -g @anthropic-ai/claude-code@$V @anthropic-ai/claude-code@${{ matrix.v }} @anthropic-ai/claude-code@${{ steps.s.outputs.v }}
  b:
    outputs: {v: "${{ needs.a.outputs.v }}"}
    steps: []
"""
    found = told.read(tmp_path, {FLOW: text})
    assert found.declared
    assert all(fact.unresolved for fact in found.declared)


def test_every_value_of_a_matrix_is_at_its_own_place(tmp_path: Path) -> None:
    head = """on: push
jobs:
  a:
    runs-on: ubuntu-latest
    strategy:
      matrix:
        v: [2.1.1, 2.1.2, 2.1.3]
        tool:
          - {name: claude, version: 2.1.4}
        json: ${{ fromJSON('["2.1.5", "2.1.6"]') }}
        include:
          - v: 2.1.7
        exclude:
          - v: 2.1.2
"""
    steps = "".join(f"      - run: npm i -g @anthropic-ai/claude-code@${{{{ matrix.{name} }}}}\n" for name in ("v", "tool.version", "json", "nothing"))
    found = flow(tmp_path, steps, head)
    assert told.declared(found)[:-1] == [f"{FLOW}:{line} cli@2.1.{n}" for line, n in ((7, 1), (7, 3), (9, 4), (10, 5), (10, 6), (12, 7))]
    assert found.declared[-1].unresolved == "`${{ matrix.nothing }}`, not set here"
    assert len({fact.used for fact in found.declared if fact.spec in ("2.1.1", "2.1.3", "2.1.7")}) == 1


def test_a_choice_without_a_default_is_each_of_its_options(tmp_path: Path) -> None:
    head = "on:\n  workflow_dispatch:\n    inputs:\n      v:\n        type: choice\n        options: [2.1.1, latest]\njobs:\n  a:\n    runs-on: x\n"
    found = flow(tmp_path, "      - run: npm i -g @anthropic-ai/claude-code@${{ github.event.inputs.v }}\n", head)
    assert told.declared(found) == [f"{FLOW}:6 cli@2.1.1", f"{FLOW}:6 cli@latest"]


def test_a_fallback_counts_where_a_push_gives_no_inputs(tmp_path: Path) -> None:
    head = "on:\n  push:\n  workflow_dispatch:\n    inputs:\n      v: {default: 2.1.1}\njobs:\n  a:\n    runs-on: x\n"
    found = flow(tmp_path, "      - run: npm i -g @anthropic-ai/claude-code@${{ inputs.v || '2.1.2' }}\n", head)
    assert told.declared(found) == [f"{FLOW}:5 cli@2.1.1", f"{FLOW}:10 cli@2.1.2"]


@pytest.mark.parametrize(
    "uses, expected",
    [
        ("anthropics/claude-code-action@v1", "claude-code-action@v1"),
        ("anthropics/claude-code-action/base-action@main", "claude-code-action@main"),
        ("https://github.com/anthropics/claude-code-action@v1.0.93", "claude-code-action@v1.0.93"),
        ("'anthropics/claude-code-base-action@beta'", "claude-code-base-action@beta"),
        ("anthropics/claude-code-security-review@main", "anthropics/claude-code-security-review@main"),
        ("acme/setup-claude-code@v2", "acme/setup-claude-code@v2"),
        ("acme/setup-claude-code-action@v2", "setup-claude-code-action@v2"),
        ("acme/claude-labels@v2", None),
        ("actions/setup-node@v4", None),
        ("anthropics/claude-code-action", None),
    ],
)
def test_action(tmp_path: Path, uses: str, expected: str | None) -> None:
    found = flow(tmp_path, f"      - uses: {uses}\n      - run: echo claude\n")
    assert told.declared(found) == ([f"{FLOW}:6 {expected}"] if expected else [])
    if expected:
        pin = found.declared[0].pin
        assert pin is not None
        assert pin.column is not None
        line = (tmp_path / FLOW).read_text().splitlines()[5]
        assert line[pin.column - 1 :].startswith(expected.partition("@")[2])
        assert pin.text == expected.partition("@")[2]


@pytest.mark.parametrize(
    "comment, version",
    [("# v1.0.93", "1.0.93"), ("#v1.0.93", "1.0.93"), ("# tag=v1.0.93", "1.0.93"), ("# claude-code-action@v1.0.93", "1.0.93"), ("# v1", None), ("", None), ("# pinned by renovate", None)],
)
def test_a_commit_with_its_release_behind_it(tmp_path: Path, comment: str, version: str | None) -> None:
    (asked,) = flow(tmp_path, f"      - uses: anthropics/claude-code-action@{'a' * 40} {comment}\n").declared
    assert (asked.spec, asked.resolved) == ("a" * 40, version)


def test_a_comment_behind_a_tag_pins_nothing(tmp_path: Path) -> None:
    assert [fact.resolved for fact in flow(tmp_path, "      - uses: anthropics/claude-code-action@v1 # v1.0.93\n").declared] == [None]


def test_inputs_of_an_action(tmp_path: Path) -> None:
    steps = """      - uses: anthropics/claude-code-action@v1
        env: {DISABLE_TELEMETRY: "1"}
        with:
          use_bedrock: "true"
          use_vertex: false
          claude-code-version: 2.1.17
          claude_env: |
            DISABLE_AUTOUPDATER: 1
            SECRET: ${{ secrets.X }}
          settings: |
            {"env": {"CLAUDE_CODE_MAX_OUTPUT_TOKENS": "9000"}}
          anthropic_api_key: your-api-key
          anthropic-auth-token: sk-ant-api03-CANARYcanary00000000
"""
    found = flow(tmp_path, steps)
    assert told.declared(found) == [f"{FLOW}:6 claude-code-action@v1", f"{FLOW}:11 cli@2.1.17"]
    assert told.jobs(found) == {FLOW: ["DISABLE_TELEMETRY=1", "CLAUDE_CODE_USE_BEDROCK=1", "DISABLE_AUTOUPDATER=1", "CLAUDE_CODE_MAX_OUTPUT_TOKENS=9000"]}
    assert [(fact.kind, fact.place.line) for fact in found.credentials] == [("anthropic-auth-token", 18)]
    assert "CANARY" not in str(found)


def test_settings_that_an_action_is_given_by_a_file(tmp_path: Path) -> None:
    steps = f"      - uses: anthropics/claude-code-action@{'a' * 40}\n        with: {{settings: ./ci/claude.json}}\n"
    files = {FLOW: f"{HEAD}    steps:\n{steps}", "ci/claude.json": '{"env": {"DISABLE_TELEMETRY": "0"}, "model": "opus"}'}
    found = told.read(tmp_path, files)
    assert {(fact.key, fact.scope, fact.user, fact.place.file) for fact in found.settings} == {
        (("env", "DISABLE_TELEMETRY"), "user", FLOW, "ci/claude.json"), (("model",), "user", FLOW, "ci/claude.json"),
    }  # fmt: skip


def test_a_retry_action_runs_its_command(tmp_path: Path) -> None:
    steps = "      - uses: nick-fields/retry@v3\n        with:\n          command: npm i -g @anthropic-ai/claude-code@2.1.17\n"
    assert told.declared(flow(tmp_path, steps)) == [f"{FLOW}:8 cli@2.1.17"]


def test_a_job_is_where_claude_runs_with_what_it_gets_there(tmp_path: Path) -> None:
    text = """on: push
env: {DISABLE_TELEMETRY: "1"}
jobs:
  a:
    runs-on: x
    env: {DISABLE_AUTOUPDATER: "1"}
    steps:
      - run: npm i -g @anthropic-ai/claude-code@2.1.310
        env: {ANTHROPIC_BETAS: only-for-the-install}
      - run: echo CLAUDE_CODE_EFFORT_LEVEL=low >> $GITHUB_ENV
      - run: export IS_DEMO=1; claude -p hello
        env: {ANTHROPIC_MODEL: opus}
  b:
    runs-on: x
    steps: [{run: claude --version}, {run: "echo claude -p"}]
  c:
    runs-on: x
    steps: [{uses: ./.github/actions/own}]
"""
    own = "runs:\n  using: composite\n  steps:\n    - shell: bash\n      run: claude -p x\n"
    found = told.read(tmp_path, {FLOW: text, ".github/actions/own/action.yml": own})
    got = told.jobs(found)
    assert set(got) == {f"{FLOW}#a", f"{FLOW}#c"}
    assert set(got[f"{FLOW}#a"]) == {"DISABLE_TELEMETRY=1", "DISABLE_AUTOUPDATER=1", "CLAUDE_CODE_EFFORT_LEVEL=low", "ANTHROPIC_MODEL=opus", "IS_DEMO=1"}
    assert got[f"{FLOW}#c"] == ["DISABLE_TELEMETRY=1"]
    assert {job.name: job.place.line for job in found.jobs} == {f"{FLOW}#a": 8, f"{FLOW}#c": 18}


def test_a_local_action_sees_its_callers(tmp_path: Path) -> None:
    action = "inputs: {v: {default: 2.1.1}}\nruns:\n  using: composite\n  steps:\n    - {shell: bash, run: 'npm i -g @anthropic-ai/claude-code@${{ inputs.v }}'}\n    - {shell: bash, run: 'npm i -g @anthropic-ai/claude-code@$W'}\n"
    wrapper = "inputs: {w: {required: true}}\nruns:\n  using: composite\n  steps:\n    - {uses: ./own, with: {v: '${{ inputs.w }}'}}\n"
    text = "on: push\nenv: {W: 2.1.4}\njobs:\n  a:\n    runs-on: x\n    steps:\n      - uses: ./own/\n        with: {V: 2.1.2}\n      - uses: ./wrapper\n        with: {w: 2.1.3}\n"
    found = told.read(tmp_path, {"own/action.yml": action, "wrapper/action.yml": wrapper, FLOW: text})
    assert told.declared(found) == [f"{FLOW}:2 cli@2.1.4", f"{FLOW}:8 cli@2.1.2", f"{FLOW}:10 cli@2.1.3", "own/action.yml:1 cli@2.1.1"]


def test_actions_that_call_each_other_end(tmp_path: Path) -> None:
    one = "inputs: {v: {required: true}}\nruns:\n  using: composite\n  steps:\n    - {uses: ./%s, with: {v: '${{ inputs.v }}'}}\n    - {shell: bash, run: 'npm i -g @anthropic-ai/claude-code@${{ inputs.v }}'}\n"
    found = told.read(tmp_path, {"one/action.yml": one % "two", "two/action.yml": one % "one"})
    assert all(fact.unresolved for fact in found.declared)
    assert len(found.declared) == 2


def test_what_is_no_workflow_is_a_gap_or_nothing(tmp_path: Path) -> None:
    files = {
        f".github/workflows/{name}.yml": text
        for name, text in {
            "broken": "on: push\njobs:\n  a: [claude\n", "text": "claude", "list": "- claude\n", "empty": "# claude\n", "jobs": "jobs: [claude]\n",
            "steps": "jobs: {a: {steps: {run: claude -p x}, env: [claude], strategy: {matrix: claude}, container: [claude], services: claude}}\n",
            "keys": "? [claude, x]\n: y\njobs: {? {a: b} : claude}\n", "odd": "on: {workflow_dispatch: claude, workflow_call: [x]}\nenv: claude\njobs: {a: {steps: [claude, [claude], {run: [claude]}, {uses: {a: b}}]}}\n",
            "templated": "jobs:\n  {{ range .claude }}\n  a: b\n",
        }.items()
    }  # fmt: skip
    found = told.read(tmp_path, files)
    assert {gap.place.file for gap in found.gaps} == {".github/workflows/broken.yml", ".github/workflows/templated.yml"}
    assert not found.declared


def hostile() -> dict[str, str]:
    lines = ["a: &a0 [claude, claude]"] + [f"b{n}: &a{n} [*a{n - 1}, *a{n - 1}, *a{n - 1}, *a{n - 1}]" for n in range(1, 30)]
    bomb = "\n".join(lines) + "\njobs: {a: {steps: *a29, env: {V: *a29}}}\n"
    jobs = "on: push\nenv: {V: 2.1.1}\njobs:\n" + "".join(f"  j{n}: {{steps: [{{run: 'npm i -g @anthropic-ai/claude-code@$V'}}]}}\n" for n in range(10_000))
    env = "on: push\nenv:\n" + "".join(f"  CLAUDE_{n}: x\n" for n in range(8_000)) + "jobs:\n" + "".join(f"  j{n}: {{steps: [{{run: claude -p}}]}}\n" for n in range(3_000))
    handed = HEAD + "    steps:\n" + "".join(f"      - run: echo V{n}=$V{n - 1} claude >> $GITHUB_ENV\n" for n in range(15_000))
    script = HEAD + "    steps:\n      - run: |\n" + "          echo claude a=$b >> $GITHUB_OUTPUT\n" * 20_000
    long = HEAD + "    steps:\n      - run: npm i -g @anthropic-ai/claude-code@" + "${{ a || " * 50_000 + "\n"
    braces = HEAD + "    steps:\n      - run: npm i -g @anthropic-ai/claude-code@" + "${{" * 200_000 + "\n"
    outputs = "on: push\njobs:\n" + "".join(f"  j{n}: {{outputs: {{v: '${{{{ needs.j{n + 1}.outputs.v }}}}${{{{ needs.j{n + 1}.outputs.v }}}}'}}, steps: [{{run: 'npm i -g @anthropic-ai/claude-code@${{{{ needs.j{n + 1}.outputs.v }}}}'}}]}}\n" for n in range(4_000))
    deep = "jobs: " + "{a: " * 5_000 + "claude" + "}" * 5_000
    return {"bomb": bomb, "jobs": jobs, "env": env, "handed": handed, "script": script, "long": long, "braces": braces, "outputs": outputs, "deep": deep, "large": "# claude\n" + "x: y\n" * 300_000}


@pytest.mark.parametrize("name", ["bomb", "jobs", "env", "handed", "script", "long", "braces", "outputs", "deep", "large"])
def test_hostile_workflows_end_in_bounded_time(tmp_path: Path, name: str) -> None:
    began = time.process_time()
    found = told.read(tmp_path, {FLOW: hostile()[name]})
    assert time.process_time() - began < 30
    if name in ("deep", "large"):
        assert [gap.place.file for gap in found.gaps] == [FLOW]
    if name == "jobs":
        assert set(told.declared(found)) == {f"{FLOW}:2 cli@2.1.1"}
        assert len(found.jobs) == 10_000


def test_images_that_a_step_or_an_action_runs_in(tmp_path: Path) -> None:
    files = {
        FLOW: f"{HEAD}    container: ghcr.io/berriai/litellm:${{{{ matrix.tag }}}}\n    strategy: {{matrix: {{tag: [v1.82.7]}}}}\n    steps: [{{uses: 'docker://ghcr.io/berriai/litellm:main-latest'}}]\n",
        "one/action.yml": "runs: {using: docker, image: 'docker://ghcr.io/berriai/litellm:main-stable'}\n",
        "two/action.yml": "runs: {using: [claude\n",
    }
    found = told.read(tmp_path, files)
    assert told.declared(found) == [f"{FLOW}:6 litellm@1.82.7", f"{FLOW}:7 litellm@main-latest", "one/action.yml:1 litellm@main-stable"]
    assert [gap.place.file for gap in found.gaps] == ["two/action.yml"]


def test_scripts_of_other_languages_install_nothing(tmp_path: Path) -> None:
    npm = "npm i -g @anthropic-ai/claude-code@2.1.17"
    steps = "".join(f"      - {{shell: '{shell}', run: '{npm}'}}\n" for shell in ("python", "node {0}", "cmd", "pwsh", "bash -l {0}", "sh"))
    assert told.declared(flow(tmp_path, steps)) == [f"{FLOW}:{line} cli@2.1.17" for line in range(8, 12)]
