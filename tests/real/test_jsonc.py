"""The splice editor and the reader beneath it against Microsoft's jsonc-parser, which VS Code uses."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, Callable

import pytest

from cc_fleet.host.jsonc import JsoncError, parse
from cc_fleet.host.splice import remove_in, repaired, same, set_in
from tests.host import jsonc_documents as documents
from tests.real.sandbox import cache_dir

pytestmark = pytest.mark.real

VERSION = "3.3.1"
COUNT = 40_000
ORACLE = Path(__file__).with_name("jsonc_oracle.js")


def jsonc_parser() -> Path:
    """The parser's folder, installed from the configured registry if absent; it appears whole or not at all."""
    folder = cache_dir() / f"jsonc-parser-{VERSION}"
    if not folder.exists():
        cache_dir().mkdir(parents=True, exist_ok=True)
        half = Path(tempfile.mkdtemp(dir=cache_dir(), prefix=".install-"))
        try:
            subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(half), f"jsonc-parser@{VERSION}"], check=True, capture_output=True, timeout=120)
            half.rename(folder)
        except OSError:
            if not folder.exists():  # else another process was first
                raise
        finally:
            shutil.rmtree(half, ignore_errors=True)
    return folder / "node_modules" / "jsonc-parser"


def tried(edit: Callable[[], str]) -> str | None:
    try:
        return edit()
    except JsoncError:
        return None


def ours(seed: int) -> dict[str, Any]:
    """What we make of a document: all that the oracle judges."""
    text, wanted = documents.document(seed), documents.wanted(seed)
    try:
        value, accepted = parse(text).value, True
    except JsoncError:
        value, accepted = None, False
    path = documents.path(seed, value)
    old = value
    for key in path:
        old = old.get(key) if isinstance(old, dict) else None
    made, removed = tried(lambda: set_in(text, path, wanted)), tried(lambda: remove_in(text, path))
    return {
        "text": text, "path": path, "wanted": wanted, "accepted": accepted, "value": finite(value), "old": finite(old), "same": same(old, wanted),
        "set": made, "setAgain": None if made is None else set_in(made, path, wanted),
        "removed": removed, "removedAgain": None if removed is None else remove_in(removed, path),
        "repaired": tried(lambda: repaired(text)[0]),
    }  # fmt: skip


def finite(value: Any) -> Any:
    """1E400 is too large for both, and JSON has no word for what they make of it."""
    if isinstance(value, dict):
        return {key: finite(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [finite(inner) for inner in value]
    return str(value).replace("inf", "Infinity") if isinstance(value, float) and abs(value) == float("inf") else value


def lines(count: int) -> str:
    return "".join(json.dumps(ours(seed)) + "\n" for seed in range(count))


def test_microsofts_parser_finds_no_difference(capsys: pytest.CaptureFixture[str]) -> None:
    if not shutil.which("node") or not shutil.which("npm"):
        if os.environ.get("CC_FLEET_REQUIRE_REAL") == "1":
            pytest.fail("no node or npm in PATH, and CC_FLEET_REQUIRE_REAL=1")
        pytest.skip("no node or npm in PATH, so jsonc-parser was not asked")
    done = subprocess.run(["node", str(ORACLE), str(jsonc_parser())], input=lines(COUNT), capture_output=True, text=True, check=True, timeout=300)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    wrong = Counter(what for answer in answers for what in answer["wrong"])
    accepted = sum(answer["accepted"] for answer in answers)
    modified = sum(answer["modified"] for answer in answers)
    with capsys.disabled():
        print(f"\n{len(answers)} documents compared, {accepted} accepted by both, {modified} edits done by both; different: {sum(wrong.values())}")
    first = next((seed for seed, answer in enumerate(answers) if answer["wrong"]), None)
    assert not wrong, f"{dict(wrong)}; the first is document {first}: {ours(first or 0)}: {answers[first or 0]}"
    assert len(answers) == COUNT
    assert COUNT * 0.8 < accepted < COUNT * 0.95
    assert modified > COUNT / 2
