"""Tool managers, Nix, Brewfiles, Python's requirements and Kubernetes: what the cases do not hold."""

from __future__ import annotations

import time
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc_fleet.model import REDACTED, Gap
from cc_fleet.repo.reading import document
from cc_fleet.repo.reading.toml import toml
from tests.repo.test_packages import collected

if TYPE_CHECKING:
    from pathlib import Path

NPM = "npm:@anthropic-ai/claude-code"


def told(tmp: Path, files: dict[str, str | bytes]) -> list[tuple[str, str, str | None, str | None]]:
    """Where, what, which version or why none, and what a lock makes of it."""
    found = collected(tmp, files)
    assert not found.gaps
    return [(str(one.place), one.product, one.unresolved or one.spec, one.resolved) for one in found.declared]


def plain(node: document.Node) -> Any:
    if node.kind == "map":
        return {key.value: plain(value) for key, value in node.value}
    return [plain(one) for one in node.value] if node.kind == "list" else node.value


TABLES = '''# "a" = 1
[tasks.x]
version = "1"
[tools.claude]
version = "2.1.17" # version = "3"
os = ["linux", # ]
  "macos"]
[tools]
'a.b'.version = \'\'\'
[tools.claude]
version = "4"\'\'\'
"npm:@anthropic-ai/claude-code" = {version = "2.1.18", x = {version = "5"}}
[[list]]
version = "6"
[[list]]
"version" = "2.1.\\u0039"
[list.in]
version = """7"""""
'''


def test_toml_is_what_it_is_and_stands_where_it_stands() -> None:
    found = toml("mise.toml", TABLES)
    assert not isinstance(found, Gap)
    assert plain(found.root) == tomllib.loads(TABLES)
    for keys, want in ((("tools", "claude", "version"), (5, 12)), (("tools", NPM, "version"), (12, 47)), (("tasks", "x", "version"), (3, 12))):
        place = found.value_place(document.get(found.root, *keys))  # type: ignore[arg-type]
        assert (place.line, place.column) == want


KEYS = st.from_regex(r"[a-z]{1,3}", fullmatch=True)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\r", exclude_categories=["Cc", "Cs"]), max_size=8)
VALUES = st.recursive(TEXTS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8)


def written(value: Any) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, list):
        return "[ " + ",# x ]\n".join(map(written, value)) + "]"
    return "{" + ", ".join(f"{key} = {written(one)}" for key, one in value.items()) + "}"


@given(st.dictionaries(KEYS, st.dictionaries(KEYS, VALUES, max_size=4), max_size=4))
def test_any_toml(given: dict[str, Any]) -> None:
    text = "\n".join(f"[{table}]\n" + "\n".join(f'"{key}" = {written(value)}' for key, value in rows.items()) for table, rows in given.items())
    found = toml("f", text)
    assert not isinstance(found, Gap)
    assert plain(found.root) == given == tomllib.loads(text)


@pytest.mark.parametrize(("text", "place"), [("[tools]\nclaude = \n", (2, 10)), ('[tools]\nclaude = "x\n', (2, 12)), ("[tools]\nclaude = [", (2, None))])
def test_broken_toml_is_a_gap_with_its_place(tmp_path: Path, text: str, place: tuple[int, int | None]) -> None:
    ((reason, where),) = collected(tmp_path, {"mise.toml": text}).gaps
    assert reason.startswith("is not TOML: ")
    assert (where.line, where.column) == place


def test_mise_in_every_writing(tmp_path: Path) -> None:
    text = f"""[env]
V = "2.1.17"
[tools]
claude = ["2.1.1", {{version = "latest"}}, "system"]
"{NPM}" = "{{{{ env.V }}}}"
claude-code = "{{{{ get_env(name='X', default='2.1.2') }}}}"
"aqua:anthropics/claude-code" = "prefix:2.1"
"ubi:acme/claude-code" = "1"
"github:anthropics/claude-code" = "ref:main"
[tasks]
a = ["npx @anthropic-ai/claude-code@{{{{ vars.gone }}}}"]
"""
    assert told(tmp_path, {"mise.toml": text, "mise.lock": '[[tools.claude]]\nversion = "2.1.9"\nbackend = "x"\n'}) == [
        ("mise.toml:2", "cli", "2.1.17", None),
        ("mise.toml:4", "cli", "2.1.1", None),
        ("mise.toml:4", "cli", "latest", "2.1.9"),
        ("mise.toml:6", "cli", "2.1.2", None),
        ("mise.toml:7", "cli", "2.1", None),
        ("mise.toml:9", "cli", "`ref:…`, which is no published version", None),
        ("mise.toml:11", "cli", "`{{ vars.gone }}`, not set here", None),
    ]


