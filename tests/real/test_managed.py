"""The real client and cc-fleet agree on managed settings: which source wins, and whom the client's own gate stops.

What is expected is what ``cc_fleet.client`` says of the same files. Only ``--settings``, which
no file tells of, is ranked here: managed settings beat it, and it beats every other.
"""

from __future__ import annotations

import itertools
import json
import os
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from cc_fleet.client import Effective, View
from tests.real import sandbox
from tests.real.predictions import FLAG, REMOVED, view
from tests.real.sandbox import Layout

pytestmark = pytest.mark.real
VERSIONS = ("2.1.112", "2.1.330")
BETAS = "ANTHROPIC_BETAS"
MARK = "marker-2099-01-01"
ARGUMENTS = ("--settings FILE", "--settings JSON")
SOURCES = ("project", "local", *ARGUMENTS, "managed", "drop-in")
# Within the first pair there is no order to tell, and the second has nothing managed.
CONFLICTS = [pair for pair in itertools.combinations(SOURCES, 2) if pair not in (ARGUMENTS, ("project", "local"))]
VALUES = {
    "first": {"model": "model-first", "env": {BETAS: "first-2099-01-01", FLAG: "1"}},
    "second": {"model": "model-second", "env": {BETAS: "second-2099-01-01", FLAG: "0"}},
}


@pytest.fixture(autouse=True)
def _real() -> None:
    if (reason := sandbox.missing()) != "":
        assert not os.environ.get("CC_FLEET_REQUIRE_REAL"), reason
        pytest.skip(reason)


def layout(texts: dict[str, str]) -> Layout:
    """The files that hold each source's text; nothing of what an argument gives, which cc-fleet cannot know."""
    return Layout(
        project=texts.get("project"), local=texts.get("local"), managed=texts.get("managed"),
        drop_ins={"50-x.json": texts["drop-in"]} if "drop-in" in texts else {},
    )  # fmt: skip


def started(version: str, files: Layout, texts: dict[str, str]) -> sandbox.Observed:
    """A run under ``files`` and the arguments among ``texts``."""
    given = []
    if (text := texts.get("--settings FILE")) is not None:
        files = Layout(**{**vars(files), "files": {"given.json": text}})
        given += ["--settings", "/mnt/given.json"]
    if (text := texts.get("--settings JSON")) is not None:
        given += ["--settings", text]
    return sandbox.observe(sandbox.install(version), Layout(**{**vars(files), "arguments": tuple(given)}))


def predicted(version: str, files: Layout, root: Path, given: dict[str, Any] | None) -> tuple[str | None, str | None, bool]:
    """The model, the marker and whether the flag is on, with ``given`` by argument."""
    seen = view(files, version, root)

    def wins(found: Effective, name: str, value: Any) -> Any:
        return found.value if given is None or found.managed or name not in given else value

    variables = (given or {}).get("env", {})
    marker = wins(seen.env(BETAS), "env", variables.get(BETAS))
    on = wins(seen.env(FLAG), "env", variables.get(FLAG)) == "1"
    return wins(seen.setting("model"), "model", (given or {}).get("model")), marker, on


def observed(version: str, found: sandbox.Observed) -> tuple[str | None, str | None, bool]:
    markers = [beta for beta in found.betas if beta.endswith("-2099-01-01")]
    removed = not any(beta.startswith(REMOVED[version]) for beta in found.betas)
    return found.model if found.model.startswith("model-") else None, ",".join(markers) or None, removed


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("pair", CONFLICTS, ids=" and ".join)
@pytest.mark.parametrize("order", [("first", "second"), ("second", "first")], ids="-".join)
def test_one_source_wins(version: str, pair: tuple[str, str], order: tuple[str, str], tmp_path: Path) -> None:
    texts = {source: json.dumps(VALUES[value]) for source, value in zip(pair, order, strict=True)}
    files = layout(texts)
    given = next((json.loads(texts[source]) for source in ARGUMENTS if source in texts), None)
    assert observed(version, started(version, files, texts)) == predicted(version, files, tmp_path, given)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "texts",
    [
        {"managed": {"env": {BETAS: MARK}}, "drop-in": {"model": "model-x"}, "--settings JSON": {"env": {FLAG: "1"}}},
        {"managed": {"model": "model-x"}, "drop-in": {"env": {FLAG: "1"}}, "project": {"env": {BETAS: MARK}}},
        {"managed": {"model": "model-x"}, "drop-in": {"model": 5}, "local": {"env": {BETAS: MARK}}},
        {"managed": {"model": None}, "project": {"model": "model-x", "env": {BETAS: MARK, FLAG: "1"}}},
    ],
    ids=["three", "no argument", "a wrong type in the drop-in", "null in the file"],
)
def test_sources_unite(version: str, texts: dict[str, Any], tmp_path: Path) -> None:
    """What one source leaves unsaid, or says in a wrong type, the next may say."""
    written = {source: json.dumps(value) for source, value in texts.items()}
    files = layout(written)
    expected = predicted(version, files, tmp_path, None)
    if "--settings JSON" in texts:
        expected = (*expected[:2], True)  # its name is nowhere else
    assert observed(version, started(version, files, written)) == expected
    assert expected[:2] == ("model-x", MARK)


