"""What is made from the code: compiled data, docs pages, README's examples.  ``--check`` compares instead of writing."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
import tempfile
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from cc_fleet import advisories, checks, compiled, repo
from cc_fleet.checks import judge
from cc_fleet.cli import demo
from cc_fleet.decode import shape
from cc_fleet.host import facts, plugins
from cc_fleet.policy.load import load
from cc_fleet.policy.schema import fields, records, sentences
from cc_fleet.policy.schema import key as schema_key
from cc_fleet.report import About, Report, Style, text
from tests import completions

PROJECT = Path(__file__).resolve().parents[1]
_POLICY = """
Generated from `cc_fleet/policy`. `cc-fleet policy lint FILE` checks a policy, `cc-fleet policy schema` prints the JSON Schema
that editors check it by, `cc-fleet policy init` starts one, `cc-fleet policy show` prints what judges here, and
`cc-fleet policy waive` adds a waiver.

**Which policy judges**: `--policy` (repeatable), else `$CC_FLEET_POLICY`, else `/etc/cc-fleet/policy.yaml`, else the packaged
`default`. Run as root, the file, its groups and their folders must belong to root alone.

**What is laid over what**: a file over those that it `extends`, in their order. `deny`, `gateways`, `advisories`, `waivers` and
`overlays` are united; `cli`, `sessions` and `exceptions` are replaced key by key, `extensions`, `env`, `settings`,
`editor-settings` and `severity` name by name, and anything else whole. A packaged policy with an edition (`default@1`) never
changes; without one the newest is taken, which a later cc-fleet may have.

**Values** are the text that stands there: `2.10` is not `2.1`, and `on` is a word. A range of versions is `">=2.1.163, <2.2"`;
`||` stands between alternatives, `!=` leaves one out, `*` is any. Dates are UTC and hold through the end of that day. A key that
is not known, or stands there twice, is an error with its file, line and column. A variable without its prefix
(`MAX_TOOL_USE_CONCURRENCY`) is understood as the real one.

**Groups** are those that a target's facts tell, those of the `groups` file, and those of `--group`. The file is CSV: machine id or
name, then its groups; a first line `machine,group`, empty lines and `#` comments say nothing. Where machines share a name,
use their ids.
"""
_REPOSITORY = """
Generated from `cc_fleet/repo`, a module a kind of file. `cc-fleet audit --repo DIR` asks git for the files (without git it walks
the folder, and honours `.gitignore`), and reads those whose name is below and that mention Claude Code or a gateway. Nothing of
the repository is run, nothing outside of it is read, and the network is not used.

A version is judged where it is written: the `ARG`, the `env:`, the role's default. What it comes from where that cannot be read
here is `pin-unresolved`; a file that cannot be parsed is a gap (exit code 4), never a pass. In the patterns `**/` stands for any
folders, and a name without `/` counts in every folder.
"""
_CHANGES = """
Generated from `cc_fleet/host/changes`, a module a kind of change. `cc-fleet plan` shows a plan and saves it (`--out plan.json`),
`cc-fleet apply plan.json` makes exactly these changes, `cc-fleet rollback` takes them back.

**Order**: settings and updates off, installs, leftovers and hidden copies, what each user's login shell runs, the version gate.
A change whose own check fails is undone at once. Where an install failed nothing is removed and the gate is not written.

**What a plan expects** of every file and version stands in it. Where one has moved on, nothing is done: *the plan is stale*.

**Whose rights**: as root, what belongs to a user is changed by a process that has that user's rights alone, and no link is followed
out of the home. Below system folders root writes only where nobody but root could have put a link. Without root only the caller's own
things are changed, and the plan says what needs root.

**The journal** is in `/var/lib/cc-fleet` (as root; below `--root` in that tree), else in `~/.local/state/cc-fleet`, for its owner
alone. Every step is on the disk there, with what it replaces, before it is taken. After a crash the next `apply` or `rollback`
first takes back what was half done. What is replaced or removed is kept beside its place under a hidden name
(`.NAME.cc-fleet-RUN.old`) until the run is rolled back.

**MDM**: where the server, a profile or the registry says what managed settings are, a file says nothing, so none is written; the
plan tells what to say there.

