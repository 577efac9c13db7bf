"""What may leave a file as a value: never what looks like a key, whatever it is called."""

from __future__ import annotations

import json
import string
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cc_fleet.host import redact
from cc_fleet.model import REDACTED
from tests.host.test_shell import within

KEYS = [
    "sk-ant-api03-AbCdEf", "ghp_0123456789abcdefghij", "github_pat_11AAAA", "glpat-abcdefgh", "xoxb-1234-abcd", "AKIAIOSFODNN7EXAMPLE",
    "AIzaSyA-1234567", "ya29.a0AfH6SM", "eyJhbGciOiJIUzI1NiJ9.e30.x", "npm_abcdefghijklmnopqrst", "hvs.CAESIJ", "-----BEGIN PRIVATE KEY-----",
    "Bearer abc", "basic dXNlcjpwYXNz", "0123456789abcdef0123456789abcdef", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "3fa85f64-5717-4562-b3fc-2c963f66afa6",
]  # fmt: skip
KEPT = ["ANTHROPIC_MODEL", "CLAUDE_CODE_USE_BEDROCK", "MAX_THINKING_TOKENS", "CLAUDE_CONFIG_DIR", "ANTHROPIC_BETAS"]
HIDDEN = ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_CUSTOM_HEADERS", "AWS_SECRET_ACCESS_KEY", "MY_NAME", "PATH", "CLAUDE_X", ""]


@pytest.mark.parametrize("name", KEPT)
@pytest.mark.parametrize("value", ["1", "claude-opus-4-8", "~/x", 5, 0.5, True, None, "", "true", "context-1m-2025-08-07,x-2025-01-01"])
def test_values_of_known_names_are_kept(name: str, value: object) -> None:
    assert redact.variable(name, value) == value


@pytest.mark.parametrize("name", HIDDEN)
@pytest.mark.parametrize("value", ["hunter2", 5, 0.5, ["a"], {"a": "b"}, {"a": {"b": 1}}, [["a"]]])
def test_values_of_other_names_leave_their_shape(name: str, value: object) -> None:
    kept = redact.variable(name, value)
    assert kept == redact.shape(value)
    assert type(kept) is type(value) or kept == REDACTED
    assert "hunter2" not in json.dumps(kept)


@pytest.mark.parametrize("value", ["", None, True, False])
def test_what_can_be_no_secret_is_kept_whatever_its_name(value: object) -> None:
    assert redact.variable("ANTHROPIC_API_KEY", value) == value


@pytest.mark.parametrize("name", [*KEPT, "ANTHROPIC_BASE_URL", "HTTPS_PROXY", *HIDDEN])
@pytest.mark.parametrize("key", KEYS)
def test_what_looks_like_a_key_is_never_kept(name: str, key: str) -> None:
    keep = frozenset({name})
    for value in (key, f"x {key} y", [key], {"a": key}, [[key]], {key: 1}):
        assert key not in json.dumps(redact.variable(name, value, keep))
        assert key not in json.dumps(redact.setting(("env", name), value, keep))
        assert key not in json.dumps(redact.setting(("model",), value, keep))
        assert key not in json.dumps(redact.setting((name,), value, keep))
    assert redact.name(key) == REDACTED


@pytest.mark.parametrize(
    "key, value, kept",
    [
        (("model",), "opus", "opus"),
        (("permissions", "defaultMode"), "plan", "plan"),
        (("permissions", "allow"), ["Bash(curl -H x:hunter2)"], [REDACTED]),
        (("availableModels",), ["opus", "sk-ant-x", {"a": 1}, 3, None], ["opus", REDACTED, {REDACTED: REDACTED}, 3, None]),
        (("apiKeyHelper",), "echo hunter2", REDACTED),
        (("hooks",), {"PreToolUse": [{"command": "hunter2"}]}, {REDACTED: REDACTED}),
        (("mcpServers",), {}, {}),
        (("env",), "hunter2", REDACTED),
        (("env", "ANTHROPIC_MODEL"), "opus", "opus"),
        (("env", "ANTHROPIC_API_KEY"), "hunter2", REDACTED),
        (("env", "ANTHROPIC_BETAS"), ["a", "sk-ant-x"], ["a", REDACTED]),
        (("cleanupPeriodDays",), 30, 30),
        (("model",), {"a": "hunter2"}, {REDACTED: REDACTED}),
        (("model",), "x" * 201, REDACTED),
        (("model",), "\ud800", "\\ud800"),
    ],
)
def test_settings(key: tuple[str, ...], value: object, kept: object) -> None:
    assert redact.setting(key, value) == kept


