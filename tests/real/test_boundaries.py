"""Nightly: the versions between which the client's treatment of settings files changed.

Each row of ``BOUNDARIES`` names a change, the last version measured before it and the first
after it, and what both do; ``cc_fleet/client/validity.py`` and the client's ``…_SINCE`` rest on it.
"""

from __future__ import annotations

import json
import os
from typing import NamedTuple

import pytest

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


@pytest.mark.parametrize("boundary", BOUNDARIES, ids=lambda boundary: boundary.name)
def test_boundary(boundary: Boundary) -> None:
    if (reason := sandbox.missing()) != "":
        assert not os.environ.get("CC_FLEET_REQUIRE_REAL"), reason
        pytest.skip(reason)
    for version, expected in (boundary.before, boundary.after):
        found = sandbox.observe(sandbox.install(version), boundary.layout)
        seen = "stops" if not found.requests else "sent" if MARK in found.betas else "lost"
        assert (version, seen) == (version, expected)
