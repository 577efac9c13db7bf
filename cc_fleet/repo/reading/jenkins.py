"""Jenkinsfiles: the scripts of `sh`, `bat` and `pwsh` steps, with the pipeline's environment, parameters and names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from cc_fleet.model import Gap, Place
from cc_fleet.repo.reading import installs, sequence
from cc_fleet.repo.reading.document import SIZE
from cc_fleet.repo.reading.sequence import Shell
from cc_fleet.repo.reading.source import Source
from cc_fleet.repo.reading.values import Context, Filled, Template, Value

Values = tuple[Value, ...]
_LEXED = re.compile(
    r"(?P<comment>//[^\n]*+|/\*(?:[^*]++|\*(?!/))*+(?:\*/)?)|(?P<text>'''(?:[^'\\]++|\\.|'(?!''))*+(?:''')?|\"\"\"(?:[^\"\\]++|\\.|\"(?!\"\"))*+(?:\"\"\")?|'(?:[^'\\\n]++|\\.)*+'?|\"(?:[^\"\\\n]++|\\.)*+\"?)",
    re.DOTALL,
)
_STEP = re.compile(r"\b(sh|bat|pwsh|powershell)\s*(?:\(\s*)?(?:\[?\s*(?:\w+\s*:\s*[\w.]+\s*,\s*)*script\s*:\s*)?$")
_NAMED = re.compile(r"(?:^|[\s{;(])(?:(?:def|String|final|env\.)\s*)*(?P<set>[A-Za-z_]\w*)\s*=\s*$")
_PARAMETER = re.compile(r"\bname\s*:\s*$")
_IMAGE = re.compile(r"\bimage\s*[(:]?\s*$")
_PATTERN = re.compile(r"\$\{\s*(?:params|env)\.([A-Za-z_]\w*)\s*\}|\$(?:params|env)\.([A-Za-z_]\w*)")
_LANGUAGES = {"sh": "bash", "bat": "cmd", "pwsh": "pwsh", "powershell": "pwsh"}
FAR, MOST = 300, 20_000  # characters before a text that say what it is for; texts of a file


class _Text:
    """A text of the file: where its characters begin and end, and its mark."""

    def __init__(self, found: re.Match[str]) -> None:
        size = 3 if found[0][:3] in ("'''", '"""') else 1
        self.start, self.end, self.outer = found.start() + size, found.end() - size, found.start()
        self.filled, self.value = found[0][0] == '"', found[0][size:-size]


def facts(file: str, text: str, keep: frozenset[str]) -> Iterator[Any]:
    """The facts of a Jenkinsfile."""
    if len(text) > SIZE:
        yield Gap(f"is larger than {SIZE // 1024} KiB", Place(file))
        return
    whole = Source.whole(file, text)
    plain, texts = _read(text)
    names, scripts, images = _told(whole, plain, texts)
    template = Template(_PATTERN, lambda found: _named(found, names))
    shells = []
    for step, one in scripts:
        source = whole.part(one.start, one.end)
        if one.filled:
            source = source.masked(re.sub(r"\\([$\"\\])", r"\1", source.text))
        shells.append(Shell((source,), Context(names, template, file), _LANGUAGES[step]))
    pictures = [fact for one in images for fact in installs.image(Filled(one.value), whole.place(one.start, one.value), file)]
    yield from sequence.told(file, "ci", sequence.worked(shells, pictures, names, keep), keep)


def _read(text: str) -> tuple[str, list[_Text]]:
    """The file without its comments, every character where it was, and its texts."""
    texts: list[_Text] = []
    pieces, at = list[str](), 0
    for found in _LEXED.finditer(text):
        if found["comment"] is not None:
            pieces += [text[at : found.start()], re.sub(r"[^\n]", " ", found[0])]
            at = found.end()
        elif len(texts) < MOST:
            texts.append(_Text(found))
    return "".join((*pieces, text[at:])), texts


def _told(whole: Source, plain: str, texts: list[_Text]) -> tuple[dict[str, Values], list[tuple[str, _Text]], list[_Text]]:
    """Names with their values, the scripts of steps, and the images that are named."""
    names: dict[str, Values] = {}
    scripts: list[tuple[str, _Text]] = []
    images: list[_Text] = []
    for number, one in enumerate(texts):
        before = plain[max(0, one.outer - FAR, texts[number - 1].end if number else 0) : one.outer]
        value = Value(one.value, whole.place(one.start, one.value))
        if found := _STEP.search(before):
            scripts.append((found[1], one))
        elif (named := _NAMED.search(before)) and not (one.filled and "$" in one.value):
            names[named["set"]] = (value,)
        elif _IMAGE.search(before):
            images.append(one)
        elif _PARAMETER.search(before):
            names[one.value] = _default(whole, plain, texts, number)
    return names, scripts, images


def _default(whole: Source, plain: str, texts: list[_Text], number: int) -> Values:
    """The default of a parameter, or its choices."""
    found: list[Value] = []
    for before, one in zip(texts[number:], texts[number + 1 : number + 40], strict=False):
        between = plain[before.end : one.outer]
        if ")" in between or "name" in between:
            break
        if "defaultValue" in between or "choices" in between or (found and "description" not in between):
            found += [Value(line, whole.place(one.start + one.value.find(line), line)) for line in one.value.split("\\n") if line]
    return tuple(found)


def _named(found: str, names: dict[str, Values]) -> Values:
    match = _PATTERN.fullmatch(found)
    return (match and names.get(match[1] or match[2] or "")) or (Value(None, None, f"`{found}`, not set here"),)
