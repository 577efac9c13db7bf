"""Files that are opened from their folder: the same bytes and the same refusals as the disk itself gives."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cc_fleet.host.tree import Disk, Missing, Unreadable
from cc_fleet.repo.reading import quickly
from cc_fleet.repo.reading.quickly import Quick


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with everything that may stand in one, and a secret outside of it."""
    (tmp_path / "secret").write_text("outside\n", encoding="utf-8")
    (tmp_path / "other/deep").mkdir(parents=True)
    (tmp_path / "other/deep/file").write_text("outside\n", encoding="utf-8")
    (tmp_path / "other/file").write_text("outside\n", encoding="utf-8")
    shop = tmp_path / "shop"
    (shop / "a/b").mkdir(parents=True)
    for path in ("file", "a/file", "a/b/file", "a/empty"):
        (shop / path).write_text("" if path == "a/empty" else path, encoding="utf-8")
    (shop / "a/large").write_bytes(b"x" * 5000)
    for link, target in {"out": "../secret", "a/out": str(tmp_path / "secret"), "folder": "../other", "in": "a/b", "a/in": "b/file", "loop": "loop", "gone": "nothing"}.items():
        (shop / link).symlink_to(target)
    os.mkfifo(shop / "a/pipe")
    return shop


PATHS = ("/file", "/a/file", "/a/b/file", "/a/empty", "/a/large", "/out", "/a/out", "/folder/file", "/folder/deep/file", "/in/file", "/a/in", "/loop", "/gone", "/a/pipe", "/a", "/a/", "/nothing", "/no/file",
         "/a/../file", "/a/../../secret", "/../secret", "/..", "/.", "", "/\0", "/a\0/file", "/file/x", "//file", "/a//file", "/" + "x" * 300, "/\udcff")  # fmt: skip


def told(tree: Disk, path: str) -> bytes | str:
    try:
        return tree.read(path, 1000)
    except (Missing, Unreadable) as err:
        return f"{type(err).__name__} {err}"


@pytest.mark.parametrize("path", PATHS, ids=ascii)
def test_it_reads_what_the_disk_reads(path: str, root: Path) -> None:
    quick, disk = Quick(str(root)), Disk(str(root))
    for before in ("/a/file", "/in/file", "/no/file", "/file"):  # whatever folder is open
        told(quick, before)
        files = quick.files
        assert told(quick, path) == told(disk, path)
        assert quick.files - files == (1 if isinstance(told(disk, path), bytes) else 0)
    quick.close()
    if path in ("/out", "/a/out", "/folder/file", "/folder/deep/file", "/a/../../secret", "/../secret"):
        assert told(disk, path) != b"outside\n"


def test_a_folder_that_becomes_a_link_leads_nowhere(root: Path) -> None:
    quick = Quick(str(root))
    assert quick.read("/a/b/file") == b"a/b/file"
    assert quick.read("/file") == b"file"
    (root / "a/b").rename(root / "a/c")
    (root / "a/b").symlink_to(root.parent / "other")
    assert told(quick, "/a/b/file") != b"outside\n"
    (root / "a").rename(root / "d")
    (root / "a").symlink_to(root.parent)
    assert told(quick, "/a/secret") != b"outside\n"


def test_a_file_that_grows_is_read_by_the_disk(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = Quick(str(root))
    asked = os.stat

    def before_it_grew(path: str, *, dir_fd: int | None = None, follow_symlinks: bool = True) -> os.stat_result:
        found = asked(path, dir_fd=dir_fd, follow_symlinks=follow_symlinks)
        return os.stat_result((*found[:6], 2, *found[7:])) if path == "file" else found

    monkeypatch.setattr(os, "stat", before_it_grew)
    assert quick.read("/a/file") == b"a/file"


def test_ordinary_files_cost_the_disk_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not quickly._ABLE:
        pytest.skip("this system has no /proc")
    monkeypatch.setattr(Disk, "read", lambda *_: pytest.fail("the disk was asked"))
    quick = Quick(str(root))
    assert [quick.read(path) for path in ("/a/b/file", "/a/empty", "/a/file", "/file")] == [b"a/b/file", b"", b"a/file", b"file"]


def test_it_holds_one_folder_open_at_most(root: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    quick = Quick(str(root))
    for path in ("/a/b/file", "/a/file", "/file", "/in/file", "/no/file", "/a/pipe"):
        told(quick, path)
    assert len(os.listdir("/proc/self/fd")) <= before + 1
    quick.close()
    assert len(os.listdir("/proc/self/fd")) == before
