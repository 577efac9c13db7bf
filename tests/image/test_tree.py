"""An image read by the product, by a naive reading of the same bytes, and unpacked on a disk: the same answers, however it is packed."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cc_fleet.host import facts
from cc_fleet.host.system import under
from cc_fleet.host.tree import Missing, Stat, Tree, Unreadable
from cc_fleet.image import collect, tar
from cc_fleet.image.layer import Asked, Layer, Room, packed, plain
from cc_fleet.image.scan import Options
from cc_fleet.image.tree import ImageTree, rehomed
from cc_fleet.image.unpack import Plain, Window
from cc_fleet.image.wanted import Wanted
from cc_fleet.model import Place, Target
from tests.image import build, claude, trees
from tests.image.build import FORMS, ONLY_PLAIN, file, folder, hardlink, image, layer, opaque, symlink, whiteout
from tests.image.oracle import Files, parts

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs links and modes")
LONG = settings(max_examples=int(os.environ.get("CC_FLEET_EXAMPLES", "150")), deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)


class All(Wanted):
    """Wants every file."""

    def __init__(self) -> None:
        super().__init__([])

    def __call__(self, folder: bytes, name: bytes, below: Any) -> bool:
        return True


def from_plain(data: bytes, tmp: Path, at: int) -> Layer:
    name = tmp / f"layer{at}"
    name.write_bytes(data)
    descriptor = os.open(name, os.O_RDONLY)
    return plain(Plain(descriptor, 0, len(data)), Room())


def from_packed(data: bytes, asked: Asked = Asked()) -> Layer:
    return packed(Window(io.BytesIO(data).readinto), All(), asked, Room())


def told(ask: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return ask(*arguments)
    except Missing:
        return "missing"
    except Unreadable as err:
        return str(err)


def looked(tree: Tree, path: str) -> tuple[Any, ...]:
    found = told(tree.stat, path)
    if isinstance(found, Stat) and found.kind != "file":
        found = found._replace(size=0, mode=found.mode if found.real != "/" else 0o755, uid=found.uid if found.real != "/" else 0)
    return found, told(tree.names, path), told(tree.read, path, 1 << 20), told(tree.part, path, 3, 600)


def asked(oracle: Files) -> list[str]:
    """Every path that is there, and some that are not."""
    there = oracle.paths()
    return [*there, *(f"{path.rstrip('/')}/{more}" for path in there for more in ("a", "..", "b/..", ".wh.a", "../c/./a")), "/nothing", "relative", "", "/a\0b", "/.wh..wh..opq"]


def same(datas: Sequence[bytes], layers: list[Layer]) -> None:
    oracle = Files(datas)
    for _ in range(3):
        rehomed(layers)
        tree = ImageTree(layers)
        answers = {path: looked(tree, path) for path in asked(oracle)}
        if not tree.asked:
            break
        for number, wanted in tree.asked.items():  # what a packed layer did not keep is read again
            layers[number] = from_packed(datas[number], Asked({at: one.size for at, one in wanted.items()}, frozenset(at for at, one in wanted.items() if one.digest)))
    for path, found in answers.items():
        assert found == looked(oracle, path), path
        if isinstance(found[0], Stat) and found[0].kind == "file" and len(found[2]) == found[0].size:
            assert layers[0].source is None or told(tree.sha256, path) == told(oracle.sha256, path), path


# What meets what, one thing at a time; each says what of the specification it shows.
LAYERED: dict[str, list[list[build.Member]]] = {
    "a whiteout takes a file away": [[file("a/b", "1"), file("a/c", "2")], [whiteout("a/b")]],
    "a whiteout takes a folder away": [[file("a/b", "1")], [whiteout("a")]],
    "a whiteout spares its own layer": [[file("a", "1")], [file("a", "2"), whiteout("a")]],
    "a whiteout that stands first spares its own layer": [[file("a", "1")], [whiteout("a"), file("a", "2")]],
    "a folder comes again after a whiteout": [[file("a/b", "1")], [whiteout("a"), file("a/c", "2")]],
    "a whiteout of what is not there": [[file("a", "1")], [whiteout("b"), whiteout("c/d")]],
    "what was taken away comes back": [[file("a", "1")], [whiteout("a")], [file("a", "3")]],
    "an opaque folder": [[file("a/b", "1"), file("a/c/d", "2")], [folder("a"), opaque("a"), file("a/e", "3")]],
    "an opaque folder without a member": [[file("a/b", "1")], [opaque("a")]],
    "an opaque mark that stands last": [[file("a/b", "1")], [file("a/e", "3"), opaque("a")]],
    "an opaque root": [[file("a/b", "1")], [opaque(""), file("c", "2")]],
    "a file replaces a folder": [[file("a/b", "1")], [file("a", "2")]],
    "a folder replaces a file": [[file("a", "1")], [folder("a"), file("a/b", "2")]],
    "a folder that no member is replaces a file": [[file("a", "1")], [file("a/b", "2")]],
    "a link replaces a folder": [[file("a/b", "1"), file("c/b", "2")], [symlink("a", "c")]],
    "a folder replaces a link": [[symlink("a", "c"), file("c/b", "1")], [folder("a"), file("a/d", "2")]],
    "folders are merged, the later mode counts": [[folder("a", 0o700), file("a/b", "1")], [folder("a", 0o755), file("a/c", "2")]],
    "what stands in a folder that is a link below": [[folder("usr/lib"), symlink("lib", "usr/lib")], [file("lib/x", "1")]],
    "a whiteout in a folder that is a link below": [[file("usr/lib/x", "1"), symlink("lib", "usr/lib")], [whiteout("lib/x")]],
    "an opaque mark in a folder that is a link below": [[file("usr/lib/x", "1"), symlink("lib", "usr/lib")], [opaque("lib")]],
    "a folder that no member is, where a link was taken away": [[file("a", "1"), symlink("b", "a")], [whiteout("b"), file("b/a", "2")]],
    "what stands in a folder that is a link to the root below": [[symlink("a", "..")], [file("a/b/c", "1")]],
    "an absolute link stays inside": [[file("etc/x", "1"), symlink("a/l", "/etc/x"), symlink("a/m", "../../../../etc/x")]],
    "links of links": [[file("x", "1"), symlink("a", "b"), symlink("b", "./c"), symlink("c", "/x")]],
    "loops": [[symlink("a", "a"), symlink("b", "c"), symlink("c", "b"), symlink("d", "d/x")]],
    "a link to nothing": [[symlink("a", "nothing"), symlink("b", "/x/y")]],
    "a hard link": [[file("a", "1", 0o755, 7), hardlink("b", "a")]],
    "a hard link to a lower layer": [[file("a", "1")], [hardlink("b", "a")]],
    "a hard link outlives its first name": [[file("a", "1"), hardlink("b", "a")], [whiteout("a")]],
    "a hard link keeps what it had": [[file("a", "1"), hardlink("b", "a")], [file("a", "2")]],
    "a hard link to a hard link": [[file("a", "1"), hardlink("b", "a"), hardlink("c", "b")]],
    "a hard link to a link": [[file("a", "1"), symlink("l", "a"), hardlink("h", "l")]],
    "a name twice": [[file("a", "1"), file("a", "2")]],
    "a file and then a folder of one name": [[file("a/b", "1"), file("a", "2")]],
    "a folder and then a file of one name": [[folder("a"), file("a", "2")]],
    "devices": [[build.Member("a", kind="fifo"), build.Member("b", kind="char"), build.Member("c/d", kind="block")]],
    "a file replaces a device": [[build.Member("a", kind="fifo")], [file("a", "1")]],
    "names of more than 100 bytes": [[file("x" * 60 + "/" + "y" * 60, "1"), symlink("l", "x" * 60 + "/" + "y" * 60), hardlink("h", "x" * 60 + "/" + "y" * 60)]],
    "names that only look like whiteouts": [[file(".wh", "1"), file("wh.a", "2"), file("a.wh.b", "3")]],
    "an empty file": [[file("a", ""), file("b", "x" * 512)]],
}  # fmt: skip


@pytest.mark.parametrize("way", ["", "./", "/"], ids=("bare", "dotted", "absolute"))
@pytest.mark.parametrize("name", LAYERED)
def test_layers_as_the_specification_has_them(tmp_path: Path, name: str, way: str) -> None:
    for form in ("pax", "gnu"):
        datas = [build.tar(members, form, way) for members in LAYERED[name]]
        same(datas, [from_plain(data, tmp_path, at) for at, data in enumerate(datas)])
        same(datas, [from_packed(data) for data in datas])


def usual(found: list[Any]) -> bool:
    """Whether a runtime would unpack these layers: no member below what is a file, no hard link to nothing, no name that leads out."""
    files = Files()
    for at, one in enumerate(found):
        with tarfile.open(fileobj=io.BytesIO(trees.written(one))) as opened:
            seen: set[tuple[str, ...]] = set()
            special = False
            for member in opened:
                path = parts(member.name)
                special = special or not member.isreg()
                if not path or (path in seen and special):  # a name twice is a file's, and no link's
                    return False
                seen.add(path)
        files.apply(trees.written(one), at + 1)
    return not files.refused and not files.odd


@LONG
@given(trees.layered())
def test_any_layers(found: list[Any]) -> None:
    if not usual(found):
        return
    datas = [trees.written(one) for one in found]
    with tempfile.TemporaryDirectory() as tmp:
        same(datas, [from_plain(data, Path(tmp), at) for at, data in enumerate(datas)])
        same(datas, [from_packed(data) for data in datas])


# The walk over a tar, beside tarfile's


def walked(data: bytes) -> Iterator[tuple[Any, ...]]:
    for offset, kind, name, link, size, _, rare in tar.members(Window(io.BytesIO(data).readinto)):
        yield name.rstrip(b"/"), bytes((kind,)), link, offset, rare.data if rare else offset + 512, rare.size if rare else size


@LONG
@given(st.lists(trees.members(), max_size=20), st.sampled_from(("pax", "gnu")), st.sampled_from(trees.WAYS))
def test_a_tar_is_walked_as_tarfile_walks_it(members: list[build.Member], form: str, way: str) -> None:
    data = build.tar(members, form, way)
    with tarfile.open(fileobj=io.BytesIO(data)) as opened:
        expected = [(os.fsencode(one.name).rstrip(b"/"), os.fsencode(one.linkname) if one.type in b"12" else b"", one.size, one.isdir(), one.issym(), one.islnk(), one.isreg()) for one in opened]
    found = list(walked(data))
    assert len(found) == len(expected)
    for (name, kind, link, *_), (known, linked, size, isdir, issym, islnk, isreg) in zip(found, expected, strict=True):
        assert (name, link) == (known, linked)
        assert (kind == b"5", kind == b"2", kind == b"1") == (isdir, issym, islnk)
        assert size >= 0
        assert isreg or kind in b"123456"


# Facts, beside those of the same files on a disk


def unpacked(oracle: Files, root: Path) -> None:
    """The oracle's files on a disk."""
    for path, node in sorted(oracle.nodes.items()):
        at = root.joinpath(*path)
        if node.kind == "folder":
            at.mkdir(parents=True, exist_ok=True)
        elif node.kind == "link":
            at.symlink_to(node.link)
        elif node.kind == "file":
            at.write_bytes(node.content)
        else:
            os.mkfifo(at)
        if node.kind != "link":
            os.chown(at, node.uid, node.uid)
    for path, node in sorted(oracle.nodes.items(), reverse=True):
        if node.kind != "link":
            root.joinpath(*path).chmod(node.mode)


