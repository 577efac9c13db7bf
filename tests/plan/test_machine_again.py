"""Planning again what was carried out gives nothing, whatever stood there: on systems and policies that are put together by chance."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.plan import simulator
from tests.plan.test_machine import Drafted, agrees, line

VERSIONS = ("2.1.17", "2.1.81", "2.1.112", "2.1.153", "2.1.163", "2.1.200", "2.1.330")
RANGES = (*VERSIONS, "<=2.1.17", "<=2.1.153", ">=2.1.163", ">=2.1.163, <=2.1.250", ">=2.1.17, !=2.1.330", ">=2.1.200")
TEXTS = ("", "0", "1", "2", "low", "high")
NAMES = ("CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS", "CLAUDE_CODE_MAX_TOOL_USE_CONCURRENCY", "DISABLE_AUTOUPDATER", "DISABLE_TELEMETRY", "CLAUDE_CODE_EFFORT_LEVEL", "ANTHROPIC_BETAS")
KEYS = ("effortLevel", "model", "cleanupPeriodDays")
MANAGED = "/etc/claude-code/managed-settings"
FILES = (f"{MANAGED}.json", f"{MANAGED}.d/50-cc-fleet.json", f"{MANAGED}.d/90-team.json", "/home/ada/.claude/settings.json", "/home/ada/.claude/remote-settings.json")
WHENS: tuple[dict[str, str], ...] = ({}, {"cli": "<=2.1.153"}, {"cli": ">=2.1.200"}, {"provider": "gateway"})

when = st.sampled_from(WHENS).map(lambda said: {"when": said} if said else {})
rule = st.one_of(
    st.sampled_from(TEXTS).map(lambda text: {"value": text}), st.just({"absent": True}), st.just({"integer": ">=1, <=10"}), st.just({"one-of": ["low", "1"]}),
)  # fmt: skip
switch = st.sampled_from(({}, {"locked": True}, {"required": True}))
variables = st.dictionaries(st.sampled_from(NAMES), st.builds(lambda one, two, more: {**one, **two, **(more if "locked" in more or ("value" not in one and "absent" not in one) else {})}, rule, when, switch), max_size=3)
wanted = st.dictionaries(st.sampled_from(KEYS), st.one_of(st.sampled_from(("low", 30)).map(lambda value: {"value": value}), st.just({"absent": True})), max_size=2)
cli = st.fixed_dictionaries({}, optional={
    "versions": st.sampled_from(RANGES), "install": st.sampled_from(VERSIONS), "gate": st.sampled_from(("derive", "off")),
    "auto-update": st.sampled_from((True, False, {"channel": "stable"})), "one-install": st.sampled_from(("report", "remove")),
})  # fmt: skip
extension = st.fixed_dictionaries({}, optional={"versions": st.sampled_from(RANGES), "pinned": st.booleans(), "match-cli": st.booleans()})
policy = st.builds(
    lambda env, said, rules, ext, editor: {"env": env, "settings": said, "cli": rules, "extensions": {"anthropic.claude-code": ext}, "editor-settings": editor},
    variables, wanted, cli, extension, st.dictionaries(st.sampled_from(("extensions.autoUpdate", "update.mode")), st.sampled_from((False, "none")), max_size=2),
)  # fmt: skip
document = st.builds(
    lambda env, said: {**said, **({"env": env} if env else {})}, st.dictionaries(st.sampled_from(NAMES), st.sampled_from(TEXTS), max_size=3),
    st.fixed_dictionaries({}, optional={
        "effortLevel": st.sampled_from(("low", "high")), "model": st.sampled_from(("low", "opus")), "cleanupPeriodDays": st.sampled_from((5, 30)),
        "requiredMinimumVersion": st.sampled_from(("2.1.163", "2.1")), "requiredMaximumVersion": st.sampled_from(("2.1.200", "2.1.330", "x")),
        "autoUpdatesChannel": st.sampled_from(("latest", "stable")),
    }),
)  # fmt: skip
system = st.fixed_dictionaries({
    "as": st.sampled_from(("root", "root", "ada")), "files": st.dictionaries(st.sampled_from(FILES), document, max_size=3), "npm": st.dictionaries(st.sampled_from(("/usr/local", "/usr")), st.sampled_from(VERSIONS), max_size=2),
    "native": st.lists(st.sampled_from(VERSIONS), max_size=2, unique=True), "bob": st.none() | st.sampled_from(VERSIONS), "environment": st.dictionaries(st.sampled_from(NAMES), st.sampled_from(TEXTS[1:]), max_size=1),
    "extension": st.none() | st.fixed_dictionaries({"version": st.sampled_from(VERSIONS), "pinned": st.sampled_from(("true", "false")), "leftover": st.lists(st.sampled_from(VERSIONS), max_size=1)}),
})  # fmt: skip


def written(told: dict[str, Any], rules: dict[str, Any], folder: Path) -> Path:
    """A case that a test can read."""
    ext = told["extension"]
    if ext:
        ext = {**ext, "leftover": [one for one in ext["leftover"] if one != ext["version"]]}
    files = {path: json.dumps(said) for path, said in told["files"].items() if said}
    files["/home/ada/.profile"] = "".join(f"export {name}={value}\n" for name, value in told["environment"].items())
    native = {"ada": told["native"]} if told["native"] else {}
    if told["bob"]:
        native["bob"] = [told["bob"]]
        files["/etc/passwd"] = "ada:x:1000:1000::/home/ada:/bin/bash\nbob:x:1001:1001::/home/bob:/bin/bash\n"
    whole = {"as": told["as"], "policy": rules, "files": files, "npm": told["npm"], "native": native, "extension": {"ada": ext} if ext else {}}
    if told["native"]:  # which writes the profile itself
        del files["/home/ada/.profile"]
    file = folder / "case.yaml"
    file.write_text(json.dumps(whole))
    return file


@settings(max_examples=60, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate], suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(told=system, rules=policy)
def test_planning_again_gives_nothing(told: dict[str, Any], rules: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        one = Drafted(written(told, rules, Path(folder)), Path(folder))
        drafted, found = one.draft()
        silent = agrees(drafted, found)
        one.owned = simulator.carry_out(one.root, drafted.changes, one.owned)
        again, still = one.draft()
        assert [line(change) for change in again.changes] == []
        untold = (silent & agrees(drafted, still)) | agrees(again, still)
        assert [f"{one.check}: {one.problem.message} ({one.problem.place})" for one in still if one.fingerprint in untold] == []
        # Lifting everything takes back what was written, and nothing is left of ours.
        one.loaded = one.loaded._replace(policy=one.loaded.policy._replace(cli=type(one.loaded.policy.cli)(), env={}, settings={}, extensions={}, editor_settings={}))
        lifted, _ = one.draft()
        one.owned = simulator.carry_out(one.root, lifted.changes, one.owned)
        assert [line(change) for change in one.draft()[0].changes] == []
        if told["as"] == "root" and FILES[-1] not in told["files"]:  # the server's, which make of ours a dead file, or one for variables alone
            assert not (one.root / "etc/claude-code/managed-settings.d/50-cc-fleet.json").exists()
            assert not (one.root / "etc/environment.d/50-cc-fleet.conf").exists()
