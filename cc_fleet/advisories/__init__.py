"""What is known to break: one YAML file an issue, read from here or from a company's own folder.

An advisory says which versions it concerns, under which conditions of a view, how it looks
(``symptoms``), and what helps.  ``audit`` reads ``affects``, ``explain`` reads ``symptoms``.
"""

# No postponed annotations here: the decoder reads them as types.
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Literal, NamedTuple

from cc_fleet.advisories.conditions import Condition, Pattern, Rule, RuleOf, Site, Text, no_rule
from cc_fleet.client import EXTENSION, View
from cc_fleet.data import FOLDER as DATA
from cc_fleet.decode import SIZE, Date, DecodeError, Node, decode, read_yaml
from cc_fleet.digest import sha256
from cc_fleet.frozen import thaw
from cc_fleet.model import Place, Target
from cc_fleet.versions import Range, key

FOLDER = os.path.dirname(os.path.abspath(__file__))
_NO_END = 10**9


class Affects(NamedTuple):
    """Which clients an issue concerns; ``product`` is ``cli`` (bundled ones too) or an extension's id.

    ``when`` must hold, and none of ``unless``.
    """

    product: str = "cli"
    versions: Range | None = None
    when: Condition = Condition()
    unless: tuple[Condition, ...] = ()


class Remedy(NamedTuple):
    """What helps, and who does it."""

    who: Literal["you", "admin", "repository", "gateway"]
    text: str
    command: str | None = None


class Evidence(NamedTuple):
    """How it is known: ``measured`` with the real client, ``documented``, or ``reported``."""

    level: Literal["measured", "documented", "reported"]
    sources: tuple[str, ...]
    checked: Date


class Examples(NamedTuple):
    """The advisory's own test: views that it concerns, views that it does not, texts that it explains."""

    affected: tuple[Mapping[str, str], ...] = ()
    fine: tuple[Mapping[str, str], ...] = ()
    texts: tuple[str, ...] = ()


class Advisory(NamedTuple):
    """One known issue.  ``check`` is the name under which an audit reports it."""

    id: str
    title: str
    severity: Literal["error", "warning", "note"]
    who: Literal["client", "gateway", "config", "input", "account", "api", "policy"]
    cause: str
    remedies: tuple[Remedy, ...]
    evidence: Evidence
    place: Place
    examples: Examples = Examples()
    check: Literal["known-issue", "env-ineffective", "env-spelling"] = "known-issue"
    affects: Affects | None = None
    symptoms: tuple[Pattern, ...] = ()
    not_remedies: tuple[str, ...] = ()
    poisons_session: bool = False

    def concerns(self, view: View, rule_of: RuleOf = no_rule) -> bool:
        """Whether ``view`` meets this issue's conditions; ``rule_of`` is what the policy says of a gateway's URL."""
        rule = self.affects
        if rule is None or not _is_product(view, rule.product):
            return False
        if rule.versions is not None and (view.version is None or not rule.versions.admits(view.version)):
            return False
        return rule.when.holds(view, rule_of) and not any(but.holds(view, rule_of) for but in rule.unless)

    def subject(self, view: View) -> tuple[str, Place | None]:
        """What the issue hangs on in this view, by name, and where that stands."""
        when = self.affects.when if self.affects else Condition()
        asked = [(name, view.env) for name in when.env] + [(name, view.setting) for name in when.settings]
        asked += [("ANTHROPIC_MODEL", view.env), ("model", view.setting)] if when.model else []
        for name, ask in asked:
            if (winner := ask(name).winner) is not None:
                return name, winner.place
        gateway = view.gateway() if when.gateway else None
        return self.id, gateway.place if gateway else None


class Glance(NamedTuple):
    """What can be seen of an advisory before anything is asked of a view.

    ``bounds``: versions from and to before which it may hold, None for all.  ``needs``: of each
    of these lists something must be among a target's ``marks``.
    """

    bounds: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] | None
    needs: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, affects: Affects) -> "Glance":
        versions = affects.versions
        bounds = None if versions is None else tuple(_bounds((c.operator, c.version) for c in parts) for parts in versions.alternatives)
        return cls(bounds, tuple(_needs(affects.when)))

    def may_hold(self, versions: Iterable[str]) -> bool:
        """Whether one of ``versions`` lies within the bounds."""
        if self.bounds is None:
            return True
        numbers = [read[:3] for version in versions if (read := key(version)) is not None]
        return any(low <= number < high for low, high in self.bounds for number in numbers)


