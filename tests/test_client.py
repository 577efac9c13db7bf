"""What is in force for a client: by hand where a rule is simple, by measured rows where the client's is not."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from cc_fleet.client import Effective, View, managed, matches, shown, truth, validity, views
from cc_fleet.host import facts
from cc_fleet.host.machine import Machine, User
from cc_fleet.host.tree import Disk
from cc_fleet.model import REDACTED, Coverage, Credential, Gateway, Install, Place, Rejected, Setting, Target, Variable

MEASURED = json.loads(Path(__file__).with_name("real").joinpath("measured.json").read_text(encoding="utf-8"))
VERSIONS = ("2.1.25", "2.1.112", "2.1.330")
FLAG = "CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS"
HERE = Place("here")
LADDER = ("process", "global", "user", "project", "local", "managed", "drop-in")

# What our rules knowingly leave out: (question's beginning, case) to the versions that differ, and why.
NOT_COVERED = {
    # The syntax of permission rules and the names of hook events are not modelled: only 2.1.25 voids a file for them.
    ("b-", "perm-bad-rule"): {"2.1.25"},
    ("b-", "hooks-unknown-event"): {"2.1.25"},
}


# Targets made by hand


def target(**groups: Any) -> Target:
    users = groups.pop("users", ("ada",))
    homes = tuple(f"/home/{user}" for user in users)
    return Target("machine", "lab", "linux", "2026-01-01T00:00:00Z", "test", Coverage(False, users, homes, 1), **groups)


def copy(version: str = "2.1.330", *users: str, **more: Any) -> Install:
    return Install(more.pop("product", "cli"), version, "npm", more.pop("place", Place("/client")), users or ("ada",), **more)


def setting(name: str, value: object, scope: str = "user", file: str = "", **more: Any) -> Setting:
    return Setting(tuple(name.split(".")), value, scope, Place(file or f"/{scope}.json", 1), more.pop("user", "ada"), **more)


def env(name: str, value: str | None, origin: str = "process", user: str | None = "ada") -> Variable:
    return Variable(name, value, origin, Place(f"/{origin}", 1), user)


def view(*facts_: Setting | Variable | Rejected | Gateway | Credential, version: str | None = "2.1.330") -> View:
    """The last view of ada: with the project, where there is one."""
    kinds: dict[type, list[Any]] = {}
    for fact in facts_:
        kinds.setdefault(type(fact), []).append(fact)
    found = target(
        installs=(copy(version),) if version else (),
        settings=tuple(kinds.get(Setting, ())), variables=tuple(kinds.get(Variable, ())), rejected=tuple(kinds.get(Rejected, ())),
        gateways=tuple(kinds.get(Gateway, ())), credentials=tuple(kinds.get(Credential, ())),
    )  # fmt: skip
    return list(views(found))[-1]


# Gateways found as software


@pytest.mark.parametrize(("url", "here"), [
    ("http://localhost:4000", True), ("http://127.0.0.1:4000/v1", True), ("http://127.1.2.3", True), ("http://[::1]:4000/", True), ("http://LAB:4000", True),
    ("http://u@localhost/x", True), ("https://llm.acme.example", False), ("http://localhost.acme.example", False), ("http://127.0.0.1.acme.example", False),
    ("http://acme.example/localhost", False), ("http://acme.example@localhost", True), ("http://[::2]", False), ("localhost:4000", False), ("http://[", False),
])  # fmt: skip
def test_software_found_here_answers_at_an_address_of_this_machine(url: str, here: bool) -> None:
    base, litellm = env("ANTHROPIC_BASE_URL", url), Gateway("", "litellm", "1.90.7", HERE)
    asked = view(base, litellm, Gateway("", "litellm", "1.90.7", Place("the same, again"))).gateway()
    kind, version = ("litellm", "1.90.7") if here else (None, None)
    assert asked == Gateway(url, kind, version, Place("/process", 1))
    known = view(base, litellm, Gateway(f"{url}/", "ccr", "2.0.0", HERE)).gateway()
    assert known is not None
    assert known.kind == "ccr", "what is known of a URL goes before what is only found"


def test_of_two_kinds_of_software_none_is_taken_for_the_one_that_answers() -> None:
    software = (Gateway("", "litellm", "1.90.7", HERE), Gateway("", "ccr", None, HERE))
    found = view(env("ANTHROPIC_BASE_URL", "http://localhost:4000"), *software).gateway()
    assert found is not None
    assert (found.kind, found.version) == (None, None)


# Views


def test_what_an_editor_gives_its_extension_moves_no_other_client() -> None:
    """The server is not asked by a client with a gateway: here the extension has one, and the user's own client has none."""
    clients = copy("2.1.330", "ada"), copy("2.1.330", "ada", product="anthropic.claude-code")._replace(method="vscode")
    remote = setting("model", "opus", "remote", user="ada")
    given = env("ANTHROPIC_BASE_URL", "https://llm.example", "editor")._replace(editor="vscode")
    for installs in (clients, clients[::-1]):
        found = {view.install.product: view.setting("model").value for view in views(target(installs=installs, settings=(remote,), variables=(given,))) if view.install}
        assert found == {"cli": "opus", "anthropic.claude-code": None}