@pytest.mark.parametrize("version", VERSIONS)
def test_drop_ins_by_name(version: str, tmp_path: Path) -> None:
    """The last in the alphabet wins, and what is hidden or no .json is not read."""
    passed_by = (".90.json", "90.txt", "90.json~", "90.JSON", "90.jsonc", "90", ".json", "90.json.bak", "91/x.json")
    other = json.dumps({"model": "model-other", "env": {BETAS: "other-2099-01-01"}})
    files = Layout(drop_ins={**dict.fromkeys(passed_by, other), **{f"{n}.json": json.dumps(VALUES[v]) for n, v in (("9", "second"), ("10", "first"))}})
    found = observed(version, sandbox.observe(sandbox.install(version), files))
    assert found == predicted(version, files, tmp_path, None)
    assert found[0] == "model-second"


LOW, HIGH = "requiredMinimumVersion", "requiredMaximumVersion"
# What a bound may hold; @ is a version above the client's in the lower bound, below it in the upper one.
BOUNDS = (
    "@", "v@", "V@", " @ ", "\n@\u00a0\ufeff", "@-beta.1", "@+build.1", "@-01", "=@", ">=@", "<=@", "0@", "@.0", "9", "2.1", "", "\u0669.0.0",
    "9007199254740991.0.0", "9007199254740992.0.0", f"@+{'x' * 300}", None, 2.1, ["9.0.0"], {"a": "9.0.0"},
)  # fmt: skip

FEW = ("@", "v@", " @ ", "@-beta.1", "<=@", "2.1", None)


def gates(version: str) -> dict[str, Layout]:
    """What is asked of every version that knows the gate, by name."""
    last = int(version.rpartition(".")[2])
    above, below = f"2.1.{last + 1}", f"2.1.{last - 1}"
    bounds = {
        "at both": {LOW: version, HIGH: version}, "inside": {LOW: below, HIGH: above}, "upside down": {LOW: above, HIGH: below},
        "a build at the bound": {HIGH: f"{version}+b"}, "a pre-release of its own, below": {LOW: f"{version}-beta"},
        "a pre-release of its own, above": {HIGH: f"{version}-beta"}, "above one that is dropped": {LOW: "2.1", HIGH: below},
    }  # fmt: skip
    found = {name: Layout(managed=_gate(bound)) for name, bound in bounds.items()}
    for text in BOUNDS if version == "2.1.330" else FEW:
        for name, far in ((LOW, above), (HIGH, below)):
            if name == LOW or text in FEW:
                value = text.replace("@", far) if isinstance(text, str) else text
                found[f"{name} {json.dumps(text)[:20]}"] = Layout(managed=_gate({name: value}))
    for name, far in ((LOW, above), (HIGH, below)):
        texts = dict.fromkeys(("drop-in", "project", "local"), _gate({name: far}))
        found |= {f"{name} in {scope}": layout({scope: text}) for scope, text in texts.items()}
        found[f"{name} in user"] = Layout(user=_gate({name: far}))
    for upper in (below, "2.1", 9):
        found[f"a drop-in's {upper} beats the file's"] = layout({"managed": _gate({LOW: above}), "drop-in": _gate({LOW: upper})})
    found["a drop-in's beats the file's that is dropped"] = layout({"managed": _gate({LOW: "2.1"}), "drop-in": _gate({LOW: above})})
    return found


def _gate(bounds: Mapping[str, object]) -> str:
    return json.dumps({"env": {BETAS: MARK}, **bounds})


def stops(seen: View) -> str:
    """What cc-fleet expects: "minimum" or "maximum" refuses, else whether what else stands in the file is taken."""
    if (refused := seen.refusal()) is not None:
        return "minimum" if refused[0] == LOW else "maximum"
    return "taken" if seen.env(BETAS).value == MARK else "lost"


def stopped(version: str, files: Layout) -> str:
    """What the client does, in the same words."""
    found = sandbox.observe(sandbox.install(version), files)
    if found.requests:
        return "taken" if MARK in found.betas else "lost"
    return next((word for word in ("minimum", "maximum") if f"{word} version" in found.stderr and found.exit_code == 1), found.stderr)


@pytest.mark.parametrize("version", ["2.1.163", "2.1.330"])
def test_the_gate(version: str) -> None:
    """All of a version in one test, two clients at a time, since they are many and mostly wait."""
    cases, expected = gates(version), {}
    for name, files in cases.items():
        with tempfile.TemporaryDirectory() as root:
            expected[name] = stops(view(files, version, Path(root)))
    with ThreadPoolExecutor(2) as two:
        seen = dict(zip(cases, two.map(lambda files: stopped(version, files), cases.values()), strict=True))
    assert seen == expected
    assert {"minimum", "maximum", "taken"} <= set(seen.values())


@pytest.mark.parametrize("bounds", [{LOW: "2.1.400"}, {HIGH: "2.1.100"}, {LOW: 9}], ids=["above", "below", "no text"])
def test_an_older_client_knows_no_gate(bounds: dict[str, object], tmp_path: Path) -> None:
    files = Layout(managed=_gate(bounds))
    assert stopped("2.1.153", files) == stops(view(files, "2.1.153", tmp_path)) == "taken"
