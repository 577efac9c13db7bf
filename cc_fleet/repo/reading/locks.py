"""What a lock makes of a range: package-lock, npm-shrinkwrap, pnpm-lock, yarn.lock (both), bun.lock.

The nearest lock upwards governs, one above its folder only where it says that the folder is of its
workspace. One that lacks the package, or does not admit the range that is asked for, governs
nothing: it is stale, and the next install resolves anew. Locks are searched for the package's
entry and never parsed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cc_fleet.host.tree import Missing, Unreadable
from cc_fleet.model import Gap, Place
from cc_fleet.records import NamedTuple
from cc_fleet.repo import Repository
from cc_fleet.versions import npm

LIMIT = 64 * 1024 * 1024
_ENTRY = 4096  # bytes of an entry in which its version stands
_LONGEST = 200  # characters of a range that anybody writes
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_NAMES = {
    "npm-shrinkwrap.json": "npm", "package-lock.json": "npm", "pnpm-lock.yaml": "pnpm", "yarn.lock": "yarn", "bun.lock": "bun", "bun.lockb": "bun",
}  # fmt: skip


class Wanted(NamedTuple):
    """A dependency of the package in ``folder``: ``name`` is the package, ``key`` what it is called there.

    ``spec`` is as written (``npm:name@^2.1.0``, ``catalog:``), ``range`` what it comes to (``^2.1.0``).
    """

    folder: str
    key: str
    name: str
    spec: str
    range: str


class Locked(NamedTuple):
    """The version that a lock has, and where it stands."""

    version: str
    place: Place


def locked(repository: Repository, wanted: Wanted, manager: str | None = None) -> Iterator[Locked | Gap]:
    """What the locks that govern make of ``wanted``, each version once; a Gap for a lock that cannot be read.

    With a ``manager`` (npm, pnpm, yarn, bun) other managers' locks are leftovers.
    """
    folder, seen = wanted.folder, set()
    while True:
        at = f"{folder}/" if folder else ""
        present = [name for name, whose in _NAMES.items() if repository.has(at + name) and manager in (None, whose)]
        if "npm-shrinkwrap.json" in present and "package-lock.json" in present:
            present.remove("package-lock.json")
        for name in present:
            found = _of(repository, at + name, wanted, wanted.folder[len(at) :])
            if found is not None and getattr(found, "version", found) not in seen:
                seen.add(getattr(found, "version", found))
                yield found
        if seen or not folder:
            return
        folder = folder.rpartition("/")[0]


def admits(spec: str, version: str) -> bool:
    """Whether npm's range ``spec`` admits ``version``; a tag admits whatever a lock has."""
    if spec in ("", "*") or re.fullmatch(r"[A-Za-z][\w.-]*", spec):
        return True
    holds = npm(spec)
    return holds is not None and holds(version)


def _of(repository: Repository, file: str, wanted: Wanted, below: str) -> Locked | Gap | None:
    if file.endswith(".lockb"):
        return Gap("is bun's binary lock, which cannot be read here; `bun install --save-text-lockfile` writes bun.lock", Place(file))
    data = read(repository, file)
    if not isinstance(data, bytes):
        return data
    found = {"npm": _npm, "pnpm": _pnpm, "yarn": _yarn, "bun": _bun}[_NAMES[file.rpartition("/")[2]]](data, wanted, below)
    if found is None:
        return None
    start, version = found
    if file.endswith("yarn.lock") and below and not _is_member(repository, data, file, below):
        return None
    return Locked(version, place(file, data, start, version)) if admits(wanted.range, version) else None


def place(file: str, data: bytes, start: int, text: str) -> Place:
    begin = data.rfind(b"\n", 0, start) + 1
    column = len(data[begin:start].decode("utf-8", "replace")) + 1 if start - begin <= _ENTRY else None
    return Place(file, data.count(b"\n", 0, start) + 1, column, text)


