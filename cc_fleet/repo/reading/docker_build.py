"""Builds that commands and GitHub's action ask for: ``docker build --build-arg NAME=value -f FILE DIR``, ``build-args: |``.

Commands are found in any text (a script, a Makefile, a workflow, a pipeline) by their words; a name in
a value is what the same file sets it to.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from cc_fleet.model import Gap
from cc_fleet.repo import Repository
from cc_fleet.repo.reading import document as documents
from cc_fleet.repo.reading import interpolation
from cc_fleet.repo.reading.build import Build, build
from cc_fleet.repo.reading.document import elements, get, items, text_of
from cc_fleet.repo.reading.interpolation import Reading, Rules
from cc_fleet.repo.reading.source import Source
from cc_fleet.repo.reading.values import Value

FILE = re.compile(
    r"(?:.*/)?(?:[\w.-]+\.(?:sh|bash|zsh|mk|ya?ml|just)|(?:GNU)?[Mm]akefile(?:\.[\w-]+)?|\.?[Jj]ustfile|Jenkinsfile[\w.-]*|package\.json|build|release|publish|deploy)"
)
SAYS = "build-arg"  # every text that asks for a build with arguments
SIZE = 512 * 1024
MOST = 200  # builds of one file
_ARG = re.compile(r"--build-arg(?:[ \t]+|=)(?P<word>(?:\"[^\"\n]*\"|'[^'\n]*'|\$\{\{[^}\n]*\}\}|\$\([^)\n]*\)|[^\s\"'\\])+)")
_FILE_OPTION = re.compile(r"(?:^|\s)(?:-f|--file)(?:[ \t]+|=)[\"']?([^\s\"']+)")
_SET = r"(?m)^[ \t]*(?:-[ \t]+)?(?:export[ \t]+|readonly[ \t]+|local[ \t]+)?{name}[ \t]*(?::|[:?+]?=)[ \t]*[\"']?([^\s\"'#]+)"
_ACTION = re.compile(r"uses:[ \t]*[\"']?docker/build-push-action@")


def builds(repository: Repository, file: str) -> Iterator[Build]:
    """The builds that ``file`` asks for with arguments of their own."""
    text = repository.text(file) or ""
    if len(text) > SIZE or SAYS not in text:
        return
    source = Source.whole(file, text)
    if "build-args" in text and _ACTION.search(text):
        yield from _actions(repository, source)
    bases = tuple(dict.fromkeys(("", posixpath.dirname(file))))
    for number, (start, end) in enumerate(_commands(text)):
        if number >= MOST:
            return
        part = text[start:end]
        args = [pair for found in _ARG.finditer(text, start, end) for pair in _argument(source, found)]
        named = _FILE_OPTION.search(part)
        context = _context(part)
        yield build(repository, bases, context, named[1] if named else None, inside=False)._replace(args=tuple(args))


def _actions(repository: Repository, source: Source) -> Iterator[Build]:
    """The builds of ``docker/build-push-action`` in a workflow or an action."""
    found = documents.yaml(source.file, source.text)
    document = found[0] if not isinstance(found, Gap) and found else None
    if document is None:
        return
    steps = [step for _, job in items(get(document.root, "jobs")) for step in elements(get(job, "steps"))]
    for step in (*steps, *elements(get(document.root, "runs", "steps"))):
        if not (text_of(get(step, "uses")) or "").startswith("docker/build-push-action@") or (told := get(step, "with", "build-args")) is None or told.kind != "text":
            continue
        script, args, at = document.script(told), [], 0
        for row in script.text.split("\n"):
            name, equals, value = row.strip().partition("=")
            if equals and re.fullmatch(r"[\"']?[A-Za-z_]\w*", name):
                begin = at + row.index("=") + 1
                args += [(name.strip("\"'"), one) for one in _given(source, script, value.rstrip("\"'") if name[0] in "\"'" else value, begin)]
            at += len(row) + 1
        yield build(repository, ("",), text_of(get(step, "with", "context")), text_of(get(step, "with", "file")), inside=False)._replace(args=tuple(args))


def _given(source: Source, script: Source, raw: str, start: int) -> tuple[Value, ...]:
    """A value in a block: as it stands there, or what the workflow sets its expression to."""
    if "${{" in raw:
        return filled(source, raw, 0)
    return (Value(raw, script.place(start, raw)),)


def _commands(text: str) -> Iterator[tuple[int, int]]:
    """Where the lines of a command with arguments begin and end: those that a mark at their end joins."""
    at = 0
    while (found := text.find("--build-arg", at)) >= 0:
        start = text.rfind("\n", 0, found) + 1
        while start > 0 and re.search(r"[\\`][ \t\r]*\Z", text[max(0, start - 200) : start - 1]):
            start = text.rfind("\n", 0, start - 1) + 1
        end = text.find("\n", found)
        end = len(text) if end < 0 else end
        while end < len(text) and re.search(r"[\\`][ \t\r]*\Z", text[max(found, end - 200) : end]):
            following = text.find("\n", end + 1)
            end = len(text) if following < 0 else following
        yield start, end
        at = end


def _context(command: str) -> str | None:
    """The folder that ends the command, if its last word may be one."""
    plain = re.sub(r"[\\`][ \t\r]*\n", " ", command)
    ended = re.split(r"\s(?:&&|\|\||\||;|>|2>)|;", plain[plain.find("--build-arg") :], maxsplit=1)[0].split()
    last = ended[-1].strip("\"'") if ended else ""
    return last if re.fullmatch(r"[\w./-]+", last) and not last.startswith("-") and (last.startswith(".") or "/" in last) else None


def _argument(source: Source, found: re.Match[str]) -> Iterator[tuple[str, Value]]:
    word, start = found["word"], found.start("word")
    if len(word) > 1 and word[0] in "'\"" and word[-1] == word[0] and word[0] not in word[1:-1]:
        word, start = word[1:-1], start + 1
    name, equals, raw = word.partition("=")
    if equals and re.fullmatch(r"[A-Za-z_]\w*", name):
        yield from ((name, value) for value in filled(source, raw, start + len(name) + 1))


def filled(source: Source, raw: str, start: int) -> tuple[Value, ...]:
    """A value as it is written at ``start``, names filled in from the same file."""
    if found := re.search(r"\$\{\{[^}\n]*\}\}|\$\([^)\n]*\)|\{\{[^}\n]*\}\}", raw):
        name = re.fullmatch(r"\$\(([A-Za-z_]\w*)\)|\$\{\{\s*env\.([A-Za-z_]\w*)\s*\}\}", raw.strip("\"'"))
        known = _look(source, name[1] or name[2]) if name else ()
        return known or (Value(None, None, f"`{found[0][:60]}`, not set here"),)
    reading = Reading(Rules("\\", quotes=True), lambda name: _look(source, name), lambda at, shown: source.place(start + at, shown))
    return interpolation.fill(raw, reading)


def _look(source: Source, name: str) -> tuple[Value, ...]:
    """What the file sets the name to, where that is a plain text."""
    found = re.search(_SET.format(name=re.escape(name)), source.text)
    if found is None or "$" in found[1] or "{{" in found[1]:
        default = re.fullmatch(rf"\$\{{{re.escape(name)}:?[-=]([^}}$]*)\}}", found[1]) if found else None
        return (Value(default[1], source.place(found.start(1) + default.start(1), default[1])),) if found and default else ()
    return (Value(found[1], source.place(found.start(1), found[1])),)
