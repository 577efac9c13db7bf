"""Take back one step, byte for byte and only where nobody has changed it since.

A step that was written down and not finished (the machine lost power, the process was killed) is looked at as it is:
whatever half was done is taken back. So is what another killed try to take it back left.
"""

from __future__ import annotations

import os
import stat as st
from typing import Any, Optional

from . import files, replacing
from .change import Refused
from .files import ABSENT
from .site import Site


def take_back(site: Site, step: dict[str, Any], image: Optional[bytes], *, force: bool) -> None:
    """Undo one step.  Refused: somebody changed it since, and ``force`` was not said."""
    if step["op"] == "watch":
        _unwatch(site, step, force=force)
        return
    path = str(step["path"])
    with site.spot(path, follow=False) as spot:
        if spot.folder is None:
            if step["op"] not in ("folder", "staging") and step.get("before") != ABSENT:
                raise Refused(f"{path}: its folder is gone, so what stood there is not put back")
            return
        {"write": _unwrite, "move": _unmove, "swap": _unswap, "folder": _unfolder, "staging": _unstage}[str(step["op"])](spot.folder, spot.name, step, image, force)


def _unwrite(folder: int, name: str, step: dict[str, Any], image: Optional[bytes], force: bool) -> None:
    before, after, meta = str(step["before"]), str(step["after"]), step.get("meta")
    if before != ABSENT and (image is None or meta is None or files.digest(image) != before):
        raise Refused("is not put back: what was kept of it is not whole")
    temp = str(step["temp"])
    undone = f"{temp}.undo"
    _left_over(folder, temp, name, (before, after), at=after, ours=None)
    _left_over(folder, undone, name, (before, after), at=before, ours=image)
    now = files.seen(folder, name)
    if now == before:
        return
    if now != after and not force:
        raise Refused("was changed since, and is left as it is; --force puts back what was there before the run")
    if before == ABSENT:
        _take_away(folder, name, undone, now)
    else:
        restore(folder, name, image or b"", meta or {}, undone, now)


def _left_over(folder: int, temp: str, name: str, known: tuple[str, str], *, at: str, ours: Optional[bytes]) -> None:  # noqa: PLR0913
    """Delete what a killed process left in ``temp``, unless the two had just changed places and it is somebody's words: these get the name back."""
    found = files.look(folder, temp)
    if found is None:
        return
    if st.S_ISREG(found.st_mode) and files.seen(folder, name) == at and files.seen(folder, temp) not in known:
        data = files.read(folder, temp)[0]
        if not (ours or b"").startswith(data) and not (at == ABSENT or files.read(folder, name)[0].startswith(data)):
            replacing.exchange(folder, temp, folder, name)
    files.discard(folder, temp)


def _take_away(folder: int, name: str, temp: str, now: str) -> None:
    """Delete what is in the state ``now``; if it was written meanwhile it stays."""
    replacing.appear(folder, name, folder, temp)
    if files.seen(folder, temp) != now:
        replacing.appear(folder, temp, folder, name)
        raise Refused("changed while it was being taken away; run again")
    files.discard(folder, temp)
    files.flush(folder)


def restore(folder: int, name: str, data: bytes, meta: dict[str, int], temp: str, now: str) -> None:  # noqa: PLR0913, PLR0917
    """A file as it was: content, owner, mode and times."""
    if now.startswith("odd: "):  # nothing that could change places with a file, and the caller means it
        files.discard(folder, name)
        now = ABSENT
    replacing.prepare(folder, temp, data, name if now.startswith("sha256:") else None, meta["mode"] & 0o7777, meta)
    replacing.put(folder, temp, name, now)


def _unmove(folder: int, name: str, step: dict[str, Any], image: Optional[bytes], force: bool) -> None:  # noqa: ARG001
    kept = str(step["kept"])
    if files.ident(folder, kept) != step["is"]:
        if files.ident(folder, name) != step["is"]:
            raise Refused("was moved away by this run, and is not where it was kept any more")
        return
    if files.look(folder, name) is not None:
        if not force:
            raise Refused("is there again, and is left as it is; --force puts back what was there before the run")
        files.discard(folder, name)
    replacing.appear(folder, kept, folder, name)
    files.flush(folder)


