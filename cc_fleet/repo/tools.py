"""Tool managers: the versions that mise, asdf, proto, aqua and devbox are told to install.

**Files**: `mise.toml` under all its names (`.mise.toml`, `mise.*.toml`, `.config/mise/…`), `.tool-versions`,
`.prototools`, `aqua.yaml`, `devbox.json`.

**Forms**: `claude`, `claude-code`, `npm:@anthropic-ai/claude-code`, `aqua:`, `ubi:` and `github:anthropics/claude-code`;
a version, a list of them, a table with `version`; the tools of one task; tasks and hooks, which are shell scripts.

**Resolved**: `{{ env.X }}`, `{{ vars.x }}` and `{{ get_env(name="X", default="…") }}` by the same file; a prefix (`2.1`)
or `latest` by `mise.lock` or `devbox.lock` beside it.

**Not resolved**: `ref:` and `path:`, what the environment sets; other templates.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cc_fleet.model import Declared, Gap, Place
from cc_fleet.repo import Repository
from cc_fleet.repo.reading import document, installs, locks
from cc_fleet.repo.reading.declare import Asked, declared
from cc_fleet.repo.reading.document import Document, Node
from cc_fleet.repo.reading.recognise import NODE
from cc_fleet.repo.reading.source import Source
from cc_fleet.repo.reading.toml import script, toml
from cc_fleet.repo.reading.values import UNKNOWN, Context, Filled, Template, Value

WANTS = (
    "mise.toml", ".mise.toml", "mise.*.toml", ".mise.*.toml", "**/mise/config.toml", "**/.mise/config.toml", "**/mise/config.*.toml",
    "**/.config/mise.toml", "**/mise/conf.d/*.toml", ".rtx.toml", ".tool-versions", ".prototools", "aqua.yaml", "aqua.yml", ".aqua.yaml", "devbox.json",
)  # fmt: skip
_TOOL = re.compile(r"claude(?:-code)?|(?:aqua|ubi|github):anthropics/claude-code|(?:asdf|vfox):(?:[\w.:-]+/)*(?:asdf-|mise-|vfox-)?claude(?:-code)?")
_EXACT = re.compile(r"v?[0-9]+\.[0-9]+\.[0-9]+\S*")
_TEMPLATE = re.compile(r"\{\{\s*(.*?)\s*\}\}")
_NAMED = re.compile(r"(?:env|vars)\.(\w+)|get_env\(\s*name\s*=\s*[\"'](\w+)[\"']\s*(?:,\s*default\s*=\s*[\"']([^\"']*)[\"']\s*)?\)")


def read(repository: Repository, file: str) -> Iterator[Any]:
    text = repository.text(file) or ""
    name = file.rpartition("/")[2]
    if "claude" not in text.lower():
        return
    if (gap := repository.over(file)) is not None:
        yield gap
        return
    reader: Callable[[Repository, str, str], Iterator[Any]] = _mise
    for own, other in ((".tool-versions", _asdf), (".prototools", _proto), ("devbox.json", _devbox)):
        reader = other if name == own else reader
    yield from (_aqua if "aqua" in name else reader)(repository, file, text)


def _product(tool: str) -> str | None:
    """What a tool is, by the name that a manager has for it, options in brackets aside."""
    name = re.sub(r"\[[^\[]*\]\Z", "", tool)
    return NODE.get(name[4:]) if name.startswith("npm:") else "cli" if _TOOL.fullmatch(name) else None


def _asked(tool: str, product: str, installer: str, statement: Place) -> Asked:
    return Asked(product, installer, statement._replace(text=tool), None, "npm")


def _fact(asked: Asked, spec: str, at: Place | None) -> Declared | None:
    """What a tool's version comes to: a manager's own words for versions as ranges."""
    spec = spec.strip()
    if spec == "system":
        return None
    if found := re.fullmatch(r"(?:ref|path|branch|rev|tag|sub-[\w.-]+):.*", spec):
        return declared(asked, Filled(UNKNOWN, None, f"`{found[0].partition(':')[0]}:…`, which is no published version"))
    plain = re.sub(r"\A(?:prefix|latest):(?=\d)", "", spec)
    plain = plain[1:] if re.fullmatch(r"v\d.*", plain) else plain
    if at is not None and at.column is not None and at.text and at.text.endswith(plain):
        at = at._replace(column=at.column + len(at.text) - len(plain), text=plain)
    other = at is not None and at.line != asked.statement.line
    return declared(asked, Filled(plain, at if other else None), at)


def _asdf(repository: Repository, file: str, text: str) -> Iterator[Any]:
    whole = Source.whole(file, text)
    for row in re.finditer(r"^[ \t]*([^\s#]+)[ \t]+([^#\n]+)", text, re.MULTILINE):
        product = _product(row[1])
        for said in re.finditer(r"\S+", row[2]) if product else ():
            at = row.start(2) + said.start()
            fact = _fact(_asked(row[1], str(product), "asdf", whole.place(row.start(1))), said[0], whole.place(at, said[0]))
            if fact is not None:
                yield _locked(repository, fact, f"{file.rpartition('/')[0]}/mise.lock", _mise_lock, row[1])


def _proto(_repository: Repository, file: str, text: str) -> Iterator[Any]:
    found = toml(file, text)
    if isinstance(found, Gap):
        yield found
        return
    for key, value in document.items(found.root):
        if (product := _product(key.value)) and value.kind == "text":
            yield _fact(_asked(key.value, product, "proto", found.place(key)), value.value, found.value_place(value))


def _mise(repository: Repository, file: str, text: str) -> Iterator[Any]:
    found = toml(file, text)
    if isinstance(found, Gap):
        yield found
        return
    known = {
        f"{key.value}": (Value(value.value, found.value_place(value)),)
        for table in ("env", "vars")
        for key, value in document.items(document.get(found.root, table))
        if value.kind == "text"
    }
    tasks = [value for _, value in document.items(document.get(found.root, "tasks"))]
    for tools in (document.get(found.root, "tools"), *(document.get(task, "tools") for task in tasks)):
        for key, value in document.items(tools):
            if product := _product(key.value):
                yield from _tool(repository, found, _asked(key.value, product, "mise", found.place(key)), value, known)
    context = Context(known, Template(_TEMPLATE, lambda matched: (_expression(matched, known),)))
    for task in (*tasks, *(value for _, value in document.items(document.get(found.root, "hooks")))):
        run = task if task.kind != "map" else document.get(task, "run") or document.get(task, "script")
        for one in document.elements(run):
            if one.kind == "text":
                yield from installs.installs(script(found, one), context)


def _tool(repository: Repository, found: Document, asked: Asked, value: Node, known: Mapping[str, tuple[Value, ...]]) -> Iterator[Declared]:
    for one in document.elements(value):
        node = document.get(one, "version") if one.kind == "map" else one
        if node is None or node.kind != "text":
            yield declared(asked, None)
            continue
        at, spec = found.value_place(node), node.value
        if template := _TEMPLATE.fullmatch(spec.strip()):
            meant = _expression(template[0], known)
            yield declared(asked, Filled(UNKNOWN if meant.text is None else meant.text, meant.place, meant.why))
        elif "{{" in spec:
            yield declared(asked, Filled(UNKNOWN, None, f"`{spec[:80]}`, which is put together when it runs"))
        elif (fact := _fact(asked, spec, at)) is not None:
            yield _locked(repository, fact, f"{found.file.rpartition('/')[0]}/mise.lock", _mise_lock, asked.statement.text or "")


def _expression(matched: str, known: Mapping[str, tuple[Value, ...]]) -> Value:
    inner = _TEMPLATE.fullmatch(matched.strip())
    named = _NAMED.fullmatch(inner[1]) if inner else None
    name = (named[1] or named[2]) if named else ""
    if name in known:
        return known[name][0]
    if named and named[3]:
        return Value(named[3])
    return Value(None, None, f"`{matched[:80]}`, not set here")


def _locked(repository: Repository, fact: Declared, lock: str, find: Callable[[bytes, str, Declared], re.Match[bytes] | None], tool: str) -> Declared:
    """The fact with what a lock beside its file makes of it."""
    lock = lock.lstrip("/")
    if fact.spec is None or _EXACT.fullmatch(fact.spec) or not repository.has(lock):
        return fact
    data = locks.read(repository, lock, b"claude")
    entry = find(data, tool, fact) if isinstance(data, bytes) else None
    version = entry[1].decode("utf-8", "replace") if entry else ""
    if entry is None or not isinstance(data, bytes) or not locks.admits(fact.spec, version):
        return fact
    return fact._replace(resolved=version, lock=locks.place(lock, data, entry.start(1), version))


def _mise_lock(data: bytes, tool: str, _fact: Declared) -> re.Match[bytes] | None:
    name = re.escape(tool)
    return re.search(rf'^\[\[?tools\.(?:"{name}"|{name})\]\]?\s*\n(?:[^\[\n].*\n)??version\s*=\s*"([^"]+)"'.encode(), data, re.MULTILINE)


def _aqua(_repository: Repository, file: str, text: str) -> Iterator[Any]:
    read = document.yaml(file, text)
    if isinstance(read, Gap):
        yield read
        return
    for found in read:
        for package in document.elements(document.get(found.root, "packages")):
            name = document.get(package, "name")
            told = re.fullmatch(r"anthropics/claude-code(?:@v?(.+))?", document.text_of(name) or "")
            if name is None or told is None:
                continue
            asked = _asked(name.value, "cli", "aqua", found.place(name))
            version = document.get(package, "version")
            if told[1]:
                at = found.whole.place(name.start + (name.style in ("'", '"')) + told.start(1), told[1])
                yield _fact(asked, told[1], at)
            elif version is not None and version.kind == "text":
                yield _fact(asked, version.value, found.value_place(version))
            else:
                yield declared(asked, None)


def _devbox(repository: Repository, file: str, text: str) -> Iterator[Any]:
    found = document.json(file, text)
    if isinstance(found, Gap):
        yield found
        return
    packages = document.get(found.root, "packages")
    named = [(key, value) for key, value in document.items(packages)] + [(one, None) for one in document.elements(packages) if one.kind == "text"]
    for key, value in named:
        name, _, spec = key.value.partition("@")
        if name != "claude-code":
            continue
        node = value if value is None or value.kind == "text" else document.get(value, "version")
        if node is not None:
            spec, at = node.value, found.value_place(node)
        else:
            at = found.whole.place(key.start + 2 + len(name), spec)
        fact = _fact(_asked(key.value, "cli", "devbox", found.place(key)), spec or "latest", at)
        if fact is not None:
            yield _locked(repository, fact, f"{file.rpartition('/')[0]}/devbox.lock", _devbox_lock, f"{name}@{spec or 'latest'}")
    for _, lines in (*document.items(document.get(found.root, "shell", "scripts")), ("", document.get(found.root, "shell", "init_hook"))):
        for one in document.elements(lines):
            if one.kind == "text":
                yield from installs.installs(found.script(one), Context())


def _devbox_lock(data: bytes, tool: str, _fact: Declared) -> re.Match[bytes] | None:
    return re.search(rf'"{re.escape(tool)}"\s*:\s*\{{[^{{}}]*?"version"\s*:\s*"([^"]+)"'.encode(), data)
