"""How a copy is brought to another version, in the words of what installed it."""

from __future__ import annotations

import pytest

from cc_fleet.checks import _install
from cc_fleet.client import views
from cc_fleet.model import Coverage, Install, Place, Target
from cc_fleet.versions import published

NPM = "/node_modules/@anthropic-ai/claude-code/package.json"
NEWEST = published().newest


def copy(method: str, file: str = f"/home/ada/x/lib{NPM}", user: str | None = "ada", **more: bool) -> Install:
    return Install("cli", "2.1.19", method, Place(file), None, user, more.get("intact", True))


@pytest.mark.parametrize(
    ("install", "who", "command"),
    [
        (copy("npm"), "you", "npm install -g --prefix /home/ada/x @anthropic-ai/claude-code@{}"),
        (copy("npm", f"/usr/local/lib{NPM}", None), "admin", "npm install -g --prefix /usr/local @anthropic-ai/claude-code@{}"),
        (copy("npm", f"C:/Users/ada/AppData/Roaming/npm{NPM}"), "you", "npm install -g --prefix 'C:/Users/ada/AppData/Roaming/npm' @anthropic-ai/claude-code@{}"),
        (copy("npm (nvm)", f"/home/ada/.nvm/versions/node/v22.1.0/lib{NPM}"), "you", "npm install -g --prefix /home/ada/.nvm/versions/node/v22.1.0 @anthropic-ai/claude-code@{}"),
        (copy("npm-local", f"/home/ada/.claude/local{NPM}"), "you", "npm install --prefix /home/ada/.claude/local @anthropic-ai/claude-code@{}"),
        (copy("npm-project", f"/home/ada/shop{NPM}"), "you", "npm install --prefix /home/ada/shop @anthropic-ai/claude-code@{}"),
        (copy("volta"), "you", "volta install @anthropic-ai/claude-code@{}"),
        (copy("pnpm"), "you", "pnpm add -g @anthropic-ai/claude-code@{}"),
        (copy("yarn"), "you", "yarn global add @anthropic-ai/claude-code@{}"),
        (copy("bun"), "you", "bun add -g @anthropic-ai/claude-code@{}"),
        (copy("mise"), "you", "mise use -g npm:@anthropic-ai/claude-code@{}"),
        (copy("mise", "/home/ada/.local/share/mise/installs/claude/2.1.19/claude"), "you", "mise use -g claude@{}"),
        (copy("native"), "you", "claude install {}"),
        (copy("native", intact=False), "you", "curl -fsSL https://claude.ai/install.sh | bash -s {}"),
        (copy("homebrew", "/opt/homebrew/Caskroom/claude-code@latest/2.1.19/claude", None), "admin", "brew upgrade --cask claude-code@latest"),
        (copy("apt", "/usr/bin/claude", None), "admin", "apt-get install claude-code={}"),
        (copy("rpm", "/usr/bin/claude", None), "admin", "dnf install claude-code-{}"),
        (copy("apk", "/usr/bin/claude", None), "admin", "apk add claude-code={}-r0"),
        (copy("winget"), "you", "winget install --id Anthropic.ClaudeCode --version {}"),
    ],
    ids=lambda value: getattr(value, "method", None),
)
def test_each_way_to_install_has_its_command(install: Install, who: str, command: str) -> None:
    fix = _install.cli(install, NEWEST)
    assert fix is not None
    assert (fix.who, fix.command) == (who, command.format(NEWEST))


def test_a_cask_has_no_old_version() -> None:
    fix = _install.cli(copy("homebrew", "/opt/homebrew/Caskroom/claude-code/2.1.19/claude", None), "2.1.153")
    assert fix is not None
    assert fix.command is None
    assert fix.summary.startswith("install 2.1.153 in another way, for a cask has its newest version only (goes without Opus 4.8")


def machine(*installs: Install) -> Target:
    return Target("machine", "m", "linux", "2026-01-01T00:00:00Z", "x", Coverage(False, ("ada", "bob"), ("/home/ada", "/home/bob"), 1), installs=installs)


