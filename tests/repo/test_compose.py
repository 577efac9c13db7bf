"""What cases of compose files do not hold: what a service gets, anchors, and broken files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cc_fleet import repo

if TYPE_CHECKING:
    from pathlib import Path

    from cc_fleet.model import Target

KEEP = frozenset(("DISABLE_AUTOUPDATER",))
IMAGE = "FROM node:22\nENV DISABLE_AUTOUPDATER=1\nRUN npm i -g @anthropic-ai/claude-code@2.1.310\n"


def collected(root: Path, compose: str, **files: str) -> Target:
    (root / "compose.yml").write_text(compose)
    for name, text in files.items():
        (root / name.replace("__", ".")).write_text(text)
    return repo.collect(str(root), KEEP)


def test_a_service_that_runs_claude_is_an_image_with_its_environment(tmp_path: Path) -> None:
    text = (
        "x-env: &env\n  DISABLE_AUTOUPDATER: '1'\nservices:\n  agent:\n    image: acme/agent\n    command: [claude, -p, hello]\n"
        "    env_file: [agent.env]\n    environment:\n      <<: *env\n  db:\n    image: postgres\n    environment: {DISABLE_AUTOUPDATER: '0'}\n"
    )
    target = collected(tmp_path, text, agent__env="ANTHROPIC_MODEL=opus\nDISABLE_AUTOUPDATER=0\n")
    assert [(job.name, job.kind, job.place.line) for job in target.jobs] == [("compose.yml#agent", "image", 6)]
    assert {(one.name, one.value, one.place.file, one.place.line) for one in target.variables} == {
        ("ANTHROPIC_MODEL", "opus", "agent.env", 1), ("DISABLE_AUTOUPDATER", "1", "compose.yml", 2),
    }  # fmt: skip


def test_a_service_that_is_built_here_is_judged_as_its_dockerfile(tmp_path: Path) -> None:
    target = collected(tmp_path, "services:\n  a:\n    build: .\n    command: claude\n    environment: {X: claude}\n", Dockerfile=IMAGE)
    assert [job.name for job in target.jobs] == ["Dockerfile"]


def test_and_by_itself_where_it_says_what_a_policy_asks(tmp_path: Path) -> None:
    text = "services:\n  a:\n    build: .\n    environment:\n      DISABLE_AUTOUPDATER: '0' # claude\n"
    target = collected(tmp_path, text, Dockerfile=IMAGE)
    assert [(one.value, one.place.file, one.place.line, one.user) for one in target.variables] == [
        ("1", "Dockerfile", 2, "Dockerfile"), ("0", "compose.yml", 5, "compose.yml#a"),
    ]  # fmt: skip


def test_a_dollar_that_is_escaped_is_the_containers(tmp_path: Path) -> None:
    text = 'services:\n  a:\n    image: node\n    environment:\n      - V=2.1.17\n    command: sh -c "npm i -g @anthropic-ai/claude-code@$$V"\n'
    assert [(fact.spec, fact.place.line) for fact in collected(tmp_path, text).declared] == [("2.1.17", 5)]


def test_others_credentials_are_not_told(tmp_path: Path) -> None:
    text = "services:\n  claude:\n    image: x\n    environment:\n      DATABASE_URL: postgres://u:hunter22@db/x\n      AWS_SECRET_ACCESS_KEY: wJalrXUtnFEMIK7MDENGbPxRfiCYzzKQ9\n"
    assert collected(tmp_path, text).credentials == ()
    ours = text.replace("image: x", "image: ghcr.io/berriai/litellm:v1.92.0\n    build: .")
    target = collected(tmp_path, ours)
    assert [(one.kind, one.place.line) for one in target.credentials] == [("url", 6), ("AWS_SECRET_ACCESS_KEY", 7)]
    assert [fact.spec for fact in target.declared] == ["1.92.0"]


@pytest.mark.parametrize(
    ("text", "gap"),
    [
        ("services: {a: claude", "compose.yml:2"),
        ("services:\n  a: &a\n    claude: *a\n", None),
        ("- claude\n", None),
        ("services: claude\n", None),
        ("services: {a: {build: {args: [claude, 1, {}]}, command: {claude: 1}, env_file: [../../x, {path: {}}], environment: claude}}\n", None),
        ("services: {a: {build: {context: ../.., dockerfile: ../claude}}}\n", None),
        ("[" * 5000 + "claude", "compose.yml:1"),
    ],
)
def test_odd_files_are_gaps_or_nothing(tmp_path: Path, text: str, gap: str | None) -> None:
    target = collected(tmp_path, text)
    assert [str(one.place) for one in target.gaps] == ([gap] if gap else [])
    assert target.declared == ()
