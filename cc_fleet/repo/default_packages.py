"""Lists of the packages that a node version manager installs with every node: `.default-npm-packages`, `default-node-packages`.

A line is a package with or without `@version`, as npm takes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cc_fleet.model import Declared, Gap
from cc_fleet.repo import Repository
from cc_fleet.repo.reading.declare import Asked, declared
from cc_fleet.repo.reading.recognise import NODE
from cc_fleet.repo.reading.source import Source
from cc_fleet.repo.reading.values import Filled

WANTS = (".default-npm-packages", "default-npm-packages", ".default-node-packages", "default-node-packages", ".default-packages", "default-packages")
_LINE = re.compile(r"^[ \t]*(" + "|".join(map(re.escape, NODE)) + r")(?:@([^\s#]+))?[ \t]*(?:#.*)?\r?$", re.MULTILINE)


def read(repository: Repository, file: str) -> Iterator[Declared | Gap]:
    if (gap := repository.over(file)) is not None:
        yield gap
        return
    whole = Source.whole(file, repository.text(file) or "")
    for found in _LINE.finditer(whole.text):
        word = found[0].partition("#")[0].strip()
        asked = Asked(NODE[found[1]], "npm", whole.place(found.start(1), word), None, "npm")
        spec = Filled(found[2], whole.place(found.start(2), found[2])) if found[2] else None
        yield declared(asked, spec, None if spec else whole.place(found.end(1), ""))