def test_other_tool_managers(tmp_path: Path) -> None:
    lock = '{"packages": {"claude-code@latest": {"resolved": "x", "version": "2.1.17"}}}'
    assert told(tmp_path, {
        ".prototools": f'claude-code = "~2.1"\n"{NPM}" = "2.1.1"\n',
        ".tool-versions": "claude 2.1.2 latest:2.1 # 2.1.3\n",
        "aqua.yaml": "packages:\n- name: anthropics/claude-code@v2.1.4\n- name: anthropics/claude-code\n  version: v2.1.5\n",
        "devbox.json": '{"packages": ["claude-code@latest"], "shell": {"init_hook": ["npm i -g @anthropic-ai/claude-code@2.1.6"]}}',
        "devbox.lock": lock,
    }) == [
        (".prototools:1", "cli", "~2.1", None), (".prototools:2", "cli", "2.1.1", None),
        (".tool-versions:1", "cli", "2.1.2", None), (".tool-versions:1", "cli", "2.1", None),
        ("aqua.yaml:2", "cli", "2.1.4", None), ("aqua.yaml:4", "cli", "2.1.5", None),
        ("devbox.json:1", "cli", "latest", "2.1.17"), ("devbox.json:1", "cli", "2.1.6", None),
    ]  # fmt: skip


def test_brewfiles(tmp_path: Path) -> None:
    text = 'cask \'claude-code\' if OS.mac?\ncask "acme/tap/claude-code@latest", greedy: true\nvscode "Anthropic.claude-code"\nuv "litellm[proxy]"\nbrew "claude-code-log"\n'
    assert told(tmp_path, {"Brewfile": text}) == [
        ("Brewfile:1", "cli", None, None), ("Brewfile:2", "cli", "latest", None), ("Brewfile:3", "anthropic.claude-code", None, None), ("Brewfile:4", "litellm", None, None),
    ]  # fmt: skip


FLAKE = """{
  inputs.claude-code.url = "github:x/claude-code";
  outputs = { nixpkgs, claude-code, ... }: {
    a = with pkgs; [ git claude-code ]; # claude-code
    b = "claude-code ${pkgs.claude-code}/bin";
    c = ./claude-code.nix; d = "x".claude-code-log; nixpkgs.overlays = [ claude-code.overlays.default ];
    programs.claude-code = { enable = true; };
  };
}
"""


def test_nixpkgs_is_what_holds_it(tmp_path: Path) -> None:
    assert [(where, spec) for where, _, spec, _ in told(tmp_path, {"flake.nix": FLAKE})] == [("flake.nix:4", None), ("flake.nix:5", None), ("flake.nix:7", None)]
    held = {spec for _, _, spec, _ in told(tmp_path, {"flake.lock": "{}"})}
    assert held == {"nixpkgs as flake.lock holds it, whose version of it is not read here"}
    own = 'final: prev: { claude-code = prev.claude-code.overrideAttrs (o: { version = "2.1.17"; }); }\n'
    assert told(tmp_path, {"overlay.nix": own}) == [("overlay.nix:1", "cli", "2.1.17", None)]


def test_nix_versions_from_elsewhere(tmp_path: Path) -> None:
    text = 'let m = lib.importJSON ../m.json; in { pname = "claude-code"; version = m.version; }\n'
    assert told(tmp_path, {"p/x.nix": text, "m.json": '{\n"version": "2.1.17"}'}) == [("m.json:2", "cli", "2.1.17", None)]
    (tmp_path / "m.json").unlink()
    assert told(tmp_path, {}) == [("p/x.nix:1", "cli", "`m.version`, not read here", None)]
    assert told(tmp_path, {"p/x.nix": text.replace("../m", "../../../m")})[0][2] == "`m.version`, not read here"
    text = '{ claudeV = "2.1.18";\n src = fetchurl "https://r.example/@anthropic-ai/claude-code/-/claude-code-${claudeV}.tgz"; }\n'
    assert told(tmp_path, {"p/x.nix": text}) == [("p/x.nix:1", "cli", "2.1.18", None)]


def test_python_requirements_in_every_writing(tmp_path: Path) -> None:
    assert told(tmp_path, {
        "a/requirements.in": "litellm[proxy]>=1.90\n", "a/requirements.txt": "litellm[proxy]==1.91.0 \\\n  --hash=sha256:x\n",
        "b/requirements.txt": "-c c.txt\nlitellm[proxy]\nlitellm @ git+https://x/y\n", "b/c.txt": "litellm==1.82.7\n",
        "c/pyproject.toml": '[tool.poetry.group.x.dependencies]\nlitellm = [{version = "^1.80", extras = ["proxy"]}]\n',
        "c/poetry.lock": '[[package]]\nname = "litellm"\nversion = "1.82.8"\n',
        "d/uv.lock": '[[package]]\nname = "litellm"\nversion = "1.82.8"\n',
        "e/environment.yml": "dependencies:\n  - litellm=1.82.7\n  - pip:\n    - litellm[proxy]==${V}\n",
        "f/setup.py": "setup(install_requires=['litellm[proxy]~=1.80'])\n", "g/setup.cfg": "[options]\ninstall_requires =\n    litellm==1.82.7; x\n",
    }) == [
        ("a/requirements.in:1", "litellm", ">=1.90", "1.91.0"), ("a/requirements.txt:1", "litellm", "1.91.0", None),
        ("b/requirements.txt:2", "litellm", None, "1.82.7"), ("c/pyproject.toml:2", "litellm", "^1.80", "1.82.8"), ("d/uv.lock:3", "litellm-library", "1.82.8", None),
        ("e/environment.yml:2", "litellm-library", "1.82.7", None), ("e/environment.yml:4", "litellm", "`${V}`, not set here", None),
        ("f/setup.py:1", "litellm", "~=1.80", None), ("g/setup.cfg:3", "litellm-library", "1.82.7", None),
    ]  # fmt: skip


