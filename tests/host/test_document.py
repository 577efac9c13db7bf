"""Facts travel as JSON, and what comes back is checked."""

from __future__ import annotations

import json
from typing import Any, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cc_fleet.host import document
from cc_fleet.host.document import FactsError
from cc_fleet.model import (
    GROUPS,
    Coverage,
    Credential,
    Declared,
    Gap,
    Gateway,
    Ignore,
    Image,
    Install,
    Job,
    Layer,
    Place,
    Rejected,
    Setting,
    Target,
    Update,
    Variable,
)

PLACE = Place("/a", 1, 2, "text")
TARGET = Target(
    "machine", "ada", "linux", "2026-11-23T00:00:00Z", "cc-fleet 0.1.0", Coverage(True, ("ada",), ("/home/ada",), 7, ("PATH: /bin",)), "4f2a", ("canary",),
    installs=(
        Install("cli", "2.1.330", "npm", PLACE, ("ada",), "ada", False, "is a stub", True, "x in vscode", "linux-x64", "00"),
        Install("cli", "2.1.330", "npm", Place("/b")),
        Install("cli", "2.1.330", "npm", Place("/b"), ()),
    ),
    settings=(Setting(("env", "X"), {"a": [1, None, True, 0.5, "x"]}, "user", PLACE, "ada", "/shop"), Setting(("model",), "opus", "managed", PLACE)),
    variables=(Variable("X", None, "profile", PLACE, "ada"), Variable("X", "", "process", PLACE)),
    gateways=(Gateway("https://h", None, None, PLACE), Gateway("https://h", "litellm", "1.91", PLACE)),
    credentials=(Credential("oauth", PLACE, "owner", "ada"), Credential("oauth", PLACE._replace(layer=2), "everyone", None, 3)),
    rejected=(Rejected("is not JSON", PLACE, "user", "ada", "size"),),
    updates=(Update("2.1.300", "2.1.330", "success", "2026-11-22T10:00:00Z", PLACE, "ada"), Update(None, None, "unknown", None, PLACE)),
    gaps=(Gap("is a folder", PLACE),),
    declared=(Declared("cli", "^2.1.0", "npm", PLACE, "2.1.330", PLACE, None, PLACE, "Dockerfile", PLACE, "npm"), Declared("cli", None, "native", PLACE, unresolved="$V")),
    jobs=(Job("Dockerfile", "image", PLACE),),
    ignores=(Ignore(("cli-version",), "so", "2026-12-31", PLACE, 2, 3), Ignore((), "", None, PLACE, 2, 2)),
    images=(Image("sha256:0", "linux/amd64", "node", ("org.opencontainers.image.version=1",), PLACE),),
    layers=(Layer(1, "sha256:1", "RUN true", "2026-11-22T10:00:00Z", PLACE), Layer(2, "sha256:2", None, None, PLACE)),
)  # fmt: skip


def dumped() -> Any:
    return json.loads(json.dumps(document.dump(TARGET)))


def test_what_is_dumped_loads_as_the_same() -> None:
    assert document.load(dumped()) == TARGET


def test_every_kind_of_fact_has_its_group() -> None:
    assert all(getattr(TARGET, group) for group in GROUPS), "the target above shows each kind"
    assert set(GROUPS) <= set(dumped())


def test_the_document_is_grouped_as_designed() -> None:
    made = dumped()
    assert made["schema"] == "cc-fleet/facts/1"
    assert made["target"] == {"kind": "machine", "name": "ada", "machine_id": "4f2a", "os": "linux", "groups": ["canary"]}
    assert made["variables"][0] == {
        "name": "X", "value": None, "origin": "profile", "user": "ada", "place": {"file": "/a", "line": 1, "column": 2, "text": "text"},
        "project": None, "editor": None,
    }  # fmt: skip


def test_a_target_of_nothing_but_itself_loads() -> None:
    made = {
        "schema": "cc-fleet/facts/1", "target": {"kind": "image", "name": "x", "os": "linux"}, "collected_at": "t", "collector": "c",
        "coverage": {"privileged": False, "users": [], "homes": [], "files": 0},
    }  # fmt: skip
    assert document.load(made) == Target("image", "x", "linux", "t", "c", Coverage(False, (), (), 0))


def test_unknown_keys_are_passed_over() -> None:
    made = dumped()
    for holder in (made, made["target"], made["coverage"], made["installs"][0], made["installs"][0]["place"]):
        holder["of-a-later-version"] = {"a": [1]}
    assert document.load(made) == TARGET


def paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every field of the document that has a type: all but the inside of a setting's value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [at] if at else []
    for key, child in inner:
        if at[:1] != ("settings",) or key != "value":
            found += paths(child, (*at, key))
    return found


def put(made: Any, path: tuple[Any, ...], value: Any) -> None:
    for key in path[:-1]:
        made = made[key]
    made[path[-1]] = value


