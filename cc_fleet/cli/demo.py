"""Audit a sample laptop and repository that it makes in a temporary folder.

Nothing else is read or touched.  The files stay there to play with.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile

from cc_fleet import repo
from cc_fleet.cli._judge import judged, style
from cc_fleet.host import facts
from cc_fleet.host.machine import Machine, User
from cc_fleet.host.tree import Disk
from cc_fleet.policy.load import load
from cc_fleet.report import text

_PACKAGE = "usr/local/lib/node_modules/@anthropic-ai/claude-code"
SHOP = "home/ada/shop"
_EXTENSIONS = "home/ada/.vscode/extensions"
_POLICY = """\
policy: demo
extends: [default]
cli: {versions: ">=2.1.163", auto-update: false}
extensions:
  anthropic.claude-code: {versions: ">=2.1.163", pinned: true}
env:
  CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS: {value: "1", when: {provider: [gateway]}}
gateways:
  - {url: "https://llm.acme.example/*", kind: litellm, clients: ">=2.1.170"}
other-gateways: deny
contact: "#claude-help"
"""
_FILES = {
    "etc/passwd": "root:x:0:0::/root:/bin/bash\nada:x:1000:1000::/home/ada:/bin/bash\n",
    "etc/hostname": "ada-laptop\n",
    f"{_PACKAGE}/package.json": '{\n  "name": "@anthropic-ai/claude-code",\n  "version": "2.1.19",\n  "bin": {"claude": "cli.js"}\n}\n',
    f"{_PACKAGE}/cli.js": "#!/usr/bin/env node\n",
    "home/ada/.bashrc": "# the platform team's flag\nexport CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS=1\n"
    "export ANTHROPIC_BASE_URL=https://gw.unknown.example/v1\n",
    "home/ada/.claude/settings.json": '{\n  "model": "opus",\n  "env": {\n'
    '    "CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS": "0",\n    "CLAUDE_CODE_MAX_TOOL_USE_CONCURRENCY": "-1"\n  }\n}\n',
    "home/ada/shop/Dockerfile": "FROM node:22-slim\nARG CLAUDE_CODE_VERSION=2.1.19\nRUN npm install -g @anthropic-ai/claude-code@${CLAUDE_CODE_VERSION}\n",
    "home/ada/shop/.github/workflows/review.yml": "on: pull_request\njobs:\n  review:\n    runs-on: ubuntu-latest\n    steps:\n"
    "      - uses: anthropics/claude-code-action@v1\n      - run: curl -fsSL https://claude.ai/install.sh | bash\n",
    "home/ada/shop/.claude/settings.json": '{\n  // one comment is enough\n  "permissions": {"allow": ["Bash(ls)"]}\n}\n',
    f"{_EXTENSIONS}/extensions.json": '[{"identifier": {"id": "anthropic.claude-code"}, "version": "2.1.17",\n'
    '  "relativeLocation": "anthropic.claude-code-2.1.17-linux-x64", "metadata": {"pinned": false}}]\n',
    f"{_EXTENSIONS}/anthropic.claude-code-2.1.17-linux-x64/package.json": "{}\n",
    f"{_EXTENSIONS}/anthropic.claude-code-2.1.19-linux-x64/package.json": "{}\n",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto")


def run(args: argparse.Namespace) -> int:
    folder = tempfile.mkdtemp(prefix="cc-fleet-demo-")
    laptop, policy = os.path.join(folder, "laptop"), os.path.join(folder, "policy.yaml")
    write(laptop)
    with open(policy, "w", encoding="utf-8") as out:
        out.write(_POLICY)
    print(f"A laptop and a repository (/home/ada/shop) are in {laptop},\nthe policy that judges them is {policy}.\n")
    args.verbose = False
    report = judged(load([policy]), [facts.collect(sample(laptop)), repo.collect(os.path.join(laptop, SHOP))])
    sys.stdout.write(text.render(report._replace(home="/home/ada"), style(args)))
    print(f"\nRepair a file and ask again:  cc-fleet audit --root {laptop} --repo {laptop}/{SHOP} --policy {policy}")
    print(f"The repository's as a patch:  cc-fleet plan --repo {laptop}/{SHOP} --policy {policy}")
    print("Learn more about a finding:   cc-fleet explain env-flag")
    return 0


def write(laptop: str) -> None:
    """Make the sample laptop in the folder ``laptop``."""
    for name, content in _FILES.items():
        path = os.path.join(laptop, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as out:
            out.write(content)
    os.makedirs(os.path.join(laptop, "usr/local/bin"))
    os.symlink("../lib/node_modules/@anthropic-ai/claude-code/cli.js", os.path.join(laptop, "usr/local/bin/claude"))
    os.chmod(os.path.join(laptop, _PACKAGE, "cli.js"), 0o755)  # noqa: S103  a program


def sample(laptop: str) -> Machine:
    """The sample laptop as its user sees it from a terminal in the repository."""
    ada = User("ada", "/home/ada", "bash")
    return Machine(
        Disk(laptop), "machine", "ada-laptop", "linux", (ada,), privileged=False, caller=ada, cwd="/home/ada/shop",
    )  # fmt: skip
