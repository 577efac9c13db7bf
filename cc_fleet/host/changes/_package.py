"""Claude Code's npm package made ready in a folder of its own, and looked at before anything runs it in earnest.

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
import tarfile
from typing import Any, Mapping, Optional

from ...model import JSON
from ..change import Refused
from ..site import Site
from . import _args

PACKAGE = "@anthropic-ai/claude-code"
PROGRAMS = (b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
_MINUTES = 15 * 60.0
_VERSION = re.compile(r"\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]{1,40})?")
_LARGEST = 1024 * 1024 * 1024


def version(args: Mapping[str, JSON]) -> str:
    """The version that is wanted; it becomes part of commands and paths, so it is looked at."""
    wanted = _args.text(args, "version")
    if not _VERSION.fullmatch(wanted):
        raise Refused(f"the plan's version is none: {wanted[:40]!r}")
    return wanted


def here() -> str:
    """npm's name for this machine: ``linux-x64``, ``linux-arm64-musl``, ``darwin-arm64``."""
    system = {"Linux": "linux", "Darwin": "darwin"}.get(platform.system(), "")
    machine = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}.get(platform.machine().lower(), "")
    if not system or not machine:
        raise Refused(f"there is no Claude Code for {platform.system()} on {platform.machine()}")
    musl = system == "linux" and any(name.startswith("ld-musl-") for name in os.listdir("/lib"))
    return f"{system}-{machine}{'-musl' if musl else ''}"


def is_native(wanted: str) -> bool:
    """Whether npm's package of this version has a native program, in a package of its own for each platform (from 2.1.113)."""
    return tuple(int(part) for part in wanted.partition("-")[0].split(".")) >= (2, 1, 113)


def fetched(site: Site, stage: str, args: Mapping[str, JSON], *names: str) -> dict[str, str]:
    """The tarballs of these packages in ``stage``, by name: copies of those that were given, else from npm's registry."""
    os.makedirs(f"{stage}/tgz", exist_ok=True)
    given = args.get("tarballs")
    if not given:
        _packed(site, stage, args, names)
        files = [f"{stage}/tgz/{name}" for name in sorted(os.listdir(f"{stage}/tgz"))]
    else:
        files = [_copied(one, stage) for one in given if isinstance(one, dict)]
    found = {}
    for file in files:
        name, has = about(file)
        if has == version(args):
            found[name] = file
    missing = [name for name in names if name not in found]
    if missing:
        raise Refused(f"{missing[0]} {version(args)} is not among the tarballs; `npm pack {missing[0]}@{version(args)}` makes it")
    return found


def _copied(given: Mapping[str, JSON], stage: str) -> str:
    """A copy of a tarball, hashed while it was made: what is hashed is what is installed."""
    source, wanted = _args.text(given, "file"), _args.text(given, "sha256")
    target, digest = f"{stage}/tgz/{os.path.basename(source)}", hashlib.sha256()
    try:
        with open(source, "rb") as file, open(target, "wb") as out:
            while piece := file.read(1024 * 1024):
                digest.update(piece)
                out.write(piece)
    except OSError as err:
        raise Refused(f"{source}: {(err.strerror or 'cannot be read').lower()}") from None
    if digest.hexdigest() != wanted.lower():
        raise Refused(f"{source}: is not the tarball that the plan was made with: its sha256 is {digest.hexdigest()}, and the plan expects {wanted}")
    return target


def _packed(site: Site, stage: str, args: Mapping[str, JSON], names: tuple[str, ...]) -> None:
    wanted = [f"{name}@{version(args)}" for name in names]
    npm = program(site, "npm")
    ran = site.run([npm, "pack", *wanted, "--pack-destination", f"{stage}/tgz", "--ignore-scripts", *_options(stage, args)], _MINUTES, cwd=stage)
    if ran.code != 0:
        raise Refused(f"npm did not get {' and '.join(wanted)}: {_reason(ran.code, ran.out)}")