def told(found: Target) -> list[tuple[str, str | None, str | None]]:
    return [(v.user, v.project, v.version) for v in views(found)]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (target(), []),
        (target(installs=(copy("2.1.1", "ada"),)), [("ada", None, "2.1.1")]),
        (target(installs=(copy()._replace(active_for=()),)), []),
        (target(installs=(copy()._replace(active_for=None),)), []),
        (target(settings=(setting("model", "opus"),)), [("ada", None, None)]),
        (target(rejected=(Rejected("bad", HERE, "user", "ada"),)), [("ada", None, None)]),
        (target(credentials=(Credential("token", HERE, "owner", "ada"),)), [("ada", None, None)]),
        (target(settings=(setting("model", "opus", "managed", user=None),)), []),
        (target(users=("ada", "bob"), installs=(copy("2.1.1", "ada", "bob"),)), [("ada", None, "2.1.1"), ("bob", None, "2.1.1")]),
        (target(installs=(copy("2.1.1", "eve"),)), []),
        (
            target(installs=(copy("2.1.1"),), settings=(setting("model", "opus", "project", project="/p"), setting("env.A", "1", "project", project="/p"))),
            [("ada", None, "2.1.1"), ("ada", "/p", "2.1.1")],
        ),
        (
            target(users=("ada", "bob"), installs=(copy("2.1.1", "ada", "bob"),), settings=(setting("model", "opus", "local", project="/p"),)),
            [("ada", None, "2.1.1"), ("ada", "/p", "2.1.1"), ("bob", None, "2.1.1")],
        ),
        (
            target(installs=(copy("2.1.1"), copy("2.1.17", product="anthropic.claude-code"))),
            [("ada", None, "2.1.1"), ("ada", None, "2.1.17")],
        ),
    ],
    ids=(
        "nothing", "a copy", "runs for nobody", "unknown for whom", "settings without a copy", "a rejected file without a copy",
        "a credential without a copy", "managed settings alone", "two users", "a user who was not looked at", "in and out of a project",
        "a project is its user's", "an extension has its own copy",
    ),
)  # fmt: skip
def test_views(found: Target, expected: list[tuple[str, str | None, str | None]]) -> None:
    assert told(found) == expected


# Precedence


def source(scope: str, value: str) -> Setting | Variable:
    if scope == "process":
        return env("CLAUDE_X", value)
    project = "/p" if scope in ("project", "local", "root-local") else None
    user = None if scope in validity.MANAGED else "ada"
    return setting("env.CLAUDE_X", value, scope, user=user, project=project)


PAIRS = [(low, high) for at, low in enumerate(LADDER) for high in LADDER[at + 1 :]]


