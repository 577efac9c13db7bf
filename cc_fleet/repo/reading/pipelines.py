"""A GitLab pipeline over all of its files: jobs with what they extend, variables and inputs with their values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from cc_fleet.host import redact
from cc_fleet.model import Gap
from cc_fleet.records import NamedTuple
from cc_fleet.repo import Repository
from cc_fleet.repo.reading import document as documents
from cc_fleet.repo.reading import expressions
from cc_fleet.repo.reading.document import Document, Node, elements, get, items, text_of
from cc_fleet.repo.reading.source import Source
from cc_fleet.repo.reading.values import Template, Value

Values = tuple[Value, ...]
FILES, DEEPEST, LINES, MOST = 100, 11, 5_000, 200_000
INPUT = re.compile(r"\$\[\[\s*(?:inputs\.)?([\w-]+)[^\[\]]*\]\]")
_NAME = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))|" + INPUT.pattern)
_MENTIONED = re.compile(r"\$\{?!?([A-Za-z_]\w*)|\$env:(\w+)")
_OWN_COMPONENT = re.compile(r"\$\{?CI_SERVER_(?:FQDN|HOST)\}?/\$\{?CI_PROJECT_PATH\}?/([\w-]+)@.*")
_NO_JOBS = frozenset("default variables include stages workflow image services before_script after_script cache spec pages:deploy types".split())


class Part(NamedTuple):
    """A node and the document that it stands in."""

    document: Document
    node: Node


Said = Sequence[Part]


class Given(NamedTuple):
    """The documents of a pipeline, what stands in the way, and for each input its default and what includes give."""

    documents: tuple[Document, ...]
    gaps: tuple[Gap, ...]
    inputs: Mapping[tuple[str, str], Values]


def closure(repository: Repository, file: str) -> Given:
    """``file`` and the files of this repository that it includes, and those of these."""
    found: list[Document] = []
    gaps: list[Gap] = []
    inputs: dict[tuple[str, str], list[Value]] = {}
    awaited, known = [file], {file}
    while awaited and len(known) <= FILES:
        now = awaited.pop(0)
        text = repository.text(now)
        parsed = documents.yaml(now, text) if text is not None else []
        if isinstance(parsed, Gap):
            gaps.append(parsed)
            continue
        for document in parsed:
            for key, about in items(get(document.root, "spec", "inputs")):
                inputs.setdefault((now, key.value), [])[:0] = _defaults(document, about)
            if len(parsed) > 1 and get(document.root, "spec") is not None:
                continue
            found.append(document)
            for path, given in _includes(repository, document):
                for key, value in items(given):
                    if value.kind == "text":
                        inputs.setdefault((path, key.value), []).append(Value(value.value, document.value_place(value)))
                if path not in known:
                    known.add(path)
                    awaited.append(path)
    return Given(tuple(found), tuple(gaps), {key: tuple(dict.fromkeys(values)) for key, values in inputs.items()})


def _defaults(document: Document, about: Node) -> list[Value]:
    default = get(about, "default")
    return [Value(default.value, document.value_place(default))] if default is not None and default.kind == "text" else []


def _includes(repository: Repository, document: Document) -> Iterator[tuple[str, Node | None]]:
    """The files of this repository that a document includes, with the inputs that it gives them."""
    triggers = [get(job, "trigger", "include") for _, job in items(document.root) if "trigger" in document.whole.text[job.start : job.end]]
    for node in (get(document.root, "include"), *triggers[:FILES]):
        for one in elements(node):
            local = one if one.kind == "text" else get(one, "local")
            component = text_of(get(one, "component")) or ""
            path = (text_of(local) or "").lstrip("/")
            if found := _OWN_COMPONENT.fullmatch(component):
                path = next((p for p in (f"templates/{found[1]}.yml", f"templates/{found[1]}/template.yml") if repository.has(p)), "")
            for file in _matched(repository, path):
                yield file, get(one, "inputs")


def _matched(repository: Repository, path: str) -> list[str]:
    if "*" not in path:
        return [path] if repository.has(path) else []
    pattern = re.compile(re.escape(path).replace(r"\*\*", ".*").replace(r"\*", "[^/]*"))
    return [file for file in repository.files if pattern.fullmatch(file)][:FILES]


class Pipeline:
    """The jobs of all files by their names; of one that several files have, the including file's counts first."""

    def __init__(self, given: Given) -> None:
        self.given, self.gaps, self.files = given, given.gaps, frozenset(document.file for document in given.documents)
        self.jobs: dict[str, list[Part]] = {}
        self._defaults: list[Part] = []
        self._globals: list[Part] = []
        self._left = MOST
        for document in given.documents:
            pairs = tuple((key, node) for key, node in items(document.root) if key.value in _NO_JOBS)
            outside = Part(document, document.root._replace(kind="map", value=pairs))
            self._globals.append(outside)
            if (default := get(document.root, "default")) is not None:
                self._defaults.append(Part(document, default))
            self._defaults.append(outside)
            for key, node in items(document.root):
                if key.value not in _NO_JOBS and node.kind == "map":
                    self.jobs.setdefault(key.value, []).append(Part(document, node))
        self._used = self._extended()
        self.inputs = Template(INPUT, self._input)

    @property
    def spent(self) -> bool:
        """Whether more was asked of it than anybody needs."""
        return self._left < 0

    @property
    def is_pipeline(self) -> bool:
        """Whether any of its maps is a job, or it says what it asks for."""
        return any(get(part.node, key) is not None for parts in self.jobs.values() for part in parts for key in ("script", "before_script", "trigger"))

    def _extended(self) -> set[str]:
        """Hidden jobs that others use, as a whole or in part: what they do is told of those."""
        used: set[str] = set()
        for parts in self.jobs.values():
            for part in parts:
                used |= {text for one in elements(get(part.node, "extends")) if (text := text_of(one)) is not None}
        for document in self.given.documents:
            text = document.whole.text
            used |= {found[1] for found in re.finditer(r"!reference\s*\[\s*[\"']?([^\s,\"'\]]+)", text)}
            used |= {found[1] for found in re.finditer(r"!reference\s*\n\s*-\s*[\"']?([^\s\"']+)", text)}
            aliases = set(re.findall(r"(?:^|[\s:\[,-])\*([\w.-]+)", text))
            for name, parts in self.jobs.items():
                for part in parts if name.startswith(".") else ():
                    if part.document is document and aliases & set(re.findall(r"&([\w.-]+)", _around(text, part.node))):
                        used.add(name)
        return used

    def runs(self, name: str) -> bool:
        """Whether a job is one that runs, or a hidden one that nobody here uses."""
        return not (name.startswith(".") and name in self._used)

    def _chain(self, name: str, depth: int = 0) -> Iterator[Part]:
        """A job's own parts and those that it extends, what counts most first."""
        if depth > DEEPEST:
            return
        parents: list[str] = []
        for part in self.jobs.get(name, ()):
            yield part
            parents = parents or [text for one in elements(get(part.node, "extends")) if (text := text_of(one)) is not None]
        for parent in reversed(parents):
            yield from self._chain(parent, depth + 1)

    def fields(self, name: str, *keys: str) -> dict[str, Said]:
        """What a job has of these keys: its own, what it extends, or the default."""
        chain: list[Part] = []
        for part in self._chain(name):
            self._left -= 1
            if self._left < 0 or len(chain) > FILES:
                break
            chain.append(part)
        told: dict[str, Said] = {}
        for key in keys:
            found = next((Part(part.document, value) for part in (*chain, *self._defaults) if (value := get(part.node, key)) is not None), None)
            if found is not None:
                told[key] = list(self._flat(found, 0))[:LINES]
        told["variables"] = [*(Part(part.document, part.node) for part in chain), *self._globals]
        return told

    def _flat(self, part: Part, depth: int) -> Iterator[Part]:
        """The texts (and maps) of a list, with what is referred to in their place."""
        if depth > DEEPEST:
            return
        if part.node.tag == "!reference":
            path = [text_of(one) or "" for one in elements(part.node)]
            for found in self._referred(path):
                yield from self._flat(found, depth + 1)
        elif part.node.kind == "list":
            for one in part.node.value:
                yield from self._flat(Part(part.document, one), depth + 1)
        elif not part.node.null:
            yield part

    def _referred(self, path: list[str]) -> Iterator[Part]:
        self._left -= 1
        for part in self._chain(path[0]) if path and self._left >= 0 else ():
            if (node := get(part.node, *path[1:])) is not None:
                yield Part(part.document, node)
                return

    def lines(self, said: Said) -> Iterator[Source]:
        """The lines of a script."""
        for part in said:
            if part.node.kind == "text":
                yield part.document.script(part.node)

    def images(self, said: Mapping[str, Said]) -> Iterator[Part]:
        """The images of a job and of its services."""
        for part in (*said.get("image", ()), *said.get("services", ())):
            node = part.node if part.node.kind == "text" else get(part.node, "name")
            if node is not None and text_of(node):
                yield Part(part.document, node)

    def variable_maps(self) -> Iterator[Part]:
        """Every map of variables in its files."""
        for part in (*self._globals, *(part for parts in self.jobs.values() for part in parts)):
            if (node := get(part.node, "variables")) is not None:
                yield Part(part.document, node)

    def variables(self, said: Mapping[str, Said]) -> dict[str, Values]:
        """What a job's scripts name of variables, and what concerns Claude Code."""
        raw = self._raw(said.get("variables", ()))
        text = "\n".join(part.node.value for key, parts in said.items() if key != "variables" for part in parts if part.node.kind == "text")
        named = {found[1] or found[2] for found in _MENTIONED.finditer(text)}
        named |= {found[1] for part in self.images(said) for found in _MENTIONED.finditer(part.node.value)}
        wanted = [one for one in raw if one in named or redact.concerns(one)]
        known: dict[str, Values] = {}
        for one in wanted:
            self._value(one, raw, known)
        return {one: known[one] for one in wanted}

    def _raw(self, said: Said) -> dict[str, list[Part]]:
        """Each variable's texts: the first map that has it, and what rules and a matrix make of it."""
        found: dict[str, list[Part]] = {}
        for part in said:
            here: dict[str, list[Part]] = {}
            for document, node in self._maps(part):
                for key, value in items(node):
                    self._left -= 1
                    given = get(value, "value") if value.kind == "map" else value
                    for one in elements(given):
                        if one.kind == "text":
                            here.setdefault(key.value, []).append(Part(document, one))
            for key_, parts in here.items():
                found.setdefault(key_, parts[:256])
            if self._left < 0:
                break
        return found

    def _maps(self, part: Part) -> Iterator[Part]:
        node = get(part.node, "variables")
        if node is not None and node.tag == "!reference":
            yield from self._referred([text_of(one) or "" for one in elements(node)])
        elif node is not None:
            yield Part(part.document, node)
        for rule in (*elements(get(part.node, "rules")), *elements(get(part.node, "workflow", "rules"))):
            if (below := get(rule, "variables")) is not None:
                yield Part(part.document, below)
        for entry in elements(get(part.node, "parallel", "matrix")):
            yield Part(part.document, entry)

    def _value(self, name: str, raw: Mapping[str, list[Part]], known: dict[str, Values]) -> Values:
        if name not in known:
            known[name] = (Value(None, None, f"`${name}`, which names itself"),)
            self._left -= 1
            template = Template(_NAME, lambda whole: self._named(whole, raw, known))
            made = [value for part in raw[name] for value in expressions.fill(part.node.value, part.document.value_place(part.node), template)]
            known[name] = tuple(dict.fromkeys(made))
        return known[name]

    def _named(self, whole: str, raw: Mapping[str, list[Part]], known: dict[str, Values]) -> Values:
        if whole.startswith("$[["):
            return self._input(whole)
        name = whole.strip("${}")
        if name in raw and self._left >= 0 and len(known) < 1000:
            return self._value(name, raw, known)
        return (Value(None, None, f"`{whole}`, not set here"),)

    def _input(self, whole: str) -> Values:
        found = INPUT.fullmatch(whole)
        values = [value for (_, name), several in self.given.inputs.items() if found and name == found[1] for value in several]
        return tuple(dict.fromkeys(values)) or (Value(None, None, f"`{whole}`, not given here"),)

    def template(self, variables: Mapping[str, Values]) -> Template:
        """Variables and inputs in an image's name."""
        known = dict(variables)
        return Template(_NAME, lambda whole: self._named(whole, {}, {}) if whole.strip("${}") not in known else known[whole.strip("${}")])


def _around(text: str, node: Node) -> str:
    """A node's text with the rest of the line before it, where its anchor stands."""
    return text[text.rfind("\n", 0, node.start) + 1 : node.end] if node.end - node.start < 1 << 16 else text[node.start - 200 : node.start]
