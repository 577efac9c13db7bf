"""The cache, in the hands of people who wish no good: whatever stands there, an image is judged by its own bytes, and no secret is kept."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cc_fleet.image import cache, collect
from tests.image import claude
from tests.image.build import (
    FORMS,
    INDEX,
    MANIFEST,
    ONLY_PLAIN,
    Blob,
    Member,
    blobs_of,
    described,
    dumped,
    file,
    image,
    layer,
    layout,
    sha,
    tar,
)
from tests.image.ran import PROGRAM, Ran, audit, environ

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs links, modes and FIFOs")
NOBODY = 65534
MORE = 100_000  # bytes that a layer has at least for which it is worth an entry


def made(tmp: Path, name: str = "image", picture: Any = None, form: str = "oci-tar") -> str:
    FORMS[form]([picture or claude.picture("plain" if form in ONLY_PLAIN else "gz", more=MORE)], tmp / name)
    return str(tmp / name)


def said(ran: Ran) -> Any:
    """What a report says, without when."""
    report = ran.report
    for target in report["targets"]:
        target.pop("collected_at", None)
    return {key: value for key, value in report.items() if key not in ("time", "policy")}


def fresh(tmp: Path, path: str) -> Any:
    return said(audit(tmp, "--image", path, "--no-cache"))


def entries(home: Path) -> list[Path]:
    """The files of the cache."""
    return sorted(path for path in (home / ".cache").rglob("*") if path.is_file() and not path.is_symlink())


def warmed(tmp: Path, path: str) -> list[Path]:
    audit(tmp, "--image", path)
    found = entries(tmp / "home")
    assert found, "nothing is kept"
    return found


@pytest.mark.parametrize("form", FORMS)
def test_a_second_run_says_the_same(tmp_path: Path, form: str) -> None:
    path = made(tmp_path, form=form)
    first = fresh(tmp_path, path)
    assert not (tmp_path / "home/.cache").exists()
    assert said(audit(tmp_path, "--image", path)) == first
    assert said(audit(tmp_path, "--image", path)) == first


@pytest.mark.parametrize("packed", ["gz", "zst"])
def test_no_secret_is_kept(tmp_path: Path, packed: str) -> None:
    path = made(tmp_path, picture=claude.picture(packed, more=MORE))
    for found in warmed(tmp_path, path):
        data = found.read_bytes()
        texts = [data, str(found).encode()]
        for wbits in (15, 31, -15):
            try:
                texts.append(zlib.decompress(data, wbits))
            except zlib.error:
                continue
        for text in texts:
            assert claude.SECRET.encode() not in text, found
            assert b"a" * 64 not in text, found  # the userID
        assert found.stat().st_mode & 0o077 == 0, "others may read it"


# Files that hold a secret by no name of ours, one a layer: no deny-list knows them all.
SECRETS = {
    "etc/environment": f"PGPASS={claude.SECRET}\n", "etc/profile": f"export DB_PWD={claude.SECRET}\n", "home/ada/.bashrc": f"mysql -u root -p{claude.SECRET}\n",
    "usr/bin/claude": f'#!/bin/sh\nANTHROPIC_API_KEY={claude.TOKEN} exec /opt/claude "$@"\n', "usr/local/bin/claude": f"#!/bin/sh\nexport ANTHROPIC_AUTH_TOKEN={claude.TOKEN}\n",
    "home/ada/.claude/settings.json": json.dumps({"env": {"X": claude.SECRET}}), "home/ada/.npmrc": f"//r/:_password={claude.SECRET}\n",
    f"{claude.PACKAGE}/package.json": json.dumps({"name": "@anthropic-ai/claude-code", "version": "2.1.330", "x": claude.TOKEN}),
    f"{claude.PACKAGE}/cli.js": f"// {claude.TOKEN}\n", "home/ada/.vscode/extensions/extensions.json": json.dumps([{"x": claude.SECRET}]),
    "etc/passwd": f"root:x:0:0:{claude.SECRET}:/root:/bin/sh\n",
}  # fmt: skip


@pytest.mark.parametrize("name", SECRETS)
def test_no_secret_of_another_name_is_kept(tmp_path: Path, name: str) -> None:
    noise = file("opt/noise", random.Random(7).randbytes(MORE))
    blobs = [layer([*claude.base(), noise], packed="gz"), layer([file(name, SECRETS[name]), noise], packed="gz")]
    audit(tmp_path, "--image", made(tmp_path, picture=image(blobs)))
    for found in entries(tmp_path / "home"):
        assert claude.SECRET.encode() not in found.read_bytes(), found


def linked(path: Path, to: str) -> None:
    path.unlink()
    path.symlink_to(to)


def piped(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def replaced(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "x").write_text("x")


# What may stand where an entry stood.
ODD: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "noise": lambda path: path.write_bytes(os.urandom(5000)),
    "cut": lambda path: path.write_bytes(path.read_bytes()[: len(path.read_bytes()) // 2]),
    "a byte short": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "a flipped byte": lambda path: path.write_bytes(bytes((*(data := path.read_bytes())[: len(data) // 2], data[len(data) // 2] ^ 1, *data[len(data) // 2 + 1 :]))),
    "deep JSON": lambda path: path.write_bytes(b"[" * 1_000_000),
    "JSON of nothing": lambda path: path.write_bytes(b"{}"),
    "null": lambda path: path.write_bytes(b"null"),
    "a list": lambda path: path.write_bytes(b"[1, 2, null]"),
    "500 MB": lambda path: os.truncate(path, 500 << 20),
    "a link to a file": lambda path: linked(path, "/etc/passwd"),
    "a link to a device": lambda path: linked(path, "/dev/zero"),
    "a loop": lambda path: linked(path, path.name),
    "a FIFO": piped,
    "a folder": replaced,
    "not readable": lambda path: path.chmod(0),
}  # fmt: skip


@pytest.mark.parametrize("odd", ODD)
def test_entries_that_are_broken_are_read_again(tmp_path: Path, odd: str) -> None:
    path = made(tmp_path)
    first = fresh(tmp_path, path)
    for found in warmed(tmp_path, path):
        ODD[odd](found)
    passwd = os.stat("/etc/passwd")
    assert said(audit(tmp_path, "--image", path)) == first
    assert said(audit(tmp_path, "--image", path)) == first
    assert os.stat("/etc/passwd") == passwd


def _folders(home: Path) -> list[Path]:
    return [path for path in (home / ".cache").rglob("*") if path.is_dir()]


def claimed(picture: Any, honest: Blob, other: bytes) -> list[Member]:
    """An OCI layout in which the blob that is named by the digest of ``honest`` is other bytes, of the size that is told."""
    blobs, told = blobs_of(picture)
    manifest = json.loads(blobs.pop(told["digest"].partition(":")[2]))
    for descriptor in manifest["layers"]:
        if descriptor["digest"] == f"sha256:{sha(honest.data)}":
            descriptor["size"] = len(other)
    data = dumped(manifest)
    blobs |= {sha(data): data, sha(honest.data): other}
    return layout(blobs, {"schemaVersion": 2, "mediaType": INDEX, "manifests": [described(data, MANIFEST, platform=told["platform"])]})


@pytest.mark.parametrize("packed", ["plain", "gz", "zst"])
def test_an_image_that_lies_does_not_poison_the_next(tmp_path: Path, packed: str) -> None:
    honest = claude.layers(packed, more=MORE)
    picture = image(honest)
    good = made(tmp_path, picture=picture)
    first = fresh(tmp_path, good)
    nothing = layer([file("opt/nothing", random.Random(6).randbytes(MORE))], packed=packed)
    (tmp_path / "evil").write_bytes(tar(claimed(picture, honest[1], nothing.data)))
    for _ in range(2):
        audit(tmp_path, "--image", str(tmp_path / "evil"))
    assert said(audit(tmp_path, "--image", good)) == first


def test_a_docker_archive_that_lies_does_not_poison_the_next(tmp_path: Path) -> None:
    honest = claude.layers("gz", more=MORE)
    for form in ONLY_PLAIN:
        good = made(tmp_path, "good", image(honest), form)
        first = fresh(tmp_path, good)
        liar = image([honest[0], layer([file("opt/nothing", random.Random(6).randbytes(MORE))], packed="gz")._replace(diff=honest[1].diff), *honest[2:]])
        audit(tmp_path, "--image", made(tmp_path, "evil", liar, form))
        assert said(audit(tmp_path, "--image", good)) == first, form


def test_what_lies_is_told_when_asked(tmp_path: Path) -> None:
    """Also where the honest layer is known already."""
    honest = claude.layers("gz", more=MORE)
    picture = image(honest)
    good = made(tmp_path, picture=picture)
    (tmp_path / "evil").write_bytes(tar(claimed(picture, honest[1], layer([file("opt/nothing", random.Random(6).randbytes(MORE))], packed="gz").data)))
    for before in (False, True):
        if before:
            audit(tmp_path, "--image", good)
        ran = audit(tmp_path, "--image", str(tmp_path / "evil"), "--verify")
        assert any("digest" in finding["message"] for finding in ran.report["findings"] if finding["check"] == "unreadable")


def _foreign(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, NOBODY, NOBODY)


def _writable(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o777)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give files away")
@pytest.mark.parametrize("how", [_foreign, _writable])
def test_a_cache_that_others_may_write_is_not_believed(tmp_path: Path, how: Callable[[Path], None]) -> None:
    """Another user put what an empty layer gives where the install's should be."""
    honest = claude.layers("gz", more=MORE)
    good = made(tmp_path, "good", image(honest))
    empty = made(tmp_path, "empty", image([honest[0], layer([file("opt/nothing", random.Random(6).randbytes(MORE))], packed="gz"), *honest[2:]]))
    first = fresh(tmp_path, good)
    both = {}
    for path in (good, empty):
        shutil.rmtree(tmp_path / "home/.cache", ignore_errors=True)
        both[path] = {found: found.read_bytes() for found in warmed(tmp_path, path)}
    only = [data for found, data in both[empty].items() if found not in both[good]]
    shutil.rmtree(tmp_path / "home/.cache")
    warmed(tmp_path, good)
    for found in both[good]:
        if found not in both[empty]:
            found.write_bytes(only[0])
    how(tmp_path / "home/.cache")
    assert said(audit(tmp_path, "--image", good)) == first


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give files away")
@pytest.mark.parametrize("how", [lambda path: os.chown(path, NOBODY, NOBODY), lambda path: path.chmod(0o777), lambda path: path.chmod(0o770)], ids=("another's", "everybody's", "a group's"))
@pytest.mark.parametrize("below", ["", "cc-fleet", "cc-fleet/layers"])
def test_a_folder_that_others_may_write_is_no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, below: str, how: Callable[[Path], None]) -> None:
    base = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(base))
    base.mkdir(mode=0o700)
    assert cache.opened(("x",), digests=False) is not None
    how(base / below)
    assert cache.opened(("x",), digests=False) is None


