"""Files into a policy: which file judges, what it extends, and who may write it."""

# Annotations are not postponed here: as texts each would be compiled at start.
import os
import stat
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cc_fleet.data import load as load_data
from cc_fleet.data import variables
from cc_fleet.decode import SIZE, DecodeError, Node, decode, pairs, read_yaml
from cc_fleet.frozen import expand
from cc_fleet.host.digest import sha256
from cc_fleet.model import Place
from cc_fleet.policy import Policy
from cc_fleet.policy.values import Count
from cc_fleet.policy.when import lift
from cc_fleet.records import NamedTuple

SYSTEM = {"linux": "/etc/cc-fleet/policy.yaml", "darwin": "/Library/Application Support/cc-fleet/policy.yaml"}
_HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
Reader = Callable[[str, int], bytes]  # of a file, at most so many and one more
_UNITED = ("deny", "waivers", "gateways", "advisories", "overlays")
_BY_NAME = ("cli", "extensions", "env", "settings", "editor-settings", "severity", "sessions", "exceptions")


class PolicyError(Exception):
    """A policy cannot be used.  One or more lines ``file:line:col: where: what``."""


class Outside(Exception):
    """What a reader of files will not read; ``path what``."""


class Loaded(NamedTuple):
    """A policy with the files that it was made of (as shown to people) and their common sha256.

    ``folders`` hold advisories of its own. ``groups`` is what its ``groups`` file says, by machine
    id or name. ``renamed`` are the variables without their prefix that were understood: where, what is written there, and
    what is meant. ``root`` is the text of them all laid over one another, for ``policy lint``: each node knows its file and
    line. ``inherited`` are packaged files that another one extends.
    """

    policy: Policy
    files: tuple[str, ...]
    sha256: str
    folders: tuple[str, ...]
    groups: Mapping[str, tuple[str, ...]] = {}
    renamed: tuple[tuple[Place, str, str], ...] = ()
    root: Node | None = None
    inherited: frozenset[str] = frozenset()


class _Source(NamedTuple):
    name: str
    root: Node
    digest: str
    folder: str
    identity: str
    packaged: bool
    renamed: tuple[tuple[Place, str, str], ...] = ()


def folder() -> str:
    """Where the packaged policies are: in the wheel, or beside the package in a checkout."""
    packaged = os.path.join(_HERE, "data", "policies")
    return packaged if os.path.isdir(packaged) else os.path.join(os.path.dirname(_HERE), "policies")


def packaged() -> list[str]:
    """The names of the packaged policies."""
    return sorted(name for name in load_data("policies.json") if "@" not in name)


def editions(name: str) -> dict[str, str]:
    """The editions of a packaged policy that are here, oldest first, with the key of each in the compiled file."""
    known = load_data("policies.json")
    found = {str(known[key]["edition"]): key for key in known if key.partition("@")[0] == name}
    return dict(sorted(found.items(), key=lambda pair: int(pair[0])))


def which(given: Iterable[str], environ: dict[str, str], platform: str) -> list[str]:
    """The policy that judges a machine: the files given, $CC_FLEET_POLICY, the system's, the default."""
    if chosen := list(given):
        return chosen
    if environ.get("CC_FLEET_POLICY"):
        return [environ["CC_FLEET_POLICY"]]
    return [system] if os.path.lexists(system := SYSTEM.get(platform, "")) else ["default"]


def load(names: list[str], read: Reader | None = None) -> Loaded:
    """The policy of ``names`` (files, or packaged names), each adding to those before it; ``read`` gets a file's bytes."""
    sources: list[_Source] = []
    for name in names:
        for source in _gather(name, "", (), read or read_bytes):
            if all(source.identity != earlier.identity for earlier in sources):
                sources.append(source)
    _check_each(sources)
    root = sources[0].root
    for source in sources[1:]:
        root = _merge(root, source.root)
    try:
        policy = decode(Policy, root)
    except DecodeError as err:
        raise PolicyError(str(err)) from None
    digest = sources[0].digest if len(sources) == 1 else sha256("".join(source.digest for source in sources).encode())
    folders = tuple(os.path.join(s.folder, item.value) for s in sources for item in _texts(s.root, "advisories"))
    edition = next((Count(value.value) for key, value in pairs(sources[-1].root) if key == "edition"), None)
    policy = policy._replace(edition=edition, deny=lift(policy.deny), overlays=_overlays(policy, folders))
    every = folders + tuple(folder for overlay in policy.overlays for folder in overlay.advisories)
    renamed = tuple(name for source in sources for name in source.renamed)
    files = tuple(source.name for source in sources)
    own = {source.name for source in sources if not source.packaged} | {files[-1]}
    inherited = frozenset(source.name for source in sources if source.packaged) - own
    return Loaded(policy, files, digest, every, _groups(root, read or read_bytes), renamed, root, inherited)


