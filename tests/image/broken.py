"""Files that are broken on purpose, each made by a function that writes it into a folder.

``REFUSED`` are no images at all (exit 2), ``GAPS`` are images of which something cannot be read (exit 4, or 1 where a finding stands
beside), ``FINE`` look odd and are read all the same.
"""

from __future__ import annotations

import gzip
import json
import os
import struct
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from tests.image import claude
from tests.image.build import (
    BLOCK,
    CONFIG,
    INDEX,
    MAGIC,
    MANIFEST,
    MEDIA,
    Blob,
    Entries,
    Member,
    Picture,
    blobs_of,
    described,
    docker_old,
    dumped,
    file,
    folder,
    gz,
    hardlink,
    header,
    image,
    layer,
    layout,
    long_name,
    member,
    number,
    oci,
    padded,
    pax,
    sha,
    summed,
    symlink,
    tar,
    unpacked,
    zeros_gz,
    zeros_zst,
    zst,
)  # fmt: skip

Made = Callable[[Path], Path | str]
ZERO = bytes(2 * BLOCK)
GIGABYTE = 1 << 30


def written(data: bytes) -> Made:
    def make(tmp: Path) -> Path:
        (tmp / "image").write_bytes(data)
        return tmp / "image"

    return make


def later(data: Callable[[], bytes]) -> Made:
    """As ``written``, of bytes that are made when they are asked for."""

    def make(tmp: Path) -> Path:
        (tmp / "image").write_bytes(data())
        return tmp / "image"

    return make


def of_entries(entries: Callable[[], Entries]) -> Made:
    return later(lambda: tar(entries()))


def with_layers(layers: Callable[[], Sequence[Blob]], form: Callable[[Sequence[Picture]], Entries] = oci) -> Made:
    return later(lambda: tar(form([image(layers())])))


def with_members(members: Callable[[], Iterable[Member] | bytes]) -> Made:
    """An image of a good base, a layer of these members, and an install."""
    return with_layers(lambda: [layer(claude.base()), layer(members()), layer(claude.npm())])


def rewritten(change: Callable[[dict[str, bytes], dict[str, Any]], None]) -> Made:
    """An OCI layout whose blobs and index were changed, with no digest put right."""

    def make(tmp: Path) -> Path | str:
        blobs, told = blobs_of(claude.picture())
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [told]}
        change(blobs, index)
        return written(tar(layout(blobs, index)))(tmp)

    return make


def of_manifest(change: Callable[[dict[str, Any], dict[str, bytes]], object]) -> Made:
    """An OCI layout whose manifest was changed, and has a digest that is right."""

    def made(blobs: dict[str, bytes], index: dict[str, Any]) -> None:
        told = index["manifests"][0]
        manifest = json.loads(blobs.pop(told["digest"].partition(":")[2]))
        changed = change(manifest, blobs)
        data = dumped(manifest) if changed is None else changed if isinstance(changed, bytes) else dumped(changed)
        blobs[sha(data)] = data
        index["manifests"] = [described(data, MANIFEST, platform=told["platform"])]

    return rewritten(made)


def of_config(change: Callable[[dict[str, Any]], object]) -> Made:
    def made(manifest: dict[str, Any], blobs: dict[str, bytes]) -> None:
        config = json.loads(blobs.pop(manifest["config"]["digest"].partition(":")[2]))
        changed = change(config)
        data = dumped(config) if changed is None else changed if isinstance(changed, bytes) else dumped(changed)
        blobs[sha(data)] = data
        manifest["config"] = described(data, CONFIG)

    return of_manifest(made)


def _digest(descriptor: dict[str, Any]) -> str:
    return str(descriptor["digest"]).partition(":")[2]


# No images


def _loop(tmp: Path) -> Path:
    (tmp / "image").symlink_to("image")
    return tmp / "image"


def _folder(**files: bytes) -> Made:
    def make(tmp: Path) -> Path:
        (tmp / "folder").mkdir()
        for name, data in files.items():
            (tmp / "folder" / name).write_bytes(data)
        return tmp / "folder"

    return make


def _folder_of_fifos(tmp: Path) -> Path:
    (tmp / "folder").mkdir()
    os.mkfifo(tmp / "folder" / "a.tar")
    (tmp / "folder" / "b.tar").symlink_to("/dev/zero")
    (tmp / "folder" / "c.tar").symlink_to("c.tar")
    return tmp / "folder"


REFUSED: dict[str, Made] = {
    "nothing there": lambda tmp: tmp / "missing.tar",
    "an empty file": written(b""),
    "a PDF": written(b"%PDF-1.7\n" + os.urandom(5000)),
    "text": written(b"FROM node:22\nRUN npm i -g @anthropic-ai/claude-code\n"),
    "a name with a newline and an escape": lambda tmp: Path(written(b"x")(tmp)).rename(tmp / "a\n\x1b[31mb.tar"),
    "noise": written(os.urandom(20_000)),
    "zeros": written(bytes(20_000)),
    "noise in gzip": written(gzip.compress(os.urandom(20_000))),
    "nothing in gzip": written(gzip.compress(b"")),
    "a head of gzip": written(b"\x1f\x8b\x08\x00"),
    "a head of zstd": written(b"\x28\xb5\x2f\xfd"),
    "a tar that is no image": written(tar(claude.base())),
    "an empty tar": written(ZERO),
    "an empty folder": _folder(),
    "a folder of texts": _folder(**{"README.md": b"hi", "a.tar": b"no"}),
    "a folder of devices": _folder_of_fifos,
    "a device": lambda tmp: "/dev/zero",
    "a loop of links": _loop,
    "a registry's name": lambda tmp: "docker://node:22",
    "a name and a tag": lambda tmp: "node:22",
    "a registry's name with a digest": lambda tmp: "ghcr.io/acme/ci@sha256:" + "0" * 64,
    "no name": lambda tmp: "",
}  # fmt: skip
# Of these nobody can say whether they were to be images: they may be told as a target that cannot be read.
PERHAPS = frozenset({"zeros", "noise in gzip", "nothing in gzip", "a head of gzip", "a head of zstd", "a tar that is no image", "an empty tar"})


