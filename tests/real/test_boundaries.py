"""Nightly: the versions between which the client's treatment of settings files, and of a refusal, changed.

Each row of ``BOUNDARIES`` names a change, the last version measured before it and the first
after it, and what both do; ``cc_fleet/client/validity.py`` and the client's ``…_SINCE`` rest on it.
The advisory on the role "system" rests on ``HEALED``.
"""

from __future__ import annotations

import json
import os
from typing import NamedTuple

import pytest

from cc_fleet.client import truth
from tests.real import sandbox
from tests.real.sandbox import Layout

pytestmark = pytest.mark.nightly
MARK = "marker-2099-01-01"


def text(**more: object) -> str:
    return json.dumps({"env": {"ANTHROPIC_BETAS": MARK}, **more})


class Boundary(NamedTuple):
    """Under ``layout`` the marker is ``sent``, ``lost``, or the client does not start (``stops``)."""

    name: str
    layout: Layout
    before: tuple[str, str]
    after: tuple[str, str]


GIT = {"work/.git/HEAD": "ref: refs/heads/main\n", "work/.git/refs/": "", "work/.git/objects/": "", "work/sub/": ""}
BOUNDARIES = (
    Boundary("a drop-in is read", Layout(drop_ins={"50-x.json": text()}), ("2.1.81", "lost"), ("2.1.83", "sent")),
    Boundary("cleanupPeriodDays 0 voids a file", Layout(user=text(cleanupPeriodDays=0)), ("2.1.83", "sent"), ("2.1.90", "lost")),
    Boundary("a gate is known", Layout(managed=text(requiredMinimumVersion="9.0.0")), ("2.1.162", "sent"), ("2.1.163", "stops")),
    Boundary("a bound of a wrong type voids a user's file", Layout(user=text(requiredMinimumVersion=9)), ("2.1.162", "sent"), ("2.1.163", "lost")),
    Boundary("a bound of a wrong type costs the entry", Layout(managed=text(requiredMaximumVersion=9)), ("2.1.165", "lost"), ("2.1.166", "sent")),
    Boundary("hooks of a wrong type cost the entry", Layout(user=text(hooks="x")), ("2.1.120", "lost"), ("2.1.132", "sent")),
    Boundary("a number in permissions.allow costs the entry", Layout(user=text(permissions={"allow": [5]})), ("2.1.25", "lost"), ("2.1.50", "sent")),
    Boundary("a wrong type in managed settings costs the entry", Layout(managed=text(model=5)), ("2.1.162", "lost"), ("2.1.166", "sent")),
    Boundary("a file over 2 MiB is refused", Layout(user=text() + " " * (3 * 1024**2)), ("2.1.190", "sent"), ("2.1.200", "lost")),
    Boundary(
        "the git root's local settings are read", Layout(files={"work/.claude/settings.local.json": text(), **GIT}, cwd="work/sub"),
        ("2.1.210", "lost"), ("2.1.215", "sent"),
    ),
    Boundary("a managed file must parse", Layout(managed='{"env": {},}'), ("2.1.257", "lost"), ("2.1.260", "stops")),
)  # fmt: skip


# The wording of a 400 for the role "system", and what a client does: ask again without the role, or give up.
HEALED = (
    ("role 'system' is not supported on this model", ("2.1.153", "no role"), ("2.1.154", "heals")),
    ('messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter, not "system" as an input message role.',
     ("2.1.153", "no role"), ("2.1.154", "heals")),
    ("messages.1.role: Input should be 'user' or 'assistant'", ("2.1.309", "fails"), ("2.1.310", "heals")),
    ("messages[1].role: unknown variant `system`, expected `user` or `assistant`", ("2.1.309", "fails"), ("2.1.310", "heals")),
    ("messages[1].role must be either 'user' or 'assistant', but got 'system'", ("2.1.309", "fails"), ("2.1.330", "fails")),
    ("System messages are not allowed", ("2.1.309", "fails"), ("2.1.330", "fails")),
)  # fmt: skip
CACHE = "home/.claude/remote-settings.json"
DIRECT = {"ANTHROPIC_BASE_URL": ""}


@pytest.fixture(autouse=True)
def _real() -> None:
    if (reason := sandbox.missing()) != "":
        assert not os.environ.get("CC_FLEET_REQUIRE_REAL"), reason
        pytest.skip(reason)


@pytest.mark.parametrize("boundary", BOUNDARIES, ids=lambda boundary: boundary.name)
def test_boundary(boundary: Boundary) -> None:
    for version, expected in (boundary.before, boundary.after):
        found = sandbox.observe(sandbox.install(version), boundary.layout)
        seen = "stops" if not found.requests else "sent" if MARK in found.betas else "lost"
        assert (version, seen) == (version, expected)


@pytest.mark.parametrize(("refusal", "before", "after"), HEALED, ids=[row[0][:44] for row in HEALED])
def test_a_refused_role(refusal: str, before: tuple[str, str], after: tuple[str, str]) -> None:
    for version, expected in (before, after):
        found = sandbox.observe(sandbox.install(version), Layout(), refusal=refusal)
        seen = "no role" if "system" not in found.attempts[0] else "heals" if found.attempts[1:] == (("user",),) else "fails"
        assert (version, seen, found.exit_code) == (version, expected, int(expected == "fails"))


@pytest.mark.parametrize("version", ["2.1.112", "2.1.163", "2.1.330"])
@pytest.mark.parametrize("where", ["process", "user"])
def test_behind_a_gateway_the_server_managed_cache_is_not_asked(version: str, where: str) -> None:
    """What an organisation's console sent before, kept in the home folder, counts for Anthropic's own address alone."""
    cache = json.dumps({"env": {"ANTHROPIC_BETAS": MARK}, "model": "model-cached", "requiredMinimumVersion": "9.0.0"})
    user = json.dumps({"env": {"ANTHROPIC_BASE_URL": "http://127.0.0.1:8080"}}) if where == "user" else None
    found = sandbox.observe(sandbox.install(version), Layout(environ=DIRECT if user else {}, user=user, files={CACHE: cache}))
    assert (found.requests, MARK in found.betas, found.model == "model-cached") == (1, False, False)


@pytest.mark.parametrize("version", ["2.1.163", "2.1.330"])
def test_without_a_gateway_the_server_managed_cache_hides_the_managed_file(version: str) -> None:
    """Offline as well: the cached gate stops the client, and the file's, which would stop it first, is not asked."""
    managed = json.dumps({"requiredMinimumVersion": "9.0.0"})
    for cached, word in (({"requiredMaximumVersion": "1.0.0"}, "maximum"), ({}, "minimum")):
        found = sandbox.observe(sandbox.install(version), Layout(environ=DIRECT, managed=managed, files={CACHE: json.dumps(cached)}))
        assert (found.requests, f"{word} version" in found.stderr) == (0, True), found.stderr


@pytest.mark.parametrize("text", ["1", "0", "off", ""])
def test_any_text_switches_these_on(text: str) -> None:
    """2.1.330 asks whether the gateway is there, unless traffic that is not essential is switched off."""
    name = "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"
    found = sandbox.observe(sandbox.install("2.1.330"), Layout(environ={name: text}))
    assert ("HEAD /api/hello" not in found.others) is truth.is_on(name, text)