@pytest.mark.parametrize(("low", "high"), PAIRS)
def test_the_higher_scope_wins_and_tells_what_it_beats(low: str, high: str) -> None:
    for first, second in ((low, high), (high, low)):  # in whichever order the facts come
        found = view(source(first, first), source(second, second)).env("CLAUDE_X")
        assert (found.value, [s.scope for s in found.beats]) == (high, [low])
        assert [step.value for step in found.trace()] == [json.dumps(high), json.dumps(low)]


def test_a_local_file_of_the_git_root_is_read_since_2_1_211() -> None:
    both = (source("local", "near"), source("root-local", "far"))
    assert view(*both, version="2.1.210").env("CLAUDE_X").value == "near"
    assert view(*both, version="2.1.211").env("CLAUDE_X").value == "far"


@pytest.mark.parametrize(("version", "value"), [("2.1.82", "file"), ("2.1.83", "drop"), (None, "drop"), ("who knows", "drop"), ("2.1.83-rc.1", "drop")])
def test_a_drop_in_is_read_since_2_1_83_and_by_a_client_of_unknown_version(version: str | None, value: str) -> None:
    seen = view(setting("model", "drop", "drop-in"), setting("model", "file", "managed"), version=version)
    assert seen.setting("model").value == value


def test_of_drop_ins_the_last_in_the_alphabet_wins() -> None:
    names = ("10.json", "9.json", "B.json", "a.json")
    seen = view(*(setting("model", name, "drop-in", f"/etc/claude-code/managed-settings.d/{name}") for name in names))
    assert [step.value for step in seen.setting("model").trace()] == [json.dumps(name) for name in reversed(names)]


def test_of_shell_files_the_last_read_wins_and_the_process_beats_them() -> None:
    origins = ("environment-file", "profile", "shell-rc", "process")
    seen = view(*(env("CLAUDE_X", origin, origin) for origin in origins), env("CLAUDE_X", "again", "profile"))
    assert [step.value for step in seen.env("CLAUDE_X").trace()] == ['"process"', '"shell-rc"', '"again"', '"profile"', '"environment-file"']


def test_another_users_things_are_not_seen() -> None:
    seen = view(setting("model", "opus", user="bob"), env("CLAUDE_X", "1", user="bob"), setting("model", "all", "managed", user=None))
    assert seen.setting("model").value == "all"
    assert seen.env("CLAUDE_X") == Effective(None)


def test_the_global_configuration_gives_variables_only() -> None:
    seen = view(setting("model", "opus", "global"), setting("env.CLAUDE_X", "1", "global"))
    assert seen.setting("model").winner is None
    assert seen.env("CLAUDE_X").value == "1"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x", "x"), (1, "1"), (1.0, "1"), (1e21, "1e+21"), (1.5, "1.5"), (True, "true"), (False, "false"), (None, "null"), ([], ""),
        (["1"], "1"), (["a", None, 2], "a,,2"), ([["a"], "b"], "a,b"), ({}, "[object Object]"), ({"a": 1}, "[object Object]"),
    ],
)  # fmt: skip
def test_a_json_value_reaches_the_environment_as_javascript_writes_it(value: object, text: str) -> None:
    assert view(setting("env.CLAUDE_X", value)).env("CLAUDE_X").value == text


def test_effective_says_what_is_unknown_hidden_and_managed() -> None:
    assert view(env("CLAUDE_X", None)).env("CLAUDE_X").unknown
    assert not view().env("CLAUDE_X").unknown
    assert view(env("CLAUDE_X", REDACTED)).env("CLAUDE_X").hidden
    assert view(setting("model", "x", "managed")).setting("model").managed
    assert not view(setting("model", "x")).setting("model").managed
    assert (shown(REDACTED), shown("ü"), shown([1])) == (REDACTED, '"ü"', "[1]")


# Truth


@pytest.mark.parametrize(
    ("name", "text", "on"),
    [
        (FLAG, None, False), (FLAG, "1", True), (FLAG, " YES ", True), (FLAG, "2", False), (FLAG, "", False),
        ("DISABLE_TELEMETRY", "0", True), ("DISABLE_TELEMETRY", "", False), ("IS_DEMO", "false", True),
    ],
)  # fmt: skip
def test_switches(name: str, text: str | None, on: bool) -> None:
    assert truth.is_on(name, text) is on