# Structures


def _flip(data: bytes, at: int = -3) -> bytes:
    """``data`` with one letter changed, still JSON where it was: a space more."""
    return data[:at] + b" " + data[at:]


def _wrong_manifest(blobs: dict[str, bytes], index: dict[str, Any]) -> None:
    name = _digest(index["manifests"][0])
    blobs[name] = blobs[name].replace(b"schemaVersion", b"schemaversion")


def _wrong_config(blobs: dict[str, bytes], index: dict[str, Any]) -> None:
    name = _digest(json.loads(blobs[_digest(index["manifests"][0])])["config"])
    blobs[name] = blobs[name].replace(b'"User": "ada"', b'"User": "bob"')


def _wrong_index(blobs: dict[str, bytes], index: dict[str, Any]) -> None:
    inner = dumped(index)
    index["manifests"] = [described(inner, INDEX)]
    blobs[_digest(index["manifests"][0])] = inner.replace(b"amd64", b"arm64")


def _missing(which: str) -> Callable[[dict[str, bytes], dict[str, Any]], None]:
    def change(blobs: dict[str, bytes], index: dict[str, Any]) -> None:
        manifest = json.loads(blobs[_digest(index["manifests"][0])])
        named = {"manifest": index["manifests"][0], "config": manifest["config"], "layer": manifest["layers"][1]}
        del blobs[_digest(named[which])]

    return change


def _circle(blobs: dict[str, bytes], index: dict[str, Any]) -> None:
    """Two indexes that name each other: no digest of theirs can be right."""
    one, two = "1" * 64, "2" * 64
    blobs[one] = dumped({"schemaVersion": 2, "mediaType": INDEX, "manifests": [{"mediaType": INDEX, "digest": f"sha256:{two}", "size": 300}]})
    blobs[two] = dumped({"schemaVersion": 2, "mediaType": INDEX, "manifests": [{"mediaType": INDEX, "digest": f"sha256:{one}", "size": 300}]})
    index["manifests"] = [{"mediaType": INDEX, "digest": f"sha256:{one}", "size": len(blobs[one])}]


def _nested(levels: int) -> Callable[[dict[str, bytes], dict[str, Any]], None]:
    def change(blobs: dict[str, bytes], index: dict[str, Any]) -> None:
        for _ in range(levels):
            inner = dumped(index)
            blobs[sha(inner)] = inner
            index["manifests"] = [described(inner, INDEX)]

    return change


def _doubling(blobs: dict[str, bytes], index: dict[str, Any]) -> None:
    """Forty indexes, each of which names the one below twice: 2^40 ways to one manifest."""
    for _ in range(40):
        inner = dumped(index)
        blobs[sha(inner)] = inner
        index["manifests"] = [described(inner, INDEX)] * 2


def _many(blobs: dict[str, bytes], index: dict[str, Any]) -> None:
    index["manifests"] = [{**index["manifests"][0], "digest": f"sha256:{at:064x}"} for at in range(40_000)]


def _often(blobs: dict[str, bytes], index: dict[str, Any]) -> None:
    index["manifests"] = index["manifests"] * 20_000


def _big(document: str) -> Callable[[dict[str, bytes], dict[str, Any]], None]:
    """A document of 100 MB, whose digest is right."""

    def change(blobs: dict[str, bytes], index: dict[str, Any]) -> None:
        text = "x" * (100 << 20)
        if document == "index":
            index["annotations"] = {"x": text}
            return
        manifest = json.loads(blobs[_digest(index["manifests"][0])])
        if document == "manifest":
            manifest["annotations"] = {"x": text}
        else:
            data = dumped({**json.loads(blobs[_digest(manifest["config"])]), "x": text})
            blobs[sha(data)] = data
            manifest["config"] = described(data, CONFIG)
        data = dumped(manifest)
        blobs[sha(data)] = data
        index["manifests"] = [described(data, MANIFEST, platform={"os": "linux", "architecture": "amd64"})]

    return change


def _deep(blobs: dict[str, bytes], index: dict[str, Any]) -> None:
    data = b'{"schemaVersion": 2, "layers": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    blobs[sha(data)] = data
    index["manifests"] = [described(data, MANIFEST)]


def _index(data: bytes) -> Made:
    return later(lambda: tar(layout({}, data)))


def _media(kind: str, **more: Any) -> Made:
    def change(manifest: dict[str, Any], blobs: dict[str, bytes]) -> None:
        manifest["layers"][1] |= {"mediaType": kind, **more}

    return of_manifest(change)


def _foreign(manifest: dict[str, Any], blobs: dict[str, bytes]) -> None:
    told = manifest["layers"][1]
    del blobs[_digest(told)]
    told |= {"mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", "urls": ["https://example.com/layer"]}


