"""A native install of Claude Code (``~/.local/bin/claude``, its store below ``~/.local/share/claude``) brought to another version.

args: ``home``; ``version``; ``platform``, ``sha256``, ``tarballs``, ``registry`` and ``denied`` as npm's have them. The program comes from the platform's npm
package where there is one (2.1.113 and later) and npm, or a tarball, is at hand: that can be checked and comes from a mirror. Else the
client's own ``claude install`` is asked, in an empty home. What came is checked before the link leads to it; older versions stay in the store, those that
are denied do not.
"""

from __future__ import annotations

import os
from typing import Mapping

from ...model import JSON
from ..change import Failed, Preview, Refused
from ..site import Site
from . import _args, _npm, _package, _tarball

_SECONDS = 10 * 60.0


def preview(site: Site, args: Mapping[str, JSON]) -> Preview:
    """From which version to which."""
    _package.live(site)
    wanted, (launcher, store) = _package.version(args), _places(args)
    has, produces = _state(site, launcher, store, args), f"version {wanted}"
    return Preview({launcher: has}, {launcher: produces}, (f"- Claude Code {has.split(' ', 1)[1]}", f"+ Claude Code {wanted}") if has != produces else ())


def apply(site: Site, args: Mapping[str, JSON]) -> None:
    """Put the program into the store, check it, and lead the link to it."""
    wanted, (launcher, store) = _package.version(args), _places(args)
    old, new = site.link(launcher) or "", f"{store}/{wanted}"
    stage = site.staging(new)
    if not _is_there(site, stage, new, args):
        if args.get("tarballs") or (_package.is_native(wanted) and site.find("npm")):
            _unpacked(site, stage, new, args)
        else:
            _asked(site, stage, new, args)
    if _led(launcher, site.link(launcher)) != new:
        site.symlink(launcher, _target(old, store, wanted))
    if _state(site, launcher, store, args) != f"version {wanted}":
        raise Failed(f"{launcher}: does not lead to {wanted}; something else changes it too, so end that and run again")
    denied, stored = args.get("denied"), site.names(store) or ()
    for version in denied if isinstance(denied, dict) else ():
        if version in stored and version != wanted:
            site.remove(f"{store}/{version}")


def _places(args: Mapping[str, JSON]) -> tuple[str, str]:
    home = _args.text(args, "home").rstrip("/")
    return f"{home}/.local/bin/claude", f"{home}/.local/share/claude/versions"


def _target(old: str, store: str, wanted: str) -> str:
    """A link like the old one."""
    return f"{old.rpartition('/')[0]}/{wanted}" if not old.startswith("/") and "/" in old else f"{store}/{wanted}"


def _led(launcher: str, link: object) -> str:
    """The path that a link's text means."""
    return os.path.normpath(os.path.join(os.path.dirname(launcher), str(link or "")))


def _state(site: Site, launcher: str, store: str, args: Mapping[str, JSON]) -> str:
    """Which version the link leads to, ``broken`` where there is no program, ``altered`` where it is not the pinned one."""
    link = site.link(launcher)
    if link is None:
        raise Refused(f"{launcher}: is not the installer's link, so it is left alone; replace it by hand")
    path = _led(launcher, link)
    if os.path.dirname(path) != store:
        raise Refused(f"{launcher}: leads to {link[:200]}, not into {store}, so it is left alone; replace it by hand")
    return _package.state(site, path, os.path.basename(path), args)


def _is_there(site: Site, stage: str, path: str, args: Mapping[str, JSON]) -> bool:
    """Whether the store has the version already, and it is what it should be."""
    wanted = _package.version(args)
    try:
        if site.head(path, 4) not in _package.PROGRAMS:
            return False
        _package.check_program(path, wanted, args)
        _package.check_version(site, stage, [path], wanted)
    except Refused:
        return False
    return True


def _unpacked(site: Site, stage: str, new: str, args: Mapping[str, JSON]) -> None:
    """The program of the platform's package, checked before it is in the store."""
    wanted, own, program = _package.version(args), f"{_package.PACKAGE}-{_package.system(args)}", f"{stage}/claude"
    _tarball.taken(_npm.fetched(site, stage, args, wanted, own)[own], "package/claude", program, f"{own} {wanted}")
    _package.check_program(program, wanted, args)
    _package.check_version(site, stage, [program], wanted)
    site.exchange(program, new)


def _asked(site: Site, stage: str, new: str, args: Mapping[str, JSON]) -> None:
    """Ask a client that is there, in a home that is nobody's: it writes a ``.claude.json`` there, switches the link there, and without a network leaves an empty file there (measured)."""
    wanted, (_, store) = _package.version(args), _places(args)
    home, made = f"{stage}/new", f"{stage}/new/.local/share/claude/versions/{wanted}"
    os.makedirs(home)
    client = next((path for path in (f"{store}/{name}" for name in sorted(site.names(store) or (), reverse=True)) if _runs(site, path)), None)
    if client is None:
        raise Refused(f"neither npm nor a client that runs is there to get {wanted}; give --tarballs DIR, or install Node.js")
    ran = site.run([client, "install", wanted], _SECONDS, {**_package.QUIET, "HOME": home}, cwd=stage)
    if ran.code != 0 or not os.path.isfile(made):
        why = f"did not end within {_SECONDS / 60:.0f} minutes" if ran.code is None else f"ended with {ran.code}" if ran.code else "left no program"
        raise Refused(f"`claude install {wanted}` {why}; it needs downloads.claude.ai, so give --tarballs DIR, or npm and a registry")
    _package.check_program(made, wanted, args)
    _package.check_version(site, stage, [made], wanted)
    site.exchange(made, new)


def _runs(site: Site, path: str) -> bool:
    """Whether it is a program of the store; not what this, or an earlier, run keeps there."""
    try:
        return os.path.basename(path)[:1].isdigit() and site.head(path, 4) in _package.PROGRAMS
    except Refused:  # a folder
        return False