def test_the_cache_has_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was asked for the longest ago goes first."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    paths = [made(tmp_path, f"image{at}", image([layer([file(f"opt/{at:02}", random.Random(at).randbytes(MORE))], packed="gz")])) for at in range(12)]

    def kept() -> int:
        return sum(one.stat().st_size for one in (tmp_path / "cache").rglob("*") if one.is_file())

    list(collect(paths[0]))
    bound = kept() * 4
    assert bound
    monkeypatch.setattr(cache, "SIZE", bound)
    for path in paths[1:]:
        list(collect(path))
        assert kept() <= bound
    assert kept() > bound / 2


def _file(home: Path) -> None:
    (home / ".cache").write_text("x")


def _link(home: Path) -> None:
    (home / ".cache").mkdir()
    (home / ".cache/cc-fleet").symlink_to("/etc")


def _loop(home: Path) -> None:
    (home / ".cache").symlink_to(".cache")


def _pipe(home: Path) -> None:
    os.mkfifo(home / ".cache")


def _closed(home: Path) -> None:
    (home / ".cache").mkdir(mode=0)


@pytest.mark.parametrize("how", [_file, _link, _loop, _pipe, _closed])
def test_a_cache_that_cannot_be_is_done_without(tmp_path: Path, how: Callable[[Path], None]) -> None:
    path = made(tmp_path)
    first = fresh(tmp_path, path)
    listed = sorted(os.listdir("/etc"))
    how(tmp_path / "home")
    assert said(audit(tmp_path, "--image", path)) == first
    assert sorted(os.listdir("/etc")) == listed


