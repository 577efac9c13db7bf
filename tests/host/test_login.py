"""The environment that a session starts with: which files, in which order, and what they come to."""

from __future__ import annotations

from pathlib import Path
from typing import Mapping

import pytest

from cc_fleet.host import facts, login, origin
from cc_fleet.host.machine import Machine, Session, User
from cc_fleet.host.system import under
from cc_fleet.host.tree import Disk
from cc_fleet.model import REDACTED, Variable
from tests.case import write
from tests.host.test_shell import within

NAME = "CLAUDE_CODE_MAX_OUTPUT_TOKENS"
GLOBAL = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def system(root: Path, files: Mapping[str, str], shell: str = "bash") -> Machine:
    (root / "home/ada").mkdir(parents=True, exist_ok=True)
    for path, text in files.items():
        write(root, path, text)
    user = User("ada", "/home/ada", shell)
    return Machine(Disk(str(root)), "filesystem", "x", "linux", (user,), False)


def session(root: Path, files: Mapping[str, str], shell: str = "bash") -> Session:
    machine = system(root, files, shell)
    return login.Reader(machine).session(machine.users[0])


def shown(found: Session) -> list[tuple[str, str | None, str]]:
    return [(variable.name, variable.value, str(variable.place)) for variable in found.variables]


EVERYWHERE = [
    "/etc/environment", "/etc/profile", "/etc/profile.d/b.sh", "/etc/profile.d/a.sh", "/etc/profile.d/c.txt", "/etc/bash.bashrc",
    "/etc/zsh/zshenv", "/etc/zsh/zprofile", "/etc/zsh/zshrc", "/home/ada/.zshenv", "/home/ada/.zprofile", "/home/ada/.zshrc", "/home/ada/.zlogin",
    "/home/ada/.bash_profile", "/home/ada/.bash_login", "/home/ada/.profile", "/home/ada/.bashrc",
    "/etc/fish/config.fish", "/etc/fish/conf.d/a.fish", "/home/ada/.config/fish/config.fish", "/home/ada/.config/fish/conf.d/x.fish",
]  # fmt: skip
READ = {
    "bash": "/etc/environment /etc/profile /etc/profile.d/a.sh /etc/profile.d/b.sh /etc/bash.bashrc ~/.bash_profile ~/.bashrc",
    "zsh": "/etc/environment /etc/zsh/zshenv ~/.zshenv /etc/zsh/zprofile ~/.zprofile /etc/zsh/zshrc ~/.zshrc ~/.zlogin",
    "fish": "/etc/environment /etc/fish/conf.d/a.fish ~/.config/fish/conf.d/x.fish /etc/fish/config.fish ~/.config/fish/config.fish",
    "sh": "/etc/environment /etc/profile /etc/profile.d/a.sh /etc/profile.d/b.sh ~/.profile",
    "nologin": "/etc/environment /etc/profile /etc/profile.d/a.sh /etc/profile.d/b.sh ~/.profile",
}


@pytest.mark.parametrize("shell", READ)
def test_each_shell_reads_its_files_in_its_order(tmp_path: Path, shell: str) -> None:
    files = {path: f"set -gx {NAME} 1\n" if path.endswith(".fish") else f"export {NAME}=1\n" for path in EVERYWHERE}
    found = session(tmp_path, files, shell)
    assert [variable.place.file.replace("/home/ada", "~") for variable in found.variables] == READ[shell].split()


def test_fish_reads_its_conf_d_before_its_config(tmp_path: Path) -> None:
    """Fish's documentation: every conf.d snippet is sourced before any config.fish, the system's one included."""
    files = {"/etc/fish/config.fish": f"set -gx {NAME} last", "/etc/fish/conf.d/a.fish": f"set -gx {NAME} first"}
    assert [variable.value for variable in session(tmp_path, files, "fish").variables] == ["first", "last"]


@pytest.mark.parametrize("there", [(".bash_profile", ".bash_login", ".profile"), (".bash_login", ".profile"), (".profile",)])
def test_bash_reads_the_first_of_its_login_files(tmp_path: Path, there: tuple[str, ...]) -> None:
    found = session(tmp_path, {f"/home/ada/{name}": f"export {NAME}={name}" for name in there})
    assert [variable.value for variable in found.variables] == [there[0]]


