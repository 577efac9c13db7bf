"""Keys set and removed in settings of Claude Code and of editors."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from cc_fleet.host.change import Failed, Refused
from cc_fleet.host.changes import settings
from cc_fleet.model import REDACTED
from tests.host.changes.ground import FILE, HOME, System, plan, rollback, run

FLAG = "CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS"
SET: list[Any] = [[["env", FLAG], "1"]]
KINDS = ["settings", "editor-settings"]


@pytest.fixture
def system(tmp_path: Path) -> System:
    return System(tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_missing_is_made(system: System, kind: str) -> None:
    seen = system.preview(kind, set=SET)
    assert seen.expects == {FILE: "absent"}
    assert seen.shows == (f'+ "env"."{FLAG}": "1"',)
    system.apply(kind, set=SET, mode=0o600)
    assert system.held() == f'{{\n  "env": {{\n    "{FLAG}": "1"\n  }}\n}}\n'.encode()
    assert system.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_keeps_all_that_was_not_changed(system: System, kind: str) -> None:
    system.put(b'\xef\xbb\xbf{\r\n\t"env": {\r\n\t\t"A": "\xff",\r\n\t\t"' + FLAG.encode() + b'": "0"\r\n\t},\r\n\t"n": 1.10\r\n}')
    system.path.chmod(0o640)
    seen = system.preview(kind, set=[*SET, [["model"], "opus"]], remove=[["n"]])
    assert seen.shows == ('- "n": 1.1', f'- "env"."{FLAG}": "0"', f'+ "env"."{FLAG}": "1"', '+ "model": "opus"')
    system.apply(kind, set=[*SET, [["model"], "opus"]], remove=[["n"]])
    assert system.held() == b'\xef\xbb\xbf{\r\n\t"env": {\r\n\t\t"A": "\xff",\r\n\t\t"' + FLAG.encode() + b'": "1"\r\n\t},\r\n\t"model": "opus"\r\n}'
    assert system.path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_to_do_is_nothing_done(system: System, kind: str) -> None:
    text = f'{{"env": {{"{FLAG}":   "\\u0031"}}}}'
    system.put(text)
    seen = system.preview(kind, set=SET, remove=[["model"], ["env", "B"], ["x", "y"]])
    assert (seen.expects, seen.shows) == (seen.produces, ())
    settings.apply(system.site(), {"file": FILE, "set": SET})
    assert system.log.entries == []
    assert system.held() == text.encode()


def test_nothing_to_remove_makes_no_file(system: System) -> None:
    seen = system.preview("settings", remove=[["env", "A"]])
    assert seen.expects == seen.produces == {FILE: "absent"}
    system.apply("settings", remove=[["env", "A"]])
    assert system.held() is None


@pytest.mark.parametrize(
    "before, remove, after",
    [
        ('{"env": {"A": "1"}}', [["env", "A"]], "{}"),
        ('{"env": {"A": "1"}}\n', [["env", "A"]], "{}\n"),
        ('{"env": {"A": "1"}, "model": "x"}', [["env", "A"]], '{"model": "x"}'),
        ('{\n  "a": {\n    "b": {\n      "c": 1\n    }\n  },\n  "z": 0\n}\n', [["a", "b", "c"]], '{\n  "z": 0\n}\n'),
        ('{"a": {"b": {"c": 1}, "d": 2}}', [["a", "b", "c"]], '{"a": {"d": 2}}'),
        ('{"env": {"A": "1", "B": "2"}}', [["env", "A"], ["env", "B"]], "{}"),
        ('{"env": {}, "a": 1}', [["env", "A"]], '{"env": {}, "a": 1}'),
        ('{"env": {}}', [["env"]], "{}"),
        ('{"env": {"B": "2"}, "env": {"A": "1"}}', [["env", "A"]], '{"env": {"B": "2"}, "env": {}}'),
    ],
)
def test_an_object_that_is_left_empty_goes_and_the_file_stays(system: System, before: str, remove: list[list[str]], after: str) -> None:
    system.put(before)
    system.apply("settings", remove=remove)
    assert system.held() == after.encode()


def test_an_object_with_a_comment_in_it_is_not_empty(system: System) -> None:
    system.put('{"a": {// why\n  "b": 1\n}}')
    system.apply("editor-settings", remove=[["a", "b"]])
    assert system.held() == b'{"a": {// why\n}}'


def test_an_editors_comments_stay_and_dots_are_part_of_a_name(system: System) -> None:
    system.put('{\n    // mine\n    "extensions.autoUpdate": true, // why\n    "extensions": {"autoUpdate": 1},\n}\n')
    seen = system.preview("editor-settings", set=[[["extensions.autoUpdate"], False], [["extensions.allowed"], {"*": True, "anthropic.claude-code": ["2.1.17"]}]])
    assert seen.shows == (
        '- "extensions.autoUpdate": true', '+ "extensions.autoUpdate": false', '+ "extensions.allowed": {"*": true, "anthropic.claude-code": ["2.1.17"]}',
    )  # fmt: skip
    system.apply("editor-settings", set=[[["extensions.autoUpdate"], False]])
    assert system.held() == b'{\n    // mine\n    "extensions.autoUpdate": false, // why\n    "extensions": {"autoUpdate": 1},\n}\n'


def test_an_editors_file_is_never_repaired(system: System) -> None:
    system.put("{} // c")
    system.apply("editor-settings", set=[[["a"], 1]], repair=True)
    assert system.held() == b'{\n  "a": 1\n} // c'


INVALID = '{\n  // hunter2\n  "env": {"A": "1",}, /* sk-ant-secret */\n  "model": "opus",\n}\n'


def test_a_file_that_the_client_ignores_is_refused_with_its_line(system: System) -> None:
    system.put(INVALID)
    with pytest.raises(Refused, match=rf"^{FILE}:2: a comment, which strict JSON does not allow; the client ignores the whole file"):
        system.preview("settings", set=SET)
    with pytest.raises(Refused):
        settings.apply(system.site(), {"file": FILE, "set": SET})
    assert system.held() == INVALID.encode()


def test_or_repaired_where_that_is_asked_and_shown_without_its_text(system: System) -> None:
    system.put(INVALID)
    seen = system.preview("settings", set=SET, repair=True)
    assert seen.shows == (
        "- (line 2: a comment)", "- (line 3: a trailing comma)", "- (line 3: a comment)", "- (line 4: a trailing comma)", f'+ "env"."{FLAG}": "1"',
    )  # fmt: skip
    system.apply("settings", set=SET, repair=True)
    held = system.held() or b""
    assert json.loads(held) == {"env": {"A": "1", FLAG: "1"}, "model": "opus"}
    assert held == f'{{\n  "env": {{"A": "1", "{FLAG}": "1"}},\n  "model": "opus"\n}}\n'.encode()


def test_a_repair_alone_is_a_change(system: System) -> None:
    system.put("{} // c")
    system.apply("settings", repair=True)
    assert system.held() == b"{}"


def test_a_thousand_comments_are_counted(system: System) -> None:
    system.put("// c\n" * 1000 + "{}")
    seen = system.preview("settings", repair=True)
    assert len(seen.shows) == 21
    assert seen.shows[-1] == "- (and 980 more of them)"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "text, line",
    [("{", 1), ("{\n'a': 1}", 2), ("[]", 1), ("\n5", 2), ('{\n"env": "x"}', 2), ('{\n\n"env": null}', 3), ("[" * 600, 1), ("\0", 1), ('{"a": 1}\n}', 2), ('{"env": {}}\xa0', 1)],
)
def test_what_cannot_be_edited_is_refused_in_one_line(system: System, kind: str, text: str, line: int) -> None:
    system.put(text)
    for repair in (False, True):
        with pytest.raises(Refused, match=rf"^{FILE}:{line}: [^\n]+$"):
            system.preview(kind, set=SET, repair=repair)
    assert system.held() == text.encode()


def test_utf_16_stays_utf_16(system: System) -> None:
    system.put('\ufeff{"a": "é"}'.encode("utf-16-le"))
    system.apply("settings", set=[[["b"], "ü"]])
    assert system.held() == '\ufeff{"a": "é", "b": "ü"}'.encode("utf-16-le")
    system.put(b"\xff\xfe{")
    with pytest.raises(Refused, match="UTF-16"):
        system.preview("settings", set=SET)


SECRETS = [
    ("env", "ANTHROPIC_API_KEY", "sk-ant-api03-secret"),
    ("env", "MY_OWN", "hunter2"),
    ("env", "ANTHROPIC_BASE_URL", "https://ada:hunter2@llm.example/x?key=hunter2"),
    ("env", "HTTPS_PROXY", "http://ada:hunter2@proxy.example"),
    ("env", "ANTHROPIC_CUSTOM_HEADERS", "x-key: hunter2"),
    ("apiKeyHelper", "", "echo hunter2"),
]


@pytest.mark.parametrize("section, name, secret", SECRETS)
def test_no_secret_is_shown(system: System, section: str, name: str, secret: str) -> None:
    path = [section, name] if name else [section]
    for value in (secret, {"x": secret}, [secret]):
        system.put(json.dumps({section: {name: value}} if name else {section: value}))
        whole = {name: value} if name else value
        for args in ({"set": [[path, "1"]]}, {"remove": [path]}, {"set": [[path, {"y": value}]]}, {"remove": [[section]]}, {"set": [[[section], {"y": whole}]]}, {"set": [[[section], whole]]}):
            said = "\n".join(system.preview("settings", **args).shows)
            if name != "MY_OWN" or args == {"remove": [[section]]}:
                assert "hunter2" not in said
                assert "secret" not in said


def test_what_the_policy_does_not_name_is_redacted(system: System) -> None:
    system.put('{"env": {"A": "hunter2"}, "b": {"c": "hunter2"}, "d": "x"}')
    seen = system.preview("settings", set=[[["env"], {"B": "1"}], [["b"], [1, {"c": "2"}]], [["d"], "y"]])
    assert seen.shows == (
        f'- "env": {{"{REDACTED}": "{REDACTED}"}}', '+ "env": {"B": "1"}', f'- "b": {{"{REDACTED}": "{REDACTED}"}}', '+ "b": [1, {"c": "2"}]', '- "d": "x"', '+ "d": "y"',
    )  # fmt: skip


def test_a_deep_value_is_shown_down_to_a_bound(system: System) -> None:
    deep: Any = "1"
    for _ in range(400):
        deep = [deep]
    assert system.preview("settings", set=[[["a"], deep]]).shows == (f'+ "a": {"[" * 21}"{REDACTED}"{"]" * 21}',)
    system.apply("settings", set=[[["a"], deep]])


@pytest.mark.parametrize(
    "args",
    [
        {"set": [[["a"], 1], [["a"], 2]]}, {"set": [[["a"], 1]], "remove": [["a"]]}, {"set": [[["a", "b"], 1], [["a"], {}]]},
        {"set": [[["a"], float("nan")]]}, {"set": [[["a"] * 600, 1]]},
    ],
)  # fmt: skip
def test_a_plan_that_contradicts_itself_is_refused(system: System, args: dict[str, Any]) -> None:
    system.put("{}")
    with pytest.raises(Refused, match=f"^{FILE}:"):
        system.preview("settings", **args)


@pytest.mark.parametrize(
    "args",
    [
        {"file": 5}, {"file": None}, {"set": {}}, {"set": "x"}, {"set": [1]}, {"set": [["a", 1]]}, {"set": [[[], 1]]}, {"set": [[["a"]]]}, {"set": [[[1], 1]]},
        {"remove": ["a"]}, {"remove": [[]]}, {"remove": 5}, {"set": SET, "repair": "no"}, {"mode": "0644"}, {"mode": 0o4755}, {"mode": 0o666}, {"mode": True}, {"mode": -1},
    ],
)  # fmt: skip
def test_a_plan_that_was_tampered_with_is_refused(system: System, args: dict[str, Any]) -> None:
    system.put("{}")
    with pytest.raises(Refused, match=r"^the plan's [^\n]+$"):
        settings.preview(system.site(), {"file": FILE, **args})
    with pytest.raises(Refused, match=r"^the plan's [^\n]+$"):
        settings.apply(system.site(), {"file": FILE, "set": SET, **args})
    assert system.held() == b"{}"


def test_what_is_no_file_is_refused(system: System) -> None:
    system.path.mkdir(parents=True)
    with pytest.raises(Refused, match="is a folder"):
        system.preview("settings", set=SET)


def test_a_link_stays_a_link(system: System) -> None:
    kept = system.top / HOME[1:] / "dotfiles.json"
    kept.write_text("{}")
    system.path.parent.mkdir(parents=True)
    system.path.symlink_to("../dotfiles.json")
    system.apply("settings", set=[[["a"], 1]])
    assert system.path.is_symlink()
    assert kept.read_text() == '{\n  "a": 1\n}'


def test_what_is_overwritten_at_once_is_failed(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    system.put("{}")
    site = system.site()
    written = site.write

    def lost(path: str, data: bytes, mode: int = 0) -> None:
        written(path, data, mode)
        system.put("{}")

    monkeypatch.setattr(site, "write", lost)
    with pytest.raises(Failed, match=f"^{FILE}: "):
        settings.apply(site, {"file": FILE, "set": SET})


def test_a_run_of_several_changes_of_one_file_and_its_rollback(tmp_path: Path) -> None:
    system = System(tmp_path)
    system.put(INVALID)
    os.utime(system.path, ns=(10**18, 10**18))
    before = system.tree()[str(system.path)]
    whole = plan(
        ("settings", {"file": FILE, "repair": True}),
        ("settings", {"file": FILE, "set": SET}),
        ("settings", {"file": FILE, "remove": [["model"]]}),
        ("editor-settings", {"file": f"{HOME}/.config/Code/User/settings.json", "set": [[["extensions.autoUpdate"], False]]}),
    )
    sealed, outcomes = run(tmp_path, whole)
    assert [one.state for one in outcomes] == ["done"] * 4
    assert sealed.changes[0].produces == sealed.changes[1].expects
    assert system.held() == f'{{\n  "env": {{"A": "1", "{FLAG}": "1"}}\n}}\n'.encode()
    again, nothing = run(tmp_path, whole)
    assert (again.changes, nothing) == ((), [])
    rollback(tmp_path)
    assert system.tree()[str(system.path)] == before
    assert not (tmp_path / HOME[1:] / ".config").exists()