class Present(NamedTuple):
    """What is there on some targets: the versions installed, and what else advisories may need.

    ``rules`` are the policy's gateways, which may say of a gateway what the facts do not.
    """

    versions: frozenset[str]
    marks: frozenset[str]

    @classmethod
    def on(cls, targets: Iterable[Target], rules: Iterable[Rule] = ()) -> "Present":
        seen = tuple(targets)
        versions = frozenset(install.version for target in seen for install in target.installs)
        return cls(versions, frozenset((*_told(rules), *(mark for target in seen for mark in _marks(target)))))

    def meets(self, needs: Iterable[Iterable[str]]) -> bool:
        return all(not self.marks.isdisjoint(any_of) for any_of in needs)


class Shelf:
    """Advisories, and for each target those that may concern it: most are ruled out by versions, once for all alike."""

    def __init__(self, advisories: tuple[Advisory, ...], rules: tuple[Rule, ...] = ()) -> None:
        self._rules = rules
        self._all = [(advisory, Glance.of(advisory.affects)) for advisory in advisories if advisory.affects is not None]
        self._by_versions: dict[frozenset[str], list[tuple[Advisory, Glance]]] = {}

    def concerning(self, target: Target) -> tuple[Advisory, ...]:
        present = Present.on((target,), self._rules)
        known = self._by_versions.get(present.versions)
        if known is None:
            known = self._by_versions[present.versions] = [pair for pair in self._all if pair[1].may_hold(present.versions)]
        return tuple(advisory for advisory, glance in known if present.meets(glance.needs))


def load(folders: tuple[str, ...] = (), present: Present | None = None) -> tuple[Advisory, ...]:
    """The packaged advisories, and those of ``folders``; DecodeError where one is wrong.

    With ``present``, of the packaged ones only those that may hold there, and without their
    examples and symptoms: an audit reads no more.
    """
    own = tuple(advisory for folder in folders for advisory in read_folder(folder))
    ids = [advisory.id for advisory in own]
    for advisory in own:
        if ids.count(advisory.id) > 1:
            raise DecodeError(f"{advisory.place}: id: {advisory.id} stands here and in another file")
    return tuple(a for a in packaged(present) if a.id not in ids) + own


def count(loaded: tuple[Advisory, ...]) -> int:
    """How many advisories judge: all that are packaged, and a company's own among those ``loaded``."""
    packaged_ids = {told[0] for told in _compiled()[0]["glances"]}
    return len(packaged_ids | {advisory.id for advisory in loaded})


def packaged(present: Present | None = None) -> tuple[Advisory, ...]:
    """The advisories of this folder, from their compiled form: a line each, so that few need be read."""
    head, lines = _compiled()
    told = zip(head["glances"], lines, strict=True)
    if present is None:
        return tuple(thaw(Advisory, json.loads(text)) for _, text in told)
    chosen = (text for (_, affects, *glance), text in told if affects and _glance(glance).may_hold(present.versions) and present.meets(glance[1]))
    return tuple(_thawed(json.loads(text)) for text in chosen)


def compiled(known: Iterable[tuple[Advisory, Any]]) -> str:
    """What ``packaged`` reads, of advisories and their frozen forms: a line with what can be told at a glance, then one each."""
    found = tuple(known)
    lines = [json.dumps(frozen) for _, frozen in found]
    glances = [[a.id, a.affects is not None, *(Glance.of(a.affects) if a.affects else ())] for a, _ in found]
    head = json.dumps({"sha256": sha256("\n".join(lines).encode()), "glances": glances})
    return "\n".join((head, *lines)) + "\n"


@cache
def _compiled() -> tuple[Any, list[str]]:
    """The compiled advisories: what can be told at a glance, and the line of each."""
    with open(os.path.join(DATA, "advisories.jsonl"), encoding="ascii") as file:
        head, *lines = file.read().splitlines()
    return json.loads(head), lines