@pytest.mark.parametrize(
    "path, origin, user",
    [
        ("/etc/environment", "environment-file", None),
        ("/etc/profile", "profile", "ada"),
        ("/etc/bash.bashrc", "shell-rc", "ada"),
        ("/home/ada/.profile", "profile", "ada"),
        ("/home/ada/.bashrc", "shell-rc", "ada"),
    ],
)
def test_a_variable_tells_its_origin_and_whose_it_is(tmp_path: Path, path: str, origin: str, user: str | None) -> None:
    (found,) = session(tmp_path, {path: f"\n  {'' if path.endswith('ment') else 'export '}{NAME}=7\n"}).variables
    assert (found.origin, found.user, found.value, found.place.line) == (origin, user, "7", 2)


@pytest.mark.parametrize(
    "line, value",
    [
        ("1", "1"),
        ("'1'", "1"),
        ('"1"', "1"),
        (" 1 \r", "1"),
        ("'1\"", "'1\""),
        ("'", "'"),
        ("$HOME", "$HOME"),
        ("", ""),
        ("1 # a comment, which pam_env drops", "1"),
    ],
)
def test_the_environment_file_is_read_as_pam_does(tmp_path: Path, line: str, value: str) -> None:
    text = f"# {NAME}=9\n{NAME}={line}\nnonsense\n"
    (found,) = session(tmp_path, {"/etc/environment": text}).variables
    assert (found.name, found.value) == (NAME, value)


def test_path_is_searched_in_the_order_that_the_files_make(tmp_path: Path) -> None:
    files = {
        "/etc/environment": 'PATH="/usr/bin:/bin::/usr/bin"',
        "/home/ada/.profile": 'if [ -d "$HOME/.local/bin" ] ; then\n    PATH="$HOME/.local/bin:$PATH"\nfi\n',
        "/home/ada/.bashrc": "export PATH=$PATH:/opt/x/bin",
    }
    assert session(tmp_path, files).path == ("/home/ada/.local/bin", "/usr/bin", "/bin", "/opt/x/bin")


def test_without_any_file_path_is_the_distributions(tmp_path: Path) -> None:
    found = session(tmp_path, {})
    assert (found.path, found.config, found.prefix, found.gaps) == (tuple(GLOBAL.split(":")), "/home/ada/.claude", None, ())


@pytest.mark.parametrize(
    "shell, file, text",
    [
        ("bash", "/home/ada/.bashrc", 'export CLAUDE_CONFIG_DIR="$HOME/cfg"'),
        ("zsh", "/home/ada/.zshenv", "export CLAUDE_CONFIG_DIR=~/cfg"),
        ("sh", "/etc/environment", "CLAUDE_CONFIG_DIR=/home/ada/cfg"),
        ("fish", "/home/ada/.config/fish/config.fish", "set -gx CLAUDE_CONFIG_DIR /home/ada/cfg"),
        ("bash", "/home/ada/.bashrc", 'CLAUDE_CONFIG_DIR="$HOME/cfg"; export CLAUDE_CONFIG_DIR'),
    ],
)
def test_a_moved_configuration_folder_is_followed(tmp_path: Path, shell: str, file: str, text: str) -> None:
    assert session(tmp_path, {file: text}, shell).config == "/home/ada/cfg"


@pytest.mark.parametrize("shell, file, text", [("fish", "/home/ada/.config/fish/config.fish", "set -gx PATH /opt/x/bin $PATH")])
def test_a_folder_that_fish_puts_into_path_is_searched(tmp_path: Path, shell: str, file: str, text: str) -> None:
    assert "/opt/x/bin" in session(tmp_path, {file: text}, shell).path


def test_a_folder_that_only_the_shell_knows_leaves_a_gap(tmp_path: Path) -> None:
    machine = system(tmp_path, {"/home/ada/.bashrc": "export CLAUDE_CONFIG_DIR=$(pwd)/cfg\n"})
    assert any("CLAUDE_CONFIG_DIR" in (gap.reason + str(gap.place.text)) or gap.place.file.endswith(".bashrc") for gap in facts.collect(machine).gaps)


def test_npms_prefix_is_taken_from_the_session(tmp_path: Path) -> None:
    assert session(tmp_path, {"/home/ada/.profile": "export NPM_CONFIG_PREFIX=~/.npm"}).prefix == "/home/ada/.npm"


