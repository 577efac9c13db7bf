"""Canaries: a secret in every place where one can stand appears in no output, in no format."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cc_fleet.cli import main
from tests.case import native, npm, write

# Each place has a canary of its own, so that a leak names its place.
ENVIRONMENT = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_CUSTOM_HEADERS", "AWS_BEARER_TOKEN_BEDROCK",
               "AWS_SECRET_ACCESS_KEY", "CLAUDE_CODE_OAUTH_TOKEN", "CLAUDE_CODE_EXTRA_BODY", "CLAUDE_MY_PASSWORD",
               "CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS", "CLAUDE_CODE_MAX_TOOL_USE_CONCURRENCY", "ANTHROPIC_MODEL")  # fmt: skip
KEYS = ("apiKeyHelper", "awsAuthRefresh", "awsCredentialExport", "otelHeadersHelper", "statusLine", "model", "effortLevel",
        "someUnknownKey", "requiredMinimumVersion", "forceLoginOrgUUID", "language", "outputStyle")  # fmt: skip


def canary(place: str) -> str:
    """A value that looks like a key and names its place."""
    return f"sk-ant-api03-CANARY-{place}-Zz9"


def url(place: str) -> str:
    return f"https://user:{canary(place)}@gw.example/v1/{canary(place)}?api_key={canary(place)}#{canary(place)}"


def settings(place: str) -> str:
    """A settings file with a canary at every kind of key, two levels deep, and as a key."""
    document = {
        "env": {**{name: canary(f"{place}-env-{name}") for name in ENVIRONMENT}, "ANTHROPIC_BASE_URL": url(f"{place}-url"), canary(f"{place}-name"): "1"},
        **{key: canary(f"{place}-{key}") for key in KEYS},
        "hooks": {"PreToolUse": [{"hooks": [{"type": "command", "command": f"curl -H {canary(f'{place}-hook')}"}]}]},
        "mcpServers": {canary(f"{place}-mcp-name"): {"env": {"TOKEN": canary(f"{place}-mcp")}, "headers": {"Authorization": canary(f"{place}-mcp-header")}}},
        "permissions": {"allow": [f"Bash(curl {canary(f'{place}-allow')})"], "defaultMode": canary(f"{place}-mode")},
        "availableModels": [canary(f"{place}-models")],
        canary(f"{place}-key"): {canary(f"{place}-key2"): canary(f"{place}-value2")},
    }  # fmt: skip
    return json.dumps(document, indent=2)


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """A system with a canary everywhere, and what makes every kind of check speak of it."""
    root = tmp_path / "root"
    write(root, "/etc/passwd", "ada:x:1000:1000::/home/ada:/bin/bash\n")
    npm(root, "/usr/local", "2.1.25")
    native(root, "ada", ["2.1.17", "2.1.330"])
    write(root, "/home/ada/.claude/settings.json", settings("user"))
    write(root, "/etc/claude-code/managed-settings.json", settings("managed"))
    write(root, "/etc/claude-code/managed-settings.d/50.json", f'{{"env": {{"A": "{canary("broken")}",}}, // {canary("comment")}\n "x": {canary("bare")}')
    write(root, "/etc/claude-code/managed-settings.d/60.json", f'{{"a": 1, {canary("unquoted")}: 2}}')
    write(root, "/home/ada/.claude.json", json.dumps({
        "env": {"ANTHROPIC_API_KEY": canary("global-env")}, "primaryApiKey": canary("primary"), "installMethod": canary("method"),
        "oauthAccount": {"accessToken": canary("oauth")}, "projects": {"/x": {"history": [canary("history")]}},
    }))  # fmt: skip
    write(root, "/home/ada/.claude/.credentials.json", json.dumps({"claudeAiOauth": {"accessToken": canary("credentials")}}))
    exports = "".join(f"export {name}={canary(f'rc-{name}')}\n" for name in ENVIRONMENT)
    write(root, "/home/ada/.bashrc", f'{exports}export ANTHROPIC_BASE_URL="{url("rc-url")}"\nexport CLAUDE_X=$(echo {canary("command")})\n# {canary("remark")}\n')
    write(root, "/etc/environment", f'ANTHROPIC_AUTH_TOKEN="{canary("etc")}"\nHTTPS_PROXY={url("proxy")}\n')
    write(root, "/home/ada/.npmrc", f"//registry.example/:_authToken={canary('npmrc')}\nprefix=/home/ada/.npm-global\n")
    write(root, "/home/ada/.npm-global/lib/node_modules/@anthropic-ai/claude-code/package.json", json.dumps({"version": canary("version")}))
    write(root, "/home/ada/.vscode/extensions/extensions.json", json.dumps([
        {"identifier": {"id": "anthropic.claude-code"}, "version": canary("extension"), "relativeLocation": "anthropic.claude-code-2.1.17"}]))
    write(root, "/home/ada/.vscode/extensions/anthropic.claude-code-2.1.17/package.json", canary("manifest"))
    return root


def policy(tmp_path: Path) -> str:
    """Rules for the very names that hold canaries: naming one must not show it."""
    rules = {name: {"value": "1"} for name in ENVIRONMENT if "KEY" not in name} | {"ANTHROPIC_API_KEY": {"absent": True}}
    file = write(tmp_path, "policy.yaml", json.dumps({
        "policy": "canary", "extends": ["strict"], "env": rules, "other-gateways": "deny",
        "settings": {key: {"absent": True} for key in KEYS} | {"permissions.allow": {"absent": True}},
    }))  # fmt: skip
    return str(file)


def leaks(text: str) -> list[str]:
    """The places whose canary shows."""
    return sorted({part.partition("-Zz9")[0] for part in text.split("CANARY-")[1:]})


@pytest.mark.parametrize("arguments", [
    ["audit", "--format", "text", "-v"], ["audit", "--format", "text", "--color", "always"], ["audit", "--format", "json"], ["facts"],
])  # fmt: skip
@pytest.mark.parametrize("mine", [False, True], ids=["default policy", "a policy that names them"])
def test_no_canary_is_shown(arguments: list[str], mine: bool, system: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([*arguments, "--root", str(system), *(["--policy", policy(tmp_path)] if mine else [])])
    shown = capsys.readouterr()
    assert leaks(shown.out + shown.err) == []
    assert len(shown.out) > 1000  # something was said at all


def test_no_canary_of_the_process_is_shown(tmp_path: Path) -> None:
    """The caller's own environment: through a real process, as the user runs it."""
    environ = {name: canary(f"process-{name}") for name in ENVIRONMENT} | {
        "HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "ANTHROPIC_BASE_URL": url("process-url"), "PYTHONPATH": str(Path(__file__).parents[1]),
    }  # fmt: skip
    write(tmp_path, ".claude/settings.json", settings("user"))
    for arguments in (["audit", "-v", "--policy", policy(tmp_path)], ["audit", "--format", "json"], ["facts"]):
        done = subprocess.run([sys.executable, "-m", "cc_fleet", *arguments], env=environ, capture_output=True, text=True, check=False, cwd=tmp_path)
        assert leaks(done.stdout + done.stderr) == []
        assert "CLAUDE_CODE_MAX_TOOL_USE_CONCURRENCY" in done.stdout


def test_the_canary_can_be_seen_at_all() -> None:
    """The detector itself: it would find a leak."""
    assert leaks(f"x {canary('here')} y") == ["here"]
