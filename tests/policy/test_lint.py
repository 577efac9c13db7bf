"""``policy lint``: wrong policies with, word for word, what it says of them, and policies that it lets pass."""

from __future__ import annotations

import argparse
import calendar
import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cc_fleet import data
from cc_fleet.cli import InputError
from cc_fleet.cli import policy as command
from cc_fleet.policy.lint import lint
from cc_fleet.policy.load import PolicyError, load, packaged
from cc_fleet.versions import published

FOLDER = Path(__file__).with_name("lint")
CASES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
TODAY = "2026-11-24"


def said(*arguments: str, today: str = TODAY) -> str:
    """What ``cc-fleet policy lint`` prints, out and then err, and its exit code in the last line."""
    parser = argparse.ArgumentParser()
    command.arguments(parser)
    out, err, code = io.StringIO(), "", 2
    try:
        with contextlib.redirect_stdout(out):
            code = command._lint(parser.parse_args(["lint", *arguments]), today)
    except InputError as stop:
        err = "".join(f"cc-fleet: {line}\n" for line in str(stop).splitlines())
    return f"{out.getvalue()}{err}exit {code}\n"


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cases where nobody else can write, as root asks of policies."""
    folder = tmp_path_factory.mktemp("lint") / "cases"
    shutil.copytree(FOLDER, folder, copy_function=shutil.copyfile)
    return folder


@pytest.fixture
def here(cases: Path) -> Iterator[Path]:
    with contextlib.chdir(cases):
        yield cases


def test_there_are_forty() -> None:
    assert len(CASES) >= 40


@pytest.mark.parametrize("name", CASES)
def test_a_wrong_policy(name: str, here: Path) -> None:
    golden = FOLDER / f"{name}.golden"
    assert golden.is_file(), f"{golden.name} is missing: what `cc-fleet policy lint {name}.yaml` should print, and `exit CODE`"
    expected = golden.read_text(encoding="utf-8")
    known = published()
    assert said(f"{name}.yaml") == expected.replace("{newest}", known.newest).replace("{date}", known.date).replace("{documented}", data.load("settings_keys.json")["date"])
    remarks = expected.splitlines()[:-1]
    assert any(line.removeprefix("cc-fleet: ").startswith((f"{name}.yaml:", "extended/", "./own", "groups-broken.csv:", "./nowhere.yaml:", "nowhere.csv:")) for line in remarks)


CLEAN = [
    "",
    "cli: {versions: '>=2.1.163'}",
    "cli: {versions: '>=2.1.163, <=2.1.330', install: 2.1.330, gate: derive, auto-update: false}\nenv: {DISABLE_AUTOUPDATER: '1'}",
    "cli: {versions: '>=2.1.155'}",
    "cli: {versions: '>=2.1.163, <=2.1.200', gate: derive, auto-update: true}",
    "cli: {versions: '2.1.163 || >=2.1.165, <=2.1.200', gate: derive}",  # 2.1.164 was never published
    "deny: [{id: A, product: other.one, versions: 2.1.155}, {id: B, versions: '>=2.1.18, <=2.1.20', instead: 2.1.17}]",
    "cli: {versions: '2.1.17 || >=2.1.163'}\ndeny: [{id: B, versions: '>=2.1.18, <=2.1.20', instead: 2.1.17}]",
    "severity: {unreadable: note, env-flag: ignore, CCF-2026-0001: note}\ncontact: '#help'",
    "waivers: [{check: env-flag, until: 2027-01-01, reason: r}, {check: CCF-2026-0001, allow: {versions: 2.1.18}, until: 2027-01-01, reason: r}]",
    "cli: {versions: '>=2.1.200'}\nwaivers: [{check: cli-version, allow: {versions: 2.1.172}, until: 2027-01-01, reason: r, owner: ada}]\nexceptions: {max-days: 90, inline: [env-flag]}",
    "overlays: [{name: a, when: {kind: image}, cli: {versions: '>=2.1.100'}}]\nwaivers: [{check: cli-version, allow: {versions: 2.1.97}, until: 2027-01-01, reason: r}]",
    "env: {CLAUDE_CODE_MAX_TOOL_USE_CONCURRENCY: {integer: '>=1, <=10'}, DISABLE_TELEMETRY: {absent: true}, SHELL: /bin/bash, VERTEX_REGION_CLAUDE_5: europe}",
    "cli: {versions: '>=2.1.123'}\nenv: {CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS: '1', DISABLE_UPDATES: 'true'}",
    "cli: {versions: '>=2.1.100'}\nenv: {CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS: {value: '1', when: {provider: [bedrock, gateway]}}}",
    "cli: {versions: '>=2.1.17'}\nenv: {CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS: {value: '1', when: {cli: '>=2.1.123'}}, CLAUDE_CODE_MAX_TOOL_USE_CONCURRENCY: {value: '1', when: {cli: '<2.1.154'}}}",
    "settings: {permissions.disableBypassPermissionsMode: disable, effortLevel: {one-of: [low, medium, high]}, cleanupPeriodDays: 30, env.OWN: {absent: true}, hooks.x: {absent: true}}\nenv: {OWN: {absent: true}}",
    "settings: {forceLoginMethod: {value: claudeai, when: {provider: anthropic}}}\ngateways: [{url: 'https://llm.acme.example/*'}]",
    "settings: {requiredMinimumVersion: 2.1.163, requiredMaximumVersion: 2.1.330}\ncli: {versions: '>=2.1.163, <=2.1.330'}",
    "gateways: [{url: 'https://a.example/v1'}, {url: 'https://*.example/*', kind: litellm, versions: '>=1.91', deny: {1.107.0: bad}, clients: '>=2.1.170'}, {url: '*'}]",
    "gateways: [{url: 'https://a.example', kind: our-own, upstream: bedrock, versions: '>1.0, <1.0.1'}, {url: 'https://b.example', versions: '*'}]\nenv: {X: {value: '1', when: {upstream: bedrock, gateway: '*a.example*'}}}\nother-gateways: deny",
    "overlays:\n- {name: a, when: {kind: image}, cli: {versions: 2.1.330}}\n- {name: b, when: {kind: image, os: linux}, cli: {versions: 2.1.329}}\n- {name: c, when: {kind: machine}, cli: {versions: 2.1.328}}",
    "overlays:\n- {name: a, when: {group: a}, cli: {install: 2.1.330}}\n- {name: b, when: {group: b}, cli: {install: 2.1.329}}",
    "overlays:\n- {name: a, when: {kind: image}, env: {A: '1'}, deny: [{id: A, versions: 2.1.250}]}\n- {name: b, when: {group: b}, env: {A: '1'}, deny: [{id: B, versions: 2.1.248}]}",
    "overlays:\n- {name: a, when: {cli: '<2.1.100'}, env: {A: '1'}}\n- {name: b, when: {cli: '>=2.1.100'}, env: {A: '2'}}",
    "cli: {versions: '>=2.1.163', sha256: {2.1.17: {}}}\noverlays: [{name: old, when: {group: old}, cli: {versions: 2.1.17}}]\nenv: {X: {value: '1', when: {cli: 2.1.17}}}\ngateways: [{url: 'https://a', clients: 2.1.17}]",
    "extensions: {anthropic.claude-code: {pinned: true}}\nenv: {ANTHROPIC_BASE_URL: 'https://llm.acme.example/v1', OUR_OWN: 'x y', MAX_OUTPUT_TOKENS_OF_OURS: {integer: '>=1'}}",
    "overlays:\n- {name: wider, when: {cli: '<2.1.100'}, cli: {versions: '>=2.1.17'}}\ncli: {versions: '>=2.1.163'}",
    "gateways: [{url: 'https://a.example', upstream: bedrock, clients: '>=2.1.156'}]\nenv: {CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS: {value: '1', when: {upstream: [bedrock, vertex]}}}",
    "gateways: [{url: 'https://a.example', kind: LiteLLM, clients: '>=2.1.156'}]\nother-gateways: deny\nenv: {CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS: {value: '1', when: {provider: gateway}}}",
    "settings: {userID: {absent: true}, permissions.somethingNew: true}\ncli: {auto-update: false}\nenv: {DISABLE_AUTOUPDATER: {absent: true}, DISABLE_UPDATES: {value: '1', when: {cli: '>=2.1.118'}}}",
    "rollout: [{group: canary, soak: 24h}, {group: early, batch: '25%', soak: 7d}, {group: '*'}]",
    "extensions: {anthropic.claude-code: {versions: '>=2.1.163', pinned: true, match-cli: true}, redhat.vscode-yaml: {versions: 1.15.0}}\ncli: {versions: '>=2.1.163'}",
    "editor-settings: {extensions.autoUpdate: false, claudeCode.useTerminal: true}",
    "extends: [default]\ndeny: [{id: CCF-DENY-1, lifted: measured again}]",
]  # fmt: skip


@pytest.mark.parametrize("text", CLEAN)
def test_nothing_is_said_of_what_is_right(text: str, tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(f"policy: p\n{text}\n", encoding="utf-8")
    assert said(str(file)) == f"{file}: read without errors\nexit 0\n"


@pytest.mark.parametrize("name", packaged())
def test_packaged_policies_are_clean_and_not_the_affair_of_who_extends_them(name: str, tmp_path: Path) -> None:
    assert "error" not in said(name).replace("read without errors", "")
    file = tmp_path / "p.yaml"
    file.write_text(f"policy: p\nextends: [{name}]\n", encoding="utf-8")
    assert said(str(file)) == f"{file}: read without errors\nexit 0\n"


def test_a_packaged_policy_by_its_own_name_is_judged(tmp_path: Path) -> None:
    """Else those who write them would be told nothing."""
    loaded = load(["strict"])
    assert loaded.inherited == {"default@1.yaml"} or len(loaded.inherited) == 1
    old = loaded._replace(policy=loaded.policy._replace(cli=loaded.policy.cli._replace(install="2.1.155")))
    assert [remark.place.file for remark in lint(old) if remark.severity == "error"] == ["strict.yaml"]


def test_a_key_is_found_in_the_file_that_says_it(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("policy: base\ncli:\n  gate: derive\n  versions: '>=2.1.150'\n", encoding="utf-8")
    (tmp_path / "mine.yaml").write_text("policy: mine\nextends: [./base.yaml]\ncli:\n\n  install: 2.1.155\n", encoding="utf-8")
    found = [(Path(remark.place.file).name, remark.place.line, remark.place.column, remark.where) for remark in lint(load([str(tmp_path / "mine.yaml")]))]
    assert found == [("base.yaml", 3, 3, "cli.gate"), ("mine.yaml", 5, 3, "cli.install")]


def test_lint_as_data(here: Path) -> None:
    out, code = said("pin-never-published.yaml", "rollout-without-an-end.yaml", "--format", "json").rsplit("exit ", 1)
    remarks = json.loads(out)
    assert code == "1\n"
    assert [set(remark) for remark in remarks] == [{"severity", "file", "line", "column", "where", "message"}] * 3
    assert remarks[1] == {
        "severity": "error", "file": "pin-never-published.yaml", "line": 4, "column": 3, "where": "cli.install",
        "message": "2.1.155 was never published on npm; there are 2.1.154 and 2.1.156",
    }  # fmt: skip
    assert said("extended/base.yaml", "broken-yaml.yaml", "--format", "json").endswith("exit 2\n")


def test_nothing_is_said_of_days_without_a_day(here: Path) -> None:
    assert not [remark for remark in lint(load(["waivers-and-their-days.yaml"])) if remark.where.endswith("until")]


@pytest.mark.parametrize(("today", "expected"), [
    ("2026-11-09", ""),
    ("2026-11-10", "note: waivers.0.until: it ends on 2026-11-24, in 14 days; ask ada for a repair or a new date\n"),
    ("2026-11-23", "note: waivers.0.until: it ends on 2026-11-24, in 1 day; ask ada for a repair or a new date\n"),
    ("2026-11-24", "note: waivers.0.until: it ends on 2026-11-24, today; ask ada for a repair or a new date\n"),
    ("2026-11-25", "warning: waivers.0.until: it ended on 2026-11-24, and excuses nothing; delete it, or agree on a new date\n"),
])  # fmt: skip
def test_the_last_day_counts_whole(today: str, expected: str, tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text("policy: p\nwaivers: [{check: env-flag, until: 2026-11-24, reason: r, owner: ada}]\n", encoding="utf-8")
    shown = said(str(file), today=today).splitlines(keepends=True)
    assert [line.partition(": ")[2] for line in shown[:-2]] == ([expected] if expected else [])


ZONES = ("UTC", "Pacific/Kiritimati", "Pacific/Niue")  # UTC+14 and UTC-11: at any moment two of the three have different days
MOMENT = """
import sys, time
told = float(sys.argv.pop(1))
gmtime = time.gmtime
time.gmtime = lambda *at: gmtime(*at) if at else gmtime(told)
time.time = lambda: told
from cc_fleet.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(("moment", "over"), [("2026-11-24T23:59:59", False), ("2026-11-25T00:00:01", True), ("2026-11-24T00:00:01", False)])
def test_days_are_utc_wherever_the_machine_is(moment: str, over: bool, tmp_path: Path) -> None:
    """The clock is given to the real program, which runs in the zone: lint and audit go by one and the same day."""
    file, tree = tmp_path / "p.yaml", tmp_path / "root"
    (tree / "home/ada/.claude").mkdir(parents=True)
    (tree / "etc").mkdir()
    (tree / "etc/passwd").write_text("ada:x:1000:1000::/home/ada:/bin/bash\n", encoding="utf-8")
    (tree / "home/ada/.claude/settings.json").write_text('{"env": {"DISABLE_AUTOUPDATER": "0"}}', encoding="utf-8")
    file.write_text("policy: p\nenv: {DISABLE_AUTOUPDATER: '1'}\nwaivers: [{check: env-flag, until: 2026-11-24, reason: r, owner: ada}]\n", encoding="utf-8")
    seconds = str(calendar.timegm(time.strptime(moment, "%Y-%m-%dT%H:%M:%S")))
    for arguments in (["policy", "lint", str(file)], ["audit", "--policy", str(file), "--root", str(tree), "--color", "never"]):
        shown = [run_at(seconds, zone, arguments) for zone in ZONES]
        assert shown[0] == shown[1] == shown[2]
        assert ("ended on 2026-11-24" in shown[0]) is over
        if arguments[0] == "audit":
            assert ("exit 1" in shown[0]) is over


