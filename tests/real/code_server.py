"""A real editor: code-server from npm, and VSIX of an extension that does nothing, made by vsce.

Both are built once and kept outside the project. Node comes from npm too, with the headers that code-server's own
parts are compiled with; beside it a compiler and some headers of the system are needed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

CODE_SERVER, NODE, VSCE = "code-server@4.139.1", "node@24", "@vscode/vsce"
SYSTEM = ("libsecret-1-dev", "libxkbfile-dev", "libkrb5-dev", "pkg-config", "build-essential")
VERSIONS = ("2.1.17", "2.1.19")
_MINUTES = 25


class EditorError(Exception):
    """The editor could not be installed; it says nothing about what is tested."""


def missing() -> str:
    """What this machine lacks to build the editor, "" if nothing."""
    absent = [tool for tool in ("npm", "make", "g++", "pkg-config") if not shutil.which(tool)]
    return f"not installed: {', '.join(absent)}" if absent else ""


def cache() -> Path:
    """Where the editor is kept."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("CC_FLEET_EDITOR_CACHE") or base / "cc-fleet-editor")


def installed() -> Path:
    """A folder with the program ``code-server``; it is built if absent, which takes minutes."""
    folder = cache()
    program = folder / "bin" / "code-server"
    if not program.exists():
        node = _node(folder)
        _npm(folder / "server", CODE_SERVER, {"PATH": f"{node / 'bin'}:{os.environ['PATH']}", "npm_config_nodedir": str(node)})
        program.parent.mkdir(parents=True, exist_ok=True)
        made = program.with_name("code-server.new")
        made.write_text(f'#!/bin/sh\nPATH="{node / "bin"}:$PATH" exec "{folder}/server/node_modules/.bin/code-server" "$@"\n', encoding="utf-8")
        made.chmod(0o755)
        made.rename(program)
    return program.parent


def vsix(version: str) -> Path:
    """A VSIX of anthropic.claude-code in this version that does nothing."""
    folder = cache()
    made = folder / "vsix" / f"claude-code-{version}.vsix"
    if not made.exists():
        node = _node(folder)
        environ = {"PATH": f"{node / 'bin'}:{os.environ['PATH']}"}
        _npm(folder / "vsce", VSCE, environ)
        source = folder / "vsix" / f"source-{version}"
        source.mkdir(parents=True, exist_ok=True)
        about = {
            "name": "claude-code", "displayName": "stub", "description": "stub", "publisher": "anthropic", "version": version, "license": "MIT",
            "engines": {"vscode": "^1.94.0"}, "repository": {"type": "git", "url": "https://example.com/x.git"}, "main": "./x.js", "activationEvents": [],
        }  # fmt: skip
        for name, text in {"package.json": json.dumps(about), "x.js": "exports.activate = () => {};\n", "README.md": "stub\n", "LICENSE": "MIT\n"}.items():
            (source / name).write_text(text, encoding="utf-8")
        _run([str(folder / "vsce" / "node_modules" / ".bin" / "vsce"), "package", "-o", str(made)], source, environ)
    return made


def _node(folder: Path) -> Path:
    """Node's folder, with its programs and headers."""
    _npm(folder / "node", NODE, {})
    found = sorted((folder / "node").glob("**/node-*/include/node/node.h"))
    if not found:
        raise EditorError(f"{NODE} of npm came without headers")
    return found[0].parents[2]


def _npm(folder: Path, package: str, environ: dict[str, str]) -> None:
    done = folder / "done"
    if done.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text('{"private": true}\n', encoding="utf-8")
    _run(["npm", "install", "--no-fund", "--no-audit", package], folder, environ)
    done.touch()


def _run(argv: list[str], folder: Path, environ: dict[str, str]) -> None:
    ran = subprocess.run(argv, cwd=folder, env={**os.environ, **environ}, capture_output=True, text=True, timeout=_MINUTES * 60, check=False)
    if ran.returncode != 0:
        raise EditorError(f"{' '.join(argv)} ended with {ran.returncode} (it needs {', '.join(SYSTEM)}):\n{ran.stdout[-2000:]}\n{ran.stderr[-4000:]}")
