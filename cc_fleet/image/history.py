"""What an image says of itself: its config, the lines of its history, and the layers that they made.

A history says what was run, so that an image of which nobody has the Dockerfile still tells what installed Claude Code,
and with which version asked for.  Whoever can pull an image reads all of this: a credential in it is everybody's.
Every field may be missing, or be of another type; nothing here raises.
"""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cc_fleet.host import origin, redact
from cc_fleet.image import shown
from cc_fleet.image.instruction import FILE, MOST, Instruction, history
from cc_fleet.model import REDACTED, Credential, Declared, Gap, Image, Layer, Place
from cc_fleet.repo.reading import exposed, installs, powershell, sequence
from cc_fleet.repo.reading.values import Context, Value

_CONFIG = Place(origin.IMAGE)
_READ = 1024 * 1024  # characters of all lines that are followed
_VARIABLES, _LABELS, _COMMANDS = 5000, 200, 1000
_CONCERNS = re.compile(r"claude|anthropic", re.IGNORECASE)
_SHOWN_LABELS = frozenset(f"org.opencontainers.image.{name}" for name in ("version", "created", "revision", "title", "source", "ref.name", "base.name"))
# A key or token by how it begins, as nothing else does: `task-` and `disk-` are words.
_QUOTED = re.compile(r"`([^`]*)`?")
_WORD = re.compile(r"\b[A-Za-z]+sk-")


def layers(config: Any, digests: Sequence[str]) -> tuple[Layer, ...]:
    """The layers with these digests, lowest first, each with the line of the history that made it; without it where they are not as many."""
    made = [line for line in history(config) if not line.empty]
    paired: list[Instruction | None] = [*made] if len(made) == len(digests) else [None] * len(digests)
    return tuple(
        Layer(number, digest[:200], shown.command(line) if line and number <= _COMMANDS else None, line.created if line else None, line.place if line else Place(FILE))
        for number, (digest, line) in enumerate(zip(digests, paired, strict=True), 1)
    )


def facts(config: Any, digest: str, platform: str, _keep: frozenset[str] = frozenset()) -> Iterator[Any]:
    """The image itself, what its history installs, and the credentials that it tells everybody."""
    labels = tuple(_label(name, value) for name, value in _texts(_of(config, "config", "Labels"))[:_LABELS])
    yield Image(digest[:200], platform[:200], shown.named(user(config)) if user(config) else "", labels, _CONFIG)
    lines = list(history(config))
    told = list(_declared(config, lines))
    yield from told
    yield from _credentials(config, lines, ours=_concerns_us(config, lines))
    entries = config.get("history") if isinstance(config, dict) else None
    if isinstance(entries, list) and len(entries) > MOST:
        yield Gap(f"has more than {MOST} lines: the rest was not read", Place(FILE))


def environ(config: Any) -> dict[str, str]:
    """The variables that every process of the image gets; of two with one name the last."""
    return dict(_environ(config))


def user(config: Any) -> str:
    """Who the image runs as, ``name`` or ``uid[:gid]``; empty is root."""
    found = _of(config, "config", "User")
    return found if isinstance(found, str) and re.fullmatch(r"[\w.@:\\-]{1,120}", found) else ""


def _environ(config: Any) -> Iterator[tuple[str, str]]:
    given = _of(config, "config", "Env")
    for one in given[:_VARIABLES] if isinstance(given, list) else ():
        if isinstance(one, str) and "=" in one and "\0" not in one:
            name, _, value = one.partition("=")
            if name:
                yield name, value


def _of(config: Any, *path: str) -> Any:
    found = config
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _texts(found: Any) -> list[tuple[str, str]]:
    return [(name, value) for name, value in found.items() if isinstance(name, str) and isinstance(value, str)] if isinstance(found, dict) else []


def _label(name: str, value: str) -> str:
    """A label as it may be shown: of few names the value, where it looks like none of a secret's."""
    kept = REDACTED
    if name in _SHOWN_LABELS and value.isprintable() and len(value) <= 200:
        revision = name.endswith(".revision") and re.fullmatch(r"[0-9a-f]{7,64}", value)
        kept = redact.url(value) if "://" in value else value if revision else str(redact.variable(name, value, frozenset((name,))))
    return f"{shown.named(name)}={kept}"


def _concerns_us(config: Any, lines: Sequence[Instruction]) -> bool:
    """Whether the image says that it has to do with Claude Code: then every credential of it is of interest."""
    told = (*(f"{name}={value}" for name, value in _environ(config)), *(line.text for line in lines))
    return any(_CONCERNS.search(text) for text in told)


