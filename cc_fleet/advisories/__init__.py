"""What is known to break: one YAML file an issue, read from here or from a company's own folder.

An advisory says which versions it concerns, under which conditions of a view, how it looks
(``symptoms``), and what helps.  ``audit`` reads ``affects``, ``explain`` reads ``symptoms``.
"""

# No postponed annotations here: the decoder reads them as types.
import os
import re
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from cc_fleet.client import Effective, View, matches, truth
from cc_fleet.data import load as load_data
from cc_fleet.decode import SIZE, Date, DecodeError, Node, decode, read_yaml
from cc_fleet.frozen import thaw
from cc_fleet.model import Place
from cc_fleet.versions import Range

FOLDER = os.path.dirname(os.path.abspath(__file__))
_NUMBER = re.compile(r"(>=|<=|>|<)\s*(-?[0-9]{1,9})")


class Text(NamedTuple):
    """A condition on a variable's text: ``on``, ``off``, ``set``, ``unset``, ``falsy`` (``0``, ``off`` …),
    ``not-digits``, or a comparison such as ``<1``."""

    text: str

    @classmethod
    def parse(cls, text: str) -> "Text":
        if text not in ("on", "off", "set", "unset", "falsy", "not-digits") and not _NUMBER.fullmatch(text):
            raise ValueError(f"{text!r} is none of on, off, set, unset, falsy, not-digits, or a comparison such as '<1'")
        return cls(text)

    def holds(self, name: str, force: Effective) -> bool:
        """Whether the value in force is so; of one that cannot be read only that it is set."""
        value = force.value
        if force.unknown or force.hidden:
            return self.text == "set"
        on = value is not None and truth.is_on(name, value)
        if found := _NUMBER.fullmatch(self.text):
            number = truth.integer(str(value)) if value else None
            return number is not None and _compare(found[1], number, int(found[2]))
        return {
            "on": on, "off": not on, "set": value not in (None, ""), "unset": value in (None, ""),
            "falsy": value is not None and value.strip().lower() in truth.FALSE,
            "not-digits": bool(value) and truth.integer(value) is None and value[:1].isdigit(),
        }[self.text]  # fmt: skip


class Pattern(str):
    """A regular expression that an error's text is searched for."""

    @classmethod
    def parse(cls, text: str) -> "Pattern":
        try:
            re.compile(text)
        except re.error as err:
            raise ValueError(f"not a regular expression: {err.msg}") from None
        return cls(text)


class Condition(NamedTuple):
    """Facts of a view; every key that is given must hold, any value of a list will do."""

    provider: tuple[Literal["anthropic", "bedrock", "vertex", "foundry", "mantle", "gateway"], ...] = ()
    model: tuple[str, ...] = ()
    env: Mapping[str, Text] = {}
    settings: Mapping[str, Literal["set", "unset"]] = {}
    scopes: tuple[Literal["user", "project", "local", "managed", "drop-in"], ...] = ()
    credential: tuple[str, ...] = ()
    rejected: tuple[Literal["user", "project", "local", "managed", "drop-in"], ...] = ()


class Affects(NamedTuple):
    """Which clients an issue concerns; ``product`` is ``cli`` (bundled ones too) or an extension's id."""

    product: str = "cli"
    versions: Range | None = None
    when: Condition = Condition()
    unless: Condition | None = None


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

    def concerns(self, view: View) -> bool:
        """Whether ``view`` meets this issue's conditions."""
        rule = self.affects
        if rule is None or not _is_product(view, rule.product):
            return False
        if rule.versions is not None and (view.version is None or not rule.versions.admits(view.version)):
            return False
        return _holds(rule.when, view) and not (rule.unless is not None and _holds(rule.unless, view))

    def subject(self, view: View) -> tuple[str, Place | None]:
        """What the issue hangs on in this view, by name, and where that stands."""
        when = self.affects.when if self.affects else Condition()
        for name in when.env:
            if (winner := view.env(name).winner) is not None:
                return name, winner.place
        for name in when.settings:
            if (winner := view.setting(name).winner) is not None:
                return name, winner.place
        return self.id, None


def load(folders: tuple[str, ...] = (), versions: frozenset[str] | None = None) -> tuple[Advisory, ...]:
    """The packaged advisories, and those of ``folders``; DecodeError where one is wrong.

    With ``versions``, of the packaged ones only those that concern one of them, and without their
    examples: an audit reads no more.
    """
    own = tuple(advisory for folder in folders for advisory in read_folder(folder))
    ids = [advisory.id for advisory in own]
    for advisory in own:
        if ids.count(advisory.id) > 1:
            raise DecodeError(f"{advisory.place}: id: {advisory.id} stands here and in another file")
    return tuple(a for a in packaged(versions) if a.id not in ids) + own


def count(loaded: tuple[Advisory, ...]) -> int:
    """How many advisories judge: all that are packaged, and a company's own among those ``loaded``."""
    packaged_ids = {data["id"] for data in load_data("advisories.json")["known"]}
    return len(packaged_ids | {advisory.id for advisory in loaded})


def packaged(versions: frozenset[str] | None = None) -> tuple[Advisory, ...]:
    """The advisories of this folder, from their compiled form."""
    known = load_data("advisories.json")["known"]
    if versions is None:
        return tuple(thaw(Advisory, data) for data in known)
    return tuple(
        thaw(Advisory, {name: value for name, value in data.items() if name != "examples"})
        for data in known
        if _meets(data.get("affects", {}).get("versions"), versions)
    )


def _meets(allowed: str | None, versions: frozenset[str]) -> bool:
    return allowed is None or any(Range.parse(allowed).admits(version) for version in versions)


def digest() -> str:
    """The sha256 of the packaged advisories."""
    return str(load_data("advisories.json")["sha256"])


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
    if product != "cli":
        return view.install is not None and view.install.product == product
    return True


def _holds(rule: Condition, view: View) -> bool:
    if rule.provider and view.provider() not in rule.provider:
        return False
    if rule.model and not matches(view.model(), rule.model):
        return False
    if not all(text.holds(name, view.env(name)) for name, text in rule.env.items()):
        return False
    if not all((view.setting(name).winner is not None) == (state == "set") for name, state in rule.settings.items()):
        return False
    if rule.scopes and not any(s.scope in rule.scopes for name in rule.settings for s in view.target.settings if ".".join(s.key) == name):
        return False
    if rule.credential and not view.credentials() & set(rule.credential):
        return False
    return not rule.rejected or any(void.scope in rule.rejected for void in view.voided())


def _compare(name: str, number: int, bound: int) -> bool:
    return {">=": number >= bound, "<=": number <= bound, ">": number > bound, "<": number < bound}[name]
