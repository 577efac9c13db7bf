"""Packages and what locks make of them: what the cases do not hold (every lock's corners, hostile files, bounds)."""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cc_fleet import repo
from cc_fleet.model import Place
from cc_fleet.repo.reading import locks

if TYPE_CHECKING:
    from cc_fleet.model import Target

NAME = "@anthropic-ai/claude-code"


def collected(tmp: Path, files: dict[str, str | bytes]) -> Target:
    for path, text in files.items():
        file = tmp / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return repo.collect(str(tmp))


def resolved(tmp: Path, files: dict[str, str | bytes]) -> list[tuple[str | None, str | None, str]]:
    return [(one.spec, one.resolved, str(one.lock)) for one in collected(tmp, files).declared]


def package(spec: str = "^2.1.0", rest: str = "") -> str:
    return f'{{\n  "dependencies": {{"{NAME}": "{spec}"}}{rest}\n}}\n'


V1 = (
    '{"lockfileVersion": 1, "requires": true, "dependencies": {"a\\"{": {"version": "1.0.0", "dependencies": {'
    f'"{NAME}": {{"version": "2.1.17"}}}}}}, "{NAME}": {{"version": "2.1.300"}}}}}}'
)
NESTED = V1.replace(f', "{NAME}": {{"version": "2.1.300"}}', "")
V3_NESTED = f'{{"packages": {{"node_modules/x/node_modules/{NAME}": {{"version": "2.1.17"}}}}}}'
V3_LINK = f'{{"packages": {{"node_modules/{NAME}": {{"resolved": "fork", "link": true}}, "fork": {{"version": "2.1.17"}}}}}}'
V3_OTHER = f'{{"packages": {{"node_modules/{NAME}": {{"name": "@acme/stub", "version": "2.1.17"}}}}}}'
V3 = f'{{"packages": {{"node_modules/{NAME}": {{"version": "2.1.300"}}}}}}'
PNPM_5 = f"lockfileVersion: 5.4\nspecifiers:\n  '{NAME}': ^2.1.0\ndependencies:\n  '{NAME}': 2.1.300_zod@3\npackages:\n  /{NAME}/2.1.300: {{}}\n"
PNPM_5_STALE = PNPM_5.replace("^2.1.0", "^2.0.0")
PNPM_9_PEER = f"importers:\n  .:\n    devDependencies:\n      '{NAME}':\n        specifier: ^2.1.0\n        version: 2.1.300(zod@3.1.0)\npackages:\n"
PNPM_ONLY_BELOW = f"packages:\n  /{NAME}@2.1.300:\n    dependencies:\n      '{NAME}': 2.1.17\n"
BERRY = f'"{NAME}@npm:^2.1.0, {NAME}@npm:^2.1.5":\n  version: 2.1.300\n  resolution: "x"\n'
YARN = f'"{NAME}@^2.0.0":\n  version "2.1.17"\n\n"{NAME}@>=2", "{NAME}@^2.1.0":\n  version "2.1.300"\n'


@pytest.mark.parametrize(
    ("name", "lock", "want"),
    [
        ("package-lock.json", V1, "2.1.300"),
        ("package-lock.json", NESTED, None),
        ("package-lock.json", V3_NESTED, None),
        ("package-lock.json", V3_LINK, None),
        ("package-lock.json", V3_OTHER, None),
        ("package-lock.json", V3.replace("2.1.300", "3.0.0"), None),
        ("package-lock.json", V3.replace("{", "{\r\n"), "2.1.300"),
        ("pnpm-lock.yaml", PNPM_5, "2.1.300"),
        ("pnpm-lock.yaml", PNPM_5.replace("\n", "\r\n"), "2.1.300"),
        ("pnpm-lock.yaml", PNPM_5_STALE, None),
        ("pnpm-lock.yaml", PNPM_9_PEER, "2.1.300"),
        ("pnpm-lock.yaml", PNPM_9_PEER.replace("  .:", "  apps/web:"), None),
        ("pnpm-lock.yaml", PNPM_9_PEER.replace("  .:", "  .:\n    dependencies:\n      x: {}\n\n  apps/web:"), None),
        ("pnpm-lock.yaml", PNPM_ONLY_BELOW, None),
        ("yarn.lock", BERRY, "2.1.300"),
        ("yarn.lock", YARN, "2.1.300"),
        ("yarn.lock", YARN.replace("^2.1.0", "^2.1.1"), None),
        ("bun.lock", f'{{"packages": {{"{NAME}": ["{NAME}@2.1.300", "", {{}}],}},}}', "2.1.300"),
        ("bun.lock", f'{{"packages": {{"x/{NAME}": ["{NAME}@2.1.300", ""]}}}}', None),
    ],
)
def test_what_a_lock_makes_of_a_range(tmp_path: Path, name: str, lock: str, want: str | None) -> None:
    ((spec, found, where),) = resolved(tmp_path, {"package.json": package(), name: lock})
    assert (spec, found) == ("^2.1.0", want)
    assert where.startswith(name) == (want is not None)


