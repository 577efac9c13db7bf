"""Claude Code as a package of the system: ``claude-code`` of apt, dnf and zypper, or apk.

All three put ``/usr/bin/claude`` (facts/claude-code.md 3), and only where one stands that neither
npm nor a native install put there are the databases asked: ``/var/lib/dpkg/status`` (and the
``status.d`` of images without dpkg), ``/lib/apk/db/installed``, and RPM's.  A program there
that no database knows is a gap.
"""

from __future__ import annotations

import re
from typing import Any, Iterator

from ...model import Gap, Install, Place
from .. import launchers
from ..machine import Launcher, Machine
from ..text import Text, read_text
from ..tree import Missing, Unreadable
from .cli_npm import PROGRAMS, VERSION, digest

NAME = "claude-code"
PROGRAM = "/usr/bin/claude"
DPKG = "/var/lib/dpkg/status"
DISTROLESS = f"{DPKG}.d/{NAME}"
APK = ("/lib/apk/db/installed", "/usr/lib/apk/db/installed")
RPM = tuple(f"{folder}/{name}" for folder in ("/var/lib/rpm", "/usr/lib/sysimage/rpm") for name in ("rpmdb.sqlite", "Packages.db", "Packages"))
WANTS = (PROGRAM, DPKG, DISTROLESS, *APK, *RPM, "*/rpm/rpmdb.sqlite-wal", "*/claude")
_STANZAS = 20  # of one package
_LIMIT = 128 * 1024 * 1024


def read(machine: Machine) -> Iterator[Any]:
    try:
        real = machine.tree.stat(PROGRAM).real
    except Missing:
        return
    except Unreadable as err:
        yield Gap(str(err), Place(PROGRAM))
        return
    if not launchers.packaged(Launcher(PROGRAM, real, "", False)):
        return
    found = [*_of_dpkg(machine), *_of_apk(machine), *_of_rpm(machine)]
    known = sorted({one for one in found if not isinstance(one, Gap)})
    if len(known) == 1:
        version, method = known[0]
        users = tuple(sorted({one.user for one in machine.launchers if one.wins and launchers.packaged(one)}))
        defect = _defect(machine, real)
        yield Install("cli", version, method, Place(PROGRAM), users, None, defect is None, defect, sha256=None if defect else digest(machine, real))
        return
    yield from (one for one in found if isinstance(one, Gap))
    if known:
        several = ", ".join(f"{version} ({method})" for version, method in known)
        yield Gap(f"belongs to one of several packages that are recorded, {several}, so its version is not known", Place(PROGRAM))
    elif not found:
        yield Gap("belongs to no package that is recorded, so its version cannot be read", Place(PROGRAM))


def _of_dpkg(machine: Machine) -> Iterator[Any]:
    for path in (DPKG, DISTROLESS):
        found = read_text(machine.tree, path, _LIMIT)
        if isinstance(found, Gap):
            yield found
        for stanza in _stanzas(found, f"Package: {NAME}"):
            state = re.search(r"(?m)^Status: (.*)", stanza)
            if path == DISTROLESS or (state and state[1].split()[-1:] == ["installed"]):
                yield _known(stanza, r"(?m)^Version: (?:\d+:)?(\S+?)(?:-[^-\s]+)?[ \t]*$", "apt", path)


def _of_apk(machine: Machine) -> Iterator[Any]:
    for path in APK:
        found = read_text(machine.tree, path, _LIMIT)
        if isinstance(found, Gap):
            yield found
        for stanza in _stanzas(found, f"P:{NAME}"):
            yield _known(stanza, r"(?m)^V:(\S+?)(?:-r\d+)?[ \t]*$", "apk", path)


def _of_rpm(machine: Machine) -> Iterator[Any]:
    from .. import rpmdb

    for path in RPM:
        try:
            found = rpmdb.versions(machine.tree, path, NAME)
        except Missing:
            continue
        except Unreadable as err:
            yield Gap(str(err), Place(path))
            continue
        yield from (_known(f"{one}\n", r"(\S+)-[^-\s]+\n", "rpm", path) for one in found)


def _stanzas(found: Text | Gap | None, line: str) -> Iterator[str]:
    """The paragraphs that begin with ``line``, or have it."""
    text = f"\n{found.text}\n\n" if isinstance(found, Text) else ""
    at, left = text.find(f"\n{line}\n"), _STANZAS
    while at >= 0 and left:
        left -= 1
        end = text.find("\n\n", at + 1)
        yield text[text.rfind("\n\n", 0, at + 1) + 1 : end + 1]
        at = text.find(f"\n{line}\n", end)


def _known(stanza: str, pattern: str, method: str, path: str) -> tuple[str, str] | Gap:
    found = re.search(pattern, stanza)
    if found and re.fullmatch(VERSION, found[1]):
        return found[1], method
    return Gap(f"does not say which version of {NAME} is installed", Place(path))


def _defect(machine: Machine, path: str) -> str | None:
    try:
        magic = machine.tree.read(path, 3)
    except (Missing, Unreadable) as err:
        return str(err) or "is missing"
    return None if magic.startswith((*PROGRAMS, b"#!")) else "is not a program" if magic else "is empty"
