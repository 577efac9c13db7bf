"""Audit a sample laptop, image and repository that it makes in a temporary folder.

Nothing else is read or touched.  The files stay there to play with.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import sys
import tarfile
import tempfile

from cc_fleet import image, repo
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
# An image: of each layer the command that made it, and its files; a name with ``.wh.`` takes away.
_LAYERS = (
    ("ADD rootfs.tar /", {"etc/passwd": "root:x:0:0::/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\n", "home/node/.profile": ""}),
    ("RUN npm install -g @anthropic-ai/claude-code", {
        f"{_PACKAGE}/package.json": '{"name": "@anthropic-ai/claude-code", "version": "2.1.19", "bin": {"claude": "cli.js"}}\n', f"{_PACKAGE}/cli.js": "#!/usr/bin/env node\n",
    }),
    ("RUN --mount=type=secret,id=login claude login", {"home/node/.claude/.credentials.json": "{}\n"}),
    ("RUN rm /home/node/.claude/.credentials.json", {"home/node/.claude/.wh..credentials.json": ""}),
)  # fmt: skip
_ENVIRON = ["PATH=/usr/local/bin:/usr/bin:/bin", "CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS=1"]


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto")


def run(args: argparse.Namespace) -> int:
    folder = tempfile.mkdtemp(prefix="cc-fleet-demo-")
    laptop, saved, policy = (os.path.join(folder, name) for name in ("laptop", "image.tar", "policy.yaml"))
    write(laptop)
    save(saved)
    with open(policy, "w", encoding="utf-8") as out:
        out.write(_POLICY)
    print(f"A laptop and a repository (/home/ada/shop) are in {laptop},\nan image is {saved}, the policy that judges them is {policy}.\n")
    args.verbose = False
    targets = [facts.collect(sample(laptop)), *image.collect(saved, options=image.Options(cache=False)), repo.collect(os.path.join(laptop, SHOP))]
    report = judged(load([policy]), targets)
    sys.stdout.write(text.render(report._replace(home="/home/ada"), style(args)))
    print(f"\nRepair a file and ask again:  cc-fleet audit --root {laptop} --repo {laptop}/{SHOP} --policy {policy}")
    print(f"The image alone:              cc-fleet audit --image {saved} --policy {policy}")
    print(f"The repository's as a patch:  cc-fleet plan --repo {laptop}/{SHOP} --policy {policy}")
    print(f"The laptop put right:         cc-fleet apply --root {laptop} --policy {policy}")
    print(f"… and as it was:              cc-fleet rollback --root {laptop} --policy {policy}")
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


def save(path: str) -> None:
    """Write the sample image as ``docker save`` does."""
    layers = [_tar({**files, **({"usr/local/bin/claude": None} if f"{_PACKAGE}/cli.js" in files else {})}) for _, files in _LAYERS]
    config = json.dumps({
        "os": "linux", "architecture": "amd64", "config": {"Env": _ENVIRON, "User": "node"}, "history": [{"created_by": command} for command, _ in _LAYERS],
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]},
    }).encode()  # fmt: skip
    named = {f"{number}/layer.tar": layer for number, layer in enumerate(layers, 1)}
    about = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = json.dumps([{"Config": about, "RepoTags": ["acme/ci:7"], "Layers": list(named)}]).encode()
    with open(path, "wb") as out:
        out.write(_tar({**named, about: config, "manifest.json": manifest}))


def _tar(files: dict[str, bytes | str | None]) -> bytes:
    """A tar of ``files``; None is the link of the sample's program."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in files.items():
            entry, data = tarfile.TarInfo(name), content.encode() if isinstance(content, str) else content or b""
            entry.size, entry.mode = len(data), 0o755
            if content is None:
                entry.type, entry.linkname = tarfile.SYMTYPE, f"../lib/{_PACKAGE.partition('/lib/')[2]}/cli.js"
            archive.addfile(entry, io.BytesIO(data))
    return made.getvalue()


def sample(laptop: str) -> Machine:
    """The sample laptop as its user sees it from a terminal in the repository."""
    ada = User("ada", "/home/ada", "bash")
    return Machine(
        Disk(laptop), "machine", "ada-laptop", "linux", (ada,), privileged=False, caller=ada, cwd="/home/ada/shop",
    )  # fmt: skip