def bare(fact: Any) -> Any:
    """A fact without what only images say of it."""
    place = getattr(fact, "place", None)
    return fact._replace(place=place._replace(layer=None)) if isinstance(place, Place) else fact


PIECES = (claude.base(), claude.npm("2.1.17"), claude.npm("2.1.330"), claude.own(), [whiteout(f"{claude.PACKAGE}")], [whiteout("home/ada/.claude")], [file("home/ada/.claude/settings.json", "{broken")],
          [opaque("home/ada")], [symlink("home/ada/.claude", "/etc")], [file("etc/environment", "CLAUDE_CODE_USE_BEDROCK=1\n")], [file("usr/bin/claude", "#!/bin/sh\n", 0o755)])  # fmt: skip


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files their owners")
@settings(LONG, max_examples=40)
@given(st.lists(st.sampled_from(range(1, len(PIECES))), min_size=1, max_size=5), st.sampled_from(tuple(FORMS)), st.sampled_from(("plain", "gz", "zst")))
def test_facts_are_those_of_the_same_files_on_a_disk(chosen: list[int], form: str, way: str) -> None:
    way = "plain" if form in ONLY_PLAIN else way
    datas = [build.tar(PIECES[at]) for at in (0, *chosen)]
    with tempfile.TemporaryDirectory() as tmp:
        FORMS[form]([image([layer(data, packed=way) for data in datas], inner={"Env": [], "User": "root"})], Path(tmp) / "image")
        (found,) = collect(str(Path(tmp) / "image"), options=Options(cache=False, verify=True, digests=True))
        unpacked(Files(datas), Path(tmp) / "root")
        disk = facts.collect(under(str(Path(tmp) / "root"), digests=True))
        for group in ("settings", "rejected", "gateways", "updates", "gaps"):
            assert sorted(map(repr, map(bare, getattr(found, group)))) == sorted(map(repr, getattr(disk, group))), group
        assert sorted(repr(bare(one)) for one in found.credentials if one.removed is None) == sorted(map(repr, disk.credentials))
        assert sorted(repr(bare(one)._replace(active_for=None)) for one in found.installs) == sorted(repr(one._replace(active_for=None)) for one in disk.installs)
        assert sorted(repr(bare(one)) for one in found.variables if one.origin != "process") == sorted(map(repr, disk.variables))