@pytest.mark.parametrize(
    "name, kept",
    [("MY_FLAG", "hunter2"), ("MY_TOKEN", REDACTED), ("X_API_KEY", REDACTED), ("X_PASSWORD", REDACTED), ("AUTHOR", "hunter2"), ("MAX_TOKENS", "hunter2"),
     ("apiKeyHelper", REDACTED), ("MY_KEY", REDACTED), ("KEYMAP", REDACTED), ("X_COOKIE", REDACTED), ("ATTRIBUTION_HEADER", "hunter2"), ("X_HEADERS", REDACTED)],
)  # fmt: skip
def test_a_policy_opens_a_name_unless_it_sounds_like_a_secret(name: str, kept: str) -> None:
    assert redact.variable(name, "hunter2", frozenset({name})) == kept
    assert redact.setting((name,), "hunter2", frozenset({name})) == kept
    assert redact.variable(name, "hunter2") == REDACTED


@pytest.mark.parametrize("name, yes", [("CLAUDE_X", True), ("MY_ANTHROPIC", True), ("IS_DEMO", True), ("MAX_TOOL_USE_CONCURRENCY", True), ("OF_POLICY", True), ("PATH", False)])
def test_which_variables_concern_claude_code(name: str, yes: bool) -> None:
    assert redact.concerns(name, frozenset({"OF_POLICY"})) == yes


@pytest.mark.parametrize(
    "text, kept",
    [
        ("https://h.example/v1", "https://h.example/v1"),
        ("http://localhost:4000", "http://localhost:4000"),
        (" https://h/ ", "https://h/"),
        ("https://u:hunter2@h/x", f"https://{REDACTED}@h/x"),
        ("https://hunter2@h", f"https://{REDACTED}@h"),
        ("https://h/x?key=hunter2#hunter2", f"https://h/x?{REDACTED}"),
        ("https://h/x?a=hunter2", "https://h/x"),
        ("https://h?hunter2", "https://h"),
        ("https://[::1]:80/x", "https://[::1]:80/x"),
        ("https://h/sk-ant-x/v1", f"https://h/{REDACTED}/v1"),
        ("h.example/v1", REDACTED),
        ("https://", REDACTED),
        ("u:hunter2@h:80", REDACTED),
        ("", REDACTED),
    ],
)
def test_urls(text: str, kept: str) -> None:
    assert redact.url(text) == kept
    assert redact.variable("ANTHROPIC_BASE_URL", text) == ("" if text == "" else kept)


@pytest.mark.parametrize(
    "text",
    [
        "https://u:hun@ter2@h/x", "https://u:hun/ter2@h/x", "https://u:hun?ter2@h", "https://u:hun#ter2@h", "https://u:hun ter2@h", "https://u:hun\\ter2@h",
        "https://h/x@y:hunter2", "https:u:hunter2@h", "https:/u:hunter2@h", "//u:hunter2@h",
    ],
)  # fmt: skip
def test_of_a_url_with_an_odd_password_nothing_of_the_password_is_kept(text: str) -> None:
    kept = redact.url(text)
    assert "hun" not in kept
    assert "ter2" not in kept


