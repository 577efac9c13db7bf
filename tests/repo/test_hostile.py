"""Hostile repositories: bounded time and memory, no traceback, nothing run, nothing read outside, no secret shown."""

from __future__ import annotations

import json
import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cc_fleet import repo
from cc_fleet.cli import main
from cc_fleet.model import Target
from cc_fleet.repo.reading import listing
from tests.case import write

PROJECT = Path(__file__).parents[2]
SECONDS, MEGABYTES = 5, 300  # of processor and memory that one file may take
PACKAGE = "@anthropic-ai/claude-code"
INSTALL = f"npm i -g {PACKAGE}@2.1.17"

# One process for each: what takes all memory must not take the tests with it.
PROGRAM = """
import json, resource, sys
from cc_fleet import repo
before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
target = repo.collect(sys.argv[1])
used = resource.getrusage(resource.RUSAGE_SELF).ru_utime - before
(peak,) = (int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))  # ru_maxrss would begin with what the parent had
print(json.dumps([used, peak // 1024, len(target.declared), [gap.reason for gap in target.gaps]]))
"""


def measured(root: Path) -> tuple[int, list[str]]:
    """How many declarations are found and which gaps, within the bounds."""

    def limits() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (1 << 31, 1 << 31))
        resource.setrlimit(resource.RLIMIT_CPU, (3 * SECONDS, 3 * SECONDS))

    environ = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(PROJECT)}
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(root)], capture_output=True, text=True, timeout=60, check=False, env=environ, preexec_fn=limits)
    assert done.returncode == 0, done.stderr[-2000:]
    seconds, megabytes, found, gaps = json.loads(done.stdout)
    assert seconds < SECONDS, f"{seconds:.1f} seconds"
    assert megabytes < MEGABYTES, f"{megabytes} MB"
    return found, gaps