@pytest.mark.parametrize(
    ("name", "text", "wanted", "same"),
    [
        (FLAG, "true", "1", True), (FLAG, "on", "TRUE", True), (FLAG, "0", "1", False), (FLAG, "", "0", True), (FLAG, "off", "0", True),
        (FLAG, "2", "0", False), (FLAG, "2", "1", False), ("DISABLE_TELEMETRY", "yes", "1", True), ("DISABLE_TELEMETRY", "0", "0", False),
        ("DISABLE_TELEMETRY", "", "0", True), ("ANTHROPIC_MODEL", "opus", "opus", True), ("ANTHROPIC_MODEL", "Opus", "opus", False),
    ],
)  # fmt: skip
def test_same_as_the_client_reads_it(name: str, text: str, wanted: str, same: bool) -> None:
    assert truth.same(name, text, wanted) is same


@pytest.mark.parametrize(("text", "number"), [("7", 7), ("-1", -1), ("007", 7), ("1e1", None), (" 1", None), ("1.0", None), ("", None), ("٣", None)])
def test_integer_is_plain_digits(text: str, number: int | None) -> None:
    assert truth.integer(text) == number


CONCURRENT = [row for row in MEASURED["measured"] if row["question"] in ("d-env", "d-user") and row["case"] != "unset"]


@pytest.mark.parametrize("row", CONCURRENT, ids=lambda row: f"{row['question']} {row['case']}")
def test_concurrency_as_measured(row: dict[str, Any]) -> None:
    peaks = row["peak"] if isinstance(row["peak"], dict) else dict.fromkeys(("2.1.17", "2.1.25", "2.1.112", "2.1.153"), row["peak"])
    allowed = {version: truth.concurrency(row["case"], numbers(version)) for version in peaks}
    assert {version: row["parallel"] if n is None else min(n, row["parallel"]) for version, n in allowed.items()} == peaks


# Provider, gateway, model, credentials


@pytest.mark.parametrize(
    ("given", "provider", "url"),
    [
        ({}, "anthropic", None),
        ({"ANTHROPIC_BASE_URL": ""}, "anthropic", None),
        ({"ANTHROPIC_BASE_URL": "https://api.anthropic.com"}, "anthropic", None),
        ({"ANTHROPIC_BASE_URL": "https://API.Anthropic.com:443/x"}, "anthropic", None),
        ({"ANTHROPIC_BASE_URL": "https://anthropic.com.evil.example"}, "gateway", "https://anthropic.com.evil.example"),
        ({"ANTHROPIC_BASE_URL": "https://xanthropic.com"}, "gateway", "https://xanthropic.com"),
        ({"ANTHROPIC_BASE_URL": "https://[broken"}, "gateway", "https://[broken"),
        ({"ANTHROPIC_BASE_URL": "https://gw.example/"}, "gateway", "https://gw.example/"),
        ({"CLAUDE_CODE_USE_GATEWAY": "1"}, "gateway", None),
        ({"CLAUDE_CODE_USE_BEDROCK": "1"}, "bedrock", None),
        ({"CLAUDE_CODE_USE_BEDROCK": "0"}, "anthropic", None),
        ({"CLAUDE_CODE_USE_BEDROCK": "1", "ANTHROPIC_BEDROCK_BASE_URL": "https://b.example"}, "bedrock", "https://b.example"),
        ({"CLAUDE_CODE_USE_BEDROCK": "1", "ANTHROPIC_BASE_URL": "https://gw.example"}, "bedrock", None),
        ({"CLAUDE_CODE_USE_VERTEX": "true", "ANTHROPIC_VERTEX_BASE_URL": "https://v.example"}, "vertex", "https://v.example"),
        ({"CLAUDE_CODE_USE_FOUNDRY": "1", "ANTHROPIC_FOUNDRY_BASE_URL": "https://f.example"}, "foundry", "https://f.example"),
        ({"CLAUDE_CODE_USE_MANTLE": "1", "ANTHROPIC_BEDROCK_MANTLE_BASE_URL": "https://m.example"}, "mantle", "https://m.example"),
        ({"CLAUDE_CODE_USE_VERTEX": "1", "CLAUDE_CODE_USE_BEDROCK": "1"}, "bedrock", None),
    ],
)
def test_provider_and_gateway(given: dict[str, str], provider: str, url: str | None) -> None:
    seen = view(*(env(name, value) for name, value in given.items()))
    found = seen.gateway()
    assert (seen.provider(), found.url if found else None) == (provider, url)


