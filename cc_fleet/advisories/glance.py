"""What rules an advisory out before it is read: versions that are not there, and names that nobody sets.

An audit of a machine in order reads no advisory at all, and of a hundred thousand machines
each is asked only for the few that could concern it.
"""

# Annotations are not postponed here: as texts each would be compiled at start.
import re
from collections.abc import Iterable, Iterator, Sequence

from cc_fleet.advisories.conditions import Condition, Rule
from cc_fleet.model import Target
from cc_fleet.records import NamedTuple
from cc_fleet.versions import Range, key

_NO_END = 10**9


class Glance(NamedTuple):
    """What can be seen of an advisory before anything is asked of a view.

    ``bounds``: versions from and to before which it may hold, None for all.  ``needs``: of each
    of these lists something must be among a target's ``marks``.
    """

    bounds: Sequence[Sequence[Sequence[int]]] | None
    needs: Sequence[Sequence[str]]

    @classmethod
    def of(cls, versions: Range | None, when: Condition) -> "Glance":
        bounds = None if versions is None else tuple(_bounds((c.operator, c.version) for c in parts) for parts in versions.alternatives)
        return cls(bounds, tuple(_needs(when)))

    def may_hold(self, versions: Iterable[str]) -> bool:
        """Whether one of ``versions`` lies within the bounds."""
        if self.bounds is None:
            return True
        numbers = [read[:3] for version in versions if (read := key(version)) is not None]
        return any(tuple(low) <= number < tuple(high) for low, high in self.bounds for number in numbers)


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
        for target in seen:
            versions |= _asked(target) if target.declared else frozenset()
        return cls(versions, frozenset((*_told(rules), *(mark for target in seen for mark in _marks(target)))))

    def meets(self, needs: Iterable[Iterable[str]]) -> bool:
        return all(not self.marks.isdisjoint(any_of) for any_of in needs)


def _asked(target: Target) -> frozenset[str]:
    """The versions that a repository asks for."""
    from cc_fleet.client import declared

    return frozenset(version for asked in target.declared if (version := declared.version(asked)) is not None)


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
        if words and not any("*" in word for word in words):
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
    yield from (f"method:{asked.installer}" for asked in target.declared)
    yield from (f"kind:{(gateway.kind or '').lower()}" for gateway in target.gateways)
