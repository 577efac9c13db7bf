"""Makefiles, justfiles, Terraform, Packer, Vagrantfiles and the like: commands in their lines.

Names that the same file sets (`V ?= 2.1.17`, `v := "2.1.17"`, `variable "v" { default = "…" }`) are filled in;
these languages are not read beyond that.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cc_fleet.repo import Repository
from cc_fleet.repo.reading import lines
from cc_fleet.repo.reading.source import Source

WANTS = (
    "Makefile", "makefile", "GNUmakefile", "*.mk", "Makefile.*", "justfile", "Justfile", ".justfile", "*.just", "Vagrantfile", "*.tf", "*.tf.json", "*.tftpl",
    "*.hcl", "Earthfile", "Procfile", "Tiltfile", "*.groovy", "*.nomad", "Rakefile", "*.fish", "*.nu", "*.nix",
)  # fmt: skip


def read(repository: Repository, file: str) -> Iterator[Any]:
    if (gap := repository.over(file)) is not None:
        yield gap
        return
    yield from lines.commands(Source.whole(file, (repository.text(file) or "").replace("\r\n", "\n")))
