"""What a shell start-up file assigns: whatever the reader claims to know is what bash does."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cc_fleet.host import zsh
from cc_fleet.host.shell import UNKNOWN, Assignment, assignments


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Fail what takes longer, and stop it: a hang, or more than linear time.  A tracer (coverage) gets five times as long."""
    seconds *= 5 if sys.gettrace() else 1

    def stop(number: int, frame: FrameType | None) -> None:
        raise AssertionError(f"still running after {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def read(text: str) -> list[Assignment]:
    return list(assignments(text, {"HOME": "/h", "PATH": "/bin"}))


def values(text: str) -> dict[str, str | None]:
    """The last value of each name."""
    return {found.name: found.value for found in read(text)}


@pytest.mark.parametrize(
    "text, want",
    [
        ("A=1", {"A": "1"}),
        ("A=", {"A": ""}),
        ("  A=1\t", {"A": "1"}),
        ("A='a b' B=\"c d\"", {"A": "a b", "B": "c d"}),
        ("A='$HOME' B=\"$HOME\"", {"A": "$HOME", "B": "/h"}),
        ("A=a'b'\"c\"d", {"A": "abcd"}),
        ("A=a\\ b", {"A": "a b"}),
        ("A='it'\\''s'", {"A": "it's"}),
        ('A="say \\"x\\""', {"A": 'say "x"'}),
        ("A='# no' # yes", {"A": "# no"}),
        ("A=a#b", {"A": "a#b"}),
        ("# A=1", {}),
        ("A='1\n2'", {"A": "1\n2"}),
        ("export A=1", {"A": "1"}),
        ("export A=1 B=2", {"A": "1", "B": "2"}),
        ("declare -x A=1", {"A": "1"}),
        ("typeset -x A=1", {"A": "1"}),
        ("A=1; export A", {"A": "1"}),
        ("export A", {}),
        ("A=1 B=$A", {"A": "1", "B": "1"}),
        ("export \\\n  A=1", {"A": "1"}),
        ("A=1;B=2\nC=3", {"A": "1", "B": "2", "C": "3"}),
        ("A=${HOME}/x", {"A": "/h/x"}),
        ("A=~/x", {"A": "/h/x"}),
        ("A='~/x'", {"A": "~/x"}),
        ("A=$NOBODY", {"A": None}),
        ("A=${HOME:-x}", {"A": None}),
        ("A=$(id)", {"A": None}),
        ("A=`id`", {"A": None}),
        ('A="$(id -u)"', {"A": None}),
        ("A=$((1 + 2))", {"A": None}),
        ("A=1; A=$(id); B=$A", {"A": None, "B": None}),
        ("unset A", {"A": ""}),
        ("A=1\nunset A", {"A": ""}),
        ("A=1 command", {}),
        ("A=1 B=2 command x", {}),
        ("command export A=1", {"A": "1"}),
        ("echo A=1", {}),
        ("1A=1", {}),
        ("true && A=1", {"A": None}),
        ("true || A=1", {"A": None}),
        ("true && false\nA=1", {"A": "1"}),
        ("if x; then A=1; fi; B=2", {"A": None, "B": "2"}),
        ("if x; then\nA=1\nelse\nA=2\nfi", {"A": None}),
        ("if x; then unset A; fi", {"A": None}),
        ("for x in a b; do A=$x; done; B=1", {"A": None, "B": "1"}),
        ("while x; do A=1; done < file; B=1", {"A": None, "B": "1"}),
        ("case $x in\n a) A=1;;\n *) B=1;;\nesac\nC=1", {"A": None, "B": None, "C": "1"}),
        ("f() { A=1; }\nB=1", {"A": None, "B": "1"}),
        ("f()\n{\nA=1\n}\nB=1", {"A": None, "B": "1"}),
        ("function f {\nA=1\n}\nB=1", {"A": None, "B": "1"}),
        ("function f() {\nA=1\n}\nB=1", {"A": None, "B": "1"}),
        ("{ A=1; }", {"A": "1"}),
        ("cat <<EOF\nA=1\nEOF\nB=1", {"B": "1"}),
        ("cat <<'EOF'\nA=1\nEOF\nB=1", {"B": "1"}),
        ("cat <<-EOF\n\tA=1\n\tEOF\nB=1", {"B": "1"}),
        ("cat << EOF\nA=1\n", {}),
        ("cat <<< EOF\nA=1", {"A": "1"}),
        ("A=1\nreturn\nA=2", {"A": "1"}),
        ("A=1\nexit 0\nA=2", {"A": "1"}),
        ("case $- in *i*) ;; *) return;; esac\nA=1", {"A": "1"}),
        ("[ -z x ] && return\nA=1", {"A": "1"}),
        ("if x; then return; fi\nA=1", {"A": "1"}),
        ("A='never closed", {"A": "never closed"}),
    ],
)
def test_what_a_file_assigns(text: str, want: dict[str, str | None]) -> None:
    assert values(text) == want


def test_path_is_taken_under_a_condition_too() -> None:
    found = read('if [ -d "$HOME/b" ]; then PATH="$HOME/b:$PATH"; fi\nPATH="$PATH:/c"')
    assert [(one.value, one.given, one.conditional) for one in found] == [
        (None, "/h/b:/bin", True),
        ("/h/b:/bin:/c", "/h/b:/bin:/c", False),
    ]


def test_exported_and_span_are_told() -> None:
    text = "A=1\nexport B='2' # x\nexport C=1 D=2\nunset E"
    assert [(one.name, one.exported, text[one.start : one.end]) for one in read(text)] == [
        ("A", False, "A=1"),
        ("B", True, "export B='2'"),
        ("C", True, "C=1"),
        ("D", True, "D=2"),
        ("E", True, "E"),
    ]


# Against the real bash: a claim is what bash does, and what stands in every second start-up file is understood.

SCRIPTS = {
    "backslash in double quotes": r'A="C:\foo\bar"',
    "escapes in double quotes": 'A="\\$HOME \\` \\" \\\\ \\x"',
    "escaped quote outside": "A=a\\'b B=\\\"x\\\"",
    "continuation in a value": 'A="a\\\nb" B=a\\\nb',
    "ansi-c quotes": "A=$'a\\nb'",
    "translated quotes": 'A=$"foo"',
    "tilde alone": "A=~",
    "tilde after a colon": "A=/x:~/bin PATH=$PATH:~/bin",
    "tilde after empty quotes": "A=''~/x",
    "tilde of another": "A=~root/x",
    "append": "A=1; A+=2",
    "append to a path": "PATH+=:/x; B=$PATH",
    "unset": "A=1; unset A; B=$A",
    "unset -v": "A=1; unset -v A; B=x$A",
    "unset under a condition": "A=1; if true; then unset A; fi; B=x$A",
    "subshell": "A=1; (A=2); B=$A",
    "subshell over lines": "A=1\n(\n  export A=2\n)\nB=$A",
    "background": "A=1; A=2 & wait; B=$A",
    "pipeline": "A=1; A=2 | cat; B=$A",
    "function with a space": "A=1\nf () { A=2; }\nB=$A",
    "function over lines": "A=1\nf ()\n{\n  A=2\n  return 1\n}\nB=$A",
    "group in a function": "A=1\nf() { { true; }; A=2; }\nB=$A",
    "group under a condition": "A=1\nfalse && { A=2; A=3; }\nB=$A",
    "group in an if": "A=1\nif false; then { true; }; A=2; fi\nB=$A",
    "and at the end of a line": "A=1\nfalse &&\n  A=2\nB=$A",
    "quoted export": 'A=0; export "A=1"; B=$A',
    "quotes in a substitution": 'A=0; A="$(echo "a b")"; B=$A',
    "statement in a substitution": 'A=0; B="$(echo "x; A=2; y")"; C=$A',
    "here-document without a space": "A=1\ncat<<EOF >/dev/null\nA=2\nEOF\nB=$A",
    "here-document with a backslash": "A=1\ncat <<\\EOF >/dev/null\nA=2\nEOF\nB=$A",
    "here-document with a dash in its mark": "A=1\ncat <<'E-F' >/dev/null\nA=2\nE-F\nB=$A",
    "two here-documents": "cat <<A <<B >/dev/null\nX=1\nA\nX=2\nB\nC=1",
    "here-document that is not left by an indented mark": "A=1\ncat <<EOF >/dev/null\n\tEOF\nA=2\nEOF\nB=$A",
    "carriage return": "A=1\r\nB=2",
    "a redirection": "A=0; A=1 >/dev/null; B=$A",
    "dollar at the end": "A=a$ B='c$'",
    "positional": "A=x$1 B=$#",
    "not a name": "é=1; A=1",
    "nested quotes": "A=\"a'b\"'c\"d'e",
    "an array": "plugins=(git docker)\nA=1",
    "an array over lines": "plugins=(\n  git\n  docker # c\n)\nA=1",
    "colon default": ': "${A:=1}"; B=2',
    "test and return": "[ -n x ] || return\nA=1",
    "return in a function": "f () { return 1; }\nA=1",
    "arithmetic": "((i = 1)); A=1",
    "double brackets": "[[ a < b && c ]] && B=1; A=1",
    "export again": "export A=1; A=2; export A",
    "a brace in a word": "A=a}b; B={x}",
}
LOADED = "set -a; . \"$1\" >/dev/null 2>&1; exec \"$2\" -c 'import json, os; print(json.dumps(dict(os.environ)))'"
ODD = frozenset("_ PWD OLDPWD SHLVL BASH_ARGC".split())


def bash(script: Path, before: str = LOADED) -> dict[str, str]:
    """What the real bash exports after it has read ``script``."""
    program = shutil.which("bash")
    if program is None:
        assert not os.environ.get("CC_FLEET_REQUIRE_REAL"), "no bash in PATH"
        pytest.skip("no bash in PATH")
    command = ["env", "-i", "HOME=/h", "PATH=/bin", "LC_ALL=C.UTF-8", program, "--noprofile", "--norc", "-c", before, "x", str(script), sys.executable]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)
    exported = json.loads(answer.stdout)
    assert isinstance(exported, dict)
    return exported


