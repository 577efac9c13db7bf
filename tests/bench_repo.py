"""cc-fleet on repositories, side by side with hadolint, zizmor, git and ripgrep.

    python tests/bench_repo.py BIN [RUNS]    BIN holds cc-fleet, hadolint and zizmor; git and rg are the machine's

What each finds about installs of Claude Code in the labelled cases; what a thousand relevant files and a
repository of fifty thousand cost. Fails where they find what cc-fleet does not, or where a ratio of CPU is over its bound.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import yaml

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # run with -I, which leaves it out
from tests.bench import medians

HERE = os.path.dirname(os.path.abspath(__file__))
POLICY = 'policy: bench\ncli: {versions: ">=2.1.163, <=2.1.330"}\ngateways: [{url: "https://llm.acme.example/*", kind: litellm, versions: ">=1.91"}]\n'
DOCKERFILE = re.compile(r"(?:.*[./-])?(?:docker|container)file(?:[.-](?!md$|ts$|ya?ml$)[\w.-]+)?", re.IGNORECASE)
WORKFLOW = re.compile(r"(?:.*/)?\.github/workflows/[^/]+\.ya?ml|(?:.*/)?action\.ya?ml")
PINS = ("cli-version", "cli-unpinned", "cli-unpublished", "pin-unresolved", "action-unpinned", "gateway-version", "extension-version", "extension-unpinned")
VERSIONS = ("DL3006", "DL3007", "DL3008", "DL3013", "DL3016", "DL3018", "unpinned-uses", "unpinned-images", "unpinned-tools", "known-vulnerable-actions", "ref-confusion", "stale-action-refs")
FILES, RELEVANT, OTHERS = 1_000, 20, 50_000
BOUND = 2.0


class Line(NamedTuple):
    """A finding of one of the tools, of the lines of the statement that it is about."""

    file: str
    start: int
    end: int
    rule: str


# What each finds


def laid_out(root: str, change: Callable[[str], str] = lambda text: text) -> list[str]:
    """The files of every labelled case below ``root``, each case in a folder of its own; their paths."""
    cases = os.path.join(HERE, "repo", "cases")
    written = []
    for kind in sorted(os.listdir(cases)):
        for name in sorted(os.listdir(os.path.join(cases, kind))):
            with open(os.path.join(cases, kind, name), encoding="utf-8") as file:
                told = yaml.load(file, Loader=yaml.CSafeLoader)
            for path, text in told["files"].items():
                written.append(f"{kind}/{name.removesuffix('.yaml')}/{path}")
                write(root, written[-1], change(text))
    return written


def write(root: str, path: str, text: str) -> None:
    file = os.path.join(root, path)
    os.makedirs(os.path.dirname(file), exist_ok=True)
    with open(file, "w", encoding="utf-8", errors="surrogateescape", newline="") as out:
        out.write(text)


def pinned(text: str) -> str:
    """``text`` with Claude Code and LiteLLM pinned: what is still found in it is about something else."""
    text = re.sub(r"(?<![\w/-])@anthropic-ai/claude-code(?![\w-])(?:@[^\s\"'&|;)]*)?", "@anthropic-ai/claude-code@2.1.330", text)
    text = re.sub(r"(?<![\w/.-])litellm(\[[^\]]*\])?(?![\w:/-])(?:[=<>~!]=?[^\s\"'&|;)]*)?", r"litellm\1==1.91.0", text)
    text = re.sub(r"((?:ghcr\.io/)?berriai/litellm[\w-]*|anthropic-ai/claude-code|anthropics/claude-code)(?::[\w.-]+)?(?=\s|$)", r"\1:v1.91.0", text)
    return re.sub(r"(anthropics/claude-code(?:-base)?-action)@[\w./-]+", rf"\1@{'0123456789' * 4}", text)


def hadolint(program: str, root: str, files: list[str]) -> list[Line]:
    told = output([program, "--no-fail", "--format", "json", *files], root) or []
    return [Line(one["file"], one["line"], one["line"], one["code"]) for one in told]


def zizmor(program: str, root: str, files: list[str]) -> list[Line]:
    """File by file: where one of its audits fails it tells nothing of any."""
    found = []
    for file in files:
        told = output([program, "--offline", "--no-exit-codes", "--no-progress", "--quiet", "--persona", "auditor", "--no-config", "--format", "json-v1", file], root)
        if told is None and root.endswith("cases"):
            print(f"  zizmor stops at {file}")
        found += [Line(file, spot["start_point"]["row"] + 1, spot["end_point"]["row"] + 1, one["ident"]) for one in told or () for spot in _spots(one)]
    return found


def _spots(finding: dict[str, Any]) -> Iterator[dict[str, dict[str, int]]]:
    return (place["concrete"]["location"] for place in finding["locations"] if place["symbolic"]["kind"] == "Primary")


def output(command: list[str], folder: str) -> list[dict[str, Any]] | None:
    """The findings that a program prints as JSON; None where it prints something else."""
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return list(json.loads(ran.stdout)) if ran.stdout.startswith("[") else None


def fleet(program: str, root: str, policy: str) -> list[Line]:
    """What cc-fleet finds about installs, from the line where it is written or said to the one that it is used on."""
    command = [program, "audit", "--format", "json", "--policy", policy]
    cases = sorted({"/".join(path.split("/")[:2]) for path in _paths(root)})
    ran = subprocess.run([*command, *(word for case in cases for word in ("--repo", case))], cwd=root, capture_output=True, text=True, check=False)
    told = json.loads(ran.stdout)
    named = dict(zip((target["name"] for target in told["targets"]), cases, strict=True))
    found = []
    for one in told["findings"]:
        if one["check"] in PINS:
            spots = [one["place"], *(step["place"] for step in one.get("trace", ()) if step.get("place"))]
            found += [Line(f"{named[one['target']]}/{spot['file']}", spot["line"], spot["line"], one["check"]) for spot in spots if spot.get("line")]
    return found


def _paths(root: str) -> Iterator[str]:
    for folder, _, names in os.walk(root):
        yield from (os.path.relpath(os.path.join(folder, name), root) for name in names)


def statement(text: str, line: int) -> int:
    """The last line of the Dockerfile instruction that begins at ``line``."""
    lines = text.splitlines()
    while line < len(lines) and (lines[line - 1].rstrip().endswith("\\") or lines[line - 1].lstrip().startswith("#")):
        line += 1
    return line


def compared(bin_: str, tmp: str) -> int:
    """Print what each finds, and the lines that only the others find; how many of these are about a version."""
    root, other, policy = (os.path.join(tmp, name) for name in ("cases", "pinned", "policy.yaml"))
    files = laid_out(root)
    laid_out(other, pinned)
    write(tmp, "policy.yaml", POLICY)
    ours, missed = fleet(os.path.join(bin_, "cc-fleet"), root, policy), 0
    for name, ask, kind in (("hadolint", hadolint, DOCKERFILE), ("zizmor", zizmor, WORKFLOW)):
        theirs_read = [file for file in files if kind.fullmatch(file)]
        program = os.path.join(bin_, name)
        about_others = Counter((one.file, one.start, one.rule) for one in ask(program, other, theirs_read))
        theirs = [one for one in ask(program, root, theirs_read) if not about_others[one.file, one.start, one.rule]]
        if name == "hadolint":
            theirs = [one._replace(end=statement(_read(root, one.file), one.start)) for one in theirs]
        missed += _table(name, len(theirs_read), theirs, [one for one in ours if one.file in set(theirs_read)], root)
    return missed


def _read(root: str, file: str) -> str:
    with open(os.path.join(root, file), encoding="utf-8", errors="surrogateescape") as opened:
        return opened.read()


def _table(name: str, files: int, theirs: list[Line], ours: list[Line], root: str) -> int:
    lines = {(one.file, one.start) for one in ours}
    seen = {(one.file, line) for one in theirs for line in range(one.start, one.end + 1)}
    both = [one for one in theirs if any((one.file, line) in lines for line in range(one.start, one.end + 1))]
    alone = sorted(set(theirs) - set(both))
    missed = [one for one in alone if one.rule in VERSIONS]
    print(f"\n{name} and cc-fleet on the {files} files of the labelled cases that {name} reads; findings about installs of Claude Code and gateways:")
    for rule, number in sorted(Counter(one.rule for one in theirs).items()):
        print(f"  {name} {rule:<22} {number:4}  of which cc-fleet finds {sum(one.rule == rule for one in both)}")
    for check in sorted({one.rule for one in ours}):
        mine = {one for one in ours if one.rule == check}
        print(f"  cc-fleet {check:<22} {len(mine):4}  of which {name} finds {len({one for one in mine if (one.file, one.start) in seen})}")
    print(f"  both {len(both)}, only {name} {len(alone)} ({len(missed)} of them about a version), only cc-fleet {len({(one.file, one.start) for one in ours} - seen)}")
    for one in alone:
        print(f"    only {name}, {'a version' if one in missed else 'not about a version'}: {one.file}:{one.start}: {one.rule}: {_read(root, one.file).splitlines()[one.start - 1].strip()[:120]}")
    return len(missed)


# What it costs


def relevant(number: int, chance: random.Random) -> tuple[str, str]:
    """A file of a repository that has to do with Claude Code: of every ten three are Dockerfiles, three workflows."""
    version = f"2.1.{chance.randint(163, 330)}"
    package = chance.choice((f"@anthropic-ai/claude-code@{version}", "@anthropic-ai/claude-code", f'"@anthropic-ai/claude-code@{version}"'))
    kind = ("docker", "docker", "docker", "workflow", "workflow", "workflow", "shell", "package", "compose", "other")[number % 10]
    if kind == "docker":
        return f"images/{number}/Dockerfile", DOCKER.format(package=package, version=version, number=number, ports=chance.randint(1000, 9999))
    if kind == "workflow":
        jobs = "".join(JOB.format(name=f"job{job}", package=package, number=number) for job in range(chance.randint(1, 4)))
        return f"services/{number}/.github/workflows/ci.yml" if number % 2 else f".github/workflows/ci{number}.yml", f"name: ci {number}\non: [push, pull_request]\njobs:\n{jobs}"
    if kind == "shell":
        return f"scripts/{number}.sh", "#!/usr/bin/env bash\nset -euo pipefail\n" + "".join(f'log() {{ echo "[$(date)] $1"; }}\nif [ ! -d "$HOME/.cache/{step}" ]; then\n  mkdir -p "$HOME/.cache/{step}" && log "made {step}"\nfi\n' for step in range(chance.randint(3, 20))) + f"npm install -g {package}\n"
    if kind == "package":
        wants = {f"package-{one}": f"^{chance.randint(0, 9)}.{chance.randint(0, 20)}.0" for one in range(chance.randint(5, 60))}
        return f"services/{number}/package.json", json.dumps({"name": f"service-{number}", "scripts": {"build": "tsc -p ."}, "dependencies": wants, "devDependencies": {"@anthropic-ai/claude-code": version}}, indent=2)
    if kind == "compose":
        services = "".join(f"  service{one}:\n    build:\n      context: .\n      args: {{CLAUDE_CODE_VERSION: {version}}}\n    environment:\n      - PORT={one}\n    ports: ['{one}:{one}']\n" for one in range(chance.randint(1, 8)))
        return f"services/{number}/docker-compose.yml", f"services:\n{services}"
    return f"services/{number}/.devcontainer/devcontainer.json", json.dumps({"name": "x", "image": "mcr/devcontainers/base", "postCreateCommand": f"npm i -g {package}", "customizations": {"vscode": {"extensions": ["anthropic.claude-code"]}}}, indent=2)


DOCKER = """# syntax=docker/dockerfile:1
FROM node:22-bookworm-slim AS base
ARG CLAUDE_CODE_VERSION={version}
ENV NODE_ENV=production \\
    LANG=C.UTF-8