def _unswap(folder: int, name: str, step: dict[str, Any], image: Optional[bytes], force: bool) -> None:  # noqa: ARG001
    made, kept, before, after = str(step["made"]), str(step["kept"]), str(step["before"]), str(step["after"])
    now = files.ident(folder, name)
    old = next((one for one in (kept, made) if before != ABSENT and files.ident(folder, one) == before), None)
    if now not in (before, after, ABSENT) and not force:
        raise Refused("was replaced since, and is left as it is; --force puts back what was there before the run")
    if now != before:
        if before != ABSENT and old is None:
            raise Refused("is not put back: what was there before the run is not where it was kept any more")
        if old is not None and now != ABSENT and replacing.exchange(folder, old, folder, name):
            files.discard(folder, old)
        else:
            files.discard(folder, name)
            if old is not None:
                os.rename(old, name, src_dir_fd=folder, dst_dir_fd=folder)
    for one in (made, kept):
        if files.ident(folder, one) == after:
            files.discard(folder, one)
    files.flush(folder)


def _unfolder(folder: int, name: str, step: dict[str, Any], image: Optional[bytes], force: bool) -> None:  # noqa: ARG001
    try:
        os.rmdir(name, dir_fd=folder)
    except OSError:  # somebody else has put something there since, and it stays
        pass


def _unstage(folder: int, name: str, step: dict[str, Any], image: Optional[bytes], force: bool) -> None:  # noqa: ARG001
    files.discard(folder, name)


def _unwatch(site: Site, step: dict[str, Any], *, force: bool) -> None:
    """Files back to their bytes, and out of folders what the program put there.  All of it is looked at before any of it is touched."""
    after = step.get("after_watch")
    todo = []
    for path, was in step["paths"].items():
        then = after.get(path, {}) if isinstance(after, dict) else None
        _left_by_a_kill(site, path, was, then or {})
        now = site.remembered(path, images=False)
        if now.get("state") == was["state"] and now.get("names") == was.get("names") and ("bytes" not in was or now["meta"]["mtime"] == was["meta"]["mtime"]):
            continue
        ours = {name for name in was.get("names") or () if ".cc-fleet-" in name or f"{path}/{name}" in step["paths"]}  # made to be taken away, or kept
        missing = set(was.get("names") or ()) - ours - set(now.get("names") or ())
        if missing:
            raise Refused(f"{path}: {', '.join(sorted(missing))} is gone from it and was not kept, so what was there before the run cannot be put back")
        since = set(now.get("names") or ()) - set((then or {}).get("names") or ()) if was["state"] == ABSENT else None
        if then is not None and not force and path not in (step.get("loose") or ()) and (since or ("names" not in was and now.get("state") not in (then.get("state"), was["state"]))):
            raise Refused(f"{path}: was changed since, and is left as it is; --force puts back what was there before the run")
        todo.append((path, was, set((then or now).get("names") or ()) - set(was.get("names") or ())))
    for path, was, new in todo:
        with site.spot(path, follow=False) as spot:
            if spot.folder is not None:
                _rewind(spot.folder, spot.name, was, new)


def _left_by_a_kill(site: Site, path: str, was: dict[str, Any], then: dict[str, Any]) -> None:
    if "bytes" not in was:
        return
    with site.spot(path, follow=False) as spot:
        if spot.folder is not None:
            known = (str(was["state"]), str(then.get("state")))
            _left_over(spot.folder, _temp(spot.name), spot.name, known, at=known[0], ours=str(was["bytes"]).encode("latin-1"))


def _temp(name: str) -> str:
    return f".{name[:200]}.cc-fleet-undo.tmp"


def _rewind(folder: int, name: str, was: dict[str, Any], new: set[str]) -> None:
    found = files.look(folder, name)
    if was["state"] == ABSENT:
        files.discard(folder, name)
    elif was["state"] == files.FOLDER and found is not None and st.S_ISDIR(found.st_mode):
        inside = os.open(name, files.FOLDERS, dir_fd=folder)
        try:
            for one in new:
                if ".cc-fleet-" not in one:
                    files.discard(inside, one)
        finally:
            os.close(inside)
    elif str(was["state"]).startswith("link "):
        files.discard(folder, name)
        os.symlink(str(was["state"])[len("link ") :], name, dir_fd=folder)
    elif "bytes" in was:
        restore(folder, name, str(was["bytes"]).encode("latin-1"), was["meta"], _temp(name), files.seen(folder, name))
    files.flush(folder)
