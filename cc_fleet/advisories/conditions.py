"""The language in which an advisory says whom it concerns: conditions over a view.

A text of ``env`` or ``settings`` is a word (``on``, ``off``, ``set``, ``unset``, ``falsy``,
``not-digits``), a comparison with a number or with another variable (``<1``,
``">=CLAUDE_CODE_MAX_OUTPUT_TOKENS"``), ``= a | b`` and ``!= a | b`` (one of these texts, or set
and none of them; small letters and capitals are one), or ``/a regular expression/``.
"""

# No postponed annotations here: the decoder reads them as types.
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol

from cc_fleet.client import Effective, Source, View, matches, truth
from cc_fleet.client.managed import SCOPES as MANAGED
from cc_fleet.records import NamedTuple
from cc_fleet.versions import Comparator, Range, key

_COMPARISON = r"(>=|<=|>|<)\s*(-?[0-9]{1,9}|[A-Z][A-Z0-9_]+)"
_WORDS = ("on", "off", "set", "unset", "falsy", "not-digits")
_ORDER: dict[str, Callable[[int, int], bool]] = {">=": int.__ge__, "<=": int.__le__, ">": int.__gt__, "<": int.__lt__}
Scope = Literal["user", "project", "local", "managed", "drop-in", "remote"]


class Rule(Protocol):
    """What a policy says of a gateway, as far as an advisory asks."""

    @property
    def kind(self) -> str | None: ...
    @property
    def upstream(self) -> str | None: ...
    @property
    def versions(self) -> Range | None: ...


RuleOf = Callable[[str], Rule | None]


def no_rule(_url: str) -> None:
    """No policy says anything of a gateway."""


