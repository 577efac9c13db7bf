"""Other CI: CircleCI, Azure Pipelines, Bitbucket, Buildkite, Drone, Woodpecker, Cloud Build, CodeBuild, AppVeyor, Travis, Jenkins.

The scripts of their steps are read as their shell would, with the variables that the file sets; of CircleCI also
parameters (`<< parameters.x >>`) with defaults and what calls of commands and jobs give, of Azure parameters,
`$(variables)` and local templates, of Jenkins the environment and parameters of a Jenkinsfile. Images of steps and
services are read where they are a gateway's. What a project's settings would set is not known here: a version that
comes from it is `pin-unresolved`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from cc_fleet.model import Gap
from cc_fleet.repo import Repository
from cc_fleet.repo.reading import azure, circle, document, generic, jenkins, sequence

WANTS = (
    ".circleci/*.yml", ".circleci/*.yaml", "*azure-pipeline*.yml", "*azure-pipeline*.yaml", ".azure*/**/*.yml", ".azure*/**/*.yaml", "azure-*/**/*.yml",
    ".pipelines/**/*.yml", ".vsts-ci.yml", "bitbucket-pipelines.yml", ".buildkite/**/*.yml", ".buildkite/**/*.yaml", "buildkite.yml", ".drone.yml", ".drone.yaml",
    ".woodpecker.yml", ".woodpecker.yaml", ".woodpecker/*.yml", ".woodpecker/*.yaml", "cloudbuild*.yml", "cloudbuild*.yaml", "appveyor.yml", ".appveyor.yml",
    ".travis.yml", "buildspec*.yml", "buildspec*.yaml", "Jenkinsfile", "Jenkinsfile.*", "*.jenkinsfile", "*.Jenkinsfile",
)  # fmt: skip
_KINDS = (
    ("circleci", r"(?:.*/)?\.circleci/.*"),
    ("bitbucket", r"(?:.*/)?bitbucket-pipelines\.yml"),
    ("buildkite", r"(?:.*/)?\.?buildkite(?:/.*|\.yml)"),
    ("drone", r"(?:.*/)?\.drone\..*"),
    ("woodpecker", r"(?:.*/)?\.woodpecker.*"),
    ("cloudbuild", r"(?:.*/)?cloudbuild[^/]*"),
    ("appveyor", r"(?:.*/)?\.?appveyor\.yml"),
    ("travis", r"(?:.*/)?\.travis\.yml"),
    ("codebuild", r"(?:.*/)?buildspec[^/]*"),
    ("jenkins", r"(?:.*/)?(?:Jenkinsfile(?:\.[^/]*)?|[^/]*\.[Jj]enkinsfile)"),
)


def read(repository: Repository, file: str) -> Iterator[Any]:
    yield from sequence.bounded(file, _facts(repository, file))


def _facts(repository: Repository, file: str) -> Iterator[Any]:
    kind = next((kind for kind, pattern in _KINDS if re.fullmatch(pattern, file)), "azure")
    text = repository.text(file) or ""
    if kind == "jenkins":
        if (gap := repository.over(file)) is not None:
            yield gap
            return
        yield from jenkins.facts(file, text, repository.keep)
        return
    parsed = document.yaml(file, text)
    if isinstance(parsed, Gap):
        yield parsed
        return
    for one in parsed:
        if kind == "circleci":
            yield from circle.facts(one, file, repository.keep)
        elif kind == "azure":
            yield from azure.facts(repository, one, file, repository.keep)
        else:
            yield from generic.Tree(one, generic.DIALECTS[kind], repository.keep).facts(len(parsed) > 1)
