"""What Ansible's variables stand for: a task's and play's own, else those of roles, groups, hosts and plays."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial

from cc_fleet.model import Gap
from cc_fleet.repo import Repository
from cc_fleet.repo.reading.document import SIZE, Document, Node, elements, get, items, yaml
from cc_fleet.repo.reading.values import UNKNOWN, Filled, Value

EXPRESSION = re.compile(r"\{\{[^{}]{0,400}\}\}")
_NAME = re.compile(r"\s*([A-Za-z_]\w*)((?:\.\w+|\[['\"]\w+['\"]\])*)\s*((?:\|[^|]*)*)")
_DEFAULT = re.compile(r"\|\s*(?:default|d)\s*\(\s*(?:(['\"])(.*?)\1|([A-Za-z_]\w*))?")
_KEEPS = re.compile(r"\|\s*(?:string|trim|quote|lower|mandatory|regex_replace\('\^v', ''\))\s*(?:\(\s*\))?\s*")
_HOLDS = re.compile(r"(?:^|/)(?:defaults|vars|group_vars|host_vars)/")
_LOOPS = ("loop", "with_items", "with_list", "with_flattened")
_MOST, _NAMES, _DEEPEST = 5_000, 200_000, 6
_KEY = re.compile(r"(?<![\w.-])([A-Za-z_]\w*)[\"']?\s*+:")


Known = tuple[Document, Node]


class Variables:
    """The variables that a task sees: ``own`` of its play, blocks and loop, the repository's where these say nothing."""

    def __init__(self, repository: Repository, document: Document, own: Mapping[str, tuple[Known, ...]] | None = None) -> None:
        self.repository, self.document, self.own = repository, document, own or {}

    def within(self, node: Node | None) -> Variables:
        """With the ``vars`` of a play, block or task besides."""
        given = {key.value: ((self.document, value),) for key, value in items(node)}
        return Variables(self.repository, self.document, {**self.own, **given}) if given else self

    def looped(self, task: Node) -> Iterator[Variables]:
        """One for each item of the task's loop; itself where there is none."""
        loop = next((found for name in _LOOPS if (found := get(task, name)) is not None), None)
        if loop is None:
            yield self
            return
        given = self._lists(loop, 0)
        for document, item in given[:200]:
            yield Variables(self.repository, self.document, {**self.own, "item": ((document, item),)})
        if not given:
            yield self

    def _lists(self, node: Node, depth: int) -> list[Known]:
        if node.kind == "list":
            return [(self.document, item) for item in elements(node)]
        found = EXPRESSION.fullmatch(node.value.strip()) if node.kind == "text" and depth < _DEEPEST else None
        name = _NAME.fullmatch(found[0][2:-2]) if found else None
        return [(document, item) for document, value in (self._known(name[1]) if name else ()) for item in elements(value)]

    def filled(self, node: Node | None, depth: int = 0) -> list[Filled]:
        """What a text may come to."""
        if node is None or node.kind != "text":
            return []
        return [_filled(value) for value in self._values(self.document, node, depth)]

    def _values(self, document: Document, node: Node, depth: int) -> tuple[Value, ...]:
        if node.kind != "text":
            return (Value(None, None, "a list or a map"),)
        text = node.value
        if "{{" not in text:
            return (Value(text, document.value_place(node)),)
        whole = EXPRESSION.fullmatch(text.strip())
        if whole and depth < _DEEPEST:
            return tuple(value if value.place else value._replace(place=document.place(node)) for value in self.expression(text.strip(), depth + 1))
        return tuple(_put_together(document, node, found) for found in self._combined(text, depth))

    def _combined(self, text: str, depth: int) -> list[list[tuple[str, Value]]]:
        """The pieces of a text with expressions in it; of several values of the first expression each once."""
        parts: list[list[tuple[str, Value]]] = [[]]
        at = 0
        for found in EXPRESSION.finditer(text):
            values = self.expression(found[0], depth + 1) if depth < _DEEPEST else (Value(None, None, f"`{found[0]}`"),)
            before = ("", Value(text[at : found.start()]))
            parts = [[*part, before, (found[0], value)] for part in parts for value in values][:16]
            at = found.end()
        return [[*part, ("", Value(text[at:]))] for part in parts]

    def expression(self, text: str, depth: int = 0) -> tuple[Value, ...]:
        """What ``{{ … }}`` may be."""
        found = _NAME.fullmatch(text[2:-2])
        why = Value(None, None, f"`{' '.join(text.split())}`, not set here")
        if found is None or depth > _DEEPEST:
            return (why,)
        filters = found[3].strip()
        known: list[Value] = []
        for document, node in self._known(found[1]):
            inner = _reached(node, found[2])
            if inner is not None:
                known += self._values(document, inner, depth)
        if filters and not all(_KEEPS.fullmatch(one) or _DEFAULT.match(one) for one in re.findall(r"\|[^|]*", filters)):
            return (why,)
        told = tuple(value for value in known if value.text is not None)
        default = _DEFAULT.search(filters)
        if told or default is None:
            return told or tuple(known[:1]) or (why,)
        if default[3]:
            return self.expression(f"{{{{ {default[3]} }}}}", depth + 1)
        return (Value(default[2] or ""),)

    def _known(self, name: str) -> tuple[Known, ...]:
        """Where a variable is set: by the task's own surroundings, else anywhere in the repository."""
        return self.own.get(name) or self.repository.once(("ansible", name), lambda: tuple(_set_in(self.repository, name)))


