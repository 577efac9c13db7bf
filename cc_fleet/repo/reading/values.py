"""What names stand for in a repository: build arguments, workflow inputs, Ansible variables.

A value is known with the place where it is written, or it is known why it cannot be known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from cc_fleet.model import Place
from cc_fleet.records import NamedTuple

UNKNOWN = "\0"  # stands in a text for what is not known; no file's text may hold it


class Value(NamedTuple):
    """``text`` and where it is written (the value's own characters); or ``why`` it is not known.

    ``why`` is the middle of "version comes from …": ``${{ inputs.v }}, not set here``.  ``parts`` are the
    texts with their places that it was put together of, where there are several.
    """

    text: str | None
    place: Place | None = None
    why: str = ""
    parts: tuple[tuple[str, Place | None, str], ...] = ()


class Filled(NamedTuple):
    """A text with its names filled in: ``UNKNOWN`` stands where ``why`` says what is not known.

    ``place`` is where its last name that is known is written, None where it had none.
    """

    text: str
    place: Place | None = None
    why: str = ""


class Template(NamedTuple):
    """A language of expressions that are filled in before anything else reads the text.

    ``pattern`` finds one (``\\$\\{\\{ … \\}\\}``), ``resolve`` gets what it matched.
    """

    pattern: re.Pattern[str]
    resolve: Callable[[str], tuple[Value, ...]]


class Context(NamedTuple):
    """What a script starts with: its variables, the expressions in its text, and the job that runs it.

    A variable of several values (a matrix, a build argument over its default) is each of them once.
    """

    variables: Mapping[str, tuple[Value, ...]] = {}
    template: Template | None = None
    job: str | None = None
