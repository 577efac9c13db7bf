"""What is made from the code: compiled data, docs pages, README's examples.  ``--check`` compares instead of writing."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from cc_fleet import advisories, checks, compiled
from cc_fleet.checks import judge
from cc_fleet.cli import demo
from cc_fleet.host import facts
from cc_fleet.policy.load import load
from cc_fleet.report import About, Report, Style, text
from tests import completions

PROJECT = Path(__file__).resolve().parents[1]


def pages() -> Iterator[tuple[Path, str]]:
    """Every generated file with its text."""
    for name, content in compiled.compiled().items():
        yield PROJECT / "cc_fleet" / "data" / name, content
    for name, content in completions.scripts().items():
        yield PROJECT / "cc_fleet" / "data" / "completions" / name, content
    yield PROJECT / "docs" / "checks.md", checks_page()
    yield PROJECT / "docs" / "advisories.md", advisories_page()
    yield PROJECT / "README.md", readme()


def checks_page() -> str:
    """docs/checks.md: the docstring of every check."""
    lines = ["# Checks", "", "Generated from the checks' docstrings. `cc-fleet explain NAME` prints the same.", ""]
    for name, check in checks.all_checks().items():
        lines += [f"## {name}", "", f"*{check.SEVERITY}*", "", inspect.cleandoc(check.__doc__ or ""), ""]
    return "\n".join(lines).rstrip() + "\n"


def advisories_page() -> str:
    """docs/advisories.md: a row for each known issue."""
    lines = [
        "# Advisories", "", "Generated from `cc_fleet/advisories`. `cc-fleet explain ID` prints cause, remedies and sources.", "",
        "| id | what happens | versions | severity | check | known |", "|---|---|---|---|---|---|",
    ]  # fmt: skip
    for advisory in advisories.load():
        versions = str(advisory.affects.versions or "all") if advisory.affects else ""
        told = versions.replace("|", "\\|")
        lines.append(f"| {advisory.id} | {advisory.title} | {told} | {advisory.severity} | {advisory.check} | {advisory.evidence.level} |")
    return "\n".join(lines) + "\n"


def readme() -> str:
    """README.md with its generated blocks as the program has them now."""
    found = (PROJECT / "README.md").read_text(encoding="utf-8")
    for name, block in (("demo", sample()), ("help", help_text()), ("audit-help", help_text("audit"))):
        found = re.sub(rf"(<!-- {name} -->\n```text\n).*?(```)", lambda m, new=block: m[1] + new + m[2], found, flags=re.DOTALL)  # type: ignore[misc]
    return found


def help_text(*command: str) -> str:
    """``cc-fleet … --help`` as a terminal of 100 columns shows it."""
    environ = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1"}
    done = subprocess.run([sys.executable, "-m", "cc_fleet", *command, "--help"], env=environ, capture_output=True, text=True, check=True, cwd=PROJECT)
    return done.stdout


def sample() -> str:
    """The head of what ``cc-fleet demo`` prints."""
    with tempfile.TemporaryDirectory() as folder:
        laptop, policy = os.path.join(folder, "laptop"), os.path.join(folder, "policy.yaml")
        demo.write(laptop)
        Path(policy).write_text(demo._POLICY, encoding="utf-8")
        loaded, target = load([policy]), facts.collect(demo.sample(laptop))._replace(collected_at="2026-11-23T00:00:00Z")
        known = advisories.load()
        found = judge(loaded.policy, known, [target], "2026-11-23")
        about = About("demo", ("default.yaml", "policy.yaml"), loaded.sha256, len(known), advisories.digest())
        shown = text.render(Report(about, "2026-11-23T00:00:00Z", (target,), tuple(found), "/home/ada"), Style(width=100))
    head, last = shown.splitlines()[:34], shown.splitlines()[-1]
    return "\n".join([*head, "…", last]) + "\n"


def main(arguments: list[str]) -> int:
    stale = 0
    for path, content in pages():
        same = path.exists() and path.read_text(encoding="utf-8") == content
        stale += not same
        if not same:
            print(f"{path.relative_to(PROJECT)}: {'is not what the code gives; run `nox -s generate`' if arguments else 'written'}")
            if not arguments:
                path.parent.mkdir(exist_ok=True)
                path.write_text(content, encoding="utf-8")
    return 1 if stale and arguments else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
