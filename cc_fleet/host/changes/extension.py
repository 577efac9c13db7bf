"""An editor's extension in one version, up or down, by the editor's own program.

Args: ``editor`` (as facts call it), ``folder`` (of its extensions), ``id``, ``version``, ``vsix`` (``{file, sha256}``; null: from the
editor's gallery), ``program`` (the name of its command line), ``denied`` (versions with the reason), and where they are not the editor's
usual ones ``extensions_dir`` and ``user_data_dir``.

What ``extensions.json`` names is compared first, for an install of what is there rewrites the file. Exit code 0 means nothing (a
downgrade that was refused has it too, facts/enforcement.md B), so the file is read again afterwards. A folder of the wanted version that
nothing names is moved away first: the program would unpack over it, and it may be marked for removal. A VSIX is read once into a folder of
our own, compared with its sha256, looked into, and installed from there.
"""

from __future__ import annotations

import os
import re
from typing import Mapping, Optional

from ...model import JSON
from ...records import NamedTuple
from .. import redact, registered, vsix
from ..change import Failed, Preview, Refused
from ..facts import extensions
from ..registered import Registered
from ..site import Site

TIMEOUT = 600.0
_LINE = 240
_APPS = {
    "code": "Visual Studio Code", "code-insiders": "Visual Studio Code - Insiders", "codium": "VSCodium", "cursor": "Cursor",
    "windsurf": "Windsurf", "antigravity": "Antigravity",
}  # fmt: skip


class _Wanted(NamedTuple):
    editor: str
    root: str
    id: str
    version: str
    file: Optional[str]
    sha256: str
    program: Optional[str]
    options: tuple[str, ...]

    def registry(self) -> str:
        return f"{self.root}/extensions.json"


def preview(site: Site, args: Mapping[str, JSON]) -> Preview:
    wanted = _wanted(args)
    found = registered.read(site, wanted.registry())
    now, after = _state(site, wanted, found), f"version {wanted.version}"
    place = f"{wanted.root}/{wanted.id}"
    if now == after:
        return Preview({place: now}, {place: after})
    program = _program(site, wanted)
    if wanted.file is not None:
        vsix.check(wanted.file, wanted.sha256, wanted.id, wanted.version)
    site.pretend(wanted.registry(), registered.with_version(found, wanted.id, wanted.version, f"{wanted.id}-{wanted.version}"))
    was = f"- {wanted.id} {now.partition(' ')[2]} in {wanted.editor}"
    command = f"  {' '.join([program, *_command(wanted, wanted.file)])}"
    return Preview({place: now}, {place: after}, (*([was] if now != "absent" else ()), f"+ {wanted.id} {wanted.version} in {wanted.editor}", command))


def apply(site: Site, args: Mapping[str, JSON]) -> None:
    wanted = _wanted(args)
    found = registered.read(site, wanted.registry())
    if _state(site, wanted, found) == f"version {wanted.version}":
        return
    program = _program(site, wanted)
    file = None
    if wanted.file is not None:
        file = f"{site.staging(wanted.root)}/{wanted.id}-{wanted.version}.vsix"
        vsix.check(wanted.file, wanted.sha256, wanted.id, wanted.version, copy=file)
    for name in site.names(wanted.root) or ():
        if _is_copy(name, wanted) and registered.runs(site, wanted.root, name) is None:
            registered.unmark(site, wanted.root, name)
            site.remove(f"{wanted.root}/{name}")
    registry, marks, root = (_followed(site, path) for path in (wanted.registry(), f"{wanted.root}/.obsolete", wanted.root))
    ended = site.watch([registry, marks, root], loose=(marks,))  # an editor rewrites its marks whenever it starts
    try:
        ran = site.run([program, *_command(wanted, file)], TIMEOUT)
    finally:
        ended()
    if ran.code is None:
        raise Failed(f"{wanted.program} did not end within {TIMEOUT:.0f} s")
    if _state(site, wanted, registered.read(site, wanted.registry())) != f"version {wanted.version}":
        raise Failed(f"{wanted.program} ended with {ran.code} and did not install {wanted.id} {wanted.version}: {_said(ran.out)}")


