"""Completion in the real shells: what a TAB at the end of a line offers."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from cc_fleet import checks
from cc_fleet.cli import commands, main, policy
from cc_fleet.cli.completion import SHELLS
from cc_fleet.data import FOLDER
from tests import completions

# A line, what it must offer, and what it must not.
LINES = [
    ("cc-fleet ", set(commands()), {"policy.yaml"}),
    ("cc-fleet ver", {"versions"}, {"audit"}),
    ("cc-fleet --v", {"--version"}, {"--verbose"}),
    ("cc-fleet audit --form", {"--format"}, {"--root"}),
    ("cc-fleet audit --", {"--root", "--facts", "--policy", "--fail-on", "--help"}, {"--at", "--version"}),
    ("cc-fleet audit --format ", {"text", "json"}, {"policy.yaml"}),
    ("cc-fleet audit --fail-on w", {"warning"}, {"error", "note"}),
    ("cc-fleet audit -q --format json --co", {"--color"}, {"--root"}),
    ("cc-fleet audit --policy po", {"policy.yaml"}, {"policies"}),
    ("cc-fleet audit --root ", {"sub"}, {"policy.yaml"}),
    ("cc-fleet versions --", {"--at", "--all", "--format"}, {"--root"}),
    ("cc-fleet explain env-f", {"env-flag"}, {"env-spelling"}),
    ("cc-fleet explain CCF-2026-000", {"CCF-2026-0001", "CCF-2026-0006"}, {"CCF-2026-0010", "env-flag"}),
    ("cc-fleet policy ", {"lint", "show", "init", "schema"}, {"audit"}),
    ("cc-fleet policy lint po", {"policy.yaml"}, {"policy"}),
    ("cc-fleet completion ", set(SHELLS), {"audit"}),
]
BASH = r"""
source "$1"
read -r _ _ name _ < <(complete -p cc-fleet | grep -o -- '-F .*' | sed 's/^/x /')
eval "COMP_WORDS=($2)"; [[ $2 == *' ' ]] && COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
$name
printf '%s\n' "${COMPREPLY[@]}"
"""
FISH = 'source "$argv[1]"; complete -C "$argv[2]"'
# An interactive zsh of its own, whose compadd prints what it would offer.  It echoes what is typed, so that
# there each mark is written in two parts.
ZSH = r"""
zmodload zsh/zpty
export SCRIPT=$1
zpty inner zsh -f -i
inner() { zpty -w inner "$1" }
inner 'PROMPT= RPROMPT=; stty -echo; autoload -Uz compinit; compinit -u -D'
inner 'eval "$(<$SCRIPT)"; bindkey "^I" complete-word; zstyle ":completion:*" list-grouped false; LISTMAX=0'
inner 'compadd() { if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd "$@"; return $?; fi
  typeset -a __hits; builtin compadd -A __hits "$@"; for hit in $__hits; do print -r -- "<h""it>$hit</hit>"; done; builtin compadd "$@" }'
inner 'done_() { print -r -- "<e""nd>"; zle kill-buffer }; zle -N done_; bindkey "^B" done_; print -r -- "<rea""dy>"'
typeset line
zpty -r inner line '*<ready>*' || exit 1
zpty -w -n inner "$2"$'\t'$'\002'
zpty -r inner line '*<end>*' || exit 1
print -r -- "$line"
zpty -d inner
"""


def offered(shell: str, line: str, folder: Path, scripts: str = f"{FOLDER}/completions") -> set[str]:
    """The words that a TAB after ``line`` offers in ``folder``, without what ends them."""
    script = f"{scripts}/cc-fleet.{shell}"
    home = folder.parent / "home"
    home.mkdir(exist_ok=True)
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "TERM": "dumb", "LC_ALL": "C.UTF-8"}
    command = {"bash": ["bash", "--norc", "-c", BASH, "bash"], "fish": ["fish", "--no-config", "-c", FISH], "zsh": ["zsh", "-f", "-c", ZSH, "zsh"]}[shell]
    ran = subprocess.run([*command, script, line], cwd=folder, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    if shell == "zsh":
        return {part.partition("</hit>")[0].rstrip("/ ") for part in ran.stdout.split("<hit>")[1:]}
    return {told.partition("\t")[0].rstrip("/ ") for told in ran.stdout.splitlines()}


def needed(shell: str) -> None:
    if shutil.which(shell) is None:
        assert not os.environ.get("CC_FLEET_REQUIRE_REAL"), f"no {shell} in PATH"
        pytest.skip(f"no {shell} in PATH")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "work"
    (made / "sub").mkdir(parents=True)
    (made / "policy.yaml").write_text("policy: mine\n", encoding="utf-8")
    return made


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(("line", "wanted", "unwanted"), LINES, ids=[line for line, _, _ in LINES])
def test_a_tab_offers_what_fits(shell: str, line: str, wanted: set[str], unwanted: set[str], folder: Path) -> None:
    needed(shell)
    found = offered(shell, line, folder)
    assert wanted <= found
    assert not unwanted & found


@pytest.mark.parametrize("shell", SHELLS)
def test_the_command_prints_the_script_and_the_shell_reads_it(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    out = capsys.readouterr().out
    assert out == completions.scripts()[f"cc-fleet.{shell}"]
    needed(shell)
    ran = subprocess.run([shell, "-n"], input=out, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_another_shell_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["completion", "tcsh"])
    assert stop.value.code == 2
    assert "choose from" in capsys.readouterr().err


def test_every_check_and_every_command_stands_in_every_script() -> None:
    for name, text in completions.scripts().items():
        assert all(word in text for word in (*checks.all_checks(), *commands())), name


@pytest.mark.parametrize("shell", SHELLS)
def test_verbs_of_verbs_are_walked(shell: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needed(shell)

    def nested(parser: argparse.ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb")
        verbs.add_parser("check-it", help="with a help text").add_argument("file", metavar="FILE")
        verbs.add_parser("move-it").add_argument("--from", metavar="DIR")

    monkeypatch.setattr(policy, "arguments", nested)
    for name, text in completions.scripts().items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert {"check-it", "move-it"} <= offered(shell, "cc-fleet policy ", folder, str(tmp_path))
    assert "--from" in offered(shell, "cc-fleet policy move-it --f", folder, str(tmp_path))
    moved, checked = (offered(shell, f"cc-fleet policy {line} ", folder, str(tmp_path)) for line in ("move-it --from", "check-it"))
    assert ("sub" in moved, "policy.yaml" in moved) == (True, False)
    assert "policy.yaml" in checked
