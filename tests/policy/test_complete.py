"""The example of docs/policy.md is a policy, and has every key of the language."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from cc_fleet.cli import main
from cc_fleet.decode import Node, pairs, read_yaml, shape
from cc_fleet.policy import Policy
from cc_fleet.policy.lint import lint
from cc_fleet.policy.load import load
from cc_fleet.policy.schema import fields, records, schema
from cc_fleet.policy.when import overlaid
from tests.generate import PROJECT, policy_page
from tests.policy.test_overlays import bare
from tests.policy.test_schema import loaded

FOLDER = Path(__file__).parent / "complete"
TEXT = (FOLDER / "policy.yaml").read_text(encoding="utf-8")


def used(into: Any, node: Node) -> Iterator[tuple[str, str]]:
    """The keys that stand in the example, with their records."""
    kind, inner = shape(into)
    if kind == "record" and node.kind == "map":
        names = fields(inner)
        for key, value in pairs(node):
            yield inner.__name__, key
            yield from used(inner.__annotations__[names[key]], value)
    elif kind == "record" and hasattr(inner, "short"):
        yield inner.__name__, inner.short()
    elif kind == "mapping":
        for _, value in pairs(node):
            yield from used(inner, value)
    elif kind == "list":
        for item in node.value:
            yield from used(inner, item)


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """The example where root may read it, who owns a checkout or not."""
    for file in FOLDER.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path / "policy.yaml"


def test_it_is_read_and_lints_clean(example: Path) -> None:
    found = load([str(example)])
    assert found.groups["laptop-7"] == ("developers", "canary")
    assert [remark.message for remark in lint(found) if remark.severity == "error"] == []
    assert jsonschema.Draft202012Validator(schema()).is_valid(loaded(TEXT))


@pytest.mark.parametrize("record", records(), ids=lambda record: record.__name__)
def test_every_key_stands_in_it(record: Any) -> None:
    seen = {key for name, key in used(Policy, read_yaml(TEXT, "p")) if name == record.__name__}
    wanted = set(fields(record)) - ({"allowed"} if record.__name__ == "AutoUpdate" else set())
    assert wanted - seen == set()


def test_the_page_is_what_the_code_gives() -> None:
    assert (PROJECT / "docs" / "policy.md").read_text(encoding="utf-8") == policy_page(), "run `nox -s generate`"


def test_the_page_has_the_example_and_every_key() -> None:
    page = policy_page()
    assert TEXT in page
    assert page.count("\n| `") == sum(len(fields(record)) for record in records())
    assert "](#a-variable)" in page


def test_what_show_prints_is_the_same_policy(example: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Overlays with the keys that they were given, defaults too: ``gate: "off"`` of an overlay is no default."""
    assert main(["policy", "show", str(example)]) == 0
    again = example.with_name("again.yaml")
    again.write_text(capsys.readouterr().out, encoding="utf-8")
    mine, theirs = load([str(example)]).policy, load([str(again)]).policy
    assert overlaid(theirs, ("images",)).cli.gate == "off"
    for names in ((), ("images",), ("canary", "images")):
        assert bare(overlaid(theirs, names)) == bare(overlaid(mine, names))
