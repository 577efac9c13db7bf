"""Dockerfiles and Containerfiles under all their names, and templates of them: what each stage installs, and gets.

Names: `Dockerfile`, `Containerfile`, with `.name` or `-name` behind or `name.` before, and every file in `dockerfiles/`.
Read are RUN (shell form, JSON form, heredocs, ONBUILD), scripts that COPY writes from a heredoc, CMD and ENTRYPOINT,
the images of FROM and COPY --from, and managed settings that COPY, ADD or a RUN puts in `/etc/claude-code`.
ARG and ENV are followed through the stages as Docker has it, and so are the build arguments that compose files,
bake files, workflows, scripts and Makefiles of the repository give. What a base image or the command
line sets is not known. A stage that brings Claude Code, or starts it, is an image: its ENV is judged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from cc_fleet.model import Credential, Declared, Gap, Job, Place, Variable
from cc_fleet.records import NamedTuple
from cc_fleet.repo import Repository
from cc_fleet.repo.reading import build_args, copied, environment, exposed, installs, interpolation, powershell
from cc_fleet.repo.reading import dockerfile as parser
from cc_fleet.repo.reading.source import Source
from cc_fleet.repo.reading.stages import Build, Names, Step, TooMuch, chain_ends, templated
from cc_fleet.repo.reading.values import Context, Value

WANTS = (
    *(f"{start}{name}{end}" for name in ("Dockerfile", "Containerfile", "dockerfile", "containerfile") for start, end in (("", ""), ("", ".*"), ("", "-*"), ("*.", ""), ("*-", ""), ("*.", ".*"))),
    "**/dockerfiles/*", "docker-bake*.json",
)  # fmt: skip
_OTHER = re.compile(
    r".*\.(?:md|mdx|rst|adoc|html?|json|ya?ml|toml|lock|py|go|rs|[cm]?[jt]sx?|rb|java|kt|sh|bash|ps1|bats|dockerignore|png|svg|snap|diff|patch|bak|orig|csv)",
    re.IGNORECASE,
)
_EXACT = re.compile(r"(?:Docker|Container)file(?:[.-][\w-]+)*|[\w-]+\.(?:Docker|Container)file", re.IGNORECASE)
_TEMPLATES = (".j2", ".jinja", ".jinja2", ".tpl", ".tmpl", ".template", ".erb", ".in", ".hbs", ".mustache", ".ejs")
_WORDS = ("claude", "anthropic", "litellm")
_GATEWAY = re.compile(r"(?:^|[\s'\"/;&|])litellm['\"]?(?:\s|\\\n)+['\"]?--")
_SHELL = re.compile(r"#![^\n]*sh\b")
_SCRIPT = re.compile(r".*\.(?:ba|z|k)?sh|.*/(?:bin|sbin|init\.d|profile\.d|cron[.\w]*|entrypoint\.d)/[^/.]+")


class About(NamedTuple):
    """What surrounds a Dockerfile: its build arguments, the names of a script that writes it, what a policy keeps, the repository, and what its image is called."""

    given: Names = MappingProxyType({})
    outer: Names = MappingProxyType({})
    keep: frozenset[str] = frozenset()
    repository: Repository | None = None
    job: str | None = None


def read(repository: Repository, file: str) -> Iterator[Any]:
    text = repository.text(file) or ""
    if _OTHER.fullmatch(file):
        return
    if len(text) > parser.SIZE:
        yield Gap(f"is larger than {parser.SIZE // 1024} KiB", Place(file))
    elif "\0" in text:
        yield Gap("is no text: it holds a NUL", Place(file))
    else:
        source = Source.whole(file, text)
        given = build_args.given(repository, file) if re.search(r"\barg\b", text, re.IGNORECASE) else {}
        yield from facts(source, about=About(given, {}, repository.keep, repository))


def facts(source: Source, outer: Names | None = None, about: About = About()) -> Iterator[Any]:
    """What the Dockerfile ``source`` asks for; one that a script writes has the script's names as ``outer``."""
    if outer and "\\$" in source.text:
        source = source.masked(source.text.replace("\\$", "$"))
    file = parser.parse(source)
    if (gap := _gap(source, file)) is not None:
        yield gap
        if not any(instruction.keyword in parser.KEYWORDS for instruction in file.instructions):
            return
    elif not any(instruction.keyword in parser.KEYWORDS for instruction in file.instructions):
        return
    yield from _Reading(source, file, about._replace(outer=outer or about.outer)).facts()


