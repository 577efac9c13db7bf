"""``policy lint``: wrong policies with, word for word, what it says of them, and policies that it lets pass."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cc_fleet.cli import InputError
from cc_fleet.cli import policy as command
from cc_fleet.policy.lint import lint
from cc_fleet.policy.lint._published import admitted
from cc_fleet.policy.load import load, packaged
from cc_fleet.versions import published

FOLDER = Path(__file__).with_name("lint")
CASES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
TODAY = "2026-11-24"


def said(*arguments: str, today: str = TODAY) -> str:
    """What ``cc-fleet policy lint`` prints, out and then err, and its exit code in the last line."""
    parser = argparse.ArgumentParser()
    command.arguments(parser)
    out, err, code = io.StringIO(), "", 2
    try:
        with contextlib.redirect_stdout(out):
            code = command._lint(parser.parse_args(["lint", *arguments]), today)
    except InputError as stop:
        err = "".join(f"cc-fleet: {line}\n" for line in str(stop).splitlines())
    return f"{out.getvalue()}{err}exit {code}\n"


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cases where nobody else can write, as root asks of policies."""
    folder = tmp_path_factory.mktemp("lint") / "cases"
    shutil.copytree(FOLDER, folder, copy_function=shutil.copyfile)
    return folder


@pytest.fixture
def here(cases: Path) -> Iterator[Path]:
    with contextlib.chdir(cases):
        yield cases


def test_there_are_forty() -> None:
    assert len(CASES) >= 40


@pytest.mark.parametrize("name", CASES)
def test_a_wrong_policy(name: str, here: Path) -> None:
    golden = FOLDER / f"{name}.golden"
    assert golden.is_file(), f"{golden.name} is missing: what `cc-fleet policy lint {name}.yaml` should print, and `exit CODE`"
    expected = golden.read_text(encoding="utf-8")
    known = published()
    assert said(f"{name}.yaml") == expected.replace("{newest}", known.newest).replace("{date}", known.date)
    remarks = expected.splitlines()[:-1]
    assert any(line.removeprefix("cc-fleet: ").startswith((f"{name}.yaml:", "extended/", "own", "groups", "nowhere")) for line in remarks)