def test_a_gateway_is_known_by_its_url() -> None:
    seen = view(env("ANTHROPIC_BASE_URL", "https://gw.example/"), Gateway("https://gw.example", "litellm", "1.91.0", HERE))
    assert seen.gateway() == Gateway("https://gw.example/", "litellm", "1.91.0", Place("/process", 1))


def test_a_gateway_that_only_a_shell_would_tell_is_none() -> None:
    assert view(env("ANTHROPIC_BASE_URL", None)).gateway() is None


def test_model_is_the_variables_before_the_settings() -> None:
    assert view().model() is None
    assert view(setting("model", "opus")).model() == "opus"
    assert view(setting("model", "opus"), env("ANTHROPIC_MODEL", "haiku")).model() == "haiku"
    assert matches("claude-Opus-5", ("x", "*opus*"))
    assert not matches(None, ("*",))


def test_credentials_are_ones_own_and_everybodys() -> None:
    given = [Credential(kind, HERE, "owner", user) for kind, user in (("a", "ada"), ("b", "bob"), ("c", None))]
    assert view(*given).credentials() == {"a", "c"}


# Voided files


def test_a_voided_file_gives_nothing() -> None:
    seen = view(setting("model", 5), setting("env.CLAUDE_X", "1"), env("CLAUDE_X", "0"))
    assert seen.env("CLAUDE_X").value == "0"
    assert [(void.reason, void.starts) for void in seen.voided()] == [("model is not a text", True)]


@pytest.mark.parametrize(
    ("fact", "last", "first", "before", "after"),
    [
        (setting("cleanupPeriodDays", 0), "2.1.83", "2.1.84", "read", "dropped"),
        (setting("hooks", REDACTED), "2.1.131", "2.1.132", "dropped", "read"),
        (setting("permissions.allow", [5]), "2.1.49", "2.1.50", "dropped", "read"),
        (setting("model", 5, "managed"), "2.1.165", "2.1.166", "dropped", "read"),
        (setting("model", 5, "drop-in"), "2.1.165", "2.1.166", "dropped", "read"),
        (setting("model", 5), "2.1.165", "2.1.330", "dropped", "dropped"),
        (setting("cleanupPeriodDays", True), "2.1.25", "2.1.330", "dropped", "dropped"),
        (setting("permissions.defaultMode", "plan"), "2.1.25", "2.1.330", "read", "read"),
        (setting("model", 5, "global"), "2.1.25", "2.1.330", "read", "read"),
        (Rejected("big", HERE, "user", "ada", "size"), "2.1.190", "2.1.191", "read", "dropped"),
        (Rejected("bad", HERE, "user", "ada"), "2.1.25", "2.1.330", "dropped", "dropped"),
        (Rejected("bad", HERE, "managed"), "2.1.257", "2.1.258", "dropped", "no start"),
        (Rejected("bad", HERE, "drop-in"), "2.1.257", "2.1.258", "dropped", "no start"),
        (Rejected("big", HERE, "managed", None, "size"), "2.1.190", "2.1.330", "read", "no start"),
        (Rejected("bad", HERE, "global", "ada"), "2.1.25", "2.1.330", "no start", "no start"),
    ],
)
def test_what_a_version_does_with_a_file(fact: Setting | Rejected, last: str, first: str, before: str, after: str) -> None:
    for version, expected in ((last, before), (first, after)):
        found = list(validity.voided(target(**{"settings" if isinstance(fact, Setting) else "rejected": (fact,)}), numbers(version)))
        assert ("read" if not found else "dropped" if found[0].starts else "no start") == expected, version


