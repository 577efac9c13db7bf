"""Workflows and composite actions of GitHub as jobs with steps: what each step's names stand for.

An input has its default, and what every caller in this repository gives it; a job's outputs, and those
of a step, are followed to the script that writes them.
"""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Iterator

from cc_fleet.model import Gap
from cc_fleet.records import NamedTuple
from cc_fleet.repo import Repository
from cc_fleet.repo.reading import document as documents
from cc_fleet.repo.reading import installs
from cc_fleet.repo.reading.document import Document, Node, elements, get, items, text_of
from cc_fleet.repo.reading.handed import Handed, handed
from cc_fleet.repo.reading.names import Env, Names, Values, environment, matrix, nothing, value_of
from cc_fleet.repo.reading.sequence import mentioned
from cc_fleet.repo.reading.values import Context, Value

DEEPEST = 3  # callers of callers that are followed
FARTHEST = 10  # jobs whose outputs come from each other
MOST = 200  # names that the steps of a job hand on
WORKFLOW = re.compile(r"\.(?:github|gitea|forgejo)/workflows/[^/]+\.ya?ml")
ACTION = re.compile(r"(?:(.*)/)?action\.ya?ml")
_LOCAL = re.compile(r"uses:\s*[\"']?(\./[^\s\"'#@,{}\[\]]*)")


class Step(NamedTuple):
    """A step with the names that it sees; ``own`` is its own environment, ``before`` what earlier steps handed on."""

    node: Node
    names: Names
    own: Env
    before: Env

    @property
    def uses(self) -> Node | None:
        node = get(self.node, "uses")
        return node if text_of(node) is not None else None


class Call(NamedTuple):
    """What a caller gives a local action or workflow: its inputs, and the environment around it."""

    given: Env
    env: Env


class Flow:
    """A workflow, or a composite action, which is one job."""

    def __init__(self, repository: Repository, document: Document, depth: int = 0) -> None:
        self.repository, self.document, self.root = repository, document, document.root
        found = ACTION.fullmatch(document.file) if not WORKFLOW.fullmatch(document.file) else None
        self.composite = found is not None
        target = (found[1] or "") if found else document.file
        made = calls(repository, target, depth + 1) if depth < DEEPEST else ()
        around: dict[str, Values] = {}
        for call in made if found else ():
            for name, values in call.env.items():
                around[name] = tuple(dict.fromkeys((*around.get(name, ()), *values)))
        self.inputs = _inputs(document, made, composite=self.composite)
        self.called = bool(made)
        first = Names(self.inputs, around, nothing, nothing)
        self.env: ChainMap[str, Values] = ChainMap(environment(document, get(self.root, "env"), first.template), around)
        self._nodes = {"": get(self.root, "runs")} if self.composite else {key.value: value for key, value in items(get(self.root, "jobs"))}
        self._jobs: dict[str, Job] = {}
        self._outputs: dict[tuple[str, str], Values] = {}
        self._asked: list[str] = []

    def jobs(self) -> Iterator[tuple[str, Node]]:
        """The keys of its jobs, with what stands there."""
        for key, node in self._nodes.items():
            if node is not None and node.kind == "map":
                yield key, node

    def job(self, key: str) -> Job | None:
        """A job with its names."""
        node = self._nodes.get(key)
        if key not in self._jobs and node is not None:
            self._jobs[key] = Job(self, node)
        return self._jobs.get(key)

    def output(self, key: str, name: str) -> Values:
        """What the output ``name`` of the job ``key`` may be; of jobs that ask each other on and on, nothing."""
        if (key, name) not in self._outputs and len(self._asked) < FARTHEST:
            self._outputs[key, name] = ()  # while it is worked out
            self._asked.append(key)
            other = self.job(key) if not self.composite else None
            node = get(other.node, "outputs", name) if other is not None else None
            if other is not None and node is not None and node.kind == "text":
                self._outputs[key, name] = value_of(self.document, node, other.names.template)
            self._asked.pop()
        return self._outputs.get((key, name), ())


class Job:
    """A job of a workflow, with what the names in it stand for."""

    def __init__(self, flow: Flow, node: Node) -> None:
        self.flow, self.node, self.document = flow, node, flow.document
        outer = Names(flow.inputs, flow.env, nothing, self._outputs)
        self._matrix = matrix(flow.document, get(node, "strategy", "matrix"), outer.template)
        names = Names(flow.inputs, flow.env, self._matrix, self._outputs)
        self.own = {
            **environment(flow.document, get(node, "container", "env"), names.template),
            **environment(flow.document, get(node, "env"), names.template),
        }
        self.names = names.within(ChainMap(self.own, flow.env))
        self._handed: dict[str, dict[str, Values]] = {}
        self._deep = 0
        self._named: dict[str, list[Node]] = {}
        for step in elements(get(node, "steps")):
            if name := text_of(get(step, "id")):
                self._named.setdefault(name, []).append(step)

    def steps(self) -> Iterator[Step]:
        """Its steps in order; what one hands on, the later ones see."""
        given: dict[str, Values] = {}
        outer = self.names.within(ChainMap(given, self.own, self.flow.env))
        for node in elements(get(self.node, "steps")):
            own = environment(self.document, get(node, "env"), outer.template)
            step = Step(node, outer.within(ChainMap(own, given, self.own, self.flow.env)), own, given)
            yield step
            if len(given) < MOST and "GITHUB_ENV" in self.document.whole.text[node.start : node.end]:
                for one in self._written(step):
                    if one.file == "GITHUB_ENV":
                        given[one.name] = one.values

    def _written(self, step: Step) -> Iterator[Handed]:
        run = get(step.node, "run")
        if run is not None and run.kind == "text":
            source = self.document.script(run)
            read = installs.read(source, Context(mentioned(source.text, step.names.env), step.names.template))
            yield from handed(source, read.names, step.names.template)

    def _outputs(self, path: tuple[str, ...]) -> Values:
        head, key, name = path
        if head == "needs":
            return self.flow.output(key, name)
        if key not in self._handed and self._deep < FARTHEST:
            self._handed[key] = {}  # while it is worked out
            self._deep += 1
            for node in self._named.get(key, ()):
                own = environment(self.document, get(node, "env"), self.names.template)
                step = Step(node, self.names.within(ChainMap(own, self.own, self.flow.env)), own, {})
                for one in self._written(step):
                    if one.file == "GITHUB_OUTPUT":
                        before = self._handed[key].get(one.name, ())
                        self._handed[key][one.name] = tuple(dict.fromkeys((*before, *one.values)))
            self._deep -= 1
        return self._handed.get(key, {}).get(name, ())