def _overlays(policy: Policy, folders: tuple[str, ...]) -> tuple[Any, ...]:
    """Of overlays with one name the last, where it stands; each with the folders of its own advisories."""
    by_name: dict[str, Any] = {}
    for overlay in policy.overlays:
        by_name.pop(overlay.name, None)
        beside = os.path.dirname(overlay.place.file)
        own = (os.path.join(beside, name).rstrip("/") for name in overlay.advisories)
        by_name[overlay.name] = overlay._replace(advisories=tuple(folder for folder in own if folder not in folders))
    return tuple(by_name.values())


def _groups(root: Node, read: Reader) -> Mapping[str, tuple[str, ...]]:
    """What the ``groups`` file says, beside the policy file that names it."""
    for key, value in pairs(root):
        if key == "groups":
            from cc_fleet.policy import groups

            file = os.path.join(os.path.dirname(value.file), value.value)
            try:
                return groups.parse(read(file, groups.SIZE), file)
            except DecodeError as err:
                raise PolicyError(str(err)) from None
    return {}


def _check_each(sources: list[_Source]) -> None:
    """Every file is a policy by itself, so that an error names the file that is wrong."""
    errors = []
    for source in (source for source in sources if not source.packaged or len(sources) == 1):
        try:
            decode(Policy, source.root)
        except DecodeError as err:
            errors.append(str(err))
    if errors:
        raise PolicyError("\n".join(errors))


def _gather(name: str, beside: str, chain: tuple[str, ...], read: Reader) -> list[_Source]:
    """``name`` after all that it extends; of a file that several extend the first place counts."""
    source = _packaged(name) if _is_packaged(name) else _file(os.path.join(beside, name), read)
    if source.identity in chain:
        way = " → ".join(os.path.basename(identity) for identity in (*chain, source.identity))
        raise PolicyError(f"{source.name}:1:1: extends: it extends itself, by way of {way}")
    found: list[_Source] = []
    for item in _texts(source.root, "extends"):
        base, where = item.value, f"{source.name}:{item.line}:{item.column}: extends"
        if not _is_packaged(base) and os.sep not in base and not base.endswith((".yaml", ".yml")):
            raise PolicyError(f"{where}: no packaged policy {base!r}; there is {', '.join(packaged())}")
        if _is_packaged(base):
            _check_edition(base, where)
        try:
            found += _gather(base, source.folder, (*chain, source.identity), read)
        except Outside as err:
            raise PolicyError(f"{where}: {err}") from None
    return [*found, source]


def _is_packaged(name: str) -> bool:
    return os.sep not in name and not name.endswith((".yaml", ".yml")) and name.partition("@")[0] in packaged()


def _check_edition(name: str, where: str) -> None:
    base, at, edition = name.partition("@")
    here = editions(base)
    if at and edition not in here:
        named = " or ".join(f"{base}@{known}" for known in here)
        raise PolicyError(f"{where}: this cc-fleet has no {name}, only {named}; {'name that' if len(here) == 1 else 'name one of these'}, or install a cc-fleet that has it")


def _texts(root: Node, key: str) -> list[Node]:
    found = [value for name, value in pairs(root) if name == key] if root.kind == "map" else []
    return [item for item in found[0].value if item.kind in ("plain", "quoted")] if found and found[0].kind == "list" else []


def _packaged(name: str) -> _Source:
    """A packaged policy.  Its compiled form is read, which spares the 14 ms of importing a YAML parser."""
    _check_edition(name, "policy")
    base, _, edition = name.partition("@")
    here = editions(base)
    edition = edition or [*here][-1]
    shown = f"{here[edition]}.yaml"
    entry = load_data("policies.json")[here[edition]]
    return _Source(shown, expand(entry["root"], shown), entry["sha256"], folder(), f"{base}@{edition}", packaged=True)


