"""Ask the programs themselves: ``--version`` of every ``claude`` that a PATH runs, compared with what was read.

Only where it was asked for, and only programs that nobody else could have put there: those that belong to
the caller or to root, in folders that nobody else may write. Each runs for at most ``TIMEOUT`` seconds in an
empty home, with an environment of nothing but that and a PATH.
"""

from __future__ import annotations

import os
import re
import signal
import stat as st
from typing import Iterator, Mapping, Optional, Union

from ..model import Gap, Install, Place
from .machine import Machine

TIMEOUT = 30.0
_LONGEST = 200
_VERSION = r"(\d+\.\d+\.\d+\S{0,40})(?: \(Claude Code\))?\s*"


def checked(machine: Machine, installs: list[Install]) -> Iterator[Union[Install, Gap]]:
    """``installs``, those that say another version than their file does not being intact; and what could not be asked."""
    said: dict[str, set[str]] = {}
    for launcher in machine.launchers:
        if launcher.wins:
            said.setdefault(launcher.path, set()).add(launcher.user)
    defects: dict[str, str] = {}
    for path, users in said.items():
        if machine.caller is None or machine.caller.name not in users:
            yield Gap("was not asked for its version: it is another user's", Place(path))
            continue
        answer = _refusal(path) or ask(path, machine.environ or {})
        found = re.fullmatch(_VERSION, answer)
        copy = next((one for one in installs if one.bundled_in is None and one.product == "cli" and machine.caller.name in (one.active_for or ())), None)
        if found is None:
            yield Gap(f"was asked for its version, and {answer}", Place(path))
        elif copy is None:
            yield Gap(f"says that it is {found[1]}, and no file does", Place(path))
        elif found[1] != copy.version:
            defects[copy.place.file] = f"says that it is {found[1]} when it runs"
    yield from (one._replace(intact=False, defect=defects[one.place.file]) if one.place.file in defects and one.intact is not False else one for one in installs)


def _refusal(path: str) -> str:
    """Why this program is not run: somebody else may have made or changed it."""
    if os.name == "nt":
        return ""
    trusted = {0, os.geteuid()}
    try:
        at = os.path.realpath(path)
        while True:
            found = os.stat(at)
            loose = found.st_mode & 0o022 and not (st.S_ISDIR(found.st_mode) and found.st_mode & st.S_ISVTX)
            if found.st_uid not in trusted or loose:
                return f"it was not run: {at} may be changed by others"
            if at == os.path.dirname(at):
                return ""
            at = os.path.dirname(at)
    except OSError as err:
        return f"it was not run: {(err.strerror or 'cannot be read').lower()}"


def ask(path: str, environ: Mapping[str, str]) -> str:
    """What the program answers in one line, or why it does not.

    What runs is the file that was looked at, under the name by which a PATH finds it. Whatever it
    started is ended with it, and no more is read than a version could be long.
    """
    import subprocess
    import tempfile
    import threading

    said: list[bytes] = []
    with tempfile.TemporaryDirectory(prefix="cc-fleet-") as home:
        try:
            program = subprocess.Popen(
                [path, "--version"], executable=os.path.realpath(path), env=_environ(home, environ), cwd=home,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        except (OSError, ValueError) as err:
            return f"it cannot be run: {(getattr(err, 'strerror', None) or 'refused').lower()}"
        reader = threading.Thread(target=lambda: said.append(program.stdout.read(_LONGEST) if program.stdout else b""), daemon=True)
        reader.start()
        reader.join(TIMEOUT)
        in_time = bool(said)
        try:
            code: Optional[int] = program.wait(1 if in_time else 0)
        except subprocess.TimeoutExpired:
            code = None
        _end(program.pid)
        program.kill()
        program.wait()
        reader.join(1)
        if said and program.stdout:
            program.stdout.close()
    return _answer(said[0], code) if in_time else f"it did not answer within {TIMEOUT:.0f} s"


def _answer(said: bytes, code: Optional[int]) -> str:
    line = said.decode("utf-8", "replace").strip()
    if code is None:
        return "it said something and did not end"
    if code != 0:
        return f"it ended with {code}"
    return line if re.fullmatch(_VERSION, line) else "its answer was no version"


def _end(group: int) -> None:
    if hasattr(os, "killpg"):
        try:
            os.killpg(group, signal.SIGKILL)
        except OSError:  # all of it has ended
            pass


def _environ(home: str, environ: Mapping[str, str]) -> dict[str, str]:
    """An empty home, and the folders of the PATH in which nobody else can put a program."""
    folders = [folder for folder in environ.get("PATH", os.defpath).split(os.pathsep) if os.path.isabs(folder) and not _refusal(folder)]
    kept = {name: environ[name] for name in ("SYSTEMROOT", "COMSPEC") if name in environ}
    return {"HOME": home, "USERPROFILE": home, "CLAUDE_CONFIG_DIR": home, "PATH": os.pathsep.join(folders), "DISABLE_AUTOUPDATER": "1", **kept}
