"""GitLab pipelines: what the scripts of their jobs install and run, with `extends`, `!reference`, `default` and local includes.

Variables of the pipeline and of jobs (`value:`, `rules`, `parallel: matrix`), inputs (`$[[ inputs.x ]]`) with their
defaults and what an include in this repository gives, and YAML's anchors are followed to where the version is
written; images of jobs and services are read too. What the project's settings or the runner would set is not known
here: a version that comes from it is `pin-unresolved`. Includes of other projects, templates and URLs are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from cc_fleet.host import redact
from cc_fleet.model import Gap
from cc_fleet.repo import Repository
from cc_fleet.repo.reading import exposed, sequence
from cc_fleet.repo.reading.document import get, items, text_of
from cc_fleet.repo.reading.pipelines import Pipeline, Said, closure
from cc_fleet.repo.reading.values import Context, Value

WANTS = ("*.yml", "*.yaml")  # any of them may be included
ROOTS = (".gitlab-ci.yml", ".gitlab-ci.yaml")
_NO_PIPELINES = (".gitlab/issue_templates/", ".gitlab/merge_request_templates/", ".gitlab/agents/", ".gitlab/duo/")
_OWN = re.compile(r"(?:.*/)?(?:[^/]*\.)?\.?gitlab-ci\.ya?ml|(?:.*/)?\.gitlab/.*|templates/[^/]+\.yml|templates/[^/]+/template\.yml")


def read(repository: Repository, file: str) -> Iterator[Any]:
    root = next((root for root in ROOTS if file != root and repository.has(root) and file in _of(repository, root).files), None)
    if root is None and (_OWN.fullmatch(file) is None or file.startswith(_NO_PIPELINES)):
        return
    pipeline = _of(repository, root or file)
    if root is None and file.startswith("templates/") and not pipeline.is_pipeline:
        return
    if root is not None and sequence.WORDS.search(repository.text(root) or ""):
        return  # it is told with the pipeline that includes it
    yield from sequence.bounded(file, _facts(repository, pipeline))


def _of(repository: Repository, file: str) -> Pipeline:
    return repository.once(("pipeline", file), lambda: Pipeline(closure(repository, file)))


def _facts(repository: Repository, pipeline: Pipeline) -> Iterator[Any]:
    yield from pipeline.gaps
    names = [name for name in pipeline.jobs if pipeline.runs(name)]
    alone = len(names) == 1
    for name in names:
        said = pipeline.fields(name, "script", "before_script", "after_script", "image", "services")
        variables = pipeline.variables(said)
        file = pipeline.jobs[name][0].document.file
        job = file if alone else f"{file}#{name}"
        yield from sequence.told(job, "ci", _done(pipeline, job, said, variables, repository.keep), repository.keep)
        if pipeline.spent:
            yield Gap("has more jobs and variables than anybody reads", pipeline.jobs[name][0].document.place(pipeline.jobs[name][0].node))
            return
    yield from _credentials(pipeline)


def _done(pipeline: Pipeline, job: str, said: dict[str, Said], variables: dict[str, tuple[Value, ...]], keep: frozenset[str]) -> sequence.Done:
    facts: list[Any] = []
    for one in pipeline.images(said):
        facts += sequence.pictured(one.document, one.node, pipeline.template(variables), job)
    followed = []
    for keys in (("before_script", "script"), ("after_script",)):
        sources = [source for key in keys if key in said for source in pipeline.lines(said[key])]
        if sequence.concern("\n".join(source.text for source in sources), variables):
            found = sequence.follow(sources, Context(variables, pipeline.inputs, job))
            facts += found.facts
            followed.append(found)
    place = sequence.brought(facts) or next((found.runs for found in followed if found.runs), None)
    env = {name: values for name, values in variables.items() if redact.concerns(name, keep)}
    for found in followed:
        env.update(found.exported)
    return sequence.Done(tuple(facts), place, env)


def _credentials(pipeline: Pipeline) -> Iterator[Any]:
    """Literal secrets in variables, whoever gets them."""
    for document, node in pipeline.variable_maps():
        for key, value in items(node):
            given = get(value, "value") if value.kind == "map" else value
            if given is not None and text_of(given) is not None:
                found = exposed.credential(key.value, Value(given.value, document.value_place(given)))
                if found is not None:
                    yield found
