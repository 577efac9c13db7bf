"""Environment variables: names, values that the client reads otherwise, clients that do not ask for them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cc_fleet.client import truth
from cc_fleet.policy import Environment
from cc_fleet.policy.lint._conditions import conditions
from cc_fleet.policy.lint._published import clients, several, within
from cc_fleet.policy.lint._read import unread_variable
from cc_fleet.policy.lint._sight import Part, Remark, Sight, Spot
from cc_fleet.policy.values import COMPARISON
from cc_fleet.records import NamedTuple
from cc_fleet.versions import FAR

FLAG = "CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS"
_VERSIONS = ("cli", "versions")
_LAUNCH_ONLY = ("CLAUDE_CODE_PROJECT_DIR_NAME",)
MOST = 300  # names that are compared with all others, which takes a millisecond each


class Deaf(NamedTuple):
    """Clients from ``since`` to before ``until`` do something else with ``name``, on or set (facts/wire.md 0, claude-code.md 2)."""

    name: str
    since: str
    until: str
    severity: str
    what: str


DEAF = (
    Deaf(FLAG, "0.0.0", "2.1.25", "warning", "ignore it; 2.1.25 is the first that obeys"),
    Deaf(FLAG, "2.1.25", "2.1.32", "warning", "drop the header and may leave cache_control.scope in the body, which a strict gateway refuses"),
    Deaf(FLAG, "2.1.32", "2.1.81", "note", "may still send beta tool fields; 2.1.81 is the first that does not"),
    Deaf(truth.CONCURRENCY, "2.1.154", FAR, "warning", "ignore it"),
    Deaf("DISABLE_UPDATES", "0.0.0", "2.1.118", "warning", "do not know it; DISABLE_AUTOUPDATER stops their background updates"),
    Deaf("CLAUDE_CODE_PACKAGE_MANAGER_AUTO_UPDATE", "0.0.0", "2.1.129", "note", "do not know it"),
)


def remarks(sight: Sight) -> Iterator[Remark]:
    for place, written, real in sight.loaded.renamed:
        yield Spot(("env", written), place).note(f"the variable is {real}, and is judged by that name; write it so")
    for part in sight.parts:
        spots = part.spot.members("env")
        for number, (name, rule) in enumerate(part.rules.env.items()):
            spot = spots.get(name, Spot(("env", name), rule.place))
            yield from conditions(sight, part, rule.when, spot.of("when"))
            yield from _name(name, spot) if number < MOST else ()
            for told in (_unread, _words, _number, _switch, _locked):
                yield from told(name, rule, spot)
            yield from _deaf(part, name, rule, spot)
            yield from _oauth(part, name, rule, spot)
            yield from _betas(part, name, rule, spot)


def _name(name: str, spot: Spot) -> Iterator[Remark]:
    if (meant := truth.meant(name)) is not None:
        yield spot.warning(f"is not a variable of Claude Code; did you mean {meant}?")


def _unread(name: str, rule: Environment, spot: Spot) -> Iterator[Remark]:
    words = [("value", rule.value or ""), *(("one-of", word) for word in rule.one_of), *([("integer", "1")] if rule.integer else [])]
    told = {where: what for where, word in words if (what := unread_variable(name, word))}
    yield from (spot.of(where).error(what) for where, what in told.items())


def _words(name: str, rule: Environment, spot: Spot) -> Iterator[Remark]:
    """``one-of`` with a word that another one is already, or that is never compared."""
    at = spot.of("one-of")
    for number, word in enumerate(rule.one_of):
        if word == "":
            yield at.warning('an empty variable counts as not set, so "" is never compared; delete it')
        elif any(truth.same(name, word, earlier) for earlier in rule.one_of[:number]) and not _never_off(name, word):
            shown = repr(word) if unread_variable(name, word) is None else "a word"
            yield at.warning(f"{shown} is there already, as the client reads it; delete one")
    if rule.value == "":
        yield spot.note('"" asks that it is unset; `absent: true` says so')
    if rule.required and (rule.value is not None or rule.absent):
        yield spot.of("required").note("is for `one-of` and `integer`, and changes nothing here; delete it")


def _number(name: str, rule: Environment, spot: Spot) -> Iterator[Remark]:
    if rule.integer is not None:
        low, high = _span(rule.integer.text)
        if low > high:
            yield spot.of("integer").error(f"no whole number is {rule.integer.text}; correct its bounds")
        elif name == truth.CONCURRENCY and low < 1:
            yield spot.of("integer").warning('admits numbers below 1, with which clients before 2.1.112 run no tool; write ">=1, …"')
    for key, word in [("value", rule.value or ""), *(("one-of", word) for word in rule.one_of)]:
        if name not in truth.NUMBERS or not word:
            continue
        number = truth.integer(word)
        if number is None:
            yield spot.of(key).warning(f"{word!r} is no whole number in plain digits, and clients before 2.1.211 may read a part of it; write plain digits")
        elif name == truth.CONCURRENCY and number < 1:
            yield spot.of(key).error(f"{word} is no number of tools, and below 0 clients before 2.1.112 run none; write a number from 1")


def _span(text: str) -> tuple[int, int]:
    """The lowest and the highest whole number that meets the comparisons; lowest above highest where none does."""
    low, high, holes = -(10**9), 10**9, set[int]()
    for part in text.split(","):
        found = re.fullmatch(COMPARISON, part)
        name, bound = (found[1], int(found[2])) if found else ("", 0)
        low = max(low, bound + (name == ">")) if name in (">=", ">") else low
        high = min(high, bound - (name == "<")) if name in ("<=", "<") else high
        holes |= {bound} if name == "!=" else set()
    while low in holes:
        low += 1
    while high in holes:
        high -= 1
    return low, high


def _switch(name: str, rule: Environment, spot: Spot) -> Iterator[Remark]:
    """Texts that a switch reads as another state than the one meant."""
    for key, word in [("value", rule.value or ""), *(("one-of", word) for word in rule.one_of)]:
        at = spot.of(key)
        if _never_off(name, word):
            yield at.warning(f"any text switches {name} on, {word!r} too; for off say `absent: true`")
        elif word and truth.is_switch(name) and not truth.is_switch_word(word):
            yield at.warning(f'the client reads {word!r} as off; write "1" for on, "0" for off')
        elif name == "CLAUDE_CODE_FORCE_MID_CONVERSATION_SYSTEM" and word.strip().lower() in truth.FALSE:
            yield at.warning(f"{word!r} does not switch the role off; it can only be forced on")


def _never_off(name: str, word: str) -> bool:
    """Whether ``word`` says off to a switch that any text switches on."""
    return name in truth.ANY_TEXT and word.strip().lower() in truth.FALSE


def _locked(name: str, rule: Environment, spot: Spot) -> Iterator[Remark]:
    if rule.locked and name in _LAUNCH_ONLY:
        yield spot.of("locked").error("is read where the client is started and not from settings, so managed settings cannot say it; leave `locked` out")


def _deaf(part: Part, name: str, rule: Environment, spot: Spot) -> Iterator[Remark]:
    """Clients that the policy admits and that the variable, which it requires, does nothing to."""
    wanted = rule.value or ("x" if rule.required else "")
    if not wanted or wanted.strip().lower() in truth.FALSE or name not in {deaf.name for deaf in DEAF}:
        return
    let = _reached(part, rule)
    held = _is_narrowed(part, let)
    worst = [(deaf, found) for deaf in DEAF if deaf.name == name and (found := within(let, deaf.since, deaf.until))]
    for deaf, found in worst if held else worst[:1]:
        if deaf.severity == "warning" or not any(other.severity == "warning" for other, _ in worst):
            told = f"the policy admits {several(found)}, which {deaf.what}; narrow cli.versions, or the rule by `when: {{cli: …}}`"
            yield part.blame(Remark(deaf.severity if held else "note", ".".join(spot.path), told, spot.place), _VERSIONS)


def _reached(part: Part, rule: Environment) -> tuple[str, ...]:
    """The published versions that the policy lets run and the rule speaks of, as far as its condition tells."""
    let = clients(part.ruled, part.when, rule.when)
    upstream = rule.when.upstream or part.when.upstream
    behind = upstream or (part.ruled.other_gateways == "deny" and "gateway" in rule.when.provider and len(rule.when.provider) == 1)
    ranges = [gateway.clients for gateway in part.ruled.gateways if not upstream or gateway.upstream in upstream]
    if not behind or not ranges or None in ranges:
        return let
    return tuple(version for version in let if any(served is not None and served.admits(version) for served in ranges))


def _is_narrowed(part: Part, let: tuple[str, ...]) -> bool:
    """Whether somebody chose the versions; of a policy that leaves them open old ones say little."""
    return part.ruled.cli.versions is not None or len(let) < len(clients(part.ruled))


def _oauth(part: Part, name: str, rule: Environment, spot: Spot) -> Iterator[Remark]:
    if name != FLAG or not truth.is_on(name, rule.value) or (rule.when.provider and "anthropic" not in rule.when.provider):
        return
    let = _reached(part, rule)
    found = within(let, "2.1.81", "2.1.123")
    behind = part.when.provider or part.when.upstream or rule.when.upstream or rule.when.gateway
    if found and not behind and _is_narrowed(part, let):
        told = f"the policy admits {several(found)}, where this and an OAuth login end in a loop of 401s; 2.1.123 is the first without"
        yield part.blame(spot.note(told), _VERSIONS)


def _betas(part: Part, name: str, rule: Environment, spot: Spot) -> Iterator[Remark]:
    flag = part.ruled.env.get(FLAG)
    if name == "ANTHROPIC_BETAS" and (rule.value or rule.required) and flag is not None and truth.is_on(FLAG, flag.value):
        yield spot.warning(f"is sent although {FLAG} is on, which env requires too; delete one of the two")
