"""Actions that bring Claude Code: their refs are versions, and their inputs its version and environment."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from cc_fleet.host import redact
from cc_fleet.model import Declared, Place
from cc_fleet.records import NamedTuple
from cc_fleet.repo.reading import document as documents
from cc_fleet.repo.reading import exposed, expressions, installs
from cc_fleet.repo.reading.declare import Asked, declared
from cc_fleet.repo.reading.document import Document, Node, get, items, text_of
from cc_fleet.repo.reading.names import Env, Names, value_of
from cc_fleet.repo.reading.source import Source
from cc_fleet.repo.reading.values import Context, Filled, Value

_USES = re.compile(r"(?:https?://[\w.:-]+/)?(?P<owner>[\w.-]+)/(?P<name>[\w.-]+)(?P<path>/[^@\s]*)?@(?P<ref>\S+)")
_OWN = ("claude-code-action", "claude-code-base-action")
_OTHERS = re.compile(r"(?:actions?-)?(?:setup|install|run)-claude(?:-code)?(?:-cli)?(?:-action)?|claude-code-(?:security-review|setup|install|cli|runner)(?:-action)?")
_VERSION = re.compile(r"(?:anthropic-|install-)?claude(?:-code)?(?:-cli)?-version")
_NAMED = re.compile(r"#\s*(?:[\w./@ :=-]*?[@\s:=/-])?v?(\d+\.\d+\.\d+)\b")
_SECRETS = {"CLAUDE_API_KEY": "ANTHROPIC_API_KEY", "CLAUDE_CODE_API_KEY": "ANTHROPIC_API_KEY", "CLAUDE_CODE_TOKEN": "CLAUDE_CODE_OAUTH_TOKEN"}
_SWITCHES = {"use_bedrock": "CLAUDE_CODE_USE_BEDROCK", "use_vertex": "CLAUDE_CODE_USE_VERTEX", "use_foundry": "CLAUDE_CODE_USE_FOUNDRY"}
_SCRIPTS = frozenset("command commands run runcmd script install install-command install_command prepare cmd run-command pre-command post-command setup-command".split())


class Used(NamedTuple):
    """What a step that uses an action comes to; ``runs`` is where it brings or runs Claude Code."""

    facts: tuple[Any, ...]
    runs: Place | None
    env: Env


def used(document: Document, node: Node, given: Node | None, names: Names, job: str) -> Used:
    """The action that ``node`` (the value of ``uses:``) names, with its inputs."""
    text = node.value.strip()
    statement = document.place(node, text)
    facts: list[Any] = []
    if text.startswith("docker://"):
        facts += installs.image(Filled(text.removeprefix("docker://")), statement, job)
        return Used(tuple(facts), statement if any(fact.product == "cli" for fact in facts) else None, {})
    found = _USES.fullmatch(text)
    name = found["name"] if found else text
    brings = bool(found) and (name in _OWN or _OTHERS.fullmatch(name) is not None)
    versions = list(_versions(document, given, names, job)) if found else []
    if found and (brings or versions):
        pin = document.whole.place(node.start + (node.style in ("'", '"')) + found.start("ref"), found["ref"])
        product = name if name.endswith("-action") else f"{found['owner']}/{name}"
        facts.append(_pinned(document, node, declared(Asked(product, "action", statement, job), Filled(found["ref"]), pin)))
    facts += [*versions, *_credentials(document, given, job), *_scripts(document, given, names, job, name)]
    runs = any(isinstance(fact, Declared) and fact.product == "cli" for fact in facts)
    return Used(tuple(facts), statement if brings or runs else None, dict(_environment(document, given, names)) if name in _OWN else {})


def _pinned(document: Document, node: Node, action: Declared) -> Declared:
    """A commit whose version stands in the comment behind it."""
    if action.spec is None or not re.fullmatch(r"[0-9a-f]{40}", action.spec):
        return action
    end = document.whole.text.find("\n", node.end)
    told = _NAMED.match(document.whole.text[node.end : end if end >= 0 else None].strip()[:200])
    return action._replace(resolved=told[1]) if told else action


def _versions(document: Document, given: Node | None, names: Names, job: str) -> Iterator[Declared]:
    """``claude-code-version: 2.1.17``."""
    for key, value in items(given):
        if _VERSION.fullmatch(key.value.lower().replace("_", "-")) and value.kind == "text":
            for one in expressions.filled(value.value, document.value_place(value), names.template):
                statement = document.place(key, key.value)
                yield declared(Asked("cli", "action", statement, job, "npm"), one)


def _credentials(document: Document, given: Node | None, job: str) -> Iterator[Any]:
    for key, value in items(given):
        name = key.value.upper().replace("-", "_")
        if value.kind == "text" and "$" not in value.value:
            found = exposed.credential(_SECRETS.get(name, name), Value(value.value, document.place(value)), job)
            if found is not None:
                yield found if found.kind == "url" else found._replace(kind=redact.name(key.value))


def _scripts(document: Document, given: Node | None, names: Names, job: str, action: str) -> Iterator[Any]:
    """Inputs that an action runs as a script: ``nick-fields/retry`` and its like."""
    if action == "github-script":
        return
    for key, value in items(given):
        if key.value.lower() in _SCRIPTS and value.kind == "text" and "claude" in value.value:
            yield from installs.installs(document.script(value), Context(names.env, names.template, job))


def _environment(document: Document, given: Node | None, names: Names) -> Iterator[tuple[str, tuple[Value, ...]]]:
    """The variables that the inputs of Anthropic's actions set."""
    for key, name in _SWITCHES.items():
        node = get(given, key)
        if node is not None and node.kind == "text":
            values = value_of(document, node, names.template)
            if any(value.text is None or value.text.lower() == "true" for value in values):
                yield name, tuple(value._replace(text="1") if value.text else value for value in values)
    for key in ("model", "anthropic_model"):
        if (text := text_of(get(given, key))) and (node := get(given, key)):
            yield "ANTHROPIC_MODEL", value_of(document, node, names.template) if text else ()
    if (node := get(given, "claude_env")) is not None and node.kind == "text":
        yield from _lines(document.script(node), names)
    if (node := get(given, "settings")) is not None and node.kind == "text" and node.value.lstrip().startswith("{"):
        yield from _settings(document.script(node), names)


def _lines(source: Source, names: Names) -> Iterator[tuple[str, tuple[Value, ...]]]:
    """``NAME: value``, one a line."""
    for found in re.finditer(r"^[ \t]*([A-Za-z_]\w*):[ \t]*([\"']?)([^\n]*?)\2[ \t\r]*$", source.text, re.MULTILINE):
        yield found[1], expressions.fill(found[3], source.place(found.start(3), found[3]), names.template)


def _settings(source: Source, names: Names) -> Iterator[tuple[str, tuple[Value, ...]]]:
    """What the settings that are given as JSON set in ``env``."""
    parsed = documents.json(source.file, source.text)
    if isinstance(parsed, Document):
        inner = parsed._replace(whole=source)
        for key, value in items(get(inner.root, "env")):
            if value.kind == "text":
                yield key.value, value_of(inner, value, names.template)
