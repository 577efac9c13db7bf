"""Where in a file a declaration's version is written, or would be, and with which characters."""

from __future__ import annotations

import re

from cc_fleet.checks import _declared
from cc_fleet.model import Declared, Place
from cc_fleet.plan import insertions
from cc_fleet.plan.nouns import Edit

_PART = re.compile(r"[\w.+-]")
_OPERATOR = re.compile(r"(?:===?|~=|>=|<=|!=|[<>^~])")
_MOVES = "which tags this image has is not known here; write one that stands for"


class Text:
    """A file's bytes, and its characters as the readers see them."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.whole = data.decode("utf-8", "replace")
        self._lines = self.whole.split("\n")

    def line(self, number: int) -> str:
        """A line without its end."""
        return self._lines[number - 1] if 0 < number <= len(self._lines) else ""

    def offset(self, place: Place) -> int | None:
        """Where a place begins in ``whole``; None where there is no such place."""
        line, column = place.line or 0, place.column or 0
        if not 0 < line <= len(self._lines) or not 0 < column <= len(self._lines[line - 1]) + 1:
            return None
        return sum(len(one) + 1 for one in self._lines[: line - 1]) + column - 1

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset."""
        return self.whole.count("\n", 0, offset) + 1, offset - self.whole.rfind("\n", 0, offset)


def edit(asked: Declared, version: str, text: Text) -> Edit | str:
    """The edit that makes ``asked`` ask for ``version``, or what to do by hand."""
    found = _by_hand(asked, version) or _spot(asked, version, text)
    if isinstance(found, str):
        return found
    start, old, new = found
    if text.whole[start : start + len(old)] != old:
        return f"write {version} there: the version is not where it was read"
    line, column = text.position(start)
    place = asked.pin or asked.place
    return Edit(place.file, line, column, old, new, version, _declared.named(asked.product))


def _by_hand(asked: Declared, version: str) -> str | None:
    """What to do where the version alone is not enough, or not known."""
    shown = f"{asked.place.text or ''} {asked.used.text if asked.used else ''}"
    if asked.installer == "nix":
        return f"write {version} and the hash that belongs to it, or take a package set that has it"
    if asked.installer in ("brew", "homebrew"):
        command = f"npm install -g @anthropic-ai/claude-code@{version}" if asked.product == "cli" else f"code --install-extension {asked.product}@{version}"
        return f"brew installs no chosen version; install it by {command}"
    if asked.installer == "image" and "@sha256:" in shown:
        return f"write the tag of {version} with the digest that belongs to it: the digest decides which image it is"
    if asked.installer == "image" and _declared.exact(asked) is None:
        return f"{_MOVES} {version}"
    return None


def _spot(asked: Declared, version: str, text: Text) -> tuple[int, str, str] | str:
    """Where, which characters, and what instead of them."""
    by_hand, pin = insertions.by_hand(asked, version), asked.pin
    if pin is not None and pin.text:
        at = _seen(pin.line or 0, pin.text, text, text.offset(pin))
        if at is None:
            return f"write {version} there: the version is not where it was read"
        if re.match(r"[\w./-]*@sha256:", text.whole[at + len(pin.text) : at + len(pin.text) + 300]):
            return f"write the tag of {version} with the digest that belongs to it: the digest decides which image it is"
        if re.search(r"\bstate[\"']?: *[\"']?$", text.line(pin.line or 0)[: (pin.column or 1) - 1]):
            return insertions.state(version, text.whole, at) or f"write the version {version} there, and `state: present`"
        return at, pin.text, written(asked, pin.text, version)
    at = text.offset(pin or asked.place)
    if at is None:
        return by_hand
    if asked.spec:
        return _within(asked, version, text, at) or by_hand
    line, word = (pin or asked.place).line or 0, insertions.word(asked)
    if word and not re.match(re.escape(word), text.whole[at - (len(word) if pin else 0) :]):
        moved = _seen(line, word, text, None)
        at = at if moved is None else moved + (len(word) if pin else 0)
    found = insertions.find(asked, version, text.whole, at)
    return found if found is not None else by_hand


def _seen(line: int, word: str, text: Text, at: int | None) -> int | None:
    """Where ``word`` stands: at ``at``, or, where marks that were taken off move it, the one place of its line that holds it."""
    if at is not None and text.whole.startswith(word, at):
        return at
    found = [one.start() for one in re.finditer(rf"(?<![\w.]){re.escape(word)}(?![\w.])", text.line(line))]
    return (text.offset(Place("", line, 1)) or 0) + found[0] if len(found) == 1 else None


def _within(asked: Declared, version: str, text: Text, at: int) -> tuple[int, str, str] | None:
    """The version in the words that a report shows, where they stand there and hold it once."""
    shown, spec = asked.place.text or "", asked.spec or ""
    at += text.whole[at : at + 1] in ("'", '"') and shown[:1] not in ("'", '"')
    found = [one.start() for one in re.finditer(re.escape(spec), shown)]
    if asked.used is not None or not text.whole.startswith(shown, at) or len(found) != 1:
        return None
    start, end = found[0], found[0] + len(spec)
    before = shown[start - 1 : start]
    if (_PART.match(before) and not re.search(r"(?:^|[^\w])(?:\w+-)*v$", shown[:start])) or re.match(r"[\w]", shown[end : end + 1]):
        return None
    return at + start, spec, written(asked, spec, version)


def written(asked: Declared, old: str, version: str) -> str:
    """``version`` as it is written over ``old``: with its ``v``, and as an exact one where ``old`` is a Python range."""
    if asked.scheme == "pep440" and _OPERATOR.match(old):
        return f"=={version}"
    return f"v{version}" if re.match(r"v[0-9]", old) else version
