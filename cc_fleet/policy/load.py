"""Files into a policy: which file judges, what it extends, and who may write it."""

# Annotations are not postponed here: as texts each would be compiled at start.
import os
import stat
from collections.abc import Iterable
from typing import Any, NamedTuple

from cc_fleet.data import load as load_data
from cc_fleet.decode import SIZE, DecodeError, Node, decode, pairs, read_yaml
from cc_fleet.digest import sha256
from cc_fleet.frozen import expand
from cc_fleet.policy import Policy

SYSTEM = {
    "linux": "/etc/cc-fleet/policy.yaml",
    "darwin": "/Library/Application Support/cc-fleet/policy.yaml",
}
_HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_UNITED = ("deny", "waivers", "gateways", "advisories")
_BY_NAME = ("cli", "extensions", "env", "settings", "editor-settings", "severity")


class PolicyError(Exception):
    """A policy cannot be used.  One or more lines ``file:line:col: where: what``."""


class Loaded(NamedTuple):
    """A policy with the files that it was made of (as shown to people) and their common sha256."""

    policy: Policy
    files: tuple[str, ...]
    sha256: str
    folders: tuple[str, ...]


class _Source(NamedTuple):
    name: str
    root: Node
    digest: str
    folder: str
    identity: str
    packaged: bool


def folder() -> str:
    """Where the packaged policies are: in the wheel, or beside the package in a checkout."""
    packaged = os.path.join(_HERE, "data", "policies")
    return packaged if os.path.isdir(packaged) else os.path.join(os.path.dirname(_HERE), "policies")


def packaged() -> list[str]:
    """The names of the packaged policies."""
    return sorted(name[:-5] for name in os.listdir(folder()) if name.endswith(".yaml"))


def which(given: Iterable[str], environ: dict[str, str], platform: str) -> list[str]:
    """The policy that judges a machine: the files given, $CC_FLEET_POLICY, the system's, the default."""
    if chosen := list(given):
        return chosen
    if environ.get("CC_FLEET_POLICY"):
        return [environ["CC_FLEET_POLICY"]]
    system = SYSTEM.get(platform)
    return [system] if system and os.path.lexists(system) else ["default"]


def load(names: list[str]) -> Loaded:
    """The policy of ``names`` (files, or packaged names), each adding to those before it."""
    sources: list[_Source] = []
    for name in names:
        for source in _gather(name, "", ()):
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
    lifted = {denied.id for denied in policy.deny if denied.lifted is not None}
    policy = policy._replace(deny=tuple(d for d in policy.deny if d.id not in lifted))
    digest = sources[0].digest if len(sources) == 1 else sha256("".join(source.digest for source in sources).encode())
    folders = tuple(os.path.join(s.folder, value) for s in sources for value in _texts(s.root, "advisories"))
    return Loaded(policy, tuple(source.name for source in sources), digest, folders)


def _check_each(sources: list[_Source]) -> None:
    """Every file is a policy by itself, so that an error names the file that is wrong."""
    errors = []
    for source in sources:
        try:
            if not source.packaged or len(sources) == 1:
                decode(Policy, source.root)
        except DecodeError as err:
            errors.append(str(err))
    if errors:
        raise PolicyError("\n".join(errors))


def _gather(name: str, beside: str, chain: tuple[str, ...]) -> list[_Source]:
    """``name`` after all that it extends; of a file that several extend the first place counts."""
    source = _packaged(name) if _is_packaged(name) else _file(os.path.join(beside, name))
    if source.identity in chain:
        way = " → ".join(os.path.basename(identity) for identity in (*chain, source.identity))
        raise PolicyError(f"{source.name}:1:1: extends: it extends itself, by way of {way}")
    found: list[_Source] = []
    for base in _texts(source.root, "extends"):
        if not _is_packaged(base) and os.sep not in base and not base.endswith((".yaml", ".yml")):
            raise PolicyError(f"{source.name}:1:1: extends: no packaged policy {base!r}; there is {', '.join(packaged())}")
        found += _gather(base, source.folder, (*chain, source.identity))
    return [*found, source]


def _is_packaged(name: str) -> bool:
    return os.sep not in name and not name.endswith((".yaml", ".yml")) and name in packaged()


def _texts(root: Node, key: str) -> list[str]:
    found = [value for name, value in pairs(root) if name == key] if root.kind == "map" else []
    return [item.value for item in found[0].value if item.kind in ("plain", "quoted")] if found and found[0].kind == "list" else []


def _packaged(name: str) -> _Source:
    """A packaged policy.  Its compiled form is read, which spares the 14 ms of importing a YAML parser."""
    shown = f"{name}.yaml"
    entry = load_data("policies.json")[name]
    return _Source(shown, expand(entry["root"], shown), entry["sha256"], folder(), name, packaged=True)


def _file(path: str) -> _Source:
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
            data = file.read(SIZE + 1)
    finally:
        os.close(descriptor)
    if len(data) > SIZE:
        raise PolicyError(f"{path}: is larger than {SIZE // 1024} KiB")
    try:
        root = read_yaml(data.decode("utf-8-sig"), path)
    except UnicodeDecodeError:
        raise PolicyError(f"{path}: is not UTF-8 text") from None
    except DecodeError as err:
        raise PolicyError(str(err)) from None
    if root.kind != "map":
        raise PolicyError(f"{path}:{root.line}:{root.column}: the document: expected a mapping")
    return _Source(path, root, sha256(data), os.path.dirname(path), os.path.realpath(path), packaged=False)


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
