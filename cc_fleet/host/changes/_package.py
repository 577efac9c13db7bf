"""Claude Code's package of npm's made ready in a folder of its own, and looked at before anything runs it in earnest.

npm's own check is soft for the platform package: with a wrong hash ``npm ci`` ends with 0 and the program may be there all the
same (measured). So tarballs are hashed here, copied, and installed from the copies; install scripts do not run; and what
came of it has to be the version, a program, the digest that the policy pins, and to say its version itself.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
from typing import Any, Mapping, Optional

from ...model import JSON
from ..area import told
from ..change import Refused
from ..site import Site
from . import _args, _npm

PACKAGE = "@anthropic-ai/claude-code"
PROGRAMS = (b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
# No request, and no update, from a program that is only asked for its version.
QUIET = {"DISABLE_AUTOUPDATER": "1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}
VERSION = re.compile(r"[0-9]{1,9}\.[0-9]{1,9}\.[0-9]{1,9}(?:-[0-9A-Za-z.-]{1,40})?")
SAYS = re.compile(r"(?m)^[ \t]*([0-9]{1,9}\.[0-9]{1,9}\.[0-9]{1,9}[0-9A-Za-z.+-]{0,40})(?: \(Claude Code\))?[ \t\r]*$")
_SCRIPTS = (".js", ".cjs", ".mjs")
_SECONDS = 60.0


def version(args: Mapping[str, JSON]) -> str:
    """The version that is wanted; it becomes part of commands and paths, so it is looked at."""
    wanted = _args.text(args, "version")
    if not VERSION.fullmatch(wanted):
        raise Refused(f"the plan's version is none: {wanted[:40]!r}")
    return wanted


def live(site: Site) -> None:
    """Refused below a folder, where no program is run."""
    if not site.live:
        raise Refused("plan and apply it on the machine itself: below --root no program is run")


def system(args: Mapping[str, JSON]) -> str:
    """npm's name for the machine: ``linux-x64``, ``linux-arm64-musl``, ``darwin-arm64``."""
    if args.get("platform") is not None:
        given = _args.text(args, "platform")
        if not re.fullmatch(r"[a-z0-9]{1,20}(-[a-z0-9]{1,20}){1,2}", given):
            raise Refused(f"the plan's platform is none: {given[:40]!r}")
        return given
    name = {"Linux": "linux", "Darwin": "darwin"}.get(platform.system(), "")
    machine = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}.get(platform.machine().lower(), "")
    if not name or not machine:
        raise Refused(f"there is no Claude Code for {platform.system()} on {platform.machine()}")
    return f"{name}-{machine}{'-musl' if name == 'linux' and _has_musl() else ''}"


def _has_musl() -> bool:
    """Whether musl is all that there is: other systems have it beside their own, as a package."""
    loaders = [name for folder in ("/lib", "/lib64") if os.path.isdir(folder) for name in os.listdir(folder)]
    return any(name.startswith("ld-musl-") for name in loaders) and not any(name.startswith("ld-linux-") for name in loaders)


def is_native(wanted: str) -> bool:
    """Whether npm's package of this version has a native program, in a package of its own for each platform (from 2.1.113)."""
    return tuple(int(part) for part in wanted.partition("-")[0].split(".")) >= (2, 1, 113)


def staged(site: Site, stage: str, args: Mapping[str, JSON]) -> str:
    """The whole package, installed below ``stage`` and looked at; its folder."""
    wanted = version(args)
    own = f"{PACKAGE}-{system(args)}" if is_native(wanted) else None
    files = _npm.fetched(site, stage, args, wanted, PACKAGE, *([own] if own else []))
    modules = _npm.install(site, stage, args, wanted, [files[name] for name in (PACKAGE, own) if name])
    folder = f"{modules}/{PACKAGE}"
    if own:
        _linked(modules, folder, own)
    check(site, stage, folder, wanted, args)
    return folder


def _linked(modules: str, folder: str, own: str) -> None:
    """What the package's install script does: the platform's program is the package's; and its package, which was looked at, where npm keeps it."""
    beside, inside, program = f"{modules}/{own}", f"{folder}/node_modules/{own}", f"{folder}/{entry(folder)}"
    try:
        if os.path.isdir(beside):
            for made in (f"{folder}/node_modules", os.path.dirname(inside)):
                if not os.path.isdir(made):
                    os.mkdir(made)
                    os.chmod(made, 0o755)  # noqa: S103  others run it
            if os.path.isdir(inside):
                shutil.rmtree(inside)
            os.rename(beside, inside)
        if os.path.lexists(program):
            os.unlink(program)
        os.chmod(f"{inside}/claude", 0o755)  # noqa: S103  a program
        os.link(f"{inside}/claude", program, follow_symlinks=False)
    except OSError as err:
        raise Refused(f"{own}: holds no program that can be linked ({told(err)}); give its tarball again") from None


