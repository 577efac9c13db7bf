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
        return (at, "", f"@{version}") if text[:at].endswith(_PACKAGES) and not re.match(r"[\w@./-]", text[at : at + 1]) else None
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


def word(asked: Declared) -> str | None:
    """The word behind which, or in whose command, a version is added: where it stands once in its line, that is where."""
    if asked.pin is not None:
        return next((package for package in _PACKAGES if package in (asked.place.text or "")), None)
    return asked.place.text if asked.installer == "native" and "install.sh" in (asked.place.text or "") else None


def by_hand(asked: Declared, version: str) -> str:
    """What a person does where no form is recognised."""
    if asked.spec is None and asked.installer == "native":
        return f"give the installer {version} as its argument"
    if asked.spec is None and asked.installer == "devcontainer-feature":
        return f"set its version to {version} if it has such an option, else install by npm: npm install -g @anthropic-ai/claude-code@{version}"
    return f"write {version} there"


def _native(version: str, text: str, at: int) -> Spot | None:
    """The installer's script piped into a shell or given to one, and ``claude install`` itself."""
    if text.startswith("<(", at) and (found := re.compile(r"<\([^()\n]{0,200}?(?=https://claude\.ai/install\.sh)").match(text, at)):
        at = found.end()
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
    return stop - (text[stop - 1 : stop] == "\r"), "", f'\n{" " * len(head["indent"])}version: "{version}"'


def state(version: str, text: str, at: int) -> Spot | None:
    """A task's ``state: latest`` on a line of its own: the version stands below it, and what is there stays."""
    start, stop = text.rfind("\n", 0, at) + 1, text.find("\n", at)
    head = re.fullmatch(r"( *(?:- +)?)state: +", text[start:at])
    if head is None or text[at : stop if stop >= 0 else len(text)].rstrip() != "latest":
        return None
    return at, "latest", f'present\n{" " * len(head[1])}version: "{version}"'
