"""What was done, written down before it is done: whatever happens next, it can be taken back.

A run is a folder ``runs/000007`` with the plan, the journal (a JSON object a line, each on the disk before the change it
speaks of) and the before-images. Only one run is at work at a time: the lock is the kernel's, and ends with the process.
Nobody but its owner may look into it: before-images may hold secrets.
"""

from __future__ import annotations

import errno
import json
import os
import re
from typing import Any, Mapping, Optional

from ..model import JSON
from . import files, steps
from .area import Area, told
from .change import PlanError, Refused
from .files import FOLDERS

SYSTEM = {"linux": "/var/lib/cc-fleet", "macos": "/Library/Application Support/cc-fleet"}
_LONGEST = 64 * 1024 * 1024  # bytes of a journal that are read
_NAME = re.compile(r"[0-9]{6}")
_FLAGS = os.O_WRONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


def base(os_: str, top: str, environ: Mapping[str, str], home: str, *, privileged: bool) -> str:
    """Where runs are kept: the system's as root and below a ``top``, else the user's own."""
    if privileged or top:
        return f"{top}{SYSTEM.get(os_, SYSTEM['linux'])}"
    state = environ.get("XDG_STATE_HOME") or ""
    return f"{state if state.startswith('/') else f'{home}/.local/state'}/cc-fleet"


class Journal:
    """The runs below ``folder``, which is below ``top``; as a context it holds the lock."""

    def __init__(self, folder: str, top: str = "") -> None:
        self.folder, self.top = folder, top
        self._lock = self._at = -1
        self._runs: list[Run] = []

    def __enter__(self) -> Journal:  # noqa: PYI034  # Python 3.9
        import fcntl

        try:
            self._lock = os.open("lock", _FLAGS, 0o600, dir_fd=self._opened(make=True))
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            raise PlanError("another run of cc-fleet is at work here; wait for its end") from None
        except OSError as err:
            self.close()
            raise PlanError(f"{self.folder}: {told(err)}") from None
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the lock, and of all that was opened to read."""
        for run in self._runs:
            run.close()
        for opened in (self._lock, self._at):
            if opened >= 0:
                os.close(opened)
        self._lock = self._at = -1

    def _opened(self, *, make: bool) -> int:
        """The folder itself, which is held open: whatever becomes of the way to it, nothing else is written."""
        if self._at < 0:
            try:
                self._at = _private(Area(self.top, None, strict=not self.top and os.geteuid() == 0), self.folder[len(self.top) :], make=make)
            except Refused as err:
                raise PlanError(str(err)) from None
        return self._at

    def runs(self) -> list[str]:
        """The names of all runs, oldest first."""
        try:
            opened = os.open("runs", FOLDERS, dir_fd=self._opened(make=False))
            try:
                return sorted(name for name in os.listdir(opened) if _NAME.fullmatch(name))
            finally:
                os.close(opened)
        except FileNotFoundError:
            return []
        except OSError as err:
            raise PlanError(f"{self.folder}: {told(err)}") from None

    def run(self, name: str) -> Run:
        """A run that is there."""
        run = Run(self._opened(make=False), f"{self.folder}/runs/{name}", name)
        self._runs.append(run)
        return run

    def begin(self, plan: str, about: Mapping[str, JSON]) -> Run:
        """A new run for the plan's text; ``about`` is its journal's first line."""
        name = f"{int((self.runs() or ['0'])[-1]) + 1:06d}"
        at = self._opened(make=True)
        run = Run(at, f"{self.folder}/runs/{name}", name)
        self._runs.append(run)
        try:
            if files.look(at, "runs") is None:
                os.mkdir("runs", 0o700, dir_fd=at)
            for folder in (f"runs/{name}", f"runs/{name}/images"):
                os.mkdir(folder, 0o700, dir_fd=at)
            _write(at, f"runs/{name}/plan.json", plan.encode())
            for folder in (f"runs/{name}", "runs", "."):
                _flush(at, folder)
        except OSError as err:
            raise PlanError(f"{self.folder}: {told(err)}") from None
        run.record({"run": name, **about})
        return run


class Run:
    """One run's folder."""

    def __init__(self, at: int, folder: str, name: str) -> None:
        self._at, self.folder, self.name = at, folder, name
        self._open = -1
        self._last = 0

    def close(self) -> None:
        """Let go of the journal, which the next line opens again."""
        if self._open >= 0:
            os.close(self._open)
            self._open = -1

    def record(self, entry: Mapping[str, JSON]) -> None:
        """Add a line; it is on the disk when this returns.  PlanError where it cannot be."""
        try:
            if self._open < 0:
                self._open = os.open(f"runs/{self.name}/journal", _FLAGS | os.O_APPEND, 0o600, dir_fd=self._at)
                self._whole()
                _flush(self._at, f"runs/{self.name}")
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
                _write(self._at, f"runs/{self.name}/images/{self._last}", image)
                _flush(self._at, f"runs/{self.name}/images")
            except OSError as err:
                raise PlanError(f"{self.folder}/images: {told(err)}; nothing more is changed") from None
        self.record(named)
        return self._last

    def image(self, name: str) -> bytes:
        """The bytes that an entry keeps."""
        try:
            return self._read(f"images/{name}")
        except OSError as err:
            raise PlanError(f"{self.folder}/images/{name}: {told(err)}, so what it kept cannot be put back") from None

    def entries(self) -> list[dict[str, Any]]:
        """All whole lines, in order; what a crash left of the last is none.  PlanError where one is nothing that a run writes."""
        try:
            data = self._read("journal")
        except FileNotFoundError:
            return []
        except OSError as err:
            raise PlanError(f"{self.folder}/journal: {told(err)}") from None
        if len(data) > _LONGEST:
            raise PlanError(f"{self.folder}/journal: is larger than any run makes it; move the folder of this run away")
        try:
            return list(steps.parsed(data))
        except ValueError as err:
            raise PlanError(f"{self.folder}/journal:{err}; move the folder of this run away, and undo by hand what it did") from None

    def plan(self) -> str:
        """The text of the plan, "" where a crash came before it."""
        try:
            return self._read("plan.json").decode()
        except (OSError, ValueError):
            return ""

    def _read(self, name: str) -> bytes:
        opened = os.open(f"runs/{self.name}/{name}", files.READ, dir_fd=self._at)
        with open(opened, "rb") as file:
            return file.read(_LONGEST + 1)

    def _whole(self) -> None:
        """End a line that a crash tore."""
        data = self._read("journal")
        if data and not data.endswith(b"\n"):
            os.write(self._open, b"\n")