def entry(folder: str) -> str:
    """The file that ``claude`` starts, below the package's folder."""
    try:
        with open(f"{folder}/package.json", encoding="utf-8") as file:
            name = named(json.load(file))
    except (OSError, ValueError, RecursionError):
        name = None
    if name is None:
        raise Refused(f"{PACKAGE}: its package.json names no program; give its tarball again")
    return name


def named(held: Any) -> Optional[str]:
    """The program that a package.json names, below its folder; None: none that can be believed."""
    programs = held.get("bin") if isinstance(held, dict) else None
    name = programs.get("claude") if isinstance(programs, dict) else None
    parts = [part for part in name.split("/") if part not in ("", ".")] if isinstance(name, str) and not name.startswith("/") else []
    return "/".join(parts) if parts and ".." not in parts and all(part.isprintable() for part in parts) else None


def is_script(name: str) -> bool:
    """Whether node runs it."""
    return name.endswith(_SCRIPTS)


def check(site: Site, stage: str, folder: str, wanted: str, args: Mapping[str, JSON]) -> None:
    """Refused unless what lies in ``folder`` is Claude Code ``wanted`` and runs."""
    name = entry(folder)
    check_program(f"{folder}/{name}", wanted, args)
    check_version(site, stage, [*([_npm.program(site, "node", args)] if is_script(name) else []), f"{folder}/{name}"], wanted)


def check_program(file: str, wanted: str, args: Mapping[str, JSON]) -> None:
    """Refused unless the file is a program, and the one whose digest the policy pins where it pins one."""
    digest, head = hashlib.sha256(), b""
    try:
        with open(file, "rb") as opened:
            while piece := opened.read(1024 * 1024):
                head = head or piece[:4]
                digest.update(piece)
    except OSError as err:
        raise Refused(f"the program of {wanted}: {told(err)}") from None
    if head not in PROGRAMS and not is_script(file):
        raise Refused(f"the program of {wanted} is none: its platform package is missing, or its download failed; give its tarball again")
    expected = pinned(args, file)
    if expected and digest.hexdigest() != expected:
        raise Refused(f"the program of {wanted} is not the one that the policy pins: its sha256 is {digest.hexdigest()}, and {expected} is expected; find out who changed it")


def pinned(args: Mapping[str, JSON], file: str) -> str:
    """The sha256 that the policy wants of the program ``file`` on this machine, "" where it wants none."""
    digests = args.get("sha256")
    found = digests.get("cli.js" if is_script(file) else system(args)) if isinstance(digests, dict) else None
    return str(found).lower() if found is not None else ""


def check_version(site: Site, stage: str, command: list[str], wanted: str) -> None:
    """Refused unless the program, run in an empty home, says that it is ``wanted``."""
    os.makedirs(f"{stage}/home", exist_ok=True)
    ran = site.run([*command, "--version"], _SECONDS, {**QUIET, "HOME": f"{stage}/home"}, cwd=stage)
    found = SAYS.search(ran.out)
    if ran.code == 0 and found is not None and found[1] == wanted:
        return
    if ran.code is None:
        reason = f"does not end within {_SECONDS:.0f} s when it is asked for its version"
    elif ran.code != 0:
        reason = f"does not run here: asked for its version it ended with {ran.code}"
    else:
        reason = f"says that it is {found[1]}" if found else "does not say its version"
    raise Refused(f"what came as {wanted} {reason}; give its tarball again, or choose another version")


def state(site: Site, path: str, has: str, args: Mapping[str, JSON]) -> str:
    """The state of the program at ``path``, which calls itself ``has``: ``version X``, and what is wrong with it."""
    try:
        head = site.head(path, 4)
        wrong = " broken" if head is None or (head not in PROGRAMS and not is_script(path)) else ""
        if not wrong and has == version(args) and pinned(args, path) and site.sha256(path) != pinned(args, path):
            wrong = " altered"
    except Refused:
        wrong = " broken"
    return f"version {has if VERSION.fullmatch(has) else 'unknown'}{wrong}"