# What its lines install


def _declared(config: Any, lines: Sequence[Instruction]) -> Iterator[Any]:
    """What the lines install, each with the names that stood before it; what an image's base sets is in its config alone."""
    names: dict[str, tuple[Value, ...]] = {name: (Value(value, _CONFIG._replace(text=value)),) for name, value in _environ(config)}
    made, room = 0, _READ
    for line in lines:
        made += not line.empty
        if line.keyword in ("ENV", "ARG"):
            given = {name: (Value(value, line.place._replace(text=value)),) for name, value in shown.pairs(line)}
            names.update(given if line.keyword == "ENV" else {name: value for name, value in given.items() if name not in names})
        known = ChainMap(names, _arguments(line))  # ENV beats ARG
        if line.keyword not in ("", "RUN") or not sequence.concern(line.text, known):
            continue
        room -= len(line.text)
        if not line.whole or room < 0:
            yield Gap("is longer than what is read of a history, so what it installs is not known", line.place)
            continue
        layer = made if not line.empty else None
        for fact in _followed(line, known):
            if isinstance(fact, Declared):
                yield _shown(fact, layer)
            elif isinstance(fact, Credential):
                name, _, value = (fact.place.text or "").partition("=")
                yield fact._replace(place=fact.place._replace(text=f"{shown.named(name)}={value}", layer=layer))
            elif isinstance(fact, Gap):
                yield fact


def _followed(line: Instruction, names: Mapping[str, tuple[Value, ...]]) -> Iterator[Any]:
    context = Context(sequence.mentioned(line.text, names))
    shell = line.shell.lower()
    if "powershell" in shell or "pwsh" in shell or shell.startswith("cmd"):
        yield from powershell.installs(line.source(), context, batch=shell.startswith("cmd"))
    else:
        yield from installs.installs(line.source(), context)


def _arguments(line: Instruction) -> dict[str, tuple[Value, ...]]:
    return {name: (Value(value, line.place._replace(text=value)),) for name, value in line.given}


def _shown(fact: Declared, layer: int | None) -> Declared:
    """A declaration as it may be shown, with the layer that its line made."""
    spec = fact.spec
    if spec is not None and shown.word(spec) is None:
        fact = fact._replace(spec=None, unresolved="a text that looks like a secret")
    fact = fact._replace(unresolved=fact.unresolved and _QUOTED.sub(lambda found: f"`{shown.script(found[1])}`", fact.unresolved))
    used = fact.used and _told(fact.used, layer)
    place = _told(fact.place, layer if fact.used is None else None)
    return fact._replace(place=place, used=used, pin=None, job=None)


def _told(place: Place, layer: int | None) -> Place:
    return place._replace(text=place.text and shown.word(place.text), layer=layer)


# What it gives away


def _credentials(config: Any, lines: Sequence[Instruction], *, ours: bool) -> Iterator[Credential]:
    """The credentials in variables, build arguments and labels, each once: where the history has it, else in the config."""
    seen: set[tuple[str, str]] = set()
    for name, value, place, what in _said(config, lines):
        if (name, value) in seen:
            continue
        seen.add((name, value))
        found = _credential(name, value, place, ours=ours)
        if found is not None:
            shown_ = found.place.text if found.kind == "url" and found.place.text else f"{shown.named(name)}={REDACTED}"
            yield found._replace(place=place._replace(text=f"{what} {shown_}"))


def _said(config: Any, lines: Sequence[Instruction]) -> Iterator[tuple[str, str, Place, str]]:
    for line in lines:
        if line.keyword in ("ENV", "ARG", "LABEL"):
            yield from ((name, value, line.place, line.keyword) for name, value in shown.pairs(line))
        yield from ((name, value, line.place, "ARG") for name, value in line.given)
    yield from ((name, value, _CONFIG, "ENV") for name, value in _environ(config))
    yield from ((name, value, _CONFIG, "LABEL") for name, value in _texts(_of(config, "config", "Labels"))[:_LABELS])


def _credential(name: str, value: str, place: Place, *, ours: bool) -> Credential | None:
    value = value[:10_000]
    found = exposed.credential(name, Value(value, place), ours=ours)
    if found is not None or not ours or not exposed.is_secret(value.strip()):
        return found
    return Credential(shown.named(name), place, "everyone") if redact.is_token(_WORD.sub("", value)) else None
