"""Scripts and files within a script: quoted words that a shell runs, and here-documents that become files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cc_fleet.repo.reading import recognise, script, words
from cc_fleet.repo.reading.recognise import Said
from cc_fleet.repo.reading.source import Source
from cc_fleet.repo.reading.values import Template, Value

LAUNCHES = frozenset(
    "su ssh eval docker podman runuser sudo retry run execute exec gosu vagrant multipass lxc kubectl watch xargs chroot nix-shell timeout time nice nohup env flock script".split()
)
_DOCKERFILE = re.compile(r"(?:.*/)?(?:.*[.-])?(?:Docker|Container)file(?:[.-].*)?", re.IGNORECASE)
_SCRIPT = re.compile(r".*\.(?:ba|z|k)?sh|(?:.*/)?(?:bin|scripts|init\.d|profile\.d|cron[.\w]*)/[^/.]+")


def launches(name: str, said: Sequence[Said]) -> bool:
    """Whether a command hands words or its input to a shell."""
    return name in LAUNCHES or name in recognise.SHELLS or name.startswith(("run_", "retry")) or any(one.text in recognise.SHELLS for one in said[1:6])


def quoted(source: Source, said: Sequence[Said]) -> Iterator[tuple[Source, Template]]:
    """The words of a command that are scripts of their own, with what stands in them filled in."""
    for one in said[1:]:
        if " " in one.text and (one.raw[:1] in "\"'" or one.raw.startswith("$")):
            yield of_pieces(source, one.pieces)


def of_pieces(source: Source, pieces: Sequence[words.Piece]) -> tuple[Source, Template]:
    """A word as a script: what stands there itself, and everything that a name stands for as an expression."""
    columns = dict(zip(reversed(source.lines), reversed(source.columns), strict=True))
    owns = any(piece.own and piece.text for piece in pieces)
    held: list[Value] = []
    text = ""
    lines: list[int] = []
    starts: list[int] = []
    for piece in pieces:
        place = piece.place
        if place is None or place.line is None or piece.why or place.text != piece.text or not _stands(piece, lines, source.file, owns=owns):
            text += words.mask(len(held))
            held.append(Value(None if piece.why else piece.text, place, piece.why))
            continue
        if not lines:
            lines, starts = [place.line], [place.column or 1]
        while lines[-1] < place.line:
            text, lines, starts = f"{text}\\\n", [*lines, lines[-1] + 1], [*starts, columns.get(lines[-1] + 1, 1)]
        for _ in range(piece.text.count("\n")):
            lines.append(lines[-1] + 1)
            starts.append(columns.get(lines[-1], 1))
        text += piece.text
    first = lines or [source.lines[0]]
    made = Source.of(source.file, text, tuple(first), tuple(starts or [1]))
    return made, Template(words.MASKED, lambda found: (held[words.number(found)],) if words.number(found) < len(held) else ())


def _stands(piece: words.Piece, lines: list[int], file: str, *, owns: bool) -> bool:
    """Whether a piece stands in the word itself, or in the one line that the name says which is all of it."""
    line = piece.place.line if piece.place is not None and piece.place.file == file else None
    if line is None:
        return False
    return piece.own and (not lines or 0 <= line - lines[-1] < 50) if owns else not lines or line == lines[-1]


def bodies(command: script.Command, name: str, source: Source, said: Sequence[Said]) -> Iterator[tuple[str, str, Source, bool]]:
    """Here-documents as (script, dockerfile or file; the file's name; its text; whether nothing in it is filled in)."""
    targets = [raw.strip("\"'") for raw in command.writes]
    if name == "tee":
        targets += [word.raw.strip("\"'") for word in command.words[1:] if not word.raw.startswith("-")]
    raws = [word.raw for word in command.words]
    for body in command.bodies:
        part = source.part(body.start, body.end)
        if any(map(_DOCKERFILE.fullmatch, targets)) or (name in ("docker", "podman", "buildah") and "build" in raws):
            yield "dockerfile", "Dockerfile", part, body.quoted
        elif name == "brew" and "bundle" in raws:
            yield "file", "Brewfile", part, body.quoted
        elif launches(name, said) or any(map(_SCRIPT.fullmatch, targets)) or (targets and part.text.startswith("#!")):
            yield "script", "", part, body.quoted
        else:
            yield from (("file", target, part, body.quoted) for target in targets[:1])


def facts(kind: str, name: str, source: Source, known: Mapping[str, tuple[Value, ...]]) -> Iterator[Any]:
    """What a file that a here-document makes declares."""
    from cc_fleet import repo

    if kind == "dockerfile":
        from cc_fleet.repo import dockerfile

        yield from dockerfile.facts(source, known)
    else:
        yield from repo.embedded(source, name)
