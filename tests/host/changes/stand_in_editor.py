"""This is no editor. It stands where code-server's command line is, and does to a folder of extensions what code-server 4.139.1 was seen to do.

Only what ``--install-extension`` does is here, with its words and exit codes: a downgrade without ``--force`` is refused with 0; what
``extensions.allowed`` in the user's settings does not name is refused with 1; the old folder stays, and its mark is written, half written or
not at all, as the file ``mark`` beside this program says. That the real one does so is what ``tests/real/test_editor.py`` shows.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
import zipfile
from pathlib import Path

OWN = Path(sys.argv[0]).parent
ROOT = Path(os.environ["HOME"]) / ".local/share/code-server/extensions"


def main(arguments: list[str]) -> int:
    (OWN / "ran").open("a").write(json.dumps({"arguments": arguments, "environ": dict(os.environ)}) + "\n")
    if (OWN / "hangs").exists():
        time.sleep(600)
    asked = arguments[arguments.index("--install-extension") + 1]
    print("Installing extensions...")
    file = Path(asked) if asked.endswith(".vsix") else OWN / "gallery" / f"{asked}.vsix"
    if not file.exists():
        print("Error while installing extensions: getaddrinfo ENOTFOUND open-vsx.org\ngetaddrinfo ENOTFOUND open-vsx.org", file=sys.stderr)
        return 1
    with zipfile.ZipFile(file) as archive:
        return install(archive, file.name, force="--force" in arguments, gallery=not asked.endswith(".vsix"))


def install(archive: zipfile.ZipFile, name: str, *, force: bool, gallery: bool) -> int:
    about = json.loads(archive.read("extension/package.json"))
    id_, version = f"{about['publisher']}.{about['name']}", about["version"]
    registry = ROOT / "extensions.json"
    entries = json.loads(registry.read_text()) if registry.exists() else []
    before = next((entry for entry in entries if entry["identifier"]["id"] == id_), None)
    if before is not None and before["version"] > version and not force:
        print(f"A newer version of extension '{id_}' v{before['version']} is already installed. Use '--force' option to downgrade to older version.")
        return 0
    settings = ROOT.parent / "User" / "settings.json"
    allowed = json.loads(settings.read_text()).get("extensions.allowed") if settings.exists() else None
    if allowed is not None and version not in allowed[id_]:
        print(f"Error: This extension cannot be installed because the version {version} of this extension is not in the [allowed list](command:workbench.action.openSettings?%255B)", file=sys.stderr)
        print(f"    at qa.install (file:///server-main.js:60:15630)\nFailed Installing Extensions: file:///{name}", file=sys.stderr)
        return 1
    folder = ROOT / f"{id_}-{version}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for member in archive.namelist():
        if member.startswith("extension/"):
            (folder / member.removeprefix("extension/")).write_bytes(archive.read(member))
    (folder / ".vsixmanifest").write_bytes(archive.read("extension.vsixmanifest"))
    flags = {"isApplicationScoped": False, "isMachineScoped": False, "isBuiltin": False} if before else {}
    entry = {
        "identifier": {"id": id_}, "version": version,
        "location": {"$mid": 1, "fsPath": str(folder), "external": f"file://{folder}", "path": str(folder), "scheme": "file"},
        "relativeLocation": folder.name,
        "metadata": {**flags, "installedTimestamp": time.time_ns() // 1_000_000, "pinned": True, "source": "gallery" if gallery else "vsix"},
    }  # fmt: skip
    registry.write_text(json.dumps([*(one for one in entries if one is not before), entry], separators=(",", ":")))
    if before is not None and before["version"] != version:
        mark((OWN / "mark").read_text() if (OWN / "mark").exists() else "whole", before["relativeLocation"])
    print(f"Extension '{name}' was successfully installed.")
    return 0


def mark(how: str, folder: str) -> None:
    if how == "none":
        (ROOT / ".obsolete").unlink(missing_ok=True)
    else:
        (ROOT / ".obsolete").write_text("" if how == "empty" else json.dumps({folder: True}, separators=(",", ":")))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
