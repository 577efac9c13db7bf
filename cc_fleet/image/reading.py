"""The facts of an image: those of a machine that has its files, and what the image says of itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cc_fleet.host import facts
from cc_fleet.host.accounts import accounts
from cc_fleet.host.machine import Machine, User
from cc_fleet.host.tree import Missing, Unreadable
from cc_fleet.image import history
from cc_fleet.image.manifest import Described
from cc_fleet.image.tree import ImageTree
from cc_fleet.image.wanted import SECRET
from cc_fleet.model import GROUPS, Credential, Gap, Place, Target

_PACKAGE, _MOST = b"/node_modules/@anthropic-ai/claude-code", 100
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # what runtimes give where an image gives none


def target(tree: ImageTree, image: Described, name: str, keep: frozenset[str], *, digests: bool) -> Target:
    """What is found in ``tree``, each file with the layer that brought it."""
    if not image.platform.startswith("linux/"):
        unread = Gap(f"is an image for {image.platform or 'a platform that it does not tell'}, whose files are not read", Place(name))
        return facts.collect(_machine(ImageTree(()), image, name, keep, digests=False))._replace(gaps=(unread,))
    found = facts.collect(_machine(tree, image, name, keep, digests=digests))
    placed: dict[str, Any] = {group: tuple(_placed(tree, fact) for fact in getattr(found, group)) for group in GROUPS}
    more: dict[str, list[Any]] = {group: [] for group in GROUPS}
    kinds = {kind: group for group, kind in GROUPS.items()}
    for fact in (*history.facts(image.config, image.digest, image.platform, keep), *_taken_away(tree, image, keep), *history.layers(image.config, [one.unpacked or one.digest or "" for one in image.layers])):
        more[kinds[type(fact)]].append(fact)
    told: dict[str, Any] = {group: (*placed[group], *more[group]) for group in GROUPS}
    return found._replace(**told)


def _machine(tree: ImageTree, image: Described, name: str, keep: frozenset[str], *, digests: bool) -> Machine:
    environ = {"PATH": _PATH, **history.environ(image.config)}
    users, unread = accounts(tree, "linux")
    runs = _user(tree, history.user(image.config), environ, users)
    others = tuple(user for user in users if user.home != runs.home)
    gaps = (Gap(unread, Place("/etc/passwd")),) if unread else ()
    return Machine(tree, "image", name, "linux", (runs, *others), privileged=True, environ=environ, caller=runs, keep=keep, digests=digests, unread=gaps, packages=_packages(tree))


def _packages(tree: ImageTree) -> tuple[str, ...]:
    """Every folder of npm's package: in an image one that no PATH leads to is there all the same."""
    found = {folder for layer in tree.layers for folder in layer.folders if folder.endswith(_PACKAGE) or folder == _PACKAGE[1:]}
    return tuple(f"/{folder.decode('utf-8', 'surrogateescape')}" for folder in sorted(found)[:_MOST])


def _user(tree: ImageTree, told: str, environ: dict[str, str], users: tuple[User, ...]) -> User:
    """Who the image runs as: a name or a number, of which ``/etc/passwd`` has the home; root where it says nothing."""
    asked = told.partition(":")[0] or "root"
    try:
        lines = tree.read("/etc/passwd").decode("utf-8", "replace").split("\n")
    except (Missing, Unreadable):
        lines = []
    rows = [fields for fields in (line.split(":") for line in lines) if len(fields) == 7]
    row = next((fields for fields in rows if asked in (fields[0], fields[2])), None)
    name = row[0] if row else asked if asked != "0" else "root"
    home = environ.get("HOME") or (row[5] if row else "/root" if name == "root" else "/")
    known = next((user for user in users if user.home == home), None)
    return known or User(name, home, "sh")


def _placed(tree: ImageTree, fact: Any) -> Any:
    place = getattr(fact, "place", None)
    if place is None or not place.file.startswith("/"):
        return fact
    brought = tree.brought(place.file)
    return fact if brought is None else fact._replace(place=place._replace(layer=brought + 1))


def _taken_away(tree: ImageTree, image: Described, keep: frozenset[str]) -> Iterator[Credential]:
    """The credentials that stand in a layer, and not in the image any more: whoever has the image has the layer."""
    for number, layer in enumerate(tree.layers[:-1]):
        hidden = {f"/{path}": by for path, by in _hidden(tree, number) if by is not None}
        if not hidden:
            continue
        then = ImageTree(tree.layers[: number + 1])
        found = facts.collect(_machine(then, image, "", keep, digests=False))
        for asked, sizes in then.asked.items():
            tree.asked.setdefault(asked, {}).update(sizes)
        for credential in dict.fromkeys(found.credentials):
            path = credential.place.file
            if path in hidden:
                yield credential._replace(place=credential.place._replace(layer=number + 1), readable_by="everyone", removed=hidden[path])
        del layer


def _hidden(tree: ImageTree, number: int) -> Iterator[tuple[str, int | None]]:
    """The files of a layer that may hold a credential and that a later layer, which is told, hides."""
    for folder, entries in tree.layers[number].folders.items():
        for name in SECRET & entries.keys():
            path = folder + b"/" + name if folder else name
            found = tree.find(path)
            if found is None or found.brought != number:
                yield path.decode("utf-8", "surrogateescape"), tree.hidden_by(path, number)
