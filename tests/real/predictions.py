"""cc-fleet's "is the flag in effect?" against what real clients send.

    python -m tests.real.predictions               every combination; writes docs/predictions.md
    python -m tests.real.predictions --sample 45   that many, chosen pairwise; writes nothing

A combination gives each source of settings a text; cc-fleet reads the files and predicts, the
real client runs in a sandbox, and the recorder's request tells. Exit code 1 where they differ.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from cc_fleet.client import View, truth, views
from cc_fleet.host import facts
from cc_fleet.host.machine import Machine, User
from cc_fleet.host.tree import Disk
from cc_fleet.model import Install, Place
from tests.real.sandbox import BASE, Layout, install, missing, observe, observe_concurrency

FLAG = "CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS"
LIMIT = truth.CONCURRENCY
# The beta that the flag removes behind a gateway, by version (facts/wire.md 2).
REMOVED = {"2.1.25": "prompt-caching-scope", "2.1.112": "prompt-caching-scope", "2.1.330": "context-management"}
SOURCES = ("process", "global", "user", "project", "local", "managed", "drop-in")
VALUES = ('"1"', '"0"', '"true"', '"on"', '"2"', '""', "1", "0", "true", "null", '["1"]', '" YES "', "broken", "comment", "model-5", "env-list")
FILES = {"broken": '{{"env": {{"{name}": "1",}}}}', "comment": '{{"env": {{"{name}": "1"}}}} // {name}',
         "model-5": '{{"model": 5, "env": {{"{name}": "1"}}}}', "env-list": '{{"env": ["{name}"]}}'}  # fmt: skip
DOCS = Path(__file__).resolve().parents[2] / "docs" / "predictions.md"
Combination = dict[str, str]


class Result(NamedTuple):
    version: str
    name: str
    sources: Combination
    predicted: str
    observed: str


def combinations(seed: int, count: int) -> list[Combination]:
    """``count`` combinations: every pair of sources in conflict both ways, then those that pair most values anew."""
    chosen: list[Combination] = []
    for low, high in itertools.combinations(SOURCES, 2):
        chosen += [{low: '"1"', high: '"0"'}, {low: '"0"', high: '"1"'}]
    rng = random.Random(seed)
    seen = {pair for combination in chosen for pair in _pairs(combination)}
    while len(chosen) < count:
        candidates = [_random(rng) for _ in range(60)]
        best = max(candidates, key=lambda c: len(_pairs(c) - seen))
        seen |= _pairs(best)
        chosen.append(best)
    return chosen[:count]


def _random(rng: random.Random) -> Combination:
    given = rng.sample(SOURCES, rng.randint(2, 5))
    combination = {source: rng.choice(VALUES) for source in SOURCES if source in given}
    if "process" in combination:
        combination["process"] = rng.choice(('"1"', '"0"', '"true"', '"on"', '"2"', '""'))
    if "global" in combination:  # a broken one keeps every client from asking anything
        combination["global"] = rng.choice(('"1"', '"0"', '"on"', "1", "0", "true"))
    return combination


def _pairs(combination: Combination) -> set[tuple[tuple[str, str], tuple[str, str]]]:
    return set(itertools.combinations(sorted(combination.items()), 2))


def layout(combination: Combination, name: str) -> Layout:
    """The combination as files and environment."""
    texts = {source: _text(value, name) for source, value in combination.items() if source != "process"}
    return Layout(
        environ={name: json.loads(combination["process"])} if "process" in combination else {},
        user=texts.get("user"), project=texts.get("project"), local=texts.get("local"), managed=texts.get("managed"),
        drop_ins={"50-x.json": texts["drop-in"]} if "drop-in" in texts else {},
        files={"home/.claude.json": texts["global"]} if "global" in texts else {},
    )  # fmt: skip


def _text(value: str, name: str) -> str:
    return FILES[value].format(name=name) if value in FILES else f'{{"env": {{"{name}": {value}}}}}'


def view(files: Layout, version: str, root: Path) -> View:
    """What cc-fleet makes of the same files."""
    for path, text in files.all_files().items():
        target = root / path.replace("etc/", "etc/claude-code/") if path.startswith("etc/") else root / "mnt" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode("utf-8", "surrogateescape"))
    ada = User("ada", "/mnt/home", "sh")
    environ = {**BASE, **files.environ}
    machine = Machine(Disk(str(root)), "machine", "lab", "linux", (ada,), privileged=False, environ=environ, caller=ada, cwd="/mnt/work")
    read = facts.collect(machine)
    copy = Install("cli", version, "npm", Place("/client"), ("ada",))
    return list(views(read._replace(installs=(copy,))))[-1]


def flag(version: str, combination: Combination) -> Result:
    """Predict and observe the flag."""
    files = layout(combination, FLAG)
    with tempfile.TemporaryDirectory() as root:
        seen = view(files, version, Path(root))
        starts = all(void.starts for void in seen.voided())
        predicted = _word(seen.is_on(FLAG)) if starts else "no start"
    found = observe(install(version), files)
    sent = any(beta.startswith(REMOVED[version]) for beta in found.betas)
    return Result(version, FLAG, combination, predicted, _word(not sent) if found.requests else "no start")


def limit(version: str, combination: Combination) -> Result:
    """Predict and observe how many of six tools run at once."""
    files = layout(combination, LIMIT)
    with tempfile.TemporaryDirectory() as root:
        text = view(files, version, Path(root)).env(LIMIT).value
    numbers = tuple(int(part) for part in version.split("."))
    allowed = truth.concurrency(str(text or ""), (numbers[0], numbers[1], numbers[2]))
    predicted = 6 if allowed is None else min(6, allowed)
    return Result(version, LIMIT, combination, str(predicted), str(observe_concurrency(install(version), files, parallel=6)))


LIMITS: tuple[tuple[str, Combination], ...] = (
    ("2.1.112", {"process": '"1"'}), ("2.1.112", {"user": '"3"'}), ("2.1.112", {"process": '"3"', "user": '"1"'}),
    ("2.1.112", {"process": '"1"', "managed": '"4"'}), ("2.1.112", {"user": '"1e1"'}), ("2.1.112", {"user": '"2.9"'}),
    ("2.1.112", {"user": '"-1"'}), ("2.1.112", {"project": '"abc"', "user": '"1"'}), ("2.1.112", {"local": "2", "drop-in": '""'}),
    ("2.1.25", {"process": '"-1"'}), ("2.1.25", {"user": '"2"', "drop-in": '"1"'}), ("2.1.330", {"user": '"1"'}),
)  # fmt: skip


def _word(on: bool) -> str:
    return "on" if on else "off"


def plan(count: int) -> list[tuple[str, str, Combination]]:
    """Every run: 64 combinations a version, and the limits."""
    runs = [("flag", version, c) for at, version in enumerate(REMOVED) for c in combinations(at, 64)]
    return [*runs, *(("limit", version, c) for version, c in LIMITS)][: count or None]


def sample(count: int) -> list[tuple[str, str, Combination]]:
    """At most ``count`` runs of the plan: a spread of limits, then those that pair most values anew for each version."""
    runs = plan(0)
    chosen = [run for run in runs if run[0] == "limit"][::4]
    left = [run for run in runs if run[0] == "flag"]
    seen: set[object] = set()
    for version in itertools.cycle(REMOVED):
        if not left or len(chosen) >= count:
            break
        mine = [run for run in left if run[1] == version]
        best = max(mine or left, key=lambda run: len({(run[1], pair) for pair in _pairs(run[2])} - seen))
        left.remove(best)
        chosen.append(best)
        seen |= {(best[1], pair) for pair in _pairs(best[2])}
    return chosen


def run(runs: list[tuple[str, str, Combination]]) -> Iterator[Result]:
    for number, (kind, version, combination) in enumerate(runs, 1):
        result = flag(version, combination) if kind == "flag" else limit(version, combination)
        mark = "ok" if result.predicted == result.observed else "DIFFERS"
        print(f"{number:>3}/{len(runs)} {mark} {version} {combination} predicted {result.predicted}, observed {result.observed}", flush=True)
        yield result


def table(results: list[Result]) -> str:
    """docs/predictions.md."""
    lines = [
        "# Predictions against the real client", "",
        "Generated by `nox -s predictions`. Each row gave the sources named there to a real Claude Code, installed from npm,",
        "in a network and mount namespace of its own; *predicted* is what cc-fleet says is in effect, *observed* what the client",
        "sent (for the flag: whether the beta that it removes was gone; for the limit: how many of six tools ran at once).",
        "`broken` is a trailing comma, `comment` a comment, `model-5` a model that is no text, `env-list` an env that is a list;",
        "*no start* means that the client ended before any request.", "",
        "| version | variable | sources | predicted | observed |", "|---|---|---|---|---|",
    ]  # fmt: skip
    for result in results:
        told = ", ".join(f"{source} `{value}`" for source, value in result.sources.items())
        short = "flag" if result.name == FLAG else "limit"
        lines.append(f"| {result.version} | {short} | {told} | {result.predicted} | {result.observed} |")
    differ = sum(1 for result in results if result.predicted != result.observed)
    by_version = {version: sum(1 for r in results if r.version == version and r.name == FLAG) for version in REMOVED}
    told = ", ".join(f"{number} on {version}" for version, number in by_version.items())
    lines += ["", f"flag = `{FLAG}` ({told}); limit = `{LIMIT}` ({sum(1 for r in results if r.name == LIMIT)}). {differ} differ."]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, metavar="N")
    args = parser.parse_args()
    if reason := missing():
        print(f"predictions: {reason}", file=sys.stderr)
        return 1
    start = time.monotonic()
    results = list(run(sample(args.sample) if args.sample else plan(0)))
    differ = [result for result in results if result.predicted != result.observed]
    if not args.sample:
        DOCS.write_text(table(results), encoding="utf-8")
    print(f"{len(results) - len(differ)} passed, {len(differ)} failed")
    print(f"predictions: {len(results)} runs of real clients in {time.monotonic() - start:.0f} s, {len(differ)} differ")
    return 1 if differ else 0


if __name__ == "__main__":
    raise SystemExit(main())