RUN apt-get update && apt-get install -y --no-install-recommends \\
        ca-certificates \\
        curl \\
        git \\
        ripgrep \\
    && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev
FROM base
# claude, for the reviews of service {number}
RUN npm install -g {package} typescript@5.9.3
COPY --from=base /app /app
COPY . .
USER node
HEALTHCHECK CMD curl -f http://localhost:{ports}/ || exit 1
EXPOSE {ports}
CMD ["node", "server.js"]
"""
JOB = """  {name}:
    runs-on: ubuntu-latest
    permissions:
      contents: read
    steps:
      - uses: actions/checkout@v5
      - uses: actions/setup-node@v6
        with:
          node-version: 22
          cache: npm
      - name: Install {number}
        run: |
          npm ci
          npm install -g {package}
      - run: npm test
      - uses: anthropics/claude-code-action@v1
        with:
          anthropic_api_key: ${{{{ secrets.ANTHROPIC_API_KEY }}}}
          prompt: "Review this change"
"""
_OTHER = (
    *(f"{folder}/{{0}}/{{1}}.{end}" for folder, end in (("src", "py"), ("src", "ts"), ("pkg", "go"), ("docs", "md"), ("assets", "svg"), ("lib", "java"), ("src", "json"), ("web", "css"), ("src", "h"))),
    *(f"{folder}/{{0}}/test_{{1}}.{end}" for folder, end in (("tests", "py"), ("src", "ts"), ("pkg", "go"), ("tests", "txt"), ("web", "html"), ("lib", "java"), ("src", "c"), ("web", "tsx"), ("src", "rs"))),
    "config/{0}/{1}.yaml", "scripts/{0}/{1}.sh",
)  # fmt: skip
_READ = "config/{0}/{1}.yaml", "scripts/{0}/{1}.sh", "src/{0}/{1}.py", "src/{0}/{1}.ts", "docs/{0}/{1}.md"


def thousand(root: str) -> list[str]:
    """A thousand relevant files; the Dockerfiles among them."""
    chance = random.Random(4)
    made = [relevant(number, chance) for number in range(FILES)]
    for path, text in made:
        write(root, path, text)
    return [path for path, _ in made if path.endswith("Dockerfile")]


def large(root: str, others: tuple[str, ...] = _OTHER) -> None:
    """Fifty thousand files, of which twenty are relevant; of the others every tenth, or more, has a name for which it must be read."""
    chance = random.Random(5)
    for number in range(OTHERS - RELEVANT):
        write(root, others[number % len(others)].format(number // 200, number), "x = 1\n" * chance.randint(1, 40))
    for number in range(RELEVANT):
        write(root, *relevant(number, chance))
    write(root, ".gitignore", "*.log\n/build/\nnode_modules/\n")


def costs(bin_: str, tmp: str, runs: int) -> int:
    """Print what the thousand and the fifty thousand cost beside the others, and how many bounds are missed."""
    many, wide, bare, full, none = (os.path.join(tmp, name) for name in ("thousand", "with-git", "without-git", "many-to-read", "none"))
    dockerfiles = thousand(many)
    for root, others in ((wide, _OTHER), (bare, _OTHER), (full, _READ)):
        large(root, others)
    os.makedirs(none)
    for root, command in itertools.product((wide, full), (["init", "-q"], ["add", "-A"], ["-c", "user.name=ada", "-c", "user.email=ada@shop.example", "commit", "-q", "-m", "one"])):
        subprocess.run(["git", *command], cwd=root, check=True, capture_output=True)
    program = [os.path.join(bin_, "cc-fleet"), "audit", "-q", "--repo"]
    environ = {"PATH": os.environ["PATH"], "HOME": tmp, "LANG": "C.UTF-8"}
    found = medians(
        {
            "cc-fleet, nothing there": [*program, none],
            "hadolint, its Dockerfiles": [os.path.join(bin_, "hadolint"), "--no-fail", *(os.path.join(many, file) for file in dockerfiles)],
            "cc-fleet, 1,000 relevant": [*program, many],
            "git ls-files": ["git", "-C", wide, "ls-files", "--cached", "--others", "--exclude-standard"],
            "rg --files": ["rg", "--files", "--hidden", bare],
            "rg -l WORDS": ["rg", "-l", "-i", "--hidden", "claude|anthropic|litellm", full],
            "cc-fleet, 50,000 in git": [*program, wide],
            "cc-fleet, 50,000 without": [*program, bare],
            "cc-fleet, 20,000 to read": [*program, full],
        },
        environ, runs,
    )  # fmt: skip
    print()
    for name, value in found.items():
        print(f"{name:<28} {value:8.1f} ms CPU")
    start, walk = found["cc-fleet, nothing there"], found["rg --files"]
    bounds = (
        (f"1,000 / {len(dockerfiles)} Dockerfiles of hadolint", (found["cc-fleet, 1,000 relevant"] - start) / found["hadolint, its Dockerfiles"]),
        ("50,000 in git / (git ls-files + rg --files)", (found["cc-fleet, 50,000 in git"] - start) / (found["git ls-files"] + walk)),
        ("50,000 without / (git ls-files + rg --files)", (found["cc-fleet, 50,000 without"] - start) / (found["git ls-files"] + walk)),
        ("50,000, 20,000 of them to read / rg -l WORDS", (found["cc-fleet, 20,000 to read"] - start) / found["rg -l WORDS"]),
    )
    for name, value in bounds:
        print(f"{name:<46} {value:6.2f}  (bound {BOUND:g}, after start-up) {'MISSED' if value > BOUND else 'ok'}")
    return sum(value > BOUND for _, value in bounds)


def main(bin_: str, runs: int = 7) -> int:
    with tempfile.TemporaryDirectory() as tmp:
        missed = compared(bin_, tmp)
        over = costs(bin_, tmp, runs)
    print(f"{5 - over - bool(missed)} passed, {over + bool(missed)} failed")
    return 1 if missed or over else 0


if __name__ == "__main__":
    raise SystemExit(main(os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 7))
