"""A case: a small system and a policy as YAML, and the findings that they give.

    policy: {cli: {versions: ">=2.1.163"}}    # a policy without its name
    advisories: true                          # judge with the packaged advisories (default: none), or those of a list of ids
    os: macos                                 # or windows: the system's own top folders, ada's home in /Users
    registry: |                               # of Windows: the text below the head of a .reg file
    files: {/etc/hostname: ada-laptop}        # what stands on the disk; C:/ is Windows' top folder
    links: {/usr/local/bin/claude: ../x}      # symbolic links; modes: {path: "0644"}
    npm: {/usr/local: 2.1.330}                # a global npm install below this prefix, in PATH
    native: {ada: [2.1.330]}                  # native installs of a user, the last one linked
    extension: {ada: {version: 2.1.17, pinned: true, leftover: [2.1.19]}}
    environ: {NAME: value}                    # ada is the caller, with this environment
    cwd: /home/ada/shop
    today: 2026-11-23
    repo: {Dockerfile: "FROM …"}              # instead of all these: a repository of these files
    image: [{line: "RUN …", npm: {…}}]        # or an image of these lines of a Dockerfile; one with files, links, npm, or `gone` (paths) makes a layer
    config: {Env: [A=1], User: node}          # … and what its config says
    facts: {gateways: [...]}                  # facts laid over those that were read; "target" is laid over, too
    others: [{name: bob-laptop}]              # more targets, each as the first but for these fields
    fixes: ["admin: install 2.1.330: npm …"]  # optional: who, what and command of each problem
    problems: ["~/.claude/settings.json:3: error: message"]   # of this check, in order
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import tarfile
from pathlib import Path
from typing import Any

import yaml

from cc_fleet import advisories, checks, image, repo
from cc_fleet.cli import main
from cc_fleet.host import document, facts
from cc_fleet.host.machine import Machine, User
from cc_fleet.host.system import under
from cc_fleet.host.tree import Disk
from cc_fleet.model import Finding, Target
from cc_fleet.policy.load import Loaded, load

NOBODY = 65534
PACKAGE = "lib/node_modules/@anthropic-ai/claude-code"


def read(file: Path) -> dict[str, Any]:
    """The case in ``file``, every scalar as its text."""
    text = file.read_text(encoding="utf-8")
    loaded = yaml.load(text, Loader=yaml.BaseLoader)
    assert isinstance(loaded, dict)
    root = yaml.compose(text)
    assert isinstance(root, yaml.MappingNode)
    for key, node in root.value:
        if key.value == "policy":  # as it stands there: `true` is not "true"
            name = (yaml.ScalarNode("tag:yaml.org,2002:str", "policy"), yaml.ScalarNode("tag:yaml.org,2002:str", "case"))
            loaded["policy"] = yaml.serialize(yaml.MappingNode(node.tag, [name, *node.value], flow_style=True), width=10**6)
        elif key.value == "facts":
            loaded["facts"] = yaml.safe_load(yaml.serialize(node))
    return loaded


def findings(case: dict[str, Any], tmp: Path) -> list[Finding]:
    """What judging the case's system by its policy finds."""
    loaded = policy(case, tmp)
    asked = case.get("advisories", ())
    known = tuple(advisory for advisory in advisories.load() if asked == "true" or advisory.id in asked)
    first = target(case, tmp, loaded)
    others = [first._replace(**{name: yaml.safe_load(value) if value == "null" else value for name, value in more.items()}) for more in case.get("others", ())]
    return checks.judge(loaded.policy, known, [first, *others], case.get("today", "2026-11-23"))


def said(finding: Finding, case: dict[str, Any]) -> str:
    """A finding as a case writes it."""
    place = re.sub(r"^(/home|/Users|C:/Users)/ada/", "~/", str(finding.problem.place))
    level = "waived" if finding.waived else finding.severity
    return f"{place}: {level}: {finding.problem.message.replace(case.get('tmp', '/nothing'), '')}"