@pytest.mark.parametrize("text", ["https://sk-ant-api03-x.h/v1", "https://0123456789abcdef0123456789abcdef.h/", "https://h/wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "https://h/v1/sk%2Dant-api03-x"])
def test_a_key_in_a_host_or_across_a_path_is_not_kept(text: str) -> None:
    kept = redact.url(text)
    assert not any(part in kept for part in ("ant-api03", "0123456789abcdef", "K7MDENG"))


@pytest.mark.parametrize("value", [5, ["https://u:hunter2@h"], {"a": "hunter2"}])
def test_a_url_that_is_no_text_leaves_its_shape(value: object) -> None:
    assert "hunter2" not in json.dumps(redact.variable("ANTHROPIC_BASE_URL", value))


@pytest.mark.parametrize(
    "text, yes",
    [("https://u:p@h", True), ("https://u@h", True), ("https://h?api_key=x", True), ("https://h?a=b", False), ("https://h/x", False), ("x", False), ("https://h?a=1&token=x", True),
     ("https://u:p/w@h", True), ("https://u:p?w@h", True)],
)  # fmt: skip
def test_which_urls_hold_a_secret(text: str, yes: bool) -> None:
    assert redact.has_secret(redact.url(text)) == yes


@pytest.mark.parametrize(
    "value, kept",
    [("x", REDACTED), (5, REDACTED), (None, REDACTED), ({}, {}), ({"a": 1}, {REDACTED: REDACTED}), ([], []), ([True, "x", None, [1]], [True, REDACTED, REDACTED, REDACTED]), (["x"] * 101, [REDACTED] * 100)],
)
def test_shapes(value: object, kept: object) -> None:
    assert redact.shape(value) == kept


def test_a_number_that_may_be_a_secret_is_not_kept_in_a_list() -> None:
    assert "4929123412341234" not in json.dumps(redact.variable("MY_PINS", [4929123412341234]))


@pytest.mark.parametrize("text, kept", [("model", "model"), ("x" * 120, "x" * 120), ("x" * 121, REDACTED), ("sk-ant-x", REDACTED)])
def test_names(text: str, kept: str) -> None:
    assert redact.name(text) == kept


@pytest.mark.parametrize("text", ["https://h/" + "a" * 1_000_000, "https://" + "a" * 1_000_000, "a" * 1_000_000, "https://u:" + "@" * 1_000_000, "https://h?" + "k" * 1_000_000])
def test_a_megabyte_is_judged_in_seconds(text: str) -> None:
    with within(3):
        redact.url(text)
        redact.name(text)
        redact.variable("ANTHROPIC_MODEL", text)


SECRET = st.one_of(
    st.text(string.ascii_letters + string.digits, min_size=16, max_size=40).map("sk-ant-".__add__),
    st.text("0123456789abcdef", min_size=30, max_size=62).map("a1".__add__),
    st.text(string.ascii_uppercase + string.digits, min_size=16, max_size=16).map("AKIA".__add__),
    st.text(string.ascii_letters + string.digits, min_size=36, max_size=36).map("ghp_".__add__),
    st.text(string.ascii_letters + string.digits + "_-", min_size=20, max_size=60).map("eyJ".__add__),
)
WHERE = st.sampled_from(["{}", "x{}", "{} y", "https://u:{}@h/x", "https://{}@h", "https://h/{}", "https://h/a/{}/b", "https://h/?k={}", "https://h/#{}", "https://{}.h/", "https://h:{}/", "{}://h/"])
NAMES = st.sampled_from([*KEPT, *HIDDEN, "ANTHROPIC_BASE_URL", "HTTPS_PROXY", "model", "permissions"]) | st.text(string.ascii_uppercase + "_", min_size=1, max_size=20)


def _nested(value: Any, shape: int) -> Any:
    return [value, [value], {"a": value}, [{"a": [value]}], {value: value}, {"a": {"b": [value, value]}}][shape]


@settings(max_examples=500, deadline=None)
@given(SECRET, WHERE, NAMES, st.integers(0, 5), st.booleans())
def test_a_planted_secret_never_comes_out(secret: str, where: str, name: str, shape: int, spoken_of: bool) -> None:
    value = _nested(where.format(secret), shape)
    keep = frozenset({name}) if spoken_of else frozenset()
    given_out = [redact.variable(name, value, keep), *(redact.setting(key, value, keep) for key in (("env", name), (name,), ("permissions", name), ("a", "b", name)))]
    given_out += [redact.shape(value), redact.name(where.format(secret)), redact.url(where.format(secret))]
    assert secret not in json.dumps(given_out, ensure_ascii=False)


@settings(max_examples=300, deadline=None)
@given(st.text(string.ascii_letters + string.digits + "!$%^&*()_+-=~.,;:@/?#\\ ", min_size=6, max_size=20).filter(lambda text: text.strip() == text), st.sampled_from(["https://u:{}@host.example/v1", "http://{}@localhost:4000"]))
def test_a_password_in_a_url_never_comes_out(password: str, where: str) -> None:
    """By pieces too: whatever marks it is made of, no run of four of its letters is kept."""
    kept = redact.url(where.format(password))
    assert not [part for part in (password[at : at + 4] for at in range(len(password) - 3)) if part.isalnum() and part in kept and part not in f"https://host.example/v1 http://localhost:4000 {REDACTED}"]


@pytest.mark.parametrize("url", ["https://h.example/x\x00api_key=hunter2", "https://h.example/v1/token=hunter2/x", "https://h.example/x%26key=hunter2"])
def test_a_query_whose_mark_was_lost_is_not_shown(url: str) -> None:
    assert "hunter2" not in redact.url(url)
    assert redact.url("https://h.example/a=b/v1") == "https://h.example/a=b/v1"
