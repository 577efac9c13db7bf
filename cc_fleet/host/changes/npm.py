"""Claude Code in a global prefix of npm's brought to another version.

args: ``prefix``; ``version``; ``platform``, npm's name of this machine; ``sha256`` of the native program by platform; ``tarballs``, a list of
``{file, sha256}``, else ``registry``, else npm's own; ``denied``, versions that rollback does not put back. npm installs into a folder of
its own beside the old one, without scripts; what came is checked there, and then the two change places in one step.
"""

from __future__ import annotations

import json
from typing import Mapping, Optional

from ...model import JSON
from ..change import Failed, Preview, Refused
from ..site import Site
from . import _args, _package


def preview(site: Site, args: Mapping[str, JSON]) -> Preview:
    """From which version to which."""
    wanted, folder = _package.version(args), _folder(args)
    if site.link(folder) is not None:
        raise Refused(f"{folder}: is a link, which npm does not make; whoever made it brings it to {wanted}")
    has = _state(site, folder)
    if has is None:
        raise Refused(f"{folder}: is not there")
    produces = f"version {wanted}"
    return Preview({folder: has}, {folder: produces}, (f"- Claude Code {has.split(' ', 1)[1]}", f"+ Claude Code {wanted}") if has != produces else ())


def apply(site: Site, args: Mapping[str, JSON]) -> None:
    """Make it ready, check it, switch to it."""
    wanted, folder = _package.version(args), _folder(args)
    stage = site.staging(folder)
    made = _package.staged(site, stage, args)
    name = _package.entry(made)
    site.exchange(made, folder)
    launcher, target = f"{_args.text(args, 'prefix')}/bin/claude", f"../lib/node_modules/{_package.PACKAGE}/{name}"
    if site.link(launcher) != target:
        site.symlink(launcher, target)
    if _state(site, folder) != f"version {wanted}":
        raise Failed(f"{folder}: is not {wanted} after it was installed; something else changes it too")


def _folder(args: Mapping[str, JSON]) -> str:
    return f"{_args.text(args, 'prefix').rstrip('/')}/lib/node_modules/{_package.PACKAGE}"


def _state(site: Site, folder: str) -> Optional[str]:
    """``version X``, ``version X broken`` where it cannot run; None: nothing there."""
    text = site.read(f"{folder}/package.json")
    if text is None:
        return None
    try:
        held = json.loads(text)
        has, name = str(held["version"]), str(held["bin"]["claude"]).lstrip("./")
    except (ValueError, KeyError, TypeError, RecursionError):
        return "version unknown"
    head = site.head(f"{folder}/{name}", 4)
    runs = head is not None and (name.endswith((".js", ".cjs", ".mjs")) or head in _package.PROGRAMS)
    return f"version {has}{'' if runs else ' broken'}"