def test_the_first_reason_of_a_file_is_told_once() -> None:
    found = target(settings=(setting("model", 5), setting("env", [])), rejected=(Rejected("bad", Place("/user.json"), "user", "ada"),))
    assert [void.reason for void in validity.voided(found, (2, 1, 330))] == ["bad"]


def numbers(version: str) -> tuple[int, int, int]:
    first, second, third = map(int, version.split("."))
    return first, second, third


# Against what real clients did


def layout(row: dict[str, Any]) -> dict[str, Any]:
    """The files and environment of a measured row, where its question says them and its layout does not."""
    if "layout" in row:
        return dict(row["layout"])
    question, case = row["question"], row["case"]
    kind, _, scope = question.partition("-")
    text = _file(case) if kind == "b" else json.dumps({"env": {FLAG: case}})
    if question.startswith("a-raw"):
        scope, text = question[6:] or "user", f'{{"env":{{"{FLAG}":{case}}}}}'
    if question == "a0":
        return {"user": '{"env":{}}'}
    if question == "a-env":
        return {"environ": {FLAG: case}}
    if question == "c-pair":
        return _pair(re.findall(r"(\w+)='(.?)'", case))
    if question == "c-drop2":
        return {"drop_ins": {f"{n}.json": json.dumps({"env": {FLAG: v}}) for n, v in re.findall(r"(\w+)=(\d)", case)}}
    return {"drop_ins": {"50-x.json": text}} if scope == "dropin" else {scope: text}


