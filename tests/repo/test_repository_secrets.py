"""Canaries in a repository: a secret in every kind of file, at every place where one can stand, is in no report, fact or patch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from cc_fleet import repo
from cc_fleet.cli import main
from tests.case import write
from tests.test_secrets import leaks

PACKAGE = "@anthropic-ai/claude-code"
INSTALL = f"npm i -g {PACKAGE}@2.1.17"



def secret(place: str) -> str:
    """No pattern of a known key: that it is secret is told by where it stands."""
    return f"CANARY-{place}-Zz9"


def key(place: str) -> str:
    """What looks like a key."""
    return f"sk-ant-api03-CANARY-{place}-Zz9"


def url(place: str) -> str:
    return f"https://user:{secret(place)}-password@npm.acme.example/{key(place)}-path/?token={secret(place)}-query#{secret(place)}-fragment"


def commands(place: str) -> list[str]:
    """Installs with a secret at every place where a command can have one."""

    def at(name: str) -> str:
        return f"{place}-{name}"

    return [
        f"npm i -g {PACKAGE}@2.1.17 --registry {url(at('registry'))}",
        f"npm i -g {PACKAGE}@2.1.17 --registry={url(at('registry-equals'))}",
        f"npm i -g {PACKAGE} --//npm.acme.example/:_authToken={secret(at('auth-token'))}",
        f"npm config set //npm.acme.example/:_authToken {secret(at('npmrc'))} && npm i -g {PACKAGE}@2.1.17",
        f"NPM_TOKEN={secret(at('assigned'))} npm i -g {PACKAGE}@2.1.17",
        f"env NPM_TOKEN={secret(at('env'))} npm i -g {PACKAGE}@2.1.17",
        f"npm i -g {url(at('tarball'))[:-len('#' + secret(at('tarball')) + '-fragment')]}/{PACKAGE}/-/claude-code-2.1.17.tgz",
        f"npm i -g git+https://{secret(at('git'))}@git.acme.example/claude-code.git {PACKAGE}@2.1.17",
        f"curl -fsSL -H 'Authorization: Bearer {secret(at('header'))}' https://claude.ai/install.sh | bash",
        f"curl -u user:{secret(at('basic'))} https://claude.ai/install.sh | bash -s 2.1.17",
        f"curl -fsSL https://user:{secret(at('curl-url'))}@claude.ai/install.sh | bash",
        f"curl -fsSL 'https://claude.ai/install.sh?key={secret(at('curl-query'))}' | bash -s -- 2.1.17",
        f"wget --header='X-Token: {secret(at('wget'))}' -O i.sh https://claude.ai/install.sh && bash i.sh 2.1.17",
        f"docker login -u a -p {secret(at('login'))} ghcr.io && docker run ghcr.io/berriai/litellm:v1.82.7 --master_key {secret(at('master'))}",
        f"docker run -e LITELLM_MASTER_KEY={secret(at('docker-env'))} ghcr.io/berriai/litellm:main-latest",
        f"echo {secret(at('stdin'))} | docker login --password-stdin && claude update",
        f"pip install 'litellm[proxy]==1.82.7' --index-url {url(at('index'))}",
        f"pip install 'litellm[proxy] @ {url(at('direct'))}'",
        f"uv pip install --extra-index-url={url(at('extra'))} 'litellm[proxy]'",
        f"claude -p hello --api-key {secret(at('flag'))} && claude install",
        f"export ANTHROPIC_API_KEY={key(at('export'))}",
        f"export ANTHROPIC_AUTH_TOKEN={secret(at('export-token'))}",
        f"export ANTHROPIC_BASE_URL={url(at('export-url'))}",
        f"ANTHROPIC_API_KEY={key(at('before'))} claude -p hello",
        f"npx {PACKAGE}@latest --append-system-prompt {secret(at('prompt'))}",
        f"npm i -g {PACKAGE}@2.1.17 # {secret(at('comment'))}",
        f"bash -c 'TOKEN={secret(at('inner'))} npm i -g {PACKAGE}@2.1.17'",
        f"PASSWORD={secret(at('used'))}; npm i -g {PACKAGE}@2.1.17 --registry https://u:$PASSWORD@npm.acme.example",
        f"npm i -g {PACKAGE}@$(curl -H 'Token: {secret(at('substituted'))}' https://x.example)",
        f"npm i -g {PACKAGE}@${{V:-$(vault read -field=x token={secret(at('default'))})}}",
    ]


def environment(place: str) -> dict[str, str]:
    return {
        "ANTHROPIC_API_KEY": key(f"{place}-api-key"), "ANTHROPIC_AUTH_TOKEN": secret(f"{place}-auth-token"), "ANTHROPIC_BASE_URL": url(f"{place}-base"),
        "ANTHROPIC_CUSTOM_HEADERS": f"X-Key: {secret(f'{place}-headers')}", "CLAUDE_CODE_OAUTH_TOKEN": secret(f"{place}-oauth"), "CLAUDE_MY_PASSWORD": secret(f"{place}-mine"),
        "AWS_SECRET_ACCESS_KEY": secret(f"{place}-aws"), "LITELLM_MASTER_KEY": secret(f"{place}-litellm"), "DATABASE_URL": url(f"{place}-database"), "HTTPS_PROXY": url(f"{place}-proxy"),
        "NPM_TOKEN": secret(f"{place}-npm"), "CLAUDE_CODE_MAX_OUTPUT_TOKENS": key(f"{place}-number"), "ANTHROPIC_MODEL": key(f"{place}-model"),
    }  # fmt: skip


def secrets() -> dict[str, str]:
    """A file of every kind."""
    lines = commands
    env = environment
    settings = {
        "env": env("settings"), "apiKeyHelper": f"echo {secret('helper')}", "model": key("settings-model"), "statusLine": {"command": secret("status")}, key("unknown-key"): secret("unknown-value"),
        "hooks": {"PreToolUse": [{"hooks": [{"type": "command", "command": f"curl -H {secret('hook')}"}]}]}, "permissions": {"allow": [f"Bash(curl {secret('allow')})"]},
    }  # fmt: skip

    def run(place: str) -> str:
        return json.dumps("\n".join(lines(place)))

    return {
        "Dockerfile": "FROM ghcr.io/berriai/litellm:v1.82.7\n" + f"ARG NPM_TOKEN={secret('arg')}\nARG ANTHROPIC_API_KEY={key('arg-key')}\n"
        + "".join(f"ENV {name}={json.dumps(value)}\n" for name, value in env("docker").items()) + "".join(f"RUN {line}\n" for line in lines("docker"))
        + f'LABEL a={secret("label")}\nCMD ["claude", "--api-key", "{secret("cmd")}"]\n',
        "bad.Dockerfile": f"FROM a\nRUN {INSTALL}\n{secret('instruction')} x\n",
        "x.sh": "\n".join(lines("shell")) + "\n" + "".join(f"export {name}='{value}'\n" for name, value in env("rc").items()),
        "x.ps1": "\n".join(lines("powershell")) + f"\n$env:ANTHROPIC_API_KEY = '{key('ps')}'\n",
        "x.cmd": "\n".join(lines("batch")) + f"\nset ANTHROPIC_API_KEY={key('set')}\n",
        "Makefile": f"TOKEN = {secret('make')}\nall:\n" + "".join(f"\t{line}\n" for line in lines("makefile")),
        ".github/workflows/a.yml": json.dumps({"on": {"workflow_dispatch": {"inputs": {"token": {"default": secret("input")}}}}, "env": env("workflow"), "jobs": {"a": {
            "env": env("job"), "container": {"image": "litellm:v1.82.7", "credentials": {"password": secret("container")}, "env": env("container")}, "steps": [
                {"uses": "anthropics/claude-code-action@v1", "with": {"anthropic_api_key": key("with"), "claude_code_oauth_token": secret("with-oauth"), "settings": json.dumps(settings),
                    "claude_env": f"ANTHROPIC_API_KEY: {key('claude-env')}", "prompt": secret("prompt")}, "env": env("step")},
                {"uses": f"https://user:{secret('uses')}@git.acme.example/anthropics/claude-code-action@main"},
                {"run": "\n".join(lines("run")), "env": env("run-env")}, {"run": f"echo TOKEN={secret('github-env')} >> $GITHUB_ENV; npm i -g {PACKAGE}@$TOKEN_X"},
            ]}}}, indent=1),
        "action.yml": json.dumps({"inputs": {"token": {"default": secret("action-input")}}, "runs": {"using": "composite", "steps": [{"run": "\n".join(lines("action")), "env": env("action"), "shell": "bash"}]}}),
        ".gitlab-ci.yml": json.dumps({"variables": env("gitlab"), "a": {"script": lines("gitlab"), "variables": env("gitlab-job"), "image": {"name": "ghcr.io/berriai/litellm:main-latest"}}}),
        ".circleci/config.yml": json.dumps({"version": 2.1, "jobs": {"a": {"docker": [{"image": "litellm:v1.82.7", "environment": env("circle-docker"), "auth": {"password": secret("circle-auth")}}],
            "environment": env("circle"), "steps": [{"run": {"command": "\n".join(lines("circle")), "environment": env("circle-run")}}]}}}),
        "azure-pipelines.yml": json.dumps({"variables": env("azure"), "steps": [{"script": "\n".join(lines("azure")), "env": env("azure-step")}]}),
        "bitbucket-pipelines.yml": json.dumps({"pipelines": {"default": [{"step": {"script": lines("bitbucket")}}]}}),
        "Jenkinsfile": f"pipeline {{ environment {{ ANTHROPIC_API_KEY = '{key('jenkins')}' }}\n steps {{ sh '''\n" + "\n".join(line for line in lines("jenkins") if "'" not in line) + "\n''' } }\n",
        "compose.yml": json.dumps({"services": {"a": {"image": "ghcr.io/berriai/litellm:v1.82.7", "environment": env("compose"), "command": f"--key {secret('compose-command')}"},
            "b": {"image": f"user:{secret('image')}@registry.example/litellm:v1.82.7", "environment": [f"{name}={value}" for name, value in env("compose-list").items()]},
            "c": {"build": {"context": ".", "args": {**env("compose-args"), "V": secret("compose-arg")}}, "command": ["sh", "-c", lines("compose")[0]]}}}),
        ".env": "".join(f"{name}={value}\n" for name, value in env("dotenv").items()),
        "package.json": json.dumps({"dependencies": {PACKAGE: "^2.1.0", "cc": f"npm:{PACKAGE}@2.1.17", "x": url("dependency")}, "devDependencies": {PACKAGE: url("dev-dependency") + "/claude-code.tgz"},
            "optionalDependencies": {PACKAGE: f"git+https://{secret('optional')}@git.acme.example/a.git"}, "overrides": {PACKAGE: f"https://u:{secret('override')}@x.example/a"},
            "publishConfig": {"registry": url("publish"), "_authToken": secret("publish-token")}, "scripts": {f"s{at}": line for at, line in enumerate(lines("scripts"))}}, indent=1),
        ".npmrc": f"//npm.acme.example/:_authToken={secret('npmrc-file')}\n",
        "package-lock.json": json.dumps({"packages": {f"node_modules/{PACKAGE}": {"version": "2.1.17", "resolved": url("lock")}}}),
        ".devcontainer/devcontainer.json": json.dumps({"image": "a", "features": {"ghcr.io/a/claude-code:1": {"token": secret("feature-option")}}, "containerEnv": env("devcontainer"), "remoteEnv": env("remote"),
            "postCreateCommand": "; ".join(lines("devcontainer"))}),
        "tasks/main.yml": yaml.safe_dump([{"shell": line, "environment": env("ansible")} for line in lines("ansible")] + [
            {"get_url": {"url": f"https://user:{secret('get-url')}@claude.ai/install.sh", "dest": "/tmp/i.sh", "headers": {"Authorization": secret("get-url-header")}}}, {"shell": "bash /tmp/i.sh"},
            {"npm": {"name": PACKAGE, "registry": url("ansible-registry")}}, {"docker_container": {"image": "litellm:v1.82.7", "env": env("ansible-docker")}}]),
        "mise.toml": f'[env]\nTOKEN = "{key("mise-env")}"\n[tools]\nclaude = "2.1.17"\n"npm:{PACKAGE}" = "{{{{ env.TOKEN }}}}"\n[tasks.a]\nrun = {run("mise")}\n',
        "requirements.txt": f"--index-url {url('requirements')}\nlitellm[proxy]==1.82.7\nlitellm[proxy] @ {url('requirement')}\n",
        "pyproject.toml": f'[project]\ndependencies = ["litellm[proxy] @ {url("project")}"]\n[tool.uv.sources]\nlitellm = {{url = "{url("source")}"}}\n',
        "main.tf": "".join(f"user_data = <<EOF\n{line}\nEOF\n" for line in lines("terraform")),
        "a.nix": "{ pkgs }: { shellHook = ''\n" + "\n".join(line for line in lines("nix") if "'" not in line) + "\n''; x = pkgs.claude-code; }\n",
        "Brewfile": f'cask "claude-code", url: "{url("brew")}"\n',
        "Taskfile.yml": json.dumps({"version": "3", "env": env("task"), "tasks": {"a": {"cmds": lines("task")}}}),
        "deploy/deployment.yaml": yaml.safe_dump({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": {"spec": {"containers": [{"name": "a", "image": "ghcr.io/berriai/litellm:v1.82.7", "command": ["sh", "-c", lines("kube")[0]],
            "env": [{"name": name, "value": value} for name, value in env("kube").items()]}]}}}}),
        "chart/values.yaml": json.dumps({"image": {"repository": "ghcr.io/berriai/litellm", "tag": "v1.82.7"}, "env": env("helm"), "masterkey": secret("helm")}),
        ".claude/settings.json": json.dumps(settings, indent=1),
        "managed-settings.json": json.dumps(settings)[:-1] + f', // {secret("settings-comment")}\n {secret("bare")}',
        ".vscode/settings.json": json.dumps({"claudeCode.environmentVariables": [{"name": name, "value": value} for name, value in env("vscode").items()], "http.proxy": url("vscode-proxy")}),
        "x.mobileconfig": '<?xml version="1.0"?><plist><dict><key>PayloadContent</key><array><dict><key>PayloadType</key><string>com.anthropic.claudecode</string><key>env</key><dict>'
        + "".join(f"<key>{name}</key><string>{value}</string>" for name, value in env("profile").items()) + "</dict></dict></array></dict></plist>",
        "broken.yml": f"# claude\na: [{secret('yaml')}\nb: {secret('yaml2')}: c\n",
        "broken/package.json": f'{{"claude": 1, {secret("json")}: 2}}',
        "broken/mise.toml": f"claude = {secret('toml')}\n",
    }  # fmt: skip


POLICY = {
    "policy": "canary", "cli": {"versions": ">=2.1.163"}, "extends": ["strict"], "gateways": [{"url": "https://llm.acme.example/*", "kind": "litellm", "versions": ">=1.91"}],
    "env": {name: {"value": "1"} for name in environment("") if "KEY" not in name} | {"ANTHROPIC_API_KEY": {"absent": True}}, "settings": {"apiKeyHelper": {"absent": True}, "model": {"absent": True}},
}  # fmt: skip


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("secrets") / "root"
    for name, text in secrets().items():
        write(root, name, text)
    write(root.parent, "policy.yaml", json.dumps(POLICY))
    return root


@pytest.mark.parametrize("format_", ["text", "json", "sarif", "github", "gitlab", "junit", "markdown", "csv", "html"])
def test_no_secret_of_a_repository_is_shown(format_: str, full: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["audit", "-v", "--repo", str(full), "--format", format_, "--policy", str(full.parent / "policy.yaml")])
    shown = capsys.readouterr()
    assert leaks(shown.out + shown.err) == []
    assert len(shown.out) > 5000


def test_no_secret_is_in_a_fact(full: Path) -> None:
    found = repo.collect(str(full), frozenset(environment("")))
    assert leaks(repr(found)) == []
    files = {fact.place.file for facts in (found.declared, found.gaps, found.variables, found.credentials, found.settings) for fact in facts}
    assert not {name for name in secrets() if name not in files} - {".npmrc", "package-lock.json", "broken.yml", "managed-settings.json"}, "it holds nothing that is read"


def test_no_secret_is_in_a_patch(full: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["plan", "--repo", str(full), "--policy", str(full.parent / "policy.yaml")])
    shown = capsys.readouterr()
    # What is secret only to who wrote it: a comment, a prompt, a line that is no instruction.
    unknowable = ("-comment", "-prompt", "instruction")
    assert shown.out
    assert [place for place in leaks(shown.out + shown.err) if not place.endswith(unknowable)] == []
