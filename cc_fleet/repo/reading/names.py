"""What the names in GitHub's expressions stand for: in a job of a workflow, or in a composite action."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from cc_fleet.repo.reading import expressions
from cc_fleet.repo.reading.document import Document, Node, elements, get, items, text_of
from cc_fleet.repo.reading.values import Template, Value

Values = tuple[Value, ...]
Env = Mapping[str, Values]
MOST = 256  # values of one name in a matrix

_LIST = re.compile(r"\$\{\{\s*fromJSON\(\s*'(\[(?:[^']|'')*\])'\s*\)\s*\}\}", re.IGNORECASE)


class Names:
    """Resolves paths; what is asked of steps and of other jobs is worked out when it is asked for."""

    def __init__(self, inputs: Env, env: Env, matrix: Callable[[tuple[str, ...]], Values], outputs: Callable[[tuple[str, ...]], Values]) -> None:
        self.inputs, self.env, self._matrix, self._outputs = inputs, env, matrix, outputs
        self.template: Template = expressions.template(self.look)
        self._depth = 0

    def look(self, path: tuple[str, ...]) -> Values:
        """What ``path`` may be, nothing where that is not known here."""
        head, rest = path[0].lower(), path[1:]
        if head == "env" and len(rest) == 1:
            return self.env.get(rest[0], ())
        if head == "inputs" and len(rest) == 1:
            return self.inputs.get(rest[0].lower(), ())
        if head == "github" and [part.lower() for part in rest[:2]] == ["event", "inputs"] and len(rest) == 3:
            return self.inputs.get(rest[2].lower(), ())
        if head == "matrix" and rest:
            return self._matrix(rest)
        if head in ("steps", "needs") and len(rest) == 3 and rest[1] == "outputs" and self._depth < 5:
            self._depth += 1
            try:
                return self._outputs((head, rest[0], rest[2]))
            finally:
                self._depth -= 1
        return ()

    def within(self, env: Env) -> Names:
        """The same names with another environment."""
        return Names(self.inputs, env, self._matrix, self._outputs)


def nothing(_path: tuple[str, ...]) -> Values:
    """Where there is no matrix, or no step before."""
    return ()


def environment(document: Document, node: Node | None, template: Template) -> dict[str, Values]:
    """The variables of an ``env:``, expressions filled in."""
    return {key.value: value_of(document, value, template) for key, value in items(node) if value.kind == "text"}


def value_of(document: Document, node: Node, template: Template) -> Values:
    """What a text may be."""
    return expressions.fill(node.value, document.value_place(node), template)


def matrix(document: Document, node: Node | None, template: Template) -> Callable[[tuple[str, ...]], Values]:
    """What ``matrix.…`` may be, given the job's ``strategy.matrix``: every value at its own place."""
    if node is None or node.kind != "map":
        return nothing
    known: dict[tuple[str, ...], Values] = {}

    def look(path: tuple[str, ...]) -> Values:
        if path not in known:
            known[path] = ()  # while it is worked out: a matrix may name itself
            known[path] = _of_matrix(document, node, template, path)
        return known[path]

    return look


def _of_matrix(document: Document, node: Node, template: Template, path: tuple[str, ...]) -> Values:
    found: list[Value] = []
    for entry in _entries(node, path[0]):
        below = get(entry, *path[1:])
        if below is not None and below.kind == "text":
            found += _listed(document, below) or value_of(document, below, template)
        if len(found) > MOST:
            break
    left_out = {text_of(get(entry, path[0])) for entry in elements(get(node, "exclude")) if sum(1 for _ in items(entry)) == 1}
    return tuple(dict.fromkeys(value for value in found if value.text is None or value.text not in left_out))[:MOST]


def _entries(node: Node, key: str) -> Iterator[Node]:
    if key not in ("include", "exclude"):
        yield from elements(get(node, key))
    for entry in elements(get(node, "include")):
        if (value := get(entry, key)) is not None:
            yield value


def _listed(document: Document, node: Node) -> list[Value]:
    """The texts of a list that is written as JSON in an expression."""
    found = _LIST.fullmatch(node.value.strip())
    if found is None:
        return []
    import json

    try:
        given = json.loads(found[1].replace("''", "'"))
    except (ValueError, RecursionError):
        return []
    place = document.place(node)
    begins = document.whole.text.find(found[1], node.start, node.end)
    made = []
    for one in given[:MOST]:
        if isinstance(one, str):
            at = document.whole.text.find(f'"{one}"', begins, node.end) if begins >= 0 else -1
            made.append(Value(one, document.whole.place(at + 1, one) if at >= 0 else place))
    return made
