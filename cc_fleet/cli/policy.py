"""Check, show, start or change a policy file, or print its JSON Schema."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

from cc_fleet import advisories
from cc_fleet.advisories.examples import ExampleError, failures
from cc_fleet.cli import InputError, _waive
from cc_fleet.cli._judge import chosen_policy, policy_options
from cc_fleet.decode import FILLED, DecodeError
from cc_fleet.policy import SEVERITIES
from cc_fleet.policy.lint import Remark, lint
from cc_fleet.policy.load import PolicyError, load
from cc_fleet.policy.schema import schema

_START = """\
# A cc-fleet policy. `cc-fleet policy lint FILE` checks it, `cc-fleet audit --policy FILE` judges by it.
policy: {name}
extends: [default]

cli:
  versions: ">=2.1.163"        # what may be installed; alternatives with ||, holes with !=
  auto-update: false

# deny:
#   - {{id: OPS-1, versions: "2.1.250", reason: why, instead: "2.1.248"}}

env:
  DISABLE_AUTOUPDATER: "1"

# waivers:
#   - {{check: cli-version, allow: {{versions: "2.1.172"}}, until: 2027-01-31, reason: why, owner: who}}
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", dest="verb", required=True)

    def verb(name: str, told: str) -> argparse.ArgumentParser:
        return verbs.add_parser(name, help=told, description=f"{told[0].upper()}{told[1:]}.", formatter_class=parser.formatter_class, allow_abbrev=False)

    check = verb("lint", "everything that is wrong in policy files and their own advisories, with file:line:col")
    check.add_argument("file", metavar="FILE", nargs="*")
    check.add_argument("--format", choices=("text", "json"), default="text")
    policy_options(check)
    show = verb("show", "the policy that judges here, with all that it extends")
    show.add_argument("file", metavar="FILE", nargs="*")
    show.add_argument("--format", choices=("text", "json"), default="text")
    policy_options(show)
    init = verb("init", "a policy to start from, written to FILE or printed")
    init.add_argument("file", metavar="FILE", nargs="*")
    verb("schema", "the JSON Schema of policy files, for editors")
    _waive.arguments(verb("waive", "add a waiver to a policy file, which keeps its comments"))


def run(args: argparse.Namespace) -> int:
    return {"lint": _lint, "show": _show, "init": _init, "schema": _schema, "waive": _waive.run}[args.verb](args)


def _lint(args: argparse.Namespace, today: str | None = None) -> int:
    """``today`` (an ISO date, UTC) is for tests: waivers run out."""
    files = [*args.file, *args.policy]
    if not files:
        raise InputError("policy lint: name a policy file")
    today = today or time.strftime("%Y-%m-%d", time.gmtime())
    remarks, errors = [], []
    for file in files:
        try:
            found = list(_remarks(file, today))
        except (PolicyError, DecodeError) as err:
            errors.append(str(err))
            continue
        remarks += found
        if args.format == "text":
            for remark in found:
                print("".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(remark)))
            print(f"{file}: {_counted(found)}")
    if args.format == "json":
        print(json.dumps([_as_json(remark) for remark in remarks], indent=1))
    if errors:
        raise InputError("\n".join(errors))
    return 1 if any(remark.severity == "error" for remark in remarks) else 0


def _remarks(file: str, today: str) -> Iterator[Remark]:
    """What cannot hold in the policy, after what its own advisories say wrongly of their examples."""
    loaded = load([file])
    known = advisories.load(loaded.folders)
    for advisory in (own for folder in loaded.folders for own in advisories.read_folder(folder)):
        try:
            for told in failures(advisory):
                yield Remark("error", advisory.id, told.removeprefix(f"{advisory.place}: {advisory.id}: "), advisory.place)
        except ExampleError as err:
            yield Remark("error", advisory.id, f"examples: {err}", advisory.place)
    yield from lint(loaded, today, {advisory.id: advisory.affects.versions if advisory.affects else None for advisory in known})


def _counted(remarks: Sequence[Remark]) -> str:
    counts = [(level, sum(remark.severity == level for remark in remarks)) for level in SEVERITIES]
    told = [f"{number} {level}{'s' * (number > 1)}" for level, number in counts if number]
    return ", ".join(told if counts[0][1] else ["read without errors", *told])


def _as_json(remark: Remark) -> dict[str, Any]:
    file, line, column = remark.place[:3]
    return {"severity": remark.severity, "file": file, "line": line or 1, "column": column or 1, "where": remark.where, "message": remark.message}


def _show(args: argparse.Namespace) -> int:
    loaded = chosen_policy([*args.file, *args.policy])
    data = _plain(loaded.policy)
    if args.format == "json":
        print(json.dumps({"policy": data, "files": list(loaded.files), "sha256": loaded.sha256}, indent=1))
        return 0
    import yaml

    print(f"# {loaded.policy.policy}: {' + '.join(loaded.files)}; sha256 {loaded.sha256}")
    sys.stdout.write(yaml.safe_dump(data, sort_keys=False, allow_unicode=(sys.stdout.encoding or "").lower().startswith("utf"), width=100))
    return 0


def _init(args: argparse.Namespace) -> int:
    if len(args.file) > 1:
        raise InputError("policy init: name one file")
    if not args.file:
        sys.stdout.write(_START.format(name="mine"))
        return 0
    file = args.file[0]
    name = os.path.basename(file).partition(".")[0] or "mine"
    try:
        with open(file, "x", encoding="utf-8") as out:
            out.write(_START.format(name=json.dumps(name, ensure_ascii=False) if not name.isidentifier() else name))
    except OSError as err:
        raise InputError(f"{file}: {(err.strerror or 'cannot be written').lower()}") from None
    print(f"{file}: written; `cc-fleet policy lint {file}` checks it")
    return 0


def _schema(args: argparse.Namespace) -> int:
    print(json.dumps(schema(), indent=1))
    return 0


def _plain(value: Any) -> Any:
    """A policy as the YAML that would give it: no defaults that were not written, no places."""
    if isinstance(value, (bool, int, str)):
        return value if isinstance(value, bool) else int(value) if isinstance(value, int) else str(value)
    if hasattr(value, "json"):
        return value.json
    if hasattr(value, "parse"):
        return value.text
    if hasattr(value, "_fields"):
        defaults, given = value._field_defaults, getattr(value, "given", ())
        items = ((name, getattr(value, name)) for name in value._fields if name not in (*FILLED, "extends"))
        return {name.replace("_", "-"): _plain(inner) for name, inner in items if name in given or inner != defaults.get(name, ...)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return {name: _plain(inner) for name, inner in value.items()} if isinstance(value, dict) else value