class Pattern(str):
    """A regular expression that an error's text is searched for; one that could run away is refused."""

    @classmethod
    def parse(cls, text: str) -> "Pattern":
        from cc_fleet.advisories.patterns import check

        check(text)
        return cls(text)

    def found_in(self, text: str) -> bool:
        """Whether a line of ``text`` holds it, in time that grows with the text alone: a long line is searched in parts that overlap."""
        from cc_fleet.advisories.patterns import LINE

        sought = re.compile(self)
        parts = ((line, at) for line in text.splitlines() for at in range(0, max(1, len(line) - LINE // 2), LINE // 2))
        return any(sought.search(line, at, at + LINE) is not None for line, at in parts)


class Text(NamedTuple):
    """A condition on the text of a variable or a setting, in the forms that this module lists."""

    text: str

    @classmethod
    def parse(cls, text: str) -> "Text":
        if text[:1] == "/" and text[-1:] == "/" and len(text) > 2:
            Pattern.parse(text[1:-1])
        elif text not in _WORDS and not re.fullmatch(_COMPARISON, text) and not _one_of(text):
            forms = f"{', '.join(_WORDS)}, a comparison such as '<1', '= a | b', '!= a | b', '/pattern/'"
            raise ValueError(f"{text!r} is none of {forms}")
        return cls(text)

    @property
    def wants_one(self) -> bool:
        """Whether it only holds where something is set."""
        return self.text not in ("off", "unset")

    def others(self) -> tuple[str, ...]:
        """The variables that it compares with."""
        found = re.fullmatch(_COMPARISON, self.text)
        return (found[2],) if found and found[2][0].isalpha() else ()

    def holds(self, name: str, force: Effective, other: Callable[[str], Effective] = lambda _: Effective(None)) -> bool:
        """Whether the value in force is so; of one that cannot be read only that it is set."""
        if force.unknown or force.hidden:
            return self.text == "set"
        value = _text(force.value)
        if found := re.fullmatch(_COMPARISON, self.text):
            bound = _number(_text(other(found[2]).value)) if found[2][0].isalpha() else int(found[2])
            number = _number(value)
            return number is not None and bound is not None and _ORDER[found[1]](number, bound)
        if listed := _one_of(self.text):
            return bool(value) and (str(value).strip().lower() in listed[1]) is listed[0]
        if self.text[0] == "/":
            return bool(value) and Pattern(self.text[1:-1]).found_in(str(value))
        on = value is not None and truth.is_on(name, value)
        return {
            "on": on, "off": not on, "set": value not in (None, ""), "unset": value in (None, ""),
            "falsy": value is not None and value.strip().lower() in truth.FALSE,
            "not-digits": bool(value) and _number(value) is None and str(value)[0].isdigit(),
        }[self.text]  # fmt: skip


class Site(NamedTuple):
    """The gateway that requests go to: what it is, which version (PEP 440), and what is behind it.

    Kind and version are what the facts know, else what the policy's entry for this URL says; the
    upstream is the policy's.  A policy that gives a range of versions meets one that holds all of
    it.  A version that nobody tells meets no range: an advisory with a range then keeps silent,
    and one may say so with ``unless: [{gateway: {versions: ">=0"}}]``.
    """

    kind: tuple[str, ...] = ()
    versions: Range | None = None
    upstream: tuple[Literal["anthropic", "bedrock", "vertex", "foundry", "openai"], ...] = ()

    def holds(self, view: View, rule_of: RuleOf) -> bool:
        gateway = view.gateway()
        if gateway is None:
            return False
        rule = rule_of(gateway.url)
        kind = (gateway.kind or (rule.kind if rule else None) or "").lower()
        if (self.kind and kind not in self.kind) or (self.upstream and (rule is None or rule.upstream not in self.upstream)):
            return False
        if self.versions is None:
            return True
        if gateway.version is not None:
            return self.versions.admits(gateway.version, "pep440")
        told = rule.versions if rule and kind == (rule.kind or kind).lower() else None
        return told is not None and _within(told, self.versions)


class Condition(NamedTuple):
    """Facts of a view; every key that is given must hold, any value of a list will do.

    ``scopes`` asks who says one of ``settings`` to this client: ``managed`` is every managed source.
    In ``model`` and ``method`` ``*`` stands for anything.
    """

    provider: tuple[Literal["anthropic", "bedrock", "vertex", "foundry", "mantle", "gateway"], ...] = ()
    gateway: Site | None = None
    model: tuple[str, ...] = ()
    env: Mapping[str, Text] = {}
    settings: Mapping[str, Text] = {}
    scopes: tuple[Scope, ...] = ()
    credential: tuple[str, ...] = ()
    rejected: tuple[Scope, ...] = ()
    os: tuple[Literal["linux", "macos", "windows"], ...] = ()
    method: tuple[str, ...] = ()

    def holds(self, view: View, rule_of: RuleOf = no_rule) -> bool:
        """Whether everything that is given is so; what costs most is asked last."""
        if self.os and view.target.os not in self.os:
            return False
        if self.method and (view.install is None or not matches(view.install.method, self.method)):
            return False
        if self.credential and not view.credentials() & set(self.credential):
            return False
        if not all(text.holds(name, view.env(name), view.env) for name, text in self.env.items()):
            return False
        if not all(_is_set_so(name, text, view) for name, text in self.settings.items()):
            return False
        if self.scopes and not any(source.scope in _wide(self.scopes) for name in self.settings for source in _sources(view.setting(name))):
            return False
        if self.provider and view.provider() not in self.provider:
            return False
        if self.model and not matches(view.model(), self.model):
            return False
        if self.rejected and not any(void.scope in _wide(self.rejected) for void in view.voided()):
            return False
        return self.gateway is None or self.gateway.holds(view, rule_of)


def _wide(scopes: tuple[str, ...]) -> frozenset[str]:
    return frozenset(scopes) | (MANAGED if "managed" in scopes else frozenset())


def _sources(force: Effective) -> tuple[Source, ...]:
    return tuple(source for source in (force.winner, *force.beats) if source is not None)


def _is_set_so(name: str, text: Text, view: View) -> bool:
    """A setting is ``set`` whatever it says, an empty text too."""
    force = view.setting(name)
    if text.text in ("set", "unset"):
        return (force.winner is not None) == (text.text == "set")
    return text.holds(name, force, view.env)


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _number(text: str | None) -> int | None:
    return truth.integer(text) if text else None


def _one_of(text: str) -> tuple[bool, frozenset[str]] | None:
    """Whether it has to be one of these or none of these, and the texts."""
    found = re.fullmatch(r"(!?=) *(\S.*)", text)
    return (found[1] == "=", frozenset(part.strip().lower() for part in found[2].split("|"))) if found else None


def _within(told: Range, wide: Range) -> bool:
    """Whether every version of ``told`` is surely one of ``wide``."""
    return all(
        any(all(any(_implies(part, wanted) for part in parts) for wanted in wider) for wider in wide.alternatives)
        for parts in told.alternatives
    )


def _implies(part: Comparator, wanted: Comparator) -> bool:
    """Whether a version that meets ``part`` surely meets ``wanted``."""
    mine, bound = key(part.version, "pep440"), key(wanted.version, "pep440")
    if mine is None or bound is None:
        return False
    above = part.operator in (">=", ">", "==") and (mine > bound or (mine == bound and part.operator == ">"))
    below = part.operator in ("<=", "<", "==") and (mine < bound or (mine == bound and part.operator == "<"))
    same = mine == bound and part.operator == wanted.operator
    exactly = mine == bound and part.operator == "=="
    return {
        ">": above, "<": below, ">=": above or same or exactly, "<=": below or same or exactly,
        "==": exactly, "!=": above or below or same,
    }[wanted.operator]  # fmt: skip


