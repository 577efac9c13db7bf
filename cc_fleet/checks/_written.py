"""What a person writes in a repository to get another version, or a variable: words to paste."""

from __future__ import annotations

import re

from cc_fleet.checks import _install
from cc_fleet.client import EXTENSION, View, declared
from cc_fleet.model import Declared, Fix, Place

_PACKAGE = "@anthropic-ai/claude-code"
# What asks for a version, by what installs; the words of others are those of npm's package.
_WORDS = {
    "apt": "claude-code={version}", "apt-get": "claude-code={version}", "apk": "claude-code={version}-r0",
    **dict.fromkeys(("dnf", "yum", "microdnf", "zypper", "rpm"), "claude-code-{version}"),
    **dict.fromkeys(("winget", "choco"), "--version {version}"), "scoop": "claude-code@{version}",
}  # fmt: skip
_CASK = frozenset(("brew", "homebrew", "nix"))
# The command that renews a lock, by its file.
_LOCKS = {
    "package-lock.json": "npm install --save-exact {package}@{version}", "npm-shrinkwrap.json": "npm install --save-exact {package}@{version}",
    "pnpm-lock.yaml": "pnpm add --save-exact {package}@{version}", "yarn.lock": "yarn add --exact {package}@{version}",
    "bun.lock": "bun add --exact {package}@{version}", "uv.lock": "uv lock --upgrade-package {package}=={version}",
    "poetry.lock": "poetry add {package}=={version}",
}  # fmt: skip


def fix(asked: Declared, version: str | None) -> Fix | None:
    """How ``asked`` is brought to this version."""
    if version is None:
        return None
    told = _install.cost(version) if asked.product in ("cli", EXTENSION) else ""
    if asked.resolved is not None and asked.lock is not None:
        return Fix("you", f"write {_words(asked, version)} and renew {asked.lock.file}{told}", _renewed(asked, asked.lock, version))
    if asked.installer in _CASK and asked.spec is None:
        return Fix("you", f"install it in a way that takes a version{told}", f"npm install -g {_PACKAGE}@{version}")
    return Fix("you", f"write {_words(asked, version)}{told}")


def brought(view: View, version: str) -> Fix | None:
    """How the copy of ``view`` is brought to this version where a repository asks for it."""
    here = (asked for asked in view.target.declared if view.install is not None and asked.product == "cli" and asked.place == view.install.place)
    return next((fix(asked, version) for asked in here), None)


def _words(asked: Declared, version: str) -> str:
    shown, spec = asked.place.text or "", asked.spec
    if asked.used is not None:
        return version
    if spec and shown.count(spec) == 1:
        return shown.replace(spec, _replaced(asked, spec, version))
    if asked.product != "cli":
        return _of_another(asked, shown, version)
    if asked.installer == "native":
        return f"claude install {version}" if "install.sh" not in shown else f"`| bash -s {version}` behind it"
    if asked.installer == "image" and shown:
        return f"{shown}:{version}"
    if asked.installer in ("mise", "rtx", "asdf", "proto") and re.fullmatch(r"[\w:@/-]{1,60}", shown):
        return f"{shown} {version}" if asked.installer == "asdf" else f"{shown}@{version}"
    return _WORDS.get(asked.installer, f"{_PACKAGE}@{{version}}").format(version=version)


def _replaced(asked: Declared, spec: str, version: str) -> str:
    """The version in the words in which ``spec`` has one: ``main-v1.82.7-stable``, ``>=1.80``."""
    one = declared.version(asked._replace(resolved=None))
    if one is not None and one in spec:
        return spec.replace(one, version)
    return f"=={version}" if asked.scheme == "pep440" else version


def _of_another(asked: Declared, shown: str, version: str) -> str:
    if asked.installer == "image" and shown:
        return f"{shown.partition(':')[0]}:v{version}"
    if asked.scheme == "pep440" or asked.installer == "pip":
        return f"{shown or asked.product}=={version}"
    return f"{asked.product}@{version}"


def _renewed(asked: Declared, lock: Place, version: str) -> str | None:
    folder, _, name = lock.file.rpartition("/")
    package = _PACKAGE if asked.product == "cli" else asked.product
    command = _LOCKS.get(name, "").format(package=package, version=version)
    return (_install.run_in(folder, command) if folder else command) or None


def variable(view: View, name: str, value: str) -> str:
    """How the image or job of ``view`` is given a variable that it has not."""
    job = view.job
    file = job.place.file if job else view.user
    if job is not None and job.kind == "image":
        return f"add `ENV {name}={value}` to {file}"
    if job is not None and job.kind == "devcontainer":
        return f'add "{name}": "{value}" to "containerEnv" in {file}'
    if job is not None and ".github/" in f"/{file}":
        return f'add `{name}: "{value}"` to the job\'s `env:` in {file}'
    if job is not None and "gitlab-ci" in file:
        return f'add `{name}: "{value}"` to the job\'s `variables:` in {file}'
    return f"set {name}={value} for what runs Claude Code in {file}"
