"""What a change may touch, with the rights of its user: every step is written down before it is taken.

There are few steps, so that few can go wrong and all can be taken back: a file is written, an entry becomes a link,
moves away, or changes places with one that was made ready beside it; a folder is made; what a foreign program is about to
change is remembered. ``reversal.take_back`` undoes one such step.
"""

from __future__ import annotations

import os
import stat as st
from contextlib import contextmanager
from typing import Any, Callable, Iterator, Mapping, Optional, Protocol, Sequence

from ..model import JSON
from ..records import NamedTuple
from . import files, replacing
from .area import Area, Spot, told
from .change import Refused
from .files import ABSENT

_WATCHED = 2 * 1024 * 1024
Entry = Mapping[str, JSON]


class Log(Protocol):
    """Where steps are written down."""

    def begun(self, entry: Entry, image: Optional[bytes] = None) -> int:
        """About to be done; on the disk when it returns."""

    def done(self, number: int, more: Entry) -> None:
        """Done, and what is known since."""


class Ran(NamedTuple):
    """What a program ended with, and the last of what it said; ``code`` None: it did not end in time."""

    code: Optional[int]
    out: str


class Site:
    """The files and programs of one user, or of the system, as one run may change them."""

    def __init__(  # noqa: PLR0913  # it is made in one place
        self, area: Area, user: Optional[str], os_: str, *, live: bool, stamp: str = "preview", log: Optional[Log] = None
    ) -> None:
        self.area, self.user, self.home, self.os, self.live, self.stamp = area, user, area.home, os_, live, stamp
        self._log = log
        self._pretended: dict[str, Optional[bytes]] = {}
        self._known: dict[str, str] = {}  # the states in which files were seen last, by whoever decides what to do with them

    # Looking

    def read(self, path: str, limit: int = files.LIMIT) -> Optional[bytes]:
        """A file's bytes, links followed within the area; None: nothing there."""
        if path in self._pretended:
            return self._pretended[path]
        with self.spot(path, follow=True) as spot:
            if spot.folder is None or files.look(spot.folder, spot.name) is None:
                self._known[path] = ABSENT
                return None
            data = files.read(spot.folder, spot.name, limit)[0]
            self._known[path] = files.digest(data)
            return data

    def head(self, path: str, size: int) -> Optional[bytes]:
        """The first ``size`` bytes of a file of any size, links followed within the area; None: nothing there."""
        with self.spot(path, follow=True) as spot:
            if spot.folder is None or files.look(spot.folder, spot.name) is None:
                return None
            return files.head(spot.folder, spot.name, size)

    def sha256(self, path: str) -> str:
        """The digest of a file of any size, links followed within the area."""
        with self.spot(path, follow=True) as spot:
            if spot.folder is None:
                raise Refused("is not there")
            return files.sha256_of(spot.folder, spot.name)

    def state(self, path: str, *, follow: bool = False) -> str:
        """``absent``, ``sha256:…``, ``folder`` or ``link TARGET`` of the entry itself; with ``follow`` of what a link names."""
        if path in self._pretended:
            data = self._pretended[path]
            return ABSENT if data is None else files.digest(data)
        with self.spot(path, follow=follow) as spot:
            found = ABSENT if spot.folder is None else files.state(spot.folder, spot.name)
        if found == ABSENT or found.startswith("sha256:"):
            self._known[path] = found
        return found

    def names(self, path: str) -> Optional[list[str]]:
        """The names in a folder; None where nothing is there."""
        with self.spot(path, follow=True) as spot:
            if spot.folder is None or files.look(spot.folder, spot.name) is None:
                return None
            opened = os.open(spot.name, files.FOLDERS, dir_fd=spot.folder)
            try:
                return list(files.entries(opened))
            finally:
                os.close(opened)

    def link(self, path: str) -> Optional[str]:
        """The target where the entry itself is a link."""
        found = self.state(path)
        return found[len("link ") :] if found.startswith("link ") else None

    def find(self, name: str, first: Sequence[str] = ()) -> Optional[str]:
        """The program ``name`` in ``first`` or PATH, where nobody but root and this user can have changed it."""
        from . import program

        return program.find(name, first)

    def pretend(self, path: str, data: Optional[bytes]) -> None:
        """From now on ``path`` reads as ``data``: what an earlier change of the same plan would leave.  Where changes are made nothing is pretended."""
        if self._log is None:
            self._pretended[path] = data

    # Changing

    def write(self, path: str, data: bytes, mode: int = 0o644) -> None:
        """``data`` in the file, in one step; it keeps all it has besides, and links to it stay links."""
        with self.spot(path, follow=True) as spot, self._folder(spot) as (folder, real):
            name = spot.name
            found = files.read(folder, name) if files.look(folder, name) is not None else None
            if found is not None and found[0] == data:
                return
            before, temp = files.digest(found[0]) if found else ABSENT, f".{name[:200]}.cc-fleet-{self.stamp}.tmp"
            self._unchanged(path, before)
            number = self._begun(
                {"op": "write", "path": f"{real}/{name}", "before": before, "after": files.digest(data), "temp": temp, **({"meta": files.meta(found[1])} if found else {})},
                found[0] if found else None,
            )
            files.discard(folder, temp)
            replacing.prepare(folder, temp, data, name if found else None, mode)
            replacing.put(folder, temp, name, before)
            self._known[path] = files.digest(data)
            self._done(number, {})

    def symlink(self, path: str, target: str) -> None:
        """The entry becomes a link; what was there is moved away."""
        if self.state(path) == f"link {target}":
            return
        with self.spot(path, follow=False) as spot, self._folder(spot) as (folder, real):
            made = self._made(folder, real, spot.name)
            os.symlink(target, made, dir_fd=folder)
            self._swap(folder, f"{real}/{spot.name}", spot.name, made)

    def exchange(self, staged: str, path: str) -> None:
        """The staged entry takes the place of ``path`` in one step; the old one is kept beside it for rollback."""
        top = self.area.top
        staged = staged[len(top) :] if top and staged.startswith(f"{top}/") else staged
        with self.spot(staged, follow=False) as source, self.spot(path, follow=False) as spot, self._folder(spot) as (folder, real):
            if source.folder is None:
                raise Refused(f"{staged}: is not there")
            made = self._made(folder, real, spot.name)
            os.rename(source.name, made, src_dir_fd=source.folder, dst_dir_fd=folder)
            self._swap(folder, f"{real}/{spot.name}", spot.name, made)

    def remove(self, path: str) -> None:
        """The entry goes: it is kept beside its place for rollback."""
        with self.spot(path, follow=False) as spot:
            folder, name = spot.folder, spot.name
            if folder is None or files.look(folder, name) is None:
                return
            kept, is_, was = self._kept(folder, name), files.ident(folder, name), files.seen(folder, name)
            self._unchanged(path, was)
            number = self._begun({"op": "move", "path": f"{spot.real}/{name}", "kept": kept, "is": is_, "was": was})
            replacing.appear(folder, name, folder, kept)
            if files.ident(folder, kept) != is_ or files.seen(folder, kept) != was:
                replacing.appear(folder, kept, folder, name)
                raise Refused("changed while it was being taken away; run again")
            files.flush(folder)
            self._known[path] = ABSENT
            self._done(number, {})

    def staging(self, near: str) -> str:
        """A new folder of one's own beside ``near``; it is swept when the run ends, and after a crash."""
        with self.spot(near, follow=False) as spot, self._folder(spot) as (folder, real):
            for number in range(1000):
                name = f".cc-fleet-{self.stamp}-{number}"
                if files.look(folder, name) is None:
                    break
            begun = self._begun({"op": "staging", "path": f"{real}/{name}"})
            os.mkdir(name, 0o700, dir_fd=folder)
            self._done(begun, {})
        return f"{self.area.top}{real}/{name}"

    def watch(self, paths: list[str], loose: tuple[str, ...] = ()) -> Callable[[], None]:
        """Remember files, links and the names in folders, which a foreign program is about to change; call what it returns when it has ended.

        Those of ``loose`` are the program's scratch: that they changed since does not keep rollback from putting them back.
        """
        number = self._begun({"op": "watch", "paths": {path: self.remembered(path) for path in paths}, "loose": list(loose)})
        return lambda: self._done(number, {"after": {path: self.remembered(path, images=False) for path in paths}})

    def run(self, argv: list[str], timeout: float, environ: Optional[Mapping[str, str]] = None, cwd: Optional[str] = None) -> Ran:
        """A program with this user's rights, a clean environment and no input; it and its children end after ``timeout`` seconds."""
        from . import program

        return program.run(argv, timeout, {**program.environ(self.user, self.home), **(environ or {})}, cwd)

    # Inside

    @contextmanager
    def spot(self, path: str, *, follow: bool) -> Iterator[Spot]:
        """The open place of ``path``; what the system says against it is Refused, with the path."""
        spot = self.area.spot(path, follow=follow)
        try:
            yield spot
        except OSError as err:
            raise Refused(f"{path}: {told(err)}") from None
        except Refused as err:
            raise Refused(str(err) if str(err).startswith("/") else f"{path}: {err}") from None
        finally:
            for opened in (spot.folder, spot.above):
                if opened is not None:
                    os.close(opened)

    @contextmanager
    def _folder(self, spot: Spot) -> Iterator[tuple[int, str]]:
        """The folder of ``spot`` and its path, made where it is missing, each step written down."""
        above, real = os.dup(spot.above), spot.real
        try:
            for name in spot.missing[:-1]:
                real = f"{real}/{name}"
                number = self._begun({"op": "folder", "path": real})
                os.mkdir(name, 0o755, dir_fd=above)
                self._done(number, {})
                below = os.open(name, files.FOLDERS, dir_fd=above)
                replacing.adopt(below, above)
                if self.user is None and self.live:
                    os.fchmod(below, 0o755)  # whatever root's umask is, what is managed is for all to read
                os.close(above)
                above = below
            yield above, real
        finally:
            os.close(above)

    def _unchanged(self, path: str, now: str) -> None:
        """What is done with a file was decided by what it held then."""
        if self._known.get(path, now) != now and (now == ABSENT or now.startswith("sha256:")):
            raise Refused("changed while it was being worked on; run again")

    def _made(self, folder: int, real: str, name: str) -> str:
        """The name of what is made ready beside ``name``, written down before it is there."""
        made = f".{name[:200]}.cc-fleet-{self.stamp}.new"
        self._begun({"op": "staging", "path": f"{real}/{made}"})
        files.discard(folder, made)
        return made

    def _swap(self, folder: int, path: str, name: str, made: str) -> None:
        before, after = files.ident(folder, name), files.ident(folder, made)
        kept = self._kept(folder, name)
        number = self._begun({"op": "swap", "path": path, "made": made, "kept": kept, "before": before, "after": after})
        if before == ABSENT:
            replacing.appear(folder, made, folder, name)
        elif replacing.exchange(folder, made, folder, name):
            if files.ident(folder, made) != before:
                replacing.exchange(folder, made, folder, name)
                raise Refused("was replaced by another program at the same time, and is as it left it; run again")
            os.rename(made, kept, src_dir_fd=folder, dst_dir_fd=folder)
        else:
            os.rename(name, kept, src_dir_fd=folder, dst_dir_fd=folder)
            os.rename(made, name, src_dir_fd=folder, dst_dir_fd=folder)
        files.flush(folder)
        self._done(number, {})

    def _kept(self, folder: int, name: str) -> str:
        """A name beside ``name`` that is free."""
        for number in range(1000):
            kept = f".{name[:200]}.cc-fleet-{self.stamp}.old{number or ''}"
            if files.look(folder, kept) is None:
                return kept
        raise Refused("has a thousand old copies beside it")

    def remembered(self, path: str, *, images: bool = True) -> dict[str, Any]:
        """What stands there, with a file's bytes where ``images`` are asked for."""
        with self.spot(path, follow=False) as spot:
            found = files.look(spot.folder, spot.name) if spot.folder is not None else None
            if found is None or spot.folder is None:
                return {"state": ABSENT}
            if st.S_ISDIR(found.st_mode):
                return {"state": files.FOLDER, "names": self.names(path)}
            about: dict[str, Any] = {"state": files.state(spot.folder, spot.name), "meta": files.meta(found)}
            if images and st.S_ISREG(found.st_mode):
                about["bytes"] = files.read(spot.folder, spot.name, _WATCHED)[0].decode("latin-1")
            return about

    def _begun(self, entry: Entry, image: Optional[bytes] = None) -> int:
        if self._log is None:
            raise Refused("is a preview, which changes nothing")
        return self._log.begun(entry, image)

    def _done(self, number: int, more: Entry) -> None:
        if self._log is not None:
            self._log.done(number, more)

