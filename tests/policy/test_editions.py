"""Packaged policies have editions: who names one gets what it was, for good."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cc_fleet import data
from cc_fleet.cli import main
from cc_fleet.decode import Node, decode, pairs, read_yaml
from cc_fleet.host.digest import sha256
from cc_fleet.policy import Policy
from cc_fleet.policy.load import PolicyError, editions, folder, load, packaged

RELEASED = Path(__file__).with_name("editions.json")
FILES = sorted(Path(folder()).glob("*.yaml"))


def bare(node: Node) -> Any:
    """What a file says, without its comments and where it says it."""
    if node.kind == "map":
        return [[key.value, bare(value)] for key, value in node.value]
    return [bare(item) for item in node.value] if node.kind == "list" else [node.kind, node.value]


def digest(file: Path) -> str:
    return sha256(json.dumps(bare(read_yaml(file.read_text(encoding="utf-8"), file.name))).encode())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_an_edition_says_stays(file: Path) -> None:
    policy = decode(Policy, read_yaml(file.read_text(encoding="utf-8"), file.name))
    name, released = f"{policy.policy}@{policy.edition}", json.loads(RELEASED.read_text(encoding="utf-8"))
    if name not in released:
        pytest.fail(f'{file.name} is a new edition; tests/policy/editions.json wants the line  "{name}": "{digest(file)}"')
    kept = f"{file.stem.partition('@')[0]}@{policy.edition}"
    assert released[name] == digest(file), (
        f"{file.name} says other things under the same edition. Once {name} is released, give it a new edition and keep the old one "
        f'as policies/{kept}.yaml; before, its line in tests/policy/editions.json is "{name}": "{digest(file)}"'
    )


def test_no_edition_is_forgotten() -> None:
    """Who wrote ``extends: ["default@1"]`` must find it in every later cc-fleet."""
    released = json.loads(RELEASED.read_text(encoding="utf-8"))
    assert {f"{name}@{edition}" for name in packaged() for edition in editions(name)} == set(released)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_packaged_policy_extends_editions_only(file: Path) -> None:
    """Else a new edition of what it extends would change what this one says."""
    extended = [item.value for key, value in pairs(read_yaml(file.read_text(encoding="utf-8"), file.name)) if key == "extends" for item in value.value]
    assert [name for name in extended if "@" not in name] == []


def test_the_newest_is_taken_unless_one_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a default of two editions, of which the first is kept as ``default@1``."""
    known = dict(data.load("policies.json"))
    new = dict(known["default"], edition=10, sha256="new", root=_said(known["default"]["root"], "10"))
    known |= {"default@1": known["default"], "default": new}
    monkeypatch.setattr("cc_fleet.policy.load.load_data", {"policies.json": known}.__getitem__)
    assert "default@1" not in packaged()
    assert [*editions("default")] == ["1", "10"]
    mine = tmp_path / "mine.yaml"
    for name, edition, shown in (("default", 10, "default.yaml"), ("default@10", 10, "default.yaml"), ("default@1", 1, "default@1.yaml")):
        assert (load([name]).policy.edition, load([name]).files) == (edition, (shown,))
        mine.write_text(f'policy: mine\nextends: ["{name}"]\n', encoding="utf-8")
        assert load([str(mine)]).files == (shown, str(mine))
    assert load(["strict"]).files == ("default@1.yaml", "strict.yaml")
    with pytest.raises(PolicyError) as caught:
        load(["default@2"])
    assert str(caught.value) == "policy: this cc-fleet has no default@2, only default@1 or default@10; name one of these, or install a cc-fleet that has it"


def _said(root: Any, edition: str) -> Any:
    kind, line, column, value = root
    return [kind, line, column, [[key, [*inner[:3], edition] if key[3] == "edition" else inner] for key, inner in value]]


def test_the_same_edition_is_read_once(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text('policy: mine\nextends: [default, "default@1", strict]\n', encoding="utf-8")
    assert load([str(mine)]).files == ("default.yaml", "strict.yaml", str(mine))


def test_a_company_policy_has_its_own_edition_or_none(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("policy: mine\nextends: [default]\n", encoding="utf-8")
    assert load([str(mine)]).policy.edition is None


@pytest.mark.parametrize("edition", ["3", "", "one", "01", "@1"])
def test_an_edition_that_is_not_here(edition: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text(f'policy: mine\nextends: ["default@{edition}"]\n', encoding="utf-8")
    assert main(["audit", "--policy", str(mine)]) == 2
    what = f"this cc-fleet has no default@{edition}, only default@1; name that, or install a cc-fleet that has it"
    assert capsys.readouterr().err == f"cc-fleet: {mine}:2:11: extends: {what}\n"
    assert main(["audit", "--policy", f"default@{edition}"]) == 2
    assert capsys.readouterr().err == f"cc-fleet: policy: {what}\n"