def _setting(**values: Any) -> Made:
    return of_manifest(lambda manifest, blobs: {**manifest, **values})


def _layer_of(blob: Callable[[], Blob]) -> Made:
    return with_layers(lambda: [layer(claude.base()), blob(), layer(claude.npm())])


def _gz_wrong(at: int) -> Blob:
    """A layer whose gzip ends with a wrong checksum (-8) or size (-4)."""
    data = bytearray(layer(claude.npm(), packed="gz").data)
    data[at] ^= 0x55
    return Blob(bytes(data), layer(claude.npm()).diff, "gz")


def _zst_wrong() -> Blob:
    data = bytearray(layer(claude.npm(), packed="zst").data)
    data[-2] ^= 0x55
    return Blob(bytes(data), layer(claude.npm()).diff, "zst")


def _cut(packed: str, share: float) -> Blob:
    blob = layer([*claude.npm(), file("usr/lib/x", os.urandom(50_000))], packed=packed)
    return blob._replace(data=blob.data[: int(len(blob.data) * share)])


def _old_manifest(change: Callable[[list[Any]], object]) -> Made:
    """A docker archive whose manifest.json was changed."""

    def make(tmp: Path) -> Path | str:
        entries = docker_old([claude.picture()])
        for at, entry in enumerate(entries):
            if entry.name == "manifest.json":
                document = json.loads(entry.content)
                changed = change(document)
                entries[at] = file("manifest.json", dumped(document) if changed is None else changed if isinstance(changed, bytes) else dumped(changed))
        return written(tar(entries))(tmp)

    return make


def _old_without(name: str) -> Made:
    """A docker archive of which the last entry whose name ends so is missing."""

    def make(tmp: Path) -> Path | str:
        entries = docker_old([claude.picture()])
        gone = [at for at, entry in enumerate(entries) if str(entry.name).endswith(name)][-1]
        return written(tar([*entries[:gone], *entries[gone + 1 :]]))(tmp)

    return make


def _old_config(tmp: Path) -> Path | str:
    """A docker archive whose config is not the one that its name says."""
    entries = [one._replace(content=one.content.replace(b'"User": "ada"', b'"User": "bob"')) for one in docker_old([claude.picture()])]
    return written(tar(entries))(tmp)


def _old_links(tmp: Path) -> Path | str:
    """A docker archive whose layers are links to each other."""
    entries = docker_old([claude.picture()])
    names = [str(one.name) for one in entries if str(one.name).endswith("layer.tar")]
    links = {name: names[(at + 1) % len(names)] for at, name in enumerate(names)}
    return written(tar([symlink(one.name, f"../{links[str(one.name)]}") if one.name in links else one for one in entries]))(tmp)


def _old_outside(tmp: Path) -> Path | str:
    (tmp / "outside.tar").write_bytes(tar(claude.npm()))
    entries = docker_old([claude.picture()])
    links = [str(one.name) for one in entries if str(one.name).endswith("layer.tar")][1:2]
    return written(tar([symlink(one.name, str(tmp / "outside.tar")) if one.name in links else one for one in entries]))(tmp)


def _blob_is(kind: str) -> Made:
    """An OCI folder whose second layer is something else than a file of its own."""

    def make(tmp: Path) -> Path:
        picture = claude.picture()
        root = unpacked(oci([picture]), tmp / "folder")
        blob = root / "blobs/sha256" / sha(picture.layers[1].data)
        blob.unlink()
        if kind == "outside":
            (tmp / "outside").write_bytes(tar(claude.npm()))
            blob.symlink_to(tmp / "outside")
        elif kind == "shadow":
            blob.symlink_to("/etc/shadow")
        elif kind == "fifo":
            os.mkfifo(blob)
        elif kind == "zero":
            blob.symlink_to("/dev/zero")
        elif kind == "loop":
            blob.symlink_to(blob.name)
        elif kind == "folder":
            blob.mkdir()
        return root

    return make


def _index_is(kind: str) -> Made:
    def make(tmp: Path) -> Path:
        root = unpacked(oci([claude.picture()]), tmp / "folder")
        (root / "index.json").unlink()
        if kind == "fifo":
            os.mkfifo(root / "index.json")
        else:
            (root / "index.json").symlink_to("/dev/zero" if kind == "zero" else "/etc/passwd")
        return root

    return make


def _digests(digest: str) -> Made:
    """A layer whose digest is no digest, or a path."""

    def change(manifest: dict[str, Any], blobs: dict[str, bytes]) -> None:
        manifest["layers"][1]["digest"] = digest

    return of_manifest(change)


