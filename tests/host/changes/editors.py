"""Folders of an editor's extensions as code-server 4.139.1 was seen to leave them, and VSIX made of them.

``editors/CASE/before`` and ``after`` hold the folder with its place neutralised as ``/ROOT`` and its times as ``1``.
``tests/real/test_editor.py`` makes them again with the real one and compares.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import zipfile
from pathlib import Path

from cc_fleet.host.change import INSTALL, LEFTOVERS, Change
from tests.host.changes.laptop import USER, contents

CLAUDE = "anthropic.claude-code"
GOLDEN = Path(__file__).with_name("editors")
STAND_IN = Path(__file__).with_name("stand_in_editor.py")


def place(tree: Path, root: Path) -> Path:
    """A golden folder, at ``root``; git keeps no empty folder."""
    root.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(tree, root)
    registry = root / "extensions.json"
    if registry.exists():
        registry.write_bytes(registry.read_bytes().replace(b"/ROOT", str(root).encode()))
    return root


def neutral(root: Path) -> dict[str, bytes]:
    """The files of a folder without its place, and without times."""
    told = {path: data.replace(str(root).encode(), b"/ROOT") for path, data in contents(root).items()}
    return {path: re.sub(rb'("installedTimestamp": ?)\d+', rb"\g<1>1", data) if path.endswith(".json") else data for path, data in told.items()}


def vsix(version: str, folder: Path) -> Path:
    """A VSIX of what a golden folder of that version was unpacked from."""
    source = next(path for path in sorted(GOLDEN.glob(f"*/*/{CLAUDE}-{version}")))
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / f"claude-code-{version}.vsix"
    with zipfile.ZipFile(made, "w") as archive:
        for file in sorted(source.iterdir()):
            archive.write(file, "extension.vsixmanifest" if file.name == ".vsixmanifest" else f"extension/{file.name}")
    return made


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def install(root: Path, version: str, file: Path | None, **more: object) -> Change:
    package = {"file": str(file), "sha256": sha256(file)} if file else None
    args = {"editor": "code-server", "folder": str(root), "id": CLAUDE, "version": version, "vsix": package, "program": "code-server", "denied": {}, **more}
    return Change("extension", f"install {CLAUDE} {version}", USER, args, INSTALL)


def pin(root: Path, version: str, value: bool = True) -> Change:
    return Change("extension-pin", f"hold {CLAUDE} {version}", USER, {"folder": str(root), "id": CLAUDE, "version": version, "pinned": value}, INSTALL)


def leftover(root: Path, version: str) -> Change:
    args = {"path": f"{root}/{CLAUDE}-{version}", "holds": f"{CLAUDE} {version}", "while_open": ["code-server"]}
    return Change("removal", f"remove {CLAUDE} {version}", USER, args, LEFTOVERS)