@pytest.mark.parametrize(
    "text, want",
    [
        (f"set -gx {NAME} 1", [(NAME, "1")]),
        (f"set --global --export {NAME} '1'", [(NAME, "1")]),
        (f'set -x {NAME} "1" # x', [(NAME, "1")]),
        (f"set -Ux {NAME} 1; echo", [(NAME, "1")]),
        (f"set -g -x {NAME} 1", [(NAME, "1")]),
        (f"set -x -g {NAME} 1", [(NAME, "1")]),
        (f"set -gx {NAME}", [(NAME, "")]),
        (f"set -gx {NAME} $x", [(NAME, None)]),
        (f"set -gx {NAME} (id)", [(NAME, None)]),
        (f"if x\n  set -gx {NAME} 1\nend", [(NAME, None)]),
        (f"set -g {NAME} 1", []),
        (f"# set -gx {NAME} 1", []),
        (f"set -gx {NAME} 'a;b#c'", [(NAME, "a;b#c")]),
    ],
)
def test_what_fish_sets(tmp_path: Path, text: str, want: list[tuple[str, str | None]]) -> None:
    found = session(tmp_path, {"/home/ada/.config/fish/config.fish": text}, "fish")
    assert [(variable.name, variable.value) for variable in found.variables] == want


@pytest.mark.parametrize(
    "line, value, text",
    [
        (f"export {NAME}=5", "5", f"export {NAME}=5"),
        (f"declare -x {NAME}=$(id)", None, f"{NAME}=…"),
        (f"export {NAME}=$(id)", None, f"export {NAME}=…"),
        (f"export {NAME}='5\n6'", "5\n6", f"export {NAME}='5"),
        (f"if x; then export {NAME}=5; fi", None, f"export {NAME}=…"),
        ("export ANTHROPIC_API_KEY=hunter2", REDACTED, f"export ANTHROPIC_API_KEY={REDACTED}"),
        ("A=1; export ANTHROPIC_API_KEY=hunter2", REDACTED, f"export ANTHROPIC_API_KEY={REDACTED}"),
        ("export ANTHROPIC_BASE_URL=https://a:hunter2@h/x", f"https://{REDACTED}@h/x", f"export ANTHROPIC_BASE_URL=https://{REDACTED}@h/x"),
    ],
)
def test_the_place_shows_the_statement_without_what_it_hides(tmp_path: Path, line: str, value: str | None, text: str) -> None:
    (found,) = session(tmp_path, {"/home/ada/.profile": line}).variables
    assert (found.value, found.place.text) == (value, text)


def test_only_exported_variables_that_concern_claude_code_are_told(tmp_path: Path) -> None:
    files = {"/home/ada/.profile": f"export EDITOR=vi\n{NAME}=1\nexport LANG=C", "/home/ada/.bashrc": f"{NAME}=2; export {NAME}"}
    assert shown(session(tmp_path, files)) == [(NAME, "2", "/home/ada/.bashrc:1"), (NAME, "2", "/home/ada/.bashrc:1")]


def test_an_unset_variable_is_empty(tmp_path: Path) -> None:
    found = session(tmp_path, {"/etc/environment": f"{NAME}=1", "/home/ada/.profile": f"unset {NAME}"})
    assert shown(found) == [(NAME, "1", "/etc/environment:1"), (NAME, "", "/home/ada/.profile:1")]


def test_an_unset_folder_is_not_followed(tmp_path: Path) -> None:
    files = {"/etc/environment": "CLAUDE_CONFIG_DIR=/srv/cfg", "/home/ada/.profile": "unset CLAUDE_CONFIG_DIR"}
    assert session(tmp_path, files).config == "/home/ada/.claude"


def test_what_cannot_be_read_is_a_gap_and_said_once(tmp_path: Path) -> None:
    machine = system(tmp_path, {})
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/profile").mkdir()
    write(tmp_path, "/home/ada/.profile", "#" * (1024 * 1024 + 1))
    (tmp_path / "home/bob").mkdir()
    machine = machine._replace(users=(*machine.users, User("bob", "/home/bob", "sh")))
    assert [(gap.reason, gap.place.file) for gap in facts.collect(machine).gaps] == [
        ("is a folder", "/etc/profile"),
        ("is larger than 1024 KiB", "/home/ada/.profile"),
    ]