**What lifts with a pin**: keys that an earlier run wrote, that still are as it wrote them, and that the policy does not ask for
any more, are removed again.
"""
_NAMES = {
    "Policy": "the policy", "When": "a condition", "AutoUpdate": "auto-update", "Cli": "cli", "Denied": "a denial", "Extension": "an extension",
    "Environment": "a variable", "Setting": "a setting", "GatewayRule": "a gateway", "Sessions": "sessions", "Ring": "a ring", "Exceptions": "exceptions",
    "Allow": "allow", "Waiver": "a waiver", "Overlay": "an overlay",
}  # fmt: skip
_VALUES = {
    "str": "text", "bool": "`true`, `false`", "Range": "versions", "Date": "date", "Value": "text, number, `true`, `false`, `null`", "Numbers": "comparisons",
    "Count": "whole number from 1", "Duration": "`90m`, `24h`, `7d`", "Share": "number, or `25%`",
}  # fmt: skip


def pages() -> Iterator[tuple[Path, str]]:
    """Every generated file with its text."""
    for name, content in compiled.compiled().items():
        yield PROJECT / "cc_fleet" / "data" / name, content
    for name, content in completions.scripts().items():
        yield PROJECT / "cc_fleet" / "data" / "completions" / name, content
    yield PROJECT / "docs" / "checks.md", checks_page()
    yield PROJECT / "docs" / "advisories.md", advisories_page()
    yield PROJECT / "docs" / "policy.md", policy_page()
    yield PROJECT / "docs" / "coverage.md", coverage_page()
    yield PROJECT / "docs" / "repository.md", repository_page()
    yield PROJECT / "docs" / "changes.md", changes_page()
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


def repository_page() -> str:
    """docs/repository.md: the docstring of every reader, with the names of the files that it reads."""
    lines = ["# What is read of a repository", "", *_REPOSITORY.strip().splitlines(), ""]
    for name, reader in repo.readers().items():
        names = ", ".join(f"`{want}`" for want in dict.fromkeys(reader.WANTS))
        lines += [f"## {name}", "", inspect.cleandoc(reader.__doc__ or ""), "", f"Names: {names}", ""]
    return "\n".join(lines).rstrip() + "\n"


def changes_page() -> str:
    """docs/changes.md: the docstring of every kind of change."""
    lines = ["# What apply changes, and how", "", *_CHANGES.strip().splitlines(), ""]
    for name, module in plugins.modules("cc_fleet.host.changes").items():
        lines += [f"## {name}", "", inspect.cleandoc(module.__doc__ or ""), ""]
    return "\n".join(lines).rstrip() + "\n"


def policy_page() -> str:
    """docs/policy.md: an example with every key, then a table for each record of the language."""
    example = (PROJECT / "tests" / "policy" / "complete" / "policy.yaml").read_text(encoding="utf-8")
    lines = ["# The policy language", "", *_POLICY.strip().splitlines(), "", "## Every key, once", "", "```yaml", *example.splitlines(), "```", ""]
    for record in records():
        lines += [f"## {_NAMES[record.__name__]}", "", inspect.cleandoc(record.__doc__ or ""), ""]
        if hasattr(record, "short"):
            lines += [f"`{schema_key(record.short())}` alone may stand for the whole.", ""]
        lines += ["| key | what may stand there | meaning | default |", "|---|---|---|---|"]
        said = sentences(record)
        for key, name in fields(record).items():
            cells = (f"`{key}`", _may_stand(record.__annotations__[name]), said[key], _default(record, name))
            lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _may_stand(into: object) -> str:
    kind, inner = shape(into)
    if kind == "record":
        return f"[{_NAMES[inner.__name__]}](#{_NAMES[inner.__name__].replace(' ', '-')})"
    if kind in ("mapping", "list"):
        return f"{'name: ' if kind == 'mapping' else 'list of '}{_may_stand(inner)}"
    if kind == "words":
        return f"{_may_stand(inner)}, or a list of them"
    if typing.get_origin(inner) is typing.Literal:
        return ", ".join(f"`{word}`" for word in typing.get_args(inner))
    return _VALUES[inner.__name__]


def _default(record: Any, name: str) -> str:
    if name not in record._field_defaults:
        return "required"
    value = record._field_defaults[name]
    return f"`{value}`" if isinstance(value, str) and value else "`false`" if value is False else "`true`" if value is True else ""


def coverage() -> list[dict[str, Any]]:
    """``tests/coverage.yaml``: what is known, section by section, and who answers it."""
    text = (PROJECT / "tests" / "coverage.yaml").read_text(encoding="utf-8")
    sections: list[dict[str, Any]] = yaml.safe_load(text)
    return sections


def coverage_page() -> str:
    """docs/coverage.md: a row for each known fact, with the advisory or check that tells it, or why none does."""
    lines = [
        "# Coverage", "", "Generated from `tests/coverage.yaml`: everything that is known to depend on a version, a flag, a provider, a",
        "gateway, a model or a combination, and the advisories (`CCF-2026-…`) or checks that tell it.",
    ]  # fmt: skip
    for section in coverage():
        lines += ["", f"## {section['section']}: {section['title']}", "", "| where | what is known | told by |", "|---|---|---|"]
        for entry in section["entries"]:
            told = ", ".join(known.removeprefix("CCF-2026-") for known in entry.get("advisories", ())) or entry.get("check") or f"nobody: {entry['why-not']}"
            cells = (entry["where"].removeprefix(f"{section['section']}."), entry["fact"], told)
            lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines) + "\n"


def readme() -> str:
    """README.md with its generated blocks as the program has them now."""
    found = (PROJECT / "README.md").read_text(encoding="utf-8")
    for name, block in (("demo", sample()), ("demo-repo", sample_repository()), ("demo-image", sample_image()), ("demo-apply", sample_apply()), ("apply-help", help_text("apply")), ("plan-help", help_text("plan")), ("help", help_text()), ("audit-help", help_text("audit"))):
        found = re.sub(rf"(<!-- {name} -->\n```text\n).*?(```)", lambda m, new=block: m[1] + new + m[2], found, flags=re.DOTALL)  # type: ignore[misc]
    return found


def help_text(*command: str) -> str:
    """``cc-fleet … --help`` as a terminal of 100 columns shows it."""
    environ = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1"}
    done = subprocess.run([sys.executable, "-m", "cc_fleet", *command, "--help"], env=environ, capture_output=True, text=True, check=True, cwd=PROJECT)
    return done.stdout


def sample_apply() -> str:
    """A plan for the demo's laptop, carried out and taken back, as a terminal shows it."""
    with tempfile.TemporaryDirectory() as folder:
        laptop, policy = os.path.join(folder, "laptop"), os.path.join(folder, "policy.yaml")
        demo.write(laptop)
        Path(policy).write_text(demo._POLICY, encoding="utf-8")
        environ = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "PYTHONPATH": str(PROJECT)}
        told = []
        for command in (["plan", "--out", "plan.json"], ["apply", "plan.json"], ["rollback"]):
            line = ["cc-fleet", *command, "--root", "laptop", "--policy", "policy.yaml"]
            done = subprocess.run([sys.executable, "-m", "cc_fleet", *line[1:]], env=environ, capture_output=True, text=True, check=False, cwd=folder)
            told += [f"$ {' '.join(line)}", *done.stdout.splitlines()]
        return "\n".join(told) + "\n"


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


