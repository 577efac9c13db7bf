"""A disk and a folder that holds another system: links, pipes, devices, and what a hostile one does."""

from __future__ import annotations

import hashlib
import os
import socket
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Callable, Iterator

import pytest

from cc_fleet.host.tree import Disk, Missing, Stat, Strict, Unreadable
from tests.case import write


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A system below a folder, beside a secret of the machine that does the reading."""
    write(tmp_path, "/secret", "of the reader")
    (tmp_path / "outside").mkdir()
    write(tmp_path, "/outside/name", "of the reader")
    write(tmp_path, "/root/etc/name", "inside")
    write(tmp_path, "/root/secret", "of the system")
    return tmp_path / "root"


def kind(read: Callable[[], object]) -> object:
    """What ``read`` gives, or why it does not."""
    try:
        return read()
    except Missing:
        return Missing
    except Unreadable as err:
        return str(err)


def without_rights(ask: Callable[[], str]) -> str:
    """What ``ask`` says to an ordinary user: in a child where this process is root."""
    if os.geteuid() != 0:
        return ask()
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            os.write(writing, ask().encode())
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading) as answer:
        return answer.read()


LINKS = {
    "absolute": "/etc/name",
    "relative": "etc/name",
    "chain": "absolute",
    "through-a-folder": "folder/name",
    "dots": "etc/../etc/./name",
    "above-the-root": "../../../../etc/name",
    "two-slashes": "//etc/name",
    "many-slashes": "/etc///name",
}


@pytest.mark.parametrize("name", LINKS)
def test_a_link_is_followed_inside_the_root(root: Path, name: str) -> None:
    for link in ("absolute", name):
        if not (root / link).is_symlink():
            (root / link).symlink_to(LINKS[link])
    (root / "folder").symlink_to("/etc")
    assert Disk(str(root)).read(f"/{name}") == b"inside"
    assert Disk(str(root)).stat(f"/{name}").real == "/etc/name"


@pytest.mark.parametrize("link", ["../secret", "/../secret", "../../../../../../../../secret", "/secret"])
def test_a_link_out_of_the_root_is_resolved_inside_it(root: Path, link: str) -> None:
    (root / "link").symlink_to(link)
    assert Disk(str(root)).read("/link") == b"of the system"


def test_a_link_to_the_readers_own_path_leads_nowhere(root: Path, tmp_path: Path) -> None:
    (root / "link").symlink_to(tmp_path / "secret")
    (root / "folder").symlink_to(tmp_path / "outside")
    tree = Disk(str(root))
    assert kind(lambda: tree.read("/link")) is Missing
    assert kind(lambda: tree.read("/folder/name")) is Missing
    assert kind(lambda: tree.names("/folder")) is Missing
    assert kind(lambda: tree.stat("/folder")) is Missing
    assert kind(lambda: tree.sha256("/link")) is Missing


def test_on_the_live_system_links_are_followed_as_they_are(tmp_path: Path) -> None:
    file = write(tmp_path, "/a/file", "x")
    (tmp_path / "link").symlink_to(file)
    (tmp_path / "folder").symlink_to("a")
    tree = Disk("/")
    assert tree.read(f"{tmp_path}/folder/file") == b"x"
    assert tree.stat(f"{tmp_path}/link") == Stat("file", 1, 0o644, os.geteuid(), os.path.realpath(file))
    assert tree.names(f"{tmp_path}/folder") == ["file"]
    assert tree.files == 1


@pytest.mark.parametrize("live", [True, False])
def test_loops_of_links_are_told(tmp_path: Path, live: bool) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    (tmp_path / "self").symlink_to("self/x")
    tree, at = (Disk("/"), str(tmp_path)) if live else (Disk(str(tmp_path)), "")
    for path in ("/a", "/self", "/a/below"):
        assert kind(lambda path=path: tree.read(at + path)) == "is a loop of links"  # type: ignore[misc]
        assert kind(lambda path=path: tree.stat(at + path)) == "is a loop of links"  # type: ignore[misc]
        assert kind(lambda path=path: tree.names(at + path)) == "is a loop of links"  # type: ignore[misc]


def test_a_chain_of_forty_links_is_followed_and_a_longer_one_is_not(tmp_path: Path) -> None:
    write(tmp_path, "/0", "end")
    for number in range(1, 43):
        (tmp_path / str(number)).symlink_to(str(number - 1))
    assert Disk(str(tmp_path)).read("/40") == b"end"
    assert kind(lambda: Disk(str(tmp_path)).read("/41")) == "is a loop of links"


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        here = os.open(path.parent, os.O_RDONLY)
        os.fchdir(here)
        os.close(here)
        made.bind(path.name)


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize(
    "make, why",
    [
        (_fifo, "is not a regular file"),
        (_socket, "is not a regular file"),
        (lambda path: path.symlink_to("/dev/null"), "is not a regular file"),
        (lambda path: path.symlink_to("/dev/zero"), "is not a regular file"),
        (lambda path: path.mkdir(), "is a folder"),
        (lambda path: None, Missing),
        (lambda path: path.symlink_to("nowhere"), Missing),
        (lambda path: path.symlink_to("file/below"), Missing),
        (lambda path: path.symlink_to("x" * 300), Missing),
    ],
)
def test_only_a_regular_file_is_read(
    tmp_path: Path, make: Callable[[Path], None], why: object, live: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "/file", "x")
    make(tmp_path / "it")
    tree, at = (Disk("/"), str(tmp_path)) if live else (Disk(str(tmp_path)), "")
    if not live and (tmp_path / "it").is_symlink() and os.readlink(tmp_path / "it").startswith("/dev/"):
        why = Missing  # a root has the devices that lie in it, and no others
    assert kind(lambda: tree.read(f"{at}/it")) == why
    assert kind(lambda: tree.sha256(f"{at}/it")) == why
    assert tree.files == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices")
def test_a_device_below_a_root_is_not_read(tmp_path: Path) -> None:
    try:
        os.mknod(tmp_path / "zero", 0o666 | 0o020000, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("no devices may be made here")
    assert kind(lambda: Disk(str(tmp_path)).read("/zero")) == "is not a regular file"
    assert Disk(str(tmp_path)).stat("/zero").kind == "other"


@pytest.mark.parametrize("live", [True, False])
def test_no_permission_is_told_and_is_not_missing(tmp_path: Path, live: bool) -> None:
    write(tmp_path, "/file", "x").chmod(0)
    write(tmp_path, "/folder/file", "x")
    tree, at = (Disk("/"), str(tmp_path)) if live else (Disk(str(tmp_path)), "")
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid() and len(folder.parts) > 2:
            folder.chmod(folder.stat().st_mode | 0o011)
    (tmp_path / "folder").chmod(0)
    asked: dict[str, Callable[[], object]] = {
        "read": lambda: tree.read(f"{at}/file"),
        "below": lambda: tree.read(f"{at}/folder/file"),
        "names": lambda: tree.names(f"{at}/folder"),
        "stat": lambda: tree.stat(f"{at}/folder/file"),
        "sha256": lambda: tree.sha256(f"{at}/file"),
    }
    for name, ask in asked.items():
        assert without_rights(lambda ask=ask: str(kind(ask))) == "permission denied", name  # type: ignore[misc]
    (tmp_path / "folder").chmod(0o755)


def test_reading_stops_one_byte_after_the_limit(tmp_path: Path) -> None:
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(10**12)
    tree = Disk(str(tmp_path))
    assert len(tree.read("/huge", 1000)) == 1001
    assert tree.stat("/huge").size == 10**12


def test_sha256_reads_the_whole_of_a_large_file(tmp_path: Path) -> None:
    data = os.urandom(1024 * 1024) * 3 + b"end"
    (tmp_path / "file").write_bytes(data)
    assert Disk(str(tmp_path)).sha256("/file") == hashlib.sha256(data).hexdigest()


def test_names_are_sorted_and_a_file_has_none(root: Path) -> None:
    write(root, "/etc/b", "")
    write(root, "/etc/a", "")
    assert Disk(str(root)).names("/etc") == ["a", "b", "name"]
    assert Disk(str(root)).names("/") == ["etc", "secret"]
    assert kind(lambda: Disk(str(root)).names("/etc/name")) == "is not a folder"
    assert kind(lambda: Disk(str(root)).names("/nothing")) is Missing


@pytest.mark.parametrize("path, found", [("/etc/name", "file"), ("/etc", "folder"), ("/fifo", "other"), ("/", "folder")])
def test_stat_tells_the_kind(root: Path, path: str, found: str) -> None:
    os.mkfifo(root / "fifo")
    assert Disk(str(root)).stat(path).kind == found


def test_stat_shows_permission_bits_and_owner(root: Path) -> None:
    (root / "secret").chmod(0o4640)
    assert Disk(str(root)).stat("/secret")[:4] == ("file", 13, 0o4640, os.geteuid())


def test_a_root_that_is_a_link_is_the_folder_behind_it(root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    assert Disk(str(tmp_path / "link")).read("/etc/name") == b"inside"


# What a hostile system below a root does.


def _swapped(root: Path, tmp_path: Path) -> Disk:
    """A tree that has resolved /etc, which then becomes a link out of the root."""
    tree = Disk(str(root))
    tree.read("/etc/name")
    (root / "etc").rename(root / "old")
    (root / "etc").symlink_to(tmp_path / "outside")
    return tree


def test_a_folder_swapped_for_a_link_does_not_lead_a_reader_out(root: Path, tmp_path: Path) -> None:
    tree = _swapped(root, tmp_path)
    assert kind(lambda: tree.read("/etc/name")) == "a link changed under the reader and led out of the root"
    assert kind(lambda: tree.sha256("/etc/name")) == "a link changed under the reader and led out of the root"


def test_a_folder_swapped_for_a_link_does_not_show_what_lies_outside(root: Path, tmp_path: Path) -> None:
    write(tmp_path, "/outside/folder/of-the-reader", "")
    write(root, "/etc/folder/inside", "")
    tree = _swapped(root, tmp_path)
    assert kind(lambda: tree.names("/etc/folder")) != ["of-the-reader"]


def test_a_folder_swapped_for_a_link_does_not_tell_of_what_stands_outside(root: Path, tmp_path: Path) -> None:
    (tmp_path / "outside/name").chmod(0o604)
    tree = _swapped(root, tmp_path)
    found = kind(lambda: tree.stat("/etc/name"))
    assert not isinstance(found, Stat) or found.mode != 0o604


def test_a_root_beside_another_with_the_same_beginning_is_another(root: Path, tmp_path: Path) -> None:
    write(tmp_path, "/root-other/name", "of the reader")
    tree = Disk(str(root))
    tree.read("/etc/name")
    (root / "etc").rename(root / "old")
    (root / "etc").symlink_to("../root-other")
    assert kind(lambda: tree.read("/etc/name")) == "a link changed under the reader and led out of the root"


@pytest.mark.parametrize(
    "path",
    ["//etc/name", "///etc/name", "etc/name", "", "../secret", "/etc/na\0me", "/a\0/b", "/" + "d/" * 3000 + "x", "/" + "x" * 5000],
)
def test_odd_paths_never_raise_anything_else(root: Path, path: str) -> None:
    for tree in (Disk(str(root)), Disk("/")):
        for ask in (tree.read, tree.names, tree.stat, tree.sha256):
            found: Any = kind(lambda ask=ask: ask(path))  # type: ignore[misc]
            assert found != b"of the reader"


def test_a_link_with_thousands_of_names_is_only_missing(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("a/" * 2000 + "b")
    assert kind(lambda: Disk(str(tmp_path)).read("/link")) is Missing


class _Waiting(Disk):
    """Every file has nothing to say yet, as ``/proc/kmsg`` (a regular file) has for root."""

    @contextmanager
    def _open(self, path: str) -> Iterator[IO[bytes]]:
        self.pipe = os.pipe()
        os.set_blocking(self.pipe[0], False)
        with os.fdopen(self.pipe[0], "rb") as file:
            yield file


def test_a_file_that_has_nothing_yet_gives_bytes_or_a_reason() -> None:
    tree = _Waiting()
    data: object = kind(lambda: tree.read("/proc/kmsg"))
    os.close(tree.pipe[1])
    assert isinstance(data, (bytes, str))


# Strict.


def test_strict_passes_on_what_wants_names(root: Path) -> None:
    tree = Strict(Disk(str(root)), ("/etc/*", "/etc"))
    assert tree.read("/etc/name", 2) == b"ins"
    assert tree.names("/etc") == ["name"]
    assert tree.stat("/etc/name").size == 6
    assert tree.sha256("/etc/name") == hashlib.sha256(b"inside").hexdigest()
    assert tree.files == 1


@pytest.mark.parametrize("verb", ["read", "names", "stat", "sha256"])
def test_strict_refuses_what_no_wants_names(root: Path, verb: str) -> None:
    tree = Strict(Disk(str(root)), ("/etc/*",))
    with pytest.raises(AssertionError, match="/secret is read, and no WANTS names it"):
        getattr(tree, verb)("/secret")
