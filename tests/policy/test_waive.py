"""``policy waive``: a waiver into a file whose every other character stays."""

from __future__ import annotations

import os
import time
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc_fleet.cli import main
from cc_fleet.decode import read_yaml
from cc_fleet.policy.load import SYSTEM, load
from cc_fleet.policy.waive import CannotAdd, added, written
from tests.case import as_nobody, opened

NEW = {"check": "env-flag", "until": "2027-01-31", "reason": "two words"}
FLOW = "{check: env-flag, until: 2027-01-31, reason: two words}"
OLD = "{check: a, until: 2027-01-01, reason: r}"
Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # no waivers yet
        ("policy: p\n", "policy: p\nwaivers:\n  - {new}\n"),
        ("policy: p", "policy: p\nwaivers:\n  - {new}\n"),
        ("# c\npolicy: p # d\n\n# e\n", "# c\npolicy: p # d\n\n# e\nwaivers:\n  - {new}\n"),
        ("policy: p\n# e", "policy: p\n# e\nwaivers:\n  - {new}\n"),
        ("---\npolicy: p\n...\n", "---\npolicy: p\nwaivers:\n  - {new}\n...\n"),
        ("  policy: p\n  contact: x\n", "  policy: p\n  contact: x\n  waivers:\n    - {new}\n"),
        ("{policy: p}\n", "{policy: p, waivers: [{new}]}\n"),
        ("{policy: p, contact: [x],  }\n".replace("[x]", "x"), "{policy: p, contact: x, waivers: [{new}],  }\n"),
        ("policy: p\ncontact: |\n  two\n  lines\n", "policy: p\ncontact: |\n  two\n  lines\nwaivers:\n  - {new}\n"),
        # a list of dashes
        ("policy: p\nwaivers:\n  - {old}  # c\n\n# d\nenv: {}\n", "policy: p\nwaivers:\n  - {old}  # c\n  - {new}\n\n# d\nenv: {}\n"),
        ("policy: p\nwaivers:\n- {old}\nenv: {}\n", "policy: p\nwaivers:\n- {old}\n- {new}\nenv: {}\n"),
        ("waivers:\n      - {old}\n      - {old}\npolicy: p", "waivers:\n      - {old}\n      - {old}\n      - {new}\npolicy: p"),
        ("policy: p\nwaivers:\n  - {old}", "policy: p\nwaivers:\n  - {old}\n  - {new}\n"),
        ("policy: p\nwaivers:\n  -\n    {old}\n", "policy: p\nwaivers:\n  -\n    {old}\n  - {new}\n"),
        (
            "policy: p\nwaivers:\n  - check: a  # why\n    until: 2027-01-01\n    reason: r # c\n    allow:\n      versions: '1.0.0' # d\n# e\n",
            "policy: p\nwaivers:\n  - check: a  # why\n    until: 2027-01-01\n    reason: r # c\n    allow:\n      versions: '1.0.0' # d\n"
            "  - check: env-flag\n    until: 2027-01-31\n    reason: two words\n# e\n",
        ),
        (
            "policy: p\nwaivers:\n  - check: a\n    until: 2027-01-01\n    reason: >\n      long\n      text\n\ncontact: x\n",
            "policy: p\nwaivers:\n  - check: a\n    until: 2027-01-01\n    reason: >\n      long\n      text\n\n  - check: env-flag\n    until: 2027-01-31\n    reason: two words\ncontact: x\n",
        ),
        # a list in brackets
        ("policy: p\nwaivers: []\n", "policy: p\nwaivers: [{new}]\n"),
        ("policy: p\nwaivers: [  # none\n]\n", "policy: p\nwaivers: [{new}  # none\n]\n"),
        ("policy: p\nwaivers: [{old}] # c\n", "policy: p\nwaivers: [{old}, {new}] # c\n"),
        ("policy: p\nwaivers: [{old},]\n", "policy: p\nwaivers: [{old}, {new},]\n"),
        ("policy: p\nwaivers: [\n  {old},  # c\n  {old} # d\n]\n", "policy: p\nwaivers: [\n  {old},  # c\n  {old}, # d\n  {new}\n]\n"),
        ("policy: p\nwaivers: [\n  {old},  # c\n]\n", "policy: p\nwaivers: [\n  {old},  # c\n  {new},\n]\n"),
        ("{policy: p, waivers: [{old}], contact: x}", "{policy: p, waivers: [{old}, {new}], contact: x}"),
    ],
)
def test_where_it_is_added(before: str, after: str) -> None:
    for end in ("\n", "\r\n") if "\n" in before else ("\n",):  # a file of one line tells no line end
        old, wanted = (text.replace("{old}", OLD).replace("{new}", FLOW).replace("\n", end) for text in (before, after))
        new, line = added(old, NEW)
        assert new == wanted
        assert "check: env-flag" in new.split("\n")[line - 1]


