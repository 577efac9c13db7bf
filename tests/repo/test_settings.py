"""Committed settings: what the cases do not hold (hostile files, templates, whom a file is for)."""

from __future__ import annotations

import json
import plistlib
import time
from typing import TYPE_CHECKING, Any

import pytest

from cc_fleet import checks, repo
from cc_fleet.client import views
from cc_fleet.model import REDACTED
from cc_fleet.policy.load import load
from cc_fleet.repo.reading import exposed, settings

if TYPE_CHECKING:
    from pathlib import Path

    from cc_fleet.model import Target

SECRET = "sk-ant-api03-CANARY-8wq2"


def collected(tmp: Path, files: dict[str, str | bytes]) -> Target:
    for path, text in files.items():
        file = tmp / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return repo.collect(str(tmp), frozenset(("model", "DISABLE_AUTOUPDATER")))


def said(target: Target) -> list[tuple[str, Any, str, int | None]]:
    return [(".".join(s.key), s.value, s.scope, s.place.line) for s in target.settings]


def test_scopes_and_whom_they_are_for(tmp_path: Path) -> None:
    files = (".claude/settings.json", "api/.claude/settings.local.json", "mdm/managed-settings.prod.json", "mdm/managed-settings.d/10.json")
    target = collected(tmp_path, dict.fromkeys(files, '{"model": "opus"}'))
    assert [(s.scope, s.user, s.project) for s in target.settings] == [
        ("project", None, "."), ("local", None, "api"), ("drop-in", "mdm/managed-settings.json", None), ("managed", "mdm/managed-settings.prod.json", None),
    ]  # fmt: skip
    assert {(view.user, view.project, view.complete) for view in views(target)} == {
        (".claude/settings.json", ".", False), ("api/.claude/settings.json", "api", False),
        ("mdm/managed-settings.json", None, False), ("mdm/managed-settings.prod.json", None, False),
    }  # fmt: skip


def test_a_template_tells_what_stands_there_without_its_expressions(tmp_path: Path) -> None:
    text = """{
  {# "quoted" #}
  "env": {
    "ANTHROPIC_API_KEY": "{{ lookup("env", "KEY") }}",
    {% if quiet %}
    "DISABLE_AUTOUPDATER": "{{ off }}",
    {% endif %}
    "ANTHROPIC_MODEL": "opus"
  },
  "availableModels": ["sonnet", "{{ more }}"],
  "cleanupPeriodDays": {{ days | int }}
}"""
    target = collected(tmp_path, {"roles/claude/templates/managed-settings.json.j2": text})
    assert said(target) == [("env.ANTHROPIC_MODEL", "opus", "managed", 8)]
    assert not target.credentials
    assert not target.gaps


@pytest.mark.parametrize(
    ("file", "text", "kind"),
    [
        ("a/managed-settings.json.tpl", '{"model": "opus" {{ more }} "x"}', "gap"),
        ("a/managed-settings.json", '{"model": "opus", {{- range . }} 1 }', "gap"),  # no suffix says so, an expression outside of texts does
        ("a/managed-settings.json", '{"model": "{{ x }}",}', "rejected"),  # in a text it says nothing of the rest
        ("a/managed-settings.json", '{"model": "opus",}', "rejected"),
        ("a/managed-settings.json", "[]", "rejected"),
        ("a/managed-settings.json", '{"a":' * 600 + "1" + "}" * 600, "gap"),
        ("a/managed-settings.json", '{"model": "' + "x" * (2 * 1024 * 1024) + '"}', "rejected"),
        ("a/managed-settings.json", b'{"model": "\x00"}', "rejected"),
        ("a.mobileconfig", "<plist><dict>com.anthropic.claudecode", "gap"),
        ("a.mobileconfig", b"bplist00 com.anthropic.claudecode \xff\xff", "gap"),
        ("a.mobileconfig", "x com.anthropic.claudecode" + " " * (2 * 1024 * 1024), "gap"),
        (".vscode/settings.json", '{"claudeCode.useTerminal": tru}', "gap"),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path: Path, file: str, text: str | bytes, kind: str) -> None:
    target = collected(tmp_path, {file: text})
    assert (len(target.gaps), len(target.rejected)) == ((1, 0) if kind == "gap" else (0, 1))
    assert (target.gaps or target.rejected)[0].place.file == file


@pytest.mark.parametrize(
    "text", ['"' + "{{ " * 80_000, '{"a": "' + "${" * 100_000, "{" + "{% x %}" * 30_000, '{"a": "' + "\\" * 200_000, "{{" * 100_000], ids=range(5)
)
def test_templates_that_never_end_take_no_time(tmp_path: Path, text: str) -> None:
    started = time.process_time()
    target = collected(tmp_path, {"templates/managed-settings.json.j2": text})
    assert time.process_time() - started < 5
    assert target.gaps


def test_no_secret_becomes_a_fact(tmp_path: Path) -> None:
    target = collected(tmp_path, {
        ".claude/settings.json": f'{{"env": {{"ANTHROPIC_API_KEY": "{SECRET}", "ANTHROPIC_BASE_URL": "https://u:{SECRET}@a.example/"}}, "hooks": {{"{SECRET}": 1}}}}',
        "api/.claude/settings.json": f'{{"env": {{"ANTHROPIC_API_KEY": "{SECRET}",}}',
        ".vscode/settings.json": f'{{"claudeCode.environmentVariables": [{{"name": "ANTHROPIC_API_KEY", "value": "{SECRET}"}}]}}',
    })  # fmt: skip
    assert SECRET not in repr(target)
    assert [c.kind for c in target.credentials] == ["ANTHROPIC_API_KEY", "url", "ANTHROPIC_API_KEY"]
    assert {(c.readable_by, c.user) for c in target.credentials} == {("everyone", None)}


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (SECRET, True), ("https://ci:hunter2@llm.acme.example", True), ("https://a.example/?api_key=8fj2ks9", True),
        ("your-api-key", False), ("sk-ant-...", False), ("xxx", False), ("$KEY", False), ("${{ secrets.KEY }}", False), ("", False),
        ("https://user:$PASSWORD@llm.acme.example", False), ("https://ci:password@llm.acme.example", False), ("aaaa", False),
    ],
)  # fmt: skip
def test_what_is_a_secret(text: str, *, secret: bool) -> None:
    assert exposed.is_secret(text) is secret