def _write(at: int, path: str, data: bytes) -> None:
    """A new file of its owner's alone, on the disk; one that a crash left there is replaced."""
    opened = os.open(path, _FLAGS | os.O_TRUNC, 0o600, dir_fd=at)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(opened, rest) :]
        os.fsync(opened)
    finally:
        os.close(opened)


def _flush(at: int, folder: str) -> None:
    """The names in a folder are on the disk."""
    opened = os.open(folder, FOLDERS, dir_fd=at)
    try:
        files.flush(opened)
    finally:
        os.close(opened)


def _private(area: Area, path: str, *, make: bool) -> int:
    """The folder ``path``, open, which nobody else may look into, made where it is missing; one of somebody else's is refused."""
    spot = area.spot(path, follow=False)
    above = spot.above
    try:
        if spot.folder is not None:
            os.close(spot.folder)
        elif not make:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        for name in spot.missing[:-1]:
            _make(above, name, 0o755)
            below = os.open(name, FOLDERS, dir_fd=above)
            os.close(above)
            above = below
        if make:
            _make(above, spot.name, 0o700)
        return _checked(os.open(spot.name, FOLDERS, dir_fd=above), path)
    except NotADirectoryError:
        raise PlanError(f"{path}: is not a folder of yours, and what is kept there must be") from None
    finally:
        os.close(above)


def _make(above: int, name: str, mode: int) -> None:
    try:
        os.mkdir(name, mode, dir_fd=above)
    except FileExistsError:
        return
    files.flush(above)


def _checked(opened: int, path: str) -> int:
    found = os.fstat(opened)
    if found.st_uid != os.geteuid():
        os.close(opened)
        raise PlanError(f"{path}: is not a folder of yours, and what is kept there must be")
    if found.st_mode & 0o022:
        os.close(opened)
        raise PlanError(f"{path}: can be written by others, so what it holds is not trusted; look into it, and move it away")
    if found.st_mode & 0o055:
        os.fchmod(opened, 0o700)
    return opened
