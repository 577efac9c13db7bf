"""What surrounds a test is not what surrounds the person, or the CI, that runs it."""

from __future__ import annotations

import pytest

SURROUNDINGS = ("CC_FLEET_POLICY", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE", "CI_PROJECT_DIR", "CI", "GITLAB_CI", "NO_COLOR", "FORCE_COLOR", "COLUMNS")


@pytest.fixture(autouse=True)
def _nobodys_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SURROUNDINGS:
        monkeypatch.delenv(name, raising=False)
