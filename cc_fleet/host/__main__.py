"""The host program: ``python3 cc-fleet-host.pyz facts [--root DIR]`` prints facts as JSON."""

from __future__ import annotations

import json
import os
import sys

from . import document, facts, system

_USAGE = "usage: cc-fleet-host facts [--root DIR]"


def main(arguments: list[str]) -> int:
    if arguments[:1] != ["facts"] or len(arguments) not in (1, 3) or arguments[1:2] not in ([], ["--root"]):
        print(_USAGE, file=sys.stderr)
        return 2
    if arguments[2:] and not os.path.isdir(arguments[2]):
        print(f"cc-fleet-host: {arguments[2]}: is not a folder", file=sys.stderr)
        return 2
    read = system.under(arguments[2]) if arguments[2:] else system.live()
    json.dump(document.dump(facts.collect(read)), sys.stdout, indent=1)
    print()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