def repeated(piece: str, size: int = 300_000, begin: str = "# claude\n", end: str = f'\n"{PACKAGE}"\n') -> str:
    return begin + piece * (size // len(piece)) + end


def bomb(levels: int) -> str:
    lists = "".join(f"a{at}: &a{at} [{', '.join([f'*a{at - 1}'] * 9)}]\n" for at in range(1, levels))
    return f"# claude\na0: &a0 [{INSTALL}]\n{lists}jobs: {{a: {{steps: *a{levels - 1}}}}}\nscript: *a{levels - 1}\n"


def merges(levels: int) -> str:
    maps = "".join(f"m{at}: &m{at} {{<<: [*m{at - 1}, *m{at - 1}], k{at}: claude}}\n" for at in range(1, levels))
    last = f"*m{levels - 1}"
    return f"m0: &m0 {{x: claude}}\n{maps}jobs: {{a: {{<<: {last}, steps: [{{run: claude install}}]}}}}\nservices: {{a: {last}}}\nvariables: {last}\n<<: {last}\n"


def used_often() -> str:
    """A list of scripts that every one of many jobs has."""
    steps = ", ".join(["{run: claude install 2.1.17}"] * 2000)
    jobs = "".join(f"  j{at}: {{steps: *x, script: *x}}\n" for at in range(3000))
    return f"x: &x [{steps}]\njobs:\n{jobs}"


# What was found to take far more than its size, each in the kind of file that it broke.
FILES: dict[str, tuple[str, Callable[[], str]]] = {
    "a value that doubles in a shell": ("x.sh", lambda: repeated("V=$V$V\n")),
    "a value that doubles in batch": ("x.cmd", lambda: repeated("set A=%A%%A%\n")),
    "a value that doubles in PowerShell": ("x.ps1", lambda: repeated('$a = "$a$a"\n')),
    "an array that grows": ("x.sh", lambda: repeated("A+=(a)\n")),
    "an array that doubles": ("x.sh", lambda: repeated('A=("${A[@]}" "${A[@]}" a)\n')),
    "a command of many managers": ("x.sh", lambda: repeated("claude ")),
    "here-strings that nothing ends": ("x.ps1", lambda: repeated("@'\n")),
    "comments that nothing ends": ("Jenkinsfile", lambda: repeated("/* a")),
    "texts that nothing ends": ("Jenkinsfile", lambda: repeated("'''\\")),
    "blank lines of YAML": ("values.yaml", lambda: repeated("\n")),
    "blank lines with CR": ("values.yaml", lambda: repeated("\r\n")),
    "documents of YAML": (".gitlab-ci.yml", lambda: repeated("---\n")),
    "aliases of aliases": (".gitlab-ci.yml", lambda: bomb(9)),
    "aliases of aliases in a workflow": (".github/workflows/a.yml", lambda: bomb(9)),
    "merges of merges": (".gitlab-ci.yml", lambda: merges(30)),
    "merges of merges in compose": ("compose.yml", lambda: merges(30)),
    "a list that every job has": (".github/workflows/a.yml", used_often),
    "an anchor in itself": (".gitlab-ci.yml", lambda: f"a: &a {{script: [{INSTALL}], extends: *a, variables: *a, <<: *a}}\nb: &s [*s, *a]\n<<: *a\n"),
    "steps whose outputs are each other's": (
        ".github/workflows/a.yml",
        lambda: "jobs:\n  a:\n    steps:\n"
        + "".join(f"    - {{id: s{at}, run: 'echo v=${{{{ steps.s{at + 1}.outputs.v }}}} >> $GITHUB_OUTPUT; claude'}}\n" for at in range(2000)),
    ),
    "loops over lists": (
        "tasks/main.yml",
        lambda: "- hosts: all\n  vars:\n    v: [" + ", ".join(["a"] * 20_000) + "]\n  tasks:\n"
        + f'  - {{npm: {{name: "{PACKAGE}", version: "{{{{ item }}}}"}}, loop: "{{{{ v }}}}"}}\n' * 2000,
    ),
    "a key of many parts": ("mise.toml", lambda: repeated("a.")),
    "a number of many digits": ("mise.toml", lambda: "claude = " + "1" * 900_000),
    "arrays in arrays": ("mise.toml", lambda: "claude = " + "[" * 100_000),
    "tables in tables": ("pyproject.toml", lambda: "litellm = " + "{a = " * 5_000),
    "JSON in JSON": ("package.json", lambda: '{"claude":' * 50_000),
    "keys": ("package.json", lambda: '{"claude": 1, ' + ", ".join(f'"k{at}": 1' for at in range(70_000)) + "}"),
    "keys of settings": (".claude/settings.json", lambda: '{"env": {' + ", ".join(f'"CLAUDE_{at}": "1"' for at in range(80_000)) + "}}"),
    "entities": (
        "x.mobileconfig",
        lambda: '<?xml version="1.0"?><!DOCTYPE plist [<!ENTITY a0 "x">' + "".join(f'<!ENTITY a{at} "{f"&a{at - 1};" * 10}">' for at in range(1, 12))
        + "]><plist><dict><key>com.anthropic.claudecode</key><string>&a11;</string></dict></plist>",
    ),
    "an entity of this machine": (
        "x.mobileconfig",
        lambda: '<?xml version="1.0"?><!DOCTYPE plist [<!ENTITY a SYSTEM "file:///etc/passwd">]><plist><dict><key>com.anthropic.claudecode</key><string>&a;</string></dict></plist>',
    ),
    "builds of one line": ("Dockerfile", lambda: repeated("ARG V=${V}${V}\n", begin="FROM a\n# claude\n")),
    "stages": ("Dockerfile", lambda: repeated("FROM a AS a\nENV V=$V$V\n")),
    "instructions": ("Dockerfile", lambda: repeated(f"RUN npm i -g {PACKAGE}@$V\n", begin="FROM a\n")),
    "a long line": ("x.sh", lambda: f"{INSTALL} {'x' * 100_000}\n" * 5),
    "variables of Terraform": ("main.tf", lambda: repeated('variable "a" {\n')),
    "expressions": (".github/workflows/a.yml", lambda: "jobs:\n  a:\n    steps:\n" + repeated(f"    - run: npm i -g {PACKAGE}@${{{{ env.V }}}}\n", begin="")),
}


@pytest.mark.parametrize("name", FILES)
def test_one_file_takes_five_seconds_and_300_megabytes_at_most(name: str, tmp_path: Path) -> None:
    file, make = FILES[name]
    write(tmp_path, file, make())
    measured(tmp_path)


PIECES = (
    "${", "$(", '"', "'", "`", "{{ a ", "${{ a", "cat <<EOF\n", "a \\\n", "V=$V$V\n", "f() { g\n", "for a in b; do\n", '{"a":', 'variable "a" {\n', '@"\n', "/* a", "<!-- ", f"RUN npm i -g {PACKAGE}@$V\n",
    f"npm i -g {PACKAGE}@$V && ", "a: {b: [c, ", " ", "\n", "ARG V=$V$V\n", "- a\n", "- ", "claude ", "---\n", "a.", "[", "bash -c 'bash -c ", "ONBUILD ", "''${", f"uses: anthropics/claude-code-action@{PACKAGE}",
)  # fmt: skip
KINDS = (
    "Dockerfile", "x.sh", "x.ps1", "x.cmd", ".github/workflows/a.yml", "action.yml", ".gitlab-ci.yml", ".devcontainer/devcontainer.json", "compose.yml", "package.json", "Makefile", "main.tf", "a.nix", "Brewfile",
    "mise.toml", ".tool-versions", "requirements.txt", "pyproject.toml", "values.yaml", "tasks/main.yml", "Jenkinsfile", ".circleci/config.yml", ".claude/settings.json", "x.mobileconfig", "docker-bake.hcl", ".env",
)  # fmt: skip


@pytest.mark.nightly
@pytest.mark.parametrize("file", KINDS)
@pytest.mark.parametrize("piece", PIECES)
def test_a_megabyte_of_one_piece(piece: str, file: str, tmp_path: Path) -> None:
    write(tmp_path, file, repeated(piece, 1_000_000))
    measured(tmp_path)


LIMITS = {
    "Dockerfile": 1024, "x.sh": 1024, "x.ps1": 1024, "Makefile": 1024, "a.nix": 1024, "Brewfile": 1024, "Jenkinsfile": 1024, ".tool-versions": 1024,
    "requirements.txt": 1024, "package.json": 1024, "tasks/main.yml": 1024, "mise.toml": 1024, ".gitlab-ci.yml": 1024, "compose.yml": 1024,
}  # fmt: skip


@pytest.mark.parametrize("file", LIMITS)
def test_what_is_larger_than_its_kind_is_read_to_is_a_gap(file: str, tmp_path: Path) -> None:
    write(tmp_path, file, "- litellm claude\n" + "#\n" * (LIMITS[file] * 512))
    assert measured(tmp_path) == (0, [f"is larger than {LIMITS[file]} KiB"])


@pytest.mark.parametrize("file", ["Dockerfile", "x.sh", ".gitlab-ci.yml", "uv.lock", "managed-settings.json"])
def test_no_more_than_8_mebibytes_are_read_of_anything(file: str, tmp_path: Path) -> None:
    path = write(tmp_path, file, "claude litellm\n")
    os.truncate(path, 200 * 1024**2)
    assert measured(tmp_path) == (0, ["is larger than 8192 KiB"])


def test_a_lock_of_200_megabytes_is_a_gap(tmp_path: Path) -> None:
    write(tmp_path, "package.json", json.dumps({"dependencies": {PACKAGE: "^2.1.0"}}))
    os.truncate(write(tmp_path, "package-lock.json", "{}"), 200 * 1024**2)
    assert measured(tmp_path) == (1, ["is larger than 64 MiB, so what it locks is not known"])


def test_a_lock_of_60_megabytes_is_read(tmp_path: Path) -> None:
    write(tmp_path, "package.json", json.dumps({"dependencies": {PACKAGE: "^2.1.0"}}))
    rest = '"node_modules/a": {"version": "1.0.0"},\r\n' * 1_500_000
    write(tmp_path, "package-lock.json", f'{{"packages": {{\r\n{rest}"node_modules/{PACKAGE}": {{"version": "2.1.17"}}}}}}')
    assert measured(tmp_path) == (1, [])


def test_a_megabyte_of_facts_is_a_gap(tmp_path: Path) -> None:
    write(tmp_path, "requirements.txt", "".join(f"litellm[proxy]==1.0.{at}\n" for at in range(40_000)))
    assert measured(tmp_path) == (repo.MOST, [f"says more than {repo.MOST} things of Claude Code"])


ODD: dict[str, bytes] = {
    "invalid UTF-8": b"FROM a\nRUN " + INSTALL.encode() + b"\n# \xff\xfe\x80\n",
    "UTF-16 with its mark": f"FROM a\nRUN {INSTALL}\n".encode("utf-16"),
    "UTF-8 with its mark": b"\xef\xbb\xbfFROM a\nRUN " + INSTALL.encode() + b"\n",
    "a line of 100,000 characters": b"FROM a\nRUN " + b"true; " * 20_000 + INSTALL.encode() + b"\n",
}


@pytest.mark.parametrize("name", ODD)
def test_what_is_odd_is_read_all_the_same(name: str, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_bytes(ODD[name])
    assert [fact.spec for fact in repo.collect(str(tmp_path)).declared] == ["2.1.17"]


@pytest.mark.parametrize("file", ["Dockerfile", "x.sh", "x.ps1", "Makefile", "package.json", "a.yml", "mise.toml", ".devcontainer/devcontainer.json", ".claude/settings.json"])
@pytest.mark.parametrize("content", [b"claude\0litellm", bytes(range(256)) * 8 + b"claude", "claude\ud800".encode("utf-8", "surrogatepass"), b"\xff\xfec\0l\0a\0u\0d\0e\0"])
def test_what_is_no_text_of_its_kind_raises_nothing(file: str, content: bytes, tmp_path: Path) -> None:
    write(tmp_path, file, "")
    (tmp_path / file).write_bytes(content)
    assert repo.collect(str(tmp_path)).declared == ()


# Files that are none, and links.


@pytest.fixture(params=["walked", "git"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A repository of which git tells the files, or in which there is no git."""
    found = tmp_path / "root"
    found.mkdir()
    if request.param == "git":
        subprocess.run(["git", "init", "-q", str(found)], check=True)
    return found


def collected(root: Path) -> Target:
    begin = time.monotonic()
    found = repo.collect(str(root))
    assert time.monotonic() - begin < 5
    return found


def bound(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, bound, lambda path: path.symlink_to("/dev/zero"), lambda path: path.symlink_to("/proc/self/mem"), lambda path: path.symlink_to("Dockerfile")])
def test_a_dockerfile_that_is_no_file_does_not_block(make: Callable[[Path], object], root: Path) -> None:
    write(root, "a/Dockerfile", f"FROM a\nRUN {INSTALL}\n")
    make(root / "Dockerfile")
    assert [fact.place.file for fact in collected(root).declared] == ["a/Dockerfile"]


def test_a_link_that_leads_out_is_not_followed(root: Path) -> None:
    write(root.parent, "outside/Dockerfile", f"FROM a\nRUN {INSTALL}\n")
    (root / "Dockerfile").symlink_to("../outside/Dockerfile")
    (root / "b").symlink_to("../outside")
    (root / "c").symlink_to(str(root.parent / "outside"))
    (root / "loop").symlink_to(".")
    found = collected(root)
    assert found.declared == ()
    assert [gap.place.file for gap in found.gaps] == ["Dockerfile"]


def test_a_link_inside_is_followed(root: Path) -> None:
    write(root, "a/file", f"FROM a\nRUN {INSTALL}\n")
    (root / "Dockerfile").symlink_to("a/file")
    assert [fact.spec for fact in collected(root).declared] == ["2.1.17"]


def test_a_file_that_git_still_knows_and_is_gone_is_no_gap(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    file = write(tmp_path, "Dockerfile", f"FROM a\nRUN {INSTALL}\n")
    subprocess.run(["git", "-C", str(tmp_path), "add", "Dockerfile"], check=True)
    file.unlink()
    assert collected(tmp_path).gaps == ()


@pytest.mark.parametrize("name", [b"a\nb.Dockerfile", b"a::error::b.Dockerfile", b"\xff\xfe.Dockerfile", b"%0A::.Dockerfile", b"\x1b[2J.Dockerfile", "\u202e.Dockerfile".encode()])
@pytest.mark.parametrize("format_", ["text", "json", "sarif", "github", "gitlab", "junit", "markdown", "csv", "html"])
def test_names_of_files_are_told_without_what_they_would_do(name: bytes, format_: str, root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with open(os.fsencode(root) + b"/" + name, "w", encoding="utf-8") as file:
        file.write(f"FROM a\nRUN {INSTALL}\n")
    assert main(["audit", "--repo", str(root), "--format", format_, "--policy", "strict"]) == 1
    shown = capfd.readouterr().out
    assert "2.1.17" in shown
    assert not {"\x1b", "\u202e"} & set(shown)
    assert not any(line.startswith("::error::b") for line in shown.splitlines())


def test_folders_deeper_than_python_recurses(root: Path) -> None:
    write(root, "Dockerfile", f"FROM a\nRUN {INSTALL}\n")
    opened, at = os.open(root, os.O_RDONLY), os.getcwd()
    try:
        os.chdir(root)
        for _ in range(5000):
            os.mkdir("d")
            os.chdir("d")
        found = collected(root)
        assert [fact.spec for fact in found.declared] == ["2.1.17"]
    finally:
        os.fchdir(opened)
        os.close(opened)
        subprocess.run(["rm", "-rf", str(root / "d")], check=True)
        os.chdir(at)


@pytest.mark.parametrize("pattern", ["*a" * 100 + "b", "**/a/" * 50 + "b", "[" * 5000, "!" * 100, "\\", "a" * 200_000, "?" * 10_000, "/" * 1000])
def test_patterns_of_gitignore_that_cost_much(pattern: str, tmp_path: Path) -> None:
    write(tmp_path, ".gitignore", "ignored\n" + f"{pattern}\n" * 3)
    write(tmp_path, f"{'a' * 200}/{'a' * 200}/Dockerfile", f"FROM a\nRUN {INSTALL}\n")
    write(tmp_path, "ignored/Dockerfile", f"FROM a\nRUN {INSTALL}\n")
    assert [fact.place.file[:1] for fact in collected(tmp_path).declared] == ["a"]


def test_a_gitignore_of_10_megabytes(tmp_path: Path) -> None:
    write(tmp_path, ".gitignore", "".join(f"*a{at}\n" for at in range(1_000_000)))
    for at in range(200):
        write(tmp_path, f"{at}/Dockerfile", f"FROM a\nRUN {INSTALL}\n")
    begin = time.process_time()
    assert len(repo.collect(str(tmp_path)).declared) == 200
    assert time.process_time() - begin < 10


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero"), Path.mkdir])
def test_a_gitignore_that_is_no_file(make: Callable[[Path], object], tmp_path: Path) -> None:
    make(tmp_path / ".gitignore")
    write(tmp_path, "Dockerfile", f"FROM a\nRUN {INSTALL}\n")
    assert len(collected(tmp_path).declared) == 1


# Git.

PROGRAMS = (
    "core.fsmonitor", "core.sshCommand", "core.hooksPath", "core.pager", "core.editor", "core.askPass", "core.gitProxy", "core.alternateRefsCommand", "diff.external",
    "filter.x.clean", "filter.x.smudge", "filter.x.process", "diff.x.textconv", "diff.x.command", "merge.x.driver", "gpg.program", "credential.helper",
    "uploadpack.packObjectsHook", "remote.origin.uploadpack", "remote.origin.vcs", "submodule.x.update", "pager.ls-files",
)  # fmt: skip


@pytest.fixture
def hostile(tmp_path: Path) -> Iterator[Path]:
    """A repository whose every program writes a file; none of them may."""
    root, ran = tmp_path / "root", tmp_path / "ran"
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    write(root, "Dockerfile", f"FROM a\nRUN {INSTALL}\n")
    write(root, ".cc-fleet.yaml", "policy: x\n")
    write(root, "b", "b")
    git = ["git", "-C", str(root), "-c", "user.name=a", "-c", "user.email=a@b.example"]
    subprocess.run([*git, "add", "Dockerfile", "b"], check=True)
    subprocess.run([*git, "commit", "-qm", "a"], check=True)
    write(root, ".gitattributes", "* filter=x diff=x merge=x\n")
    program = write(tmp_path, "program", f'#!/bin/sh\necho "$0 $@" >> {ran}\n')
    program.chmod(0o755)
    for name in PROGRAMS:
        subprocess.run([*git, "config", name, str(program)], check=True)
    for name, value in (("alias.ls-files", f"!{program}"), ("remote.origin.url", f"ext::{program}"), ("remote.origin.promisor", "true"), ("protocol.ext.allow", "always")):
        subprocess.run([*git, "config", name, value], check=True)
    for hook in ("post-index-change", "fsmonitor-watchman", "reference-transaction", "post-checkout", "pre-auto-gc"):
        write(root, f".git/hooks/{hook}", program.read_text(encoding="utf-8")).chmod(0o755)
    os.utime(root / "Dockerfile", (1, 1))  # git would have to look at it again
    yield root
    assert not ran.exists(), ran.read_text(encoding="utf-8")


@pytest.mark.parametrize("more", [[], ["--changed-since", "HEAD"], ["--policy-ref", "HEAD"]], ids=["files", "changes", "policy"])
def test_nothing_that_a_repository_names_is_run(more: list[str], hostile: Path, capfd: pytest.CaptureFixture[str]) -> None:
    main(["audit", "--repo", str(hostile), *more])
    assert "Traceback" not in capfd.readouterr().err


def test_what_a_clone_left_out_is_not_fetched(hostile: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A promised object that is not there: git would ask the remote, whose program is the repository's."""
    git = ["git", "-C", str(hostile)]
    subprocess.run([*git, "config", "extensions.partialClone", "origin"], check=True)
    subprocess.run([*git, "config", "core.repositoryFormatVersion", "1"], check=True)
    for file in (hostile / ".git/objects").glob("??/*"):
        file.unlink()
    main(["audit", "--repo", str(hostile), "--changed-since", "HEAD"])
    assert capfd.readouterr().err.startswith("cc-fleet: ")


@pytest.mark.parametrize("path", [".", "", "{root}", "{root}/bin", "{link}"])
def test_a_program_called_git_of_the_repository_is_not_run(path: str, hostile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = hostile.parent / "ran"
    for folder in ("", "bin/"):
        write(hostile, f"{folder}git", f"#!/bin/sh\ntouch {ran}\n").chmod(0o755)
    (hostile.parent / "link").symlink_to(hostile / "bin")
    path = path.format(root=hostile, link=hostile.parent / "link")
    monkeypatch.setenv("PATH", f"{path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(hostile)
    assert "Dockerfile" in listing.files(str(hostile))


@pytest.mark.parametrize("where", ["/", "{outside}"])
def test_a_work_tree_elsewhere_is_not_listed(where: str, hostile: Path) -> None:
    write(hostile.parent, "outside/secret.sh", INSTALL)
    where = where.format(outside=hostile.parent / "outside")
    subprocess.run(["git", "-C", str(hostile), "config", "core.worktree", where], check=True)
    assert listing.files(str(hostile)) == [".cc-fleet.yaml", ".gitattributes", "Dockerfile", "b"]


def test_a_git_file_that_points_elsewhere_shows_nothing_of_what_is_there(hostile: Path) -> None:
    other = hostile.parent / "other"
    write(other, ".git", f"gitdir: {hostile}/.git\n")
    write(other, "x.sh", f"{INSTALL}\n")
    found = repo.collect(str(other))
    assert [(fact.place.file, fact.spec) for fact in found.declared] == [("x.sh", "2.1.17")]
    assert found.gaps == ()


def test_the_environment_does_not_send_git_elsewhere(hostile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("GIT_DIR", "/nonexistent"), ("GIT_WORK_TREE", "/"), ("GIT_INDEX_FILE", "/etc/passwd"), ("GIT_CONFIG_COUNT", "1"), ("GIT_CONFIG_KEY_0", "core.bare"), ("GIT_CONFIG_VALUE_0", "true")):
        monkeypatch.setenv(name, value)
    assert "Dockerfile" in listing.files(str(hostile))


@pytest.mark.parametrize("setting", ["include.path", "core.excludesFile", "core.attributesFile"])
def test_a_configuration_that_would_make_git_wait(setting: str, hostile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "PATIENCE", 2)
    with (hostile / ".git/config").open("a", encoding="utf-8") as file:
        section, _, key = setting.partition(".")
        file.write(f"[{section}]\n\t{key} = {hostile.parent}/pipe\n")
    os.mkfifo(hostile.parent / "pipe")
    assert "Dockerfile" in listing.files(str(hostile))


def test_a_broken_index_is_walked_around(hostile: Path) -> None:
    (hostile / ".git/index").write_bytes(b"DIRC\0\0\0\2\xff\xff\xff\xff" + b"\0" * 1000)
    assert "Dockerfile" in listing.files(str(hostile))


# Many files.


@pytest.mark.nightly
@pytest.mark.parametrize("git", [False, True])
def test_200_000_files(git: bool, tmp_path: Path) -> None:
    for folder in range(400):
        (tmp_path / f"{folder}").mkdir()
        for number in range(500):
            (tmp_path / f"{folder}/{number}.sh").touch()
    write(tmp_path, "Dockerfile", f"FROM a\nRUN {INSTALL}\n")
    if git:
        subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    begin = time.process_time()
    assert len(repo.collect(str(tmp_path)).declared) == 1
    assert time.process_time() - begin < 60


def test_what_is_read_does_not_stay_in_memory(tmp_path: Path) -> None:
    for number in range(60):
        write(tmp_path, f"{number}.yml", "# claude\n" + "#" * 7 * 1024**2)
    measured(tmp_path)


def test_nothing_is_kept_from_one_repository_to_the_next(tmp_path: Path) -> None:
    """The same paths with other content: every answer is of its own repository."""
    for name, version in (("a", "2.1.17"), ("b", "2.1.18")):
        write(tmp_path, f"{name}/Dockerfile", f"FROM a\nARG V\nRUN npm i -g {PACKAGE}@$V\n")
        write(tmp_path, f"{name}/compose.yml", f'services: {{a: {{build: {{context: ., args: {{V: "{version}"}}}}}}}}\n')
        write(tmp_path, f"{name}/.gitlab-ci.yml", f"variables: {{V: {version}}}\na: {{script: [npm i -g {PACKAGE}@$V]}}\n")
        write(tmp_path, f"{name}/package.json", json.dumps({"dependencies": {PACKAGE: "^2.1.0"}}))
        write(tmp_path, f"{name}/package-lock.json", json.dumps({"packages": {f"node_modules/{PACKAGE}": {"version": version}}}))
    for name, version in (("a", "2.1.17"), ("b", "2.1.18"), ("a", "2.1.17")):
        found = repo.collect(str(tmp_path / name))
        assert {fact.resolved or fact.spec for fact in found.declared if fact.resolved or fact.spec} == {version}