def _wanted(args: Mapping[str, JSON]) -> _Wanted:
    id_, version, root, program = (args.get(name) for name in ("id", "version", "folder", "program"))
    if not isinstance(id_, str) or not re.fullmatch(r"\w[\w-]*\.\w[\w-]*", id_) or not isinstance(version, str) or not re.fullmatch(r"\d+\.\d+\.\d+[\w.+-]*", version):
        raise Refused("the plan names no extension and version")
    if not isinstance(root, str) or not root.startswith("/"):
        raise Refused("the plan names no folder of extensions")
    denied = args.get("denied")
    if isinstance(denied, dict) and version in denied:
        raise Refused(f"{id_} {version} is denied: {denied[version]}")
    package = args.get("vsix")
    file, digest = (package.get("file"), package.get("sha256")) if isinstance(package, dict) else (None, "")
    if isinstance(package, dict) and not (isinstance(file, str) and file.startswith("/") and isinstance(digest, str) and re.fullmatch(r"[0-9a-f]{64}", digest)):
        raise Refused("the plan's VSIX has no file or no sha256")
    options = [
        part for option in ("extensions_dir", "user_data_dir") if isinstance(folder := args.get(option), str) and folder.startswith("/")
        for part in (f"--{option.replace('_', '-')}", folder)
    ]  # fmt: skip
    named = program if isinstance(program, str) and re.fullmatch(r"\w[\w.-]*", program) else None
    return _Wanted(str(args.get("editor")), root.rstrip("/"), id_, version, file, str(digest), named, tuple(options))


def _state(site: Site, wanted: _Wanted, found: Registered) -> str:
    """``absent``, or the version that the editor runs, and whether it lacks its folder."""
    entries = found.entries(wanted.id)
    if not entries:
        return "absent"
    versions = " and ".join(dict.fromkeys(entry.version for entry in entries))
    whole = all("/" not in entry.folder and site.names(f"{wanted.root}/{entry.folder}") is not None for entry in entries)
    return f"version {versions}{'' if whole else ' without its folder'}"


def _is_copy(name: str, wanted: _Wanted) -> bool:
    found = extensions.FOLDER.fullmatch(name)
    return found is not None and (found["id"].lower(), found["version"]) == (wanted.id.lower(), wanted.version)


def _program(site: Site, wanted: _Wanted) -> str:
    """The editor's command line, where it can be trusted."""
    if not site.live:
        raise Refused(f"{wanted.editor} installs its extensions itself, and nothing is run below a folder; run cc-fleet on that machine")
    if wanted.program is None:
        raise Refused(f"{wanted.editor} has no command line that is known; install {wanted.id} {wanted.version} in it by hand, and choose its Auto Update off")
    app = f"/Applications/{_APPS.get(wanted.program)}.app/Contents/Resources/app/bin/{wanted.program}"
    found = site.find(wanted.program) or (app if site.os == "macos" and os.access(app, os.X_OK) else None)
    if found is None:
        raise Refused(f"{wanted.program} is in no folder of the PATH, or may be changed by others; put {wanted.editor}'s command there, or install {wanted.id} {wanted.version} in it by hand")
    return found


def _command(wanted: _Wanted, file: Optional[str]) -> list[str]:
    return [*wanted.options, "--install-extension", file or f"{wanted.id}@{wanted.version}", "--force"]


def _followed(site: Site, path: str) -> str:
    """What a link at ``path`` names, for the editor writes there."""
    for _ in range(5):
        target = site.link(path)
        if target is None:
            break
        path = os.path.normpath(os.path.join(os.path.dirname(path), target))
    return path


def _said(out: str) -> str:
    """The line that tells why, short, and without what may be a secret: the program's words are its own."""
    lines = [line.strip() for line in out.splitlines() if line.strip() and not re.match(r"\s+at |Failed Installing Ext|Installing ext", line)]
    line = next((one for one in lines if re.match(r"(?i)\W*error", one)), lines[-1] if lines else "it said nothing")
    line = re.sub(r"\]\(command:[^)]*\)", "]", line)
    line = re.sub(r"\w+://\S+", lambda url: redact.url(url[0]), line)
    line = " ".join(redact.name(word) for word in line.split())
    line = "".join(letter if letter.isprintable() else "?" for letter in line)
    return line if len(line) <= _LINE else f"{line[:_LINE]}…"