def program(site: Site, name: str) -> str:
    """npm or node, in this machine's PATH."""
    found = site.find(name)
    if found is None:
        raise Refused(f"{name} is needed and is not in PATH, or others than its owner can write it; install Node.js for the machine")
    return found


def _options(stage: str, args: Mapping[str, JSON]) -> list[str]:
    registry = args.get("registry")
    return ["--cache", f"{stage}/cache", "--loglevel=error", "--no-update-notifier", *(["--registry", _args.text(args, "registry")] if registry else [])]


def _reason(code: Optional[int], out: str) -> str:
    """The line of npm's that says most, without what may be a secret."""
    if code is None:
        return f"it did not end within {_MINUTES / 60:.0f} minutes"
    known = re.search(r"\b(ETARGET|E404|E401|E403|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ERR_SOCKET_TIMEOUT|EINTEGRITY|ENOSPC|EACCES|ENOTCACHED)\b", out)
    told = {
        "ETARGET": "there is no such version", "E404": "there is no such package or version", "E401": "the registry asks for a login", "E403": "the registry refuses",
        "EINTEGRITY": "what came is not what the registry says it is (EINTEGRITY)", "ENOSPC": "no space left on device; make room and run again",
        "EACCES": "permission denied",
    }  # fmt: skip
    if known:
        return told.get(known[1], f"the registry cannot be reached ({known[1]}); --tarballs DIR installs without one")
    lines = [line for line in out.splitlines() if line.startswith("npm error")] or out.splitlines()[-1:]
    shown = re.sub(r"//[^/\s@]*@|(?:_authToken|_auth|_password|token)\s*=\s*\S+", "…", lines[0] if lines else "it said nothing")
    return shown.removeprefix("npm error ")[:200]


def about(file: str) -> tuple[str, str]:
    """Name and version that a tarball gives itself."""
    try:
        with tarfile.open(file, "r|gz") as archive:
            for member in archive:
                opened = archive.extractfile(member) if member.name == "package/package.json" and member.isfile() and member.size < 1024 * 1024 else None
                if opened is not None:
                    held = json.loads(opened.read())
                    return str(held["name"]), str(held["version"])
    except (OSError, EOFError, tarfile.TarError, ValueError, KeyError, TypeError, RecursionError):
        pass
    raise Refused(f"{os.path.basename(file)}: is no tarball of npm's")


def taken(file: str, member: str, target: str) -> None:
    """One file of a tarball, as a program."""
    try:
        with tarfile.open(file, "r|gz") as archive:
            for one in archive:
                opened = archive.extractfile(one) if one.name == member and one.isfile() and one.size < _LARGEST else None
                if opened is not None:
                    with open(target, "wb") as out:
                        shutil.copyfileobj(opened, out, 1024 * 1024)
                    os.chmod(target, 0o755)  # noqa: S103  a program
                    return
    except OSError as err:
        raise Refused(f"{target}: {(err.strerror or 'cannot be written').lower()}") from None
    except (EOFError, tarfile.TarError):
        raise Refused(f"{os.path.basename(file)}: is no tarball of npm's") from None
    raise Refused(f"{os.path.basename(file)}: holds no {member}")


def staged(site: Site, stage: str, args: Mapping[str, JSON]) -> str:
    """The whole package, installed below ``stage`` and looked at; its folder."""
    wanted = version(args)
    own = f"{PACKAGE}-{args.get('platform') or here()}" if is_native(wanted) else None
    files = fetched(site, stage, args, PACKAGE, *([own] if own else []))
    chosen = [files[name] for name in (PACKAGE, own) if name]
    offline = ["--offline"] if args.get("tarballs") else []
    npm = [program(site, "npm"), "install", "-g", "--prefix", f"{stage}/p", "--ignore-scripts", "--no-audit", "--no-fund", *offline, *_options(stage, args), *chosen]
    ran = site.run(npm, _MINUTES, cwd=stage)
    folder = f"{stage}/p/lib/node_modules/{PACKAGE}"
    if ran.code != 0 or not os.path.isfile(f"{folder}/package.json"):
        raise Refused(f"npm did not install {PACKAGE}@{wanted}: {_reason(ran.code, ran.out)}")
    if own:
        _linked(folder, own)
    check(site, stage, folder, wanted, args)
    return folder


