"""A Dockerfile's stages, and what each name stands for at each instruction, as Docker has it.

An ``ARG`` above the first ``FROM`` is seen in a stage that asks for it; a stage inherits the names
of the stage that it is built on; ``ENV`` beats ``ARG``; a build argument that somebody gives stands
beside the default that it replaces, for both are built.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from cc_fleet.model import Place
from cc_fleet.records import NamedTuple
from cc_fleet.repo.reading import interpolation
from cc_fleet.repo.reading.dockerfile import Dockerfile, Instruction, Word, json_words, words
from cc_fleet.repo.reading.interpolation import Reading, Rules
from cc_fleet.repo.reading.values import UNKNOWN, Template, Value

STAGES, NAMES = 200, 1000  # of a file; of a stage
EXPRESSION = re.compile(r"\{\{[^{}\n]{0,300}\}\}|<%=[^%\n]{0,300}%>")

Names = Mapping[str, tuple[Value, ...]]


class Stage(NamedTuple):
    """A stage: the number of the one that it is built on, or the image, with where ``FROM`` names it."""

    number: int
    name: str
    parent: int | None
    image: tuple[Value, ...]
    place: Place


class Step(NamedTuple):
    """An instruction in its stage (None above the first), with what names stand for there.

    ``names`` changes with the next step; ``assigned`` is what an ARG or ENV set, ``shell`` the words of SHELL.
    """

    stage: int | None
    instruction: Instruction
    names: Names
    assigned: tuple[tuple[str, Value], ...] = ()
    shell: tuple[str, ...] = ()


class TooMuch(Exception):
    """More stages or names than anybody writes; ``place`` is where."""

    def __init__(self, what: str, place: Place) -> None:
        super().__init__(what)
        self.place = place


def templated(text: str) -> Template | None:
    """What a template leaves open in ``text``; None where there is nothing of the kind."""
    return Template(EXPRESSION, lambda found: (Value(None, None, _why(found)),)) if "{{" in text or "<%=" in text else None


def _why(expression: str) -> str:
    return f"`{' '.join(expression.split())[:60]}`, which a template fills in"


class Build:
    """Follows a file.  ``given`` are its build arguments, ``outer`` the names of a script that writes it."""

    def __init__(self, file: Dockerfile, given: Names, outer: Names) -> None:
        self.file, self._given, self._outer = file, given, outer
        self._rules = Rules(file.escape, quotes=True)
        self.stages: list[Stage] = []
        self.environments: list[dict[str, tuple[Value, ...]]] = []
        self._globals: dict[str, tuple[Value, ...]] = {}
        self._names: list[dict[str, tuple[Value, ...]]] = []

    def steps(self) -> Iterator[Step]:
        """Every instruction, ``FROM`` once its stage is known; raises ``TooMuch``."""
        shells: list[tuple[str, ...]] = []
        for instruction in self.file.instructions:
            keyword = instruction.keyword
            if not self.stages and keyword not in ("FROM", "ARG"):  # a part of a file, which something else puts below a FROM
                self._begin(Stage(0, "0", None, (), instruction.body.place(0)))
                self._names[0].update(self._globals)
                shells.append(())
            stage = len(self.stages) - 1 if self.stages else None
            assigned: tuple[tuple[str, Value], ...] = ()
            if keyword == "FROM":
                self._from(instruction)
                stage, parent = len(self.stages) - 1, self.stages[-1].parent
                shells.append(shells[parent] if parent is not None else ())
            elif keyword == "ARG":
                assigned = tuple(self._arg(instruction, stage))
            elif keyword == "ENV" and stage is not None:
                assigned = tuple(self._env(instruction, stage))
            elif keyword == "SHELL" and stage is not None:
                shells[stage] = tuple(word.text for word in json_words(instruction.body, self.file.escape) or ())
            names = self._globals if stage is None else self._names[stage]
            if len(names) > NAMES:
                raise TooMuch(f"has more than {NAMES} names", instruction.body.place(0))
            yield Step(stage, instruction, names, assigned, shells[stage] if stage is not None else ())

    def fill(self, text: str, instruction: Instruction, start: int, names: Names) -> tuple[Value, ...]:
        """``text``, which stands at ``start`` of the body, with its names filled in."""
        body, found = instruction.body, EXPRESSION.search(text) if "{{" in text or "<%" in text else None
        reading = Reading(self._rules, lambda name: self._outer.get(name) or names.get(name, ()), lambda at, shown: body.place(start + at, shown))
        if found is None:
            return interpolation.fill(text, reading)
        why = _why(found[0])
        values = interpolation.fill(EXPRESSION.sub(UNKNOWN, text), reading)
        return tuple(_masked(value, why) if UNKNOWN in (value.text or "") else value for value in values)

    def _from(self, instruction: Instruction) -> None:
        given = list(words(instruction.body, self.file.escape))
        if len(self.stages) >= STAGES:
            raise TooMuch(f"has more than {STAGES} stages", instruction.body.place(0))
        word = given[0] if given else Word("", 0)
        images = self.fill(word.text, instruction, word.start, self._globals)
        name = given[2].text.lower() if len(given) > 2 and given[1].text.upper() == "AS" else str(len(self.stages))
        known = {stage.name: stage.number for stage in self.stages}
        parent = next((known[image.text.lower()] for image in images if image.text and image.text.lower() in known), None)
        self._begin(Stage(len(self.stages), name, parent, images, instruction.body.place(word.start, word.text)))

    def _begin(self, stage: Stage) -> None:
        self.stages.append(stage)
        self._names.append({} if stage.parent is None else dict(self._names[stage.parent]))
        self.environments.append({} if stage.parent is None else dict(self.environments[stage.parent]))

    def _arg(self, instruction: Instruction, stage: int | None) -> Iterator[tuple[str, Value]]:
        names = self._globals if stage is None else self._names[stage]
        for word in words(instruction.body, self.file.escape):
            name, equals, default = word.text.partition("=")
            name = name.strip("\"'")
            written: tuple[Value, ...] = ()
            if equals:
                written = self._values(default, instruction, word.start + len(word.text) - len(default), names)
            elif stage is not None:
                written = tuple(value for value in self._globals.get(name, ()) if value.why != _not_given(name))
            values = tuple(dict.fromkeys((*written, *self._given.get(name, ())))) or (Value(None, None, _not_given(name)),)
            if stage is None or name not in self.environments[stage]:
                names[name] = values
            for value in written if equals else ():
                yield name, value

    def _env(self, instruction: Instruction, stage: int) -> Iterator[tuple[str, Value]]:
        names, environment = self._names[stage], self.environments[stage]
        made: list[tuple[str, tuple[Value, ...]]] = []
        given = list(words(instruction.body, self.file.escape))
        if given and "=" not in given[0].text:  # the old form: all the rest is the value
            rest = instruction.body.text[given[0].start + len(given[0].text) :]
            text = rest.strip()
            start = given[0].start + len(given[0].text) + len(rest) - len(rest.lstrip())
            made.append((given[0].text, self._values(text, instruction, start, names)))
        else:
            for word in given:
                name, equals, text = word.text.partition("=")
                if equals:
                    made.append((name.strip("\"'"), self._values(text, instruction, word.start + len(word.text) - len(text), names)))
        for name, values in made:
            names[name] = environment[name] = values
            for value in values:
                yield name, value

    def _values(self, text: str, instruction: Instruction, start: int, names: Names) -> tuple[Value, ...]:
        """What is written for a name, each with where it is written."""
        place = instruction.body.place(start)
        return tuple(value if value.place is not None else value._replace(place=place) for value in self.fill(text, instruction, start, names))


def _masked(value: Value, why: str) -> Value:
    """A value in which a template's expressions stand, which are not known."""
    if value.text == UNKNOWN:
        return Value(None, value.place, why)
    parts = value.parts or ((value.text or "", value.place, why),)
    cut = ((piece, place, why if piece == UNKNOWN else told) for text, place, told in parts for piece in re.split(f"({UNKNOWN})", text) if piece)
    return value._replace(why=why, parts=tuple(cut))


def _not_given(name: str) -> str:
    return f"build argument `{name}`, not set here"


def chain_ends(stages: list[Stage]) -> list[int]:
    """For each stage the last one that is built on it, itself where there is none."""
    ends = list(range(len(stages)))
    for stage in reversed(stages):
        if stage.parent is not None and ends[stage.parent] == stage.parent:
            ends[stage.parent] = ends[stage.number]
    return ends