@pytest.mark.parametrize("name", SCRIPTS)
def test_what_is_claimed_is_what_bash_exports(name: str, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text(SCRIPTS[name], encoding="utf-8")
    real = bash(script)
    claimed = {one: value for one, value in values(SCRIPTS[name]).items() if value is not None}
    assert claimed == {one: real.get(one, "") for one in claimed}


@pytest.mark.parametrize(
    "script",
    ["declare A=1", "readonly A=1", "export A=1; export -n A", "export A; A=1", "A=1; export A", "set -a; A=1", "declare -x A=1", "export -- A=1"],
)
def test_what_is_called_exported_is_what_bash_exports(script: str, tmp_path: Path) -> None:
    file = tmp_path / "script"
    file.write_text(script)
    real = bash(file, LOADED.replace("set -a; ", ""))
    last = [one for one in read(script) if one.name == "A"][-1:]
    assert bool(last and any(one.exported for one in read(script) if one.name == "A")) == ("A" in real)


@pytest.mark.parametrize(
    "text",
    [
        "plugins=(git docker)\nA=1",
        "plugins=(\n git\n docker\n)\nA=1",
        "f () {\n  return 1\n}\nA=1",
        "f () ( true )\nA=1",
        "cat <<'E-F'\nx\nE-F\nA=1",
    ],
)
def test_what_many_files_hold_does_not_hide_what_follows(text: str) -> None:
    assert values(text).get("A") == "1"


WORDS = st.lists(st.sampled_from([*"abc01 \n;'\"\\$~#:/{}", "A=", "B=", "export ", "$A", "${B}", "$HOME", "\\\n", "unset A", "&& ", "if true; then ", "fi", "true "]), max_size=14)


def test_thousands_of_made_scripts_agree_with_bash(tmp_path: Path) -> None:
    """One bash reads them all, each in a subshell; what it finds no script is passed over."""
    made: list[str] = []

    @settings(max_examples=1500, deadline=None, derandomize=True, database=None)
    @given(WORDS.map("".join))
    def collect(text: str) -> None:
        made.append(text)

    collect()
    scripts = sorted({text for text in made if any(one.value is not None for one in read(text))})
    for number, text in enumerate(scripts):
        (tmp_path / str(number)).write_text(text + "\n")
    loop = (
        'for f in "$1"/*; do "$BASH" -n "$f" 2>/dev/null && (set -a; . "$f" >/dev/null 2>&1; set +a;'
        ' printf "%s\\1%s\\1%s\\0" "${f##*/}" "${A-}" "${B-}"); done; exit 0'
    )
    program = shutil.which("bash")
    if program is None:
        assert not os.environ.get("CC_FLEET_REQUIRE_REAL"), "no bash in PATH"
        pytest.skip("no bash in PATH")
    ran = subprocess.run(
        ["env", "-i", "HOME=/h", "PATH=/bin", program, "--noprofile", "--norc", "-c", loop, "x", str(tmp_path)],
        capture_output=True, check=True, timeout=60, cwd=tmp_path,
    )  # fmt: skip
    wrong = []
    for answer in ran.stdout.decode().split("\0")[:-1]:
        file, *real = answer.split("\1")
        script = scripts[int(file)]
        claimed = values(script)
        for name, value in zip("AB", real, strict=True):
            if claimed.get(name) is not None and claimed[name] != value:
                wrong.append((script, name, claimed[name], value))
    assert not wrong, f"{len(wrong)} wrong, the shortest: {sorted(wrong, key=lambda one: len(one[0]))[:5]}"


# Hostile files.

MEGABYTE = 1024 * 1024
HOSTILE = ['"', "'", "\\", "(", ")", "$(", "${", "`", '"\\', "$(x(", "<<A\n", "<<'A", "a=(", "$((", "{ ", "! ", "then ", "A=1 ", "A=1;", "a() ", "if ", "\\\n", "#", "é", "&&", "unset A ", "A=$A", "\t\n", "export A=1 ", "$A", "~/", "A"]


@pytest.mark.parametrize("piece", HOSTILE)
def test_much_of_anything_is_read_in_seconds(piece: str) -> None:
    """An eighth of the limit, so that coverage may slow it; what is not linear takes minutes even so."""
    with within(3):
        for _ in assignments(piece * (MEGABYTE // 8 // len(piece)), {"HOME": "/h", "A": "1"}):
            pass


def test_values_cannot_double_until_memory_is_full() -> None:
    text = "A=xxxxxxxx\n" + "A=$A$A\n" * 24
    longest = max(len(found.given or "") for found in assignments(text, {}))
    assert longest <= MEGABYTE, f"{len(text)} bytes of text became a value of {longest}"


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=60) | st.lists(st.sampled_from([*HOSTILE, "A=", "fi", "EOF", "\n", "x", "-"]), max_size=20).map("".join))
def test_no_text_raises(text: str) -> None:
    known = {"HOME": "/h"}
    for found in assignments(text, known):
        assert 0 <= found.start <= found.end <= len(text)
        assert found.value in (None, found.given)


# zsh's array ``path``.

ARRAYS = (
    ("path=($HOME/.local/bin $path)", "/h/.local/bin:/p:/q"), ('path+=(~/x "$HOME/a b")', "/p:/q:/h/x:/h/a b"), ("path=(\n  ~/bin # mine\n  /opt/x\n  $path\n)\nexport A=1", "/h/bin:/opt/x:/p:/q"),
    ('typeset -U path PATH\npath=(/a "${path[@]}")', "/a:/p:/q"), ("path=('/a b' \"/c$HOME\" /d\\ e $path[@])", "/a b:/c/h:/d e:/p:/q"), ("path=(/a#b ${HOME}/c $PATH)", "/a#b:/h/c:/p:/q"), ("path=()", ""),
)  # fmt: skip


@pytest.mark.parametrize(("text", "path"), ARRAYS)
def test_zshs_array_is_its_path(text: str, path: str) -> None:
    known = {"HOME": "/h", "PATH": "/p:/q"}
    list(assignments(text, known, zsh=True))
    assert known["PATH"] == path
    if shutil.which("zsh"):
        script = f"{text}\nprint -rn -- $PATH"
        assert subprocess.run([str(shutil.which("zsh")), "-f", "-c", script], env={"HOME": "/h", "PATH": "/p:/q"}, capture_output=True, text=True, check=True).stdout == path


@pytest.mark.parametrize(("text", "path"), [
    ("if x; then path=(~/x $path); fi", "/h/x:/p:/q"), ("path=(~/bin(N-/) $path)", "/h/bin:/p:/q"), ("path=(~/b* /a $path)", "?:/a:/p:/q"), ("path=($(brew --prefix)/bin `x y` $path)", "?:?:/p:/q"),
    ("path=(/a$path x{a,b})", "?:?"), ("path=(/a (x) $path)", "/a:?:x:?:/p:/q"), ("path=($path[1] /b)", "?:/b"), ("path=(/a", "/p:/q"), ("paths=(/a)", "/p:/q"),
])  # fmt: skip
def test_what_of_zshs_array_only_zsh_knows_is_not_known(text: str, path: str) -> None:
    known = {"HOME": "/h", "PATH": "/p:/q"}
    list(assignments(text, known, zsh=True))
    assert known["PATH"].replace(UNKNOWN, "?") == path
    list(assignments("path=(/a)", bash := {"PATH": "/p"}))
    assert bash["PATH"] == "/p"


@pytest.mark.parametrize("piece", ["$path ", '"', "$(", "`", "'", "\\", "a(", "#", "~ ", '\\"', "{"])
def test_a_megabyte_of_zshs_array_is_read_in_linear_time(piece: str) -> None:
    with within(3):
        for text in (f"path=({piece * (MEGABYTE // 8 // len(piece))})\n", f"path+=({piece})\n" * (MEGABYTE // 64)):
            list(assignments(text, {"HOME": "/h", "PATH": "/p" * 1000}, zsh=True))


def test_zshs_array_cannot_grow_until_memory_is_full() -> None:
    assert zsh.folders("$path " * 20_000, "/p" * 1000, str) == UNKNOWN
