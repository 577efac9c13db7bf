"""What was done, written down before it is done: whatever happens next, it can be taken back.

A run is a folder ``runs/000007`` with the plan, the journal (a JSON object a line, each on the disk before the change it
speaks of) and the before-images. Only one run is at work at a time: the lock is the kernel's, and ends with the process.
Nobody but its owner may look into it: before-images may hold secrets.
"""

from __future__ import annotations

import json
import os
import re
import stat as st
from typing import Any, Iterator, Mapping, Optional

from ..model import JSON
from .area import told
from .change import PlanError

SYSTEM = {"linux": "/var/lib/cc-fleet", "macos": "/Library/Application Support/cc-fleet"}
_LONGEST = 64 * 1024 * 1024  # bytes of a journal that are read
_NAME = re.compile(r"[0-9]{6}")
_FLAGS = os.O_WRONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


def base(os_: str, top: str, environ: Mapping[str, str], home: str, *, privileged: bool) -> str:
    """Where runs are kept: the system's as root and below a ``top``, else the user's own."""
    if privileged or top:
        return f"{top}{SYSTEM.get(os_, SYSTEM['linux'])}"
    return f"{environ.get('XDG_STATE_HOME') or f'{home}/.local/state'}/cc-fleet"


class Journal:
    """The runs below ``folder``; as a context it holds the lock."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._lock = -1

    def __enter__(self) -> Journal:  # noqa: PYI034  # Python 3.9
        import fcntl

        try:
            _private(self.folder)
            self._lock = os.open(f"{self.folder}/lock", _FLAGS, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PlanError("another run of cc-fleet is at work here; wait for its end") from None
        except OSError as err:
            raise PlanError(f"{self.folder}: {told(err)}") from None
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._lock)

    def runs(self) -> list[str]:
        """The names of all runs, oldest first."""
        try:
            return sorted(name for name in os.listdir(f"{self.folder}/runs") if _NAME.fullmatch(name))
        except FileNotFoundError:
            return []
        except OSError as err:
            raise PlanError(f"{self.folder}: {told(err)}") from None

    def run(self, name: str) -> Run:
        """A run that is there."""
        return Run(f"{self.folder}/runs/{name}", name)

    def begin(self, plan: str, about: Mapping[str, JSON]) -> Run:
        """A new run for the plan's text; ``about`` is its journal's first line."""
        name = f"{int((self.runs() or ['0'])[-1]) + 1:06d}"
        try:
            for folder in (f"{self.folder}/runs", f"{self.folder}/runs/{name}", f"{self.folder}/runs/{name}/images"):
                _private(folder)
            run = Run(f"{self.folder}/runs/{name}", name)
            _write(f"{run.folder}/plan.json", plan.encode())
        except OSError as err:
            raise PlanError(f"{self.folder}: {told(err)}") from None
        run.record({"run": name, **about})
        return run


class Run:
    """One run's folder."""

    def __init__(self, folder: str, name: str) -> None:
        self.folder, self.name = folder, name
        self._open = -1
        self._last = 0

    def record(self, entry: Mapping[str, JSON]) -> None:
        """Add a line; it is on the disk when this returns.  PlanError where it cannot be."""
        try:
            if self._open < 0:
                self._open = os.open(f"{self.folder}/journal", _FLAGS | os.O_APPEND, 0o600)
                self._whole()
            rest = memoryview((json.dumps(entry, ensure_ascii=True) + "\n").encode())
            while rest:
                rest = rest[os.write(self._open, rest) :]
            os.fsync(self._open)
        except OSError as err:
            raise PlanError(f"{self.folder}/journal: {told(err)}; nothing more is changed") from None

    def begun(self, change: int, entry: Mapping[str, JSON], image: Optional[bytes] = None) -> int:
        """Write down what is about to be done for a change, with the bytes that it replaces; its number."""
        self._last = self._last or max((int(one.get("n", 0)) for one in self.entries()), default=0)
        self._last += 1
        named: dict[str, JSON] = {"n": self._last, "change": change, **entry}
        if image is not None:
            named["image"] = str(self._last)
            try:
                _write(f"{self.folder}/images/{self._last}", image)
            except OSError as err:
                raise PlanError(f"{self.folder}/images: {told(err)}; nothing more is changed") from None
        self.record(named)
        return self._last

    def image(self, name: str) -> bytes:
        """The bytes that an entry keeps."""
        if not name.isdigit():
            raise PlanError(f"{self.folder}: holds an image of an odd name")
        with open(f"{self.folder}/images/{name}", "rb") as file:
            return file.read()

    def entries(self) -> list[dict[str, Any]]:
        """All whole lines, in order; what a crash left of the last is none."""
        try:
            with open(f"{self.folder}/journal", "rb") as file:
                data = file.read(_LONGEST)
        except FileNotFoundError:
            return []
        except OSError as err:
            raise PlanError(f"{self.folder}/journal: {told(err)}") from None
        return list(_parsed(data))

    def plan(self) -> str:
        """The text of the plan, "" where a crash came before it."""
        try:
            with open(f"{self.folder}/plan.json", encoding="utf-8") as file:
                return file.read()
        except (OSError, ValueError):
            return ""

    def _whole(self) -> None:
        """End a line that a crash tore."""
        with open(f"{self.folder}/journal", "rb") as file:
            file.seek(0, os.SEEK_END)
            if file.tell():
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    os.write(self._open, b"\n")


def _parsed(data: bytes) -> Iterator[dict[str, Any]]:
    for line in data.split(b"\n")[:-1]:
        try:
            entry = json.loads(line)
        except ValueError:  # torn by a crash, and ended by the run after it
            continue
        if isinstance(entry, dict):
            yield entry


def _write(path: str, data: bytes) -> None:
    """A new file of its owner's alone, on the disk; one that a crash left there is replaced."""
    opened = os.open(path, _FLAGS | os.O_TRUNC, 0o600)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(opened, rest) :]
        os.fsync(opened)
    finally:
        os.close(opened)


def _private(folder: str) -> None:
    """Make ``folder``, which nobody else may look into; one of somebody else's is refused."""
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        found = os.lstat(folder)
        if not st.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise PlanError(f"{folder}: is not a folder of yours, and what is kept there must be") from None
        if found.st_mode & 0o077:
            os.chmod(folder, 0o700)