def profile(**content: Any) -> bytes:
    return plistlib.dumps({"PayloadContent": [{"PayloadType": "other"}, 3, content]}, fmt=content.pop("fmt", plistlib.FMT_XML))


def test_profiles(tmp_path: Path) -> None:
    payload = {"PayloadType": "com.anthropic.claudecode", "PayloadVersion": 1, "model": "opus"}
    domain = {"com.anthropic.claudecode": {"Forced": [{"mcx_preference_settings": {"model": "opus"}}, 1], "x": 1}}
    signed = b"0\x82\x0c\x00" + profile(**payload) + b"\x00\x01"
    target = collected(tmp_path, {
        "a.mobileconfig": profile(**payload), "b.mobileconfig": profile(PayloadType="com.apple.ManagedClient.preferences", PayloadContent=domain),
        "c.mobileconfig": signed, "com.anthropic.claudecode.plist": plistlib.dumps({"model": "opus"}), "d.mobileconfig": plistlib.dumps({"a": 1}),
        "e.mobileconfig": profile(fmt=plistlib.FMT_BINARY, **payload),
    })  # fmt: skip
    assert [(s.place.file, s.key, s.value, s.scope) for s in target.settings] == [
        (file, ("model",), "opus", "plist") for file in ("a.mobileconfig", "b.mobileconfig", "c.mobileconfig", "com.anthropic.claudecode.plist", "e.mobileconfig")
    ]
    lines = profile(**payload).decode().split("\n")
    assert target.settings[0].place.line == lines.index("\t\t\t<key>model</key>") + 1
    assert not target.gaps


def test_an_image_is_told_by_the_settings_that_it_gets(tmp_path: Path) -> None:
    (tmp_path / "managed-settings.json").write_text(json.dumps({"model": "opus", "policyHelper": "/bin/x", "env": {"CLAUDE_CONFIG_DIR": "/x"}}))
    found = list(settings.facts(repo.Repository(str(tmp_path)), "managed-settings.json", "managed", "Dockerfile"))
    assert [(s.key, s.value, s.user) for s in found] == [
        (("model",), "opus", "Dockerfile"), (("policyHelper",), REDACTED, "Dockerfile"), (("env", "CLAUDE_CONFIG_DIR"), "/x", "Dockerfile"),
    ]  # fmt: skip
    assert list(settings.facts(repo.Repository(str(tmp_path)), "nothing.json", "managed", "Dockerfile")) == []


def test_known_issues_stand_under_the_version_that_is_refused(tmp_path: Path) -> None:
    from cc_fleet import advisories

    (tmp_path / "shop").mkdir()
    (tmp_path / "policy.yaml").write_text('policy: case\ncli: {versions: ">=2.1.163"}')
    text = "FROM node:22\nRUN npm i -g @anthropic-ai/claude-code@2.1.19\nRUN npm i -g @anthropic-ai/claude-code@2.1.20\n"
    target = collected(tmp_path / "shop", {"Dockerfile": text})
    found = checks.judge(load([str(tmp_path / "policy.yaml")]).policy, advisories.load(), [target], "2026-11-24")
    causes = {f.problem.place.line: f.fingerprint for f in found if f.check == "cli-version"}
    told = [f for f in found if f.check == "known-issue" and f.problem.advisory == "CCF-2026-0001"]
    assert [f.problem.place.line for f in told] == [2, 3]
    assert [f.problem.because for f in told] == [causes[2], causes[3]]