@pytest.mark.parametrize("text", ["policy: p\nwaivers: {old}\n".replace("{old}", "&a [{check: a, until: 2027-01-01, reason: r}]"), "policy: p\rwaivers:\r  - {check: a, until: 2027-01-01, reason: r}\r"])
def test_what_is_not_understood_is_left_alone_or_right(text: str) -> None:
    try:
        new, _ = added(text, NEW)
    except CannotAdd as err:
        assert str(err) == "its waivers are written in a way that is not understood here; nothing was changed"  # noqa: PT017
    else:
        assert "env-flag" in new


@given(st.text(min_size=1, max_size=30).filter(str.isprintable))
def test_any_text_comes_back(text: str) -> None:
    (pair,) = read_yaml(written({"reason": text}), "w").value
    assert pair[1].value == text


@pytest.mark.parametrize("text", ["on", "null", "~", "yes", "5", "2027-01-31", "a: b", "a #b", "#a", "- a", "", " a", "a ", "[x", "*a", "&a", "!a", "%a", "@a", "`a", "a,b", "a}"])
def test_words_that_yaml_would_take_otherwise_are_quoted(text: str) -> None:
    assert read_yaml(f"[{written(text)}]", "w").value[0].value == text


# The command


def day(days: int) -> str:
    return (date.fromisoformat(time.strftime("%Y-%m-%d", time.gmtime())) + timedelta(days=days)).isoformat()


def policy(tmp: Path, text: str = "") -> Path:
    file = tmp / "policy.yaml"
    file.write_text(f"policy: mine\n{text}", encoding="utf-8")
    return file


def waive(*arguments: str, until: str | None = None, reason: str = "old SDK") -> int:
    return main(["policy", "waive", "--until", until or day(30), "--reason", reason, *arguments])


def test_a_waiver_with_everything(tmp_path: Path, capsys: Capture) -> None:
    file = policy(tmp_path, "# keep me\n")
    file.chmod(0o640)
    code = waive("cli-version", "--versions", ">=2.1.1, <2.2", "--target", "group:ml", "--target", "lab 1", "--owner", "ml@acme.example", "--approved-by", "sec ops", "--ticket", "OPS-1", str(file))
    line = (
        f'- {{check: cli-version, allow: {{versions: ">=2.1.1, <2.2"}}, targets: ["group:ml", lab 1], until: {day(30)}, reason: old SDK, '
        "owner: ml@acme.example, approved-by: sec ops, ticket: OPS-1}"
    )
    assert (code, capsys.readouterr().out) == (0, f"{line}\n{file}:4: added; it holds through {day(30)}\n")
    assert file.read_text(encoding="utf-8") == f"policy: mine\n# keep me\nwaivers:\n  {line}\n"
    assert file.stat().st_mode & 0o777 == 0o640
    (waiver,) = load([str(file)]).policy.waivers
    assert (waiver.targets, waiver.approved_by, str(waiver.allow and waiver.allow.versions)) == (("group:ml", "lab 1"), "sec ops", ">=2.1.1, <2.2")
    assert os.listdir(tmp_path) == ["policy.yaml"]


@pytest.mark.parametrize("order", [("env-flag", "{file}", "--owner", "me"), ("--owner", "me", "env-flag", "{file}"), ("env-flag", "--owner", "me", "{file}")])
def test_the_file_may_stand_before_or_behind_options(order: tuple[str, ...], tmp_path: Path) -> None:
    file = policy(tmp_path)
    assert waive(*(word.format(file=file) for word in order)) == 0
    assert load([str(file)]).policy.waivers[0].owner == "me"