def policy(case: dict[str, Any], tmp: Path) -> Loaded:
    file = tmp / "policy.yaml"
    file.write_text(case.get("policy", "policy: case"), encoding="utf-8")
    return load([str(file)])


def target(case: dict[str, Any], tmp: Path, loaded: Loaded) -> Target:
    root = tmp / "root"
    keep, digests = loaded.policy.names(), loaded.policy.digests
    if "repo" in case:
        root.mkdir()
        for path, text in case["repo"].items():
            write(root, path, text)
        read = repo.collect(str(root), keep, "case")
    elif "image" in case:
        root.mkdir()
        read = next(image.collect(str(saved(case, root)), keep, image.Options(cache=False, digests=digests)))
    else:
        _system(case, root)
        machine = under(str(root), keep, digests=digests)._replace(name="case", privileged=False)
        if "environ" in case or "cwd" in case:
            machine = _called(machine, case)
        read = facts.collect(machine)
    found = read._replace(collected_at=f"{case.get('today', '2026-11-23')}T12:00:00Z")
    if "facts" in case:
        dumped = document.dump(found)
        found = document.load({**dumped, **case["facts"], "target": {**dumped["target"], **case["facts"].get("target", {})}})
    return found


def _called(machine: Machine, case: dict[str, Any]) -> Machine:
    ada = User("ada", "/home/ada", "bash")
    environ = {"PATH": "/home/ada/.local/bin:/usr/local/bin:/usr/bin:/bin", **case.get("environ", {})}
    others = tuple(user for user in machine.users if user.name != "ada")
    return machine._replace(kind="machine", caller=ada, users=(ada, *others), environ=environ, cwd=case.get("cwd"))


def saved(case: dict[str, Any], root: Path) -> Path:
    """The image of a case, as ``docker save`` writes one."""
    layers, history = [], []
    for number, told in enumerate(case["image"]):
        is_layer = told.keys() - {"line"}
        history.append({"created_by": told["line"], "empty_layer": not is_layer})
        if is_layer:
            folder = root / f"layer{number}"
            folder.mkdir()
            _system({"os": "none", **told}, folder)
            for path in told.get("gone", ()):
                above, _, name = path.rpartition("/")
                write(folder, f"{above}/.wh.{name}", "")
            with tarfile.open(root / f"layer{number}.tar", "w") as tar:
                tar.add(folder, ".")
            layers.append(f"layer{number}.tar")
    digests = [f"sha256:{hashlib.sha256((root / name).read_bytes()).hexdigest()}" for name in layers]
    config = {"os": "linux", "architecture": "amd64", "config": case.get("config", {}), "history": history, "rootfs": {"type": "layers", "diff_ids": digests}}
    stored = json.dumps(config).encode()
    name = f"{hashlib.sha256(stored).hexdigest()}.json"
    (root / name).write_bytes(stored)
    (root / "manifest.json").write_text(json.dumps([{"Config": name, "RepoTags": ["case:1"], "Layers": layers}]), encoding="utf-8")
    with tarfile.open(root / "image.tar", "w") as tar:
        for one in ("manifest.json", name, *layers):
            tar.add(root / one, one)
    return root / "image.tar"


TOPS = {"macos": ("Library", "System", "Users/ada"), "windows": ("Windows", "Program Files", "Users/ada")}


