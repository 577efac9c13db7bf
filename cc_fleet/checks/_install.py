"""How a copy is brought to another version, in the words of the way in which it was installed."""

from __future__ import annotations

import re

from cc_fleet.advisories import Remedy
from cc_fleet.client import EXTENSION
from cc_fleet.model import Fix, Install
from cc_fleet.policy import Policy
from cc_fleet.policy.allowed import best, refusal
from cc_fleet.versions import published

EDITORS = {
    "vscode": "code", "vscode-insiders": "code-insiders", "vscodium": "codium", "cursor": "cursor", "windsurf": "windsurf",
    "antigravity": "antigravity", "code-server": "code-server",
}  # fmt: skip


def copy(policy: Policy, install: Install) -> Fix | None:
    """How to bring this copy, of the CLI or of an extension, to the version that the policy would install."""
    make = cli if install.product == "cli" else extension
    return make(install, wanted(policy, install))


def wanted(policy: Policy, install: Install) -> str | None:
    """The version that the policy would install in place of this copy."""
    rule = policy.extensions.get(install.product) if install.product != "cli" else None
    return best(policy, install.product, rule.versions if rule else None, instead_of=install.version)


def cli(install: Install, version: str | None) -> Fix | None:
    """How to bring this copy of the CLI to ``version``."""
    if version is None:
        return None
    if install.method == "desktop":
        return Fix(who(install), "update Claude Desktop, which keeps this copy for itself")
    if install.method == "homebrew" and version != published().newest:
        return Fix(who(install), f"install {version} in another way, for a cask has its newest version only{cost(version)}")
    return Fix(who(install), f"install {version}{cost(version)}", _manager(install)[0].format(version=version, **_named(install)))


def removal(install: Install) -> Fix | None:
    """How to remove this copy of the CLI, and nothing beside it; None where it is part of another program."""
    path = install.place.file
    if install.bundled_in is not None:
        return None
    if install.method == "npm-local":
        command = deletion(path.partition("/node_modules/")[0])
    elif install.method == "native":
        home, stored, _ = path.partition("/.local/share/claude/versions/")
        program = f"{home}/.local/bin/claude{'.exe' if _on_windows(path) else ''}"
        command = deletion(program, f"{home}/.local/share/claude") if stored else deletion(path)
    else:
        command = _manager(install)[1].format(version=quoted(install.version), **_named(install))
    return Fix(who(install), "remove this copy", command)


def who(install: Install) -> str:
    """Who may change this copy."""
    return "you" if install.user and install.method not in ("apt", "rpm", "apk") else "admin"


_PACKAGE = "@anthropic-ai/claude-code"
# Of each manager what brings a copy to another version, and what removes it.
_MANAGERS = {
    "npm": (f"npm install -g --prefix {{prefix}} {_PACKAGE}@{{version}}", f"npm uninstall -g --prefix {{prefix}} {_PACKAGE}"),
    "npm-project": (f"npm install --prefix {{prefix}} {_PACKAGE}@{{version}}", f"npm uninstall --prefix {{prefix}} {_PACKAGE}"),
    "pnpm": (f"pnpm add -g {_PACKAGE}@{{version}}", f"pnpm remove -g {_PACKAGE}"),
    "bun": (f"bun add -g {_PACKAGE}@{{version}}", f"bun remove -g {_PACKAGE}"),
    "yarn": (f"yarn global add {_PACKAGE}@{{version}}", f"yarn global remove {_PACKAGE}"),
    "volta": (f"volta install {_PACKAGE}@{{version}}", f"volta uninstall {_PACKAGE}"),
    "mise": (f"mise use -g npm:{_PACKAGE}@{{version}}", f"mise uninstall npm:{_PACKAGE}@{{version}}"),
    "mise's claude": ("mise use -g claude@{version}", "mise uninstall claude@{version}"),
    "homebrew": ("brew upgrade --cask {cask}", "brew uninstall --cask {cask}"),
    "winget": ("winget install --id Anthropic.ClaudeCode --version {version}", "winget uninstall --id Anthropic.ClaudeCode"),
    "apt": ("apt-get install claude-code={version}", "apt-get remove claude-code"),
    "rpm": ("dnf install claude-code-{version}", "dnf remove claude-code"),
    "apk": ("apk add claude-code={version}-r0", "apk del claude-code"),
    "native": ("claude install {version}", ""),
    # One that is broken cannot install itself; the script for PowerShell is given no version.
    "broken": ("curl -fsSL https://claude.ai/install.sh | bash -s {version}", ""),
    "broken on Windows": ("irm https://claude.ai/install.ps1 | iex; claude install {version}", ""),
}


