"""Nix: derivations of Claude Code's own, overlays, and the package of nixpkgs.

**Files**: `*.nix`.

**Forms**: `version = "…"` beside `pname = "claude-code"`, in `claude-code.overrideAttrs`, and behind the URL of the
npm package or of a release (`${version}`, `${finalAttrs.version}`, a name of your own, a literal);
`pkgs.claude-code` and `claude-code` in a list; `programs.claude-code.enable`; scripts in texts.

**Resolved**: a name that the same file gives a text; `lib.importJSON ./manifest.json`. Where the repository
has a derivation or overlay of its own, `pkgs.claude-code` is that.

**Not resolved**: which version nixpkgs has. Where flake.lock, devenv.lock, npins, niv or a commit in the
file hold nixpkgs to a revision, the version is fixed but not written here; where nothing does, it is
whatever the channel has, and that is unpinned.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from cc_fleet.model import Declared, Gap
from cc_fleet.repo import Repository
from cc_fleet.repo.reading import document, installs
from cc_fleet.repo.reading.declare import Asked, declared
from cc_fleet.repo.reading.source import Source
from cc_fleet.repo.reading.values import UNKNOWN, Context, Filled, Template, Value

WANTS = ("*.nix",)
_TOKEN = re.compile(r"#[^\n]*|/\*.*?(?:\*/|\Z)|\"(?:[^\"\\]++|\\.)*+\"?|''(?:[^']++|'''|''[$\\]|'(?!'))*+(?:''|\Z)?", re.DOTALL)
_URL = re.compile(r"@anthropic-ai/claude-code/-/claude-code-([^\s\"]+?)\.tgz|/claude-code-releases/([^\s/\"]+)/")
_OWN = re.compile(r"\bpname\s*=\s*\"claude-code(?:-bin|-native)?\"|\bclaude-code\.overrideAttrs\b")
_VERSION = re.compile(r"\bversion\s*[=?]\s*(?:\"([^\"\n$]*)\"|([^;\n]{1,200});)")
_USED = re.compile(r"(?<![\w./@:$'-])((?:[A-Za-z_][\w'-]*\.)*)claude-code(?![\w/@:'-])((?:\.[\w-]+)*)(\s*=(?!=))?")
_FORMALS = re.compile(r"\{[^{}=;]*\}\s*(?:@\s*[\w'-]+\s*)?:")
_ENABLED = re.compile(r"\bprograms\.claude-code(?:\.enable\s*=\s*true|\s*=\s*\{[^{}]*?\benable\s*=\s*true)")
_ASIDE = frozenset("overlays overlay homeManagerModules nixosModules darwinModules homeModules lib inputs meta version url follows pname src name".split())
_LOCKS = ("flake.lock", "devenv.lock", "npins/sources.json", "nix/sources.json")
_COMMIT = re.compile(r"nixpkgs[^\n]{0,200}[^0-9a-f][0-9a-f]{40}(?![0-9a-f])|\brev\s*=\s*\"[0-9a-f]{40}\"")
_RUNS = re.compile(r"(?:Hook|Phase|[Ss]cript\w*|\b(?:text|exec|ExecStart\w*|run|command|postInstall|preInstall))\s*=\s*\Z")
_MOST = 200  # versions that a file gives
_PLAIN = re.compile(r"\$\{[\w.'-]+\}")  # an expression that holds no text
_FAR = 1500  # characters between a name and its version


def read(repository: Repository, file: str) -> Iterator[Any]:
    text = repository.text(file) or ""
    if "claude" not in text:
        return
    if (gap := repository.over(file)) is not None:
        yield gap
        return
    whole = Source.whole(file, text)
    own = dict.fromkeys(_own(repository, whole))
    yield from own
    yield from _scripts(whole)
    if not own and not repository.once("nix", lambda: any(_defines(repository, other) for other in repository.files if other.endswith(".nix"))):
        yield from _references(repository, whole)


def _defines(repository: Repository, file: str) -> bool:
    """Whether a file has a derivation or overlay of Claude Code."""
    text = repository.text(file) or ""
    return "claude-code" in text and bool(_OWN.search(text) or _URL.search(text))


def _own(repository: Repository, whole: Source) -> Iterator[Declared]:
    text = _TOKEN.sub(lambda one: one[0] if one[0][0] in "\"'" else _blank(one), whole.text)
    for found in islice(_URL.finditer(text), _MOST):
        said, at = (found[1], found.start(1)) if found[1] else (found[2], found.start(2))
        if not (name := re.fullmatch(r"\$\{([\w.'-]*?)([\w'-]+)\}", said)):
            spec = Filled(said, None, f"`{said[:80]}`, not read here" if "$" in said else "")
            yield declared(Asked("cli", "nix", whole.place(at, said)), spec, whole.place(at, said))
        elif (written := _near(re.compile(rf"\b{re.escape(name[2])}\s*[=?]\s*(?:\"([^\"\n$]*)\"|([^;\n]{{1,200}});)"), text, found.start())) is not None:
            yield _fact(repository, whole, written)
    for found in islice(_OWN.finditer(text), _MOST):
        written = _near(_VERSION, text, found.start(), after="overrideAttrs" in found[0])
        if written is not None:
            yield _fact(repository, whole, written)


def _near(pattern: re.Pattern[str], text: str, at: int, *, after: bool = False) -> re.Match[str] | None:
    """The nearest place where a version is given: of an override behind it, else before or behind."""
    start = at if after else max(0, at - _FAR)
    found = list(pattern.finditer(text, start, min(len(text), at + _FAR)))
    between = [one for one in found if not re.search(r"\bpname\s*=", text[min(one.end(), at + 8) : max(one.start(), at)])]
    return min(between, key=lambda one: abs(one.start() - at), default=None)


def _fact(repository: Repository, whole: Source, written: re.Match[str]) -> Declared:
    """A version that a file gives: a text, or a value of a JSON file beside it."""
    statement = whole.place(written.start(), written[0][:120])
    if written[1] is not None:
        return declared(Asked("cli", "nix", statement), Filled(written[1], whole.place(written.start(1), written[1])), None)
    if value := _imported(repository, whole, written[2]):
        return declared(Asked("cli", "nix", statement), Filled(value.text or "", value.place), None)
    return declared(Asked("cli", "nix", statement), Filled(UNKNOWN, None, f"`{written[2].strip()[:80]}`, not read here"))


def _imported(repository: Repository, whole: Source, expression: str) -> Value | None:
    """What ``manifest.version`` is, where ``manifest`` is a JSON file."""
    named = re.search(r"(?:\(.*\)|\b([\w'-]+))\.([\w'-]+)\s*\Z", expression)
    if named is None:
        return None
    reads = r"[^;]{0,80}?(?:importJSON|readFile)\s+(\.{1,2}/[\w./-]+\.json)"
    found = re.search(reads, expression) or (named[1] and re.search(rf"\b{re.escape(named[1])}\s*={reads}", whole.text))
    if not found:
        return None
    parts = whole.file.split("/")[:-1]
    for part in found[1].split("/"):
        if part == ".." and not parts:
            return None
        parts = parts[:-1] if part == ".." else [*parts, part] if part != "." else parts
    path = "/".join(parts)
    read = document.json(path, repository.text(path) or "") if repository.has(path) else None
    node = None if read is None or isinstance(read, Gap) else document.get(read.root, named[2])
    if read is None or isinstance(read, Gap) or node is None or document.text_of(node) is None:
        return None
    return Value(node.value, read.value_place(node))


def _references(repository: Repository, whole: Source) -> Iterator[Declared]:
    """Where the package of nixpkgs, or of a flake, is taken."""
    plain = _TOKEN.sub(_blank, whole.text)
    formals = [found.span() for found in _FORMALS.finditer(plain) if "claude-code" in found[0]]
    why = _held(repository, whole)
    spec = Filled(UNKNOWN, None, why) if why else None
    starts = {found.start(): found.end() for found in _ENABLED.finditer(plain)}
    for found in _USED.finditer(plain):
        at = found.start()
        defines = found[3] or found[1].endswith("programs.") or found[1].endswith("services.")
        aside = set(found[2].split(".")) & _ASIDE
        if not (defines or aside or any(start < at < end for start, end in formals)):
            starts[at] = found.end()
    for at, end in sorted(starts.items()):
        yield declared(Asked("cli", "nix", whole.place(at, whole.text[at:end].partition("\n")[0][:120])), spec)


def _blank(found: re.Match[str]) -> str:
    """A comment or text as blanks, but for the expressions in a text."""
    kept = [one.span() for one in re.finditer(r"(?<!'')(?<!\\)\$\{[^{}\"]*\}", found[0])] if found[0][0] in "\"'" else []
    shown, at = [], 0
    for start, end in [*kept, (len(found[0]), len(found[0]))]:
        shown += [re.sub(r"[^\n]", " ", found[0][at:start]), "  " + found[0][start + 2 : end] if end > start else ""]
        at = end
    return "".join(shown)


def _held(repository: Repository, whole: Source) -> str:
    """What holds nixpkgs to a revision, if anything does."""
    if _COMMIT.search(whole.text):
        return "nixpkgs at a commit, whose version of it is not read here"
    folder = whole.file.rpartition("/")[0]
    while True:
        for name in _LOCKS:
            if repository.has(f"{folder}/{name}".lstrip("/")):
                return f"nixpkgs as {name} holds it, whose version of it is not read here"
        if not folder:
            return ""
        folder = folder.rpartition("/")[0]


def _scripts(whole: Source) -> Iterator[Any]:
    """What the scripts in a file's texts install."""
    template = Template(re.compile(r"(?<!'')\$\{[^{}]*\}"), lambda text: (Value(None, None, f"`{text[:80] if _PLAIN.fullmatch(text) else '${…}'}`, not read here"),))
    for found in _TOKEN.finditer(whole.text):
        text, before = found[0], whole.text[max(0, found.start() - 80) : found.start()]
        size = 2 if text.startswith("''") else 1
        if "claude" not in text or text[0] not in "\"'" or re.search(r"escription\s*=\s*\Z", before):
            continue
        if size == 2 or _RUNS.search(before):
            yield from installs.installs(whole.part(found.start() + size, found.end() - size), Context(template=template))