def _system(case: dict[str, Any], root: Path) -> None:
    if case.get("os", "linux") == "linux":
        write(root, "/etc/passwd", "ada:x:1000:1000::/home/ada:/bin/bash\n")
        (root / "home/ada").mkdir(parents=True)
    for folder in TOPS.get(case.get("os", ""), ()):
        (root / folder).mkdir(parents=True)
    if "registry" in case:
        text = "Windows Registry Editor Version 5.00\n\n" + case["registry"]
        (root / "all.reg").write_bytes(b"\xff\xfe" + text.replace("\n", "\r\n").encode("utf-16-le"))
    for path, text in case.get("files", {}).items():
        write(root, path, text)
    for prefix, version in case.get("npm", {}).items():
        npm(root, prefix, version)
    for user, versions in case.get("native", {}).items():
        native(root, user, versions)
    for user, told in case.get("extension", {}).items():
        extension(root, user, told)
    for path, link in case.get("links", {}).items():
        (root / path.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
        (root / path.lstrip("/")).symlink_to(link)
    for path, mode in case.get("modes", {}).items():
        (root / path.lstrip("/")).chmod(int(mode, 8))


def write(root: Path, path: str, text: str) -> Path:
    file = root / path.removeprefix("C:").lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def npm(root: Path, prefix: str, version: str) -> None:
    """A global npm install, in the layout of its version."""
    old = tuple(map(int, version.split("."))) <= (2, 1, 112)
    program = "cli.js" if old else "bin/claude.exe"
    write(root, f"{prefix}/{PACKAGE}/package.json", json.dumps({"version": version, "bin": {"claude": program}}))
    write(root, f"{prefix}/{PACKAGE}/{program}", "#!/usr/bin/env node" if old else "\x7fELF").chmod(0o755)
    if not old:
        write(root, f"{prefix}/{PACKAGE}-linux-x64/package.json", "{}")
    link = root / prefix.lstrip("/") / "bin/claude"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(f"../{PACKAGE}/{program}")


def native(root: Path, user: str, versions: list[str]) -> None:
    """Native installs; PATH finds the last one, by ~/.local/bin."""
    for version in versions:
        write(root, f"/home/{user}/.local/share/claude/versions/{version}", "\x7fELF").chmod(0o755)
    write(root, f"/home/{user}/.profile", 'PATH="$HOME/.local/bin:$PATH"\n')
    link = root / f"home/{user}/.local/bin/claude"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(f"../share/claude/versions/{versions[-1]}")


def extension(root: Path, user: str, told: dict[str, Any]) -> None:
    """VS Code with the extension in one version, and folders of others left over."""
    folder, name = f"/home/{user}/.{told.get('editor', 'vscode')}/extensions", told.get("id", "anthropic.claude-code")
    entry = {
        "identifier": {"id": name}, "version": told["version"], "relativeLocation": f"{name}-{told['version']}",
        "metadata": {"pinned": told.get("pinned") == "true"},
    }  # fmt: skip
    write(root, f"{folder}/extensions.json", json.dumps([entry]))
    for version in (told["version"], *told.get("leftover", ())):
        write(root, f"{folder}/{name}-{version}/package.json", "{}")
    if told.get("obsolete"):
        write(root, f"{folder}/.obsolete", json.dumps({f"{name}-{version}": True for version in told["obsolete"]}))


def opened(folder: Path) -> None:
    """Let everybody enter ``folder`` and the test's own folders above it."""
    for above in (folder, *folder.parents):
        if above.stat().st_uid == os.geteuid() and "pytest" in str(above):
            above.chmod(0o755)


def as_nobody(*arguments: str) -> tuple[int, str]:
    """Exit code and whole output of ``cc-fleet`` in a child that gave up root's rights.

    It runs once before that, for all that it imports: the interpreter may lie in a folder of root's.
    """
    read, write_ = os.pipe()
    child = os.fork()
    if child == 0:
        with open(os.devnull, "w", encoding="utf-8") as sys.stdout:
            main(list(arguments))
        os.dup2(write_, 1)
        sys.stdout = sys.stderr = os.fdopen(1, "w", encoding="utf-8")
        if os.geteuid() == 0:
            os.seteuid(NOBODY)
        code = main(list(arguments))
        sys.stdout.flush()
        os._exit(code)
    os.close(write_)
    with os.fdopen(read, encoding="utf-8") as out:
        told = out.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), told


__all__ = ["Disk", "as_nobody", "findings", "opened", "read", "said", "target"]
