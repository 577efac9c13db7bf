"""The command line: a command a file.  The only room that prints or exits.

A command is a module with a docstring (its help), ``arguments(parser)`` and ``run(args)``
that returns the exit code.  Only the module of the command that was called is loaded.
"""

from __future__ import annotations

import argparse
import gc
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from cc_fleet import __version__
from cc_fleet.host import plugins

EXITS = """exit codes:
  0  compliant
  1  findings at or above --fail-on (default error)
  2  usage, policy or input error
  3  nothing of Claude Code in any target
  4  gaps only: nothing wrong found, and not all could be read
  5  a change did not complete on every target
"""


class InputError(Exception):
    """What the user gave cannot be used; one or more lines, exit code 2."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.  Never a traceback for what a user did."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    from cc_fleet.decode import DecodeError
    from cc_fleet.policy.load import PolicyError

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal of few letters is no reason to fail
            stream.reconfigure(errors="backslashreplace")
    try:
        code = _run(arguments)
        sys.stdout.flush()
        return code
    except (InputError, PolicyError, DecodeError) as err:
        for line in str(err).splitlines():
            print("cc-fleet: " + "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line), file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader went away; what is still buffered has nowhere to go
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130


def program() -> None:
    """The ``cc-fleet`` program: run, flush, and end without taking the interpreter apart, a tenth of a run."""
    gc.disable()  # a short run that makes no cycles: collecting them costs a twentieth of it
    code = main()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:  # the reader went away
        code = code or 0
    os._exit(code)


def columns() -> int:
    """The terminal's width, as shutil would have it; its import costs 3 ms of start-up."""
    told = os.environ.get("COLUMNS", "")
    if told.isdigit() and told.isascii():
        return int(told[:4])
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns
    except (OSError, ValueError):
        return 100


def _formatter(prog: str) -> argparse.HelpFormatter:
    return argparse.RawDescriptionHelpFormatter(prog, width=max(40, min(columns(), 140)) - 2)


def _run(arguments: list[str]) -> int:
    names = commands()
    if arguments and arguments[0] in names:
        module = _module(arguments[0])
        parser = argparse.ArgumentParser(
            prog=f"cc-fleet {arguments[0]}", description=module.__doc__, epilog=EXITS,
            formatter_class=_formatter, allow_abbrev=False,
        )  # fmt: skip
        module.arguments(parser)
        return int(module.run(_parsed(parser, arguments[1:])))
    parser = _overview(names)
    _parsed(parser, arguments)
    parser.print_help()
    return 2


def commands() -> tuple[str, ...]:
    """The names of all commands."""
    return tuple(name for name in plugins.names(__name__))


def _module(name: str) -> Any:
    return import_module(f"{__name__}.{name}")


def _parsed(parser: argparse.ArgumentParser, arguments: list[str]) -> argparse.Namespace:
    try:
        return parser.parse_args(arguments)
    except SystemExit as stop:  # argparse has said why
        sys.stdout.flush()
        raise SystemExit(stop.code) from None


def _overview(names: tuple[str, ...]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cc-fleet", description="Keeps Claude Code working, and as the platform team wants it, on a fleet.",
        formatter_class=_formatter, epilog=EXITS, allow_abbrev=False,
    )  # fmt: skip
    parser.add_argument("--version", action="version", version=f"cc-fleet {__version__}")
    group = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    for name in names:
        group.add_parser(name, help=(_module(name).__doc__ or "").partition("\n")[0].rstrip("."), add_help=False)
    return parser
