"""Where a version is added to a statement that names none: each installer takes it in its own form.

A form that is not recognised whole is not changed.
"""

from __future__ import annotations

import re

from cc_fleet.client import EXTENSION
from cc_fleet.model import Declared

Spot = tuple[int, str, str]
_PACKAGES = ("@anthropic-ai/claude-code", "@musistudio/claude-code-router", "@portkey-ai/gateway")
_GAP = r"(?:[ \t]|\\\r?\n)"
_END = rf"(?={_GAP}*(?:\Z|\r?\n|[;&|)\"'`>#]|\\[\"nrt]|[0-9]>))"
_URL = r"(?:https?://)?(?:www\.)?claude\.ai/install\.sh[\"']?"
_SHELL = r"(?:/usr)?(?:/bin/)?(?:bash|sh|zsh|dash|ksh|ash)"
_PIPED = re.compile(
    rf"{_URL}(?:{_GAP}+(?:-[\w-]+|[0-9]?>{_GAP}*/dev/null))*{_GAP}*\|{_GAP}*(?:(?:sudo|env|exec){_GAP}+(?:-[EHn]{_GAP}+|-u{_GAP}*[\w$\"{{}}]+{_GAP}+|[A-Za-z_]\w*=[\w./:\"$-]*{_GAP}+)*)*"
    rf"{_SHELL}(?:{_GAP}+-[eux]+)*(?P<end>(?:{_GAP}+-s(?:{_GAP}+--)?|{_GAP}+-)?){_END}"
)
_FED = re.compile(rf"{_SHELL}{_GAP}+<\({_GAP}*(?:curl|wget)[^()\n]*$")
_ARGUMENT = re.compile(rf"{_SHELL}(?:{_GAP}+-[eux]+)*{_GAP}+-l?c{_GAP}+\\?\"\$\({_GAP}*(?:curl|wget)[^()\n]*$")
_CLAUDE = re.compile(rf"[^\s\"';|&]*?claude(?:\.exe)?{_GAP}+(?P<verb>install|update|upgrade){_END}")
_IRM = re.compile(r"(?:irm|Invoke-RestMethod)[ \t]+(?:-(?:Uri|useb|UseBasicParsing)[ \t]+)*[\"']?$", re.IGNORECASE)
_IEX = re.compile(r"(?P<url>https://claude\.ai/install\.ps1)[\"']?[ \t]*\|[ \t]*(?:iex|Invoke-Expression)\b", re.IGNORECASE)


def find(asked: Declared, version: str, text: str, at: int) -> Spot | None:
    """Where ``version`` is added to what stands at ``at``, and with which characters; None where that cannot be told."""
    if asked.pin is not None:
        return (at, "", f"@{version}") if text[:at].endswith(_PACKAGES) else None
    if asked.installer == "native":
        return _native(version, text, at)
    at += text[at : at + 1] in ("'", '"')
    word = asked.place.text or ""
    if not word or not text.startswith(word, at):
        return None
    end = at + len(word)
    if asked.product == EXTENSION:
        return (end, "", f"@{version}") if not re.match(r"[\w.@-]", text[end : end + 1]) else None
    if asked.installer == "pip" and asked.scheme == "pep440":
        return (end, "", f"=={version}") if not re.match(r"[ \t]*[\w=<>~!@\[]", text[end : end + 10]) else None
    if asked.installer == "winget" and re.match(r"[\"']?(?:\s|$)", text[end : end + 2]):
        return end + (text[end : end + 1] in ("'", '"')), "", f" --version {version}"
    if asked.installer == "npm" and word == _PACKAGES[0]:
        return _member(version, text, at, end)
    return None


def _native(version: str, text: str, at: int) -> Spot | None:
    """The installer's script piped into a shell or given to one, and ``claude install`` itself."""
    if found := _PIPED.match(text, at):
        end = found["end"]
        if end.rstrip().endswith("-s") or end.endswith("--"):
            return found.end("end"), "", f" {version}"
        return found.start("end"), end, f" -s {version}"
    before = text[max(at - 500, text.rfind("\n", 0, at) + 1) : at]
    if (found := re.compile(rf"{_URL}[^()\n]*\)").match(text, at)) and _FED.search(before):
        return found.end(), "", f" {version}"
    if (found := re.compile(rf"{_URL}[^()\n]*\)\\?\"").match(text, at)) and _ARGUMENT.search(before):
        return found.end(), "", f" -- {version}"
    if found := _CLAUDE.match(text, at):
        return (found.end("verb"), "", f" {version}") if found["verb"] == "install" else (found.start("verb"), found["verb"], f"install {version}")
    return _powershell(version, text, at)


def _powershell(version: str, text: str, at: int) -> Spot | None:
    """``irm https://claude.ai/install.ps1 | iex``, which takes no argument, as the documentation has it with one."""
    start = max(at - 500, text.rfind("\n", 0, at) + 1)
    found = re.compile(r"[^\n]*?(?=https://claude\.ai/install\.ps1)").match(text, at)
    begins = found and _IRM.search(text[start : found.end()])
    called = found and _IEX.match(text, found.end())
    if not begins or not called:
        return None
    head = text[start : start + begins.start()]
    if re.search(r"[:-][ \t]*$|(?:powershell|pwsh)(?:\.exe)?[^\"']*$", head, re.IGNORECASE):
        return None  # a value of YAML cannot begin with &, nor can a bare word of cmd hold one
    new = f"& ([scriptblock]::Create((irm {called['url']}))) {version}"
    return start + begins.start(), text[start + begins.start() : called.end()], new


def _member(version: str, text: str, at: int, end: int) -> Spot | None:
    """A task's ``name: "@anthropic-ai/claude-code"`` on a line of its own gets a ``version:`` below it."""
    start = text.rfind("\n", 0, at) + 1
    stop = text.find("\n", end)
    stop = len(text) if stop < 0 else stop
    head = re.fullmatch(r"(?P<indent> *(?:- +)?)name: +(?P<quote>[\"']?)", text[start:at])
    if head is None or text[end : end + len(head["quote"])] != head["quote"] or not re.fullmatch(r"[ \t]*(?:#.*)?\r?", text[end + len(head["quote"]) : stop]):
        return None
    width = len(head["indent"])
    for line in (*reversed(text[:start].split("\n")[:-1]), "", *text[stop + 1 :].split("\n")):
        if line == "":
            continue
        own = re.match(rf"(?: {{{width}}}|[ -]{{{width}}}(?=\w))(\w+): *[\"']?(\w*)", line)
        if own and (own[1] == "version" or (own[1], own[2]) == ("state", "latest")) and _near(text, start, line, width):
            return None
    place = stop - (text[stop - 1 : stop] == "\r")
    return place, "", f"\n{' ' * width}version: \"{version}\""


def _near(text: str, start: int, line: str, width: int) -> bool:
    """Whether ``line`` is of the mapping whose member begins at ``start``: no line between is indented less."""
    at = text.find(line, max(0, start - 2000), start + 2000)
    between = text[min(at, start) : max(at, start)].split("\n")
    return at >= 0 and all(not one.strip() or len(one) - len(one.lstrip(" -")) >= width for one in between)