def alike(found: Target) -> Target:
    """Facts without what differs by the form of a file."""
    return found._replace(collected_at="", coverage=found.coverage._replace(files=0), images=(), layers=(), name=found.name.removeprefix("docker.io/"))


@pytest.mark.parametrize("way", trees.PACKINGS)
@pytest.mark.parametrize("form", FORMS)
def test_one_image_in_every_form_gives_the_same_facts(tmp_path: Path, form: str, way: str) -> None:
    if form in ONLY_PLAIN and not way.startswith(("plain", "gz")):
        pytest.skip("holds no such layers")
    inner = {"Env": [f"ANTHROPIC_API_KEY={claude.TOKEN}"], "User": "ada"}
    FORMS["oci-folder"]([image(claude.layers(), inner=inner)], tmp_path / "first")
    FORMS[form]([image(claude.layers(way), inner=inner)], tmp_path / "image")
    (first,), (found,) = (collect(str(tmp_path / name), options=Options(cache=False, verify=True)) for name in ("first", "image"))
    assert alike(found) == alike(first)
    assert not found.gaps
    assert [(one.number, one.command) for one in found.layers] == [(one.number, one.command) for one in first.layers]
    assert [one.removed for one in found.credentials if one.removed] == [4]


def test_several_images_in_one_file(tmp_path: Path) -> None:
    for form in FORMS:
        if form == "oci-nested":
            continue
        pictures = [claude.picture(tags=("acme/a:1", "acme/a:2")), image(claude.layers()[:1], tags=("acme/b:1",))]
        FORMS[form](pictures, tmp_path / form)
        names = {target.name for target in collect(str(tmp_path / form), options=Options(cache=False))}
        assert any("acme/a:1" in name for name in names), form
        assert any("acme/b:1" in name for name in names), form