def environment_of(repository: Repository, file: str, target: str | None) -> dict[str, tuple[Value, ...]] | None:
    """The environment of the image that a Dockerfile makes, its last stage or ``target``; None where Claude Code is not in it."""
    text = repository.text(file) or ""
    if len(text) > parser.SIZE or not _mentions(text):
        return None
    source = Source.whole(file, text)
    reading = _Reading(source, parser.parse(source), About({}, {}, repository.keep, None))
    for _ in reading.facts():
        pass
    build, ends = reading.build, chain_ends(reading.build.stages)
    wanted = next((stage.number for stage in build.stages if stage.name == (target or "").lower()), len(build.stages) - 1)
    return dict(build.environments[wanted]) if wanted >= 0 and ends[wanted] in reading.images() else None


def _gap(source: Source, file: parser.Dockerfile) -> Gap | None:
    """What of the file cannot be read, where it says by its name that it is a Dockerfile."""
    if not file.complete:
        return Gap(f"has more than {parser.MOST} instructions: the rest was not read", source.place(len(source.text)))
    name = source.file.rpartition("/")[2]
    if not _EXACT.fullmatch(name) or name.endswith(_TEMPLATES) or (file.syntax and "docker/dockerfile" not in file.syntax):
        return None
    odd = next((one for one in file.instructions if one.keyword not in parser.KEYWORDS and one.keyword[:1].isalpha()), None)
    if odd is None:
        return None
    line = odd.body.lines[0]
    told = f"`{odd.keyword}`" if odd.keyword.isalpha() and len(odd.keyword) <= 20 else "what stands here"
    return Gap(f"is not a Dockerfile: {told} is no instruction", Place(source.file, line))