@pytest.mark.parametrize("more", [{"HOME": ""}, {"HOME": "/dev/null"}, {"HOME": "/proc/1"}, {"HOME": "relative"}, {"XDG_CACHE_HOME": "/dev/null"}, {"XDG_CACHE_HOME": ""}, {"XDG_CACHE_HOME": "relative"}, {"XDG_CACHE_HOME": "/proc/self"}, {"HOME": "\udcff\n"}])  # fmt: skip
def test_homes_that_are_odd(tmp_path: Path, more: dict[str, str]) -> None:
    path = made(tmp_path)
    first = fresh(tmp_path, path)
    assert said(audit(tmp_path, "--image", path, env=environ(tmp_path / "home", **more))) == first
    assert not (tmp_path / "relative").exists()


def test_no_home_at_all(tmp_path: Path) -> None:
    path = made(tmp_path)
    first = fresh(tmp_path, path)
    env = environ(tmp_path / "home", XDG_CACHE_HOME=str(tmp_path / "home"))
    del env["HOME"]
    assert said(audit(tmp_path, "--image", path, env=env)) == first


def _started(tmp: Path, path: str, at: int) -> subprocess.Popen[bytes]:
    line = [sys.executable, "-c", PROGRAM, "60", str(tmp / f"took{at}"), "audit", "--image", path, "--policy", str(tmp / "policy.yaml"), "--format", "json"]
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ(tmp / "home"), cwd=tmp)