def _linked(folder: str, own: str) -> None:
    """What the package's install script does: the platform's program is the package's; and its package where npm keeps it."""
    beside, inside = f"{folder.rpartition('/node_modules/')[0]}/node_modules/{own}", f"{folder}/node_modules/{own}"
    if not os.path.isdir(inside) and os.path.isdir(beside):
        os.makedirs(os.path.dirname(inside), exist_ok=True)
        os.rename(beside, inside)
    try:
        os.unlink(f"{folder}/bin/claude.exe")
        os.link(f"{inside}/claude", f"{folder}/bin/claude.exe")
    except OSError as err:
        raise Refused(f"{own}: holds no program ({(err.strerror or 'odd').lower()})") from None


def entry(folder: str) -> str:
    """The file that ``claude`` starts, below the package's folder."""
    try:
        with open(f"{folder}/package.json", encoding="utf-8") as file:
            held: Any = json.load(file)
        name = str(held["bin"]["claude"]).lstrip("./")
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise Refused(f"{PACKAGE}: its package.json is not one") from None
    if ".." in name.split("/"):
        raise Refused(f"{PACKAGE}: its program is said to be outside of it")
    return name


def check(site: Site, stage: str, folder: str, wanted: str, args: Mapping[str, JSON]) -> None:
    """Refused unless what lies in ``folder`` is Claude Code ``wanted`` and runs."""
    name = entry(folder)
    if name.endswith((".js", ".cjs", ".mjs")):
        check_version(site, stage, [program(site, "node"), f"{folder}/{name}"], wanted)
        return
    check_program(f"{folder}/{name}", wanted, args)
    check_version(site, stage, [f"{folder}/{name}"], wanted)


def check_program(file: str, wanted: str, args: Mapping[str, JSON]) -> None:
    """Refused unless the file is a native program, and the one whose digest the policy pins where it pins one."""
    digest = hashlib.sha256()
    try:
        with open(file, "rb") as opened:
            magic = opened.read(4)
            digest.update(magic)
            while piece := opened.read(1024 * 1024):
                digest.update(piece)
    except OSError as err:
        raise Refused(f"the program of {wanted} {(err.strerror or 'cannot be read').lower()}") from None
    if magic not in PROGRAMS:
        raise Refused(f"the program of {wanted} is none: its platform package is missing, or its download failed")
    pinned = args.get("sha256") or {}
    digests = {str(one).lower() for name, one in pinned.items() if name == (args.get("platform") or here())} if isinstance(pinned, dict) else set()
    if digests and digest.hexdigest() not in digests:
        raise Refused(f"the program of {wanted} is not the one that the policy pins: its sha256 is {digest.hexdigest()}, and {', '.join(sorted(digests))} is expected")


def check_version(site: Site, stage: str, command: list[str], wanted: str) -> None:
    """Refused unless the program, run in an empty home, says that it is ``wanted``."""
    os.makedirs(f"{stage}/home", exist_ok=True)
    ran = site.run([*command, "--version"], 60.0, {**QUIET, "HOME": f"{stage}/home"}, cwd=stage)
    found = re.match(r"\s*(\d+\.\d+\.\d+\S*)", ran.out)
    if ran.code != 0 or found is None or found[1] != wanted:
        told = f"says that it is {found[1][:40]}" if found and ran.code == 0 else "does not run" if ran.code is not None else "does not end"
        raise Refused(f"what came as {wanted} {told}")


# No request, and no update, from a program that is only asked for its version.
QUIET = {"DISABLE_AUTOUPDATER": "1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}