def _reached(node: Node, path: str) -> Node | None:
    for part in re.findall(r"\w+", path):
        if (found := get(node, part)) is None:
            return None
        node = found
    return node


def _set_in(repository: Repository, name: str) -> Iterator[Known]:
    """Everything that says ``name`` in variable files, and in ``vars`` of plays and roles."""
    for file in repository.once("ansible names", lambda: _naming(repository)).get(name, ()):
        yield from repository.once(("ansible file", file), partial(_variables, repository, file)).get(name, ())


def _naming(repository: Repository) -> dict[str, list[str]]:
    """The files that have each key, which is found out without parsing them."""
    found: dict[str, list[str]] = {}
    files = [file for file in repository.files if file.endswith((".yml", ".yaml")) or _HOLDS.search(file)]
    for file in files[:_MOST]:
        text = repository.text(file)
        for name in dict.fromkeys(_KEY.findall(text)) if text is not None and len(text) <= SIZE and len(found) < _NAMES else ():
            found.setdefault(name, []).append(file)
    return found


def _variables(repository: Repository, file: str) -> dict[str, list[Known]]:
    """Everything that a file sets."""
    found: dict[str, list[Known]] = {}
    read = yaml(file, repository.text(file) or "")
    for document in [] if isinstance(read, Gap) else read:
        for key, node in _said(document.root, 0, held=_HOLDS.search(file) is not None):
            found.setdefault(key, []).append((document, node))
    return found


def _said(node: Node, depth: int, *, held: bool) -> Iterator[tuple[str, Node]]:
    """The variables in a variable file, or in the ``vars`` of anything else."""
    if depth > 12:
        return
    for key, value in items(node):
        if held:
            yield key.value, value
        else:
            yield from _said(value, depth + 1, held=key.value in ("vars", "set_fact", "ansible.builtin.set_fact"))
    if node.kind == "list":
        for item in elements(node):
            yield from _said(item, depth + 1, held=False)


def _put_together(document: Document, node: Node, parts: list[tuple[str, Value]]) -> Value:
    why = next((value.why for _, value in parts if value.text is None), "")
    if why:
        return Value(None, None, why)
    at, made = document.place(node), []
    for expression, value in parts:
        place = value.place if expression and value.place else at._replace(text=value.text) if value.text else None
        made.append((value.text or "", place, ""))
        at = at._replace(column=(at.column or 1) + len(expression or value.text or ""))
    return Value("".join(text for text, _, _ in made), document.place(node), "", tuple(made))


def _filled(value: Value) -> Filled:
    return Filled(UNKNOWN, None, value.why) if value.text is None else Filled(value.text, value.place)
