"""npm itself: asked for tarballs, and let install them into a folder of its own, without scripts.

npm's words are its own, and may hold a token or a password: of them only the codes that are known are passed on.
"""

from __future__ import annotations

import os
import re
from typing import Mapping

from ...model import JSON
from ..change import Refused
from ..site import Ran, Site
from . import _args, _tarball

SECONDS = 15 * 60.0
_WAYS = "; give --tarballs DIR to install without a registry"
_TOLD = {
    "ETARGET": "the registry has no such version, or .npmrc (before, min-release-age) hides it", "E404": "the registry has no such package or version",
    "E401": "the registry asks for a login; `npm login` as whoever runs this", "E403": "the registry refuses; look at its rules for this package",
    "EINTEGRITY": "what came is not what the registry says it is (EINTEGRITY); find out who changed it", "ENOSPC": "no space left on device; make room and run again",
    "EFBIG": "file too large; lift the limit on sizes of files and run again", "EACCES": "permission denied", "EROFS": "the file system is read-only",
    "EDQUOT": "the quota is used up; make room and run again", "EBADENGINE": "it does not run with this version of Node.js (EBADENGINE); install a newer one",
    "ENOTCACHED": f"a package that it needs is not among the tarballs, or .npmrc says offline (ENOTCACHED){_WAYS}",
    **dict.fromkeys(("Z_BUF_ERROR", "Z_DATA_ERROR", "TAR_BAD_ARCHIVE"), "a tarball is not whole; download it again"),
}  # fmt: skip
_UNREACHABLE = frozenset((
    "ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH", "EPROTO", "FETCH_ERROR",
    "ERR_SOCKET_TIMEOUT", "ERR_SSL_WRONG_VERSION_NUMBER", "SELF_SIGNED_CERT_IN_CHAIN", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "CERT_HAS_EXPIRED",
))  # fmt: skip


def fetched(site: Site, stage: str, args: Mapping[str, JSON], wanted: str, *names: str) -> dict[str, str]:
    """The tarballs of these packages in ``stage``, by name: copies of those that were given, else from npm's registry."""
    folder = f"{stage}/tgz"
    os.mkdir(folder)
    given = _args.objects(args, "tarballs")
    called = {}
    for number, one in enumerate(given):
        source = _args.text(one, "file")
        if not source.startswith("/"):
            raise Refused(f"{source[:200]}: is no absolute path of a tarball; plan again")
        called[f"{folder}/{number}.tgz"] = source
        _tarball.copied(source, _args.text(one, "sha256"), f"{folder}/{number}.tgz")
    if not given:
        _packed(site, stage, args, [f"{name}@{wanted}" for name in names])
        called = {f"{folder}/{name}": name for name in sorted(os.listdir(folder))}
    found = {name: file for file, name in ((file, name) for file, source in called.items() for name, has in [_tarball.about(file, source)] if has == wanted)}
    missing = [name for name in names if name not in found]
    if missing:
        raise Refused(f"{missing[0]} {wanted} is not among the tarballs; `npm pack {missing[0]}@{wanted}` makes it")
    return found


def install(site: Site, stage: str, args: Mapping[str, JSON], wanted: str, files: list[str]) -> str:
    """Tarballs installed below ``stage``; its folder of modules."""
    offline = ["--offline"] if args.get("tarballs") else []
    ran = _run(site, stage, args, ["install", "-g", "--prefix", f"{stage}/p", "--no-audit", "--no-fund", *offline, *files])
    if ran.code != 0:
        raise Refused(f"npm did not install Claude Code {wanted}: {_reason(ran)}")
    return f"{stage}/p/lib/node_modules"


def program(site: Site, name: str, args: Mapping[str, JSON]) -> str:
    """npm or node: of the prefix that is changed (nvm and its like), else in this machine's PATH."""
    prefix = args.get("prefix")
    found = site.find(name, (f"{prefix}/bin",) if isinstance(prefix, str) else ())
    if found is None:
        raise Refused(f"{name} is needed and is in no folder of PATH that others cannot write; install Node.js for the machine and run again")
    return found


def _packed(site: Site, stage: str, args: Mapping[str, JSON], wanted: list[str]) -> None:
    ran = _run(site, stage, args, ["pack", *wanted, "--pack-destination", f"{stage}/tgz"])
    if ran.code != 0:
        raise Refused(f"npm did not get {' and '.join(wanted)}: {_reason(ran)}")


def _run(site: Site, stage: str, args: Mapping[str, JSON], words: list[str]) -> Ran:
    """npm, with the node that was found for it before all others, and nothing kept outside of ``stage``."""
    from ..program import path  # with what it imports, which a preview need not

    npm, node = program(site, "npm", args), program(site, "node", args)
    # What an .npmrc may say beside registries and logins does not count.
    own = ["--no-dry-run", "--no-json", "--no-package-lock-only", "--no-engine-strict", "--include=optional", "--install-strategy=hoisted", "--umask=0022"]
    options = [*own, "--cache", f"{stage}/cache", "--loglevel=error", "--no-update-notifier", "--ignore-scripts", "--fetch-retries=2", "--fetch-retry-mintimeout=500", "--fetch-retry-maxtimeout=4000"]
    if args.get("registry") is not None:
        registry = _args.text(args, "registry")
        if not re.match(r"https?://[^\s/]", registry):
            raise Refused("the plan's registry is no address (https://…); plan again with --registry")
        options += ["--registry", registry, f"--@anthropic-ai:registry={registry}"]  # an .npmrc may name another for the scope
    return site.run([npm, *words, *options], SECONDS, {"PATH": f"{os.path.dirname(node)}:{path()}"}, cwd=stage)


def _reason(ran: Ran) -> str:
    if ran.code is None:
        return f"it did not end within {SECONDS / 60:.0f} minutes; run again, or give --tarballs DIR"
    codes = re.findall(r"(?m)^npm (?:error|ERR!) code ([A-Z0-9_]{2,60})\s*$", ran.out)
    code = next((one for one in codes if one in _TOLD or one in _UNREACHABLE), codes[0] if codes else "")
    if code in _TOLD:
        return _TOLD[code]
    if code in _UNREACHABLE:
        return f"the registry cannot be reached ({code}){_WAYS}"
    return f"it ended with {ran.code}{f' ({code})' if code else ''}; what `npm pack` of it says there tells more"
