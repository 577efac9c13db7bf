"""``docker-bake.hcl`` and ``docker-bake.json``: the images that they build, with their arguments.

Texts, the names of variables with a default, and ``${NAME}`` in a text are understood; functions are not known.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from cc_fleet.model import Gap
from cc_fleet.records import NamedTuple
from cc_fleet.repo import Repository
from cc_fleet.repo.reading import document as documents
from cc_fleet.repo.reading import interpolation
from cc_fleet.repo.reading.build import Build, build
from cc_fleet.repo.reading.document import get, items
from cc_fleet.repo.reading.interpolation import COMPOSE, Reading
from cc_fleet.repo.reading.source import Source
from cc_fleet.repo.reading.values import Value

FILE = re.compile(r"(?:.*/)?docker-bake(?:[.-][\w-]+)*\.(?:hcl|json)")
SIZE = 256 * 1024
_TOKEN = re.compile(r"(?:#|//)[^\n]*|/\*.*?\*/|\"(?P<text>(?:[^\"\\\n]|\\.)*)\"|(?P<name>[A-Za-z_][\w-]*)|(?P<mark>[{}\[\]=,:])|(?P<line>\n)", re.DOTALL)


class Block(NamedTuple):
    """A block or a map: its texts and names by their keys, each with where it begins, and the maps in it."""

    texts: dict[str, tuple[str, str, int]]
    maps: dict[str, Block]


def builds(repository: Repository, file: str) -> Iterator[Build]:
    """The images that the targets of a bake file are built as."""
    text = repository.text(file) or ""
    if len(text) > SIZE:
        return
    source = Source.whole(file, text)
    targets, variables = _json(file, text) if file.endswith(".json") else _hcl(text)

    def look(name: str) -> tuple[Value, ...]:
        told = variables.get(name)
        default = told.texts.get("default") if told else None
        return (Value(default[1], source.place(default[2], default[1])),) if default and default[0] == "text" else ()

    def value(told: tuple[str, str, int]) -> tuple[Value, ...]:
        if told[0] == "name":
            return look(told[1]) or (Value(None, None, f"`{told[1]}`, not set here"),)
        return interpolation.fill(told[1], Reading(COMPOSE, look, lambda at, shown: source.place(told[2] + at, shown)))

    for target in targets.values():
        args = [(name, one) for name, told in (target.maps["args"].texts.items() if "args" in target.maps else ()) for one in value(told)]
        paths = {key: value(target.texts[key])[0].text for key in ("context", "dockerfile") if key in target.texts}
        bases = dict.fromkeys((posixpath.dirname(file), ""))
        yield build(repository, bases, paths.get("context"), paths.get("dockerfile"), inside=True)._replace(args=tuple(args))


def _hcl(text: str) -> tuple[dict[str, Block], dict[str, Block]]:
    """The blocks ``target "name" {…}`` and ``variable "NAME" {…}``."""
    found: dict[str, dict[str, Block]] = {"target": {}, "variable": {}}
    tokens = list(_TOKEN.finditer(text))
    at = 0
    while at < len(tokens) - 2:
        head, name, opens = tokens[at : at + 3]
        if head["name"] in found and name["text"] is not None and opens["mark"] == "{":
            found[head["name"]][name["text"]], at = _block(tokens, at + 3, 0)
        else:
            at += 1
    return found["target"], found["variable"]


def _block(tokens: list[re.Match[str]], at: int, depth: int) -> tuple[Block, int]:
    block = Block({}, {})
    key = ""
    while at < len(tokens):
        token = tokens[at]
        at += 1
        if token["mark"] == "}":
            break
        if token["mark"] in ("{", "["):
            if token["mark"] == "{" and depth < 5:
                block.maps[key], at = _block(tokens, at, depth + 1)
            else:
                at = _behind(tokens, at)
        elif token["mark"] in ("=", ":") and at < len(tokens):
            following = tokens[at]
            kind = "text" if following["text"] is not None else "name"
            if (value := following[kind]) is not None and not (at + 1 < len(tokens) and following["name"] and tokens[at + 1].start() == following.end() and tokens[at + 1]["mark"] is None and tokens[at + 1]["line"] is None):
                block.texts[key] = (kind, value, following.start(kind))
                at += 1
        elif token["text"] is not None or token["name"] is not None:
            key = token["text"] if token["text"] is not None else token["name"]
    return block, at


def _behind(tokens: list[re.Match[str]], at: int) -> int:
    """Behind the list or map that was opened before ``at``."""
    depth = 1
    while at < len(tokens) and depth:
        depth += (tokens[at]["mark"] in ("[", "{")) - (tokens[at]["mark"] in ("]", "}"))
        at += 1
    return at


def _json(file: str, text: str) -> tuple[dict[str, Block], dict[str, Block]]:
    found = documents.json(file, text)
    if isinstance(found, Gap):
        return {}, {}

    def blocks(kind: str) -> dict[str, Block]:
        return {key.value: block(node) for key, node in items(get(found.root, kind))}

    def block(node: documents.Node) -> Block:
        texts = {key.value: ("text", value.value, value.start + 1) for key, value in items(node) if value.kind == "text" and not value.null}
        maps = {key.value: Block({k.value: ("text", v.value, v.start + 1) for k, v in items(value) if v.kind == "text"}, {}) for key, value in items(node) if value.kind == "map"}
        return Block(texts, maps)

    return blocks("target"), blocks("variable")
