"""Settings of Claude Code and of editors: keys that nobody knows, values that the client refuses, keys that clash."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator
from typing import Any

from cc_fleet.client.validity import SHAPES
from cc_fleet.data import load, scopes
from cc_fleet.policy import Setting
from cc_fleet.policy.lint._conditions import conditions
from cc_fleet.policy.lint._published import clients, pin, several, within
from cc_fleet.policy.lint._read import unread_setting
from cc_fleet.policy.lint._sight import Part, Remark, Sight, Spot
from cc_fleet.versions import key

GATE = ("requiredMinimumVersion", "requiredMaximumVersion")
# What the client takes (facts/claude-code.md 1.4).
WORDS: dict[str, tuple[str, ...]] = {
    "effortLevel": ("low", "medium", "high", "xhigh"),
    "autoUpdatesChannel": ("latest", "stable", "rc"),
    "forceLoginMethod": ("claudeai", "console", "gateway"),
    "permissions.disableBypassPermissionsMode": ("disable",),
}
# The first version that knows the key, where that is documented.
SINCE = {
    "requiredMinimumVersion": "2.1.163", "requiredMaximumVersion": "2.1.163", "enforceAvailableModels": "2.1.175", "policyHelper": "2.1.136",
    "disableCommandPluginSources": "2.1.229", "disableSideloadFlags": "2.1.193", "wslInheritsWindowsSettings": "2.1.118", "forceRemoteSettingsRefresh": "2.1.92",
}  # fmt: skip
MOST = 300  # keys that are compared with all others
_EDITOR = ("useTerminal", "initialPermissionMode", "environmentVariables", "disableLoginPrompt", "claudeProcessWrapper", "allowDangerouslySkipPermissions", "usePythonEnvironment")
_LOGIN = ("forceLoginMethod", "forceLoginOrgUUID")
# What takes a login's place (facts/claude-code.md 1.4).
_KEYS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL")


def remarks(sight: Sight) -> Iterator[Remark]:
    for part in sight.parts:
        spots = part.spot.members("settings")
        for number, (name, rule) in enumerate(part.rules.settings.items()):
            spot = spots.get(name, Spot(("settings", name), rule.place))
            yield from conditions(sight, part, rule.when, spot.of("when"))
            yield from _key(name, rule, spot) if number < MOST else ()
            yield from (*_twice(name, rule, spot), *_values(name, rule, spot), *_version(name, rule, spot))
            for judged in (_variable, _gate, _login, _old):
                yield from judged(part, name, rule, spot)
        editor = part.spot.members("editor-settings")
        for number, (name, rule) in enumerate(part.rules.editor_settings.items()):
            spot = editor.get(name, Spot(("editor-settings", name), rule.place))
            yield from conditions(sight, part, rule.when, spot.of("when"))
            yield from (*_twice(name, rule, spot), *(_editor(name, spot) if number < MOST else ()))


def _key(name: str, rule: Setting, spot: Spot) -> Iterator[Remark]:
    known = scopes()
    if known.get(name) == "Global config":
        yield spot.warning("belongs in ~/.claude.json and is ignored in settings files; leave it out")
        return
    if name in known or name.partition(".")[0] == "env" or any(other.startswith(f"{name}.") for other in known):
        return
    above = name.rpartition(".")[0]
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.85)
    if close and close[0].count(".") == name.count("."):
        yield spot.warning(f"is no documented setting; did you mean {close[0]}?")
    elif not rule.absent and (not above or not any(other == above or above.startswith(f"{other}.") or other.startswith(f"{above}.") for other in known)):
        yield spot.note(f"is no setting that was documented by {load('settings_keys.json')['date']}; make sure that it exists")


def _said(rule: Setting) -> list[tuple[str, Any]]:
    """The values that the rule wants or allows, with the key that says so."""
    return [("value", rule.value.json)] if rule.value is not None else [("one-of", value.json) for value in rule.one_of]


def _values(name: str, rule: Setting, spot: Spot) -> Iterator[Remark]:
    for where, value in _said(rule):
        allowed = WORDS.get(name)
        reason = next((shape.reason for shape in SHAPES if ".".join(shape.key) == name and not shape.good(value)), None)
        if (unread := unread_setting(name, value)) is not None:
            yield spot.of(where).error(unread)
        elif allowed is not None and value not in allowed:
            yield spot.of(where).error(f"the client does not take {json.dumps(value)}; write {', '.join(allowed[:-1])}{' or ' if allowed[1:] else ''}{allowed[-1]}")
        elif reason is not None:
            quoted = "; without quotation marks it is a number" if isinstance(value, str) and value.isdigit() else ""
            yield spot.of(where).error(f"{reason}, so clients drop it, and most of them its whole file{quoted}")


def _twice(name: str, rule: Setting, spot: Spot) -> Iterator[Remark]:
    words = [json.dumps(value.json) if unread_setting(name, value.json) is None else "a value" for value in rule.one_of]
    for word in sorted({word for word in words if words.count(word) > 1}):
        yield spot.of("one-of").warning(f"{word} stands here twice; delete one")
    if rule.required and (rule.value is not None or rule.absent):
        yield spot.of("required").note("is for `one-of`, and changes nothing here; delete it")


def _version(name: str, rule: Setting, spot: Spot) -> Iterator[Remark]:
    for where, value in _said(rule) if name in (*GATE, "minimumVersion") else ():
        if not re.fullmatch(r"\d+\.\d+\.\d+", str(value)):
            told = ", so the client drops it and the gate is open" if name in GATE else ", so the client drops it"
            yield spot.of(where).error(f"{value!r} is no plain version{told}; write X.Y.Z")
        elif name == "requiredMaximumVersion":
            yield from (remark for remark in pin(spot.of(where), str(value)) if remark.severity == "note")


def _variable(part: Part, name: str, rule: Setting, spot: Spot) -> Iterator[Remark]:
    if name.startswith("env."):
        other = part.ruled.env.get(name[4:])
        if other is None:
            yield spot.note(f"asks settings alone; `env: {name[4:]}` asks what the client gets, whoever says it")
        elif (rule.absent, rule.value.json if rule.value else None) != (other.absent, other.value):
            yield spot.error(f"env.{name[4:]} asks another value of the same variable; delete one of the two")


def _gate(part: Part, name: str, rule: Setting, spot: Spot) -> Iterator[Remark]:
    if name not in GATE or rule.value is None:
        return
    value = str(rule.value.json)
    if part.ruled.cli.gate == "derive":
        yield spot.warning("cli.gate: derive writes this key from cli.versions; leave it out here, or turn the gate off")
    low = part.ruled.settings.get(GATE[0])
    if name == GATE[1] and low and low.value and (key(str(low.value.json)) or ()) > (key(value) or ()) != ():
        yield spot.error(f"is below requiredMinimumVersion ({low.value.json}), so no client starts; correct one of the two")
    elif key(value) and part.ruled.cli.versions is not None and part.ruled.cli.gate != "derive":
        let = clients(part.ruled)
        shut = within(let, "0.0.0", value) if name == GATE[0] else tuple(v for v in let if (key(v) or ()) > (key(value) or ()))
        shut = tuple(v for v in shut if (key(v) or ()) >= (2, 1, 163))
        if shut:
            yield spot.warning(f"keeps {several(shut)} from starting, which cli.versions allows; correct one of the two")


def _login(part: Part, name: str, rule: Setting, spot: Spot) -> Iterator[Remark]:
    """A login that is enforced, beside what takes its place: the client stops."""
    if name not in _LOGIN or rule.absent or all(value == "gateway" for _, value in _said(rule)) or rule.when.provider == ("anthropic",):
        return
    wanted = [f"env.{name}" for name in _KEYS if (other := part.ruled.env.get(name)) and not other.absent and (other.value or other.one_of)]
    helper = part.ruled.settings.get("apiKeyHelper")
    wanted += ["settings.apiKeyHelper"] if helper is not None and not helper.absent else []
    wanted += ["gateways"] if part.ruled.gateways else []
    if wanted:
        yield spot.warning(f"a login that is enforced stops every client with a key, a token or a helper, and `{wanted[0]}` speaks of such; narrow it by `when: {{provider: anthropic}}`")


def _old(part: Part, name: str, rule: Setting, spot: Spot) -> Iterator[Remark]:
    since = SINCE.get(name)
    if since is None or rule.absent or not (rule.value is not None or rule.required):
        return
    found = within(clients(part.ruled, part.when, rule.when), "0.0.0", since)
    if found and part.ruled.cli.versions is not None:
        yield spot.warning(f"the policy admits {several(found)}, which do not know it; {since} is the first that does")


def _editor(name: str, spot: Spot) -> Iterator[Remark]:
    if name.lower().startswith("claudecode."):
        known = [f"claudeCode.{key}" for key in _EDITOR]
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
        if name not in known:
            told = f"did you mean {close[0]}?" if close else "make sure that it exists"
            yield Remark("warning" if close else "note", ".".join(spot.path), f"is no documented setting of the extension; {told}", spot.place)
