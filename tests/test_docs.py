"""The guides are run as they are written, and what the pages claim of the product holds.

In them a block ``sh`` is run line by line, each with the exit code that a comment at its end
names (``# exit 1``; without one, 0). A block with a file's name behind its language is that file, and
``text output`` stands somewhere in what the block before it printed, line by line.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from cc_fleet import advisories
from cc_fleet.cli import demo
from tests import case, generate

DOCS = generate.PROJECT / "docs"
GUIDES = sorted((DOCS / "guides").glob("*.md"))
PAGES = [*GUIDES, DOCS / "origin-guide.md"]
VERDICTS = ("true", "partly", "false", "not verifiable")


class Block(NamedTuple):
    """A fenced block: its language, what stands behind it, and its lines."""

    language: str
    name: str
    text: str


def blocks(page: str) -> Iterator[Block]:
    for language, name, text in re.findall(r"^```(\w*)[ ]?(.*)\n((?:.*\n)*?)```$", page, re.MULTILINE):
        yield Block(language, name, text)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the demo's laptop and image, an image's root filesystem, and a ``cc-fleet`` in PATH."""
    demo.write(str(tmp_path / "laptop"))
    demo.save(str(tmp_path / "image.tar"))
    case.npm(tmp_path / "rootfs", "/usr/local", "2.1.17")
    case.write(tmp_path / "rootfs", "/etc/passwd", "root:x:0:0::/root:/bin/sh\n")
    (tmp_path / "rootfs/root").mkdir()
    program = case.write(tmp_path, "bin/cc-fleet", f'#!/bin/sh\nexec "{sys.executable}" -m cc_fleet "$@"\n')
    program.chmod(0o755)
    return tmp_path


def run(line: str, where: Path) -> tuple[int, str]:
    environ = {
        "PATH": f"{where}/bin:/usr/bin:/bin", "HOME": str(where / "laptop/home/ada"), "PYTHONPATH": str(generate.PROJECT), "PYTHONDONTWRITEBYTECODE": "1",
        "COLUMNS": "140", "LC_ALL": "C.UTF-8", **{name: value for name, value in os.environ.items() if name.startswith("COVERAGE")},
    }  # fmt: skip
    done = subprocess.run(["sh", "-c", line], cwd=where, env=environ, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("guide", PAGES, ids=lambda guide: guide.stem)
def test_a_guide_does_what_it_says(guide: Path, folder: Path) -> None:
    printed, ran = "", 0
    for block in blocks(guide.read_text(encoding="utf-8")):
        if block.language == "sh":
            assert not block.name
            printed = ""
            for line in block.text.splitlines():
                wanted = re.search(r"  # exit (\d)$", line)
                code, told = run(line, folder)
                assert code == (int(wanted[1]) if wanted else 0), f"{guide.name}: {line}\n{told}"
                printed, ran = printed + told, ran + 1
        elif block.name == "output":
            for line in block.text.splitlines():
                assert line in printed, f"{guide.name}: {line}\n{printed}"
        elif block.name:
            assert re.fullmatch(r"[\w-]+\.\w+", block.name)
            (folder / block.name).write_text(block.text, encoding="utf-8")
    assert ran >= (5 if guide in GUIDES else 2)


def test_blocks_are_found() -> None:
    page = "# A\n\n```sh\na\nb  # exit 1\n```\n\ntext ```x```\n\n```yaml p.yaml\nc: d\n```\n```text output\n```\n"
    assert list(blocks(page)) == [("sh", "", "a\nb  # exit 1\n"), ("yaml", "p.yaml", "c: d\n"), ("text", "output", "")]


def test_there_are_three_guides() -> None:
    assert [guide.stem for guide in GUIDES] == ["ci", "developer", "platform-team"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_advisories_and_files_that_a_page_names_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    known = {advisory.id for advisory in advisories.load()}
    assert set(re.findall(r"CCF-\d{4}-\d{4}", text)) <= known
    linked = [link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    assert [link for link in linked if not (page.parent / link).exists()] == []
    assert [name for name in re.findall(r"`((?:policies|playbooks|docs)/[\w/.-]+)`", text) if not (generate.PROJECT / name).exists()] == []


def claims(page: str) -> dict[int, str]:
    """The sections of the claims by their numbers."""
    found = re.split(r"^### (\d+)\. ", page, flags=re.MULTILINE)[1:]
    return {int(number): text for number, text in zip(found[::2], found[1::2], strict=True)}


def test_every_claim_of_the_guide_has_a_verdict_evidence_and_advice() -> None:
    page = (DOCS / "origin-guide.md").read_text(encoding="utf-8")
    found = claims(page)
    assert sorted(found) == list(range(1, 35))
    by_verdict: dict[str, list[int]] = {verdict: [] for verdict in VERDICTS}
    for number, text in found.items():
        said = re.search(rf"^- \*\*Verdict:\*\* ({'|'.join(VERDICTS)})\b", text, re.MULTILINE)
        assert said, number
        assert all(re.search(rf"^- \*\*{part}:\*\* \S", text, re.MULTILINE) for part in ("Evidence", "Do")), number
        by_verdict[said[1]].append(number)
    table = {verdict: [int(n) for n in numbers.split(",")] for verdict, numbers in re.findall(r"^\| ([a-z ]+) \| ([\d, ]+) \|$", page, re.MULTILINE)}
    assert table == {verdict: sorted(numbers) for verdict, numbers in by_verdict.items()}


def test_what_is_said_of_versions_is_what_is_known() -> None:
    """No version is named that was never published, but to say so."""
    from cc_fleet.versions import published

    for page in PAGES:
        for line in page.read_text(encoding="utf-8").splitlines():
            numbers = [number for number in re.findall(r"\b2\.1\.\d{1,3}\b", line) if published().state(number) != "published"]
            assert all("never published" in line or "2.1.155" in line for _ in numbers), f"{page.name}: {line}"