def _thawed(data: dict[str, Any]) -> Advisory:
    advisory: Advisory = thaw(Advisory, {name: value for name, value in data.items() if name not in ("examples", "symptoms")})
    return advisory


def _glance(told: Any) -> Glance:
    bounds, needs = told
    return Glance(None if bounds is None else tuple((tuple(low), tuple(high)) for low, high in bounds), needs)


def _bounds(parts: Iterable[tuple[str, str]]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """From where and to before where versions may meet all of ``parts``; a little too wide for pre-releases."""
    low: tuple[int, ...] = (0, 0, 0)
    high: tuple[int, ...] = (_NO_END, 0, 0)
    for operator, version in parts:
        numbers = [int(number) for number in re.findall(r"[0-9]+", re.split(r"[-+]", version)[0])]
        this = (*numbers, 0, 0, 0)[:3]
        plain = re.fullmatch(r"[0-9.]+", version) is not None
        after = (*this[:2], this[2] + 1)
        if operator in (">=", ">", "=="):
            low = max(low, after if operator == ">" and plain else this)
        if operator in ("<=", "<", "=="):
            high = min(high, this if operator == "<" and plain else after)
    return low, high


def _needs(when: Condition) -> Iterator[tuple[str, ...]]:
    """What must be there, one of each list, for the condition to hold."""
    for name, text in (*when.env.items(), *when.settings.items()):
        yield from (((name,),) if text.wants_one else ())
        yield from ((other,) for other in text.others())
    if when.gateway is not None or (when.provider and "anthropic" not in when.provider):
        yield ("provider",)
    if when.gateway is not None:
        for group, words in (("kind", when.gateway.kind), ("upstream", when.gateway.upstream)):
            yield from ((tuple(f"{group}:{word}" for word in words),) if words else ())
    if when.model:
        yield ("ANTHROPIC_MODEL", "model")
    for group, words in (("credential", when.credential), ("os", when.os), ("method", when.method)):
        if words:
            yield tuple(f"{group}:{word}" for word in words)


def _told(rules: Iterable[Rule]) -> Iterator[str]:
    for rule in rules:
        yield f"kind:{(rule.kind or '').lower()}"
        yield f"upstream:{rule.upstream}"


def _marks(target: Target) -> Iterator[str]:
    """What advisories may need of ``target``, by the names of ``_needs``."""
    yield f"os:{target.os}"
    names = {variable.name for variable in target.variables}
    for setting in target.settings:
        names.add(".".join(setting.key))
        names.add(setting.key[1] if setting.key[0] == "env" and len(setting.key) == 2 else "")
    yield from names
    if any(name.startswith("CLAUDE_CODE_USE_") or name.endswith("_BASE_URL") for name in names):
        yield "provider"
    yield from (f"credential:{credential.kind}" for credential in target.credentials)
    yield from (f"method:{install.method}" for install in target.installs)
    yield from (f"kind:{(gateway.kind or '').lower()}" for gateway in target.gateways)


def digest() -> str:
    """The sha256 of the packaged advisories."""
    return str(_compiled()[0]["sha256"])


def read_folder(folder: str) -> Iterator[Advisory]:
    """The advisories of ``folder``, from their YAML."""
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith((".yaml", ".yml")))
    except OSError as err:
        raise DecodeError(f"{folder}: {(err.strerror or 'cannot be read').lower()}") from None
    for name in names:
        yield decode(Advisory, _read(os.path.join(folder, name), name if folder == FOLDER else os.path.join(folder, name)))


def _read(path: str, shown: str) -> Node:
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), encoding="utf-8") as file:
            return read_yaml(file.read(SIZE + 1) or "", shown)
    except OSError as err:
        raise DecodeError(f"{shown}: {(err.strerror or 'cannot be read').lower()}") from None
    except UnicodeDecodeError:
        raise DecodeError(f"{shown}: is not UTF-8 text") from None


def _is_product(view: View, product: str) -> bool:
    if product == "cli":
        return view.install is None or view.install.product in ("cli", EXTENSION)
    return view.install is not None and view.install.product == product


__all__ = ["Advisory", "Affects", "Condition", "Glance", "Pattern", "Present", "Rule", "Shelf", "Site", "Text"]
