"""Which commands install Claude Code, its extension or a gateway, and which of their words is the version."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from cc_fleet.model import LIBRARY
from cc_fleet.records import NamedTuple
from cc_fleet.repo.reading.values import UNKNOWN
from cc_fleet.repo.reading.words import Piece

EXTENSION = "anthropic.claude-code"
NODE = {"@anthropic-ai/claude-code": "cli", "@musistudio/claude-code-router": "ccr", "@portkey-ai/gateway": "portkey"}
# The installer's script, or a program by its URL with the version in it.
SCRIPT = re.compile(
    r"(?:https?://)?(?:(?:www\.)?claude\.ai/|raw\.githubusercontent\.com/anthropics/claude-code/[\w./-]+/)(?:install|bootstrap)\.(?:sh|ps1|cmd)(?![\w.])"
)
_RELEASE = re.compile(
    rf"(?:claude-code-releases/|/@anthropic-ai/claude-code/-/claude-code-|anthropics/claude-code/releases/download/v?)({UNKNOWN}|[\w.-]+?)(?=/|\.tgz)"
)
_CHANNELS = ("latest", "stable", "next", "rc", "beta")
_VERSION = re.compile(rf"v?[0-9{UNKNOWN}][\w.+{UNKNOWN}-]*")
_NPM = re.compile(r"(?:(?:[\w./@-]+@)?npm:)?(" + "|".join(map(re.escape, NODE)) + r")(?:@(.*))?", re.DOTALL)
_PYTHON = re.compile(r"(litellm)(\[[\w, -]*\])?\s*(?:(@.*)|([=<>!~]=?.*|===.*))?", re.DOTALL)
_IMAGE = re.compile(
    rf"(?:[\w.:{UNKNOWN}-]+/)*(?P<name>litellm[\w.-]*|claude-code-router|portkeyai/gateway|flexgate|ccgw|claude-code)(?::(?P<tag>[\w.{UNKNOWN}-]+))?(?:@sha256:[\w{UNKNOWN}]+)?"
)
_KINDS = {"claude-code-router": "ccr", "portkeyai/gateway": "portkey", "claude-code": "cli"}
_PRINTS = re.compile(
    r"(?:.*/)?(?:echo|printf|print|cat|grep|sed|awk|log|info|warn|err|error|die|fail|fatal|abort|usage|msg|message|say|note|debug|notify|success|ok|step|header|title|section|banner|:|\[|\[\[|test|which|type|hash)(?:_.*|-.*|ln|ning|f|Log)?"
)


class Said(NamedTuple):
    """A word with its names filled in: its text, the pieces of it, and where it begins in the script."""

    text: str
    pieces: Sequence[Piece]
    start: int
    raw: str


class Found(NamedTuple):
    """An install: of what, by what, which word names it; and ``said.text[span]`` is the version, None where none is said.

    ``scheme`` is how ranges are written; ``insert`` what stands before a version that would be added at the word's end.
    """

    product: str
    installer: str
    word: Said
    said: Said | None = None
    span: tuple[int, int] = (0, 0)
    scheme: str = "exact"


_FIRST, _TRIES = 500, 20  # words of a command among which a package manager is looked for; managers that are asked


def installs(words: Sequence[Said], fed: Sequence[Said]) -> Iterator[Found]:
    """Everything that a command installs, given the command whose output it reads."""
    if not words or _PRINTS.fullmatch(words[0].text):
        return
    seen, tries = False, 0
    for at, word in enumerate(words[:_FIRST]):
        name = word.text.rpartition("/")[2].removesuffix(".exe").removesuffix(".cmd")
        if UNKNOWN in name and (called := re.search(r"\$\{?(?:\w*_)?(p?npm|yarn|bun|brew)(?:_\w*)?\}?[\"']?$", word.raw, re.IGNORECASE)):
            name = called[1].lower()  # "$NPM_BIN", wherever it is
        reader = _MANAGERS.get(name)
        if reader is not None and not (at and words[at - 1].text in ("install", "add", "-v", "--version", "which", "--cask")):
            for found in reader(words[at:], name):
                seen = True
                yield found
            tries += 1
            if seen:
                return
            if tries == _TRIES:
                break
    yield from _fetched(words, fed)


def _options(words: Sequence[Said], valued: frozenset[str] = frozenset()) -> list[Said]:
    """The words that are no options, nor the value of one."""
    found, at = [], 0
    while at < len(words):
        text = words[at].text
        if text in valued:
            at += 1
        elif not text.startswith("-") or text == "--":
            found.append(words[at])
        at += 1
    return [word for word in found if word.text != "--"]


_INSTALLS = frozenset("install i in ins inst isntall add a global up update upgrade dlx exec x use create install-test it ci-install".split())
_DIRECT = frozenset(("npx", "bunx", "pnpx"))


def _node(words: Sequence[Said], name: str) -> Iterator[Found]:
    direct = name in _DIRECT or (name == "deno" and any(word.text == "run" for word in words[1:2]))
    verbs = _options(words[1:], frozenset(("--prefix", "-C", "--cwd", "--dir", "--registry", "--filter", "-w", "--workspace")))
    if not direct and (not verbs or verbs[0].text not in _INSTALLS):
        return
    for word in words[1:]:
        text = word.text.partition("=")[2] if word.text.startswith("--package=") else word.text
        found = _NPM.fullmatch(text)
        if found:
            moved = len(word.text) - len(text)
            yield _versioned(NODE[found[1]], name, word, _moved(found.span(2), moved), "npm")
        elif (release := _RELEASE.search(text)) and "/-/" in text:
            yield _versioned("cli", name, word, release.span(1), "exact")


def _moved(span: tuple[int, int], by: int) -> tuple[int, int]:
    return span if span[0] < 0 else (span[0] + by, span[1] + by)


def _versioned(product: str, installer: str, word: Said, span: tuple[int, int], scheme: str) -> Found:
    return Found(product, installer, word, word if span[0] >= 0 and span[1] > span[0] else None, span, scheme)


def _claude(words: Sequence[Said], name: str) -> Iterator[Found]:
    """``claude install 2.1.17``, ``claude update``."""
    rest = _options(words[1:])
    if rest and rest[0].text in ("update", "upgrade"):
        yield Found("cli", "native", words[0])
    elif rest and rest[0].text == "install":
        yield argument("cli", "native", words[0], rest[1:])


def argument(product: str, installer: str, word: Said, rest: Sequence[Said]) -> Found:
    """An install whose version is its next argument."""
    given = next((one for one in rest if one.text in _CHANNELS or _VERSION.fullmatch(one.text)), None)
    return Found(product, installer, word, given, (0, len(given.text)) if given else (0, 0))


def _brew(words: Sequence[Said], name: str) -> Iterator[Found]:
    rest = _options(words[1:])
    if rest and rest[0].text in ("install", "upgrade", "reinstall"):
        for word in rest[1:]:
            if found := re.fullmatch(r"(?:[\w-]+/[\w-]+/)?claude-code(?:@(.+))?", word.text):
                yield _versioned("cli", "brew", word, found.span(1), "exact")


def _system(words: Sequence[Said], name: str) -> Iterator[Found]:
    """apt, dnf, yum, apk, zypper, pacman: ``claude-code=2.1.17``, ``claude-code-2.1.17``."""
    rest = _options(words[1:])
    if rest and rest[0].text in ("install", "add", "upgrade", "reinstall", "in", "update"):
        for word in rest[1:]:
            if found := re.fullmatch(r"claude-code(?:(?:=|~=|-)(\d[^*~-]*|" + UNKNOWN + r").*)?", word.text):
                yield _versioned("cli", name, word, found.span(1), "exact")


def _windows(words: Sequence[Said], name: str) -> Iterator[Found]:
    """winget, choco and scoop."""
    rest = _options(words[1:], frozenset(("--version", "-v", "--source", "-s")))
    if not rest and not any(word.text in ("--id", "-e") for word in words):
        return
    for at, word in enumerate(words[1:], 1):
        if found := re.fullmatch(r"(?:Anthropic\.ClaudeCode|(?:\w+/)?claude-code)(?:@(.+))?", word.text, re.IGNORECASE):
            if not any(one.text in ("install", "upgrade", "update") for one in words[1:at]):
                return
            given = next(((one, two) for one, two in pairwise(words) if one.text.lower() in ("--version", "-v")), None)
            equals = next((one for one in words if one.text.lower().startswith("--version=")), None)
            if given:
                yield Found("cli", name, word, given[1], (0, len(given[1].text)))
            elif equals:
                yield Found("cli", name, word, equals, (len("--version="), len(equals.text)))
            else:
                yield _versioned("cli", name, word, found.span(1), "exact")


def _tool(words: Sequence[Said], name: str) -> Iterator[Found]:
    """mise, asdf, volta, proto: ``npm:@anthropic-ai/claude-code@2.1.17``, ``claude@2.1``, ``claude-code 2.1.17``."""
    rest = _options(words[1:])
    if not rest or rest[0].text not in ("use", "install", "i", "global", "local", "exec", "x", "set", "upgrade", "pin", "u"):
        return
    for at, word in enumerate(rest[1:], 1):
        found = re.fullmatch(r"(?:npm:@anthropic-ai/claude-code|@anthropic-ai/claude-code|(?:\w+:)?claude(?:-code)?)(?:@(.+))?", word.text)
        if found and found[1] is None and name in ("asdf", "proto") and at + 1 < len(rest):
            yield Found("cli", name, word, rest[at + 1], (0, len(rest[at + 1].text)))
        elif found and not (word.text == "claude" and name == "volta"):
            yield _versioned("cli", name, word, found.span(1), "npm" if "@anthropic-ai" in word.text else "exact")


def _python(words: Sequence[Said], name: str) -> Iterator[Found]:
    """pip, uv, pipx: LiteLLM as a gateway, or in an exact version."""
    texts = [word.text for word in words]
    if name != "uvx" and not {"install", "add", "run"} & set(texts[1:4]):
        return
    for at, word in enumerate(words[1:], 1):
        found = _PYTHON.fullmatch(word.text)
        if found is None or texts[at - 1] in ("-r", "-c", "--config"):
            continue
        version = re.match(r"===?\s*", found[4] or "")
        span = found.span(4)
        exact = version is not None and "," not in str(found[4]) and "*" not in str(found[4])
        if exact and version is not None:
            yield _versioned("litellm" if "proxy" in (found[2] or "") else f"litellm{LIBRARY}", "pip", word, (span[0] + version.end(), span[1]), "exact")
        elif found[2] and "proxy" in found[2]:
            yield _versioned("litellm", "pip", word, span, "pep440")


def _editor(words: Sequence[Said], name: str) -> Iterator[Found]:
    for one, word in pairwise(words):
        text, asked = word.text, one.text == "--install-extension"
        if not asked and word.text.startswith("--install-extension="):
            text, asked = word.text.partition("=")[2], True
        found = re.fullmatch(r"anthropic\.claude-code(?:@(.+))?", text, re.IGNORECASE) if asked else None
        if found:
            yield _versioned(EXTENSION, name, word, _moved(found.span(1), len(word.text) - len(text)), "exact")


def _container(words: Sequence[Said], name: str) -> Iterator[Found]:
    """``docker run IMAGE``, ``docker pull IMAGE``."""
    if any(word.text in ("run", "pull", "create") for word in words[1:4]):
        for word in words[2:]:
            if (found := image(word)) is not None:
                yield found
                return


def _nix(words: Sequence[Said], name: str) -> Iterator[Found]:
    for word in words[1:]:
        if re.fullmatch(r"(?:nixpkgs[#.]|nixos\.)claude-code|github:[\w/.-]*claude-code[\w/.-]*(?:#.*)?", word.text):
            yield Found("cli", "nix", word)


def image(word: Said) -> Found | None:
    """The image of a gateway or of Claude Code that ``word`` names; a tag is its version."""
    found = _IMAGE.fullmatch(word.text)
    if found is None:
        return None
    name, tag = found["name"], found["tag"]
    product = "litellm" if name.startswith("litellm") else _KINDS.get(name, name)
    if name == "claude-code" and tag and tag not in _CHANNELS and not re.fullmatch(rf"v?\d+\.\d+\.\d+|{UNKNOWN}", tag):
        return None
    if name.startswith("litellm") and name not in ("litellm", "litellm-database", "litellm-non_root", "litellm-proxy", "litellm-ee", "litellm-spend_logs"):
        return None
    if tag is None and "@sha256:" in word.text:
        return None
    version = re.match(r"(?:main-|v|litellm_|stable-)*v?(\d+\.\d+\.\d+(?:[.-]?(?:rc|dev|post)[.-]?\d+)?)", tag or "")
    span = _moved(version.span(1), found.start("tag")) if version else found.span("tag")
    return _versioned(product, "image", word, span, "exact")


def _fetched(words: Sequence[Said], fed: Sequence[Said]) -> Iterator[Found]:
    """The installer's script in a shell's input or argument, or a program fetched by its URL."""
    shell = next((at for at, word in enumerate(words) if word.text.rpartition("/")[2] in SHELLS), None)
    url = next((word for word in fed if SCRIPT.search(word.text)), None) if fed and fed[0].text.rpartition("/")[2] in FETCHERS else None
    for at, word in enumerate(words) if url is None else ():
        if _SUBSTITUTED.search(word.raw) and (shell is not None or words[0].text in ("eval", "source", ".")):
            yield argument("cli", "native", word, _options(words[at + 1 :]))
            return
    if url is not None and shell is not None:
        yield argument("cli", "native", url, _options([one for one in words[shell + 1 :] if one.text != "-s"]))
        return
    for word in words if words[0].text.rpartition("/")[2] in FETCHERS else ():
        if found := _RELEASE.search(word.text):
            if "/-/" in word.text or word.text[found.end(1) :].count("/") > 1:
                yield _versioned("cli", "native", word, found.span(1), "exact")
            return


SHELLS = frozenset("bash sh zsh dash ksh ash".split())
_SUBSTITUTED = re.compile(rf"(?:[<$]\(|`)[^)`]*{SCRIPT.pattern}")
FETCHERS = frozenset(("curl", "wget", "aria2c", "http", "fetch", "irm", "iwr"))
_Reader = Callable[[Sequence[Said], str], Iterator[Found]]
_MANAGERS: dict[str, _Reader] = {
    **dict.fromkeys(("npm", "pnpm", "yarn", "bun", "npx", "bunx", "pnpx", "cnpm", "vp", "deno"), _node),
    "claude": _claude, "brew": _brew, "docker": _container, "podman": _container, "nerdctl": _container,
    **dict.fromkeys(("apt-get", "apt", "dnf", "yum", "apk", "zypper", "microdnf"), _system),
    **dict.fromkeys(("winget", "choco", "scoop"), _windows),
    **dict.fromkeys(("mise", "asdf", "volta", "proto", "rtx"), _tool),
    **dict.fromkeys(("pip", "pip3", "uv", "pipx", "uvx", "poetry", "pdm"), _python),
    **dict.fromkeys(("code", "code-insiders", "codium", "cursor", "windsurf", "code-server", "openvscode-server", "positron"), _editor),
    **dict.fromkeys(("nix", "nix-env", "nix-shell"), _nix),
}  # fmt: skip