class _Reading:
    """One file while it is read."""

    def __init__(self, source: Source, file: parser.Dockerfile, about: About) -> None:
        self.source, self.file, self.about = source, file, about
        self.build = Build(file, about.given, about.outer)
        self.template = templated(source.text)
        self.found: list[tuple[int | None, Any]] = []
        self.runs: dict[int, Place] = {}
        self.gateways: set[int] = set()  # the stages that start LiteLLM as one

    def facts(self) -> Iterator[Any]:
        gap = None
        try:
            for step in self.build.steps():
                self.found += [(step.stage, fact) for fact in self._step(step)]
        except TooMuch as err:
            gap = Gap(str(err), err.place)
        jobs = self.images()
        ends = chain_ends(self.build.stages)
        gateways = {ends[stage] for stage in self.gateways}
        for stage, told in self.found:
            is_one = isinstance(told, Declared) and stage is not None and ends[stage] in gateways
            fact = told._replace(product=told.product.removesuffix("-library")) if is_one else told
            job = jobs.get(ends[stage]) if stage is not None else None
            yield from _of(fact, job, self.about.repository)
        for end, job in jobs.items():
            yield job
            given = environment.variables(self.build.environments[end], job.name, self.about.keep)
            yield from (fact for fact in given if isinstance(fact, Variable))
        if gap is not None:
            yield gap

    def images(self) -> dict[int, Job]:
        """The image at the end of each chain of stages that brings or starts Claude Code."""
        ends = chain_ends(self.build.stages)
        places: dict[int, Place] = {}
        for stage, fact in self.found:
            if stage is not None and isinstance(fact, Declared) and fact.product == "cli":
                places.setdefault(ends[stage], fact.used or fact.place)
        for stage, place in self.runs.items():
            places.setdefault(ends[stage], place)
        several = len(self.build.stages) > 1
        name = self.about.job or self.source.file
        return {end: Job(f"{name}#{self.build.stages[end].name}" if several else name, "image", place) for end, place in sorted(places.items())}

    def _step(self, step: Step) -> Iterator[Any]:
        keyword = step.instruction.keyword
        for name, value in step.assigned:
            if (found := exposed.credential(name, value, ours=True)) is not None:
                yield found
        if keyword == "FROM" and step.stage is not None:
            stage = self.build.stages[step.stage]
            if stage.parent is None:
                yield from self._image(stage.image, stage.place)
        elif keyword in ("RUN", "CMD", "ENTRYPOINT"):
            yield from self._command(step, keyword)
        elif keyword in ("COPY", "ADD"):
            yield from self._copy(step)

    def _image(self, images: tuple[Value, ...], place: Place) -> Iterator[Declared]:
        for image in images:
            yield from installs.image(interpolation.filled(image), place)

    def _command(self, step: Step, keyword: str) -> Iterator[Any]:
        instruction, escape = step.instruction, self.file.escape
        given = parser.json_words(instruction.body, escape)
        script = parser.exec_script(instruction.body, given) if given is not None else parser.shell_script(instruction, escape)
        if not _tells(script.text, step.names):
            return
        if script.text.startswith("#!") and not _SHELL.match(script.text):
            return
        shell = (given[0].text if given else step.shell[0] if step.shell else "").rpartition("/")[2].rpartition("\\")[2].lower().removesuffix(".exe")
        if shell in powershell.SHELLS or (shell == "cmd" and not given):
            yield from powershell.installs(script, Context({**step.names, **self.about.outer}, self.template), batch=shell == "cmd")
            return
        told = installs.read(script, Context({**step.names, **self.about.outer}, self.template))
        yield from told.facts
        if keyword != "RUN" and told.runs is not None and step.stage is not None:
            self.runs.setdefault(step.stage, told.runs)
        if keyword != "RUN" and step.stage is not None and _GATEWAY.search(script.text):
            self.gateways.add(step.stage)
        if keyword == "RUN" and "/etc/claude-code" in script.text:
            yield from copied.written(script)

    def _copy(self, step: Step) -> Iterator[Any]:
        instruction = step.instruction
        if (origin := instruction.option("from")) and origin.lower() not in {stage.name for stage in self.build.stages}:
            images = self.build.fill(origin, instruction, 0, step.names)
            yield from self._image(images, instruction.body.place(0)._replace(column=None, text=origin))
            return
        words = [word.text.strip("\"'") for word in parser.json_words(instruction.body, self.file.escape) or parser.words(instruction.body, self.file.escape)]
        target = words[-1] if words else ""
        for heredoc in instruction.heredocs:
            body = heredoc.body
            if copied.is_settings(target):
                yield copied.Written(target, body)
            elif (_SHELL.match(body.text) or (_SCRIPT.fullmatch(target) and not body.text.startswith("#!"))) and _tells(body.text, step.names):
                yield from installs.installs(body, Context(step.names if heredoc.expands else {}, self.template))
        if self.about.repository is not None and copied.is_settings(target) and not instruction.heredocs and not origin:
            yield from copied.sources(self.about.repository, self.source.file, words[:-1], target)


def _of(fact: Any, job: Job | None, repository: Repository | None) -> Iterator[Any]:
    """A fact with the job that it is of; settings that were put into the image as what they hold."""
    if isinstance(fact, Declared):
        yield fact._replace(job=job.name if job else None)
    elif isinstance(fact, Credential):
        if job is not None or exposed.is_ours((fact.place.text or "").partition("=")[0], fact):
            yield fact._replace(user=job.name if job else None)
    elif isinstance(fact, (copied.Written, copied.Copied)):
        yield from copied.facts(fact, repository, job.name if job else None)
    else:
        yield fact


def _tells(text: str, names: Mapping[str, tuple[Value, ...]]) -> bool:
    """Whether a script speaks of what is looked for, itself or by a name."""
    if _mentions(text):
        return True
    return "$" in text and any(_mentions(value.text or "") for name in set(re.findall(r"\$\{?([A-Za-z_]\w*)", text)) for value in names.get(name, ()))


def _mentions(text: str) -> bool:
    small = text.lower()
    return any(word in small for word in _WORDS)
