"""What may be shown of a line of an image's history.  An allow-list: a word is shown where it cannot be a secret.

Of commands that are known to be given none the words are shown that are names, paths, versions and switches; of
every other command its name alone.  What is quoted with blanks in it, what another command says, here-documents and
whatever stands behind a name that sounds like a secret's are left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from cc_fleet.host import redact
from cc_fleet.image.instruction import Instruction
from cc_fleet.model import REDACTED

LONGEST = 200
_LOOKED = 4000  # characters of a command of which something may be shown
_MORE = "…"
# What is shown with its words.
_KNOWN = frozenset(
    """
    npm npx pnpm pnpx yarn bun bunx corepack volta mise asdf brew pip pip3 pipx uv gem cargo apt apt-get apk dnf yum microdnf zypper rpm dpkg
    mkdir rm rmdir cp mv ln chmod chown chgrp cd set ls test [ [[ true false tar unzip gzip install touch cat useradd groupadd adduser addgroup
    usermod groupmod userdel deluser update-ca-certificates locale-gen ldconfig which command type hash claude code find git export unset sh bash
    ash dash zsh su node node-gyp update-alternatives sync exit fi done esac return
    """.split()
)
_FETCH = frozenset(("curl", "wget"))
_BEFORE = frozenset("# sudo env exec time nice nohup xargs if then else elif while until do ! {".split())  # the command follows
_TOKEN = re.compile(
    r"(?P<space>(?:\s|\\\n)+)|(?P<op>\d?>>?(?:&\d)?|&>>?|<(?!<)|&&|\|\||;;|[;|&()])"
    r"|(?P<word>(?:[^\s'\"`\\$;|&<>()]|\\[^\n]|\$\w+|\$\{\w+\}|\$[#?@*!$]|(?P<run>\$\([^()'\"`]*\))|'[^']*'|\"(?:[^\"`\\$]|\\.|\$\w+|\$\{\w+\})*\")+)",
    re.DOTALL,
)
_PLAIN = re.compile(r"[\w@%+=:,./~^*?\[\]{}$!-]+")
# What may follow the equals sign of a name that nobody knows.
_VALUE = re.compile(
    r"|[0-9]{1,5}|v?[0-9]{1,6}(?:\.[0-9]{1,6}){1,3}(?:[-+~:.][a-z0-9]{1,8}){0,3}|true|false|yes|no|on|off|noninteractive|production|development|latest|stable|next"
    r"|(?:[./~]|\$\w)[\w./{}@$-]{0,80}|\$\{\w+\}|\$\w+|[A-Z]?[a-z]?-?UTF-8|C\.UTF-8|en_US\.UTF-8"
)
_GIVES = re.compile(r"-(?:u|p|P|U|H|d|F|b|e|a)|--(?:user|proxy-user|pass|data[\w-]*|cookie|form|env|from-literal|comment|gecos)", re.IGNORECASE)
_NO_SECRET = re.compile(r"[./~@$].*|[0-9]{1,5}(?::[0-9]{1,5})?")  # behind `-p` and its like: a path, a package, a number


def command(line: Instruction) -> str | None:
    """The line as somebody would write it in a Dockerfile, cut and redacted; None where it says nothing."""
    text = line.text[:_LOOKED]
    if line.keyword == "RUN" and not line.sure:
        told = _MORE
    elif line.keyword in ("ENV", "ARG", "LABEL"):
        told = " ".join(f"{named(name)}={_value(name, value)}" if equals else named(name) for name, equals, value in _pairs(line.keyword, text))
    elif line.keyword in ("COPY", "ADD"):
        told = _files(text)
    elif line.keyword in ("WORKDIR", "USER", "EXPOSE", "VOLUME", "STOPSIGNAL"):
        told = " ".join(word(one) or _MORE for one in text.split())
    elif line.keyword in ("", "RUN"):
        told = " ".join(_commands(text, cut=len(line.text) > _LOOKED))
    else:
        told = _MORE if text.strip() else ""
    whole = _printable(f"{line.keyword} {told}".strip()).replace(" ;", ";")
    return (whole if len(whole) <= LONGEST else f"{whole[: LONGEST - 1].rstrip()}{_MORE}") or None


def named(text: str) -> str:
    """The name of a variable or label as it may be shown."""
    return redact.name(text) if re.fullmatch(r"[\w./@:-]{1,120}", text) and not _is_random(text) else REDACTED


def script(text: str) -> str:
    """A part of a command, a name or a command of its own, as it may be shown."""
    if re.fullmatch(r"\$?\{?\w{1,60}\}?", text):
        return text if not _is_random(text) else _MORE
    return _printable(" ".join(_commands(text[:_LOOKED], cut=len(text) > _LOOKED)))


def pairs(line: Instruction) -> Iterator[tuple[str, str]]:
    """The names that an ENV, ARG or LABEL gives a value, with the value as it was given."""
    yield from ((name, value) for name, equals, value in _pairs(line.keyword, line.text) if equals)


def _pairs(keyword: str, text: str) -> Iterator[tuple[str, bool, str]]:
    """The names of an ENV, ARG or LABEL.  Builders write values with blanks in them as they are: they end at the next name."""
    words = [one for one in re.split(r"(?<=\s)(?=[A-Za-z_][\w.-]{0,200}=)", text.strip()) if one]
    if keyword == "ENV" and words and not re.match(r"[^\s=]+=", words[0]):  # the old form: all the rest is the value
        name, _, value = text.strip().partition(" ")
        yield name, bool(value), _unquoted(value.strip())
        return
    for one in words:
        name, equals, value = one.partition("=")
        yield name.strip("\"'") if equals else name.partition(" ")[0], bool(equals), _unquoted(value.rstrip())


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text


def _value(name: str, value: str) -> str:
    kept = redact.variable(name, value)
    if kept == REDACTED and not re.search(redact.SENSITIVE, name) and _VALUE.fullmatch(value) and not _is_random(value):
        return value
    return str(kept)


def _files(text: str) -> str:
    """What COPY and ADD say.  Docker names what they copy by a digest alone."""
    found = re.fullmatch(r"(?:file|dir|multi):[0-9a-f]{64}\s+in\s+(\S+)\s*", text)
    if found is not None:
        return f"{_MORE} {word(found[1]) or _MORE}"
    return " ".join(word(one) or _MORE for one in text.split())


def _commands(text: str, *, cut: bool) -> Iterator[str]:
    """The words of commands, until something comes that cannot be told from a secret."""
    at, expecting, hush, after, hidden = 0, True, False, "", False
    shows: Callable[[str], str | None] = _hidden
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None or text.startswith("<<", at) or (cut and found.end() >= len(text)):
            yield _MORE
            return
        at = found.end()
        raw = found[0]
        if found["op"]:
            after = raw if ">" in raw or raw == "<" else ""
            if not after:
                expecting, hush, hidden = True, False, False
            yield raw
        elif found["word"]:
            if raw.startswith("#") and at > 1:
                yield _MORE
                return
            if after:
                told = word(raw) if re.match(r"\"?[/.~$&]", raw) else None
                after = ""
            elif expecting and re.match(r"[A-Za-z_]\w*=", raw):
                told = word(raw)
            elif expecting:
                name = raw.rpartition("/")[2]
                expecting = raw in _BEFORE
                shows = word if name in _KNOWN else _fetched if name in _FETCH else _hidden
                told = raw if raw == "#" else word(raw) if re.fullmatch(r"[\w./+\[\]!{-]{1,60}", raw) else None
            else:
                told = None if hush and not _NO_SECRET.fullmatch(raw) else shows(raw)
                hush = not hush and _announces(raw)
            if told is not None or not hidden:
                yield told or _MORE
            hidden = told is None


def _announces(raw: str) -> bool:
    """Whether the word behind this one may be a secret."""
    plain = raw.strip("\"'")
    return _GIVES.fullmatch(plain) is not None or ("=" not in plain and "/@" not in plain and re.search(redact.SENSITIVE, plain) is not None)


def _hidden(_raw: str) -> str | None:
    return None


def _fetched(raw: str) -> str | None:
    """Of what fetches something the URL, and switches."""
    plain = raw.strip("\"'")
    if "://" in plain or re.fullmatch(r"-[fsSLkOoqv46#]{1,6}|--[a-z][a-z-]{1,40}|/[\w./-]{1,80}", plain):
        return word(raw)
    return None


def word(raw: str) -> str | None:
    """A word as it may be shown; None where it may be a secret."""
    plain = raw.strip("\"'")
    if not plain or raw.startswith("$(") or len(plain) > 500:
        return "$(…)" if raw.startswith("$(") else None
    if (at := re.search(r"[A-Za-z][A-Za-z0-9+.-]{0,11}://", plain)) is not None:
        before = plain[: at.start()]
        return None if before and not re.fullmatch(r"[\w@=+-]{1,60}", before) else f"{before}{redact.url(plain[at.start() :])}"
    if re.search(r":[^/@\s]+@", plain) or not _PLAIN.fullmatch(plain) or len(plain) > 120:
        return None
    name, equals, value = plain.partition("=")
    if re.fullmatch(r"-[uUpPHdFba]\w+", plain) or _is_random(name) or redact.is_token(name):
        return None
    if not equals:
        return plain
    return f"{name}={_value(name.lstrip('-'), value)}"


def _is_random(text: str) -> bool:
    """Whether letters and digits stand in it as they do in keys."""
    if redact.is_token(text) or (len(text) >= 32 and redact.name(text) == REDACTED):
        return True
    parts = re.split(r"[^A-Za-z0-9]+", text)
    return any(
        (len(part) >= 12 and re.search(r"[0-9]", part) and re.search(r"[A-Za-z]", part)) or len(part) > 40
        or (len(part) >= 20 and re.search(r"[a-z]", part) and re.search(r"[A-Z]", part)) or (len(part) >= 10 and part.isdigit())
        for part in parts
    )  # fmt: skip


def _printable(text: str) -> str:
    return re.sub(r"\s+", " ", "".join(c if c.isprintable() else " " for c in text)).strip()