STRUCTURES: dict[str, Made] = {
    "a manifest of another digest": rewritten(_wrong_manifest),
    "a config of another digest": rewritten(_wrong_config),
    "an inner index of another digest": rewritten(_wrong_index),
    "a docker archive's config of another digest": _old_config,
    "a manifest that is missing": rewritten(_missing("manifest")),
    "a config that is missing": rewritten(_missing("config")),
    "a layer that is missing": rewritten(_missing("layer")),
    "indexes in a circle": rewritten(_circle),
    "indexes 1000 deep": rewritten(_nested(1000)),
    "indexes that double": rewritten(_doubling),
    "40,000 manifests that are missing": rewritten(_many),
    "an index of 100 MB": rewritten(_big("index")),
    "a manifest of 100 MB": rewritten(_big("manifest")),
    "a config of 100 MB": rewritten(_big("config")),
    "a manifest of deep JSON": rewritten(_deep),
    "an index of deep JSON": _index(b"[" * 500_000),
    "an index of deep objects": _index(b'{"manifests":' * 200_000),
    "an index that is a list": _index(b"[]"),
    "an index of numbers": _index(b'{"schemaVersion": 2, "manifests": [1, null, "x", {}, {"digest": 5}]}'),
    "an index that is no JSON": _index(b"\xff\xfe nothing"),
    "an index with a huge number": _index(b'{"schemaVersion": 2, "manifests": [{"mediaType": "x", "digest": "sha256:' + b"0" * 64 + b'", "size": ' + b"9" * 10_000 + b"}]}"),
    "an index that names nothing": _index(b'{"schemaVersion": 2, "manifests": []}'),
    "an unknown kind of layer": _media("application/x-lz4"),
    "an encrypted layer": _media(MEDIA["gz"] + "+encrypted"),
    "a kind of layer that is a number": _media(5),  # type: ignore[arg-type]
    "a foreign layer": of_manifest(_foreign),
    "layers that are a text": _setting(layers="x"),
    "layers of texts": _setting(layers=["x", 5, None]),
    "no layers": of_manifest(lambda manifest, blobs: {key: value for key, value in manifest.items() if key != "layers"}),
    "a config that is a text": _setting(config="x"),
    "a schema of old": _setting(schemaVersion=1, config=None, layers=None, fsLayers=[{"blobSum": "sha256:" + "0" * 64}]),
    "a manifest that is a list": of_manifest(lambda manifest, blobs: []),
    "a config that is a list": of_config(lambda config: []),
    "a config of noise": of_config(lambda config: b"\x00\xff"),
    "a config of deep JSON": of_config(lambda config: b'{"rootfs":' * 100_000),
    "a config without diff_ids": of_config(lambda config: {**config, "rootfs": {}}),
    "a config of fewer diff_ids": of_config(lambda config: {**config, "rootfs": {"type": "layers", "diff_ids": config["rootfs"]["diff_ids"][:1]}}),
    "a layer's digest that is a path": _digests("sha256:../../../../etc/shadow"),
    "a layer's digest that is another's": _digests("sha512:" + "0" * 128),
    "a layer's digest with escapes": _digests("sha256:\x1b]0;x\x07\n" + "0" * 50),
    "a layer's digest that is a number": _digests(5),  # type: ignore[arg-type]
    "a layer whose gzip has a wrong checksum": _layer_of(lambda: _gz_wrong(-6)),
    "a layer whose gzip has a wrong size": _layer_of(lambda: _gz_wrong(-3)),
    "a layer whose zstd has a wrong checksum": _layer_of(_zst_wrong),
    "a gz layer that is cut": _layer_of(lambda: _cut("gz", 0.7)),
    "a gz layer without its end": _layer_of(lambda: _cut("gz", 0.9999)),
    "a zst layer that is cut": _layer_of(lambda: _cut("zst", 0.7)),
    "a zst layer without its end": _layer_of(lambda: _cut("zst", 0.9999)),
    "a plain layer that is cut": _layer_of(lambda: _cut("plain", 0.7)),
    "a gz layer that is noise": _layer_of(lambda: Blob(b"\x1f\x8b\x08\x00" + os.urandom(3000), "0" * 64, "gz")),
    "a gz layer that says it is zst": _layer_of(lambda: Blob(os.urandom(3000), "0" * 64, "zst")),
    "a plain layer that is noise": _layer_of(lambda: Blob(os.urandom(3000), "0" * 64)),
    "a layer of gz in gz": _layer_of(lambda: Blob(gz(gz(tar(claude.npm()))), "0" * 64, "gz")),
    "a docker archive without its last layer": _old_without("layer.tar"),
    "a docker archive without its config": _old_without(".json"),
    "a docker archive whose layers link in a circle": _old_links,
    "a docker archive whose layer is a link outside": _old_outside,
    "a docker archive's manifest that is a text": _old_manifest(lambda found: "x"),
    "a docker archive's manifest of numbers": _old_manifest(lambda found: [1, None, {}, {"Config": 5, "Layers": 7}, {"Config": "x", "Layers": [None, 5, "../../etc/passwd"], "RepoTags": "x"}]),
    "a docker archive's manifest of deep JSON": _old_manifest(lambda found: b"[" * 500_000),
    "a docker archive's manifest that names nothing": _old_manifest(lambda found: []),
    "a docker archive's layer by a path outside": _old_manifest(lambda found: found[0]["Layers"].__setitem__(1, "../../../../../etc/shadow")),
    "a blob that is a link outside": _blob_is("outside"),
    "a blob that is a link to /etc/shadow": _blob_is("shadow"),
    "a blob that is a FIFO": _blob_is("fifo"),
    "a blob that is a device": _blob_is("zero"),
    "a blob that is a loop": _blob_is("loop"),
    "a blob that is a folder": _blob_is("folder"),
    "an index that is a FIFO": _index_is("fifo"),
    "an index that is a device": _index_is("zero"),
    "an index that is a link outside": _index_is("passwd"),
}  # fmt: skip


# Members


def _tarred(head: bytes, body: bytes = b"") -> Callable[[], bytes]:
    """A layer of one member as it is given, between good ones."""
    return lambda: tar([file("etc/motd", "hi")], end=b"") + head + body + tar([file("etc/issue", "hi")])


