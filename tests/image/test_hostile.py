"""Hostile images: an error or a gap, in bounded time and memory, no traceback, nothing that a terminal obeys, nothing written but the cache."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.image import broken, claude
from tests.image.build import FORMS, oci, tar
from tests.image.ran import Ran, audit, gaps

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs links and FIFOs")


@pytest.fixture(autouse=True)
def _nothing_written(tmp_path: Path) -> Iterator[None]:
    """Whatever stands in an image, nothing of it comes to stand anywhere else."""
    passwd = os.stat("/etc/passwd").st_mtime_ns
    yield
    assert os.stat("/etc/passwd").st_mtime_ns == passwd
    made = {path.relative_to(tmp_path).parts[0] for path in tmp_path.rglob("*")}
    assert made <= {"home", "policy.yaml", "took", "image", "folder", "missing.tar", "outside", "outside.tar", "a\n\x1b[31mb.tar"}
    home = {str(path.relative_to(tmp_path / "home")) for path in (tmp_path / "home").rglob("*")}
    assert all(name.startswith(".cache/cc-fleet") or name == ".cache" for name in home), home


def run(tmp: Path, make: broken.Made, *more: str, seconds: float = 10, megabytes: float = 250) -> Ran:
    made = str(make(tmp))
    ran = audit(tmp, "--image", made, *more, seconds=seconds, megabytes=megabytes)
    if ran.code in {1, 3, 4}:
        assert ran.report["schema"]
    return ran


@pytest.mark.parametrize("name", broken.REFUSED)
def test_what_is_no_image_is_refused(tmp_path: Path, name: str) -> None:
    ran = run(tmp_path, broken.REFUSED[name])
    if name in broken.PERHAPS and ran.code == 4:
        assert gaps(ran)
        return
    assert ran.code == 2, ran
    assert ran.err.startswith("cc-fleet: ")


@pytest.mark.parametrize("name", ["docker://node:22", "node:22", "docker-daemon:node:22", "ghcr.io/acme/ci:latest"])
def test_who_names_an_image_is_told_how_to_get_a_file(tmp_path: Path, name: str) -> None:
    ran = audit(tmp_path, "--image", name)
    assert ran.code == 2
    assert "skopeo copy" in ran.err or "docker save" in ran.err


@pytest.mark.parametrize("name", broken.STRUCTURES)
def test_a_structure_that_is_wrong_is_told(tmp_path: Path, name: str) -> None:
    ran = run(tmp_path, broken.STRUCTURES[name])
    assert ran.code in {1, 2, 4}, ran
    assert ran.code == 2 or gaps(ran), ran.out[:3000]


# Of these all can be read that Claude Code would see.
WHOLE = frozenset(
    {
        "absolute names", "names twice", "an empty layer", "a global PAX header", "noise behind the end", "no end", "whiteouts of everything", "PAX numbers that are none",
    }
)  # fmt: skip
# Names that are taken out, and of which nothing is lost.
LOST = frozenset({"names that lead out", "hard links outside", "hard links to nothing", "a negative size", "a huge size", "a size that is no number", "a PAX size of -1", "a PAX size of 1e99", "a size of 100 GB", "a PAX size of 100 GB",
                  "a wrong checksum", "a checksum that is none", "an old sparse member of 100 GB" , "a PAX sparse member of 100 GB", "devices at wanted names", "a wanted file of 200 MB", "a PAX header of 100 MB", "a GNU name of 100 GB"})  # fmt: skip


@pytest.mark.parametrize("name", broken.MEMBERS)
def test_members_that_are_wrong_are_told(tmp_path: Path, name: str) -> None:
    ran = run(tmp_path, broken.MEMBERS[name])
    assert ran.code in {0, 1, 4}, ran
    if name in LOST:
        assert gaps(ran), ran.out[:3000]


@pytest.mark.parametrize("name", broken.BOMBS)
def test_bombs(tmp_path: Path, name: str) -> None:
    make, seconds, megabytes = broken.BOMBS[name]
    ran = run(tmp_path, make, seconds=seconds, megabytes=megabytes)
    assert ran.code in {0, 1, 2, 4}, ran
    if name.startswith("10 GB"):
        assert any("unpacks to more than" in gap for gap in gaps(ran)), ran.text[:3000]


@pytest.mark.parametrize("form", FORMS)
def test_what_is_whole_is_read_without_a_gap(tmp_path: Path, form: str) -> None:
    FORMS[form]([claude.picture()], tmp_path / "image")
    ran = audit(tmp_path, "--image", str(tmp_path / "image"), "--verify")
    assert gaps(ran) == []
    assert ran.code in {0, 1}
    assert claude.SECRET not in ran.text


@pytest.mark.parametrize("wrong", [lambda data: data[:1500], lambda data: b"", lambda data: data[:-3000], lambda data: b"x" * 3000], ids=("head", "nothing", "tail", "noise"))
def test_a_stream_that_is_wrong_is_told(tmp_path: Path, wrong: Callable[[bytes], bytes]) -> None:
    (tmp_path / "image").write_bytes(wrong(tar(oci([claude.picture()]))))
    ran = audit(tmp_path, "--image", "-", given=tmp_path / "image")
    assert ran.code in {1, 2, 4}
    assert ran.code == 2 or gaps(ran)


def test_a_damaged_image_does_not_hide_the_next(tmp_path: Path) -> None:
    broken.STRUCTURES["a layer that is missing"](tmp_path)
    (tmp_path / "image").rename(tmp_path / "outside.tar")
    FORMS["oci-tar"]([claude.picture(tags=("acme/good:1",))], tmp_path / "image")
    ran = audit(tmp_path, "--image", str(tmp_path / "outside.tar"), "--image", str(tmp_path / "image"))
    names = [target["name"] for target in ran.report["targets"]]
    assert len(names) == 2
    assert "acme/good:1" in names