def test_a_lock_is_placed_at_its_version(tmp_path: Path) -> None:
    (fact,) = collected(tmp_path, {"package.json": package(), "yarn.lock": YARN.replace("\n", "\r\n")}).declared
    assert fact.lock == Place("yarn.lock", 5, 12, "2.1.300")
    assert fact.pin == Place("package.json", 2, 50, "^2.1.0")
    assert (fact.place.line, fact.place.text) == (2, f'"{NAME}": "^2.1.0"')


def test_workspaces_take_the_lock_above_them_if_it_knows_them(tmp_path: Path) -> None:
    root = '{"private": true, "workspaces": {"packages": ["./apps/*", "libs/**"]}}'
    files: dict[str, str | bytes] = {"package.json": root, "yarn.lock": YARN}
    files |= {f"{folder}/package.json": package() for folder in ("apps/web", "libs/a/b", "other", "apps/web/deeper")}
    found = {one.place.file.removesuffix("/package.json"): one.resolved for one in collected(tmp_path, files).declared}
    assert found == {"apps/web": "2.1.300", "libs/a/b": "2.1.300", "other": None, "apps/web/deeper": None}


def test_npm_and_bun_workspaces_know_their_folders(tmp_path: Path) -> None:
    lock = f'{{"packages": {{"a": {{}}, "a/node_modules/{NAME}": {{"version": "2.1.200"}}, "b": {{}}, "node_modules/{NAME}": {{"version": "2.1.300"}}}}}}'
    found = resolved(tmp_path, {"package-lock.json": lock, "a/package.json": package(), "b/package.json": package(), "c/package.json": package()})
    assert [version for _, version, _ in found] == ["2.1.200", "2.1.300", None]


def test_a_manager_that_is_named_makes_leftovers_of_other_locks(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"package-lock.json": V3, "yarn.lock": YARN.replace('"2.1.300"', '"2.1.200"')}
    both = resolved(tmp_path, {**files, "package.json": package()})
    assert sorted(str(version) for _, version, _ in both) == ["2.1.200", "2.1.300"]
    assert [version for _, version, _ in resolved(tmp_path, {**files, "package.json": package(rest=', "packageManager": "yarn@1.22.22"')})] == ["2.1.200"]
    assert [version for _, version, _ in resolved(tmp_path, {**files, "package.json": package(rest=', "packageManager": "pnpm@9.0.0"')})] == [None]


def test_catalogs_are_judged_where_they_are_written(tmp_path: Path) -> None:
    lock = PNPM_9_PEER.replace("specifier: ^2.1.0", "specifier: 'catalog:'")
    files: dict[str, str | bytes] = {"package.json": package("catalog:"), "pnpm-workspace.yaml": f"catalog:\n  '{NAME}': ^2.1.0\n", "pnpm-lock.yaml": lock}
    (fact,) = collected(tmp_path, files).declared
    assert (str(fact.place), str(fact.used), fact.spec, fact.resolved) == ("pnpm-workspace.yaml:2", "package.json:2", "^2.1.0", "2.1.300")
    (fact,) = collected(tmp_path, {"package.json": package("catalog:other")}).declared
    assert "no catalog here has it" in str(fact.unresolved)


def test_a_range_of_a_peer_is_its_users_affair(tmp_path: Path) -> None:
    assert not collected(tmp_path, {"package.json": package().replace("dependencies", "peerDependencies")}).declared


def test_a_script_that_runs_the_projects_own_copy_installs_nothing(tmp_path: Path) -> None:
    script = f', "scripts": {{"a": "npx {NAME} -p x", "b": "npx {NAME}@latest"}}'
    assert [one.spec for one in collected(tmp_path, {"package.json": package("2.1.300", script)}).declared] == ["2.1.300", "latest"]


@pytest.mark.parametrize("spec", ["git+https://bob:hunter2@git.example/x.git#v2", "file:../cli", "github:anthropics/claude-code", "workspace:*"])
def test_what_is_no_version_is_not_resolved_and_tells_no_secret(tmp_path: Path, spec: str) -> None:
    (fact,) = collected(tmp_path, {"package.json": package(spec)}).declared
    assert fact.unresolved
    assert fact.spec is None
    assert "hunter2" not in repr(fact)