def test_who_has_no_other_copy_may_run_what_a_shells_hook_would_find() -> None:
    """nvm puts its folder into PATH when a shell starts; that nothing tells it is no reason to judge nothing."""
    nvm = copy("npm (nvm)")
    assert [(view.user, view.version) for view in views(machine(nvm))] == [("ada", "2.1.19")]
    other = nvm._replace(version="2.1.330", active_for=("ada",))
    assert [(view.user, view.version) for view in views(machine(nvm, other))] == [("ada", "2.1.330")]
    for left_out in (nvm._replace(user=None), nvm._replace(intact=False), nvm._replace(bundled_in="x"), nvm._replace(product="jetbrains.claude-code"), nvm._replace(active_for=())):
        assert list(views(machine(left_out))) == []


@pytest.mark.parametrize(
    ("install", "who", "command"),
    [
        (copy("npm (nvm)", f"/home/ada/my node/lib{NPM}"), "you", "npm uninstall -g --prefix '/home/ada/my node' @anthropic-ai/claude-code"),
        (copy("npm-local", f"/home/ada/.claude/local{NPM}"), "you", "rm -r /home/ada/.claude/local"),
        (copy("npm-local", f"C:/Users/O'Hara B/.claude/local{NPM}"), "you", "Remove-Item -Recurse -LiteralPath 'C:/Users/O''Hara B/.claude/local'"),
        (copy("native", "/home/ada/.local/share/claude/versions/2.1.19"), "you", "rm -r /home/ada/.local/bin/claude /home/ada/.local/share/claude"),
        (copy("native", "/opt/share/claude/versions/2.1.19", None), "admin", "rm -r /opt/share/claude/versions/2.1.19"),
        (
            copy("native", "C:/Users/ada/.local/share/claude/versions/2.1.19"), "you",
            "Remove-Item -Recurse -LiteralPath 'C:/Users/ada/.local/bin/claude.exe', 'C:/Users/ada/.local/share/claude'",
        ),
        (copy("mise"), "you", "mise uninstall npm:@anthropic-ai/claude-code@2.1.19"),
        (copy("mise", "/home/ada/.local/share/mise/installs/claude/2.1.19/claude")._replace(version="2; reboot"), "you", "mise uninstall claude@'2; reboot'"),
        (copy("homebrew", "/opt/homebrew/Caskroom/claude-code@latest/2.1.19/claude", None), "admin", "brew uninstall --cask claude-code@latest"),
        (copy("apt", "/usr/bin/claude", None), "admin", "apt-get remove claude-code"),
    ],
    ids=lambda value: getattr(value, "method", None),
)  # fmt: skip
def test_each_way_to_install_has_its_removal(install: Install, who: str, command: str) -> None:
    fix = _install.removal(install)
    assert fix is not None
    assert (fix.who, fix.command) == (who, command)


def test_a_copy_of_another_program_is_that_programs() -> None:
    desktop = copy("desktop")._replace(bundled_in="Claude Desktop")
    assert _install.removal(desktop) is None
    fix = _install.cli(desktop, NEWEST)
    assert fix is not None
    assert (fix.summary, fix.command) == ("update Claude Desktop, which keeps this copy for itself", None)


def test_what_is_broken_on_windows_is_installed_by_its_own_script() -> None:
    fix = _install.cli(copy("native", "C:/Users/ada/.local/share/claude/versions/2.1.19", intact=False), NEWEST)
    assert fix is not None
    assert fix.command == f"irm https://claude.ai/install.ps1 | iex; claude install {NEWEST}"


@pytest.mark.parametrize(("path", "command"), [
    ("/home/ada/a b", "chmod go-rwx '/home/ada/a b'"),
    ("C:/Users/O'Hara/x", "icacls 'C:/Users/O''Hara/x' /inheritance:r /grant:r \"${env:USERNAME}:F\""),
])  # fmt: skip
def test_a_file_is_made_its_owners_alone(path: str, command: str) -> None:
    assert _install.private(path) == command