def _all_said(running: list[subprocess.Popen[bytes]], first: Any) -> None:
    for process in running:
        out, err = process.communicate(timeout=120)
        assert said(Ran(process.returncode, out.decode(), err.decode(), 0, 0)) == first


def test_several_at_once(tmp_path: Path) -> None:
    path = made(tmp_path)
    first = fresh(tmp_path, path)
    _all_said([_started(tmp_path, path, at) for at in range(5)], first)
    left = [found.name for found in entries(tmp_path / "home")]
    assert not [name for name in left if "tmp" in name or name.startswith(".")], "half-written files are left"
    assert said(audit(tmp_path, "--image", path)) == first


def test_a_cache_may_be_deleted_at_any_time(tmp_path: Path) -> None:
    path = made(tmp_path)
    first = fresh(tmp_path, path)
    over = threading.Event()

    def delete() -> None:
        while not over.is_set():
            shutil.rmtree(tmp_path / "home/.cache", ignore_errors=True)

    thread = threading.Thread(target=delete)
    thread.start()
    try:
        _all_said([_started(tmp_path, path, at) for at in range(4)], first)
    finally:
        over.set()
        thread.join()


def test_a_newer_layer_of_another_packing_is_the_same(tmp_path: Path) -> None:
    """One layer as plain, gz and zst: whatever was kept of one, the others give the same but for digests."""
    found = []
    for packed in ("plain", "gz", "zst"):
        ran = audit(tmp_path, "--image", made(tmp_path, packed, claude.picture(packed)))
        found.append([(one["check"], one["message"]) for one in ran.report["findings"]])
    assert found[0] == found[1] == found[2]