def read(repository: Repository, file: str, word: bytes = b"claude-code") -> bytes | Gap | None:
    """A lock with plain line ends; None where it does not hold ``word``, a Gap over ``LIMIT``."""
    kept = repository.once("lock", dict[tuple[str, bytes], "bytes | Gap | None"])  # a workspace's packages ask for one lock, one after another
    if (file, word) not in kept:
        kept.clear()
        kept[file, word] = _read(repository, file, word)
    return kept[file, word]


def _read(repository: Repository, file: str, word: bytes) -> bytes | Gap | None:
    try:
        if repository.tree.stat(f"/{file}").size > LIMIT:
            return _too_large(file)
        data = repository.tree.read(f"/{file}", LIMIT)
    except Missing:
        return Gap("is a link that leads out of the repository, or to nothing", Place(file))
    except Unreadable as err:
        return Gap(str(err), Place(file))
    if len(data) > LIMIT:  # it grew
        return _too_large(file)
    return data.replace(b"\r\n", b"\n") if word in data else None


def _too_large(file: str) -> Gap:
    return Gap(f"is larger than {LIMIT // 1024 // 1024} MiB, so what it locks is not known", Place(file))


def _first(pattern: str, data: bytes, start: int = 0, end: int | None = None) -> re.Match[bytes] | None:
    return re.compile(pattern.encode(), re.MULTILINE).search(data, start, len(data) if end is None else end)


def _version(pattern: str, data: bytes, start: int, end: int | None = None) -> tuple[int, str] | None:
    """Where the group of ``pattern`` stands in the entry that begins at ``start``, and its text."""
    body = data[start : min(start + _ENTRY, len(data) if end is None else end)]
    found = _first(pattern, body)
    return (start + found.start(1), found[1].decode("utf-8", "replace")) if found else None


def _npm(data: bytes, wanted: Wanted, below: str) -> tuple[int, str] | None:
    """Versions 2 and 3 name every copy by its path; version 1 nests them."""
    if b'"node_modules/' not in data:
        return None if below else _npm_1(data, wanted)
    if below and not _first(rf'"{re.escape(below)}"\s*:\s*\{{', data):
        return None
    parts = below.split("/") if below else []
    for count in range(len(parts), -1, -1):
        path = "".join(f"{part}/" for part in parts[:count]) + f"node_modules/{wanted.key}"
        if entry := _first(rf'"{re.escape(path)}"\s*:\s*\{{', data):
            body = data[entry.end() : entry.end() + _ENTRY].partition(b"}")[0]
            named = re.search(rb'"name"\s*:\s*"([^"]*)"', body)
            name = named[1].decode("utf-8", "replace") if named else wanted.key
            return _version(r'"version"\s*:\s*"([^"]+)"', data, entry.end(), entry.end() + len(body)) if name == wanted.name else None
    return None


def _npm_1(data: bytes, wanted: Wanted) -> tuple[int, str] | None:
    at = depth = 0
    for entry in re.finditer(rf'"{re.escape(wanted.key)}"\s*:\s*\{{'.encode(), data):
        plain = _STRING.sub(b"", data[at : entry.start()])
        depth += plain.count(b"{") - plain.count(b"}")
        at = entry.start()
        if depth == 2:
            alias = f"npm:{wanted.name}@" if wanted.key != wanted.name else ""
            return _version(rf'\A[^{{}}]*?"version"\s*:\s*"{re.escape(alias)}([^"]+)"', data, entry.end())
    return None


