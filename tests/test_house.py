"""The rules of the house (DESIGN 2), read off the code."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cc_fleet.cli import commands
from tests import case

PROJECT = Path(__file__).resolve().parents[1]
HOUSE = PROJECT / "cc_fleet"
MODULES = sorted(HOUSE.rglob("*.py"))
CHECKS = sorted(file for file in (HOUSE / "checks").glob("*.py") if not file.name.startswith("_"))
SPEAKS = ("cli/", "host/__main__.py", "host/rights.py", "host/program.py")  # the last two end a forked child of their own
# What costs time to import and an audit of an ordinary home does without.
DEAR = frozenset(
    """
    yaml rich jinja2 importlib.metadata urllib.request sqlite3 subprocess dataclasses pathlib packaging semver difflib typing_extensions
    """.split()
)


def name(file: Path) -> str:
    return file.relative_to(HOUSE).as_posix()


def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def imported(file: Path) -> Iterator[str]:
    """Every module that ``file`` imports, and every name from a package, as absolute dotted names."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = ["cc_fleet", *file.relative_to(HOUSE).parts[:-1]]
            base = [*package[: len(package) - node.level + 1], *([node.module] if node.module else [])] if node.level else [node.module or ""]
            yield ".".join(base)
            yield from (".".join([*base, alias.name]) for alias in node.names)


@pytest.mark.parametrize("file", CHECKS, ids=name)
def test_a_check_knows_no_other_check_and_no_machine(file: Path) -> None:
    others = {f"cc_fleet.checks.{other.stem}" for other in CHECKS}
    found = set(imported(file))
    assert not found & others
    assert not {module.partition(".")[0] for module in found} & {"os", "subprocess", "socket", "pathlib", "io", "sys", "http"}
    assert not {module for module in found if module.startswith(("urllib.request", "cc_fleet.host.facts", "cc_fleet.host.machine", "cc_fleet.host.tree"))}
    assert not any(isinstance(node, ast.Name) and node.id == "open" for node in ast.walk(tree(file)))


def speaks(file: Path) -> Iterator[str]:
    """Where a module prints, exits, or writes to a standard stream."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("print", "exit", "quit", "input"):
            yield f"{name(file)}:{node.lineno}: {node.func.id}"
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and (node.value.id, node.attr) in {
            ("sys", "exit"), ("sys", "stdout"), ("sys", "stderr"), ("sys", "stdin"), ("os", "_exit"),
        }:  # fmt: skip
            yield f"{name(file)}:{node.lineno}: {node.value.id}.{node.attr}"
        elif isinstance(node, ast.Name) and node.id == "SystemExit":
            yield f"{name(file)}:{node.lineno}: SystemExit"


@pytest.mark.parametrize("file", [file for file in MODULES if not name(file).startswith(SPEAKS) and name(file) != "__main__.py"], ids=name)
def test_only_the_command_line_speaks(file: Path) -> None:
    assert list(speaks(file)) == []


def test_speaking_is_recognised() -> None:
    assert list(speaks(HOUSE / "cli" / "facts.py")) != []


# Who changes files: of what runs on a host the rooms of changing alone.
WRITERS = ("host/changes/", "host/files.py", "host/journal.py", "host/site.py", "host/undoing.py", "host/replacing.py", "host/reversal.py", "host/rights.py", "host/zipapp.py")
_CHANGING = frozenset("rename replace unlink remove rmdir mkdir makedirs symlink link write chmod fchmod chown fchown truncate utime setxattr rmtree copyfile copytree move".split())


def changes(file: Path) -> Iterator[str]:
    """Where a module changes a file by the system's own calls, or opens one to write."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ("os", "shutil") and node.attr in _CHANGING:
            yield f"{name(file)}:{node.lineno}: {node.value.id}.{node.attr}"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "open" and any(isinstance(one, ast.Constant) and set(str(one.value)) & set("wax+") for one in node.args[1:2]):
            yield f"{name(file)}:{node.lineno}: open"


@pytest.mark.parametrize("file", [file for file in MODULES if name(file).startswith("host/") and not name(file).startswith(WRITERS)], ids=name)
def test_of_what_runs_on_a_host_only_the_rooms_of_changing_write(file: Path) -> None:
    assert list(changes(file)) == []


def test_writing_is_recognised() -> None:
    assert list(changes(HOUSE / "host" / "files.py")) != []
    assert list(changes(HOUSE / "host" / "zipapp.py")) != []


@pytest.mark.parametrize("command", commands())
def test_a_command_is_a_docstring_arguments_and_run(command: str) -> None:
    body = tree(HOUSE / "cli" / f"{command}.py")
    functions = {node.name for node in body.body if isinstance(node, ast.FunctionDef)}
    assert {"arguments", "run"} <= functions
    page = ast.get_docstring(body) or ""
    assert page.partition("\n")[0].endswith(".")


def length(node: ast.AST) -> int:
    """The lines of a function or class without those of its docstring."""
    assert isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    doc = node.body[0] if ast.get_docstring(node) is not None else None
    return (node.end_lineno or 0) - node.lineno + 1 - ((doc.end_lineno or 0) - doc.lineno + 1 if doc else 0)


@pytest.mark.parametrize("file", MODULES, ids=name)
def test_sizes(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 300
    long = [f"{node.name}: {length(node)}" for node in ast.walk(tree(file)) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and length(node) > 40]
    assert long == []


def test_names_say_something() -> None:
    assert not {file.stem for file in MODULES} & {"utils", "util", "helpers", "helper", "manager", "common", "misc"}


@pytest.mark.parametrize("file", [file for file in MODULES if name(file) != "records.py"], ids=name)  # which stands in for typing
def test_no_function_takes_any_keyword(file: Path) -> None:
    assert [node.name for node in ast.walk(tree(file)) if isinstance(node, ast.FunctionDef) and node.args.kwarg] == []


@pytest.mark.parametrize("told", [
    {"npm": {"/usr/local": "2.1.330"}, "files": {"/home/ada/.claude/settings.json": '{"model": "opus", "env": {"CLAUDE_CODE_MAX_TOOL_USE_CONCURRENCY": "5"}}'}},
    {"native": {"ada": ["2.1.330"]}, "extension": {"ada": {"version": "2.1.330", "pinned": "true"}}, "files": {"/home/ada/.bashrc": "export ANTHROPIC_MODEL=opus\n"}},
    {"npm": {"/usr/local": "2.1.19"}},
    {"files": {"/etc/hostname": "empty"}},
], ids=("npm", "native", "findings", "nothing"))  # fmt: skip
def test_an_audit_loads_no_dear_module(told: dict[str, object], tmp_path: Path) -> None:
    case._system(told, tmp_path)
    program = f"import sys; bare = set(sys.modules); from cc_fleet.cli import main; main(['audit', '-q', '--root', {str(tmp_path)!r}]); print(sorted(set(sys.modules) - bare))"
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(PROJECT), "CC_FLEET_POLICY": "default"}
    ran = subprocess.run([sys.executable, "-S", "-c", program], capture_output=True, text=True, env=environ, check=True)
    loaded = set(ast.literal_eval(ran.stdout))
    assert "cc_fleet.cli.audit" in loaded
    assert loaded & DEAR == set()
    others = {f"cc_fleet.cli.{command}" for command in commands() if command != "audit"}
    assert loaded & others == set()


@pytest.mark.parametrize("file", [file for file in MODULES if name(file) != "records.py"], ids=name)
def test_named_tuples_are_those_that_cost_little(file: Path) -> None:
    assert "typing.NamedTuple" not in set(imported(file)), "import it from cc_fleet.records"
