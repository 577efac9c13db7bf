"""Ask the programs themselves: their ``--version`` and what their ``doctor`` calls invalid, compared with what was read.

Only where it was asked for, and only programs that nobody else could have put there: those that belong to
the caller or to root, in folders that nobody else may write. Each runs for at most ``TIMEOUT`` seconds with
an environment of nothing but a home and a PATH: an empty home for its version, the caller's own for the
doctor, who reads the settings there. Clients before 2.1.205 want a terminal for it and are not asked; up to
2.1.250 it sends one HEAD request to where the client would send its own (measured).
"""

from __future__ import annotations

import os
import re
import signal
import stat as st
from typing import Iterator, Mapping, Optional, Union

from ..model import Gap, Install, Place
from . import redact
from .machine import Machine

TIMEOUT = 30.0
_LONGEST = 65536
_LINE = 200
_DOCTOR = (2, 1, 205)
# "- FILE: what", or "- FILE › KEY: what".
_INVALID = r"(?m)^- (?P<file>(?:/|[A-Z]:)[^\n›]*?)(?: › (?P<key>[^\n:]{1,200}))?: [^\n]+$"
_VERSION = r"(\d+\.\d+\.\d+[0-9A-Za-z.+-]{0,40})(?: \(Claude Code\))?\s*"


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
        refused = _refusal(path)
        answer = refused or ask(path, machine.environ or {})
        found = re.fullmatch(_VERSION, answer)
        copy = next((one for one in installs if one.bundled_in is None and one.product == "cli" and machine.caller.name in (one.active_for or ())), None)
        if found is None:
            yield Gap(f"was asked for its version, and {answer}", Place(path))
        elif copy is None:
            yield Gap(f"says that it is {found[1]}, and no file does", Place(path))
        elif found[1] != copy.version:
            defects[copy.place.file] = f"says that it is {found[1]} when it runs"
        if found is not None:
            yield from _doctor(path, machine, found[1])
    yield from (one._replace(intact=False, defect=defects[one.place.file]) if one.place.file in defects and one.intact is not False else one for one in installs)


def _doctor(path: str, machine: Machine, version: str) -> Iterator[Gap]:
    """What ``claude doctor`` calls invalid, each a gap: its own words may hold what stands in the file, and are not kept."""
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:3])
    if machine.caller is None or numbers < _DOCTOR:
        return
    said = run(path, ["doctor"], machine.environ or {}, machine.caller.home)
    if not isinstance(said, bytes):
        yield Gap(f"was asked by `doctor` what it calls invalid, and {said}", Place(path))
        return
    for found in re.finditer(_INVALID, said.decode("utf-8", "replace")):
        key = f" at {redact.name(found['key'])}" if found["key"] else ""
        yield Gap(f"is called invalid{key} by `claude doctor`", Place(redact.name(found["file"].replace("\\", "/"))))


def _refusal(path: str) -> str:
    """Why this program is not run: somebody else may have made or changed it."""
    if os.name == "nt":
        return ""
    trusted = {0, os.geteuid()}
    at, todo, links = "/", path.split("/")[::-1], 40
    try:
        while links >= 0:  # a link on the way is as good as what it names: whoever may change it chooses what runs
            found = os.lstat(at)
            link = st.S_ISLNK(found.st_mode)
            loose = found.st_mode & 0o022 and not link and not (st.S_ISDIR(found.st_mode) and found.st_mode & st.S_ISVTX)
            if found.st_uid not in trusted or loose:
                return f"it was not run: {at} may be changed by others"
            if link:
                links -= 1
                to = os.readlink(at)
                todo += to.split("/")[::-1]
                at = "/" if to.startswith("/") else os.path.dirname(at)
            while todo and todo[-1] in ("", "."):
                todo.pop()
            if not todo:
                return ""
            part = todo.pop()
            at = os.path.dirname(at) if part == ".." else os.path.join(at, part)
        return "it was not run: it is a loop of links"
    except OSError as err:
        return f"it was not run: {(err.strerror or 'cannot be read').lower()}"


def ask(path: str, environ: Mapping[str, str]) -> str:
    """What the program answers to ``--version`` in one line, or why it does not."""
    said = run(path, ["--version"], environ)
    return said if isinstance(said, str) else _answer(said)


def run(path: str, arguments: list[str], environ: Mapping[str, str], home: Optional[str] = None) -> Union[bytes, str]:
    """What the program says, or why it says nothing; without a ``home`` it gets an empty one.

    What runs is the file that was looked at, under the name by which a PATH finds it. Whatever it
    started is ended with it, and no more is read than anybody means.
    """
    import tempfile

    if home is None:
        with tempfile.TemporaryDirectory(prefix="cc-fleet-") as empty:
            return _run(path, arguments, _environ(empty, environ), empty)
    own = {**_environ(home, environ), "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}
    del own["CLAUDE_CONFIG_DIR"]
    config = {name: environ[name] for name in ("CLAUDE_CONFIG_DIR",) if name in environ}
    return _run(path, arguments, {**own, **config}, home)


def _run(path: str, arguments: list[str], environ: dict[str, str], folder: str) -> Union[bytes, str]:
    import subprocess
    import threading

    said: list[bytes] = []
    try:
        program = subprocess.Popen(
            [path, *arguments], executable=os.path.realpath(path), env=environ, cwd=folder,
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
    if not in_time:
        return f"it did not answer within {TIMEOUT:.0f} s"
    if code is None:
        return "it said something and did not end"
    return said[0] if code == 0 else f"it ended with {code}"


def _answer(said: bytes) -> str:
    line = said[:_LINE].decode("utf-8", "replace").strip()
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
