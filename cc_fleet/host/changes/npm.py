"""Claude Code in a global prefix of npm's brought to another version.

args: ``prefix``; ``version``; ``platform``, npm's name of this machine; ``sha256`` of the program by platform (and ``cli.js``); ``tarballs``, a list
of ``{file, sha256}``, else ``registry``, else npm's own; ``denied``, versions that rollback does not put back. npm installs into a folder of
its own beside the old one, without scripts; what came is checked there, and then the two change places in one step.
"""

from __future__ import annotations

import json
import os
from typing import Mapping, Optional

from ...model import JSON
from ..change import Failed, Preview, Refused
from ..site import Site
from . import _args, _package


def preview(site: Site, args: Mapping[str, JSON]) -> Preview:
    """From which version to which."""
    _package.live(site)
    wanted, folder = _package.version(args), _folder(args)
    is_ = site.state(folder)
    if is_.startswith("link "):
        raise Refused(f"{folder}: is a link, which npm does not make; whoever made it brings it to {wanted}")
    if is_ != "folder":
        raise Refused(f"{folder}: {'is not there' if is_ == 'absent' else 'is no folder'}; `npm install -g` brings it")
    has, produces = _state(site, args), f"version {wanted}"
    return Preview({folder: has}, {folder: produces}, (f"- Claude Code {has.split(' ', 1)[1]}", f"+ Claude Code {wanted}") if has != produces else ())


def apply(site: Site, args: Mapping[str, JSON]) -> None:
    """Make it ready, check it, switch to it."""
    wanted, folder = _package.version(args), _folder(args)
    _target(site, args)
    stage = site.staging(folder)
    made = _package.staged(site, stage, args)
    name = _package.entry(made)
    site.exchange(made, folder)
    if _target(site, args) != f"{folder}/{name}":
        site.symlink(_launcher(args), f"../lib/node_modules/{_package.PACKAGE}/{name}")
    if _state(site, args) != f"version {wanted}":
        raise Failed(f"{folder}: is not {wanted} after it was installed; something else changes it too, so end that and run again")


def _prefix(args: Mapping[str, JSON]) -> str:
    return _args.text(args, "prefix").rstrip("/")


def _folder(args: Mapping[str, JSON]) -> str:
    return f"{_prefix(args)}/lib/node_modules/{_package.PACKAGE}"


def _launcher(args: Mapping[str, JSON]) -> str:
    return f"{_prefix(args)}/bin/claude"


def _target(site: Site, args: Mapping[str, JSON]) -> Optional[str]:
    """The file of the package that npm's launcher leads to; None where there is no launcher.  Refused: it is somebody's own."""
    launcher, folder = _launcher(args), _folder(args)
    if site.state(launcher) == "absent":
        return None
    link = site.link(launcher)
    if link is None:
        raise Refused(f"{launcher}: is not npm's link but somebody's own, so it is left alone; move it away and plan again")
    target = os.path.normpath(os.path.join(os.path.dirname(launcher), link))
    if not target.startswith(f"{folder}/"):
        raise Refused(f"{launcher}: leads to {link[:200]}, which is not npm's, so it is left alone; move it away and plan again")
    return target


def _state(site: Site, args: Mapping[str, JSON]) -> str:
    """``version X``, ``version X broken`` where it cannot run, ``altered`` where it is not the pinned one."""
    folder, target = _folder(args), _target(site, args)
    try:
        held = json.loads(site.read(f"{folder}/package.json") or b"")
    except (ValueError, RecursionError):
        held = None
    name, has = _package.named(held), held.get("version") if isinstance(held, dict) else None
    if name is None or not isinstance(has, str):
        return "version unknown"
    found = _package.state(site, f"{folder}/{name}", has, args)
    return found if target == f"{folder}/{name}" or " " in found[len("version ") :] else f"{found} broken"
