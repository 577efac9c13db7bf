"""The packaged policies, advisories and readers' names of files in the form that is loaded: ``python -m cc_fleet.compiled``.

YAML is what people write; reading it costs the import of a YAML parser (14 ms, a third of an
audit). Both are therefore compiled into ``data``, and so are the names of the files that each reader
of repositories wants, so that only those are loaded that have something to read.  A test holds them equal.
"""

from __future__ import annotations

import json
import os

from cc_fleet import advisories, repo
from cc_fleet.data import FOLDER
from cc_fleet.decode import pairs, read_yaml
from cc_fleet.frozen import compact, freeze
from cc_fleet.host.digest import sha256
from cc_fleet.policy.load import folder


def compiled() -> dict[str, str]:
    """The text of every compiled file by its name."""
    policies = {}
    for name in sorted(os.listdir(folder())):
        with open(os.path.join(folder(), name), encoding="utf-8") as file:
            text = file.read()
        root = read_yaml(text, name)
        edition = int(next(value.value for key, value in pairs(root) if key == "edition"))
        policies[name.removesuffix(".yaml")] = {"sha256": sha256(text.encode()), "edition": edition, "root": compact(root)}
    found = [(advisory, freeze(advisory)) for advisory in advisories.read_folder(advisories.FOLDER)]
    readers = repo.readers()
    wants = {"wants": {name: reader.WANTS for name, reader in readers.items()}, "anyway": [name for name, reader in readers.items() if getattr(reader, "ANYWAY", False)]}
    return {"readers.json": json.dumps(wants, indent=0) + "\n", "policies.json": json.dumps(policies) + "\n", "advisories.jsonl": advisories.compiled(found)}


def main() -> None:
    for name, text in compiled().items():
        with open(os.path.join(FOLDER, name), "w", encoding="utf-8") as file:
            file.write(text)


if __name__ == "__main__":
    main()
