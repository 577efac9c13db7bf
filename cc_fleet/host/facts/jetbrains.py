"""The Claude Code plugin of JetBrains IDEs and of Android Studio, told as ``jetbrains.claude-code``.

It brings no CLI: it runs the one in the user's PATH, so its number is none of Claude Code's, and
no rule for the CLI speaks of it.  The version is in the name of its jar (facts/claude-code.md 4).
"""

from __future__ import annotations

import re
from typing import Any, Iterator

from ...model import Gap, Install, Place
from .. import redact
from ..layout import find
from ..machine import Machine
from ..text import read_folder

PRODUCT = "jetbrains.claude-code"
_PLUGIN = "claude-code-jetbrains-plugin"
_JAR = rf"{_PLUGIN}-(\d+\.\d+\.\d+(?:-[A-Za-z0-9.]{{1,40}})?)\.jar"
WANTS = ("~/*/JetBrains", "~/*/Google", f"~/*/{_PLUGIN}/lib")


def read(machine: Machine) -> Iterator[Any]:
    linux = machine.os == "linux"
    base = machine.layout.data if linux else machine.layout.config
    plugin = _PLUGIN if linux else f"plugins/{_PLUGIN}"
    for user in machine.users:
        for vendor in ("JetBrains/*", "Google/AndroidStudio*"):
            for folder in find(machine.tree, f"{base.replace('~', user.home, 1)}/{vendor}/{plugin}/lib"):
                yield from [folder] if isinstance(folder, Gap) else _plugin(machine, user.name, folder, plugin)


def _plugin(machine: Machine, user: str, folder: str, plugin: str) -> Iterator[Any]:
    names = read_folder(machine.tree, folder)
    if isinstance(names, Gap) or not names:
        yield from [names] if isinstance(names, Gap) else []
        return
    jar = next((found for name in names if (found := re.fullmatch(_JAR, name))), None)
    if jar is None or redact.name(jar[1]) != jar[1]:
        yield Gap("does not say which version of the plugin is installed", Place(folder))
        return
    ide = folder[: -len(f"/{plugin}/lib")].rpartition("/")[2]
    yield Install(PRODUCT, jar[1], redact.name(ide), Place(f"{folder}/{jar[0]}"), (user,), user, True)
