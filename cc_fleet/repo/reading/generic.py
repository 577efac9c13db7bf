"""CI whose configuration is a tree of maps with commands and variables: how each of them names the two."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cc_fleet.records import NamedTuple
from cc_fleet.repo.reading import expressions, sequence
from cc_fleet.repo.reading.document import Document, Node, elements, get, items, text_of
from cc_fleet.repo.reading.sequence import Shell
from cc_fleet.repo.reading.source import Source
from cc_fleet.repo.reading.values import Context, Template, Value

Values = tuple[Value, ...]
DEEPEST, MOST = 20, 20_000


class Dialect(NamedTuple):
    """``env`` and ``scripts`` are keys; ``one`` tells that the whole file is one job; ``doubled``: ``$$`` is a dollar.

    ``language`` is that of a command that does not say another.
    """

    scripts: tuple[str, ...]
    env: tuple[str, ...] = ("environment", "env", "variables")
    one: bool = False
    doubled: bool = False
    language: str = "bash"


_APPVEYOR = (
    "init", "before_install", "install", "after_install", "before_build", "build_script", "after_build", "before_test", "test_script", "after_test",
    "before_deploy", "deploy_script", "after_deploy", "on_success", "on_failure", "on_finish",
)  # fmt: skip
DIALECTS = {
    "bitbucket": Dialect(("script", "after-script")),
    "buildkite": Dialect(("command", "commands"), doubled=True),
    "drone": Dialect(("commands",), doubled=True),
    "woodpecker": Dialect(("commands",), doubled=True),
    "appveyor": Dialect(_APPVEYOR, one=True, language="cmd"),
    "travis": Dialect(("before_install", "install", "before_script", "script", "after_success", "after_failure", "after_script", "before_deploy", "deploy", "after_deploy", "before_cache"), ("env", "global", "jobs", "matrix"), one=True),
    "codebuild": Dialect(("commands", "finally"), one=True),
    "cloudbuild": Dialect(("script",), ("env", "substitutions"), doubled=True),
}  # fmt: skip
_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))")
_ASSIGNED = re.compile(r"\s*([A-Za-z_]\w*)=(\"[^\"]*\"|'[^']*'|\S*)")
_LANGUAGES = {"ps": "pwsh", "pwsh": "pwsh", "cmd": "cmd", "sh": "bash", "bash": "bash"}
_PROGRAMS = re.compile(r"(?:.*/)?(?:ba|z|da)?sh")


class Around(NamedTuple):
    """The environment around a map, and what of it concerns Claude Code."""

    env: ChainMap[str, Values]
    concerning: dict[str, Values]


class Tree:
    """The facts of one document."""

    def __init__(self, document: Document, dialect: Dialect, keep: frozenset[str]) -> None:
        self.document, self.dialect, self.keep = document, dialect, keep
        self.left, self.number = MOST, 0

    def facts(self, several: bool) -> Iterator[Any]:
        """Every job of it; ``several``: the file has more documents."""
        file, shells = self.document.file, self._shells(self.document.root, Around(ChainMap(), {}), 0, "")
        groups: dict[str, list[tuple[Shell, Node, Around]]] = {}
        for label, shell, node, around in shells:
            groups.setdefault("" if self.dialect.one else label, []).append((shell, node, around))
        for label, group in groups.items():
            job = f"{file}#{label}" if label and (len(groups) > 1 or several) else file
            pictures = [fact for _, node, around in group for fact in self._pictures(node, around.env, job)]
            env = {name: values for _, _, around in group for name, values in around.concerning.items()}
            jobs = [shell._replace(context=shell.context._replace(job=job)) for shell, _, _ in group]
            yield from sequence.told(job, "ci", sequence.worked(jobs, pictures, env, self.keep), self.keep)

    def _pictures(self, node: Node, env: Mapping[str, Values], job: str | None) -> Iterator[Any]:
        image = get(node, "image")
        image = get(image, "name") if image is not None and image.kind == "map" else image
        if image is not None and image.kind == "text":
            yield from sequence.pictured(self.document, image, _template(env), job)

    def _shells(self, node: Node, around: Around, depth: int, label: str) -> Iterator[tuple[str, Shell, Node, Around]]:
        self.left -= 1
        if self.left < 0 or depth > DEEPEST:
            return
        if node.kind == "list":
            for one in node.value:
                yield from self._shells(one, around, depth + 1, label)
            return
        if node.kind != "map":
            return
        own = self._environment(node, around.env)
        if own:
            around = Around(around.env.new_child(own), {**around.concerning, **sequence.concerning(own, self.keep)})
        label = text_of(get(node, "name")) or text_of(get(node, "key")) or text_of(get(node, "label")) or label
        found = [self._shell(sources, language, around.env) for sources, language in self._scripts(node)]
        if found or get(node, "image") is not None:
            self.number += 1
            for shell in found or [Shell((), Context(around.env))]:
                yield label or str(self.number), shell, node, around
        for key, value in items(node):
            if value.kind != "text" and key.value not in self.dialect.scripts:
                yield from self._shells(value, around, depth + 1, key.value if value.kind == "map" and depth else label)

    def _shell(self, sources: list[Source], language: str, env: Mapping[str, Values]) -> Shell:
        if self.dialect.doubled:
            sources = [source.masked(source.text.replace("$$", "$")) for source in sources]
        return Shell(sources, Context(env), language)

    def _scripts(self, node: Node) -> Iterator[tuple[list[Source], str]]:
        """The scripts that a map has, each with its language."""
        plain: list[Source] = []
        for key in self.dialect.scripts:
            for one in elements(get(node, key)):
                for part in elements(one):
                    if part.kind == "text":
                        plain.append(self.document.script(part))
                    for word, below in items(part):
                        if word.value in _LANGUAGES and below.kind == "text":
                            yield [self.document.script(below)], _LANGUAGES[word.value]
        if plain:
            yield plain, self.dialect.language
        if (arguments := get(node, "args")) is not None and "substitutions" in self.dialect.env:
            yield [self._called(node, arguments)], "bash"

    def _called(self, node: Node, arguments: Node) -> Source:
        """A step's program with its arguments, or the script that it is given."""
        words = [one for one in (get(node, "entrypoint"), *elements(arguments)) if one is not None and one.kind == "text"]
        if len(words) > 2 and _PROGRAMS.fullmatch(words[0].value) and re.fullmatch(r"-\w*c", words[1].value):
            return self.document.script(words[2])
        sources = [self.document.script(one) for one in words]
        flat = [source for source in sources if "\n" not in source.text]
        if not flat:
            return Source.of(self.document.file, "", (1,), (1,))
        return Source.of(self.document.file, " \\\n".join(source.text for source in flat), tuple(source.lines[0] for source in flat), tuple(source.columns[0] for source in flat))

    def _environment(self, node: Node, outer: Mapping[str, Values]) -> dict[str, Values]:
        """The variables that a map sets: a map of them, or ``NAME=value`` in texts."""
        found: dict[str, list[Value]] = {}
        awaited = [(value, 0) for key in self.dialect.env if (value := get(node, key)) is not None]
        while awaited and self.left >= 0:
            below, depth = awaited.pop()
            self.left -= 1
            for one in elements(below):
                if one.kind == "text":
                    for match in _ASSIGNED.finditer(one.value):
                        text = match[2].strip("\"'")
                        at = one.start + (one.style in ("'", '"')) + match.start(2) + (match[2][:1] in ("'", '"'))
                        found.setdefault(match[1], []).append(Value(text, self.document.whole.place(at, text)))
                for key, value in items(one):
                    if value.kind == "text":
                        found.setdefault(key.value, []).append(Value(value.value, self.document.value_place(value)))
                    elif key.value in ("global", "jobs", "matrix", "variables") and depth < 2:
                        awaited.append((value, depth + 1))
        return {name: tuple(self._filled(value, found, outer) for value in values) for name, values in found.items()}

    def _filled(self, value: Value, own: Mapping[str, Sequence[Value]], outer: Mapping[str, Values]) -> Value:
        """A variable that names another, of its own place or of one around it."""
        named = _VARIABLE.fullmatch(value.text or "")
        other = (own.get(named[1] or named[2]) or outer.get(named[1] or named[2])) if named else None
        if other and other[0].text != value.text:
            return Value(*other[0])
        return Value(None, value.place, f"`{value.text}`, not set here") if value.text and "$" in value.text else value


def _template(env: Mapping[str, Values]) -> Template:
    return Template(_VARIABLE, lambda whole: env.get(whole.strip("${}"), (Value(None, None, f"`{expressions.shown(whole)}`, not set here"),)))