def _sized(size: int | bytes, name: bytes = b"etc/environment") -> Made:
    return with_members(_tarred(header(name, size)))


def _paxed(*records: tuple[str | bytes, str | bytes], body: bytes = b"X=1\n", size: int | None = None) -> Made:
    return with_members(_tarred(pax(records) + header(b"etc/environment", len(body) if size is None else size), padded(body)))


def _raw_pax(text: bytes) -> Made:
    return with_members(_tarred(header(b"x", len(text), b"x") + padded(text) + header(b"etc/environment", 4), padded(b"X=1\n")))


def _sparse_old(real: int, *pieces: tuple[int, int], name: bytes = b"etc/environment", data: bytes = b"") -> Made:
    slots = b"".join(number(start, 12) + number(size, 12) for start, size in pieces).ljust(96, b"\0")
    return with_members(_tarred(header(name, len(data), b"S", magic=MAGIC["gnu"], tail=bytes(41) + slots + b"\0" + number(real, 12)), padded(data)))


def _sparse_endless() -> bytes:
    """An old sparse member whose blocks of pieces never end."""
    head = header(b"etc/environment", 0, b"S", magic=MAGIC["gnu"], tail=bytes(41) + bytes(96) + b"\1" + number(1 << 40, 12))
    return _tarred(head, (b"\0" * 504 + b"\1" + bytes(7)) * 200_000)()


