"""What is known to break: one YAML file an issue, read from here or from a company's own folder.

An advisory says which versions it concerns, under which conditions of a view, how it looks
(``symptoms``), and what helps.  ``audit`` reads ``affects``, ``explain`` reads ``symptoms``.
"""

# No postponed annotations here: the decoder reads them as types.
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Literal

from cc_fleet.advisories.conditions import Condition, Pattern, Rule, RuleOf, Site, Text, no_rule
from cc_fleet.advisories.glance import Glance, Present
from cc_fleet.client import EXTENSION, View
from cc_fleet.data import FOLDER as DATA
from cc_fleet.decode import SIZE, Date, DecodeError, Node, decode, read_yaml
from cc_fleet.frozen import thaw
from cc_fleet.host.digest import sha256
from cc_fleet.model import Place, Target
from cc_fleet.records import NamedTuple
from cc_fleet.versions import Range

FOLDER = os.path.dirname(os.path.abspath(__file__))


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

    def by_what_is_there(self) -> bool:
        """Whether it hangs on no variable or setting that is missing, which a view that is not complete cannot tell."""
        when = self.affects.when if self.affects else Condition()
        return all(text.wants_one for text in (*when.env.values(), *when.settings.values()))

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


class Shelf:
    """Advisories, and for each target those that may concern it: most are ruled out by versions, once for all alike."""

    def __init__(self, advisories: tuple[Advisory, ...], rules: tuple[Rule, ...] = ()) -> None:
        self._rules = rules
        self._all = [(advisory, Glance.of(advisory.affects.versions, advisory.affects.when)) for advisory in advisories if advisory.affects is not None]
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
    chosen = (text for (_, affects, *glance), text in told if affects and Glance(*glance).may_hold(present.versions) and present.meets(glance[1]))
    return tuple(_thawed(json.loads(text)) for text in chosen)


def compiled(known: Iterable[tuple[Advisory, Any]]) -> str:
    """What ``packaged`` reads, of advisories and their frozen forms: a line with what can be told at a glance, then one each."""
    found = tuple(known)
    lines = [json.dumps(frozen) for _, frozen in found]
    glances = [[a.id, a.affects is not None, *(Glance.of(a.affects.versions, a.affects.when) if a.affects else ())] for a, _ in found]
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
