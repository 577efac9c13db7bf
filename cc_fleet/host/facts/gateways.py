"""Gateway software on this machine: LiteLLM and others as Python or npm packages, containers and services.

A gateway found so is a ``Gateway`` without a URL: where it listens is not known.  A Python
package is told by its ``dist-info`` folder, a container by its image's tag; an image pinned by
a digest says no version.  Folders are listed, once each and only where the folder above has
them, so that a machine without gateways costs a few listings.  Without root, what root alone
may list is no gap: nothing there says that it holds a gateway.
"""

from __future__ import annotations

import json
import re
from typing import Any, Iterator, Optional

from ...model import Gap, Gateway, Place
from ..machine import Machine
from ..text import Text, read_text
from ..tree import Missing, Unreadable

_MOST = 500  # entries that one ``*`` stands for
_FOLDERS = 5000  # that are listed in one run
_PYTHON = "lib/python3*/*-packages"
# Where Python packages are: of the system, of virtual environments, pipx, uv and conda.
_UNIX = (
    f"/opt/*/{_PYTHON}", f"/opt/*/*venv*/{_PYTHON}", f"~/*venv*/{_PYTHON}", f"~/*litellm*/{_PYTHON}", f"~/*litellm*/*venv*/{_PYTHON}",
    f"~/.local/{_PYTHON}", f"~/.local/share/pipx/venvs/*/{_PYTHON}", f"~/.local/pipx/venvs/*/{_PYTHON}", f"~/.local/share/uv/tools/*/{_PYTHON}",
    f"~/.pyenv/versions/*/{_PYTHON}", f"~/*conda3/{_PYTHON}", f"~/*conda3/envs/*/{_PYTHON}", f"~/miniforge3/{_PYTHON}", f"~/miniforge3/envs/*/{_PYTHON}",
)  # fmt: skip
_SITES = {
    "linux": (f"/usr/{_PYTHON}", f"/usr/local/{_PYTHON}", *_UNIX),
    "macos": (
        f"/usr/local/{_PYTHON}", f"/opt/homebrew/{_PYTHON}", f"/Library/Frameworks/Python.framework/Versions/3*/{_PYTHON}", *_UNIX,
        "~/Library/Python/3*/lib/python/site-packages", f"~/Library/Application Support/pipx/venvs/*/{_PYTHON}",
    ),
    "windows": (
        "C:/Python3*/Lib/site-packages", "C:/Program Files/Python3*/Lib/site-packages", "~/*venv*/Lib/site-packages", "~/*litellm*/*venv*/Lib/site-packages",
        "~/AppData/Roaming/Python/Python3*/site-packages", "~/AppData/Local/Programs/Python/Python3*/Lib/site-packages",
        "~/AppData/Roaming/uv/tools/*/Lib/site-packages", "~/pipx/venvs/*/Lib/site-packages", "~/AppData/Local/pipx/*/Lib/site-packages",
        "~/*conda3/Lib/site-packages", "~/*conda3/envs/*/Lib/site-packages",
    ),
}  # fmt: skip
_MODULES = {
    "linux": ("/usr/local/lib/node_modules", "/usr/lib/node_modules", "~/.npm-global/lib/node_modules", "~/.local/lib/node_modules", "~/.nvm/versions/node/*/lib/node_modules"),
    "macos": ("/usr/local/lib/node_modules", "/opt/homebrew/lib/node_modules", "~/.npm-global/lib/node_modules", "~/.nvm/versions/node/*/lib/node_modules"),
    "windows": ("~/AppData/Roaming/npm/node_modules",),
}  # fmt: skip
_CONTAINERS = (
    "/var/lib/docker/containers/*/config.v2.json", "/var/lib/containers/storage/overlay-containers/containers.json",
    "~/.local/share/docker/containers/*/config.v2.json", "~/.local/share/containers/storage/overlay-containers/containers.json",
)  # fmt: skip
_UNITS = (
    "/etc/containers/systemd/*.container", "/etc/systemd/system/*.service",
    "~/.config/containers/systemd/*.container", "~/.config/systemd/user/*.service",
)  # fmt: skip
_NPM = {"@musistudio/claude-code-router": "ccr", "@portkey-ai/gateway": "portkey"}
_NAMES = ("litellm", "claude-code-router", "portkey", "flexgate", "ccgw")
_KINDS = {"claude-code-router": "ccr", "portkeyai/gateway": "portkey"}
# Texts, not compiled: a machine without gateways needs none of them.
_DIST = r"(litellm|flexgate|ccgw)-([^-]{1,60})\.dist-info"
_VERSION = r"\d{1,9}(\.\d{1,9}){1,3}((a|b|rc|\.post|\.dev)\d{1,9})?"
_IMAGE = r"(?:[\w.:-]{1,255}/){0,5}(litellm[\w.-]{0,60}|claude-code-router|portkeyai/gateway|flexgate|ccgw)(?::([\w.-]{1,128}))?(@sha256:.{0,100})?"
_TAG = r"(?:^|[_-])v?(\d{1,9}\.\d{1,9}\.\d{1,9})(?!\d)(?:[.-]?(rc|a|b)\.?(\d{1,9}))?"
_PROGRAM = r"(/[^*]{1,500})/bin/(?:litellm|python[\d.]*|flexgate|ccgw)"
_PREFIX = r"(?m)^[ \t]*prefix[ \t]*=[ \t]*(\S{1,1000})[ \t\r]*$"