def _file(path: str, read: Reader) -> _Source:
    data = read(path, SIZE)
    try:
        root = read_yaml(data.decode("utf-8-sig"), path)
    except UnicodeDecodeError:
        raise PolicyError(f"{path}: is not UTF-8 text") from None
    except DecodeError as err:
        raise PolicyError(str(err)) from None
    if root.kind != "map":
        raise PolicyError(f"{path}:{root.line}:{root.column}: the document: expected a mapping")
    root, renamed = _prefixed(root)
    return _Source(path, root, sha256(data), os.path.dirname(path), os.path.realpath(path), packaged=False, renamed=renamed)


def read_bytes(path: str, most: int) -> bytes:
    """A file that judges: a policy, or its groups. As root nobody else may be able to write it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as err:
        raise PolicyError(f"{path}: {(err.strerror or 'cannot be read').lower()}") from None
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise PolicyError(f"{path}: is not a file")
        if os.geteuid() == 0:
            _check_owner(path, found)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(most + 1)
    finally:
        os.close(descriptor)
    if len(data) > most:
        raise PolicyError(f"{path}: is larger than {most // 1024} KiB")
    return data


def _check_owner(path: str, found: os.stat_result) -> None:
    """As root, a policy is as good as a command: nobody else may be able to write or replace it."""
    if found.st_uid != 0 or found.st_mode & 0o022:
        raise PolicyError(f"{path}: others can write it; run as root, a policy must belong to root alone (chown root, chmod go-w)")
    for start in {os.path.abspath(path), os.path.realpath(path)}:  # a link is as good as what it names
        place = start
        while place != "/":
            place = os.path.dirname(place)
            above = os.stat(place)
            if above.st_uid != 0 or (above.st_mode & 0o022 and not above.st_mode & stat.S_ISVTX):
                raise PolicyError(f"{path}: others can write its folder {place}; run as root, a policy and its folders must belong to root alone")


def _prefixed(root: Node) -> tuple[Node, tuple[tuple[Place, str, str], ...]]:
    """``root`` with the variables of ``env`` under their real names, and which were written without the prefix."""
    renamed: list[tuple[Place, str, str]] = []

    def of_map(node: Node) -> Node:
        return node._replace(value=tuple((key, env(value) if key.value == "env" else value) for key, value in node.value)) if node.kind == "map" else node

    def env(node: Node) -> Node:
        return node._replace(value=tuple((name(key), value) for key, value in node.value)) if node.kind == "map" else node

    def name(key: Node) -> Node:
        real = f"CLAUDE_CODE_{key.value}"
        # Of one word there may be another's: SHELL and TMPDIR are not CLAUDE_CODE_SHELL and CLAUDE_CODE_TMPDIR.
        if key.kind in ("map", "list") or "_" not in key.value or real not in variables() or key.value in variables():
            return key
        renamed.append((Place(key.file, key.line, key.column), key.value, real))
        return key._replace(value=real)

    root = of_map(root)
    laid = tuple((key, value._replace(value=tuple(map(of_map, value.value))) if key.value == "overlays" and value.kind == "list" else value) for key, value in root.value)
    return root._replace(value=laid), tuple(renamed)


def _merge(base: Node, over: Node) -> Node:
    """``over`` laid upon ``base``: lists of rules are united, rules replaced by name, the rest by key."""
    merged = {key.value: (key, value) for key, value in base.value}
    for key, value in over.value:
        earlier, result = merged.get(key.value), value
        if earlier and key.value in _UNITED and value.kind == earlier[1].kind == "list":
            result = value._replace(value=earlier[1].value + value.value)
        elif earlier and key.value in _BY_NAME and value.kind == earlier[1].kind == "map":
            result = value._replace(value=_by_name(earlier[1], value))
        merged[key.value] = (key, result)
    return over._replace(value=tuple(merged.values()) + _twice(over))


def _by_name(base: Node, over: Node) -> Any:
    given = {key.value for key, _ in over.value}
    return tuple(pair for pair in base.value if pair[0].value not in given) + over.value


def _twice(root: Node) -> tuple[tuple[Node, Node], ...]:
    """Duplicate keys, kept so that the decoder can tell of them."""
    seen: set[str] = set()
    twice = []
    for pair in root.value:
        if pair[0].value in seen:
            twice.append(pair)
        seen.add(pair[0].value)
    return tuple(twice)
