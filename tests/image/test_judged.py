"""An image in reports: one cause is one finding, layers are named in every format, and machines are told as before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cc_fleet import checks
from cc_fleet.model import Finding, Target
from cc_fleet.report import Report, Style, format_, kept, names
from tests import case
from tests.report import sample

BASE = {"line": "ADD rootfs /", "files": {"/etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\n"}}
NPM = "RUN npm install -g @anthropic-ai/claude-code"
OLD = {"line": NPM, "npm": {"/usr/local": "2.1.17"}}


def judged(tmp: Path, lines: list[dict[str, Any]], policy: str = 'policy: case\ncli: {versions: ">=2.1.163"}\n', **more: Any) -> tuple[Target, list[Finding]]:
    tmp.mkdir(exist_ok=True)
    told = {"image": lines, "policy": policy, **more}
    loaded = case.policy(told, tmp)
    target = case.target(told, tmp, loaded)
    return target, checks.judge(loaded.policy, (), [target], "2026-11-23")


def test_a_line_without_a_version_is_the_cause_of_the_version_that_it_brought(tmp_path: Path) -> None:
    line, copy = judged(tmp_path, [BASE, OLD])[1]
    assert (line.check, copy.check) == ("cli-unpinned", "cli-version") or (copy.check, line.check) == ("cli-unpinned", "cli-version")
    found = {one.check: one for one in (line, copy)}
    assert found["cli-version"].problem.because == found["cli-unpinned"].fingerprint
    assert found["cli-unpinned"].problem.because is None


@pytest.mark.parametrize("policy", ["severity: {cli-unpinned: note}", "severity: {cli-unpinned: ignore}", "waivers: [{check: cli-unpinned, reason: r, until: 2026-12-01, owner: o}]"])
def test_a_cause_that_is_less_bad_hides_no_error(tmp_path: Path, policy: str) -> None:
    found = judged(tmp_path, [BASE, OLD], f'policy: case\ncli: {{versions: ">=2.1.163"}}\n{policy}\n')[1]
    assert [one.problem.because for one in found if one.check == "cli-version"] == [None]


def test_a_copy_of_another_layer_has_another_cause(tmp_path: Path) -> None:
    lines = [BASE, {"line": "COPY old /home/node", "native": {"node": ["2.1.17"]}}, {"line": NPM, "npm": {"/usr/local": "2.1.330"}}]
    found = judged(tmp_path, lines)[1]
    assert [one.problem.because for one in found if one.check == "cli-version"] == [None]


def test_fingerprints_do_not_hang_on_layers(tmp_path: Path) -> None:
    one = judged(tmp_path / "a", [BASE, {**OLD, "line": f"{NPM}@2.1.17"}])[1]
    other = judged(tmp_path / "b", [BASE, {"line": "RUN apt-get update", "files": {"/srv/a": ""}}, {**OLD, "line": f"{NPM}@2.1.17"}])[1]
    assert [f.fingerprint for f in one] == [f.fingerprint for f in other]
    assert [f.problem.message for f in one] != [f.problem.message for f in other]


def test_the_views_of_an_image_are_those_of_its_users(tmp_path: Path) -> None:
    policy = "policy: case\nsettings: {model: opus}\n"
    found = judged(tmp_path, [BASE, OLD, {"line": "COPY x /home/node", "files": {"/home/node/.claude/settings.json": '{"model": "haiku"}'}}], policy)[1]
    told = [one.problem.message for one in found if one.check == "setting-value"]
    assert 'model is "haiku", and should be "opus" (for node) (layer 3 of 3: COPY x /home/node)' in told


@pytest.mark.parametrize("name", names())
def test_every_format_names_the_layer(name: str, tmp_path: Path) -> None:
    target, found = judged(tmp_path, [BASE, {**OLD, "line": f"{NPM}@2.1.17"}])
    told = format_(name).render(Report(sample.ABOUT, sample.TIME, (kept(target),), tuple(found)), Style(width=500))
    assert "layer 2 of 2" in told


def test_json_has_the_image_and_its_layers_and_a_machine_has_neither(tmp_path: Path) -> None:
    target, found = judged(tmp_path, [BASE, {**OLD, "line": f"{NPM}@2.1.17"}], config={"User": "node", "Labels": {"org.opencontainers.image.version": "1.2"}})
    report = Report(sample.ABOUT, sample.TIME, (kept(target), sample.LAPTOP), tuple(found))
    document = json.loads(format_("json").render(report))
    image, machine = document["targets"]
    assert (image["image"]["platform"], image["image"]["user"], image["image"]["labels"]) == ("linux/amd64", "node", ["org.opencontainers.image.version=1.2"])
    assert [(layer["number"], layer["command"]) for layer in image["layers"]] == [(1, "ADD rootfs /"), (2, f"{NPM}@2.1.17")]
    assert next(one for one in document["findings"] if one["check"] == "cli-version")["place"]["layer"] == 2
    assert set(machine) == set(image) - {"image", "layers"}
    assert "layer" not in machine["installs"][0]["place"]


@pytest.mark.parametrize(("config", "told"), [({}, "linux/amd64, runs as root, 2 layers"), ({"User": "node"}, "linux/amd64, runs as node, 2 layers")])
def test_the_text_says_what_the_image_is(config: dict[str, str], told: str, tmp_path: Path) -> None:
    target, found = judged(tmp_path, [BASE, OLD], config=config)
    text = format_("text").render(Report(sample.ABOUT, sample.TIME, (kept(target),), tuple(found)))
    assert f"\ncase  image, linux\n  {told}\n" in text.replace("case:1", "case")


def test_fixes_are_for_a_dockerfile(tmp_path: Path) -> None:
    lines = [BASE, {**OLD, "line": f"{NPM}@2.1.17"}, {"line": "COPY x /", "npm": {"/opt": "2.1.330"}, "native": {"node": ["2.1.17"]}}]
    found = judged(tmp_path, lines, 'policy: case\ncli: {versions: ">=2.1.163", one-install: remove, auto-update: false}\n')[1]
    fixes = [one.problem.fix for one in found if one.problem.fix]
    assert fixes
    assert {fix.who for fix in fixes} == {"you"}
    assert {fix.command for fix in fixes} == {None}
    summaries = " ".join(fix.summary for fix in fixes)
    assert "`RUN npm install -g @anthropic-ai/claude-code@2.1.163`" in summaries
    assert "`RUN curl -fsSL https://claude.ai/install.sh | bash -s 2.1.163`" in summaries
    assert "in the RUN that brings it, so that no layer has it: `rm -r " in summaries or "uninstall" in summaries