def _pair(given: list[tuple[str, str]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for scope, value in given:
        text = json.dumps({"env": {FLAG: value}})
        if scope == "env":
            found["environ"] = {FLAG: value}
        elif scope == "dropin":
            found["drop_ins"] = {"50-x.json": text}
        else:
            found[scope] = text
    return found


def _file(case: str) -> str:
    text = MEASURED["files"][case] or ""
    if cut := re.search(r"\.\.\.\[(\d+)\]$", text):
        head = text[: cut.start()]
        size, good = int(cut[1]), MEASURED["files"]["good"]
        return head.ljust(size) if head[-1] == " " else f'{{"fooBar":"{"x" * (size - len(good) - 12)}",{good[1:]}'
    return str(text)


def read(row: dict[str, Any], version: str, root: Path) -> View:
    """What cc-fleet makes of a row's files.  The run's root is /mnt, its etc/ is /etc/claude-code."""
    given = layout(row)
    names = {"user": "home/.claude/settings.json", "project": "work/.claude/settings.json",
             "local": "work/.claude/settings.local.json", "managed": "etc/managed-settings.json"}  # fmt: skip
    files = {path: given[name] for name, path in names.items() if given.get(name) is not None}
    files |= {f"etc/managed-settings.d/{name}": text for name, text in given.get("drop_ins", {}).items()}
    for path, text in {**files, **given.get("files", {})}.items():
        file = _on_disk(root, path)
        folder = file if path.endswith("/") else file.parent
        folder.mkdir(parents=True, exist_ok=True)
        if not path.endswith("/"):
            file.write_bytes(text.replace("@DEB", FLAG).encode("utf-8", "surrogateescape"))
    for path, link in given.get("links", {}).items():
        _on_disk(root, path).parent.mkdir(parents=True, exist_ok=True)
        _on_disk(root, path).symlink_to(link)
    (root / "mnt/home").mkdir(parents=True, exist_ok=True)
    ada = User("ada", "/mnt/home", "sh")
    environ = {name.replace("@DEB", FLAG): value for name, value in given.get("environ", {}).items()}
    machine = Machine(Disk(str(root)), "machine", "lab", "linux", (ada,), privileged=False, environ={"HOME": "/mnt/home", **environ},
                      caller=ada, cwd=f"/mnt/{given.get('cwd', 'work')}")  # fmt: skip
    found = facts.collect(machine)
    return list(views(found._replace(installs=(copy(version),))))[-1]


def _on_disk(root: Path, path: str) -> Path:
    return root / ("etc/claude-code" + path[3:] if path.startswith("etc/") else f"mnt/{path}")


def rows(*questions: str) -> list[dict[str, Any]]:
    return [row for row in MEASURED["measured"] if row["question"].startswith(questions) and "in_effect" in row]


def expected(row: dict[str, Any], version: str) -> str:
    effect = row["in_effect"]
    return {True: "on", False: "off", None: "no start"}[effect[version] if isinstance(effect, dict) else effect]


def predicted(row: dict[str, Any], version: str, root: Path) -> str:
    """on, off or no start; ``gap`` where cc-fleet says that it does not know."""
    seen = read(row, version, root)
    if seen.target.gaps:
        return "gap"
    if not all(void.starts for void in seen.voided()):
        return "no start"
    return "on" if seen.is_on(FLAG) else "off"


def left_out(row: dict[str, Any]) -> set[str]:
    return next((versions for (begin, case), versions in NOT_COVERED.items() if row["question"].startswith(begin) and row["case"] == case), set())


def named(row: dict[str, Any]) -> str:
    return f"{row['question']} {row['case'].encode('unicode_escape').decode()}"


@pytest.mark.parametrize("row", rows("a", "b-", "c-", "e", "g-", "h", "i"), ids=named)
def test_the_flag_is_in_effect_where_real_clients_had_it(row: dict[str, Any], tmp_path: Path) -> None:
    versions = [version for version in row.get("version", VERSIONS) if version in VERSIONS]
    told = {version: predicted(row, version, tmp_path / version) for version in versions}
    differ = {version for version in versions if told[version] not in ("gap", expected(row, version))}
    assert differ == left_out(row), f"told {told}, measured {row['in_effect']}"


def test_few_measured_rows_are_gaps(tmp_path: Path) -> None:
    """What we do not know must be told, and must stay the exception."""
    unknown = [named(row) for at, row in enumerate(rows("a", "b-", "c-", "e", "g-", "h", "i")) if predicted(row, "2.1.330", tmp_path / str(at)) == "gap"]
    assert all(re.search(r" ccd|dir|drop-d-is-file|CONFIG_DIR", name) for name in unknown), unknown


# Managed sources.

ALL = ("remote", "plist", "hklm", "windows", "managed", "drop-in", "program-data", "hkcu")


@pytest.mark.parametrize(("present", "version", "settings", "env"), [
    (ALL, (2, 1, 330), {"remote"}, set(ALL) - {"hkcu", "program-data"}),
    (ALL, (2, 1, 222), {"remote"}, {"remote"}),
    (("plist", "managed"), (2, 1, 330), {"plist"}, {"plist", "managed"}),
    (("hklm", "managed", "hkcu"), (2, 1, 222), {"hklm"}, {"hklm"}),
    (("hklm", "managed"), (2, 1, 74), {"managed"}, {"managed"}),
    (("windows", "managed"), (2, 1, 330), {"windows"}, {"windows", "managed"}),
    (("windows", "managed"), (2, 1, 117), {"managed"}, {"managed"}),
    (("managed", "drop-in"), (2, 1, 330), {"managed", "drop-in"}, {"managed", "drop-in"}),
    (("managed", "drop-in"), (2, 1, 82), {"managed"}, {"managed"}),
    (("hkcu", "program-data"), (2, 1, 330), {"hkcu"}, {"hkcu"}),
    (("program-data",), (2, 1, 74), {"program-data"}, {"program-data"}),
    (("program-data", "managed"), (2, 1, 74), {"managed"}, {"managed"}),
    (("program-data",), (2, 1, 75), set(), set()),
    ((), (2, 1, 330), set(), set()),
    (("user", "project"), (2, 1, 330), set(), set()),
])  # fmt: skip
def test_which_managed_source_is_in_force(present: tuple[str, ...], version: tuple[int, int, int], settings: set[str], env: set[str]) -> None:
    assert managed.in_force(frozenset(present), version) == managed.Managed(frozenset(settings), frozenset(env))


def test_without_the_union_only_the_winners_variables_count() -> None:
    assert managed.in_force(frozenset(ALL), (2, 1, 330), union=False) == managed.Managed(frozenset(("remote",)), frozenset(("remote",)))


def of_scopes(*stated: tuple[str, str, Any], version: str = "2.1.330", variables: tuple[Variable, ...] = ()) -> View:
    """The view of a client on a machine whose sources say so: (scope, key, value)."""
    settings = tuple(Setting(tuple(name.split(".")), value, scope, Place(scope, 1), None if scope != "remote" else "ada") for scope, name, value in stated)
    target = Target(
        "machine", "m", "windows", "2026-01-01T00:00:00Z", "x", Coverage(True, ("ada",), ("C:/Users/ada",), 1),
        installs=(Install("cli", version, "npm", Place("x"), ("ada",)),), settings=settings, variables=variables,
    )  # fmt: skip
    (view,) = views(target)
    return view


def test_a_source_in_force_beats_and_hides_the_lower_ones() -> None:
    view = of_scopes(("managed", "model", "sonnet"), ("managed", "verbose", True), ("hklm", "model", "opus"), ("user", "model", "haiku"))  # fmt: skip
    assert (view.setting("model").value, [source.scope for source in view.setting("model").beats]) == ("opus", ["user"])
    assert view.setting("verbose").winner is None
    assert view.setting("model").managed


def test_variables_are_taken_from_every_administrators_source() -> None:
    stated = (("managed", "env.A", "file"), ("managed", "env.B", "file"), ("hklm", "env.A", "registry"), ("hkcu", "env.C", "user"))
    view = of_scopes(*stated)
    assert [view.env(name).value for name in "ABC"] == ["registry", "file", None]
    assert [of_scopes(*stated, version="2.1.222").env(name).value for name in "ABC"] == ["registry", None, None]
    no_union = (Variable("CLAUDE_CODE_DISABLE_ADMIN_ENV_UNION", "1", "registry", Place("x"), "ada"),)
    assert [of_scopes(*stated, variables=no_union).env(name).value for name in "ABC"] == ["registry", None, None]


def test_what_the_users_registry_says_the_user_can_change() -> None:
    view = of_scopes(("hkcu", "model", "opus"), ("user", "model", "haiku"))
    assert (view.setting("model").value, view.setting("model").managed) == ("opus", False)


@pytest.mark.parametrize(("stated", "asked"), [
    ((), True), ((("user", "env.ANTHROPIC_BASE_URL", "https://llm.example"),), False), ((("user", "env.ANTHROPIC_BASE_URL", "https://api.anthropic.com"),), True),
    ((("user", "env.CLAUDE_CODE_USE_BEDROCK", "1"),), False), ((("user", "apiKeyHelper", REDACTED),), False),
    ((("remote", "env.ANTHROPIC_BASE_URL", "https://llm.example"),), True),
])  # fmt: skip
def test_the_servers_settings_count_where_they_are_asked_for(stated: tuple[tuple[str, str, Any], ...], asked: bool) -> None:
    view = of_scopes(("remote", "model", "opus"), ("managed", "model", "sonnet"), *stated)
    assert view.setting("model").value == ("opus" if asked else "sonnet")


def test_a_source_that_is_not_taken_hides_nothing() -> None:
    """A wrong type voids the whole source before 2.1.166."""
    stated = (("hklm", "model", 5), ("managed", "model", "sonnet"))
    assert of_scopes(*stated, version="2.1.162").setting("model").value == "sonnet"


@pytest.mark.parametrize("product", ["cli", "anthropic.claude-code"])
def test_the_editors_variables_are_for_its_extension(product: str) -> None:
    variables = (Variable("A", "editor", "editor", Place("x"), "ada"), Variable("A", "shell", "process", Place("x"), "ada"))
    target = of_scopes(variables=variables).target
    target = target._replace(installs=(target.installs[0]._replace(product=product), target.installs[0]._replace(product="jetbrains.claude-code", version="0.1.11")))
    (view,) = views(target)
    assert view.env("A").value == ("editor" if product != "cli" else "shell")