def run_at(seconds: str, zone: str, arguments: list[str]) -> str:
    environ = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "TZ": zone, "PYTHONPATH": str(Path(__file__).parents[2])}
    ran = subprocess.run([sys.executable, "-c", MOMENT, seconds, *arguments], capture_output=True, text=True, env=environ, check=False)
    assert "Traceback" not in ran.stderr
    return f"{ran.stdout}{ran.stderr}exit {ran.returncode}"


@pytest.mark.parametrize("text", [
    "env:\n" + "".join(f"  CLAUDE_CODE_X_{n}: '{n}'\n" for n in range(8_000)),
    "settings:\n" + "".join(f"  keyOfOurs{n}: {n}\n" for n in range(8_000)),
    "overlays:\n" + "".join(f"- {{name: o{n}, when: {{group: g{n % 7}}}, env: {{A: '{n}'}}}}\n" for n in range(2_000)),
    "gateways:\n" + "".join(f"- {{url: 'https://h{n}.example/*'}}\n" for n in range(4_000)),
    "waivers:\n" + "".join(f"- {{check: cli-version, allow: {{versions: '<2.1.{n % 300}'}}, until: 2027-01-01, reason: r}}\n" for n in range(3_000)),
], ids=("env", "settings", "overlays", "gateways", "waivers"))  # fmt: skip
def test_policies_of_many_thousand_lines_end(text: str, tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(f"policy: p\n{text}", encoding="utf-8")
    start = time.process_time()
    said(str(file))
    assert time.process_time() - start < 20


def test_a_remark_is_one_line_of_printable_text(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text('policy: p\noverlays: [{name: "a\\e[31m\\nb", when: {}}]\nextensions: {"x\\r\\u2028y": {}}\n', encoding="utf-8")
    lines = said(str(file)).split("\n")
    assert [line for line in lines if not line.isprintable()] == []
    assert len(lines) == 6


@pytest.mark.parametrize(("text", "expected"), [
    ("cli: {versions: '>=2.1.30, <=2.1.200'}", [(3, "cli.versions: cli.gate (strict.yaml): clients before 2.1.163"), (3, "cli.versions: env.CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS (strict.yaml): the policy admits 2.1.30 and 2.1.31")]),
    ("deny: [{id: x, versions: 2.1.170}]", [(3, "deny: cli.gate (strict.yaml): a gate is one range without holes, so it lets 2.1.170 start")]),
    ("cli: {auto-update: {channel: stable}}", [(3, "cli.auto-update: auto-update lets clients update themselves, and env wants DISABLE_AUTOUPDATER")]),
])  # fmt: skip
def test_what_one_makes_of_a_packaged_policy_is_told_at_ones_own_key(text: str, expected: list[tuple[int, str]], tmp_path: Path) -> None:
    """Else it would stand in a file of which nothing is said."""
    file = tmp_path / "p.yaml"
    file.write_text(f"policy: p\nextends: [strict]\n{text}\n", encoding="utf-8")
    found = list(lint(load([str(file)])))
    assert [(remark.place.file, remark.place.line) for remark in found] == [(str(file), line) for line, _ in expected]
    assert all(f"{remark.where}: {remark.message}".startswith(text) for remark, (_, text) in zip(found, expected, strict=True))


def test_no_secret_is_shown(here: Path) -> None:
    assert not re.search("hunter2|my-own-token|sk-ant", said("secrets-in-a-policy.yaml"))


TEXTS = tuple(re.sub(r"(?m)^(groups|extends|advisories): .*$", "", path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.yaml")))
ODD = ('"*"', '""', "2.1.155", '">=99"', '"<0"', "[]", "{}", "null", '"a b"', "-1", "{absent: true}", '"https://[::1/*"', '"||"', '"* || *"', '"1.0.post1"', '"v2.1.3"', '"?"', '"١"')  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.randoms(use_true_random=False))
def test_whatever_can_be_read_can_be_linted(random: Random) -> None:
    """Policies in which words have changed places with others, and with odd ones."""
    text = random.choice(TEXTS)
    for _ in range(random.randint(1, 4)):
        words = list(re.finditer(r'"[^"\n]*"|[\w.<>=-]+', text))
        if not words:  # all have become odd ones
            break
        word = random.choice(words)
        text = text[: word.start()] + (random.choice(ODD) if random.random() < 0.6 else random.choice(words)[0]) + text[word.end() :]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "p.yaml"
        file.write_text(text, encoding="utf-8")
        with contextlib.suppress(PolicyError):
            assert all(str(remark).startswith(str(file)) for remark in lint(load([str(file)]), TODAY, {}))