def _manager(install: Install) -> tuple[str, str]:
    path, method = install.place.file, install.method
    if method == "native" and install.intact is False:
        method = "broken on Windows" if _on_windows(path) else "broken"
    elif method == "mise" and "/installs/claude/" in path:
        method = "mise's claude"
    elif method == "npm-local":
        method = "npm-project"
    return _MANAGERS.get(method, _MANAGERS["npm"])


def _named(install: Install) -> dict[str, str]:
    """What the commands name of a copy."""
    prefix = install.place.file.partition("/node_modules/@anthropic-ai/")[0].removesuffix("/lib")
    return {"prefix": quoted(prefix), "cask": quoted(cask(install))}


def cask(install: Install) -> str:
    """Homebrew's cask that put this copy there: ``claude-code`` follows stable, ``claude-code@latest`` latest."""
    return install.place.file.partition("/Caskroom/")[2].partition("/")[0] or "claude-code"


def extension(install: Install, version: str | None) -> Fix | None:
    """How to bring this editor's extension to ``version``."""
    if version is None:
        return None
    editor = EDITORS.get(install.method)
    command = f"{editor} --install-extension {install.product}@{version} --force" if editor else None
    told = cost(version) if install.product == EXTENSION else ""
    return Fix("you", f"install {install.product} {version}{told}", command)


def refused(policy: Policy, product: str, version: str) -> str | None:
    """Why the policy refuses this version of an extension, as the end of a sentence; the Claude Code that it brings is judged too."""
    rule = policy.extensions.get(product)
    allowed = rule.versions if rule else None
    why = refusal(policy, product, version, allowed)
    if why is None and product == EXTENSION:
        why = refusal(policy, "cli", version, None if allowed else policy.cli.versions)
    return why


def kept(policy: Policy, install: Install) -> Fix | None:
    """How to pin this extension: at its version, or at the policy's where that is refused."""
    return extension(install, install.version) if refused(policy, install.product, install.version) is None else copy(policy, install)


def cost(version: str | None) -> str:
    """What staying at ``version`` goes without, in brackets to put after it; empty where that is nothing."""
    if version is None or version == published().newest:
        return ""
    from cc_fleet.milestones import clause  # where nothing old is recommended, its data is not read

    told = clause(version)
    return f" ({told})" if told else ""


def remedy(known: Remedy) -> Fix:
    """An advisory's remedy as it stands, with the cost of the version that its command pins."""
    if known.command is None or "claude" not in known.command:
        return Fix(known.who, known.text, known.command)
    from cc_fleet.milestones import pinned_by

    return Fix(known.who, f"{known.text}{cost(pinned_by(known.command))}", known.command)


def deletion(*paths: str) -> str:
    """The command that deletes these files and folders, for the shell of the system that they are of."""
    named = list(map(quoted, paths))
    return f"Remove-Item -Recurse -LiteralPath {', '.join(named)}" if _on_windows(paths[0]) else f"rm -r {' '.join(named)}"


def private(path: str) -> str:
    """The command after which nobody but its owner reads a file."""
    if _on_windows(path):
        return f'icacls {quoted(path)} /inheritance:r /grant:r "${{env:USERNAME}}:F"'
    return f"chmod go-rwx {quoted(path)}"


def run_in(folder: str, command: str) -> str:
    """``command`` in ``folder``."""
    return f"cd {quoted(folder)}{';' if _on_windows(folder) else ' &&'} {command}"


def quoted(path: str) -> str:
    """``path`` as a shell takes it: PowerShell one that begins with a drive, ``sh`` any other."""
    if _on_windows(path):
        return "'" + path.replace("'", "''") + "'"
    if re.fullmatch(r"[\w./+@-]+", path, re.ASCII):
        return path
    import shlex

    return shlex.quote(path)


def _on_windows(path: str) -> bool:
    return path[1:3] == ":/"
