"""Random small trees in layers, for hypothesis: names that meet each other, of every kind, in every spelling."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.image.build import PACKED, Blob, Member, layer, tar

NAMES = ("a", "b", "c", "etc", "x" * 101, "é", ".wh", "a b")
FORMATS = ("pax", "gnu", "ustar")
WAYS = ("", "./", "/", "././")


@st.composite
def paths(draw: st.DrawFn) -> str:
    return "/".join(draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4)))


@st.composite
def links(draw: st.DrawFn) -> str:
    """The target of a symbolic link: absolute or not, up and down, sometimes to itself."""
    found = draw(st.lists(st.sampled_from((*NAMES[:4], "..", ".")), min_size=1, max_size=4))
    return draw(st.sampled_from(("", "", "/"))) + "/".join(found)


MODES = st.sampled_from((0o644, 0o755, 0o600, 0o000, 0o4755, 0o1777))
CONTENTS = st.one_of(st.binary(max_size=30), st.sampled_from((b"", b"x" * 511, b"x" * 512, b"x" * 513, bytes(1500))))


@st.composite
def sparse(draw: st.DrawFn) -> Member:
    """A sparse member: data with holes of zeros between."""
    content, pieces, at = b"", [], 0
    for _ in range(draw(st.integers(0, 30))):
        hole, data = draw(st.integers(0, 700)), draw(st.binary(min_size=1, max_size=40))
        pieces.append((at + hole, len(data)))
        content += bytes(hole) + data
        at += hole + len(data)
    content += bytes(draw(st.integers(0, 700)))
    if not pieces or draw(st.booleans()):
        pieces.append((len(content), 0))
    return Member(draw(paths()), content, sparse=tuple(pieces), style=draw(st.sampled_from(("gnu", "0.0", "0.1", "1.0"))))


@st.composite
def members(draw: st.DrawFn, *, whiteouts: bool = True) -> Member:
    kind = draw(st.sampled_from(("file",) * 6 + ("folder",) * 3 + ("symlink", "symlink", "hardlink", "hardlink", "fifo", "char", "sparse") + (("whiteout", "whiteout", "opaque") if whiteouts else ())))
    if kind == "sparse":
        return draw(sparse())
    name, mode, uid = draw(paths()), draw(MODES), draw(st.sampled_from((0, 0, 1000)))
    if kind == "file":
        mtimes = draw(st.sampled_from(({}, {"mtime": "1700000000.5"})))
        return Member(name, draw(CONTENTS), mode=mode, uid=uid, pax=mtimes)
    if kind in ("symlink", "hardlink"):
        return Member(name, kind=kind, link=draw(links()) if kind == "symlink" else draw(paths()), mode=mode, uid=uid)
    if kind in ("whiteout", "opaque"):
        head, _, tail = name.rpartition("/")
        last = ".wh..wh..opq" if kind == "opaque" else f".wh.{tail}"
        return Member(f"{head}/{last}" if head else last, kind=kind)
    return Member(name, kind=kind, mode=mode, uid=uid)


@st.composite
def layered(draw: st.DrawFn, *, most: int = 4) -> list[tuple[list[Member], str, str]]:
    """Layers, each with the format and the spelling that it is written in."""
    found = []
    for at in range(draw(st.integers(1, most))):
        each = draw(st.lists(members(whiteouts=at > 0), max_size=12))
        found.append((each, draw(st.sampled_from(FORMATS)), draw(st.sampled_from(WAYS))))
    return found


def written(one: tuple[list[Member], str, str]) -> bytes:
    """The archive of a layer; what USTAR has no room for is written as PAX."""
    try:
        return tar(one[0], one[1], one[2])
    except ValueError:
        return tar(one[0], "pax", one[2])


def blobs(found: list[tuple[list[Member], str, str]], packed: list[str]) -> list[Blob]:
    return [layer(written(one), packed=way) for one, way in zip(found, packed, strict=True)]


PACKINGS = tuple(PACKED)
