"""``cc-fleet plan --repo``: the patch applies, what it speaks of is right after it, and nothing else changed."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import yaml

from cc_fleet import checks, repo
from cc_fleet.cli import main
from cc_fleet.policy.load import load
from tests.repo import case
from tests.repo.test_cases import CASES

if TYPE_CHECKING:
    from cc_fleet.model import Finding

POLICY = case.POLICY.replace("reason: compromised", 'reason: compromised, instead: "1.92.3"')
NPM = "@anthropic-ai/claude-code"
KEY = "sk-ant-api03-Zz9Yy8Xx7Ww6Vv5Uu4Tt3Ss2Rr1Qq0"
VERSIONS = {"cli-version", "cli-unpinned", "cli-unpublished", "extension-version", "extension-unpinned", "gateway-version", "pins-disagree"}


class Ran(NamedTuple):
    """What plan printed, and its exit code."""

    code: int
    patch: bytes
    told: str


class Shop:
    """A repository in a folder, judged by a policy beside it."""

    def __init__(self, tmp: Path, capture: pytest.CaptureFixture[bytes], policy: str = POLICY) -> None:
        self.root, self.policy, self.capture = tmp / "shop", tmp / "policy.yaml", capture
        self.root.mkdir(exist_ok=True)
        self.policy.write_text(policy, encoding="utf-8")

    def write(self, file: str, data: str | bytes) -> None:
        path = self.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())

    def plan(self, *more: str) -> Ran:
        code = main(["plan", "--repo", str(self.root), "--policy", str(self.policy), *more])
        out, err = self.capture.readouterr()
        return Ran(code, out, err.decode())

    def findings(self) -> list[Finding]:
        policy = load([str(self.policy)]).policy
        return [one for one in checks.judge(policy, (), [repo.collect(str(self.root), policy.names())], time.strftime("%Y-%m-%d")) if one.waived is None]

    def apply(self, patch: bytes, folder: str = ".") -> None:
        for more in (("--check",), ()):
            ran = subprocess.run(["git", "apply", *more, "-"], input=patch, cwd=self.root / folder, capture_output=True, check=False)
            assert ran.returncode == 0, ran.stderr.decode() + patch.decode("utf-8", "replace")

    def bytes(self) -> dict[str, bytes]:
        return {str(path.relative_to(self.root)): path.read_bytes() for path in self.root.rglob("*") if path.is_file() and not path.is_symlink()}


@pytest.fixture
def shop(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> Shop:
    return Shop(tmp_path, capfdbinary)


def fixed(shop: Shop) -> list[str]:
    """The lines that the patch adds; it applies, and nothing of versions is found after it."""
    ran = shop.plan("--detailed-exitcode")
    assert ran.code == 1, ran.told
    shop.apply(ran.patch)
    assert [case.said(one) for one in shop.findings() if one.check in VERSIONS] == []
    assert shop.plan("--detailed-exitcode") == Ran(0, b"", ran.told if "to do" in ran.told else "")
    return [line[1:].decode() for line in ran.patch.split(b"\n") if line.startswith(b"+") and not line.startswith(b"+++ ")]


def kinds(found: list[Finding]) -> Counter[tuple[str, str, str]]:
    return Counter((one.check, one.problem.place.file, one.problem.subject) for one in found)


@pytest.mark.parametrize("file", CASES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_of_every_case(file: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    told = case.read(file)
    shop = Shop(tmp_path, capfdbinary, yaml.safe_dump({**yaml.safe_load(POLICY), **told.get("policy", {})}))
    case.laid_out(told, shop.root)
    before, files = shop.findings(), shop.bytes()
    ran = shop.plan("--detailed-exitcode")
    assert shop.bytes() == files
    assert ran.code == (1 if ran.patch else 0)
    if ran.patch:
        shop.apply(ran.patch)
    assert {name for name, data in shop.bytes().items() if data != files[name]} == set(re.findall(r"^\+\+\+ b/(.*?)\t?$", ran.patch.decode(), re.MULTILINE))
    after = shop.findings()
    assert kinds(after) - kinds(before) == Counter()  # nothing new
    for finding in after:
        if finding.check in VERSIONS and finding.severity != "note":  # what is left is told, or waits for its lock
            place = finding.problem.place
            assert f"# not changed: {place.file}:" in ran.told or "# to do after it: " in ran.told, f"{finding}\n{ran}"


FORMS: dict[str, tuple[dict[str, str], list[str]]] = {
    "inline": ({"Dockerfile": f"FROM node:22\nRUN npm i -g {NPM}@2.1.17 pnpm\n"}, [f"RUN npm i -g {NPM}@2.1.163 pnpm"]),
    "inline, no version": ({"Dockerfile": f"FROM node:22\nRUN npm i -g {NPM} && echo\n"}, [f"RUN npm i -g {NPM}@2.1.330 && echo"]),
    "denied": ({"Dockerfile": f"FROM node:22\nRUN npm i -g {NPM}@2.1.250\n"}, [f"RUN npm i -g {NPM}@2.1.248"]),
    "with a v": ({"a.sh": f"npm i -g {NPM}@v2.1.17\n"}, [f"npm i -g {NPM}@v2.1.163"]),
    "too new": ({"Dockerfile": f"FROM node:22\nRUN npm i -g {NPM}@2.2.1\n"}, [f"RUN npm i -g {NPM}@2.1.330"]),
    "never published": ({"Dockerfile": f"FROM node:22\nRUN npm i -g {NPM}@2.1.164\n"}, [f"RUN npm i -g {NPM}@2.1.165"]),
    "a shared ARG": (
        {"Dockerfile": f"FROM node:22 AS a\nARG V='2.1.17' # old\nRUN npm i -g {NPM}@$V\nRUN npx {NPM}@${{V}} -p x\n"}, ["ARG V='2.1.163' # old"],
    ),
    "compose": (
        {"compose.yml": 'services:\n  a:\n    build:\n      context: .\n      args:\n        - "V=2.1.17"\n', "Dockerfile": f"FROM node:22\nARG V=2.1.18\nRUN npm i -g {NPM}@$V\n"},
        ["ARG V=2.1.163", '        - "V=2.1.163"'],
    ),
    "workflow": (
        {".github/workflows/a.yml": f"on: push\nenv: {{V: '2.1.17'}}\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: npm i -g {NPM}@$V\n      - run: |\n          npm i -g {NPM}@latest\n"},
        ["env: {V: '2.1.163'}", f"          npm i -g {NPM}@2.1.163"],
    ),
    "with": (
        {
            ".github/workflows/a.yml": 'on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - uses: ./a\n        with: {v: "2.1.18"}\n',
            "a/action.yml": f"name: a\ninputs:\n  v:\n    default: 2.1.17\nruns:\n  using: composite\n  steps:\n    - run: npm i -g {NPM}@${{{{ inputs.v }}}}\n      shell: bash\n",
        },
        ['        with: {v: "2.1.163"}', "    default: 2.1.163"],
    ),
    "package.json": ({"package.json": f'{{\n\t"dependencies": {{"{NPM}": "^2.1.0"}}\n}}'}, [f'\t"dependencies": {{"{NPM}": "2.1.330"}}']),
    "devcontainer": (
        {
            ".devcontainer/devcontainer.json": '{\n  // ours\n  "build": {"dockerfile": "Dockerfile", "args": {"V": "2.1.17"}},\n  "customizations": {"vscode": {"extensions": [\n    "Anthropic.claude-code",\n    "x.y"]}}\n}\n',
            ".devcontainer/Dockerfile": f"FROM node:22\nARG V=2.1.200\nRUN npm i -g {NPM}@$V\n",
        },
        ['  "build": {"dockerfile": "Dockerfile", "args": {"V": "2.1.200"}},', '    "Anthropic.claude-code@2.1.330",'],
    ),
    "feature": (
        {"devcontainer.json": '{"image": "x",\n"features": {"ghcr.io/acme/features/claude-code:1": {\n  "version": "latest"}}\n}\n'}, ['  "version": "2.1.330"}}'],
    ),
    "Ansible": (
        {
            "roles/cc/tasks/main.yml": f"- name: a\n  npm:\n    name: '{NPM}'\n    version: '{{{{ cc }}}}'\n- name: b\n  community.general.npm:\n    name: \"{NPM}\"\n    global: true\n- shell: npm i -g {NPM}\n",
            "roles/cc/defaults/main.yml": "cc: 2.1.17\n",
        },
        ["cc: 2.1.163", '    version: "2.1.163"', f"- shell: npm i -g {NPM}@2.1.163"],
    ),
    "shell": (
        {"setup.sh": "#!/bin/sh\ncurl -fsSL https://claude.ai/install.sh | bash\ncurl https://claude.ai/install.sh | bash -s -- latest\nclaude update\nclaude install || true\n"},
        ["curl -fsSL https://claude.ai/install.sh | bash -s 2.1.330", "curl https://claude.ai/install.sh | bash -s -- 2.1.330", "claude install 2.1.330", "claude install 2.1.330 || true"],
    ),
    "PowerShell": (
        {"setup.ps1": f"irm https://claude.ai/install.ps1 | iex\nnpm install -g {NPM}@2.1.17\nwinget install Anthropic.ClaudeCode\n"},
        ["& ([scriptblock]::Create((irm https://claude.ai/install.ps1))) 2.1.163", f"npm install -g {NPM}@2.1.163", "winget install Anthropic.ClaudeCode --version 2.1.163"],
    ),
    "mise": ({"mise.toml": f'[tools]\nnode = "22"\n"npm:{NPM}" = "latest"  # newest\n'}, [f'"npm:{NPM}" = "2.1.330"  # newest']),
    "asdf": ({".tool-versions": "nodejs 22\nclaude 2.1.17\n"}, ["claude 2.1.163"]),
    "requirements": ({"requirements.txt": "requests\nlitellm[proxy]==1.82.7  # gateway\n"}, ["litellm[proxy]==1.92.3  # gateway"]),
    "helm": ({"chart/values.yaml": "image:\n  repository: ghcr.io/berriai/litellm\n  tag: main-v1.82.7\n"}, ["  tag: main-v1.92.3"]),
    "pins that disagree": (
        {"a.sh": f"npm i -g {NPM}@2.1.200\n", "b.sh": f"npm i -g {NPM}@2.1.300\n", "c.sh": f"npm i -g {NPM}@2.1.17\n", "d.sh": f"npm i -g {NPM}\n"},
        [f"npm i -g {NPM}@2.1.300"] * 3,
    ),
    "quoted twice": ({"package.json": f'{{"scripts": {{"a": "bash -c \\"npm i -g {NPM}\\"",\n"b": "sh -c \'curl https://claude.ai/install.sh | bash\'"}}}}\n'},
                     [f'{{"scripts": {{"a": "bash -c \\"npm i -g {NPM}@2.1.330\\"",', '"b": "sh -c \'curl https://claude.ai/install.sh | bash -s 2.1.330\'"}}']),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_form(name: str, shop: Shop) -> None:
    files, lines = FORMS[name]
    for file, text in files.items():
        shop.write(file, text)
    assert sorted(fixed(shop)) == sorted(lines)


def test_what_the_policy_installs_comes_first(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    shop = Shop(tmp_path, capfdbinary, POLICY.replace('<=2.1.330"}', '<=2.1.330", install: "2.1.290"}'))
    shop.write("a.sh", f"npm i -g {NPM}@2.1.17\nnpm i -g {NPM}@latest\nnpm i -g {NPM}@2.1.200\nnpm i -g {NPM}@2.1.250\n")
    assert fixed(shop) == [f"npm i -g {NPM}@2.1.290"] * 4


def test_pins_that_disagree_become_what_the_policy_installs(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    shop = Shop(tmp_path, capfdbinary, POLICY.replace('<=2.1.330"}', '<=2.1.330", install: "2.1.290"}'))
    shop.write("a.sh", f"npm i -g {NPM}@2.1.200\nnpm i -g {NPM}@2.1.300\n")
    assert fixed(shop) == [f"npm i -g {NPM}@2.1.290"] * 2


def test_a_matrix_says_nothing_of_the_rest(shop: Shop) -> None:
    matrix = "on: push\njobs:\n  a:\n    runs-on: x\n    strategy: {matrix: {v: [2.1.200, 2.1.300]}}\n    steps:\n      - run: npm i -g %s@${{ matrix.v }}\n"
    shop.write(".github/workflows/a.yml", matrix % NPM)
    shop.write("a.sh", f"npm i -g {NPM}\n")
    assert fixed(shop) == [f"npm i -g {NPM}@2.1.330"]


def test_places_behind_an_added_line_are_those_of_the_new_file(shop: Shop) -> None:
    task = f"    - npm:\n        name: '{NPM}'\n        global: true\n"
    shop.write("playbook.yml", "- hosts: a\n  tasks:\n" + task + "    - debug: {msg: a}\n" * 9 + task)
    heads = re.findall(rb"^@@ -(\d+),\d+ \+(\d+),", shop.plan().patch, re.MULTILINE)
    assert [int(new) - int(old) for old, new in heads] == [0, 1]
    fixed(shop)


def test_both_policies_must_allow_it(shop: Shop) -> None:
    shop.write(".cc-fleet.yaml", 'policy: own\ncli: {versions: ">=2.1.100, <=2.1.199"}\n')
    shop.write("a.sh", f"npm i -g {NPM}\n")
    ran = shop.plan()
    assert b"+npm i -g @anthropic-ai/claude-code@2.1.199\n" in ran.patch


OLD, NEW = f"npm i -g {NPM}@2.1.17".encode(), f"npm i -g {NPM}@2.1.163".encode()


@pytest.mark.parametrize("data", [
    b"# a\r\n" + OLD + b"\r\n# b\r\n", OLD, OLD + b"\r\n", b"#!/bin/sh\n" + OLD, b"# caf\xe9\n" + OLD + b" # \xff\xfe\n\t# \x80\n", b"# \xe2\x82\xff\n\t echo \xff\xe2\x82 && " + OLD + b"\n",
    b"\xef\xbb\xbf# a\n" + OLD + b"\n", b"# " + b"x y " * 30_000 + b"\n" + OLD + b" " + b"w " * 40_000 + b"\n" + b"# \xe2\x80\xa8 \x0c \x85\n",
    "é ü 𝄞 && ".encode() + OLD + b"\n", b"\n" * 40 + OLD + b"\n" * 40, OLD + b"\n" + b"\n" * 9 + OLD + b"\n", OLD + b"\n\n" + OLD + b"\n\n\n\n\n" + OLD,
], ids=range(12))  # fmt: skip
def test_a_file_keeps_its_bytes(data: bytes, shop: Shop) -> None:
    shop.write("setup.sh", data)
    ran = shop.plan()
    again = subprocess.run(["patch", "-p1", "--dry-run", "--binary"], input=ran.patch, cwd=shop.root, capture_output=True, check=False)
    assert again.returncode == 0, again.stdout
    shop.apply(ran.patch)
    assert (shop.root / "setup.sh").read_bytes() == data.replace(OLD, NEW)


@pytest.mark.parametrize(("file", "text"), [("package.json", '{"dependencies": {"%s": "2.1.17"}}'), ("Dockerfile", "FROM x\r\nRUN npx %s@2.1.17\r\n"), ("docker-compose.yml", "services: {a: {image: x, command: npx %s@2.1.17}}")])
def test_a_mark_of_bytes_at_the_begin_stays(file: str, text: str, shop: Shop) -> None:
    data = b"\xef\xbb\xbf" + (text % NPM).encode()
    shop.write(file, data)
    shop.apply(shop.plan().patch)
    assert (shop.root / file).read_bytes() == data.replace(b"2.1.17", b"2.1.163")


def test_an_added_line_ends_as_the_file_does(shop: Shop) -> None:
    task = f"- hosts: a\n  tasks:\n    - npm:\n        global: true\n        name: '{NPM}'"
    shop.write("playbook.yml", task.replace("\n", "\r\n"))
    shop.apply(shop.plan().patch)
    assert (shop.root / "playbook.yml").read_bytes() == (task + '\n        version: "2.1.330"').replace("\n", "\r\n").encode()


@pytest.mark.parametrize(("task", "told"), [
    ("{name: '%s', global: true}", "write 2.1.330 there"), ("{name: '%s', state: latest}", "write the version 2.1.330 there, and `state: present`"),
])  # fmt: skip
def test_a_task_in_one_line_is_left(task: str, told: str, shop: Shop) -> None:
    shop.write("playbook.yml", f"- hosts: a\n  tasks:\n    - npm: {task % NPM}\n")
    ran = shop.plan()
    assert ran.patch == b""
    assert ran.told.endswith(f": {told}\n")


def test_a_task_for_the_latest_gets_a_version(shop: Shop) -> None:
    shop.write("playbook.yml", f"- hosts: a\n  tasks:\n    - npm:\n        state: latest\n        name: '{NPM}'\n")
    assert fixed(shop) == ["        state: present", '        version: "2.1.330"']


@pytest.mark.parametrize("name", ["with space.sh", "é.sh", 'quo"te.sh', "back\\slash.sh", "tab\there.sh", "a b/c d.sh", "new\nline.sh"])
def test_odd_names(name: str, shop: Shop) -> None:
    shop.write(name, OLD + b"\n")
    ran = shop.plan()
    again = subprocess.run(["patch", "-p1", "--dry-run"], input=ran.patch, cwd=shop.root, capture_output=True, check=False)
    assert again.returncode == 0, again.stdout
    shop.apply(ran.patch)
    assert (shop.root / name).read_bytes() == NEW + b"\n"


def test_a_name_that_is_no_text(shop: Shop) -> None:
    path = os.fsencode(shop.root) + b"/caf\xe9.sh"
    with open(path, "wb") as file:
        file.write(OLD + b"\n")
    shop.apply(shop.plan().patch)
    with open(path, "rb") as file:
        assert file.read() == NEW + b"\n"


def test_it_applies_in_the_folder_that_was_judged(shop: Shop) -> None:
    subprocess.run(["git", "init", "-q", str(shop.root.parent)], check=True)
    shop.write("setup.sh", OLD + b"\n")
    shop.apply(shop.plan().patch)
    assert (shop.root / "setup.sh").read_bytes() == NEW + b"\n"


@pytest.mark.parametrize("secret", [
    f"export ANTHROPIC_API_KEY={KEY}", "ENV DB_PASSWORD=hunter2", "curl -u ada:hunter2 https://ada:hunter2@x.example/a", "AKIAABCDEFGHIJKLMNOP", f"  api_key: '{KEY}'",
    "-----BEGIN RSA PRIVATE KEY-----\nshort\n-----END RSA PRIVATE KEY-----", "x = 0123456789abcdef0123456789abcdef", "# token: Qwertz12",
])  # fmt: skip
def test_no_line_with_a_credential_is_shown(secret: str, shop: Shop) -> None:
    old = OLD.decode()
    shop.write("setup.sh", f"{secret}\n{old}\necho\necho\n{secret}\necho\n{old}\necho\n{secret}\n{old}\n")
    ran = shop.plan()
    assert ran.patch.count(b"\n+npm") == 3
    assert not [line for line in secret.split("\n") if line in ran.patch.decode()]
    shop.apply(ran.patch)
    assert (shop.root / "setup.sh").read_text().count("@2.1.163") == 3


@pytest.mark.parametrize("text", [f"KEY={KEY} {OLD.decode()}\necho\n", f"echo\n{OLD.decode()}\nexport KEY={KEY}\n"])
def test_an_edit_that_would_show_a_credential_is_left_out(text: str, shop: Shop) -> None:
    shop.write("setup.sh", text)
    ran = shop.plan("--detailed-exitcode")
    assert (ran.code, ran.patch) == (0, b"")
    assert "credential, which a patch would show; write 2.1.163 in place of 2.1.17 there" in ran.told
    assert KEY not in ran.told


@pytest.mark.parametrize("line", [
    "- uses: actions/checkout@8ade135a41bc03ea155e62e844d188df1ea18608 # v4", "  ANTHROPIC_API_KEY: ${{ secrets.ANTHROPIC_API_KEY }}", "export TOKEN=$TOKEN", "run: task-runner disk-usage",
    "COPY --from=build /usr/local/lib/node_modules/some-long-package/dist2/index.js /x", "permissions: {id-token: write}", "# the author of this",
])  # fmt: skip
def test_what_is_no_credential_is_shown(line: str, shop: Shop) -> None:
    shop.write("setup.sh", f"{OLD.decode()}\n{line}\n")
    assert f" {line}\n".encode() in shop.plan().patch


def test_what_is_excused_stays(shop: Shop) -> None:
    text = f"npm i -g {NPM}@2.1.17 # cc-fleet: ignore[cli-version] the SDK needs it until=2099-01-01\n"
    shop.write("setup.sh", text)
    assert shop.plan("--detailed-exitcode") == Ran(0, b"", "")
    assert shop.plan("--detailed-exitcode", "--no-ignore").code == 1


def test_what_a_waiver_excuses_stays(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    waiver = "waivers: [{check: cli-version, until: 2099-12-31, reason: old, owner: a}]\n"
    shop = Shop(tmp_path, capfdbinary, POLICY + waiver)
    shop.write("setup.sh", OLD + b"\n")
    assert shop.plan("--detailed-exitcode") == Ran(0, b"", "")


def test_two_versions_for_one_place_are_a_conflict(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    shop = Shop(tmp_path, capfdbinary, POLICY.replace('anthropic.claude-code: {versions: ">=2.1.163"', 'anthropic.claude-code: {versions: ">=2.1.200"'))
    shop.write("setup.sh", f"V=2.1.17\nnpm i -g {NPM}@$V\ncode --install-extension anthropic.claude-code@$V\n")
    ran = shop.plan()
    assert ran.patch == b""
    assert re.search(r"^# not changed: setup.sh:1: .* would have 2\.1\.\d+ here and .* 2\.1\.\d+; give each a value of its own$", ran.told, re.MULTILINE)


def test_a_value_that_is_also_the_version_of_another_package_stays(shop: Shop) -> None:
    shop.write("Dockerfile", f"FROM node:22\nARG TAG=latest\nRUN npm i -g typescript@$TAG {NPM}@$TAG\n")
    ran = shop.plan()
    assert (ran.patch, ran.told) == (b"", "# not changed: Dockerfile:2: Claude Code latest: the same value is the version of typescript; give Claude Code one of its own, 2.1.330\n")


def test_a_lock_is_not_changed_and_told(shop: Shop) -> None:
    shop.write("web/package.json", f'{{"dependencies": {{"{NPM}": "^2.1.0"}}}}\n')
    lock = f'{{"lockfileVersion": 3, "packages": {{"": {{}}, "node_modules/{NPM}": {{"version": "2.1.17"}}}}}}\n'
    shop.write("web/package-lock.json", lock)
    ran = shop.plan()
    assert ran.told == "# to do after it: web/package-lock.json: renew it in web with `npm install --package-lock-only`; it is not changed here\n"
    shop.apply(ran.patch)
    assert (shop.root / "web/package.json").read_text() == f'{{"dependencies": {{"{NPM}": "2.1.163"}}}}\n'
    assert (shop.root / "web/package-lock.json").read_text() == lock


def test_a_range_of_python_becomes_exact(shop: Shop) -> None:
    shop.write("pyproject.toml", '[project]\nname = "a"\nversion = "1"\ndependencies = [\n  "litellm[proxy]>=1.80",\n]\n')
    shop.write("uv.lock", 'version = 1\n\n[[package]]\nname = "litellm"\nversion = "1.82.7"\n')
    ran = shop.plan()
    assert b'+  "litellm[proxy]==1.92.3",\n' in ran.patch
    assert ran.told == "# to do after it: uv.lock: renew it with `uv lock`; it is not changed here\n"


@pytest.mark.parametrize(("files", "told"), [
    ({".github/workflows/a.yml": "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - uses: anthropics/claude-code-action@v1\n"}, r"\.github/workflows/a\.yml:6: .*COMMIT # v1 \(git ls-remote .*"),
    ({"a.sh": f"npm i -g {NPM}@$1\n"}, r"a\.sh:1: .*comes from `\$1`.*"),
    ({"a.nix": '{ claude-code }: claude-code.overrideAttrs { version = "2.1.17"; hash = "x"; }\n'}, r"a\.nix:1: .*the hash that belongs to it.*"),
    ({"a.sh": "brew install claude-code\n"}, r"a\.sh:1: .*npm install -g @anthropic-ai/claude-code@2\.1\.330"),
    ({"compose.yml": "services:\n  a:\n    image: ghcr.io/berriai/litellm:main-latest\n"}, r"compose\.yml:3: litellm main-latest: which versions of litellm are published and allowed is not known here; write one"),
    ({"compose.yml": f"services:\n  a:\n    image: ghcr.io/berriai/litellm:v1.82.7@sha256:{'a1' * 32}\n"}, r"compose\.yml:3: litellm 1\.82\.7: write the tag of 1\.92\.3 with the digest.*"),
    ({"a.sh": "curl https://claude.ai/install.sh -o x.sh\nsh x.sh\n"}, r"a\.sh:1: Claude Code: give the installer 2\.1\.330 as its argument"),
])  # fmt: skip
def test_what_no_patch_can_do_is_told(files: dict[str, str], told: str, shop: Shop) -> None:
    for file, text in files.items():
        shop.write(file, text)
    ran = shop.plan("--detailed-exitcode")
    assert (ran.code, ran.patch) == (0, b"")
    assert re.fullmatch(f"# not changed: {told}\n", ran.told), ran.told


def test_a_link_and_utf_16_are_left(shop: Shop) -> None:
    shop.write("setup.sh", OLD + b"\n")
    (shop.root / "again.sh").symlink_to("setup.sh")
    shop.write("setup.ps1", b"\xff\xfe" + f"npm i -g {NPM}@2.1.17\n".encode("utf-16-le"))
    ran = shop.plan()
    assert ran.patch.count(b"+++ ") == 1
    assert "# not changed: again.sh:1: Claude Code 2.1.17: it is reached by a link" in ran.told
    assert "# not changed: setup.ps1:1: Claude Code 2.1.17: it is UTF-16, of which there is no patch; write 2.1.163 there" in ran.told
    shop.apply(ran.patch)


def test_a_matrix_keeps_its_values_apart(shop: Shop) -> None:
    text = "on: push\njobs:\n  a:\n    runs-on: x\n    strategy:\n      matrix:\n        v:\n          - 2.1.17\n          - 2.1.18\n          - 2.1.250\n          - 2.1.300\n    steps:\n      - run: npm i -g %s@${{ matrix.v }}\n"
    shop.write(".github/workflows/a.yml", text % NPM)
    ran = shop.plan()
    shop.apply(ran.patch)
    assert re.findall(r"- (2.*)", (shop.root / ".github/workflows/a.yml").read_text()) == ["2.1.163", "2.1.18", "2.1.248", "2.1.300"]
    assert "2.1.163 is in the matrix already; take this one out" in ran.told


def test_out(shop: Shop, tmp_path: Path) -> None:
    out = tmp_path / "fix.patch"
    out.write_text("from before")
    assert shop.plan("--out", str(out)) == Ran(0, b"", "")
    assert out.read_bytes() == b""
    shop.write("setup.sh", OLD + b"\r\n")
    expected = shop.plan().patch
    assert shop.plan("--out", str(out)) == Ran(0, b"", f"# 1 change in {out}; apply them with: git apply {out}\n")
    assert out.read_bytes() == expected
    assert shop.plan("--out", str(shop.root / "setup.sh")).code == 2
    assert shop.plan("--out", str(tmp_path)).code == 2
    assert (shop.root / "setup.sh").read_bytes() == OLD + b"\r\n"


def test_bad_arguments(shop: Shop) -> None:
    assert main(["plan", "--repo", "/nonexistent"]) == 2
    assert main(["plan", "--image", "x", "--repo", "y"]) == 2


def test_the_same_each_time(shop: Shop) -> None:
    told: dict[str, Any] = case.read(next(file for file in CASES if file.stem == "everything-wrong"))
    case.laid_out(told, shop.root)
    assert shop.plan() == shop.plan()