def test_a_stale_lock_of_python_governs_nothing(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"pyproject.toml": '[project]\ndependencies = ["litellm[proxy]>=1.90"]\n', "uv.lock": '[[package]]\nname = "litellm"\nversion = "1.82.7"\n'}
    assert told(tmp_path, files) == [("pyproject.toml:2", "litellm", ">=1.90", None)]


POD = """apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  containers:
    - name: a
      image: node:22
      command: [npx, -y, "@anthropic-ai/claude-code@2.1.17", -p, "a b"]
      env:
        - {name: DISABLE_AUTOUPDATER, value: "1"}
        - {name: ANTHROPIC_API_KEY, value: sk-ant-api03-CANARY-8wq2}
"""


def test_a_container_is_a_job_with_its_variables(tmp_path: Path) -> None:
    target = collected(tmp_path, {"p.yaml": POD})
    assert [(one.name, str(one.place)) for one in target.jobs] == [("p.yaml", "p.yaml:8")]
    assert [(one.name, one.value, one.user) for one in target.variables] == [("DISABLE_AUTOUPDATER", "1", "p.yaml"), ("ANTHROPIC_API_KEY", REDACTED, "p.yaml")]
    assert [(one.kind, one.place.line) for one in target.credentials] == [("ANTHROPIC_API_KEY", 11)]
    assert [one.job for one in target.declared] == ["p.yaml"]
    assert "CANARY" not in repr(target)


def test_charts_kustomize_and_templates(tmp_path: Path) -> None:
    assert told(tmp_path, {
        "c/Chart.yaml": "name: c\nappVersion: v1.82.7\n", "c/values.yaml": "image:\n  repository: ghcr.io/berriai/litellm\nother: {tag: v1.90.0}\n",
        "c/templates/d.yaml": "{{- if .Values.x }}\nimage: ghcr.io/berriai/litellm:{{ .Values.other.tag }}\n{{- end }}\n",
        "k/kustomization.yaml": "images:\n- name: ghcr.io/berriai/litellm\n  newTag: main-v1.83.0-stable\n",
    }) == [("c/Chart.yaml:2", "litellm", "1.82.7", None), ("c/values.yaml:3", "litellm", "1.90.0", None), ("k/kustomization.yaml:3", "litellm", "1.83.0", None)]  # fmt: skip


def test_only_a_charts_own_values_take_its_version(tmp_path: Path) -> None:
    release = "apiVersion: x/v2\nkind: HelmRelease\nspec:\n  values:\n    image:\n      repository: ghcr.io/berriai/litellm\n"
    assert told(tmp_path, {"Chart.yaml": "appVersion: v1.82.7\n", "release.yaml": release}) == [("release.yaml:6", "litellm", None, None)]


BOMB = "apiVersion: v1\nkind: X # litellm\na0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}], b: *a{n - 1}, c: *a{n - 1}}}\n" for n in range(1, 90))


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("x.yaml", BOMB),
        ("pnpm-workspace.yaml", BOMB.replace("X # litellm", "X # claude").replace("a0: &a0", "overrides: &a0")),
        ("mise.toml", 'claude = "' + "x" * 500_000 + '"'),
        ("mise.toml", "claude = " + "[" * 50_000),
        (".tool-versions", "claude " * 100_000),
        ("x.nix", "claude-code." * 50_000),
        ("x.nix", '"claude-code ${' * 50_000),
        ("x.nix", 'pname = "claude-code" version = ' * 5_000),
        ("x.nix", "{ claude-code " * 20_000),
        ("x.nix", "programs.claude-code = { " * 20_000),
        ("Brewfile", 'cask "' + "claude-code/" * 50_000),
        ("requirements.txt", "litellm" + "==1" * 200_000),
        ("requirements.txt", "litellm" + "[" * 200_000),
        ("uv.lock", 'name = "litellm"\n' * 50_000),
        ("Pipfile.lock", '"litellm": {"a" ' * 50_000),
        ("c/templates/x.yaml", "image: {{ litellm " * 20_000),
        ("c/templates/x.yaml", "image: {{ litellm }} claude\n" * 20_000),
    ],
)
def test_hostile_files_cost_bounded_time(tmp_path: Path, file: str, text: str) -> None:
    began = time.process_time()
    collected(tmp_path, {file: text})
    collected(tmp_path, {file: text.encode() + b"\xff\xfe\x80"})
    assert time.process_time() - began < 6