def _pnpm(data: bytes, wanted: Wanted, below: str) -> tuple[int, str] | None:
    """Each folder of a workspace is an importer; before version 9 a single package stands at the top."""
    start, end, indent = 0, len(data), ""
    if importers := _first(r"^importers:[ ]*$", data):
        head = _first(rf"^  (['\"]?){re.escape(below or '.')}\1:[ ]*$", data, importers.end())
        if head is None:
            return None
        start, indent = head.end(), "    "
        following = _first(r"^ {0,2}[^ \n]", data, start)
        end = following.start() if following else end
    elif below:
        return None
    elif packages := _first(r"^packages:", data):
        end = packages.start()
    told = dict(_pnpm_entries(data, wanted.key, indent, start, end))
    found = next((told[group] for group in ("dependencies", "devDependencies", "optionalDependencies") if group in told), None)
    if found is None:
        return None
    asked = _version(r"\A[ ]*\n\s+specifier: (.*)", data, found, end)
    if asked is None and "specifiers" in told:
        asked = _version(r"\A (.*)", data, told["specifiers"], end)
    if asked is None or asked[1].strip(" '\"") != wanted.spec:
        return None
    name = f"/?{re.escape(wanted.name)}[@/]"
    return _version(rf"\A(?:[ ]*\n\s+specifier: .*\n\s+version:)? ['\"]?(?:{name})?([0-9]+\.[0-9]+\.[^\s('\"_]*)", data, found, end)


def _pnpm_entries(data: bytes, key: str, indent: str, start: int, end: int) -> Iterator[tuple[str, int]]:
    """Each group between ``start`` and ``end`` that has ``key``, and where the key ends."""
    heads = [*re.compile(rf"^{indent}([A-Za-z]+):[ ]*$".encode(), re.MULTILINE).finditer(data, start, end)]
    for head, following in zip(heads, [*(other.start() for other in heads[1:]), end][: len(heads)], strict=True):
        if entry := _first(rf"^{indent}  (['\"]?){re.escape(key)}\1:", data, head.end(), following):
            yield head[1].decode(), entry.end()


def _yarn(data: bytes, wanted: Wanted, _below: str) -> tuple[int, str] | None:
    """Both kinds of yarn.lock head an entry with what it answers: ``"name@range", "name@other":``."""
    answers = {f"{wanted.key}@{wanted.spec}".encode(), f"{wanted.key}@npm:{wanted.spec}".encode()}
    at = data.find(f"{wanted.key}@".encode())
    while at >= 0:
        end = data.find(b"\n", at)
        begin, end = data.rfind(b"\n", 0, at) + 1, len(data) if end < 0 else end
        head = data[begin:end] if end - begin < _ENTRY else b""
        if head.endswith(b":") and answers & set(re.split(rb'"?, "?', head.strip(b':"'))):
            return _version(r'\A\n\s+version:? "?([^"\s]+)', data, end)
        at = data.find(f"{wanted.key}@".encode(), end)
    return None


def _is_member(repository: Repository, data: bytes, lock: str, below: str) -> bool:
    """Whether the folder ``below`` is of the workspace that a yarn.lock locks; the older kind does not say so itself."""
    if b"@workspace:" in data:
        return f'@workspace:{below}"'.encode() in data or f"@workspace:{below},".encode() in data
    import json

    try:
        told = json.loads(repository.text(f"{lock.rpartition('/')[0]}/package.json".lstrip("/")) or "{}")
    except (ValueError, RecursionError):
        return False
    spaces = told.get("workspaces") if isinstance(told, dict) else None
    spaces = spaces.get("packages") if isinstance(spaces, dict) else spaces
    return any(isinstance(space, str) and matches(space, below) for space in (spaces if isinstance(spaces, list) else ()))


def matches(pattern: str, folder: str) -> bool:
    """Whether a workspace's pattern (``apps/*``, ``packages/**``) names ``folder``."""
    text = re.escape(pattern.removeprefix("./").rstrip("/")[:_LONGEST])
    return re.fullmatch(text.replace(r"/\*\*", "(?:/.*)?").replace(r"\*\*", ".*").replace(r"\*", "[^/]*"), folder) is not None


def _bun(data: bytes, wanted: Wanted, below: str) -> tuple[int, str] | None:
    if below and not _first(rf'"{re.escape(below)}"\s*:\s*\{{', data):
        return None
    found = _first(rf'"{re.escape(wanted.key)}"\s*:\s*\[\s*"{re.escape(wanted.name)}@([^"]+)"', data)
    return (found.start(1), found[1].decode("utf-8", "replace")) if found else None
