"""Comments that excuse a finding: where they stand, what they say, and what the policy lets them."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from cc_fleet import checks, repo
from cc_fleet.host import document
from cc_fleet.model import REDACTED
from cc_fleet.policy.load import load
from cc_fleet.repo.reading import ignores

if TYPE_CHECKING:
    from pathlib import Path

    from cc_fleet.model import Finding, Target

TODAY = "2026-11-24"
PINNED = "RUN npm i -g @anthropic-ai/claude-code@2.1.17"
OPEN = "RUN npm i -g @anthropic-ai/claude-code"
ASKS = "cc-fleet: ignore[cli-unpinned] we follow latest"
LANGUAGES = {
    "Dockerfile": f"FROM node\n# {ASKS}\n{OPEN}\n",
    "docker/Containerfile": f"FROM node\nRUN a \\\n    # {ASKS}\n    && npm i -g @anthropic-ai/claude-code\n",
    "install.sh": f"npm i -g @anthropic-ai/claude-code # {ASKS}\n",
    "continued.sh": f"# {ASKS}\nnpm i -g \\\n  typescript \\\n  @anthropic-ai/claude-code\n",
    "behind.sh": f"echo a && \\\n  npm i -g @anthropic-ai/claude-code \\\n  --loglevel error # {ASKS}\n",
    ".github/workflows/ci.yml": f"on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      # {ASKS}\n      - run: npm i -g @anthropic-ai/claude-code\n",
    "block/.github/workflows/ci.yml": f"x: 1\n# {ASKS}\n",  # no workflow: nothing there to excuse
    ".devcontainer/devcontainer.json": f'{{\n  // {ASKS}\n  "postCreateCommand": "npm i -g @anthropic-ai/claude-code"\n}}\n',
    "b/.devcontainer/devcontainer.json": f'{{\n  "postCreateCommand": "npm i -g @anthropic-ai/claude-code" /* {ASKS} */\n}}\n',
    "c/.devcontainer/devcontainer.json": f'{{\n  /* {ASKS} */ "postCreateCommand": "npm i -g @anthropic-ai/claude-code",\n  "name": "c"\n}}\n',
    "setup.ps1": f"npm i -g @anthropic-ai/claude-code <# {ASKS} #>\n",
    "Makefile": f"all:\n\t# {ASKS}\n\tnpm i -g @anthropic-ai/claude-code\n",
    "image/Dockerfile.j2": f"FROM node\n{{# {ASKS} #}}\n{OPEN}\n",
    "crlf.sh": f"# {ASKS}\r\nnpm i -g @anthropic-ai/claude-code\r\n",
}
SILENT = ("block/.github/workflows/ci.yml",)


def target(tmp: Path, files: dict[str, str]) -> Target:
    for path, text in files.items():
        file = tmp / "shop" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())
    return repo.collect(str(tmp / "shop"))


def judged(tmp: Path, files: dict[str, str], policy: str = "", today: str = TODAY) -> list[Finding]:
    """The findings, after the facts have been saved and read again."""
    file = tmp / "policy.yaml"
    file.write_text(f"policy: mine\ncli: {{versions: '>=2.1.163'}}\n{policy}\n", encoding="utf-8")
    found = target(tmp, files)
    saved = document.load(json.loads(json.dumps(document.dump(found))))
    assert saved == found
    return checks.judge(load([str(file)]).policy, (), [saved], today)


def said(findings: list[Finding]) -> list[str]:
    return [f"{f.problem.place} {'waived' if f.waived else f.severity} {f.check} {f.problem.subject}" for f in findings]


@pytest.mark.parametrize("name", LANGUAGES)
def test_a_comment_of_every_language(name: str, tmp_path: Path) -> None:
    (tmp_path / "with").mkdir()
    (tmp_path / "without").mkdir()
    found = [f for f in judged(tmp_path / "with", {name: LANGUAGES[name]}) if f.check == "cli-unpinned"]
    assert [bool(f.waived) for f in found] == ([] if name in SILENT else [True])
    assert [(f.waived.reason, f.waived.until, f.waived.owner, f.waived.by) for f in found if f.waived] == [("we follow latest", None, None, "comment")] * len(found)
    bare = LANGUAGES[name].replace("cc-fleet", "cc-flotilla")
    assert [bool(f.waived) for f in judged(tmp_path / "without", {name: bare}) if f.check == "cli-unpinned"] == [False] * len(found)


@pytest.mark.parametrize(("text", "expected"), [
    (f"FROM node\n# {ASKS}\n\n{OPEN}\n", False),  # not directly above
    (f"FROM node\n{OPEN}\n# {ASKS}\n", False),  # below
    (f"FROM node\nLABEL a=b # {ASKS}\n{OPEN}\n", False),  # behind another statement
    (f"FROM node\n# {ASKS}\n# renovate: datasource=npm\n# cc-fleet: ignore[pin-unresolved] so\n{OPEN}\n", True),
    (f"FROM node\n# cc-fleet:ignore [ cli-version , cli-unpinned ]: why\n{OPEN}\n", True),
    (f"FROM node\nRUN \\\n  # {ASKS}\n  pip install x && \\\n  npm i -g @anthropic-ai/claude-code\n", False),  # another command of the statement
    (f"FROM node\nRUN npm i -g @anthropic-ai/claude-code && \\\n  curl x # {ASKS}\n", False),
    (f"FROM node\n# {ASKS.replace('ignore', 'ignored')}\n{OPEN}\n", False),
    ("FROM node\nRUN echo cc-fleet: ignore[cli-unpinned] no comment && npm i -g @anthropic-ai/claude-code\n", False),
    (f"FROM node\n# {ASKS.replace('cli-unpinned', 'cli-version')}\n{OPEN}\n", False),
])  # fmt: skip
def test_where_it_stands(text: str, expected: bool, tmp_path: Path) -> None:
    (found,) = [f for f in judged(tmp_path, {"Dockerfile": text}) if f.check == "cli-unpinned"]
    assert (found.waived is not None) == expected


USED = "ARG V=2.1.17\n{}RUN npm i -g @anthropic-ai/claude-code@$V\n"
ABOVE = "# cc-fleet: ignore[cli-version] old sdk\n"


@pytest.mark.parametrize(("text", "expected"), [
    (f"FROM node\n{USED.format(ABOVE)}", [True]),
    (f"FROM node\n{ABOVE}{USED.format('')}", [True]),
    (f"FROM node\n{USED.format(ABOVE)}RUN npx @anthropic-ai/claude-code@$V -p hi\n", [False]),  # one of two statements that use it
    (f"FROM node\n{USED.format(ABOVE)}{ABOVE}RUN npx @anthropic-ai/claude-code@$V -p hi\n", [True]),
])  # fmt: skip
def test_a_version_that_is_written_elsewhere(text: str, expected: list[bool], tmp_path: Path) -> None:
    found = judged(tmp_path, {"Dockerfile": text})
    assert [f.waived is not None for f in found if f.check == "cli-version"] == expected
    assert all(f.problem.place.line in (2, 3) for f in found if f.check == "cli-version")


def test_a_value_in_another_file_that_nobody_else_reads(tmp_path: Path) -> None:
    compose = "services:\n  a:\n    build:\n      context: .\n      args:\n        V: ${CC_VERSION}\n"
    files = {"compose.yml": compose, "Dockerfile": "FROM node\nARG V\nRUN npm i -g @anthropic-ai/claude-code@$V\n", ".env": "# cc-fleet: ignore[cli-version] so\nCC_VERSION=2.1.17\n"}
    found = [line for line in said(judged(tmp_path, files)) if "cli-version" in line]
    assert found == [".env:2 waived cli-version cli@2.1.17"]


@pytest.mark.parametrize(("comment", "policy", "expected"), [
    ("ignore[cli-unpinned]", "", "the ignore of cli-unpinned excuses nothing: it gives no reason; write one behind the brackets"),
    ("ignore[cli-unpinned] until=2026-12-31", "", "the ignore of cli-unpinned excuses nothing: it gives no reason; write one behind the brackets"),
    ("ignore we must", "", "the ignore excuses nothing: it names no check; write ignore[cli-unpinned]"),
    ("ignore[] we must", "", "the ignore excuses nothing: it names no check; write ignore[cli-unpinned]"),
    ("ignore[cli-unpined] so", "", "the ignore of cli-unpined excuses nothing: 'cli-unpined' is not known; did you mean 'cli-unpinned'?"),
    ("ignore[unreadable] so", "", "the ignore of unreadable excuses nothing: unreadable cannot be ignored"),
    ("ignore[waiver-expired] so", "", "the ignore of waiver-expired excuses nothing: waiver-expired cannot be ignored"),
    ("ignore[waiver-unused] so", "", "the ignore of waiver-unused excuses nothing: nothing that it names was found on its lines"),
    ("ignore[cli-version, cli-unpinned] so", "", None),  # one of the two is enough
    ("ignore[cli-version, env-flag] so", "", "the ignore of cli-version, env-flag excuses nothing: nothing that it names was found on its lines"),
    ("ignore[cli-version, env-flag]", "", "the ignore of cli-version, env-flag excuses nothing: it gives no reason; write one behind the brackets"),
    ("ignore[CCF-2026-0001] so", "", "the ignore of CCF-2026-0001 excuses nothing: nothing that it names was found on its lines"),
    ("ignore[CCF-2026-0001] so", "exceptions: {inline: []}", "the ignore of CCF-2026-0001 excuses nothing: nothing that the policy's exceptions.inline lets a comment excuse was found on its lines"),
    ("ignore[cli-unpinned] so", "exceptions: {inline: [cli-version]}", "the ignore of cli-unpinned excuses nothing: the policy's exceptions.inline lets no comment excuse cli-unpinned"),
    ("ignore[cli-unpinned] so", "exceptions: {inline: []}", "the ignore of cli-unpinned excuses nothing: the policy's exceptions.inline lets no comment excuse cli-unpinned"),
    ("ignore[cli-unpinned] so", "exceptions: {max-days: 90}", "the ignore of cli-unpinned excuses nothing: exceptions.max-days asks for an end; write until=2027-02-22 at the latest"),
    ("ignore[cli-unpinned] so until=2027-02-23", "exceptions: {max-days: 90}", "the ignore of cli-unpinned excuses nothing: 2027-02-23 is more than 90 days away, which exceptions.max-days forbids; at the latest 2027-02-22"),
    ("ignore[cli-unpinned] so until=2027", "", "the ignore of cli-unpinned excuses nothing: expected a date such as until=2026-12-31, not '2027'"),
    ("ignore[cli-unpinned] so until=2026-02-30", "", "the ignore of cli-unpinned excuses nothing: expected a date such as until=2026-12-31, not '2026-02-30'"),
    ("ignore[cli-unpinned] so until=", "", "the ignore of cli-unpinned excuses nothing: expected a date such as until=2026-12-31, not ''"),
    ("ignore[cli-unpinned] so until=20261231", "", "the ignore of cli-unpinned excuses nothing: expected a date such as until=2026-12-31, not '20261231'"),
    ("ignore[cli-unpinned] so until=2026-12-31", "exceptions: {max-days: 999999}", None),
    ("ignore[cli-unpinned] so until=2027-02-22", "exceptions: {max-days: 90, inline: [cli-unpinned]}", None),
    ("ignore[cli-unpinned] so (until=2027-02-22).", "", None),
])  # fmt: skip
def test_what_it_must_say(comment: str, policy: str, expected: str | None, tmp_path: Path) -> None:
    found = judged(tmp_path, {"Dockerfile": f"FROM node\n# cc-fleet: {comment}\n{OPEN}\n"}, policy)
    assert [f.problem.message for f in found if f.check == "waiver-unused"] == ([] if expected is None else [expected])
    assert [f.waived is not None for f in found if f.check == "cli-unpinned"] == [expected is None]
    assert all(f.severity == "note" and str(f.problem.place) == "Dockerfile:2" and f.target == "shop" for f in found if f.check == "waiver-unused")


@pytest.mark.parametrize(("until", "expected"), [
    ("2026-11-23", ["Dockerfile:2 warning waiver-expired cli-unpinned", "Dockerfile:3 error cli-unpinned cli"]),
    ("2026-11-24", ["Dockerfile:2 note waiver-expired cli-unpinned", "Dockerfile:3 waived cli-unpinned cli"]),
    ("2026-12-08", ["Dockerfile:2 note waiver-expired cli-unpinned", "Dockerfile:3 waived cli-unpinned cli"]),
    ("2026-12-09", ["Dockerfile:3 waived cli-unpinned cli"]),
])  # fmt: skip
def test_its_last_day(until: str, expected: list[str], tmp_path: Path) -> None:
    found = said(judged(tmp_path, {"Dockerfile": f"FROM node\n# cc-fleet: ignore[cli-unpinned] so until={until}\n{OPEN}\n"}))
    assert sorted(found) == expected


def test_what_is_ended_cannot_be_ignored(tmp_path: Path) -> None:
    text = f"FROM node\n# cc-fleet: ignore[waiver-expired] so\n# cc-fleet: ignore[cli-unpinned] so until=2020-01-01\n{OPEN}\n"
    found = judged(tmp_path, {"Dockerfile": text}, "severity: {waiver-expired: ignore}")
    assert [f.waived for f in found if f.check == "waiver-expired"] == [None]


def test_an_advisory_by_its_id(tmp_path: Path) -> None:
    from cc_fleet import advisories

    found = target(tmp_path, {"Dockerfile": f"FROM node\n# cc-fleet: ignore[CCF-2026-0017] we know\n{PINNED}\n"})
    for policy, excused in (("", True), ("exceptions: {inline: [CCF-2026-0017]}", True), ("exceptions: {inline: [known-issue]}", True), ("exceptions: {inline: [cli-version]}", False)):
        file = tmp_path / "policy.yaml"
        file.write_text(f"policy: mine\n{policy}\n", encoding="utf-8")
        told = checks.judge(load([str(file)]).policy, advisories.load(), [found], TODAY)
        assert [f.waived is not None for f in told if f.problem.advisory == "CCF-2026-0017"] == [excused]
        assert bool([f for f in told if f.check == "waiver-unused"]) != excused


def test_a_waiver_of_the_policy_comes_first(tmp_path: Path) -> None:
    policy = "waivers: [{check: cli-unpinned, until: 2027-01-31, reason: theirs, owner: ada}]"
    (found,) = judged(tmp_path, {"Dockerfile": f"FROM node\n# {ASKS}\n{OPEN}\n"}, policy)
    assert found.waived is not None
    assert (found.waived.reason, found.waived.by) == ("theirs", "policy")


def test_no_secret_of_a_comment_is_kept(tmp_path: Path) -> None:
    key = "sk-ant-api03-CANARY-8wq2"
    words = f"# cc-fleet: ignore[cli-unpinned, {key}] see https://ada:{key}@x.example/?token={key} {key} Bearer {key}abcdef until={key}"
    found = target(tmp_path, {"Dockerfile": f"FROM node\n{words}\n{OPEN}\n"})
    assert len(found.ignores) == 1
    assert "CANARY" not in json.dumps(document.dump(found))
    assert REDACTED in found.ignores[0].reason


@pytest.mark.parametrize("text", [
    "# cc-fleet: ignore[cli-unpinned] so\n" * 60_000,
    "# cc-fleet: " * 160_000,
    "#" * 1_000_000 + " cc-fleet: ignore[a] b",
    "# cc-fleet: ignore[" + "a," * 500_000 + "] so",
    "# cc-fleet: ignore[a] " + "until=" * 300_000,
    "# cc-fleet: ignore[a] so\n" + "a \\\n" * 400_000,
    "a \\\n" * 400_000 + "b # cc-fleet: ignore[a] so",
    "# cc-fleet: ignore[" + " " * 1_000_000,
    "# cc-fleet: ignore" + " " * 1_000_000 + "x",
    "{{" + " " * 1_000_000 + "/* cc-fleet: ignore[a] b */}}",
    "# cc-fleet: ignore[a] bearer" + " " * 1_000_000,
], ids=range(11))  # fmt: skip
def test_bounded(text: str) -> None:
    begun = time.process_time()
    found = list(ignores.read("Dockerfile", text))
    assert time.process_time() - begun < 3
    assert len(found) <= 1000
    assert all(ignore.last - ignore.line <= 200 and len(ignore.reason) < 1000 and len(ignore.checks) <= 20 for ignore in found)


def test_a_thousand_comments_are_judged_in_time(tmp_path: Path) -> None:
    stacked = "# cc-fleet: ignore[cli-version] so\n" * 40
    text = "FROM node\n" + f"{stacked}{PINNED}\n" * 50
    begun = time.process_time()
    found = judged(tmp_path, {"Dockerfile": text})
    assert time.process_time() - begun < 5
    assert sum(f.waived is not None for f in found if f.check == "cli-version") == 25  # a thousand comments, forty each


def test_a_comment_counts_when_its_text_was_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large repository's texts are not all kept; what they excuse is."""
    monkeypatch.setattr(repo, "HELD", 200)
    for number in range(20):
        (tmp_path / f"{number}.sh").write_text(f"# cc-fleet: ignore[cli-unpinned] number {number}\nnpm i -g @anthropic-ai/claude-code\n", encoding="utf-8")
    assert len(repo.collect(str(tmp_path)).ignores) == 20
