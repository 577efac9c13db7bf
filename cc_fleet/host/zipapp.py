"""The host program as one file that any Python 3.9 runs: ``build(file)``.

Stored, sorted and with one fixed time, so that the same source gives the same bytes: MDM,
cron and Ansible carry a file whose digest can be pinned.
"""

from __future__ import annotations

import os
import sys
import zipfile

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_TIME = (1980, 1, 1, 0, 0, 0)
_MAIN = "import sys\nfrom cc_fleet.host.__main__ import main\nsys.exit(main(sys.argv[1:]))\n"


def build(target: str) -> None:
    """Write the zipapp to ``target``."""
    with open(target, "wb") as file:
        file.write(b"#!/usr/bin/env python3\n")
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for name, data in sorted(_contents().items()):
                member = zipfile.ZipInfo(name, _TIME)
                member.create_system = 3  # Unix, wherever it is built
                member.external_attr = 0o644 << 16
                archive.writestr(member, data)
    os.chmod(target, 0o755)  # noqa: S103  a program for everybody


def _contents() -> dict[str, bytes]:
    found = {"__main__.py": _MAIN.encode()}
    for folder, _, names in os.walk(os.path.join(_PACKAGE, "host")):
        for name in names:
            if name.endswith(".py"):
                path = os.path.join(folder, name)
                found["cc_fleet/" + os.path.relpath(path, _PACKAGE).replace(os.sep, "/")] = _bytes(path)
    for name in ("__init__.py", "model.py", "records.py"):
        found[f"cc_fleet/{name}"] = _bytes(os.path.join(_PACKAGE, name))
    return found


def _bytes(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


if __name__ == "__main__":
    build(sys.argv[1])