def test_tarballs_and_overrides_in_every_writing(tmp_path: Path) -> None:
    text = package(f"https://registry.example/{NAME}/-/claude-code-2.1.17.tgz") + ""
    assert [one.spec for one in collected(tmp_path, {"package.json": text}).declared] == ["2.1.17"]
    overrides = f'{{"overrides": {{"x": {{"{NAME}": "2.1.1"}}, "{NAME}@^1": {{".": "2.1.2"}}}}, "resolutions": {{"**/{NAME}": "2.1.3"}}}}'
    workspace = f"overrides:\n  'x>{NAME}': 2.1.4\n  '{NAME}@1': '2.1.5'\n"
    found = collected(tmp_path, {"package.json": overrides, "pnpm-workspace.yaml": workspace}).declared
    assert [one.spec for one in found] == ["2.1.1", "2.1.2", "2.1.3", "2.1.4", "2.1.5"]


def test_a_broken_package_is_a_gap_with_its_place(tmp_path: Path) -> None:
    target = collected(tmp_path, {"package.json": f'{{\n  "dependencies": {{"{NAME}": "^2.1.0",}}\n}}'})
    ((_, place),) = target.gaps
    assert (place.file, place.line, place.column) == ("package.json", 2, 58)


def test_bun_s_binary_lock_is_a_gap_only_for_a_range(tmp_path: Path) -> None:
    assert [str(gap.place) for gap in collected(tmp_path, {"package.json": package(), "bun.lockb": b"#!bun\0"}).gaps] == ["bun.lockb"]
    assert not collected(tmp_path, {"package.json": package("2.1.300")}).gaps


def test_a_lock_of_200_mb_is_a_gap_and_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "package-lock.json").open("wb") as file:
        file.write(V3.encode())
        os.ftruncate(file.fileno(), 200 * 1024 * 1024)
    began = time.process_time()
    target = collected(tmp_path, {"package.json": package()})
    assert time.process_time() - began < 1
    assert [str(gap.place) for gap in target.gaps] == ["package-lock.json"]
    assert "64 MiB" in target.gaps[0].reason
    assert [one.resolved for one in target.declared] == [None]


def quotes() -> bytes:
    return b'{"dependencies": {"' + b'\\"' * 8_000_000 + f'"{NAME}": {{'.encode() * 200


def many_heads() -> bytes:
    return f"{NAME}@".encode() * 600_000


def many_groups() -> bytes:
    return b"dependencies:\n" * 300_000 + NAME.encode()


def many_spaces() -> bytes:
    return (f'"node_modules/{NAME}"' + " " * 1000).encode() * 10_000


@pytest.mark.parametrize(
    ("name", "made"), [("package-lock.json", quotes), ("yarn.lock", many_heads), ("pnpm-lock.yaml", many_groups), ("package-lock.json", many_spaces), ("bun.lock", many_spaces)]
)  # fmt: skip
def test_hostile_locks_cost_bounded_time_and_memory(tmp_path: Path, name: str, made: object) -> None:
    assert callable(made)
    (tmp_path / name).write_bytes(made())
    began, memory = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert [one.resolved for one in collected(tmp_path, {"package.json": package()}).declared] == [None]
    assert time.process_time() - began < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 600 * 1024


def test_hostile_packages(tmp_path: Path) -> None:
    assert collected(tmp_path, {"package.json": package("9" * 100_000)}).declared[0].resolved is None
    assert collected(tmp_path, {"package.json": b"\xff\xfe\x00" + package().encode()}).declared == ()
    assert collected(tmp_path, {"package.json": f'{{"{NAME}": ' + "[" * 100_000}).gaps
    deep = '{"overrides": ' + '{"claude": ' * 400 + f'{{"{NAME}": "2.1.1"}}' + "}" * 401
    target = collected(tmp_path, {"package.json": deep})
    assert [one.spec for one in target.declared] == ["2.1.1"] or target.gaps


def test_a_lock_that_leads_out_of_the_repository_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text(V3)
    (tmp_path / "r").mkdir()
    (tmp_path / "r/package-lock.json").symlink_to("../outside")
    target = collected(tmp_path / "r", {"package.json": package()})
    assert [one.resolved for one in target.declared] == [None]
    assert [str(gap.place) for gap in target.gaps] == ["package-lock.json"]


@pytest.mark.parametrize(
    ("spec", "version", "want"), [("^2.1.0", "2.1.9", True), ("latest", "2.1.9", True), ("", "2.1.9", True), ("~2.1.0 || 3", "2.2.0", False), ("9" * 1000, "2.1.9", False), ("two words", "2.1.9", False)]
)  # fmt: skip
def test_what_a_range_admits(spec: str, version: str, want: bool) -> None:
    assert locks.admits(spec, version) is want
