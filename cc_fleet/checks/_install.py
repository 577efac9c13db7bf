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
    who, summary = "you" if install.user else "admin", f"install {version}{cost(version)}"
    if install.method == "homebrew" and version != published().newest:
        return Fix(who, f"install {version} in another way, for a cask has its newest version only{cost(version)}")
    return Fix("admin" if install.method in _PACKAGES else who, summary, _command(install, version))


# Where a copy comes from a package manager, what brings it to another version.
_COMMANDS = {
    "volta": "volta install @anthropic-ai/claude-code@{}", "pnpm": "pnpm add -g @anthropic-ai/claude-code@{}", "bun": "bun add -g @anthropic-ai/claude-code@{}",
    "yarn": "yarn global add @anthropic-ai/claude-code@{}", "mise": "mise use -g npm:@anthropic-ai/claude-code@{}", "apt": "apt-get install claude-code={}",
    "rpm": "dnf install claude-code-{}", "apk": "apk add claude-code={}-r0", "winget": "winget install --id Anthropic.ClaudeCode --version {}",
    "native": "claude install {}",
}  # fmt: skip
_PACKAGES = frozenset(("apt", "rpm", "apk"))


def _command(install: Install, version: str) -> str:
    folder = install.place.file.partition("/node_modules/@anthropic-ai/")[0]
    if install.method == "native" and install.intact is False:  # the broken one cannot install itself
        return f"curl -fsSL https://claude.ai/install.sh | bash -s {version}"
    if install.method == "homebrew":
        cask = install.place.file.partition("/Caskroom/")[2].partition("/")[0] or "claude-code"
        return f"brew upgrade --cask {quoted(cask)}"
    if install.method == "mise" and "/installs/claude/" in install.place.file:
        return f"mise use -g claude@{version}"
    if install.method in _COMMANDS:
        return _COMMANDS[install.method].format(version)
    everywhere = "" if install.method in ("npm-local", "npm-project") else " -g"
    return f"npm install{everywhere} --prefix {quoted(folder.removesuffix('/lib'))} @anthropic-ai/claude-code@{version}"


def extension(install: Install, version: str | None) -> Fix | None:
    """How to bring this editor's extension to ``version``."""
    if version is None:
        return None
    editor = EDITORS.get(install.method)
    command = f"{editor} --install-extension {install.product}@{version} --force" if editor else None
    told = cost(version) if install.product == EXTENSION else ""
    return Fix("you", f"install {install.product} {version}{told}", command)


def refused(policy: Policy, install: Install) -> str | None:
    """Why the policy refuses this extension's version, as the end of a sentence; the Claude Code that it brings is judged too."""
    rule = policy.extensions.get(install.product)
    allowed = rule.versions if rule else None
    why = refusal(policy, install.product, install.version, allowed)
    if why is None and install.product == EXTENSION:
        why = refusal(policy, "cli", install.version, None if allowed else policy.cli.versions)
    return why


def kept(policy: Policy, install: Install) -> Fix | None:
    """How to pin this extension: at its version, or at the policy's where that is refused."""
    return extension(install, install.version) if refused(policy, install) is None else copy(policy, install)


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


def quoted(path: str) -> str:
    """``path`` as a shell takes it."""
    if re.fullmatch(r"[\w./+@-]+", path, re.ASCII):
        return path
    import shlex

    return shlex.quote(path)
