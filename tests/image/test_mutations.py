"""Images with bytes flipped, cut, doubled and put in: always facts, a gap, or the room's own error, in bounded time.

``python -m tests.image.test_mutations SECONDS [SEED]`` goes on for as long as it is told; the marker ``nightly`` does so for ten minutes.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cc_fleet.host import document
from cc_fleet.image import NotAnImage, Options, collect
from cc_fleet.model import Target
from tests.image import claude
from tests.image.build import (
    FORMS,
    INDEX,
    MANIFEST,
    ONLY_PLAIN,
    Blob,
    blobs_of,
    described,
    dumped,
    file,
    header,
    image,
    layer,
    layout,
    member,
    oci,
    pax,
    sha,
    summed,
    tar,
)

IN_TIME = 10.0
PIECES = (
    b"\0" * 512, b"\xff" * 12, b"-0000000777\0", b"77777777777\0", b"\x80" + b"\0" * 3 + b"\xff" * 8, b"x" * 512, b"9999999999 path=x\n", b"30 GNU.sparse.map=0,1,1,0,9,9\n",
    b"22 GNU.sparse.major=1\n", b"../../etc/passwd", b"\x1b[2J", b"\x1f\x8b\x08\0", b"\x28\xb5\x2f\xfd", b"[" * 3000, b"null", b"-1", b'""', b"{}", b"1e999", b"\\ud800",
    header(b"etc/environment", 4), header(b"x", 100, b"x"), header(b"l", 0, b"2", link=b"l"), header(b"h", 0, b"1", link=b"h"), header(b"s", 0, b"S"), pax([("size", "-5")]), pax([("path", "/" * 300)]),
)  # fmt: skip


def changed(data: bytes, chance: random.Random) -> bytes:
    """``data`` with one thing wrong."""
    at, end = sorted((chance.randrange(len(data) + 1), chance.randrange(len(data) + 1)))
    if chance.random() < 0.5:
        at, end = at // 512 * 512, end // 512 * 512
    way = chance.randrange(8)
    if way == 0:
        return data[:at]
    if way == 1:
        return data[:at] + data[end:]
    if way == 2:
        return data[:at] + data[at:end] * chance.choice((2, 3)) + data[end:]
    if way == 3:
        flipped = bytearray(data)
        for _ in range(chance.randrange(1, 9) if data else 0):
            flipped[chance.randrange(len(flipped))] = chance.randrange(256)
        return bytes(flipped)
    piece = chance.choice(PIECES)
    return data[:at] + piece + data[at + (len(piece) if way < 7 else 0) :]


def mended(data: bytes, chance: random.Random) -> bytes:
    """A tar with bytes of its headers changed and their checksums put right: what a reader looks at only then."""
    out = bytearray(data)
    heads = [at for at in range(0, len(out) - 511, 512) if out[at + 257 : at + 262] == b"ustar"]
    for at in chance.sample(heads, min(len(heads), chance.choice((1, 1, 2, 5)))):
        fields = ((0, 100), (100, 8), (108, 8), (124, 12), (124, 12), (156, 1), (156, 1), (157, 100), (257, 8), (345, 155), (386, 100), (482, 1))
        start, size = chance.choice(fields)
        piece = chance.choice((bytes(chance.randrange(256) for _ in range(size)), chance.choice(PIECES)[:size], bytes(chance.choice(b"01234567-_ +ox\0SxgLKV125") for _ in range(size))))
        head = bytearray(out[at : at + 512])
        head[start : start + len(piece)] = piece
        out[at : at + 512] = summed(bytes(head))[:512]
    return bytes(out)


def held(found: list[Target]) -> None:
    """What always holds of facts."""
    for target in found:
        text = json.dumps(document.dump(target), allow_nan=False)
        assert document.load(json.loads(text)) == target
        shown = target._replace(coverage=target.coverage._replace(looked=()))  # a PATH is told as it stands, and a cut may put anything into it
        assert claude.SECRET not in json.dumps(document.dump(shown))
        for gap in target.gaps:
            held_text(gap.reason)


def held_text(text: str) -> None:
    assert text.isprintable(), text
    assert len(text) < 500


def collected(path: Path, *, stream: bool = False) -> list[Target] | None:
    """The targets of a file, None where it is told to be no image."""
    began = time.process_time()
    try:
        if stream:
            with path.open("rb", buffering=0) as raw:
                found = list(collect("-", options=Options(cache=False, stream=raw)))
        else:
            found = list(collect(str(path), options=Options(cache=False, verify=True, digests=True)))
    except NotAnImage as err:
        held_text(str(err))
        return None
    assert time.process_time() - began < IN_TIME
    held(found)
    return found


def whole(chance: random.Random, tmp: Path) -> bytes:
    """A good image in some form."""
    form = chance.choice([name for name in FORMS if name != "oci-folder"])
    packed = chance.choice(("plain", "gz") if form in ONLY_PLAIN else ("plain", "gz", "zst"))
    target = tmp / "good"
    FORMS[form]([claude.picture(packed)], target)
    return target.read_bytes()


def with_layer(blob: Blob) -> bytes:
    return tar(oci([image([layer(claude.base()), blob, layer(claude.own())])]))


def with_document(chance: random.Random) -> bytes:
    """An image of which the index, manifest or config has bytes changed, and digests that are right."""
    picture = claude.picture()
    which = chance.randrange(3)
    if which == 0:
        picture = picture._replace(config=changed(picture.config, chance))
    blobs, told = blobs_of(picture)
    if which == 1:
        data = changed(blobs.pop(told["digest"].partition(":")[2]), chance)
        blobs[sha(data)] = data
        told = described(data, MANIFEST, platform=told["platform"])
    index = dumped({"schemaVersion": 2, "mediaType": INDEX, "manifests": [told]})
    return tar(layout(blobs, changed(index, chance) if which == 2 else index))


def one(seed: int, tmp: Path) -> None:
    """One image that is broken as ``seed`` says."""
    chance = random.Random(seed)
    way = seed % 5
    if way == 0:
        data = changed(whole(chance, tmp), chance)
    elif way == 1:
        good = tar(claude.npm() + claude.own(), chance.choice(("pax", "gnu")))
        data = with_layer(layer(changed(good, chance), packed=chance.choice(("plain", "gz", "zst"))))
    elif way == 2:
        sparse = b"".join(member(file("etc/environment", b"X=1\n" + bytes(2000) + b"Y=2\n")._replace(sparse=((0, 4), (2004, 4)), style=style)) for style in ("gnu", "0.0", "0.1", "1.0"))
        good = sparse + tar(claude.npm() + claude.own(), chance.choice(("pax", "gnu")))
        data = with_layer(layer(mended(good, chance), packed=chance.choice(("plain", "gz", "zst"))))
    elif way == 3:
        blob = layer(claude.npm(), packed=chance.choice(("gz", "zst", "gz-parts", "zst-parts")))
        data = with_layer(blob._replace(data=changed(blob.data, chance)))
    else:
        data = with_document(chance)
    (tmp / "image").write_bytes(data)
    collected(tmp / "image")
    collected(tmp / "image", stream=True)


@pytest.mark.parametrize("part", range(10))
def test_whatever_is_broken_facts_or_gaps_come(tmp_path: Path, part: int) -> None:
    for seed in range(part * 40, part * 40 + 40):
        try:
            one(seed, tmp_path)
        except Exception as err:
            raise AssertionError(f"seed {seed}") from err


@pytest.mark.nightly
def test_whatever_is_broken_for_longer(tmp_path: Path) -> None:
    ended = time.monotonic() + 600
    seed = random.randrange(1 << 40)
    while time.monotonic() < ended:
        seed += 1
        try:
            one(seed, tmp_path)
        except Exception as err:
            raise AssertionError(f"seed {seed}") from err


# Where in a plain file what it needs comes to its end: what stands behind says nothing more.
NEEDED: dict[str, Callable[[bytes], int]] = {
    "docker-old": lambda data: data.rindex(b"repositories\0") - 511, "docker-new": lambda data: data.rindex(b"manifest.json\0") - 511,
    "skopeo": lambda data: len(data) - 1024, "oci-tar": lambda data: len(data) - 1024, "oci-tar-late": lambda data: len(data) - 1024,
}  # fmt: skip


def small() -> Any:
    """An image as small as one can be that has something to find."""
    return image([layer(claude.npm())], inner={"Env": []})


@pytest.mark.parametrize("form", ["docker-old", "docker-new", "skopeo", "oci-tar", "oci-tar-late", "docker-new-gz", "oci-tar-zst"])
def test_what_is_cut_is_told(tmp_path: Path, form: str) -> None:
    """At every block, and within every one: what is missing is told, unless it is nothing but the mark of the end."""
    FORMS[form]([small()], tmp_path / "good")
    data = (tmp_path / "good").read_bytes()
    packed = form.endswith(("-gz", "-zst"))
    step = max(1, len(data) // 60) if packed else 512
    last = len(data) if packed else NEEDED[form](data)
    for end in range(0, last, step):
        for at in (end, min(end + step // 2 + 7, last - 1)):
            (tmp_path / "image").write_bytes(data[:at])
            for stream in (False, True):
                found = collected(tmp_path / "image", stream=stream)
                assert found is None or (found and all(target.gaps for target in found)), (at, len(data), stream)


@pytest.mark.parametrize("packed", ["plain", "gz", "zst"])
def test_a_layer_that_is_cut_is_told(tmp_path: Path, packed: str) -> None:
    good = layer(claude.npm(), packed=packed)
    last = len(good.data) - (1024 if packed == "plain" else 0)
    for at in [*range(0, last, max(1, last // 40)), last - 1]:
        if packed == "plain" and at % 512 == 0:
            continue  # an archive without a mark at its end is whole
        (tmp_path / "image").write_bytes(with_layer(good._replace(data=good.data[:at])))
        found = collected(tmp_path / "image")
        assert found
        assert all(target.gaps for target in found), (at, len(good.data))


def main() -> None:
    """Go on for so many seconds."""
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 40)
    ended, count = time.monotonic() + float(sys.argv[1]), 0
    with tempfile.TemporaryDirectory() as tmp:
        while time.monotonic() < ended:
            seed, count = seed + 1, count + 1
            try:
                one(seed, Path(tmp))
            except Exception as err:
                raise AssertionError(f"seed {seed}") from err
    print(count, "images")


if __name__ == "__main__":
    main()