def _sparse_pax(table: bytes, real: str, **more: str) -> Made:
    records = [("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "etc/environment"), ("GNU.sparse.realsize", real), *((key.replace("_", "."), value) for key, value in more.items())]
    return with_members(_tarred(pax(records) + header(b"GNUSparseFile.0/x", len(padded(table))), padded(table)))


HUGE = 100 * GIGABYTE
_SEVEN = b'{"name": "@anthropic-ai/claude-code", "version": "2.1.17", "x": "' + b"y" * (7 << 20) + b'"}'
MEMBERS: dict[str, Made] = {
    "names that lead out": with_members(lambda: [file("../../etc/passwd", "root:x:0:0::/evil:/bin/sh"), file("a/../../../etc/shadow", "x"), file("..", "x"), folder("../x")]),
    "absolute names": with_members(lambda: [file("/etc/motd", "x"), file("//etc//issue", "x")]),
    "whiteouts that lead out": with_members(lambda: [file("etc/.wh..."), file(".wh."), file("etc/.wh."), file(".wh..."), file("etc/.wh..."), file("etc/.wh..wh."), file(".wh..wh.plnk/x"), file("../.wh.etc")]),
    "links in a loop": with_members(lambda: [symlink("etc/environment", "environment"), symlink("a", "b"), symlink("b", "a"), symlink("home/ada/.claude", "../ada/.claude"), symlink("usr/local/lib", "/usr/local/lib")]),
    "links that multiply": with_members(lambda: [symlink(f"l{at}", f"l{at + 1}/l{at + 1}/l{at + 1}") for at in range(40)] + [symlink("etc/environment", "../l0/l0")]),
    "a long link": with_members(lambda: [symlink("etc/environment", "a/../" * 200_000 + "x")]),
    "hard links to nothing": with_members(lambda: [hardlink("etc/environment", "etc/nothing"), hardlink("etc/a", "etc/a"), hardlink("etc/b", "etc/c"), hardlink("etc/c", "etc/b")]),
    "hard links outside": with_members(lambda: [hardlink("etc/environment", "../../../../etc/shadow"), hardlink("etc/profile", "/etc/shadow"), hardlink("home/ada/.claude/settings.json", "etc")]),
    "devices at wanted names": with_members(lambda: [Member(name, kind=kind) for name, kind in (("etc/environment", "char"), ("etc/profile", "fifo"), ("home/ada/.claude/settings.json", "block"), ("etc/bash.bashrc", "fifo"))]),
    "folders at wanted names": with_members(lambda: [folder("etc/environment"), folder("home/ada/.claude/settings.json"), folder("home/ada/.claude/.credentials.json")]),
    "files above wanted names": with_members(lambda: [file("home/ada/.claude", "x"), file("home/ada/.claude/settings.json", "{}"), file("usr/local", "x")]),
    "names twice": with_members(lambda: [file("etc/environment", f"A={at}\n") for at in range(2000)]),
    "names that a terminal obeys": with_members(lambda: [file(b"home/ada/.claude/\x1b]0;x\x07\nsettings.json", "{"), file(b"\x1b[2J", "x"), folder(b"usr/local/lib/node_modules/\x1b[31m"), symlink(b"usr/local/bin/claude", b"/opt/\x1b[2J\nclaude")]),
    "a home that a terminal obeys": with_members(lambda: [file("etc/passwd", "x\x1b]0;evil\x07:x:1:1::/home/\x1b[31mx:/bin/sh\n"), file(b"home/\x1b[31mx/.claude/settings.json", "{broken")]),
    "names that are no UTF-8": with_members(lambda: [file(b"home/ada/.claude/\xff\xfe", "x"), file(b"etc/\xed\xa0\x80", "x"), symlink(b"usr/local/bin/claude", b"\xff\xfe/claude"), folder(b"home/\xff")]),
    "a name of 1 MB": with_members(lambda: [file(b"etc/" + b"x" * (1 << 20)), file(b"a/" * (1 << 19) + b"x"), symlink("etc/environment", "x" * (1 << 20))]),
    "a GNU name of 1 MB": with_members(_tarred(long_name(b"y/" * (1 << 19)) + member(file("x", "y")))),
    "a name with NULs": _paxed(("path", b"etc/environment\0x")),
    "an empty name": with_members(lambda: [file(""), file("."), file("/"), file("./"), symlink("", "/etc"), symlink("/", "/etc"), symlink(".", "etc")]),
    "a negative size": _sized(number(-1, 12)),
    "a huge size": _sized(number(1 << 80, 12)),
    "a size with a sign": _sized(b"-0000002000"),
    "a size with a sign that leads before the beginning": _sized(b"-7777777777"),
    "a size of Python's digits": _sized(b"1_0"),
    "a size of twelve digits": with_members(lambda: header(b"etc/x", b"000000002000") + padded(bytes(1024)) + tar(claude.npm())),
    "the largest octal size": _sized(b"777777777777"),
    "a size that is no number": _sized(b"12a4"),
    "a size of spaces": _sized(b" " * 12),
    "a size of 100 GB": _sized(HUGE),
    "a PAX size of -1": _paxed(("size", "-1")),
    "a PAX size of 1e99": _paxed(("size", "1e99")),
    "a PAX size of 100 GB": _paxed(("size", str(HUGE))),
    "a PAX size of many digits": _paxed(("size", "9" * 100_000)),
    "a PAX size of other digits": _paxed(("size", "٤")),
    "PAX numbers that are none": _paxed(("mtime", "nan"), ("uid", "-5"), ("gid", "x"), ("atime", "1e999"), ("uid", "1e3")),
    "a PAX record of no length": _raw_pax(b"path=etc/x\n"),
    "a PAX record of length 0": _raw_pax(b"0 path=etc/x\n"),
    "a PAX record of length 1": _raw_pax(b"1 path=etc/x\n" * 5),
    "a PAX record of negative length": _raw_pax(b"-9 path=etc/x\n"),
    "a PAX record longer than all": _raw_pax(b"99999999999 path=etc/x\n"),
    "a PAX record without =": _raw_pax(b"14 pathetcxxxx\n"),
    "a PAX record of many digits": _raw_pax(b"9" * 5000),
    "a PAX header of nothing": _raw_pax(b""),
    "a PAX header at the end": with_members(lambda: tar([file("etc/motd", "x")], end=b"") + pax([("path", "x")])),
    "PAX headers without end": with_members(lambda: pax([("path", "x")]) * 100_000 + ZERO),
    "a PAX header of 100 MB": with_members(lambda: pax([("comment", "x" * (100 << 20))]) + tar([file("etc/motd", "x")])),
    "a PAX header of 1,000,000 records": with_members(lambda: header(b"x", 8_000_000, b"x") + padded(b"8 a=bcd\n" * 1_000_000) + tar([file("etc/motd", "x")])),
    "a global PAX header": with_members(lambda: pax([("path", "etc/environment"), ("size", str(HUGE)), ("mtime", "5")], b"g") + tar([file("etc/motd", "x"), file("x", "y" * 600)])),
    "GNU names without end": with_members(lambda: long_name(b"x" * 200) * 50_000 + ZERO),
    "a GNU name of 100 GB": _sized(HUGE, b"././@LongLink"),
    "an old sparse member of 100 GB": _sparse_old(HUGE),
    "an old sparse member of negative pieces": _sparse_old(100, (-5, 10), (50, -20), data=b"x" * 10),
    "an old sparse member of overlapping pieces": _sparse_old(100, (0, 50), (10, 50), (0, 50), data=b"x" * 150),
    "an old sparse member of pieces beyond its end": _sparse_old(10, (1 << 40, 10), data=b"x" * 10),
    "an old sparse member of huge pieces": _sparse_old(HUGE, (0, HUGE), data=b"x" * 10),
    "an old sparse member without end": with_members(_sparse_endless),
    "an old sparse member that is cut": with_members(lambda: header(b"etc/environment", 0, b"S", magic=MAGIC["gnu"], tail=bytes(137) + b"\1" + number(5, 12))),
    "a PAX sparse member of 100 GB": _sparse_pax(b"0\n", str(HUGE)),
    "a PAX sparse member of one piece at 100 GB": _sparse_pax(b"1\n%d\n5\nhello" % HUGE, str(HUGE + 5)),
    "a PAX sparse member of many pieces": _sparse_pax(b"999999999999\n1\n1\n", "100"),
    "a PAX sparse member of negative pieces": _sparse_pax(b"1\n-5\n-5\n", "-100"),
    "a PAX sparse member whose table is noise": _sparse_pax(b"\xff\xfe" * 700, "100"),
    "a PAX sparse member whose table has no end": _sparse_pax(b"1" * 100_000, "100"),
    "a PAX sparse member of other kinds at once": _sparse_pax(b"1\n0\n4\nX=1\n", "4", GNU_sparse_map="0,4", GNU_sparse_size="9" * 50, GNU_sparse_numblocks="5"),
    "a PAX sparse map that is noise": _paxed(("GNU.sparse.map", "1,2,x,,,"), ("GNU.sparse.size", "100"), ("GNU.sparse.numblocks", "2")),
    "a PAX sparse map of odd count": _paxed(("GNU.sparse.map", "1"), ("GNU.sparse.size", "1" * 400)),
    "a PAX sparse map of 100 GB": _paxed(("GNU.sparse.map", f"0,{HUGE}"), ("GNU.sparse.size", str(HUGE))),
    "a wrong checksum": with_members(_tarred(header(b"etc/environment", 0)[:-1] + b"x")),
    "a checksum that is none": with_members(_tarred(b"etc/environment".ljust(BLOCK, b"x"))),
    "an unknown kind": with_members(_tarred(header(b"etc/environment", 4, b"Z"), padded(b"X=1\n"))),
    "kinds of other systems": with_members(_tarred(b"".join(header(b"etc/x", 0, bytes((kind,))) for kind in b"AVMNDX7IKLSEg\x01\xff"))),
    "a folder with a body": with_members(_tarred(header(b"etc/", 700, b"5"), bytes(1024))),
    "a link with a body": with_members(_tarred(header(b"etc/environment", 700, b"2", link=b"x") + bytes(1024) + header(b"etc/profile", 700, b"1", link=b"etc/passwd"), bytes(1024))),
    "no end": with_members(lambda: tar(claude.npm(), end=b"")),
    "noise behind the end": with_members(lambda: tar(claude.npm()) + os.urandom(5000)),
    "one block of zeros": with_members(lambda: tar([file("etc/motd", "x")], end=bytes(BLOCK)) + tar([file("etc/environment", "X=1")])),
    "a layer of half a block": with_members(lambda: b"x" * 300),
    "an empty layer": with_members(lambda: b""),
    "folders 5000 deep": with_members(lambda: [file("d/" * 5000 + "x", "y"), folder("e/" * 20_000)]),
    "folders 490,000 deep": with_members(lambda: [file("d/" * 490_000 + "x", "y")]),
    "many folders 1000 deep": with_members(lambda: [file(f"{at}/" + "d/" * 1000 + "x", "y") for at in range(2000)]),
    "whiteouts of everything": with_members(lambda: [Member(f"d{at}/.wh..wh..opq") for at in range(5000)] + [Member(f".wh.d{at}") for at in range(5000)] + [Member(".wh..wh..opq")]),
    "a wanted file of 200 MB": with_members(lambda: [file("home/ada/.claude/settings.json", bytes(200 << 20))]),
    "40 wanted files of 7 MB": with_members(lambda: b"".join(member(file(f"usr/local/lib/node_modules/a{at}/node_modules/@anthropic-ai/claude-code/package.json", _SEVEN)) for at in range(40)) + ZERO),
}  # fmt: skip


# Bombs


def million(count: int = 1_000_000) -> bytes:
    """A layer of many empty files."""
    whole = header(b"usr/share/x/0000000", 0)
    total = sum(whole[:148]) + 8 * 32 + sum(whole[156:]) - 48 * 7
    names = (b"%07d" % at for at in range(count))
    front, middle, back = whole[:12], whole[19:148], whole[154:]
    return b"".join(front + name + middle + b"%06o" % (total + sum(name)) + back for name in names) + ZERO


def _bomb(packed: str, name: bytes, size: int = 10 * GIGABYTE) -> Made:
    pack = zeros_gz if packed == "gz" else zeros_zst
    return _layer_of(lambda: Blob(pack(tar(claude.npm(), end=b"") + header(name, size), size), "0" * 64, packed))


def _bomb_file(name: str, size: int = 10 * GIGABYTE) -> Made:
    """A whole file in gzip, of which one member is 10 GB."""
    return later(lambda: zeros_gz(header(name.encode(), size), size))


def _bomb_zst(tmp: Path) -> Path | str:
    return written(zeros_zst(header(b"index.json", 10 * GIGABYTE), 10 * GIGABYTE))(tmp)


def _behind(tmp: Path) -> Path | str:
    """A good image in gzip, with 10 GB of zeros behind its end."""
    return written(zeros_gz(tar(oci([claude.picture()])), 10 * GIGABYTE))(tmp)


def _layer_behind(packed: str) -> Made:
    pack = zeros_gz if packed == "gz" else zeros_zst
    return _layer_of(lambda: Blob(pack(tar(claude.npm()), 10 * GIGABYTE), "0" * 64, packed))


def _window(tmp: Path) -> Path | str:
    """A zstd layer that asks for a window of more than a terabyte."""
    frame = b"\x28\xb5\x2f\xfd" + bytes((0, 0xF8)) + (1).to_bytes(3, "little")
    return _layer_of(lambda: Blob(frame, "0" * 64, "zst"))(tmp)


def _contents(tmp: Path) -> Path | str:
    """A zstd layer that says it is 2^60 bytes, in one piece."""
    frame = b"\x28\xb5\x2f\xfd" + bytes((0xE0,)) + struct.pack("<Q", 1 << 60) + (1).to_bytes(3, "little")
    return _layer_of(lambda: Blob(frame, "0" * 64, "zst"))(tmp)


def _skippable(tmp: Path) -> Path | str:
    """A zstd layer of a frame to be passed over that is 4 GB by its own word."""
    return _layer_of(lambda: Blob(struct.pack("<II", 0x184D2A50, 0xFFFFFFF0) + b"x", "0" * 64, "zst"))(tmp)


def _many_parts(packed: str) -> Made:
    """A layer of 300,000 empty members of gzip, or frames of zstd."""
    one = gzip.compress(b"", mtime=0) if packed == "gz" else zst(b"", checksum=False)  # a few bytes
    return _layer_of(lambda: Blob(one * 300_000 + (gz if packed == "gz" else zst)(tar(claude.npm())), layer(claude.npm()).diff, packed))


def _layers(count: int, *, same: bool) -> Made:
    """An image of many layers."""
    one = layer([file("etc/motd", "x")])
    return with_layers(lambda: [layer(claude.base())] + ([one] * count if same else [layer([file(f"etc/m{at}", "x")]) for at in range(count)]))


def _many_entries(tmp: Path) -> Path | str:
    """A docker archive with a million small files beside the image."""
    return written(million()[:-1024] + tar(docker_old([claude.picture()])))(tmp)


def _many_history(tmp: Path) -> Path | str:
    told = [{"created_by": f"RUN npm i -g @anthropic-ai/claude-code@2.1.{at}", "empty_layer": True} for at in range(60_000)]
    return written(tar(oci([image(claude.layers(), history=told)])))(tmp)


def _long_history(tmp: Path) -> Path | str:
    told = [{"created_by": "RUN npm i -g " + "@anthropic-ai/claude-code " * 100_000}, {"created_by": "RUN " + "'\"$(`\\" * 200_000}, {"created_by": 5}, {"created_by": None}, 5, {"created_by": "RUN \x1b]0;x\x07 claude install\n2.1.17"}]
    return written(tar(oci([image(claude.layers(), history=told)])))(tmp)  # type: ignore[arg-type]


def _many_env(tmp: Path) -> Path | str:
    env = [f"CLAUDE_X{at}={'y' * 100}" for at in range(40_000)] + ["", "=", "x", 5, None, "ANTHROPIC_\x1b[31m=\x1b[2J", "ANTHROPIC_API_KEY=" + "s" * 500_000]
    labels = {f"l{at}": "x" * 50 for at in range(30_000)} | {"\x1b[31m": "\x1b[2J", "n": 5}
    return written(tar(oci([image(claude.layers(), inner={"Env": env, "Labels": labels, "User": "\x1b[31m\n" + "u" * 100_000})])))(tmp)


def _full(number: int) -> Blob:
    """A small layer of 30 wanted files of 1 MB."""
    return layer([file(f"usr/local/lib/node_modules/a{number}-{at}/node_modules/@anthropic-ai/claude-code/package.json", bytes(1 << 20)) for at in range(30)], packed="gz")


def _peopled(number: int) -> Blob:
    """A small layer of 60,000 files."""
    one = member(file(f"{number}/000000", ""), "ustar")
    heads = (summed(one[:4] + b"%06d" % at + one[10:512]) for at in range(60_000))
    return layer(b"".join(heads) + bytes(1024), packed="gz")


BOMBS: dict[str, tuple[Made, float, float]] = {  # with seconds and megabytes that it may take
    "1,000,000 members": (with_members(million), 30, 600),
    "1,000,000 members in gzip": (_layer_of(lambda: Blob(gzip.compress(million(), 1), "0" * 64, "gz")), 30, 600),
    "1,000,000 entries beside the image": (_many_entries, 30, 600),
    "80 layers of wanted files": (with_layers(lambda: [layer(claude.base()), *map(_full, range(80)), layer(claude.npm())]), 60, 300),
    "60 layers of many files": (with_layers(lambda: [layer(claude.base()), *map(_peopled, range(10, 70)), layer(claude.npm())]), 60, 400),
    "10 GB in gz": (_bomb("gz", b"usr/share/zeros"), 60, 250),
    "10 GB in zst": (_bomb("zst", b"usr/share/zeros"), 60, 250),
    "10 GB in gz at a wanted name": (_bomb("gz", b"home/ada/.claude/settings.json"), 60, 250),
    "10 GB in zst at a wanted name": (_bomb("zst", b"home/ada/.claude/settings.json"), 60, 250),
    "10 GB in gz for its name": (_bomb("gz", b"././@LongLink"), 60, 250),
    "10 GB behind the end of a gz layer": (_layer_behind("gz"), 60, 250),
    "10 GB behind the end of a zst layer": (_layer_behind("zst"), 60, 250),
    "10 GB in a whole file": (_bomb_file("usr/share/zeros"), 60, 250),
    "10 GB of index.json": (_bomb_file("index.json"), 60, 250),
    "10 GB of manifest.json": (_bomb_file("manifest.json"), 60, 250),
    "10 GB of a blob": (_bomb_file("blobs/sha256/" + "0" * 64), 60, 250),
    "10 GB of a layer.tar": (_bomb_file("0" * 64 + "/layer.tar"), 60, 250),
    "10 GB of index.json in zst": (_bomb_zst, 60, 250),
    "10 GB behind the end of a whole file": (_behind, 60, 250),
    "a window of a terabyte": (_window, 10, 250),
    "a frame of 2^60 bytes": (_contents, 10, 250),
    "a frame to be passed over of 4 GB": (_skippable, 10, 250),
    "300,000 members of gzip": (_many_parts("gz"), 20, 250),
    "300,000 frames of zstd": (_many_parts("zst"), 20, 250),
    "10,000 layers": (_layers(10_000, same=False), 30, 400),
    "one layer 10,000 times": (_layers(10_000, same=True), 30, 400),
    "20,000 times one manifest": (rewritten(_often), 30, 400),
    "60,000 history lines": (_many_history, 30, 600),
    "long history lines": (_long_history, 20, 400),
    "40,000 variables and labels": (_many_env, 30, 600),
}  # fmt: skip
