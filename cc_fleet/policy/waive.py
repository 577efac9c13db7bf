"""A waiver into a policy file by text: every comment, blank line and line end stays as it is.

The waiver follows those that are there, in their style; a file without any gets the key. What
comes out is read again: it must say what the file said and this waiver, and nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from cc_fleet.decode import DecodeError, Node, read_yaml

_PLAIN = re.compile(r"[A-Za-z](?:[A-Za-z0-9_./@ -]*[A-Za-z0-9])?")
_WORDS = frozenset(("true", "false", "null", "yes", "no", "on", "off", "y", "n"))


class CannotAdd(Exception):
    """The file is written in a way that a waiver cannot be added to by text."""


def written(value: Any) -> str:
    """A value as YAML in one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {written(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, tuple):
        return "[" + ", ".join(map(written, value)) + "]"
    text = str(value)
    plain = re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text) or (_PLAIN.fullmatch(text) and text.lower() not in _WORDS)
    return text if plain else json.dumps(text, ensure_ascii=False)


def added(text: str, waiver: Mapping[str, Any]) -> tuple[str, int]:
    """The policy file ``text`` with ``waiver``, and the line where that stands; CannotAdd where that is not all."""
    import yaml

    root: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    end = "\r\n" if "\r\n" in text else "\n"
    found = next((value for key, value in root.value if key.value == "waivers"), None)
    if found is not None:
        edits = _to_flow(text, found, waiver, end) if found.flow_style else _to_block(text, found, waiver, end)
    elif root.flow_style:
        edits = [(root.value[-1][1].end_mark.index, f", waivers: [{written(waiver)}]")]
    else:
        indent = " " * root.start_mark.column
        edits = [_line(text, root.end_mark.index, f"{indent}waivers:{end}{indent}  - {written(waiver)}", end)]
    new = text
    for at, what in reversed(edits):
        new = new[:at] + what + new[at:]
    _check(text, new, waiver)
    first = edits[-1][0] + sum(len(earlier) for _, earlier in edits[:-1])
    return new, new.count("\n", 0, new.find("check:", first)) + 1


def _to_flow(text: str, found: Any, waiver: Mapping[str, Any], end: str) -> list[tuple[int, str]]:
    """After the last of ``[…]``: in a line of its own where that one has a line of its own."""
    new = written(waiver)
    if not found.value:
        return [(text.index("[", found.start_mark.index) + 1, new)]
    last = found.value[-1]
    at = last.end_mark.index
    before = text[last.start_mark.index - last.start_mark.column : last.start_mark.index]
    rest = re.compile(r"[ \t]*(,?)[ \t]*(?:#[^\r\n]*)?(?=\r?\n)").match(text, at)
    if before.strip() or rest is None:
        return [(at, f", {new}")]
    if rest[1]:
        return [(rest.end(), f"{end}{before}{new},")]
    return [(at, ","), (rest.end(), f"{end}{before}{new}")]


def _to_block(text: str, found: Any, waiver: Mapping[str, Any], end: str) -> list[tuple[int, str]]:
    """After the last of a list of dashes, in the style of that one."""
    indent = " " * found.start_mark.column
    last = found.value[-1]
    between = f"{end}{indent}  "
    new = written(waiver) if last.flow_style else between.join(f"{key}: {written(value)}" for key, value in waiver.items())
    while last.id != "scalar" and not last.flow_style and last.value:
        last = last.value[-1][1] if last.id == "mapping" else last.value[-1]
    at = last.end_mark.index
    if last.end_mark.column:  # else a block of text, which ends with its line
        at = text.find("\n", at) + 1 or len(text)
    return [_line(text, at, f"{indent}- {new}", end)]


def _line(text: str, at: int, what: str, end: str) -> tuple[int, str]:
    """``what`` as lines of their own at ``at``, where a line begins or the text ends."""
    return at, f"{what}{end}" if at == 0 or text[at - 1] == "\n" else f"{end}{what}{end}"


def _check(old: str, new: str, waiver: Mapping[str, Any]) -> None:
    before, wanted = said(read_yaml(old, "policy")), said(read_yaml(written(waiver), "waiver"))
    try:
        after = said(read_yaml(new, "policy"))
    except DecodeError:
        after = None
    expected = {**before, "waivers": [*before.get("waivers", ()), wanted]}
    if after != expected:
        raise CannotAdd("its waivers are written in a way that is not understood here; nothing was changed")


def said(node: Node) -> Any:
    """What a document says, without where and how."""
    if node.kind == "map":
        return {key.value: said(value) for key, value in node.value}
    return [said(item) for item in node.value] if node.kind == "list" else (node.value, node.kind == "quoted")