def test_platforms(tmp_path: Path) -> None:
    pictures = [image(claude.layers(), platform=platform) for platform in ("linux/arm64/v8", "linux/amd64", "windows/amd64")]
    FORMS["oci-nested"](pictures, tmp_path / "image")
    for asked_for, expected in ((None, ["linux/amd64"]), ("linux/arm64", ["linux/arm64/v8"]), ("linux/arm64/v8", ["linux/arm64/v8"])):
        found = list(collect(str(tmp_path / "image"), options=Options(platform=asked_for, cache=False)))
        assert [one.images[0].platform for one in found if one.images] == expected
    (missing,) = collect(str(tmp_path / "image"), options=Options(platform="linux/s390x", cache=False))
    assert missing.gaps


def test_layers_of_gzip_that_begin_with_nothing(tmp_path: Path) -> None:
    data = build.tar(claude.npm())
    blobs = [layer(claude.base()), build.Blob(gzip.compress(b"", mtime=0) * 3 + build.gz(data), build.sha(data), "gz"), build.Blob(build.zst(b"") * 3 + build.zst(data), build.sha(data), "zst")]
    for blob in blobs[1:]:
        FORMS["oci-tar"]([image([blobs[0], blob])], tmp_path / "image")
        (found,) = collect(str(tmp_path / "image"), options=Options(cache=False))
        assert found.installs
        assert not found.gaps


def test_what_is_read_is_closed(tmp_path: Path) -> None:
    FORMS["oci-tar"]([claude.picture()], tmp_path / "image")
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    for _ in range(5):
        list(collect(str(tmp_path / "image"), options=Options(cache=False)))
    assert (len(os.listdir("/proc/self/fd")) if before else 0) == before

