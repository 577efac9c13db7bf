"""Documents of JSON with comments as people, editors and accidents write them: the same for a seed in every run."""

from __future__ import annotations

import json
import random
from typing import Any

KEYS = ("env", "model", "a", "b", "c d", "", "extensions.autoUpdate", "é", "//x", "/*", "1", "0", "DISABLE_AUTOUPDATER", "a\\b", '"', "\ud800")
TEXTS = ("", "1", "// no comment", "/* nor this */", 'a "b" \\c', "tab\tline\n", "{}", "[1,]", "é\u2028😀", "\x7f", "https://u:p@x.example/?a=b,c")
NUMBERS = ("0", "-0", "1.10", "1E400", "1e-7", "12345678901234567890123", "-5", "100")
COMMENTS = ("// c", "//", "// ", "// c\t ", '// "k": 1, }', "// \\", "/* c */", "/**/", '/* "a": {, */', "/* two\n lines */", "/* é */", "/***/", "//* x")
PIECES = (*'{}[]:,"\\/ \n\r\t0-.eE', "//", "/*", "*/", "true", "nul", "\x00", "\xa0", "\ufeff", "\u2028", "é", "\\u12", "1.5.2", ",,", "'")
VALUES: tuple[Any, ...] = ("1", "", 'x"\\/\u2028é', 0, 1, -2.5, True, False, None, [], {}, ["a", 1], {"x": {"y": [1, {}]}}, 10**20, "\ud800")


class Writer:
    """Writes one document in one style."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.newline = chance.choice(("\n", "\n", "\n", "\r\n", "\r"))
        self.unit = chance.choice(("  ", "    ", "\t", "", " "))
        self.lines = chance.random() < 0.6
        self.comments = chance.choice((0.0, 0.0, 0.1, 0.4))
        self.odd = chance.choice((0.0, 0.0, 0.3))
        self.trailing = chance.choice((0.0, 0.0, 0.5))
        self.colon = chance.choice((":", ": ", " : ", ": "))

    def document(self) -> str:
        chance = self.chance
        if chance.random() < 0.04:
            body = self.gap(0) + chance.choice(("", self.newline))
        else:
            body = self.gap(0) + (self.object(0) if chance.random() < 0.93 else self.value(0)) + self.gap(0)
        return chance.choice(("", "", "", "\ufeff")) + body + chance.choice(("", self.newline, self.newline))

    def value(self, depth: int) -> str:
        kind = self.chance.randrange(10 if depth < 4 else 6)
        if kind >= 8:
            return self.object(depth)
        if kind >= 6:
            return self.several("[", "]", depth, lambda: self.value(depth + 1))
        return self.chance.choice((self.text(TEXTS), self.text(TEXTS), self.chance.choice(NUMBERS), "true", "false", "null"))

    def object(self, depth: int) -> str:
        return self.several("{", "}", depth, lambda: f"{self.text(KEYS)}{self.gap(depth + 1, 0.3)}{self.colon}{self.gap(depth + 1, 0.3)}{self.value(depth + 1)}")

    def several(self, opens: str, closes: str, depth: int, one: Any) -> str:
        count = self.chance.choice((0, 0, 1, 1, 2, 3, 5))
        parts = [opens] if count else [opens, self.gap(depth + 1)]
        for number in range(count):
            parts += [self.between(depth + 1) if self.lines or number else self.chance.choice(("", "", " ")), self.gap(depth + 1), one(), self.gap(depth + 1)]
            if number < count - 1 or self.chance.random() < self.trailing:
                parts.append(",")
                parts.append(self.gap(depth + 1))
        parts += [self.between(depth) if self.lines and count else self.chance.choice(("", "", " ")), closes]
        return "".join(parts)

    def between(self, depth: int) -> str:
        if self.chance.random() < self.odd:
            return self.chance.choice(("", " ", "\t", self.newline, self.newline * 2, self.newline + " \t"))
        return self.newline + self.unit * depth if self.lines else " " if self.colon != ":" else ""

    def gap(self, depth: int, often: float = 1.0) -> str:
        parts = []
        while self.chance.random() < self.comments * often:
            comment = self.chance.choice(COMMENTS)
            parts.append(self.chance.choice(("", " ", self.newline + self.unit * depth)) + comment.replace("\n", self.newline))
            parts.append(self.newline + self.unit * depth if comment.startswith("//") else self.chance.choice(("", " ", self.newline)))
        return "".join(parts)

    def text(self, texts: tuple[str, ...]) -> str:
        written = json.dumps(self.chance.choice(texts), ensure_ascii=self.chance.random() < 0.3)
        return "".join(f"\\u{ord(one):04x}" if "\ud800" <= one <= "\udfff" else one for one in written)


def mutated(text: str, chance: random.Random) -> str:
    """``text`` after one to three accidents."""
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(text) + 1)
        kind = chance.randrange(4)
        if kind == 0:
            text = text[:at] + chance.choice(PIECES) + text[at:]
        elif kind == 1:
            text = text[:at] + text[at + chance.randint(1, 3) :]
        elif kind == 2:
            text = text[:at] + chance.choice(PIECES) + text[at + 1 :]
        else:
            text = text[:at]
    return text


def document(seed: int) -> str:
    """The document of that number; 15 of 100 are broken, or look so."""
    chance = random.Random(seed)
    text = Writer(chance).document()
    return mutated(text, chance) if chance.random() < 0.15 else text


def path(seed: int, value: Any) -> tuple[str, ...]:
    """A path into a document that holds ``value``: something that stands there, something that does not, or one that leads nowhere."""
    chance = random.Random(-seed - 1)
    found: list[str] = []
    while isinstance(value, dict) and value and chance.random() < 0.75:
        found.append(chance.choice(list(value)))
        value = value[found[-1]]
    while not found or chance.random() < 0.3:
        found.append(chance.choice(KEYS))
    return tuple(found)


def wanted(seed: int) -> Any:
    """What is to be set there."""
    return random.Random(f"value {seed}").choice(VALUES)
