"""The formats that other programs read, as golden files, and what they do with hostile names and texts.

``CC_FLEET_UPDATE=1 pytest tests/report`` writes the golden files.  The real programs that read
them are in ``tests/real/test_formats.py``.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from cc_fleet import __version__, checks
from cc_fleet.model import REDACTED, Finding, Fix, Gap, Place, Problem, Step, Waived
from cc_fleet.policy import SEVERITIES
from cc_fleet.report import Report, Style, format_
from cc_fleet.report._parts import Region, foremost, region
from cc_fleet.report.markdown import within
from tests.report import sample

# All that a name or a text could do to a format: end a line, a cell, an attribute or an element, begin a command, a formula, a link.
EVIL = (
    "a\n::set-output name=x::y", "##[add-mask]x", "::error::x", "%0A::warning::x", "a,b:c%", "\r\n=1+1", "=cmd|'/c calc'!A0", "@SUM(1)", "-1+2", "\t=1", "\uff1d1",
    '"><script>alert(1)</script>', "</pre></details></style></script>", "<!--", "]]>", "&amp;", "{{ 7*7 }}", "{% x %}", "| a | b |", "`` ` ```", "[x](javascript:alert(1))",
    "![x](http://e.example/x.png)", "https://e.example/x", "www.e.example", "@anthropic", "org/x#12", "#12", "!12", "<b>", "\\|", "\\", "a\\|b", "~a~", "$x$", "***x***",
    "\x00\x01\x1b[31m\x7f\x9b", "\u202e\u2066", "\ud800", "\ufffe\uffff", "", " ", "../../etc/passwd", "C:/Users/a b/x", "HKLM\\Software", "ü漢🎉",
)  # fmt: skip
EVERY = {"full": sample.FULL, "repo": sample.REPO, "two": sample.TWO, "windows": sample.WINDOWS, "clean": sample.CLEAN, "nothing": sample.NOTHING, "gaps": sample.GAPS}


def render(name: str, report: Report) -> str:
    return str(format_(name).render(report, Style()))


def evil(text: str) -> Report:
    """A report with ``text`` wherever a text may come from elsewhere."""
    place = Place(text, 3, 2, text)
    problem = Problem(text, text, place, Fix("you", text, text), None, (Step(text, text, place), Step(text, text, Place(text))), None, None)
    finding = Finding("env-flag", "error", text, problem, "a" * 64)
    waived = finding._replace(severity="note", problem=problem._replace(advisory=text or None), fingerprint="b" * 64, waived=Waived(text, "2026-12-31", text, text))
    target = sample.SHOP._replace(
        name=text, gaps=(Gap(text, place),), installs=tuple(i._replace(product=text, version=text, place=place) for i in sample.LAPTOP.installs[:1]),
        declared=tuple(fact._replace(product=text, spec=text, installer=text, resolved=text, unresolved=told, place=place) for fact, told in zip(sample.SHOP.declared, (text, None, None), strict=True)),
    )  # fmt: skip
    return Report(sample.ABOUT._replace(policy=text, files=(text,), contact=text), sample.TIME, (target,), (finding, waived), "/home/ada")


# Golden files


def steady(name: str, text: str) -> str:
    """``text`` without what a new check or a new version of ours changes."""
    if name == "sarif":
        document = json.loads(text)
        rules = document["runs"][0]["tool"]["driver"].pop("rules")
        for result in document["runs"][0]["results"]:
            assert rules[result.pop("ruleIndex")]["id"] == result["ruleId"]
        text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    if name == "junit":
        text = re.sub(r"    <testcase [^>]*/>\n", "", text)
        text = re.sub(r'tests="\d+"', 'tests="…"', text)
    if name == "html":
        text = re.sub(r"(<style>|<script>).*?(?=</)", r"\1…", text, flags=re.DOTALL)
        text = re.sub(r"sha256-[A-Za-z0-9+/=]{44}", "sha256-…", text)
    return text.replace(__version__, "VERSION")


@pytest.mark.parametrize("told", ["full", "repo"])
@pytest.mark.parametrize("name", ["sarif", "github", "gitlab", "junit", "markdown", "csv", "html"])
def test_golden(name: str, told: str) -> None:
    golden = Path(__file__).with_name(f"{name}-{told}.golden")
    text = steady(name, render(name, EVERY[told]))
    if os.environ.get("CC_FLEET_UPDATE"):
        golden.write_text(text, encoding="utf-8", newline="")
    assert text == golden.read_bytes().decode("utf-8")


# Where


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (Place("a"), Region(1)), (Place("a", None, 3, "x"), Region(1)), (Place("a", 4), Region(4)), (Place("a", 4, 5), Region(4, 5)), (Place("a", 4, 5, ""), Region(4, 5)),
        (Place("a", 4, 5, "xyz"), Region(4, 5, 4, 8)), (Place("a", 4, 5, "x\nyz"), Region(4, 5, 5, 3)), (Place("a", 4, 5, f'"x": {REDACTED}'), Region(4, 5)),
        (Place("a", 0, 0, "x"), Region(1)), (Place("a", 2, 1, "🎉é"), Region(2, 1, 2, 3)),
    ],
)  # fmt: skip
def test_region(place: Place, expected: Region) -> None:
    assert region(place) == expected


def test_the_worst_comes_first_and_what_does_not_count_after_it() -> None:
    order = [(f.severity, f.waived is not None) for f in foremost(sample.FULL._replace(findings=sample.FINDINGS[::-1]))]
    assert order == sorted(order, key=lambda told: (SEVERITIES.index(told[0]), told[1]))
    assert [f.fingerprint[0] for f in foremost(sample.FULL)][:3] == ["a", "b", "e"]


# SARIF


def sarif(report: Report) -> Any:
    (run,) = json.loads(render("sarif", report))["runs"]
    return run


def test_every_check_is_a_rule_with_its_page_and_an_advisory_that_was_met_too() -> None:
    rules = {rule["id"]: rule for rule in sarif(sample.REPO)["tool"]["driver"]["rules"]}
    assert set(checks.all_checks()) | {"CCF-2026-0001"} <= set(rules)
    for name, rule in rules.items():
        assert rule["defaultConfiguration"]["level"] in SEVERITIES
        assert rule["name"].isalnum()
        assert rule["name"].lower() != name
        assert all(rule[key]["text"] for key in ("shortDescription", "fullDescription", "help"))
        assert rule["help"]["markdown"]
        assert "helpUri" not in rule
        assert "`" not in rule["fullDescription"]["text"]
    assert "What helps:" in rules["CCF-2026-0001"]["help"]["markdown"]


def test_a_rule_that_nobody_knows_any_more_is_told_by_its_finding() -> None:
    lost = sample.DECLARED[1]._replace(problem=sample.DECLARED[1].problem._replace(advisory="ACME-1"))
    (rule,) = (rule for rule in sarif(sample.REPO._replace(findings=(lost, lost)))["tool"]["driver"]["rules"] if rule["id"] == "ACME-1")
    assert rule["shortDescription"]["text"] == "requests repeat a tool_use id (Claude Code 2.1.19)."


def test_a_companys_own_advisory_is_a_rule_with_its_page(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "id: ACME-1\ntitle: the proxy drops it\nseverity: warning\nwho: gateway\ncause: Our proxy drops a header.\n"
        "remedies: [{who: you, text: go around it, command: unset HTTPS_PROXY}]\nevidence: {level: reported, sources: [OPS-9], checked: 2026-11-01}\n",
        encoding="utf-8",
    )
    finding = sample.DECLARED[1]._replace(problem=sample.DECLARED[1].problem._replace(advisory="ACME-1"))
    report = sample.REPO._replace(findings=(finding,), about=sample.ABOUT._replace(folders=(str(tmp_path),)))
    (rule,) = (rule for rule in sarif(report)["tool"]["driver"]["rules"] if rule["id"] == "ACME-1")
    assert "unset HTTPS_PROXY" in rule["help"]["markdown"]


def test_paths_of_a_repository_are_relative_and_of_a_machine_below_its_root() -> None:
    def location(run: Any) -> Any:
        return run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]

    assert location(sarif(sample.REPO)) == {"uri": "images/web%20tools/Dockerfile", "uriBaseId": "%SRCROOT%"}
    assert location(sarif(sample.FULL)) == {"uri": "usr/local/lib/node_modules/%40anthropic-ai/claude-code/package.json", "uriBaseId": "ROOT"}
    assert location(sarif(sample.WINDOWS)) == {"uri": "C%3A/Program%20Files/ClaudeCode/managed-settings.json", "uriBaseId": "ROOT"}
    assert sarif(sample.FULL)["originalUriBaseIds"]["ROOT"]["uri"] == "file:///"


def test_two_repositories_have_a_base_each() -> None:
    findings = (sample.DECLARED[0], sample.DECLARED[0]._replace(target="mall"), sample.DECLARED[0]._replace(target="policy"))
    run = sarif(sample.REPO._replace(targets=(sample.SHOP, sample.LAPTOP, sample.SHOP._replace(name="mall")), findings=findings))
    bases = [result["locations"][0]["physicalLocation"]["artifactLocation"]["uriBaseId"] for result in run["results"]]
    assert bases == ["%SRCROOT%", "%SRCROOT2%", "%SRCROOT%"]
    assert set(bases) <= set(run["originalUriBaseIds"])
    assert run["results"][1]["message"]["text"].startswith("mall: ")


def test_a_repository_below_the_workspace_is_told_from_there() -> None:
    report = sample.REPO._replace(below=(("shop", "services/shop"),), findings=(*sample.DECLARED, sample.FINDINGS[0]._replace(target="shop")))
    run = sarif(report)
    first = run["results"][0]
    gap = run["invocations"][0]["toolExecutionNotifications"][0]
    for located in (first["locations"][0], first["relatedLocations"][0], gap["locations"][0]):
        artifact = located["physicalLocation"]["artifactLocation"]
        assert artifact["uri"].startswith("services/shop/")
        assert artifact["uriBaseId"] == "%SRCROOT%"
    assert commands(render("github", report))[0][1]["file"] == "services/shop/images/web tools/Dockerfile"
    assert json.loads(render("gitlab", report))[0]["location"]["path"] == "services/shop/images/web tools/Dockerfile"
    assert run["results"][-1]["locations"][0]["physicalLocation"]["artifactLocation"]["uriBaseId"] == "ROOT"
    assert json.loads(render("gitlab", report))[1]["location"]["path"].startswith("/usr/local")


def test_sarif_says_what_is_waived_what_is_new_and_what_could_not_be_read() -> None:
    known = sample.REPO._replace(baseline=frozenset({"1" * 64}))
    run = sarif(known)
    assert [result["baselineState"] for result in run["results"]] == ["unchanged", "new", "new", "new", "new"]
    assert "baselineState" not in sarif(sample.REPO)["results"][0]
    assert run["results"][4]["suppressions"][0] == {"kind": "external", "status": "accepted", "justification": "waived until 2026-12-01: moved next week (OPS-7)"}
    assert "suppressions" not in run["results"][0]
    (gap,) = run["invocations"][0]["toolExecutionNotifications"]
    assert gap["locations"][0]["physicalLocation"]["region"] == {"startLine": 3, "startColumn": 1}
    assert run["automationDetails"]["id"] == "cc-fleet/acme/"


def test_the_trace_is_where_a_version_is_used() -> None:
    (related,) = sarif(sample.REPO)["results"][0]["relatedLocations"]
    assert related["physicalLocation"]["region"]["startLine"] == 7
    assert related["message"]["text"] == "used by npm install: 2.1.19."


@pytest.mark.parametrize("text", EVIL)
def test_no_text_breaks_sarif(text: str) -> None:
    run = sarif(evil(text))
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert re.fullmatch(r"[A-Za-z0-9._~%/-]+", uri)
        assert not re.search(r"(^|/)\.\.(/|$)", uri)
        assert not uri.startswith("/")
        assert unquote(uri, errors="surrogatepass") == (re.sub("/+", "/", text) or ".")
        assert "](" not in result["message"]["text"]
    assert json.dumps(run, ensure_ascii=False).isprintable()


# GitHub


def commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    """Workflow commands as the runner reads them (actions/runner, ActionCommand.TryParseV2)."""
    found = []
    for line in text.split("\n"):
        if not line.lstrip().startswith("::") or "::" not in line.lstrip()[2:]:
            continue
        head, _, message = line.lstrip()[2:].partition("::")
        name, _, properties = head.partition(" ")
        told = dict(word.split("=", 1) for word in properties.split(",") if "=" in word)
        found.append((name, {key: unescaped(value, ":", ",") for key, value in told.items()}, unescaped(message)))
    return found


def unescaped(text: str, *more: str) -> str:
    for character in ("\r", "\n", *more, "%"):
        text = text.replace(f"%{ord(character):02X}", character)
    return text


@pytest.mark.parametrize("text", EVIL)
def test_no_name_and_no_text_is_a_command(text: str) -> None:
    report = evil(text)
    out = render("github", report)
    assert out.count("\n") == 1
    ((name, properties, message),) = commands(out)
    assert name == "error"
    assert set(properties) <= {"file", "line", "endLine", "col", "endColumn", "title"}
    assert properties["title"] == "env-flag"
    if text.replace("\n", "").replace("\r", "").isprintable():
        assert properties["file"] == text
        assert message.startswith(text)


def test_an_annotation_stands_at_its_characters() -> None:
    first = commands(render("github", sample.REPO))[0]
    assert first[:2] == ("error", {"file": "images/web tools/Dockerfile", "line": "2", "col": "20", "endColumn": "26", "title": "cli-version"})
    assert first[2].endswith("tool_use ids\nFix (repository): pin 2.1.330")
    over = sample.DECLARED[0]._replace(problem=sample.DECLARED[0].problem._replace(place=Place("a", 4, 5, "x\nyz")))
    assert commands(render("github", sample.REPO._replace(findings=(over,))))[0][1] == {"file": "a", "line": "4", "endLine": "5", "title": "cli-version"}


def test_waived_findings_and_consequences_are_not_annotated_and_gaps_are() -> None:
    assert [properties["title"] for _, properties, _ in commands(render("github", sample.REPO))] == ["cli-version", "cli-unpinned", "unreadable"]
    assert commands(render("github", sample.CLEAN)) == []


@pytest.mark.parametrize("number", [10, 11, 60])
def test_more_than_github_shows_are_counted(number: int) -> None:
    findings = tuple(sample.DECLARED[0]._replace(severity=level, fingerprint=f"{at:064}") for at in range(number) for level in SEVERITIES)
    found = commands(render("github", sample.REPO._replace(findings=findings)))
    shown = [name for name, _, _ in found]
    assert {name: shown.count(name) for name in ("error", "warning", "notice")} == {"error": 10, "warning": 10, "notice": 10}
    told = found[0][2] if number > 10 else ""
    assert (f"{number - 10} error" in told, f"{number - 9} notes" in told) == (number > 10, number > 10)
    assert shown.index("error") < shown.index("warning")


# GitLab


@pytest.mark.parametrize("report", EVERY.values(), ids=list(EVERY))
def test_code_quality_has_what_gitlab_asks_for(report: Report) -> None:
    issues = json.loads(render("gitlab", report))
    assert len({issue["fingerprint"] for issue in issues}) == len(issues) == sum(1 for f in report.findings if not f.waived)
    for issue in issues:
        assert issue["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert issue["location"]["lines"]["begin"] >= 1
        assert not issue["location"]["path"].startswith("./")


def test_one_finding_on_two_targets_is_two_issues() -> None:
    two = sample.REPO._replace(targets=(sample.SHOP, sample.SHOP._replace(name="mall")), findings=(sample.DECLARED[0], sample.DECLARED[0]._replace(target="mall")))
    issues = json.loads(render("gitlab", two))
    assert len({issue["fingerprint"] for issue in issues}) == 2
    assert issues[1]["description"].startswith("mall: ")
    twice = json.loads(render("gitlab", sample.REPO._replace(findings=(sample.DECLARED[0],) * 3)))
    assert len({issue["fingerprint"] for issue in twice}) == 3
    assert twice[0]["fingerprint"] == "1" * 64


# JUnit


@pytest.mark.parametrize("report", EVERY.values(), ids=list(EVERY))
def test_junit_has_every_check_and_its_sums_are_right(report: Report) -> None:
    suites = ET.fromstring(render("junit", report))
    assert len(suites) == len({*(t.name for t in report.targets), *(f.target for f in report.findings)})
    for suite in suites:
        cases = suite.findall("testcase")
        assert int(suite.get("tests") or 0) == len(cases) == len({case.get("name") for case in cases})
        assert int(suite.get("failures") or 0) == len(suite.findall("testcase/failure"))
        assert int(suite.get("errors") or 0) == len(suite.findall("testcase/error"))
        if suite.get("name") != "policy":
            assert set(checks.all_checks()) <= {case.get("name") for case in cases}


def test_an_error_fails_its_case_and_a_warning_or_a_waived_finding_does_not() -> None:
    (suite,) = ET.fromstring(render("junit", sample.REPO))
    failed = {case.get("name"): [child.tag for child in case] for case in suite.findall("testcase") if len(case)}
    assert failed == {"cli-version": ["failure"], "known-issue": ["failure"], "unreadable": ["error"]}
    out = suite.findtext("system-out") or ""
    assert "the action follows v1" in out
    assert "waived until 2026-12-01: moved next week" in out
    many = sample.REPO._replace(findings=(sample.DECLARED[0],) * 3)
    (failure,) = ET.fromstring(render("junit", many)).iter("failure")
    assert (failure.get("message") or "").endswith("(and 2 more)")
    assert (failure.text or "").count("Dockerfile:2:20") == 3


@pytest.mark.parametrize("text", EVIL)
def test_no_text_breaks_junit(text: str) -> None:
    (suite,) = ET.fromstring(render("junit", evil(text)).encode("utf-8"))
    (failure,) = suite.iter("failure")
    assert suite.get("name")
    assert (failure.get("type"), len(failure)) == ("env-flag", 0)
    if text.isprintable() and not set(text) & {"\ufffe", "\uffff"}:
        assert failure.get("message") == text


# CSV


@pytest.mark.parametrize("text", EVIL)
def test_no_cell_is_a_formula_and_every_row_is_whole(text: str) -> None:
    out = render("csv", evil(text))
    head, *rows = csv.reader(io.StringIO(out, newline=""), strict=True)
    assert len(rows) == 2
    assert out.count("\r\n") == out.count("\n") == 3
    for row in rows:
        assert len(row) == len(head)
        assert [cell for cell in row if cell.lstrip().startswith(tuple("=+-@\t\r\uff1d\uff0b\uff0d\uff20"))] == []
    if text.isprintable():
        assert dict(zip(head, rows[0], strict=True))["file"].removeprefix("'") == text


# Markdown


@pytest.mark.parametrize("text", EVIL)
def test_no_text_is_markup(text: str) -> None:
    out = render("markdown", evil(text))
    prose = re.sub(r"^(`{3,})text\n.*?\n\1$", "", out, flags=re.DOTALL | re.MULTILINE)
    assert set(re.findall(r"<[^>]*>?", prose)) <= {"<code>", "</code>", "<details>", "</details>", "<summary>", "</summary>"}
    assert not re.search(r"[`\[\]@\\$~]", prose)
    assert not re.search(r"://|www\.", prose)
    for row in (line for line in prose.split("\n") if line.startswith("|")):
        assert row.count("|") == 5
    assert not re.search(r"&#(35|64);[\w&]", re.sub(r"<code>.*?</code>", "", prose))


def test_a_summary_keeps_to_its_limit_and_says_what_it_leaves_out() -> None:
    many = sample.REPO._replace(findings=tuple(sample.DECLARED[at % 3]._replace(fingerprint=f"{at:064}") for at in range(3000)))
    whole = render("markdown", many)
    assert "not shown here" not in whole
    for limit in (2000, 20_000, 100_000, 300_000, 600_000):
        cut = within(many, limit)
        assert len(cut.encode()) <= limit
        assert re.search(r"\d+ more findings are not shown here|\(\d+ findings, of 3000\)", cut)
        assert cut.count("<details>") == cut.count("</details>")
    assert within(sample.REPO, 1_000_000) == render("markdown", sample.REPO)
    declares = sample.REPO._replace(targets=tuple(sample.SHOP._replace(declared=sample.SHOP.declared * 100) for _ in range(30)))
    assert len(within(declares, 3000).encode()) <= 3000


# HTML


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def page(report: Report) -> Page:
    found = Page()
    found.feed(render("html", report))
    found.close()
    assert found.open == []
    return found


@pytest.mark.parametrize("text", EVIL)
def test_no_text_is_an_element(text: str) -> None:
    found = page(evil(text))
    plain = page(evil("x"))
    assert [tag for tag, _ in found.tags] == [tag for tag, _ in plain.tags] or text == ""
    assert {name for _, attributes in found.tags for name in attributes} <= {name for _, attributes in plain.tags for name in attributes}
    assert sum(tag == "script" for tag, _ in found.tags) == 1
    if text.isprintable() and text:
        assert text in found.texts


@pytest.mark.parametrize("report", EVERY.values(), ids=list(EVERY))
def test_the_page_needs_nothing_and_allows_nothing_but_its_own(report: Report) -> None:
    found = page(report)
    assert not [name for _, attributes in found.tags for name in attributes if name in ("src", "href", "style") or name.startswith("on")]
    (allowed,) = (str(attributes["content"]) for tag, attributes in found.tags if attributes.get("http-equiv") == "Content-Security-Policy")
    assert allowed.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in allowed
    rows = sum(1 for tag, attributes in found.tags if tag == "tr" and "data-rank" in attributes)
    assert rows == len(report.findings)


def test_a_few_findings_are_open_and_many_are_not() -> None:
    many = sample.REPO._replace(findings=sample.DECLARED * 6)
    assert "<details open><summary>" in render("html", sample.REPO)
    assert "<details><summary>" in render("html", many)