def _wanted() -> Iterator[str]:
    """Every pattern, and the folders above it that are listed on the way."""
    patterns = {*_CONTAINERS, *_UNITS, *(p for group in (*_SITES.values(), *_MODULES.values()) for p in group)}
    for pattern in patterns:
        parts = pattern.replace("C:", "*").split("/")
        yield from ("/".join(parts[:end]) for end in range(1 if parts[0] else 2, len(parts) + 1))


WANTS = (*sorted(set(_wanted())), "~/.npmrc", "*/lib/node_modules", *(f"*/node_modules/{name}" for name in ("@musistudio", "@portkey-ai")),
         *(f"*/node_modules/{name}/package.json" for name in _NPM), "*/site-packages")  # fmt: skip


def read(machine: Machine) -> Iterator[Any]:
    finder = _Finder(machine)
    found: list[Gateway] = []
    for pattern in _CONTAINERS:
        for path in finder.find(pattern):
            found += finder.container(path)
    sites = {path: None for pattern in _SITES[machine.os] for path in finder.find(pattern)}
    for pattern in _UNITS:
        for path in finder.find(pattern):
            found += finder.unit(path, sites)
    for folder in sites:
        found += _packages(finder, folder)
    for folder in dict.fromkeys(finder.modules()):
        found += finder.npm(folder)
    told = {gateway.kind for gateway in found if gateway.version}
    # A service that does not say which version it starts is told only where nothing else says it.
    yield from (g for g in dict.fromkeys(found) if g.version or g.kind not in told or not g.place.file.endswith(".service"))
    yield from dict.fromkeys(finder.gaps)


