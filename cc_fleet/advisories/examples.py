"""An advisory's examples as views: the advisory's own test, run for the packaged ones and by ``policy lint``.

An example is a map of texts: ``cli`` (the version that runs), ``gateway`` (a base URL),
``provider``, ``model``, ``credential``, ``rejected`` (a scope), ``setting.NAME``,
``drop-in.NAME``, and anything in capitals is an environment variable.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cc_fleet.advisories import Advisory
from cc_fleet.client import View, views
from cc_fleet.model import Coverage, Credential, Install, Place, Rejected, Setting, Target, Variable

_HERE = Place("example")
_SWITCHES = {
    "bedrock": "CLAUDE_CODE_USE_BEDROCK", "vertex": "CLAUDE_CODE_USE_VERTEX", "foundry": "CLAUDE_CODE_USE_FOUNDRY",
    "mantle": "CLAUDE_CODE_USE_MANTLE", "gateway": "CLAUDE_CODE_USE_GATEWAY",
}  # fmt: skip


class ExampleError(ValueError):
    """An example has a key that means nothing."""


def failures(advisory: Advisory) -> Iterator[str]:
    """What the advisory says of its own examples, where that is not what it should."""
    if not advisory.examples.affected and advisory.affects is not None:
        yield f"{advisory.place}: {advisory.id}: no example of a client that is affected"
    for expected, examples in ((True, advisory.examples.affected), (False, advisory.examples.fine)):
        for example in examples:
            if advisory.concerns(view(example)) is not expected:
                yield f"{advisory.place}: {advisory.id}: {dict(example)} should {'' if expected else 'not '}be affected"


def view(example: Mapping[str, str]) -> View:
    """The one view that ``example`` describes."""
    variables, settings = [], []
    installs: tuple[Install, ...] = ()
    credentials: tuple[Credential, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    for name, value in example.items():
        scope, _, rest = name.partition(".")
        if name == "cli":
            installs = (Install("cli", value, "npm", _HERE, ("ada",)),)
        elif name == "credential":
            credentials = (Credential(value, _HERE, "owner", "ada"),)
        elif name == "rejected":
            rejected = (Rejected("a comment", _HERE, value, "ada"),)
        elif name == "model":
            settings.append(Setting(("model",), value, "user", _HERE, "ada"))
        elif scope in ("setting", "drop-in") and rest:
            settings.append(Setting(tuple(rest.split(".")), value, "user" if scope == "setting" else scope, _HERE))
        else:
            variables.append(_variable(name, value))
    target = Target(
        "machine", "example", "linux", "2026-01-01T00:00:00Z", "example", Coverage(False, ("ada",), ("/home/ada",), 1),
        installs=installs, settings=tuple(settings), variables=tuple(variables), credentials=credentials, rejected=rejected,
    )  # fmt: skip
    found = list(views(target))
    if len(found) != 1:
        raise ExampleError("an example needs 'cli', a setting or a credential")
    return found[0]


def _variable(name: str, value: str) -> Variable:
    if name == "gateway":
        name = "ANTHROPIC_BASE_URL"
    elif name == "provider" and value in _SWITCHES:
        name, value = _SWITCHES[value], "1"
    elif not name.isupper():
        raise ExampleError(f"{name!r} is no key of an example")
    return Variable(name, value, "process", _HERE, "ada")