def loads(made: Any) -> tuple[Target | None, str]:
    """The target, or what keeps it from being one."""
    try:
        return document.load(made), ""
    except FactsError as err:
        return None, str(err)


WRONG: list[Any] = [[[]], 1.5, -1, {"a": {"b": 1}}, True, "x", None, 2**60, [1], [None]]


@pytest.mark.parametrize("path", paths(dumped()), ids=lambda path: ".".join(map(str, path)))
def test_a_wrong_type_is_told_by_where_it_stands(path: tuple[Any, ...]) -> None:
    refused = 0
    for wrong in WRONG:
        made = dumped()
        put(made, path, wrong)
        loaded, said = loads(made)
        if loaded is None:
            refused += 1
            assert "\n" not in said
            assert any(key in said for key in path if isinstance(key, str)), said
        else:
            assert document.load(json.loads(json.dumps(document.dump(loaded)))) == loaded
    assert refused >= 5


REQUIRED = [
    ("target",), ("target", "name"), ("target", "os"), ("target", "kind"), ("collected_at",), ("collector",), ("coverage",), ("coverage", "files"),
    ("coverage", "privileged"), ("installs", 0, "version"), ("installs", 0, "place"), ("installs", 0, "place", "file"), ("settings", 0, "key"), ("gaps", 0, "reason"),
]  # fmt: skip


@pytest.mark.parametrize("path", REQUIRED, ids=lambda path: ".".join(map(str, path)))
def test_what_is_missing_is_told(path: tuple[Any, ...]) -> None:
    made = holder = dumped()
    for key in path[:-1]:
        holder = holder[key]
    del holder[path[-1]]
    with pytest.raises(FactsError, match=str(path[-1])):
        document.load(made)


@pytest.mark.parametrize(
    "schema, said",
    [
        ("cc-fleet/facts/2", "schema: cc-fleet/facts/2 is newer than cc-fleet/facts/1, the newest that this cc-fleet reads"),
        ("cc-fleet/facts/999999", "schema: cc-fleet/facts/999999 is newer than cc-fleet/facts/1, the newest that this cc-fleet reads"),
        ("cc-fleet/facts/0", "schema: not a version of facts"),
        ("cc-fleet/facts/", "schema: not a version of facts"),
        ("cc-fleet/facts/x", "schema: not a version of facts"),
        ("cc-fleet/facts/²", "schema: not a version of facts"),
        ("cc-fleet/facts/-1", "schema: not a version of facts"),
        ("cc-fleet/facts/" + "9" * 5000, "schema: not a version of facts"),
        ("cc-fleet/report/1", "not facts of cc-fleet: no schema cc-fleet/facts/1"),
        (None, "not facts of cc-fleet: no schema cc-fleet/facts/1"),
        (1, "not facts of cc-fleet: no schema cc-fleet/facts/1"),
        ([], "not facts of cc-fleet: no schema cc-fleet/facts/1"),
    ],
    ids=range(12),
)
def test_another_schema_is_refused_by_name(schema: object, said: str) -> None:
    with pytest.raises(FactsError) as err:
        document.load({**dumped(), "schema": schema})
    assert str(err.value) == said


@pytest.mark.parametrize("made", [None, 1, "x", [], [{}], {}, True, 1.5])
def test_what_is_no_object_is_refused(made: object) -> None:
    with pytest.raises(FactsError):
        document.load(made)


@pytest.mark.parametrize("group", ["target", "coverage", *GROUPS])
@pytest.mark.parametrize("wrong", [None, 1, "x", True, [[]], [None], [1]])
def test_a_group_of_the_wrong_kind_is_refused(group: str, wrong: object) -> None:
    with pytest.raises(FactsError, match=group):
        document.load({**dumped(), group: wrong})


def _deep(depth: int) -> Any:
    made: Any = 1
    for _ in range(depth):
        made = [made]
    return made


@pytest.mark.parametrize("change", [lambda made: made["installs"].append(_deep(100_000)), lambda made: put(made, ("gaps", 0, "place"), _deep(100_000)), lambda made: put(made, ("coverage", "files"), 10**400)])
def test_hostile_facts_are_refused(change: Callable[[Any], None]) -> None:
    made = dumped()
    change(made)
    with pytest.raises(FactsError):
        document.load(made)


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan")])
def test_what_is_dumped_is_json_for_everybody(number: float) -> None:
    """A settings file may say 1e999; ``Infinity`` in the facts would keep a strict reader from all of them."""
    target = TARGET._replace(settings=(Setting(("cleanupPeriodDays",), number, "user", PLACE),))
    json.dumps(document.dump(target), allow_nan=False)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_change_loads_or_is_refused(data: st.DataObject) -> None:
    made = dumped()
    for _ in range(data.draw(st.integers(1, 3))):
        found = paths(made)
        path = data.draw(st.sampled_from(found))
        put(made, path, data.draw(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=3), lambda inner: st.lists(inner, max_size=2), max_leaves=3)))
    loaded, said = loads(made)
    assert loaded or said
