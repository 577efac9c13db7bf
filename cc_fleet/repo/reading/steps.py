"""The steps of a job: what they install, where they run Claude Code, and what it gets of variables there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cc_fleet.model import Place
from cc_fleet.repo import Repository
from cc_fleet.repo.reading import actions, exposed, sequence
from cc_fleet.repo.reading.document import Document, Node, get, items, text_of
from cc_fleet.repo.reading.names import Env, Values
from cc_fleet.repo.reading.sequence import WORDS, Done, concerning, told
from cc_fleet.repo.reading.values import Context
from cc_fleet.repo.reading.workflows import DEEPEST, Flow, Job, Step, action_at, parsed


def done(job: Job, name: str, keep: frozenset[str], outer: Env, depth: int = 0) -> Done:
    """Follow the steps of ``job``; ``outer`` is what concerns Claude Code in the environment around it."""
    facts: list[Any] = list(_images(job, name))
    ran: list[Env] = []
    brought: list[Env] = []
    place: Place | None = None
    others: dict[str, Values] = {}
    for step in job.steps():
        found, runs, env = _step(job, step, name, depth)
        facts += found
        mine = {**concerning(step.own, keep), **env}
        for key, values in concerning(step.own, frozenset()).items():
            others.setdefault(key, values)
        installed = sequence.brought(found)
        if runs is not None or installed is not None:
            place = place or installed or runs
            (ran if runs is not None else brought).append({**concerning(step.before, keep), **mine})
    gets: dict[str, Values] = {**outer, **concerning(job.own, keep)}
    for env in ran or brought:
        gets.update(env)
    if place is None:
        gets = {**others, **gets}
    return Done(tuple(facts), place, gets)


def _images(job: Job, name: str) -> Iterator[Any]:
    """The images that a job runs in and beside."""
    services = [value for _, value in items(get(job.node, "services"))]
    for node in (get(job.node, "container"), *services):
        image = get(node, "image") if node is not None and node.kind == "map" else node
        if image is not None and text_of(image):
            yield from sequence.pictured(job.document, image, job.names.template, name)


def _step(job: Job, step: Step, name: str, depth: int) -> tuple[list[Any], Place | None, Env]:
    run, uses = get(step.node, "run"), step.uses
    if run is not None and run.kind == "text":
        return _scripted(job, step, run, name)
    if uses is None:
        return [], None, {}
    if uses.value.startswith("./"):
        return [], _local(job, uses, depth), {}
    found = actions.used(job.document, uses, get(step.node, "with"), step.names, name)
    return [*found.facts, *(_settings(job, step, name) if found.runs is not None else ())], found.runs, found.env


def _settings(job: Job, step: Step, name: str) -> Iterator[Any]:
    """The settings that a file of this repository gives the action; those of a project are told where they stand."""
    path = (text_of(get(step.node, "with", "settings")) or "").strip().removeprefix("${{ github.workspace }}/").removeprefix("./")
    if path.endswith(".json") and not path.startswith(".claude/") and job.flow.repository.has(path):
        from cc_fleet.repo.reading import settings

        yield from settings.facts(job.flow.repository, path, "user", name)


def _local(job: Job, uses: Node, depth: int) -> Place | None:
    """Where a local action is used that brings or runs Claude Code: what it declares is told where it stands."""
    repository = job.flow.repository
    file = action_at(repository, uses.value)
    if file is None or depth >= DEEPEST or not WORDS.search(repository.text(file) or ""):
        return None
    document = parsed(repository, file)
    inner = Flow(repository, document, DEEPEST).job("") if isinstance(document, Document) else None
    brings = inner is not None and done(inner, file, frozenset(), {}, depth + 1).place is not None
    return job.document.place(uses, uses.value) if brings else None


def _scripted(job: Job, step: Step, run: Node, name: str) -> tuple[list[Any], Place | None, Env]:
    """What the script of a step installs, where it runs Claude Code, and what it exports."""
    text, env = run.value, step.names.env
    if not (sequence.concern(text, env) or "matrix." in text or "inputs." in text):
        return [], None, {}
    shell = text_of(get(step.node, "shell")) or _shell(job)
    found = sequence.follow([job.document.script(run)], Context(env, step.names.template, name), shell)
    return list(found.facts), found.runs, found.exported


def _shell(job: Job) -> str:
    for node in (job.node, job.flow.root):
        if told := text_of(get(node, "defaults", "run", "shell")):
            return told
    runner = get(job.node, "runs-on")
    return "pwsh" if runner is not None and "windows" in (text_of(runner) or "").lower() else "bash"


def all_of(repository: Repository, file: str, document: Document) -> Iterator[Any]:
    """The facts of a workflow or composite action."""
    flow = Flow(repository, document)
    keys = list(flow.jobs())
    whole = document.whole.text
    everywhere = WORDS.search(" ".join(value.text or "" for values in (*flow.env.values(), *flow.inputs.values()) for value in values)) is not None
    outer = concerning(flow.env, repository.keep)
    for key, node in keys:
        span = whole[node.start : node.end]
        if not (everywhere or WORDS.search(span) or "*" in span or "./" in span):
            continue
        job = flow.job(key)
        if job is None:
            continue
        name = f"{file}#{key}" if len(keys) > 1 else file
        if flow.composite and flow.called:
            yield from done(job, name, repository.keep, outer).facts
        else:
            yield from told(name, "ci", done(job, name, repository.keep, outer), repository.keep)
    if not any(keys):
        return
    for name, values in flow.env.items():
        for value in values:
            if value.place is not None and value.place.file == file and (found := exposed.credential(name, value)) is not None:
                yield found