def test_a_folder_of_snippets_that_cannot_be_listed_is_a_gap(tmp_path: Path) -> None:
    write(tmp_path, "/etc/profile.d", "a file in place of the folder")
    machine = system(tmp_path, {})
    assert [gap.place.file for gap in facts.collect(machine).gaps] == ["/etc/profile.d"]


# The caller's process has the last word.


def called(root: Path, files: Mapping[str, str], environ: Mapping[str, str]) -> Session:
    machine = system(root, files)
    machine = machine._replace(kind="machine", caller=machine.users[0], environ=environ)
    return login.Reader(machine).session(machine.users[0])


def test_the_process_has_the_last_word(tmp_path: Path) -> None:
    environ = {"PATH": "/x:/y", "CLAUDE_CONFIG_DIR": "/cfg", "NPM_CONFIG_PREFIX": "/npm", "EDITOR": "vi", NAME: "2"}
    found = called(tmp_path, {"/home/ada/.profile": f"export {NAME}=1"}, environ)
    assert (found.path, found.config, found.prefix) == (("/x", "/y"), "/cfg", "/npm")
    assert shown(found) == [
        (NAME, "1", "/home/ada/.profile:1"),
        (NAME, "2", str(origin.PROCESS)),
        ("CLAUDE_CONFIG_DIR", "/cfg", str(origin.PROCESS)),
    ]
    assert [variable.origin for variable in found.variables] == ["profile", "process", "process"]


def test_a_value_of_the_process_stands_where_the_last_file_says_the_same(tmp_path: Path) -> None:
    files = {"/etc/environment": f"{NAME}=1", "/home/ada/.profile": f"\nexport {NAME}=1", "/home/ada/.bashrc": f"export {NAME}=2"}
    found = called(tmp_path, files, {NAME: "1"})
    assert str(found.variables[-1].place) == "/home/ada/.profile:2"


def test_secrets_of_the_process_are_not_told(tmp_path: Path) -> None:
    found = called(tmp_path, {}, {"ANTHROPIC_API_KEY": "hunter2"})
    assert found.variables == (Variable("ANTHROPIC_API_KEY", REDACTED, "process", origin.PROCESS, "ada"),)


def test_the_process_is_the_callers_alone(tmp_path: Path) -> None:
    machine = system(tmp_path, {})
    bob = User("bob", "/home/bob", "bash")
    machine = machine._replace(caller=machine.users[0], environ={NAME: "1"}, users=(*machine.users, bob))
    assert login.Reader(machine).session(bob).variables == ()


# Hostile files.


@pytest.mark.parametrize(
    "path, text",
    [
        ("/etc/environment", "A=" + " " * 500_000 + "x\n"),
        ("/etc/environment", " " * 1_000_000),
        ("/etc/environment", f"{NAME}=1\n" * 30_000),
        ("/home/ada/.config/fish/config.fish", "set " + "--export " * 100_000 + "\n"),
        ("/home/ada/.config/fish/config.fish", "set " + "-a " * 300_000 + "\n"),
        ("/home/ada/.config/fish/config.fish", f"set -gx {NAME} 1\n" * 25_000),
        ("/home/ada/.profile", f"export {NAME}=1\n" * 25_000),
        ("/home/ada/.profile", "export ANTHROPIC_BASE_URL=https://h/" + "a" * 1_000_000),
        ("/home/ada/.profile", "export ANTHROPIC_BASE_URL=" + "a" * 1_000_000),
    ],
    ids=range(9),
)
def test_a_megabyte_is_read_in_seconds(tmp_path: Path, path: str, text: str) -> None:
    with within(3):
        session(tmp_path, {path: text}, "fish" if path.endswith("fish") else "bash")


@pytest.mark.parametrize("folder", ["cfg", "../cfg", "", "/a\0b", "//srv//cfg", "/" + "a/" * 3000, "~/cfg"])
@pytest.mark.parametrize("name", ["CLAUDE_CONFIG_DIR", "NPM_CONFIG_PREFIX", "PATH"])
def test_odd_folders_never_keep_the_rest_from_being_read(tmp_path: Path, name: str, folder: str) -> None:
    write(tmp_path, "/etc/passwd", "ada:x:1:1::/home/ada:/bin/bash\n")
    system(tmp_path, {"/home/ada/.profile": f"export {name}='{folder}'\n", "/etc/claude-code/managed-settings.json": '{"model": "x"}'})
    assert [setting.scope for setting in facts.collect(under(str(tmp_path))).settings] == ["managed"]