def _inputs(document: Document, made: tuple[Call, ...], *, composite: bool) -> dict[str, Values]:
    """Every input by its name in small letters."""
    if composite:
        maps = [get(document.root, "inputs")]
        optional = False
    else:
        on = get(document.root, "on")
        triggers = {key.value for key, _ in items(on)}
        maps = [get(on, "workflow_dispatch", "inputs"), get(on, "workflow_call", "inputs")]
        optional = bool(triggers - {"workflow_dispatch", "workflow_call"})
    found: dict[str, list[Value]] = {}
    for number, node in enumerate(maps):
        for key, about in items(node):
            values = found.setdefault(key.value.lower(), [])
            default = get(about, "default")
            if default is not None and default.kind == "text":
                values.append(Value(default.value, document.value_place(default)))
            elif default is None and (options := get(about, "options")) is not None:
                values += [Value(one.value, document.value_place(one)) for one in elements(options) if one.kind == "text"]
            if values and optional and number == 0:
                values.append(Value(""))  # what else starts it gives no inputs
    for call in made:
        for name, several in call.given.items():
            if name in found:
                found[name] += several
    return {name: tuple(dict.fromkeys(values)) for name, values in found.items()}


def parsed(repository: Repository, file: str) -> Document | Gap | None:
    """The first document of a file; None where there is none."""
    return repository.once(("workflow", file), lambda: _parsed(repository, file))


def _parsed(repository: Repository, file: str) -> Document | Gap | None:
    text = repository.text(file)
    found = documents.yaml(file, text) if text is not None else []
    return found if isinstance(found, Gap) else found[0] if found else None


def _callers(repository: Repository) -> dict[str, list[str]]:
    """The files that use each local action and workflow."""
    return repository.once("callers", lambda: _users(repository))


def _users(repository: Repository) -> dict[str, list[str]]:
    found: dict[str, dict[str, None]] = {}
    for file in repository.files:
        if ("/workflows/" in file or "action.y" in file) and (WORKFLOW.fullmatch(file) or ACTION.fullmatch(file)):
            for match in _LOCAL.finditer(repository.text(file) or ""):
                found.setdefault(_target(match[1]), {})[file] = None
    return {target: list(files) for target, files in found.items()}


def _target(uses: str) -> str:
    """``./.github/actions/x/`` as the folder is named."""
    return "/".join(part for part in uses.split("/") if part not in ("", "."))


def calls(repository: Repository, target: str, depth: int) -> tuple[Call, ...]:
    """What every caller of the local action or workflow ``target`` gives it."""
    return repository.once(("calls", target, depth), lambda: _calls(repository, target, depth))


def _calls(repository: Repository, target: str, depth: int) -> tuple[Call, ...]:
    found: list[Call] = []
    for file in _callers(repository).get(target, ())[:100]:
        document = parsed(repository, file)
        if not isinstance(document, Document):
            continue
        flow = Flow(repository, document, depth)
        for key, node in flow.jobs():
            if "./" in document.whole.text[node.start : node.end] and (job := flow.job(key)) is not None:
                found += _calls_of(document, job, target)
    return tuple(found[:200])


def _calls_of(document: Document, job: Job, target: str) -> Iterator[Call]:
    if _is(get(job.node, "uses"), target):
        yield Call(_given(document, job.node, job.names), {})
    for step in job.steps():
        if _is(step.uses, target):
            yield Call(_given(document, step.node, step.names), step.names.env)


def _is(uses: Node | None, target: str) -> bool:
    text = text_of(uses) or ""
    return text.startswith("./") and _target(text.partition("@")[0]) == target


def _given(document: Document, node: Node, names: Names) -> dict[str, Values]:
    return {key.value.lower(): value_of(document, value, names.template) for key, value in items(get(node, "with")) if value.kind == "text"}


def action_at(repository: Repository, uses: str) -> str | None:
    """The file of a local action."""
    folder = _target(uses.partition("@")[0])
    files = (f"{folder}/action.yml", f"{folder}/action.yaml") if folder else ("action.yml", "action.yaml")
    return next((file for file in files if repository.has(file)), None)
