"""A native install of Claude Code (``~/.local/bin/claude``, its store below ``~/.local/share/claude``) brought to another version.

args: ``home``; ``version``; ``platform``, ``sha256``, ``tarballs``, ``registry`` and ``denied`` as npm's have them. The program comes from the platform's npm
package where there is one (2.1.113 and later) and npm, or a tarball, is at hand: that can be checked and comes from a mirror. Else the
client's own ``claude install`` is asked. What came is checked before the link leads to it; older versions stay in the store.
"""

from __future__ import annotations

import os
from typing import Mapping, Optional

from ...model import JSON
from ..change import Failed, Preview, Refused
from ..site import Site
from . import _args, _package

_MINUTES = 10 * 60.0


def preview(site: Site, args: Mapping[str, JSON]) -> Preview:
    """From which version to which."""
    wanted, (launcher, store) = _package.version(args), _places(args)
    has = _state(site, launcher, store)
    produces = f"version {wanted}"
    return Preview({launcher: has}, {launcher: produces}, (f"- Claude Code {has.split(' ', 1)[1]}", f"+ Claude Code {wanted}") if has != produces else ())


def apply(site: Site, args: Mapping[str, JSON]) -> None:
    """Put the program into the store, check it, and lead the link to it."""
    wanted, (launcher, store) = _package.version(args), _places(args)
    old = site.link(launcher) or ""
    stage = site.staging(f"{store}/{wanted}")
    if not _is_there(site, stage, f"{store}/{wanted}", args):
        if args.get("tarballs") or (_package.is_native(wanted) and site.find("npm")):
            own = f"{_package.PACKAGE}-{args.get('platform') or _package.here()}"
            program = f"{stage}/claude"
            _package.taken(_package.fetched(site, stage, args, own)[own], "package/claude", program)
            _package.check_program(program, wanted, args)
            _package.check_version(site, stage, [program], wanted)
            site.exchange(program, f"{store}/{wanted}")
        else:
            _installed(site, launcher, store, wanted)
            _package.check_program(f"{site.area.top}{store}/{wanted}", wanted, args)
            _package.check_version(site, stage, [f"{site.area.top}{store}/{wanted}"], wanted)
    if site.link(launcher) != _target(old, store, wanted):
        site.symlink(launcher, _target(old, store, wanted))
    if _state(site, launcher, store) != f"version {wanted}":
        raise Failed(f"{launcher}: does not lead to {wanted}; something else changes it too")


def _places(args: Mapping[str, JSON]) -> tuple[str, str]:
    home = _args.text(args, "home").rstrip("/")
    return f"{home}/.local/bin/claude", f"{home}/.local/share/claude/versions"


def _target(old: str, store: str, wanted: str) -> str:
    """A link like the old one."""
    return f"{old.rpartition('/')[0]}/{wanted}" if not old.startswith("/") and "/" in old else f"{store}/{wanted}"


def _state(site: Site, launcher: str, store: str) -> str:
    """Which version the link leads to, ``broken`` where there is no program."""
    target = site.link(launcher)
    if target is None:
        raise Refused(f"{launcher}: is not the installer's link, so it is left alone; replace it by hand")
    path = os.path.normpath(target if target.startswith("/") else f"{launcher.rpartition('/')[0]}/{target}")
    if path.rpartition("/")[0] != store:
        raise Refused(f"{launcher}: leads to {target}, not into {store}, so it is left alone; replace it by hand")
    return f"version {path.rpartition('/')[2]}{'' if _is_program(site, path) else ' broken'}"


def _is_program(site: Site, path: str) -> bool:
    head: Optional[bytes] = site.head(path, 4)
    return head in _package.PROGRAMS


def _is_there(site: Site, stage: str, path: str, args: Mapping[str, JSON]) -> bool:
    """Whether the store has the version already, and it is what it should be."""
    if not _is_program(site, path):
        return False
    try:
        _package.check_program(f"{site.area.top}{path}", _package.version(args), args)
        _package.check_version(site, stage, [f"{site.area.top}{path}"], _package.version(args))
    except Refused:
        return False
    return True


def _installed(site: Site, launcher: str, store: str, wanted: str) -> None:
    """Ask the client itself.  Without a network it ends with an error and leaves an empty file (measured)."""
    ended = site.watch([store, launcher])
    try:
        ran = site.run([launcher, "install", wanted], _MINUTES, _package.QUIET)
    finally:
        ended()
    if ran.code != 0 or not _is_program(site, f"{store}/{wanted}"):
        last = (ran.out.strip().splitlines() or ["it said nothing"])[-1][:200]
        raise Failed(f"`claude install {wanted}` did not install it: {last}")
