"""Which images a file holds: ``index.json`` of an OCI layout, ``manifest.json`` of ``docker save``.

The digests of indexes, manifests and configs are checked always, those of layers where that is asked for.  What an index
leads to is bounded: so many manifests, so deep, none twice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Protocol

from cc_fleet.host.digest import sha256
from cc_fleet.image.tar import Damaged
from cc_fleet.records import NamedTuple

_INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
_MANIFESTS = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")
_CONFIGS = ("application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json")
_LAYER = re.compile(r"application/vnd\.(?:oci\.image\.layer\.(?:nondistributable\.)?v1\.tar(?:\+gzip|\+zstd)?|docker\.image\.rootfs\.(?:foreign\.)?diff\.tar(?:\.gzip|\.zstd)?)")
_NAMES = ("io.containerd.image.name", "org.opencontainers.image.ref.name")
_DIGEST = re.compile(r"(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})")
_MOST, _DEEP, _LAYERS = 1000, 4, 500


class Nothing(Damaged):
    """Neither of the two documents is there."""


class Documents(Protocol):
    """What manifests are read from."""

    def document(self, name: str) -> bytes | None:
        """A file's bytes, None where it is not there; Damaged where it cannot be read."""


class Blob(NamedTuple):
    """A layer's bytes: by which name they lie in the archive, the digest that is told of them, of what they unpack to, and their size."""

    name: str
    digest: str | None
    unpacked: str | None
    size: int | None
    damage: str | None = None


class Described(NamedTuple):
    """An image: what it is called ("" not at all), its platform, its config, and its layers, lowest first; ``damage`` is why it cannot be read."""

    name: str
    platform: str
    digest: str
    config: dict[str, Any]
    layers: tuple[Blob, ...]
    damage: str | None = None


def images(archive: Documents) -> list[Described]:
    """Every image that the archive holds; Damaged where neither of the two documents tells."""
    index, manifest = _json(archive, "index.json"), _json(archive, "manifest.json")
    if index is None and manifest is None:
        raise Nothing("holds neither an index.json nor a manifest.json")
    found: dict[object, Described] = {}
    for number, image in enumerate((*(_indexed(archive, index) if index is not None else ()), *(_saved(archive, manifest) if manifest is not None else ()))):
        key = (image.digest, tuple(layer.name for layer in image.layers)) if image.digest else number
        found[key] = found[key]._replace(name=found[key].name or image.name) if key in found else image
    if not found:
        raise Damaged("names no image")
    return list(found.values())


def chosen(found: list[Described], platform: str | None) -> tuple[list[Described], str | None]:
    """The images to judge, and a note on the others: of each name those of ``platform`` (linux/amd64), all where it has none of it."""
    wanted = platform or "linux/amd64"
    groups: dict[str, list[Described]] = {}
    for image in found:
        groups.setdefault(image.name, []).append(image)
    kept, note = list[Described](), None
    for several in groups.values():
        fitting = [image for image in several if image.damage or _fits(image.platform, wanted)]
        if not any(image.damage is None for image in fitting):
            held = ", ".join(dict.fromkeys(image.platform for image in several if not image.damage))
            if platform is not None:
                fitting = [*fitting, several[0]._replace(damage=f"is there for {held}, and not for {platform}")] if held else fitting
            elif held:
                fitting, note = several, f"holds no image for {wanted}; judged is what it has: {held}"
        kept += fitting
    return kept, note


def _fits(platform: str, wanted: str) -> bool:
    """Whether a platform is the wanted one; a variant that is not asked for may be any."""
    return platform == wanted or platform.startswith(f"{wanted}/")


def _indexed(archive: Documents, index: Any) -> Iterator[Described]:
    """The images that an OCI index leads to, those of other indexes in it among them."""
    todo, seen, number = [(one, "", 0) for one in reversed(_descriptors(index, "manifests"))], set[str](), 0
    while todo:
        descriptor, name, depth = todo.pop()
        digest, kind = _text(descriptor, "digest"), _text(descriptor, "mediaType")
        annotations = descriptor.get("annotations")
        annotations = annotations if isinstance(annotations, dict) else {}
        name = next((_familiar(_text(annotations, key)) for key in _NAMES if _text(annotations, key)), name)
        if (digest in seen and not name) or "vnd.docker.reference.type" in annotations or _platform(descriptor.get("platform")) == "unknown/unknown":
            continue
        seen.add(digest)
        number += 1
        if number > _MOST or depth > _DEEP:
            yield _damaged(name, f"its index leads to more than {_MOST} manifests" if number > _MOST else "its indexes lead to each other too deep")
            return
        if kind in _INDEXES or kind in _MANIFESTS or not kind:
            try:
                document = _blob(archive, digest)
            except Damaged as err:
                yield _damaged(name, str(err))
                continue
            if kind in _INDEXES or "manifests" in document:
                todo += [(one, name, depth + 1) for one in reversed(_descriptors(document, "manifests"))]
            else:
                yield _described(archive, document, name, descriptor)
        else:
            yield _damaged(name, f"is of the media type {_shown(kind)}, which is no image")


