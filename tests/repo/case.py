"""A case of a repository: its files, and what must be found in them.

    form: 'npm i -g a b@v'         # the form seen in public files that it shows, if it is one
    policy: {env: {…}}             # keys laid over the standard policy below
    files: {Dockerfile: "FROM …"}
    links: {a: ../../b}            # symbolic links
    findings: ["Dockerfile:2 cli-version cli@2.1.17"]     # in the order of file, then line
    gaps: ["x.yml:3"]              # what is there and cannot be read
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from cc_fleet import checks, repo
from cc_fleet.policy.load import load

if TYPE_CHECKING:
    from pathlib import Path

    from cc_fleet.model import Finding, Target

POLICY = """
policy: case
cli: {versions: ">=2.1.163, <=2.1.330"}
deny:
  - {id: OPS-9, product: cli, versions: "2.1.250", reason: duplicate tool ids, instead: "2.1.248"}
  - {id: OPS-10, product: litellm, versions: "1.82.7 || 1.82.8", reason: compromised}
extensions: {anthropic.claude-code: {versions: ">=2.1.163", pinned: true}}
gateways: [{url: "https://llm.acme.example/*", kind: litellm, versions: ">=1.91"}]
"""


def read(file: Path) -> dict[str, Any]:
    """The case in ``file``."""
    loaded = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


def laid_out(case: dict[str, Any], root: Path) -> None:
    """The case's files and links below ``root``."""
    for path, text in case["files"].items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="")
    for path, link in case.get("links", {}).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).symlink_to(link)


def target(case: dict[str, Any], tmp: Path) -> Target:
    """The facts of the case's repository."""
    laid_out(case, tmp / "shop")
    return repo.collect(str(tmp / "shop"))


def findings(case: dict[str, Any], tmp: Path) -> list[Finding]:
    """What the case's policy finds in its repository."""
    file = tmp / "policy.yaml"
    file.write_text(yaml.safe_dump({**yaml.safe_load(POLICY), **case.get("policy", {})}), encoding="utf-8")
    loaded = load([str(file)])
    (tmp / "shop").mkdir()
    laid_out(case, tmp / "shop")
    found = repo.collect(str(tmp / "shop"), loaded.policy.names())
    return checks.judge(loaded.policy, (), [found], "2026-11-24")


def said(finding: Finding) -> str:
    """A finding as a case writes it."""
    place = finding.problem.place
    return f"{place.file}:{place.line} {finding.check} {finding.problem.subject}"