def sample_repository() -> str:
    """What ``cc-fleet audit`` says of the demo's repository, and ``cc-fleet plan`` proposes."""
    with tempfile.TemporaryDirectory() as folder:
        laptop = os.path.join(folder, "laptop")
        demo.write(laptop)
        shop = os.path.join(laptop, demo.SHOP)
        os.remove(os.path.join(shop, ".claude", "settings.json"))
        environ = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "PYTHONPATH": str(PROJECT), "CC_FLEET_POLICY": "default", "GITHUB_ACTIONS": ""}
        audit = subprocess.run([sys.executable, "-m", "cc_fleet", "audit", "--repo", "."], cwd=shop, env=environ, capture_output=True, text=True, check=False).stdout
    head, _, rest = audit.partition("\n\n")
    shown = [line for line in rest.splitlines() if "↳" not in line and "CCF-2026" not in line and "(Claude Code 2.1.19)" not in line and not line.endswith("shows them")]
    return "\n".join(["$ cc-fleet audit --repo .", head, "", *shown, "$ cc-fleet plan --repo . | git apply", ""])


def sample_image() -> str:
    """What ``cc-fleet audit`` says of the demo's image, the known issues of its version left out."""
    with tempfile.TemporaryDirectory() as folder:
        demo.save(os.path.join(folder, "image.tar"))
        environ = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "PYTHONPATH": str(PROJECT), "CC_FLEET_POLICY": "default", "GITHUB_ACTIONS": ""}
        command = [sys.executable, "-m", "cc_fleet", "audit", "--image", "image.tar"]
        audit = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False).stdout
    parts = [part for part in audit.split("\n\n") if not part.startswith("image config")]
    lines = "\n\n".join(parts).splitlines()
    first, last = (next(at for at, line in enumerate(lines) if mark in line) for mark in ("↳ so: requests", "shows them"))
    return "\n".join(["$ cc-fleet audit --image image.tar", *lines[:first], "     …", *lines[last + 1 :], ""])


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
