"""Files that are ours alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cc_fleet.host.change import Failed, Refused
from cc_fleet.host.changes import own_file
from cc_fleet.model import REDACTED
from tests.host.changes.ground import HOME, System, plan, rollback, run

FILE = "/etc/claude-code/managed-settings.d/50-cc-fleet.json"
CONTENT = '{\n  "env": {\n    "DISABLE_AUTOUPDATER": "1"\n  }\n}\n'


@pytest.fixture
def system(tmp_path: Path) -> System:
    return System(tmp_path, FILE)


def test_it_is_written_whole(system: System) -> None:
    seen = system.preview("own-file", content=CONTENT)
    assert seen.expects == {FILE: "absent"}
    assert seen.shows == ("+ {", '+   "env": {', '+     "DISABLE_AUTOUPDATER": "1"', "+   }", "+ }")
    system.apply("own-file", content=CONTENT, mode=0o640)
    assert system.held() == CONTENT.encode()
    assert system.path.stat().st_mode & 0o777 == 0o640


def test_only_what_changes_is_shown(system: System) -> None:
    system.put(CONTENT.replace('"1"', '"0"'))
    assert system.preview("own-file", content=CONTENT).shows == ('-     "DISABLE_AUTOUPDATER": "0"', '+     "DISABLE_AUTOUPDATER": "1"')
    system.apply("own-file", content=CONTENT)
    assert system.held() == CONTENT.encode()


def test_it_is_taken_away(system: System) -> None:
    system.put(CONTENT)
    seen = system.preview("own-file", content=None)
    assert seen.produces == {FILE: "absent"}
    assert seen.shows[0] == "- {"
    system.apply("own-file", content=None)
    assert system.held() is None


def test_what_is_not_there_need_not_go(system: System) -> None:
    system.apply("own-file", content=None)
    assert system.log.entries == []


@pytest.mark.parametrize(
    "old",
    [
        '{"env": {"ANTHROPIC_API_KEY": "hunter2"}}', '{\n  "env": {\n    "MINE": "hunter2",\n    "ANTHROPIC_AUTH_TOKEN": "hunter2"\n  }\n}', "// hunter2\n", "# hunter2", "hunter2",
        "export MINE=hunter2", "MINE=hunter2", "set -gx MINE hunter2", "set -gx MINE 'hunter2'", "export ANTHROPIC_BASE_URL='https://a:hunter2@x.example'", '  "hunter2"', "\x00hunter2",
    ],
)  # fmt: skip
def test_what_somebody_put_into_it_is_not_shown(system: System, old: str) -> None:
    system.put(old)
    said = "\n".join(system.preview("own-file", content=CONTENT).shows)
    assert "- " in said
    assert "hunter2" not in said
    assert "hunter2" not in "\n".join(system.preview("own-file", content=None).shows)


def test_a_secret_that_the_policy_names_is_not_shown_either(system: System) -> None:
    said = system.preview("own-file", content='{\n"env": {\n"ANTHROPIC_API_KEY": "sk-ant-1",\n"X": "sk-ant-2"\n}\n}\n').shows
    assert said[2:4] == (f'+ "ANTHROPIC_API_KEY": "{REDACTED}",', f'+ "X": "{REDACTED}"')


def test_many_lines_are_counted(system: System) -> None:
    said = system.preview("own-file", content="[\n" + "1,\n" * 3 + "\n".join(f"{n}," for n in range(500)) + "\n0]\n").shows
    assert len(said) == 61
    assert "more lines" in said[-1]


@pytest.mark.parametrize("content", ["{", "{} // c", '{"a": 1,}', "x"])
def test_a_json_file_that_is_none_is_refused(system: System, content: str) -> None:
    with pytest.raises(Refused, match=rf"^{FILE}:1: what the plan would write is no JSON: "):
        system.preview("own-file", content=content)


@pytest.mark.parametrize("args", [{"content": 5}, {"content": "{}", "mode": 0o777}, {"file": 1, "content": "{}"}, {"content": '{"a": "\ud800"}'}, {"file": "/etc/x.conf", "content": "\0"}])
def test_a_plan_that_was_tampered_with_is_refused(system: System, args: dict[str, Any]) -> None:
    with pytest.raises(Refused, match=r"^(the plan's|what the plan) [^\n]+$"):
        own_file.preview(system.site(), {"file": FILE, **args})
    with pytest.raises(Refused, match=r"^(the plan's|what the plan) [^\n]+$"):
        own_file.apply(system.site(), {"file": FILE, **args})
    assert system.held() is None


def test_what_is_overwritten_at_once_is_failed(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    site = system.site()
    monkeypatch.setattr(site, "write", lambda *_: system.put("{}"))
    with pytest.raises(Failed, match=f"^{FILE}: "):
        own_file.apply(site, {"file": FILE, "content": CONTENT})


def test_a_run_and_its_rollback(tmp_path: Path) -> None:
    file = f"{HOME}/.config/environment.d/50-cc-fleet.conf"
    system = System(tmp_path, file)
    system.put("DISABLE_AUTOUPDATER=0\n")
    before = system.tree()[str(system.path)]
    _, outcomes = run(tmp_path, plan(("own-file", {"file": file, "content": "DISABLE_AUTOUPDATER=1\n"}), ("own-file", {"file": file, "content": None})))
    assert [one.state for one in outcomes] == ["done", "done"]
    assert system.held() is None
    rollback(tmp_path)
    assert system.tree()[str(system.path)] == before