def _described(archive: Documents, manifest: dict[str, Any], name: str, descriptor: dict[str, Any]) -> Described:
    """The image of an OCI manifest."""
    told = manifest.get("config")
    told = told if isinstance(told, dict) else {}
    kind, listed = _text(told, "mediaType"), manifest.get("layers")
    try:
        if kind not in _CONFIGS:
            raise Damaged(f"is no image: its config is of the media type {_shown(kind)}")
        config = _blob(archive, _text(told, "digest"))
        unpacked = _unpacked(config, listed)
    except Damaged as err:
        return _damaged(name, str(err))
    layers = []
    for number, layer in enumerate(listed if isinstance(listed, list) else ()):
        layer = layer if isinstance(layer, dict) else {}  # noqa: PLW2901
        digest, size = _text(layer, "digest"), layer.get("size")
        kind = _text(layer, "mediaType")
        damage = None if _LAYER.fullmatch(kind) else f"is of the media type {_shown(kind)}, which is no layer of files"
        damage = damage if _DIGEST.fullmatch(digest) else "has no digest that is one"
        layers.append(Blob(_path(digest), digest, unpacked[number], size if type(size) is int else None, damage))
    platform = _platform(descriptor.get("platform")) or _platform({**config, "variant": config.get("variant")})
    return Described(name, platform, _text(told, "digest"), config, tuple(layers))


def _saved(archive: Documents, manifest: Any) -> Iterator[Described]:
    """The images of ``docker save``: a config and the files of the layers, each with its tags."""
    for number, entry in enumerate(manifest if isinstance(manifest, list) else ()):
        if number >= _MOST:
            yield _damaged("", f"its manifest.json lists more than {_MOST} images")
            return
        entry = entry if isinstance(entry, dict) else {}  # noqa: PLW2901
        tags = entry.get("RepoTags")
        name = _familiar(next((tag for tag in tags if isinstance(tag, str)), "")) if isinstance(tags, list) else ""
        file, files = _text(entry, "Config"), entry.get("Layers")
        hexes = re.search(r"(?:^|/)([0-9a-f]{64})(?:\.json)?$", file)
        try:
            config = _checked(archive.document(file), f"sha256:{hexes[1]}" if hexes else None, "its config")
            unpacked = _unpacked(config, files)
        except Damaged as err:
            yield _damaged(name, str(err))
            continue
        layers = tuple(_file(one, unpacked[at]) for at, one in enumerate(files if isinstance(files, list) else ()))
        yield Described(name, _platform({**config, "variant": config.get("variant")}), f"sha256:{hexes[1]}" if hexes else "", config, layers)


def _file(name: Any, unpacked: str | None) -> Blob:
    blob = re.fullmatch(r"blobs/(sha256)/([0-9a-f]{64})", name) if isinstance(name, str) else None
    good = isinstance(name, str) and 0 < len(name) <= 1000 and name.isprintable()
    return Blob(name if good else "", f"{blob[1]}:{blob[2]}" if blob else None, unpacked, None, None if good else "has no name that is one")


def _unpacked(config: dict[str, Any], layers: Any) -> list[str | None]:
    """The digests of what the layers unpack to; Damaged where the image tells of others than it has."""
    rootfs = config.get("rootfs")
    listed = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    if not isinstance(layers, list) or not isinstance(listed, list) or len(layers) != len(listed):
        told = [str(len(one)) if isinstance(one, list) else "none" for one in (layers, listed)]
        raise Damaged(f"lists {told[0]} layers, and its config {told[1]}")
    if len(layers) > _LAYERS:
        raise Damaged(f"has more than {_LAYERS} layers")
    return [one if isinstance(one, str) and _DIGEST.fullmatch(one) else None for one in listed]


def _blob(archive: Documents, digest: str) -> dict[str, Any]:
    if not _DIGEST.fullmatch(digest):
        raise Damaged("has a manifest or a config without a digest that is one")
    return _checked(archive.document(_path(digest)), digest, f"its blob {digest[:19]}")


def _path(digest: str) -> str:
    algorithm, _, number = digest.partition(":")
    return f"blobs/{algorithm}/{number}"


def _checked(data: bytes | None, digest: str | None, what: str) -> dict[str, Any]:
    """A JSON object that is what its digest says."""
    if data is None:
        raise Damaged(f"{what} is missing")
    if digest is not None and digest != _digest(data, digest.partition(":")[0]):
        raise Damaged(f"{what} is not what its digest says")
    found = _parsed(data, what)
    if not isinstance(found, dict):
        raise Damaged(f"{what} is no JSON object")
    return found


def _digest(data: bytes, algorithm: str) -> str:
    if algorithm == "sha256":
        return f"sha256:{sha256(data)}"
    import hashlib

    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


def _json(archive: Documents, name: str) -> Any:
    try:
        data = archive.document(name)
    except Damaged as err:
        raise Damaged(f"its {name} {err}") from None
    return None if data is None else _parsed(data, f"its {name}")


def _parsed(data: bytes, what: str) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise Damaged(f"{what} is not JSON") from None


def _descriptors(document: Any, key: str) -> list[dict[str, Any]]:
    listed = document.get(key) if isinstance(document, dict) else None
    return [one for one in listed if isinstance(one, dict)][: 10 * _MOST] if isinstance(listed, list) else []


def _platform(told: Any) -> str:
    if not isinstance(told, dict):
        return ""
    parts = [_text(told, "os"), _text(told, "architecture"), _text(told, "variant")]
    return _shown("/".join(parts).rstrip("/")) if any(parts) else ""


def _familiar(name: str) -> str:
    """A name as `docker` shows it, however the file spells it."""
    return re.sub(r"^docker\.io/(?:library/)?", "", name[:1000]) if name.isprintable() else ""


def _text(told: dict[str, Any], key: str) -> str:
    value = told.get(key)
    return value if isinstance(value, str) and len(value) <= 1000 and value.isprintable() else ""


def _shown(text: str) -> str:
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[:100]) or "none"


def _damaged(name: str, reason: str) -> Described:
    return Described(name, "", "", {}, (), reason)
