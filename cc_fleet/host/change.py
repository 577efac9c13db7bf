"""What is to be done on one machine, as values: changes, the plan that holds them, what came of each.

A plan is made where the policy is and carried to the machine, so it has a JSON form,
``cc-fleet/plan/1``: the same facts and policy give the same bytes (no time, no random name).
What it expects of every file and version stands in it, and on a machine that has moved on it is refused.
"""

# Annotations are not postponed here: as texts each would be compiled at start.
import json
from typing import Any, Mapping, Optional

from ..model import JSON
from ..records import NamedTuple

SCHEMA = "cc-fleet/plan/1"
# When a change's turn comes (DESIGN 7): settings and updater off, installs, leftovers and shadows, what the user's shell runs, the gate.
SETTINGS, INSTALL, LEFTOVERS, VERIFY, GATE = range(5)


class Refused(Exception):
    """A change cannot or must not be made, and nothing was done; the message is the reason and what to do."""


class Failed(Exception):
    """A change was begun and its own check failed: whoever runs it undoes it by the journal."""


class PlanError(Exception):
    """What was given is no plan, or none for here; one line."""


class Change(NamedTuple):
    """One thing to do.

    ``kind`` is a module of ``changes``, ``args`` its own; ``user`` is with whose rights it is done, None the system's. ``expects`` and
    ``produces`` are the state of each path before and after (``absent``, ``sha256:…``, ``version 2.1.330 …``); ``shows`` the lines of a
    diff for people, redacted; ``findings`` the checks that asked for it.
    """

    kind: str
    what: str
    user: Optional[str]
    args: Mapping[str, JSON]
    phase: int = SETTINGS
    expects: Mapping[str, str] = {}
    produces: Mapping[str, str] = {}
    shows: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()


class Byhand(NamedTuple):
    """What a plan leaves alone: what it is, where, who can do it (you, admin, MDM), and how."""

    what: str
    where: str
    who: str
    how: str


class Owned(NamedTuple):
    """What an earlier run wrote into a file that is not ours alone, as its journal has it.

    ``key`` is the path of a setting (``("env", "NAME")``); of a shell block ``("shell-block",)`` with its lines as ``value``; of an
    extension that was pinned ``(ID, "pinned")`` in its editor's ``extensions.json``.
    """

    file: str
    key: tuple[str, ...]
    value: JSON
    user: Optional[str]


class Plan(NamedTuple):
    """The changes for one target in the order in which they are made, and what is left.

    ``policy`` is its name, ``policy_sha256`` its digest. ``machine_id`` and ``name`` tell whose plan it is; ``root`` is True for a system
    that lies below a folder. ``sealed``: the machine itself filled in what it expects.
    """

    version: str
    policy: str
    policy_sha256: str
    name: str
    machine_id: Optional[str]
    os: str
    root: bool
    sealed: bool
    changes: tuple[Change, ...]
    left: tuple[Byhand, ...] = ()


class Preview(NamedTuple):
    """What a change would do now; where both states are equal there is nothing to do."""

    expects: Mapping[str, str]
    produces: Mapping[str, str]
    shows: tuple[str, ...] = ()


class Outcome(NamedTuple):
    """What came of a change: done, same (nothing to do), refused, failed, undone, kept (failed, and what was before is denied), skipped, postponed."""

    number: int
    what: str
    state: str
    reason: str = ""


COMPLETE = frozenset(("done", "same"))


def dump(plan: Plan) -> dict[str, JSON]:
    """The plan as JSON."""
    return {
        "schema": SCHEMA, "version": plan.version, "policy": {"name": plan.policy, "sha256": plan.policy_sha256},
        "target": {"name": plan.name, "machine_id": plan.machine_id, "os": plan.os, "root": plan.root}, "sealed": plan.sealed,
        "changes": [{field: list(value) if isinstance(value, tuple) else value for field, value in zip(Change._fields, one)} for one in plan.changes],  # noqa: B905  # Python 3.9
        "left": [dict(zip(Byhand._fields, one)) for one in plan.left],  # noqa: B905
    }  # fmt: skip


def written(plan: Plan) -> str:
    """The plan as the text of its file."""
    return json.dumps(dump(plan), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def load(document: JSON) -> Plan:
    """The plan that JSON holds.  It travelled, so nothing in it is trusted before it was looked at: PlanError says what is odd."""
    held = _of(document, dict, "the plan")
    if held.get("schema") != SCHEMA:
        raise PlanError(f"is no plan ({SCHEMA})")
    policy, target = _of(held.get("policy"), dict, "policy"), _of(held.get("target"), dict, "target")
    changes = tuple(_change(one, f"changes[{number}]") for number, one in enumerate(_of(held.get("changes"), list, "changes")))
    left = tuple(Byhand(*(_text(_of(one, dict, "left").get(field), f"left.{field}") for field in Byhand._fields)) for one in _of(held.get("left"), list, "left"))
    machine = target.get("machine_id")
    return Plan(
        _text(held.get("version"), "version"), _text(policy.get("name"), "policy.name"), _text(policy.get("sha256"), "policy.sha256"),
        _text(target.get("name"), "target.name"), None if machine is None else _text(machine, "target.machine_id"), _text(target.get("os"), "target.os"),
        _of(target.get("root"), bool, "target.root"), _of(held.get("sealed"), bool, "sealed"), changes, left,
    )  # fmt: skip


def _change(document: JSON, where: str) -> Change:
    held = _of(document, dict, where)
    user, phase = held.get("user"), held.get("phase")
    if not isinstance(phase, int) or isinstance(phase, bool) or not SETTINGS <= phase <= GATE:
        raise PlanError(f"{where}.phase is no phase")
    return Change(
        _text(held.get("kind"), f"{where}.kind"), _text(held.get("what"), f"{where}.what"), None if user is None else _text(user, f"{where}.user"),
        _of(held.get("args"), dict, f"{where}.args"), phase, _states(held.get("expects"), f"{where}.expects"), _states(held.get("produces"), f"{where}.produces"),
        tuple(_text(one, f"{where}.shows") for one in _of(held.get("shows"), list, f"{where}.shows")),
        tuple(_text(one, f"{where}.findings") for one in _of(held.get("findings"), list, f"{where}.findings")),
    )  # fmt: skip


def _states(document: JSON, where: str) -> dict[str, str]:
    return {path: _text(state, where) for path, state in _of(document, dict, where).items()}


def _text(value: JSON, where: str) -> str:
    return str(_of(value, str, where))


def _of(value: JSON, kind: type, where: str) -> Any:
    if not isinstance(value, kind) or (isinstance(value, str) and "\0" in value):
        raise PlanError(f"{where} is not {_CALLED[kind]}")
    return value


_CALLED = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}