def test_too_many_words(tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        waive("env-flag", "a", "b")


def test_bytes_that_are_not_the_waivers_stay(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_bytes("\ufeffpolicy: mine  # ü\r\n\r\nenv: {}\r\n".encode())
    assert waive("env-flag", str(file)) == 0
    assert file.read_bytes() == f"\ufeffpolicy: mine  # ü\r\n\r\nenv: {{}}\r\nwaivers:\r\n  - {{check: env-flag, until: {day(30)}, reason: old SDK}}\r\n".encode()


def test_the_policy_that_judges_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    file = policy(tmp_path)
    monkeypatch.setenv("CC_FLEET_POLICY", str(file))
    assert waive("env-flag") == 0
    assert len(load([str(file)]).policy.waivers) == 1
    monkeypatch.delenv("CC_FLEET_POLICY")
    monkeypatch.setitem(SYSTEM, "linux", str(tmp_path / "none"))
    assert waive("env-flag") == 2
    assert capsys.readouterr().err == "cc-fleet: policy waive: a packaged policy judges here, and nobody may change that; name a policy file\n"


@pytest.mark.parametrize(
    ("arguments", "told", "error"),
    [
        (("env-falg", "{file}"), {}, "policy waive: no check and no advisory of the name: 'env-falg' is not known; did you mean 'env-flag'?"),
        (("CFF-2026-0001", "{file}"), {}, "policy waive: no check and no advisory of the name: 'CFF-2026-0001' is not known; did you mean 'CCF-2026-0001'?"),
        (("unreadable", "{file}"), {}, "policy waive: unreadable cannot be waived"),
        (("env-flag", "{file}"), {"until": "soon"}, "policy waive: until: expected a date such as 2026-12-31, not 'soon'"),
        (("env-flag", "{file}"), {"until": "2027-02-29"}, "policy waive: until: expected a date such as 2026-12-31, not '2027-02-29'"),
        (("env-flag", "{file}"), {"until": day(-1)}, f"policy waive: until: {day(-1)} is past; today is {day(0)} (UTC)"),
        (("env-flag", "{file}"), {"until": day(41)}, f"policy waive: until: {day(41)} is more than 40 days away, which exceptions.max-days forbids; at the latest {day(40)}"),
        (("env-flag", "{file}"), {"reason": "two\nlines"}, "policy waive: reason: expected one line of printable text"),
        (("env-flag", "{file}"), {"reason": ""}, "policy waive: the document: 'reason' is required"),
        (("env-flag", "{file}", "--versions", "^2"), {}, "policy waive: allow.versions: '^2' is npm's form; write it out, for instance '>=2.1.0, <2.2'"),
        (("env-flag", "{file}", "--target", "a\x1b"), {}, "policy waive: targets: expected one line of printable text"),
        (("env-flag", "default"), {}, "default: is packaged, and nobody's to change; extend it in a file of your own (`cc-fleet policy init`)"),
        (("env-flag", "strict@1"), {}, "strict@1: is packaged, and nobody's to change; extend it in a file of your own (`cc-fleet policy init`)"),
        (("env-flag", "/nonexistent/p.yaml"), {}, "/nonexistent/p.yaml: no such file or directory"),
    ],
)
def test_what_is_refused(arguments: tuple[str, ...], told: dict[str, str], error: str, tmp_path: Path, capsys: Capture) -> None:
    file = policy(tmp_path, "exceptions: {max-days: 40}\n")
    before = file.read_bytes()
    assert waive(*(word.format(file=file) for word in arguments), **told) == 2
    assert capsys.readouterr().err == f"cc-fleet: {error}\n"
    assert file.read_bytes() == before


def test_today_and_the_last_day_are_taken(tmp_path: Path) -> None:
    file = policy(tmp_path, "exceptions: {max-days: 40}\n")
    assert waive("env-flag", str(file), until=day(0)) == 0
    assert waive("CCF-2026-0001", str(file), until=day(40)) == 0
    assert [waiver.check for waiver in load([str(file)]).policy.waivers] == ["env-flag", "CCF-2026-0001"]


def test_a_policy_that_is_wrong_is_not_changed(tmp_path: Path, capsys: Capture) -> None:
    file = policy(tmp_path, "colour: x\n")
    assert waive("env-flag", str(file)) == 2
    assert capsys.readouterr().err.startswith(f"cc-fleet: {file}:2:1: the document: 'colour' is not")


def test_what_cannot_be_added_to_is_told_with_the_waiver(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "policy.yaml"
    file.write_bytes(b"policy: p\rwaivers:\r- {check: a, until: 2027-01-01, reason: r}\rcontact: x\r")
    assert waive("env-flag", str(file)) == 2
    assert capsys.readouterr().err == (
        f"cc-fleet: {file}: its waivers are written in a way that is not understood here; nothing was changed. "
        f"Add it by hand: {{check: env-flag, until: {day(30)}, reason: old SDK}}\n"
    )


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    file = policy(tmp_path / "real")
    link = tmp_path / "policy.yaml"
    link.symlink_to("real/policy.yaml")
    assert waive("env-flag", str(link)) == 0
    assert link.is_symlink()
    assert len(load([str(file)]).policy.waivers) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file that the test itself may not write")
def test_a_file_that_may_not_be_written_and_its_folder(tmp_path: Path) -> None:
    opened(tmp_path)
    file = policy(tmp_path)
    link = tmp_path / "link.yaml"
    link.symlink_to("policy.yaml")
    tmp_path.chmod(0o777)
    arguments = ("policy", "waive", "env-flag", "--until", day(3), "--reason", "r")
    for path in (file, link):
        assert as_nobody(*arguments, str(path)) == (2, f"cc-fleet: {path}: permission denied; nothing was changed\n")
    file.chmod(0o666)
    tmp_path.chmod(0o755)
    assert as_nobody(*arguments, str(file)) == (2, f"cc-fleet: {file}: permission denied; nothing was changed\n")
    assert file.read_text(encoding="utf-8") == "policy: mine\n"
    assert sorted(os.listdir(tmp_path)) == ["link.yaml", "policy.yaml"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may keep another's file another's")
def test_the_owner_stays(tmp_path: Path) -> None:
    file = policy(tmp_path)
    os.chown(file, 0, 12345)
    assert waive("env-flag", str(file)) == 0
    assert file.stat().st_gid == 12345