class _Finder:
    """What finds and reads on one machine: every folder is listed once, every gap told once."""

    def __init__(self, machine: Machine) -> None:
        self.machine, self.gaps = machine, list[Gap]()
        self._listed: dict[str, dict[str, str]] = {}
        self._left = 8 * 1024 * 1024
        self._homes = {user.home for user in machine.users}

    def find(self, pattern: str) -> Iterator[str]:
        """The paths that ``pattern`` names and that are there; ``~`` is every home."""
        if pattern.startswith("~/"):
            for user in self.machine.users:
                yield from self._walk(user.home, pattern[2:].split("/"))
        else:
            literal = pattern.partition("*")[0].rpartition("/")[0] or pattern.rpartition("/")[0]
            yield from self._walk(literal, pattern[len(literal) + 1 :].split("/"))

    def _walk(self, folder: str, parts: list[str]) -> Iterator[str]:
        names = self.names(folder)
        if "*" in parts[0]:
            begin, *middle, end = parts[0].lower().split("*")
            fitting = [n for low, n in names.items() if low.startswith(begin) and low.endswith(end) and all(m in low for m in middle)]
            if len(fitting) > _MOST:
                self.gap(f"holds more than {_MOST} entries, and what follows was not read", folder)
        else:
            fitting = [names[parts[0].lower()]] if parts[0].lower() in names else []
        for name in fitting[:_MOST]:
            if parts[1:]:
                yield from self._walk(f"{folder}/{name}", parts[1:])
            else:
                yield f"{folder}/{name}"

    def names(self, folder: str) -> dict[str, str]:
        """The names in a folder by their small letters; none where it is missing or cannot be listed."""
        if folder not in self._listed:
            if len(self._listed) >= _FOLDERS:
                return {}
            self._listed[folder] = {}
            if len(self._listed) == _FOLDERS:
                self.gap(f"more than {_FOLDERS} folders may hold gateways, and the others were not read", folder)
            if len(self._listed) < _FOLDERS:
                self._listed[folder] = {name.lower(): name for name in self._names(folder)}
        return self._listed[folder]

    def _names(self, folder: str) -> list[str]:
        try:
            return self.machine.tree.names(f"{folder}/" if folder == "C:" else folder)
        except Missing:
            return []
        except Unreadable as err:
            if str(err) != "is not a folder" and (self.machine.privileged or any(folder == h or folder.startswith(f"{h}/") for h in self._homes)):
                self.gap(str(err), folder)
            return []

    def gap(self, reason: str, path: str) -> None:
        self.gaps.append(Gap(reason, Place(path)))

    def text(self, path: str) -> str:
        """What stands in a file that is there, up to a MiB."""
        found = read_text(self.machine.tree, path, 1024 * 1024) if self._left > 0 else Gap("was not read: such files hold more than 8 MiB", Place(path))
        if isinstance(found, Gap):
            self.gaps.append(found)
        self._left -= found.size if isinstance(found, Text) else 0
        return found.text if isinstance(found, Text) else ""

    def container(self, path: str) -> Iterator[Gateway]:
        """The gateways among docker's or podman's containers that a file describes."""
        text = self.text(path)
        if not _named(text):
            return
        try:
            document = json.loads(text)
            if path.endswith("/containers.json"):
                images = [json.loads(one.get("metadata") or "{}").get("image-name") for one in document]
            else:
                images = [document["Config"]["Image"]]
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            self.gap("is not what a container engine writes", path)
            return
        yield from (found for image in images if (found := _from_image(image, Place(path))))

    def unit(self, path: str, sites: dict[str, None]) -> Iterator[Gateway]:
        """The gateway that a service or a quadlet starts; the Python packages of what it starts join ``sites``."""
        name = path.rpartition("/")[2]
        kind = _named(name)
        if name.endswith(".service") and not kind:
            return
        for number, line in enumerate(self.text(path).splitlines(), 1):
            key, _, value = line.strip().partition("=")
            words = value.split()[:100] if key.strip() in ("Image", "ExecStart") else []
            for word in (word.strip("\"'") for word in words):
                if program := re.fullmatch(_PROGRAM, word):
                    sites.update(dict.fromkeys(self.find(f"{program[1]}/{_PYTHON}")))
                    if kind:
                        yield Gateway("", _KINDS.get(kind, kind), None, Place(path, number))
                elif ("/" in word or key.strip() == "Image") and (found := _from_image(word, Place(path, number))):
                    yield found

    def modules(self) -> Iterator[str]:
        """The folders of npm's global packages: of the system, of homes, and beside every folder of a PATH."""
        for pattern in _MODULES[self.machine.os]:
            yield from self.find(pattern)
        for user in self.machine.users:
            session = self.machine.session(user)
            prefixes = [folder[:-4] for folder in session.path if folder.startswith("/") and folder.endswith("/bin")]
            prefixes += [session.prefix] if session.prefix else []
            if ".npmrc" in self.names(user.home) and (found := re.search(_PREFIX, self.text(f"{user.home}/.npmrc"))):
                prefixes.append(re.sub(r"^(~|\$\{?HOME\}?)(?=/)", lambda _, home=user.home: home, found[1]))
            yield from (f"{prefix.rstrip('/')}/lib/node_modules" for prefix in prefixes)

    def npm(self, folder: str) -> Iterator[Gateway]:
        """The gateways among npm's global packages."""
        for package, kind in _NPM.items():
            scope, _, name = package.partition("/")
            if scope in self.names(folder) and name in self.names(f"{folder}/{scope}"):
                path = f"{folder}/{package}/package.json"
                found = re.search(r'"version"\s*:\s*"([^"]{1,60})"', self.text(path))
                yield Gateway("", kind, _known(found[1]) if found else None, Place(path))


def _packages(finder: _Finder, folder: str) -> Iterator[Gateway]:
    for low, name in finder.names(folder).items():
        if low.startswith(("litellm-", "flexgate-", "ccgw-")) and (found := re.fullmatch(_DIST, low)):
            yield Gateway("", found[1], _known(found[2]), Place(f"{folder}/{name}"))


def _named(text: str) -> Optional[str]:
    """The first known gateway whose name is in ``text``."""
    return next((name for name in _NAMES if name in text), None)


def _known(version: str) -> Optional[str]:
    """A version as it may be shown; what is written otherwise is none."""
    return version if re.fullmatch(_VERSION, version) else None


def _from_image(image: Any, place: Place) -> Optional[Gateway]:
    """The gateway that a container of ``image`` is, if it is one.  Beside a digest the tag says nothing."""
    found = re.fullmatch(_IMAGE, image) if isinstance(image, str) else None
    if found is None:
        return None
    version = None if found[3] else re.search(_TAG, found[2] or "")
    kind = "litellm" if found[1].startswith("litellm") else _KINDS.get(found[1], found[1])
    return Gateway("", kind, f"{version[1]}{version[2] or ''}{version[3] or ''}" if version else None, place)
